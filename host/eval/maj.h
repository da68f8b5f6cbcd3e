/* maj.h -- maj@k for a whole grid of k at once; passk.h has the single values.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EVAL_MAJ_H
#define AS_EVAL_MAJ_H
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

enum {
    AS_MAJ_EXACT_K = 64, /* up to here, and at k == n, the value is exact */
    AS_MAJ_DRAWS = 2000  /* seeded draws elsewhere, unless told otherwise */
};

/* Draw i of `stream` uses its own stretch of counters, so a value depends neither on the other k
 * nor on threads. */
typedef struct as_maj_draws {
    unsigned draws;
    uint64_t seed, stream;
} as_maj_draws;

/* out[i] = maj@ks[i], as as_maj_at_k() defines it; NaN where ks[i] is 0 or above n. ks ascending.
 */
int as_maj_curve(const uint64_t *counts, size_t m, uint64_t n_blank, const uint64_t *ks,
                 size_t n_ks, const as_maj_draws *how, double *out, as_err *err);
#endif
