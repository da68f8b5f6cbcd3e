/* pool.h -- a fixed set of threads and a queue of small jobs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_JOBS_POOL_H
#define AS_JOBS_POOL_H
#include "base/err.h"
#include <stddef.h>
typedef struct as_pool as_pool;
int as_pool_new(as_pool **out, unsigned threads, as_err *err); /* 0: one per core */
void as_pool_free(as_pool *p);                                 /* waits for what is queued; NULL is fine */
int as_pool_submit(as_pool *p, void (*run)(void *arg), void *arg, as_err *err); /* [any thread] */
void as_pool_wait(as_pool *p);                                 /* until the queue is empty and all threads idle */
/* run(arg, i) for i in 0..n-1 over all threads of the pool and the caller; returns when all are done. */
void as_pool_for(as_pool *p, size_t n, void (*run)(void *arg, size_t i), void *arg);
#endif
