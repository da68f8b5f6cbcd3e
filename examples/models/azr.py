#!/usr/bin/env python3
"""Rows and suites of the model `azr`, which poses tasks about small programs and solves them (the language: programs.py).

    deduction  <ded><P>PROGRAM<I>INPUT<O>               OUTPUT
    abduction  <abd><P>PROGRAM<O>OUTPUT<I>              an input that gives OUTPUT
    induction  <ind><I>..<O>..<I>..<O>..<I>..<O>..<P>   a program that holds for these three pairs, and for three hidden ones
    propose    <pded><P>..<I>..<O>..<new>               <P>PROGRAM<I>INPUT, unlike the one shown; <pabd> likewise
               <pind><P>PROGRAM<new>                    <I>INPUT six times

Rows: 45 % deduction with up to three further pairs of the same program, each of whose outputs is learned; 15 % abduction, 20 %
induction, 7 % each of <pded> and <pabd>, 6 % <pind>. Depth (lines) 1, 2, 3: 55, 40, 5 %.

Suite: tasks.jsonl, 60 of each type and depth 1..3. No program of depth 2 or 3 in it is in any row; of depth 1 there are too few
to keep apart.

    python3 examples/models/azr.py FOLDER      rows.jsonl, tasks.jsonl

SPDX-License-Identifier: Apache-2.0
"""
import random
import sys

from files import write_all
from programs import more_pairs, random_pairs, text_of

ROWS, SEED, EACH = 72_000, 1, 60
SHOWN, HIDDEN = 3, 3
DEPTHS = ([1, 2, 3], [0.55, 0.40, 0.05])


# ---- prompts ---------------------------------------------------------------------------------------------------------

def pair_text(pair):
    return f"<I>{text_of(pair[0])}<O>{text_of(pair[1])}"


def deduction(program, pair):
    return f"<ded><P>{program}<I>{text_of(pair[0])}<O>"


def abduction(program, pair):
    return f"<abd><P>{program}<O>{text_of(pair[1])}<I>"


def induction(pairs):
    return "<ind>" + "".join(map(pair_text, pairs)) + "<P>"


def propose(kind, program, pair):
    return f"<p{kind}><P>{program}{pair_text(pair)}<new>"


def propose_inputs(program):
    return f"<pind><P>{program}<new>"


# ---- the suite -------------------------------------------------------------------------------------------------------

def task(rng, kind, depth):
    program, _, pairs = random_pairs(rng, depth, SHOWN + HIDDEN if kind == "ind" else 1)
    meta = {"type": kind, "depth": depth, "program": program, "pairs": [[text_of(a), text_of(b)] for a, b in pairs]}
    if kind == "ded":
        return deduction(program, pairs[0]), text_of(pairs[0][1]), meta
    if kind == "abd":
        return abduction(program, pairs[0]), text_of(pairs[0][0]), meta
    return induction(pairs[:SHOWN]), program, meta


def suites(rng):
    """Tasks, and the programs that no row may have."""
    out, held = [], set()
    for depth in DEPTHS[0]:
        for kind in ("ded", "abd", "ind"):
            seen = set()
            while len(seen) < EACH:
                prompt, reference, meta = task(rng, kind, depth)
                if (prompt, reference) in seen:
                    continue
                seen.add((prompt, reference))
                if depth > 1:
                    held.add(meta["program"])
                out.append({"id": f"azr-{kind}{depth}-{len(seen) - 1}", "prompt": prompt, "reference": reference, "meta": meta})
    return {"tasks": out}, held


# ---- rows ------------------------------------------------------------------------------------------------------------

def fresh(rng, held, n):
    while True:
        drawn = random_pairs(rng, rng.choices(*DEPTHS)[0], n)
        if drawn[0] not in held:
            return drawn


def row(rng, held):
    """What is given and what is learned, by turns."""
    u = rng.random()
    if 0.60 <= u < 0.80:
        program, _, pairs = fresh(rng, held, SHOWN + HIDDEN)
        return [induction(pairs[:SHOWN]), program]
    if u >= 0.94:
        program, _, pairs = fresh(rng, held, SHOWN + HIDDEN)
        return [propose_inputs(program), "".join(f"<I>{text_of(a)}" for a, _ in pairs)]
    program, kind, pairs = fresh(rng, held, 1)
    if u < 0.45:
        turns = [deduction(program, pairs[0]), text_of(pairs[0][1])]
        for value, result in more_pairs(rng, program, kind, 3):
            turns += [f"<I>{text_of(value)}<O>", text_of(result)]
        return turns
    if u < 0.60:
        return [abduction(program, pairs[0]), text_of(pairs[0][0])]
    new, _, new_pairs = fresh(rng, held, 1)
    return [propose("ded" if u < 0.87 else "abd", program, pairs[0]), f"<P>{new}<I>{text_of(new_pairs[0][0])}"]


def rows(rng, held, n):
    for _ in range(n):
        yield {"messages": [{"role": ("user", "assistant")[k % 2], "content": turn} for k, turn in enumerate(row(rng, held))]}


if __name__ == "__main__":
    write_all(sys.argv[1], SEED, suites, rows, ROWS)
