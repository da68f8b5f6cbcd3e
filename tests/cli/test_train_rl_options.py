#!/usr/bin/env python3
"""test_train_rl_options.py -- the configuration of assay train with rewards, over the real binary: what is refused, presets, the
arithmetic of --dry-run, and every option: it changes the result or is refused. SPDX-License-Identifier: Apache-2.0"""
import json
import re
import shutil

from run_assay import SOURCE, main
from train_rl import ALGOS, MODEL, PROMPTS, SHORT, TINY, Base


class Configuring(Base):
    def refused(self, says, rc=2, without=(), **more):
        run = self.train("r", config=self.config(without=without, **more), rc=rc)
        self.say(run, says)
        self.assertFalse((self.dir / "r").exists(), says)

    def test_refusals(self):
        self.refused('"prompts" is missing', without=("prompts",))
        self.refused('"reward" is missing', without=("reward",))
        self.refused('key "clip_ration" unknown', clip_ration=0.2)
        self.refused('did you mean "clip_ratio"', clip_ratoi=0.2)
        self.refused("algo", algo="grop")
        self.refused("a group of one has nothing to be compared with", n=1)
        self.refused("resample (dynamic sampling) needs groups", algo="reinforce++", n=1, zero_groups="resample")
        self.refused("a greedy answer", algo="remax", zero_groups="resample")
        self.refused("one place for a KL", use_kl_loss=True, use_kl_in_reward=True)
        self.refused('"ppo_mini_batch_size" 8 is more than the step\'s 4 prompts', ppo_mini_batch_size=8)
        self.refused("leave 1 over: take a divisor of 4", ppo_mini_batch_size=3)
        self.refused("has 24 prompts: a batch has no prompt twice", train_batch_size=25)
        self.refused("was made for", max_response_length=100000, micro_tokens=1000000)
        self.refused('"micro_tokens" 20 is below', micro_tokens=20)
        self.refused("no_such_verifier", rc=5, reward="no_such_verifier")
        self.refused("reward", reward=[])
        self.refused('"wieght" unknown', reward=[{"plugin": "exact", "wieght": 1}])
        self.refused("max_unscored", max_unscored="5 %%")
        self.refused("max_unscored", max_unscored=1.5)
        self.refused('"clip_ratio": a number from 0 to 1', clip_ratio="x")
        self.refused('"clip_ratio" would change nothing beside', clip_ratio=0.1, clip_ratio_low=0.2, clip_ratio_high=0.2)
        self.refused('"stop": a list of texts', stop="x")
        self.refused('"stop": a list of texts', stop=[1])
        self.refused('"overlong_buffer" 17 is more than', overlong_buffer=17)
        self.refused('"temperature": 0', temperature=0)
        self.refused("take \"critic\": \"model\"", algo="ppo", critic="head", lora={})
        self.refused('none of that name (there are verl-ppo', preset="verl-gpro")
        self.refused("is of \"algo\" ppo, not of grpo", preset="verl-ppo")
        self.refused("steps", without=("steps",))
        self.refused('one of "warmup_steps" and "warmup_ratio"', warmup_steps=1, warmup_ratio=0.1)
        self.refused("MiB", rc=7, memory_mib=1)
        twice = PROMPTS + [PROMPTS[0]]
        self.refused("prompts.jsonl:25", rc=3, prompts=twice)
        self.refused("prompts.jsonl:1", rc=3, prompts=[{"id": 1}])
        other = self.dir / "other"
        shutil.copytree(TINY / "tiny_qwen2", other)
        self.refused("another vocabulary", algo="ppo", n=1, critic_model=str(other))

    def test_messages(self):
        """Conversations, and prompts in the chat template."""
        chat = [{"id": k, "messages": [{"role": "user", "content": f"{k}+1"}]} for k in range(8)]
        plain = [{"id": k, "prompt": f"{k}+1"} for k in range(8)]
        more = {"model": str(TINY / "tiny_qwen2"), "max_response_length": 4, "steps": 1}
        self.train("a", prompts=chat, **more)
        self.train("b", prompts=plain, as_chat=True, **more)
        self.assertEqual(self.weights("a", 1), self.weights("b", 1))
        self.train("c", prompts=plain, **more)
        self.assertNotEqual(self.weights("a", 1), self.weights("c", 1))

    def test_dry_run(self):
        """The arithmetic, before anything is done."""
        run = self.assay("train", self.config(steps=10, ppo_mini_batch_size=2, ppo_epochs=3, use_kl_loss=True), "--dry-run")
        self.say(run, "memory plan", "the frozen reference", "4 prompts x 4 = 16 responses", "mini-batches of 2 prompts (8 responses)",
                 "2 x 3 epochs = 6 updates", "10 steps: 160 responses, 60 updates, 1.7 epochs")
        longest = max(len(p["prompt"]) for p in PROMPTS)  # of a token a letter; a prompt is there once for its responses
        self.say(run, f"activations of {4 * longest + 16 * (16 - 1)} tokens")
        run = self.assay("train", self.config(algo="dapo", max_num_gen_batches=5, gen_batch_size=6), "--dry-run")
        self.say(run, "up to 5 batches of 6 prompts are sampled for it: 120 responses")
        self.assertEqual(sorted(p.name for p in self.dir.iterdir() if p.name != "cache"), ["prompts.jsonl", "rl.json"])

    def test_presets(self):
        """Each resolves to its framework's defaults; keys of the file go over them."""
        for preset, want in (
                ("verl-grpo", {"algo": "grpo", "clip_ratio_low": 0.2, "clip_ratio_high": 0.2, "clip_ratio_c": 3, "use_kl_loss": True,
                               "kl_coef": 0.001, "kl_estimator": "k3", "loss_agg_mode": "token-mean", "scale_rewards": "group",
                               "advantage_eps": 1e-6, "weight_decay": 0.01, "decay": "constant", "entropy_coeff": 0, "gamma": 1}),
                ("verl-ppo", {"algo": "ppo", "gamma": 1, "lam": 1, "cliprange_value": 0.5, "critic_lr": 1e-5, "use_kl_loss": False,
                              "clip_ratio_c": 3}),
                ("verl-dapo", {"algo": "dapo", "clip_ratio_low": 0.2, "clip_ratio_high": 0.28, "zero_groups": "resample",
                               "max_num_gen_batches": 10, "overlong_penalty_factor": 1, "loss_agg_mode": "token-mean"}),
                ("trl-grpo", {"algo": "grpo", "advantage_eps": 1e-4, "use_kl_loss": False, "loss_agg_mode": "token-mean",
                              "scale_rewards": "group", "weight_decay": 0, "decay": "linear", "clip_ratio_c": 0}),
                ("trl-rloo", {"algo": "rloo", "kl_coef": 0.05, "use_kl_in_reward": True, "kl_estimator": "k1",
                              "loss_agg_mode": "seq-mean-token-sum"}),
                ("openrlhf-ppo", {"algo": "ppo", "kl_coef": 0.01, "use_kl_in_reward": True, "kl_estimator": "k1", "beta2": 0.95,
                                  "critic_lr": 9e-6, "decay": "cosine", "min_lr": 1e-7, "reward_clip": 10, "warmup_ratio": 0.03,
                                  "warmup_steps": 1}),
                ("openrlhf-grpo", {"algo": "grpo", "advantage_eps": 1e-9, "use_kl_loss": True, "kl_estimator": "k3"})):
            more = {"overlong_buffer": 4} if preset == "verl-dapo" else {}
            small = {"preset": preset, "train_batch_size": 4, "ppo_mini_batch_size": 2, "steps": 1, **more}
            if preset == "verl-dapo":
                small["gen_batch_size"] = 6
            self.train("run", "--force", "--quiet", config=self.config(without=("algo", "lr"), **small))
            got = self.manifest("run")["config"]
            self.assertEqual({k: got[k] for k in want}, want, preset)
            self.assertEqual((got["preset"], got["train_batch_size"], got["ppo_mini_batch_size"]), (preset, 4, 2))
        words = re.findall(r'\{ "((?:verl|trl|openrlhf)-[^"]*)", "([^"]*)"', (SOURCE / "host/cli/train_rl_preset.c").read_text())
        self.assertGreater(len(words), 15)
        for preset, algo in words:
            run = self.assay("train", self.config(without=("algo", "n"), preset=preset, train_batch_size=4, ppo_mini_batch_size=4,
                                                  overlong_buffer=4, **({"gen_batch_size": 4} if algo == "dapo" else {})), "--dry-run")
            self.say(run, "4 prompts x")
        run = self.assay("train", self.config(without=("n",), preset="verl-grpo"), "--dry-run", rc=2)
        self.say(run, '"ppo_mini_batch_size" 256 is more than the step\'s 4 prompts')


