/* sets_circle.c -- families p + q pi + k (r + s pi), of numbers and of intervals, with rational p,
 * q, r, s: rolled up on a circle as long as the common multiple of all steps, they are finite
 * unions there, and compared as such. SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

enum { FAMILY_CLASSES = 64 }; /* of one family on the circle */

/* Where p + q pi stands in units of the direction u + v pi: p/u or q/v, whichever is defined;
 * false: it is not a multiple. */
static bool along(fmpq_t out, const fmpq *p, const fmpq *q, const fmpq *u, const fmpq *v)
{
    fmpq_t x, y;
    bool parallel;
    fmpq_init(x);
    fmpq_init(y);
    fmpq_mul(x, p, v);
    fmpq_mul(y, q, u);
    parallel = fmpq_equal(x, y);
    fmpq_clear(x);
    fmpq_clear(y);
    if (fmpq_is_zero(v))
        fmpq_div(out, p, u);
    else
        fmpq_div(out, q, v);
    return parallel;
}

/* a = the least common multiple of a and |b| */
static void common(fmpq_t a, const fmpq_t b)
{
    fmpz_t top, bottom;
    fmpz_init(top);
    fmpz_init(bottom);
    fmpz_lcm(top, fmpq_numref(a), fmpq_numref(b));
    fmpz_gcd(bottom, fmpq_denref(a), fmpq_denref(b));
    fmpq_set_fmpz_frac(a, top, bottom);
    fmpz_clear(top);
    fmpz_clear(bottom);
}

typedef struct circle {
    const set_family *unit; /* its step is the unit of length */
    fmpq_t length;          /* the common multiple of all steps, in units */
    uint32_t classes;
    bool parallel; /* all offsets are multiples of the unit, too */
} circle;

/* False: the steps have no common multiple (or there are too many classes: w->why). */
static bool measure(set_work *w, circle *c, const set_families *l, bool steps)
{
    fmpq_t t, n;
    bool ok = true;
    fmpq_init(t);
    fmpq_init(n);
    for (uint32_t i = 0; i < l->n && ok; i++) {
        const fmpq *a = l->item[i].at.c, *to = l->item[i].to.c, *unit = c->unit->at.c;
        ok = along(t, &a[2], &a[3], &unit[2], &unit[3]);
        fmpq_abs(t, t);
        if (ok && steps) {
            common(c->length, t);
            ok = fmpz_bits(fmpq_numref(c->length)) < 64 || sets_fail(w, WHY_BUDGET);
            c->parallel = c->parallel && along(n, &a[0], &a[1], &unit[2], &unit[3]);
            if (l->item[i].hi.tree)
                c->parallel = c->parallel && along(n, &to[0], &to[1], &unit[2], &unit[3]);
        } else if (ok) {
            fmpq_div(n, c->length, t);
            ok = fmpz_cmp_ui(fmpq_numref(n), FAMILY_CLASSES) <= 0 || sets_fail(w, WHY_BUDGET);
            c->classes += ok ? (uint32_t)fmpz_get_ui(fmpq_numref(n)) : 0;
            ok = ok && (c->classes <= 2 * FAMILY_CLASSES || sets_fail(w, WHY_BUDGET));
        }
    }
    fmpq_clear(t);
    fmpq_clear(n);
    return ok;
}

/* t modulo the circle's length */
static void wrap(const circle *c, fmpq_t t)
{
    fmpq_t n;
    fmpz_t turns;
    fmpq_init(n);
    fmpz_init(turns);
    fmpq_div(n, t, c->length);
    fmpz_fdiv_q(turns, fmpq_numref(n), fmpq_denref(n));
    fmpq_set(n, c->length);
    fmpq_mul_fmpz(n, n, turns);
    fmpq_sub(t, t, n);
    fmpq_clear(n);
    fmpz_clear(turns);
}

/* The point t units from p + q pi, as a real: a plain number of units where all is parallel. */
static bool point(set_work *w, const circle *c, const set_family *f, const fmpq_t start,
                  const fmpq_t t, uint32_t *id)
{
    if (c->parallel)
        return sets_add_q(w, t, id);
    fmpq_t p, q, moved;
    fmpq_init(p);
    fmpq_init(q);
    fmpq_init(moved);
    fmpq_sub(moved, t, start);
    fmpq_mul(p, moved, &c->unit->at.c[2]);
    fmpq_mul(q, moved, &c->unit->at.c[3]);
    fmpq_add(p, p, &f->at.c[0]);
    fmpq_add(q, q, &f->at.c[1]);
    math_side s = sets_number(w, p, q);
    fmpq_clear(p);
    fmpq_clear(q);
    fmpq_clear(moved);
    return (s.id || sets_fail(w, WHY_BUDGET)) && sets_add_real(w, s, id);
}

