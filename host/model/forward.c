/* forward.c -- the forward pass as a list of kernel calls: tokens -> residual stream -> normed rows
 * for the head. SPDX-License-Identifier: Apache-2.0 */
#include "model/run.h"

#include <math.h>
#include <string.h>

void as_run_linear(as_run *r, as_role role, int64_t layer, const void *bias, const void *x, void *y)
{
    const as_tensor *t = as_weights_tensor(r->p->index, role, layer);
    const size_t at = (size_t)(t - r->p->index->tensors);
    k_gemm a = { .type = r->p->type, .x_type = r->p->act, .y_type = r->p->act };
    a.m = r->tokens;
    a.n = t->rows;
    a.k = t->cols;
    a.x = x;
    a.w = as_parameters_at(r->p, role, layer);
    a.packed = r->p->packed_nt[at];
    a.bias = bias;
    a.y = y;
    as_run_note(r, "gemm_nt", r->ops->gemm_nt(r->dev, &a));
}

void as_run_norm(as_run *r, as_role role, int64_t layer, const void *x, void *residual, void *y,
                 void *rstd)
{
    k_rmsnorm a = {
        .type = r->p->act, .rows = r->tokens, .n = r->c->d, .per_token = 1, .eps = r->c->rms_eps
    };
    a.x_stride = a.y_stride = r->c->d;
    a.x = x;
    a.residual = residual;
    a.weight = as_parameters_norm(r->p, role, layer);
    a.y = y;
    a.rstd = rstd;
    as_run_note(r, "rmsnorm", r->ops->rmsnorm(r->dev, &a));
}

/* Number `first` of each row of the qkv. */
static void *heads_from(const as_run *r, void *qkv, int64_t head)
{
    return (char *)qkv + (size_t)(head * r->c->head_dim) * k_type_size(r->p->act);
}

/* Norms of each head of q, or of k (Qwen3). */
static void head_norm(as_run *r, as_role role, int64_t layer, int64_t first, int64_t heads,
                      void *rstd)
{
    const as_layer_activations *l = &r->layers[layer];
    k_rmsnorm a = {
        .type = r->p->act, .rows = r->tokens * heads, .n = r->c->head_dim, .per_token = heads
    };
    a.eps = r->c->rms_eps;
    a.x_stride = a.y_stride = (r->c->n_heads + 2 * r->c->n_kv_heads) * r->c->head_dim;
    a.x = heads_from(r, l->raw, first);
    a.weight = as_parameters_norm(r->p, role, layer);
    a.y = heads_from(r, l->qkv, first);
    a.rstd = rstd;
    as_run_note(r, "rmsnorm", r->ops->rmsnorm(r->dev, &a));
}

static void norm_q_and_k(as_run *r, int64_t layer)
{
    const as_model_config *c = r->c;
    const as_layer_activations *l = &r->layers[layer];
    head_norm(r, AS_W_Q_NORM, layer, 0, c->n_heads, l->rstd_q);
    head_norm(r, AS_W_K_NORM, layer, c->n_heads, c->n_kv_heads, l->rstd_k);
    k_copy_rows a = { .type = r->p->act, .rows = r->tokens, .n = c->n_kv_heads * c->head_dim };
    a.x_stride = a.y_stride = (c->n_heads + 2 * c->n_kv_heads) * c->head_dim;
    a.x = heads_from(r, l->raw, c->n_heads + c->n_kv_heads);
    a.y = heads_from(r, l->qkv, c->n_heads + c->n_kv_heads);
    as_run_note(r, "copy_rows", r->ops->copy_rows(r->dev, &a));
}

void as_run_rope(as_run *r, void *qkv, bool inverse)
{
    const as_model_config *c = r->c;
    k_rope a = { .type = r->p->act, .tokens = r->tokens, .heads = c->n_heads + c->n_kv_heads };
    a.head_dim = c->head_dim;
    a.stride = (c->n_heads + 2 * c->n_kv_heads) * c->head_dim;
    a.max_pos = r->p->max_pos;
    a.positions = r->a.positions;
    a.cos = r->p->cos;
    a.sin = r->p->sin;
    a.x = qkv;
    a.inverse = inverse;
    as_run_note(r, "rope", r->ops->rope(r->dev, &a));
}

