/* seen.c -- an open-addressed set of hashes with their lines: 12 bytes a slot, at most 4/5 full.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/seen.h"

#include "base/mem.h"

void as_seen_fini(as_seen *s)
{
    as_free(s->hash);
    as_free(s->line);
    *s = (as_seen){ .max = s->max };
}

static size_t slot_of(const uint64_t *hashes, size_t cap, uint64_t hash)
{
    size_t at = (size_t)hash & (cap - 1);
    while (hashes[at] && hashes[at] != hash)
        at = (at + 1) & (cap - 1);
    return at;
}

static int grow(as_seen *s, as_err *err)
{
    size_t cap = s->cap ? s->cap * 2 : 4096;
    AS_CLEANUP(free) uint64_t *hash = as_calloc(cap, sizeof *hash);
    AS_CLEANUP(free) uint32_t *line = as_calloc(cap, sizeof *line);
    if (!hash || !line)
        return as_fail(err, AS_ENOMEM,
                       "out of memory for the table of ids (--allow-duplicate-ids does without)");
    for (size_t i = 0; i < s->cap; i++) {
        if (!s->hash[i])
            continue;
        size_t at = slot_of(hash, cap, s->hash[i]);
        hash[at] = s->hash[i];
        line[at] = s->line[i];
    }
    as_free(s->hash);
    as_free(s->line);
    s->hash = AS_STEAL(hash);
    s->line = AS_STEAL(line);
    s->cap = cap;
    return 0;
}

int64_t as_seen_add(as_seen *s, uint64_t hash, uint64_t line, as_err *err)
{
    hash = hash ? hash : 1;
    if (s->n >= s->cap / 5 * 4 && !s->is_full) {
        int rc = grow(s, err);
        if (rc < 0)
            return rc;
    }
    size_t at = slot_of(s->hash, s->cap, hash);
    if (s->hash[at])
        return s->line[at] ? s->line[at] : 1;
    if (s->n >= s->max) {
        s->is_full = true;
        return 0;
    }
    s->hash[at] = hash;
    s->line[at] = line < UINT32_MAX ? (uint32_t)line : UINT32_MAX;
    s->n++;
    return 0;
}
