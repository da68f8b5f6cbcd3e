#!/usr/bin/env python3
"""test_report.py -- assay report: the page of real runs and of hostile ones, its numbers against metrics.jsonl, what it refuses.

SPDX-License-Identifier: Apache-2.0
"""
import csv
import html.parser
import json
import os
import pathlib
import re
import urllib.parse

from run_assay import SOURCE, AssayTest, main, wait_for

QWEN = SOURCE / "tests/golden/models/tiny_qwen2"
ROWS = [{"prompt": f"{a}+{b}=", "completion": str(a + b)} for a in range(5) for b in range(5)]
VOID = {"meta", "br", "img", "link", "input", "hr"}
KNOWN = {"html", "head", "meta", "title", "style", "body", "h1", "h2", "p", "span", "table", "tr", "th", "td", "div", "figure",
         "figcaption", "b", "a", "svg", "g", "path", "rect", "defs", "circle", "use", "filter", "feflood", "fecomposite", "text",
         "tspan", "line"}


class Page(html.parser.HTMLParser):
    """Reads a page to the end and fails on what is not balanced, not known, there twice or not in it."""

    def __init__(self, text):
        super().__init__(convert_charrefs=True)
        self.open, self.ids, self.refs, self.links, self.text, self.rows, self.cell = [], [], [], [], [], [], None
        self.pictures = []
        self.feed(text)
        self.close()
        assert not self.open, self.open
        assert len(self.ids) == len(set(self.ids)), "an id is there twice"
        assert set(self.refs) <= set(self.ids), set(self.refs) - set(self.ids)

    def handle_starttag(self, tag, attrs):
        assert tag in KNOWN, tag
        for name, value in attrs:
            assert not name.startswith("on"), name
            if name == "id":
                self.ids.append(value)
            elif name in ("href", "xlink:href", "src") and value.startswith("#"):
                self.refs.append(value[1:])
            elif name in ("href", "xlink:href", "src"):
                assert tag == "a" and name == "href", (tag, name, value)
                self.links.append(value)
        if tag == "figure":
            self.pictures.append([])
        if tag == "tr":
            self.rows.append([])
        if tag in ("td", "th"):
            self.rows[-1].append("")
            self.cell = tag
        if tag not in VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.handle_starttag(tag, attrs)
        if tag not in VOID:
            self.handle_endtag(tag)

    def handle_endtag(self, tag):
        assert self.open and self.open[-1] == tag, (tag, self.open[-3:])
        self.open.pop()
        self.cell = None if tag == self.cell else self.cell

    def handle_data(self, data):
        self.text.append(data)
        if self.cell:
            self.rows[-1][-1] += data
        if "figure" in self.open and "svg" in self.open and data.strip():
            self.pictures[-1].append(data.strip())

    def row(self, name):
        """The cells behind the row headed `name`."""
        return next(row[1:] for row in self.rows if row and row[0].strip() == name)


