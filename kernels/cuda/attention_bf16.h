/* attention_bf16.h -- attention of query rows on the matrix units: what attn and attn_paged do in
 * bf16.
 *
 * Keys and values go through shared memory in tiles of 64, from position 0. Scores are summed in
 * f32, scaled, and weighed by 2^(s - max) in f32; for the product with the values a weight is
 * rounded to bf16, their sum is of those not rounded. Results are f32 until they are stored.
 *
 * Two ways, one set of numbers. `attend`: 64 rows, 16 for each of 4 warps, which take all keys of a
 * tile. `attend_few`: 16 rows for the block, whose warps have 16 keys of a tile each for the
 * scores, and a quarter of the head each for the values; the weights pass between them through
 * shared memory. In both a score is one chain of mma over the head, a number of the result one
 * chain of mma over the keys, shrunk once for each tile; a maximum has no order; and sums of
 * weights are kept for each of the 4 slices of 16 keys, and by each of the 4 lanes of a row, until
 * the end. So a row's bits depend on its own query and keys alone, wherever they lie.
 *
 * A tile is 4 D 64 operations for a row, so that with 64 rows 4 D 64 * 64 / (4 D 64) = 64 come on a
 * byte of keys and values (of L2: other blocks read them too). With few rows their bytes are what
 * it costs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_ATTENTION_BF16_H
#define K_CUDA_ATTENTION_BF16_H

#include "kernels/cuda/attention.h"
#include "kernels/cuda/tile.h"
#include <initializer_list>

namespace k_bf16
{
constexpr int tile = 64, slice = 16, n_slices = tile / slice; /* keys */
constexpr int n_warps = 4, threads = 32 * n_warps;
constexpr int rows = 16 * n_warps, few = 16;

/* Heads of width_ numbers, all lines aligned: exact_. Else of `dim` numbers, at most width_. */
template <int width_, bool exact_> struct Shape {
    static constexpr int width = width_;
    static constexpr bool exact = exact_;
    static constexpr int stages = width > 128 ? 1 : 2; /* of attend */
    static constexpr int few_stages = width > 128 ? 1 : width > 64 ? 2 : 3;
    static constexpr int stage = 2 * tile * width;      /* numbers: keys, then values */
    static constexpr int blocks = width > 64 ? 2 : 3;   /* on a multiprocessor */
    static constexpr bool keeps_queries = width <= 128; /* in registers */
    static constexpr size_t shared = sizeof(nv_bfloat16) * (rows * width + stages * stage);
    static constexpr size_t few_shared =
        sizeof(nv_bfloat16) * (few * (width + tile) + few_stages * stage) +
        sizeof(float) * (n_warps * few + n_warps * 64);
};

/* What is the same for all rows. */
struct Sizes {
    int dim;
    bool is_whole; /* lines are aligned, of whole chunks */
    float scale;   /* times log2 e */
};

/* The softmax of a warp's 16 rows so far, as mma's c has them: this lane has rows lane / 4 and that
 * + 8 (h = 0 and 1), and numbers 8 i + 2 (lane % 4) and that + 1 of each 8 i ... */
template <int slices, int numbers> struct Running {
    float max[2], sum[slices][2], v[numbers / 8][4];
};

/* ---- a tile ---------------------------------------------------------------------------------- */
template <class S, class Keys>
__device__ __forceinline__ void bring_keys(nv_bfloat16 *stage, const Keys &keys, int first, int end,
                                           const Sizes &z)
{
    typedef k_share<tile, S::width, threads> Share;
#pragma unroll(S::width > 128 ? 1 : 2) /* addresses are many registers */
    for (int i = 0; i < Share::n; i++) {
        const int key = Share::at(i).line, c = Share::at(i).chunk;
        const int64_t at = first + key < end ? keys.at(first + key) : -1;
        nv_bfloat16 *to = stage + k_slot<S::width>(key, c);
        const bool whole = S::exact || z.is_whole;
        const int dim = S::exact ? S::width : z.dim;
        k_bring_chunk(to, at >= 0 ? keys.k + at : nullptr, keys.k, c, dim, whole);
        k_bring_chunk(to + tile * S::width, at >= 0 ? keys.v + at : nullptr, keys.v, c, dim, whole);
    }
}

