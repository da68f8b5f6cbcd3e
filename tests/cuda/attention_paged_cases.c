/* attention_paged_cases.c -- attention against a paged cache, and what fills it: their numbers, and
 * the same bits as attention of whole sequences.
 * SPDX-License-Identifier: Apache-2.0 */
#include "attention_cases.h"

static const int64_t block_sizes[] = { 16, 32, 64, 24, 48, 1 };

static void random_append(cuda_run *run)
{
    attn_shape s;
    draw_heads(run, &s);
    enum { N_BLOCKS = 5, ROWS = 20 };
    const int64_t size = block_sizes[run->seed % 6];
    const int64_t n = N_BLOCKS * s.kv_heads * size * s.head_dim;
    int32_t slots[ROWS];
    for (int i = 0; i < ROWS; i++) { /* no slot twice */
        const int64_t slot = (int64_t)i * N_BLOCKS * size / ROWS;
        const bool is_new = i == 0 || slot != (int64_t)(i - 1) * N_BLOCKS * size / ROWS;
        slots[ROWS - 1 - i] = is_new && run_below(run, 4) ? (int32_t)slot : -1;
    }
    const k_kv_append a = {
        .type = run->type,
        .tokens = ROWS,
        .heads = s.heads,
        .kv_heads = s.kv_heads,
        .head_dim = s.head_dim,
        .block_size = size,
        .n_blocks = N_BLOCKS,
        .slots = run_given(run, slots, sizeof slots),
        .qkv = run_input(run, ROWS * row_numbers(&s), 1),
        .k_cache = run_sum_room(run, "k", n, run->type),
        .v_cache = run_sum_room(run, "v", n, run->type),
    };
    run_ok(run->dev->ops->kv_append(run->dev, &a));
}

/* Rows in any order, tables of any blocks, some of them of several sequences. */
static void random_rows(cuda_run *run)
{
    attn_shape s;
    draw_heads(run, &s);
    enum { SEQS = 5 };
    const int64_t size = block_sizes[run->seed % 5];
    const bool is_long =
        run->type == K_BF16 && s.heads <= 4; /* so that every buffer is used again */
    const int64_t max_blocks =
        (is_long ? 300 / size : 1) + (int64_t)run_below(run, (uint64_t)(170 / size));
    const int64_t most = most_rows(&s, run->type) / 10;
    const int64_t rows = run->seed % 3 ? 1 + (int64_t)run_below(run, (uint64_t)most) : 3;
    const int64_t n_blocks = 12;
    const int64_t numbers = n_blocks * s.kv_heads * size * s.head_dim;
    int32_t seq_of[20];
    int32_t positions[20];
    for (int64_t i = 0; i < rows; i++) {
        const bool is_next = i > 0 && run_below(run, 3) && positions[i - 1] + 1 < size * max_blocks;
        seq_of[i] = is_next ? seq_of[i - 1] : (int32_t)run_below(run, SEQS);
        positions[i] =
            is_next ? positions[i - 1] + 1 : (int32_t)run_below(run, (uint64_t)(size * max_blocks));
    }
    const k_attn_paged a = {
        .type = run->type,
        .tokens = rows,
        .n_seqs = SEQS,
        .heads = s.heads,
        .kv_heads = s.kv_heads,
        .head_dim = s.head_dim,
        .block_size = size,
        .n_blocks = n_blocks,
        .max_blocks = max_blocks,
        .seq_of = run_given(run, seq_of, sizeof seq_of),
        .positions = run_given(run, positions, sizeof positions),
        .block_tables = run_indices(run, SEQS * max_blocks, n_blocks),
        .scale = s.scale,
        .qkv = run_input(run, rows * row_numbers(&s), 2),
        .k_cache = run_input(run, numbers, 2),
        .v_cache = run_input(run, numbers, 2),
        .out = run_room(run, "out", rows * s.heads * s.head_dim),
    };
    run_ok(run->dev->ops->attn_paged(run->dev, &a));
}

/* ---- the bits of whole sequences ---- */

typedef struct paged {
    cuda_run *run;
    attn_shape s;
    k_type type;
    int64_t size, n_blocks, max_blocks;
    int32_t *tables;         /* [n_seqs, max_blocks] */
    int32_t *seq, *position; /* of every row of the packed sequences */
    void *k_cache, *v_cache; /* what nobody appended was never written */
    const char *qkv, *want;  /* of every row, on the host */
} paged;

static int64_t before_of(const attn_shape *s, int64_t seq)
{
    const int32_t parent = s->parents[seq];
    return parent < 0 ? 0 : s->cu[parent + 1] - s->cu[parent];
}

/* Blocks in any order; a child's table begins with the blocks of its parent, which is whole ones.
 */
