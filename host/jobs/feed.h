/* feed.h -- a pipeline whose tasks are handed in by a thread that goes on with other work meanwhile.
 *
 * Threads: one thread puts and closes; work() runs in any of `threads` threads, consume() one at a time in the order put,
 * drop() in any. Locks: one, inside; no callback is called with it held.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_JOBS_FEED_H
#define AS_JOBS_FEED_H
#include "jobs/pipeline.h"

typedef struct as_feed_ops { /* as in as_pipeline_ops */
    int (*work)(void *ctx, void *task, as_err *err);
    int (*consume)(void *ctx, void *task, as_err *err);
    void (*drop)(void *ctx, void *task);
} as_feed_ops;

/* threads, depth, cancel: as in as_pipeline_run. */
typedef struct as_feed as_feed;
int as_feed_open(as_feed **out, const as_feed_ops *ops, void *ctx, unsigned threads, unsigned depth,
                 const as_cancel *cancel, as_err *err);
/* The task is the feed's from here on, after a failure too. Waits for a free place; < 0: what the pipeline ended with. */
int as_feed_put(as_feed *f, void *task, as_err *err);
bool as_feed_is_hungry(as_feed *f); /* a task put now is taken without waiting */
/* Waits for all that was put, and frees. What it ended with; NULL is fine: 0. */
int as_feed_close(as_feed *f, as_err *err);
#endif
