/* value_qqbar.c -- algebraic numbers: roots of polynomials over Q, equal or not for certain.
 *
 * The degree of a result is at most the product of the operands' degrees, and costs grow with its
 * cube and with the length of the coefficients; both are bounded before an operation starts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

enum {
    HEIGHT = 4096, /* bits of coefficients */
    POWER = 256,   /* exponents of irrational numbers */
    ROTATIONS =
        256 /* of a circle that are looked into: cos(p pi / q) with phi(q) below the degree */
};

/* Trees are no deeper than MATH_DEPTH (tree.h). NOLINTBEGIN(misc-no-recursion) */

/* Pays for an operation whose result has at most this degree and height. */
static bool afford(const value_scope *s, slong degree, slong bits)
{
    if (degree > MATH_DEGREE || bits > HEIGHT)
        return false;
    return value_spend(s, 10 + degree * degree * (2 * degree + 1) * (1 + bits / 512));
}

typedef void binary(qqbar_t, const qqbar_t, const qqbar_t);

static math_eval joined(const value_scope *s, qqbar_t acc, const qqbar_t next, binary *op)
{
    const slong height = qqbar_height_bits(acc) + qqbar_height_bits(next);
    const bool rational = qqbar_is_rational(acc) || qqbar_is_rational(next);
    const slong degree = qqbar_degree(acc) * qqbar_degree(next);
    if (!(rational ? value_spend(s, 10 + degree) && height <= 4L * HEIGHT && degree <= MATH_DEGREE
                   : afford(s, degree, height * (degree / 4 + 1))))
        return EVAL_BUDGET;
    op(acc, acc, next);
    return EVAL_OK;
}

/* a + b + c: the rational parts first, they cost nothing. */
static math_eval of_fold(const value_scope *s, math_id id, qqbar_t out)
{
    binary *op = math_at(s->t, id)->kind == M_MUL ? qqbar_mul : qqbar_add;
    math_eval e = value_qqbar(s, math_kid(s->t, id, 0), out);
    qqbar_t next;
    qqbar_init(next);
    for (uint32_t i = 1; i < math_at(s->t, id)->n && e == EVAL_OK; i++) {
        e = value_qqbar(s, math_kid(s->t, id, i), next);
        if (e == EVAL_OK)
            e = joined(s, out, next, op);
    }
    qqbar_clear(next);
    return e;
}

static math_eval of_quotient(const value_scope *s, math_id id, qqbar_t out)
{
    qqbar_t by;
    qqbar_init(by);
    math_eval e = value_qqbar(s, math_kid(s->t, id, 0), out);
    if (e == EVAL_OK)
        e = value_qqbar(s, math_kid(s->t, id, 1), by);
    if (e == EVAL_OK && qqbar_is_zero(by))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK)
        e = joined(s, out, by, qqbar_div);
    qqbar_clear(by);
    return e;
}

/* ---- powers ---- */

/* The real root of a negative real, the principal one of anything else. */
static math_eval root(const value_scope *s, qqbar_t x, ulong index)
{
    const slong degree = qqbar_degree(x);
    if (index > MATH_DEGREE || !afford(s, degree * (slong)index, qqbar_height_bits(x)))
        return EVAL_BUDGET;
    const bool flip = index % 2 && qqbar_sgn_re(x) < 0 && qqbar_is_real(x);
    if (flip)
        qqbar_neg(x, x);
    qqbar_root_ui(x, x, index);
    if (flip)
        qqbar_neg(x, x);
    return EVAL_OK;
}

