/* attention.c -- causal attention of query rows, in qkv[T,(H+2KV)*D], against a paged cache;
 * out[T,H*D]. SPDX-License-Identifier: Apache-2.0
 *
 * The rows of a part are the query heads of one key head at some positions: they share its keys.
 * Keys come in tiles of K_KEY_BLOCK from position 0, with a running maximum (arXiv:1805.02867, as
 * arXiv:2205.14135): s = q k^T and o += p v are register tiles (tile.h), whose bits do not depend
 * on how many rows there are. decode.c and attention_whole.c compute the same sums in the same
 * order, so a row decoded alone is a row of the whole sequence bit for bit. All of it is in floats,
 * bf16 included. */
#include "kernels/cpu/fast/decode.h"
#include "kernels/cpu/fast/keys.h"
#include "kernels/cpu/fast/tiles.h"
#include "kernels/cpu/fast/vmath.h"

#define MOST_ROWS 128 /* of a part, unless one position has more heads */
#define KEY_VECTORS (KEYS / VL)

void LEVEL(k_load_keys)(key_tile *t, const key_source *s, int64_t first, int64_t n)
{
    float *k = t->room, *v = t->room + KEYS * K_MAX_HEAD_DIM;
    int64_t at_k[KEYS] = { 0 }, at_v[KEYS] = { 0 };
    const bool is_turned = s->table && keys_are_turned(s->block_size);
    for (int64_t j = 0; j < n; j++) {
        const int64_t p = first + j;
        at_k[j] =
            s->table ? paged_head(s, p) + p % s->block_size * s->dim : s->first_k + p * s->row;
        at_v[j] = s->table ? at_k[j] : s->first_v + p * s->row;
    }
    t->k = k;
    if (is_turned && s->type == K_F32)
        t->k = (const float *)s->k + at_k[0];
    else if (is_turned)
        for (int64_t i = 0; i < s->dim * KEYS; i += VL)
            v_store(k + i, v_get(K_BF16, s->k, at_k[0] + i));
    else
        BY_TYPE(s->type, turn_keys, k, s->k, at_k, n, s->dim);
    /* rows of v are as far apart in a tile as in memory: one block, or rows of qkv */
    const bool is_even = !s->table || is_turned;
    t->v = v;
    t->v_row = s->padded;
    if (s->type == K_F32 && s->padded == s->dim && is_even) {
        t->v = (const float *)s->v + at_v[0];
        t->v_row = s->table ? s->dim : s->row;
    } else {
        BY_TYPE(s->type, copy_keys, v, s->v, at_v, n, s->dim, s->padded);
    }
}

/* ---- rows against tiles
 * -----------------------------------------------------------------------------------------------------
 */

/* The rows of a part, in the thread's scratch. Row r is head r % group of the position r / group.
 */
typedef struct rows {
    int64_t n, group, first_position;
    float scale;
    float *q;         /* [n][AK] */
    float *o;         /* [n][padded]: sum of exp(s - max) v */
    float *max, *sum; /* [n] */
    float *s;         /* [MR][AK]: scores, then exp(s - max) */
    key_tile tile;
} rows;

static size_t rows_bytes(int64_t n)
{
    return (size_t)(n * (AK + K_MAX_HEAD_DIM + 2) + MR * AK + 2 * KEYS * K_MAX_HEAD_DIM + 64) *
           sizeof(float);
}

static void rows_in(rows *w, float *scratch, int64_t most)
{
    w->q = scratch;
    w->o = w->q + most * AK;
    w->s = w->o + most * K_MAX_HEAD_DIM;
    w->tile.room = w->s + MR * AK;
    w->max = w->tile.room + 2 * KEYS * K_MAX_HEAD_DIM;
    w->sum = w->max + most;
}

/* How many keys of a tile at `first` the row sees; <= 0: none. */
static int64_t n_seen(const rows *w, int64_t row, int64_t first)
{
    const int64_t n = w->first_position + row / w->group - first + 1;
    return n < KEYS ? n : KEYS;
}

/* Scores of one row, of which the first n count: to exp(s * scale - max), 0 behind. Returns how the
 * sums so far shrink. */
