/* rm.c -- see rm.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/rm.h"

#include "base/mem.h"
#include "train/loss.h"

struct as_rm {
    as_optimizer *o;
    as_rm_options options;
    as_scoring pass;
    double *score, *coef; /* of a pass: chosen and rejected in turn */
    uint32_t *order;      /* [n_order] of `epoch` */
    size_t n_order;
    uint64_t epoch;
    size_t *drawn; /* [options.pairs] */
};

int as_rm_new(as_rm **out, as_optimizer *o, as_run *run, const as_run_options *run_options,
              const as_rm_options *options, as_err *err)
{
    *out = NULL;
    as_rm *rm = as_calloc(1, sizeof *rm);
    if (!rm)
        return as_fail(err, AS_ENOMEM, "out of memory");
    *rm = (as_rm){ .o = o, .options = *options, .epoch = UINT64_MAX };
    int rc = as_scoring_init(&rm->pass, run, run_options, err);
    const size_t most = rc == 0 ? (size_t)rm->pass.most_texts : 0;
    rm->score = as_calloc(most, sizeof *rm->score);
    rm->coef = as_calloc(most, sizeof *rm->coef);
    rm->drawn = as_calloc(options->pairs, sizeof *rm->drawn);
    if (rc == 0 && (!rm->score || !rm->coef || !rm->drawn))
        rc = as_fail(err, AS_ENOMEM, "no memory for steps of %llu pairs",
                     (unsigned long long)options->pairs);
    if (rc < 0)
        as_rm_free(rm);
    else
        *out = rm;
    return rc;
}

void as_rm_free(as_rm *rm)
{
    if (!rm)
        return;
    as_scoring_fini(&rm->pass);
    as_free(rm->score);
    as_free(rm->coef);
    as_free(rm->order);
    as_free(rm->drawn);
    as_free(rm);
}

/* ---- passes over pairs ---- */

typedef struct pairs_work {
    const as_pairs *pairs;
    const size_t *which; /* NULL: 0, 1, 2 ... */
    size_t n;
    bool learns;
} pairs_work;

static const as_pair *pair_at(const pairs_work *w, size_t i)
{
    return &w->pairs->at[w->which ? w->which[i] : i];
}

/* One pair's part of the sums; what the loss wants of its two scores. */
static void take_pair(const as_rm *rm, double n, const double score[2], double coef[2],
                      as_rm_stats *s)
{
    const double c = rm->options.center_coef, sum = score[AS_CHOSEN] + score[AS_REJECTED];
    double by_chosen;
    s->loss += as_preference_loss(score[AS_CHOSEN], score[AS_REJECTED], &by_chosen) / n;
    s->loss += c * sum * sum / n;
    s->right += score[AS_CHOSEN] > score[AS_REJECTED];
    s->margin += (score[AS_CHOSEN] - score[AS_REJECTED]) / n;
    s->chosen += score[AS_CHOSEN] / n;
    s->rejected += score[AS_REJECTED] / n;
    coef[AS_CHOSEN] = (by_chosen + 2 * c * sum) / n;
    coef[AS_REJECTED] = (-by_chosen + 2 * c * sum) / n;
}

/* Forward and backward of what was put together. */
static int compute(as_rm *rm, const pairs_work *w, as_rm_stats *stats, as_err *err)
{
    int rc = as_scoring_forward(&rm->pass, rm->score, err);
    for (int64_t i = 0; i < rm->pass.n_texts && rc == 0; i += 2)
        take_pair(rm, (double)w->n, rm->score + i, rm->coef + i, stats);
    if (rc == 0 && w->learns)
        rc = as_run_backward_scores(rm->pass.run, NULL, NULL, rm->coef, rm->o->grads, err);
    as_scoring_clear(&rm->pass);
    return rc;
}

static int go_through(as_rm *rm, const pairs_work *w, as_rm_stats *stats, as_err *err)
{
    int rc = 0;
    stats->pairs = w->n;
    for (size_t i = 0; i < w->n && rc == 0; i++) {
        const as_pair *p = pair_at(w, i);
        const size_t tokens = (size_t)p->n[AS_CHOSEN] + p->n[AS_REJECTED];
        if (!as_scoring_fits(&rm->pass, tokens, 2) && rm->pass.n_texts > 0)
            rc = compute(rm, w, stats, err);
        if (rc == 0 && !as_scoring_fits(&rm->pass, tokens, 2))
            rc = as_fail(err, AS_EUSAGE, "a pair of %zu tokens does not fit a pass of %lld", tokens,
                         (long long)rm->pass.most_tokens);
        for (int k = AS_CHOSEN; k <= AS_REJECTED && rc == 0; k++)
            as_scoring_put(&rm->pass, w->pairs->ids + p->begin[k], p->n[k]);
        stats->tokens += tokens;
    }
    if (rc == 0)
        rc = compute(rm, w, stats, err);
    as_scoring_clear(&rm->pass);
    stats->accuracy = (double)stats->right / (double)w->n;
    return rc;
}

/* ---- public ---- */

int as_rm_learn(as_rm *rm, const as_pairs *pairs, const size_t *which, size_t n, uint64_t step,
                as_rm_stats *stats, as_err *err)
{
    const pairs_work w = { .pairs = pairs, .which = which, .n = n, .learns = true };
    *stats = (as_rm_stats){ .lr = as_schedule_lr(&rm->options.schedule, step) };
    if (n == 0)
        return as_fail(err, AS_EUSAGE, "there is no pair to learn from");
    int rc = as_optimizer_zero(rm->o, err);
    if (rc == 0)
        rc = go_through(rm, &w, stats, err);
    return rc == 0 ? as_optimizer_step(rm->o, step, stats->lr, &stats->grad_norm, err) : rc;
}

int as_rm_step(as_rm *rm, const as_pairs *pairs, uint64_t step, as_rm_stats *stats, as_err *err)
{
    if (pairs->n == 0)
        return as_fail(err, AS_EDATA, "there is no pair to learn from");
    if (pairs->n != rm->n_order) {
        uint32_t *order = as_realloc_array(rm->order, pairs->n, sizeof *order);
        if (!order)
            return as_fail(err, AS_ENOMEM, "no memory for the order of %zu pairs", pairs->n);
        rm->order = order;
        rm->n_order = pairs->n;
        rm->epoch = UINT64_MAX;
    }
    for (uint64_t i = 0; i < rm->options.pairs; i++)
        rm->drawn[i] = as_pairs_draw(pairs, rm->options.seed, (step - 1) * rm->options.pairs + i,
                                     rm->order, &rm->epoch);
    return as_rm_learn(rm, pairs, rm->drawn, rm->options.pairs, step, stats, err);
}

int as_rm_measure(as_rm *rm, const as_pairs *pairs, as_rm_stats *stats, as_err *err)
{
    const pairs_work w = { .pairs = pairs, .n = pairs->n };
    *stats = (as_rm_stats){ 0 };
    if (pairs->n == 0)
        return as_fail(err, AS_EUSAGE, "there is no pair to measure");
    return go_through(rm, &w, stats, err);
}

int as_rm_score(as_rm *rm, const as_scoring_text *texts, size_t n, double *score, as_err *err)
{
    return as_scoring_all(&rm->pass, texts, n, score, err);
}