/* from..to on the circle, from being in [0, length) */
static bool arc(set_work *w, const circle *c, const fmpq_t from, const fmpq_t to, unsigned flags)
{
    uint32_t lo = 0, hi = 0, end = 0, zero = 0;
    fmpq_t t;
    fmpq_init(t);
    fmpq_sub(t, to, from);
    if (fmpq_sgn(t) < 0) { /* the wrong way round */
        fmpq_clear(t);
        return sets_fail(w, WHY_OPAQUE);
    }
    bool whole = fmpq_cmp(t, c->length) > 0; /* more than a turn covers everything */
    bool ok = sets_add_q(w, from, &lo) && sets_add_q(w, c->length, &end);
    fmpq_sub(t, to, c->length);
    bool over = fmpq_sgn(t) >= 0;
    if (ok && over) {
        fmpq_t origin;
        fmpq_init(origin);
        ok = sets_add_q(w, origin, &zero) && (whole ? (hi = end) : sets_add_q(w, t, &hi));
        ok = ok && sets_piece(w, whole ? zero : lo, end, whole ? MATH_LO_CLOSED : flags & 1U) &&
             sets_piece(w, zero, hi, MATH_LO_CLOSED | (whole ? 0 : flags & MATH_HI_CLOSED));
        fmpq_clear(origin);
    } else if (ok) {
        ok = sets_add_q(w, to, &hi) && sets_piece(w, lo, hi, flags);
    }
    fmpq_clear(t);
    return ok;
}

/* Every class of one family on the circle. */
static bool roll(set_work *w, const circle *c, const set_family *f)
{
    fmpq_t start, step, t, to;
    uint32_t id = 0;
    fmpq_init(start);
    fmpq_init(step);
    fmpq_init(t);
    fmpq_init(to);
    const fmpq *unit = c->unit->at.c;
    along(start, &f->at.c[0], &f->at.c[1], &unit[2], &unit[3]);
    along(step, &f->at.c[2], &f->at.c[3], &unit[2], &unit[3]);
    fmpq_abs(step, step);
    fmpq_div(t, c->length, step);
    slong n = fmpz_get_si(fmpq_numref(t));
    fmpq_set(t, start);
    bool ok = true;
    for (slong i = 0; i < n && ok; i++) {
        wrap(c, t);
        if (f->hi.tree) { /* as far from t as hi is from lo */
            along(to, &f->to.c[0], &f->to.c[1], &unit[2], &unit[3]);
            fmpq_sub(to, to, start);
            fmpq_add(to, to, t);
            ok = arc(w, c, t, to, f->flags);
        } else {
            ok = point(w, c, f, start, t, &id) &&
                 sets_piece(w, id, id, MATH_LO_CLOSED | MATH_HI_CLOSED);
        }
        fmpq_add(t, t, step);
    }
    fmpq_clear(start);
    fmpq_clear(step);
    fmpq_clear(t);
    fmpq_clear(to);
    return ok;
}

static bool has_intervals(const set_families *l)
{
    for (uint32_t i = 0; i < l->n; i++)
        if (l->item[i].hi.tree)
            return true;
    return false;
}

static math_finding same_rows(set_work *w)
{
    const uint64_t *a = sets_result(w, 0), *b = sets_result(w, 1);
    bool same = memcmp(a, b, w->words * sizeof *a) == 0;
    math_finding f = math_found(same ? MATH_EQUAL : MATH_DIFFERENT, "family");
    if (!same)
        sets_note(&f, "they differ modulo the step");
    return f;
}

math_finding sets_on_circle(set_work *w, const set_families *a, const set_families *b)
{
    circle c = { .unit = &a->item[0], .parallel = true };
    math_finding f;
    bool ok;
    fmpq_init(c.length);
    fmpq_one(c.length);
    if (!measure(w, &c, a, true) || !measure(w, &c, b, true)) {
        bool proof = w->why == WHY_NONE && a->n == 1 && b->n == 1;
        fmpq_clear(c.length);
        return proof ? math_found(MATH_DIFFERENT, "family") : sets_open_family(w);
    }
    ok = measure(w, &c, a, false) && measure(w, &c, b, false) &&
         (c.parallel || (!has_intervals(a) && !has_intervals(b)));
    ok = ok && sets_op(w, SET_EMPTY);
    for (uint32_t i = 0; i < a->n && ok; i++)
        ok = roll(w, &c, &a->item[i]);
    ok = ok && sets_op(w, SET_EMPTY);
    for (uint32_t i = 0; i < b->n && ok; i++)
        ok = roll(w, &c, &b->item[i]);
    f = ok && sets_run(w) ? same_rows(w) : sets_open_family(w);
    fmpq_clear(c.length);
    return f;
}
