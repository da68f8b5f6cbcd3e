/* backward.c -- the backward pass as a list of kernel calls: from gradients of log-probs down to
 * the embedding. `dr` is the gradient of the residual stream at the point reached.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/run.h"

#include "base/mem.h"

#include <math.h>

/* dw += dy^T x, and dx = dy w of one linear layer. */
static void linear_bwd(as_run *r, as_role role, int64_t layer, const void *dy, const void *x,
                       void *dx, void *grads)
{
    const as_tensor *t = as_weights_tensor(r->p->index, role, layer);
    const size_t at = (size_t)(t - r->p->index->tensors);
    k_gemm_dw w = { .type = r->p->act, .w_type = r->p->type, .m = r->tokens };
    w.n = t->rows;
    w.k = t->cols;
    w.dy = dy;
    w.x = x;
    w.dw = as_parameters_in(r->p, grads, r->p->real, role, layer);
    if (role == AS_W_QKV)
        w.dbias = as_parameters_in(r->p, grads, r->p->real, AS_W_QKV_BIAS, layer);
    as_run_note(r, "gemm_tn", r->ops->gemm_tn(r->dev, &w));
    k_gemm_dx a = { .type = r->p->type, .x_type = r->p->act, .m = r->tokens, .n = t->rows };
    a.k = t->cols;
    a.dy = dy;
    a.w = as_parameters_at(r->p, role, layer);
    a.packed = r->p->packed_nn[at];
    a.dx = dx;
    as_run_note(r, "gemm_nn", r->ops->gemm_nn(r->dev, &a));
}

/* dr = gradient through the norm of x, plus dresidual (dr itself, or NULL at the top). */
static void norm_bwd(as_run *r, as_role role, int64_t layer, const void *x, const void *rstd,
                     const void *dresidual, void *grads)
{
    k_rmsnorm_bwd a = { .type = r->p->act, .rows = r->tokens, .n = r->c->d, .per_token = 1 };
    a.x_stride = a.dy_stride = a.dx_stride = r->c->d;
    a.dy = r->a.dh;
    a.x = x;
    a.weight = as_parameters_norm(r->p, role, layer);
    a.rstd = rstd;
    a.dresidual = dresidual;
    a.dx = r->a.dr;
    a.dw = as_parameters_in(r->p, grads, r->p->real, role, layer);
    as_run_note(r, "rmsnorm_bwd", r->ops->rmsnorm_bwd(r->dev, &a));
}

/* In place on the heads of dqkv from `first` on. */
static void head_norm_bwd(as_run *r, as_role role, int64_t layer, int64_t first, int64_t heads,
                          const void *rstd, void *grads)
{
    const as_layer_activations *l = &r->layers[layer];
    const size_t at = (size_t)(first * r->c->head_dim) * k_type_size(r->p->act);
    k_rmsnorm_bwd a = {
        .type = r->p->act, .rows = r->tokens * heads, .n = r->c->head_dim, .per_token = heads
    };
    a.x_stride = (r->c->n_heads + 2 * r->c->n_kv_heads) * r->c->head_dim;
    a.dy_stride = a.dx_stride = a.x_stride;
    a.dy = a.dx = (char *)r->a.dqkv + at;
    a.x = (const char *)l->raw + at;
    a.weight = as_parameters_norm(r->p, role, layer);
    a.rstd = rstd;
    a.dw = as_parameters_in(r->p, grads, r->p->real, role, layer);
    as_run_note(r, "rmsnorm_bwd", r->ops->rmsnorm_bwd(r->dev, &a));
}

