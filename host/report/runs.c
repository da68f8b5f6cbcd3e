/* runs.c -- metrics.jsonl as curves. SPDX-License-Identifier: Apache-2.0 */
#include "report/runs.h"

#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "data/jsonl.h"
#include "data/run_record.h"

#include <errno.h>
#include <inttypes.h>
#include <math.h>
#include <sys/stat.h>

enum { CHUNK_LINES = 256, CHUNK_BYTES = 1 << 20, LINE_MAX_BYTES = 4 << 20, FIRST_POINTS = 64 };

typedef struct reader {
    as_report_run *run;
    as_arena *names;
    as_arena scratch; /* of one line */
    size_t guess;     /* the curve that comes next where a line is like the one before */
} reader;

/* ---- curves ---- */

static int new_curve(reader *r, as_str name, as_report_curve **out, as_err *err)
{
    as_report_run *run = r->run;
    if (name.len == 0 || name.len > AS_REPORT_NAME_MAX)
        return as_fail(err, AS_EDATA, "a metric's name has 1 to %d bytes, this one %zu",
                       AS_REPORT_NAME_MAX, name.len);
    if (run->n_curves == AS_REPORT_NAMES_MAX)
        return as_fail(err, AS_EDATA, "more than %d metrics in one run", AS_REPORT_NAMES_MAX);
    as_str copy = as_arena_str(r->names, name);
    if (!copy.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    *out = &run->curves[run->n_curves++];
    **out = (as_report_curve){ .name = copy };
    return 0;
}

static int find_curve(reader *r, as_str name, as_report_curve **out, as_err *err)
{
    as_report_run *run = r->run;
    for (size_t i = 0; i < run->n_curves; i++) {
        const size_t k = (r->guess + i) % run->n_curves;
        if (!as_str_eq(run->curves[k].name, name))
            continue;
        r->guess = k + 1;
        *out = &run->curves[k];
        return 0;
    }
    int rc = new_curve(r, name, out, err);
    r->guess = run->n_curves;
    return rc;
}

/* A name that comes twice in a line has the last value. */
static int add_point(as_report_curve *c, as_report_point point, as_err *err)
{
    if (c->n && c->at[c->n - 1].step == point.step)
        c->n--;
    if (c->n == c->room) {
        const size_t room = c->room ? c->room * 2 : FIRST_POINTS;
        as_report_point *more = as_realloc_array(c->at, room, sizeof *more);
        if (!more)
            return as_fail(err, AS_ENOMEM, "out of memory");
        c->at = more;
        c->room = room;
    }
    c->at[c->n++] = point;
    return 0;
}

/* ---- a line ---- */

static int take_value(reader *r, as_jspan key, as_jspan value, as_report_point point, as_err *err)
{
    if (value.kind != AS_J_NUMBER && value.kind != AS_J_NULL) {
        r->run->n_left_out++;
        return 0;
    }
    as_str name = as_jstring(key, &r->scratch, NULL);
    as_report_curve *curve = NULL;
    int rc =
        name.data ? find_curve(r, name, &curve, err) : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc < 0)
        return rc;
    if (value.kind == AS_J_NULL || !as_jnumber(value, &point.value) || !isfinite(point.value)) {
        point.value = (double)NAN;
        r->run->n_null++;
    }
    return add_point(curve, point, err);
}

/* {"step":N,"time"?:SECONDS,name:number or null,...} */
static int take_line(reader *r, as_str line, as_err *err)
{
    as_jspan object, key, value;
    unsigned long long step = 0;
    double time = (double)NAN;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT || !as_junsigned(as_jobject_get(object, "step"), &step))
        return as_fail(err, AS_EDATA, "no metrics of a run: an object with a \"step\" is expected");
    as_report_run *run = r->run;
    if (run->n_steps && step <= run->last_step)
        return as_fail(err, AS_EDATA, "step %llu after step %" PRIu64 ": steps must ascend", step,
                       run->last_step);
    (void)as_jnumber(as_jobject_get(object, "time"), &time);
    as_arena_reset(&r->scratch);
    r->guess = 0;
    for (size_t at = 0; rc == 0 && as_jobject_next(object, &at, &key, &value);)
        if (!as_jspan_is(key, "step") && !as_jspan_is(key, "time"))
            rc = take_value(r, key, value, (as_report_point){ step, time, 0 }, err);
    run->n_steps++;
    run->last_step = step;
    run->last_time = time;
    return rc;
}

static int take_lines(reader *r, as_lines *lines, as_err *err)
{
    AS_CLEANUP(buf) as_buf bytes = { 0 };
    as_line line[CHUNK_LINES];
    size_t n = 0;
    int rc;
    as_buf_init(&bytes, SIZE_MAX / 2);
    while ((rc = as_lines_chunk(lines, &bytes, line, CHUNK_LINES, CHUNK_BYTES, &n, err)) == 1)
        for (size_t i = 0; i < n; i++) {
            as_err why = { 0 };
            rc = take_line(r, line[i].text, &why);
            if (rc == AS_EDATA && line[i].torn && r->run->n_steps) {
                r->run->is_torn = true;
                return 0;
            }
            if (rc < 0)
                return as_fail(err, rc, "%s:%" PRIu64 ": %s", as_lines_name(lines), line[i].no,
                               why.text);
        }
    return rc;
}

/* ---- a folder ---- */

