/* exam.c -- generating, marking, measuring. SPDX-License-Identifier: Apache-2.0 */
#include "exam/exam.h"

#include "base/mem.h"
#include "exam/marker.h"
#include "train/rollouts.h"

#include <assert.h>
#include <inttypes.h>
#include <math.h>
#include <stdio.h>

typedef struct mark {
    assay_verdict verdict;
    float score;
    as_str key; /* in run.keys; data NULL: none */
} mark;

typedef struct run {
    const as_suite *suite;
    const as_exam_options *options;
    as_exam_result *out;
    as_rollouts rollouts;
    as_marker *marker;
    size_t n_put; /* rows, in order */
    /* the marker's until it is closed */
    mark *marks; /* [rows] */
    size_t n_marked;
    as_arena keys;
} run;

/* ---- while it is generated ---- */

static int put(run *r, const as_rollouts *all, size_t row, as_err *err)
{
    const as_rollout *response = &all->rows[row];
    const as_suite_item *of = all->items[response->group];
    const as_item item = { .group = of->id,
                           .prompt = of->prompt,
                           .completion = response->text,
                           .reference = of->reference,
                           .meta = of->meta,
                           .sum_logp = (double)NAN,
                           .has_completion = true,
                           .line_no = row + 1 };
    return as_marker_put(r->marker, &item, (as_str){ 0 }, err);
}

/* Responses are marked in the order of their rows, so that those of a prompt come together. */
static int done(void *ctx, const as_rollouts *all, size_t row, as_err *err)
{
    run *r = ctx;
    int rc = 0;
    (void)row;
    while (rc == 0 && r->n_put < all->n && all->rows[r->n_put].text.data)
        rc = put(r, all, r->n_put++, err);
    return rc;
}

static int check(void *ctx, as_err *err)
{
    const run *r = ctx;
    int rc = as_cancel_check(r->options->cancel, err);
    return rc == 0 && r->options->check ? r->options->check(r->options->ctx, err) : rc;
}

/* ---- while it is marked ---- */

static void note_reason(as_exam_result *out, const as_results *results, uint32_t i)
{
    const as_str reason = as_results_get(results, i, ASSAY_OUT_REASON);
    if (!out->reason[0])
        (void)snprintf(out->reason, sizeof out->reason, "%.*s",
                       (int)(reason.len < sizeof out->reason ? reason.len : sizeof out->reason - 1),
                       reason.data ? reason.data : "");
}

static int marked(void *ctx, const as_marks *marks, as_err *err)
{
    run *r = ctx;
    for (uint32_t i = 0; i < marks->n; i++) {
        mark *to = &r->marks[r->n_marked++];
        to->verdict = marks->results->verdict[i];
        to->score = marks->results->score[i];
        if (!as_verdict_is_scored(to->verdict))
            note_reason(r->out, marks->results, i);
        const as_str key = as_results_get(marks->results, i, ASSAY_OUT_KEY);
        if (!key.data)
            continue;
        to->key = as_arena_str(&r->keys, key);
        if (!to->key.data)
            return as_fail(err, AS_ENOMEM, "out of memory");
    }
    return 0;
}

/* ---- afterwards ---- */

static int add_row(const run *r, as_samples *to, size_t row, as_err *err)
{
    const mark *m = &r->marks[row];
    const as_rollout *response = &r->rollouts.rows[row];
    const bool is_scored = as_verdict_is_scored(m->verdict);
    const as_scored_sample sample = { .problem = r->rollouts.items[response->group]->name,
                                      .sample = response->sample,
                                      .verdict = m->verdict,
                                      .score = m->score,
                                      .key = m->key,
                                      .is_truncated = response->finish == AS_FINISH_LENGTH };
    as_exam_finish *finish = &r->out->finish[response->finish == AS_FINISH_LENGTH];
    r->out->by_verdict[m->verdict & 7]++;
    r->out->n_unscored += !is_scored;
    finish->n++;
    finish->n_right += m->verdict == ASSAY_PASS;
    finish->n_unscored += !is_scored;
    return as_samples_add(to, &sample, err);
}

static int add_rows(const run *r, as_samples *to, as_err *err)
{
    int rc = 0;
    for (size_t row = 0; rc == 0 && row < r->rollouts.n; row++)
        rc = add_row(r, to, row, err);
    return rc;
}

