"""faults.py -- every allocation and every read of a real run fails once, or all from one on; the run may end, but it may
not crash, hang, or print a wrong verdict.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile
import unittest

BIN = os.environ["ASSAY_BIN"]
FAULTY = pathlib.Path(os.environ["ASSAY_BUILD"]) / "tests" / "faults" / "faulty.so"
# Places tried per command and kind: all of them where there are fewer, else spread evenly.
MOST = int(os.environ.get("ASSAY_FAULTS_MOST", "400"))
FINE = {0, 1, 2, 3, 5, 7}
LOADER = 127  # the dynamic loader itself has no way back from some failures (dlopen, thread-local storage)

# One row per way the math verifier can go, so that memory fails it in each: reference, answer.
MATH = [
    (r"7425000", r"7,425,000"),
    (r"\frac{3}{4}", r"0.76"),
    (r"2^{100}", r"2^{100}+1"),
    (r"0.\overline{142857}", r"1/7"),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{6}}"),
    (r"\sqrt{2}+\sqrt{3}", r"\sqrt{5+2\sqrt{7}}"),
    (r"\sqrt[3]{2+\sqrt5}+\sqrt[3]{2-\sqrt5}", r"1"),
    (r"\cos\frac{2\pi}7+\cos\frac{4\pi}7+\cos\frac{6\pi}7", r"-0.5"),
    (r"\ln 8", r"3\ln 2"),
    (r"\log_2 3", r"\log_4 9"),
    (r"4\arctan\frac15-\arctan\frac1{239}", r"\pi/4"),
    (r"e^{i\pi/3}", r"\frac12+\frac{\sqrt3}2 i"),
    (r"e^{\pi\sqrt{163}}", r"262537412640768744"),
    (r"2^{\sqrt2}", r"e^{\sqrt2\ln2}"),
    (r"\frac{x^3-1}{x-1}", r"x^2+x+1"),
    (r"(x+y)^5", r"x^5+y^5"),
    (r"\sin^2 x+\cos^2 x", r"1"),
    (r"\sqrt{x^2+1}", r"\sqrt{x^2+2}"),
    (r"e^{x+y}", r"e^x e^y"),
    (r"y=2x+1", r"2x-y+1=0"),
    (r"x^2-5x+6=0", r"x=2 \text{ or } x=3"),
    (r"x<-1 \text{ or } x\ge2", r"(-\infty,-1)\cup[2,\infty)"),
    (r"\{x\mid x^2-5x+6>0\}", r"(-\infty,2)\cup(3,\infty)"),
    (r"x^2>2", r"(-\infty,-\sqrt2)\cup(\sqrt3,\infty)"),
    (r"|x-3|<2", r"(1,5)"),
    (r"\frac\pi2+k\pi,k\in\mathbb{Z}", r"-\frac\pi2+n\pi,n\in\mathbb{Z}"),
    (r"\pm\sqrt3\pm\sqrt2", r"\sqrt3+\sqrt2,\sqrt3-\sqrt2,-\sqrt3+\sqrt2,-\sqrt3-\sqrt2"),
    (r"\{1,2,3\}", r"\{3,2,1\}"),
    (r"(1,\frac12)", r"(1,0.5)"),
    (r"\begin{pmatrix}1&2\\3&4\end{pmatrix}", r"[[1,2],[3,4]]"),
    (r"\begin{vmatrix}1&2\\3&4\end{vmatrix}", r"-2"),
    (r"60\text{ km/h}", r"\frac{50}3\text{ m/s}"),
    (r"25\%", r"\frac14"),
    (r"101_2", r"5"),
    (r"3:4", r"6:8"),
    (r"\sum_{k=1}^{100}k^2", r"338350"),
    (r"\sum_{n=1}^\infty\frac1{n^2}", r"\frac{\pi^2}6"),
    (r"\binom{2026}{1013}", r"\frac{2026!}{1013!^2}"),
    (r"\text{(D) }1008", r"D"),
    (r"\text{no solution}", r"\emptyset"),
]


def run(argv, folder, **env):
    base = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_FAIL")}
    base.update(XDG_CACHE_HOME=str(folder / "cache"), LD_PRELOAD=str(FAULTY), **env)
    return subprocess.run([BIN, *argv], cwd=folder, env=base, capture_output=True, text=True, timeout=60)


class Faults(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory()
        self.folder = pathlib.Path(self.temp.name)
        rows = [{"id": f"s{k}", "group": f"g{k // 4}", "reference": "1/2",
                 "completion": ["\\boxed{0.5}", "\\boxed{1/3}", "\\boxed{\\frac12}", "none"][k % 4]} for k in range(24)]
        (self.folder / "in.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        rows = [{"id": f"m{k}", "group": f"g{k}", "reference": r, "completion": "\\boxed{" + a + "}"}
                for k, (r, answer) in enumerate(MATH) for a in (answer, r)]
        for k, r in enumerate(rows):
            r["id"] += "ab"[k % 2]
        (self.folder / "math.jsonl").write_text("".join(json.dumps(r) + "\n" for r in rows))
        scored = run(["verify", "--plugin", "math", "--in", "in.jsonl", "--out", "scored.jsonl"], self.folder)
        self.assertEqual(scored.returncode, 0, scored.stderr)

    def tearDown(self):
        self.temp.cleanup()

    def places(self, argv):
        count = self.folder / "count"
        sound = run(argv, self.folder, ASSAY_FAIL_COUNT=str(count))
        self.assertEqual(sound.returncode, 0, sound.stderr)
        mallocs, reads, _ = map(int, count.read_text().split())
        return sound.stdout, {"MALLOC": mallocs, "READ": reads}

    def each_fault(self, argv, judge, kinds=("MALLOC", "READ")):
        stdout, places = self.places(argv)
        places = {k: places["MALLOC" if k == "FROM" else k] for k in kinds}
        failed = 0
        for kind, n in places.items():
            for place in range(1, n + 1, max(1, n // MOST)):
                done = run(argv, self.folder, **{f"ASSAY_FAIL_{kind}": str(place)})
                where = f"{kind} {place} of {n}: {done.stderr[-300:]}"
                if done.returncode != LOADER or not any(w in done.stderr for w in ("out of memory", "cannot allocate")):
                    self.assertIn(done.returncode, FINE, where)
                if done.returncode != 0:
                    self.assertTrue(done.stderr.strip() or kind == "FROM", f"{where}: failed without a word")
                    failed += 1
                judge(stdout, done, where)
        self.assertGreater(failed, 0, "no fault was noticed: is the library preloaded?")

    def same_or_error(self, sound, done, where):
        want = {r["id"]: r["verdict"] for r in map(json.loads, sound.splitlines())}
        lines = done.stdout.splitlines()
        if done.returncode != 0 and lines and not done.stdout.endswith("\n"):
            lines.pop()
        for row in map(json.loads, lines):
            self.assertIn(row["verdict"], (want[row["id"]], "error"), f"{row}: {where}")
        if done.returncode == 0:
            self.assertEqual(len(lines), len(want), where)

    def same_groups(self, sound, done, where):
        if done.returncode == 0: # a failure of ours leaves n, aloud; the other groups are as they were
            for got, want in zip(done.stdout.splitlines(), sound.splitlines(), strict=True):
                if "errors" in json.loads(got):
                    self.assertIn("failed", done.stderr, where)
                else:
                    self.assertEqual(got, want, where)

    def test_verify(self):
        self.each_fault(["verify", "--plugin", "math", "--in", "in.jsonl"], self.same_or_error)

    def test_verify_math(self):
        argv = ["verify", "--plugin", "math", "--threads", "1", "--no-cache", "--in", "math.jsonl"]
        sound = run(argv, self.folder).stdout.splitlines()
        self.assertEqual({r["verdict"] for r in map(json.loads, sound)}, {"pass", "fail"})
        self.each_fault(argv, self.same_or_error)
        self.each_fault(argv, self.same_or_error, ["FROM"])

    def test_vote(self):
        self.each_fault(["vote", "--plugin", "math", "--in", "in.jsonl"], self.same_groups)

    def test_vote_math(self):
        self.each_fault(["vote", "--plugin", "math", "--threads", "1", "--in", "math.jsonl"], self.same_groups)

    def test_passk(self):
        def judge(sound, done, where):
            if done.returncode == 0:
                self.assertEqual(done.stdout, sound, where)

        self.each_fault(["passk", "--in", "scored.jsonl", "--json"], judge)

    def test_worker(self):
        def judge(sound, done, where):
            want = {r["id"]: r["verdict"] for r in map(json.loads, sound.splitlines())}
            for row in map(json.loads, done.stdout.splitlines()):
                self.assertIn(row["verdict"], (want[row["id"]], "error"), where)

        self.each_fault(["verify", "--plugin", "exact", "--isolation", "worker", "--in", "in.jsonl", "--threads", "1"], judge)


if __name__ == "__main__":
    unittest.main(verbosity=1)
