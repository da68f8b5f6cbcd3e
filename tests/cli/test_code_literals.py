#!/usr/bin/env python3
"""What the code verifier reads as a literal is what Python reads: random ones and mutants of them, each given to a program
in the box that evaluates the text itself and compares, type by type; what is refused, ast.literal_eval refuses too.

SPDX-License-Identifier: Apache-2.0
"""
import ast
import random
import warnings

from test_code import Code, block, main_or_skip

MUTANTS, WHOLE = 900, 300
ALPHABET = "0123456789 +-.,()[]{}:'\"\\xXeEjJ_#\nbrouTNFs"
JUDGE = block('''
def same(a, b):
    if type(a) is not type(b):
        return False
    if type(a) in (list, tuple):
        return len(a) == len(b) and all(map(same, a, b))
    if type(a) is dict:
        return same(list(a.items()), list(b.items()))
    if type(a) in (set, frozenset):
        return a == b and sorted(map(repr, a)) == sorted(map(repr, b))
    if type(a) is float:
        return a.hex() == b.hex()
    return same((a.real, a.imag), (b.real, b.imag)) if type(a) is complex else a == b

def f(text, value):
    return same(eval(text, {"inf": float("inf"), "nan": float("nan")}), value)
''')


def number(r):
    whole = str(r.choice([0, 1, 7, r.randrange(10**6), r.randrange(10**30), 2**63, 2**64 - 1]))
    return r.choice([
        whole, hex(r.randrange(2**r.randrange(1, 90))), oct(r.randrange(2**70)), bin(r.randrange(2**9)), "1_000_0", "00",
        f"{r.random():.{r.randrange(1, 18)}f}", repr(r.random() * 10.0**r.randrange(-320, 300)), "1e400", "1e-400", ".5", "5.",
        "0.1e1_0", f"{whole}.{whole[::-1]}e-{r.randrange(40)}", whole + "j", ".5e3J", "1e308j",
        f"{r.randrange(9)}{r.choice(['+', ' + ', '-', ' -'])}{r.randrange(9)}.{r.randrange(9)}j", "-0.0 - 0j", "-0 + 2j"])


def text(r):
    pieces = ["a", "é", "日", "\U0001f600", "\\n", "\\t", "\\\\", "\\x41", "\\xe9", "\\u00e9", "\\U0001F600", "\\101", "\\0", "\\400",
              "\\ud800", "\\q", "\\\n", "{", "#", "\\a", "\\'", '\\"', " "]
    mark = r.choice(["", "", "r", "u", "b", "B", "Rb", "bR", "R"])
    quote = r.choice(["'", '"', "'''", '"""'])
    body = "".join(r.choice(pieces) for _ in range(r.randrange(6)))
    if "b" in mark.lower():
        body = body.encode("ascii", "ignore").decode()
    one = f"{mark}{quote}{body}{quote}"
    return one + (r.choice([" ", "", "\n"]) + text(r) if r.random() < 0.1 else "")


def literal(r, depth=0):
    kind = r.randrange(12 if depth < 4 else 5)
    if kind < 3:
        return r.choice(["", "", "-", "+", "- "]) + number(r)
    if kind < 5:
        return text(r) if kind == 3 else r.choice(["None", "True", "False"])
    items = [literal(r, depth + 1) for _ in range(r.randrange(4))]
    end = r.choice(["", ",", " , "]) if items else ""
    if kind < 7:
        return "[" + r.choice([",", ", ", ",\n"]).join(items) + end + " ]"
    if kind < 9:
        return "(" + ", ".join(items) + end + ")"
    if kind == 9:
        return "{" + ", ".join(items) + end + "}" if items else "set()"
    if kind == 10:
        return "{" + ", ".join(f"{literal(r, 4)}: {i}" for i in items) + end + "}"
    return r.choice(["set([", "frozenset(("]) + "".join(i + "," for i in items) + "X"


def closed(one):
    return one.replace("X", "])") if one.startswith("set([") else one.replace("X", "))")


def mutant(r, one):
    for _ in range(r.randrange(1, 4)):
        at = r.randrange(len(one) + 1)
        one = one[:at] + r.choice([r.choice(ALPHABET), "", one[at:at + 2] * 2]) + one[at + r.randrange(2):]
    return one


def python_reads(text_of):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        try:
            ast.literal_eval(text_of)
            return True
        except (ValueError, SyntaxError, TypeError, MemoryError, RecursionError):
            return False


class Literals(Code):
    def agree(self, texts):
        wrapped = [f"({t}\n,)" for t in texts]
        rows = [{"completion": JUDGE, "reference": {"entry_point": "f", "format": "python", "outputs": ["True"],
                                                    "inputs": [f"({w!r}, {w})"]}} for w in wrapped]
        read = 0
        for w, result in zip(wrapped, self.verify(rows)):
            with self.subTest(literal=w):
                if result["verdict"] == "abstain":
                    self.assertFalse(python_reads(w) and "\\N" not in w, "Python reads it")
                    continue
                self.assertEqual((result["verdict"], result.get("reason")), ("pass", None))
                read += 1
        return read

    def test_random_ones(self):
        r = random.Random(1)
        texts = [t for t in (closed(literal(r)) for _ in range(3 * WHOLE)) if python_reads(t) or "set(" in t][:WHOLE]
        self.assertGreater(self.agree(texts), WHOLE * 2 // 3)

    def test_mutants(self):
        r = random.Random(2)
        read = self.agree([mutant(r, closed(literal(r, 2))) for _ in range(MUTANTS)])
        self.assertGreater(read, MUTANTS // 5)


if __name__ == "__main__":
    main_or_skip()
