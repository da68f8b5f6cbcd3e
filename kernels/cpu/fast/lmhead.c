/* lmhead.c -- the head: h[M,d], w[V,d] -> log-probability of each row's target, entropy, lse; and
 * its backward from their gradients. Logits of some rows z[R,V] at a time lie in the scratch, from
 * product.c; their row sums run in VL lanes, folded at the end. R does not change a bit: rows are
 * independent, and sums over rows run on from chunk to chunk. SPDX-License-Identifier: Apache-2.0
 */
#include "kernels/cpu/fast/ops.h"
#include "kernels/cpu/fast/product.h"
#include "kernels/cpu/fast/softmax.h"

/* Rows of a chunk: logits of 96 MB, but enough rows for a product and no more than there are. For
 * each chunk w is brought into form, and its gradient read and written. */
static int64_t chunk_rows(int64_t m, int64_t vocab)
{
    int64_t rows = (INT64_C(24) << 20) / (vocab > 0 ? vocab : 1) / 96 * 96;
    rows = rows < 96 ? 96 : rows > 960 ? 960 : rows;
    return rows < m ? rows : m > 0 ? m : 1;
}

size_t OP(lmhead_scratch)(k_device *dev, k_type type, int64_t m, int64_t d, int64_t vocab)
{
    (void)dev, (void)type, (void)d;
    return (size_t)chunk_rows(m, vocab) * (size_t)(vocab + 1) * sizeof(float);
}

/* z = h w^T of the rows; the temperature comes later. */
static int logits(fast_device *dev, const k_lmhead *a, int64_t first, int64_t n)
{
    const product p = { .m = n,
                        .n = a->vocab,
                        .k = a->d,
                        .a_type = k_type_or(a->h_type, a->type),
                        .b_type = a->type,
                        .a = at(k_type_or(a->h_type, a->type), a->h, first * a->d),
                        .lda = a->d,
                        .b = a->packed ? a->packed : a->w,
                        .ldb = a->d,
                        .b_form = a->packed ? B_PACKED : B_BY_J,
                        .c = a->scratch,
                        .ldc = a->vocab,
                        .c_type = K_F32,
                        .to_16_bits = a->type == K_BF16 };
    return LEVEL(k_product)(dev, &p);
}

static bool arguments_ok(const k_lmhead *a)
{
    return a->h && a->w && a->targets && a->logp && a->lse && a->scratch && a->m >= 0 &&
           a->d >= 0 && a->vocab > 0 && a->temperature > 0;
}

typedef struct chunk {
    const k_lmhead *a;
    const k_lmhead_grad *grad; /* NULL: the log-probs alone are asked for */
    int64_t first;
} chunk;

static void score_row(const k_lmhead *a, int64_t row, const float *z)
{
    const float temperature = (float)a->temperature;
    const distribution of = softmax_row(NULL, z, a->vocab, temperature);
    ((float *)a->lse)[row] = of.max + of.log_sum;
    ((float *)a->logp)[row] = log_probability(&of, z[a->targets[row]], temperature);
    if (a->entropy)
        ((float *)a->entropy)[row] = of.entropy;
}

static void score_rows(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const chunk *c = arg;
    for (int64_t r = begin; r < end; r++)
        score_row(c->a, c->first + r, (const float *)c->a->scratch + r * c->a->vocab);
}

int OP(lmhead_logprob)(k_device *dev, const k_lmhead *a)
{
    fast_device *fast = fast_of(dev);
    if (!is_known(a->type) || !k_is_type_or_real(a->h_type, a->type))
        return K_ETYPE;
    if (!arguments_ok(a))
        return K_EARG;
    if (!indices_ok(a->targets, a->m, a->vocab))
        return K_EINDEX;
    const int64_t rows = chunk_rows(a->m, a->vocab);
    for (int64_t first = 0; first < a->m; first += rows) {
        const int64_t n = a->m - first < rows ? a->m - first : rows;
        if (logits(fast, a, first, n) != K_OK)
            return K_ENOMEM;
        const chunk c = { .a = a, .first = first };
        k_fast_rows(fast, n, 1 + 4096 / a->vocab, score_rows, &c);
    }
    return K_OK;
}

