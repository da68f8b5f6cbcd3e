/* str.h -- text as (pointer, length); bytes of value 0 are ordinary. The type is the ABI's own assay_str.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_STR_H
#define AS_BASE_STR_H
#include <assay/plugin.h> /* assay_str, and nothing else of it */
#include <stdbool.h>
#include <stddef.h>
#include <string.h>

typedef assay_str as_str; /* data NULL: absent; data[len] == 0 where it was made by an arena or a literal */

#define AS_LIT(text) ((as_str){ (text), sizeof(text) - 1 })
#define AS_FMT(s) (int)(s).len, (s).data /* for "%.*s"; only for texts known to be short */

static inline as_str as_str_of(const char *text)
{
    return (as_str){ text, text ? strlen(text) : 0 };
}
static inline bool as_str_eq(as_str a, as_str b)
{
    return a.len == b.len && (a.len == 0 || (a.data && b.data && memcmp(a.data, b.data, a.len) == 0));
}
static inline bool as_str_is(as_str a, const char *text)
{
    return as_str_eq(a, as_str_of(text));
}
int as_str_cmp(as_str a, as_str b);  /* byte order; a shorter prefix comes first */
as_str as_str_trim(as_str s);        /* ASCII white space off both ends */
bool as_str_starts(as_str s, const char *prefix);
bool as_str_ends(as_str s, const char *suffix);
bool as_str_is_blank(as_str s);      /* absent, empty or ASCII white space only */

/* Length of the longest valid UTF-8 prefix (no overlong forms, no surrogates); == s.len when all is valid. */
size_t as_utf8_valid(as_str s);
/* Bytes of the valid character that begins `text` (1..4), 0 where none does; left >= 1. */
unsigned as_utf8_step(const char *text, size_t left);

/* Whole-string numbers; false on anything else (sign, range, trailing bytes). */
bool as_str_u64(as_str s, unsigned long long *out);
bool as_str_double(as_str s, double *out); /* finite decimals only */

/* Damerau-Levenshtein distance, cut at `limit` + 1: for "did you mean". */
unsigned as_str_distance(const char *a, const char *b, unsigned limit);
#endif
