"""The language of the model `azr`: small Python programs over lists, numbers and strings; run by an interpreter of its own.

    def f(x):
     x=sorted(x)
     return x[::-1]

A program is up to five lines, `x=EXPR` and a last `return EXPR`. Nothing is executed as Python: expressions are walked, each
value on the way is bounded, what is not listed here is refused. So a program from anywhere costs microseconds and touches
nothing. Values that a task may have: whole numbers up to 999, strings up to 12, lists up to 8 long and two deep, written in at
most 16 characters.

SPDX-License-Identifier: Apache-2.0
"""
import ast
import functools
import operator

MOST_LINES, MOST_TEXT, MOST_VALUE = 5, 200, 16
MOST_NUMBER, MOST_ITEMS, STEPS = 10**9, 256, 2_000  # on the way
CHARACTERS = set("\n def(x):return forinlsxuma[]=,+-*/%>'ktch.pl0123456789abcde")


class Invalid(Exception):
    """A program that is none, or a value out of bounds."""


# ---- values ----------------------------------------------------------------------------------------------------------

def text_of(value):
    return repr(value).replace(" ", "")


def is_value(value, depth=0):
    kind = type(value)
    if kind is int:
        return -999 <= value <= 999
    if kind is str:
        return len(value) <= 12
    return kind is list and depth < 2 and len(value) <= 8 and all(is_value(v, depth + 1) for v in value)


def is_task_value(value):
    return is_value(value) and len(text_of(value)) <= MOST_VALUE


def value_of(text):
    """Of a literal; Invalid where it is none."""
    if len(text) > MOST_TEXT or not set(text) <= CHARACTERS:
        raise Invalid(text)
    try:
        value = ast.literal_eval(text)
    except (ValueError, SyntaxError, MemoryError, RecursionError, TypeError) as e:
        raise Invalid(text) from e
    if not is_value(value):
        raise Invalid(text)
    return value


def is_same(a, b):
    return type(a) is type(b) and text_of(a) == text_of(b)


# ---- expressions -----------------------------------------------------------------------------------------------------

def bounded(value):
    if isinstance(value, int):
        if abs(value) > MOST_NUMBER:
            raise Invalid("number")
    elif len(value) > MOST_ITEMS:
        raise Invalid("length")
    return value


def multiply(a, b):
    if isinstance(a, (str, list)) and isinstance(b, int) or isinstance(b, (str, list)) and isinstance(a, int):
        items, times = (a, b) if isinstance(b, int) else (b, a)
        if len(items) * max(times, 0) > MOST_ITEMS:
            raise Invalid("length")
    return a * b


def remainder(a, b):
    if isinstance(a, str):  # formatting
        raise Invalid("%")
    return a % b


BINARY = {ast.Add: operator.add, ast.Sub: operator.sub, ast.Mult: multiply, ast.FloorDiv: operator.floordiv,
          ast.Mod: remainder}
FUNCTIONS = {"sorted": sorted, "len": len, "sum": sum, "max": max, "min": min, "set": set, "str": str}
METHODS = {"count": (str, list), "replace": (str,)}


class Machine:
    """Walks expressions, at most `STEPS` parts of one program."""

    def __init__(self):
        self.steps = STEPS

    def index(self, node, names):
        if isinstance(node, ast.Slice):
            return slice(*(None if part is None else self.run(part, names) for part in (node.lower, node.upper, node.step)))
        return self.run(node, names)

    def call(self, node, names):
        if node.keywords:
            raise Invalid("keyword")
        arguments = [self.run(a, names) for a in node.args]
        if isinstance(node.func, ast.Name) and node.func.id in FUNCTIONS:
            if node.func.id == "str" and any(isinstance(a, set) for a in arguments):
                raise Invalid("the order of a set")
            return FUNCTIONS[node.func.id](*arguments)
        if isinstance(node.func, ast.Attribute) and node.func.attr in METHODS:
            of = self.run(node.func.value, names)
            if type(of) in METHODS[node.func.attr] and all(type(a) in (int, str) for a in arguments):
                if node.func.attr == "replace" and len(of) * max([len(a) for a in arguments[1:2]], default=0) > MOST_ITEMS:
                    raise Invalid("length")
                return getattr(of, node.func.attr)(*arguments)
        raise Invalid("call")

    def comprehension(self, node, names):
        loop, out = node.generators[0], []
        if len(node.generators) != 1 or not isinstance(loop.target, ast.Name) or loop.is_async:
            raise Invalid("comprehension")
        items = self.run(loop.iter, names)
        if isinstance(items, set):
            raise Invalid("the order of a set")
        for item in items:
            inner = dict(names, **{loop.target.id: item})
            if all(self.run(test, inner) for test in loop.ifs):
                out.append(self.run(node.elt, inner))
        return out

    def run(self, node, names):
        kind = type(node)
        self.steps -= 1
        if self.steps < 0:
            raise Invalid("steps")
        if kind is ast.Constant and type(node.value) in (int, str):
            return bounded(node.value)
        if kind is ast.Name and node.id in names:
            return names[node.id]
        if kind is ast.List:
            return [self.run(e, names) for e in node.elts]
        if kind is ast.BinOp and type(node.op) in BINARY:
            return bounded(BINARY[type(node.op)](self.run(node.left, names), self.run(node.right, names)))
        if kind is ast.UnaryOp and isinstance(node.op, ast.USub):
            return -self.run(node.operand, names)
        if kind is ast.Subscript:
            return self.run(node.value, names)[self.index(node.slice, names)]
        if kind is ast.Compare and len(node.ops) == 1 and isinstance(node.ops[0], ast.Gt):
            return self.run(node.left, names) > self.run(node.comparators[0], names)
        if kind is ast.Call:
            return bounded(self.call(node, names))
        if kind is ast.ListComp:
            return self.comprehension(node, names)
        raise Invalid(kind.__name__)


