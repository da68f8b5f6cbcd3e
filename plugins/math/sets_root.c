/* sets_root.c -- the real roots of an irreducible polynomial over Z: isolated by Descartes' rule of
 * signs and bisection (Vincent, Collins, Akritas), refined by interval Newton steps, and compared
 * exactly. Only what is real is ever computed. SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

#include <arb_fmpz_poly.h>

enum { ROOT_LEVELS = 160 }; /* bisections before the roots are called inseparable */

void sets_root_free(set_root *r)
{
    if (!r)
        return;
    fmpz_poly_clear(r->f);
    fmpz_clear(r->a);
    arb_clear(r->ball);
    pc_free(r);
}

/* ---- isolation ---- */

/* One interval (a, a + 1) 2^-level of (0, 1), and the polynomial stretched over it. */
typedef struct cell {
    fmpz_poly_t p;
    fmpz_t a;
    uint32_t level;
} cell;

static void cell_init(cell *c)
{
    fmpz_poly_init(c->p);
    fmpz_init(c->a);
}

static void cell_fini(cell *c)
{
    fmpz_poly_clear(c->p);
    fmpz_clear(c->a);
}

/* A bound for the number of roots in (0, 1), exact where it is 0 or 1; more than that is 2. */
static int variations(const fmpz_poly_t p)
{
    fmpz_poly_t q;
    fmpz_poly_init(q);
    fmpz_poly_reverse(q, p, fmpz_poly_length(p));
    _fmpz_poly_taylor_shift_horner(q->coeffs, (fmpz[]){ 1 }, fmpz_poly_length(q));
    int changes = 0, last = 0;
    for (slong i = 0; i < fmpz_poly_length(q) && changes < 2; i++) {
        int sign = fmpz_sgn(q->coeffs + i);
        changes += sign && last && sign != last;
        last = sign ? sign : last;
    }
    fmpz_poly_clear(q);
    return changes;
}

/* c becomes its left half, `right` its right one. */
static void halve(cell *c, cell *right)
{
    slong n = fmpz_poly_degree(c->p);
    for (slong i = 0; i <= n; i++)
        fmpz_mul_2exp(c->p->coeffs + i, c->p->coeffs + i, (ulong)(n - i));
    fmpz_poly_set(right->p, c->p);
    _fmpz_poly_taylor_shift_horner(right->p->coeffs, (fmpz[]){ 1 }, n + 1);
    fmpz_mul_2exp(c->a, c->a, 1);
    fmpz_add_ui(right->a, c->a, 1);
    right->level = ++c->level;
}

typedef struct isolation {
    set_work *w;
    const fmpz_poly_struct *f;
    slong scale; /* all roots are within +-2^scale */
    set_root *found[SET_ROOTS];
    uint32_t n;
} isolation;

static bool keep(isolation *s, const cell *c, bool negative)
{
    set_root *r = pc_calloc(1, sizeof *r);
    if (!r)
        return sets_fail(s->w, WHY_BUDGET);
    fmpz_poly_init(r->f);
    fmpz_poly_set(r->f, s->f);
    fmpz_init(r->a);
    arb_init(r->ball);
    fmpz_set(r->a, c->a);
    if (negative) { /* (a, a + 1) of f(-x) */
        fmpz_add_ui(r->a, r->a, 1);
        fmpz_neg(r->a, r->a);
    }
    r->e = s->scale - (slong)c->level;
    s->found[s->n++] = r;
    return true;
}

/* A Taylor shift is n^2 / 2 additions. */
static bool pay(set_work *w, const fmpz_poly_t p)
{
    slong n = fmpz_poly_length(p), bits = FLINT_ABS(fmpz_poly_max_bits(p));
    return math_spend(w->budget, 4 + n * n * (2 + bits / 64) / 6) || sets_fail(w, WHY_BUDGET);
}

