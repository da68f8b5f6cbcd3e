/* label.c -- see label.h. SPDX-License-Identifier: Apache-2.0 */
#include "ttrl/label.h"

#include <math.h>

/* ---- the vote ---- */

/* Answers that were judged, one after another: at[i] of the answers is the i-th. */
typedef struct judged {
    as_str *key, *answer;
    double *sum_logp;
    uint32_t *at, n;
} judged;

static int gather(judged *out, const ttrl_answers *a, as_arena *arena, as_err *err)
{
    out->key = as_arena_calloc(arena, a->n + (size_t)1, sizeof *out->key);
    out->answer = as_arena_calloc(arena, a->n + (size_t)1, sizeof *out->answer);
    out->sum_logp = as_arena_calloc(arena, a->n + (size_t)1, sizeof *out->sum_logp);
    out->at = as_arena_calloc(arena, a->n + (size_t)1, sizeof *out->at);
    if (!out->key || !out->answer || !out->sum_logp || !out->at)
        return as_fail(err, AS_ENOMEM, "no memory for a vote of %u", a->n);
    for (uint32_t i = 0; i < a->n; i++) {
        if (a->is_out && a->is_out[i])
            continue;
        out->key[out->n] = a->key[i];
        out->answer[out->n] = a->answer ? a->answer[i] : a->key[i];
        out->sum_logp[out->n] = a->sum_logp ? a->sum_logp[i] : 0;
        out->at[out->n++] = i;
    }
    return 0;
}

static double effective(const as_vote *v)
{
    double squares = 0;
    for (uint32_t c = 0; c < v->n_classes; c++) {
        const double share = (double)v->classes[c].votes / (double)v->n_voting;
        squares += share * share;
    }
    return squares > 0 ? 1 / squares : 0;
}

static ttrl_label label_of(const as_vote *v)
{
    ttrl_label l = { .n = v->n,
                     .n_voting = v->n_voting,
                     .n_classes = v->n_classes,
                     .effective = effective(v),
                     .chance = 1,
                     .is_tie = v->tie };
    if (v->winner == UINT32_MAX)
        return l;
    const as_vote_class *winner = &v->classes[v->winner];
    l.text = winner->answer;
    l.votes = winner->votes;
    for (uint32_t c = 0; c < v->n_classes; c++)
        if (c != v->winner && v->classes[c].votes > l.runner_up)
            l.runner_up = v->classes[c].votes;
    l.ratio = v->ratio;
    l.chance = ttrl_chance_of_lead(l.votes, l.runner_up);
    return l;
}

int ttrl_vote(ttrl_label *out, const ttrl_answers *a, as_tie_rule rule, double *reward,
              as_arena *arena, as_err *err)
{
    judged j = { 0 };
    as_vote v = { .winner = UINT32_MAX };
    int rc = gather(&j, a, arena, err);
    if (rc == 0)
        rc = as_vote_run(&v, j.key, j.answer, j.sum_logp, j.n, a->same, a->ctx, rule, arena, err);
    if (rc < 0)
        return rc;
    *out = label_of(&v);
    for (uint32_t i = 0; i < a->n; i++)
        reward[i] = (double)NAN;
    for (uint32_t i = 0; i < j.n; i++)
        reward[j.at[i]] = v.winner != UINT32_MAX && v.class_of[i] == v.winner;
    return 0;
}

/* ---- how sure it is ---- */

double ttrl_chance_of_lead(uint32_t a, uint32_t b)
{
    const double n = (double)a + (double)b;
    double sum = 0;
    for (uint64_t i = a; i <= (uint64_t)a + b; i++) {
        const double k = (double)i;
        sum += exp(lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1) - n * log(2));
    }
    return sum < 1 ? sum : 1;
}

bool ttrl_is_decided(uint32_t votes, uint32_t runner_up, uint32_t left)
{
    return votes > runner_up && votes - runner_up > left;
}

/* P(K >= least), K ~ BetaBinomial(n, a, b), beyond its mode: terms fall, each from the one before.
 */
static double beta_binomial_tail(uint32_t n, double a, double b, uint32_t least)
{
    const double k0 = least, rest0 = (double)n - k0;
    double sum = 0;
    if (least > n)
        return 0;
    double term =
        exp(lgamma(n + 1.0) - lgamma(k0 + 1) - lgamma(rest0 + 1) + lgamma(k0 + a) +
            lgamma(rest0 + b) - lgamma(n + a + b) + lgamma(a + b) - lgamma(a) - lgamma(b));
    for (uint32_t i = least; i <= n; i++) {
        const double k = i, rest = (double)n - k;
        sum += term;
        term *= rest * (k + a) / ((k + 1) * (rest - 1 + b));
    }
    return sum < 1 ? sum : 1;
}

double ttrl_chance_of_change(uint32_t votes, uint32_t runner_up, uint32_t n, uint32_t left)
{
    const double a = votes + 1.0, b = runner_up + 1.0;
    if (votes <= runner_up)
        return left > 0;
    const uint32_t among = (uint32_t)ceil(left * (a + b) / (n + 3.0));
    const uint64_t level = ((uint64_t)votes - runner_up + among + 1) / 2;
    return level > among ? 0 : beta_binomial_tail(among, b, a, (uint32_t)level);
}

bool ttrl_is_enough(const ttrl_label *l, uint32_t left, double error, double confidence)
{
    const double slack = 1 + 1e-9; /* some chances are 1/10 or 1/20 */
    if (error > 0)
        return ttrl_chance_of_change(l->votes, l->runner_up, l->n, left) <= error * slack &&
               (confidence == 0 || l->chance <= 1 - confidence);
    return ttrl_is_decided(l->votes, l->runner_up, left) &&
           (confidence == 0 ||
            ttrl_chance_of_lead(l->votes, l->runner_up + left) <= 1 - confidence);
}

double ttrl_chance_in_proportion(const ttrl_label *l, uint32_t left)
{
    if (!l->text.data || !l->n)
        return 1;
    const double times = ((double)l->n + left) / l->n;
    return ttrl_chance_of_lead((uint32_t)lround(l->votes * times),
                               (uint32_t)lround(l->runner_up * times));
}

/* ---- for watching ---- */

void ttrl_measure(ttrl_figures *out, const ttrl_label *label, bool label_is_right,
                  const double *reward, const double *right, uint32_t n)
{
    double known = 0, agree = 0, n_right = 0, rewarded = 0;
    for (uint32_t i = 0; i < n; i++) {
        if (isnan(reward[i]) || isnan(right[i]))
            continue;
        known++;
        agree += reward[i] == right[i];
        n_right += right[i];
        rewarded += reward[i];
    }
    *out = (ttrl_figures){ .label_accuracy = label->text.data && label_is_right,
                           .reward_accuracy = agree / known,
                           .majority_ratio = label->ratio,
                           .ground_truth_ratio = n_right / known,
                           .majority_voting_reward = rewarded / known,
                           .pass = known > 0 ? n_right > 0 : (double)NAN };
}
