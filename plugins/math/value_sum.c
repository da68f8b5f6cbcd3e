/* value_sum.c -- sums and products over a range, and integrals of polynomials.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

#include <flint/arith.h>
#include <flint/fmpq_poly.h>

enum { POLY_DEGREE = 32 }; /* of what is integrated or summed in closed form */

static bool is_range(const value_scope *s, math_id id)
{
    return math_at(s->t, id)->n == 4;
}

math_eval value_range_init(value_range *r, const value_scope *s, math_id id)
{
    slong from = 0, to = 0;
    if (!is_range(s, id) || math_at(s->t, math_kid(s->t, id, 3))->kind == M_INF)
        return EVAL_OUTSIDE;
    math_eval e = value_q_si(s, math_kid(s->t, id, 2), &from);
    if (e == EVAL_OK)
        e = value_q_si(s, math_kid(s->t, id, 3), &to);
    if (e != EVAL_OK)
        return e;
    if (to >= from && (to - MATH_TERMS >= from || from > WORD_MAX / 4 || from < WORD_MIN / 4))
        return EVAL_BUDGET;
    const math_id var = math_kid(s->t, id, 1);
    r->n = to < from ? 0 : to - from + 1;
    r->bound = (value_bound){ math_text(s->t, var), math_at(s->t, var)->kind, r->at, s->bound };
    fmpq_init(r->at);
    fmpq_set_si(r->at, from, 1);
    return EVAL_OK;
}

void value_range_fini(value_range *r)
{
    fmpq_clear(r->at);
}

/* ---- polynomials in one variable ---- */

/* Trees are no deeper than MATH_DEPTH (tree.h). NOLINTBEGIN(misc-no-recursion) */
typedef struct poly_scope {
    value_scope s;
    math_id var;
} poly_scope;

static math_eval poly(const poly_scope *p, math_id id, fmpq_poly_t out);

static bool is_var(const poly_scope *p, math_id id)
{
    return math_same_tree(p->s.t, p->var, p->s.t, id);
}

static bool has_var(const poly_scope *p, math_id id)
{
    if (is_var(p, id))
        return true;
    for (uint32_t i = 0; i < math_at(p->s.t, id)->n; i++)
        if (has_var(p, math_kid(p->s.t, id, i)))
            return true;
    return false;
}

static math_eval poly_constant(const poly_scope *p, math_id id, fmpq_poly_t out)
{
    fmpq_t c;
    fmpq_init(c);
    math_eval e = has_var(p, id) ? EVAL_OUTSIDE : value_q(&p->s, id, c);
    if (e == EVAL_OK)
        fmpq_poly_set_fmpq(out, c);
    fmpq_clear(c);
    return e;
}

static math_eval poly_fold(const poly_scope *p, math_id id, fmpq_poly_t out, bool times)
{
    fmpq_poly_t next;
    fmpq_poly_init(next);
    fmpq_poly_set_si(out, times);
    math_eval e = EVAL_OK;
    for (uint32_t i = 0; i < math_at(p->s.t, id)->n && e == EVAL_OK; i++) {
        e = poly(p, math_kid(p->s.t, id, i), next);
        if (e != EVAL_OK)
            break;
        if (fmpq_poly_degree(out) + fmpq_poly_degree(next) > 2L * POLY_DEGREE ||
            !value_spend(&p->s,
                         2 + 2 * fmpq_poly_length(next) * (times ? fmpq_poly_length(out) : 1)))
            e = EVAL_BUDGET;
        else if (times)
            fmpq_poly_mul(out, out, next);
        else
            fmpq_poly_add(out, out, next);
    }
    fmpq_poly_clear(next);
    return e;
}

static math_eval poly_quotient(const poly_scope *p, math_id id, fmpq_poly_t out)
{
    fmpq_t by;
    fmpq_init(by);
    math_eval e = has_var(p, math_kid(p->s.t, id, 1)) ? EVAL_OUTSIDE
                                                      : value_q(&p->s, math_kid(p->s.t, id, 1), by);
    if (e == EVAL_OK && fmpq_is_zero(by))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK)
        e = poly(p, math_kid(p->s.t, id, 0), out);
    if (e == EVAL_OK)
        fmpq_poly_scalar_div_fmpq(out, out, by);
    fmpq_clear(by);
    return e;
}

