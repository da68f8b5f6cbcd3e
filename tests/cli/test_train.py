#!/usr/bin/env python3
"""test_train.py -- assay train with algo sft on a tiny model: it learns, the micro-batches do not show, a killed run ends as if
nothing had been, what it refuses. SPDX-License-Identifier: Apache-2.0"""
import json
import math
import os
import re
import signal
import struct

from poisoned import poisoned
from run_assay import SOURCE, AssayTest, main, wait_for

QWEN = SOURCE / "tests/golden/models/tiny_qwen2"
ROWS = [{"prompt": f"{a}+{b}=", "completion": str(a + b)} for a in range(5) for b in range(5)]
SMALL = {"algo": "sft", "model": str(QWEN), "steps": 12, "batch_size": 6, "lr": 2e-3, "max_len": 32, "micro_tokens": 64,
         "warmup_steps": 2}


def weights(checkpoint):
    return {name: (checkpoint / name).read_bytes() for name in ("model.safetensors", "optim.safetensors")}


class Train(AssayTest):
    def config(self, rows=None, **more):
        data = self.file("rows.jsonl", rows or ROWS)
        return self.file("sft.json", [dict(SMALL, **{"data": data, **more})])

    def train(self, run, *args, config=None, rc=0, **more):
        return self.assay("train", config or self.config(**more), "--out", self.dir / run, *args, rc=rc)

    def step(self, run, n):
        return self.dir / run / "checkpoints" / f"step_{n}"

    def metrics(self, run):
        """The lines without what a clock says."""
        rows = [json.loads(line) for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]
        for row in rows:
            self.assertGreater(row.pop("time"), 1.6e9)
            row.pop("tokens_per_s")
        return rows

    def test_it_learns(self):
        """From drawn weights to sums it was shown."""
        config = dict(SMALL, init=str(QWEN), data=self.file("rows.jsonl", ROWS), steps=150, batch_size=25, lr=5e-3,
                      micro_tokens=512)
        del config["model"]
        run = self.train("run", "--json", config=self.file("drawn.json", [config]))
        self.assertLess(json.loads(run.out)["loss"], 0.1)
        self.say(run, "memory plan", "steps  150 of 150")
        prompts = self.file("p.jsonl", [{"id": k, "prompt": r["prompt"]} for k, r in enumerate(ROWS)])
        out = self.assay("generate", "--model", self.step("run", 150), "--prompts", prompts, "--temperature", 0, "--max-tokens", 4)
        said = [json.loads(line) for line in out.out.splitlines()]
        right = sum(s["completion"] == r["completion"] for s, r in zip(said, ROWS))
        self.assertGreaterEqual(right, 23)
        self.assertTrue(all(s["finish_reason"] == "stop" for s, r in zip(said, ROWS) if s["completion"] == r["completion"]))

    def test_warmup(self):
        """In steps, or as a share of them, rounded up."""
        self.train("steps", warmup_steps=3, decay="constant")
        del SMALL["warmup_steps"]
        try:
            self.train("ratio", warmup_ratio=0.2, decay="constant")
        finally:
            SMALL["warmup_steps"] = 2
        rates = [[row["lr"] for row in self.metrics(run)] for run in ("steps", "ratio")]
        self.assertEqual(rates[0], rates[1])
        self.assertEqual(rates[0][:4], [2e-3 / 3, 2 * 2e-3 / 3, 2e-3, 2e-3])
        self.say(self.train("both", warmup_ratio=0.2, rc=2), 'one of "warmup_steps" and "warmup_ratio"')

    def test_drawn_weights(self):
        """Of which size: as asked for, and the manifest says so. A model that knows nothing is as wrong as chance."""
        config = dict(SMALL, init=str(QWEN), data=self.file("rows.jsonl", ROWS), steps=1)
        del config["model"]
        config = self.file("drawn.json", [config])
        for name, more in (("flat", ()), ("same", ("--set", "init_std=0.02")), ("wide", ("--set", "init_std=0.03")),
                           ("fan_in", ("--set", "init_scale=fan_in"))):
            self.train(name, *more, config=config)
        first = {name: self.metrics(name)[0]["loss"] for name in ("flat", "same", "wide", "fan_in")}
        self.assertEqual(first["flat"], first["same"])
        self.assertEqual(len(set(first.values())), 3)
        self.assertAlmostEqual(first["flat"], math.log(384), delta=0.1)  # the head's outputs are small: near uniform
        self.assertEqual(json.loads((self.dir / "fan_in/manifest.json").read_text())["config"]["init_scale"], "fan_in")
        self.say(self.train("x", "--set", "init_scale=large", config=config, rc=2), "init_scale", "fan_in")

    def test_the_same_again(self):
        self.train("a")
        self.train("b")
        self.assertEqual(weights(self.step("a", 12)), weights(self.step("b", 12)))
        self.train("c", "--threads", 1)
        self.assertEqual(weights(self.step("a", 12)), weights(self.step("c", 12)))
        self.train("d", "--set", "seed=1")
        self.assertNotEqual(weights(self.step("a", 12)), weights(self.step("d", 12)))

    def test_micro_batches_do_not_show(self):
        """The loss of each step but for rounding."""
        loss = []
        for micro in (32, 64, 512):
            run = self.train(f"m{micro}", "--json", "--quiet", "--set", f"micro_tokens={micro}")
            loss.append(json.loads(run.out)["loss"])
        self.assertAlmostEqual(loss[0], loss[1], delta=1e-4)
        self.assertAlmostEqual(loss[0], loss[2], delta=1e-4)

    def test_killed_and_gone_on_with(self):
        config = self.config(steps=40, save_every=5, keep=0)
        self.train("whole", config=config)
        child = self.start("train", config, "--out", str(self.dir / "cut"))
        wait_for(self.step("cut", 5).exists)
        child.kill()
        child.communicate()
        run = self.train("cut", "--resume", config=config)
        self.say(run, "goes on from")
        for step in (20, 40):
            self.assertEqual(weights(self.step("cut", step)), weights(self.step("whole", step)))
        self.assertEqual(json.loads((self.dir / "cut/manifest.json").read_text())["state"], "done")
        self.assertEqual(self.metrics("cut"), self.metrics("whole"))
        self.assertEqual([row["step"] for row in self.metrics("cut")], list(range(1, 41)))
        self.assertEqual(len(list((self.dir / "cut").glob("events.out.tfevents.*"))), 2)
        self.assertEqual(len(list((self.dir / "whole").glob("events.out.tfevents.*"))), 1)

    def test_gone_on_with_by_another_level(self):
        """What computed a run is in its manifest; where that is another one now, it is said, and no more."""
        config = self.config(steps=2)
        line = "train", config, "--out", self.dir / "run"
        self.assay(*line, env={"ASSAY_CPU_LEVEL": "scalar"})
        manifest = self.dir / "run/manifest.json"
        was = {"backend": "cpu", "level": "scalar"}
        self.assertEqual(json.loads(manifest.read_text())["computed_by"], was)
        same = self.assay(*line, "--resume", env={"ASSAY_CPU_LEVEL": "scalar"})
        self.assertNotIn("computed by", same.err)
        other = self.assay(*line, "--resume")
        now = json.loads(manifest.read_text())["computed_by"]
        self.assertEqual("computed by" in other.err, now != was)
        bad = self.assay(*line, "--resume", env={"ASSAY_CPU_LEVEL": "avx3"}, rc=2)
        self.say(bad, 'ASSAY_CPU_LEVEL is "avx3"', "avx512")
        self.assertNotIn("cpu runs everywhere", bad.err)

    def test_leftovers(self):
        """What a process that is gone left half-written goes with the next checkpoint, and nothing else does."""
        gone = self.start("version")
        gone.communicate()
        checkpoints = self.dir / "run/checkpoints"
        left, other = checkpoints / f"step_7.tmp-{gone.pid}-1a2b-0", checkpoints / f"notes.tmp-{gone.pid}-1a2b-0"
        ours = checkpoints / f"step_7.tmp-{os.getpid()}-1a2b-0"
        for folder in (left, other, ours):
            folder.mkdir(parents=True)
            (folder / "model.safetensors").write_text("half")
        self.train("run")
        self.assertEqual(sorted(p.name for p in checkpoints.iterdir()), sorted((other.name, "step_12", ours.name)))

    def test_metrics(self):
        run = self.train("run", "--json")
        rows = self.metrics("run")
        self.assertEqual([row["step"] for row in rows], list(range(1, 13)))
        self.assertEqual(set(rows[0]), {"step", "loss", "lr", "grad_norm", "tokens", "learned_tokens", "total_tokens"})
        self.assertEqual(rows[-1]["loss"], json.loads(run.out)["loss"])
        self.assertEqual(rows[-1]["total_tokens"], json.loads(run.out)["tokens"])
        self.assertEqual(sum(row["tokens"] for row in rows), rows[-1]["total_tokens"])
        self.assertEqual([row["lr"] for row in rows[:2]], [1e-3, 2e-3])
        event, = (self.dir / "run").glob("events.out.tfevents.*")
        self.assertEqual(event.read_bytes().count(b"grad_norm"), 12)
        self.train("run", "--force")
        self.assertEqual(self.metrics("run"), rows)
        (self.dir / "run/metrics.jsonl").write_text("mine\n")
        self.say(self.train("run", "--force", rc=3), "metrics.jsonl:1", "move the file away")
        self.assertTrue(self.step("run", 12).exists())

    def test_interrupted(self):
        config = self.config(steps=100000)
        child = self.start("train", config, "--out", str(self.dir / "run"), "--progress", "none")
        wait_for((self.dir / "run/manifest.json").exists)
        child.send_signal(signal.SIGINT)
        err = child.communicate()[1].decode()
        self.assertEqual(child.returncode, 130)
        self.assertIn("--resume", err)
        done = json.loads((self.dir / "run/manifest.json").read_text())["steps_done"]
        self.assertEqual(done == 0, not self.step("run", done).exists())

    def test_checkpoints(self):
        self.train("run", save_every=3, keep=2)
        self.assertEqual(sorted(p.name for p in (self.dir / "run/checkpoints").iterdir()), ["step_12", "step_9"])
        config = json.loads((self.dir / "run/manifest.json").read_text())["config"]
        self.assertEqual((config["lr"], config["beta2"], config["decay"], config["device"], config["append_eos"]),
                         (SMALL["lr"], 0.999, "linear", "cpu", True))  # as resolved
        done = self.train("run", "--resume", "--json", save_every=3, keep=2)
        self.say(done, "all 12 were done already")
        self.assertIsNone(json.loads(done.out)["loss"])
        self.say(self.train("run", save_every=3, keep=2, rc=2), "--resume to go on")
        self.say(self.train("run", "--resume", save_every=4, keep=2, rc=2), "save_every")
        self.train("run", "--force", save_every=5, keep=0)
        self.assertEqual(sorted(p.name for p in (self.dir / "run/checkpoints").iterdir()), ["step_10", "step_12", "step_5"])
        weights_file = self.step("run", 12) / "model.safetensors"
        data = bytearray(weights_file.read_bytes())
        data[-3] ^= 1
        weights_file.write_bytes(data)
        self.say(self.train("run", "--resume", save_every=5, keep=0, rc=3), "step_12", "model.safetensors")

    def test_a_gradient_that_is_not_finite(self):
        """The run ends, and what was learned before is kept."""
        rows = ROWS + [{"prompt": "z", "completion": "z"}]
        run = self.train("run", rows=rows, model=poisoned(self.dir / "poisoned"), batch_size=1, steps=100, seed=3, rc=3)
        self.say(run, "the gradient is not finite")
        manifest = json.loads((self.dir / "run/manifest.json").read_text())
        self.assertEqual(manifest["state"], "failed")
        self.assertGreater(manifest["steps_done"], 0)
        self.assertTrue((self.step("run", manifest["steps_done"]) / "model.safetensors").exists())

    def test_chat_and_texts(self):
        rows = [{"messages": [{"role": "user", "content": "2+2"}, {"role": "assistant", "content": "4"}]}, {"text": "abcdef"}]
        run = self.train("run", rows=rows, max_len=64)
        self.say(run, "steps  12 of 12")

    def test_left_out(self):
        rows = ROWS + [{"text": "word " * 100}, {"text": "a"}]
        run = self.train("run", rows=rows)
        self.say(run, "1 texts are over 32 tokens")

    def test_bf16(self):
        self.train("run", dtype="bf16")
        names = weights(self.step("run", 12))
        self.assertIn(b'"BF16"', names["model.safetensors"][:4000])
        self.assertIn(b"master", names["optim.safetensors"][:8000])

    def test_without_master_weights(self):
        """bf16 alone: it learns, the bits are the same on any number of threads and after a kill."""
        config = self.config(dtype="bf16", master_weights=False, steps=40, save_every=5, keep=0, batch_size=25, micro_tokens=512)
        whole = self.train("whole", config=config)
        self.assertNotIn("master weights", whole.err)
        losses = [row["loss"] for row in self.metrics("whole")]
        self.assertLess(losses[-1], losses[0] / 2)
        child = self.start("train", config, "--out", str(self.dir / "cut"), "--threads", "1")
        wait_for(self.step("cut", 5).exists)
        child.kill()
        child.communicate()
        self.train("cut", "--resume", config=config)
        for step in (20, 40):
            self.assertEqual(weights(self.step("cut", step)), weights(self.step("whole", step)))
        self.assertEqual(self.metrics("cut"), self.metrics("whole"))
        self.assertNotIn(b"master", weights(self.step("whole", 40))["optim.safetensors"][:8000])
        self.say(self.train("whole", "--resume", "--set", "master_weights=true", config=config, rc=2),
                 "config.master_weights: false then, true now")

    def test_master_weights_refusals(self):
        for more in ({}, {"dtype": "f32"}, {"dtype": "f32", "lora": {}}):
            self.say(self.train("r", rc=2, master_weights=False, **more), '"master_weights" false needs "dtype" bf16 and no "lora"')
        self.say(self.train("r", rc=2, master_weights=0, dtype="bf16"), "master_weights")
        with_it = self.assay("train", self.config(dtype="bf16"), "--dry-run").err
        without = self.assay("train", self.config(dtype="bf16", master_weights=False), "--dry-run").err
        self.assertIn("master weights", with_it)
        self.assertNotIn("master weights", without)
        total = [float(re.search(r"total .*?([0-9.]+)\n", text).group(1)) for text in (with_it, without)]
        master = float(re.search(r"master weights +([0-9.]+)\n", with_it).group(1))
        self.assertAlmostEqual(total[0] - total[1], master, delta=0.11)
        self.assertRegex(self.assay("train", "--help").out, r"(?<!\w)master_weights(?!\w)")

    def test_recompute(self):
        """Kept or computed again: the same bits, less memory; a plan that is too large says which would do."""
        total = {}
        for how in ("none", "cheap", "layer"):
            run = self.train(how, rows=ROWS * 8, recompute=how, micro_tokens=1024, batch_size=100, steps=2)
            self.assertEqual(weights(self.step(how, 2)), weights(self.step("none", 2)))
            self.assertEqual(json.loads((self.dir / how / "manifest.json").read_text())["config"]["recompute"], how)
            total[how] = float(re.search(r"total .*?([0-9.]+)\n", run.err).group(1))
        self.say(run, "layers again")
        self.assertLess(total["layer"], total["cheap"])
        self.assertLess(total["cheap"], total["none"])
        for limit, cure in ((int(total["none"]), "cheap"), (int(total["cheap"]), "layer")):
            self.assertGreater(limit, total[cure])
            refused = self.train("r", rows=ROWS * 8, memory_mib=limit, micro_tokens=1024, batch_size=100, rc=7)
            self.say(refused, "MiB are allowed", f'"recompute": "{cure}"')
        self.say(self.train("r", memory_mib=1, rc=7), 'a smaller "micro_tokens"')

    def test_lora(self):
        """An adapter learns; the folder it adapts is as it was; killed, it ends at the same bits."""
        before = (QWEN / "model.safetensors").read_bytes()
        lora = {"r": 4, "lora_alpha": 8, "target_modules": ["q_proj", "v_proj", "down_proj"]}
        config = self.config(lora=lora, steps=40, save_every=5, keep=0, lr=0.02, batch_size=25, micro_tokens=512)
        whole = self.train("whole", "--json", config=config)
        self.say(whole, "adapter, frozen matrices")
        losses = [row["loss"] for row in self.metrics("whole")]
        self.assertLess(losses[-1], losses[0] / 4)
        child = self.start("train", config, "--out", str(self.dir / "cut"))
        wait_for(self.step("cut", 5).exists)
        child.kill()
        child.communicate()
        self.train("cut", "--resume", config=config)
        names = ("adapter_model.safetensors", "adapter_config.json", "optim.safetensors")
        for step in (20, 40):
            self.assertEqual(*([(self.step(run, step) / name).read_bytes() for name in names] for run in ("cut", "whole")))
        self.assertEqual(sorted(p.name for p in self.step("whole", 40).iterdir()), sorted((*names, "trainer.json")))
        config = json.loads((self.step("whole", 40) / "adapter_config.json").read_text())
        self.assertEqual((config["r"], config["lora_alpha"], config["peft_type"], config["base_model_name_or_path"]),
                         (4, 8, "LORA", str(QWEN)))
        self.assertEqual(json.loads((self.dir / "whole/manifest.json").read_text())["config"]["lora"]["use_rslora"], False)
        size, = struct.unpack_from("<Q", (self.step("whole", 40) / names[2]).read_bytes())
        header = json.loads((self.step("whole", 40) / names[2]).read_bytes()[8:8 + size])
        self.assertEqual(len(header) - ("__metadata__" in header), 2 * 2 * 2 * 3)  # m, v; A, B; layers; modules
        self.assertEqual((QWEN / "model.safetensors").read_bytes(), before)

    def test_lora_refusals(self):
        for lora, says in (({"rank": 4}, 'key "rank" unknown'), ({"r": 0}, "from 1 to"), ({"lora_dropout": 0.1}, "dropout"),
                           ({"target_modules": ["lm_head"]}, '"lm_head" is none'), ({"target_modules": []}, "all-linear"),
                           ({"target_modules": "q_proj"}, "a list as"), (3, "an object is allowed")):
            self.say(self.train("r", lora=lora, rc=2), '"lora"', says)
        self.say(self.train("r", lora={}, dtype="bf16", rc=2), "f32")
        drawn = dict(SMALL, init=str(QWEN), data=self.file("rows.jsonl", ROWS), lora={})
        del drawn["model"]
        self.say(self.train("r", config=self.file("drawn.json", [drawn]), rc=2), '"lora" adapts a "model"')

    def samples(self, rows, name="samples.jsonl"):
        return self.file(name, [dict({"schema": "assay.sample/1", "sample_idx": 0, "finish_reason": "stop"}, **row) for row in rows])

    def test_distillation(self):
        """A student that was drawn learns to say what a teacher says."""
        teacher = self.train("teacher", "--json", steps=150, batch_size=25, lr=5e-3, micro_tokens=512)
        self.assertLess(json.loads(teacher.out)["loss"], 0.1)
        prompts = self.file("prompts.jsonl", [{"id": f"p{k}", "prompt": row["prompt"]} for k, row in enumerate(ROWS)] +
                            [{"id": 7, "prompt": "9+9="}])
        samples = self.dir / "samples.jsonl"
        self.assay("generate", "--model", self.step("teacher", 150), "--prompts", prompts, "--n", 2, "--max-tokens", 5,
                   "--out", samples)
        said = [json.loads(line) for line in samples.read_text().splitlines()]
        config = dict(SMALL, init=str(QWEN), data=str(samples), prompts=prompts, steps=200, batch_size=26, lr=5e-3,
                      micro_tokens=512, truncated="keep")
        del config["model"]
        student = self.train("student", "--json", config=self.file("distil.json", [config]))
        self.assertEqual(set(json.loads((self.dir / "student/manifest.json").read_text())["hashes"]) & {"data", "prompts"},
                         {"data", "prompts"})
        greedy = self.assay("generate", "--model", self.step("student", 200), "--prompts", prompts, "--temperature", 0,
                            "--max-tokens", 5)
        answers = {}
        for row in said:
            answers.setdefault(row["problem_id"], set()).add(row["completion"])
        got = [json.loads(line) for line in greedy.out.splitlines()]
        self.assertGreaterEqual(sum(row["completion"] in answers[row["problem_id"]] for row in got), 22)
        self.assertLess(json.loads(student.out)["loss"], 0.6)

    def test_samples_left_out(self):
        prompts = self.file("prompts.jsonl", [{"id": k, "prompt": f"{k}+1="} for k in range(5)])
        samples = self.samples([{"problem_id": 0, "completion": "1", "score": 1},
                                {"problem_id": 0, "sample_idx": 1, "completion": "2", "score": 0.25},
                                {"problem_id": 1, "completion": "2", "score": None},
                                {"problem_id": 2, "completion": "3333", "finish_reason": "length", "score": 1}])
        run = self.train("a", data=samples, prompts=prompts, steps=1, batch_size=3)
        self.say(run, "1 samples were cut off", '"truncated": "keep"', "2 prompts have no sample")
        three = self.metrics("a")[0]["learned_tokens"]
        self.train("b", data=samples, prompts=prompts, steps=1, batch_size=4, truncated="keep")
        self.assertEqual(self.metrics("b")[0]["learned_tokens"], three + 4)  # no end behind what has none
        run = self.train("c", data=samples, prompts=prompts, steps=1, batch_size=1, min_score=0.5)
        self.say(run, "2 samples score below 0.5", "1 samples were cut off")
        self.assertEqual(self.metrics("c")[0]["learned_tokens"], 2)
        chat = self.file("chat.jsonl", [{"id": k, "messages": [{"role": "user", "content": f"{k}+1="}]} for k in range(5)])
        plain = self.metrics("a")[0]
        for name, more in (("d", {"prompts": chat}), ("e", {"prompts": prompts, "as_chat": True})):
            self.train(name, **{"data": samples, "steps": 1, "batch_size": 3, "max_len": 64, "micro_tokens": 256, **more})
        self.assertEqual(self.metrics("d"), self.metrics("e"))
        self.assertGreater(self.metrics("d")[0]["tokens"], plain["tokens"])
        self.assertEqual(self.metrics("d")[0]["learned_tokens"], plain["learned_tokens"])

    def test_samples_refused(self):
        prompts = self.file("prompts.jsonl", [{"id": k, "prompt": f"{k}"} for k in range(3)])
        good = {"problem_id": 0, "completion": "1"}
        for rows, more, says in (
                ([good, {"problem_id": 3, "completion": "1"}], {}, 'bad.jsonl:2: "problem_id" 3 is the "id" of no line of'),
                ([good, {"problem_id": "0", "completion": "1"}], {}, '"problem_id" "0" is the "id" of no line'),
                ([good, dict(good, sample_idx=1), good], {}, "bad.jsonl:3: sample 0 of 0 stands on line 1 already"),
                ([dict(good, sample_idx=None)], {}, '"sample_idx" is missing'), ([{"problem_id": 0}], {}, '"completion" is missing'),
                ([{"completion": "1"}], {}, '"problem_id" is missing'), ([good], {"min_score": 1}, 'there is no "score"'),
                ([dict(good, score="high")], {"min_score": 1}, 'there is no "score"')):
            self.say(self.train("r", data=self.samples(rows, "bad.jsonl"), prompts=prompts, rc=3, **more), says)
        samples = self.samples([good])
        twice = self.file("twice.jsonl", [{"id": 0, "prompt": "a"}, {"id": 1, "prompt": "b"}, {"id": 0, "prompt": "c"}])
        self.say(self.train("r", data=samples, prompts=twice, rc=3), 'twice.jsonl:3: "id" 0 stands on line 1 already')
        self.say(self.train("r", data=samples, prompts=self.file("x.jsonl", [{"id": 0}]), rc=3), "x.jsonl:1", '"messages"')
        self.say(self.train("r", data=samples, rc=3), "samples.jsonl:1", '"prompts" names the file')
        self.say(self.train("r", min_score=1, rc=2), 'need "prompts"')

    def test_refusals(self):
        for key, value, says in (("lr", -1, '"lr": -1, where a number from 0 to 10'), ("lrr", 1, '"lrr" unknown'),
                                 ("steps", 0, '"steps"'), ("steps", 1.5, "a whole number"), ("algo", "gpro", '"algo": "gpro", where sft|'),
                                 ("data", 3, "a text is allowed"), ("decay", "up", "constant|linear|cosine"),
                                 ("micro_tokens", 8, "a text must fit"), ("init", "x", 'one of "model"'),
                                 ("max_len", 100000, '"micro_tokens"'), ("device", "gpu", "cuda-exact"),
                                 ("memory_mib", 1, "MiB")):
            run = self.train("r", config=self.config(**{key: value}), rc=None)
            self.assertIn(run.returncode, (2, 7), (key, run.err))
            self.say(run, says)
        self.say(self.train("r", "--set", "lr", rc=2), "KEY=VALUE")
        self.say(self.train("r", rows=['{"prompt":"x"}'], rc=3), "rows.jsonl:1", "completion")
        self.say(self.train("r", rows=[{"text": "a"}], append_eos=False, rc=3), "no text to learn from")
        self.say(self.assay("train", rc=2), "CONFIG.json")
        self.assertFalse((self.dir / "r").exists())

    def test_dry_run(self):
        run = self.assay("train", self.config(), "--dry-run")
        self.say(run, "memory plan", "moments")


if __name__ == "__main__":
    main()