# Key: (value, what it needs beside it): with it the weights after a step are others. Two epochs of two mini-batches, so that
# ratios move.
CHANGES = {
    "rm": ({"model": str(MODEL), "every": 1, "lr": 1e-3}, {}),
    "limit": (8, {}), "train_batch_size": (6, {}), "n": (5, {}), "max_prompt_length": (11, {}), "max_response_length": (8, {}),
    "temperature": (0.7, {}), "top_p": (0.8, {}), "top_k": (3, {"steps": 2}), "min_p": (0.2, {}), "stop": (["+"], {}), "order": ("file", {}),
    "scale_rewards": ("batch", {}), "advantage_eps": (0.5, {}), "zero_groups": ("drop", {"entropy_coeff": 0.1}),
    "mask_truncated_completions": (True, {"max_response_length": 8}), "overlong_buffer": (12, {"temperature": 1.5}),
    "overlong_penalty_factor": (3, {"overlong_buffer": 12, "temperature": 1.5}), "clip_ratio": (0.001, {}), "clip_ratio_low": (0.001, {}),
    "clip_ratio_high": (0.001, {}), "clip_ratio_c": (1.0001, {}), "loss_agg_mode": ("seq-mean-token-sum", {}), "entropy_coeff": (0.1, {}),
    "use_bias_correction_kl": (True, {"use_kl_loss": True, "kl_coef": 0.5}), "use_kl_in_reward": (True, {"steps": 2}),
    "use_kl_loss": (True, {}), "kl_estimator": ("k1", {"use_kl_loss": True, "kl_coef": 0.5}),
    "kl_coef": (0.5, {"use_kl_loss": True}), "kl_target": (1e-6, {"steps": 2, "use_kl_loss": True, "kl_coef": 0.5}),
    "kl_horizon": (10, {"steps": 2, "use_kl_loss": True, "kl_coef": 0.5, "kl_target": 1e-6}),
    "tis_imp_ratio_cap": (0.5, {"recompute_old_logprobs": True}), "ppo_mini_batch_size": (4, {}), "ppo_epochs": (3, {}),
    "reward_clip": (0.01, {"algo": "rloo"}),
    "gamma": (0.5, {"algo": "reinforce++"}), "lam": (0.5, {"algo": "ppo", "critic_lr": 0.01}),
    "whiten_keeps_mean": (True, {"steps": 2, "algo": "reinforce++_baseline", "temperature": 1.5}),
    "whiten_population": (True, {"algo": "reinforce++_baseline"}), "critic": ("head", {"algo": "ppo"}),
    "critic_model": (str(SOURCE / "examples/models/azr"), {"algo": "ppo"}), "critic_lr": (0.01, {"steps": 2, "algo": "ppo"}),
    "critic_warmup": (1, {"algo": "ppo"}), "cliprange_value": (1e-6, {"steps": 2, "algo": "ppo", "critic_lr": 0.01}),
    "value_loss_halved": (False, {"algo": "ppo", "critic": "head", "clip": 0}), "vf_coef": (3, {"algo": "ppo", "critic": "head"}),
    "gen_batch_size": (7, {"zero_groups": "resample", "reward": "coin", "n": 2}),
    "max_num_gen_batches": (1, {"zero_groups": "resample", "reward": "coin", "n": 2}),
    "ptx_coef": (0.5, {"ptx": True}), "ptx_batch_size": (3, {"ptx": True, "ptx_coef": 0.5}),
    "reward": ("coin", {}), "as_chat": (True, {"model": str(TINY / "tiny_qwen2"), "max_prompt_length": 64}),
    "curriculum_floor": (1, {"order": "curriculum", "steps": 4}), "curriculum_momentum": (0.9, {"order": "curriculum", "steps": 9}),
}
# Keys of other tests here: they change what is written or when the run ends, not the weights.
WATCHING = {"preset", "prompts", "holdout", "isolation", "timeout_ms", "max_unscored", "unscored_window", "max_seqs", "ptx_data",
            "recompute_old_logprobs", "eval_suite", "eval_plugin", "eval_every", "eval_before", "eval_n", "eval_limit",
            "eval_temperature", "eval_top_p", "rollouts_every", "rollouts_logged", "flat_steps", "guards"}
