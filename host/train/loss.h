/* loss.h -- the other losses of reinforcement learning from feedback, each with its derivative, and their sum. The numbers of
 * equations are those of docs/ALGORITHMS.md. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_LOSS_H
#define AS_TRAIN_LOSS_H
#include <stdbool.h>
#include <stddef.h>

/* Bradley-Terry: l = softplus(r_l - r_w) = -log sigma(r_w - r_l) (Ouyang et al. 2022, eq. 1); the derivative by r_w is -sigma(r_l -
 * r_w), by r_l its opposite. Without overflow for any finite rewards. */
double as_preference_loss(double chosen, double rejected, double *by_chosen);

typedef struct as_value_clip {
    double range;    /* the value within old - range .. old + range; 0: (11) as it stands, without a clip */
    bool is_halved;  /* 0.5 (V - R)^2, as verl has it */
} as_value_clip;
/* (11) l = (V - R)^2, or the larger of that and the one of the clipped value. */
double as_value_loss(double value, double old_value, double returns, as_value_clip clip, double *by_value, bool *is_clipped);
/* 1 - Var(R - V) / (Var(R) + 1e-5): how much of the returns the critic explains. NULL-free arrays of n; n < 2: 0. */
double as_explained_variance(const double *value, const double *returns, size_t n);

/* (12) L_ent = -mean H; H = logsumexp(z) - sum p z is the engine's. */
double as_entropy_loss(const double *entropy, const double *weight, size_t n);
/* (13) L_ptx = -mean over texts of the sum of log-probabilities of their tokens. sum_logp[n] of each text. */
double as_ptx_loss(const double *sum_logp, size_t n);

typedef struct as_loss_terms {
    double policy, value, entropy, ptx;
} as_loss_terms;
/* (14) L = L_policy + c_v L_value + c_ent L_ent + c_ptx L_ptx; `by` holds the three coefficients, and 1 for the policy. */
double as_total_loss(const as_loss_terms *of, const as_loss_terms *by);
#endif
