/* value_cyclo.c -- sines and cosines of rational multiples of pi, and square roots of rationals, in
 * a cyclotomic field Q(zeta), zeta = e^(2 pi i / n): polynomials in zeta modulo the n-th cyclotomic
 * polynomial, so equality is exact and cheap where qqbar's degrees multiply.
 *
 * sqrt p is Gauss's sum of Legendre symbols; 1 / (1 - u) of a root of unity u of order m is
 * -(1/m) sum k u^k. SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

#include <flint/fmpq_poly.h>

enum {
    ORDER = 1024,      /* of the root of unity */
    DIVISION = 48,     /* degree of a field that is divided in */
    POWER = 64,        /* exponents */
    RADICAND_BITS = 40 /* of what is factored */
};

/* Q(zeta), zeta of order n; 0 while n is only being looked for. */
typedef struct field {
    const value_scope *s;
    ulong n;
    fmpq_poly_t modulus;
} field;

/* Trees are no deeper than MATH_DEPTH (tree.h). NOLINTBEGIN(misc-no-recursion) */
static math_eval element(const field *f, math_id id, fmpq_poly_t out, ulong *order);

/* ---- the order that is needed ---- */

static math_eval need(ulong *order, ulong n)
{
    const ulong g = n_gcd(*order, n);
    if (n == 0 || n > 4UL * ORDER || *order / g * n > ORDER)
        return EVAL_BUDGET;
    *order = *order / g * n;
    return EVAL_OK;
}

/* ---- elements ---- */

static bool pay(const field *f)
{
    const slong d = f->n ? fmpq_poly_degree(f->modulus) : 1;
    return value_spend(f->s, 5 + d + d * d / 64);
}

static void reduce(const field *f, fmpq_poly_t x)
{
    if (fmpq_poly_length(x) >= fmpq_poly_length(f->modulus))
        fmpq_poly_rem(x, x, f->modulus);
}

/* zeta^(n p/q), that is e^(2 pi i p/q); q divides n */
static slong exponent_of(const field *f, slong p, ulong q)
{
    const slong n = (slong)f->n;
    const slong k = p % (slong)q * (n / (slong)q) % n;
    return k < 0 ? k + n : k;
}

static void unity(const field *f, fmpq_poly_t out, slong k)
{
    fmpq_poly_zero(out);
    fmpq_poly_set_coeff_si(out, k, 1);
    reduce(f, out);
}

/* 1 / (1 - zeta^k); k is no multiple of n */
static void inverse_of_difference(const field *f, fmpq_poly_t out, slong k)
{
    const slong n = (slong)f->n, m = n / (slong)n_gcd((ulong)k, (ulong)n);
    fmpq_poly_zero(out);
    for (slong j = 1; j < m; j++)
        fmpq_poly_set_coeff_si(out, j * k % n, -j);
    fmpq_poly_scalar_div_si(out, out, m);
    reduce(f, out);
}

static void times(const field *f, fmpq_poly_t x, const fmpq_poly_t y)
{
    fmpq_poly_mul(x, x, y);
    reduce(f, x);
}

static void times_unity(const field *f, fmpq_poly_t x, slong p, ulong q)
{
    fmpq_poly_t u;
    fmpq_poly_init(u);
    unity(f, u, exponent_of(f, p, q));
    times(f, x, u);
    fmpq_poly_clear(u);
}

static math_eval inverted(const field *f, fmpq_poly_t x)
{
    if (fmpq_poly_is_zero(x))
        return EVAL_UNDEFINED;
    const slong d = fmpq_poly_degree(f->modulus);
    if (d > DIVISION || !value_spend(f->s, d * d * d / 4))
        return EVAL_BUDGET;
    fmpq_poly_t g, s, t;
    fmpq_poly_init(g), fmpq_poly_init(s), fmpq_poly_init(t);
    fmpq_poly_xgcd(g, s, t, x, f->modulus); /* g = 1: the modulus is irreducible */
    fmpq_poly_swap(x, s);
    fmpq_poly_clear(g), fmpq_poly_clear(s), fmpq_poly_clear(t);
    return EVAL_OK;
}

/* ---- square roots ---- */

