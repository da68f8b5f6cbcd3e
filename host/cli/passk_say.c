/* passk_say.c -- the figures of a sample set with their intervals and counts: for people, as JSON,
 * as CSV; and the gates. SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"
#include "base/mem.h"
#include "cli/passk.h"
#include "data/stream.h"
#include "eval/passk.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

static const double DUPLICATES_MAX = 0.01;
static const double ROUNDING = 1e-12; /* of a mean: far below one sample's share of it */

static uint64_t unscored(const as_passk_summary *s)
{
    return s->n_abstain + s->n_error;
}

static double unscored_share(const passk_report *r)
{
    return r->set->n_samples ? (double)unscored(r->sum) / (double)r->set->n_samples : 0;
}

/* ---- the table ---- */

static const char *percent(char out[AS_TEXT_MAX], double x)
{
    if (isnan(x))
        (void)snprintf(out, AS_TEXT_MAX, "n/a");
    else
        (void)snprintf(out, AS_TEXT_MAX, "%.1f %%", 100 * x);
    return out;
}

static void add_interval(as_buf *b, const as_interval *x)
{
    char mean[AS_TEXT_MAX], range[AS_TEXT_MAX] = "";
    if (!isnan(x->low))
        (void)snprintf(range, sizeof range, "[%.1f, %.1f]", 100 * x->low, 100 * x->high);
    as_buf_addf(b, "  %8s %-14s", percent(mean, x->mean), range);
}

static bool has_chance(const as_passk_summary *s)
{
    for (size_t i = 0; i < s->n_rows; i++)
        if (s->rows[i].n_chance)
            return true;
    return false;
}

/* Were there samples that were cut by length and judged, and not found right? */
static bool has_doubt(const as_passk_summary *s)
{
    return s->n_cut > s->n_cut_right;
}

static void add_counts(as_buf *b, const passk_report *r)
{
    const as_passk_summary *s = r->sum;
    char n[5][AS_TEXT_MAX], share[AS_TEXT_MAX];
    as_buf_addf(b, "%s problems, %s samples (%s%s)\n", as_text_count(n[0], s->n_problems),
                as_text_count(n[1], r->set->n_samples), r->set->format,
                r->set->n_files > 1 ? ", several files" : "");
    as_buf_addf(b, "scored %s, right %s; unscored %s (%s): abstain %s, ",
                as_text_count(n[0], s->n_scored), as_text_count(n[1], s->n_right),
                as_text_count(n[2], unscored(s)), percent(share, unscored_share(r)),
                as_text_count(n[3], s->n_abstain));
    as_buf_addf(b, "error %s; problems with no scored sample: %s\n",
                as_text_count(n[0], s->n_error), as_text_count(n[1], s->n_empty));
}

static void add_curve(as_buf *b, const passk_report *r)
{
    const as_passk_summary *s = r->sum;
    bool with_chance = has_chance(s);
    const char *title = s->is_normal ? "95 % (normal)" : "95 %";
    char n[2][AS_TEXT_MAX], share[AS_TEXT_MAX];
    as_buf_addf(b, "\n%9s   %8s %-14s  %8s %-14s", "k", "pass@k", title, "pass^k", title);
    if (r->set->has_keys)
        as_buf_addf(b, "  %8s %-14s", "maj@k", title);
    if (with_chance)
        as_buf_addf(b, "  %8s", "chance");
    if (has_doubt(s))
        as_buf_addf(b, "  %8s %-14s", "at most", title);
    as_buf_text(b, "  problems  unscored\n");
    for (size_t i = 0; i < s->n_rows; i++) {
        const as_passk_row *row = &s->rows[i];
        as_buf_addf(b, "%9s %s", as_text_count(n[0], row->k), row->is_high_variance ? "!" : " ");
        add_interval(b, &row->pass);
        add_interval(b, &row->hat);
        if (r->set->has_keys)
            add_interval(b, &row->maj);
        if (with_chance)
            as_buf_addf(b, "  %8s", percent(share, row->chance));
        if (has_doubt(s))
            add_interval(b, &row->most);
        as_buf_addf(b, "  %8s  %8s\n", as_text_count(n[0], row->n_problems),
                    as_text_count(n[1], unscored(s)));
    }
}

