/* pool.c -- threads and a queue of jobs. Lock order: a loop's lock and the pool's are never held
 * together. SPDX-License-Identifier: Apache-2.0 */
#include "jobs/pool.h"

#include "base/mem.h"
#include "jobs/pipeline.h"
#include "jobs/threads.h"

#include <stdatomic.h>
#include <string.h>

typedef struct job {
    void (*run)(void *arg);
    void *arg;
    struct job *next;
} job;

struct as_pool {
    pthread_mutex_t lock;
    pthread_cond_t has_job, is_idle;
    job *first, *last;
    unsigned n_threads, n_busy;
    bool closing;
    pthread_t *ids;
};

static void *pool_thread(void *arg)
{
    as_pool *p = arg;
    (void)pthread_mutex_lock(&p->lock);
    for (;;) {
        while (!p->first && !p->closing)
            (void)pthread_cond_wait(&p->has_job, &p->lock);
        job *j = p->first;
        if (!j)
            break;
        p->first = j->next;
        p->n_busy++;
        (void)pthread_mutex_unlock(&p->lock);
        j->run(j->arg);
        as_free(j);
        (void)pthread_mutex_lock(&p->lock);
        if (--p->n_busy == 0 && !p->first)
            (void)pthread_cond_broadcast(&p->is_idle);
    }
    (void)pthread_mutex_unlock(&p->lock);
    return NULL;
}

int as_pool_new(as_pool **out, unsigned threads, as_err *err)
{
    if (threads == 0)
        threads = as_cpu_count();
    as_pool *p = as_calloc(1, sizeof *p);
    pthread_t *ids = as_calloc(threads, sizeof *ids);
    if (!p || !ids) {
        as_free(p);
        as_free(ids);
        return as_fail(err, AS_ENOMEM, "out of memory for %u threads", threads);
    }
    p->ids = ids;
    (void)pthread_mutex_init(&p->lock, NULL);
    (void)pthread_cond_init(&p->has_job, NULL);
    (void)pthread_cond_init(&p->is_idle, NULL);
    int rc = 0;
    while (p->n_threads < threads && rc == 0) {
        rc = as_thread_start(&ids[p->n_threads], pool_thread, p);
        p->n_threads += rc == 0;
    }
    if (rc != 0) {
        as_pool_free(p);
        return as_fail(err, AS_ENOMEM, "thread %u of %u could not be started: %s", p->n_threads + 1,
                       threads, strerrordesc_np(rc));
    }
    *out = p;
    return 0;
}

void as_pool_free(as_pool *p)
{
    if (!p)
        return;
    (void)pthread_mutex_lock(&p->lock);
    p->closing = true;
    (void)pthread_cond_broadcast(&p->has_job);
    (void)pthread_mutex_unlock(&p->lock);
    for (unsigned i = 0; i < p->n_threads; i++)
        (void)pthread_join(p->ids[i], NULL);
    (void)pthread_cond_destroy(&p->is_idle);
    (void)pthread_cond_destroy(&p->has_job);
    (void)pthread_mutex_destroy(&p->lock);
    as_free(p->ids);
    as_free(p);
}

int as_pool_submit(as_pool *p, void (*run)(void *arg), void *arg, as_err *err)
{
    job *j = as_malloc(sizeof *j);
    if (!j)
        return as_fail(err, AS_ENOMEM, "out of memory for a job");
    *j = (job){ run, arg, NULL };
    (void)pthread_mutex_lock(&p->lock);
    if (p->first)
        p->last->next = j;
    else
        p->first = j;
    p->last = j;
    (void)pthread_cond_signal(&p->has_job);
    (void)pthread_mutex_unlock(&p->lock);
    return 0;
}

void as_pool_wait(as_pool *p)
{
    (void)pthread_mutex_lock(&p->lock);
    while (p->first || p->n_busy > 0)
        (void)pthread_cond_wait(&p->is_idle, &p->lock);
    (void)pthread_mutex_unlock(&p->lock);
}

/* A loop outlives its caller's wait: a helper that gets a thread only later finds nothing to do and
 * lets go. So the caller waits for items that somebody runs, never for a thread to become free, and
 * loops may nest. */
typedef struct loop {
    void (*run)(void *arg, size_t i);
    void *arg;
    size_t n;
    atomic_size_t next, n_users;
    size_t n_done;
    pthread_mutex_t lock;
    pthread_cond_t all_done;
} loop;

static void loop_run(loop *l)
{
    size_t mine = 0;
    for (size_t i = atomic_fetch_add(&l->next, 1); i < l->n; i = atomic_fetch_add(&l->next, 1)) {
        l->run(l->arg, i);
        mine++;
    }
    if (mine == 0)
        return;
    (void)pthread_mutex_lock(&l->lock);
    l->n_done += mine;
    if (l->n_done == l->n)
        (void)pthread_cond_signal(&l->all_done);
    (void)pthread_mutex_unlock(&l->lock);
}

static void loop_release(loop *l, size_t users)
{
    if (atomic_fetch_sub(&l->n_users, users) != users)
        return;
    (void)pthread_cond_destroy(&l->all_done);
    (void)pthread_mutex_destroy(&l->lock);
    as_free(l);
}

static void loop_job(void *arg)
{
    loop *l = arg;
    loop_run(l);
    loop_release(l, 1);
}

void as_pool_for(as_pool *p, size_t n, void (*run)(void *arg, size_t i), void *arg)
{
    loop *l = n > 1 ? as_malloc(sizeof *l) : NULL;
    if (!l) { /* one item, or no memory: the caller does it all */
        for (size_t i = 0; i < n; i++)
            run(arg, i);
        return;
    }
    size_t helpers = n - 1 < p->n_threads ? n - 1 : p->n_threads, queued = 0;
    *l = (loop){ .run = run, .arg = arg, .n = n };
    atomic_init(&l->n_users, helpers + 1);
    (void)pthread_mutex_init(&l->lock, NULL);
    (void)pthread_cond_init(&l->all_done, NULL);
    while (queued < helpers && as_pool_submit(p, loop_job, l, NULL) == 0)
        queued++;
    loop_run(l);
    (void)pthread_mutex_lock(&l->lock);
    while (l->n_done < n)
        (void)pthread_cond_wait(&l->all_done, &l->lock);
    (void)pthread_mutex_unlock(&l->lock);
    loop_release(l, 1 + helpers - queued);
}
