/* attention_bwd.c -- the backward of causal attention: qkv[T,(H+2KV)*D], out, dout[T,H*D], lse[T,H]
 * -> dqkv. SPDX-License-Identifier: Apache-2.0
 *
 * A part is a sequence with its children and a key head, with the query heads that share it
 * (arXiv:2205.14135, appendix B). Rows (query head and position) come in groups of ROWS, for each
 * of them the keys it sees in tiles of TAKEN: s = k q^T, p = exp(s - lse), dp = v dout^T, ds = p
 * (dp - delta) scale, with rows in the lanes of vectors; then dq += k^T ds, dk += ds q, dv += p
 * dout. dk and dv wait in scratch as floats, those of a sequence until its last child is through.
 * Every sum runs in an order that depends on the sequence and its children alone. */
#include "kernels/cpu/fast/keys.h"
#include "kernels/cpu/fast/tiles.h"
#include "kernels/cpu/fast/turn.h"
#include "kernels/cpu/fast/vmath.h"

#define ROWS INT64_C(128)
#define TAKEN INT64_C(32)         /* keys at once */
#define HEIGHT (VL == 16 ? 8 : 4) /* keys of a tile of scores */

/* What a part works on, in the thread's scratch. Row r is head r % group of the position r / group.
 */
typedef struct backward {
    const k_attn_bwd *a;
    int64_t dim, padded, group, kv;
    span of;                            /* the sequence whose rows are taken */
    int64_t row;                        /* stride of qkv */
    int64_t first, n;                   /* rows of the group */
    float *q, *dout;                    /* [ROWS][padded] */
    float *q_turned, *dout_turned, *dq; /* [dim][ROWS] */
    float *lse, *delta;                 /* [ROWS] */
    int32_t *position;                  /* [ROWS]; -1: fills up a vector */
    float *k, *v;                       /* [TAKEN][AK] */
    float *p, *ds;                      /* [TAKEN][AK], AK >= ROWS */
    float *dk, *dv;                     /* [longest, up to whole tiles][padded] */
} backward;

typedef struct job {
    const k_attn_bwd *a;
    int64_t longest; /* positions of a sequence, those of its parent included */
} job;

static int64_t up_to(int64_t n, int64_t multiple)
{
    return (n + multiple - 1) / multiple * multiple;
}

static size_t scratch_bytes(int64_t longest, int64_t dim)
{
    const int64_t padded = up_to(dim, VL);
    return (size_t)(ROWS * (5 * padded + 3) + 4 * TAKEN * AK + 2 * up_to(longest, TAKEN) * padded) *
           sizeof(float);
}

static void backward_in(backward *b, float *scratch, int64_t longest)
{
    b->q = scratch;
    b->dout = b->q + ROWS * b->padded;
    b->q_turned = b->dout + ROWS * b->padded;
    b->dout_turned = b->q_turned + ROWS * b->padded;
    b->dq = b->dout_turned + ROWS * b->padded;
    b->lse = b->dq + ROWS * b->padded;
    b->delta = b->lse + ROWS;
    b->position = (int32_t *)(b->delta + ROWS);
    b->k = b->delta + 2 * ROWS;
    b->v = b->k + TAKEN * AK;
    b->p = b->v + TAKEN * AK;
    b->ds = b->p + TAKEN * AK;
    b->dk = b->ds + TAKEN * AK;
    b->dv = b->dk + up_to(longest, TAKEN) * b->padded;
}

/* Number of the row's query head among all heads of all tokens: index of lse and delta, and of out
 * in heads. */
static int64_t head_of(const backward *b, int64_t row)
{
    return (b->of.begin + row / b->group) * b->a->heads + b->kv * b->group + row % b->group;
}

/* Where its q begins. */
static int64_t query_of(const backward *b, int64_t row)
{
    return (b->of.begin + row / b->group) * b->row + (b->kv * b->group + row % b->group) * b->dim;
}

ALWAYS void load_row(k_type type, float *to, const void *from, int64_t at, int64_t dim)
{
    for (V_EACH(i, dim))
        v_store(to + i, v_read(type, from, at + i, at + dim));
}

ALWAYS void store_row(k_type type, void *to, int64_t at, const float *from, int64_t dim)
{
    for (V_EACH(i, dim))
        v_write(type, to, at + i, at + dim, v_load(from + i));
}

ALWAYS float dot_of(k_type type, const k_attn_bwd *a, int64_t at, int64_t dim)
{
    vf sum = { 0 };
    for (V_EACH(i, dim))
        sum = v_fma(v_read(type, a->dout, at + i, at + dim), v_read(type, a->out, at + i, at + dim),
                    sum);
    return v_sum(sum);
}

