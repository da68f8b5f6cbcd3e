"""bench/math_peer.py -- Math-Verify as a filter: one JSON row in, one verdict out. Run by bench/math_vs_peers in the venv
that has math-verify; never imported by us.

In: {"id", "reference", "completion", "types", "letters", "precision", "strict", "set_rel", "sympy"}. `types` are the
row's match_types, with the extraction configurations that Math-Verify's own tests give them; `letters`: the strings of its
StringExtractionConfig; with neither, parse()'s defaults.
A reference that has no $, \\( or \\boxed of its own is put into $..$, as Math-Verify's README asks for, unless the row names
its types; `sympy`: the reference is sympy's printed form and is read by sympy. Out: {"id", "equal", "ns", "gold", "answer",
"error"}; gold and answer: whether parse() found anything but the string itself. A first line {"ready": kib} comes when all
is imported.

SPDX-License-Identifier: Apache-2.0
"""
import json
import logging
import re
import resource
import sys
import time

import sympy
from math_verify import ExprExtractionConfig, LatexExtractionConfig, StringExtractionConfig, parse, verify

TARGETS = {"latex": lambda: LatexExtractionConfig(boxed_match_priority=0), "expr": ExprExtractionConfig}
PRINTED = re.compile(r"[\w\s+\-*/().,{}=<>|!\[\]']+")


def targets_of(row):
    if row.get("letters"):
        return [StringExtractionConfig(strings=tuple(row["letters"]))]
    types = row.get("types")
    return [TARGETS[t]() for t in types] if isinstance(types, list) else None


def gold_of(row, targets):
    reference = row["reference"]
    if row.get("sympy"):
        if not PRINTED.fullmatch(reference) or "__" in reference:
            return [reference]
        return [sympy.sympify(reference, evaluate=True)]
    if targets is None and not any(mark in reference for mark in ("$", "\\(", "\\[", "\\boxed")):
        reference = f"${reference}$"
    return parse(reference) if targets is None else parse(reference, targets)


def judge(row):
    targets = targets_of(row)
    gold = gold_of(row, targets)
    answer = parse(row["completion"]) if targets is None else parse(row["completion"], targets)
    equal = verify(gold, answer, float_rounding=row.get("precision") or 6, strict=row.get("strict") is not False,
                   allow_set_relation_comp=bool(row.get("set_rel")))
    return {"equal": bool(equal), "gold": read(gold), "answer": read(answer)}


def read(parsed):
    return any(not isinstance(p, str) for p in parsed)


def main():
    logging.disable(logging.CRITICAL)
    parse("$1$"), verify(parse("$1$"), parse("\\boxed{1.0}"))
    print(json.dumps({"ready": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)
    for line in sys.stdin:
        row = json.loads(line)
        start = time.perf_counter_ns()
        try:
            out = judge(row)
        except Exception as error:  # the peer's failure is a figure, not ours to pass on
            out = {"equal": False, "gold": False, "answer": False, "error": type(error).__name__}
        out.update(id=row["id"], ns=time.perf_counter_ns() - start)
        print(json.dumps(out), flush=True)
    print(json.dumps({"peak_kib": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss}), flush=True)


main()
