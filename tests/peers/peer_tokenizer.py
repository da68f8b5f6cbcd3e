#!/usr/bin/env python3
"""Tokens of all four families against the `tokenizers` package: the same ids, pieces, offsets and text, on random Unicode and
on files of Python's standard library. The vocabularies are trained here, from the same files.

usage: peer_tokenizer.py [SEED [N]]. SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import random
import sys
import sysconfig
import tempfile
import unicodedata

from text_peer import Ours, skip

try:
    from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, normalizers, pre_tokenizers, processors, trainers
except ImportError as e:
    skip("tokenizer", str(e))

GPT2 = r"'s|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+"
QWEN2 = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
LLAMA3 = QWEN2.replace(r"|\p{N}| ?", r"|\p{N}{1,3}| ?")
SPECIAL = ["<|endoftext|>", "<|im_start|>", "<|im_end|>"]
ADDED = [AddedToken("<tool>", special=False, normalized=False), AddedToken("<tool>_call", special=False, normalized=False),
         AddedToken("[L]", lstrip=True, special=True, normalized=False), AddedToken("[R]", rstrip=True, normalized=False),
         AddedToken("word", single_word=True, normalized=False), AddedToken("norme\u0301", normalized=True),
         AddedToken("[B]", lstrip=True, rstrip=True, normalized=True)]


def pre(family):
    if family == "gpt2":
        return pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)
    if family == "smollm2":
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True),
                                        pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=True)])
    return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(LLAMA3 if family == "llama3" else QWEN2), "isolated"),
                                    pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)])


def make(family, files, folder):
    tok = Tokenizer(models.BPE(ignore_merges=family == "llama3"))
    if family == "qwen2":
        tok.normalizer = normalizers.NFC()
    tok.pre_tokenizer, tok.decoder = pre(family), decoders.ByteLevel()
    alphabet = sorted(pre_tokenizers.ByteLevel.alphabet())
    tok.train_from_iterator(files, trainers.BpeTrainer(vocab_size=4000, initial_alphabet=alphabet, show_progress=False))
    tok.add_special_tokens(SPECIAL)
    tok.add_tokens(ADDED)
    if family == "llama3":
        tok.post_processor = processors.Sequence([processors.ByteLevel(trim_offsets=False), processors.TemplateProcessing(
            single="<|endoftext|> $A", pair="$A $B", special_tokens=[("<|endoftext|>", tok.token_to_id("<|endoftext|>"))])])
    path = pathlib.Path(folder) / family
    path.mkdir()
    text = json.loads(tok.to_str())
    if family == "gpt2":  # the old form of merges
        text["model"]["merges"] = [" ".join(m) for m in text["model"]["merges"]]
    (path / "tokenizer.json").write_text(json.dumps(text, ensure_ascii=family == "smollm2"), encoding="utf-8")
    return tok, str(path)


def assigned(c):
    return unicodedata.category(chr(c)) not in ("Cn", "Cs", "Co")


class Texts:
    def __init__(self, rng, files):
        self.rng, self.files = rng, files
        self.known = [c for c in range(0x110000) if assigned(c)]
        self.by_class = {}
        for c in self.known:
            self.by_class.setdefault(unicodedata.category(chr(c)), []).append(c)
        self.joins = [c for c in self.known if unicodedata.combining(chr(c)) or 0x1100 <= c < 0x1200]

    def char(self):
        kind = self.rng.random()
        if kind < 0.35:
            return chr(self.rng.choice(b" \t\r\n'\"aAsStTlL0123.,<|>[]_-"))
        if kind < 0.5:
            return chr(self.rng.randrange(0x20, 0x7F))
        if kind < 0.6:
            return chr(self.rng.choice(self.joins))
        if kind < 0.65:
            return self.rng.choice("\u00a0\u2003\u3000\u200b\u0085\u2028\u017f\u212a")
        if kind < 0.8:
            return chr(self.rng.choice(self.by_class[self.rng.choice(list(self.by_class))]))
        return self.rng.choice(SPECIAL + [a.content for a in ADDED] + ["'s", "'LL", "'ſ", "n't", "  ", "\n\n", "e\u0301"])

    def one(self):
        if self.rng.random() < 0.5:
            return "".join(self.char() for _ in range(self.rng.randrange(0, 40)))
        text = self.rng.choice(self.files)
        at = self.rng.randrange(len(text))
        cut = text[at:at + self.rng.randrange(1, 3000)]
        return cut if self.rng.random() < 0.5 else cut + self.char() + cut[:20] + self.char()


def to_chars(text, spans):
    """Spans of bytes as the package gives them: of whole characters."""
    at, starts = 0, []
    for i, c in enumerate(text):
        starts += [i] * len(c.encode())
    starts.append(len(text))
    return [(starts[a], starts[b - 1] + 1 if b > a else starts[b]) for a, b in spans]


def check(ours, family, tok, text):
    if family == "qwen2" and tok.normalizer.normalize_str(text) != unicodedata.normalize("NFC", text):
        return False  # the package's normal form is of an older Unicode
    mine, peer = ours.ask(text=text, flags=1), tok.encode(text)
    if "error" in mine or mine["ids"] != peer.ids:
        sys.exit(f"{family}: ids differ on {text!r}:\n{mine}\n{peer.ids} {peer.tokens}")
    if family != "qwen2" or unicodedata.is_normalized("NFC", text):
        spans = [s for s in to_chars(text, mine["spans"])]
        if spans != peer.offsets:
            sys.exit(f"{family}: offsets differ on {text!r}:\n{spans}\n{peer.offsets}\n{peer.tokens}")
    for skips in (False, True):
        if "norme\u0301" in text or "norm\u00e9" in text:
            continue  # it takes an added token's letters for bytes
        mine_text, peer_text = ours.ask(ids=peer.ids, skip=skips)["text"], tok.decode(peer.ids, skip_special_tokens=skips)
        if mine_text != peer_text:
            sys.exit(f"{family}: text differs on {text!r}:\n{mine_text!r}\n{peer_text!r}")
    return True


def check_bytes(ours, tok, rng):
    """Ids in any order: characters that are not whole, and come whole later."""
    ids = [rng.randrange(tok.get_vocab_size()) for _ in range(rng.randrange(20))]
    ids = [i for i in ids if not tok.id_to_token(i).startswith("norm")]
    mine, peer = ours.ask(ids=ids)["text"], tok.decode(ids, skip_special_tokens=False)
    if mine != peer:
        sys.exit(f"text differs of {ids}:\n{mine!r}\n{peer!r}")


def main():
    seed = int(sys.argv[1]) if len(sys.argv) > 1 else 1
    n = int(sys.argv[2]) if len(sys.argv) > 2 else 4000
    rng, ours = random.Random(seed), Ours()
    paths = sorted(pathlib.Path(sysconfig.get_paths()["stdlib"]).glob("*.py"))
    files = [p.read_text(encoding="utf-8") for p in paths]
    files = [f for f in files if f]
    texts = Texts(rng, files)
    with tempfile.TemporaryDirectory() as folder:
        for family in ("gpt2", "smollm2", "qwen2", "llama3"):
            tok, path = make(family, files[:40], folder)
            said = ours.ask(tokenizer=path)
            if said:
                sys.exit(f"{family}: {said}")
            done = sum(check(ours, family, tok, texts.one()) for _ in range(n))
            done += sum(check(ours, family, tok, text) for text in files[40:80])
            for _ in range(n // 4):
                check_bytes(ours, tok, rng)
            print(f"{family}: {done} texts, the same ids, offsets and text")


main()
