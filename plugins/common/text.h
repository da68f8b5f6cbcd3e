/* text.h -- small tools on (pointer, length) texts, and the normal forms of plain text.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef PC_TEXT_H
#define PC_TEXT_H
#include "common/mem.h"

#include <stdint.h>
#include <string.h>

#define PC_LIT(text) ((assay_str){ (text), sizeof(text) - 1 })
#define PC_NONE SIZE_MAX /* "not found" of a search */

static inline bool pc_is_space(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}
static inline bool pc_is_digit(char c)
{
    return c >= '0' && c <= '9';
}
static inline bool pc_is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}
static inline char pc_lower(char c)
{
    if (c >= 'A' && c <= 'Z')
        return (char)(c + ('a' - 'A'));
    return c;
}
static inline char pc_upper(char c)
{
    if (c >= 'a' && c <= 'z')
        return (char)(c - ('a' - 'A'));
    return c;
}
static inline bool pc_in(char c, const char *set) /* never true for a NUL byte */
{
    return c && strchr(set, c);
}
static inline char pc_at(assay_str s, size_t i) /* 0 past its end */
{
    if (!s.data || i >= s.len)
        return 0;
    return s.data[i];
}
static inline bool pc_eq(assay_str a, assay_str b)
{
    return a.len == b.len &&
           (a.len == 0 || (a.data && b.data && memcmp(a.data, b.data, a.len) == 0));
}
static inline bool pc_is(assay_str a, const char *text)
{
    return pc_eq(a, (assay_str){ text, strlen(text) });
}
bool pc_starts(assay_str s, const char *prefix);
bool pc_starts_nocase(assay_str s, const char *lower_prefix);
bool pc_is_nocase(assay_str a, const char *lower_text);
static inline assay_str pc_from(assay_str s, size_t at) /* s[at..] */
{
    return at >= s.len ? (assay_str){ s.data ? s.data + s.len : "", 0 }
                       : (assay_str){ s.data + at, s.len - at };
}
static inline assay_str pc_slice(assay_str s, size_t from, size_t to)
{
    return (assay_str){ s.data + from, to - from };
}
assay_str pc_trim(assay_str s);       /* ASCII white space off both ends */
bool pc_is_blank(assay_str s);        /* absent, empty or ASCII white space only */
int pc_cmp(assay_str a, assay_str b); /* byte order; a shorter prefix comes first */

size_t pc_find(assay_str s, const char *needle, size_t from); /* first at or after `from` */
size_t pc_rfind(assay_str s, const char *needle,
                size_t end); /* last that ends at or before `end` */

bool pc_is_ascii(assay_str s);
/* The code point at s[at] and its length; an invalid byte gives U+FFFFFFFF and length 1. at <
 * s.len. */
size_t pc_utf8(assay_str s, size_t at, uint32_t *cp);

/* Appends s; of what is longer than `most` bytes only the whole characters that fit, and "...". */
void pc_buf_shown(pc_buf *out, assay_str s, size_t most);

typedef enum pc_norm {
    PC_NORM_NONE,  /* bytes as they are */
    PC_NORM_SPACE, /* trimmed, runs of white space (Unicode's too) are one space, NFC */
    PC_NORM_CASE   /* and case-folded */
} pc_norm;
/* Appends the normal form; text that is not UTF-8 keeps its bytes (white space and ASCII case are
 * still normalised). */
void pc_normalise(pc_buf *out, assay_str s, pc_norm how);
/* Are the normal forms equal? No memory is needed where both are ASCII. false also for want of
 * memory. */
bool pc_same_text(assay_str a, assay_str b, pc_norm how);
#endif
