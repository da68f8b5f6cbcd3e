/* lex.c -- see lex.h. SPDX-License-Identifier: Apache-2.0 */
#include "math/first/lex.h"

/* ---- Unicode to LaTeX ---- */

typedef struct glyph {
    uint32_t cp;
    const char *latex;
} glyph;
static const glyph glyphs[] = {
    /* ascending */
    { 0x00A0, " " },
    { 0x00A3, "\\pounds " },
    { 0x00A5, "\\yen " },
    { 0x00AD, "" },
    { 0x00B0, "^{\\circ}" },
    { 0x00B1, "\\pm " },
    { 0x00B2, "^{2}" },
    { 0x00B3, "^{3}" },
    { 0x00B7, "\\cdot " },
    { 0x00B9, "^{1}" },
    { 0x00BC, "\\frac{1}{4}" },
    { 0x00BD, "\\frac{1}{2}" },
    { 0x00BE, "\\frac{3}{4}" },
    { 0x00D7, "\\times " },
    { 0x00F7, "/" },
    { 0x03C0, "\\pi " },
    { 0x2002, " " },
    { 0x2003, " " },
    { 0x2005, " " },
    { 0x2009, "\\," },
    { 0x200A, "\\," },
    { 0x200B, "" },
    { 0x200C, "" },
    { 0x200D, "" },
    { 0x2010, "-" },
    { 0x2011, "-" },
    { 0x2012, "-" },
    { 0x2013, "-" },
    { 0x2014, "-" },
    { 0x2019, "'" },
    { 0x2022, "\\cdot " },
    { 0x202F, "\\," },
    { 0x2044, "/" },
    { 0x2060, "" },
    { 0x2070, "^{0}" },
    { 0x2074, "^{4}" },
    { 0x2075, "^{5}" },
    { 0x20AC, "\\euro " },
    { 0x2153, "\\frac{1}{3}" },
    { 0x2154, "\\frac{2}{3}" },
    { 0x2155, "\\frac{1}{5}" },
    { 0x2156, "\\frac{2}{5}" },
    { 0x2157, "\\frac{3}{5}" },
    { 0x2158, "\\frac{4}{5}" },
    { 0x2159, "\\frac{1}{6}" },
    { 0x215A, "\\frac{5}{6}" },
    { 0x215B, "\\frac{1}{8}" },
    { 0x215C, "\\frac{3}{8}" },
    { 0x215D, "\\frac{5}{8}" },
    { 0x215E, "\\frac{7}{8}" },
    { 0x2205, "\\emptyset " },
    { 0x2208, "\\in " },
    { 0x2212, "-" },
    { 0x2217, "*" },
    { 0x221A, "\\sqrt " },
    { 0x221E, "\\infty " },
    { 0x2229, "\\cap " },
    { 0x222A, "\\cup " },
    { 0x2260, "\\neq " },
    { 0x2264, "\\leq " },
    { 0x2265, "\\geq " },
    { 0x22C5, "\\cdot " },
    { 0x3000, " " },
    { 0x3002, "." },
    { 0xFEFF, "" },
};

static const char *glyph_latex(uint32_t cp)
{
    size_t lo = 0, hi = sizeof glyphs / sizeof *glyphs;
    while (lo < hi) {
        size_t mid = (lo + hi) / 2;
        if (glyphs[mid].cp < cp)
            lo = mid + 1;
        else
            hi = mid;
    }
    return lo < sizeof glyphs / sizeof *glyphs && glyphs[lo].cp == cp ? glyphs[lo].latex : NULL;
}

static bool is_bidi_control(uint32_t cp)
{
    return (cp >= 0x202A && cp <= 0x202E) || (cp >= 0x2066 && cp <= 0x2069);
}

