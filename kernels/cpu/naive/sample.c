/* sample.c -- from logits[rows,V] one id a row: temperature, top-k, top-p, min-p, then the inverse
 * of the cumulated probabilities at a counted draw (philox.h). The scratch holds p[V] and the ranks
 * [V] of one row. SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

#include "kernels/philox.h"

#include <stdlib.h>

typedef struct ranked {
    real p;
    int32_t id;
} ranked;

size_t NAIVE(sample_scratch)(k_device *dev, int64_t rows, int64_t vocab)
{
    (void)dev, (void)rows;
    return ((size_t)vocab + 1) * (sizeof(real) + sizeof(ranked));
}

static int by_rank(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    if (a->p != b->p)
        return a->p < b->p ? 1 : -1;
    return (a->id > b->id) - (a->id < b->id);
}

/* p = softmax(z / temperature) over n. log p[id], by the same steps as lmhead_logprob, is
 * z[id] / temperature - max - log_sum. */
typedef struct distribution {
    real max, log_sum, entropy;
} distribution;

static distribution softmax(real *p, const real *z, int64_t n, real temperature)
{
    real max = z[0] / temperature, sum = 0, mean = 0;
    for (int64_t j = 1; j < n; j++)
        max = z[j] / temperature > max ? z[j] / temperature : max;
    for (int64_t j = 0; j < n; j++) {
        real s = z[j] / temperature - max, e = r_exp(s);
        p[j] = e;
        sum += e;
        mean += e > 0 ? e * s : 0; /* a logit of -inf adds nothing */
    }
    for (int64_t j = 0; j < n; j++)
        p[j] /= sum;
    return (distribution){ max, r_log(sum), r_log(sum) - mean / sum };
}

/* How many of the ranked are kept. */
static int64_t kept(const ranked *r, int64_t n, const k_sample_row *how)
{
    if (how->top_k > 0 && how->top_k < n)
        n = how->top_k;
    if (how->top_p < 1) {
        real total = 0, before = 0;
        for (int64_t i = 0; i < n; i++)
            total += r[i].p;
        int64_t i = 0;
        for (; i < n && (i == 0 || before / total < (real)how->top_p); i++)
            before += r[i].p;
        n = i;
    }
    while (n > 1 && r[n - 1].p < (real)how->min_p * r[0].p)
        n--;
    return n;
}

/* The kept ids' probabilities stay in p, the others' become 0. Returns the kept total. */
static real filter(real *p, ranked *r, int64_t n, const k_sample_row *how)
{
    for (int64_t j = 0; j < n; j++)
        r[j] = (ranked){ p[j], (int32_t)j };
    qsort(r, (size_t)n, sizeof *r, by_rank);
    for (int64_t i = kept(r, n, how); i < n; i++)
        p[r[i].id] = 0;
    real total = 0;
    for (int64_t j = 0; j < n; j++)
        total += p[j];
    return total;
}

static int64_t drawn(const real *p, int64_t n, double threshold)
{
    double sum = 0;
    int64_t last = 0;
    for (int64_t j = 0; j < n; j++) {
        if (!(p[j] > 0))
            continue;
        sum += (double)p[j];
        last = j;
        if (sum > threshold)
            break;
    }
    return last;
}

static int64_t largest(const real *z, int64_t n)
{
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++)
        if (z[j] > z[best])
            best = j;
    return best;
}

int NAIVE(sample)(k_device *dev, const k_sample *a)
{
    (void)dev;
    if (!is_real(a->type))
        return K_ETYPE;
    if (!a->logits || !a->how || !a->ids || !a->scratch || a->rows < 0 || a->n_valid <= 0 ||
        a->n_valid > a->vocab || a->vocab > INT32_MAX)
        return K_EARG;
    ranked *r = a->scratch;
    real *p = (real *)(void *)(r + a->vocab);
    for (int64_t row = 0; row < a->rows; row++) {
        const k_sample_row *how = &a->how[row];
        const real *z = (const real *)a->logits + row * a->vocab;
        bool greedy = !(how->temperature > 0);
        real temperature = greedy ? 1 : (real)how->temperature, total = 1;
        distribution of = softmax(p, z, a->vocab, temperature);
        int64_t id = greedy ? largest(z, a->n_valid) : 0;
        if (!greedy) {
            total = filter(p, r, a->n_valid, how);
            double u = k_draw(how->seed, how->prompt, how->sample, how->position);
            id = drawn(p, a->n_valid, u * (double)total);
        }
        a->ids[row] = (int32_t)id;
        real logp = z[id] / temperature - of.max - of.log_sum;
        if (a->logp)
            ((real *)a->logp)[row] = logp;
        if (a->kept_logp)
            ((real *)a->kept_logp)[row] = greedy ? 0 : logp - r_log(total);
        if (a->entropy)
            ((real *)a->entropy)[row] = of.entropy;
    }
    return K_OK;
}
