/* attention_f32.h -- attention of 16 query rows in plain fmaf: what attn and attn_paged do in f32.
 *
 * Keys and values go through shared memory 32 at a time, from position 0. A warp has 4 rows; a lane
 * has one key of a tile, then every 32nd number of the head. So a row's bits depend on its own
 * query and keys alone.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_ATTENTION_F32_H
#define K_CUDA_ATTENTION_F32_H

#include "kernels/cuda/attention.h"

namespace k_f32
{
constexpr int tile = 32, threads = 128, n_warps = threads / 32, rows = 16;
constexpr int each = rows / n_warps, per_lane = K_MAX_HEAD_DIM / 32;

/* Floats of shared memory: keys [tile][dim + 1], values [tile][dim], queries [rows][dim], p
 * [rows][tile]. */
inline size_t shared_bytes(int64_t dim)
{
    return (size_t)(tile * (2 * dim + 1) + rows * (dim + tile)) * sizeof(float);
}

template <class Keys>
__device__ __forceinline__ void load_tile(float *k, float *v, const Keys &keys, int first, int end,
                                          int dim)
{
    for (int key = (int)threadIdx.x / 32; key < tile; key += n_warps) {
        const int64_t at = first + key < end ? keys.at(first + key) : -1;
        for (int i = (int)threadIdx.x % 32; i < dim; i += 32) {
            k[key * (dim + 1) + i] = at >= 0 ? keys.k[at + i] : 0.F;
            v[key * dim + i] = at >= 0 ? keys.v[at + i] : 0.F;
        }
    }
}

/* The softmax of a warp's rows so far; in shares of a lane: numbers lane, lane + 32, ... of v. */
struct Running {
    float max[each], sum[each], v[each][per_lane];
};

/* p[row] of a tile: this lane's key, which is at position `at`. */
__device__ __forceinline__ void take_scores(Running &r, float (&p)[each], const float *k,
                                            const float *q, const int (&last)[each], int at,
                                            int dim, float scale)
{
    for (int i = 0; i < each; i++)
        p[i] = 0;
    for (int d = 0; d < dim; d++) {
        const float kd = k[d];
#pragma unroll
        for (int i = 0; i < each; i++)
            p[i] = fmaf(q[i * n_warps * dim + d], kd, p[i]);
    }
#pragma unroll
    for (int i = 0; i < each; i++) {
        const float s = at <= last[i] ? p[i] * scale : -INFINITY;
        float max = fmaxf(r.max[i], s);
        for (int o = 16; o > 0; o >>= 1)
            max = fmaxf(max, __shfl_xor_sync(k_all_lanes, max, o));
        const float shrink = expf(r.max[i] - max);
        r.max[i] = max;
        p[i] = expf(s - max);
        float sum = p[i];
        for (int o = 16; o > 0; o >>= 1)
            sum += __shfl_xor_sync(k_all_lanes, sum, o);
        r.sum[i] = fmaf(r.sum[i], shrink, sum);
#pragma unroll
        for (int j = 0; j < per_lane; j++)
            r.v[i][j] *= shrink;
    }
}

/* v += p values: p [rows][tile] and values [tile][dim] in shared memory, p from this warp's first
 * row. */
__device__ __forceinline__ void add_values(Running &r, const float *p, const float *v, int dim)
{
    const int lane = (int)threadIdx.x % 32;
    for (int key = 0; key < tile; key++)
#pragma unroll
        for (int j = 0; j < per_lane; j++)
            if (lane + 32 * j < dim) {
                const float x = v[key * dim + lane + 32 * j];
#pragma unroll
                for (int i = 0; i < each; i++)
                    r.v[i][j] = fmaf(p[i * n_warps * tile + key], x, r.v[i][j]);
            }
}

/* All rows of a block: row_of(i) gives row i of `rows`; warp w has rows w, w + n_warps, ...
 * Positions below end are keys; every row's last is. All threads of the block come here. */
template <class Keys, class RowOf>
__device__ __forceinline__ void attend(float *shared, const Keys &keys, RowOf row_of, int end,
                                       int dim, float scale)
{
    float *k = shared, *v = k + tile * (dim + 1), *q = v + tile * dim, *p = q + rows * dim;
    const int warp = (int)threadIdx.x / 32, lane = (int)threadIdx.x % 32;
    Running r = {};
    int last[each];
    for (int i = 0; i < each; i++) {
        const k_query<float> row = row_of(warp + i * n_warps);
        r.max[i] = -INFINITY;
        last[i] = row.last;
        for (int d = lane; d < dim; d += 32)
            q[(warp + i * n_warps) * dim + d] = row.q ? row.q[d] : 0.F;
    }
    for (int first = 0; first < end; first += tile) {
        __syncthreads(); /* all are done with the tile before */
        load_tile(k, v, keys, first, end, dim);
        __syncthreads();
        float weight[each];
        take_scores(r, weight, k + lane * (dim + 1), q + warp * dim, last, first + lane, dim,
                    scale);
        for (int i = 0; i < each; i++)
            p[(warp + i * n_warps) * tile + lane] = weight[i];
        __syncwarp();
        add_values(r, p + warp * tile, v, dim);
    }
#pragma unroll
    for (int i = 0; i < each; i++) {
        const k_query<float> row = row_of(warp + i * n_warps);
        if (!row.out)
            continue;
#pragma unroll
        for (int j = 0; j < per_lane; j++)
            if (lane + 32 * j < dim)
                row.out[lane + 32 * j] = r.v[i][j] / r.sum[i];
        if (row.lse && lane == 0)
            *row.lse = r.max[i] + logf(r.sum[i]);
    }
}
} /* namespace k_f32 */

#endif
