/* exams.c -- the folder of an evaluation, problem by problem. SPDX-License-Identifier: Apache-2.0
 */
#include "report/exams.h"

#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/strmap.h"
#include "data/jsonl.h"
#include "data/run_record.h"
#include "eval/maj.h"
#include "eval/metrics.h"
#include "report/runs.h"

#include <math.h>

enum { LEVEL_MAX = 40, PROBLEMS_MAX = 1 << 22, FIRST_PROBLEMS = 256 };

typedef struct reader {
    as_report_exam *exam;
    as_arena *arena; /* of all */
    as_arena scratch;
    as_str *ids; /* [n_problems], the caller's */
    size_t room;
    as_strmap by_id;
    double *n_tokens, *n_counted; /* [n_problems] sums */
} reader;

/* ---- the suite ---- */

/* A text, or a number as it is written; data NULL: neither, or no memory. */
static as_str text_of(as_jspan value, as_arena *arena)
{
    if (value.kind == AS_J_STRING)
        return as_jstring(value, arena, NULL);
    return value.kind == AS_J_NUMBER ? as_arena_str(arena, value.text) : (as_str){ NULL, 0 };
}

static int more_room(reader *r, as_err *err)
{
    as_report_exam *x = r->exam;
    const size_t room = r->room ? r->room * 2 : FIRST_PROBLEMS;
    as_str *ids = as_realloc_array(r->ids, room, sizeof *ids);
    if (ids)
        r->ids = ids;
    as_str *level = as_realloc_array(x->level, room, sizeof *level);
    if (level)
        x->level = level;
    if (!ids || !level)
        return as_fail(err, AS_ENOMEM, "no memory for %zu problems", room);
    r->room = room;
    return 0;
}

static int take_problem(void *ctx, as_str line, uint64_t no, as_err *err)
{
    (void)no;
    reader *r = ctx;
    as_report_exam *x = r->exam;
    as_jspan object;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    const as_str id = object.kind == AS_J_OBJECT ? text_of(as_jobject_get(object, "id"), r->arena)
                                                 : (as_str){ 0 };
    if (!id.data)
        return as_fail(err, AS_EDATA,
                       "no problem of a suite: an object with an \"id\" is expected");
    if (x->n_problems == PROBLEMS_MAX)
        return as_fail(err, AS_EDATA, "more than %d problems", PROBLEMS_MAX);
    if (x->n_problems == r->room && (rc = more_room(r, err)) < 0)
        return rc;
    const as_jspan meta = as_jobject_get(object, "meta");
    as_str level = { NULL, 0 };
    if (meta.kind == AS_J_OBJECT)
        level = text_of(as_jobject_get(meta, "level"), r->arena);
    level.len = level.len < LEVEL_MAX ? level.len : LEVEL_MAX;
    r->ids[x->n_problems] = id;
    x->level[x->n_problems++] = level;
    return 0;
}

static int read_suite(reader *r, const char *path, as_err *err)
{
    as_report_exam *x = r->exam;
    int rc = as_lines_each(path, take_problem, r, err);
    if (rc == 0 && x->n_problems == 0)
        rc = as_fail(err, AS_EDATA, "%s: no problem in it", path);
    if (rc == 0 && !as_strmap_init(&r->by_id, x->n_problems))
        rc = as_fail(err, AS_ENOMEM, "no memory for %zu problems", x->n_problems);
    for (size_t i = 0; rc == 0 && i < x->n_problems; i++) {
        bool is_new = false;
        as_strmap_add(&r->by_id, r->ids[i], (uint32_t)i, &is_new);
        if (!is_new)
            rc = as_fail(err, AS_EDATA, "%s: problem \"%.80s\" is there twice", path,
                         r->ids[i].data);
    }
    return rc;
}

/* ---- the scores ---- */

/* Lengths alone; all else is read by eval/samples.h. */
static int take_score(void *ctx, as_str line, uint64_t no, as_err *err)
{
    (void)no;
    reader *r = ctx;
    as_jspan object;
    double tokens;
    uint32_t i;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    as_arena_reset(&r->scratch);
    const as_str id = object.kind == AS_J_OBJECT
                          ? text_of(as_jobject_get(object, "problem_id"), &r->scratch)
                          : (as_str){ 0 };
    if (!id.data || !as_strmap_find(&r->by_id, id, &i))
        return as_fail(err, AS_EDATA, "its \"problem_id\" is not in suite.jsonl");
    if (!as_jnumber(as_jobject_get(object, "n_tokens"), &tokens) || !isfinite(tokens))
        return 0;
    r->n_tokens[i] += tokens;
    r->n_counted[i] += 1;
    return 0;
}

