/* kv_blocks.h -- which sequence has which blocks of a paged cache: counted references, so that the samples of a prompt
 * share what they have in common (Kwon et al., arXiv:2309.06180, section 4). One thread.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_KV_BLOCKS_H
#define AS_MODEL_KV_BLOCKS_H
#include "model/transformer.h"

typedef struct as_kv_blocks {
    int64_t n_blocks, n_free;
    int32_t *free;  /* [n_free] a stack */
    uint32_t *refs; /* [n_blocks] */
} as_kv_blocks;

int as_kv_blocks_init(as_kv_blocks *b, int64_t n_blocks, as_err *err);
void as_kv_blocks_fini(as_kv_blocks *b);
int32_t as_kv_blocks_take(as_kv_blocks *b); /* with one reference; -1: none is free */
void as_kv_blocks_share(as_kv_blocks *b, int32_t block);
void as_kv_blocks_drop(as_kv_blocks *b, int32_t block);

/* The blocks of one sequence, in the order of its positions. Zero-initialised is empty. */
typedef struct as_kv_table {
    int32_t *blocks; /* [most] */
    int64_t n, most;
} as_kv_table;
int as_kv_table_init(as_kv_table *t, int64_t most, as_err *err);
void as_kv_table_fini(as_kv_table *t, as_kv_blocks *b);  /* and drops them */
void as_kv_table_clear(as_kv_table *t, as_kv_blocks *b); /* drops them all */
/* Until it has `n`; false: there are not so many, and the table is as it was. */
bool as_kv_table_grow(as_kv_table *t, as_kv_blocks *b, int64_t n);
/* The first n of another, both then have them. `t` is empty. */
void as_kv_table_share(as_kv_table *t, as_kv_blocks *b, const as_kv_table *of, int64_t n);

/* Keys and values of one block into another, in every layer. */
int as_kv_cache_copy(const as_kv_cache *c, int32_t from, int32_t to, as_err *err);
#endif
