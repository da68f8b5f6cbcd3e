/* fill.h -- rows of a and panels of b, brought into the form that tiles want.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_FILL_H
#define K_FAST_FILL_H
#include "kernels/cpu/fast/part.h"

/* ---- a: rows of it into scratch, as tiles want them
 * ----------------------------------------------------------------- */

#define ROWS_AHEAD 6
ALWAYS void fill_row(k_type type, float *to, const void *from, int64_t first, int64_t n)
{
    for (V_EACH(k, n))
        v_write(K_F32, to, k, n, v_read(type, from, first + k, first + n));
}

/* Two bf16 to a slot, an odd last one with a zero. */
static inline void fill_row_of_pairs(float *to, const uint16_t *from, int64_t n)
{
    memcpy(to, from, (size_t)n * 2);
    if (n % 2)
        memset((uint16_t *)to + n, 0, 2);
}

/* An odd last one with a zero: b may be in pairs. */
static inline void fill_float_row(k_type type, float *to, const void *from, int64_t first,
                                  int64_t n)
{
    BY_TYPE(type, fill_row, to, from, first, n);
    if (n % 2)
        to[n] = 0;
}

/* All the tiles of one k, then those of the next: rows of a are read once and from end to end. A
 * tile's numbers of one k are read and written as whole vectors; what is too much is overwritten by
 * the next k, or lies in the gap behind the tile. */
#define TILE_VECTORS ((MR + VL - 1) / VL)
ALWAYS void fill_tiles_of(k_type type, const product *p, float *to, const area *w, int64_t first,
                          int64_t n_tiles, int64_t height)
{
    const int64_t apart = tile_at(height, 1);
    for (int64_t k = 0; k < w->n_slots; k++, to += height) {
        const int64_t from = (w->slot + k) * p->lda + w->row + first;
        const bool may_read_on = w->slot + k + 1 < p->k && p->lda >= TILE_VECTORS * VL;
        for (int64_t tile = 0; tile < n_tiles && may_read_on; tile++)
            for (int64_t i = 0; i < TILE_VECTORS * VL; i += VL)
                v_store(to + tile * apart + i, v_get(type, p->a, from + tile * height + i));
        for (int64_t tile = 0; tile < n_tiles && !may_read_on; tile++)
            for (int64_t i = 0; i < height; i++)
                to[tile * apart + i] = s_get(type, p->a, from + tile * height + i);
    }
}

ALWAYS void fill_tiles(k_type type, const product *p, float *to, const area *w)
{
    const int64_t n_tiles = (w->n_rows + MR - 1) / MR, low = w->n_rows / n_tiles,
                  n_high = w->n_rows % n_tiles; /* as tile_height */
    fill_tiles_of(type, p, to, w, 0, n_high, low + 1);
    fill_tiles_of(type, p, to + tile_at(n_high * (low + 1), n_high), w, n_high * (low + 1),
                  n_tiles - n_high, low);
}

static inline void fill_tile_of_pairs(const product *p, float *to, const area *w, int64_t row,
                                      int64_t height)
{
    const uint16_t *a = p->a;
    uint16_t *pair = (uint16_t *)to;
    for (int64_t k = w->slot * 2; k < (w->slot + w->n_slots) * 2; k += 2)
        for (int64_t i = row; i < row + height; i++) {
            *pair++ = a[k * p->lda + i];
            *pair++ = k + 1 < p->k ? a[(k + 1) * p->lda + i] : 0;
        }
}

static inline void fill_tiles_of_pairs(const product *p, float *to, const area *w)
{
    for (int64_t row = 0, tile = 0; row < w->n_rows; tile++) {
        const int64_t height = tile_height(row, w->n_rows);
        fill_tile_of_pairs(p, to + tile_at(row, tile), w, w->row + row, height);
        row += height;
    }
}

static inline void fetch(const char *p, int64_t n_bytes)
{
    for (int64_t i = 0; i < n_bytes; i += 64)
        __builtin_prefetch(p + i);
}

static inline void fill_a(const layout *plan, const area *w, float *to)
{
    const product *p = plan->p;
    const int64_t k_per_slot = plan->kind == SLOT_DOT ? 2 : 1;
    const int64_t slot_bytes = k_per_slot * (int64_t)k_type_size(p->a_type);
    if (p->a_by_k) {
        if (plan->kind == SLOT_DOT)
            fill_tiles_of_pairs(p, to, w);
        else if (p->a_type == K_BF16)
            fill_tiles(K_BF16, p, to, w);
        else
            fill_tiles(K_F32, p, to, w);
        return;
    }
    for (int64_t row = 0; row < w->n_rows; row++) {
        const int64_t from = (w->row + row) * p->lda;
        if (row + ROWS_AHEAD < w->n_rows)
            fetch(at(p->a_type, p->a, from + ROWS_AHEAD * p->lda + w->slot * k_per_slot),
                  w->n_slots * slot_bytes);
        if (plan->kind == SLOT_DOT)
            fill_row_of_pairs(to + row * AK, (const uint16_t *)p->a + from + w->slot * 2,
                              min64(w->n_slots * 2, p->k - w->slot * 2));
        else
            fill_float_row(p->a_type, to + row * AK, p->a, from + w->slot, w->n_slots);
    }
}

/* ---- b: a panel, brought into [slot][NR]
 * ------------------------------------------------------------------------------ */

static inline void widen_packed(float *to, const float *from, int64_t n_k)
{
    for (int64_t k = 0; k < n_k; k += 2, to += 2 * NR, from += NR)
        for (int v = 0; v < NR; v += VL) {
            const vu pair = (vu)v_load(from + v);
            v_store(to + v, (vf)(pair << 16));
            v_store(to + NR + v, (vf)(pair & 0xffff0000u));
        }
}

static inline void widen_halves(float *to, const float *from, int64_t n_k)
{
    for (int64_t i = 0; i < (n_k + 1) / 2 * 2 * NR; i += VL)
        v_store(to + i, v_of_halves(from + i / 2));
}

ALWAYS void fill_by_k(k_type type, float *to, const product *p, int64_t k, int64_t n_k, int64_t col)
{
    const int64_t n = min64(NR, p->n - col);
    for (int64_t end = k + n_k; k < end; k++, to += NR) {
        const int64_t from = k * p->ldb + col;
        v_store(to, v_read(type, p->b, from, from + n));
        v_store(to + VL, n > VL ? v_read(type, p->b, from + VL, from + n) : v_set(0));
    }
}

static inline void fill_b(const layout *plan, const area *w, int64_t panel, float *to)
{
    const product *p = plan->p;
    const int64_t col = panel * NR;
    if (p->b_form == B_PACKED && plan->narrow == SLOT_HALF)
        widen_halves(to, packed_panel(plan, w->slot, panel), w->n_slots);
    else if (p->b_form == B_PACKED) /* of bf16, and kind is SLOT_FLOAT */
        widen_packed(to, packed_panel(plan, w->slot, panel), w->n_slots);
    else if (plan->kind == SLOT_DOT)
        fill_pairs(to, p, w->slot, w->n_slots, col);
    else if (p->b_form == B_BY_K && p->b_type == K_BF16)
        fill_by_k(K_BF16, to, p, w->slot, w->n_slots, col);
    else if (p->b_form == B_BY_K)
        fill_by_k(K_F32, to, p, w->slot, w->n_slots, col);
    else if (p->b_type == K_BF16)
        fill_by_j(K_BF16, to, p, w->slot, w->n_slots, col);
    else
        fill_by_j(K_F32, to, p, w->slot, w->n_slots, col);
}
#endif
