/* attention.h -- what the attention kernels share: where the keys of a query lie, which sizes they
 * take, and tiles of bf16 in shared memory as mma.m16n8k16 takes them.
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

/* ---- tiles of bf16 --------------------------------------------------------------------------- */
/* Lines of `width` numbers (a multiple of 64), not padded: their chunks of 16 bytes are swapped
 * among each other, so that the same chunk of 8 lines lies in 8 places of 128 bytes, for ldmatrix,
 * and so do 8 chunks of a line, for the copies. Where chunk c of a line begins: */
template <int width> __device__ __forceinline__ int k_slot(int line, int c)
{
    return line * width + (c ^ (line & 7)) * 8;
}

/* Chunk c of a line of n numbers from p; zeros beyond it, and where p is NULL. whole: chunks of
 * such lines are all there and aligned; they come by cp.async. */
__device__ __forceinline__ void k_bring_chunk(nv_bfloat16 *to, const nv_bfloat16 *p,
                                              const nv_bfloat16 *some, int c, int n, bool whole)
{
    if (whole) {
        const bool is_there = p && c * 8 < n;
        k_cp_async16(to, is_there ? p + c * 8 : some, is_there ? 16 : 0);
        return;
    }
#ifdef __CUDACC__
    k_chunk<nv_bfloat16> chunk = {};
    if (p)
        chunk = k_load<nv_bfloat16, false>(p, c * 8, n);
#else
    /* zeros by themselves would be a call of memset, which clang does not show to the emulation */
    const k_chunk<nv_bfloat16> chunk = k_load<nv_bfloat16, false>(p ? p : some, c * 8, p ? n : 0);
#endif
    *reinterpret_cast<k_chunk<nv_bfloat16> *>(to) = chunk;
}

/* 16 lines x 16 numbers of a tile as mma's a. */
template <int width>
__device__ __forceinline__ void k_take_a(uint32_t (&r)[4], const nv_bfloat16 *tile, int line,
                                         int number)
{
    const int lane = (int)threadIdx.x % 32;
    k_ldmatrix_x4(r, tile + k_slot<width>(line + lane % 16, number / 8 + lane / 16));
}

/* Two of mma's b: r[0], r[1] of lines `line` .. + 7 as its columns, r[2], r[3] of the 8 lines after
 * them; numbers are its k. */
template <int width>
__device__ __forceinline__ void k_take_b(uint32_t (&r)[4], const nv_bfloat16 *tile, int line,
                                         int number)
{
    const int lane = (int)threadIdx.x % 32;
    k_ldmatrix_x4(r,
                  tile + k_slot<width>(line + lane % 8 + lane / 16 * 8, number / 8 + lane / 8 % 2));
}

/* Two of mma's b: r[0], r[1] of numbers `number` .. + 7 as its columns, r[2], r[3] of the 8 numbers
 * after them; lines are its k. */
template <int width>
__device__ __forceinline__ void k_take_b_turned(uint32_t (&r)[4], const nv_bfloat16 *tile, int line,
                                                int number)
{
    const int lane = (int)threadIdx.x % 32;
    k_ldmatrix_x4_trans(r, tile + k_slot<width>(line + lane % 16, number / 8 + lane / 16));
}

/* d += a b for the two b of r. */
__device__ __forceinline__ void k_add_products(float (&d)[4], float (&next)[4],
                                               const uint32_t (&a)[4], const uint32_t (&r)[4])
{
    const uint32_t first[2] = { r[0], r[1] }, second[2] = { r[2], r[3] };
    k_mma_bf16(d, a, first, d);
    k_mma_bf16(next, a, second, next);
}

/* Two numbers rounded to bf16, as one half of each of mma's a and b wants them: x the lower one. */
__device__ __forceinline__ uint32_t k_pair(float x, float y)
{
    const nv_bfloat162 pair = __floats2bfloat162_rn(x, y);
    uint32_t r;
    memcpy(&r, &pair, sizeof r);
    return r;
}

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

/* A launch that takes more than the 48 KiB of shared memory which every kernel may have. */
template <class F> static inline bool k_allow_shared(F *kernel, size_t bytes)
{
    return bytes <= (48 << 10) ||
           k_cuda_failed(cudaFuncSetAttribute(kernel, cudaFuncAttributeMaxDynamicSharedMemorySize,
                                              (int)bytes)) == K_OK;
}

#endif
