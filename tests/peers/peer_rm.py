#!/usr/bin/env python3
"""Reward models against torch and transformers: the score of a folder that we write is transformers' logit, one that transformers
writes (with a bias, too) is ours; steps of assay train with algo rm end at the same losses and weights.

usage: peer_rm.py. SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import subprocess
import sys
import tempfile

from model_peer import FAMILIES, SOURCE, TINY, check, ours, same_bits, skip

try:
    import torch
    from transformers import AutoModelForSequenceClassification, AutoModelForTokenClassification, AutoTokenizer
except ImportError as e:
    skip("rm", str(e))

PAIRS = [{"prompt": f"What is {a}+{b}?", "chosen": f" It is {a + b}.", "rejected": f" {a + b + 1}, no?"} for a in (2, 31) for b in (4, 7, 90)]
STEPS, LR, CENTER = 5, 2e-3, 0.05
BIN = os.environ.get("ASSAY_BIN", str(SOURCE / "build/dev/assay"))


def assay(*args):
    run = subprocess.run([BIN, *map(str, args)], capture_output=True, text=True)
    if run.returncode:
        sys.exit(f"assay {args}: {run.stderr}")


def lines(path, rows):
    path.write_text("".join(json.dumps(r) + "\n" for r in rows))
    return str(path)


def encode(tokenizer, prompt, answer, eos):
    return tokenizer(prompt).input_ids + tokenizer(answer, add_special_tokens=False).input_ids + [eos]


def scores_of(model, texts):
    return torch.stack([model(torch.tensor([ids])).logits[0, 0] for ids in texts])


def theirs(folder, tokenizer):
    """The same steps from the same folder, in float64: all pairs at once, AdamW with the head decaying, clipped, linear to 0."""
    model = AutoModelForSequenceClassification.from_pretrained(folder, dtype=torch.float64)
    model.config.pad_token_id = None  # one text at a time: the last token, whichever it is
    matrices = [p for p in model.parameters() if p.dim() > 1]
    others = [p for p in model.parameters() if p.dim() == 1]
    adamw = torch.optim.AdamW([{"params": matrices, "weight_decay": 0.01}, {"params": others, "weight_decay": 0.0}], lr=LR)
    eos, rows = model.config.eos_token_id, []
    for step in range(1, STEPS + 1):
        good = scores_of(model, [encode(tokenizer, p["prompt"], p["chosen"], eos) for p in PAIRS])
        bad = scores_of(model, [encode(tokenizer, p["prompt"], p["rejected"], eos) for p in PAIRS])
        loss = -torch.nn.functional.logsigmoid(good - bad).mean() + CENTER * ((good + bad) ** 2).mean()  # as TRL's RewardTrainer
        for group in adamw.param_groups:
            group["lr"] = LR * (1 - step / STEPS)
        adamw.zero_grad()
        loss.backward()
        norm = torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        adamw.step()
        rows.append((float(loss.detach()), float(norm), float((good - bad).mean().detach()), float((good > bad).float().mean())))
    return model, rows


def steps(family, work):
    """From a folder of transformers with a head it drew, so that both begin at the same weights."""
    torch.manual_seed(7)
    start = work / f"{family}-start"
    AutoModelForSequenceClassification.from_pretrained(TINY / family, num_labels=1, dtype=torch.float32).save_pretrained(start)
    tokenizer = AutoTokenizer.from_pretrained(TINY / family)
    tokenizer.save_pretrained(start)
    config = {"algo": "rm", "model": str(start), "data": lines(work / "pairs.jsonl", PAIRS), "steps": STEPS, "batch_size": len(PAIRS),
              "lr": LR, "max_len": 64, "micro_tokens": 128, "center_coef": CENTER}
    (work / "rm.json").write_text(json.dumps(config))
    assay("train", work / "rm.json", "--out", work / family, "--quiet")
    metrics = [json.loads(x) for x in (work / family / "metrics.jsonl").read_text().splitlines()]
    peer, rows = theirs(start, tokenizer)
    for row, (loss, norm, margin, accuracy) in zip(metrics, rows, strict=True):
        check(abs(row["loss"] - loss) < 1e-4 * loss, f"{family}: loss {row['loss']} against {loss}")
        check(abs(row["grad_norm"] - norm) < 1e-3 * norm, f"{family}: norm {row['grad_norm']} against {norm}")
        check(abs(row["margin"] - margin) < 1e-4 * (1 + abs(margin)), f"{family}: margin {row['margin']} against {margin}")
        check(abs(row["accuracy"] - accuracy) < 1e-6, f"{family}: accuracy")
    trained = work / family / "checkpoints" / f"step_{STEPS}"
    back = AutoModelForSequenceClassification.from_pretrained(trained, dtype=torch.float32)
    worst = 0
    for (name, a), b in zip(back.state_dict().items(), peer.state_dict().values(), strict=True):
        apart = float((a.double() - b).norm() / (b.norm() + 1e-12))
        # a bias of all keys hardly counts: AdamW divides a gradient of near 0 by itself (torch's own float32 is 6e-5 off)
        check(apart < (2e-4 if name.endswith("k_proj.bias") else 5e-5), f"{family}: {name} is {apart} apart")
        worst = max(worst, apart)
    return trained, tokenizer, worst, rows[-1][0]


def scores(family, work, trained, tokenizer):
    """A text's score by us, and transformers' logit of the same folder: trained by us, written by them, with a bias, in bf16."""
    torch.manual_seed(8)
    token = work / f"{family}-token"
    model = AutoModelForTokenClassification.from_pretrained(TINY / family, num_labels=1, dtype=torch.float32)
    torch.nn.init.constant_(model.score.bias, 0.3)
    model.save_pretrained(token)
    tokenizer.save_pretrained(token)
    worst = 0
    for folder in (trained, token):
        kind = AutoModelForTokenClassification if folder == token else AutoModelForSequenceClassification
        peer = kind.from_pretrained(folder, dtype=torch.float32).eval()
        peer.config.pad_token_id = None
        eos = peer.config.eos_token_id
        texts = [encode(tokenizer, p["prompt"], p[k], eos) for p in PAIRS for k in ("chosen", "rejected")]
        said = ours("score", folder, lines(work / "texts.jsonl", [{"prompt": p["prompt"], "completion": p[k]} for p in PAIRS
                                                                  for k in ("chosen", "rejected")]), out=True)
        with torch.no_grad():
            for line, ids in zip(said.splitlines(), texts, strict=True):
                want = float(peer(torch.tensor([ids])).logits[0, -1 if folder == token else 0].squeeze())
                worst = max(worst, abs(float(line) - want) / (1 + abs(want)))
    check(worst < 1e-5, f"{family}: scores are {worst} apart")
    for source in (trained, token):  # through our reader and writer
        out = work / f"{family}-{source.name}-copy"
        ours("save", source, out, "F32")
        kind = AutoModelForTokenClassification if source == token else AutoModelForSequenceClassification
        a, b = (kind.from_pretrained(f, dtype=torch.float32).state_dict() for f in (source, out))
        check(a.keys() == b.keys() and all(same_bits(a[k], b[k]) for k in a), f"{family}: {source.name} copied")
    return worst


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for family in FAMILIES:
            trained, tokenizer, apart, loss = steps(family, work)
            far = scores(family, work, trained, tokenizer)
            print(f"ok {family}: loss {loss:.5f} after {STEPS} steps, weights {apart:.1e} apart; scores {far:.1e} apart")


main()
