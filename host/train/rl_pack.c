/* rl_pack.c -- responses through a forward pass, as many at a time as it takes: each is a sequence
 * behind its prompt, which is computed once for all of them. SPDX-License-Identifier: Apache-2.0 */
#include "train/rl_inner.h"

#include "base/mem.h"

#include <string.h>

int as_rl_pack_init(as_rl_pack *p, const as_run_options *limits, as_err *err)
{
    const size_t tokens = (size_t)limits->tokens, rows = (size_t)limits->rows;
    p->ids = as_calloc(tokens, sizeof *p->ids);
    p->cu_seqlens = as_calloc((size_t)limits->seqs + 1, sizeof *p->cu_seqlens);
    p->parents = as_calloc((size_t)limits->seqs, sizeof *p->parents);
    p->rows = as_calloc(rows, sizeof *p->rows);
    p->targets = as_calloc(rows, sizeof *p->targets);
    p->logp = as_calloc(rows, sizeof *p->logp);
    p->entropy = as_calloc(rows, sizeof *p->entropy);
    p->value = as_calloc(rows, sizeof *p->value);
    p->vcoef = as_calloc(rows, sizeof *p->vcoef);
    p->coef = as_calloc(rows, sizeof *p->coef);
    p->ecoef = as_calloc(rows, sizeof *p->ecoef);
    p->row = as_calloc((size_t)limits->seqs, sizeof *p->row);
    return p->ids && p->cu_seqlens && p->parents && p->rows && p->targets && p->logp &&
                   p->entropy && p->coef && p->ecoef && p->value && p->vcoef && p->row
               ? 0
               : as_fail(err, AS_ENOMEM, "no memory for passes of %zu tokens", tokens);
}

void as_rl_pack_fini(as_rl_pack *p)
{
    void *const arrays[] = { p->ids,     p->cu_seqlens, p->parents, p->rows,  p->targets, p->logp,
                             p->entropy, p->coef,       p->ecoef,   p->value, p->vcoef,   p->row };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    *p = (as_rl_pack){ 0 };
}

static void put_ids(as_rl_pack *p, const int32_t *ids, size_t n, int32_t parent)
{
    memcpy(p->ids + p->n_tokens, ids, n * sizeof *ids);
    p->parents[p->n_seqs++] = parent;
    p->n_tokens += (int64_t)n;
    p->cu_seqlens[p->n_seqs] = (int32_t)p->n_tokens;
}

static void put_prompt(as_rl *rl, size_t row)
{
    const as_suite_item *item = rl->b.rollouts->items[rl->b.group[row]];
    rl->pack.prompt = (int32_t)rl->pack.n_seqs;
    put_ids(&rl->pack, item->ids, item->n_ids, -1);
}

/* Behind the prompt. Its last token is predicted, and read by nobody. */
static void put_response(as_rl *rl, size_t row)
{
    as_rl_pack *p = &rl->pack;
    const as_rollout *response = &rl->b.rollouts->rows[row];
    const int32_t *ids = rl->b.rollouts->ids + response->begin;
    for (uint32_t t = 0; t < response->n; t++) {
        p->rows[p->n_rows] =
            t ? (int32_t)p->n_tokens + (int32_t)t - 1 : p->cu_seqlens[p->prompt + 1] - 1;
        p->targets[p->n_rows++] = ids[t];
    }
    p->row[p->n_responses++] = row;
    put_ids(p, ids, response->n - 1, p->prompt);
}

static void clear(as_rl_pack *p)
{
    p->n_tokens = p->n_seqs = p->n_rows = p->n_responses = 0;
    p->prompt = -1;
}

static int flush(as_rl *rl, as_rl_compute *compute, void *ctx, as_err *err)
{
    as_rl_pack *p = &rl->pack;
    const as_packed packed = { .n_tokens = p->n_tokens,
                               .n_seqs = p->n_seqs,
                               .n_rows = p->n_rows,
                               .ids = p->ids,
                               .cu_seqlens = p->cu_seqlens,
                               .parents = p->parents,
                               .rows = p->rows,
                               .targets = p->targets };
    int rc = p->n_seqs ? compute(rl, &packed, ctx, err) : 0;
    clear(p);
    return rc;
}

static bool is_taken(const as_rl *rl, size_t row, as_rl_takes *takes)
{
    return rl->b.rollouts->rows[row].n > 0 && (!takes || takes(rl, row));
}

/* Whether the pass that is made has room for the responses from .. to-1 to a prompt, and for that
 * where it is not there. */
static bool has_room(const as_rl *rl, size_t from, size_t to, as_rl_takes *takes)
{
    const as_rl_pack *p = &rl->pack;
    const as_run_options *most = &rl->parts.limits;
    const as_rollouts *r = rl->b.rollouts;
    int64_t tokens = p->n_tokens, seqs = p->n_seqs, rows = p->n_rows;
    if (p->prompt < 0) {
        tokens += (int64_t)r->items[rl->b.group[from]]->n_ids;
        seqs++;
    }
    for (size_t row = from; row < to; row++)
        if (is_taken(rl, row, takes)) {
            tokens += (int64_t)r->rows[row].n - 1;
            seqs++;
            rows += r->rows[row].n;
        }
    return rows == p->n_rows || /* none is taken */
           (tokens <= most->tokens && seqs <= most->seqs && rows <= most->rows);
}

static int put_row(as_rl *rl, size_t row, as_rl_compute *compute, void *ctx, as_err *err)
{
    const as_rollouts *r = rl->b.rollouts;
    int rc = has_room(rl, row, row + 1, NULL) ? 0 : flush(rl, compute, ctx, err);
    if (rc < 0)
        return rc;
    if (!has_room(rl, row, row + 1, NULL))
        return as_fail(err, AS_EUSAGE,
                       "a response of %lld tokens to a prompt of %zu does not fit a pass of %lld",
                       (long long)r->rows[row].n, r->items[rl->b.group[row]]->n_ids,
                       (long long)rl->parts.limits.tokens);
    if (rl->pack.prompt < 0)
        put_prompt(rl, row);
    put_response(rl, row);
    return 0;
}

int as_rl_each_pack(as_rl *rl, as_rl_takes *takes, as_rl_compute *compute, void *ctx, as_err *err)
{
    const as_rows *rows = &rl->b.rows;
    int rc = 0;
    clear(&rl->pack);
    for (size_t from = 0, to; from < rows->n && rc == 0; from = to) {
        for (to = from + 1; to < rows->n && rows->group[to] == rows->group[from];)
            to++;
        rl->pack.prompt = -1;
        if (!has_room(rl, from, to, takes))
            rc = flush(rl, compute, ctx, err);
        for (size_t row = from; row < to && rc == 0; row++)
            if (is_taken(rl, row, takes))
                rc = put_row(rl, row, compute, ctx, err);
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
    for (int64_t s = 0; s < p->n_responses && rc == 0; s++) {
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
