#!/usr/bin/env python3
"""mutants.py plant SOURCE OUT     writes rmsnorm.cu with every bug of RMSNORM in it, each asleep until mutant.h's number
mutants.py run EMU RMSNORM      runs these two tests once for each bug: it must be caught, by the finding named here

A test that passes with a bug in its kernel is no test. The bugs of tests/cuda/emu_*.cu stand in those files, as MUT == n.
Without a bug (number 0) both tests must pass.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import os
import pathlib
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
# rmsnorm.cu: what the bug is; what finds it; old text, which stands there once, and new, where MUT is whether the bug is awake;
# the test of test_cuda_rmsnorm.c where it is not "shapes"
RMSNORM = [
    ("a row's sums are read before all warps have written theirs", "RACE UNINIT",
     [("    __syncthreads();\n    s = part[0];", "    if (!MUT)\n        __syncthreads();\n    s = part[0];")]),
    ("the tree over a warp leaves half of it out", "NUMBERS", [("int o = 16; o > 0", "int o = MUT ? 8 : 16; o > 0")]),
    ("the sum over warps leaves one out", "NUMBERS",
     [("for (int i = 1; i < block_threads / 32", "for (int i = MUT ? 2 : 1; i < block_threads / 32")]),
    ("a chunk is read one number too far", "OOB",
     [("if (first + i < n)\n            c.v[i]", "if (first + i < n + MUT)\n            c.v[i]")]),
    ("a chunk is written one number too far", "OOB RACE",
     [("if (first + i < n)\n            row[first + i]", "if (first + i < n + MUT)\n            row[first + i]")]),
    ("one row too many, forward", "OOB", [("if (row >= a.rows)", "if (row >= a.rows + MUT)")]),
    ("one row too many, backward", "OOB", [("if (r >= a.rows)", "if (r >= a.rows + MUT)")]),
    ("eps is left out", "NUMBERS", [(" + (float)a.eps)", " + (MUT ? 0.F : (float)a.eps))")]),
    ("the weight multiplies before the rounding", "NUMBERS",
     [("        round_to(&r.v[i], to_float(r.v[i]) * rstd);\n",
       "        if (!MUT)\n            round_to(&r.v[i], to_float(r.v[i]) * rstd);\n"),
      ("to_float(r.v[i]) * to_float(w.v[i])", "to_float(r.v[i]) * (MUT ? rstd : 1.F) * to_float(w.v[i])")]),
    ("heads lie one after another whatever the stride", "NUMBERS RACE",
     [("token * stride +", "token * (MUT ? per_token * n : stride) +")]),
    ("dw is summed before all warps have written theirs", "RACE UNINIT",
     [("    __syncthreads();\n    if (lane != 0", "    if (!MUT)\n        __syncthreads();\n    if (lane != 0")]),
    ("every warp writes dw", "RACE", [("if (lane != 0 || i >= a.n)", "if ((lane != 0 && !MUT) || i >= a.n)")]),
    ("columns beyond the last", "OOB", [("    if (i < a.n)\n        for", "    if (i < a.n || MUT)\n        for")]),
    ("the last stretch of rows goes on beyond them", "OOB",
     [("begin + stretch < a.rows ? begin + stretch : a.rows", "begin + stretch < a.rows || MUT ? begin + stretch : a.rows")]),
    ("dw's shared sums are indexed the wrong way round", "OOB",
     [("sums[lane][column] = sum", "sums[MUT ? column : lane][MUT ? lane : column] = sum")]),
    ("the last stretch is left out", "NUMBERS", [("p < n_parts; p++", "p < n_parts - MUT; p++")]),
    ("dw is overwritten", "NUMBERS",
     [("static_cast<float *>(a.dw)[i] += sum", "static_cast<float *>(a.dw)[i] = (MUT ? 0 : static_cast<float *>(a.dw)[i]) + sum")]),
    ("dx is written before dw reads dy, which may be the same", "NUMBERS",
     [("    if (a.dw) /* first: dx may be dy */\n", "    if (a.dw && !MUT)\n"),
      ("        launch_dx<T, false>(dev->stream, a);\n",
       "        launch_dx<T, false>(dev->stream, a);\n    if (a.dw && MUT)\n        launch_dw<T>(dev, a);\n")]),
    ("a sign", "NUMBERS", [("(g - h * mean)", "(MUT ? g + h * mean : g - h * mean)")]),
    ("16 bytes from any address", "ALIGN",
     [("reinterpret_cast<uintptr_t>(p) % sizeof(Chunk<T>) == 0", "(MUT || reinterpret_cast<uintptr_t>(p) % sizeof(Chunk<T>) == 0)")],
     "same_bits"),
    ("16 bytes from rows of any length", "OOB ALIGN",
     [("return stride % Chunk<T>::n == 0 && ", "return (MUT || stride % Chunk<T>::n == 0) && ")]),
    ("launched on whatever device is current, forward", "LAUNCH",
     [("forward<float>(d->stream, *a)", "MUT ? (void)cudaSetDevice(0) : (void)0, forward<float>(d->stream, *a)")], "two_devices"),
    ("launched on whatever device is current, backward", "LAUNCH",
     [("backward<float>(d, *a)", "MUT ? (void)cudaSetDevice(0) : (void)0, backward<float>(d, *a)")], "two_devices"),
    ("one row of a block gets its rstd", "NUMBERS",
     [("threadIdx.x % threads == 0)", "threadIdx.x % (MUT ? block_threads : threads) == 0)")]),
]


def plant(source, out):
    text = pathlib.Path(source).read_text()
    for number, (bug, _, changes, *_) in enumerate(RMSNORM, 1):
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


def run(emu, rmsnorm):
    jobs = {"no bug in emu_*.cu": (emu, 0, "*", None), "no bug in rmsnorm.cu": (rmsnorm, 0, "*", None)}
    for name, kinds in EMU.items():
        jobs |= {f"emu_{name} {n}": (emu, n, name, kind) for n, kind in enumerate(kinds, 1)}
    for n, (bug, kind, _, *tests) in enumerate(RMSNORM, 1):
        jobs[f"rmsnorm {n}, {bug}"] = (rmsnorm, n, tests[0] if tests else "shapes", kind)
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
