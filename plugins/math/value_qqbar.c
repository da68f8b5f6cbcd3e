/* value_qqbar.c -- algebraic numbers: roots of polynomials over Q, equal or not for certain.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

math_eval value_qqbar(const value_scope *s, math_id id, qqbar_t out)
{
    fmpq_t x;
    fmpq_init(x);
    math_eval e = value_q(s, id, x);
    if (e == EVAL_OK)
        qqbar_set_fmpq(out, x);
    fmpq_clear(x);
    return e;
}

math_eval math_eval_qqbar(math_side s, const math_env *env, qqbar_t out)
{
    const value_scope scope = value_scope_of(s, env);
    return value_qqbar(&scope, s.id, out);
}
