#!/usr/bin/env python3
"""test_ttrl_shipped.py -- the experiments that are shipped run, cut short, and the page that is printed of them; the paper's runs are
planned. SPDX-License-Identifier: Apache-2.0"""
import csv
import json
import re
import subprocess
import sys

from run_assay import SOURCE, AssayTest, main

MODEL = SOURCE / "examples/models/arith"


class Shipped(AssayTest):
    def test_shipped(self):
        """Each experiment that is shipped runs, cut short, and the page of all of them is made of their numbers."""
        found = sorted((SOURCE / "examples/ttrl_experiments").glob("*.json"))
        self.assertEqual(len(found), 6)
        cut = [word for s in ("steps=2", "train_batch_size=4", "votes=8", "n=4", "warmup_steps=0", "experiment.n=2", "experiment.base_n=2",
                              "save_every=1") for word in ("--set", s)]
        rows = 0
        for path in found:
            more = ["--set", "eval_every=1", "--set", "eval_limit=2"] if "eval_suite" in json.loads(path.read_text()) else []
            self.assay("ttrl", path, "--out", self.dir / "runs" / path.stem, *cut, *more, cwd=SOURCE)
            with open(self.dir / "runs" / path.stem / "report_data/evaluations.csv", newline="", encoding="utf-8") as f:
                rows += len(list(csv.DictReader(f)))
        said = subprocess.run([sys.executable, str(SOURCE / "examples/ttrl_experiments/page.py"), str(self.dir / "runs")], capture_output=True,
                              text=True, check=True).stdout
        shipped = (SOURCE / "docs/TTRL_EXPERIMENTS.md").read_text()
        heads = [line for line in said.splitlines() if line.startswith(("#", "assay ", "| suite", "| step", "|  | steps"))]
        self.assertEqual(heads, [line for line in shipped.splitlines() if line.startswith(("#", "assay ", "| suite", "| step", "|  | steps"))])
        self.assertEqual(len(re.findall(r"^\| (?:test|held|ood) \|", said, re.M)), rows)

    def test_paper(self):
        """The paper's configurations, with a model that is at hand: its counts are in the plan; prompts from what benchmarks come in."""
        for name, steps, batch in (("aime", 240, 8), ("amc", 300, 8), ("math500", 150, 32)):
            config = json.loads((SOURCE / f"examples/ttrl_paper/{name}.json").read_text())
            self.assertEqual(list(config["experiment"]["suites"].values()), [config["prompts"]])
            said = self.assay("ttrl", SOURCE / f"examples/ttrl_paper/{name}.json", "--dry-run", "--set", f"model={MODEL}", "--set",
                              f"prompts={MODEL / 'test.jsonl'}", "--set", f"experiment.suites.{name}={MODEL / 'test.jsonl'}", "--set",
                              "max_response_length=24")
            self.say(said, f"a step     {batch} prompts x 32", "labels by the vote of 64 responses to each; the first 32 are trained on",
                     f"the run    {steps} steps")
        rows = [{"problem": "1+1?", "answer": "2", "level": 3, "unique_id": "test/x.json"}, {"Question": "2+2?", "Answer": 4.0, "ID": 7}]
        whole = self.file("whole.json", [json.dumps(rows)])
        for source in (self.file("rows.jsonl", rows), whole):
            said = subprocess.run([sys.executable, str(SOURCE / "examples/ttrl_paper/prompts.py"), source], capture_output=True, text=True, check=True)
            first, second = (json.loads(line) for line in said.stdout.splitlines())
            self.assertEqual((first["id"], first["reference"], first["meta"]), ("test/x.json", "2", {"level": 3}))
            self.assertTrue(first["prompt"].startswith("1+1?\nPlease reason"))
            self.assertEqual((second["id"], second["reference"], "meta" in second), ("7", "4", False))


if __name__ == "__main__":
    main()
