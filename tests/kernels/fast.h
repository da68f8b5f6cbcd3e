/* fast.h -- for tests of the CPU backend: a case runs one operation on random input of a random
 * shape and hands in what it wrote; every level this processor has must agree with the scalar
 * reference, and 2 and 3 threads with 1 bit for bit. SPDX-License-Identifier: Apache-2.0 */
#ifndef K_TESTS_FAST_H
#define K_TESTS_FAST_H
#include "arrays.h"

#include <stdio.h>
#include <string.h>

static const char *const levels[] = { "scalar", "avx2", "avx512", "avx512bf16", "amx" };
enum { N_LEVELS = 5, MOST_OUTPUTS = 8 };

typedef struct output {
    const char *name;
    const void *p;
    size_t n;
    k_type type;
    double tolerance;
} output;

typedef struct outputs {
    as_arena *arena;
    as_rng rng; /* the case's input: the same for every device */
    k_type type;
    output all[MOST_OUTPUTS];
    int n;
} outputs;

typedef void case_fn(k_device *dev, outputs *out);

/* A size of 1 .. most, small ones as often as large ones. */
static inline int64_t size_of(outputs *out, int64_t most)
{
    int64_t n = 1 + (int64_t)as_rng_below(&out->rng, (uint64_t)most);
    return as_rng_below(&out->rng, 2) ? n : 1 + n % 20;
}

static inline void *input_of(outputs *out, int64_t n, double scale, k_type type)
{
    return typed(out->arena, randoms(out->arena, &out->rng, (size_t)n, scale), (size_t)n, type);
}

static inline void *input(outputs *out, int64_t n, double scale)
{
    return input_of(out, n, scale, out->type);
}

/* Room for what the operation writes, full of NaN. */
static inline void *room_of(outputs *out, const char *name, int64_t n, k_type type)
{
    assert_true(out->n < MOST_OUTPUTS);
    void *p = typed(out->arena, filled(out->arena, (size_t)n, (double)NAN), (size_t)n, type);
    const double tolerance = type == K_BF16 ? 1.0 / 100 : out->type == K_BF16 ? 1e-3 : 3e-5;
    out->all[out->n++] = (output){ name, p, (size_t)n, type, tolerance };
    return p;
}

static inline void *room(outputs *out, const char *name, int64_t n)
{
    return room_of(out, name, n, out->type);
}

/* What the operation adds to: begins as random numbers. */
static inline void *sum_room(outputs *out, const char *name, int64_t n, k_type type)
{
    void *p = room_of(out, name, n, type);
    const void *begin = input_of(out, n, 0.1, type);
    memcpy(p, begin, (size_t)n * k_type_size(type));
    return p;
}

static inline int32_t *indices(outputs *out, int64_t n, int64_t limit)
{
    int32_t *index = piece(out->arena, (size_t)n, sizeof *index);
    for (int64_t i = 0; i < n; i++)
        index[i] = (int32_t)as_rng_below(&out->rng, (uint64_t)limit);
    return index;
}

/* NULL where this processor does not have the level. */
static inline k_device *device_at(const char *level, int n_threads)
{
    k_device *dev;
    const k_options options = { .n_threads = n_threads, .isa = level };
    assert_int_equal(k_device_open(&dev, "cpu", &options), K_OK);
    if (strcmp(dev->ops->level, level) == 0)
        return dev;
    k_device_close(dev); /* it stepped down */
    return NULL;
}

static inline outputs run_case(k_device *dev, case_fn *fn, as_arena *arena, k_type type,
                               uint64_t seed)
{
    outputs out = { .arena = arena, .rng = as_rng_at(20, seed), .type = type };
    fn(dev, &out);
    return out;
}

static inline void same_as_reference(const outputs *got, const outputs *want, const char *level,
                                     uint64_t seed)
{
    for (int i = 0; i < want->n; i++) {
        char what[128];
        const output *g = &got->all[i], *w = &want->all[i];
        (void)snprintf(what, sizeof what, "%s, %s of type %d, seed %llu", level, w->name,
                       want->type, (unsigned long long)seed);
        near_all(plain(got->arena, g->p, g->n, g->type), plain(want->arena, w->p, w->n, w->type),
                 w->n, w->tolerance, what);
    }
}

static inline void same_bits(const outputs *got, const outputs *want, const char *what)
{
    for (int i = 0; i < want->n; i++)
        if (memcmp(got->all[i].p, want->all[i].p,
                   want->all[i].n * k_type_size(want->all[i].type)) != 0)
            fail_msg("%s: %s differs", what, want->all[i].name);
}

typedef struct devices {
    k_device *at[N_LEVELS][3]; /* of 1, 2 and 3 threads; NULL where the level is not there */
} devices;

static inline void check_seed(const devices *all, k_device *reference, case_fn *fn, k_type type,
                              uint64_t seed)
{
    as_arena arena;
    as_arena_init(&arena, 0);
    const outputs want = run_case(reference, fn, &arena, type, seed);
    for (int l = 0; l < N_LEVELS; l++) {
        if (!all->at[l][0])
            continue;
        const outputs one = run_case(all->at[l][0], fn, &arena, type, seed);
        same_as_reference(&one, &want, levels[l], seed);
        const int n_threads = 2 + (int)(seed % 2);
        const outputs more = run_case(all->at[l][n_threads - 1], fn, &arena, type, seed);
        same_bits(&more, &one, n_threads == 2 ? "2 threads" : "3 threads");
    }
    as_arena_fini(&arena);
}

/* n_seeds shapes, both types, every level; 2 threads and 3 in turn. */
static inline void check_case(case_fn *fn, uint64_t n_seeds)
{
    k_device *reference = device_of("naive-f32");
    devices all;
    for (int l = 0; l < N_LEVELS; l++)
        for (int t = 0; t < 3; t++)
            all.at[l][t] = device_at(levels[l], t + 1);
    for (uint64_t seed = 0; seed < n_seeds; seed++) {
        check_seed(&all, reference, fn, K_F32, seed);
        check_seed(&all, reference, fn, K_BF16, seed);
    }
    for (int l = 0; l < N_LEVELS; l++)
        for (int t = 0; t < 3; t++)
            k_device_close(all.at[l][t]);
    k_device_close(reference);
}
#endif
