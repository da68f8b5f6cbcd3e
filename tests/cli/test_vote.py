#!/usr/bin/env python3
"""`assay vote` through the real binary: order, scattered groups, verify|vote, ties, majority's labels, bad input.

SPDX-License-Identifier: Apache-2.0
"""
import collections
import gzip
import json
import math
import os
import pathlib
import random
import resource
import signal
import subprocess
import tempfile
import unittest

BIN = os.environ["ASSAY_BIN"]
BUILD = pathlib.Path(os.environ["ASSAY_BUILD"])
SOURCE = pathlib.Path(os.environ["ASSAY_SOURCE"])
PLUGINS = BUILD / "plugins"


def assay(*argv, stdin=None, ok=0, **more):
    done = subprocess.run([BIN, *map(str, argv)], capture_output=True, timeout=120,
                          input=stdin.encode() if isinstance(stdin, str) else stdin, **more)
    done.stdout, done.stderr = done.stdout.decode(), done.stderr.decode()
    assert done.returncode == ok, f"{argv} ended with {done.returncode}, not {ok}\n{done.stdout[-500:]}{done.stderr[-2000:]}"
    return done


def lines(items):
    return "".join(json.dumps(i) + "\n" for i in items)


def vote(items, *more, plugin="exact", ok=0):
    text = items if isinstance(items, (str, bytes)) else lines(items)
    done = assay("vote", "--plugin", plugin, *more, stdin=text, ok=ok)
    return [json.loads(line) for line in done.stdout.splitlines()] if ok == 0 else done.stderr


def random_items(n_groups, seed, per_group=24):
    rng = random.Random(seed)
    items = []
    for g in range(n_groups):
        for s in range(rng.randint(1, per_group)):
            text = rng.choice(["", " ", "no", "1", "2", "3", "\u00e9", "4 "])
            items.append({"id": f"{g}-{s}", "group": f"g{g}", "completion": text, "sum_logp": -rng.random() * 50})
    return items


def by_group(rows):
    return {r["group"]: r for r in rows}


def naive(items):
    """Bytes of the trimmed completion, counted; ties by the smallest key: what `exact` must give."""
    groups = collections.OrderedDict()
    for i in items:
        groups.setdefault(i["group"], []).append(i["completion"].strip())
    out = {}
    for name, texts in groups.items():
        counts = collections.Counter(t for t in texts if t)
        best = sorted(counts.items(), key=lambda c: (-c[1], c[0].encode()))
        tie = len(best) > 1 and best[0][1] == best[1][1]
        out[name] = (best[0][0] if best else None, best[0][1] if best else 0, len(texts), tie,
                     sum(1 for t in texts if not t))
    return out


