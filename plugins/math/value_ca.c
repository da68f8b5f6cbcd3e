/* value_ca.c -- numbers made of exponentials, logarithms, trigonometric functions and algebraic
 * numbers: Calcium, in a context of its own for each comparison, so that nothing depends on what
 * was compared before.
 *
 * Calcium's own limits are lowered (value_ca_ctx): its work is bounded by the number of extension
 * elements, their degrees, and the length of polynomials in an ideal.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

enum {
    EXTENSIONS = 24, /* of the rationals, in one comparison */
    POWER = 20,      /* exponents that are multiplied out */
    DIGITS = 2048    /* bits of a rational worth Calcium's while */
};

void value_ca_ctx_init(ca_ctx_t ctx)
{
    ca_ctx_init(ctx);
    ca_ctx_set_option(ctx, CA_OPT_PREC_LIMIT, 1024);
    ca_ctx_set_option(ctx, CA_OPT_QQBAR_DEG_LIMIT, 20);
    ca_ctx_set_option(ctx, CA_OPT_LLL_PREC, 64);
    ca_ctx_set_option(ctx, CA_OPT_POW_LIMIT, POWER);
    ca_ctx_set_option(ctx, CA_OPT_SMOOTH_LIMIT, 32);
    ca_ctx_set_option(ctx, CA_OPT_GROEBNER_LENGTH_LIMIT, 24);
    ca_ctx_set_option(ctx, CA_OPT_GROEBNER_POLY_LENGTH_LIMIT, 100);
    ca_ctx_set_option(ctx, CA_OPT_GROEBNER_POLY_BITS_LIMIT, 2000);
    ca_ctx_set_option(ctx, CA_OPT_VIETA_LIMIT, 4);
}

/* Pays for an operation before it is done; its cost grows with what the context holds. */
static bool afford(const value_scope *s, const ca_ctx_t ctx)
{
    const slong n = ctx->ext_cache.length;
    return n <= EXTENSIONS && value_spend(s, 20 + 10 * n + n * n);
}

/* What a result says of itself. */
static math_eval status(const ca_t x)
{
    if (!CA_IS_SPECIAL(x))
        return EVAL_OK;
    return CA_IS_UNKNOWN(x) ? EVAL_OUTSIDE : EVAL_UNDEFINED;
}

/* Trees are no deeper than MATH_DEPTH (tree.h). NOLINTBEGIN(misc-no-recursion) */

static math_eval of_fold(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    const bool times = math_at(s->t, id)->kind == M_MUL;
    math_eval e = value_ca(s, math_kid(s->t, id, 0), out, ctx);
    ca_t next;
    ca_init(next, ctx);
    for (uint32_t i = 1; i < math_at(s->t, id)->n && e == EVAL_OK; i++) {
        e = value_ca(s, math_kid(s->t, id, i), next, ctx);
        if (e == EVAL_OK && !afford(s, ctx))
            e = EVAL_BUDGET;
        if (e == EVAL_OK) {
            (times ? ca_mul : ca_add)(out, out, next, ctx);
            e = status(out);
        }
    }
    ca_clear(next, ctx);
    return e;
}

static math_eval of_quotient(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    ca_t by;
    ca_init(by, ctx);
    math_eval e = value_ca(s, math_kid(s->t, id, 0), out, ctx);
    if (e == EVAL_OK)
        e = value_ca(s, math_kid(s->t, id, 1), by, ctx);
    if (e == EVAL_OK && !afford(s, ctx))
        e = EVAL_BUDGET;
    if (e == EVAL_OK) {
        ca_div(out, out, by, ctx);
        e = status(out);
    }
    ca_clear(by, ctx);
    return e;
}

/* ---- powers ---- */

