#!/usr/bin/env python3
"""Turns published sets of programming problems into a suite, one problem per line: {"id", "prompt", "reference"}.

    suite.py humaneval HumanEval.jsonl.gz --out humaneval.jsonl
    suite.py evalplus  MbppPlus.jsonl.gz  --out mbppplus.jsonl      (HumanEvalPlus too)
    suite.py mbpp      mbpp.jsonl         --out mbpp.jsonl
    suite.py livecodebench test.jsonl     --out livecodebench.jsonl
    suite.py contests  code_contests.jsonl.gz --out contests.jsonl  (SandboxFusion's rows)
    suite.py rllm      leetcode.json      --out leetcode.jsonl      (code_contests too)

`assay eval --suite` takes such a file as it is; `assay verify --plugin code` takes lines that have a "completion" besides
(--solutions: the reference solution, so that the suite is tried on itself).

SPDX-License-Identifier: Apache-2.0
"""
import argparse
import ast
import gzip
import json
import sys
import warnings

sys.dont_write_bytecode = True
import contests  # noqa: E402
import expected  # noqa: E402
import livecodebench as lcb  # noqa: E402
import plus  # noqa: E402


def read_rows(path):
    with (gzip.open if str(path).endswith(".gz") else open)(path, "rt", encoding="utf-8") as f:
        text = f.read()
    return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.split("\n") if line.strip()]


def line(name, prompt, reference, solution):
    """A suite's line; the reference as text, as verifiers take it."""
    return {"id": name, "prompt": prompt, "reference": json.dumps(reference), "solution": solution}


# ---- one function per format: rows and options to lines -----------------------------------------------------------

def humaneval(rows, options):
    """HumanEval: a prompt to go on from, and check(candidate)."""
    for row in rows:
        reference = {"entry_point": row["entry_point"], "check": row["test"], "prompt": row["prompt"]}
        yield line(row["task_id"], row["prompt"], reference, row["prompt"] + row["canonical_solution"])


def evalplus(rows, options):
    """HumanEval+ and MBPP+: argument lists; the values wanted are what the reference solution returns."""
    if options.asserts:
        for row in rows:
            reference = {"entry_point": row["entry_point"], "asserts": [row["assertion"]]}
            imports = imports_of(solution_of(row), row["assertion"])
            yield line(row["task_id"], row["prompt"], {**reference, **({"setup": imports} if imports else {})},
                       solution_of(row))
        return
    given = [[*row["base_input"], *([] if options.base else row["plus_input"])] for row in rows]
    inputs = [[plus.arguments(row["task_id"], a) for a in lists] for row, lists in zip(rows, given)]
    tasks = [{"code": solution_of(row), "entry_point": row["entry_point"], "inputs": [expected.text_of(a) for a in args],
              "not_none": plus.oracle(row) == "not_none", "as_sets": plus.oracle(row) == "set"}
             for row, args in zip(rows, inputs)]
    for row, args, task, found in zip(rows, inputs, tasks, expected.compute(tasks, options.python)):
        if "error" in found:
            print(f"suite.py: {row['task_id']} is left out: {found['error']}", file=sys.stderr)
            continue
        kept = [k for k, text in enumerate(found["outputs"]) if text is not None]
        if len(kept) < len(args):
            print(f"suite.py: {row['task_id']}: {len(args) - len(kept)} of {len(args)} inputs are left out: "
                  "their values are too large", file=sys.stderr)
            args, task["inputs"], found["outputs"] = ([column[k] for k in kept]
                                                      for column in (args, task["inputs"], found["outputs"]))
        yield line(row["task_id"], row["prompt"], plus_reference(row, args, task, found), task["code"])


def parse(code):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # of what is in the rows
        return ast.parse(code)


def imports_of(code, tests):
    """What assertions that were run behind the solution count on: its imports, and modules that they name themselves."""
    imports = [s for s in parse(code).body if isinstance(s, (ast.Import, ast.ImportFrom))]
    bound = {name.asname or name.name for s in imports + parse(tests).body
             if isinstance(s, (ast.Import, ast.ImportFrom)) for name in s.names}
    named = {n.value.id for n in ast.walk(parse(tests)) if isinstance(n, ast.Attribute) and isinstance(n.value, ast.Name)}
    return "\n".join([*map(ast.unparse, imports),
                      *(f"import {m}" for m in sorted(named & set(sys.stdlib_module_names) - bound))])


def solution_of(row):
    """HumanEval+ goes on from the prompt; MBPP+'s solutions are whole."""
    whole = row["task_id"].startswith("Mbpp")
    return row["canonical_solution"].lstrip("\n") if whole else row["prompt"] + row["canonical_solution"]