class Report(AssayTest):
    def train(self, name, *args, **more):
        config = {"algo": "sft", "model": str(QWEN), "steps": 12, "batch_size": 6, "lr": 2e-3, "max_len": 32,
                  "micro_tokens": 64, "data": self.file("rows.jsonl", ROWS), **more}
        return self.assay("train", self.file(f"{name}.json", [config]), "--out", self.dir / name, *args)

    def run_of(self, name, rows, manifest=None):
        """A folder with these lines: dicts, or as they are."""
        folder = self.dir / name
        folder.mkdir()
        self.file(f"{name}/metrics.jsonl", rows)
        if manifest is not None:
            whole = {"schema": "assay.manifest/1", "command": "train", "config": {}, "seeds": {}, "hashes": {}, **manifest}
            (folder / "manifest.json").write_text(json.dumps(whole))
        return folder

    def report(self, *runs, rc=0, out="report.html", **more):
        run = self.assay("report", *runs, "-o", self.dir / out, rc=rc, **more)
        return run if rc else Page((self.dir / out).read_text(encoding="utf-8"))

    def csv(self, name, folder="report_data"):
        with open(self.dir / folder / name, newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def metrics(self, run):
        return [json.loads(line) for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]

    def test_real_runs(self):
        """Two runs: every number of metrics.jsonl is in the CSV files, to the bit, and nothing else is."""
        self.train("a")
        self.train("b", lr=1e-3, steps=9)
        page = self.report(self.dir / "a", self.dir / "b")
        names = [k for k in self.metrics("a")[0] if k not in ("step", "time")]
        self.assertEqual(sorted(urllib.parse.unquote(link) for link in page.links),
                         sorted(f"report_data/{name}.csv" for name in names))
        self.assertEqual(sorted(p.name for p in (self.dir / "report_data").iterdir()), sorted(f"{n}.csv" for n in names))
        for name in names:
            want = [(run, row["step"], row["time"], row[name]) for run in "ab" for row in self.metrics(run)]
            got = [(row["run"], int(row["step"]), float(row["time"]), float(row["value"])) for row in self.csv(f"{name}.csv")]
            self.assertEqual(got, want)
        self.assertEqual(len(page.pictures), len(names))
        self.assertEqual([float(v) for v in page.row("loss")],
                         [float(f"{self.metrics(run)[-1]['loss']:.6g}") for run in "ab"])
        self.assertEqual(page.row("lr"), ["0", "0"])  # of the last values, which come before the configuration
        self.assertEqual(page.row("beta1"), ["0.9", "0.9"])
        source = (self.dir / "report.html").read_text()
        differs = re.findall(r'<tr class="differs"><th scope="row">(\w+)', source)
        self.assertEqual(sorted(set(differs) & {"lr", "steps", "batch_size", "seed"}), ["lr", "steps"])
        self.assertEqual(source.count("<script"), 0)
        self.report(self.dir / "a", self.dir / "b", out="again.html")
        self.assertEqual((self.dir / "again.html").read_text(), source.replace("report_data/", "again_data/"))

    def test_gone_on_with(self):
        """A run that was killed and gone on with (and killed again) has the step on its page, and its line in each figure."""
        config = self.file("cut.json", [{"algo": "sft", "model": str(QWEN), "data": self.file("rows.jsonl", ROWS), "max_len": 32,
                                         "micro_tokens": 64, "steps": 1000000, "save_every": 100, "batch_size": 2}])

        def newest():
            names = (p.name[5:] for p in (self.dir / "cut/checkpoints").glob("step_*"))
            return max((int(n) for n in names if n.isdigit()), default=0)

        for more in ((), ("--resume",)):
            before = newest()
            child = self.start("train", config, "--out", str(self.dir / "cut"), "--progress", "none", *more)
            wait_for(lambda: newest() > before)
            child.kill()
            child.communicate()
        self.train("whole")
        page = self.report(self.dir / "cut", self.dir / "whole")
        step = int(re.search(r"gone on with at step (\d+) ", "".join(page.text)).group(1))
        self.assertEqual(step, before + 1)
        self.assertEqual("".join(page.text).count("gone on with"), 1)
        steps = [int(r["step"]) for r in self.csv("loss.csv") if r["run"] == "cut"]
        self.assertEqual(steps, list(range(1, len(steps) + 1)))
        self.assertGreater(len(steps), before)
        rows = "".join((self.dir / "cut/metrics.jsonl").read_text().splitlines(True)[:step - 1])
        (self.dir / "cut/metrics.jsonl").write_text(rows)  # gone on with later than what is there: no line
        self.assertNotIn("gone on with", "".join(self.report(self.dir / "cut", out="x.html").text))

    def test_groups(self):
        """Evaluations first, then groups in the order in which they came; evaluations are where they were made."""
        rows = [{"step": k, "time": 1e9 + k, "loss": 1 / k, "reward/mean": k, "actor/entropy": 2.5, "reward/std": 0,
                 **({"eval/avg@4": k / 100, "val/pass@1": 0.5} if k % 10 == 0 else {})} for k in range(1, 31)]
        page = self.report(self.run_of("run", rows, {"config": {"algo": "grpo", "nested": {"a": [1, "x"]}}}))
        self.assertEqual([link.split("/")[1] for link in page.links],
                         ["eval_avg_4.csv", "val_pass_1.csv", "loss.csv", "reward_mean.csv", "reward_std.csv",
                          "actor_entropy.csv"])
        self.assertEqual([(r["step"], float(r["value"])) for r in self.csv("eval_avg_4.csv")],
                         [("10", 0.1), ("20", 0.2), ("30", 0.3)])
        self.assertEqual(page.row("nested"), ['{"a":[1,"x"]}'])
        heads = re.findall(r"<h2[^>]*>([^<]*)</h2>", (self.dir / "report.html").read_text())
        self.assertEqual(heads, ["Runs", "Evaluation", "Training", "reward", "actor", "Last values", "Config"])
        self.assertIn("No manifest.json", "".join(self.report(self.run_of("bare", rows), out="x.html").text))

    def test_hostile(self):
        """Names and values are text wherever they stand; no file outside, nothing run, no mark-up."""
        bad = ["</title><script>alert(1)</script>", "../../escape", "`touch hacked`", "\"; system 'touch hacked'; \"",
               "$r0 << END\n", "<img src=x onerror=alert(1)>", "&lt;b&gt;", "\u202egnp.exe", "a" * 190, "A/B", "a/b", "a b", "a_b",
               "-rf", ".hidden", "con", "/", "\u0007bell", "日本", "END", "%s%n%p", "{/Symbol a}"]
        rows = [{"step": k, "time": 1.5e9, **{name: k * i for i, name in enumerate(bad)}} for k in (1, 2, 3)]
        rows[1]["note"] = "<b>text</b>"
        rows[1]["list"] = [1, {"x": None}]
        name = "<b onclick=1>&'\"`x`"
        run = self.run_of(name, rows, {"config": {k: k for k in bad}, "state": "<script>1</script>", "seeds": {"s": "<i>"},
                                       "created": {"deep": ["<u>"]}})
        before = set(self.dir.rglob("*"))
        page = self.report(run)
        after = {p for p in self.dir.rglob("*") if self.dir / "report_data" not in p.parents} - before
        self.assertEqual({p.name for p in after}, {"report.html", "report_data", ".cache", "cache"} & {p.name for p in after})
        files = [p.name for p in (self.dir / "report_data").iterdir()]
        self.assertEqual(len(files), len(bad))
        self.assertEqual(len({f.lower() for f in files}), len(bad))
        for file in files:
            self.assertRegex(file, r"^[a-z0-9_][a-z0-9_.-]*\.csv$")
        self.assertEqual(sorted(urllib.parse.unquote(link) for link in page.links), sorted(f"report_data/{f}" for f in files))
        text = "".join(page.text)
        for name in bad[:7]:
            self.assertIn(name.replace("\n", " ").strip(), text)
        self.assertNotIn("\u202e", text)
        self.assertNotIn("\u0007", text)
        values = sorted([int(r["value"]) for r in self.csv(f)] for f in files)
        self.assertEqual(values, [[i, 2 * i, 3 * i] for i in range(len(bad))])  # each its own
        self.assertIn("2 values that are no numbers", text)
        self.assertEqual({r["run"] for r in self.csv("_rf.csv")}, {run.name})
        self.assertFalse((self.dir / "hacked").exists())

    def test_numbers(self):
        """What no axis can show, and gaps."""
        values = {"huge": [1e308, -1e308, 5], "tiny": [5e-324, 1e-320, 0], "same": [7, 7, 7], "zero": [0, 0, 0],
                  "null": [None, None, None], "gap": [1, None, 3], "close": [1, 1 + 1e-15, 1], "over": ["1e999", 1, "-1e999"]}
        rows = []
        for k, step in enumerate((1, 2, 2**53)):
            parts = ",".join(f'"{n}":{json.dumps(v[k]) if not isinstance(v[k], str) else v[k]}' for n, v in values.items())
            rows.append(f'{{"step":{step},{parts},"none":null}}')
        page = self.report(self.run_of("run", rows))
        text = "".join(page.text)
        self.assertIn("9 values that are not finite", text)  # null 3, gap 1, over 2, none 3
        self.assertEqual(text.count("No number that could be drawn."), 2)
        self.assertEqual([r["value"] for r in self.csv("gap.csv")], ["1", "", "3"])
        self.assertEqual([r["time"] for r in self.csv("gap.csv")], ["", "", ""])
        self.assertEqual([float(r["value"]) for r in self.csv("huge.csv")], values["huge"])
        self.assertEqual([float(r["value"]) for r in self.csv("tiny.csv")], values["tiny"])
        self.assertEqual(page.row("null"), [""])
        self.assertEqual(page.row("over"), ["1 (step 2)"])
        one = self.report(self.run_of("one", [{"step": 5, "loss": 1}]), out="one.html")
        self.assertTrue(one.pictures[0])
        self.report(self.run_of("twice", ['{"step":1,"loss":1,"loss":2}', '{"step":2,"loss":3}']), out="twice.html")
        self.assertEqual([r["value"] for r in self.csv("loss.csv", "twice_data")], ["2", "3"])
        last = self.report(self.run_of("last", [{"step": 2**64 - 1, "loss": 1}]), out="last.html")
        self.assertTrue(last.pictures[0])

    def test_long(self):
        """60,000 steps: a page of bounded size that keeps a lone peak and a lone trough, and a CSV with all of it."""
        rows = [f'{{"step":{k},"time":{k},"loss":{(k * 7919 % 1000) / 1000}}}' for k in range(1, 60001)]
        rows[31337] = '{"step":31338,"time":31338,"loss":5000}'
        rows[44444] = '{"step":44445,"time":44445,"loss":-3000}'
        page = self.report(self.run_of("run", rows))
        self.assertLess((self.dir / "report.html").stat().st_size, 150000)
        self.assertEqual(len(self.csv("loss.csv")), 60000)
        ticks = [float(t) for t in page.pictures[0] if re.fullmatch(r"-?\d+", t)]
        self.assertIn(5000.0, ticks)
        self.assertIn(-3000.0, ticks)

    def test_torn_and_foreign(self):
        rows = [{"step": k, "loss": k} for k in (1, 2)]
        run = self.run_of("torn", rows)
        with open(run / "metrics.jsonl", "a", encoding="utf-8") as f:
            f.write('{"step":3,"lo')
        page = self.report(run)
        self.assertIn("was cut off", "".join(page.text))
        self.assertEqual([r["step"] for r in self.csv("loss.csv")], ["1", "2"])
        for name, lines, what in (("middle", [rows[0], '{"step":2,', rows[1]], "metrics.jsonl:2"),
                                  ("text", ["hello"], "metrics.jsonl:1"), ("list", ["[1,2]"], "\"step\""),
                                  ("back", [rows[1], rows[0]], "step 1 after step 2"), ("empty", [], "no step in it yet"),
                                  ("other", [{"epoch": 1}], "\"step\""), ("minus", [{"step": -1}], "\"step\""),
                                  ("deep", ['{"step":1,"x":' + "[" * 100 + "]" * 100 + "}"], "metrics.jsonl:1"),
                                  ("bytes", [b'{"step":1,"\xff\xfe":1}'], "metrics.jsonl:1"),
                                  ("long", [{"step": 1, "x" * 300: 1}], "200 bytes"),
                                  ("many", [{"step": 1, **{f"m{i}": 1 for i in range(600)}}], "more than 512 metrics")):
            self.say(self.report(self.run_of(name, lines), rc=3, out=f"{name}.html"), what)
            self.assertFalse((self.dir / f"{name}.html").exists())
        with open(self.run_of("half", []) / "metrics.jsonl", "w", encoding="utf-8") as f:
            f.write('{"step":1,"lo')
        self.say(self.report(self.dir / "half", rc=3, out="half.html"), "metrics.jsonl:1")

    def test_no_run(self):
        self.say(self.report(self.dir / "nowhere", rc=3), "nowhere")
        self.say(self.report(self.file("file", ["x"]), rc=3), "not a folder")
        (self.dir / "bare").mkdir()
        self.say(self.report(self.dir / "bare", rc=3), "no metrics.jsonl", "assay train")
        os.mkfifo(self.dir / "bare/metrics.jsonl")
        self.say(self.report(self.dir / "bare", rc=3), "not a regular file")
        self.say(self.report(rc=2), "1 to 64 runs")
        run = self.run_of("run", [{"step": 1, "loss": 1}])
        for text in ("{}", "[", '{"schema":"other/1"}'):
            (run / "manifest.json").write_text(text)
            self.say(self.report(run, rc=3), "manifest.json")
        (run / "manifest.json").unlink()
        (run / "events.out.tfevents.1").write_bytes(b"\xff" * 100)
        (run / "events.out.tfevents.2").write_bytes(b"")
        os.mkfifo(run / "events.out.tfevents.3")
        self.report(run)
        self.say(self.report(run, rc=2, out="x.html", env={"PATH": str(self.dir)}), "gnuplot", "apt-get install gnuplot-nox")
        broken = pathlib.Path(self.dir / "gnuplot")
        broken.write_text("#!/bin/sh\necho out of ink >&2\nexit 3\n")
        broken.chmod(0o755)
        self.say(self.report(run, rc=3, out="x.html", env={"PATH": f"{self.dir}:/bin"}), "status 3", "out of ink")
        broken.write_text("#!/bin/sh\necho '<svg'\n")
        self.say(self.report(run, rc=3, out="x.html", env={"PATH": f"{self.dir}:/bin"}), "too few pictures")
        self.assertFalse((self.dir / "x.html").exists())

    def test_what_is_there(self):
        run = self.run_of("run", [{"step": 1, "loss": 1, "old": 2}])
        self.report(run)
        self.say(self.report(run, rc=2), "report.html exists", "--force")
        (self.dir / "report.html").unlink()
        self.say(self.report(run, rc=2), "report_data exists", "--force")
        self.file("run/metrics.jsonl", [{"step": 1, "loss": 3}])
        self.assay("report", run, "-o", self.dir / "report.html", "--force")
        self.assertEqual([p.name for p in (self.dir / "report_data").iterdir()], ["loss.csv"])
        self.assertEqual(self.csv("loss.csv")[0]["value"], "3")
        self.file("report_data/notes.txt", ["mine"])
        self.say(self.assay("report", run, "-o", self.dir / "report.html", "--force", rc=2), "notes.txt", "--csv")
        self.assertTrue((self.dir / "report_data/notes.txt").exists())
        out = self.assay("report", run, "-o", self.dir / "b.html", "--csv", self.dir / "numbers", "--json", "--quiet")
        self.assertEqual(json.loads(out.out), {"schema": "assay.report/1", "out": str(self.dir / "b.html"),
                                               "csv": str(self.dir / "numbers"),
                                               "figures": [{"name": "loss", "file": "loss.csv", "points": 1}]})
        self.assertEqual(Page((self.dir / "b.html").read_text()).links, [])
        self.assertEqual(out.err, "")
        out = self.assay("report", run, "-o", "-", "--csv", self.dir / "more")
        self.assertEqual(len(Page(out.out).pictures), 1)
        self.say(self.assay("report", run, "-o", "-", rc=2), "--csv")

    def test_same_names(self):
        for folder in ("x", "y"):
            (self.dir / folder).mkdir()
            self.run_of(f"{folder}/run", [{"step": 1, "loss": 1}])
        self.report("x/run/", "y/run")
        self.assertEqual([r["run"] for r in self.csv("loss.csv")], ["x/run", "y/run"])
        runs = [str(self.run_of(f"run, \"{k}\"", [{"step": s, "loss": k} for s in (1, 2)])) for k in range(10)]
        page = self.report(*runs, out="ten.html")
        self.assertEqual([r["run"] for r in self.csv("loss.csv", "ten_data")][::2], [f'run, "{k}"' for k in range(10)])
        self.assertEqual(page.row("loss"), [str(k) for k in range(10)])


if __name__ == "__main__":
    main()
