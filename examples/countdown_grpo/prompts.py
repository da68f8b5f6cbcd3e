#!/usr/bin/env python3
"""Writes train.jsonl: 2,048 countdown problems, none of which is held out (examples/models/countdown/test.jsonl).

    python3 examples/countdown_grpo/prompts.py [FILE]      the same file again, to the byte

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import random
import sys

HERE = pathlib.Path(__file__).resolve().parent
sys.path.insert(0, str(HERE.parent / "models"))
import countdown  # noqa: E402

N, SEED = 2048, 2


def problems():
    rng = random.Random(SEED)
    _, seen = countdown.suites(random.Random(countdown.SEED))  # both suites of the model: none comes again
    for k in range(N):
        while True:
            numbers, target, _ = countdown.draw(rng)
            if (numbers, target) not in seen:
                break
        seen.add((numbers, target))
        yield {"id": f"countdown-rl-{k}", "prompt": countdown.prompt_of(numbers, target)}


if __name__ == "__main__":
    path = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else HERE / "train.jsonl"
    path.write_text("".join(json.dumps(p) + "\n" for p in problems()), encoding="ascii")
