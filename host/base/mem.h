/* mem.h -- allocation, cleanup attributes, checked size arithmetic. The only room that calls malloc.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_MEM_H
#define AS_BASE_MEM_H
#include <stdbool.h>
#include <stddef.h>

/* NULL on failure or overflow; memory is the caller's, released with as_free. */
void *as_malloc(size_t size);
void *as_calloc(size_t n, size_t size);                 /* zeroed */
void *as_realloc_array(void *old, size_t n, size_t size); /* NULL leaves `old` valid */
char *as_strdup(const char *text);
char *as_strndup(const char *text, size_t len);
void as_free(void *p);

static inline bool as_mul_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_mul_overflow(a, b, out);
}
static inline bool as_add_ok(size_t a, size_t b, size_t *out)
{
    return !__builtin_add_overflow(a, b, out);
}

/* AS_CLEANUP(free) char *p: p is released when it leaves scope; AS_STEAL(p) hands it on. */
static inline void as_cleanup_free(void *p)
{
    as_free(*(void **)p);
}
void as_cleanup_close(int *fd); /* closes fds >= 0, keeps errno */
#define AS_CLEANUP(how) __attribute__((cleanup(as_cleanup_##how)))
#define AS_STEAL(p)                                                                                \
    __extension__({                                                                                \
        __typeof__(p) as_stolen = (p);                                                             \
        (p) = NULL;                                                                                \
        as_stolen;                                                                                 \
    })
#endif
