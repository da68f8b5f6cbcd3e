/* run.c -- memory of a pass, and what is read off its last rows: log-probs, logits, samples.
 * SPDX-License-Identifier: Apache-2.0 */
#include "model/run.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

int as_run_status(as_run *r, as_err *err)
{
    int status = r->status;
    r->status = 0;
    return status < 0 ? as_fail_kernel(err, status, r->failed) : 0;
}

static int make(as_run *r, as_err *err)
{
    r->layers = as_calloc((size_t)r->c->n_layers, sizeof *r->layers);
    if (!r->layers)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = as_activations_lay_out(&r->a, r->layers, NULL, r->p->index, r->dev, r->p->type,
                                    r->p->act, &r->options, err);
    if (rc < 0)
        return rc;
    r->letter = as_calloc(r->a.letter_bytes, 1);
    r->reply = as_calloc((size_t)r->options.logit_rows + 1, as_reply_bytes(sizeof(double)));
    if (!r->letter || !r->reply)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const size_t bytes = r->a.activation_bytes + r->a.scratch_bytes;
    if (r->options.region)
        rc = as_region_part(r->options.region, 0, bytes, &r->memory, err);
    else
        r->memory = r->ops->alloc(r->dev, bytes);
    if (rc < 0)
        return rc;
    if (!r->memory)
        return as_fail(
            err, AS_ENOMEM,
            "no memory for the activations of %lld tokens (%.1f MiB): fewer tokens in a pass",
            (long long)r->options.tokens, (double)bytes / 1048576);
    return as_activations_lay_out(&r->a, r->layers, r->memory, r->p->index, r->dev, r->p->type,
                                  r->p->act, &r->options, err);
}

int as_run_new(as_run **out, const as_parameters *p, const as_run_options *options, as_err *err)
{
    *out = NULL;
    as_run *r = as_calloc(1, sizeof *r);
    if (!r)
        return as_fail(err, AS_ENOMEM, "out of memory");
    *r = (as_run){
        .p = p, .c = &p->index->config, .dev = p->dev, .ops = p->dev->ops, .options = *options
    };
    int rc = make(r, err);
    if (rc < 0)
        as_run_free(r);
    else
        *out = r;
    return rc;
}

int as_run_bytes(const as_parameters *p, const as_run_options *options, size_t *out, as_err *err)
{
    AS_CLEANUP(free)
    as_layer_activations *layers = as_calloc((size_t)p->index->config.n_layers, sizeof *layers);
    as_activations a;
    if (!layers)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc =
        as_activations_lay_out(&a, layers, NULL, p->index, p->dev, p->type, p->act, options, err);
    *out = rc == 0 ? a.activation_bytes + a.scratch_bytes : 0;
    return rc;
}

void as_run_claim(as_run *r)
{
    as_region_claim(r->options.region, r);
}

void as_run_free(as_run *r)
{
    if (!r)
        return;
    as_recordings_free(r);
    if (!r->options.region)
        r->ops->free(r->dev, r->memory);
    else if (r->options.region->owner == r)
        as_region_claim(r->options.region, NULL);
    as_free(r->layers);
    as_free(r->letter);
    as_free(r->reply);
    as_free(r);
}

/* ---- letters ---- */

void as_run_begin_letter(as_run *r)
{
    r->written = 0;
}

as_piece as_run_write(as_run *r, int64_t n, size_t size)
{
    const as_piece p = { r->letter + r->written, (char *)r->a.letter + r->written };
    r->written += ((size_t)n * size + 63) / 64 * 64; /* as activations.c laid it out */
    assert(r->written <= r->a.letter_bytes);
    return p;
}

int32_t *as_run_write_ids(as_run *r, const int32_t *from, int64_t n)
{
    const as_piece p = as_run_write(r, n, sizeof *from);
    if (n > 0)
        memcpy(p.host, from, (size_t)n * sizeof *from);
    return p.dev;
}

void as_run_send(as_run *r)
{
    as_run_note(r, "copy_to", r->ops->copy_to(r->dev, r->a.letter, r->letter, r->written));
}

/* ---- numbers for the host ---- */

void as_run_fetch(as_run *r, double *out, const void *from, int64_t n)
{
    enum { STRETCH = 512 };
    float narrow[STRETCH] = { 0 };
    if (r->p->real == K_F64) {
        as_run_note(r, "copy_from", r->ops->copy_from(r->dev, out, from, (size_t)n * sizeof *out));
        return;
    }
    for (int64_t i = 0; i < n; i += STRETCH) {
        int64_t count = n - i < STRETCH ? n - i : STRETCH;
        const float *at = (const float *)from + i;
        as_run_note(r, "copy_from",
                    r->ops->copy_from(r->dev, narrow, at, (size_t)count * sizeof *at));
        for (int64_t j = 0; j < count; j++)
            out[i + j] = (double)narrow[j];
    }
}

