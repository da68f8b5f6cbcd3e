/* value.c -- see value.h: walks, writes and prints values without building them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "value.h"

#include <locale.h>
#include <math.h>
#include <pthread.h>
#include <stdio.h>
#include <stdlib.h>

/* ---- walking ---- */

static bool take_count(cd_walk *w, size_t *out)
{
    const char *from = w->at;
    size_t n = 0;
    while (w->at < w->end && pc_is_digit(*w->at) && n < SIZE_MAX / 16)
        n = n * 10 + (size_t)(*w->at++ - '0');
    *out = n;
    return w->at > from;
}

static bool take_to_semicolon(cd_walk *w, assay_str *out)
{
    const char *semi = w->at < w->end ? memchr(w->at, ';', (size_t)(w->end - w->at)) : NULL;
    if (!semi || semi == w->at)
        return false;
    *out = (assay_str){ w->at, (size_t)(semi - w->at) };
    w->at = semi + 1;
    return true;
}

static unsigned hex_digit(char c)
{
    if (pc_is_digit(c))
        return (unsigned)(c - '0');
    c = pc_lower(c);
    return c >= 'a' && c <= 'f' ? (unsigned)(c - 'a') + 10 : 16;
}

static bool read_exponent(assay_str t, size_t at, int *out)
{
    bool minus = at < t.len && t.data[at] == '-';
    if (at < t.len && (minus || t.data[at] == '+'))
        at++;
    int n = 0;
    size_t from = at;
    while (at < t.len && pc_is_digit(t.data[at]) && n < 100000)
        n = n * 10 + (t.data[at++] - '0');
    *out = minus ? -n : n;
    return at > from && at == t.len;
}

/* "0x1.8p+1": read here, since strtod() reads as the process's locale writes. */
static bool read_hex_float(assay_str t, double *out)
{
    bool minus = t.len && t.data[0] == '-';
    assay_str rest = pc_from(t, minus);
    if (pc_is(rest, "inf") || pc_is(rest, "nan")) {
        *out = pc_is(rest, "nan") ? NAN : minus ? -INFINITY : INFINITY;
        return true;
    }
    if (!pc_starts(rest, "0x"))
        return false;
    uint64_t mantissa = 0;
    int exponent = 0, shift = 0;
    size_t at = 2, digits = 0;
    bool fraction = false;
    for (; at < rest.len && rest.data[at] != 'p'; at++) {
        unsigned d = hex_digit(rest.data[at]);
        if (rest.data[at] == '.' && !fraction)
            fraction = true;
        else if (d > 15 || ++digits > 15)
            return false;
        else {
            mantissa = mantissa << 4 | d;
            shift -= fraction ? 4 : 0;
        }
    }
    if (!digits || at >= rest.len || !read_exponent(rest, at + 1, &exponent))
        return false;
    *out = ldexp((double)mantissa, exponent + shift);
    *out = minus ? -*out : *out;
    return true;
}

static bool take_float(cd_walk *w, double *out)
{
    assay_str text;
    return take_to_semicolon(w, &text) && read_hex_float(text, out);
}

static bool take_complex(cd_walk *w, cd_item *out)
{
    if (w->at >= w->end || *w->at++ != 'f' || !take_float(w, &out->re))
        return false;
    return w->at < w->end && *w->at++ == 'f' && take_float(w, &out->im);
}

static bool take_text(cd_walk *w, assay_str *out)
{
    size_t n;
    if (!take_count(w, &n) || w->at >= w->end || *w->at++ != ':' || n > (size_t)(w->end - w->at))
        return false;
    *out = (assay_str){ w->at, n };
    w->at += n;
    return true;
}

