#!/usr/bin/env python3
"""GGUF against the gguf package and llama-cpp-python: our files hold what the package makes of the same weights, to the bit;
llama.cpp tokenises as we do and gives the same greedy tokens; what the package writes we read. SPDX-License-Identifier: Apache-2.0"""
import json
import pathlib
import tempfile

from model_peer import FAMILIES, TINY, check, ours, skip

try:
    import gguf
    import numpy as np
    from llama_cpp import Llama, llama_cpp, llama_get_logits_ith
    from safetensors.numpy import load_file
    from transformers import AutoTokenizer
except ImportError as e:
    skip("gguf", str(e))

KINDS = {"F32": gguf.GGMLQuantizationType.F32, "F16": gguf.GGMLQuantizationType.F16, "BF16": gguf.GGMLQuantizationType.BF16,
         "Q8_0": gguf.GGMLQuantizationType.Q8_0}
ARCHITECTURES = {"qwen2": gguf.MODEL_ARCH.QWEN2, "llama": gguf.MODEL_ARCH.LLAMA, "qwen3": gguf.MODEL_ARCH.QWEN3}


def permuted(weights, n_heads):
    """As LlamaModel.permute of llama.cpp's convert_hf_to_gguf.py has it."""
    return (weights.reshape(n_heads, 2, weights.shape[0] // n_heads // 2, *weights.shape[1:]).swapaxes(1, 2)
            .reshape(weights.shape))


def theirs(family):
    """Names and F32 arrays that the package's own tables make of a folder."""
    config = json.loads((TINY / family / "config.json").read_text())
    names = gguf.get_tensor_name_map(ARCHITECTURES[config["model_type"]], config["num_hidden_layers"])
    out = {}
    for name, array in load_file(TINY / family / "model.safetensors").items():
        if config["model_type"] == "llama" and name.endswith(("q_proj.weight", "k_proj.weight")):
            heads = config["num_attention_heads" if "q_proj" in name else "num_key_value_heads"]
            array = permuted(array, heads)
        out[names.get_name(name, try_suffixes=(".weight", ".bias"))] = array
    return config, out


def same_tensors(family, kind, path):
    _, want = theirs(family)
    found = {t.name: t for t in gguf.GGUFReader(path).tensors}
    check(set(found) - {"rope_freqs.weight"} == set(want), f"{family} {kind}: names")
    for name, array in want.items():
        t, q = found[name], KINDS[kind] if array.ndim == 2 else KINDS["F32"]
        check(t.tensor_type == q, f"{family} {kind} {name}: type")
        check(list(t.shape) == list(reversed(array.shape)), f"{family} {kind} {name}: shape")
        check(gguf.quants.quantize(array, q).tobytes() == t.data.tobytes(), f"{family} {kind} {name}: data")
    if family == "tiny_llama":
        factors, dim, base, old = [], 16, 5e5, 64
        for f in 1.0 / (base ** (np.arange(0, dim, 2, dtype=np.float32) / dim)):
            length = 2 * np.pi / f
            smooth = (old / length - 1.0) / (4.0 - 1.0)
            factors.append(1 if length < old / 4 else 8 if length > old else 1 / ((1 - smooth) / 8 + smooth))
        check(np.allclose(found["rope_freqs.weight"].data, np.array(factors, dtype=np.float32), rtol=1e-5), "rope_freqs")


def greedy(model, ids, n):
    model.reset()
    model.eval(ids)
    out = []
    for _ in range(n):
        out.append(int(np.argmax(np.ctypeslib.as_array(llama_get_logits_ith(model.ctx, -1), (model.n_vocab(),)))))
        model.eval(out[-1:])
    return out


def plain_model_params(usual=llama_cpp.llama_model_default_params):
    """Weights stay as the file has them. Else Q8_0 goes through llama.cpp's AMX products where the processor has AMX, which die of
    SIGSEGV (0.3.36 compiled by gcc 12): gcc's _tile_loadconfig says that it reads 8 bytes of 64, so the rest is never written."""
    params = usual()
    params.use_extra_bufts = False
    return params


llama_cpp.llama_model_default_params = plain_model_params  # Llama() has no argument for it


def in_llama_cpp(family, kind, path):
    gold = json.loads((TINY / family / "golden.json").read_text())
    texts = json.loads((TINY / family / "golden_tokenizer.json").read_text())["encodings"]
    model = Llama(str(path), n_ctx=128, n_threads=1, verbose=False)
    off = 0.0
    for prompt in gold["prompts"]:
        model.reset()
        model.eval(prompt["ids"])
        logits = np.ctypeslib.as_array(llama_get_logits_ith(model.ctx, -1), (model.n_vocab(),)).copy()
        off = max(off, float(np.abs(logits - np.array(prompt["logits_last"])).max()))
        if kind == "F32":  # llama.cpp keeps its own keys and values in F16
            check(greedy(model, prompt["ids"], 16) == prompt["greedy_16"], f"{family}: greedy tokens of llama.cpp")
    check(off < {"F32": 0.05, "F16": 0.05, "BF16": 0.5, "Q8_0": 1.0}[kind], f"{family} {kind}: logits {off}")
    n = 0
    for case in texts:
        ids = model.tokenize(case["text"].encode(), add_bos=False, special=True)
        n += ids == case["ids"]
        if family == "tiny_llama":  # it has no NFC, as llama.cpp has none
            check(ids == case["ids"], f"{family}: tokens of {case['text']!r}: {ids}, not {case['ids']}")
    check(n >= len(texts) - 2, f"{family}: only {n} of {len(texts)} texts have the same tokens")
    del model
    return off


def of_package(family, kind, path):
    """A file written by the package, with the least of keys."""
    config, tensors = theirs(family)
    w = gguf.GGUFWriter(path, config["model_type"])
    w.add_block_count(config["num_hidden_layers"])
    w.add_context_length(config["max_position_embeddings"])
    w.add_embedding_length(config["hidden_size"])
    w.add_feed_forward_length(config["intermediate_size"])
    w.add_head_count(config["num_attention_heads"])
    w.add_head_count_kv(config["num_key_value_heads"])
    w.add_layer_norm_rms_eps(config["rms_norm_eps"])
    w.add_rope_freq_base(config["rope_parameters"]["rope_theta"])
    w.add_array("some.texts", ["a", "b"])
    w.add_bool("some.flag", True)
    if "head_dim" in config:
        w.add_key_length(config["head_dim"])
        w.add_value_length(config["head_dim"])
    for name, array in tensors.items():
        q = KINDS[kind] if array.ndim == 2 else KINDS["F32"]
        w.add_tensor(name, gguf.quants.quantize(array, q), raw_dtype=q)
    w.write_header_to_file()
    w.write_kv_data_to_file()
    w.write_tensors_to_file()
    w.close()


def read_back(family, kind, path, work):
    """What we read is what the package dequantises."""
    out = work / f"{path.stem}-folder"
    ours("ungguf", path, out)
    back, source = load_file(out / "model.safetensors"), load_file(TINY / family / "model.safetensors")
    check(back.keys() == source.keys(), f"{path.name}: names")
    for name, array in source.items():
        q = KINDS[kind] if array.ndim == 2 else KINDS["F32"]
        want = gguf.quants.dequantize(gguf.quants.quantize(array, q), q)
        check(np.array_equal(back[name], want.reshape(array.shape)), f"{path.name}: {name}")
    if (out / "tokenizer.json").exists():
        tokenizer = AutoTokenizer.from_pretrained(out)
        gold = json.loads((TINY / family / "golden_tokenizer.json").read_text())
        for case in gold["encodings"]:
            check(tokenizer.encode(case["text"], add_special_tokens=False) == case["ids"], f"{out.name}: {case['text']!r}")
        for chat in gold["chat"]:
            text = tokenizer.apply_chat_template(chat["messages"], tokenize=False, add_generation_prompt=True)
            check(text == chat["rendered"], f"{out.name}: chat")


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        for family in FAMILIES:
            for kind in KINDS:
                path, other = work / f"{family}-{kind}.gguf", work / f"{family}-{kind}-theirs.gguf"
                ours("gguf", TINY / family, path, kind)
                same_tensors(family, kind, path)
                off = in_llama_cpp(family, kind, path)
                read_back(family, kind, path, work)
                if family != "tiny_llama":  # its rope factors are none that a file can tell
                    of_package(family, kind, other)
                    read_back(family, kind, other, work)
                print(f"{family} {kind}: logits of llama.cpp within {off:.2e}")


main()
