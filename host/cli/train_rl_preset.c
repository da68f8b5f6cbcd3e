/* train_rl_preset.c -- where algorithms of reinforcement learning differ in their defaults, and the
 * defaults of other frameworks by name, so that a run there and a run here can be compared.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include <string.h>

/* Over the common defaults (rl_config_read), which are GRPO's of as_rl_standard. Sources:
 * docs/ALGORITHMS.md. */
static const rl_layer algorithms[] = {
    { "ppo", NULL, RL_PPO, "{\"n\":1}" },
    { "grpo", NULL, RL_GRPO, "{}" },
    { "dr_grpo", NULL, RL_DR_GRPO,
      "{\"scale_rewards\":\"none\",\"loss_agg_mode\":\"seq-mean-token-sum-norm-mean\"}" },
    { "rloo", NULL, RL_RLOO, "{\"loss_agg_mode\":\"seq-mean-token-sum\"}" },
    { "reinforce++", NULL, RL_REINFORCE_PP, "{\"n\":1}" },
    { "reinforce++_baseline", NULL, RL_REINFORCE_PP_BASELINE, "{}" },
    { "remax", NULL, RL_REMAX, "{\"n\":1}" },
    { "dapo", NULL, RL_DAPO, "{\"clip_ratio_high\":0.28,\"zero_groups\":\"resample\"}" },
    { "gspo", NULL, RL_GSPO,
      "{\"clip_ratio_low\":3e-4,\"clip_ratio_high\":4e-4,\"loss_agg_mode\":\"seq-mean-token-"
      "mean\"}" },
    { "grpo_passk", NULL, RL_GRPO_PASSK, "{}" },
};

/* verl's ppo_trainer.yaml */
#define VERL                                                                                       \
    "\"train_batch_size\":1024,\"ppo_mini_batch_size\":256,\"max_prompt_length\":512,"             \
    "\"max_response_length\":512,\"temperature\":1,\"top_p\":1,\"clip_ratio\":0.2,"                \
    "\"clip_ratio_c\":3,\"entropy_coeff\":0,\"ppo_epochs\":1,\"recompute_old_logprobs\":true,"     \
    "\"lr\":1e-6,\"decay\":\"constant\",\"weight_decay\":0.01,\"clip\":1"
/* what its GRPO scripts add */
#define VERL_KL_LOSS "\"use_kl_loss\":true,\"kl_coef\":0.001,\"kl_estimator\":\"k3\""
#define VERL_MEAN ",\"loss_agg_mode\":\"token-mean\""
/* TRL's GRPOConfig on one device: eight completions a step, transformers' optimizer */
#define TRL                                                                                        \
    "\"max_response_length\":512,\"temperature\":1,\"top_p\":1,\"clip_ratio\":0.2,"                \
    "\"ppo_epochs\":1,\"lr\":1e-6,\"decay\":\"linear\",\"weight_decay\":0,\"clip\":1"
#define TRL_GRPO                                                                                   \
    "\"train_batch_size\":1,\"n\":8,\"use_bias_correction_kl\":true,\"kl_estimator\":\"k3\","

/* OpenRLHF's train_ppo_ray: k1 in the reward, a cosine to a tenth after 3 % of warm-up */
#define OPENRLHF                                                                                   \
    "\"train_batch_size\":1024,\"max_prompt_length\":1024,"                                        \
    "\"max_response_length\":1024,\"temperature\":1,\"top_p\":1,\"clip_ratio\":0.2,"               \
    "\"ppo_epochs\":1,\"lr\":1e-6,\"min_lr\":1e-7,\"decay\":\"cosine\",\"weight_decay\":0,"        \
    "\"warmup_ratio\":0.03,"                                                                       \
    "\"beta1\":0.9,\"beta2\":0.95,\"clip\":1,\"kl_coef\":0.01,\"recompute_old_logprobs\":true,"    \
    "\"loss_agg_mode\":\"token-mean\""
/* updates of 128 responses. It clips what is left after a group's mean is taken off, which never is
 * so large */
#define OPENRLHF_ONE ",\"n\":1,\"ppo_mini_batch_size\":128,\"reward_clip\":10"
#define OPENRLHF_GROUPS ",\"n\":8,\"ppo_mini_batch_size\":16"
#define OPENRLHF_KL ",\"use_kl_in_reward\":true,\"kl_estimator\":\"k1\""

/* TTRL's scripts (votes are the command's); steps: so many batches as their epochs have, of which
 * 3 % warm up */
#define TTRL                                                                                       \
    "\"n\":32,\"ppo_mini_batch_size\":1,\"temperature\":1,\"top_p\":1,"                            \
    "\"max_response_length\":3072,\"clip_ratio\":0.2,\"entropy_coeff\":0,\"ppo_epochs\":1,"        \
    "\"use_kl_loss\":true,\"kl_coef\":0.001,\"kl_estimator\":\"k3\",\"lr\":5e-7,\"critic_lr\":9e-" \
    "6,"                                                                                           \
    "\"decay\":\"cosine\",\"weight_decay\":0.01,\"clip\":1,\"micro_tokens\":4096,"

