/* segments.cu -- see segments.h: the rows are sorted by where they go, stably, by their number
 * alone; then whoever has the first row for a place adds all of them, in order.
 *
 * The sort is a radix sort of our own, 8 bits a pass: digits are counted by tiles of 1024 rows, the
 * counts summed up by one block, and the rows put in their places, a warp taking 128 of a tile, 32
 * after 32; lanes that have the same digit find each other by votes. 3 launches a pass, 3 passes
 * for a vocabulary of 150,000: some 30 us for 16,384 tokens, nearly all of it launches; 16 bytes a
 * row and pass.
 *
 * Adding: a thread has some columns of one place (16 bytes of x), and loads 8 rows before it adds
 * the first, so that the rows of a frequent place cost an 8th of a load's latency each: 5,000
 * tokens of one id some 0.5 ms, while the rest is read and added at the speed of memory: x once, y
 * twice.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/flat.h"
#include "kernels/cuda/segments.h"

namespace
{
constexpr int n_digits = 256; /* as many as threads */
constexpr int tile = 1024;    /* rows */
constexpr int n_warps = k_flat_threads / 32, rounds = tile / k_flat_threads;
constexpr int64_t most_rows = 1 << 15; /* at a time; the scratch holds them twice, and the counts */
static_assert(k_flat_threads == n_digits, "a thread for each digit");
static_assert(2 * most_rows * sizeof(int2) + most_rows / tile * n_digits * sizeof(int) <=
                  K_CUDA_SCRATCH,
              "the scratch holds a sort");

/* What is sorted: x a key, y its row. In the first pass only keys are there. */
__device__ __forceinline__ int2 pair_at(const int32_t *keys, const int2 *pairs, int64_t i)
{
    return pairs ? pairs[i] : make_int2(keys[i], (int)i);
}

__device__ __forceinline__ int digit_of(int key, int shift)
{
    return key >> shift & (n_digits - 1);
}

/* counts[tile, digit] */
__global__ void __launch_bounds__(k_flat_threads)
    count_digits(const int32_t *keys, const int2 *pairs, int64_t n, int shift, int *counts)
{
    __shared__ int count[n_digits];
    count[threadIdx.x] = 0;
    __syncthreads();
    for (int k = 0; k < rounds; k++) {
        const int64_t i = (int64_t)blockIdx.x * tile + k * k_flat_threads + threadIdx.x;
        if (i < n)
            atomicAdd(&count[digit_of(pair_at(keys, pairs, i).x, shift)], 1);
    }
    __syncthreads();
    counts[(int64_t)blockIdx.x * n_digits + threadIdx.x] = count[threadIdx.x];
}

/* Counts become places: where a tile's first row of a digit goes. One block. */
__global__ void __launch_bounds__(k_flat_threads) sum_counts(int *counts, int n_tiles)
{
    __shared__ int before[n_digits];
    const int digit = threadIdx.x;
    int mine = 0;
    for (int t = 0; t < n_tiles; t++)
        mine += counts[t * n_digits + digit];
    before[digit] = mine;
    __syncthreads();
    for (int o = 1; o < n_digits; o *= 2) {
        const int left = digit >= o ? before[digit - o] : 0;
        __syncthreads();
        before[digit] += left;
        __syncthreads();
    }
    int place = before[digit] - mine;
    for (int t = 0; t < n_tiles; t++) {
        const int count = counts[t * n_digits + digit];
        counts[t * n_digits + digit] = place;
        place += count;
    }
}

/* The lanes of this warp with the same digit; all of them come here. Those beyond the last row are
 * behind all others, and so in nobody's way. */
__device__ __forceinline__ unsigned peers_of(int digit)
{
    unsigned peers = k_all_lanes;
#pragma unroll
    for (int bit = 0; bit < 8; bit++) {
        const unsigned with = __ballot_sync(k_all_lanes, digit >> bit & 1);
        peers &= digit >> bit & 1 ? with : ~with;
    }
    return peers;
}

__global__ void __launch_bounds__(k_flat_threads)
    put_in_place(const int32_t *keys, const int2 *pairs, int64_t n, int shift, const int *places,
                 int2 *out)
{
    __shared__ int at[n_warps][n_digits];
    const int warp = threadIdx.x / 32, lane = threadIdx.x % 32;
    const int64_t begin = (int64_t)blockIdx.x * tile + warp * (tile / n_warps) + lane;
    int2 mine[rounds];
    for (int w = 0; w < n_warps; w++)
        at[w][threadIdx.x] = 0;
    __syncthreads();
#pragma unroll
    for (int k = 0; k < rounds; k++) {
        const bool is_there = begin + k * 32 < n;
        mine[k] = is_there ? pair_at(keys, pairs, begin + k * 32) : make_int2(0, 0);
        if (is_there)
            atomicAdd(&at[warp][digit_of(mine[k].x, shift)], 1);
    }
    __syncthreads();
    int place = places[(int64_t)blockIdx.x * n_digits + threadIdx.x];
    for (int w = 0; w < n_warps; w++) {
        const int count = at[w][threadIdx.x];
        at[w][threadIdx.x] = place;
        place += count;
    }
    __syncthreads();
#pragma unroll
    for (int k = 0; k < rounds; k++) {
        const bool is_there = begin + k * 32 < n;
        const int digit = digit_of(mine[k].x, shift);
        const unsigned peers = peers_of(digit);
        const int first = is_there ? at[warp][digit] : 0;
        __syncwarp();
        if (is_there && lane == __ffs((int)peers) - 1)
            at[warp][digit] = first + __popc(peers);
        __syncwarp();
        if (is_there)
            out[first + __popc(peers & ((1U << lane) - 1))] = mine[k];
    }
}

