/* attention_bwd_cases.c -- the backward of attention: sequences of any length, none among them,
 * groups of heads, widths of a head, parents.
 *
 * out and lse, which it is given, are those of the scalar reference's own forward, so that they fit
 * what it is to differentiate.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cases.h"

enum { MAX_SEQS = 16 };

typedef struct shape {
    int64_t heads, kv_heads, dim;
    int64_t n_seqs, lengths[MAX_SEQS];
    int32_t parents[MAX_SEQS];
    bool has_parents;
} shape;

/* One call's numbers on the host, T rows of each. */
typedef struct numbers {
    int64_t tokens;
    int32_t cu[MAX_SEQS + 1];
    void *qkv, *out, *lse, *dout;
} numbers;

static size_t number_size(const cuda_run *run)
{
    return run->type == K_F32 ? sizeof(float) : sizeof(uint16_t);
}

static size_t row_bytes(const cuda_run *run, const shape *s)
{
    return (size_t)((s->heads + 2 * s->kv_heads) * s->dim) * number_size(run);
}

static size_t out_bytes(const cuda_run *run, const shape *s)
{
    return (size_t)(s->heads * s->dim) * number_size(run);
}

static void *room(size_t bytes)
{
    void *p = calloc(bytes + 1, 1);
    assert_non_null(p);
    return p;
}

static k_attn_bwd call_of(const cuda_run *run, const shape *s, const numbers *n)
{
    int64_t longest = 0;
    for (int64_t i = 0; i < s->n_seqs; i++)
        longest = s->lengths[i] > longest ? s->lengths[i] : longest;
    return (k_attn_bwd){ .type = run->type,
                         .tokens = n->tokens,
                         .n_seqs = s->n_seqs,
                         .max_seqlen = longest,
                         .heads = s->heads,
                         .kv_heads = s->kv_heads,
                         .head_dim = s->dim,
                         .scale = 0.3 };
}

/* What the forward makes of qkv, by the reference; its memory is the host's. */
static void forward(const cuda_run *run, const shape *s, numbers *n)
{
    k_device *host = NULL;
    assert_int_equal(k_device_open(&host, "naive-f32", NULL), K_OK);
    const k_attn_bwd b = call_of(run, s, n);
    const k_attn a = { .type = b.type,
                       .tokens = b.tokens,
                       .n_seqs = b.n_seqs,
                       .max_seqlen = b.max_seqlen,
                       .heads = b.heads,
                       .kv_heads = b.kv_heads,
                       .head_dim = b.head_dim,
                       .cu_seqlens = n->cu,
                       .parents = s->has_parents ? s->parents : NULL,
                       .scale = b.scale,
                       .qkv = n->qkv,
                       .out = n->out,
                       .lse = n->lse };
    run_ok(host->ops->attn(host, &a));
    k_device_close(host);
}

static void fill(cuda_run *run, void *p, size_t bytes, double scale)
{
    for (size_t i = 0; i < bytes / number_size(run); i++) {
        const float x = (float)run_number(run, scale);
        if (run->type == K_F32)
            ((float *)p)[i] = x;
        else
            ((uint16_t *)p)[i] = k_bf16_of_float(x);
    }
}

static numbers draw(cuda_run *run, const shape *s)
{
    numbers n = { 0 };
    for (int64_t i = 0; i < s->n_seqs; i++)
        n.cu[i + 1] = n.cu[i] + (int32_t)s->lengths[i];
    n.tokens = n.cu[s->n_seqs];
    n.qkv = room((size_t)n.tokens * row_bytes(run, s));
    n.out = room((size_t)n.tokens * out_bytes(run, s));
    n.dout = room((size_t)n.tokens * out_bytes(run, s));
    n.lse = room((size_t)(n.tokens * s->heads) * sizeof(float));
    fill(run, n.qkv, (size_t)n.tokens * row_bytes(run, s), 1);
    fill(run, n.dout, (size_t)n.tokens * out_bytes(run, s), 1);
    forward(run, s, &n);
    return n;
}

static void drop(numbers *n)
{
    free(n->qkv);
    free(n->out);
    free(n->dout);
    free(n->lse);
}

/* Runs it; what it wrote, on the device. offset: numbers between an aligned address and where the
 * arrays begin. */
