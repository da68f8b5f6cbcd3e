/* symbolic.h -- expressions with unknowns (ladder 5.4, rung 6): fractions of polynomials in
 * unknowns and in functions of them exactly, everything else at random rational points.
 *
 * An unknown is any real number; n, k, m, j, N that stand in an exponent over what
 * may be negative or times pi in a sine, and all in a factorial, a binomial or the bounds of a sum,
 * are integers. Equal as functions: x/x is 1, sqrt(x) at -2 is i sqrt 2, so
 * ln(xy) differs from ln x + ln y. Different at one point (disjoint enclosures, or an exact
 * value) is a proof of difference, and the point goes to the note. Equality needs exact arithmetic:
 * equal polynomials, or an exact zero (qqbar, Calcium) of the difference at several random points,
 * negative ones among them (Schwartz-Zippel: rule "points"). Where Arb agrees to 200 bits
 * everywhere and nothing is exact: UNDECIDED. Points are drawn from a counter-based generator
 * seeded by nothing but this file's constant. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_SYMBOLIC_H
#define MATH_SYMBOLIC_H
#include "math/value.h"

/* Any two scalar expressions; calls math_value_equal where neither has an unknown. M_APPLY, M_INT,
 * M_LIM, M_DERIV and infinite sums are opaque: two of them are the same unknown where their parts
 * are equal (bound variables renamed), else WHY_OPAQUE. */
math_finding math_expr_equal(math_side a, math_side b, math_budget *budget);

/* Equations lhs = rhs as ideals: lhs - rhs of a is a nonzero constant times that of b, as
 * polynomials after clearing denominators, without the content; `square_free`: the same solution
 * set, (x-1)^2 = 0 and x = 1. Non-polynomial sides: the quotient of the differences at random
 * points is one constant. */
math_finding math_equation_equal(math_side lhs_a, math_side rhs_a, math_side lhs_b, math_side rhs_b,
                                 bool square_free, math_budget *budget);
/* As above, but no denominator is cleared, and the constant must be real: *sign says what it is, +1
 * or -1 (an inequality turns round), where the finding is MATH_EQUAL. */
math_finding math_difference_ratio(math_side lhs_a, math_side rhs_a, math_side lhs_b,
                                   math_side rhs_b, int *sign, math_budget *budget);

/* "p:<canonical rational function>" into out; unknowns sorted by name. False: not one within the
 * budget. */
bool math_expr_key(math_side s, math_budget *budget, pc_buf *out);

/* The unknowns below s, sorted, each once; at most `most` (more: returns most + 1). */
uint32_t math_unknowns(math_side s, assay_str *out, uint32_t most);
#endif
