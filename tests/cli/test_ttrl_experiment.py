#!/usr/bin/env python3
"""test_ttrl_experiment.py -- assay ttrl with an "experiment": each arm is the run it would be alone, each evaluation the one it would
be by hand; stopped and killed runs go on; what a guard ends; what is refused. SPDX-License-Identifier: Apache-2.0"""
import csv
import json
import os
import signal

from run_assay import SOURCE, AssayTest, main, wait_for

MODEL = SOURCE / "examples/models/arith"
SUITE = [json.loads(line) for line in (MODEL / "test.jsonl").read_text().splitlines()]
PROMPTS = SUITE[0:4] + SUITE[32:36]
COMMON = {"model": str(MODEL), "plugin": "math", "steps": 3, "train_batch_size": 4, "votes": 8, "n": 4, "max_response_length": 24,
          "lr": 4e-4, "micro_tokens": 1024, "seed": 3}
ARMS = {"ttrl": {}, "leaked": {"labels": "reference", "n": 8}, "ppo": {"algo": "ppo", "critic_lr": 1e-3}}


class Experiment(AssayTest):
    def config(self, name="exp.json", arms=None, suites=None, spec=None, without=(), **more):
        prompts = self.file("prompts.jsonl", PROMPTS)
        suites = suites or {"test": prompts, "far": self.file("far.jsonl", SUITE[64:67])}
        whole = {**COMMON, "prompts": prompts, **more, "experiment": {"arms": ARMS if arms is None else arms, "suites": suites, "n": 4, **(spec or {})}}
        return self.file(name, [{k: v for k, v in whole.items() if k not in without}])

    def run_it(self, *args, rc=0, out="exp", config=None, **more):
        return self.assay("ttrl", config or self.config(**more), "--out", self.dir / out, *args, rc=rc)

    def weights(self, folder, step):
        return (self.dir / folder / "checkpoints" / f"step_{step}" / "model.safetensors").read_bytes()

    def csv(self, name, out="exp"):
        with open(self.dir / out / "report_data" / name, newline="", encoding="utf-8") as f:
            return list(csv.DictReader(f))

    def manifest(self, out="exp"):
        return json.loads((self.dir / out / "manifest.json").read_text())

    def test_as_by_hand(self):
        """Arms are the runs of assay ttrl and assay train, evaluations those of assay eval; the tables are the report's."""
        said = self.run_it("--quiet", spec={"base_n": 6, "temperature": 0.8})
        self.assertEqual(said.out, "")
        base = dict(COMMON, prompts=str(self.dir / "prompts.jsonl"))
        self.assay("ttrl", self.file("ttrl.json", [base]), "--out", self.dir / "ttrl")
        self.assay("ttrl", self.file("ppo.json", [dict(base, **ARMS["ppo"])]), "--out", self.dir / "ppo")
        leaked = {k: v for k, v in dict(base, n=8, algo="grpo", reward="math").items() if k not in ("plugin", "votes")}
        self.assay("train", self.file("leaked.json", [leaked]), "--out", self.dir / "leaked")
        for arm in ARMS:
            self.assertEqual(self.weights(f"exp/arms/{arm}", 3), self.weights(arm, 3))
        self.assertEqual(len({self.weights(arm, 3) for arm in ARMS}), 3)
        for suite, n, arm, model in (("test", 6, "base", MODEL), ("far", 6, "base", MODEL), ("far", 4, "ppo", self.dir / "ppo/checkpoints/step_3"),
                                     ("test", 4, "leaked", self.dir / "leaked/checkpoints/step_3")):
            self.assay("eval", "--model", model, "--suite", self.dir / ("prompts.jsonl" if suite == "test" else "far.jsonl"), "--plugin", "math",
                       "--n", n, "--temperature", 0.8, "--max-tokens", 24, "--seed", 3, "--out", self.dir / "eval", "--force")
            self.assertEqual((self.dir / "eval/scores.jsonl").read_bytes(), (self.dir / f"exp/evals/{suite}/{arm}/scores.jsonl").read_bytes())
        self.assertEqual([(r["suite"], r["run"], r["against"], r["n"]) for r in self.csv("evaluations.csv")],
                         [(suite, arm, "" if arm == "base" else "base", "6" if arm == "base" else "4")
                          for suite in ("prompts", "far") for arm in ("base", *ARMS)])
        self.assertEqual({r["run"] for r in self.csv("levels.csv")}, set(ARMS))
        self.assertEqual({r["run"] for r in self.csv("training.csv")}, set(ARMS))
        self.assertEqual({r["run"] for r in self.csv("actor_entropy.csv")}, set(ARMS))
        again = self.assay("report", self.dir / "exp", "-o", self.dir / "again.html")
        self.assertEqual(again.out, (self.dir / "exp/tables.md").read_text())
        self.assertEqual((self.dir / "again.html").read_text().replace("again_data", "report_data"), (self.dir / "exp/report.html").read_text())

    def test_again(self):
        """The same seed, the same result; what is done is kept; another configuration is another experiment."""
        arms = {"a": {}, "b": {"algo": "rloo"}}
        first = self.run_it(arms=arms, suites={"test": self.file("one.jsonl", PROMPTS[:2])})
        self.assertIn("| a ", first.out)
        self.assertEqual(first.out, (self.dir / "exp/tables.md").read_text())
        self.run_it("--quiet", out="other", config=self.dir / "exp.json")
        self.assertEqual(first.out, (self.dir / "other/tables.md").read_text())
        before = {p: p.stat().st_mtime_ns for p in (self.dir / "exp").rglob("*") if p.name in ("metrics.jsonl", "scores.jsonl", "model.safetensors")}
        show = json.loads(self.run_it("--resume", "--json", config=self.dir / "exp.json").out)
        self.assertEqual([r["run"] for r in show["evaluations"]], ["base", "a", "b"])
        self.assertEqual(before, {p: p.stat().st_mtime_ns for p in before})
        self.say(self.run_it(config=self.dir / "exp.json", rc=2), "has a run already", "--resume")
        self.say(self.run_it("--resume", "--set", "lr=1e-3", config=self.dir / "exp.json", rc=2), "lr")
        self.say(self.run_it("--resume", "--set", "experiment.n=5", config=self.dir / "exp.json", rc=2), "experiment")
        self.run_it("--force", "--quiet", "--set", "experiment.n=2", config=self.dir / "exp.json")
        self.assertEqual({r["n"] for r in self.csv("evaluations.csv")}, {"2"})

    def test_stopped(self):
        """Ctrl-C and kill in the middle of an arm: the same line with --resume ends as if nothing had been."""
        arms = {"a": {"save_every": 5}, "b": {"save_every": 5, "algo": "rloo"}}
        config = self.config(arms=arms, steps=24, bounds={"min_sure": 0, "max_drift": 1}, suites={"test": self.file("one.jsonl", PROMPTS[:2])})
        self.run_it("--quiet", out="whole", config=config)
        for how, rc in ((signal.SIGINT, 130), (signal.SIGKILL, -9)):
            out = f"cut{rc}"
            child = self.start("ttrl", config, "--out", str(self.dir / out))
            there = self.dir / out / "arms/b/checkpoints"
            wait_for(lambda: [p for p in there.glob("step_*") if p.name[5:].isdigit()])  # pylint: disable=cell-var-from-loop
            os.kill(child.pid, how)
            err = child.communicate()[1]
            self.assertEqual(child.returncode, rc, err)
            self.assertEqual(self.manifest(out)["tasks"]["arms/b"]["state"], "running")
            self.assertEqual(self.manifest(out)["runs"], ["arms/a", "evals/test/base", "evals/test/a"])
            if how == signal.SIGINT:
                text = err if isinstance(err, str) else err.decode()
                self.assertEqual(self.manifest(out)["state"], "interrupted")
                self.assertRegex(text, r"to go on: .* --resume")
            self.say(self.run_it("--resume", out=out, config=config), "goes on from")
            self.assertEqual((self.dir / out / "tables.md").read_text(), (self.dir / "whole/tables.md").read_text())
            self.assertEqual(self.weights(f"{out}/arms/b", 24), self.weights("whole/arms/b", 24))

    def test_guard(self):
        """An arm that a guard ends is evaluated as it is, and that is said; the others go on."""
        hard = self.file("hard.jsonl", [p for p in SUITE if p["meta"]["level"] == 5][:8])
        arms = {"guarded": {}, "unguarded": {"bounds": {"min_sure": 0}}}
        config = self.config(arms=arms, prompts=hard, suites={"hard": hard}, votes=4, steps=12)
        said = self.run_it(config=config)
        tasks = self.manifest()["tasks"]
        self.assertEqual((tasks["arms/guarded"]["state"], tasks["arms/unguarded"]["state"]), ("stopped", "done"))
        self.assertIn("\nguarded: stopped after step 10: the first votes were accidents", said.out)
        self.assertEqual([r["run"] for r in self.csv("evaluations.csv")], ["base", "guarded", "unguarded"])
        steps = {r["run"]: r["points"] for r in self.csv("training.csv") if r["metric"] == "train/majority_ratio"}
        self.assertEqual(steps, {"guarded": "10", "unguarded": "12"})
        self.assertEqual(self.run_it("--resume", config=config).out, said.out)  # it stays as the guard has left it

    def test_many_samples(self):
        """More of a problem than assay eval draws with one seed: with several."""
        suites = {"one": self.file("one.jsonl", PROMPTS[:1])}
        self.run_it("--quiet", arms={"a": {}}, steps=1, suites=suites, spec={"base_n": 1280})
        base = json.loads((self.dir / "exp/evals/one/base/summary.json").read_text())
        self.assertEqual((base["n"], base["seeds"], base["n_samples"]), (640, ["3", "4"], 1280))
        self.assertEqual([r["n"] for r in self.csv("evaluations.csv")], ["1280", "4"])

    def test_dry_run(self):
        said = self.run_it("--dry-run")
        self.assertIn("arm        leaked", said.err)
        self.assertFalse((self.dir / "exp").exists())
        self.say(self.assay("ttrl", self.config(arms={"a": {}, "b": {"lrr": 1}}), "--dry-run", rc=2), 'arm "b": ', 'key "lrr" unknown')

    def test_refused(self):
        for text, more in (('"arms"', {"arms": {}}), ("is no name for a folder", {"arms": {"../x": {}}}), ("is no name for a folder", {"arms": {"base": {}}}),
                           ("is no name for a folder", {"arms": {"a" * 41: {}}}), ('arm "a": not an object', {"arms": {"a": 1}}),
                           ('arm "a": "model" is the same', {"arms": {"a": {"model": "x"}}}), ('arm "a": "plugin" is the same', {"arms": {"a": {"plugin": "x"}}}),
                           ("vote or reference", {"arms": {"a": {"labels": "gold"}}}), ("vote or reference", {"arms": {"a": {"labels": 1}}}),
                           ('suite "x": the name of a file', {"suites": {"x": 1}}), ("is no name for a folder", {"suites": {"a b": "x"}}),
                           ('key "suite" unknown', {"spec": {"suite": {}}}), ('"experiment"', {"spec": {"n": 0}}), ("a multiple of them", {"spec": {"n": 1031}}),
                           ("a multiple of them", {"spec": {"base_n": 16379}}), ('"lora" has no place', {"lora": {}}), ('"model"', {"without": ("model",)}),
                           ('"plugin" is missing', {"without": ("plugin",)}), ('arm "a": "votes" 8 is less than "n" 16', {"arms": {"a": {"n": 16}}}),
                           ("remax", {"arms": {"a": {"algo": "remax"}}}), ("nowhere.jsonl", {"suites": {"x": "nowhere.jsonl"}})):
            with self.subTest(text=text, more=str(more)[:60]):
                self.say(self.run_it(rc=None, **more), text)
                self.assertFalse((self.dir / "exp/arms").exists())
        self.say(self.assay("ttrl", self.file("x.json", [{**COMMON, "experiment": 7}]), "--out", self.dir / "x", rc=2), "not an object")
        self.assay("ttrl", self.config(arms={"a": {"seed": None, "decay": "cosine"}}), "--out", self.dir / "x", "--dry-run")  # null: the default again
        self.say(self.assay("ttrl", self.config(), "--out", self.dir / "x", rc=2, env={"PATH": str(self.dir)}), "gnuplot")


if __name__ == "__main__":
    main()
