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

struct ttrl_ballot { /* [rows] */
    as_str *key, *answer, *reason;
    double *sum_logp, *reward, *right;
    bool *is_out;
    uint32_t *read;   /* [groups] the first so many rows of each have been read */
    bool *is_decided; /* [groups] */
};

static int ballot_new(ttrl_run *t, const as_rollouts *r, as_err *err)
{
    as_arena *a = &t->arena;
    as_arena_reset(a);
    ttrl_ballot *b = t->ballot = as_arena_calloc(a, 1, sizeof *b);
    if (!b)
        return as_fail(err, AS_ENOMEM, "no memory for a vote of %zu responses", r->n);
    b->key = as_arena_calloc(a, r->n, sizeof *b->key);
    b->answer = as_arena_calloc(a, r->n, sizeof *b->answer);
    b->reason = as_arena_calloc(a, r->n, sizeof *b->reason);
    b->sum_logp = as_arena_calloc(a, r->n, sizeof *b->sum_logp);
    b->reward = as_arena_calloc(a, r->n, sizeof *b->reward);
    b->right = as_arena_calloc(a, r->n, sizeof *b->right);
    b->is_out = as_arena_calloc(a, r->n, sizeof *b->is_out);
    b->read = as_arena_calloc(a, r->n_groups, sizeof *b->read);
    b->is_decided = as_arena_calloc(a, r->n_groups, sizeof *b->is_decided);
    const bool ok = b->key && b->answer && b->reason && b->sum_logp && b->reward && b->right &&
                    b->is_out && b->read && b->is_decided;
    return ok ? 0 : as_fail(err, AS_ENOMEM, "no memory for a vote of %zu responses", r->n);
}

static int same(void *ctx, as_str a, as_str b)
{
    return as_scorer_same(ctx, a, b);
}

static int extract(ttrl_run *t, const as_rollouts *r, const size_t *row, size_t n, as_results *out,
                   as_err *err)
{
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
        const as_rollout *one = &r->rows[row[i]];
        items.prompt[i] = r->items[one->group]->prompt;
        items.completion[i] = one->text;
        items.group[i] = one->group;
    }
    return as_scorer_extract(t->scorer, &items, &t->arena, out, err);
}

static double sum_logp(const as_rollouts *r, size_t row)
{
    double sum = 0;
    for (uint32_t i = 0; i < r->rows[row].n; i++)
        sum += (double)r->logp[r->rows[row].begin + i];
    return sum;
}

/* What the responses say that have come since the last time. */
static int read_answers(ttrl_run *t, const as_rollouts *r, as_err *err)
{
    ttrl_ballot *b = t->ballot;
    as_results said;
    size_t n = 0;
    size_t *row = as_arena_calloc(&t->arena, r->n, sizeof *row);
    if (!row)
        return as_fail(err, AS_ENOMEM, "no memory for a vote of %zu responses", r->n);
    for (size_t g = 0; g < r->n_groups; g++)
        for (; b->read[g] < r->drawn[g]; b->read[g]++)
            row[n++] = g * r->each + b->read[g];
    int rc = n ? extract(t, r, row, n, &said, err) : 0;
    for (uint32_t i = 0; i < n && rc == 0; i++) {
        const size_t at = row[i];
        b->key[at] = as_results_get(&said, i, ASSAY_OUT_KEY);
        b->answer[at] = as_results_get(&said, i, ASSAY_OUT_ANSWER);
        b->reason[at] = as_results_get(&said, i, ASSAY_OUT_REASON);
        if (!b->answer[at].data)
            b->answer[at] = b->key[at];
        b->sum_logp[at] = sum_logp(r, at);
        b->is_out[at] = said.verdict[i] != ASSAY_PASS;
    }
    return rc;
}

/* How the label's own answer is written as a key: of the first that says it so. */
static as_str key_of(const ttrl_ballot *b, const ttrl_label *l, size_t from, size_t n)
{
    for (size_t i = from; l->text.data && i < from + n; i++)
        if (b->reward[i] == 1 && as_str_eq(b->answer[i], l->text))
            return b->key[i];
    return l->text;
}

