/* metrics.h -- what a run measured at each step: a line of DIR/metrics.jsonl and an event for TensorBoard.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_METRICS_H
#define AS_TRAIN_METRICS_H
#include "base/err.h"
#include "base/str.h"

#include <stdint.h>

typedef struct as_metrics as_metrics;

enum {
    AS_METRICS_MAX = 256,         /* names in one step */
    AS_METRICS_NAME_MAX = 100,    /* bytes of a name */
    AS_METRICS_LINE_MAX = 1 << 18 /* bytes of a line */
};
#define AS_METRICS_FILE "metrics.jsonl"

/* Goes on in `dir` (which is there) with `first_step`: 1 of a new run, N + 1 after a checkpoint of step N. Of what an
 * earlier process wrote, the lines of that step and later ones are cut off, and a torn last line, so that metrics.jsonl has
 * each step once; a new event file tells TensorBoard the same. AS_EDATA: a file of that name that is not ours, at its line,
 * and nothing is changed. AS_EUSAGE: another process writes to it. */
int as_metrics_open(as_metrics **out, const char *dir, uint64_t first_step, as_err *err);

/* A number of the step to come; put twice, the last one holds. Any double: NaN and infinities are null in metrics.jsonl and
 * counted there ("not_finite"), a warning is logged for each name once, and TensorBoard gets them as they are. A name is
 * UTF-8, as "loss" or "reward/mean"; a bad one ("step", "time", too long, too many) fails the next as_metrics_step. */
void as_metrics_put(as_metrics *m, const char *name, double value);

/* {"step":N,"time":SECONDS since 1970,name:value,...}, names in the order in which they were put, one write; then the event
 * (values there are floats). Steps ascend. What was put is forgotten if all went well. After an error (AS_EBUDGET: the disk
 * is full) neither file has the step, and the call may be repeated. */
int as_metrics_step(as_metrics *m, uint64_t step, as_err *err);

/* A text for TensorBoard alone: the configuration, a sample. */
int as_metrics_text(as_metrics *m, const char *name, uint64_t step, as_str text, as_err *err);
int as_metrics_sync(as_metrics *m, as_err *err); /* to the disk: before a checkpoint that speaks of these steps */
uint64_t as_metrics_not_finite(const as_metrics *m);  /* values so far that were NaN or infinite */
int as_metrics_close(as_metrics *m, as_err *err);     /* NULL is fine */
#endif
