/* array.c -- flat arrays x[n] and rows of them. SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

int NAIVE(add)(k_device *dev, const k_add *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->a || !a->b || !a->y || a->n < 0)
        return K_EARG;
    for (int64_t i = 0; i < a->n; i++)
        put(a->y, a->type, i, get(a->a, a->type, i) + get(a->b, a->type, i));
    return K_OK;
}

int NAIVE(axpy)(k_device *dev, const k_axpy *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->x || !a->y || a->n < 0)
        return K_EARG;
    for (int64_t i = 0; i < a->n; i++)
        put(a->y, a->type, i, get(a->y, a->type, i) + (real)a->alpha * get(a->x, a->type, i));
    return K_OK;
}

int NAIVE(scale)(k_device *dev, const k_axpy *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->y || a->n < 0)
        return K_EARG;
    for (int64_t i = 0; i < a->n; i++)
        put(a->y, a->type, i, (real)a->alpha * get(a->y, a->type, i));
    return K_OK;
}

int NAIVE(cast)(k_device *dev, const k_cast *a)
{
    (void)dev;
    if (known(a->x_type) != K_OK || known(a->y_type) != K_OK)
        return K_ETYPE;
    if (!a->x || !a->y || a->n < 0)
        return K_EARG;
    for (int64_t i = 0; i < a->n; i++)
        put(a->y, a->y_type, i, get(a->x, a->x_type, i));
    return K_OK;
}

int NAIVE(copy_rows)(k_device *dev, const k_copy_rows *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->x || !a->y || a->rows < 0 || a->n < 0 || a->x_stride < a->n || a->y_stride < a->n)
        return K_EARG;
    for (int64_t r = 0; r < a->rows; r++)
        if ((a->x_rows && a->x_rows[r] < 0) || (a->y_rows && a->y_rows[r] < 0))
            return K_EINDEX;
    for (int64_t r = 0; r < a->rows; r++) {
        int64_t from = (a->x_rows ? a->x_rows[r] : r) * a->x_stride;
        int64_t to = (a->y_rows ? a->y_rows[r] : r) * a->y_stride;
        for (int64_t i = 0; i < a->n; i++) {
            real value = get(a->x, a->type, from + i);
            if (a->accumulate)
                value += get(a->y, a->type, to + i);
            put(a->y, a->type, to + i, value);
        }
    }
    return K_OK;
}

int NAIVE(sum_squares)(k_device *dev, k_type type, int64_t n, const void *x, double *out)
{
    (void)dev;
    if (known(type) != K_OK)
        return K_ETYPE;
    if (!x || !out || n < 0)
        return K_EARG;
    double total = 0;
    for (int64_t begin = 0; begin < n; begin += 4096) {
        double sum = 0;
        for (int64_t i = begin; i < n && i < begin + 4096; i++) {
            double v = (double)get(x, type, i);
            sum += v * v;
        }
        total += sum;
    }
    *out = total;
    return K_OK;
}
