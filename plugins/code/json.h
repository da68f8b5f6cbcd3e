/* json.h -- JSON read in place: objects and arrays are walked, values are slices of the text, so
 * that integers keep all their digits. Nothing is copied but strings that are asked for.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_JSON_H
#define CODE_JSON_H
#include "common/text.h"

/* One whole value and nothing else but white space around it, nested no deeper than 200. */
bool cd_json_valid(assay_str text);

/* Of a valid text only. */
typedef struct cd_json {
    const char *at, *end;
} cd_json;
char cd_json_kind(assay_str value);    /* { [ " n t f, or 0 for a number */
cd_json cd_json_open(assay_str value); /* an object or array; anything else has no members */
/* False: no more. `key` is raw, with its quotes; NULL for arrays. */
bool cd_json_next(cd_json *it, assay_str *key, assay_str *value);
uint32_t cd_json_count(assay_str value);
bool cd_json_is(assay_str raw, const char *text); /* a string without escapes */
assay_str cd_json_get(assay_str object,
                      const char *key); /* the last of that name; data NULL: there is none */
/* The text of a string, appended; false: it is no string, or holds half a surrogate pair. */
bool cd_json_string(pc_buf *out, assay_str raw);
void cd_put_utf8(pc_buf *out, uint32_t cp);      /* surrogates too, as Python's "surrogatepass" */
void cd_json_quote(pc_buf *out, assay_str text); /* bytes that are not UTF-8 become U+FFFD */
#endif
