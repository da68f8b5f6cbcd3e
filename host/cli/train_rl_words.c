/* train_rl_words.c -- what --help and the man page say of reinforcement learning.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

const char *const train_rl_words[] = {
    "algo: ppo, grpo, dr_grpo, rloo, reinforce++, reinforce++_baseline, remax, dapo, gspo, "
    "grpo_passk: reinforcement learning. A step takes train_batch_size [32] prompts of prompts "
    "(lines {\"id\",\"prompt\" or \"messages\",\"reference\"}), samples n responses to each "
    "[8; "
    "ppo, reinforce++ and remax 1], has them scored by reward while it samples on, and makes "
    "one update per mini-batch of ppo_mini_batch_size [0: all] prompts, ppo_epochs [1] times. "
    "reward: a verifier (\"math\"), with its configuration (\"math:{...}\"), or a list of "
    "{\"plugin\",\"config\",\"weight\",\"gate\"}; holdout: verifiers that are watched only. A "
    "response that could not be scored is in no loss and in no mean; max_unscored [1] stops "
    "the run above that share (0.05 or \"5%\") of the last unscored_window [1] steps. "
    "isolation [auto], timeout_ms [10000].",
    "rm: an object: the reward of the policy is a reward model's, which learns beside it. model: "
    "its folder (a language model's is given a head for scores, drawn of head_std [0.02]; its "
    "vocabulary is the policy's). Every every [10] steps (0: never) it learns from up to pairs "
    "[256] pairs of that step's responses to one prompt which reward tells apart, or labels, a "
    "file of lines {\"id\",\"completion\",\"score\"}: in batches of batch_size [32], epochs [1] "
    "times, with lr [1e-4] and center_coef [0]. reward/mean stays the verifiers'; rm/accuracy is "
    "of pairs that it has not learned from. Its checkpoints are RUN/rm/step_N, which the verifier "
    "rm scores with.",
    "preset: the defaults of another framework, and of one of its algorithms: verl-ppo, "
    "verl-grpo, verl-dr_grpo, verl-rloo, verl-reinforce++, verl-reinforce++_baseline, "
    "verl-remax, verl-dapo, verl-gspo, trl-grpo, trl-dr_grpo, trl-rloo, openrlhf-ppo, "
    "openrlhf-reinforce++, openrlhf-reinforce++_baseline, openrlhf-rloo, openrlhf-grpo, "
    "openrlhf-dr_grpo; keys of the file go over them. A key that would change nothing is "
    "refused.",
    "Sampling: max_prompt_length [512] (longer prompts are left out), max_response_length "
    "[512], temperature [1], top_p [1], top_k [0], min_p [0], stop: texts that end a response, "
    "max_seqs [64] at a time. order [shuffle] (shuffle: epochs, each in an order of its own; "
    "file; curriculum: prompts whose answers differ come first, with curriculum_floor [0.05] "
    "of the weight for those that never do, and curriculum_momentum [0.5]).",
    "Advantages: scale_rewards [group] (none, group, batch), advantage_eps [1e-6], gamma [1], "
    "lam [1], whiten_population [false], whiten_keeps_mean [false]. zero_groups [keep]: groups "
    "whose rewards are all equal stay, drop out of the loss (drop), or are replaced by others "
    "(resample; dapo's default), in up to max_num_gen_batches [10] batches of gen_batch_size "
    "prompts [train_batch_size]. mask_truncated_completions [false]; overlong_buffer [0; dapo "
    "a fifth of max_response_length] and overlong_penalty_factor [1]. Loss: clip_ratio [0.2], "
    "or clip_ratio_low and clip_ratio_high [dapo 0.28; gspo 3e-4 and 4e-4], clip_ratio_c [0: "
    "no dual clip], loss_agg_mode [token-mean] (seq-mean-token-sum, seq-mean-token-mean, "
    "seq-mean-token-sum-norm, seq-mean-token-sum-norm-mean), entropy_coeff [0]. "
    "use_kl_in_reward or use_kl_loss [false], kl_coef [0.001], kl_estimator [k3] (k1, abs, k2, "
    "k3, k3+), kl_target [0: kl_coef stays], kl_horizon [10000], use_bias_correction_kl [false]. "
    "recompute_old_logprobs "
    "[false], tis_imp_ratio_cap [0: none]. ppo: critic [model] (of its own, from critic_model "
    "[model], with critic_lr [1e-5], critic_warmup [0]; or head, on the policy, vf_coef "
    "[0.5]), cliprange_value [0.5], value_loss_halved [true]. ptx_data, ptx_coef [0], "
    "ptx_batch_size [8]: texts learned beside the rewards.",
    "Watching: eval_suite, put to the model every eval_every [20] steps, before the first "
    "(eval_before [true]) and after the last, eval_n [4] responses each, at eval_temperature "
    "[1], eval_top_p [1], of eval_limit [0: all] prompts, by eval_plugin [the first of "
    "reward]: val/avg@n, val/pass@k, val/maj@k; the best step's checkpoint stays. "
    "rollouts_every [10]: rollouts_logged [8] responses with their rewards go into "
    "rollouts.jsonl. A run stops by itself where all rewards of a step were equal for "
    "flat_steps [50], where three steps in a row had a gradient that is not finite (such "
    "updates are left out), and by guards, an object: target_reward (a goal), min_reward, "
    "min_entropy, max_entropy, max_ppo_kl, max_kl, max_clip_fraction, min_length, max_length, "
    "max_truncated, each for patience [10] steps in a row. lr is [1e-6] here, decay "
    "[constant].",
    NULL
};