/* The rows by key; of equal keys, by row. In the scratch. */
const int2 *sorted(k_cuda_device *dev, const int32_t *keys, int64_t n, int64_t limit)
{
    int2 *room[2] = { reinterpret_cast<int2 *>(dev->scratch),
                      reinterpret_cast<int2 *>(dev->scratch) + n };
    int *counts = reinterpret_cast<int *>(room[1] + n);
    const int2 *from = nullptr;
    const int n_tiles = (int)((n + tile - 1) / tile);
    for (int shift = 0, to = 0; shift == 0 || (limit - 1) >> shift > 0; shift += 8, to ^= 1) {
        K_LAUNCH(count_digits, dim3((unsigned)n_tiles), dim3(k_flat_threads), 0, dev->stream, keys,
                 from, n, shift, counts);
        K_LAUNCH(sum_counts, dim3(1), dim3(k_flat_threads), 0, dev->stream, counts, n_tiles);
        K_LAUNCH(put_in_place, dim3((unsigned)n_tiles), dim3(k_flat_threads), 0, dev->stream, keys,
                 from, n, shift, counts, room[to]);
        from = room[to];
    }
    return from;
}

/* ---- adding ---------------------------------------------------------------------------------- */
constexpr int ahead = 8;

template <class X, class Y>
__global__ void __launch_bounds__(k_flat_threads)
    add_rows(k_segments a, const int2 *pairs, k_shares shares, bool is_aligned)
{
    constexpr int size = k_chunk<X>::n;
    int64_t i;
    int64_t item;
    if (!k_my_share(shares, &i, &item))
        return;
    const int key = pairs[i].x;
    if (i > 0 && pairs[i - 1].x == key) /* another's */
        return;
    const int64_t column = item * size, left = a.n - column;
    const X *x = static_cast<const X *>(a.x) + column;
    Y *y = static_cast<Y *>(a.y) + key * a.y_stride + column;
    k_some<Y, size> sum = k_read<size>(y, left, is_aligned);
    bool is_more = true;
    for (; is_more; i += ahead) {
        int2 pair[ahead];
#pragma unroll
        for (int k = 0; k < ahead; k++)
            pair[k] = i + k < a.rows ? pairs[i + k] : make_int2(-1, 0);
        k_some<X, size> next[ahead];
        bool is_mine[ahead];
#pragma unroll
        for (int k = 0; k < ahead; k++) {
            is_more = is_mine[k] = is_more && pair[k].x == key;
            if (is_mine[k])
                next[k] =
                    k_read<size>(x + (a.x_rows ? a.x_rows[pair[k].y] : pair[k].y) * a.x_stride,
                                 left, is_aligned);
        }
#pragma unroll
        for (int k = 0; k < ahead; k++)
            if (is_mine[k])
#pragma unroll
                for (int c = 0; c < size; c++)
                    k_round_to(&sum.v[c], k_to_float(sum.v[c]) + k_to_float(next[k].v[c]));
    }
    k_write<size>(y, left, is_aligned, sum);
}

template <class X, class Y> int add(k_cuda_device *dev, const k_segments &a)
{
    constexpr int size = k_chunk<X>::n;
    k_shares shares;
    const dim3 grid = k_share(&shares, a.rows, (a.n + size - 1) / size);
    if (grid.x == 0)
        return K_EARG;
    const bool is_aligned =
        k_is_aligned<X, size>(a.x, a.x_stride) && k_is_aligned<Y, size>(a.y, a.y_stride);
    const int2 *pairs = sorted(dev, a.keys, a.rows, a.limit);
    K_LAUNCH((add_rows<X, Y>), grid, dim3(k_flat_threads), 0, dev->stream, a, pairs, shares,
             is_aligned);
    return k_cuda_launched();
}
} /* namespace */

int k_cuda_add_segments(k_cuda_device *dev, const k_segments *a)
{
    for (int64_t done = 0; done < a->rows && a->n > 0; done += most_rows) {
        k_segments part = *a;
        part.rows = a->rows - done < most_rows ? a->rows - done : most_rows;
        part.keys += done;
        if (a->x_rows)
            part.x_rows += done;
        else
            part.x = static_cast<const char *>(a->x) +
                     done * a->x_stride * (int64_t)k_type_size(a->x_type);
        int rc;
        if (a->y_type == K_BF16)
            rc = add<nv_bfloat16, nv_bfloat16>(dev, part);
        else if (a->x_type == K_BF16)
            rc = add<nv_bfloat16, float>(dev, part);
        else
            rc = add<float, float>(dev, part);
        if (rc != K_OK)
            return rc;
    }
    return K_OK;
}
