/* vote_say.c -- what `assay vote` says at the end: what could not be counted, a table for people,
 * an object for programs.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/vote.h"

#include <inttypes.h>
#include <math.h>

static double mean_ratio(const vote_tally *t)
{
    return t->labels ? t->ratio_sum / (double)t->labels : 0;
}

/* Our failures, not the model's: said even under --quiet. */
static void say_troubles(const vote_opts *opts, const vote_counts *c, const vote_tally *t)
{
    if (c->errors)
        as_cli_say("assay vote: %" PRIu64
                   " samples could not be judged and are left out (first: %s)",
                   c->errors, c->first_error);
    if (c->keyless)
        as_cli_say("assay vote: %" PRIu64
                   " results of verify have a verdict but no \"key\", so they do not vote; the "
                   "verifier that wrote them names no answers: pass the items themselves to assay "
                   "vote --plugin %s",
                   c->keyless, opts->plug.plugin);
    if (strcmp(opts->tie, "logp") == 0 && c->no_logp)
        as_cli_say("assay vote: %" PRIu64
                   " samples have no \"sum_logp\"; ties among them go by key",
                   c->no_logp);
    if (t->same_failures >= VOTE_SAME_FAILURES)
        as_cli_say("assay vote: plugin \"%s\" failed %d times to compare two answers and was asked "
                   "no more; from there "
                   "on only equal keys were one answer",
                   opts->plug.plugin, VOTE_SAME_FAILURES);
    else if (t->same_failures)
        as_cli_say("assay vote: plugin \"%s\" failed %" PRIu64
                   " times to compare two answers; they count as different",
                   opts->plug.plugin, t->same_failures);
}

static void add_table(as_buf *out, const vote_opts *opts, const as_scorer *scorer,
                      const vote_tally *t)
{
    char a[AS_TEXT_MAX];
    char b[AS_TEXT_MAX];
    char c[AS_TEXT_MAX];
    char d[AS_TEXT_MAX];
    const as_verifier_info *info = as_scorer_info(scorer);
    as_buf_addf(out, "verifier    %s %s (%s, revision %" PRIu32 "), %s\n", as_info_short_name(info),
                info->version, info->id, info->revision, as_isolation_place(scorer));
    as_buf_addf(out, "groups      %s  of %s samples, %s without an answer",
                as_text_count(a, t->groups), as_text_count(b, t->samples),
                as_text_count(c, t->blank));
    as_buf_addf(out, "  in %s\n", as_text_seconds(a, t->seconds));
    as_buf_addf(out, "  label     %12s  %7s\n", as_text_count(a, t->labels),
                as_text_share(b, t->labels, t->groups));
    if (t->labels < t->groups)
        as_buf_addf(out, "  no label  %12s  %7s\n", as_text_count(a, t->groups - t->labels),
                    as_text_share(b, t->groups - t->labels, t->groups));
    as_buf_addf(out, "  tie       %12s  %7s  (--tie %s)\n", as_text_count(a, t->ties),
                as_text_share(b, t->ties, t->groups), opts->tie);
    as_buf_addf(out, "mean ratio  %.4g over %s groups with a label", mean_ratio(t),
                as_text_count(a, t->labels));
    if (!isnan(opts->sequential))
        as_buf_addf(out,
                    "\nsequential  %s of the samples (%s) decide with error %g; %s labels of "
                    "%s are the same",
                    as_text_count(a, t->drawn), as_text_share(b, t->drawn, t->samples),
                    opts->sequential, as_text_count(c, t->same), as_text_count(d, t->groups));
}

static void add_count(as_buf *out, const char *key, uint64_t n)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, n);
}

static void add_json(as_buf *out, const vote_opts *opts, const vote_counts *c, const vote_tally *t)
{
    as_buf_text(out, "{\"schema\":\"assay.vote_summary/1\"");
    as_buf_json_key(out, "plugin");
    as_buf_json_str(out, as_str_of(opts->plug.plugin));
    as_buf_json_key(out, "tie_rule");
    as_buf_json_str(out, as_str_of(opts->tie));
    add_count(out, "groups", t->groups);
    add_count(out, "samples", t->samples);
    add_count(out, "labels", t->labels);
    add_count(out, "no_label", t->groups - t->labels);
    add_count(out, "ties", t->ties);
    add_count(out, "no_vote", t->blank);
    add_count(out, "errors", c->errors);
    add_count(out, "same_failures", t->same_failures);
    as_buf_json_key(out, "mean_ratio");
    if (t->labels)
        as_buf_json_num(out, mean_ratio(t));
    else
        as_buf_text(out, "null");
    if (!isnan(opts->sequential)) {
        as_buf_json_key(out, "sequential_error");
        as_buf_json_num(out, opts->sequential);
        add_count(out, "sequential_drawn", t->drawn);
        add_count(out, "sequential_same", t->same);
    }
    as_buf_json_key(out, "seconds");
    as_buf_json_num(out, t->seconds);
    as_buf_text(out, "}\n");
}

int vote_say(const vote_opts *opts, const as_scorer *scorer, const vote_counts *counts,
             const vote_tally *tally, as_err *err)
{
    AS_CLEANUP(buf) as_buf table = { 0 }, json = { 0 };
    as_buf_init(&table, 1 << 16);
    as_buf_init(&json, 1 << 16);
    say_troubles(opts, counts, tally);
    if (!opts->quiet) {
        add_table(&table, opts, scorer, tally);
        as_cli_say("%s", table.data ? table.data : "");
    }
    if (!opts->json)
        return 0;
    add_json(&json, opts, counts, tally);
    int rc = as_buf_check(&json, err);
    return rc < 0 ? rc : as_cli_out(as_buf_str(&json), err);
}
