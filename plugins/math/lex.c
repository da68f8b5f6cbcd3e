/* lex.c -- see lex.h. Here: tokens, braces and bare arguments, and what is one character; the rest
 * in lex_command.c, lex_number.c, lex_unicode.c. SPDX-License-Identifier: Apache-2.0 */
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

/* A bracket that no } may close, nor \end. */
static bool is_bracket_frame(const frame *f)
{
    return f && (f->kind == F_PAREN || f->kind == F_GROUP || f->kind == F_INDEX);
}

static bool open_brace(state *st)
{
    size_t k = lex_blanks(st, st->i + 1);
    if (lex_at(st, k) == ',' && !st->want) { /* 3{,}5 */
        k = lex_blanks(st, k + 1);
        if (lex_at(st, k) == '}') {
            st->i = k + 1;
            return lex_punct(st, T_COMMA, ",");
        }
    }
    st->i++;
    return lex_open_frame(st, F_BRACE);
}

/* What opened behind the brace that closes here stays open: the parser finds it unbalanced. */
static bool close_brace(state *st)
{
    st->i++;
    if (!lex_cancel(st))
        return false;
    while (is_bracket_frame(lex_top(st)) || lex_is_bare(st))
        st->depth--;
    const frame *f = lex_top(st);
    if (!f || f->kind == F_ENV)
        return lex_push_text(st, T_CLOSE, "}");
    return lex_close_frame(st) && lex_end_item(st);
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
    if (!group && is_bracket_frame(lex_top(st)))
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
    if (is_bracket_frame(f) && f->parens)
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
    if (is_bracket_frame(lex_top(st)))
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
    if (is_bracket_frame(f) && f->parens)
        f->parens--;
    st->shut = st->shut ? st->shut - 1 : 1; /* ]0,1[ opens */
    return lex_push_text(st, T_RSQUARE, "]");
}

bool lex_bar(state *st, char side, size_t len)
{
    const char text[2] = { side, 0 };
    st->i += len;
    if (side != '|' || len != 1 || lex_at(st, st->i) != '|')
        return lex_punct(st, T_BAR, text);
    st->i++;
    if (st->bars_are_norms)
        return lex_punct(st, T_DBAR, "||");
    return lex_punct(st, T_BAR, "|") && lex_push_text(st, T_BAR, "|");
}

/* ---- operators ---- */

/* Does an item start at i, so that a sign before it belongs to the exponent: x^-1, not Z^+? */
static bool item_ahead(const state *st, size_t i, char sign)
{
    static const char *const commands[] = { "\\frac", "\\dfrac", "\\tfrac", "\\sqrt",
                                            "\\pi",   "\\infty", "\\alpha", "\\lambda" };
    char c = lex_at(st, i);
    if (pc_is_digit(c) || (c == '.' && pc_is_digit(lex_at(st, i + 1))))
        return true;
    if (sign == '+' || !c)
        return false;
    if (pc_is_alpha(c) || c == '(' || c == '{')
        return true;
    for (size_t k = 0; c == '\\' && k < sizeof commands / sizeof *commands; k++)
        if (lex_ahead(st, i, commands[k]))
            return true;
    return false;
}

bool lex_sign(state *st, char c, size_t len)
{
    st->i += len;
    math_tok kind = c == '-' ? T_MINUS : T_PLUS;
    const char text[2] = { c, 0 };
    if (!st->want || st->role == ROLE_TEX || st->role == ROLE_LOG)
        return lex_punct(st, kind, text);
    if (st->role == ROLE_SUB || !item_ahead(st, st->i, c))
        return lex_item_text(st, kind, text);
    return lex_begin_item(st) && lex_push_text(st, kind, text); /* and the item follows */
}

static bool plus(state *st)
{
    if (lex_at(st, st->i + 1) == '-') {
        st->i += 2;
        return lex_punct(st, T_PM, "+");
    }
    if (lex_ahead(st, st->i, "+/-")) {
        st->i += 3;
        return lex_punct(st, T_PM, "+");
    }
    return lex_sign(st, '+', 1);
}

