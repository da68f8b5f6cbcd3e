#!/usr/bin/env python3
"""examples/host_python over the libassay.so of this build gives the verdicts of `assay verify`; and libassay.so exports
what tests/abi/libassay.symbols lists, nothing else.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import pickle
import random
import subprocess
import sys
import tempfile
import threading
import unittest

BUILD = pathlib.Path(os.environ["ASSAY_BUILD"])
SOURCE = pathlib.Path(os.environ["ASSAY_SOURCE"])
LIB = BUILD / "libassay.so"
HOST = SOURCE / "examples" / "host_python"


def needs_preload():
    """A sanitized library cannot be loaded by a Python that is not; the C tests cover that build."""
    out = subprocess.run(["nm", "-D", "--undefined-only", LIB], capture_output=True, text=True, check=True).stdout
    return " U __asan_init" in out or " U __tsan_init" in out


if not LIB.exists():
    print("SKIP host_python: this build has no libassay.so")
    sys.exit(77)
if needs_preload():
    print("SKIP host_python: libassay.so is sanitized, Python is not")
    sys.exit(77)
os.environ["ASSAY_LIB"] = str(LIB)
sys.path.insert(0, str(HOST))
import score  # noqa: E402


def make_items(n, seed):
    rng = random.Random(seed)
    forms = ["\\boxed{%s}", "The answer is %s", "so it is \\boxed{%s}.", "%s", "no idea", "", "\u00e4\U0001F600 \\boxed{%s}"]
    items = []
    for i in range(n):
        form = rng.choice(forms)
        text = form % rng.randint(0, 4) if "%s" in form else form
        item = {"id": i, "completion": text, "reference": str(rng.randint(0, 4))}
        if rng.random() < 0.1:
            del item["reference"]
        items.append(item)
    return items


def verify(plugin, items):
    with tempfile.TemporaryDirectory() as folder:
        path = pathlib.Path(folder) / "items.jsonl"
        path.write_text("".join(json.dumps(i) + "\n" for i in items))
        done = subprocess.run([os.environ["ASSAY_BIN"], "verify", "--plugin", plugin, "--in", path, "--no-cache",
                               "--max-unscored", "100%"], capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, done.stderr
        return [json.loads(line) for line in done.stdout.splitlines()]


class HostPython(unittest.TestCase):
    def compare(self, plugin):
        items = make_items(400, plugin)
        theirs = verify(plugin, items)
        reward = score.Reward(plugin)
        references = [i.get("reference") for i in items]
        ours = reward.results([i["completion"] for i in items], references)
        self.assertEqual([r["verdict"] for r in theirs], [r.verdict for r in ours])
        self.assertEqual([r["score"] for r in theirs], [r.score for r in ours])
        self.assertEqual([r.get("answer") for r in theirs], [r.answer for r in ours])
        self.assertEqual(reward([i["completion"] for i in items], reference=references, other=[0] * 400),
                         [r["score"] for r in theirs])
        return {r["verdict"] for r in theirs}

    def test_verdicts_equal_verify(self):
        self.assertLessEqual({"pass", "fail"}, self.compare("exact"))
        if (BUILD / "plugins" / "math.so").exists():
            self.assertLessEqual({"pass", "fail", "no_answer"}, self.compare("math"))

    def test_as_a_program(self):
        items = make_items(20, 3)
        done = subprocess.run([sys.executable, HOST / "score.py", "exact"], text=True, capture_output=True, timeout=60,
                              input="".join(json.dumps(i) + "\n" for i in items))
        self.assertEqual(done.returncode, 0, done.stderr)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([r["id"] for r in rows], [i["id"] for i in items])
        self.assertEqual([r["verdict"] for r in rows], [r["verdict"] for r in verify("exact", items)])

    def test_pickle_threads_and_conversations(self):
        reward = pickle.loads(pickle.dumps(score.Reward("exact")))
        self.assertEqual(reward.__name__, "assay_exact")
        answers = [[{"role": "user", "content": "?"}, {"role": "assistant", "content": t}] for t in ("a", "b")]
        self.assertEqual(reward(answers, reference="a", prompts=[[{"role": "user", "content": "?"}]] * 2), [1.0, 0.0])
        seen = []
        threads = [threading.Thread(target=lambda: seen.append(reward(["a", "b"] * 200, reference="a"))) for _ in range(4)]
        for t in threads:
            t.start()
        for t in threads:
            t.join()
        self.assertEqual(seen, [[1.0, 0.0] * 200] * 4)
        self.assertEqual(reward([], reference=[]), [])

    def test_vote(self):
        reward = score.Reward("exact")
        label, ratio, tie = reward.vote(["x", "y", "x", " "])
        self.assertEqual((label, ratio, tie), ("x", 0.5, False))
        self.assertEqual(reward.vote(["", " "])[0], None)

    def test_errors_are_sentences(self):
        with self.assertRaisesRegex(score.AssayError, "no_such"):
            score.Reward("no_such")
        with self.assertRaisesRegex(score.AssayError, "tolerence"):
            score.Reward('exact:{"tolerence":1}')
        with self.assertRaisesRegex(score.AssayError, "item 0: meta: it is not a JSON object"):
            score.Reward("exact").results(["a"], ["a"], meta=["[1]"])
        with self.assertRaisesRegex(ValueError, "reference: 1 values for 2"):
            score.Reward("exact")(["a", "b"], reference=["a"])
        with self.assertRaisesRegex(ValueError, "group: 1 values for 2"):
            score.Reward("exact").results(["a", "b"], ["a", "b"], group=[1])

    def test_texts_that_are_no_utf8_read_as_in_verify(self):
        texts = [("?", "\ud800"), ("\ufffd", "\ud800"), ("\ud83d\ude00", "\U0001F600"), ("a\0b", "a\0c"), (None, "a")]
        items = [{"id": i, "completion": c, "reference": r} for i, (c, r) in enumerate(texts)]
        theirs = [r["verdict"] for r in verify("exact", items)]
        ours = [r.verdict for r in score.Reward("exact").results(*zip(*texts))]
        self.assertEqual(ours, theirs)
        self.assertEqual(ours[:4], ["fail", "pass", "pass", "fail"])

    def test_exported_symbols(self):
        out = subprocess.run(["nm", "-D", "--defined-only", LIB], capture_output=True, text=True, check=True).stdout
        names = sorted(line.split()[-1].split("@")[0] for line in out.splitlines())
        listed = (SOURCE / "tests" / "abi" / "libassay.symbols").read_text().split()
        self.assertEqual(names, sorted(listed))
        self.assertTrue(all(n.startswith("assay_") for n in names))


if __name__ == "__main__":
    unittest.main(verbosity=1)
