/* value_series.c -- infinite sums that have a known value: c n^j r^n (geometric), c / n^(2k)
 * (zeta), c r^n / n! (exponential). The terms are read by their shape; others are left alone.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

#include <flint/arith.h>

enum {
    ZETA = 16,   /* the last zeta(2k) */
    FIRST = 100, /* terms before the sum begins, which are taken off */
    SHIFT = 64,  /* exponents beside n */
    FACTOR_BITS = 256
};

/* c r^n n^power (1/n! or not) */
typedef struct series_term {
    fmpq_t c, r;
    slong power;
    slong factorials;
} series_term;

/* Trees are no deeper than MATH_DEPTH (tree.h). NOLINTBEGIN(misc-no-recursion) */
typedef struct term_scope {
    const value_scope *s;
    math_id var;
} term_scope;

static bool is_var(const term_scope *t, math_id id)
{
    return math_same_tree(t->s->t, t->var, t->s->t, id);
}

static bool has_var(const term_scope *t, math_id id)
{
    if (is_var(t, id))
        return true;
    for (uint32_t i = 0; i < math_at(t->s->t, id)->n; i++)
        if (has_var(t, math_kid(t->s->t, id, i)))
            return true;
    return false;
}

/* a n + b with small integers */
typedef struct line {
    slong a, b;
} line;

static bool short_line(line l)
{
    return FLINT_ABS(l.a) <= SHIFT && FLINT_ABS(l.b) <= SHIFT;
}

static bool linear(const term_scope *t, math_id id, line *out);

/* Of two factors at most one has the variable. */
static bool linear_product(const term_scope *t, math_id id, line *out)
{
    line x = { 0, 0 }, y = { 0, 0 };
    if (math_at(t->s->t, id)->n != 2 || !linear(t, math_kid(t->s->t, id, 0), &x) ||
        !linear(t, math_kid(t->s->t, id, 1), &y) || (x.a && y.a))
        return false;
    *out = (line){ x.a * y.b + x.b * y.a, x.b * y.b };
    return short_line(*out);
}

static bool linear_sum(const term_scope *t, math_id id, line *out)
{
    line x = { 0, 0 };
    *out = (line){ 0, 0 };
    for (uint32_t i = 0; i < math_at(t->s->t, id)->n; i++) {
        if (!linear(t, math_kid(t->s->t, id, i), &x))
            return false;
        *out = (line){ out->a + x.a, out->b + x.b };
    }
    return short_line(*out);
}

static bool linear(const term_scope *t, math_id id, line *out)
{
    *out = (line){ is_var(t, id), 0 };
    if (out->a)
        return true;
    if (!has_var(t, id))
        return value_q_si(t->s, id, &out->b) == EVAL_OK && short_line(*out);
    switch ((int)math_at(t->s->t, id)->kind) {
    case M_NEG:
        if (!linear(t, math_kid(t->s->t, id, 0), out))
            return false;
        *out = (line){ -out->a, -out->b };
        return true;
    case M_MUL:
        return linear_product(t, id, out);
    case M_ADD:
        return linear_sum(t, id, out);
    default:
        return false;
    }
}

static bool small(const fmpq_t x)
{
    return fmpz_bits(fmpq_numref(x)) <= FACTOR_BITS && fmpz_bits(fmpq_denref(x)) <= FACTOR_BITS;
}

static bool read_term(const term_scope *t, math_id id, bool below, series_term *out);

/* base^(a n + b), or n^k */
static bool read_power(const term_scope *t, math_id id, bool below, series_term *out)
{
    const math_id base = math_kid(t->s->t, id, 0), exponent = math_kid(t->s->t, id, 1);
    line e = { 0, 0 };
    if (!linear(t, exponent, &e))
        return false;
    if (is_var(t, base) && e.a == 0) {
        out->power += below ? -e.b : e.b;
        return true;
    }
    if (has_var(t, base))
        return false;
    fmpq_t c, power;
    fmpq_init(c);
    fmpq_init(power);
    bool ok = value_q(t->s, base, c) == EVAL_OK && !fmpq_is_zero(c) && small(c);
    if (ok) {
        fmpq_pow_si(power, c, below ? -e.a : e.a);
        fmpq_mul(out->r, out->r, power);
        fmpq_pow_si(power, c, below ? -e.b : e.b);
        fmpq_mul(out->c, out->c, power);
    }
    fmpq_clear(c);
    fmpq_clear(power);
    return ok;
}

static bool read_constant(const term_scope *t, math_id id, bool below, series_term *out)
{
    fmpq_t c;
    fmpq_init(c);
    const bool ok = !has_var(t, id) && value_q(t->s, id, c) == EVAL_OK && small(c) &&
                    !(below && fmpq_is_zero(c));
    if (ok)
        (below ? fmpq_div : fmpq_mul)(out->c, out->c, c);
    fmpq_clear(c);
    return ok;
}