static void attend(as_run *r, const as_layer_activations *l)
{
    const as_model_config *c = r->c;
    k_attn a = {
        .type = r->p->act, .tokens = r->tokens, .n_seqs = r->seqs, .max_seqlen = r->max_seqlen
    };
    a.heads = c->n_heads;
    a.kv_heads = c->n_kv_heads;
    a.head_dim = c->head_dim;
    a.cu_seqlens = r->a.cu_seqlens;
    a.parents = r->parents;
    a.scale = 1 / sqrt((double)c->head_dim);
    a.qkv = l->qkv;
    a.out = l->att;
    a.lse = r->options.trains ? l->lse : NULL;
    as_run_note(r, "attn", r->ops->attn(r->dev, &a));
}

static char *keys_of(const as_run *r, int64_t layer)
{
    return r->cache->memory + (size_t)layer * 2 * r->cache->layer_bytes;
}

static void append_keys(as_run *r, int64_t layer)
{
    const as_model_config *c = r->c;
    k_kv_append put = { .type = r->p->act, .tokens = r->tokens, .heads = c->n_heads };
    put.kv_heads = c->n_kv_heads;
    put.head_dim = c->head_dim;
    put.block_size = r->cache->block_size;
    put.n_blocks = r->cache->n_blocks;
    put.slots = r->a.slots;
    put.qkv = r->layers[layer].qkv;
    put.k_cache = keys_of(r, layer);
    put.v_cache = keys_of(r, layer) + r->cache->layer_bytes;
    as_run_note(r, "kv_append", r->ops->kv_append(r->dev, &put));
}

/* Rows r->a.rows of x, n numbers each, into y. */
static void take_rows(as_run *r, const void *x, int64_t n, void *y)
{
    k_copy_rows a = { .type = r->p->act, .rows = r->n_asked, .n = n, .x = x, .y = y };
    a.x_stride = a.y_stride = n;
    a.x_rows = r->a.rows;
    as_run_note(r, "copy_rows", r->ops->copy_rows(r->dev, &a));
}

/* From here on the tokens that are asked for are all there are: queries and the stream of the last
 * layer stand in memory of their own, until as_run_layers puts its arrays back. */
static void leave_others(as_run *r, int64_t layer)
{
    as_layer_activations *l = &r->layers[layer];
    take_rows(r, l->qkv, (r->c->n_heads + 2 * r->c->n_kv_heads) * r->c->head_dim, r->a.asked_qkv);
    take_rows(r, l->r0, r->c->d, r->a.asked_r0);
    r->a.positions = r->a.asked_positions;
    r->a.seq_of = r->a.asked_seq_of;
    l->qkv = r->a.asked_qkv;
    l->r0 = r->a.asked_r0;
    r->tokens = r->n_asked;
}

static void attend_paged(as_run *r, int64_t layer)
{
    const as_model_config *c = r->c;
    const as_layer_activations *l = &r->layers[layer];
    k_attn_paged a = {
        .type = r->p->act, .tokens = r->tokens, .n_seqs = r->seqs, .heads = c->n_heads
    };
    a.kv_heads = c->n_kv_heads;
    a.head_dim = c->head_dim;
    a.block_size = r->cache->block_size;
    a.n_blocks = r->cache->n_blocks;
    a.max_blocks = r->max_blocks;
    a.seq_of = r->a.seq_of;
    a.positions = r->a.positions;
    a.block_tables = r->a.block_tables;
    a.scale = 1 / sqrt((double)c->head_dim);
    a.qkv = l->qkv;
    a.k_cache = keys_of(r, layer);
    a.v_cache = keys_of(r, layer) + r->cache->layer_bytes;
    a.out = l->att;
    as_run_note(r, "attn_paged", r->ops->attn_paged(r->dev, &a));
}

void as_run_attention(as_run *r, int64_t layer)
{
    const as_layer_activations *l = &r->layers[layer];
    const void *bias = as_parameters_at(r->p, AS_W_QKV_BIAS, layer);
    as_run_linear(r, AS_W_QKV, layer, bias, l->h1, l->raw ? l->raw : l->qkv);
    if (l->raw)
        norm_q_and_k(r, layer);
    as_run_rope(r, l->qkv, false);
    if (r->cache)
        append_keys(r, layer);
    if (r->leaves && layer + 1 == r->c->n_layers)
        leave_others(r, layer);
    if (r->cache)
        attend_paged(r, layer);
    else
        attend(r, l);
    as_run_linear(r, AS_W_O, layer, NULL, l->att, l->r1);
}

