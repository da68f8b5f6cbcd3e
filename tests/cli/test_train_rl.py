#!/usr/bin/env python3
"""test_train_rl.py -- assay train with rewards, over the real binary: it learns what is rewarded and nothing from a coin, a killed run
ends as if nothing had been, what stops a run. SPDX-License-Identifier: Apache-2.0"""
import json
import resource
import shutil
import signal
import struct

from poisoned import poisoned, steep
from run_assay import TEST_PLUGINS, main, wait_for
from train_rl import ALGOS, LONG, MODEL, PROMPTS, SHORT, TINY, Base


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

    def test_without_master_weights(self):
        """Neither the policy nor its critic keeps floats; gone on with, both end at the same bits."""
        more = {"algo": "ppo", "n": 1, "dtype": "bf16", "master_weights": False, "reward": "coin", "save_every": 1, "critic_lr": 1e-3}
        self.train("run", **more)
        whole = self.weights("run", 2, "critic")
        for state in whole[1::2]:
            self.assertNotIn(b"master", state[:8000])
        shutil.rmtree(self.step("run", 2))
        shutil.rmtree(self.dir / "run/critic/step_2")
        self.train("run", "--resume", **more)
        self.assertEqual(self.weights("run", 2, "critic"), whole)

    def test_progress(self):
        run = self.train("run", "--progress", "bar", steps=300, flat_steps=0)
        self.assertRegex(run.err, r"train  step \d+/300  reward [0-9.]+  pass@1 [0-9.]+  entropy [0-9.]+  KL \S+  [0-9,]+ tokens/s")

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

    def test_the_control_that_does_nothing(self):
        """A verifier against itself: all rewards are 0, and whatever the advantage, no weight moves."""
        more = {"reward": [{"plugin": "coin"}, {"plugin": "coin", "weight": -1}], "weight_decay": 0, "lr": 0.1, "steps": 3,
                "save_every": 1, "keep": 0}
        for algo in ("grpo", "rloo", "reinforce++_baseline"):
            self.train("still", "--force", algo=algo, **more)
            self.assertEqual([row["reward/mean"] for row in self.metrics("still")], [0, 0, 0])
            self.assertEqual(self.weights("still", 1)[0], self.weights("still", 3)[0], algo)

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

    def in_two_files(self, model, to):
        """A copy of the model with its weights in two shards."""
        shutil.copytree(model, to)
        data = (to / "model.safetensors").read_bytes()
        (to / "model.safetensors").unlink()
        size, = struct.unpack_from("<Q", data)
        names = {k: v for k, v in json.loads(data[8:8 + size]).items() if k != "__metadata__"}
        order = sorted(names, key=lambda k: names[k]["data_offsets"])
        files = {}
        for n, part in enumerate((order[:len(order) // 2], order[len(order) // 2:]), 1):
            first, last = names[part[0]]["data_offsets"][0], names[part[-1]]["data_offsets"][1]
            header = json.dumps({k: dict(names[k], data_offsets=[at - first for at in names[k]["data_offsets"]]) for k in part}).encode()
            file = f"model-0000{n}-of-00002.safetensors"
            (to / file).write_bytes(struct.pack("<Q", len(header)) + header + data[8 + size + first:8 + size + last])
            files.update(dict.fromkeys(part, file))
        (to / "model.safetensors.index.json").write_text(json.dumps({"metadata": {}, "weight_map": files}))

    def test_models_are_in_the_manifest(self):
        """All files that the weights come from, the critic's too: a run whose critic was changed does not go on."""
        critic = self.dir / "critic"
        self.in_two_files(MODEL, critic)
        more = {"algo": "ppo", "n": 1, "critic_model": str(critic), "save_every": 1}
        self.train("run", steps=2, **more)
        hashes = self.manifest("run")["hashes"]
        shards = [f"critic_model/model-0000{n}-of-00002.safetensors" for n in (1, 2)]
        self.assertTrue({"model.safetensors", "critic_model/config.json", *shards} <= set(hashes))
        self.train("whole", steps=2, **dict(more, critic_model=str(MODEL)))
        self.assertEqual(self.weights("run", 2), self.weights("whole", 2))
        last = critic / "model-00002-of-00002.safetensors"
        last.write_bytes(last.read_bytes()[:-1] + b"\x00")
        self.say(self.train("run", "--resume", steps=2, rc=2, **more), shards[1])

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
        self.train("run", "--force", steps=1)  # a run that begins anew without a suite has no step 0 of the old one
        self.assertEqual([row["step"] for row in self.metrics("run")], [1])

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

    def test_gradients_that_are_not_finite(self):
        """Such updates are left out and counted; after three steps of them the run ends, with the weights as they were."""
        run = self.train("run", model=steep(self.dir / "steep"), reward=[{"plugin": "coin", "weight": 1e6}],
                         scale_rewards="none", steps=9, save_every=1, keep=0, max_response_length=4, rc=3)
        self.say(run, "3 steps in a row had a gradient that is not finite")
        rows = self.metrics("run")
        self.assertEqual([row["actor/skipped"] for row in rows], [1, 1, 1])
        self.assertEqual(self.weights("run", 1), self.weights("run", 3))
        self.assertEqual(self.manifest("run")["state"], "failed")

    def test_logits_that_are_not_finite(self):
        """Nothing is drawn from them: the run ends and says where they come from."""
        prompts = [{"id": k, "prompt": f"z{k}"} for k in range(8)]
        run = self.train("run", prompts=prompts, model=poisoned(self.dir / "poisoned"), reward="coin", steps=2, rc=3)
        self.say(run, "what a token is drawn from, row", "is not finite on cpu", "the weights are damaged")
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
        suite = {"eval_suite": self.file("suite.jsonl", PROMPTS[:6]), "eval_plugin": SHORT, "eval_every": 2, "eval_n": 8}
        run = self.train("run", "--force", steps=60, reward=LONG, lr=4e-4, guards={"max_val_drop": 0.1, "patience": 2}, rc=1, **suite)
        self.say(run, "the held-out suite's accuracy is more than 0.1 below its best, 2 times in a row")
        seen = [row["val/avg@8"] for row in self.metrics("run") if "val/avg@8" in row]
        drops = [max(seen[:k + 1]) - one > 0.1 for k, one in enumerate(seen)]
        self.assertTrue(all(drops[-2:]) and not any(a and b for a, b in zip(drops[:-1], drops[1:-1])), seen)
        self.say(self.train("r", guards={"max_val_drop": 1}, rc=2), '"max_val_drop" needs an "eval_suite"')
        self.say(self.train("r", guards={"min_rewrd": 1}, rc=2), '"guards": key "min_rewrd" unknown', "min_reward")
        self.say(self.train("r", guards=3, rc=2), '"guards": an object is allowed')


if __name__ == "__main__":
    main()
