/* parse_sympy.c -- how SymPy prints what is no expression: Matrix([[1, 2]]), Interval.open(0, 1),
 * Union(a, b), Integral(x, (x, 0, 1)), Eq(x, 2). SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_inner.h"

/* Recursion is bounded by p->depth, which math_parse_expr counts. NOLINTBEGIN(misc-no-recursion) */

typedef enum shape {
    S_MATRIX,
    S_INTERVAL,
    S_PLAIN,    /* a node of the arguments */
    S_RELATION, /* two operands; op: math_relop */
    S_BOUND,    /* body, (variable, from, to) or variable */
    S_LIMIT,    /* body, variable, point, dir='+' */
    S_QUOTIENT  /* Rational(1, 2), Float('0.5') */
} shape;

typedef struct printed {
    const char *name;
    shape shape;
    math_kind kind;
    unsigned op;
} printed;

static const printed list[] = {
    { "Matrix", S_MATRIX, M_MATRIX, 0 },
    { "ImmutableDenseMatrix", S_MATRIX, M_MATRIX, 0 },
    { "ImmutableMatrix", S_MATRIX, M_MATRIX, 0 },
    { "Interval", S_INTERVAL, M_INTERVAL, MATH_LO_CLOSED | MATH_HI_CLOSED },
    { "Union", S_PLAIN, M_UNION, 0 },
    { "Intersection", S_PLAIN, M_INTERSECT, 0 },
    { "Complement", S_PLAIN, M_SETMINUS, 0 },
    { "FiniteSet", S_PLAIN, M_SET, 0 },
    { "Tuple", S_PLAIN, M_TUPLE, 0 },
    { "Point", S_PLAIN, M_TUPLE, 0 },
    { "Point2D", S_PLAIN, M_TUPLE, 0 },
    { "Point3D", S_PLAIN, M_TUPLE, 0 },
    { "Eq", S_RELATION, M_REL, REL_EQ },
    { "Ne", S_RELATION, M_REL, REL_NE },
    { "Lt", S_RELATION, M_REL, REL_LT },
    { "Le", S_RELATION, M_REL, REL_LE },
    { "Gt", S_RELATION, M_REL, REL_GT },
    { "Ge", S_RELATION, M_REL, REL_GE },
    { "Contains", S_RELATION, M_REL, REL_IN },
    { "Integral", S_BOUND, M_INT, 0 },
    { "Sum", S_BOUND, M_SUM, 0 },
    { "Product", S_BOUND, M_PROD, 0 },
    { "Derivative", S_BOUND, M_DERIV, 0 },
    { "Limit", S_LIMIT, M_LIM, 0 },
    { "Rational", S_QUOTIENT, M_DIV, 0 },
    { "Integer", S_QUOTIENT, M_DIV, 0 },
};

static const printed *find(assay_str name)
{
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (pc_is(name, list[k].name))
            return &list[k];
    return NULL;
}

/* Items to the closing bracket, pushed. */
static bool push_arguments(math_parser *p)
{
    uint32_t bars = p->bars;
    bool colon = p->colon_ends, ok = true;
    p->bars = 0;
    p->colon_ends = false;
    do {
        if (is_word(p, 0, "dir") && kind_ahead(p, 1) == T_REL) /* dir='+' */
            while (kind(p) != T_RPAREN && kind(p) != T_END) {
                p->side = kind(p) == T_PLUS ? 1 : kind(p) == T_MINUS ? 2 : p->side;
                p->at++;
            }
        else
            ok = math_push(p, math_parse_item(p));
    } while (ok && take(p, T_COMMA) && kind(p) != T_RPAREN);
    p->bars = bars;
    p->colon_ends = colon;
    return ok && (take(p, T_RPAREN) || refuse(p, "a bracket is not closed") != 0);
}

/* The rows of [[1, 2], [3, 4]], or one column [1, 2]; they replace what was pushed since `from`. */
static math_id matrix_of(math_parser *p, uint32_t from)
{
    math_tree *t = p->tree;
    math_id rows = p->stack[from];
    const math_node n = *math_at(t, rows);
    if (n.kind != M_SQUARE || n.n == 0 || p->n_stack != from + 1)
        return refuse(p, "a matrix that cannot be read");
    p->n_stack = from;
    uint32_t columns = 0;
    for (uint32_t i = 0; i < n.n; i++) {
        math_id row = math_kid(t, rows, i);
        const math_node r = *math_at(t, row);
        uint32_t width = r.kind == M_SQUARE ? r.n : 1;
        if (width == 0 || (i && width != columns))
            return refuse(p, "a matrix whose rows differ in length");
        columns = width;
        for (uint32_t k = 0; k < width; k++)
            if (!math_push(p, r.kind == M_SQUARE ? math_kid(t, row, k) : row))
                return 0;
    }
    return math_pop(p, from, M_MATRIX, columns);
}

