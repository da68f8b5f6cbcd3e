#!/usr/bin/env python3
"""test_train_rl.py -- assay train with rewards, over the real binary: it learns what is rewarded and nothing from a coin, a killed run
ends as if nothing had been, every option changes the result or is refused, what stops a run. SPDX-License-Identifier: Apache-2.0"""
import json
import re
import resource
import shutil
import signal
import struct

from run_assay import SOURCE, TEST_PLUGINS, AssayTest, main, wait_for

MODEL = SOURCE / "examples/models/countdown"
TINY = SOURCE / "tests/golden/models"
ALGOS = ("ppo", "grpo", "dr_grpo", "rloo", "reinforce++", "reinforce++_baseline", "remax", "dapo", "gspo", "grpo_passk")
SHORT = 'format:{"tags":[],"max_bytes":7}'  # an answer of at most seven bytes
LONG = 'format:{"tags":[],"min_bytes":8}'
SMALL = {"algo": "grpo", "model": str(MODEL), "reward": SHORT, "steps": 2, "train_batch_size": 4, "n": 4,
         "max_response_length": 16, "lr": 3e-4, "micro_tokens": 512, "rollouts_every": 0}
PROMPTS = [{"id": f"p{k}", "prompt": f"{1 + k % 3} {2 + k % 5} {3 + k % 7} {4 + k % 9}={5 + k}:", "reference": str(k)} for k in range(24)]
CLOCKS = ("time", "tokens_per_s")


class Base(AssayTest):
    def config(self, prompts=None, without=(), **more):
        data = self.file("prompts.jsonl", prompts or PROMPTS)
        config = dict(SMALL, **{"prompts": data, **more})
        return self.file("rl.json", [{k: v for k, v in config.items() if k not in without}])

    def train(self, run, *args, rc=0, config=None, **more):
        return self.assay("train", config or self.config(**more), "--out", self.dir / run, *args, rc=rc)

    def step(self, run, n):
        return self.dir / run / "checkpoints" / f"step_{n}"

    def weights(self, run, n, *folders):
        files = [self.step(run, n)] + [self.dir / run / folder / f"step_{n}" for folder in folders]
        return [(f / name).read_bytes() for f in files for name in ("model.safetensors", "optim.safetensors")]

    def metrics(self, run):
        """The lines without what a clock says."""
        rows = [json.loads(line) for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]
        return [{k: v for k, v in row.items() if k not in CLOCKS and not k.startswith("timing/")} for row in rows]

    def manifest(self, run):
        return json.loads((self.dir / run / "manifest.json").read_text())


