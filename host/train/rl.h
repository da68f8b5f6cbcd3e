/* rl.h -- one step of reinforcement learning: responses and their rewards in, new weights out. What samples, what scores and what
 * keeps a run together is the caller's; ttrl and azr call the same step. SPDX-License-Identifier: Apache-2.0
 *
 * rewards -> advantages of each token, once, over all responses -> for each epoch, for each mini-batch of prompts, one update:
 * L = sum_t w_row (l_policy + beta l_kl - c_ent H) over its tokens, where w is made for the whole mini-batch (as_token_weights), so
 * that the micro-batches it is computed in do not show in the gradient but for the order of sums. */
#ifndef AS_TRAIN_RL_H
#define AS_TRAIN_RL_H
#include "model/transformer.h"
#include "train/optimizer.h"
#include "train/rl_options.h"
#include "train/rollouts.h"
#include "train/sft_data.h"

typedef struct as_rl as_rl;

/* What a step needs, all of it the caller's; it must outlive the step's object. */
typedef struct as_rl_parts {
    as_optimizer *optimizer; /* of the policy */
    as_run *run;             /* of the policy; trains. Its passes hold one prompt (a sequence) with a response (another) at least */
    as_run_options limits;   /* run's */
    as_run *reference;       /* the frozen reference's forward passes, of the same limits; NULL: there is none */
    as_run *critic; /* values of AS_EST_GAE: of a model of its own with a score head, of the same limits; or `run` itself, whose
                       head then shares the policy's weights; NULL: none */
    as_optimizer *critic_optimizer; /* of a critic of its own; else NULL */
    const as_sft_data *ptx;  /* texts that every update learns too, at ptx_coef; NULL: none */
} as_rl_parts;

/* AS_EUSAGE for options that do not go together: KL without a reference, GAE without a critic, a cap without recomputation ... */
int as_rl_new(as_rl **out, const as_rl_parts *parts, const as_rl_options *options, as_err *err);
void as_rl_free(as_rl *rl); /* NULL is fine */

/* The rewards of a step. */
typedef struct as_rl_rewards {
    const double *score;  /* [rows] */
    const bool *is_out;   /* [rows] not scored: in no statistic and in no loss; NULL: none */
    const double *greedy; /* [groups] of the greedy response, for AS_EST_REMAX; NaN: it was not scored, and the group is out */
} as_rl_rewards;

/* What is carried from step to step, and stands in a checkpoint. */
typedef struct as_rl_state {
    uint64_t updates, critic_updates; /* of the optimizers */
    double kl_coef;
} as_rl_state;
as_rl_state as_rl_get_state(const as_rl *rl);
void as_rl_set_state(as_rl *rl, as_rl_state state);

/* Means are over what is in the loss: tokens for those of tokens, updates for those of updates; NaN where there is none. Ratios and
 * ppo_kl are of the tokens that were computed: not those of rows whose gradient is 0 in any case. */
typedef struct as_rl_stats {
    uint64_t tokens, responses;            /* in the loss */
    uint64_t groups, zero_groups, all_out; /* with a scored row; of these, where all rewards are equal; without a scored row */
    uint64_t updates, critic_updates;      /* done */
    uint64_t skipped;                      /* refused since the gradient was not finite */
    double loss, policy_loss, kl_loss, entropy_loss, grad_norm, lr; /* entropy_loss: 0 without its coefficient */
    double entropy; /* of the sampler, per token */
    double ppo_kl;      /* mean of old - new log-probability */
    double clip_fraction, clip_fraction_low; /* the clipped term was taken; the dual bound was */
    double ratio_min, ratio_max;
    double kl;          /* mean estimate against the reference, before the first update */
    double kl_coef;
    double advantage_min, advantage_max, advantage_mean;
    double reward_mean, reward_std, reward_min, reward_max; /* of rows that count, the overlong punishment included */
    double sampler_difference; /* max |sampler's - trainer's| log-probability at the first mini-batch, before any update */
    double ptx_loss, value_loss, value_clip_fraction, explained_variance, critic_grad_norm, critic_lr;
    double seconds_old, seconds_reference, seconds_value, seconds_update;
} as_rl_stats;

/* The `step`-th, from 1: learning rates and the order of mini-batches follow from it. 0 also where nothing was in the loss
 * (updates 0). An update whose gradient is not finite is skipped and counted; the rest goes on. */
int as_rl_step(as_rl *rl, uint64_t step, const as_rollouts *rollouts, const as_rl_rewards *rewards, as_rl_stats *stats,
               as_err *err);
#endif
