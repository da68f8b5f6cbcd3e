#!/usr/bin/env python3
"""test_cuda_same.py -- on --device cuda with cuBLASLt (the emulation's, whose algorithms each add in another order) a run ends with
the same bytes whichever algorithm happens to be the fastest on the day: again, after a kill, and beside another that does the same.
Without a folder to keep the choices in, too. SPDX-License-Identifier: Apache-2.0"""
import os
import pathlib
import shutil
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from run_assay import SOURCE, AssayTest, main, wait_for  # noqa: E402

BIN = pathlib.Path(os.environ["ASSAY_BUILD"]) / "assay_emulated"
ROWS = [{"prompt": f"{a}+{b}=", "completion": str(a + b)} for a in range(3) for b in range(3)]
FIRST, IN_EIGHTS, WITH_WORKSPACE = "1", "2", "3"  # of emu/cublaslt.cpp; the second is for some shapes only


class Same(AssayTest):
    def setUp(self):
        super().setUp()
        self.config = self.file("c.json", [{
            "algo": "sft", "model": str(SOURCE / "tests/golden/models/tiny_qwen2"), "data": self.file("rows.jsonl", ROWS), "steps": 2,
            "batch_size": 3, "lr": 2e-3, "max_len": 16, "micro_tokens": 16, "device": "cuda", "dtype": "bf16", "save_every": 1}])

    def day(self, fastest, cache="cache"):
        return {"EMULATED_CUBLASLT": "1", "EMULATED_FASTEST": fastest, "XDG_CACHE_HOME": str(self.dir / cache)}

    def line(self, run, *words):
        return ("train", self.config, "--out", str(self.dir / run), "--quiet", *words)

    def train(self, run, fastest, *words, cache="cache"):
        return self.assay(*self.line(run, *words), program=BIN, env=self.day(fastest, cache))

    def weights(self, run):
        last = self.dir / run / "checkpoints/step_2"
        return [(last / name).read_bytes() for name in ("model.safetensors", "optim.safetensors")]

    def choices(self, cache="cache"):
        (path,) = (self.dir / cache / "assay").glob("cuBLASLt-*.txt")
        return path

    def test_again(self):
        run = self.train("one", WITH_WORKSPACE)
        self.assertNotIn("device cuda:", run.err)
        text = self.choices().read_text()
        self.assertIn(" with 4 multiprocessors", text.splitlines()[0])
        self.assertIn(": id 62 ", text)
        self.train("two", FIRST)
        self.assertEqual(self.weights("one"), self.weights("two"))
        self.assertEqual(text, self.choices().read_text())
        self.train("elsewhere", FIRST, cache="other")  # it would be seen
        self.assertNotEqual(self.weights("one"), self.weights("elsewhere"))
        shutil.rmtree(self.dir / "two/checkpoints/step_2")
        self.train("two", IN_EIGHTS, "--resume")
        self.assertEqual(self.weights("one"), self.weights("two"))

    def test_killed(self):
        """SIGKILL once there is a checkpoint; gone on with on another day, and begun again on a third."""
        child = subprocess.Popen([str(BIN), *self.line("cut")], env={**self.env, **self.day(WITH_WORKSPACE)}, cwd=self.dir)
        wait_for(lambda: (self.dir / "cut/checkpoints/step_1").exists() or child.poll() is not None)
        child.kill()
        child.wait()
        self.train("cut", FIRST, "--resume")
        self.train("whole", IN_EIGHTS)
        self.assertEqual(self.weights("cut"), self.weights("whole"))

    def test_at_once(self):
        """Two that begin together, each of which finds another algorithm the fastest."""
        runs = [subprocess.Popen([str(BIN), *self.line(name)], env={**self.env, **self.day(fastest)}, cwd=self.dir)
                for name, fastest in (("one", WITH_WORKSPACE), ("two", FIRST))]
        self.assertEqual([run.wait() for run in runs], [0, 0])
        self.assertEqual(self.weights("one"), self.weights("two"))
        keys = [line.partition(" = ")[0] for line in self.choices().read_text().splitlines()]
        self.assertEqual(len(keys), len(set(keys)))

    def test_nowhere(self):
        """Said once, and the first is taken."""
        (self.dir / "file").write_text("")
        runs = [self.train(f"run{fastest}", fastest, cache="file") for fastest in (WITH_WORKSPACE, FIRST)]
        for run in runs:
            self.assertEqual(run.err.count("device cuda: "), 1)
        self.assertEqual(self.weights("run3"), self.weights("run1"))
        self.train("kept", FIRST)
        self.assertEqual(self.weights("kept"), self.weights("run1"))
        self.choices().write_text("else\n")
        run = self.train("foreign", WITH_WORKSPACE)
        self.assertEqual(run.err.count("its first line is not ours"), 1)
        self.assertEqual(self.weights("foreign"), self.weights("run1"))
        self.assertEqual(self.choices().read_text(), "else\n")


if __name__ == "__main__":
    main()