/* What the loss is told of a row. */
static void put_row(as_reward_row *row, const ttrl_ballot *b, size_t i, const ttrl_voted *v)
{
    row->score = b->reward[i];
    row->is_unscored = b->is_out[i] || !v->label->text.data || !v->is_sure;
    row->rule = row->reason = (as_str){ NULL, 0 };
    row->part = 0;
    if (b->is_out[i]) {
        row->verdict = ASSAY_ERROR;
        row->reason = b->reason[i];
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

static int count(ttrl_run *t, ttrl_label *l, const as_rollouts *r, size_t group, as_err *err)
{
    const ttrl_ballot *b = t->ballot;
    const size_t at = group * r->each;
    const bool by_class = t->own.vote == TTRL_BY_CLASS;
    const ttrl_answers answers = { .n = r->drawn[group],
                                   .key = (by_class ? b->key : b->answer) + at,
                                   .answer = b->answer + at,
                                   .sum_logp = b->sum_logp + at,
                                   .is_out = b->is_out + at,
                                   .same = by_class ? same : NULL,
                                   .ctx = t->scorer };
    return ttrl_vote(l, &answers, (as_tie_rule)t->own.tie, b->reward + at, &t->arena, err);
}

static int vote(ttrl_run *t, const as_rollouts *r, size_t group, as_reward_row *rows, as_err *err)
{
    const ttrl_ballot *b = t->ballot;
    const size_t at = group * r->each, n = r->drawn[group];
    ttrl_label l = { 0 };
    int rc = count(t, &l, r, group, err);
    if (rc < 0)
        return rc;
    for (size_t i = at; i < at + n; i++) {
        const assay_verdict v = rows[i].verdicts[0];
        b->right[i] = as_verdict_is_scored(v) ? (double)(v == ASSAY_PASS) : (double)NAN;
    }
    const ttrl_voted v = { .label = &l,
                           .rollouts = r,
                           .group = group,
                           .row = at,
                           .n = n,
                           .key = key_of(b, &l, at, n),
                           .reward = b->reward + at,
                           .right = b->right + at,
                           .is_sure = t->own.confidence == 0 || l.chance <= 1 - t->own.confidence };
    for (size_t i = at; i < at + n; i++)
        put_row(&rows[i], b, i, &v);
    return ttrl_watch_prompt(t, &v, err);
}

/* Where too many answers could not be read, as assay train stops where too many have no reward. */
static int check_failed(const ttrl_run *t, const as_rollouts *r, as_err *err)
{
    const ttrl_ballot *b = t->ballot;
    size_t failed = 0, n = 0;
    const char *why = "";
    for (size_t i = r->n; i-- > 0;) {
        n += i % r->each < r->drawn[i / r->each];
        if (!b->is_out[i])
            continue;
        failed++;
        why = b->reason[i].data ? b->reason[i].data : "no reason was given";
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
    int rc = t->own.sequential ? 0 : ballot_new(t, r, err);
    if (rc == 0)
        rc = read_answers(t, r, err);
    for (size_t g = 0; rc == 0 && g < r->n_groups; g++)
        rc = vote(t, r, g, rows, err);
    return rc == 0 ? check_failed(t, r, err) : rc;
}

/* ---- sequential voting ---- */

int ttrl_waves_read(ttrl_run *t, const char *file, as_err *err)
{
    static const as_setting table[] = { { .key = "error",
                                          .type = AS_SETTING_NUMBER,
                                          .offset = offsetof(ttrl_waves, error),
                                          .most = 0.5 },
                                        { .key = "wave",
                                          .type = AS_SETTING_UINT,
                                          .offset = offsetof(ttrl_waves, wave),
                                          .least = 1,
                                          .most = 65536 },
                                        { .key = NULL } };
    char what[200];
    t->waves = (ttrl_waves){ .error = 0.1, .wave = 8 };
    (void)snprintf(what, sizeof what, "%.180s: \"sequential\"", file);
    return t->own.sequential ? as_settings_read(&t->waves, t->own.sequential, table, what, err) : 0;
}

/* How many responses a prompt is to have, after those it has. */
static int next_wave(ttrl_run *t, const as_rollouts *r, size_t group, uint32_t *upto, as_err *err)
{
    ttrl_ballot *b = t->ballot;
    const uint64_t drawn = r->drawn[group], most = r->each;
    const uint64_t next = drawn ? drawn + t->waves.wave : t->s->own.n;
    ttrl_label l;
    *upto = (uint32_t)drawn;
    if (drawn == most || b->is_decided[group])
        return 0;
    if (drawn) {
        int rc = count(t, &l, r, group, err);
        if (rc < 0)
            return rc;
        b->is_decided[group] =
            ttrl_is_enough(&l, (uint32_t)(most - drawn), t->waves.error, t->own.confidence);
        if (b->is_decided[group])
            return 0;
    }
    *upto = (uint32_t)(next < most ? next : most);
    return 1;
}

int ttrl_labels_more(void *own, const as_rollouts *r, uint32_t *upto, as_err *err)
{
    ttrl_run *t = own;
    int more = 0;
    int rc = r->drawn[0] ? 0 : ballot_new(t, r, err);
    if (rc == 0)
        rc = read_answers(t, r, err);
    for (size_t g = 0; rc >= 0 && g < r->n_groups; g++) {
        rc = next_wave(t, r, g, &upto[g], err);
        more = more || rc > 0;
    }
    return rc < 0 ? rc : more;
}
