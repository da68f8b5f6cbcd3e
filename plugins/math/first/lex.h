/* lex.h -- answer text to tokens: LaTeX spacing, wrappers and delimiters fall away, numbers are
 * read with their thousands separators, Unicode operators become their LaTeX words, \frac12 gets
 * its braces. Linear; nothing is evaluated. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_LEX_H
#define MATH_LEX_H
#include "common/text.h"

typedef enum tok {
    T_END,
    T_NUM,  /* text: digits, at most one '.', an exponent "e-3"; no separators */
    T_WORD, /* letters */
    T_CMD,  /* a command the grammar does not know, with its backslash */
    T_FRAC, /* its two arguments follow in braces */
    T_SQRT,
    T_SUP, /* its argument follows in braces */
    T_SUB,
    T_OPEN, /* { */
    T_CLOSE,
    T_SET_OPEN, /* \{ */
    T_SET_CLOSE,
    T_PAREN_OPEN,
    T_PAREN_CLOSE,
    T_SQUARE_OPEN,
    T_SQUARE_CLOSE,
    T_COMMA,
    T_SEMI,
    T_PLUS,
    T_MINUS,
    T_TIMES, /* \times, \cdot, * */
    T_SLASH,
    T_EQUAL,
    T_PERCENT,
    T_MONEY, /* text: the sign */
    T_DEGREE,
    T_OTHER /* any other byte or character */
} tok;

typedef struct token {
    uint8_t kind;
    bool spaced;      /* white space or a spacing command stood before it */
    bool roman;       /* inside \text{} or the like */
    uint32_t at, len; /* in lexer.pool */
} token;

enum { MATH_TOKENS = 8192, MATH_DEPTH = 256, MATH_BYTES = 65536 };

/* One thread's working memory; reused from answer to answer. */
typedef struct lexer {
    token *tokens; /* n, then a T_END */
    uint32_t n, cap;
    pc_buf pool;     /* the tokens' texts */
    pc_buf plain;    /* the input with Unicode replaced */
    const char *why; /* why lexing was given up; NULL: it was not */
} lexer;

/* False: too long, too deep, a bidi override, out of memory (lx->why). */
bool math_lex(lexer *lx, assay_str text);
void math_lex_fini(lexer *lx);
static inline assay_str math_tok_text(const lexer *lx, uint32_t i)
{
    return (assay_str){ lx->pool.data + lx->tokens[i].at, lx->tokens[i].len };
}
/* The normal form as text: what "the same but for its typesetting" means. `from`..`to` are tokens.
 */
void math_lex_text(const lexer *lx, uint32_t from, uint32_t to, pc_buf *out);
#endif