/* ASCII passes through; false: bidi controls, whose display differs from the text. */
static bool to_plain(lexer *lx, assay_str text)
{
    pc_buf_clear(&lx->plain);
    for (size_t i = 0; i < text.len;) {
        uint32_t cp;
        size_t n = pc_utf8(text, i, &cp);
        const char *latex = cp < 0x80 ? NULL : glyph_latex(cp);
        if (is_bidi_control(cp)) {
            lx->why = "the text holds a bidi control";
            return false;
        }
        if (latex)
            pc_buf_text(&lx->plain, latex);
        else if (cp >= 0xFF01 && cp <= 0xFF5E) /* full width */
            pc_buf_byte(&lx->plain, (char)(cp - 0xFEE0));
        else
            pc_buf_add(&lx->plain, text.data + i, n);
        i += n;
    }
    pc_buf_byte(&lx->plain, 0); /* a guard: look-ahead may read one byte beyond */
    return !lx->plain.failed;
}

/* ---- the lexer's state ---- */

typedef enum brace { B_PLAIN, B_FRAC_1, B_FRAC_2, B_ONE_ARG, B_DROPPED } brace;
typedef struct state {
    lexer *lx;
    assay_str s;
    size_t i;
    brace stack[MATH_DEPTH];
    unsigned depth, shut; /* shut: (, [, \{ that are open: a comma inside separates */
    brace want;           /* an argument is due: B_FRAC_1, B_FRAC_2, B_ONE_ARG; B_PLAIN: none */
    bool spaced, is_list;
    unsigned roman; /* open braces of \text{} and the like */
} state;

static bool push(state *st, tok kind, const char *text, size_t len)
{
    lexer *lx = st->lx;
    if (lx->n + 1 >= lx->cap) {
        uint32_t cap = lx->cap ? lx->cap * 2 : 64;
        token *more = lx->n + 1 >= MATH_TOKENS ? NULL : pc_realloc(lx->tokens, cap, sizeof *more);
        if (!more) {
            lx->why = "the answer is too long";
            return false;
        }
        lx->tokens = more;
        lx->cap = cap;
    }
    token *t = &lx->tokens[lx->n++];
    *t = (token){ .kind = (uint8_t)kind,
                  .spaced = st->spaced,
                  .roman = st->roman > 0,
                  .at = (uint32_t)lx->pool.len,
                  .len = (uint32_t)len };
    pc_buf_add(&lx->pool, text, len);
    st->spaced = false;
    return !lx->pool.failed;
}

/* A token that may be a bare argument: \frac1{10}, \sqrt2, x^2 get their braces here. */
static bool put(state *st, tok kind, const char *text, size_t len)
{
    brace due = st->want;
    if (due == B_PLAIN)
        return push(st, kind, text, len);
    st->want = due == B_FRAC_1 ? B_FRAC_2 : B_PLAIN;
    if (!push(st, T_OPEN, "{", 1))
        return false;
    st->spaced = false;
    return push(st, kind, text, len) && push(st, T_CLOSE, "}", 1);
}

static bool open_brace(state *st, brace kind)
{
    if (st->depth == MATH_DEPTH) {
        st->lx->why = "the answer nests too deep";
        return false;
    }
    st->stack[st->depth++] = kind;
    st->roman += kind == B_DROPPED;
    st->i++;
    return kind == B_DROPPED || push(st, T_OPEN, "{", 1);
}

static bool lex_open(state *st)
{
    brace kind = st->want;
    st->want = B_PLAIN;
    return open_brace(st, kind);
}

static bool lex_close(state *st)
{
    st->i++;
    brace kind = st->depth ? st->stack[--st->depth] : B_PLAIN;
    if (kind == B_DROPPED) {
        st->roman--;
        return true;
    }
    st->want = kind == B_FRAC_1 ? B_FRAC_2 : B_PLAIN;
    return push(st, T_CLOSE, "}", 1);
}

/* ---- numbers ---- */

static size_t digits_from(assay_str s, size_t i)
{
    size_t n = 0;
    while (i + n < s.len && pc_is_digit(s.data[i + n]))
        n++;
    return n;
}

/* Length of the thousands separator at s[i], 0 if there is none. A plain comma counts only outside
 * brackets and lists. */
