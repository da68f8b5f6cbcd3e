/* samples.c -- reads scored samples: a chunk of lines is parsed by any thread, its records are kept
 * in file order. SPDX-License-Identifier: Apache-2.0 */
#include "eval/samples.h"

#include "base/hash.h"
#include "base/mem.h"
#include "data/jsonl.h"
#include "eval/samples_parse.h"
#include "eval/samples_store.h"
#include "jobs/pipeline.h"

#include <math.h>
#include <stdio.h>

enum {
    CHUNK_BYTES = 1 << 20,
    CHUNK_LINES = 8192,
    LINE_MAX = 1 << 30 /* EvalPlus writes a whole run as one line */
};

typedef struct file_entry {
    char *name;
    uint64_t first_sample, n_lines, hash; /* hash of all lines, in order */
} file_entry;

struct as_samples {
    as_samples_options options;
    as_store store;
    file_entry *files;
    size_t n_files;
    as_str filters[AS_FILTERS_MAX];
    size_t n_filters;
    uint64_t n_bad, n_by_id, n_finish;
    as_format format;
};

typedef struct chunk {
    as_buf bytes;
    as_line *lines;
    size_t n;
    as_arena arena;
    as_recs recs;
    uint64_t hash, n_bad;
} chunk;

typedef struct reader {
    as_samples *s;
    file_entry *file;
    as_reading how;
    as_lines *lines;
    chunk *first; /* read ahead to tell the format */
} reader;

int as_samples_new(as_samples **out, const as_samples_options *options, as_err *err)
{
    as_samples *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "no memory");
    s->options = *options;
    as_store_init(&s->store);
    *out = s;
    return 0;
}

void as_samples_free(as_samples *s)
{
    if (!s)
        return;
    for (size_t i = 0; i < s->n_files; i++)
        as_free(s->files[i].name);
    as_free(s->files);
    as_store_fini(&s->store);
    as_free(s);
}

/* ---- chunks ---- */

static void chunk_free(chunk *c)
{
    if (!c)
        return;
    as_recs_fini(&c->recs);
    as_arena_fini(&c->arena);
    as_buf_fini(&c->bytes);
    as_free(c->lines);
    as_free(c);
}

static void as_cleanup_chunk(chunk **c)
{
    chunk_free(*c);
}

/* 1: a chunk, 0: the end. */
static int chunk_read(reader *r, chunk **out, as_err *err)
{
    AS_CLEANUP(chunk) chunk *c = as_calloc(1, sizeof *c);
    if (!c)
        return as_fail(err, AS_ENOMEM, "no memory");
    as_arena_init(&c->arena, 0);
    as_buf_init(&c->bytes, (size_t)LINE_MAX * 2);
    c->recs.arena = &c->arena;
    c->lines = as_calloc(CHUNK_LINES, sizeof *c->lines);
    if (!c->lines)
        return as_fail(err, AS_ENOMEM, "no memory");
    int rc = as_lines_chunk(r->lines, &c->bytes, c->lines, CHUNK_LINES, CHUNK_BYTES, &c->n, err);
    if (rc > 0)
        *out = AS_STEAL(c);
    return rc;
}

static int produce(void *ctx, void **task, as_err *err)
{
    reader *r = ctx;
    if (r->first) {
        *task = AS_STEAL(r->first);
        return 1;
    }
    chunk *c = NULL;
    int rc = chunk_read(r, &c, err);
    *task = c;
    return rc;
}

/* Prefixes FILE:LINE, and says what to do about a last line that was cut. */
static int bad_line(const reader *r, const as_line *line, int rc, as_err *err)
{
    if (line->torn && err)
        as_err_prefix(
            err, "the last line is cut short (take it away, or let the run go on with --resume)");
    as_err_prefix(err, "%s:%llu", r->file->name, (unsigned long long)line->no);
    return rc;
}

static int parse_line(const reader *r, chunk *c, const as_line *line, as_err *err)
{
    as_jspan span;
    as_err ours = { 0 };
    int rc = as_json_scan(line->text, &span, &ours);
    bool is_cut = rc < 0 && line->torn;
    if (rc == 0)
        rc = as_recs_add(&c->recs, &r->how, span, line->no, &ours);
    if (rc == AS_EDATA && !r->s->options.stop_on_bad) {
        c->n_bad++;
        return 0;
    }
    if (rc == 0)
        return 0;
    as_line where = *line;
    where.torn = is_cut;
    rc = bad_line(r, &where, rc, &ours);
    return as_fail(err, rc, "%s", ours.text);
}

