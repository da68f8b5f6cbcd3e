/* sets_read.c -- a tree as a set of real numbers: literals, set operations, set builders, lists,
 * and relations in one unknown. SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

/* Depth: the tree's, MATH_DEPTH. NOLINTBEGIN(misc-no-recursion) */

/* |AB|, a length: capital letters that stand for points, not for numbers */
static bool is_length(math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->kind != M_FUNC || x->op != FN_ABS || x->n != 1)
        return false;
    math_side inner = math_side_kid(s, 0);
    const math_node *product = math_side_node(inner);
    if (product->kind != M_MUL || product->n != 2)
        return false;
    for (uint32_t i = 0; i < 2; i++) {
        math_side letter = math_side_kid(inner, i);
        assay_str text = math_text(letter.tree, letter.id);
        if (math_side_node(letter)->kind != M_SYM || text.len != 1 || text.data[0] < 'A' ||
            text.data[0] > 'Z')
            return false;
    }
    return true;
}

static bool is_opaque(math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_APPLY || x->kind == M_INT || x->kind == M_LIM || x->kind == M_DERIV)
        return true;
    return is_length(s);
}

bool sets_find_name(math_side s, math_side *found)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_SYM || is_opaque(s)) {
        if (found->tree)
            return math_same_tree(s.tree, s.id, found->tree, found->id);
        *found = s;
        return true;
    }
    for (uint32_t i = 0; i < x->n; i++)
        if (!sets_find_name(math_side_kid(s, i), found))
            return false;
    return true;
}

static bool read_interval(set_work *w, math_side s)
{
    const math_node *x = math_side_node(s);
    uint32_t lo = 0, hi = 0;
    if (x->n != 2 || (x->kind == M_TUPLE && x->op))
        return sets_fail(w, WHY_OPAQUE);
    unsigned flags = SET_LITERAL | (x->kind == M_SQUARE     ? MATH_LO_CLOSED | MATH_HI_CLOSED
                                    : x->kind == M_INTERVAL ? x->op & 3U
                                                            : SET_PAIR_LITERAL);
    return sets_add_real(w, math_side_kid(s, 0), &lo) &&
           sets_add_real(w, math_side_kid(s, 1), &hi) && sets_op(w, SET_EMPTY) &&
           sets_piece(w, lo, hi, flags);
}

static bool add_point(set_work *w, math_side s)
{
    uint32_t id = 0;
    if (!sets_add_real(w, s, &id))
        return false;
    if (id >= SET_MINUS_INF)
        return sets_fail(w, WHY_OPAQUE);
    return sets_piece(w, id, id, MATH_LO_CLOSED | MATH_HI_CLOSED);
}

static bool read_points(set_work *w, math_side s)
{
    bool ok = sets_op(w, SET_EMPTY);
    for (uint32_t i = 0; i < math_side_node(s)->n && ok; i++)
        ok = add_point(w, math_side_kid(s, i));
    return ok;
}

static bool read_line(set_work *w)
{
    return sets_op(w, SET_EMPTY) && sets_piece(w, SET_MINUS_INF, SET_PLUS_INF, 0);
}

/* R, R+ (the positive ones), R-, R* (without zero) */
static bool read_named(set_work *w, math_side s)
{
    assay_str text = math_text(s.tree, s.id);
    if (math_side_node(s)->op != 'R')
        return sets_fail(w, WHY_OPAQUE);
    if (text.len == 0)
        return read_line(w);
    fmpq_t zero;
    fmpq_init(zero);
    set_sign at = { .odd = true };
    bool ok = sets_add_q(w, zero, &at.id);
    fmpq_clear(zero);
    math_relop op = pc_is(text, "+")   ? REL_GT
                    : pc_is(text, "-") ? REL_LT
                    : pc_is(text, "*") ? REL_NE
                                       : REL_OTHER;
    if (op == REL_OTHER)
        return sets_fail(w, WHY_OPAQUE);
    return ok && sets_where(w, &at, 1, -1, op);
}

