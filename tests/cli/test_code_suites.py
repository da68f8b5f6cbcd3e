#!/usr/bin/env python3
"""The code verifier over real problems: every reference solution of HumanEval and MBPP+ passes, mutants of them fall as they
do under plain python3, answers in the manner of chats get their verdicts. A sample of bench/code_suites. Skips by name
without the data.

SPDX-License-Identifier: Apache-2.0
"""
import random
import sys

from run_assay import SOURCE, AssayTest, json

sys.path.insert(0, str(SOURCE / "bench"))
sys.dont_write_bytecode = True
import code_cases as cases  # noqa: E402
import test_code  # noqa: E402

MUTANTS, CHATS, SEED = 60, 8, 18


class Converted(AssayTest):
    """What examples/code_suites makes of rows of our own."""

    ROW = {"task_id": "Mbpp/2", "prompt": "p", "entry_point": "similar_elements", "atol": 0, "assertion": "",
           "canonical_solution": "\ndef similar_elements(a, b):\n    return tuple(set(a) & set(b))\n",
           "base_input": [[[1, 2], [2, 3]]], "plus_input": [[["x"], ["x", "y"]]]}

    def reference(self, **more):
        line, = cases.suite.FORMATS["evalplus"]([{**self.ROW, **more}], cases.suite.read_options(["evalplus", "-"]))
        return json.loads(line["reference"])

    def test_tuples_and_sets(self):
        found = self.reference()
        self.assertEqual(found["inputs"], ["((1, 2, ), (2, 3, ), )", "(('x', ), ('x', 'y', ), )"])
        self.assertEqual(found["outputs"], ["(2,)", "('x',)"])
        self.assertEqual(found["oracle"], "set")

    def test_floats_have_a_tolerance(self):
        found = self.reference(task_id="HumanEval/999", entry_point="half", prompt="def half(x):\n",
                               canonical_solution="    return x / 2\n", base_input=[[1], [3]], plus_input=[])
        self.assertEqual((found["outputs"], found["atol"], found["rtol"]), (["0.5", "1.5"], 1e-6, 1e-7))

    def test_what_has_no_value_is_left_out(self):
        for code in ("return [].x", "return iter(a)", "return list({'a', 'b', 'c', 'd', 'e', 'f', 'g'})"):
            rows = [{**self.ROW, "entry_point": "f", "canonical_solution": f"def f(a, b):\n    {code}\n"}]
            self.assertEqual(cases.suite.convert("evalplus", rows), [], code)

    def test_too_large_a_value(self):
        found = self.reference(task_id="Mbpp/9", entry_point="f", canonical_solution="def f(n):\n    return 'x' * n\n",
                               base_input=[[3], [10 ** 8], [10 ** 10]], plus_input=[])
        self.assertEqual((found["inputs"], found["outputs"]), (["(3, )"], ["'xxx'"]))


class Suites(AssayTest):
    def verify(self, pairs):
        rows = [{"id": str(i), "reference": reference, "completion": text} for i, (reference, text) in enumerate(pairs)]
        run = self.assay("verify", "--plugin", "code", "--in", self.file("items.jsonl", rows), "--no-cache", "--quiet",
                         "--threads", 2, "--timeout-ms", 120000, "--explain")
        return [json.loads(line) for line in run.out.splitlines()]

    def passes(self, problems):
        results = self.verify([(p.reference, cases.block(p.solution)) for p in problems])
        self.assertEqual([(p.id, r) for p, r in zip(problems, results) if r["verdict"] != "pass"], [])

    def test_references(self):
        human, asserts, inputs = cases.humaneval(), cases.mbppplus_asserts(), cases.mbppplus_inputs("--base")
        self.assertEqual((len(human), len(asserts), len(inputs)), (164, 378, 378))
        for problems in (human, asserts, inputs, cases.mbpp()):
            self.passes(problems)

    def test_mutants(self):
        made = [(p, source) for p in cases.humaneval() + cases.mbppplus_asserts() for _, source in cases.mutants(p, 1, SEED)]
        made = random.Random(SEED).sample(made, MUTANTS)
        truth = cases.plain([(source, p.tests) for p, source in made])
        results = self.verify([(p.reference, cases.block(source)) for p, source in made])
        differ = [(p.id, source, right, r) for (p, source), right, r in zip(made, truth, results)
                  if right != (r["verdict"] == "pass")]
        self.assertEqual(differ, [])

    def test_chats(self):
        problems = random.Random(SEED).sample(cases.humaneval() + cases.mbppplus_asserts(), CHATS)
        made = [(p, *chat) for p in problems for chat in cases.chats(p)]
        for (p, what, _, want), r in zip(made, self.verify([(p.reference, text) for p, _, text, _ in made])):
            with self.subTest(what, problem=p.id):
                self.assertEqual(r["verdict"], want, r)


if __name__ == "__main__":
    test_code.main_or_skip("" if cases.have() else "data/code is not there (ASSAY_SHARED)")
