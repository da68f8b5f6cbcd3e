/* sets_poly.c -- inequalities between rational functions of one unknown, over Q: the sign of a
 * quotient changes at the real roots of numerator and denominator, which are isolated exactly.
 * Absolute values are replaced by both their cases, one square root by its square.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

#include <flint/fmpq_poly.h>
#include <flint/fmpz_poly_factor.h>

enum {
    POLY_DEGREE = 32,      /* of a numerator or denominator as it is built */
    POLY_IRREDUCIBLE = 16, /* of a factor whose roots are isolated */
    POLY_BITS = 2048,      /* of a coefficient; of all together where it is factored */
    POLY_ABS = 3           /* absolute values in one relation: 2^n cases */
};

typedef struct quotient {
    fmpq_poly_t num, den;
} quotient;

/* What a relation's two sides have in common while they are read. */
typedef struct poly_reader {
    set_work *w;
    fmpq_poly_t holes; /* product of every denominator met */
    unsigned pattern;  /* bit i: the i-th absolute value is of something negative */
    uint32_t n_abs;
    quotient inside[POLY_ABS]; /* of the absolute values */
} poly_reader;

static void quotient_init(quotient *q)
{
    fmpq_poly_init(q->num);
    fmpq_poly_init(q->den);
    fmpq_poly_one(q->den);
}

static void quotient_fini(quotient *q)
{
    fmpq_poly_clear(q->num);
    fmpq_poly_clear(q->den);
}

static slong bits_of(const fmpq_poly_t p)
{
    slong bits = FLINT_ABS(_fmpz_vec_max_bits(p->coeffs, p->length));
    return bits + (slong)fmpz_bits(p->den);
}

/* Is the product of a and b within the bounds, and paid for? */
static bool may_multiply(poly_reader *r, const fmpq_poly_t a, const fmpq_poly_t b)
{
    slong degree = fmpq_poly_degree(a) + fmpq_poly_degree(b), bits = bits_of(a) + bits_of(b);
    if (degree > POLY_DEGREE || bits > POLY_BITS)
        return sets_fail(r->w, WHY_BUDGET);
    return math_spend(r->w->budget, 4 + degree) || sets_fail(r->w, WHY_BUDGET);
}

static bool multiply(poly_reader *r, fmpq_poly_t a, const fmpq_poly_t b)
{
    if (fmpq_poly_is_one(b))
        return true;
    if (!may_multiply(r, a, b))
        return false;
    fmpq_poly_mul(a, a, b);
    return true;
}

/* a += sign * b */
static bool add(poly_reader *r, quotient *a, const quotient *b, bool minus)
{
    fmpq_poly_t t;
    fmpq_poly_init(t);
    fmpq_poly_set(t, b->num);
    bool ok = true;
    if (!fmpq_poly_equal(a->den, b->den))
        ok = multiply(r, t, a->den) && multiply(r, a->num, b->den) && multiply(r, a->den, b->den);
    if (ok && minus)
        fmpq_poly_sub(a->num, a->num, t);
    else if (ok)
        fmpq_poly_add(a->num, a->num, t);
    fmpq_poly_clear(t);
    return ok;
}

/* a /= b, whose zeros become holes */
static bool divide(poly_reader *r, quotient *a, const quotient *b)
{
    if (fmpq_poly_is_zero(b->num))
        return sets_fail(r->w, WHY_UNDEFINED);
    if (fmpq_poly_degree(b->num) > 0 && !multiply(r, r->holes, b->num))
        return false;
    return multiply(r, a->num, b->den) && multiply(r, a->den, b->num);
}

static bool read_quotient(poly_reader *r, math_side s, quotient *out);

/* Depth: the tree's, MATH_DEPTH. NOLINTBEGIN(misc-no-recursion) */

static bool read_power(poly_reader *r, math_side s, quotient *out)
{
    fmpq_t e;
    fmpq_init(e);
    bool ok = !sets_has_name(r->w, math_side_kid(s, 1)) &&
              math_eval_q(math_side_kid(s, 1), &r->w->env, e) == EVAL_OK &&
              fmpz_is_one(fmpq_denref(e)) && fmpz_cmp_si(fmpq_numref(e), POLY_DEGREE) <= 0 &&
              fmpz_cmp_si(fmpq_numref(e), -POLY_DEGREE) >= 0;
    slong n = ok ? fmpz_get_si(fmpq_numref(e)) : 0;
    fmpq_clear(e);
    quotient base;
    quotient_init(&base);
    ok = ok && n && read_quotient(r, math_side_kid(s, 0), &base);
    slong most = ok ? FLINT_MAX(fmpq_poly_degree(base.num), fmpq_poly_degree(base.den)) : 0;
    slong bits = ok ? bits_of(base.num) + bits_of(base.den) : 0;
    if (ok && (most * FLINT_ABS(n) > POLY_DEGREE || bits * FLINT_ABS(n) > POLY_BITS))
        ok = sets_fail(r->w, WHY_BUDGET);
    if (ok && n < 0) {
        ok = !fmpq_poly_is_zero(base.num) && multiply(r, r->holes, base.num);
        fmpq_poly_swap(base.num, base.den);
    }
    if (ok) {
        fmpq_poly_pow(out->num, base.num, (ulong)FLINT_ABS(n));
        fmpq_poly_pow(out->den, base.den, (ulong)FLINT_ABS(n));
    }
    quotient_fini(&base);
    return ok;
}

