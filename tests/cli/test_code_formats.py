#!/usr/bin/env python3
"""Published formats as suites (examples/code_suites), judged: LiveCodeBench's rows with their pickles, hostile ones too,
SandboxFusion's contests, rllm's leetcode; how outputs are compared; checkers of a task's own.

SPDX-License-Identifier: Apache-2.0
"""
import base64
import decimal
import gzip
import os
import pathlib
import pickle
import random
import sys
import zlib

from run_assay import SOURCE, json, unittest
from test_code import Code, block, main_or_skip

sys.dont_write_bytecode = True
sys.path.insert(0, str(SOURCE / "examples/code_suites"))
import contests  # noqa: E402
import livecodebench as lcb  # noqa: E402
import suite  # noqa: E402

CONTESTS = pathlib.Path(os.environ.get("ASSAY_SHARED", SOURCE.parent / "shared")) / "data/code/code_contests_stdio.jsonl.gz"


def packed(thing):
    return base64.b64encode(zlib.compress(pickle.dumps(thing))).decode()


def raw(data):
    return base64.b64encode(zlib.compress(data)).decode()


def case(given, wanted, kind="stdin"):
    return {"input": given, "output": wanted, "testtype": kind}


def row(private, public=(), **more):
    return {"question_id": "q1", "question_content": "Do it.", "starter_code": "", "metadata": "{}",
            "public_test_cases": json.dumps(list(public)), "private_test_cases": private, **more}