class Vote(unittest.TestCase):
    def test_against_a_naive_count(self):
        items = random_items(150, 1)
        random.Random(2).shuffle(items)  # groups scattered over the whole file
        rows = vote(items)
        expected = naive(items)
        self.assertEqual([r["group"] for r in rows], list(expected))  # in order of first appearance
        for r in rows:
            self.assertEqual(r["schema"], "assay.vote/1")
            self.assertEqual((r["label"], r["votes"], r["n"], r["tie"], r["no_vote"]), expected[r["group"]])
            self.assertAlmostEqual(r["ratio"], r["votes"] / r["n"], places=12)
            self.assertEqual(sum(k["votes"] for k in r["keys"]) + r["no_vote"], r["n"])
            self.assertNotIn("errors", r)

    def test_order_does_not_matter(self):
        items = random_items(60, 3)
        for rule in ("key", "logp", "none"):
            before = by_group(vote(items, "--tie", rule))
            for seed in (1, 2):
                again = list(items)
                random.Random(seed).shuffle(again)
                self.assertEqual(by_group(vote(again, "--tie", rule, "--threads", seed)), before)

    def test_many_chunks(self):
        items = random_items(400, 4, per_group=60)
        random.Random(5).shuffle(items)
        self.assertGreater(len(items), 8000)
        rows = vote(gzip.compress(lines(items).encode()), "--threads", "4")
        self.assertEqual({r["group"]: (r["label"], r["votes"], r["n"], r["tie"], r["no_vote"]) for r in rows},
                         naive(items))

    def test_tie_rules(self):
        items = [{"group": 1, "completion": t, "sum_logp": p}
                 for t, p in (("b", -5), ("a", -9), ("c", -1), ("a", -9), ("b", -5), ("c", -1.5), ("z", 0))]
        for rule, label in (("key", "a"), ("first", "b"), ("logp", "c"), ("none", None)):
            (row,) = vote(items, "--tie", rule)
            self.assertEqual((row["label"], row["tie"], row["group"]), (label, True, 1))
            self.assertEqual(row["ratio"], 0 if label is None else 2 / 7)
        del items[5]["sum_logp"]
        done = assay("vote", "--plugin", "exact", "--tie", "logp", stdin=lines(items))
        self.assertEqual(json.loads(done.stdout)["label"], "a")
        self.assertIn('1 samples have no "sum_logp"', done.stderr)

    def test_verify_then_vote(self):
        items = [dict(i, reference="1") for i in random_items(80, 6)]
        random.Random(7).shuffle(items)
        verdicts = assay("verify", "--plugin", "exact", "--no-cache", stdin=lines(items)).stdout
        self.assertEqual(vote(verdicts), vote(items))
        mixed = [verdict if i % 2 else json.dumps(item)  # half of the file verified already
                 for i, (verdict, item) in enumerate(zip(verdicts.splitlines(), items))]
        self.assertEqual(vote("\n".join(mixed) + "\n"), vote(items))

    def test_results_without_keys_are_said(self):
        rows = [{"id": i, "group": "g", "verdict": v, "score": 1, "reason": "r"}
                for i, v in enumerate(("pass", "no_answer", "error", "abstain"))]
        done = assay("vote", "--plugin", "exact", stdin=lines(rows))
        row = json.loads(done.stdout)
        self.assertEqual((row["label"], row["n"], row["no_vote"], row["errors"]), (None, 3, 3, 1))
        self.assertIn('1 results of verify have a verdict but no "key"', done.stderr)
        self.assertIn("1 samples could not be judged and are left out (first: stdin:3: r)", done.stderr)

    def test_summary(self):
        items = [{"group": "a", "completion": "x"}, {"group": "a", "completion": "x"}, {"group": "b", "completion": ""},
                 {"group": "c", "completion": "x"}, {"group": "c", "completion": "y"}]
        with tempfile.TemporaryDirectory() as folder:
            out = pathlib.Path(folder) / "votes.jsonl"
            done = assay("vote", "--plugin", "exact", "--out", out, "--json", stdin=lines(items))
            summary = json.loads(done.stdout)
            self.assertEqual(len(out.read_text().splitlines()), 3)
            self.assertEqual((summary["schema"], summary["groups"], summary["samples"], summary["labels"],
                              summary["no_label"], summary["ties"], summary["no_vote"], summary["mean_ratio"]),
                             ("assay.vote_summary/1", 3, 5, 2, 1, 1, 1, 0.75))
            again = assay("vote", "--plugin", "exact", "--out", out, stdin=lines(items), ok=2)
            self.assertIn("--force", again.stderr)
            assay("vote", "--plugin", "exact", "--out", out, "--force", "--quiet", stdin=lines(items[:1]))
            self.assertEqual(len(out.read_text().splitlines()), 1)
        self.assertIn("--out FILE", assay("vote", "--plugin", "exact", "--json", stdin="", ok=2).stderr)

    def test_empty_input(self):
        self.assertEqual(vote(""), [])


