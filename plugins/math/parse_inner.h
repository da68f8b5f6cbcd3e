/* parse_inner.h -- what the parser's files share. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_PARSE_INNER_H
#define MATH_PARSE_INNER_H
#include "math/parse.h"

static inline const token *tok(const math_parser *p, uint32_t ahead)
{
    uint32_t i = p->at + ahead;
    return &p->lx.tokens[i < p->lx.n ? i : p->lx.n];
}
static inline math_tok kind(const math_parser *p)
{
    return (math_tok)tok(p, 0)->kind;
}
static inline math_tok kind_ahead(const math_parser *p, uint32_t ahead)
{
    return (math_tok)tok(p, ahead)->kind;
}
static inline assay_str text_ahead(const math_parser *p, uint32_t ahead)
{
    const token *t = tok(p, ahead);
    return (assay_str){ p->lx.pool.data + t->at, t->len };
}
static inline assay_str text(const math_parser *p)
{
    return text_ahead(p, 0);
}
static inline bool take(math_parser *p, math_tok k)
{
    if (kind(p) != k)
        return false;
    p->at++;
    return true;
}
static inline bool is_word(const math_parser *p, uint32_t ahead, const char *word)
{
    return kind_ahead(p, ahead) == T_WORD && pc_is_nocase(text_ahead(p, ahead), word);
}
static inline math_id refuse(math_parser *p, const char *why)
{
    if (!p->why)
        p->why = why;
    return 0;
}
static inline assay_str str(const char *literal)
{
    return (assay_str){ literal, strlen(literal) };
}

/* A place to come back to when a reading fails. */
typedef struct mark {
    uint32_t at, n, n_kids, n_stack, n_cuts, bars, integrals, i_indices;
    size_t pool;
    math_id variable;
    bool colon_ends;
    const char *why;
} mark;
mark math_mark(const math_parser *p);
void math_back(math_parser *p, mark m);

/* Takes the first `len` letters off the current word; what is left is the current word then. */
bool math_cut_word(math_parser *p, uint32_t len);

/* Children are pushed one by one, then become a node; `from` is n_stack before the first. */
bool math_push(math_parser *p, math_id id);
math_id math_pop(math_parser *p, uint32_t from, math_kind k, unsigned op);
/* As math_pop, but of one child the child itself. */
math_id math_pop_or_one(math_parser *p, uint32_t from, math_kind k, unsigned op);

/* parse_expr.c. Binding powers: what binds at least as tight as `least` is read. */
enum {
    BIND_SUM = 10,
    BIND_PRODUCT = 20,
    BIND_DENOMINATOR = 25, /* a/2b is a/(2b), 1/2 b and 1/2b are b/2 */
    BIND_ARGUMENT = 26,    /* sin 2x cos y is sin(2x) cos y */
    BIND_FACTOR = 30
};
math_id math_parse_expr(math_parser *p, unsigned least);
math_id math_negated(math_tree *t, math_id a);
bool math_starts_atom(const math_parser *p, uint32_t ahead);

/* parse_atom.c, parse_word.c, parse_group.c, parse_big.c */
math_id math_parse_atom(math_parser *p);
math_id math_parse_braced(math_parser *p); /* { anything }: an argument */
math_id math_parse_number(math_parser *p);
math_id math_parse_word(math_parser *p);
math_id math_parse_command(math_parser *p);
math_id math_parse_group(math_parser *p);
math_id math_parse_environment(math_parser *p);
math_id math_parse_big(math_parser *p, math_kind k); /* sums, products, integrals, limits */
bool math_take_differential(math_parser *p);         /* dx, where an integral waits for it */
math_id math_symbol(math_parser *p, assay_str head, bool roman);
math_fn math_function_named(assay_str name); /* "sin", "arcsin", "asin", "Abs" */
bool math_is_function_ahead(const math_parser *p);

/* parse_sympy.c: Matrix(..), Interval(..) and the like; *does: one stands here. */
math_id math_parse_printed(math_parser *p, bool *does);

/* parse_answer.c */
math_id math_parse_item(math_parser *p); /* a relation, an expression with its unit, a ratio */
math_id
math_parse_list(math_parser *p); /* items with , ; and or between them; to the first other token */
math_join math_joins(const math_parser *p, bool *does); /* is the next token a separator? */
math_id math_parse_units(math_parser *p,
                         math_id value); /* what follows a value: cm, percent, dollars */
bool math_starts_unit(const math_parser *p, math_id value);
/* Is the next token an operator between sets, of which `left` is the first? "U" is only there. */
math_kind math_set_operator(const math_parser *p, math_id left);
#endif