template <class S, int n, class RowOf>
__device__ __forceinline__ void bring_queries(nv_bfloat16 *to, RowOf row_of,
                                              const nv_bfloat16 *some, const Sizes &z)
{
    typedef k_share<n, S::width, threads> Share;
#pragma unroll
    for (int i = 0; i < Share::n; i++) {
        const int row = Share::at(i).line, c = Share::at(i).chunk;
        k_bring_chunk(to + k_slot<S::width>(row, c), row_of(row).q, some, c,
                      S::exact ? S::width : z.dim, S::exact || z.is_whole);
    }
}

/* Scores of 16 rows, whose queries are at `row` of a tile or in registers already, with n slices of
 * keys from `key` on, are added to s[2 n][4], each 8 keys. */
template <class S, int n>
__device__ __forceinline__ void score(float (&s)[2 * n][4], const uint32_t (*kept)[4],
                                      const nv_bfloat16 *queries, int row, const nv_bfloat16 *keys,
                                      int key, const Sizes &z)
{
#pragma unroll
    for (int d = 0; d < S::width; d += 16) {
        if (!S::exact && d >= z.dim)
            break;
        uint32_t q[4], k[4];
        if (kept) {
#pragma unroll
            for (int i = 0; i < 4; i++)
                q[i] = kept[d / 16][i];
        } else {
            k_take_a<S::width>(q, queries, row, d);
        }
#pragma unroll
        for (int i = 0; i < n; i++) {
            k_take_b<S::width>(k, keys, key + i * slice, d);
            k_add_products(s[2 * i], s[2 * i + 1], q, k);
        }
    }
}

/* Scales the scores of keys from position `first` on, takes those out that rows do not see, and
 * raises max. */
template <int n>
__device__ __forceinline__ void scale_and_mask(float (&s)[2 * n][4], float (&max)[2], int first,
                                               const int (&last)[2], float scale)
{
    const int at = first + 2 * ((int)threadIdx.x % 4);
    const int seen = last[0] < last[1] ? last[0] : last[1];
    const bool has_all = first + n * slice - 1 <= seen;
#pragma unroll
    for (int i = 0; i < 2 * n; i++)
#pragma unroll
        for (int c = 0; c < 4; c++) {
            const bool is_seen = has_all || at + 8 * i + c % 2 <= last[c / 2];
            s[i][c] = is_seen ? s[i][c] * scale : -INFINITY;
            max[c / 2] = fmaxf(max[c / 2], s[i][c]);
        }
#pragma unroll
    for (int h = 0; h < 2; h++) { /* over the 4 lanes of a row */
        max[h] = fmaxf(max[h], __shfl_xor_sync(k_all_lanes, max[h], 1));
        max[h] = fmaxf(max[h], __shfl_xor_sync(k_all_lanes, max[h], 2));
    }
}

/* Weights of n slices, rounded, each as mma's a; and their sums. */
template <int n>
__device__ __forceinline__ void weigh(uint32_t (&p)[n][4], float (&s)[2 * n][4], float (&sum)[n][2],
                                      const float (&max)[2], const float (&shrink)[2])
{
#pragma unroll
    for (int i = 0; i < n; i++) {
#pragma unroll
        for (int c = 0; c < 4; c++) {
            s[2 * i][c] = k_exp2(s[2 * i][c] - max[c / 2]);
            s[2 * i + 1][c] = k_exp2(s[2 * i + 1][c] - max[c / 2]);
        }
#pragma unroll
        for (int h = 0; h < 2; h++) {
            const float more = (s[2 * i][2 * h] + s[2 * i][2 * h + 1]) +
                               (s[2 * i + 1][2 * h] + s[2 * i + 1][2 * h + 1]);
            sum[i][h] = fmaf(sum[i][h], shrink[h], more);
            p[i][h] = k_pair(s[2 * i][2 * h], s[2 * i][2 * h + 1]);
            p[i][2 + h] = k_pair(s[2 * i + 1][2 * h], s[2 * i + 1][2 * h + 1]);
        }
    }
}

