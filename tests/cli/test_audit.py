#!/usr/bin/env python3
"""`assay audit` through the real binary. The labels are judged by a reader of LaTeX of its own, with decimals of 80
digits, so that neither the generator nor any verifier is asked whether it is right.

SPDX-License-Identifier: Apache-2.0
"""
import decimal
import gzip
import random
import re
from decimal import Decimal

from run_assay import *

decimal.getcontext().prec = 80
PI = Decimal("3.1415926535897932384626433832795028841971693993751058209749445923078164062862089986280348253421170679")
EQUAL, DIFFERENT = Decimal("1e-50"), Decimal("1e-25")


class NotRead(Exception):
    """Outside of what this reader knows: such a case is not judged here."""


class Number:
    """re + im i, decimals of 80 digits; exact enough to tell every pair the generator makes apart."""

    def __init__(self, re_, im=0):
        self.re, self.im = Decimal(re_), Decimal(im)

    def __add__(self, o):
        return Number(self.re + o.re, self.im + o.im)

    def __neg__(self):
        return Number(-self.re, -self.im)

    def __mul__(self, o):
        return Number(self.re * o.re - self.im * o.im, self.re * o.im + self.im * o.re)

    def inverse(self):
        n = self.re * self.re + self.im * self.im
        if n == 0:
            raise NotRead("division by zero")
        return Number(self.re / n, -self.im / n)

    def power(self, e):
        if self.im == 0 and e.im == 0 and self.re > 0:
            return Number(self.re ** e.re)
        n = int(e.re)
        if e.im != 0 or n != e.re or not 0 <= n <= 60:
            raise NotRead("power")
        out = Number(1)
        for _ in range(n):
            out = out * self
        return out


# Unknowns stand for fixed numbers: polynomials that agree there agree, but by an accident nobody will see.
UNKNOWN = {c: Number(Decimal(k * k + 7) / Decimal(13 + k)) for k, c in enumerate("abcjklmnopqrstuvwxyzABCNMPQRSTUXYZ")}
TOKEN = re.compile(r"\\[dt]?frac|\\sqrt|\\cdot|\\times|\\pi|\\overline|\\left|\\right|\\,|\\!|\\;|\\ |"
                   r"\d+|sqrt|pi|[a-zA-Z]|[-+*/^(){}.]|\s+|.", re.S)


