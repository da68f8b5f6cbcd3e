/* device.c -- the CPU backend: which level, its threads, its memory. Baseline code: runs on any
 * processor. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/fast.h"
#include "kernels/cpu/host_memory.h"

#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>

#define HUGE ((size_t)2 << 20) /* a large page: rows of an activation are many small ones apart */

#if defined(__x86_64__)
static const k_backend *const tables[K_N_LEVELS] = { &k_cpu_scalar, &k_cpu_avx2, &k_cpu_avx512,
                                                     &k_cpu_avx512bf16, &k_cpu_amx };
#else
static const k_backend *const tables[K_N_LEVELS] = { &k_cpu_scalar };
#endif

/* The processors this process may run on. */
static int n_processors(void)
{
    cpu_set_t set;
    if (sched_getaffinity(0, sizeof set, &set) != 0)
        return 1;
    const int n = CPU_COUNT(&set);
    return n < 1 ? 1 : n;
}

static const char *level_of_environment(void)
{
    // NOLINTNEXTLINE(concurrency-mt-unsafe): nobody here changes the environment
    return getenv("ASSAY_CPU_LEVEL");
}

/* The level asked for by name, by the options or the environment, or the best that is no better
 * than it and here; where none is, the usual one. -1: no such name. */
static int choose_level(const k_options *options)
{
    const char *isa = options && options->isa ? options->isa : level_of_environment();
    if (!isa || !*isa)
        return (int)k_level_usual(options && options->by_vectors);
    int level = k_level_of_name(isa);
    if (level == K_AMX && !k_level_is_here(K_AMX))
        return (int)k_level_usual(true); /* the one below it may be slower */
    while (level > K_SCALAR && !k_level_is_here((k_level)level))
        level--;
    return level;
}

int k_fast_open(k_device **out, const k_options *options)
{
    *out = NULL;
    const int level = choose_level(options);
    if (level < 0 || !tables[level])
        return K_EARG;
    fast_device *dev = calloc(1, sizeof *dev);
    if (!dev)
        return K_ENOMEM;
    dev->base.ops = tables[level];
    dev->pool =
        k_pool_open(options && options->n_threads > 0 ? options->n_threads : n_processors());
    if (!dev->pool) {
        free(dev);
        return K_ENOMEM;
    }
    *out = &dev->base;
    return K_OK;
}

/* What an operation refuses, the table's header tells; what open does, a user may have written. */
void k_fast_why(int status, char *why, size_t size)
{
    const char *isa = level_of_environment();
    if (status == K_EARG && isa && *isa && k_level_of_name(isa) < 0)
        (void)snprintf(why, size,
                       "ASSAY_CPU_LEVEL is \"%.40s\"; levels are scalar, avx2, avx512, avx512bf16 "
                       "and amx",
                       isa);
}

static void close_one(fast_device *fast)
{
    if (!fast)
        return;
    k_pool_close(fast->pool);
    free(fast->scratch);
    free(fast->shared);
    free(fast);
}

void k_fast_close(k_device *dev)
{
    fast_device *fast = (fast_device *)dev;
    if (!fast)
        return;
    for (int i = 0; fast->lanes && i < k_pool_threads(fast->pool); i++)
        close_one(fast->lanes[i]);
    free(fast->lanes);
    close_one(fast);
}

void *k_fast_alloc(k_device *dev, size_t size)
{
    (void)dev;
    if (size > SIZE_MAX - 63)
        return NULL;
    if (size < 2 * HUGE)
        return aligned_alloc(64, size ? (size + 63) / 64 * 64 : 64);
    void *p = NULL;
    /* aligned_alloc would want whole large pages, which the plan of a run does not have */
    if (posix_memalign(&p, HUGE, size) != 0)
        return NULL;
    (void)madvise(p, size / HUGE * HUGE, MADV_HUGEPAGE); /* the pages that lie in it wholly */
    return p;
}

void k_fast_free(k_device *dev, void *p)
{
    (void)dev;
    free(p);
}

