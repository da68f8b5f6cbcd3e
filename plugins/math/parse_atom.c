/* parse_atom.c -- the smallest readings: numbers, fractions, roots, bracketed arguments.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/parse_inner.h"

/* Recursion is bounded by p->depth, which math_parse_expr counts. NOLINTBEGIN(misc-no-recursion) */

/* { anything }: nothing inside is an empty argument, which only integrals' bounds may be. */
math_id math_parse_braced(math_parser *p)
{
    if (!take(p, T_OPEN))
        return refuse(p, "an argument is missing");
    uint32_t bars = p->bars;
    p->bars = 0;
    math_id inner = math_parse_list(p);
    p->bars = bars;
    if (inner && is_word(p, 0, "choose"))
        inner = refuse(p, "a word where an operator was expected");
    if (inner && kind(p) == T_CMD && pc_is(text(p), "\\choose")) {
        p->at++;
        inner = math_2(p->tree, M_BINOM, 0, inner, math_parse_list(p));
    }
    if (inner && !take(p, T_CLOSE))
        return refuse(p, "a brace is not closed");
    return inner;
}

/* ---- numbers ---- */

static bool all_digits(assay_str t)
{
    for (size_t i = 0; i < t.len; i++)
        if (!pc_is_digit(t.data[i]))
            return false;
    return t.len > 0;
}

static bool is_integer_ahead(const math_parser *p, uint32_t ahead)
{
    return kind_ahead(p, ahead) == T_NUM && all_digits(text_ahead(p, ahead));
}

static assay_str without_zeros(assay_str t)
{
    while (t.len > 1 && t.data[0] == '0')
        t = pc_from(t, 1);
    return t;
}

static bool is_less(assay_str a, assay_str b)
{
    a = without_zeros(a);
    b = without_zeros(b);
    return a.len != b.len ? a.len < b.len : pc_cmp(a, b) < 0;
}

static bool is_zero(assay_str t)
{
    return pc_is(without_zeros(t), "0");
}

static math_id mixed(math_parser *p, uint32_t num, uint32_t den)
{
    math_tree *t = p->tree;
    assay_str a = text_ahead(p, num), b = text_ahead(p, den);
    if (is_zero(a) || !is_less(a, b))
        return refuse(p, "a mixed number whose fraction is not a proper one");
    math_id whole = math_leaf(t, M_NUM, text(p));
    return math_2(t, M_ADD, 0, whole,
                  math_2(t, M_DIV, 0, math_leaf(t, M_NUM, a), math_leaf(t, M_NUM, b)));
}

/* 2\frac12 and 2 1/2: a whole number before a fraction of two plain numbers. *does: it is one,
 * well-formed or not. */
static math_id parse_mixed(math_parser *p, bool *does)
{
    *does = false;
    if (!is_integer_ahead(p, 0))
        return 0;
    bool frac = kind_ahead(p, 1) == T_FRAC && kind_ahead(p, 2) == T_OPEN &&
                is_integer_ahead(p, 3) && kind_ahead(p, 4) == T_CLOSE &&
                kind_ahead(p, 5) == T_OPEN && is_integer_ahead(p, 6) && kind_ahead(p, 7) == T_CLOSE;
    bool slash = tok(p, 1)->spaced && is_integer_ahead(p, 1) && kind_ahead(p, 2) == T_SLASH &&
                 is_integer_ahead(p, 3);
    if (!frac && !slash)
        return 0;
    *does = true;
    math_id id = frac ? mixed(p, 3, 6) : mixed(p, 1, 3);
    p->at += frac ? 8 : 4;
    return id;
}

static unsigned digit_value(char c)
{
    if (pc_is_digit(c))
        return (unsigned)(c - '0');
    return pc_is_alpha(c) ? (unsigned)(pc_lower(c) - 'a') + 10 : 99;
}

