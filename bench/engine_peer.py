"""bench/engine_peer.py -- training steps of transformers' Qwen2ForCausalLM in torch, a command a line on standard input.

`model FOLDER THREADS SEQS LENGTH D LAYERS HEADS KV_HEADS FF VOCAB` makes weights (saved to FOLDER for the other side) and a
batch of random tokens (FOLDER/tokens: int32); `start NAME` begins fp32 or bf16 (autocast, weights in fp32) from those weights;
`steps NAME N` makes N steps: sdpa, mean cross-entropy, gradients clipped to a norm of 1, fused AdamW; `product OP TYPE M N K`
times a matrix product on one thread. Each answer is one line of JSON. SPDX-License-Identifier: Apache-2.0
"""
import json
import statistics
import sys
import time

import torch
from transformers import Qwen2Config, Qwen2ForCausalLM


class Trainer:
    def __init__(self, config, weights, kind):
        self.model = Qwen2ForCausalLM(config).train()
        self.model.load_state_dict(weights)
        self.kind = kind
        self.optimizer = torch.optim.AdamW(self.model.parameters(), lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0.1,
                                           fused=True)

    def step(self, ids):
        with torch.autocast("cpu", torch.bfloat16, enabled=self.kind == "bf16"):
            loss = self.model(input_ids=ids, labels=ids, use_cache=False).loss
        loss.backward()
        torch.nn.utils.clip_grad_norm_(self.model.parameters(), 1.0)
        self.optimizer.step()
        self.optimizer.zero_grad(set_to_none=True)
        return loss.item()


class Peer:
    def model(self, folder, *numbers):
        threads, seqs, length, d, layers, heads, kv_heads, ff, vocab = map(int, numbers)
        torch.set_num_threads(threads)
        torch.manual_seed(1)
        self.config = Qwen2Config(
            vocab_size=vocab, hidden_size=d, intermediate_size=ff, num_hidden_layers=layers, num_attention_heads=heads,
            num_key_value_heads=kv_heads, max_position_embeddings=length, tie_word_embeddings=True, attn_implementation="sdpa",
            rope_parameters={"rope_type": "default", "rope_theta": 1e6},
            bos_token_id=None, eos_token_id=None, pad_token_id=None)
        model = Qwen2ForCausalLM(self.config)
        model.save_pretrained(folder)
        self.weights = {k: v.clone() for k, v in model.state_dict().items()}
        self.ids = torch.randint(0, vocab, (seqs, length))
        with open(f"{folder}/tokens", "wb") as out:
            out.write(self.ids.to(torch.int32).numpy().tobytes())
        self.trainers = {}
        return {"params": model.num_parameters()}

    def product(self, op, kind, *sizes):
        m, n, k = map(int, sizes)
        torch.set_num_threads(1)
        real = {"f32": torch.float32, "bf16": torch.bfloat16}[kind]
        x, w, dy = (torch.randn(shape).to(real) for shape in ((m, k), (n, k), (m, n)))
        run = {"gemm_nt": lambda: x @ w.T, "gemm_nn": lambda: dy @ w, "gemm_tn": lambda: dy.T @ x}[op]
        flop, seconds = 2 * m * n * k, []
        run()
        for _ in range(15):
            start, times = time.thread_time(), 1 + int(4e8 / flop)
            for _ in range(times):
                run()
            seconds.append((time.thread_time() - start) / times)
        return {"gflops": flop / statistics.median(seconds) / 1e9}

    def start(self, kind):
        self.trainers[kind] = Trainer(self.config, self.weights, kind)
        return {}

    def steps(self, kind, n):
        steps = []
        for _ in range(int(n)):
            wall, cpu = time.monotonic(), time.process_time()
            loss = self.trainers[kind].step(self.ids)
            steps.append({"wall_s": time.monotonic() - wall, "cpu_s": time.process_time() - cpu, "loss": loss})
        return {"steps": steps}


def main():
    peer = Peer()
    print(json.dumps({"torch": torch.__version__, "isa": torch.backends.cpu.get_cpu_capability()}), flush=True)
    for line in sys.stdin:
        name, *words = line.split()
        print(json.dumps(getattr(peer, name)(*words)), flush=True)


main()
