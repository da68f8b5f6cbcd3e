/* policy_loss.h -- the policy's loss of a token and its derivative by the token's log-probability; how tokens add up to the loss of
 * a step. The engine takes the derivatives as coefficients (transformer.h); nothing here knows a network. The numbers of
 * equations are those of docs/ALGORITHMS.md. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_POLICY_LOSS_H
#define AS_TRAIN_POLICY_LOSS_H
#include "train/rows.h"

typedef struct as_clip {
    double low, high; /* the ratio within 1 - low .. 1 + high: 0.2, 0.2 (PPO); 0.2, 0.28 (DAPO's clip-higher) */
    double dual;      /* for A < 0 no loss above -A dual (Ye et al. 2020, eq. 5); 0: none. verl: 3 */
} as_clip;

typedef struct as_token_loss {
    double loss, gradient;        /* gradient: by logp */
    double ratio, log_ratio;
    bool is_clipped, is_dual;     /* the clipped term was taken; the dual bound was */
    bool is_held;                 /* the ratio does not move with logp */
} as_token_loss;

/* (8) rho_t = exp(lp_t - lo_t), the exponent held within +-20; *held: it was. */
double as_ratio(double logp, double old_logp, bool *held);

/* (9, 10) l = -min(rho A, clip(rho, 1 - low, 1 + high) A) (Schulman et al. 2017, eq. 7). */
as_token_loss as_policy_loss(double logp, double old_logp, double advantage, as_clip clip);

/* GSPO (Zheng et al. 2025, eqs. 5 to 7): one ratio for the row, exp of the mean log-ratio; every token of it has the loss
 * and, through its own log-probability, the gradient that are returned. n > 0. */
as_token_loss as_policy_loss_sequence(const double *logp, const double *old_logp, size_t n, double advantage, as_clip clip);

typedef enum as_aggregation {
    AS_TOKEN_MEAN,             /* sum over tokens / tokens of the whole step: DAPO, verl */
    AS_SEQ_MEAN_TOKEN_SUM,     /* mean over rows of sums */
    AS_SEQ_MEAN_TOKEN_MEAN,    /* mean over rows of means: GRPO's paper, GSPO */
    AS_SEQ_SUM_NORM,           /* sum over tokens / longest: verl's seq-mean-token-sum-norm */
    AS_SEQ_MEAN_NORM           /* sum over tokens / (rows x longest): TRL's dr_grpo */
} as_aggregation;

/* weight[r] of each token of row r, so that L = sum weight l: made once for the whole step, whatever micro-batches it is computed
 * in. Rows that do not count, or have no tokens, weigh 0 and are not among the rows that are averaged. */
void as_token_weights(const as_rows *rows, as_aggregation how, size_t longest, double *weight);
#endif