static bool minus(state *st)
{
    size_t n = 1;
    while (n < 4 && lex_at(st, st->i + n) == '-') /* -->, but 1--1 is a difference */
        n++;
    if (lex_at(st, st->i + n) != '>')
        return lex_sign(st, '-', 1);
    st->i += n + 1;
    return lex_punct(st, T_CMD, "\\to");
}

static bool star(state *st)
{
    if (lex_at(st, st->i + 1) == '*') {
        st->i += 2;
        if (!lex_punct(st, T_SUP, "^"))
            return false;
        st->want = 1;
        st->role = ROLE_PY;
        return true;
    }
    st->i++;
    if (st->want && st->role == ROLE_SUP) /* z^* */
        return lex_item_text(st, T_TIMES, "*");
    return lex_punct(st, T_TIMES, "*");
}

static bool relation(state *st, char op, size_t len)
{
    const char text[2] = { op, 0 };
    st->i += len;
    return lex_punct(st, T_REL, text);
}

static bool equals(state *st)
{
    static const struct {
        const char *text;
        char op;
    } list[] = { { "==>", REL_IMPLIES },
                 { "=>", REL_IMPLIES },
                 { "=<", REL_LE },
                 { "===", REL_EQUIV },
                 { "==", REL_EQ } };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        bool vector = list[k].op == REL_LE && st->last_gt != PC_NONE && st->last_gt > st->i;
        if (!vector && lex_ahead(st, st->i, list[k].text))
            return relation(st, list[k].op, strlen(list[k].text));
    }
    return relation(st, REL_EQ, 1);
}

static bool less(state *st)
{
    if (lex_ahead(st, st->i, "<=>") || lex_ahead(st, st->i, "<==>"))
        return relation(st, REL_IMPLIES, lex_at(st, st->i + 2) == '>' ? 3 : 4);
    if (lex_at(st, st->i + 1) == '=')
        return relation(st, REL_LE, 2);
    uint8_t before = lex_last(st);
    if (st->last_gt != PC_NONE && st->last_gt > st->i && (before == T_END || before == T_REL)) {
        st->i++; /* v = <1, 2>: there is nothing to be less than something */
        st->angles++;
        st->shut++;
        return lex_punct(st, T_LANGLE, "<");
    }
    return relation(st, REL_LT, 1);
}

static bool greater(state *st)
{
    if (lex_at(st, st->i + 1) == '=')
        return relation(st, REL_GE, 2);
    if (st->angles) {
        st->i++;
        st->angles--;
        st->shut -= st->shut > 0;
        return lex_punct(st, T_RANGLE, ">");
    }
    return relation(st, REL_GT, 1);
}

/* x != 3, but 5!=120. */
static bool bang(state *st)
{
    uint8_t before = lex_last(st);
    bool factorial = !st->spaced && (before == T_NUM || before == T_RPAREN || before == T_CLOSE);
    if (lex_at(st, st->i + 1) == '=' && !factorial)
        return relation(st, REL_NE, lex_at(st, st->i + 2) == '=' ? 3 : 2);
    st->i++;
    return lex_punct(st, T_FACT, "!");
}

static bool colon(state *st)
{
    if (lex_at(st, st->i + 1) == '=')
        return relation(st, REL_EQ, 2);
    st->i++;
    return lex_punct(st, T_COLON, ":");
}

/* ---- superscripts ---- */

/* Past \circ or \degree at i; i: neither is there. */
static size_t circle(const state *st, size_t i)
{
    static const char *const names[] = { "\\circ", "\\degree", "\\textdegree" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++) {
        size_t n = strlen(names[k]);
        if (lex_ahead(st, i, names[k]) && !pc_is_alpha(lex_at(st, i + n)))
            return i + n;
    }
    return i;
}