void as_run_gather(as_run *r, int64_t n)
{
    k_copy_rows a = { .type = r->p->act, .rows = n, .n = r->c->d, .x = r->a.h_last };
    a.y = r->a.h_rows;
    a.x_stride = a.y_stride = r->c->d;
    a.x_rows = r->a.rows;
    as_run_note(r, "copy_rows", r->ops->copy_rows(r->dev, &a));
    r->has_rows = true;
}

int as_run_begin_head(as_run *r, double temperature, as_err *err)
{
    if (r->cache || !(temperature > 0) || !r->has_targets)
        return as_fail(err, AS_EUSAGE,
                       "log-probs are of whole sequences and of targets, at a temperature above 0");
    if (!as_has_tokens(r->c))
        return as_fail(err, AS_EUSAGE,
                       "this model scores texts and has no head for tokens: it gives no log-probs");
    int rc = as_region_check(r->options.region, r, err);
    if (rc < 0)
        return rc;
    r->temperature = temperature;
    if (r->rows > 0 && !r->has_rows)
        as_run_gather(r, r->rows);
    return 0;
}

int as_run_logprob(as_run *r, double temperature, double *logp, double *entropy, as_err *err)
{
    int rc = as_run_begin_head(r, temperature, err);
    if (rc < 0 || r->rows == 0)
        return rc;
    const as_role role = r->c->is_tied ? AS_W_EMBED : AS_W_HEAD;
    const size_t at = (size_t)(as_weights_tensor(r->p->index, role, -1) - r->p->index->tensors);
    k_lmhead a = { .type = r->p->type, .h_type = r->p->act, .m = r->rows, .d = r->c->d };
    a.vocab = r->c->vocab;
    a.temperature = temperature;
    a.h = r->a.h_rows;
    a.w = as_parameters_at(r->p, role, -1);
    a.packed = r->p->packed_nt[at];
    a.targets = r->a.targets;
    a.logp = r->a.logp;
    a.entropy = r->a.entropy;
    a.lse = r->a.lse;
    a.scratch = r->a.head_scratch;
    as_run_note(r, "lmhead_logprob", r->ops->lmhead_logprob(r->dev, &a));
    as_run_fetch(r, logp, r->a.logp, r->rows);
    if (entropy)
        as_run_fetch(r, entropy, r->a.entropy, r->rows);
    return as_run_status(r, err);
}

void as_run_head(as_run *r, const void *h, int64_t n)
{
    const as_role role = r->c->is_tied ? AS_W_EMBED : AS_W_HEAD;
    const size_t at = (size_t)(as_weights_tensor(r->p->index, role, -1) - r->p->index->tensors);
    r->rows = 0;
    r->temperature = 0;
    r->has_scores = false;
    k_gemm a = { .type = r->p->type, .x_type = r->p->act, .y_type = r->p->real, .m = n };
    a.n = r->c->vocab;
    a.k = r->c->d;
    a.x = h;
    a.w = as_parameters_at(r->p, role, -1);
    a.packed = r->p->packed_nt[at];
    a.y = r->a.logits;
    as_run_note(r, "gemm_nt", r->ops->gemm_nt(r->dev, &a));
}

/* Logits of rows of the last forward, on the device; `how`: for a draw that follows, or NULL. */
static int logits_of(as_run *r, const int32_t *rows, int64_t n_rows, const k_sample_row *how,
                     as_err *err)
{
    if (n_rows < 0 || n_rows > r->options.logit_rows)
        return as_fail(err, AS_EUSAGE, "logits of %lld rows; the plan was for %lld",
                       (long long)n_rows, (long long)r->options.logit_rows);
    for (int64_t i = 0; i < n_rows; i++)
        if (rows[i] < 0 || rows[i] >= r->tokens)
            return as_fail(err, AS_EUSAGE, "row %d of %lld", rows[i], (long long)r->tokens);
    int rc = as_region_check(r->options.region, r, err);
    if (rc < 0)
        return rc;
    as_run_begin_letter(r);
    if (how)
        as_run_write_how(r, how, n_rows, n_rows);
    r->a.rows = as_run_write_ids(r, rows, n_rows);
    as_run_send(r);
    as_run_gather(r, n_rows);
    as_run_head(r, r->a.h_rows, n_rows);
    return 0;
}

