#!/usr/bin/env python3
"""What kernels/cuda/cublaslt.h declares of cuBLASLt against NVIDIA's own header (of ASSAY_CUBLASLT_HEADER, else of the package
nvidia-cublas, else of a CUDA toolkit), and against the library beside it, if there is one: all the functions are there.
SPDX-License-Identifier: Apache-2.0"""
import ctypes
import glob
import os
import pathlib
import re
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLACES = [os.environ.get("ASSAY_CUBLASLT_HEADER", ""), *(f"{p}/nvidia/*/include/cublasLt.h" for p in sys.path if p),
          os.environ.get("CUDA_HOME", "/usr/local/cuda") + "/include/cublasLt.h"]


def main():
    headers = [h for place in PLACES if place for h in sorted(glob.glob(place), reverse=True)]
    if not headers:
        print("SKIP peers.cublaslt: no cublasLt.h (name one in ASSAY_CUBLASLT_HEADER, or install nvidia-cublas)")
        return 77
    include = pathlib.Path(headers[0]).parent
    source = pathlib.Path(__file__).with_name("cublaslt.cpp")
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", "-fsyntax-only", "-Wall", f"-I{ROOT}", f"-isystem{include}",
                    str(source)], check=True)
    print(f"{headers[0]}: as we say")
    names = re.findall(r'"(cublasLt\w+)"', (ROOT / "kernels/cuda/cublaslt.h").read_text())
    assert len(names) == 15, names
    for library in sorted(glob.glob(str(include.parent / "lib*" / "libcublasLt.so.1?"))):
        functions = ctypes.CDLL(library)
        for name in names:
            getattr(functions, name)
        print(f"{library}: has all {len(names)} functions")
    return 0


if __name__ == "__main__":
    sys.exit(main())
