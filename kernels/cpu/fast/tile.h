/* tile.h -- the product of a few rows with a few vectors of columns, held in registers: what every
 * matrix product and attention are made of. SPDX-License-Identifier: Apache-2.0
 *
 * c[i, j] = init[i, j] + sum_k a(i, k) b(k, j), one fused multiply-add per k, in the order of k,
 * whatever the size of the tile. So an element of a product has the same bits in any tile, among
 * any number of rows, on any thread.
 *
 * a: in one of three layouts; at most AK of k at a time where it is in scratch.   b: row k begins
 * at b + k * ldb; vector v of it is at (v/2) * pair + (v%2) * VL (packed panels are two vectors
 * wide, `pair` apart).   init, c: rows are ldi and ldc apart; ldi 0 repeats one row (a bias, or
 * zeroes). */
#ifndef K_FAST_TILE_H
#define K_FAST_TILE_H
#include "kernels/cpu/fast/level.h"

#if VL == 16
#define MR 12L /* of 32 registers: 24 sums, 2 of b, 1 of a */
#else
#define MR 6L /* of 16: 12 sums, 2 of b, 1 of a */
#endif
#define MAX_NV 8 /* vectors of columns in one tile */
#define NR (2 * VL)
#define AK INT64_C(256)

typedef enum a_layout {
    A_ROWS, /* a(i, k) = a[i * lda + k] */
    A_TILE, /* a(i, k) = a[k * rows of the tile + i] */
    A_COLS, /* a(i, k) = a[k * AK + i] */
} a_layout;

/* What lies in memory where a float could: */
typedef enum slot_kind {
    SLOT_FLOAT, /* a float */
    SLOT_PAIR,  /* in b two bf16, of k and k+1: widened here; a's are floats, 2 n_k of them in a row
                   (A_ROWS only) */
    SLOT_HALF,  /* the same of F16, which b has in rows: those of k, then those of k+1 */
    SLOT_DOT,   /* in a and b two bf16: for the dot product instruction */
    SLOT_BF16,  /* in b one bf16, in slots of two bytes, widened here; a's are floats */
} slot_kind;

#if defined(__AVX512BF16__)
#define HAS_DOT 1
ALWAYS vf v_dot(vf a, vf b, vf c)
{
    return (vf)_mm512_dpbf16_ps((__m512)c, (__m512bh)a, (__m512bh)b);
}
#else
#define HAS_DOT 0
ALWAYS vf v_dot(vf a, vf b, vf c)
{
    (void)a, (void)b;
    return c; /* SLOT_DOT is not used at this level */
}
#endif

/* VL numbers of F16; where the level has none (HAS_HALF), nothing is packed so. */
#if VL == 16
#define HAS_HALF 1
ALWAYS vf v_of_halves(const float *p)
{
    return (vf)_mm512_cvtph_ps(_mm256_loadu_si256((const __m256i_u *)p));
}
#else
#define HAS_HALF 0
ALWAYS vf v_of_halves(const float *p)
{
    return v_load(p);
}
#endif

typedef struct tile_args {
    const float *a, *b, *init;
    float *c;
    float *kept; /* of one that keeps b: [k][NR] floats, for the tiles after it */
    int64_t n_k, lda, ldb, pair, ldi, ldc; /* lda: of A_ROWS. ldb: in slots */
    const void *const *ahead; /* lines of memory that will be wanted soon: fetched meanwhile, */
    int64_t n_ahead, every;   /* one each `every` of k */
} tile_args;
typedef void tile_fn(const tile_args *t);

/* One k: a column of a times a row of b. a: every third row's, for an address can be a pointer plus
 * once or twice lda: a pointer for each would not stay in registers. */
ALWAYS void tile_step(const slot_kind kind, const int mr, const int nv, const float *const a[4],
                      const int64_t ai, const float *b, int64_t pair, float *const kept,
                      const bool keeps, vf sum[][MAX_NV])
{
    vf column[MAX_NV];
#pragma GCC unroll 16
    for (int v = 0; v < nv; v++) {
        column[v] =
            kind == SLOT_BF16 ? v_get(K_BF16, b, v * VL) : v_load(b + v / 2 * pair + v % 2 * VL);
        if (keeps)
            v_store(kept + v * VL, column[v]);
    }
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++) {
        const vf x = v_set(a[i / 3][i % 3 * ai]);
#pragma GCC unroll 16
        for (int v = 0; v < nv; v++)
            sum[i][v] =
                kind == SLOT_DOT ? v_dot(x, column[v], sum[i][v]) : v_fma(x, column[v], sum[i][v]);
    }
}

