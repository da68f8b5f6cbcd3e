#!/usr/bin/env python3
"""Rows and suites of the model `arith`: sums of single digits with the running sums as chain of thought.

    prompt      7583....=            three to eight digits, dots up to eight places
    completion  >12,20,####23        from the left (>) or from the right (<): each running sum in two digits, then the answer

Rows to learn from (two to eight digits) are wrong on purpose: each running sum is replaced by a number drawn from 0..99 with
probability 0.3, and the chain goes on from the wrong one. So a sample is right as rarely as its chain is long, and errors are
scattered: a vote over many samples is right far more often than one.

Suites, none of whose problems is among the rows: test (32 of each level; level l has l + 2 digits), held (20 of each level),
ood (100 of level 6).

    python3 examples/models/arith.py FOLDER      rows.jsonl, test.jsonl, held.jsonl, ood.jsonl

SPDX-License-Identifier: Apache-2.0
"""
import random
import sys

from files import write_all

PLACES = 8
ROWS, NOISE, SEED = 268_800, 0.3, 1
SUITES = (("test", range(1, 6), 32), ("held", range(1, 6), 20), ("ood", (6,), 100))


def prompt_of(digits):
    return "".join(map(str, digits)) + "." * (PLACES - len(digits)) + "="


def chain(digits, rng, noise):
    """A completion; with noise 0 a right one."""
    mode = rng.choice("<>")
    order = digits if mode == ">" else digits[::-1]
    so_far, sums = order[0], []
    for digit in order[1:]:
        so_far = rng.randrange(100) if rng.random() < noise else (so_far + digit) % 100
        sums.append(f"{so_far:02d}")
    return mode + "".join(s + "," for s in sums[:-1]) + "####" + sums[-1]


def suites(rng):
    """Problems by name, and all of their digits."""
    seen, out = set(), {}
    for name, levels, n in SUITES:
        out[name] = []
        for level in levels:
            while sum(p["meta"]["level"] == level for p in out[name]) < n:
                digits = tuple(rng.randint(1, 9) for _ in range(level + 2))
                if digits in seen:
                    continue
                seen.add(digits)
                out[name].append({"id": f"arith-{name}-{len(out[name])}", "prompt": prompt_of(digits),
                                  "reference": str(sum(digits)), "meta": {"level": level}})
    return out, seen


def rows(rng, banned, n):
    while n:
        digits = [rng.randint(1, 9) for _ in range(rng.randint(2, PLACES))]
        if tuple(digits) not in banned:
            n -= 1
            yield {"prompt": prompt_of(digits), "completion": chain(digits, rng, NOISE)}


if __name__ == "__main__":
    write_all(sys.argv[1], SEED, suites, rows, ROWS)
