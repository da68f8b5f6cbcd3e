#!/usr/bin/env python3
"""test_ttrl.py -- assay ttrl over the real binary: labels by vote teach, references teach nothing, a killed run ends as if nothing had
been, its figures add up, what it refuses. SPDX-License-Identifier: Apache-2.0"""
import json
import os
import signal

from run_assay import SOURCE, TEST_PLUGINS, AssayTest, main, wait_for

MODEL = SOURCE / "examples/models/arith"
SUITE = [json.loads(line) for line in (MODEL / "test.jsonl").read_text().splitlines()]
PROMPTS = SUITE[0:4] + SUITE[32:36] + SUITE[64:68] + SUITE[96:100]  # levels 1 to 4
SMALL = {"model": str(MODEL), "plugin": "math", "steps": 3, "train_batch_size": 8, "votes": 8, "n": 4, "max_response_length": 24,
         "lr": 4e-4, "micro_tokens": 1024, "rollouts_every": 1}
WATCHED = ("holdout/", "train/label_accuracy", "train/reward_accuracy", "train/ground_truth_ratio", "train/pass@", "train/post_reward",
           "train/post_ground", "train/post_pass@", "train/corrupted", "train/learned",
           *(f"level/{k}/{name}" for k in range(1, 5) for name in ("accuracy", "label_accuracy", "corrupted", "learned")))


class Base(AssayTest):
    def config(self, prompts=None, without=(), **more):
        data = self.file("prompts.jsonl", PROMPTS if prompts is None else prompts)
        config = dict(SMALL, **{"prompts": data, **more})
        return self.file("ttrl.json", [{k: v for k, v in config.items() if k not in without}])

    def ttrl(self, run, *args, rc=0, config=None, command="ttrl", **more):
        return self.assay(command, config or self.config(**more), "--out", self.dir / run, *args, rc=rc)

    def weights(self, run, n):
        folder = self.dir / run / "checkpoints" / f"step_{n}"
        return [(folder / name).read_bytes() for name in ("model.safetensors", "optim.safetensors")]

    def metrics(self, run):
        """The lines without what a clock says."""
        rows = [json.loads(line) for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]
        return [{k: v for k, v in row.items() if k not in ("time", "tokens_per_s") and not k.startswith("timing/")} for row in rows]