static int work(void *ctx, void *task, as_err *err)
{
    const reader *r = ctx;
    chunk *c = task;
    for (size_t i = 0; i < c->n; i++) {
        int rc = parse_line(r, c, &c->lines[i], err);
        if (rc < 0)
            return rc;
        c->hash = c->hash * 0x9E3779B97F4A7C15U + as_hash64(c->lines[i].text, 0);
    }
    return 0;
}

static int keep_filters(as_samples *s, const as_recs *recs, as_err *err)
{
    for (size_t i = 0; i < recs->n_filters; i++) {
        size_t j = 0;
        while (j < s->n_filters && !as_str_eq(s->filters[j], recs->filters[i]))
            j++;
        if (j < s->n_filters || j == AS_FILTERS_MAX)
            continue;
        s->filters[j] = as_arena_str(&s->store.names, recs->filters[i]);
        if (!s->filters[j].data)
            return as_fail(err, AS_ENOMEM, "no memory");
        s->n_filters++;
    }
    return 0;
}

static int keep(reader *r, const chunk *c, as_err *err)
{
    as_samples *s = r->s;
    for (size_t i = 0; i < c->n; i++)
        r->file->hash *= 0x9E3779B97F4A7C15U; /* the file's hash is as if it had been one chunk */
    r->file->hash += c->hash;
    r->file->n_lines += c->n;
    s->n_bad += c->n_bad;
    for (size_t i = 0; i < c->recs.n; i++) {
        const as_rec *rec = &c->recs.at[i];
        s->n_by_id += (rec->flags & AS_REC_BY_ID) != 0;
        s->n_finish += (rec->flags & AS_REC_FINISH) != 0;
        int rc = as_store_add(&s->store, rec, err);
        if (rc < 0)
            return rc;
    }
    return keep_filters(s, &c->recs, err);
}

static int consume(void *ctx, void *task, as_err *err)
{
    AS_CLEANUP(chunk) chunk *c = task;
    return keep(ctx, c, err);
}

static void drop(void *ctx, void *task)
{
    (void)ctx;
    chunk_free(task);
}

/* ---- formats ---- */

/* A document over many lines (indented JSON) is one record: all lines, one after another. */
static int join_lines(reader *r, as_err *err)
{
    AS_CLEANUP(chunk) chunk *all = as_calloc(1, sizeof *all);
    if (!all)
        return as_fail(err, AS_ENOMEM, "no memory");
    as_arena_init(&all->arena, 0);
    as_buf_init(&all->bytes, (size_t)LINE_MAX * 2);
    all->recs.arena = &all->arena;
    all->lines = as_calloc(1, sizeof *all->lines);
    if (!all->lines)
        return as_fail(err, AS_ENOMEM, "no memory");
    bool torn = false;
    int rc = 1;
    while (rc > 0) {
        AS_CLEANUP(chunk) chunk *c = AS_STEAL(r->first);
        for (size_t i = 0; i < c->n; i++) {
            as_buf_add(&all->bytes, c->lines[i].text);
            as_buf_byte(&all->bytes,
                        '\n'); /* strings have no line ends, so only white space is changed */
            torn = c->lines[i].torn;
        }
        rc = chunk_read(r, &r->first, err);
    }
    if (rc == 0)
        rc = as_buf_check(&all->bytes, err);
    if (rc < 0)
        return rc;
    all->lines[0] = (as_line){ .text = as_buf_str(&all->bytes), .no = 1, .torn = torn };
    all->n = 1;
    r->first = AS_STEAL(all);
    return 0;
}

/* A line of indented JSON ends where a value must follow; a line of JSONL does so only if it was
 * cut just there. */
static bool goes_on(as_str line)
{
    as_str s = as_str_trim(line);
    return as_str_ends(s, "{") || as_str_ends(s, "[") || as_str_ends(s, ",") || as_str_ends(s, ":");
}

/* Looks at the first record that can be read; where bad lines stop nothing, they may come before
 * it. */
