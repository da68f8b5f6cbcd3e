/* flat.h -- arrays that are gone through once: how threads share them out, and a thread's numbers
 * of one, a few at a time.
 *
 * Rows are shared out so that a thread has one item of one row (an item: a few numbers side by
 * side): of the block's 256 threads as many as a row has items, rounded up to a power of two, take
 * one row, and what is left of a row beyond 256 items goes to blocks of another blockIdx.y.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_FLAT_H
#define K_CUDA_FLAT_H

#include "kernels/cuda/chunk.h"

constexpr int k_flat_threads = 256;

/* Numbers of T that one load or store moves, two where they are more than 16 bytes. */
template <class T, int size> struct alignas(size * sizeof(T) < 16 ? size * sizeof(T) : 16) k_some {
    T v[size];
};

/* The first numbers of p, of which `left` are there; for what is not, zeros. is_aligned: p may be
 * read as a whole. */
template <int size, class T>
__device__ __forceinline__ k_some<T, size> k_read(const T *p, int64_t left, bool is_aligned)
{
    if (is_aligned && left >= size)
        return *reinterpret_cast<const k_some<T, size> *>(p);
    k_some<T, size> c;
#pragma unroll
    for (int i = 0; i < size; i++) {
        k_round_to(&c.v[i], 0.F);
        if (i < left)
            c.v[i] = p[i];
    }
    return c;
}

template <int size, class T>
__device__ __forceinline__ void k_write(T *p, int64_t left, bool is_aligned,
                                        const k_some<T, size> &c)
{
    if (is_aligned && left >= size) {
        *reinterpret_cast<k_some<T, size> *>(p) = c;
        return;
    }
#pragma unroll
    for (int i = 0; i < size; i++)
        if (i < left)
            p[i] = c.v[i];
}

/* Whether rows of this stride from p (NULL is fine) begin where k_read of so many may. */
template <class T, int size> inline bool k_is_aligned(const void *p, int64_t stride = 0)
{
    return reinterpret_cast<uintptr_t>(p) % alignof(k_some<T, size>) == 0 && stride % size == 0;
}

/* ---- sharing out ----------------------------------------------------------------------------- */
struct k_shares {
    int64_t rows, items;
    int log_lanes; /* threads of a row in a block: 1 << log_lanes */
};

/* The grid for them; its x is 0 where there are more than a grid holds. */
inline dim3 k_share(k_shares *s, int64_t rows, int64_t items)
{
    s->rows = rows;
    s->items = items;
    s->log_lanes = 0;
    while (s->log_lanes < 8 && 1 << s->log_lanes < items)
        s->log_lanes++;
    const int64_t per_block = k_flat_threads >> s->log_lanes;
    const int64_t x = rows / per_block + (rows % per_block != 0);
    const int64_t y = items / k_flat_threads + (items % k_flat_threads != 0);
    return dim3(x <= INT32_MAX && y <= 65535 ? (unsigned)x : 0, (unsigned)y);
}

/* This thread's row and item; false: it has none. */
__device__ __forceinline__ bool k_my_share(const k_shares &s, int64_t *row, int64_t *item)
{
    *row = (int64_t)blockIdx.x * (k_flat_threads >> s.log_lanes) + (threadIdx.x >> s.log_lanes);
    *item = ((int64_t)blockIdx.y << s.log_lanes) + (threadIdx.x & ((1U << s.log_lanes) - 1));
    return *row < s.rows && *item < s.items;
}

/* Blocks for n numbers, `size` to a thread; 0 where there are more than a grid holds. */
inline unsigned k_flat_blocks(int64_t n, int size)
{
    const int64_t blocks = (n - 1) / ((int64_t)size * k_flat_threads) + 1;
    return blocks <= INT32_MAX ? (unsigned)blocks : 0;
}

__device__ __forceinline__ int64_t k_flat_first(int size)
{
    return ((int64_t)blockIdx.x * k_flat_threads + threadIdx.x) * size;
}

#endif