# ---- programs --------------------------------------------------------------------------------------------------------

@functools.lru_cache(maxsize=50_000)
def parse(text):
    """The expressions of a program's lines, or None where it is none."""
    if not text.startswith("def f(x):\n") or len(text) > MOST_TEXT or text.count("\n") > MOST_LINES or \
            not set(text) <= CHARACTERS:
        return None
    try:
        body = ast.parse(text).body
    except (SyntaxError, ValueError, MemoryError, RecursionError):
        return None
    if len(body) != 1 or not isinstance(body[0], ast.FunctionDef):
        return None
    lines = body[0].body
    if not isinstance(lines[-1], ast.Return) or lines[-1].value is None:
        return None
    for line in lines[:-1]:
        if not isinstance(line, ast.Assign) or len(line.targets) != 1 or not isinstance(line.targets[0], ast.Name) or \
                line.targets[0].id != "x":
            return None
    return [line.value for line in lines]


def run(text, value):
    """What the program makes of the value; Invalid where it is no program, fails, or makes what no task may have."""
    lines = parse(text)
    if lines is None:
        raise Invalid(text)
    machine = Machine()
    try:
        for line in lines:
            value = machine.run(line, {"x": value})
    except (TypeError, ValueError, IndexError, ZeroDivisionError, OverflowError, RecursionError) as e:
        raise Invalid(text) from e
    if not is_value(value):
        raise Invalid(text)
    return value


# ---- programs at random ----------------------------------------------------------------------------------------------

def digit(rng, low=1, high=9):
    return str(rng.randint(low, high))


def letter(rng):
    return f"'{rng.choice('abcde')}'"


# of each type: (type of the result, expression); of lists, those that give lists come first
LIST_OPS = [("L", lambda r: "x[::-1]"), ("L", lambda r: "sorted(x)"), ("L", lambda r: "x[1:]"), ("L", lambda r: "x[:-1]"),
            ("L", lambda r: f"x+[{digit(r, 0)}]"), ("L", lambda r: f"[{digit(r, 0)}]+x"),
            ("L", lambda r: f"[i+{digit(r, 1, 5)} for i in x]"), ("L", lambda r: "[i for i in x if i%2]"),
            ("L", lambda r: "x+x")]
OPS = {
    "L": LIST_OPS + [("I", lambda r: "len(x)"), ("I", lambda r: "sum(x)"), ("I", lambda r: "max(x)"), ("I", lambda r: "min(x)"),
                     ("I", lambda r: "x[0]"), ("I", lambda r: "x[-1]")],
    "I": [("I", lambda r: f"x+{digit(r)}"), ("I", lambda r: f"x-{digit(r)}"), ("I", lambda r: f"x*{digit(r, 2, 3)}"),
          ("I", lambda r: f"x%{digit(r, 2, 5)}"), ("I", lambda r: "x//2"), ("L", lambda r: f"[x,{digit(r)}]"),
          ("L", lambda r: f"[{digit(r)},x]"), ("S", lambda r: "str(x)")],
    "S": [("S", lambda r: "x[::-1]"), ("S", lambda r: f"x+{letter(r)}"), ("S", lambda r: f"{letter(r)}+x"),
          ("S", lambda r: "x[1:]"), ("S", lambda r: "x[:-1]"), ("S", lambda r: "x+x"),
          ("S", lambda r: f"x.replace({letter(r)},{letter(r)})"), ("I", lambda r: "len(x)"),
          ("I", lambda r: f"x.count({letter(r)})"), ("S", lambda r: "x[0]"), ("S", lambda r: "x[-1]")],
}


def random_type(rng):
    return rng.choices("LSI", [0.6, 0.2, 0.2])[0]


def random_input(rng, kind):
    if kind == "L":
        return [rng.randint(0, 9) for _ in range(rng.randint(2, 4))]
    if kind == "S":
        return "".join(rng.choice("abcde") for _ in range(rng.randint(2, 4)))
    return rng.randint(0, 20)


def random_program(rng, depth, kind):
    text = "def f(x):"
    for k in range(depth):
        ops = LIST_OPS if kind == "L" and k < depth - 1 and rng.random() < 0.6 else OPS[kind]
        kind, expression = rng.choice(ops)
        text += ("\n return " if k == depth - 1 else "\n x=") + expression(rng)
    return text


def random_pairs(rng, depth, n):
    """(program, its input's type, n pairs of input and output)"""
    while True:
        kind = random_type(rng)
        text = random_program(rng, depth, kind)
        pairs = more_pairs(rng, text, kind, n)
        if len(pairs) == n:
            return text, kind, pairs


def more_pairs(rng, text, kind, n):
    """Up to n: inputs on which the program fails are left out."""
    pairs = []
    for _ in range(n):
        value = random_input(rng, kind)
        try:
            result = run(text, value)
        except Invalid:
            continue
        if is_task_value(result):
            pairs.append((value, result))
    return pairs