static float weigh_row(rows *w, int64_t row, float *s, int64_t n)
{
    static const float counts[2 * KEYS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    const vf none = v_set(-__builtin_inff());
    vf x[KEY_VECTORS], top = none;
    for (int v = 0; v < KEY_VECTORS; v++) {
        const vi is_in = (vi)(v_load(counts + v * VL) < (float)n);
        x[v] = v_pick(is_in, v_load(s + v * VL) * w->scale, none);
        top = v_max(x[v], top);
    }
    const float before = w->max[row], highest = v_top(top),
                max = highest > before ? highest : before;
    vf sum = { 0 };
    for (int v = 0; v < KEY_VECTORS; v++) {
        x[v] = v_exp(x[v] - max);
        v_store(s + v * VL, x[v]);
        sum += x[v];
    }
    const float shrink = before == max ? 1 : s_exp(before - max);
    w->max[row] = max;
    w->sum[row] = s_fma(w->sum[row], shrink, v_sum(sum));
    return shrink;
}

/* At most MR rows, all of which see the tile. */
static void take_tile(rows *w, const key_source *from, int64_t row, int64_t n_rows, int64_t first)
{
    static const float zeroes[KEYS];
    tile_args score = {
        .a = w->q + row * AK, .b = w->tile.k, .ldb = KEYS, .pair = 2 * VL, .n_k = from->dim
    };
    score.init = zeroes;
    score.c = w->s;
    score.ldc = AK;
    tiles_run(n_rows, KEY_VECTORS, &score);
    for (int64_t r = 0; r < n_rows; r++) {
        const float shrink = weigh_row(w, row + r, w->s + r * AK, n_seen(w, row + r, first));
        float *o = w->o + (row + r) * from->padded;
        for (int64_t i = 0; shrink != 1 && i < from->padded; i += VL)
            v_store(o + i, v_load(o + i) * shrink);
    }
    for (int64_t r = 0; r < n_rows;) { /* rows that see as many keys together */
        const int64_t n = n_seen(w, row + r, first);
        int64_t same = 1;
        while (r + same < n_rows && n_seen(w, row + r + same, first) == n)
            same++;
        tile_args sum = {
            .a = w->s + r * AK, .b = w->tile.v, .ldb = w->tile.v_row, .pair = 2 * VL, .n_k = n
        };
        sum.c = w->o + (row + r) * from->padded;
        sum.ldc = from->padded;
        sum.init = sum.c;
        sum.ldi = sum.ldc;
        tiles_run(same, from->padded / VL, &sum);
        r += same;
    }
}

static void take_all(rows *w, const key_source *from)
{
    for (int64_t i = 0; i < w->n * from->padded; i += VL)
        v_store(w->o + i, (vf){ 0 });
    for (int64_t r = 0; r < w->n; r++) {
        w->max[r] = -__builtin_inff();
        w->sum[r] = 0;
    }
    const int64_t last = w->first_position + (w->n - 1) / w->group;
    for (int64_t first = 0; first <= last; first += KEYS) {
        LEVEL(k_load_keys)
        (&w->tile, from, first, last - first + 1 < KEYS ? last - first + 1 : KEYS);
        int64_t row = first > w->first_position ? (first - w->first_position) * w->group : 0;
        for (; row < w->n; row += MR)
            take_tile(w, from, row, w->n - row < MR ? w->n - row : MR, first);
    }
}

ALWAYS void load_query(k_type type, float *to, const void *qkv, int64_t at, int64_t dim)
{
    for (V_EACH(i, dim))
        v_store(to + i, v_read(type, qkv, at + i, at + dim)); /* AK is no less than D filled up */
}

ALWAYS void store_row(k_type type, const rows *w, int64_t r, const key_source *from, void *out,
                      int64_t at)
{
    const float *o = w->o + r * from->padded;
    for (V_EACH(i, from->dim))
        v_write(type, out, at + i, at + from->dim, v_load(o + i) / w->sum[r]);
}

static int64_t padded(int64_t dim)
{
    return (dim + VL - 1) / VL * VL;
}

/* ---- the paged cache
 * -----------------------------------------------------------------------------------------------------------
 */

ALWAYS void append_row(k_type type, const k_kv_append *a, int64_t t)
{
    const int64_t dim = a->head_dim, row = (a->heads + 2 * a->kv_heads) * dim;
    const int64_t block = a->slots[t] / a->block_size, offset = a->slots[t] % a->block_size;
    for (int64_t kv = 0; kv < a->kv_heads; kv++) {
        const int64_t to = (block * a->kv_heads + kv) * a->block_size * dim;
        const int64_t k = t * row + (a->heads + kv) * dim, v = k + a->kv_heads * dim;
        const size_t size = (size_t)dim * k_type_size(type);
        memcpy(at_mut(type, a->v_cache, to + offset * dim), at(type, a->qkv, v), size);
        if (!keys_are_turned(a->block_size)) {
            memcpy(at_mut(type, a->k_cache, to + offset * dim), at(type, a->qkv, k), size);
            continue;
        }
        const int64_t tile = to + offset / KEYS * KEYS * dim + offset % KEYS;
        for (int64_t i = 0; i < dim; i++)
            memcpy(at_mut(type, a->k_cache, tile + i * KEYS), at(type, a->qkv, k + i),
                   k_type_size(type));
    }
}

static void append_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const k_kv_append *a = arg;
    for (int64_t t = begin; t < end; t++)
        if (a->slots[t] >= 0)
            BY_TYPE(a->type, append_row, a, t);
}