/* x^exponent; an odd root of a negative real is real. */
static math_eval rational_power(ca_t x, const fmpq_t exponent, ca_ctx_t ctx)
{
    const truth_t zero = ca_check_is_zero(x, ctx);
    const int sign = fmpq_sgn(exponent);
    if (zero == T_TRUE)
        return sign > 0 ? EVAL_OK : EVAL_UNDEFINED;
    if (zero == T_UNKNOWN && sign <= 0)
        return EVAL_OUTSIDE;
    if (fmpz_bits(fmpq_numref(exponent)) > 10 || fmpz_bits(fmpq_denref(exponent)) > 10)
        return EVAL_BUDGET;
    bool flip = false;
    if (!fmpz_is_one(fmpq_denref(exponent)) && fmpz_is_odd(fmpq_denref(exponent))) {
        const truth_t negative = ca_check_is_negative_real(x, ctx);
        if (negative == T_UNKNOWN)
            return EVAL_OUTSIDE;
        flip = negative == T_TRUE;
    }
    if (flip)
        ca_neg(x, x, ctx);
    if (fmpz_equal_si(fmpq_denref(exponent), 2) && fmpz_is_one(fmpq_numref(exponent)))
        ca_sqrt(x, x, ctx);
    else
        ca_pow_fmpq(x, x, exponent, ctx);
    if (flip && fmpz_is_odd(fmpq_numref(exponent)))
        ca_neg(x, x, ctx);
    return status(x);
}

/* The exponent may still be rational: pi / (3 pi). */
static math_eval general_power(ca_t x, const ca_t exponent, ca_ctx_t ctx)
{
    fmpq_t r;
    fmpq_init(r);
    const truth_t rational = ca_check_is_rational(exponent, ctx);
    math_eval e = EVAL_OUTSIDE;
    if (rational == T_TRUE && ca_get_fmpq(r, exponent, ctx)) {
        e = rational_power(x, r, ctx);
    } else if (ca_check_is_zero(x, ctx) == T_FALSE &&
               (rational == T_FALSE || ca_check_is_negative_real(x, ctx) == T_FALSE)) {
        ca_pow(x, x, exponent, ctx);
        e = status(x);
    }
    fmpq_clear(r);
    return e;
}

static bool is_e(const value_scope *s, math_id id)
{
    return math_at(s->t, id)->kind == M_E && !value_lookup(s, id);
}

static math_eval of_power(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    const math_id base = math_kid(s->t, id, 0);
    ca_t exponent;
    ca_init(exponent, ctx);
    math_eval e = value_ca(s, math_kid(s->t, id, 1), exponent, ctx);
    if (e == EVAL_OK && !afford(s, ctx))
        e = EVAL_BUDGET;
    if (e == EVAL_OK && is_e(s, base)) {
        ca_exp(out, exponent, ctx);
        e = status(out);
    } else if (e == EVAL_OK) {
        e = value_ca(s, base, out, ctx);
        if (e == EVAL_OK)
            e = general_power(out, exponent, ctx);
    }
    ca_clear(exponent, ctx);
    return e;
}

static math_eval of_root(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    const bool square = math_at(s->t, id)->kind == M_SQRT;
    fmpq_t index;
    fmpq_init(index);
    fmpq_set_si(index, 2, 1);
    math_eval e = square ? EVAL_OK : value_q(s, math_kid(s->t, id, 0), index);
    if (e == EVAL_OK && fmpq_is_zero(index))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK)
        e = value_ca(s, math_kid(s->t, id, square ? 0 : 1), out, ctx);
    if (e == EVAL_OK && !afford(s, ctx))
        e = EVAL_BUDGET;
    if (e == EVAL_OK) {
        fmpq_inv(index, index);
        e = rational_power(out, index, ctx);
    }
    fmpq_clear(index);
    return e;
}

/* ---- functions, in place ---- */

/* (e^x + sign e^-x) / 2 */
static void hyperbolic(ca_t x, int sign, ca_ctx_t ctx)
{
    ca_t inverse;
    ca_init(inverse, ctx);
    ca_exp(x, x, ctx);
    ca_inv(inverse, x, ctx);
    (sign > 0 ? ca_add : ca_sub)(x, x, inverse, ctx);
    ca_div_ui(x, x, 2, ctx);
    ca_clear(inverse, ctx);
}

