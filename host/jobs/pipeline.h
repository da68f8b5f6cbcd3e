/* pipeline.h -- an ordered parallel loop: one producer, many workers, results consumed in the order produced.
 * The shape of every streaming command: lines in, lines out, memory bounded by `depth` tasks whatever the length.
 *
 * Threads: produce() runs in the calling thread; work() in any of `threads` threads, concurrently; consume() one at a
 * time, in order, in any thread. Locks: one, inside; no callback is called with it held.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_JOBS_PIPELINE_H
#define AS_JOBS_PIPELINE_H
#include "jobs/cancel.h"

typedef struct as_pipeline_ops {
    int (*produce)(void *ctx, void **task, as_err *err); /* 1: *task made, 0: end, < 0: error */
    int (*work)(void *ctx, void *task, as_err *err);     /* 0 or < 0 */
    int (*consume)(void *ctx, void *task, as_err *err);  /* 0 or < 0; owns the task */
    void (*drop)(void *ctx, void *task);                 /* a task that will not be consumed, after an error */
} as_pipeline_ops;

/* Runs to the end or the first error (in order of production: everything produced before the failing task is still
 * consumed). threads 0: one per core; depth 0: 2 * threads + 2 tasks in flight. A set `cancel` stops producing; what
 * is in flight is consumed, then its code is returned. */
int as_pipeline_run(const as_pipeline_ops *ops, void *ctx, unsigned threads, unsigned depth, const as_cancel *cancel,
                    as_err *err);
unsigned as_cpu_count(void); /* cores this process may use */
#endif
