/* pipeline.c -- an ordered parallel loop over a ring of slots.
 *
 * Tasks are numbered as they are produced; task i lives in slot i % depth. head <= taken <= tail:
 * [head, taken) is being worked on or done, [taken, tail) waits. Whichever worker finds the head
 * done, and nobody consuming, consumes; so consumption is ordered and needs no thread of its own.
 * `limit` is the number of the first task that failed: no task from there on is begun, those before
 * it run to their end. Lock order: there is one lock, and no callback runs under it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "jobs/pipeline.h"

#include "base/mem.h"
#include "jobs/threads.h"

#include <errno.h>
#include <string.h>

typedef struct slot {
    void *task;
    int rc; /* of work() */
    bool done;
    as_err err;
} slot;

typedef struct pipeline {
    const as_pipeline_ops *ops;
    void *ctx;
    slot *ring;
    size_t depth;
    pthread_mutex_t lock;
    pthread_cond_t has_work, has_space; /* has_space: the head moved, or the run failed */
    uint64_t head, taken, tail, limit;
    bool ended, consuming;
    int rc; /* the run's */
    as_err err;
} pipeline;

static slot *slot_of(pipeline *p, uint64_t number)
{
    return &p->ring[number % p->depth];
}

/* Lock held. The run ends with this error; nothing from task `from` on is begun or consumed. */
static void stop(pipeline *p, uint64_t from, int rc, const as_err *err)
{
    p->limit = from;
    p->rc = rc;
    p->err = *err;
    (void)pthread_cond_broadcast(&p->has_work);
    (void)pthread_cond_broadcast(&p->has_space);
}

/* Lock held, and released around consume(). Consumes what is done at the head. */
static void consume_ready(pipeline *p)
{
    if (p->consuming)
        return; /* the one who does will look again before it stops */
    p->consuming = true;
    while (p->rc == 0 && p->head < p->taken && slot_of(p, p->head)->done) {
        slot *s = slot_of(p, p->head);
        if (s->rc < 0) {
            stop(p, p->head, s->rc, &s->err);
            break;
        }
        (void)pthread_mutex_unlock(&p->lock);
        as_err err = { 0 };
        int rc = p->ops->consume(p->ctx, s->task, &err);
        (void)pthread_mutex_lock(&p->lock);
        s->task = NULL;
        s->done = false;
        p->head++;
        if (rc < 0)
            stop(p, p->head, rc, &err);
        else
            (void)pthread_cond_signal(&p->has_space);
    }
    p->consuming = false;
}

/* Lock held. Waits for a task to begin; false when there will be none. */
static bool take(pipeline *p, uint64_t *number)
{
    while (p->taken == p->tail && !p->ended && p->rc == 0)
        (void)pthread_cond_wait(&p->has_work, &p->lock);
    if (p->rc != 0 || p->taken == p->tail || p->taken >= p->limit)
        return false;
    *number = p->taken++;
    return true;
}

static void *worker(void *arg)
{
    pipeline *p = arg;
    uint64_t number;
    (void)pthread_mutex_lock(&p->lock);
    while (take(p, &number)) {
        slot *s = slot_of(p, number);
        (void)pthread_mutex_unlock(&p->lock);
        s->err = (as_err){ 0 };
        s->rc = p->ops->work(p->ctx, s->task, &s->err);
        (void)pthread_mutex_lock(&p->lock);
        s->done = true;
        if (s->rc < 0 && number < p->limit) {
            p->limit = number;
            (void)pthread_cond_broadcast(&p->has_space); /* the producer may stop now */
        }
        consume_ready(p);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

/* Lock held. Waits until a slot is free; false when producing is over. */
static bool wait_for_space(pipeline *p)
{
    while (p->tail - p->head == p->depth && p->limit == UINT64_MAX)
        (void)pthread_cond_wait(&p->has_space, &p->lock);
    return p->limit == UINT64_MAX;
}

/* Runs in the calling thread. 0 at the end or when the workers stopped it; < 0: produce or the
 * cancel did. */
static int produce_all(pipeline *p, const as_cancel *cancel, as_err *err)
{
    for (;;) {
        (void)pthread_mutex_lock(&p->lock);
        bool go_on = wait_for_space(p);
        (void)pthread_mutex_unlock(&p->lock);
        if (!go_on)
            return 0;
        if (as_cancel_why(cancel) != 0)
            return as_cancel_check(cancel, err);
        void *task = NULL;
        int rc = p->ops->produce(p->ctx, &task, err);
        if (rc <= 0)
            return rc;
        (void)pthread_mutex_lock(&p->lock);
        *slot_of(p, p->tail) = (slot){ .task = task };
        p->tail++;
        (void)pthread_cond_signal(&p->has_work);
        (void)pthread_mutex_unlock(&p->lock);
    }
}

static void end_of_input(pipeline *p)
{
    (void)pthread_mutex_lock(&p->lock);
    p->ended = true;
    (void)pthread_cond_broadcast(&p->has_work);
    (void)pthread_mutex_unlock(&p->lock);
}

static int run_threads(pipeline *p, pthread_t *ids, unsigned threads, const as_cancel *cancel,
                       as_err *err)
{
    unsigned n = 0;
    int failed = 0, produced = 0;
    while (n < threads && failed == 0) {
        failed = as_thread_start(&ids[n], worker, p);
        n += failed == 0;
    }
    as_err why = { 0 };
    if (n > 0) /* fewer threads than asked for do the same work */
        produced = produce_all(p, cancel, &why);
    end_of_input(p);
    for (unsigned i = 0; i < n; i++)
        (void)pthread_join(ids[i], NULL);
    for (uint64_t i = p->head; i < p->tail; i++)
        p->ops->drop(p->ctx, slot_of(p, i)->task);
    if (n == 0)
        return as_fail(err, AS_ENOMEM, "no thread could be started: %s", strerrordesc_np(failed));
    if (p->rc < 0) /* an earlier task than the one that could not be produced */
        return as_fail(err, p->rc, "%s", p->err.text);
    return produced < 0 ? as_fail(err, produced, "%s", why.text) : 0;
}

int as_pipeline_run(const as_pipeline_ops *ops, void *ctx, unsigned threads, unsigned depth,
                    const as_cancel *cancel, as_err *err)
{
    if (threads == 0)
        threads = as_cpu_count();
    size_t n_slots = depth ? depth : (size_t)threads * 2 + 2;
    AS_CLEANUP(free) slot *ring = as_calloc(n_slots, sizeof *ring);
    AS_CLEANUP(free) pthread_t *ids = as_calloc(threads, sizeof *ids);
    if (!ring || !ids)
        return as_fail(err, AS_ENOMEM, "out of memory for %u threads", threads);
    pipeline p = { .ops = ops, .ctx = ctx, .ring = ring, .depth = n_slots, .limit = UINT64_MAX };
    (void)pthread_mutex_init(&p.lock, NULL);
    (void)pthread_cond_init(&p.has_work, NULL);
    (void)pthread_cond_init(&p.has_space, NULL);
    int rc = run_threads(&p, ids, threads, cancel, err);
    (void)pthread_cond_destroy(&p.has_space);
    (void)pthread_cond_destroy(&p.has_work);
    (void)pthread_mutex_destroy(&p.lock);
    return rc;
}
