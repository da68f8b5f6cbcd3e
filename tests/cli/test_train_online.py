#!/usr/bin/env python3
"""test_train_online.py -- assay train with the key "rm": a reward model scores the responses and goes on learning which of them the
verifiers prefer. SPDX-License-Identifier: Apache-2.0"""
import hashlib
import json

from run_assay import SOURCE, AssayTest, main, wait_for

MODEL = str(SOURCE / "examples/models/arith")
SMALL = {"algo": "grpo", "model": MODEL, "reward": "math", "steps": 4, "train_batch_size": 4, "n": 4, "max_response_length": 32,
         "lr": 3e-4, "micro_tokens": 512, "rollouts_every": 0}
RM = {"model": MODEL, "every": 2, "pairs": 16, "batch_size": 8, "lr": 1e-3}
PROMPTS = (SOURCE / "examples/arithmetic_ppo/train.jsonl").read_text().splitlines()


class Online(AssayTest):
    def config(self, rm=None, **more):
        prompts = self.file("prompts.jsonl", PROMPTS)
        return self.file("rl.json", [dict(SMALL, **{"prompts": prompts, "rm": dict(RM, **(rm or {})), **more})])

    def train(self, run, *args, config=None, rc=0, **more):
        return self.assay("train", config or self.config(**more), "--out", self.dir / run, *args, rc=rc)

    def weights(self, run, n):
        return [hashlib.sha256((self.dir / run / folder / f"step_{n}" / name).read_bytes()).hexdigest()
                for folder in ("checkpoints", "rm") for name in ("model.safetensors", "optim.safetensors")]

    def metrics(self, run):
        rows = [json.loads(line) for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]
        return [{k: v for k, v in row.items() if k not in ("time", "tokens_per_s") and not k.startswith("timing/")} for row in rows]

    def test_it_learns(self):
        """Which answers are right is learned by the reward model; examples/rm_toy has what the policy makes of it."""
        run = self.train("run", steps=14, train_batch_size=8, n=8, micro_tokens=2048, rm={"every": 1, "pairs": 96, "batch_size": 32})
        self.say(run, "no head that scores: one is drawn of 0.02", "the other models")
        rows = self.metrics("run")

        def mean(name, part):
            numbers = [row[name] for row in part if name in row]
            return sum(numbers) / len(numbers)
        self.assertGreater(mean("rm/accuracy", rows[-10:]), 0.58)
        self.assertEqual([row["step"] for row in rows if "rm/pairs" in row], list(range(1, 15)))
        config = json.loads((self.dir / "run/rm/step_14/config.json").read_text())
        self.assertEqual(config["architectures"], ["Qwen2ForSequenceClassification"])
        # the reward model that is left is one for the verifier
        scored = self.assay("verify", "--plugin", "rm:" + json.dumps({"model": str(self.dir / "run/rm/step_14")}), "--in",
                            self.file("a.jsonl", [{"id": k, "prompt": "325.....=", "completion": text}
                                                  for k, text in enumerate((">05,####10", ">05,####77"))]))
        right, wrong = [json.loads(line)["score"] for line in scored.out.splitlines()]
        self.assertNotEqual(right, wrong)

    def test_killed_and_gone_on_with(self):
        config = self.config(steps=12, save_every=3, keep=0)
        self.train("whole", config=config)
        child = self.start("train", config, "--out", str(self.dir / "cut"))
        wait_for((self.dir / "cut/checkpoints/step_3").exists)
        child.kill()
        child.communicate()
        self.say(self.train("cut", "--resume", config=config), "goes on from")
        for step in (9, 12):
            self.assertEqual(self.weights("cut", step), self.weights("whole", step))
        self.assertEqual(self.metrics("cut"), self.metrics("whole"))

    def test_options_change_the_result(self):
        self.train("plain")
        plain = self.weights("plain", 4)
        for name, more in (("every", 1), ("pairs", 3), ("batch_size", 3), ("epochs", 2), ("lr", 1e-4), ("head_std", 0.1),
                           ("center_coef", 1)):
            self.train(name, rm={name: more})
            self.assertNotEqual(self.weights(name, 4), plain, name)
        self.train("again", "--threads", 1)
        self.assertEqual(self.weights("again", 4), plain)
        self.train("without", "--set", "rm.every=0")
        frozen = self.metrics("without")
        self.assertFalse(any("rm/pairs" in row for row in frozen))
        self.assertTrue(all("rm/reward" in row for row in frozen))

    def test_labels_of_a_file(self):
        """Those of the verifier itself, by id and completion, are as good as the verifier; where there are none, nothing is learned."""
        self.train("plain", rollouts_every=1, rollouts_logged=1000)
        rows = [json.loads(line) for line in (self.dir / "plain/rollouts.jsonl").read_text().splitlines()]
        self.assertEqual(len(rows), 4 * 16)
        labels = self.file("labels.jsonl", [{k: row[k] for k in ("id", "completion", "score")} for row in rows])
        self.train("labelled", rm={"labels": labels})
        self.assertEqual(self.weights("labelled", 4), self.weights("plain", 4))
        other = self.file("other.jsonl", [{"id": row["id"], "completion": row["completion"], "score": -row["score"]} for row in rows])
        self.train("other", rm={"labels": other})
        self.assertNotEqual(self.weights("other", 4), self.weights("plain", 4))
        self.train("none", rm={"labels": self.file("none.jsonl", [{"id": "x", "completion": "y", "score": 1}])})
        self.assertEqual([row["rm/pairs"] for row in self.metrics("none") if "rm/pairs" in row], [0, 0])
        self.assertFalse(any("rm/accuracy" in row for row in self.metrics("none")))
        twice = self.file("twice.jsonl", [{"id": "x", "completion": "y", "score": 1}, {"id": "x", "completion": "y", "score": 0}])
        self.say(self.train("r", rm={"labels": twice}, rc=3), "twice.jsonl:2", "another label")
        self.say(self.train("r", rm={"labels": self.file("bad.jsonl", [{"id": 1}])}, rc=3), "bad.jsonl:1: no label")

    def test_refused(self):
        tiny = str(SOURCE / "tests/golden/models/tiny_qwen3")
        for more, says in (({"rm": {"model": None}}, '"model"'), ({"rm": {"evry": 1}}, "evry"), ({"rm": {"model": tiny}}, "another vocabulary"),
                           ({"algo": "remax"}, "remax"), ({"zero_groups": "resample"}, "resample"), ({"algo": "ppo", "n": 1}, "pairs"),
                           ({"rm": {"every": 0, "labels": "x"}}, "would change nothing"), ({"micro_tokens": 60}, "a pair of responses")):
            self.say(self.train("r", rc=2, **more), says)
        config = self.file("rl.json", [dict(SMALL, prompts=self.file("prompts.jsonl", PROMPTS), rm=3)])
        self.say(self.train("r", config=config, rc=2), '"rm"', "an object is allowed")


main()