class Learning(Base):
    def test_what_is_rewarded(self):
        """Long answers become the rule; where a coin rewards, they do not. Windows of two epochs, so that the same prompts count."""
        more = {"steps": 42, "train_batch_size": 8, "n": 8, "lr": 4e-4}
        self.train("taught", reward=LONG, **more)
        self.train("control", reward="coin", holdout=LONG, **more)
        taught = [row["reward/mean"] for row in self.metrics("taught")]
        coin = [row["reward/mean"] for row in self.metrics("control")]
        watched = [row["holdout/format"] for row in self.metrics("control")]

        def mean(numbers):
            return sum(numbers) / len(numbers)
        self.assertGreater(mean(taught[-6:]), mean(taught[:6]) + 0.4)
        self.assertLess(abs(mean(watched[-6:]) - mean(watched[:6])), 0.3)
        self.assertGreater(mean(taught[-6:]), mean(watched[-6:]) + 0.2)
        self.assertLess(abs(mean(coin) - 0.5), 0.06)
        self.assertEqual(watched[0], taught[0])  # the first step's responses are the same

    def test_each_algorithm(self):
        weights = {}
        for algo in ALGOS:
            self.train("run", "--force", "--quiet", algo=algo, n=4, steps=2, reward="coin")
            rows = self.metrics("run")
            self.assertEqual([row["step"] for row in rows], [1, 2])
            ties = {"actor/ppo_kl", "actor/ratio_min", "actor/ratio_max"} if algo == "grpo_passk" else set()  # no best response
            for name in {"reward/mean", "reward/std", "reward/pass@1", "reward/unscored", "reward/frac_zero_std", "reward/frac_all_0",
                         "reward/frac_all_1", "verifier/coin", "actor/loss", "actor/entropy", "actor/ppo_kl", "actor/pg_clipfrac",
                         "actor/grad_norm", "actor/lr", "response_length/mean", "response_length/clip_ratio", "total_tokens"} - ties:
                self.assertIsInstance(rows[0][name], (int, float), (algo, name))
            self.assertEqual("critic/vf_loss" in rows[0], algo == "ppo")
            if not ties:
                self.assertEqual((rows[0]["actor/ratio_min"], rows[0]["actor/ratio_max"]), (1, 1))  # on the policy
            weights[algo] = self.weights("run", 2)[0]
            self.assertEqual(self.manifest("run")["config"]["algo"], algo)
        # grpo and dapo differ where groups are left out, gspo from grpo in how tokens add up
        self.assertGreaterEqual(len(set(weights.values())), len(ALGOS) - 1)

    def test_an_adapter(self):
        """LoRA: the reference is the model without it; a critic of its own learns whole."""
        self.train("run", algo="ppo", lora={"r": 4}, use_kl_in_reward=True, steps=2, reward="coin", lr=1e-3)
        self.assertTrue((self.step("run", 2) / "adapter_model.safetensors").exists())
        self.assertTrue((self.dir / "run/critic/step_2/model.safetensors").exists())
        first, second = self.metrics("run")
        self.assertEqual(first["actor/kl"], 0)  # an adapter begins as nothing
        self.assertNotEqual(second["actor/kl"], 0)

    def test_bf16(self):
        self.train("run", dtype="bf16", reward="coin")
        self.assertIn(b'"BF16"', self.weights("run", 2)[0][:4000])
        self.assertGreater(self.metrics("run")[0]["actor/grad_norm"], 0)

    def test_progress(self):
        run = self.train("run", "--progress", "bar", steps=20)
        self.assertRegex(run.err, r"train  step \d+/20  reward [0-9.]+  pass@1 [0-9.]+  entropy [0-9.]+  KL \S+  [0-9,]+ tokens/s")

    def test_threads_and_micro_batches(self):
        """Neither shows: threads not at all, micro-batches but for the order of sums."""
        self.train("a")
        self.train("b", "--threads", 1)
        self.assertEqual(self.weights("a", 2), self.weights("b", 2))
        self.assertEqual(self.metrics("a"), self.metrics("b"))
        self.train("c", micro_tokens=64)
        first = [self.metrics(run)[0] for run in "ac"]
        self.assertEqual(first[0]["reward/mean"], first[1]["reward/mean"])
        self.assertAlmostEqual(first[0]["actor/grad_norm"], first[1]["actor/grad_norm"], delta=1e-5 * first[0]["actor/grad_norm"])

    def test_dynamic_sampling(self):
        """Groups that teach nothing are replaced, what that costs is counted."""
        self.train("run", algo="dapo", steps=3, reward="coin", n=2, train_batch_size=4)
        rows = self.metrics("run")
        self.assertTrue(all(row["rollout/learned"] == 8 for row in rows))  # half of all pairs are equal, none that is learned
        self.assertTrue(any(row["rollout/batches"] > 1 for row in rows))
        self.assertTrue(all(row["rollout/responses"] == 8 * row["rollout/batches"] for row in rows))
        self.assertTrue(any(row["reward/frac_zero_std"] > 0 for row in rows))
        self.train("cut", algo="dapo", steps=2, reward="coin", n=2, train_batch_size=4, max_num_gen_batches=1)
        self.assertTrue(all(row["rollout/batches"] == 1 for row in self.metrics("cut")))

    def test_prompts_of_a_step(self):
        """An epoch has each prompt once; a curriculum comes back to those whose answers differ."""
        def ids(run):
            rows = [json.loads(line) for line in (self.dir / run / "rollouts.jsonl").read_text().splitlines()]
            return [row["id"] for row in rows if row["sample_idx"] == 0]
        logged = {"rollouts_every": 1, "rollouts_logged": 1000, "steps": 6}
        self.train("shuffle", **logged)
        first = ids("shuffle")
        self.assertEqual(len(set(first)), 24)
        self.assertNotEqual(first, sorted(first))
        self.train("file", order="file", **logged)
        self.assertEqual(ids("file"), [row["id"] for row in PROMPTS])
        # with exact, only the prompts that ask for what the model may say at all can differ
        self.train("curriculum", order="curriculum", curriculum_floor=0, **dict(logged, steps=20))
        seen = ids("curriculum")
        self.assertEqual(len(seen), 80)
        self.assertTrue(all(len(set(seen[k:k + 4])) == 4 for k in range(0, 80, 4)))

    def test_the_greedy_baseline(self):
        """Where the greedy response is worth as much as the sampled ones, remax moves nothing."""
        more = {"reward": 'format:{"tags":[],"max_bytes":1000}', "weight_decay": 0, "save_every": 1, "keep": 0}
        self.train("remax", algo="remax", **more)
        self.assertEqual(self.weights("remax", 1)[0], self.weights("remax", 2)[0])

    def test_several_verifiers(self):
        """Weights, a gate, one that is watched; what they said is in the metrics."""
        reward = [{"plugin": "format", "config": {"tags": [], "max_bytes": 7}, "weight": 2},
                  {"plugin": "coin", "weight": 0.5}, {"plugin": "format", "config": {"tags": [], "max_bytes": 11}, "gate": True}]
        self.train("run", reward=reward, holdout=["exact"], steps=1)
        row = self.metrics("run")[0]
        for name in ("verifier/format", "verifier/coin", "verifier/format:2", "holdout/exact"):
            self.assertIn(name, row)
        hashes = self.manifest("run")["hashes"]
        self.assertTrue({"prompts", "verifier format", "verifier coin"} <= set(hashes))
        self.train("plain", steps=1)
        self.assertNotEqual(self.weights("run", 1), self.weights("plain", 1))

    def test_exam(self):
        """A held-out suite before, between and after; the best step stays, however few are kept."""
        suite = self.file("suite.jsonl", PROMPTS[:6])
        run = self.train("run", "--json", eval_suite=suite, eval_every=2, eval_n=4, steps=5, save_every=1, keep=1)
        rows = self.metrics("run")
        self.assertEqual([row["step"] for row in rows], list(range(6)))
        self.assertEqual([row["step"] for row in rows if "val/avg@4" in row], [0, 2, 4, 5])
        for name in ("val/pass@1", "val/pass@4", "val/avg_low", "val/unscored", "val/response_length", "val/truncated"):
            self.assertIn(name, rows[0])
        best = json.loads(run.out)
        scores = {row["step"]: row["val/avg@4"] for row in rows if "val/avg@4" in row}
        self.assertEqual(best["best"], max(scores.values()))
        self.assertEqual(best["best_step"], min(step for step, score in scores.items() if score == best["best"]))
        kept = {p.name for p in (self.dir / "run/checkpoints").iterdir()}
        self.assertEqual(kept, {"step_5"} | ({f"step_{best['best_step']}"} if best["best_step"] else set()))
        self.assertEqual(self.manifest("run")["best"], {"step": best["best_step"], "avg": best["best"]})
        self.say(run, f"avg@4 {best['avg']:.4f}", f"best {best['best']:.4f} at step {best['best_step']}")

    def test_rollouts(self):
        run = self.train("run", rollouts_every=2, rollouts_logged=3, steps=4)
        self.say(run, "steps  4 of 4", "pass@1")
        rows = [json.loads(line) for line in (self.dir / "run/rollouts.jsonl").read_text().splitlines()]
        self.assertEqual([row["step"] for row in rows], [1] * 3 + [2] * 3 + [4] * 3)
        for row in rows:
            self.assertEqual(row["schema"], "assay.rollout/1")
            self.assertEqual(row["score"], float(len(row["completion"]) <= 7))
            self.assertEqual(row["verdict"], "pass" if row["score"] else "fail")
            self.assertIn(row["prompt"], [p["prompt"] for p in PROMPTS])


