/* parse_big.c -- sums, products, integrals, limits: a body, a bound variable, bounds.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_inner.h"

/* Recursion is bounded by p->depth, which math_parse_expr counts. NOLINTBEGIN(misc-no-recursion) */

typedef struct bounds {
    math_id variable, from, to;
} bounds;

/* {k = 1}, {x \to 3}: a letter, what stands between, where it starts or goes. */
static bool parse_under(math_parser *p, bool arrow, bounds *b)
{
    if (!take(p, T_OPEN) || (kind(p) != T_WORD && kind(p) != T_CMD))
        return false;
    bool is_i = kind(p) == T_WORD && pc_is(text(p), "i");
    p->i_indices += is_i;
    b->variable = math_parse_expr(p, BIND_FACTOR);
    if (!b->variable || math_at(p->tree, b->variable)->kind != M_SYM)
        return false;
    bool between = arrow ? kind(p) == T_CMD && pc_is(text(p), "\\to")
                         : kind(p) == T_REL && pc_is(text(p), "=");
    if (!between)
        return false;
    p->at++;
    p->side = 0;
    b->from = math_parse_expr(p, BIND_SUM);
    return b->from && take(p, T_CLOSE);
}

/* A bound of an integral; an empty one is none. */
static bool parse_bound(math_parser *p, math_id *out)
{
    p->at++;
    if (kind(p) == T_OPEN && kind_ahead(p, 1) == T_CLOSE) {
        p->at += 2;
        return true;
    }
    *out = math_parse_braced(p);
    return *out != 0;
}

static math_id parse_integral(math_parser *p)
{
    bounds b = { 0 };
    while (kind(p) == T_SUB || kind(p) == T_SUP)
        if (!parse_bound(p, kind(p) == T_SUB ? &b.from : &b.to))
            return refuse(p, "the bounds of an integral cannot be read");
    math_id outer = p->variable;
    p->variable = 0;
    p->integrals++;
    math_id body = math_parse_expr(p, BIND_SUM);
    p->integrals--;
    b.variable = p->variable;
    p->variable = outer;
    if (!body || !b.variable)
        return refuse(p, "an integral without its dx");
    if (!b.from != !b.to)
        return refuse(p, "an integral with one bound");
    const math_id kids[] = { body, b.variable, b.from, b.to };
    return math_node_new(p->tree, M_INT, 0, kids, b.from ? 4 : 2);
}

math_id math_parse_big(math_parser *p, math_kind k)
{
    uint32_t i_indices = p->i_indices;
    bounds b = { 0 };
    p->at++;
    if (k == M_INT)
        return parse_integral(p);
    while (kind(p) == T_SUB || kind(p) == T_SUP) {
        bool under = kind(p) == T_SUB;
        p->at++;
        if (under && !parse_under(p, k == M_LIM, &b))
            return refuse(p, "the index of a sum, product or limit cannot be read");
        if (!under && !(b.to = math_parse_braced(p)))
            return 0;
    }
    int side = p->side;
    math_id body = math_parse_expr(p, BIND_PRODUCT);
    p->i_indices = i_indices;
    if (!b.variable || (k != M_LIM && !b.to))
        return refuse(p, "a sum, product or limit without bounds");
    if (k == M_FAMILY) { /* the union over all integers */
        bool all = math_at(p->tree, b.to)->kind == M_INF && math_at(p->tree, b.from)->kind == M_NEG;
        return all ? math_2(p->tree, M_FAMILY, 'Z', body, b.variable)
                   : refuse(p, "a union over some of the integers");
    }
    const math_id kids[] = { body, b.variable, b.from, b.to };
    return math_node_new(p->tree, k, k == M_LIM ? (unsigned)side : 0, kids, k == M_LIM ? 3 : 4);
}

/* dx; d followed by a Greek letter; an upright d followed by its letter. */
bool math_take_differential(math_parser *p)
{
    if (!p->integrals || p->variable || kind(p) != T_WORD)
        return false;
    assay_str w = text(p);
    if (w.len == 0 || w.data[0] != 'd' || w.len > 2)
        return false;
    if (w.len == 2) {
        p->variable = math_leaf(p->tree, M_SYM, pc_from(w, 1));
        p->at++;
        return p->variable != 0;
    }
    bool letter =
        (kind_ahead(p, 1) == T_WORD && text_ahead(p, 1).len == 1) || kind_ahead(p, 1) == T_CMD;
    if (!letter)
        return false;
    assay_str x = text_ahead(p, 1);
    p->variable = math_leaf(p->tree, M_SYM, kind_ahead(p, 1) == T_CMD ? pc_from(x, 1) : x);
    p->at += 2;
    return p->variable != 0;
}
/* NOLINTEND(misc-no-recursion) */
