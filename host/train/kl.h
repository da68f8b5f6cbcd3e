/* kl.h -- estimates of KL(policy || reference) from the log-probabilities of sampled tokens (Schulman 2020), x = lp - lp_ref.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_KL_H
#define AS_TRAIN_KL_H
#include <stdint.h>

typedef enum as_kl_kind {
    AS_KL_K1,      /* x: unbiased; (4) of docs/ALGORITHMS.md */
    AS_KL_ABS,     /* |x| */
    AS_KL_K2,      /* x^2 / 2: its gradient is that of the KL, its value is biased */
    AS_KL_K3,      /* e^-x - 1 + x: unbiased, never below 0; its gradient is not that of the KL */
    AS_KL_K3_PLUS  /* the value of k3 with the gradient of k2 */
} as_kl_kind;

/* Exponents are held within +-20 and values of k3 within +-10, as in verl; where that holds one, its gradient is 0. */
double as_kl(as_kl_kind kind, double logp, double ref_logp);
double as_kl_gradient(as_kl_kind kind, double logp, double ref_logp); /* by logp */

/* beta' = beta (1 + clip(kl / target - 1, -0.2, 0.2) n / horizon) (Ziegler et al. 2019, 2.2). */
double as_kl_adapt(double beta, double kl, double target, double n, double horizon);
#endif