/* |u| is u or -u, as the pattern says; u is kept for the condition that it has that sign. */
static bool read_abs(poly_reader *r, math_side s, quotient *out)
{
    if (!read_quotient(r, math_side_kid(s, 0), out))
        return false;
    if (r->n_abs == POLY_ABS)
        return sets_fail(r->w, WHY_BUDGET);
    quotient *kept = &r->inside[r->n_abs];
    quotient_init(kept);
    fmpq_poly_set(kept->num, out->num);
    fmpq_poly_set(kept->den, out->den);
    if (r->pattern >> r->n_abs++ & 1)
        fmpq_poly_neg(out->num, out->num);
    return true;
}

static bool read_constant(poly_reader *r, math_side s, quotient *out)
{
    fmpq_t q;
    fmpq_init(q);
    math_eval e = math_eval_q(s, &r->w->env, q);
    if (e == EVAL_OK)
        fmpq_poly_set_fmpq(out->num, q);
    fmpq_clear(q);
    return e == EVAL_OK && (bits_of(out->num) <= POLY_BITS || sets_fail(r->w, WHY_BUDGET));
}

static bool read_terms(poly_reader *r, math_side s, quotient *out)
{
    const math_node *x = math_side_node(s);
    bool ok = read_quotient(r, math_side_kid(s, 0), out);
    for (uint32_t i = 1; i < x->n && ok; i++) {
        quotient part;
        quotient_init(&part);
        ok = read_quotient(r, math_side_kid(s, i), &part);
        if (ok && x->kind == M_ADD)
            ok = add(r, out, &part, false);
        else if (ok && x->kind == M_DIV)
            ok = divide(r, out, &part);
        else if (ok)
            ok = multiply(r, out->num, part.num) && multiply(r, out->den, part.den);
        quotient_fini(&part);
    }
    return ok;
}

/* False without w->why: it is no such function. Depth: the tree's.
 * NOLINTNEXTLINE(misc-no-recursion)
 */
static bool read_quotient(poly_reader *r, math_side s, quotient *out)
{
    const math_node *x = math_side_node(s);
    if (!math_spend(r->w->budget, 4))
        return sets_fail(r->w, WHY_BUDGET);
    if (sets_is_name(r->w, s)) {
        fmpq_poly_set_coeff_si(out->num, 1, 1);
        return true;
    }
    if (x->kind == M_ADD || x->kind == M_MUL || x->kind == M_DIV)
        return read_terms(r, s, out);
    if (x->kind == M_NEG) {
        bool ok = read_quotient(r, math_side_kid(s, 0), out);
        fmpq_poly_neg(out->num, out->num);
        return ok;
    }
    if (!sets_has_name(r->w, s))
        return read_constant(r, s, out);
    if (x->kind == M_POW)
        return read_power(r, s, out);
    if (x->kind == M_FUNC && x->op == FN_ABS && x->n == 1)
        return read_abs(r, s, out);
    return false;
}

/* NOLINTEND(misc-no-recursion) */

/* ---- signs ---- */

typedef struct root_list {
    set_sign at[4 * POLY_DEGREE];
    uint32_t n;
} root_list;

static bool add_irrational(set_work *w, const fmpz_poly_t f, set_sign like, root_list *roots)
{
    uint32_t first = 0, n = 0;
    if (fmpz_poly_degree(f) > POLY_IRREDUCIBLE)
        return sets_fail(w, WHY_BUDGET);
    bool ok = sets_isolate(w, f, &first, &n);
    for (uint32_t i = 0; i < n && ok; i++) {
        like.id = first + i;
        roots->at[roots->n++] = like;
    }
    return ok;
}

/* The real roots of an irreducible polynomial. */
static bool add_roots(set_work *w, const fmpz_poly_t f, set_sign like, root_list *roots)
{
    if (fmpz_poly_degree(f) != 1)
        return add_irrational(w, f, like, roots);
    fmpq_t q;
    fmpq_init(q);
    fmpq_set_fmpz_frac(q, f->coeffs, f->coeffs + 1);
    fmpq_neg(q, q);
    set_sign *place = &roots->at[roots->n++];
    *place = like;
    bool ok = sets_add_q(w, q, &place->id);
    fmpq_clear(q);
    return ok;
}

