/* audit_work.c -- golds to cases to verdicts, by threads, counted and written in input order.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit.h"

#include "base/clock.h"
#include "base/mem.h"
#include "jobs/pipeline.h"

#include <math.h>
#include <stdio.h>

enum { CHUNK_LINES = 128, CHUNK_BYTES = 256 * 1024 };

typedef struct task { /* a chunk of golds, or one hostile case */
    as_buf bytes, out;
    as_line lines[CHUNK_LINES];
    size_t n_lines;
    bool is_hostile;
    unsigned hostile;
    as_arena arena;
    as_audit_case *cases;
    as_item *items;
    as_results results;
    uint32_t n;
    uint64_t golds, blank;
    unsigned long long at, of; /* bytes of the input, for progress */
} task;

typedef struct auditor {
    const audit_opts *opts;
    const as_audit_options *how;
    as_scorer *scorer;
    audit_tally *tally;
    as_source *source;
    as_lines *lines;
    as_sink *sink;
    as_progress *progress;
    unsigned next_hostile;
    uint64_t n_lines;
} auditor;

static void drop(void *ctx, void *p)
{
    (void)ctx;
    task *t = p;
    as_buf_fini(&t->bytes);
    as_buf_fini(&t->out);
    as_arena_fini(&t->arena);
    as_free(t);
}

/* ---- produce: hostile cases first, then the golds ---- */

static task *make_task(const auditor *a)
{
    task *t = as_malloc(sizeof *t);
    if (!t)
        return NULL;
    memset(t, 0, sizeof *t);
    as_arena_init(&t->arena, 0);
    as_buf_init(&t->out, SIZE_MAX / 2);
    as_buf_init(&t->bytes, CHUNK_BYTES + 2 * ((size_t)a->opts->max_line_mib << 20) + 4096);
    return t;
}

static int fill(auditor *a, task *t, as_err *err)
{
    if (a->how->is_on[AS_AUDIT_HOSTILE] && a->next_hostile < as_audit_n_hostile()) {
        t->is_hostile = true;
        t->hostile = a->next_hostile++;
        return 1;
    }
    size_t most = CHUNK_LINES;
    if (a->opts->limit && a->opts->limit - a->n_lines < most)
        most = (size_t)(a->opts->limit - a->n_lines);
    if (most == 0)
        return 0;
    int rc = as_lines_chunk(a->lines, &t->bytes, t->lines, most, CHUNK_BYTES, &t->n_lines, err);
    a->n_lines += t->n_lines;
    as_source_progress(a->source, &t->at, &t->of);
    return rc;
}

static int produce(void *ctx, void **out, as_err *err)
{
    auditor *a = ctx;
    task *t = make_task(a);
    if (!t)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = fill(a, t, err);
    if (rc == 1)
        *out = t;
    else
        drop(NULL, t);
    return rc;
}

/* ---- work ---- */

