#!/usr/bin/env python3
"""gen_reward.py OUT -- tiny_reward: a reward model of 8 thousand parameters with the tokenizer of tiny_qwen2, made and trained by torch
and transformers alone, and the scores that transformers gives (float64, of the weights as they are saved).

It prefers sums that are right, said without more words. SPDX-License-Identifier: Apache-2.0"""
import json
import pathlib
import shutil
import sys

import torch
from transformers import AutoModelForSequenceClassification, AutoTokenizer, Qwen2Config, Qwen2ForSequenceClassification

HERE = pathlib.Path(__file__).resolve().parent
FROM = HERE / "tiny_qwen2"
OTHERS = (" is what I say", "?", " or so", ", or not", "")
CHAT = [{"role": "user", "content": "1+1="}]


def ids_of(tokenizer, prompt, answer):
    """As judged.h has it: prompt and answer apart, an end of text behind them."""
    if isinstance(prompt, list):
        before = tokenizer.apply_chat_template(prompt, add_generation_prompt=True, return_dict=False)
    else:
        before = tokenizer(prompt).input_ids if prompt is not None else []
    return [*before, *tokenizer(answer, add_special_tokens=False).input_ids, 378]


def main():
    out = pathlib.Path(sys.argv[1])
    torch.manual_seed(3)
    tokenizer = AutoTokenizer.from_pretrained(FROM)
    model = Qwen2ForSequenceClassification(Qwen2Config(
        vocab_size=384, hidden_size=16, intermediate_size=24, num_hidden_layers=1, num_attention_heads=2, num_key_value_heads=1,
        max_position_embeddings=96, tie_word_embeddings=True, num_labels=1, eos_token_id=378, pad_token_id=None, bos_token_id=None,
        rope_parameters={"rope_theta": 10000.0, "rope_type": "default"}))
    for p in model.parameters():
        if p.dim() > 1:
            torch.nn.init.normal_(p, std=p.shape[1] ** -0.5)
    adamw = torch.optim.AdamW(model.parameters(), lr=1e-2)

    def score(prompt, answer):
        return model(torch.tensor([ids_of(tokenizer, prompt, answer)])).logits[0, 0]

    for step in range(60):
        loss = 0
        for k in range(8):
            a, b = (step * 3 + k) % 10, (step + 5 * k) % 10
            wrong = str(a + b + 1 + k) + OTHERS[k % 5]
            loss = loss - torch.nn.functional.logsigmoid(score(f"{a}+{b}=", str(a + b)) - score(f"{a}+{b}=", wrong)) / 8
        adamw.zero_grad()
        loss.backward()
        adamw.step()
    print(f"loss {float(loss):.3f}")
    model.save_pretrained(out)
    for name in ("tokenizer.json", "tokenizer_config.json", "chat_template.jinja"):
        shutil.copyfile(FROM / name, out / name)
    exact = AutoModelForSequenceClassification.from_pretrained(out, dtype=torch.float64).eval()
    texts = [("1+1=", "2"), ("1+1=", "2 or so"), ("1+1=", "3"), ("4+3=", "7"), ("4+3=", "9?"), (None, "7"), ("", ""), (CHAT, "2"),
             (CHAT, "no, never"), ("x" * 40, "y" * 30)]
    rows = []
    with torch.no_grad():
        for prompt, answer in texts:
            logit = exact(torch.tensor([ids_of(tokenizer, prompt, answer)])).logits[0, 0]
            rows.append({"prompt": json.dumps(prompt) if isinstance(prompt, list) else prompt, "answer": answer, "score": float(logit)})
    (out / "golden_scores.json").write_text(json.dumps(rows, indent=1) + "\n")
    print(*rows, sep="\n")


main()
