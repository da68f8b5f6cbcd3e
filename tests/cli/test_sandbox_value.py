"""test_sandbox_value.py -- equality of values, and what is printed of them, against Python itself on random values.

SPDX-License-Identifier: Apache-2.0
"""
import cmath
import math
import random
import sys

from run_assay import *

PROGRAM = BIN.parent / "test_sandbox_value"
if hasattr(sys, "set_int_max_str_digits"):
    sys.set_int_max_str_digits(0)


class Other:
    pass


def encode(v, rng):
    """As a job writes it, in one of the spellings that are allowed."""
    t = type(v)
    if v is None:
        return b"N"
    if t is bool:
        return b"T" if v else b"F"
    if t is int:
        return (b"i%s;" % (hex(v) if rng.random() < 0.5 else str(v)).encode())
    if t is float:
        return b"f%s;" % (v.hex() if rng.random() < 0.5 or v - v != 0 else repr(v)).encode()
    if t is complex:
        return b"c" + encode(v.real, rng) + encode(v.imag, rng)
    if t is str:
        raw = v.encode("utf-8", "surrogatepass")
        return b"s%d:%s" % (len(raw), raw)
    if t is bytes:
        return b"b%d:%s" % (len(v), v)
    if t in (list, tuple):
        return (b"[" if t is list else b"(") + b"%d" % len(v) + b"".join(encode(e, rng) for e in v)
    if t in (set, frozenset):
        return (b"<" if t is set else b">") + b"%d" % len(v) + b"".join(encode(e, rng) for e in shuffled(v, rng))
    if t is dict:
        return b"{%d" % len(v) + b"".join(encode(k, rng) + encode(e, rng) for k, e in shuffled(v.items(), rng))
    return b"?5:Other"


def shuffled(values, rng):
    values = list(values)
    rng.shuffle(values)
    return values


def number(rng):
    return rng.choice([
        lambda: rng.randrange(-3, 4), lambda: rng.randrange(-3, 4) * 1.0, lambda: rng.random() < 0.5,
        lambda: rng.choice([0.0, -0.0, 0.1, 0.30000000000000004, 0.3, math.inf, -math.inf, math.nan, 5e-324,
                            1e308, 2.0**53]),
        lambda: rng.getrandbits(rng.choice([8, 53, 64, 65, 200, 1025])) * rng.choice([1, -1]),
        lambda: 2**rng.choice([53, 63, 64, 100]) + rng.randrange(-1, 2),
        lambda: float(2**rng.choice([53, 63, 64, 100])), lambda: complex(rng.randrange(2), rng.randrange(2)),
        lambda: rng.uniform(-1, 1), lambda: 10.0**rng.randrange(-30, 30), lambda: rng.randrange(1 << 20) / 1000])()


def value(rng, depth=0, hashable=False):
    kind = rng.randrange(5 if depth > 3 else 12)
    if kind < 3:
        return number(rng)
    if kind == 3:
        return rng.choice([None, "", "a", "b", b"a", b"", "\u00e9\n'", "\U0001f600", "\ud800", "\"'", b"\xff'\x00",
                           "\x7f\xa0"])
    if kind == 4:
        return "".join(chr(rng.choice([9, 32, 39, 34, 92, 65, 0x3b1, 0x2028, 0x4e00])) for _ in range(rng.randrange(4)))
    n = rng.randrange(4)
    if kind in (5, 6):
        return tuple(value(rng, depth + 1, hashable) for _ in range(n))
    if kind == 7 or hashable:
        return frozenset(value(rng, depth + 1, True) for _ in range(n))
    if kind in (8, 9):
        return [value(rng, depth + 1) for _ in range(n)]
    if kind == 10:
        return set(value(rng, depth + 1, True) for _ in range(n))
    return {value(rng, depth + 1, True): value(rng, depth + 1) for _ in range(n)}


