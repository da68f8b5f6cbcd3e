#!/usr/bin/env python3
"""The code verifier on real programs: the cases of tests/cases/code.jsonl, in the host's process and in a worker; what is
printed of a failure; votes by behaviour; time limits. Skipped, by name, where there is no sandbox or no such plugin.

SPDX-License-Identifier: Apache-2.0
"""
import os
import pathlib
import sys

from run_assay import BIN, SOURCE, AssayTest, json, main, unittest

CASES = [json.loads(line) for line in open(SOURCE / "tests/cases/code.jsonl", encoding="utf-8")]
ADD = {"stdin": ["1 2\n"], "stdout": ["3\n"]}


def block(code):
    return f"```python\n{code}\n```"


def inc(*, inputs=((1,), (2,)), **more):
    return {"entry_point": "inc", "inputs": [list(i) for i in inputs], "outputs": [i[0] + 1 for i in inputs], **more}


class Code(AssayTest):
    def verify(self, rows, config=None, *options):
        """The results of verify, in order; each row: completion, and reference as JSON or what becomes it."""
        texts = [r["reference"] if isinstance(r["reference"], str) else json.dumps(r["reference"]) for r in rows]
        path = self.file("items.jsonl", [{"id": str(i), "completion": r["completion"], "reference": text}
                                         for i, (r, text) in enumerate(zip(rows, texts))])
        run = self.assay("verify", "--plugin", "code:" + json.dumps(config or {}), "--in", path, "--no-cache", "--quiet",
                         "--timeout-ms", 60000, *options)
        results = [json.loads(line) for line in run.out.splitlines()]
        self.assertEqual(len(results), len(rows))
        return results


class Cases(Code):
    def check(self, *options):
        for config in sorted({json.dumps(c.get("config", {})) for c in CASES}):
            cases = [c for c in CASES if json.dumps(c.get("config", {})) == config]
            rows = [{"completion": c["completion"], "reference": c["reference"]} for c in cases]
            for case, result in zip(cases, self.verify(rows, json.loads(config), *options)):
                with self.subTest(case["why"]):
                    self.assertEqual(result["verdict"], case["verdict"], result)
                    if "score" in case:
                        self.assertAlmostEqual(result["score"], case["score"], places=5)
                    if "rule" in case:
                        self.assertEqual(result["rule"], case["rule"])

    def test_in_process(self):
        self.check("--explain")

    def test_in_worker(self):
        self.check("--isolation", "worker")


class Words(Code):
    """The reason is the sandbox's word for what happened."""

    def test_reasons(self):
        rows = [("def inc(x):\n    return x", "wrong_answer", "fail"),
                ("def inc(x):\n    raise KeyError(x)", "runtime_error", "fail"),
                ("def inc(x:", "compile_error", "fail"),
                ("def inc(x):\n    while 1: pass", "tle_cpu", "timeout"),
                ("import time\ndef inc(x):\n    time.sleep(60)", "tle_wall", "timeout"),
                ("def inc(x):\n    return 'a' * 10**11", "mle", "fail"),
                ("def inc(x):\n    print('x' * 10**9)", "mle", "fail"),
                ("def inc(x):\n    while 1: print('x' * 10**5)", "ole", "fail"),
                ("import os\ndef inc(x):\n    os._exit(0)", "no_result", "fail"),
                ("import os\ndef inc(x):\n    os.fork()", "sandbox_violation", "fail")]
        config = {"cpu_ms": 400, "wall_ms": 8000}
        results = self.verify([{"completion": block(code), "reference": inc()} for code, _, _ in rows], config)
        for (code, reason, verdict), result in zip(rows, results):
            with self.subTest(code):
                self.assertEqual((result["verdict"], result["reason"]), (verdict, reason))
                self.assertEqual(result["score"], 0)

    def test_all_kinds_refuse_the_empty_handed(self):
        """A program that does nothing and ends well, an always-equal object and os._exit are no pass anywhere."""
        programs = ["pass", "import os\nos._exit(0)", "import sys\nsys.exit(0)",
                    "class E:\n    def __eq__(s, o): return True\n    def __bool__(s): return True\n"
                    "    def __sub__(s, o): return s\n    def __abs__(s): return s\n    def __lt__(s, o): return True\n"
                    "def inc(x): return E()",
                    "def inc(x): return type('int', (int,), {'__eq__': lambda s, o: True})(0)",
                    "import builtins, math\nbuiltins.abs = lambda x: 0\nmath.isclose = lambda *a, **k: True\n"
                    "def inc(x): return 0",
                    "inc = exec"]
        tests = [inc(), inc(compare="float"), inc(oracle="set"), inc(format="json"),
                 {"asserts": ["assert inc(1) == 2", "assert inc(2) == 3"]},
                 {"asserts": ["assert abs(inc(1) - 2) < 1e-9"]}, {"asserts": ["assert set([inc(1)]) == {2}"]},
                 {"asserts": ["import math\nassert math.isclose(inc(1), 2)"]},
                 {"asserts": ["assert all(inc(i) == i + 1 for i in range(3))"]},
                 {"entry_point": "inc", "check": "def check(candidate):\n    assert candidate(1) == 2\n"},
                 {"entry_point": "inc", "check": "def check(candidate):\n    for i in [1]:\n        assert candidate(i) == 2\n"},
                 ADD]
        rows = [{"completion": block(p), "reference": t} for t in tests for p in programs]
        for row, result in zip(rows, self.verify(rows)):
            with self.subTest(row):
                self.assertIn(result["verdict"], ("fail", "no_answer"), result)


