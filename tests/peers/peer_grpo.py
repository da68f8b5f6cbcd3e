#!/usr/bin/env python3
"""A step of reinforcement learning against TRL's GRPOTrainer: the same responses and rewards, and its own loss, gradient and
optimizer; the same losses and the same weights after one update, and after a second one that is off-policy.

SPDX-License-Identifier: Apache-2.0"""
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile
import warnings

from model_peer import SOURCE, TINY, check, skip

os.environ["TRL_EXPERIMENTAL_SILENCE"] = "1"
try:
    import torch
    from datasets import Dataset
    from safetensors.torch import load_file, save_file
    from transformers import AutoModelForCausalLM, AutoTokenizer, PrinterCallback
    from transformers.utils import logging
    from trl import GRPOConfig, GRPOTrainer
except ImportError as e:
    skip("grpo", str(e))

GROUPS, EACH, LONGEST = 3, 4, 12
NEAR = 1e-4  # of losses, of the gradient's norm and of weights, relatively
# each over the case before nothing: what differs from TRL's defaults
CASES = {
    "grpo": dict(loss_type="grpo"),
    "grpo, kl": dict(loss_type="grpo", beta=0.04),
    "grpo, kl by ratio": dict(loss_type="grpo", beta=0.04, use_bias_correction_kl=True),
    "grpo, no scale": dict(loss_type="grpo", scale_rewards="none"),
    "grpo, two epochs": dict(loss_type="grpo", num_iterations=2, beta=0.04, epsilon_high=0.28, learning_rate=1e-4),
    "grpo, accumulated": dict(loss_type="grpo", gradient_accumulation_steps=3, per_device_train_batch_size=4, beta=0.04),
    "dapo": dict(loss_type="dapo"),
    "dapo, kl": dict(loss_type="dapo", beta=0.04, scale_rewards="none"),
    "dapo, kl by ratio": dict(loss_type="dapo", beta=0.04, num_iterations=2, use_bias_correction_kl=True, learning_rate=1e-4),
    "dapo, entropy": dict(loss_type="dapo", entropy_coef=0.02),
    "dapo, batch scale": dict(loss_type="dapo", scale_rewards="batch"),
    "dapo, two epochs": dict(loss_type="dapo", num_iterations=2, epsilon_high=0.28, learning_rate=2e-4),
    "dapo, accumulated": dict(loss_type="dapo", gradient_accumulation_steps=3, per_device_train_batch_size=4),
    "dr_grpo": dict(loss_type="dr_grpo", scale_rewards="none"),
    "dr_grpo, kl": dict(loss_type="dr_grpo", beta=0.1),
    "dr_grpo, three epochs": dict(loss_type="dr_grpo", num_iterations=3, scale_rewards="none", learning_rate=2e-4),
    "bnpo, temperature": dict(loss_type="bnpo", temperature=0.7, beta=0.04, num_iterations=2,
                              learning_rate=1e-4),
    "gspo, two epochs": dict(loss_type="grpo", importance_sampling_level="sequence", num_iterations=2, epsilon=3e-3,
                             epsilon_high=4e-3),
    "gspo, kl by ratio": dict(loss_type="grpo", importance_sampling_level="sequence", num_iterations=2, beta=0.04,
                              use_bias_correction_kl=True, learning_rate=1e-4),
    "gspo, kl": dict(loss_type="grpo", importance_sampling_level="sequence", num_iterations=2, beta=0.04,
                     learning_rate=1e-4),
}
AGGREGATION = {"grpo": "seq_mean_token_mean", "dapo": "token_mean", "bnpo": "token_mean", "dr_grpo": "seq_mean_norm"}
BASE = dict(learning_rate=1e-3, lr_scheduler_type="constant", weight_decay=0.01, max_grad_norm=1.0, beta=0.0, epsilon=0.2,
            temperature=1.0, scale_rewards="group", num_iterations=1, entropy_coef=0.0, importance_sampling_level="token", use_bias_correction_kl=False,
            gradient_accumulation_steps=1, per_device_train_batch_size=GROUPS * EACH)