/* x *= sqrt p */
static void times_sqrt(const field *f, fmpq_poly_t x, ulong p)
{
    fmpq_poly_t g;
    fmpq_poly_init(g);
    if (p == 2) { /* zeta_8 + 1/zeta_8 */
        fmpq_poly_set_coeff_si(g, exponent_of(f, 1, 8), 1);
        fmpq_poly_set_coeff_si(g, exponent_of(f, -1, 8), 1);
    } else {
        for (ulong a = 1; a < p; a++)
            fmpq_poly_set_coeff_si(g, exponent_of(f, (slong)a, p),
                                   n_jacobi((mp_limb_signed_t)a, p));
    }
    reduce(f, g);
    if (p % 4 == 3) /* the sum is i sqrt p */
        times_unity(f, g, -1, 4);
    times(f, x, g);
    fmpq_poly_clear(g);
}

/* sqrt(c) = sqrt(num den) / den */
static math_eval square_root(const field *f, const fmpq_t c, fmpq_poly_t out, ulong *order)
{
    fmpz_t z;
    n_factor_t fac;
    n_factor_init(&fac);
    fmpz_init(z);
    fmpz_mul(z, fmpq_numref(c), fmpq_denref(c));
    const bool small = fmpz_bits(z) <= RADICAND_BITS && !fmpz_is_zero(z) && value_spend(f->s, 50);
    ulong rational = 1;
    math_eval e = small ? EVAL_OK : EVAL_BUDGET;
    if (small) {
        const bool negative = fmpz_sgn(z) < 0;
        fmpz_abs(z, z);
        n_factor(&fac, fmpz_get_ui(z), 1);
        e = negative ? need(order, 4) : EVAL_OK;
        fmpq_poly_one(out);
        if (f->n && negative)
            times_unity(f, out, 1, 4);
    }
    for (int i = 0; i < fac.num && e == EVAL_OK; i++) {
        const ulong p = fac.p[i];
        rational *= n_pow(p, (ulong)fac.exp[i] / 2);
        if (fac.exp[i] % 2 == 0)
            continue;
        e = p > ORDER ? EVAL_BUDGET : need(order, p == 2 ? 8 : p % 4 == 3 ? 4 * p : p);
        if (e == EVAL_OK && f->n)
            times_sqrt(f, out, p);
    }
    if (e == EVAL_OK) {
        fmpz_set_ui(z, rational);
        fmpq_poly_scalar_mul_fmpz(out, out, z);
        fmpq_poly_scalar_div_fmpz(out, out, fmpq_denref(c));
    }
    fmpz_clear(z);
    return e;
}

/* ---- trigonometry ---- */

/* (z + sign / z) / 2 of z = e^(i pi p/q); the sine is that over i */
static void circular(const field *f, fmpq_poly_t out, slong p, ulong q, bool sine)
{
    fmpq_poly_t other;
    fmpq_poly_init(other);
    unity(f, out, exponent_of(f, p, 2 * q));
    unity(f, other, exponent_of(f, -p, 2 * q));
    (sine ? fmpq_poly_sub : fmpq_poly_add)(out, out, other);
    fmpq_poly_scalar_div_si(out, out, 2);
    if (sine)
        times_unity(f, out, -1, 4);
    fmpq_poly_clear(other);
}

/* sec = 2 z / (1 + z^2), csc = -2 i z / (1 - z^2) ... with the denominators inverted by the sum */
static math_eval reciprocal(const field *f, fmpq_poly_t out, slong p, ulong q, bool of_sine)
{
    fmpq_poly_t inverse;
    const slong half = of_sine ? 0 : (slong)f->n / 2; /* -1 */
    const slong k = (exponent_of(f, p, q) + half) % (slong)f->n;
    if (k == 0)
        return EVAL_UNDEFINED;
    fmpq_poly_init(inverse);
    inverse_of_difference(f, inverse, k);
    unity(f, out, exponent_of(f, p, 2 * q));
    times(f, out, inverse);
    fmpq_poly_scalar_mul_si(out, out, 2);
    if (of_sine) /* 1 / sin = 2 i / (z - 1/z) = -2 i z / (1 - z^2) */
        times_unity(f, out, -1, 4);
    fmpq_poly_clear(inverse);
    return EVAL_OK;
}

