/* metrics.c -- a line and an event for each step, and where an earlier process stopped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "train/metrics.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/jspan.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/mapping.h"
#include "train/growing.h"
#include "train/tfevents.h"

#include <float.h>
#include <inttypes.h>
#include <math.h>

#define STEP_MAX (UINT64_C(1) << 53) /* what any reader of JSON keeps exactly */

typedef struct metric {
    char *name;
    double value;
    bool is_put, was_reported; /* in the step to come; a warning was logged */
} metric;

struct as_metrics {
    as_growing lines;
    as_tfevents *events;
    metric known[AS_METRICS_MAX];   /* every name so far */
    unsigned order[AS_METRICS_MAX]; /* of the step to come, indices into known */
    size_t n_known, n_put;
    uint64_t next; /* the least step that may come */
    uint64_t n_not_finite;
    as_buf line;
    as_err failed; /* of as_metrics_put */
};

/* ---- what is there ---- */

/* The line's step; AS_EDATA if it is not one of ours. */
static int step_of(as_str line, uint64_t *step, as_err *err)
{
    as_jspan object = { 0 };
    unsigned long long number = 0;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT || !as_junsigned(as_jobject_get(object, "step"), &number))
        return as_fail(err, AS_EDATA, "no object with a \"step\"");
    *step = number;
    return 0;
}

/* The beginning of a line of ours, and perhaps zeros, which a power cut leaves. */
static bool is_torn(as_str rest)
{
    const as_str begin = AS_LIT("{\"step\":");
    size_t n = strnlen(rest.data, rest.len < begin.len ? rest.len : begin.len);
    return memcmp(rest.data, begin.data, n) == 0;
}

/* *end: where the lines before `first` end. Messages begin with ":LINE". */
static int find_end(as_str all, uint64_t first, size_t *end, as_err *err)
{
    uint64_t before = 0, step = 0;
    for (uint64_t no = 1; *end < all.len; no++, before = step) {
        as_str line = { all.data + *end, all.len - *end };
        const char *stop = memchr(line.data, '\n', line.len);
        as_err why = { 0 };
        if (!stop && is_torn(line))
            return 0;
        line.len = stop ? (size_t)(stop - line.data) : line.len;
        if (!stop || step_of(line, &step, &why) < 0)
            return as_fail(err, AS_EDATA, ":%" PRIu64 ": no metrics of a run (%s)", no,
                           stop ? why.text : "no end of line");
        if (step >= first)
            return 0;
        if (no > 1 && step <= before)
            return as_fail(err, AS_EDATA, ":%" PRIu64 ": step %" PRIu64 " after step %" PRIu64, no,
                           step, before);
        *end += line.len + 1;
    }
    return 0;
}

static int cut_lines(as_metrics *m, uint64_t first, as_err *err)
{
    as_mapping all;
    as_err why = { 0 };
    size_t end = 0;
    int rc = as_mapping_open(&all, m->lines.path, err);
    if (rc < 0)
        return rc;
    size_t size = all.size;
    rc = find_end((as_str){ all.base, size }, first, &end, &why);
    as_mapping_close(&all);
    if (rc < 0)
        return as_fail(err, rc, "%s%s; move the file away, or name another folder", m->lines.path,
                       why.text);
    if (end == size)
        return 0;
    as_log(AS_LOG_INFO, "%s: goes on with step %" PRIu64 "; %zu bytes of later steps cut off",
           m->lines.path, first, size - end);
    return as_growing_cut(&m->lines, end, err);
}

static double now_seconds(void)
{
    return (double)as_unix_ms() / 1000;
}

static int open_files(as_metrics *m, const char *dir, uint64_t first, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(dir, AS_METRICS_FILE);
    if (!path)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
    int rc = as_growing_open(&m->lines, path, false, err);
    if (rc == 0)
        rc = cut_lines(m, first, err);
    return rc < 0 ? rc : as_tfevents_open(&m->events, dir, now_seconds(), first, err);
}

int as_metrics_open(as_metrics **out, const char *dir, uint64_t first_step, as_err *err)
{
    as_metrics *m = as_calloc(1, sizeof *m);
    if (!m)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
    m->lines.fd = -1;
    m->next = first_step;
    as_buf_init(&m->line, AS_METRICS_LINE_MAX);
    int rc = open_files(m, dir, first_step, err);
    if (rc < 0)
        (void)as_metrics_close(m, NULL);
    else
        *out = m;
    return rc;
}

/* ---- a step ---- */

static const char *name_fault(const as_metrics *m, const char *name)
{
    as_str text = as_str_of(name);
    if (text.len == 0 || text.len > AS_METRICS_NAME_MAX)
        return "a name has 1 to 100 bytes";
    if (as_utf8_valid(text) != text.len)
        return "a name is UTF-8";
    if (as_str_is(text, "step") || as_str_is(text, "time") || as_str_is(text, "not_finite"))
        return "this name is taken";
    return m->n_known == AS_METRICS_MAX ? "a run has at most 256 names" : NULL;
}

