#!/usr/bin/env python3
"""test_train_rm.py -- assay train with algo rm on a tiny model: it tells good answers from bad ones, a killed run ends as if
nothing had been, what it refuses. SPDX-License-Identifier: Apache-2.0"""
import json
import math

from run_assay import SOURCE, AssayTest, main, wait_for

QWEN = SOURCE / "tests/golden/models/tiny_qwen2"
SMALL = {"algo": "rm", "model": str(QWEN), "steps": 12, "batch_size": 6, "lr": 2e-3, "max_len": 32, "micro_tokens": 64}


def pairs(numbers):
    """Sums that are right, and ones that are off."""
    return [{"prompt": f"{a}+{a}=", "chosen": str(2 * a), "rejected": f"{2 * a} or so"} for a in numbers]


class Rm(AssayTest):
    def config(self, name="rm.json", **more):
        more.setdefault("data", self.file("pairs.jsonl", pairs(range(30))))
        return self.file(name, [dict(SMALL, **more)])

    def train(self, run, *args, config=None, rc=0, **more):
        return self.assay("train", config or self.config(**more), "--out", self.dir / run, *args, rc=rc)

    def step(self, run, n):
        return self.dir / run / "checkpoints" / f"step_{n}"

    def metrics(self, run):
        rows = [json.loads(line) for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]
        for row in rows:
            del row["time"], row["tokens_per_s"]
        return rows

    def test_it_learns(self):
        held = self.file("held.jsonl", pairs(range(30, 60)))
        run = self.train("run", "--json", steps=40, eval_data=held, eval_every=15)
        summary = json.loads(run.out)
        self.assertTrue(summary["held_out"])
        self.assertGreaterEqual(summary["accuracy"], 0.9)
        self.assertLess(summary["loss"], 0.3)
        self.say(run, "no head that scores: one is drawn of 0.02", "of 30 held out are told apart")
        rows = self.metrics("run")
        self.assertAlmostEqual(rows[0]["loss"], math.log(2), delta=0.15)  # it knows next to nothing yet
        self.assertEqual([row["step"] for row in rows if "eval/accuracy" in row], [15, 30, 40])
        self.assertEqual(rows[-1]["eval/accuracy"], summary["accuracy"])
        self.assertEqual(set(rows[0]), {"step", "loss", "accuracy", "margin", "reward/chosen", "reward/rejected", "lr", "grad_norm",
                                        "tokens", "total_tokens"})
        for row in rows:
            self.assertAlmostEqual(row["margin"], row["reward/chosen"] - row["reward/rejected"], delta=1e-6)
        config = json.loads((self.step("run", 40) / "config.json").read_text())
        self.assertEqual((config["architectures"], config["id2label"]), (["Qwen2ForSequenceClassification"], {"0": "LABEL_0"}))
        info = self.assay("model", "info", self.step("run", 40))
        self.assertIn("head for scores alone", info.out)
        # it may go on from there, and is no language model any more
        again = self.train("again", steps=1, model=str(self.step("run", 40)), eval_data=held)
        self.assertNotIn("is drawn", again.err)
        self.assertLess(self.metrics("again")[0]["loss"], 0.3)
        sft = {"algo": "sft", "model": str(self.step("run", 40)), "steps": 1, "data": self.file("t.jsonl", [{"text": "abc"}])}
        self.say(self.assay("train", self.file("sft.json", [sft]), "--out", self.dir / "sft", rc=2), "has no head for tokens")
        prompts = self.file("p.jsonl", [{"id": 1, "prompt": "1+1="}])
        self.say(self.assay("generate", "--model", self.step("run", 40), "--prompts", prompts, rc=2), "no head for tokens")
        self.say(self.assay("ppl", "--model", self.step("run", 40), "--in", self.file("t.jsonl", [{"text": "abc"}]), rc=2),
                 "no head for tokens")
        self.say(self.assay("model", "export", "--model", self.step("run", 40), "--out", self.dir / "x.gguf", rc=2), "score head")

    def test_killed_and_gone_on_with(self):
        held = self.file("held.jsonl", pairs(range(30, 40)))
        config = self.config(steps=40, save_every=5, keep=0, eval_data=held, eval_every=4)
        self.train("whole", config=config)
        child = self.start("train", config, "--out", str(self.dir / "cut"))
        wait_for(self.step("cut", 5).exists)
        child.kill()
        child.communicate()
        self.say(self.train("cut", "--resume", config=config), "goes on from")
        for step in (20, 40):
            for name in ("model.safetensors", "optim.safetensors", "config.json"):
                self.assertEqual((self.step("cut", step) / name).read_bytes(), (self.step("whole", step) / name).read_bytes())
        self.assertEqual(self.metrics("cut"), self.metrics("whole"))

    def test_options_change_the_result(self):
        self.train("plain")
        first = {"plain": self.metrics("plain")}
        for name, more in (("head", {"head_std": 0}), ("center", {"center_coef": 1}), ("seed", {"seed": 1}),
                           ("chat", {"as_chat": True, "max_len": 64, "micro_tokens": 128}), ("bf16", {"dtype": "bf16"}),
                           ("lr", {"lr": 1e-3})):
            self.train(name, **more)
            first[name] = self.metrics(name)
            self.assertNotEqual(first[name], first["plain"], name)
        self.assertEqual(first["head"][0]["loss"], math.log(2))
        self.assertEqual((first["head"][0]["accuracy"], first["head"][0]["margin"]), (0, 0))
        for name, more in (("micro", {"micro_tokens": 512}), ("threads", {})):
            self.train(name, *(("--threads", "1") if name == "threads" else ()), **more)
            for a, b in zip(self.metrics(name), first["plain"]):
                self.assertAlmostEqual(a["loss"], b["loss"], delta=1e-5)

    def test_left_out(self):
        rows = pairs(range(20)) + [{"prompt": "x", "chosen": "a", "rejected": "a"}, {"chosen": "word " * 40, "rejected": "b"}]
        run = self.train("run", data=self.file("more.jsonl", rows))
        self.say(run, "1 pairs are over 32 tokens", "1 pairs are of twice the same text")

    def test_refused(self):
        bad = self.file("bad.jsonl", [{"prompt": "a", "chosen": "b"}])
        same = self.file("same.jsonl", [{"chosen": "b", "rejected": "b"}])
        for more, rc, says in (({"data": bad}, 3, 'bad.jsonl:1: "rejected" is missing'), ({"data": same}, 3, "there is no pair"),
                               ({"lora": {}}, 2, '"lora" would leave the head'), ({"eval_every": 3}, 2, 'needs "eval_data"'),
                               ({"micro_tokens": 63}, 2, "twice"), ({"append_eos": True}, 2, '"append_eos" unknown'),
                               ({"max_len": 300, "micro_tokens": 600}, 2, "was made for 256 positions"),
                               ({"data": str(self.dir / "none.jsonl")}, 3, "none.jsonl"),
                               ({"eval_data": same}, 3, "there is no pair")):
            self.say(self.train("r", rc=rc, **more), says)
        config = dict(SMALL)
        self.say(self.train("r", config=self.file("x.json", [config]), rc=2), '"data" is missing', '"chosen"')


main()
