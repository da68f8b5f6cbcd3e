/* exams.h -- folders of `assay eval` as a report needs them: what each problem's samples amount to, and which evaluations may be
 * compared: those of one suite, judged and drawn alike. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REPORT_EXAMS_H
#define AS_REPORT_EXAMS_H
#include "base/arena.h"
#include "base/json.h"
#include "eval/bootstrap.h"

enum { AS_REPORT_EXAMS_MAX = 256, AS_REPORT_DRAWS = 2000 /* of each bootstrap over problems */ };

typedef struct as_report_exam {
    as_str label, folder; /* as in as_report_run */
    as_str suite;         /* its file's name, without folder and .jsonl */
    as_str group;         /* equal of those that may be compared */
    size_t first;         /* the first of its group: what it is compared with; its own number: it is that one */
    cJSON *manifest;
    size_t n_problems;    /* of the suite; in its order: */
    as_str *level;        /* meta.level as text; data NULL: none */
    double *avg, *maj, *tokens; /* share of right samples; is the vote of all right; mean length. NaN: not known */
    uint64_t n_samples;   /* of a problem, at most */
    as_interval avg_n, maj_n; /* means over problems */
    double length;        /* mean over samples */
} as_report_exam;

typedef struct as_report_exams {
    as_report_exam *at;
    size_t n;
    as_arena arena;
} as_report_exams;

/* Is there an evaluation, finished or not? (Its scores.jsonl is.) */
bool as_report_is_exam(const char *folder);

/* Reads DIR/manifest.json, suite.jsonl and scores.jsonl of each folder; n may be 0. AS_EIO, AS_EDATA: no evaluation, one that
 * did not end, a file that is not ours, at its line. */
int as_report_exams_read(as_report_exams *e, const char *const *folders, size_t n, as_err *err);
void as_report_exams_fini(as_report_exams *e); /* zeroed is fine */

static inline void as_cleanup_report_exams(as_report_exams *e)
{
    as_report_exams_fini(e);
}
#endif
