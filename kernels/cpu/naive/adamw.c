/* adamw.c -- AdamW over flat arrays [n], as torch.optim.AdamW computes it (kernels.h has the
 * formula). SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

int NAIVE(adamw)(k_device *dev, const k_adamw *a)
{
    (void)dev;
    if (!is_real(a->real) || (a->copy && known(a->copy_type) != K_OK))
        return K_ETYPE;
    if (!a->master || !a->m || !a->v || !a->grad || a->n < 0 || a->step < 1)
        return K_EARG;
    real *p = a->master, *m = a->m, *v = a->v;
    const real *grad = a->grad;
    const real b1 = (real)a->beta1, b2 = (real)a->beta2, eps = (real)a->eps;
    const real decay = (real)(1 - a->lr * a->weight_decay);
    const real step = (real)(a->lr / (1 - pow(a->beta1, (double)a->step)));
    const real unbias = (real)(1 / sqrt(1 - pow(a->beta2, (double)a->step)));
    for (int64_t i = 0; i < a->n; i++) {
        real g = grad[i] * (real)a->grad_scale;
        m[i] = b1 * m[i] + (1 - b1) * g;
        v[i] = b2 * v[i] + (1 - b2) * g * g;
        p[i] = p[i] * decay - step * m[i] / (r_sqrt(v[i]) * unbias + eps);
        if (a->copy)
            put(a->copy, a->copy_type, i, p[i]);
    }
    return K_OK;
}