/* ^\circ, ^{\circ}, and ^{\circ C} as if C stood behind it; 90^o. */
static bool lex_degree(state *st, size_t k, bool braced, bool *done)
{
    size_t past = circle(st, k), end = past > k && braced ? lex_blanks(st, past) : past;
    if (past == k && lex_at(st, k) == 'o' && lex_last(st) == T_NUM) {
        char next = lex_at(st, k + 1);
        if (braced ? next == '}' : !pc_is_alpha(next) && !pc_is_digit(next))
            end = k + 1;
    }
    *done = end > k;
    if (!*done)
        return true;
    st->i = end;
    if (!lex_punct(st, T_DEGREE, "\\degree"))
        return false;
    return !braced || lex_open_frame(st, F_DROP);
}

/* ^\prime, ^{\prime\prime}, ^': one token a prime. */
static bool lex_primes(state *st, size_t k, bool braced, bool *done)
{
    size_t n = 0;
    for (;; n++) {
        k = lex_blanks(st, k);
        if (lex_at(st, k) == '\'')
            k++;
        else if (lex_ahead(st, k, "\\prime") && !pc_is_alpha(lex_at(st, k + 6)))
            k += 6;
        else
            break;
    }
    *done = n > 0 && (!braced || lex_at(st, k) == '}');
    if (!*done)
        return true;
    st->i = k + braced;
    bool ok = lex_cancel(st);
    for (; ok && n; n--)
        ok = lex_push_text(st, T_PRIME, "'");
    return ok;
}

bool lex_super(state *st)
{
    size_t k = lex_blanks(st, st->i + 1);
    bool braced = lex_at(st, k) == '{', done = false;
    k = braced ? lex_blanks(st, k + 1) : k;
    bool ok = lex_degree(st, k, braced, &done);
    if (!done)
        ok = lex_primes(st, k, braced, &done);
    if (done)
        return ok;
    st->i++;
    if (!lex_punct(st, T_SUP, "^"))
        return false;
    st->want = 1;
    st->role = ROLE_SUP;
    return true;
}

static bool lex_sub(state *st)
{
    const lexer *lx = st->lx;
    bool log = lex_last(st) == T_CMD && pc_is(math_tok_text(lx, lx->n - 1), "\\log");
    st->i++;
    if (!lex_punct(st, T_SUB, "_"))
        return false;
    st->want = 1;
    st->role = log ? ROLE_LOG : ROLE_SUB;
    return true;
}

/* ---- words ---- */

/* Names that a power written without braces takes whole: e^sin(x), 2^pi. */
static bool is_known_name(assay_str w)
{
    static const char *const names[] = { "sqrt", "sin",    "cos",    "tan",    "cot",  "sec",
                                         "csc",  "ln",     "log",    "exp",    "pi",   "abs",
                                         "sinh", "cosh",   "tanh",   "arcsin", "asin", "arccos",
                                         "acos", "arctan", "atan",   "cbrt",   "inf",  "floor",
                                         "ceil", "theta",  "lambda", "alpha",  "beta", "infty" };
    for (size_t k = 0; k < sizeof names / sizeof *names; k++)
        if (pc_is(w, names[k]))
            return true;
    return false;
}

/* Past the letters at i: ASCII with accents, or another script, whichever comes first. */
static size_t letters(const state *st, size_t i)
{
    enum { LATIN_END = 0x370 }; /* Latin letters and the accents above any letter end here */
    bool latin = false, other = false;
    while (i < st->s.len) {
        if (pc_is_alpha(st->s.data[i]) && !other) {
            latin = true;
            i++;
            continue;
        }
        if ((unsigned char)st->s.data[i] < 0x80)
            break;
        uint32_t cp;
        size_t n = pc_utf8(st->s, i, &cp);
        if (!lex_is_letter(cp) || (cp >= LATIN_END && latin))
            break;
        latin = latin || cp < 0x300;
        other = other || cp >= LATIN_END;
        i += n;
    }
    return i;
}