/* The roots in (0, 1) of stack[0], from left to right. */
static bool search(isolation *s, cell *stack, bool negative)
{
    uint32_t depth = 1;
    while (depth) {
        cell *c = &stack[depth - 1];
        if (!pay(s->w, c->p))
            break;
        int count = variations(c->p);
        if (count == 1 && (s->n == SET_ROOTS || !keep(s, c, negative)))
            break;
        if (count < 2) {
            cell_fini(c);
            depth--;
            continue;
        }
        if (c->level == ROOT_LEVELS) {
            sets_fail(s->w, WHY_BUDGET);
            break;
        }
        cell_init(c + 1);
        halve(c, c + 1);
        cell left = *c;
        *c = c[1];
        c[1] = left;
        depth++;
    }
    bool ok = depth == 0;
    while (depth)
        cell_fini(&stack[--depth]);
    return ok;
}

/* The positive roots of f(x) or f(-x). */
static bool one_side(isolation *s, bool negative)
{
    cell stack[ROOT_LEVELS + 2];
    cell_init(&stack[0]);
    fmpz_poly_set(stack[0].p, s->f);
    stack[0].level = 0;
    for (slong i = 0; i < fmpz_poly_length(s->f); i++) {
        fmpz *c = stack[0].p->coeffs + i;
        if (s->scale > 0)
            fmpz_mul_2exp(c, c, (ulong)(s->scale * i));
        if (negative && i & 1)
            fmpz_neg(c, c);
    }
    return search(s, stack, negative);
}

/* Roots of the same polynomial found before: the id of the least one. */
static bool find_known(set_work *w, const fmpz_poly_t f, uint32_t *id)
{
    for (uint32_t i = 0; i < w->n_reals; i++) {
        const set_real *r = &w->reals[i];
        if (r->kind == REAL_ALGEBRAIC && r->root->ordinal == 0 && fmpz_poly_equal(r->root->f, f)) {
            *id = i;
            return math_spend(w->budget, i / 8);
        }
    }
    return false;
}

static bool add_found(set_work *w, isolation *s, uint32_t negatives)
{
    bool ok = true;
    for (uint32_t i = 0; i < negatives / 2; i++) {
        set_root *t = s->found[i];
        s->found[i] = s->found[negatives - 1 - i];
        s->found[negatives - 1 - i] = t;
    }
    for (uint32_t i = 0; i < s->n; i++) {
        s->found[i]->ordinal = i;
        s->found[i]->n = s->n;
        ok = ok && sets_add_root(w, s->found[i]);
        if (!ok)
            sets_root_free(s->found[i]);
    }
    return ok;
}

bool sets_isolate(set_work *w, const fmpz_poly_t f, uint32_t *first, uint32_t *n)
{
    *first = w->n_reals;
    *n = 0;
    if (find_known(w, f, first)) {
        *n = w->reals[*first].root->n;
        return true;
    }
    isolation s = { .w = w, .f = f };
    fmpz_t bound;
    fmpz_init(bound);
    fmpz_poly_bound_roots(bound, f);
    s.scale = (slong)fmpz_bits(bound);
    fmpz_clear(bound);
    if (!math_spend(w->budget, s.scale * fmpz_poly_length(f) / 64))
        return sets_fail(w, WHY_BUDGET);
    bool ok = one_side(&s, true);
    uint32_t negatives = s.n;
    ok = ok && one_side(&s, false);
    if (ok) {
        *n = s.n;
        return add_found(w, &s, negatives);
    }
    for (uint32_t i = 0; i < s.n; i++)
        sets_root_free(s.found[i]);
    return false;
}

/* ---- refinement ---- */

/* The sign of f(p / d), d > 0. */
static int sign_at(const fmpz_poly_t f, const fmpz_t p, const fmpz_t d)
{
    fmpz_t value, power, term;
    slong n = fmpz_poly_degree(f);
    fmpz_init(value);
    fmpz_init(term);
    fmpz_init_set_ui(power, 1);
    fmpz_set(value, f->coeffs + n);
    for (slong i = n - 1; i >= 0; i--) {
        fmpz_mul(power, power, d);
        fmpz_mul(value, value, p);
        fmpz_mul(term, power, f->coeffs + i);
        fmpz_add(value, value, term);
    }
    int sign = fmpz_sgn(value);
    fmpz_clear(value);
    fmpz_clear(power);
    fmpz_clear(term);
    return sign;
}

