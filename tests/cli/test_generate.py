#!/usr/bin/env python3
"""test_generate.py -- assay generate on the tiny models: what it writes, the same however it is run, gone on with after a
kill, what it refuses. SPDX-License-Identifier: Apache-2.0"""
import json
import os
import re
import shutil
import signal
import unittest

from run_assay import SOURCE, AssayTest, main, wait_for

MODELS = SOURCE / "tests/golden/models"
QWEN = MODELS / "tiny_qwen2"
SIZE = 383  # of the tiny tokenizers; the models have one row more
PROMPTS = [{"id": "a", "prompt": "Hello world, this is a test"}, {"id": 7, "prompt": "def f(x):"},
           {"id": "ü\n", "prompt": "Once upon", "more": [1]}]


def samples(text):
    return [json.loads(line) for line in text.splitlines()]


class Generate(AssayTest):
    def generate(self, *args, model=QWEN, prompts=None, **more):
        path = self.file("prompts.jsonl", prompts or PROMPTS)
        return self.assay("generate", "--model", model, "--prompts", path, *args, **more)

    def test_lines(self):
        run = self.generate("--n", 2, "--max-tokens", 9, "--token-ids", "--logprobs", "--seed", 5)
        rows = samples(run.out)
        self.assertEqual([(r["problem_id"], r["sample_idx"]) for r in rows],
                         [(p["id"], k) for p in PROMPTS for k in (0, 1)])
        for r in rows:
            self.assertEqual(r["schema"], "assay.sample/1")
            self.assertEqual(r["seed"], 5)
            self.assertEqual(r["n_tokens"], len(r["token_ids"]))
            self.assertEqual(r["n_tokens"], len(r["logprobs"]))
            self.assertAlmostEqual(r["sum_logp"], sum(r["logprobs"]), places=4)
            self.assertTrue(r["finish_reason"] == "length" and r["n_tokens"] == 9 or r["finish_reason"] == "stop")
            self.assertGreater(r["entropy_mean"], 0)
        self.say(run, "3, 6 samples", "tokens a second")

    def test_golden(self):
        """Greedy tokens of a float64 reference, from the text on."""
        for family in ("tiny_qwen2", "tiny_llama", "tiny_qwen3"):
            golden = json.loads((MODELS / family / "golden.json").read_text())["prompts"]
            prompts = [{"id": k, "prompt": g["text"]} for k, g in enumerate(golden)]
            run = self.generate("--temperature", 0, "--max-tokens", 16, "--token-ids", model=MODELS / family, prompts=prompts)
            for row, g in zip(samples(run.out), golden):
                known = row["n_tokens"]  # the reference also draws ids that are padding of the vocabulary
                while max(g["greedy_16"][:known]) >= SIZE:
                    known -= 1
                self.assertEqual(row["token_ids"][:known], g["greedy_16"][:known], family)
                self.assertGreaterEqual(known, 3)

    def test_the_same_however_it_is_run(self):
        words = ("--n", 5, "--max-tokens", 30, "--temperature", 0.8, "--top-p", 0.9, "--token-ids")
        first = self.generate(*words).out
        for more in (("--max-seqs", 1), ("--threads", 1), ("--max-seqs", 4, "--cache-mib", 1)):
            self.assertEqual(self.generate(*words, *more).out, first, more)
        self.assertNotEqual(self.generate(*words, "--seed", 1).out, first)
        turned = samples(self.generate(*words, prompts=PROMPTS[::-1]).out)
        def key(r):
            return json.dumps(r["problem_id"]), r["sample_idx"]
        self.assertEqual(sorted(turned, key=key), sorted(samples(first), key=key))

    def test_chat(self):
        """--chat, messages, and the same text written out are one prompt."""
        words = ("--max-tokens", 8, "--token-ids")
        said = samples(self.generate("--chat", *words, prompts=[{"id": 1, "prompt": "2+\n2"}]).out)
        messages = [{"id": 1, "messages": [{"role": "user", "content": "2+\n2"}]}]
        self.assertEqual(samples(self.generate(*words, prompts=messages).out), said)
        family = samples(self.generate(*words, "--chat-template", "chatml", prompts=messages).out)
        text = "<|im_start|>user\n2+\n2<|im_end|>\n<|im_start|>assistant\n"
        self.assertEqual(samples(self.generate(*words, prompts=[{"id": 1, "prompt": text}]).out), family)
        self.say(self.generate("--chat-template", "nobody", prompts=messages, rc=2), "nobody")
        self.say(self.generate(prompts=[{"id": 1, "messages": "x"}], rc=3), "no list")

    def test_stop(self):
        whole = samples(self.generate("--n", 8, "--max-tokens", 30).out)
        stop = next(filter(None, (re.search("[ -~]{2}", r["completion"][4:]) for r in whole))).group()
        cut = samples(self.generate("--n", 8, "--max-tokens", 30, "--stop", "no such text", "--stop", stop).out)
        for before, after in zip(whole, cut):
            self.assertEqual(after["completion"], before["completion"].split(stop)[0])
            self.assertEqual(after["finish_reason"] == "stop", stop in before["completion"] or before["finish_reason"] == "stop")

    def test_resume(self):
        out = self.dir / "out.jsonl"
        words = ("--n", 4, "--max-tokens", 20, "--out", out)
        self.generate(*words)
        whole = out.read_bytes()
        manifest = json.loads((self.dir / "out.jsonl.manifest.json").read_text())
        self.assertEqual(manifest["state"], "done")
        self.assertEqual(manifest["samples"], 12)
        self.assertEqual(manifest["computed_by"]["backend"], "cpu")
        for keep in (0, 1, len(whole) // 3, len(whole) // 2, len(whole) - 1, len(whole)):
            out.write_bytes(whole[:keep])  # as a kill at any moment leaves it
            run = self.generate(*words, "--resume")
            self.assertEqual(out.read_bytes(), whole, keep)
        self.say(run, "kept     12 samples")
        self.assertIn("--resume to go on", self.generate(*words, rc=2).err)
        run = self.generate("--n", 4, "--max-tokens", 21, "--out", out, "--resume", rc=2)
        self.say(run, "max_tokens")
        run = self.generate(*words, "--resume", model=MODELS / "tiny_qwen3", rc=2)
        self.say(run, "config.json")
        other = [dict(p, prompt=p["prompt"] + "!") for p in PROMPTS]
        self.say(self.generate(*words, "--resume", prompts=other, rc=2), "prompts")
        out.write_bytes(whole.replace(b'"sample_idx":2', b'"sample_idx":9', 1))
        self.say(self.generate(*words, "--resume", rc=3), "out.jsonl:3", "not sample 2 of prompt \"a\"", "--force")
        self.generate(*words, "--force")
        self.assertEqual(out.read_bytes(), whole)

    def test_interrupted(self):
        out, words = self.dir / "out.jsonl", ("--n", 400, "--max-tokens", 200, "--ignore-eos", "--device", "naive")
        path = self.file("prompts.jsonl", PROMPTS)
        line = ("generate", "--model", QWEN, "--prompts", path, *words, "--out", out)
        child = self.start(*map(str, line))
        wait_for(lambda: out.exists() and out.stat().st_size > 0)
        child.send_signal(signal.SIGINT)
        err = child.communicate()[1].decode()
        self.assertEqual(child.returncode, 130)
        self.assertIn("--resume", err)
        self.assertEqual(json.loads((self.dir / "out.jsonl.manifest.json").read_text())["state"], "interrupted")
        self.assertTrue(out.read_bytes().endswith(b"\n"))
        self.assertLess(len(samples(out.read_text())), 1200)

    def test_summary(self):
        run = self.generate("--n", 2, "--max-tokens", 5, "--out", "o.jsonl", "--json", "--quiet")
        summary = json.loads(run.out)
        self.assertEqual((summary["prompts"], summary["samples"], run.err), (3, 6, ""))
        self.assertEqual(summary["tokens"], sum(r["n_tokens"] for r in samples((self.dir / "o.jsonl").read_text())))

    def test_refusals(self):
        self.say(self.generate(model=self.dir, rc=3), "config.json")
        self.say(self.assay("generate", rc=2), "--model DIR is missing")
        self.say(self.generate("--n", 0, rc=2), "--n: 0 is out of range")
        self.say(self.generate("--top-p", 2, rc=2), "top_p 2")
        self.say(self.generate("--context", 100000, rc=2), "positions")
        self.say(self.generate("--stop", "", rc=2), "--stop")
        self.say(self.generate(model="http://127.0.0.1:1", rc=6), "is the server running?")
        for line, says in (('{"id":1}', '"prompt" is missing'), ('{"prompt":"x"}', '"id" is missing'),
                           ('{"id":1,"prompt":["x"]}', "of another kind"), ("nonsense", "column 1"),
                           ('{"id":1,"prompt":""}', "is empty"), ('{"id":"a","prompt":"x"}', "stands on line 1 already")):
            self.say(self.generate(prompts=[PROMPTS[0], line], rc=3), "prompts.jsonl:2", says)
        run = self.generate("--context", 20, prompts=[{"id": 1, "prompt": "word " * 40}], rc=3)
        self.say(run, "prompts.jsonl:1", "20 are the longest", "--context")

    def test_broken_model(self):
        model = self.dir / "model"
        shutil.copytree(QWEN, model)
        os.chmod(model, 0o755)
        weights = model / "model.safetensors"
        data = weights.read_bytes()
        os.chmod(weights, 0o644)
        weights.write_bytes(data[:-4])
        self.say(self.generate(model=model, rc=3), "model.safetensors")
        weights.unlink()
        self.say(self.generate(model=model, rc=3), "model.safetensors")


if __name__ == "__main__":
    main()
