"""faults_eval.py -- assay eval: every step of writing, read and allocation fails once, and the process is killed where each step
of writing would begin. Whatever happened, the same command with --resume ends with the same bytes.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BIN = os.environ["ASSAY_BIN"]
SOURCE = pathlib.Path(os.environ["ASSAY_SOURCE"])
FAULTY = pathlib.Path(os.environ["ASSAY_BUILD"]) / "tests" / "faults" / "faulty.so"
ARITH = SOURCE / "examples/models/arith"
# Places tried per kind: all of them where there are fewer, else spread evenly.
MOST = int(os.environ.get("ASSAY_FAULTS_MOST", "40"))
FINE = {0, 1, 2, 3, 5, 7}
LOADER = 127  # the dynamic loader itself has no way back from some failures
KILLED = -9
SHM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # thousands of fsyncs cost nothing there
SAME = ("samples.jsonl", "scores.jsonl", "suite.jsonl", "summary.json")


class Faults(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(dir=SHM)
        self.addCleanup(self.temp.cleanup)
        self.folder = pathlib.Path(self.temp.name)
        self.assertEqual(self.eval("whole").returncode, 0)
        self.whole = self.read("whole")

    def eval(self, out, *more, **env):
        base = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_FAIL")}
        base.update(XDG_CACHE_HOME=str(self.folder / "cache"), **env)
        if env:
            base["LD_PRELOAD"] = str(FAULTY)
        argv = [BIN, "eval", "--model", ARITH, "--suite", ARITH / "test.jsonl", "--limit", 4, "--n", 5, "--seed", "1,2",
                "--plugin", "math", "--no-cache", "--threads", 1, "--max-seqs", 4, "-q", "--out", self.folder / out, *more]
        return subprocess.run([str(a) for a in argv], env=base, capture_output=True, text=True, timeout=60)

    def read(self, out):
        return {name: (self.folder / out / name).read_bytes() for name in SAME}

    def each(self, kind, index, codes):
        """Faults of one kind, each in a new folder; how many ended the run."""
        count = self.folder / "count"
        self.assertEqual(self.eval("counted", ASSAY_FAIL_COUNT=str(count)).returncode, 0)
        places, failed = int(count.read_text().split()[index]), 0
        for place in range(1, places + 1, max(1, places // MOST)):
            shutil.rmtree(self.folder / "run", True)
            done = self.eval("run", **{f"ASSAY_FAIL_{kind}": str(place)})
            where = f"{kind} {place} of {places}: {done.stderr[-300:]}"
            if done.returncode != LOADER:
                self.assertIn(done.returncode, codes, where)
            if done.returncode not in (0, KILLED):
                self.assertTrue(done.stderr.strip(), f"{where}: failed without a word")
            failed += done.returncode != 0
            again = self.eval("run", "--resume")
            self.judge(again, where + again.stderr)
        self.assertGreater(failed, 0, "no fault was noticed: is the library preloaded?")

    def judge(self, again, where):
        self.assertEqual(again.returncode, 0, where)
        self.assertEqual(self.read("run"), self.whole, where)

    def test_killed(self):
        self.each("KILL", 2, {0, KILLED})

    def test_writing(self):
        self.each("WRITE", 2, FINE)

    def test_reading(self):
        self.each("READ", 1, FINE)


class Memory(Faults):
    """An answer that could not be scored for want of memory is "error", and stays that; no verdict is another."""
    test_killed = test_writing = test_reading = None

    def judge(self, again, where):
        self.assertIn(again.returncode, (0, 1), where)
        now = self.read("run")
        self.assertEqual(now["samples.jsonl"], self.whole["samples.jsonl"], where)
        for row, want in zip(now["scores.jsonl"].splitlines(), self.whole["scores.jsonl"].splitlines(), strict=True):
            row, want = json.loads(row), json.loads(want)
            if row["verdict"] != "error":
                self.assertEqual(row, want, where)

    def test_allocations(self):
        self.each("MALLOC", 0, FINE)


if __name__ == "__main__":
    unittest.main(verbosity=1)