/* f(a 2^e) */
static int sign_at_dyadic(const fmpz_poly_t f, const fmpz_t a, slong e)
{
    fmpz_t p, d;
    fmpz_init(p);
    fmpz_init_set_ui(d, 1);
    fmpz_mul_2exp(p, a, (ulong)(e > 0 ? e : 0));
    fmpz_mul_2exp(d, d, (ulong)(e < 0 ? -e : 0));
    int sign = sign_at(f, p, d);
    fmpz_clear(p);
    fmpz_clear(d);
    return sign;
}

static void bisect(set_root *r)
{
    int left = sign_at_dyadic(r->f, r->a, r->e);
    fmpz_mul_2exp(r->a, r->a, 1);
    r->e--;
    fmpz_add_ui(r->a, r->a, 1);
    if (sign_at_dyadic(r->f, r->a, r->e) != left) /* the root is in the left half */
        fmpz_sub_ui(r->a, r->a, 1);
}

static void interval_of(arb_t x, const set_root *r)
{
    arf_t lo, hi;
    fmpz_t end;
    arf_init(lo);
    arf_init(hi);
    fmpz_init(end);
    fmpz_add_ui(end, r->a, 1);
    arf_set_fmpz(lo, r->a);
    arf_mul_2exp_si(lo, lo, r->e);
    arf_set_fmpz(hi, end);
    arf_mul_2exp_si(hi, hi, r->e);
    arb_set_interval_arf(x, lo, hi, 64 + (slong)fmpz_bits(r->a));
    arf_clear(lo);
    arf_clear(hi);
    fmpz_clear(end);
}

/* One Newton step on the ball; false: it gained nothing. */
static bool newton(set_root *r, const fmpz_poly_t slope, slong precision)
{
    arb_t middle, value, d;
    arb_init(middle);
    arb_init(value);
    arb_init(d);
    arb_fmpz_poly_evaluate_arb(d, slope, r->ball, precision);
    bool ok = !arb_contains_zero(d);
    if (ok) {
        arb_get_mid_arb(middle, r->ball);
        arb_fmpz_poly_evaluate_arb(value, r->f, middle, precision);
        arb_div(value, value, d, precision);
        arb_sub(middle, middle, value, precision);
        ok = arb_intersection(middle, middle, r->ball, precision);
    }
    if (ok) {
        mag_t before, after;
        mag_init(before);
        mag_init(after);
        mag_mul_2exp_si(before, arb_radref(r->ball), -1);
        mag_set(after, arb_radref(middle));
        ok = mag_cmp(after, before) < 0;
        if (ok)
            arb_swap(r->ball, middle);
        mag_clear(before);
        mag_clear(after);
    }
    arb_clear(middle);
    arb_clear(value);
    arb_clear(d);
    return ok;
}

bool sets_refine(set_work *w, set_root *r, slong precision)
{
    if (r->precision >= precision)
        return true;
    slong n = fmpz_poly_length(r->f), bits = FLINT_ABS(fmpz_poly_max_bits(r->f));
    slong working = precision + bits + 2 * n + 16;
    fmpz_poly_t slope;
    fmpz_poly_init(slope);
    fmpz_poly_derivative(slope, r->f);
    if (r->precision == 0)
        interval_of(r->ball, r);
    bool ok = true;
    while (ok && arb_rel_accuracy_bits(r->ball) < precision) {
        ok = math_spend(w->budget, 8 + n * (2 + working / 64) / 2) || sets_fail(w, WHY_BUDGET);
        if (!ok || newton(r, slope, working))
            continue;
        if (r->e < -2 * (slong)MATH_PRECISION)
            ok = sets_fail(w, WHY_BUDGET);
        arb_t half;
        arb_init(half);
        bisect(r);
        interval_of(half, r);
        arb_intersection(r->ball, r->ball, half, working);
        arb_clear(half);
    }
    r->precision = ok ? precision : r->precision ? r->precision : 1;
    fmpz_poly_clear(slope);
    return ok;
}

