"""expected.py -- what reference solutions return, computed in another process under plain python3: compute() is for
programs, and run as a script this file is that process. A solution runs in a fork of its own; one that has to do with
sets twice, with two orders of them: what depends on that order is no expected value. They are trusted: no sandbox.

SPDX-License-Identifier: Apache-2.0
"""
import json
import marshal
import os
import pathlib
import resource
import subprocess
import sys
import tempfile
import time

PYTHON = "/usr/bin/python3" if os.path.exists("/usr/bin/python3") else sys.executable
LIMIT_S, LIMIT_MEMORY, LIMIT_TEXT = 120, 2 ** 30, 4 * 2 ** 20


def compute(tasks, python=PYTHON):
    """For each task {"code", "entry_point", "inputs": [text of an argument tuple], "not_none"?, "as_sets"?} a dict:
    "outputs", texts that Python reads (None: one too large to be kept), and "seconds" of processor time; or "error", why
    there are none."""
    first = run(tasks, python, "1")
    again = [i for i, t in enumerate(tasks) if not t.get("as_sets") and ("set" in t["code"] or "{" in t["code"])]
    for i, second in zip(again, run([tasks[i] for i in again], python, "2")):
        if "error" not in first[i] and first[i]["outputs"] != second.get("outputs"):
            first[i] = {"error": second.get("error", "its values depend on the order of a set")}
    return first


def run(tasks, python, seed):
    with tempfile.TemporaryFile("w+") as lines:
        lines.write("".join(json.dumps(t) + "\n" for t in tasks))
        lines.seek(0)
        done = subprocess.run([python, "-s", pathlib.Path(__file__).resolve()], stdin=lines, stdout=subprocess.PIPE,
                              text=True, env={**os.environ, "PYTHONHASHSEED": seed})
    found = [json.loads(line) for line in done.stdout.splitlines()]
    if done.returncode or len(found) != len(tasks):
        sys.exit(f"expected.py: {python} ended with {done.returncode}")
    return found


# ---- in the other process ------------------------------------------------------------------------------------------

def text_of(value):
    """Python's own notation for builtin values; what only derives from one (a Counter) counts as it. Sets in order."""
    if value is None or isinstance(value, (bool, int, float, complex, str, bytes)):
        kinds = (bool, int, float, complex, str, bytes)
        return repr(next((k(value) for k in kinds if isinstance(value, k)), None))
    if isinstance(value, dict):
        return "{" + ", ".join(f"{text_of(k)}: {text_of(v)}" for k, v in value.items()) + "}"
    if isinstance(value, (set, frozenset)):
        name = "set" if isinstance(value, set) else "frozenset"
        inside = ", ".join(sorted(map(text_of, value)))
        return f"{name}([{inside}])" if not inside or name == "frozenset" else "{" + inside + "}"
    if isinstance(value, list):
        return "[" + ", ".join(map(text_of, value)) + "]"
    if isinstance(value, tuple):
        return "(" + "".join(text_of(v) + ", " for v in value) + ")"
    raise TypeError(f"it returns a {type(value).__name__}, which is no value to compare")


def short_text_of(value):
    """The same, faster: what marshal takes is of builtin types and no other."""
    try:
        if isinstance(value, (list, tuple)) and len(value) > LIMIT_TEXT:
            raise MemoryError
        marshal.dumps(value, 2)
    except ValueError:
        return text_of(value)
    text = repr(value)
    return text if "{" not in text and "set(" not in text else text_of(value)


def answer(task):
    names = {"__name__": "solution"}
    inputs = [eval(text, {"inf": float("inf"), "nan": float("nan")}) for text in task["inputs"]]
    exec(compile(task["code"], "solution", "exec"), names)
    solution, start = names[task["entry_point"]], time.process_time()
    outputs = [one_answer(solution, args, task.get("not_none")) for args in inputs]
    return {"outputs": outputs, "seconds": time.process_time() - start}


def one_answer(solution, args, not_none):
    try:
        value = solution(*args)
        if not_none and not isinstance(value, bool):
            value = value is not None
        text = short_text_of(value)
    except MemoryError:
        return None
    return text if len(text) <= LIMIT_TEXT else None


def forked(task, out):
    """Writes one line, whatever becomes of the solution."""
    pid = os.fork()
    if pid == 0:
        resource.setrlimit(resource.RLIMIT_CPU, (LIMIT_S, LIMIT_S))
        resource.setrlimit(resource.RLIMIT_AS, (LIMIT_MEMORY, LIMIT_MEMORY))
        quiet = os.open(os.devnull, os.O_RDWR)
        for fd in (0, 1, 2):
            os.dup2(quiet, fd)
        try:
            line = answer(task)
        except BaseException as e:  # it is not ours
            line = {"error": f"{type(e).__name__}: {e}"}
        with os.fdopen(out, "w") as f:
            f.write(json.dumps(line) + "\n")
        os._exit(0)
    _, status = os.waitpid(pid, 0)
    if status:
        line = {"error": f"its process ended with {os.waitstatus_to_exitcode(status)}"}
        os.write(out, (json.dumps(line) + "\n").encode())


def main():
    sys.set_int_max_str_digits(0)
    sys.setrecursionlimit(10000)
    out = os.dup(1)
    tasks = [json.loads(line) for line in sys.stdin]
    for task in tasks:
        forked(task, out)


if __name__ == "__main__":
    main()