bool lex_word(state *st)
{
    unsigned how = lex_role(st);
    size_t from = st->i, end = letters(st, from);
    bool call = false;
    if (how != ROLE_NONE && how != ROLE_PY) {
        bool whole =
            how != ROLE_TEX && how != ROLE_SUB && is_known_name(pc_slice(st->s, from, end));
        if (!whole && pc_is_alpha(st->s.data[from]))
            end = from + 1;
    }
    if (how != ROLE_NONE)
        call = end - from > 1 && how != ROLE_TEX && how != ROLE_SUB && lex_at(st, end) == '(';
    st->i = end;
    if (!call)
        return lex_item(st, T_WORD, from, end - from);
    return lex_begin_item(st) && lex_push(st, T_WORD, from, end - from); /* its bracket follows */
}

/* ---- the rest ---- */

static bool lex_other(state *st)
{
    uint32_t cp;
    size_t n = pc_utf8(st->s, st->i, &cp), from = st->i;
    if (lex_is_letter(cp))
        return lex_word(st);
    st->i += n;
    return lex_item(st, T_OTHER, from, n);
}

static bool lex_dollar(state *st)
{
    st->i++;
    if (st->dollars_are_money)
        return lex_item_text(st, T_MONEY, "$");
    st->spaced = true;
    return true;
}

static bool lex_ampersand(state *st)
{
    static const struct {
        const char *name;
        math_tok kind;
        const char *text;
    } list[] = { { "&lt;", T_REL, "<" },     { "&gt;", T_REL, ">" }, { "&le;", T_REL, "l" },
                 { "&ge;", T_REL, "g" },     { "&ne;", T_REL, "!" }, { "&minus;", T_MINUS, "-" },
                 { "&times;", T_TIMES, "x" } };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (lex_ahead(st, st->i, list[k].name)) {
            st->i += strlen(list[k].name);
            return lex_punct(st, list[k].kind, list[k].text);
        }
    size_t n = lex_ahead(st, st->i, "&nbsp;") ? 6 : 1;
    st->i += n;
    st->spaced = st->spaced || n > 1;
    return n > 1 || lex_punct(st, T_AMP, "&");
}

static bool lex_point(state *st)
{
    if (pc_is_digit(lex_at(st, st->i + 1)))
        return lex_number(st);
    if (!lex_ahead(st, st->i, "..."))
        return lex_other(st);
    while (lex_at(st, st->i) == '.')
        st->i++;
    return lex_item_text(st, T_DOTS, "\\ldots");
}

static bool one(state *st, math_tok kind, const char *text)
{
    st->i++;
    return lex_punct(st, kind, text);
}

static bool lex_mark(state *st, char c)
{
    switch (c) {
    case '*':
        return star(st);
    case '+':
        return plus(st);
    case '-':
        return minus(st);
    case '/':
        return one(st, T_SLASH, "/");
    case '=':
        return equals(st);
    case '<':
        return less(st);
    case '>':
        return greater(st);
    case '!':
        return bang(st);
    case ':':
        return colon(st);
    case ',':
        return one(st, T_COMMA, ",");
    case ';':
        return one(st, T_SEMI, ";");
    case '%':
        return one(st, T_PERCENT, "%");
    case '\'':
        return one(st, T_PRIME, "'");
    case '|':
        return lex_bar(st, '|', 1);
    case '$':
        return lex_dollar(st);
    case '&':
        return lex_ampersand(st);
    case '.':
        return lex_point(st);
    default:
        return lex_other(st);
    }
}

