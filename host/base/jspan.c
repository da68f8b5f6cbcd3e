/* jspan.c -- one pass over a JSON text that checks everything, and cheap walks over what was
 * checked. SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"

#include "base/mem.h"
#include "base/num.h"

#include <math.h>
#include <stdint.h>

#define BYTES(c) (0x0101010101010101u * (uint64_t)(c))

typedef struct scanner {
    const char *p, *end;
    const char *what;   /* of the first fault, which lies at p */
    uint64_t is_object; /* one bit per open container, the innermost lowest */
    unsigned depth;
} scanner;

static bool is_ws(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r';
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static void skip_ws(scanner *s)
{
    while (s->p < s->end && is_ws(*s->p))
        s->p++;
}

static bool fault(scanner *s, const char *what)
{
    s->what = what;
    return false;
}

/* High bit of each byte of w that equals c. Bytes above the lowest hit may be flagged wrongly
 * (borrow), so callers look at the lowest one only. */
static uint64_t hits(uint64_t w, unsigned char c)
{
    uint64_t x = w ^ BYTES(c);
    return (x - BYTES(1)) & ~x & BYTES(0x80);
}

/* First byte from p that is not plain text inside a string: quote, backslash, control or non-ASCII;
 * else end. */
static const char *plain_end(const char *p, const char *end)
{
    uint64_t w;
    for (; (size_t)(end - p) >= sizeof w; p += sizeof w) {
        memcpy(&w, p, sizeof w);
        uint64_t control = (w - BYTES(0x20)) & ~w & BYTES(0x80);
        uint64_t found = control | (w & BYTES(0x80)) | hits(w, '"') | hits(w, '\\');
        if (found)
            return p + __builtin_ctzll(found) / 8; /* little-endian: the lowest byte is the first */
    }
    for (; p < end; p++) {
        unsigned char c = (unsigned char)*p;
        if (c < 0x20 || c >= 0x80 || c == '"' || c == '\\')
            break;
    }
    return p;
}

/* First quote or backslash from p, else end. */
static const char *special(const char *p, const char *end)
{
    uint64_t w;
    for (; (size_t)(end - p) >= sizeof w; p += sizeof w) {
        memcpy(&w, p, sizeof w);
        uint64_t found = hits(w, '"') | hits(w, '\\');
        if (found)
            return p + __builtin_ctzll(found) / 8;
    }
    while (p < end && *p != '"' && *p != '\\')
        p++;
    return p;
}

static int hex_digit(char c)
{
    if (is_digit(c))
        return c - '0';
    char lower = (char)(c | 0x20);
    return lower >= 'a' && lower <= 'f' ? lower - 'a' + 10 : -1;
}

/* The four hex digits at p as a number, or -1. */
static int hex4(const char *p, const char *end)
{
    int v = 0;
    if (end - p < 4)
        return -1;
    for (int i = 0; i < 4; i++) {
        int d = hex_digit(p[i]);
        if (d < 0)
            return -1;
        v = v * 16 + d;
    }
    return v;
}

/* s->p stands on the backslash. */
static bool scan_escape(scanner *s)
{
    const char *p = s->p + 1;
    if (p == s->end)
        return fault(s, "unfinished string");
    if (*p == 'u') {
        if (hex4(p + 1, s->end) < 0)
            return fault(s, "\\u needs four hexadecimal digits");
        s->p += 6;
        return true;
    }
    if (*p == 0 || !strchr("\"\\/bfnrt", *p))
        return fault(s, "unknown escape after a backslash");
    s->p += 2;
    return true;
}

/* s->p stands on the opening quote; afterwards just after the closing one. */
static bool scan_string(scanner *s)
{
    s->p++;
    for (;;) {
        s->p = plain_end(s->p, s->end);
        if (s->p == s->end)
            return fault(s, "unfinished string");
        unsigned char c = (unsigned char)*s->p;
        if (c == '"') {
            s->p++;
            return true;
        }
        if (c == '\\') {
            if (!scan_escape(s))
                return false;
        } else if (c < 0x20) {
            return fault(s, "control character inside a string (it must be escaped)");
        } else {
            unsigned n = as_utf8_step(s->p, (size_t)(s->end - s->p));
            if (n == 0)
                return fault(s, "bytes that are not UTF-8");
            s->p += n;
        }
    }
}

static bool scan_digits(scanner *s)
{
    const char *start = s->p;
    while (s->p < s->end && is_digit(*s->p))
        s->p++;
    return s->p > start ? true : fault(s, "a digit is missing in a number");
}

static bool scan_number(scanner *s)
{
    if (*s->p == '-')
        s->p++;
    if (s->p < s->end && *s->p == '0') {
        s->p++;
        if (s->p < s->end && is_digit(*s->p))
            return fault(s, "a number must not start with 0");
    } else if (!scan_digits(s)) {
        return false;
    }
    if (s->p < s->end && *s->p == '.') {
        s->p++;
        if (!scan_digits(s))
            return false;
    }
    if (s->p < s->end && (*s->p == 'e' || *s->p == 'E')) {
        s->p++;
        if (s->p < s->end && (*s->p == '+' || *s->p == '-'))
            s->p++;
        return scan_digits(s);
    }
    return true;
}

static bool scan_word(scanner *s, const char *word)
{
    size_t n = strlen(word);
    if ((size_t)(s->end - s->p) < n || memcmp(s->p, word, n) != 0)
        return fault(s, "unknown word (true, false and null are the only ones)");
    s->p += n;
    return true;
}

/* Python's json writes what JSON does not have. */
static bool is_python_number(const scanner *s)
{
    static const char *const words[] = { "NaN", "Infinity", "-Infinity" };
    for (size_t i = 0; i < sizeof words / sizeof *words; i++) {
        size_t n = strlen(words[i]);
        if ((size_t)(s->end - s->p) >= n && memcmp(s->p, words[i], n) == 0)
            return true;
    }
    return false;
}

static bool scan_scalar(scanner *s)
{
    switch (*s->p) {
    case '"':
        return scan_string(s);
    case 't':
        return scan_word(s, "true");
    case 'f':
        return scan_word(s, "false");
    case 'n':
        return scan_word(s, "null");
    default:
        if (is_python_number(s))
            return fault(s, "NaN and Infinity are not JSON (write null in their place)");
        if (*s->p == '-' || is_digit(*s->p))
            return scan_number(s);
        return fault(s, (*s->p & 0x80) != 0 || *s->p == 0
                            ? "not JSON (binary or non-ASCII byte outside a string)"
                            : "a JSON value was expected");
    }
}

/* A key, its colon, and the white space around them. */
static bool scan_key(scanner *s)
{
    skip_ws(s);
    if (s->p == s->end || *s->p != '"')
        return fault(s, "a member name in double quotes was expected");
    if (!scan_string(s))
        return false;
    skip_ws(s);
    if (s->p == s->end || *s->p != ':')
        return fault(s, "':' was expected after a member name");
    s->p++;
    skip_ws(s);
    return true;
}

/* s->p stands on { or [. *open: the container has something in it, and s->p stands on its first
 * value. */
static bool enter(scanner *s, bool *open)
{
    bool object = *s->p == '{';
    if (s->depth == AS_JSON_DEPTH)
        return fault(s, "nested deeper than 64 levels");
    s->p++;
    skip_ws(s);
    if (s->p < s->end && *s->p == (object ? '}' : ']')) {
        s->p++;
        *open = false;
        return true;
    }
    s->depth++;
    s->is_object = s->is_object << 1 | object;
    *open = true;
    return object ? scan_key(s) : true;
}

/* After a value: closes containers, up to the next value (s->depth > 0) or the end of all (0). */
static bool leave(scanner *s)
{
    while (s->depth > 0) {
        bool object = s->is_object & 1;
        skip_ws(s);
        if (s->p == s->end)
            return fault(s, object ? "unfinished object" : "unfinished array");
        if (*s->p == ',') {
            s->p++;
            if (object)
                return scan_key(s);
            skip_ws(s);
            return true;
        }
        if (*s->p != (object ? '}' : ']'))
            return fault(s, object ? "',' or '}' was expected" : "',' or ']' was expected");
        s->p++;
        s->depth--;
        s->is_object >>= 1;
    }
    return true;
}

static bool scan_value(scanner *s)
{
    do {
        bool open = false;
        if (s->p == s->end)
            return fault(s, "the text ends where a value was expected");
        bool ok = *s->p == '{' || *s->p == '[' ? enter(s, &open) : scan_scalar(s);
        if (!ok)
            return false;
        if (!open && !leave(s))
            return false;
    } while (s->depth > 0);
    return true;
}

static as_jkind kind_at(char c)
{
    switch (c) {
    case '{':
        return AS_J_OBJECT;
    case '[':
        return AS_J_ARRAY;
    case '"':
        return AS_J_STRING;
    case 't':
        return AS_J_TRUE;
    case 'f':
        return AS_J_FALSE;
    case 'n':
        return AS_J_NULL;
    default:
        return AS_J_NUMBER;
    }
}

int as_json_scan(as_str text, as_jspan *out, as_err *err)
{
    scanner s = { .p = text.data, .end = text.data ? text.data + text.len : NULL };
    skip_ws(&s);
    const char *start = s.p;
    if (scan_value(&s)) {
        const char *stop = s.p;
        skip_ws(&s);
        if (s.p == s.end) {
            if (out)
                *out = (as_jspan){ { start, (size_t)(stop - start) }, kind_at(*start) };
            return 0;
        }
        s.what = "text after the end of the JSON value";
    }
    size_t column = text.data ? (size_t)(s.p - text.data) + 1 : 1;
    return as_fail(err, AS_EDATA, "column %zu: %s", column, s.what);
}

/* ---- walking over text that was scanned; still, nothing outside the span is ever read ---- */

/* Just after the string that starts at p, at most end. */
static const char *after_string(const char *p, const char *end)
{
    p++;
    for (;;) {
        p = special(p, end);
        if (p >= end)
            return end;
        if (*p == '"')
            return p + 1;
        p += end - p >= 2 ? 2 : 1;
    }
}

static const char *after_container(const char *p, const char *end)
{
    unsigned depth = 0;
    while (p < end) {
        switch (*p) {
        case '"':
            p = after_string(p, end);
            continue;
        case '{':
        case '[':
            depth++;
            break;
        case '}':
        case ']':
            if (--depth == 0)
                return p + 1;
            break;
        default:
            break;
        }
        p++;
    }
    return end;
}

static as_jspan value_at(const char *p, const char *end)
{
    as_jkind kind = kind_at(*p);
    const char *stop = p;
    if (kind == AS_J_STRING) {
        stop = after_string(p, end);
    } else if (kind == AS_J_OBJECT || kind == AS_J_ARRAY) {
        stop = after_container(p, end);
    } else {
        while (stop < end && *stop != ',' && *stop != '}' && *stop != ']' && !is_ws(*stop))
            stop++;
    }
    return (as_jspan){ { p, (size_t)(stop - p) }, kind };
}

/* First byte at or after p that is neither white space nor `also`. */
static const char *skip_to(const char *p, const char *end, char also)
{
    while (p < end && (is_ws(*p) || *p == also))
        p++;
    return p;
}

/* Where the walk goes on inside a container, or NULL at its end. */
static const char *walk_start(as_jspan container, as_jkind kind, size_t at)
{
    if (container.kind != kind || at >= container.text.len)
        return NULL;
    const char *end = container.text.data + container.text.len;
    const char *p = skip_to(container.text.data + (at ? at : 1), end, ',');
    return p < end && *p != '}' && *p != ']' ? p : NULL;
}

bool as_jobject_next(as_jspan object, size_t *at, as_jspan *key, as_jspan *value)
{
    const char *p = walk_start(object, AS_J_OBJECT, *at);
    if (!p || *p != '"')
        return false;
    const char *end = object.text.data + object.text.len;
    *key = value_at(p, end);
    p = skip_to(p + key->text.len, end, ':');
    if (p == end)
        return false;
    *value = value_at(p, end);
    *at = (size_t)(p - object.text.data) + value->text.len;
    return true;
}

bool as_jarray_next(as_jspan array, size_t *at, as_jspan *value)
{
    const char *p = walk_start(array, AS_J_ARRAY, *at);
    if (!p)
        return false;
    *value = value_at(p, array.text.data + array.text.len);
    *at = (size_t)(p - array.text.data) + value->text.len;
    return true;
}

as_jspan as_jobject_get(as_jspan object, const char *key)
{
    size_t at = 0;
    as_jspan name, value;
    while (as_jobject_next(object, &at, &name, &value))
        if (as_jspan_is(name, key))
            return value;
    return (as_jspan){ { NULL, 0 }, AS_J_NONE };
}

/* ---- strings ---- */

/* What stands between the quotes; data NULL where it is no string. */
static as_str body(as_jspan string)
{
    if (string.kind != AS_J_STRING || string.text.len < 2)
        return (as_str){ NULL, 0 };
    return (as_str){ string.text.data + 1, string.text.len - 2 };
}

static size_t put_utf8(char *out, uint32_t c)
{
    if (c < 0x80) {
        out[0] = (char)c;
        return 1;
    }
    size_t n = c < 0x800 ? 2 : c < 0x10000 ? 3 : 4;
    static const unsigned char lead[] = { 0, 0, 0xC0, 0xE0, 0xF0 };
    for (size_t i = n - 1; i > 0; i--, c >>= 6)
        out[i] = (char)(0x80 | (c & 0x3F));
    out[0] = (char)(lead[n] | c);
    return n;
}

/* The escape at *p (a backslash) as UTF-8; moves *p past it. A lone surrogate gives U+FFFD. */
static size_t unescape(const char **p, const char *end, char out[4], size_t *n_replaced)
{
    static const char from[] = "bfnrt", to[] = "\b\f\n\r\t";
    const char *q = *p + 1;
    if (q == end) {
        *p = end;
        return 0;
    }
    int high = *q == 'u' ? hex4(q + 1, end) : -1;
    if (high < 0) {
        const char *named = *q ? strchr(from, *q) : NULL;
        out[0] = *q;
        if (named)
            out[0] = to[named - from];
        *p = q + 1;
        return 1;
    }
    *p = q += 5;
    uint32_t c = (uint32_t)high;
    if (c >= 0xD800 && c <= 0xDFFF) {
        int low = c < 0xDC00 && end - q >= 6 && q[0] == '\\' && q[1] == 'u' ? hex4(q + 2, end) : -1;
        if (low >= 0xDC00 && low <= 0xDFFF) {
            c = 0x10000 + ((c - 0xD800) << 10) + ((uint32_t)low - 0xDC00);
            *p = q + 6;
        } else {
            c = 0xFFFD;
            ++*n_replaced;
        }
    }
    return put_utf8(out, c);
}

bool as_jspan_is(as_jspan string, const char *text)
{
    as_str s = body(string);
    size_t n = strlen(text), ignored = 0;
    if (!s.data || s.len < n) /* an escape is never shorter than what it stands for */
        return false;
    if (!memchr(s.data, '\\', s.len))
        return s.len == n && memcmp(s.data, text, n) == 0;
    const char *p = s.data, *end = s.data + s.len;
    while (p < end) {
        char piece[4];
        size_t k = 1;
        if (*p == '\\')
            k = unescape(&p, end, piece, &ignored);
        else
            piece[0] = *p++;
        if (k > n || memcmp(piece, text, k) != 0)
            return false;
        text += k;
        n -= k;
    }
    return n == 0;
}

as_str as_jstring(as_jspan string, as_arena *arena, size_t *n_replaced)
{
    as_str s = body(string);
    const char *escape = s.len ? memchr(s.data, '\\', s.len) : NULL;
    if (!s.data || !escape)
        return as_arena_str(arena, s);
    const char *p = s.data, *end = s.data + s.len;
    char *out = as_arena_alloc(arena, s.len + 1); /* unescaping never lengthens */
    if (!out)
        return (as_str){ NULL, 0 };
    size_t n = 0, replaced = 0;
    while (escape) {
        memcpy(out + n, p, (size_t)(escape - p));
        n += (size_t)(escape - p);
        p = escape;
        char piece[4];
        size_t k = unescape(&p, end, piece, &replaced);
        memcpy(out + n, piece, k);
        n += k;
        escape = p < end ? memchr(p, '\\', (size_t)(end - p)) : NULL;
    }
    memcpy(out + n, p, (size_t)(end - p));
    n += (size_t)(end - p);
    out[n] = 0;
    if (n_replaced)
        *n_replaced += replaced;
    return (as_str){ out, n };
}

/* ---- numbers ---- */

bool as_jnumber(as_jspan number, double *out)
{
    char text[512];
    if (number.kind != AS_J_NUMBER || number.text.len == 0)
        return false;
    AS_CLEANUP(free) char *heap = NULL;
    char *copy = text; /* strtod wants a NUL, and the span has none */
    if (number.text.len >= sizeof text) {
        copy = heap = as_strndup(number.text.data, number.text.len);
        if (!heap)
            return false;
    } else {
        memcpy(text, number.text.data, number.text.len);
        text[number.text.len] = 0;
    }
    char *end;
    double v = as_num_read(copy, &end);
    if (end != copy + number.text.len || !isfinite(v))
        return false;
    *out = v;
    return true;
}

bool as_junsigned(as_jspan number, unsigned long long *out)
{
    return number.kind == AS_J_NUMBER && as_str_u64(number.text, out);
}
