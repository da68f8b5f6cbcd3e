/* loss.c -- see loss.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/loss.h"

#include <math.h>

double as_preference_loss(double chosen, double rejected, double *by_chosen)
{
    const double z = rejected - chosen, e = exp(-fabs(z));
    *by_chosen = -(z > 0 ? 1 : e) / (1 + e);
    return fmax(z, 0) + log1p(e);
}

double as_value_loss(double value, double old_value, double returns, as_value_clip clip,
                     double *by_value, bool *is_clipped)
{
    const double scale = clip.is_halved ? 0.5 : 1, free = (value - returns) * (value - returns);
    const double held =
        clip.range > 0 ? fmin(fmax(value, old_value - clip.range), old_value + clip.range) : value;
    const double clipped = (held - returns) * (held - returns);
    *is_clipped = clipped > free;
    *by_value = *is_clipped ? 0 : 2 * scale * (value - returns);
    return scale * (*is_clipped ? clipped : free);
}

static double variance(const double *x, const double *less, size_t n)
{
    double mean = 0, sum = 0;
    for (size_t i = 0; i < n; i++)
        mean += (x[i] - (less ? less[i] : 0)) / (double)n;
    for (size_t i = 0; i < n; i++) {
        const double d = x[i] - (less ? less[i] : 0) - mean;
        sum += d * d;
    }
    return sum / (double)(n - 1);
}

double as_explained_variance(const double *value, const double *returns, size_t n)
{
    return n < 2 ? 0 : 1 - variance(returns, value, n) / (variance(returns, NULL, n) + 1e-5);
}

double as_entropy_loss(const double *entropy, const double *weight, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum -= weight[i] * entropy[i];
    return sum;
}

double as_ptx_loss(const double *sum_logp, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum -= sum_logp[i];
    return n ? sum / (double)n : 0;
}

double as_total_loss(const as_loss_terms *of, const as_loss_terms *by)
{
    return by->policy * of->policy + by->value * of->value + by->entropy * of->entropy +
           by->ptx * of->ptx;
}
