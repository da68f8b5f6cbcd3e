/* lex_known.h -- the commands the lexer knows, and what it does with them. Internal.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_LEX_KNOWN_H
#define MATH_LEX_KNOWN_H
#include "math/lex.h"

typedef enum known_what {
    K_TOKEN, /* token and text; no argument of anything */
    K_ITEM,  /* token and text (NULL: as written), then `args` arguments; may be an argument */
    K_SKIP,  /* spacing, sizes: falls away */
    K_LEFT,  /* \left and the like: a | behind it opens */
    K_RIGHT, /* a | behind it closes */
    K_BIG,   /* size of a delimiter, which side it does not say */
    K_MIDDLE,
    K_TEXT,     /* its braces fall away, what is in them is upright */
    K_WRAP,     /* its braces fall away */
    K_SWITCH,   /* upright to the end of the group */
    K_OPERATOR, /* \operatorname */
    K_VOID,     /* what is in its braces falls away; args: 1: then the second braces, 2: and what
                   is in them, 3: without braces it takes what comes next */
    K_BEGIN,
    K_END,
    K_SURD,  /* a root of all digits */
    K_OVER,  /* {a \over b} */
    K_BB,    /* \R: text is the letter */
    K_BAR,   /* text: the side */
    K_OPEN,  /* a bracket: token and text */
    K_CLOSE, /* likewise */
    K_LSQUARE,
    K_RSQUARE,
    K_LPAREN,
    K_RPAREN,
    K_BIGOP, /* \bigcup: as K_TOKEN, but as written where limits follow */
    K_DEG,   /* \deg: degrees behind a number */
    K_NOT    /* \not */
} known_what;

typedef struct known {
    const char *name;
    uint8_t what, kind, args, splits; /* splits: \cdotx is \cdot x */
    const char *text;
} known;

const known *lex_known(assay_str name); /* without its backslash; NULL: unknown */
/* The longest command that is a proper prefix of an unknown one and may be split off. */
const known *lex_known_prefix(assay_str name);
#endif
