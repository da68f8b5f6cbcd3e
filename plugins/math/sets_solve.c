/* sets_solve.c -- which values of the unknown satisfy one relation: what is written out, what is
 * linear, then sets_poly.c and sets_quadratic.c. SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

bool sets_is_name(const set_work *w, math_side s)
{
    const math_node *x = math_side_node(s), *name = math_side_node(w->name);
    if (x->kind != name->kind)
        return false;
    if (x->kind == M_SYM)
        return pc_eq(math_text(s.tree, s.id), math_text(w->name.tree, w->name.id));
    return math_same_tree(s.tree, s.id, w->name.tree, w->name.id);
}

/* Depth: the tree's. NOLINTNEXTLINE(misc-no-recursion) */
bool sets_has_name(const set_work *w, math_side s)
{
    if (!w->name.tree)
        return false;
    if (sets_is_name(w, s))
        return true;
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (sets_has_name(w, math_side_kid(s, i)))
            return true;
    return false;
}

static bool holds(int sign, math_relop op)
{
    switch (op) {
    case REL_EQ:
        return sign == 0;
    case REL_NE:
        return sign != 0;
    case REL_LT:
        return sign < 0;
    case REL_LE:
        return sign <= 0;
    case REL_GT:
        return sign > 0;
    case REL_GE:
        return sign >= 0;
    case REL_APPROX:
    case REL_EQUIV:
    case REL_IN:
    case REL_NOTIN:
    case REL_SUBSET:
    case REL_IMPLIES:
    case REL_OTHER:
        break;
    }
    return false;
}

math_relop sets_turned(math_relop op)
{
    switch (op) {
    case REL_LT:
        return REL_GT;
    case REL_LE:
        return REL_GE;
    case REL_GT:
        return REL_LT;
    case REL_GE:
        return REL_LE;
    case REL_EQ:
    case REL_NE:
    case REL_APPROX:
    case REL_EQUIV:
    case REL_IN:
    case REL_NOTIN:
    case REL_SUBSET:
    case REL_IMPLIES:
    case REL_OTHER:
        break;
    }
    return op;
}

bool sets_where(set_work *w, const set_sign *at, uint32_t n, int left, math_relop op)
{
    bool ok = sets_op(w, SET_EMPTY);
    uint32_t before = SET_MINUS_INF;
    int sign = left;
    for (uint32_t i = 0; i <= n && ok; i++) {
        uint32_t here = i < n ? at[i].id : SET_PLUS_INF;
        if (holds(sign, op))
            ok = sets_piece(w, before, here, 0);
        if (i == n || !ok)
            break;
        if (!at[i].hole && holds(0, op))
            ok = sets_piece(w, here, here, MATH_LO_CLOSED | MATH_HI_CLOSED);
        sign = at[i].odd ? -sign : sign;
        before = here;
    }
    return ok;
}

/* x op end */
static bool simple(set_work *w, math_relop op, math_side end)
{
    set_sign at = { .odd = true };
    if (!sets_add_real(w, end, &at.id))
        return false;
    if (at.id < SET_MINUS_INF)
        return sets_where(w, &at, 1, -1, op);
    /* x < infinity is every number */
    return sets_where(w, NULL, 0, at.id == SET_PLUS_INF ? -1 : 1, op);
}

/* c2 x + c0 + c1 pi op 0 */
static bool solve_linear(set_work *w, const set_linear *l, math_relop op)
{
    set_sign at = { .odd = true };
    fmpq_t p, q;
    fmpq_init(p);
    fmpq_init(q);
    fmpq_div(p, &l->c[0], &l->c[2]);
    fmpq_neg(p, p);
    fmpq_div(q, &l->c[1], &l->c[2]);
    fmpq_neg(q, q);
    bool ok;
    if (fmpq_is_zero(q)) {
        ok = sets_add_q(w, p, &at.id);
    } else {
        math_side end = sets_number(w, p, q);
        ok = end.id ? sets_add_real(w, end, &at.id) : sets_fail(w, WHY_BUDGET);
    }
    ok = ok && sets_where(w, &at, 1, -fmpq_sgn(&l->c[2]), op);
    fmpq_clear(p);
    fmpq_clear(q);
    return ok;
}

/* 0: not linear; 1: solved; -1: failed */
static int try_linear(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    set_linear a, b;
    sets_linear_init(&a);
    sets_linear_init(&b);
    int done = 0;
    if (sets_linear(w, lhs, &a) && sets_linear(w, rhs, &b)) {
        for (int i = 0; i < 4; i++)
            fmpq_sub(&a.c[i], &a.c[i], &b.c[i]);
        if (fmpq_is_zero(&a.c[3]) && !fmpq_is_zero(&a.c[2]))
            done = solve_linear(w, &a, op) ? 1 : -1;
    }
    sets_linear_fini(&a);
    sets_linear_fini(&b);
    return done;
}

bool sets_solve(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    bool left = sets_is_name(w, lhs), right = sets_is_name(w, rhs);
    if (left && !right && !sets_has_name(w, rhs))
        return simple(w, op, rhs);
    if (right && !left && !sets_has_name(w, lhs))
        return simple(w, sets_turned(op), lhs);
    int done = try_linear(w, lhs, op, rhs);
    if (done)
        return done > 0;
    if (w->why == WHY_NONE && sets_solve_poly(w, lhs, op, rhs))
        return true;
    if (w->why == WHY_NONE && sets_solve_quadratic(w, lhs, op, rhs))
        return true;
    if (w->why == WHY_NONE && sets_solve_monotone(w, lhs, op, rhs))
        return true;
    return sets_fail(w, WHY_OPAQUE);
}
