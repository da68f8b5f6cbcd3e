/* symbolic_vars.c -- what an expression is made of: its unknowns, which of them are integers, and
 * what stands in the way. SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

enum { FROM_REALS, FROM_INTEGERS /* by their names */, FROM_COUNTS /* whatever their names */ };

typedef struct walk {
    sym_facts *f;
    assay_str bound[SYM_SCOPES];
    uint32_t n_bound, depth;
} walk;

/* The parser reads i and e as constants before it knows that a sum binds them. */
assay_str sym_variable_name(math_side s)
{
    math_kind kind = (math_kind)math_side_node(s)->kind;
    return kind == M_SYM ? math_text(s.tree, s.id)
           : kind == M_I ? PC_LIT("\\i")
           : kind == M_E ? PC_LIT("\\e")
                         : (assay_str){ "", 0 };
}

static bool is_bound(const walk *w, assay_str name)
{
    for (uint32_t i = 0; i < w->n_bound; i++)
        if (pc_eq(w->bound[i], name))
            return true;
    return false;
}

/* n, k, m, j, N, also with an index: names that mean integers where integers are usual. */
static bool is_integer_name(assay_str name)
{
    return name.len > 0 && pc_in(name.data[0], "nkmjN") && (name.len == 1 || name.data[1] == '_');
}

static bool note_unknown(sym_facts *f, assay_str name, int from)
{
    uint32_t at = 0;
    int order = -1;
    while (at < f->n_unknowns && (order = pc_cmp(f->unknown[at], name)) < 0)
        at++;
    if (at == f->n_unknowns || order != 0) {
        if (f->n_unknowns == SYM_UNKNOWNS)
            return false;
        for (uint32_t i = f->n_unknowns++; i > at; i--) {
            f->unknown[i] = f->unknown[i - 1];
            f->is_integer[i] = f->is_integer[i - 1];
            f->is_counting[i] = f->is_counting[i - 1];
        }
        f->unknown[at] = name;
        f->is_integer[at] = f->is_counting[at] = false;
    }
    if (from == FROM_COUNTS || (from == FROM_INTEGERS && is_integer_name(name)))
        f->is_integer[at] = true;
    if (from == FROM_COUNTS)
        f->is_counting[at] = true;
    return true;
}

/* Depth is bounded by the tree's. NOLINTNEXTLINE(misc-no-recursion) */
static bool is_positive_constant(math_side s)
{
    math_kind kind = (math_kind)math_side_node(s)->kind;
    if (kind == M_SQRT || kind == M_POW || kind == M_DIV)
        return is_positive_constant(math_side_kid(s, 0)) &&
               (kind == M_SQRT || is_positive_constant(math_side_kid(s, 1)));
    return kind == M_NUM || kind == M_PI || kind == M_E;
}

static bool is_trigonometric(const math_node *x)
{
    return x->kind == M_FUNC && x->op >= FN_SIN && x->op <= FN_CSC;
}

static bool has_kid(math_side s, math_kind kind)
{
    for (uint32_t i = 0; i < math_side_node(s)->n; i++)
        if (math_side_node(math_side_kid(s, i))->kind == kind)
            return true;
    return false;
}

static bool is_infinity(math_side s)
{
    if (math_side_node(s)->kind == M_NEG)
        s = math_side_kid(s, 0);
    return math_side_node(s)->kind == M_INF;
}

static void note_kind(sym_facts *f, math_side s)
{
    const math_node *x = math_side_node(s);
    math_kind kind = (math_kind)x->kind;
    f->has_pm |= kind == M_PM;
    f->has_apply |= kind == M_APPLY;
    f->has_gcd |= kind == M_FUNC && (x->op == FN_GCD || x->op == FN_LCM);
    f->has_log |= kind == M_FUNC && x->op == FN_LOG;
    f->has_division |=
        kind == M_POW && x->n == 2 && math_side_node(math_side_kid(s, 1))->kind == M_NEG;
    f->has_division |=
        kind == M_DIV && x->n == 2 && math_side_node(math_side_kid(s, 1))->kind != M_NUM;
    f->is_outside |= kind == M_INF || !math_is_scalar(kind);
    f->n_gens += kind == M_PI || kind == M_I || kind == M_E        ? 1
                 : kind == M_POW || kind == M_FUNC || kind > M_POW ? 2
                                                                   : 0;
}

