/* naive.h -- the scalar reference: its real type, loads and stores. Compiled once with K_REAL_f64
 * (real is double, the only type K_F64) and once with K_REAL_f32 (real is float; K_F32 and K_BF16).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_NAIVE_H
#define K_NAIVE_H
#include "kernels/bf16.h"
#include "kernels/kernels.h"

#include <math.h>

#ifdef K_REAL_f64
typedef double real;
#define NAIVE(name) k_naive_f64_##name
#define NAIVE_NAME "naive-f64"
#define NAIVE_TYPES (1u << K_F64)
#define r_exp exp
#define r_log log
#define r_sqrt sqrt
#else
typedef float real;
#define NAIVE(name) k_naive_f32_##name
#define NAIVE_NAME "naive-f32"
#define NAIVE_TYPES (1u << K_F32 | 1u << K_BF16)
#define r_exp expf
#define r_log logf
#define r_sqrt sqrtf
#endif

/* Number i of an array of some type, and back, rounded. */
static inline real get(const void *p, k_type type, int64_t i)
{
    if (type == K_BF16)
        return (real)k_bf16_to_float(((const uint16_t *)p)[i]);
    return ((const real *)p)[i];
}
static inline void put(void *p, k_type type, int64_t i, real x)
{
    if (type == K_BF16)
        ((uint16_t *)p)[i] = k_bf16_of_float((float)x);
    else
        ((real *)p)[i] = x;
}
/* x as it would be read back. */
static inline real rounded(k_type type, real x)
{
    return type == K_BF16 ? (real)k_bf16_to_float(k_bf16_of_float((float)x)) : x;
}
/* K_OK where this build computes in the type. */
static inline int known(k_type type)
{
    return (unsigned)type < 32 && (NAIVE_TYPES >> type & 1) ? K_OK : K_ETYPE;
}
static inline bool is_real(k_type type)
{
    return type == k_real_type(type) && known(type) == K_OK;
}

size_t NAIVE(pack_bytes)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how);
size_t NAIVE(product_bytes)(k_device *dev, k_type type, k_type x_type, int64_t m, int64_t n,
                            int64_t k);
int NAIVE(pack)(k_device *dev, k_type type, int64_t n, int64_t k, k_packing how, const void *w,
                void *packed);
int NAIVE(gemm_nt)(k_device *dev, const k_gemm *a);
int NAIVE(gemm_nn)(k_device *dev, const k_gemm_dx *a);
int NAIVE(gemm_tn)(k_device *dev, const k_gemm_dw *a);
int NAIVE(embed)(k_device *dev, const k_embed *a);
int NAIVE(embed_bwd)(k_device *dev, const k_embed_bwd *a);
int NAIVE(rmsnorm)(k_device *dev, const k_rmsnorm *a);
int NAIVE(rmsnorm_bwd)(k_device *dev, const k_rmsnorm_bwd *a);
int NAIVE(rope)(k_device *dev, const k_rope *a);
int NAIVE(attn)(k_device *dev, const k_attn *a);
int NAIVE(attn_bwd)(k_device *dev, const k_attn_bwd *a);
int NAIVE(kv_append)(k_device *dev, const k_kv_append *a);
int NAIVE(attn_paged)(k_device *dev, const k_attn_paged *a);
int NAIVE(swiglu)(k_device *dev, const k_swiglu *a);
int NAIVE(swiglu_bwd)(k_device *dev, const k_swiglu_bwd *a);
int NAIVE(add)(k_device *dev, const k_add *a);
int NAIVE(axpy)(k_device *dev, const k_axpy *a);
int NAIVE(scale)(k_device *dev, const k_axpy *a);
int NAIVE(cast)(k_device *dev, const k_cast *a);
int NAIVE(copy_rows)(k_device *dev, const k_copy_rows *a);
int NAIVE(sum_squares)(k_device *dev, k_type type, int64_t n, const void *x, double *out);
size_t NAIVE(lmhead_scratch)(k_device *dev, k_type type, int64_t m, int64_t d, int64_t vocab);
int NAIVE(lmhead_logprob)(k_device *dev, const k_lmhead *a);
int NAIVE(lmhead_grad)(k_device *dev, const k_lmhead_grad *a);
size_t NAIVE(sample_scratch)(k_device *dev, int64_t rows, int64_t vocab);
int NAIVE(sample)(k_device *dev, const k_sample *a);
int NAIVE(adamw)(k_device *dev, const k_adamw *a);
#endif
