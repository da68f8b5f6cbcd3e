/* pieces.h -- a float as bf16, the matrix unit's numbers. SPDX-License-Identifier: Apache-2.0
 *
 * A float is the sum of at most three bf16: itself, rounded to 8 bits, what is left, cut to 8 bits,
 * and what is left then. (Cut at first too, all that is left would have the number's sign, and what
 * products leave out would add up.) bf16 is one piece, a float that is F16's two. Taken to 16 bits,
 * a float is two, both rounded. Pieces below 2^-126 are taken as 0 by the unit.
 *
 * Three pieces are 6 bytes, and b is read from a cache again and again: so of b the first piece and
 * the float's lower half are kept, 4 bytes, and the rest is made while the unit computes (block.h).
 * Pieces of a are all there, for both at once take longer than the unit. */
#ifndef K_AMX_PIECES_H
#define K_AMX_PIECES_H
#include "kernels/cpu/fast/ops.h"

#include <immintrin.h>

#define TILE INT64_C(512) /* bf16 of a tile */
#define PIECES 3

/* Pieces of 16 floats, each in the upper half of its lane; what is below it is not cleared in the
 * last one. */
ALWAYS void split(vf x, int n_pieces, vu piece[PIECES])
{
    for (int p = 0; p < n_pieces; p++) {
        const bool is_rounded = p == 0 || n_pieces < PIECES;
        piece[p] = (vu)x + (is_rounded ? 0x8000u : 0u);
        if (p + 1 == n_pieces)
            return;
        piece[p] &= 0xffff0000u;
        x -= (vf)piece[p];
    }
}

/* Lane by lane, the upper 16 bits of two. */
ALWAYS __m512i pairs(vu first, vu second)
{
    const __m512i upper = _mm512_set4_epi32(0x0f0e0f0e, 0x0b0a0b0a, 0x07060706, 0x03020302);
    return _mm512_mask_shuffle_epi8((__m512i)second, 0x3333333333333333u, (__m512i)first, upper);
}

/* Lane by lane, the lower 16 bits of two. */
ALWAYS __m512i lower_pairs(vu first, vu second)
{
    return _mm512_mask_blend_epi16(0xaaaaaaaau, (__m512i)first, (__m512i)(second << 16));
}

/* How many tiles are kept of so many pieces of b's. */
static inline int64_t kept_of(int64_t n_pieces)
{
    return n_pieces < PIECES ? n_pieces : 2;
}

/* A row of what is kept of three pieces. */
ALWAYS void put_kept(uint16_t *to, vf first, vf second)
{
    _mm512_storeu_si512(to, pairs((vu)first + 0x8000u, (vu)second + 0x8000u));
    _mm512_storeu_si512(to + 2 * TILE, lower_pairs((vu)first, (vu)second));
}

/* The second and third piece of 16 floats, of the first one and the lower half, here the upper one
 * of a lane. A first piece that was rounded up is 2^16 too much, which a lower half with a sign
 * takes back. */
ALWAYS void split_rest(vu first, vu lower, vu piece[2])
{
    const vu number = first + (vu)((vi)lower >> 16);
    const vf rest = (vf)number - (vf)first;
    piece[0] = (vu)rest & 0xffff0000u;
    piece[1] = (vu)(rest - (vf)piece[0]);
}

/* A row of both pieces' tiles, of a row of what was kept. */
ALWAYS void put_rest(uint16_t *to, const uint16_t *kept)
{
    const vu first = (vu)_mm512_loadu_si512(kept), lower = (vu)_mm512_loadu_si512(kept + 2 * TILE);
    vu low[2], high[2];
    split_rest(first << 16, lower << 16, low);
    split_rest(first & 0xffff0000u, lower, high);
    _mm512_storeu_si512(to, pairs(low[0], high[0]));
    _mm512_storeu_si512(to + 2 * TILE, pairs(low[1], high[1]));
}
#endif