static size_t separator(const state *st, size_t i)
{
    static const char *const always[] = { "{,}", ",\\!", "\\,", "\\!", "{\\,}", "\\ ", "~", "'" };
    assay_str rest = pc_from(st->s, i);
    for (size_t k = 0; k < sizeof always / sizeof *always; k++)
        if (pc_starts(rest, always[k])) {
            size_t n = strlen(always[k]);
            while (k == 1 && n < rest.len && rest.data[n] == ' ') /* 32,\! 349 */
                n++;
            return n;
        }
    if (rest.len && rest.data[0] == ' ')
        return 1;
    return rest.len && rest.data[0] == ',' && !st->shut && !st->is_list ? 1 : 0;
}

/* Appends ",345,678" to the pool's current number; the end of what belongs to it. All or nothing:
 * 1,234,56 has none. */
static size_t thousands(state *st, size_t i, size_t first)
{
    if (first > 3 || (first > 0 && st->s.data[i - first] == '0')) {
        st->is_list |= i < st->s.len && st->s.data[i] == ',';
        return i;
    }
    size_t mark = st->lx->pool.len, n, end = i, sep_len = 0;
    char sep = 0;
    while ((n = separator(st, end)) > 0 && digits_from(st->s, end + n) > 0) {
        size_t k = digits_from(st->s, end + n);
        bool fits = k == 3 && (!sep || (sep == st->s.data[end] && sep_len == n));
        if (!fits) {
            if (!sep && st->s.data[end] == ' ')
                break;                                       /* "2 1/2" is something else */
            st->is_list |= n == 1 && st->s.data[end] == ','; /* 27,54,108,135: none groups */
            st->lx->pool.len = mark;
            return i;
        }
        sep = st->s.data[end];
        sep_len = n;
        pc_buf_add(&st->lx->pool, st->s.data + end + n, 3);
        end += n + 3;
    }
    if (sep == ' ' && end < st->s.len && st->s.data[end] == '/') { /* "5 100/200" */
        st->lx->pool.len = mark;
        return i;
    }
    return end;
}

static size_t exponent(const state *st, size_t i)
{
    size_t k = i;
    if (k >= st->s.len || (st->s.data[k] != 'e' && st->s.data[k] != 'E'))
        return i;
    k++;
    if (k < st->s.len && (st->s.data[k] == '-' || st->s.data[k] == '+'))
        k++;
    size_t n = digits_from(st->s, k);
    bool ends = n > 0 && !(k + n < st->s.len && pc_is_alpha(st->s.data[k + n]));
    return ends ? k + n : i;
}

static bool lex_number(state *st)
{
    pc_buf *pool = &st->lx->pool;
    size_t first = digits_from(st->s, st->i);
    if (st->want != B_PLAIN && st->lx->n && st->lx->tokens[st->lx->n - 1].kind != T_SUP)
        first = first ? 1 : 0; /* \frac12: TeX takes one digit */
    bool single = st->want != B_PLAIN && first == 1 && st->lx->tokens[st->lx->n - 1].kind != T_SUP;
    size_t mark = pool->len;
    pc_buf_add(pool, st->s.data + st->i, first);
    size_t end = st->i + first;
    if (!single) {
        end = first ? thousands(st, end, first) : end;
        if (end < st->s.len && st->s.data[end] == '.' && digits_from(st->s, end + 1)) {
            size_t n = digits_from(st->s, end + 1);
            pc_buf_add(pool, st->s.data + end, n + 1);
            end += n + 1;
        }
        size_t past = exponent(st, end);
        pc_buf_add(pool, st->s.data + end, past - end);
        end = past;
    }
    size_t len = pool->len - mark;
    if (pool->failed)
        return false;
    st->i = end;
    /* the text is in the pool already; put() adds it again, after an opening brace perhaps */
    char small[64];
    if (len <= sizeof small) {
        memcpy(small, pool->data + mark, len);
        pool->len = mark;
        return put(st, T_NUM, small, len);
    }
    if (st->want != B_PLAIN) {
        st->lx->why = "a number too long for its place";
        return false;
    }
    const token t = { .kind = T_NUM,
                      .spaced = st->spaced,
                      .roman = st->roman > 0,
                      .at = (uint32_t)mark,
                      .len = (uint32_t)len };
    if (!push(st, T_NUM, "", 0))
        return false;
    st->lx->tokens[st->lx->n - 1] = t;
    return true;
}

