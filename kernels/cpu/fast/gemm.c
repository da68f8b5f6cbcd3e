/* gemm.c -- the three products of a linear layer with weight w[N,K]: y[M,N] = x[M,K] w^T, dx[M,K] =
 * dy[M,N] w, dw[N,K] += dy^T x. product.c does the work; here are the shapes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/ops.h"
#include "kernels/cpu/fast/product.h"

static bool sizes_ok(int64_t m, int64_t n, int64_t k)
{
    return m >= 0 && n >= 0 && k >= 0;
}

/* Only gemm_nt wants w packed: gemm_nn reads its rows as they are. */
size_t OP(pack_bytes)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how)
{
    (void)dev;
    return how == K_PACK_NT && is_known(type) && n > 0 && k > 0
               ? LEVEL(k_product_pack_bytes)(type, n, k)
               : 0;
}

int OP(pack)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how, const void *w,
             void *packed)
{
    if (!is_known(type))
        return K_ETYPE;
    if (how != K_PACK_NT)
        return K_OK;
    if (!w || !packed || n < 0 || k < 0)
        return K_EARG;
    LEVEL(k_product_pack)(fast_of(dev), type, n, k, w, k, packed);
    return K_OK;
}

int OP(gemm_nt)(k_device *dev, const k_gemm *a)
{
    const k_type x_type = k_type_or(a->x_type, a->type);
    if (!is_known(a->type) || !k_is_type_or_real(x_type, a->type) ||
        (a->y_type != a->type && a->y_type != K_F32))
        return K_ETYPE;
    if (!a->x || !a->w || !a->y || !sizes_ok(a->m, a->n, a->k))
        return K_EARG;
    const product p = { .m = a->m,
                        .n = a->n,
                        .k = a->k,
                        .a_type = x_type,
                        .b_type = a->type,
                        .a = a->x,
                        .lda = a->k,
                        .b = a->packed ? a->packed : a->w,
                        .ldb = a->k,
                        .b_form = a->packed ? B_PACKED : B_BY_J,
                        .bias = a->bias,
                        .bias_type = a->type,
                        .c = a->y,
                        .ldc = a->n,
                        .c_type = a->y_type,
                        .accumulate = a->accumulate,
                        .to_16_bits = a->type == K_BF16 };
    return LEVEL(k_product)(fast_of(dev), &p);
}

int OP(gemm_nn)(k_device *dev, const k_gemm_dx *a)
{
    const k_type x_type = k_type_or(a->x_type, a->type);
    if (!is_known(a->type) || !k_is_type_or_real(x_type, a->type))
        return K_ETYPE;
    if (!a->dy || !a->w || !a->dx || !sizes_ok(a->m, a->n, a->k))
        return K_EARG;
    const product p = { .m = a->m,
                        .n = a->k,
                        .k = a->n,
                        .a_type = x_type,
                        .b_type = a->type,
                        .a = a->dy,
                        .lda = a->n,
                        .b = a->w,
                        .ldb = a->k,
                        .b_form = B_BY_K,
                        .c = a->dx,
                        .ldc = a->k,
                        .c_type = x_type,
                        .accumulate = a->accumulate,
                        .to_16_bits = a->type == K_BF16 };
    return LEVEL(k_product)(fast_of(dev), &p);
}

/* That of dx and of dw: y has w packed, or brings no more into form. */
size_t OP(product_bytes)(k_device *dev, k_type type, k_type x_type, int64_t m, int64_t n, int64_t k)
{
    if (!is_known(type) || !sizes_ok(m, n, k))
        return 0;
    const k_type x = k_type_or(x_type, type);
    product p = { .m = m, .n = k, .k = n, .a_type = x, .b_type = type, .c_type = x };
    p.to_16_bits = type == K_BF16;
    const size_t of_dx = LEVEL(k_product_bytes)(fast_of(dev), &p);
    p.m = n;
    p.k = m;
    p.b_type = x;
    p.c_type = K_F32;
    const size_t of_dw = LEVEL(k_product_bytes)(fast_of(dev), &p);
    return of_dx > of_dw ? of_dx : of_dw;
}

ALWAYS void column_sums(k_type type, const k_gemm_dw *a, int64_t begin, int64_t end)
{
    float *sum = a->dbias;
    for (int64_t i = 0; i < a->m; i++)
        for (int64_t j = begin; j < end; j += VL)
            v_write(K_F32, sum, j, end,
                    v_read(K_F32, sum, j, end) + v_read(type, a->dy, i * a->n + j, i * a->n + end));
}

static void column_sums_of(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_gemm_dw *a = arg;
    BY_TYPE(a->type, column_sums, a, begin, end);
}

int OP(gemm_tn)(k_device *dev, const k_gemm_dw *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->dy || !a->x || !a->dw || !sizes_ok(a->m, a->n, a->k))
        return K_EARG;
    if (a->m == 0)
        return K_OK;
    const product p = { .m = a->n,
                        .n = a->k,
                        .k = a->m,
                        .a_type = a->type,
                        .b_type = a->type,
                        .a = a->dy,
                        .lda = a->n,
                        .a_by_k = true,
                        .b = a->x,
                        .ldb = a->k,
                        .b_form = B_BY_K,
                        .c = a->dw,
                        .ldc = a->k,
                        .c_type = K_F32,
                        .accumulate = true,
                        .to_16_bits = k_type_or(a->w_type, a->type) == K_BF16 };
    if (a->dbias)
        k_fast_rows(fast_of(dev), a->n, 64, column_sums_of, a);
    return LEVEL(k_product)(fast_of(dev), &p);
}