class Formats(Code):
    def judge(self, lines, program):
        return [(r["verdict"], r.get("reason")) for r in self.verify([{"completion": block(program), "reference": line["reference"]}
                                                                      for line in lines])]

    def test_livecodebench_functional(self):
        tests = [case("[1, 2]\n3", "[1, 2, 3]", "functional"), case('["a"]\n"b"', '["a", "b"]', "functional")]
        for private in (json.dumps(tests), packed(json.dumps(tests)), raw(pickle.dumps(json.dumps(tests), 0))):
            lines = suite.convert("livecodebench", [row(private, tests[:1], metadata='{"func_name": "add"}',
                                                        starter_code="class Solution:\n    def add(self, a, b):")])
            self.assertEqual(len(json.loads(lines[0]["reference"])["inputs"]), 3)
            self.assertIn("def add(self", lines[0]["prompt"])
            right = "class Solution:\n    def add(self, a: List[int], b) -> List[int]:\n        return (*a, b)"  # a tuple will do
            self.assertEqual(self.judge(lines, right), [("pass", None)])
            self.assertEqual(self.judge(lines, right.replace("(*a, b)", "[*a, 3]")), [("fail", "wrong_answer")])

    def test_livecodebench_stdin(self):
        lines = suite.convert("livecodebench", [row(packed(json.dumps([case("1.5 2\n", "3.50\nyes\n")])), [case("1 1", "2\nyes")])])
        right = "a, b = map(float, input().split())\nprint(' ', a + b)\nprint('yes')"
        self.assertEqual(self.judge(lines, right), [("pass", None)])
        self.assertEqual(self.judge(lines, right.replace("print('yes')", "print('yes yes')")), [("fail", "wrong_answer")])
        self.assertEqual(self.judge(lines, right.replace("(' ', a + b)", "(a + b, end=' ')")), [("fail", "wrong_answer")])
        public = suite.convert("livecodebench", [row("[]", [case("1 1", "2\nyes")])], "--public")
        self.assertEqual(self.judge(public, "print('2\\nyes')"), [("pass", None)])

    def test_pickles_that_are_no_string(self):
        class Runs:
            def __reduce__(self):
                return print, ("it was run",)
        gone = "/tmp/assay-test-of-a-pickle"
        shell = b"cos\nsystem\n(S'touch " + gone.encode() + b"'\ntR."
        for private, *said in ((packed(Runs()), "builtins.print", "only a string"), (raw(shell), "os.system"),
                               (raw(b"\x80\x04\x8c\x05posix\x8c\x06system\x93."), "posix.system"), (raw(b"Pname\n."), "outside"),
                               (raw(b"\x80\x02\x82\x01."), ""), (packed([1]), "list"), (packed(b"[]"), "bytes"),
                               (raw(pickle.dumps("[]")[:-1]), "malformed"), (raw(b""), "malformed"), ("@@@", "base64"),
                               (base64.b64encode(b"none").decode(), "zlib"), (packed("[1]"), "list of tests"),
                               (base64.b64encode(zlib.compress(pickle.dumps("[]"))[:-3]).decode(), "cut short"),
                               (packed("{"), "no JSON"), ('[{"input": 1, "output": "2"}]', "list of tests")):
            with self.subTest(said=said):
                with self.assertRaises(lcb.Refused) as raised:
                    lcb.reference_of(row(private))
                for part in ("q1: private_test_cases: ", *said):
                    self.assertIn(part, str(raised.exception))
        self.assertFalse(os.path.exists(gone))

    def test_a_refusal_on_the_command_line(self):
        path = self.file("rows.jsonl", [row(packed([1]))])
        import subprocess
        run = subprocess.run([sys.executable, SOURCE / "examples/code_suites/suite.py", "livecodebench", path],
                             capture_output=True, text=True)
        self.assertEqual((run.returncode, run.stderr),
                         (1, "suite.py: q1: private_test_cases: its pickle holds a list, not a string\n"))

    def test_too_large_when_unpacked(self):
        most, lcb.MOST = lcb.MOST, 1000
        try:
            with self.assertRaisesRegex(lcb.Refused, "unpacked"):
                lcb.unpack(packed("x" * 10**6))
        finally:
            lcb.MOST = most

    def test_rllm(self):
        check = "def check(candidate):\n    assert candidate(nums = [3, 3], target = 6) == [0, 1]\n    assert candidate([1, 2], 3) == [0, 1]\n"
        right = "class Solution:\n    def twoSum(self, nums: List[int], target: int) -> List[int]:\n        return [0, 1]"
        rows = [{"problem": "Two sum.", "solutions": [right], "tests": {"functional": check}},
                {"problem": "Add.", "solutions": [], "tests": {"inputs": ["1 2"], "outputs": ["3"]}},
                {"problem": "Add.", "solutions": [], "tests": [{"input": "1 2", "output": "3.5"}]}]
        lines = suite.convert("rllm", rows)
        self.assertEqual(self.judge(lines[:1], right), [("pass", None)])
        self.assertEqual(self.judge(lines[:1], right.replace("[0, 1]", "[1, 0]"))[0][0], "fail")
        self.assertEqual(self.judge(lines[1:], "print(3, input()[:0])"), [("pass", None), ("fail", "wrong_answer")])
        self.assertEqual([json.loads(line["reference"]).get("compare") for line in lines], [None, "decimal", "float"])

    def test_contest_rows(self):
        tests = [{"input": {"stdin": "1 2"}, "output": {"stdout": "3\n"}}]
        rows = [{"id": 1, "content": "Add.", "labels": "{}", "test": json.dumps(tests)},
                {"id": 2, "content": "Add.", "test": tests}]
        lines = suite.convert("contests", rows)
        self.assertEqual(self.judge(lines, "print(sum(map(int, input().split())))"), [("pass", None)] * 2)
        line, = suite.convert("contests", rows[:1], "--language", "cpp")
        self.assertEqual(json.loads(line["reference"])["language"], "cpp")


def python_agrees(want, got):
    """LiveCodeBench's rule, in its words."""
    a, b = ([line.strip() for line in text.strip().split("\n")] for text in (want, got))
    if len(a) != len(b):
        return False
    for x, y in zip(a, b):
        if x == y:
            continue
        try:
            if [decimal.Decimal(t) for t in x.split()] != [decimal.Decimal(t) for t in y.split()]:
                return False
        except decimal.InvalidOperation:
            return False
    return True


