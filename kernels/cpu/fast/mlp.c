/* mlp.c -- SwiGLU: gate_up[T,2F], gate first -> y[T,F]; element by element.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"
#include "kernels/cpu/fast/vmath.h"

#define LEAST 4096

ALWAYS void swiglu_rows(k_type type, const k_swiglu *a, int64_t begin, int64_t end)
{
    const int64_t f = a->f;
    for (int64_t t = begin; t < end; t++) {
        const int64_t gate = t * 2 * f, up = gate + f, y = t * f;
        for (V_EACH(i, f)) {
            const vf g = v_read(type, a->gate_up, gate + i, gate + f);
            const vf u = v_read(type, a->gate_up, up + i, up + f);
            v_write(type, a->y, y + i, y + f, g * v_sigmoid(g) * u);
        }
    }
}

static void swiglu_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_swiglu *a = arg;
    BY_TYPE(a->type, swiglu_rows, a, begin, end);
}

int OP(swiglu)(k_device *dev, const k_swiglu *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->gate_up || !a->y || a->tokens < 0 || a->f < 0)
        return K_EARG;
    k_fast_rows(fast_of(dev), a->tokens, 1 + LEAST / (a->f + 1), swiglu_part, a);
    return K_OK;
}

ALWAYS void swiglu_bwd_rows(k_type type, const k_swiglu_bwd *a, int64_t begin, int64_t end)
{
    const int64_t f = a->f;
    for (int64_t t = begin; t < end; t++) {
        const int64_t gate = t * 2 * f, up = gate + f, y = t * f;
        for (V_EACH(i, f)) {
            const vf g = v_read(type, a->gate_up, gate + i, gate + f);
            const vf u = v_read(type, a->gate_up, up + i, up + f);
            const vf dy = v_read(type, a->dy, y + i, y + f), s = v_sigmoid(g);
            v_write(type, a->dgate_up, gate + i, gate + f,
                    dy * u * s * v_fma(g, 1.0f - s, v_set(1)));
            v_write(type, a->dgate_up, up + i, up + f, dy * g * s);
        }
    }
}

static void swiglu_bwd_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_swiglu_bwd *a = arg;
    BY_TYPE(a->type, swiglu_bwd_rows, a, begin, end);
}

int OP(swiglu_bwd)(k_device *dev, const k_swiglu_bwd *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->gate_up || !a->dy || !a->dgate_up || a->tokens < 0 || a->f < 0)
        return K_EARG;
    k_fast_rows(fast_of(dev), a->tokens, 1 + LEAST / (a->f + 1), swiglu_bwd_part, a);
    return K_OK;
}
