/* lex.h -- answer text to tokens: LaTeX, plain text and Unicode in one alphabet. Linear; nothing is
 * evaluated.
 *
 * What falls away: spacing commands, \left \right and the like, wrappers (\text{} \mathrm{}
 * \boxed{}: their braces go, their tokens carry `roman`), math delimiters ($, \( \) \[ \]),
 * \phantom{} with its content, zero-width characters, trailing punctuation of the whole answer.
 * What is unified: Unicode operators, digits of every script, superscripts (x² is x^{2}), vulgar
 * fractions, full-width characters become what LaTeX writes; \dfrac is \frac; ** is ^; <= >= != are
 * relations. Bare arguments get braces: \frac12 -> FRAC {1}{2}, \sqrt2x -> SQRT {2} x, but behind ^
 * and _ all digits belong together (x^23 -> x SUP {23}), as do a sign and round brackets: 10^-8 ->
 * SUP {-8}, e^(x+1) -> SUP {x+1}, e^sin(x) -> SUP {sin(x)}. {a \over b} -> {FRAC {a}{b}}.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_LEX_H
#define MATH_LEX_H
#include "math/tree.h"

typedef enum math_tok {
    T_END,
    T_NUM,  /* text as M_NUM's: digits, no separators, at most one point, "(rep)" for a repeating
               part, exponent "e-3" */
    T_WORD, /* ASCII letters, or a run of other letters (Cyrillic, CJK); also upright words; text as
               written */
    T_CMD,  /* a command with its backslash: \sin, \alpha, \lim, \infty, \cup, \ldots, \mathbb (its
               letter follows as {R}) */
    T_FRAC, /* its two arguments follow in braces; also \binom? no: that is T_CMD with braced
               arguments */
    T_SQRT, /* [index] in square brackets may follow, then its argument in braces */
    T_SUP,  /* its argument follows in braces */
    T_SUB,
    T_OPEN,     /* { */
    T_CLOSE,    /* } */
    T_SET_OPEN, /* \{ \lbrace */
    T_SET_CLOSE,
    T_LPAREN,
    T_RPAREN,
    T_LSQUARE, /* [ \lbrack */
    T_RSQUARE,
    T_LANGLE,
    T_RANGLE,
    T_LFLOOR,
    T_RFLOOR,
    T_LCEIL,
    T_RCEIL,
    T_BAR,  /* | \vert \mid \lvert \rvert; text: "(" where it surely opens (\left|, \lvert), ")"
               where it closes, "m" for \mid, else "|" */
    T_DBAR, /* || \| \Vert: a norm */
    T_COMMA,
    T_SEMI,
    T_COLON,
    T_PLUS,
    T_MINUS,
    T_PM,    /* text: "+" for \pm, "-" for \mp */
    T_TIMES, /* \times \cdot * \ast; text: "x" for a cross product, "*" else */
    T_SLASH, /* / \div \over */
    T_FACT,  /* ! */
    T_PRIME, /* ' and ^\prime: one token a prime */
    T_REL,   /* text: one byte, a math_relop */
    T_PERCENT,
    T_MONEY,  /* text: "$", UTF-8 of the sign of other currencies */
    T_DEGREE, /* ^\circ, \degree, the sign */
    T_AMP,    /* & in a matrix */
    T_ROW,    /* \\ or \cr in a matrix */
    T_BEGIN, /* text: name of the environment without a star; its column specification is dropped */
    T_ENDENV,
    T_DOTS, /* \ldots \dots \cdots ... */
    T_OTHER /* any other byte or character */
} math_tok;

typedef struct token {
    uint8_t kind;
    bool spaced;      /* white space or a spacing command stood before it */
    bool roman;       /* inside \text{} or the like */
    bool comma;       /* T_NUM: one plain comma groups it, so that 125,343 may be two numbers */
    uint32_t at, len; /* in lexer.pool */
} token;

enum { MATH_TOKENS = 8192 };

/* One thread's working memory; reused from answer to answer. */
typedef struct lexer {
    token *tokens; /* n, then a T_END */
    uint32_t n, cap;
    pc_buf pool;     /* the tokens' texts */
    pc_buf plain;    /* the input with Unicode replaced */
    const char *why; /* why lexing was given up; NULL: it was not */
} lexer;

/* False: too long, too deep, a bidi control, out of memory (lx->why). Unbalanced braces are left to
 * the parser. */
bool math_lex(lexer *lx, assay_str text);
void math_lex_fini(lexer *lx);
static inline assay_str math_tok_text(const lexer *lx, uint32_t i)
{
    return (assay_str){ lx->pool.data + lx->tokens[i].at, lx->tokens[i].len };
}
/* The tokens' normal form as text, which does not depend on typesetting: rung 2, and M_TEXT of what
 * is not mathematics. `from`..`to` are tokens. */
void math_lex_text(const lexer *lx, uint32_t from, uint32_t to, pc_buf *out);
#endif