static void *backward(cuda_run *run, const shape *s, const numbers *n, const char *name,
                      size_t offset)
{
    const size_t shift = offset * number_size(run);
    const size_t qkv = (size_t)n->tokens * row_bytes(run, s);
    const size_t out = (size_t)n->tokens * out_bytes(run, s);
    k_attn_bwd a = call_of(run, s, n);
    a.cu_seqlens = run_given(run, n->cu, (size_t)(s->n_seqs + 1) * sizeof n->cu[0]);
    a.parents = NULL;
    if (s->has_parents)
        a.parents = run_given(run, s->parents, (size_t)s->n_seqs * sizeof s->parents[0]);
    const void *from[] = { n->qkv, n->out, n->dout };
    const size_t sizes[] = { qkv, out, out };
    void *to[3];
    for (int i = 0; i < 3; i++) {
        to[i] = (char *)run_alloc(run, sizes[i] + shift) + shift;
        run_ok(run->dev->ops->copy_to(run->dev, to[i], from[i], sizes[i]));
    }
    a.qkv = to[0];
    a.out = to[1];
    a.dout = to[2];
    a.lse = run_given(run, n->lse, (size_t)(n->tokens * s->heads) * sizeof(float));
    a.delta = run_alloc(run, (size_t)(n->tokens * s->heads) * sizeof(float));
    a.dqkv = (char *)(name ? run_room(run, name, (int64_t)((qkv + shift) / number_size(run)))
                           : run_alloc(run, qkv + shift)) +
             shift;
    run_ok(run->dev->ops->attn_bwd(run->dev, &a));
    return a.dqkv;
}

static void free_to(cuda_run *run, int n_buffers)
{
    while (run->n_buffers > n_buffers)
        run->dev->ops->free(run->dev, run->buffers[--run->n_buffers]);
}

/* ---- shapes ---------------------------------------------------------------------------------- */

static int64_t one_of(cuda_run *run, const int64_t *from, uint64_t n)
{
    return from[run_below(run, n)];
}
#define ONE_OF(run, from) one_of(run, from, sizeof(from) / sizeof(from)[0])

/* Lengths on both sides of a tile's, of all tiles there are; at most `most` rows in all. */
static void draw_lengths(cuda_run *run, shape *s, int64_t most)
{
    static const int64_t lengths[] = { 0,  1,  2,  7,  15, 16, 17, 31,  32,  33,
                                       34, 47, 63, 64, 65, 96, 97, 127, 128, 129 };
    for (s->n_seqs = 0; s->n_seqs < MAX_SEQS; s->n_seqs++) {
        const int64_t n = ONE_OF(run, lengths);
        if (n > most)
            break;
        s->lengths[s->n_seqs] = n;
        most -= n;
    }
}

/* About a third of the sequences, and the first, have no parent. */
static void draw_parents(cuda_run *run, shape *s)
{
    int32_t last = 0;
    s->has_parents = true;
    for (int32_t i = 0; i < s->n_seqs; i++) {
        const bool is_parent = i == 0 || run_below(run, 3) == 0;
        s->parents[i] = is_parent ? -1 : last;
        if (is_parent)
            last = i;
    }
}

static shape draw_shape(cuda_run *run, int64_t dim, int64_t most)
{
    static const int64_t groups[] = { 1, 2, 3 };
    shape s = { .dim = dim, .kv_heads = 1 + (int64_t)run_below(run, 2) };
    s.heads = s.kv_heads * (dim > 100 ? 1 : dim < 10 ? 7 : ONE_OF(run, groups));
    draw_lengths(run, &s, most);
    return s;
}

/* Rows of a shape, so that it takes the emulation no longer than others. */
static int64_t rows_for(const cuda_run *run, int64_t dim)
{
    return run->type == K_F32 ? (dim > 100 ? 40 : 70) : (dim > 100 ? 100 : 140);
}

static void compared(cuda_run *run, const shape *s)
{
    numbers n = draw(run, s);
    backward(run, s, &n, "dqkv", 0);
    drop(&n);
}

static void shapes(cuda_run *run)
{
    static const int64_t dims[] = { 64, 128, 2, 6, 8, 18, 40, 64, 72, 128, 96, 130, 256, 32 };
    const int64_t dim = dims[run->seed];
    const shape s = draw_shape(run, dim, rows_for(run, dim));
    compared(run, &s);
}

static void parents(cuda_run *run)
{
    static const int64_t dims[] = { 64, 128, 16, 64, 34, 256 };
    const int64_t dim = dims[run->seed];
    shape s = draw_shape(run, dim, rows_for(run, dim));
    draw_parents(run, &s);
    compared(run, &s);
}

