/* pack.c -- a matrix that is used many times, brought into bands once (pack.h).
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cpu/fast/amx/pack.h"

#define MARK 64 /* bytes behind packed bands: of how many pieces they are */

typedef struct filling {
    const lines *from;
    uint16_t *to;
    int n_pieces;
} filling;

/* Bands, or where lines lie by k steps, from `begin` on. */
static void fill_some(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const filling *a = arg;
    const int64_t n_steps = steps_of(a->from->n_k), step = 2 * TILE * kept_of(a->n_pieces);
    stretch s = { .n_bands = bands_of(a->from->n_lines),
                  .n_steps = n_steps,
                  .band_steps = n_steps };
    uint16_t *to = a->to;
    if (a->from->by_k) {
        s.k = begin * DEPTH;
        s.n_steps = end - begin;
        to += begin * step;
    } else {
        s.line = begin * LINES;
        s.n_bands = end - begin;
        to += begin * n_steps * step;
    }
    fill_bands(BAND_B, a->n_pieces, to, a->from, &s);
}

void LEVEL(k_product_fill)(const fast_device *dev, int n_pieces, const lines *b, uint16_t *to)
{
    filling a = { .from = b, .n_pieces = n_pieces };
    const int64_t n_bands = bands_of(b->n_lines), n_steps = steps_of(b->n_k),
                  n = b->by_k ? n_steps : n_bands, each = b->by_k ? n_bands : n_steps;
    a.to = to;
    k_fast_rows(dev, n, 1 + 16 / (each + 1), fill_some, &a);
}

/* Where the mark is: behind as many pieces as there may be. */
static size_t mark_at(k_type type, int64_t n, int64_t k)
{
    const int64_t n_kept = kept_of(type == K_BF16 ? 1 : PIECES);
    return (size_t)(bands_of(n) * steps_of(k) * n_kept * 2 * TILE) * sizeof(uint16_t);
}

size_t LEVEL(k_product_pack_bytes)(k_type type, int64_t n, int64_t k)
{
    return mark_at(type, n, k) + MARK;
}

int LEVEL(k_product_pieces)(k_type type, int64_t n, int64_t k, const void *packed)
{
    int n_pieces;
    memcpy(&n_pieces, (const char *)packed + mark_at(type, n, k), sizeof n_pieces);
    return n_pieces;
}

/* How many pieces these numbers need, at least `least`. */
static int pieces_of(const float *w, int64_t n, int least)
{
    vu left[PIECES] = { 0 };
    for (V_EACH(i, n)) {
        vu piece[PIECES];
        split(v_read(K_F32, w, i, n), PIECES, piece);
        for (int p = least; p < PIECES; p++)
            left[p] |= (piece[p] & 0xffff0000u) << 1; /* -0 is nothing */
    }
    for (int p = PIECES - 1; p >= least; p--)
        for (int v = 0; v < VL; v++)
            if (left[p][v])
                return p + 1;
    return least;
}

void LEVEL(k_product_pack)(fast_device *dev, k_type type, int64_t n, int64_t k, const void *w,
                           int64_t ldw, void *packed)
{
    const lines from = { .type = type, .from = w, .ld = ldw, .n_lines = n, .n_k = k };
    int n_pieces = 1;
    for (int64_t j = 0; type == K_F32 && j < n && n_pieces < PIECES; j++)
        n_pieces = pieces_of((const float *)w + j * ldw, k, n_pieces);
    memcpy((char *)packed + mark_at(type, n, k), &n_pieces, sizeof n_pieces);
    LEVEL(k_product_fill)(dev, n_pieces, &from, packed);
}