/* v = v shrink + the product of a slice's weights with `numbers` numbers of its values. */
template <class S, int numbers>
__device__ __forceinline__ void add_values(float (&v)[numbers / 8][4], const uint32_t (&p)[4],
                                           const nv_bfloat16 *values, int key, int number,
                                           const Sizes &z)
{
#pragma unroll
    for (int d = 0; d < numbers; d += 16) {
        if (!S::exact && number + d >= z.dim)
            break;
        uint32_t b[4];
        k_take_b_turned<S::width>(b, values, key, number + d);
        k_add_products(v[d / 8], v[d / 8 + 1], p, b);
    }
}

template <int numbers>
__device__ __forceinline__ void shrink_values(float (&v)[numbers / 8][4], const float (&shrink)[2])
{
#pragma unroll
    for (int i = 0; i < numbers / 8; i++)
#pragma unroll
        for (int c = 0; c < 4; c++)
            v[i][c] *= shrink[c / 2];
}

/* The sum of a row over the 4 slices, then over its lanes. */
__device__ __forceinline__ float whole_sum(float s0, float s1, float s2, float s3)
{
    float sum = (s0 + s1) + (s2 + s3);
    sum += __shfl_xor_sync(k_all_lanes, sum, 1);
    return sum + __shfl_xor_sync(k_all_lanes, sum, 2);
}

/* This lane's part of a row, from `number` on. */
template <class S, int numbers>
__device__ __forceinline__ void store(const k_query<nv_bfloat16> &row,
                                      const float (&v)[numbers / 8][4], int h, float sum, float max,
                                      int number, const Sizes &z)
{
    if (!row.out)
        return;
    const float part = __fdividef(1.F, sum); /* no IEEE division: that is a call */
    const int lane = (int)threadIdx.x % 4;
#pragma unroll
    for (int i = 0; i < numbers / 8; i++) {
        const int at = number + 8 * i + 2 * lane;
        const float x = v[i][2 * h] * part, y = v[i][2 * h + 1] * part;
        if (S::exact) {
            *reinterpret_cast<nv_bfloat162 *>(row.out + at) = __floats2bfloat162_rn(x, y);
        } else if (at < z.dim) { /* which is even */
            k_round_to(row.out + at, x);
            k_round_to(row.out + at + 1, y);
        }
    }
    if (row.lse && number == 0 && lane == 0)
        *row.lse = fmaf(max, k_ln_2, logf(sum));
}

/* ---- 64 rows --------------------------------------------------------------------------------- */
/* A tile for the 16 rows of a warp. */
template <class S>
__device__ __forceinline__ void take_tile(Running<n_slices, S::width> &r, const uint32_t (*kept)[4],
                                          const nv_bfloat16 *queries, const nv_bfloat16 *stage,
                                          int first, const int (&last)[2], const Sizes &z)
{
    float s[2 * n_slices][4] = {}, max[2] = { r.max[0], r.max[1] }, shrink[2];
    uint32_t p[n_slices][4];
    score<S, n_slices>(s, kept, queries, (int)threadIdx.x / 32 * 16, stage, 0, z);
    scale_and_mask<n_slices>(s, max, first, last, z.scale);
#pragma unroll
    for (int h = 0; h < 2; h++) {
        shrink[h] = k_exp2(r.max[h] - max[h]);
        r.max[h] = max[h];
    }
    weigh<n_slices>(p, s, r.sum, max, shrink);
    shrink_values<S::width>(r.v, shrink);
#pragma unroll
    for (int i = 0; i < n_slices; i++)
        add_values<S, S::width>(r.v, p[i], stage + tile * S::width, i * slice, 0, z);
}

/* 64 rows of a block: row_of(i) is row i; positions below end are keys. All threads come here, and
 * leave with shared memory free. */
