/* value_repr.c -- values as Python prints them, for people. SPDX-License-Identifier: Apache-2.0 */
#include "value_inner.h"

#include <math.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

typedef struct printer {
    char *out;
    size_t len, most;
    bool cut;
} printer;

static void put(printer *p, const char *data, size_t n)
{
    if (p->cut || n > p->most - p->len) { /* never half a character */
        p->cut = true;
        return;
    }
    memcpy(p->out + p->len, data, n);
    p->len += n;
}

static void put_text(printer *p, const char *text)
{
    put(p, text, strlen(text));
}

/* ---- numbers ---- */

/* The fewest digits that read back as d: "d.ddde+xx" without the point; their number. */
static size_t shortest(double d, char digits[20], int *exponent)
{
    char text[40];
    size_t n = 0;
    for (int precision = 0; precision < 17; precision++) {
        n = 0;
        (void)snprintf(text, sizeof text, "%.*e", precision, d);
        char *e = strchr(text, 'e');
        *exponent = (int)strtol(e + 1, NULL, 10);
        for (const char *c = text; c < e && n < 19; c++)
            if (*c >= '0' && *c <= '9') /* not the point, which may be a comma */
                digits[n++] = *c;
        if (strtod(text, NULL) == d)
            break;
    }
    while (n > 1 && digits[n - 1] == '0')
        n--;
    digits[n] = 0;
    return n;
}

static void put_zeros(printer *p, int n)
{
    for (int i = 0; i < n; i++)
        put(p, "0", 1);
}

static void put_finite(printer *p, double d, bool with_point)
{
    char digits[20], tail[16];
    int exponent;
    if (signbit(d))
        put(p, "-", 1);
    size_t n = shortest(fabs(d), digits, &exponent);
    int whole = exponent + 1; /* digits before the point */
    if (exponent < -4 || exponent >= 16) {
        put(p, digits, 1);
        if (n > 1)
            put(p, ".", 1);
        put(p, digits + 1, n - 1);
        (void)snprintf(tail, sizeof tail, "e%+03d", exponent);
        put_text(p, tail);
    } else if (whole <= 0) {
        put(p, "0.", 2);
        put_zeros(p, -whole);
        put(p, digits, n);
    } else if ((size_t)whole >= n) {
        put(p, digits, n);
        put_zeros(p, whole - (int)n);
        if (with_point)
            put(p, ".0", 2);
    } else {
        put(p, digits, (size_t)whole);
        put(p, ".", 1);
        put(p, digits + whole, n - (size_t)whole);
    }
}

static void put_float(printer *p, double d, bool with_point)
{
    if (d != d)
        put(p, "nan", 3);
    else if (isinf(d))
        put_text(p, d < 0 ? "-inf" : "inf");
    else
        put_finite(p, d, with_point);
}

static void put_complex(printer *p, const value_head *h)
{
    double re = 0, im = 0;
    (void)value_float_of(h->text, &re);
    (void)value_float_of(h->text2, &im);
    bool alone = re == 0 && !signbit(re);
    if (!alone) {
        put(p, "(", 1);
        put_float(p, re, false);
        if (im != im || !signbit(im))
            put(p, "+", 1);
    }
    put_float(p, im, false);
    put_text(p, alone ? "j" : "j)");
}

/* Python itself prints no integer of more than 4,300 digits; here it stays hexadecimal. */
static void put_int(printer *p, asbx_text text)
{
    enum { MOST_HEX = 3571, CHUNK = 9, CHUNKS = 4310 / CHUNK };
    uint32_t chunk[CHUNKS] = { 0 }; /* nine decimal digits each, the lowest first */
    size_t n = 1;
    char digits[16];
    value_int i;
    (void)value_int_of(text, &i);
    if (!i.hex || i.digits.len > MOST_HEX) {
        put(p, text.data, text.len < p->most - p->len ? text.len : p->most - p->len);
        p->cut = p->cut || text.len > p->most;
        return;
    }
    for (size_t k = 0; k < i.digits.len; k++) {
        char c = i.digits.data[k];
        uint64_t carry = (uint64_t)(c <= '9' ? c - '0' : (c | 0x20) - 'a' + 10);
        for (size_t j = 0; j < n; j++) {
            carry += (uint64_t)chunk[j] * 16;
            chunk[j] = (uint32_t)(carry % 1000000000);
            carry /= 1000000000;
        }
        if (carry && n < CHUNKS)
            chunk[n++] = (uint32_t)carry;
    }
    if (i.negative)
        put(p, "-", 1);
    for (size_t j = n; j-- > 0;) {
        (void)snprintf(digits, sizeof digits, "%0*u", j + 1 == n ? 1 : 9, (unsigned)chunk[j]);
        put_text(p, digits);
    }
}

/* ---- texts ---- */

/* A character of at most four bytes; 0 and one byte where the bytes are none. */
static uint32_t character(asbx_text t, size_t *size)
{
    static const uint32_t least[] = { 0, 0, 0x80, 0x800, 0x10000 };
    unsigned char c = (unsigned char)t.data[0];
    size_t n = c < 0x80                ? 1
               : c >= 0xc2 && c < 0xe0 ? 2
               : (c & 0xf0) == 0xe0    ? 3
               : c >= 0xf0 && c < 0xf5 ? 4
                                       : 0;
    uint32_t v = n == 1 ? c : n ? c & (0x7fU >> n) : 0;
    *size = 1;
    if (n == 0 || n > t.len)
        return 0;
    for (size_t i = 1; i < n; i++) {
        if (((unsigned char)t.data[i] & 0xc0) != 0x80)
            return 0;
        v = v << 6 | ((unsigned char)t.data[i] & 0x3fU);
    }
    if (v < least[n] || v > 0x10ffff)
        return 0;
    *size = n;
    return v;
}

