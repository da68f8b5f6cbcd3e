#!/usr/bin/env python3
"""ptxas.py REASONS FILE.ptxas... -- registers, shared memory and spills of each kernel on each target, as `ptxas -v` said while
it was compiled (cmake/nvcc.cmake keeps that). Shared memory: what is declared; what a launch asks for comes on top.

A kernel that spills registers, or has a stack, fails, unless REASONS says why it does: lines `KERNEL on TARGET: reason`, shell
patterns both. A reason that no kernel needs any longer fails too. SPDX-License-Identifier: Apache-2.0
"""
import fnmatch
import pathlib
import re
import subprocess
import sys

TARGETS = ("sm_80", "sm_90", "sm_90a")


def kernels(text):
    """(target, mangled name, (registers, shared bytes, spilled bytes, stack bytes)) of each kernel."""
    for part in re.split(r"Compiling entry function ", text)[1:]:
        name, target = re.match(r"'(\S+)' for '(\S+)'", part).groups()
        registers = re.search(r"Used (\d+) registers", part)
        spills = re.search(r"(\d+) bytes stack frame, (\d+) bytes spill stores, (\d+) bytes spill loads", part)
        shared = re.search(r"(\d+) bytes smem", part)
        stack, stores, loads = (int(n) for n in spills.groups())
        yield target, name, (int(registers.group(1)), int(shared.group(1)) if shared else 0, stores + loads, stack)


def readable(names):
    """Names as they stand in the source: without namespaces, result and arguments."""
    done = subprocess.run(["c++filt"], input="\n".join(names), capture_output=True, text=True, check=False)
    lines = done.stdout.splitlines() if done.returncode == 0 else names
    return [re.sub(r"^void |\(.*", "", re.sub(r"\(anonymous namespace\)::|\(\w+\)(?=-?\d)", "", line)) for line in lines]


def read_reasons(path):
    """(kernel, target, reason) of each line; # begins a comment."""
    reasons = []
    for number, line in enumerate(pathlib.Path(path).read_text(encoding="utf-8").splitlines(), 1):
        if not line.strip() or line.startswith("#"):
            continue
        found = re.match(r"(\S.*?) on (\S+): (\S.*)", line)
        if not found:
            sys.exit(f"ptxas: {path}:{number}: not `KERNEL on TARGET: reason`: {line}")
        reasons.append(found.groups())
    return reasons


def why_spills(reasons, kernel, targets):
    """What the list says of a kernel that spills on these targets, and its lines; None where it says nothing of one of them."""
    found = [r for r in reasons if fnmatch.fnmatchcase(kernel, r[0]) and any(fnmatch.fnmatchcase(t, r[1]) for t in targets)]
    is_said = all(any(fnmatch.fnmatchcase(t, r[1]) for r in found) for t in targets)
    return "; ".join(dict.fromkeys(r[2] for r in found)) if is_said else None, found


def main(reasons_path, paths):
    seen = {}  # (source, mangled name) -> target -> figures
    for path in map(pathlib.Path, paths):
        for target, name, figures in kernels(path.read_text(encoding="utf-8")):
            seen.setdefault((path.name.split(".")[0], name), {})[target] = figures
    reasons, used, spilling, bad = read_reasons(reasons_path), set(), 0, 0
    names = dict(zip(seen, readable([name for _, name in seen])))
    width = max((len(source) + len(names[source, name]) + 2 for source, name in seen), default=6)
    print(f"on {', '.join(TARGETS)}:")
    print(f"{'kernel':<{width}} {'registers':>12} {'shared':>7} {'spilled':>8} {'stack':>6}")
    for key in sorted(seen, key=lambda k: (k[0], names[k])):
        columns = ["/".join(map(str, x if len(set(x)) > 1 else x[:1])) for x in zip(*(seen[key].get(t, "----") for t in TARGETS))]
        targets = [t for t, figures in seen[key].items() if figures[2] or figures[3]]
        said = ""
        if targets:
            why, lines = why_spills(reasons, names[key], targets)
            used.update(lines)
            spilling += 1
            bad += why is None
            said = f"  {why}" if why else "  SPILLS, and no reason is given"
        print(f"{key[0] + ': ' + names[key]:<{width}} {columns[0]:>12} {columns[1]:>7} {columns[2]:>8} {columns[3]:>6}{said}")
    stale = [r for r in reasons if r not in used]
    for kernel, target, _ in stale:
        print(f"ptxas: {reasons_path}: `{kernel} on {target}`: no such kernel spills; take the line out")
    missing = [t for t in TARGETS if any(t not in targets for targets in seen.values()) or not seen]
    for target in missing:
        print(f"ptxas: not everything was compiled for {target}")
    print(f"ptxas: {len(seen)} kernels, {spilling} with spills or a stack of their own, {bad} of them without a reason")
    return 1 if bad or stale or missing else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1], sys.argv[2:]))
