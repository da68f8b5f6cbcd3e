/* embed_cases.c -- rows by token, and their gradients back: sums of one id in the order of tokens,
 * to the bit. SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

#define EXACT 1e-30

static const int64_t widths[] = { 1, 7, 8, 16, 36, 64, 260, 1032, 2056 };

static void forward(cuda_run *run)
{
    const int64_t d = widths[run->seed % 9], tokens = run_size(run, d > 200 ? 5 : 60);
    const int64_t vocab = run_size(run, 40);
    const k_embed a = {
        .type = run->type,
        .y_type = run->seed % 2 ? run->type : 0,
        .tokens = tokens,
        .d = d,
        .vocab = vocab,
        .ids = run_indices(run, tokens, vocab),
        .table = run_input(run, vocab * d, 1),
        .y = run_room_of(run, "y", tokens * d, run->type, EXACT),
    };
    run_ok(run->dev->ops->embed(run->dev, &a));
}

static void backward_of(cuda_run *run, int64_t tokens, int64_t d, int64_t vocab)
{
    const k_embed_bwd a = {
        .type = run->type,
        .tokens = tokens,
        .d = d,
        .vocab = vocab,
        .ids = run_indices(run, tokens, vocab),
        .dy = run_input(run, tokens * d, 1),
        .dtable = run_sum_room(run, "dtable", vocab * d, K_F32),
    };
    run->all[run->n - 1].tolerance = EXACT;
    run_ok(run->dev->ops->embed_bwd(run->dev, &a));
}

static void backward(cuda_run *run)
{
    const int64_t d = widths[run->seed % 9];
    backward_of(run, run_size(run, d > 200 ? 20 : 200), d, run_size(run, 50));
}

static void many_ids(cuda_run *run)
{
    backward_of(run, 300, 1, 600);
}

/* Rows begin at no multiple of 16 bytes. */
static void unaligned(cuda_run *run)
{
    const int64_t d = 16, tokens = 9, vocab = 5;
    const size_t size = k_type_size(run->type);
    const int32_t *ids = run_indices(run, tokens, vocab);
    char *table = run_input(run, vocab * d + 1, 1);
    char *y = run_sum_room(run, "y", tokens * d + 1, run->type);
    char *dtable = run_sum_room(run, "dtable", vocab * d + 1, K_F32);
    const k_embed a = { run->type, run->type, tokens, d, vocab, ids, table + size, y + size };
    run_ok(run->dev->ops->embed(run->dev, &a));
    const k_embed_bwd b = { run->type, tokens, d, vocab, ids, y + size, dtable + sizeof(float) };
    run_ok(run->dev->ops->embed_bwd(run->dev, &b));
}

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    float *x = run_input(run, 16, 1);
    int32_t *ids = run_indices(run, 2, 2);
    k_embed a = { K_F32, K_F32, 2, 4, 2, ids, x, x + 8 };
    a.type = a.y_type = K_F64;
    assert_int_equal(ops->embed(run->dev, &a), K_ETYPE);
    a.type = K_BF16;
    a.y_type = K_F32;
    assert_int_equal(ops->embed(run->dev, &a), K_ETYPE);
    a.type = K_F32;
    a.tokens = -1;
    assert_int_equal(ops->embed(run->dev, &a), K_EARG);
    a.tokens = INT64_MAX / 512;
    a.d = 1024;
    assert_int_equal(ops->embed(run->dev, &a), K_EARG);
    a.tokens = 0;
    assert_int_equal(ops->embed(run->dev, &a), K_OK);
    a.table = NULL;
    assert_int_equal(ops->embed(run->dev, &a), K_EARG);
    k_embed_bwd b = { K_F32, 0, 4, 2, ids, x, x + 8 };
    assert_int_equal(ops->embed_bwd(run->dev, &b), K_OK);
    b.d = -1;
    assert_int_equal(ops->embed_bwd(run->dev, &b), K_EARG);
    b.type = K_F64;
    assert_int_equal(ops->embed_bwd(run->dev, &b), K_ETYPE);
}

const cuda_case embed_cases[] = {
    { "forward", forward, 18, IN_BOTH },  { "backward", backward, 18, IN_BOTH },
    { "many_ids", many_ids, 1, IN_BOTH }, { "unaligned", unaligned, 3, IN_BOTH },
    { "refusals", refusals, 1, 0 },       { 0 },
};
