/* emu_test.h -- what tests over the emulation share: numbers, device arrays, orders of threads, and
 * that nothing was found. SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_TEST_H
#define EMU_TEST_H
#include "kernels/bf16.h"
#include "kernels/cuda/emu/emu.h"
#include "kernels/cuda/emu/runtime.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* The orders every kernel is run in: seed, and a yield at about every n-th access. */
static const struct {
    uint64_t seed;
    int preempt;
} orders[] = { { 0, 0 }, { 1, 0 }, { 2, 40 }, { 3, 0 }, { 4, 7 } };
enum { N_ORDERS = sizeof orders / sizeof orders[0] };

static inline void set_order(size_t i)
{
    emu_set.seed = orders[i].seed;
    emu_set.preempt = orders[i].preempt;
}

static inline void assert_clean(const char *what)
{
    char first[512];
    if (emu_take(first, sizeof first) != 0)
        fail_msg("%s: %s", what, first);
}

/* from -1 to 1 */
static inline float random_number(void)
{
    static uint32_t state = 1;
    state = state * 1664525u + 1013904223u;
    return (float)(state >> 8) / (float)(1 << 23) - 1;
}

static inline float *random_floats(size_t n)
{
    float *v = calloc(n + 1, sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++)
        v[i] = random_number();
    return v;
}

static inline uint16_t *random_halves(size_t n)
{
    uint16_t *v = calloc(n + 1, sizeof *v);
    assert_non_null(v);
    for (size_t i = 0; i < n; i++)
        v[i] = k_bf16_of_float(random_number());
    return v;
}

/* from == NULL: never written */
static inline void *on_device(const void *from, size_t size)
{
    void *p = NULL;
    assert_int_equal(cudaMalloc(&p, size), cudaSuccess);
    if (from)
        assert_int_equal(cudaMemcpy(p, from, size, cudaMemcpyHostToDevice), cudaSuccess);
    return p;
}

/* The larger of max and |a - b|; infinite where it is NaN. */
static inline double worse(double max, double a, double b)
{
    const double d = fabs(a - b);
    return isnan(d) ? (double)INFINITY : d > max ? d : max;
}

static inline void assert_close(const char *what, double error, double limit)
{
    if (!(error <= limit))
        fail_msg("NUMBERS %s: off by %g where %g is allowed", what, error, limit);
}

/* One argument: the tests to run, with * in it. */
static inline void choose_tests(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
}
#endif