/* (e^2x - 1) / (e^2x + 1) */
static void hyperbolic_tangent(ca_t x, ca_ctx_t ctx)
{
    ca_t below;
    ca_init(below, ctx);
    ca_mul_ui(x, x, 2, ctx);
    ca_exp(x, x, ctx);
    ca_add_ui(below, x, 1, ctx);
    ca_sub_ui(x, x, 1, ctx);
    ca_div(x, x, below, ctx);
    ca_clear(below, ctx);
}

/* log(x + sqrt(x^2 + 1)); log(x + sqrt(x - 1) sqrt(x + 1)) */
static void area(ca_t x, math_fn fn, ca_ctx_t ctx)
{
    ca_t a, b;
    ca_init(a, ctx);
    ca_init(b, ctx);
    if (fn == FN_ASINH) {
        ca_sqr(a, x, ctx);
        ca_add_ui(a, a, 1, ctx);
        ca_sqrt(a, a, ctx);
    } else {
        ca_sub_ui(a, x, 1, ctx);
        ca_sqrt(a, a, ctx);
        ca_add_ui(b, x, 1, ctx);
        ca_sqrt(b, b, ctx);
        ca_mul(a, a, b, ctx);
    }
    ca_add(x, x, a, ctx);
    ca_log(x, x, ctx);
    ca_clear(a, ctx);
    ca_clear(b, ctx);
}

/* (log(1 + x) - log(1 - x)) / 2 */
static void area_tangent(ca_t x, ca_ctx_t ctx)
{
    ca_t a;
    ca_init(a, ctx);
    ca_add_ui(a, x, 1, ctx);
    ca_log(a, a, ctx);
    ca_ui_sub(x, 1, x, ctx);
    ca_log(x, x, ctx);
    ca_sub(x, a, x, ctx);
    ca_div_ui(x, x, 2, ctx);
    ca_clear(a, ctx);
}

static void logarithm(ca_t x, ulong base, ca_ctx_t ctx)
{
    ca_log(x, x, ctx);
    if (base == 0)
        return;
    ca_t b;
    ca_init(b, ctx);
    ca_set_ui(b, base, ctx);
    ca_log(b, b, ctx);
    ca_div(x, x, b, ctx);
    ca_clear(b, ctx);
}

static void inverse_trigonometric(ca_t x, math_fn fn, ca_ctx_t ctx)
{
    if (fn == FN_ACOT && ca_check_is_zero(x, ctx) == T_TRUE) {
        ca_pi(x, ctx);
        ca_div_ui(x, x, 2, ctx);
        return;
    }
    if (fn == FN_ACOT || fn == FN_ASEC || fn == FN_ACSC)
        ca_inv(x, x, ctx);
    if (fn == FN_ATAN || fn == FN_ACOT)
        ca_atan(x, x, ctx);
    else if (fn == FN_ASIN || fn == FN_ACSC)
        ca_asin(x, x, ctx);
    else
        ca_acos(x, x, ctx);
}

static bool trigonometric(ca_t x, math_fn fn, ca_ctx_t ctx)
{
    switch ((int)fn) {
    case FN_SIN:
    case FN_CSC:
        ca_sin(x, x, ctx);
        break;
    case FN_COS:
    case FN_SEC:
        ca_cos(x, x, ctx);
        break;
    case FN_TAN:
        ca_tan(x, x, ctx);
        break;
    case FN_COT:
        ca_cot(x, x, ctx);
        break;
    case FN_SINH:
    case FN_CSCH:
        hyperbolic(x, -1, ctx);
        break;
    case FN_COSH:
    case FN_SECH:
        hyperbolic(x, 1, ctx);
        break;
    case FN_TANH:
    case FN_COTH:
        hyperbolic_tangent(x, ctx);
        break;
    default:
        return false;
    }
    if (fn == FN_CSC || fn == FN_SEC || fn == FN_CSCH || fn == FN_SECH || fn == FN_COTH)
        ca_inv(x, x, ctx);
    return true;
}