/* What every kernel has: several tiles, heads, children, pieces of a head. */
static const shape small_shapes[] = {
    { 4, 2, 16, 4, { 3, 34, 33, 7 }, { -1, -1, 1, 1 }, true },
    { 1, 1, 72, 3, { 9, 30, 36 }, { -1, 0, -1 }, true },
    { 2, 1, 64, 2, { 65, 37 }, { -1, 0 }, true },
    { 1, 1, 128, 2, { 65, 37 }, { -1, 0 }, true },
    { 2, 2, 6, 3, { 65, 1, 70 }, { 0 }, false },
};

static void small(cuda_run *run)
{
    compared(run, &small_shapes[run->seed]);
}

/* Not a row, rows of no sequence's own, and one row. */
static void few(cuda_run *run)
{
    static const shape all[] = {
        { 2, 1, 64, 1, { 0 }, { 0 }, false },
        { 2, 1, 64, 3, { 0, 1, 0 }, { 0 }, false },
        { 4, 2, 8, 5, { 0, 3, 0, 2, 0 }, { -1, 0, 0, 0, -1 }, true },
        { 1, 1, 128, 4, { 5, 0, 0, 1 }, { -1, 0, 0, 0 }, true },
    };
    compared(run, &all[run->seed]);
}

/* Prompts that so many queries see that their keys are the work of several blocks; of the last
 * there would be more, were there room. */
static const shape many_queries[] = {
    { 16, 2, 24, 4, { 66, 60, 1, 70 }, { -1, 0, 0, 0 }, true },
    { 10,
      1,
      8,
      15,
      { 33, 100, 20, 0, 31, 32, 33, 20, 20, 24, 20, 1, 70, 9, 64 },
      { -1, -1, 1, 1, 1, 1, 1, 1, 1, 1, 1, 1, -1, 12, 12 },
      true },
    { 8, 1, 64, 7, { 5, 40, 30, 0, 45, 25, 3 }, { -1, -1, 1, 1, 1, 1, -1 }, true },
    { 8, 1, 128, 4, { 6, 58, 0, 70 }, { -1, 0, 0, 0 }, true },
    { 6, 1, 8, 6, { 150, 50, 50, 50, 50, 34 }, { -1, 0, 0, 0, 0, 0 }, true },
};

static void parts(cuda_run *run)
{
    compared(run, &many_queries[run->seed]);
}

/* ---- bits ------------------------------------------------------------------------------------ */

static numbers rows_of(const cuda_run *run, const shape *s, const numbers *n, int64_t from,
                       const shape *part)
{
    const size_t qkv = row_bytes(run, s);
    const size_t out = out_bytes(run, s);
    const size_t lse = (size_t)s->heads * sizeof(float);
    numbers to = { 0 };
    for (int64_t i = 0; i < part->n_seqs; i++)
        to.cu[i + 1] = to.cu[i] + (int32_t)part->lengths[i];
    to.tokens = to.cu[part->n_seqs];
    const size_t rows = (size_t)to.tokens;
    to.qkv = room(rows * qkv);
    to.out = room(rows * out);
    to.dout = room(rows * out);
    to.lse = room(rows * lse);
    memcpy(to.qkv, (char *)n->qkv + (size_t)from * qkv, rows * qkv);
    memcpy(to.out, (char *)n->out + (size_t)from * out, rows * out);
    memcpy(to.dout, (char *)n->dout + (size_t)from * out, rows * out);
    memcpy(to.lse, (char *)n->lse + (size_t)from * lse, rows * lse);
    return to;
}

/* Each sequence, with its children, alone has the bits it has among others. */
static void families_alone(cuda_run *run, shape s)
{
    numbers n = draw(run, &s);
    const size_t row = row_bytes(run, &s);
    const int before = run->n_buffers;
    void *all = run_bytes(run, backward(run, &s, &n, NULL, 0), (size_t)n.tokens * row);
    for (int64_t i = 0; i < s.n_seqs;) {
        shape part = s;
        for (part.n_seqs = 0; i + part.n_seqs < s.n_seqs; part.n_seqs++) {
            if (part.n_seqs > 0 && s.parents[i + part.n_seqs] < 0)
                break;
            part.lengths[part.n_seqs] = s.lengths[i + part.n_seqs];
            part.parents[part.n_seqs] = part.n_seqs > 0 ? 0 : -1;
        }
        numbers its = rows_of(run, &s, &n, n.cu[i], &part);
        void *one = run_bytes(run, backward(run, &part, &its, NULL, 0), (size_t)its.tokens * row);
        if (memcmp(one, (char *)all + (size_t)n.cu[i] * row, (size_t)its.tokens * row) != 0)
            fail_msg("NUMBERS alone: sequence %d has other bits alone", (int)i);
        free(one);
        drop(&its);
        free_to(run, before);
        i += part.n_seqs;
    }
    free(all);
    drop(&n);
}

