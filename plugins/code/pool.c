/* pool.c -- see pool.h. SPDX-License-Identifier: Apache-2.0 */
#include "pool.h"

enum { CHUNK = 16384 };

typedef struct cd_chunk {
    struct cd_chunk *next;
    size_t size;
    _Alignas(16) char data[];
} cd_chunk;

void cd_pool_fini(cd_pool *p)
{
    for (cd_chunk *c = p->chunks, *next; c; c = next) {
        next = c->next;
        pc_free(c);
    }
    *p = (cd_pool){ .left = 0 };
}

void *cd_alloc(cd_pool *p, size_t n, size_t size)
{
    size_t bytes;
    if (__builtin_mul_overflow(n, size, &bytes) || bytes > SIZE_MAX / 2) {
        pc_memory_lost();
        return NULL;
    }
    bytes = (bytes + 15) & ~(size_t)15;
    if (!p->chunks || bytes > p->left) {
        size_t room = bytes > CHUNK ? bytes : CHUNK;
        cd_chunk *c = pc_calloc(1, sizeof *c + room);
        if (!c)
            return NULL;
        *c = (cd_chunk){ .next = p->chunks, .size = room };
        p->chunks = c;
        p->left = room;
    }
    void *at = p->chunks->data + (p->chunks->size - p->left);
    p->left -= bytes;
    return at;
}

assay_str cd_join(cd_pool *p, assay_str a, assay_str b)
{
    char *data = cd_alloc(p, a.len + b.len + 1, 1);
    if (!data)
        return (assay_str){ NULL, 0 };
    if (a.len)
        memcpy(data, a.data, a.len);
    if (b.len)
        memcpy(data + a.len, b.data, b.len);
    return (assay_str){ data, a.len + b.len };
}

assay_str cd_copy(cd_pool *p, assay_str s)
{
    return cd_join(p, s, PC_LIT(""));
}

assay_str cd_take_buf(cd_pool *p, pc_buf *b)
{
    assay_str s = b->failed ? (assay_str){ NULL, 0 } : cd_copy(p, pc_buf_str(b));
    pc_buf_clear(b);
    return s;
}
