#!/usr/bin/env python3
"""test_report_exams.py -- assay report of evaluations: before and after, by level, against the scores; folders of experiments; what
training moved; hostile folders. SPDX-License-Identifier: Apache-2.0"""
import collections
import csv
import json
import random
import shutil
import statistics

from run_assay import SOURCE, AssayTest, main
from test_report import Page

MODEL = SOURCE / "examples/models/arith"
SUITE = [json.loads(line) for line in (MODEL / "test.jsonl").read_text().splitlines()]
SOME = SUITE[0:3] + SUITE[32:36] + SUITE[64:66]  # levels 1, 2, 3


class Exams(AssayTest):
    def exam(self, name, n=6, seed=1, suite=None, **more):
        suite = suite or self.file("suite.jsonl", SOME)
        options = {"temperature": 1, **more}
        self.assay("eval", "--model", MODEL, "--suite", suite, "--plugin", "math", "--n", n, "--seed", seed, "--max-tokens", 24, "--out",
                   self.dir / name, *(str(word) for k, v in options.items() for word in (f"--{k}", v)))
        return self.dir / name

    def scores(self, folder):
        found = collections.defaultdict(list)
        for line in (folder / "scores.jsonl").read_text().splitlines():
            s = json.loads(line)
            found[s["problem_id"]].append(s)
        return found

    def made(self, name, rows, suite, state="done", **config):
        """A folder as assay eval leaves it, of rows (problem, verdict, key, tokens)."""
        folder = self.dir / name
        folder.mkdir(parents=True)
        self.file(f"{name}/suite.jsonl", suite)
        self.file(f"{name}/scores.jsonl", [
            {"schema": "assay.score/1", "problem_id": p, "sample_idx": i, "seed": 1, "finish_reason": "stop", "n_tokens": tokens,
             "verdict": verdict, "score": float(verdict == "pass"), **({"key": key} if key else {})}
            for i, (p, verdict, key, tokens) in enumerate(rows)])
        (folder / "manifest.json").write_text(json.dumps(
            {"schema": "assay.manifest/1", "command": "eval", "config": config, "seeds": {}, "hashes": {"suite": "x"}, "state": state,
             "suite": "a/b/things.jsonl.gz", "model": "m"}))
        return folder

    def report(self, *folders, rc=0, out="report.html", **more):
        return self.assay("report", *folders, "-o", self.dir / out, "--force", rc=rc, **more)

    def csv(self, name, folder="report_data"):
        with open(self.dir / folder / name, newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def near(self, text, value):
        self.assertAlmostEqual(float(text), value, places=12)

    def test_before_and_after(self):
        """Every figure of both tables from the scores; the same on stdout, on the page, and as JSON."""
        folders = [self.exam("before"), self.exam("after", seed=2, n=8)]
        said = self.report(*folders)
        before, after = self.csv("evaluations.csv")
        self.assertEqual((before["run"], before["suite"], before["against"], before["gain"]), ("before", "suite", "", ""))
        self.assertEqual((after["run"], after["against"], after["n"], after["problems"]), ("after", "before", "8", "9"))
        each = []
        for folder in folders:
            of = self.scores(folder)
            right = {p["id"]: statistics.fmean(s["verdict"] == "pass" for s in of[p["id"]]) for p in SOME}
            maj = {}
            for p in SOME:
                votes = collections.Counter(s["key"] for s in of[p["id"]] if s.get("key"))
                winners = [k for k in votes if votes[k] == max(votes.values())]
                passing = {s["key"] for s in of[p["id"]] if s["verdict"] == "pass"}
                maj[p["id"]] = len(passing & set(winners)) / len(winners) if winners else 0
            tokens = {p["id"]: statistics.fmean(s["n_tokens"] for s in of[p["id"]]) for p in SOME}
            each.append((right, maj, tokens))
        for row, (right, maj, tokens) in zip((before, after), each):
            self.near(row["avg"], statistics.fmean(right.values()))
            self.near(row["maj"], statistics.fmean(maj.values()))
            self.near(row["tokens"], statistics.fmean(tokens.values()))
            self.assertTrue(float(row["avg_low"]) <= float(row["avg"]) <= float(row["avg_high"]))
        gain, over = float(after["avg"]) - float(before["avg"]), float(after["avg"]) - float(before["maj"])
        self.near(after["gain"], gain)
        self.near(after["relative"], gain / float(before["avg"]))
        self.near(after["over_maj"], over)
        paired = [each[1][0][p["id"]] - each[0][0][p["id"]] for p in SOME]
        rng, draws = random.Random(1), []
        for _ in range(2000):
            draws.append(statistics.fmean(rng.choices(paired, k=len(paired))))
        draws.sort()
        self.assertAlmostEqual(float(after["gain_low"]), draws[49], delta=0.03)  # paired: of two that are not, far wider
        self.assertAlmostEqual(float(after["gain_high"]), draws[1949], delta=0.03)
        levels = self.csv("levels.csv")
        self.assertEqual([(r["run"], r["level"], r["problems"]) for r in levels], [("after", "1", "3"), ("after", "2", "4"), ("after", "3", "2")])
        for row in levels:
            mine = [p["id"] for p in SOME if str(p["meta"]["level"]) == row["level"]]
            of = [[statistics.fmean(what[p] for p in mine) for what in (right, tokens)] for right, _, tokens in each]
            self.near(row["accuracy_before"], of[0][0])
            self.near(row["accuracy_after"], of[1][0])
            self.near(row["accuracy_change"], of[1][0] - of[0][0])
            self.near(row["tokens_before"], of[0][1])
            self.near(row["tokens_after"], of[1][1])
            self.near(row["tokens_change"], of[1][1] - of[0][1])
            self.near(row["tokens_relative"], of[1][1] / of[0][1] - 1)
            if of[0][0]:
                self.near(row["accuracy_relative"], of[1][0] / of[0][0] - 1)
        page = Page((self.dir / "report.html").read_text())
        line = next(line for line in said.out.splitlines() if line.startswith("| after"))
        cells = [cell.strip() for cell in line.split("|")[1:-1]]
        self.assertIn(f"{float(after['avg']):.3f} [{float(after['avg_low']):.3f}, {float(after['avg_high']):.3f}]", cells)
        self.assertEqual(next(r for r in page.rows if r[0] == "after" and "before" in r), cells)
        self.assertEqual(sorted(page.links), ["report_data/evaluations.csv", "report_data/levels.csv"])
        show = json.loads(self.report(*folders, "--json").out)
        self.assertEqual(len(show["levels"]), 3)
        self.near(show["evaluations"][1]["gain"], gain)
        self.assertIsNone(show["evaluations"][0]["gain"])
        self.assertEqual(show["figures"], [])

    def test_what_is_compared(self):
        """Of one suite, judged and drawn alike: others begin a group of their own."""
        other = self.file("other.jsonl", SUITE[:4])
        folders = [self.exam("a"), self.exam("b", suite=other), self.exam("c", temperature=0.6), self.exam("d", n=3), self.exam("e", suite=other),
                   self.exam("f", temperature=0.6)]
        self.report(*folders)
        self.assertEqual([(r["run"], r["against"]) for r in self.csv("evaluations.csv")],
                         [("a", ""), ("b", ""), ("c", ""), ("d", "a"), ("e", "b"), ("f", "c")])

    def test_votes_and_gaps(self):
        """Ties are shared; no key, no vote; samples without a verdict are in no mean; problems without a level are in no row."""
        suite = [{"id": "x", "meta": {"level": "hard"}}, {"id": 7, "meta": {"level": 10}}, {"id": "z", "meta": {"level": 9}}, {"id": "w"}]
        rows = [("x", "pass", "a", 4), ("x", "fail", "b", 8), ("7", "pass", "a", 2), ("7", "pass", "a", 2), ("z", "error", None, 1),
                ("z", "fail", None, 3), ("w", "pass", "a", 5)]
        later = [("x", "pass", "a", 4), ("x", "pass", "a", 4), ("7", "fail", "b", 3), ("7", "pass", "a", 3), ("z", "pass", "c", 1),
                 ("z", "abstain", None, 1), ("z", "error", None, 1), ("w", "pass", "a", 5)]
        self.report(self.made("one", rows, suite), self.made("two", later, suite))
        one, two = self.csv("evaluations.csv")
        self.assertEqual(one["suite"], "things")
        self.near(one["avg"], (0.5 + 1 + 0 + 1) / 4)
        self.near(one["maj"], (0.5 + 1 + 0 + 1) / 4)
        self.near(two["avg"], (1 + 0.5 + 1 + 1) / 4)
        levels = self.csv("levels.csv")
        self.assertEqual([r["level"] for r in levels], ["9", "10", "hard"])  # by size, then words
        self.assertEqual([r["accuracy_relative"] for r in levels], ["", "-0.5", "1"])
        self.assertEqual([r["tokens_before"] for r in levels], ["2", "2", "6"])

    def test_training(self):
        """Levels of a run's first and last steps where no evaluation has any; what training moved, the greatest beside the last."""
        run = self.dir / "run"
        run.mkdir()
        rows = [{"step": k, "time": k, "loss": k, "train/majority_ratio": k / 100, "actor/entropy": 1, **({"val/avg@4": [0.1, 0.9, 0.5][k // 15]} if k % 15 == 0 else {}),
                 **({"level/2/accuracy": k / 50, "level/2/response_length": 2 * k} if k % 2 else {"level/10/accuracy": 0.25})} for k in range(31)]
        rows[12]["train/majority_ratio"] = 0.99
        self.file("run/metrics.jsonl", rows)
        self.report(run)
        two, ten = self.csv("levels.csv")
        self.assertEqual((two["suite"], two["level"], ten["level"], ten["accuracy_change"]), ("(training)", "2", "10", "0"))
        self.near(two["accuracy_before"], statistics.fmean(k / 50 for k in range(1, 14, 2)))  # 15 points: 7 at each end
        self.near(two["accuracy_after"], statistics.fmean(k / 50 for k in range(17, 30, 2)))
        self.near(two["tokens_change"], 2 * (23 - 7))
        of = {r["metric"]: r for r in self.csv("training.csv")}
        self.assertEqual(set(of), {"train/majority_ratio", "actor/entropy", "val/avg@4"})
        self.near(of["train/majority_ratio"]["first"], 0.045)
        self.near(of["train/majority_ratio"]["last"], 0.255)
        self.assertEqual((of["train/majority_ratio"]["greatest"], of["train/majority_ratio"]["greatest_step"]), ("0.99", "12"))
        self.assertEqual([of["val/avg@4"][k] for k in ("points", "first", "last", "greatest", "greatest_step")], ["3", "0.1", "0.5", "0.9", "15"])
        suite = [{"id": "x", "meta": {"level": 1}}]
        exams = [self.made(name, [("x", "pass", "a", 1)], suite) for name in ("one", "two")]
        self.report(run, *exams)
        self.assertEqual([(r["run"], r["suite"]) for r in self.csv("levels.csv")], [("two", "things")])
        page = Page((self.dir / "report.html").read_text())
        self.assertEqual(len(page.pictures), 7)

    def test_experiment(self):
        """A folder that lists runs stands for them, and for nothing outside it."""
        suite = [{"id": "x"}]
        self.made("exp/evals/one", [("x", "fail", "b", 1)], suite)
        self.made("exp/evals/two", [("x", "pass", "a", 1)], suite)
        manifest = {"schema": "assay.manifest/1", "command": "ttrl", "config": {}, "seeds": {}, "hashes": {}}
        for runs, rc, text in ((["evals/one", "evals/two"], 0, ""), ([], 3, "nothing is done yet"), (["../exp/evals/one"], 3, "no folder below it"),
                               (["/etc"], 3, "no folder below it"), ([7], 3, "no folder below it"), (["evals//one"], 3, "no folder below it"),
                               (["evals/none"], 3, "evals/none"), ({"a": 1}, 3, "no metrics.jsonl")):
            (self.dir / "exp/manifest.json").write_text(json.dumps({**manifest, "runs": runs}))
            with self.subTest(runs=runs):
                self.say(self.report(self.dir / "exp", rc=rc), text)
        self.assertEqual([(r["run"], r["against"]) for r in self.csv("evaluations.csv")], [("one", ""), ("two", "one")])

    def test_hostile(self):
        """Names are text; files that are not ours are refused at their line."""
        bad = "<script>alert(1)</script>|\n\u202e\",x"
        suite = [{"id": bad, "meta": {"level": bad}}]
        folders = [self.made(name, [(bad, "pass", "a", 1)], suite) for name in ("one", "<b>|two")]
        said = self.report(*folders)
        self.assertNotIn("\n\u202e", said.out)
        page = (self.dir / "report.html").read_text()
        Page(page)
        self.assertNotIn("<script", page)
        self.assertEqual([r["level"] for r in self.csv("levels.csv")], [bad[:40]])
        for name, change, what in (("state", lambda d: (d / "manifest.json").write_text((d / "manifest.json").read_text().replace("done", "running")), "did not end"),
                                   ("twice", lambda d: self.file(f"{d.name}/suite.jsonl", suite * 2), "there twice"),
                                   ("empty", lambda d: self.file(f"{d.name}/suite.jsonl", []), "no problem in it"),
                                   ("other", lambda d: self.file(f"{d.name}/suite.jsonl", [{"id": "y"}]), "scores.jsonl:1"),
                                   ("list", lambda d: self.file(f"{d.name}/suite.jsonl", ["[1]"]), "suite.jsonl:1"),
                                   ("torn", lambda d: (d / "scores.jsonl").write_text('{"schema":'), "scores.jsonl"),
                                   ("gone", lambda d: (d / "suite.jsonl").unlink(), "suite.jsonl"),
                                   ("no manifest", lambda d: (d / "manifest.json").unlink(), "manifest.json")):
            folder = self.made(name, [(bad, "pass", "a", 1)], suite)
            change(folder)
            with self.subTest(name):
                self.say(self.report(folder, rc=3), what)
        more = self.made("more", [(bad, "pass", "a", 1)], suite)
        self.file("more/suite.jsonl", suite + [{"id": "y"}])  # not what the manifest's hash says: compared with nothing
        self.report(folders[0], more)
        self.assertEqual([r["against"] for r in self.csv("evaluations.csv")], ["", ""])
        shutil.copytree(folders[0], self.dir / "deep/one")
        self.report(folders[0], self.dir / "deep/one")
        self.assertEqual([r["run"] for r in self.csv("evaluations.csv")], [str(folders[0]), str(self.dir / "deep/one")])

    def test_names_of_files(self):
        """A metric whose name is that of a table has another file."""
        run = self.dir / "run"
        run.mkdir()
        self.file("run/metrics.jsonl", [{"step": 1, "levels": 1, "evaluations": 2, "Training": 3}])
        folder = self.made("one", [("x", "pass", "a", 1)], [{"id": "x"}])
        self.report(run, folder)
        self.assertEqual({p.name for p in (self.dir / "report_data").iterdir()},
                         {"levels-2.csv", "evaluations-2.csv", "training-2.csv", "evaluations.csv"})


if __name__ == "__main__":
    main()
