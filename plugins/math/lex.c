/* lex.c -- see lex.h. Here: what is one character, and the loop; the rest in lex_frame.c,
 * lex_command.c, lex_number.c, lex_prepare.c, lex_text.c, lex_unicode.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/lex_state.h"

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
    while (lex_is_bracket(lex_top(st)) || lex_is_bare(st))
        st->depth--;
    const frame *f = lex_top(st);
    if (!f || f->kind == F_ENV)
        return lex_push_text(st, T_CLOSE, "}");
    return lex_close_frame(st) && lex_end_item(st);
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
    bool ahead = st->role == ROLE_SUB ? pc_is_digit(lex_at(st, st->i)) : item_ahead(st, st->i, c);
    if (!ahead)
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

/* Names that a power written without braces takes whole: 2^pi, and e^sin(x) with its brackets. */
static bool is_known_name(assay_str w, bool *function)
{
    static const char *const functions[] = { "sqrt", "cbrt", "sin",    "cos",    "tan",    "cot",
                                             "sec",  "csc",  "ln",     "log",    "exp",    "abs",
                                             "sinh", "cosh", "arcsin", "arccos", "arctan", "asin",
                                             "acos", "atan", "tanh",   "floor",  "ceil" };
    static const char *const constants[] = { "pi",    "inf",    "infty", "oo",
                                             "theta", "lambda", "alpha", "beta" };
    for (size_t k = 0; k < sizeof functions / sizeof *functions; k++)
        if (pc_is(w, functions[k]))
            return *function = true;
    for (size_t k = 0; k < sizeof constants / sizeof *constants; k++)
        if (pc_is(w, constants[k]))
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

/* 1.5x10^3: the x multiplies. */
static bool is_times(const state *st, size_t from, size_t end)
{
    size_t k = lex_blanks(st, end);
    return end == from + 1 && pc_in(st->s.data[from], "xX") && lex_last(st) == T_NUM &&
           lex_ahead(st, k, "10") && pc_in(lex_at(st, k + 2), "^*{");
}

/* frac{1}{2}: a command that lost its backslash. */
static bool is_lost_command(const state *st, size_t from, size_t end)
{
    static const char *const names[] = { "frac", "dfrac", "tfrac", "sqrt", "text",    "mathrm",
                                         "bar",  "boxed", "hat",   "vec",  "overline" };
    for (size_t k = 0; lex_at(st, end) == '{' && k < sizeof names / sizeof *names; k++)
        if (pc_is(pc_slice(st->s, from, end), names[k]))
            return true;
    return false;
}

bool lex_word(state *st)
{
    unsigned how = lex_role(st);
    size_t from = st->i, end = letters(st, from);
    if (how == ROLE_NONE && is_times(st, from, end)) {
        st->i = end;
        return lex_punct(st, T_TIMES, "x");
    }
    if (how == ROLE_NONE && is_lost_command(st, from, end))
        return lex_named(st, from, end);
    bool function = false, takes_all = how != ROLE_TEX && how != ROLE_SUB && how != ROLE_LOG;
    if (how != ROLE_NONE) {
        bool whole = takes_all && is_known_name(pc_slice(st->s, from, end), &function);
        if (!whole && how != ROLE_PY && pc_is_alpha(st->s.data[from]))
            end = from + 1;
    }
    bool call = function && lex_at(st, end) == '(';
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
    if (pc_is_digit(lex_at(st, st->i + 1)) || lex_repeats(st, st->i + 1))
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
    bool ok = lex_prepare(&st, text) && lex_all(&st);
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
