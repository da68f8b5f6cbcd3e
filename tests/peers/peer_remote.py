#!/usr/bin/env python3
"""`assay generate --model http://...` against real servers: llama.cpp's (llama_cpp.server, from our own GGUF file) and
transformers' (`transformers serve`, from the folder). Greedy texts are those of the same model computed here, and where a
server tells log-probabilities, theirs are ours. SPDX-License-Identifier: Apache-2.0"""
import importlib.util
import json
import os
import pathlib
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request

from model_peer import SOURCE, TINY, check, ours, skip

for package in ("llama_cpp", "uvicorn", "fastapi"):
    if importlib.util.find_spec(package) is None:
        skip("remote", f"no {package}")
ASSAY = pathlib.Path(os.environ.get("ASSAY_BIN", SOURCE / "build" / "dev" / "assay"))
PROMPTS = [{"id": k, "prompt": f"{a} {b}"} for k, (a, b) in enumerate(
    (a, b) for a in ("Hello world", "def f(x):", "Once upon", "return", "the", "7 +", "a = [") for b in ("of", "this is", "one", "x", "1"))]


def generate(model, prompts, *args):
    done = subprocess.run([str(ASSAY), "generate", "--model", str(model), "--prompts", str(prompts), "--temperature", "0",
                           "--max-tokens", "12", "--quiet", *map(str, args)], capture_output=True, text=True, timeout=600)
    check(done.returncode == 0, f"assay generate --model {model}: {done.stderr}")
    return [json.loads(line) for line in done.stdout.splitlines()]


def start(argv, url):
    child = subprocess.Popen([str(a) for a in argv], stdout=subprocess.DEVNULL, stderr=subprocess.PIPE,
                             env=dict(os.environ, HF_HUB_OFFLINE="1"))
    for _ in range(600):
        if child.poll() is not None:
            sys.exit(f"{argv[2]} ended: {child.stderr.read().decode()[-2000:]}")
        try:
            urllib.request.urlopen(url + "/v1/models", timeout=5).read()
            return child
        except urllib.error.HTTPError:
            return child  # it answers; transformers' cannot list a cache that is empty
        except (urllib.error.URLError, OSError):
            time.sleep(0.2)
    child.kill()
    sys.exit(f"{argv[2]} did not come up")


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


def compare(name, here, there, with_logp):
    """Where a text holds bytes that are no UTF-8, a server may leave them out and count its tokens otherwise: there one text
    begins with the other. And the servers draw ids that are padding of the vocabulary, which have no text: ours does not."""
    told = whole = apart = 0
    for a, b in zip(here, there, strict=True):
        x, y = (s["completion"].replace("\ufffd", "").lstrip() for s in (a, b))
        is_whole = "\ufffd" not in a["completion"]
        if not (x == y or not is_whole and (x.startswith(y) or y.startswith(x))):
            print(f"{name}: {x!r} here, {y!r} there")
            apart += 1
        elif is_whole:
            whole += 1
            check(a["finish_reason"] == b["finish_reason"], f"{name}: {a['finish_reason']}, {b['finish_reason']}")
            if b["sum_logp"] is not None:
                told += 1
                check(abs(a["sum_logp"] - b["sum_logp"]) < 0.05, f"{name}: log-probability {a['sum_logp']}, {b['sum_logp']}")
    check(apart * 5 <= len(here), f"{name}: {apart} of {len(here)} texts are others")
    check(whole >= 3, f"{name}: only {whole} texts are whole")
    check(told == whole or not with_logp, f"{name}: {told} of {whole} with log-probabilities")
    print(f"{name}: {len(there)} samples, {apart} of them others, {whole} whole, {told} with log-probabilities", flush=True)


def main():
    with tempfile.TemporaryDirectory() as folder:
        work = pathlib.Path(folder)
        prompts = work / "prompts.jsonl"
        prompts.write_text("".join(json.dumps(p) + "\n" for p in PROMPTS))
        gguf, model, port = work / "m.gguf", TINY / "tiny_qwen2", free_port()
        ours("gguf", model, gguf, "F32")
        url = f"http://127.0.0.1:{port}"
        server = start([sys.executable, "-m", "llama_cpp.server", "--model", gguf, "--port", port, "--n_ctx", 128,
                        "--logits_all", "true", "--n_threads", 1, "--type_k", 0, "--type_v", 0,
                        "--interrupt_requests", "false"], url)
        try:
            compare("llama.cpp, completions", generate(model, prompts), generate(url, prompts, "--max-seqs", 2), True)
        finally:
            server.kill()
        port = free_port()
        url = f"http://127.0.0.1:{port}"
        server = start([pathlib.Path(sys.executable).parent / "transformers", "serve", model, "--port", port, "--host", "127.0.0.1"], url)
        try:
            compare("transformers serve, completions", generate(model, prompts), generate(url, prompts, "--served-model", model), False)
            compare("transformers serve, chat", generate(model, prompts, "--chat"),
                    generate(url, prompts, "--chat", "--served-model", model), False)
        finally:
            server.kill()


if __name__ == "__main__":
    main()