int OP(kv_append)(k_device *dev, const k_kv_append *a)
{
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->slots || !a->qkv || !a->k_cache || !a->v_cache || a->tokens < 0 || a->block_size <= 0 ||
        !heads_ok(a->heads, a->kv_heads, a->head_dim))
        return K_EARG;
    for (int64_t t = 0; t < a->tokens; t++)
        if (a->slots[t] >= a->n_blocks * a->block_size)
            return K_EINDEX;
    k_fast_rows(fast_of(dev), a->tokens, 64, append_part, a);
    return K_OK;
}

static bool paged_indices_ok(const k_attn_paged *a)
{
    for (int64_t t = 0; t < a->tokens; t++) {
        const int64_t seq = a->seq_of[t], last = a->positions[t];
        if (seq < 0 || seq >= a->n_seqs || last < 0 || last / a->block_size >= a->max_blocks ||
            !indices_ok(a->block_tables + seq * a->max_blocks, last / a->block_size + 1,
                        a->n_blocks))
            return false;
    }
    return true;
}

/* Rows from t that are one sequence's positions one after the other: a prompt's piece. */
static int64_t n_together(const k_attn_paged *a, int64_t t, int64_t end)
{
    int64_t n = 1;
    while (t + n < end && a->seq_of[t + n] == a->seq_of[t] &&
           a->positions[t + n] == a->positions[t] + n)
        n++;
    return n;
}

static key_source paged_keys(const k_attn_paged *a, int64_t t, int64_t kv)
{
    return (key_source){ .type = a->type,
                         .dim = a->head_dim,
                         .padded = padded(a->head_dim),
                         .k = a->k_cache,
                         .v = a->v_cache,
                         .table = a->block_tables + a->seq_of[t] * a->max_blocks,
                         .block_size = a->block_size,
                         .kv_heads = a->kv_heads,
                         .kv = kv };
}

/* The rows of token t and the n - 1 after it, one key head; token `end` is another part's. */
static void paged_rows(const k_attn_paged *a, int64_t t, int64_t n, int64_t kv, int64_t end,
                       float *scratch)
{
    const int64_t group = a->heads / a->kv_heads, dim = a->head_dim,
                  row = (a->heads + 2 * a->kv_heads) * dim;
    const key_source keys = paged_keys(a, t, kv);
    rows r = {
        .n = n * group, .group = group, .first_position = a->positions[t], .scale = (float)a->scale
    };
    rows_in(&r, scratch, r.n);
    for (int64_t i = 0; i < r.n; i++)
        BY_TYPE(a->type, load_query, r.q + i * AK, a->qkv,
                (t + i / group) * row + (kv * group + i % group) * dim, dim);
    if (n == 1 && LEVEL(k_decodes)(&keys)) {
        const bool is_last_head = kv + 1 == a->kv_heads, has_next = !is_last_head || t + 1 < end;
        const int64_t next_t = has_next && is_last_head ? t + 1 : t;
        const key_source next = paged_keys(a, next_t, is_last_head ? 0 : kv + 1);
        LEVEL(k_decode)
        (&keys, a->positions[t], group, r.q, r.scale, r.o, r.sum, has_next ? &next : NULL,
         a->positions[next_t]);
    } else {
        take_all(&r, &keys);
    }
    for (int64_t i = 0; i < r.n; i++)
        BY_TYPE(a->type, store_row, &r, i, &keys, a->out,
                ((t + i / group) * a->heads + kv * group + i % group) * dim);
}

static void paged_part(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    const k_attn_paged *a = arg;
    const int64_t group = a->heads / a->kv_heads, most = group < MOST_ROWS ? MOST_ROWS / group : 1;
    for (int64_t t = begin; t < end;) {
        int64_t n = n_together(a, t, end);
        n = n < most ? n : most;
        for (int64_t kv = 0; kv < a->kv_heads; kv++)
            paged_rows(a, t, n, kv, end, scratch);
        t += n;
    }
}

int OP(attn_paged)(k_device *dev, const k_attn_paged *a)
{
    fast_device *fast = fast_of(dev);
    if (!is_known(a->type))
        return K_ETYPE;
    if (!a->seq_of || !a->positions || !a->block_tables || !a->qkv || !a->k_cache || !a->v_cache ||
        !a->out || a->tokens < 0 || a->block_size <= 0 ||
        !heads_ok(a->heads, a->kv_heads, a->head_dim))
        return K_EARG;
    if (!paged_indices_ok(a))
        return K_EINDEX;
    const int64_t group = a->heads / a->kv_heads;
    if (k_fast_reserve(fast, rows_bytes(group < MOST_ROWS ? MOST_ROWS : group)) != K_OK)
        return K_ENOMEM;
    k_fast_rows(fast, a->tokens, 1, paged_part, a);
    return K_OK;
}
