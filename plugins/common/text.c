/* text.c -- see text.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/text.h"

#include <utf8proc.h>

bool pc_starts(assay_str s, const char *prefix)
{
    size_t n = strlen(prefix);
    return s.len >= n && memcmp(s.data, prefix, n) == 0;
}

bool pc_starts_nocase(assay_str s, const char *lower_prefix)
{
    size_t i = 0;
    for (; lower_prefix[i]; i++)
        if (i >= s.len || pc_lower(s.data[i]) != lower_prefix[i])
            return false;
    return true;
}

bool pc_is_nocase(assay_str a, const char *lower_text)
{
    return a.len == strlen(lower_text) && pc_starts_nocase(a, lower_text);
}

assay_str pc_trim(assay_str s)
{
    while (s.len && pc_is_space(s.data[0])) {
        s.data++;
        s.len--;
    }
    while (s.len && pc_is_space(s.data[s.len - 1]))
        s.len--;
    return s;
}

bool pc_is_blank(assay_str s)
{
    for (size_t i = 0; s.data && i < s.len; i++)
        if (!pc_is_space(s.data[i]))
            return false;
    return true;
}

int pc_cmp(assay_str a, assay_str b)
{
    size_t n = a.len < b.len ? a.len : b.len;
    int c = n ? memcmp(a.data, b.data, n) : 0;
    if (c)
        return c;
    return (a.len > b.len) - (a.len < b.len);
}

size_t pc_find(assay_str s, const char *needle, size_t from)
{
    if (from > s.len || !s.data)
        return PC_NONE;
    const char *p = memmem(s.data + from, s.len - from, needle, strlen(needle));
    return p ? (size_t)(p - s.data) : PC_NONE;
}

/* Places are looked at a block at a time, for the needle's first byte and its last: a completion is
 * searched for many words, and any one letter of a word is everywhere in prose. */
enum { LANE = 16, BLOCK = 4 * LANE };
typedef uint8_t lane __attribute__((vector_size(LANE)));
typedef uint64_t lane_halves __attribute__((vector_size(LANE)));
_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__,
               "rfind_in_lane() takes the high bits for the later places");

/* 0xff in each place that has both bytes; `last` is that far behind `first`. */
static inline lane both(const char *at, size_t far, lane first, lane last)
{
    lane a, b;
    memcpy(&a, at, sizeof a);
    memcpy(&b, at + far, sizeof b);
    return (lane)(a == first) & (lane)(b == last);
}

static size_t rfind_in_lane(const char *at, lane_halves candidates, const char *needle, size_t n)
{
    for (size_t half = 2; half--;)
        for (uint64_t left = candidates[half]; left;) {
            size_t byte = 7 - (size_t)__builtin_clzll(left) / 8, place = half * 8 + byte;
            if (memcmp(at + place, needle, n) == 0)
                return place;
            left &= ~(UINT64_C(0xff) << byte * 8);
        }
    return PC_NONE;
}

__attribute__((noinline)) static size_t rfind_in_block(const char *at, const char *needle, size_t n)
{
    const lane first = (lane){ 0 } + (uint8_t)needle[0],
               last = (lane){ 0 } + (uint8_t)needle[n - 1];
    for (size_t i = BLOCK; i > 0; i -= LANE) {
        const char *from = at + i - LANE;
        size_t found = rfind_in_lane(from, (lane_halves)both(from, n - 1, first, last), needle, n);
        if (found != PC_NONE)
            return i - LANE + found;
    }
    return PC_NONE;
}

size_t pc_rfind(assay_str s, const char *needle, size_t end)
{
    size_t n = strlen(needle), far = n - 1;
    if (end > s.len)
        end = s.len;
    if (!s.data || end < n)
        return PC_NONE;
    if (n == 0)
        return end;
    const lane first = (lane){ 0 } + (uint8_t)needle[0], last = (lane){ 0 } + (uint8_t)needle[far];
    size_t places = end - far;
    for (; places >= BLOCK; places -= BLOCK) {
        const char *at = s.data + places - BLOCK;
        lane_halves any =
            (lane_halves)(both(at, far, first, last) | both(at + LANE, far, first, last) |
                          both(at + 2UL * LANE, far, first, last) |
                          both(at + 3UL * LANE, far, first, last));
        size_t found = any[0] | any[1] ? rfind_in_block(at, needle, n) : PC_NONE;
        if (found != PC_NONE)
            return places - BLOCK + found;
    }
    while (places--)
        if (s.data[places] == needle[0] && memcmp(s.data + places, needle, n) == 0)
            return places;
    return PC_NONE;
}

bool pc_is_ascii(assay_str s)
{
    size_t i = 0;
    for (; i + 8 <= s.len; i += 8) {
        uint64_t w;
        memcpy(&w, s.data + i, 8);
        if (w & UINT64_C(0x8080808080808080))
            return false;
    }
    for (; i < s.len; i++)
        if ((unsigned char)s.data[i] >= 0x80)
            return false;
    return true;
}