class Resuming(Base):
    def killed(self, at, steps, *folders, **more):
        """SIGKILL once the checkpoint of `at` is there; then the same line with --resume ends as a run that was left alone."""
        config = self.config(steps=steps, save_every=2, keep=0, rollouts_every=1, **more)
        self.train("whole", "--force", config=config)
        shutil.rmtree(self.dir / "cut", True)
        for what in (self.step("cut", at), self.step("cut", at + 2)):  # again, in a run that was gone on with
            child = self.start("train", config, "--out", str(self.dir / "cut"), "--resume")
            wait_for(lambda: what.exists() or child.poll() is not None)
            child.kill()
            child.communicate()
        self.train("cut", "--resume", config=config)
        self.assertEqual(self.metrics("cut"), self.metrics("whole"))
        self.assertEqual(self.weights("cut", steps, *folders), self.weights("whole", steps, *folders))
        rows = [(self.dir / run / "rollouts.jsonl").read_bytes() for run in ("cut", "whole")]
        self.assertEqual(*rows)
        trainer = [(self.step(run, steps) / "trainer.json").read_bytes() for run in ("cut", "whole")]
        self.assertEqual(*trainer)

    def test_killed(self):
        suite = self.file("suite.jsonl", PROMPTS[:4])
        self.killed(4, 12, order="curriculum", use_kl_loss=True, kl_coef=0.1, kl_target=0.01, kl_horizon=100, ppo_epochs=2,
                    ppo_mini_batch_size=2, eval_suite=suite, eval_every=3, decay="linear", guards={"min_entropy": 1e-9})

    def test_killed_with_a_critic(self):
        self.killed(2, 8, "critic", algo="ppo", n=2, critic_lr=1e-4)

    def test_killed_while_it_resamples(self):
        self.killed(2, 8, algo="dapo", reward="coin", n=2)

    def test_a_critic_without_its_policy(self):
        """The critic's checkpoint is written first: killed between the two, its newest is of a step that the policy does not know,
        and the one that the policy's newest needs is still there."""
        self.train("few", algo="ppo", n=2, steps=4, save_every=1, keep=1)
        self.assertEqual({p.name for p in (self.dir / "few/critic").iterdir()}, {"step_3", "step_4"})
        config = self.config(algo="ppo", n=2, steps=4, save_every=2, keep=0)
        self.train("run", config=config)
        weights = self.weights("run", 4, "critic")
        shutil.rmtree(self.step("run", 4))
        self.assertTrue((self.dir / "run/critic/step_4").exists())
        self.train("run", "--resume", config=config)
        self.assertEqual(self.weights("run", 4, "critic"), weights)
        self.train("run", "--force", config=config)  # a run that begins anew takes the old critic away
        self.assertEqual(self.weights("run", 4, "critic"), weights)

    def test_interrupted(self):
        """Ctrl-C: the steps that are done are saved, and the line to go on with is said; a step that was broken off is made again."""
        config = self.config(steps=200, reward="coin", n=2, order="curriculum", keep=0, rollouts_every=3)
        self.train("whole", config=config)
        child = self.start("train", config, "--out", str(self.dir / "run"), "--progress", "none")
        metrics = self.dir / "run/metrics.jsonl"
        wait_for(lambda: metrics.exists() and metrics.read_text().count("\n") > 2)
        child.send_signal(signal.SIGINT)
        err = child.communicate()[1].decode()
        self.assertEqual(child.returncode, 130, err)
        self.assertIn("--resume", err)
        done = self.manifest("run")["steps_done"]
        self.assertEqual(self.manifest("run")["state"], "interrupted")
        self.assertTrue(self.step("run", done).exists())
        self.train("run", "--resume", config=config)
        self.assertEqual(self.weights("run", 200), self.weights("whole", 200))
        self.assertEqual(self.metrics("run"), self.metrics("whole"))

    def test_disk_full(self):
        """A sentence; what was there stays, and the run goes on from it."""
        config = self.config(steps=6, save_every=2, keep=0)
        self.train("whole", config=config)
        self.train("run", config=config)
        for step in (4, 6):
            shutil.rmtree(self.step("run", step))

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (300000, 300000))
        run = self.assay("train", config, "--out", self.dir / "run", "--resume", rc=7, preexec_fn=small_files)
        self.say(run, "File too large")
        self.assertTrue(self.step("run", 2).exists())
        self.assertFalse(self.step("run", 4).exists())
        self.train("run", "--resume", config=config)
        self.assertEqual(self.weights("run", 6), self.weights("whole", 6))
        self.assertEqual(self.metrics("run"), self.metrics("whole"))