static void make_tables(paged *p)
{
    const attn_shape *s = &p->s;
    p->max_blocks = 2 + 2 * s->longest / p->size;
    p->n_blocks = s->n_seqs * p->max_blocks;
    p->tables = calloc((size_t)(p->n_blocks + 1), sizeof *p->tables);
    p->seq = calloc((size_t)s->tokens + 1, sizeof *p->seq);
    p->position = calloc((size_t)s->tokens + 1, sizeof *p->position);
    assert_true(p->tables && p->seq && p->position);
    for (int64_t i = 0; i < p->n_blocks; i++) { /* Fisher and Yates, from the inside */
        const int64_t j = (int64_t)run_below(p->run, (uint64_t)(i + 1));
        p->tables[i] = p->tables[j];
        p->tables[j] = (int32_t)i;
    }
    for (int64_t q = 0; q < s->n_seqs; q++) {
        if (s->parents[q] >= 0)
            memcpy(p->tables + q * p->max_blocks, p->tables + s->parents[q] * p->max_blocks,
                   (size_t)(before_of(s, q) / p->size) * sizeof *p->tables);
        for (int32_t t = s->cu[q]; t < s->cu[q + 1]; t++) {
            p->seq[t] = (int32_t)q;
            p->position[t] = (int32_t)before_of(s, q) + t - s->cu[q];
        }
    }
}

static void fill_cache(paged *p, const void *qkv)
{
    const attn_shape *s = &p->s;
    const size_t bytes =
        (size_t)(p->n_blocks * s->kv_heads * p->size * s->head_dim) * k_type_size(p->type);
    int32_t *slots = calloc((size_t)s->tokens + 1, sizeof *slots);
    assert_non_null(slots);
    for (int64_t t = 0; t < s->tokens; t++) {
        const int32_t *table = p->tables + p->seq[t] * p->max_blocks;
        slots[t] = (int32_t)(table[p->position[t] / p->size] * p->size + p->position[t] % p->size);
    }
    const k_kv_append a = {
        .type = p->type,
        .tokens = s->tokens,
        .heads = s->heads,
        .kv_heads = s->kv_heads,
        .head_dim = s->head_dim,
        .block_size = p->size,
        .n_blocks = p->n_blocks,
        .slots = run_given(p->run, slots, (size_t)s->tokens * sizeof *slots),
        .qkv = qkv,
        .k_cache = p->k_cache = run_alloc(p->run, bytes),
        .v_cache = p->v_cache = run_alloc(p->run, bytes),
    };
    run_ok(p->run->dev->ops->kv_append(p->run->dev, &a));
    free(slots);
}

/* The rows named, in this order, in one call. */
static void check_rows(paged *p, const int32_t *rows, int64_t n)
{
    const attn_shape *s = &p->s;
    const size_t row = (size_t)row_numbers(s) * k_type_size(p->type);
    const size_t out = (size_t)(s->heads * s->head_dim) * k_type_size(p->type);
    char *qkv = calloc(1, (size_t)n * row + 1);
    int32_t *at = calloc(2 * (size_t)n + 1, sizeof *at);
    assert_true(qkv && at);
    for (int64_t i = 0; i < n; i++) {
        memcpy(qkv + (size_t)i * row, p->qkv + (size_t)rows[i] * row, row);
        at[i] = p->seq[rows[i]];
        at[n + i] = p->position[rows[i]];
    }
    const int32_t *indices = run_given(p->run, at, 2 * (size_t)n * sizeof *at);
    const k_attn_paged a = {
        .type = p->type,
        .tokens = n,
        .n_seqs = s->n_seqs,
        .heads = s->heads,
        .kv_heads = s->kv_heads,
        .head_dim = s->head_dim,
        .block_size = p->size,
        .n_blocks = p->n_blocks,
        .max_blocks = p->max_blocks,
        .seq_of = indices,
        .positions = indices + n,
        .block_tables = run_given(p->run, p->tables, (size_t)p->n_blocks * sizeof *p->tables),
        .scale = s->scale,
        .qkv = run_given(p->run, qkv, (size_t)n * row),
        .k_cache = p->k_cache,
        .v_cache = p->v_cache,
        .out = run_alloc(p->run, (size_t)n * out),
    };
    run_ok(p->run->dev->ops->attn_paged(p->run->dev, &a));
    char *is = run_bytes(p->run, a.out, (size_t)n * out);
    for (int64_t i = 0; i < n; i++)
        if (memcmp(is + (size_t)i * out, p->want + (size_t)rows[i] * out, out) != 0)
            fail_msg("NUMBERS row %d, position %d of sequence %d, has other bits than in the whole "
                     "sequence: head size %d, %d heads of %d, block size %d, type %d",
                     (int)rows[i], (int)at[n + i], (int)at[i], (int)s->head_dim, (int)s->heads,
                     (int)s->kv_heads, (int)p->size, (int)p->type);
    free(is);
    free(qkv);
    free(at);
}