static metric *find_metric(as_metrics *m, const char *name)
{
    for (size_t i = 0; i < m->n_known; i++)
        if (strcmp(m->known[i].name, name) == 0)
            return &m->known[i];
    const char *fault = name_fault(m, name);
    char *copy = fault ? NULL : as_strdup(name);
    if (!copy) {
        as_fail(&m->failed, fault ? AS_EUSAGE : AS_ENOMEM, "metric \"%.100s\": %s", name,
                fault ? fault : "out of memory");
        return NULL;
    }
    m->known[m->n_known].name = copy;
    return &m->known[m->n_known++];
}

void as_metrics_put(as_metrics *m, const char *name, double value)
{
    metric *one = find_metric(m, name);
    if (!one)
        return;
    if (!one->is_put)
        m->order[m->n_put++] = (unsigned)(one - m->known);
    one->is_put = true;
    one->value = value;
}

static void write_line(as_metrics *m, uint64_t step, double time)
{
    unsigned n_not_finite = 0;
    as_buf *b = &m->line;
    as_buf_clear(b);
    as_buf_text(b, "{\"step\":");
    as_buf_u64(b, step);
    as_buf_json_key(b, "time");
    as_buf_json_num(b, time);
    for (size_t i = 0; i < m->n_put; i++) {
        const metric *one = &m->known[m->order[i]];
        as_buf_json_key(b, one->name);
        as_buf_json_num(b, one->value);
        n_not_finite += isfinite(one->value) ? 0 : 1;
    }
    if (n_not_finite) {
        as_buf_json_key(b, "not_finite");
        as_buf_u64(b, n_not_finite);
    }
    as_buf_text(b, "}\n");
}

static float narrowed(double v)
{
    if (v > (double)FLT_MAX)
        return INFINITY;
    return v < -(double)FLT_MAX ? -INFINITY : (float)v;
}

static int write_event(as_metrics *m, uint64_t step, double time, as_err *err)
{
    as_tfscalar values[AS_METRICS_MAX];
    for (size_t i = 0; i < m->n_put; i++) {
        const metric *one = &m->known[m->order[i]];
        values[i] = (as_tfscalar){ as_str_of(one->name), narrowed(one->value) };
    }
    return as_tfevents_scalars(m->events, time, step, values, m->n_put, err);
}

static void forget(as_metrics *m, uint64_t step)
{
    for (size_t i = 0; i < m->n_put; i++) {
        metric *one = &m->known[m->order[i]];
        one->is_put = false;
        if (isfinite(one->value))
            continue;
        m->n_not_finite++;
        if (!one->was_reported)
            as_log(AS_LOG_WARN,
                   "step %" PRIu64 ": %s is %s; null in %s from here on where it is so", step,
                   one->name, isnan(one->value) ? "NaN" : "infinite", AS_METRICS_FILE);
        one->was_reported = true;
    }
    m->n_put = 0;
}

static int write_step(as_metrics *m, uint64_t step, as_err *err)
{
    uint64_t before = 0;
    double time = now_seconds();
    int rc = as_growing_size(&m->lines, &before, err);
    if (rc < 0)
        return rc;
    write_line(m, step, time);
    if (m->line.failed)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", m->lines.path);
    rc = as_growing_put(&m->lines, as_buf_str(&m->line), err);
    if (rc < 0)
        return rc;
    rc = write_event(m, step, time, err);
    if (rc < 0)
        (void)as_growing_cut(&m->lines, before, NULL); /* both or none */
    return rc;
}

int as_metrics_step(as_metrics *m, uint64_t step, as_err *err)
{
    if (m->failed.code)
        return as_fail(err, m->failed.code, "%s", m->failed.text);
    if (step < m->next || step > STEP_MAX)
        return as_fail(err, AS_EUSAGE,
                       "%s: step %" PRIu64 " cannot follow: %" PRIu64 " is the least",
                       m->lines.path, step, m->next);
    int rc = write_step(m, step, err);
    if (rc < 0)
        return rc;
    forget(m, step);
    m->next = step + 1;
    return 0;
}

int as_metrics_text(as_metrics *m, const char *name, uint64_t step, as_str text, as_err *err)
{
    if (as_utf8_valid(as_str_of(name)) != strlen(name) || step > STEP_MAX)
        return as_fail(err, AS_EUSAGE, "%s: no name for a text, or no step", m->lines.path);
    return as_tfevents_text(m->events, now_seconds(), step, as_str_of(name), text, err);
}

int as_metrics_sync(as_metrics *m, as_err *err)
{
    int rc = as_growing_sync(&m->lines, err);
    return rc < 0 ? rc : as_tfevents_sync(m->events, err);
}

uint64_t as_metrics_not_finite(const as_metrics *m)
{
    return m->n_not_finite;
}

int as_metrics_close(as_metrics *m, as_err *err)
{
    if (!m)
        return 0;
    int rc = as_tfevents_close(m->events, err), closed = as_growing_close(&m->lines, err);
    for (size_t i = 0; i < m->n_known; i++)
        as_free(m->known[i].name);
    as_buf_fini(&m->line);
    as_free(m);
    return rc < 0 ? rc : closed;
}
