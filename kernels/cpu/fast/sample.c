/* sample.c -- from logits[rows,V] one id a row: temperature, top-k, top-p, min-p, then the inverse
 * of the cumulated probabilities at a counted draw (philox.h). A row's share of the scratch holds
 * p[V] and the candidates [V]: with top-p alone, those below (1 - top_p) / V / 2 of their total
 * cannot be kept and are not ranked. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"
#include "kernels/cpu/fast/softmax.h"
#include "kernels/philox.h"

#include <stdlib.h>

typedef struct ranked {
    float p;
    int32_t id;
} ranked;

static int64_t share(int64_t vocab)
{
    return (vocab + 15) / 16 * 16 * (int64_t)(sizeof(float) + sizeof(ranked));
}

size_t OP(sample_scratch)(k_device *dev, int64_t rows, int64_t vocab)
{
    (void)dev;
    return (size_t)(rows > 0 ? rows : 1) * (size_t)share(vocab) + 64;
}

/* Larger p first, of equal ones the smaller id. */
static bool is_before(ranked a, ranked b)
{
    return a.p != b.p ? a.p > b.p : a.id < b.id;
}

static int by_rank(const void *left, const void *right)
{
    const ranked *a = left, *b = right;
    return is_before(*a, *b) ? -1 : is_before(*b, *a) ? 1 : 0;
}

/* Hoare's selection: the first k of r[n] become the k first in rank, in no order. */
static void select_first(ranked *r, int64_t n, int64_t k)
{
    for (int64_t low = 0, high = n - 1; low < high;) {
        const ranked pivot = r[low + (high - low) / 2];
        int64_t i = low, j = high;
        while (i <= j) {
            while (is_before(r[i], pivot))
                i++;
            while (is_before(pivot, r[j]))
                j--;
            if (i <= j) {
                const ranked swapped = r[i];
                r[i++] = r[j];
                r[j--] = swapped;
            }
        }
        if (k - 1 <= j)
            high = j;
        else if (k - 1 >= i)
            low = i;
        else
            return;
    }
}

static float sum_of(const float *p, int64_t n)
{
    vf sum = { 0 };
    for (V_EACH(j, n))
        sum += v_read(K_F32, p, j, n);
    return v_sum(sum);
}

/* The last in rank that is kept. */
static ranked last_kept(const float *p, ranked *r, int64_t n, const k_sample_row *how)
{
    const bool has_top_k = how->top_k > 0 && how->top_k < n, has_top_p = how->top_p < 1;
    float total = sum_of(p, n), before = 0;
    const float least = has_top_k ? 0 : total * (1 - how->top_p) / (float)n * 0.5f;
    int64_t n_ranked = 0;
    for (int64_t j = 0; j < n; j++)
        if (p[j] >= least)
            r[n_ranked++] = (ranked){ p[j], (int32_t)j };
    if (n_ranked == 0) /* NaNs only: nothing is dropped */
        return (ranked){ 0, INT32_MAX };
    if (has_top_k && how->top_k < n_ranked) {
        select_first(r, n_ranked, how->top_k);
        n_ranked = how->top_k;
    }
    qsort(r, (size_t)n_ranked, sizeof *r, by_rank);
    if (has_top_k)
        total = 0;
    for (int64_t i = 0; has_top_k && i < n_ranked; i++)
        total += r[i].p;
    if (has_top_p) {
        int64_t i = 0;
        for (; i < n_ranked && (i == 0 || before / total < how->top_p); i++)
            before += r[i].p;
        n_ranked = i;
    }
    while (n_ranked > 1 && r[n_ranked - 1].p < how->min_p * r[0].p)
        n_ranked--;
    return r[n_ranked - 1];
}

/* The kept ids' probabilities stay in p, the others' become 0. Returns the kept total. */
static float filter(float *p, ranked *r, int64_t n, const k_sample_row *how)
{
    if ((how->top_k > 0 && how->top_k < n) || how->top_p < 1) {
        const ranked last = last_kept(p, r, n, how);
        for (int64_t j = 0; j < n; j++)
            if (is_before(last, (ranked){ p[j], (int32_t)j }))
                p[j] = 0;
    } else if (how->min_p > 0) {
        float largest = 0;
        for (int64_t j = 0; j < n; j++)
            largest = p[j] > largest ? p[j] : largest;
        for (int64_t j = 0; j < n; j++)
            if (p[j] < how->min_p * largest)
                p[j] = 0;
    }
    return sum_of(p, n);
}

#define RUN 256 /* ids whose sum is taken at once, on the way to the one drawn */

static int64_t drawn(const float *p, int64_t n, double threshold)
{
    double sum = 0;
    int64_t last = 0;
    for (int64_t first = 0; first < n; first += RUN) {
        const int64_t end = first + RUN < n ? first + RUN : n;
        const float run = sum_of(p + first, end - first);
        if (!(run > 0))
            continue;
        if (sum + (double)run <= threshold && end < n) {
            sum += (double)run;
            for (int64_t j = end - 1; j >= first; j--)
                if (p[j] > 0) {
                    last = j;
                    break;
                }
            continue;
        }
        double within = sum;
        for (int64_t j = first; j < end; j++) {
            if (!(p[j] > 0))
                continue;
            within += (double)p[j];
            last = j;
            if (within > threshold)
                return last;
        }
        sum += (double)run;
    }
    return last;
}

static int64_t largest(const float *z, int64_t n)
{
    int64_t best = 0;
    for (int64_t j = 1; j < n; j++)
        if (z[j] > z[best])
            best = j;
    return best;
}

static void sample_row(const k_sample *a, int64_t row)
{
    const k_sample_row *how = &a->how[row];
    const float *z = (const float *)a->logits + row * a->vocab;
    float *p = (float *)(void *)((char *)a->scratch + row * share(a->vocab));
    ranked *r = (ranked *)(void *)(p + (a->vocab + 15) / 16 * 16);
    const bool is_greedy = !(how->temperature > 0);
    const float temperature = is_greedy ? 1 : how->temperature;
    const distribution of = softmax_row(p, z, a->vocab, temperature);
    for (V_EACH(j, a->vocab))
        v_write(K_F32, p, j, a->vocab, v_read(K_F32, p, j, a->vocab) / of.sum);
    float total = 1;
    int64_t id;
    if (is_greedy) {
        id = largest(z, a->n_valid);
    } else {
        total = filter(p, r, a->n_valid, how);
        id = drawn(p, a->n_valid,
                   k_draw(how->seed, how->prompt, how->sample, how->position) * (double)total);
    }
    a->ids[row] = (int32_t)id;
    const float logp = log_probability(&of, z[id], temperature);
    if (a->logp)
        ((float *)a->logp)[row] = logp;
    if (a->kept_logp)
        ((float *)a->kept_logp)[row] = is_greedy ? 0 : logp - s_log(total);
    if (a->entropy)
        ((float *)a->entropy)[row] = of.entropy;
}

static void sample_rows(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    for (int64_t row = begin; row < end; row++)
        sample_row(arg, row);
}

int OP(sample)(k_device *dev, const k_sample *a)
{
    if (a->type != K_F32)
        return K_ETYPE;
    if (!a->logits || !a->how || !a->ids || !a->scratch || a->rows < 0 || a->n_valid <= 0 ||
        a->n_valid > a->vocab || a->vocab > INT32_MAX)
        return K_EARG;
    k_fast_rows(fast_of(dev), a->rows, 1 + 2048 / a->vocab, sample_rows, a);
    return K_OK;
}
