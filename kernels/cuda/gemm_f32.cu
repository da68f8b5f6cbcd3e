/* gemm_f32.cu -- matrix products in float: for tests against the CPU and for small models, without
 * the matrix units, whose float (tf32) has 10 bits. product.h says what is what.
 *
 * A block makes a tile of y in steps of 8 along p. The tiles of a and b lie in shared memory with
 * p as the line, twice: while one step is multiplied, the next is on its way through registers. A
 * thread sums n x n numbers, in squares of 4 x 4, so that it reads 16 bytes at a time and the lanes
 * of a warp side by side.
 *
 * Bits: an element of y is one chain of fmaf over p in order, in every tile.
 *
 * Cost: 2 I J P operations by fmaf; with 8 x 8 numbers a thread, 16 numbers of shared memory for 64
 * fmaf, which is where both ends meet (32 numbers and 128 fmaf a cycle).
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/chunk.h"
#include "kernels/cuda/product.h"

namespace
{
constexpr int depth = 8; /* of a step along p */

/* Tile of size x size, n x n numbers a thread. */
template <int size_, int n_> struct Shape {
    static constexpr int size = size_, n = n_, side = size / n, threads = side * side;
    static constexpr int pitch = size + 4;                    /* of a line of shared memory */
    static constexpr int chunks = size * depth / 4 / threads; /* of a tile, for each thread */
    static constexpr int blocks = 256 / threads; /* that are to fit onto a multiprocessor */
};
typedef Shape<128, 8> Large;
typedef Shape<32, 4> Small;

typedef k_chunk<float> Chunk;

/* ---- tiles ----------------------------------------------------------------------------------- */
/* This thread's chunks of a tile that begins at `from`, where lines are `stride` apart: lines are i
 * and numbers p, or, turned, lines p and numbers i. Beyond n_lines and n_numbers, zeros. */
template <class S, bool is_turned, bool whole>
__device__ __forceinline__ void fetch(Chunk (&r)[S::chunks], const float *from, int64_t stride,
                                      int n_lines, int n_numbers)
{
    constexpr int per_line = (is_turned ? S::size : depth) / 4;
#pragma unroll
    for (int k = 0; k < S::chunks; k++) {
        const int at = (int)threadIdx.x + k * S::threads, line = at / per_line;
        const int first = at % per_line * 4;
        r[k] = {};
        if (line < n_lines && first < n_numbers)
            r[k] = k_load<float, whole>(from + line * stride, first, n_numbers);
    }
}

/* They go to where i is the number of a line and p the line. */
template <class S, bool is_turned>
__device__ __forceinline__ void store(float (&tile)[depth][S::pitch], const Chunk (&r)[S::chunks])
{
    constexpr int per_line = (is_turned ? S::size : depth) / 4;
#pragma unroll
    for (int k = 0; k < S::chunks; k++) {
        const int at = (int)threadIdx.x + k * S::threads, line = at / per_line;
        const int first = at % per_line * 4;
        if (is_turned) {
            *reinterpret_cast<Chunk *>(&tile[line][first]) = r[k];
            continue;
        }
#pragma unroll
        for (int e = 0; e < 4; e++)
            tile[first + e][line] = r[k].v[e];
    }
}

/* Which of a tile's lines number k of thread t (of a side) is. */
template <class S> __device__ __forceinline__ int line_of(int t, int k)
{
    return k / 4 * (S::size / (S::n / 4)) + t * 4 + k % 4;
}

template <class S>
__device__ __forceinline__ void multiply(float (&sums)[S::n][S::n],
                                         const float (&a)[depth][S::pitch],
                                         const float (&b)[depth][S::pitch], int ti, int tj)
{
#pragma unroll
    for (int p = 0; p < depth; p++) {
        Chunk x[S::n / 4], y[S::n / 4];
#pragma unroll
        for (int k = 0; k < S::n / 4; k++) {
            x[k] = *reinterpret_cast<const Chunk *>(&a[p][line_of<S>(ti, 4 * k)]);
            y[k] = *reinterpret_cast<const Chunk *>(&b[p][line_of<S>(tj, 4 * k)]);
        }
#pragma unroll
        for (int i = 0; i < S::n; i++)
#pragma unroll
            for (int j = 0; j < S::n; j++)
                sums[i][j] = fmaf(x[i / 4].v[i % 4], y[j / 4].v[j % 4], sums[i][j]);
    }
}

