/* verify_summary.c -- what `assay verify` says at the end: a table for people, an object for
 * programs, the gates. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/verify.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

static const assay_verdict shown[] = { ASSAY_PASS,    ASSAY_FAIL,    ASSAY_NO_ANSWER,
                                       ASSAY_TIMEOUT, ASSAY_ABSTAIN, ASSAY_ERROR };
enum { N_SHOWN = sizeof shown / sizeof *shown };

static uint64_t unscored(const verify_counts *c)
{
    return c->by_verdict[ASSAY_ABSTAIN] + c->by_verdict[ASSAY_ERROR];
}

static double mean_score(const verify_counts *c)
{
    return c->n_score ? c->score_sum / (double)c->n_score : (double)NAN;
}

static const char *where(const verify_run *v)
{
    return as_isolation_place(v->plugged.scorer);
}

/* ---- for people ---- */

static void add_head(const verify_run *v, as_buf *out)
{
    char config[200];
    as_str c = as_scorer_config(v->plugged.scorer);
    (void)snprintf(config, sizeof config, "%.*s", (int)(c.len < 120 ? c.len : 120),
                   c.data ? c.data : "");
    as_buf_addf(out, "verifier    %s %s (%s, revision %" PRIu32 ")%s%s, %s, %u thread%s\n",
                as_info_short_name(v->info), v->info->version, v->info->id, v->info->revision,
                strcmp(config, "{}") == 0 ? "" : " ", strcmp(config, "{}") == 0 ? "" : config,
                where(v), as_scorer_threads(v->plugged.scorer),
                as_scorer_threads(v->plugged.scorer) == 1 ? "" : "s");
}

static void add_items(const verify_run *v, as_buf *out)
{
    const verify_counts *c = &v->counts;
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    char d[AS_TEXT_MAX];
    double s = verify_seconds(v);
    uint64_t now = c->items - c->kept;
    as_buf_addf(out, "items       %s", as_text_count(a, c->items));
    if (c->kept)
        as_buf_addf(out, " (%s of them by an earlier run)", as_text_count(b, c->kept));
    as_buf_addf(out, "  in %s", as_text_seconds(b, s));
    if (s > 0 && now > 0)
        as_buf_addf(out, "  %s items/s", as_text_count(d, (uint64_t)((double)now / s)));
    as_buf_byte(out, '\n');
}

static void add_verdicts(const verify_counts *c, as_buf *out)
{
    char count[AS_TEXT_MAX];
    char share[AS_TEXT_MAX];
    for (size_t i = 0; i < N_SHOWN; i++) {
        uint64_t n = c->by_verdict[shown[i]];
        if (n > 0 || shown[i] <= ASSAY_FAIL)
            as_buf_addf(out, "  %-9s %12s  %7s\n", as_verdict_word(shown[i]),
                        as_text_count(count, n), as_text_share(share, n, c->items));
    }
    if (c->n_score)
        as_buf_addf(out, "mean score  %.6g over %s scored", mean_score(c),
                    as_text_count(count, c->n_score));
    else
        as_buf_text(out, "mean score  none, nothing was scored");
    if (unscored(c) > 0)
        as_buf_addf(out, "; %s unscored (%s; abstain and error count in no mean)",
                    as_text_count(count, unscored(c)), as_text_share(share, unscored(c), c->items));
    as_buf_byte(out, '\n');
}

static void add_service(const verify_run *v, as_buf *out)
{
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    as_scorer_stats s = as_scorer_get_stats(v->plugged.scorer);
    if (s.cached || s.duplicates)
        as_buf_addf(out,
                    "not scored  %s from the cache (%s), %s equal to another item of their batch\n",
                    as_text_count(a, s.cached), as_text_share(b, s.cached, s.items),
                    as_text_count((char[AS_TEXT_MAX]){ 0 }, s.duplicates));
    if (s.worker_deaths || s.retried)
        as_buf_addf(
            out, "workers     %" PRIu64 " died and were replaced, %" PRIu64 " items tried again\n",
            s.worker_deaths, s.retried);
    if (v->counts.slowest[0].ms >= 10) {
        as_buf_text(out, "slowest    ");
        for (int i = 0; i < VERIFY_N_SLOWEST && v->counts.slowest[i].ms > 0; i++)
            as_buf_addf(out, "%s %s (%s)", i > 0 ? "," : "", v->counts.slowest[i].id,
                        as_text_seconds(a, v->counts.slowest[i].ms / 1e3));
        as_buf_byte(out, '\n');
    }
}

static void add_remarks(const verify_run *v, as_buf *out)
{
    const verify_counts *c = &v->counts;
    if (c->n_bad)
        as_buf_addf(out, "bad lines   %" PRIu64 " skipped: no item, no result\n", c->n_bad);
    if (c->n_replaced)
        as_buf_addf(out, "text        %" PRIu64 " lone surrogates became U+FFFD\n", c->n_replaced);
    if (v->is_empty)
        as_buf_addf(out, "note        %s holds no items\n", as_lines_name(v->lines));
    if (c->n_reference == 0 && c->items > c->kept && v->info->flags & ASSAY_F_NEEDS_REFERENCE)
        as_buf_addf(out,
                    "note        no item has a \"reference\", and %s compares with one: nothing "
                    "could be judged; "
                    "add \"reference\" to the lines\n",
                    as_info_short_name(v->info));
}

