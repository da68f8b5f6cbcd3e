"""faults.py -- every allocation and every read of a real run fails once; the run may end, but it may not crash, hang, or
print a wrong verdict.

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
MOST = 400  # places tried per command and kind: all of them where there are fewer, else spread evenly
FINE = {0, 1, 2, 3, 5, 7}
LOADER = 127  # the dynamic loader itself has no way back from some failures (dlopen, thread-local storage)


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
        scored = run(["verify", "--plugin", "math", "--in", "in.jsonl", "--out", "scored.jsonl"], self.folder)
        self.assertEqual(scored.returncode, 0, scored.stderr)

    def tearDown(self):
        self.temp.cleanup()

    def places(self, argv):
        count = self.folder / "count"
        sound = run(argv, self.folder, ASSAY_FAIL_COUNT=str(count))
        self.assertEqual(sound.returncode, 0, sound.stderr)
        mallocs, reads = map(int, count.read_text().split())
        return sound.stdout, {"MALLOC": mallocs, "READ": reads}

    def each_fault(self, argv, judge):
        stdout, places = self.places(argv)
        failed = 0
        for kind, n in places.items():
            for place in range(1, n + 1, max(1, n // MOST)):
                done = run(argv, self.folder, **{f"ASSAY_FAIL_{kind}": str(place)})
                where = f"{kind} {place} of {n}: {done.stderr[-300:]}"
                if done.returncode != LOADER or not any(w in done.stderr for w in ("out of memory", "cannot allocate")):
                    self.assertIn(done.returncode, FINE, where)
                if done.returncode != 0:
                    self.assertTrue(done.stderr.strip(), f"{where}: failed without a word")
                    failed += 1
                judge(stdout, done, where)
        self.assertGreater(failed, 0, "no fault was noticed: is the library preloaded?")

    def test_verify(self):
        def judge(sound, done, where):
            want = {r["id"]: r["verdict"] for r in map(json.loads, sound.splitlines())}
            lines = done.stdout.splitlines()
            if done.returncode != 0 and lines and not done.stdout.endswith("\n"):
                lines.pop()
            for row in map(json.loads, lines):
                self.assertIn(row["verdict"], (want[row["id"]], "error"), where)
            if done.returncode == 0:
                self.assertEqual(len(lines), len(want), where)

        self.each_fault(["verify", "--plugin", "math", "--in", "in.jsonl"], judge)

    def test_vote(self):
        def judge(sound, done, where):
            if done.returncode == 0: # a failure of ours leaves n, aloud; the other groups are as they were
                for got, want in zip(done.stdout.splitlines(), sound.splitlines(), strict=True):
                    if "errors" in json.loads(got):
                        self.assertIn("failed", done.stderr, where)
                    else:
                        self.assertEqual(got, want, where)

        self.each_fault(["vote", "--plugin", "math", "--in", "in.jsonl"], judge)

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