class Explained(Code):
    def test_detail_and_first_failure(self):
        reference = inc(inputs=[(1,), (5,), (7,)])
        result, = self.verify([{"completion": block("def inc(x):\n    return x + (x < 6)"), "reference": reference}], None, "--explain")
        self.assertEqual([d["status"] for d in result["detail"]], ["ok", "ok", "wrong_answer"])
        self.assertEqual([d["ok"] for d in result["detail"]], [True, True, False])
        self.assertTrue(all(d["cpu_ms"] > 0 for d in result["detail"]))
        self.assertIn("test 3: wrong_answer: inc(7) returned 7; expected 8", result["explain"])
        self.assertEqual(result["metrics"]["passed"], 2)

    def test_the_exception_is_shown(self):
        result, = self.verify([{"completion": block("def inc(x):\n    return {}[x]"), "reference": inc()}], None, "--explain")
        self.assertIn("KeyError: 1", result["explain"])

    def test_expected_values_are_not_shown_to_the_program(self):
        spy = "import sys, gc\ndef inc(x):\n    return [o for o in gc.get_objects() if o == 987654321]"
        result, = self.verify([{"completion": block(spy), "reference": {"entry_point": "inc", "inputs": [[1]],
                                                                  "outputs": [987654321]}}], None, "--explain")
        self.assertEqual(result["verdict"], "fail")
        self.assertIn("returned []", result["explain"])


class Languages(Code):
    @unittest.skipUnless(os.path.exists("/usr/bin/perl"), "no perl")
    def test_one_that_people_added(self):
        folder = self.dir / "languages"
        folder.mkdir()
        (folder / "perl.json").write_text('{"name":"perl","file":"main.pl","run":["/usr/bin/perl","main.pl"]}')
        self.env["ASSAY_LANGUAGES"] = str(folder)
        reference = {"language": "perl", **ADD}
        add = "my ($a, $b) = split ' ', <STDIN>; print $a + $b"
        rows = [{"completion": text, "reference": reference}
                for text in (f"```perl\n{add}\n```", f"```\n{add}\n```", f"```perl\n{add} + 1\n```", add, f"```python\n{add}\n```",
                             "```perl\nsystem('echo 3')\n```")]
        results = self.verify(rows)
        self.assertEqual([r["verdict"] for r in results], ["pass", "pass", "fail", "no_answer", "no_answer", "fail"])
        self.assertEqual(results[5]["reason"], "sandbox_violation")

    def test_a_program_in_c_is_the_block_with_a_main(self):
        add = '#include <stdio.h>\nint main(void) { int a, b; scanf("%d %d", &a, &b); return printf("%d", a + b) < 0; }'
        text = f"```c\n{add}\n```\nThe core of it:\n```c\nint add(int a, int b) {{ return a + b; }}\n```"
        result, = self.verify([{"completion": text, "reference": {"language": "c", **ADD}}])
        self.assertEqual(result["verdict"], "pass", result)

    def test_names_that_are_no_language(self):
        for name in ("exec", "", "../c", "x" * 41, "C"):
            with self.subTest(name):
                row = {"completion": "```\n1\n```", "reference": {"language": name, **ADD}}
                result, = self.verify([row], None, "--max-unscored", "100%")
                self.assertEqual(result["verdict"], "abstain", result)

    def test_one_that_is_not_there_is_no_failure_of_the_program(self):
        row = {"completion": "```cobol\nSTOP RUN.\n```", "reference": {"language": "cobol", **ADD}}
        self.assertEqual([r["verdict"] for r in self.verify([row], None, "--max-unscored", "100%")], ["error"])


