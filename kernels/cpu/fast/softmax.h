/* softmax.h -- the distribution of one row of logits: one way of computing it, so that the
 * log-probabilities of the sampler and those of the trainer are the same numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_SOFTMAX_H
#define K_FAST_SOFTMAX_H
#include "kernels/cpu/fast/vmath.h"

typedef struct distribution {
    float max, sum, log_sum, entropy; /* sum: of exp(z - max), z the logits over the temperature */
} distribution;

static inline float log_probability(const distribution *of, float logit, float temperature)
{
    return logit / temperature - of->max - of->log_sum;
}

/* As softmax_row, which see; compiled for the temperature. */
ALWAYS distribution softmax_at(const float temperature, float *e, const float *z, int64_t n)
{
    const int64_t whole = n / VL * VL;
    vf top = v_set(-__builtin_inff()), sum = { 0 }, mean = { 0 };
    for (int64_t j = 0; j < whole; j += VL)
        top = v_max(v_load(z + j) / temperature, top);
    float max = v_top(top);
    for (int64_t j = whole; j < n; j++)
        max = z[j] / temperature > max ? z[j] / temperature : max;
    for (int64_t j = 0; j < n; j += VL) {
        const vf s = v_read(K_F32, z, j, n) / temperature - max;
        vf x = v_exp(s);
        if (j == whole) { /* lanes behind the row count nothing */
            float lanes[VL] = { 0 };
            v_put_n(K_F32, lanes, 0, x, n - j);
            x = v_load(lanes);
        }
        if (e)
            v_write(K_F32, e, j, n, x);
        sum += x;
        mean += v_pick((vi)(x > 0.0f) | v_is_nan(x), x * s,
                       (vf){ 0 }); /* a logit of -inf adds nothing */
    }
    distribution of = { .max = max, .sum = v_sum(sum) };
    of.log_sum = s_log(of.sum);
    of.entropy = of.log_sum - v_sum(mean) / of.sum;
    return of;
}

/* Of z[n] / temperature; exp(z - max) goes to e[n] where e is given. Nothing is divided by 1, which
 * would take as long as the rest. */
static inline distribution softmax_row(float *e, const float *z, int64_t n, float temperature)
{
    return temperature == 1 ? softmax_at(1, e, z, n) : softmax_at(temperature, e, z, n);
}
#endif
