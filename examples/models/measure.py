#!/usr/bin/env python3
"""Measures the models of this folder and prints the tables of their cards.

    python3 examples/models/measure.py [--assay build/release/assay] [--model FOLDER] [--write] arith|countdown|azr

`assay generate` samples; `assay verify --plugin math` judges sums, countdown.py and programs.py judge the others; `assay passk`
counts. What the table says follows from the model's files and the seeds here. --write puts it into the card.

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import contextlib
import hashlib
import io
import json
import pathlib
import re
import struct
import subprocess
import sys
import tempfile

import azr
import countdown
from programs import Invalid, is_same, is_task_value, parse, run, value_of

HERE = pathlib.Path(__file__).resolve().parent
SEED = 1
MARKS = ("<!-- measure.py -->\n", "<!-- end -->\n")


def load(path):
    return [json.loads(line) for line in open(path, encoding="utf-8")]


class Bench:
    def __init__(self, assay, model, folder):
        self.assay, self.model, self.folder, self.n_files = assay, model, pathlib.Path(folder), 0

    def run(self, *args):
        done = subprocess.run([self.assay, *map(str, args)], check=False, capture_output=True, text=True)
        if done.returncode:
            sys.exit(done.stderr)
        return done.stdout

    def file(self, rows):
        self.n_files += 1
        path = self.folder / f"{self.n_files}.jsonl"
        path.write_text("".join(json.dumps(row) + "\n" for row in rows))
        return path

    def generate(self, problems, n, most, temperature=1.0, seed=SEED):
        """A list of n samples for each problem."""
        prompts = self.file({"id": p["id"], "prompt": p["prompt"]} for p in problems)
        text = self.run("generate", "--model", self.model, "--prompts", prompts, "--n", n, "--max-tokens", most, "--temperature",
                        temperature, "--seed", seed, "--max-seqs", 256, "--quiet", "--progress", "none")
        samples = [json.loads(line) for line in text.splitlines()]
        return [samples[k * n:(k + 1) * n] for k in range(len(problems))]

    def passk(self, results, ks):
        """{"pass": {k: ..}, "maj": {k: ..}} of lines as verify writes them."""
        path = results if isinstance(results, pathlib.Path) else self.file(results)
        rows = json.loads(self.run("passk", "--in", path, "--k", ",".join(map(str, ks)), "--bootstrap", 0, "--json"))["k"]
        return {"pass": {row["k"]: float(row["mean"]) for row in rows},
                "maj": {row["k"]: float(row["maj"]["mean"]) for row in rows if row.get("maj")}}


def scored(problems, samples, judge):
    """Lines for passk: judge(problem, sample) -> bool."""
    for problem, group in zip(problems, samples):
        for k, sample in enumerate(group):
            right = judge(problem, sample)
            yield {"schema": "assay.verdict/1", "id": f"{problem['id']}/{k}", "group": problem["id"],
                   "verdict": "pass" if right else "fail", "score": int(right)}


def mean(values):
    values = list(values)
    return sum(values) / len(values)


def table(head, rows):
    print("| " + " | ".join(head) + " |")
    print("|" + "---|" * len(head))
    for row in rows:
        print("| " + " | ".join(f"{cell:.3f}" if isinstance(cell, float) else str(cell) for cell in row) + " |")


# ---- arith -----------------------------------------------------------------------------------------------------------

def verify(bench, problems, samples):
    items = [{"id": f"{p['id']}/{k}", "group": p["id"], "reference": p["reference"], "completion": s["completion"]}
             for p, group in zip(problems, samples) for k, s in enumerate(group)]
    out = bench.folder / "verdicts.jsonl"
    bench.run("verify", "--plugin", "math", "--in", bench.file(items), "--out", out, "--force", "--quiet", "--progress", "none")
    return out


def arith(bench, suites):
    rows, levels = [], []
    for name in ("test", "held", "ood"):
        problems = load(suites / f"{name}.jsonl")
        samples = bench.generate(problems, 64, 32)
        verdicts = load(verify(bench, problems, samples))
        at = bench.passk(bench.folder / "verdicts.jsonl", [1, 16, 64])
        greedy = mean(v["score"] for v in load(verify(bench, problems, bench.generate(problems, 1, 32, 0))))
        first = mean(v["score"] for v in verdicts if int(v["id"].split("/")[1]) < 16)
        cool = mean(v["score"] for v in load(verify(bench, problems, bench.generate(problems, 16, 32, 0.6))))
        rows.append([name, len(problems), greedy, first, at["pass"][1], at["maj"][16], at["maj"][64], at["pass"][64], cool])
        if name == "test":
            for level in range(1, 6):
                ids = {p["id"] for p in problems if p["meta"]["level"] == level}
                part = bench.passk([v for v in verdicts if v["group"] in ids], [1, 64])
                levels.append([level, level + 2, part["pass"][1], part["maj"][64], part["pass"][64]])
    table(["suite", "problems", "greedy", "avg@16", "avg@64", "maj@16", "maj@64", "pass@64", "avg@16 at T = 0.6"], rows)
    print()
    table(["level", "digits", "avg@64", "maj@64", "pass@64"], levels)
    print()
    again, problems = [], load(suites / "test.jsonl")
    for seed in range(SEED + 1, SEED + 4):
        verify(bench, problems, bench.generate(problems, 64, 32, seed=seed))
        at = bench.passk(bench.folder / "verdicts.jsonl", [1, 64])
        again.append([seed, at["pass"][1], at["maj"][64], at["pass"][64]])
    table(["test again, seed", "avg@64", "maj@64", "pass@64"], again)
    print()
    paths = []
    for name in ("test", "held", "ood"):
        problems = load(suites / f"{name}.jsonl")
        forced = [[dict(p, prompt=p["prompt"] + mode) for p in problems] for mode in "><"]
        paths.append([name, *(mean(v["score"] for v in load(verify(bench, p, bench.generate(p, 1, 32, 0)))) for p in forced)])
    table(["suite, path given", "greedy after >", "greedy after <"], paths)


# ---- countdown -------------------------------------------------------------------------------------------------------

def at_chance(problems, k):
    return mean(1 - (1 - p["meta"]["solutions"] / 648) ** k for p in problems)


def countdown_table(bench, suites):
    ks, rows = [1, 4, 16, 64, 256], []
    for name in ("train", "test"):
        problems = load(suites / f"{name}.jsonl")

        def judge(problem, sample):
            return countdown.is_right(problem, sample["completion"])

        samples = bench.generate(problems, 256, 16)
        at = bench.passk(scored(problems, samples, judge), ks)["pass"]
        greedy = bench.generate(problems, 1, 16, 0)
        proper = mean(countdown.SHAPE.fullmatch(s["completion"]) is not None for group in samples for s in group)
        rows.append([name, len(problems), mean(judge(p, g[0]) for p, g in zip(problems, greedy)), *(at[k] for k in ks), proper])
        rows.append([f"{name}, chance", len(problems), "", *(at_chance(problems, k) for k in ks), 1.0])
    table(["suite", "problems", "greedy", *(f"pass@{k}" for k in ks), "well formed"], rows)


# ---- azr -------------------------------------------------------------------------------------------------------------

def solves(problem, sample):
    meta, text = problem["meta"], sample["completion"]
    pairs = [(value_of(a), value_of(b)) for a, b in meta["pairs"]]
    if sample["finish_reason"] != "stop":
        return False
    try:
        if meta["type"] == "ded":
            return is_same(value_of(text), pairs[0][1])
        if meta["type"] == "abd":
            return is_same(run(meta["program"], value_of(text)), pairs[0][1])
        return all(is_same(run(text, a), b) for a, b in pairs[azr.SHOWN:])
    except Invalid:
        return False


PROPOSAL = re.compile(r"<P>(def f\(x\):\n[^<]+)<I>([^<]+)")
INPUTS = re.compile(r"(?:<I>[^<]+){6}")


def is_proposal(prompt, sample):
    """A program and an input that give a value; of induction: six inputs on which the program gives values."""
    text = sample["completion"]
    try:
        if prompt.startswith("<pind>"):
            program = re.match(r"<pind><P>([^<]+)<new>", prompt).group(1)
            return sample["finish_reason"] == "stop" and INPUTS.fullmatch(text) is not None and \
                all(is_task_value(run(program, value_of(part))) for part in text.split("<I>")[1:])
        found = PROPOSAL.fullmatch(text)
        return sample["finish_reason"] == "stop" and found is not None and \
            is_task_value(run(found.group(1), value_of(found.group(2))))
    except Invalid:
        return False


def proposals(bench, tasks):
    """For each kind: prompts from the deduction tasks of the suite, four samples each."""
    rows = []
    given = [t for t in tasks if t["meta"]["type"] == "ded"]
    for kind in ("ded", "abd", "ind"):
        prompts = []
        for t in given:
            program, pair = t["meta"]["program"], [value_of(v) for v in t["meta"]["pairs"][0]]
            prompts.append({"id": t["id"], "prompt": azr.propose_inputs(program) if kind == "ind" else
                            azr.propose(kind, program, pair)})
        samples = bench.generate(prompts, 4, 80)
        valid = mean(is_proposal(p["prompt"], s) for p, group in zip(prompts, samples) for s in group)
        lines = [parse(found.group(1)) for group in samples for s in group
                 if (found := PROPOSAL.fullmatch(s["completion"])) is not None]
        depth = mean(len(p) for p in lines if p) if kind != "ind" else ""
        rows.append([f"<p{kind}>", len(prompts), valid, depth])
    table(["proposals", "prompts", "valid", "mean depth"], rows)


def azr_table(bench, suites):
    tasks, rows = load(suites / "tasks.jsonl"), []
    samples, greedy = bench.generate(tasks, 8, 64), bench.generate(tasks, 1, 64, 0)

    def figures(name, takes):
        chosen = [(t, s, g[0]) for t, s, g in zip(tasks, samples, greedy) if takes(t["meta"])]
        at = bench.passk(scored([c[0] for c in chosen], [c[1] for c in chosen], solves), [1, 8])["pass"]
        rows.append([name, len(chosen), mean(solves(t, g) for t, _, g in chosen), at[1], at[8]])

    for kind, name in (("ded", "deduction"), ("abd", "abduction"), ("ind", "induction")):
        for depth in (1, 2, 3):
            figures(f"{name}, depth {depth}", lambda m, k=kind, d=depth: m["type"] == k and m["depth"] == d)
        figures(f"{name}", lambda m, k=kind: m["type"] == k)
    figures("depth 2 and 3", lambda m: m["depth"] > 1)
    figures("all", lambda m: True)
    table(["tasks", "n", "greedy", "avg@8", "pass@8"], rows)
    print()
    proposals(bench, tasks)


def facts(model):
    """What is measured: so many parameters, of these bytes."""
    weights = (model / "model.safetensors").read_bytes()
    size, = struct.unpack_from("<Q", weights)
    header = json.loads(weights[8:8 + size])
    n = sum(t["data_offsets"][1] - t["data_offsets"][0] for key, t in header.items() if key != "__metadata__")
    width = {"BF16": 2, "F32": 4}[header["model.norm.weight"]["dtype"]]
    print(f"{n // width:,} parameters; model.safetensors has the sha256 `{hashlib.sha256(weights).hexdigest()}`.\n")


def into_card(path, text):
    before, _, rest = path.read_text(encoding="utf-8").partition(MARKS[0])
    path.write_text(before + MARKS[0] + text + MARKS[1] + rest.partition(MARKS[1])[2], encoding="utf-8")


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("task", choices=["arith", "countdown", "azr"])
    parser.add_argument("--assay", default="build/release/assay")
    parser.add_argument("--model", help="the folder with the weights; default: the one beside this script")
    parser.add_argument("--write", action="store_true", help="into README.md beside the suites")
    options = parser.parse_args()
    suites = HERE / options.task
    model = pathlib.Path(options.model or suites)
    measure = {"arith": arith, "countdown": countdown_table, "azr": azr_table}[options.task]
    text = io.StringIO()
    with tempfile.TemporaryDirectory() as folder, contextlib.redirect_stdout(text):
        facts(model)
        measure(Bench(options.assay, model, folder), suites)
    print(text.getvalue(), end="")
    if options.write:
        into_card(suites / "README.md", text.getvalue())


if __name__ == "__main__":
    main()