class Reader:
    """+ - * / ^ juxtaposition, fractions, roots, mixed and repeating numbers."""

    def __init__(self, text):
        text = text.replace("{,}", "").replace(",\\!", "").replace("−", "-").replace("π", "\\pi ")
        text = re.sub(r"(?<=\d)\\,(?=\d{3})", "", text)
        if re.fullmatch(r"\s*-?\d{1,3}(,\d{3})+\s*", text):
            text = text.replace(",", "")
        text = re.sub(r"\\[dt]?frac(\d)(\d)", r"\\frac{\1}{\2}", text)
        self.t = [t for t in TOKEN.findall(text) if not re.fullmatch(r"\s+|\\left|\\right|\\,|\\!|\\;|\\ ", t)]
        self.i = 0

    def peek(self):
        return self.t[self.i] if self.i < len(self.t) else ""

    def take(self, *words):
        if self.peek() in words and self.peek():
            self.i += 1
            return self.t[self.i - 1]
        return ""

    def need(self, word):
        if not self.take(word):
            raise NotRead(f"no {word} but {self.peek()}")

    def all(self):
        v = self.sum()
        if self.peek():
            raise NotRead(self.peek())
        return v

    def sum(self):
        negative = self.take("-", "+") == "-"
        v = self.term()
        v = -v if negative else v
        while sign := self.take("+", "-"):
            t = self.term()
            v = v + (-t if sign == "-" else t)
        return v

    def term(self):
        v = self.power()
        while True:
            if self.take("*", "\\cdot", "\\times"):
                negative = self.take("-")
                f = self.power()
                v = v * (-f if negative else f)
            elif self.take("/"):
                v = v * self.power().inverse()
            elif re.match(r"[a-zA-Z({\\]", self.peek()):
                v = v * self.power()
            else:
                return v

    def power(self):
        v = self.factor()
        if self.take("^"):
            if self.peek() != "{" and not self.peek().isdigit():
                raise NotRead("exponent")
            if self.take("{"):
                e = self.sum()
                self.need("}")
            else:
                e = Number(self.peek())
                self.i += 1
            v = v.power(e) if e.re >= 0 else v.power(-e).inverse()
        return v

    def group(self):
        self.need("{")
        v = self.sum()
        self.need("}")
        return v

    def number(self):
        whole = self.peek() if self.peek().isdigit() else "0"
        self.i += self.peek().isdigit()
        if not self.take("."):
            v = Number(whole)
            if self.peek() in ("\\frac", "\\dfrac", "\\tfrac") or self.peek().isdigit():  # 2\frac{1}{3}, 2 1/3
                part = self.factor() if not self.peek().isdigit() else self.slash()
                if part.im or not 0 < part.re < 1:
                    raise NotRead("mixed")
                return v + part
            return v
        digits = self.peek() if self.peek().isdigit() else ""
        self.i += bool(digits)
        v = Number(f"{whole}.{digits or 0}")
        if self.take("\\overline"):
            self.need("{")
            cycle = self.peek()
            self.i += 1
            self.need("}")
            v = v + Number(Decimal(int(cycle)) / (Decimal(10) ** len(digits) * (Decimal(10) ** len(cycle) - 1)))
        if self.peek() in ("e", "E"):
            self.i += 1
            sign = -1 if self.take("-") else 1
            v = v * Number(Decimal(10) ** (sign * int(self.peek())))
            self.i += 1
        return v

    def slash(self):
        p = int(self.peek())
        self.i += 1
        self.need("/")
        q = int(self.peek())
        self.i += 1
        return Number(Decimal(p) / Decimal(q))

    def factor(self):
        t = self.peek()
        if t.isdigit() or t == ".":
            return self.number()
        self.i += 1
        if t in ("\\frac", "\\dfrac", "\\tfrac"):
            top = self.group()
            return top * self.group().inverse()
        if t == "\\sqrt":
            v = self.group()
            if v.im or v.re < 0:
                raise NotRead("root")
            return Number(v.re.sqrt())
        if t == "sqrt":
            self.need("(")
            v = self.sum()
            self.need(")")
            return Number(v.re.sqrt())
        if t in ("\\pi", "pi"):
            return Number(PI)
        if t in ("(", "{"):
            v = self.sum()
            self.need(")" if t == "(" else "}")
            return v
        if t == "i":
            return Number(0, 1)
        if t in UNKNOWN:
            return UNKNOWN[t]
        raise NotRead(t)


def cut(text, separator):
    """Parts outside of brackets."""
    out, depth, now = [], 0, ""
    for c in text:
        depth += (c in "([{") - (c in ")]}")
        if c == separator and depth == 0:
            out.append(now)
            now = ""
        else:
            now += c
    return out + [now]


UNIT = re.compile(r"\s*(?:\\,)?\s*\\(?:text|mathrm|mbox)\{\s*([a-z ]+)\}\s*$")


def read(text):
    """(kind, parts): comparable with `same`."""
    s = text.strip()
    if s.startswith("$") and s.endswith("$") and s.count("$") == 2:
        s = s[1:-1].strip()
    s = re.sub(r"\\left(?![a-z])|\\right(?![a-z])", "", s).strip()
    if m := re.fullmatch(r"\\begin\{([bp]matrix)\}(.*)\\end\{\1\}", s, re.S):
        rows = [[Reader(c).all() for c in row.split("&")] for row in m.group(2).split("\\\\")]
        return "matrix", rows
    if s.startswith("\\{") and s.endswith("\\}"):
        return "set", [read(p) for p in cut(s[2:-2], ",")]
    if m := re.fullmatch(r"(\d+)_\{?(\d+)\}?", s):
        return "value", Number(int(m.group(1), int(m.group(2)))), m.group(2)
    if s[:1] in "([" and s[-1:] in ")]" and len(cut(s[1:-1], ",")) > 1 and len(cut(s, ",")) == 1:
        return s[0] + s[-1], [end(p) for p in cut(s[1:-1], ",")]
    if " \\text{ and } " in s:
        return "set", [read(p) for p in s.split(" \\text{ and } ")]
    if len(cut(s, ",")) > 1 and not re.fullmatch(r"-?\d{1,3}((,|\{,\}|,\\!)\d{3})+", s):
        if "\\!" in s:
            raise NotRead("thousands in a list")
        return "set", [read(p) for p in cut(s, ",")]
    return value(s)


