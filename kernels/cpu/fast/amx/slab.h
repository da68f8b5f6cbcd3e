/* slab.h -- b of a product brought into bands ahead of it. SPDX-License-Identifier: Apache-2.0 */
#ifndef K_AMX_SLAB_H
#define K_AMX_SLAB_H
#include "kernels/cpu/fast/amx/block.h"
#include "kernels/cpu/fast/product.h"

static inline int64_t bands_of(int64_t n)
{
    return (n + LINES - 1) / LINES;
}

static inline int64_t steps_of(int64_t k)
{
    return (k + DEPTH - 1) / DEPTH;
}

/* All of b, as [bands_of(n_lines)][steps_of(n_k)][n_pieces][2] tiles, by all threads. */
void LEVEL(k_product_fill)(const fast_device *dev, int n_pieces, const lines *b, uint16_t *to);
/* Of how many pieces packed bands are. */
int LEVEL(k_product_pieces)(k_type type, int64_t n, int64_t k, const void *packed);
#endif