static bool lex_one(state *st)
{
    char c = st->s.data[st->i];
    if (pc_is_digit(c))
        return lex_number(st);
    if (pc_is_alpha(c))
        return lex_word(st);
    switch (c) {
    case ' ':
    case '\t':
    case '\n':
    case '\v':
    case '\f':
    case '\r':
    case '~':
        st->spaced = true;
        st->i++;
        return true;
    case '\\':
        return lex_command(st);
    case '{':
        return open_brace(st);
    case '}':
        return close_brace(st);
    case '^':
        return lex_super(st);
    case '_':
        return lex_sub(st);
    case '(':
        st->i++;
        return lex_open_paren(st, "(");
    case ')':
        st->i++;
        return lex_close_paren(st);
    case '[':
        st->i++;
        return lex_open_square(st);
    case ']':
        st->i++;
        return lex_close_square(st);
    default:
        return lex_mark(st, c);
    }
}

/* ---- before: what only the whole text tells ---- */

typedef struct overview {
    size_t dollars, prices, first_dollar, last_gt;
    size_t begins, ends, norms, bars;
    bool odd_run, doubled_begin; /* of backslashes */
} overview;

static bool starts_number(assay_str s, size_t i)
{
    while (i < s.len && (s.data[i] == ' ' || s.data[i] == '-'))
        i++;
    return i < s.len && (pc_is_digit(s.data[i]) ||
                         (s.data[i] == '.' && i + 1 < s.len && pc_is_digit(s.data[i + 1])));
}

static void see_dollar(overview *v, assay_str s, size_t i)
{
    v->first_dollar = v->dollars++ ? v->first_dollar : i;
    bool digit = i + 1 < s.len && pc_is_digit(s.data[i + 1]);
    v->prices += digit && (i == 0 || pc_is_space(s.data[i - 1]) || pc_in(s.data[i - 1], "([{,;-+"));
}

/* Past the run of backslashes at i, and past the character it escapes. */
static size_t see_backslashes(overview *v, assay_str s, size_t i)
{
    size_t n = 0;
    while (i + n < s.len && s.data[i + n] == '\\')
        n++;
    assay_str rest = pc_from(s, i + n);
    v->odd_run = v->odd_run || n % 2;
    v->doubled_begin = v->doubled_begin || (n % 2 == 0 && pc_starts(rest, "begin{"));
    v->begins += pc_starts(rest, "begin{");
    v->ends += pc_starts(rest, "end{");
    return i + n + (n % 2 && rest.len ? 1 : 0);
}

static overview survey(assay_str s)
{
    overview v = { .last_gt = PC_NONE };
    for (size_t i = 0; i < s.len;) {
        char c = s.data[i];
        if (c == '\\') {
            i = see_backslashes(&v, s, i);
            continue;
        }
        if (c == '$')
            see_dollar(&v, s, i);
        else if (c == '>')
            v.last_gt = i;
        else if (c == '|' && i + 1 < s.len && s.data[i + 1] == '|') {
            v.norms++;
            i++;
        } else if (c == '|')
            v.bars++;
        i++;
    }
    return v;
}

/* Are the dollar signs money? Else they delimit mathematics. */
static bool is_money(const overview *v, assay_str s)
{
    if (v->dollars == 1) {
        size_t i = v->first_dollar;
        size_t before = i > 1 && s.data[i - 1] == ' ' ? i - 2 : i ? i - 1 : 0;
        return starts_number(s, i + 1) || (i && pc_is_digit(s.data[before]));
    }
    return v->dollars && v->dollars % 2 == 0 && v->prices == v->dollars;
}

/* One backslash for two. */
static void halve_backslashes(pc_buf *b)
{
    size_t out = 0;
    for (size_t i = 0; i < b->len; i++) {
        b->data[out++] = b->data[i];
        i += b->data[i] == '\\' && i + 1 < b->len && b->data[i + 1] == '\\';
    }
    b->len = out;
}

static size_t escapes_before(assay_str s, size_t i) /* backslashes that end at i */
{
    size_t n = 0;
    while (n < i && n < 4 && s.data[i - n - 1] == '\\')
        n++;
    return n;
}

