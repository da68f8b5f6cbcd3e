#!/usr/bin/env python3
"""score.py -- assay's verifiers from Python, by ctypes over libassay.so: nothing to compile, nothing to install.

    from score import Reward
    trainer = GRPOTrainer(..., reward_funcs=Reward("math"))       # TRL: dataset column "reference"
    Reward("math").results(["\\boxed{0.5}"], ["1/2"])             # [Result(verdict='pass', score=1.0, ...)]

SPDX-License-Identifier: Apache-2.0
"""
import ctypes
import json
import os
import pathlib
import sys
from typing import NamedTuple, Optional


class Str(ctypes.Structure):
    _fields_ = [("data", ctypes.c_void_p), ("len", ctypes.c_size_t)]

    def text(self):
        return None if not self.data else ctypes.string_at(self.data, self.len).decode()


class Error(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("code", ctypes.c_int32), ("text", ctypes.c_char * 248)]


class Options(ctypes.Structure):
    _fields_ = [("size", ctypes.c_uint32), ("threads", ctypes.c_uint32), ("timeout_ms", ctypes.c_uint32),
                ("isolation", ctypes.c_uint32), ("plugin_path", ctypes.c_char_p), ("cache_path", ctypes.c_char_p)]


class Item(ctypes.Structure):
    _fields_ = [("prompt", Str), ("completion", Str), ("reference", Str), ("meta", Str),
                ("group", ctypes.c_uint64), ("seed", ctypes.c_uint64)]


class Row(ctypes.Structure):
    _fields_ = [("score", ctypes.c_float), ("verdict", ctypes.c_int32), ("answer", Str), ("key", Str), ("rule", Str),
                ("reason", Str), ("explain", Str)]


class Result(NamedTuple):
    verdict: str
    score: Optional[float]  # None for abstain and error: mask it, it is not a 0
    answer: Optional[str]
    reason: Optional[str]


class AssayError(Exception):
    pass


WANT_ANSWER = 2


def find_library():
    """ASSAY_LIB, else the builds of this source tree, else what the system finds."""
    if os.environ.get("ASSAY_LIB"):
        return os.environ["ASSAY_LIB"]
    root = pathlib.Path(__file__).resolve().parents[2]
    for build in ("release", "dev"):
        if (root / "build" / build / "libassay.so").exists():
            return str(root / "build" / build / "libassay.so")
    return "libassay.so.0"


def load():
    lib = ctypes.CDLL(find_library())
    pointer, error = ctypes.c_void_p, ctypes.POINTER(Error)
    for name, result, *arguments in (
        ("assay_version", ctypes.c_char_p),
        ("assay_verdict_name", ctypes.c_char_p, ctypes.c_int32),
        ("assay_library_open", ctypes.c_int, ctypes.POINTER(pointer), ctypes.POINTER(Options), error),
        ("assay_library_close", None, pointer),
        ("assay_scorer_open", ctypes.c_int, pointer, ctypes.c_char_p, ctypes.POINTER(pointer), error),
        ("assay_scorer_close", None, pointer),
        ("assay_score", ctypes.c_int, pointer, ctypes.POINTER(Item), ctypes.c_size_t, ctypes.c_uint32,
         ctypes.POINTER(pointer), error),
        ("assay_results_rows", ctypes.POINTER(Row), pointer, ctypes.POINTER(ctypes.c_size_t)),
        ("assay_results_free", None, pointer),
        ("assay_vote", ctypes.c_int, pointer, ctypes.POINTER(Item), ctypes.c_size_t, ctypes.POINTER(ctypes.c_uint32),
         ctypes.POINTER(Str), ctypes.POINTER(ctypes.c_double), ctypes.POINTER(ctypes.c_int32),
         ctypes.POINTER(pointer), error),
    ):
        function = getattr(lib, name)
        function.restype, function.argtypes = result, arguments
    return lib


def utf8(text):
    """UTF-8; halves of a surrogate pair are joined, and lone ones become U+FFFD, as where JSONL is read."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return text.encode("utf-16", "surrogatepass").decode("utf-16", "replace").encode()


def column(values, n, name):
    """One text per item; None where absent, one for all, objects as JSON."""
    if values is None or isinstance(values, str):
        values = [values] * n
    if len(values) != n:
        raise ValueError(f"{name}: {len(values)} values for {n} completions")
    texts = (v if v is None or isinstance(v, str) else json.dumps(v) for v in values)
    return [None if t is None else utf8(t) for t in texts]


def content(completion):
    """TRL gives conversations as [{"role", "content"}]: what is judged is the last message's text; None is no answer."""
    if isinstance(completion, list):
        completion = completion[-1]["content"]
    return "" if completion is None else completion


