/* rl_value.c -- the critic: values of the states that the tokens of a response were written in,
 * their loss (11 in docs/ALGORITHMS.md), and the updates of a critic that is a model of its own.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/rl_inner.h"

#include "base/mem.h"

#include <math.h>
#include <string.h>

bool as_rl_shares(const as_rl *rl)
{
    return rl->parts.critic && rl->parts.critic == rl->parts.run;
}

/* ---- values ---- */

static int read_values(as_rl *rl, const as_packed *packed, void *ctx, as_err *err)
{
    (void)ctx;
    as_rl_pack *p = &rl->pack;
    int rc = as_run_forward(rl->parts.critic, packed, err);
    if (rc == 0)
        rc = as_run_scores(rl->parts.critic, p->value, err);
    const double *from = p->value;
    for (int64_t s = 0; s < p->n_responses && rc == 0; s++) {
        const size_t row = p->row[s], n = as_row_length(&rl->b.rows, row);
        memcpy(rl->b.value + rl->b.first[row], from, n * sizeof *from);
        from += n;
    }
    return rc;
}

int as_rl_values(as_rl *rl, as_err *err)
{
    return as_rl_each_pack(rl, NULL, read_values, NULL, err);
}

/* Over the tokens in the loss, gathered. */
void as_rl_explain(const as_rl *rl, as_rl_stats *stats)
{
    const as_rl_batch *b = &rl->b;
    const size_t most = b->first[b->rows.n];
    AS_CLEANUP(free) double *value = as_calloc(most + 1, sizeof *value);
    AS_CLEANUP(free) double *returns = as_calloc(most + 1, sizeof *returns);
    size_t n = 0;
    stats->explained_variance = (double)NAN;
    if (!value || !returns)
        return; /* a figure less */
    for (size_t r = 0; r < b->rows.n; r++)
        for (size_t t = b->first[r]; !b->no_loss[r] && t < b->first[r + 1]; t++) {
            value[n] = b->value[t];
            returns[n++] = b->returns[t];
        }
    stats->explained_variance = as_explained_variance(value, returns, n);
}

/* ---- their loss ---- */

void as_rl_value_loss(as_rl *rl, size_t row, int64_t at, double coef, as_rl_stats *stats)
{
    const as_rl_batch *b = &rl->b;
    as_rl_pack *p = &rl->pack;
    for (size_t t = b->first[row]; t < b->first[row + 1]; t++, at++) {
        double by_value;
        bool is_clipped;
        const double loss = as_value_loss(p->value[at], b->value[t], b->returns[t],
                                          rl->options.value_clip, &by_value, &is_clipped);
        stats->value_loss += b->value_weight[row] * loss;
        p->vcoef[at] = coef * b->value_weight[row] * by_value;
        rl->n_values++;
        rl->n_values_clipped += is_clipped;
    }
}

static bool is_in_critic(const as_rl *rl, size_t row)
{
    return !rl->b.is_out_here[row];
}

static int learn_values(as_rl *rl, const as_packed *packed, void *ctx, as_err *err)
{
    as_rl_pack *p = &rl->pack;
    int rc = as_run_forward(rl->parts.critic, packed, err);
    if (rc == 0)
        rc = as_run_scores(rl->parts.critic, p->value, err);
    int64_t at = 0;
    for (int64_t i = 0; i < p->n_responses && rc == 0; i++) {
        as_rl_value_loss(rl, p->row[i], at, 1, ctx);
        at += (int64_t)as_row_length(&rl->b.rows, p->row[i]);
    }
    return rc == 0 ? as_run_backward_scores(rl->parts.critic, NULL, NULL, p->vcoef,
                                            rl->parts.critic_optimizer->grads, err)
                   : rc;
}

int as_rl_critic_update(as_rl *rl, uint64_t step, as_rl_stats *stats, as_err *err)
{
    as_optimizer *o = rl->parts.critic_optimizer;
    const double lr = as_schedule_lr(&rl->options.critic_schedule, step);
    as_err why = { 0 };
    double norm = 0;
    rl->n_critic_tried++;
    int rc = as_optimizer_zero(o, err);
    if (rc == 0)
        rc = as_rl_each_pack(rl, is_in_critic, learn_values, stats, err);
    if (rc < 0)
        return rc;
    stats->critic_lr = lr;
    rc = as_optimizer_step(o, rl->state.critic_updates + 1, lr, &norm, &why);
    if (rc == AS_EDATA) { /* not finite: nothing was changed */
        stats->skipped++;
        return 0;
    }
    if (rc < 0)
        return as_fail(err, rc, "%s", why.text);
    rl->state.critic_updates++;
    stats->critic_updates++;
    stats->critic_grad_norm += norm;
    return 0;
}
