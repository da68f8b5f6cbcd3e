/* attention_bwd_f32.h -- dq, dk and dv of attention in plain fmaf: tiles of 32 x 32 by 256 threads,
 * of which each has 2 x 2 of p and ds, then 2 rows of a result.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_ATTENTION_BWD_F32_H
#define K_CUDA_ATTENTION_BWD_F32_H

#include "kernels/cuda/attention_bwd.h"

namespace k_bwd
{
constexpr int f32_side = 16, f32_rows = 2 * f32_side; /* of threads; of a tile */
constexpr int f32_threads = f32_side * f32_side, f32_row = f32_rows + 1;

/* Numbers from row to row: an odd number of times 4 banks, with zeros to a multiple of 4. */
__host__ __device__ __forceinline__ int f32_stride(int64_t head_dim)
{
    return 4 * ((int)(head_dim + 3) / 4 | 1);
}

inline size_t f32_shared(int64_t head_dim)
{
    return ((size_t)(4 * f32_rows) * (size_t)f32_stride(head_dim) +
            (size_t)(2 * f32_rows * f32_row)) *
           sizeof(float);
}

/* Rows of a tile to shared memory, zeros for those that are not there, and beyond D; when the
 * threads have met. */
template <class RowsOf>
__device__ __forceinline__ void read_rows(float *to, const float *from, int from_stride,
                                          const RowsOf &rows, int head_dim)
{
    const int stride = f32_stride(head_dim), lane = (int)threadIdx.x % 32;
    for (int r = (int)threadIdx.x / 32; r < f32_rows; r += f32_threads / 32) {
        const int at = rows.row(r);
        const float *row = from + (int64_t)at * from_stride;
        for (int c = lane; c < stride; c += 32)
            to[r * stride + c] = at >= 0 && c < head_dim ? row[c] : 0.F;
    }
}

struct Four {
    float v[4];
};

__device__ __forceinline__ Four four(const float *p)
{
    const float4 x = *reinterpret_cast<const float4 *>(p);
    return { { x.x, x.y, x.z, x.w } };
}

/* Rows y and y + 16 of one matrix by rows x and x + 16 of another; (y, x): the thread. */
__device__ __forceinline__ void dots(float (&sum)[2][2], const float *rows, const float *columns,
                                     int stride)
{
    rows += (int)threadIdx.x / f32_side * stride;
    columns += (int)threadIdx.x % f32_side * stride;
#pragma unroll
    for (int i = 0; i < 4; i++)
        sum[i / 2][i % 2] = 0;
#pragma unroll 1
    for (int k = 0; k < stride; k += 4) {
        const Four a[2] = { four(rows + k), four(rows + f32_side * stride + k) };
        const Four b[2] = { four(columns + k), four(columns + f32_side * stride + k) };
#pragma unroll
        for (int i = 0; i < 4; i++)
#pragma unroll
            for (int j = 0; j < 4; j++)
                sum[i / 2][i % 2] = fmaf(a[i / 2].v[j], b[i % 2].v[j], sum[i / 2][i % 2]);
    }
}

/* What a thread has of a result: rows y and y + 16, of each numbers 4 x + 64 c and the 3 after. */
typedef float Sums[2][K_MAX_HEAD_DIM / (4 * f32_side)][4];

/* sum += w x: w [32, 32] with rows of 33. */
__device__ __forceinline__ void add_rows(Sums &sum, const float *w, const float *x, int stride)
{
    w += (int)threadIdx.x / f32_side * f32_row;
    const int begin = (int)threadIdx.x % f32_side * 4;
#pragma unroll 1
    for (int k = 0; k < f32_rows; k++) {
        const float by[2] = { w[k], w[f32_side * f32_row + k] };
#pragma unroll
        for (int c = 0; c < K_MAX_HEAD_DIM / (4 * f32_side); c++) {
            const int column = begin + c * 4 * f32_side;
            if (column < stride) {
                const Four b = four(x + k * stride + column);
#pragma unroll
                for (int i = 0; i < 8; i++)
                    sum[i / 4][c][i % 4] = fmaf(by[i / 4], b.v[i % 4], sum[i / 4][c][i % 4]);
            }
        }
    }
}

template <class RowsOf>
__device__ __forceinline__ void write_rows(const Sums &sum, float scale, float *to, int to_stride,
                                           const RowsOf &rows, int head_dim)
{
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const int row = rows.row((int)threadIdx.x / f32_side + i * f32_side);
#pragma unroll
        for (int c = 0; c < K_MAX_HEAD_DIM / (4 * f32_side); c++)
#pragma unroll
            for (int j = 0; j < 4; j++) {
                const int column = ((int)threadIdx.x % f32_side + c * f32_side) * 4 + j;
                if (row >= 0 && column < head_dim)
                    to[(int64_t)row * to_stride + column] = sum[i][c][j] * scale;
            }
    }
}

/* The shared memory of a block: its own rows of two matrices, those it goes through, p and ds. */
struct Floats {
    float *x, *y, *from_x, *from_y, *p, *ds;
    int stride;
    __device__ __forceinline__ Floats(float *shared, int64_t head_dim) : x(shared)
    {
        stride = f32_stride(head_dim);
        y = x + f32_rows * stride;
        from_x = y + f32_rows * stride;
        from_y = from_x + f32_rows * stride;
        p = from_y + f32_rows * stride;
        ds = p + f32_rows * f32_row;
    }
};

