#!/usr/bin/env python3
"""test_models.py -- the base models in examples/models: their cards' hashes, one vocabulary, suites as their scripts make them,
completions that are right about as often as the cards say; the interpreter of their programs against Python itself.
SPDX-License-Identifier: Apache-2.0"""
import hashlib
import importlib
import itertools
import json
import random
import re
import struct
import sys

from run_assay import SOURCE, AssayTest, lines_of, main

MODELS = SOURCE / "examples/models"
NAMES = ("arith", "countdown", "azr")
sys.dont_write_bytecode = True
sys.path.insert(0, str(MODELS))
import countdown  # noqa: E402
import measure  # noqa: E402
import programs  # noqa: E402
import vocabulary  # noqa: E402


def load(path):
    return lines_of(path.read_text())


class Files(AssayTest):
    def test_cards(self):
        for name in NAMES:
            weights = (MODELS / name / "model.safetensors").read_bytes()
            card = (MODELS / name / "README.md").read_text()
            self.assertEqual(re.findall(r"sha256 `([0-9a-f]{64})`", card), [hashlib.sha256(weights).hexdigest()], name)
            size, = struct.unpack_from("<Q", weights)
            tensors = [t for key, t in json.loads(weights[8:8 + size]).items() if key != "__metadata__"]
            self.assertEqual({t["dtype"] for t in tensors}, {"BF16"})
            self.assertLessEqual(len(weights), 2 << 20)
            n = sum(t["data_offsets"][1] - t["data_offsets"][0] for t in tensors) // 2
            self.assertLessEqual(n, 1_000_000)
            self.assertIn(f"{n:,} parameters", card)

    def test_one_vocabulary(self):
        vocab = vocabulary.tokenizer()["model"]["vocab"]
        self.assertEqual(sorted(vocab.values()), list(range(128)))
        self.assertTrue(all(vocab[t["content"]] == t["id"] for t in vocabulary.tokenizer()["added_tokens"]))
        vocabulary.write(self.dir)
        for name in NAMES:
            for file in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
                self.assertEqual((MODELS / name / file).read_text(), (self.dir / file).read_text(), f"{name}/{file}")

    def test_suites(self):
        for name in NAMES:
            script = importlib.import_module(name)
            made = script.suites(random.Random(script.SEED))[0]
            for suite, problems in made.items():
                there = load(MODELS / name / f"{suite}.jsonl")
                self.assertEqual(there, json.loads(json.dumps(problems)), f"{name}/{suite}")
                self.assertEqual(len({p["id"] for p in there}), len(there))


class Completions(AssayTest):
    """About as the cards say: wide bounds, for another processor rounds otherwise."""

    def share(self, name, suite, judge, **more):
        problems = load(MODELS / name / f"{suite}.jsonl")
        problems = problems[::max(1, len(problems) // 60)]
        prompts = self.file("prompts.jsonl", [{"id": p["id"], "prompt": p["prompt"]} for p in problems])
        args = [f"--{key.replace('_', '-')}={value}" for key, value in dict(more, max_tokens=64).items()]
        out = lines_of(self.assay("generate", "--model", MODELS / name, "--prompts", prompts, "--quiet", *args).out)
        by_id = {p["id"]: p for p in problems}
        return sum(judge(by_id[s["problem_id"]], s) for s in out) / len(out)

    def test_arith(self):
        def judge(problem, sample):
            return int(sample["completion"].rpartition("####")[2] or -1) == int(problem["reference"])
        self.assertGreater(self.share("arith", "test", judge, temperature=0), 0.5)

    def test_countdown(self):
        def judge(problem, sample):
            return countdown.is_right(problem, sample["completion"])
        self.assertGreater(self.share("countdown", "test", judge, temperature=1, n=8), 0.08)

    def test_azr(self):
        self.assertGreater(self.share("azr", "tasks", measure.solves, temperature=0), 0.2)


class Programs(AssayTest):
    def test_as_python(self):
        """Drawn programs give what Python gives."""
        rng = random.Random(3)
        for _ in range(400):
            text, _, pairs = programs.random_pairs(rng, rng.randint(1, 3), 2)
            names = {}
            exec(text, names)  # of our own grammar
            for value, result in pairs:
                self.assertTrue(programs.is_same(names["f"](value), result), text)

    def test_refused(self):
        for text in ("def f(x):\n return open(x)", "def f(x):\n return x.__class__", "def f(x):\n x=x*99\n x=x*99\n return x*99",
                     "def f(x):\n return 9**9", "def f(x):\n return [x for i in x for i in x]", "def f(x):\n return f(x)",
                     "def f(x):\n x=1", "return x", "def f(x):\n return 'a'%x", "def f(x):\n return [i for i in set(x)]",
                     "def f(x):\n return x//0", "def f(x):\n return x[9]", "def f(x):\n return 1,2", "def f(x):\n return x>1"):
            with self.assertRaises(programs.Invalid, msg=text):
                programs.run(text, [1, 2])
        for text in ("1+1", "[[[1]]]", "1000", "True", "{1}", "(1,)", "f(x)", "'aaaaaaaaaaaaa'", "", "[" * 150):
            with self.assertRaises(programs.Invalid, msg=text):
                programs.value_of(text)

    def test_countdown_is_judged(self):
        problem = {"meta": {"numbers": [1, 7, 7, 9], "target": 77}}
        self.assertTrue(countdown.is_right(problem, "9+1*7+7"))
        for text in ("9+1*7-7", "9+1*7+7 ", "77", "7+7*1+9", "9+1*8-3", "70+7*1+0", ""):
            self.assertFalse(countdown.is_right(problem, text), text)
        self.assertEqual(countdown.solutions([1, 1, 1, 1], 4), 24)
        self.assertEqual(countdown.solutions([1, 7, 7, 9], 77), sum(
            countdown.is_right(problem, f"{a}{o}{b}{p}{c}{q}{d}") for a, b, c, d in itertools.permutations([1, 7, 7, 9])
            for o, p, q in itertools.product("+-*", repeat=3)))


if __name__ == "__main__":
    main()