static math_eval rational_power(const value_scope *s, qqbar_t x, const fmpq_t exponent)
{
    const int sign = fmpq_sgn(exponent);
    if (qqbar_is_zero(x))
        return sign > 0 ? EVAL_OK : EVAL_UNDEFINED;
    if (sign == 0) {
        qqbar_one(x);
        return EVAL_OK;
    }
    if (fmpz_cmp_si(fmpq_denref(exponent), MATH_DEGREE) > 0 ||
        fmpz_cmpabs(fmpq_numref(exponent), (fmpz[]){ POWER }) > 0)
        return EVAL_BUDGET;
    const slong n = fmpz_get_si(fmpq_numref(exponent));
    math_eval e = EVAL_OK;
    if (!fmpz_is_one(fmpq_denref(exponent)))
        e = root(s, x, fmpz_get_ui(fmpq_denref(exponent)));
    if (e != EVAL_OK || n == 1)
        return e;
    const slong size = FLINT_ABS(n) * qqbar_height_bits(x);
    if (!afford(s, qqbar_degree(x), size / 4))
        return EVAL_BUDGET;
    qqbar_pow_si(x, x, n);
    return EVAL_OK;
}

static bool is_e(const value_scope *s, math_id id)
{
    return math_at(s->t, id)->kind == M_E && !value_lookup(s, id);
}

/* The degree of e^{i pi p/q} is phi(2q) at most. */
static math_eval rotation(const value_scope *s, ulong q)
{
    if (q > ROTATIONS)
        return EVAL_BUDGET;
    const slong degree = (slong)n_euler_phi(2 * q);
    return degree <= MATH_DEGREE && value_spend(s, 20 + 20 * degree) ? EVAL_OK : EVAL_BUDGET;
}

static math_eval exponential(const value_scope *s, math_id arg, qqbar_t out)
{
    slong p = 0;
    ulong q = 1;
    math_eval e = value_pi_multiple(s, arg, true, &p, &q);
    if (e == EVAL_OK)
        e = rotation(s, q);
    if (e == EVAL_OK)
        qqbar_exp_pi_i(out, p, q);
    return e;
}

static math_eval of_power(const value_scope *s, math_id id, qqbar_t out)
{
    const math_id base = math_kid(s->t, id, 0), exponent = math_kid(s->t, id, 1);
    if (is_e(s, base))
        return exponential(s, exponent, out);
    fmpq_t n;
    fmpq_init(n);
    math_eval e = value_qqbar(s, exponent, out);
    if (e == EVAL_OK && !qqbar_is_rational(out))
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK) {
        qqbar_get_fmpq(n, out);
        e = value_qqbar(s, base, out);
    }
    if (e == EVAL_OK)
        e = rational_power(s, out, n);
    fmpq_clear(n);
    return e;
}

static math_eval of_root(const value_scope *s, math_id id, qqbar_t out)
{
    const bool square = math_at(s->t, id)->kind == M_SQRT;
    fmpq_t index;
    fmpq_init(index);
    fmpq_set_si(index, 2, 1);
    math_eval e = square ? EVAL_OK : value_q(s, math_kid(s->t, id, 0), index);
    if (e == EVAL_OK && fmpq_is_zero(index))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK) {
        fmpq_inv(index, index);
        e = value_qqbar(s, math_kid(s->t, id, square ? 0 : 1), out);
    }
    if (e == EVAL_OK)
        e = rational_power(s, out, index);
    fmpq_clear(index);
    return e;
}

/* ---- functions ---- */

static math_eval trigonometric(const value_scope *s, math_fn fn, math_id arg, qqbar_t out)
{
    slong p = 0;
    ulong q = 1;
    math_eval e = value_pi_multiple(s, arg, false, &p, &q);
    if (e == EVAL_OK)
        e = rotation(s, q);
    if (e != EVAL_OK)
        return e;
    int ok = 1;
    switch ((int)fn) {
    case FN_SIN:
        qqbar_sin_pi(out, p, q);
        break;
    case FN_COS:
        qqbar_cos_pi(out, p, q);
        break;
    case FN_TAN:
        ok = qqbar_tan_pi(out, p, q);
        break;
    case FN_COT:
        ok = qqbar_cot_pi(out, p, q);
        break;
    case FN_SEC:
        ok = qqbar_sec_pi(out, p, q);
        break;
    default:
        ok = qqbar_csc_pi(out, p, q);
        break;
    }
    return ok ? EVAL_OK : EVAL_UNDEFINED;
}