static void attention_bwd(as_run *r, const as_layer_activations *l)
{
    const as_model_config *c = r->c;
    k_attn_bwd a = {
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
    a.lse = l->lse;
    a.dout = r->a.datt;
    a.delta = r->a.delta;
    a.dqkv = r->a.dqkv;
    as_run_note(r, "attn_bwd", r->ops->attn_bwd(r->dev, &a));
}

/* What the forward did not keep of this layer, computed again: the same operations on the same
 * numbers. */
static void again(as_run *r, int64_t layer)
{
    const as_layer_activations *l = &r->layers[layer];
    if (r->options.recompute == AS_KEEP_ALL)
        return;
    as_run_norm(r, AS_W_NORM_ATTN, layer, l->r0, NULL, l->h1, l->rstd1);
    if (r->options.recompute == AS_RECOMPUTE_LAYER) {
        as_run_attention(r, layer);
        as_run_mlp_in(r, layer);
        return;
    }
    as_run_norm(r, AS_W_NORM_MLP, layer, l->r1, NULL, l->h2, l->rstd2);
    as_run_swiglu(r, layer);
}

static void layer_bwd(as_run *r, int64_t layer, void *grads)
{
    const as_layer_activations *l = &r->layers[layer];
    again(r, layer);
    linear_bwd(r, AS_W_DOWN, layer, r->a.dr, l->act, r->a.dact, grads);
    k_swiglu_bwd s = {
        .type = r->p->act, .tokens = r->tokens, .f = r->c->d_ff, .gate_up = l->gate_up
    };
    s.dy = r->a.dact;
    s.dgate_up = l->gate_up; /* not needed any more */
    as_run_note(r, "swiglu_bwd", r->ops->swiglu_bwd(r->dev, &s));
    linear_bwd(r, AS_W_GATE_UP, layer, l->gate_up, l->h2, r->a.dh, grads);
    norm_bwd(r, AS_W_NORM_MLP, layer, l->r1, l->rstd2, r->a.dr, grads);

    linear_bwd(r, AS_W_O, layer, r->a.dr, l->att, r->a.datt, grads);
    attention_bwd(r, l);
    as_run_rope(r, r->a.dqkv, true);
    if (l->raw) {
        head_norm_bwd(r, AS_W_Q_NORM, layer, 0, r->c->n_heads, l->rstd_q, grads);
        head_norm_bwd(r, AS_W_K_NORM, layer, r->c->n_heads, r->c->n_kv_heads, l->rstd_k, grads);
    }
    linear_bwd(r, AS_W_QKV, layer, r->a.dqkv, l->h1, r->a.dh, grads);
    norm_bwd(r, AS_W_NORM_ATTN, layer, l->r0, l->rstd1, r->a.dr, grads);
}

/* In the head's type, from doubles of the host. */
static int send_coefficients(as_run *r, void *to, const double *from, as_err *err)
{
    const size_t n = (size_t)r->rows;
    AS_CLEANUP(free) float *narrow = as_realloc_array(NULL, n, sizeof *narrow);
    if (!narrow)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        narrow[i] = (float)from[i];
    const void *source = r->p->real == K_F32 ? (const void *)narrow : from;
    as_run_note(r, "copy_to", r->ops->copy_to(r->dev, to, source, n * k_type_size(r->p->real)));
    return 0;
}

/* dh_rows of the log-probs; where has_logp is false, those are made as well. */
static void head_bwd(as_run *r, bool has_logp, bool has_entropy, void *grads)
{
    const as_role role = r->c->is_tied ? AS_W_EMBED : AS_W_HEAD;
    const size_t at = (size_t)(as_weights_tensor(r->p->index, role, -1) - r->p->index->tensors);
    k_lmhead_grad a = { .type = r->p->type, .h_type = r->p->act, .m = r->rows, .d = r->c->d };
    a.vocab = r->c->vocab;
    a.temperature = r->temperature;
    a.h = r->a.h_rows;
    a.w = as_parameters_at(r->p, role, -1);
    a.packed_nt = r->p->packed_nt[at];
    a.packed_nn = r->p->packed_nn[at];
    a.targets = r->a.targets;
    a.logp = has_logp ? NULL : r->a.logp;
    a.lse = r->a.lse;
    a.coef = r->a.coef;
    a.entropy = has_entropy ? r->a.entropy : NULL;
    a.ecoef = has_entropy ? r->a.ecoef : NULL;
    a.dh = r->a.dh_rows;
    a.dw = as_parameters_in(r->p, grads, r->p->real, role, -1);
    a.scratch = r->a.head_scratch;
    as_run_note(r, "lmhead_grad", r->ops->lmhead_grad(r->dev, &a));
}

/* dh of all rows: zero but at those scored, where it is the sum over their predictions. */
static void scatter(as_run *r)
{
    const size_t bytes = (size_t)(r->tokens * r->c->d) * k_type_size(r->p->act);
    as_run_note(r, "zero", r->ops->zero(r->dev, r->a.dh, bytes));
    k_copy_rows c = {
        .type = r->p->act, .rows = r->rows, .n = r->c->d, .x = r->a.dh_rows, .y = r->a.dh
    };
    c.x_stride = c.y_stride = r->c->d;
    c.y_rows = r->a.rows;
    c.accumulate = true;
    as_run_note(r, "copy_rows", r->ops->copy_rows(r->dev, &c));
}

/* Down to the embedding, from dh_rows. */
static void trunk_bwd(as_run *r, void *grads)
{
    scatter(r);
    norm_bwd(r, AS_W_NORM_OUT, -1, r->a.r_last, r->a.rstd_last, NULL, grads);
    for (int64_t layer = r->c->n_layers - 1; layer >= 0; layer--)
        layer_bwd(r, layer, grads);
    k_embed_bwd e = { .type = r->p->act, .tokens = r->tokens, .d = r->c->d, .vocab = r->c->vocab };
    e.ids = r->a.ids;
    e.dy = r->a.dr;
    e.dtable = as_parameters_in(r->p, grads, r->p->real, AS_W_EMBED, -1);
    as_run_note(r, "embed_bwd", r->ops->embed_bwd(r->dev, &e));
}

/* As as_run_backward_scores; logp: made here too, or NULL. */
static int backward(as_run *r, const double *coef, const double *ecoef, const double *scoef,
                    double *logp, void *grads, as_err *err)
{
    if (!r->options.trains || r->cache || (coef && !(r->temperature > 0)) ||
        (scoef && !r->has_scores) || (!coef && (ecoef || !scoef)))
        return as_fail(err, AS_EUSAGE,
                       "a backward needs a forward and its log-probs (or scores) first, once each");
    if (r->rows == 0)
        return 0;
    int rc = as_region_check(r->options.region, r, err);
    if (rc == 0 && coef)
        rc = send_coefficients(r, r->a.coef, coef, err);
    if (rc == 0 && ecoef)
        rc = send_coefficients(r, r->a.ecoef, ecoef, err);
    if (rc == 0 && scoef)
        rc = send_coefficients(r, r->a.scoef, scoef, err);
    if (rc < 0)
        return rc;
    if (coef)
        head_bwd(r, !logp, ecoef, grads);
    if (scoef)
        as_run_score_bwd(r, coef != NULL, grads);
    r->temperature = 0; /* gate_up is about to be overwritten: once per forward */
    r->has_scores = false;
    trunk_bwd(r, grads);
    if (logp) /* last, for it waits */
        as_run_fetch(r, logp, r->a.logp, r->rows);
    return as_run_status(r, err);
}

int as_run_backward_scores(as_run *r, const double *coef, const double *ecoef, const double *scoef,
                           void *grads, as_err *err)
{
    return backward(r, coef, ecoef, scoef, NULL, grads, err);
}

int as_run_backward(as_run *r, const double *coef, const double *ecoef, void *grads, as_err *err)
{
    return backward(r, coef, ecoef, NULL, NULL, grads, err);
}

int as_run_logprob_backward(as_run *r, double temperature, const double *coef, double *logp,
                            void *grads, as_err *err)
{
    int rc = as_run_begin_head(r, temperature, err);
    return rc == 0 ? backward(r, coef, NULL, NULL, logp, grads, err) : rc;
}
