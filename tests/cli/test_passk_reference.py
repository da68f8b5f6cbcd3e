#!/usr/bin/env python3
"""`assay passk` against plain Python: exact fractions and enumeration on random samples, figure by figure.

Nothing here shares a formula with the program: pass@k comes from binomial coefficients, maj@k from every way to
share k votes among the classes, and intervals are compared with what a bootstrap must give.
SPDX-License-Identifier: Apache-2.0
"""
import json
import math
import os
import random
import subprocess
import unittest
from fractions import Fraction

BIN = os.environ["ASSAY_BIN"]
TAUS = ["0.01", "0.1", "0.2", "0.25", "0.3", "0.5", "0.6", "0.7", "0.9", "1"]


def passk(rows, *argv, ok=(0,)):
    text = "".join(json.dumps(r) + "\n" for r in rows)
    done = subprocess.run([BIN, "passk", "--json", "--in", "-", *map(str, argv)], capture_output=True, timeout=60,
                          input=text.encode())
    assert done.returncode in ok, f"{argv} ended with {done.returncode}\n{done.stderr.decode()[-2000:]}"
    return done.stdout


def votes_shared(counts, k):
    """Every (v_0, v_1, ...) with v_i <= counts[i] and sum k."""
    if len(counts) == 1:
        if k <= counts[0]:
            yield (k,)
        return
    for v in range(min(counts[0], k) + 1):
        for rest in votes_shared(counts[1:], k - v):
            yield (v, *rest)


def maj_at_k(right, wrong, blank, k):
    """Mean over all k-subsets of: 1/ties where the right class has the most votes, else 0."""
    total = Fraction(0)
    for votes in votes_shared([right, *wrong, blank], k):
        mine, others = votes[0], votes[1:-1]
        if mine == 0 or any(v > mine for v in others):
            continue
        ways = math.prod(math.comb(c, v) for c, v in zip([right, *wrong, blank], votes))
        total += Fraction(ways, 1 + sum(v == mine for v in others))
    return total / math.comb(right + sum(wrong) + blank, k)


def random_problem(rng, most):
    """n samples: right ones (one class), wrong ones of a few classes, blanks, and unscored ones."""
    wrong = [rng.randrange(4) for _ in range(rng.randrange(4))]
    right, blank = rng.choice([0, 0, 1, 2, 3, most]), rng.choice([0, 0, 1, 2])
    return {"right": right, "wrong": [w for w in wrong if w], "blank": blank,
            "abstain": rng.choice([0, 0, 1]), "error": rng.choice([0, 0, 0, 2])}


def rows_of(name, p):
    verdicts = [("pass", "0")] * p["right"] + [("no_answer", None)] * p["blank"]
    verdicts += [("fail", str(i + 1)) for i, c in enumerate(p["wrong"]) for _ in range(c)]
    verdicts += [("abstain", None)] * p["abstain"] + [("error", None)] * p["error"]
    return [{"group": name, "id": f"{name}/{i}", "verdict": v, "key": key,
             "score": {"pass": 1, "fail": 0, "no_answer": 0}.get(v)} for i, (v, key) in enumerate(verdicts)]


def size(p):
    return p["right"] + sum(p["wrong"]) + p["blank"]


def mean(values):
    return sum(values, Fraction(0)) / len(values) if values else None


