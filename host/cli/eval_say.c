/* eval_say.c -- what an evaluation amounts to: a table for people, summary.json and --json for
 * programs. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "cli/eval.h"

#include <inttypes.h>
#include <math.h>

int eval_report_read(eval_report *r, const char *scores, as_err *err)
{
    const as_samples_options how = { .stop_on_bad = true, .cancel = as_cli_cancel() };
    int rc = passk_read(&r->figures, &scores, 1, &how, 0, err);
    r->figures.files = &r->file; /* the same wherever the folder is */
    return rc;
}

/* ---- for programs ---- */

static double per(double sum, uint64_t n)
{
    return n ? sum / (double)n : (double)NAN;
}

static void add_u64(as_buf *b, const char *key, uint64_t n)
{
    as_buf_json_key(b, key);
    as_buf_u64(b, n);
}

static void add_num(as_buf *b, const char *key, double x)
{
    as_buf_json_key(b, key);
    as_buf_json_num(b, x);
}

static void add_text(as_buf *b, const char *key, const char *text)
{
    as_buf_json_key(b, key);
    as_buf_json_str(b, as_str_of(text));
}

static void add_verifier(as_buf *b, const as_scorer *scorer)
{
    const as_verifier_info *info = as_scorer_info(scorer);
    as_buf_json_key(b, "verifier");
    as_buf_byte(b, '{');
    add_text(b, "id", info->id);
    add_text(b, "version", info->version);
    add_u64(b, "revision", info->revision);
    as_buf_json_key(b, "config");
    as_buf_add(b, as_scorer_config(scorer));
    as_buf_byte(b, '}');
}

static void add_verdicts(as_buf *b, const eval_counts *c)
{
    as_buf_json_key(b, "verdicts");
    as_buf_byte(b, '{');
    for (int v = ASSAY_PASS; v <= ASSAY_ERROR; v++)
        add_u64(b, as_verdict_word((assay_verdict)v), c->by_verdict[v]);
    as_buf_byte(b, '}');
}

static void add_ends(as_buf *b, const eval_counts *c)
{
    as_buf_json_key(b, "finish_reasons");
    as_buf_byte(b, '[');
    for (size_t i = 0; i < c->n_ends; i++) {
        const eval_end *e = &c->ends[i];
        as_buf_text(b, i ? ",{" : "{");
        add_text(b, "finish_reason", e->word);
        add_u64(b, "samples", e->n);
        add_u64(b, "right", e->n_right);
        add_u64(b, "unscored", e->n_unscored);
        as_buf_byte(b, '}');
    }
    as_buf_byte(b, ']');
}

static void write_json(const eval_report *r, as_str more, as_buf *b)
{
    const eval_scores *s = r->scores;
    const eval_totals *t = &s->totals;
    as_buf_text(b, "{\"schema\":\"assay.eval/1\"");
    add_text(b, "model", r->model);
    add_text(b, "suite", r->suite);
    add_verifier(b, r->scorer);
    as_buf_json_key(b, "seeds");
    as_buf_byte(b, '[');
    for (size_t i = 0; i < s->shape.n_seeds; i++)
        as_buf_addf(b, "%s\"%" PRIu64 "\"", i ? "," : "", s->shape.seeds[i]);
    as_buf_byte(b, ']');
    add_u64(b, "n", s->shape.n);
    add_u64(b, "n_tokens", t->tokens);
    add_num(b, "length_mean", per((double)t->tokens, t->samples));
    add_num(b, "entropy_mean", per(t->entropy, t->entropy_tokens));
    add_num(b, "logp_mean", per(t->logp, t->logp_tokens));
    add_verdicts(b, &s->counts);
    add_ends(b, &s->counts);
    passk_json(&r->figures, b);
    if (more.len)
        as_buf_byte(b, ',');
    as_buf_add(b, more);
    as_buf_text(b, "}\n");
}

int eval_report_save(const eval_report *r, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 24);
    write_json(r, (as_str){ "", 0 }, &b);
    int rc = as_buf_check(&b, err);
    return rc == 0 ? as_file_write_atomic(path, as_buf_str(&b), err) : rc;
}

/* ---- for people ---- */

static void add_head(const eval_report *r, as_buf *b)
{
    const eval_scores *s = r->scores;
    const eval_totals *t = &s->totals;
    const as_verifier_info *info = as_scorer_info(r->scorer);
    char a[AS_TEXT_MAX], c[AS_TEXT_MAX];
    as_buf_addf(b, "model     %s\nsuite     %s\nverifier  %s %s, %s\n", r->model, r->suite,
                as_info_short_name(info), info->version, as_isolation_place(r->scorer));
    as_buf_addf(b, "tokens    %s, %.1f a sample", as_text_count(a, t->tokens),
                t->samples ? per((double)t->tokens, t->samples) : 0);
    if (t->entropy_tokens)
        as_buf_addf(b, ", entropy %.4f a token", per(t->entropy, t->entropy_tokens));
    as_buf_text(b, "\nended     ");
    for (size_t i = 0; i < s->counts.n_ends; i++) {
        const eval_end *e = &s->counts.ends[i];
        as_buf_addf(b, "%s%s %s (%s right", i ? "; " : "", e->word, as_text_count(a, e->n),
                    as_text_share(c, e->n_right, e->n - e->n_unscored));
        if (e->n_unscored)
            as_buf_addf(b, ", %s unscored", as_text_count(a, e->n_unscored));
        as_buf_byte(b, ')');
    }
    as_buf_text(b, "\n\n");
}

int eval_report_print(const eval_report *r, bool as_json, as_str more, as_err *err)
{
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 24);
    if (as_json) {
        write_json(r, more, &b);
    } else {
        add_head(r, &b);
        passk_table(&r->figures, &b);
    }
    int rc = as_buf_check(&b, err);
    return rc == 0 ? as_cli_out(as_buf_str(&b), err) : rc;
}

void eval_say_slowest(const eval_scores *s)
{
    char ms[AS_TEXT_MAX];
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 12);
    for (int i = 0; i < EVAL_SLOWEST && s->slowest[i].ms >= 10; i++)
        as_buf_addf(&b, "%s %s (%s)", i ? "," : "", s->slowest[i].id,
                    as_text_seconds(ms, s->slowest[i].ms / 1e3));
    if (b.len && !b.failed)
        as_cli_say("slowest to score: %s", b.data + 1);
}
