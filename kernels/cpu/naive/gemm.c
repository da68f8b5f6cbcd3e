/* gemm.c -- matrix products: x[M,K], w[N,K] (a weight as stored: [out, in]), y[M,N], all row-major.
 * A sum over k (or over rows, in gemm_tn) runs in order in one accumulator.
 * SPDX-License-Identifier: Apache-2.0 */
#include "naive.h"

/* Weights are read where they are. */
size_t NAIVE(pack_bytes)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how)
{
    (void)dev, (void)type, (void)n, (void)k, (void)how;
    return 0;
}

size_t NAIVE(product_bytes)(k_device *dev, k_type type, k_type x_type, int64_t m, int64_t n,
                            int64_t k)
{
    (void)dev, (void)type, (void)x_type, (void)m, (void)n, (void)k;
    return 0;
}

int NAIVE(pack)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how, const void *w,
                void *packed)
{
    (void)dev, (void)n, (void)k, (void)how, (void)w, (void)packed;
    return known(type);
}

static bool sizes_ok(int64_t m, int64_t n, int64_t k)
{
    return m >= 0 && n >= 0 && k >= 0;
}

int NAIVE(gemm_nt)(k_device *dev, const k_gemm *a)
{
    (void)dev;
    const k_type x_type = k_type_or(a->x_type, a->type);
    if (known(a->type) != K_OK || !k_is_type_or_real(x_type, a->type) || !a->y_type ||
        !k_is_type_or_real(a->y_type, a->type))
        return K_ETYPE;
    if (!a->x || !a->w || !a->y || !sizes_ok(a->m, a->n, a->k))
        return K_EARG;
    for (int64_t i = 0; i < a->m; i++)
        for (int64_t j = 0; j < a->n; j++) {
            real sum = 0;
            for (int64_t k = 0; k < a->k; k++)
                sum += get(a->x, x_type, i * a->k + k) * get(a->w, a->type, j * a->k + k);
            if (a->bias)
                sum += get(a->bias, a->type, j);
            if (a->accumulate)
                sum += get(a->y, a->y_type, i * a->n + j);
            put(a->y, a->y_type, i * a->n + j, sum);
        }
    return K_OK;
}

int NAIVE(gemm_nn)(k_device *dev, const k_gemm_dx *a)
{
    (void)dev;
    const k_type x_type = k_type_or(a->x_type, a->type);
    if (known(a->type) != K_OK || !k_is_type_or_real(x_type, a->type))
        return K_ETYPE;
    if (!a->dy || !a->w || !a->dx || !sizes_ok(a->m, a->n, a->k))
        return K_EARG;
    for (int64_t i = 0; i < a->m; i++)
        for (int64_t k = 0; k < a->k; k++) {
            real sum = 0;
            for (int64_t j = 0; j < a->n; j++)
                sum += get(a->dy, x_type, i * a->n + j) * get(a->w, a->type, j * a->k + k);
            if (a->accumulate)
                sum += get(a->dx, x_type, i * a->k + k);
            put(a->dx, x_type, i * a->k + k, sum);
        }
    return K_OK;
}

int NAIVE(gemm_tn)(k_device *dev, const k_gemm_dw *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->dy || !a->x || !a->dw || !sizes_ok(a->m, a->n, a->k))
        return K_EARG;
    real *dw = a->dw, *dbias = a->dbias;
    for (int64_t j = 0; j < a->n; j++) {
        for (int64_t k = 0; k < a->k; k++) {
            real sum = 0;
            for (int64_t i = 0; i < a->m; i++)
                sum += get(a->dy, a->type, i * a->n + j) * get(a->x, a->type, i * a->k + k);
            dw[j * a->k + k] += sum;
        }
        real sum = 0;
        for (int64_t i = 0; i < a->m; i++)
            sum += get(a->dy, a->type, i * a->n + j);
        if (dbias)
            dbias[j] += sum;
    }
    return K_OK;
}
