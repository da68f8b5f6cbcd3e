/* product.h -- what the three matrix products have in common, for the files that compute them:
 *
 *     y[i,j] = (y[i,j] +) sum over p of a(i,p) b(j,p) (+ bias[j])
 *
 *              i  j  p   a(i,p)       b(j,p)
 *     K_NT     m  n  k   x[i,p]       w[j,p]     both as they lie
 *     K_NN     m  k  n   dy[i,p]      w[p,j]     b the other way round
 *     K_TN     n  k  m   dy[p,i]      x[p,j]     both
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_CUDA_PRODUCT_H
#define K_CUDA_PRODUCT_H

#include "kernels/cuda/chunk.h"
#include "kernels/cuda/internal.h"

enum k_order { K_NT, K_NN, K_TN };

struct k_product {
    int64_t n_i, n_j, n_p;
    const void *a, *b, *bias; /* bias: [n_j] of the type of a and b, or NULL */
    void *y;
    bool is_float; /* y is of float; else of the type of a and b */
    bool adds;     /* y += */
    /* The sum over p is cut into stretches of so many, which are written one after another, each an
     * y of its own. n_p where there is one. */
    int64_t stretch;
};

/* Where a(i,p) begins to count lines of i (or of p: K_TN) of this many numbers; and b(j,p). */
template <k_order order> inline int64_t k_a_stride(const k_product &a)
{
    return order == K_TN ? a.n_i : a.n_p;
}
template <k_order order> inline int64_t k_b_stride(const k_product &a)
{
    return order == K_NT ? a.n_p : a.n_j;
}

/* The tile of a block, where tiles of 8 lines of them are gone through column by column: so blocks
 * that run at the same time read the same a and b. */
struct k_tile {
    int64_t i, j;
};
__device__ __forceinline__ k_tile k_tile_of(unsigned block, unsigned n_i, unsigned n_j)
{
    const unsigned band = block / (8 * n_j), in_band = block % (8 * n_j);
    const unsigned height = n_i - 8 * band < 8 ? n_i - 8 * band : 8;
    return { 8 * band + in_band % height, in_band / height };
}
inline unsigned k_tiles(int64_t n, int64_t size)
{
    return (unsigned)((n + size - 1) / size);
}

/* Four numbers of y that lie side by side, as one store. */
template <class Y> struct alignas(4 * sizeof(Y)) k_quad {
    Y v[4];
};
/* Whether all numbers of y are in such. */
template <class Y> __device__ __forceinline__ bool k_has_quads(const k_product &a, const Y *y)
{
    return a.n_j % 4 == 0 && reinterpret_cast<uintptr_t>(y) % sizeof(k_quad<Y>) == 0;
}

/* Sums j .. j + 3 of row i go to y, those of them that there are; T: of the bias. */
template <class T, class Y>
__device__ __forceinline__ void k_save_quad(const k_product &a, Y *y, int64_t i, int64_t j,
                                            float (&v)[4], bool is_whole)
{
    const T *bias = static_cast<const T *>(a.bias);
    y += i * a.n_j + j;
#pragma unroll
    for (int e = 0; e < 4; e++)
        if (bias && j + e < a.n_j)
            v[e] += k_to_float(bias[j + e]);
    if (is_whole) {
        k_quad<Y> quad = {};
        if (a.adds)
            quad = *reinterpret_cast<const k_quad<Y> *>(y);
#pragma unroll
        for (int e = 0; e < 4; e++)
            k_round_to(&quad.v[e], a.adds ? v[e] + k_to_float(quad.v[e]) : v[e]);
        *reinterpret_cast<k_quad<Y> *>(y) = quad;
        return;
    }
#pragma unroll
    for (int e = 0; e < 4; e++)
        if (j + e < a.n_j)
            k_round_to(y + e, a.adds ? v[e] + k_to_float(y[e]) : v[e]);
}

/* cublaslt.cu: whether it has done all of it (one stretch), sizes having been checked. */
bool k_cuda_lt_product(k_cuda_device *dev, k_type type, k_order order, const k_product &p);

/* gemm_f32.cu: all of float; sizes have been checked. */
void k_cuda_product_f32(k_cuda_device *dev, k_order order, const k_product &a);

#endif