size_t pc_utf8(assay_str s, size_t at, uint32_t *cp)
{
    unsigned char c = (unsigned char)s.data[at];
    if (c < 0x80) {
        *cp = c;
        return 1;
    }
    utf8proc_int32_t point = -1;
    size_t left = s.len - at < 4 ? s.len - at : 4;
    utf8proc_ssize_t n =
        utf8proc_iterate((const utf8proc_uint8_t *)s.data + at, (utf8proc_ssize_t)left, &point);
    if (n <= 0 || point < 0) {
        *cp = UINT32_MAX;
        return 1;
    }
    *cp = (uint32_t)point;
    return (size_t)n;
}

static bool is_unicode_space(uint32_t cp)
{
    return cp == 0x85 || cp == 0xA0 || cp == 0x1680 || (cp >= 0x2000 && cp <= 0x200A) ||
           cp == 0x2028 || cp == 0x2029 || cp == 0x202F || cp == 0x205F || cp == 0x3000;
}

/* Length of the white space at s[at], 0 if there is none. */
static size_t space_at(assay_str s, size_t at)
{
    if (pc_is_space(s.data[at]))
        return 1;
    if ((unsigned char)s.data[at] < 0x80)
        return 0;
    uint32_t cp;
    size_t n = pc_utf8(s, at, &cp);
    return is_unicode_space(cp) ? n : 0;
}

static void squeeze(pc_buf *out, assay_str s, bool fold_ascii)
{
    size_t start = out->len;
    bool gap = false;
    if (!pc_buf_reserve(out, s.len))
        return;
    for (size_t i = 0; i < s.len;) {
        size_t n = space_at(s, i);
        if (n) {
            gap = true;
            i += n;
            continue;
        }
        if (gap && out->len > start)
            pc_buf_byte(out, ' ');
        gap = false;
        if (fold_ascii)
            pc_buf_byte(out, pc_lower(s.data[i]));
        else
            pc_buf_byte(out, s.data[i]);
        i++;
    }
}

void pc_buf_shown(pc_buf *out, assay_str s, size_t most)
{
    size_t n = s.len < most ? s.len : most;
    while (n < s.len && n > 0 && ((unsigned char)s.data[n] & 0xC0) == 0x80)
        n--; /* s[n] goes on with a character that would be cut */
    pc_buf_add(out, s.data, n);
    if (n < s.len)
        pc_buf_text(out, "...");
}

void pc_normalise(pc_buf *out, assay_str s, pc_norm how)
{
    if (!s.data)
        return;
    if (how == PC_NORM_NONE) {
        pc_buf_add(out, s.data, s.len);
        return;
    }
    utf8proc_uint8_t *mapped = NULL;
    if (!pc_is_ascii(s)) {
        utf8proc_option_t options = UTF8PROC_STABLE | UTF8PROC_COMPOSE;
        if (how == PC_NORM_CASE)
            options |= UTF8PROC_CASEFOLD;
        utf8proc_ssize_t n = utf8proc_map((const utf8proc_uint8_t *)s.data, (utf8proc_ssize_t)s.len,
                                          &mapped, options);
        if (n >= 0)
            s = (assay_str){ (const char *)mapped, (size_t)n };
        else if (n == UTF8PROC_ERROR_NOMEM)
            out->failed = true;
    }
    squeeze(out, s, how == PC_NORM_CASE);
    pc_free(mapped);
}

/* The next byte of the normal form of ASCII text, -1 at the end; *at moves on. */
static int next_ascii(assay_str s, size_t *at, bool fold)
{
    size_t i = *at;
    if (i < s.len && pc_is_space(s.data[i])) {
        while (i < s.len && pc_is_space(s.data[i]))
            i++;
        *at = i;
        return i < s.len ? ' ' : -1;
    }
    if (i >= s.len)
        return -1;
    *at = i + 1;
    return (unsigned char)(fold ? pc_lower(s.data[i]) : s.data[i]);
}

static bool same_ascii(assay_str a, assay_str b, bool fold)
{
    a = pc_trim(a);
    b = pc_trim(b);
    size_t i = 0, k = 0;
    for (;;) {
        int x = next_ascii(a, &i, fold), y = next_ascii(b, &k, fold);
        if (x != y)
            return false;
        if (x < 0)
            return true;
    }
}

bool pc_same_text(assay_str a, assay_str b, pc_norm how)
{
    if (pc_eq(a, b))
        return true;
    if (how == PC_NORM_NONE)
        return false;
    if (pc_is_ascii(a) && pc_is_ascii(b))
        return same_ascii(a, b, how == PC_NORM_CASE);
    pc_buf x = { 0 }, y = { 0 };
    pc_normalise(&x, a, how);
    pc_normalise(&y, b, how);
    bool same = !x.failed && !y.failed && pc_eq(pc_buf_str(&x), pc_buf_str(&y));
    pc_buf_fini(&x);
    pc_buf_fini(&y);
    return same;
}