class Votes(Code):
    def test_by_behaviour(self):
        same = ["def inc(x):\n    return x + 1", "def inc(x):\n    return 1 + x", "inc = lambda x: float(x + 1)"]
        other = ["def inc(x):\n    return x - 1", "def inc(x):\n    raise ValueError"]
        tests = {k: v for k, v in inc().items() if k != "outputs"}
        results = self.verify([{"completion": block(c), "reference": tests} for c in same + other])
        keys = [r.get("key") for r in results]
        self.assertEqual(len(set(keys[:3])), 1)
        self.assertNotEqual(keys[0], keys[3])
        self.assertIsNone(keys[4])  # it did nothing one could agree on

    def test_the_answer_is_a_reference(self):
        programs = ["def inc(x):\n    return {x: (x, {1.5, None}), 'é': b'\\xff'}"]
        tests = {k: v for k, v in inc().items() if k != "outputs"}
        first, = self.verify([{"completion": block(programs[0]), "reference": tests}])
        again = self.verify([{"completion": block(c), "reference": first["answer"]}
                        for c in programs + ["def inc(x):\n    return x"]])
        self.assertEqual([r["verdict"] for r in again], ["pass", "fail"])
        self.assertEqual(again[0]["key"], first["key"])


class Limits(Code):
    def test_calls_behind_one_that_hangs_are_run(self):
        code = "def inc(x):\n    while x == 2: pass\n    return x + 1"
        result, = self.verify([{"completion": block(code), "reference": inc(inputs=[(1,), (2,), (3,), (4,)])}],
                         {"cpu_ms": 200, "score": "fraction"}, "--explain")
        self.assertEqual([d["status"] for d in result["detail"]], ["ok", "tle_cpu", "ok", "ok"])
        self.assertEqual((result["verdict"], result["score"]), ("timeout", 0.75))

    def test_a_little_more_than_the_limit_is_more(self):
        """The sandbox lets it go on for a quarter of the limit, to see what it needs; that is not granted."""
        code = "import time\ndef inc(x):\n    while time.process_time() < %s: pass\n    return x + 1"
        rows = [{"completion": block(code % s), "reference": inc(inputs=[(1,)])} for s in (0.5, 1.1)]
        results = self.verify(rows, {"cpu_ms": 1000})
        self.assertEqual([(r["verdict"], r.get("reason")) for r in results], [("pass", None), ("timeout", "tle_cpu")])

    def test_the_reference_solution_sets_the_limit(self):
        slow = "def inc(x):\n    n = 0\n    for i in range(4 * 10**6): n += i\n    return x + 1"
        rows = [{"completion": block(slow), "reference": inc()},
                {"completion": block(slow), "reference": inc(reference_solution=slow)}]
        self.assertEqual([r["verdict"] for r in self.verify(rows, {"cpu_ms": 20})], ["timeout", "pass"])

    def test_what_differs_when_run_again_is_flaky(self):
        code = "import os\ndef inc(x):\n    return x + 1 if os.urandom(1)[0] % 2 else x + 1.5"
        rows = [{"completion": block(code), "reference": inc(inputs=[(i,) for i in range(12)])}] * 4
        self.assertEqual({r["reason"] for r in self.verify(rows, {"rerun": "always"})}, {"flaky"})