static bool other_function(ca_t x, math_fn fn, unsigned log_base, ca_ctx_t ctx)
{
    switch ((int)fn) {
    case FN_EXP:
        ca_exp(x, x, ctx);
        return true;
    case FN_LN:
        logarithm(x, 0, ctx);
        return true;
    case FN_LG:
        logarithm(x, 10, ctx);
        return true;
    case FN_LOG:
        logarithm(x, log_base, ctx);
        return true;
    case FN_ASINH:
    case FN_ACOSH:
        area(x, fn, ctx);
        return true;
    case FN_ATANH:
        area_tangent(x, ctx);
        return true;
    case FN_ABS:
        ca_abs(x, x, ctx);
        return true;
    case FN_FLOOR:
        ca_floor(x, x, ctx);
        return true;
    case FN_CEIL:
        ca_ceil(x, x, ctx);
        return true;
    case FN_SIGN:
        ca_sgn(x, x, ctx);
        return true;
    case FN_RE:
        ca_re(x, x, ctx);
        return true;
    case FN_IM:
        ca_im(x, x, ctx);
        return true;
    case FN_ARG:
        ca_arg(x, x, ctx);
        return true;
    case FN_CONJ:
        ca_conj(x, x, ctx);
        return true;
    case FN_GAMMA:
        ca_gamma(x, x, ctx);
        return true;
    case FN_ERF:
        ca_erf(x, x, ctx);
        return true;
    default:
        return false;
    }
}

static math_eval of_function(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    const math_node *x = math_at(s->t, id);
    if (x->n != 1)
        return EVAL_OUTSIDE;
    math_eval e = value_ca(s, math_kid(s->t, id, 0), out, ctx);
    if (e != EVAL_OK)
        return e;
    if (!afford(s, ctx) || !value_spend(s, 100))
        return EVAL_BUDGET;
    if (x->op >= FN_ASIN && x->op <= FN_ACSC)
        inverse_trigonometric(out, (math_fn)x->op, ctx);
    else if (!trigonometric(out, (math_fn)x->op, ctx) &&
             !other_function(out, (math_fn)x->op, s->env->log_base, ctx))
        return EVAL_OUTSIDE;
    return status(out);
}

static math_eval of_log(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    ca_t base;
    ca_init(base, ctx);
    math_eval e = value_ca(s, math_kid(s->t, id, 1), out, ctx);
    if (e == EVAL_OK)
        e = value_ca(s, math_kid(s->t, id, 0), base, ctx);
    if (e == EVAL_OK && !afford(s, ctx))
        e = EVAL_BUDGET;
    if (e == EVAL_OK) {
        ca_log(base, base, ctx);
        ca_log(out, out, ctx);
        e = status(base);
        if (e == EVAL_OK)
            e = status(out);
    }
    if (e == EVAL_OK) {
        ca_div(out, out, base, ctx);
        e = status(out);
    }
    ca_clear(base, ctx);
    return e;
}

/* ---- the rest ---- */

/* Of a sum to infinity: rational + scale pi^k, or + scale e^x. */
static math_eval of_series(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    value_series v;
    value_series_init(&v);
    math_eval e = value_infinite_sum(s, id, &v);
    if (e == EVAL_OK) {
        ca_pi(out, ctx);
        ca_pow_ui(out, out, (ulong)v.pi, ctx);
        if (v.pi == 0) {
            ca_set_fmpq(out, v.exponent, ctx);
            ca_exp(out, out, ctx);
        }
        ca_mul_fmpq(out, out, v.scale, ctx);
        ca_add_fmpq(out, out, v.rational, ctx);
        e = status(out);
    }
    value_series_fini(&v);
    return e;
}

