/* returns.h -- returns and advantages of each token, and their whitening. Arrays are of tokens (rows.h), in double; numbers of
 * rows that do not count are 0. The numbers of equations are those of docs/ALGORITHMS.md. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_RETURNS_H
#define AS_TRAIN_RETURNS_H
#include "train/rows.h"

/* (3) r_t = -beta KL_t + 1{t = T} R: the score at the last token, the KL estimate of each with the weights that sampled it.
 * kl NULL: none. A response without tokens has nowhere to put its score, and gets none. */
void as_token_rewards(const as_rows *rows, const double *score, const double *kl, double beta, double *out);

/* G_t = r_t + gamma G_{t+1}. */
void as_returns(const as_rows *rows, const double *reward, double gamma, double *out);

/* (5) delta_t = r_t + gamma V_{t+1} - V_t, where V behind the last token is 0. */
double as_td_error(double reward, double gamma, double next_value, double value);
/* (6) A_t = sum_l (gamma lambda)^l delta_{t+l} (Schulman et al. 2016, eq. 16), (7) R_t = A_t + V_t. Not whitened. */
void as_gae(const as_rows *rows, const double *reward, const double *value, double gamma, double lambda, double *advantage,
            double *returns);

/* (x - mean) / sqrt(var + 1e-8) over the tokens of all rows that count: long rows weigh more, as in verl. population: the
 * variance is divided by n (OpenRLHF), else by n - 1. keeps_mean: only the scale changes. Fewer than two tokens: 0. */
typedef struct as_whitening {
    bool is_population, keeps_mean;
} as_whitening;
void as_whiten(const as_rows *rows, as_whitening how, double *x);

/* A number of each row to its tokens. */
void as_to_tokens(const as_rows *rows, const double *of_row, double *out);

/* REINFORCE++ (Hu 2025): whitened returns. */
void as_advantage_reinforce_pp(const as_rows *rows, const double *reward, double gamma, double *out);
/* Its variant with a baseline: R - mean of the group, given per row, to all tokens, whitened. */
void as_advantage_reinforce_pp_baseline(const as_rows *rows, const double *centred, as_whitening how, double *out);
/* ReMax (Li et al. 2024, eq. 5): the return less the reward of the greedy response to the same prompt. */
void as_advantage_remax(const as_rows *rows, const double *reward, const double *greedy, double *out);
#endif