/* The length of \end{align*} at the end of s; 0: there is none. */
static size_t end_command(assay_str s)
{
    enum { LONGEST = 32 };
    size_t from = s.len > LONGEST ? s.len - LONGEST : 0;
    size_t at = pc_rfind(pc_from(s, from), "\\end{", s.len - from);
    return at == PC_NONE || pc_find(pc_from(s, from), "}", at) != s.len - from - 1
               ? 0
               : s.len - from - at;
}

/* How much of the end of s is punctuation of the sentence around it, or belongs to mathematics that
 * began before it. */
static size_t trailing(assay_str s, const overview *v, bool money)
{
    size_t n = s.len;
    char c = s.data[n - 1];
    size_t escapes = escapes_before(s, n - 1);
    if (c == '\\')
        return escapes + 1;
    if (escapes % 2)
        return pc_in(c, ",;:!])>") ? 2 : 0;
    if (c == '.' && n >= 3 && s.data[n - 2] == '.' && s.data[n - 3] == '.')
        return 0; /* 0.333... */
    if (pc_in(c, ".,;:"))
        return 1;
    if (c == '$' && !money)
        return 1;
    if (c == '}' && v->ends > v->begins)
        return end_command(s);
    if (c == 'd' && n >= 5 && memcmp(s.data + n - 5, "\\quad", 5) == 0)
        return 5;
    if (c == 'd' && n >= 6 && memcmp(s.data + n - 6, "\\qquad", 6) == 0)
        return 6;
    return 0;
}

static assay_str strip(assay_str s, overview *v, bool money)
{
    s = pc_trim(s);
    if (s.len > 4 && pc_starts(s, "**") && memcmp(s.data + s.len - 2, "**", 2) == 0)
        s = pc_trim(pc_slice(s, 2, s.len - 2)); /* **bold** */
    while (s.len) {
        size_t n = trailing(s, v, money);
        if (n == 0)
            break;
        v->ends -= n > 5 && s.data[s.len - 1] == '}';
        s.len -= n;
        while (s.len && pc_is_space(s.data[s.len - 1]))
            s.len--;
    }
    return s;
}

/* \text{a.m.}, \text{five,}: punctuation that only the braces hid. */
static void drop_punctuation(lexer *lx)
{
    while (lx->n) {
        const token *t = &lx->tokens[lx->n - 1];
        bool point = t->kind == T_OTHER && t->len == 1 && lx->pool.data[t->at] == '.';
        if (!point && t->kind != T_COMMA && t->kind != T_SEMI && t->kind != T_COLON)
            break;
        lx->n--;
    }
}

/* The text to lex in ASCII where it can be: it goes to the head of the pool. */
static bool prepare(state *st, assay_str text)
{
    lexer *lx = st->lx;
    text = text.len ? text : PC_LIT("");
    if (!pc_is_ascii(text)) {
        pc_buf_clear(&lx->plain);
        lx->why = lex_unicode(&lx->plain, text);
        if (lx->why || lx->plain.failed)
            return false;
        text = pc_buf_str(&lx->plain);
    }
    overview v = survey(text);
    if (v.doubled_begin && !v.odd_run) {
        if (text.data != lx->plain.data) {
            pc_buf_clear(&lx->plain);
            pc_buf_add(&lx->plain, text.data, text.len);
        }
        if (lx->plain.failed)
            return false;
        halve_backslashes(&lx->plain);
        text = pc_buf_str(&lx->plain);
        v = survey(text);
    }
    st->dollars_are_money = is_money(&v, text);
    st->bars_are_norms = v.norms % 2 == 0 && v.bars == 0;
    assay_str s = strip(text, &v, st->dollars_are_money);
    st->last_gt = v.last_gt == PC_NONE || v.last_gt < (size_t)(s.data - text.data)
                      ? PC_NONE
                      : v.last_gt - (size_t)(s.data - text.data);
    st->s = s;
    return pc_buf_reserve(&lx->pool, 2 * s.len + 256) &&
           (pc_buf_add(&lx->pool, s.data, s.len), true);
}

