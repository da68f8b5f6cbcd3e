/* value_pi.c -- rational multiples of pi, as they stand in sines and in powers of e.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

/* c pi^pi i^i */
typedef struct monomial {
    fmpq_t c;
    slong pi, i;
} monomial;

/* Trees are no deeper than MATH_DEPTH (tree.h). NOLINTBEGIN(misc-no-recursion) */
static math_eval measure(const value_scope *s, math_id id, monomial *m);

static math_eval measure_sum(const value_scope *s, math_id id, monomial *m)
{
    monomial next;
    fmpq_init(next.c);
    math_eval e = measure(s, math_kid(s->t, id, 0), m);
    for (uint32_t k = 1; k < math_at(s->t, id)->n && e == EVAL_OK; k++) {
        e = measure(s, math_kid(s->t, id, k), &next);
        if (e != EVAL_OK)
            break;
        if (fmpq_is_zero(m->c))
            m->pi = next.pi, m->i = next.i;
        if (!fmpq_is_zero(next.c) && (next.pi != m->pi || ((next.i - m->i) & 1)))
            e = EVAL_OUTSIDE;
        else if (((next.i - m->i) & 3) == 2)
            fmpq_sub(m->c, m->c, next.c);
        else
            fmpq_add(m->c, m->c, next.c);
    }
    fmpq_clear(next.c);
    return e;
}

static math_eval measure_product(const value_scope *s, math_id id, monomial *m)
{
    const bool quotient = math_at(s->t, id)->kind == M_DIV;
    monomial next;
    fmpq_init(next.c);
    math_eval e = measure(s, math_kid(s->t, id, 0), m);
    for (uint32_t k = 1; k < math_at(s->t, id)->n && e == EVAL_OK; k++) {
        e = measure(s, math_kid(s->t, id, k), &next);
        if (e == EVAL_OK && quotient && fmpq_is_zero(next.c))
            e = EVAL_UNDEFINED;
        if (e != EVAL_OK)
            break;
        (quotient ? fmpq_div : fmpq_mul)(m->c, m->c, next.c);
        m->pi += quotient ? -next.pi : next.pi;
        m->i += quotient ? -next.i : next.i;
    }
    fmpq_clear(next.c);
    return e;
}

/* asin, acos, atan of an algebraic number, where it is a rational multiple of pi. */
static math_eval measure_inverse(const value_scope *s, math_id id, monomial *m)
{
    slong p = 0;
    ulong q = 1;
    qqbar_t x;
    const uint16_t fn = math_at(s->t, id)->op;
    if (fn != FN_ASIN && fn != FN_ACOS && fn != FN_ATAN)
        return EVAL_OUTSIDE;
    qqbar_init(x);
    math_eval e = value_qqbar(s, math_kid(s->t, id, 0), x);
    if (e == EVAL_OK && qqbar_degree(x) > 16)
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK && !(fn == FN_ASIN   ? qqbar_asin_pi(&p, &q, x)
                          : fn == FN_ACOS ? qqbar_acos_pi(&p, &q, x)
                                          : qqbar_atan_pi(&p, &q, x)))
        e = EVAL_OUTSIDE;
    qqbar_clear(x);
    fmpq_set_si(m->c, p, q);
    m->pi = 1;
    m->i = 0;
    return e;
}

static math_eval measure_one(const value_scope *s, math_id id, monomial *m)
{
    const uint8_t kind = math_at(s->t, id)->kind;
    math_eval e = measure(s, math_kid(s->t, id, 0), m);
    if (kind == M_NEG)
        fmpq_neg(m->c, m->c);
    if (kind == M_DEGREE) {
        fmpq_div_fmpz(m->c, m->c, (fmpz[]){ 180 });
        m->pi++;
    }
    return e;
}

static math_eval measure(const value_scope *s, math_id id, monomial *m)
{
    m->pi = m->i = 0;
    switch ((int)math_at(s->t, id)->kind) {
    case M_PI:
        fmpq_one(m->c);
        m->pi = 1;
        return EVAL_OK;
    case M_I:
        if (value_lookup(s, id))
            break;
        fmpq_one(m->c);
        m->i = 1;
        return EVAL_OK;
    case M_ADD:
        return measure_sum(s, id, m);
    case M_MUL:
    case M_DIV:
        return measure_product(s, id, m);
    case M_NEG:
    case M_DEGREE:
    case M_UNIT:
        return measure_one(s, id, m);
    case M_FUNC:
        if (measure_inverse(s, id, m) == EVAL_OK)
            return EVAL_OK;
        m->pi = m->i = 0;
        break;
    default:
        break;
    }
    return value_q(s, id, m->c);
}
/* NOLINTEND(misc-no-recursion) */

math_eval value_pi_multiple(const value_scope *s, math_id id, bool imaginary, slong *p, ulong *q)
{
    monomial m;
    fmpq_init(m.c);
    math_eval e = value_spend(s, 2) ? measure(s, id, &m) : EVAL_BUDGET;
    if (e == EVAL_OK && !fmpq_is_zero(m.c)) {
        if (m.pi != 1 || (m.i & 1) != imaginary)
            e = EVAL_OUTSIDE;
        if ((m.i & 3) >= 2)
            fmpq_neg(m.c, m.c);
    }
    if (e == EVAL_OK && (fmpz_bits(fmpq_numref(m.c)) > 40 || fmpz_bits(fmpq_denref(m.c)) > 20))
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK) {
        *p = fmpz_get_si(fmpq_numref(m.c));
        *q = fmpz_get_ui(fmpq_denref(m.c));
        /* modulo 2 pi, so that the library's own arithmetic stays small */
        *p %= 2 * (slong)*q;
    }
    fmpq_clear(m.c);
    return e;
}