/* ---- the product ----------------------------------------------------------------------------- */
template <class S, k_order order, bool whole>
__global__ void __launch_bounds__(S::threads, S::blocks) product(k_product a)
{
    alignas(16) __shared__ float tiles[2][2][depth][S::pitch];
    constexpr bool a_turned = order == K_TN, b_turned = order != K_NT;
    const k_tile tile = k_tile_of(blockIdx.x, (unsigned)((a.n_i + S::size - 1) / S::size),
                                  (unsigned)((a.n_j + S::size - 1) / S::size));
    const int64_t i0 = tile.i * S::size, j0 = tile.j * S::size, begin = blockIdx.y * a.stretch;
    const int n_i = (int)(a.n_i - i0), n_j = (int)(a.n_j - j0);
    const int n_p = (int)(begin + a.stretch < a.n_p ? a.stretch : a.n_p - begin);
    const int64_t a_stride = a_turned ? a.n_i : a.n_p, b_stride = b_turned ? a.n_j : a.n_p;
    const float *from_a =
        static_cast<const float *>(a.a) + (a_turned ? begin * a_stride + i0 : i0 * a_stride);
    const float *from_b =
        static_cast<const float *>(a.b) + (b_turned ? begin * b_stride + j0 : j0 * b_stride);
    const int ti = (int)threadIdx.x / S::side, tj = (int)threadIdx.x % S::side;
    float sums[S::n][S::n] = {};
    for (int p = 0; p < n_p + depth; p += depth) {
        Chunk next_a[S::chunks], next_b[S::chunks];
        if (p < n_p) {
            fetch<S, a_turned, whole>(next_a, from_a + (a_turned ? p * a_stride : p), a_stride,
                                      a_turned ? n_p - p : n_i, a_turned ? n_i : n_p - p);
            fetch<S, b_turned, whole>(next_b, from_b + (b_turned ? p * b_stride : p), b_stride,
                                      b_turned ? n_p - p : n_j, b_turned ? n_j : n_p - p);
        }
        const int step = p / depth % 2; /* which of the two */
        if (p > 0)
            multiply<S>(sums, tiles[1 - step][0], tiles[1 - step][1], ti, tj);
        if (p < n_p) {
            store<S, a_turned>(tiles[step][0], next_a);
            store<S, b_turned>(tiles[step][1], next_b);
        }
        __syncthreads();
    }
    float *y = static_cast<float *>(a.y) + blockIdx.y * a.n_i * a.n_j;
    const bool is_whole = k_has_quads(a, y);
#pragma unroll
    for (int k = 0; k < S::n; k++)
#pragma unroll
        for (int l = 0; l < S::n; l += 4) {
            const int64_t i = i0 + line_of<S>(ti, k), j = j0 + line_of<S>(tj, l);
            float four[4] = { sums[k][l], sums[k][l + 1], sums[k][l + 2], sums[k][l + 3] };
            if (i < a.n_i && j < a.n_j)
                k_save_quad<float>(a, y, i, j, four, is_whole);
        }
}

template <class S, k_order order, bool whole> void launch(k_cuda_device *dev, const k_product &a)
{
    const unsigned n_parts = a.n_p > 0 ? k_tiles(a.n_p, a.stretch) : 1;
    K_LAUNCH((product<S, order, whole>),
             dim3(k_tiles(a.n_i, S::size) * k_tiles(a.n_j, S::size), n_parts), dim3(S::threads), 0,
             dev->stream, a);
}

template <k_order order> void choose(k_cuda_device *dev, const k_product &a)
{
    const int64_t n_large = (int64_t)k_tiles(a.n_i, 128) * k_tiles(a.n_j, 128);
    if (!k_is_whole<float>(a.a, k_a_stride<order>(a)) ||
        !k_is_whole<float>(a.b, k_b_stride<order>(a)))
        launch<Small, order, false>(dev, a);
    else if (2 * n_large > dev->n_multiprocessors)
        launch<Large, order, true>(dev, a);
    else
        launch<Small, order, true>(dev, a);
}
} /* namespace */

void k_cuda_product_f32(k_cuda_device *dev, k_order order, const k_product &a)
{
    if (order == K_NT)
        choose<K_NT>(dev, a);
    else if (order == K_NN)
        choose<K_NN>(dev, a);
    else
        choose<K_TN>(dev, a);
}
