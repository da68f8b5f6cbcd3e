/* attention.c -- causal attention of packed sequences, and of query rows against a paged cache.
 * qkv[T,(H+2KV)*D]: row t holds H query heads, KV key heads, KV value heads. out[T,H*D], lse[T,H].
 * Caches [n_blocks,KV,block_size,D]. Both forwards feed the same `take_block`, K_KEY_BLOCK keys at
 * a time from position 0, so a row comes out the same bit for bit. SPDX-License-Identifier:
 * Apache-2.0 */
#include "naive.h"

/* The softmax of one query row so far (arXiv:1805.02867): maximum, sum of exp(s - max), and that
 * sum weighted with v. */
typedef struct running {
    real max, sum, v[K_MAX_HEAD_DIM];
} running;

/* Where a block's keys and values begin: number i of key j is keys[k[j] + i]. */
typedef struct key_block {
    k_type type;
    const void *keys, *values;
    int64_t k[K_KEY_BLOCK], v[K_KEY_BLOCK], n;
} key_block;

static real dot(const void *x, int64_t at, const void *y, int64_t at_y, k_type type, int64_t n)
{
    real sum = 0;
    for (int64_t i = 0; i < n; i++)
        sum += get(x, type, at + i) * get(y, type, at_y + i);
    return sum;
}

static void take_block(running *r, const key_block *b, const void *q, int64_t q_at, int64_t dim,
                       real scale)
{
    real s[K_KEY_BLOCK], max = r->max;
    for (int64_t j = 0; j < b->n; j++) {
        s[j] = dot(q, q_at, b->keys, b->k[j], b->type, dim) * scale;
        max = s[j] > max ? s[j] : max;
    }
    real shrink = r->sum > 0 ? r_exp(r->max - max) : 0;
    r->max = max;
    r->sum *= shrink;
    for (int64_t i = 0; i < dim; i++)
        r->v[i] *= shrink;
    for (int64_t j = 0; j < b->n; j++) {
        real p = r_exp(s[j] - max);
        r->sum += p;
        for (int64_t i = 0; i < dim; i++)
            r->v[i] += p * get(b->values, b->type, b->v[j] + i);
    }
}

static void start(running *r, int64_t dim)
{
    r->max = -(real)INFINITY;
    r->sum = 0;
    for (int64_t i = 0; i < dim; i++)
        r->v[i] = 0;
}

static void store(const running *r, void *out, k_type type, int64_t at, int64_t dim)
{
    for (int64_t i = 0; i < dim; i++)
        put(out, type, at + i, r->v[i] / r->sum);
}

static bool heads_ok(int64_t heads, int64_t kv_heads, int64_t head_dim)
{
    return kv_heads > 0 && heads > 0 && heads % kv_heads == 0 && head_dim > 0 &&
           head_dim <= K_MAX_HEAD_DIM && head_dim % 2 == 0;
}

static int seqlens_ok(const int32_t *cu, const int32_t *parents, int64_t n_seqs, int64_t tokens,
                      int64_t max_seqlen)
{
    if (!cu || n_seqs < 0 || cu[0] != 0 || cu[n_seqs] != tokens)
        return K_EARG;
    int64_t last = -1; /* without a parent */
    for (int64_t s = 0; s < n_seqs; s++) {
        if (cu[s + 1] < cu[s] || cu[s + 1] - cu[s] > max_seqlen)
            return K_EARG;
        if (!parents || parents[s] == -1)
            last = s;
        else if (parents[s] != last)
            return K_EARG;
    }
    return K_OK;
}

/* The rows begin .. end-1 of a sequence, and the `before` rows of its parent that come first. */
typedef struct span {
    int64_t parent, before, begin, end;
} span;

static span span_of(const int32_t *cu, const int32_t *parents, int64_t s)
{
    span p = { .begin = cu[s], .end = cu[s + 1] };
    if (parents && parents[s] >= 0) {
        p.parent = cu[parents[s]];
        p.before = cu[parents[s] + 1] - p.parent;
    }
    return p;
}

static int64_t row_at(const span *p, int64_t position)
{
    return position < p->before ? p->parent + position : p->begin + position - p->before;
}

static void attend(const k_attn *a, const span *p, int64_t t, int64_t h)
{
    const int64_t dim = a->head_dim, row = (a->heads + 2 * a->kv_heads) * dim;
    const int64_t last = p->before + t - p->begin;
    int64_t k_head = (a->heads + h / (a->heads / a->kv_heads)) * dim;
    running r;
    start(&r, dim);
    for (int64_t first = 0; first <= last; first += K_KEY_BLOCK) {
        key_block b = { .type = a->type, .keys = a->qkv, .values = a->qkv };
        for (int64_t u = first; u <= last && b.n < K_KEY_BLOCK; u++, b.n++) {
            b.k[b.n] = row_at(p, u) * row + k_head;
            b.v[b.n] = b.k[b.n] + a->kv_heads * dim;
        }
        take_block(&r, &b, a->qkv, t * row + h * dim, dim, (real)a->scale);
    }
    store(&r, a->out, a->type, (t * a->heads + h) * dim, dim);
    if (a->lse)
        ((real *)a->lse)[t * a->heads + h] = r.max + r_log(r.sum);
}

