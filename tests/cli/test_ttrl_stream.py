#!/usr/bin/env python3
"""test_ttrl_stream.py -- assay ttrl --stream over the real binary and real pipes: each prompt is answered before the next one comes,
what is learned follows from the lines alone, a run that was killed loses nothing and says nothing twice.
SPDX-License-Identifier: Apache-2.0"""
import hashlib
import json
import resource
import signal
import subprocess

from run_assay import BIN, TEST_PLUGINS, main, wait_for
from test_ttrl import PROMPTS, SMALL, SUITE, Base

BATCH = SMALL["train_batch_size"]
# twice over in another order, so that some prompts come again, and of all levels
LINES = [json.dumps(p) for p in PROMPTS + PROMPTS[::-3] + SUITE[128:131] + PROMPTS[5:8]]  # 28: three steps and half a one
LAST = (len(LINES) + BATCH - 1) // BATCH
OWN = ("steps", "prompts")


def text(lines):
    return "".join(line + "\n" for line in lines).encode(errors="surrogateescape")


class Stream(Base):
    def config(self, name="stream.json", without=OWN, **more):
        config = dict(SMALL, **{"bounds": {"min_sure": 0}, **more})
        return self.file(name, [{k: v for k, v in config.items() if k not in without or k in more}])

    def stream(self, run, lines, *args, rc=0, config=None, **more):
        return self.assay("ttrl", config or self.config(**more), "--stream", "--out", self.dir / run, *args, stdin=text(lines), rc=rc)

    def begin(self, run, *args, config=None, **more):
        return self.start("ttrl", config or self.config(**more), "--stream", "--out", str(self.dir / run), "--progress", "none",
                          *map(str, args), stdin=subprocess.PIPE)

    @staticmethod
    def send(child, lines):
        child.stdin.write(text(lines))
        child.stdin.flush()

    @staticmethod
    def finish(child):
        """The end of its input: how it ends, and what it still has to say."""
        child.stdin.close()
        child.stdin = None
        out = child.communicate(timeout=120)[0]
        return child.returncode, out

    def kept(self, run, name="answers"):
        path = self.dir / run / f"{name}.jsonl"
        return path.read_bytes() if path.exists() else b""

    def weights(self, run, n):
        return [hashlib.sha256(data).hexdigest() for data in super().weights(run, n)]

    def answers(self, run):
        return [json.loads(line) for line in self.kept(run).splitlines()]

    def same(self, a, b, step=LAST):
        self.assertEqual(self.kept(a), self.kept(b))
        self.assertEqual(self.kept(a, "prompts"), self.kept(b, "prompts"))
        self.assertEqual(*[[list(row.items()) for row in self.metrics(run)] for run in (a, b)])  # in their order, too
        self.assertEqual(self.kept(a, "rollouts"), self.kept(b, "rollouts"))
        self.assertEqual(self.weights(a, step), self.weights(b, step))


