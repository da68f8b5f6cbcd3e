/* sets_monotone.c -- exponentials and logarithms against a number: 2^x > 8, ln(x - 1) <= 2.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

static bool is_exponential(const set_work *w, math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_FUNC && x->op == FN_EXP)
        return true;
    return x->kind == M_POW && !sets_has_name(w, math_side_kid(s, 0));
}

static bool is_logarithm(const set_work *w, math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_FUNC)
        return x->op == FN_LN || x->op == FN_LG || x->op == FN_LOG;
    return x->kind == M_LOG && !sets_has_name(w, math_side_kid(s, 0));
}

static math_id copied(set_work *w, math_side s)
{
    return math_copy(&w->scratch, s.tree, s.id, (assay_str){ "", 0 }, 0);
}

/* The base of either kind, in w->scratch; its logarithm's sign; false: not a positive number. */
static bool base_of(set_work *w, math_side s, math_id *base, int *sign)
{
    const math_node *x = math_side_node(s);
    math_tree *t = &w->scratch;
    if (x->kind == M_POW || x->kind == M_LOG)
        *base = copied(w, math_side_kid(s, 0));
    else if (x->op == FN_LG || (x->op == FN_LOG && w->env.log_base == 10))
        *base = math_int(t, 10);
    else
        *base = math_leaf(t, M_E, (assay_str){ "", 0 });
    math_id less_one = *base ? math_2(t, M_ADD, 0, *base, math_int(t, -1)) : 0;
    return less_one && sets_sign(w, *base, sign) && *sign > 0 && sets_sign(w, less_one, sign) &&
           *sign;
}

/* b^u op c, c > 0: u op log c */
static bool solve_exponential(set_work *w, math_side s, math_relop op, math_side c)
{
    math_tree *t = &w->scratch;
    math_id base = 0, number = copied(w, c);
    int up = 0, sign = 0;
    if (!number || !sets_sign(w, number, &sign) || sign <= 0 || !base_of(w, s, &base, &up))
        return false;
    math_id end = math_1(t, M_FUNC, FN_LN, number);
    if (math_at(t, base)->kind != M_E)
        end = math_2(t, M_DIV, 0, end, math_1(t, M_FUNC, FN_LN, base));
    math_side u = math_side_kid(s, math_side_node(s)->n - 1);
    return end && sets_solve(w, u, up > 0 ? op : sets_turned(op), (math_side){ t, end });
}

/* log u op c: u op b^c, and u > 0 */
static bool solve_logarithm(set_work *w, math_side s, math_relop op, math_side c)
{
    math_tree *t = &w->scratch;
    math_id base = 0, number = copied(w, c);
    int up = 0;
    if (!number || !base_of(w, s, &base, &up))
        return false;
    math_id end = math_2(t, M_POW, 0, base, number), zero = math_int(t, 0);
    math_side u = math_side_kid(s, math_side_node(s)->n - 1);
    return end && zero && sets_solve(w, u, up > 0 ? op : sets_turned(op), (math_side){ t, end }) &&
           sets_solve(w, u, REL_GT, (math_side){ t, zero }) && sets_op(w, SET_INTERSECT);
}

/* The first term below s that is such a function, or a square root, of the unknown. Depth: the
 * tree's. NOLINTBEGIN(misc-no-recursion) */
static math_side find_term(const set_work *w, math_side s)
{
    const math_node *x = math_side_node(s);
    math_side none = { s.tree, 0 };
    if (!sets_has_name(w, s))
        return none;
    if (is_exponential(w, s) || is_logarithm(w, s) || x->kind == M_SQRT)
        return s;
    for (uint32_t i = 0; i < x->n; i++) {
        math_side found = find_term(w, math_side_kid(s, i));
        if (found.id)
            return found;
    }
    return none;
}

/* Does the unknown occur below s only inside `term`? */
static bool only_inside(const set_work *w, math_side s, math_side term)
{
    if (math_same_tree(s.tree, s.id, term.tree, term.id))
        return true;
    if (sets_is_name(w, s))
        return false;
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (!only_inside(w, math_side_kid(s, i), term))
            return false;
    return true;
}
/* NOLINTEND(misc-no-recursion) */

/* 25 (4/5)^x >= 10: linear in a term that is taken for the unknown. */
static bool isolate(set_work *w, math_side lhs, math_relop op, math_side rhs, math_side term)
{
    math_tree *t = &w->scratch;
    math_side name = w->name;
    math_id a[3], b[3];
    if (!only_inside(w, lhs, term) || !only_inside(w, rhs, term))
        return false;
    w->name = term;
    bool ok = sets_coefficients(w, lhs, a) && sets_coefficients(w, rhs, b) && !a[2] && !b[2];
    w->name = name;
    if (!ok)
        return false;
    math_id slope = !b[1] ? a[1] : math_1(t, M_NEG, 0, b[1]);
    if (b[1] && a[1])
        slope = math_2(t, M_ADD, 0, a[1], slope);
    math_id left = a[0] ? math_1(t, M_NEG, 0, a[0]) : math_int(t, 0);
    math_id rest = b[0] ? math_2(t, M_ADD, 0, left, b[0]) : left;
    math_id end = rest && slope ? math_2(t, M_DIV, 0, rest, slope) : 0;
    int sign = 0;
    if (!end || !sets_sign(w, slope, &sign) || !sign)
        return false;
    return sets_solve(w, term, sign > 0 ? op : sets_turned(op), (math_side){ t, end });
}

bool sets_solve_monotone(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    math_side term = find_term(w, lhs);
    bool left = term.id;
    if (!left)
        term = find_term(w, rhs);
    if (!term.id || !math_spend(w->budget, 40))
        return false;
    math_side one = left ? lhs : rhs, other = left ? rhs : lhs;
    if (one.tree != term.tree || one.id != term.id || sets_has_name(w, other))
        return isolate(w, lhs, op, rhs, term);
    op = left ? op : sets_turned(op);
    if (is_exponential(w, term))
        return solve_exponential(w, term, op, other);
    return is_logarithm(w, term) && solve_logarithm(w, term, op, other);
}
