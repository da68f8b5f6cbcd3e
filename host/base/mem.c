/* mem.c -- the one place that calls malloc.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"

#include <errno.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

void *as_malloc(size_t size)
{
    return malloc(size ? size : 1);
}

void *as_calloc(size_t n, size_t size)
{
    size_t total; /* checked here too: under ASan an overflow would end the process */
    return as_mul_ok(n, size, &total) ? calloc(n ? n : 1, size ? size : 1) : NULL;
}

void *as_realloc_array(void *old, size_t n, size_t size)
{
    size_t total;
    return as_mul_ok(n, size, &total) ? realloc(old, total ? total : 1) : NULL;
}

char *as_strndup(const char *text, size_t len)
{
    size_t total;
    char *copy = as_add_ok(len, 1, &total) ? as_malloc(total) : NULL;
    if (!copy)
        return NULL;
    memcpy(copy, text, len);
    copy[len] = 0;
    return copy;
}

char *as_strdup(const char *text)
{
    return as_strndup(text, strlen(text));
}

void as_free(void *p)
{
    free(p);
}

void as_cleanup_close(int *fd)
{
    int saved = errno;
    if (*fd >= 0)
        (void)close(*fd);
    *fd = -1;
    errno = saved;
}
