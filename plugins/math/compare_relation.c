/* compare_relation.c -- equations, inequalities, chains, memberships; and names, which are no part
 * of an answer. SPDX-License-Identifier: Apache-2.0 */
#include "math/compare_inner.h"

/* Depth is counted by match(). NOLINTBEGIN(misc-no-recursion) */

static math_side kid(math_side s, uint32_t i)
{
    return math_side_kid(s, i);
}

/* "not x = 5", "if x = 5": the word is no part of a name. */
static bool denies(assay_str word)
{
    static const char *const list[] = { "not",   "if",      "unless", "when",    "neither", "never",
                                        "no",    "except",  "but",    "without", "then",    "only",
                                        "since", "suppose", "assume", "because", NULL };
    for (const char *const *w = list; *w; w++)
        if (pc_is_nocase(word, *w))
            return true;
    return false;
}

static bool is_letters(math_side s) /* AB, a segment, reads as a product */
{
    const math_node *n = math_side_node(s);
    if (n->kind != M_MUL)
        return false;
    for (uint32_t i = 0; i < n->n; i++)
        if (side_kind(kid(s, i)) != M_SYM || denies(side_text(kid(s, i))))
            return false;
    return true;
}

static bool is_name(math_side s)
{
    const math_node *n = math_side_node(s);
    if (n->kind == M_SYM || n->kind == M_APPLY || is_letters(s))
        return true;
    if (n->kind == M_FUNC && n->op == FN_ABS)
        return side_kind(kid(s, 0)) == M_SYM || is_letters(kid(s, 0));
    if (n->kind != M_TUPLE)
        return false;
    for (uint32_t i = 0; i < n->n; i++)
        if (side_kind(kid(s, i)) != M_SYM)
            return false;
    return true;
}

/* Does the value speak of the name itself, as in x = x^2? */
static bool mentions(math_side value, math_side name)
{
    return side_kind(name) == M_SYM && math_has_symbol(value.tree, value.id, side_text(name));
}

static char op_at(math_side s, uint32_t i)
{
    return side_text(s).data[i];
}

static bool is_equality_chain(math_side s)
{
    const math_node *n = math_side_node(s);
    for (uint32_t i = 0; i + 1 < n->n; i++)
        if (op_at(s, i) != REL_EQ && op_at(s, i) != REL_APPROX && op_at(s, i) != REL_EQUIV)
            return false;
    return n->kind == M_REL;
}

bool match_name(math_side s, math_side *name, math_side *value)
{
    const math_node *n = math_side_node(s);
    if (!is_equality_chain(s) || n->n != 2)
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        *name = kid(s, i);
        *value = kid(s, 1 - i);
        if (is_name(*name) && !mentions(*value, *name))
            return true;
    }
    return false;
}

static bool is_closed_number(math_side s)
{
    return math_is_scalar(side_kind(s)) && !math_has_symbols(s.tree, s.id);
}

/* The last exact operand of a chain: in x = 1/3 = 0.333.. ~ 0.33 the last but one. */
static uint32_t last_exact(math_side s)
{
    uint32_t last = math_side_node(s)->n - 1;
    while (last > 1 && op_at(s, last - 1) == REL_APPROX)
        last--;
    return last;
}

/* A chain of equalities with more than two members, name = .. = value, as an equation of its first
 * member and member `last`. */
static math_side chain_to(matcher *m, math_side s, uint32_t last)
{
    math_side value = kid(s, last), first = kid(s, 0);
    if (!is_name(first) && is_closed_number(value))
        return value;
    const assay_str no = { "", 0 }, equals = { "=", 1 };
    const math_id kids[2] = { math_copy(m->scratch, s.tree, first.id, no, 0),
                              math_copy(m->scratch, s.tree, value.id, no, 0) };
    math_side out = in_scratch(m, math_text_node(m->scratch, M_REL, 0, equals, kids, 2));
    return out.id ? out : s;
}

/* What a relation may be read as. In x = 246/595 = 0.4134 the last member only rounds the one
 * before it: either is meant. */
