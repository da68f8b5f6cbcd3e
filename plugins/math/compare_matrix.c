/* compare_matrix.c -- sums, products and determinants of matrices, worked out entry by entry as
 * trees. SPDX-License-Identifier: Apache-2.0 */
#include "math/compare_inner.h"

enum { MOST_ENTRIES = 64, MOST_DETERMINANT = 4, MOST_KIDS = 32 };

/* In the scratch tree; columns 0: a scalar, entry[0]. */
typedef struct grid {
    uint32_t rows, columns;
    math_id entry[MOST_ENTRIES];
} grid;

bool match_has_matrix(math_side s) /* NOLINT(misc-no-recursion): the parser bounds depth */
{
    const math_node *n = math_side_node(s);
    if (n->kind == M_MATRIX)
        return true;
    if (!math_is_scalar((math_kind)n->kind))
        return false;
    for (uint32_t i = 0; i < n->n; i++)
        if (match_has_matrix(math_side_kid(s, i)))
            return true;
    return false;
}

static math_id copied(const matcher *m, math_side s)
{
    return math_copy(m->scratch, s.tree, s.id, (assay_str){ "", 0 }, 0);
}

/* Along the first row; `taken`: bits of the columns already used. Depth: the rows, at most
 * MOST_DETERMINANT. NOLINTNEXTLINE(misc-no-recursion) */
static math_id minor(const matcher *m, const grid *g, uint32_t row, uint32_t taken)
{
    math_id terms[MOST_DETERMINANT];
    uint32_t n = 0, sign = 0;
    if (row == g->rows)
        return math_int(m->scratch, 1);
    for (uint32_t c = 0; c < g->columns; c++) {
        if (taken >> c & 1)
            continue;
        math_id rest = minor(m, g, row + 1, taken | 1U << c);
        math_id term = math_2(m->scratch, M_MUL, 0, g->entry[row * g->columns + c], rest);
        terms[n++] = sign++ % 2 ? math_1(m->scratch, M_NEG, 0, term) : term;
    }
    return n == 1 ? terms[0] : math_node_new(m->scratch, M_ADD, 0, terms, n);
}

static bool determinant(const matcher *m, grid *g)
{
    if (g->rows != g->columns || g->rows > MOST_DETERMINANT)
        return false;
    g->entry[0] = minor(m, g, 0, 0);
    g->rows = g->columns = 0;
    return g->entry[0] != 0;
}

static bool read_matrix(const matcher *m, math_side s, grid *out)
{
    const math_node n = *math_side_node(s);
    if (n.n > MOST_ENTRIES || n.op == 0)
        return false;
    *out = (grid){ .rows = n.n / n.op, .columns = n.op };
    for (uint32_t i = 0; i < n.n; i++)
        if (!(out->entry[i] = copied(m, math_side_kid(s, i))))
            return false;
    return !(n.flags & M_DETERMINANT) || determinant(m, out);
}

static bool add(const matcher *m, grid *a, const grid *b)
{
    if (a->rows != b->rows || a->columns != b->columns)
        return false;
    uint32_t n = a->columns ? a->rows * a->columns : 1;
    for (uint32_t i = 0; i < n; i++)
        if (!(a->entry[i] = math_2(m->scratch, M_ADD, 0, a->entry[i], b->entry[i])))
            return false;
    return true;
}

static bool scale(const matcher *m, grid *g, math_kind how, math_id by)
{
    uint32_t n = g->columns ? g->rows * g->columns : 1;
    for (uint32_t i = 0; i < n; i++) {
        g->entry[i] = how == M_NEG ? math_1(m->scratch, M_NEG, 0, g->entry[i])
                                   : math_2(m->scratch, how, 0, g->entry[i], by);
        if (!g->entry[i])
            return false;
    }
    return true;
}

static bool multiply(const matcher *m, grid *a, const grid *b)
{
    if (b->columns == 0)
        return scale(m, a, M_MUL, b->entry[0]);
    if (a->columns == 0) {
        math_id by = a->entry[0];
        *a = *b;
        return scale(m, a, M_MUL, by);
    }
    if (a->columns != b->rows || a->rows * b->columns > MOST_ENTRIES || a->columns > MOST_KIDS)
        return false;
    grid out = { .rows = a->rows, .columns = b->columns };
    for (uint32_t i = 0; i < out.rows * out.columns; i++) {
        math_id terms[MOST_KIDS];
        for (uint32_t k = 0; k < a->columns; k++)
            terms[k] = math_2(m->scratch, M_MUL, 0, a->entry[i / out.columns * a->columns + k],
                              b->entry[k * b->columns + i % out.columns]);
        out.entry[i] =
            a->columns == 1 ? terms[0] : math_node_new(m->scratch, M_ADD, 0, terms, a->columns);
        if (!out.entry[i])
            return false;
    }
    *a = out;
    return true;
}

static bool lower(matcher *m, math_side s, grid *out);

static bool lower_all(matcher *m, math_side s, grid *out) /* NOLINT(misc-no-recursion) */
{
    const math_node n = *math_side_node(s);
    if (!lower(m, math_side_kid(s, 0), out))
        return false;
    for (uint32_t i = 1; i < n.n; i++) {
        grid next;
        if (!lower(m, math_side_kid(s, i), &next) ||
            !(n.kind == M_ADD ? add(m, out, &next) : multiply(m, out, &next)))
            return false;
    }
    return true;
}

/* The parser bounds depth; the budget, how much is copied. NOLINTNEXTLINE(misc-no-recursion) */
static bool lower(matcher *m, math_side s, grid *out)
{
    const math_node n = *math_side_node(s);
    if (!math_spend(m->budget, 8))
        return false;
    if (n.kind == M_MATRIX)
        return read_matrix(m, s, out);
    if (!match_has_matrix(s)) {
        *out = (grid){ .entry = { copied(m, s) } };
        return out->entry[0] != 0;
    }
    grid by;
    switch (n.kind) {
    case M_ADD:
    case M_MUL:
        return lower_all(m, s, out);
    case M_NEG:
        return lower(m, math_side_kid(s, 0), out) && scale(m, out, M_NEG, 0);
    case M_DIV:
        return lower(m, math_side_kid(s, 0), out) && lower(m, math_side_kid(s, 1), &by) &&
               by.columns == 0 && scale(m, out, M_DIV, by.entry[0]);
    case M_FUNC:
        return (n.op == FN_DET || n.op == FN_ABS) && lower(m, math_side_kid(s, 0), out) &&
               out->columns && determinant(m, out);
    default:
        return false;
    }
}

bool match_lower(matcher *m, math_side s, math_side *out)
{
    grid g;
    if (!lower(m, s, &g))
        return false;
    uint32_t n = g.rows * g.columns;
    *out = in_scratch(m, g.columns ? math_node_new(m->scratch, M_MATRIX, g.columns, g.entry, n)
                                   : g.entry[0]);
    return out->id != 0;
}