static math_eval rounded(qqbar_t x, bool up)
{
    if (!qqbar_is_real(x))
        return EVAL_OUTSIDE;
    fmpz_t n;
    fmpz_init(n);
    (up ? qqbar_ceil : qqbar_floor)(n, x);
    qqbar_set_fmpz(x, n);
    fmpz_clear(n);
    return EVAL_OK;
}

/* |x|, Re x, Im x of a number that is not real: degree squared. */
static math_eval complex_part(const value_scope *s, math_fn fn, qqbar_t x)
{
    if (qqbar_is_real(x)) {
        if (fn == FN_IM)
            qqbar_zero(x);
        else if (fn == FN_ABS && qqbar_sgn_re(x) < 0)
            qqbar_neg(x, x);
        return EVAL_OK;
    }
    const slong degree = qqbar_degree(x) * qqbar_degree(x) * (fn == FN_ABS ? 2 : 1);
    if (!afford(s, degree, 2 * qqbar_height_bits(x)))
        return EVAL_BUDGET;
    (fn == FN_ABS ? qqbar_abs : fn == FN_RE ? qqbar_re : qqbar_im)(x, x);
    return EVAL_OK;
}

static math_eval function_of(const value_scope *s, math_fn fn, qqbar_t x)
{
    switch ((int)fn) {
    case FN_FLOOR:
    case FN_CEIL:
        return rounded(x, fn == FN_CEIL);
    case FN_ABS:
    case FN_RE:
    case FN_IM:
        return complex_part(s, fn, x);
    case FN_CONJ:
        qqbar_conj(x, x);
        return EVAL_OK;
    case FN_SIGN:
        if (!qqbar_is_real(x))
            return EVAL_OUTSIDE;
        qqbar_set_si(x, qqbar_sgn_re(x));
        return EVAL_OK;
    default:
        return EVAL_OUTSIDE;
    }
}

/* max, min */
static math_eval of_extreme(const value_scope *s, math_id id, qqbar_t out, bool most)
{
    math_eval e = value_qqbar(s, math_kid(s->t, id, 0), out);
    qqbar_t next;
    qqbar_init(next);
    for (uint32_t i = 1; i < math_at(s->t, id)->n && e == EVAL_OK; i++) {
        e = value_qqbar(s, math_kid(s->t, id, i), next);
        if (e == EVAL_OK && (!qqbar_is_real(next) || !qqbar_is_real(out)))
            e = EVAL_OUTSIDE;
        if (e == EVAL_OK && (qqbar_cmp_re(next, out) > 0) == most)
            qqbar_swap(out, next);
    }
    qqbar_clear(next);
    return e;
}

static math_eval of_function(const value_scope *s, math_id id, qqbar_t out)
{
    const math_node *x = math_at(s->t, id);
    const math_id arg = x->n ? math_kid(s->t, id, 0) : 0;
    if (x->n == 0)
        return EVAL_OUTSIDE;
    if (x->op == FN_MAX || x->op == FN_MIN)
        return of_extreme(s, id, out, x->op == FN_MAX);
    if (x->n != 1)
        return EVAL_OUTSIDE;
    if (x->op >= FN_SIN && x->op <= FN_CSC)
        return trigonometric(s, (math_fn)x->op, arg, out);
    if (x->op == FN_EXP)
        return exponential(s, arg, out);
    if (x->op != FN_FLOOR && x->op != FN_CEIL && x->op != FN_ABS && x->op != FN_RE &&
        x->op != FN_IM && x->op != FN_CONJ && x->op != FN_SIGN)
        return EVAL_OUTSIDE;
    math_eval e = value_qqbar(s, arg, out);
    return e == EVAL_OK ? function_of(s, (math_fn)x->op, out) : e;
}

