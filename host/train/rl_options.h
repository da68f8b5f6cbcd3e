/* rl_options.h -- what makes one algorithm of reinforcement learning differ from another: every choice of a step, by its standard
 * name. Formulas are in advantage.h, returns.h, kl.h, policy_loss.h and loss.h. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_RL_OPTIONS_H
#define AS_TRAIN_RL_OPTIONS_H
#include "train/advantage.h"
#include "train/kl.h"
#include "train/loss.h"
#include "train/policy_loss.h"
#include "train/returns.h"
#include "train/schedule.h"

typedef enum as_estimator {
    AS_EST_GRPO, /* also DAPO, GSPO, Dr. GRPO (AS_SCALE_NONE) */
    AS_EST_RLOO,
    AS_EST_REINFORCE_PP,
    AS_EST_REINFORCE_PP_BASELINE,
    AS_EST_REMAX, /* needs the rewards of greedy responses */
    AS_EST_GAE,   /* needs a critic */
    AS_EST_PASSK
} as_estimator;

typedef enum as_kl_place { AS_KL_OFF, AS_KL_IN_REWARD, AS_KL_IN_LOSS } as_kl_place;
typedef enum as_zero_groups {
    AS_ZERO_KEEP,    /* groups in which all rewards are equal stay: tokens in the mean, KL and entropy act on them */
    AS_ZERO_DROP,    /* they are in no loss */
    AS_ZERO_RESAMPLE /* and others are sampled in their place: the caller's affair, dropped here */
} as_zero_groups;

typedef struct as_rl_options {
    /* advantages */
    as_estimator estimator;
    as_scale scale;       /* of AS_EST_GRPO */
    double advantage_eps; /* of AS_EST_GRPO and AS_EST_PASSK: 1e-6 in verl, 1e-4 in TRL */
    double gamma, lambda; /* of returns and GAE */
    as_zero_groups zero_groups;
    size_t overlong_buffer; /* tokens before `longest` in which a response is punished; 0: none */
    double overlong_factor;
    double reward_clip; /* a row's reward, the overlong punishment in it, is within +- this; 0: whatever it is */
    /* the loss */
    as_clip clip;
    as_aggregation aggregation;
    size_t longest; /* max_tokens of the sampling: the norm of two aggregations, and of the overlong buffer */
    double entropy_coef;
    as_kl_place kl_place;
    as_kl_kind kl_kind;
    double kl_coef;
    double kl_target; /* of the adaptive coefficient; 0: it stays */
    double kl_horizon;
    double ptx_coef;
    uint64_t ptx_batch; /* texts of an update */
    /* ratios */
    double importance_cap; /* of exp(old - sampler's), which weighs a token's loss; 0: none. With recomputes_old */
    /* the critic */
    as_value_clip value_clip;
    double value_coef;           /* of a head that shares the policy's weights: its part of the loss */
    as_schedule critic_schedule; /* of a critic of its own */
    uint64_t critic_warmup;      /* first steps in which the critic alone learns */
    /* updates */
    uint64_t epochs;     /* over the step's responses */
    uint64_t mini_batch; /* prompts of one update; 0: all */
    double temperature;  /* of the sampling, and so of all log-probabilities; > 0 */
    uint64_t seed;       /* of the order of mini-batches */
    as_schedule schedule;
    /* yes or no */
    as_whitening whitening; /* of AS_EST_REINFORCE_PP_BASELINE */
    bool masks_truncated;   /* responses that were cut off are in no loss; they stay in the statistics of their group */
    bool is_sequence_ratio; /* GSPO */
    bool kl_with_ratio;     /* the KL in the loss times the ratio, and through it: TRL's use_bias_correction_kl */
    bool recomputes_old;    /* old log-probabilities by a forward pass; else the sampler's, which are the same numbers here */
} as_rl_options;

as_rl_options as_rl_standard(void); /* GRPO on the step's responses once: no KL, no entropy, clip 0.2, mean over tokens */
#endif