static math_eval trigonometric(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    slong p = 0;
    ulong q = 1;
    const uint16_t fn = math_at(f->s->t, id)->op;
    math_eval e = value_pi_multiple(f->s, math_kid(f->s->t, id, 0), false, &p, &q);
    if (e == EVAL_OK)
        e = need(order, 2 * q);
    if (e == EVAL_OK)
        e = need(order, 4);
    if (e != EVAL_OK || !f->n)
        return e;
    if (fn == FN_SIN || fn == FN_COS) {
        circular(f, out, p, q, fn == FN_SIN);
        return EVAL_OK;
    }
    e = reciprocal(f, out, p, q, fn == FN_COT || fn == FN_CSC);
    if (e == EVAL_OK && (fn == FN_TAN || fn == FN_COT)) {
        fmpq_poly_t top;
        fmpq_poly_init(top);
        circular(f, top, p, q, fn == FN_TAN);
        times(f, out, top);
        fmpq_poly_clear(top);
    }
    return e;
}

static math_eval exponential(const field *f, math_id arg, fmpq_poly_t out, ulong *order)
{
    slong p = 0;
    ulong q = 1;
    math_eval e = value_pi_multiple(f->s, arg, true, &p, &q);
    if (e == EVAL_OK)
        e = need(order, 2 * q);
    if (e == EVAL_OK && f->n)
        unity(f, out, exponent_of(f, p, 2 * q));
    return e;
}

/* ---- the nodes ---- */

static math_eval joined(const field *f, fmpq_poly_t acc, fmpq_poly_t next, math_kind how)
{
    if (!pay(f))
        return EVAL_BUDGET;
    if (!f->n)
        return EVAL_OK;
    if (how == M_ADD) {
        fmpq_poly_add(acc, acc, next);
        return EVAL_OK;
    }
    math_eval e = how == M_DIV ? inverted(f, next) : EVAL_OK;
    if (e == EVAL_OK)
        times(f, acc, next);
    return e;
}

static math_eval fold(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    math_eval e = element(f, math_kid(f->s->t, id, 0), out, order);
    fmpq_poly_t next;
    fmpq_poly_init(next);
    for (uint32_t i = 1; i < math_at(f->s->t, id)->n && e == EVAL_OK; i++) {
        e = element(f, math_kid(f->s->t, id, i), next, order);
        if (e == EVAL_OK)
            e = joined(f, out, next, (math_kind)math_at(f->s->t, id)->kind);
    }
    fmpq_poly_clear(next);
    return e;
}

static math_eval terms(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    const bool product = math_at(f->s->t, id)->kind == M_PROD;
    value_range range;
    math_eval e = value_range_init(&range, f->s, id);
    if (e != EVAL_OK)
        return e;
    const value_scope scope = { f->s->t, f->s->env, &range.bound };
    field inner = *f;
    inner.s = &scope;
    fmpq_poly_t next;
    fmpq_poly_init(next);
    fmpq_poly_set_si(out, product);
    for (; range.n > 0 && e == EVAL_OK; range.n--) {
        e = element(&inner, math_kid(f->s->t, id, 0), next, order);
        if (e == EVAL_OK)
            e = joined(&inner, out, next, product ? M_MUL : M_ADD);
        fmpq_add_si(range.at, range.at, 1);
    }
    fmpq_poly_clear(next);
    value_range_fini(&range);
    return e;
}

static math_eval integer_power(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    slong n = 0;
    fmpq_t c;
    const math_id base = math_kid(f->s->t, id, 0), exponent = math_kid(f->s->t, id, 1);
    if (math_at(f->s->t, base)->kind == M_E && !value_lookup(f->s, base))
        return exponential(f, exponent, out, order);
    fmpq_init(c);
    math_eval e = value_q(f->s, exponent, c);
    if (e == EVAL_OK && fmpz_equal_si(fmpq_denref(c), 2) && fmpz_is_one(fmpq_numref(c)) &&
        value_q(f->s, base, c) == EVAL_OK) { /* c^(1/2) */
        e = square_root(f, c, out, order);
        fmpq_clear(c);
        return e;
    }
    fmpq_clear(c);
    if (e == EVAL_OK)
        e = value_q_si(f->s, exponent, &n);
    if (e == EVAL_OK && (n > POWER || n < -POWER || n == 0))
        e = EVAL_BUDGET;
    if (e == EVAL_OK)
        e = element(f, base, out, order);
    if (e == EVAL_OK && n < 0 && f->n)
        e = inverted(f, out);
    fmpq_poly_t x;
    fmpq_poly_init(x);
    fmpq_poly_set(x, out);
    for (n = n < 0 ? -n : n; n > 1 && e == EVAL_OK; n--)
        e = joined(f, out, x, M_MUL);
    fmpq_poly_clear(x);
    return e;
}

