/* lmhead.c -- the head: h[M,d], w[V,d] -> log-probability of each row's target, entropy, lse; and
 * its backward from their gradients. One row of logits z[V] at a time lies in the scratch.
 * SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

size_t NAIVE(lmhead_scratch)(k_device *dev, k_type type, int64_t m, int64_t d, int64_t vocab)
{
    (void)dev, (void)type, (void)m, (void)d;
    return ((size_t)vocab + 1) * sizeof(real);
}

static int targets_ok(const int32_t *targets, int64_t m, int64_t vocab)
{
    for (int64_t i = 0; i < m; i++)
        if (targets[i] < 0 || targets[i] >= vocab)
            return K_EINDEX;
    return K_OK;
}

/* z = h[row] w^T / temperature */
static void logits_of(real *z, const void *h, k_type h_type, const void *w, k_type type,
                      int64_t row, int64_t d, int64_t vocab, double temperature)
{
    for (int64_t j = 0; j < vocab; j++) {
        real sum = 0;
        for (int64_t i = 0; i < d; i++)
            sum += get(h, h_type, row * d + i) * get(w, type, j * d + i);
        z[j] = sum / (real)temperature;
    }
}

/* What is said of a row with these logits. */
static void score_row(const real *z, int64_t vocab, int32_t target, int64_t row, real *logp,
                      real *lse, real *entropy)
{
    real max = z[0], sum = 0, mean = 0;
    for (int64_t j = 1; j < vocab; j++)
        max = z[j] > max ? z[j] : max;
    for (int64_t j = 0; j < vocab; j++) {
        real e = r_exp(z[j] - max);
        sum += e;
        mean += e * (z[j] - max);
    }
    lse[row] = max + r_log(sum);
    logp[row] = z[target] - max - r_log(sum);
    if (entropy)
        entropy[row] = r_log(sum) - mean / sum;
}

int NAIVE(lmhead_logprob)(k_device *dev, const k_lmhead *a)
{
    (void)dev;
    const k_type h_type = k_type_or(a->h_type, a->type);
    if (known(a->type) != K_OK || !k_is_type_or_real(h_type, a->type))
        return K_ETYPE;
    if (!a->h || !a->w || !a->targets || !a->logp || !a->lse || !a->scratch || a->m < 0 ||
        a->d < 0 || a->vocab <= 0 || !(a->temperature > 0))
        return K_EARG;
    if (targets_ok(a->targets, a->m, a->vocab) < 0)
        return K_EINDEX;
    real *z = a->scratch;
    for (int64_t row = 0; row < a->m; row++) {
        logits_of(z, a->h, h_type, a->w, a->type, row, a->d, a->vocab, a->temperature);
        score_row(z, a->vocab, a->targets[row], row, a->logp, a->lse, a->entropy);
    }
    return K_OK;
}

/* dL/dz of one row, in place of z. */
static void grad_of_logits(real *z, const k_lmhead_grad *a, int64_t row)
{
    real lse = ((const real *)a->lse)[row], c = ((const real *)a->coef)[row];
    real e = a->ecoef ? ((const real *)a->ecoef)[row] : 0;
    real entropy = a->ecoef ? ((const real *)a->entropy)[row] : 0;
    for (int64_t j = 0; j < a->vocab; j++) {
        real logp = z[j] - lse, p = r_exp(logp);
        z[j] = c * ((real)(j == a->targets[row]) - p) - e * p * (logp + entropy);
    }
}

int NAIVE(lmhead_grad)(k_device *dev, const k_lmhead_grad *a)
{
    (void)dev;
    const k_type h_type = k_type_or(a->h_type, a->type);
    if (known(a->type) != K_OK || !k_is_type_or_real(h_type, a->type))
        return K_ETYPE;
    if (!a->h || !a->w || !a->targets || !a->lse || !a->coef || !a->scratch ||
        (a->ecoef && !a->entropy) || a->m < 0 || a->d < 0 || a->vocab <= 0 || !(a->temperature > 0))
        return K_EARG;
    if (targets_ok(a->targets, a->m, a->vocab) < 0)
        return K_EINDEX;
    real *z = a->scratch, *dw = a->dw;
    for (int64_t row = 0; row < a->m; row++) {
        logits_of(z, a->h, h_type, a->w, a->type, row, a->d, a->vocab, a->temperature);
        if (a->logp)
            score_row(z, a->vocab, a->targets[row], row, a->logp, a->lse, a->entropy);
        grad_of_logits(z, a, row);
        for (int64_t i = 0; i < a->d; i++) {
            real dh = 0, h = get(a->h, h_type, row * a->d + i);
            for (int64_t j = 0; j < a->vocab; j++) {
                dh += z[j] * get(a->w, a->type, j * a->d + i);
                if (dw)
                    dw[j * a->d + i] += z[j] * h / (real)a->temperature;
            }
            if (a->dh)
                put(a->dh, h_type, row * a->d + i, dh / (real)a->temperature);
        }
    }
    return K_OK;
}
