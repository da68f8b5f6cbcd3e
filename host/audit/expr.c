/* expr.c -- a recursive descent over + - * / ^, fractions, square roots, pi, i and one unknown,
 * evaluated as it goes. SPDX-License-Identifier: Apache-2.0 */
#include "audit/expr.h"

#include <string.h>

enum { DEEPEST = 12, LONGEST = 400 };
typedef struct reader {
    const char *at, *end;
    as_expr *out;
    int depth;
} reader;

/* Brackets nest at most DEEPEST deep: read_sum() counts. NOLINTBEGIN(misc-no-recursion) */
static bool read_sum(reader *r, as_val *v);

/* ---- words ---- */

static const char *const skipped[] = {
    "\\left", "\\right", "\\displaystyle", "\\quad", "\\,", "\\;", "\\!", "\\:", "\\ ", " ", "\n",
    "\t",     "~"
};

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* `word` stands here, and does not go on as a longer command. */
static bool is_here(const reader *r, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(r->end - r->at) < n || memcmp(r->at, word, n) != 0)
        return false;
    bool is_command = word[0] == '\\' && is_letter(word[n - 1]);
    return !is_command || r->at + n == r->end || !is_letter(r->at[n]);
}

static bool take(reader *r, const char *word)
{
    if (!is_here(r, word))
        return false;
    r->at += strlen(word);
    return true;
}

static void skip(reader *r)
{
    for (bool more = true; more;) {
        more = false;
        for (size_t i = 0; i < sizeof skipped / sizeof *skipped; i++)
            more = more || take(r, skipped[i]);
    }
}

bool as_expr_is_function(char c)
{
    return (c >= 'A' && c <= 'Z') || c == 'f' || c == 'g' || c == 'h';
}

static bool accept(reader *r, const char *word)
{
    skip(r);
    return take(r, word);
}

static char peek(reader *r)
{
    skip(r);
    return (char)(r->at < r->end ? *r->at : '\0');
}

/* ---- numbers ---- */

/* A separator of thousands: exactly three digits follow it. */
static bool take_separator(reader *r)
{
    static const char *const marks[] = { ",\\!", "{,}", "\\,", "," };
    for (int i = 0; i < 4; i++) {
        size_t n = strlen(marks[i]);
        if (!is_here(r, marks[i]) || r->end - r->at < (long)n + 3)
            continue;
        const char *d = r->at + n;
        bool is_three = is_digit(d[0]) && is_digit(d[1]) && is_digit(d[2]);
        if (!is_three || (d + 3 < r->end && is_digit(d[3])))
            return false;
        r->out->is_grouped = true;
        r->out->is_plain_comma = r->out->is_plain_comma || i == 3;
        r->at = d;
        return true;
    }
    return false;
}

static bool take_digits(reader *r, int64_t *n, int *count)
{
    const char *from = r->at;
    while (r->at < r->end && is_digit(*r->at)) {
        if (*n > ((int64_t)1 << 58) / 10)
            return false;
        *n = *n * 10 + (*r->at++ - '0');
    }
    *count = (int)(r->at - from);
    return true;
}

static as_rat ten_to(int n)
{
    int64_t p = 1;
    for (int i = 0; i < n; i++)
        p *= 10;
    return as_rat_of(p, 1);
}

static bool read_exponent(reader *r, as_rat *value)
{
    int64_t n = 0;
    int count = 0;
    bool is_negative = false;
    r->at++;
    if (r->at < r->end && (*r->at == '-' || *r->at == '+'))
        is_negative = *r->at++ == '-';
    if (!take_digits(r, &n, &count) || count == 0 || n > 17)
        return false;
    r->out->is_scientific = true;
    as_rat power = ten_to((int)n);
    *value = is_negative ? as_rat_div(*value, power) : as_rat_mul(*value, power);
    return as_rat_ok(*value);
}

static bool read_number(reader *r, as_val *v)
{
    int64_t n = 0;
    int count = 0, places = 0;
    if (!take_digits(r, &n, &count))
        return false;
    if (count <= 3 && count > 0)
        for (int more = 0; take_separator(r);)
            if (!take_digits(r, &n, &more))
                return false;
    if (r->at < r->end && *r->at == '.' && r->at + 1 < r->end && is_digit(r->at[1])) {
        r->at++;
        if (!take_digits(r, &n, &places) || places > 17)
            return false;
        r->out->is_decimal = true;
        r->out->places = places;
    }
    if (count + places == 0)
        return false;
    as_rat value = as_rat_div(as_rat_of(n, 1), ten_to(places));
    if (r->at + 1 < r->end && (*r->at == 'e' || *r->at == 'E') &&
        (is_digit(r->at[1]) || r->at[1] == '-' || r->at[1] == '+') && !read_exponent(r, &value))
        return false;
    *v = as_val_rat(value);
    return as_rat_ok(value);
}

/* ---- factors ---- */

/* {..}, or the one digit that \frac12 and \sqrt2 take. */
static bool read_argument(reader *r, as_val *v)
{
    if (accept(r, "{"))
        return read_sum(r, v) && accept(r, "}");
    if (!is_digit(peek(r)))
        return false;
    *v = as_val_int(*r->at++ - '0');
    return true;
}