int as_run_logits(as_run *r, const int32_t *rows, int64_t n_rows, double *logits, as_err *err)
{
    int rc = logits_of(r, rows, n_rows, NULL, err);
    if (rc < 0)
        return rc;
    as_run_fetch(r, logits, r->a.logits, n_rows * r->c->vocab);
    return as_run_status(r, err);
}

int as_run_sample(as_run *r, const int32_t *rows, int64_t n_rows, const k_sample_row *how,
                  int64_t n_valid, as_sampled *out, as_err *err)
{
    int rc = logits_of(r, rows, n_rows, how, err);
    if (rc < 0)
        return rc;
    as_run_draw(r, n_rows, n_valid);
    return as_run_read(r, n_rows, n_rows, n_valid, out, err);
}

int as_run_hidden(as_run *r, int64_t layer, double *out, as_err *err)
{
    if (!r->options.trains || r->cache || layer < 0 || layer >= r->c->n_layers)
        return as_fail(err, AS_EUSAGE, "the residual stream is kept in passes that train alone");
    int rc = as_region_check(r->options.region, r, err);
    if (rc < 0)
        return rc;
    const void *from = layer + 1 < r->c->n_layers ? r->layers[layer + 1].r0 : r->a.r_last;
    const int64_t n = r->tokens * r->c->d;
    void *wide = r->ops->alloc(r->dev, (size_t)n * k_type_size(r->p->real));
    if (!wide)
        return as_fail(err, AS_ENOMEM, "out of memory");
    k_cast a = { .x_type = r->p->act, .y_type = r->p->real, .n = n, .x = from, .y = wide };
    as_run_note(r, "cast", r->ops->cast(r->dev, &a));
    as_run_fetch(r, out, wide, n);
    r->ops->free(r->dev, wide);
    return as_run_status(r, err);
}

/* ---- the cache ---- */

int as_kv_cache_bytes(const as_weights_index *index, k_type type, int64_t n_blocks,
                      int64_t block_size, size_t *out, as_err *err)
{
    const as_model_config *c = &index->config;
    if (n_blocks <= 0 || block_size <= 0 || n_blocks > INT32_MAX / block_size)
        return as_fail(err, AS_EUSAGE, "a cache of %lld blocks of %lld positions",
                       (long long)n_blocks, (long long)block_size);
    size_t bytes = (size_t)(n_blocks * block_size);
    if (!as_mul_ok(bytes, (size_t)(c->n_kv_heads * c->head_dim) * k_type_size(type), &bytes) ||
        bytes > SIZE_MAX - 63 || !as_mul_ok((bytes + 63) / 64 * 64, 2 * (size_t)c->n_layers, out))
        return as_fail(err, AS_ENOMEM, "a cache of %lld blocks is larger than the address space",
                       (long long)n_blocks);
    return 0;
}

int as_kv_cache_place(as_kv_cache *cache, const as_parameters *p, int64_t n_blocks,
                      int64_t block_size, void *memory, as_err *err)
{
    size_t bytes;
    *cache = (as_kv_cache){ .dev = p->dev, .n_layers = p->index->config.n_layers };
    int rc = as_kv_cache_bytes(p->index, p->act, n_blocks, block_size, &bytes, err);
    if (rc < 0)
        return rc;
    cache->n_blocks = n_blocks;
    cache->block_size = block_size;
    cache->layer_bytes = bytes / 2 / (size_t)cache->n_layers;
    cache->memory = memory;
    cache->is_placed = true;
    return 0;
}

int as_kv_cache_init(as_kv_cache *cache, const as_parameters *p, int64_t n_blocks,
                     int64_t block_size, as_err *err)
{
    int rc = as_kv_cache_place(cache, p, n_blocks, block_size, NULL, err);
    if (rc < 0)
        return rc;
    const size_t bytes = cache->layer_bytes * 2 * (size_t)cache->n_layers;
    cache->is_placed = false;
    cache->memory = p->dev->ops->alloc(p->dev, bytes);
    if (!cache->memory)
        return as_fail(err, AS_ENOMEM, "no memory for the cache of keys and values (%.1f MiB)",
                       (double)bytes / 1048576);
    return 0;
}

void as_kv_cache_fini(as_kv_cache *cache)
{
    if (cache->dev && !cache->is_placed)
        cache->dev->ops->free(cache->dev, cache->memory);
    *cache = (as_kv_cache){ 0 };
}