/* Regular files only: nobody waits for a pipe. */
static int check_file(const char *path, const char *folder, as_err *err)
{
    struct stat info;
    if (stat(folder, &info) != 0)
        return as_fail_errno(err, "%s", folder);
    if (!S_ISDIR(info.st_mode))
        return as_fail(err, AS_EDATA, "%s: not a folder; name the run's (assay train --out)",
                       folder);
    if (stat(path, &info) != 0)
        return errno == ENOENT ? as_fail(err, AS_EDATA,
                                         "%s: no training run: it has no metrics.jsonl (assay "
                                         "train --out writes one)",
                                         folder)
                               : as_fail_errno(err, "%s", path);
    return S_ISREG(info.st_mode) ? 0 : as_fail(err, AS_EDATA, "%s: not a regular file", path);
}

static int read_metrics(as_report_run *run, as_arena *names, const char *path, as_err *err)
{
    as_source *source = NULL;
    as_lines *lines = NULL;
    reader r = { .run = run, .names = names };
    run->curves = as_calloc(AS_REPORT_NAMES_MAX, sizeof *run->curves);
    if (!run->curves)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_arena_init(&r.scratch, 0);
    int rc = as_source_open(&source, path, err);
    if (rc == 0)
        rc = as_lines_open(&lines, source, LINE_MAX_BYTES, err);
    if (rc == 0)
        rc = take_lines(&r, lines, err);
    as_lines_close(lines);
    if (source)
        as_source_close(source);
    as_arena_fini(&r.scratch);
    return rc;
}

static int read_manifest(as_report_run *run, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(run->folder.data, "manifest.json");
    as_run_record record = { 0 };
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!as_path_exists(path))
        return 0;
    int rc = as_run_record_load(&record, path, err);
    run->manifest = AS_STEAL(record.json);
    return rc;
}

int as_report_name(const char *folder, as_arena *arena, as_str *plain, as_str *label, as_err *err)
{
    *plain = as_str_of(folder);
    while (plain->len > 1 && plain->data[plain->len - 1] == '/')
        plain->len--;
    AS_CLEANUP(free) char *real = as_path_real(folder, NULL);
    const char *from = real ? real : folder, *slash = strrchr(from, '/');
    *plain = as_arena_str(arena, *plain);
    *label = as_arena_str(arena, as_str_of(slash && slash[1] ? slash + 1 : from));
    return plain->data && label->data ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static int read_run(as_report_run *run, as_arena *names, const char *folder, as_err *err)
{
    int rc = as_report_name(folder, names, &run->folder, &run->label, err);
    AS_CLEANUP(free) char *path = rc == 0 ? as_path_join(run->folder.data, "metrics.jsonl") : NULL;
    run->last_time = (double)NAN;
    if (rc == 0 && !path)
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0)
        rc = check_file(path, run->folder.data, err);
    if (rc == 0)
        rc = read_metrics(run, names, path, err);
    if (rc == 0 && run->n_steps == 0)
        rc = as_fail(err, AS_EDATA, "%s: no step in it yet", path);
    if (rc == 0)
        rc = read_manifest(run, err);
    return rc == 0 ? as_report_find_resumed(run, err) : rc;
}

/* Two runs of one name are told apart by their paths. */
static void tell_apart(as_report_runs *r)
{
    bool is_double[AS_REPORT_RUNS_MAX] = { false };
    for (size_t i = 0; i < r->n; i++)
        for (size_t k = 0; k < i; k++)
            if (as_str_eq(r->at[i].label, r->at[k].label))
                is_double[i] = is_double[k] = true;
    for (size_t i = 0; i < r->n; i++)
        if (is_double[i])
            r->at[i].label = r->at[i].folder;
}

int as_report_runs_read(as_report_runs *r, const char *const *folders, size_t n, as_err *err)
{
    *r = (as_report_runs){ 0 };
    if (n > AS_REPORT_RUNS_MAX)
        return as_fail(err, AS_EUSAGE, "more than %d runs", AS_REPORT_RUNS_MAX);
    as_arena_init(&r->arena, 0);
    r->at = as_calloc(n + 1, sizeof *r->at);
    if (!r->at)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = 0;
    for (; r->n < n && rc == 0; r->n++)
        rc = read_run(&r->at[r->n], &r->arena, folders[r->n], err);
    if (rc == 0)
        tell_apart(r);
    return rc;
}

void as_report_runs_fini(as_report_runs *r)
{
    for (size_t i = 0; i < r->n; i++) {
        as_report_run *run = &r->at[i];
        for (size_t k = 0; k < run->n_curves; k++)
            as_free(run->curves[k].at);
        as_free(run->curves);
        as_free(run->resumed);
        cJSON_Delete(run->manifest);
    }
    as_free(r->at);
    as_arena_fini(&r->arena);
    *r = (as_report_runs){ 0 };
}

const as_report_point *as_report_last(const as_report_curve *c)
{
    for (size_t i = c->n; i > 0; i--)
        if (isfinite(c->at[i - 1].value))
            return &c->at[i - 1];
    return NULL;
}

const as_report_curve *as_report_curve_of(const as_report_run *r, as_str name)
{
    for (size_t i = 0; i < r->n_curves; i++)
        if (as_str_eq(r->curves[i].name, name))
            return &r->curves[i];
    return NULL;
}
