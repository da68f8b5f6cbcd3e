"""bench/grpo_peer.py -- steps of TRL's GRPOTrainer on the processor, for bench/grpo_step_vs_trl. Run in the venv that has it;
never imported by us.

`make FOLDER D LAYERS HEADS KV_HEADS FF VOCAB` writes a Qwen2 model of random weights with a byte-level tokenizer; `train FOLDER
SUITE EACH LENGTH HOW` begins a run over the prompts of SUITE, all in each step, EACH responses of LENGTH tokens to each, with
transformers' own generate, HOW "fastest" (fp32, no gradient checkpointing) or "default" (what GRPOConfig has: bf16 autocast and
checkpointing); then each line `step` is one step of it. The reward is made up from the tokens. Each answer is one line of JSON: of a step its seconds, by the wall and of the process's CPU time, and the wall's
of sampling, scoring and the rest. SPDX-License-Identifier: Apache-2.0
"""
import json
import os
import pathlib
import sys
import time
import warnings

os.environ.update(HF_HUB_OFFLINE="1", TRANSFORMERS_OFFLINE="1", TOKENIZERS_PARALLELISM="false", TRANSFORMERS_VERBOSITY="error",
                  HF_HUB_DISABLE_PROGRESS_BARS="1", OMP_NUM_THREADS=sys.argv[1], CUDA_VISIBLE_DEVICES="")
warnings.filterwarnings("ignore")

import torch  # noqa: E402
from transformers import Qwen2Config, Qwen2ForCausalLM, TrainerCallback  # noqa: E402

MOST_STEPS = 1000


def tokenizer(vocab):
    """Bytes, and pairs of them as far as the vocabulary goes."""
    plain = [*range(33, 127), *range(161, 173), *range(174, 256)]
    other = iter(range(256, 512))
    alphabet = [chr(b) if b in plain else chr(next(other)) for b in range(256)]
    pairs = [(a, b) for a in alphabet for b in alphabet][:vocab - 256]
    level = {"type": "ByteLevel", "add_prefix_space": False, "trim_offsets": True, "use_regex": True}
    tokens = alphabet[:vocab] + [a + b for a, b in pairs]
    return {"version": "1.0", "truncation": None, "padding": None, "added_tokens": [], "normalizer": None, "pre_tokenizer": level,
            "post_processor": None, "decoder": level,
            "model": {"type": "BPE", "dropout": None, "unk_token": None, "continuing_subword_prefix": None,
                      "end_of_word_suffix": None, "fuse_unk": False, "byte_fallback": False, "ignore_merges": False,
                      "vocab": {t: i for i, t in enumerate(tokens)}, "merges": [list(p) for p in pairs]}}


def make(folder, *numbers):
    d, layers, heads, kv_heads, ff, vocab = map(int, numbers)
    torch.manual_seed(1)
    model = Qwen2ForCausalLM(Qwen2Config(
        vocab_size=vocab, hidden_size=d, intermediate_size=ff, num_hidden_layers=layers, num_attention_heads=heads,
        num_key_value_heads=kv_heads, max_position_embeddings=256, tie_word_embeddings=True, bos_token_id=None,
        eos_token_id=vocab - 1, pad_token_id=None, rope_parameters={"rope_type": "default", "rope_theta": 1e6}))
    model.save_pretrained(folder)
    (pathlib.Path(folder) / "tokenizer.json").write_text(json.dumps(tokenizer(vocab)))
    return {"parameters": model.num_parameters()}


class Turns(TrainerCallback):
    """A step for a line."""

    def __init__(self, out):
        self.out, self.trainer = out, None

    def wait(self, control):
        line = sys.stdin.readline()
        control.should_training_stop = not line
        self.spent = {"generate_s": 0.0, "score_s": 0.0}
        self.wall, self.cpu = time.perf_counter(), time.process_time()

    def on_train_begin(self, args, state, control, **_):
        self.wait(control)

    def on_step_end(self, args, state, control, **_):
        wall, cpu = time.perf_counter() - self.wall, time.process_time() - self.cpu
        rest = wall - sum(self.spent.values())
        print(json.dumps({"wall_s": wall, "cpu_s": cpu, **self.spent, "update_s": rest, "tokens": self.tokens}), file=self.out,
              flush=True)
        self.wait(control)

    def watch(self, trainer, method, key):
        """The seconds in a method of the trainer."""
        inner = getattr(trainer, method)

        def timed(*args, **kw):
            start = time.perf_counter()
            answer = inner(*args, **kw)
            self.spent[key] += time.perf_counter() - start
            return answer
        setattr(trainer, method, timed)


def train(out, folder, suite, each, length, how):
    from datasets import Dataset
    from transformers import PreTrainedTokenizerFast, PrinterCallback
    from trl import GRPOConfig, GRPOTrainer
    prompts = [json.loads(line)["prompt"] for line in open(suite, encoding="utf-8")]
    each, length = int(each), int(length)
    model = Qwen2ForCausalLM.from_pretrained(folder, dtype=torch.float32, attn_implementation="sdpa")
    words = PreTrainedTokenizerFast(tokenizer_file=f"{folder}/tokenizer.json")
    words.eos_token = words.convert_ids_to_tokens(model.config.vocab_size - 1)
    words.pad_token = words.convert_ids_to_tokens(0)
    turns = Turns(out)

    def reward(completion_ids, **_):
        turns.tokens = sum(map(len, completion_ids))
        return [float(ids[-1] % 2) for ids in completion_ids]

    config = GRPOConfig(output_dir=f"{folder}/trl", use_cpu=True, report_to=[],
                        save_strategy="no", logging_strategy="no", disable_tqdm=True, max_steps=MOST_STEPS, shuffle_dataset=False,
                        per_device_train_batch_size=each * len(prompts), num_generations=each, max_completion_length=length,
                        temperature=1.0, generation_kwargs={"min_new_tokens": length}, loss_type="dapo", beta=0.0,
                        learning_rate=1e-6, **({"bf16": False, "gradient_checkpointing": False} if how == "fastest" else {}))
    trainer = GRPOTrainer(model=model, args=config, processing_class=words, reward_funcs=reward, callbacks=[turns],
                          train_dataset=Dataset.from_dict({"prompt": prompts * MOST_STEPS}))
    trainer.remove_callback(PrinterCallback)
    turns.watch(trainer, "_generate_single_turn", "generate_s")
    turns.watch(trainer, "_calculate_rewards", "score_s")
    print(json.dumps({"prompt_tokens": len(words(prompts[0])["input_ids"])}), file=out, flush=True)
    trainer.train()


def main():
    torch.set_num_threads(int(sys.argv[1]))
    out = os.fdopen(os.dup(1), "w")
    os.dup2(2, 1)  # what the packages print does not belong to the protocol
    for line in iter(sys.stdin.readline, ""):
        name, *words = line.split()
        if name == "train":
            return train(out, *words)
        print(json.dumps(make(*words)), file=out, flush=True)


main()
