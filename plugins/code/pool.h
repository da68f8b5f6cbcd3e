/* pool.h -- memory freed whole: of one task, of one item. One thread at a time.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef CODE_POOL_H
#define CODE_POOL_H
#include "common/text.h"

typedef struct cd_pool {
    struct cd_chunk *chunks; /* newest first */
    size_t left;             /* bytes free in the newest */
} cd_pool;

void cd_pool_fini(cd_pool *p);
void *cd_alloc(cd_pool *p, size_t n, size_t size); /* zeroed; NULL on failure or overflow */
/* A copy that ends with a NUL; data NULL: no memory. */
assay_str cd_copy(cd_pool *p, assay_str s);
assay_str cd_join(cd_pool *p, assay_str a, assay_str b);
/* What a buffer holds, copied, and the buffer emptied. data NULL also where the buffer failed. */
assay_str cd_take_buf(cd_pool *p, pc_buf *b);
#endif
