/* jspan.h -- locates values inside one JSON text without building a tree, and unescapes its strings.
 * This is the only reader that hostile text meets first: UTF-8, depth and size are checked here
 * (cJSON cuts at \u0000, rounds big integers and accepts bad UTF-8; it sees only what passed as_json_scan).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_JSPAN_H
#define AS_BASE_JSPAN_H
#include "base/arena.h"
#include "base/err.h"
#include "base/str.h"

typedef enum as_jkind {
    AS_J_NONE, /* not there */
    AS_J_NULL,
    AS_J_FALSE,
    AS_J_TRUE,
    AS_J_NUMBER,
    AS_J_STRING,
    AS_J_ARRAY,
    AS_J_OBJECT
} as_jkind;

/* One value as it stands in the text, quotes and brackets included. Borrowed: valid as long as the text. */
typedef struct as_jspan {
    as_str text;
    as_jkind kind;
} as_jspan;

enum { AS_JSON_DEPTH = 64 }; /* deepest nesting accepted anywhere */

/* Checks that `text` is exactly one RFC 8259 value: grammar, UTF-8, depth <= AS_JSON_DEPTH; surrounding white
 * space allowed. On failure AS_EDATA and "column N: what" (N from 1, in bytes). */
int as_json_scan(as_str text, as_jspan *out, as_err *err);

/* Walk an object or array that as_json_scan accepted (directly or as part of a larger value).
 * `*at` starts at 0. False at the end. Keys come as raw spans; compare them with as_jspan_is. */
bool as_jobject_next(as_jspan object, size_t *at, as_jspan *key, as_jspan *value);
bool as_jarray_next(as_jspan array, size_t *at, as_jspan *value);
as_jspan as_jobject_get(as_jspan object, const char *key); /* the first such member; kind AS_J_NONE if absent */

bool as_jspan_is(as_jspan string, const char *text); /* a string span equal to text, escapes considered */

/* Unescapes a string span into the arena (NUL-terminated). A lone surrogate becomes U+FFFD and is added to
 * *n_replaced (the caller starts it at 0; may be NULL). data NULL: out of memory or not a string. */
as_str as_jstring(as_jspan string, as_arena *arena, size_t *n_replaced);
bool as_jnumber(as_jspan number, double *out);
bool as_junsigned(as_jspan number, unsigned long long *out); /* plain non-negative integers only */
#endif
