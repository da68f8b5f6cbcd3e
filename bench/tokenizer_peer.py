"""bench/tokenizer_peer.py -- the `tokenizers` package on one thread, as a filter: the protocol of bench/src/tokenizer.c, and
training. Run by bench/tokenizer_vs_hf in the venv that has it; never imported by us.

"train KIND SIZE LIST FOLDER" (LIST: a file of paths) makes FOLDER/tokenizer.json; "grow N FOLDER TO" one with N tokens from
it; "load FOLDER", "read FILE"; "go encode|batch|fast": seconds, processor seconds, tokens.

SPDX-License-Identifier: Apache-2.0
"""
import array
import json
import os
import pathlib
import random
import sys
import time

os.environ["TOKENIZERS_PARALLELISM"] = "false"
os.environ["RAYON_NUM_THREADS"] = "1"
from tokenizers import Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, trainers  # noqa: E402

QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
ENCODE = {"encode": lambda tok, docs: [tok.encode(d, add_special_tokens=False) for d in docs],
          "batch": lambda tok, docs: tok.encode_batch(docs, add_special_tokens=False),
          "fast": lambda tok, docs: tok.encode_batch_fast(docs, add_special_tokens=False)}


def train(kind, size, paths, folder):
    tok = Tokenizer(models.BPE())
    if kind == "qwen2":
        tok.normalizer = normalizers.NFC()
        tok.pre_tokenizer = pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(QWEN2), "isolated"),
                                                     pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])
    else:
        tok.pre_tokenizer = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    tok.decoder = decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    texts = (pathlib.Path(p).read_text(encoding="utf-8", errors="ignore") for p in pathlib.Path(paths).read_text().splitlines())
    tok.train_from_iterator(texts, trainers.BpeTrainer(vocab_size=int(size), initial_alphabet=alphabet, show_progress=False))
    tok.add_special_tokens(["<|endoftext|>", "<|im_start|>", "<|im_end|>"])
    pathlib.Path(folder).mkdir(parents=True, exist_ok=True)
    tok.save(f"{folder}/tokenizer.json")


def grow(n, folder, to):
    """Merges of random neighbours on top of the trained ones: as large as the vocabularies of real models."""
    rng = random.Random(1)
    tree = json.loads(pathlib.Path(folder, "tokenizer.json").read_text(encoding="utf-8"))
    vocab, merges = tree["model"]["vocab"], tree["model"]["merges"]
    tokens = [t for t in vocab if len(t) < 8]
    free = max([a["id"] for a in tree["added_tokens"]] + list(vocab.values())) + 1
    while len(vocab) < int(n):
        left, right = rng.choice(tokens), rng.choice(tokens)
        if left + right not in vocab:
            vocab[left + right] = free
            free += 1
            merges.append([left, right])
    pathlib.Path(to).mkdir(parents=True, exist_ok=True)
    pathlib.Path(to, "tokenizer.json").write_text(json.dumps(tree, ensure_ascii=False, indent=2), encoding="utf-8")


def main():
    tok = docs = path = None
    for line in sys.stdin:
        words = line.split()
        wall, cpu, n = time.monotonic(), time.process_time(), 0
        if words[0] == "train":
            train(*words[1:])
        elif words[0] == "grow":
            grow(*words[1:])
        elif words[0] == "load":
            tok = Tokenizer.from_file(f"{words[1]}/tokenizer.json")
        elif words[0] == "read":
            path = pathlib.Path(words[1])
            docs = path.read_bytes().decode().split("\0")[:-1]
        else:
            encoded = ENCODE[words[1] if words[0] == "go" else "encode"](tok, docs)
            wall, cpu = time.monotonic() - wall, time.process_time() - cpu
            n = sum(len(e.ids) for e in encoded)
            if words[0] == "ids":
                path.with_suffix(".peer").write_bytes(array.array("i", [i for e in encoded for i in e.ids]).tobytes())
            print(wall, cpu, n, flush=True)
            continue
        print(time.monotonic() - wall, time.process_time() - cpu, n, flush=True)


main()