/* ---- commands ---- */

static bool in_list(assay_str word, const char *const *list)
{
    for (; *list; list++)
        if (pc_is(word, *list))
            return true;
    return false;
}

/* Wrappers whose braces fall away too; \boxed is one in a list of boxes. */
static bool is_wrapper(assay_str w)
{
    static const char *const list[] = { "text",   "textbf", "textit",     "textrm", "textnormal",
                                        "mbox",   "mathrm", "mathbf",     "mathit", "mathsf",
                                        "rm",     "bf",     "boxed",      "fbox",   "hbox",
                                        "textsf", "bm",     "boldsymbol", "pmb",    NULL };
    return in_list(w, list);
}

static bool is_spacing(assay_str w)
{
    static const char *const list[] = {
        "quad",   "qquad",     "displaystyle", "textstyle", "left",         "right", "big",  "Big",
        "mleft",  "mright",    "bigl",         "bigr",      "Bigl",         "Bigr",  "bigg", "Bigg",
        "limits", "thinspace", "space",        "hfill",     "nobreakspace", NULL
    };
    return in_list(w, list);
}

typedef struct known {
    const char *word;
    tok kind;
    const char *text;
} known;

static const known *find_known(assay_str w)
{
    static const known list[] = {
        { "frac", T_FRAC, "\\frac" },     { "dfrac", T_FRAC, "\\frac" },
        { "tfrac", T_FRAC, "\\frac" },    { "cfrac", T_FRAC, "\\frac" },
        { "sqrt", T_SQRT, "\\sqrt" },     { "times", T_TIMES, "\\times" },
        { "cdot", T_TIMES, "\\times" },   { "div", T_SLASH, "/" },
        { "lbrace", T_SET_OPEN, "\\{" },  { "rbrace", T_SET_CLOSE, "\\}" },
        { "lbrack", T_SQUARE_OPEN, "[" }, { "rbrack", T_SQUARE_CLOSE, "]" },
        { "degree", T_DEGREE, "\\deg" },  { "pounds", T_MONEY, "\xC2\xA3" },
        { "yen", T_MONEY, "\xC2\xA5" },   { "euro", T_MONEY, "\xE2\x82\xAC" },
        { "le", T_CMD, "\\leq" },         { "ge", T_CMD, "\\geq" },
        { "ne", T_CMD, "\\neq" },         { "to", T_CMD, "\\rightarrow" }
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++)
        if (pc_is(w, list[k].word))
            return &list[k];
    return NULL;
}

static bool lex_known(state *st, const known *k)
{
    st->shut += k->kind == T_SET_OPEN || k->kind == T_SQUARE_OPEN;
    st->shut -= st->shut && (k->kind == T_SET_CLOSE || k->kind == T_SQUARE_CLOSE);
    if (k->kind == T_FRAC || k->kind == T_SQRT) {
        st->want = B_PLAIN; /* \frac\frac12.. as a bare argument stays as it is */
        bool ok = push(st, k->kind, k->text, strlen(k->text));
        st->want = k->kind == T_FRAC ? B_FRAC_1 : B_ONE_ARG;
        return ok;
    }
    return put(st, k->kind, k->text, strlen(k->text));
}

static bool lex_wrapper(state *st)
{
    while (st->i < st->s.len && st->s.data[st->i] == ' ')
        st->i++;
    if (st->i < st->s.len && st->s.data[st->i] == '{' && st->want == B_PLAIN) {
        st->spaced = true; /* 5\text{cm} */
        return open_brace(st, B_DROPPED);
    }
    return true;
}