int NAIVE(attn)(k_device *dev, const k_attn *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->qkv || !a->out || !heads_ok(a->heads, a->kv_heads, a->head_dim) ||
        seqlens_ok(a->cu_seqlens, a->parents, a->n_seqs, a->tokens, a->max_seqlen) < 0)
        return K_EARG;
    for (int64_t s = 0; s < a->n_seqs; s++) {
        const span p = span_of(a->cu_seqlens, a->parents, s);
        for (int64_t t = p.begin; t < p.end; t++)
            for (int64_t h = 0; h < a->heads; h++)
                attend(a, &p, t, h);
    }
    return K_OK;
}

/* One sequence: what the loops of the backward need. */
typedef struct backward {
    const k_attn_bwd *a;
    int64_t dim, row, out_row;
    span of;
    int64_t end; /* of the rows that see its keys: its own, then its children's */
} backward;

/* p and ds of query row t, head h, key row u. */
static void weight_of(const backward *b, int64_t t, int64_t u, int64_t h, real *p, real *ds)
{
    const k_attn_bwd *a = b->a;
    int64_t k = u * b->row + (a->heads + h / (a->heads / a->kv_heads)) * b->dim;
    int64_t v = k + a->kv_heads * b->dim;
    int64_t head = t * a->heads + h;
    real s = dot(a->qkv, t * b->row + h * b->dim, a->qkv, k, a->type, b->dim) * (real)a->scale;
    real dp = dot(a->dout, t * b->out_row + h * b->dim, a->qkv, v, a->type, b->dim);
    *p = r_exp(s - ((const real *)a->lse)[head]);
    *ds = *p * (dp - ((const real *)a->delta)[head]) * (real)a->scale;
}

static void grad_of_query(const backward *b, int64_t t, int64_t h)
{
    const k_attn_bwd *a = b->a;
    int64_t k_head = (a->heads + h / (a->heads / a->kv_heads)) * b->dim;
    real dq[K_MAX_HEAD_DIM] = { 0 };
    for (int64_t i = 0; i <= b->of.before + t - b->of.begin; i++) {
        const int64_t u = row_at(&b->of, i);
        real p, ds;
        weight_of(b, t, u, h, &p, &ds);
        for (int64_t j = 0; j < b->dim; j++)
            dq[j] += ds * get(a->qkv, a->type, u * b->row + k_head + j);
    }
    for (int64_t i = 0; i < b->dim; i++)
        put(a->dqkv, a->type, t * b->row + h * b->dim + i, dq[i]);
}

static void grad_of_key(const backward *b, int64_t u, int64_t kv)
{
    const k_attn_bwd *a = b->a;
    const int64_t group = a->heads / a->kv_heads;
    real dk[K_MAX_HEAD_DIM] = { 0 }, dv[K_MAX_HEAD_DIM] = { 0 };
    for (int64_t h = kv * group; h < (kv + 1) * group; h++)
        for (int64_t t = u; t < b->end; t++) {
            real p, ds;
            weight_of(b, t, u, h, &p, &ds);
            for (int64_t i = 0; i < b->dim; i++) {
                dk[i] += ds * get(a->qkv, a->type, t * b->row + h * b->dim + i);
                dv[i] += p * get(a->dout, a->type, t * b->out_row + h * b->dim + i);
            }
        }
    int64_t k = u * b->row + (a->heads + kv) * b->dim, v = k + a->kv_heads * b->dim;
    for (int64_t i = 0; i < b->dim; i++) {
        put(a->dqkv, a->type, k + i, dk[i]);
        put(a->dqkv, a->type, v + i, dv[i]);
    }
}

