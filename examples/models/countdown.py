#!/usr/bin/env python3
"""Rows and suites of the model `countdown`: reach a target with four numbers, each used once, by +, - and *.

    prompt      3 7 11 13=97:        four numbers from 1 to 13 in order, a target from 1 to 99
    completion  7+3*11-13            taken from left to right: (7 + 3) * 11 - 13

There are at most 4! * 3^3 = 648 completions to a prompt, so what chance gets is known: solutions / 648. Problems are drawn as
a random completion and its value: of all completions of its problem, each is as likely in the rows.

Suites, none of whose problems is among the rows: train (400, to learn from by reward), test (400).

    python3 examples/models/countdown.py FOLDER      rows.jsonl, train.jsonl, test.jsonl

SPDX-License-Identifier: Apache-2.0
"""
import itertools
import random
import re
import sys

from files import write_all

ROWS, SEED = 230_400, 1
SUITES = (("train", 400), ("test", 400))
OPERATORS = "+-*"
SHAPE = re.compile(r"(\d{1,2})([-+*])(\d{1,2})([-+*])(\d{1,2})([-+*])(\d{1,2})")


def value_of(numbers, operators):
    value = numbers[0]
    for operator, number in zip(operators, numbers[1:]):
        value = value + number if operator == "+" else value - number if operator == "-" else value * number
    return value


def solutions(numbers, target):
    """Of the 648 completions; equal ones (of equal numbers) count as often as they are written."""
    return sum(value_of(order, operators) == target for order in itertools.permutations(numbers)
               for operators in itertools.product(OPERATORS, repeat=3))


def is_right(problem, completion):
    found = SHAPE.fullmatch(completion)
    if not found:
        return False
    numbers = [int(n) for n in found.groups()[::2]]
    return sorted(numbers) == problem["meta"]["numbers"] and \
        value_of(numbers, found.groups()[1::2]) == problem["meta"]["target"]


def draw(rng):
    """(sorted numbers, target, completion)"""
    while True:
        numbers = [rng.randint(1, 13) for _ in range(4)]
        operators = [rng.choice(OPERATORS) for _ in range(3)]
        target = value_of(numbers, operators)
        if 1 <= target <= 99:
            return tuple(sorted(numbers)), target, "".join(f"{n}{o}" for n, o in zip(numbers, operators + [""]))


def prompt_of(numbers, target):
    return f"{' '.join(map(str, numbers))}={target}:"


def suites(rng):
    seen, out = set(), {}
    for name, n in SUITES:
        out[name] = []
        while len(out[name]) < n:
            numbers, target, _ = draw(rng)
            if (numbers, target) in seen:
                continue
            seen.add((numbers, target))
            out[name].append({"id": f"countdown-{name}-{len(out[name])}", "prompt": prompt_of(numbers, target),
                              "reference": str(target),
                              "meta": {"numbers": numbers, "target": target, "solutions": solutions(numbers, target)}})
    return out, seen


def rows(rng, banned, n):
    while n:
        numbers, target, completion = draw(rng)
        if (numbers, target) not in banned:
            n -= 1
            yield {"prompt": prompt_of(numbers, target), "completion": completion}


if __name__ == "__main__":
    write_all(sys.argv[1], SEED, suites, rows, ROWS)