static int tell_format(reader *r, as_err *err)
{
    as_jspan span;
    as_err ours = { 0 };
    const as_line *first = &r->first->lines[0];
    if (as_json_scan(first->text, &span, &ours) < 0 && !first->torn && goes_on(first->text)) {
        int rc = join_lines(r, err);
        if (rc < 0)
            return rc;
    }
    int rc = AS_EDATA;
    for (size_t i = 0; i < r->first->n && rc < 0; i++) {
        const as_line *line = &r->first->lines[i];
        as_line where = *line;
        ours = (as_err){ 0 };
        rc = as_json_scan(line->text, &span, &ours);
        where.torn = rc < 0 && line->torn;
        if (rc == 0)
            rc = as_format_of(span, &r->how.format, &ours);
        if (rc < 0 && r->s->options.stop_on_bad) {
            (void)bad_line(r, &where, rc, &ours);
            return as_fail(err, rc, "%s", ours.text);
        }
    }
    return rc < 0 ? as_fail(err, AS_EDATA, "%s: none of its first lines is a scored sample",
                            r->file->name)
                  : 0;
}

/* Lines of one document under several filters are several gradings of one sample: they must not be
 * mixed. */
static int check_filters(const as_samples *s, const char *file, as_err *err)
{
    char names[200] = "";
    size_t len = 0;
    bool is_found = !s->options.filter;
    for (size_t i = 0; i < s->n_filters && len < sizeof names; i++) {
        int n = snprintf(names + len, sizeof names - len, "%s%.*s", i ? ", " : "",
                         (int)s->filters[i].len, s->filters[i].data);
        len += n > 0 ? (size_t)n : 0;
        is_found = is_found || as_str_is(s->filters[i], s->options.filter);
    }
    if (s->n_filters == 0)
        return 0;
    if (!is_found)
        return as_fail(err, AS_EUSAGE, "%s: no filter \"%s\" (known: %s)", file, s->options.filter,
                       names);
    if (!s->options.filter && s->n_filters > 1)
        return as_fail(err, AS_EUSAGE, "%s: several filters (%s): choose one with --filter", file,
                       names);
    return 0;
}

/* A copy of a run under another name doubles every sample. */
static int check_copies(const as_samples *s, as_err *err)
{
    const file_entry *last = &s->files[s->n_files - 1];
    for (size_t i = 0; i + 1 < s->n_files; i++)
        if (s->files[i].n_lines == last->n_lines && s->files[i].hash == last->hash)
            return as_fail(err, AS_EDATA, "the same samples twice: %s and %s have the same lines",
                           s->files[i].name, last->name);
    return 0;
}

/* ---- reading ---- */

static int read_lines(reader *r, as_err *err)
{
    static const as_pipeline_ops ops = { produce, work, consume, drop };
    as_samples *s = r->s;
    int rc = chunk_read(r, &r->first, err);
    if (rc == 0)
        return as_fail(err, AS_EDATA, "%s: empty, no samples in it", r->file->name);
    if (rc > 0)
        rc = tell_format(r, err);
    if (rc == 0)
        rc = as_pipeline_run(&ops, r, s->options.threads, 0, s->options.cancel, err);
    if (rc == 0 && s->n_files == 1)
        s->format = r->how.format;
    if (rc == 0)
        rc = check_filters(s, r->file->name, err);
    return rc == 0 ? check_copies(s, err) : rc;
}

static int add_file(as_samples *s, const char *name, as_err *err)
{
    file_entry *files = as_realloc_array(s->files, s->n_files + 1, sizeof *files);
    if (!files)
        return as_fail(err, AS_ENOMEM, "no memory");
    s->files = files;
    char *copy = as_strdup(name);
    if (!copy)
        return as_fail(err, AS_ENOMEM, "no memory");
    files[s->n_files++] = (file_entry){ .name = copy, .first_sample = s->store.n };
    return 0;
}

static int read_source(as_samples *s, as_source *source, as_err *err)
{
    reader r = { .s = s, .how = { .options = &s->options, .file = (uint32_t)s->n_files } };
    int rc = add_file(s, as_source_name(source), err);
    if (rc < 0)
        return rc;
    r.file = &s->files[s->n_files - 1];
    rc = as_lines_open(&r.lines, source, LINE_MAX, err);
    if (rc < 0)
        return rc;
    rc = read_lines(&r, err);
    chunk_free(r.first);
    as_lines_close(r.lines);
    return rc;
}

