"""Contest problems: SandboxFusion's stdin and stdout rows (CodeContests), and rllm's leetcode and code_contests.

SPDX-License-Identifier: Apache-2.0
"""
import json
import re


def loaded(field):
    """Some columns are JSON inside a string."""
    return json.loads(field) if isinstance(field, str) else field


def is_fraction(token):
    return re.fullmatch(r"[+-]?(\d+\.\d*|\.\d+|\d+[eE][+-]?\d+)([eE][+-]?\d+)?", token) is not None


def stdio(inputs, outputs, language="python"):
    """Numbers as they are written; where fractions are wanted, near ones will do."""
    fractions = any(is_fraction(token) for text in outputs for token in text.split())
    reference = {"stdin": inputs, "stdout": outputs, "compare": "float" if fractions else "decimal"}
    return {**reference, **({} if language == "python" else {"language": language})}


def cases(row, language):
    """SandboxFusion's: [{"input": {"stdin"}, "output": {"stdout"}}], or with the strings as they are."""
    tests = loaded(row["test"])
    return stdio([one(t["input"], "stdin") for t in tests], [one(t["output"], "stdout") for t in tests], language)


def one(field, name):
    return field[name] if isinstance(field, dict) else field


def entry_point(row):
    """The method of class Solution that is asked for."""
    named = row.get("entry_point") or row.get("fn_name")
    if named:
        return named.replace("Solution().", "")
    for text in (row.get("starter_code") or "", row.get("problem") or "", *(row.get("solutions") or [])):
        found = re.search(r"class Solution\b.*?\n\s+def (?!__)(\w+)\s*\(", text, re.DOTALL)
        if found:
            return found[1]
    raise ValueError("no method of a class Solution is named anywhere in the row")


def rllm(row, language, imports):
    """{"functional": "def check(candidate): ..."}, or {"inputs": [...], "outputs": [...]}."""
    tests = loaded(row["tests"])
    if isinstance(tests, dict) and "functional" in tests:
        return {"entry_point": entry_point(row), "check": tests["functional"], "prefix": imports}
    if isinstance(tests, list):  # code_contests as some versions keep it
        tests = {"inputs": [t["input"] for t in tests], "outputs": [t["output"] for t in tests]}
    inputs, outputs = ([t if isinstance(t, str) else "\n".join(map(str, t)) for t in tests[k]] for k in ("inputs", "outputs"))
    return stdio(inputs, outputs, language)
