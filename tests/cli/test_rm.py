#!/usr/bin/env python3
"""test_rm.py -- the verifier rm: scores of a reward model that the host loads, by itself and as a part of others; what it
refuses. SPDX-License-Identifier: Apache-2.0"""
import json
import math

from run_assay import SOURCE, AssayTest, lines_of, main

TINY = SOURCE / "tests/golden/models/tiny_reward"
GOLDEN = json.loads((TINY / "golden_scores.json").read_text())


def rm(**more):
    return "rm:" + json.dumps(dict({"model": str(TINY)}, **more))


class Rm(AssayTest):
    def items(self, **more):
        rows = [{"id": k, "completion": g["answer"], **({} if g["prompt"] is None else {"prompt": g["prompt"]}), **more}
                for k, g in enumerate(GOLDEN)]
        return self.file("items.jsonl", rows)

    def verify(self, plugin, *args, rc=0):
        return self.assay("verify", "--plugin", plugin, "--in", self.items(), *args, rc=rc)

    def test_scores_are_transformers(self):
        run = self.verify(rm())
        self.say(run, "rm 0.1.0", "in process")
        for row, g in zip(lines_of(run.out), GOLDEN, strict=True):
            self.assertAlmostEqual(row["score"], g["score"], delta=2e-5)
            self.assertAlmostEqual(row["metrics"]["reward"], g["score"], delta=2e-5)
            self.assertEqual(row["verdict"], "pass" if g["score"] >= 0 else "fail")

    def test_threads_and_batches_do_not_show(self):
        rows = self.file("many.jsonl", [{"id": k, "prompt": f"{k % 17}+1=", "completion": str(k)} for k in range(600)])
        said = [[(row["id"], row["score"]) for row in lines_of(
            self.assay("verify", "--plugin", rm(), "--in", rows, "--threads", n).out)]
            for n in (1, 2, 4)]
        self.assertEqual(said[0], said[1])
        self.assertEqual(said[0], said[2])

    def test_what_the_score_is(self):
        squashed = lines_of(self.verify(rm(score="sigmoid", mean=1, std=2)).out)
        for row, g in zip(squashed, GOLDEN):
            self.assertAlmostEqual(row["score"], 1 / (1 + math.exp(-(g["score"] - 1) / 2)), delta=1e-5)
            self.assertEqual(row["verdict"], "pass" if row["score"] >= 0.5 else "fail")
        for row, g in zip(lines_of(self.verify(rm(clip=2, pass_at=1.5)).out), GOLDEN):
            self.assertAlmostEqual(row["score"], max(-2, min(2, g["score"])), delta=2e-5)
            self.assertEqual(row["verdict"], "pass" if g["score"] >= 1.5 else "fail")
        said, = lines_of(self.assay("verify", "--plugin", rm(as_chat=True), "--prompt", 'a "quoted"\n\\', "--completion", "2").out)
        chat = json.dumps([{"role": "user", "content": 'a "quoted"\n\\'}])
        same, = lines_of(self.assay("verify", "--plugin", rm(), "--prompt", chat, "--completion", "2").out)
        self.assertEqual(said["score"], same["score"])

    def test_too_long(self):
        row, = lines_of(self.assay("verify", "--plugin", rm(), "--completion", "7" * 200).out)
        self.assertEqual((row["verdict"], row["score"]), ("abstain", None))
        self.assertIn("longer than the reward model scores", row["reason"])

    def test_as_a_part(self):
        both = "compose:" + json.dumps({"parts": [{"verifier": "rm", "config": {"model": str(TINY), "score": "sigmoid"}},
                                                  {"verifier": "format", "config": {"tags": [], "boxed": True}, "weight": 0}]})
        for row, g in zip(lines_of(self.verify(both).out), GOLDEN):
            self.assertAlmostEqual(row["score"], 1 / (1 + math.exp(-g["score"])), delta=1e-5)

    def test_refused(self):
        for config, says in (({}, '"model" is missing'), ({"model": "/nowhere"}, "/nowhere"), ({"modle": "x"}, "modle"),
                             ({"model": str(TINY), "device": "cuda"}, "on the processor, also in a run on a GPU"),
                             ({"model": str(SOURCE / "tests/golden/models/tiny_qwen2")}, "a language model, which scores nothing"),
                             ({"model": str(TINY), "score": "tanh"}, "sigmoid"), ({"model": str(TINY), "std": 0}, "std")):
            self.say(self.verify("rm:" + json.dumps(config), rc=2), says)
        run = self.assay("verify", "--plugin", rm(), "--in", self.items(), "--isolation", "worker", rc=None)
        self.assertNotEqual(run.returncode, 0)
        self.say(run, "only the host loads models", "--isolation inproc")


main()