/* ---- --stats: what each rule decided ---- */

static int by_items(const void *a, const void *b)
{
    const verify_rule *x = *(const verify_rule *const *)a;
    const verify_rule *y = *(const verify_rule *const *)b;
    return x->items != y->items ? (x->items < y->items ? 1 : -1) : strcmp(x->name, y->name);
}

/* Most frequent first; returns how many. */
static size_t sort_rules(const verify_counts *c, const verify_rule *out[VERIFY_MAX_RULES + 1])
{
    for (size_t i = 0; i < c->n_rules; i++)
        out[i] = &c->rules[i];
    qsort(out, c->n_rules, sizeof *out, by_items);
    return c->n_rules;
}

static int name_width(const verify_counts *c)
{
    enum { LEAST = 9, MOST = 32 };
    size_t width = LEAST;
    for (size_t i = 0; i < c->n_rules; i++)
        if (strlen(c->rules[i].name) > width)
            width = strlen(c->rules[i].name);
    return width < MOST ? (int)width : MOST;
}

static void add_rules(const verify_counts *c, as_buf *out)
{
    const verify_rule *rules[VERIFY_MAX_RULES + 1];
    char count[AS_TEXT_MAX];
    char share[AS_TEXT_MAX];
    size_t n = sort_rules(c, rules);
    as_buf_text(out, n ? "rules       what decided, and how\n" : "rules       none, no items\n");
    for (size_t i = 0; i < n; i++) {
        const verify_rule *r = rules[i];
        as_buf_addf(out, "  %-*s %12s  %7s ", name_width(c), r->name,
                    as_text_count(count, r->items), as_text_share(share, r->items, c->items));
        for (size_t k = 0; k < N_SHOWN; k++)
            if (r->by_verdict[shown[k]])
                as_buf_addf(out, "  %s %s", as_verdict_word(shown[k]),
                            as_text_count(count, r->by_verdict[shown[k]]));
        as_buf_byte(out, '\n');
    }
}

void verify_summary_text(const verify_run *v, as_buf *out)
{
    add_head(v, out);
    add_items(v, out);
    if (v->counts.items)
        add_verdicts(&v->counts, out);
    add_service(v, out);
    add_remarks(v, out);
    if (strcmp(v->opts->out, "-") != 0)
        as_buf_addf(out, "next        assay passk --in %s\n", v->opts->out);
    else
        as_buf_text(out, "next        keep the results (--out verdicts.jsonl), then assay passk "
                         "--in verdicts.jsonl\n");
    if (v->opts->stats)
        add_rules(&v->counts, out);
}

/* ---- for programs ---- */

static void add_u64(as_buf *out, const char *key, uint64_t n)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, n);
}

static void add_num(as_buf *out, const char *key, double v)
{
    as_buf_json_key(out, key);
    as_buf_json_num(out, v);
}

static void add_str(as_buf *out, const char *key, const char *text)
{
    as_buf_json_key(out, key);
    as_buf_json_str(out, as_str_of(text));
}

static void add_counts(as_buf *out, uint64_t items, const uint64_t by_verdict[8])
{
    add_u64(out, "items", items);
    for (size_t i = 0; i < N_SHOWN; i++)
        add_u64(out, as_verdict_word(shown[i]), by_verdict[shown[i]]);
}

void verify_counts_json(const verify_run *v, as_buf *out)
{
    as_buf_byte(out, '{');
    add_counts(out, v->counts.items, v->counts.by_verdict);
    as_buf_byte(out, '}');
}

static void add_rules_json(const verify_counts *c, as_buf *out)
{
    const verify_rule *rules[VERIFY_MAX_RULES + 1];
    size_t n = sort_rules(c, rules);
    as_buf_json_key(out, "rules");
    as_buf_byte(out, '[');
    for (size_t i = 0; i < n; i++) {
        as_buf_text(out, i > 0 ? ",{" : "{");
        add_str(out, "rule", rules[i]->name);
        add_counts(out, rules[i]->items, rules[i]->by_verdict);
        as_buf_byte(out, '}');
    }
    as_buf_byte(out, ']');
}

static void add_verifier(const verify_run *v, as_buf *out)
{
    as_buf_json_key(out, "verifier");
    as_buf_byte(out, '{');
    add_str(out, "id", v->info->id);
    add_str(out, "version", v->info->version);
    add_u64(out, "revision", v->info->revision);
    as_buf_json_key(out, "config");
    as_buf_add(out, as_scorer_config(v->plugged.scorer));
    add_str(out, "isolation", as_isolation_word(v->plugged.scorer));
    add_u64(out, "threads", as_scorer_threads(v->plugged.scorer));
    as_buf_byte(out, '}');
}