class Reward:
    """A verifier as a reward function: list of completions in, list of float (None: masked) out."""

    def __init__(self, verifier="math", threads=0, timeout_ms=0, plugin_path=None, cache=None):
        self.arguments = (verifier, threads, timeout_ms, plugin_path, cache)
        self.__name__ = "assay_" + verifier.split(":")[0].rsplit("/", 1)[-1].removesuffix(".so")
        self.open()

    def open(self):
        verifier, threads, timeout_ms, plugin_path, cache = self.arguments
        self.lib, self.library, self.scorer = load(), ctypes.c_void_p(), ctypes.c_void_p()
        options = Options(ctypes.sizeof(Options), threads, timeout_ms, 0, plugin_path and os.fsencode(plugin_path),
                          cache and os.fsencode(cache))
        self.call("assay_library_open", ctypes.byref(self.library), ctypes.byref(options))
        self.call("assay_scorer_open", self.library, verifier.encode(), ctypes.byref(self.scorer))

    def call(self, name, *arguments):
        error = Error(size=ctypes.sizeof(Error))
        if getattr(self.lib, name)(*arguments, ctypes.byref(error)) != 0:
            raise AssayError(error.text.decode("utf-8", "replace"))

    def close(self):
        if getattr(self, "library", None):
            self.lib.assay_scorer_close(self.scorer)
            self.lib.assay_library_close(self.library)
            self.library = self.scorer = None

    __del__ = close

    def __getstate__(self):  # a process it is sent to opens its own
        return {"arguments": self.arguments, "__name__": self.__name__}

    def __setstate__(self, state):
        self.__dict__.update(state)
        self.open()

    def items(self, completions, reference=None, prompts=None, meta=None, group=None):
        n = len(completions)
        completions = [content(c) for c in completions]
        items, keep = (Item * n)(), []  # keep: the bytes the items point to
        for field, values in (("completion", completions), ("reference", reference), ("prompt", prompts),
                              ("meta", meta)):
            for item, text in zip(items, column(values, n, field)):
                if text is not None:
                    keep.append(ctypes.create_string_buffer(text, len(text) + 1))
                    setattr(item, field, Str(ctypes.addressof(keep[-1]), len(text)))
        group = range(n) if group is None else group
        if len(group) != n:
            raise ValueError(f"group: {len(group)} values for {n} completions")
        for item, number in zip(items, group):
            item.group = number
        return items, keep

    def results(self, completions, reference=None, prompts=None, meta=None, group=None):
        items, keep = self.items(completions, reference, prompts, meta, group)
        out, n = ctypes.c_void_p(), ctypes.c_size_t()
        self.call("assay_score", self.scorer, items, len(items), WANT_ANSWER, ctypes.byref(out))
        try:
            rows = self.lib.assay_results_rows(out, ctypes.byref(n))
            return [Result(self.lib.assay_verdict_name(row.verdict).decode(),
                           None if row.score != row.score else row.score, row.answer.text(), row.reason.text())
                    for row in rows[:n.value]]
        finally:
            self.lib.assay_results_free(out)
            del keep

    def vote(self, completions):
        """(label, ratio, tie) of the answers to one prompt; label None where nothing was voted."""
        items, keep = self.items(completions, group=[0] * len(completions))
        out, label, ratio, tie = ctypes.c_void_p(), Str(), ctypes.c_double(), ctypes.c_int32()
        self.call("assay_vote", self.scorer, items, len(items), None, ctypes.byref(label), ctypes.byref(ratio),
                  ctypes.byref(tie), ctypes.byref(out))
        try:
            return label.text(), ratio.value, bool(tie.value)
        finally:
            self.lib.assay_results_free(out)
            del keep

    def __call__(self, completions, reference=None, prompts=None, **_):
        """TRL's signature: further dataset columns are ignored; None leaves a sample out of the reward."""
        prompts = [p if isinstance(p, str) else json.dumps(p) for p in prompts] if prompts else None
        return [r.score for r in self.results(completions, reference, prompts)]


def main():
    """Like `assay verify`: JSONL items on stdin, verdicts on stdout."""
    reward = Reward(sys.argv[1] if len(sys.argv) > 1 else "math")
    items = [json.loads(line) for line in sys.stdin if line.strip()]
    results = reward.results([i["completion"] for i in items], [i.get("reference") for i in items],
                             [i.get("prompt") for i in items], [i.get("meta") for i in items])
    for item, result in zip(items, results):
        print(json.dumps({"id": item.get("id"), **result._asdict()}))


if __name__ == "__main__":
    main()