int NAIVE(attn_bwd)(k_device *dev, const k_attn_bwd *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->qkv || !a->out || !a->lse || !a->dout || !a->delta || !a->dqkv ||
        !heads_ok(a->heads, a->kv_heads, a->head_dim) ||
        seqlens_ok(a->cu_seqlens, a->parents, a->n_seqs, a->tokens, a->max_seqlen) < 0)
        return K_EARG;
    backward b = { .a = a,
                   .dim = a->head_dim,
                   .row = (a->heads + 2 * a->kv_heads) * a->head_dim,
                   .out_row = a->heads * a->head_dim };
    for (int64_t i = 0; i < a->tokens * a->heads; i++)
        ((real *)a->delta)[i] = dot(a->dout, i * b.dim, a->out, i * b.dim, a->type, b.dim);
    for (int64_t s = 0; s < a->n_seqs; s++) {
        int64_t next = s + 1;
        while (a->parents && next < a->n_seqs && a->parents[next] == s)
            next++;
        b.of = span_of(a->cu_seqlens, a->parents, s);
        b.end = a->cu_seqlens[next];
        for (int64_t t = b.of.begin; t < b.of.end; t++) {
            for (int64_t h = 0; h < a->heads; h++)
                grad_of_query(&b, t, h);
            for (int64_t kv = 0; kv < a->kv_heads; kv++)
                grad_of_key(&b, t, kv);
        }
    }
    return K_OK;
}

/* Where the numbers of a slot's key begin in a cache. */
static int64_t slot_at(int64_t block, int64_t offset, int64_t kv, int64_t kv_heads,
                       int64_t block_size, int64_t dim)
{
    return ((block * kv_heads + kv) * block_size + offset) * dim;
}

int NAIVE(kv_append)(k_device *dev, const k_kv_append *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->slots || !a->qkv || !a->k_cache || !a->v_cache || a->tokens < 0 || a->block_size <= 0 ||
        !heads_ok(a->heads, a->kv_heads, a->head_dim))
        return K_EARG;
    for (int64_t t = 0; t < a->tokens; t++)
        if (a->slots[t] >= a->n_blocks * a->block_size)
            return K_EINDEX;
    const int64_t dim = a->head_dim, row = (a->heads + 2 * a->kv_heads) * dim;
    for (int64_t t = 0; t < a->tokens; t++) {
        if (a->slots[t] < 0)
            continue;
        for (int64_t kv = 0; kv < a->kv_heads; kv++) {
            int64_t to = slot_at(a->slots[t] / a->block_size, a->slots[t] % a->block_size, kv,
                                 a->kv_heads, a->block_size, dim);
            int64_t k = t * row + (a->heads + kv) * dim, v = k + a->kv_heads * dim;
            for (int64_t i = 0; i < dim; i++) {
                put(a->k_cache, a->type, to + i, get(a->qkv, a->type, k + i));
                put(a->v_cache, a->type, to + i, get(a->qkv, a->type, v + i));
            }
        }
    }
    return K_OK;
}

static int paged_indices_ok(const k_attn_paged *a)
{
    for (int64_t t = 0; t < a->tokens; t++) {
        int64_t seq = a->seq_of[t], last = a->positions[t];
        if (seq < 0 || seq >= a->n_seqs || last < 0 || last / a->block_size >= a->max_blocks)
            return K_EINDEX;
        for (int64_t i = 0; i <= last / a->block_size; i++) {
            int32_t block = a->block_tables[seq * a->max_blocks + i];
            if (block < 0 || block >= a->n_blocks)
                return K_EINDEX;
        }
    }
    return K_OK;
}

static void paged_row(const k_attn_paged *a, int64_t t, int64_t h)
{
    const int64_t dim = a->head_dim, row = (a->heads + 2 * a->kv_heads) * dim;
    const int32_t *table = a->block_tables + a->seq_of[t] * a->max_blocks;
    const int64_t kv = h / (a->heads / a->kv_heads);
    running r;
    start(&r, dim);
    for (int64_t first = 0; first <= a->positions[t]; first += K_KEY_BLOCK) {
        key_block b = { .type = a->type, .keys = a->k_cache, .values = a->v_cache };
        for (int64_t p = first; p <= a->positions[t] && b.n < K_KEY_BLOCK; p++, b.n++) {
            b.k[b.n] = slot_at(table[p / a->block_size], p % a->block_size, kv, a->kv_heads,
                               a->block_size, dim);
            b.v[b.n] = b.k[b.n];
        }
        take_block(&r, &b, a->qkv, t * row + h * dim, dim, (real)a->scale);
    }
    store(&r, a->out, a->type, (t * a->heads + h) * dim, dim);
}

int NAIVE(attn_paged)(k_device *dev, const k_attn_paged *a)
{
    (void)dev;
    if (known(a->type) != K_OK)
        return K_ETYPE;
    if (!a->seq_of || !a->positions || !a->block_tables || !a->qkv || !a->k_cache || !a->v_cache ||
        !a->out || a->tokens < 0 || a->block_size <= 0 ||
        !heads_ok(a->heads, a->kv_heads, a->head_dim))
        return K_EARG;
    if (paged_indices_ok(a) < 0)
        return K_EINDEX;
    for (int64_t t = 0; t < a->tokens; t++)
        for (int64_t h = 0; h < a->heads; h++)
            paged_row(a, t, h);
    return K_OK;
}
