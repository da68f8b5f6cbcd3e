/* attention.h -- what the attention kernels share: where the keys of a query lie, powers of 2, and
 * which sizes they take.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_ATTENTION_H
#define K_CUDA_ATTENTION_H

#include "kernels/cuda/chunk.h"
#include "kernels/cuda/internal.h"

/* ---- the keys of a sequence ------------------------------------------------------------------ */
/* A sequence with its parent's rows before its own: `before` rows from row `parent`, then begin ..
 * end-1. Position 0 is the parent's first row. */
struct k_span {
    int parent, before, begin, end;
};

__device__ __forceinline__ k_span k_span_of(const int32_t *cu_seqlens, const int32_t *parents,
                                            int seq)
{
    k_span s = { 0, 0, cu_seqlens[seq], cu_seqlens[seq + 1] };
    const int parent = parents ? parents[seq] : -1;
    if (parent >= 0) {
        s.parent = cu_seqlens[parent];
        s.before = cu_seqlens[parent + 1] - s.parent;
    }
    return s;
}

/* The row of a position of the sequence. */
__device__ __forceinline__ int k_row_at(const k_span &s, int position)
{
    return position < s.before ? s.parent + position : s.begin + (position - s.before);
}

/* Keys and values of one key head, in qkv: number i of the key at position p is k[at(p) + i], of
 * its value v[at(p) + i]. at is negative where there is none. */
template <class T> struct k_packed_keys {
    const T *k, *v;
    int64_t stride; /* of rows */
    k_span span;
    __device__ __forceinline__ int64_t at(int position) const
    {
        return k_row_at(span, position) * stride;
    }
};

template <class T>
__device__ __forceinline__ k_packed_keys<T> k_keys_of(const void *qkv, const k_span &span,
                                                      int heads, int kv_heads, int head_dim, int kv)
{
    const T *k = static_cast<const T *>(qkv) + (int64_t)(heads + kv) * head_dim;
    return { k, k + (int64_t)kv_heads * head_dim, (int64_t)(heads + 2 * kv_heads) * head_dim,
             span };
}

/* The same of a paged cache, through one sequence's block table. A block outside the cache has no
 * keys: what a table holds is not known to the host. */
template <class T> struct k_paged_keys {
    const T *k, *v; /* of block 0 */
    const int32_t *table;
    int64_t block_stride;
    unsigned n_blocks, block_size;
    int head_dim;
    __device__ __forceinline__ int64_t at(int position) const
    {
        const unsigned i = (unsigned)position / block_size, offset = position - i * block_size;
        const int block = table[i];
        return (unsigned)block < n_blocks ? block * block_stride + (int64_t)offset * head_dim : -1;
    }
};

/* A query row; last: the position of the last key it sees, which is its own. q and out are NULL
 * where there is none. */
template <class T> struct k_query {
    const T *q;
    T *out;
    float *lse; /* or NULL */
    int last;
};

/* ---- powers of 2 ----------------------------------------------------------------------------- */
/* 2^x, to 2 ulp; results below 2^-126 are 0. */
__device__ __forceinline__ float k_exp2(float x)
{
#ifdef __CUDA_ARCH__
    float y;
    asm("ex2.approx.ftz.f32 %0, %1;" : "=f"(y) : "f"(x));
    return y;
#else
    return exp2f(x);
#endif
}
constexpr float k_log2_e = 1.44269504F, k_ln_2 = 0.693147181F;

/* ---- sizes ----------------------------------------------------------------------------------- */
static inline bool k_attn_heads_ok(int64_t heads, int64_t kv_heads, int64_t head_dim)
{
    return kv_heads > 0 && heads > 0 && heads <= 65535 /* of a grid */ && heads % kv_heads == 0 &&
           head_dim > 0 && head_dim <= K_MAX_HEAD_DIM && head_dim % 2 == 0;
}

#endif
