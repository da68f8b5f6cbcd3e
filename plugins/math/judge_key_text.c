/* judge_key_text.c -- keys back to answers, so that two of them can be compared when their bytes
 * differ. SPDX-License-Identifier: Apache-2.0 */
#include "math/judge.h"

enum { DEEPEST = 40 };

/* Nesting is bounded by DEEPEST. NOLINTBEGIN(misc-no-recursion) */
static bool element(assay_str *key, pc_buf *out, unsigned depth);

/* Up to the next byte of `ends`, which is not taken. */
static assay_str take_until(assay_str *key, const char *ends)
{
    size_t n = 0;
    while (n < key->len && !pc_in(key->data[n], ends))
        n++;
    assay_str head = pc_slice(*key, 0, n);
    *key = pc_from(*key, n);
    return head;
}

static bool take_byte(assay_str *key, char c)
{
    if (!key->len || key->data[0] != c)
        return false;
    *key = pc_from(*key, 1);
    return true;
}

static bool elements(assay_str *key, pc_buf *out, const char *between, char close, unsigned depth)
{
    if (take_byte(key, close))
        return true;
    for (bool first = true; first || take_byte(key, ','); first = false) {
        if (!first)
            pc_buf_text(out, between);
        if (!element(key, out, depth + 1))
            return false;
    }
    return take_byte(key, close);
}

static bool sized_text(assay_str *key, pc_buf *out)
{
    size_t n = 0;
    while (key->len && pc_is_digit(key->data[0]) && n <= MATH_BYTES) {
        n = n * 10 + (size_t)(key->data[0] - '0');
        *key = pc_from(*key, 1);
    }
    if (!take_byte(key, ':') || n > key->len)
        return false;
    pc_buf_add(out, key->data, n);
    *key = pc_from(*key, n);
    return true;
}

static bool matrix(assay_str *key, pc_buf *out, unsigned depth)
{
    unsigned columns = 0, i = 0;
    (void)take_until(key, "x");
    if (!take_byte(key, 'x'))
        return false;
    for (; key->len && pc_is_digit(key->data[0]) && columns < 100000; *key = pc_from(*key, 1))
        columns = columns * 10 + (unsigned)(key->data[0] - '0');
    if (!columns || !take_byte(key, '('))
        return false;
    pc_buf_text(out, "\\begin{pmatrix}");
    do {
        if (i > 0)
            pc_buf_text(out, i % columns ? "&" : "\\\\");
        if (!element(key, out, depth + 1))
            return false;
        i++;
    } while (take_byte(key, ','));
    pc_buf_text(out, "\\end{pmatrix}");
    return take_byte(key, ')');
}

static void unit(assay_str *key, pc_buf *out)
{
    if (!take_byte(key, '|'))
        return;
    assay_str name = take_until(key, ",)]}");
    if (pc_is(name, "%") || pc_is(name, "deg")) {
        pc_buf_text(out, name.data[0] == '%' ? "\\%" : "^{\\circ}");
        return;
    }
    if (pc_is(name, "$"))
        name = (assay_str){ "dollars", 7 };
    pc_buf_text(out, "\\text{ ");
    pc_buf_add(out, name.data, name.len);
    pc_buf_byte(out, '}');
}

/* An algebraic number has no notation here: a letter whose index is its key. Equal numbers are
 * equal letters. */
static bool algebraic(assay_str *key, pc_buf *out)
{
    assay_str polynomial = take_until(key, "@");
    pc_buf_text(out, "K_{");
    for (size_t i = 0; i < polynomial.len; i++) {
        char c = polynomial.data[i];
        if (c == ',')
            c = 'c';
        else if (c == '-')
            c = 'm';
        pc_buf_byte(out, c);
    }
    if (!take_byte(key, '@'))
        return false;
    assay_str root = take_until(key, "|,)]}");
    pc_buf_byte(out, 'r');
    pc_buf_add(out, root.data, root.len);
    pc_buf_byte(out, '}');
    return polynomial.len > 0;
}

/* A rational function "num / den": up to a delimiter outside brackets. */
static bool fraction(assay_str *key, pc_buf *out)
{
    size_t n = 0;
    int open = 0;
    for (; n < key->len && (open || !pc_in(key->data[n], "|,)]}")); n++) {
        open += key->data[n] == '(' || key->data[n] == '{';
        open -= key->data[n] == ')' || key->data[n] == '}';
    }
    assay_str all = pc_slice(*key, 0, n);
    *key = pc_from(*key, n);
    size_t bar = pc_find(all, " / ", 0);
    pc_buf_byte(out, '(');
    pc_buf_add(out, all.data, bar == PC_NONE ? all.len : bar);
    pc_buf_byte(out, ')');
    if (bar != PC_NONE) {
        pc_buf_text(out, "/(");
        pc_buf_add(out, all.data + bar + 3, all.len - bar - 3);
        pc_buf_byte(out, ')');
    }
    return all.len > 0;
}

