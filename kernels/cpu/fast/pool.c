/* pool.c -- threads that share the parts of one operation. SPDX-License-Identifier: Apache-2.0
 *
 * One 64-bit word says everything: generation of the operation (32 bits), its parts (16), the next
 * part to take (16). Taking a part is a compare-and-swap of that word, so a part is taken once, and
 * never from an operation that is over: while a part of generation g is untaken, the caller is
 * still inside k_pool_run(g) and fn and arg stand. */
#include "kernels/cpu/fast/pool.h"

#include <errno.h>
#include <linux/futex.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdbool.h>
#include <stdint.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

#define MOST_PARTS 65535 /* at once */
#define SPIN_NS 60000    /* a thread that sleeps is woken in about that time */
#define PAUSES 32        /* between looks at the clock; a pause takes 10 to 50 ns */

typedef struct worker {
    k_pool *pool;
    pthread_t thread;
    int slot;
} worker;

struct k_pool {
    _Alignas(64) _Atomic uint64_t word;
    _Atomic(k_part_fn *) fn;
    _Atomic(void *) arg;
    _Atomic int first;                    /* of the parts in this generation */
    _Alignas(64) _Atomic uint32_t n_done; /* parts of this generation; the caller sleeps on it */
    _Atomic uint32_t caller_sleeps;
    _Alignas(64) _Atomic uint32_t bell; /* +1 for every operation; workers sleep on it */
    _Atomic uint32_t n_asleep;
    _Atomic int is_closing;
    int n_threads;
    worker workers[];
};

/* How long a thread has spun. */
typedef struct spin {
    int n_pauses;
    int64_t end; /* ns of the clock; 0: not looked at yet */
} spin;

/* A pause; false when it is time to sleep. */
static bool spins(spin *s)
{
#if defined(__x86_64__)
    __builtin_ia32_pause();
#endif
    if (++s->n_pauses % PAUSES != 0)
        return true;
    struct timespec now;
    (void)clock_gettime(CLOCK_MONOTONIC, &now);
    const int64_t ns = now.tv_sec * INT64_C(1000000000) + now.tv_nsec;
    if (s->end == 0)
        s->end = ns + SPIN_NS;
    return ns < s->end;
}

/* Returns when *word is not `seen`, or for no reason. */
static void futex_wait(_Atomic uint32_t *word, uint32_t seen)
{
    (void)syscall(SYS_futex, word, FUTEX_WAIT_PRIVATE, seen, NULL, NULL, 0);
}

static void futex_wake_all(_Atomic uint32_t *word)
{
    (void)syscall(SYS_futex, word, FUTEX_WAKE_PRIVATE, INT32_MAX, NULL, NULL, 0);
}

static int n_parts_of(uint64_t word)
{
    return (int)(word >> 16 & 0xffff);
}

/* Takes and runs parts until none is left. */
static void work(k_pool *p, int slot)
{
    uint64_t word = atomic_load_explicit(&p->word, memory_order_acquire);
    for (;;) {
        const int part = (int)(word & 0xffff), n_parts = n_parts_of(word);
        if (part >= n_parts)
            return;
        k_part_fn *fn = atomic_load_explicit(&p->fn, memory_order_relaxed);
        void *arg = atomic_load_explicit(&p->arg, memory_order_relaxed);
        const int first = atomic_load_explicit(&p->first, memory_order_relaxed);
        if (!atomic_compare_exchange_weak_explicit(&p->word, &word, word + 1, memory_order_acq_rel,
                                                   memory_order_acquire))
            continue;
        fn(arg, first + part, slot);
        if (atomic_fetch_add(&p->n_done, 1) + 1 == (uint32_t)n_parts &&
            atomic_load(&p->caller_sleeps))
            futex_wake_all(&p->n_done);
        word = atomic_load_explicit(&p->word, memory_order_acquire);
    }
}

