/* chunk.h -- numbers of a type, and 16 bytes of them at a time: what kernels that go through memory
 * once are written in.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_CHUNK_H
#define K_CUDA_CHUNK_H

#include "kernels/cuda/device.h"

/* The mask of collectives that a whole warp takes part in. */
constexpr unsigned k_all_lanes = 0xffffffffu;

__device__ __forceinline__ float k_to_float(float x)
{
    return x;
}
__device__ __forceinline__ float k_to_float(nv_bfloat16 x)
{
    return __bfloat162float(x);
}
__device__ __forceinline__ void k_round_to(float *p, float x)
{
    *p = x;
}
__device__ __forceinline__ void k_round_to(nv_bfloat16 *p, float x)
{
    *p = __float2bfloat16_rn(x);
}

/* 16 bytes of T, aligned as one load. */
template <class T> struct alignas(16) k_chunk {
    static constexpr int n = 16 / sizeof(T);
    T v[n];
};

/* Numbers first .. first + k_chunk<T>::n - 1 of a row of n; beyond its end, zeros. whole: n and the
 * row's address are such that the chunk is all there and aligned. */
template <class T, bool whole>
__device__ __forceinline__ k_chunk<T> k_load(const T *row, int first, int n)
{
    if (whole)
        return *reinterpret_cast<const k_chunk<T> *>(row + first);
    k_chunk<T> c;
#pragma unroll
    for (int i = 0; i < k_chunk<T>::n; i++) {
        k_round_to(&c.v[i], 0.F);
        if (first + i < n)
            c.v[i] = row[first + i];
    }
    return c;
}

template <class T, bool whole>
__device__ __forceinline__ void k_save(T *row, int first, int n, const k_chunk<T> &c)
{
    if (whole) {
        *reinterpret_cast<k_chunk<T> *>(row + first) = c;
        return;
    }
#pragma unroll
    for (int i = 0; i < k_chunk<T>::n; i++)
        if (first + i < n)
            row[first + i] = c.v[i];
}

/* Whether rows of this stride from p begin where a chunk may; with the weight, whose stride is n,
 * that is also: whether they end where one may. */
template <class T> inline bool k_is_whole(const void *p, int64_t stride)
{
    return stride % k_chunk<T>::n == 0 && reinterpret_cast<uintptr_t>(p) % sizeof(k_chunk<T>) == 0;
}

#endif
