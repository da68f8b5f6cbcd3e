/* norm.c -- RMSNorm of rows of n numbers: plain rows x[T,d], or heads inside qkv[T,(H+2KV)*D]
 * (kernels.h says where row r lies). h = r * rstd is rounded to the type before the weight
 * multiplies it, as Hugging Face does. SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

static int64_t row_at(int64_t row, int64_t n, int64_t per_token, int64_t stride)
{
    return row / per_token * stride + row % per_token * n;
}

static bool rows_ok(int64_t rows, int64_t n, int64_t per_token, int64_t stride)
{
    return rows >= 0 && n > 0 && per_token > 0 && stride >= per_token * n;
}

int NAIVE(rmsnorm)(k_device *dev, const k_rmsnorm *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->x || !a->weight || !a->y || !rows_ok(a->rows, a->n, a->per_token, a->x_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->y_stride))
        return K_EARG;
    if (a->residual && (a->per_token != 1 || a->x_stride != a->n))
        return K_EARG;
    for (int64_t row = 0; row < a->rows; row++) {
        int64_t x = row_at(row, a->n, a->per_token, a->x_stride);
        int64_t y = row_at(row, a->n, a->per_token, a->y_stride);
        const void *from = a->x;
        if (a->residual) {
            for (int64_t i = 0; i < a->n; i++)
                put(a->residual, a->type, x + i,
                    get(a->residual, a->type, x + i) + get(a->x, a->type, x + i));
            from = a->residual;
        }
        real squares = 0;
        for (int64_t i = 0; i < a->n; i++) {
            real r = get(from, a->type, x + i);
            squares += r * r;
        }
        real rstd = 1 / r_sqrt(squares / (real)a->n + (real)a->eps);
        for (int64_t i = 0; i < a->n; i++) {
            real h = rounded(a->type, get(from, a->type, x + i) * rstd);
            put(a->y, a->type, y + i, h * get(a->weight, a->type, i));
        }
        if (a->rstd)
            ((real *)a->rstd)[row] = rstd;
    }
    return K_OK;
}

int NAIVE(rmsnorm_bwd)(k_device *dev, const k_rmsnorm_bwd *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->dy || !a->x || !a->weight || !a->rstd || !a->dx ||
        !rows_ok(a->rows, a->n, a->per_token, a->x_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->dy_stride) ||
        !rows_ok(a->rows, a->n, a->per_token, a->dx_stride))
        return K_EARG;
    if (a->dresidual && (a->per_token != 1 || a->dx_stride != a->n))
        return K_EARG;
    real *dw = a->dw;
    for (int64_t row = 0; row < a->rows; row++) {
        int64_t x = row_at(row, a->n, a->per_token, a->x_stride);
        int64_t dy = row_at(row, a->n, a->per_token, a->dy_stride);
        int64_t dx = row_at(row, a->n, a->per_token, a->dx_stride);
        real rstd = ((const real *)a->rstd)[row];
        real mean = 0;
        for (int64_t i = 0; i < a->n; i++)
            mean += get(a->weight, a->type, i) * get(a->dy, a->type, dy + i) *
                    get(a->x, a->type, x + i) * rstd;
        mean /= (real)a->n;
        for (int64_t i = 0; i < a->n; i++) {
            real h = get(a->x, a->type, x + i) * rstd;
            real dyi = get(a->dy, a->type, dy + i);
            real sum = rstd * (get(a->weight, a->type, i) * dyi - h * mean);
            if (a->dresidual)
                sum += get(a->dresidual, a->type, dx + i);
            if (dw)
                dw[i] += dyi * h;
            put(a->dx, a->type, dx + i, sum);
        }
    }
    return K_OK;
}
