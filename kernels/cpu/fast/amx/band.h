/* band.h -- 32 lines (rows of a, columns of b) of a product's operands, as the matrix unit wants
 * them. SPDX-License-Identifier: Apache-2.0
 *
 * A band goes through k in steps of 32, of a piece at a time two halves of 16 lines, each one tile
 * of 16 rows of 64 bytes:
 *
 *     a: row i, pair q: line i, k = q and q + 16        b: row q, pair j: line j, the same
 *
 * So a tile is [16][16] pairs of k, and the one form is the other turned. The unit takes pairs in
 * their order whatever their k; these are made of two vectors by one instruction. Lines and k that
 * are not there are zeros. Of b, what is kept of the pieces (pieces.h) has such tiles. */
#ifndef K_AMX_BAND_H
#define K_AMX_BAND_H
#include "kernels/cpu/fast/amx/pieces.h"

#define LINES INT64_C(32) /* of a band */
#define HALF INT64_C(16)  /* of them: of a tile */
#define DEPTH INT64_C(32) /* k of a step */

typedef enum band_form { BAND_A, BAND_B } band_form;

/* Where lines come from: number (line, k) is at line * ld + k, or by_k: at k * ld + line. */
typedef struct lines {
    k_type type;
    const void *from;
    int64_t ld, n_lines, n_k; /* there are so many in all */
    bool by_k;
} lines;

/* Where number `i` of row `j` is, and how many of `n` numbers from there on are there. */
typedef struct run {
    int64_t at, n;
} run;

ALWAYS run run_at(const lines *l, int64_t j, int64_t i, int64_t n)
{
    const int64_t rows = l->by_k ? l->n_k : l->n_lines, left = (l->by_k ? l->n_lines : l->n_k) - i;
    if (j >= rows || left <= 0)
        return (run){ 0, 0 };
    return (run){ j * l->ld + i, left < n ? left : n };
}

/* 16 numbers from `i` of row `j` on (a line, or a k), those that are there: is_whole, all. */
ALWAYS vf floats_at(const lines *l, bool is_whole, int64_t j, int64_t i)
{
    if (is_whole)
        return v_load((const float *)l->from + j * l->ld + i);
    const run r = run_at(l, j, i, VL);
    return r.n == 0 ? v_set(0) : v_read(K_F32, l->from, r.at, r.at + r.n);
}

/* Of 32 in a row, or of 16 and 16 more, pairs. */
ALWAYS __m512i pair_up(__m512i x)
{
    const __m512i by_turns =
        (__m512i)(vu){ 0x100000, 0x110001, 0x120002, 0x130003, 0x140004, 0x150005,
                       0x160006, 0x170007, 0x180008, 0x190009, 0x1a000a, 0x1b000b,
                       0x1c000c, 0x1d000d, 0x1e000e, 0x1f000f };
    return _mm512_permutexvar_epi16(by_turns, x);
}

/* The pairs of 32 k of one line. */
ALWAYS __m512i line_of_bf16(const lines *l, bool is_whole, int64_t line, int64_t k)
{
    const uint16_t *from = l->from;
    if (is_whole)
        return pair_up(_mm512_loadu_si512(from + line * l->ld + k));
    const run r = run_at(l, line, k, DEPTH);
    return pair_up(_mm512_maskz_loadu_epi16((__mmask32)((UINT64_C(1) << r.n) - 1), from + r.at));
}

/* 16 lines of one k. */
ALWAYS __m256i lines_of_bf16(const lines *l, bool is_whole, int64_t k, int64_t line)
{
    const uint16_t *from = l->from;
    if (is_whole)
        return _mm256_loadu_si256((const __m256i *)(from + k * l->ld + line));
    const run r = run_at(l, k, line, HALF);
    return _mm256_maskz_loadu_epi16((__mmask16)((1u << r.n) - 1), from + r.at);
}

