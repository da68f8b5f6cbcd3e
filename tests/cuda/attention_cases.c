/* attention_cases.c -- attention of whole sequences: its numbers, its bits, what it refuses.
 * SPDX-License-Identifier: Apache-2.0 */
#include "attention_cases.h"

static void random_sequences(cuda_run *run)
{
    attn_shape s;
    draw_heads(run, &s);
    draw_seqs(run, &s, most_rows(&s, run->type), 1);
    const void *qkv = run_input(run, s.tokens * row_numbers(&s), 2);
    k_attn a =
        attn_of(run, &s, run->type, qkv, run_room(run, "out", s.tokens * s.heads * s.head_dim),
                run_room_of(run, "lse", s.tokens * s.heads, K_F32, 0));
    if (run->seed % 4 == 3) /* nobody has one */
        a.parents = NULL;
    if (run->seed % 5 == 4)
        a.max_seqlen += 100;
    run_ok(run->dev->ops->attn(run->dev, &a));
}

/* Without lse, and of no rows at all. */
static void forward_alone(cuda_run *run)
{
    attn_shape s;
    draw_heads(run, &s);
    s.n_seqs = 3;
    s.tokens = s.longest = 5;
    memcpy(s.cu, (int32_t[]){ 0, 0, 5, 5 }, 4 * sizeof s.cu[0]);
    memcpy(s.parents, (int32_t[]){ -1, 0, 0 }, 3 * sizeof s.parents[0]);
    const void *qkv = run_input(run, s.tokens * row_numbers(&s), 2);
    k_attn a = attn_of(run, &s, run->type, qkv,
                       run_room(run, "out", s.tokens * s.heads * s.head_dim), NULL);
    run_ok(run->dev->ops->attn(run->dev, &a));
    a.tokens = a.n_seqs = 0;
    run_ok(run->dev->ops->attn(run->dev, &a));
}

/* A child's rows, by themselves behind their parent's and as the end of one whole sequence behind
 * another; begin: the first row of the sequences, at an odd address where `offset` is not 0. */
static void one_same_bits(cuda_run *run, k_type type, int64_t offset)
{
    enum { PARENT = 37, CHILD = 30, WHOLE = PARENT + CHILD, FIRST = 5 };
    const size_t size = k_type_size(type);
    attn_shape s = { .n_seqs = 3, .tokens = PARENT + FIRST + CHILD, .longest = PARENT };
    draw_heads(run, &s);
    memcpy(s.cu, (int32_t[]){ 0, PARENT, PARENT + FIRST, PARENT + FIRST + CHILD },
           4 * sizeof s.cu[0]);
    memcpy(s.parents, (int32_t[]){ -1, 0, 0 }, 3 * sizeof s.parents[0]);
    attn_shape t = s;
    t.tokens = FIRST + WHOLE;
    t.longest = WHOLE;
    t.n_seqs = 2;
    memcpy(t.cu, (int32_t[]){ 0, FIRST, FIRST + WHOLE }, 3 * sizeof t.cu[0]);
    t.parents[1] = -1;
    const size_t row = (size_t)row_numbers(&s) * size;
    const size_t out = (size_t)(s.heads * s.head_dim) * size;
    char *one = run_bytes(run, run_input_of(run, s.tokens * row_numbers(&s), 2, type),
                          (size_t)s.tokens * row);
    char *whole = calloc((size_t)t.tokens + 1, row);
    assert_non_null(whole);
    memcpy(whole, one + PARENT * row, FIRST * row);
    memcpy(whole + FIRST * row, one, PARENT * row);
    memcpy(whole + (FIRST + PARENT) * row, one + (PARENT + FIRST) * row, CHILD * row);
    const size_t at = (size_t)offset * size;
    char *of_one = run_alloc(run, (size_t)s.tokens * out + at);
    char *of_whole = run_alloc(run, (size_t)t.tokens * out + at);
    float *lse_one = run_alloc(run, (size_t)(s.tokens * s.heads) * sizeof(float));
    float *lse_whole = run_alloc(run, (size_t)(t.tokens * t.heads) * sizeof(float));
    char *given = run_alloc(run, (size_t)t.tokens * row + at);
    run_ok(run->dev->ops->copy_to(run->dev, given + at, whole, (size_t)t.tokens * row));
    const k_attn a =
        attn_of(run, &s, type, run_given(run, one, (size_t)s.tokens * row), of_one, lse_one);
    const k_attn b = attn_of(run, &t, type, given + at, of_whole + at, lse_whole);
    run_ok(run->dev->ops->attn(run->dev, &a));
    run_ok(run->dev->ops->attn(run->dev, &b));
    char *x = run_bytes(run, of_one, (size_t)s.tokens * out);
    char *y = run_bytes(run, of_whole + at, (size_t)t.tokens * out);
    const size_t n_lse = (size_t)s.heads * sizeof(float);
    char *lx = run_bytes(run, lse_one, (size_t)s.tokens * n_lse);
    char *ly = run_bytes(run, lse_whole, (size_t)t.tokens * n_lse);
    if (memcmp(x, y + FIRST * out, PARENT * out) != 0 ||
        memcmp(x + (PARENT + FIRST) * out, y + (FIRST + PARENT) * out, CHILD * out) != 0 ||
        memcmp(lx + (PARENT + FIRST) * n_lse, ly + (FIRST + PARENT) * n_lse, CHILD * n_lse) != 0)
        fail_msg("NUMBERS rows of head size %d have other bits behind a parent, type %d",
                 (int)s.head_dim, (int)type);
    free(one);
    free(whole);
    free(x);
    free(y);
    free(lx);
    free(ly);
}