static bool lex_symbol(state *st, char c)
{
    st->i += 2;
    switch (c) {
    case '{':
        st->shut++;
        return put(st, T_SET_OPEN, "\\{", 2);
    case '}':
        st->shut -= st->shut > 0;
        return put(st, T_SET_CLOSE, "\\}", 2);
    case '%':
        return put(st, T_PERCENT, "%", 1);
    case '$':
        return put(st, T_MONEY, "$", 1);
    case ',':
    case '!':
    case ';':
    case ':':
    case ' ':
    case '>':
    case '\n':
    case '(': /* math delimiters */
    case ')':
    case '[':
    case ']':
        st->spaced = true;
        return true;
    case '&':
    case '#':
    case '_':
        return put(st, T_OTHER, &c, 1);
    default: {
        const char text[2] = { '\\', c };
        return put(st, T_CMD, text, 2);
    }
    }
}

static bool lex_command(state *st)
{
    size_t from = st->i + 1, end = from;
    while (end < st->s.len && pc_is_alpha(st->s.data[end]))
        end++;
    if (end == from) {
        if (from >= st->s.len) {
            st->i++;
            return put(st, T_OTHER, "\\", 1);
        }
        return lex_symbol(st, st->s.data[from]);
    }
    assay_str word = pc_slice(st->s, from, end);
    st->i = end;
    if (is_spacing(word)) {
        st->spaced = true;
        if ((pc_is(word, "left") || pc_is(word, "right")) && st->i < st->s.len &&
            st->s.data[st->i] == '.')
            st->i++;
        return true;
    }
    if (is_wrapper(word))
        return lex_wrapper(st);
    const known *k = find_known(word);
    if (k)
        return lex_known(st, k);
    if (pc_is(word, "circ") && st->lx->n >= 2 && st->want == B_PLAIN &&
        st->lx->tokens[st->lx->n - 1].kind == T_OPEN &&
        st->lx->tokens[st->lx->n - 2].kind == T_SUP) {
        return push(st, T_DEGREE, "\\deg", 4);
    }
    return put(st, T_CMD, word.data - 1, word.len + 1);
}

/* ---- the rest ---- */

/* ^\circ and ^{\circ} become one token. */
static bool lex_super(state *st)
{
    static const char *const circles[] = { "^{\\circ}", "^\\circ", "^{\\degree}", "^{o}" };
    assay_str rest = pc_from(st->s, st->i);
    for (size_t k = 0; k < 4; k++)
        if (pc_starts(rest, circles[k])) {
            st->i += strlen(circles[k]);
            return push(st, T_DEGREE, "\\deg", 4);
        }
    st->i++;
    st->want = B_PLAIN;
    bool ok = push(st, T_SUP, "^", 1);
    st->want = B_ONE_ARG;
    return ok;
}

static bool lex_word(state *st)
{
    size_t end = st->i + 1;
    while (end < st->s.len && pc_is_alpha(st->s.data[end]) && st->want == B_PLAIN)
        end++;
    size_t from = st->i;
    st->i = end;
    return put(st, T_WORD, st->s.data + from, end - from);
}

static bool lex_other(state *st)
{
    uint32_t cp;
    size_t n = pc_utf8(st->s, st->i, &cp), from = st->i;
    st->i += n;
    return put(st, T_OTHER, st->s.data + from, n);
}

static bool lex_punctuation(state *st, char c)
{
    static const struct {
        char c;
        tok kind;
    } list[] = { { '(', T_PAREN_OPEN },   { ')', T_PAREN_CLOSE }, { '[', T_SQUARE_OPEN },
                 { ']', T_SQUARE_CLOSE }, { ',', T_COMMA },       { ';', T_SEMI },
                 { '+', T_PLUS },         { '-', T_MINUS },       { '/', T_SLASH },
                 { '=', T_EQUAL },        { '%', T_PERCENT } };
    st->shut += c == '(' || c == '[';
    st->shut -= st->shut && (c == ')' || c == ']');
    if (c == '*') {
        st->i++;
        return put(st, T_TIMES, "\\times", 6);
    }
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        if (list[k].c != c)
            continue;
        st->i++;
        if (st->want == B_ONE_ARG && c == '-') { /* 10^-3 as people type it */
            st->want = B_PLAIN;
            return push(st, T_MINUS, "-", 1);
        }
        if (st->want == B_ONE_ARG && c == '[') /* \sqrt[3]{2} */
            return push(st, T_SQUARE_OPEN, "[", 1);
        return put(st, list[k].kind, &c, 1);
    }
    return lex_other(st);
}

