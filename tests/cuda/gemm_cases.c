/* gemm_cases.c -- matrix products in bf16, and what is refused. SPDX-License-Identifier: Apache-2.0
 */
#include "products.h"

/* One less and one more than a tile, a step, a chunk of 16 bytes, and nothing at all; few tiles and
 * many; operands and results where no 16 bytes begin. */
static const product_shape shapes[] = {
    { 1, 1, 1, 0, 0 },       { 16, 40, 64, 0, 0 },    { 1, 200, 264, 0, 0 },
    { 17, 33, 31, 0, 0 },    { 65, 72, 96, 0, 0 },    { 40, 64, 8, 0, 1 },
    { 260, 136, 104, 0, 0 }, { 129, 264, 40, 0, 0 },  { 600, 9, 7, 0, 0 },
    { 40, 48, 56, 1, 0 },    { 33, 66, 132, 4, 0 },   { 24, 136, 160, 0, 2 },
    { 3, 12, 0, 0, 0 },      { 0, 5, 3, 0, 0 },       { 7, 0, 8, 0, 0 },
    { 300, 268, 30, 0, 0 },  { 120, 128, 128, 0, 0 }, { 264, 280, 48, 0, 0 },
};
enum { N_SHAPES = sizeof shapes / sizeof shapes[0] };

static void nt(cuda_run *run)
{
    product_nt(run, shapes[run->seed % N_SHAPES], run_below(run, 2) ? K_F32 : run->type);
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
    static const product_shape long_ones[] = { { 1100, 24, 40, 0, 0 }, { 1200, 7, 9, 0, 0 } };
    product_tn(run, long_ones[run->seed % 2]);
}

static void nt_rows(cuda_run *run)
{
    run->type = K_BF16;
    product_nt_rows(run, 136, 200);
}

static void nn_rows(cuda_run *run)
{
    run->type = K_BF16;
    product_nn_rows(run, 200, 136);
}

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    float ones[4] = { 1, 1, 1, 1 };
    float *p = run_given(run, ones, sizeof ones);
    const k_gemm nt_good = { K_BF16, 0, K_BF16, 1, 1, 1, p, p, NULL, NULL, p, false };
    k_gemm a = nt_good;
    a.type = K_F64;
    assert_int_equal(ops->gemm_nt(run->dev, &a), K_ETYPE);
    a = nt_good;
    a.x_type = K_F32; /* float activations over weights of bf16 */
    assert_int_equal(ops->gemm_nt(run->dev, &a), K_ETYPE);
    a = nt_good;
    a.y_type = 0;
    assert_int_equal(ops->gemm_nt(run->dev, &a), K_ETYPE);
    a = nt_good;
    a.w = NULL;
    assert_int_equal(ops->gemm_nt(run->dev, &a), K_EARG);
    a = nt_good;
    a.k = -1;
    assert_int_equal(ops->gemm_nt(run->dev, &a), K_EARG);
    a = nt_good;
    a.m = a.n = INT64_C(1) << 30; /* more tiles than a grid has blocks */
    assert_int_equal(ops->gemm_nt(run->dev, &a), K_EARG);
    const k_gemm_dx nn_good = { K_BF16, 0, 1, 1, 1, p, p, NULL, p, false };
    k_gemm_dx b = nn_good;
    b.x_type = K_F32;
    assert_int_equal(ops->gemm_nn(run->dev, &b), K_ETYPE);
    b = nn_good;
    b.dx = NULL;
    assert_int_equal(ops->gemm_nn(run->dev, &b), K_EARG);
    b = nn_good;
    b.n = INT64_MAX;
    assert_int_equal(ops->gemm_nn(run->dev, &b), K_EARG);
    const k_gemm_dw tn_good = { K_F32, K_F32, 1, 1, 1, p, p, p, p };
    k_gemm_dw c = tn_good;
    c.type = K_F64;
    assert_int_equal(ops->gemm_tn(run->dev, &c), K_ETYPE);
    c = tn_good;
    c.x = NULL;
    assert_int_equal(ops->gemm_tn(run->dev, &c), K_EARG);
    c = tn_good;
    c.n = INT64_C(1) << 29; /* a dbias that the scratch has no room for */
    assert_int_equal(ops->gemm_tn(run->dev, &c), K_EARG);
    float after[4];
    assert_int_equal(ops->copy_from(run->dev, after, p, sizeof after), K_OK);
    assert_memory_equal(after, ones, sizeof ones);
    assert_true(ops->pack_bytes(run->dev, K_BF16, 64, 64, K_PACK_NT) == 0);
    assert_int_equal(ops->pack(run->dev, K_BF16, 64, 64, K_PACK_NT, p, NULL), K_OK);
    assert_int_equal(ops->pack(run->dev, K_F64, 64, 64, K_PACK_NT, p, NULL), K_ETYPE);
}

const cuda_case gemm_cases[] = {
    { "nt", nt, 2 * N_SHAPES, 1 << K_BF16 },
    { "nn", nn, N_SHAPES, 1 << K_BF16 },
    { "tn", tn, N_SHAPES, 1 << K_BF16 },
    { "tn_stretches", tn_stretches, 4, 1 << K_BF16 },
    { "nt_rows", nt_rows, 2, 0 },
    { "nn_rows", nn_rows, 2, 0 },
    { "refusals", refusals, 1, 0 },
    { 0 },
};
