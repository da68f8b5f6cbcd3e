#!/usr/bin/env python3
"""Our base models (examples/models) in transformers: the tokens of the likeliest completions and their text are ours, and the
chat template gives the turns as they stand.

usage: peer_models.py. SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as e:
    print(f"SKIP peers.models: {e}")
    sys.exit(77)

SOURCE = pathlib.Path(os.environ.get("ASSAY_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BIN = os.environ.get("ASSAY_BIN", str(SOURCE / "build/dev/assay"))
MODELS = SOURCE / "examples/models"
SUITES = {"arith": "test", "countdown": "test", "azr": "tasks"}
EACH, MOST = 40, 64


def ours(folder, problems, work):
    prompts = work / "prompts.jsonl"
    prompts.write_text("".join(json.dumps({"id": p["id"], "prompt": p["prompt"]}) + "\n" for p in problems))
    run = subprocess.run([BIN, "generate", "--model", folder, "--prompts", prompts, "--temperature", "0", "--max-tokens", str(MOST),
                          "--token-ids", "--quiet"], capture_output=True, text=True)
    if run.returncode:
        sys.exit(run.stderr)
    return [json.loads(line) for line in run.stdout.splitlines()]


def theirs(model, tokenizer, prompt):
    ids = tokenizer(prompt, return_tensors="pt").input_ids
    if tokenizer.decode(ids[0]) != prompt:
        sys.exit(f"{prompt!r}: tokens {ids[0].tolist()} are not its text")
    out = model.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=MOST)
    return out[0, ids.shape[1]:].tolist()


def check(name, work):
    folder = MODELS / name
    problems = [json.loads(line) for line in open(folder / f"{SUITES[name]}.jsonl", encoding="utf-8")]
    problems = problems[::max(1, len(problems) // EACH)]
    tokenizer = AutoTokenizer.from_pretrained(folder)
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32).eval()
    for problem, sample in zip(problems, ours(folder, problems, work)):
        ids = theirs(model, tokenizer, problem["prompt"])
        if ids != sample["token_ids"] or tokenizer.decode(ids, skip_special_tokens=True) != sample["completion"]:
            sys.exit(f"{name}: {problem['id']}: {ids} {sample}")
    turns = [{"role": role, "content": text} for role, text in (("user", "<ded>1"), ("assistant", "2"), ("user", "<I>\n x=3"))]
    if tokenizer.apply_chat_template(turns, tokenize=False) != "<ded>12<eos><I>\n x=3":
        sys.exit(f"{name}: chat template")
    print(f"{name}: {len(problems)} completions, the same tokens")


def main():
    with tempfile.TemporaryDirectory() as work:
        for name in SUITES:
            check(name, pathlib.Path(work))


if __name__ == "__main__":
    main()
