/* verify_write.c -- the writing end of `assay verify`: rows in input order, duplicates found,
 * counts kept. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static void note_slow(verify_counts *c, as_str id, double ms)
{
    if (ms <= c->slowest[VERIFY_N_SLOWEST - 1].ms)
        return;
    int at = VERIFY_N_SLOWEST - 1;
    for (; at > 0 && ms > c->slowest[at - 1].ms; at--)
        c->slowest[at] = c->slowest[at - 1];
    c->slowest[at].ms = ms;
    int len = (int)(id.len < sizeof c->slowest->id ? id.len : sizeof c->slowest->id - 1);
    (void)snprintf(c->slowest[at].id, sizeof c->slowest[at].id, "%.*s", len,
                   id.data ? id.data : "");
}

/* ---- rules ---- */

#define OTHERS "(other)" /* plain "other" is a rule of some verifiers */

/* The name a rule is counted under. Names go to a terminal: what is not one printable word is
 * OTHERS. */
static as_str rule_name(as_str rule)
{
    if (!rule.data || rule.len == 0)
        return AS_LIT("-");
    if (rule.len > VERIFY_RULE_BYTES)
        return AS_LIT(OTHERS);
    for (size_t i = 0; i < rule.len; i++)
        if ((unsigned char)rule.data[i] <= 0x20 || (unsigned char)rule.data[i] >= 0x7f)
            return AS_LIT(OTHERS);
    return rule;
}

/* The place of a name, a new one while `n_max` allows it; NULL: full. */
static verify_rule *rule_place(verify_counts *c, as_str name, size_t n_max)
{
    for (size_t i = 0; i < c->n_rules; i++)
        if (c->rules[i].name[name.len] == '\0' &&
            memcmp(c->rules[i].name, name.data, name.len) == 0)
            return &c->rules[i];
    if (c->n_rules >= n_max)
        return NULL;
    verify_rule *r = &c->rules[c->n_rules++];
    memcpy(r->name, name.data, name.len); /* zero before: the name ends */
    return r;
}

static void count_rule(verify_counts *c, const verify_row *row)
{
    verify_rule *r = rule_place(c, rule_name(row->rule), VERIFY_MAX_RULES);
    if (!r)
        r = rule_place(c, AS_LIT(OTHERS), VERIFY_MAX_RULES + 1);
    r->items++;
    r->by_verdict[row->verdict & 7]++;
}

/* ---- rows ---- */

verify_row verify_row_of(const as_item *item, const as_results *r, uint32_t i)
{
    return (verify_row){ .id = item->id,
                         .rule = as_results_get(r, i, ASSAY_OUT_RULE),
                         .verdict = r->verdict[i],
                         .cached = r->cached[i],
                         .score = r->score[i],
                         .ms = r->ms[i] };
}

void verify_count(verify_counts *c, const verify_row *row)
{
    c->items++;
    c->by_verdict[row->verdict & 7]++;
    c->cached += row->cached;
    if (as_verdict_is_scored(row->verdict) && !isnan(row->score)) {
        c->score_sum += (double)row->score;
        c->n_score++;
    }
    note_slow(c, row->id, (double)row->ms);
    count_rule(c, row);
}

/* How many rows may be written: all, or those before a duplicate id. */
static uint32_t check_ids(verify_run *v, verify_task *t, as_err *err)
{
    for (uint32_t i = 0; t->id_hash && i < t->n; i++) {
        const as_item *item = &t->items[i];
        if (!item->id.data)
            continue;
        bool was_full = v->ids.is_full;
        int64_t before = as_seen_add(&v->ids, t->id_hash[i], item->line_no, err);
        if (before < 0)
            return i;
        if (before > 0) {
            (void)as_fail(err, AS_EDATA,
                          "%s:%" PRIu64 ": duplicate id %.*s, first on line %" PRId64
                          "; results could not be told apart (--allow-duplicate-ids accepts it)",
                          as_lines_name(v->lines), item->line_no,
                          (int)(item->id.len < 60 ? item->id.len : 60), item->id.data, before);
            return i;
        }
        if (v->ids.is_full && !was_full)
            as_cli_say("warning: duplicate ids are looked for among the first %d ids only; this "
                       "input has more",
                       VERIFY_MAX_IDS);
    }
    return t->n;
}

static void show_bad(verify_run *v, const verify_task *t)
{
    for (uint64_t i = 0; i < t->n_bad && i < VERIFY_SHOWN_BAD && t->bad; i++)
        if (v->counts.n_bad + i < VERIFY_SHOWN_BAD)
            as_cli_say("warning: skipped %s", t->bad[i].text);
    v->counts.n_bad += t->n_bad;
}

static int write_rows(verify_run *v, const verify_task *t, uint32_t n, as_err *err)
{
    uint32_t base = v->by_group ? 0 : t->n_mute;
    for (uint32_t i = 0; i < n; i++) {
        v->counts.n_reference += t->items[i].reference.data != NULL;
        v->counts.n_replaced += t->items[i].n_replaced;
        if (i < t->n_mute)
            continue;
        verify_row row = verify_row_of(&t->items[i], &t->results, i - base);
        verify_count(&v->counts, &row);
    }
    if (n <= t->n_mute)
        return 0;
    int rc = as_sink_write(v->sink, (as_str){ t->out.data, t->row_end[n - 1] }, err);
    return rc == 0 ? as_sink_flush(v->sink, err) : rc;
}

int verify_consume(void *ctx, void *task, as_err *err)
{
    verify_run *v = ctx;
    verify_task *t = task;
    as_err why = { 0 };
    uint32_t n = check_ids(v, t, &why);
    show_bad(v, t);
    int rc = write_rows(v, t, n, err);
    if (rc == 0 && why.code)
        rc = as_fail(err, why.code, "%s", why.text);
    if (rc == 0 && t->stop.code)
        rc = as_fail(err, t->stop.code, "%s", t->stop.text);
    as_progress_at(v->progress, v->counts.items, t->at, t->of);
    verify_task_done(v, t);
    return rc;
}