class Stopping(Base):
    def test_flat_rewards(self):
        run = self.train("run", reward='format:{"tags":[],"max_bytes":1000}', steps=100, flat_steps=3, rc=1)
        self.say(run, "stopped after step 3", "all rewards of a step were 1, 3 steps in a row")
        self.assertEqual((self.manifest("run")["state"], self.manifest("run")["steps_done"]), ("failed", 3))
        self.assertTrue(self.step("run", 3).exists())
        self.assertEqual(self.metrics("run")[-1]["reward/frac_all_1"], 1)
        self.train("coin", reward="coin", n=2, train_batch_size=1, steps=40, flat_steps=12)  # half of them, but not in a row
        self.assertGreater(sum(row["reward/frac_zero_std"] for row in self.metrics("coin")), 12)

    def test_unscored(self):
        """What cannot be scored is in no mean; too much of it ends the run, with the reason."""
        abstains = str(TEST_PLUGINS / "always_abstain.so")
        run = self.train("run", "--max-unscored", "5%", reward=abstains, rc=1)
        self.say(run, "16 of 16 responses", "16 abstain", "--max-unscored")
        prompts = [dict(p, reference=None) if k % 2 else p for k, p in enumerate(PROMPTS)]
        self.train("some", prompts=prompts, reward="exact", steps=1, order="file")
        row = self.metrics("some")[0]
        self.assertEqual((row["reward/unscored"], row["rollout/learned"]), (0.5, 8))
        run = self.train("many", prompts=prompts, reward="exact", max_unscored=0.4, order="file", rc=1)
        self.say(run, "8 of 16")
        self.assertEqual(self.manifest("many")["config"]["max_unscored"], 0.4)

    def poisoned(self):
        """A model whose attention overflows where the letter z is, and only there."""
        model = self.dir / "poisoned"
        shutil.copytree(TINY / "tiny_llama", model)
        data = bytearray((model / "model.safetensors").read_bytes())
        size, = struct.unpack_from("<Q", data)
        header = json.loads(data[8:8 + size])
        z = json.loads((model / "tokenizer.json").read_text())["model"]["vocab"]["z"]

        def set_column(name, value):
            rows, columns = header[name]["shape"]
            for row in range(rows):
                at = 8 + size + header[name]["data_offsets"][0] + 4 * row * columns
                struct.pack_into("<f", data, at, value(row))
        set_column("model.embed_tokens.weight", lambda row: 1.0 if row == z else 0.0)
        for part in "qk":
            set_column(f"model.layers.0.self_attn.{part}_proj.weight", lambda row: 3e19)
        (model / "model.safetensors").unlink()
        (model / "model.safetensors").write_bytes(data)
        return str(model)

    def test_gradients_that_are_not_finite(self):
        """Such updates are left out and counted; after three steps of them the run ends, with the weights as they were."""
        prompts = [{"id": k, "prompt": f"z{k}"} for k in range(40)]
        run = self.train("run", prompts=prompts, model=self.poisoned(), reward="coin", steps=9, save_every=1, keep=0,
                         max_response_length=4, rc=3)
        self.say(run, "3 steps in a row had a gradient that is not finite")
        rows = self.metrics("run")
        self.assertEqual([row["actor/skipped"] for row in rows], [1, 1, 1])
        self.assertEqual(self.weights("run", 1), self.weights("run", 3))
        self.assertEqual(self.manifest("run")["state"], "failed")

    def test_guards(self):
        """Each bound ends the run after `patience` steps beyond it; a goal ends it well."""
        for key, bound in (("min_reward", 2), ("min_entropy", 100), ("max_entropy", 0), ("min_length", 100), ("max_length", 1),
                           ("max_ppo_kl", 0), ("max_clip_fraction", -1), ("max_truncated", -1), ("max_kl", -100)):
            more = {"use_kl_loss": True} if key == "max_kl" else {"ppo_epochs": 2, "reward": "coin"} if key == "max_ppo_kl" else {}
            run = self.train("run", "--force", steps=9, guards={key: bound, "patience": 2}, rc=1, **more)
            self.say(run, "stopped after step 2", f'"{key}"')
            self.assertTrue(self.step("run", 2).exists())
        run = self.train("run", "--force", "--json", steps=9, guards={"target_reward": 0, "patience": 3})
        self.say(run, "the goal is reached")
        self.assertEqual(json.loads(run.out)["steps"], 3)
        run = self.train("run", "--force", "--json", steps=3, guards={"target_reward": 2, "patience": 1, "min_reward": -1})
        self.assertEqual(json.loads(run.out)["steps"], 3)
        numbers = [{"id": k, "prompt": "10 11 12 13=20:" if k % 2 else "1 2 3 4=9:"} for k in range(8)]
        run = self.train("run", "--force", "--json", steps=8, prompts=numbers, order="file", train_batch_size=1, lr=0,
                         guards={"max_length": 9.5, "patience": 2})
        self.assertEqual(json.loads(run.out)["steps"], 8)  # beyond the bound every other time
        lengths = [row["response_length/mean"] for row in self.metrics("run")]
        self.assertTrue(all((length > 9.5) == bool(k % 2) for k, length in enumerate(lengths)), lengths)
        self.say(self.train("r", guards={"min_rewrd": 1}, rc=2), '"guards": key "min_rewrd" unknown', "min_reward")
        self.say(self.train("r", guards=3, rc=2), '"guards": an object is allowed')