/* Trees are no deeper than MATH_DEPTH, which bounds the recursions below.
 * NOLINTBEGIN(misc-no-recursion) */
static bool walked(walk *w, math_side s, int from, bool in_trig);

/* Sums, products, integrals, limits: the variable is bound in the body; bounds of sums are counts.
 */
static bool walked_binder(walk *w, math_side s, int from, bool in_trig)
{
    const math_node *x = math_side_node(s);
    math_kind kind = (math_kind)x->kind;
    math_side variable = math_side_kid(s, 1);
    bool is_sum = kind == M_SUM || kind == M_PROD;
    bool is_infinite = is_sum && (x->n != 4 || is_infinity(math_side_kid(s, 2)) ||
                                  is_infinity(math_side_kid(s, 3)));
    w->f->has_opaque |= !is_sum || is_infinite;
    for (uint32_t i = 2; i < x->n; i++) {
        if (!is_infinity(math_side_kid(s, i)) &&
            !walked(w, math_side_kid(s, i), is_sum ? FROM_COUNTS : from, false))
            return false;
    }
    if (sym_variable_name(variable).len == 0 || w->n_bound == SYM_SCOPES)
        return false;
    w->bound[w->n_bound++] = sym_variable_name(variable);
    bool ok = walked(w, math_side_kid(s, 0), from, in_trig);
    w->n_bound--;
    return ok;
}

/* What unknowns below s range over, where s itself says so. */
static int from_below(math_side s, int from, bool in_trig)
{
    math_kind kind = (math_kind)math_side_node(s)->kind;
    if (kind == M_FACT || kind == M_BINOM)
        return FROM_COUNTS;
    if (in_trig && kind == M_MUL && has_kid(s, M_PI))
        return FROM_INTEGERS;
    return kind == M_FUNC || kind == M_APPLY || kind == M_DERIV ? FROM_REALS : from;
}

static bool walked(walk *w, math_side s, int from, bool in_trig)
{
    const math_node *x = math_side_node(s);
    math_kind kind = (math_kind)x->kind;
    if (++w->depth > 2 * MATH_DEPTH)
        return false;
    note_kind(w->f, s);
    bool ok = true;
    if (kind == M_SYM) {
        assay_str name = math_text(s.tree, s.id);
        ok = is_bound(w, name) || note_unknown(w->f, name, from);
    } else if ((kind == M_SUM || kind == M_PROD || kind == M_INT || kind == M_LIM) && x->n >= 2) {
        ok = walked_binder(w, s, from, in_trig);
    } else if (kind == M_POW && x->n == 2) {
        math_side base = math_side_kid(s, 0);
        ok = walked(w, base, from, in_trig) &&
             walked(w, math_side_kid(s, 1), is_positive_constant(base) ? from : FROM_INTEGERS,
                    false);
    } else {
        w->f->has_opaque |= kind == M_DERIV;
        int below = from_below(s, from, in_trig);
        bool inside = in_trig || is_trigonometric(x);
        for (uint32_t i = 0; ok && i < x->n; i++)
            ok = walked(w, math_side_kid(s, i), below, inside);
    }
    w->depth--;
    return ok;
}
/* NOLINTEND(misc-no-recursion) */

bool sym_facts_add(sym_facts *f, math_side s)
{
    walk w = { .f = f, .n_bound = 0, .depth = 0 };
    return walked(&w, s, FROM_REALS, false);
}

uint32_t math_unknowns(math_side s, assay_str *out, uint32_t most)
{
    sym_facts f = { .n_unknowns = 0 };
    if (!sym_facts_add(&f, s))
        return most + 1;
    for (uint32_t i = 0; i < f.n_unknowns && i < most; i++)
        out[i] = f.unknown[i];
    return f.n_unknowns <= most ? f.n_unknowns : most + 1;
}
