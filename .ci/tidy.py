#!/usr/bin/env python3
"""tidy.py BUILD -- runs clang-tidy on each of our sources in BUILD's compile database, in parallel, and remembers in
BUILD/tidy which were clean with which content. Called by tidy.sh.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import hashlib
import json
import os
import pathlib
import subprocess
import sys
import time

SOURCE = pathlib.Path(__file__).resolve().parent.parent
OURS = ("host", "plugins", "examples", "sandbox", "kernels", "tests")
# wrong on purpose; functions of the C library under their own names
LEFT_OUT = ("tests/plugins_bad", "tests/faults", "tests/escapes/jumping_clock.c", "tests/cuda/emu_")

# The analyzer gives up on a function after so many states. It takes nearly all of clang-tidy's time, and with its own limit of
# 225,000 two to five times as much as with this one.
DEPTH = [f"--extra-arg={a}" for a in ("-Xclang", "-analyzer-config", "-Xclang", "max-nodes=50000")]


def context():
    """Hash of everything that may change any verdict: the rules, how far is looked and all our headers."""
    mixed = hashlib.sha256((SOURCE / ".clang-tidy").read_bytes() + str(DEPTH).encode())
    for top in (*OURS, "include"):
        for name in ("*.h", ".clang-tidy"):
            for known in sorted((SOURCE / top).rglob(name)):
                mixed.update(known.read_bytes())
    return mixed


def check(build, path, command, base):
    key = base.copy()
    key.update(path.read_bytes() + str(command).encode())
    stamp = build / "tidy" / key.hexdigest()
    if stamp.exists():
        return path, 0, "", True
    how = [str(path), *command] if isinstance(command, list) else ["-p", str(build), str(path)]
    done = subprocess.run(["clang-tidy", "--quiet", *DEPTH, *how], capture_output=True, text=True)
    if done.returncode == 0:
        stamp.touch()
    return path, done.returncode, done.stdout, False


def main(build):
    start = time.monotonic()
    build = pathlib.Path(build).resolve()
    (build / "tidy").mkdir(exist_ok=True)
    jobs = {}
    for entry in json.loads((build / "compile_commands.json").read_text()):
        path = pathlib.Path(entry["file"])
        name = path.relative_to(SOURCE).as_posix() if path.is_relative_to(SOURCE) else ""
        if name.startswith(tuple(t + "/" for t in OURS)) and not name.startswith(LEFT_OUT):
            jobs.setdefault(path, entry["command"])
    for path in sorted((SOURCE / "examples").rglob("*.c*")):  # built by their own projects, not by ours
        if path.suffix in (".c", ".cpp"):
            jobs[path] = ["--", "-I" + str(SOURCE / "include"), "-std=c11" if path.suffix == ".c" else "-std=c++17"]
    base = context()
    bad = known = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for path, rc, text, was_known in pool.map(lambda j: check(build, j[0], j[1], base), jobs.items()):
            known += was_known
            if rc:
                bad += 1
                print(text.strip() or f"{path.relative_to(SOURCE)}: clang-tidy ended with {rc}", flush=True)
    print(f"tidy: {len(jobs)} files ({known} unchanged since they were clean), {bad} with findings, "
          f"{time.monotonic() - start:.0f} s")
    return 1 if bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