/* A pair of 16 lines. */
ALWAYS __m512i pair_of_bf16(const lines *l, bool is_whole, int64_t k, int64_t line)
{
    return pair_up(_mm512_inserti64x4(_mm512_castsi256_si512(lines_of_bf16(l, is_whole, k, line)),
                                      lines_of_bf16(l, is_whole, k + HALF, line), 1));
}

/* 16 x 16 lanes: rows become columns. */
ALWAYS void turn(__m512i r[HALF])
{
    __m512i s[HALF];
    for (int i = 0; i < HALF; i += 2) {
        s[i] = _mm512_unpacklo_epi32(r[i], r[i + 1]);
        s[i + 1] = _mm512_unpackhi_epi32(r[i], r[i + 1]);
    }
    for (int i = 0; i < HALF; i += 4)
        for (int j = 0; j < 2; j++) {
            r[i + 2 * j] = _mm512_unpacklo_epi64(s[i + j], s[i + j + 2]);
            r[i + 2 * j + 1] = _mm512_unpackhi_epi64(s[i + j], s[i + j + 2]);
        }
    for (int i = 0; i < 4; i++) {
        s[i] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0x88);
        s[i + 4] = _mm512_shuffle_i32x4(r[i], r[i + 4], 0xdd);
        s[i + 8] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0x88);
        s[i + 12] = _mm512_shuffle_i32x4(r[i + 8], r[i + 12], 0xdd);
    }
    for (int i = 0; i < 8; i++) {
        r[i] = _mm512_shuffle_i32x4(s[i], s[i + 8], 0x88);
        r[i + 8] = _mm512_shuffle_i32x4(s[i], s[i + 8], 0xdd);
    }
}

/* One half of one step: its tile. */
ALWAYS void fill_bf16(band_form form, uint16_t *to, const lines *l, bool is_whole, int64_t line,
                      int64_t k)
{
    if (form == BAND_A && !l->by_k) {
        const int64_t n = min64(HALF, l->n_lines - line);
        for (int64_t i = 0; i < n; i++)
            _mm512_storeu_si512(to + 2 * HALF * i, line_of_bf16(l, is_whole, line + i, k));
        return;
    }
    __m512i rows[HALF];
    for (int64_t i = 0; i < HALF; i++)
        rows[i] = l->by_k ? pair_of_bf16(l, is_whole, k + i, line)
                          : line_of_bf16(l, is_whole, line + i, k);
    if (l->by_k == (form == BAND_A))
        turn(rows);
    for (int64_t i = 0; i < HALF; i++)
        _mm512_storeu_si512(to + 2 * HALF * i, rows[i]);
}

/* A row of each piece's tile. */
ALWAYS void put_pieces(band_form form, int n_pieces, uint16_t *to, vf first, vf second)
{
    vu low[PIECES], high[PIECES];
    if (form == BAND_B && n_pieces == PIECES) {
        put_kept(to, first, second);
        return;
    }
    split(first, n_pieces, low);
    split(second, n_pieces, high);
    for (int p = 0; p < n_pieces; p++)
        _mm512_storeu_si512(to + p * (2 * TILE), pairs(low[p], high[p]));
}

/* One half of one step of floats that lie as the tile wants them, each piece's tile 2 TILE after
 * the one before. Of a, lines that are not there are left as they were: nobody reads their sums. */
ALWAYS void fill_straight(band_form form, int n_pieces, uint16_t *to, const lines *l, bool is_whole,
                          int64_t line, int64_t k)
{
    const int64_t n = form == BAND_A ? min64(HALF, l->n_lines - line) : HALF;
    for (int64_t i = 0; i < n; i++, to += 2 * HALF)
        if (form == BAND_A)
            put_pieces(form, n_pieces, to, floats_at(l, is_whole, line + i, k),
                       floats_at(l, is_whole, line + i, k + HALF));
        else
            put_pieces(form, n_pieces, to, floats_at(l, is_whole, k + i, line),
                       floats_at(l, is_whole, k + HALF + i, line));
}

/* The same of floats that must be turned: before they are split, for there are fewer of them than
 * of pieces. */
