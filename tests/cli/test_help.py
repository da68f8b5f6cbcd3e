"""test_help.py -- help, manual pages and completion: made from one table, so each is tried for every command.

SPDX-License-Identifier: Apache-2.0
"""
import re
import shutil

from run_assay import *


class Help(AssayTest):
    def commands(self):
        text = self.assay("--help").out
        part = text[text.index("\ncommands:\n") + 11:]
        part = part[:part.index("\n\n")]
        found = [re.split(r"  +", line.strip(), maxsplit=1)[0] for line in part.splitlines()]
        self.assertGreaterEqual(len(found), 11)
        self.assertIn("verify", found)
        self.assertIn("plugin check", found)
        return found

    def test_every_command(self):
        for name in self.commands():
            text = self.assay(*name.split(), "--help").out
            self.assertEqual(text, self.assay("help", *name.split()).out)
            self.assertIn(f"usage: assay {name}", text)
            self.assertIn("\nexample:\n", text)
            self.assertRegex(text, r"(?m)^  130  interrupted")
            self.assertEqual([line for line in text.splitlines() if line != line.rstrip()], [])
            # every option names its variable, and the variable is made from both names
            for option in re.findall(r"(?m)^  (?:-\w, |    )--([\w-]+)", text):
                variable = "ASSAY_" + f"{name}_{option}".upper().replace("-", "_").replace(" ", "_")
                self.assertIn(f"[{variable}]", text)

    def test_overview_and_versions(self):
        self.assertEqual(self.assay("help").out, self.assay("-h").out)
        self.assertRegex(self.assay("--version").out, r"^assay \d+\.\d+\.\d+ \(plugin ABI \d+\.\d+\)\n$")
        self.assertEqual(self.assay("version").out, self.assay("-V").out)
        version = json.loads(self.assay("version", "--json").out)
        self.assertEqual(version["schema"], "assay.version/1")
        self.assertIn("sqlite", version["libraries"])
        self.say(self.assay(rc=2), "usage: assay COMMAND")
        self.say(self.assay("plugin", rc=2), "plugin check")
        self.assertIn("plugin check", self.assay("plugin", "--help").out)
        self.assertIn("plugin check", self.assay("help", "plugin").out)

    def test_unknown_words(self):
        self.say(self.assay("verfiy", rc=2), 'unknown command "verfiy"; did you mean "verify"?')
        self.say(self.assay("plugin", "chekc", rc=2), 'did you mean "plugin check"?')
        self.say(self.assay("xyzzyx", rc=2), "assay --help lists")
        self.say(self.assay("help", "pask", rc=2), 'did you mean "passk"?')
        self.say(self.assay("verify", "--pluign", "x", rc=2), "did you mean --plugin?")
        self.say(self.assay("completion", "tcsh", rc=2), "bash, zsh and fish")

    def test_help_to_a_full_disk(self):
        with open("/dev/full", "wb") as full:
            run = subprocess.run([str(BIN), "--help"], stdout=full, stderr=subprocess.PIPE, env=self.env)
        self.assertEqual(run.returncode, 7)
        self.assertIn(b"No space left", run.stderr)

    def test_examples_run(self):
        """The examples of the help, as they stand, in a folder that has what they name."""
        self.file("answers.jsonl", [{"id": f"{g}-{k}", "group": g, "completion": f"\\boxed{{{k % 2}}}", "reference": "1"}
                                    for g in range(20) for k in range(8)])
        self.file("prompts.jsonl", [{"id": k, "prompt": f"{k} + 1 ="} for k in range(3)])
        for name in ("countdown", "arith"):
            shutil.copytree(SOURCE / "examples/models" / name, self.dir / "examples/models" / name)
        shutil.copytree(SOURCE / "tests/golden/models/tiny_qwen2", self.dir / "models/qwen")
        rows = self.file("rows.jsonl", [{"prompt": f"{k} + 1 =", "completion": str(k + 1)} for k in range(3)])
        sft = {"algo": "sft", "model": "examples/models/countdown", "data": rows, "steps": 2, "max_len": 32}
        self.file("sft.json", [sft])
        self.file("lora.json", [dict(sft, lora={"r": 4})])
        stream = {"model": "examples/models/arith", "plugin": "math", "train_batch_size": 2, "votes": 4, "n": 2, "max_response_length": 24}
        self.file("stream.json", [stream])
        self.file("ttrl.json", [dict(stream, prompts="examples/models/arith/test.jsonl", steps=1)])
        for run in ("grpo", "dapo"):
            (self.dir / "runs" / run).mkdir(parents=True)
            self.file(f"runs/{run}/metrics.jsonl", [{"step": k, "loss": 1 / k} for k in (1, 2)])
        env = {"PATH": f"{BIN.parent}:{os.environ['PATH']}"}
        can_sandbox = self.assay("sandbox", "check", rc=None).returncode == 0
        ran = 0
        for name in self.commands():
            text = self.assay("help", *name.split()).out
            for line in re.search(r"\nexample:\n((?:  .*\n)+)", text).group(1).splitlines():
                line = line.strip()
                if "./" in line or "plugin new" in line or "man -l" in line or line.startswith("source"):
                    continue  # plugin check and new have tests of their own; man is tried below
                if line.startswith("assay doctor"):
                    continue  # tried in its own test: it may find something wrong with the machine
                if "assay sandbox" in line and not can_sandbox:
                    continue  # refused there, which test_sandbox.py looks at
                run = subprocess.run(["bash", "-o", "pipefail", "-c", line], env=dict(self.env, **env), cwd=self.dir,
                                     capture_output=True, timeout=120)
                self.assertEqual(run.returncode, 0, line + "\n" + run.stderr.decode())
                self.assertTrue(run.stdout or "--out" in line, line)
                ran += 1
        self.assertGreaterEqual(ran, 8)