static bool sort_roots(set_work *w, root_list *roots)
{
    for (uint32_t i = 1; i < roots->n; i++)
        for (uint32_t j = i; j > 0; j--) {
            int order = 0;
            if (!sets_compare(w, roots->at[j - 1].id, roots->at[j].id, &order))
                return false;
            if (order <= 0)
                break;
            set_sign t = roots->at[j];
            roots->at[j] = roots->at[j - 1];
            roots->at[j - 1] = t;
        }
    return true;
}

static slong multiplicity(const fmpz_poly_t p, const fmpz_poly_t factor)
{
    fmpz_poly_t rest, q;
    slong n = 0;
    fmpz_poly_init(rest);
    fmpz_poly_init(q);
    fmpz_poly_set(rest, p);
    while (fmpz_poly_degree(rest) >= fmpz_poly_degree(factor) &&
           fmpz_poly_divides(q, rest, factor)) {
        fmpz_poly_swap(rest, q);
        n++;
    }
    fmpz_poly_clear(rest);
    fmpz_poly_clear(q);
    return n;
}

/* The roots of one factor of sign * holes, with what happens there: the sign changes at odd ones of
 * `sign`. */
static bool factor_roots(set_work *w, const fmpz_poly_t sign, const fmpz_poly_t holes,
                         const fmpz_poly_t factor, root_list *roots)
{
    set_sign like = { .odd = multiplicity(sign, factor) & 1,
                      .hole = multiplicity(holes, factor) > 0 };
    return add_roots(w, factor, like, roots);
}

/* Factoring is what costs most where coefficients are long: (x - 1)^8 of something huge. */
static bool may_factor(set_work *w, const fmpz_poly_t part)
{
    slong degree = fmpz_poly_degree(part), bits = FLINT_ABS(fmpz_poly_max_bits(part));
    if (degree > POLY_IRREDUCIBLE || degree * bits > POLY_BITS)
        return sets_fail(w, WHY_BUDGET);
    return math_spend(w->budget, 20 * degree * degree + bits) || sets_fail(w, WHY_BUDGET);
}

/* The roots of a square-free polynomial. */
static bool part_roots(set_work *w, const fmpz_poly_t sign, const fmpz_poly_t holes,
                       const fmpz_poly_t part, root_list *roots)
{
    if (fmpz_poly_degree(part) < 2)
        return factor_roots(w, sign, holes, part, roots);
    if (!may_factor(w, part))
        return false;
    fmpz_poly_factor_t factors;
    fmpz_poly_factor_init(factors);
    fmpz_poly_factor(factors, part);
    bool ok = true;
    for (slong i = 0; i < factors->num && ok; i++)
        ok = factor_roots(w, sign, holes, factors->p + i, roots);
    fmpz_poly_factor_clear(factors);
    return ok;
}

static bool all_roots(set_work *w, const fmpz_poly_t sign, const fmpz_poly_t holes,
                      root_list *roots)
{
    fmpz_poly_t all;
    fmpz_poly_factor_t parts;
    fmpz_poly_init(all);
    fmpz_poly_mul(all, sign, holes);
    slong degree = fmpz_poly_degree(all);
    fmpz_poly_factor_init(parts);
    if (degree == 1)
        fmpz_poly_factor_insert(parts, all, 1);
    else if (degree > 1)
        fmpz_poly_factor_squarefree(parts, all);
    bool ok = true;
    for (slong i = 0; i < parts->num && ok; i++)
        ok = part_roots(w, sign, holes, parts->p + i, roots);
    fmpz_poly_factor_clear(parts);
    fmpz_poly_clear(all);
    return ok && sort_roots(w, roots);
}

/* f op 0, left on the stack */
static bool where(poly_reader *r, const quotient *f, math_relop op)
{
    set_work *w = r->w;
    fmpz_poly_t sign, den, holes;
    fmpz_poly_init(sign);
    fmpz_poly_init(den);
    fmpz_poly_init(holes);
    fmpq_poly_get_numerator(sign, f->num);
    fmpq_poly_get_numerator(den, f->den);
    fmpq_poly_get_numerator(holes, r->holes);
    fmpz_poly_mul(sign, sign, den);
    slong degree = fmpz_poly_degree(sign) + fmpz_poly_degree(holes);
    bool ok =
        (degree <= 3 * (slong)POLY_DEGREE && math_spend(w->budget, 10 + 4 * degree * degree)) ||
        sets_fail(w, WHY_BUDGET);
    root_list roots = { .n = 0 };
    if (ok && fmpz_poly_is_zero(sign)) {
        fmpz_poly_one(sign);
        ok = all_roots(w, sign, holes, &roots) && sets_where(w, roots.at, roots.n, 0, op);
    } else if (ok) {
        int left = fmpz_sgn(fmpz_poly_lead(sign)) * (fmpz_poly_degree(sign) & 1 ? -1 : 1);
        ok = all_roots(w, sign, holes, &roots) && sets_where(w, roots.at, roots.n, left, op);
    }
    fmpz_poly_clear(sign);
    fmpz_poly_clear(den);
    fmpz_poly_clear(holes);
    return ok;
}

