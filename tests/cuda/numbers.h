/* numbers.h -- random numbers, and how far results are from what they should be.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef NUMBERS_H
#define NUMBERS_H
#include "kernels/bf16.h"
#include "kernels/kernels.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

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

/* Number i of an array of a type, in the memory of the host. */
static inline void put_number(void *host, k_type type, size_t i, double x)
{
    if (type == K_F64)
        ((double *)host)[i] = x;
    else if (type == K_F32)
        ((float *)host)[i] = (float)x;
    else
        ((uint16_t *)host)[i] = k_bf16_of_float((float)x);
}

static inline double number_at(const void *host, k_type type, size_t i)
{
    if (type == K_F64)
        return ((const double *)host)[i];
    if (type == K_F32)
        return (double)((const float *)host)[i];
    return (double)k_bf16_to_float(((const uint16_t *)host)[i]);
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
#endif