static void one_same_bits(cuda_run *run, k_type type)
{
    paged p = { .run = run, .type = type, .size = block_sizes[run_below(run, 5)] };
    draw_heads(run, &p.s);
    do
        draw_seqs(run, &p.s, most_rows(&p.s, type), p.size);
    while (p.s.tokens == 0);
    const attn_shape *s = &p.s;
    const int64_t n = s->tokens * s->heads * s->head_dim;
    const void *qkv = run_input_of(run, s->tokens * row_numbers(s), 2, type);
    void *out = run_alloc(run, (size_t)n * k_type_size(type));
    const k_attn a = attn_of(run, s, type, qkv, out, NULL);
    run_ok(run->dev->ops->attn(run->dev, &a));
    char *want = run_bytes(run, out, (size_t)n * k_type_size(type));
    char *given = run_bytes(run, qkv, (size_t)(s->tokens * row_numbers(s)) * k_type_size(type));
    p.want = want;
    p.qkv = given;
    make_tables(&p);
    fill_cache(&p, qkv);
    int32_t *rows = calloc((size_t)s->tokens + 1, sizeof *rows);
    assert_non_null(rows);
    for (int64_t t = 0; t < s->tokens; t++) /* the whole of each sequence: prompts */
        rows[t] = (int32_t)t;
    check_rows(&p, rows, s->tokens);
    int64_t n_rows = 0;
    for (int64_t q = 0; q < s->n_seqs; q++) /* a row of each: decoding */
        if (s->cu[q + 1] > s->cu[q])
            rows[n_rows++] =
                s->cu[q] + (int32_t)run_below(run, (uint64_t)(s->cu[q + 1] - s->cu[q]));
    check_rows(&p, rows, n_rows);
    n_rows = 0;
    for (int32_t t = 0; t < s->tokens; t++) /* pieces, some of one row */
        if (run_below(run, 5))
            rows[n_rows++] = t;
    check_rows(&p, rows, n_rows);
    free(rows);
    free(want);
    free(given);
    free(p.tables);
    free(p.seq);
    free(p.position);
}

static void same_bits(cuda_run *run)
{
    one_same_bits(run, run->seed % 3 ? K_BF16 : K_F32);
}

/* A recorded call, played with rows of other sequences, other positions and tables than it had. */
static void one_played(cuda_run *run, k_type type, int64_t rows)
{
    const k_backend *ops = run->dev->ops;
    enum { SEQS = 5, SIZE = 16, BLOCKS = 12, MOST = 15, ROWS = 12 };
    attn_shape s = { .kv_heads = 2, .heads = 6, .head_dim = 64, .scale = 0.125 };
    const int64_t numbers = (int64_t)BLOCKS * SIZE * s.kv_heads * s.head_dim;
    const size_t bytes = (size_t)(rows * s.heads * s.head_dim) * k_type_size(type);
    int32_t zeros[SEQS * MOST] = { 0 };
    int32_t later[2 * ROWS + SEQS * MOST];
    int32_t *indices = run_given(run, zeros, sizeof zeros);
    int32_t *tables = run_given(run, zeros, sizeof zeros);
    for (int64_t i = 0; i < rows; i++) { /* some follow each other */
        later[i] = (int32_t)(i / 3 % SEQS);
        later[rows + i] = (int32_t)(SIZE * MOST - 30 - 16 * (i / 3) + i % 3);
    }
    for (int64_t i = 0; i < (int64_t)SEQS * MOST; i++)
        later[2 * rows + i] = (int32_t)run_below(run, BLOCKS);
    k_attn_paged a = {
        .type = type,
        .tokens = rows,
        .n_seqs = SEQS,
        .heads = s.heads,
        .kv_heads = s.kv_heads,
        .head_dim = s.head_dim,
        .block_size = SIZE,
        .n_blocks = BLOCKS,
        .max_blocks = MOST,
        .seq_of = indices,
        .positions = indices + rows,
        .block_tables = tables,
        .scale = s.scale,
        .qkv = run_input_of(run, rows * row_numbers(&s), 2, type),
        .k_cache = run_input_of(run, numbers, 2, type),
        .v_cache = run_input_of(run, numbers, 2, type),
        .out = run_alloc(run, bytes),
    };
    k_recording *recording = NULL;
    run_ok(ops->record(run->dev));
    run_ok(ops->attn_paged(run->dev, &a));
    run_ok(ops->recorded(run->dev, &recording));
    run_ok(ops->play(run->dev, recording)); /* every row at position 0 */
    run_ok(ops->copy_to(run->dev, indices, later, 2 * (size_t)rows * sizeof *later));
    run_ok(ops->copy_to(run->dev, tables, later + 2 * rows, sizeof zeros));
    run_ok(ops->play(run->dev, recording));
    char *is = run_bytes(run, a.out, bytes);
    a.out = run_alloc(run, bytes);
    run_ok(ops->attn_paged(run->dev, &a));
    char *want = run_bytes(run, a.out, bytes);
    if (memcmp(is, want, bytes) != 0)
        fail_msg("NUMBERS %d rows of type %d are others when they are played", (int)rows,
                 (int)type);
    ops->forget(run->dev, recording);
    free(is);
    free(want);
}

