/* ttrl_vote.c -- the labeller of `assay ttrl`: once all answers to a batch are there they vote, and
 * rewards say who agrees with the winner. Answers are extracted without a reference, so that none
 * can leak into a label; what the verifier says of the reference is watched, and nothing else.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/ttrl.h"

#include "base/mem.h"

#include <math.h>
#include <stdio.h>

int ttrl_labels_open(void *own, rl *s, as_err *err)
{
    ttrl_run *t = own;
    t->s = s;
    const as_scorer *watched = as_reward_part_scorer(s->reward, 0);
    const as_scorer_options how = { .isolation = as_scorer_isolation(watched),
                                    .threads = (unsigned)s->t.opts->threads,
                                    .timeout_ms = (unsigned)s->own.timeout_ms,
                                    .cache = s->cache,
                                    .cancel = as_cli_cancel() };
    AS_CLEANUP(buf) as_buf name = { 0 };
    as_buf_init(&name, 1 << 20);
    if (!as_scorer_votes(watched))
        return as_fail(err, AS_EUSAGE,
                       "\"plugin\": %s has no answers that could vote (%s; `assay plugin list` "
                       "shows which have)",
                       as_scorer_info(watched)->id, ASSAY_EXT_ANSWER);
    int rc = rl_name_verifier(t->own.plugin, &name, err);
    if (rc == 0)
        rc = as_scorer_open(&t->scorer, s->registry, name.data, &how, err);
    return rc == 0 ? ttrl_watch_open(t, err) : rc;
}

/* ---- answers ---- */

static int same(void *ctx, as_str a, as_str b)
{
    return as_scorer_same(ctx, a, b);
}

static int extract(ttrl_run *t, const as_rollouts *r, as_results *out, as_err *err)
{
    const size_t n = r->n;
    as_items items = { .n = (uint32_t)n };
    as_str **const columns[] = { &items.prompt, &items.completion, &items.reference, &items.meta };
    bool ok = true;
    for (size_t i = 0; i < sizeof columns / sizeof *columns; i++) {
        *columns[i] = as_arena_calloc(&t->arena, n, sizeof(as_str));
        ok = ok && *columns[i];
    }
    items.group = as_arena_calloc(&t->arena, n, sizeof *items.group);
    items.seed = as_arena_calloc(&t->arena, n, sizeof *items.seed);
    if (!ok || !items.group || !items.seed)
        return as_fail(err, AS_ENOMEM, "no memory for the answers of %zu responses", n);
    for (size_t i = 0; i < n; i++) {
        items.prompt[i] = r->items[r->rows[i].group]->prompt;
        items.completion[i] = r->rows[i].text;
        items.group[i] = r->rows[i].group;
    }
    return as_scorer_extract(t->scorer, &items, &t->arena, out, err);
}

/* ---- one batch ---- */

typedef struct ballot { /* [rows] */
    as_results said;
    as_str *key, *answer;
    double *sum_logp, *reward, *right;
    bool *is_out;
} ballot;

static double sum_logp(const as_rollouts *r, size_t row)
{
    double sum = 0;
    for (uint32_t i = 0; i < r->rows[row].n; i++)
        sum += (double)r->logp[r->rows[row].begin + i];
    return sum;
}

static int fill(ttrl_run *t, ballot *b, const as_rollouts *r, const as_reward_row *rows,
                as_err *err)
{
    as_arena *a = &t->arena;
    b->key = as_arena_calloc(a, r->n, sizeof *b->key);
    b->answer = as_arena_calloc(a, r->n, sizeof *b->answer);
    b->sum_logp = as_arena_calloc(a, r->n, sizeof *b->sum_logp);
    b->reward = as_arena_calloc(a, r->n, sizeof *b->reward);
    b->right = as_arena_calloc(a, r->n, sizeof *b->right);
    b->is_out = as_arena_calloc(a, r->n, sizeof *b->is_out);
    if (!b->key || !b->answer || !b->sum_logp || !b->reward || !b->right || !b->is_out)
        return as_fail(err, AS_ENOMEM, "no memory for a vote of %zu responses", r->n);
    for (size_t i = 0; i < r->n; i++) {
        const assay_verdict v = rows[i].verdicts[0];
        b->key[i] = as_results_get(&b->said, (uint32_t)i, ASSAY_OUT_KEY);
        b->answer[i] = as_results_get(&b->said, (uint32_t)i, ASSAY_OUT_ANSWER);
        if (!b->answer[i].data)
            b->answer[i] = b->key[i];
        b->sum_logp[i] = sum_logp(r, i);
        b->is_out[i] = b->said.verdict[i] != ASSAY_PASS;
        b->right[i] = as_verdict_is_scored(v) ? (double)(v == ASSAY_PASS) : (double)NAN;
    }
    return 0;
}

