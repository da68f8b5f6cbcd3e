/* tiles.h -- the tiles there are, by height (rows, from 1) and width (vectors of columns).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_TILES_H
#define K_FAST_TILES_H
#include "kernels/cpu/fast/tile.h"

/* As many sums as there are registers for: MR rows of 2 vectors, half of that of 4, a quarter of 8.
 */
typedef struct tiles {
    tile_fn *rows[MAX_NV + 1]
                 [MR + 1];   /* A_ROWS: [1], [2] up to MR rows, [4] up to MR/2, [8] up to MR/4 */
    tile_fn *tile_2[MR + 1]; /* A_TILE */
    tile_fn *cols_2[MR + 1]; /* A_COLS */
    tile_fn *pair_2[MR + 1], *pair_8[MR + 1]; /* SLOT_PAIR: up to 6 rows, MR/4 */
    tile_fn *half_2[MR + 1], *half_8[MR + 1]; /* SLOT_HALF, where there is one */
    /* those that keep b: MR-2 rows and more, the others are NULL */
    tile_fn *keep_rows[MR + 1], *keep_tile[MR + 1], *keep_rows_bf16[MR + 1],
        *keep_tile_bf16[MR + 1], *keep_pair[MR + 1], *keep_half[MR + 1];
    tile_fn *dot_rows[MR + 1], *dot_rows_8[MR + 1],
        *dot_tile[MR + 1]; /* SLOT_DOT, where there is one */
} tiles;
extern const tiles LEVEL(k_tiles);

/* A product of any height and width of tiles, A_ROWS: rows of a are AK apart. The rest as in
 * tile.h, one pair after the other (pair = 2 VL). */
static inline void tiles_run(int64_t n_rows, int64_t n_vectors, const tile_args *t)
{
    for (int64_t row = 0; row < n_rows;) {
        int64_t height = n_rows - row < MR ? n_rows - row : MR;
        const int most = height <= MR / 4 ? 8 : height <= MR / 2 ? 4 : 2;
        for (int64_t v = 0; v < n_vectors;) {
            int nv = most;
            while (nv > n_vectors - v)
                nv /= 2;
            tile_args now = *t;
            now.a += row * AK;
            now.lda = AK;
            now.b += v * VL;
            now.init += row * t->ldi + v * VL;
            now.c += row * t->ldc + v * VL;
            LEVEL(k_tiles).rows[nv][height](&now);
            v += nv;
        }
        row += height;
    }
}
#endif
