#!/usr/bin/env python3
"""test_cuda_rl.py -- what samples and learns over the emulated device (assay_emulated): assay train with rewards, ttrl and its streams,
eval. In f32 the responses are the CPU's and the figures near them; on cuda-exact a killed run ends at the same bits; the smallest device
that the plan allows is enough. Every access of every kernel is checked: a finding is exit code 99. SPDX-License-Identifier: Apache-2.0"""
import json
import math
import os
import pathlib
import re
import subprocess
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from run_assay import SOURCE, lines_of, main, wait_for  # noqa: E402
from train_rl import TINY, Base  # noqa: E402

EMULATED = pathlib.Path(os.environ["ASSAY_BUILD"]) / "assay_emulated"
BY_CUDA = 16  # MiB of the emulated device that are taken before there is a model
TENTH = 0.06  # MiB: what a printed tenth may hide, and the emulation's gaps
ARITH = SOURCE / "examples/models/arith"
SUITE = (ARITH / "test.jsonl").read_text().splitlines()
QWEN = str(TINY / "tiny_qwen2")
SMALL = {"algo": "grpo", "model": QWEN, "reward": 'format:{"tags":[],"max_bytes":8}', "steps": 2, "train_batch_size": 2, "n": 3,
         "max_response_length": 4, "lr": 3e-4, "micro_tokens": 64, "max_seqs": 8, "rollouts_every": 1, "rollouts_logged": 100}
TTRL = {"model": str(ARITH), "plugin": "math", "train_batch_size": 2, "votes": 4, "n": 2, "max_response_length": 12, "lr": 4e-4,
        "micro_tokens": 128, "max_seqs": 8, "rollouts_every": 1, "rollouts_logged": 100}
SCORED = {"plugin": "rm", "config": {"model": str(TINY / "tiny_reward")}}
CASES = {
    "a reference": {"use_kl_loss": True, "kl_coef": 0.1, "ppo_epochs": 2, "ppo_mini_batch_size": 1, "eval_every": 1, "eval_n": 2,
                    "steps": 1},
    "a critic": {"algo": "ppo", "n": 2, "use_kl_in_reward": True, "critic_lr": 1e-3, "holdout": [SCORED]},
    "a critic in the policy": {"algo": "ppo", "n": 2, "critic": "head", "recompute": "layer", "steps": 1},
    "a greedy baseline": {"algo": "remax", "n": 2, "steps": 1},
    "more prompts": {"algo": "dapo", "n": 2, "max_num_gen_batches": 3, "steps": 1},
    "an adapter": {"lora": {"r": 4}, "use_kl_loss": True, "lr": 3e-3, "n": 2},
    "a reward model that learns": {"rm": {"model": QWEN, "every": 1, "pairs": 4, "batch_size": 2, "lr": 1e-3}, "steps": 1},
}


class Emulated(Base):
    def assay(self, *args, **more):
        return super().assay(*args, **{"program": EMULATED, **more})

    def start(self, *args, **more):
        return super().start(*args, **{"program": EMULATED, **more})

    def config(self, of=None, **more):
        prompts = [{"id": f"p{k}", "prompt": f"{1 + k % 3} {2 + k % 5}=", "reference": str(k)} for k in range(8)]
        files = {"prompts": self.file("prompts.jsonl", prompts)} if of is None else {}
        if "eval_every" in more:
            files["eval_suite"] = self.file("suite.jsonl", prompts[:2])
        return self.file("rl.json", [dict(of or SMALL, **files, **more)])

    def kept(self, run, name):
        path = self.dir / run / f"{name}.jsonl"
        return path.read_bytes() if path.exists() else b""

    def near(self, run, other):
        """The same responses and rewards, and the same figures up to rounding."""
        self.assertEqual(self.kept(run, "rollouts"), self.kept(other, "rollouts"))
        for a, b in zip(self.metrics(run), self.metrics(other), strict=True):
            self.assertEqual(set(a), set(b))
            for key, value in a.items():
                self.assertTrue(math.isclose(value, b[key], rel_tol=1e-4, abs_tol=1e-6), (a["step"], key, value, b[key]))