/* SUB { base } at `ahead`: the base, 0 if there is none. */
static unsigned base_ahead(const math_parser *p, uint32_t ahead, uint32_t *past)
{
    static const char *const words[] = { "two",   "three", "four", "five", "six",
                                         "seven", "eight", "nine", "ten",  NULL };
    if (kind_ahead(p, ahead) != T_SUB || kind_ahead(p, ahead + 1) != T_OPEN ||
        kind_ahead(p, ahead + 3) != T_CLOSE)
        return 0;
    *past = ahead + 4;
    assay_str t = text_ahead(p, ahead + 2);
    if (kind_ahead(p, ahead + 2) == T_WORD) {
        for (unsigned i = 0; words[i]; i++)
            if (pc_is_nocase(t, words[i]))
                return i + 2;
        return 0;
    }
    if (kind_ahead(p, ahead + 2) != T_NUM || t.len > 2 || !all_digits(t))
        return 0;
    unsigned base = t.len == 2 ? (unsigned)((t.data[0] - '0') * 10 + (t.data[1] - '0'))
                               : (unsigned)(t.data[0] - '0');
    return base >= 2 && base <= 36 ? base : 0;
}

/* The tokens that make the digits of 2A3_{16}: numbers and words side by side. */
static uint32_t digit_tokens(const math_parser *p)
{
    uint32_t n = 0;
    while (n < 8 && (is_integer_ahead(p, n) || kind_ahead(p, n) == T_WORD) &&
           (n == 0 || !tok(p, n)->spaced))
        n++;
    return n;
}

static bool is_capitals(assay_str t) /* FF, but F_{16} is an unknown */
{
    for (size_t i = 0; i < t.len; i++)
        if (t.data[i] < 'A' || t.data[i] > 'Z')
            return false;
    return t.len > 1;
}

static math_id parse_based(math_parser *p, bool *does)
{
    uint32_t past = 0, n = digit_tokens(p);
    unsigned base = n ? base_ahead(p, n, &past) : 0;
    bool numeric = is_integer_ahead(p, 0) || n > 1 || (base > 10 && is_capitals(text(p)));
    *does = base != 0 && numeric;
    if (!*does)
        return 0;
    char digits[MATH_DIGITS];
    size_t len = 0;
    bool fits = true;
    for (uint32_t i = 0; i < n && fits; i++) {
        assay_str t = text_ahead(p, i);
        for (size_t k = 0; k < t.len && fits; k++) {
            fits = digit_value(t.data[k]) < base && len < sizeof digits &&
                   !(t.data[k] >= 'a' && t.data[k] <= 'z');
            digits[len++] = pc_lower(t.data[k]);
        }
    }
    *does = fits || n == 1; /* 2a_2 is twice a_2; 12_2 is an error */
    if (!fits)
        return n == 1 ? refuse(p, "a digit is too large for its base") : 0;
    p->at += past;
    assay_str all = without_zeros((assay_str){ digits, len });
    return math_text_node(p->tree, M_BASE, base, all, NULL, 0);
}

/* C or P between two numbers: 5C2, {}_nC_k, ^nP_k; p->at is at the letter. */
static math_id choose(math_parser *p, math_id n, math_id k, bool ordered)
{
    math_tree *t = p->tree;
    if (!ordered)
        return math_2(t, M_BINOM, 0, n, k);
    math_id rest = math_2(t, M_ADD, 0, n, math_1(t, M_NEG, 0, k));
    return math_2(t, M_DIV, 0, math_1(t, M_FACT, 0, n), math_1(t, M_FACT, 0, rest));
}

static bool is_choose(const math_parser *p, uint32_t ahead)
{
    assay_str w = text_ahead(p, ahead);
    return kind_ahead(p, ahead) == T_WORD && (pc_is(w, "C") || pc_is(w, "P"));
}

math_id math_parse_number(math_parser *p)
{
    bool does;
    math_id id = parse_based(p, &does);
    if (does)
        return id;
    if (kind(p) != T_NUM)
        return refuse(p, "a number is missing");
    id = parse_mixed(p, &does);
    if (does)
        return id;
    id = math_leaf(p->tree, M_NUM, text(p));
    if (id && tok(p, 0)->comma)
        p->tree->nodes[id].flags |= M_COMMA_GROUP;
    bool chosen = is_integer_ahead(p, 0) && is_choose(p, 1) && !tok(p, 1)->spaced &&
                  is_integer_ahead(p, 2) && !tok(p, 2)->spaced;
    p->at++;
    if (!chosen)
        return id;
    bool ordered = pc_is(text(p), "P"); /* 5C2, 5P2 */
    math_id k = math_leaf(p->tree, M_NUM, text_ahead(p, 1));
    p->at += 2;
    return choose(p, id, k, ordered);
}

/* ---- fractions and roots ---- */