static void add_plain(as_buf *b, const char *name, const as_interval *x, const as_passk_summary *s,
                      const char *note)
{
    char n[2][AS_TEXT_MAX];
    as_buf_addf(b, "%-22s", name);
    add_interval(b, x);
    as_buf_addf(b, "  %s problems, %s unscored%s%s\n",
                as_text_count(n[0], s->n_problems - s->n_empty), as_text_count(n[1], unscored(s)),
                *note ? ", " : "", note);
}

static void add_plains(as_buf *b, const passk_report *r)
{
    const as_passk_summary *s = r->sum;
    char n[2][AS_TEXT_MAX], spread[2 * AS_TEXT_MAX + 16];
    if (s->n_min == s->n_max)
        (void)snprintf(spread, sizeof spread, "n = %s", as_text_count(n[0], s->n_max));
    else
        (void)snprintf(spread, sizeof spread, "n = %s..%s", as_text_count(n[0], s->n_min),
                       as_text_count(n[1], s->n_max));
    as_buf_byte(b, '\n');
    add_plain(b, "avg@n", &s->avg, s, spread);
    add_plain(b, "solved at least once", &s->solved, s, "");
    if (r->set->has_keys)
        add_plain(b, "maj@n", &s->maj, s, "");
    if (s->score.mean != s->avg.mean &&
        !isnan(s->score.mean)) /* says nothing new where scores are 0 and 1 */
        as_buf_addf(b, "%-22s  %8.4f [%.4f, %.4f]\n", "mean score", s->score.mean, s->score.low,
                    s->score.high);
    if (r->set->n_finish)
        as_buf_addf(b, "%-22s  %8s (%s of %s samples that tell their finish_reason)\n",
                    "cut by length", as_text_share(spread, s->n_truncated, r->set->n_finish),
                    as_text_count(n[0], s->n_truncated), as_text_count(n[1], r->set->n_finish));
    if (has_doubt(s)) {
        (void)snprintf(spread, sizeof spread, "%s of the cut ones are right",
                       as_text_share(n[0], s->n_cut_right, s->n_cut));
        add_plain(b, "avg@n of the uncut", &s->finished, s, spread);
        add_plain(b, "avg@n at most", &s->most, s, "had those all been right");
    }
}

/* Histogram on the left, Cover@tau on the right: both are about c/n. */
static void add_shares(as_buf *b, const passk_report *r)
{
    const as_passk_summary *s = r->sum;
    char n[AS_TEXT_MAX], share[AS_TEXT_MAX];
    uint64_t scored = s->n_problems - s->n_empty;
    as_buf_addf(b, "\n%-11s %8s %8s     %7s   %8s %s\n", "accuracy", "problems", "share",
                r->n_taus ? "tau" : "", r->n_taus ? "cover" : "", r->n_taus ? "95 %" : "");
    for (size_t i = 0; i < 12 || i < r->n_taus; i++) {
        if (i < 12)
            as_buf_addf(b, "%-11s %8s %8s", as_accuracy_bin_names[i],
                        as_text_count(n, s->histogram[i]),
                        as_text_share(share, s->histogram[i], scored));
        else
            as_buf_addf(b, "%-29s", "");
        if (i < r->n_taus) {
            as_buf_addf(b, "     %7g ", r->taus[i]);
            add_interval(b, &s->cover[i]);
        }
        while (b->len && b->data[b->len - 1] == ' ')
            b->len--;
        as_buf_byte(b, '\n');
    }
}

void passk_table(const passk_report *r, as_buf *b)
{
    add_counts(b, r);
    add_curve(b, r);
    add_plains(b, r);
    add_shares(b, r);
}

/* ---- JSON ---- */

static void json_num(as_buf *b, const char *key, double x)
{
    as_buf_json_key(b, key);
    as_buf_json_num(b, x);
}

static void json_u64(as_buf *b, const char *key, uint64_t x)
{
    as_buf_json_key(b, key);
    as_buf_u64(b, x);
}

static void json_interval_members(as_buf *b, const as_interval *x)
{
    json_num(b, "mean", x->mean);
    json_num(b, "low", x->low);
    json_num(b, "high", x->high);
    json_num(b, "se", x->se);
}

static void json_interval(as_buf *b, const char *key, const as_interval *x)
{
    as_buf_json_key(b, key);
    if (isnan(x->mean)) {
        as_buf_text(b, "null");
        return;
    }
    as_buf_byte(b, '{');
    json_interval_members(b, x);
    as_buf_byte(b, '}');
}

