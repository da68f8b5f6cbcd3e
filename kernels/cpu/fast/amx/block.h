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

/* What is needed next, fetched under the products: of b, so many lines of 64 bytes under each; of
 * c, the rows where the block after this one puts its sums, so many under each. */
typedef struct fetching {
    const char *b, *c;
    int64_t n_lines, n_rows, rows_each;
    int64_t c_row; /* bytes from one to the next */
} fetching;

/* Both return what comes after. */
ALWAYS const char *fetch_lines(const char *p, int64_t n)
{
    for (int64_t i = 0; i < n; i++, p += 64)
        _mm_prefetch(p, _MM_HINT_T1);
    return p;
}

ALWAYS const char *fetch_rows(const char *p, int64_t n, int64_t row)
{
    for (int64_t i = 0; i < n; i++, p += row) {
        __builtin_prefetch(p, 1);
        __builtin_prefetch(p + 64, 1);
    }
    return p;
}

typedef struct block {
    const uint16_t *a, *b; /* bands */
    int64_t n_steps;
    float *sums;
    int64_t ld;
    bool is_begun; /* else sums are from 0 */
    fetching next;
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

/* Where a piece of a step of b is. */
ALWAYS const uint16_t *tiles_of(const uint16_t *b, const uint16_t *rest, int64_t n_pieces,
                                int64_t piece)
{
    return n_pieces == PIECES && piece > 1 ? rest + (piece - 2) * (2 * TILE)
                                           : b + (piece - 1) * (2 * TILE);
}

ALWAYS void load_b(const uint16_t *b)
{
    _tile_loadd(6, b, 64);
    _tile_loadd(7, b + TILE, 64);
}

/* What a step works on, and how far fetching has come. */
typedef struct progress {
    const uint16_t *a, *b, *rest; /* rest: where b has three pieces */
    const uint16_t *next_b;       /* the step after this one, and where its rest is made */
    uint16_t *next_rest;
    const char *fetch_b, *fetch_c;
    int64_t rows_left;
    int64_t in_a, in_b; /* the pieces in registers */
} progress;

/* The rest of a row of the next step's tiles. */
ALWAYS void make_rest(const progress *s, int64_t row)
{
    put_rest(s->next_rest + row * 2 * HALF, s->next_b + row * 2 * HALF);
}

/* Under the i-th of a step's n products of tiles, 24 or 12, its share of the next one's rest. */
ALWAYS void make_share(const progress *s, int64_t i, int64_t n)
{
    const int64_t row = LINES * i / n, end = LINES * (i + 1) / n;
    make_rest(s, row);
    if (row + 1 < end)
        make_rest(s, row + 1);
    if (row + 2 < end)
        make_rest(s, row + 2);
}

/* The products of the pieces in the registers, the pass-th of a step. */
ALWAYS void add_pieces(bool is_whole, bool has_rest, int64_t pass, const progress *s)
{
    const int64_t n = is_whole ? 24 : 12, i = pass * (is_whole ? 4 : 2);
    _tile_dpbf16ps(0, 4, 6);
    if (has_rest)
        make_share(s, i, n);
    _tile_dpbf16ps(1, 4, 7);
    if (has_rest)
        make_share(s, i + 1, n);
    if (!is_whole)
        return;
    _tile_dpbf16ps(2, 5, 6);
    if (has_rest)
        make_share(s, i + 2, n);
    _tile_dpbf16ps(3, 5, 7);
    if (has_rest)
        make_share(s, i + 3, n);
}

/* Piece i of a with piece j of b, unless there are none, or it is too small. */
ALWAYS void add_product(int64_t i, int64_t j, int64_t pass, int64_t a_pieces, int64_t b_pieces,
                        bool is_whole, const fetching *next, progress *s)
{
    if (i > a_pieces || j > b_pieces || i + j > a_pieces + 1)
        return;
    if (i != s->in_a)
        load_a(s->a, i, is_whole);
    if (j != s->in_b)
        load_b(tiles_of(s->b, s->rest, b_pieces, j));
    s->in_a = i;
    s->in_b = j;
    add_pieces(is_whole, b_pieces == PIECES, pass, s);
    s->fetch_b = fetch_lines(s->fetch_b, next->n_lines);
    s->fetch_c = fetch_rows(s->fetch_c, min64(s->rows_left, next->rows_each), next->c_row);
    s->rows_left -= next->rows_each;
}

/* is_whole: all 32 rows, else the first 16. The products of a step are written out, for what they
 * load and make has to be known when this is compiled. */
ALWAYS void add_products(int64_t a_pieces, int64_t b_pieces, bool is_whole, block *t)
{
    const fetching next = t->next;
    progress s = { .b = t->b, .fetch_b = next.b, .fetch_c = next.c, .rows_left = next.n_rows };
    load_sums(t, is_whole);
    if (b_pieces == PIECES && t->ready != t->b) {
        s.next_b = t->b;
        s.next_rest = t->rest[0];
        for (int64_t row = 0; row < LINES; row++)
            make_rest(&s, row);
    }
    for (int64_t k = 0; k < t->n_steps; k++) {
        s.a = t->a + k * a_pieces * (2 * TILE);
        s.rest = t->rest[k % 2];
        s.next_rest = t->rest[(k + 1) % 2];
        s.next_b = k + 1 < t->n_steps ? s.b + kept_of(b_pieces) * (2 * TILE) : t->next_b;
        s.in_a = s.in_b = 0;
        add_product(3, 1, 0, a_pieces, b_pieces, is_whole, &next, &s);
        add_product(2, 1, 1, a_pieces, b_pieces, is_whole, &next, &s);
        add_product(2, 2, 2, a_pieces, b_pieces, is_whole, &next, &s);
        add_product(1, 2, 3, a_pieces, b_pieces, is_whole, &next, &s);
        add_product(1, 3, 4, a_pieces, b_pieces, is_whole, &next, &s);
        add_product(1, 1, 5, a_pieces, b_pieces, is_whole, &next, &s);
        s.b = s.next_b;
    }
    store_sums(t, is_whole);
    t->next.b = s.fetch_b;
    t->ready = s.b;
    if (t->n_steps % 2) {
        uint16_t *first = t->rest[0];
        t->rest[0] = t->rest[1];
        t->rest[1] = first;
    }
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
