/* product.h -- the one matrix product behind gemm_nt, gemm_nn, gemm_tn and the head.
 * SPDX-License-Identifier: Apache-2.0
 *
 * c[i, j] (=, +=) sum_k a(i, k) b(k, j) + bias[j], i < m, j < n, k in order from 0: see tile.h on
 * why an element's bits depend on its own row and column alone. */
#ifndef K_FAST_PRODUCT_H
#define K_FAST_PRODUCT_H
#include "kernels/cpu/fast/fast.h"
#include "kernels/cpu/fast/tiles.h"

typedef enum b_form {
    B_BY_K,   /* b(k, j) = b[k * ldb + j] */
    B_BY_J,   /* b(k, j) = b[j * ldb + k] */
    B_PACKED, /* as product_pack lays it out */
} b_form;

typedef struct product {
    int64_t m, n, k;
    k_type a_type, b_type, bias_type; /* K_F32 or K_BF16 */
    const void *a;
    int64_t lda;
    bool a_by_k; /* a(i, k) = a[k * lda + i]; else a[i * lda + k] */
    const void *b;
    int64_t ldb;
    b_form b_form;
    const void *bias; /* [n] or NULL */
    void *c;          /* row i at i * ldc */
    int64_t ldc;
    k_type c_type;
    bool accumulate;
    bool to_16_bits; /* of floats no more need be taken */
} product;

/* 0 or K_ENOMEM. */
int LEVEL(k_product)(fast_device *dev, const product *p);
/* What it takes of the device's scratch and shared memory, in all. p's pointers are not looked at,
 * and b is not packed. */
size_t LEVEL(k_product_bytes)(const fast_device *dev, const product *p);

/* Packed b(k, j) = w[j * ldw + k], j < n, at level amx: bands (amx/pack.h). Else: panels of NR
 * columns, the last filled up with zeroes. In a panel, floats are [k][NR]; bf16 are [k/2][NR][2],
 * an odd k filled up with a zero. Floats that are all bf16, or all F16, are packed as what they are
 * (F16: [k/2][2][NR]): half the memory is read for the same products to the bit. What a matrix of
 * floats is packed as stands behind its panels. */
size_t LEVEL(k_product_pack_bytes)(k_type type, int64_t n, int64_t k);
void LEVEL(k_product_pack)(fast_device *dev, k_type type, int64_t n, int64_t k, const void *w,
                           int64_t ldw, void *packed);
#endif