/* \frac{d}{dx} applied to what follows. */
static bool is_derivative(const math_parser *p)
{
    if (kind_ahead(p, 1) != T_OPEN || !is_word(p, 2, "d") || kind_ahead(p, 3) != T_CLOSE ||
        kind_ahead(p, 4) != T_OPEN)
        return false;
    assay_str w = text_ahead(p, 5);
    return kind_ahead(p, 5) == T_WORD && w.len == 2 && w.data[0] == 'd' &&
           kind_ahead(p, 6) == T_CLOSE;
}

static math_id parse_frac(math_parser *p)
{
    math_tree *t = p->tree;
    if (is_derivative(p)) {
        math_id x = math_leaf(t, M_SYM, pc_from(text_ahead(p, 5), 1));
        p->at += 7;
        math_id body = math_parse_expr(p, BIND_PRODUCT);
        return math_2(t, M_DERIV, 0, body, x);
    }
    p->at++;
    math_id a = math_parse_braced(p);
    return a ? math_2(t, M_DIV, 0, a, math_parse_braced(p)) : 0;
}

static math_id parse_root(math_parser *p)
{
    math_id index = 0;
    p->at++;
    if (take(p, T_LSQUARE)) {
        index = math_parse_expr(p, BIND_SUM);
        if (!index || !take(p, T_RSQUARE))
            return refuse(p, "the index of a root is not closed");
    }
    math_id a = math_parse_braced(p);
    return index ? math_2(p->tree, M_ROOT, 0, index, a) : math_1(p->tree, M_SQRT, 0, a);
}

/* ---- the rest ---- */

static math_id parse_fenced(math_parser *p, math_tok close, math_fn fn)
{
    p->at++;
    uint32_t bars = p->bars;
    p->bars = fn == FN_ABS && close == T_BAR ? bars + 1 : fn == FN_ABS ? 1 : 0;
    math_id inner = math_parse_expr(p, BIND_SUM);
    p->bars = bars;
    if (inner && !take(p, close))
        return refuse(p, "a bracket is not closed");
    return math_1(p->tree, M_FUNC, fn, inner);
}

/* _5C_2, {}_5C_2, ^5C_2 */
static math_id parse_choose(math_parser *p)
{
    p->at++;
    math_id n = math_parse_braced(p);
    bool ordered = pc_is(text(p), "P");
    if (!n || !is_choose(p, 0) || kind_ahead(p, 1) != T_SUB)
        return refuse(p, "a sign that cannot begin an expression");
    p->at += 2;
    math_id k = math_parse_braced(p);
    return k ? choose(p, n, k, ordered) : 0;
}

static bool is_empty_braces(const math_parser *p)
{
    return kind(p) == T_OPEN && kind_ahead(p, 1) == T_CLOSE &&
           (kind_ahead(p, 2) == T_SUB || kind_ahead(p, 2) == T_SUP);
}

math_id math_parse_atom(math_parser *p)
{
    p->at += is_empty_braces(p) ? 2 : 0;
    switch ((unsigned)kind(p)) {
    case T_SUB:
    case T_SUP:
        return parse_choose(p);
    case T_NUM:
        return math_parse_number(p);
    case T_WORD:
        return math_parse_word(p);
    case T_CMD:
        return math_parse_command(p);
    case T_FRAC:
        return parse_frac(p);
    case T_SQRT:
        return parse_root(p);
    case T_BAR:
        if (pc_is(text(p), ")") || pc_is(text(p), "m"))
            break;
        return parse_fenced(p, T_BAR, FN_ABS);
    case T_DBAR:
        return parse_fenced(p, T_DBAR, FN_ABS);
    case T_LFLOOR:
        return parse_fenced(p, T_RFLOOR, FN_FLOOR);
    case T_LCEIL:
        return parse_fenced(p, T_RCEIL, FN_CEIL);
    case T_DOTS:
        p->at++;
        return math_node_new(p->tree, M_DOTS, 0, NULL, 0);
    case T_OPEN:
    case T_SET_OPEN:
    case T_LPAREN:
    case T_LSQUARE:
    case T_RSQUARE:
    case T_LANGLE:
        return math_parse_group(p);
    case T_BEGIN:
        return math_parse_environment(p);
    case T_END:
        return refuse(p, "the answer ends too early");
    default:
        break;
    }
    return refuse(p, "a sign that cannot begin an expression");
}
/* NOLINTEND(misc-no-recursion) */
