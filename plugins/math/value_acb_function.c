/* value_acb_function.c -- enclosures of functions of one number, factorials, binomials, residues.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_acb_inner.h"

#include <acb_hypgeom.h>
#include <arb_hypgeom.h>

/* Trees are no deeper than MATH_DEPTH (tree.h), which bounds every recursion in this file.
 * NOLINTBEGIN(misc-no-recursion) */

/* ---- functions of one number, in place ---- */

typedef void arb_fn(arb_t, const arb_t, slong);
typedef void acb_fn(acb_t, const acb_t, slong);

typedef struct function {
    arb_fn *real; /* of a real; NULL: only where the complex one's result is real anyway */
    acb_fn *complex;
    bool entire; /* real for every real, so `real` may be used */
} function;

static void acb_asec_(acb_t r, const acb_t z, slong prec)
{
    acb_inv(r, z, prec);
    acb_acos(r, r, prec);
}
static void acb_acsc_(acb_t r, const acb_t z, slong prec)
{
    acb_inv(r, z, prec);
    acb_asin(r, r, prec);
}
static void acb_acot_(acb_t r, const acb_t z, slong prec)
{
    acb_inv(r, z, prec);
    acb_atan(r, r, prec);
}
static void arb_acot_(arb_t r, const arb_t z, slong prec)
{
    arb_inv(r, z, prec);
    arb_atan(r, r, prec);
}
static void arb_log_(arb_t r, const arb_t z, slong prec)
{
    arb_log(r, z, prec);
}
static void arb_gamma_(arb_t r, const arb_t z, slong prec)
{
    arb_gamma(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}
static void acb_gamma_(acb_t r, const acb_t z, slong prec)
{
    acb_gamma(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}
static void arb_erf_(arb_t r, const arb_t z, slong prec)
{
    arb_hypgeom_erf(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}
static void acb_erf_(acb_t r, const acb_t z, slong prec)
{
    acb_hypgeom_erf(r, z, prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION);
}

static const function functions[FN_COUNT] = {
    [FN_SIN] = { arb_sin, acb_sin, true },         [FN_COS] = { arb_cos, acb_cos, true },
    [FN_TAN] = { arb_tan, acb_tan, true },         [FN_COT] = { arb_cot, acb_cot, true },
    [FN_SEC] = { arb_sec, acb_sec, true },         [FN_CSC] = { arb_csc, acb_csc, true },
    [FN_ASIN] = { arb_asin, acb_asin, false },     [FN_ACOS] = { arb_acos, acb_acos, false },
    [FN_ATAN] = { arb_atan, acb_atan, true },      [FN_ACOT] = { arb_acot_, acb_acot_, true },
    [FN_ASEC] = { NULL, acb_asec_, false },        [FN_ACSC] = { NULL, acb_acsc_, false },
    [FN_SINH] = { arb_sinh, acb_sinh, true },      [FN_COSH] = { arb_cosh, acb_cosh, true },
    [FN_TANH] = { arb_tanh, acb_tanh, true },      [FN_COTH] = { arb_coth, acb_coth, true },
    [FN_SECH] = { arb_sech, acb_sech, true },      [FN_CSCH] = { arb_csch, acb_csch, true },
    [FN_ASINH] = { arb_asinh, acb_asinh, true },   [FN_ACOSH] = { arb_acosh, acb_acosh, false },
    [FN_ATANH] = { arb_atanh, acb_atanh, false },  [FN_LN] = { arb_log_, acb_log, false },
    [FN_GAMMA] = { arb_gamma_, acb_gamma_, true }, [FN_ERF] = { arb_erf_, acb_erf_, true },
};

/* Has fn no value at exactly z? */
static bool is_pole(math_fn fn, const acb_t z)
{
    switch ((int)fn) {
    case FN_COT:
    case FN_CSC:
    case FN_COTH:
    case FN_CSCH:
    case FN_ASEC:
    case FN_ACSC:
    case FN_LN:
    case FN_LG:
    case FN_LOG:
    case FN_ARG:
        return acb_is_zero(z);
    case FN_ATANH:
        return acb_is_one(z) || acb_equal_si(z, -1);
    case FN_GAMMA:
        return is_real(z) && arb_is_int(acb_realref(z)) && arb_is_nonpositive(acb_realref(z));
    default:
        return false;
    }
}

static math_eval analytic(math_fn fn, acb_t z, slong prec)
{
    const function *f = &functions[fn];
    if (fn == FN_ACOT && acb_is_zero(z)) {
        acb_const_pi(z, prec);
        acb_mul_2exp_si(z, z, -1);
        return EVAL_OK;
    }
    const bool logs = fn == FN_LN || fn == FN_ASINH || fn == FN_ACOSH || fn == FN_ATAN;
    if (!f->complex)
        return EVAL_OUTSIDE;
    if (!logs && (!below(acb_realref(z), CALM) || !below(acb_imagref(z), HUGE_EXPONENT))) {
        acb_indeterminate(z);
        return EVAL_OK;
    }
    if (is_real(z) && f->real) {
        arb_t r;
        arb_init(r);
        f->real(r, acb_realref(z), prec);
        const bool ok = f->entire || arb_is_finite(r);
        if (ok)
            arb_swap(acb_realref(z), r);
        arb_clear(r);
        if (ok)
            return value_acb_settled(z);
    }
    f->complex(z, z, prec);
    return value_acb_settled(z);
}

static void logarithm(acb_t z, ulong base, slong prec)
{
    arb_t b;
    arb_init(b);
    analytic(FN_LN, z, prec);
    if (base) {
        arb_log_ui(b, base, prec);
        acb_div_arb(z, z, b, prec);
    }
    arb_clear(b);
}

/* Gamma(z) of a real beyond what Arb is asked for: Gamma(z) > (z/e)^z / z > 2^(32 (z-1)) for z >=
 * 2^34, and n!! of an integer is above the square root of n!: 2^(2^shift (z-1)). */
static math_eval huge_gamma(acb_t z, slong shift)
{
    if (!is_real(z) || !arb_is_positive(acb_realref(z)) || below(acb_realref(z), 34))
        return EVAL_BUDGET;
    arb_t log2;
    arb_init(log2);
    arb_sub_ui(log2, acb_realref(z), 1, 64);
    arb_mul_2exp_si(log2, log2, shift);
    math_eval e = value_acb_make_huge(z, 1, log2);
    arb_clear(log2);
    return e;
}

static math_eval gamma_of(acb_t z, slong prec)
{
    if (is_pole(FN_GAMMA, z))
        return EVAL_UNDEFINED;
    if (below(acb_realref(z), 36) && below(acb_imagref(z), 20))
        return analytic(FN_GAMMA, z, prec);
    if (huge_gamma(z, 5) == EVAL_HUGE)
        return EVAL_HUGE;
    acb_indeterminate(z);
    return EVAL_OK;
}

typedef void round_fn(arb_t, const arb_t, slong);

static math_eval exact_rounding(const value_scope *s, math_id arg, acb_t z, bool up)
{
    qqbar_t x;
    fmpz_t n;
    qqbar_init(x);
    fmpz_init(n);
    math_eval e = value_qqbar(s, arg, x);
    if (e == EVAL_OK && qqbar_is_real(x)) {
        (up ? qqbar_ceil : qqbar_floor)(n, x);
        acb_set_fmpz(z, n);
    }
    qqbar_clear(x);
    fmpz_clear(n);
    return e;
}

/* Decided by the enclosure, or by the exact value; else both neighbours stay in the ball. */
static math_eval rounded(const value_scope *s, math_id arg, acb_t z, bool up, slong prec)
{
    if (!is_real(z))
        return EVAL_OUTSIDE;
    arb_t r;
    fmpz_t n;
    arb_init(r);
    fmpz_init(n);
    (up ? arb_ceil : arb_floor)(r, acb_realref(z), prec);
    const bool unique = arb_get_unique_fmpz(n, r);
    if (unique)
        arb_set_fmpz(r, n);
    arb_swap(acb_realref(z), r);
    if (!unique && prec > 64)
        exact_rounding(s, arg, z, up);
    arb_clear(r);
    fmpz_clear(n);
    return EVAL_OK;
}

static math_eval absolute(acb_t z, slong prec)
{
    if (is_real(z))
        arb_abs(acb_realref(z), acb_realref(z));
    else
        acb_abs(acb_realref(z), z, prec);
    arb_zero(acb_imagref(z));
    return EVAL_OK;
}

static math_eval function_of(const value_scope *s, math_id id, acb_t z, slong prec)
{
    const math_fn fn = (math_fn)math_at(s->t, id)->op;
    if (is_pole(fn, z))
        return EVAL_UNDEFINED;
    if (!acb_is_finite(z)) { /* whatever is dropped here may be what has no value */
        acb_indeterminate(z);
        return EVAL_OK;
    }
    switch ((int)fn) {
    case FN_EXP:
        return value_acb_exponential(z, prec);
    case FN_LG:
        logarithm(z, 10, prec);
        return EVAL_OK;
    case FN_LOG:
        logarithm(z, s->env->log_base, prec);
        return EVAL_OK;
    case FN_GAMMA:
        return gamma_of(z, prec);
    case FN_ABS:
        return absolute(z, prec);
    case FN_FLOOR:
    case FN_CEIL:
        return rounded(s, math_kid(s->t, id, 0), z, fn == FN_CEIL, prec);
    case FN_SIGN:
        acb_sgn(z, z, prec);
        return EVAL_OK;
    case FN_RE:
        arb_zero(acb_imagref(z));
        return EVAL_OK;
    case FN_IM:
        acb_set_arb(z, acb_imagref(z));
        return EVAL_OK;
    case FN_CONJ:
        acb_conj(z, z);
        return EVAL_OK;
    case FN_ARG:
        acb_arg(acb_realref(z), z, prec);
        arb_zero(acb_imagref(z));
        return EVAL_OK;
    default:
        return analytic(fn, z, prec);
    }
}

/* Of a number beyond 2^(2^40) */
static math_eval function_of_huge(math_fn fn, acb_t z)
{
    const int sign = value_acb_huge_sign(z);
    switch ((int)fn) {
    case FN_FLOOR:
    case FN_CEIL:
    case FN_RE:
    case FN_CONJ:
        return EVAL_HUGE;
    case FN_ABS:
        arb_abs(acb_realref(z), acb_realref(z));
        return EVAL_HUGE;
    case FN_SIGN:
        acb_set_si(z, sign);
        return EVAL_OK;
    case FN_IM:
        acb_zero(z);
        return EVAL_OK;
    case FN_EXP:
        if (sign < 0) {
            value_acb_make_tiny(z);
            return EVAL_OK;
        }
        return EVAL_HUGE;
    case FN_GAMMA:
    case FN_SINH:
    case FN_COSH:
        return sign > 0 ? EVAL_HUGE : EVAL_BUDGET;
    default:
        return EVAL_BUDGET;
    }
}

/* max, min */
static math_eval of_extreme(const value_scope *s, math_id id, acb_t out, bool most, slong prec)
{
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    acb_t next;
    acb_init(next);
    for (uint32_t i = 1; i < math_at(s->t, id)->n && e == EVAL_OK; i++) {
        e = value_acb(s, math_kid(s->t, id, i), next, prec);
        if (e == EVAL_OK && (!is_real(next) || !is_real(out)))
            e = EVAL_OUTSIDE;
        if (e == EVAL_OK)
            (most ? arb_max : arb_min)(acb_realref(out), acb_realref(out), acb_realref(next), prec);
    }
    acb_clear(next);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

math_eval value_acb_of_exact(const value_scope *s, math_id id, acb_t out, slong prec)
{
    fmpq_t x;
    fmpq_init(x);
    math_eval e = value_q(s, id, x);
    if (e == EVAL_OK)
        acb_set_fmpq(out, x, prec);
    fmpq_clear(x);
    return e;
}

math_eval value_acb_of_function(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const math_node *x = math_at(s->t, id);
    if (x->n == 0 || x->op >= FN_COUNT || !pay_function(s, prec))
        return x->n == 0 ? EVAL_OUTSIDE : EVAL_BUDGET;
    if (x->op == FN_MAX || x->op == FN_MIN)
        return of_extreme(s, id, out, x->op == FN_MAX, prec);
    if (x->op == FN_GCD || x->op == FN_LCM || x->op == FN_PHI)
        return value_acb_of_exact(s, id, out, prec);
    if (x->n != 1)
        return EVAL_OUTSIDE;
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    if (e == EVAL_HUGE)
        return function_of_huge((math_fn)x->op, out);
    return e == EVAL_OK ? function_of(s, id, out, prec) : e;
}

math_eval value_acb_of_log(const value_scope *s, math_id id, acb_t out, slong prec)
{
    acb_t base;
    acb_init(base);
    math_eval e =
        pay_function(s, prec) ? value_acb(s, math_kid(s->t, id, 1), out, prec) : EVAL_BUDGET;
    if (e == EVAL_OK)
        e = value_acb(s, math_kid(s->t, id, 0), base, prec);
    if (e == EVAL_OK && (acb_is_zero(base) || acb_is_one(base) || acb_is_zero(out)))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK) {
        analytic(FN_LN, out, prec);
        analytic(FN_LN, base, prec);
        acb_div(out, out, base, prec);
    }
    acb_clear(base);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

/* ---- factorials, binomials, residues ---- */

math_eval value_acb_of_factorial(const value_scope *s, math_id id, acb_t out, slong prec)
{
    if (!pay_function(s, prec))
        return EVAL_BUDGET;
    if (value_acb_of_exact(s, id, out, prec) == EVAL_OK)
        return EVAL_OK;
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    const bool twice = math_at(s->t, id)->op == 2;
    if (e == EVAL_HUGE)
        return function_of_huge(FN_GAMMA, out);
    if (e != EVAL_OK)
        return e;
    acb_add_ui(out, out, 1, prec + 40);
    if (!twice)
        return gamma_of(out, prec);
    /* n!! > 2^(2^40) where (n!)^(1/2) is */
    return huge_gamma(out, 4) == EVAL_HUGE ? EVAL_HUGE : EVAL_BUDGET;
}

/* Gamma(n+1) / Gamma(k+1) / Gamma(n-k+1) */
math_eval value_acb_of_binomial(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const math_eval exact = value_acb_of_exact(s, id, out, prec);
    if (exact == EVAL_OK || exact == EVAL_UNDEFINED)
        return exact;
    acb_t k, rest;
    acb_init(k);
    acb_init(rest);
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    if (e == EVAL_OK)
        e = value_acb(s, math_kid(s->t, id, 1), k, prec);
    if (e == EVAL_OK && !(below(acb_realref(out), 36) && below(acb_realref(k), 36) &&
                          below(acb_imagref(out), 10) && below(acb_imagref(k), 10)))
        e = EVAL_BUDGET;
    if (e == EVAL_OK && !value_spend(s, 100 + prec))
        e = EVAL_BUDGET;
    if (e == EVAL_OK) {
        const slong p = prec < SPECIAL_PRECISION ? prec : SPECIAL_PRECISION;
        acb_sub(rest, out, k, p + 40);
        acb_add_ui(rest, rest, 1, p + 40);
        acb_add_ui(k, k, 1, p + 40);
        acb_add_ui(out, out, 1, p + 40);
        acb_gamma(out, out, p);
        acb_rgamma(k, k, p);
        acb_rgamma(rest, rest, p);
        acb_mul(out, out, k, p);
        acb_mul(out, out, rest, p);
    }
    acb_clear(k);
    acb_clear(rest);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}

/* a - m floor(a/m), where the enclosure or a rational decides the floor */
math_eval value_acb_of_residue(const value_scope *s, math_id id, acb_t out, slong prec)
{
    const math_eval exact = value_acb_of_exact(s, id, out, prec);
    if (exact == EVAL_OK || exact == EVAL_UNDEFINED)
        return exact;
    acb_t m, k;
    acb_init(m);
    acb_init(k);
    math_eval e = value_acb(s, math_kid(s->t, id, 0), out, prec);
    if (e == EVAL_OK)
        e = value_acb(s, math_kid(s->t, id, 1), m, prec);
    if (e == EVAL_OK && (!is_real(out) || !is_real(m)))
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK && acb_is_zero(m))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK) {
        acb_div(k, out, m, prec);
        arb_floor(acb_realref(k), acb_realref(k), prec);
        acb_mul(k, k, m, prec);
        acb_sub(out, out, k, prec);
    }
    acb_clear(m);
    acb_clear(k);
    return e == EVAL_HUGE ? EVAL_BUDGET : e;
}
/* NOLINTEND(misc-no-recursion) */