class BadInput(Code):
    def test_programs(self):
        """What no compiler takes, or takes long over: a word at once, and never an error of ours."""
        add = {**ADD, "language": "cpp"}
        wide = "x = 1; " * 140000
        rows = [("python", "def inc(x):\n    return x + 1\0", inc(), "compile_error"),
                ("python", "def inc(x):\n    return " + "(" * 10**5 + "x" + ")" * 10**5, inc(), "compile_error"),
                ("python", "def inc(x):\n    return " + "-" * 10**5 + "x", inc(), "compile_error"),
                ("python", "def inc(x):\n    return " + "[" * 10**5, inc(), "compile_error"),
                ("python", wide + "\ndef inc(x):\n    return x + 1", inc(), None),
                ("python", "s = '" + "(" * 10**6 + "'\ndef inc(x): return x + 1", inc(), None),
                ("cpp", "int main() { return " + "(" * 200000 + "1" + ")" * 200000 + "; }", add, "compile_error"),
                ("cpp", '#include "../../etc/passwd"\nint main() { }', add, "compile_error"),
                ("cpp", "int main() { \0 }", add, "wrong_answer")]  # g++ warns of it, and goes on
        results = self.verify([{"completion": f"```{mark}\n{code}\n```", "reference": reference} for mark, code, reference, _ in rows],
                              None, "--explain")
        for (_, code, _, reason), result in zip(rows, results):
            with self.subTest(code[:60]):
                self.assertEqual((result["verdict"], result.get("reason")), ("fail" if reason else "pass", reason), result)

    def test_a_compiler_that_is_slow_is_no_doubt(self):
        """The limit of processor time is the program's: what the compiler took makes no verdict flaky."""
        slow = "#include <regex>\n#include <bits/stdc++.h>\nint main() { std::regex r(\"a\"); return nothing; }"
        result, = self.verify([{"completion": f"```cpp\n{slow}\n```", "reference": {**ADD, "language": "cpp"}}], {"cpu_ms": 10})
        self.assertEqual((result["verdict"], result["reason"]), ("fail", "compile_error"))

    def test_references(self):
        for said, reference in (("entry point", inc(inputs=[]) | {"entry_point": "../x"}), ("not a JSON", "[1"),
                                ("Python", {"asserts": ["assert inc(1) == 2\0"]}), ("no tests", inc(inputs=[])),
                                ("not a JSON", "[" * 10**5), ("literal", {"entry_point": "inc", "format": "python",
                                                                          "inputs": ["(" * 1000], "outputs": ["1"]})):
            result, = self.verify([{"completion": block("def inc(x): return x + 1"), "reference": reference}])
            self.assertEqual(result["verdict"], "abstain")
            self.assertIn(said, result["reason"])

    def test_a_prelude_that_is_not_there_is_ours(self):
        result, = self.verify([{"completion": block("def inc(x): return x + 1"), "reference": inc()}], {"prelude": "no_such_module"},
                              "--explain")
        self.assertEqual((result["verdict"], result["reason"], result["score"]), ("error", "sandbox_error", None))
        self.assertIn("does not start", result["explain"])


class Probe(Code):
    def runTest(self):
        """Why there is nothing to test here."""


def missing():
    if not (BIN.parent / "plugins/code.so").exists():
        return "the plugin is not built"
    probe = Probe()
    probe.setUp()
    run = probe.assay("verify", "--plugin", "code", "--json", "--completion", block("def inc(x):\n    return x + 1"), "--reference",
                      json.dumps(inc()), rc=None)
    probe.doCleanups()
    return "" if '"pass"' in run.out else run.out + run.err


def main_or_skip(why=""):
    """The tests of the file that was started, or its name and why there is nothing to test here."""
    why = why or (missing() if BIN.exists() else "")
    if why:
        print(f"SKIP {pathlib.Path(sys.argv[0]).stem}:", why)
        sys.exit(77)
    main()


if __name__ == "__main__":
    main_or_skip()