typedef struct chain {
    math_side value, exact; /* exact.tree NULL: there is but one reading */
    bool broken;            /* two members are numbers and not equal: 41 = 42 */
} chain;

static chain read_chain(matcher *m, math_side s)
{
    uint32_t last = last_exact(s), from = is_name(kid(s, 0)) ? 1 : 0, exact = last;
    chain c = { .exact = { NULL, 0 } };
    bool closed = is_closed_number(kid(s, last));
    for (uint32_t i = from; closed && i < last; i++) {
        math_side x = kid(s, i);
        if (!is_closed_number(x) || op_at(s, i) != REL_EQ ||
            match(m, x, kid(s, last)).truth != MATH_DIFFERENT)
            continue;
        if (i + 1 == last && match_rounds(m, x, kid(s, last)))
            exact = i;
        else
            c.broken = true;
    }
    c.value = chain_to(m, s, last);
    if (exact != last)
        c.exact = chain_to(m, s, exact);
    return c;
}

/* What follows the last arrow of "A => x = 2". */
static math_side after_arrow(matcher *m, math_side s)
{
    const math_node n = *math_side_node(s);
    uint32_t from = 0;
    for (uint32_t i = 0; i + 1 < n.n; i++)
        if (op_at(s, i) == REL_IMPLIES)
            from = i + 1;
    math_id kids[64];
    const assay_str no = { "", 0 };
    uint32_t count = n.n - from;
    if (from == 0 || count == 1) /* 41 => 42 states nothing */
        return s;
    for (uint32_t i = 0; i < count && i < 64; i++)
        kids[i] = math_copy(m->scratch, s.tree, math_kid(s.tree, s.id, from + i), no, 0);
    char ops[64];
    memcpy(ops, side_text(s).data + from, count - 1);
    math_side out = in_scratch(
        m, math_text_node(m->scratch, M_REL, 0, (assay_str){ ops, count - 1 }, kids, count));
    return out.id ? out : s;
}

/* ---- equations ---- */

static bool is_closed(math_side s)
{
    return !math_has_symbols(s.tree, s.id);
}

/* f(x) = x^2 and f(t) = t^2: the same function whatever its argument is called. */
static math_side renamed(matcher *m, math_side value, math_side name, math_side like)
{
    if (side_kind(name) != M_APPLY || side_kind(like) != M_APPLY || math_side_node(name)->n != 1 ||
        math_side_node(like)->n != 1)
        return value;
    math_side x = kid(name, 0), t = kid(like, 0);
    if (side_kind(x) != M_SYM || side_kind(t) != M_SYM || pc_eq(side_text(x), side_text(t)))
        return value;
    math_id by = math_leaf(m->scratch, M_SYM, side_text(t));
    math_side out =
        in_scratch(m, by ? math_copy(m->scratch, value.tree, value.id, side_text(x), by) : 0);
    return out.id ? out : value;
}

static bool same_name(math_side a, math_side b)
{
    if (side_kind(a) == M_APPLY && side_kind(b) == M_APPLY) {
        bool letters = math_side_node(a)->n == 1 && math_side_node(b)->n == 1 &&
                       side_kind(kid(a, 0)) == M_SYM && side_kind(kid(b, 0)) == M_SYM;
        return pc_eq(side_text(a), side_text(b)) &&
               (letters || math_same_tree(a.tree, a.id, b.tree, b.id));
    }
    return math_same_tree(a.tree, a.id, b.tree, b.id);
}

static bool are_scalars(math_side a)
{
    return math_is_scalar(side_kind(kid(a, 0))) && math_is_scalar(side_kind(kid(a, 1)));
}

bool match_is_congruence(math_side relation, math_side value)
{
    return op_at(relation, 0) == REL_EQUIV && side_kind(value) == M_MOD;
}

