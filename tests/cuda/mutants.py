#!/usr/bin/env python3
"""mutants.py FILE -- bugs planted on purpose: each mutant of a kernel is compiled, linked with the test of that kernel, and
must be caught, by the finding that is named here or by wrong numbers. FILE says what to compile and link with; cmake
writes it. The right kernels pass these tests, or the tests of that name fail.

SPDX-License-Identifier: Apache-2.0
"""
import concurrent.futures
import os
import pathlib
import subprocess
import sys
import tempfile

# A mutant is caught by a report of one of these kinds, or by NUMBERS; RACE on top of wrong numbers is as good.
EMU = {  # file: tests to run, then for n = 1, 2, ... of its MUT what finds it (None: no bug at all, and nothing is found)
    "emu_norm": ("norm", ["RACE", "NUMBERS", "DIVERGE", "DIVERGE", "UNINIT", "OOB"]),
    "emu_gemm": ("gemm", ["ASYNC RACE", "RACE ASYNC", "ASYNC", "RACE", "NUMBERS", "OOB", "ALIGN"]),
    "emu_attention": ("attention", ["RACE", "NUMBERS", "OOB", "NUMBERS", "RACE", None, "OOB UNINIT NUMBERS"]),
    "emu_embed": ("embed", ["RACE", "OOB"]),
}
# rmsnorm.cu: what the bug is, what finds it, pairs of old and new text (old stands there once), and
# the test where it is not "shapes"
RMSNORM = [
    ("a row's sums are read before all warps have written theirs", "RACE UNINIT",
     [("    __syncthreads();\n    s = part[0];", "    s = part[0];")]),
    ("the tree over a warp leaves half of it out", "NUMBERS", [("int o = 16; o > 0", "int o = 8; o > 0")]),
    ("the sum over warps leaves one out", "NUMBERS", [("for (int i = 1; i < block_threads / 32", "for (int i = 2; i < block_threads / 32")]),
    ("a chunk is read one number too far", "OOB",
     [("if (first + i < n)\n            c.v[i]", "if (first + i <= n)\n            c.v[i]")]),
    ("a chunk is written one number too far", "OOB RACE",
     [("if (first + i < n)\n            row[first + i]", "if (first + i <= n)\n            row[first + i]")]),
    ("one row too many, forward", "OOB", [("if (row >= a.rows)", "if (row > a.rows)")]),
    ("one row too many, backward", "OOB", [("if (r >= a.rows)", "if (r > a.rows)")]),
    ("eps is left out", "NUMBERS", [(" + (float)a.eps)", ")")]),
    ("the weight multiplies before the rounding", "NUMBERS",
     [("        round_to(&r.v[i], to_float(r.v[i]) * rstd);\n", ""),
      ("to_float(r.v[i]) * to_float(w.v[i])", "to_float(r.v[i]) * rstd * to_float(w.v[i])")]),
    ("heads lie one after another whatever the stride", "NUMBERS RACE", [("token * stride +", "token * per_token * n +")]),
    ("dw is summed before all warps have written theirs", "RACE UNINIT",
     [("    __syncthreads();\n    if (lane != 0", "    if (lane != 0")]),
    ("every warp writes dw", "RACE", [("if (lane != 0 || i >= a.n)", "if (i >= a.n)")]),
    ("columns beyond the last", "OOB", [("    if (i < a.n)\n        for", "    for")]),
    ("the last stretch of rows goes on beyond them", "OOB",
     [("begin + stretch < a.rows ? begin + stretch : a.rows", "begin + stretch")]),
    ("dw's shared sums are indexed the wrong way round", "OOB", [("sums[lane][column] = sum", "sums[column][lane] = sum")]),
    ("the last stretch is left out", "NUMBERS", [("p < n_parts; p++", "p < n_parts - 1; p++")]),
    ("dw is overwritten", "NUMBERS", [("static_cast<float *>(a.dw)[i] += sum", "static_cast<float *>(a.dw)[i] = sum")]),
    ("dx is written before dw reads dy, which may be the same", "NUMBERS",
     [("    if (a.dw) /* first: dx may be dy */\n        launch_dw<T>(dev, a);\n", ""),
      ("        launch_dx<T, false>(dev->stream, a);\n",
       "        launch_dx<T, false>(dev->stream, a);\n    if (a.dw)\n        launch_dw<T>(dev, a);\n")]),
    ("a sign", "NUMBERS", [("(g - h * mean)", "(g + h * mean)")]),
    ("16 bytes from any address", "ALIGN", [("reinterpret_cast<uintptr_t>(p) % sizeof(Chunk<T>) == 0", "true")], "same_bits"),
    ("16 bytes from rows of any length", "OOB ALIGN", [("return stride % Chunk<T>::n == 0 && ", "return ")]),
    ("one row of a block gets its rstd", "NUMBERS", [("threadIdx.x % threads == 0)", "threadIdx.x == 0)")]),
]