static bool lex_all(state *st)
{
    while (st->i < st->s.len)
        if (!lex_one(st))
            return false;
    if (!lex_cancel(st))
        return false;
    drop_punctuation(st->lx);
    if (st->over && !lex_push_text(st, T_CLOSE, "}"))
        return false;
    if (!lex_push_text(st, T_END, ""))
        return false;
    st->lx->n--; /* the end is not counted */
    return true;
}

bool math_lex(lexer *lx, assay_str text)
{
    lx->n = 0;
    lx->why = NULL;
    pc_buf_clear(&lx->pool);
    if (text.len > MATH_BYTES) {
        lx->why = "the answer is too long";
        return false;
    }
    state st;
    memset(&st, 0, offsetof(state, stack)); /* a frame is written before it is read */
    st.lx = lx;
    bool ok = prepare(&st, text) && lex_all(&st);
    if (!ok && !lx->why)
        lx->why = "out of memory";
    return ok;
}

void math_lex_fini(lexer *lx)
{
    pc_free(lx->tokens);
    pc_buf_fini(&lx->pool);
    pc_buf_fini(&lx->plain);
    *lx = (lexer){ 0 };
}

/* ---- the normal form ---- */

static const char *relation_text(char op)
{
    switch ((math_relop)op) {
    case REL_EQ:
        return "=";
    case REL_NE:
        return "\\ne";
    case REL_LT:
        return "<";
    case REL_LE:
        return "\\le";
    case REL_GT:
        return ">";
    case REL_GE:
        return "\\ge";
    case REL_APPROX:
        return "\\approx";
    case REL_EQUIV:
        return "\\equiv";
    case REL_IN:
        return "\\in";
    case REL_NOTIN:
        return "\\notin";
    case REL_SUBSET:
        return "\\subset";
    case REL_IMPLIES:
        return "\\implies";
    case REL_OTHER:
    default:
        return "\\sim";
    }
}

/* The text of a token in the normal form, where it is not the token's own. */
static const char *fixed_text(math_tok kind, assay_str t)
{
    static const char *const texts[T_OTHER + 1] = {
        [T_BAR] = "|",           [T_DBAR] = "\\|",      [T_LANGLE] = "\\langle",
        [T_RANGLE] = "\\rangle", [T_BEGIN] = "\\begin", [T_ENDENV] = "\\end",
    };
    if (kind == T_REL)
        return relation_text(t.len ? t.data[0] : 0);
    if (kind == T_PM)
        return pc_is(t, "-") ? "\\mp" : "\\pm";
    if (kind == T_TIMES)
        return pc_is(t, "x") ? "\\times" : "*";
    return texts[kind];
}

static bool is_wordy(char c)
{
    return pc_is_alpha(c) || pc_is_digit(c) || (unsigned char)c >= 0x80;
}

void math_lex_text(const lexer *lx, uint32_t from, uint32_t to, pc_buf *out)
{
    math_tok before = T_END;
    for (uint32_t i = from; i < to; i++) {
        assay_str t = math_tok_text(lx, i), own = t;
        math_tok kind = (math_tok)lx->tokens[i].kind;
        const char *fixed = fixed_text(kind, t);
        if (fixed)
            t = (assay_str){ fixed, strlen(fixed) };
        char last = i > from && out->len ? out->data[out->len - 1] : 0, first = t.len ? *t.data : 0;
        bool words = is_wordy(last) && is_wordy(first);
        bool point = (last == '.' && kind == T_NUM) || (first == '.' && before == T_NUM);
        if (words || point)
            pc_buf_byte(out, ' ');
        pc_buf_add(out, t.data, t.len);
        if (kind == T_BEGIN || kind == T_ENDENV) {
            pc_buf_byte(out, '{');
            pc_buf_add(out, own.data, own.len);
            pc_buf_byte(out, '}');
        }
        before = kind;
    }
}