static math_eval one(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    const uint8_t kind = math_at(f->s->t, id)->kind;
    math_eval e = element(f, math_kid(f->s->t, id, 0), out, order);
    if (e == EVAL_OK && kind == M_NEG)
        fmpq_poly_neg(out, out);
    else if (e == EVAL_OK && kind == M_PERCENT)
        fmpq_poly_scalar_div_si(out, out, 100);
    return e;
}

static math_eval root(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    fmpq_t c;
    fmpq_init(c);
    math_eval e = value_q(f->s, math_kid(f->s->t, id, 0), c);
    if (e == EVAL_OK)
        e = square_root(f, c, out, order);
    fmpq_clear(c);
    return e;
}

static math_eval irrational(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    const math_node *x = math_at(f->s->t, id);
    switch ((int)x->kind) {
    case M_I: {
        math_eval e = need(order, 4);
        if (e == EVAL_OK && f->n)
            unity(f, out, exponent_of(f, 1, 4));
        return e;
    }
    case M_ADD:
    case M_MUL:
    case M_DIV:
        return fold(f, id, out, order);
    case M_NEG:
    case M_UNIT:
    case M_PERCENT:
        return one(f, id, out, order);
    case M_POW:
        return integer_power(f, id, out, order);
    case M_SQRT:
        return root(f, id, out, order);
    case M_SUM:
    case M_PROD:
        return terms(f, id, out, order);
    case M_FUNC:
        if (x->n == 1 && x->op >= FN_SIN && x->op <= FN_CSC)
            return trigonometric(f, id, out, order);
        if (x->n == 1 && x->op == FN_EXP)
            return exponential(f, math_kid(f->s->t, id, 0), out, order);
        return EVAL_OUTSIDE;
    default:
        return EVAL_OUTSIDE;
    }
}

/* In the first pass (f->n == 0) only *order is made, in the second *order is no longer news. */
static math_eval element(const field *f, math_id id, fmpq_poly_t out, ulong *order)
{
    fmpq_t c;
    fmpq_init(c);
    math_eval e = pay(f) ? value_q(f->s, id, c) : EVAL_BUDGET;
    if (e == EVAL_OK)
        fmpq_poly_set_fmpq(out, c);
    fmpq_clear(c);
    return e == EVAL_OUTSIDE ? irrational(f, id, out, order) : e;
}
/* NOLINTEND(misc-no-recursion) */

math_eval value_cyclo_equal(const value_scope *a, math_id a_id, const value_scope *b, math_id b_id,
                            bool *equal)
{
    field fa = { .s = a }, fb = { .s = b };
    ulong order = 2, known = 2;
    fmpz_poly_t phi;
    fmpq_poly_t x, y;
    fmpz_poly_init(phi);
    fmpq_poly_init(fa.modulus), fmpq_poly_init(x), fmpq_poly_init(y);
    math_eval e = element(&fa, a_id, x, &order);
    if (e == EVAL_OK)
        e = element(&fb, b_id, y, &order);
    if (e == EVAL_OK && !value_spend(a, (int64_t)order))
        e = EVAL_BUDGET;
    if (e == EVAL_OK) {
        fmpz_poly_cyclotomic(phi, order);
        fmpq_poly_set_fmpz_poly(fa.modulus, phi);
        *fb.modulus = *fa.modulus;
        fa.n = fb.n = order;
        e = element(&fa, a_id, x, &known);
    }
    if (e == EVAL_OK)
        e = element(&fb, b_id, y, &known);
    if (e == EVAL_OK)
        *equal = fmpq_poly_equal(x, y);
    fmpz_poly_clear(phi);
    fmpq_poly_clear(fa.modulus), fmpq_poly_clear(x), fmpq_poly_clear(y);
    return e;
}
