/* cache.h -- verdicts kept across runs in sqlite (WAL), safe under many processes and threads.
 *
 * Key: SHA-256 over verifier id, revision, canonical config, prompt, completion, reference, meta (model text is hostile:
 * nothing weaker). Only for DETERMINISTIC verifiers that do not need their group; ERROR, TIMEOUT and "flaky" are never
 * stored. A cache that cannot be opened or written is a warning said once, never a failed run.
 * Lock: one per cache, never held while a verifier runs.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_CACHE_H
#define AS_PLUG_CACHE_H
#include "base/hash.h"
#include "data/item.h"
#include "plug/info.h"
#include "plug/results.h"

typedef struct as_cache as_cache;
enum { AS_CACHE_COST_US = 200 }; /* verifiers cheaper than this are not worth a look-up */

/* path NULL: verdicts.sqlite in the cache folder. Always gives a cache; one that is off answers "not there". */
int as_cache_open(as_cache **out, const char *path, as_err *err);
void as_cache_close(as_cache *c); /* NULL is fine */
bool as_cache_takes(const as_verifier_info *info); /* deterministic, no group */
as_digest as_cache_key(const as_verifier_info *info, as_digest config, const as_items *items, uint32_t i);
/* Fills row `row` of r; true if it was there. */
bool as_cache_get(as_cache *c, as_digest key, as_results *r, uint32_t row);
/* Stores the rows listed; ERROR, TIMEOUT and flaky rows are left out here. */
void as_cache_put(as_cache *c, const as_digest *keys, const as_results *r, const uint32_t *rows, uint32_t n);
#endif
