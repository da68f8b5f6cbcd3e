/* sets_shape.c -- intervals whose ends hold unknowns: (a, b] and \{x | a < x <= b\} are equal where
 * their ends are. SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

typedef struct shape {
    math_side lo, hi; /* id 0: infinite */
    unsigned flags;   /* MATH_LO_CLOSED, MATH_HI_CLOSED */
} shape;

static math_side end_of(math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_INF ||
        (x->kind == M_NEG && math_side_node(math_side_kid(s, 0))->kind == M_INF))
        return (math_side){ s.tree, 0 };
    return s;
}

static bool is_infinite(math_side s, bool negative)
{
    const math_node *x = math_side_node(s);
    return negative ? x->kind == M_NEG && math_side_node(math_side_kid(s, 0))->kind == M_INF
                    : x->kind == M_INF;
}

static bool literal(math_side s, shape *out)
{
    const math_node *x = math_side_node(s);
    if (x->n != 2 || (x->kind == M_TUPLE && x->op))
        return false;
    math_side lo = math_side_kid(s, 0), hi = math_side_kid(s, 1);
    if (is_infinite(lo, false) || is_infinite(hi, true))
        return false;
    out->lo = end_of(lo);
    out->hi = end_of(hi);
    out->flags = x->kind == M_SQUARE     ? MATH_LO_CLOSED | MATH_HI_CLOSED
                 : x->kind == M_INTERVAL ? x->op & 3U
                                         : 0;
    out->flags &= (out->lo.id ? 3U : MATH_HI_CLOSED) & (out->hi.id ? 3U : MATH_LO_CLOSED);
    return true;
}

/* `end op name` or, with `after`, `name op end` */
static bool bounded(shape *out, math_side end, char op, bool after)
{
    bool closed = op == REL_LE || op == REL_GE;
    bool up = op == REL_LT || op == REL_LE; /* the left operand is the lesser */
    if (!closed && op != REL_LT && op != REL_GT)
        return false;
    math_side *place = up == after ? &out->hi : &out->lo;
    if (place->id)
        return false;
    *place = end;
    out->flags |= closed ? (up == after ? MATH_HI_CLOSED : MATH_LO_CLOSED) : 0;
    return true;
}

static bool literal_or_relation(math_side s, math_side name, shape *out);

/* The operand `at` of the relation is the unknown, alone. Depth: the tree's. */
static bool around(math_side s, uint32_t at, shape *out) /* NOLINT(misc-no-recursion) */
{
    const math_node *x = math_side_node(s);
    assay_str ops = math_text(s.tree, s.id), name;
    math_side unknown = math_side_kid(s, at);
    if (x->n > 3 || math_side_node(unknown)->kind != M_SYM || (x->n == 3 && at != 1))
        return false;
    if (pc_is(ops, "e"))
        return at == 0 && literal_or_relation(math_side_kid(s, 1), unknown, out);
    name = math_text(s.tree, unknown.id);
    *out = (shape){ .lo = { s.tree, 0 }, .hi = { s.tree, 0 } };
    for (uint32_t i = 0; i < x->n; i++) {
        if (i == at)
            continue;
        math_side end = math_side_kid(s, i);
        if (math_has_symbol(s.tree, end.id, name) ||
            !bounded(out, end, ops.data[i < at ? i : i - 1], i > at))
            return false;
    }
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion) */
static bool literal_or_relation(math_side s, math_side name, shape *out)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_INTERVAL || x->kind == M_TUPLE || x->kind == M_SQUARE)
        return literal(s, out);
    if (x->kind == M_SETBUILDER && x->n == 2 && math_side_node(math_side_kid(s, 0))->kind == M_SYM)
        return literal_or_relation(math_side_kid(s, 1), math_side_kid(s, 0), out);
    if (x->kind != M_REL)
        return false;
    for (uint32_t i = 0; i < x->n; i++) {
        math_side unknown = math_side_kid(s, i);
        if (name.id && !math_same_tree(s.tree, unknown.id, name.tree, name.id))
            continue;
        if (around(s, i, out))
            return true;
    }
    return false;
}

static math_finding same_end(math_side a, math_side b, math_budget *budget)
{
    if (!a.id || !b.id)
        return math_found(a.id == b.id ? MATH_EQUAL : MATH_DIFFERENT, "interval");
    return math_expr_equal(a, b, budget);
}

static math_finding same_shape(const shape *a, const shape *b, math_budget *budget)
{
    math_finding lo = same_end(a->lo, b->lo, budget);
    if (lo.truth == MATH_DIFFERENT)
        return lo;
    math_finding hi = same_end(a->hi, b->hi, budget);
    if (hi.truth == MATH_DIFFERENT || a->flags == b->flags)
        return hi.truth == MATH_EQUAL ? lo : hi;
    return math_found(MATH_DIFFERENT, "interval");
}

/* Pieces in any order: each of a is one of b's, and none is used twice. */
static math_finding same_unions(math_side a, math_side b, math_budget *budget)
{
    enum { MOST = 8 };
    shape x, y[MOST];
    uint32_t n = math_side_node(a)->n;
    bool used[MOST] = { false };
    math_finding open = math_open("interval", WHY_OPAQUE, MATH_BLAME_A | MATH_BLAME_B);
    if (n > MOST || n != math_side_node(b)->n)
        return open;
    for (uint32_t i = 0; i < n; i++)
        if (!literal_or_relation(math_side_kid(b, i), (math_side){ b.tree, 0 }, &y[i]))
            return open;
    for (uint32_t i = 0; i < n; i++) {
        uint32_t j = 0;
        if (!literal_or_relation(math_side_kid(a, i), (math_side){ a.tree, 0 }, &x))
            return open;
        while (j < n && (used[j] || same_shape(&x, &y[j], budget).truth != MATH_EQUAL))
            j++;
        if (j == n) /* their union may still be the same: [a,b] u [b,c] */
            return open;
        used[j] = true;
    }
    return math_found(MATH_EQUAL, "interval");
}

math_finding sets_shape_equal(math_side a, math_side b, math_budget *budget)
{
    shape x, y;
    const math_side any_a = { a.tree, 0 }, any_b = { b.tree, 0 };
    if (math_side_node(a)->kind == M_UNION && math_side_node(b)->kind == M_UNION)
        return same_unions(a, b, budget);
    if (!literal_or_relation(a, any_a, &x) || !literal_or_relation(b, any_b, &y) ||
        (math_side_node(a)->kind == M_REL && math_side_node(b)->kind == M_REL))
        return math_open("interval", WHY_OPAQUE, MATH_BLAME_A | MATH_BLAME_B);
    return same_shape(&x, &y, budget);
}