int k_fast_zero(k_device *dev, void *p, size_t size)
{
    (void)dev;
    if (size)
        memset(p, 0, size);
    return K_OK;
}

int k_fast_copy(k_device *dev, void *to, const void *from, size_t size)
{
    (void)dev;
    if (size)
        memmove(to, from, size);
    return K_OK;
}

int k_fast_sync(k_device *dev)
{
    (void)dev; /* operations are over when they return */
    return K_OK;
}

int k_fast_memory(k_device *dev, size_t *unused, size_t *all)
{
    (void)dev;
    return k_host_memory(unused, all);
}

/* ---- lanes ---- */

int k_fast_n_lanes(k_device *dev)
{
    return k_pool_threads(((fast_device *)dev)->pool);
}

/* A lane for each thread, with scratch and a pool of its own: one thread, the caller. */
static int make_lanes(fast_device *dev)
{
    const int n = k_pool_threads(dev->pool);
    if (!dev->lanes)
        dev->lanes = calloc((size_t)n, sizeof(fast_device *));
    for (int i = 0; dev->lanes && i < n; i++) {
        if (dev->lanes[i])
            continue;
        fast_device *lane = calloc(1, sizeof *lane);
        if (!lane)
            return K_ENOMEM;
        lane->base = dev->base;
        lane->pool = k_pool_open(1);
        if (!lane->pool) {
            free(lane);
            return K_ENOMEM;
        }
        dev->lanes[i] = lane;
    }
    return dev->lanes ? K_OK : K_ENOMEM;
}

typedef struct lanes_job {
    const fast_device *dev;
    k_lane_fn *work;
    void *ctx;
} lanes_job;

/* The slot's thread runs one piece at a time, so the lane is free. */
static void lane_part(void *arg, int part, int slot)
{
    const lanes_job *job = arg;
    job->work(job->ctx, part, &job->dev->lanes[slot]->base);
}

int k_fast_in_lanes(k_device *dev, int n, k_lane_fn *work, void *ctx)
{
    fast_device *fast = (fast_device *)dev;
    if (make_lanes(fast) != K_OK)
        return K_ENOMEM;
    lanes_job job = { .dev = fast, .work = work, .ctx = ctx };
    k_pool_run(fast->pool, n, lane_part, &job);
    return K_OK;
}

int k_fast_reserve(fast_device *dev, size_t each)
{
    if (each <= dev->scratch_each)
        return K_OK;
    each = (each + 4095) / 4096 * 4096;
    free(dev->scratch);
    dev->scratch_each = 0;
    dev->scratch = aligned_alloc(64, each * (size_t)k_pool_threads(dev->pool));
    if (!dev->scratch)
        return K_ENOMEM;
    dev->scratch_each = each;
    return K_OK;
}

void *k_fast_shared(fast_device *dev, size_t size)
{
    if (size > dev->shared_size) {
        free(dev->shared);
        dev->shared = aligned_alloc(64, (size + 4095) / 4096 * 4096);
        dev->shared_size = dev->shared ? size : 0;
    }
    return dev->shared;
}

typedef struct rows_job {
    const fast_device *dev;
    k_rows_fn *fn;
    const void *arg;
    int64_t n, parts;
} rows_job;

static void rows_part(void *arg, int part, int slot)
{
    const rows_job *job = arg;
    job->fn(job->arg, job->n * part / job->parts, job->n * (part + 1) / job->parts,
            k_fast_scratch(job->dev, slot));
}

void k_fast_rows(const fast_device *dev, int64_t n, int64_t least, k_rows_fn *fn, const void *arg)
{
    const int64_t threads = k_pool_threads(dev->pool);
    int64_t parts = threads == 1 || n <= least ? 1 : n / least;
    if (parts > 4 * threads)
        parts = 4 * threads;
    rows_job job = { .dev = dev, .fn = fn, .arg = arg, .n = n, .parts = parts };
    if (n > 0)
        k_pool_run(dev->pool, (int)parts, rows_part, &job);
}
