/* activations.c -- lays out the intermediates of a pass. SPDX-License-Identifier: Apache-2.0 */
#include "model/activations.h"

#include "base/mem.h"

#include <string.h>

typedef struct carver {
    char *base;
    size_t used;
    bool is_full; /* a size was beyond size_t */
} carver;

/* rows x cols numbers of `size` bytes, at a multiple of 64 bytes; with base NULL the result is no
 * pointer to use. */
static void *take(carver *c, int64_t rows, int64_t cols, size_t size)
{
    size_t bytes, end, at = c->used;
    if (!as_mul_ok((size_t)rows, (size_t)cols, &bytes) || !as_mul_ok(bytes, size, &bytes) ||
        bytes > SIZE_MAX - 63 || !as_add_ok(at, (bytes + 63) / 64 * 64, &end)) {
        c->is_full = true;
        return NULL;
    }
    c->used = end;
    return c->base ? c->base + at : NULL;
}

typedef struct sizes {
    int64_t t, d, heads, kv_heads, qkv, att, f;
    size_t act, real; /* of a number: of activations, of statistics */
    bool has_qk_norm, has_score;
} sizes;

static void take_cheap(as_layer_activations *l, carver *c, const sizes *s)
{
    l->h1 = take(c, s->t, s->d, s->act);
    l->h2 = take(c, s->t, s->d, s->act);
    l->act = take(c, s->t, s->f, s->act);
}

static void take_dear(as_layer_activations *l, carver *c, const sizes *s)
{
    l->rstd1 = take(c, s->t, 1, s->real);
    l->raw = s->has_qk_norm ? take(c, s->t, s->qkv, s->act) : NULL;
    l->rstd_q = s->has_qk_norm ? take(c, s->t, s->heads, s->real) : NULL;
    l->rstd_k = s->has_qk_norm ? take(c, s->t, s->kv_heads, s->real) : NULL;
    l->qkv = take(c, s->t, s->qkv, s->act);
    l->att = take(c, s->t, s->att, s->act);
    l->lse = take(c, s->t, s->heads, s->real);
    l->r1 = take(c, s->t, s->d, s->act);
    l->rstd2 = take(c, s->t, 1, s->real);
    l->gate_up = take(c, s->t, 2 * s->f, s->act);
}

/* What a layer does not keep of its own it shares with all. */
static void lay_out_layers(as_layer_activations *layers, int64_t n, carver *c, const sizes *s,
                           const as_run_options *o)
{
    as_layer_activations shared = { 0 };
    const bool keeps_cheap = o->trains && o->recompute == AS_KEEP_ALL;
    const bool keeps_dear = o->trains && o->recompute != AS_RECOMPUTE_LAYER;
    if (!keeps_cheap)
        take_cheap(&shared, c, s);
    if (!keeps_dear)
        take_dear(&shared, c, s);
    if (!o->trains)
        shared.r0 = take(c, s->t, s->d, s->act);
    for (int64_t i = 0; i < n; i++) {
        layers[i] = shared;
        if (keeps_cheap)
            take_cheap(&layers[i], c, s);
        if (keeps_dear)
            take_dear(&layers[i], c, s);
        if (o->trains)
            layers[i].r0 = take(c, s->t, s->d, s->act);
    }
}

static void lay_out_rows(as_activations *a, carver *c, const sizes *s, int64_t vocab,
                         const as_run_options *o)
{
    a->score = s->has_score ? take(c, o->rows, 1, s->real) : NULL;
    a->h_rows = take(c, o->rows > o->logit_rows ? o->rows : o->logit_rows, s->d, s->act);
    a->logp = take(c, o->rows, 1, s->real);
    a->entropy = take(c, o->rows, 1, s->real);
    a->lse = take(c, o->rows, 1, s->real);
    a->logits = take(c, o->logit_rows, vocab, s->real);
    a->asked_qkv = o->max_blocks ? take(c, o->logit_rows, s->qkv, s->act) : NULL;
    a->asked_r0 = o->max_blocks ? take(c, o->logit_rows, s->d, s->act) : NULL;
    a->reply = take(c, o->logit_rows, 1, as_reply_bytes(s->real));
}

/* Room for each piece that a letter may have. */
static void lay_out_letter(as_activations *a, carver *c, const as_run_options *o)
{
    const int64_t paged = o->max_blocks ? o->tokens : 0, asked = o->max_blocks ? o->logit_rows : 0;
    const int64_t pieces[] = { o->tokens,                                         /* ids */
                               o->tokens,                                         /* positions */
                               o->seqs + 1,                                       /* cu_seqlens */
                               o->seqs,                                           /* parents */
                               o->rows > o->logit_rows ? o->rows : o->logit_rows, /* rows */
                               o->rows,                                           /* targets */
                               paged,                                             /* seq_of */
                               paged,                                             /* slots */
                               asked, /* positions and seq_of of the rows that are asked for */
                               asked };
    const size_t from = c->used;
    a->letter = take(c, o->logit_rows, 1, sizeof *a->how);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++)
        (void)take(c, pieces[i], 1, sizeof(int32_t));
    (void)take(c, paged ? o->seqs : 0, o->max_blocks, sizeof(int32_t)); /* block_tables */
    a->letter_bytes = c->used - from;
}