/* dL/dz over temperature of one row, in place of z. */
static void grade_row(const k_lmhead_grad *a, int64_t row, float *z)
{
    const float lse = ((const float *)a->lse)[row], cool = (float)(1 / a->temperature);
    const float c = ((const float *)a->coef)[row] * cool;
    const float e = a->ecoef ? ((const float *)a->ecoef)[row] * cool : 0;
    const float entropy = a->ecoef ? ((const float *)a->entropy)[row] : 0;
    const int64_t n = a->vocab, target = a->targets[row];
    const float z_target = z[target];
    for (V_EACH(j, n)) {
        const vf logp = v_read(K_F32, z, j, n) * cool - lse, p = v_exp(logp);
        v_write(K_F32, z, j, n, -p * v_fma(v_set(e), logp + entropy, v_set(c)));
    }
    const float logp = z_target * cool - lse, p = s_exp(logp);
    z[target] = c * (1 - p) - e * p * (logp + entropy);
}

static void grade_rows(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const chunk *c = arg;
    const k_lmhead_grad *a = c->grad;
    for (int64_t r = begin; r < end; r++) {
        const int64_t row = c->first + r;
        float *z = (float *)a->scratch + r * a->vocab;
        if (a->logp)
            score_row(c->a, row, z);
        if (((const float *)a->coef)[row] == 0 &&
            (!a->ecoef || ((const float *)a->ecoef)[row] == 0))
            memset(z, 0, (size_t)a->vocab * sizeof *z);
        else
            grade_row(a, row, z);
    }
}

static int spread_grads(fast_device *dev, const k_lmhead_grad *a, int64_t first, int64_t n)
{
    const k_type h_type = k_type_or(a->h_type, a->type);
    product p = { .m = n,
                  .n = a->d,
                  .k = a->vocab,
                  .a_type = K_F32,
                  .b_type = a->type,
                  .a = a->scratch,
                  .lda = a->vocab,
                  .b = a->w,
                  .ldb = a->d,
                  .b_form = B_BY_K,
                  .c = a->dh ? at_mut(h_type, a->dh, first * a->d) : NULL,
                  .ldc = a->d,
                  .c_type = h_type,
                  .to_16_bits = a->type == K_BF16 };
    if (a->dh && LEVEL(k_product)(dev, &p) != K_OK)
        return K_ENOMEM;
    if (!a->dw)
        return K_OK;
    p.m = a->vocab;
    p.k = n;
    p.a_by_k = true;
    p.b_type = h_type;
    p.b = at(h_type, a->h, first * a->d);
    p.c = a->dw;
    p.c_type = K_F32;
    p.accumulate = true;
    return LEVEL(k_product)(dev, &p);
}

int OP(lmhead_grad)(k_device *dev, const k_lmhead_grad *a)
{
    fast_device *fast = fast_of(dev);
    if (!is_known(a->type) || !k_is_type_or_real(a->h_type, a->type))
        return K_ETYPE;
    if (!a->h || !a->w || !a->targets || !a->lse || !a->coef || !a->scratch ||
        (a->ecoef && !a->entropy) || a->m < 0 || a->d < 0 || a->vocab <= 0 || !(a->temperature > 0))
        return K_EARG;
    if (!indices_ok(a->targets, a->m, a->vocab))
        return K_EINDEX;
    const k_lmhead forward = { .type = a->type,
                               .h_type = a->h_type,
                               .m = a->m,
                               .d = a->d,
                               .vocab = a->vocab,
                               .temperature = a->temperature,
                               .h = a->h,
                               .w = a->w,
                               .packed = a->packed_nt,
                               .targets = a->targets,
                               .logp = a->logp,
                               .entropy = a->entropy,
                               .lse = a->lse,
                               .scratch = a->scratch };
    const int64_t rows = chunk_rows(a->m, a->vocab);
    for (int64_t first = 0; first < a->m; first += rows) {
        const int64_t n = a->m - first < rows ? a->m - first : rows;
        if (logits(fast, &forward, first, n) != K_OK)
            return K_ENOMEM;
        const chunk c = { .a = &forward, .grad = a, .first = first };
        k_fast_rows(fast, n, 1 + 4096 / a->vocab, grade_rows, &c);
        if (spread_grads(fast, a, first, n) != K_OK)
            return K_ENOMEM;
    }
    return K_OK;
}
