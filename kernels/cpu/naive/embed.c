/* embed.c -- rows of table[V,d] by token: ids[T] -> y[T,d]. SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

static int ids_ok(const int32_t *ids, int64_t tokens, int64_t vocab)
{
    for (int64_t t = 0; t < tokens; t++)
        if (ids[t] < 0 || ids[t] >= vocab)
            return K_EINDEX;
    return K_OK;
}

int NAIVE(embed)(k_device *dev, const k_embed *a)
{
    (void)dev;
    const k_type y_type = k_type_or(a->y_type, a->type);
    if (known(a->type) != K_OK || !k_is_type_or_real(y_type, a->type))
        return K_ETYPE;
    if (!a->ids || !a->table || !a->y || a->tokens < 0 || a->d < 0)
        return K_EARG;
    if (ids_ok(a->ids, a->tokens, a->vocab) < 0)
        return K_EINDEX;
    for (int64_t t = 0; t < a->tokens; t++)
        for (int64_t i = 0; i < a->d; i++)
            put(a->y, y_type, t * a->d + i, get(a->table, a->type, a->ids[t] * a->d + i));
    return K_OK;
}

int NAIVE(embed_bwd)(k_device *dev, const k_embed_bwd *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->ids || !a->dy || !a->dtable || a->tokens < 0 || a->d < 0)
        return K_EARG;
    if (ids_ok(a->ids, a->tokens, a->vocab) < 0)
        return K_EINDEX;
    real *dtable = a->dtable;
    for (int64_t t = 0; t < a->tokens; t++)
        for (int64_t i = 0; i < a->d; i++)
            dtable[a->ids[t] * a->d + i] += get(a->dy, a->type, t * a->d + i);
    return K_OK;
}