static void lay_out_backward(as_activations *a, carver *c, const sizes *s, const as_run_options *o)
{
    a->dr = take(c, s->t, s->d, s->act);
    a->dh = take(c, s->t, s->d, s->act);
    a->dact = take(c, s->t, s->f, s->act);
    a->datt = take(c, s->t, s->att, s->act);
    a->dqkv = take(c, s->t, s->qkv, s->act);
    a->delta = take(c, s->t, s->heads, s->real);
    a->coef = take(c, o->rows, 1, s->real);
    a->ecoef = take(c, o->rows, 1, s->real);
    a->scoef = s->has_score ? take(c, o->rows, 1, s->real) : NULL;
    a->dscore = s->has_score && s->act != s->real ? take(c, o->rows, 1, s->act) : a->scoef;
    a->dh_rows = take(c, o->rows, s->d, s->act);
}

static int options_ok(const as_run_options *o, const as_model_config *m, as_err *err)
{
    if (o->tokens <= 0 || o->seqs <= 0 || o->rows < 0 || o->logit_rows < 0 || o->max_blocks < 0)
        return as_fail(err, AS_EUSAGE, "a pass needs at least one token and one sequence");
    const int64_t most = INT32_MAX; /* indices are 32 bits */
    if (o->tokens > most || o->seqs >= most || o->rows > most || o->logit_rows > most ||
        o->max_blocks > most || m->vocab > most)
        return as_fail(err, AS_EUSAGE, "a pass takes at most %lld tokens, sequences and rows",
                       (long long)most);
    if (o->logit_rows > 0 && !as_has_tokens(m))
        return as_fail(err, AS_EUSAGE,
                       "this model scores texts and has no head for tokens: it cannot be sampled "
                       "from");
    if (m->head_dim > K_MAX_HEAD_DIM)
        return as_fail(err, AS_EUSAGE, "heads of %lld numbers are not implemented (at most %d)",
                       (long long)m->head_dim, K_MAX_HEAD_DIM);
    return 0;
}

static int lay_out(as_activations *a, as_layer_activations *layers, char *base,
                   const as_weights_index *index, k_device *dev, k_type type, k_type act,
                   const as_run_options *options, as_err *err)
{
    const as_model_config *m = &index->config;
    int rc = options_ok(options, m, err);
    if (rc < 0)
        return rc;
    sizes s = { .t = options->tokens,
                .d = m->d,
                .heads = m->n_heads,
                .kv_heads = m->n_kv_heads,
                .f = m->d_ff };
    s.qkv = (m->n_heads + 2 * m->n_kv_heads) * m->head_dim;
    s.att = m->n_heads * m->head_dim;
    s.act = k_type_size(act);
    s.real = k_type_size(k_real_type(type));
    s.has_qk_norm = m->has_qk_norm;
    s.has_score = as_has_score(m);
    carver c = { 0 };
    c.base = base;
    *a = (as_activations){ .layers = layers };
    lay_out_layers(layers, m->n_layers, &c, &s, options);
    a->r_last = take(&c, s.t, s.d, s.act);
    a->h_last = take(&c, s.t, s.d, s.act);
    a->rstd_last = take(&c, s.t, 1, s.real);
    a->activation_bytes = c.used;
    lay_out_rows(a, &c, &s, m->vocab, options);
    lay_out_letter(a, &c, options);
    if (options->trains)
        lay_out_backward(a, &c, &s, options);
    if (options->rows && as_has_tokens(m))
        a->head_scratch = take(
            &c, (int64_t)dev->ops->lmhead_scratch(dev, type, options->rows, m->d, m->vocab), 1, 1);
    if (options->logit_rows)
        a->sample_scratch =
            take(&c, (int64_t)dev->ops->sample_scratch(dev, options->logit_rows, m->vocab), 1, 1);
    a->scratch_bytes = c.used - a->activation_bytes;
    return c.is_full ? as_fail(err, AS_ENOMEM,
                               "the activations of %lld tokens are larger than the address space",
                               (long long)options->tokens)
                     : 0;
}

as_run_options as_lane_options(const as_run_options *whole)
{
    const int64_t n = whole->lanes > 1 ? whole->lanes : 1;
    as_run_options lane = *whole;
    lane.tokens = (whole->tokens + n - 1) / n;
    lane.seqs = (whole->seqs + n - 1) / n;
    lane.logit_rows = (whole->logit_rows + n - 1) / n;
    lane.lanes = 0;
    lane.region = NULL;
    return lane;
}

int as_activations_lay_out(as_activations *a, as_layer_activations *layers, char *base,
                           const as_weights_index *index, k_device *dev, k_type type, k_type act,
                           const as_run_options *options, as_err *err)
{
    size_t lanes = 0;
    if (options->lanes > 1) { /* rounded up, they may take a little more than the whole */
        const as_run_options one = as_lane_options(options);
        int rc = lay_out(a, layers, NULL, index, dev, type, act, &one, err);
        if (rc < 0)
            return rc;
        if (!as_mul_ok(a->activation_bytes + a->scratch_bytes, (size_t)options->lanes, &lanes))
            return as_fail(err, AS_ENOMEM, "the lanes of a pass are larger than the address space");
    }
    int rc = lay_out(a, layers, base, index, dev, type, act, options, err);
    if (rc == 0 && a->activation_bytes + a->scratch_bytes < lanes)
        a->scratch_bytes = lanes - a->activation_bytes;
    return rc;
}
