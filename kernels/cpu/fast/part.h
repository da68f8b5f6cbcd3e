/* part.h -- a part of a product: what it knows, its scratch, and how its rows are dealt out over
 * tiles. SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_PART_H
#define K_FAST_PART_H
#include "kernels/cpu/fast/panel.h"

#define ROWS (24 * MR)
#define COLS INT64_C(1024)

/* What the parts of a product know. */
typedef struct layout {
    const product *p;
    const fast_device *dev;
    slot_kind kind;
    bool is_a_direct;               /* a is read where it lies */
    slot_kind narrow;               /* of packed b, where k_per_row is 2 */
    int64_t n_slots, block;         /* slots of k; those taken at once, even and at most BLOCK */
    int64_t panel_size, k_per_row;  /* of packed b: floats of a panel, slots in a row of it (2: bf16
                                       to be widened) */
    int64_t rows_each, panels_each; /* of a part */
    int n_row_parts, n_col_parts;
} layout;

/* The scratch of a part. */
typedef struct bench {
    float *a;    /* A_FLOATS */
    float *b;    /* AK * NR: a panel brought into form */
    float *bias; /* COLS */
    float *out;  /* MR * NR: what a tile has finished, before it is rounded or cut to fit c */
    float *c;    /* ROWS * c_row: sums that cannot wait in c */
    int64_t c_row;
} bench;

/* The rectangle of a part, and the block of k it is in. */
typedef struct area {
    int64_t row, n_rows, panel, n_panels; /* panels of NR columns */
    int64_t slot, n_slots;
    int64_t next_slot;  /* of k, in the block after this one */
    const char *next_a; /* rows that are filled in after this block, or NULL: fetched under it */
    int64_t n_next_a, next_a_bytes, next_a_row; /* their number, what of each, how far apart */
} area;

/* Rows are dealt out evenly over the tiles. */
static inline int64_t tile_height(int64_t row, int64_t n_rows)
{
    const int64_t n_tiles = (n_rows + MR - 1) / MR, low = n_rows / n_tiles,
                  n_high = n_rows % n_tiles;
    return row < n_high * (low + 1) ? low + 1 : low;
}

/* Where a tile's rows begin in scratch where they are filled in k by k (A_TILE): a line further
 * each, for else all tiles of one k would want the same few places of the first-level cache. */
static inline int64_t tile_at(int64_t row, int64_t tile)
{
    return row * AK + tile * 16;
}
#define A_FLOATS (ROWS * AK + ROWS / MR * 16 + 2 * VL) /* fill_tiles may run over */
#define BENCH_FLOATS (A_FLOATS + AK * NR + COLS + MR * NR + ROWS * (COLS + 16))

/* Where a block of k begins in a packed panel. */
static inline const float *packed_panel(const layout *plan, int64_t slot, int64_t panel)
{
    return (const float *)plan->p->b + panel * plan->panel_size + slot / plan->k_per_row * NR;
}
#endif
