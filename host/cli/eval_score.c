/* eval_score.c -- samples of a run to its scores: a line of samples.jsonl goes to the marker with
 * what its problem says, and comes back as a line of scores.jsonl. Nothing of a score depends on
 * when it was computed: a run that was cut and gone on with writes the same bytes.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "cli/eval.h"
#include "cli/verify.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

int eval_check_references(const as_suite *suite, const as_verifier_info *info, const char *file,
                          as_err *err)
{
    for (size_t i = 0; info->flags & ASSAY_F_NEEDS_REFERENCE && i < suite->n; i++)
        if (!suite->items[i].reference.data)
            return as_fail(err, AS_EDATA,
                           "%s:%" PRIu64 ": no \"reference\", and %s compares with one: add it to "
                           "the line",
                           file, suite->items[i].line, as_info_short_name(info));
    return 0;
}

/* ---- counting ---- */

#define OTHERS "(other)"

/* A server's word is shown on terminals. */
static bool is_plain(as_str word)
{
    for (size_t i = 0; i < word.len; i++)
        if (word.data[i] <= ' ' || word.data[i] > '~')
            return false;
    return word.len > 0 && word.len < EVAL_END_BYTES;
}

static eval_end *find_end(eval_counts *c, as_str word)
{
    for (size_t i = 0; i < c->n_ends; i++)
        if (as_str_is(word, c->ends[i].word))
            return &c->ends[i];
    return NULL;
}

static eval_end *end_of(eval_counts *c, as_str word)
{
    eval_end *e = is_plain(word) ? find_end(c, word) : NULL;
    if (e)
        return e;
    if (c->n_ends >= EVAL_ENDS || !is_plain(word)) {
        word = AS_LIT(OTHERS);
        e = find_end(c, word); /* the last place is kept for it */
    }
    if (!e) {
        e = &c->ends[c->n_ends++];
        memcpy(e->word, word.data, word.len);
    }
    return e;
}

static void count(eval_counts *c, as_str finish, assay_verdict verdict)
{
    eval_end *e = end_of(c, finish);
    c->rows++;
    c->by_verdict[verdict & 7]++;
    e->n++;
    e->n_right += verdict == ASSAY_PASS;
    e->n_unscored += !as_verdict_is_scored(verdict);
}

/* ---- a sample ---- */

typedef struct sample {
    as_jspan problem, index, seed, completion, finish, tokens, logp, entropy, verdict;
    unsigned long long n_tokens;
} sample;

static int scan(sample *s, as_str line, as_err *err)
{
    as_jspan object;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "no sample: not a JSON object");
    *s = (sample){ .problem = as_jobject_get(object, "problem_id"),
                   .index = as_jobject_get(object, "sample_idx"),
                   .seed = as_jobject_get(object, "seed"),
                   .completion = as_jobject_get(object, "completion"),
                   .finish = as_jobject_get(object, "finish_reason"),
                   .tokens = as_jobject_get(object, "n_tokens"),
                   .logp = as_jobject_get(object, "sum_logp"),
                   .entropy = as_jobject_get(object, "entropy_mean"),
                   .verdict = as_jobject_get(object, "verdict") };
    return 0;
}

/* A string without its quotes; what is no string, as nothing. */
static as_str inside(as_jspan v)
{
    return v.kind == AS_J_STRING ? (as_str){ v.text.data + 1, v.text.len - 2 } : AS_LIT("");
}

/* Is it the one of this row? */
static bool is_of_row(const eval_shape *shape, uint64_t row, const sample *s)
{
    unsigned long long index;
    return as_str_eq(s->problem.text, eval_item(shape, row)->id) &&
           as_junsigned(s->index, &index) && index == row % shape->n;
}

static int not_of_row(const eval_shape *shape, uint64_t row, as_err *err)
{
    const as_str id = eval_item(shape, row)->id;
    return as_fail(err, AS_EDATA,
                   "not sample %" PRIu64 " of problem %.*s, which is next; --force begins anew",
                   row % shape->n, (int)(id.len < 60 ? id.len : 60), id.data);
}