class Voting(Base):
    def test_it_learns(self):
        """Without a label the answers come to agree, and on what is right."""
        self.ttrl("run", prompts=PROMPTS[:8], steps=15, votes=32, n=16, lr=1e-3, use_kl_loss=True, kl_coef=0.005)
        rows = self.metrics("run")
        self.assertGreater(rows[-1]["train/majority_ratio"], rows[0]["train/majority_ratio"] + 0.2)
        self.assertGreater(rows[-1]["train/ground_truth_ratio"], rows[0]["train/ground_truth_ratio"] + 0.2)
        self.assertLess(rows[-1]["train/entropy"], rows[0]["train/entropy"])
        self.assertLess(rows[-1]["train/effective_votes"], rows[0]["train/effective_votes"])

    def test_as_the_verifier_majority(self):
        """Where all that vote are trained on, the run is that of assay train with the votes of the verifier `majority`: to the bit."""
        self.ttrl("vote", n=8)
        self.ttrl("verifier", command="train", without=("plugin", "votes"), n=8, algo="grpo",
                  reward={"plugin": "majority", "config": {"of": "math"}})
        self.assertEqual(self.weights("vote", 3)[0], self.weights("verifier", 3)[0])

    def test_each_algorithm(self):
        weights = {}
        for algo in ("ppo", "grpo", "dr_grpo", "rloo", "reinforce++", "reinforce++_baseline", "dapo", "gspo", "grpo_passk"):
            with self.subTest(algo):
                self.ttrl("run", "--force", algo=algo, steps=1)
                weights[algo] = self.weights("run", 1)[0]
        self.assertGreaterEqual(len(set(weights.values())), 7)

    def test_ties(self):
        """Of two votes that differ either may win, by its key, its place or its likelihood, or none does."""
        weights = set()
        for tie in ("key", "first", "logp", "none"):
            self.ttrl(tie, tie=tie, votes=2, n=2, steps=1)
            weights.add(self.weights(tie, 1)[0])
            row = self.metrics(tie)[0]
            (self.assertGreater if tie == "none" else self.assertEqual)(row["train/no_label"], 0)
            self.assertEqual(row["reward/unscored"], row["train/no_label"])
        self.assertEqual(len(weights), 4)

    def test_classes_and_strings(self):
        """A verifier whose answer is all that was said, and to which all of that is the same: in classes one answer, else many."""
        for vote in ("class", "string"):
            self.ttrl(vote, vote=vote, steps=1, plugin=str(TEST_PLUGINS / "sevenk.so"))
            row = self.metrics(vote)[0]
            (self.assertEqual if vote == "class" else self.assertLess)(row["train/majority_ratio"], 1)
            (self.assertEqual if vote == "class" else self.assertGreater)(row["train/effective_votes"], 1)
            self.assertEqual(row["train/majority_ratio"], row["reward/mean"])

    def test_equal_text(self):
        """4 and 04 are the same answer, and not the same text. Where it is hot, both are said."""
        for vote in ("class", "string"):
            self.ttrl(vote, vote=vote, steps=1, temperature=3, votes=64)
        answers = [self.metrics(vote)[0]["train/effective_votes"] for vote in ("class", "string")]
        self.assertLess(answers[0] + 0.1, answers[1])

    def test_unread(self):
        """Answers that the verifier failed to read are in no loss, and too many of them end the run."""
        fails = str(TEST_PLUGINS / 'sevenk.so:{"sin":"status","at":0}')  # at whatever is no number
        self.ttrl("run", steps=2, plugin=fails, bounds={"min_sure": 0})
        for row in self.metrics("run"):
            self.assertEqual((row["train/unread"], row["reward/unscored"], row["rollout/learned"]), (1, 1, 0))
            self.assertEqual(row["train/no_label"], 1)
        run = self.ttrl("all", "--max-unscored", "50%", steps=2, plugin=fails, rc=1)
        self.say(run, "the answers of 64 of 64 responses could not be read", '"max_unscored" 0.5')

    def test_confidence(self):
        """Leads that may be accidents teach nothing; the first half of the votes are trained on, all of them vote."""
        self.ttrl("all", steps=1)
        self.ttrl("some", steps=1, confidence=0.8)
        self.ttrl("none", steps=1, confidence=0.9999)
        unsure = [self.metrics(run)[0]["train/unsure"] for run in ("all", "some", "none")]
        self.assertEqual((unsure[0], unsure[2]), (0, 1))
        self.assertTrue(0 < unsure[1] < 1, unsure)
        self.assertEqual([self.metrics(run)[0]["rollout/learned"] for run in ("all", "some", "none")], [32, 32 * (1 - unsure[1]), 0])
        self.assertEqual({self.metrics(run)[0]["train/majority_ratio"] for run in ("some", "none")},
                         {self.metrics("all")[0]["train/majority_ratio"]})
        self.assertEqual(self.metrics("all")[0]["rollout/responses"], 64)

    def test_figures(self):
        """They follow from the rollouts, all of which are written here."""
        self.ttrl("run", n=8, rollouts_logged=1000)
        said = [json.loads(line) for line in (self.dir / "run/rollouts.jsonl").read_text().splitlines()]
        right = {p["id"]: int(p["reference"]) for p in PROMPTS}
        level = {p["id"]: p["meta"]["level"] for p in PROMPTS}
        for row in self.metrics("run"):
            mine = [s for s in said if s["step"] == row["step"]]
            ok = [s["completion"].split("####")[-1].isdigit() and int(s["completion"].split("####")[-1]) == right[s["id"]] for s in mine]
            near = self.assertAlmostEqual
            near(row["train/ground_truth_ratio"], sum(ok) / 64)
            near(row["train/majority_ratio"], sum(s["score"] for s in mine) / 64)
            near(row["train/reward_accuracy"], sum(o == s["score"] for o, s in zip(ok, mine)) / 64)
            near(row["train/label_accuracy"], len({s["id"] for o, s in zip(ok, mine) if o and s["score"]}) / 8)
            near(row["train/pass@8"], len({s["id"] for o, s in zip(ok, mine) if o}) / 8)
            for lv in {level[s["id"]] for s in mine}:
                here = [o for o, s in zip(ok, mine) if level[s["id"]] == lv]
                near(row[f"level/{lv}/accuracy"], sum(here) / len(here))
                near(row[f"level/{lv}/response_length"],
                     sum(s["n_tokens"] for s in mine if level[s["id"]] == lv) / len(here))
                near(row[f"level/{lv}/majority_ratio"], sum(s["score"] for s in mine if level[s["id"]] == lv) / len(here))
                ids = {s["id"] for s in mine if level[s["id"]] == lv}
                near(row[f"level/{lv}/label_accuracy"], len({s["id"] for o, s in zip(ok, mine) if o and s["score"]} & ids) / len(ids))
            voted = {lv: len({s["id"] for s in mine if level[s["id"]] == lv}) for lv in level.values()}
            near(row["train/effective_votes"], sum(n * row[f"level/{lv}/effective_votes"] for lv, n in voted.items() if n) / 8)
            near(row["train/post_entropy"], row["train/entropy"])

    def test_figures_of_those_that_are_kept(self):
        """The first of each prompt, with the rewards that all have voted for."""
        self.ttrl("all", n=8, rollouts_logged=1000, steps=1)
        self.ttrl("run", rollouts_logged=1000, steps=1)
        right = {p["id"]: int(p["reference"]) for p in PROMPTS}
        every, said = ([json.loads(line) for line in (self.dir / run / "rollouts.jsonl").read_text().splitlines()]
                       for run in ("all", "run"))
        self.assertEqual(said, [s for s in every if s["sample_idx"] < 4])
        ok = [s["completion"].split("####")[-1].isdigit() and int(s["completion"].split("####")[-1]) == right[s["id"]] for s in said]
        row, whole = self.metrics("run")[0], self.metrics("all")[0]
        self.assertAlmostEqual(row["train/post_ground_truth_ratio"], sum(ok) / 32)
        self.assertAlmostEqual(row["train/post_reward_accuracy"], sum(o == s["score"] for o, s in zip(ok, said)) / 32)
        self.assertAlmostEqual(row["train/post_pass@4"], len({s["id"] for o, s in zip(ok, said) if o}) / 8)
        self.assertNotEqual(row["train/post_entropy"], row["train/entropy"])
        self.assertAlmostEqual(row["train/post_entropy"], row["actor/entropy"])
        for name in ("majority_ratio", "label_accuracy", "reward_accuracy", "ground_truth_ratio", "entropy", "effective_votes"):
            self.assertEqual(row[f"train/{name}"], whole[f"train/{name}"])

    def test_what_changes(self):
        """Labels that flip, learned and corrupted, from the labels of the rollouts."""
        self.ttrl("run", votes=4, n=4, steps=6, train_batch_size=16, lr=2e-3, rollouts_logged=1000)
        said = [json.loads(line) for line in (self.dir / "run/rollouts.jsonl").read_text().splitlines()]
        right = {p["id"]: int(p["reference"]) for p in PROMPTS}
        level = {p["id"]: p["meta"]["level"] for p in PROMPTS}
        first, newest, moved = {}, {}, False
        for row in self.metrics("run"):
            now = {s["id"]: int(s["completion"].split("####")[-1]) for s in said if s["step"] == row["step"] and s["score"] == 1}
            flips = [newest[p] != label for p, label in now.items() if p in newest]
            for lv in level.values():
                here = [newest[p] != label for p, label in now.items() if p in newest and level[p] == lv]
                self.assertEqual(f"level/{lv}/label_flip_rate" in row, bool(here))
                if here:
                    self.assertAlmostEqual(row[f"level/{lv}/label_flip_rate"], sum(here) / len(here))
            newest.update(now)
            first = {**newest, **first}
            if flips:
                self.assertAlmostEqual(row["train/label_flip_rate"], sum(flips) / len(flips))
            moved = moved or any(flips)
            self.assertAlmostEqual(row["train/label_drift"], sum(first[p] != newest[p] for p in first) / len(first))
            self.assertEqual(row["train/learned"], sum(first[p] != right[p] == newest[p] for p in first))
            self.assertEqual(row["train/corrupted"], sum(first[p] == right[p] != newest[p] for p in first))
            for lv in level.values():
                here = [p for p in first if level[p] == lv]
                self.assertEqual(row[f"level/{lv}/learned"], sum(first[p] != right[p] == newest[p] for p in here))
                self.assertEqual(row[f"level/{lv}/corrupted"], sum(first[p] == right[p] != newest[p] for p in here))
        self.assertTrue(moved)