def changed(v, rng):
    """A copy that is the same, or nearly so."""
    t = type(v)
    if rng.random() < 0.05:
        return value(rng, 3, True)
    if t in (int, float, bool) and rng.random() < 0.3:
        try:
            return rng.choice([float, int, bool, lambda x: x, lambda x: x + 1, complex])(v)
        except (OverflowError, ValueError):
            return v
    if t in (list, tuple):
        return t([changed(e, rng) for e in v])
    if t in (set, frozenset):
        return rng.choice([set, frozenset])(changed(e, rng) for e in v) if t is set else t(changed(e, rng) for e in v)
    if t is dict:
        return {k: changed(e, rng) for k, e in shuffled(v.items(), rng)}
    return v


def has_nan(v):
    if isinstance(v, (float, complex)):
        return v != v
    if isinstance(v, dict):
        return any(map(has_nan, v.keys())) or any(map(has_nan, v.values()))
    return isinstance(v, (list, tuple, set, frozenset)) and any(map(has_nan, v))


def typed(v):
    """Without int_is_float: numbers carry their type, containers but sets too."""
    t = type(v)
    if t in (bool, int, float, complex):
        return (t.__name__, v)
    if t in (list, tuple):
        return t(typed(e) for e in v)
    if t in (set, frozenset):
        return frozenset(typed(e) for e in v)
    if t is dict:
        return {typed(k): typed(e) for k, e in v.items()}
    return v


def near(want, got, relative, absolute):
    """The rule of the header, written down a second time; sets are left out."""
    numbers = (bool, int, float, complex)
    if isinstance(want, numbers) and isinstance(got, numbers):
        if want == got:
            return True
        if isinstance(want, (bool, int)) and isinstance(got, (bool, int)):
            return False
        try:
            w, g = (complex(want), complex(got))
        except OverflowError:
            return False
        if not (cmath.isfinite(w) and cmath.isfinite(g)):
            return False
        return abs(g - w) <= absolute + relative * abs(w)
    if type(want) is not type(got):
        return want == got
    if isinstance(want, (list, tuple)):
        return len(want) == len(got) and all(near(w, g, relative, absolute) for w, g in zip(want, got))
    if isinstance(want, dict):
        return want.keys() == got.keys() and all(near(w, got[k], relative, absolute) for k, w in want.items())
    return want == got


def has_set(v):
    if isinstance(v, dict):
        return any(map(has_set, v.values()))
    return isinstance(v, (set, frozenset)) or (isinstance(v, (list, tuple)) and any(map(has_set, v)))


