/* tally.c -- counts, reasons and the slowest items of a step, and the alarm where too many rows
 * have no reward. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "reward/inner.h"

#include <math.h>
#include <stdlib.h>

enum { SENTENCE_MAX = 4000 };

/* ---- why rows were not scored ---- */

static int by_reason(const void *a, const void *b)
{
    const as_reward_reason *x = a;
    const as_reward_reason *y = b;
    int by_text = as_str_cmp(x->text, y->text);
    return by_text ? by_text : (x->verdict > y->verdict) - (x->verdict < y->verdict);
}

static bool comes_before(const as_reward_reason *x, const as_reward_reason *y)
{
    return x->n != y->n ? x->n > y->n : by_reason(x, y) < 0;
}

static void enter_reason(as_reward_part_stats *s, as_reward_reason reason)
{
    uint32_t at = s->n_reasons;
    while (at > 0 && comes_before(&reason, &s->reasons[at - 1]))
        at--;
    if (at == AS_REWARD_REASONS)
        return;
    s->n_reasons += s->n_reasons < AS_REWARD_REASONS;
    for (uint32_t i = s->n_reasons - 1; i > at; i--)
        s->reasons[i] = s->reasons[i - 1];
    s->reasons[at] = reason;
}

static int tally_reasons(as_reward *w, const part *p, as_reward_part_stats *s, as_err *err)
{
    uint32_t n = s->n_abstained + s->n_errors;
    uint32_t at = 0;
    if (!n)
        return 0;
    as_reward_reason *all = as_arena_calloc(&w->arena, n, sizeof *all);
    if (!all)
        return as_fail(err, AS_ENOMEM, "counting reasons: out of memory");
    for (uint32_t row = 0; row < w->n_rows; row++) {
        if (as_verdict_is_scored(p->said.verdict[row]))
            continue;
        as_str text = p->said.reason[row];
        all[at++] = (as_reward_reason){ .text = text.data ? text : AS_LIT("no reason given"),
                                        .verdict = p->said.verdict[row] };
    }
    qsort(all, n, sizeof *all, by_reason);
    for (uint32_t lo = 0, hi = 0; lo < n; lo = hi) {
        while (hi < n && by_reason(&all[lo], &all[hi]) == 0)
            hi++;
        all[lo].n = hi - lo;
        enter_reason(s, all[lo]);
    }
    return 0;
}

/* ---- one verifier ---- */

static void enter_slow(as_reward_part_stats *s, uint32_t row, as_str id, float ms)
{
    uint32_t at = s->n_slow;
    while (at > 0 && ms > s->slow[at - 1].ms)
        at--;
    if (at == AS_REWARD_SLOWEST)
        return;
    s->n_slow += s->n_slow < AS_REWARD_SLOWEST;
    for (uint32_t i = s->n_slow - 1; i > at; i--)
        s->slow[i] = s->slow[i - 1];
    s->slow[at] = (as_reward_slow){ row, id, ms };
}

static int tally_part(as_reward *w, const part *p, as_reward_part_stats *s, as_err *err)
{
    for (uint32_t row = 0; row < w->n_rows; row++) {
        assay_verdict v = p->said.verdict[row];
        s->n_cached += p->said.cached[row];
        if (!p->said.cached[row])
            enter_slow(s, row, w->items[row].id, p->said.ms[row]);
        if (!as_verdict_is_scored(v)) {
            s->n_abstained += v == ASSAY_ABSTAIN;
            s->n_errors += v != ASSAY_ABSTAIN;
            continue;
        }
        s->n_scored++;
        s->n_passed += v == ASSAY_PASS;
        s->sum += (double)p->said.score[row];
    }
    s->mean = s->n_scored ? s->sum / s->n_scored : (double)NAN;
    s->calls = p->calls;
    s->seconds = (double)p->busy_ns / 1e9;
    return tally_reasons(w, p, s, err);
}

/* ---- the rewards ---- */

static void tally_rewards(as_reward *w)
{
    as_reward_stats *s = &w->stats;
    double sum = 0;
    double squares = 0;
    uint32_t n = 0;
    for (uint32_t row = 0; row < w->n_rows; row++) {
        const as_reward_row *r = &w->rows[row];
        const part *p = &w->parts[r->part];
        s->n_unscored += r->is_unscored;
        s->n_passed += r->verdict == ASSAY_PASS;
        s->n_gated += !r->is_unscored && p->is_gate && p->said.verdict[row] != ASSAY_PASS;
        n += !r->is_unscored;
        sum += r->is_unscored ? 0 : r->score;
    }
    s->mean = n ? sum / n : (double)NAN;
    for (uint32_t row = 0; row < w->n_rows; row++) {
        double d = w->rows[row].is_unscored ? 0 : w->rows[row].score - s->mean;
        squares += d * d;
    }
    s->std = n > 1 ? sqrt(squares / (n - 1)) : (double)NAN;
}

int as_reward_tally(as_reward *w, as_err *err)
{
    as_reward_part_stats *parts = as_arena_calloc(&w->arena, w->n_parts, sizeof *parts);
    if (!parts)
        return as_fail(err, AS_ENOMEM, "counting verdicts: out of memory");
    w->stats = (as_reward_stats){ .n_rows = w->n_rows, .n_parts = w->n_parts, .parts = parts };
    for (uint32_t k = 0; k < w->n_parts; k++) {
        int rc = tally_part(w, &w->parts[k], &parts[k], err);
        if (rc < 0)
            return rc;
        w->stats.seconds += parts[k].seconds;
    }
    tally_rewards(w);
    return 0;
}

const as_reward_stats *as_reward_get_stats(const as_reward *w)
{
    return &w->stats;
}

/* ---- the alarm ---- */

static void describe_unscored(const as_reward *w, as_buf *out)
{
    for (uint32_t k = 0; k < w->n_parts; k++) {
        const as_reward_part_stats *s = &w->stats.parts[k];
        if (w->parts[k].is_watched || !s->n_reasons)
            continue;
        const as_reward_reason *most = &s->reasons[0];
        as_buf_addf(out, "; %s: %u error, %u abstain, mostly \"%.*s\"", w->parts[k].name,
                    s->n_errors, s->n_abstained, most->text.len < 120 ? (int)most->text.len : 120,
                    most->text.data);
    }
}

int as_reward_gate(as_reward *w, as_err *err)
{
    uint32_t size = w->options.window;
    uint64_t n = 0;
    uint64_t n_unscored = 0;
    w->window[w->n_gates % size].n_rows = w->stats.n_rows;
    w->window[w->n_gates % size].n_unscored = w->stats.n_unscored;
    w->n_gates++;
    for (uint32_t i = 0; i < size && i < w->n_gates; i++) {
        n += w->window[i].n_rows;
        n_unscored += w->window[i].n_unscored;
    }
    if (!n || (double)n_unscored <= w->options.max_unscored * (double)n)
        return 0;
    AS_CLEANUP(buf) as_buf why = { 0 };
    as_buf_init(&why, SENTENCE_MAX);
    describe_unscored(w, &why);
    return as_fail(err, AS_EGATE,
                   "%llu of %llu responses (%.1f %%) have no reward, more than %g %%%s; mend it, "
                   "or allow more by --max-unscored",
                   (unsigned long long)n_unscored, (unsigned long long)n,
                   100.0 * (double)n_unscored / (double)n, 100 * w->options.max_unscored,
                   why.len ? why.data : "");
}
