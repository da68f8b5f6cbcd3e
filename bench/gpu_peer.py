"""bench/gpu_peer.py DEVICE -- torch and transformers on a GPU (or, to try it, on the processor), a command a line on standard
input, for bench/gpu_check. Imports nothing that a machine without a network could lack: torch and transformers.

`model D LAYERS HEADS KV_HEADS FF VOCAB POSITIONS` sets a Qwen2 shape; weights are random and made on the device.
`train HOW SEQS LENGTH STEPS`: mean cross-entropy, gradients clipped to a norm of 1, fused AdamW, sdpa. HOW: bf16 (weights,
gradients and moments too: the fastest), mixed (weights and moments in float, autocast to bf16: what is trained with), and
compiled-bf16, compiled-mixed (torch.compile).
`generate SEQS PROMPT NEW`: HF generate at temperature 1, prompts of random ids. `grpo PROMPTS EACH PROMPT LENGTH TOKENS STEPS`:
steps of GRPO by hand as a good programmer would write them: generate, group advantages of a reward made up from the tokens,
log-probs of the responses alone, passes of TOKENS, one fused AdamW.
`ceilings TOKENS`: a large copy, and matrix products of the model's own sizes on random numbers, by torch (cuBLAS).
Each answer is one line of JSON. SPDX-License-Identifier: Apache-2.0
"""
import gc
import json
import os
import sys
import time

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", TRANSFORMERS_VERBOSITY="error",
                  HF_HUB_DISABLE_PROGRESS_BARS="1")

import torch  # noqa: E402
from transformers import Qwen2Config, Qwen2ForCausalLM  # noqa: E402

DEVICE = torch.device(sys.argv[1])
IS_CUDA = DEVICE.type == "cuda"


def sync():
    if IS_CUDA:
        torch.cuda.synchronize()


def seconds(fn):
    """Of one call, all that it started on the device included."""
    sync()
    start = time.perf_counter()
    fn()
    sync()
    return time.perf_counter() - start


