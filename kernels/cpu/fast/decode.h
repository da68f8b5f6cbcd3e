/* decode.h -- attention of a few query rows that stand at one position of a paged cache.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef K_FAST_DECODE_H
#define K_FAST_DECODE_H
#include "kernels/cpu/fast/keys.h"

/* Whether the tiles can be read where they lie: floats, keys turned, D of whole vectors. */
bool LEVEL(k_decodes)(const key_source *from);

/* Rows q[n_rows][AK], at `position`, against positions 0 .. position: o[n_rows][D] becomes the sum
 * of exp(s - max) v, sum[n_rows] that of exp(s - max). next, or NULL: whose keys 0 .. next_position
 * are wanted after this. */
void LEVEL(k_decode)(const key_source *from, int64_t position, int64_t n_rows, const float *q,
                     float scale, float *o, float *sum, const key_source *next,
                     int64_t next_position);
#endif