def plus_reference(row, inputs, task, found):
    reference = {"entry_point": row["entry_point"], "format": "python", "inputs": task["inputs"],
                 "outputs": found["outputs"]}
    if not row["task_id"].startswith("Mbpp"):
        reference["prompt"] = row["prompt"]
    how, others, atol = plus.oracle(row), plus.also(row, inputs), row["atol"]
    if how:
        reference["oracle"] = how
    if others:
        reference["also"] = [expected.text_of(o) for o in others]
    if atol == 0 and any(plus.is_floats(value_of(text)) for text in found["outputs"]):
        atol = 1e-6
    if atol:
        reference.update(atol=atol, rtol=1e-7)
    if found["seconds"] > 0.5:  # four times what the reference solution takes
        reference["cpu_ms"] = int(4000 * found["seconds"])
    return reference


def value_of(text):
    try:
        return ast.literal_eval(text)
    except ValueError:  # inf, nan: floats
        return eval(text, {"inf": float("inf"), "nan": float("nan"), "set": set, "frozenset": frozenset})


def mbpp(rows, options):
    """MBPP as Google publishes it, whole or sanitized, and as SandboxFusion keeps it: assertions."""
    for row in rows:
        labels = row.get("labels", row)
        tests = list(row["test_list"]) + (labels.get("challenge_test_list", []) if options.challenge else [])
        setup = "\n".join([*row.get("test_imports", []), labels.get("test_setup_code", "")]).strip()
        text = row.get("text") or row.get("prompt") or row["content"]
        reference = {"asserts": tests, **({"setup": setup} if setup else {})}
        prompt = text + "\nYour code should pass these tests:\n\n" + "\n".join(row["test_list"]) + "\n"
        solution = (row.get("code") or row["canonical_solution"]).replace("\r\n", "\n")
        yield line(f"MBPP/{row.get('task_id', row.get('id'))}", prompt, reference, solution)


def livecodebench(rows, options):
    """LiveCodeBench: calls with one JSON value per line, or stdin and stdout."""
    for row in rows:
        try:
            reference = lcb.reference_of(row, options.public)
        except lcb.Refused as error:
            sys.exit(f"suite.py: {error}")
        yield line(f"LiveCodeBench/{row['question_id']}", lcb.prompt_of(row), reference, None)


def contest(rows, options):
    """SandboxFusion's rows of CodeContests; they come without solutions."""
    for row in rows:
        name = contests.loaded(row.get("labels") or {}).get("name", row["id"])
        yield line(f"contests/{row['id']} {name}", row["content"], contests.cases(row, options.language), None)


def rllm(rows, options):
    """rllm's leetcode (a check function) and code_contests (stdin and stdout)."""
    for number, row in enumerate(rows):
        solutions = row.get("solutions") or [None]
        yield line(f"rllm/{row.get('id', number)}", row["problem"], contests.rllm(row, options.language, lcb.IMPORTS), solutions[0])


FORMATS = {"humaneval": humaneval, "evalplus": evalplus, "mbpp": mbpp, "livecodebench": livecodebench, "contests": contest,
           "rllm": rllm}


# ---- the command -----------------------------------------------------------------------------------------------------

def read_options(arguments):
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("format", choices=FORMATS)
    parser.add_argument("files", nargs="+", metavar="FILE", help=".jsonl or .jsonl.gz")
    parser.add_argument("--out", help="the suite (default: stdout)")
    parser.add_argument("--solutions", action="store_true", help='with the reference solution as "completion"')
    parser.add_argument("--base", action="store_true", help="evalplus: the base inputs only")
    parser.add_argument("--asserts", action="store_true", help="evalplus: the rows' own assertions instead of inputs")
    parser.add_argument("--challenge", action="store_true", help="mbpp: the challenge tests too")
    parser.add_argument("--public", action="store_true", help="livecodebench: the public tests only")
    parser.add_argument("--language", default="python", help="contests: of the programs asked for: python, c, cpp")
    parser.add_argument("--python", default=expected.PYTHON, help="what runs the reference solutions (%(default)s)")
    return parser.parse_args(arguments)


def convert(name, rows, *flags):
    """The lines of a suite, for programs; flags as on the command line."""
    return list(FORMATS[name](rows, read_options([name, "-", *flags])))


def main():
    options = read_options(None)
    rows = [row for path in options.files for row in read_rows(path)]
    out = open(options.out, "w", encoding="utf-8") if options.out else sys.stdout
    for found in FORMATS[options.format](rows, options):
        solution = found.pop("solution")
        if options.solutions and solution is None:
            print(f"suite.py: {found['id']} is left out: it has no solution", file=sys.stderr)
            continue
        if options.solutions:
            found["completion"] = f"```python\n{solution}\n```"
        out.write(json.dumps(found, ensure_ascii=False) + "\n")


if __name__ == "__main__":
    main()
