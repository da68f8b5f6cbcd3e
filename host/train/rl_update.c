/* rl_update.c -- one update: the derivative of the loss by each log-probability, then the engine's
 * backward, then the optimizer. SPDX-License-Identifier: Apache-2.0 */
#include "train/rl_inner.h"

#include <math.h>

/* ---- the loss of a row ---- */

static bool has_kl_loss(const as_rl *rl)
{
    return rl->options.kl_place == AS_KL_IN_LOSS && rl->state.kl_coef > 0;
}

/* A row whose loss is 0 whatever its log-probabilities are: no advantage, and nothing else acts on
 * it. */
static bool is_idle(const as_rl *rl, size_t row)
{
    const as_rl_batch *b = &rl->b;
    bool idle = !has_kl_loss(rl) && rl->options.entropy_coef == 0 && !as_rl_shares(rl);
    for (size_t t = b->first[row]; idle && t < b->first[row + 1]; t++)
        idle = b->advantage[t] == 0;
    return idle;
}

static bool is_in_update(const as_rl *rl, size_t row)
{
    return !rl->b.is_out_here[row] && rl->b.weight[row] > 0 && !is_idle(rl, row);
}

static void count(as_rl *rl, const as_token_loss *l, as_rl_stats *s)
{
    rl->n_in_updates++;
    rl->n_clipped += l->is_clipped;
    rl->n_dual += l->is_dual;
    rl->sum_ppo_kl -= l->log_ratio;
    s->ratio_min = fmin(s->ratio_min, l->ratio);
    s->ratio_max = fmax(s->ratio_max, l->ratio);
}

/* How far the sampler's distribution was from the policy's as it was before the step: weighs a
 * token's loss, with a bound (truncated importance sampling). */
static double correction(const as_rl *rl, size_t row, size_t t)
{
    const as_rollout *response = &rl->b.rollouts->rows[row];
    const double cap = rl->options.importance_cap;
    const size_t at = response->begin + t - rl->b.first[row];
    return cap > 0 ? fmin(exp(rl->b.old[t] - (double)rl->b.rollouts->logp[at]), cap) : 1;
}

typedef struct kl_term {
    double value, gradient;
} kl_term;

/* Of token i of a row; with the ratio l, whose own derivative has the KL of all that it is made of.
 */
static kl_term kl_loss(const as_rl *rl, size_t row, size_t i, int64_t at, const as_token_loss *l)
{
    const as_rl_options *o = &rl->options;
    const double *logp = rl->pack.logp + at, *reference = rl->b.reference + rl->b.first[row];
    kl_term kl = { as_kl(o->kl_kind, logp[i], reference[i]),
                   as_kl_gradient(o->kl_kind, logp[i], reference[i]) };
    if (!o->kl_with_ratio)
        return kl;
    double through = kl.value;
    const size_t n = as_row_length(&rl->b.rows, row);
    if (o->is_sequence_ratio) {
        through = 0;
        for (size_t j = 0; j < n; j++)
            through += as_kl(o->kl_kind, logp[j], reference[j]) / (double)n;
    }
    kl.value *= l->ratio;
    kl.gradient = l->ratio * (kl.gradient + (l->is_held ? 0 : through));
    return kl;
}

/* Of the n tokens of a row: their part of the loss, and its derivative by each log-probability and
 * entropy. */
static void row_loss(as_rl *rl, size_t row, int64_t at, as_rl_stats *s)
{
    const as_rl_batch *b = &rl->b;
    const as_rl_options *o = &rl->options;
    as_rl_pack *p = &rl->pack;
    const size_t first = b->first[row], n = as_row_length(&b->rows, row);
    const double w = b->weight[row];
    as_token_loss of_row = { 0 };
    if (o->is_sequence_ratio)
        of_row =
            as_policy_loss_sequence(p->logp + at, b->old + first, n, b->advantage[first], o->clip);
    for (size_t i = 0; i < n; i++) {
        const size_t t = first + i;
        const double logp = p->logp[at + (int64_t)i];
        const as_token_loss l = o->is_sequence_ratio
                                    ? of_row
                                    : as_policy_loss(logp, b->old[t], b->advantage[t], o->clip);
        const double by = w * correction(rl, row, t);
        double *coef = &p->coef[at + (int64_t)i];
        *coef = by * l.gradient;
        s->policy_loss += by * l.loss;
        if (has_kl_loss(rl)) {
            const kl_term kl = kl_loss(rl, row, i, at, &l);
            *coef += w * rl->state.kl_coef * kl.gradient;
            s->kl_loss += w * kl.value;
        }
        p->ecoef[at + (int64_t)i] = -w * o->entropy_coef;
        s->entropy_loss -= o->entropy_coef != 0 ? w * p->entropy[at + (int64_t)i] : 0;
        count(rl, &l, s);
        if (rl->is_first && !o->recomputes_old)
            s->sampler_difference = fmax(s->sampler_difference, fabs(logp - b->old[t]));
    }
}

/* ---- its gradient ---- */

static int learn_pack(as_rl *rl, const as_packed *packed, void *ctx, as_err *err)
{
    as_rl_stats *stats = ctx;
    as_rl_pack *p = &rl->pack;
    const bool has_entropy = rl->options.entropy_coef != 0;
    int rc = as_run_forward(rl->parts.run, packed, err);
    if (rc == 0)
        rc = as_run_logprob(rl->parts.run, rl->options.temperature, p->logp,
                            has_entropy ? p->entropy : NULL, err);
    if (rc == 0 && as_rl_shares(rl))
        rc = as_run_scores(rl->parts.run, p->value, err);
    int64_t at = 0;
    for (int64_t i = 0; i < p->n_responses && rc == 0; i++) {
        row_loss(rl, p->row[i], at, stats);
        if (as_rl_shares(rl))
            as_rl_value_loss(rl, p->row[i], at, rl->options.value_coef, stats);
        at += (int64_t)as_row_length(&rl->b.rows, p->row[i]);
    }
    const double *by_entropy = has_entropy ? p->ecoef : NULL;
    void *grads = rl->parts.optimizer->grads;
    if (rc < 0)
        return rc;
    return as_rl_shares(rl)
               ? as_run_backward_scores(rl->parts.run, p->coef, by_entropy, p->vcoef, grads, err)
               : as_run_backward(rl->parts.run, p->coef, by_entropy, grads, err);
}

/* ---- the update ---- */

/* What the update adds to the means over updates. */
static void tell(as_rl_stats *s, double norm)
{
    s->updates++;
    s->grad_norm += norm;
}

int as_rl_update(as_rl *rl, uint64_t step, as_rl_stats *stats, as_err *err)
{
    as_optimizer *o = rl->parts.optimizer;
    double norm = 0;
    rl->n_tried++;
    int rc = as_optimizer_zero(o, err);
    if (rc == 0)
        rc = as_rl_each_pack(rl, is_in_update, learn_pack, stats, err);
    if (rc == 0)
        rc = as_rl_ptx(rl, stats, err);
    if (rc < 0)
        return rc;
    as_err why = { 0 };
    rc = as_optimizer_step(o, rl->state.updates + 1, as_schedule_lr(&rl->options.schedule, step),
                           &norm, &why);
    if (rc == AS_EDATA) { /* not finite: nothing was changed */
        stats->skipped++;
        return 0;
    }
    if (rc < 0)
        return as_fail(err, rc, "%s", why.text);
    rl->state.updates++;
    rl->is_first = false;
    tell(stats, norm);
    return 0;
}