class Given(GRPOTrainer):
    """TRL's trainer; the losses of its passes are kept."""

    def _compute_loss(self, model, inputs):
        loss = super()._compute_loss(model, inputs)
        self.losses.append(loss.item())
        return loss


def batch(seed, folder):
    """Prompts, responses of 1 to LONGEST tokens, rewards; in the last group they are all equal. No token is the padding's,
    whose embedding torch keeps from learning."""
    r = random.Random(seed)
    config = json.loads((folder / "config.json").read_text())
    tokens = [i for i in range(config["vocab_size"]) if i != config.get("pad_token_id")]
    draw = lambda low, high: r.choices(tokens, k=r.randint(low, high))
    prompts = [draw(3, 8) for _ in range(GROUPS)]
    completions = [draw(1, LONGEST) for _ in range(GROUPS * EACH)]
    rewards = [round(r.uniform(-1, 2), 3) for _ in range((GROUPS - 1) * EACH)] + [0.5] * EACH
    return prompts, completions, rewards


def perturbed(folder, work):
    """Another model of the same shape: what a policy was before it learned. Not far from it: as verl does, and TRL does not, we
    hold a token's k3 below 10."""
    for file in folder.iterdir():
        if file.suffix == ".json":
            (work / file.name).write_bytes(file.read_bytes())
    torch.manual_seed(5)
    weights = load_file(folder / "model.safetensors")
    save_file({k: v * (1 + 0.01 * torch.randn_like(v)) for k, v in weights.items()}, work / "model.safetensors",
              metadata={"format": "pt"})


def theirs(folder, reference, case, given, work):
    prompts, completions, rewards = given
    model = AutoModelForCausalLM.from_pretrained(folder, dtype=torch.float32)
    tokenizer = AutoTokenizer.from_pretrained(folder)
    if tokenizer.pad_token_id is None:
        tokenizer.pad_token = tokenizer.eos_token

    def rollouts(texts, trainer):
        rows = [int(text) for text in texts]
        check(rows == [g for g in range(GROUPS) for _ in range(EACH)], f"the order of prompts: {rows}")
        return {"prompt_ids": [prompts[g] for g in rows], "completion_ids": completions, "logprobs": None,
                "of_row": list(range(len(rows)))}

    config = GRPOConfig(output_dir=str(work / "trl"), use_cpu=True, bf16=False, gradient_checkpointing=False, report_to=[],
                        save_strategy="no", logging_steps=1, disable_tqdm=True, num_generations=EACH,
                        max_completion_length=LONGEST, max_steps=case["num_iterations"], shuffle_dataset=False,
                        disable_dropout=True, **case)
    trainer = Given(model=model, args=config, processing_class=tokenizer, rollout_func=rollouts,
                    reward_funcs=lambda of_row, **_: [rewards[i] for i in of_row],
                    train_dataset=Dataset.from_dict({"prompt": [str(g) for g in range(GROUPS)]}))
    trainer.losses = []
    trainer.remove_callback(PrinterCallback)
    if trainer.ref_model is not None:
        weights = AutoModelForCausalLM.from_pretrained(reference, dtype=torch.float32).state_dict()
        trainer.ref_model.load_state_dict(weights)
    trainer.train()
    logs = [row for row in trainer.state.log_history if "grad_norm" in row]
    steps = case["num_iterations"]
    check(len(logs) == steps and len(trainer.losses) == steps * case["gradient_accumulation_steps"], f"{len(logs)} steps")
    return {"loss": sum(trainer.losses) / steps, "grad_norm": sum(float(row["grad_norm"]) for row in logs) / steps,
            "weights": {k: v.detach().clone() for k, v in trainer.model.state_dict().items()},
            "clipped": sum(row.get("clip_ratio/region_mean", 0) for row in logs)}


