/* seen.h -- which texts came before and on which line, by 64-bit hash, in memory that ends somewhere.
 * One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_SEEN_H
#define AS_CLI_SEEN_H
#include "base/err.h"

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

typedef struct as_seen { /* zero-initialise, set max */
    uint64_t *hash;      /* 0: empty slot */
    uint32_t *line;
    size_t n, cap, max;
    bool is_full;        /* max was reached: later texts are looked up, but no longer kept */
} as_seen;
void as_seen_fini(as_seen *s);
/* Line where this hash was added before; 0: new, and kept unless the table is full. < 0: AS_ENOMEM.
 * Lines beyond 2^32 are told as 2^32 - 1. */
int64_t as_seen_add(as_seen *s, uint64_t hash, uint64_t line, as_err *err);
#endif
