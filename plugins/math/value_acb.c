/* value_acb.c -- enclosures: a ball that surely holds the value, at a given precision. An enclosure
 * may be infinite: nothing is known yet. SPDX-License-Identifier: Apache-2.0 */
#include "math/value_acb_inner.h"

/* Trees are no deeper than MATH_DEPTH (tree.h), which bounds every recursion in this file.
 * NOLINTBEGIN(misc-no-recursion) */

/* ---- arithmetic ---- */

static math_eval of_fold(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const bool times = math_at(s->t, id)->kind == M_MUL;
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    acb_t next;
    acb_init(next);
    for (uint32_t i = 1; i < math_at(s->t, id)->n && (e == EVAL_OK || e == EVAL_HUGE); i++) {
        const bool huge = e == EVAL_HUGE;
        e = value_acb(s, math_kid(s->t, id, i), next, prec);
        if (e != EVAL_OK && e != EVAL_HUGE)
            break;
        if (!pay(s, prec)) {
            e = EVAL_BUDGET;
        } else if (huge || e == EVAL_HUGE) {
            e = (times ? value_acb_mul_huge : value_acb_add_huge)(out, huge, next, e);
        } else {
            (times ? acb_mul : acb_add)(out, out, next, prec);
            e = value_acb_settled(out);
        }
    }
    acb_clear(next);
    return e;
}

static math_eval of_quotient(const value_scope *s, math_id id, acb_t out, slong prec)
{
    acb_t by;
    acb_init(by);
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    const bool huge = e == EVAL_HUGE;
    if (e == EVAL_OK || huge)
        e = value_acb(s, math_kid(s->t, id, 1), by, prec);
    if (e == EVAL_OK && acb_is_zero(by)) {
        e = EVAL_UNDEFINED;
    } else if ((e == EVAL_OK && huge) || e == EVAL_HUGE) {
        e = value_acb_div_huge(out, huge, by, e);
    } else if (e == EVAL_OK) {
        acb_div(out, out, by, prec);
        e = value_acb_settled(out);
    }
    acb_clear(by);
    return e;
}

/* ---- sums ---- */

