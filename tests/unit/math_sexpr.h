/* math_sexpr.h -- trees for tests without the parser: "(+ 1 (sqrt 2))", "(interval 2 0 (/ 1 2))".
 * Heads: the words of the table below; a number after "interval", "matrix", "base" or "pm" is its
 * op. Atoms: numbers, pi e i inf, R Z N Q C emptyset, "text", other words are unknowns.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_SEXPR_H
#define MATH_SEXPR_H
#include "math/tree.h"

#include <assert.h>
#include <stdlib.h>

typedef struct sexpr_head {
    const char *word;
    math_kind kind;
    unsigned op;
    bool takes_op;
} sexpr_head;

static const sexpr_head *sexpr_find(assay_str w)
{
    static const sexpr_head heads[] = {
        { "+", M_ADD, 0, 0 },
        { "*", M_MUL, 0, 0 },
        { "neg", M_NEG, 0, 0 },
        { "/", M_DIV, 0, 0 },
        { "^", M_POW, 0, 0 },
        { "sqrt", M_SQRT, 0, 0 },
        { "root", M_ROOT, 0, 0 },
        { "logb", M_LOG, 0, 0 },
        { "!", M_FACT, 0, 0 },
        { "!!", M_FACT, 2, 0 },
        { "binom", M_BINOM, 0, 0 },
        { "mod", M_MOD, 0, 0 },
        { "pm", M_PM, 0, 0 },
        { "mp", M_PM, 1, 0 },
        { "percent", M_PERCENT, 0, 0 },
        { "degree", M_DEGREE, 0, 0 },
        { "sum", M_SUM, 0, 0 },
        { "prod", M_PROD, 0, 0 },
        { "int", M_INT, 0, 0 },
        { "lim", M_LIM, 0, 0 },
        { "deriv", M_DERIV, 0, 0 },
        { "tuple", M_TUPLE, 0, 0 },
        { "square", M_SQUARE, 0, 0 },
        { "interval", M_INTERVAL, 0, 1 },
        { "braces", M_BRACES, 0, 0 },
        { "set", M_SET, 0, 0 },
        { "list", M_LIST, JOIN_COMMA, 0 },
        { "and", M_LIST, JOIN_AND, 0 },
        { "or", M_LIST, JOIN_OR, 0 },
        { "builder", M_SETBUILDER, 0, 0 },
        { "union", M_UNION, 0, 0 },
        { "intersect", M_INTERSECT, 0, 0 },
        { "setminus", M_SETMINUS, 0, 0 },
        { "matrix", M_MATRIX, 0, 1 },
        { "family", M_FAMILY, 'Z', 0 },
        { "ratio", M_RATIO, 0, 0 },
    };
    for (size_t k = 0; k < sizeof heads / sizeof *heads; k++)
        if (pc_is(w, heads[k].word))
            return &heads[k];
    return NULL;
}

static inline assay_str sexpr_word(const char **s)
{
    while (pc_is_space(**s))
        ++*s;
    const char *from = *s;
    if (*from == '"') {
        do
            ++*s;
        while (**s != '"');
        ++*s;
        return (assay_str){ from, (size_t)(*s - from) };
    }
    while (**s && !pc_is_space(**s) && **s != ')' && **s != '(')
        ++*s;
    return (assay_str){ from, (size_t)(*s - from) };
}

static inline math_id sexpr_atom(math_tree *t, assay_str w)
{
    if (pc_is_digit(w.data[0]) || w.data[0] == '.')
        return math_leaf(t, M_NUM, w);
    if (w.data[0] == '-')
        return math_1(t, M_NEG, 0, math_leaf(t, M_NUM, pc_from(w, 1)));
    if (w.data[0] == '"')
        return math_leaf(t, M_TEXT, pc_slice(w, 1, w.len - 1));
    if (w.len == 1 && pc_in(w.data[0], "RZNQC"))
        return math_node_new(t, M_NAMED, (unsigned)w.data[0], NULL, 0);
    math_kind kind = pc_is(w, "pi")         ? M_PI
                     : pc_is(w, "e")        ? M_E
                     : pc_is(w, "i")        ? M_I
                     : pc_is(w, "inf")      ? M_INF
                     : pc_is(w, "emptyset") ? M_EMPTY
                                            : M_SYM;
    return math_leaf(t, kind, kind == M_SYM ? w : (assay_str){ "", 0 });
}

/* (rel < 1 x) (rel <l 1 x 2): the operators as bytes of math_relop. (sin x), (f:g x) is g applied
 * to x, (unit:cm 5), (base:8 251). */
static inline math_id sexpr_read(math_tree *t, const char **s)
{
    while (pc_is_space(**s))
        ++*s;
    if (**s != '(')
        return sexpr_atom(t, sexpr_word(s));
    ++*s;
    assay_str head = sexpr_word(s), ops = { "", 0 };
    const sexpr_head *h = sexpr_find(head);
    unsigned op = h ? h->op : 0;
    math_kind kind = h ? h->kind : M_NONE;
    if (h && h->takes_op)
        op = (unsigned)strtoul(sexpr_word(s).data, NULL, 10);
    if (pc_is(head, "rel")) {
        ops = sexpr_word(s);
        kind = M_REL;
    } else if (pc_starts(head, "f:") || pc_starts(head, "unit:")) {
        kind = head.data[0] == 'f' ? M_APPLY : M_UNIT;
        ops = pc_from(head, kind == M_APPLY ? 2 : 5);
    } else if (pc_starts(head, "base:")) {
        kind = M_BASE;
        op = (unsigned)strtoul(head.data + 5, NULL, 10);
        ops = sexpr_word(s);
    } else if (!h) {
        for (unsigned f = 1; f < FN_COUNT; f++)
            if (pc_is(head, math_fn_name((math_fn)f))) {
                kind = M_FUNC;
                op = f;
            }
    }
    assert(kind != M_NONE);
    math_id kids[64];
    uint32_t n = 0;
    for (;;) {
        while (pc_is_space(**s))
            ++*s;
        assert(**s && n < 64);
        if (**s == ')')
            break;
        kids[n++] = sexpr_read(t, s);
    }
    ++*s;
    return math_text_node(t, kind, op, ops, kids, n);
}

static inline math_id sexpr(math_tree *t, const char *text)
{
    math_id id = sexpr_read(t, &text);
    assert(id);
    t->root = id;
    return id;
}
#endif