static void add_scorer_stats(const verify_run *v, as_buf *out)
{
    as_scorer_stats s = as_scorer_get_stats(v->plugged.scorer);
    add_u64(out, "cache_hits", s.cached);
    add_u64(out, "duplicates", s.duplicates);
    add_u64(out, "retried", s.retried);
    add_u64(out, "worker_starts", s.worker_starts);
    add_u64(out, "worker_deaths", s.worker_deaths);
}

static void add_slowest(const verify_counts *c, as_buf *out)
{
    as_buf_json_key(out, "slowest");
    as_buf_byte(out, '[');
    for (int i = 0; i < VERIFY_N_SLOWEST && c->slowest[i].ms > 0; i++) {
        as_buf_text(out, i > 0 ? ",{" : "{");
        add_str(out, "id", c->slowest[i].id);
        add_num(out, "ms", c->slowest[i].ms);
        as_buf_byte(out, '}');
    }
    as_buf_byte(out, ']');
}

void verify_summary_json(const verify_run *v, int rc, as_buf *out)
{
    const verify_counts *c = &v->counts;
    as_buf_text(out, "{\"schema\":\"assay.verify/1\"");
    add_str(out, "state", as_cli_state(rc));
    add_str(out, "in", as_lines_name(v->lines));
    add_str(out, "out", v->opts->out);
    add_verifier(v, out);
    add_u64(out, "items", c->items);
    add_u64(out, "kept", c->kept);
    as_buf_json_key(out, "verdicts");
    verify_counts_json(v, out);
    add_num(out, "mean_score", mean_score(c));
    add_u64(out, "scored", c->n_score);
    add_u64(out, "unscored", unscored(c));
    add_u64(out, "bad_lines", c->n_bad);
    add_u64(out, "replaced_surrogates", c->n_replaced);
    as_buf_json_key(out, "duplicate_ids_checked");
    as_buf_text(out, v->opts->allow_duplicate_ids || v->ids.is_full ? "false" : "true");
    add_scorer_stats(v, out);
    add_slowest(c, out);
    if (v->opts->stats)
        add_rules_json(c, out);
    add_num(out, "seconds", verify_seconds(v));
    as_buf_text(out, "}\n");
}

/* ---- --dry-run ---- */

void verify_plan(const verify_run *v, as_buf *out)
{
    const verify_opts *o = v->opts;
    unsigned long long at = 0;
    unsigned long long size = 0;
    char bytes[AS_TEXT_MAX];
    as_source_progress(v->source, &at, &size);
    if (o->json) {
        as_buf_text(out, "{\"schema\":\"assay.plan/1\"");
        add_str(out, "in", as_lines_name(v->lines));
        add_u64(out, "in_bytes", size);
        add_str(out, "out", o->out);
        add_verifier(v, out);
        add_u64(out, "timeout_ms", o->plug.timeout_ms);
        add_u64(out, "limit", o->limit);
        add_u64(out, "seed", o->seed);
        as_buf_text(out, "}\n");
        return;
    }
    add_head(v, out);
    as_buf_addf(out, "config      ");
    as_buf_add(out, as_scorer_config(v->plugged.scorer));
    as_buf_addf(out, "\ninput       %s", as_lines_name(v->lines));
    if (size)
        as_buf_addf(out, " (%s)", as_text_bytes(bytes, size));
    as_buf_addf(out, "\noutput      %s%s\n", o->out,
                o->resume  ? ", gone on with where it exists"
                : o->force ? ", overwritten"
                           : "");
    as_buf_addf(out, "time-out    %" PRIu64 " ms per item\n", o->plug.timeout_ms);
    if (v->info->cost_us && as_scorer_threads(v->plugged.scorer))
        as_buf_addf(out,
                    "cost        about %" PRIu32 " us per item and thread, as the verifier says\n",
                    v->info->cost_us);
    as_buf_text(out, "nothing was scored or written (--dry-run)\n");
}

/* ---- gates ---- */

int verify_gates(const verify_run *v, as_err *err)
{
    const verify_opts *o = v->opts;
    const verify_counts *c = &v->counts;
    double share = c->items ? (double)unscored(c) / (double)c->items : 0;
    if (share > o->max_unscored) /* false for NaN: not asked */
        return as_fail(err, AS_EGATE,
                       "%.2f %% of the items are unscored (abstain or error), more than "
                       "--max-unscored %.2f %%; their "
                       "\"reason\" says why",
                       100 * share, 100 * o->max_unscored);
    /* Scores are floats: 0.7 is a little less than the 0.7 that was asked for. */
    double slack = fabs(o->fail_under) * (double)FLT_EPSILON / 2 + 1e-12;
    if (!isnan(o->fail_under) && !(mean_score(c) + slack >= o->fail_under))
        return as_fail(err, AS_EGATE,
                       "the mean score is %.6g over %" PRIu64
                       " scored items, under --fail-under %g",
                       mean_score(c), c->n_score, o->fail_under);
    return 0;
}