static void alone_bits(cuda_run *run, int64_t dim)
{
    shape s = draw_shape(run, dim, rows_for(run, dim));
    draw_parents(run, &s);
    families_alone(run, s);
}

static void parts_alone(cuda_run *run)
{
    run->type = K_BF16;
    families_alone(run, many_queries[1]);
}

/* Whether 16 bytes may be loaded at once changes no bit. */
static void offset_bits(cuda_run *run, int64_t dim)
{
    shape s = draw_shape(run, dim, rows_for(run, dim));
    draw_parents(run, &s);
    numbers n = draw(run, &s);
    const size_t bytes = (size_t)n.tokens * row_bytes(run, &s);
    void *a = run_bytes(run, backward(run, &s, &n, NULL, 0), bytes);
    void *b = run_bytes(run, backward(run, &s, &n, NULL, 2), bytes);
    if (memcmp(a, b, bytes) != 0)
        fail_msg("NUMBERS offset_bits: other bits from another address");
    free(a);
    free(b);
    drop(&n);
}

static void in_both(cuda_run *run, void (*check)(cuda_run *run, int64_t dim))
{
    static const int64_t dims[] = { 64, 128, 40 };
    run->type = K_F32;
    check(run, run->seed == 1 ? 18 : dims[run->seed]);
    free_to(run, 0);
    run->type = K_BF16;
    check(run, dims[run->seed]);
}

static void alone(cuda_run *run)
{
    in_both(run, alone_bits);
}

static void offset(cuda_run *run)
{
    in_both(run, offset_bits);
}

/* ---- a parent and its children, against each child's whole sequence ---------------------------
 */

/* The parent's rows alone, or where child > 0, those and the child's, of which the parent's have no
 * gradient coming in. */
static void whole_sequence(cuda_run *run, const shape *s, const numbers *n, int64_t child,
                           shape *to, numbers *out)
{
    const size_t rows = (size_t)s->lengths[0];
    *to = *s;
    to->has_parents = false;
    to->n_seqs = 1;
    numbers p = rows_of(run, s, n, 0, to);
    if (child == 0) {
        *out = p;
        return;
    }
    shape part = *to;
    part.lengths[0] = s->lengths[child];
    numbers c = rows_of(run, s, n, n->cu[child], &part);
    to->lengths[0] += s->lengths[child];
    *out = rows_of(run, s, n, 0, to);
    const size_t qkv = row_bytes(run, s);
    const size_t o = out_bytes(run, s);
    const size_t lse = (size_t)s->heads * sizeof(float);
    memcpy((char *)out->qkv + rows * qkv, c.qkv, (size_t)c.tokens * qkv);
    memcpy((char *)out->out + rows * o, c.out, (size_t)c.tokens * o);
    memcpy((char *)out->dout + rows * o, c.dout, (size_t)c.tokens * o);
    memcpy((char *)out->lse + rows * lse, c.lse, (size_t)c.tokens * lse);
    memset(out->dout, 0, rows * o);
    drop(&p);
    drop(&c);
}