class Learning(Emulated):
    def smallest(self, config):
        """Whole MiB of the smallest device that the plan allows, after it was refused on one where it has no room."""
        def refused(mib):
            run = self.assay("train", config, "--out", self.dir / "none", "--device", "cuda", env={"EMULATED_MIB": str(mib)}, rc=7)
            self.assertFalse((self.dir / "none").exists())
            self.say(run, f"the device's {mib}.0 MiB are taken", '"max_seqs"')
            return float(re.search(r"([0-9.]+) MiB are needed", run.err)[1])
        needed = refused(BY_CUDA + 1)
        self.assertEqual(refused(BY_CUDA + math.floor(needed - TENTH)), needed)
        return BY_CUDA + math.ceil(needed + TENTH)

    def test_each_kind(self):
        for kind, more in CASES.items():
            with self.subTest(kind):
                config = self.config(**more)
                self.train("cpu", "--force", "--quiet", config=config)
                mib = self.smallest(config)
                run = self.assay("train", config, "--out", self.dir / "cuda", "--force", "--device", "cuda-exact",
                                 env={"EMULATED_MIB": str(mib)})
                self.say(run, "in fp32 on cuda, MiB", f"the device has {mib}.0 MiB, of which {mib - BY_CUDA}.0 are unused")
                self.assertEqual(self.manifest("cuda")["config"]["device"], "cuda-exact")
                self.near("cuda", "cpu")
                first = self.metrics("cuda")[1 if "eval_every" in more else 0]
                self.assertGreater(first["actor/grad_norm"], 0)
                if "ppo_epochs" not in more:  # what training computes of a token is what was sampled: to the bit
                    self.assertEqual((first["actor/ratio_min"], first["actor/ratio_max"]), (1, 1))

    def test_by_cublaslt(self):
        """The default device, products by cuBLASLt's stand-in: near the CPU in f32; a run again, the same bits."""
        more = {"use_kl_loss": True, "ppo_epochs": 2, "ppo_mini_batch_size": 1, "steps": 1}
        env = {"EMULATED_CUBLASLT": "1"}
        self.train("cpu", "--quiet", **more)
        self.assay("train", self.config(device="cuda", **more), "--out", self.dir / "run", "--quiet", env=env)
        self.near("run", "cpu")
        for run in "ab":
            self.assay("train", self.config(device="cuda", dtype="bf16", **more), "--out", self.dir / run, "--quiet", env=env)
        self.assertEqual(self.weights("a", 1), self.weights("b", 1))
        self.assertEqual(self.metrics("a"), self.metrics("b"))

    def test_killed(self):
        """SIGKILL once there is a checkpoint; gone on with, the run ends as one that was left alone."""
        for dtype, more in (("bf16", {"algo": "ppo", "n": 2, "use_kl_in_reward": True, "critic_lr": 1e-3, "steps": 3}), ("f32", {"n": 2})):
            folders = ["critic"] if dtype == "bf16" else []
            whole, cut = f"whole-{dtype}", f"cut-{dtype}"
            config = self.config(device="cuda-exact", dtype=dtype, save_every=1, keep=0, **more)
            last = more.get("steps", 2)
            self.train(whole, config=config)
            child = self.start("train", config, "--out", str(self.dir / cut), "--progress", "none")
            wait_for(lambda: self.step(cut, 1).exists() or child.poll() is not None)
            child.kill()
            child.communicate()
            self.say(self.train(cut, "--resume", config=config), "goes on from")
            self.assertEqual(self.metrics(cut), self.metrics(whole))
            self.assertEqual(self.weights(cut, last, *folders), self.weights(whole, last, *folders))
            self.assertEqual(self.kept(cut, "rollouts"), self.kept(whole, "rollouts"))
        self.say(self.train(cut, "--resume", "--device", "cuda", config=config, rc=2), 'config.device: "cuda-exact" then, "cuda" now')

    def test_preferences(self):
        pairs = self.file("pairs.jsonl", [{"prompt": f"{k}+1=", "chosen": str(k + 1), "rejected": "no"} for k in range(4)])
        of = {"algo": "rm", "model": QWEN, "data": pairs, "eval_data": pairs, "steps": 2, "batch_size": 2, "max_len": 16, "micro_tokens": 64,
              "lr": 1e-3}
        for device in ("cpu", "cuda-exact"):
            self.train(device, "--quiet", "--device", device, config=self.config(of=of))
        self.near("cuda-exact", "cpu")
        self.assertIn("eval/accuracy", self.metrics("cuda-exact")[-1])

    def test_other_models_are_counted(self):
        """Where policy and rollouts alone would fit, and with what learns beside them they do not."""
        config = self.config(algo="ppo", n=2, use_kl_loss=True)
        for command in (("train", config), ("train", self.config(algo="ppo", n=2, use_kl_loss=True, device="cuda"))):
            device = ("--device", "cuda") if command[1] is config else ()
            run = self.assay(*command, *device, "--out", self.dir / "run", env={"EMULATED_MIB": str(BY_CUDA + 4)}, rc=7)
            self.say(run, "MiB are needed", ", other models ")
        self.assertFalse((self.dir / "run").exists())