class Answering(Stream):
    def test_as_over_a_file(self):
        """Where no prompt comes again, the run is the one over a file in its order: to the bit."""
        self.ttrl("file", config=self.config(steps=2, prompts=self.file("p.jsonl", PROMPTS), order="file"))
        run = self.stream("run", [json.dumps(p) for p in PROMPTS])
        self.assertEqual(self.weights("run", 2)[0], self.weights("file", 2)[0])
        self.assertEqual(self.kept("run", "rollouts"), self.kept("file", "rollouts"))
        rows = [{k: v for k, v in row.items() if not k.startswith("level/")} for row in self.metrics("run")]
        self.assertEqual(rows, [{k: v for k, v in row.items() if not k.startswith("level/")} for row in self.metrics("file")])
        self.say(run, "16 lines accepted: 16 answered", "prompts    as they come")

    def test_each_at_once(self):
        """Each prompt has its answer before the next one is sent, in the middle of a step too; and it is the answer, and the weights
        are those, of all lines at once."""
        config = self.config()
        whole = self.stream("whole", LINES, config=config)
        child = self.begin("run", config=config)
        for k, line in enumerate(LINES):
            self.send(child, [line, ""])  # a blank line is none, and nobody waits for what is behind it
            answer = json.loads(child.stdout.readline())
            self.assertEqual((answer["line"], answer["id"]), (k + 1, json.loads(line)["id"]))
            self.assertEqual(self.kept("run").count(b"\n"), k + 1)
        self.assertEqual(self.finish(child), (0, b""))
        self.same("run", "whole")
        self.assertEqual(whole.stdout, self.kept("whole"))
        self.assertEqual(self.kept("whole", "prompts"), text(LINES))

    def test_votes_in_waves(self):
        """What is drawn of a prompt does not depend on what is asked beside it; without a chance of error, nor do answers and weights."""
        few = {"votes": 32, "sequential": {"error": 0}}
        self.stream("all", LINES[:16], votes=32)
        self.stream("whole", LINES[:16], **few)
        child = self.begin("run", **few)
        for line in LINES[:16]:
            self.send(child, [line])
            child.stdout.readline()
        self.assertEqual(self.finish(child), (0, b""))
        self.same("run", "whole", 2)
        self.assertEqual(self.weights("run", 2)[0], self.weights("all", 2)[0])
        self.assertEqual(*[[(a["id"], a["answer"]) for a in self.answers(run)] for run in ("run", "all")])
        self.assertLess(sum(a["n"] for a in self.answers("run")), 16 * 32)
        self.assertEqual({a["n"] for a in self.answers("all")}, {32})

    def test_what_they_say(self):
        """The votes, from the rollouts, all of which are written here."""
        self.stream("run", LINES, n=8, rollouts_logged=1000)
        said = [json.loads(line) for line in self.kept("run", "rollouts").splitlines()]
        right = {p["id"]: p["reference"] for p in SUITE}
        again = 0
        for k, a in enumerate(self.answers("run")):
            self.assertEqual(a["step"], k // BATCH + 1)
            rows = said[k * 8:k * 8 + 8]
            texts = [r["completion"].split("####")[-1] for r in rows]
            counts = sorted((texts.count(t) for t in set(texts)), reverse=True) + [0]
            self.assertEqual([r["id"] for r in rows], [a["id"]] * 8)
            self.assertEqual((a["votes"], a["n"], a["runner_up"], a["classes"]), (counts[0], 8, counts[1], len(counts) - 1))
            self.assertEqual((a["votes"], a["confidence"]), (texts.count(a["answer"]), counts[0] / 8))
            self.assertEqual([r["score"] for r in rows], [float(t == a["answer"]) for t in texts])
            self.assertEqual(a["right"], a["answer"] == right[a["id"]])
            before = {x["id"]: x["answer"] for x in self.answers("run")[:k // BATCH * BATCH]}  # of the steps before
            self.assertEqual(a.get("flipped"), a["answer"] != before[a["id"]] if a["id"] in before else None)
            again += a["id"] in before
        self.assertGreater(again, 5)

    def test_no_winner(self):
        self.stream("run", LINES[:8], tie="none", votes=2, n=2)
        ties = [a for a in self.answers("run") if a["answer"] is None]
        self.assertTrue(0 < len(ties) < 8)
        for a in ties:
            self.assertEqual((a["reason"], a["votes"], a["confidence"], a["learned"]), ("the vote is a tie", 0, 0, False))
        self.assertEqual(self.metrics("run")[0]["train/no_label"], len(ties) / 8)
        fails = str(TEST_PLUGINS / 'sevenk.so:{"sin":"status","at":0}')
        for plugin, reason in (("choice", "no response has an answer"), (fails, "no response could be read")):
            run = self.stream("none", LINES[:8], "--force", plugin=plugin)
            self.assertEqual({a["reason"] for a in self.answers("none")}, {reason})
            self.say(run, "8 without an answer")

    def test_confidence(self):
        """A lead that may be an accident is said to be one, and teaches nothing; it is the answer all the same."""
        self.stream("run", LINES[:8], confidence=0.8)
        answers = self.answers("run")
        self.assertEqual([a["learned"] for a in answers], [a["chance"] <= 0.2 for a in answers])
        self.assertEqual(self.metrics("run")[0]["rollout/learned"], 4 * sum(a["learned"] for a in answers))
        self.assertTrue(all(a["answer"] for a in answers))
        self.assertTrue(0 < sum(a["learned"] for a in answers) < 8)

    def test_bad_lines(self):
        """Each is told of in its place; the others are answered, and learned from, as if they had not been."""
        bad = {1: "no json", 2: '{"id":"e","prompt":""}', 3: '{"prompt":"1+1"}', 8: '["id"]', 13: '{"id":7,"prompt":"' + "9" * 300 + '"}',
               14: '{"id":"\udcff","prompt":"1"}', 30: "{"}
        lines = list(LINES)
        for at in sorted(bad):
            lines.insert(at - 1, bad[at])
        run = self.stream("run", lines)
        self.stream("good", LINES)
        answers = self.answers("run")
        self.assertEqual([a["line"] for a in answers], list(range(1, len(lines) + 1)))
        wrong = {a["line"]: a for a in answers if "error" in a}
        self.assertEqual(set(wrong), set(bad))
        self.assertEqual({k: a["id"] for k, a in wrong.items()}, {1: None, 2: "e", 3: None, 8: None, 13: 7, 14: None, 30: None})
        self.assertIn("column 1", wrong[1]["error"])
        self.assertIn("empty", wrong[2]["error"])
        self.assertIn('"id" is missing', wrong[3]["error"])
        self.assertIn("tokens, of at most 232", wrong[13]["error"])  # beside a response, in 256 positions
        self.say(run, "35 lines accepted: 28 answered", "7 no prompts")
        self.assertEqual(self.weights("run", LAST)[0], self.weights("good", LAST)[0])
        self.assertEqual([dict(a, line=0) for a in answers if "error" not in a], [dict(a, line=0) for a in self.answers("good")])

    def test_a_line_without_an_end(self):
        """No prompt; what is behind it is answered, and a run that is gone on with knows it again."""
        lines = [*LINES[:4], "x" * (17 << 20), *LINES[4:8]]
        path = self.file("in.jsonl", lines)
        self.assay("ttrl", self.config(), "--stream", "--in", path, "--out", self.dir / "run")
        answers = self.answers("run")
        self.assertEqual([a.get("error") for a in answers], [None] * 4 + ["longer than 16 MiB"] + [None] * 4)
        self.assertLess(len(self.kept("run", "prompts")), 2000)
        again = self.assay("ttrl", self.config(), "--stream", "--in", path, "--out", self.dir / "run", "--resume")
        self.assertEqual(again.stdout, b"")

    def test_bad_lines_at_once(self):
        """Nobody waits for a good one to be told of a bad one."""
        child = self.begin("run")
        for k, line in enumerate(["no", LINES[0], "{}", "[]"]):
            self.send(child, [line])
            self.assertEqual(json.loads(child.stdout.readline())["line"], k + 1)
        self.assertEqual(self.finish(child), (0, b""))

    def test_references(self):
        """Random ones, none: the same weights, the same answers."""
        def changed(f):
            return [json.dumps({k: v for k, v in dict(json.loads(p), reference=f(i)).items() if v is not None}) for i, p in enumerate(LINES)]
        self.stream("true", LINES)
        self.stream("random", changed(lambda i: f"\\frac{{{i}}}{{7}} x{i * 7919 % 1000}"))
        self.stream("none", changed(lambda i: None))
        for run in ("random", "none"):
            self.assertEqual(self.weights(run, LAST)[0], self.weights("true", LAST)[0])
            blind = [[{k: v for k, v in a.items() if k != "right"} for a in self.answers(r)] for r in (run, "true")]
            self.assertEqual(*blind)
        self.assertFalse(any("right" in a for a in self.answers("none")))

    def test_one_id_twice(self):
        """In one step: other draws, another vote."""
        self.stream("run", [LINES[0]] * 4, n=8, rollouts_logged=1000)
        said = [json.loads(line)["completion"] for line in self.kept("run", "rollouts").splitlines()]
        self.assertEqual(len({tuple(said[k * 8:k * 8 + 8]) for k in range(4)}), 4)

    def test_steps(self):
        """The run ends with them, and tells how far it came; no prompt at all is no step."""
        run = self.stream("run", LINES, steps=2, decay="linear")
        self.assertEqual(self.kept("run"), run.stdout)
        self.assertEqual(len(self.answers("run")), 2 * BATCH)
        self.say(run, "16 lines accepted: 16 answered")
        for lines in ([], ["", " "]):
            run = self.stream("none", lines, "--force")
            self.assertEqual((run.stdout, self.metrics("none")), (b"", []))
            self.say(run, "0 lines accepted")

    def test_summary(self):
        """The last line of stdout."""
        run = self.stream("run", LINES[:8], "--json", "--quiet")
        lines = [json.loads(line) for line in run.stdout.splitlines()]
        self.assertEqual([line["schema"] for line in lines], ["assay.ttrl_answer/1"] * 8 + ["assay.train_summary/1"])
        self.assertEqual((lines[-1]["steps"], lines[-1]["answered"], lines[-1]["lines"]), (1, 8, 8))
        self.assertEqual(run.err, "")


class Resuming(Stream):
    def setUp(self):
        super().setUp()
        self.config_file = self.config(save_every=2, keep=0, tie="logp")  # steps that no checkpoint has are made again
        bad = list(LINES)
        bad.insert(10, "no json")
        self.lines = bad

    def cut(self, at):
        """SIGKILL once `at` lines are answered, of some more that were sent."""
        answered, accepted = (self.kept("run", name).count(b"\n") for name in ("answers", "prompts"))
        child = self.begin("run", "--resume", config=self.config_file)
        self.send(child, self.lines[accepted:at + 3])
        wait_for(lambda: self.kept("run").count(b"\n") >= at or child.poll() is not None)
        child.kill()
        out = child.communicate()[0]
        whole = self.kept("run")[:self.kept("run").rfind(b"\n") + 1]
        # what was sent had been written before, and nothing that an earlier process had written was sent again
        self.assertTrue(b"".join(whole.splitlines(True)[answered:]).startswith(out[:out.rfind(b"\n") + 1]))

    def test_killed(self):
        """Whenever: within a step, at its end, in a step that is made again."""
        self.stream("whole", self.lines, config=self.config_file)
        for at in (3, 9, 14, 20, 25):
            self.cut(at)
        answered, accepted = (self.kept("run", name).count(b"\n") for name in ("answers", "prompts"))
        run = self.stream("run", self.lines[accepted:], "--resume", config=self.config_file)
        self.say(run, f"{accepted} lines were accepted before", f"what comes is line {accepted + 1}")
        self.assertEqual(run.stdout, b"".join(self.kept("run").splitlines(True)[answered:]))
        self.same("run", "whole")

    def test_interrupted(self):
        """Ctrl-C while it waits: all is saved, and the line to go on with is said."""
        self.stream("whole", self.lines, config=self.config_file)
        child = self.begin("run", config=self.config_file)
        self.send(child, self.lines[:20])
        for _ in range(20):
            child.stdout.readline()
        wait_for(lambda: len(self.metrics("run")) == 2)  # it waits for the rest of the third step
        child.send_signal(signal.SIGINT)
        err = child.communicate()[1].decode()
        self.assertEqual(child.returncode, 130, err)
        for said in ("--resume", "20 lines accepted: 19 answered"):
            self.assertIn(said, err)
        self.assertEqual(json.loads((self.dir / "run/manifest.json").read_text())["state"], "interrupted")
        self.stream("run", self.lines[20:], "--resume", config=self.config_file)
        self.same("run", "whole")

    def test_torn_lines(self):
        """What a crash of the machine may leave: half a line in either file."""
        self.stream("whole", self.lines, config=self.config_file)
        self.cut(12)
        for name in ("prompts", "answers"):
            with open(self.dir / f"run/{name}.jsonl", "ab") as f:
                f.write(b'{"id":"torn')
        accepted = self.kept("run", "prompts").count(b"\n")
        self.stream("run", self.lines[accepted:], "--resume", config=self.config_file)
        self.same("run", "whole")

    def test_the_reader_is_gone(self):
        """Said, and nothing is lost: what could not be sent stands in the file."""
        self.stream("whole", self.lines, config=self.config_file)
        child = self.begin("run", config=self.config_file)
        self.send(child, self.lines[:17])
        for _ in range(17):
            child.stdout.readline()
        wait_for(lambda: len(self.metrics("run")) == 2)
        child.stdout.close()
        self.send(child, self.lines[17:18])
        err = child.stderr.read().decode()
        child.stdout = None
        self.assertEqual(child.wait(timeout=120), 3, err)
        self.assertIn("stdout: ", err)
        self.assertIn("answers.jsonl, and --resume goes on", err)
        self.assertEqual(self.kept("run").count(b"\n"), 18)
        self.stream("run", self.lines[18:], "--resume", config=self.config_file)
        self.same("run", "whole")

    def test_a_full_disk(self):
        """No room for another checkpoint: what was accepted is answered, or will be."""
        self.stream("whole", self.lines, config=self.config_file)

        def small_files():
            resource.setrlimit(resource.RLIMIT_FSIZE, (20000, 20000))
        run = self.assay("ttrl", self.config_file, "--stream", "--out", self.dir / "run", stdin=text(self.lines), rc=7,
                         preexec_fn=small_files)
        self.say(run, "File too large", "lines accepted")
        accepted = self.kept("run", "prompts").count(b"\n")
        self.assertTrue(0 < accepted < len(self.lines))
        self.stream("run", self.lines[accepted:], "--resume", config=self.config_file)
        self.same("run", "whole")

    def test_goes_on_after_its_end(self):
        """A stream that has ended may go on: its last step was a small one, and stays that."""
        self.stream("run", self.lines[:13], config=self.config_file)
        run = self.stream("run", self.lines[13:], "--resume", config=self.config_file)
        self.assertEqual(self.kept("run", "prompts"), text(self.lines))
        self.assertEqual([a["line"] for a in self.answers("run")], list(range(1, 30)))
        self.assertEqual([row["rollout/responses"] for row in self.metrics("run")], [64, 32, 64, 64])
        self.say(run, "13 lines were accepted before, 13 of them answered")
        again = self.stream("run", [], "--resume", config=self.config_file)
        self.assertEqual(again.stdout, b"")
        self.say(again, "all 4 were done already")

    def test_begun_anew(self):
        self.stream("run", self.lines, config=self.config_file)
        self.say(self.stream("run", LINES[:8], config=self.config_file, rc=2), "has a run already")
        self.stream("run", LINES[:8], "--force", config=self.config_file)
        self.assertEqual((len(self.answers("run")), self.kept("run", "prompts")), (8, text(LINES[:8])))

    def test_other_files(self):
        """Files that are not what the run left are refused, and so is another configuration."""
        self.stream("run", self.lines[:16], config=self.config_file)
        path = self.dir / "run/answers.jsonl"
        whole = path.read_bytes()
        path.write_bytes(b"".join(whole.splitlines(True)[:5]))
        self.say(self.stream("run", [], "--resume", config=self.config_file, rc=3), "answers.jsonl 5, and the checkpoint has learned from 16")
        path.write_bytes(whole.replace(b'"key"', b'"yek"'))
        self.say(self.stream("run", [], "--resume", config=self.config_file, rc=3), "answers.jsonl:1: not an answer of this run")
        path.write_bytes(whole)
        self.say(self.stream("run", [], "--resume", config=self.config("other.json", save_every=2, keep=0, tie="logp", votes=9), rc=2), "votes")


class Files(Stream):
    def follow(self, run, path, *args, **more):
        return self.start("ttrl", self.config(**more), "--stream", "--in", str(path), "--follow", "--out", str(self.dir / run),
                          "--progress", "none", *args)

    def test_a_file_that_grows(self):
        """Lines are answered as they are written; half a line waits, until its end or for the next run."""
        self.stream("whole", LINES)
        path = self.dir / "in.jsonl"
        path.write_bytes(b"")
        child = self.follow("run", path)
        with open(path, "ab", buffering=0) as out:
            for k in range(10):
                out.write(text(LINES[k:k + 1]))
                self.assertEqual(json.loads(child.stdout.readline())["line"], k + 1)
            half = text(LINES[10:11])
            out.write(half[:20])
            out.write(half[20:] + text(LINES[11:12])[:15])
            self.assertEqual(json.loads(child.stdout.readline())["line"], 11)
            child.send_signal(signal.SIGINT)
            err = child.communicate()[1].decode()
            self.assertEqual(child.returncode, 130, err)
            self.assertIn("--follow", err.split("to go on: ")[1])
            self.assertEqual(self.kept("run", "prompts"), text(LINES[:11]))
            out.write(text(LINES[11:])[15:])
        run = self.assay("ttrl", self.config(), "--stream", "--in", path, "--resume", "--out", self.dir / "run")
        self.say(run, "11 lines were accepted before")
        self.same("run", "whole")

    def test_nothing_comes(self):
        """--idle ends it, with a last small step; half a line was none."""
        path = self.dir / "in.jsonl"
        path.write_bytes(text(LINES[:11]) + b'{"id":"half')
        self.assay("ttrl", self.config(), "--stream", "--in", path, "--follow", "--idle", "0.2", "--out", self.dir / "run")
        self.assertEqual((len(self.answers("run")), len(self.metrics("run"))), (11, 2))
        child = self.begin("pipe", "--idle", "0.2")  # never closed by who writes
        self.send(child, LINES[:3])
        self.assertEqual(child.wait(timeout=120), 0)
        self.assertEqual(len(self.metrics("pipe")), 1)

    def test_gone_on_with(self):
        """A file is gone over as far as it was accepted, on stdin too; another one is refused."""
        path = self.file("in.jsonl", LINES[:20])
        self.stream("whole", LINES[:20])
        self.assay("ttrl", self.config(), "--stream", "--in", self.file("few.jsonl", LINES[:16]), "--out", self.dir / "few")
        more = self.assay("ttrl", self.config(), "--stream", "--in", path, "--resume", "--out", self.dir / "few")
        self.say(more, "16 lines were accepted before")
        self.same("few", "whole", 3)
        with open(path, "rb") as f:
            again = subprocess.run([str(BIN), "ttrl", self.config(), "--stream", "--resume", "--out",
                                    self.dir / "few"], stdin=f, capture_output=True, env=self.env, timeout=240)
        self.assertEqual((again.returncode, again.stdout), (0, b""), again.stderr)
        self.same("few", "whole", 3)
        for lines, says in ((LINES[:15], "has 15 lines, and the run has accepted 20"), (LINES[1:], "in2.jsonl:1: not line 1 of ")):
            run = self.assay("ttrl", self.config(), "--stream", "--in", self.file("in2.jsonl", lines), "--resume", "--out",
                             self.dir / "few", rc=3)
            self.say(run, says)

    def test_its_own_files(self):
        self.stream("run", LINES[:8])
        before = self.kept("run", "prompts")
        for args in ("--resume", "--force"):
            run = self.assay("ttrl", self.config(), "--stream", "--in", self.dir / "run/prompts.jsonl", args, "--out", self.dir / "run", rc=2)
            self.say(run, "a file that the run writes")
            self.assertEqual(self.kept("run", "prompts"), before)

    def test_packed(self):
        """What zcat would read is read."""
        import gzip
        (self.dir / "in.gz").write_bytes(gzip.compress(text(LINES)))
        self.assay("ttrl", self.config(), "--stream", "--in", self.dir / "in.gz", "--out", self.dir / "run")
        self.stream("whole", LINES)
        self.same("run", "whole")


class Configuring(Stream):
    def refused(self, says, *args, rc=2, **more):
        self.say(self.assay("ttrl", self.config(**more), "--out", self.dir / "run", *args, rc=rc), says)
        self.assertFalse((self.dir / "run").exists())

    def test_refusals(self):
        for args in (("--in", "x"), ("--follow",), ("--idle", "3")):
            self.refused("of --stream come from", *args)
        self.refused("--follow waits for more of a file", "--stream", "--follow")
        self.refused("--idle: a number of seconds", "--stream", "--idle", "0")
        self.refused('"prompts" has no place in assay ttrl --stream', "--stream", prompts="x.jsonl")
        self.refused('"order" has no place', "--stream", order="file")
        self.refused('"limit" has no place', "--stream", limit=3)
        self.refused('"zero_groups": resample', "--stream", algo="dapo")
        self.refused('"decay" needs an end', "--stream", decay="cosine")
        self.refused("micro_tokens", "--stream", micro_tokens=24)
        run = self.assay("ttrl", self.config(), "--stream", "--in", self.dir / "none.jsonl", "--out", self.dir / "other", rc=3)
        self.say(run, "none.jsonl")

    def test_dry(self):
        """Nothing is read, nothing written."""
        run = self.stream("run", ["no json"], "--dry-run")
        self.say(run, "prompts    as they come, of up to 232 tokens")
        self.assertFalse((self.dir / "run").exists())
        self.assertEqual(run.stdout, b"")


if __name__ == "__main__":
    main()