def chance_of_change(a, b, n, left):
    """As ttrl/label.h has it, by going through an urn."""
    def urn(ahead, behind, lead, draws):
        if lead > draws or draws == 0:
            return float(lead <= 0)
        return (ahead * urn(ahead + 1, behind, lead + 1, draws - 1) + behind * urn(ahead, behind + 1, lead - 1, draws - 1)) / (
            ahead + behind)
    return urn(a + 1, b + 1, a - b, -(-left * (a + b + 2) // (n + 3)))


class Sequential(Base):
    EASY = [p for p in SUITE if p["meta"]["level"] == 1][:16]
    MORE = {"prompts": EASY, "votes": 16, "n": 4}

    def answers(self, run):
        """Of the first step, by prompt."""
        found = {}
        for line in (self.dir / run / "rollouts.jsonl").read_text().splitlines():
            s = json.loads(line)
            if s["step"] == 1:
                found.setdefault(s["id"], []).append(s["completion"].split("####")[-1])
        return found

    @staticmethod
    def drawn(answers, enough):
        """Votes of a prompt until that is true of (leader, second, drawn, left); n 4, waves of 3."""
        n = 4
        while n < len(answers):
            counts = sorted((answers[:n].count(a) for a in set(answers[:n]) if a.isdigit()), reverse=True) + [0, 0]
            if enough(counts[0], counts[1], n, len(answers) - n):
                break
            n = min(n + 3, len(answers))
        return n

    def test_what_is_drawn(self):
        """As the rule has it of the votes there would have been."""
        self.ttrl("all", prompts=self.EASY, votes=16, n=16, steps=1, rollouts_logged=1000)
        answers = self.answers("all")
        rules = {0: lambda a, b, n, left: a - b > left, 0.1: lambda *x: x[0] > x[1] and chance_of_change(*x) <= 0.1}
        shares = []
        for error, rule in rules.items():
            self.ttrl("run", "--force", steps=1, sequential={"error": error, "wave": 3}, rollouts_logged=1000, **self.MORE)
            row, drawn = self.metrics("run")[0], [self.drawn(a, rule) for a in answers.values()]
            self.assertEqual(row["rollout/responses"], sum(drawn))
            self.assertAlmostEqual(row["train/votes_drawn"], sum(drawn) / 8)
            self.assertAlmostEqual(row["train/votes_saved"], 1 - sum(drawn) / 128)
            self.assertEqual(self.answers("run"), {p: a[:4] for p, a in answers.items()})
            shares.append(row["train/votes_saved"])
            self.assertNotIn("train/pass@16", row)
        self.assertTrue(0 < shares[0] < shares[1] <= 0.75, shares)

    def test_sure(self):
        """Where what is not drawn cannot change a label, what is learned is the same to the bit: with each tie rule, with gating."""
        for more in ({}, {"tie": "none", "confidence": 0.8}, {"tie": "logp", "algo": "dapo", "gen_batch_size": 8},
                     {"tie": "first", "vote": "string"}):
            with self.subTest(more):
                more = {**self.MORE, "train_batch_size": 4 if "algo" in more else 8, **more}
                self.ttrl("all", "--force", **more)
                run = self.ttrl("run", "--force", sequential={"error": 0, "wave": 1}, **more)
                self.assertEqual(self.weights("run", 3)[0], self.weights("all", 3)[0])
                self.assertEqual((self.dir / "run/rollouts.jsonl").read_bytes(), (self.dir / "all/rollouts.jsonl").read_bytes())
                rows = self.metrics("run")
                saved = sum(r["train/votes_saved"] for r in rows) / len(rows)
                self.assertGreater(saved, 0)
                self.say(run, "vote of up to 16 responses")
                for row, whole in zip(rows, self.metrics("all")):
                    for name in ("train/label_accuracy", "train/label_drift", "train/no_label", "train/unsure", "rollout/learned"):
                        self.assertEqual(row[name], whole[name], name)

    def test_unread(self):
        """What the verifier failed to read is no vote: all are drawn, and too many of them end the run."""
        fails = str(TEST_PLUGINS / 'sevenk.so:{"sin":"status","at":0}')
        run = self.ttrl("run", "--max-unscored", "50%", plugin=fails, sequential={}, rc=1, **self.MORE)
        self.say(run, "the answers of 128 of 128 responses could not be read")

    def test_killed_and_gone_on_with(self):
        """To the bit, and with all that was saved counted."""
        config = self.config(steps=24, save_every=2, keep=0, sequential={"error": 0.2, "wave": 2}, **self.MORE)
        whole = self.ttrl("whole", config=config)
        child = self.start("ttrl", config, "--out", str(self.dir / "run"), "--progress", "none")
        wait_for(lambda: (self.dir / "run/checkpoints/step_8").exists())
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        run = self.ttrl("run", "--resume", config=config)
        self.assertEqual(self.weights("run", 24), self.weights("whole", 24))
        self.assertEqual(self.metrics("run"), self.metrics("whole"))
        drawn = sum(row["rollout/responses"] for row in self.metrics("whole"))
        all_ = 24 * 8 * 16
        for done in (whole, run):
            self.say(done, f"votes  {100 * (all_ - drawn) / all_:.1f} % of {all_} were not needed and not drawn")


class Ending(Base):
    def test_accidents(self):
        """Four votes on a hard sum: no winner leads by more than chance."""
        hard = [p for p in SUITE if p["meta"]["level"] == 5][:16]
        run = self.ttrl("run", prompts=hard, steps=20, votes=4, n=4, rc=1)
        self.say(run, "stopped after step 10: the first votes were accidents", '"bounds"')
        self.assertEqual(len(self.metrics("run")), 10)
        self.assertLess(self.metrics("run")[0]["train/sure"], 0.2)
        self.ttrl("on", prompts=hard, steps=12, votes=4, n=4, bounds={"min_sure": 0})

    def test_drift(self):
        """A rate that is too high: labels move away from the first ones while agreement rises. (One that is four times as high may leave
        no answers at all, by chance.)"""
        run = self.ttrl("run", steps=60, lr=5e-3, votes=8, n=8, train_batch_size=16, bounds={"min_sure": 0, "patience": 3}, rc=1)
        self.say(run, "but on others than at first")
        rows = self.metrics("run")
        self.assertLess(len(rows), 60)
        self.assertTrue(all(row["train/label_drift"] > 0.5 for row in rows[-3:]), rows[-1])

    def test_settled(self):
        """Short sums, of which little is left to learn."""
        easy = [p for p in SUITE if p["meta"]["level"] == 1][:4]
        bounds = {"settled_ratio": 0.6, "patience": 2}
        run = self.ttrl("run", prompts=easy, steps=60, votes=32, n=16, train_batch_size=4, bounds=bounds)
        self.say(run, "assay ttrl: done after step")
        rows = self.metrics("run")
        self.assertLess(len(rows), 60)
        self.assertTrue(all(r["train/majority_ratio"] >= 0.6 and r["train/label_flip_rate"] == 0 for r in rows[-2:]))

    def test_best_checkpoint(self):
        """The one that most agrees with the first labels stays, beside the newest."""
        self.ttrl("run", steps=12, save_every=2, keep=1, votes=8, n=8, lr=2e-2, train_batch_size=16, bounds={"min_sure": 0})
        agreement = {row["step"]: row["train/agreement"] for row in self.metrics("run") if row["step"] % 2 == 0}
        best = min(step for step, a in agreement.items() if a == max(agreement.values()))
        kept = {p.name for p in (self.dir / "run/checkpoints").iterdir()}
        self.assertEqual(kept, {"step_12", f"step_{best}"})


class References(Base):
    def test_they_teach_nothing(self):
        """Random ones, none: the same weights and the same figures, but for those that are watched."""
        def changed(f):
            return [{k: v for k, v in dict(p, reference=f(i)).items() if v is not None} for i, p in enumerate(PROMPTS)]

        def blind(run):
            return [{k: v for k, v in row.items() if not k.startswith(WATCHED)} for row in self.metrics(run)]
        self.ttrl("true")
        self.ttrl("random", prompts=changed(lambda i: f"\\frac{{{i}}}{{7}} x{i * 7919 % 1000}"))
        self.ttrl("none", prompts=changed(lambda i: None))
        for run in ("random", "none"):
            self.assertEqual(self.weights(run, 3)[0], self.weights("true", 3)[0])
            self.assertEqual(blind(run), blind("true"))
            self.assertEqual((self.dir / run / "rollouts.jsonl").read_bytes(), (self.dir / "true/rollouts.jsonl").read_bytes())
        self.assertGreater(self.metrics("true")[0]["train/label_accuracy"], 0)
        self.assertNotIn("train/label_accuracy", self.metrics("none")[0])
        self.assertNotIn("train/corrupted", self.metrics("none")[0])


class Resuming(Base):
    def test_killed_and_gone_on_with(self):
        """With what the guard has counted: both end at the same step."""
        config = self.config(steps=200, votes=8, n=4, train_batch_size=16, save_every=2, keep=0, tie="logp", lr=2e-2,
                             bounds={"min_sure": 0, "patience": 12})
        self.ttrl("whole", config=config, rc=1)
        last = len(self.metrics("whole"))
        self.assertTrue(20 < last < 200)
        child = self.start("ttrl", config, "--out", str(self.dir / "run"), "--progress", "none")
        wait_for(lambda: (self.dir / "run/checkpoints/step_8").exists())
        os.kill(child.pid, signal.SIGKILL)
        child.communicate()
        self.ttrl("run", "--resume", config=config, rc=1)
        self.assertEqual(self.weights("run", last), self.weights("whole", last))
        self.assertEqual(self.metrics("run"), self.metrics("whole"))
        self.assertEqual((self.dir / "run/rollouts.jsonl").read_bytes(), (self.dir / "whole/rollouts.jsonl").read_bytes())


class Configuring(Base):
    def refused(self, says, without=(), **more):
        self.say(self.ttrl("run", rc=2, without=without, **more), says)
        self.assertFalse((self.dir / "run").exists())

    def test_refusals(self):
        self.refused('"plugin" is missing', without=("plugin",))
        self.refused('"plugin": one verifier is allowed', plugin=["math"])
        self.refused("has no answers that could vote", plugin='format:{"tags":[],"max_bytes":7}')
        self.refused('"votes" 8 is less than "n" 9', n=9)
        self.refused('"reward" has no place', reward="math")
        self.refused("remax", algo="remax", n=1)
        self.refused('"vote": "classes"', vote="classes")
        self.refused('"tie"', tie="coin")
        self.refused('"votes": 0', votes=0)
        self.refused('key "vots" unknown', vots=3)
        self.refused('"bounds"', bounds={"max_drift": 2})
        self.refused('"bounds"', bounds={"max_drfit": 1})
        self.refused('"sequential"', sequential=True)
        self.refused('"sequential": key "eror" unknown', sequential={"eror": 0.1})
        self.refused('"error": 0.6', sequential={"error": 0.6})
        self.refused('"wave": 0', sequential={"wave": 0})

    def test_the_example(self):
        """Its keys are all known, and two small steps of it go well."""
        config = json.loads((SOURCE / "examples/ttrl_tiny/config.json").read_text())
        config.update(model=str(MODEL), prompts=str(MODEL / "test.jsonl"), steps=2, train_batch_size=4, votes=8, n=4)
        self.ttrl("run", config=self.file("example.json", [config]))
        self.assertEqual(len(self.metrics("run")), 2)

    def test_presets(self):
        """The paper's values, for every algorithm; the upper bound takes them, too."""
        for preset, steps, batch in (("ttrl-aime", 240, 8), ("ttrl-amc", 300, 8), ("ttrl-math500", 150, 32)):
            prompts = SUITE[:40]
            run = self.ttrl("run", "--dry-run", prompts=prompts, preset=preset, max_response_length=24, train_batch_size=batch,
                            without=("steps", "votes", "n", "lr", "micro_tokens"))
            self.say(run, f"{steps} steps", f"{batch} prompts x 32", "vote of 64 responses", "mini-batches of 1 prompts")
        self.ttrl("run", "--dry-run", preset="ttrl-amc", algo="ppo")
        run = self.ttrl("run", "--dry-run", command="train", preset="ttrl-amc", algo="grpo", reward="math", without=("plugin", "votes", "n"))
        self.say(run, "8 prompts x 32")


if __name__ == "__main__":
    main()
