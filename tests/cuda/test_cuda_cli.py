#!/usr/bin/env python3
"""test_cuda_cli.py -- the command line with the emulated device in it (assay_emulated): --device cuda writes, scores and learns what
cpu does, what is batched with what does not show on cuda-exact, runs are gone on with, and what has no room is refused first.
Every access of every kernel is checked: a finding is exit code 99. SPDX-License-Identifier: Apache-2.0"""
import json
import os
import pathlib
import shutil
import sys

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "cli"))
from run_assay import SOURCE, AssayTest, lines_of, main  # noqa: E402

BIN = pathlib.Path(os.environ["ASSAY_BUILD"]) / "assay_emulated"
MODELS = SOURCE / "tests/golden/models"
PROMPTS = [{"id": "a", "prompt": "Hello"}, {"id": "b", "prompt": "1 + 1 ="}]
ROWS = [{"prompt": f"{a}+{b}=", "completion": str(a + b)} for a in range(3) for b in range(3)]


class Cuda(AssayTest):
    def cuda(self, *args, **more):
        return self.assay(*args, program=BIN, **more)

    def generate(self, *args, model=MODELS / "tiny_qwen2", device="cuda-exact", **more):
        prompts = self.file("prompts.jsonl", PROMPTS)
        run = self.cuda("generate", "--model", model, "--prompts", prompts, "--device", device, "--context", 64, "--max-tokens", 6,
                        "--quiet", *args, **more)
        return {(r["problem_id"], r["sample_idx"]): r for r in lines_of(run.out)}

    def test_generation(self):
        """The tokens of a sample are its own, whatever it is written beside; greedy ones are the CPU's."""
        for dtype in ("f32", "bf16"):
            words = ("--n", 3, "--seed", 4, "--token-ids", "--logprobs", "--dtype", dtype)
            all_at_once = self.generate(*words)
            self.assertEqual(len(all_at_once), 6)
            self.assertEqual(all_at_once, self.generate(*words))
            self.assertEqual(all_at_once, self.generate(*words, "--max-seqs", 1))
        greedy = ("--temperature", 0, "--token-ids")
        on_cpu, on_cuda = (self.generate(*greedy, device=device, model=MODELS / "tiny_llama") for device in ("cpu", "cuda"))
        for key, row in on_cpu.items():
            self.assertEqual(on_cuda[key]["token_ids"], row["token_ids"])
            self.assertAlmostEqual(on_cuda[key]["sum_logp"], row["sum_logp"], delta=1e-3)

    def test_perplexity(self):
        golden = json.loads((MODELS / "tiny_qwen3/golden.json").read_text())["prompts"][:2]
        texts = self.file("texts.jsonl", [{"id": k, "text": g["text"]} for k, g in enumerate(golden)])
        for dtype, near in (("f32", 2e-5), ("bf16", 0.15)):
            run = self.cuda("ppl", "--model", MODELS / "tiny_qwen3", "--in", texts, "--device", "cuda", "--dtype", dtype, "--context", 64,
                            "--batch-tokens", 32, "--quiet")
            for row, g in zip(lines_of(run.out), golden):
                self.assertAlmostEqual(row["sum_logp"], g["sum_logprob"], delta=near * row["n_tokens"])

    def test_doctor(self):
        run = self.cuda("doctor", rc=None, env={"EMULATED_MIB": "64"})
        self.assertRegex(run.out, r"(?m)^ok +cuda +--device cuda works; its memory 64 MiB, ")

    def config(self, name, **more):
        config = dict({"algo": "sft", "model": str(MODELS / "tiny_qwen2"), "data": self.file("rows.jsonl", ROWS), "steps": 4, "batch_size": 3,
                       "lr": 2e-3, "max_len": 16, "micro_tokens": 16, "device": "cuda", "save_every": 2}, **more)
        return self.file(name, [config])

    def losses(self, run):
        return [json.loads(line)["loss"] for line in (self.dir / run / "metrics.jsonl").read_text().splitlines()]

    def test_training(self):
        """As on the CPU, and gone on with to the bit."""
        for dtype, near in (("f32", 1e-4), ("bf16", 0.02)):
            run = self.cuda("train", self.config("c.json", dtype=dtype), "--out", self.dir / "run", "--force")
            self.say(run, "memory plan", "on cuda", "the device has 256.0 MiB")
            self.assertNotIn("activations in fp32", run.err)
            self.cuda("train", self.config("cpu.json", dtype=dtype, device="cpu"), "--out", self.dir / "cpu", "--force", "--quiet")
            for a, b in zip(self.losses("run"), self.losses("cpu")):
                self.assertAlmostEqual(a, b, delta=near * b)
            last = self.dir / "run/checkpoints/step_4"
            was = {name: (last / name).read_bytes() for name in ("model.safetensors", "optim.safetensors")}
            shutil.rmtree(last)
            self.cuda("train", self.config("c.json", dtype=dtype), "--out", self.dir / "run", "--resume", "--quiet")
            for name, data in was.items():
                self.assertEqual((last / name).read_bytes(), data)

    def test_no_room(self):
        """Nothing is read and nothing written: a device too small, and one that others have taken."""
        texts = self.file("texts.jsonl", [{"text": "a"}])
        prompts, long = self.file("prompts.jsonl", PROMPTS), self.file("long.jsonl", [{"text": "a b c d e f " * 15}] * 800)
        model = MODELS / "tiny_qwen2"
        small, taken = {"EMULATED_MIB": "20"}, {"EMULATED_MIB": "300", "EMULATED_TAKEN_MIB": "270"}
        for env, says in ((small, "the device is too small"), (taken, "MiB are taken")):
            for line in (("ppl", "--model", model, "--in", texts, "--batch-tokens", 10000),
                         ("generate", "--model", model, "--prompts", prompts, "--max-seqs", 5000),
                         ("train", self.config("c.json", data=long, micro_tokens=10000, batch_size=800, max_len=256), "--out",
                          self.dir / "run")):
                device = () if line[0] == "train" else ("--device", "cuda")
                self.say(self.cuda(*line, *device, env=env, rc=7), says, "MiB are needed")
        self.say(self.cuda("train", self.config("c.json", memory_mib=1), "--out", self.dir / "run", rc=7), "1.0 MiB are allowed")
        self.assertFalse((self.dir / "run").exists())
        run = self.cuda("generate", "--model", model, "--prompts", prompts, "--device", "cuda", "--max-seqs", 200, "--max-tokens", 2,
                        env={"EMULATED_MIB": "34"})
        self.say(run, "the device has room for", "blocks of keys and values")


if __name__ == "__main__":
    main()
