/* runs.h -- the folder of a training run as its report needs it: every metric as a curve, the manifest, where it was gone on
 * with. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REPORT_RUNS_H
#define AS_REPORT_RUNS_H
#include "base/arena.h"
#include "base/json.h"

#include <stdint.h>

enum {
    AS_REPORT_RUNS_MAX = 64,
    AS_REPORT_NAMES_MAX = 512, /* metrics of a run */
    AS_REPORT_NAME_MAX = 200   /* bytes of a metric's name */
};

typedef struct as_report_point {
    uint64_t step;
    double time, value; /* seconds since 1970; NaN where the line has null, or no time */
} as_report_point;

typedef struct as_report_curve {
    as_str name; /* UTF-8, any */
    as_report_point *at;
    size_t n, room;
} as_report_curve;

typedef struct as_report_run {
    as_str label;  /* the folder's own name, or its path where two runs have the same */
    as_str folder; /* as given, without '/' at the end */
    cJSON *manifest; /* NULL: the folder has none */
    as_report_curve *curves; /* in the order in which their names came */
    size_t n_curves;
    uint64_t *resumed; /* first steps of the processes that went on with it, ascending */
    size_t n_resumed;
    uint64_t n_steps, last_step, n_null, n_left_out; /* n_left_out: values that are neither numbers nor null */
    double last_time; /* NaN: unknown */
    bool is_torn;     /* the last line was cut off; it is left out */
} as_report_run;

typedef struct as_report_runs {
    as_report_run *at;
    size_t n;
    as_arena arena; /* names */
} as_report_runs;

/* Reads DIR/metrics.jsonl (lines of train/metrics.h, steps ascending), DIR/manifest.json and the heads of the event files of
 * each folder; n may be 0. AS_EIO, AS_EDATA: no such folder, no metrics, a file that is not ours, at its line. */
int as_report_runs_read(as_report_runs *r, const char *const *folders, size_t n, as_err *err);
void as_report_runs_fini(as_report_runs *r); /* zeroed is fine */

/* The last finite value of a curve; NULL: none. */
const as_report_point *as_report_last(const as_report_curve *c);
const as_report_curve *as_report_curve_of(const as_report_run *r, as_str name); /* NULL: has none */

/* Internal: the first steps of the event files in `folder` but the oldest, into r->resumed (resumed.c). */
int as_report_find_resumed(as_report_run *r, as_err *err);
/* A folder as it was named, without slashes at the end, and its last name, both in the arena. AS_ENOMEM. */
int as_report_name(const char *folder, as_arena *arena, as_str *plain, as_str *label, as_err *err);

static inline void as_cleanup_report_runs(as_report_runs *r)
{
    as_report_runs_fini(r);
}
#endif