static void whole_bits(cuda_run *run, int64_t dim)
{
    static const int64_t prompts[] = { 33, 7, 64 };
    shape s = { .dim = dim,
                .heads = run->type == K_F32 ? 1 : 2,
                .kv_heads = 1,
                .n_seqs = 4,
                .lengths = { prompts[run->seed], 20, 37, 1 },
                .parents = { -1, 0, 0, 0 },
                .has_parents = true };
    numbers n = draw(run, &s);
    const size_t row = row_bytes(run, &s);
    const size_t numbers_of_row = row / number_size(run);
    const size_t bytes = (size_t)n.tokens * row;
    const void *dqkv = backward(run, &s, &n, NULL, 0);
    char *all = run_bytes(run, dqkv, bytes);
    double *is = run_fetch(run, dqkv, (size_t)n.tokens * numbers_of_row, run->type);
    const size_t in_prompt = (size_t)s.lengths[0] * numbers_of_row;
    double *sum = calloc(in_prompt, sizeof *sum);
    assert_non_null(sum);
    for (int64_t child = 0; child < s.n_seqs; child++) {
        shape one;
        numbers its;
        whole_sequence(run, &s, &n, child, &one, &its);
        const void *p = backward(run, &one, &its, NULL, 0);
        char *its_bytes = run_bytes(run, p, (size_t)its.tokens * row);
        double *its_numbers = run_fetch(run, p, in_prompt, run->type);
        for (size_t i = 0; i < in_prompt; i++)
            sum[i] += its_numbers[i];
        const size_t at = child == 0 ? 0 : (size_t)s.lengths[0] * row;
        if (child > 0 && memcmp(its_bytes + at, all + (size_t)n.cu[child] * row,
                                (size_t)s.lengths[child] * row) != 0)
            fail_msg("NUMBERS whole_bits: child %d has other bits than in the whole sequence",
                     (int)child);
        free(its_bytes);
        free(its_numbers);
        drop(&its);
    }
    for (size_t i = 0; i < in_prompt; i++)
        if (!(fabs(sum[i] - is[i]) <= (run->type == K_F32 ? 1e-5 : 2e-2) * (1 + fabs(sum[i]))))
            fail_msg(
                "NUMBERS whole_bits: number %zu of the parent is %g, whole sequences sum to %g", i,
                is[i], sum[i]);
    free(all);
    free(is);
    free(sum);
    drop(&n);
}

static void whole(cuda_run *run)
{
    in_both(run, whole_bits);
}

/* ---- what is refused ------------------------------------------------------------------------- */

static void refusals(cuda_run *run)
{
    void *p = run_alloc(run, 4096);
    const k_attn_bwd good = { .type = K_F32,
                              .tokens = 2,
                              .n_seqs = 1,
                              .max_seqlen = 2,
                              .heads = 2,
                              .kv_heads = 1,
                              .head_dim = 4,
                              .cu_seqlens = p,
                              .qkv = p,
                              .out = p,
                              .lse = p,
                              .dout = p,
                              .delta = p,
                              .dqkv = p };
    k_attn_bwd bad[21];
    int n = 0;
    for (size_t i = 0; i < sizeof bad / sizeof bad[0]; i++)
        bad[i] = good;
    bad[n++].cu_seqlens = NULL;
    bad[n++].qkv = NULL;
    bad[n++].out = NULL;
    bad[n++].lse = NULL;
    bad[n++].dout = NULL;
    bad[n++].delta = NULL;
    bad[n++].dqkv = NULL;
    bad[n++].tokens = -1;
    bad[n++].n_seqs = -1;
    bad[n++].n_seqs = 0;
    bad[n++].max_seqlen = -1;
    bad[n++].heads = 0;
    bad[n++].kv_heads = 0;
    bad[n++].kv_heads = -1;
    bad[n++].heads = 65536;
    bad[n++].tokens = (int64_t)1 << 31;
    bad[n++].head_dim = 0;
    bad[n++].head_dim = 3;
    bad[n++].head_dim = 258;
    bad[n].heads = 3;
    bad[n++].kv_heads = 2;
    bad[n].tokens = (int64_t)1 << 29;
    bad[n++].heads = 4096;
    for (int i = 0; i < n; i++)
        if (run->dev->ops->attn_bwd(run->dev, &bad[i]) != K_EARG)
            fail_msg("NUMBERS refusals: %d is not refused", i);
    k_attn_bwd other = good;
    other.type = K_F64;
    assert_int_equal(run->dev->ops->attn_bwd(run->dev, &other), K_ETYPE);
    other = good;
    other.tokens = 0;
    run_ok(run->dev->ops->attn_bwd(run->dev, &other));
}

const cuda_case attention_bwd_cases[] = {
    { "small", small, 5, 1 << K_BF16 },   { "small_f32", small, 2, 1 << K_F32 },
    { "shapes", shapes, 14, IN_BOTH },    { "parents", parents, 6, IN_BOTH },
    { "few", few, 4, IN_BOTH },           { "parts", parts, 5, 1 << K_BF16 },
    { "parts_alone", parts_alone, 1, 0 }, { "alone", alone, 3, 0 },
    { "offset", offset, 3, 0 },           { "whole", whole, 3, 0 },
    { "refusals", refusals, 1, 0 },       { NULL, NULL, 0, 0 },
};
