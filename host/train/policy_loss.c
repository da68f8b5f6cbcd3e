/* policy_loss.c -- see policy_loss.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/policy_loss.h"

#include <math.h>

enum { MOST_EXPONENT = 20 };

double as_ratio(double logp, double old_logp, bool *held)
{
    const double x = logp - old_logp;
    *held = x > MOST_EXPONENT || x < -MOST_EXPONENT;
    return exp(fmin(fmax(x, -MOST_EXPONENT), MOST_EXPONENT));
}

/* Of a ratio whose derivative by the log-probability is itself, or 0 where it was held. */
static as_token_loss loss_of(double ratio, bool held, double advantage, as_clip clip)
{
    const double within = fmin(fmax(ratio, 1 - clip.low), 1 + clip.high);
    const double free = -advantage * ratio, clipped = -advantage * within,
                 bound = -advantage * clip.dual;
    as_token_loss l = {
        .ratio = ratio, .is_held = held, .loss = free, .gradient = held ? 0 : free
    };
    if (clipped > free) {
        l.loss = clipped;
        l.gradient = 0;
        l.is_clipped = true;
    }
    if (clip.dual > 0 && advantage < 0 && bound < l.loss) {
        l.loss = bound;
        l.gradient = 0;
        l.is_dual = true;
    }
    return l;
}

as_token_loss as_policy_loss(double logp, double old_logp, double advantage, as_clip clip)
{
    bool held;
    const double ratio = as_ratio(logp, old_logp, &held);
    as_token_loss l = loss_of(ratio, held, advantage, clip);
    l.log_ratio = logp - old_logp;
    return l;
}

as_token_loss as_policy_loss_sequence(const double *logp, const double *old_logp, size_t n,
                                      double advantage, as_clip clip)
{
    double mean = 0;
    bool held;
    for (size_t t = 0; t < n; t++)
        mean += logp[t] - old_logp[t];
    mean /= (double)n;
    const double ratio = as_ratio(mean, 0, &held);
    as_token_loss l = loss_of(ratio, held, advantage, clip);
    l.log_ratio = mean;
    return l;
}

void as_token_weights(const as_rows *rows, as_aggregation how, size_t longest, double *weight)
{
    double n_rows = 0, n_tokens = 0;
    for (size_t r = 0; r < rows->n; r++)
        if (as_row_counts(rows, r) && as_row_length(rows, r)) {
            n_rows++;
            n_tokens += (double)as_row_length(rows, r);
        }
    for (size_t r = 0; r < rows->n; r++) {
        const double length = (double)as_row_length(rows, r);
        double by = n_tokens;
        if (how == AS_SEQ_MEAN_TOKEN_SUM)
            by = n_rows;
        else if (how == AS_SEQ_MEAN_TOKEN_MEAN)
            by = n_rows * length;
        else if (how == AS_SEQ_SUM_NORM)
            by = (double)longest;
        else if (how == AS_SEQ_MEAN_NORM)
            by = n_rows * (double)longest;
        weight[r] = as_row_counts(rows, r) && length > 0 && by > 0 ? 1 / by : 0;
    }
}
