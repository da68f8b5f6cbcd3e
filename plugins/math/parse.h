/* parse.h -- answer text to a tree: LaTeX, plain text, Unicode, Python-like. Pratt parser over
 * lex.h's tokens.
 *
 * Linear in the text but for brackets tried twice; depth, nodes and digits are capped. What is not
 * mathematics becomes M_TEXT; what looks like mathematics and does not parse is refused (why).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_PARSE_H
#define MATH_PARSE_H
#include "math/lex.h"
#include "math/tree.h"

/* A word that was cut into letters as it was read: to be mended when the reading fails. */
typedef struct math_cut {
    uint32_t token, at, len;
    bool spaced;
} math_cut;

typedef struct math_parser {
    lexer lx;
    math_tree *tree; /* where the answer goes; the caller's */
    math_id *stack;  /* children being collected */
    math_cut *cuts;
    uint32_t n_stack, cap_stack, n_cuts, cap_cuts;
    uint32_t at, depth;
    uint32_t bars;      /* |...| that are open: the next | closes */
    uint32_t integrals; /* that wait for their dx */
    uint32_t i_indices; /* sums whose index is i: no imaginary unit there */
    math_id variable;   /* the one of the last dx; 0: none was met yet */
    int side;           /* of the last limit: 0^+ is 1, 0^- is 2 */
    bool is_gold;
    bool colon_ends; /* in \{x : x > 1\} a colon is no ratio */
    const char *why; /* of the first refusal */
} math_parser;

/* tree->root is the answer, or 0 with p->why set. `is_gold`: of a chain x = 1 + 1 = 2 only the name
 * and the last value stay, and nothing is checked; of a prediction all stay, since 41 = 42 is no
 * answer. */
bool math_parse(math_parser *p, assay_str text, bool is_gold, math_tree *tree);
void math_parser_fini(math_parser *p);

/* The tree as LaTeX that math_parse reads back to an equal answer: for --explain and the tests. */
void math_print(const math_tree *t, math_id id, pc_buf *out);
/* As math_print, but rewritten at random by `seed` into something equal: terms and elements in
 * another order, 1/2 for \frac12, 2/4 for 1/2, x - a for x + (-a), the sides of an equation
 * exchanged. Same seed, same text. */
void math_print_rewritten(const math_tree *t, math_id id, uint64_t seed, pc_buf *out);
#endif
