/* softmax_row.h -- the distribution of one row of logits, by the threads of one block: one way of
 * computing it, so that the log-probabilities of the sampler and those of the trainer are the same
 * numbers.
 *
 * A row is read once. Thread t takes chunks t, t + threads, ... of 16 bytes with a running maximum
 * (Milakov, Gimelshein, arXiv:1805.02867); its sums move whenever the maximum does. Then a tree
 * over the threads. How many threads there are depends on the vocabulary alone, and so do the bits:
 * not on a row's neighbours, nor on whether its chunks could be loaded whole.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_SOFTMAX_ROW_H
#define K_CUDA_SOFTMAX_ROW_H

#include "kernels/cuda/chunk.h"

#include <cmath>

/* Threads of a row of so many logits, in one block. At most 64 registers each: two blocks a
 * multiprocessor. */
constexpr int k_row_threads_most = 512;
inline int k_row_threads(int64_t n)
{
    return n <= 4096 ? 128 : k_row_threads_most;
}

/* n logits. is_whole: chunks lie at addresses of chunks, and the last is all there. */
struct k_logits {
    const float *p;
    int n;
    bool is_whole;
};

__device__ __forceinline__ k_chunk<float> k_logits_at(const k_logits &row, int first)
{
    return row.is_whole ? k_load<float, true>(row.p, first, row.n)
                        : k_load<float, false>(row.p, first, row.n);
}

/* Of z, the logits over the temperature. sum: of exp(z - max); top: the largest z of the ids below
 * n_valid. Where a logit is NaN, or +inf, or all are -inf: sum is NaN, and with it what follows. */
struct k_distribution {
    float max, top, sum, log_sum, entropy;
};

__device__ __forceinline__ float k_log_probability(const k_distribution &of, float z)
{
    return z - of.max - of.log_sum; /* the order is kernels.h's */
}

/* f(first, chunk) for the chunks at first, first + step, ... below end; so many are on their way
 * before the first of them is looked at. */
template <int ahead, class F>
__device__ __forceinline__ void k_each_chunk(const k_logits &row, int first, int end, int step, F f)
{
    k_chunk<float> c[ahead];
    for (; first < end; first += ahead * step) {
#pragma unroll
        for (int i = 0; i < ahead; i++)
            if (first + i * step < end)
                c[i] = k_logits_at(row, first + i * step);
#pragma unroll
        for (int i = 0; i < ahead; i++)
            if (first + i * step < end)
                f(first + i * step, c[i]);
    }
}

/* What a thread knows of its chunks so far: sum of exp(z - max), mean of exp(z - max) (z - max). */
struct k_sums {
    float max, top, sum, mean;
};

/* The sums as they are of a larger maximum. Those of nothing do not move. */
__device__ __forceinline__ void k_move_sums(k_sums &s, float max)
{
    if (s.max > -INFINITY) {
        const float shift = s.max - max, f = expf(shift);
        s.mean = f * (s.mean + s.sum * shift);
        s.sum *= f;
    }
    s.max = max;
}

__device__ __forceinline__ void k_add_chunk(k_sums &s, const k_chunk<float> &c, int first, int n,
                                            int n_valid, float temperature)
{
    constexpr int size = k_chunk<float>::n;
    float z[size], largest = -INFINITY;
#pragma unroll
    for (int i = 0; i < size; i++) {
        z[i] = first + i < n ? c.v[i] : -INFINITY; /* of which there is nothing to add */
        if (temperature != 1)
            z[i] /= temperature;
        largest = fmaxf(largest, z[i]);
        if (first + i < n_valid)
            s.top = fmaxf(s.top, z[i]);
    }
    if (largest > s.max)
        k_move_sums(s, largest);
    const float from = s.max > -INFINITY ? s.max : 0.F; /* -inf - -inf is no number */
#pragma unroll
    for (int i = 0; i < size; i++) {
        const float e = expf(z[i] - from);
        s.sum += e;
        s.mean += e > 0 ? e * (z[i] - from) : 0; /* a logit of -inf adds nothing */
    }
}

/* x of all threads of the block, folded by f in a tree, to each of them. part: of the block, for
 * this call alone. */
template <class F> __device__ __forceinline__ float k_block_fold(float x, float *part, F f)
{
    const int warps = (int)blockDim.x / 32;
    for (int o = 16; o > 0; o /= 2)
        x = f(x, __shfl_xor_sync(k_all_lanes, x, o));
    if (threadIdx.x % 32 == 0)
        part[threadIdx.x / 32] = x;
    __syncthreads();
    x = part[(int)threadIdx.x % warps]; /* a power of two */
    for (int o = warps / 2; o > 0; o /= 2)
        x = f(x, __shfl_xor_sync(k_all_lanes, x, o));
    return x;
}

/* Of a row over the temperature, to every thread of the block, all of which come here, once. */
__device__ __forceinline__ k_distribution k_softmax_row(const k_logits &row, int n_valid,
                                                        float temperature)
{
    __shared__ float part[4][32];
    constexpr int size = k_chunk<float>::n;
    k_sums s = { -INFINITY, -INFINITY, 0, 0 };
    k_each_chunk<4>(row, (int)threadIdx.x * size, row.n, (int)blockDim.x * size,
                    [&](int first, const k_chunk<float> &c) {
                        k_add_chunk(s, c, first, row.n, n_valid, temperature);
                    });
    const auto larger = [](float a, float b) { return fmaxf(a, b); };
    const auto add = [](float a, float b) { return a + b; };
    k_distribution of;
    of.max = k_block_fold(s.max, part[0], larger);
    of.top = k_block_fold(s.top, part[1], larger);
    k_move_sums(s, of.max);
    of.sum = k_block_fold(s.sum, part[2], add);
    of.sum += of.max - of.max; /* NaN where the largest is not finite */
    of.log_sum = logf(of.sum);
    of.entropy = of.log_sum - k_block_fold(s.mean, part[3], add) / of.sum;
    return of;
}

#endif
