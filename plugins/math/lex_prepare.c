/* lex_prepare.c -- what the lexer does before the first token: what only the whole text tells, and
 * what falls away at its end. SPDX-License-Identifier: Apache-2.0 */
#include "math/lex_state.h"

typedef struct overview {
    size_t dollars, prices, first_dollar, last_gt;
    size_t begins, ends, norms, bars;
    size_t open;      /* brackets, for what follows */
    bool loose_comma; /* outside brackets one parts what can be no groups: -7,14,-28,112 */
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

/* A comma without a space before what is no group of three digits. */
static bool is_loose(assay_str s, size_t i)
{
    size_t n = 0;
    if (i == 0 || !pc_is_digit(s.data[i - 1]) || i + 1 >= s.len)
        return false;
    while (i + 1 + n < s.len && pc_is_digit(s.data[i + 1 + n]))
        n++;
    bool lakhs = n == 2 && i + 4 < s.len && s.data[i + 3] == ',' && s.data[i + 4] == '0';
    return n ? n != 3 && !lakhs : s.data[i + 1] == '-' || pc_is_alpha(s.data[i + 1]);
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
        v.open += pc_in(c, "([{");
        v.open -= v.open && pc_in(c, ")]}");
        if (c == ',')
            v.loose_comma = v.loose_comma || (!v.open && is_loose(s, i));
        else if (c == '$')
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
    while (s.len > 2 && pc_in(s.data[0], "\"'`*") && s.data[0] == s.data[s.len - 1])
        s = pc_trim(pc_slice(s, 1, s.len - 1)); /* "5", `5` */
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

/* ---- what other writings stand for ---- */

typedef struct spelling {
    const char *text, *latex;
} spelling;

/* HTML; and what is left of a command whose backslash and first letter a string literal took for a
 * control character: "\frac" as form feed and "rac". */
static const spelling spellings[] = {
    { "<sup>", "^{" },         { "</sup>", "}" },
    { "<sub>", "_{" },         { "</sub>", "}" },
    { "<br>", " " },           { "<br/>", " " },
    { "<br />", " " },         { "<b>", " " },
    { "</b>", " " },           { "<i>", " " },
    { "</i>", " " },           { "<p>", " " },
    { "</p>", " " },           { "<strong>", " " },
    { "</strong>", " " },      { "<em>", " " },
    { "</em>", " " },          { "&nbsp;", " " },
    { "&pi;", "\\pi " },       { "&radic;", "\\surd " },
    { "&deg;", "^\\circ " },   { "&infin;", "\\infty " },
    { "&middot;", "\\cdot " }, { "&divide;", "/" },
    { "&plusmn;", "\\pm " },   { "&frac12;", "\\frac12 " },
    { "&sup2;", "^{2}" },      { "&sup3;", "^{3}" },
    { "&theta;", "\\theta " }, { "&quot;", " " },
    { "\frac", "\\frac" },     { "\text", "\\text" },
    { "\times", "\\times" },   { "\theta", "\\theta" },
    { "\tfrac", "\\tfrac" },   { "\binom", "\\binom" },
    { "\begin", "\\begin" },   { "\beta", "\\beta" },
    { "\alpha", "\\alpha" },   { "\approx", "\\approx" },
    { "\vec", "\\vec" },       { "\right", "\\right" },
};

/* Is one of the above in it at all? Tags count where one is closed or empty: a<b>c is a chain. */
static bool has_spellings(assay_str s)
{
    bool tags = pc_find(s, "</", 0) != PC_NONE || pc_find(s, "<br", 0) != PC_NONE;
    if (tags || memchr(s.data, '&', s.len))
        return true;
    for (const char *c = "\f\t\b\a\v\r"; *c; c++)
        if (memchr(s.data, *c, s.len))
            return true;
    return false;
}

static const spelling *spelling_at(assay_str s, size_t i)
{
    if (!pc_in(s.data[i], "<&\f\t\b\a\v\r"))
        return NULL;
    for (size_t k = 0; k < sizeof spellings / sizeof *spellings; k++)
        if (pc_starts(pc_from(s, i), spellings[k].text))
            return &spellings[k];
    return NULL;
}

static bool respell(lexer *lx, assay_str *text)
{
    pc_buf out = { 0 };
    for (size_t i = 0; i < text->len;) {
        const spelling *x = spelling_at(*text, i);
        if (x)
            pc_buf_text(&out, x->latex);
        else
            pc_buf_byte(&out, text->data[i]);
        i += x ? strlen(x->text) : 1;
    }
    pc_buf_fini(&lx->plain);
    lx->plain = out;
    *text = pc_buf_str(&lx->plain);
    return !out.failed;
}

/* The text to lex in ASCII where it can be: it goes to the head of the pool. */
bool lex_prepare(state *st, assay_str text)
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
    if (has_spellings(text) && !respell(lx, &text))
        return false;
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
    st->no_groups = v.loose_comma;
    st->bars_are_norms = v.norms % 2 == 0 && v.bars == 0;
    assay_str s = strip(text, &v, st->dollars_are_money);
    st->last_gt = v.last_gt == PC_NONE || v.last_gt < (size_t)(s.data - text.data)
                      ? PC_NONE
                      : v.last_gt - (size_t)(s.data - text.data);
    st->s = s;
    return pc_buf_reserve(&lx->pool, 2 * s.len + 256) &&
           (pc_buf_add(&lx->pool, s.data, s.len), true);
}
