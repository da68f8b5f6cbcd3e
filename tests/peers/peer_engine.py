#!/usr/bin/env python3
"""assay train, generate and ppl against torch and transformers: steps of supervised learning end at the same weights, a
checkpoint loads as is, the likeliest tokens and the log-probabilities of texts are the same; an adapter learns as peft's does.

usage: peer_engine.py. SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

try:
    import torch
    from peft import PeftModel
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM, AutoTokenizer
except ImportError as e:
    print(f"SKIP peers.engine: {e}")
    sys.exit(77)

SOURCE = pathlib.Path(os.environ.get("ASSAY_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
BIN = os.environ.get("ASSAY_BIN", str(SOURCE / "build/dev/assay"))
MODELS = SOURCE / "tests/golden/models"
ROWS = [{"prompt": f"What is {a}+{b}?", "completion": f" It is {a + b}."} for a in (2, 31) for b in (4, 7, 90)]
STEPS, LR = 6, 2e-3


def assay(*args):
    run = subprocess.run([BIN, *map(str, args)], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"assay {args}: {run.stderr}")
    return run.stdout


def lines(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return path


def theirs(folder, tokenizer):
    """The same steps with torch: all rows at once, AdamW without decay of norms and biases, clipped, linear to 0."""
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    adamw = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=LR)
    losses, _ = steps_of(model, adamw, tokenizer)
    return model, losses


def steps_of(model, adamw, tokenizer):
    """The losses and the norms of the gradients of STEPS steps."""
    eos, losses, norms = model.config.eos_token_id, [], []
    for step in range(1, STEPS + 1):
        total, n = 0, 0
        for row in ROWS:
            before = tokenizer(row["prompt"]).input_ids
            ids = before + tokenizer(row["completion"], add_special_tokens=False).input_ids + [eos]
            logp = torch.log_softmax(model(torch.tensor([ids])).logits[0, :-1], -1)
            picked = logp[range(len(ids) - 1), ids[1:]][len(before) - 1:]
            total, n = total - picked.sum(), n + len(picked)
        loss = total / n
        losses.append(float(loss.detach()))
        for group in adamw.param_groups:
            group["lr"] = LR * (1 - step / STEPS)
        adamw.zero_grad()
        loss.backward()
        norms.append(float(torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)))
        adamw.step()
    return losses, norms


def check(family, work):
    tokenizer = AutoTokenizer.from_pretrained(MODELS / family)
    config = {"algo": "sft", "model": str(MODELS / family), "data": str(lines(work / "rows.jsonl", ROWS)), "steps": STEPS,
              "batch_size": len(ROWS), "lr": LR, "max_len": 64, "micro_tokens": 64}
    (work / "sft.json").write_text(json.dumps(config))
    summary = json.loads(assay("train", work / "sft.json", "--out", work / family, "--json", "--quiet"))
    peer, losses = theirs(MODELS / family, tokenizer)
    assert abs(summary["loss"] - losses[-1]) < 2e-4 * losses[-1], (summary["loss"], losses)

    checkpoint = work / family / "checkpoints" / f"step_{STEPS}"
    ours = AutoModelForCausalLM.from_pretrained(checkpoint, dtype=torch.float32)
    worst = 0
    for (name, a), b in zip(ours.state_dict().items(), peer.state_dict().values()):
        worst = max(worst, float((a - b).norm() / (b.norm() + 1e-12)))
    assert worst < 1e-3, worst

    prompts = [{"id": k, "prompt": r["prompt"]} for k, r in enumerate(ROWS)]
    said = [json.loads(x) for x in assay("generate", "--model", checkpoint, "--prompts", lines(work / "p.jsonl", prompts),
                                          "--temperature", 0, "--max-tokens", 24, "--token-ids").splitlines()]
    scored = [json.loads(x) for x in assay("ppl", "--model", checkpoint, "--in", lines(work / "t.jsonl", ROWS)).splitlines()]
    far, same = 0, 0
    for row, sample, score in zip(ROWS, said, scored):
        before = tokenizer(row["prompt"]).input_ids
        got = ours.generate(torch.tensor([before]), max_new_tokens=24, do_sample=False)[0, len(before):].tolist()
        known = next((i for i, t in enumerate(got) if t >= len(tokenizer)), len(got))  # ids without a token are not drawn by us
        assert sample["token_ids"][:known] == got[:known], (family, sample["token_ids"], got)
        same += known
        ids = before + tokenizer(row["completion"], add_special_tokens=False).input_ids
        with torch.no_grad():
            logp = torch.log_softmax(ours(torch.tensor([ids])).logits[0, :-1].double(), -1)
        want = float(logp[range(len(before) - 1, len(ids) - 1), ids[len(before):]].sum())
        far = max(far, abs(want - score["sum_logp"]) / score["n_tokens"])
    assert far < 2e-5, far
    print(f"ok {family}: loss {summary['loss']:.5f} against {losses[-1]:.5f}, weights {worst:.1e} apart, {same} greedy tokens, "
          f"log-probabilities {far:.1e} apart a token")


def adapter_steps(family, work, lora):
    """Steps of peft beside the same frozen model, from an adapter of ours that has learned nothing yet (learning rate 0)."""
    config = {"algo": "sft", "model": str(MODELS / family), "data": str(work / "rows.jsonl"), "steps": STEPS, "lora": lora,
              "batch_size": len(ROWS), "lr": LR, "max_len": 64, "micro_tokens": 64}
    (work / "lora.json").write_text(json.dumps(config))
    assay("train", work / "lora.json", "--out", work / f"{family}-start", "--quiet", "--set", "lr=0", "--set", "steps=1")
    assay("train", work / "lora.json", "--out", work / f"{family}-lora", "--quiet")
    metrics = [json.loads(x) for x in (work / f"{family}-lora/metrics.jsonl").read_text().splitlines()]
    plain = AutoModelForCausalLM.from_pretrained(MODELS / family, dtype=torch.float32)
    model = PeftModel.from_pretrained(plain, work / f"{family}-start/checkpoints/step_1", is_trainable=True)
    adamw = torch.optim.AdamW([p for p in model.parameters() if p.requires_grad], lr=LR, weight_decay=0.01)
    losses, norms = steps_of(model, adamw, AutoTokenizer.from_pretrained(MODELS / family))
    for row, loss, norm in zip(metrics, losses, norms, strict=True):
        assert abs(row["loss"] - loss) < 1e-4 * loss and abs(row["grad_norm"] - norm) < 1e-3 * norm, (row, loss, norm)
    saved = work / f"{family}-lora/checkpoints/step_{STEPS}"
    ours = load_file(saved / "adapter_model.safetensors")
    model.save_pretrained(work / f"{family}-peft")
    theirs = load_file(work / f"{family}-peft/adapter_model.safetensors")
    assert ours.keys() == theirs.keys()
    worst = max(float((ours[k] - theirs[k]).norm() / (theirs[k].norm() + 1e-6)) for k in ours)
    assert worst < 1e-3, worst
    again = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(MODELS / family, dtype=torch.float32), saved)
    assert len([n for n, _ in again.named_parameters() if "lora_" in n]) == len(ours)
    print(f"ok {family}: {len(ours)} tensors of an adapter after {STEPS} steps, {worst:.1e} from peft's")


def main():
    torch.manual_seed(0)
    with tempfile.TemporaryDirectory() as work:
        for family in ("tiny_qwen2", "tiny_llama", "tiny_qwen3"):
            check(family, pathlib.Path(work))
            adapter_steps(family, pathlib.Path(work), {"r": 4, "lora_alpha": 12, "target_modules": ["q_proj", "down_proj"]})


main()
