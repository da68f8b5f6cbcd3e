#!/usr/bin/env python3
"""ptxas.py FILE.ptxas... -- registers, shared memory and spills of each kernel, as `ptxas -v` said while it was compiled
(cmake/nvcc.cmake keeps that). A kernel that spills registers fails.

SPDX-License-Identifier: Apache-2.0
"""
import pathlib
import re
import subprocess
import sys


def kernels(text):
    """(target, mangled name, registers, shared bytes, spilled bytes, stack bytes) of each kernel."""
    for part in re.split(r"Compiling entry function ", text)[1:]:
        name, target = re.match(r"'(\S+)' for '(\S+)'", part).groups()
        registers = re.search(r"Used (\d+) registers", part)
        spills = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part)
        shared = re.search(r"(\d+) bytes smem", part)
        stack, stores, loads = (int(n) for n in spills.groups())
        yield target, name, int(registers.group(1)), int(shared.group(1)) if shared else 0, stores + loads, stack


def readable(names):
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() if done.returncode == 0 else names
    return [re.sub(r"\(anonymous namespace\)::|^void |\(.*", "", line.replace("(anonymous namespace)::", ""))
            for line in lines]


def main(paths):
    rows = [row for path in paths for row in kernels(pathlib.Path(path).read_text())]
    bad = 0
    print(f"{'kernel':<44} {'target':<8} {'registers':>9} {'shared':>7} {'spilled':>8}")
    names = readable([row[1] for row in rows])
    for name, (target, _, registers, shared, spilled, stack) in sorted(zip(names, rows)):
        wrong = " SPILLS" if spilled or stack else ""
        bad += bool(wrong)
        print(f"{name:<44} {target:<8} {registers:>9} {shared:>7} {spilled:>8}{wrong}")
    print(f"ptxas: {len(rows)} kernels, {bad} with spills or a stack of their own")
    return 1 if bad or not rows else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
