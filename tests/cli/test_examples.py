#!/usr/bin/env python3
"""test_examples.py -- the runs in examples: prompts as their scripts make them, none of them held out, configurations that train
from the root, the coin that is their control.
SPDX-License-Identifier: Apache-2.0"""
import importlib.util
import sys

from run_assay import BIN, SOURCE, TEST_PLUGINS, AssayTest, json, lines_of, main

EXAMPLES = SOURCE / "examples"
HELD_OUT = {"countdown_grpo": "countdown/test.jsonl", "arithmetic_ppo": "arith/held.jsonl"}
sys.dont_write_bytecode = True


def load(path):
    return lines_of(path.read_text())


def script(name):
    spec = importlib.util.spec_from_file_location(name, EXAMPLES / name / "prompts.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


class Prompts(AssayTest):
    def test_made_by_their_scripts(self):
        for name in HELD_OUT:
            self.assertEqual(load(EXAMPLES / name / "train.jsonl"), list(script(name).problems()), name)

    def test_nothing_is_held_out_and_learned(self):
        for name, suite in HELD_OUT.items():
            learned = [p["prompt"] for p in load(EXAMPLES / name / "train.jsonl")]
            held = {p["prompt"] for p in load(EXAMPLES / "models" / suite)}
            self.assertEqual(len(set(learned)), len(learned))
            self.assertFalse(held & set(learned), name)
            self.assertIn(suite, json.loads((EXAMPLES / name / "config.json").read_text())["eval_suite"])


class Runs(AssayTest):
    def train(self, name, *settings):
        words = [word for s in ("steps=2", "eval_n=1", "eval_limit=20", *settings) for word in ("--set", s)]
        self.run_ = self.assay("train", f"examples/{name}/config.json", "--out", self.dir / "run", "--force", "--progress", "none",
                               *words, cwd=SOURCE)
        return load(self.dir / "run/metrics.jsonl")

    def test_countdown(self):
        for algo in ("grpo", "remax"):
            steps = self.train("countdown_grpo", "train_batch_size=8", "n=4", f"algo={algo}")
            self.assertEqual(steps[-1]["step"], 2)
            self.assertEqual(steps[-1]["rollout/responses"], 32)
            self.assertEqual(steps[-1]["reward/unscored"], 0)
            if algo == "grpo":  # of remax, the verifier sees greedy responses too
                self.assertEqual(steps[-1]["reward/mean"], steps[-1]["verifier/countdown"])

    def test_who_does_not_judge_is_told(self):
        abstains = str(TEST_PLUGINS / "always_abstain.so")
        steps = self.train("countdown_grpo", "train_batch_size=8", "n=4", f'holdout=["coin","{abstains}"]')
        self.assertEqual((steps[-1]["holdout/bad_unscored"], steps[-1]["holdout/coin_unscored"]), (1, 0))
        self.assertEqual((steps[-1]["verifier/countdown_unscored"], steps[-1]["reward/unscored"]), (0, 0))
        self.assertGreater(steps[-1]["timing/verifier_countdown"], 0)
        told = [line for line in self.run_.err.splitlines() if "verifier bad: 0 error, 32 abstain of 32 responses" in line]
        self.assertEqual(len(told), 1, self.run_.err)

    def test_arithmetic(self):
        steps = self.train("arithmetic_ppo", "train_batch_size=8", "n=2")
        self.assertEqual(steps[-1]["step"], 2)
        self.assertIn("critic/vf_explained_var", steps[-1])

    def test_whole_plans(self):
        for name, updates in (("countdown_grpo", 64), ("arithmetic_ppo", 64)):
            plan = self.assay("train", f"examples/{name}/config.json", "--out", self.dir / "none", "--dry-run", cwd=SOURCE)
            self.assertIn(f"{updates} updates", plan.out + plan.err)
            self.assertFalse((self.dir / "none").exists())


class Coin(AssayTest):
    """Half of all, whatever they say; by the seed, so that it is the same again."""

    def verdicts(self, seed):
        items = self.file("items.jsonl", [{"id": k, "completion": "the same"} for k in range(4000)])
        out = self.assay("verify", "--plugin", BIN.parent / "plugins/coin.so", "--in", items, "--seed", seed, "--quiet").out
        return [v["verdict"] for v in lines_of(out)]

    def test_half_pass(self):
        first = self.verdicts(1)
        self.assertTrue(1850 < first.count("pass") < 2150, first.count("pass"))
        self.assertEqual(first.count("pass") + first.count("fail"), len(first))
        self.assertEqual(first, self.verdicts(1))
        other = self.verdicts(2)
        self.assertTrue(1850 < sum(a == b for a, b in zip(first, other)) < 2150)


if __name__ == "__main__":
    main()