/* .open, .Ropen, .Lopen behind Interval; the number of tokens, 0: none. */
static uint32_t interval_suffix(const math_parser *p, unsigned *op)
{
    static const struct {
        const char *name;
        unsigned op;
    } suffixes[] = { { "open", 0 }, { "Ropen", MATH_LO_CLOSED }, { "Lopen", MATH_HI_CLOSED } };
    bool dot = kind_ahead(p, 1) == T_OTHER && pc_is(text_ahead(p, 1), ".");
    for (size_t k = 0; dot && k < 3; k++)
        if (kind_ahead(p, 2) == T_WORD && pc_is(text_ahead(p, 2), suffixes[k].name)) {
            *op = suffixes[k].op;
            return 2;
        }
    return 0;
}

/* Body and (x, a, b), or x. */
static math_id bound_of(math_parser *p, uint32_t from, math_kind k)
{
    math_tree *t = p->tree;
    uint32_t n = p->n_stack - from;
    if (n != 2)
        return refuse(p, "more than one variable");
    math_id kids[4] = { p->stack[from], p->stack[from + 1] };
    const math_node about = *math_at(t, kids[1]);
    p->n_stack = from;
    bool bounds = about.kind == M_TUPLE && about.n == 3;
    for (uint32_t i = 0; bounds && i < 3; i++)
        kids[1 + i] = t->kids[about.first + i];
    if (math_at(t, kids[1])->kind != M_SYM || (!bounds && (k == M_SUM || k == M_PROD)) ||
        (bounds && k == M_DERIV))
        return refuse(p, "bounds that cannot be read");
    return math_node_new(t, k, 0, kids, bounds ? 4 : 2);
}

static math_id limit_of(math_parser *p, uint32_t from)
{
    math_tree *t = p->tree;
    if (p->n_stack - from != 3 || math_at(t, p->stack[from + 1])->kind != M_SYM)
        return refuse(p, "a limit that cannot be read");
    return math_pop(p, from, M_LIM, 0); /* SymPy prints the side it takes by default, too */
}

static math_id build(math_parser *p, const printed *f, uint32_t from, unsigned op)
{
    uint32_t n = p->n_stack - from;
    switch (f->shape) {
    case S_MATRIX:
        return matrix_of(p, from);
    case S_INTERVAL:
        return n == 2 ? math_pop(p, from, M_INTERVAL, op) : refuse(p, "an interval of two");
    case S_RELATION: {
        const char relation[1] = { (char)op };
        math_id kids[2] = { p->stack[from], n == 2 ? p->stack[from + 1] : 0 };
        p->n_stack = from;
        if (n == 2 && op == REL_EQ && math_at(p->tree, kids[1])->kind == M_SET)
            return math_text_node(p->tree, M_REL, 0, str("e"), kids, 2);
        return math_text_node(p->tree, M_REL, 0, (assay_str){ relation, 1 }, kids, 2);
    }
    case S_BOUND:
        return bound_of(p, from, f->kind);
    case S_LIMIT:
        return limit_of(p, from);
    case S_QUOTIENT:
        return math_pop_or_one(p, from, n <= 2 ? M_DIV : M_NONE, 0);
    case S_PLAIN:
    default:
        if (f->kind == M_SETMINUS && n != 2)
            return refuse(p, "a difference of two");
        return f->kind == M_SET || n > 1 ? math_pop(p, from, f->kind, op)
                                         : math_pop_or_one(p, from, f->kind, op);
    }
}

math_id math_parse_printed(math_parser *p, bool *does)
{
    const printed *f = find(text(p));
    unsigned op = f ? f->op : 0;
    uint32_t suffix = f && f->shape == S_INTERVAL ? interval_suffix(p, &op) : 0;
    *does = f && kind_ahead(p, 1 + suffix) == T_LPAREN && !tok(p, 1 + suffix)->spaced;
    if (!*does)
        return 0;
    p->at += 2 + suffix;
    uint32_t from = p->n_stack;
    return push_arguments(p) ? build(p, f, from, op) : 0;
}
/* NOLINTEND(misc-no-recursion) */