static int measure_problem(const reader *r, const as_problem *p, as_err *err)
{
    as_report_exam *x = r->exam;
    uint32_t i = 0;
    if (!as_strmap_find(&r->by_id, p->id, &i) || p->n == 0)
        return 0;
    const as_maj_draws how = { AS_MAJ_DRAWS, 0, i };
    x->n_samples = p->n > x->n_samples ? p->n : x->n_samples;
    x->avg[i] = (double)p->c / (double)p->n;
    return as_maj_curve(p->class_counts, p->n_classes, p->n_blank, &p->n, 1, &how, &x->maj[i], err);
}

static int measure(reader *r, const char *path, as_err *err)
{
    as_report_exam *x = r->exam;
    as_samples *samples = NULL;
    as_sample_set set = { 0 };
    const as_samples_options how = { .threads = 1, .stop_on_bad = true };
    int rc = as_samples_new(&samples, &how, err);
    if (rc == 0)
        rc = as_samples_read(samples, path, err);
    if (rc == 0)
        rc = as_samples_finish(samples, &set, err);
    for (size_t i = 0; rc == 0 && i < set.n_problems; i++)
        rc = measure_problem(r, &set.problems[i], err);
    for (size_t i = 0; rc == 0 && i < x->n_problems && !set.has_keys; i++)
        x->maj[i] = (double)NAN;
    as_samples_free(samples);
    return rc;
}

static int read_scores(reader *r, const char *path, as_err *err)
{
    as_report_exam *x = r->exam;
    const size_t n = x->n_problems;
    double sum = 0, counted = 0;
    x->avg = as_calloc(n, sizeof *x->avg);
    x->maj = as_calloc(n, sizeof *x->maj);
    x->tokens = as_calloc(n, sizeof *x->tokens);
    r->n_tokens = as_calloc(n, sizeof *r->n_tokens);
    r->n_counted = as_calloc(n, sizeof *r->n_counted);
    if (!x->avg || !x->maj || !x->tokens || !r->n_tokens || !r->n_counted)
        return as_fail(err, AS_ENOMEM, "no memory for %zu problems", n);
    for (size_t i = 0; i < n; i++)
        x->avg[i] = x->maj[i] = (double)NAN;
    int rc = as_lines_each(path, take_score, r, err);
    if (rc == 0)
        rc = measure(r, path, err);
    for (size_t i = 0; i < n; i++) {
        x->tokens[i] = r->n_tokens[i] / r->n_counted[i]; /* NaN of nothing */
        sum += r->n_tokens[i];
        counted += r->n_counted[i];
    }
    x->length = sum / counted;
    if (rc == 0)
        rc = as_bootstrap(x->avg, 1, n, AS_REPORT_DRAWS, 0, 1, &x->avg_n, NULL, err);
    return rc == 0 ? as_bootstrap(x->maj, 1, n, AS_REPORT_DRAWS, 0, 1, &x->maj_n, NULL, err) : rc;
}

/* ---- the manifest ---- */

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

static as_str suite_name(const cJSON *manifest, as_arena *arena)
{
    const char *path = cJSON_GetStringValue(member(manifest, "suite"));
    const char *slash = path ? strrchr(path, '/') : NULL;
    as_str name = as_str_of(slash ? slash + 1 : path ? path : "");
    const char *dot = name.len > 1 ? memmem(name.data + 1, name.len - 1, ".jsonl", 6) : NULL;
    if (dot)
        name.len = (size_t)(dot - name.data);
    return as_arena_str(arena, name);
}

/* What must be the same for two evaluations to be compared. How many samples were drawn need not.
 */
