#!/usr/bin/env python3
"""page.py -- docs/TTRL_EXPERIMENTS.md out of the CSV files of the experiments: python3 page.py RUNS, where RUNS/NAME is the folder of
each. The words are here, the numbers are theirs. SPDX-License-Identifier: Apache-2.0
"""
import csv
import pathlib
import sys

HEAD = """# TTRL: the paper's experiments on sums

Each table is what one command has written (CSV beside it; curves in the folder's report.html). The model is
[arith](../examples/models/arith), the recipe that of [examples/ttrl_tiny](../examples/ttrl_tiny); seed 1, fixed before any of these
was run, one run each, the last checkpoint whatever it is, temperature 1. This page is printed by
examples/ttrl_experiments/page.py. One seed says little: [bench/ttrl_toy](../bench/ttrl_toy) has five, with the controls.

avg@n: share of right samples; maj@n: share of problems whose vote is right. Differences are paired over problems, intervals 95 %.
"""
WORDS = {
    "initial_vote": ("TTRL against its initial vote; levels",
                     "One answer after training against the vote of 64 before it. All of it is sharpening: the base can do these sums when "
                     "its better way is given, and by a vote.",
                     "Response lengths do not move, since each way to an answer is as long as the other; the paper's fall."),
    "equal_samples": ("The same samples, spent on a vote",
                      "Training draws 1,280 answers to each problem. Given as many, **the base's vote is better than one answer of the trained "
                      "model**. What TTRL buys is that answers after it cost one sample each, and that it carries over to problems it did not see.",
                      ""),
    "grpo_vs_ppo": ("GRPO and PPO", "The same votes, numbers of answers and learning rate; PPO has a critic of the model's size (1e-3, GAE 0.95). "
                    "Their curves lie nearly over each other; a difference as small as this, of one seed, is none.", ""),
    "leaked_labels": ("Leaked labels: the upper bound", "The second arm is rewarded by the verifier with the references, 32 answers to a "
                      "problem. Where nearly all votes are right from the beginning, votes teach as much as labels do.", ""),
    "out_of_distribution": ("Problems it was not trained on", "Trained on `test`; `held` is of the same kind, `ood` has longer sums than the base "
                            "has ever seen. On `held` the interval of one answer over the first vote includes 0. On `ood` the model is "
                            "better than it was, and still wrong nearly always; its greedy answers are no better (examples/ttrl_tiny).", ""),
    "too_hard": ("Too little prior: where it fails", "The same recipe on `ood`, where hardly a vote is right. Without the guard, agreement "
                 "rises while hardly a label is right, and what the model could do (`test`) is damaged. Reward accuracy looks well at "
                 "first: lucky hits. The guard ends the run after ten steps, since too many of its first votes are accidents; but **by then "
                 "the vote on `test` is damaged already**: it spares the other ninety steps, and the model to go back to is the base.", ""),
}
CURVES = {"val_avg_16": "avg@16 on test", "actor_entropy": "entropy"}
METRICS = {"train/majority_ratio": "majority ratio", "train/label_accuracy": "label accuracy", "train/reward_accuracy": "reward accuracy",
           "train/ground_truth_ratio": "right", "actor/entropy": "entropy"}


def rows_of(path):
    with open(path, newline="", encoding="utf-8") as f:
        return list(csv.DictReader(f))


def table(head, rows):
    return "\n".join(["| " + " | ".join(head) + " |", "|" + "---|" * len(head), *("| " + " | ".join(row) + " |" for row in rows)]) + "\n"


def with_interval(row, key, sign=""):
    if not row[key]:
        return ""
    mean, low, high = (round(float(row[k]), 3) + 0.0 for k in (key, key + "_low", key + "_high"))
    return f"{mean:{sign}.3f} [{low:{sign}.3f}, {high:{sign}.3f}]"


def evaluations(data):
    return table(["suite", "", "n", "avg@n", "maj@n", "avg@n - base's avg@n", "avg@n - base's maj@n"], [
        [r["suite"], r["run"], r["n"], with_interval(r, "avg"), with_interval(r, "maj"), with_interval(r, "gain", "+"),
         with_interval(r, "over_maj", "+")] for r in rows_of(data / "evaluations.csv")])


def levels(data):
    def change(r, what, digits):
        was, now, by = (float(r[f"{what}_{k}"]) for k in ("before", "after", "change"))
        by = by if abs(by) >= 0.05 else 0.0
        return f"{was:.{digits}f} → {now:.{digits}f}", f"{by:+.{digits}f}", f"{100 * float(r[what + '_relative']):+.0f} %"
    return table(["level", "accuracy", "change", "relative", "tokens", "change", "relative"],
                 [[r["level"], *change(r, "accuracy", 3), *(s.replace("-0", "+0") if s in ("-0 %", "-0.0") else s for s in change(r, "tokens", 1))]
                  for r in rows_of(data / "levels.csv")])


def training(data):
    return table(["", "steps", *METRICS.values()], [
        [run, steps, *cells] for run, steps, cells in (
            (run, next(r["points"] for r in mine if r["metric"] == "actor/entropy"),
             [next((f"{float(r['first']):.3f} → {float(r['last']):.3f}" for r in mine if r["metric"] == m), "") for m in METRICS])
            for run, mine in by_run(rows_of(data / "training.csv")))])


def by_run(rows):
    return [(run, [r for r in rows if r["run"] == run]) for run in dict.fromkeys(r["run"] for r in rows)]


def curves(data):
    found = {name: dict(by_run(rows_of(data / f"{name}.csv"))) for name in CURVES}
    runs = list(found["actor_entropy"])

    def at(name, run, step):
        row = next((r for r in found[name][run] if int(r["step"]) == max(step, name == "actor_entropy")), None)
        return f"{float(row['value']):.3f}" if row else ""
    return table(["step", *(f"{run}: {what}" for what in CURVES.values() for run in runs)],
                 [[str(step), *(at(name, run, step) for name in CURVES for run in runs)] for step in (0, 20, 60, 100, 140, 200)])


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    print(HEAD)
    for name, (title, before, after) in WORDS.items():
        folder = pathlib.Path(sys.argv[1]) / name
        data = folder / "report_data"
        print(f"## {title}\n\n```\nassay ttrl examples/ttrl_experiments/{name}.json --out build/runs/{name}\n```\n\n{before}\n")
        print(evaluations(data))
        if name == "initial_vote":
            print(levels(data))
        if (data / "val_avg_16.csv").exists():
            print(curves(data))
        print("First ten steps → last ten:\n\n" + training(data))
        if after:
            print(after + "\n")
        notes = (folder / "tables.md").read_text(encoding="utf-8").rstrip().rsplit("\n\n", 1)[-1]
        if not notes.startswith("|"):
            print("> " + notes + "\n")


if __name__ == "__main__":
    main()