class Voting(Emulated):
    def ttrl(self, run, *args, dtype="f32", prompts=SUITE[:4], **more):
        config = self.config(of=dict(TTRL, dtype=dtype, steps=2, prompts=self.file("prompts.jsonl", prompts)))
        return self.assay("ttrl", config, "--out", self.dir / run, *args, **more)

    def test_votes(self):
        self.ttrl("cpu", "--quiet")
        run = self.ttrl("cuda", "--device", "cuda-exact")
        self.say(run, "in fp32 on cuda, MiB", "the device has 256.0 MiB")
        self.assertEqual(self.manifest("cuda")["config"]["device"], "cuda-exact")
        self.near("cuda", "cpu")
        run = self.ttrl("none", "--device", "cuda", env={"EMULATED_MIB": str(BY_CUDA + 2)}, rc=7)
        self.say(run, "MiB are needed", '"max_seqs"')
        self.assertFalse((self.dir / "none").exists())

    def test_stream(self):
        """Answers are the CPU's; on cuda-exact they and the weights do not depend on what comes together, nor on a kill."""
        for dtype, devices in (("f32", ("cpu", "cuda")), ("bf16", ("cuda-exact",))):
            config = self.file(f"{dtype}.json", [dict(TTRL, dtype=dtype, bounds={"min_sure": 0})])
            for device in devices:
                run = self.assay("ttrl", config, "--stream", "--out", self.dir / device, "--device", device, "--quiet",
                                 stdin="".join(line + "\n" for line in SUITE[:2]).encode())
                self.assertEqual(run.stdout, self.kept(device, "answers"))
                self.assertEqual(len(lines_of(run.out)), 2)
        self.assertEqual(self.kept("cuda", "answers"), self.kept("cpu", "answers"))
        self.near("cuda", "cpu")
        words = ("ttrl", config, "--stream", "--out", str(self.dir / "cut"), "--device", "cuda-exact", "--progress", "none")
        child = self.start(*words, stdin=subprocess.PIPE)
        child.stdin.write(SUITE[0].encode() + b"\n")
        child.stdin.flush()
        self.assertEqual(child.stdout.readline(), self.kept("cuda-exact", "answers").splitlines(True)[0])
        child.kill()
        child.communicate()
        self.assay(*words, "--resume", stdin=SUITE[1].encode() + b"\n")
        self.assertEqual(self.kept("cut", "answers"), self.kept("cuda-exact", "answers"))
        self.assertEqual(self.metrics("cut"), self.metrics("cuda-exact"))
        self.assertEqual(self.weights("cut", 1), self.weights("cuda-exact", 1))


class Evaluating(Emulated):
    def eval(self, out, *args, **more):
        suite = self.file("suite.jsonl", SUITE[:3])
        return self.assay("eval", "--model", ARITH, "--suite", suite, "--plugin", "math", "--n", 2, "--max-tokens", 12, "--context", 64,
                          "--quiet", "--out", self.dir / out, *args, **more)

    def test_as_on_the_cpu(self):
        self.eval("cpu")
        self.eval("cuda", "--device", "cuda-exact")
        self.assertEqual(self.manifest("cuda")["config"]["device"], "cuda-exact")
        for name, close in (("samples", ("sum_logp", "entropy_mean")), ("scores", ("sum_logp", "entropy_mean", "ms"))):
            rows = [lines_of(self.kept(run, name).decode()) for run in ("cpu", "cuda")]
            self.assertEqual(len(rows[0]), 6)
            for a, b in zip(*rows, strict=True):
                self.assertEqual({k: v for k, v in a.items() if k not in close}, {k: v for k, v in b.items() if k not in close})
                for key in ("sum_logp", "entropy_mean"):
                    self.assertAlmostEqual(a[key], b[key], delta=1e-4 * abs(a[key]))
        self.say(self.eval("cuda", "--resume", rc=2), "config.device")

    def test_gone_on_with(self):
        """What was torn off is sampled again: the same bits, in bf16 too."""
        words = ("--device", "cuda-exact", "--dtype", "bf16")
        self.eval("run", *words)
        whole = self.kept("run", "samples")
        (self.dir / "run/samples.jsonl").write_bytes(b"".join(whole.splitlines(True)[:2]))
        (self.dir / "run/scores.jsonl").unlink()
        self.eval("run", *words, "--resume")
        self.assertEqual(self.kept("run", "samples"), whole)
        run = self.eval("none", "--device", "cuda", env={"EMULATED_MIB": str(BY_CUDA + 1)}, rc=7)
        self.say(run, "MiB are needed")
        self.assertFalse((self.dir / "none").exists())


if __name__ == "__main__":
    main()