static bool read_folded(set_work *w, math_side s, set_opcode code)
{
    bool ok = sets_read(w, math_side_kid(s, 0));
    for (uint32_t i = 1; i < math_side_node(s)->n && ok; i++)
        ok = sets_read(w, math_side_kid(s, i)) && sets_op(w, code);
    return ok;
}

/* ---- relations ---- */

static bool read_membership(set_work *w, math_side element, math_relop op, math_side set)
{
    if (!sets_is_name(w, element))
        return sets_fail(w, WHY_OPAQUE);
    math_side name = w->name;
    bool bound = w->bound, ok = sets_read(w, set);
    w->name = name;
    w->bound = bound;
    return ok && (op == REL_IN || sets_op(w, SET_NOT));
}

static bool read_solved(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    if (sets_has_name(w, lhs) || sets_has_name(w, rhs))
        return sets_solve(w, lhs, op, rhs);
    return sets_fail(w, WHY_OPAQUE);
}

static bool read_pair(set_work *w, math_side lhs, math_relop op, math_side rhs)
{
    switch (op) {
    case REL_IN:
    case REL_NOTIN:
        return read_membership(w, lhs, op, rhs);
    case REL_EQ: /* x = [1,2] is also written for x in [1,2] */
        if (math_is_real_set(rhs))
            return read_membership(w, lhs, REL_IN, rhs);
        return read_solved(w, lhs, op, rhs);
    case REL_NE:
    case REL_LT:
    case REL_LE:
    case REL_GT:
    case REL_GE:
        return read_solved(w, lhs, op, rhs);
    case REL_APPROX:
    case REL_EQUIV:
    case REL_SUBSET:
    case REL_IMPLIES:
    case REL_OTHER:
        break;
    }
    return sets_fail(w, WHY_OPAQUE);
}

static bool read_relation(set_work *w, math_side s)
{
    const math_node *x = math_side_node(s);
    if (!math_spend(w->budget, x->n))
        return sets_fail(w, WHY_BUDGET);
    assay_str ops = math_text(s.tree, s.id);
    bool member = ops.data[0] == REL_IN || ops.data[0] == REL_NOTIN ||
                  (x->n == 2 && math_is_real_set(math_side_kid(s, 1)));
    math_side of = member ? math_side_kid(s, 0) : s;
    if (!w->name.tree && (!sets_find_name(of, &w->name) || !w->name.tree)) {
        w->symbolic = true;
        return sets_fail(w, WHY_OPAQUE);
    }
    bool ok = true;
    for (uint32_t i = 0; i + 1 < x->n && ok; i++)
        ok = read_pair(w, math_side_kid(s, i), (math_relop)ops.data[i], math_side_kid(s, i + 1)) &&
             (i == 0 || sets_op(w, SET_INTERSECT));
    return ok;
}

static bool is_condition(math_side s)
{
    return math_side_node(s)->kind == M_REL || math_side_node(s)->kind == M_LIST;
}

/* \{x in S | conditions\} */
static bool read_builder(set_work *w, math_side s)
{
    math_side element = math_side_kid(s, 0), name = w->name;
    const math_node *x = math_side_node(element);
    bool bound = w->bound, in_set = x->kind == M_REL && pc_is(math_text(s.tree, element.id), "e");
    w->name = in_set ? math_side_kid(element, 0) : element;
    w->bound = true;
    bool ok = math_side_node(w->name)->kind == M_SYM || sets_fail(w, WHY_OPAQUE);
    if (ok)
        ok = in_set ? sets_read(w, math_side_kid(element, 1)) : read_line(w);
    for (uint32_t i = 1; i < math_side_node(s)->n && ok; i++) {
        math_side condition = math_side_kid(s, i);
        ok = (is_condition(condition) || sets_fail(w, WHY_OPAQUE)) && sets_read(w, condition) &&
             sets_op(w, SET_INTERSECT);
    }
    w->name = name;
    w->bound = bound;
    return ok;
}

/* ---- lists ---- */

typedef struct list_shape {
    uint32_t scalars, relations, equations, sets;
} list_shape;

