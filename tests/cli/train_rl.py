"""train_rl.py -- what the tests of assay train with rewards share: a small model, prompts, a configuration, what a run left.

SPDX-License-Identifier: Apache-2.0
"""
import json

from run_assay import SOURCE, AssayTest

MODEL = SOURCE / "examples/models/countdown"
TINY = SOURCE / "tests/golden/models"
ALGOS = ("ppo", "grpo", "dr_grpo", "rloo", "reinforce++", "reinforce++_baseline", "remax", "dapo", "gspo", "grpo_passk")
SHORT = 'format:{"tags":[],"max_bytes":7}'  # an answer of at most seven bytes
LONG = 'format:{"tags":[],"min_bytes":8}'
SMALL = {"algo": "grpo", "model": str(MODEL), "reward": SHORT, "steps": 2, "train_batch_size": 4, "n": 4,
         "max_response_length": 16, "lr": 3e-4, "micro_tokens": 512, "rollouts_every": 0}
PROMPTS = [{"id": f"p{k}", "prompt": f"{1 + k % 3} {2 + k % 5} {3 + k % 7} {4 + k % 9}={5 + k}:", "reference": str(k)} for k in range(24)]
CLOCKS = ("time", "tokens_per_s")


class Base(AssayTest):
    def config(self, prompts=None, without=(), **more):
        data = self.file("prompts.jsonl", prompts or PROMPTS)
        config = dict(SMALL, **{"prompts": data, **more})
        return self.file("rl.json", [{k: v for k, v in config.items() if k not in without}])

    def train(self, run, *args, rc=0, config=None, **more):
        return self.assay("train", config or self.config(**more), "--out", self.dir / run, *args, rc=rc)

    def step(self, run, n):
        return self.dir / run / "checkpoints" / f"step_{n}"

    def weights(self, run, n, *folders):
        files = [self.step(run, n)] + [self.dir / run / folder / f"step_{n}" for folder in folders]
        return [(f / name).read_bytes() for f in files for name in ("model.safetensors", "optim.safetensors")]

    def metrics(self, run):
        """The lines without what a clock says."""
        rows = [json.loads(line) for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]
        return [{k: v for k, v in row.items() if k not in CLOCKS and not k.startswith("timing/")} for row in rows]

    def manifest(self, run):
        return json.loads((self.dir / run / "manifest.json").read_text())
