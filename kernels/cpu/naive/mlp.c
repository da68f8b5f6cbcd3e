/* mlp.c -- SwiGLU: gate_up[T,2F], gate first -> y[T,F]. SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

static real sigmoid(real x)
{
    return 1 / (1 + r_exp(-x));
}

int NAIVE(swiglu)(k_device *dev, const k_swiglu *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->gate_up || !a->y || a->tokens < 0 || a->f < 0)
        return K_EARG;
    for (int64_t t = 0; t < a->tokens; t++)
        for (int64_t i = 0; i < a->f; i++) {
            real g = get(a->gate_up, a->type, t * 2 * a->f + i);
            real u = get(a->gate_up, a->type, t * 2 * a->f + a->f + i);
            put(a->y, a->type, t * a->f + i, g * sigmoid(g) * u);
        }
    return K_OK;
}

int NAIVE(swiglu_bwd)(k_device *dev, const k_swiglu_bwd *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->gate_up || !a->dy || !a->dgate_up || a->tokens < 0 || a->f < 0)
        return K_EARG;
    for (int64_t t = 0; t < a->tokens; t++)
        for (int64_t i = 0; i < a->f; i++) {
            int64_t gate = t * 2 * a->f + i, up = gate + a->f;
            real g = get(a->gate_up, a->type, gate), u = get(a->gate_up, a->type, up);
            real dy = get(a->dy, a->type, t * a->f + i), s = sigmoid(g);
            put(a->dgate_up, a->type, gate, dy * u * s * (1 + g * (1 - s)));
            put(a->dgate_up, a->type, up, dy * g * s);
        }
    return K_OK;
}
