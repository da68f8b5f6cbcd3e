/* kv_blocks.c -- see kv_blocks.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/kv_blocks.h"

#include "base/mem.h"

#include <assert.h>
#include <string.h>

int as_kv_blocks_init(as_kv_blocks *b, int64_t n_blocks, as_err *err)
{
    *b = (as_kv_blocks){ .n_blocks = n_blocks, .n_free = n_blocks };
    b->free = as_calloc((size_t)n_blocks, sizeof *b->free);
    b->refs = as_calloc((size_t)n_blocks, sizeof *b->refs);
    if (!b->free || !b->refs) {
        as_kv_blocks_fini(b);
        return as_fail(err, AS_ENOMEM, "no memory for the table of %lld cache blocks",
                       (long long)n_blocks);
    }
    for (int64_t i = 0; i < n_blocks; i++) /* taken from the first on */
        b->free[i] = (int32_t)(n_blocks - 1 - i);
    return 0;
}

void as_kv_blocks_fini(as_kv_blocks *b)
{
    as_free(b->free);
    as_free(b->refs);
    *b = (as_kv_blocks){ .n_blocks = 0 };
}

int32_t as_kv_blocks_take(as_kv_blocks *b)
{
    if (b->n_free == 0)
        return -1;
    int32_t block = b->free[--b->n_free];
    b->refs[block] = 1;
    return block;
}

void as_kv_blocks_share(as_kv_blocks *b, int32_t block)
{
    assert(b->refs[block] > 0);
    b->refs[block]++;
}

void as_kv_blocks_drop(as_kv_blocks *b, int32_t block)
{
    assert(b->refs[block] > 0);
    if (--b->refs[block] == 0)
        b->free[b->n_free++] = block;
}

/* ---- of one sequence ---- */

int as_kv_table_init(as_kv_table *t, int64_t most, as_err *err)
{
    *t = (as_kv_table){ .most = most };
    t->blocks = as_calloc((size_t)most, sizeof *t->blocks);
    return t->blocks ? 0 : as_fail(err, AS_ENOMEM, "no memory for a sequence's cache blocks");
}

void as_kv_table_clear(as_kv_table *t, as_kv_blocks *b)
{
    while (t->n > 0)
        as_kv_blocks_drop(b, t->blocks[--t->n]);
}

void as_kv_table_fini(as_kv_table *t, as_kv_blocks *b)
{
    as_kv_table_clear(t, b);
    as_free(t->blocks);
    *t = (as_kv_table){ .n = 0 };
}

bool as_kv_table_grow(as_kv_table *t, as_kv_blocks *b, int64_t n)
{
    assert(n <= t->most);
    if (n - t->n > b->n_free)
        return false;
    while (t->n < n)
        t->blocks[t->n++] = as_kv_blocks_take(b);
    return true;
}

void as_kv_table_share(as_kv_table *t, as_kv_blocks *b, const as_kv_table *of, int64_t n)
{
    assert(t->n == 0 && n <= of->n && n <= t->most);
    memcpy(t->blocks, of->blocks, (size_t)n * sizeof *t->blocks);
    t->n = n;
    for (int64_t i = 0; i < n; i++)
        as_kv_blocks_share(b, t->blocks[i]);
}

int as_kv_cache_copy(const as_kv_cache *c, int32_t from, int32_t to, as_err *err)
{
    const size_t block = c->layer_bytes / (size_t)c->n_blocks;
    int rc = 0;
    for (int64_t i = 0; i < 2 * c->n_layers && rc == 0; i++) {
        char *part = c->memory + (size_t)i * c->layer_bytes;
        rc = c->dev->ops->copy(c->dev, part + (size_t)to * block, part + (size_t)from * block,
                               block);
    }
    return rc < 0 ? as_fail_kernel(err, rc, "copy of a cache block") : 0;
}