void as_run_swiglu(as_run *r, int64_t layer)
{
    const as_layer_activations *l = &r->layers[layer];
    k_swiglu a = {
        .type = r->p->act, .tokens = r->tokens, .f = r->c->d_ff, .gate_up = l->gate_up, .y = l->act
    };
    as_run_note(r, "swiglu", r->ops->swiglu(r->dev, &a));
}

/* r1 holds attention's part; with r0 it becomes the residual stream. */
void as_run_mlp_in(as_run *r, int64_t layer)
{
    const as_layer_activations *l = &r->layers[layer];
    as_run_norm(r, AS_W_NORM_MLP, layer, l->r0, l->r1, l->h2, l->rstd2);
    as_run_linear(r, AS_W_GATE_UP, layer, NULL, l->h2, l->gate_up);
    as_run_swiglu(r, layer);
}

void as_run_layers(as_run *r)
{
    const int64_t n = r->c->n_layers;
    const as_layer_activations last = r->layers[n - 1];
    k_embed e = { .type = r->p->type, .y_type = r->p->act, .tokens = r->tokens, .d = r->c->d };
    e.vocab = r->c->vocab;
    e.ids = r->a.ids;
    e.table = as_parameters_at(r->p, AS_W_EMBED, -1);
    e.y = r->layers[0].r0;
    as_run_note(r, "embed", r->ops->embed(r->dev, &e));
    for (int64_t i = 0; i < n; i++) {
        const as_layer_activations *l = &r->layers[i];
        /* the stream so far is r1 of the layer before plus what its MLP left in r0 */
        if (i == 0)
            as_run_norm(r, AS_W_NORM_ATTN, i, l->r0, NULL, l->h1, l->rstd1);
        else
            as_run_norm(r, AS_W_NORM_ATTN, i, r->layers[i - 1].r1, l->r0, l->h1, l->rstd1);
        as_run_attention(r, i);
        as_run_mlp_in(r, i);
        as_run_linear(r, AS_W_DOWN, i, NULL, l->act, i + 1 < n ? r->layers[i + 1].r0 : r->a.r_last);
    }
    as_run_norm(r, AS_W_NORM_OUT, -1, last.r1, r->a.r_last, r->a.h_last, r->a.rstd_last);
    r->layers[n - 1] = last;
}

/* ---- what comes in ---- */

static int check_ids(const as_run *r, const int32_t *ids, int64_t n, const char *what, as_err *err)
{
    for (int64_t i = 0; i < n; i++)
        if (ids[i] < 0 || ids[i] >= r->c->vocab)
            return as_fail(err, AS_EDATA, "%s %lld is token %d; the vocabulary has %lld", what,
                           (long long)i, ids[i], (long long)r->c->vocab);
    return 0;
}

/* Tokens of the parent of sequence s. */
static int64_t n_before(const as_packed *b, int64_t s)
{
    const int32_t parent = b->parents ? b->parents[s] : -1;
    return parent < 0 ? 0 : (int64_t)b->cu_seqlens[parent + 1] - b->cu_seqlens[parent];
}

static int check_seqs(const as_run *r, const as_packed *b, as_err *err)
{
    int64_t last = -1; /* without a parent */
    for (int64_t s = 0; s < b->n_seqs; s++) {
        int64_t n = (int64_t)b->cu_seqlens[s + 1] - b->cu_seqlens[s];
        if (n < 0 || b->cu_seqlens[s + 1] > b->n_tokens)
            return as_fail(err, AS_EUSAGE, "sequence %lld ends before it begins", (long long)s);
        if (!b->parents || b->parents[s] == -1)
            last = s;
        else if (b->parents[s] != last)
            return as_fail(err, AS_EUSAGE, "sequence %lld does not follow its parent %d",
                           (long long)s, b->parents[s]);
        n += n_before(b, s);
        if (n > r->p->max_pos)
            return as_fail(err, AS_EDATA,
                           "sequence %lld has %lld tokens; there are %lld positions: shorten it",
                           (long long)s, (long long)n, (long long)r->p->max_pos);
    }
    return 0;
}

