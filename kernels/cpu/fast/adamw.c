/* adamw.c -- AdamW over flat arrays [n], as torch.optim.AdamW computes it (kernels.h has the
 * formula). SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"

#define LEAST 8192

typedef struct adamw {
    const k_adamw *a;
    float b1, b2, eps, decay, rate, unbias, grad_scale;
} adamw;

/* b^n, n >= 1, by squaring: no libm. */
static double power(double b, int64_t n)
{
    double result = 1;
    while (n > 0) {
        if (n & 1)
            result *= b;
        b *= b;
        n >>= 1;
    }
    return result;
}

/* Moments i .. of a range that ends at `end`, and what becomes of its weights p. */
ALWAYS vf next_of(const adamw *s, vf p, int64_t i, int64_t end)
{
    const k_adamw *a = s->a;
    const vf b1 = v_set(s->b1), b2 = v_set(s->b2), rest1 = v_set(1 - s->b1),
             rest2 = v_set(1 - s->b2);
    const vf g = v_read(K_F32, a->grad, i, end) * s->grad_scale;
    const vf m = v_fma(b1, v_read(K_F32, a->m, i, end), rest1 * g);
    const vf v = v_fma(b2, v_read(K_F32, a->v, i, end), rest2 * g * g);
    const vf down = s->rate * m / v_fma(v_sqrt(v), v_set(s->unbias), v_set(s->eps));
    v_write(K_F32, a->m, i, end, m);
    v_write(K_F32, a->v, i, end, v);
    return v_fma(p, v_set(s->decay), -down);
}

ALWAYS void update(k_type copy_type, const adamw *s, int64_t begin, int64_t end)
{
    const k_adamw *a = s->a;
    for (int64_t i = begin; i < end; i += VL) {
        const vf p = next_of(s, v_read(K_F32, a->master, i, end), i, end);
        v_write(K_F32, a->master, i, end, p);
        if (a->copy)
            v_write(copy_type, a->copy, i, end, p);
    }
}

static void update_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const adamw *s = arg;
    BY_TYPE(s->a->copy_type, update, s, begin, end);
}

/* ---- without a master: rounded by chance ---- */

enum { GROUPS = 16, DRAWN = 4 * GROUPS };

/* The chances of elements 4 group .. 4 group + DRAWN - 1: k_chances, VL / 2 groups side by side, in
 * the lower halves of their lanes. */
static void draw(const k_adamw *a, uint64_t group, uint32_t *chance)
{
    const vl none = { 0 };
    for (uint64_t j = 0; j < GROUPS; j += VL / 2) {
        vl c0 = none + (group + j), c2 = none + (uint64_t)a->step, c3 = c2 >> 32;
        for (int64_t lane = 0; lane < VL / 2; lane++)
            c0[lane] += (uint64_t)lane;
        vl c1 = c0 >> 32;
        uint32_t k0 = (uint32_t)a->seed, k1 = (uint32_t)(a->seed >> 32);
        for (int round = 0; round < 10; round++, k0 += 0x9E3779B9u, k1 += 0xBB67AE85u) {
            const vl x = v_mul32(c0, none + 0xD2511F53u), y = v_mul32(c2, none + 0xCD9E8D57u);
            c0 = y >> 32 ^ c1 ^ k0;
            c1 = y;
            c2 = x >> 32 ^ c3 ^ k1;
            c3 = x;
        }
        const vl low = (c0 >> 16 & 0xffff) | (c1 << 16 & 0xffff00000000u);
        const vl high = (c2 >> 16 & 0xffff) | (c3 << 16 & 0xffff00000000u);
        for (int64_t lane = 0; lane < VL / 2; lane++) {
            const uint64_t four[2] = { low[lane], high[lane] };
            memcpy(chance + 4 * (j + (uint64_t)lane), four, sizeof four);
        }
    }
}

/* x with a lower half of zeros; what is not finite as it is. */
ALWAYS vf cut_by_chance(vf x, const uint32_t *chance)
{
    const vu bits = (vu)x;
    const vu is_finite = (vu)((bits & 0x7f800000u) != 0x7f800000u);
    const vu cut = (bits + *(const vu_any *)chance) & 0xffff0000u;
    return (vf)((is_finite & cut) | (~is_finite & bits));
}

static void update_by_chance(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const adamw *s = arg;
    const k_adamw *a = s->a;
    uint32_t chance[DRAWN + VL] = { 0 }; /* the last are read and not used */
    for (int64_t i = begin, last; i < end; i = last) {
        const uint64_t element = a->first + (uint64_t)i;
        const int64_t skip = (int64_t)(element % 4);
        last = i + DRAWN - skip < end ? i + DRAWN - skip : end;
        draw(a, element / 4, chance);
        for (int64_t k = i; k < last; k += VL) {
            const vf p = next_of(s, v_read(K_BF16, a->copy, k, last), k, last);
            v_write(K_BF16, a->copy, k, last, cut_by_chance(p, chance + skip + (k - i)));
        }
    }
}

int OP(adamw)(k_device *dev, const k_adamw *a)
{
    if (a->real != K_F32 || (a->copy && !is_known(a->copy_type)) ||
        (!a->master && a->copy_type != K_BF16))
        return K_ETYPE;
    if ((!a->master && !a->copy) || !a->m || !a->v || !a->grad || a->n < 0 || a->step < 1)
        return K_EARG;
    const adamw s = { .a = a,
                      .b1 = (float)a->beta1,
                      .b2 = (float)a->beta2,
                      .eps = (float)a->eps,
                      .decay = (float)(1 - a->lr * a->weight_decay),
                      .rate = (float)(a->lr / (1 - power(a->beta1, a->step))),
                      .unbias = (float)(1 / __builtin_sqrt(1 - power(a->beta2, a->step))),
                      .grad_scale = (float)a->grad_scale };
    k_fast_rows(fast_of(dev), a->n, LEAST, a->master ? update_part : update_by_chance, &s);
    return K_OK;
}
