/* json.h -- configuration and metadata as cJSON trees, guarded: every text passes as_json_scan first, and
 * duplicate keys, \u0000 and integers beyond 2^53 are refused (cJSON would silently change them).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_JSON_H
#define AS_BASE_JSON_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/err.h"

#include <cjson/cJSON.h>

/* NULL and *err on failure (AS_EUSAGE; `what` names the text in the message); caller cJSON_Deletes. */
cJSON *as_json_parse(as_str text, const char *what, as_err *err);

/* Refuses members of `object` that are not in `known` (NULL-terminated): AS_EUSAGE and
 * `WHAT: key "tolerence" unknown (known: tolerance, timeout_ms); did you mean "tolerance"?` */
int as_json_known_keys(const cJSON *object, const char *const *known, const char *what, as_err *err);

/* Canonical form: members sorted by key bytes, no white space; the same configuration always hashes the same. */
int as_json_canonical(as_str text, as_buf *out, as_err *err);
/* A tree that as_json_parse gave, or a part of one, members in their order; numbers read back the same. */
void as_json_print(const cJSON *root, as_buf *out);
static inline void as_cleanup_cjson(cJSON **p)
{
    cJSON_Delete(*p);
}
#endif