def end(p):
    p = p.strip()
    if p in ("\\infty", "+\\infty", "-\\infty"):
        return "infinite", p[0] == "-"
    return read(p)


def value(s):
    """A number, perhaps with a unit (which one side may leave out) or the name of an unknown."""
    unit = ""
    if m := re.match(r"\s*([xnyN])\s*=\s*(?=[-\d\\.])", s):
        s = s[m.end():]
    if s.startswith("\\$"):
        s, unit = s[2:], "dollars"
    for mark, name in (("\\%", "percent"), ("%", "percent"), ("^{\\circ}", "degrees"), ("^\\circ", "degrees"),
                       ("°", "degrees")):
        if s.endswith(mark):
            s, unit = s[:-len(mark)], name
    if m := UNIT.search(s):
        s, unit = s[:m.start()], m.group(1).strip()
    if s.endswith("."):
        s = s[:-1]
    return "value", Reader(s).all(), "" if unit == "units" else unit


def same(a, b):
    if a[0] != b[0]:
        return False
    if a[0] == "value":
        off = a[1] + -b[1]
        size = max(abs(off.re), abs(off.im))
        if EQUAL < size < DIFFERENT:
            raise NotRead("too near")
        return size <= EQUAL and (a[2] == b[2] or not a[2] or not b[2])
    if a[0] == "infinite":
        return a == b
    if a[0] == "set":
        return all(any(same(x, y) for y in b[1]) for x in a[1]) and all(any(same(x, y) for y in a[1]) for x in b[1])
    if a[0] == "matrix":
        return ([len(r) for r in a[1]] == [len(r) for r in b[1]] and
                all(same(("value", x, ""), ("value", y, "")) for r, s in zip(a[1], b[1]) for x, y in zip(r, s)))
    return len(a[1]) == len(b[1]) and all(same(x, y) for x, y in zip(a[1], b[1]))


def boxed(completion):
    """The inside of the last box, or of the math that ends a sentence without one."""
    at = max(completion.rfind("\\boxed{"), completion.rfind("\\fbox{"))
    if at < 0:
        m = re.search(r"answer(?: is|:) \$(.*)\$\.?$", completion)
        if not m:
            raise NotRead("no box")
        return m.group(1)
    at = completion.index("{", at) + 1
    depth, i = 1, at
    while depth:
        depth += {"{": 1, "}": -1}.get(completion[i], 0)
        i += 2 if completion[i] == "\\" else 1
    return completion[at:i - 1]


def golds(n, seed):
    """Golds of every shape that the reader above knows too."""
    r = random.Random(seed)
    z = lambda m=2000: r.randint(-m, m)
    sf = lambda: r.choice([2, 3, 5, 6, 7, 10, 11, 13, 15])
    frac = lambda: f"{r.choice(['', '-'])}\\{r.choice(['frac', 'dfrac'])}{{{r.randint(1, 99)}}}{{{r.randint(2, 60)}}}"
    scalar = lambda: r.choice([lambda: str(z(50)), frac, lambda: f"{r.randint(2, 9)}\\sqrt{{{sf()}}}"])()
    # x stands for the name of an unknown as well; t is what a near miss renames to
    shapes = [lambda: str(z()), lambda: str(z(10)), lambda: str(r.randint(10**4, 10**9)), frac, frac,
              lambda: f"{r.randint(0, 99)}.{r.randint(1, 999)}",
              lambda: f"{r.randint(2, 9)}\\frac{{{r.randint(1, 3)}}}{{4}}",
              lambda: f"{r.randint(2, 30)}\\sqrt{{{sf()}}}", lambda: f"{z(9)}+{r.randint(2, 9)}\\sqrt{{{sf()}}}",
              lambda: f"\\frac{{{r.randint(1, 9)}+\\sqrt{{{sf()}}}}}{{{r.randint(2, 9)}}}",
              lambda: f"{z(9)}+{r.randint(1, 9)}i", lambda: f"{r.randint(2, 99)}\\pi",
              lambda: f"\\frac{{\\pi}}{{{r.randint(2, 9)}}}",
              lambda: f"{r.randint(2, 9)}x^{r.randint(2, 5)}-{r.randint(2, 9)}x+{r.randint(1, 9)}",
              lambda: f"{r.randint(1, 99)}\\%", lambda: f"{r.randint(1, 179)}^\\circ",
              lambda: f"\\${r.randint(1, 99)}.{r.randint(10, 99)}",
              lambda: f"{r.randint(1, 99)}\\text{{ miles}}",
              lambda: f"{r.randint(1, 4)}{r.randint(0, 4)}{r.randint(0, 4)}_{{{r.randint(5, 9)}}}",
              lambda: f"({scalar()},{scalar()})", lambda: f"\\left({scalar()}, {scalar()}, {scalar()}\\right)",
              lambda: f"[{r.randint(-9, 0)},{r.randint(1, 9)})", lambda: f"(-\\infty,{z(20)}]",
              lambda: ", ".join(str(k) for k in r.sample(range(-50, 50), r.randint(2, 5))),
              lambda: "\\{" + ", ".join(scalar() for _ in range(3)) + "\\}",
              lambda: f"\\begin{{pmatrix}} {scalar()} & {z(9)} \\\\ {z(9)} & {z(9)} \\end{{pmatrix}}"]
    return [{"answer": r.choice(shapes)()} for _ in range(n)]


