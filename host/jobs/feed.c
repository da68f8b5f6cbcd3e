/* feed.c -- a pipeline in a thread of its own, and a place for one task between it and the caller.
 * Lock order: there is one lock, and no callback runs under it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "jobs/feed.h"

#include "base/mem.h"
#include "jobs/threads.h"

#include <string.h>

struct as_feed {
    as_feed_ops ops;
    void *ctx;
    unsigned threads, depth;
    const as_cancel *cancel;
    pthread_t thread;
    pthread_mutex_t lock;
    pthread_cond_t came,
        went;        /* a task was put, or the last one was; it was taken, or the pipeline ended */
    void *task;      /* in between; NULL: none */
    bool is_waiting; /* the pipeline, for a task */
    bool is_closed, has_ended;
    int rc; /* of the pipeline, once it has ended */
    as_err err;
};

/* ---- in the pipeline's thread ---- */

static int produce(void *ctx, void **task, as_err *err)
{
    as_feed *f = ctx;
    (void)err;
    (void)pthread_mutex_lock(&f->lock);
    f->is_waiting = true;
    while (!f->task && !f->is_closed)
        (void)pthread_cond_wait(&f->came, &f->lock);
    f->is_waiting = false;
    *task = f->task;
    f->task = NULL;
    (void)pthread_cond_signal(&f->went);
    (void)pthread_mutex_unlock(&f->lock);
    return *task != NULL;
}

static int work(void *ctx, void *task, as_err *err)
{
    const as_feed *f = ctx;
    return f->ops.work(f->ctx, task, err);
}

static int consume(void *ctx, void *task, as_err *err)
{
    const as_feed *f = ctx;
    return f->ops.consume(f->ctx, task, err);
}

static void drop(void *ctx, void *task)
{
    const as_feed *f = ctx;
    f->ops.drop(f->ctx, task);
}

static void *run(void *arg)
{
    static const as_pipeline_ops ops = { produce, work, consume, drop };
    as_feed *f = arg;
    as_err err = { 0 };
    int rc = as_pipeline_run(&ops, f, f->threads, f->depth, f->cancel, &err);
    (void)pthread_mutex_lock(&f->lock);
    f->rc = rc;
    f->err = err;
    f->has_ended = true;
    (void)pthread_cond_signal(&f->went);
    (void)pthread_mutex_unlock(&f->lock);
    return NULL;
}

/* ---- in the caller's ---- */

int as_feed_open(as_feed **out, const as_feed_ops *ops, void *ctx, unsigned threads, unsigned depth,
                 const as_cancel *cancel, as_err *err)
{
    as_feed *f = as_calloc(1, sizeof *f);
    if (!f)
        return as_fail(err, AS_ENOMEM, "out of memory");
    f->ops = *ops;
    f->ctx = ctx;
    f->threads = threads;
    f->depth = depth;
    f->cancel = cancel;
    (void)pthread_mutex_init(&f->lock, NULL);
    (void)pthread_cond_init(&f->came, NULL);
    (void)pthread_cond_init(&f->went, NULL);
    int failed = as_thread_start(&f->thread, run, f);
    if (failed == 0) {
        *out = f;
        return 0;
    }
    (void)pthread_cond_destroy(&f->went);
    (void)pthread_cond_destroy(&f->came);
    (void)pthread_mutex_destroy(&f->lock);
    as_free(f);
    return as_fail(err, AS_ENOMEM, "no thread could be started: %s", strerrordesc_np(failed));
}

/* Lock held. */
static int why_ended(const as_feed *f, as_err *err)
{
    return f->rc < 0 ? as_fail(err, f->rc, "%s", f->err.text) : 0;
}

int as_feed_put(as_feed *f, void *task, as_err *err)
{
    (void)pthread_mutex_lock(&f->lock);
    while (f->task && !f->has_ended)
        (void)pthread_cond_wait(&f->went, &f->lock);
    const bool is_over = f->has_ended;
    int rc = is_over ? why_ended(f, err) : 0;
    if (!is_over) {
        f->task = task;
        (void)pthread_cond_signal(&f->came);
    }
    (void)pthread_mutex_unlock(&f->lock);
    if (is_over)
        f->ops.drop(f->ctx, task);
    return rc;
}

bool as_feed_is_hungry(as_feed *f)
{
    (void)pthread_mutex_lock(&f->lock);
    const bool is_hungry = f->is_waiting && !f->task;
    (void)pthread_mutex_unlock(&f->lock);
    return is_hungry;
}

int as_feed_close(as_feed *f, as_err *err)
{
    if (!f)
        return 0;
    (void)pthread_mutex_lock(&f->lock);
    f->is_closed = true;
    (void)pthread_cond_signal(&f->came);
    (void)pthread_mutex_unlock(&f->lock);
    (void)pthread_join(f->thread, NULL);
    if (f->task) /* the pipeline ended before its turn came */
        f->ops.drop(f->ctx, f->task);
    int rc = why_ended(f, err);
    (void)pthread_cond_destroy(&f->went);
    (void)pthread_cond_destroy(&f->came);
    (void)pthread_mutex_destroy(&f->lock);
    as_free(f);
    return rc;
}