static void same_bits(cuda_run *run)
{
    one_same_bits(run, K_F32, (int64_t)(run->seed % 2));
    one_same_bits(run, K_BF16, (int64_t)(run->seed % 3));
}

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    attn_shape s = { .n_seqs = 1,
                     .tokens = 2,
                     .longest = 2,
                     .kv_heads = 1,
                     .heads = 2,
                     .head_dim = 4,
                     .cu = { 0, 2 },
                     .parents = { -1 },
                     .scale = 1 };
    float *out = run_alloc(run, 64);
    const k_attn good = attn_of(run, &s, K_F32, run_input_of(run, 32, 1, K_F32), out, NULL);
    k_attn a = good;
    a.type = K_F64;
    assert_int_equal(ops->attn(run->dev, &a), K_ETYPE);
    const struct {
        int64_t heads, kv_heads, head_dim, tokens, n_seqs, max_seqlen;
    } wrong[] = {
        { 3, 2, 4, 2, 1, 2 },
        { 2, 0, 4, 2, 1, 2 },
        { 0, 1, 4, 2, 1, 2 },
        { 2, 1, 3, 2, 1, 2 },
        { 2, 1, 0, 2, 1, 2 },
        { 2, 1, 258, 2, 1, 2 },
        { 2, 1, 4, -1, 1, 2 },
        { 2, 1, 4, 2, -1, 2 },
        { 2, 1, 4, 2, 1, -1 },
        { 65536, 1, 4, 2, 1, 2 },
        { 2, 1, 4, INT64_C(1) << 31, 1, 2 },
        { 2, 1, 4, 1 << 30, 1 << 30, 1 << 30 },
    };
    for (size_t i = 0; i < sizeof wrong / sizeof wrong[0]; i++) {
        a = good;
        a.heads = wrong[i].heads;
        a.kv_heads = wrong[i].kv_heads;
        a.head_dim = wrong[i].head_dim;
        a.tokens = wrong[i].tokens;
        a.n_seqs = wrong[i].n_seqs;
        a.max_seqlen = wrong[i].max_seqlen;
        assert_int_equal(ops->attn(run->dev, &a), K_EARG);
    }
    a = good;
    a.qkv = NULL;
    assert_int_equal(ops->attn(run->dev, &a), K_EARG);
    a = good;
    a.out = NULL;
    assert_int_equal(ops->attn(run->dev, &a), K_EARG);
    a = good;
    a.cu_seqlens = NULL;
    assert_int_equal(ops->attn(run->dev, &a), K_EARG);
    a = good;
    a.n_seqs = 0;
    assert_int_equal(ops->attn(run->dev, &a), K_OK);
}

const cuda_case attention_cases[] = {
    { "random_sequences", random_sequences, 12, IN_BOTH },
    { "forward_alone", forward_alone, 2, IN_BOTH },
    { "same_bits", same_bits, 8, 0 },
    { "refusals", refusals, 1, 0 },
    { 0 },
};
