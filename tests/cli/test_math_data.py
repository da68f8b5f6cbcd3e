#!/usr/bin/env python3
"""The math verifier over all real case files: labels, golds against themselves, hostile input. Skips by name without data.

What must hold is in the tables below and nowhere else: raise a figure when the verifier got better, explain a row when it
is to stay different. The mapping from a row to plugin and config is bench/math_cases.py.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import sys

from run_assay import BIN, SOURCE, AssayTest, main

sys.path.insert(0, str(SOURCE / "bench"))
sys.dont_write_bytecode = True
import math_cases  # noqa: E402

# Rows right, of those there are.
RIGHT = {"mathverify": (167, 168), "own": (247, 248), "others": (197, 198), "latex2sympy": (472, 507),
         "metamorphic": (2396, 2396)}

# Passes whose label says different: every one is listed, with the reason why the label is wrong or the policy contested.
WRONG_LABEL = {}

# Golds that do not match themselves in a box, at most, by data set ("": every other).
GOLD_MISSES = {"math500": 0, "gsm8k_test": 0, "aime24": 0, "amc23": 0, "": 43}

# Hostile inputs whose answer is right all the same. All others must neither pass nor be an error.
MAY_PASS = {"adv-16": "ten thousand ones are 10000", "adv-18": "a box after a megabyte of prose",
            "adv-20": "the last of many boxes", "adv-22": "42 after many dollars", "adv-24": "42 after many spaces",
            "adv-28": "the same six roots in another order", "adv-38": "a box behind zeros of another script"}

# Pairs whose verdict may change when reference and answer change places: a reference is the answer itself, so of a chain
# only its value counts, and it is not looked for in a sentence.
ONE_WAY = {"own-419": "a false chain", "lighteval-129": "a false chain", "lighteval-63": "a sentence",
           "lighteval-67": "a sentence", "lighteval-31": "a sentence", "own-370": "a sentence", "own-381": "a sentence"}


class MathData(AssayTest):
    def setUp(self):
        super().setUp()
        self.verify = math_cases.Verify(BIN, self.dir, self.env)
        self.verify.probe()

    def test_labels(self):
        cases = math_cases.load()
        results = self.verify.cases(cases)
        counts = math_cases.tally(cases, results)
        for group, (least, n) in RIGHT.items():
            print(f"{group}: {counts[group]['right']} of {counts[group]['n']} right")
            with self.subTest(group):
                self.assertEqual(counts[group]["n"], n)
                self.assertGreaterEqual(counts[group]["right"], least)
                self.assertEqual(counts[group]["error"], 0)
        wrong = [(c.id, c.reference[:80], c.completion[-80:]) for c, r in zip(cases, results)
                 if math_cases.outcome(c.expect, r["verdict"]) == "wrong pass" and c.id not in WRONG_LABEL]
        self.assertEqual(wrong, [], "passes that the label forbids")

    def gold_misses(self, make, config):
        """data set -> [(problem's id, gold, verdict)] that do not pass."""
        golds = math_cases.golds()
        results = self.verify.run([(*make(str(g["answer"])), "math", config) for g in golds])
        found = collections.defaultdict(list)
        for gold, result in zip(golds, results):
            self.assertNotEqual(result["verdict"], "error", gold)
            if result["verdict"] != "pass":
                found[gold["dataset"] if gold["dataset"] in GOLD_MISSES else ""].append(
                    (gold["dataset"], gold["id"], gold["answer"][:80], result["verdict"], result.get("reason")))
        return found

    def test_golds_match_themselves(self):
        """Boxed against bare and boxed, read in earnest: without the rungs that only look at the text."""
        ways = {"bare": lambda g: (g, "\\boxed{" + g + "}"),
                "boxed": lambda g: ("\\boxed{" + g + "}", "So the answer is $\\boxed{" + g + "}$.")}
        for name, make in ways.items():
            found = self.gold_misses(make, {"shortcuts": False})
            print(f"golds, {name}: {sum(map(len, found.values()))} miss")
            for dataset, most in GOLD_MISSES.items():
                with self.subTest(name, dataset=dataset):
                    self.assertLessEqual(len(found[dataset]), most, found[dataset][:5])

    def test_golds_are_themselves(self):
        """The text itself, whatever it is: nothing is refused that is equal byte for byte."""
        found = self.gold_misses(lambda g: (g, "\\boxed{" + g + "}"), {})
        known = [g for rows in found.values() for g in rows if g[2].count("{") == g[2].count("}")]
        self.assertLessEqual(len(known), 0, known[:5])

    def test_hostile(self):
        rows = math_cases.hostile()
        results = self.verify.run([(gold, text, "math", {}) for _, gold, text in rows])
        for (name, _, text), result in zip(rows, results):
            with self.subTest(name):
                self.assertIn(result["verdict"], ("pass", "fail", "no_answer", "abstain"), text[:80])
                if name not in MAY_PASS:
                    self.assertNotEqual(result["verdict"], "pass", text[:80])

    def test_both_ways(self):
        """Equality is symmetric: a reference and a boxed answer may change places (tolerances and gold_shape apart)."""
        cases = [c for c in math_cases.load() if c.plugin == "math" and c.completion.startswith("\\boxed{") and
                 c.completion.endswith("}") and c.completion.count("\\boxed") == 1 and
                 not {"tolerance", "gold_shape", "last_number"} & set(c.config)]
        inner = [c.completion[len("\\boxed{"):-1] for c in cases]
        cases, inner = zip(*[(c, t) for c, t in zip(cases, inner) if balanced(t) and balanced(c.reference)])
        forth = self.verify.cases(cases)
        back = self.verify.run([(t, "\\boxed{" + c.reference + "}", "math", c.config) for c, t in zip(cases, inner)])
        differ = [(c.id, c.reference, t, f["verdict"], b["verdict"]) for c, t, f, b in zip(cases, inner, forth, back)
                  if (f["verdict"] == "pass") != (b["verdict"] == "pass") and c.id not in ONE_WAY]
        self.assertEqual(differ, [])


def balanced(text):
    depth = 0
    for c in text.replace("\\{", "").replace("\\}", ""):
        depth += (c == "{") - (c == "}")
        if depth < 0:
            return False
    return depth == 0


if __name__ == "__main__":
    if not (math_cases.folder() / "cases_own.jsonl").exists():
        print("SKIP test_math_data: data/math is not there (ASSAY_SHARED)")
        sys.exit(77)
    main()
