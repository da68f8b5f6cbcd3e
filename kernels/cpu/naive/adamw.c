/* adamw.c -- AdamW over flat arrays [n], as torch.optim.AdamW computes it (kernels.h has the
 * formula). SPDX-License-Identifier: Apache-2.0 */
#include "kernels/philox.h"
#include "naive.h"

static real weight(const k_adamw *a, int64_t i)
{
    return a->master ? ((const real *)a->master)[i] : get(a->copy, K_BF16, i);
}

/* Element i, rounded up or down by chance. */
static void put_by_chance(const k_adamw *a, int64_t i, real x)
{
    const uint64_t element = a->first + (uint64_t)i;
    const float f = (float)x;
    uint32_t word[4], bits;
    memcpy(&bits, &f, sizeof bits);
    k_chances(a->seed, element / 4, (uint64_t)a->step, word);
    if (isfinite(f))
        ((uint16_t *)a->copy)[i] = (uint16_t)((bits + (word[element % 4] >> 16)) >> 16);
    else
        put(a->copy, K_BF16, i, x);
}

int NAIVE(adamw)(k_device *dev, const k_adamw *a)
{
    (void)dev;
    if (!is_real(a->real) || (a->copy && known(a->copy_type) != K_OK) ||
        (!a->master && (a->real != K_F32 || a->copy_type != K_BF16)))
        return K_ETYPE;
    if ((!a->master && !a->copy) || !a->m || !a->v || !a->grad || a->n < 0 || a->step < 1)
        return K_EARG;
    real *master = a->master, *m = a->m, *v = a->v;
    const real *grad = a->grad;
    const real b1 = (real)a->beta1, b2 = (real)a->beta2, eps = (real)a->eps;
    const real decay = (real)(1 - a->lr * a->weight_decay);
    const real step = (real)(a->lr / (1 - pow(a->beta1, (double)a->step)));
    const real unbias = (real)(1 / sqrt(1 - pow(a->beta2, (double)a->step)));
    for (int64_t i = 0; i < a->n; i++) {
        real g = grad[i] * (real)a->grad_scale;
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        real p = weight(a, i) * decay - step * m[i] / (r_sqrt(v[i]) * unbias + eps);
        if (!master) {
            put_by_chance(a, i, p);
            continue;
        }
        master[i] = p;
        if (a->copy)
            put(a->copy, a->copy_type, i, p);
    }
    return K_OK;
}
