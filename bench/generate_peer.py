"""bench/generate_peer.py -- the peers of bench/generate_vs_hf as filters, in the protocol of bench/src/generate.c: `hf THREADS`
(transformers' generate in fp32) or `llama THREADS` (llama-cpp-python). Run in the venv that has them; never imported by us.

"make FOLDER SHAPE" (SHAPE: a file of config keys; "f16" rounds the matrices to what F16 holds) writes a model of random
weights with a byte-level tokenizer; "load MODEL", "threads N", "prompts FILE"; "go N SEED", for llama "high N SEED": seconds, processor
seconds, tokens; "greedy N FILE": the ids of each prompt and, for hf, how far the best two logits were apart.

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import sys
import time

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false",
                  TRANSFORMERS_VERBOSITY="error", HF_HUB_DISABLE_PROGRESS_BARS="1", OMP_NUM_THREADS=sys.argv[2],
                  GOMP_SPINCOUNT="2000")  # who waits spins for about 0.1 ms, as ours do, and not on while others need the core


def bytes_as_text():
    """The 256 characters that byte-level BPE writes bytes as."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = iter(range(256, 512))
    return [chr(b) if b in plain else chr(next(other)) for b in range(256)]


def tokenizer(vocab):
    alphabet = bytes_as_text()
    pairs = [(a, b) for a in alphabet for b in alphabet][:vocab - 256]
    tokens = alphabet[:vocab] + [a + b for a, b in pairs]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None,
            "pre_tokenizer": level, "post_processor": None, "decoder": level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": {t: i for i, t in enumerate(tokens)}, "merges": [list(p) for p in pairs]}}


class HuggingFace:
    def __init__(self, threads):
        import torch
        import transformers
        self.torch, self.transformers = torch, transformers
        torch.set_num_threads(threads)
        torch.set_grad_enabled(False)
        transformers.logging.disable_progress_bar()

    def threads(self, n):
        self.torch.set_num_threads(int(n))
        return 0

    def make(self, folder, shape):
        torch = self.torch
        keys = json.loads(pathlib.Path(shape).read_text())
        f16, kind, seed = keys.pop("f16", False), keys.pop("kind"), keys.pop("seed")
        config = getattr(self.transformers, kind + "Config")(**keys, tie_word_embeddings=True, bos_token_id=None,
                                                             eos_token_id=keys["vocab_size"] - 1, pad_token_id=None)
        torch.manual_seed(seed)
        model = self.transformers.AutoModelForCausalLM.from_config(config, dtype=torch.float32)
        for p in model.parameters():
            if f16 and p.dim() > 1:
                p.copy_(p.half().float())
        model.save_pretrained(folder)
        (pathlib.Path(folder) / "tokenizer.json").write_text(json.dumps(tokenizer(keys["vocab_size"])))
        return sum(p.numel() for p in model.parameters())

    def load(self, folder):
        self.model = self.transformers.AutoModelForCausalLM.from_pretrained(folder, dtype=self.torch.float32,
                                                                            attn_implementation="sdpa").eval()
        return 0

    def prompts(self, path):
        self.ids = self.torch.tensor([[int(i) for i in line.split()] for line in open(path, encoding="utf-8")])
        return len(self.ids)

    def _generate(self, ids, n, **how):
        with self.torch.inference_mode():
            return self.model.generate(ids, attention_mask=self.torch.ones_like(ids), max_new_tokens=n, min_new_tokens=n,
                                       eos_token_id=None, pad_token_id=0, use_cache=True, **how)

    def go(self, n, seed):
        self.torch.manual_seed(int(seed))
        n = int(n)
        out = self._generate(self.ids, n, do_sample=True, temperature=1.0, top_k=0, top_p=1.0)
        assert out.shape[1] == self.ids.shape[1] + n
        return len(self.ids) * n

    def greedy(self, n, path):
        out = self._generate(self.ids, int(n), do_sample=False, output_logits=True, return_dict_in_generate=True)
        new = out.sequences[:, self.ids.shape[1]:].tolist()
        best = self.torch.stack([s.topk(2).values for s in out.logits], 1)
        gaps = (best[..., 0] - best[..., 1]).tolist()
        pathlib.Path(path).write_text(json.dumps([{"ids": i, "gaps": g} for i, g in zip(new, gaps)]))
        return sum(map(len, new))


class Llama:
    """One sequence at a time. `go` calls llama.cpp's own functions, as its `llama-cli` does; `high` the package's generate()."""

    def __init__(self, threads):
        import llama_cpp
        self.lib, self.n_threads = llama_cpp, threads

    def threads(self, n):
        self.lib.llama_set_n_threads(self.llama.ctx, int(n), int(n))
        return 0

    def load(self, path):
        self.llama = self.lib.Llama(path, n_ctx=256, n_threads=self.n_threads, n_threads_batch=self.n_threads, verbose=False)
        return 0

    def prompts(self, path):
        self.ids = [[int(i) for i in line.split()] for line in open(path, encoding="utf-8")]
        return len(self.ids)

    def _one(self, ids, n, sampler):
        lib, context = self.lib, self.llama.ctx
        lib.llama_memory_clear(lib.llama_get_memory(context), True)
        out, feed = [], (lib.llama_token * len(ids))(*ids)
        for _ in range(n):
            if lib.llama_decode(context, lib.llama_batch_get_one(feed, len(feed))):
                sys.exit("llama_decode failed")
            out.append(lib.llama_sampler_sample(sampler, context, -1))
            feed = (lib.llama_token * 1)(out[-1])
        return out

    def _all(self, n, *stages):
        sampler = self.lib.llama_sampler_chain_init(self.lib.llama_sampler_chain_default_params())
        for stage in stages:
            self.lib.llama_sampler_chain_add(sampler, stage)
        out = [self._one(ids, n, sampler) for ids in self.ids]
        self.lib.llama_sampler_free(sampler)
        return out

    def go(self, n, seed):
        return sum(map(len, self._all(int(n), self.lib.llama_sampler_init_temp(1.0), self.lib.llama_sampler_init_dist(int(seed)))))

    def high(self, n, seed):
        self.llama.set_seed(int(seed))
        n, made = int(n), 0
        for ids in self.ids:
            for i, _ in enumerate(self.llama.generate(ids, temp=1.0, top_k=0, top_p=1.0, min_p=0.0, repeat_penalty=1.0), 1):
                if i == n:
                    break
            made += i
        return made

    def greedy(self, n, path):
        new = self._all(int(n), self.lib.llama_sampler_init_greedy())
        pathlib.Path(path).write_text(json.dumps([{"ids": i} for i in new]))
        return sum(map(len, new))


def main():
    side = {"hf": HuggingFace, "llama": Llama}[sys.argv[1]](int(sys.argv[2]))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the packages print does not belong to the protocol
    for line in sys.stdin:
        name, *words = line.split()
        wall, cpu = time.perf_counter(), time.process_time()
        n = getattr(side, name)(*words)
        print(f"{time.perf_counter() - wall:.9f} {time.process_time() - cpu:.9f} {n}", file=out, flush=True)


main()