static math_eval poly_power(const poly_scope *p, math_id id, fmpq_poly_t out)
{
    slong n = 0;
    if (has_var(p, math_kid(p->s.t, id, 1)))
        return EVAL_OUTSIDE;
    math_eval e = value_q_si(&p->s, math_kid(p->s.t, id, 1), &n);
    if (e == EVAL_OK && n < 1)
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK)
        e = poly(p, math_kid(p->s.t, id, 0), out);
    if (e != EVAL_OK)
        return e;
    const slong degree = fmpq_poly_degree(out);
    if (n > POLY_DEGREE || degree * n > POLY_DEGREE || !value_spend(&p->s, 2 + degree * n * n))
        return EVAL_BUDGET;
    fmpq_poly_pow(out, out, (ulong)n);
    return EVAL_OK;
}

static math_eval poly(const poly_scope *p, math_id id, fmpq_poly_t out)
{
    math_eval e = EVAL_OK;
    if (is_var(p, id)) {
        fmpq_poly_zero(out);
        fmpq_poly_set_coeff_si(out, 1, 1);
        return EVAL_OK;
    }
    switch ((int)math_at(p->s.t, id)->kind) {
    case M_ADD:
    case M_MUL:
        return poly_fold(p, id, out, math_at(p->s.t, id)->kind == M_MUL);
    case M_NEG:
        e = poly(p, math_kid(p->s.t, id, 0), out);
        fmpq_poly_neg(out, out);
        return e;
    case M_DIV:
        return poly_quotient(p, id, out);
    case M_POW:
        return has_var(p, id) ? poly_power(p, id, out) : poly_constant(p, id, out);
    default:
        return poly_constant(p, id, out);
    }
}
/* NOLINTEND(misc-no-recursion) */

/* out = f(to) - f(from) */
static void difference(fmpq_t out, const fmpq_poly_t f, const fmpq_t from, const fmpq_t to)
{
    fmpq_t low;
    fmpq_init(low);
    fmpq_poly_evaluate_fmpq(low, f, from);
    fmpq_poly_evaluate_fmpq(out, f, to);
    fmpq_sub(out, out, low);
    fmpq_clear(low);
}

/* f becomes a polynomial whose difference f(n+1) - f(n) is f(n), from Bernoulli's polynomials. */
static void sum_in_place(fmpq_poly_t f)
{
    fmpq_poly_t total, b;
    fmpq_t c;
    fmpq_poly_init(total);
    fmpq_poly_init(b);
    fmpq_init(c);
    for (slong k = 0; k <= fmpq_poly_degree(f); k++) {
        fmpq_poly_get_coeff_fmpq(c, f, k);
        if (fmpq_is_zero(c))
            continue;
        arith_bernoulli_polynomial(b, (ulong)k + 1); /* B(n+1) - B(n) = (k+1) n^k */
        fmpq_div_fmpz(c, c, (fmpz[]){ (fmpz)k + 1 });
        fmpq_poly_scalar_mul_fmpq(b, b, c);
        fmpq_poly_add(total, total, b);
    }
    fmpq_poly_swap(f, total);
    fmpq_poly_clear(total);
    fmpq_poly_clear(b);
    fmpq_clear(c);
}

static bool short_enough(const fmpq_t x)
{
    return fmpz_bits(fmpq_numref(x)) + fmpz_bits(fmpq_denref(x)) <= MATH_BITS / (2 * POLY_DEGREE);
}

math_eval value_q_integral(const value_scope *s, math_id id, fmpq_t out)
{
    if (!is_range(s, id))
        return EVAL_OUTSIDE;
    const bool is_sum = math_at(s->t, id)->kind == M_SUM;
    fmpq_t from, to;
    fmpq_poly_t f;
    fmpq_init(from), fmpq_init(to), fmpq_poly_init(f);
    const poly_scope p = { *s, math_kid(s->t, id, 1) };
    math_eval e = value_q(s, math_kid(s->t, id, 2), from);
    if (e == EVAL_OK)
        e = value_q(s, math_kid(s->t, id, 3), to);
    if (e == EVAL_OK)
        e = poly(&p, math_kid(s->t, id, 0), f);
    if (e == EVAL_OK && (!short_enough(from) || !short_enough(to) || !value_spend(s, 100)))
        e = EVAL_BUDGET;
    if (e == EVAL_OK && is_sum) {
        sum_in_place(f);
        fmpq_add_si(to, to, 1);
    } else if (e == EVAL_OK) {
        fmpq_poly_integral(f, f);
    }
    if (e == EVAL_OK)
        difference(out, f, from, to);
    fmpq_clear(from), fmpq_clear(to), fmpq_poly_clear(f);
    return e;
}