static int check_packed(const as_run *r, const as_packed *b, as_err *err)
{
    if (b->n_tokens <= 0 || b->n_seqs <= 0 || b->n_tokens > r->options.tokens ||
        b->n_seqs > r->options.seqs || b->n_rows < 0 || b->n_rows > r->options.rows)
        return as_fail(err, AS_EUSAGE,
                       "%lld tokens in %lld sequences with %lld scored rows; the plan was for "
                       "%lld, %lld and %lld",
                       (long long)b->n_tokens, (long long)b->n_seqs, (long long)b->n_rows,
                       (long long)r->options.tokens, (long long)r->options.seqs,
                       (long long)r->options.rows);
    if (b->cu_seqlens[0] != 0 || b->cu_seqlens[b->n_seqs] != b->n_tokens)
        return as_fail(err, AS_EUSAGE, "the sequences do not cover the tokens");
    int rc = check_seqs(r, b, err);
    if (rc < 0)
        return rc;
    for (int64_t i = 0; i < b->n_rows; i++)
        if (b->rows[i] < 0 || b->rows[i] >= b->n_tokens)
            return as_fail(err, AS_EUSAGE, "row %lld names token %d of %lld", (long long)i,
                           b->rows[i], (long long)b->n_tokens);
    rc = check_ids(r, b->ids, b->n_tokens, "position", err);
    return rc < 0 || !b->targets ? rc : check_ids(r, b->targets, b->n_rows, "target", err);
}

static void begin(as_run *r, int64_t tokens, int64_t seqs)
{
    r->tokens = tokens;
    r->seqs = seqs;
    r->rows = 0;
    r->temperature = 0;
    r->has_targets = r->has_scores = r->has_rows = false;
    r->cache = NULL;
    r->leaves = false;
}

/* Positions count from 0, or go on from a parent's. */
static void write_positions(as_run *r, const as_packed *b)
{
    const as_piece p = as_run_write(r, b->n_tokens, sizeof(int32_t));
    int32_t *to = p.host;
    for (int64_t s = 0; s < b->n_seqs; s++) {
        const int64_t first = n_before(b, s);
        for (int64_t t = b->cu_seqlens[s]; t < b->cu_seqlens[s + 1]; t++)
            *to++ = (int32_t)(first + t - b->cu_seqlens[s]);
    }
    r->a.positions = p.dev;
}

int as_run_forward(as_run *r, const as_packed *b, as_err *err)
{
    int rc = check_packed(r, b, err);
    if (rc < 0)
        return rc;
    as_run_claim(r);
    begin(r, b->n_tokens, b->n_seqs);
    r->rows = b->n_rows;
    r->max_seqlen = 0;
    for (int64_t s = 0; s < b->n_seqs; s++) {
        int64_t n = b->cu_seqlens[s + 1] - b->cu_seqlens[s];
        r->max_seqlen = n > r->max_seqlen ? n : r->max_seqlen;
    }
    as_run_begin_letter(r);
    r->a.ids = as_run_write_ids(r, b->ids, b->n_tokens);
    r->a.cu_seqlens = as_run_write_ids(r, b->cu_seqlens, b->n_seqs + 1);
    r->parents = r->a.parents = b->parents ? as_run_write_ids(r, b->parents, b->n_seqs) : NULL;
    write_positions(r, b);
    r->a.rows = as_run_write_ids(r, b->rows, b->n_rows);
    r->a.targets = b->targets ? as_run_write_ids(r, b->targets, b->n_rows) : NULL;
    as_run_send(r);
    r->has_targets = b->targets || b->n_rows == 0;
    as_run_layers(r);
    return as_run_status(r, err);
}

int as_run_check_paged(const as_run *r, const as_paged *b, const as_kv_cache *cache, as_err *err)
{
    if (r->options.trains)
        return as_fail(err, AS_EUSAGE, "a pass that trains does not read a cache");
    if (b->n_tokens <= 0 || b->n_seqs <= 0 || b->n_tokens > r->options.tokens ||
        b->n_seqs > r->options.seqs || b->max_blocks <= 0 || b->max_blocks > r->options.max_blocks)
        return as_fail(
            err, AS_EUSAGE,
            "%lld tokens of %lld sequences of %lld blocks; the plan was for %lld, %lld and %lld",
            (long long)b->n_tokens, (long long)b->n_seqs, (long long)b->max_blocks,
            (long long)r->options.tokens, (long long)r->options.seqs,
            (long long)r->options.max_blocks);
    if (b->rows && (b->n_rows < 0 || b->n_rows > r->options.logit_rows))
        return as_fail(err, AS_EUSAGE, "%lld rows are asked of; the plan was for %lld",
                       (long long)b->n_rows, (long long)r->options.logit_rows);
    for (int64_t i = 0; b->rows && i < b->n_rows; i++)
        if (b->rows[i] < 0 || b->rows[i] >= b->n_tokens)
            return as_fail(err, AS_EUSAGE, "row %lld is token %d of %lld", (long long)i, b->rows[i],
                           (long long)b->n_tokens);
    for (int64_t t = 0; t < b->n_tokens; t++) {
        int64_t block = b->positions[t] / cache->block_size;
        if (b->positions[t] < 0 || b->positions[t] >= r->p->max_pos)
            return as_fail(err, AS_EDATA,
                           "a sequence has come to position %d; there are %lld: shorten it",
                           b->positions[t], (long long)r->p->max_pos);
        if (b->seq_of[t] < 0 || b->seq_of[t] >= b->n_seqs || block >= b->max_blocks)
            return as_fail(err, AS_EUSAGE, "token %lld lies outside the tables of blocks",
                           (long long)t);
        for (int64_t i = 0; i <= block; i++) {
            int32_t at = b->block_tables[b->seq_of[t] * b->max_blocks + i];
            if (at < 0 || at >= cache->n_blocks)
                return as_fail(err, AS_EUSAGE, "block %d of a cache of %lld", at,
                               (long long)cache->n_blocks);
        }
    }
    return check_ids(r, b->ids, b->n_tokens, "token", err);
}

