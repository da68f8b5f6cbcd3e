/* block.h -- 32 x 32 sums of a product in the matrix unit's registers.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Step by step of k, of the pieces of a and b those products that a float's 24 bits can tell: the
 * piece i of a with the piece j of b where i + j <= 4, the small ones first. (The three that are
 * left out are below 2^-24 of the whole. Of floats taken to 16 bits, two pieces: i + j <= 3.) A
 * number's bits follow from its row and column alone: each tile instruction adds, in the order of
 * k, to every sum by itself. A piece that is not there would be zeros and add nothing, so a matrix
 * that needs fewer gives the same bits.
 *
 * Registers: 0-3 sums, 4 and 5 the halves of a, 6 and 7 those of b; operands are loaded when a
 * piece changes: 14 tiles for 24 products where both have three pieces. Under the products of a
 * step b's second and third piece for the step after it are made: vectors are idle meanwhile, and
 * b comes as 4 bytes for 6, which is what few rows wait for. */
#ifndef K_AMX_BLOCK_H
#define K_AMX_BLOCK_H
#include "kernels/cpu/fast/amx/band.h"

/* How many products of pieces a step has. */
static inline int64_t products_of(int64_t a_pieces, int64_t b_pieces)
{
    const int64_t of[PIECES][PIECES] = { { 1 }, { 2, 3 }, { 3, 5, 6 } };
    return of[a_pieces - 1][b_pieces - 1];
}

#define REST (4 * TILE) /* bf16 of a step's second and third piece */

typedef struct block {
    const uint16_t *a, *b; /* bands */
    int64_t n_steps;
    float *sums;
    int64_t ld;
    bool is_begun; /* else sums are from 0 */
    /* what is needed next is fetched meanwhile: of b, so many lines of 64 bytes under each product;
     * of c, the rows where the block after this one puts its sums, two lines of each */
    const char *next;
    int64_t n_lines;
    const char *next_c;
    int64_t n_c_rows, c_row; /* c_row: bytes from one to the next */
    /* where b has three pieces: the band of the block after this one, room for the rest of two
     * steps, which take turns, and the step whose rest is in the first */
    const uint16_t *next_b;
    uint16_t *rest[2];
    const uint16_t *ready;
} block;

ALWAYS void load_sums(const block *t, bool is_whole)
{
    const size_t row = (size_t)t->ld * sizeof(float);
    if (!t->is_begun) {
        _tile_zero(0);
        _tile_zero(1);
        _tile_zero(2);
        _tile_zero(3);
        return;
    }
    _tile_loadd(0, t->sums, row);
    _tile_loadd(1, t->sums + HALF, row);
    if (is_whole) {
        _tile_loadd(2, t->sums + HALF * t->ld, row);
        _tile_loadd(3, t->sums + HALF * t->ld + HALF, row);
    }
}

ALWAYS void store_sums(const block *t, bool is_whole)
{
    const size_t row = (size_t)t->ld * sizeof(float);
    _tile_stored(0, t->sums, row);
    _tile_stored(1, t->sums + HALF, row);
    if (is_whole) {
        _tile_stored(2, t->sums + HALF * t->ld, row);
        _tile_stored(3, t->sums + HALF * t->ld + HALF, row);
    }
}

ALWAYS void load_a(const uint16_t *a, int64_t piece, bool is_whole)
{
    _tile_loadd(4, a + (piece - 1) * (2 * TILE), 64);
    if (is_whole)
        _tile_loadd(5, a + (piece - 1) * (2 * TILE) + TILE, 64);
}

ALWAYS void load_b(const uint16_t *b)
{
    _tile_loadd(6, b, 64);
    _tile_loadd(7, b + TILE, 64);
}

/* The rest of a step of b: of its tiles' rows the share-th of n_shares. */
ALWAYS void make_rest(const uint16_t *b, uint16_t *rest, int64_t share, int64_t n_shares)
{
    for (int64_t row = LINES * share / n_shares; row < LINES * (share + 1) / n_shares; row++)
        put_rest(rest + row * 2 * HALF, b + row * 2 * HALF);
}