def median(values):
    return sorted(values)[len(values) // 2]


def peak_bytes():
    return torch.cuda.max_memory_allocated() if IS_CUDA else 0


def forget():
    gc.collect()
    if IS_CUDA:
        torch.cuda.empty_cache()
        torch.cuda.reset_peak_memory_stats()


def per_call(fn, least_s=0.03):
    """Median seconds of a call of something short, by events on a GPU."""
    for _ in range(3):
        fn()
    n = max(1, min(100, int(least_s / max(1e-7, seconds(fn))) + 1))
    times = []
    for _ in range(5):
        if IS_CUDA:
            begin, end = torch.cuda.Event(enable_timing=True), torch.cuda.Event(enable_timing=True)
            begin.record()
            for _ in range(n):
                fn()
            end.record()
            sync()
            times.append(begin.elapsed_time(end) / 1e3 / n)
        else:
            times.append(seconds(lambda: [fn() for _ in range(n)]) / n)
    return median(times)


class Peer:
    def model(self, *numbers):
        d, layers, heads, kv_heads, ff, vocab, positions = map(int, numbers)
        self.config = Qwen2Config(
            vocab_size=vocab, hidden_size=d, intermediate_size=ff, num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=kv_heads, max_position_embeddings=positions, tie_word_embeddings=True, attn_implementation="sdpa",
            rope_parameters={"rope_type": "default", "rope_theta": 1e6}, bos_token_id=None, eos_token_id=None, pad_token_id=None)
        return {"torch": torch.__version__, "device": torch.cuda.get_device_name() if IS_CUDA else "cpu"}

    def make(self, dtype):
        torch.manual_seed(1)
        before = torch.get_default_dtype()
        torch.set_default_dtype(dtype)
        try:
            with DEVICE:
                return Qwen2ForCausalLM(self.config)
        finally:
            torch.set_default_dtype(before)

    def optimizer(self, model):
        return torch.optim.AdamW(model.parameters(), lr=1e-6, weight_decay=0.1, fused=True)

    def train(self, how, seqs, length, steps):
        forget()
        is_mixed, is_compiled = how.endswith("mixed"), how.startswith("compiled")
        model = self.make(torch.float32 if is_mixed else torch.bfloat16).train()
        optimizer = self.optimizer(model)
        forward = torch.compile(model) if is_compiled else model
        ids = torch.randint(0, self.config.vocab_size, (int(seqs), int(length)), device=DEVICE)
        losses = []

        def step():
            with torch.autocast(DEVICE.type, torch.bfloat16, enabled=is_mixed):
                loss = forward(input_ids=ids, labels=ids, use_cache=False).loss
            loss.backward()
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.item())
        first = seconds(step)
        step()
        times = [seconds(step) for _ in range(int(steps))]
        answer = {"wall_s": median(times), "first_s": first, "losses": losses, "peak_bytes": peak_bytes(),
                  "tokens": int(seqs) * int(length)}
        del model, optimizer, forward
        forget()
        return answer

    def sample(self, model, ids, n):
        with torch.inference_mode():
            return model.generate(ids, attention_mask=torch.ones_like(ids), max_new_tokens=n, min_new_tokens=n, do_sample=True,
                                  temperature=1.0, top_k=0, top_p=1.0, eos_token_id=None, pad_token_id=0, use_cache=True)

    def generate(self, seqs, prompt, new, rounds):
        forget()
        model = self.make(torch.bfloat16).eval()
        ids = torch.randint(0, self.config.vocab_size, (int(seqs), int(prompt)), device=DEVICE)
        self.sample(model, ids, 4)
        times = [seconds(lambda: self.sample(model, ids, int(new))) for _ in range(int(rounds))]
        del model
        forget()
        return {"wall_s": median(times), "tokens": int(seqs) * int(new)}

    def grpo(self, prompts, each, prompt, length, tokens, steps):
        prompts, each, prompt, length, tokens = map(int, (prompts, each, prompt, length, tokens))
        forget()
        model = self.make(torch.bfloat16)
        optimizer = self.optimizer(model)
        ids = torch.randint(0, self.config.vocab_size, (prompts, prompt), device=DEVICE).repeat_interleave(each, 0)
        at_a_time = max(1, tokens // (prompt + length))
        spent = []

        def step():
            sync()
            begin = time.perf_counter()
            model.eval()
            whole = self.sample(model, ids, length).clone()
            sync()
            sampled = time.perf_counter()
            model.train()
            reward = (whole[:, -1] % 2).float().view(prompts, each)
            advantage = ((reward - reward.mean(1, keepdim=True)) / (reward.std(1, keepdim=True) + 1e-4)).view(-1, 1)
            for at in range(0, len(whole), at_a_time):
                rows, adv = whole[at:at + at_a_time], advantage[at:at + at_a_time]
                logits = model(input_ids=rows, use_cache=False, logits_to_keep=length + 1).logits[:, :-1]
                target = rows[:, prompt:]
                # a sequence at a time, so that no second [tokens, vocabulary] of floats is made
                logp = torch.stack([(x.gather(-1, t[:, None])[:, 0] - x.logsumexp(-1)).float() for x, t in zip(logits, target)])
                ratio = (logp - logp.detach()).exp()
                loss = -torch.minimum(ratio * adv, ratio.clamp(0.8, 1.2) * adv).sum() / (len(whole) * length)
                loss.backward()
                del logits, logp, loss
            torch.nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            sync()
            end = time.perf_counter()
            spent.append((end - begin, sampled - begin, end - sampled))
        for _ in range(int(steps) + 1):
            step()
        wall, generate, update = (median(part) for part in zip(*spent[1:]))
        answer = {"wall_s": wall, "generate_s": generate, "update_s": update, "first_s": spent[0][0], "peak_bytes": peak_bytes(),
                  "tokens": prompts * each * length}
        del model, optimizer
        forget()
        return answer

    def ceilings(self, tokens, mib):
        forget()
        c, m, dtype = self.config, int(tokens), torch.bfloat16
        n = int(mib) << 20
        a, b = torch.randint(0, 255, (n,), dtype=torch.uint8, device=DEVICE), torch.empty(n, dtype=torch.uint8, device=DEVICE)
        answer = {"copy_bytes_per_s": 2 * n / per_call(lambda: b.copy_(a)), "products": []}
        del a, b
        head = c.hidden_size // c.num_attention_heads
        qkv = (c.num_attention_heads + 2 * c.num_key_value_heads) * head
        shapes = {"qkv": (qkv, c.hidden_size), "o": (c.hidden_size, c.num_attention_heads * head),
                  "gate_up": (2 * c.intermediate_size, c.hidden_size), "down": (c.hidden_size, c.intermediate_size),
                  "head": (c.vocab_size, c.hidden_size)}
        for name, (rows, cols) in shapes.items():
            m_here = min(m, 4096) if name == "head" else m  # a product of the head is made in chunks by everyone
            x, w = (torch.randn(s, device=DEVICE, dtype=dtype) for s in ((m_here, cols), (rows, cols)))
            dy = torch.randn((m_here, rows), device=DEVICE, dtype=dtype)
            times = 1 if name == "head" else c.num_hidden_layers
            for op, fn in (("gemm_nt", lambda: x @ w.t()), ("gemm_nn", lambda: dy @ w), ("gemm_tn", lambda: dy.t() @ x)):
                answer["products"].append({"op": op, "what": name, "m": m_here, "n": rows, "k": cols,
                                           "times": times * m // m_here, "ms": 1e3 * per_call(fn),
                                           "flops": 2 * m_here * rows * cols})
            del x, w, dy
        forget()
        return answer


def main():
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the packages print does not belong to the protocol
    peer = Peer()
    for line in sys.stdin:
        name, *words = line.split()
        try:
            answer = getattr(peer, name)(*words)
        except Exception as error:  # noqa: BLE001 -- out of memory, a compiler that is not there: said, and the next one tried
            answer = {"error": f"{type(error).__name__}: {error}".splitlines()[0][:300]}
            forget()
        print(json.dumps(answer), file=out, flush=True)


main()
