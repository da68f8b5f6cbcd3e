/* rope.c -- rotary positions in place: x[T,stride], the first `heads` heads of D numbers in each
 * row; tables cos, sin[max_pos, D/2]; number i of a head turns with number i + D/2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

static void turn(void *x, k_type type, int64_t at, int64_t half, const real *c, const real *s,
                 real sign)
{
    for (int64_t i = 0; i < half; i++) {
        real a = get(x, type, at + i), b = get(x, type, at + half + i);
        put(x, type, at + i, a * c[i] - b * s[i] * sign);
        put(x, type, at + half + i, b * c[i] + a * s[i] * sign);
    }
}

int NAIVE(rope)(k_device *dev, const k_rope *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->positions || !a->cos || !a->sin || !a->x || a->tokens < 0 || a->heads < 0 ||
        a->head_dim <= 0 || a->head_dim % 2 != 0 || a->stride < a->heads * a->head_dim)
        return K_EARG;
    for (int64_t t = 0; t < a->tokens; t++)
        if (a->positions[t] < 0 || a->positions[t] >= a->max_pos)
            return K_EINDEX;
    int64_t half = a->head_dim / 2;
    for (int64_t t = 0; t < a->tokens; t++) {
        const real *c = (const real *)a->cos + a->positions[t] * half;
        const real *s = (const real *)a->sin + a->positions[t] * half;
        for (int64_t h = 0; h < a->heads; h++)
            turn(a->x, a->type, t * a->stride + h * a->head_dim, half, c, s, a->inverse ? -1 : 1);
    }
    return K_OK;
}
