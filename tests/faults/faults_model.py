"""faults_model.py -- files of models: every allocation, read, and step of writing fails once, or all allocations from one on.
A run that fails says why; what it was to write is there whole, to the byte, or not at all, also where it is killed.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import shutil
import subprocess
import tempfile
import unittest

BUILD = pathlib.Path(os.environ["ASSAY_BUILD"]) / "tests" / "faults"
TINY = pathlib.Path(os.environ["ASSAY_SOURCE"]) / "tests/golden/models"
# Places tried per command and kind: all of them where there are fewer, else spread evenly.
MOST = int(os.environ.get("ASSAY_FAULTS_MOST", "60"))
FINE = {2, 3, 7}
LOADER = 127  # the dynamic loader itself has no way back from some failures
SHM = "/dev/shm" if os.access("/dev/shm", os.W_OK) else None  # thousands of fsyncs cost nothing there


def run(argv, **env):
    base = {k: v for k, v in os.environ.items() if not k.startswith("ASSAY_FAIL")}
    base.update(LD_PRELOAD=str(BUILD / "faulty.so"), **env)
    return subprocess.run([BUILD / "model_faults", *map(str, argv)], env=base, capture_output=True, text=True, timeout=60)


def contents(path):
    if path.is_dir():
        return {p.relative_to(path): p.read_bytes() for p in sorted(path.rglob("*")) if p.is_file()}
    return path.read_bytes() if path.exists() else None


class Faults(unittest.TestCase):
    def setUp(self):
        self.temp = tempfile.TemporaryDirectory(dir=SHM)
        self.folder = pathlib.Path(self.temp.name)
        self.out = self.folder / "out"
        self.out.mkdir()

    def tearDown(self):
        self.temp.cleanup()

    def again(self):
        shutil.rmtree(self.out)
        self.out.mkdir()

    def each_fault(self, argv, result):
        """argv writes `result`, below self.out, from nothing."""
        count = self.folder / "count"
        sound = run(argv, ASSAY_FAIL_COUNT=str(count))
        self.assertEqual(sound.returncode, 0, sound.stderr)
        whole = contents(result)
        self.assertTrue(whole)
        mallocs, reads, writes = map(int, count.read_text().split())
        failed = 0
        for kind, n in {"MALLOC": mallocs, "READ": reads, "WRITE": writes, "FROM": mallocs}.items():
            for place in range(1, n + 1, max(1, n // MOST)):
                self.again()
                done = run(argv, **{f"ASSAY_FAIL_{kind}": str(place)})
                where = f"{kind} {place} of {n}: {done.returncode} {done.stderr[-300:]}"
                if done.returncode == LOADER:
                    continue
                there = contents(result)
                if done.returncode == 0:
                    self.assertEqual(there, whole, where)
                else:
                    self.assertIn(done.returncode, FINE, where)
                    self.assertTrue(done.stderr.strip() or kind == "FROM", where)
                    self.assertTrue(not there or there == whole, where)  # the last step of writing is behind the renaming
                    failed += 1
                if kind != "FROM":  # where there is no memory at all, a folder cannot be emptied
                    self.assertEqual([p for p in self.out.rglob("*.tmp-*")], [], where)
        self.assertGreater(failed, 0, "no fault was noticed: is the library preloaded?")

    def each_kill(self, argv, result):
        """The same, with the process killed between any two steps of writing."""
        count, seen = self.folder / "count", set()
        self.again()
        self.assertEqual(run(argv, ASSAY_FAIL_COUNT=str(count)).returncode, 0)
        whole, steps = contents(result), int(count.read_text().split()[2])
        for place in range(1, steps + 1):
            self.again()
            done = run(argv, ASSAY_FAIL_KILL=str(place))
            self.assertEqual(done.returncode, -9)
            there = contents(result)
            self.assertTrue(not there or there == whole, f"killed at {place} of {steps}")
            seen.add(bool(there))
        self.assertEqual(seen, {False, True}, "neither early nor late?")  # the folder's sync comes after the renaming

    def test_kill(self):
        self.each_kill(["save", TINY / "tiny_qwen3", self.out / "m", "F32", "100000"], self.out / "m")
        self.each_kill(["gguf", TINY / "tiny_llama", self.out / "m.gguf", "F16"], self.out / "m.gguf")
        self.each_kill(["checkpoint", TINY / "tiny_qwen2", self.out / "run", "BF16"], self.out / "run" / "step_7")

    def test_folder(self):
        self.each_fault(["save", TINY / "tiny_qwen3", self.out / "m", "BF16", "100000"], self.out / "m")

    def test_gguf(self):
        self.each_fault(["gguf", TINY / "tiny_llama", self.out / "m.gguf", "Q8_0"], self.out / "m.gguf")

    def test_from_gguf(self):
        source = self.folder / "m.gguf"
        self.assertEqual(run(["gguf", TINY / "tiny_llama", source, "F16"]).returncode, 0)
        self.each_fault(["ungguf", source, self.out / "m"], self.out / "m")

    def test_adapter(self):
        source = self.folder / "adapter"
        self.assertEqual(run(["start", TINY / "tiny_qwen2", source]).returncode, 0)
        self.each_fault(["merge", TINY / "tiny_qwen2", source, self.out / "m"], self.out / "m")
        self.again()
        self.each_fault(["lora", TINY / "tiny_qwen2", source, self.out / "a"], self.out / "a")

    def test_checkpoint(self):
        self.each_fault(["checkpoint", TINY / "tiny_qwen2", self.out / "run", "BF16"], self.out / "run" / "step_7")


if __name__ == "__main__":
    unittest.main(verbosity=1)
