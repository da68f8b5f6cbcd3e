"""bench/code_cases.py -- problems with reference solutions, mutants of them, answers in the manner of chats, and what plain
python3 says of a program: for bench/code_suites and tests/cli/test_code_suites.py. Everything is made from a seed.

SPDX-License-Identifier: Apache-2.0
"""
import ast
import concurrent.futures
import json
import os
import pathlib
import random
import subprocess
import sys
import tempfile

SOURCE = pathlib.Path(__file__).resolve().parent.parent
sys.path.insert(0, str(SOURCE / "examples" / "code_suites"))
import expected  # noqa: E402
import suite  # noqa: E402

PASSED = 77  # the exit status of a plain run that came to its end
PLAIN = f"""import os, resource, sys
resource.setrlimit(resource.RLIMIT_CPU, (int(sys.argv[2]), int(sys.argv[2])))
resource.setrlimit(resource.RLIMIT_AS, (2 ** 31, 2 ** 31))
exec(compile(open(sys.argv[1], encoding="utf-8").read(), "program", "exec"), {{"__name__": "program"}})
os._exit({PASSED})
"""


def folder():
    return pathlib.Path(os.environ.get("ASSAY_SHARED", SOURCE.parent / "shared")) / "data" / "code"


def have():
    return all((folder() / name).exists() for name in ("HumanEval.jsonl.gz", "MbppPlus.jsonl.gz", "mbpp_sample.jsonl"))


def rows(name):
    return suite.read_rows(folder() / name)


class Problem:
    """A suite's line, its solution, and the tests as plain python3 runs them behind a program."""

    def __init__(self, line, entry, tests, prompt=""):
        self.id, self.reference, self.solution = line["id"], line["reference"], line["solution"].replace("\r\n", "\n")
        self.entry, self.tests, self.prompt, self.left_out = entry, tests, prompt, 0


def humaneval():
    return [Problem(line, row["entry_point"], row["test"] + f"\ncheck({row['entry_point']})\n", row["prompt"])
            for row, line in zip(rows("HumanEval.jsonl.gz"), suite.convert("humaneval", rows("HumanEval.jsonl.gz")))]


def mbppplus_asserts():
    """MBPP+ by the rows' own assertions."""
    found = []
    for row, line in zip(rows("MbppPlus.jsonl.gz"), suite.convert("evalplus", rows("MbppPlus.jsonl.gz"), "--asserts")):
        setup = json.loads(line["reference"]).get("setup", "")
        found.append(Problem(line, row["entry_point"], f"{setup}\n{row['assertion']}\n"))
    return found


def mbpp():
    found = []
    for line in suite.convert("mbpp", rows("mbpp_sample.jsonl"), "--challenge"):
        reference = json.loads(line["reference"])
        found.append(Problem(line, None, "\n".join([reference.get("setup", ""), *reference["asserts"]])))
    return found


def mbppplus_inputs(*flags):
    """MBPP+ by its inputs; a row's inputs whose values are too large to be kept are counted."""
    given, found = rows("MbppPlus.jsonl.gz"), []
    n = {row["task_id"]: len(row["base_input"]) + ("--base" not in flags and len(row["plus_input"])) for row in given}
    for line in suite.convert("evalplus", given, *flags):
        reference = json.loads(line["reference"])
        found.append(Problem(line, reference["entry_point"], None))
        found[-1].left_out = n[line["id"]] - len(reference["inputs"])
    return found


def block(code, tag="python"):
    return f"```{tag}\n{code}\n```"


# ---- mutants -----------------------------------------------------------------------------------------------------------

FLIPS = {ast.Lt: ast.LtE, ast.LtE: ast.Lt, ast.Gt: ast.GtE, ast.GtE: ast.Gt, ast.Eq: ast.NotEq, ast.NotEq: ast.Eq,
         ast.In: ast.NotIn, ast.NotIn: ast.In, ast.Is: ast.IsNot, ast.IsNot: ast.Is, ast.Add: ast.Sub, ast.Sub: ast.Add,
         ast.Mult: ast.Add, ast.Div: ast.Mult, ast.FloorDiv: ast.Mod, ast.Mod: ast.FloorDiv, ast.Pow: ast.Mult,
         ast.And: ast.Or, ast.Or: ast.And, ast.BitAnd: ast.BitOr, ast.BitOr: ast.BitXor, ast.BitXor: ast.BitAnd,
         ast.LShift: ast.RShift, ast.RShift: ast.LShift, ast.USub: ast.UAdd}


def changes(tree):
    """Every way to change one place: functions of nothing, each with what it is called."""
    found = []

    def put(node, field, value, what, at=None):
        def do():
            if at is None:
                setattr(node, field, value)
            else:
                getattr(node, field)[at] = value
        found.append((what, do))
    for node in ast.walk(tree):
        if isinstance(node, ast.Compare):
            for i, op in enumerate(node.ops):
                put(node, "ops", FLIPS[type(op)](), f"{type(op).__name__} flipped", i)
        elif isinstance(node, (ast.BinOp, ast.BoolOp, ast.AugAssign, ast.UnaryOp)) and type(node.op) in FLIPS:
            put(node, "op", FLIPS[type(node.op)](), f"{type(node.op).__name__} flipped")
        elif isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.Not):
            put(node, "op", ast.UAdd(), "not dropped")
        elif isinstance(node, ast.Constant) and type(node.value) is int:
            put(node, "value", node.value + 1, "constant + 1")
            put(node, "value", node.value - 1, "constant - 1")
        elif isinstance(node, ast.Constant) and type(node.value) is bool:
            put(node, "value", not node.value, "constant negated")
    return found


