/* compare.h -- the comparison ladder: two parsed answers, one finding.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_COMPARE_H
#define MATH_COMPARE_H
#include "math/sets.h"

typedef struct math_policy {
    unsigned digits;  /* tolerance: decimals must agree to this many places; 0: exact */
    double relative;  /* tolerance: |p - g| <= relative |g|; 0: exact */
    bool half_ulp;    /* tolerance: half a unit of the last printed digit of a decimal gold */
    bool gold_shape;  /* a set asked for is not answered by a relation */
    bool square_free; /* (x-1)^2 = 0 answers x = 1 */
} math_policy;

/* Symmetric but for policy.gold_shape and tolerances: a is the gold. */
math_finding math_answer_equal(math_side a, math_side b, const math_policy *policy,
                               math_budget *budget);

/* The canonical key for votes: equal decidable answers have equal keys. Always writes one. */
void math_answer_key(math_side s, math_budget *budget, pc_buf *out);
#endif