static void json_rows(as_buf *b, const passk_report *r)
{
    as_buf_json_key(b, "k");
    as_buf_byte(b, '[');
    for (size_t i = 0; i < r->sum->n_rows; i++) {
        const as_passk_row *row = &r->sum->rows[i];
        as_buf_text(b, i ? ",{" : "{");
        json_u64(b, "k", row->k);
        json_interval_members(b, &row->pass);
        json_u64(b, "n_problems", row->n_problems);
        json_u64(b, "n_unscored", unscored(r->sum));
        as_buf_json_key(b, "high_variance");
        as_buf_text(b, row->is_high_variance ? "true" : "false");
        json_interval(b, "pass_hat", &row->hat);
        json_interval(b, "maj", &row->maj);
        json_interval(b, "most", &row->most);
        json_num(b, "chance", row->chance);
        as_buf_byte(b, '}');
    }
    as_buf_byte(b, ']');
}

static void json_shares(as_buf *b, const passk_report *r)
{
    as_buf_json_key(b, "cover");
    as_buf_byte(b, '[');
    for (size_t i = 0; i < r->n_taus; i++) {
        as_buf_text(b, i ? ",{" : "{");
        json_num(b, "tau", r->taus[i]);
        json_interval_members(b, &r->sum->cover[i]);
        as_buf_byte(b, '}');
    }
    as_buf_byte(b, ']');
    as_buf_json_key(b, "histogram");
    as_buf_byte(b, '[');
    for (size_t i = 0; i < 12; i++) {
        as_buf_text(b, i ? ",{" : "{");
        as_buf_json_key(b, "accuracy");
        as_buf_json_str(b, as_str_of(as_accuracy_bin_names[i]));
        json_u64(b, "problems", r->sum->histogram[i]);
        as_buf_byte(b, '}');
    }
    as_buf_byte(b, ']');
}

static void json_counts(as_buf *b, const passk_report *r)
{
    const as_passk_summary *s = r->sum;
    as_buf_json_key(b, "format");
    as_buf_json_str(b, as_str_of(r->set->format));
    as_buf_json_key(b, "files");
    as_buf_byte(b, '[');
    for (size_t i = 0; i < r->n_files; i++) {
        as_buf_text(b, i ? "," : "");
        as_buf_json_str(b, as_str_of(r->files[i]));
    }
    as_buf_byte(b, ']');
    json_u64(b, "n_problems", s->n_problems);
    json_u64(b, "n_problems_empty", s->n_empty);
    json_u64(b, "n_samples", r->set->n_samples);
    json_u64(b, "n_scored", s->n_scored);
    json_u64(b, "n_right", s->n_right);
    json_u64(b, "n_abstain", s->n_abstain);
    json_u64(b, "n_error", s->n_error);
    json_num(b, "unscored_share", unscored_share(r));
    json_u64(b, "n_min", s->n_min);
    json_u64(b, "n_max", s->n_max);
    json_u64(b, "n_finish_reason", r->set->n_finish);
    json_u64(b, "n_truncated", s->n_truncated);
    json_u64(b, "n_cut", s->n_cut);
    json_u64(b, "n_cut_right", s->n_cut_right);
    json_u64(b, "n_texts", r->set->n_texts);
    json_u64(b, "n_duplicate_texts", r->set->n_duplicate_texts);
    json_u64(b, "n_bad_lines", r->set->n_bad);
}

void passk_json(const passk_report *r, as_buf *b)
{
    const as_passk_summary *s = r->sum;
    json_counts(b, r);
    as_buf_json_key(b, "interval");
    as_buf_text(b, "{\"kind\":");
    as_buf_text(b, s->is_normal ? "\"normal\"" : "\"bootstrap\"");
    json_num(b, "level", 0.95);
    json_u64(b, "draws", s->is_normal ? 0 : r->asked->bootstrap);
    as_buf_json_key(b, "seed"); /* as text: readers of JSON keep 53 bits */
    as_buf_addf(b, "\"%" PRIu64 "\"}", r->seed);
    json_interval(b, "avg_at_n", &s->avg);
    json_interval(b, "solved", &s->solved);
    json_interval(b, "maj_at_n", &s->maj);
    json_interval(b, "score", &s->score);
    json_interval(b, "avg_of_uncut", &s->finished);
    json_interval(b, "avg_at_most", &s->most);
    json_rows(b, r);
    json_shares(b, r);
}

/* ---- CSV ---- */

static void csv_num(as_buf *b, double x)
{
    as_buf_byte(b, ',');
    if (!isnan(x))
        as_buf_json_num(b, x);
}

