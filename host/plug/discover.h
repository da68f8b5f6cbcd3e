/* discover.h -- what is known of plugin files: an index kept between runs, and the child that fills
 * it. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_DISCOVER_H
#define AS_PLUG_DISCOVER_H
#include "plug/info.h"

typedef struct as_index_entry {
    const char *path;
    int64_t size, mtime_ns; /* of the file it was read from; another one makes the entry stale */
    const as_verifier_info *infos; /* n_infos; NULL where `problem` is set */
    uint32_t n_infos;
    const char *problem; /* why it cannot be used; NULL */
    bool keep; /* false: the problem is not the file's (no worker, no memory) and is not written */
} as_index_entry;

typedef struct as_index as_index;
/* file NULL: in the cache folder; "": none, everything is described anew. A missing, corrupt or
 * unreadable index is an empty one (as_log). */
int as_index_open(as_index **out, const char *file, as_err *err);
void as_index_close(as_index *x); /* NULL is fine */
/* NULL: nothing known of the file as it is now. Valid until as_index_close. */
const as_index_entry *as_index_get(as_index *x, const char *path);
/* Makes as_index_get answer for each of these files: children load those that are not known yet,
 * and the index is written. Only AS_ENOMEM fails; everything else becomes a `problem`. */
int as_index_fill(as_index *x, const char *const *paths, size_t n, as_err *err);

/* The child's side of as_index_fill, apart for tests: describes paths[0..n) into entries[0..n)
 * (path, size and mtime are set by the caller). */
void as_describe_files(const char *const *paths, as_index_entry *entries, size_t n,
                       as_arena *arena);
/* Reads {"infos":[...]} or {"problem":"..."} into an entry. */
int as_index_entry_read(as_index_entry *e, as_str json, as_arena *arena, as_err *err);
#endif
