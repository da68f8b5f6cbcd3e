"""Compiles each header alone: it includes what it uses, may be included twice, and warns of nothing.
SPDX-License-Identifier: Apache-2.0"""
import concurrent.futures
import glob
import os
import subprocess
import sys

WARNINGS = ["-Wall", "-Wextra", "-Wpedantic", "-Wshadow", "-Wundef", "-Wconversion", "-Werror", "-Wno-unused-function"]


def compile_alone(job):
    compiler, std, language, folders, header = job
    source = f'#include "{header}"\n#include "{header}"\ntypedef int not_empty;\n'
    command = [compiler, f"-std={std}", "-x", language, "-D_GNU_SOURCE", "-fsyntax-only", *WARNINGS]
    command += [f"-I{folder}" for folder in folders] + ["-"]
    done = subprocess.run(command, input=source, text=True, capture_output=True, check=False)
    return header, std, done.returncode, done.stderr


def jobs(cc, cxx, root):
    include, host = os.path.join(root, "include"), os.path.join(root, "host")
    for path in sorted(glob.glob(os.path.join(include, "*", "*.h"))):
        name = os.path.relpath(path, include)
        yield cc, "c11", "c", [include], name
        yield cxx, "c++11", "c++", [include], name
    for path in sorted(glob.glob(os.path.join(host, "*", "*.h"))):
        yield cc, "gnu11", "c", [include, host, root], os.path.relpath(path, host)


def main():
    cc, cxx, root = sys.argv[1:]
    everything = list(jobs(cc, cxx, root))
    bad = 0
    with concurrent.futures.ThreadPoolExecutor(os.cpu_count()) as pool:
        for header, std, status, text in pool.map(compile_alone, everything):
            if status != 0:
                bad += 1
                print(f"{header} ({std}) does not compile alone:\n{text}")
    print(f"{len(everything) - bad} of {len(everything)} compile alone")
    return 1 if bad or len(everything) < 20 else 0


if __name__ == "__main__":
    sys.exit(main())
