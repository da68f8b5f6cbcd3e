/* sets_quadratic.c -- relations of degree one or two whose coefficients are any real numbers:
 * sqrt(2) x > pi. Coefficients are trees, the roots come from the formula.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

/* 0 stands for the number 0. */
static math_id plus(math_tree *t, math_id a, math_id b)
{
    return !a ? b : !b ? a : math_2(t, M_ADD, 0, a, b);
}

static bool is_one(const math_tree *t, math_id a)
{
    return math_at(t, a)->kind == M_NUM && pc_is(math_text(t, a), "1");
}

static math_id times(math_tree *t, math_id a, math_id b)
{
    return !a || !b ? 0 : is_one(t, a) ? b : is_one(t, b) ? a : math_2(t, M_MUL, 0, a, b);
}

static math_id minus(math_tree *t, math_id a)
{
    return a ? math_1(t, M_NEG, 0, a) : 0;
}

static math_id copied(set_work *w, math_side s)
{
    if (s.tree == &w->scratch)
        return s.id;
    return math_copy(&w->scratch, s.tree, s.id, (assay_str){ "", 0 }, 0);
}

static bool product(math_tree *t, math_id c[3], const math_id d[3])
{
    math_id r[5] = { 0 };
    for (int i = 0; i < 3; i++)
        for (int j = 0; j < 3; j++)
            r[i + j] = plus(t, r[i + j], times(t, c[i], d[j]));
    memcpy(c, r, 3 * sizeof *c);
    return !r[3] && !r[4];
}

/* Depth: the tree's, MATH_DEPTH. NOLINTBEGIN(misc-no-recursion) */

static bool square(set_work *w, math_side s, math_id c[3])
{
    fmpq_t e;
    fmpq_init(e);
    math_side exponent = math_side_kid(s, 1);
    bool ok = !sets_has_name(w, exponent) && math_eval_q(exponent, &w->env, e) == EVAL_OK &&
              fmpq_equal_si(e, 2);
    fmpq_clear(e);
    math_id d[3];
    if (!ok || !sets_coefficients(w, math_side_kid(s, 0), c))
        return false;
    memcpy(d, c, sizeof d);
    return product(&w->scratch, c, d);
}

static bool terms(set_work *w, math_side s, math_id c[3])
{
    const math_node *x = math_side_node(s);
    math_tree *t = &w->scratch;
    bool ok = sets_coefficients(w, math_side_kid(s, 0), c);
    for (uint32_t i = 1; i < x->n && ok; i++) {
        math_side part = math_side_kid(s, i);
        math_id d[3] = { 0 };
        if (x->kind == M_DIV) {
            math_id den = sets_has_name(w, part) ? 0 : copied(w, part);
            ok = den;
            for (int k = 0; k < 3; k++)
                c[k] = c[k] && den ? math_2(t, M_DIV, 0, c[k], den) : 0;
            continue;
        }
        ok = sets_coefficients(w, part, d);
        if (ok && x->kind == M_MUL)
            ok = product(t, c, d);
        for (int k = 0; k < 3 && x->kind == M_ADD; k++)
            c[k] = plus(t, c[k], d[k]);
    }
    return ok && !t->full;
}

bool sets_coefficients(set_work *w, math_side s, math_id c[3])
{
    const math_node *x = math_side_node(s);
    c[0] = c[1] = c[2] = 0;
    if (!math_spend(w->budget, 4))
        return false;
    if (sets_is_name(w, s))
        return (c[1] = math_int(&w->scratch, 1));
    if (!sets_has_name(w, s))
        return (c[0] = copied(w, s));
    switch (x->kind) {
    case M_ADD:
    case M_MUL:
    case M_DIV:
        return terms(w, s, c);
    case M_POW:
        return square(w, s, c);
    case M_NEG:
    case M_DEGREE:
        if (!sets_coefficients(w, math_side_kid(s, 0), c))
            return false;
        for (int i = 0; i < 3; i++)
            c[i] = c[i] ? math_1(&w->scratch, (math_kind)x->kind, 0, c[i]) : 0;
        return !w->scratch.full;
    default:
        return false;
    }
}

/* NOLINTEND(misc-no-recursion) */

bool sets_sign(set_work *w, math_id id, int *sign)
{
    *sign = 0;
    if (!id)
        return true;
    fmpq_t q;
    fmpq_init(q);
    math_side s = { &w->scratch, id };
    bool ok = math_eval_q(s, &w->env, q) == EVAL_OK;
    if (ok)
        *sign = fmpq_sgn(q);
    fmpq_clear(q);
    if (ok)
        return true;
    math_side zero = { &w->scratch, math_int(&w->scratch, 0) };
    if (zero.id && math_value_compare(s, zero, &w->env, sign))
        return true;
    return sets_fail(w, w->budget->steps < 0 ? WHY_BUDGET : WHY_ZERO_TEST);
}

static bool solve_linear(set_work *w, const math_id c[3], math_relop op)
{
    int slope = 0, constant = 0;
    if (!sets_sign(w, c[1], &slope))
        return false;
    if (slope == 0)
        return sets_sign(w, c[0], &constant) && sets_where(w, NULL, 0, constant, op);
    math_tree *t = &w->scratch;
    math_id end = c[0] ? math_2(t, M_DIV, 0, minus(t, c[0]), c[1]) : math_int(t, 0);
    set_sign at = { .odd = true };
    return (end || sets_fail(w, WHY_BUDGET)) && sets_add_real(w, (math_side){ t, end }, &at.id) &&
           sets_where(w, &at, 1, -slope, op);
}

/* (-b -+ sqrt(d)) / 2a */
static bool root(set_work *w, const math_id c[3], math_id d, bool upper, set_sign *at)
{
    math_tree *t = &w->scratch;
    math_id step = d ? math_1(t, M_SQRT, 0, d) : 0;
    math_id top = plus(t, minus(t, c[1]), upper ? step : minus(t, step));
    math_id twice = math_2(t, M_MUL, 0, math_int(t, 2), c[2]);
    math_id end = top ? math_2(t, M_DIV, 0, top, twice) : math_int(t, 0);
    return (end && !t->full && sets_add_real(w, (math_side){ t, end }, &at->id)) ||
           sets_fail(w, WHY_BUDGET);
}

static bool solve_square(set_work *w, const math_id c[3], int lead, math_relop op)
{
    math_tree *t = &w->scratch;
    math_id four = times(t, math_int(t, 4), times(t, c[2], c[0]));
    math_id d = plus(t, times(t, c[1], c[1]), minus(t, four));
    int sign = 0;
    set_sign at[2] = { { .odd = true }, { .odd = true } };
    if (!sets_sign(w, d, &sign))
        return false;
    if (sign < 0)
        return sets_where(w, NULL, 0, lead, op);
    if (sign == 0) {
        at[0].odd = false;
        return root(w, c, 0, true, &at[0]) && sets_where(w, at, 1, lead, op);
    }
    return root(w, c, d, lead < 0, &at[0]) && root(w, c, d, lead > 0, &at[1]) &&
           sets_where(w, at, 2, lead, op);
}

bool sets_solve_quadratic(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    math_id c[3], d[3];
    int lead = 0;
    if (!sets_coefficients(w, lhs, c) || !sets_coefficients(w, rhs, d))
        return false;
    for (int i = 0; i < 3; i++)
        c[i] = plus(&w->scratch, c[i], minus(&w->scratch, d[i]));
    if (!math_spend(w->budget, 40) || !sets_sign(w, c[2], &lead))
        return sets_fail(w, WHY_BUDGET);
    return lead ? solve_square(w, c, lead, op) : solve_linear(w, c, op);
}