# Labels that do not rest on the values alone; each has a test below or rests on how an answer is given.
BY_RULE = re.compile(r"relation|contradiction|digits-apart|:order$|name$|unknown$|"
                     r"text-around:(?!verbatim|twice|padded|right-in-prose|right-then-wrong|thought|wrong-then)")


class Audit(AssayTest):
    def cases(self, rows, *more, plugin="exact"):
        out = self.dir / "cases.jsonl"
        self.assay("audit", "--plugin", plugin, "--in", self.file("golds.jsonl", rows), "--out", out, "--force", *more)
        return lines_of(out.read_text())

    def judge(self, rows):
        """How many labels were tried; a wrong one ends the test."""
        n, unread, kinds = 0, 0, set()
        for row in rows:
            if row["class"] in ("self", "hostile") or BY_RULE.search(row["kind"]):
                continue
            try:
                got = same(read(row["reference"]), read(boxed(row["completion"])))
            except NotRead:
                unread += 1
                continue
            self.assertEqual(got, row["expect"], row)
            kinds.add((row["class"], row["kind"]))
            n += 1
        return n, unread, kinds

    def test_labels(self):
        seed = int.from_bytes(os.urandom(4), "little")
        with self.subTest(seed=seed):
            rows = self.cases(golds(1500, seed), "--seed", seed, "--kinds", "equal,near-miss", "--per-gold", 6)
            n, unread, kinds = self.judge(rows)
            self.assertGreater(n, 10000)
            self.assertLess(unread, n / 20)
            self.assertGreater(len(kinds), 200)
            for kind in ("int:commas", "frac:mixed", "frac:repeating", "radical:rationalised", "complex:swapped",
                "poly:nested",
                         "list:permuted", "matrix:parts", "interval:left-right", "percent:word", "base:form"):
                self.assertIn(("equal", kind), kinds)
            for kind in ("int:100n", "int:*1.00004", "frac:inverse", "frac:cut", "radical:radicand", "radical:decimal",
                         "complex:conjugate", "list:dropped", "tuple:swapped", "interval:flipped", "matrix:transposed",
                         "base:base", "unit:other-unit", "text-around:right-then-wrong"):
                self.assertTrue(("near-miss", kind) in kinds or kind == "unit:other-unit", kind)

    def test_labels_of_real_golds(self):
        shared = os.environ.get("ASSAY_SHARED", str(SOURCE.parent / "shared"))
        path = pathlib.Path(shared, "data/math/golds.jsonl.gz")
        if not path.exists():
            self.skipTest("golds.jsonl.gz is not here")
        with gzip.open(path, "rt", encoding="utf-8") as f:
            rows = [json.loads(line) for line in f]
        rows = random.Random().sample(rows, 3000)
        n, _, _ = self.judge(self.cases(rows, "--kinds", "equal,near-miss"))
        self.assertGreater(n, 10000)

    def test_kinds_whose_label_rests_on_a_rule(self):
        def made(gold, want, class_):
            rows = self.cases([{"answer": gold}] * 40, "--kinds", class_, "--seed", 5, "--per-gold", 20)
            return {boxed(r["completion"]) for r in rows if r["kind"] == want}

        self.assertEqual(made("42", "int:digits-apart", "near-miss"), {"4 2"})
        self.assertLessEqual(made("42", "int:relation", "near-miss"), {f"x {s} 42" for s in (">", "<", "\\ge",
            "\\le", "\\ne")})
        self.assertEqual(made("42", "int:contradiction", "near-miss"), {"41 = 42", "x = 41 = 42"})
        self.assertEqual(made("[-3,2)", "interval:order", "equal"), {"-3 \\le x < 2", "2 > x \\ge -3"})
        self.assertEqual(made("(-\\infty,1)\\cup[4,\\infty)", "union:order", "equal"), {"x < 1 \\text{ or } x \\ge 4"})
        self.assertEqual(made("x \\ge 5", "inequality:interval", "equal"), {"[5, \\infty)"})
        self.assertEqual(made("x \\ge 5", "inequality:flipped", "near-miss"), {"x > 5"})
        self.assertEqual(made("x \\ge 5", "inequality:side", "near-miss"), {"x \\le 5"})
        self.assertEqual(made("x > 5", "inequality:turned", "equal"), {"5 < x"})
        self.assertEqual(made("x = 5", "equation:alone", "equal"), {"5"})
        self.assertEqual(made("x = 5", "equation:name", "near-miss"), {"y=5"})
        self.assertEqual(made("y = 2x+3", "curve:roles", "near-miss"), {"x=2y+3"})
        self.assertEqual(made("y = -x+3", "curve:roles", "near-miss"), set())  # the same line
        self.assertEqual(made("y = x", "curve:roles", "near-miss"), set())
        self.assertEqual(made("\\text{east}", "text:backwards", "near-miss"), {"\\text{tsae}"})
        self.assertEqual(made("\\text{level}", "text:backwards", "near-miss"), set())  # a palindrome
        self.assertEqual(made("\\text{(C)}", "choice:other", "near-miss"), {"A", "B", "D", "E"})
        self.assertEqual(made("5\\text{ cm}", "unit:other-unit", "near-miss"), {"5\\text{ m}"})
        self.assertEqual(made("0\\text{ cm}", "unit:other-unit", "near-miss"), set())
        self.assertEqual(made("1_{5}", "base:base", "near-miss"), set())  # 1 is 1 in every base
        self.assertEqual(made("\\begin{pmatrix} 1 & 2 \\\\ 2 & 1 \\end{pmatrix}", "matrix:transposed", "near-miss"),
            set())
        self.assertEqual(made("(3,3)", "tuple:swapped", "near-miss"), set())
        self.assertEqual(made("0", "int:-n", "near-miss"), set())
        self.assertEqual(made("1", "int:square", "near-miss"), set())

    def test_contested_readings_are_left_alone(self):
        rows = self.cases([{"answer": a} for a in ["50\\%", "2.5", "7.02e5", "1,234"]] * 50, "--per-gold", 10,
            "--seed", 3)
        for row in rows:
            if row["class"] not in ("equal", "near-miss") or row["kind"].startswith("text-around"):
                continue
            inside = boxed(row["completion"])
            self.assertNotEqual(row["reference"], "1,234", row)
            if row["reference"] == "50\\%":
                self.assertRegex(inside, r"%|percent", row)
                self.assertFalse(re.fullmatch(r"(5000|0\.50?)(\\%|%)", inside), row)
            if row["class"] == "near-miss" and row["reference"] in ("2.5", "7.02e5"):
                got = read(inside)
                if got[0] == "value" and got[1].im == 0:
                    off = abs(got[1].re - Decimal(row["reference"]))
                    self.assertGreaterEqual(off, Decimal("0.1") if row["reference"] == "2.5" else 351000, row)

    def test_always_right_and_always_wrong(self):
        rows = golds(300, 1)
        path = self.file("golds.jsonl", rows)
        summary = lambda plugin, *more: json.loads(self.assay("audit", "--plugin", plugin, "--in", path, "--json",
            *more).out)
        lax = summary(TEST_PLUGINS / "always_pass.so")
        self.assertEqual((lax["false_positives"]["rate"], lax["false_negatives"]["rate"], lax["self"]["wrong"]), (1,
            0, 0))
        self.assertEqual(lax["hostile"]["wrong"], lax["hostile"]["cases"])
        self.assertGreater(lax["false_positives"]["low"], 0.99)
        self.assertEqual(lax["false_positives"]["high"], 1)
        bytes_ = summary("exact")  # knows nothing but the bytes of the whole text
        self.assertEqual(bytes_["false_positives"]["wrong"], 0)
        self.assertEqual(bytes_["false_negatives"]["rate"], 1)
        self.assertEqual(bytes_["self"]["wrong"], 300)  # bare passes, boxed does not
        mute = summary(TEST_PLUGINS / "always_abstain.so")
        for key in ("false_positives", "false_negatives"):
            self.assertEqual((mute[key]["scored"], mute[key]["rate"]), (0, None))
            self.assertEqual(mute[key]["abstain"], mute[key]["cases"])
        boxes = summary('exact:{"take":"answer"}')
        self.assertEqual(boxes["self"]["wrong"], 0)

    def test_math(self):
        summary = json.loads(self.assay("audit", "--plugin", "math", "--in", self.file("golds.jsonl", golds(400, 7)),
            "--json").out)
        self.assertEqual(summary["schema"], "assay.audit_summary/1")
        self.assertEqual(summary["false_positives"]["wrong"], 0, summary["kinds"])
        self.assertEqual(summary["hostile"]["wrong"], 0, summary["kinds"])
        self.assertEqual(sum(k["cases"] for k in summary["kinds"]), summary["cases"])
        self.assertGreater(summary["hostile"]["cases"], 80)

    def test_the_same_seed_makes_the_same_cases(self):
        rows = golds(300, 2)
        strip = lambda rows: [{k: v for k, v in r.items() if k != "ms"} for r in rows]
        one = strip(self.cases(rows, "--seed", 12345, "--threads", 1))
        self.assertEqual(one, strip(self.cases(rows, "--seed", 12345, "--threads", 4)))
        other = strip(self.cases(rows, "--seed", 12346))
        self.assertNotEqual([r["completion"] for r in one], [r["completion"] for r in other])
        less = strip(self.cases(rows, "--seed", 12345, "--kinds", "near-miss", "--limit", 10))
        wanted = [r for r in one if r["class"] == "near-miss" and int(r["id"].split("-")[0]) <= 10]
        self.assertEqual([r["completion"] for r in less], [r["completion"] for r in wanted])

    def test_the_seed_is_said_and_differs(self):
        path = self.file("golds.jsonl", [{"answer": "42"}] * 20)
        seeds = {json.loads(self.assay("audit", "--plugin", "exact", "--in", path,
            "--json").out)["seed"] for _ in range(3)}
        self.assertGreater(len(seeds), 1)
        seed = seeds.pop()
        text = self.assay("audit", "--plugin", "exact", "--in", path, "--seed", seed, "--show", 3).out
        self.assertIn(f"--seed {seed}", text)
        self.assertEqual(text.count("must pass\n") + text.count("must not pass\n"), 3)
        self.assertIn("false negatives", text)

    def test_cases_can_be_verified_again(self):
        rows = self.cases(golds(200, 4), "--seed", 9, plugin="math")
        again = lines_of(self.assay("verify", "--plugin", "math", "--in", self.dir / "cases.jsonl", "--quiet").out)
        self.assertEqual(len({r["id"] for r in rows}), len(rows))
        self.assertEqual([(r["id"], r["verdict"]) for r in rows if not r["kind"].startswith("hostile:utf8")],
                         [(a["id"], a["verdict"]) for a, r in zip(again,
                             rows) if not r["kind"].startswith("hostile:utf8")])

    def test_tolerant(self):
        rows = [{"answer": a} for a in ("\\frac{1}{3}", "2\\sqrt{2}", "3\\pi")] * 30
        near = lambda *more: {r["kind"] for r in self.cases(rows, "--kinds", "near-miss", "--per-gold", 20, *more)}
        approximate = {"frac:cut", "frac:rounded", "radical:decimal", "pi:decimal"}
        self.assertLessEqual(approximate, near())
        self.assertFalse(approximate & near("--tolerant"))

    def test_worker_and_stdin(self):
        text = b'{"reference": "42", "id": 7}\n\n{"answer": 27.5}\n{"answer": "  "}\n'
        run = self.assay("audit", "--plugin", "math", "--isolation", "worker", "--seed", 1, "--json", stdin=text)
        got = json.loads(run.out)
        self.assertEqual((got["golds"], got["blank"]), (2, 1))
        self.assertEqual((got["false_positives"]["wrong"], got["self"]["wrong"]), (0, 0))

    def test_golds_of_any_kind_survive(self):
        rows = [{"answer": a} for a in ["{", "}}}{{{", "\\boxed{", "$", "\\", "\\frac", "\\frac{1}{0}", "0", "-0",
            "\u0000", "\u202e1",
                                        "9" * 5000, "(" * 3000, "\\sqrt{" * 500, "1/0", "0.0", "x" * 700, ",,,",
                                            "(,)", "[,]",
                                        "\\{\\}", "1e999", "_", "1_", "1_{99}", "=", "x=", ">", "x>", "\\cup",
                                            "\\begin{pmatrix}",
                                        "\\begin{pmatrix}\\end{pmatrix}", "\\text{}", "%", "\\$", "^\\circ",
                                            "9223372036854775807",
                                        "-9223372036854775808", "4611686018427387904", "0.000000000000000001",
                                            "1.0000000000000000001",
                                        "\\sqrt{1073741823}", "(x+1)^{12}", "((x+1)^{12})^{12}", "10^{40}",
                                            "\\pi^{13}", "\u0664\u0662"]]
        got = json.loads(self.assay("audit", "--plugin", "exact", "--in", self.file("g.jsonl", rows), "--json",
            "--per-gold", 50).out)
        self.assertEqual(got["golds"], len(rows))

    def test_usage(self):
        path = self.file("golds.jsonl", [{"answer": "42"}])
        said = lambda rc, *args: self.assay("audit", "--in", path, *args, rc=rc).err
        self.assertIn("--plugin NAME is missing", said(2))
        self.assertIn('"near" is none of self, equal, near-miss, hostile', said(2, "--plugin", "exact", "--kinds",
            "self,near"))
        self.assertIn('"" is none of', said(2, "--plugin", "exact", "--kinds", "self,"))
        self.assertIn("fp, fn, error, unscored", said(2, "--plugin", "exact", "--fail-on", "all"))
        self.assertIn("--seed", said(2, "--plugin", "exact", "--seed", "-1"))
        self.assertIn("--per-gold", said(2, "--plugin", "exact", "--per-gold", 0))
        self.assertIn("whole groups", said(5, "--plugin", 'majority:{"of":"exact"}'))
        self.assertIn("exists", said(2, "--plugin", "exact", "--out", path))
        bad = self.file("bad.jsonl", [{"answer": "1"}, {"question": "?"}])
        self.assertIn("bad.jsonl:2", self.assay("audit", "--plugin", "exact", "--in", bad, rc=3).err)
        self.assertIn("bad.jsonl:1", self.assay("audit", "--plugin", "exact", "--in", self.file("bad.jsonl",
            ["[1]"]), rc=3).err)

    def test_gates(self):
        path = self.file("golds.jsonl", golds(50, 3))
        gate = lambda rc, plugin, on: self.assay("audit", "--plugin", plugin, "--in", path, "--quiet", "--fail-on",
            on, rc=rc).err
        gate(0, "exact", "fp,error")
        self.assertIn("--fail-on fn", gate(1, "exact", "fp,fn"))
        self.assertIn("--fail-on fp", gate(1, TEST_PLUGINS / "always_pass.so", "fp,fn,error,unscored"))
        gate(0, TEST_PLUGINS / "always_pass.so", "fn,error,unscored")
        gate(0, TEST_PLUGINS / "always_abstain.so", "fp,fn,error")
        self.assertIn("--fail-on unscored", gate(1, TEST_PLUGINS / "always_abstain.so", "unscored"))
        empty = self.file("empty.jsonl", [])
        self.assertIn("no cases", self.assay("audit", "--plugin", "exact", "--in", empty, "--kinds", "self",
            "--fail-on", "fp", rc=1).err)


if __name__ == "__main__":
    main()
