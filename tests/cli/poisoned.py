"""poisoned.py -- models whose numbers overflow, for tests of what is said then. SPDX-License-Identifier: Apache-2.0"""
import json
import shutil
import struct

from run_assay import SOURCE


class Weights:
    """The float weights of a tiny model's copy, to be changed in place."""

    def __init__(self, folder):
        self.file = folder / "model.safetensors"
        shutil.copytree(SOURCE / "tests/golden/models/tiny_llama", folder)
        self.data = bytearray(self.file.read_bytes())
        size, = struct.unpack_from("<Q", self.data)
        self.header, self.begin = json.loads(self.data[8:8 + size]), 8 + size

    def set_column(self, name, value):
        """The first of each row."""
        rows, columns = self.header[name]["shape"]
        for row in range(rows):
            struct.pack_into("<f", self.data, self.begin + self.header[name]["data_offsets"][0] + 4 * row * columns, value(row))

    def scale(self, name, factor):
        begin, end = (self.begin + at for at in self.header[name]["data_offsets"])
        layout = f"<{(end - begin) // 4}f"
        struct.pack_into(layout, self.data, begin, *(x * factor for x in struct.unpack_from(layout, self.data, begin)))

    def save(self):
        self.file.unlink() # it may be a link
        self.file.write_bytes(self.data)


def poisoned(folder):
    """A model whose attention overflows where the letter z is, and only there."""
    w = Weights(folder)
    z = json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]["z"]
    w.set_column("model.embed_tokens.weight", lambda row: 1.0 if row == z else 0.0)
    for part in "qk":
        w.set_column(f"model.layers.0.self_attn.{part}_proj.weight", lambda row: 3e19)
    w.save()
    return str(folder)


def steep(folder):
    """A model whose logits are as they were, and whose gradients overflow where an advantage is large."""
    w = Weights(folder)
    w.scale("model.norm.weight", 1 / 3e37)
    w.scale("lm_head.weight", 3e37)
    w.save()
    return str(folder)