static int find_group(as_report_exam *x, as_arena *arena, as_err *err)
{
    static const char *const keys[] = {
        "limit", "max_tokens", "temperature", "top_p",    "min_p",
        "top_k", "stop",       "chat",        "verifier", "config"
    };
    const cJSON *config = member(x->manifest, "config");
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, 1 << 20);
    const char *hash = cJSON_GetStringValue(member(member(x->manifest, "hashes"), "suite"));
    as_buf_text(&b, hash ? hash : "");
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        as_buf_byte(&b, '\n');
        if (member(config, keys[i]))
            as_json_print(member(config, keys[i]), &b);
    }
    int rc = as_buf_check(&b, err);
    if (rc == 0 && !(x->group = as_arena_str(arena, as_buf_str(&b))).data)
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    return rc;
}

static int read_manifest(as_report_exam *x, const char *path, as_arena *arena, as_err *err)
{
    as_run_record record = { 0 };
    int rc = as_run_record_load(&record, path, err);
    x->manifest = AS_STEAL(record.json);
    if (rc < 0)
        return rc;
    const char *state = cJSON_GetStringValue(member(x->manifest, "state"));
    if (!state || strcmp(state, "done") != 0)
        return as_fail(err, AS_EDATA,
                       "%s: the evaluation did not end (\"state\": %.40s); assay eval "
                       "--resume goes on with it",
                       x->folder.data, state ? state : "not told");
    x->suite = suite_name(x->manifest, arena);
    if (!x->suite.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    return find_group(x, arena, err);
}

/* ---- a folder ---- */

bool as_report_is_exam(const char *folder)
{
    AS_CLEANUP(free) char *path = as_path_join(folder, "scores.jsonl");
    return path && as_path_exists(path);
}

static int read_exam(as_report_exam *x, as_arena *arena, const char *folder, as_err *err)
{
    reader r = { .exam = x, .arena = arena };
    AS_CLEANUP(free) char *manifest = as_path_join(folder, "manifest.json");
    AS_CLEANUP(free) char *suite = as_path_join(folder, "suite.jsonl");
    AS_CLEANUP(free) char *scores = as_path_join(folder, "scores.jsonl");
    as_arena_init(&r.scratch, 0);
    int rc = as_report_name(folder, arena, &x->folder, &x->label, err);
    if (rc == 0 && (!manifest || !suite || !scores))
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0)
        rc = read_manifest(x, manifest, arena, err);
    if (rc == 0)
        rc = read_suite(&r, suite, err);
    if (rc == 0)
        rc = read_scores(&r, scores, err);
    as_free(r.ids);
    as_free(r.n_tokens);
    as_free(r.n_counted);
    as_strmap_fini(&r.by_id);
    as_arena_fini(&r.scratch);
    return rc;
}

/* Two of one name and one suite are told apart by their paths; each has its group's first. */
static void relate(as_report_exams *e)
{
    bool is_double[AS_REPORT_EXAMS_MAX] = { false };
    for (size_t i = 0; i < e->n; i++) {
        e->at[i].first = i;
        for (size_t k = i; k-- > 0;) {
            if (!as_str_eq(e->at[i].group, e->at[k].group) ||
                e->at[i].n_problems != e->at[k].n_problems)
                continue;
            e->at[i].first = k;
            if (as_str_eq(e->at[i].label, e->at[k].label))
                is_double[i] = is_double[k] = true;
        }
    }
    for (size_t i = 0; i < e->n; i++)
        if (is_double[i])
            e->at[i].label = e->at[i].folder;
}

int as_report_exams_read(as_report_exams *e, const char *const *folders, size_t n, as_err *err)
{
    *e = (as_report_exams){ 0 };
    if (n > AS_REPORT_EXAMS_MAX)
        return as_fail(err, AS_EUSAGE, "more than %d evaluations", AS_REPORT_EXAMS_MAX);
    as_arena_init(&e->arena, 0);
    e->at = as_calloc(n + 1, sizeof *e->at);
    if (!e->at)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = 0;
    for (; e->n < n && rc == 0; e->n++)
        rc = read_exam(&e->at[e->n], &e->arena, folders[e->n], err);
    if (rc == 0)
        relate(e);
    return rc;
}

void as_report_exams_fini(as_report_exams *e)
{
    for (size_t i = 0; i < e->n; i++) {
        as_report_exam *x = &e->at[i];
        cJSON_Delete(x->manifest);
        as_free(x->level);
        as_free(x->avg);
        as_free(x->maj);
        as_free(x->tokens);
    }
    as_free(e->at);
    as_arena_fini(&e->arena);
    *e = (as_report_exams){ 0 };
}
