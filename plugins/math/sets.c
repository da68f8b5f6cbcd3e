/* sets.c -- see sets.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

#include <stdio.h>

/* ---- what looks like a set ---- */

static bool is_infinite(math_side s)
{
    const math_node *x = math_side_node(s);
    return x->kind == M_INF ||
           (x->kind == M_NEG && math_side_node(math_side_kid(s, 0))->kind == M_INF);
}

/* Depth: the tree's. NOLINTNEXTLINE(misc-no-recursion) */
bool math_is_real_set(math_side s)
{
    const math_node *x = math_side_node(s);
    assay_str ops = math_text(s.tree, s.id);
    switch (x->kind) {
    case M_INTERVAL:
    case M_UNION:
    case M_INTERSECT:
    case M_SETMINUS:
    case M_EMPTY:
    case M_SETBUILDER:
        return true;
    case M_NAMED:
        return x->op == 'R';
    case M_TUPLE:
    case M_SQUARE:
        return x->n == 2 && !(x->kind == M_TUPLE && x->op) &&
               (is_infinite(math_side_kid(s, 0)) || is_infinite(math_side_kid(s, 1)));
    case M_REL:
        for (size_t i = 0; i < ops.len; i++)
            if (pc_in(ops.data[i], "!<l>gen"))
                return true;
        return pc_is(ops, "=") && math_is_real_set(math_side_kid(s, 1));
    case M_LIST:
        for (uint32_t i = 0; i < x->n; i++)
            if (math_is_real_set(math_side_kid(s, i)))
                return true;
        return false;
    default:
        return false;
    }
}

static bool is_finite_set(math_side s)
{
    unsigned kind = math_side_node(s)->kind;
    return kind == M_SET || kind == M_BRACES || kind == M_LIST || kind == M_EMPTY || kind == M_REL;
}

/* Two pairs, a pair and a list, are not intervals merely because they could be. */
static bool is_asked(math_side a, math_side b)
{
    return math_is_real_set(a) || math_is_real_set(b) || (is_finite_set(a) && is_finite_set(b));
}

/* ---- the comparison ---- */

static void show_cell(set_work *w, uint32_t cell, pc_buf *out)
{
    uint32_t at = cell / 2;
    if (cell & 1) {
        sets_show(w, w->order[at], out);
    } else if (w->n_order == 0) {
        pc_buf_text(out, "every number");
    } else if (at == 0) {
        pc_buf_text(out, "what is below ");
        sets_show(w, w->order[0], out);
    } else if (at == w->n_order) {
        pc_buf_text(out, "what is above ");
        sets_show(w, w->order[at - 1], out);
    } else {
        pc_buf_text(out, "what is between ");
        sets_show(w, w->order[at - 1], out);
        pc_buf_text(out, " and ");
        sets_show(w, w->order[at], out);
    }
}

void sets_note(math_finding *f, const char *text)
{
    snprintf(f->note, sizeof f->note, "%s", text);
}

static math_finding rows_differ(set_work *w, const uint64_t *a, const uint64_t *b)
{
    math_finding f = math_found(MATH_EQUAL, "interval");
    for (uint32_t k = 0; k < w->words; k++) {
        if (a[k] == b[k])
            continue;
        f.truth = MATH_DIFFERENT;
        uint32_t cell = 64 * k + (uint32_t)__builtin_ctzll(a[k] ^ b[k]);
        pc_buf text = { 0 };
        show_cell(w, cell, &text);
        pc_buf_text(&text, sets_bit(a, cell) ? " is in the first only" : " is in the second only");
        if (!text.failed)
            sets_note(&f, text.data);
        pc_buf_fini(&text);
        break;
    }
    return f;
}

static bool same_name(math_side a, math_side b, math_budget *budget)
{
    if (math_same_tree(a.tree, a.id, b.tree, b.id))
        return true;
    const math_node *x = math_side_node(a), *y = math_side_node(b);
    if (x->kind == M_SYM && y->kind == M_SYM)
        return pc_eq(math_text(a.tree, a.id), math_text(b.tree, b.id));
    return x->kind == y->kind && math_expr_equal(a, b, budget).truth == MATH_EQUAL;
}

static math_finding compared(set_work *w, math_side a, math_side b)
{
    bool ok = sets_read(w, a);
    math_side name = w->name;
    w->name = (math_side){ .tree = NULL };
    w->blame = MATH_BLAME_B;
    w->split = w->n_ops;
    ok = ok && sets_read(w, b);
    if (ok && name.tree && w->name.tree && !same_name(name, w->name, w->budget)) {
        math_finding f = math_found(MATH_DIFFERENT, "unknown");
        sets_note(&f, "other unknowns");
        return f;
    }
    if (!ok || !sets_run(w))
        return math_open("interval", w->why, w->why_blame);
    if (w->ill[0] || w->ill[1]) {
        math_finding f = w->ill[0] && w->ill[1] ? math_open("interval", WHY_UNDEFINED, 3)
                                                : math_found(MATH_DIFFERENT, "interval");
        sets_note(&f, "the ends of an interval are the wrong way round");
        return f;
    }
    return rows_differ(w, sets_result(w, 0), sets_result(w, 1));
}

/* Depth: the tree's. NOLINTNEXTLINE(misc-no-recursion) */
bool sets_has_log(math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_FUNC && x->op == FN_LOG)
        return true;
    for (uint32_t i = 0; i < x->n; i++)
        if (sets_has_log(math_side_kid(s, i)))
            return true;
    return false;
}

static math_finding with_base(math_side a, math_side b, unsigned log_base, math_budget *budget)
{
    set_work w;
    sets_init(&w, budget, log_base);
    math_finding f = compared(&w, a, b);
    bool by_shape = f.truth == MATH_UNDECIDED && (w.symbolic || (w.ill[0] && w.ill[1]));
    sets_fini(&w);
    return by_shape ? sets_shape_equal(a, b, budget) : f;
}

math_finding math_set_equal(math_side a, math_side b, math_budget *budget)
{
    if (!is_asked(a, b))
        return math_open("interval", WHY_OPAQUE, MATH_BLAME_A | MATH_BLAME_B);
    math_finding f = with_base(a, b, 10, budget);
    if (f.truth == MATH_EQUAL || !(sets_has_log(a) || sets_has_log(b)))
        return f;
    math_finding natural = with_base(a, b, 0, budget);
    return natural.truth == MATH_EQUAL ? natural : f;
}
