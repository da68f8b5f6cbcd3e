#!/usr/bin/env python3
"""Writes train.jsonl: 1,024 sums of three to seven digits with their answers, none of which is in a suite of the model.

    python3 examples/arithmetic_ppo/prompts.py [FILE]      the same file again, to the byte

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "models"))
import arith  # noqa: E402

N, SEED = 1024, 2


def problems():
    rng = random.Random(SEED)
    _, seen = arith.suites(random.Random(arith.SEED))
    for k in range(N):
        while True:
            digits = tuple(rng.randint(1, 9) for _ in range(rng.randint(3, 7)))
            if digits not in seen:
                break
        seen.add(digits)
        yield {"id": f"arith-rl-{k}", "prompt": arith.prompt_of(digits), "reference": str(sum(digits))}


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "train.jsonl"
    path.write_text("".join(json.dumps(p) + "\n" for p in problems()), encoding="ascii")
