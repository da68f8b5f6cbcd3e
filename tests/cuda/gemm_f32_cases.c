/* gemm_f32_cases.c -- matrix products in float. SPDX-License-Identifier: Apache-2.0 */
#include "products.h"

/* One less and one more than a tile, a step, a chunk of 16 bytes, and nothing at all; few tiles and
 * many; operands and results where no 16 bytes begin. */
static const product_shape shapes[] = {
    { 1, 1, 1, 0, 0 },    { 16, 40, 64, 0, 0 },   { 1, 100, 132, 0, 0 },  { 17, 33, 31, 0, 0 },
    { 33, 36, 48, 0, 0 }, { 40, 64, 8, 0, 1 },    { 260, 140, 20, 0, 0 }, { 300, 9, 7, 0, 0 },
    { 20, 24, 28, 1, 0 }, { 31, 32, 68, 2, 0 },   { 3, 12, 0, 0, 0 },     { 0, 5, 3, 0, 0 },
    { 7, 0, 8, 0, 0 },    { 20, 268, 132, 0, 0 },
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static void nt(cuda_run *run)
{
    product_nt(run, shapes[run->seed % N_SHAPES], K_F32);
}

static void nn(cuda_run *run)
{
    product_nn(run, shapes[run->seed % N_SHAPES]);
}

static void tn(cuda_run *run)
{
    product_tn(run, shapes[run->seed % N_SHAPES]);
}

/* More rows than one stretch of a sum. */
static void tn_stretches(cuda_run *run)
{
    static const product_shape long_ones[] = { { 1100, 8, 12, 0, 0 }, { 1200, 7, 9, 0, 0 } };
    product_tn(run, long_ones[run->seed % 2]);
}

static void nt_rows(cuda_run *run)
{
    product_nt_rows(run, 132, 40);
}

static void nn_rows(cuda_run *run)
{
    product_nn_rows(run, 40, 132);
}

const cuda_case gemm_f32_cases[] = {
    { "nt", nt, 2 * N_SHAPES, 1 << K_F32 },
    { "nn", nn, N_SHAPES, 1 << K_F32 },
    { "tn", tn, N_SHAPES, 1 << K_F32 },
    { "tn_stretches", tn_stretches, 2, 1 << K_F32 },
    { "nt_rows", nt_rows, 1, 0 },
    { "nn_rows", nn_rows, 1, 0 },
    { 0 },
};