class Pages(AssayTest):
    def test_man_pages(self):
        if not shutil.which("man") or not shutil.which("groff"):
            self.skipTest("man or groff is not installed")
        self.assay("help", "--man-all", "man")
        pages = sorted((self.dir / "man").glob("*.1"))
        self.assertGreaterEqual(len(pages), 12)
        self.assertIn("assay-plugin-check.1", [p.name for p in pages])
        for page in pages:
            run = subprocess.run(["man", "-l", "--warnings", str(page)], capture_output=True,
                                 env=dict(self.env, MANWIDTH="80", PAGER="cat"), timeout=60)
            self.assertEqual((run.returncode, run.stderr), (0, b""), page.name)
            self.assertIn(b"EXIT STATUS", run.stdout)
        one = self.assay("help", "--man", "verify").out
        self.assertEqual(one, (self.dir / "man" / "assay-verify.1").read_text())
        shown = subprocess.run(["man", "-l", str(self.dir / "man" / "assay-verify.1")], capture_output=True,
                               env=dict(self.env, MANWIDTH="200", PAGER="cat"), timeout=60).stdout.decode()
        self.assertIn("--max-unscored SHARE", shown)
        self.assertIn(r"'\frac12'", shown)  # backslashes and quotes survive


class Completion(AssayTest):
    def complete(self, *words):
        """What bash offers for the last word."""
        script = ("source <(\"$ASSAY\" completion bash) && compopt() { :; }\nCOMP_WORDS=(\"$@\")\n"
                  "COMP_CWORD=$((${#COMP_WORDS[@]}-1))\n_assay\nprintf '%s\\n' \"${COMPREPLY[@]}\"")
        run = subprocess.run(["bash", "-c", script, "bash", *words], capture_output=True, text=True, timeout=60,
                             env=dict(self.env, ASSAY=str(BIN)), cwd=self.dir)
        self.assertEqual((run.returncode, run.stderr), (0, ""))
        return run.stdout.split()

    def test_bash(self):
        run = subprocess.run(["bash", "-c", 'source <("$0" completion bash); complete -p assay', str(BIN)],
                             capture_output=True, text=True, env=self.env)
        self.assertEqual(run.stdout, "complete -F _assay assay\n")
        self.assertEqual(sorted(self.complete("assay", "ve")), ["verify", "version"])
        self.assertEqual(self.complete("assay", "plugin", "ch"), ["check"])
        self.assertIn("--max-unscored", self.complete("assay", "verify", "--m"))
        self.assertEqual(self.complete("assay", "verify", "--isolation", "w"), ["worker"])
        self.assertEqual(self.complete("assay", "completion", "f"), ["fish"])
        self.file("answers.jsonl", ["{}"])
        self.assertEqual(self.complete("assay", "verify", "--in", "ans"), ["answers.jsonl"])
        self.assertEqual(self.complete("assay", "verify", "--limit", ""), [])
        self.assertEqual(self.complete("assay", "plugin", "check", "ans"), ["answers.jsonl"])

    def test_zsh_and_fish(self):
        for shell in ("zsh", "fish"):
            text = self.assay("completion", shell).out
            self.assertIn("max-unscored", text)
            path = self.dir / f"script.{shell}"
            path.write_text(text)
            if shutil.which(shell):
                run = subprocess.run([shell, "-n", str(path)], capture_output=True, text=True, timeout=60)
                self.assertEqual((run.returncode, run.stderr), (0, ""))


class Doctor(AssayTest):
    def test_doctor(self):
        run = self.assay("doctor", rc=None)
        self.assertIn(run.returncode, (0, 1))
        self.assertRegex(run.out, r"(?m)^ok +worker +started in ")
        self.assertRegex(run.out, r"(?m)^(ok|off) +sandbox +level ")
        report = json.loads(self.assay("doctor", "--json", rc=None).out)
        self.assertEqual(report["schema"], "assay.doctor/1")
        self.assertEqual(run.returncode == 1, report["fail"] > 0)
        self.assertEqual(len(report["checks"]), sum(report[k] for k in ("ok", "degraded", "off", "fail")))
        states = {c["what"]: c for c in report["checks"]}
        self.assertEqual(states["cache"]["state"], "ok")
        self.assertRegex(states["cpu"]["detail"], r"models are computed by level (scalar|avx2|avx512(bf16)?|amx)$")
        scalar = self.assay("doctor", env={"ASSAY_CPU_LEVEL": "scalar"}, rc=None)
        self.assertRegex(scalar.out, r"(?m)^ok +cpu .* level scalar$")
        none = self.assay("doctor", env={"ASSAY_CPU_LEVEL": "none"}, rc=None)
        self.assertRegex(none.out, r'(?m)^degraded +cpu .*ASSAY_CPU_LEVEL is "none"')
        if states["cuda"]["state"] == "off":
            self.assertIn("device cuda", states["cuda"]["detail"])
            self.assertIn("--device cuda", states["cuda"]["cure"])

    def test_doctor_finds_what_is_wrong(self):
        (self.dir / "bad").mkdir()
        (self.dir / "bad" / "notes.so").write_text("these are notes\n")
        (self.dir / "cache").write_text("a file where a folder should be")
        run = self.assay("doctor", "--json", "--plugin-path", self.dir / "bad", rc=1)
        checks = json.loads(run.out)["checks"]
        wrong = [c for c in checks if c["state"] == "fail"]
        self.assertEqual(len(wrong), 1)
        self.assertIn("notes.so", wrong[0]["detail"])
        self.assertIn("cure", wrong[0])
        cache, = [c for c in checks if c["what"] == "cache"]
        self.assertEqual(cache["state"], "degraded")


if __name__ == "__main__":
    main()
