/* array.h -- the growing array a grammar's scanner wants of tree-sitter; libraries before 0.22 do
 * not install one. SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_TREE_SITTER_ARRAY_H
#define CODE_TREE_SITTER_ARRAY_H
#if __has_include_next(<tree_sitter/array.h>)
#include_next <tree_sitter/array.h>
#else
#include <stdint.h>
#include <stdlib.h>

#define Array(type)                                                                                \
    struct {                                                                                       \
        type *contents;                                                                            \
        uint32_t size, capacity;                                                                   \
    }

/* As in the library itself, want of memory ends the process; who parses makes sure beforehand that
 * there is enough. */
static inline void *array_grown(void *contents, uint32_t *capacity, uint32_t wanted, size_t width)
{
    if (wanted <= *capacity)
        return contents;
    uint32_t more = *capacity * 2 < 8 ? 8 : *capacity * 2;
    more = more < wanted ? wanted : more;
    void *p = realloc(contents, more * width);
    if (!p)
        abort();
    *capacity = more;
    return p;
}

#define array_init(a) ((a)->contents = NULL, (a)->size = (a)->capacity = 0)
#define array_delete(a) (free((a)->contents), array_init(a))
#define array_reserve(a, n)                                                                        \
    ((a)->contents =                                                                               \
         array_grown((a)->contents, &(a)->capacity, (uint32_t)(n), sizeof *(a)->contents))
#define array_push(a, item) (array_reserve(a, (a)->size + 1), (a)->contents[(a)->size++] = (item))
#define array_get(a, i) (&(a)->contents[i])
#define array_back(a) array_get(a, (a)->size - 1)
#define array_pop(a) ((a)->contents[--(a)->size])
#endif
#endif
