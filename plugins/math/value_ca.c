/* value_ca.c -- numbers made of exponentials, logarithms and algebraic numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

math_eval value_ca(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    fmpq_t x;
    fmpq_init(x);
    math_eval e = value_q(s, id, x);
    if (e == EVAL_OK)
        ca_set_fmpq(out, x, ctx);
    fmpq_clear(x);
    return e;
}

math_eval math_eval_ca(math_side s, const math_env *env, ca_t out, ca_ctx_t ctx)
{
    const value_scope scope = value_scope_of(s, env);
    return value_ca(&scope, s.id, out, ctx);
}
