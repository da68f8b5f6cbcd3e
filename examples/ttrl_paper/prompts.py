#!/usr/bin/env python3
"""prompts.py -- a benchmark's file as prompts of assay ttrl: python3 prompts.py FILE > amc.jsonl

FILE: JSON lines, or one JSON list, with problem or question, and answer; of MATH-500 also level and unique_id. References are for
watching and evaluation: nothing is learned from them. SPDX-License-Identifier: Apache-2.0
"""
import json
import sys

ASKED = "\nPlease reason step by step, and put your final answer within \\boxed{}."


def rows_of(text):
    return json.loads(text) if text.lstrip().startswith("[") else [json.loads(line) for line in text.splitlines() if line.strip()]


def prompt_of(row, number):
    row = {key.lower(): value for key, value in row.items()}
    problem = row.get("problem", row.get("question", row.get("prompt")))
    answer = row["answer"]
    if isinstance(answer, float) and answer.is_integer():  # AMC 23 as it is published: 142.0
        answer = int(answer)
    level = {"meta": {"level": row["level"]}} if "level" in row else {}
    return {"id": str(row.get("unique_id", row.get("id", number))), "prompt": problem + ASKED, "reference": str(answer), **level}


def main():
    if len(sys.argv) != 2:
        sys.exit(__doc__)
    with open(sys.argv[1], encoding="utf-8") as f:
        for number, row in enumerate(rows_of(f.read())):
            print(json.dumps(prompt_of(row, number), ensure_ascii=False))


if __name__ == "__main__":
    main()
