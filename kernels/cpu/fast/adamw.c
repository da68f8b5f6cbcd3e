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

ALWAYS void update(k_type copy_type, const adamw *s, int64_t begin, int64_t end)
{
    const k_adamw *a = s->a;
    const vf b1 = v_set(s->b1), b2 = v_set(s->b2), rest1 = v_set(1 - s->b1),
             rest2 = v_set(1 - s->b2);
    for (int64_t i = begin; i < end; i += VL) {
        const vf g = v_read(K_F32, a->grad, i, end) * s->grad_scale;
        const vf m = v_fma(b1, v_read(K_F32, a->m, i, end), rest1 * g);
        const vf v = v_fma(b2, v_read(K_F32, a->v, i, end), rest2 * g * g);
        const vf down = s->rate * m / v_fma(v_sqrt(v), v_set(s->unbias), v_set(s->eps));
        const vf p = v_fma(v_read(K_F32, a->master, i, end), v_set(s->decay), -down);
        v_write(K_F32, a->m, i, end, m);
        v_write(K_F32, a->v, i, end, v);
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

int OP(adamw)(k_device *dev, const k_adamw *a)
{
    if (a->real != K_F32 || (a->copy && !is_known(a->copy_type)))
        return K_ETYPE;
    if (!a->master || !a->m || !a->v || !a->grad || a->n < 0 || a->step < 1)
        return K_EARG;
    const adamw s = { .a = a,
                      .b1 = (float)a->beta1,
                      .b2 = (float)a->beta2,
                      .eps = (float)a->eps,
                      .decay = (float)(1 - a->lr * a->weight_decay),
                      .rate = (float)(a->lr / (1 - power(a->beta1, a->step))),
                      .unbias = (float)(1 / __builtin_sqrt(1 - power(a->beta2, a->step))),
                      .grad_scale = (float)a->grad_scale };
    k_fast_rows(fast_of(dev), a->n, LEAST, update_part, &s);
    return K_OK;
}