class Reference(unittest.TestCase):
    def same(self, got, want, what):
        if want is None:
            self.assertIsNone(got, what)
        else:
            self.assertAlmostEqual(got, float(want), delta=1e-11, msg=what)

    def check(self, problems, found):
        scored = [p for p in problems if size(p)]
        share = [Fraction(p["right"], size(p)) for p in scored]
        unscored = sum(p["abstain"] + p["error"] for p in problems)
        self.assertEqual(found["n_problems"], len(problems))
        self.assertEqual(found["n_problems_empty"], len(problems) - len(scored))
        self.assertEqual((found["n_scored"], found["n_abstain"] + found["n_error"]),
                         (sum(map(size, problems)), unscored))
        self.same(found["avg_at_n"]["mean"], mean(share), "avg@n")
        self.same(found["solved"]["mean"], mean([Fraction(s > 0) for s in share]), "solved")
        self.same(found["maj_at_n"]["mean"],
                  mean([maj_at_k(p["right"], p["wrong"], p["blank"], size(p)) for p in scored]), "maj@n")
        for row in found["cover"]:
            tau = Fraction(str(row["tau"]))
            self.same(row["mean"], mean([Fraction(s >= tau) for s in share]), f"cover {tau}")
        for row in found["k"]:
            self.check_k(scored, row)

    def check_k(self, scored, row):
        k = row["k"]
        left = [p for p in scored if size(p) >= k]
        self.assertEqual(row["n_problems"], len(left))
        self.same(row["mean"], mean([1 - Fraction(math.comb(size(p) - p["right"], k), math.comb(size(p), k))
                                     for p in left]), f"pass@{k}")
        self.same((row["pass_hat"] or {}).get("mean"),
                  mean([Fraction(math.comb(p["right"], k), math.comb(size(p), k)) for p in left]), f"pass^{k}")
        self.same((row["maj"] or {}).get("mean"),
                  mean([maj_at_k(p["right"], p["wrong"], p["blank"], k) for p in left]), f"maj@{k}")

    def test_random_samples(self):
        for seed in range(40):
            rng = random.Random(seed)
            problems = [random_problem(rng, 2 + seed % 9) for _ in range(rng.randrange(2, 14))]
            problems.append({"right": 1, "wrong": [1], "blank": 0, "abstain": 0, "error": 0})
            problems = [p for p in problems if size(p) + p["abstain"] + p["error"]]
            rows = [r for i, p in enumerate(problems) for r in rows_of(f"p{i}", p)]
            rng.shuffle(rows)
            with self.subTest(seed=seed):
                self.check(problems, json.loads(passk(rows, "--k", "1,2,3,4,5,7,9,40", "--bootstrap", 0,
                                                      "--max-unscored", "100%", "--tau", ",".join(TAUS))))

    def test_one_problem_of_many_samples(self):
        for right, wrong, blank in ((40, [41, 30, 3], 6), (3, [1] * 60, 0), (64, [64], 2)):
            p = {"right": right, "wrong": wrong, "blank": blank, "abstain": 0, "error": 0}
            few = [p] if len(wrong) < 4 else []
            found = json.loads(passk(rows_of("p", p), "--k", "1,2,7,8", "--bootstrap", 0))
            for row in found["k"]:
                if few:
                    self.check_k([p], row)

    def test_a_sample_is_the_same_however_its_name_is_written(self):
        for name, again in (("7", '"7"'), ('"\u00e9"', r'"\u00e9"'), ('"a/b"', r'"a\/b"')):
            for row in ('{"group":"p","id":NAME,"verdict":"fail"}', '{"group":"p","seed":NAME,"sample_idx":0,"correct":1}',
                        '{"group":NAME,"id":1,"verdict":"pass"}'):
                text = row.replace("NAME", name) + "\n" + row.replace("NAME", again) + "\n"
                done = subprocess.run([BIN, "passk", "--in", "-"], capture_output=True, input=text.encode(), timeout=60)
                self.assertEqual(done.returncode, 3, text)
                self.assertIn("the same sample twice", done.stderr.decode())

    def test_intervals(self):
        rng = random.Random(1)
        rows, shares = [], []
        for i in range(2000):
            right = rng.randrange(5)
            shares.append(right / 4)
            rows += [{"group": f"p{i}", "id": str(j), "verdict": "pass" if j < right else "fail"} for j in range(4)]
        first = passk(rows, "--threads", 1)
        self.assertEqual(first, passk(rows, "--threads", 2))
        self.assertEqual(first, passk(rows, "--threads", 8))
        self.assertNotEqual(first, passk(rows, "--threads", 8, "--seed", 1))
        avg = json.loads(first)["avg_at_n"]
        center = sum(shares) / len(shares)
        se = math.sqrt(sum((s - center) ** 2 for s in shares) / len(shares) / len(shares))
        self.assertAlmostEqual(avg["se"], se, delta=1e-12)
        self.assertTrue(avg["low"] < avg["mean"] < avg["high"])
        self.assertAlmostEqual((avg["high"] - avg["low"]) / (2 * 1.96 * se), 1, delta=0.08)

    def test_the_gate_at_its_bound(self):
        for unscored, total, allowed in ((1, 100, "1%"), (3, 300, "1%"), (7, 1000, "0.7%"), (29, 1000, "2.9%"),
                                         (7, 100, "7%"), (57, 100, "57%"), (29, 100, "0.29")):
            rows = [{"group": "p", "id": str(i), "verdict": "error" if i < unscored else "fail"} for i in range(total)]
            passk(rows, "--max-unscored", allowed, "--bootstrap", 0)
            passk(rows + [{"group": "p", "id": "x", "verdict": "error"}], "--max-unscored", allowed, "--bootstrap", 0,
                  ok=(1,))

    def test_fail_under_at_its_bound(self):
        """A mean that equals the bound as a fraction holds it, whatever binary fractions make of the sum."""
        rng = random.Random(2)
        for _ in range(40):
            rights = [rng.randrange(11) for _ in range(rng.choice([3, 5, 7, 10]))]
            bound = mean([Fraction(r, 10) for r in rights]) * 100
            if (bound * 1000).denominator != 1:
                continue
            rows = [{"group": f"p{i}", "id": str(j), "verdict": "pass" if j < r else "fail"}
                    for i, r in enumerate(rights) for j in range(10)]
            with self.subTest(rights=rights):
                passk(rows, "--fail-under", f"{float(bound):.3f}%", "--bootstrap", 0)
                if bound < 100:
                    passk(rows, "--fail-under", f"{float(bound) + 0.001:.3f}%", "--bootstrap", 0, ok=(1,))


if __name__ == "__main__":
    unittest.main()