static void played(cuda_run *run)
{
    one_played(run, K_BF16, 4);
    one_played(run, K_BF16, 12);
    one_played(run, K_F32, 2);
}

/* Indices that lead outside: their rows are left out, and others are right. */
static void wild_indices(cuda_run *run)
{
    enum { ROWS = 5 };
    float ones[ROWS * 12];
    for (int i = 0; i < ROWS * 12; i++)
        ones[i] = 1;
    const float *qkv = run_given(run, ones, sizeof ones);
    float *cache = run_given(run, ones, 16 * sizeof *ones);
    float *out = run_given(run, ones, (size_t)ROWS * 4 * sizeof *ones);
    k_kv_append add = { K_F32, ROWS, 1, 1, 4, 2, 2, NULL, qkv, cache, cache };
    add.slots = run_given(run, (int32_t[]){ 4, -1, 2147483647, 5, 100 }, 5 * sizeof(int32_t));
    run_ok(run->dev->ops->kv_append(run->dev, &add));
    k_attn_paged a = { .type = K_F32,
                       .tokens = ROWS,
                       .n_seqs = 2,
                       .heads = 1,
                       .kv_heads = 1,
                       .head_dim = 4,
                       .block_size = 2,
                       .n_blocks = 2,
                       .max_blocks = 2,
                       .scale = 1,
                       .qkv = qkv,
                       .k_cache = cache,
                       .v_cache = cache,
                       .out = out };
    a.seq_of = run_given(run, (int32_t[]){ 0, 2, -1, 1, 0 }, 5 * sizeof(int32_t));
    a.positions = run_given(run, (int32_t[]){ 3, 0, 0, 4, -1 }, 5 * sizeof(int32_t));
    a.block_tables = run_given(run, (int32_t[]){ 1, 2, -1, 1 }, 4 * sizeof(int32_t));
    run_ok(run->dev->ops->attn_paged(run->dev, &a));
    a.type = K_BF16; /* the numbers are no matter */
    run_ok(run->dev->ops->attn_paged(run->dev, &a));
}

static void refusals(cuda_run *run)
{
    const k_backend *ops = run->dev->ops;
    void *p = run_alloc(run, 64);
    const k_kv_append append = { K_F32, 1, 2, 1, 4, 2, 1, p, p, p, p };
    k_kv_append b = append;
    b.type = K_F64;
    assert_int_equal(ops->kv_append(run->dev, &b), K_ETYPE);
    b = append;
    b.slots = NULL;
    assert_int_equal(ops->kv_append(run->dev, &b), K_EARG);
    b = append;
    b.tokens = -1;
    assert_int_equal(ops->kv_append(run->dev, &b), K_EARG);
    b = append;
    b.block_size = 0;
    assert_int_equal(ops->kv_append(run->dev, &b), K_EARG);
    b = append;
    b.head_dim = 5;
    assert_int_equal(ops->kv_append(run->dev, &b), K_EARG);
    b = append;
    b.tokens = 0;
    assert_int_equal(ops->kv_append(run->dev, &b), K_OK);
    const k_attn_paged good = { K_F32, 1, 1, 2, 1, 4, 2, 1, 1, p, p, p, 1, p, p, p, p };
    k_attn_paged a = good;
    a.type = K_F64;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_ETYPE);
    a = good;
    a.positions = NULL;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_EARG);
    a = good;
    a.block_tables = NULL;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_EARG);
    a = good;
    a.heads = 3;
    a.kv_heads = 2;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_EARG);
    a = good;
    a.head_dim = 258;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_EARG);
    a = good;
    a.block_size = -1;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_EARG);
    a = good;
    a.tokens = INT64_C(1) << 31;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_EARG);
    a = good;
    a.tokens = 0;
    assert_int_equal(ops->attn_paged(run->dev, &a), K_OK);
}

const cuda_case attention_paged_cases[] = {
    { "random_append", random_append, 6, IN_BOTH },
    { "random_rows", random_rows, 12, IN_BOTH },
    { "same_bits", same_bits, 9, 0 },
    { "played", played, 1, 0 },
    { "wild_indices", wild_indices, 1, 0 },
    { "refusals", refusals, 1, 0 },
    { 0 },
};
