/* embed.c -- rows of table[V,d] by token: ids[T] -> y[T,d]; backward: dy[T,d] added to the rows. A
 * part of the backward has its own ids and goes through the tokens in order, so every row is summed
 * in that order. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"

#define LEAST 8192

static void embed_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_embed *a = arg;
    const bool is_wider = a->type == K_BF16 && a->y_type == K_F32;
    for (int64_t t = begin; t < end; t++) {
        const void *row = at(a->type, a->table, a->ids[t] * a->d);
        if (is_wider)
            for (V_EACH(i, a->d))
                v_write(K_F32, (float *)a->y + t * a->d, i, a->d, v_read(K_BF16, row, i, a->d));
        else
            memcpy(at_mut(a->type, a->y, t * a->d), row, (size_t)a->d * k_type_size(a->type));
    }
}

int OP(embed)(k_device *dev, const k_embed *a)
{
    if (!is_known(a->type) || !k_is_type_or_real(a->y_type, a->type))
        return K_ETYPE;
    if (!a->ids || !a->table || !a->y || a->tokens < 0 || a->d < 0)
        return K_EARG;
    if (!indices_ok(a->ids, a->tokens, a->vocab))
        return K_EINDEX;
    if (a->d > 0)
        k_fast_rows(fast_of(dev), a->tokens, 1 + LEAST / a->d, embed_part, a);
    return K_OK;
}

ALWAYS void add_row(k_type type, float *sum, const void *dy, int64_t from, int64_t d)
{
    for (V_EACH(i, d))
        v_write(K_F32, sum, i, d, v_read(K_F32, sum, i, d) + v_read(type, dy, from + i, from + d));
}

#define SHARES 16 /* of the ids: id mod SHARES */

static void embed_bwd_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_embed_bwd *a = arg;
    for (int64_t t = 0; t < a->tokens; t++) {
        const int64_t share = a->ids[t] % SHARES;
        if (share >= begin && share < end)
            BY_TYPE(a->type, add_row, (float *)a->dtable + a->ids[t] * a->d, a->dy, t * a->d, a->d);
    }
}

int OP(embed_bwd)(k_device *dev, const k_embed_bwd *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->ids || !a->dy || !a->dtable || a->tokens < 0 || a->d < 0)
        return K_EARG;
    if (!indices_ok(a->ids, a->tokens, a->vocab))
        return K_EINDEX;
    k_fast_rows(fast_of(dev), SHARES, a->tokens * a->d < LEAST ? SHARES : 1, embed_bwd_part, a);
    return K_OK;
}