/* ---- order ---- */

/* Is p/d right of the isolating interval's left end? -1: left of it, 0: inside, 1: right of it. */
static int where_is(const set_root *r, const fmpq_t q)
{
    fmpz_t end, there;
    fmpz_init(end);
    fmpz_init(there);
    /* q 2^-e against a and a + 1 */
    fmpz_mul_2exp(there, fmpq_numref(q), (ulong)(r->e < 0 ? -r->e : 0));
    fmpz_mul_2exp(end, fmpq_denref(q), (ulong)(r->e > 0 ? r->e : 0));
    fmpz_fdiv_q(there, there, end);
    int place = fmpz_cmp(there, r->a);
    fmpz_clear(end);
    fmpz_clear(there);
    return place;
}

bool sets_root_to_q(set_work *w, const set_root *r, const fmpq_t q, int *order)
{
    slong n = fmpz_poly_degree(r->f);
    slong bits = (slong)fmpz_bits(fmpq_numref(q)) + (slong)fmpz_bits(fmpq_denref(q)) + 64;
    if (!math_spend(w->budget, 4 + n * (1 + n * bits / 1024)))
        return sets_fail(w, WHY_BUDGET);
    *order = -where_is(r, q);
    if (*order)
        return true;
    int left = sign_at_dyadic(r->f, r->a, r->e);
    *order = sign_at(r->f, fmpq_numref(q), fmpq_denref(q)) == left ? 1 : -1;
    return true;
}

bool sets_root_to_root(set_work *w, set_root *a, set_root *b, int *order)
{
    if (fmpz_poly_equal(a->f, b->f)) {
        *order = (a->ordinal > b->ordinal) - (a->ordinal < b->ordinal);
        return true;
    }
    for (slong precision = 60; precision <= 2 * (slong)MATH_PRECISION; precision *= 2) {
        if (!sets_refine(w, a, precision) || !sets_refine(w, b, precision))
            return false;
        if (!arb_overlaps(a->ball, b->ball)) {
            *order = arb_lt(a->ball, b->ball) ? -1 : 1;
            return true;
        }
    }
    return sets_fail(w, WHY_BUDGET);
}

/* Of the same polynomial: is x this root, or on which side of it? */
static bool same_poly_order(const set_root *r, const qqbar_t x, int *order)
{
    arb_t value, interval;
    arb_init(value);
    arb_init(interval);
    interval_of(interval, r);
    bool known = false;
    for (slong precision = 64; precision <= MATH_PRECISION && !known; precision *= 2) {
        qqbar_get_arb(value, x, precision);
        known = arb_contains(interval, value) || !arb_overlaps(interval, value);
    }
    *order = arb_contains(interval, value) ? 0 : arb_lt(interval, value) ? -1 : 1;
    arb_clear(value);
    arb_clear(interval);
    return known;
}

/* Enclosures at growing precision; the two are not known to be equal. */
static bool apart(set_work *w, set_root *r, set_real *expr, int *order)
{
    acb_t y;
    acb_init(y);
    *order = 0;
    for (slong precision = 64; precision <= MATH_PRECISION && *order == 0; precision *= 4) {
        if (!sets_refine(w, r, precision) || !math_spend(w->budget, precision / 2) ||
            math_eval_acb(expr->side, &w->env, y, precision) != EVAL_OK)
            break;
        if (!arb_overlaps(r->ball, acb_realref(y)))
            *order = arb_lt(r->ball, acb_realref(y)) ? -1 : 1;
    }
    acb_clear(y);
    return *order;
}

bool sets_root_to_expr(set_work *w, set_root *r, set_real *expr, int *order)
{
    if (!math_spend(w->budget, 20))
        return false;
    if (sets_need_qqbar(w, expr) && fmpz_poly_equal(r->f, QQBAR_POLY(expr->qqbar)))
        return same_poly_order(r, expr->qqbar, order);
    return apart(w, r, expr, order);
}
