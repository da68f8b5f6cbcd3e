/* vote_read.c -- the reading half of `assay vote`: lines are parsed and their answers extracted by
 * threads, and put into the ballots in input order.
 *
 * A line is an item ("completion": its answer is extracted here) or a result of `assay verify`
 * ("verdict", and the "key" that was extracted there), so that `verify | vote` extracts once.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/vote.h"

#include "base/mem.h"
#include "jobs/pipeline.h"

#include <math.h>
#include <stdio.h>

enum { CHUNK_LINES = 1024, CHUNK_BYTES = 256 * 1024 };

typedef struct task { /* one chunk of lines on its way through the pipeline */
    as_buf bytes;
    as_line lines[CHUNK_LINES];
    size_t n;
    as_arena arena;
    as_item *items;
    as_ballot_paper *papers;
    const char **reasons; /* of the papers that are errors */
    bool *is_keyless;
    unsigned long long at, of; /* bytes of the input, for progress */
} task;

typedef struct reader {
    const vote_opts *opts;
    as_scorer *scorer;
    as_ballots *to;
    vote_counts *counts;
    as_source *source;
    as_lines *lines;
    as_progress *progress;
} reader;

static void drop(void *ctx, void *p)
{
    (void)ctx;
    task *t = p;
    as_buf_fini(&t->bytes);
    as_arena_fini(&t->arena);
    as_free(t);
}

/* ---- produce ---- */

static int produce(void *ctx, void **out, as_err *err)
{
    reader *r = ctx;
    task *t = as_malloc(sizeof *t);
    if (!t)
        return as_fail(err, AS_ENOMEM, "vote: out of memory");
    t->n = 0;
    as_arena_init(&t->arena, 0);
    as_buf_init(&t->bytes, CHUNK_BYTES + 2 * ((size_t)r->opts->max_line_mib << 20) + 4096);
    int rc = as_lines_chunk(r->lines, &t->bytes, t->lines, CHUNK_LINES, CHUNK_BYTES, &t->n, err);
    if (rc <= 0) {
        drop(NULL, t);
        return rc;
    }
    as_source_progress(r->source, &t->at, &t->of);
    *out = t;
    return 1;
}

/* ---- work ---- */

static int at_line(const reader *r, const as_item *item, as_err *err)
{
    as_err_prefix(err, "%s:%llu", as_lines_name(r->lines), (unsigned long long)item->line_no);
    return err ? err->code : AS_EDATA;
}

static int parse_line(const reader *r, task *t, size_t i, as_err *err)
{
    as_item *item = &t->items[i];
    as_err why = { 0 };
    int rc = as_item_parse(t->lines[i].text, &t->arena, item, &why);
    item->line_no = t->lines[i].no;
    if (rc == 0 && !item->group.data)
        rc = as_fail(&why, AS_EDATA,
                     "\"group\" is missing; give all answers to one prompt the same \"group\"");
    else if (rc == 0 && !item->has_completion && !item->is_result)
        rc = as_fail(
            &why, AS_EDATA,
            "neither \"completion\" nor \"verdict\" is there; assay vote reads items, or what "
            "assay verify wrote");
    if (rc == 0)
        return 0;
    (void)at_line(r, item, &why);
    return as_fail(err, rc, "%s", why.text);
}

/* A result of verify: what it says is taken as it is. Without a key it is a blank; an error is no
 * answer at all, whatever else stands beside it. */
static void read_result(task *t, size_t i)
{
    const as_item *item = &t->items[i];
    as_ballot_paper *paper = &t->papers[i];
    paper->key = item->key;
    paper->answer = item->answer;
    if (item->key.data && !item->is_error)
        return;
    as_jspan line = { .kind = AS_J_NONE };
    if (as_json_scan(t->lines[i].text, &line, NULL) < 0)
        return; /* as_item_parse read it, so this cannot be */
    as_jspan verdict = as_jobject_get(line, "verdict");
    if (item->is_error) {
        paper->is_error = true;
        as_str reason = as_jstring(as_jobject_get(line, "reason"), &t->arena, NULL);
        t->reasons[i] = reason.data ? reason.data : "verdict \"error\"";
    }
    t->is_keyless[i] = as_jspan_is(verdict, "pass") || as_jspan_is(verdict, "fail");
}

