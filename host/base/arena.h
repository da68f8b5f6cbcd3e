/* arena.h -- memory of one request, freed whole. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_ARENA_H
#define AS_BASE_ARENA_H
#include "base/str.h"

#include <stddef.h>

struct as_arena_block;
typedef struct as_arena {
    struct as_arena_block *blocks; /* newest first */
    char *next, *end;
    size_t used, max; /* bytes handed out; 0: no limit */
} as_arena;

void as_arena_init(as_arena *a, size_t max);
void as_arena_fini(as_arena *a);
void as_arena_reset(as_arena *a); /* forgets everything, keeps one block for the next request */

/* 16-byte aligned, not zeroed; NULL when memory or the limit is exhausted.
 * With AS_ARENA_DEBUG every piece is a malloc of its own, so that ASan sees overruns. */
void *as_arena_alloc(as_arena *a, size_t size);
void *as_arena_calloc(as_arena *a, size_t n, size_t size); /* zeroed, overflow-checked */
as_str as_arena_str(as_arena *a, as_str s);                /* NUL-terminated copy; data NULL on failure */
as_str as_arena_fmt(as_arena *a, const char *format, ...) __attribute__((format(printf, 2, 3)));
#endif