/* "answer", else "reference": a string, or a number as it stands. */
static int read_gold(const as_line *line, as_arena *arena, as_str *gold, as_err *err)
{
    as_jspan object;
    int rc = as_json_scan(line->text, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "not an object");
    as_jspan value = as_jobject_get(object, "answer");
    if (value.kind == AS_J_NONE || value.kind == AS_J_NULL)
        value = as_jobject_get(object, "reference");
    if (value.kind != AS_J_STRING && value.kind != AS_J_NUMBER)
        return as_fail(err, AS_EDATA,
                       "neither \"answer\" nor \"reference\" is a string or a number");
    *gold = value.kind == AS_J_STRING ? as_jstring(value, arena, NULL)
                                      : as_arena_str(arena, value.text);
    return gold->data ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static int make_cases(const auditor *a, task *t, as_err *err)
{
    unsigned most = as_audit_most(a->how);
    t->cases = as_arena_alloc(&t->arena, (t->n_lines ? t->n_lines * most : 1) * sizeof *t->cases);
    if (!t->cases)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (t->is_hostile) {
        t->n = 1;
        return as_audit_hostile(a->how, t->hostile, &t->arena, t->cases, err);
    }
    for (size_t i = 0; i < t->n_lines; i++) {
        as_str gold = { NULL, 0 };
        as_err why = { 0 };
        unsigned n = 0;
        int rc = read_gold(&t->lines[i], &t->arena, &gold, &why);
        if (rc == 0)
            rc = as_audit_gold(a->how, gold, t->lines[i].no, &t->arena, t->cases + t->n, &n, &why);
        if (rc < 0)
            return as_fail(err, rc, "%s:%llu: %s", as_lines_name(a->lines),
                           (unsigned long long)t->lines[i].no, why.text);
        t->golds += n > 0;
        t->blank += as_str_is_blank(gold);
        t->n += n;
    }
    return 0;
}

static int make_items(task *t, as_err *err)
{
    uint64_t gold = 0;
    unsigned k = 0;
    t->items = as_arena_calloc(&t->arena, t->n + 1, sizeof *t->items);
    if (!t->items)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (uint32_t i = 0; i < t->n; i++) {
        const as_audit_case *c = &t->cases[i];
        as_item *item = &t->items[i];
        k = c->gold == gold ? k + 1 : 0;
        gold = c->gold;
        item->id = t->is_hostile
                       ? as_arena_fmt(&t->arena, "\"hostile-%u\"", t->hostile)
                       : as_arena_fmt(&t->arena, "\"%llu-%u\"", (unsigned long long)gold, k);
        item->completion = c->completion;
        item->reference = c->reference;
        item->has_completion = true;
        item->sum_logp = (double)NAN;
        if (!item->id.data)
            return as_fail(err, AS_ENOMEM, "out of memory");
    }
    return 0;
}

static bool is_wrong(as_audit_class class, assay_verdict v)
{
    if (class == AS_AUDIT_HOSTILE)
        return v == ASSAY_PASS || v == ASSAY_ERROR;
    return as_verdict_is_scored(v) && (v == ASSAY_PASS) != as_audit_must_pass(class);
}

static void add_text(as_buf *out, const char *key, as_str text)
{
    if (!text.data)
        return;
    as_buf_json_key(out, key);
    as_buf_json_str(out, text);
}

static void add_row(const task *t, as_buf *out, uint32_t i)
{
    const as_audit_case *c = &t->cases[i];
    as_buf_text(out, "{\"schema\":\"assay.audit/1\",\"id\":");
    as_buf_add(out, t->items[i].id);
    add_text(out, "class", as_str_of(as_audit_class_names[c->class]));
    add_text(out, "kind", as_str_of(c->kind));
    add_text(out, "reference", c->reference);
    add_text(out, "completion", c->completion);
    as_buf_addf(out, ",\"expect\":%s", as_audit_must_pass(c->class) ? "true" : "false");
    add_text(out, "verdict", as_str_of(as_verdict_word(t->results.verdict[i])));
    as_buf_addf(out, ",\"wrong\":%s", is_wrong(c->class, t->results.verdict[i]) ? "true" : "false");
    add_text(out, "rule", as_results_get(&t->results, i, ASSAY_OUT_RULE));
    add_text(out, "reason", as_results_get(&t->results, i, ASSAY_OUT_REASON));
    as_buf_json_key(out, "ms");
    as_buf_json_float(out, t->results.ms[i]);
    as_buf_text(out, "}\n");
}

static int work(void *ctx, void *p, as_err *err)
{
    const auditor *a = ctx;
    task *t = p;
    as_items columns;
    int rc = make_cases(a, t, err);
    if (rc == 0)
        rc = make_items(t, err);
    if (rc < 0 || t->n == 0)
        return rc;
    rc = as_items_build(&columns, t->items, t->n, a->how->seed, &t->arena, err);
    if (rc == 0)
        rc = as_scorer_score(a->scorer, &columns, 0, &t->arena, &t->results, err);
    for (uint32_t i = 0; rc == 0 && a->sink && i < t->n; i++)
        add_row(t, &t->out, i);
    return rc < 0 ? rc : as_buf_check(&t->out, err);
}

/* ---- consume ---- */

static audit_kind *kind_of(audit_tally *t, const as_audit_case *c)
{
    for (unsigned i = 0; i < t->n_kinds; i++)
        if (t->kinds[i].class == c->class && strcmp(t->kinds[i].name, c->kind) == 0)
            return &t->kinds[i];
    if (t->n_kinds == AUDIT_MAX_KINDS)
        return NULL;
    audit_kind *k = &t->kinds[t->n_kinds++];
    k->class = c->class;
    memcpy(k->name, c->kind, sizeof k->name);
    return k;
}

/* Long texts are kept cut: enough to be shown. */
static as_str keep(audit_tally *t, as_str s)
{
    enum { MOST = 2000 };
    if (s.len > MOST)
        s.len = MOST;
    return s.data ? as_arena_str(&t->arena, s) : s;
}

static void note_shown(auditor *a, const task *t, audit_kind *k, uint32_t i)
{
    if (k->n_shown >= a->opts->show)
        return;
    audit_shown *s = as_arena_calloc(&a->tally->arena, 1, sizeof *s);
    if (!s)
        return; /* best effort: the counts are what matters */
    s->id = keep(a->tally, t->items[i].id);
    s->reference = keep(a->tally, t->cases[i].reference);
    s->completion = keep(a->tally, t->cases[i].completion);
    s->rule = keep(a->tally, as_results_get(&t->results, i, ASSAY_OUT_RULE));
    s->reason = keep(a->tally, as_results_get(&t->results, i, ASSAY_OUT_REASON));
    s->verdict = t->results.verdict[i];
    if (k->last)
        k->last->next = s;
    else
        k->shown = s;
    k->last = s;
    k->n_shown++;
}

static int count(auditor *a, const task *t, uint32_t i, as_err *err)
{
    assay_verdict v = t->results.verdict[i];
    audit_kind *k = kind_of(a->tally, &t->cases[i]);
    if (!k)
        return as_fail(err, AS_EBUDGET, "more than %d kinds of cases", AUDIT_MAX_KINDS);
    bool wrong = is_wrong(k->class, v);
    k->n++;
    k->wrong += wrong;
    k->abstain += v == ASSAY_ABSTAIN;
    k->error += v == ASSAY_ERROR;
    if (t->results.ms[i] > k->max_ms)
        k->max_ms = t->results.ms[i];
    if (wrong || v == ASSAY_ERROR || (v == ASSAY_ABSTAIN && as_audit_must_pass(k->class)))
        note_shown(a, t, k, i);
    a->tally->cases++;
    return 0;
}

static int consume(void *ctx, void *p, as_err *err)
{
    auditor *a = ctx;
    task *t = p;
    int rc = 0;
    for (uint32_t i = 0; i < t->n && rc == 0; i++)
        rc = count(a, t, i, err);
    a->tally->golds += t->golds;
    a->tally->blank += t->blank;
    if (rc == 0 && a->sink)
        rc = as_sink_write(a->sink, as_buf_str(&t->out), err);
    as_progress_at(a->progress, a->tally->cases, t->at, t->of);
    drop(NULL, t);
    return rc;
}

/* ---- all of it ---- */

static int why_stop(const void *arg)
{
    return as_cancel_why(arg);
}

static int open_files(auditor *a, as_err *err)
{
    int rc = as_source_open(&a->source, a->opts->in, err);
    if (rc < 0)
        return rc;
    as_source_set_stop(a->source, why_stop, as_cli_cancel());
    rc = as_lines_open(&a->lines, a->source, (size_t)a->opts->max_line_mib << 20, err);
    if (rc == 0 && a->opts->out)
        rc = as_sink_open(&a->sink, a->opts->out, a->opts->force ? AS_SINK_OVERWRITE : AS_SINK_NEW,
                          err);
    if (rc == 0)
        rc = as_progress_new(&a->progress, a->opts->quiet ? "none" : a->opts->progress, "audit",
                             err);
    return rc;
}

int audit_run(const audit_opts *o, const as_audit_options *how, as_scorer *scorer,
              audit_tally *tally, as_err *err)
{
    static const as_pipeline_ops ops = { produce, work, consume, drop };
    auditor a = { .opts = o, .how = how, .scorer = scorer, .tally = tally };
    int64_t start_ns = as_now_ns();
    int rc = open_files(&a, err);
    if (rc == 0)
        rc = as_pipeline_run(&ops, &a, as_scorer_threads(scorer), 0, as_cli_cancel(), err);
    int closed = as_sink_close(a.sink, rc < 0 ? NULL : err);
    as_progress_free(a.progress);
    if (a.lines)
        as_lines_close(a.lines);
    if (a.source)
        as_source_close(a.source);
    tally->seconds = (double)(as_now_ns() - start_ns) / 1e9;
    return rc < 0 ? rc : closed;
}