static int extract(const reader *r, task *t, const size_t *which, uint32_t n, as_err *err)
{
    as_items items;
    as_results got;
    as_item *chosen = as_arena_calloc(&t->arena, n, sizeof *chosen);
    if (!chosen)
        return as_fail(err, AS_ENOMEM, "vote: out of memory");
    for (uint32_t k = 0; k < n; k++)
        chosen[k] = t->items[which[k]];
    int rc = as_items_build(&items, chosen, n, 0, &t->arena, err);
    if (rc == 0)
        rc = as_scorer_extract(r->scorer, &items, &t->arena, &got, err);
    for (uint32_t k = 0; rc == 0 && k < n; k++) {
        as_ballot_paper *paper = &t->papers[which[k]];
        paper->key = as_results_get(&got, k, ASSAY_OUT_KEY);
        paper->answer = as_results_get(&got, k, ASSAY_OUT_ANSWER);
        paper->is_error = got.verdict[k] == ASSAY_ERROR;
        as_str reason = as_results_get(&got, k, ASSAY_OUT_REASON);
        t->reasons[which[k]] = reason.data ? reason.data : "no reason given";
    }
    return rc;
}

static int work(void *ctx, void *p, as_err *err)
{
    const reader *r = ctx;
    task *t = p;
    uint32_t n = 0;
    size_t *which = as_arena_calloc(&t->arena, t->n, sizeof *which);
    t->items = as_arena_calloc(&t->arena, t->n, sizeof *t->items);
    t->papers = as_arena_calloc(&t->arena, t->n, sizeof *t->papers);
    t->reasons = as_arena_calloc(&t->arena, t->n, sizeof *t->reasons);
    t->is_keyless = as_arena_calloc(&t->arena, t->n, sizeof *t->is_keyless);
    if (!which || !t->items || !t->papers || !t->reasons || !t->is_keyless)
        return as_fail(err, AS_ENOMEM, "vote: out of memory");
    for (size_t i = 0; i < t->n; i++) {
        int rc = parse_line(r, t, i, err);
        if (rc < 0)
            return rc;
        t->papers[i].sum_logp = t->items[i].sum_logp;
        if (t->items[i].has_completion)
            which[n++] = i;
        else
            read_result(t, i);
    }
    return n ? extract(r, t, which, n, err) : 0;
}

/* ---- consume ---- */

static void count(const reader *r, const task *t, size_t i)
{
    vote_counts *c = r->counts;
    const as_item *item = &t->items[i];
    c->items += item->has_completion;
    c->results += !item->has_completion;
    c->no_logp += isnan(item->sum_logp) != 0;
    c->keyless += t->is_keyless[i];
    if (t->papers[i].is_error && c->errors++ == 0)
        (void)snprintf(c->first_error, sizeof c->first_error, "%s:%llu: %s",
                       as_lines_name(r->lines), (unsigned long long)item->line_no, t->reasons[i]);
}

static int consume(void *ctx, void *p, as_err *err)
{
    reader *r = ctx;
    task *t = p;
    int rc = 0;
    for (size_t i = 0; i < t->n && rc == 0; i++) {
        as_err why = { 0 };
        rc = as_ballots_add(r->to, &t->items[i], &t->papers[i], &why);
        if (rc == 0)
            count(r, t, i);
        else
            (void)at_line(r, &t->items[i], &why);
        if (rc < 0)
            (void)as_fail(err, rc, "%s", why.text);
    }
    as_progress_at(r->progress, as_ballots_samples(r->to), t->at, t->of);
    drop(NULL, t);
    return rc;
}

/* ---- all of it ---- */

int vote_read(as_ballots *to, vote_counts *counts, const vote_opts *opts, as_scorer *scorer,
              as_err *err)
{
    static const as_pipeline_ops ops = { produce, work, consume, drop };
    reader r = { .opts = opts, .scorer = scorer, .to = to, .counts = counts };
    int rc = as_source_open(&r.source, opts->in, err);
    if (rc == 0)
        rc = as_lines_open(&r.lines, r.source, (size_t)opts->max_line_mib << 20, err);
    if (rc == 0)
        rc = as_progress_new(&r.progress, opts->progress, "vote", err);
    if (rc == 0)
        rc = as_pipeline_run(&ops, &r, as_scorer_threads(scorer), 0, as_cli_cancel(), err);
    as_progress_free(r.progress);
    if (r.lines)
        as_lines_close(r.lines);
    if (r.source)
        as_source_close(r.source);
    return rc;
}