math_finding match_equations(matcher *m, math_side a, math_side b)
{
    math_side na, va, nb, vb;
    bool named_a = match_name(a, &na, &va), named_b = match_name(b, &nb, &vb);
    if (named_a && named_b && same_name(na, nb)) {
        if (match_is_congruence(a, va) && match_is_congruence(b, vb)) { /* 5 mod 7 is not 5 mod 8 */
            math_finding moduli = match(m, kid(va, 1), kid(vb, 1));
            if (moduli.truth != MATH_EQUAL)
                return moduli;
        }
        return match(m, renamed(m, va, na, nb), vb);
    }
    if (named_a && named_b && is_closed(va) && is_closed(vb))
        return math_found(MATH_DIFFERENT, "unknown");
    if (!are_scalars(a) || !are_scalars(b)) {
        math_finding l = match(m, kid(a, 0), kid(b, 0)), r = match(m, kid(a, 1), kid(b, 1));
        return l.truth == MATH_EQUAL ? r : l;
    }
    if (match_has_pm(kid(a, 1)) || match_has_pm(kid(b, 1)))
        return math_open("equation", WHY_OPAQUE, 0);
    return math_equation_equal(kid(a, 0), kid(a, 1), kid(b, 0), kid(b, 1), m->policy->square_free,
                               m->budget);
}

/* ---- inequalities and memberships ---- */

static char flipped(char op)
{
    switch (op) {
    case REL_LT:
        return REL_GT;
    case REL_GT:
        return REL_LT;
    case REL_LE:
        return REL_GE;
    case REL_GE:
        return REL_LE;
    default:
        return op;
    }
}

/* Operand by operand, forwards or backwards. */
static math_finding match_operands(matcher *m, math_side a, math_side b, bool backwards)
{
    uint32_t n = math_side_node(a)->n;
    if (n != math_side_node(b)->n)
        return math_found(MATH_DIFFERENT, "relation");
    for (uint32_t i = 0; i + 1 < n; i++)
        if (op_at(a, i) != (backwards ? flipped(op_at(b, n - 2 - i)) : op_at(b, i)))
            return math_found(MATH_DIFFERENT, "relation");
    math_finding all = math_found(MATH_EQUAL, "relation");
    for (uint32_t i = 0; i < n; i++) {
        math_finding f = match(m, kid(a, i), kid(b, backwards ? n - 1 - i : i));
        if (f.truth == MATH_DIFFERENT)
            return f;
        if (f.truth == MATH_UNDECIDED)
            all = f;
    }
    return all;
}

static math_finding match_inequality(matcher *m, math_side a, math_side b)
{
    char oa = op_at(a, 0), ob = op_at(b, 0);
    int sign;
    if (!are_scalars(a) || !are_scalars(b) || !pc_in(oa, "<>lg!") || !pc_in(ob, "<>lg!"))
        return math_found(MATH_DIFFERENT, "relation");
    math_finding f =
        math_difference_ratio(kid(a, 0), kid(a, 1), kid(b, 0), kid(b, 1), &sign, m->budget);
    if (f.truth == MATH_EQUAL && oa != (sign > 0 ? ob : flipped(ob)))
        return math_found(MATH_DIFFERENT, "relation");
    return f;
}

static math_finding match_orders(matcher *m, math_side a, math_side b)
{
    math_finding f = math_set_equal(a, b, m->budget);
    if (f.truth != MATH_UNDECIDED)
        return f;
    math_finding forwards = match_operands(m, a, b, false);
    if (forwards.truth == MATH_EQUAL)
        return forwards;
    math_finding backwards = match_operands(m, a, b, true);
    if (backwards.truth == MATH_EQUAL)
        return backwards;
    if (math_side_node(a)->n == 2 && math_side_node(b)->n == 2)
        return match_inequality(m, a, b);
    return forwards.truth == MATH_DIFFERENT && backwards.truth == MATH_DIFFERENT ? forwards : f;
}

static bool is_membership(math_side s)
{
    return side_kind(s) == M_REL && math_side_node(s)->n == 2 && op_at(s, 0) == REL_IN;
}

static bool is_equality(math_side s)
{
    return side_kind(s) == M_REL && math_side_node(s)->n == 2 && is_equality_chain(s);
}

static bool is_order(math_side s)
{
    return side_kind(s) == M_REL && !is_equality_chain(s) && !is_membership(s);
}

