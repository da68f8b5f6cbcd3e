/* advantage.h -- how much better a response was than what was to be expected: the estimators that look at the rewards of whole
 * responses. Those that look at each token are in returns.h. Doubles, one thread; out[r] of a row that does not count is 0, and
 * so are those of a group in which nobody differs. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_ADVANTAGE_H
#define AS_TRAIN_ADVANTAGE_H
#include "base/err.h"
#include "train/rows.h"

typedef enum as_scale {
    AS_SCALE_NONE,  /* Dr. GRPO (Liu et al. 2025): a prompt's difficulty does not weigh */
    AS_SCALE_GROUP, /* GRPO (Shao et al. 2024, eq. 3) */
    AS_SCALE_BATCH  /* TRL's scale_rewards="batch": the group's mean, the standard deviation of all rows */
} as_scale;

/* What is known of one group; a view of what the estimators see, for metrics and for choosing groups. */
typedef struct as_group {
    size_t n; /* rows that count */
    double mean, std; /* std: Bessel's, with n - 1; 0 for n < 2 */
    double least, most;
} as_group;

/* groups[g] of group g, for all g < rows->n. */
void as_groups(const as_rows *rows, const double *reward, as_group *groups);
/* Does a group teach anything? DAPO's dynamic sampling (Yu et al. 2025, eq. 11) keeps those in which rewards differ. */
bool as_group_differs(const as_group *g);

/* A = (R - mean_g) / (std_g + eps); AS_SCALE_NONE: A = R - mean_g. A group of one has nothing to be compared with: 0 (verl
 * would take the reward itself). AS_ENOMEM. */
int as_advantage_grpo(const as_rows *rows, const double *reward, as_scale scale, double eps, double *out, as_err *err);

/* A = R - mean of the others of the group (Kool et al. 2019; Ahmadian et al. 2024, eq. 8). AS_ENOMEM. */
int as_advantage_rloo(const as_rows *rows, const double *reward, double *out, as_err *err);

/* Only the best row of a group counts: (best - second) / (std_g + eps), so that pass@k grows (verl's grpo_passk). AS_ENOMEM. */
int as_advantage_passk(const as_rows *rows, const double *reward, double eps, double *out, as_err *err);

/* Soft punishment of length: 0 up to `most` - `buffer` tokens, from there falling by `factor` over the buffer (DAPO, eq. 13). */
double as_overlong_penalty(size_t length, size_t most, size_t buffer, double factor);
#endif
