/* emu_test.h -- what tests over the emulation share: device arrays, orders of threads, and that
 * nothing was found.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef EMU_TEST_H
#define EMU_TEST_H
#include "kernels/cuda/emu/emu.h"
#include "kernels/cuda/emu/runtime.h"
#include "numbers.h"

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

/* from == NULL: never written */
static inline void *on_device(const void *from, size_t size)
{
    void *p = NULL;
    assert_int_equal(cudaMalloc(&p, size), cudaSuccess);
    if (from)
        assert_int_equal(cudaMemcpy(p, from, size, cudaMemcpyHostToDevice), cudaSuccess);
    return p;
}

/* One argument: the tests to run, with * in it. */
static inline void choose_tests(int argc, char **argv)
{
    if (argc > 1)
        cmocka_set_test_filter(argv[1]);
}
#endif
