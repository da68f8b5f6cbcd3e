/* rope_cases.c -- rotary positions, forth and back. SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#define EXACT 1e-30

static void turns(cuda_run *run)
{
    static const int64_t dims[] = { 2, 6, 16, 32, 64, 80, 96, 128, 256 };
    static const int64_t heads_of[] = { 1, 2, 3, 7 };
    const int64_t dim = dims[run->seed % 9], heads = heads_of[run->seed % 4];
    const int64_t tokens = run_size(run, 12), max_pos = run_size(run, 30);
    const int64_t gap = run_below(run, 2) ? dim * 2 : (int64_t)run_below(run, 10);
    const int64_t offset = run->seed % 5 == 4;
    const int64_t stride = heads * dim + gap;
    char *x = run_sum_room(run, "x", tokens * stride + offset, run->type);
    run->all[run->n - 1].tolerance = EXACT;
    k_rope a = {
        .type = run->type,
        .tokens = tokens,
        .heads = heads,
        .head_dim = dim,
        .stride = stride,
        .max_pos = max_pos,
        .positions = run_indices(run, tokens, max_pos),
        .cos = run_input_of(run, max_pos * dim / 2, 1, K_F32),
        .sin = run_input_of(run, max_pos * dim / 2, 1, K_F32),
        .x = x + (size_t)offset * k_type_size(run->type),
        .inverse = run_below(run, 2),
    };
    run_ok(run->dev->ops->rope(run->dev, &a));
}

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    float *x = run_input(run, 64, 1);
    const k_rope good = { K_F32, 0, 2, 8, 16, 4, run_indices(run, 4, 4), x, x, x + 32, false };
    k_rope a = good;
    assert_int_equal(ops->rope(run->dev, &a), K_OK);
    a.type = K_F64;
    assert_int_equal(ops->rope(run->dev, &a), K_ETYPE);
    a = good;
    a.head_dim = 7;
    assert_int_equal(ops->rope(run->dev, &a), K_EARG);
    a = good;
    a.stride = 15;
    assert_int_equal(ops->rope(run->dev, &a), K_EARG);
    a = good;
    a.heads = INT64_MAX / 8; /* times head_dim is more than there is */
    assert_int_equal(ops->rope(run->dev, &a), K_EARG);
    a = good;
    a.sin = NULL;
    assert_int_equal(ops->rope(run->dev, &a), K_EARG);
    a = good;
    a.tokens = -1;
    assert_int_equal(ops->rope(run->dev, &a), K_EARG);
    a.tokens = INT64_MAX / 512;
    assert_int_equal(ops->rope(run->dev, &a), K_EARG);
}

const cuda_case rope_cases[] = {
    { "turns", turns, 36, IN_BOTH },
    { "refusals", refusals, 1, 0 },
    { 0 },
};
