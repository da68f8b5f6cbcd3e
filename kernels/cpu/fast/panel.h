/* panel.h -- panels of b: how much room they take, and how plain rows come into their order. What
 * the product brings into form as it goes (product.c) and what is packed once (product_pack.c) is
 * the same. SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_PANEL_H
#define K_FAST_PANEL_H
#include "kernels/cpu/fast/product.h"

#include "kernels/cpu/fast/ops.h"

static inline size_t panel_bytes(k_type type, int64_t n, int64_t k)
{
    const size_t n_panels = (size_t)((n + NR - 1) / NR);
    return n_panels * NR * 4 * (size_t)(type == K_BF16 ? (k + 1) / 2 : k);
}

/* What floats are packed as. */
typedef enum packed_as { AS_FLOATS, AS_BF16, AS_F16 } packed_as;
#define MARK 64 /* bytes behind the panels */

/* Blocks of 4 columns by 4 k through registers; edges one by one. */
ALWAYS void fill_by_j(k_type type, float *to, const product *p, int64_t k, int64_t n_k, int64_t col)
{
    const int64_t n = min64(NR, p->n - col);
    if (n < NR)
        memset(to, 0, (size_t)(n_k * NR) * sizeof *to);
    for (int64_t j = 0; j < n; j++) {
        const int64_t from = (col + j) * p->ldb + k;
        for (int64_t i = 0; i < n_k; i++)
            to[i * NR + j] = s_get(type, p->b, from + i);
    }
}

static inline void fill_pairs(float *to, const product *p, int64_t slot, int64_t n_slots,
                              int64_t col)
{
    const int64_t n = min64(NR, p->n - col), dj = p->b_form == B_BY_K ? 1 : p->ldb,
                  dk = p->b_form == B_BY_K ? p->ldb : 1;
    const uint16_t *b = p->b;
    uint16_t *pair = (uint16_t *)to;
    memset(to, 0, (size_t)(n_slots * NR) * sizeof *to);
    for (int64_t k = slot * 2; k < (slot + n_slots) * 2; k += 2, pair += 2 * NR)
        for (int64_t j = 0; j < n; j++) {
            pair[2 * j] = b[k * dk + (col + j) * dj];
            pair[2 * j + 1] = k + 1 < p->k ? b[(k + 1) * dk + (col + j) * dj] : 0;
        }
}
#endif