template <class S, class Keys, class RowOf>
__device__ __forceinline__ void attend(nv_bfloat16 *shared, const Keys &keys, RowOf row_of, int end,
                                       const Sizes &z)
{
    nv_bfloat16 *ring = shared + rows * S::width;
    const int lane = (int)threadIdx.x % 32, row = (int)threadIdx.x / 32 * 16 + lane / 4;
    bring_queries<S, rows>(shared, row_of, keys.k, z);
    bring_keys<S>(ring, keys, 0, end, z);
    k_cp_commit();
    k_cp_wait<0>();
    __syncthreads();
    uint32_t kept[S::width / 16][4];
    if (S::keeps_queries) {
#pragma unroll
        for (int d = 0; d < S::width; d += 16)
            k_take_a<S::width>(kept[d / 16], shared, row - lane / 4, d);
    }
    const int last[2] = { row_of(row).last, row_of(row + 8).last };
    int of_warp = last[0] > last[1] ? last[0] : last[1];
#pragma unroll
    for (int o = 4; o < 32; o *= 2) {
        const int other = __shfl_xor_sync(k_all_lanes, of_warp, o);
        of_warp = other > of_warp ? other : of_warp;
    }
    Running<n_slices, S::width> r = {};
    r.max[0] = r.max[1] = -INFINITY;
    for (int first = 0, turn = 0; first < end; first += tile, turn ^= S::stages - 1) {
        nv_bfloat16 *next = ring + (turn ^ (S::stages - 1)) * S::stage;
        if (S::stages > 1 && first + tile < end) {
            bring_keys<S>(next, keys, first + tile, end, z);
            k_cp_commit();
        }
        if (first <= of_warp)
            take_tile<S>(r, S::keeps_queries ? kept : nullptr, shared, ring + turn * S::stage,
                         first, last, z);
        if (S::stages == 1) {
            __syncthreads();
            if (first + tile < end)
                bring_keys<S>(ring, keys, first + tile, end, z);
            k_cp_commit();
        }
        k_cp_wait<0>();
        __syncthreads(); /* the next tile is there for all; and all have done with this one */
    }
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const float sum = whole_sum(r.sum[0][h], r.sum[1][h], r.sum[2][h], r.sum[3][h]);
        store<S, S::width>(row_of(row + 8 * h), r.v, h, sum, r.max[h], 0, z);
    }
}

/* ---- few rows -------------------------------------------------------------------------------- */
/* What the warps of attend_few tell each other. */
struct Exchange {
    nv_bfloat16 *weights; /* [few][tile], as k_slot has it */
    float (*max)[few];    /* [n_warps] */
    float (*sum)[32][2];  /* [n_warps] */
};

/* A tile: warp w has the keys of slice w, then numbers w width/4 .. of the values. */
template <class S>
__device__ __forceinline__ void
take_few(Running<1, S::width / n_warps> &r, const uint32_t (*kept)[4], const Exchange &x,
         const nv_bfloat16 *stage, int first, const int (&last)[2], const Sizes &z)
{
    constexpr int numbers = S::width / n_warps;
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32;
    float s[2][4] = {}, max[2] = { r.max[0], r.max[1] }, shrink[2];
    uint32_t p[1][4];
    score<S, 1>(s, kept, nullptr, 0, stage, warp * slice, z);
    scale_and_mask<1>(s, max, first + warp * slice, last, z.scale);
    if (lane % 4 == 0) {
        x.max[warp][lane / 4] = max[0];
        x.max[warp][lane / 4 + 8] = max[1];
    }
    __syncthreads();
#pragma unroll
    for (int h = 0; h < 2; h++) {
#pragma unroll
        for (int w = 0; w < n_warps; w++)
            max[h] = fmaxf(max[h], x.max[w][lane / 4 + 8 * h]);
        shrink[h] = k_exp2(r.max[h] - max[h]);
        r.max[h] = max[h];
    }
    weigh<1>(p, s, r.sum, max, shrink);
#pragma unroll
    for (int i = 0; i < 4; i++) { /* as k_take_a reads it */
        const int at = k_slot<tile>(lane / 4 + i % 2 * 8, warp * 2 + i / 2) + lane % 4 * 2;
        *reinterpret_cast<uint32_t *>(x.weights + at) = p[0][i];
    }
    __syncthreads();
    shrink_values<numbers>(r.v, shrink);
#pragma unroll
    for (int i = 0; i < n_slices; i++) {
        k_take_a<tile>(p[0], x.weights, 0, i * slice);
        add_values<S, numbers>(r.v, p[0], stage + tile * S::width, i * slice, warp * numbers, z);
    }
}