class Outputs(Code):
    def outcomes(self, pairs, **how):
        reference = {"stdin": [got for _, got in pairs], "stdout": [want for want, _ in pairs], **how}
        result, = self.verify([{"completion": block("import sys\nsys.stdout.write(sys.stdin.read())"), "reference": reference}],
                              {"score": "fraction"}, "--explain")
        return [d["ok"] for d in result["detail"]]

    def test_decimals_as_python_has_them(self):
        r = random.Random(3)
        texts = ["0", "-0", "+0.0", "1", "1.0", "01", "1.", ".5", "0.50", "5e-1", "50E-2", "0.05", "1e2", "100", "+1e+2", "1e-0", "10.01",
                 "9" * 70, "9" * 70 + ".0", "1e", "e1", ".", "", "-", "--1", "x", "1x", "1 2", "1.0 2", "1\n2", "1\n\n2", " 1 ", "1 \n 2.0",
                 "0e5", "-1", "1.10e1", "11", "0.000", "1e999999", "yes", "Yes", "1.2.3", "\n1"]
        pairs = [(a, b) for a in texts for b in texts if r.random() < 0.12 or a == b]
        for pair, ok in zip(pairs, self.outcomes(pairs, compare="decimal")):
            self.assertEqual(ok, python_agrees(*pair), pair)

    def test_floats_are_near_integers_are_not(self):
        pairs = [("1.5", "1.5000001", True), ("1.5", "1.51", False), ("2", "2.0000001", True), ("1000000", "1000001", False),
                 ("1000000", "1000000.9", False), ("1000000.0", "1000000.9", True), ("9007199254740993", "9007199254740992", False),
                 ("1e6", "1000000", True), ("7", "007", True), ("nan", "1", False), ("a 1.0", "a 1.0000001", True)]
        self.assertEqual(self.outcomes([p[:2] for p in pairs], compare="float"), [p[2] for p in pairs])


class Checkers(Code):
    CHECK = ("def check(input, output, expected):\n    a, b = map(int, output.split())\n"
             "    return a + b == int(input) and a > 0 < b\n")

    def task(self, checker, **more):
        return {"stdin": ["5", "9", "12"], "stdout": ["1 4", "1 8", "1 11"], "checker": checker, **more}

    def test_more_than_one_answer(self):
        rows = [{"completion": block(p), "reference": self.task(self.CHECK)} for p in
                ("n = int(input())\nprint(2, n - 2)", "n = int(input())\nprint(n - 1, 1)", "n = int(input())\nprint(n, 0)",
                 "n = int(input())\nprint(3, 2)")]
        self.assertEqual([r["verdict"] for r in self.verify(rows)], ["pass", "pass", "fail", "fail"])

    def test_one_that_fails_is_ours(self):
        two = "n = int(input())\nprint(2, n - 2)"
        for said, checker, program in (("ZeroDivisionError", "def check(*a): return 1 / 0", two),
                                       ("True nor False", "def check(*a): return None", two), ("tle", "def check(*a):\n    while 1: pass", two),
                                       ("no_result", "import os\ndef check(*a): os._exit(0)", two),
                                       ("TypeError", "def check(a): return True", two)):
            with self.subTest(said):
                result, = self.verify([{"completion": block(program), "reference": self.task(checker)}], {"cpu_ms": 200}, "--explain")
                self.assertEqual((result["verdict"], result["reason"]), ("error", "sandbox_error"), result)
                self.assertNotIn("score", {k for k, v in result.items() if v == 0})
                self.assertIn("the checker failed", result["explain"])
                if said != "tle":
                    self.assertIn(said, result["explain"])

    def test_one_that_raises_on_garbage_alone(self):
        """What it cannot read is a wrong answer where it can read the right one; without one nobody knows."""
        for reference, verdict in ((self.task(self.CHECK), "fail"), (self.task(self.CHECK, stdout=["1 4", "2", "3"]), "fail"),
                                   (self.task(self.CHECK, stdout=["?", "1 8", "1 11"]), "error"),
                                   ({k: v for k, v in self.task(self.CHECK).items() if k != "stdout"}, "error")):
            with self.subTest(reference):
                result, = self.verify([{"completion": block("print('?')"), "reference": reference}], None, "--max-unscored", "100%")
                self.assertEqual(result["verdict"], verdict, result)

    def test_it_sees_what_was_written_and_no_solution(self):
        spy = ("import sys\ndef check(input, output, expected):\n    return (input, output, expected, 'marker' in sys.modules) == "
               "('5\\n', 'h\\u00e9\\ufffd\\n', None, False)\n")
        program = "import sys\nsys.modules['marker'] = sys\nsys.stdout.buffer.write('hé'.encode() + b'\\xff\\n')"
        result, = self.verify([{"completion": block(program), "reference": {"stdin": ["5\n"], "checker": spy}}], None, "--explain")
        self.assertEqual(result["verdict"], "pass", result)

    def test_references_that_are_none(self):
        for said, reference in (("no Python", self.task("def check(")), ("defines no check", self.task("x = 1")),
                                ("stdin", {"entry_point": "f", "inputs": [[1]], "outputs": [1], "checker": self.CHECK}),
                                ("decimal", {"entry_point": "f", "inputs": [[1]], "outputs": [1], "compare": "decimal"})):
            result, = self.verify([{"completion": block("x = input()"), "reference": reference}])
            self.assertEqual(result["verdict"], "abstain")
            self.assertIn(said, result["reason"])


