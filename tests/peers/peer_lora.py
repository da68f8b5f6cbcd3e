#!/usr/bin/env python3
"""LoRA adapters against peft: its adapters are merged into the weights that merge_and_unload makes, and written back so that
it loads them. SPDX-License-Identifier: Apache-2.0"""
import pathlib
import tempfile

from model_peer import FAMILIES, TINY, check, ours, same_bits, skip

try:
    import torch
    from peft import LoraConfig, PeftModel, get_peft_model
    from safetensors.torch import load_file
    from transformers import AutoModelForCausalLM
except ImportError as e:
    skip("lora", str(e))

CASES = [dict(r=4, lora_alpha=16, target_modules=["q_proj", "v_proj"]),
         dict(r=3, lora_alpha=5, target_modules="all-linear", use_rslora=True),
         dict(r=8, lora_alpha=8, target_modules=["down_proj", "gate_proj"], layers_to_transform=[1]),
         dict(r=2, lora_alpha=1, target_modules=r".*layers\.0\..*o_proj", lora_dropout=0.1)]


def main():
    with tempfile.TemporaryDirectory() as folder:
        work, worst = pathlib.Path(folder), 0.0
        for family in FAMILIES:
            for n, case in enumerate(CASES):
                torch.manual_seed(n)
                source, adapter, merged, again = TINY / family, *(work / f"{family}-{n}-{w}" for w in ("a", "m", "b"))
                model = get_peft_model(AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32),
                                       LoraConfig(task_type="CAUSAL_LM", **case))
                for name, p in model.named_parameters():
                    if "lora_" in name:
                        torch.nn.init.normal_(p)
                model.save_pretrained(adapter)
                want = model.merge_and_unload().state_dict()
                ours("merge", source, adapter, merged)
                found = AutoModelForCausalLM.from_pretrained(merged, dtype=torch.float32).state_dict()
                check(want.keys() == found.keys(), "tensors")
                for name in want:
                    off = (want[name] - found[name]).abs().max().item()
                    worst = max(worst, off)
                    check(off < 1e-5, f"{family} {case} {name}: {off}")
                ours("lora", source, adapter, again)
                a, b = (load_file(x / "adapter_model.safetensors") for x in (adapter, again))
                check(a.keys() == b.keys() and all(same_bits(a[k], b[k]) for k in a), f"{family} {case}: adapter")
                back = PeftModel.from_pretrained(AutoModelForCausalLM.from_pretrained(source, dtype=torch.float32), again)
                unloaded = back.merge_and_unload().state_dict()
                check(all(torch.equal(want[k], unloaded[k]) for k in want), f"{family} {case}: read by peft")
            ours("start", TINY / family, work / f"{family}-new")  # one of ours, from nothing
            plain = AutoModelForCausalLM.from_pretrained(TINY / family, dtype=torch.float32)
            before = {k: v.clone() for k, v in plain.state_dict().items()}
            after = PeftModel.from_pretrained(plain, work / f"{family}-new").merge_and_unload().state_dict()
            check(all(torch.equal(before[k], after[k]) for k in before), f"{family}: a new adapter changes nothing")
        print(f"{len(FAMILIES) * len(CASES)} adapters; merged weights within {worst:.1e} of peft's")


main()