static const rl_layer presets[] = {
    { "verl-ppo", "ppo", RL_PPO, "{" VERL VERL_MEAN ",\"n\":1,\"gamma\":1,\"lam\":1}" },
    { "verl-grpo", "grpo", RL_GRPO,
      "{" VERL VERL_MEAN "," VERL_KL_LOSS
      ",\"n\":5,\"scale_rewards\":\"group\",\"advantage_eps\":1e-6}" },
    { "verl-dr_grpo", "dr_grpo", RL_DR_GRPO,
      "{" VERL ",\"n\":5,\"loss_agg_mode\":\"seq-mean-token-sum-norm\"}" },
    { "verl-rloo", "rloo", RL_RLOO,
      "{" VERL VERL_MEAN
      ",\"n\":5,\"use_kl_in_reward\":true,\"kl_coef\":0.001,\"kl_estimator\":\"k1\"}" },
    { "verl-reinforce++", "reinforce++", RL_REINFORCE_PP,
      "{" VERL VERL_MEAN "," VERL_KL_LOSS ",\"n\":8,\"gamma\":1}" },
    { "verl-reinforce++_baseline", "reinforce++_baseline", RL_REINFORCE_PP_BASELINE,
      "{" VERL VERL_MEAN "," VERL_KL_LOSS ",\"n\":8}" },
    { "verl-remax", "remax", RL_REMAX,
      "{" VERL VERL_MEAN
      ",\"n\":4,\"use_kl_in_reward\":true,\"kl_coef\":0.001,\"kl_estimator\":\"k1\"}" },
    { "verl-dapo", "dapo", RL_DAPO,
      "{\"train_batch_size\":512,\"gen_batch_size\":1536,\"ppo_mini_batch_size\":32,\"n\":16,"
      "\"max_prompt_length\":2048,\"max_response_length\":20480,\"overlong_buffer\":4096,"
      "\"overlong_penalty_factor\":1,\"temperature\":1,\"top_p\":1,\"clip_ratio_low\":0.2,"
      "\"clip_ratio_high\":0.28,\"clip_ratio_c\":10,\"entropy_coeff\":0,\"ppo_epochs\":1,"
      "\"zero_groups\":\"resample\",\"max_num_gen_batches\":10,\"recompute_old_logprobs\":true,"
      "\"lr\":1e-6,\"decay\":\"constant\",\"warmup_steps\":10,\"weight_decay\":0.1,\"clip\":"
      "1" VERL_MEAN "}" },
    { "verl-gspo", "gspo", RL_GSPO,
      "{" VERL ",\"n\":16,\"clip_ratio_low\":3e-4,\"clip_ratio_high\":4e-4,"
      "\"loss_agg_mode\":\"seq-mean-token-mean\"}" },
    { "trl-grpo", "grpo", RL_GRPO,
      "{" TRL_GRPO TRL
      ",\"advantage_eps\":1e-4,\"loss_agg_mode\":\"token-mean\",\"scale_rewards\":\"group\"}" },
    { "trl-dr_grpo", "dr_grpo", RL_DR_GRPO,
      "{" TRL_GRPO TRL ",\"loss_agg_mode\":\"seq-mean-token-sum-norm-mean\"}" },
    { "trl-rloo", "rloo", RL_RLOO,
      "{\"train_batch_size\":4,\"n\":2," TRL ",\"loss_agg_mode\":\"seq-mean-token-sum\","
      "\"use_kl_in_reward\":true,\"kl_estimator\":\"k1\",\"kl_coef\":0.05}" },
    { "openrlhf-ppo", "ppo", RL_PPO,
      "{" OPENRLHF OPENRLHF_KL OPENRLHF_ONE
      ",\"gamma\":1,\"lam\":1,\"critic_lr\":9e-6,\"cliprange_value\":0.5}" },
    { "openrlhf-reinforce++", "reinforce++", RL_REINFORCE_PP,
      "{" OPENRLHF OPENRLHF_KL OPENRLHF_ONE ",\"gamma\":1}" },
    { "openrlhf-reinforce++_baseline", "reinforce++_baseline", RL_REINFORCE_PP_BASELINE,
      "{" OPENRLHF OPENRLHF_GROUPS ",\"use_kl_loss\":true,\"kl_estimator\":\"k2\","
      "\"whiten_population\":true}" },
    { "openrlhf-rloo", "rloo", RL_RLOO, "{" OPENRLHF OPENRLHF_KL OPENRLHF_GROUPS "}" },
    { "openrlhf-grpo", "grpo", RL_GRPO,
      "{" OPENRLHF OPENRLHF_GROUPS
      ",\"use_kl_loss\":true,\"kl_estimator\":\"k3\",\"advantage_eps\":1e-9}" },
    { "openrlhf-dr_grpo", "dr_grpo", RL_DR_GRPO, "{" OPENRLHF OPENRLHF_KL OPENRLHF_GROUPS "}" },
    { "ttrl-aime", NULL, RL_GRPO,
      "{" TTRL "\"train_batch_size\":8,\"max_prompt_length\":512,\"steps\":240,"
      "\"warmup_steps\":7}" },
    { "ttrl-amc", NULL, RL_GRPO,
      "{" TTRL "\"train_batch_size\":8,\"max_prompt_length\":1024,\"steps\":300,"
      "\"warmup_steps\":9}" },
    { "ttrl-math500", NULL, RL_GRPO,
      "{" TTRL "\"train_batch_size\":32,\"max_prompt_length\":1024,\"steps\":150,"
      "\"warmup_steps\":4}" },
};

static const rl_layer *find(const rl_layer *layers, size_t n, const char *word)
{
    for (size_t i = 0; i < n; i++)
        if (strcmp(layers[i].word, word) == 0)
            return &layers[i];
    return NULL;
}

const rl_layer *rl_algorithm(const char *word)
{
    return find(algorithms, sizeof algorithms / sizeof *algorithms, word);
}

const rl_layer *rl_preset(const char *word)
{
    return find(presets, sizeof presets / sizeof *presets, word);
}

void rl_preset_words(as_buf *out)
{
    for (size_t i = 0; i < sizeof presets / sizeof *presets; i++)
        as_buf_addf(out, "%s%s", i ? ", " : "", presets[i].word);
}
