#!/usr/bin/env python3
"""test_eval.py -- assay eval and assay rescore on a model of examples/models: what a run's folder holds, that it says what
generate, verify and passk say, how it is gone on with after a kill, what is refused. SPDX-License-Identifier: Apache-2.0"""
import json
import os
import re
import resource
import shutil
import signal
import subprocess

from run_assay import SLOW, SOURCE, AssayTest, lines_of, main, wait_for
from test_generate_remote import Server, text_reply

ARITH = SOURCE / "examples/models/arith"
SUITE = ARITH / "test.jsonl"
FILES = ("manifest.json", "samples.jsonl", "scores.jsonl", "suite.jsonl", "summary.json")
SAME = ("samples.jsonl", "scores.jsonl", "suite.jsonl", "summary.json")  # manifest.json has the time


class Eval(AssayTest):
    def eval(self, out, *args, model=ARITH, suite=SUITE, plugin="math", limit=12, **more):
        return self.assay("eval", "--model", model, "--suite", suite, "--plugin", plugin, "--limit", limit,
                          *(("--out", self.dir / out) if out else ()), "-q", *args, **more)

    def json(self, out, *args, **more):
        return json.loads(self.eval(out, *args, "--json", **more).out)

    def read(self, out, names=SAME):
        return {name: (self.dir / out / name).read_bytes() for name in names}

    def rows(self, out, name):
        return lines_of((self.dir / out / name).read_text())

    def manifest(self, out):
        return json.loads((self.dir / out / "manifest.json").read_text())

    # ---- what a run is ----

    def test_is_generate_verify_passk(self):
        words = ("--n", 6, "--temperature", 0.9, "--max-tokens", 20)
        said = self.json("run", *words, "--seed", 3)
        self.assertEqual(sorted(p.name for p in (self.dir / "run").iterdir()), sorted(FILES))
        samples = self.dir / "samples.jsonl"
        prompts = self.file("prompts.jsonl", SUITE.read_text().splitlines()[:12])
        self.assay("generate", "--model", ARITH, "--prompts", prompts, *words, "--seed", 3, "--out", samples)
        self.assertEqual(samples.read_bytes(), self.read("run")["samples.jsonl"])
        suite = {p["id"]: p for p in lines_of(SUITE.read_text())}
        of = self.rows("run", "samples.jsonl")
        items = self.file("items.jsonl", [dict(row, reference=suite[row["problem_id"]]["reference"]) for row in of])
        verdicts = lines_of(self.assay("verify", "--plugin", "math", "--in", items, "--out", "-").out)
        scores = self.rows("run", "scores.jsonl")
        self.assertEqual(len(scores), 72)
        for sample, verdict, score in zip(of, verdicts, scores):
            self.assertEqual(score["schema"], "assay.score/1")
            for key in ("problem_id", "sample_idx", "seed", "finish_reason", "n_tokens", "sum_logp", "entropy_mean"):
                self.assertEqual(score[key], sample[key])
            for key in ("verdict", "score", "answer", "key", "rule", "reason"):
                self.assertEqual(score.get(key), verdict.get(key))
        passk = json.loads(self.assay("passk", "--in", self.dir / "run/scores.jsonl", "--json").out)
        for key, value in passk.items():
            if key not in ("schema", "files"):
                self.assertEqual(said[key], value, key)
        self.assertEqual(said["schema"], "assay.eval/1")
        self.assertEqual(said["seeds"], ["3"])
        self.assertEqual(said["n_tokens"], sum(r["n_tokens"] for r in of))
        self.assertAlmostEqual(said["entropy_mean"], sum(r["entropy_mean"] * r["n_tokens"] for r in of) / said["n_tokens"])
        self.assertAlmostEqual(said["length_mean"], said["n_tokens"] / 72)
        summary = json.loads(self.read("run")["summary.json"])
        self.assertEqual({k: v for k, v in said.items() if k in summary}, summary)
        table = self.eval("run", *words, "--seed", 3, "--resume").out  # nothing is left to do
        for text in ("pass@k", "maj@n", "avg@n", "stop 72", "12 problems, 72 samples"):
            self.assertIn(text, table)

    def test_manifest(self):
        self.eval("run", "--n", 2, "--seed", "5,6", "--top-p", 0.9, plugin='math:{"tolerance":{"digits":6}}')
        m = self.manifest("run")
        self.assertEqual((m["command"], m["state"], m["samples"], m["scores"]), ("eval", "done", 48, 48))
        self.assertEqual(m["seeds"], {"run": "5", "run_2": "6"})
        self.assertEqual(m["config"]["config"], {"tolerance": {"digits": 6}})
        for key, value in (("n", 2), ("limit", 12), ("top_p", 0.9), ("verifier", "org.assay.math"), ("max_tokens", 256)):
            self.assertEqual(m["config"][key], value)
        self.assertIn(m["computed_by"]["level"], ("scalar", "avx2", "avx512", "avx512bf16", "amx"))
        for name in ("suite", "model.safetensors", "config.json", "tokenizer.json", "plugin_file"):
            self.assertRegex(m["hashes"][name], "^[0-9a-f]{64}$")
        self.assertEqual((self.dir / "run/suite.jsonl").read_bytes(), SUITE.read_bytes())

    def test_seeds_are_runs_merged(self):
        """Two seeds in one run are what two runs are to passk."""
        both = self.json("both", "--n", 4, "--seed", "1,2")
        one, two = (self.json(f"run{s}", "--n", 4, "--seed", s) for s in (1, 2))
        merged = json.loads(self.assay("passk", "--json", "--in", self.dir / "run1/scores.jsonl",
                                       self.dir / "run2/scores.jsonl").out)
        for key in ("k", "avg_at_n", "solved", "maj_at_n", "cover", "histogram", "n_samples", "n_right"):
            self.assertEqual(both[key], merged[key], key)
        self.assertEqual(both["n_max"], 8)
        self.assertNotEqual(one["entropy_mean"], two["entropy_mean"])
        self.assertEqual(self.read("both")["samples.jsonl"],
                         self.read("run1")["samples.jsonl"] + self.read("run2")["samples.jsonl"])
        self.assertEqual(self.read("both")["scores.jsonl"],
                         self.read("run1")["scores.jsonl"] + self.read("run2")["scores.jsonl"])

    def test_finish_reasons(self):
        """Beside the accuracy: how samples ended, what the uncut ones amount to, and what is the most."""
        words = ("--n", 8, "--max-tokens", 9)
        said = self.json("run", *words, limit=60)
        rows = self.rows("run", "scores.jsonl")
        for end in said["finish_reasons"]:
            of = [r for r in rows if r["finish_reason"] == end["finish_reason"]]
            self.assertEqual((end["samples"], end["right"], end["unscored"]),
                             (len(of), sum(r["verdict"] == "pass" for r in of), 0))
        self.assertEqual({e["finish_reason"] for e in said["finish_reasons"]}, {"stop", "length"})
        uncut, most, k2 = [], [], []
        for at in range(0, len(rows), 8):
            right = [r["verdict"] == "pass" for r in rows[at:at + 8]]
            cut = [r["finish_reason"] == "length" for r in rows[at:at + 8]]
            if not all(cut):
                uncut.append(sum(r for r, c in zip(right, cut) if not c) / (8 - sum(cut)))
            n = sum(r or c for r, c in zip(right, cut))
            most.append(n / 8)
            k2.append(1 - (8 - n) * (7 - n) / 56)
        self.assertAlmostEqual(said["avg_of_uncut"]["mean"], sum(uncut) / len(uncut))
        self.assertAlmostEqual(said["avg_at_most"]["mean"], sum(most) / len(most))
        self.assertAlmostEqual(said["k"][1]["most"]["mean"], sum(k2) / len(k2))
        self.assertLess(said["avg_at_n"]["mean"], said["avg_at_most"]["mean"])
        self.assertEqual(said["n_cut_right"], sum(e["right"] for e in said["finish_reasons"] if e["finish_reason"] == "length"))
        table = self.eval("run", *words, "--resume", limit=60).out
        for text in ("at most", "avg@n of the uncut", "length "):
            self.assertIn(text, table)

    def test_unscored(self):
        """Abstain and error are in no mean, counted, and over --max-unscored exit 1 with everything written."""
        rows = lines_of(SUITE.read_text())[:10]
        rows[4]["reference"] = "?"
        suite = self.file("suite.jsonl", rows)
        run = self.eval("run", "--n", 4, "--json", suite=suite, rc=1)
        self.say(run, "4 of 40 samples are unscored", "--max-unscored")
        said = json.loads(run.out)
        self.assertEqual((said["n_scored"], said["n_abstain"], said["n_problems_empty"]), (36, 4, 1))
        self.assertEqual(said["verdicts"]["abstain"], 4)
        self.assertEqual(sum(e["unscored"] for e in said["finish_reasons"]), 4)
        self.assertEqual([r["score"] for r in self.rows("run", "scores.jsonl") if r["verdict"] == "abstain"], [None] * 4)
        self.assertEqual(self.manifest("run")["state"], "done")
        self.eval("run", "--n", 4, "--resume", "--max-unscored", "10%", suite=suite)
        self.say(self.eval("run", "--n", 4, "--resume", "--max-unscored", "10%", "--fail-under", "90%", suite=suite, rc=1),
                 "pass@1 is", "--fail-under")

    def test_the_same_however_it_is_run(self):
        words = ("--n", 5, "--temperature", 0.8)
        self.eval("a", *words)
        whole = self.read("a")
        for k, more in enumerate((("--threads", 1), ("--max-seqs", 3), ("--isolation", "worker"), ("--no-cache",))):
            self.eval(f"b{k}", *words, *more)
            self.assertEqual(self.read(f"b{k}"), whole, more)
        self.eval("c", *words, "--token-ids")
        self.assertTrue(all(len(r["token_ids"]) == r["n_tokens"] for r in self.rows("c", "samples.jsonl")))
        self.assertEqual(self.read("c")["scores.jsonl"], whole["scores.jsonl"])

    def test_chat(self):
        """Prompts in the chat template, and conversations, are read as generate reads them."""
        said = self.file("said.jsonl", [{"id": k, "prompt": f"{k}+1=\n\"x\"", "reference": "1"} for k in range(4)])
        messages = self.file("messages.jsonl", [{"id": k, "messages": [{"role": "user", "content": f"{k}+1=\n\"x\""}],
                                                 "reference": "1"} for k in range(4)])
        words, qwen = ("--n", 3, "--max-tokens", 12), SOURCE / "tests/golden/models/tiny_qwen2"
        self.assay("generate", "--model", qwen, "--prompts", said, "--chat", *words, "--out", self.dir / "s.jsonl", "-q")
        self.eval("said", *words, "--chat", suite=said, model=qwen)
        self.eval("messages", *words, suite=messages, model=qwen)
        for run in ("said", "messages"):
            self.assertEqual(self.read(run)["samples.jsonl"], (self.dir / "s.jsonl").read_bytes())
        self.eval("plain", *words, suite=said, model=qwen)
        self.assertNotEqual(self.read("plain")["samples.jsonl"], self.read("said")["samples.jsonl"])

    def test_a_plugin_of_ones_own(self):
        """The example's, built here: it sees the prompt's meta, and runs in a worker process."""
        plugin = self.dir / "countdown.so"
        subprocess.run([os.environ.get("CC", "cc"), "-std=gnu11", "-shared", "-fPIC", f"-I{SOURCE / 'include'}", "-o", plugin,
                        SOURCE / "examples/plugin_countdown/countdown.c", "-lm"], check=True, capture_output=True)
        model = SOURCE / "examples/models/countdown"
        said = self.json("run", "--n", 8, "--max-tokens", 40, model=model, suite=model / "test.jsonl", plugin=plugin, limit=30)
        self.assertEqual((said["n_samples"], said["n_abstain"], said["n_error"]), (240, 0, 0))
        self.assertGreater(said["n_right"], 5)
        target = {p["id"]: int(p["reference"]) for p in lines_of((model / "test.jsonl").read_text())}
        for sample, score in zip(self.rows("run", "samples.jsonl"), self.rows("run", "scores.jsonl")):
            if score["verdict"] == "pass":
                first, *rest = re.findall(r"([-+*]?)(\d+)", sample["completion"])
                value = int(first[1])
                for sign, number in rest:  # from left to right
                    value = {"+": value + int(number), "-": value - int(number), "*": value * int(number)}[sign]
                self.assertEqual(value, target[sample["problem_id"]], sample)
        whole = self.read("run")["scores.jsonl"]
        self.assay("rescore", self.dir / "run", "--plugin", plugin, "--threads", 1, "--no-cache", "-q")
        self.assertEqual((self.dir / "run/scores.2.jsonl").read_bytes(), whole)

    def test_groups(self):
        """A verifier of whole groups judges a problem's samples of one seed together, and after a kill too."""
        plugin = 'majority:{"of":"math"}'
        self.eval("run", "--n", 8, "--seed", "1,2", plugin=plugin)
        rows = self.rows("run", "scores.jsonl")
        for at in range(0, len(rows), 8):
            answers = [r["answer"] for r in rows[at:at + 8] if r["verdict"] == "pass"]
            self.assertEqual(len(set(answers)), 1 if answers else 0)
        self.assertIn("pass", {r["verdict"] for r in rows})
        whole = self.read("run")
        path = self.dir / "run/scores.jsonl"
        path.write_bytes(whole["scores.jsonl"][:len(whole["scores.jsonl"]) // 3])  # in the middle of a group
        self.eval("run", "--n", 8, "--seed", "1,2", "--resume", plugin=plugin)
        self.assertEqual(self.read("run"), whole)

    # ---- going on ----

    def test_resume(self):
        words = ("--n", 6, "--seed", "1,2", "--temperature", 0.9)
        self.eval("run", *words)
        whole, run = self.read("run"), self.dir / "run"
        sizes = [len(whole["samples.jsonl"]), len(whole["scores.jsonl"])]
        for samples, scores in ((0, 0), (0, 1), (0.4, 0.1), (0.7, 0.7), (0.3, 1), (1, 0.5), (1, 1)):
            (run / "samples.jsonl").write_bytes(whole["samples.jsonl"][:int(sizes[0] * samples)])
            (run / "scores.jsonl").write_bytes(whole["scores.jsonl"][:int(sizes[1] * scores)])
            (run / "summary.json").unlink()
            self.eval("run", *words, "--resume")
            self.assertEqual(self.read("run"), whole, (samples, scores))
        (run / "suite.jsonl").unlink()
        (run / "samples.jsonl").unlink()
        self.eval("run", *words, "--resume")
        self.assertEqual(self.read("run"), whole)
        said = self.json("run", *words, "--resume")
        self.assertEqual(said["kept"], 144)
        self.eval("fresh", *words, "--resume")  # the same line from the very beginning
        self.assertEqual(self.read("fresh"), whole)

    def long(self, out, *more, n=1000):
        return ("eval", "--model", ARITH, "--suite", SUITE, "--plugin", "math", "--n", n, "--max-seqs", 2,
                "--out", self.dir / out, *more)

    def test_killed(self):
        """kill -9 at any moment: the same command with --resume ends with the same bytes."""
        samples, scores = self.dir / "run/samples.jsonl", self.dir / "run/scores.jsonl"
        line = [str(w) for w in self.long("run", "--limit", 6, "-q", n=150)]
        for path, size in ((samples, 1), (scores, 1), (scores, 20000)):
            child = self.start(*line, "--resume")
            wait_for(lambda: (path.exists() and path.stat().st_size >= size) or child.poll() is not None)
            child.send_signal(signal.SIGKILL)
            child.communicate()
            self.assertIn(child.returncode, (-signal.SIGKILL, 0))  # 0: it was through before the signal came
            self.assertEqual(self.manifest("run")["state"], "running" if child.returncode else "done")
        self.assay(*line, "--resume")
        self.assay(*self.long("whole", "--limit", 6, "-q", n=150))
        self.assertEqual(self.read("run"), self.read("whole"))

    def test_interrupted(self):
        samples = self.dir / "run/samples.jsonl"
        line = [str(w) for w in self.long("run", "--progress", "none")]
        child = self.start(*line)
        wait_for(lambda: samples.exists() and samples.stat().st_size > 0)
        child.send_signal(signal.SIGINT)
        err = child.communicate()[1].decode()
        self.assertEqual(child.returncode, 130, err)
        self.assertIn("to go on", err)
        self.assertIn("--resume", err)
        m = self.manifest("run")
        self.assertEqual(m["state"], "interrupted")
        self.assertEqual(m["samples"], len(samples.read_text().splitlines()))
        self.assertTrue(samples.read_bytes().endswith(b"\n"))
        self.assertEqual(m["scores"], len(self.rows("run", "scores.jsonl")))
        self.assertFalse((self.dir / "run/summary.json").exists())

    def test_interrupted_while_scoring(self):
        """All samples are there, their scores are not: what has a verdict is kept, and the rest is scored later."""
        scores = self.dir / "run/scores.jsonl"
        words = ("eval", "--model", ARITH, "--suite", SUITE, "--n", 4, "--limit", 30, "-q", "--threads", 2)
        child = self.start(*map(str, (*words, "--plugin", SLOW + ':{"ms":100}', "--out", self.dir / "run")))
        wait_for(lambda: scores.exists() and scores.stat().st_size > 0)
        child.send_signal(signal.SIGINT)
        err = child.communicate()[1].decode()
        self.assertEqual(child.returncode, 130, err)
        m = self.manifest("run")
        self.assertEqual((m["state"], m["scores"]), ("interrupted", len(scores.read_text().splitlines())))
        self.assertLess(m["scores"], m["samples"])
        for out, more in (("run", ("--resume",)), ("whole", ())):
            if out == "run":  # so that the test is quick: the verifier's config is the run's, but for this
                text = (self.dir / "run/manifest.json").read_text().replace('"ms":\t100', '"ms":\t1')
                (self.dir / "run/manifest.json").write_text(text)
            self.assay(*words, "--plugin", SLOW + ':{"ms":1}', "--out", self.dir / out, *more)
        self.assertEqual(self.read("run", ("samples.jsonl", "scores.jsonl")), self.read("whole", ("samples.jsonl", "scores.jsonl")))

    def test_one_at_a_time(self):
        child = self.start(*map(str, self.long("run", "-q")))
        wait_for(lambda: (self.dir / "run/samples.jsonl").exists())
        self.say(self.assay(*self.long("run", "--resume"), rc=2), "another process")
        self.say(self.assay("rescore", self.dir / "run", "--plugin", "math", rc=2), "another process")
        self.assertIsNone(child.poll())

    def test_disk_full(self):
        """A file that cannot grow: exit 7, what is there is kept, and the same command goes on."""
        words = ("--n", 16)
        self.eval("whole", *words)

        def small(limit):
            def set_up():
                signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
                resource.setrlimit(resource.RLIMIT_FSIZE, (limit, limit))
            return set_up
        for limit in (20000, 40000):  # of samples.jsonl or scores.jsonl
            run = self.eval("run", *words, "--resume", "--no-cache", rc=7, preexec_fn=small(limit))
            self.say(run, "s.jsonl: ", "File too large", "is kept", "--resume")
        self.assertEqual(self.manifest("run")["state"], "failed")
        self.eval("run", *words, "--resume")
        self.assertEqual(self.read("run"), self.read("whole"))

    # ---- rescore ----

    def test_rescore(self):
        self.eval("run", "--n", 4, "--seed", "1,2")
        whole, run = self.read("run"), self.dir / "run"
        said = self.assay("rescore", run, "--plugin", "math")
        self.say(said, "scores.2.jsonl")
        self.assertEqual((run / "scores.2.jsonl").read_bytes(), whole["scores.jsonl"])
        summary, second = json.loads(whole["summary.json"]), json.loads((run / "summary.2.json").read_text())
        self.assertEqual(second.pop("files"), ["scores.2.jsonl"])
        self.assertEqual(summary.pop("files"), ["scores.jsonl"])
        self.assertEqual(second, summary)
        out = json.loads(self.assay("rescore", run, "--plugin", "exact", "--json", "-q").out)
        self.assertEqual(out["n_right"], 0)  # the completions are chains, not bare answers
        self.assertEqual(out["verifier"]["id"], "org.assay.exact")
        self.assertEqual(self.read("run"), whole)
        first, second = self.manifest("run")["rescores"]
        self.assertEqual((first["scores"], second["scores"]), ("scores.2.jsonl", "scores.3.jsonl"))
        self.assertEqual((first["config"]["verifier"], second["config"]["verifier"]), ("org.assay.math", "org.assay.exact"))
        self.assertEqual(second["samples"], 96)
        self.eval("run", "--n", 4, "--seed", "1,2", "--resume")
        self.assertEqual(len(self.manifest("run")["rescores"]), 2)
        self.eval("run", "--n", 4, "--seed", "1,2", "--force")  # scores of samples that are gone go too
        self.assertEqual(sorted(p.name for p in run.iterdir()), sorted(FILES))
        self.assertEqual(self.read("run"), whole)

    def test_rescore_a_part(self):
        self.eval("run", "--n", 4)
        path = self.dir / "run/samples.jsonl"
        path.write_bytes(path.read_bytes()[:-100])
        run = self.assay("rescore", self.dir / "run", "--plugin", "math")
        self.say(run, "not complete: 47 of its 48")
        path.write_bytes(b"")
        self.say(self.assay("rescore", self.dir / "run", "--plugin", "math", rc=3), "no samples")
        self.assertFalse((self.dir / "run/scores.3.jsonl").exists())

    def test_rescore_refuses(self):
        self.eval("run", "--n", 2)
        run = self.dir / "run"
        self.say(self.assay("rescore", rc=2), "which run")
        self.say(self.assay("rescore", run, rc=2), "--plugin")
        self.say(self.assay("rescore", self.dir / "nowhere", "--plugin", "math", rc=3), "nowhere")
        self.say(self.assay("rescore", self.dir, "--plugin", "math", rc=2), "holds no run")
        m = self.manifest("run")
        for spoilt, text in ((dict(m, command="train"), "assay train"), (dict(m, seeds={}), "seeds"),
                             (dict(m, config=dict(m["config"], n=0)), '"n"'), (dict(m, model=3), "model"),
                             (dict(m, config=dict(m["config"], limit="x")), '"limit"'),
                             (dict(m, config=dict(m["config"], n=3)), "samples.jsonl:3")):
            (run / "manifest.json").write_text(json.dumps(spoilt))
            run_ = self.assay("rescore", run, "--plugin", "math", rc=None)
            self.assertIn(run_.returncode, (2, 3))
            self.say(run_, text)
        self.assertFalse((run / "scores.2.jsonl").exists())

    # ---- what is refused ----

    def test_options(self):
        for args, text in ((("--n", 0), "--n"), (("--n", 1 << 21), "--n"), (("--seed", "1,1"), "twice"),
                           (("--seed", "1,x"), "whole number"), (("--seed", ""), "whole number"),
                           (("--temperature", "warm"), "--temperature"), (("--k", "0"), "--k"),
                           (("--resume", "--force"), "exclude"), (("--bootstrap", 1 << 20), "--bootstrap"),
                           (("--chat-template", "nobody"), "nobody"), (("--context", 5), "shorten it")):
            run = self.eval("run", *args, rc=None)
            self.assertEqual(run.returncode, 3 if "--context" in args else 2, args)
            self.say(run, text)
        self.assertFalse((self.dir / "run").exists())
        self.say(self.eval(None, rc=2), "--out")
        self.say(self.eval("run", plugin="nobody", rc=None), "nobody")
        self.say(self.eval("run", plugin='math:{"tolerence":1}', rc=2), "tolerence")
        self.say(self.assay("eval", "--model", ARITH, "--suite", SUITE, "--out", "run", rc=2), "--plugin")
        self.say(self.assay("eval", "--suite", SUITE, "--plugin", "math", "--out", "run", rc=2), "--model")
        self.say(self.assay("eval", "--model", ARITH, "--plugin", "math", "--out", "run", rc=2), "--suite")
        self.assertFalse((self.dir / "run").exists())

    def test_suites(self):
        """All of a suite is looked at before anything is drawn."""
        good = {"id": "a", "prompt": "12......=", "reference": "3"}
        for rows, text in (([good, {"id": "b", "prompt": "1"}], "suite.jsonl:2: no \"reference\""),
                           ([good, good], "suite.jsonl:2: \"id\" \"a\" stands on line 1"),
                           ([dict(good, id="7"), dict(good, id=7)], "suite.jsonl:2"), ([good, "{"], "suite.jsonl:2"),
                           ([dict(good, prompt="")], "empty"), ([dict(good, prompt="1" * 400)], "shorten it"),
                           ([dict(good, meta=3)], "meta"), ([], "no prompt"), (["[]"], "not a JSON object")):
            run = self.eval("run", suite=self.file("suite.jsonl", rows), rc=3)
            self.say(run, text)
        self.assertFalse((self.dir / "run").exists())
        self.say(self.eval("run", suite=self.dir / "nowhere.jsonl", rc=3), "nowhere.jsonl")

    def test_folders(self):
        self.eval("run", "--n", 2)
        whole, run = self.read("run"), self.dir / "run"
        self.say(self.eval("run", "--n", 2, rc=2), "--resume", "--force")
        for args, text in ((("--n", 3), "config.n"), (("--n", 2, "--seed", 1), "seeds.run"),
                           (("--n", 2, "--temperature", 0.5), "config.temperature")):
            self.say(self.eval("run", *args, "--resume", rc=2), text, "--force")
        self.say(self.eval("run", "--n", 2, "--resume", plugin="exact", rc=2), "verifier")
        other = self.file("other.jsonl", [dict(r, prompt=r["prompt"] + "1") for r in lines_of(SUITE.read_text())])
        self.say(self.eval("run", "--n", 2, "--resume", suite=other, rc=2), "suite")
        self.assertEqual(self.read("run"), whole)
        for name, line in (("samples.jsonl", b'"sample_idx":1'), ("scores.jsonl", b'"sample_idx":1')):
            (run / name).write_bytes(whole[name].replace(line, b'"sample_idx":5', 1))
            self.say(self.eval("run", "--n", 2, "--resume", rc=3), f"{name}:2", "--force")
            (run / name).write_bytes(whole[name])
        (run / "scores.jsonl").write_bytes(whole["scores.jsonl"].replace(b'"verdict":"', b'"verdict":"x', 1))
        self.say(self.eval("run", "--n", 2, "--resume", rc=3), "scores.jsonl:1")
        (run / "samples.jsonl").write_bytes(whole["samples.jsonl"] * 2)
        self.say(self.eval("run", "--n", 2, "--resume", rc=3), "--force")
        self.eval("run", "--n", 2, "--force")
        self.assertEqual(self.read("run"), whole)
        (self.dir / "photos").mkdir()
        self.file("photos/sea.jpg", ["x"])
        for args in ((), ("--resume",), ("--force",)):
            self.say(self.eval("photos", "--n", 2, *args, rc=2), "sea.jpg")
        self.file("plain", ["x"])
        self.say(self.eval("plain", "--n", 2, rc=2), "plain is not a folder")
        (self.dir / "made").mkdir()
        shutil.copy(run / "manifest.json", self.dir / "made")
        m = self.manifest("made")
        (self.dir / "made/manifest.json").write_text(json.dumps(dict(m, command="train")))
        self.say(self.eval("made", "--n", 2, "--force", rc=2), "assay train")
        self.assertEqual(self.manifest("made")["command"], "train")

    def test_dry_run(self):
        run = self.eval("run", "--n", 64, "--seed", "1,2", "--dry-run")
        for text in ("12 problems", "1,536", "math", "nothing was written"):
            self.assertIn(text, run.out)
        plan = json.loads(self.eval(None, "--n", 64, "--seed", "1,2", "--dry-run", "--json").out)
        self.assertEqual((plan["schema"], plan["problems"], plan["samples"]), ("assay.plan/1", 12, 1536))
        self.assertFalse((self.dir / "run").exists())
        self.say(self.eval("run", "--dry-run", plugin="nobody", rc=None), "nobody")

    # ---- a server ----

    def test_remote(self):
        server = Server(lambda path, body, number: text_reply(body, text=f"####{body['seed'] % 3}"))
        self.addCleanup(server.server_close)
        self.addCleanup(server.shutdown)
        suite = self.file("suite.jsonl", [{"id": k, "prompt": f"say {k}", "reference": str(k)} for k in range(3)])
        said = self.json("run", "--n", 6, "--seed", "0,300", model=server.url, suite=suite)
        self.assertEqual((said["n_samples"], said["n_right"], said["requests"]), (36, 12, 36))
        self.assertIsNone(said["entropy_mean"])
        self.assertEqual([r["seed"] for r in self.rows("run", "scores.jsonl")][:6], list(range(6)))
        self.assertEqual({body["seed"] for _, body in server.seen}, {*range(6), *range(300, 306)})
        self.say(self.eval("x", "--n", 6, "--seed", "0,3", model=server.url, suite=suite, rc=2), "apart")
        self.eval("run", "--n", 6, "--seed", "0,300", "--resume", model=server.url, suite=suite)
        self.assertEqual(len(server.seen), 36)


if __name__ == "__main__":
    main()