/* The products of two pieces, the pass-th of a step; under each, a part of the next one's rest. */
ALWAYS void add_pieces(bool is_whole, bool has_rest, const uint16_t *next, uint16_t *rest,
                       int64_t pass)
{
    const int64_t n = is_whole ? 24 : 12, done = is_whole ? 4 * pass : 2 * pass;
    _tile_dpbf16ps(0, 4, 6);
    if (has_rest)
        make_rest(next, rest, done, n);
    _tile_dpbf16ps(1, 4, 7);
    if (has_rest)
        make_rest(next, rest, done + 1, n);
    if (!is_whole)
        return;
    _tile_dpbf16ps(2, 5, 6);
    if (has_rest)
        make_rest(next, rest, done + 2, n);
    _tile_dpbf16ps(3, 5, 7);
    if (has_rest)
        make_rest(next, rest, done + 3, n);
}

/* is_whole: all 32 rows, else the first 16. */
ALWAYS void add_products(int64_t a_pieces, int64_t b_pieces, bool is_whole, block *t)
{
    static const int64_t order[][2] = {
        { 3, 1 }, { 2, 1 }, { 2, 2 }, { 1, 2 }, { 1, 3 }, { 1, 1 }
    };
    const bool has_rest = b_pieces == PIECES;
    const uint16_t *a = t->a, *b = t->b;
    uint16_t *rest = t->rest[0], *next_rest = t->rest[1];
    load_sums(t, is_whole);
    const char *next = t->next, *next_c = t->next_c;
    int64_t c_rows = t->n_c_rows;
    const int64_t n = products_of(a_pieces, b_pieces) * t->n_steps,
                  c_each = n > 0 ? (c_rows + n - 1) / n : 0;
    if (has_rest && t->ready != b)
        make_rest(b, rest, 0, 1);
    for (int64_t step = 0; step < t->n_steps; step++) {
        const uint16_t *next_b =
            step + 1 < t->n_steps ? b + kept_of(b_pieces) * (2 * TILE) : t->next_b;
        int64_t in_a = 0, in_b = 0;
#pragma GCC unroll 6
        for (int i = 0; i < 6; i++) {
            if (order[i][0] > a_pieces || order[i][1] > b_pieces ||
                order[i][0] + order[i][1] > a_pieces + 1)
                continue;
            if (order[i][0] != in_a)
                load_a(a, in_a = order[i][0], is_whole);
            if (order[i][1] != in_b) {
                in_b = order[i][1];
                load_b(has_rest && in_b > 1 ? rest + (in_b - 2) * (2 * TILE)
                                            : b + (in_b - 1) * (2 * TILE));
            }
            add_pieces(is_whole, has_rest, next_b, next_rest, i);
            for (int64_t line = 0; line < t->n_lines; line++, next += 64)
                _mm_prefetch(next, _MM_HINT_T1);
            for (int64_t r = 0; r < c_each && c_rows > 0; r++, c_rows--, next_c += t->c_row) {
                __builtin_prefetch(next_c, 1);
                __builtin_prefetch(next_c + 64, 1);
            }
        }
        a += a_pieces * (2 * TILE);
        b = next_b;
        uint16_t *done = rest;
        rest = next_rest;
        next_rest = done;
    }
    store_sums(t, is_whole);
    t->rest[0] = rest;
    t->rest[1] = next_rest;
    t->ready = b;
}

ALWAYS void of_rows(int64_t a_pieces, int64_t b_pieces, bool is_whole, block *t)
{
    if (is_whole)
        add_products(a_pieces, b_pieces, true, t);
    else
        add_products(a_pieces, b_pieces, false, t);
}

/* Of the numbers of pieces there are: 3 and 3, 2 or 1; 2 and 2 or 1; 1 and 1. */
static inline void run_block(int64_t a_pieces, int64_t b_pieces, bool is_whole, block *t)
{
    if (a_pieces == 1)
        of_rows(1, 1, is_whole, t);
    else if (a_pieces == 2 && b_pieces == 1)
        of_rows(2, 1, is_whole, t);
    else if (a_pieces == 2)
        of_rows(2, 2, is_whole, t);
    else if (b_pieces == 1)
        of_rows(3, 1, is_whole, t);
    else if (b_pieces == 2)
        of_rows(3, 2, is_whole, t);
    else
        of_rows(3, 3, is_whole, t);
}
#endif