/* Controls, separators, formats, surrogates, private and no characters. */
static bool is_printable(uint32_t c)
{
    static const uint32_t hidden[][2] = {
        { 0, 0x1f },          { 0x7f, 0xa0 },     { 0xad, 0xad },     { 0x600, 0x605 },
        { 0x61c, 0x61c },     { 0x6dd, 0x6dd },   { 0x70f, 0x70f },   { 0x890, 0x891 },
        { 0x8e2, 0x8e2 },     { 0x1680, 0x1680 }, { 0x180e, 0x180e }, { 0x2000, 0x200f },
        { 0x2028, 0x202f },   { 0x205f, 0x206f }, { 0x3000, 0x3000 }, { 0xd800, 0xf8ff },
        { 0xfeff, 0xfeff },   { 0xfff0, 0xfffb }, { 0xfffe, 0xffff }, { 0xe0000, 0xe00ff },
        { 0xe01f0, 0x10ffff }
    };
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (c >= hidden[i][0] && c <= hidden[i][1])
            return false;
    return true;
}

static void put_escape(printer *p, uint32_t c)
{
    char text[16];
    if (c == '\n' || c == '\r' || c == '\t')
        (void)snprintf(text, sizeof text, "\\%c", c == '\n' ? 'n' : c == '\r' ? 'r' : 't');
    else if (c < 0x100)
        (void)snprintf(text, sizeof text, "\\x%02x", (unsigned)c);
    else if (c < 0x10000)
        (void)snprintf(text, sizeof text, "\\u%04x", (unsigned)c);
    else
        (void)snprintf(text, sizeof text, "\\U%08x", (unsigned)c);
    put_text(p, text);
}

static void put_quoted(printer *p, asbx_text t, bool bytes)
{
    bool has_single = t.len && memchr(t.data, '\'', t.len),
         has_double = t.len && memchr(t.data, '"', t.len);
    const char quote = has_single && !has_double ? '"' : '\'';
    if (bytes)
        put(p, "b", 1);
    put(p, &quote, 1);
    while (t.len > 0 && !p->cut) {
        size_t n = 1;
        unsigned char byte = (unsigned char)t.data[0];
        uint32_t c = bytes ? byte : character(t, &n);
        if (!bytes && c == 0)
            c = byte; /* not UTF-8 */
        bool whole = bytes ? byte >= 0x20 && byte < 0x7f : is_printable(c) && (n > 1 || c < 0x80);
        if (c == (unsigned char)quote || c == '\\') {
            put(p, "\\", 1);
            put(p, t.data, 1);
        } else if (whole) {
            put(p, t.data, n);
        } else {
            put_escape(p, c);
        }
        t.data += n;
        t.len -= n;
    }
    put(p, &quote, 1);
}

/* ---- any ---- */

static bool put_value(printer *p, asbx_text v, size_t *at);

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool put_elements(printer *p, asbx_text v, size_t *at, const value_head *h)
{
    const char *open = "[", *close = "]";
    bool is_set = h->kind == '<' || h->kind == '>';
    if (h->kind == '(') {
        open = "(";
        close = h->n == 1 ? ",)" : ")";
    } else if (h->kind == '{' || is_set) {
        open = h->kind == '>' ? "frozenset({" : "{";
        close = h->kind == '>' ? "})" : "}";
    }
    if (is_set && h->n == 0) {
        put_text(p, h->kind == '>' ? "frozenset()" : "set()");
        return true;
    }
    put_text(p, open);
    for (size_t i = 0; i < h->n && !p->cut; i++) {
        if (i > 0)
            put(p, ", ", 2);
        if (!put_value(p, v, at))
            return false;
        if (h->kind != '{')
            continue;
        put(p, ": ", 2);
        if (!put_value(p, v, at))
            return false;
    }
    put_text(p, close);
    return true;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is bounded */
static bool put_value(printer *p, asbx_text v, size_t *at)
{
    value_head h;
    double d = 0;
    if (p->cut || !value_read(v, at, &h))
        return false;
    switch (h.kind) {
    case 'N':
    case 'T':
    case 'F':
        put_text(p, h.kind == 'N' ? "None" : h.kind == 'T' ? "True" : "False");
        return true;
    case 'i':
        put_int(p, h.text);
        return true;
    case 'f':
        (void)value_float_of(h.text, &d);
        put_float(p, d, true);
        return true;
    case 'c':
        put_complex(p, &h);
        return true;
    case 's':
    case 'b':
        put_quoted(p, h.text, h.kind == 'b');
        return true;
    case '?':
        put(p, "<", 1);
        put(p, h.text.data, h.text.len);
        put(p, " object>", 8);
        return true;
    default:
        return put_elements(p, v, at, &h);
    }
}

size_t asbx_value_repr(asbx_text v, char *out, size_t most)
{
    printer p = { .out = out, .most = most };
    size_t at = 0;
    (void)put_value(&p, v, &at);
    if (p.cut) {
        memcpy(out + p.len, "...", 3);
        p.len += 3;
    }
    out[p.len] = 0;
    return p.len;
}
