/* rl.c -- see rl.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/rl.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"
#include "train/rl_inner.h"

#include <math.h>
#include <string.h>

as_rl_options as_rl_standard(void)
{
    return (as_rl_options){ .estimator = AS_EST_GRPO,
                            .scale = AS_SCALE_GROUP,
                            .advantage_eps = 1e-6,
                            .gamma = 1,
                            .lambda = 1,
                            .clip = { .low = 0.2, .high = 0.2 },
                            .aggregation = AS_TOKEN_MEAN,
                            .kl_kind = AS_KL_K3,
                            .kl_horizon = 10000,
                            .overlong_factor = 1,
                            .value_clip = { .range = 0.5, .is_halved = true },
                            .value_coef = 0.5,
                            .epochs = 1,
                            .temperature = 1,
                            .schedule = { .peak = 1e-6, .decay = AS_DECAY_CONSTANT } };
}

/* ---- making one ---- */

static int check(const as_rl_parts *parts, const as_rl_options *o, as_err *err)
{
    const char *why = NULL;
    const bool needs_reference = o->kl_place != AS_KL_OFF;
    if (!(o->temperature > 0))
        why = "log-probabilities need a temperature above 0";
    else if (o->epochs == 0)
        why = "a step goes over its responses at least once";
    else if (needs_reference && !parts->reference)
        why = "a KL needs a reference model";
    else if (o->importance_cap > 0 && !o->recomputes_old)
        why = "an importance correction compares the sampler's log-probabilities with recomputed "
              "ones";
    else if ((o->estimator == AS_EST_GAE) != (parts->critic != NULL))
        why = parts->critic ? "a critic is of GAE" : "GAE needs a critic";
    else if (parts->critic && (parts->critic == parts->run) == (parts->critic_optimizer != NULL))
        why = "a critic of its own has an optimizer, one that shares the policy's weights has none";
    else if (o->critic_warmup > 0 && !parts->critic_optimizer)
        why = "a critic that shares the policy's weights cannot learn alone";
    else if (o->ptx_coef > 0 && (!parts->ptx || !parts->ptx->n_rows || !o->ptx_batch))
        why = "a mix of pretraining texts needs texts, and how many an update takes";
    else if (o->longest == 0 && (o->aggregation == AS_SEQ_SUM_NORM ||
                                 o->aggregation == AS_SEQ_MEAN_NORM || o->overlong_buffer))
        why = "the longest response is to be known";
    return why ? as_fail(err, AS_EUSAGE, "%s", why) : 0;
}

int as_rl_new(as_rl **out, const as_rl_parts *parts, const as_rl_options *options, as_err *err)
{
    int rc = check(parts, options, err);
    if (rc < 0)
        return rc;
    as_rl *rl = as_calloc(1, sizeof *rl);
    if (!rl)
        return as_fail(err, AS_ENOMEM, "out of memory");
    rl->parts = *parts;
    rl->options = *options;
    rl->state.kl_coef = options->kl_coef;
    rl->ptx_epoch = UINT64_MAX;
    rc = as_rl_pack_init(&rl->pack, &parts->limits, err);
    if (rc == 0 && parts->ptx)
        rl->ptx_order = as_calloc(parts->ptx->n_rows + 1, sizeof *rl->ptx_order);
    if (rc == 0 && parts->ptx && !rl->ptx_order)
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    if (rc < 0)
        as_rl_free(rl);
    else
        *out = rl;
    return rc;
}

void as_rl_free(as_rl *rl)
{
    if (!rl)
        return;
    as_rl_batch_fini(&rl->b);
    as_rl_pack_fini(&rl->pack);
    as_free(rl->ptx_order);
    as_free(rl);
}

as_rl_state as_rl_get_state(const as_rl *rl)
{
    return rl->state;
}

void as_rl_set_state(as_rl *rl, as_rl_state state)
{
    rl->state = state;
}

/* ---- mini-batches ---- */

/* Rows of groups order[from .. to) that are in the loss, and what their tokens weigh; false: there
 * are none. */
static bool choose(as_rl *rl, size_t from, size_t to)
{
    as_rl_batch *b = &rl->b;
    as_rows rows = b->rows;
    const size_t each = b->rollouts->each;
    bool is_any = false;
    for (size_t r = 0; r < rows.n; r++)
        b->is_out_here[r] = true;
    for (size_t i = from; i < to; i++)
        for (size_t r = b->order[i] * each; r < (b->order[i] + (size_t)1) * each; r++) {
            b->is_out_here[r] = b->no_loss[r];
            rl->n_in_loss += b->no_loss[r] ? 0 : b->rollouts->rows[r].n;
            is_any = is_any || (!b->no_loss[r] && b->rollouts->rows[r].n);
        }
    rows.is_out = b->is_out_here;
    as_token_weights(&rows, rl->options.aggregation, rl->options.longest, b->weight);
    as_token_weights(&rows, AS_TOKEN_MEAN, 0, b->value_weight);
    return is_any;
}

