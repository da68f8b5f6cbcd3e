"""files.py -- what a model learns from and is measured on, as files: the scripts of this folder call it.

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import random


def write(path, lines):
    with open(path, "w", encoding="ascii") as f:
        for line in lines:
            f.write(json.dumps(line) + "\n")


def write_all(folder, seed, suites, rows, n_rows):
    """suites(rng) -> ({name: problems}, what no row may hold); rows(rng, that, n). One generator draws first those, then
    these, so the files are the same again."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    rng = random.Random(seed)
    problems, held = suites(rng)
    for name, lines in problems.items():
        write(folder / f"{name}.jsonl", lines)
    write(folder / "rows.jsonl", rows(rng, held, n_rows))