def written(problem, tree):
    """What of it a model would write: not the helpers in the prompt, which the tests use as they are given there."""
    mine = [s for s in tree.body if isinstance(s, ast.FunctionDef) and s.name == problem.entry]
    return ast.Module(mine, []) if problem.prompt else tree


def mutants(problem, n, seed):
    """At most n programs, each with one change: [(what, source)]; other than the solution and each other."""
    rng = random.Random(f"{seed} {problem.id}")
    count = len(changes(written(problem, suite.parse(problem.solution))))
    seen, found = {ast.unparse(suite.parse(problem.solution))}, []
    for i in rng.sample(range(count), count):
        tree = suite.parse(problem.solution)
        what, do = changes(written(problem, tree))[i]
        do()
        source = ast.unparse(ast.fix_missing_locations(tree))
        if source not in seen and len(found) < n:
            seen.add(source)
            found.append((what, source))
    return found


# ---- plain python3 -----------------------------------------------------------------------------------------------------

def plain(programs, cpu_s=6, jobs=2):
    """Which of [(source, tests)] plain python3 runs to their end, each in a process of its own."""
    with tempfile.TemporaryDirectory() as where, concurrent.futures.ThreadPoolExecutor(jobs) as pool:
        def one(i):
            path = pathlib.Path(where) / f"{i}.py"
            path.write_text("\n".join(programs[i]), encoding="utf-8")
            try:
                done = subprocess.run([expected.PYTHON, "-I", "-c", PLAIN, path, str(cpu_s)], stdin=subprocess.DEVNULL,
                                      stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL, cwd=where, timeout=20 * cpu_s)
            except subprocess.TimeoutExpired:
                return False
            return done.returncode == PASSED
        return list(pool.map(one, range(len(programs))))


# ---- answers in the manner of chats ----------------------------------------------------------------------------------

def parts(problem):
    """(imports, other definitions, the function) of the solution; None where it is no one function at the top."""
    body = suite.parse(problem.solution).body
    mine = [s for s in body if isinstance(s, ast.FunctionDef) and s.name == problem.entry]
    if len(mine) != 1 or body[-1] is not mine[0]:
        return None
    imports = [s for s in body if isinstance(s, (ast.Import, ast.ImportFrom))]
    others = [s for s in body if s not in imports and s is not mine[0]]
    return tuple("\n".join(map(ast.unparse, part)) for part in (imports, others, mine))


def as_method(problem):
    """The solution as a method of Solution; None where it calls itself or has helpers."""
    found = parts(problem)
    if not found or found[1]:
        return None
    function = suite.parse(found[2]).body[0]
    if any(isinstance(n, ast.Name) and n.id == problem.entry for n in ast.walk(function)):
        return None
    function.args.args.insert(0, ast.arg("self"))
    return found[0] + "\n\nclass Solution:\n" + "\n".join("    " + s for s in ast.unparse(function).split("\n"))


def chats(problem):
    """[(what, completion, the verdicts it may have)]"""
    code = problem.solution.strip("\n")
    wrong = f"def {problem.entry}(*args):\n    raise NotImplementedError('still to be done')"
    half = code[:len(code) // 2]
    example = block(f"print({problem.entry})")
    found = [
        ("prose around", f"Sure! Here is a solution.\n\n{block(code)}\n\nIt runs in linear time.", "pass"),
        ("no language tag", f"Here you are:\n{block(code, '')}\nDone.", "pass"),
        ("tag py", block(code, "py"), "pass"),
        ("tag Python3", block(code, "Python3"), "pass"),
        ("tildes", f"~~~python\n{code}\n~~~", "pass"),
        ("the text is the program", code, "pass"),
        ("lines end with CR LF", f"Here:\n{block(code)}\n".replace("\n", "\r\n"), "pass"),
        ("the fence is glued to the code", f"```python\n{code}```\nThat is all.", "pass"),
        ("a shell and an output beside it", f"{block('pip install nothing', 'bash')}\n{block(code)}\nIt prints\n"
         f"{block('True', '')}", "pass"),
        ("an example of its use behind it", f"{block(code)}\nUse it like this:\n{example}", "pass"),
        ("in a list, indented", "1. Write it:\n\n" + "\n".join("   " + s for s in block(code).split("\n")) + "\n\n2. Run it.",
         "pass"),
        ("a main part behind it", block(f"{code}\n\nif __name__ == '__main__':\n    print('nothing to see')"), "pass"),
        ("wrong first, right last", f"First try:\n{block(wrong)}\nThat is wrong. Better:\n{block(code)}", "pass"),
        ("thoughts with a wrong one", f"<think>\n{block(wrong)}\n</think>\n{block(code)}", "pass"),
        ("right, then one that is cut off", f"{block(code)}\nShorter:\n```python\n{half}", "pass"),
        ("right first, wrong last", f"{block(code)}\nOr rather:\n{block(wrong)}", "fail"),
        ("right in the thoughts, wrong behind", f"<think>\n{block(code)}\n</think>\n{block(wrong)}", "fail"),
        ("cut off", f"Here is a solution.\n\n```python\n{half}", "no_answer"),
        ("right in the thoughts only", f"<think>\n{block(code)}\n</think>\nThat was easy.", "no_answer"),
        ("no program", f"I would call a function {problem.entry} and look at what it returns.", "no_answer"),
    ]
    split = parts(problem)
    if split and (split[0] or split[1]):
        before = "\n".join(p for p in split[:2] if p)
        found.append(("imports and helpers in an earlier block", f"First:\n{block(before)}\nNow the function:\n{block(split[2])}",
                      "pass"))
    method = as_method(problem)
    if method:
        found.append(("a method of Solution", block(method), "pass"))
    if problem.prompt:
        found.append(("what the prompt goes on to", problem.solution[len(problem.prompt):], "pass"))
    return found