static void csv_interval(as_buf *b, const as_interval *x)
{
    csv_num(b, x->mean);
    csv_num(b, x->low);
    csv_num(b, x->high);
    csv_num(b, x->se);
}

int passk_csv(const passk_report *r, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 24);
    as_buf_text(&b,
                "k,pass,pass_low,pass_high,pass_se,pass_hat,pass_hat_low,pass_hat_high,pass_hat_se,"
                "maj,maj_low,maj_high,maj_se,chance,n_problems,n_unscored,high_variance\n");
    for (size_t i = 0; i < r->sum->n_rows; i++) {
        const as_passk_row *row = &r->sum->rows[i];
        as_buf_u64(&b, row->k);
        csv_interval(&b, &row->pass);
        csv_interval(&b, &row->hat);
        csv_interval(&b, &row->maj);
        csv_num(&b, row->chance);
        as_buf_addf(&b, ",%zu,%" PRIu64 ",%d\n", row->n_problems, unscored(r->sum),
                    row->is_high_variance);
    }
    as_sink *sink = NULL;
    int rc = as_buf_check(&b, err);
    if (rc == 0)
        rc = as_sink_open(&sink, path, AS_SINK_OVERWRITE, err);
    if (rc < 0)
        return rc;
    rc = as_sink_write(sink, as_buf_str(&b), err);
    int closed = as_sink_close(sink, err);
    return rc < 0 ? rc : closed;
}

/* ---- what a person should know ---- */

static void warn_of_variance(const as_passk_summary *s)
{
    char list[120] = "";
    size_t len = 0;
    for (size_t i = 0; i < s->n_rows && len + 24 < sizeof list; i++)
        if (s->rows[i].is_high_variance)
            len += (size_t)snprintf(list + len, sizeof list - len, "%s%" PRIu64, len ? ", " : "",
                                    s->rows[i].k);
    if (len)
        as_log(AS_LOG_WARN,
               "k = %s: more than half of n, high variance (marked !); draw more samples per "
               "problem to trust it",
               list);
}

static void warn_of_short_problems(const as_passk_summary *s)
{
    for (size_t i = 0; i < s->n_rows; i++) {
        const as_passk_row *row = &s->rows[i];
        if (row->n_problems == s->n_problems - s->n_empty)
            continue;
        as_log(AS_LOG_WARN,
               "from k = %" PRIu64
               " on, %zu of %zu problems have too few scored samples (n from %" PRIu64
               " to %" PRIu64 ") and are left out of that k",
               row->k, s->n_problems - s->n_empty - row->n_problems, s->n_problems - s->n_empty,
               s->n_min, s->n_max);
        return;
    }
}

void passk_warn(const passk_report *r)
{
    const as_sample_set *set = r->set;
    char share[AS_TEXT_MAX];
    warn_of_variance(r->sum);
    warn_of_short_problems(r->sum);
    if (set->n_bad)
        as_log(AS_LOG_WARN, "%" PRIu64 " lines could not be read and were left out", set->n_bad);
    if (set->n_by_id && r->sum->n_max <= 1)
        as_log(AS_LOG_WARN,
               "no \"group\" or \"problem_id\": every id is a problem of its own, so n = 1");
    if (set->n_texts && (double)set->n_duplicate_texts > DUPLICATES_MAX * (double)set->n_texts)
        as_log(
            AS_LOG_WARN,
            "%s of the texts stand in another run too: were they drawn greedily, or with one seed? "
            "pass@k takes samples for independent",
            as_text_share(share, set->n_duplicate_texts, set->n_texts));
}

/* ---- gates ---- */

int passk_gates(const passk_report *r, as_err *err)
{
    const as_passk_summary *s = r->sum;
    const as_passk_row *row = &s->rows[0];
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX];
    if (unscored_share(r) > r->asked->max_unscored)
        return as_fail(err, AS_EGATE,
                       "%" PRIu64 " of %" PRIu64
                       " samples are unscored (%s, allowed %s): see their reasons, or allow "
                       "more with --max-unscored",
                       unscored(s), r->set->n_samples, percent(a, unscored_share(r)),
                       percent(b, r->asked->max_unscored));
    if (!isnan(r->asked->fail_under) && !(row->pass.mean + ROUNDING >= r->asked->fail_under))
        return as_fail(err, AS_EGATE, "pass@%" PRIu64 " is %s, below the %s of --fail-under",
                       row->k, percent(a, row->pass.mean), percent(b, r->asked->fail_under));
    return 0;
}
