/* str.c -- text as (pointer, length).
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/str.h"

#include "base/num.h"

#include <math.h>
#include <stdint.h>

static bool is_space(char c)
{
    return c == ' ' || c == '\t' || c == '\n' || c == '\r' || c == '\f' || c == '\v';
}

int as_str_cmp(as_str a, as_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    if (c != 0)
        return c < 0 ? -1 : 1;
    return (a.len > b.len) - (a.len < b.len);
}

as_str as_str_trim(as_str s)
{
    while (s.len > 0 && is_space(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len > 0 && is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool as_str_starts(as_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

bool as_str_ends(as_str s, const char *suffix)
{
    size_t n = strlen(suffix);
    return s.len >= n && memcmp(s.data + s.len - n, suffix, n) == 0;
}

bool as_str_is_blank(as_str s)
{
    return !s.data || as_str_trim(s).len == 0;
}

/* Table 3-7 of the Unicode standard. */
unsigned as_utf8_step(const char *text, size_t left)
{
    const unsigned char *p = (const unsigned char *)text;
    unsigned char c = p[0];
    if (c < 0x80)
        return 1;
    if (c < 0xC2 || c > 0xF4)
        return 0;
    unsigned n = c < 0xE0 ? 2 : c < 0xF0 ? 3 : 4;
    if (left < n)
        return 0;
    unsigned char low = 0x80, high = 0xBF;
    if (c == 0xE0)
        low = 0xA0;
    else if (c == 0xED)
        high = 0x9F;
    else if (c == 0xF0)
        low = 0x90;
    else if (c == 0xF4)
        high = 0x8F;
    if (p[1] < low || p[1] > high)
        return 0;
    for (unsigned i = 2; i < n; i++)
        if ((p[i] & 0xC0) != 0x80)
            return 0;
    return n;
}

size_t as_utf8_valid(as_str s)
{
    size_t i = 0;
    while (i < s.len) {
        uint64_t word;
        if (s.len - i >= sizeof word) { /* eight ASCII bytes at a time */
            memcpy(&word, s.data + i, sizeof word);
            if ((word & 0x8080808080808080u) == 0) {
                i += sizeof word;
                continue;
            }
        }
        unsigned n = as_utf8_step(s.data + i, s.len - i);
        if (n == 0)
            return i;
        i += n;
    }
    return i;
}

bool as_str_u64(as_str s, unsigned long long *out)
{
    unsigned long long v = 0;
    if (s.len == 0)
        return false;
    for (size_t i = 0; i < s.len; i++) {
        unsigned d = (unsigned)(unsigned char)s.data[i] - '0';
        if (d > 9 || __builtin_mul_overflow(v, 10ULL, &v) || __builtin_add_overflow(v, d, &v))
            return false;
    }
    *out = v;
    return true;
}

bool as_str_double(as_str s, double *out)
{
    char text[64], *end;
    if (s.len == 0 || s.len >= sizeof text || is_space(s.data[0]))
        return false;
    for (size_t i = 0; i < s.len; i++)
        if (!strchr("0123456789+-.eE", s.data[i]) || s.data[i] == 0)
            return false;
    memcpy(text, s.data, s.len);
    text[s.len] = 0;
    double v = as_num_read(text, &end);
    if (end != text + s.len || !isfinite(v))
        return false;
    *out = v;
    return true;
}

unsigned as_str_distance(const char *a, const char *b, unsigned limit)
{
    enum { MAX = 48 };
    size_t n = strlen(a), m = strlen(b);
    if (n > MAX || m > MAX)
        return limit + 1;
    unsigned row[3][MAX + 2];
    for (unsigned j = 0; j <= m; j++)
        row[1][j] = j;
    for (size_t i = 1; i <= n; i++) {
        unsigned *now = row[(i + 1) % 3], *last = row[i % 3], *before = row[(i + 2) % 3];
        now[0] = (unsigned)i;
        for (size_t j = 1; j <= m; j++) {
            unsigned best = last[j - 1] + (a[i - 1] != b[j - 1]);
            if (last[j] + 1 < best)
                best = last[j] + 1;
            if (now[j - 1] + 1 < best)
                best = now[j - 1] + 1;
            if (i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] &&
                before[j - 2] + 1 < best)
                best = before[j - 2] + 1;
            now[j] = best;
        }
    }
    unsigned d = row[(n + 1) % 3][m];
    return d > limit ? limit + 1 : d;
}
