"""run_assay.py -- what the tests of the command line share: the binary, a folder of its own per test, real runs.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import tempfile
import time
import unittest

SOURCE = pathlib.Path(os.environ.get("ASSAY_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BIN = pathlib.Path(os.environ.get("ASSAY_BIN", SOURCE / "build" / "dev" / "assay"))
TEST_PLUGINS = pathlib.Path(os.environ.get("ASSAY_TEST_PLUGINS", BIN.parent / "tests" / "plugins"))
SLOW = str(TEST_PLUGINS / "cli_slow.so")


def lines_of(text):
    return [json.loads(line) for line in text.splitlines()]


def without_times(path):
    """The rows but for "ms" and "cached", which no two runs share."""
    rows = lines_of(pathlib.Path(path).read_text())
    for row in rows:
        row.pop("ms")
        row.pop("cached", None)
    return rows


def items(n, **more):
    """n items, every third of them wrong."""
    return [dict({"id": f"i{k}", "completion": str(k), "reference": str(k if k % 3 else -1)}, **more) for k in range(n)]


def state_and_parent(pid):
    """("R", 1) of a process; ("X", 0) of one that is gone, as any may be between two looks."""
    try:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return fields[0], int(fields[1])
    except (OSError, IndexError):
        return "X", 0


def workers_of(pid):
    """Processes below `pid`."""
    of = {int(name): state_and_parent(name) for name in os.listdir("/proc") if name.isdigit()}
    return [child for child, (state, parent) in of.items() if parent == pid and state not in "ZX"]


def is_alive(pid):
    return state_and_parent(pid)[0] not in "ZX"


def wait_for(what, seconds=60):
    """Waits for a condition, not for a time: the limit only ends a test that has already failed."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        value = what()
        if value:
            return value
        time.sleep(0.01)
    raise AssertionError("what was waited for did not come")


class AssayTest(unittest.TestCase):
    def setUp(self):
        self.dir = pathlib.Path(tempfile.mkdtemp(prefix="assay-test-"))
        self.addCleanup(shutil.rmtree, self.dir, True)
        self.env = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_") and k != "NO_COLOR"}
        self.env.update(XDG_CACHE_HOME=str(self.dir / "cache"), HOME=str(self.dir), LC_ALL="C.UTF-8")

    def file(self, name, rows):
        """Rows are dicts, or lines as they are (str, bytes)."""
        path = self.dir / name
        with open(path, "wb") as f:
            for row in rows:
                row = row if isinstance(row, (str, bytes)) else json.dumps(row)
                f.write((row.encode() if isinstance(row, str) else row) + b"\n")
        return str(path)

    def assay(self, *args, stdin=b"", rc=0, env=None, cwd=None, program=BIN, **more):
        """Runs to the end; stdin bytes. rc None: any. The result has text in .out and .err."""
        run = subprocess.run([str(program), *map(str, args)], input=stdin, capture_output=True, timeout=240,
                             env=dict(self.env, **(env or {})), cwd=cwd or self.dir, **more)
        run.out, run.err = run.stdout.decode(errors="replace"), run.stderr.decode(errors="replace")
        if rc is not None:
            self.assertEqual(run.returncode, rc, f"{args}\n{run.out[-2000:]}\n{run.err[-4000:]}")
        return run

    def start(self, *args, program=BIN, **more):
        more.setdefault("stdin", subprocess.DEVNULL)
        child = subprocess.Popen([str(program), *map(str, args)], stdout=subprocess.PIPE, stderr=subprocess.PIPE,
                                 env=self.env, cwd=self.dir, **more)
        self.addCleanup(self.end, child)
        return child

    @staticmethod
    def end(child):
        if child.poll() is None:
            child.kill()
        child.communicate()

    def say(self, run, *texts):
        """Every text is somewhere in what was said on stderr."""
        for text in texts:
            self.assertIn(text, run.err)


def main():
    if not BIN.exists():
        print(f"SKIP {pathlib.Path(sys.argv[0]).stem}: {BIN} is not built")
        sys.exit(77)
    unittest.main(verbosity=1)


__all__ = ["AssayTest", "BIN", "SLOW", "SOURCE", "TEST_PLUGINS", "is_alive", "items", "json", "lines_of", "main", "os",
           "pathlib", "signal", "subprocess", "unittest", "wait_for", "without_times", "workers_of"]