static math_eval of_residue(const value_scope *s, math_id id, qqbar_t out)
{
    qqbar_t m, k;
    qqbar_init(m);
    qqbar_init(k);
    math_eval e = value_qqbar(s, math_kid(s->t, id, 0), out);
    if (e == EVAL_OK)
        e = value_qqbar(s, math_kid(s->t, id, 1), m);
    if (e == EVAL_OK && (!qqbar_is_real(out) || !qqbar_is_real(m)))
        e = EVAL_OUTSIDE;
    if (e == EVAL_OK && qqbar_is_zero(m))
        e = EVAL_UNDEFINED;
    if (e == EVAL_OK) {
        qqbar_set(k, out);
        e = joined(s, k, m, qqbar_div);
    }
    if (e == EVAL_OK)
        e = rounded(k, false);
    if (e == EVAL_OK)
        e = joined(s, m, k, qqbar_mul);
    if (e == EVAL_OK)
        e = joined(s, out, m, qqbar_sub);
    qqbar_clear(m);
    qqbar_clear(k);
    return e;
}

static math_eval of_terms(const value_scope *s, math_id id, qqbar_t out)
{
    const bool product = math_at(s->t, id)->kind == M_PROD;
    value_range range;
    math_eval e = value_range_init(&range, s, id);
    if (e != EVAL_OK)
        return e;
    const value_scope inner = { s->t, s->env, &range.bound };
    qqbar_t term;
    qqbar_init(term);
    qqbar_set_si(out, product);
    for (; range.n > 0 && e == EVAL_OK; range.n--) {
        e = value_qqbar(&inner, math_kid(s->t, id, 0), term);
        if (e == EVAL_OK)
            e = joined(s, out, term, product ? qqbar_mul : qqbar_add);
        fmpq_add_si(range.at, range.at, 1);
    }
    qqbar_clear(term);
    value_range_fini(&range);
    return e;
}

static math_eval of_one(const value_scope *s, math_id id, qqbar_t out)
{
    math_eval e = value_qqbar(s, math_kid(s->t, id, 0), out);
    if (e != EVAL_OK)
        return e;
    if (math_at(s->t, id)->kind == M_NEG)
        qqbar_neg(out, out);
    else if (math_at(s->t, id)->kind == M_PERCENT)
        qqbar_div_ui(out, out, 100);
    return EVAL_OK;
}

static math_eval irrational(const value_scope *s, math_id id, qqbar_t out)
{
    switch ((int)math_at(s->t, id)->kind) {
    case M_I:
        qqbar_i(out);
        return EVAL_OK;
    case M_ADD:
    case M_MUL:
        return of_fold(s, id, out);
    case M_DIV:
        return of_quotient(s, id, out);
    case M_POW:
        return of_power(s, id, out);
    case M_SQRT:
    case M_ROOT:
        return of_root(s, id, out);
    case M_NEG:
    case M_PERCENT:
    case M_UNIT:
        return of_one(s, id, out);
    case M_FUNC:
        return of_function(s, id, out);
    case M_MOD:
        return of_residue(s, id, out);
    case M_SUM:
    case M_PROD:
        return of_terms(s, id, out);
    default:
        return EVAL_OUTSIDE;
    }
}

/* Rational parts are one number, whatever stands there. */
math_eval value_qqbar(const value_scope *s, math_id id, qqbar_t out)
{
    if (!value_spend(s, 5))
        return EVAL_BUDGET;
    fmpq_t x;
    fmpq_init(x);
    math_eval e = value_q(s, id, x);
    if (e == EVAL_OK)
        qqbar_set_fmpq(out, x);
    fmpq_clear(x);
    return e == EVAL_OUTSIDE ? irrational(s, id, out) : e;
}
/* NOLINTEND(misc-no-recursion) */

math_eval math_eval_qqbar(math_side s, const math_env *env, qqbar_t out)
{
    const value_scope scope = value_scope_of(s, env);
    return value_qqbar(&scope, s.id, out);
}