static __global__ void __launch_bounds__(f32_threads, 1) dq_f32(k_attn_bwd a)
{
    K_DYN_SHARED(float, shared);
    const int dim = (int)a.head_dim, head = (int)blockIdx.y, tile = (int)blockIdx.x;
    const int sequence = sequence_of(a, tile, f32_rows), stride = qkv_stride(a);
    const k_span of = k_span_of(a.cu_seqlens, a.parents, sequence);
    const int first = of.begin + first_of(tile, sequence, of, f32_rows);
    if (first >= of.end)
        return;
    const Floats t(shared, dim);
    const float *qkv = static_cast<const float *>(a.qkv);
    const float *k = qkv + ((int)a.heads + head / (int)(a.heads / a.kv_heads)) * dim;
    const Rows own = { first, first, of.end };
    read_rows(t.x, qkv + head * dim, stride, own, dim);
    read_rows(t.y, static_cast<const float *>(a.dout) + head * dim, (int)a.heads * dim, own, dim);
    const int y = (int)threadIdx.x / f32_side, x = (int)threadIdx.x % f32_side;
    float lse[2], delta[2];
    Sums dq = {};
#pragma unroll
    for (int i = 0; i < 2; i++) {
        const int row = own.row(y + i * f32_side);
        const int64_t at = (int64_t)row * (int)a.heads + head;
        lse[i] = row >= 0 ? static_cast<const float *>(a.lse)[at] : INFINITY;
        delta[i] = row >= 0 ? static_cast<const float *>(a.delta)[at] : 0.F;
    }
    const int position = of.before + first - of.begin;
    const int n_seen = position + min(f32_rows, of.end - first);
    for (Positions keys = { of, 0 }; keys.first < n_seen; keys.first += f32_rows) {
        __syncthreads();
        read_rows(t.from_x, k, stride, keys, dim);
        read_rows(t.from_y, k + (int)a.kv_heads * dim, stride, keys, dim);
        __syncthreads();
        float s[2][2], dp[2][2];
        dots(s, t.x, t.from_x, t.stride);
        dots(dp, t.y, t.from_y, t.stride);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int row = y + i / 2 * f32_side, column = x + i % 2 * f32_side;
            const bool is_seen = keys.first + column <= position + row;
            const float p = is_seen ? expf(s[i / 2][i % 2] * (float)a.scale - lse[i / 2]) : 0.F;
            t.ds[row * f32_row + column] = p * (dp[i / 2][i % 2] - delta[i / 2]);
        }
        __syncthreads();
        add_rows(dq, t.ds, t.from_x, t.stride);
    }
    write_rows(dq, (float)a.scale, static_cast<float *>(a.dqkv) + head * dim, stride, own, dim);
}

static __global__ void __launch_bounds__(f32_threads, 1) dkv_f32(k_attn_bwd a)
{
    K_DYN_SHARED(float, shared);
    const int dim = (int)a.head_dim, kv = (int)blockIdx.y, tile = (int)blockIdx.x;
    const int sequence = sequence_of(a, tile, f32_rows), stride = qkv_stride(a);
    const k_span of = k_span_of(a.cu_seqlens, a.parents, sequence);
    const int key = first_of(tile, sequence, of, f32_rows), first = of.begin + key;
    if (first >= of.end)
        return;
    const Floats t(shared, dim);
    const float *qkv = static_cast<const float *>(a.qkv);
    const int k = ((int)a.heads + kv) * dim, v = k + (int)a.kv_heads * dim;
    const Rows own = { first, first, of.end };
    read_rows(t.x, qkv + k, stride, own, dim);
    read_rows(t.y, qkv + v, stride, own, dim);
    const int y = (int)threadIdx.x / f32_side, x = (int)threadIdx.x % f32_side;
    Sums dk = {}, dv = {};
    const Seen keys = { sequence, key, members_of(a, sequence) };
    const int n_units = keys.members * (int)(a.heads / a.kv_heads);
    for (Queries<f32_rows> queries(a, keys, kv, 0, n_units); !queries.is_over();
         queries.next(a, keys)) {
        const int head = queries.head;
        __syncthreads();
        read_rows(t.from_x, qkv + head * dim, stride, queries.rows, dim);
        read_rows(t.from_y, static_cast<const float *>(a.dout) + head * dim, (int)a.heads * dim,
                  queries.rows, dim);
        __syncthreads();
        float s[2][2], dp[2][2];
        dots(s, t.x, t.from_x, t.stride);
        dots(dp, t.y, t.from_y, t.stride);
#pragma unroll
        for (int i = 0; i < 4; i++) {
            const int row = y + i / 2 * f32_side, column = x + i % 2 * f32_side;
            const int query = queries.rows.row(column);
            float p = 0, ds = 0;
            if (query >= first + row) {
                const int64_t at = (int64_t)query * (int)a.heads + head;
                p = expf(s[i / 2][i % 2] * (float)a.scale - static_cast<const float *>(a.lse)[at]);
                ds = p * (dp[i / 2][i % 2] - static_cast<const float *>(a.delta)[at]);
            }
            t.p[row * f32_row + column] = p;
            t.ds[row * f32_row + column] = ds;
        }
        __syncthreads();
        add_rows(dv, t.p, t.from_y, t.stride);
        add_rows(dk, t.ds, t.from_x, t.stride);
    }
    write_rows(dk, (float)a.scale, static_cast<float *>(a.dqkv) + k, stride, own, dim);
    write_rows(dv, 1.F, static_cast<float *>(a.dqkv) + v, stride, own, dim);
}
} /* namespace k_bwd */

#endif
