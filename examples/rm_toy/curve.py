#!/usr/bin/env python3
"""curve.py RUN [RUN ...] -- of runs with a reward model that learns beside the policy: how many pairs of responses it orders as the
verifier does, what the verifier gives the policy's responses, and what is held out; means of 8 steps, as a table.
SPDX-License-Identifier: Apache-2.0"""
import json
import pathlib
import sys

SHOWN = {"rm/accuracy": "reward model's accuracy", "rm/reward": "its reward", "reward/mean": "verifier's reward"}
EVERY = 8


def mean(rows, name):
    numbers = [row[name] for row in rows if row.get(name) is not None]
    return f"{sum(numbers) / len(numbers):.3f}" if numbers else "-"


def table(run):
    rows = [json.loads(line) for line in (pathlib.Path(run) / "metrics.jsonl").read_text().splitlines()]
    held = {row["step"]: (next(v for k, v in row.items() if k.startswith("val/avg@")), row["val/avg_low"], row["val/avg_high"])
            for row in rows if "val/avg_low" in row}
    last = max(row["step"] for row in rows)
    starts = range(1, last + 1, EVERY)
    print(f"{run}\n\n| steps | {' | '.join(f'{k}-{min(k + EVERY - 1, last)}' for k in starts)} |")
    print("|---" * (len(starts) + 1) + "|")
    for name, word in SHOWN.items():
        parts = [[row for row in rows if k <= row["step"] < k + EVERY] for k in starts]
        print(f"| {word} | {' | '.join(mean(part, name) for part in parts)} |")
    for step, (avg, low, high) in sorted(held.items()):
        print(f"held out, step {step}: {avg:.3f} [{low:.3f}, {high:.3f}]")
    print()


def main():
    for run in sys.argv[1:]:
        table(run)


main()
