/* norm.c -- RMSNorm of rows of n numbers: plain rows x[T,d], or heads inside qkv[T,(H+2KV)*D]
 * (kernels.h says where row r lies). A row's sums run in VL lanes, folded at the end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"

#define LEAST 8192 /* numbers worth a part */

static int64_t row_at(int64_t row, int64_t n, int64_t per_token, int64_t stride)
{
    return row / per_token * stride + row % per_token * n;
}

static bool rows_ok(int64_t rows, int64_t n, int64_t per_token, int64_t stride)
{
    return rows >= 0 && n > 0 && per_token > 0 && stride >= per_token * n;
}

ALWAYS float add_residual(k_type type, const k_rmsnorm *a, int64_t at, int64_t n)
{
    vf squares = { 0 };
    for (V_EACH(i, n)) {
        const vf r = v_round(type, v_read(type, a->residual, at + i, at + n) +
                                       v_read(type, a->x, at + i, at + n));
        v_write(type, a->residual, at + i, at + n, r);
        squares = v_fma(r, r, squares);
    }
    return v_sum(squares);
}

ALWAYS float sum_of_squares(k_type type, const void *x, int64_t at, int64_t n)
{
    vf squares = { 0 };
    for (V_EACH(i, n)) {
        const vf r = v_read(type, x, at + i, at + n);
        squares = v_fma(r, r, squares);
    }
    return v_sum(squares);
}

ALWAYS void norm_rows(k_type type, const k_rmsnorm *a, int64_t begin, int64_t end)
{
    const int64_t n = a->n;
    for (int64_t row = begin; row < end; row++) {
        const int64_t x = row_at(row, n, a->per_token, a->x_stride),
                      y = row_at(row, n, a->per_token, a->y_stride);
        const void *from = a->residual ? a->residual : a->x;
        const float squares =
            a->residual ? add_residual(type, a, x, n) : sum_of_squares(type, a->x, x, n);
        const float rstd = 1 / __builtin_sqrtf(squares / (float)n + (float)a->eps);
        for (V_EACH(i, n)) {
            const vf h = v_round(type, v_read(type, from, x + i, x + n) * rstd);
            v_write(type, a->y, y + i, y + n, h * v_read(type, a->weight, i, n));
        }
        if (a->rstd)
            ((float *)a->rstd)[row] = rstd;
    }
}

static void norm_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_rmsnorm *a = arg;
    BY_TYPE(a->type, norm_rows, a, begin, end);
}

int OP(rmsnorm)(k_device *dev, const k_rmsnorm *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->x || !a->weight || !a->y || !rows_ok(a->rows, a->n, a->per_token, a->x_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->y_stride))
        return K_EARG;
    if (a->residual && (a->per_token != 1 || a->x_stride != a->n))
        return K_EARG;
    k_fast_rows(fast_of(dev), a->rows, 1 + LEAST / a->n, norm_part, a);
    return K_OK;
}

/* dw of some columns: over all rows, in order. */
ALWAYS void grad_of_weight(k_type type, const k_rmsnorm_bwd *a, int64_t begin, int64_t end)
{
    for (int64_t row = 0; row < a->rows; row++) {
        const int64_t x = row_at(row, a->n, a->per_token, a->x_stride);
        const int64_t dy = row_at(row, a->n, a->per_token, a->dy_stride);
        const float rstd = ((const float *)a->rstd)[row];
        for (int64_t i = begin; i < end; i += VL) {
            const vf h = v_read(type, a->x, x + i, x + end) * rstd;
            const vf sum =
                v_fma(v_read(type, a->dy, dy + i, dy + end), h, v_read(K_F32, a->dw, i, end));
            v_write(K_F32, a->dw, i, end, sum);
        }
    }
}

static void grad_of_weight_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_rmsnorm_bwd *a = arg;
    BY_TYPE(a->type, grad_of_weight, a, begin, end);
}

ALWAYS void grad_of_rows(k_type type, const k_rmsnorm_bwd *a, int64_t begin, int64_t end)
{
    const int64_t n = a->n;
    for (int64_t row = begin; row < end; row++) {
        const int64_t x = row_at(row, n, a->per_token, a->x_stride);
        const int64_t dy = row_at(row, n, a->per_token, a->dy_stride);
        const int64_t dx = row_at(row, n, a->per_token, a->dx_stride);
        const float rstd = ((const float *)a->rstd)[row];
        vf dot = { 0 };
        for (V_EACH(i, n)) {
            const vf g = v_read(type, a->weight, i, n) * v_read(type, a->dy, dy + i, dy + n);
            dot = v_fma(g, v_read(type, a->x, x + i, x + n) * rstd, dot);
        }
        const float mean = v_sum(dot) / (float)n;
        for (V_EACH(i, n)) {
            const vf h = v_read(type, a->x, x + i, x + n) * rstd;
            const vf g = v_read(type, a->weight, i, n) * v_read(type, a->dy, dy + i, dy + n);
            vf grad = (g - h * mean) * rstd;
            if (a->dresidual)
                grad += v_read(type, a->dresidual, dx + i, dx + n);
            v_write(type, a->dx, dx + i, dx + n, grad);
        }
    }
}

static void grad_of_rows_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_rmsnorm_bwd *a = arg;
    BY_TYPE(a->type, grad_of_rows, a, begin, end);
}

int OP(rmsnorm_bwd)(k_device *dev, const k_rmsnorm_bwd *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->dy || !a->x || !a->weight || !a->rstd || !a->dx ||
        !rows_ok(a->rows, a->n, a->per_token, a->x_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->dy_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->dx_stride))
        return K_EARG;
    if (a->dresidual && (a->per_token != 1 || a->dx_stride != a->n))
        return K_EARG;
    if (a->dw) /* first: dx may be dy */
        k_fast_rows(fast_of(dev), a->n, a->rows * a->n < LEAST ? a->n : 64, grad_of_weight_part, a);
    k_fast_rows(fast_of(dev), a->rows, 1 + LEAST / a->n, grad_of_rows_part, a);
    return K_OK;
}
