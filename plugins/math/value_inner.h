/* value_inner.h -- what the files value*.c share and nobody else includes.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_VALUE_INNER_H
#define MATH_VALUE_INNER_H
#include "math/value.h"

/* The bound variable of a sum, innermost first; it hides an unknown of the same name. */
typedef struct value_bound {
    assay_str name;
    uint8_t kind; /* M_SYM; M_I or M_E where the parser took the letter for the constant */
    const fmpq *value;
    const struct value_bound *up;
} value_bound;

/* Where an expression is evaluated. */
typedef struct value_scope {
    const math_tree *t;
    const math_env *env;
    const value_bound *bound;
} value_scope;

static inline value_scope value_scope_of(math_side s, const math_env *env)
{
    return (value_scope){ .t = s.tree, .env = env };
}
static inline bool value_spend(const value_scope *s, int64_t steps)
{
    return !s->env->budget || math_spend(s->env->budget, steps);
}
/* What stands for an unknown, or for a letter that is a bound variable; NULL: nothing. */
const fmpq *value_lookup(const value_scope *s, math_id id);

math_eval value_q(const value_scope *s, math_id id, fmpq_t out);
math_eval value_acb(const value_scope *s, math_id id, acb_t out, slong precision);
math_eval value_qqbar(const value_scope *s, math_id id, qqbar_t out);
math_eval value_ca(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx);

/* ---- value_number.c ---- */
/* mantissa / den * 10^exponent of an M_NUM's text; false: too many digits. */
bool value_decimal(assay_str text, fmpz_t mantissa, fmpz_t den, fmpz_t exponent);

/* ---- value_q.c ---- */
/* base^exponent where the result is rational: EVAL_OUTSIDE where it is not, EVAL_BUDGET where it is
 * too long. */
math_eval value_q_pow(const value_scope *s, fmpq_t out, const fmpq_t base, const fmpq_t exponent);
math_eval value_q_log(const value_scope *s, fmpq_t out, const fmpq_t base, const fmpq_t arg);
/* The exact value of a child as an integer that fits; EVAL_OUTSIDE: rational or irrational. */
math_eval value_q_si(const value_scope *s, math_id id, slong *out);

/* ---- value_ca.c ---- */
/* A context with the limits that hold here; ca_ctx_clear() as usual. */
void value_ca_ctx_init(ca_ctx_t ctx);

/* ---- value_pi.c ---- */
/* Is it p/q pi (times i), modulo 2 pi (2 pi i)? */
math_eval value_pi_multiple(const value_scope *s, math_id id, bool imaginary, slong *p, ulong *q);

/* ---- value_cyclo.c ---- */
/* Both in one small cyclotomic field: decided, exactly. EVAL_UNDEFINED: one of them. */
math_eval value_cyclo_equal(const value_scope *a, math_id a_id, const value_scope *b, math_id b_id,
                            bool *equal);

/* ---- value_sum.c: sums, products and integrals ---- */
/* A finite sum or product opened: the terms' variable runs from..to. */
typedef struct value_range {
    value_bound bound; /* link into a scope of one's own; .value is &at */
    fmpq_t at;
    slong n; /* terms left */
} value_range;
/* EVAL_OUTSIDE: infinite or not an integer range. EVAL_BUDGET: too many terms. fini only after
 * EVAL_OK. */
math_eval value_range_init(value_range *r, const value_scope *s, math_id id);
void value_range_fini(value_range *r);
/* A definite integral or a long sum of a polynomial, exactly. */
math_eval value_q_integral(const value_scope *s, math_id id, fmpq_t out);

/* ---- value_series.c ---- */
/* rational + scale pi^pi, or rational + scale e^exponent where pi is 0 */
typedef struct value_series {
    fmpq_t rational, scale, exponent;
    slong pi;
} value_series;
void value_series_init(value_series *v);
void value_series_fini(value_series *v);
/* A sum to infinity whose value is known. */
math_eval value_infinite_sum(const value_scope *s, math_id id, value_series *v);
#endif