/* Of a sum to infinity: rational + scale pi^k, or + scale e^x. */
static math_eval of_series(const value_scope *s, math_id id, acb_t out, slong prec)
{
    value_series v;
    value_series_init(&v);
    math_eval e = value_infinite_sum(s, id, &v);
    if (e == EVAL_OK) {
        acb_t part;
        acb_init(part);
        acb_set_fmpq(part, v.exponent, prec);
        if (v.pi) {
            acb_const_pi(part, prec);
            acb_pow_ui(part, part, (ulong)v.pi, prec);
        } else {
            e = value_acb_exponential(part, prec);
        }
        acb_set_fmpq(out, v.scale, prec);
        acb_mul(part, part, out, prec);
        acb_set_fmpq(out, v.rational, prec);
        acb_add(out, out, part, prec);
        acb_clear(part);
    }
    value_series_fini(&v);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

static math_eval of_terms(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const bool product = math_at(s->t, id)->kind == M_PROD;
    value_range range;
    math_eval e = value_range_init(&range, s, id);
    if (e != EVAL_OK)
        return e == EVAL_BUDGET    ? value_acb_of_exact(s, id, out, prec)
               : e == EVAL_OUTSIDE ? of_series(s, id, out, prec)
                                   : e;
    const value_scope inner = { s->t, s->env, &range.bound };
    acb_t term;
    acb_init(term);
    acb_set_si(out, product);
    for (; range.n > 0 && e == EVAL_OK; range.n--) {
        e = value_acb(&inner, math_kid(s->t, id, 0), term, prec);
        if (e == EVAL_OK)
            (product ? acb_mul : acb_add)(out, out, term, prec);
        fmpq_add_si(range.at, range.at, 1);
    }
    acb_clear(term);
    value_range_fini(&range);
    return e == EVAL_HUGE ? EVAL_BUDGET : e == EVAL_OK ? value_acb_settled(out) : e;
}

/* ---- the whole ---- */

/* What has an exponent too long for a rational: 1e100000. */
static math_eval long_decimal(assay_str text, acb_t out, slong prec)
{
    fmpz_t mantissa, den, exponent;
    arb_t ten, power;
    fmpz_init(mantissa), fmpz_init(den), fmpz_init(exponent), arb_init(ten), arb_init(power);
    math_eval e = EVAL_BUDGET;
    if (value_decimal(text, mantissa, den, exponent)) {
        acb_t tail;
        acb_init(tail);
        arb_fmpz_div_fmpz(acb_realref(tail), mantissa, den, prec);
        arb_set_ui(ten, 10);
        arb_set_fmpz(power, exponent);
        e = value_acb_real_power(out, ten, power, prec);
        if (e == EVAL_HUGE)
            e = value_acb_mul_huge(out, true, tail, EVAL_OK);
        else if (e == EVAL_OK)
            acb_mul(out, out, tail, prec);
        acb_clear(tail);
    }
    fmpz_clear(mantissa), fmpz_clear(den), fmpz_clear(exponent), arb_clear(ten), arb_clear(power);
    return e;
}

static math_eval of_leaf(const value_scope *s, math_id id, acb_t out, slong prec)
{
    fmpq_t x;
    const uint8_t kind = math_at(s->t, id)->kind;
    const fmpq *known = kind == M_NUM || kind == M_BASE ? NULL : value_lookup(s, id);
    if (known) {
        acb_set_fmpq(out, known, prec);
        return EVAL_OK;
    }
    switch ((int)kind) {
    case M_E:
        acb_zero(out);
        arb_const_e(acb_realref(out), prec);
        return EVAL_OK;
    case M_I:
        acb_onei(out);
        return EVAL_OK;
    case M_SYM:
        return EVAL_OUTSIDE;
    default:
        break;
    }
    fmpq_init(x);
    const bool ok = math_number((math_side){ s->t, id }, x);
    if (ok)
        acb_set_fmpq(out, x, prec);
    fmpq_clear(x);
    return ok               ? EVAL_OK
           : kind == M_BASE ? EVAL_OUTSIDE
                            : long_decimal(math_text(s->t, id), out, prec);
}

static math_eval of_one(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const uint8_t kind = math_at(s->t, id)->kind;
    math_eval e =
        math_at(s->t, id)->n ? value_acb(s, math_kid(s->t, id, 0), out, prec) : EVAL_OUTSIDE;
    if (e != EVAL_OK && e != EVAL_HUGE)
        return e;
    if (kind == M_NEG) {
        e == EVAL_HUGE ? arb_neg(acb_realref(out), acb_realref(out)) : acb_neg(out, out);
        return e;
    }
    if (kind == M_UNIT || e == EVAL_HUGE)
        return kind == M_UNIT ? e : EVAL_BUDGET;
    if (kind == M_DEGREE) {
        arb_t pi;
        arb_init(pi);
        arb_const_pi(pi, prec);
        acb_mul_arb(out, out, pi, prec);
        arb_clear(pi);
    }
    acb_div_ui(out, out, kind == M_DEGREE ? 180 : 100, prec);
    return EVAL_OK;
}

math_eval value_acb(const value_scope *s, math_id id, acb_t out, slong prec)
{
    if (!pay(s, prec))
        return EVAL_BUDGET;
    switch ((int)math_at(s->t, id)->kind) {
    case M_NUM:
    case M_BASE:
    case M_SYM:
    case M_E:
    case M_I:
        return of_leaf(s, id, out, prec);
    case M_PI:
        acb_const_pi(out, prec);
        return EVAL_OK;
    case M_ADD:
    case M_MUL:
        return of_fold(s, id, out, prec);
    case M_DIV:
        return of_quotient(s, id, out, prec);
    case M_POW:
        return value_acb_of_power(s, id, out, prec);
    case M_SQRT:
    case M_ROOT:
        return value_acb_of_root(s, id, out, prec);
    case M_LOG:
        return value_acb_of_log(s, id, out, prec);
    case M_NEG:
    case M_PERCENT:
    case M_DEGREE:
    case M_UNIT:
        return of_one(s, id, out, prec);
    case M_FUNC:
        return value_acb_of_function(s, id, out, prec);
    case M_FACT:
        return value_acb_of_factorial(s, id, out, prec);
    case M_BINOM:
        return value_acb_of_binomial(s, id, out, prec);
    case M_MOD:
        return value_acb_of_residue(s, id, out, prec);
    case M_SUM:
    case M_PROD:
        return of_terms(s, id, out, prec);
    case M_INT:
        return value_acb_of_exact(s, id, out, prec);
    default:
        return EVAL_OUTSIDE;
    }
}
/* NOLINTEND(misc-no-recursion) */

math_eval math_eval_acb(math_side s, const math_env *env, acb_t out, slong precision)
{
    const value_scope scope = value_scope_of(s, env);
    math_eval e = value_acb(&scope, s.id, out, precision);
    if (e == EVAL_HUGE)
        arb_zero(acb_imagref(out));
    return e;
}
