#!/usr/bin/env python3
"""Folders of weights against safetensors and transformers: what we write they load, to the bit and to the logits; what they
write (three families, odd shapes, shards, three types) we load. SPDX-License-Identifier: Apache-2.0"""
import json
import pathlib
import tempfile

from model_peer import FAMILIES, TINY, check, ours, same_bits, skip

try:
    import torch
    from safetensors import safe_open
    from transformers import (AutoModelForCausalLM, AutoTokenizer, LlamaConfig, LlamaForCausalLM, Qwen2Config, Qwen2ForCausalLM,
                              Qwen3Config, Qwen3ForCausalLM)
except ImportError as e:
    skip("folder", str(e))

TYPES = {"F32": torch.float32, "BF16": torch.bfloat16, "F16": torch.float16}


def load(folder, dtype):
    return AutoModelForCausalLM.from_pretrained(folder, dtype=dtype).eval()


def same_models(a, b, dtype, what):
    x, y = a.state_dict(), b.state_dict()
    check(x.keys() == y.keys(), f"{what}: tensors")
    for name in x:
        check(same_bits(x[name].to(dtype), y[name]), f"{what}: {name}")


def tiny(work):
    for family in FAMILIES:
        theirs, gold = load(TINY / family, torch.float32), json.loads((TINY / family / "golden.json").read_text())
        for kind, dtype in TYPES.items():
            for shard in ("0", "60000"):
                out = work / f"{family}-{kind}-{shard}"
                ours("save", TINY / family, out, kind, shard)
                back = AutoModelForCausalLM.from_pretrained(out, dtype="auto").eval()
                check(next(back.parameters()).dtype == dtype, f"{out.name}: dtype of config.json")
                same_models(theirs, back, dtype, out.name)
                AutoTokenizer.from_pretrained(out)
        for prompt in gold["prompts"]:
            ids = torch.tensor([prompt["ids"]])
            back = load(work / f"{family}-F32-60000", torch.float32)
            check(torch.equal(theirs(ids).logits, back(ids).logits), f"{family}: logits")
            new = back.generate(ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=16, eos_token_id=9999)
            check(new[0, ids.shape[1]:].tolist() == prompt["greedy_16"], f"{family}: greedy tokens")
        with safe_open(work / f"{family}-F32-0" / "model.safetensors", "pt") as f:
            check(f.metadata() == {"format": "pt"}, "metadata")
    print(f"tiny: {len(FAMILIES)} families, {len(TYPES)} types, whole and in shards")


def others(work):
    shared = dict(vocab_size=97, hidden_size=48, intermediate_size=80, num_hidden_layers=3, max_position_embeddings=128)
    scaled = {"rope_type": "llama3", "rope_theta": 5e5, "factor": 32.0, "low_freq_factor": 1.0, "high_freq_factor": 4.0,
              "original_max_position_embeddings": 32}
    plain = {"rope_type": "default", "rope_theta": 123456.0}
    cases = [
        LlamaForCausalLM(LlamaConfig(**shared, num_attention_heads=6, num_key_value_heads=2, tie_word_embeddings=True, rope_parameters=scaled)),
        LlamaForCausalLM(LlamaConfig(**shared, num_attention_heads=3, head_dim=24, tie_word_embeddings=False, rope_parameters=plain,
                                     eos_token_id=[5, 6, 7], bos_token_id=1, rms_norm_eps=1e-5)),
        Qwen2ForCausalLM(Qwen2Config(**shared, num_attention_heads=4, num_key_value_heads=1, tie_word_embeddings=False)),
        Qwen3ForCausalLM(Qwen3Config(**shared, num_attention_heads=4, num_key_value_heads=4, head_dim=20, tie_word_embeddings=True)),
    ]
    for n, model in enumerate(cases):
        torch.manual_seed(n)
        for p in model.parameters():
            torch.nn.init.normal_(p)
        for kind, dtype in TYPES.items():
            source, out, fresh = (work / f"{w}-{n}-{kind}" for w in ("source", "back", "fresh"))
            narrow = model.to(dtype)
            narrow.save_pretrained(source, max_shard_size="40KB" if n % 2 else "1GB")
            ours("save", source, out, "F32")
            same_models(narrow.float(), load(out, torch.float32), torch.float32, out.name)
            ours("fresh", source, fresh, "F32")  # config.json from our own struct
            ids = torch.arange(40)[None] * 2
            a, b = load(source, torch.float32), load(fresh, torch.float32)
            check(torch.equal(a(ids).logits, b(ids).logits), f"{fresh.name}: logits")
            check(a.config.eos_token_id == b.config.eos_token_id, f"{fresh.name}: eos")
    print(f"others: {len(cases)} models, {len(TYPES)} types")


def checkpoints(work):
    for family in FAMILIES:
        theirs = load(TINY / family, torch.float32)
        for kind in ("F32", "BF16"):
            ours("checkpoint", TINY / family, work / f"run-{family}-{kind}", kind)
            step = work / f"run-{family}-{kind}" / "step_7"
            back = AutoModelForCausalLM.from_pretrained(step, dtype="auto").eval()
            same_models(theirs, back, TYPES[kind], step)
            AutoTokenizer.from_pretrained(step)
    print("checkpoints: loaded as models")


def refused(work):
    from transformers import LlamaConfig
    out = work / "yarn"
    LlamaForCausalLM(LlamaConfig(vocab_size=9, hidden_size=8, intermediate_size=8, num_hidden_layers=1, num_attention_heads=2,
                                 rope_parameters={"rope_type": "yarn", "rope_theta": 1e4, "factor": 2.0,
                                                  "original_max_position_embeddings": 64})).save_pretrained(out)
    check('"yarn" is not implemented' in ours("save", out, work / "no", "F32", fails=True), "yarn is refused")
    check(not (work / "no").exists(), "nothing was written")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        with torch.no_grad():
            tiny(work)
            others(work)
            checkpoints(work)
            refused(work)


main()
