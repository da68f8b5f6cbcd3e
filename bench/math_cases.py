"""bench/math_cases.py -- the case files of the math verifier as items of `assay verify`: which plugin, which config.

Shared by bench/math_vs_peers and tests/cli/test_math_data.py. A case file's row has its peer's own options and its
peer's own policy; MAPPING says, in one place, what each becomes. Nothing else depends on a row's id but BY_ID.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import gzip
import json
import os
import pathlib
import subprocess

SOURCE = pathlib.Path(__file__).resolve().parent.parent
FILES = ("mathverify", "own", "others", "metamorphic")
SCORED = ("pass", "fail", "no_answer", "timeout")

# One line per rule: name, when it holds for a row, what it adds to the config of `math`, why.
MAPPING = (
    ("precision", lambda r: r.get("precision") not in (None, 6),
     lambda r: {"tolerance": {"digits": r["precision"]}},
     "the test asks Math-Verify for float_rounding=P; its default, 6, is no policy a test asked for"),
    ("expr", lambda r: "expr" in types(r) or r.get("match_types") == "default",
     lambda r: {"last_number": True},
     "ExprExtractionConfig takes the last number of a text"),
    ("set_rel", lambda r: r.get("set_rel") is False,
     lambda r: {"gold_shape": True},
     "allow_set_relation_comp=False: a set that was asked for is not answered by a relation"),
    ("answer tag", lambda r: "<answer>" in r["completion"],
     lambda r: {"answer_tags": True},
     "tags are read where they are configured"),
    ("last number", lambda r: "last-number" in r["note"] or source_of(r) in LAST_NUMBER,
     lambda r: {"last_number": True},
     "the row tests the fallback to the last number"),
    ("tolerance", lambda r: source_of(r) in RELATIVE or r["id"] in BY_ID,
     lambda r: {"tolerance": {"relative": RELATIVE.get(source_of(r)) or BY_ID[r["id"]]}},
     "the row tests a grader's tolerance"),
)
LAST_NUMBER = ("inspect_ai::test_prose_wrapped_numeric_answers_are_extracted",)
RELATIVE = {"inspect_ai::test_approximate_values_still_match": 1e-9}
BY_ID = {"qwen2.5-math-350": 1e-4}  # 1/12 against 0.0833333333333333: Qwen's rel_tol; its other rows expect no tolerance

# Rows that ask for a letter go to `choice`; the one that asks for a letter which choice does not know, to `exact`.
LETTERS = {"choices": "ABCD"}
WORDS = {"normalise": "case", "take": "answer"}

Case = collections.namedtuple("Case", "id group source reference completion expect plugin config row rules")


def types(row):
    return row.get("match_types") or ()


def source_of(row):
    return row["src"].split("[")[0]


def is_parser_row(row):
    return row["id"].startswith("latex2sympy")


def config_of(row):
    """(config, names of the rules that made it)."""
    config, names = {}, []
    for name, holds, adds, _ in MAPPING:
        if holds(row):
            config.update(adds(row))
            names.append(name)
    return config, names


def letter_case(row, group):
    """A row of a letter's extraction, whose expectation is what Math-Verify's parse() gives: [] or [lower, UPPER]."""
    if isinstance(row["expect"], list):
        reference, expect = (row["expect"] or ["A"])[-1], bool(row["expect"])
    else:
        reference, expect = row["reference"], row["expect"]
    known = reference.strip("() ")[:1] in LETTERS["choices"] or len(reference) > 1
    plugin, config = ("choice", LETTERS) if known else ("exact", WORDS)
    return Case(row["id"], group, row["src"], reference, row["completion"], expect, plugin, config, row, ["letters"])


def case_of(row, group):
    """None for a row without an expectation (`limit`: only that it ends)."""
    if "NativeLetters" in types(row) or isinstance(row["expect"], list):
        return letter_case(row, group)
    if not isinstance(row["expect"], bool):
        return None
    config, rules = config_of(row)
    return Case(row["id"], "latex2sympy" if is_parser_row(row) else group, row["src"], row["reference"],
                row["completion"], row["expect"], "math", config, row, rules)


def folder(shared=None):
    return pathlib.Path(shared or os.environ.get("ASSAY_SHARED", SOURCE.parent / "shared")) / "data" / "math"


def read_lines(path):
    opener = gzip.open if str(path).endswith(".gz") else open
    with opener(path, "rt", encoding="utf-8") as lines:
        return [json.loads(line) for line in lines]


def load(shared=None):
    """All cases with an expectation, in the order of the files. [] where the data is not there."""
    base = folder(shared)
    found = []
    for name in FILES:
        path = base / f"cases_{name}.jsonl"
        if path.exists():
            found += [case for row in read_lines(path) if (case := case_of(row, name))]
    return found


def own_cases(name):
    """tests/cases/NAME.jsonl: our own rows; expect is a verdict there, pass or not."""
    return [Case(r["id"], name, r.get("class", name), r["reference"], r["completion"], r["expect"] == "pass", "math",
                 r.get("config", {}), r, []) for r in read_lines(SOURCE / "tests" / "cases" / f"{name}.jsonl")]


def hostile(shared=None):
    """Inputs that must neither pass nor fail us: [(id, reference, completion)], the `limit` rows of others included."""
    base = folder(shared)
    rows = read_lines(base / "hostile.jsonl.gz")
    rows += [dict(r, reference="42") for r in read_lines(base / "cases_others.jsonl") if r["expect"] == "limit"]
    return [(r["id"], r["reference"], r["completion"]) for r in rows]


def golds(shared=None):
    return read_lines(folder(shared) / "golds.jsonl.gz")


# ---- verify ----------------------------------------------------------------------------------------------------

class Verify:
    """Runs `assay verify` over rows that may differ in plugin and config: one process per configuration."""

    def __init__(self, assay, folder, env=None):
        self.assay, self.folder, self.env = str(assay), pathlib.Path(folder), env
        self.n = 0
        self.unknown = set()  # config keys this build does not know

    def probe(self):
        """Finds config keys that the built plugin does not know, so that figures can be had while it is being written.
        They are left out of the configs; callers say so."""
        keys = {"last_number": True, "tolerance": {"digits": 6}, "gold_shape": True, "square_free": True,
                "shortcuts": False, "answer_tags": True}
        for key, value in keys.items():
            done = subprocess.run([self.assay, "verify", "-p", "math:" + json.dumps({key: value}), "-r", "1", "-c", "1",
                                   "--quiet", "--no-cache"], capture_output=True, env=self.env)
            if done.returncode == 2:
                self.unknown.add(key)
        return self.unknown

    def spec(self, plugin, config):
        config = {k: v for k, v in config.items() if k not in self.unknown}
        return plugin + ":" + json.dumps(config, sort_keys=True) if config else plugin

    def run(self, rows, explain=False):
        """rows: [(reference, completion, plugin, config)] -> [verdict object], in order."""
        by_spec = collections.defaultdict(list)
        for i, (_, _, plugin, config) in enumerate(rows):
            by_spec[self.spec(plugin, config)].append(i)
        results = [None] * len(rows)
        for spec, which in by_spec.items():
            self.n += 1
            items, verdicts = self.folder / f"{self.n}.jsonl", self.folder / f"{self.n}.out.jsonl"
            with open(items, "w", encoding="utf-8") as out:
                for i in which:
                    out.write(json.dumps({"id": str(i), "reference": rows[i][0], "completion": rows[i][1]}) + "\n")
            more = ["--explain"] if explain else []
            done = subprocess.run([self.assay, "verify", "--plugin", spec, "--in", str(items), "--out", str(verdicts),
                                   "--force", "--no-cache", "--quiet", "--threads", "1", *more], capture_output=True,
                                  text=True, env=self.env)
            if done.returncode:
                raise SystemExit(f"assay verify --plugin '{spec}' ended with {done.returncode}\n{done.stderr[-2000:]}")
            for i, row in zip(which, read_lines(verdicts)):
                results[i] = row
            items.unlink()
            verdicts.unlink()
        return results

    def cases(self, cases, explain=False):
        return self.run([(c.reference, c.completion, c.plugin, c.config) for c in cases], explain)


def outcome(expect, verdict):
    """right | wrong pass | wrong fail | unscored. True is right if and only if it passes, False if it is scored otherwise;
    abstain and error are wrong either way, and counted apart."""
    if verdict not in SCORED:
        return "unscored"
    if (verdict == "pass") == expect:
        return "right"
    return "wrong pass" if verdict == "pass" else "wrong fail"


def tally(cases, results):
    """group -> Counter of outcomes and verdicts."""
    counts = collections.defaultdict(collections.Counter)
    for case, result in zip(cases, results):
        count = counts[case.group]
        count["n"] += 1
        count[outcome(case.expect, result["verdict"])] += 1
        count[result["verdict"]] += 1
        if result["verdict"] == "pass":
            count["rule " + str(result.get("rule"))] += 1
    return counts
