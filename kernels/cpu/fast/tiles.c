/* tiles.c -- the tiles there are, compiled. SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/tiles.h"

#define TILE_FN(name, kind, layout, nv, keeps, mr)                                                 \
    static void name##_##mr(const tile_args *t)                                                    \
    {                                                                                              \
        tile(kind, layout, mr, nv, keeps, t);                                                      \
    }
#define TILE_FNS_1(...) TILE_FN(__VA_ARGS__, 1)
#define TILE_FNS_3(...) TILE_FNS_1(__VA_ARGS__) TILE_FN(__VA_ARGS__, 2) TILE_FN(__VA_ARGS__, 3)
#define TILE_FNS_6(...)                                                                            \
    TILE_FNS_3(__VA_ARGS__)                                                                        \
    TILE_FN(__VA_ARGS__, 4) TILE_FN(__VA_ARGS__, 5) TILE_FN(__VA_ARGS__, 6)
#define TILE_FNS_12(...)                                                                           \
    TILE_FNS_6(__VA_ARGS__)                                                                        \
    TILE_FN(__VA_ARGS__, 7)                                                                        \
    TILE_FN(__VA_ARGS__, 8)                                                                        \
    TILE_FN(__VA_ARGS__, 9)                                                                        \
    TILE_FN(__VA_ARGS__, 10) TILE_FN(__VA_ARGS__, 11) TILE_FN(__VA_ARGS__, 12)
#define LIST_1(name) NULL, name##_1
#define LIST_3(name) LIST_1(name), name##_2, name##_3
#define LIST_6(name) LIST_3(name), name##_4, name##_5, name##_6
#define LIST_12(name) LIST_6(name), name##_7, name##_8, name##_9, name##_10, name##_11, name##_12

#if VL == 16
#define TILE_FNS TILE_FNS_12
#define TILE_FNS_HALF TILE_FNS_6
#define TILE_FNS_QUARTER TILE_FNS_3
#define LIST LIST_12
#define LIST_HALF LIST_6
#define LIST_QUARTER LIST_3
#define TILE_FNS_HIGH(...)                                                                         \
    TILE_FN(__VA_ARGS__, 10) TILE_FN(__VA_ARGS__, 11) TILE_FN(__VA_ARGS__, 12)
#define LIST_HIGH(name) [10] = name##_10, name##_11, name##_12
#else
#define TILE_FNS TILE_FNS_6
#define TILE_FNS_HALF TILE_FNS_3
#define TILE_FNS_QUARTER TILE_FNS_1
#define LIST LIST_6
#define LIST_HALF LIST_3
#define LIST_QUARTER LIST_1
#define TILE_FNS_HIGH(...) TILE_FN(__VA_ARGS__, 4) TILE_FN(__VA_ARGS__, 5) TILE_FN(__VA_ARGS__, 6)
#define LIST_HIGH(name) [4] = name##_4, name##_5, name##_6
#endif

TILE_FNS(rows_1, SLOT_FLOAT, A_ROWS, 1, false)
TILE_FNS(rows_2, SLOT_FLOAT, A_ROWS, 2, false)
TILE_FNS_HALF(rows_4, SLOT_FLOAT, A_ROWS, 4, false)
TILE_FNS_QUARTER(rows_8, SLOT_FLOAT, A_ROWS, 8, false)
TILE_FNS(tile_2, SLOT_FLOAT, A_TILE, 2, false)
TILE_FNS(cols_2, SLOT_FLOAT, A_COLS, 2, false)
TILE_FNS_6(pair_2, SLOT_PAIR, A_ROWS, 2, false)
TILE_FNS_QUARTER(pair_8, SLOT_PAIR, A_ROWS, 8, false)
TILE_FNS_HIGH(keep_rows, SLOT_FLOAT, A_ROWS, 2, true)
TILE_FNS_HIGH(keep_tile, SLOT_FLOAT, A_TILE, 2, true)
TILE_FNS_HIGH(keep_rows_bf16, SLOT_BF16, A_ROWS, 2, true)
TILE_FNS_HIGH(keep_tile_bf16, SLOT_BF16, A_TILE, 2, true)
TILE_FNS_HIGH(keep_pair, SLOT_PAIR, A_ROWS, 2, true)
#if HAS_HALF
TILE_FNS_HIGH(keep_half, SLOT_HALF, A_ROWS, 2, true)
TILE_FNS_6(half_2, SLOT_HALF, A_ROWS, 2, false)
TILE_FNS_QUARTER(half_8, SLOT_HALF, A_ROWS, 8, false)
#endif
#if HAS_DOT
TILE_FNS(dot_rows, SLOT_DOT, A_ROWS, 2, false)
TILE_FNS_QUARTER(dot_rows_8, SLOT_DOT, A_ROWS, 8, false)
TILE_FNS(dot_tile, SLOT_DOT, A_TILE, 2, false)
#endif

const tiles LEVEL(k_tiles) = {
    .rows = { [1] = { LIST(rows_1) },
              [2] = { LIST(rows_2) },
              [4] = { LIST_HALF(rows_4) },
              [8] = { LIST_QUARTER(rows_8) } },
    .tile_2 = { LIST(tile_2) },
    .cols_2 = { LIST(cols_2) },
    .pair_2 = { LIST_6(pair_2) },
    .pair_8 = { LIST_QUARTER(pair_8) },
    .keep_rows = { LIST_HIGH(keep_rows) },
    .keep_tile = { LIST_HIGH(keep_tile) },
    .keep_rows_bf16 = { LIST_HIGH(keep_rows_bf16) },
    .keep_tile_bf16 = { LIST_HIGH(keep_tile_bf16) },
    .keep_pair = { LIST_HIGH(keep_pair) },
#if HAS_HALF
    .keep_half = { LIST_HIGH(keep_half) },
    .half_2 = { LIST_6(half_2) },
    .half_8 = { LIST_QUARTER(half_8) },
#endif
#if HAS_DOT
    .dot_rows = { LIST(dot_rows) },
    .dot_rows_8 = { LIST_QUARTER(dot_rows_8) },
    .dot_tile = { LIST(dot_tile) },
#endif
};
