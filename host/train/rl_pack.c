/* rl_pack.c -- rows through a forward pass: each is its prompt with its response, as many at a time
 * as a pass takes. SPDX-License-Identifier: Apache-2.0 */
#include "train/rl_inner.h"

#include "base/mem.h"

#include <string.h>

int as_rl_pack_init(as_rl_pack *p, const as_run_options *limits, as_err *err)
{
    const size_t tokens = (size_t)limits->tokens, rows = (size_t)limits->rows;
    p->ids = as_calloc(tokens, sizeof *p->ids);
    p->cu_seqlens = as_calloc((size_t)limits->seqs + 1, sizeof *p->cu_seqlens);
    p->rows = as_calloc(rows, sizeof *p->rows);
    p->targets = as_calloc(rows, sizeof *p->targets);
    p->logp = as_calloc(rows, sizeof *p->logp);
    p->entropy = as_calloc(rows, sizeof *p->entropy);
    p->value = as_calloc(rows, sizeof *p->value);
    p->vcoef = as_calloc(rows, sizeof *p->vcoef);
    p->coef = as_calloc(rows, sizeof *p->coef);
    p->ecoef = as_calloc(rows, sizeof *p->ecoef);
    p->row = as_calloc((size_t)limits->seqs, sizeof *p->row);
    return p->ids && p->cu_seqlens && p->rows && p->targets && p->logp && p->entropy && p->coef &&
                   p->ecoef && p->value && p->vcoef && p->row
               ? 0
               : as_fail(err, AS_ENOMEM, "no memory for passes of %zu tokens", tokens);
}

void as_rl_pack_fini(as_rl_pack *p)
{
    void *const arrays[] = { p->ids,  p->cu_seqlens, p->rows, p->targets, p->logp, p->entropy,
                             p->coef, p->ecoef,      p->row,  p->value,   p->vcoef };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    *p = (as_rl_pack){ 0 };
}

/* The last token is predicted, and read by nobody. */
static size_t tokens_of(const as_rollouts *r, size_t row)
{
    return r->items[r->rows[row].group]->n_ids + r->rows[row].n - 1;
}

static void put(as_rl *rl, size_t row)
{
    as_rl_pack *p = &rl->pack;
    const as_rollouts *r = rl->b.rollouts;
    const as_rollout *response = &r->rows[row];
    const as_suite_item *item = r->items[response->group];
    int32_t *to = p->ids + p->n_tokens;
    memcpy(to, item->ids, item->n_ids * sizeof *to);
    memcpy(to + item->n_ids, r->ids + response->begin, (response->n - 1) * sizeof *to);
    for (uint32_t t = 0; t < response->n; t++) {
        p->rows[p->n_rows] = (int32_t)((size_t)p->n_tokens + item->n_ids - 1 + t);
        p->targets[p->n_rows++] = r->ids[response->begin + t];
    }
    p->row[p->n_seqs++] = row;
    p->n_tokens += (int64_t)tokens_of(r, row);
    p->cu_seqlens[p->n_seqs] = (int32_t)p->n_tokens;
}

static int flush(as_rl *rl, as_rl_compute *compute, void *ctx, as_err *err)
{
    as_rl_pack *p = &rl->pack;
    const as_packed packed = { .n_tokens = p->n_tokens,
                               .n_seqs = p->n_seqs,
                               .n_rows = p->n_rows,
                               .ids = p->ids,
                               .cu_seqlens = p->cu_seqlens,
                               .rows = p->rows,
                               .targets = p->targets };
    int rc = p->n_seqs ? compute(rl, &packed, ctx, err) : 0;
    p->n_tokens = p->n_seqs = p->n_rows = 0;
    return rc;
}

int as_rl_each_pack(as_rl *rl, as_rl_takes *takes, as_rl_compute *compute, void *ctx, as_err *err)
{
    as_rl_pack *p = &rl->pack;
    const as_run_options *most = &rl->parts.limits;
    const as_rollouts *r = rl->b.rollouts;
    int rc = 0;
    p->n_tokens = p->n_seqs = p->n_rows = 0;
    for (size_t row = 0; row < r->n && rc == 0; row++) {
        const int64_t n = r->rows[row].n;
        if (n == 0 || (takes && !takes(rl, row)))
            continue;
        const int64_t tokens = (int64_t)tokens_of(r, row);
        if (tokens > most->tokens || n > most->rows)
            return as_fail(
                err, AS_EUSAGE,
                "a response of %lld tokens to a prompt of %zu does not fit a pass of %lld",
                (long long)n, r->items[r->rows[row].group]->n_ids, (long long)most->tokens);
        if (p->n_tokens + tokens > most->tokens || p->n_rows + n > most->rows ||
            p->n_seqs == most->seqs)
            rc = flush(rl, compute, ctx, err);
        if (rc == 0)
            put(rl, row);
    }
    return rc == 0 ? flush(rl, compute, ctx, err) : rc;
}

/* ---- log-probabilities alone ---- */

typedef struct reading {
    as_run *run;
    double *out;
} reading;

static int read_logp(as_rl *rl, const as_packed *packed, void *ctx, as_err *err)
{
    const reading *to = ctx;
    const as_rl_pack *p = &rl->pack;
    int rc = as_run_forward(to->run, packed, err);
    if (rc == 0)
        rc = as_run_logprob(to->run, rl->options.temperature, p->logp, NULL, err);
    const double *from = p->logp;
    for (int64_t s = 0; s < p->n_seqs && rc == 0; s++) {
        const size_t row = p->row[s], n = as_row_length(&rl->b.rows, row);
        memcpy(to->out + rl->b.first[row], from, n * sizeof *from);
        from += n;
    }
    return rc;
}

int as_rl_logp(as_rl *rl, as_run *run, double *out, as_err *err)
{
    reading to = { .run = run };
    to.out = out;
    return as_rl_each_pack(rl, NULL, read_logp, &to, err);
}