static math_eval of_terms(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    const bool product = math_at(s->t, id)->kind == M_PROD;
    value_range range;
    math_eval e = value_range_init(&range, s, id);
    if (e != EVAL_OK)
        return e == EVAL_OUTSIDE ? of_series(s, id, out, ctx) : e;
    const value_scope inner = { s->t, s->env, &range.bound };
    ca_t term;
    ca_init(term, ctx);
    ca_set_si(out, product, ctx);
    for (; range.n > 0 && e == EVAL_OK; range.n--) {
        e = value_ca(&inner, math_kid(s->t, id, 0), term, ctx);
        if (e == EVAL_OK && !afford(s, ctx))
            e = EVAL_BUDGET;
        if (e == EVAL_OK) {
            (product ? ca_mul : ca_add)(out, out, term, ctx);
            e = status(out);
        }
        fmpq_add_si(range.at, range.at, 1);
    }
    ca_clear(term, ctx);
    value_range_fini(&range);
    return e;
}

static math_eval of_one(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    const math_node *x = math_at(s->t, id);
    math_eval e = value_ca(s, math_kid(s->t, id, 0), out, ctx);
    if (e != EVAL_OK)
        return e;
    switch ((int)x->kind) {
    case M_NEG:
        ca_neg(out, out, ctx);
        return EVAL_OK;
    case M_PERCENT:
        ca_div_ui(out, out, 100, ctx);
        return EVAL_OK;
    case M_FACT:
        if (x->op == 2 || !afford(s, ctx))
            return EVAL_OUTSIDE;
        ca_add_ui(out, out, 1, ctx);
        ca_gamma(out, out, ctx);
        return status(out);
    case M_DEGREE: {
        ca_t pi;
        ca_init(pi, ctx);
        ca_pi(pi, ctx);
        ca_mul(out, out, pi, ctx);
        ca_div_ui(out, out, 180, ctx);
        ca_clear(pi, ctx);
        return EVAL_OK;
    }
    default: /* M_UNIT */
        return EVAL_OK;
    }
}

static math_eval irrational(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    switch ((int)math_at(s->t, id)->kind) {
    case M_PI:
        ca_pi(out, ctx);
        return EVAL_OK;
    case M_I:
        ca_i(out, ctx);
        return EVAL_OK;
    case M_E:
        ca_one(out, ctx);
        ca_exp(out, out, ctx);
        return EVAL_OK;
    case M_ADD:
    case M_MUL:
        return of_fold(s, id, out, ctx);
    case M_DIV:
        return of_quotient(s, id, out, ctx);
    case M_POW:
        return of_power(s, id, out, ctx);
    case M_SQRT:
    case M_ROOT:
        return of_root(s, id, out, ctx);
    case M_LOG:
        return of_log(s, id, out, ctx);
    case M_NEG:
    case M_PERCENT:
    case M_DEGREE:
    case M_UNIT:
    case M_FACT:
        return of_one(s, id, out, ctx);
    case M_FUNC:
        return of_function(s, id, out, ctx);
    case M_SUM:
    case M_PROD:
        return of_terms(s, id, out, ctx);
    default:
        return EVAL_OUTSIDE;
    }
}

math_eval value_ca(const value_scope *s, math_id id, ca_t out, ca_ctx_t ctx)
{
    if (!afford(s, ctx))
        return EVAL_BUDGET;
    fmpq_t x;
    fmpq_init(x);
    math_eval e = value_q(s, id, x);
    if (e == EVAL_OK && fmpz_bits(fmpq_numref(x)) + fmpz_bits(fmpq_denref(x)) > DIGITS)
        e = EVAL_BUDGET;
    if (e == EVAL_OK)
        ca_set_fmpq(out, x, ctx);
    fmpq_clear(x);
    return e == EVAL_OUTSIDE ? irrational(s, id, out, ctx) : e;
}
/* NOLINTEND(misc-no-recursion) */

math_eval math_eval_ca(math_side s, const math_env *env, ca_t out, ca_ctx_t ctx)
{
    const value_scope scope = value_scope_of(s, env);
    return value_ca(&scope, s.id, out, ctx);
}
