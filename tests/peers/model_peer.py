"""tests/peers/model_peer.py -- build/../model_peer, and what the comparisons of files share. SPDX-License-Identifier: Apache-2.0"""
import os
import pathlib
import subprocess
import sys

SOURCE = pathlib.Path(__file__).resolve().parent.parent.parent
TINY = SOURCE / "tests/golden/models"
FAMILIES = ("tiny_qwen2", "tiny_llama", "tiny_qwen3")
os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false")


def ours(*args, fails=False, out=False):
    binary = pathlib.Path(os.environ.get("ASSAY_BUILD", SOURCE / "build" / "dev")) / "model_peer"
    done = subprocess.run([str(binary), *map(str, args)], capture_output=True, text=True)
    if (done.returncode != 0) != fails:
        sys.exit(f"model_peer {' '.join(map(str, args))}: {done.returncode}\n{done.stderr}")
    return done.stdout if out else done.stderr


def check(holds, what):
    if not holds:
        sys.exit(f"does not hold: {what}")


def skip(name, why):
    print(f"SKIP {name}: {why}")
    sys.exit(77)


def same_bits(a, b):
    """Two torch tensors of the same type, bit for bit."""
    import torch
    kinds = {torch.float32: torch.int32, torch.bfloat16: torch.int16, torch.float16: torch.int16}
    return a.dtype == b.dtype and a.shape == b.shape and torch.equal(a.contiguous().view(kinds[a.dtype]),
                                                                      b.contiguous().view(kinds[b.dtype]))
