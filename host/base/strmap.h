/* strmap.h -- a table from texts to numbers, for names out of files: 100,000 of them are looked up as quickly as ten, and
 * nobody can choose them so that they are not. The texts are borrowed. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_BASE_STRMAP_H
#define AS_BASE_STRMAP_H
#include "base/str.h"

#include <stdint.h>

typedef struct as_strmap {
    struct as_strmap_slot *slots;
    size_t n_slots, n, n_max; /* n_slots: a power of two */
    uint64_t seed;
} as_strmap;

bool as_strmap_init(as_strmap *m, size_t n_max); /* room for n_max; false: no memory. _fini is fine after it */
void as_strmap_fini(as_strmap *m);
/* The number kept under `key` afterwards: `value`, or, where the key was there already, the older one (*is_new false).
 * At most n_max keys (an assertion). */
uint32_t as_strmap_add(as_strmap *m, as_str key, uint32_t value, bool *is_new);
bool as_strmap_find(const as_strmap *m, as_str key, uint32_t *value);

static inline void as_cleanup_strmap(as_strmap *m)
{
    as_strmap_fini(m);
}
#endif
