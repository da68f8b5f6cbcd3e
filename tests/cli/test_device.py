#!/usr/bin/env python3
"""test_device.py -- --device and "device" where there is no GPU: libraries of kernels that are wrong, absent, or have no device
end with a sentence that names the library, and leave nothing behind. SPDX-License-Identifier: Apache-2.0"""
import shutil

from run_assay import BIN, SOURCE, AssayTest, main

MODEL = SOURCE / "tests/golden/models/tiny_qwen2"
LIBRARIES = BIN.parent / "tests/libraries"


class Device(AssayTest):
    def refused(self, library, *says, device="cuda"):
        prompts = self.file("p.jsonl", [{"id": 1, "prompt": "Hello", "text": "Hello"}])
        sft = {"algo": "sft", "model": str(MODEL), "data": prompts, "steps": 1}
        ttrl = {"model": str(MODEL), "plugin": "math", "prompts": prompts, "steps": 1, "train_batch_size": 1, "votes": 2, "n": 2}
        given, out = ("--device", device), ("--out", self.dir / "run")
        for line in (("generate", "--model", MODEL, "--prompts", prompts, *given), ("ppl", "--model", MODEL, "--in", prompts, *given),
                     ("eval", "--model", MODEL, "--suite", prompts, "--plugin", "math", *out, *given),
                     ("train", self.file("in_it.json", [dict(sft, device=device)]), *out),
                     ("train", self.file("over_it.json", [dict(sft, device="cpu")]), *out, *given),
                     ("ttrl", self.file("ttrl.json", [ttrl]), *out, *given)):
            env = {"ASSAY_CUDA_LIBRARY": str(library)} if library else {}
            self.say(self.assay(*line, rc=2, env=env), f"assay {line[0]}: ", "cpu", *says)
        self.assertFalse((self.dir / "run").exists())

    def test_wrong_libraries(self):
        for name, says in (("kernels_wrong1", "use the library of the same build"), ("kernels_wrong2", "same build"),
                           ("kernels_wrong3", "no library of kernels"), ("kernels_wrong4", "no device: the driver says 35")):
            self.refused(LIBRARIES / f"{name}.so", f"{name}.so", says)
        self.refused(LIBRARIES / "kernels_wrong3.so", "no library of kernels", device="cuda-exact")

    def test_absent(self):
        self.refused(self.dir / "no.so", "no.so", "ASSAY_CUDA_LIBRARY")
        self.refused("here.so", "here.so", "ASSAY_CUDA_LIBRARY")
        if not (BIN.parent / "libassay_cuda.so").exists():
            self.refused(None, "not in this build", "-DASSAY_CUDA=ON", "libassay_cuda.so", "ASSAY_CUDA_LIBRARY")

    def test_beside_the_program(self):
        """Also through the folder where libraries of ours are installed."""
        for place in ("bin/libassay_cuda.so", "lib/assay/libassay_cuda.so"):
            root = self.dir / place.replace("/", "-")
            for file, to in ((BIN, root / "bin/assay"), (LIBRARIES / "kernels_wrong4.so", root / place)):
                to.parent.mkdir(parents=True, exist_ok=True)
                shutil.copy(file, to)
            prompts = self.file("p.jsonl", [{"id": 1, "prompt": "Hello"}])
            run = self.assay("generate", "--model", MODEL, "--prompts", prompts, "--device", "cuda", rc=2,
                             program=root / "bin/assay")
            self.say(run, f"{root}/{place}: no device: the driver says 35")

    def test_words(self):
        for line in (("ppl", "--model", MODEL), ("train", "c.json"), ("ttrl", "c.json")):
            self.say(self.assay(*line, "--device", "gpu", rc=2), "cpu|naive|cuda|cuda-exact")


if __name__ == "__main__":
    main()