/* ---- relations ---- */

static void reader_init(poly_reader *r, set_work *w, unsigned pattern)
{
    r->w = w;
    r->pattern = pattern;
    r->n_abs = 0;
    fmpq_poly_init(r->holes);
    fmpq_poly_one(r->holes);
}

static void reader_fini(poly_reader *r)
{
    for (uint32_t i = 0; i < r->n_abs; i++)
        quotient_fini(&r->inside[i]);
    fmpq_poly_clear(r->holes);
}

/* One choice of signs for the absolute values. */
static bool solve_pattern(set_work *w, math_side lhs, math_relop op, math_side rhs,
                          unsigned pattern, uint32_t *n_abs)
{
    poly_reader r;
    quotient f, g;
    reader_init(&r, w, pattern);
    quotient_init(&f);
    quotient_init(&g);
    bool ok = read_quotient(&r, lhs, &f) && read_quotient(&r, rhs, &g) && add(&r, &f, &g, true) &&
              where(&r, &f, op);
    for (uint32_t i = 0; i < r.n_abs && ok; i++)
        ok = where(&r, &r.inside[i], pattern >> i & 1 ? REL_LT : REL_GE) &&
             sets_op(w, SET_INTERSECT);
    *n_abs = r.n_abs;
    quotient_fini(&f);
    quotient_fini(&g);
    reader_fini(&r);
    return ok;
}

static bool solve_quotients(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    uint32_t n_abs = 0;
    bool ok = solve_pattern(w, lhs, op, rhs, 0, &n_abs);
    for (unsigned pattern = 1; pattern < 1U << n_abs && ok; pattern++)
        ok = solve_pattern(w, lhs, op, rhs, pattern, &n_abs) && sets_op(w, SET_UNION);
    return ok;
}

/* sqrt(u) op h: u >= 0, and with v = u - h^2
 * <: h > 0 and v < 0;  =: h >= 0 and v = 0;  >: h < 0 or v > 0;  <=, >=, != from these. */
static bool solve_sqrt(poly_reader *r, const quotient *u, const quotient *h, const quotient *v,
                       math_relop op)
{
    bool less = op == REL_LT || op == REL_LE || op == REL_EQ;
    bool ok = where(r, u, REL_GE);
    if (less)
        return ok && where(r, h, op == REL_LT ? REL_GT : REL_GE) && sets_op(r->w, SET_INTERSECT) &&
               where(r, v, op) && sets_op(r->w, SET_INTERSECT);
    return ok && where(r, h, REL_LT) && where(r, v, op) && sets_op(r->w, SET_UNION) &&
           sets_op(r->w, SET_INTERSECT);
}

static bool solve_root(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    poly_reader r;
    quotient u, h, v, square;
    reader_init(&r, w, 0);
    quotient_init(&u);
    quotient_init(&h);
    quotient_init(&v);
    quotient_init(&square);
    bool ok =
        read_quotient(&r, math_side_kid(lhs, 0), &u) && read_quotient(&r, rhs, &h) && r.n_abs == 0;
    if (ok) {
        fmpq_poly_set(v.num, u.num);
        fmpq_poly_set(v.den, u.den);
        fmpq_poly_set(square.num, h.num);
        fmpq_poly_set(square.den, h.den);
        ok = multiply(&r, square.num, h.num) && multiply(&r, square.den, h.den) &&
             add(&r, &v, &square, true) && solve_sqrt(&r, &u, &h, &v, op);
    }
    quotient_fini(&u);
    quotient_fini(&h);
    quotient_fini(&v);
    quotient_fini(&square);
    reader_fini(&r);
    return ok;
}

bool sets_solve_poly(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    bool left = math_side_node(lhs)->kind == M_SQRT && sets_has_name(w, lhs);
    bool right = math_side_node(rhs)->kind == M_SQRT && sets_has_name(w, rhs);
    if (left && !right)
        return solve_root(w, lhs, op, rhs);
    if (right && !left)
        return solve_root(w, rhs, sets_turned(op), lhs);
    return solve_quotients(w, lhs, op, rhs);
}
