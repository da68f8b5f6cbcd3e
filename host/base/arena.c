/* arena.c -- chunked memory of one request.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/arena.h"

#include "base/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

enum { ALIGN = 16, FIRST = 16 * 1024, LARGEST = 1024 * 1024 };

struct as_arena_block {
    struct as_arena_block *older;
    size_t size; /* of the bytes after this header */
};

void as_arena_init(as_arena *a, size_t max)
{
    *a = (as_arena){ .max = max };
}

static void free_blocks(struct as_arena_block *b)
{
    while (b) {
        struct as_arena_block *older = b->older;
        as_free(b);
        b = older;
    }
}

void as_arena_fini(as_arena *a)
{
    free_blocks(a->blocks);
    *a = (as_arena){ .max = a->max };
}

void as_arena_reset(as_arena *a)
{
#ifdef AS_ARENA_DEBUG
    as_arena_fini(a);
#else
    struct as_arena_block *keep = a->blocks;
    a->used = 0;
    if (!keep)
        return;
    free_blocks(keep->older);
    keep->older = NULL;
    if (keep->size > LARGEST) { /* one huge item must not pin its memory for the rest of the run */
        as_arena_fini(a);
        return;
    }
    a->next = (char *)(keep + 1);
    a->end = a->next + keep->size;
#endif
}

static bool add_block(as_arena *a, size_t need)
{
    size_t size = need;
#ifndef AS_ARENA_DEBUG
    size_t usual = a->blocks ? a->blocks->size * 2 : FIRST;
    if (usual > LARGEST)
        usual = LARGEST;
    if (size < usual)
        size = usual;
#endif
    size_t total;
    if (!as_add_ok(size, sizeof(struct as_arena_block), &total))
        return false;
    struct as_arena_block *b = as_malloc(total);
    if (!b)
        return false;
    b->older = a->blocks;
    b->size = size;
    a->blocks = b;
    a->next = (char *)(b + 1);
    a->end = a->next + size;
    return true;
}

void *as_arena_alloc(as_arena *a, size_t size)
{
    size_t need;
    if (!as_add_ok(size ? size : 1, ALIGN - 1, &need))
        return NULL;
    need &= ~(size_t)(ALIGN - 1);
    size_t used;
    if (!as_add_ok(a->used, need, &used) || (a->max && used > a->max))
        return NULL;
    if ((size_t)(a->end - a->next) < need && !add_block(a, need))
        return NULL;
    void *p = a->next;
    a->next += need;
    a->used = used;
    return p;
}

void *as_arena_calloc(as_arena *a, size_t n, size_t size)
{
    size_t total;
    if (!as_mul_ok(n, size, &total))
        return NULL;
    void *p = as_arena_alloc(a, total);
    if (p)
        memset(p, 0, total);
    return p;
}

as_str as_arena_str(as_arena *a, as_str s)
{
    size_t total;
    char *copy = s.data && as_add_ok(s.len, 1, &total) ? as_arena_alloc(a, total) : NULL;
    if (!copy)
        return (as_str){ NULL, 0 };
    if (s.len)
        memcpy(copy, s.data, s.len);
    copy[s.len] = 0;
    return (as_str){ copy, s.len };
}

as_str as_arena_fmt(as_arena *a, const char *format, ...)
{
    va_list ap, again;
    va_start(ap, format);
    va_copy(again, ap);
    int n = vsnprintf(NULL, 0, format, ap);
    va_end(ap);
    char *text = n < 0 ? NULL : as_arena_alloc(a, (size_t)n + 1);
    if (text)
        (void)vsnprintf(text, (size_t)n + 1, format, again);
    va_end(again);
    return (as_str){ text, text ? (size_t)n : 0 };
}
