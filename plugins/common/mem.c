/* mem.c -- see mem.h. SPDX-License-Identifier: Apache-2.0 */
#include "common/mem.h"

#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local bool is_lost;

void pc_memory_lost(void)
{
    is_lost = true;
}

bool pc_memory_is_lost(void)
{
    return is_lost;
}

bool pc_memory_was_lost(void)
{
    bool was = is_lost;
    is_lost = false;
    return was;
}

static void *noted(void *p)
{
    is_lost = is_lost || !p;
    return p;
}

void *pc_calloc(size_t n, size_t size)
{
    return noted(calloc(n ? n : 1, size ? size : 1));
}

void *pc_realloc(void *old, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes))
        return noted(NULL);
    return noted(realloc(old, bytes ? bytes : 1));
}

void pc_free(void *p)
{
    free(p);
}

void pc_buf_fini(pc_buf *b)
{
    free(b->data);
    *b = (pc_buf){ 0 };
}

void pc_buf_clear(pc_buf *b)
{
    b->len = 0;
    b->failed = false;
}

bool pc_buf_reserve(pc_buf *b, size_t more)
{
    size_t need;
    if (b->failed || __builtin_add_overflow(b->len, more, &need) || need >= SIZE_MAX / 2) {
        b->failed = true;
        return false;
    }
    if (need + 1 <= b->cap)
        return true;
    size_t cap = b->cap ? b->cap : 256;
    while (cap < need + 1)
        cap *= 2;
    char *data = noted(realloc(b->data, cap));
    if (!data) {
        b->failed = true;
        return false;
    }
    b->data = data;
    b->cap = cap;
    return true;
}

void pc_buf_add(pc_buf *b, const char *data, size_t len)
{
    if (!pc_buf_reserve(b, len))
        return;
    if (len)
        memcpy(b->data + b->len, data, len);
    b->len += len;
    b->data[b->len] = 0;
}

void pc_buf_text(pc_buf *b, const char *text)
{
    pc_buf_add(b, text, strlen(text));
}

void pc_buf_byte(pc_buf *b, char c)
{
    pc_buf_add(b, &c, 1);
}

void pc_buf_fmt(pc_buf *b, const char *format, ...)
{
    char text[512]; /* only for short texts; longer ones are cut, as in a message */
    va_list ap;
    va_start(ap, format);
    int n = vsnprintf(text, sizeof text, format, ap);
    va_end(ap);
    if (n < 0) {
        b->failed = true;
        return;
    }
    pc_buf_add(b, text, (size_t)n < sizeof text ? (size_t)n : sizeof text - 1);
}
