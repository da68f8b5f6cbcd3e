/* sets_quadratic.c -- SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"
bool sets_solve_quadratic(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    (void)w;
    (void)lhs;
    (void)op;
    (void)rhs;
    return false;
}
