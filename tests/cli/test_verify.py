"""test_verify.py -- `assay verify` from the outside: its contract, bad input, interruption and going on.

SPDX-License-Identifier: Apache-2.0
"""
import gzip
import re

from run_assay import *


class Contract(AssayTest):
    def test_one_shot(self):
        run = self.assay("verify", "--plugin", "exact", "--reference", "42", "--completion", " 42 ", "--explain")
        row, = lines_of(run.out)
        self.assertEqual(row["schema"], "assay.verdict/1")
        self.assertEqual((row["verdict"], row["score"]), ("pass", 1))
        self.assertIn("42", row["explain"])
        self.assertEqual(run.err, "")
        row, = lines_of(self.assay("verify", "-p", "exact", "-r", "42", "-c", "").out)
        self.assertEqual((row["verdict"], row["score"]), ("no_answer", 0))
        row, = lines_of(self.assay("verify", "-p", "exact", "-c", "42").out)
        self.assertEqual((row["verdict"], row["score"]), ("abstain", None))

    def test_explain_shows_whole_characters(self):
        for plugin in ("exact", "math"):
            for shift in range(4):
                text = "x" * shift + "\u9897\U0001d54f" * 60
                row, = lines_of(self.assay("verify", "-p", plugin, "-r", "5", "-c", "\\boxed{%s}" % text, "--explain").out)
                self.assertNotIn("\ufffd", row["explain"])
                self.assertIn("...", row["explain"])

    def test_one_shot_refusals(self):
        self.say(self.assay("verify", "-p", "exact", "-r", "1", rc=2), "--completion TEXT is missing")
        self.say(self.assay("verify", "-p", "exact", "-c", "1", "--meta", "[1]", rc=2), "--meta: a JSON object")
        self.say(self.assay("verify", "-p", "exact", "-c", "1", "--meta", "{", rc=2), "--meta: not JSON")
        self.say(self.assay("verify", "-p", "exact", "-c", b"\xff".decode(errors="surrogateescape"), rc=2), "not UTF-8")
        self.say(self.assay("verify", "-p", "exact", "-c", "1", "--in", "x", rc=2), "--in")
        self.say(self.assay("verify", "-c", "1", rc=2), "--plugin NAME is missing")
        self.assay("verify", "-p", "exact", "-c", "1", "-r", "2", "--fail-under", "0.5", rc=1)

    def test_rows(self):
        rows = ['{"id": 7, "completion":"a","reference":"a","group":"g\\u0031","other":[1]}',
                '{"id":"x\\"y","completion":"b","reference":"a","problem_id":12}',
                '{"id":"z","completion":null,"reference":"a"}', '{"completion":"q","sum_logp":-1.5}']
        run = self.assay("verify", "--plugin", "exact", stdin="\n".join(rows).encode())
        self.assertTrue(run.out.startswith('{"schema":"assay.verdict/1","id":7,"group":"g\\u0031","verdict":"pass","score":1,'))
        out = lines_of(run.out)
        self.assertEqual([r.get("id") for r in out], [7, 'x"y', "z", None])
        self.assertEqual([r["verdict"] for r in out], ["pass", "fail", "no_answer", "abstain"])
        self.assertEqual([r["score"] for r in out], [1, 0, 0, None])
        self.assertEqual([r.get("group") for r in out], ["g1", 12, None, None])
        self.assertEqual(out[3]["sum_logp"], -1.5)
        self.assertEqual(out[1]["key"], "b")
        self.assertIn("differ", out[1]["reason"])
        self.assertNotIn("explain", out[0])
        self.say(run, "mean score  0.333333 over 3 scored", "1 unscored (25.0 %")

    def test_order_and_threads(self):
        many = items(20000)
        path = self.file("in.jsonl", many)
        outs = []
        for threads in (1, 4):
            out = self.dir / f"out{threads}.jsonl"
            self.assay("verify", "-p", "exact", "-i", path, "-o", out, "--threads", threads)
            outs.append(without_times(out))
        self.assertEqual([r["id"] for r in outs[0]], [i["id"] for i in many])
        self.assertEqual(outs[0], outs[1])
        self.assertEqual([r["verdict"] for r in outs[0]], ["pass" if k % 3 else "fail" for k in range(20000)])

    def test_worker_gives_the_same(self):
        path = self.file("in.jsonl", items(3000))
        self.assay("verify", "-p", "exact", "-i", path, "-o", "a.jsonl", "--isolation", "inproc")
        self.assay("verify", "-p", "exact", "-i", path, "-o", "b.jsonl", "--isolation", "worker")
        self.assertEqual(without_times(self.dir / "a.jsonl"), without_times(self.dir / "b.jsonl"))

    def test_compressed(self):
        path = pathlib.Path(self.file("in.jsonl", items(500)))
        with gzip.open(self.dir / "in.jsonl.gz", "wb") as f:
            f.write(path.read_bytes())
        self.assay("verify", "-p", "exact", "-i", "in.jsonl.gz", "-o", "out.jsonl.gz")
        rows = lines_of(gzip.open(self.dir / "out.jsonl.gz").read().decode())
        self.assertEqual(len(rows), 500)
        # what it wrote, it reads; zst both ways
        self.assay("verify", "-p", "exact", "-i", path, "-o", "out.jsonl.zst")
        run = self.assay("verify", "-p", "exact", "-i", "out.jsonl.zst", rc=3)
        self.say(run, "out.jsonl.zst:1: ")
        whole = (self.dir / "in.jsonl.gz").read_bytes()
        (self.dir / "cut.jsonl.gz").write_bytes(whole[:len(whole) // 2])
        self.say(self.assay("verify", "-p", "exact", "-i", "cut.jsonl.gz", rc=3), "cut.jsonl.gz")

    def test_summary_json(self):
        path = self.file("in.jsonl", items(9))
        run = self.assay("verify", "-p", "exact", "-i", path, "-o", "out.jsonl", "--json", "--quiet")
        self.assertEqual(run.err, "")
        summary = json.loads(run.out)
        self.assertEqual(summary["schema"], "assay.verify/1")
        self.assertEqual(summary["verdicts"]["pass"], 6)
        self.assertEqual((summary["items"], summary["scored"], summary["unscored"]), (9, 9, 0))
        self.assertAlmostEqual(summary["mean_score"], 2 / 3)
        self.assertEqual(summary["verifier"]["id"], "org.assay.exact")
        self.say(self.assay("verify", "-p", "exact", "--json", rc=2), "--json needs --out FILE")
        record = json.loads((self.dir / "out.jsonl.manifest.json").read_text())
        self.assertEqual(record["schema"], "assay.manifest/1")
        self.assertEqual(record["state"], "done")
        self.assertEqual(record["counts"]["items"], 9)
        self.assertRegex(record["hashes"]["plugin_file"], "^[0-9a-f]{64}$")

    def rules(self, run):
        """The lines of --stats as {rule: (count, share, how)}, in order."""
        lines = run.err.split("rules       what decided, and how\n")[1].splitlines()
        found = [re.fullmatch(r"  (\S+) +([\d,]+) +([\d.]+ %)   (.*)", line) for line in lines]
        self.assertTrue(all(found), run.err)
        return {m[1]: (m[2], m[3], m[4]) for m in found}

    def test_stats(self):
        rows = [{"id": k, "completion": c, "reference": "B"} for k, c in enumerate(
            ["\\boxed{B}"] * 3 + ["\\boxed{C}"] * 2 + ["#### B"] * 1200 + ["nothing"] * 4 + ["The answer is B"] * 2)]
        rows.append({"id": "x", "completion": "The answer is B"})
        path = self.file("in.jsonl", rows)
        run = self.assay("verify", "-p", "choice", "-i", path, "--stats")
        # sorted by count, equal counts by name; a verdict that a rule never gave is not named
        self.assertEqual(list(self.rules(run).items()), [
            ("hashes", ("1,200", "99.0 %", "pass 1,200")),
            ("-", ("5", "0.4 %", "no_answer 4  abstain 1")),
            ("boxed", ("5", "0.4 %", "pass 3  fail 2")),
            ("marker", ("2", "0.2 %", "pass 2"))])
        self.assertLess(run.err.index("mean score"), run.err.index("rules  "))
        self.assertNotIn("rules  ", self.assay("verify", "-p", "choice", "-i", path).err)
        line = ["verify", "-p", "choice", "-i", path, "-o", "out.jsonl", "--force", "--json", "--quiet"]
        run = self.assay(*line, "--stats")
        self.assertEqual(run.err, "")
        rules = json.loads(run.out)["rules"]
        self.assertEqual([(r["rule"], r["items"]) for r in rules],
                         [("hashes", 1200), ("-", 5), ("boxed", 5), ("marker", 2)])
        self.assertEqual(rules[2], {"rule": "boxed", "items": 5, "pass": 3, "fail": 2, "no_answer": 0, "timeout": 0,
                                    "abstain": 0, "error": 0})
        self.assertNotIn("rules", json.loads(self.assay(*line).out))
        self.say(self.assay("verify", "-p", "choice", "--stats"), "rules       none, no items")
        row, = lines_of(self.assay("verify", "-p", "choice", "-r", "B", "-c", "B", "--stats").out)
        self.assertEqual(row["rule"], "line")

    def named(self, names):
        """Items for a verifier that emits the reference as its rule; right where it is repeated."""
        return [{"id": k, "completion": name if k % 2 else "x", "reference": name} for k, name in enumerate(names)]

    def test_stats_of_threads_and_resume(self):
        plugin = TEST_PLUGINS / "cli_rules.so"
        odd = ['quo"te\\d', "two words", "\u2603", "\x1b[31m", "", "y" * 64, "y" * 65, "longer", "long"]
        path = self.file("in.jsonl", self.named([f"r{k % 30}" for k in range(9000)] + odd * 300))
        line = ["verify", "-p", plugin, "-i", path, "--json", "--quiet", "--stats"]
        seen = []
        for threads in (1, 4):
            out = self.dir / f"out{threads}.jsonl"
            seen.append(json.loads(self.assay(*line, "-o", out, "--threads", threads).out)["rules"])
        self.assertEqual(seen[0], seen[1])
        self.assertEqual({r["rule"]: r["items"] for r in seen[0]},
                         {**{f"r{k}": 300 for k in range(30)}, 'quo"te\\d': 300, "y" * 64: 300, "-": 300,
                          "(other)": 1200, "longer": 300, "long": 300})
        self.assertEqual([r["rule"] for r in seen[0]][:2], ["(other)", "-"])
        # the rows of an earlier run count as they did when they were written
        text = out.read_text().splitlines(keepends=True)
        for kept in (0, 1, 9100, len(text)):
            out.write_text("".join(text[:kept]))
            again = json.loads(self.assay(*line, "-o", out, "--resume").out)
            self.assertEqual((again["kept"], again["rules"]), (kept, seen[0]))
        shown = self.assay("verify", "-p", plugin, "-i", path, "--stats").err
        self.assertIn('  quo"te\\d', shown)
        self.assertIn("  " + "y" * 64 + " ", shown)
        self.assertNotIn("\x1b", shown)

    def test_stats_hold_so_many_rules(self):
        names = [f"r{k:03}" for k in range(100)] * 2 + ["r000"]
        run = self.assay("verify", "-p", TEST_PLUGINS / "cli_rules.so", "--stats",
                         "-i", self.file("in.jsonl", self.named(names)))
        rules = self.rules(run)
        self.assertEqual(len(rules), 65)
        self.assertEqual(list(rules)[:3], ["(other)", "r000", "r001"])
        self.assertEqual((rules["(other)"][0], rules["r000"][0], rules["r063"][0]), ("72", "3", "2"))
        self.assertNotIn("r064", rules)

    def test_stats_from_the_cache(self):
        config = '{"count_file":"%s"}' % (self.dir / "count")
        line = ["verify", "-p", f"{TEST_PLUGINS / 'costly.so'}:{config}", "-i", self.file("in.jsonl", items(30)),
                "-o", "out.jsonl", "--force", "--json", "--quiet", "--stats"]
        first, second = [json.loads(self.assay(*line).out) for _ in range(2)]
        self.assertEqual((first["cache_hits"], second["cache_hits"]), (0, 30))
        self.assertEqual(first["rules"], second["rules"])
        self.assertEqual([(r["rule"], r["pass"], r["fail"]) for r in first["rules"]], [("bytes", 20, 10)])

    def test_gates(self):
        data = "\n".join(json.dumps(i) for i in items(9) + [{"id": "a", "completion": "x"}]).encode()
        self.say(self.assay("verify", "-p", "exact", "--max-unscored", "5%", stdin=data, rc=1), "10.00 %", "--max-unscored 5.00 %")
        self.assay("verify", "-p", "exact", "--max-unscored", "10%", stdin=data)
        self.say(self.assay("verify", "-p", "exact", "--fail-under", "0.9", stdin=data, rc=1), "mean score is 0.666667")
        self.assay("verify", "-p", "exact", "--fail-under", "0.66", stdin=data)
        parts = '{"parts":[{"verifier":"exact","weight":0.7},{"verifier":"choice","weight":0.3}]}'
        one = b'{"id":1,"completion":"a","reference":"a"}\n'  # scores 0.7 as a float, which is below 0.7
        self.assay("verify", "-p", "compose:" + parts, "--fail-under", "0.7", stdin=one)
        self.assay("verify", "-p", "compose:" + parts, "--fail-under", "0.700001", stdin=one, rc=1)

    def test_limit_and_dry_run(self):
        path = self.file("in.jsonl", items(5000))
        self.assertEqual(len(lines_of(self.assay("verify", "-p", "exact", "-i", path, "--limit", 4097).out)), 4097)
        run = self.assay("verify", "-p", "exact", "-i", path, "-o", "out.jsonl", "--dry-run")
        self.assertIn("nothing was scored", run.out)
        self.assertFalse((self.dir / "out.jsonl").exists())
        plan = json.loads(self.assay("verify", "-p", "exact", "-i", path, "--dry-run", "--json").out)
        self.assertEqual(plan["schema"], "assay.plan/1")

    def test_duplicates_are_scored_once(self):
        rows = [{"id": k, "completion": "same", "reference": "same"} for k in range(100)]
        run = self.assay("verify", "-p", "exact", "-i", self.file("in.jsonl", rows), "-o", "o", "--json")
        self.assertEqual(json.loads(run.out)["verdicts"]["pass"], 100)
        self.assertGreaterEqual(json.loads(run.out)["duplicates"], 90)

    def test_environment_and_colour(self):
        run = self.assay("verify", "-c", "1", "-r", "1", env={"ASSAY_VERIFY_PLUGIN": "exact"})
        self.assertEqual(lines_of(run.out)[0]["verdict"], "pass")
        self.assertIn("\033[31m", self.assay("verify", rc=2, env={"CLICOLOR_FORCE": "1"}).err)
        self.assertNotIn("\033", self.assay("verify", rc=2, env={"CLICOLOR_FORCE": "1", "NO_COLOR": "1"}).err)
        self.assertNotIn("\033", self.assay("verify", rc=2).err)


class Groups(AssayTest):
    plugin = 'majority:{"of":"exact"}'

    def test_groups(self):
        rows = [{"id": f"{g}-{k}", "group": g, "completion": str(k % 3 == 0)} for g in range(900) for k in range(7)]
        out = lines_of(self.assay("verify", "-p", self.plugin, stdin="\n".join(map(json.dumps, rows)).encode()).out)
        self.assertEqual([r["id"] for r in out], [r["id"] for r in rows])
        # "True" has 3 of 7 votes, "False" 4, in every group wherever the chunks end
        self.assertEqual([r["verdict"] for r in out], ["fail" if k % 3 == 0 else "pass" for _ in range(900) for k in range(7)])

    def test_a_group_that_comes_back(self):
        rows = [{"id": n, "group": g, "completion": "a"} for n, g in enumerate(["a", "a", "b", "a"])]
        run = self.assay("verify", "-p", self.plugin, stdin="\n".join(map(json.dumps, rows)).encode(), rc=3)
        self.say(run, 'stdin:4: group "a" comes back (it began on line 1', "sort")
        self.assertEqual(len(lines_of(run.out)), 2)

    def test_no_group(self):
        run = self.assay("verify", "-p", self.plugin, stdin=b'{"id":1,"completion":"a"}', rc=3)
        self.say(run, 'stdin:1: ', 'no "group"', "majority")

    def test_resume_inside_a_group(self):
        rows = [{"id": f"{g}-{k}", "group": g, "completion": "ab"[k % 3 == 0]} for g in range(40) for k in range(5)]
        path = self.file("in.jsonl", rows)
        self.assay("verify", "-p", self.plugin, "-i", path, "-o", "out.jsonl")
        whole = without_times(self.dir / "out.jsonl")
        text = (self.dir / "out.jsonl").read_text().splitlines(keepends=True)
        (self.dir / "out.jsonl").write_text("".join(text[:83]) + text[83][:20])
        self.assay("verify", "-p", self.plugin, "-i", path, "-o", "out.jsonl", "--resume")
        self.assertEqual(without_times(self.dir / "out.jsonl"), whole)


class BadInput(AssayTest):
    good = '{"id":"a","completion":"1","reference":"1"}'

    def refused(self, bad, *said, good_rows=1, **more):
        data = self.good.encode() + b"\n" + (bad.encode() if isinstance(bad, str) else bad)
        run = self.assay("verify", "-p", "exact", stdin=data, rc=3, **more)
        self.say(run, "stdin:2: ", *said)
        self.assertEqual(len(lines_of(run.out)), good_rows)  # what came before is not lost
        skipped = self.assay("verify", "-p", "exact", "--bad-lines", "skip", stdin=data + b"\n" + self.good.replace("a", "b", 1).encode())
        self.say(skipped, "warning: skipped stdin:2: ", "bad lines   1 skipped")
        self.assertEqual(len(lines_of(skipped.out)), 2)

    def test_truncated_line(self):
        self.refused('{"id":"b","completion":"1', "the last line is cut off")

    def test_no_json(self):
        self.refused("hello", "column 1")
        self.refused("[1]", "not an object")
        self.refused('{"id":"b"} trailing', "column")

    def test_missing_and_wrong_fields(self):
        self.refused('{"id":"b","reference":"1"}', '"completion" is missing')
        self.refused('{"id":"b","completion":7}', '"completion" must be a string')
        self.refused('{"id":[1],"completion":"7"}', '"id" must be')
        self.refused('{"id":"b","completion":"7","meta":[]}', '"meta" must be an object')

    def test_duplicate_keys(self):
        self.refused('{"id":"b","completion":"1","completion":"2"}', 'duplicate key "completion"')

    def test_invalid_utf8(self):
        self.refused(b'{"id":"b","completion":"\xff\xfe","reference":"1"}', "UTF-8")
        self.refused(b'{"id":"b","completion":"\xc0\x80","reference":"1"}', "UTF-8")

    def test_deep_nesting(self):
        self.refused('{"id":"b","completion":"1","meta":' + "[" * 100 + "]" * 100 + "}", "column")

    def test_raw_nul(self):
        self.refused(b'{"id":"b","completion":"a\0b"}', "column")

    def test_escaped_nul_is_text(self):
        rows = ['{"id":1,"completion":"a\\u0000b","reference":"a\\u0000b"}', '{"id":2,"completion":"a\\u0000b","reference":"a\\u0000c"}',
                '{"id":3,"completion":"a","reference":"a\\u0000b"}']
        out = lines_of(self.assay("verify", "-p", "exact", stdin="\n".join(rows).encode()).out)
        self.assertEqual([r["verdict"] for r in out], ["pass", "fail", "fail"])

    def test_lone_surrogates(self):
        run = self.assay("verify", "-p", "exact", stdin=b'{"id":1,"completion":"\\ud800x","reference":"y"}')
        self.say(run, "1 lone surrogates became U+FFFD")
        self.assertEqual(lines_of(run.out)[0]["answer"], "\ufffdx")

    def test_duplicate_ids(self):
        data = "\n".join([self.good, self.good.replace('"a"', '"b"'), self.good]).encode()
        run = self.assay("verify", "-p", "exact", stdin=data, rc=3)
        self.say(run, 'stdin:3: duplicate id "a", first on line 1', "--allow-duplicate-ids")
        self.assertEqual(len(lines_of(run.out)), 2)
        run = self.assay("verify", "-p", "exact", "--allow-duplicate-ids", stdin=data)
        self.assertEqual(len(lines_of(run.out)), 3)

    def test_huge_line_and_huge_completion(self):
        big = json.dumps({"id": "big", "completion": "x" * 10_000_000, "reference": "x" * 10_000_000})
        data = "\n".join([self.good, big, self.good.replace("a", "c", 1)]).encode()
        run = self.assay("verify", "-p", "exact", stdin=data)
        self.assertEqual([r["verdict"] for r in lines_of(run.out)], ["pass"] * 3)
        run = self.assay("verify", "-p", "exact", "--max-line-mib", 4, stdin=data, rc=3)
        self.say(run, "stdin:2: line is longer than 4 MiB", "--max-line-mib")

    def test_empty_blank_bom_crlf(self):
        self.say(self.assay("verify", "-p", "exact", stdin=b""), "stdin holds no items")
        self.say(self.assay("verify", "-p", "exact", stdin=b"\n \n"), "stdin holds no items")
        data = b"\xef\xbb\xbf" + self.good.encode() + b"\r\n\r\n" + self.good.replace("a", "b", 1).encode()
        self.assertEqual(len(lines_of(self.assay("verify", "-p", "exact", stdin=data).out)), 2)

    def test_no_reference_anywhere(self):
        run = self.assay("verify", "-p", "exact", stdin=b'{"id":1,"completion":"a"}\n{"id":2,"completion":"a"}')
        self.assertEqual([r["verdict"] for r in lines_of(run.out)], ["abstain"] * 2)
        self.say(run, 'no item has a "reference"')

    def test_missing_input(self):
        self.say(self.assay("verify", "-p", "exact", "-i", "nowhere.jsonl", rc=3), "nowhere.jsonl: No such file")
        self.say(self.assay("verify", "-p", "exact", "-i", self.dir, rc=3), str(self.dir))


class Plugins(AssayTest):
    def test_unknown_config_key(self):
        run = self.assay("verify", "-p", 'exact:{"normalize":"none"}', "-c", "1", rc=2)
        self.say(run, "exact", 'key "normalize" unknown', "known: normalise")

    def test_config_that_is_no_json(self):
        self.assay("verify", "-p", "exact:{", "-c", "1", rc=2)

    def test_unknown_plugin(self):
        self.say(self.assay("verify", "-p", "exat", "-c", "1", rc=5), "exat", "did you mean", "exact")

    def test_text_file_as_plugin(self):
        path = self.dir / "notes.so"
        path.write_text("these are notes\n")
        self.say(self.assay("verify", "-p", path, "-c", "1", rc=5), "notes.so")
        self.say(self.assay("verify", "-p", self.dir / "none.so", "-c", "1", rc=5), "none.so")
        self.say(self.assay("verify", "-p", self.dir, "-c", "1", rc=5), str(self.dir))

    def test_old_abi(self):
        bad = sorted(TEST_PLUGINS.glob("*major*.so"))
        if not bad:
            self.skipTest("no plugin of another ABI major was built")
        run = self.assay("verify", "-p", bad[0], "-c", "1", rc=5)
        self.say(run, bad[0].name, "ABI")

    def test_read_only_cache(self):
        path = self.file("in.jsonl", items(50))
        (self.dir / "cache").write_text("a file where a folder should be")
        run = self.assay("verify", "-p", "exact", "-i", path)
        self.assertEqual(len(lines_of(run.out)), 50)
        costly = TEST_PLUGINS / "costly.so"
        if costly.exists():
            run = self.assay("verify", "-p", f'{costly}:{{"count_file":"{self.dir}/count"}}', "-i", path, "--cache", "/proc/no/cache.sqlite")
            self.assertEqual(len(lines_of(run.out)), 50)
            self.assertEqual(run.err.count("warning"), 1, run.err)
            self.say(run, "/proc/no")


class Output(AssayTest):
    def test_existing_output(self):
        path = self.file("in.jsonl", items(5))
        (self.dir / "out.jsonl").write_text("precious\n")
        run = self.assay("verify", "-p", "exact", "-i", path, "-o", "out.jsonl", rc=2)
        self.say(run, "out.jsonl exists", "--resume", "--force")
        self.assertEqual((self.dir / "out.jsonl").read_text(), "precious\n")
        run = self.assay("verify", "-p", "exact", "-i", path, "-o", "out.jsonl", "--resume", rc=2)
        self.say(run, "manifest.json is missing")
        self.assay("verify", "-p", "exact", "-i", path, "-o", "out.jsonl", "--force")
        self.assertEqual(len(without_times(self.dir / "out.jsonl")), 5)
        self.say(self.assay("verify", "-p", "exact", "-i", path, "-o", path, "--force", rc=2), "is the input itself")
        self.say(self.assay("verify", "-p", "exact", "--resume", rc=2), "--resume needs --out")
        self.say(self.assay("verify", "-p", "exact", "-o", "o", "--resume", "--force", rc=2), "exclude each other")

    def test_full_disk(self):
        path = self.file("in.jsonl", items(50000))
        run = self.assay("verify", "-p", "exact", "-i", path, "-o", "/dev/full", rc=7)
        self.say(run, "/dev/full", "No space left on device")
        with open("/dev/full", "wb") as full:
            child = subprocess.run([str(BIN), "verify", "-p", "exact", "-i", path], stdout=full, stderr=subprocess.PIPE,
                                   env=self.env, cwd=self.dir, timeout=120)
        self.assertEqual(child.returncode, 7)
        self.assertIn(b"No space left on device", child.stderr)

    def test_full_disk_then_resume(self):
        """A file-size limit stands for a disk that fills up; the same line goes on when there is room again."""
        path = self.file("in.jsonl", items(30000))
        self.assay("verify", "-p", "exact", "-i", path, "-o", "whole.jsonl")
        line = [str(BIN), "verify", "-p", "exact", "-i", path, "-o", "out.jsonl"]
        child = subprocess.run(["sh", "-c", 'ulimit -f 1000; trap "" XFSZ; exec "$@"', "sh", *line], stderr=subprocess.PIPE,
                               env=self.env, cwd=self.dir, timeout=120)
        self.assertEqual(child.returncode, 7, child.stderr)
        self.assertIn(b"--resume", child.stderr)
        self.assertLess((self.dir / "out.jsonl").stat().st_size, 1000 * 1024 + 1)
        self.assay(*line[1:], "--resume")
        self.assertEqual(without_times(self.dir / "out.jsonl"), without_times(self.dir / "whole.jsonl"))

    def test_closed_pipe(self):
        path = self.file("in.jsonl", items(200000))
        child = subprocess.Popen([str(BIN), "verify", "-p", "exact", "-i", path], stdout=subprocess.PIPE,
                                 stderr=subprocess.DEVNULL, env=self.env, cwd=self.dir)
        child.stdout.readline()
        child.stdout.close()
        self.assertEqual(child.wait(120), 3)  # an error of its own, no death by SIGPIPE

    def test_resume_of_every_length(self):
        path = self.file("in.jsonl", items(60))
        line = ["verify", "-p", "exact", "-i", path, "-o", "out.jsonl"]
        self.assay(*line)
        out = self.dir / "out.jsonl"
        text = out.read_bytes()
        whole = without_times(out)
        for cut in [0, 1, text.index(b"\n"), text.index(b"\n") + 1, len(text) // 2, len(text) - 1, len(text)]:
            out.write_bytes(text[:cut])
            run = self.assay(*line, "--resume", "--json")
            self.assertEqual(without_times(out), whole, f"cut at {cut}")
            summary = json.loads(run.out)
            self.assertEqual(summary["kept"], text[:cut].count(b"\n"))
            self.assertEqual((summary["items"], summary["verdicts"]["pass"]), (60, 40))

    def test_resume_refuses_what_does_not_fit(self):
        path = self.file("in.jsonl", items(60))
        self.assay("verify", "-p", "exact", "-i", path, "-o", "out.jsonl")
        def again(*more, **kw):
            return self.assay("verify", "-i", path, "-o", "out.jsonl", "--resume", *more, **kw)
        self.say(again("-p", 'exact:{"normalize":"none"}', rc=None), "assay verify: ")
        self.say(again("-p", "format", rc=2), "--force")
        self.say(again("-p", "exact", "--explain", rc=2), "explain", "--force")
        self.say(again("-p", "exact", "--seed", "5", rc=2), "seed", "--force")
        self.file("in.jsonl", items(60)[1:])
        self.say(again("-p", "exact", rc=2), "first_line")
        self.file("in.jsonl", items(40))
        self.say(again("-p", "exact", rc=3), "20 items fewer")
        self.file("in.jsonl", items(70))  # an input that grew goes on
        again("-p", "exact")
        self.assertEqual(len(without_times(self.dir / "out.jsonl")), 70)

    def test_resume_with_bad_lines_and_duplicates(self):
        rows = items(50)
        rows[10], rows[30] = "broken", "broken too"
        path = self.file("in.jsonl", rows)
        line = ["verify", "-p", "exact", "-i", path, "-o", "out.jsonl", "--bad-lines", "skip", "--json"]
        first = json.loads(self.assay(*line).out)
        self.assertEqual((first["items"], first["bad_lines"]), (48, 2))
        out = self.dir / "out.jsonl"
        whole, text = without_times(out), out.read_text().splitlines(keepends=True)
        out.write_text("".join(text[:20]))
        again = json.loads(self.assay(*line, "--resume").out)
        self.assertEqual((again["items"], again["bad_lines"]), (48, 2))
        self.assertEqual(without_times(out), whole)
        rows[40] = rows[3]  # the first one was written by the earlier run
        self.file("in.jsonl", rows)
        out.write_text("".join(text[:20]))
        self.say(self.assay(*line, "--resume", rc=3), ":41: duplicate id", "first on line 4")

    def test_resume_after_mending(self):
        rows = items(20)
        rows[12] = '{"id":"i12","completion":'
        path = self.file("in.jsonl", rows)
        line = ["verify", "-p", "exact", "-i", path, "-o", "out.jsonl"]
        run = self.assay(*line, rc=3)
        self.say(run, "in.jsonl:13: ", "after the input is mended", "--resume")
        self.assertEqual(len(without_times(self.dir / "out.jsonl")), 12)
        self.file("in.jsonl", items(20))
        self.assay(*line, "--resume")
        self.assertEqual(len(without_times(self.dir / "out.jsonl")), 20)


class Interruption(AssayTest):
    """Real signals on real runs of a slow verifier."""

    def setUp(self):
        super().setUp()
        if not pathlib.Path(SLOW).exists():
            self.skipTest(f"{SLOW} is not built")
        self.path = self.file("in.jsonl", items(300))
        self.line = ["verify", "-p", SLOW + ':{"ms":10}', "-i", self.path, "-o", "out.jsonl", "--threads", "2"]
        self.out = self.dir / "out.jsonl"

    def rows_so_far(self):
        return self.out.exists() and self.out.read_bytes().count(b"\n")

    def finish_and_compare(self):
        self.assay(*self.line, "--resume")
        rows = without_times(self.out)
        self.assertEqual([r["id"] for r in rows], [f"i{k}" for k in range(300)])
        self.assertEqual({r["verdict"] for r in rows}, {"pass"})

    def interrupt(self, signo, status, group=False):
        child = self.start(*self.line, start_new_session=group)
        wait_for(self.rows_so_far)
        if group:
            os.killpg(child.pid, signo)  # as a terminal does it: workers get the signal too
        else:
            child.send_signal(signo)
        _, err = child.communicate(timeout=60)
        self.assertEqual(child.returncode, status, err)
        self.assertIn(b"--resume", err)
        written = self.out.read_bytes()
        self.assertTrue(written.endswith(b"\n"))
        self.assertLess(written.count(b"\n"), 300)
        self.assertEqual({r["verdict"] for r in lines_of(written.decode())}, {"pass"})
        state = json.loads((self.dir / "out.jsonl.manifest.json").read_text())["state"]
        self.assertEqual(state, "interrupted")
        # the line that was printed is the line that goes on
        printed = [l.strip() for l in err.decode().splitlines() if l.strip().startswith(str(BIN))]
        self.assertEqual(len(printed), 1, err)
        run = subprocess.run(["sh", "-c", printed[0]], env=self.env, cwd=self.dir, capture_output=True, timeout=120)
        self.assertEqual(run.returncode, 0, run.stderr)
        self.finish_and_compare()

    def test_ctrl_c(self):
        self.interrupt(signal.SIGINT, 130)

    def test_ctrl_c_in_a_terminal(self):
        self.interrupt(signal.SIGINT, 130, group=True)
        # no item lost its verdict to the signal
        self.assertEqual({r["verdict"] for r in without_times(self.out)}, {"pass"})

    def test_terminate(self):
        self.interrupt(signal.SIGTERM, 143)

    def test_ctrl_c_while_waiting_for_input(self):
        child = self.start("verify", "-p", "exact", stdin=subprocess.PIPE)
        child.stdin.write(b'{"id":1,"completion":"a","reference":"a"}\n')
        child.stdin.flush()
        self.assertIn(b'"pass"', child.stdout.readline())  # shown at once, though the writer goes on later
        child.send_signal(signal.SIGINT)
        self.assertEqual(child.wait(60), 130)

    def test_kill_9_of_the_host(self):
        child = self.start(*self.line)
        wait_for(self.rows_so_far)
        workers = workers_of(child.pid)
        self.assertTrue(workers)
        child.kill()
        child.wait(60)
        wait_for(lambda: not any(is_alive(pid) for pid in workers))
        self.assertLess(self.rows_so_far(), 300)
        with open(self.out, "ab") as f:
            f.write(b'{"schema":"assay.verdict/1","id":"torn')
        self.finish_and_compare()

    def test_kill_9_of_a_worker(self):
        child = self.start(*self.line, "--json")
        wait_for(self.rows_so_far)
        for pid in workers_of(child.pid):
            os.kill(pid, signal.SIGKILL)
        out, err = child.communicate(timeout=120)
        self.assertEqual(child.returncode, 0, err)
        summary = json.loads(out)
        self.assertGreaterEqual(summary["worker_deaths"], 1)
        self.assertEqual(summary["items"], 300)
        self.assertEqual([r["id"] for r in without_times(self.out)], [f"i{k}" for k in range(300)])
        # somebody else's kill is no fault of the items: they are tried again, one worker's item at most may be lost
        self.assertGreaterEqual(summary["verdicts"]["pass"], 298)


if __name__ == "__main__":
    main()