class Values(AssayTest):
    def ask(self, rows):
        """rows: (want, got, relative, absolute, list_is_tuple, int_is_float), the values as bytes."""
        lines = "".join(f"{w.hex()} {g.hex()} {r!r} {a!r} {int(lt)} {int(f)}\n" for w, g, r, a, lt, f in rows)
        run = subprocess.run([str(PROGRAM), "--pairs"], input=lines.encode(), capture_output=True, timeout=240)
        self.assertEqual(run.returncode, 0, run.stderr)
        answers = [line.split(" ") for line in run.stdout.decode().splitlines()]
        self.assertEqual(len(answers), len(rows))
        return [(valid == "1", equal == "1", bytes.fromhex(text)) for valid, equal, text in answers]

    def pairs(self, n, seed):
        rng = random.Random(seed)
        for _ in range(n):
            want = value(rng)
            yield want, changed(want, rng) if rng.random() < 0.85 else value(rng), rng

    def check(self, made, oracle, relative=0.0, absolute=0.0, int_is_float=True):
        rows = [(encode(w, rng), encode(g, rng), relative, absolute, False, int_is_float) for w, g, rng in made]
        equal = 0
        for (want, got, _), row, (valid, is_equal, _) in zip(made, rows, self.ask(rows)):
            self.assertTrue(valid, row)
            expected = not has_nan(want) and not has_nan(got) and bool(oracle(want, got))
            self.assertEqual(is_equal, expected, (want, got, row))
            equal += expected
        self.assertGreater(equal, len(made) // 10)
        self.assertGreater(len(made) - equal, len(made) // 10)

    def test_equal_as_python(self):
        self.check(list(self.pairs(20000, 1)), lambda a, b: a == b)

    def test_equal_with_types(self):
        self.check(list(self.pairs(8000, 2)), lambda a, b: typed(a) == typed(b), int_is_float=False)

    def test_near(self):
        made = [row for row in self.pairs(12000, 3) if not has_set(row[0]) and not has_set(row[1])]
        shaken = []
        for want, got, rng in made:
            def shake(v):
                if type(v) is float and rng.random() < 0.5:
                    return v * (1 + rng.choice([1e-9, 1e-5, -1e-9]))
                if type(v) in (list, tuple):
                    return type(v)(map(shake, v))
                return v
            shaken.append((want, shake(got), rng))
        self.check(shaken, lambda a, b: near(a, b, 1e-7, 1e-7), relative=1e-7, absolute=1e-7)

    def test_near_sets(self):
        """Floats that lie apart: the one that is near is the partner."""
        rng = random.Random(4)
        made = []
        for _ in range(3000):
            want = {rng.choice([float(k), k, (k, k / 4), str(k)]) for k in range(rng.randrange(1, 8))}

            def shake(v):
                if type(v) is tuple:
                    return (v[0], shake(v[1]))
                return v * (1 + rng.choice([0, 1e-9])) if type(v) is float else v
            got = {shake(v) for v in want}
            made.append((want, got if rng.random() < 0.5 else {rng.choice([v, 9.5]) for v in got}, rng))
        self.check(made, lambda a, b: len(a) == len(b) and all(any(near(x, y, 1e-7, 1e-7) for y in b) for x in a) and
                   all(any(near(x, y, 1e-7, 1e-7) for x in a) for y in b), relative=1e-7, absolute=1e-7)

    def test_printed_as_python(self):
        rng = random.Random(5)
        made = [v for v in (value(rng) for _ in range(20000))]
        rows = [(e, e, 0.0, 0.0, False, True) for e in (encode(v, rng) for v in made)]
        import ast
        for v, row, (_, _, text) in zip(made, rows, self.ask(rows)):
            printed = text.decode()  # what is printed is always UTF-8
            if any(s in printed for s in ("nan", "inf", "j", "set")) or has_set(v) or isinstance(v, (set, frozenset)):
                if not has_set(v) and type(v) in (int, float, complex, str, bytes):
                    self.assertEqual(printed, repr(v), row)
                continue  # a set's order is not given
            if isinstance(v, dict) or "{" in printed:
                self.assertEqual(ast.literal_eval(printed), v, row)
            else:
                self.assertEqual(printed, repr(v), row)

    def test_characters_as_python(self):
        """Every assigned character of the first planes, printed or escaped as Python does it."""
        rng = random.Random(6)
        import unicodedata
        made = [chr(c) for c in range(0x11000) if unicodedata.category(chr(c)) != "Cn"]
        rows = [(e, e, 0.0, 0.0, False, True) for e in (encode(v, rng) for v in made)]
        wrong = [v for v, (_, _, text) in zip(made, self.ask(rows)) if text.decode() != repr(v)]
        self.assertEqual([hex(ord(v)) for v in wrong], [])

    def test_large_integers(self):
        rng = random.Random(7)
        rows, expected = [], []
        for digits in (100, 1000, 4300, 37999, 38001, 60000):
            v = rng.getrandbits(int(digits * 3.3219))
            for d in (0, 1, -1, 1 << 61, (1 << 61) - 1):
                rows.append((b"i%d;" % v, b"i%s;" % hex(v + d).encode(), 0.0, 0.0, False, True))
                expected.append(d == 0)
        self.assertEqual([equal for _, equal, _ in self.ask(rows)], expected)

    def test_other_types_equal_nothing(self):
        rng = random.Random(8)
        made = [Other(), [Other()], {1: Other()}, (1, (Other(),))]
        rows = [(encode(v, rng), encode(v, rng), 0.0, 0.0, True, True) for v in made]
        self.assertEqual([equal for _, equal, _ in self.ask(rows)], [False] * 4)


if __name__ == "__main__":
    if not PROGRAM.exists():
        print(f"SKIP test_sandbox_value: {PROGRAM} is not built")
        sys.exit(77)
    main()
