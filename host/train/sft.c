/* sft.c -- see sft.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/sft.h"

#include "base/mem.h"

#include <string.h>

struct as_sft {
    const as_sft_data *data;
    as_optimizer *o;
    as_run *run;
    as_run_options limits;
    as_sft_options options;
    uint32_t *order; /* [data->n_rows] of `epoch` */
    uint64_t epoch;
    size_t *drawn; /* [options.rows] */
    /* a micro-batch */
    int32_t *ids, *cu_seqlens, *rows, *targets;
    double *logp, *coef;
    int64_t n_tokens, n_seqs, n_rows;
};

static int make(as_sft *s, as_err *err)
{
    const size_t tokens = (size_t)s->limits.tokens;
    s->order = as_calloc(s->data->n_rows, sizeof *s->order);
    s->drawn = as_calloc(s->options.rows, sizeof *s->drawn);
    s->ids = as_calloc(tokens, sizeof *s->ids);
    s->cu_seqlens = as_calloc((size_t)s->limits.seqs + 1, sizeof *s->cu_seqlens);
    s->rows = as_calloc(tokens, sizeof *s->rows);
    s->targets = as_calloc(tokens, sizeof *s->targets);
    s->logp = as_calloc(tokens, sizeof *s->logp);
    s->coef = as_calloc(tokens, sizeof *s->coef);
    if (!s->order || !s->drawn || !s->ids || !s->cu_seqlens || !s->rows || !s->targets ||
        !s->logp || !s->coef)
        return as_fail(err, AS_ENOMEM, "no memory for steps of %llu texts",
                       (unsigned long long)s->options.rows);
    return 0;
}

static int check(const as_sft *s, as_err *err)
{
    if (s->data->n_rows == 0)
        return as_fail(err, AS_EDATA, "there is no text to learn from");
    for (size_t i = 0; i < s->data->n_rows; i++)
        if (s->data->rows[i].n > s->limits.tokens || s->data->rows[i].n_learned > s->limits.rows)
            return as_fail(err, AS_EUSAGE, "a text of %u tokens does not fit a micro-batch of %lld",
                           (unsigned)s->data->rows[i].n, (long long)s->limits.tokens);
    return 0;
}

int as_sft_new(as_sft **out, const as_sft_data *data, as_optimizer *o, as_run *run,
               const as_run_options *run_options, const as_sft_options *options, as_err *err)
{
    as_sft *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "out of memory");
    *s = (as_sft){ .data = data,
                   .o = o,
                   .run = run,
                   .limits = *run_options,
                   .options = *options,
                   .epoch = UINT64_MAX };
    int rc = check(s, err);
    if (rc == 0)
        rc = make(s, err);
    if (rc < 0)
        as_sft_free(s);
    else
        *out = s;
    return rc;
}

void as_sft_free(as_sft *s)
{
    if (!s)
        return;
    void *const arrays[] = { s->order, s->drawn,   s->ids,  s->cu_seqlens,
                             s->rows,  s->targets, s->logp, s->coef };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    as_free(s);
}

static bool fits(const as_sft *s, const as_sft_row *row)
{
    return s->n_tokens + row->n <= s->limits.tokens && s->n_seqs < s->limits.seqs &&
           s->n_rows + row->n_learned <= s->limits.rows;
}

static void put(as_sft *s, const as_sft_row *row)
{
    memcpy(s->ids + s->n_tokens, s->data->ids + row->begin, row->n * sizeof *s->ids);
    for (uint32_t i = 1; i < row->n; i++)
        if (s->data->learns[row->begin + i]) {
            s->rows[s->n_rows] = (int32_t)(s->n_tokens + i - 1);
            s->targets[s->n_rows++] = s->data->ids[row->begin + i];
        }
    s->n_tokens += row->n;
    s->cu_seqlens[++s->n_seqs] = (int32_t)s->n_tokens;
}

/* Forward and backward of what was put together; adds to the loss. */
static int compute(as_sft *s, uint64_t n_learned, double *loss, as_err *err)
{
    const as_packed batch = { .n_tokens = s->n_tokens,
                              .n_seqs = s->n_seqs,
                              .n_rows = s->n_rows,
                              .ids = s->ids,
                              .cu_seqlens = s->cu_seqlens,
                              .rows = s->rows,
                              .targets = s->targets };
    for (int64_t i = 0; i < s->n_rows; i++)
        s->coef[i] = -1 / (double)n_learned;
    int rc = as_run_forward(s->run, &batch, err);
    if (rc == 0)
        rc = as_run_logprob_backward(s->run, 1, s->coef, s->logp, s->o->grads, err);
    for (int64_t i = 0; i < s->n_rows && rc == 0; i++)
        *loss -= s->logp[i] / (double)n_learned;
    s->n_tokens = s->n_seqs = s->n_rows = 0;
    return rc;
}

int as_sft_step(as_sft *s, uint64_t step, as_sft_stats *stats, as_err *err)
{
    *stats = (as_sft_stats){ .lr = as_schedule_lr(&s->options.schedule, step) };
    for (uint64_t i = 0; i < s->options.rows; i++) {
        s->drawn[i] = as_sft_data_draw(s->data, s->options.seed, (step - 1) * s->options.rows + i,
                                       s->order, &s->epoch);
        stats->learned += s->data->rows[s->drawn[i]].n_learned;
        stats->tokens += s->data->rows[s->drawn[i]].n;
    }
    int rc = as_optimizer_zero(s->o, err);
    for (uint64_t i = 0; i < s->options.rows && rc == 0; i++) {
        const as_sft_row *row = &s->data->rows[s->drawn[i]];
        if (!fits(s, row))
            rc = compute(s, stats->learned, &stats->loss, err);
        if (rc == 0)
            put(s, row);
    }
    if (rc == 0)
        rc = compute(s, stats->learned, &stats->loss, err);
    return rc == 0 ? as_optimizer_step(s->o, step, stats->lr, &stats->grad_norm, err) : rc;
}