/* How the label's own answer is written as a key: of the first that says it so. */
static as_str key_of(const ballot *b, const ttrl_label *l, size_t from, size_t n)
{
    for (size_t i = from; l->text.data && i < from + n; i++)
        if (b->reward[i] == 1 && as_str_eq(b->answer[i], l->text))
            return b->key[i];
    return l->text;
}

/* What the loss is told of a row. */
static void put_row(as_reward_row *row, const ballot *b, size_t i, const ttrl_voted *v)
{
    row->score = b->reward[i];
    row->is_unscored = b->is_out[i] || !v->label->text.data || !v->is_sure;
    row->rule = row->reason = (as_str){ NULL, 0 };
    row->part = 0;
    if (b->is_out[i]) {
        row->verdict = ASSAY_ERROR;
        row->reason = as_results_get(&b->said, (uint32_t)i, ASSAY_OUT_REASON);
    } else if (row->is_unscored) {
        row->verdict = ASSAY_ABSTAIN;
        row->reason = !v->label->text.data ? AS_LIT("the vote has no winner")
                                           : AS_LIT("the winner's lead may be an accident");
    } else {
        row->verdict = b->reward[i] == 1 ? ASSAY_PASS
                       : b->key[i].len   ? ASSAY_FAIL
                                         : ASSAY_NO_ANSWER;
    }
    if (row->is_unscored)
        row->score = (double)NAN;
}

static int vote(ttrl_run *t, const ballot *b, const as_rollouts *r, size_t group,
                as_reward_row *rows, as_err *err)
{
    const size_t at = group * r->each;
    ttrl_label l = { 0 };
    const ttrl_answers answers = { .n = (uint32_t)r->each,
                                   .key = b->key + at,
                                   .answer = b->answer + at,
                                   .sum_logp = b->sum_logp + at,
                                   .is_out = b->is_out + at,
                                   .same = t->own.vote == TTRL_BY_CLASS ? same : NULL,
                                   .ctx = t->scorer };
    int rc = ttrl_vote(&l, &answers, (as_tie_rule)t->own.tie, b->reward + at, &t->arena, err);
    if (rc < 0)
        return rc;
    const ttrl_voted v = { .label = &l,
                           .rollouts = r,
                           .group = group,
                           .row = at,
                           .key = key_of(b, &l, at, r->each),
                           .reward = b->reward + at,
                           .right = b->right + at,
                           .is_sure = t->own.confidence == 0 || l.chance <= 1 - t->own.confidence };
    for (size_t i = at; i < at + r->each; i++)
        put_row(&rows[i], b, i, &v);
    return ttrl_watch_prompt(t, &v, err);
}

/* Where too many answers could not be read, as assay train stops where too many have no reward. */
static int check_failed(const ttrl_run *t, const ballot *b, size_t n, as_err *err)
{
    size_t failed = 0;
    const char *why = "";
    for (size_t i = n; i-- > 0;) {
        if (!b->is_out[i])
            continue;
        const as_str reason = as_results_get(&b->said, (uint32_t)i, ASSAY_OUT_REASON);
        failed++;
        why = reason.data ? reason.data : "no reason was given";
    }
    if ((double)failed <= t->s->own.max_unscored * (double)n)
        return 0;
    return as_fail(err, AS_EGATE,
                   "the answers of %zu of %zu responses could not be read, more than "
                   "\"max_unscored\" %g allows; the first: %.200s",
                   failed, n, t->s->own.max_unscored, why);
}

int ttrl_labels_put(void *own, const as_rollouts *r, as_reward_row *rows, as_err *err)
{
    ttrl_run *t = own;
    ballot b = { 0 };
    as_arena_reset(&t->arena);
    int rc = extract(t, r, &b.said, err);
    if (rc == 0)
        rc = fill(t, &b, r, rows, err);
    for (size_t g = 0; rc == 0 && g < r->n_groups; g++)
        rc = vote(t, &b, r, g, rows, err);
    return rc == 0 ? check_failed(t, &b, r->n, err) : rc;
}