static void *worker_main(void *arg)
{
    worker *w = arg;
    k_pool *p = w->pool;
    uint32_t seen = 0;
    while (!atomic_load(&p->is_closing)) {
        spin s = { 0 };
        while (atomic_load_explicit(&p->bell, memory_order_acquire) == seen && spins(&s))
            ;
        if (atomic_load(&p->bell) == seen) {
            atomic_fetch_add(&p->n_asleep, 1); /* before the futex looks at the bell: see ring */
            futex_wait(&p->bell, seen);
            atomic_fetch_sub(&p->n_asleep, 1);
            continue; /* is_closing may have woken us */
        }
        seen = atomic_load(&p->bell);
        work(p, w->slot);
    }
    return NULL;
}

/* Either we see n_asleep, or the worker's futex sees the new bell: both are sequentially
 * consistent. */
static void ring(k_pool *p)
{
    atomic_fetch_add(&p->bell, 1);
    if (atomic_load(&p->n_asleep))
        futex_wake_all(&p->bell);
}

static void wait_for_the_rest(k_pool *p, uint32_t n_parts)
{
    spin s = { 0 };
    do {
        if (atomic_load(&p->n_done) == n_parts)
            return;
    } while (spins(&s));
    atomic_store(&p->caller_sleeps, 1);
    for (uint32_t done; (done = atomic_load(&p->n_done)) != n_parts;)
        futex_wait(&p->n_done, done);
    atomic_store(&p->caller_sleeps, 0);
}

static void run_some(k_pool *p, int first, int n_parts, k_part_fn *fn, void *arg)
{
    const uint64_t generation = (atomic_load_explicit(&p->word, memory_order_relaxed) >> 32) + 1;
    atomic_store_explicit(&p->fn, fn, memory_order_relaxed);
    atomic_store_explicit(&p->arg, arg, memory_order_relaxed);
    atomic_store_explicit(&p->first, first, memory_order_relaxed);
    atomic_store_explicit(&p->n_done, 0, memory_order_relaxed);
    atomic_store_explicit(&p->word, generation << 32 | (uint64_t)n_parts << 16,
                          memory_order_release);
    ring(p);
    work(p, 0);
    wait_for_the_rest(p, (uint32_t)n_parts);
}

void k_pool_run(k_pool *p, int n_parts, k_part_fn *fn, void *arg)
{
    if (p->n_threads == 1 || n_parts == 1) {
        for (int i = 0; i < n_parts; i++)
            fn(arg, i, 0);
        return;
    }
    for (int first = 0; first < n_parts; first += MOST_PARTS)
        run_some(p, first, n_parts - first < MOST_PARTS ? n_parts - first : MOST_PARTS, fn, arg);
}

int k_pool_threads(const k_pool *p)
{
    return p->n_threads;
}

/* Ctrl-C is the caller's to hear, and at once: a worker may not run for a while. */
static int start(worker *w)
{
    sigset_t some, before;
    (void)sigemptyset(&some);
    (void)sigaddset(&some, SIGINT);
    (void)sigaddset(&some, SIGTERM);
    (void)pthread_sigmask(SIG_BLOCK, &some, &before); /* a new thread inherits the mask */
    int rc = pthread_create(&w->thread, NULL, worker_main, w);
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    return rc;
}

k_pool *k_pool_open(int n_threads)
{
    n_threads = n_threads < 1 ? 1 : n_threads > K_MAX_THREADS ? K_MAX_THREADS : n_threads;
    const size_t size = sizeof(k_pool) + (size_t)n_threads * sizeof(worker);
    k_pool *p = aligned_alloc(64, (size + 63) / 64 * 64);
    if (!p)
        return NULL;
    *p = (k_pool){ .n_threads = 1 };
    for (int i = 1; i < n_threads; i++) {
        worker *w = &p->workers[i];
        *w = (worker){ .pool = p, .slot = i };
        if (start(w) != 0) {
            k_pool_close(p);
            return NULL;
        }
        p->n_threads = i + 1;
    }
    return p;
}

void k_pool_close(k_pool *p)
{
    if (!p)
        return;
    atomic_store(&p->is_closing, 1);
    ring(p);
    for (int i = 1; i < p->n_threads; i++)
        (void)pthread_join(p->workers[i].thread, NULL);
    free(p);
}