int as_samples_read(as_samples *s, const char *path, as_err *err)
{
    as_source *source = NULL;
    int rc = as_source_open(&source, path, err);
    if (rc < 0)
        return rc;
    rc = read_source(s, source, err);
    as_source_close(source);
    return rc;
}

/* ---- samples in memory ---- */

static uint16_t flags_of(const as_scored_sample *x)
{
    unsigned flags = x->is_truncated ? AS_REC_FINISH | AS_REC_TRUNCATED : AS_REC_FINISH;
    if (x->verdict == ASSAY_ABSTAIN)
        flags |= AS_REC_ABSTAIN;
    else if (x->verdict < ASSAY_PASS || x->verdict > ASSAY_TIMEOUT)
        flags |= AS_REC_ERROR;
    else
        flags |= x->verdict == ASSAY_PASS ? AS_REC_SCORED | AS_REC_RIGHT : AS_REC_SCORED;
    if (x->key.data && !as_str_is_blank(x->key))
        flags |= AS_REC_KEY;
    return (uint16_t)flags;
}

int as_samples_add(as_samples *s, const as_scored_sample *x, as_err *err)
{
    const uint64_t place[2] = { x->run, x->sample };
    int rc = s->n_files ? 0 : add_file(s, "samples in memory", err);
    if (rc < 0)
        return rc;
    const as_rec rec = { .problem = x->problem,
                         .problem_hash = as_hash64(x->problem, 0),
                         .sample = as_hash64((as_str){ (const char *)place, sizeof place }, 1),
                         .key = x->key.data ? as_hash64(x->key, 0) : 0,
                         .score = (double)x->score,
                         .chance = (double)NAN,
                         .line = s->store.n + 1,
                         .run = (uint32_t)x->run,
                         .flags = flags_of(x) };
    if (s->format == AS_FORMAT_NONE)
        s->format = AS_FORMAT_OWN;
    s->n_finish++;
    return as_store_add(&s->store, &rec, err);
}

/* ---- the end ---- */

static size_t file_of(const as_samples *s, uint64_t sample)
{
    size_t f = s->n_files - 1;
    while (f > 0 && s->files[f].first_sample > sample)
        f--;
    return f;
}

static void place_of(const as_samples *s, uint64_t sample, char *out, size_t size)
{
    size_t f = file_of(s, sample);
    const as_kept *k = as_store_at(&s->store, sample);
    (void)snprintf(out, size, "%.150s:%lu%s", s->files[f].name, (unsigned long)k->line,
                   k->line == UINT32_MAX ? " or later" : "");
}

static int fail_twice(const as_samples *s, const as_store_facts *facts, as_err *err)
{
    char first[200], second[200];
    place_of(s, facts->first, first, sizeof first);
    place_of(s, facts->second, second, sizeof second);
    bool is_one_file = file_of(s, facts->first) == file_of(s, facts->second);
    as_str id = s->store.problems[as_store_at(&s->store, facts->second)->problem].id;
    return as_fail(
        err, AS_EDATA,
        "the same sample twice: %s and %s (problem %.*s): were two runs made with one seed%s?",
        first, second, (int)(id.len < 60 ? id.len : 60), id.data,
        is_one_file ? ", or put into one file" : "");
}

int as_samples_finish(as_samples *s, as_sample_set *out, as_err *err)
{
    as_store_facts facts = { 0 };
    if (s->store.n == 0)
        return as_fail(err, AS_EDATA, "%s: no samples in it",
                       s->n_files ? s->files[0].name : "no file");
    int rc = as_store_gather(&s->store, s->options.threads, &facts, err);
    if (rc < 0)
        return rc;
    if (facts.has_twice)
        return fail_twice(s, &facts, err);
    *out = (as_sample_set){
        .problems = s->store.problems,
        .n_problems = s->store.n_problems,
        .n_samples = s->store.n,
        .n_files = s->n_files,
        .n_duplicate_texts = facts.n_duplicate_texts,
        .n_texts = facts.n_texts,
        .n_by_id = s->n_by_id,
        .n_finish = s->n_finish,
        .n_bad = s->n_bad,
        .has_keys = facts.has_keys,
        .format = as_format_names[s->format],
    };
    return 0;
}