static void add_tokens(eval_totals *t, const sample *s)
{
    double x;
    t->samples++;
    t->tokens += s->n_tokens;
    if (as_jnumber(s->logp, &x)) {
        t->logp_tokens += s->n_tokens;
        t->logp += x;
    }
    if (as_jnumber(s->entropy, &x)) {
        t->entropy_tokens += s->n_tokens;
        t->entropy += x * (double)s->n_tokens;
    }
}

static void add_span(as_buf *out, const char *key, as_jspan value)
{
    as_buf_json_key(out, key);
    as_buf_add(out, value.kind == AS_J_NONE ? AS_LIT("null") : value.text);
}

/* The finish_reason's text, then the beginning of the score's line: they come back with the marks.
 */
static void write_aside(as_buf *out, const sample *s)
{
    as_buf_clear(out);
    as_buf_add(out, inside(s->finish));
    as_buf_byte(out, '\n');
    as_buf_text(out, "{\"schema\":\"assay.score/1\"");
    add_span(out, "problem_id", s->problem);
    add_span(out, "sample_idx", s->index);
    add_span(out, "seed", s->seed);
    add_span(out, "finish_reason", s->finish);
    add_span(out, "n_tokens", s->tokens);
    add_span(out, "sum_logp", s->logp);
    add_span(out, "entropy_mean", s->entropy);
}

static int judge(eval_scores *s, uint64_t row, const sample *x, as_err *err)
{
    const as_suite_item *of = eval_item(&s->shape, row);
    as_arena_reset(&s->arena);
    const as_str text =
        x->completion.kind == AS_J_STRING ? as_jstring(x->completion, &s->arena, NULL) : AS_LIT("");
    write_aside(&s->aside, x);
    if (!text.data || s->aside.failed)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const as_item item = { .group = of->id,
                           .prompt = of->prompt,
                           .completion = text,
                           .reference = of->reference,
                           .meta = of->meta,
                           .sum_logp = (double)NAN,
                           .has_completion = true,
                           .line_no = row + 1 };
    return as_marker_put(s->marker, &item, as_buf_str(&s->aside), err);
}

int eval_scores_line(void *scores, as_str line, as_err *err)
{
    eval_scores *s = scores;
    const uint64_t row = s->n_lines;
    sample x;
    as_err why = { 0 };
    int rc = row < eval_rows(&s->shape)
                 ? scan(&x, line, &why)
                 : as_fail(&why, AS_EDATA, "more samples than the run has; --force begins anew");
    if (rc == 0 && (!is_of_row(&s->shape, row, &x) || !as_junsigned(x.tokens, &x.n_tokens)))
        rc = not_of_row(&s->shape, row, &why);
    if (rc < 0)
        return as_fail(err, rc, "%s:%" PRIu64 ": %s", s->samples, row + 1, why.text);
    s->n_lines++;
    add_tokens(&s->totals, &x);
    return row < s->n_kept ? 0 : judge(s, row, &x, err);
}

/* ---- a score ---- */

static void note_slow(eval_scores *s, as_str id, double ms)
{
    int at = EVAL_SLOWEST;
    while (at > 0 && ms > s->slowest[at - 1].ms)
        at--;
    if (at == EVAL_SLOWEST)
        return;
    memmove(&s->slowest[at + 1], &s->slowest[at],
            (size_t)(EVAL_SLOWEST - 1 - at) * sizeof *s->slowest);
    s->slowest[at].ms = ms;
    (void)snprintf(s->slowest[at].id, sizeof s->slowest[at].id, "%.*s",
                   (int)(id.len < 79 ? id.len : 79), id.data);
}