MATRIX = {"ppo_epochs": 2, "ppo_mini_batch_size": 2, "lr": 1e-3, "flat_steps": 0,
          "reward": [{"plugin": "format", "config": {"tags": [], "max_bytes": 8}}, {"plugin": "coin", "weight": 0.3}]}


class Options(Base):
    def with_texts(self, more):
        more = dict(more)
        if more.pop("ptx", False):
            more.setdefault("ptx_coef", 0.1)
            more["ptx_data"] = self.file("ptx.jsonl", [{"prompt": row["prompt"], "completion": "1+2"} for row in PROMPTS])
        return more

    def test_each_option_changes_the_result(self):
        known = {}

        def result(**more):
            key = json.dumps(more, sort_keys=True)
            if key not in known:
                more = dict(MATRIX, **more)
                steps = more.setdefault("steps", 1)
                self.train("run", "--force", "--quiet", **more)
                known[key] = self.weights("run", steps)[0]
            return known[key]
        for key, (value, beside) in CHANGES.items():
            beside = self.with_texts(beside)
            with self.subTest(key=key):
                self.assertNotEqual(result(**dict(beside, **{key: value})), result(**beside))
        for words in (("loss_agg_mode", ("token-mean", "seq-mean-token-sum", "seq-mean-token-mean", "seq-mean-token-sum-norm",
                                         "seq-mean-token-sum-norm-mean"), {"n": 3}),
                      ("kl_estimator", ("k1", "abs", "k2", "k3"), {"use_kl_loss": True, "kl_coef": 0.5}),
                      ("kl_estimator", ("k1", "abs", "k2", "k3+"), {"use_kl_in_reward": True, "kl_coef": 0.5, "steps": 2}),
                      ("order", ("shuffle", "file", "curriculum"), {}), ("scale_rewards", ("none", "group", "batch"), {})):
            with self.subTest(key=words[0]):
                self.assertEqual(len({result(**dict(words[2], **{words[0]: word})) for word in words[1]}), len(words[1]))

    def test_no_key_is_forgotten(self):
        table = (SOURCE / "host/cli/train_rl_config.c").read_text().split("rl_settings[] = {")[1].split("{ .key = NULL }")[0]
        keys = set(re.findall(r'(?:TEXT|ANY|BOOL|WORD|UINT|NUMBER)\("([^"]+)"', table))
        self.assertEqual(keys, set(CHANGES) | WATCHING)
        told = self.assay("train", "--help").out
        presets = re.findall(r'\{ "((?:verl|trl|openrlhf)-[^"]*)"', (SOURCE / "host/cli/train_rl_preset.c").read_text())
        guards = re.findall(r'\{ "([a-z_]+)", "the|\{ "([a-z_]+)", "resp', (SOURCE / "host/cli/train_rl_guard.c").read_text())
        for word in [*keys, *presets, *ALGOS, *(a or b for a, b in guards)]:
            self.assertRegex(told, rf"(?<![\w+-]){re.escape(word)}(?![\w+-])")
        page = (SOURCE / "docs/TRAINING.md").read_text()
        self.assertEqual([word for word in (*presets, *ALGOS) if f"`{word}`" not in page], [])

    def test_what_would_change_nothing_is_refused(self):
        of_ppo = ("critic", "critic_lr", "critic_warmup", "cliprange_value", "value_loss_halved", "vf_coef", "lam")
        values = {"critic": "head", "value_loss_halved": False, "critic_warmup": 1}
        for algo in ALGOS:
            idle = [] if algo == "ppo" else list(of_ppo)
            idle += [] if algo in ("ppo", "reinforce++", "remax") else ["gamma"]
            idle += [] if algo in ("grpo", "dapo", "gspo") else ["scale_rewards"]
            idle += [] if algo in ("grpo", "dapo", "gspo", "grpo_passk") else ["advantage_eps"]
            idle += [] if algo == "reinforce++_baseline" else ["whiten_population", "whiten_keeps_mean"]
            values.update(scale_rewards="batch", whiten_population=True, whiten_keeps_mean=True)
            for key in idle[:: max(1, len(idle) // 4)]:
                run = self.train("r", algo=algo, rc=2, **{key: values.get(key, 0.5)})
                self.say(run, f'"{key}" would change nothing with "algo" {algo}')
        for key, value, needs, beside in (
                ("advantage_eps", 0.1, '"scale_rewards"', {"scale_rewards": "none"}), ("kl_estimator", "k1", '"use_kl_loss"', {}),
                ("kl_coef", 0.1, '"use_kl_loss"', {}),
                ("use_bias_correction_kl", True, '"use_kl_loss"', {"use_kl_in_reward": True}), ("kl_target", 0.1, '"use_kl_loss"', {}),
                ("kl_horizon", 10, '"kl_target"', {"use_kl_loss": True}), ("zero_groups", "keep", '"n"', {"algo": "remax", "n": 1}),
                ("max_num_gen_batches", 2, '"resample"', {}), ("gen_batch_size", 6, '"resample"', {}),
                ("overlong_penalty_factor", 2, '"overlong_buffer"', {}), ("tis_imp_ratio_cap", 2, '"recompute_old_logprobs"', {}),
                ("curriculum_floor", 0.1, '"curriculum"', {}), ("curriculum_momentum", 0.1, '"curriculum"', {}),
                ("ptx_data", "x", '"ptx_coef"', {}), ("ptx_coef", 0.1, '"ptx_data"', {}), ("ptx_batch_size", 2, '"ptx_data"', {}),
                ("unscored_window", 2, '"max_unscored"', {}), ("eval_plugin", "exact", '"eval_suite"', {}),
                ("eval_every", 2, '"eval_suite"', {}), ("eval_n", 2, '"eval_suite"', {}), ("eval_before", False, '"eval_suite"', {}),
                ("eval_limit", 2, '"eval_suite"', {}), ("eval_temperature", 1, '"eval_suite"', {}), ("eval_top_p", 1, '"eval_suite"', {}),
                ("rollouts_logged", 2, '"rollouts_every"', {}), ("vf_coef", 2, '"critic": "head"', {"algo": "ppo"}),
                ("critic_lr", 0.1, '"critic": "model"', {"algo": "ppo", "critic": "head"}),
                ("critic_model", "x", '"critic": "model"', {"algo": "ppo", "critic": "head"}),
                ("critic_warmup", 1, '"critic": "model"', {"algo": "ppo", "critic": "head"})):
            with self.subTest(key=key):
                self.say(self.train("r", rc=2, **dict(beside, **{key: value})), f'"{key}" would change nothing without', needs)

    def test_what_is_only_watched(self):
        """None of it changes a weight; recomputed log-probabilities are the sampler's to the bit."""
        suite = self.file("suite.jsonl", PROMPTS[:3])
        self.train("plain", **MATRIX)
        for more in ({"holdout": "exact"}, {"isolation": "worker"}, {"timeout_ms": 5000}, {"max_unscored": 0.5, "unscored_window": 2},
                     {"max_seqs": 3}, {"recompute_old_logprobs": True}, {"eval_suite": suite, "eval_every": 1, "eval_n": 2, "eval_limit": 2,
                     "eval_temperature": 0.5, "eval_top_p": 0.9, "eval_plugin": "exact", "eval_before": False},
                     {"rollouts_every": 1, "rollouts_logged": 2}, {"guards": {"min_reward": -9}}):
            self.train("run", "--force", "--quiet", **dict(MATRIX, **more))
            self.assertEqual(self.weights("run", 2), self.weights("plain", 2), more)
        self.train("run", "--force", "--no-cache", "--isolation", "inproc", reward=SHORT)
        self.assertEqual(self.manifest("run")["config"]["isolation"], "inproc")


if __name__ == "__main__":
    main()
