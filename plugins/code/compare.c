/* compare.c -- is this what the test asked for? Values and outputs, after the program is dead.
 * SPDX-License-Identifier: Apache-2.0 */
#include "run.h"

#include <math.h>

/* ---- values ---- */

static bool is_none(assay_str v)
{
    return pc_is(v, "N");
}

/* The numbers of a list or tuple as a polynomial, the constant first; is x a zero of it? */
static bool is_root(const cd_task *t, assay_str args, assay_str got)
{
    cd_walk w = cd_walk_of(args), g = cd_walk_of(got);
    cd_item tuple, list, x;
    double sum = 0, power = 1;
    if (!cd_next(&w, &tuple) || !tuple.n || !cd_next(&w, &list) || !pc_in(list.kind, "[(") ||
        !cd_next(&g, &x))
        return false;
    for (size_t i = 0; i < list.n; i++) {
        cd_item c;
        if (!cd_next(&w, &c))
            return false;
        sum += cd_to_double(&c) * power;
        power *= cd_to_double(&x);
    }
    return fabs(sum) <= (t->tolerance.absolute > 0 ? t->tolerance.absolute : 1e-4);
}

static bool is_among_alternatives(const cd_task *t, uint32_t i, assay_str got)
{
    cd_walk w = cd_walk_of(t->also[i]);
    cd_item list;
    if (!cd_next(&w, &list) || !pc_in(list.kind, "[("))
        return false;
    for (size_t k = 0; k < list.n; k++) {
        assay_str one;
        if (!cd_skip(&w, &one))
            return false;
        if (cd_equal(one, got, &t->tolerance))
            return true;
    }
    return false;
}

bool cd_accepts(const cd_task *t, uint32_t i, assay_str got)
{
    if (!t->has_wants || t->oracle == CD_ANY)
        return true;
    if (t->oracle == CD_ROOT)
        return is_root(t, t->input[i], got);
    if (t->oracle == CD_NOT_NONE && !pc_is(got, "T") && !pc_is(got, "F"))
        return pc_is(t->want[i], is_none(got) ? "F" : "T");
    if (t->oracle == CD_SET_EQUAL && cd_equal_sets(t->want[i], got))
        return true;
    return cd_equal(t->want[i], got, &t->tolerance) ||
           (t->also && t->also[i].data && is_among_alternatives(t, i, got));
}

/* ---- outputs ---- */