class Configuring(Base):
    def refused(self, says, rc=2, without=(), **more):
        run = self.train("r", config=self.config(without=without, **more), rc=rc)
        self.say(run, says)
        self.assertFalse((self.dir / "r").exists(), says)

    def test_refusals(self):
        self.refused('"prompts" is missing', without=("prompts",))
        self.refused('"reward" is missing', without=("reward",))
        self.refused('key "clip_ration" unknown', clip_ration=0.2)
        self.refused('did you mean "clip_ratio"', clip_ratoi=0.2)
        self.refused("algo", algo="grop")
        self.refused("a group of one has nothing to be compared with", n=1)
        self.refused("resample (dynamic sampling) needs groups", algo="reinforce++", n=1, zero_groups="resample")
        self.refused("a greedy answer", algo="remax", zero_groups="resample")
        self.refused("one place for a KL", use_kl_loss=True, use_kl_in_reward=True)
        self.refused('"ppo_mini_batch_size" 8 is more than the step\'s 4 prompts', ppo_mini_batch_size=8)
        self.refused("leave 1 over: take a divisor of 4", ppo_mini_batch_size=3)
        self.refused("has 24 prompts: a batch has no prompt twice", train_batch_size=25)
        self.refused("was made for", max_response_length=100000, micro_tokens=1000000)
        self.refused('"micro_tokens" 20 is below', micro_tokens=20)
        self.refused("no_such_verifier", rc=5, reward="no_such_verifier")
        self.refused("reward", reward=[])
        self.refused('"wieght" unknown', reward=[{"plugin": "exact", "wieght": 1}])
        self.refused("max_unscored", max_unscored="5 %%")
        self.refused("max_unscored", max_unscored=1.5)
        self.refused('"clip_ratio": a number from 0 to 1', clip_ratio="x")
        self.refused('"clip_ratio" would change nothing beside', clip_ratio=0.1, clip_ratio_low=0.2, clip_ratio_high=0.2)
        self.refused('"stop": a list of texts', stop="x")
        self.refused('"stop": a list of texts', stop=[1])
        self.refused('"overlong_buffer" 17 is more than', overlong_buffer=17)
        self.refused('"temperature": 0', temperature=0)
        self.refused("take \"critic\": \"model\"", algo="ppo", critic="head", lora={})
        self.refused('none of that name (there are verl-ppo', preset="verl-gpro")
        self.refused("is of \"algo\" ppo, not of grpo", preset="verl-ppo")
        self.refused("steps", without=("steps",))
        self.refused("MiB", rc=7, memory_mib=1)
        twice = PROMPTS + [PROMPTS[0]]
        self.refused("prompts.jsonl:25", rc=3, prompts=twice)
        self.refused("prompts.jsonl:1", rc=3, prompts=[{"id": 1}])
        other = self.dir / "other"
        shutil.copytree(TINY / "tiny_qwen2", other)
        self.refused("another vocabulary", algo="ppo", n=1, critic_model=str(other))

    def test_messages(self):
        """Conversations, and prompts in the chat template."""
        chat = [{"id": k, "messages": [{"role": "user", "content": f"{k}+1"}]} for k in range(8)]
        plain = [{"id": k, "prompt": f"{k}+1"} for k in range(8)]
        more = {"model": str(TINY / "tiny_qwen2"), "max_response_length": 4, "steps": 1}
        self.train("a", prompts=chat, **more)
        self.train("b", prompts=plain, as_chat=True, **more)
        self.assertEqual(self.weights("a", 1), self.weights("b", 1))
        self.train("c", prompts=plain, **more)
        self.assertNotEqual(self.weights("a", 1), self.weights("c", 1))

    def test_dry_run(self):
        """The arithmetic, before anything is done."""
        run = self.assay("train", self.config(steps=10, ppo_mini_batch_size=2, ppo_epochs=3, use_kl_loss=True), "--dry-run")
        self.say(run, "memory plan", "the frozen reference", "4 prompts x 4 = 16 responses", "mini-batches of 2 prompts (8 responses)",
                 "2 x 3 epochs = 6 updates", "10 steps: 160 responses, 60 updates, 1.7 epochs")
        run = self.assay("train", self.config(algo="dapo", max_num_gen_batches=5, gen_batch_size=6), "--dry-run")
        self.say(run, "up to 5 batches of 6 prompts are sampled for it: 120 responses")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir() if p.name != "cache"), ["prompts.jsonl", "rl.json"])

    def test_presets(self):
        """Each resolves to its framework's defaults; keys of the file go over them."""
        for preset, want in (
                ("verl-grpo", {"algo": "grpo", "clip_ratio_low": 0.2, "clip_ratio_high": 0.2, "clip_ratio_c": 3, "use_kl_loss": True,
                               "kl_coef": 0.001, "kl_estimator": "k3", "loss_agg_mode": "token-mean", "scale_rewards": "group",
                               "advantage_eps": 1e-6, "weight_decay": 0.01, "decay": "constant", "entropy_coeff": 0, "gamma": 1}),
                ("verl-ppo", {"algo": "ppo", "gamma": 1, "lam": 1, "cliprange_value": 0.5, "critic_lr": 1e-5, "use_kl_loss": False,
                              "clip_ratio_c": 3}),
                ("verl-dapo", {"algo": "dapo", "clip_ratio_low": 0.2, "clip_ratio_high": 0.28, "zero_groups": "resample",
                               "max_num_gen_batches": 10, "overlong_penalty_factor": 1, "loss_agg_mode": "token-mean"}),
                ("trl-grpo", {"algo": "grpo", "advantage_eps": 1e-4, "use_kl_loss": False, "loss_agg_mode": "token-mean",
                              "scale_rewards": "group", "weight_decay": 0, "decay": "linear", "clip_ratio_c": 0}),
                ("trl-rloo", {"algo": "rloo", "kl_coef": 0.05, "use_kl_in_reward": True, "kl_estimator": "k1",
                              "loss_agg_mode": "seq-mean-token-sum"}),
                ("openrlhf-ppo", {"algo": "ppo", "kl_coef": 0.01, "use_kl_in_reward": True, "kl_estimator": "k1", "beta2": 0.95,
                                  "critic_lr": 9e-6, "decay": "cosine", "min_lr": 1e-7}),
                ("openrlhf-grpo", {"algo": "grpo", "advantage_eps": 1e-9, "use_kl_loss": True, "kl_estimator": "k3"})):
            more = {"overlong_buffer": 4} if preset == "verl-dapo" else {}
            small = {"preset": preset, "train_batch_size": 4, "ppo_mini_batch_size": 2, "steps": 1, **more}
            if preset == "verl-dapo":
                small["gen_batch_size"] = 6
            self.train("run", "--force", "--quiet", config=self.config(without=("algo", "lr"), **small))
            got = self.manifest("run")["config"]
            self.assertEqual({k: got[k] for k in want}, want, preset)
            self.assertEqual((got["preset"], got["train_batch_size"], got["ppo_mini_batch_size"]), (preset, 4, 2))
        words = re.findall(r'\{ "((?:verl|trl|openrlhf)-[^"]*)", "([^"]*)"', (SOURCE / "host/cli/train_rl_preset.c").read_text())
        self.assertGreater(len(words), 15)
        for preset, algo in words:
            run = self.assay("train", self.config(without=("algo", "n"), preset=preset, train_batch_size=4, ppo_mini_batch_size=4,
                                                  overlong_buffer=4, **({"gen_batch_size": 4} if algo == "dapo" else {})), "--dry-run")
            self.say(run, "4 prompts x")
        run = self.assay("train", self.config(without=("n",), preset="verl-grpo"), "--dry-run", rc=2)
        self.say(run, '"ppo_mini_batch_size" 256 is more than the step\'s 4 prompts')