/* Two k, whose numbers in b take two bytes. */
ALWAYS void tile_step_of_pairs(const slot_kind kind, const int mr, const int nv,
                               const float *const a[4], const int64_t ai, const float *b,
                               int64_t pair, float *const kept, const bool keeps, vf sum[][MAX_NV])
{
#pragma GCC unroll 16
    for (int v = 0; v < nv; v++) {
        const float *panel = b + v / 2 * pair;
        vf even, odd;
        if (kind == SLOT_HALF) {
            even = v_of_halves(panel + v % 2 * VL / 2);
            odd = v_of_halves(panel + NR / 2 + v % 2 * VL / 2);
        } else {
            const vu both = (vu)v_load(panel + v % 2 * VL);
            even = (vf)(both << 16);
            odd = (vf)(both & 0xffff0000u);
        }
        if (keeps) {
            v_store(kept + v * VL, even);
            v_store(kept + NR + v * VL, odd);
        }
#pragma GCC unroll 16
        for (int i = 0; i < mr; i++) {
            sum[i][v] = v_fma(v_set(a[i / 3][i % 3 * ai]), even, sum[i][v]);
            sum[i][v] = v_fma(v_set(a[i / 3][i % 3 * ai + 1]), odd, sum[i][v]);
        }
    }
}

/* Sums that are used stay in registers. */
ALWAYS void tile_begin(const int mr, const int nv, const tile_args *t, vf sum[][MAX_NV])
{
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 16
        for (int v = 0; v < nv; v++)
            sum[i][v] = v_load(t->init + i * t->ldi + v * VL);
}

ALWAYS void tile_end(const int mr, const int nv, const tile_args *t, vf sum[][MAX_NV])
{
#pragma GCC unroll 16
    for (int i = 0; i < mr; i++)
#pragma GCC unroll 16
        for (int v = 0; v < nv; v++)
            v_store(t->c + i * t->ldc + v * VL, sum[i][v]);
}

/* Moves the pointers of every third row, each a little further than the one before. */
ALWAYS void tile_move(const int mr, const float *a[4], int64_t by, int64_t further)
{
#pragma GCC unroll 4
    for (int i = 0; 3 * i < mr; i++)
        a[i] += by + i * further;
}

/* One that keeps b (nv 2) stores what it loads of it beside the multiplications, which leave room
 * for that: bringing b into form costs hardly any time of its own. */
ALWAYS void tile(const slot_kind kind, const a_layout layout, const int mr, const int nv,
                 const bool keeps, const tile_args *t)
{
    const bool is_of_two = kind == SLOT_PAIR || kind == SLOT_HALF;
    const int64_t ai = layout == A_ROWS ? t->lda : 1, ak = layout == A_ROWS   ? 1
                                                           : layout == A_TILE ? mr
                                                                              : AK;
    const float *a[4] = { t->a, t->a, t->a, t->a }, *b = t->b;
    tile_move(mr, a, 0, 3 * ai);
    float *kept = t->kept;
    vf sum[MR][MAX_NV];
    tile_begin(mr, nv, t, sum);
    const void *const *ahead = t->ahead;
    int64_t due = t->n_ahead > 0 ? 0 : t->n_k;
    for (int64_t k = 0; k < t->n_k; k++) {
        if (k == due) {
            __builtin_prefetch(*ahead++);
            due = ahead < t->ahead + t->n_ahead ? due + t->every : t->n_k;
        }
        if (is_of_two)
            tile_step_of_pairs(kind, mr, nv, a, ai, b, t->pair, kept, keeps, sum);
        else
            tile_step(kind, mr, nv, a, ai, b, t->pair, kept, keeps, sum);
        tile_move(mr, a, is_of_two ? 2 * ak : ak, 0);
        b = at(kind == SLOT_BF16 ? K_BF16 : K_F32, b, t->ldb);
        if (keeps)
            kept += is_of_two ? 2 * NR : NR;
    }
    tile_end(mr, nv, t, sum);
}

#endif
