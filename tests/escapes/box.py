"""box.py -- the sandbox as these tests drive it: a box_server process, and values in sandbox/value.h's encoding.

SPDX-License-Identifier: Apache-2.0
"""
import dataclasses
import os
import pathlib
import struct
import subprocess
import unittest

BUILD = pathlib.Path(os.environ.get("ASSAY_BUILD", "build/dev"))
SERVER = BUILD / "box_server"


class Other:
    """A value of a type that does not travel: it equals nothing."""

    def __init__(self, name):
        self.name = name

    def __eq__(self, other):
        return False

    def __repr__(self):
        return f"<{self.name}>"

    __hash__ = object.__hash__


def encode(v):
    if v is None or v is True or v is False:
        return {None: b"N", True: b"T", False: b"F"}[v]
    if type(v) is int:
        return b"i%d;" % v
    if type(v) is float:
        return b"fnan;" if v != v else b"f" + v.hex().encode() + b";"
    if type(v) in (str, bytes):
        raw = v.encode("utf-8", "surrogatepass") if type(v) is str else v
        return b"%c%d:%s" % (b"s" if type(v) is str else b"b", len(raw), raw)
    if type(v) in (list, tuple):
        return b"%c%d" % (b"[" if type(v) is list else b"(", len(v)) + b"".join(map(encode, v))
    raise TypeError(type(v))


def decode(raw):
    """The value, and that there is nothing behind it. Nested no deeper than the encoding allows."""
    v, at = _decode(raw, 0)
    if at != len(raw):
        raise ValueError("bytes behind the value")
    return v


def _number(raw, at, end):
    stop = raw.index(end, at)
    return raw[at:stop], stop + 1


def _count(raw, at):
    stop = at
    while raw[stop:stop + 1].isdigit():
        stop += 1
    return int(raw[at:stop]), stop


def _decode(raw, at):
    kind, at = raw[at:at + 1], at + 1
    if kind in (b"N", b"T", b"F"):
        return {b"N": None, b"T": True, b"F": False}[kind], at
    if kind == b"i":
        text, at = _number(raw, at, b";")
        return int(text, 0), at
    if kind == b"f":
        text, at = _number(raw, at, b";")
        return float.fromhex(text.decode()), at
    if kind in (b"s", b"b", b"?"):
        n, at = _count(raw, at)
        text = raw[at + 1:at + 1 + n]
        if kind == b"?":
            return Other(text.decode("utf-8", "replace")), at + 1 + n
        return text.decode("utf-8", "surrogatepass") if kind == b"s" else text, at + 1 + n
    if kind in (b"[", b"(", b"{", b"<", b">"):
        n, at = _count(raw, at)
        items = []
        for _ in range(n * (2 if kind == b"{" else 1)):
            v, at = _decode(raw, at)
            items.append(v)
        make = {b"[": list, b"(": tuple, b"<": frozenset, b">": frozenset}.get(kind)
        return (make(items) if make else dict(zip(items[::2], items[1::2]))), at
    raise ValueError(f"kind {kind!r}")


@dataclasses.dataclass
class Result:
    exit_code: int
    signal: int
    denied: int
    cpu_us: int
    wall_us: int
    peak_kib: int
    status: str
    denied_name: str
    note: str
    output: bytes
    errors: bytes
    values: list  # (status, encoded value, error)


class Gone(Exception):
    """The server ended."""


class Box:
    def __init__(self, slots=1, jobs_per_zygote=0, helpers=None, python=(), before=(), **popen):
        command = [str(SERVER), str(helpers or BUILD), str(slots), str(jobs_per_zygote), *python]
        try:
            self.process = subprocess.Popen([*before, *command], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                            stderr=subprocess.PIPE, **popen)
        except PermissionError:  # below a folder of root's alone
            raise unittest.SkipTest("that user cannot execute what was built here") from None

    def close(self):
        try:
            self.process.stdin.close()
        except BrokenPipeError:  # it is gone, with a job unread
            pass
        self.process.wait(60)
        self.process.stdout.close()
        self.process.stderr.close()

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def send(self, source, *, language="python", policy=None, prelude=None, entry=None, calls=(), files=(), stdin=b"",
             tester=None, check=None, cpu_ms=0, wall_ms=0, mem_mib=0, out_kib=0, procs=0, seed=0):
        def text(t):
            raw = t.encode("utf-8", "surrogatepass") if isinstance(t, str) else t
            return struct.pack("<I", 0xFFFFFFFF) if raw is None else struct.pack("<I", len(raw)) + raw

        frame = [struct.pack("<8I", len(calls), len(files), cpu_ms, wall_ms, mem_mib, out_kib, procs, seed)]
        frame += map(text, (language, policy, prelude, entry, source, stdin, tester, check))
        frame += map(text, calls)
        for name, data in files:
            frame += [text(name), text(data)]
        try:
            self.process.stdin.write(b"".join(frame))
            self.process.stdin.flush()
        except BrokenPipeError:
            raise Gone(self.process.stderr.read().decode()) from None

    def receive(self):
        def get(n):
            raw = self.process.stdout.read(n)
            if len(raw) != n:
                raise Gone(self.process.stderr.read().decode())
            return raw

        def text():
            return get(struct.unpack("<I", get(4))[0])

        code, signal, denied, n = struct.unpack("<4i", get(16))
        cost = struct.unpack("<3Q", get(24))
        words = [text().decode("utf-8", "replace") for _ in range(3)]
        output, errors = text(), text()
        values = [(text().decode(), text(), text()) for _ in range(n)]
        return Result(code, signal, denied, *cost, *words, output, errors, values)

    def run(self, source, **job):
        self.send(source, **job)
        return self.receive()


def _reads(path):
    try:
        return pathlib.Path(path).read_bytes()
    except OSError:
        return b""


def state_and_parent(pid):
    """("R", 1) of a process; ("X", 0) of one that is gone, as any may be between two looks."""
    fields = _reads(f"/proc/{pid}/stat").decode(errors="replace").rpartition(")")[2].split()
    return (fields[0], int(fields[1])) if fields else ("X", 0)


def children(pid):
    """Process ids of the children of a process, and of theirs."""
    found = []
    for child in filter(str.isdigit, os.listdir("/proc")):
        state, parent = state_and_parent(child)
        if parent == pid and state not in "ZX":
            found += [int(child)] + children(int(child))
    return found


def zygotes(box):
    """The helpers of a box: its direct children of that name. (While it opens, others try each layer.)"""
    return [pid for pid in children(box.process.pid)
            if _reads(f"/proc/{pid}/cmdline").startswith(b"assay-box\0")
            and state_and_parent(pid)[1] == box.process.pid]


def groups(pid):
    """The control groups of that supervisor's jobs, of all hierarchies."""
    return [pathlib.Path(at, d) for at, below, _ in os.walk("/sys/fs/cgroup") for d in below if d.startswith(f"assay-{pid}-")]
