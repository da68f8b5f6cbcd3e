/* attention_bwd.c -- the backward of causal attention: qkv[T,(H+2KV)*D], out, dout[T,H*D], lse[T,H]
 * -> dqkv. SPDX-License-Identifier: Apache-2.0
 *
 * A part is a sequence and a key head, with the query heads that share it (arXiv:2205.14135,
 * appendix B). For each tile of K_KEY_BLOCK keys, the rows (query head and position) that see it go
 * by in groups of ROWS: s = q k^T, p = exp(s - lse), dp = dout v^T, ds = p (dp - delta) scale; then
 * dq += ds k, dk += ds^T q, dv += p^T dout. dq of the part waits in scratch as floats. Every sum
 * runs in an order that depends on the sequence alone. */
#include "kernels/cpu/fast/keys.h"
#include "kernels/cpu/fast/tiles.h"
#include "kernels/cpu/fast/vmath.h"

#define ROWS (4 * MR)
#define KEY_VECTORS (KEYS / VL)
#define TILE (KEYS * K_MAX_HEAD_DIM)

/* What a part works on, in the thread's scratch. Row r is head r % group of the position r / group.
 */
typedef struct backward {
    const k_attn_bwd *a;
    int64_t dim, padded, group, n_rows, kv, begin; /* begin: the sequence's first token */
    int64_t row, out_row;                          /* strides of qkv and out */
    float *q, *dout, *p, *ds;                      /* [ROWS][AK] each */
    float *lse, *delta;                            /* [ROWS] */
    float *k, *k_turned, *v_turned, *dk, *dv;      /* of the tile */
    float *dq;                                     /* [n_rows][padded] */
} backward;

static size_t scratch_bytes(int64_t n_rows, int64_t padded)
{
    return (size_t)(ROWS * (4 * AK + 2) + 5 * TILE + n_rows * padded) * sizeof(float);
}

static void backward_in(backward *b, float *scratch)
{
    b->q = scratch;
    b->dout = b->q + ROWS * AK;
    b->p = b->dout + ROWS * AK;
    b->ds = b->p + ROWS * AK;
    b->k = b->ds + ROWS * AK;
    b->k_turned = b->k + TILE;
    b->v_turned = b->k_turned + TILE;
    b->dk = b->v_turned + TILE;
    b->dv = b->dk + TILE;
    b->dq = b->dv + TILE;
    b->lse = b->dq + b->n_rows * b->padded;
    b->delta = b->lse + ROWS;
}

static int64_t token_of(const backward *b, int64_t row)
{
    return b->begin + row / b->group;
}

/* Number of the row's query head among all heads of all tokens: index of lse and delta, and of out
 * in heads. */
static int64_t head_of(const backward *b, int64_t row)
{
    return token_of(b, row) * b->a->heads + b->kv * b->group + row % b->group;
}

ALWAYS void load_row(k_type type, float *to, const void *from, int64_t at, int64_t dim)
{
    for (V_EACH(i, dim))
        v_store(to + i, v_read(type, from, at + i, at + dim));
}

static void load_rows(backward *b, int64_t first, int64_t n)
{
    const k_attn_bwd *a = b->a;
    for (int64_t r = 0; r < n; r++) {
        const int64_t head = head_of(b, first + r);
        const int64_t q =
            token_of(b, first + r) * b->row + (b->kv * b->group + (first + r) % b->group) * b->dim;
        BY_TYPE(a->type, load_row, b->q + r * AK, a->qkv, q, b->dim);
        BY_TYPE(a->type, load_row, b->dout + r * AK, a->dout, head * b->dim, b->dim);
        b->lse[r] = ((const float *)a->lse)[head];
        b->delta[r] = ((const float *)a->delta)[head];
    }
}

ALWAYS float dot_of(k_type type, const k_attn_bwd *a, int64_t at, int64_t dim)
{
    vf sum = { 0 };
    for (V_EACH(i, dim))
        sum = v_fma(v_read(type, a->dout, at + i, at + dim), v_read(type, a->out, at + i, at + dim),
                    sum);
    return v_sum(sum);
}