bool cd_next(cd_walk *w, cd_item *out)
{
    *out = (cd_item){ .kind = 0 };
    if (w->at >= w->end)
        return false;
    out->kind = *w->at++;
    switch (out->kind) {
    case 'N':
    case 'T':
    case 'F':
        return true;
    case 'i':
        return take_to_semicolon(w, &out->text);
    case 'f':
        return take_float(w, &out->re);
    case 'c':
        return take_complex(w, out);
    case 's':
    case 'b':
    case '?':
        return take_text(w, &out->text);
    case '[':
    case '(':
    case '{':
    case '<':
    case '>':
        return take_count(w, &out->n) && out->n <= (size_t)(w->end - w->at);
    default:
        return false;
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool skip(cd_walk *w, unsigned depth)
{
    cd_item item;
    if (depth > CD_DEPTH + 1 || !cd_next(w, &item))
        return false;
    size_t n = item.kind == '{' ? 2 * item.n : item.n;
    for (size_t i = 0; i < n; i++)
        if (!skip(w, depth + 1))
            return false;
    return true;
}

bool cd_skip(cd_walk *w, assay_str *text)
{
    const char *from = w->at;
    bool ok = skip(w, 0);
    *text = (assay_str){ from, (size_t)(w->at - from) };
    return ok;
}

bool cd_valid(assay_str v)
{
    cd_walk w = cd_walk_of(v);
    assay_str all;
    return v.data && cd_skip(&w, &all) && w.at == w.end;
}

bool cd_holds_other(assay_str v)
{
    cd_walk w = cd_walk_of(v); /* heads follow each other, whatever holds them */
    cd_item item;
    while (w.at < w.end)
        if (!cd_next(&w, &item) || item.kind == '?')
            return true;
    return false;
}

bool cd_is_thing(assay_str v)
{
    static const char *const always[] = { "?5:Match", "?7:Pattern", "?8:function", "?9:generator",
                                          "?3:map",   "?6:filter",  "?3:zip" };
    for (size_t i = 0; i < sizeof always / sizeof *always; i++)
        if (pc_is(v, always[i]))
            return true;
    return false;
}

/* ---- writing ---- */

void cd_put_float(pc_buf *out, double d)
{
    int exponent;
    if (isnan(d) || isinf(d)) {
        pc_buf_text(out, isnan(d) ? "fnan;" : d > 0 ? "finf;" : "f-inf;");
        return;
    }
    double mantissa = ldexp(frexp(fabs(d), &exponent), 53);
    pc_buf_fmt(out, "f%s0x%llxp%d;", signbit(d) ? "-" : "", (unsigned long long)mantissa,
               mantissa > 0 ? exponent - 53 : 0);
}

void cd_put_text(pc_buf *out, char kind, assay_str text)
{
    pc_buf_fmt(out, "%c%zu:", kind, text.len);
    pc_buf_add(out, text.data, text.len);
}

enum { LIMB_DIGITS = 9, LIMB_BASE = 1000000000 };

/* n limbs of 32 bits, lowest first, from decimal digits. */
static size_t to_binary(assay_str digits, uint32_t *limbs)
{
    size_t n = 0;
    for (size_t at = 0; at < digits.len;) {
        uint32_t chunk = 0, base = 1;
        for (unsigned k = 0; k < LIMB_DIGITS && at < digits.len; k++, base *= 10)
            chunk = chunk * 10 + (uint32_t)(digits.data[at++] - '0');
        uint64_t carry = chunk;
        for (size_t i = 0; i < n; i++) {
            carry += (uint64_t)limbs[i] * base;
            limbs[i] = (uint32_t)carry;
            carry >>= 32;
        }
        if (carry)
            limbs[n++] = (uint32_t)carry;
    }
    return n;
}

static void put_big(pc_buf *out, assay_str digits)
{
    uint32_t *limbs = pc_calloc(digits.len / LIMB_DIGITS + 2, sizeof *limbs);
    if (!limbs) {
        out->failed = true;
        return;
    }
    size_t n = to_binary(digits, limbs);
    pc_buf_fmt(out, "0x%x", n ? limbs[n - 1] : 0);
    for (size_t i = n; i-- > 1;)
        pc_buf_fmt(out, "%08x", limbs[i - 1]);
    pc_free(limbs);
}

bool cd_put_int(pc_buf *out, assay_str digits)
{
    bool minus = digits.len && digits.data[0] == '-';
    digits = pc_from(digits, minus || (digits.len && digits.data[0] == '+'));
    while (digits.len > 1 && digits.data[0] == '0')
        digits = pc_from(digits, 1);
    for (size_t i = 0; i < digits.len; i++)
        if (!pc_is_digit(digits.data[i]))
            return false;
    if (!digits.len || digits.len > CD_DIGITS)
        return false;
    pc_buf_text(out, minus ? "i-" : "i");
    if (digits.len <= 18)
        pc_buf_add(out, digits.data, digits.len);
    else
        put_big(out, digits);
    pc_buf_byte(out, ';');
    return true;
}

size_t cd_put_open(pc_buf *out, char kind)
{
    pc_buf_byte(out, kind);
    size_t open = out->len;
    pc_buf_text(out, "0000000000");
    return open;
}

void cd_put_count(pc_buf *out, size_t open, size_t n)
{
    char text[24];
    int len = snprintf(text, sizeof text, "%010zu", n);
    if (len != 10 || out->failed)
        out->failed = true;
    else
        memcpy(out->data + open, text, 10);
}

/* ---- numbers ---- */

static double int_to_double(assay_str t)
{
    bool minus = t.len && t.data[0] == '-', hex;
    t = pc_from(t, minus);
    hex = pc_starts(t, "0x");
    double d = 0;
    for (size_t i = hex ? 2 : 0; i < t.len; i++)
        d = d * (hex ? 16 : 10) + (double)hex_digit(t.data[i]);
    return minus ? -d : d;
}

double cd_to_double(const cd_item *number)
{
    switch (number->kind) {
    case 'T':
    case 'F':
        return number->kind == 'T';
    case 'i':
        return int_to_double(number->text);
    case 'f':
        return number->re;
    default:
        return NAN;
    }
}

/* ---- decimals, whatever the process's locale ---- */

static locale_t plain_locale;

static void make_plain_locale(void)
{
    plain_locale = newlocale(LC_ALL_MASK, "C", (locale_t)0);
}

static locale_t cd_plain_locale(void)
{
    static pthread_once_t once = PTHREAD_ONCE_INIT;
    (void)pthread_once(&once, make_plain_locale);
    return plain_locale;
}

double cd_strtod(const char *text, char **end)
{
    locale_t plain = cd_plain_locale();
    return plain ? strtod_l(text, end, plain) : strtod(text, end);
}

/* ---- printing ---- */

static void repr_float(pc_buf *out, double d)
{
    char text[40];
    if (isnan(d) || isinf(d)) {
        pc_buf_text(out, isnan(d) ? "float('nan')" : d > 0 ? "float('inf')" : "float('-inf')");
        return;
    }
    locale_t plain = cd_plain_locale();
    locale_t before = plain ? uselocale(plain) : (locale_t)0; /* of this thread alone */
    for (int digits = 15; digits <= 17; digits++) {
        (void)snprintf(text, sizeof text, "%.*g", digits, d);
        double back = cd_strtod(text, NULL);
        if (back == d) /* 0 is printed with its sign */
            break;
    }
    if (before)
        (void)uselocale(before);
    pc_buf_text(out, text);
    if (!strpbrk(text, ".e"))
        pc_buf_text(out, ".0");
}

static void repr_char(pc_buf *out, uint32_t cp, assay_str raw)
{
    if (cp == '\\' || cp == '\'')
        pc_buf_fmt(out, "\\%c", (int)cp);
    else if (cp == '\n' || cp == '\r' || cp == '\t')
        pc_buf_text(out, cp == '\n' ? "\\n" : cp == '\r' ? "\\r" : "\\t");
    else if (cp < 0x20 || cp == 0x7f)
        pc_buf_fmt(out, "\\x%02x", (unsigned)cp);
    else
        pc_buf_add(out, raw.data, raw.len);
}

/* A lone surrogate comes as three bytes that are not UTF-8. */
static size_t repr_surrogate(pc_buf *out, assay_str s, size_t at)
{
    const unsigned char *p = (const unsigned char *)s.data + at;
    if (s.len - at >= 3 && p[0] == 0xed && p[1] >= 0xa0) {
        pc_buf_fmt(out, "\\u%04x", 0xd000u | (p[1] & 0x3fu) << 6 | (p[2] & 0x3fu));
        return 3;
    }
    pc_buf_fmt(out, "\\x%02x", (unsigned)p[0]);
    return 1;
}

static void repr_text(pc_buf *out, char kind, assay_str s)
{
    pc_buf_text(out, kind == 'b' ? "b'" : "'");
    for (size_t at = 0, n; at < s.len; at += n) {
        uint32_t cp = (unsigned char)s.data[at];
        n = 1;
        if (cp < 0x80)
            repr_char(out, cp, pc_slice(s, at, at + 1));
        else if (kind == 'b')
            pc_buf_fmt(out, "\\x%02x", (unsigned)cp);
        else if (n = pc_utf8(s, at, &cp), cp == UINT32_MAX)
            n = repr_surrogate(out, s, at);
        else
            pc_buf_add(out, s.data + at, n);
    }
    pc_buf_byte(out, '\'');
}

static bool repr(pc_buf *out, cd_walk *w, unsigned depth);

static const char *opening(const cd_item *item)
{
    switch (item->kind) {
    case '[':
        return "[";
    case '(':
        return "(";
    case '>':
        return item->n ? "frozenset({" : "frozenset(";
    case '<':
        return item->n ? "{" : "set(";
    default:
        return "{";
    }
}

static const char *closing(const cd_item *item)
{
    switch (item->kind) {
    case '[':
        return "]";
    case '(':
        return item->n == 1 ? ",)" : ")";
    case '>':
        return item->n ? "})" : ")";
    case '<':
        return item->n ? "}" : ")";
    default:
        return "}";
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool repr_items(pc_buf *out, cd_walk *w, const cd_item *item, unsigned depth)
{
    pc_buf_text(out, opening(item));
    for (size_t i = 0; i < item->n; i++) {
        if (i)
            pc_buf_text(out, ", ");
        if (!repr(out, w, depth + 1))
            return false;
        if (item->kind != '{')
            continue;
        pc_buf_text(out, ": ");
        if (!repr(out, w, depth + 1))
            return false;
    }
    pc_buf_text(out, closing(item));
    return true;
}

static void repr_complex(pc_buf *out, const cd_item *item)
{
    pc_buf_text(out, "complex(");
    repr_float(out, item->re);
    pc_buf_text(out, ", ");
    repr_float(out, item->im);
    pc_buf_text(out, ")");
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool repr(pc_buf *out, cd_walk *w, unsigned depth)
{
    cd_item item;
    if (depth > CD_DEPTH + 1 || !cd_next(w, &item))
        return false;
    switch (item.kind) {
    case 'N':
        pc_buf_text(out, "None");
        return true;
    case 'T':
    case 'F':
        pc_buf_text(out, item.kind == 'T' ? "True" : "False");
        return true;
    case 'i':
        pc_buf_add(out, item.text.data, item.text.len);
        return true;
    case 'f':
        repr_float(out, item.re);
        return true;
    case 'c':
        repr_complex(out, &item);
        return true;
    case 's':
    case 'b':
        repr_text(out, item.kind, item.text);
        return true;
    case '?':
        pc_buf_byte(out, '<');
        pc_buf_add(out, item.text.data, item.text.len);
        pc_buf_byte(out, '>');
        return true;
    default:
        return repr_items(out, w, &item, depth);
    }
}

void cd_repr(pc_buf *out, assay_str v)
{
    cd_walk w = cd_walk_of(v);
    if (!v.data || !repr(out, &w, 0))
        pc_buf_text(out, "<malformed>");
}
