/* attention_bwd_bf16.h -- tiles of bf16 in shared memory, and the products that a warp makes of
 * them: 16 m of its rows by 8 n rows that the block goes through. What one product gives is the
 * left operand of the next without leaving the registers.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_ATTENTION_BWD_BF16_H
#define K_CUDA_ATTENTION_BWD_BF16_H

#include "kernels/cuda/attention_bwd.h"
#include "kernels/cuda/tile.h"

namespace k_bwd
{
/* ---- tiles in shared memory ------------------------------------------------------------------ */
typedef nv_bfloat16 bf16;

/* A kernel for heads of `dim` numbers, or where that is 0, of any: it computes `columns` of a
 * result's D numbers, in blocks of so many warps that have 16 m rows each, and goes through 8 n
 * rows at a time. */
template <int dim_, int columns_, int warps, int m_, int n_> struct Shape {
    static constexpr int dim = dim_, columns = columns_, m = m_, n = n_;
    static constexpr int threads = 32 * warps, rows = 16 * m * warps, through = 8 * n;
    static __host__ __device__ __forceinline__ int width(int64_t head_dim)
    {
        return dim ? dim : (int)(head_dim + 15) / 16 * 16;
    }
    static __host__ __device__ __forceinline__ int stride(int64_t head_dim)
    {
        return width(head_dim) + k_padding;
    }
    static size_t shared(int64_t head_dim)
    {
        return (size_t)(2 * rows + 4 * through) * (size_t)stride(head_dim) * sizeof(bf16) +
               (size_t)(4 * through) * sizeof(float);
    }
};

/* The shared memory of a block: its rows of two matrices, and two stages of what it goes through,
 * with lse and delta of it. */
template <class S> struct Tiles {
    bf16 *x, *y;
    bf16 *stages;
    float *sums;
    int stride;
    __device__ __forceinline__ Tiles(bf16 *shared, int64_t head_dim)
        : x(shared), y(shared + S::rows * S::stride(head_dim)),
          stages(shared + 2 * S::rows * S::stride(head_dim)),
          sums(reinterpret_cast<float *>(stages + 4 * S::through * S::stride(head_dim))),
          stride(S::stride(head_dim))
    {
    }
    __device__ __forceinline__ bf16 *x_at(int stage) const
    {
        return stages + 2 * stage * S::through * stride;
    }
    __device__ __forceinline__ bf16 *y_at(int stage) const
    {
        return stages + (2 * stage + 1) * S::through * stride;
    }
    __device__ __forceinline__ float *sums_at(int stage) const
    {
        return sums + 2 * stage * S::through;
    }
};

/* Begins to bring n rows into shared memory; zeros for those that are not there, and for numbers
 * beyond D. from: the head in row 0. */
template <class S, int n, class RowsOf>
__device__ __forceinline__ void fetch(bf16 *to, const bf16 *from, int from_stride,
                                      const RowsOf &rows, int head_dim, bool is_whole)
{
    const int chunks = S::width(head_dim) / 8, stride = S::stride(head_dim);
    for (int i = (int)threadIdx.x; i < n * chunks; i += S::threads) {
        const int r = i / chunks, c = i % chunks, at = rows.row(r);
        const bool is_there = at >= 0 && c * 8 < head_dim;
        k_bring_chunk(to + r * stride + c * 8, is_there ? from + (int64_t)at * from_stride : from,
                      is_there, from, c, head_dim, S::dim || is_whole);
    }
}

/* ---- products of a warp ---------------------------------------------------------------------- */
/* sum += x y^T over `width` numbers: 16 m rows of x, 8 n of y, both from their first row on. */
template <class S>
__device__ __forceinline__ void rows_by_rows(float (&sum)[S::m][S::n][4], const bf16 *x,
                                             const bf16 *y, int width, int stride)
{
    x += k_down().padded(stride);
    y += k_across().padded(stride);
#pragma unroll 1
    for (int k = 0; k < width; k += 16) {
        uint32_t a[S::m][4];
#pragma unroll
        for (int m = 0; m < S::m; m++)
            k_ldmatrix_x4(a[m], x + m * 16 * stride + k);
#pragma unroll
        for (int n = 0; n < S::n; n += 2) {
            uint32_t b[4];
            k_ldmatrix_x4(b, y + n * 8 * stride + k);
#pragma unroll
            for (int m = 0; m < S::m; m++)
                k_add_products(sum[m][n], sum[m][n + 1], a[m], b);
        }
    }
}

/* Rounded, and as the left operand of a product over the 8 n columns. */
template <class S>
__device__ __forceinline__ void pack(uint32_t (&to)[S::m][S::n / 2][4],
                                     const float (&x)[S::m][S::n][4])
{
#pragma unroll
    for (int m = 0; m < S::m; m++)
#pragma unroll
        for (int n = 0; n < S::n; n++)
#pragma unroll
            for (int i = 0; i < 2; i++)
                to[m][n / 2][n % 2 * 2 + i] = k_pair(x[m][n][2 * i], x[m][n][2 * i + 1]);
}

/* sum += x y: x [16 m, 8 n], y [8 n, columns] from its first column on; n_columns of them are
 * there, a multiple of 16. */
template <class S>
__device__ __forceinline__ void add_product(float (&sum)[S::m][S::columns / 8][4],
                                            const uint32_t (&x)[S::m][S::n / 2][4], const bf16 *y,
                                            int n_columns, int stride)
{
    y += k_down().padded(stride);
#pragma unroll
    for (int k = 0; k < S::n / 2; k++)
#pragma unroll
        for (int c = 0; c < S::columns / 8; c += 2)
            if (S::dim || c * 8 < n_columns) {
                uint32_t b[4];
                k_ldmatrix_x4_trans(b, y + k * 16 * stride + c * 8);
#pragma unroll
                for (int m = 0; m < S::m; m++)
                    k_add_products(sum[m][c], sum[m][c + 1], x[m][k], b);
            }
}

/* A warp's rows of a result, times `scale`, by way of `stage`, shared memory of its own, from where
 * they leave 16 bytes at a time. to: the first row and column; n_rows of them are there. */
template <class S>
__device__ __forceinline__ void store(const float (&sum)[S::m][S::columns / 8][4], float scale,
                                      bf16 *stage, int stride, bf16 *to, int to_stride, int n_rows,
                                      int n_columns, bool is_whole)
{
    const int lane = (int)threadIdx.x % 32;
    __syncwarp();
#pragma unroll
    for (int m = 0; m < S::m; m++)
#pragma unroll
        for (int c = 0; c < S::columns / 8; c++)
            if (S::dim || c * 8 < n_columns)
#pragma unroll
                for (int i = 0; i < 2; i++)
                    *reinterpret_cast<nv_bfloat162 *>(stage + (m * 16 + i * 8 + lane / 4) * stride +
                                                      c * 8 + lane % 4 * 2) =
                        __floats2bfloat162_rn(sum[m][c][2 * i] * scale,
                                              sum[m][c][2 * i + 1] * scale);
    __syncwarp();
    const int chunks = (n_columns + 7) / 8;
    for (int i = lane; i < 16 * S::m * chunks; i += 32) {
        const int r = i / chunks, c = i % chunks * 8;
        if (r >= n_rows)
            break;
        const auto chunk = *reinterpret_cast<const k_chunk<bf16> *>(stage + r * stride + c);
        if (S::dim || is_whole)
            k_save<bf16, true>(to + (int64_t)r * to_stride, c, n_columns, chunk);
        else
            k_save<bf16, false>(to + (int64_t)r * to_stride, c, n_columns, chunk);
    }
}
} /* namespace k_bwd */

#endif