def decided_after(keys, error):
    """(samples, the answer that leads then) by the rule of ttrl/label.h, with waves of one; None: never before the last."""
    for n in range(1, len(keys)):
        counts = collections.Counter(k for k in keys[:n] if k).most_common() + [("", 0), ("", 0)]
        (leader, a), (_, b), left = counts[0], counts[1], len(keys) - n
        if error == 0 and a - b > left:
            return n, leader
        if error == 0 or a == b:
            continue
        of_two, chance = -(-left * (a + b + 2) // (n + 3)), 0
        for k in range((a - b + of_two + 1) // 2, of_two + 1):  # of them for the second; Beta(b + 1, a + 1)-binomial
            chance += math.comb(of_two, k) * math.exp(math.lgamma(k + b + 1) + math.lgamma(of_two - k + a + 1) -
                                                      math.lgamma(of_two + a + b + 2) + math.lgamma(a + b + 2) -
                                                      math.lgamma(b + 1) - math.lgamma(a + 1))
        if chance <= error * (1 + 1e-9):
            return n, leader
    return None


class Sequential(unittest.TestCase):
    def test_when_it_was_decided(self):
        items = random_items(60, 5)
        votes, saved = naive(items), 0
        keys = collections.defaultdict(list)
        for i in items:
            keys[i["group"]].append(i["completion"].strip())
        for error in (0, 0.05, 0.3):
            with tempfile.TemporaryDirectory() as folder:
                out = pathlib.Path(folder) / "v.jsonl"
                done = assay("vote", "--plugin", "exact", "--sequential", error, "--out", out, "--json", stdin=lines(items))
                rows, all_ = [json.loads(line) for line in out.read_text().splitlines()], json.loads(done.stdout)
            same = 0
            for row in rows:
                mine = keys[row["group"]]
                n, leader = decided_after(mine, error) or (len(mine), None)
                is_same = leader is None or leader == row["label"]
                want = {"drawn": n, "label": row["label"] if leader is None else leader, "same_label": is_same}
                self.assertEqual(row["sequential"], want, (mine, error))
                same += is_same
            drawn = sum(row["sequential"]["drawn"] for row in rows)
            self.assertEqual((all_["sequential_error"], all_["sequential_drawn"], all_["sequential_same"]), (error, drawn, same))
            self.assertIn(f"decide with error {error}; {same} labels of 60 are the same", done.stderr)
            self.assertGreater(len(items) - drawn, saved)
            saved = len(items) - drawn
            (self.assertEqual if error == 0 else self.assertLessEqual)(same, 60)
        self.assertLess(same, 60)
        self.assertEqual(len(votes), len(rows))

    def test_not_asked(self):
        row, = vote([{"group": "g", "completion": "a"}])
        self.assertNotIn("sequential", row)

    def test_nobody_votes(self):
        row, = vote([{"group": "g", "completion": ""}] * 3, "--sequential", "0.5")
        self.assertEqual((row["label"], row["sequential"]), (None, {"drawn": 3, "label": None, "same_label": True}))

    def test_many(self):
        """Of more than 1,024 it is looked at 1,024 places at most."""
        row, = vote([{"group": "g", "completion": "a"}] * 5000, "--sequential", "0")
        self.assertEqual(row["sequential"], {"drawn": 2501, "label": "a", "same_label": True})

    def test_out_of_range(self):
        for value in ("-0.1", "0.6", "nan"):
            text = assay("vote", "--plugin", "exact", "--sequential", value, stdin="", ok=2).stderr
            self.assertIn("--sequential", text)


class Majority(unittest.TestCase):
    """The group verifier `majority` passes exactly the samples of the class that `assay vote` elects."""

    def labels_agree(self, items, of):
        config = json.dumps({"of": of, "min_ratio": 0.0})
        order = {}
        for i in items:
            order.setdefault(i["group"], []).append(i)
        items = [i for group in order.values() for i in group]  # whole groups together
        verdicts = [json.loads(v) for v in assay("verify", "--plugin", f"majority:{config}", "--no-cache",
                                                 "--max-unscored", "100%", stdin=lines(items)).stdout.splitlines()]
        self.assertEqual(len(verdicts), len(items))
        passed = collections.defaultdict(list)
        for item, verdict in zip(items, verdicts):
            passed[item["group"]].append(verdict["verdict"] == "pass")
        n_labels = 0
        for row in vote(items, plugin=of):
            group = order[row["group"]]
            alone = by_group(vote([dict(i, group=k) for k, i in enumerate(group)], plugin=of))
            winners = [bool(alone[k]["keys"]) and row["label"] is not None and self.same(alone[k], row, of)
                       for k in range(len(group))]
            self.assertEqual(passed[row["group"]], winners, row)
            self.assertEqual(sum(winners), row["votes"])
            n_labels += row["label"] is not None
        return n_labels

    @staticmethod
    def same(one, row, of):
        """Is this sample's answer in the winning class? Its key together with the winner's, voted on, is one class."""
        key = one["keys"][0]["key"]
        if key == row["keys"][0]["key"] or of == "exact":
            return key == row["keys"][0]["key"]
        pair = [{"group": 0, "id": n, "verdict": "fail", "key": k} for n, k in enumerate((row["keys"][0]["key"], key))]
        return len(vote(pair, plugin=of)[0]["keys"]) == 1

    def setUp(self):
        if not (PLUGINS / "majority.so").exists():
            self.skipTest("no majority.so in this build")

    def test_random_groups(self):
        self.assertGreater(self.labels_agree(random_items(40, 8), "exact"), 20)

    def test_numbers(self):
        if not (PLUGINS / "math.so").exists():
            self.skipTest("no math.so in this build")
        rng = random.Random(9)
        forms = ["\\boxed{%d}", "\\boxed{%d.0}", "\\boxed{\\frac{%d}{1}}", "The answer is %d."]
        items = [{"group": f"g{g}", "id": f"{g}-{s}", "completion": rng.choice(forms) % rng.randint(0, 3) if rng.random() < .9
                  else "no idea"} for g in range(5) for s in range(rng.randint(2, 7))]
        self.assertGreater(self.labels_agree(items, "math"), 3)

    def test_shipped_answers(self):
        path = SOURCE / "examples" / "answers.jsonl"
        if not path.exists() or not (PLUGINS / "math.so").exists():
            self.skipTest("no examples/answers.jsonl or no math.so")
        groups = collections.OrderedDict()
        for line in path.read_text().splitlines():
            item = json.loads(line)
            item["group"] = item.get("group", item.get("problem_id"))
            groups.setdefault(item["group"], []).append(item)
        items = [i for g in list(groups)[:4] for i in groups[g]]
        self.assertGreater(self.labels_agree(items, "math"), 0)


class BadInput(unittest.TestCase):
    GOOD = '{"id":1,"group":"g","completion":"a"}\n'

    def refused(self, text, code, *words, more=()):
        message = vote(text, *more, ok=code)
        for word in words:
            self.assertIn(word, message)
        self.assertEqual(message.strip().count("\n"), 0, message)

    def test_lines(self):
        self.refused(self.GOOD + '{"id":2,"completion":"a"}\n', 3, "stdin:2: ", '"group" is missing', "same")
        self.refused(self.GOOD + '{"id":2,"group":"g"}\n', 3, "stdin:2: ", "completion")
        self.refused(self.GOOD + '{"id":2,"group":"g","completion":"a"\n', 3, "stdin:2: ")
        self.refused(self.GOOD + "nonsense\n", 3, "stdin:2: ")
        self.refused(self.GOOD + '{"id":2,"group":"g","completion":"a","completion":"b"}\n', 3, "stdin:2: ", "completion")
        self.refused(self.GOOD.encode() + b'{"id":2,"group":"h","completion":"\xff"}\n', 3, "stdin:2: ", "UTF-8")

    def test_an_id_twice(self):
        other = '{"id":1,"group":"h","completion":"a"}\n'  # in another group: fine
        self.assertEqual(len(vote(self.GOOD + other)), 2)
        self.refused(self.GOOD + other + self.GOOD, 3, "stdin:3: ", "id 1", 'group "g"', "first at line 1")

    def test_the_last_good_line_counts_for_nothing(self):
        done = assay("vote", "--plugin", "exact", stdin=self.GOOD + "nonsense\n", ok=3)
        self.assertEqual(done.stdout, "")  # half a file has no majority

    def test_an_error_is_no_vote_even_with_a_key(self):
        row, = vote([{"group": "g", "id": i, "verdict": v, "key": k} for i, (v, k) in
                     enumerate((("error", "x"), ("error", "x"), ("pass", "y")))])
        self.assertEqual((row["label"], row["n"], row["errors"], row["ratio"]), ("y", 1, 2, 1))

    def test_a_group_is_the_same_however_its_name_is_written(self):
        rows = [f'{{"group":{g},"id":{i},"verdict":"fail","key":"{k}"}}' for g, i, k in
                (('7', 1, "a"), ('"7"', 2, "b"), (r'"\u0037"', 3, "b"), (r'"\ud800"', 4, "c"), (r'"\ud801"', 5, "c"))]
        self.assertEqual([(r["group"], r["label"], r["n"]) for r in vote("\n".join(rows) + "\n")],
                         [(7, "b", 3), ("\ud800", "c", 1), ("\ud801", "c", 1)])
        self.refused('{"group":7,"id":"a","completion":"x"}\n{"group":"7","id":"\\u0061","completion":"y"}\n', 3, "stdin:2: ",
                     "first at line 1")

    def test_zero_bytes_and_long_texts(self):
        items = [{"group": "g\u0000", "completion": "a\u0000b"}, {"group": "g\u0000", "completion": "a\u0000c"},
                 {"group": "g\u0000", "completion": "a\u0000b"}, {"group": "big", "completion": "x" * 10_000_000}]
        rows = vote(items)
        self.assertEqual((rows[0]["label"], rows[0]["votes"], rows[0]["group"]), ("a\u0000b", 2, "g\u0000"))
        self.assertEqual(len(rows[1]["label"]), 10_000_000)

    def test_memory_budget(self):
        items = [{"group": g, "id": g, "completion": f"{g} " + "x" * 4000} for g in range(600)]
        self.refused(lines(items), 7, "--max-memory-mib", "stdin:", more=("--max-memory-mib", "1"))
        self.assertEqual(len(vote(items, "--max-memory-mib", "64")), 600)

    def test_plugins_that_cannot_vote(self):
        text = assay("vote", "--plugin", "no_such_plugin", stdin=self.GOOD, ok=5).stderr
        self.assertIn("no_such_plugin", text)
        text = assay("vote", stdin=self.GOOD, ok=2).stderr
        self.assertIn("--plugin", text)
        if (PLUGINS / "format.so").exists():
            self.assertIn("assay.answer/1", assay("vote", "--plugin", "format", stdin=self.GOOD, ok=5).stderr)
        if (PLUGINS / "majority.so").exists():
            text = assay("vote", "--plugin", 'majority:{"of":"exact"}', stdin=self.GOOD, ok=5).stderr
            self.assertIn("whole groups", text)

    def test_a_verifier_that_cannot_compare(self):
        items = [{"group": g, "completion": str(i % 7)} for g in range(3) for i in range(15)]
        done = assay("vote", "--plugin", os.environ["ASSAY_TEST_PLUGINS"] + "/same_fails.so", stdin=lines(items))
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        self.assertEqual([(r["label"], r["votes"], len(r["keys"])) for r in rows], [("0", 3, 7)] * 3)
        self.assertIn("failed 20 times to compare", done.stderr)

    def test_interrupted(self):
        for number, status in ((signal.SIGINT, 130), (signal.SIGTERM, 143)):
            p = subprocess.Popen([BIN, "vote", "--plugin", "exact"], stdin=subprocess.PIPE, stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            p.stdin.write(self.GOOD.encode())
            p.stdin.flush()
            self.wait_for_read(p)
            p.send_signal(number)
            out, err = p.communicate(timeout=60)
            self.assertEqual((p.returncode, out), (status, b""), err)

    @staticmethod
    def wait_for_read(p):
        """Until it waits for more input: the signal has to find its handlers in place."""
        caught = 1 << (signal.SIGINT - 1)
        while True:
            for line in pathlib.Path(f"/proc/{p.pid}/status").read_text().splitlines():
                if line.startswith("SigCgt:") and int(line.split()[1], 16) & caught:
                    return

    def test_option_values(self):
        self.assertIn("key", assay("vote", "--plugin", "exact", "--tie", "coin", stdin="", ok=2).stderr)
        assay("vote", "--plugin", "exact", "--max-memory-mib", "0", stdin="", ok=2)
        self.assertIn("nowhere", assay("vote", "--plugin", "exact", "--in", "/nowhere/x", ok=3).stderr)

    def test_a_full_disk(self):
        with tempfile.TemporaryDirectory() as folder:
            def small_files():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (4096, 4096))
            done = assay("vote", "--plugin", "exact", "--out", pathlib.Path(folder) / "v.jsonl", ok=7,
                         stdin=lines(random_items(300, 11)), preexec_fn=small_files)
            self.assertIn("v.jsonl", done.stderr)

    def test_a_closed_pipe(self):
        items = lines(random_items(3000, 12))
        with tempfile.NamedTemporaryFile("w", suffix=".jsonl") as f:
            f.write(items)
            f.flush()
            p = subprocess.Popen([BIN, "vote", "--plugin", "exact", "--in", f.name], stdout=subprocess.PIPE,
                                 stderr=subprocess.PIPE)
            p.stdout.readline()
            p.stdout.close()
            p.stderr.read()
            p.stderr.close()
            self.assertIn(p.wait(timeout=60), (0, 3, 141))


class FailingPart(unittest.TestCase):
    """An item the voting verifier failed on is neither a vote nor a blank: ERROR in `majority`, out of n in `vote`."""

    SEVENK = BUILD / "tests" / "plugins" / "sevenk.so"
    CONFIG = {"sin": "crash", "at": 1}
    ITEMS = lines([{"id": k, "group": "g", "completion": str(k % 3)} for k in range(10)])

    def test_majority(self):
        config = json.dumps({"of": {"verifier": str(self.SEVENK), "config": self.CONFIG}})
        done = assay("verify", "--plugin", f"majority:{config}", stdin=self.ITEMS)
        rows = [json.loads(line) for line in done.stdout.splitlines()]
        want = {0: "pass", 1: "error", 2: "fail"}
        self.assertEqual([r["verdict"] for r in rows], [want[k % 3] for k in range(10)])
        self.assertEqual({r["score"] for r in rows if r["verdict"] == "error"}, {None})
        self.assertEqual({r["metrics"]["majority_ratio"] for r in rows}, {4 / 7})

    def test_vote(self):
        row, = vote(self.ITEMS, plugin=f"{self.SEVENK}:{json.dumps(self.CONFIG)}")
        self.assertEqual((row["label"], row["votes"], row["n"], row["errors"]), ("0", 4, 7, 3))


class CostlyVerifier(unittest.TestCase):
    """The cache through the command line: 0 calls in the second run, and never for what is no verdict."""

    def run_it(self, folder, items, *more):
        count = folder / "count"
        count.write_text("")
        plugin = f"{os.environ['ASSAY_TEST_PLUGINS']}/costly.so:" + json.dumps({"count_file": str(count)})
        done = assay("verify", "--plugin", plugin, "--cache", folder / "cache.sqlite", "--max-unscored", "100%", *more,
                     stdin=lines(items))
        rows = [{k: v for k, v in json.loads(line).items() if k not in ("ms", "cached")}
                for line in done.stdout.splitlines()]
        return rows, count.read_text().split()

    def test_second_run_is_free(self):
        items = [{"id": i, "completion": t, "reference": "a"} for i, t in enumerate(["a", "b", "c", "abstain", "a"])]
        hard = [{"id": 10 + i, "completion": t, "reference": "a"} for i, t in enumerate(["error", "timeout", "flaky"])]
        with tempfile.TemporaryDirectory() as name:
            folder = pathlib.Path(name)
            first, calls = self.run_it(folder, items)
            self.assertEqual(sorted(calls), ["a", "abstain", "b", "c"])  # "a" is judged once
            second, calls = self.run_it(folder, items)
            self.assertEqual(calls, [])
            self.assertEqual(second, first)
            _, calls = self.run_it(folder, items, "--no-cache")
            self.assertEqual(sorted(calls), ["a", "abstain", "b", "c"])
            for _ in range(2):
                rows, calls = self.run_it(folder, hard)
                self.assertLessEqual({"error", "timeout", "flaky"}, set(calls))
                self.assertEqual([r["verdict"] for r in rows], ["error", "timeout", "fail"])


if __name__ == "__main__":
    unittest.main(verbosity=1)