/* A factor of the term, above or below the fraction line. */
static bool read_term(const term_scope *t, math_id id, bool below, series_term *out)
{
    const math_node *x = math_at(t->s->t, id);
    if (is_var(t, id)) {
        out->power += below ? -1 : 1;
        return true;
    }
    if (!has_var(t, id))
        return read_constant(t, id, below, out);
    switch ((int)x->kind) {
    case M_NEG:
        fmpq_neg(out->c, out->c);
        return read_term(t, math_kid(t->s->t, id, 0), below, out);
    case M_MUL:
        for (uint32_t i = 0; i < x->n; i++)
            if (!read_term(t, math_kid(t->s->t, id, i), below, out))
                return false;
        return true;
    case M_DIV:
        return read_term(t, math_kid(t->s->t, id, 0), below, out) &&
               read_term(t, math_kid(t->s->t, id, 1), !below, out);
    case M_POW:
        return read_power(t, id, below, out);
    case M_FACT:
        if (x->op == 2 || !below || !is_var(t, math_kid(t->s->t, id, 0)))
            return false;
        out->factorials++;
        return true;
    default:
        return false;
    }
}
/* NOLINTEND(misc-no-recursion) */

/* ---- values: rational + scale * transcendental ---- */

void value_series_init(value_series *v)
{
    fmpq_init(v->rational);
    fmpq_init(v->scale);
    fmpq_init(v->exponent);
    v->pi = 0;
}

void value_series_fini(value_series *v)
{
    fmpq_clear(v->rational);
    fmpq_clear(v->scale);
    fmpq_clear(v->exponent);
}

/* v->rational -= the terms from `from` (0 or 1) to n = first - 1, without the factor c */
static void take_off(value_series *v, const series_term *t, slong from, slong first)
{
    fmpq_t term;
    fmpz_t factorial;
    fmpq_init(term);
    fmpz_init(factorial);
    for (slong n = from; n < first; n++) {
        fmpq_pow_si(term, t->r, n);
        for (slong k = 0; k < t->power; k++)
            fmpq_mul_si(term, term, n);
        for (slong k = t->power; k < 0; k++)
            fmpq_div_fmpz(term, term, &n);
        if (t->factorials) {
            fmpz_fac_ui(factorial, (ulong)n);
            fmpq_div_fmpz(term, term, factorial);
        }
        fmpq_sub(v->rational, v->rational, term);
    }
    fmpq_clear(term);
    fmpz_clear(factorial);
}

/* sum of n^j r^n from 0 on, j = 0, 1, 2: 1/(1-r), r/(1-r)^2, r (1+r)/(1-r)^3 */
static bool geometric(value_series *v, const series_term *t)
{
    fmpq_t rest;
    fmpq_init(rest);
    fmpq_sub_si(rest, t->r, 1);
    fmpq_neg(rest, rest);
    fmpq_abs(v->rational, t->r);
    const bool ok = t->power <= 2 && fmpq_cmp_si(v->rational, 1) < 0;
    if (ok) {
        fmpq_inv(rest, rest);
        fmpq_pow_si(v->rational, rest, t->power + 1);
        if (t->power > 0)
            fmpq_mul(v->rational, v->rational, t->r);
        if (t->power == 2) {
            fmpq_add_si(rest, t->r, 1);
            fmpq_mul(v->rational, v->rational, rest);
        }
    }
    fmpq_clear(rest);
    return ok;
}

/* zeta(2k) = |B_2k| (2 pi)^2k / (2 (2k)!) */
static bool zeta(value_series *v, const series_term *t)
{
    const slong n = -t->power;
    if (n % 2 || n > ZETA || !fmpq_is_one(t->r))
        return false;
    fmpz_t f;
    fmpz_init(f);
    arith_bernoulli_number(v->scale, (ulong)n);
    fmpq_abs(v->scale, v->scale);
    fmpq_mul_2exp(v->scale, v->scale, (flint_bitcnt_t)n - 1);
    fmpz_fac_ui(f, (ulong)n);
    fmpq_div_fmpz(v->scale, v->scale, f);
    fmpz_clear(f);
    v->pi = n;
    return true;
}

static bool summed(value_series *v, const series_term *t, slong first)
{
    bool ok = false;
    slong from = 0;
    if (t->factorials == 1 && t->power == 0) {
        fmpq_set(v->exponent, t->r);
        fmpq_one(v->scale);
        ok = true;
    } else if (t->factorials == 0 && t->power >= 0) {
        ok = geometric(v, t);
    } else if (t->factorials == 0) {
        ok = first >= 1 && zeta(v, t);
        from = 1;
    }
    if (ok) {
        take_off(v, t, from, first);
        fmpq_mul(v->rational, v->rational, t->c);
        fmpq_mul(v->scale, v->scale, t->c);
    }
    return ok;
}

math_eval value_infinite_sum(const value_scope *s, math_id id, value_series *v)
{
    slong first = 0;
    if (math_at(s->t, id)->kind != M_SUM || math_at(s->t, id)->n != 4 ||
        math_at(s->t, math_kid(s->t, id, 3))->kind != M_INF || !value_spend(s, 50))
        return EVAL_OUTSIDE;
    math_eval e = value_q_si(s, math_kid(s->t, id, 2), &first);
    if (e != EVAL_OK || first < 0 || first > FIRST)
        return e == EVAL_OK ? EVAL_OUTSIDE : e;
    const term_scope t = { s, math_kid(s->t, id, 1) };
    series_term term = { .power = 0 };
    fmpq_init(term.c);
    fmpq_init(term.r);
    fmpq_one(term.c);
    fmpq_one(term.r);
    const bool ok = read_term(&t, math_kid(s->t, id, 0), false, &term) && small(term.c) &&
                    small(term.r) && FLINT_ABS(term.power) <= SHIFT && summed(v, &term, first);
    fmpq_clear(term.c);
    fmpq_clear(term.r);
    return ok ? EVAL_OK : EVAL_OUTSIDE;
}
