/* sets.h -- sets of real numbers: unions of intervals with exact end points, finite sets, named
 * sets, families a + b k (k in Z), and the solution sets of relations in one unknown (ladder 5.4,
 * rungs 7 and 8). SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_SETS_H
#define MATH_SETS_H
#include "math/symbolic.h"

/* Both sides as subsets of the reals, where both can be read so: M_INTERVAL, M_TUPLE and M_SQUARE
 * of two numbers, M_SET and M_BRACES of numbers, M_UNION, M_INTERSECT, M_SETMINUS, M_NAMED R,
 * M_EMPTY, M_SETBUILDER with one unknown, "x in S", inequalities and chains in one unknown (1 < x
 * <= 2, x != 3, x^2 > 4, |x| < 2, 2x > 4), M_LIST of such: AND and COMMA intersect, OR unites. End
 * points are compared exactly. The unknown's name does not matter between a set and a relation, and
 * must be the same between two relations. MATH_UNDECIDED with WHY_OPAQUE: not such sets. */
math_finding math_set_equal(math_side a, math_side b, math_budget *budget);
bool math_is_real_set(math_side s); /* by its shape: worth asking math_set_equal */

/* Families: M_FAMILY, M_SETBUILDER with k in Z, lists of them: a + k b compared modulo the step
 * (offset mod step, |step|); unions with different steps are refined to their common multiple (at
 * most 64 classes). */
math_finding math_family_equal(math_side a, math_side b, math_budget *budget);

/* Canonical text of a set of reals with algebraic end points, "u:[q:0,q:1)(q:2,inf)"; false: not
 * known. */
bool math_set_key(math_side s, math_budget *budget, pc_buf *out);
#endif