static int marked(void *ctx, const as_marks *marks, as_err *err)
{
    eval_scores *s = ctx;
    as_buf_clear(&s->lines);
    for (uint32_t i = 0; i < marks->n; i++) {
        const as_str aside = marks->aside[i];
        const size_t finish =
            (size_t)((const char *)memchr(aside.data, '\n', aside.len) - aside.data);
        as_buf_add(&s->lines, (as_str){ aside.data + finish + 1, aside.len - finish - 1 });
        verify_add_result(&s->lines, marks->results, i, false);
        as_buf_text(&s->lines, "}\n");
        count(&s->counts, (as_str){ aside.data, finish }, marks->results->verdict[i]);
        if (!marks->results->cached[i])
            note_slow(s, marks->items[i].group, (double)marks->results->ms[i]);
    }
    int rc = as_buf_check(&s->lines, err);
    return rc == 0 ? s->write(s->to, as_buf_str(&s->lines), err) : rc;
}

int eval_scores_open(eval_scores *s, as_scorer *scorer, as_err *err)
{
    const as_marking how = { .scorer = scorer,
                             .cancel = as_cli_cancel(),
                             .want = ASSAY_WANT_ANSWER,
                             .marked = marked,
                             .ctx = s };
    as_buf_init(&s->aside, SIZE_MAX / 2);
    as_buf_init(&s->lines, SIZE_MAX / 2);
    as_arena_init(&s->arena, 0);
    return as_marker_open(&s->marker, &how, err);
}

int eval_scores_close(eval_scores *s, int rc, as_err *err)
{
    if (!s->marker)
        return rc;
    int closed = as_marker_close(AS_STEAL(s->marker), rc == 0 ? err : NULL);
    as_buf_fini(&s->aside);
    as_buf_fini(&s->lines);
    as_arena_fini(&s->arena);
    return rc < 0 ? rc : closed;
}

/* ---- those of an earlier run ---- */

static int keep(eval_scores *s, as_str line, as_err *err)
{
    sample x;
    assay_verdict verdict;
    int rc = scan(&x, line, err);
    if (rc < 0)
        return rc;
    if (!is_of_row(&s->shape, s->n_kept, &x))
        return not_of_row(&s->shape, s->n_kept, err);
    if (!as_verdict_of_word(inside(x.verdict), &verdict))
        return as_fail(err, AS_EDATA, "no score of assay eval; --force begins anew");
    count(&s->counts, inside(x.finish), verdict);
    s->n_kept++;
    return 0;
}

static int keep_lines(eval_scores *s, as_lines *lines, uint64_t n_rows, uint64_t *end, as_err *err)
{
    AS_CLEANUP(buf) as_buf bytes = { 0 };
    as_buf_init(&bytes, SIZE_MAX / 2);
    as_line line;
    size_t n = 0;
    int rc = 0;
    while (s->n_kept < n_rows && (rc = as_lines_chunk(lines, &bytes, &line, 1, 1, &n, err)) == 1 &&
           !line.torn) {
        rc = keep(s, line.text, err);
        if (rc < 0)
            as_err_prefix(err, "%s:%" PRIu64, as_lines_name(lines), line.no);
        else
            rc = as_cancel_check(as_cli_cancel(), err);
        if (rc < 0)
            break;
        *end = line.end;
    }
    return rc < 0 ? rc : 0;
}

int eval_scores_keep(eval_scores *s, const char *path, uint64_t n_samples, bool by_group,
                     uint64_t *end, as_err *err)
{
    as_source *source = NULL;
    as_lines *lines = NULL;
    uint64_t n_rows;
    int rc = gen_whole_lines(path, &n_rows, end, err);
    if (n_rows > n_samples)
        n_rows = n_samples;
    if (by_group)
        n_rows -= n_rows % s->shape.n;
    *end = 0;
    if (rc < 0 || n_rows == 0)
        return rc;
    rc = as_source_open(&source, path, err);
    if (rc == 0)
        rc = as_lines_open(&lines, source, 0, err);
    if (rc == 0)
        rc = keep_lines(s, lines, n_rows, end, err);
    as_lines_close(lines);
    if (source)
        as_source_close(source);
    return rc;
}
