/* lex_state.h -- what the parts of the lexer share: its state, and how tokens, braces and bare
 * arguments are put out. Internal. SPDX-License-Identifier: Apache-2.0 */
#ifndef MATH_LEX_STATE_H
#define MATH_LEX_STATE_H
#include "math/lex.h"

/* How an argument that stands without braces is taken. */
enum {
    ROLE_NONE,
    ROLE_TEX,  /* \frac12, \sqrt2: one digit, one letter, one command */
    ROLE_SUP,  /* x^10, x^-1, e^(x+1), e^sin(x): all digits, a sign, a bracket, a known name */
    ROLE_SUB,  /* x_12: all digits */
    ROLE_LOG,  /* \log_28: one digit, or 10 */
    ROLE_ROOT, /* U+221A: as ROLE_SUP */
    ROLE_PY    /* x**abc: a whole name */
};

typedef enum frame_kind {
    F_BRACE, /* { of the text */
    F_DROP,  /* { of \text{ and the like: neither it nor its } becomes a token */
    F_VOID,  /* { of \phantom{ and the like: its tokens are taken back */
    F_BARE,  /* opened for a bare argument: closed as soon as one item is complete */
    F_PAREN, /* a ( that serves as the brace of an argument: e^(x+1) */
    F_GROUP, /* a ( inside a bare argument: x^-(y+1), x**sqrt(3) */
    F_INDEX, /* [ of \sqrt[3]{x} */
    F_ENV    /* \begin{..} */
} frame_kind;

typedef struct frame {
    uint8_t kind, role;   /* of the argument this frame is */
    uint8_t want;         /* arguments still due once it is closed */
    uint8_t role_then;    /* and how they are taken */
    uint8_t then;         /* of F_VOID: kind of the braces behind it; F_BRACE: nothing special */
    bool roman, over;     /* roman: outside; over: \over was seen in it */
    uint32_t first, shut; /* the token after its opening one; `shut` outside */
    uint32_t base;        /* `shut` at its start */
    uint32_t parens;      /* brackets open in it */
} frame;

typedef struct state {
    lexer *lx;
    assay_str s; /* LaTeX in UTF-8; its copy is the head of the pool */
    size_t i;
    unsigned want, role; /* arguments due at this very place */
    uint32_t depth, envs;
    uint32_t shut; /* (, [, \{ that are open: a comma inside separates */
    uint32_t angles;
    bool spaced, roman, over, dollars_are_money, bars_are_norms;
    bool no_groups;   /* a plain comma parts here, it never groups */
    size_t ungrouped; /* before it no separator groups digits */
    size_t last_gt;   /* where the last > stands; PC_NONE: nowhere */
    frame stack[MATH_DEPTH];
} state;

static inline char lex_at(const state *st, size_t i) /* 0 beyond the end */
{
    if (i < st->s.len)
        return st->s.data[i];
    return 0;
}
static inline bool lex_ahead(const state *st, size_t i, const char *text)
{
    return pc_starts(pc_from(st->s, i), text);
}
static inline size_t lex_blanks(const state *st, size_t i) /* past white space */
{
    while (i < st->s.len && pc_is_space(st->s.data[i]))
        i++;
    return i;
}
static inline size_t lex_digits(const state *st, size_t i) /* how many from here */
{
    size_t n = 0;
    while (i + n < st->s.len && pc_is_digit(st->s.data[i + n]))
        n++;
    return n;
}
static inline frame *lex_top(state *st)
{
    return st->depth ? &st->stack[st->depth - 1] : NULL;
}
static inline bool lex_is_bare(state *st) /* inside a bare argument whose item is not complete */
{
    return st->depth && st->stack[st->depth - 1].kind == F_BARE;
}
static inline unsigned lex_role(state *st) /* how what comes now is taken */
{
    if (st->want)
        return st->role;
    return lex_is_bare(st) ? st->stack[st->depth - 1].role : ROLE_NONE;
}
static inline uint8_t lex_last(const state *st) /* kind of the last token */
{
    return st->lx->n ? st->lx->tokens[st->lx->n - 1].kind : (uint8_t)T_END;
}

/* A bracket that no } may close, nor \end. */
static inline bool lex_is_bracket(const frame *f)
{
    return f && (f->kind == F_PAREN || f->kind == F_GROUP || f->kind == F_INDEX);
}

/* lex_frame.c. All return false where lexing is given up (lx->why says why, or memory ran out). */
bool lex_push(state *st, math_tok kind, size_t at, size_t len); /* text: pool[at .. at + len) */
bool lex_push_text(state *st, math_tok kind, const char *text); /* text: appended to the pool */
bool lex_begin_item(state *st); /* opens the brace of a bare argument where one is due */
bool lex_end_item(state *st);   /* closes the bare arguments that are complete now */
bool lex_item(state *st, math_tok kind, size_t at, size_t len); /* begin, push, end */
bool lex_item_text(state *st, math_tok kind, const char *text);
bool lex_punct(state *st, math_tok kind, const char *text); /* no argument: what was due is not */
bool lex_cancel(state *st);                                 /* what was due is not */
bool lex_open_frame(state *st, frame_kind kind);            /* pushes its { unless F_DROP, F_VOID */
bool lex_close_frame(state *st);                            /* pushes its } and so on */
bool lex_open_paren(state *st, const char *text);
bool lex_close_paren(state *st);
bool lex_open_square(state *st);
bool lex_close_square(state *st);
/* lex.c */
bool lex_sign(state *st, char c, size_t len); /* + or -, `len` bytes of text */
bool lex_bar(state *st, char side, size_t len);
bool lex_super(state *st);
bool lex_word(state *st);
/* lex_prepare.c: fills in what precedes `stack`. */
bool lex_prepare(state *st, assay_str text);
/* lex_number.c: a digit, or a point and a digit, stands at st->i. */
bool lex_number(state *st);
bool lex_repeats(const state *st, size_t i); /* \overline{3} or the like stands at i */
/* lex_command.c: a backslash stands at st->i. */
bool lex_command(state *st);
bool lex_named(state *st, size_t from, size_t end); /* the command s[from..end), backslash or not */
/* lex_unicode.c: LaTeX for what is not ASCII, into `out`. The reason for a refusal, or NULL. */
const char *lex_unicode(pc_buf *out, assay_str text);
bool lex_is_letter(uint32_t cp); /* of what is not ASCII: a letter or a mark */
#endif
