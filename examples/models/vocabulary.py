#!/usr/bin/env python3
"""Writes the tokenizer that the models of this folder share: 128 tokens, byte-level BPE without merges.

Every printable ASCII character and the newline is a token; so are the tags of the tasks, what programs are made of
("def f(x):", " for i in x"), and "####", after which an answer stands. Longer tokens are added ones, found first in a text, as
transformers and assay do.

    python3 examples/models/vocabulary.py FOLDER...

SPDX-License-Identifier: Apache-2.0
"""
import json
import pathlib
import sys

PAD, EOS = "<pad>", "<eos>"
TAGS = ["<ded>", "<abd>", "<ind>", "<pded>", "<pabd>", "<pind>", "<P>", "<I>", "<O>", "<new>",
        "<think>", "</think>", "<answer>", "</answer>"]
WORDS = ["def f(x):", "\n x=", "\n return ", " for i in x", " if ", "sorted", "len", "sum", "max", "min", "set", "str",
         ".count", ".replace", "//", "####"]
# Qwen2's pattern: without merges it cuts nothing that would not be cut anyway, and llama.cpp has a name for it.
PATTERN = (r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|\s+(?!\S)|\s+")
CHARACTERS = ["\n"] + [chr(c) for c in range(32, 127)]
# What was learned ends with the end-of-text token, and so does what a text is to be learned from; the rest is given.
CHAT_TEMPLATE = ("{% for m in messages %}{% if m['role'] == 'assistant' %}{% generation %}{{ m['content'] }}{{ eos_token }}"
                 "{% endgeneration %}{% else %}{{ m['content'] }}{% endif %}{% endfor %}")


def as_bytes_look(character):
    """GPT-2's alphabet: how tokenizer.json writes a byte."""
    return {"\n": "\u010a", " ": "\u0120"}.get(character, character)


def tokenizer():
    as_bytes = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
    added = [PAD, EOS] + TAGS + WORDS
    # The added ones too: transformers builds Qwen2's tokenizer anew and numbers what is not there.
    vocab = {text: k for k, text in enumerate(added + [as_bytes_look(c) for c in CHARACTERS])}
    return {
        "version": "1.0", "truncation": None, "padding": None,
        "added_tokens": [{"id": k, "content": text, "single_word": False, "lstrip": False, "rstrip": False,
                          "normalized": False, "special": text in (PAD, EOS)} for k, text in enumerate(added)],
        "normalizer": None,
        "pre_tokenizer": {"type": "Sequence", "pretokenizers": [
            {"type": "Split", "pattern": {"Regex": PATTERN}, "behavior": "Isolated", "invert": False}, as_bytes]},
        "post_processor": None, "decoder": as_bytes,
        "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                  "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                  "vocab": vocab, "merges": []},
    }


def tokenizer_config():
    return {"backend": "tokenizers", "clean_up_tokenization_spaces": False, "eos_token": EOS, "model_max_length": 256,
            "pad_token": PAD, "tokenizer_class": "TokenizersBackend", "unk_token": EOS}


def write(folder):
    folder = pathlib.Path(folder)
    for name, what in (("tokenizer.json", tokenizer()), ("tokenizer_config.json", tokenizer_config())):
        (folder / name).write_text(json.dumps(what, indent=1) + "\n")
    (folder / "chat_template.jinja").write_text(CHAT_TEMPLATE)


if __name__ == "__main__":
    for argument in sys.argv[1:]:
        write(argument)
