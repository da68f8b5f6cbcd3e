/* rl_advantage.c -- rewards to the advantage of each token, by the estimator of the options.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/rl_inner.h"

#include <math.h>

/* ---- what the estimators start from ---- */

/* Estimates of KL against the reference, with the weights that sampled. */
static void estimate_kl(as_rl *rl)
{
    as_rl_batch *b = &rl->b;
    for (size_t t = 0; t < b->first[b->rows.n]; t++)
        b->kl[t] = as_kl(rl->options.kl_kind, b->old[t], b->reference[t]);
}

/* The whole reward of each row: the score, and the KL of its tokens where that is in the reward
 * (verl's order: a baseline then has it too). */
static void whole_rewards(const as_rl *rl, double *out)
{
    const as_rl_batch *b = &rl->b;
    const double beta = rl->options.kl_place == AS_KL_IN_REWARD ? rl->state.kl_coef : 0;
    for (size_t r = 0; r < b->rows.n; r++) {
        out[r] = b->reward[r];
        for (size_t t = b->first[r]; beta > 0 && t < b->first[r + 1]; t++)
            out[r] -= beta * b->kl[t];
    }
}

static void token_rewards(as_rl *rl)
{
    as_rl_batch *b = &rl->b;
    const bool has_kl = rl->options.kl_place == AS_KL_IN_REWARD;
    as_token_rewards(&b->rows, b->reward, has_kl ? b->kl : NULL, rl->state.kl_coef,
                     b->token_reward);
}

/* ---- the estimators ---- */

static int of_rows(as_rl *rl, as_err *err)
{
    as_rl_batch *b = &rl->b;
    const as_rl_options *o = &rl->options;
    int rc = 0;
    whole_rewards(rl, b->of_row_too);
    if (o->estimator == AS_EST_RLOO)
        rc = as_advantage_rloo(&b->rows, b->of_row_too, b->of_row, err);
    else if (o->estimator == AS_EST_PASSK)
        rc = as_advantage_passk(&b->rows, b->of_row_too, o->advantage_eps, b->of_row, err);
    else
        rc = as_advantage_grpo(&b->rows, b->of_row_too,
                               o->estimator == AS_EST_GRPO ? o->scale : AS_SCALE_NONE,
                               o->advantage_eps, b->of_row, err);
    if (rc == 0 && o->estimator == AS_EST_REINFORCE_PP_BASELINE)
        as_advantage_reinforce_pp_baseline(&b->rows, b->of_row, o->whitening, b->advantage);
    else if (rc == 0)
        as_to_tokens(&b->rows, b->of_row, b->advantage);
    return rc;
}

/* A group whose greedy response was not scored has nothing to be compared with. */
static void of_greedy(as_rl *rl, const double *greedy)
{
    as_rl_batch *b = &rl->b;
    for (size_t r = 0; r < b->rows.n; r++) {
        const double base = greedy[b->group[r]];
        if (isnan(base))
            b->is_out[r] = b->no_loss[r] = true;
        b->of_row[r] = isnan(base) ? 0 : as_rl_clipped(base, &rl->options);
    }
    token_rewards(rl);
    as_advantage_remax(&b->rows, b->token_reward, b->of_row, b->advantage);
}

/* ---- what is said of them ---- */

static void tell_rewards(const as_rl_batch *b, as_rl_stats *s)
{
    double sum = 0, squares = 0, n = 0;
    s->reward_min = (double)INFINITY;
    s->reward_max = -(double)INFINITY;
    for (size_t r = 0; r < b->rows.n; r++) {
        if (!as_row_counts(&b->rows, r))
            continue;
        n++;
        sum += b->reward[r];
        s->reward_min = fmin(s->reward_min, b->reward[r]);
        s->reward_max = fmax(s->reward_max, b->reward[r]);
    }
    s->reward_mean = sum / n; /* of none: NaN, as are the others below */
    for (size_t r = 0; r < b->rows.n; r++)
        if (as_row_counts(&b->rows, r))
            squares += (b->reward[r] - s->reward_mean) * (b->reward[r] - s->reward_mean);
    s->reward_std = n > 1 ? sqrt(squares / (n - 1)) : 0;
    if (n == 0)
        s->reward_min = s->reward_max = s->reward_std = (double)NAN;
    for (size_t g = 0; g < b->rollouts->n_groups; g++) {
        s->all_out += b->groups[g].n == 0;
        s->groups += b->groups[g].n > 0;
        s->zero_groups += b->groups[g].n > 0 && !as_group_differs(&b->groups[g]);
    }
}

static void tell_advantages(const as_rl *rl, as_rl_stats *s)
{
    const as_rl_batch *b = &rl->b;
    double sum = 0, kl = 0, entropy = 0;
    s->advantage_min = (double)INFINITY;
    s->advantage_max = -(double)INFINITY;
    for (size_t r = 0; r < b->rows.n; r++) {
        const as_rollout *row = &b->rollouts->rows[r];
        if (b->no_loss[r])
            continue;
        s->responses++;
        s->tokens += row->n;
        for (size_t t = b->first[r]; t < b->first[r + 1]; t++) {
            sum += b->advantage[t];
            s->advantage_min = fmin(s->advantage_min, b->advantage[t]);
            s->advantage_max = fmax(s->advantage_max, b->advantage[t]);
            kl += rl->parts.reference ? b->kl[t] : 0;
            entropy += (double)b->rollouts->entropy[row->begin + t - b->first[r]];
        }
    }
    const double n = (double)s->tokens;
    s->advantage_mean = sum / n;
    s->entropy = entropy / n;
    s->kl = rl->parts.reference ? kl / n : (double)NAN;
    if (!s->tokens)
        s->advantage_min = s->advantage_max = (double)NAN;
}

int as_rl_advantages(as_rl *rl, const as_rl_rewards *rewards, as_rl_stats *stats, as_err *err)
{
    as_rl_batch *b = &rl->b;
    const as_rl_options *o = &rl->options;
    int rc = 0;
    if (rl->parts.reference)
        estimate_kl(rl);
    tell_rewards(b, stats);
    switch (o->estimator) {
    case AS_EST_REINFORCE_PP:
        token_rewards(rl);
        as_advantage_reinforce_pp(&b->rows, b->token_reward, o->gamma, b->advantage);
        break;
    case AS_EST_REMAX:
        of_greedy(rl, rewards->greedy);
        break;
    case AS_EST_GAE:
        token_rewards(rl);
        as_gae(&b->rows, b->token_reward, b->value, o->gamma, o->lambda, b->advantage, b->returns);
        as_whiten(&b->rows, (as_whitening){ 0 }, b->advantage);
        break;
    case AS_EST_GRPO:
    case AS_EST_RLOO:
    case AS_EST_REINFORCE_PP_BASELINE:
    case AS_EST_PASSK:
        rc = of_rows(rl, err);
        break;
    }
    tell_advantages(rl, stats);
    return rc;
}
