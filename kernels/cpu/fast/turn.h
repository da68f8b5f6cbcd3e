/* turn.h -- a matrix of floats, transposed. SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_TURN_H
#define K_FAST_TURN_H
#include "kernels/cpu/fast/level.h"

typedef float quad __attribute__((vector_size(16)));
typedef float quad_any __attribute__((vector_size(16), aligned(4), may_alias));

ALWAYS void turn_quads(float *to, int64_t to_row, const float *from, int64_t from_row)
{
    const quad a = *(const quad_any *)from, b = *(const quad_any *)(from + from_row),
               c = *(const quad_any *)(from + 2 * from_row),
               d = *(const quad_any *)(from + 3 * from_row);
    const quad ab = __builtin_shufflevector(a, b, 0, 4, 1, 5),
               cd = __builtin_shufflevector(c, d, 0, 4, 1, 5),
               ab_high = __builtin_shufflevector(a, b, 2, 6, 3, 7),
               cd_high = __builtin_shufflevector(c, d, 2, 6, 3, 7);
    *(quad_any *)to = __builtin_shufflevector(ab, cd, 0, 1, 4, 5);
    *(quad_any *)(to + to_row) = __builtin_shufflevector(ab, cd, 2, 3, 6, 7);
    *(quad_any *)(to + 2 * to_row) = __builtin_shufflevector(ab_high, cd_high, 0, 1, 4, 5);
    *(quad_any *)(to + 3 * to_row) = __builtin_shufflevector(ab_high, cd_high, 2, 3, 6, 7);
}

/* to[c * to_row + r] = from[r * from_row + c], r < rows, c < cols. */
static inline void turn_floats(float *to, int64_t to_row, const float *from, int64_t from_row,
                               int64_t rows, int64_t cols)
{
    for (int64_t r = 0; r < rows; r += 4)
        for (int64_t c = 0; c < cols; c += 4) {
            if (r + 4 <= rows && c + 4 <= cols) {
                turn_quads(to + c * to_row + r, to_row, from + r * from_row + c, from_row);
                continue;
            }
            for (int64_t i = r; i < rows && i < r + 4; i++)
                for (int64_t j = c; j < cols && j < c + 4; j++)
                    to[j * to_row + i] = from[i * from_row + j];
        }
}
#endif