/* Tokens in their order: is it that of the rows that are asked for? */
static bool asks_all(const as_paged *b)
{
    int64_t i = 0;
    while (b->rows && i < b->n_rows && b->rows[i] == i)
        i++;
    return !b->rows || (i == b->n_rows && i == b->n_tokens);
}

/* Values of tokens, and `other` for the padding behind them. */
static int32_t *write_padded(as_run *r, const int32_t *from, int64_t n, int64_t padded,
                             int32_t other)
{
    const as_piece p = as_run_write(r, padded, sizeof *from);
    int32_t *to = p.host;
    memcpy(to, from, (size_t)n * sizeof *from);
    for (int64_t i = n; i < padded; i++)
        to[i] = other;
    return p.dev;
}

static void write_slots(as_run *r, const as_paged *b, int64_t block_size, int64_t padded)
{
    const as_piece p = as_run_write(r, padded, sizeof(int32_t));
    int32_t *to = p.host;
    for (int64_t t = 0; t < padded; t++) {
        to[t] = -1;
        if (t >= b->n_tokens)
            continue;
        const int64_t at = b->positions[t];
        const int32_t block = b->block_tables[b->seq_of[t] * b->max_blocks + at / block_size];
        to[t] = (int32_t)(block * block_size + at % block_size);
    }
    r->a.slots = p.dev;
}

static void write_asked(as_run *r, const as_paged *b)
{
    r->a.rows = as_run_write_ids(r, b->rows, b->n_rows);
    const as_piece positions = as_run_write(r, b->n_rows, sizeof(int32_t));
    const as_piece seq_of = as_run_write(r, b->n_rows, sizeof(int32_t));
    for (int64_t i = 0; i < b->n_rows; i++) {
        ((int32_t *)positions.host)[i] = b->positions[b->rows[i]];
        ((int32_t *)seq_of.host)[i] = b->seq_of[b->rows[i]];
    }
    r->a.asked_positions = positions.dev;
    r->a.asked_seq_of = seq_of.dev;
}

void as_run_write_paged(as_run *r, const as_paged *b, const as_kv_cache *cache, int64_t padded)
{
    const int64_t more = padded - b->n_tokens;
    begin(r, padded, b->n_seqs + more);
    r->cache = cache;
    r->max_blocks = b->max_blocks;
    r->leaves = !asks_all(b);
    r->n_asked = b->n_rows;
    r->a.ids = write_padded(r, b->ids, b->n_tokens, padded, b->ids[0]);
    r->a.positions = write_padded(r, b->positions, b->n_tokens, padded, 0);
    r->a.seq_of = write_padded(r, b->seq_of, b->n_tokens, padded, b->seq_of[0]);
    r->a.block_tables = write_padded(r, b->block_tables, b->n_seqs * b->max_blocks,
                                     (b->n_seqs + more) * b->max_blocks, 0);
    write_slots(r, b, cache->block_size, padded);
    if (r->leaves)
        write_asked(r, b);
}

int as_run_forward_paged(as_run *r, const as_paged *b, const as_kv_cache *cache, as_err *err)
{
    int rc = as_run_check_paged(r, b, cache, err);
    if (rc == 0)
        rc = as_region_check(r->options.region, r, err);
    if (rc < 0)
        return rc;
    as_run_begin_letter(r);
    as_run_write_paged(r, b, cache, b->n_tokens);
    as_run_send(r);
    as_run_layers(r);
    return as_run_status(r, err);
}
