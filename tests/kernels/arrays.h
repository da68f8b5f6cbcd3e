/* arrays.h -- for tests of operations: random arrays in double, the same in another type and back,
 * and comparisons that a NaN does not pass. Memory is the test's arena. SPDX-License-Identifier:
 * Apache-2.0 */
#ifndef K_TESTS_ARRAYS_H
#define K_TESTS_ARRAYS_H
#include "base/arena.h"
#include "base/rng.h"
#include "kernels/bf16.h"
#include "kernels/kernels.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static inline void *piece(as_arena *a, size_t n, size_t size)
{
    void *p = as_arena_calloc(a, n ? n : 1, size);
    assert_non_null(p);
    return p;
}

/* n numbers, uniform in [-scale, scale]. */
static inline double *randoms(as_arena *a, as_rng *r, size_t n, double scale)
{
    double *x = piece(a, n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = (2 * as_rng_double(r) - 1) * scale;
    return x;
}

static inline double *filled(as_arena *a, size_t n, double value)
{
    double *x = piece(a, n, sizeof *x);
    for (size_t i = 0; i < n; i++)
        x[i] = value;
    return x;
}

/* x in another type: a new array. */
static inline void *typed(as_arena *a, const double *x, size_t n, k_type type)
{
    char *out = piece(a, n, k_type_size(type));
    for (size_t i = 0; i < n; i++) {
        if (type == K_F64)
            ((double *)(void *)out)[i] = x[i];
        else if (type == K_F32)
            ((float *)(void *)out)[i] = (float)x[i];
        else
            ((uint16_t *)(void *)out)[i] = k_bf16_of_float((float)x[i]);
    }
    return out;
}

static inline double *plain(as_arena *a, const void *x, size_t n, k_type type)
{
    double *out = piece(a, n, sizeof *out);
    for (size_t i = 0; i < n; i++) {
        if (type == K_F64)
            out[i] = ((const double *)x)[i];
        else if (type == K_F32)
            out[i] = (double)((const float *)x)[i];
        else
            out[i] = (double)k_bf16_to_float(((const uint16_t *)x)[i]);
    }
    return out;
}

static inline void near_number(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.17g, expected %.17g", what, got, want);
}

/* Each within `tolerance` of the wanted, measured by the largest of them (at least 1e-30). */
static inline void near_all(const double *got, const double *want, size_t n, double tolerance,
                            const char *what)
{
    double largest = 1e-30;
    for (size_t i = 0; i < n; i++)
        largest = fabs(want[i]) > largest ? fabs(want[i]) : largest;
    for (size_t i = 0; i < n; i++)
        if (!(fabs(got[i] - want[i]) <= tolerance * largest))
            fail_msg("%s: number %zu: got %.17g, expected %.17g (largest %g)", what, i, got[i],
                     want[i], largest);
}

static inline k_device *device_of(const char *backend)
{
    k_device *dev;
    assert_int_equal(k_device_open(&dev, backend, NULL), K_OK);
    return dev;
}
#endif
