#!/usr/bin/env python3
"""test_demo.py -- examples/demo.sh, what ./bootstrap demo shows, with fewer steps: figures before and after, the report, and that one
that was interrupted goes on. SPDX-License-Identifier: Apache-2.0"""
import csv
import json
import os
import re
import signal
import subprocess

from run_assay import BIN, SOURCE, AssayTest, main, wait_for

STEPS = 6


class Demo(AssayTest):
    def begin(self, out, steps=STEPS):
        child = subprocess.Popen(["sh", str(SOURCE / "examples/demo.sh"), str(BIN.parent), str(self.dir / out), str(steps)], cwd=SOURCE,
                                 env=self.env, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True,
                                 start_new_session=True)
        self.addCleanup(self.end, child)
        return child

    def whole(self, out):
        child = self.begin(out)
        said, err = child.communicate()
        self.assertEqual(child.returncode, 0, said[-2000:] + err[-2000:])
        return said

    def test_demo(self):
        """It shows what the summaries of both evaluations say, and the model has become better by its own vote."""
        said = self.whole("demo")
        for line in ("$ head -n 1 ", " verify --plugin math ", " vote --plugin math ", "It is sharpening"):
            self.assertIn(line, said)
        ends = [json.loads((self.dir / f"demo/{name}/summary.json").read_text()) for name in ("before", "after")]
        for name, key in (("one answer is right", "avg_at_n"), ("the vote of 64 is right", "maj_at_n")):
            shown = re.search(rf"^{name} +([0-9.]+) -> ([0-9.]+)$", said, re.M).groups()
            self.assertEqual(list(shown), [f"{e[key]['mean']:.3f}" for e in ends])
        self.assertGreater(ends[1]["avg_at_n"]["mean"], ends[0]["avg_at_n"]["mean"] + 0.02)
        self.assertEqual(len((self.dir / "demo/ttrl/metrics.jsonl").read_text().splitlines()), STEPS)
        page = (self.dir / "demo/report.html").read_text()
        for what in ("<h2>Before and after</h2>", "<h2>Levels</h2>", "train/label_accuracy", "train/reward_accuracy", "train/majority_ratio",
                     "train/ground_truth_ratio", "train/entropy"):
            self.assertIn(what, page)
        self.assertGreater(page.count("<figure>"), 40)
        with open(self.dir / "demo/report_data/levels.csv", newline="", encoding="utf-8") as f:
            self.assertEqual([row["level"] for row in csv.DictReader(f)], ["1", "2", "3", "4", "5"])
        self.assertFalse((self.dir / "demo/.unfinished").exists())
        again = self.begin("demo")
        self.assertIn("demo is there", again.communicate(timeout=60)[1])
        self.assertEqual(again.returncode, 1)
        self.interrupted(self.dir / "demo/ttrl/checkpoints" / f"step_{STEPS}")

    def interrupted(self, whole):
        """Ctrl-C while the model learns: the same command goes on, and ends with the same model."""
        child = self.begin("cut")
        metrics = self.dir / "cut/ttrl/metrics.jsonl"
        wait_for(lambda: metrics.exists() and metrics.stat().st_size > 0)
        os.killpg(child.pid, signal.SIGINT)
        child.communicate(timeout=120)
        self.assertNotEqual(child.returncode, 0)
        self.assertTrue((self.dir / "cut/.unfinished").exists())
        said = self.whole("cut")
        self.assertIn("Going on with the demo that was interrupted", said)
        self.assertIn("--resume", said)
        self.assertEqual(len(metrics.read_text().splitlines()), STEPS)
        self.assertEqual((whole / "model.safetensors").read_bytes(),
                         (self.dir / "cut/ttrl/checkpoints" / whole.name / "model.safetensors").read_bytes())


if __name__ == "__main__":
    main()