/* One side is a relation, the other is none. */
/* f(y) = 2x + 1 says nothing of 2x + 1. */
static bool is_of_another(math_side name, math_side value)
{
    if (side_kind(name) != M_APPLY || math_side_node(name)->n != 1 ||
        side_kind(kid(name, 0)) != M_SYM)
        return false;
    return math_has_symbols(value.tree, value.id) &&
           !math_has_symbol(value.tree, value.id, side_text(kid(name, 0)));
}

static math_finding match_with_value(matcher *m, math_side relation, math_side other, bool swapped)
{
    math_side name, value;
    if (is_equality(relation) && match_name(relation, &name, &value) && !is_of_another(name, value))
        return swapped ? match(m, other, value) : match(m, value, other);
    if (is_membership(relation))
        return swapped ? match(m, other, kid(relation, 1)) : match(m, kid(relation, 1), other);
    if (!math_is_real_set(relation) && !math_is_real_set(other))
        return math_found(MATH_DIFFERENT, "kind");
    math_finding f = swapped ? math_set_equal(other, relation, m->budget)
                             : math_set_equal(relation, other, m->budget);
    bool scalar = math_is_scalar(side_kind(other));
    return scalar && f.truth == MATH_UNDECIDED ? math_found(MATH_DIFFERENT, "kind") : f;
}

/* 6 * 7 = 42 is 42, 1/3 = 0.333 either; 41 = 42 is nothing. */
static chain read_calculation(matcher *m, math_side s)
{
    math_side x = kid(s, 0), y = kid(s, 1);
    chain c = { .value = y, .exact = { NULL, 0 } };
    if (match(m, x, y).truth == MATH_EQUAL)
        return c;
    if (match_rounds(m, x, y))
        c.exact = x;
    else
        c.broken = true;
    return c;
}

static chain prepared(matcher *m, math_side s)
{
    if (side_kind(s) == M_REL)
        s = after_arrow(m, s);
    if (side_kind(s) == M_REL && math_side_node(s)->n == 2 &&
        (op_at(s, 0) == REL_EQ || op_at(s, 0) == REL_APPROX) && is_closed_number(kid(s, 0)) &&
        is_closed_number(kid(s, 1)))
        return read_calculation(m, s);
    if (side_kind(s) != M_REL || math_side_node(s)->n < 3 || !is_equality_chain(s))
        return (chain){ .value = s, .exact = { NULL, 0 } };
    return read_chain(m, s);
}

static math_finding match_prepared(matcher *m, math_side x, math_side y)
{
    bool ra = side_kind(x) == M_REL, rb = side_kind(y) == M_REL;
    if (m->policy->gold_shape && rb && is_order(y) && !(ra && is_order(x)) &&
        (!ra || is_membership(x)))
        return math_found(MATH_DIFFERENT, "gold shape");
    if (!ra && !rb)
        return match(m, x, y);
    if (ra != rb)
        return ra ? match_with_value(m, x, y, false) : match_with_value(m, y, x, true);
    if (is_equality(x) && is_equality(y))
        return match_equations(m, x, y);
    if (is_membership(x) && is_membership(y)) {
        math_finding names = match(m, kid(x, 0), kid(y, 0));
        return names.truth == MATH_EQUAL ? match(m, kid(x, 1), kid(y, 1))
                                         : math_found(MATH_DIFFERENT, "unknown");
    }
    return match_orders(m, x, y);
}

math_finding match_relations(matcher *m, math_side a, math_side b)
{
    chain x = prepared(m, a), y = prepared(m, b);
    if (x.broken || y.broken)
        return math_found(MATH_DIFFERENT, "chain");
    math_finding f = match_prepared(m, x.value, y.value);
    if (f.truth != MATH_EQUAL && (x.exact.tree || y.exact.tree))
        f = match_prepared(m, x.exact.tree ? x.exact : x.value, y.exact.tree ? y.exact : y.value);
    if (f.truth != MATH_EQUAL && x.exact.tree && y.exact.tree) {
        f = match_prepared(m, x.exact, y.value);
        if (f.truth != MATH_EQUAL)
            f = match_prepared(m, x.value, y.exact);
    }
    return f;
}
/* NOLINTEND(misc-no-recursion) */
