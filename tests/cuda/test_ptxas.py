#!/usr/bin/env python3
"""What .ci/ptxas.py says of kernels that spill, of reasons that are given, and of reasons nobody needs.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(os.environ.get("ASSAY_SOURCE", pathlib.Path(__file__).resolve().parents[2]))
ALL = ("sm_80", "sm_90", "sm_90a")


def said(name, target, stack=0, spilled=0, registers=40):
    """As ptxas writes it."""
    return (f"ptxas info    : Compiling entry function '{name}' for '{target}'\n"
            f"ptxas info    : Function properties for {name}\n"
            f"    {stack} bytes stack frame, {spilled} bytes spill stores, {spilled} bytes spill loads\n"
            f"ptxas info    : Used {registers} registers, used 1 barriers, 32 bytes smem, 464 bytes cmem[0]\n")


def check(what, reasons, logs, rc, *words):
    with tempfile.TemporaryDirectory() as folder:
        home = pathlib.Path(folder)
        (home / "spills.txt").write_text(reasons)
        (home / "gemm.cu.o.ptxas").write_text("".join(logs))
        done = subprocess.run([sys.executable, SOURCE / ".ci" / "ptxas.py", home / "spills.txt", home / "gemm.cu.o.ptxas"],
                              capture_output=True, text=True, check=False)
    text = done.stdout + done.stderr
    missing = [w for w in words if w not in text]
    if done.returncode != rc or missing:
        sys.exit(f"{what}: ended with {done.returncode}, not {rc}; not said: {missing}\n{text}")


FINE = [said("_Z4sumsv", t, registers=n) for t, n in zip(ALL, (40, 50, 50))]
SPILLS = [said("_Z4tallIfEvv", t, spilled=8 if t == "sm_80" else 0) for t in ALL]
check("no spill", "# nothing\n\n", FINE, 0, "gemm: sums", "40/50/50", "1 kernels, 0 with")
check("a spill", "", FINE + SPILLS, 1, "gemm: tall<float>", "16/0/0", "no reason is given", "1 of them without")
check("a reason", "tall<*> on sm_80: wide rows\n", FINE + SPILLS, 0, "wide rows", "0 of them without")
check("a reason for another target", "tall<*> on sm_90: wide rows\n", FINE + SPILLS, 1, "no reason is given", "take the line out")
check("a reason for one of two", "tall<*> on sm_80: wide\n", FINE + [said("_Z4tallIfEvv", t, spilled=8) for t in ALL], 1,
      "no reason is given")
check("a reason that nobody needs", "sums on *: once\n", FINE, 1, "sums on *", "take the line out")
check("a stack", "", [said("_Z4sumsv", t, stack=16) for t in ALL], 1, "no reason is given")
check("not a reason", "tall spills\n", FINE, 1, "spills.txt:1", "not `KERNEL on TARGET: reason`")
check("a target left out", "", FINE[:2], 1, "not everything was compiled for sm_90a")
check("nothing at all", "", [], 1, "0 kernels")
