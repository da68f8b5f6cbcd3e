#!/usr/bin/env python3
"""mutants.py plant SOURCE OUT      writes kernels/cuda/NAME.cu with every bug of mutants/NAME.py in it, each asleep until
                                 mutant.h's number
mutants.py run EMU NAME=TEST...  runs the test of the emulation, and NAME's, once for each bug: it must be caught, by the
                                 finding named with it

A test that passes with a bug in its kernel is no test. The bugs of tests/cuda/emu_*.cu stand in those files, as MUT == n.
Without a bug (number 0) all tests must pass.

mutants/NAME.py has TESTS, the test (or pattern of tests) that is run, and BUGS, a list of
    (what the bug is, what finds it, [(old text, which stands there once, new text, where MUT is whether the bug is awake)...]
     and the test, where it is another one)
Old text may stand in a header of kernels/cuda that the source includes (chunk.h and the like): they are planted in with it.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import os
import pathlib
import re
import runpy
import subprocess
import sys

# Caught by a report of one of these kinds, or by NUMBERS that are wrong.
# file: the test of test_emu.c, then for MUT = 1, 2, ... what finds it (None: it is no bug, and nothing may be found)
EMU = {
    "norm": ["RACE", "NUMBERS", "DIVERGE", "DIVERGE", "UNINIT", "OOB"],
    "gemm": ["ASYNC RACE", "RACE ASYNC", "ASYNC", "RACE", "NUMBERS", "OOB", "ALIGN"],
    "attention": ["RACE", "NUMBERS", "OOB", "NUMBERS", "RACE", None, "OOB UNINIT NUMBERS"],
    "embed": ["RACE", "OOB"],
}
# headers with code of kernels, | between them
SHARED = "attention.h|attention_bf16.h|attention_bwd.h|attention_bwd_bf16.h|attention_bwd_f32.h|attention_f32.h|chunk.h|flat.h|parts.h|product.h|softmax_row.h|tile.h"


def bugs_of(name):
    found = runpy.run_path(str(pathlib.Path(__file__).parent / "mutants" / f"{name}.py"))
    return found["TESTS"], found["BUGS"]


def with_headers(text, folder, done):
    def put(match):
        if match.group(1) in done:
            return ""
        done.add(match.group(1))
        return with_headers((folder / match.group(1)).read_text(), folder, done)

    return re.sub(rf'#include "kernels/cuda/({SHARED})"', put, text)


def plant(source, out):
    source = pathlib.Path(source)
    text = with_headers(source.read_text(), source.parent, set())
    for number, (bug, _, changes, *_) in enumerate(bugs_of(source.stem)[1], 1):
        for old, new in changes:
            if text.count(old) != 1:
                sys.exit(f'mutants.py: {bug}: this stands in {source} {text.count(old)} times, not once: {old!r}')
            text = text.replace(old, new.replace("MUT", f"(emu_mutant == {number})"))
    pathlib.Path(out).write_text(text)


def verdict(program, number, tests, wanted):
    """None, or what is wrong."""
    try:
        done = subprocess.run([program, tests], capture_output=True, text=True, timeout=120,
                              env={**os.environ, "EMU_MUTANT": str(number)})
    except subprocess.TimeoutExpired:
        return "runs for two minutes"
    said = done.stdout + done.stderr
    if wanted is None:
        return None if done.returncode == 0 else "nothing was to be found, and the test said: " + said[-600:]
    if done.returncode == 0:
        return "is not caught"
    if any(f"emu: {kind} in" in said or f"ERROR: {kind} " in said for kind in wanted.split()):
        return None
    return f"was to be caught by {wanted}; the test said: {said[-600:]}"


def run(emu, *planted):
    jobs = {"no bug in emu_*.cu": (emu, 0, "*", None)}
    for name, kinds in EMU.items():
        jobs |= {f"emu_{name} {n}": (emu, n, name, kind) for n, kind in enumerate(kinds, 1)}
    for name, program in (pair.split("=", 1) for pair in planted):
        usual, bugs = bugs_of(name)
        jobs[f"no bug in {name}.cu"] = (program, 0, "*", None)
        for n, (bug, kind, _, *tests) in enumerate(bugs, 1):
            jobs[f"{name} {n}, {bug}"] = (program, n, tests[0] if tests else usual, kind)
    n_bad = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, why in zip(jobs, pool.map(lambda job: verdict(*job), jobs.values())):
            if why:
                n_bad += 1
                print(f"FAILED {name}: {why}")
    print(f"{len(jobs)} runs, {n_bad} not as they should be")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit({"plant": plant, "run": run}[sys.argv[1]](*sys.argv[2:]))