def ours(folder, reference, case, given, work):
    prompts, completions, rewards = given
    job = {"model": str(folder), "out": str(work / "ours"), "prompts": prompts, "completions": completions, "rewards": rewards,
           "each": EACH, "longest": LONGEST, "epochs": case["num_iterations"], "aggregation": AGGREGATION[case["loss_type"]],
           "scale": case["scale_rewards"], "advantage_eps": 1e-4, "clip_low": case["epsilon"],
           "clip_high": case.get("epsilon_high", case["epsilon"]), "kl_coef": case["beta"], "temperature": case["temperature"],
           "entropy_coef": case["entropy_coef"], "lr": case["learning_rate"], "clip_grad": case["max_grad_norm"],
           "weight_decay": case["weight_decay"], "is_sequence": case["importance_sampling_level"] == "sequence",
           "kl_with_ratio": case["use_bias_correction_kl"],
           **({"reference": str(reference)} if case["beta"] else {})}
    (work / "job.json").write_text(json.dumps(job))
    binary = pathlib.Path(os.environ.get("ASSAY_BUILD", SOURCE / "build" / "dev")) / "rl_peer"
    done = subprocess.run([str(binary), str(work / "job.json")], capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"rl_peer: {done.returncode}\n{done.stderr}")
    weights = AutoModelForCausalLM.from_pretrained(work / "ours", dtype=torch.float32).state_dict()
    return {**json.loads(done.stdout), "weights": weights}


def flat(weights, before):
    """All weights but those that are another's too, and how they moved."""
    names = [name for name in before if name in weights]
    return (torch.cat([weights[n].double().flatten() for n in names]),
            torch.cat([(weights[n] - before[n]).double().flatten() for n in names]))


def compare(name, folder, case, given):
    with tempfile.TemporaryDirectory() as temporary:
        work = pathlib.Path(temporary)
        (work / "reference").mkdir()
        perturbed(folder, work / "reference")
        case = {**BASE, **case}
        a, b = (side(folder, work / "reference", case, given, work) for side in (theirs, ours))
    before = load_file(folder / "model.safetensors")
    (want, moved), (got, ours_moved) = flat(a["weights"], before), flat(b["weights"], before)
    off = {"loss": abs(a["loss"] - b["loss"]) / max(abs(a["loss"]), 0.01),
           "norm": abs(a["grad_norm"] - b["grad_norm"]) / a["grad_norm"],
           "weights": ((want - got).norm() / want.norm()).item(),
           "moves": ((moved - ours_moved).norm() / moved.norm()).item()}
    print(f"{folder.name:11} {name:21} loss {a['loss']:+.6f} {b['loss']:+.6f}  |gradient| {a['grad_norm']:.5f}  "
          f"clipped {a['clipped']:.2f} {b['clip_fraction']:.2f}  off by " + "  ".join(f"{k} {v:.1e}" for k, v in off.items()))
    check(b["updates"] == case["num_iterations"], "updates")
    check(off["loss"] < NEAR and off["norm"] < NEAR and off["weights"] < NEAR, f"{folder.name}, {name}: {off}")
    check(off["moves"] < 0.01, f"{folder.name}, {name}: {off}")  # Adam moves where a gradient is all but 0 as far as elsewhere
    return off["moves"]


def main():
    warnings.filterwarnings("ignore")
    logging.set_verbosity_error()
    logging.disable_progress_bar()
    torch.set_num_threads(1)
    only, worst = sys.argv[1:], 0.0
    for family in ("tiny_qwen2", "tiny_llama", "tiny_qwen3"):
        for n, (name, case) in enumerate(CASES.items()):
            if (only and name not in only) or (family != "tiny_qwen2" and n % 4 != 1):
                continue
            worst = max(worst, compare(name, TINY / family, case, batch(n, TINY / family)))
    print(f"what the weights moved by is within {worst:.1e} of what TRL's did")


if __name__ == "__main__":
    main()