/* [q:0,q:1)(q:2,inf): pieces side by side. */
static bool interval_end(assay_str *key, pc_buf *out, unsigned depth)
{
    bool negative = pc_starts(*key, "-inf");
    if (!negative && !pc_starts(*key, "inf"))
        return element(key, out, depth + 1);
    pc_buf_text(out, negative ? "-\\infty" : "\\infty");
    *key = pc_from(*key, negative ? 4 : 3);
    return true;
}

static bool intervals(assay_str *key, pc_buf *out, unsigned depth)
{
    bool first = true;
    while (key->len && pc_in(key->data[0], "[(")) {
        if (!first)
            pc_buf_text(out, "\\cup ");
        first = false;
        pc_buf_byte(out, key->data[0]);
        *key = pc_from(*key, 1);
        if (!interval_end(key, out, depth) || !take_byte(key, ','))
            return false;
        pc_buf_text(out, ",\\,");
        if (!interval_end(key, out, depth) || !key->len || !pc_in(key->data[0], "])"))
            return false;
        pc_buf_byte(out, key->data[0]);
        *key = pc_from(*key, 1);
    }
    if (first)
        pc_buf_text(out, "\\emptyset ");
    return true;
}

static bool based(assay_str *key, pc_buf *out)
{
    assay_str digits = take_until(key, "_");
    for (size_t i = 0; i < digits.len; i++)
        pc_buf_byte(out, pc_upper(digits.data[i]));
    if (!take_byte(key, '_'))
        return false;
    assay_str base = take_until(key, "|,)]}");
    pc_buf_text(out, "_{");
    pc_buf_add(out, base.data, base.len);
    pc_buf_byte(out, '}');
    return digits.len && base.len;
}

static bool body(assay_str *key, char kind, pc_buf *out, unsigned depth)
{
    switch (kind) {
    case 'g':
        return based(key, out);
    case 'a':
        return algebraic(key, out);
    case 'p':
        return fraction(key, out);
    case 'u':
        return intervals(key, out, depth);
    case 'q': {
        assay_str n = take_until(key, "|,)]}");
        pc_buf_byte(out, '(');
        pc_buf_add(out, n.data, n.len);
        pc_buf_byte(out, ')');
        return true;
    }
    case 't':
        pc_buf_byte(out, '(');
        return take_byte(key, '(') && elements(key, out, ",\\,", ')', depth) &&
               (pc_buf_byte(out, ')'), true);
    case 'b':
        pc_buf_byte(out, '[');
        return take_byte(key, '[') && elements(key, out, ",\\,", ']', depth) &&
               (pc_buf_byte(out, ']'), true);
    case 'l':
        return take_byte(key, '(') && elements(key, out, ",\\,", ')', depth);
    case 's':
        pc_buf_text(out, "\\{");
        return take_byte(key, '{') && elements(key, out, ",\\,", '}', depth) &&
               (pc_buf_text(out, "\\}"), true);
    case 'o':
        return take_byte(key, '(') && elements(key, out, ":", ')', depth);
    case 'm':
        return matrix(key, out, depth);
    default:
        return false;
    }
}

/* "x=", "x~" (is in) or "n4:f(2)=" before an element. */
static void name(assay_str *key, pc_buf *out)
{
    if (key->len > 1 && key->data[0] == 'n' && pc_is_digit(key->data[1])) {
        assay_str rest = pc_from(*key, 1);
        size_t before = out->len;
        if (sized_text(&rest, out) && take_byte(&rest, '=')) {
            pc_buf_byte(out, '=');
            *key = rest;
            return;
        }
        out->len = before; /* n1= is a plain name */
    }
    for (size_t i = 0; i < key->len; i++) {
        char c = key->data[i];
        if (c == '=' || c == '~') {
            pc_buf_add(out, key->data, i);
            pc_buf_text(out, c == '=' ? "=" : "\\in ");
            *key = pc_from(*key, i + 1);
            return;
        }
        if (!pc_is_alpha(c) && !pc_is_digit(c) && c != '_')
            return;
    }
}

static bool element(assay_str *key, pc_buf *out, unsigned depth)
{
    if (depth > DEEPEST)
        return false;
    name(key, out);
    bool ok;
    if (key->len > 1 && key->data[0] == 'x' && pc_is_digit(key->data[1])) {
        *key = pc_from(*key, 1);
        ok = sized_text(key, out);
    } else {
        ok = key->len > 1 && key->data[1] == ':' && key->data[0];
        char kind = 0;
        if (ok)
            kind = key->data[0];
        *key = pc_from(*key, 2);
        ok = ok && body(key, kind, out, depth);
    }
    if (ok)
        unit(key, out);
    return ok;
}
/* NOLINTEND(misc-no-recursion) */

bool math_key_text(assay_str key, pc_buf *out)
{
    return element(&key, out, 0) && key.len == 0 && !out->failed;
}