/* Scores and dp of one row to p and ds; keys the row does not see get 0. */
static void weigh_row(const backward *b, int64_t r, int64_t n)
{
    static const float counts[KEYS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    const float scale = (float)b->a->scale;
    for (int v = 0; v < KEYS; v += VL) {
        float *p = b->p + r * AK + v, *ds = b->ds + r * AK + v;
        const vi is_in = (vi)(v_load(counts + v) < (float)n);
        const vf weight = v_pick(is_in, v_exp(v_load(p) * scale - b->lse[r]), (vf){ 0 });
        v_store(p, weight);
        v_store(ds, v_pick(is_in, weight * (v_load(ds) - b->delta[r]) * scale, (vf){ 0 }));
    }
}

/* c[KEYS][padded] += a^T b, a[n][AK] of KEYS columns, b[n][AK]. */
// NOLINTNEXTLINE(readability-non-const-parameter): the tile writes c
static void add_turned(float *c, const float *a, const float *b, int64_t n, int64_t padded)
{
    const int height = KEYS % MR == 0 ? MR : VL == 16 ? 8 : 4;
    for (int64_t key = 0; key < KEYS; key += height)
        for (int64_t i = 0; i < padded; i += 2 * VL) {
            const tile_args t = { .a = a + key,
                                  .b = b + i,
                                  .ldb = AK,
                                  .n_k = n,
                                  .init = c + key * K_MAX_HEAD_DIM + i,
                                  .ldi = K_MAX_HEAD_DIM,
                                  .c = c + key * K_MAX_HEAD_DIM + i,
                                  .ldc = K_MAX_HEAD_DIM };
            LEVEL(k_tiles).cols_2[height](&t);
        }
}

/* A group of rows against the tile of keys from `first_key`. */
static void take_rows(backward *b, int64_t first_row, int64_t n, int64_t first_key)
{
    static const float zeroes[KEYS];
    load_rows(b, first_row, n);
    tile_args t = {
        .a = b->q, .b = b->k_turned, .ldb = KEYS, .pair = 2 * VL, .n_k = b->dim, .init = zeroes
    };
    t.c = b->p;
    t.ldc = AK;
    tiles_run(n, KEY_VECTORS, &t);
    t.a = b->dout;
    t.b = b->v_turned;
    t.c = b->ds;
    tiles_run(n, KEY_VECTORS, &t);
    for (int64_t r = 0; r < n; r++)
        weigh_row(b, r, (first_row + r) / b->group - first_key + 1);
    tile_args dq = { .a = b->ds, .b = b->k, .ldb = b->padded, .pair = 2 * VL, .n_k = KEYS };
    dq.init = dq.c = b->dq + first_row * b->padded;
    dq.ldi = dq.ldc = b->padded;
    tiles_run(n, b->padded / VL, &dq);
    add_turned(b->dk, b->ds, b->q, n, b->padded);
    add_turned(b->dv, b->p, b->dout, n, b->padded);
}

ALWAYS void store_row(k_type type, void *to, int64_t at, const float *from, int64_t dim)
{
    for (V_EACH(i, dim))
        v_write(type, to, at + i, at + dim, v_load(from + i));
}

static void take_keys(backward *b, int64_t first, int64_t n)
{
    const k_attn_bwd *a = b->a;
    const int64_t k_head = (a->heads + b->kv) * b->dim, v_head = k_head + a->kv_heads * b->dim;
    int64_t at_k[KEYS] = { 0 }, at_v[KEYS] = { 0 };
    for (int64_t j = 0; j < n; j++) {
        at_k[j] = (b->begin + first + j) * b->row + k_head;
        at_v[j] = (b->begin + first + j) * b->row + v_head;
    }
    BY_TYPE(a->type, turn_keys, b->k_turned, a->qkv, at_k, n, b->dim);
    BY_TYPE(a->type, turn_keys, b->v_turned, a->qkv, at_v, n, b->dim);
    BY_TYPE(a->type, copy_keys, b->k, a->qkv, at_k, n, b->dim, b->padded);
    memset(b->dk, 0, TILE * sizeof *b->dk);
    memset(b->dv, 0, TILE * sizeof *b->dv);
    for (int64_t row = first * b->group; row < b->n_rows; row += ROWS)
        take_rows(b, row, b->n_rows - row < ROWS ? b->n_rows - row : ROWS, first);
    for (int64_t j = 0; j < n; j++) {
        BY_TYPE(a->type, store_row, a->dqkv, at_k[j], b->dk + j * K_MAX_HEAD_DIM, b->dim);
        BY_TYPE(a->type, store_row, a->dqkv, at_v[j], b->dv + j * K_MAX_HEAD_DIM, b->dim);
    }
}

static void backward_part(const k_attn_bwd *a, int64_t s, int64_t kv, float *scratch)
{
    backward b = { .a = a,
                   .dim = a->head_dim,
                   .padded = (a->head_dim + 2 * VL - 1) / (2 * VL) * (2 * VL),
                   .group = a->heads / a->kv_heads,
                   .kv = kv,
                   .begin = a->cu_seqlens[s],
                   .row = (a->heads + 2 * a->kv_heads) * a->head_dim,
                   .out_row = a->heads * a->head_dim };
    const int64_t n_tokens = a->cu_seqlens[s + 1] - b.begin;
    b.n_rows = n_tokens * b.group;
    backward_in(&b, scratch);
    memset(b.q, 0, (size_t)(ROWS * AK) * 2 * sizeof *b.q); /* what fills rows up */
    memset(b.dq, 0, (size_t)(b.n_rows * b.padded) * sizeof *b.dq);
    for (int64_t r = 0; r < b.n_rows; r++) {
        const int64_t head = head_of(&b, r);
        ((float *)a->delta)[head] = BY_TYPE(a->type, dot_of, a, head * b.dim, b.dim);
    }
    for (int64_t first = 0; first < n_tokens; first += KEYS)
        take_keys(&b, first, n_tokens - first < KEYS ? n_tokens - first : KEYS);
    for (int64_t r = 0; r < b.n_rows; r++) {
        const int64_t at = token_of(&b, r) * b.row + (kv * b.group + r % b.group) * b.dim;
        BY_TYPE(a->type, store_row, a->dqkv, at, b.dq + r * b.padded, b.dim);
    }
}

static void backward_parts(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    const k_attn_bwd *a = arg;
    for (int64_t part = begin; part < end; part++)
        backward_part(a, part / a->kv_heads, part % a->kv_heads, scratch);
}

static bool arguments_ok(const k_attn_bwd *a)
{
    if (!a->qkv || !a->out || !a->lse || !a->dout || !a->delta || !a->dqkv || a->kv_heads <= 0 ||
        a->heads <= 0 || a->heads % a->kv_heads != 0 || a->head_dim <= 0 ||
        a->head_dim > K_MAX_HEAD_DIM || a->head_dim % 2 != 0)
        return false;
    const int32_t *cu = a->cu_seqlens;
    if (!cu || a->n_seqs < 0 || cu[0] != 0 || cu[a->n_seqs] != a->tokens)
        return false;
    for (int64_t s = 0; s < a->n_seqs; s++)
        if (cu[s + 1] < cu[s] || cu[s + 1] - cu[s] > a->max_seqlen)
            return false;
    return true;
}

int OP(attn_bwd)(k_device *dev, const k_attn_bwd *a)
{
    fast_device *fast = fast_of(dev);
    if (!is_known(a->type))
        return K_ETYPE;
    if (!arguments_ok(a))
        return K_EARG;
    int64_t longest = 0;
    for (int64_t s = 0; s < a->n_seqs; s++) {
        const int64_t n = a->cu_seqlens[s + 1] - a->cu_seqlens[s];
        longest = n > longest ? n : longest;
    }
    if (k_fast_reserve(fast, scratch_bytes(longest * (a->heads / a->kv_heads), K_MAX_HEAD_DIM)) !=
        K_OK)
        return K_ENOMEM;
    k_fast_rows(fast, a->n_seqs * a->kv_heads, 1, backward_parts, a);
    return K_OK;
}
