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

static bool same_token(const cd_task *t, assay_str want, assay_str got)
{
    double a, b;
    if (pc_eq(want, got))
        return true;
    if (t->compare != CD_FLOAT || !read_number(want, &a) || !read_number(got, &b))
        return false;
    return fabs(a - b) <= t->tolerance.absolute + t->tolerance.relative * fabs(a);
}

bool cd_accepts_output(const cd_task *t, uint32_t i, assay_str got)
{
    if (!t->has_wants)
        return true;
    assay_str want = t->want[i];
    if (t->compare == CD_EXACT)
        return same_lines(want, got);
    for (;;) {
        assay_str a = take_token(&want), b = take_token(&got);
        if (!a.len || !b.len)
            return !a.len && !b.len;
        if (!same_token(t, a, b))
            return false;
    }
}