/* Sums over updates, and over the tokens of updates, to means. */
static void finish(as_rl *rl, as_rl_stats *s)
{
    const as_rl_options *o = &rl->options;
    const double updates = rl->n_tried, tokens = rl->n_in_updates;
    const as_loss_terms by = { .policy = 1,
                               .value = as_rl_shares(rl) ? o->value_coef : 0,
                               .entropy = o->entropy_coef,
                               .ptx = o->ptx_coef };
    double *const of_updates[] = { &s->policy_loss, &s->kl_loss, &s->entropy_loss, &s->ptx_loss };
    for (size_t i = 0; i < sizeof of_updates / sizeof *of_updates; i++)
        *of_updates[i] /= updates;
    if (rl->parts.critic)
        s->value_loss /= as_rl_shares(rl) ? updates : rl->n_critic_tried;
    const as_loss_terms of = { s->policy_loss, s->value_loss, s->entropy_loss, s->ptx_loss };
    s->loss = as_total_loss(&of, &by) + rl->state.kl_coef * s->kl_loss;
    s->grad_norm /= (double)s->updates;
    s->critic_grad_norm /= (double)s->critic_updates;
    s->ppo_kl = rl->sum_ppo_kl / tokens;
    s->clip_fraction = rl->n_clipped / rl->n_in_loss;
    s->clip_fraction_low = rl->n_dual / rl->n_in_loss;
    s->value_clip_fraction = rl->n_values_clipped / rl->n_values;
    if (tokens == 0)
        s->ratio_min = s->ratio_max = (double)NAN;
}

int as_rl_learn(as_rl *rl, uint64_t step, as_rl_stats *stats, as_err *err)
{
    const size_t n = rl->b.rollouts->n_groups;
    const uint64_t mini = rl->options.mini_batch;
    const size_t size = mini && mini < n ? (size_t)mini : n;
    const uint64_t seed = as_seed_of(rl->options.seed, AS_LIT("mini-batches"), step);
    rl->is_first = true;
    rl->n_tried = rl->n_critic_tried = 0;
    rl->n_clipped = rl->n_dual = rl->sum_ppo_kl = rl->n_in_updates = rl->n_in_loss = 0;
    rl->n_values = rl->n_values_clipped = 0;
    stats->ratio_min = (double)INFINITY;
    stats->ratio_max = -(double)INFINITY;
    for (uint64_t epoch = 0; epoch < rl->options.epochs; epoch++) {
        as_rng r = as_rng_at(seed, epoch);
        as_rng_order(&r, rl->b.order, n);
        for (size_t from = 0; from < n; from += size) {
            if (!choose(rl, from, n - from < size ? n : from + size))
                continue;
            int rc = 0;
            if (rl->parts.critic_optimizer)
                rc = as_rl_critic_update(rl, step, stats, err);
            if (rc == 0 && step > rl->options.critic_warmup)
                rc = as_rl_update(rl, step, stats, err);
            if (rc < 0)
                return rc;
        }
    }
    finish(rl, stats);
    return 0;
}

/* ---- the step ---- */

static double seconds_since(int64_t *mark)
{
    const int64_t now = as_now_ns(), before = *mark;
    *mark = now;
    return (double)(now - before) / 1e9;
}

static int read_others(as_rl *rl, as_rl_stats *stats, as_err *err)
{
    int64_t mark = as_now_ns();
    int rc = rl->options.recomputes_old ? as_rl_logp(rl, rl->parts.run, rl->b.old, err) : 0;
    stats->seconds_old = seconds_since(&mark);
    if (rc == 0 && rl->parts.reference)
        rc = as_rl_logp(rl, rl->parts.reference, rl->b.reference, err);
    stats->seconds_reference = seconds_since(&mark);
    if (rc == 0 && rl->parts.critic)
        rc = as_rl_values(rl, err);
    stats->seconds_value = seconds_since(&mark);
    return rc;
}

void as_rl_adapt(as_rl *rl)
{
    const as_rl_options *o = &rl->options;
    const as_rl_batch *b = &rl->b;
    double sum = 0, n = 0;
    for (size_t r = 0; r < b->rows.n; r++) {
        double of_row = 0;
        const double length = (double)as_row_length(&b->rows, r);
        for (size_t t = b->first[r]; t < b->first[r + 1]; t++)
            of_row += b->kl[t];
        if (as_row_counts(&b->rows, r) && length > 0) {
            sum += of_row / length;
            n++;
        }
    }
    if (o->kl_target > 0 && n > 0)
        rl->state.kl_coef = as_kl_adapt(rl->state.kl_coef, sum / n, o->kl_target, n, o->kl_horizon);
}

int as_rl_step(as_rl *rl, uint64_t step, const as_rollouts *rollouts, const as_rl_rewards *rewards,
               as_rl_stats *stats, as_err *err)
{
    *stats = (as_rl_stats){ .lr = as_schedule_lr(&rl->options.schedule, step),
                            .kl_coef = rl->state.kl_coef };
    if (rl->options.estimator == AS_EST_REMAX && !rewards->greedy)
        return as_fail(err, AS_EUSAGE, "ReMax needs the rewards of greedy responses");
    int rc = as_rl_batch_fill(&rl->b, rollouts, rewards, &rl->options, err);
    if (rc == 0)
        rc = read_others(rl, stats, err);
    if (rc == 0)
        rc = as_rl_advantages(rl, rewards, stats, err);
    if (rc == 0 && rl->parts.critic)
        as_rl_explain(rl, stats);
    int64_t mark = as_now_ns();
    if (rc == 0)
        rc = as_rl_learn(rl, step, stats, err);
    stats->seconds_update = seconds_since(&mark);
    if (rc == 0)
        as_rl_adapt(rl);
    return rc;
}