# Key: (value, what it needs beside it): with it the weights after two steps are others. Two epochs of two mini-batches, so that
# ratios move.
CHANGES = {
    "rm": ({"model": str(MODEL), "every": 1, "lr": 1e-3}, {}),
    "limit": (8, {}), "train_batch_size": (6, {}), "n": (5, {}), "max_prompt_length": (11, {}), "max_response_length": (8, {}),
    "temperature": (0.7, {}), "top_p": (0.8, {}), "top_k": (3, {}), "min_p": (0.2, {}), "stop": (["+"], {}), "order": ("file", {}),
    "scale_rewards": ("batch", {}), "advantage_eps": (0.5, {}), "zero_groups": ("drop", {"entropy_coeff": 0.1}),
    "mask_truncated_completions": (True, {"max_response_length": 8}), "overlong_buffer": (12, {"temperature": 1.5}),
    "overlong_penalty_factor": (3, {"overlong_buffer": 12, "temperature": 1.5}), "clip_ratio": (0.001, {}), "clip_ratio_low": (0.001, {}),
    "clip_ratio_high": (0.001, {}), "clip_ratio_c": (1.0001, {}), "loss_agg_mode": ("seq-mean-token-sum", {}), "entropy_coeff": (0.1, {}),
    "use_bias_correction_kl": (True, {"use_kl_loss": True, "kl_coef": 0.5}), "use_kl_in_reward": (True, {}),
    "use_kl_loss": (True, {}), "kl_estimator": ("k1", {"use_kl_loss": True, "kl_coef": 0.5}),
    "kl_coef": (0.5, {"use_kl_loss": True}), "kl_target": (1e-6, {"use_kl_loss": True, "kl_coef": 0.5}),
    "kl_horizon": (10, {"use_kl_loss": True, "kl_coef": 0.5, "kl_target": 1e-6}),
    "tis_imp_ratio_cap": (0.5, {"recompute_old_logprobs": True}), "ppo_mini_batch_size": (4, {}), "ppo_epochs": (3, {}),
    "gamma": (0.5, {"algo": "reinforce++"}), "lam": (0.5, {"algo": "ppo", "critic_lr": 0.01}),
    "whiten_keeps_mean": (True, {"algo": "reinforce++_baseline", "temperature": 1.5}),
    "whiten_population": (True, {"algo": "reinforce++_baseline"}), "critic": ("head", {"algo": "ppo"}),
    "critic_model": (str(SOURCE / "examples/models/azr"), {"algo": "ppo"}), "critic_lr": (0.01, {"algo": "ppo"}),
    "critic_warmup": (1, {"algo": "ppo"}), "cliprange_value": (1e-6, {"algo": "ppo", "critic_lr": 0.01}),
    "value_loss_halved": (False, {"algo": "ppo", "critic": "head", "clip": 0}), "vf_coef": (3, {"algo": "ppo", "critic": "head"}),
    "gen_batch_size": (7, {"zero_groups": "resample", "reward": "coin", "n": 2}),
    "max_num_gen_batches": (1, {"zero_groups": "resample", "reward": "coin", "n": 2}),
    "ptx_coef": (0.5, {"ptx": True}), "ptx_batch_size": (3, {"ptx": True, "ptx_coef": 0.5}),
    "reward": ("coin", {}), "as_chat": (True, {"model": str(TINY / "tiny_qwen2"), "max_prompt_length": 64}),
    "curriculum_floor": (1, {"order": "curriculum", "steps": 4}), "curriculum_momentum": (0.9, {"order": "curriculum", "steps": 9}),
}
# Keys of other tests here: they change what is written or when the run ends, not the weights.
WATCHING = {"preset", "prompts", "holdout", "isolation", "timeout_ms", "max_unscored", "unscored_window", "max_seqs", "ptx_data",
            "recompute_old_logprobs", "eval_suite", "eval_plugin", "eval_every", "eval_before", "eval_n", "eval_limit",
            "eval_temperature", "eval_top_p", "rollouts_every", "rollouts_logged", "flat_steps", "guards"}
