/* ops.h -- the operations of one level, and what their argument checks share.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_OPS_H
#define K_FAST_OPS_H
#include "kernels/cpu/fast/fast.h"
#include "kernels/cpu/fast/level.h"

#define OP(name) LEVEL(k_fast_##name)

size_t OP(pack_bytes)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how);
size_t OP(product_bytes)(k_device *dev, k_type type, k_type x_type, int64_t m, int64_t n,
                         int64_t k);
int OP(pack)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how, const void *w,
             void *packed);
int OP(sum_squares)(k_device *dev, k_type type, int64_t n, const void *x, double *out);
size_t OP(lmhead_scratch)(k_device *dev, k_type type, int64_t m, int64_t d, int64_t vocab);
size_t OP(sample_scratch)(k_device *dev, int64_t rows, int64_t vocab);
int OP(gemm_nt)(k_device *dev, const k_gemm *a);
int OP(gemm_nn)(k_device *dev, const k_gemm_dx *a);
int OP(gemm_tn)(k_device *dev, const k_gemm_dw *a);
int OP(embed)(k_device *dev, const k_embed *a);
int OP(embed_bwd)(k_device *dev, const k_embed_bwd *a);
int OP(rmsnorm)(k_device *dev, const k_rmsnorm *a);
int OP(rmsnorm_bwd)(k_device *dev, const k_rmsnorm_bwd *a);
int OP(rope)(k_device *dev, const k_rope *a);
int OP(attn)(k_device *dev, const k_attn *a);
int OP(attn_bwd)(k_device *dev, const k_attn_bwd *a);
int OP(kv_append)(k_device *dev, const k_kv_append *a);
int OP(attn_paged)(k_device *dev, const k_attn_paged *a);
int OP(swiglu)(k_device *dev, const k_swiglu *a);
int OP(swiglu_bwd)(k_device *dev, const k_swiglu_bwd *a);
int OP(add)(k_device *dev, const k_add *a);
int OP(axpy)(k_device *dev, const k_axpy *a);
int OP(scale)(k_device *dev, const k_axpy *a);
int OP(cast)(k_device *dev, const k_cast *a);
int OP(copy_rows)(k_device *dev, const k_copy_rows *a);
int OP(lmhead_logprob)(k_device *dev, const k_lmhead *a);
int OP(lmhead_grad)(k_device *dev, const k_lmhead_grad *a);
int OP(sample)(k_device *dev, const k_sample *a);
int OP(adamw)(k_device *dev, const k_adamw *a);

static inline int64_t min64(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static inline int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

static inline bool is_known(k_type type)
{
    return type == K_F32 || type == K_BF16;
}

static inline fast_device *fast_of(k_device *dev)
{
    return (fast_device *)dev;
}

/* Calls fn with the type as a constant, so that its loops are compiled for it. */
#define BY_TYPE(type, fn, ...) ((type) == K_BF16 ? fn(K_BF16, __VA_ARGS__) : fn(K_F32, __VA_ARGS__))

/* All of n indices in 0 .. limit-1. */
static inline bool indices_ok(const int32_t *index, int64_t n, int64_t limit)
{
    for (int64_t i = 0; i < n; i++)
        if (index[i] < 0 || index[i] >= limit)
            return false;
    return true;
}
#endif
