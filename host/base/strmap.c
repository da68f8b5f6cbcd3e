/* strmap.c -- open addressing over XXH3 with a seed of its own for every table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/strmap.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"

#include <assert.h>

struct as_strmap_slot {
    as_str key; /* data NULL: free */
    uint64_t hash;
    uint32_t value;
};

bool as_strmap_init(as_strmap *m, size_t n_max)
{
    size_t n = 16;
    *m = (as_strmap){ .n_max = n_max };
    while (n / 2 < n_max && n <= SIZE_MAX / 4)
        n *= 2;
    m->slots = as_calloc(n, sizeof *m->slots);
    m->n_slots = n;
    m->seed = (uint64_t)as_now_ns() * 0x9E3779B97F4A7C15u; /* no result depends on it */
    return m->slots != NULL;
}

void as_strmap_fini(as_strmap *m)
{
    as_free(m->slots);
    *m = (as_strmap){ 0 };
}

/* The slot of `key`, or the free one where it would go. */
static struct as_strmap_slot *slot_of(const as_strmap *m, as_str key, uint64_t hash)
{
    for (size_t i = (size_t)hash & (m->n_slots - 1);; i = (i + 1) & (m->n_slots - 1)) {
        struct as_strmap_slot *s = &m->slots[i];
        if (!s->key.data || (s->hash == hash && as_str_eq(s->key, key)))
            return s;
    }
}

uint32_t as_strmap_add(as_strmap *m, as_str key, uint32_t value, bool *is_new)
{
    uint64_t hash = as_hash64(key, m->seed);
    struct as_strmap_slot *s = slot_of(m, key, hash);
    *is_new = !s->key.data;
    if (*is_new) {
        assert(m->n < m->n_max && key.data);
        m->n++;
        *s = (struct as_strmap_slot){ key, hash, value };
    }
    return s->value;
}

bool as_strmap_find(const as_strmap *m, as_str key, uint32_t *value)
{
    if (m->n == 0)
        return false;
    const struct as_strmap_slot *s = slot_of(m, key, as_hash64(key, m->seed));
    *value = s->value;
    return s->key.data != NULL;
}
