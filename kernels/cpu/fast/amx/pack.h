/* pack.h -- a matrix, or b of a product ahead of it, brought into bands.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_AMX_PACK_H
#define K_AMX_PACK_H
#include "kernels/cpu/fast/amx/block.h"
#include "kernels/cpu/fast/product.h"

/* How many of `each` hold n. */
static inline int64_t parts_of(int64_t n, int64_t each)
{
    return (n + each - 1) / each;
}

static inline int64_t bands_of(int64_t n)
{
    return parts_of(n, LINES);
}

static inline int64_t steps_of(int64_t k)
{
    return parts_of(k, DEPTH);
}

/* All of b to `to`, [bands_of(n_lines)][steps_of(n_k)][kept_of(n_pieces)][2] tiles, by all threads.
 */
void LEVEL(k_product_fill)(const fast_device *dev, int n_pieces, const lines *b, uint16_t *to);
/* Of how many pieces packed bands are. */
int LEVEL(k_product_pieces)(k_type type, int64_t n, int64_t k, const void *packed);
#endif