static list_shape shape_of(math_side s)
{
    list_shape shape = { 0 };
    for (uint32_t i = 0; i < math_side_node(s)->n; i++) {
        math_side item = math_side_kid(s, i);
        const math_node *x = math_side_node(item);
        if (x->kind == M_REL || x->kind == M_LIST) {
            shape.relations++;
            shape.equations += x->kind == M_REL && pc_is(math_text(s.tree, item.id), "=");
        } else if (math_is_scalar((math_kind)x->kind)) {
            shape.scalars++;
        } else if (x->kind != M_SET && x->kind != M_BRACES && x->kind != M_TEXT) {
            shape.sets++;
        }
    }
    return shape;
}

/* x = 1 or 2; 1, 2 */
static bool read_values(set_work *w, math_side s)
{
    bool ok = true;
    for (uint32_t i = 0; i < math_side_node(s)->n && ok; i++) {
        math_side item = math_side_kid(s, i);
        if (math_side_node(item)->kind == M_REL)
            ok = sets_read(w, item);
        else
            ok = sets_op(w, SET_EMPTY) && add_point(w, item);
        ok = ok && (i == 0 || sets_op(w, SET_UNION));
    }
    return ok;
}

/* Conditions joined by "and" all hold. A comma is also written between cases, and so is "and"
 * between solutions: "x < 1, x > 3" and "x = 1 and x = 2" hold of no number, and are read as cases.
 */
static bool read_system(set_work *w, math_side s, bool maybe_cases)
{
    uint32_t n = math_side_node(s)->n;
    if (!maybe_cases)
        return read_folded(w, s, SET_INTERSECT);
    bool ok = true;
    for (uint32_t i = 0; i < n && ok; i++)
        ok = sets_read(w, math_side_kid(s, i));
    return ok && sets_system(w, n);
}

static bool read_list(set_work *w, math_side s)
{
    const math_node *x = math_side_node(s);
    list_shape shape = shape_of(s);
    if (shape.scalars && shape.scalars + shape.equations == x->n)
        return read_values(w, s);
    if (shape.sets == x->n || (x->op == JOIN_OR && shape.sets + shape.relations == x->n))
        return read_folded(w, s, SET_UNION);
    if (shape.relations == x->n)
        return read_system(w, s, x->op != JOIN_AND || shape.equations == x->n);
    return sets_fail(w, WHY_OPAQUE);
}

/* ---- words ---- */

static bool read_words(set_work *w, math_side s)
{
    static const char *const none[] = { "no solution",       "no solutions", "no real solution",
                                        "no real solutions", "empty set",    "the empty set" };
    static const char *const all[] = { "all real numbers", "all reals", "all real", "real numbers",
                                       "any real number" };
    assay_str text = math_text(s.tree, s.id);
    for (size_t i = 0; i < sizeof none / sizeof *none; i++)
        if (pc_is(text, none[i]))
            return sets_op(w, SET_EMPTY);
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (pc_is(text, all[i]))
            return read_line(w);
    return sets_fail(w, WHY_OPAQUE);
}

bool sets_read(set_work *w, math_side s)
{
    if (!math_spend(w->budget, 1))
        return sets_fail(w, WHY_BUDGET);
    switch (math_side_node(s)->kind) {
    case M_INTERVAL:
    case M_TUPLE:
    case M_SQUARE:
        return read_interval(w, s);
    case M_SET:
    case M_BRACES:
        return read_points(w, s);
    case M_UNION:
        return read_folded(w, s, SET_UNION);
    case M_INTERSECT:
        return read_folded(w, s, SET_INTERSECT);
    case M_SETMINUS:
        return read_folded(w, s, SET_WITHOUT);
    case M_NAMED:
        return read_named(w, s);
    case M_EMPTY:
        return sets_op(w, SET_EMPTY);
    case M_SETBUILDER:
        return read_builder(w, s);
    case M_LIST:
        return read_list(w, s);
    case M_REL:
        return read_relation(w, s);
    case M_TEXT:
        return read_words(w, s);
    default:
        return sets_fail(w, WHY_OPAQUE);
    }
}
/* NOLINTEND(misc-no-recursion) */
