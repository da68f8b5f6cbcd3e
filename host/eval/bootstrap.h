/* bootstrap.h -- problem-level percentile bootstrap, seeded. SPEC.md 1.2.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EVAL_BOOTSTRAP_H
#define AS_EVAL_BOOTSTRAP_H
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef struct as_interval {
    double mean, low, high; /* 95 % */
    double se;              /* plug-in: sqrt(Var_i / P) */
} as_interval;
/* metrics x problems, row-major; a NaN cell leaves its problem out of that metric's mean. Every
 * draw resamples the SAME problem indices for all metrics: differences between rows are paired.
 * out: one per metric. Above 100,000 problems the normal interval (mean +- 1.96 se) stands in;
 * *is_normal tells (may be NULL). threads: 0 for one per core; the figures do not depend on it. */
int as_bootstrap(const double *values, size_t metrics, size_t problems, unsigned draws,
                 uint64_t seed, unsigned threads, as_interval *out, int *is_normal, as_err *err);
/* The paired difference a - b of two metrics over the same problems. */
int as_bootstrap_difference(const double *a, const double *b, size_t problems, unsigned draws,
                            uint64_t seed, unsigned threads, as_interval *out, as_err *err);
#endif
