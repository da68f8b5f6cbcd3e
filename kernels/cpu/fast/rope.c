/* rope.c -- rotary positions in place: x[T,stride], the first `heads` heads of D numbers in each
 * row; tables cos, sin[max_pos,D/2]; number i of a head turns with number i + D/2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"

#define LEAST 8192

ALWAYS void turn(k_type type, void *x, int64_t low, int64_t half, const float *c, const float *s,
                 float sign)
{
    const int64_t high = low + half;
    for (V_EACH(i, half)) {
        const vf a = v_read(type, x, low + i, low + half),
                 b = v_read(type, x, high + i, high + half);
        const vf cosine = v_read(K_F32, c, i, half), sine = v_read(K_F32, s, i, half) * sign;
        v_write(type, x, low + i, low + half, a * cosine - b * sine);
        v_write(type, x, high + i, high + half, b * cosine + a * sine);
    }
}

ALWAYS void turn_rows(k_type type, const k_rope *a, int64_t begin, int64_t end)
{
    const int64_t half = a->head_dim / 2;
    for (int64_t t = begin; t < end; t++) {
        const float *c = (const float *)a->cos + a->positions[t] * half;
        const float *s = (const float *)a->sin + a->positions[t] * half;
        for (int64_t h = 0; h < a->heads; h++)
            turn(type, a->x, t * a->stride + h * a->head_dim, half, c, s,
                 a->inverse ? -1.0f : 1.0f);
    }
}

static void turn_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_rope *a = arg;
    BY_TYPE(a->type, turn_rows, a, begin, end);
}

int OP(rope)(k_device *dev, const k_rope *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->positions || !a->cos || !a->sin || !a->x || a->tokens < 0 || a->heads < 0 ||
        a->head_dim <= 0 || a->head_dim % 2 != 0 || a->stride < a->heads * a->head_dim)
        return K_EARG;
    if (!indices_ok(a->positions, a->tokens, a->max_pos))
        return K_EINDEX;
    k_fast_rows(fast_of(dev), a->tokens, 1 + LEAST / (a->heads * a->head_dim + 1), turn_part, a);
    return K_OK;
}