class Build:
    def __init__(self, path):
        lines = dict(line.split(" ", 1) for line in pathlib.Path(path).read_text().splitlines() if line)
        self.compiler = lines["compiler"]
        self.flags = [word.removeprefix("SHELL:") for item in lines["flags"].split(";") for word in item.split(" ")]
        self.source = pathlib.Path(lines["source"])
        self.objects = {name: lines[name].split(";") for name in ("emu", "rmsnorm")}
        self.libraries = lines["libraries"].split(";")

    def run(self, name, path, extra, test, tests):
        """Compiles path in the place of its object, runs those tests; what they said and how they ended."""
        with tempfile.TemporaryDirectory() as folder:
            out, program = f"{folder}/mutant.o", f"{folder}/mutant"
            done = subprocess.run([self.compiler, *self.flags, "-x", "c++", *extra, f"-I{self.source}", "-c", str(path), "-o",
                                   out], capture_output=True, text=True)
            if done.returncode == 0:
                others = [o for o in self.objects[test] if not o.endswith(f"/{name}.cu.o")]
                assert len(others) == len(self.objects[test]) - 1, f"{name} is not in the test {test}"
                done = subprocess.run([self.compiler, *others, out, *self.libraries, "-o", program], capture_output=True,
                                      text=True)
            if done.returncode:
                return "does not build: " + done.stderr[-800:], None
            try:
                done = subprocess.run([program, *tests], capture_output=True, text=True, timeout=120)
            except subprocess.TimeoutExpired:
                return "runs for two minutes", None
            return done.stdout + done.stderr, done.returncode


def verdict(wanted, said, status):
    """None, or what is wrong."""
    if status is None:
        return said
    if wanted is None:
        return None if status == 0 else "is no bug, and something was found: " + said[-400:]
    if status == 0:
        return "is not caught"
    if any(f"emu: {kind} in" in said or f"{kind} " in said for kind in wanted.split()):
        return None
    return f"was to be caught by {wanted}; the test said: {said[-600:]}"


def emu_mutant(build, name, n, tests, wanted):
    path = build.source / "tests/cuda" / f"{name}.cu"
    return verdict(wanted, *build.run(name, path, [f"-DMUT={n}"], "emu", [tests]))


def rmsnorm_mutant(build, wanted, changes, tests="shapes"):
    text = (build.source / "kernels/cuda/rmsnorm.cu").read_text()
    for old, new in changes:
        if text.count(old) != 1:
            return f"stands in the source {text.count(old)} times, not once: {old!r}"
        text = text.replace(old, new)
    with tempfile.NamedTemporaryFile("w", suffix=".cu") as file:
        file.write(text)
        file.flush()
        return verdict(wanted, *build.run("rmsnorm", file.name, ["-O1"], "rmsnorm", [tests]))


def main(path):
    build = Build(path)
    jobs = {f"{name} MUT={n}": (emu_mutant, build, name, n, tests, kind)
            for name, (tests, kinds) in EMU.items() for n, kind in enumerate(kinds, 1)}
    jobs |= {f"rmsnorm: {bug}": (rmsnorm_mutant, build, *how) for bug, *how in RMSNORM}
    n_bad = 0
    with concurrent.futures.ThreadPoolExecutor(len(os.sched_getaffinity(0))) as pool:
        for name, why in zip(jobs, pool.map(lambda job: job[0](*job[1:]), jobs.values())):
            if why:
                n_bad += 1
                print(f"FAILED {name}: {why}")
    print(f"{len(jobs)} mutants, {n_bad} not as they should be")
    return 1 if n_bad else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
