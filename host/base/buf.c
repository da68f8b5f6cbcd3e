/* buf.c -- growing bytes, and JSON written into them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"

#include "base/mem.h"
#include "base/num.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

void as_buf_init(as_buf *b, size_t max)
{
    *b = (as_buf){ .max = max };
}

void as_buf_fini(as_buf *b)
{
    as_free(b->data);
    *b = (as_buf){ .max = b->max };
}

void as_buf_clear(as_buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = 0;
}

bool as_buf_reserve(as_buf *b, size_t more)
{
    size_t need;
    if (b->failed || !as_add_ok(b->len, more, &need) || need > b->max) {
        b->failed = true;
        return false;
    }
    if (need < b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap <= need)
        cap = cap > SIZE_MAX / 2 ? need + 1 : cap * 2;
    char *data = as_realloc_array(b->data, cap, 1);
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void as_buf_add(as_buf *b, as_str s)
{
    if (!as_buf_reserve(b, s.len))
        return;
    if (s.len)
        memcpy(b->data + b->len, s.data, s.len);
    b->len += s.len;
    b->data[b->len] = 0;
}

void as_buf_byte(as_buf *b, char c)
{
    as_buf_add(b, (as_str){ &c, 1 });
}

void as_buf_text(as_buf *b, const char *text)
{
    as_buf_add(b, as_str_of(text));
}

void as_buf_addf(as_buf *b, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    if (n < 0)
        b->failed = true;
    else if (as_buf_reserve(b, (size_t)n)) {
        (void)vsnprintf(b->data + b->len, (size_t)n + 1, format, again);
        b->len += (size_t)n;
    }
    va_end(again);
}

void as_buf_u64(as_buf *b, uint64_t v)
{
    char text[20];
    size_t i = sizeof text;
    do {
        text[--i] = (char)('0' + v % 10);
        v /= 10;
    } while (v);
    as_buf_add(b, (as_str){ text + i, sizeof text - i });
}

void as_buf_raw_u32(as_buf *b, uint32_t v)
{
    char raw[4];
    memcpy(raw, &v, sizeof raw); /* every machine we build for is little-endian */
    as_buf_add(b, (as_str){ raw, sizeof raw });
}

void as_buf_raw_u64(as_buf *b, uint64_t v)
{
    char raw[8];
    memcpy(raw, &v, sizeof raw);
    as_buf_add(b, (as_str){ raw, sizeof raw });
}

/* Bytes from p that need no escape: printable ASCII but '"' and '\\'. */
static size_t plain_run(as_str s, size_t i)
{
    size_t start = i;
    while (i < s.len) {
        unsigned char c = (unsigned char)s.data[i];
        if (c < 0x20 || c >= 0x7F || c == '"' || c == '\\')
            break;
        i++;
    }
    return i - start;
}

static void escape_ascii(as_buf *b, unsigned char c)
{
    static const char named[] = "b\bf\fn\nr\rt\t\"\"\\\\";
    for (size_t k = 0; k + 1 < sizeof named; k += 2) {
        if ((unsigned char)named[k + 1] == c) {
            as_buf_byte(b, '\\');
            as_buf_byte(b, named[k]);
            return;
        }
    }
    as_buf_addf(b, "\\u%04x", c);
}

void as_buf_json_str(as_buf *b, as_str s)
{
    as_buf_byte(b, '"');
    for (size_t i = 0; i < s.len;) {
        size_t n = plain_run(s, i);
        if (n) {
            as_buf_add(b, (as_str){ s.data + i, n });
            i += n;
            continue;
        }
        unsigned char c = (unsigned char)s.data[i];
        if (c < 0x80) {
            escape_ascii(b, c);
            i++;
            continue;
        }
        unsigned step = as_utf8_step(s.data + i, s.len - i);
        as_buf_add(b, step ? (as_str){ s.data + i, step } : AS_LIT("\xEF\xBF\xBD"));
        i += step ? step : 1;
    }
    as_buf_byte(b, '"');
}

void as_buf_json_num(as_buf *b, double v)
{
    char text[40];
    if (!isfinite(v)) {
        as_buf_text(b, "null");
        return;
    }
    for (int digits = 15; digits <= 17; digits++) {
        as_num_write(text, sizeof text, digits, v);
        if (as_num_read(text, NULL) == v)
            break;
    }
    as_buf_text(b, text);
}

void as_buf_json_float(as_buf *b, float v)
{
    char text[32];
    if (v == 0.0F || v == 1.0F) { /* nearly every reward there is */
        as_buf_text(b, v == 0.0F ? "0" : "1");
        return;
    }
    if (!isfinite(v)) {
        as_buf_text(b, "null");
        return;
    }
    for (int digits = 6; digits <= 9; digits++) {
        as_num_write(text, sizeof text, digits, (double)v);
        if (as_num_read_float(text, NULL) == v)
            break;
    }
    as_buf_text(b, text);
}

void as_buf_json_key(as_buf *b, const char *key)
{
    if (b->len && b->data[b->len - 1] != '{' && b->data[b->len - 1] != '[')
        as_buf_byte(b, ',');
    as_buf_json_str(b, as_str_of(key));
    as_buf_byte(b, ':');
}

as_str as_buf_str(const as_buf *b)
{
    return (as_str){ b->data ? b->data : "", b->len };
}

int as_buf_check(const as_buf *b, as_err *err)
{
    if (!b->failed)
        return 0;
    return as_fail(err, AS_ENOMEM, "a text outgrew its limit of %zu bytes, or memory ran out",
                   b->max);
}
