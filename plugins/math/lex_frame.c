/* lex_frame.c -- the lexer: tokens, braces, brackets and bare arguments.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/lex_state.h"

/* ---- tokens ---- */

static bool more_tokens(lexer *lx)
{
    uint32_t cap = lx->cap ? lx->cap * 2 : 64;
    if (lx->n + 1 >= MATH_TOKENS) {
        lx->why = "the answer is too long";
        return false;
    }
    token *more = pc_realloc(lx->tokens, cap, sizeof *more);
    if (!more)
        return false;
    lx->tokens = more;
    lx->cap = cap;
    return true;
}

bool lex_push(state *st, math_tok kind, size_t at, size_t len)
{
    lexer *lx = st->lx;
    if (lx->n + 1 >= lx->cap && !more_tokens(lx))
        return false;
    lx->tokens[lx->n++] = (token){ .kind = (uint8_t)kind,
                                   .spaced = st->spaced,
                                   .roman = st->roman,
                                   .at = (uint32_t)at,
                                   .len = (uint32_t)len };
    st->spaced = false;
    return true;
}

bool lex_push_text(state *st, math_tok kind, const char *text)
{
    pc_buf *pool = &st->lx->pool;
    size_t at = pool->len;
    pc_buf_text(pool, text);
    return !pool->failed && lex_push(st, kind, at, pool->len - at);
}

/* ---- frames: braces, and what stands for them ---- */

bool lex_open_frame(state *st, frame_kind kind)
{
    if (st->depth == MATH_DEPTH) {
        st->lx->why = "the answer nests too deep";
        return false;
    }
    frame *f = &st->stack[st->depth++];
    *f = (frame){ .kind = (uint8_t)kind,
                  .role = (uint8_t)(st->want ? st->role : ROLE_NONE),
                  .want = (uint8_t)(st->want ? st->want - 1 : 0),
                  .role_then = (uint8_t)st->role,
                  .roman = st->roman,
                  .shut = st->shut };
    bool argument = st->want > 0;
    st->want = 0;
    if (argument && kind != F_DROP) /* a comma in \frac{1,234}{5} does not separate */
        st->shut = f->role == ROLE_SUB || kind == F_PAREN;
    bool ok = true;
    if (kind == F_BRACE || kind == F_BARE || kind == F_PAREN || (argument && kind == F_DROP))
        ok = lex_push_text(st, T_OPEN, "{");
    f->first = st->lx->n;
    f->base = st->shut;
    return ok;
}

/* The second braces of \textcolor{red}{x} fall away, those of \rule{..}{..} with what is in them.
 */
static bool after_void(state *st, frame_kind then)
{
    size_t k = lex_blanks(st, st->i);
    if (then == F_BRACE || lex_at(st, k) != '{')
        return true;
    st->i = k + 1;
    return lex_open_frame(st, then);
}

bool lex_close_frame(state *st)
{
    const frame *f = &st->stack[--st->depth];
    st->roman = f->roman;
    st->shut = f->shut;
    st->want = f->want;
    st->role = f->role_then;
    if (f->over && !lex_push_text(st, T_CLOSE, "}"))
        return false;
    switch ((frame_kind)f->kind) {
    case F_VOID:
        st->lx->n = f->first;
        st->spaced = true;
        return after_void(st, f->then);
    case F_INDEX:
        st->want = 1;
        return lex_push_text(st, T_RSQUARE, "]");
    case F_GROUP:
        return lex_push_text(st, T_RPAREN, ")");
    case F_ENV:
        return true;
    case F_DROP:
        return f->role == ROLE_NONE || lex_push_text(st, T_CLOSE, "}");
    case F_BRACE:
    case F_BARE:
    case F_PAREN:
    default:
        return lex_push_text(st, T_CLOSE, "}");
    }
}

bool lex_begin_item(state *st)
{
    return !st->want || lex_open_frame(st, F_BARE);
}

bool lex_end_item(state *st)
{
    bool ok = true;
    while (ok && !st->want && lex_is_bare(st))
        ok = lex_close_frame(st);
    return ok;
}

bool lex_item(state *st, math_tok kind, size_t at, size_t len)
{
    return lex_begin_item(st) && lex_push(st, kind, at, len) && lex_end_item(st);
}

bool lex_item_text(state *st, math_tok kind, const char *text)
{
    return lex_begin_item(st) && lex_push_text(st, kind, text) && lex_end_item(st);
}

bool lex_cancel(state *st)
{
    st->want = 0;
    bool ok = true;
    while (ok && lex_is_bare(st)) {
        ok = lex_close_frame(st);
        st->want = 0;
    }
    return ok;
}

bool lex_punct(state *st, math_tok kind, const char *text)
{
    return lex_cancel(st) && lex_push_text(st, kind, text);
}

/* ---- brackets ---- */

bool lex_open_paren(state *st, const char *text)
{
    if (st->want)
        return lex_open_frame(st, F_PAREN);
    bool group = lex_is_bare(st);
    if (!lex_push_text(st, T_LPAREN, text))
        return false;
    if (group && !lex_open_frame(st, F_GROUP))
        return false;
    if (!group && lex_is_bracket(lex_top(st)))
        lex_top(st)->parens++;
    st->shut++;
    return true;
}

bool lex_close_paren(state *st)
{
    if (!lex_cancel(st))
        return false;
    frame *f = lex_top(st);
    if (f && (f->kind == F_PAREN || f->kind == F_GROUP) && f->parens == 0)
        return lex_close_frame(st) && lex_end_item(st);
    if (lex_is_bracket(f) && f->parens)
        f->parens--;
    st->shut -= st->shut > 0;
    return lex_push_text(st, T_RPAREN, ")");
}

bool lex_open_square(state *st)
{
    if (lex_last(st) == T_SQRT && st->want)
        return lex_push_text(st, T_LSQUARE, "[") && lex_open_frame(st, F_INDEX);
    if (!lex_cancel(st))
        return false;
    if (lex_is_bracket(lex_top(st)))
        lex_top(st)->parens++;
    st->shut++;
    return lex_push_text(st, T_LSQUARE, "[");
}

bool lex_close_square(state *st)
{
    if (!lex_cancel(st))
        return false;
    frame *f = lex_top(st);
    if (f && f->kind == F_INDEX && f->parens == 0)
        return lex_close_frame(st);
    if (lex_is_bracket(f) && f->parens)
        f->parens--;
    st->shut = st->shut ? st->shut - 1 : 1; /* ]0,1[ opens */
    return lex_push_text(st, T_RSQUARE, "]");
}