/* A dollar sign before a digit is money; around everything it is a delimiter. */
static bool lex_dollar(state *st)
{
    size_t i = st->i++;
    bool money = i + 1 < st->s.len && pc_is_digit(st->s.data[i + 1]) &&
                 pc_find(st->s, "$", i + 1) == PC_NONE;
    st->spaced = st->spaced || !money;
    return money ? put(st, T_MONEY, "$", 1) : true;
}

static bool lex_one(state *st)
{
    char c = st->s.data[st->i];
    if (pc_is_space(c) || c == '~') {
        st->spaced = true;
        st->i++;
        return true;
    }
    if (pc_is_digit(c) || (c == '.' && st->i + 1 < st->s.len && pc_is_digit(st->s.data[st->i + 1])))
        return lex_number(st);
    if (pc_is_alpha(c))
        return lex_word(st);
    if (c == '\\')
        return lex_command(st);
    if (c == '{')
        return lex_open(st);
    if (c == '}')
        return lex_close(st);
    if (c == '^')
        return lex_super(st);
    if (c == '_') {
        st->i++;
        st->want = B_PLAIN;
        bool ok = push(st, T_SUB, "_", 1);
        st->want = B_ONE_ARG;
        return ok;
    }
    return c == '$' ? lex_dollar(st) : lex_punctuation(st, c);
}

/* A comma before white space, or a semicolon: then no plain comma groups digits. */
static bool looks_like_list(assay_str s)
{
    for (size_t i = 0; i + 1 < s.len; i++)
        if (s.data[i] == ';' || (s.data[i] == ',' && pc_is_space(s.data[i + 1])))
            return true;
    return false;
}

/* White space, also as TeX writes it, and the punctuation that ends a sentence. */
static assay_str strip(assay_str s)
{
    for (s = pc_trim(s); s.len; s = pc_trim(s)) {
        char last = s.data[s.len - 1];
        bool command = s.len >= 2 && s.data[s.len - 2] == '\\';
        if (command && pc_in(last, "\\,;:!")) /* a line break, \, */
            s.len -= 2;
        else if (!command && pc_in(last, ".,;:") &&
                 !(s.len >= 2 && s.data[s.len - 2] == '.')) /* 0.333... */
            s.len--;
        else
            break;
    }
    return s;
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
    if (!to_plain(lx, text)) {
        lx->why = lx->why ? lx->why : "out of memory";
        return false;
    }
    state st = { .lx = lx, .s = strip((assay_str){ lx->plain.data, lx->plain.len - 1 }) };
    st.is_list = looks_like_list(st.s);
    bool ok = pc_buf_reserve(&lx->pool, 1);
    while (ok && st.i < st.s.len)
        ok = lex_one(&st);
    st.want = B_PLAIN;
    if (ok)
        ok = push(&st, T_END, "", 0);
    if (ok)
        lx->n--; /* the end is not counted */
    else if (!lx->why)
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

void math_lex_text(const lexer *lx, uint32_t from, uint32_t to, pc_buf *out)
{
    for (uint32_t i = from; i < to; i++) {
        assay_str t = math_tok_text(lx, i);
        uint8_t kind = lx->tokens[i].kind,
                before = i > from ? lx->tokens[i - 1].kind : (uint8_t)T_END;
        bool letters = (before == T_WORD || before == T_CMD || before == T_NUM) &&
                       (kind == T_WORD || kind == T_NUM);
        if (letters && (lx->tokens[i].spaced || before == T_CMD))
            pc_buf_byte(out, ' ');
        pc_buf_add(out, t.data, t.len);
    }
}