ALWAYS void fill_turned(band_form form, int n_pieces, uint16_t *to, const lines *l, bool is_whole,
                        int64_t line, int64_t k)
{
    __m512i first[HALF], second[HALF];
    for (int64_t i = 0; i < HALF; i++)
        first[i] = (__m512i)(form == BAND_A ? floats_at(l, is_whole, k + i, line)
                                            : floats_at(l, is_whole, line + i, k));
    turn(first);
    for (int64_t i = 0; i < HALF; i++)
        second[i] = (__m512i)(form == BAND_A ? floats_at(l, is_whole, k + HALF + i, line)
                                             : floats_at(l, is_whole, line + i, k + HALF));
    turn(second);
    for (int64_t i = 0; i < HALF; i++, to += 2 * HALF)
        put_pieces(form, n_pieces, to, (vf)first[i], (vf)second[i]);
}

ALWAYS void fill_step(band_form form, int n_pieces, uint16_t *to, const lines *l, bool is_whole,
                      int64_t line, int64_t k)
{
    for (int64_t half = 0; half < 2; half++, line += HALF, to += TILE)
        if (l->type == K_BF16)
            fill_bf16(form, to, l, is_whole, line, k);
        else if (l->by_k == (form == BAND_B))
            fill_straight(form, n_pieces, to, l, is_whole, line, k);
        else
            fill_turned(form, n_pieces, to, l, is_whole, line, k);
}

/* What is filled: n_bands from `line` on, n_steps from `k` on; a band begins band_steps steps after
 * the one before. */
typedef struct stretch {
    int64_t line, n_bands, k, n_steps, band_steps;
} stretch;

ALWAYS void fill_one(band_form form, int n_pieces, uint16_t *to, const lines *l, const stretch *s,
                     int64_t band, int64_t step)
{
    const int64_t line = s->line + band * LINES, k = s->k + step * DEPTH;
    to += (band * s->band_steps + step) * (form == BAND_B ? kept_of(n_pieces) : n_pieces) *
          (2 * TILE);
    const bool has_lines = line + LINES <= l->n_lines || (form == BAND_A && !l->by_k);
    if (has_lines && k + DEPTH <= l->n_k)
        fill_step(form, n_pieces, to, l, true, line, k);
    else
        fill_step(form, n_pieces, to, l, false, line, k);
}

/* In the order in which it is read from. */
ALWAYS void fill_known(band_form form, k_type type, bool by_k, int n_pieces, uint16_t *to,
                       const lines *l, const stretch *s)
{
    lines known = *l;
    known.type = type;
    known.by_k = by_k;
    if (by_k) {
        for (int64_t step = 0; step < s->n_steps; step++)
            for (int64_t band = 0; band < s->n_bands; band++)
                fill_one(form, n_pieces, to, &known, s, band, step);
        return;
    }
    for (int64_t band = 0; band < s->n_bands; band++)
        for (int64_t step = 0; step < s->n_steps; step++)
            fill_one(form, n_pieces, to, &known, s, band, step);
}

ALWAYS void fill_typed(band_form form, k_type type, int n_pieces, uint16_t *to, const lines *l,
                       const stretch *s)
{
    if (l->by_k)
        fill_known(form, type, true, n_pieces, to, l, s);
    else
        fill_known(form, type, false, n_pieces, to, l, s);
}

/* [n_bands][band_steps][n_pieces][2] tiles, of which n_steps steps are written. */
ALWAYS void fill_bands(band_form form, int n_pieces, uint16_t *to, const lines *l, const stretch *s)
{
    if (l->type == K_BF16)
        fill_typed(form, K_BF16, 1, to, l, s);
    else if (n_pieces == 1)
        fill_typed(form, K_F32, 1, to, l, s);
    else if (n_pieces == 2)
        fill_typed(form, K_F32, 2, to, l, s);
    else
        fill_typed(form, K_F32, PIECES, to, l, s);
}
#endif