static double mean(const float *x, size_t n)
{
    double sum = 0;
    for (size_t i = 0; i < n; i++)
        sum += (double)x[i];
    return n ? sum / (double)n : (double)NAN;
}

/* Tokens in the order of rows: in that of their ends the last bits of a mean would be chance. */
static void measure_tokens(const run *r)
{
    double tokens = 0, entropy = 0, logp = 0;
    for (size_t row = 0; row < r->rollouts.n; row++) {
        const as_rollout *x = &r->rollouts.rows[row];
        if (x->n == 0)
            continue;
        tokens += x->n;
        entropy += mean(r->rollouts.entropy + x->begin, x->n) * x->n;
        logp += mean(r->rollouts.logp + x->begin, x->n) * x->n;
    }
    r->out->length_mean = tokens / (double)r->rollouts.n;
    r->out->entropy_mean = tokens > 0 ? entropy / tokens : (double)NAN;
    r->out->logp_mean = tokens > 0 ? logp / tokens : (double)NAN;
}

static int measure(const run *r, as_arena *arena, as_err *err)
{
    const as_exam_options *o = r->options;
    const as_samples_options how = { .threads = 1, .stop_on_bad = true };
    const as_passk_options figures = {
        .ks = o->ks, .n_ks = o->n_ks, .draws = o->draws, .threads = 1
    };
    as_samples *samples = NULL;
    as_sample_set set;
    int rc = as_samples_new(&samples, &how, err);
    if (rc == 0)
        rc = add_rows(r, samples, err);
    if (rc == 0)
        rc = as_samples_finish(samples, &set, err);
    if (rc == 0)
        rc = as_passk_summarise(&r->out->sum, &set, &figures, arena, err);
    if (rc == 0) {
        r->out->n_samples = r->rollouts.n;
        r->out->unscored = (double)r->out->n_unscored / (double)r->rollouts.n;
        r->out->has_keys = set.has_keys;
        measure_tokens(r);
    }
    as_samples_free(samples);
    return rc;
}

/* ---- all of it ---- */

static int generate(run *r, as_generator *generator, as_scorer *scorer, as_err *err)
{
    const as_exam_options *o = r->options;
    const size_t n = r->suite->n;
    const as_marking how = {
        .scorer = scorer, .cancel = o->cancel, .want = ASSAY_WANT_ANSWER, .marked = marked, .ctx = r
    };
    const as_rollout_io io = { .done = done, .check = check, .ctx = r };
    AS_CLEANUP(free) const as_suite_item **items = as_calloc(n, sizeof *items);
    if (!items)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < n; i++)
        items[i] = &r->suite->items[i];
    int rc = as_marker_open(&r->marker, &how, err);
    if (rc < 0)
        return rc;
    rc = as_rollouts_generate(&r->rollouts, generator, &o->sampling, items, n, o->n, &io, err);
    int closed = as_marker_close(AS_STEAL(r->marker), rc == 0 ? err : NULL);
    rc = rc < 0 ? rc : closed;
    assert(rc < 0 || r->n_marked == r->rollouts.n);
    return rc;
}

int as_exam(as_exam_result *out, as_generator *generator, const as_suite *suite, as_scorer *scorer,
            const as_exam_options *options, as_arena *arena, as_err *err)
{
    *out = (as_exam_result){ 0 };
    if (options->n < 1 || options->n > AS_EXAM_MOST)
        return as_fail(err, AS_EUSAGE, "%" PRIu32 " responses to a prompt: 1 to %d", options->n,
                       AS_EXAM_MOST);
    if (suite->n == 0)
        return as_fail(err, AS_EDATA, "a suite without prompts");
    run r = { .suite = suite, .options = options, .out = out };
    as_arena_init(&r.keys, 0);
    r.marks = as_calloc(suite->n * options->n, sizeof *r.marks);
    int rc =
        r.marks ? generate(&r, generator, scorer, err) : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0)
        rc = measure(&r, arena, err);
    as_free(r.marks);
    as_arena_fini(&r.keys);
    as_rollouts_fini(&r.rollouts);
    return rc;
}