static bool take_frac(reader *r)
{
    return accept(r, "\\frac") || accept(r, "\\dfrac") || accept(r, "\\tfrac") ||
           accept(r, "\\cfrac");
}

static bool read_frac(reader *r, as_val *v)
{
    as_val top, bottom;
    return read_argument(r, &top) && read_argument(r, &bottom) && as_val_div(v, &top, &bottom);
}

static bool read_sqrt(reader *r, as_val *v)
{
    as_val under;
    return read_argument(r, &under) && as_val_is_rat(&under) && as_val_sqrt(v, under.c[0]);
}

/* An integer right before a proper fraction of integers: a mixed number. */
static bool read_mixed(reader *r, as_val *v)
{
    as_val part;
    if (r->out->is_decimal || v->c[0].q != 1 || !read_frac(r, &part) || !as_val_is_rat(&part))
        return false;
    if (part.c[0].p <= 0 || part.c[0].p >= part.c[0].q || v->c[0].p == 0)
        return false;
    r->out->is_mixed = true;
    return as_val_add(v, v, &part);
}

static bool read_base(reader *r, as_val *v)
{
    char c = peek(r);
    if (is_digit(c) || c == '.') {
        if (!read_number(r, v))
            return false;
        skip(r);
        return !(is_here(r, "\\frac") || is_here(r, "\\dfrac") || is_here(r, "\\tfrac")) ||
               (take_frac(r) && read_mixed(r, v));
    }
    if (take_frac(r))
        return read_frac(r, v);
    if (accept(r, "\\sqrt"))
        return read_sqrt(r, v);
    if (accept(r, "\\pi")) {
        *v = as_val_gen(AS_GEN_PI, 0, 0);
        return true;
    }
    if (c == '(' || c == '{') {
        r->at++;
        return read_sum(r, v) && accept(r, c == '(' ? ")" : "}");
    }
    if (!is_letter(c) || c == 'e' || c == 'd')
        return false; /* e is a number and d a differential too often */
    r->at++;
    *v = c == 'i' ? as_val_gen(AS_GEN_I, 0, 0) : as_val_gen(AS_GEN_LETTER, 0, c);
    return !(as_expr_is_function(c) && peek(r) == '(');
}

static bool read_power(reader *r, as_val *v)
{
    int64_t n = 0;
    int count = 0;
    if (!read_base(r, v))
        return false;
    if (!accept(r, "^"))
        return true;
    bool is_braced = accept(r, "{");
    bool is_negative = is_braced && accept(r, "-");
    if (!is_digit(peek(r)) || !take_digits(r, &n, &count) || (!is_braced && count != 1) || n > 40)
        return false;
    if (is_braced && !accept(r, "}"))
        return false;
    bool is_ten = as_val_is_rat(v) && as_rat_is(v->c[0], 10);
    r->out->is_scientific = r->out->is_scientific || is_ten;
    return peek(r) != '^' && as_val_pow(v, v, is_negative ? -(int)n : (int)n);
}

/* ---- terms and sums ---- */

static bool begins_factor(reader *r)
{
    char c = peek(r);
    return is_letter(c) || c == '(' || is_here(r, "\\sqrt") || is_here(r, "\\pi") ||
           is_here(r, "\\frac") || is_here(r, "\\dfrac");
}

static bool read_term(reader *r, as_val *v)
{
    bool was_divided = false;
    if (!read_power(r, v))
        return false;
    for (as_val next;;) {
        bool is_division = accept(r, "/");
        bool is_product =
            !is_division && (accept(r, "\\cdot") || accept(r, "\\times") || accept(r, "*"));
        bool is_beside = !is_division && !is_product && begins_factor(r);
        if (!is_division && !is_product && !is_beside)
            return true;
        if (was_divided) /* 1/2x, 1/2/3: read one way here, another way there */
            return false;
        was_divided = is_division;
        bool is_bracket = is_beside && peek(r) == '(';
        if (!read_power(r, &next) ||
            (is_bracket && as_val_is_rat(&next) && v->gen == AS_GEN_LETTER) || /* y(0) */
            !(is_division ? as_val_div(v, v, &next) : as_val_mul(v, v, &next)))
            return false;
    }
}

static bool read_signed_term(reader *r, as_val *v, bool is_negative)
{
    if (!read_term(r, v))
        return false;
    if (is_negative)
        *v = as_val_neg(v);
    return true;
}

static bool read_sum(reader *r, as_val *v)
{
    as_val next;
    if (++r->depth > DEEPEST)
        return false;
    bool is_negative = accept(r, "-");
    if (!is_negative)
        (void)accept(r, "+");
    if (!read_signed_term(r, v, is_negative))
        return false;
    for (;;) {
        is_negative = accept(r, "-");
        if (!is_negative && !accept(r, "+"))
            break;
        if (!read_signed_term(r, &next, is_negative) || !as_val_add(v, v, &next))
            return false;
    }
    r->depth--;
    return true;
}

/* NOLINTEND(misc-no-recursion) */
bool as_expr_read(as_expr *out, as_str text)
{
    memset(out, 0, sizeof *out);
    if (text.len == 0 || text.len > LONGEST || memchr(text.data, '\0', text.len))
        return false;
    reader r = { .at = text.data, .end = text.data + text.len, .out = out };
    return read_sum(&r, &out->val) && peek(&r) == '\0';
}
