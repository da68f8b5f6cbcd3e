/* pool.h -- threads that share the parts of one operation. SPDX-License-Identifier: Apache-2.0
 *
 * An operation is cut into parts that do not depend on each other nor on how many there are of
 * threads; whoever is free takes the next one. So the result is the same for any number of threads,
 * and a thread the system has put aside holds up no more than the part it is in: the others, the
 * caller first, do the rest without waiting for it to wake. Waiting spins a little, for operations
 * follow each other within microseconds, and then sleeps (futex). */
#ifndef K_FAST_POOL_H
#define K_FAST_POOL_H

#define K_MAX_THREADS 256

typedef struct k_pool k_pool;

/* One part. slot: 0 .. threads-1, the thread that runs it: two parts with the same slot never run
 * at once. */
typedef void k_part_fn(void *arg, int part, int slot);

/* n_threads counts the caller; 1 starts none. NULL: no memory or no threads. */
k_pool *k_pool_open(int n_threads);
void k_pool_close(k_pool *pool); /* NULL is fine */
int k_pool_threads(const k_pool *pool);
/* Runs parts 0 .. n_parts-1 and returns when all are done. From one thread at a time. */
void k_pool_run(k_pool *pool, int n_parts, k_part_fn *fn, void *arg);
#endif