MATRIX = {"ppo_epochs": 2, "ppo_mini_batch_size": 2, "lr": 1e-3, "flat_steps": 0,
          "reward": [{"plugin": "format", "config": {"tags": [], "max_bytes": 8}}, {"plugin": "coin", "weight": 0.3}]}


class Options(Base):
    def with_texts(self, more):
        more = dict(more)
        if more.pop("ptx", False):
            more.setdefault("ptx_coef", 0.1)
            more["ptx_data"] = self.file("ptx.jsonl", [{"prompt": row["prompt"], "completion": "1+2"} for row in PROMPTS])
        return more

    def test_each_option_changes_the_result(self):
        known = {}

        def result(**more):
            key = json.dumps(more, sort_keys=True)
            if key not in known:
                more = dict(MATRIX, **more)
                steps = more.setdefault("steps", 2)
                self.train("run", "--force", "--quiet", **more)
                known[key] = self.weights("run", steps)[0]
            return known[key]
        for key, (value, beside) in CHANGES.items():
            beside = self.with_texts(beside)
            with self.subTest(key=key):
                self.assertNotEqual(result(**dict(beside, **{key: value})), result(**beside))
        for words in (("loss_agg_mode", ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm",
                                         "seq-mean-token-sum-norm-mean"), {"n": 3}),
                      ("kl_estimator", ("k1", "abs", "k2", "k3"), {"use_kl_loss": True, "kl_coef": 0.5}),
                      ("kl_estimator", ("k1", "abs", "k2", "k3+"), {"use_kl_in_reward": True, "kl_coef": 0.5}),
                      ("order", ("shuffle", "file", "curriculum"), {}), ("scale_rewards", ("none", "group", "batch"), {})):
            with self.subTest(key=words[0]):
                self.assertEqual(len({result(**dict(words[2], **{words[0]: word})) for word in words[1]}), len(words[1]))

    def test_no_key_is_forgotten(self):
        table = (SOURCE / "host/cli/train_rl_config.c").read_text().split("rl_settings[] = {")[1].split("{ .key = NULL }")[0]
        keys = set(re.findall(r'(?:TEXT|ANY|BOOL|WORD|UINT|NUMBER)\("([^"]+)"', table))
        self.assertEqual(keys, set(CHANGES) | WATCHING)
        told = self.assay("train", "--help").out
        presets = re.findall(r'\{ "((?:verl|trl|openrlhf)-[^"]*)"', (SOURCE / "host/cli/train_rl_preset.c").read_text())
        guards = re.findall(r'\{ "([a-z_]+)", "the|\{ "([a-z_]+)", "resp', (SOURCE / "host/cli/train_rl_guard.c").read_text())
        for word in [*keys, *presets, *ALGOS, *(a or b for a, b in guards)]:
            self.assertRegex(told, rf"(?<![\w+-]){re.escape(word)}(?![\w+-])")
        page = (SOURCE / "docs/TRAINING.md").read_text()
        self.assertEqual([word for word in (*presets, *ALGOS) if f"`{word}`" not in page], [])

    def test_what_would_change_nothing_is_refused(self):
        of_ppo = ("critic", "critic_lr", "critic_warmup", "cliprange_value", "value_loss_halved", "vf_coef", "lam")
        values = {"critic": "head", "value_loss_halved": False, "critic_warmup": 1}
        for algo in ALGOS:
            idle = [] if algo == "ppo" else list(of_ppo)
            idle += [] if algo in ("ppo", "reinforce++", "remax") else ["gamma"]
            idle += [] if algo in ("grpo", "dapo", "gspo") else ["scale_rewards"]
            idle += [] if algo in ("grpo", "dapo", "gspo", "grpo_passk") else ["advantage_eps"]
            idle += [] if algo == "reinforce++_baseline" else ["whiten_population", "whiten_keeps_mean"]
            values.update(scale_rewards="batch", whiten_population=True, whiten_keeps_mean=True)
            for key in idle[:: max(1, len(idle) // 4)]:
                run = self.train("r", algo=algo, rc=2, **{key: values.get(key, 0.5)})
                self.say(run, f'"{key}" would change nothing with "algo" {algo}')
        for key, value, needs, beside in (
                ("advantage_eps", 0.1, '"scale_rewards"', {"scale_rewards": "none"}), ("kl_estimator", "k1", '"use_kl_loss"', {}),
                ("kl_coef", 0.1, '"use_kl_loss"', {}),
                ("use_bias_correction_kl", True, '"use_kl_loss"', {"use_kl_in_reward": True}), ("kl_target", 0.1, '"use_kl_loss"', {}),
                ("kl_horizon", 10, '"kl_target"', {"use_kl_loss": True}), ("zero_groups", "keep", '"n"', {"algo": "remax", "n": 1}),
                ("max_num_gen_batches", 2, '"resample"', {}), ("gen_batch_size", 6, '"resample"', {}),
                ("overlong_penalty_factor", 2, '"overlong_buffer"', {}), ("tis_imp_ratio_cap", 2, '"recompute_old_logprobs"', {}),
                ("curriculum_floor", 0.1, '"curriculum"', {}), ("curriculum_momentum", 0.1, '"curriculum"', {}),
                ("ptx_data", "x", '"ptx_coef"', {}), ("ptx_coef", 0.1, '"ptx_data"', {}), ("ptx_batch_size", 2, '"ptx_data"', {}),
                ("unscored_window", 2, '"max_unscored"', {}), ("eval_plugin", "exact", '"eval_suite"', {}),
                ("eval_every", 2, '"eval_suite"', {}), ("eval_n", 2, '"eval_suite"', {}), ("eval_before", False, '"eval_suite"', {}),
                ("eval_limit", 2, '"eval_suite"', {}), ("eval_temperature", 1, '"eval_suite"', {}), ("eval_top_p", 1, '"eval_suite"', {}),
                ("rollouts_logged", 2, '"rollouts_every"', {}), ("vf_coef", 2, '"critic": "head"', {"algo": "ppo"}),
                ("critic_lr", 0.1, '"critic": "model"', {"algo": "ppo", "critic": "head"}),
                ("critic_model", "x", '"critic": "model"', {"algo": "ppo", "critic": "head"}),
                ("critic_warmup", 1, '"critic": "model"', {"algo": "ppo", "critic": "head"})):
            with self.subTest(key=key):
                self.say(self.train("r", rc=2, **dict(beside, **{key: value})), f'"{key}" would change nothing without', needs)

    def test_what_is_only_watched(self):
        """None of it changes a weight; recomputed log-probabilities are the sampler's to the bit."""
        suite = self.file("suite.jsonl", PROMPTS[:3])
        self.train("plain", **MATRIX)
        for more in ({"holdout": "exact"}, {"isolation": "worker"}, {"timeout_ms": 5000}, {"max_unscored": 0.5, "unscored_window": 2},
                     {"max_seqs": 3}, {"recompute_old_logprobs": True}, {"eval_suite": suite, "eval_every": 1, "eval_n": 2, "eval_limit": 2,
                     "eval_temperature": 0.5, "eval_top_p": 0.9, "eval_plugin": "exact", "eval_before": False},
                     {"rollouts_every": 1, "rollouts_logged": 2}, {"guards": {"min_reward": -9}}):
            self.train("run", "--force", "--quiet", **dict(MATRIX, **more))
            self.assertEqual(self.weights("run", 2), self.weights("plain", 2), more)
        self.train("run", "--force", "--no-cache", "--isolation", "inproc", reward=SHORT)
        self.assertEqual(self.manifest("run")["config"]["isolation"], "inproc")


if __name__ == "__main__":
    main()
