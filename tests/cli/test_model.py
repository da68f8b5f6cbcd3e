#!/usr/bin/env python3
"""test_model.py -- assay model info, export, import and merge: there and back with the same samples, what they refuse, nothing
half-written. SPDX-License-Identifier: Apache-2.0"""
import json
import shutil
import struct

from run_assay import SOURCE, AssayTest, main

MODELS = SOURCE / "tests/golden/models"
FAMILIES = ("tiny_qwen2", "tiny_llama", "tiny_qwen3")


def tensors(folder, name="model.safetensors"):
    """name: (type, shape, bytes) of a safetensors file."""
    data = (folder / name).read_bytes()
    size, = struct.unpack_from("<Q", data)
    header = json.loads(data[8:8 + size])
    return {name: (t["dtype"], t["shape"], data[8 + size:][slice(*t["data_offsets"])])
            for name, t in header.items() if name != "__metadata__"}


class Model(AssayTest):
    def samples(self, model):
        prompts = self.file("p.jsonl", [{"id": k, "prompt": text} for k, text in enumerate(("2+2=", "Hello", "x"))])
        run = self.assay("generate", "--model", model, "--prompts", prompts, "--temperature", 0, "--max-tokens", 12, "--token-ids")
        return [json.loads(line)["token_ids"] for line in run.out.splitlines()]

    def test_info(self):
        for family in FAMILIES:
            text = self.assay("model", "info", MODELS / family).out
            self.assertIn(f"{family.removeprefix('tiny_')}, a Hugging Face folder", text)
            self.assertIn("vocabulary  384 rows", text)
            about = json.loads(self.assay("model", "info", MODELS / family, "--json").out)
            self.assertEqual((about["schema"], about["layers"], about["d"], about["vocab"], about["weights"]),
                             ("assay.model_info/1", 2, 64, 384, "F32"))
            self.assertEqual(about["bytes"], 4 * about["parameters"])
            gguf = self.dir / f"{family}.gguf"
            self.assay("model", "export", "--model", MODELS / family, "--dtype", "f32", "--out", gguf)
            its = json.loads(self.assay("model", "info", gguf, "--json").out)
            for key in ("family", "parameters", "layers", "heads", "kv_heads", "head_dim", "d_ff", "vocab", "rope_theta"):
                self.assertEqual(its[key], about[key], key)
        self.say(self.assay("model", "info", rc=2), "one model is expected")
        self.say(self.assay("model", "info", self.dir, rc=None), "config.json")
        broken = self.dir / "broken"
        shutil.copytree(MODELS / "tiny_qwen2", broken)
        (broken / "model.safetensors").unlink()
        self.assertIn(self.assay("model", "info", broken, rc=None).returncode, (3, 7))

    def test_there_and_back(self):
        """F32 and Q8_0 come back as what they were; so do the likeliest tokens."""
        for family in FAMILIES:
            source, gguf, back = MODELS / family, self.dir / f"{family}.gguf", self.dir / family
            run = self.assay("model", "export", "--model", source, "--dtype", "f32", "--out", gguf, "--json")
            self.assertEqual(json.loads(run.out)["schema"], "assay.model_export/1")
            self.say(run, "parameters in F32")
            run = self.assay("model", "import", "--in", gguf, "--out", back, "--json")
            self.assertEqual(json.loads(run.out)["dtype"], "F32")
            self.assertEqual(tensors(back), tensors(source))
            self.assertEqual(self.samples(back), self.samples(source))

    def test_types(self):
        source, gguf = MODELS / "tiny_qwen3", self.dir / "m.gguf"
        size = {}
        for dtype, holds in (("f16", "F16"), ("bf16", "BF16"), ("q8_0", "F32")):
            self.assay("model", "export", "--model", source, "--dtype", dtype, "--out", gguf, "--force", "--quiet")
            size[dtype] = gguf.stat().st_size
            self.assay("model", "import", "--in", gguf, "--out", self.dir / dtype)
            self.assertEqual(tensors(self.dir / dtype)["model.layers.0.mlp.up_proj.weight"][0], holds)
        self.assertLess(size["q8_0"], size["f16"])
        self.assay("model", "import", "--in", gguf, "--out", self.dir / "narrow", "--dtype", "bf16")
        self.assertEqual(tensors(self.dir / "narrow")["model.norm.weight"][0], "BF16")

    def test_merge(self):
        """What an adapter has learned is in the merged folder, and nothing else has changed."""
        rows = [{"prompt": f"{a}+{b}=", "completion": str(a + b)} for a in range(5) for b in range(5)]
        config = {"algo": "sft", "model": str(MODELS / "tiny_qwen2"), "data": self.file("rows.jsonl", rows), "steps": 40,
                  "batch_size": 25, "lr": 0.02, "max_len": 32, "micro_tokens": 512, "lora": {"target_modules": "all-linear"}}
        self.assay("train", self.file("lora.json", [config]), "--out", self.dir / "run", "--quiet")
        adapter, merged = self.dir / "run/checkpoints/step_40", self.dir / "merged"
        run = self.assay("model", "merge", "--model", MODELS / "tiny_qwen2", "--adapter", adapter, "--out", merged)
        self.say(run, "98,880 parameters in F32")
        before, after = tensors(MODELS / "tiny_qwen2"), tensors(merged)
        changed = {name for name in before if before[name] != after[name]}
        self.assertEqual(changed, {name for name in before if "_proj.weight" in name})
        prompts = self.file("p.jsonl", [{"id": k, "prompt": row["prompt"]} for k, row in enumerate(rows)])
        said = self.assay("generate", "--model", merged, "--prompts", prompts, "--temperature", 0, "--max-tokens", 4).out
        right = sum(json.loads(line)["completion"] == row["completion"] for line, row in zip(said.splitlines(), rows))
        self.assertGreaterEqual(right, 20)
        self.say(self.assay("generate", "--model", adapter, "--prompts", prompts, rc=3), "holds a LoRA adapter", "model merge")
        self.say(self.assay("model", "merge", "--model", MODELS / "tiny_llama", "--adapter", MODELS, "--out", self.dir / "x", rc=None),
                 "adapter_config.json")
        self.say(self.assay("model", "merge", "--model", MODELS / "tiny_qwen3", "--adapter", adapter, "--out", self.dir / "x", rc=3),
                 "has not the shape")
        self.assertFalse((self.dir / "x").exists())

    def test_what_is_there(self):
        source, gguf, out = MODELS / "tiny_qwen2", self.dir / "m.gguf", self.dir / "out"
        self.assay("model", "export", "--model", source, "--out", gguf)
        whole = gguf.read_bytes()
        self.say(self.assay("model", "export", "--model", source, "--out", gguf, rc=2), "--force replaces it")
        self.say(self.assay("generate", "--model", gguf, "--prompts", "-", rc=3), "model import")
        self.assay("model", "import", "--in", gguf, "--out", out)
        self.say(self.assay("model", "import", "--in", gguf, "--out", out, rc=2), "is there and not empty")
        (out / "note.txt").write_text("mine")
        self.assay("model", "import", "--in", gguf, "--out", f"{out}/", "--force", "--dtype", "bf16")
        self.assertFalse((out / "note.txt").exists())
        self.assertEqual(tensors(out)["model.norm.weight"][0], "BF16")
        other = self.dir / "other"
        other.mkdir()
        (other / "thesis.txt").write_text("mine")
        self.say(self.assay("model", "import", "--in", gguf, "--out", other, "--force", rc=2), "is there and not empty")
        self.assertTrue((other / "thesis.txt").exists())
        gguf.write_bytes(whole[:-100])
        self.assertIn(self.assay("model", "import", "--in", gguf, "--out", out, "--force", rc=None).returncode, (3,))
        self.assertEqual(tensors(out)["model.norm.weight"][0], "BF16")  # as it was
        self.assertEqual(sorted(p.name for p in self.dir.iterdir() if p.name.startswith(("out", "other", "m."))), ["m.gguf", "other", "out"])

    def test_usage(self):
        for words, says in ((["export", "--out", "x"], "--model DIR"), (["export", "--model", "x"], "--out FILE"),
                            (["import", "--out", "x"], "--in FILE"), (["merge", "--model", "x"], "--adapter DIR"),
                            (["export", "--model", "x", "--out", "y", "--dtype", "q4"], "f32|f16|bf16|q8_0"),
                            (["exprot"], 'did you mean "model export"'), ([], "model merge")):
            self.say(self.assay("model", *words, rc=2), says)
        alone = self.dir / "alone"
        shutil.copytree(MODELS / "tiny_qwen2", alone)
        (alone / "tokenizer.json").unlink()
        self.say(self.assay("model", "export", "--model", alone, "--out", self.dir / "alone.gguf"), "has no tokenizer")
        tokenizer = json.loads((MODELS / "tiny_qwen2/tokenizer.json").read_text())
        tokenizer["pre_tokenizer"] = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": False, "use_regex": False}
        (alone / "tokenizer.json").write_text(json.dumps(tokenizer))  # which is none of llama.cpp's
        self.say(self.assay("model", "export", "--model", alone, "--out", self.dir / "o.gguf", rc=3), "pre-tokenizer")
        self.assertFalse((self.dir / "o.gguf").exists())
        self.assay("model", "export", "--model", alone, "--out", self.dir / "o.gguf", "--no-tokenizer", "--quiet")
        self.assertIsNone(json.loads(self.assay("model", "info", self.dir / "o.gguf", "--json").out)["tokens"])


if __name__ == "__main__":
    main()