/* The rows of the group from b->first on. */
static void load_rows(backward *b)
{
    const k_attn_bwd *a = b->a;
    const int64_t n_rows = b->of.n * b->group;
    b->n = n_rows - b->first < ROWS ? n_rows - b->first : ROWS;
    memset(b->q_turned, 0, (size_t)(3 * ROWS * b->padded) * sizeof *b->q_turned); /* to dq */
    for (int64_t r = 0; r < ROWS; r++) {
        b->position[r] = r < b->n ? (int32_t)(b->of.before + (b->first + r) / b->group) : -1;
        b->lse[r] = b->delta[r] = 0;
    }
    for (int64_t r = 0; r < b->n; r++) {
        const int64_t head = head_of(b, b->first + r);
        BY_TYPE(a->type, load_row, b->q + r * b->padded, a->qkv, query_of(b, b->first + r), b->dim);
        BY_TYPE(a->type, load_row, b->dout + r * b->padded, a->dout, head * b->dim, b->dim);
        b->lse[r] = ((const float *)a->lse)[head];
        b->delta[r] = BY_TYPE(a->type, dot_of, a, head * b->dim, b->dim);
        ((float *)a->delta)[head] = b->delta[r];
    }
    turn_floats(b->q_turned, ROWS, b->q, b->padded, b->n, b->dim);
    turn_floats(b->dout_turned, ROWS, b->dout, b->padded, b->n, b->dim);
}

/* The keys from `first` on; those up to TAKEN are 0. */
static void load_keys(const backward *b, int64_t first, int64_t n)
{
    const k_attn_bwd *a = b->a;
    const int64_t k_head = (a->heads + b->kv) * b->dim, v_head = k_head + a->kv_heads * b->dim;
    for (int64_t j = 0; j < TAKEN; j++) {
        if (j < n) {
            const int64_t at = row_at(&b->of, first + j) * b->row;
            BY_TYPE(a->type, load_row, b->k + j * AK, a->qkv, at + k_head, b->dim);
            BY_TYPE(a->type, load_row, b->v + j * AK, a->qkv, at + v_head, b->dim);
        } else {
            memset(b->k + j * AK, 0, (size_t)b->dim * sizeof *b->k);
            memset(b->v + j * AK, 0, (size_t)b->dim * sizeof *b->v);
        }
    }
}

/* c[TAKEN][NR of AK] = keys[TAKEN] times NR of the rows, turned. */
// NOLINTNEXTLINE(readability-non-const-parameter): the tile writes c
static void score(const backward *b, float *c, const float *keys, const float *rows)
{
    static const float zeroes[NR];
    for (int64_t key = 0; key < TAKEN; key += HEIGHT) {
        const tile_args t = { .a = keys + key * AK,
                              .lda = AK,
                              .b = rows,
                              .ldb = ROWS,
                              .n_k = b->dim,
                              .init = zeroes,
                              .c = c + key * AK,
                              .ldc = AK };
        LEVEL(k_tiles).rows[2][HEIGHT](&t);
    }
}

/* Scores and dp of a vector of rows to p and ds; keys a row does not see get 0. */
static void weigh(const backward *b, int64_t at, int64_t first_key)
{
    const vf scale = v_set((float)b->a->scale), lse = v_load(b->lse + at),
             delta = v_load(b->delta + at);
    const vi position = *(const vi_any *)(b->position + at);
    for (int64_t j = 0; j < TAKEN; j++) {
        float *p = b->p + j * AK + at, *ds = b->ds + j * AK + at;
        const vi sees = (vi)(position >= (int32_t)(first_key + j));
        const vf weight = v_pick(sees, v_exp(v_load(p) * scale - lse), (vf){ 0 });
        v_store(p, weight);
        v_store(ds, v_pick(sees, weight * (v_load(ds) - delta) * scale, (vf){ 0 }));
    }
}

/* c[TAKEN][padded] += weights[TAKEN][n] rows[n][padded]. */
// NOLINTNEXTLINE(readability-non-const-parameter): the tile writes c
static void add_to_keys(const backward *b, float *c, const float *weights, const float *rows,
                        int64_t n)
{
    tile_args t = { .a = weights, .b = rows, .ldb = b->padded, .pair = 2 * VL, .n_k = n };
    t.init = t.c = c;
    t.ldi = t.ldc = b->padded;
    tiles_run(TAKEN, b->padded / VL, &t);
}

/* The rows of the group against the tile of keys from `first`. */
static void take_keys(const backward *b, int64_t first)
{
    /* rows before it see none of the keys */
    const int64_t unseeing = (first - b->of.before) * b->group - b->first;
    const int64_t begin = unseeing > 0 ? unseeing / NR * NR : 0;
    for (int64_t at = begin; at < b->n; at += NR) {
        score(b, b->p + at, b->k, b->q_turned + at);
        score(b, b->ds + at, b->v, b->dout_turned + at);
        weigh(b, at, first);
        weigh(b, at + VL, first);
        for (int64_t i = 0; i < b->dim; i += MR) {
            tile_args t = { .a = b->k + i, .b = b->ds + at, .ldb = AK, .n_k = TAKEN };
            t.init = t.c = b->dq + i * ROWS + at;
            t.ldi = t.ldc = ROWS;
            LEVEL(k_tiles).cols_2[b->dim - i < MR ? b->dim - i : MR](&t);
        }
    }
    add_to_keys(b, b->dk + first * b->padded, b->ds + begin, b->q + begin * b->padded,
                b->n - begin);
    add_to_keys(b, b->dv + first * b->padded, b->p + begin, b->dout + begin * b->padded,
                b->n - begin);
}

