#!/usr/bin/env python3
"""test_ppl.py -- assay ppl on the tiny models: the goldens' log-probabilities, the batch does not show, what generate wrote
has the log-probability it said. SPDX-License-Identifier: Apache-2.0"""
import json
import math

from poisoned import poisoned
from run_assay import SOURCE, AssayTest, main

MODELS = SOURCE / "tests/golden/models"


class Ppl(AssayTest):
    def ppl(self, rows, *args, model=MODELS / "tiny_qwen2", **more):
        run = self.assay("ppl", "--model", model, "--in", self.file("in.jsonl", rows), *args, **more)
        return [json.loads(line) for line in run.out.splitlines()], run

    def test_goldens(self):
        for family in ("tiny_qwen2", "tiny_llama", "tiny_qwen3"):
            golden = json.loads((MODELS / family / "golden.json").read_text())["prompts"]
            rows, run = self.ppl([{"id": k, "text": g["text"]} for k, g in enumerate(golden)], model=MODELS / family)
            for row, g in zip(rows, golden):
                self.assertEqual(row["n_tokens"], len(g["ids"]) - 1)
                self.assertAlmostEqual(row["sum_logp"], g["sum_logprob"], delta=2e-5 * row["n_tokens"])
                self.assertAlmostEqual(row["ppl"], math.exp(-row["sum_logp"] / row["n_tokens"]), delta=1e-6 * row["ppl"])
            self.say(run, "perplexity")

    def test_prompts(self):
        """Of a text in two halves, the second given the first."""
        whole, halves = {"id": 1, "text": "ab cd"}, {"prompt": "ab", "completion": " cd"}
        rows, _ = self.ppl([whole, halves, {"text": "ab"}])
        self.assertEqual([r["id"] for r in rows], [1, 2, 3])
        self.assertAlmostEqual(rows[0]["sum_logp"], rows[1]["sum_logp"] + rows[2]["sum_logp"], places=4)

    def test_numbers_that_are_not_finite(self):
        model = poisoned(self.dir / "poisoned")
        rows, _ = self.ppl([{"id": "fine", "text": "ab cd"}], model=model)
        self.assertEqual(rows[0]["id"], "fine")
        _, run = self.ppl([{"id": "bad", "text": "abz cd"}], model=model, rc=3)
        self.say(run, 'id "bad": the log-prob of scored token', "is not finite on cpu", "assay model info")

    def test_what_generate_said(self):
        prompts = [{"id": k, "prompt": t} for k, t in enumerate(("Hello", "1 + 1 =", "def f():"))]
        run = self.assay("generate", "--model", MODELS / "tiny_qwen3", "--prompts", self.file("p.jsonl", prompts), "--n", 4,
                         "--max-tokens", 20, "--token-ids")
        samples = [json.loads(line) for line in run.out.splitlines()]
        items = [{"prompt": prompts[s["problem_id"]]["prompt"], "token_ids": s["token_ids"]} for s in samples]
        rows, _ = self.ppl(items, model=MODELS / "tiny_qwen3")
        for row, s in zip(rows, samples):
            self.assertEqual(row["n_tokens"], s["n_tokens"])
            self.assertAlmostEqual(row["sum_logp"], s["sum_logp"], delta=1e-6 * s["n_tokens"])

    def test_batches(self):
        texts = [{"id": k, "text": "word " * (1 + k % 7) + str(k)} for k in range(300)]
        rows, run = self.ppl(texts)
        for more in (("--batch-tokens", 1), ("--batch-tokens", 77, "--threads", 1), ("--progress", "bar")):
            self.assertEqual(self.ppl(texts, *more)[1].out, run.out)
        self.assertEqual(self.ppl(texts, "--limit", 5)[0], rows[:5])
        _, run = self.ppl(texts, "--out", "o.jsonl", "--json", "--quiet")
        summary = json.loads(run.out)
        self.assertEqual((summary["texts"], summary["tokens"]), (300, sum(r["n_tokens"] for r in rows)))
        self.assertAlmostEqual(summary["sum_logp"], sum(r["sum_logp"] for r in rows), places=6)

    def test_refusals(self):
        for line, says in (("[]", "not a JSON object"), ('{"id":1}', "neither"), ('{"text":""}', "empty"),
                           ('{"text":"a","prompt":3}', "no string"), ('{"token_ids":[5,100000]}', "no token of the model"),
                           (json.dumps({"text": "word " * 300}), "--context")):
            _, run = self.ppl(['{"text":"fine"}', line], rc=3)
            self.say(run, "in.jsonl:2", says)


if __name__ == "__main__":
    main()