/* As attend, of 16 rows. */
template <class S, class Keys, class RowOf>
__device__ __forceinline__ void attend_few(nv_bfloat16 *shared, const Keys &keys, RowOf row_of,
                                           int end, const Sizes &z)
{
    constexpr int stages = S::few_stages, ahead = stages - 1, numbers = S::width / n_warps;
    nv_bfloat16 *ring = shared + few * (S::width + tile);
    float *floats = reinterpret_cast<float *>(ring + stages * S::stage);
    const Exchange x = { shared + few * S::width, reinterpret_cast<float(*)[few]>(floats),
                         reinterpret_cast<float(*)[32][2]>(floats + n_warps * few) };
    const int lane = (int)threadIdx.x % 32, warp = (int)threadIdx.x / 32, row = lane / 4;
    bring_queries<S, few>(shared, row_of, keys.k, z);
    if (stages == 1)
        k_cp_commit();
#pragma unroll
    for (int i = 0; i < ahead; i++) {
        if (i * tile < end)
            bring_keys<S>(ring + i * S::stage, keys, i * tile, end, z);
        k_cp_commit();
    }
    k_cp_wait<stages == 1 ? 0 : ahead - 1>();
    __syncthreads();
    uint32_t kept[S::width / 16][4];
#pragma unroll
    for (int d = 0; d < S::width; d += 16)
        k_take_a<S::width>(kept[d / 16], shared, 0, d);
    const int last[2] = { row_of(row).last, row_of(row + 8).last };
    Running<1, numbers> r = {};
    r.max[0] = r.max[1] = -INFINITY;
    for (int first = 0, turn = 0, next = ahead; first < end; first += tile) {
        if (stages > 1) {
            k_cp_wait<stages == 1 ? 0 : ahead - 1>();
            __syncthreads(); /* this tile is there for all; and all have done with the one before */
        }
        if (first + ahead * tile < end)
            bring_keys<S>(ring + next * S::stage, keys, first + ahead * tile, end, z);
        k_cp_commit();
        if (stages == 1) {
            k_cp_wait<0>();
            __syncthreads();
        }
        take_few<S>(r, kept, x, ring + turn * S::stage, first, last, z);
        if (stages == 1)
            __syncthreads();
        turn = turn + 1 < stages ? turn + 1 : 0;
        next = next + 1 < stages ? next + 1 : 0;
    }
    x.sum[warp][lane][0] = r.sum[0][0];
    x.sum[warp][lane][1] = r.sum[0][1];
    __syncthreads();
#pragma unroll
    for (int h = 0; h < 2; h++) {
        const float sum =
            whole_sum(x.sum[0][lane][h], x.sum[1][lane][h], x.sum[2][lane][h], x.sum[3][lane][h]);
        store<S, numbers>(row_of(row + 8 * h), r.v, h, sum, r.max[h], warp * numbers, z);
    }
    __syncthreads(); /* shared memory is free */
}
/* ---- launches -------------------------------------------------------------------------------- */
/* Calls launch.with<S>(sizes) with the shape for heads of so many numbers; arrays: what the kernel
 * goes through by lines of a multiple of them. */
template <class L>
bool with_shape(const L &launch, int64_t dim, double scale,
                std::initializer_list<const void *> arrays)
{
    bool is_whole = true;
    for (const void *p : arrays)
        is_whole = is_whole && k_is_whole<nv_bfloat16>(p, dim);
    const Sizes z = { (int)dim, is_whole, (float)(scale * 1.4426950408889634) };
    if (dim == 64 && is_whole)
        return launch.template with<Shape<64, true>>(z);
    if (dim == 128 && is_whole)
        return launch.template with<Shape<128, true>>(z);
    if (dim <= 128)
        return launch.template with<Shape<128, false>>(z);
    return launch.template with<Shape<256, false>>(z);
}
} /* namespace k_bf16 */

#endif