static void store_queries(const backward *b)
{
    float *rows = b->q; /* not needed any more */
    turn_floats(rows, b->padded, b->dq, ROWS, b->dim, b->n);
    for (int64_t r = 0; r < b->n; r++)
        BY_TYPE(b->a->type, store_row, b->a->dqkv, query_of(b, b->first + r), rows + r * b->padded,
                b->dim);
}

/* The sequence's own. */
static void store_keys(const backward *b, const span *of)
{
    const k_attn_bwd *a = b->a;
    for (int64_t j = of->before; j < of->before + of->n; j++) {
        const int64_t k = row_at(of, j) * b->row + (a->heads + b->kv) * b->dim,
                      v = k + a->kv_heads * b->dim;
        BY_TYPE(a->type, store_row, a->dqkv, k, b->dk + j * b->padded, b->dim);
        BY_TYPE(a->type, store_row, a->dqkv, v, b->dv + j * b->padded, b->dim);
    }
}

/* The rows of sequence b->of against all they see; dk and dv of its own begin at 0. */
static void take_sequence(backward *b)
{
    const int64_t own = b->of.before * b->padded,
                  n = up_to(b->of.before + b->of.n, TAKEN) * b->padded - own;
    memset(b->dk + own, 0, (size_t)n * sizeof *b->dk);
    memset(b->dv + own, 0, (size_t)n * sizeof *b->dv);
    for (b->first = 0; b->first < b->of.n * b->group; b->first += ROWS) {
        load_rows(b);
        const int64_t end = b->of.before + (b->first + b->n - 1) / b->group + 1; /* of the keys */
        for (int64_t key = 0; key < end; key += TAKEN) {
            load_keys(b, key, end - key < TAKEN ? end - key : TAKEN);
            take_keys(b, key);
        }
        store_queries(b);
    }
}

static bool has_parent(const k_attn_bwd *a, int64_t s)
{
    return a->parents && a->parents[s] >= 0;
}

/* Sequence s, which has no parent, then its children. */
static void backward_part(const job *w, int64_t s, int64_t kv, float *scratch)
{
    const k_attn_bwd *a = w->a;
    const span first = span_of(a->cu_seqlens, NULL, s);
    backward b = { .a = a,
                   .dim = a->head_dim,
                   .padded = up_to(a->head_dim, VL),
                   .group = a->heads / a->kv_heads,
                   .kv = kv,
                   .of = first,
                   .row = (a->heads + 2 * a->kv_heads) * a->head_dim };
    backward_in(&b, scratch, w->longest);
    memset(b.q, 0, (size_t)(2 * ROWS * b.padded) * sizeof *b.q); /* and dout: what fills rows up */
    take_sequence(&b);
    for (int64_t child = s + 1; child < a->n_seqs && has_parent(a, child); child++) {
        b.of = span_of(a->cu_seqlens, a->parents, child);
        take_sequence(&b);
        store_keys(&b, &b.of);
    }
    store_keys(&b, &first);
}

/* Parts are counted over the sequences without a parent. */
static void backward_parts(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    const job *w = arg;
    const k_attn_bwd *a = w->a;
    for (int64_t s = 0, part = 0; s < a->n_seqs && part < end; s++)
        for (int64_t kv = 0; kv < a->kv_heads && !has_parent(a, s); kv++, part++)
            if (part >= begin && part < end)
                backward_part(w, s, kv, scratch);
}

static bool arguments_ok(const k_attn_bwd *a)
{
    return a->qkv && a->out && a->lse && a->dout && a->delta && a->dqkv &&
           heads_ok(a->heads, a->kv_heads, a->head_dim) &&
           seqlens_ok(a->cu_seqlens, a->parents, a->n_seqs, a->tokens, a->max_seqlen);
}

int OP(attn_bwd)(k_device *dev, const k_attn_bwd *a)
{
    fast_device *fast = fast_of(dev);
    if (!is_known(a->type))
        return K_ETYPE;
    if (!arguments_ok(a))
        return K_EARG;
    job w = { .a = a };
    int64_t n_first = 0; /* sequences without a parent */
    for (int64_t s = 0; s < a->n_seqs; s++) {
        const span of = span_of(a->cu_seqlens, a->parents, s);
        w.longest = of.before + of.n > w.longest ? of.before + of.n : w.longest;
        n_first += !has_parent(a, s);
    }
    if (k_fast_reserve(fast, scratch_bytes(w.longest, a->head_dim)) != K_OK)
        return K_ENOMEM;
    k_fast_rows(fast, n_first * a->kv_heads, 1, backward_parts, &w);
    return K_OK;
}