static assay_str strip_end(assay_str s)
{
    while (s.len && pc_is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

static assay_str take_line(assay_str *rest)
{
    size_t nl = pc_find(*rest, "\n", 0);
    assay_str line = nl == PC_NONE ? *rest : pc_slice(*rest, 0, nl);
    *rest = pc_from(*rest, nl == PC_NONE ? rest->len : nl + 1);
    return strip_end(line);
}

/* ---- decimals: as exact as they are written ---- */

typedef struct decimal {
    bool minus;       /* never of zero */
    assay_str digits; /* from the first that is no zero to the last; a point may stand between */
    int64_t power;    /* of ten, of the first */
} decimal;

static bool read_power(assay_str text, int64_t *out)
{
    enum { LONGEST = 9 };
    bool minus = pc_at(text, 0) == '-';
    text = pc_from(text, minus || pc_at(text, 0) == '+');
    *out = 0;
    if (!text.len || text.len > LONGEST)
        return false;
    for (size_t i = 0; i < text.len; i++) {
        if (!pc_is_digit(pc_at(text, i)))
            return false;
        *out = *out * 10 + (pc_at(text, i) - '0');
    }
    *out = minus ? -*out : *out;
    return true;
}

/* Without the zeros in front and behind; `whole`: digits before the point. */
static void trim_zeros(decimal *d, assay_str digits, size_t whole)
{
    size_t from = 0;
    while (from < digits.len && pc_in(digits.data[from], "0."))
        from++;
    while (digits.len > from && pc_in(digits.data[digits.len - 1], "0."))
        digits.len--;
    d->digits = pc_from(digits, from);
    d->power += from <= whole ? (int64_t)(whole - from) - 1 : -(int64_t)(from - whole);
}

/* [sign] digits [. digits] [e exponent], as Python's Decimal reads. */
static bool read_decimal(assay_str token, decimal *out)
{
    *out = (decimal){ .minus = pc_at(token, 0) == '-' };
    token = pc_from(token, out->minus || pc_at(token, 0) == '+');
    size_t at = 0, n = 0, whole = PC_NONE;
    for (char c; c = pc_at(token, at), pc_is_digit(c) || (c == '.' && whole == PC_NONE); at++) {
        n += c != '.';
        whole = c == '.' ? at : whole;
    }
    bool has_power = pc_in(pc_at(token, at), "eE");
    if (!n || (at < token.len && !has_power) ||
        (has_power && !read_power(pc_from(token, at + 1), &out->power)))
        return false;
    trim_zeros(out, pc_slice(token, 0, at), whole == PC_NONE ? at : whole);
    if (!out->digits.len)
        *out = (decimal){ .digits = PC_LIT("") };
    return true;
}

static bool same_decimals(const decimal *a, const decimal *b)
{
    size_t i = 0, k = 0;
    if (a->minus != b->minus || a->power != b->power)
        return false;
    for (;; i++, k++) {
        i += pc_at(a->digits, i) == '.';
        k += pc_at(b->digits, k) == '.';
        if (i >= a->digits.len || k >= b->digits.len)
            return i >= a->digits.len && k >= b->digits.len;
        if (a->digits.data[i] != b->digits.data[k])
            return false;
    }
}

static assay_str take_token(assay_str *rest);

/* Two lines: the same text, or the same numbers and nothing else. */
static bool same_numbers(assay_str want, assay_str got)
{
    decimal a, b;
    while (want.len && got.len) {
        assay_str x = take_token(&want), y = take_token(&got);
        if (!read_decimal(x, &a) || !read_decimal(y, &b) || !same_decimals(&a, &b))
            return false;
    }
    return !want.len && !got.len;
}

/* LiveCodeBench's way: as many lines, each the same but for white space around it, or the same
 * numbers. */
static bool same_decimal_lines(assay_str want, assay_str got)
{
    want = pc_trim(want);
    got = pc_trim(got);
    while (want.len && got.len) {
        assay_str a = pc_trim(take_line(&want)), b = pc_trim(take_line(&got));
        if (!pc_eq(a, b) && !same_numbers(a, b))
            return false;
    }
    return !want.len && !got.len;
}

/* ---- lines and tokens ---- */

/* Line by line; white space at the ends of lines and of the whole does not count. */
static bool same_lines(assay_str want, assay_str got)
{
    want = strip_end(want);
    got = strip_end(got);
    while (want.len && got.len)
        if (!pc_eq(take_line(&want), take_line(&got)))
            return false;
    return !want.len && !got.len;
}

static assay_str take_token(assay_str *rest)
{
    size_t from = 0, to;
    while (from < rest->len && pc_is_space(rest->data[from]))
        from++;
    for (to = from; to < rest->len && !pc_is_space(rest->data[to]);)
        to++;
    assay_str token = pc_slice(*rest, from, to);
    *rest = pc_from(*rest, to);
    return token;
}

/* A decimal number and nothing else. */
static bool read_number(assay_str token, double *out)
{
    char text[64], *end;
    if (!token.len || token.len >= sizeof text)
        return false;
    for (size_t i = 0; i < token.len; i++)
        if (!pc_is_digit(token.data[i]) && !pc_in(token.data[i], "+-.eE"))
            return false;
    memcpy(text, token.data, token.len);
    text[token.len] = 0;
    *out = cd_strtod(text, &end);
    return *end == 0 && isfinite(*out);
}

static bool is_integer(assay_str token)
{
    for (size_t i = 0; i < token.len; i++)
        if (pc_in(token.data[i], ".eE"))
            return false;
    return true;
}

static bool same_token(const cd_task *t, assay_str want, assay_str got)
{
    double a, b;
    decimal x, y;
    if (pc_eq(want, got))
        return true;
    if (t->compare != CD_FLOAT || !read_number(want, &a) || !read_number(got, &b))
        return false;
    if (is_integer(want) && is_integer(got))
        return read_decimal(want, &x) && read_decimal(got, &y) && same_decimals(&x, &y);
    double relative = is_integer(want) ? 0 : t->tolerance.relative; /* one in a million is wrong */
    return fabs(a - b) <= t->tolerance.absolute + relative * fabs(a);
}

bool cd_accepts_output(const cd_task *t, uint32_t i, assay_str got)
{
    if (!t->has_wants)
        return true;
    assay_str want = t->want[i];
    if (t->compare == CD_EXACT)
        return same_lines(want, got);
    if (t->compare == CD_DECIMAL)
        return same_decimal_lines(want, got);
    for (;;) {
        assay_str a = take_token(&want), b = take_token(&got);
        if (!a.len || !b.len)
            return !a.len && !b.len;
        if (!same_token(t, a, b))
            return false;
    }
}