@unittest.skipUnless(CONTESTS.exists(), f"SKIP: {CONTESTS} is absent")
class Contests(Code):
    SHIRTS = ("from collections import Counter\nn = int(input())\na = Counter(input() for _ in range(n))\n"
              "b = Counter(input() for _ in range(n))\nprint(sum((a - b).values()))")
    DIVISOR = ("import sys, math\nd = list(map(int, sys.stdin.read().split()))[1:]\npairs = list(zip(d[::2], d[1::2]))\ng = 0\n"
               "for a, b in pairs:\n    g = math.gcd(g, a * b)\nfor a, b in pairs:\n    if math.gcd(a, g) > 1: g = math.gcd(a, g)\n"
               "    else: g = math.gcd(b, g)\nprint(g if g > 1 else -1)")

    def setUp(self):
        super().setUp()
        with gzip.open(CONTESTS, "rt", encoding="utf-8") as f:
            self.rows = [json.loads(line) for line in f if line.strip()]
        self.lines = suite.convert("contests", self.rows)

    def test_each_row_with_its_own_answers(self):
        """A program that knows the answers passes everywhere, one that knows all but the last nowhere."""
        rows = []
        for line in self.lines:
            reference = json.loads(line["reference"])
            for key in ("stdin", "stdout"):  # a few of each: the first, and the last
                reference[key] = reference[key][:8] + reference[key][-1:]
            known = dict(zip(reference["stdin"], reference["stdout"]))
            last = reference["stdin"][-1]
            for answers in (known, {**known, last: known[last] + "\n0"}):
                rows.append({"completion": block(f"import sys\nprint({answers!r}[sys.stdin.read()])"), "reference": reference})
        verdicts = [r["verdict"] for r in self.verify(rows)]
        self.assertGreaterEqual(len(self.lines), 19)
        self.assertEqual(verdicts, ["pass", "fail"] * len(self.lines))

    def test_solutions(self):
        for name, program in (("1000_A", self.SHIRTS), ("1025_B", self.DIVISOR)):
            line, = [x for x in self.lines if name in x["id"]]
            result, = self.verify([{"completion": block(program), "reference": line["reference"]}], None, "--explain")
            more = {"a - b": "b - b"} if name == "1000_A" else {"-1)": "1)"}
            wrong = program
            for a, b in more.items():
                wrong = wrong.replace(a, b)
            bad, = self.verify([{"completion": block(wrong), "reference": line["reference"]}])
            self.assertEqual(bad["verdict"], "fail")
            if name == "1000_A":  # the other has many right answers, and one that is wanted
                self.assertEqual(result["verdict"], "pass", result)
            line = json.loads(line["reference"])
            line["checker"] = ("import math\ndef check(input, output, expected):\n    d = list(map(int, input.split()))[1:]\n"
                               "    x, y = int(output), int(expected)\n    return y == x or (x > 1 and y > 1 and "
                               "all(a % x == 0 or b % x == 0 for a, b in zip(d[::2], d[1::2])))\n")
            if name == "1025_B":
                result, = self.verify([{"completion": block(program), "reference": line}], None, "--explain")
                self.assertEqual(result["verdict"], "pass", result)


if __name__ == "__main__":
    main_or_skip()
