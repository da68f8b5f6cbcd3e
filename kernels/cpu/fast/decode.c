/* decode.c -- attention of query rows that stand at one position, against keys[n,D] and values[n,D]
 * in tiles of a paged cache: what a token is decoded with. SPDX-License-Identifier: Apache-2.0
 *
 * The numbers of attention.c, in the same order for each of them: a score is one fused
 * multiply-add per dimension, the maximum runs on tile by tile, an output adds its keys one by one.
 * A single position is a handful of rows, too few to keep the multipliers busy a tile at a time; so
 * here the tiles of a stretch go side by side: all its scores, then its weights, then its sums,
 * which stay in registers. */
#include "kernels/cpu/fast/decode.h"

#include "kernels/cpu/fast/vmath.h"

#define TILES 16 /* of a stretch: AK scores of a row */
#define PER_TILE (KEYS / VL)
#define ROWS_AT_ONCE 4

_Static_assert(TILES *KEYS <= AK, "a row of scores");

typedef struct stretch {
    const float *k[TILES], *v[TILES]; /* [D][KEYS], [KEYS][D] */
    int64_t first, n_tiles, n_last;   /* n_last: keys of the last tile that are seen */
    int64_t dim;
} stretch;

/* ---- scores ---- */

ALWAYS void score_some(const int mr, const int nv, const float *q, const stretch *w, int64_t vector,
                       float *to)
{
    vf sum[ROWS_AT_ONCE][8];
    const float *k[8], *value[8];
    const int64_t last = w->n_tiles * PER_TILE - 1;
#pragma GCC unroll 8
    for (int v = 0; v < nv; v++) {
        const int64_t at = vector + v < last ? vector + v : last; /* behind the last: it again */
        k[v] = w->k[at / PER_TILE] + at % PER_TILE * VL;
        value[v / PER_TILE] = w->v[at / PER_TILE];
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            sum[i][v] = (vf){ 0 };
    }
    for (int64_t d = 0; d < w->dim; d++) {
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++) {
            const vf column = v_load(k[v] + d * KEYS);
            if (v % PER_TILE == 0)
                __builtin_prefetch(value[v / PER_TILE] + d * KEYS);
#pragma GCC unroll 4
            for (int i = 0; i < mr; i++)
                sum[i][v] = v_fma(v_set(q[i * AK + d]), column, sum[i][v]);
        }
    }
#pragma GCC unroll 8
    for (int v = 0; v < nv; v++)
#pragma GCC unroll 4
        for (int i = 0; i < mr; i++)
            if (vector + v <= last)
                v_store(to + i * AK + (vector + v) * VL, sum[i][v]);
}

/* Vectors beside each other: with those of all rows enough to hide the latency of a multiply-add,
 * and no more than there are registers for. */
#define BESIDE(mr) (VL == 16 ? ((mr) == 1 ? 8 : 4) : (mr) == 1 ? 4 : 2)

ALWAYS void score_rows(const int mr, const float *q, const stretch *w, float *to)
{
    const int nv = BESIDE(mr);
    for (int64_t v = 0; v < w->n_tiles * PER_TILE; v += nv)
        score_some(mr, nv, q, w, v, to);
}

/* ---- weights ---- */

/* One tile's scores to exp(s * scale - max), 0 behind the first n; their sum. The maximum runs on.
 */
ALWAYS float weigh_tile(float *s, int64_t n, float scale, float *max)
{
    static const float counts[2 * KEYS] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    const vf none = v_set(-__builtin_inff());
    vf x[PER_TILE], top = none, sum = { 0 };
    for (int v = 0; v < PER_TILE; v++) {
        const vi is_in = (vi)(v_load(counts + v * VL) < (float)n);
        x[v] = v_pick(is_in, v_load(s + v * VL) * scale, none);
        top = v_max(x[v], top);
    }
    const float highest = v_top(top);
    *max = highest > *max ? highest : *max;
    for (int v = 0; v < PER_TILE; v++) {
        const vf e = v_exp(x[v] - *max);
        v_store(s + v * VL, e);
        sum += e;
    }
    return v_sum(sum);
}

/* All of a row's. shrink[t]: what the sums before tile t are multiplied by. */
static void weigh(const stretch *w, float scale, float *s, float *shrink, float *max, float *sum)
{
    static const int32_t numbers[TILES] = { 0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15 };
    vi lanes;
    memcpy(&lanes, numbers, sizeof lanes);
    for (int64_t first = 0; first < w->n_tiles; first += VL) {
        const int64_t n = w->n_tiles - first < VL ? w->n_tiles - first : VL;
        vf before = { 0 }, after = { 0 };
        float sums[VL];
        for (int64_t i = 0; i < n; i++) {
            const int64_t t = first + i;
            const vi is_it = (vi)(lanes == (int32_t)i);
            before = v_pick(is_it, v_set(*max), before);
            sums[i] = weigh_tile(s + t * KEYS, t + 1 < w->n_tiles ? KEYS : w->n_last, scale, max);
            after = v_pick(is_it, v_set(*max), after);
        }
        v_store(shrink + first, v_pick((vi)(before == after), v_set(1), v_exp(before - after)));
        for (int64_t i = 0; i < n; i++)
            *sum = s_fma(*sum, shrink[first + i], sums[i]);
    }
}

/* ---- sums ---- */

/* The first n keys of a tile, one by one; meanwhile `ahead`, or NULL, is fetched. */
ALWAYS void add_keys(const int mr, const int nv, int64_t dim, int64_t n, const float *s,
                     const float *v_rows, const float *ahead, vf sum[][8])
{
    for (int64_t j = 0; j < n; j++, v_rows += dim) {
        for (int64_t i = 0; ahead && i < dim; i += 16)
            __builtin_prefetch(ahead + j * dim + i);
#pragma GCC unroll 4
        for (int64_t i = 0; i < mr; i++) {
            const vf p = v_set(s[i * AK + j]);
#pragma GCC unroll 8
            for (int v = 0; v < nv; v++)
                sum[i][v] = v_fma(p, v_load(v_rows + v * VL), sum[i][v]);
        }
    }
}

/* Under the sums of the first columns the keys that come next are fetched. */
ALWAYS void add_some(const int mr, const int nv, const stretch *w, const stretch *next,
                     const float *s, const float *shrink, float *o, int64_t column)
{
    vf sum[ROWS_AT_ONCE][8];
#pragma GCC unroll 4
    for (int64_t i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            sum[i][v] = v_load(o + i * w->dim + column + v * VL);
    for (int64_t t = 0; t < w->n_tiles; t++) {
#pragma GCC unroll 4
        for (int64_t i = 0; i < mr; i++)
#pragma GCC unroll 8
            for (int v = 0; v < nv; v++)
                sum[i][v] *= shrink[i * TILES + t];
        add_keys(mr, nv, w->dim, t + 1 < w->n_tiles ? KEYS : w->n_last, s + t * KEYS,
                 w->v[t] + column, next && t < next->n_tiles ? next->k[t] : NULL, sum);
    }
#pragma GCC unroll 4
    for (int64_t i = 0; i < mr; i++)
#pragma GCC unroll 8
        for (int v = 0; v < nv; v++)
            v_store(o + i * w->dim + column + v * VL, sum[i][v]);
}

ALWAYS void add_rows(const int mr, const stretch *w, const stretch *next, const float *s,
                     const float *shrink, float *o)
{
    const int nv = BESIDE(mr);
    int64_t column = 0;
    for (; column + nv * VL <= w->dim; column += nv * VL)
        add_some(mr, nv, w, column ? NULL : next, s, shrink, o, column);
    for (; column + 2 * VL <= w->dim; column += 2 * VL)
        add_some(mr, 2, w, column ? NULL : next, s, shrink, o, column);
    for (; column < w->dim; column += VL)
        add_some(mr, 1, w, column ? NULL : next, s, shrink, o, column);
}

/* ---- both ---- */

static void score(int64_t n, const float *q, const stretch *w, float *to)
{
    switch (n) {
    case 1:
        score_rows(1, q, w, to);
        break;
    case 2:
        score_rows(2, q, w, to);
        break;
    case 3:
        score_rows(3, q, w, to);
        break;
    default:
        score_rows(4, q, w, to);
    }
}

static void add(int64_t n, const stretch *w, const stretch *next, const float *s,
                const float *shrink, float *o)
{
    switch (n) {
    case 1:
        add_rows(1, w, next, s, shrink, o);
        break;
    case 2:
        add_rows(2, w, next, s, shrink, o);
        break;
    case 3:
        add_rows(3, w, next, s, shrink, o);
        break;
    default:
        add_rows(4, w, next, s, shrink, o);
    }
}

bool LEVEL(k_decodes)(const key_source *from)
{
    return from->table && keys_are_turned(from->block_size) && from->type == K_F32 &&
           from->padded == from->dim;
}

static void find_tiles(stretch *w, const key_source *from, int64_t first, int64_t last)
{
    w->first = first;
    w->n_tiles = (last - first) / KEYS + 1 < TILES ? (last - first) / KEYS + 1 : TILES;
    const int64_t left = last - (first + (w->n_tiles - 1) * KEYS) + 1;
    w->n_last = left < KEYS ? left : KEYS;
    for (int64_t t = 0; t < w->n_tiles; t++) {
        const int64_t p = first + t * KEYS,
                      at = paged_head(from, p) + p % from->block_size * from->dim;
        w->k[t] = (const float *)from->k + at;
        w->v[t] = (const float *)from->v + at;
    }
}

void LEVEL(k_decode)(const key_source *from, int64_t position, int64_t n_rows, const float *q,
                     float scale, float *o, float *sum, const key_source *next,
                     int64_t next_position)
{
    float s[ROWS_AT_ONCE * AK], shrink[ROWS_AT_ONCE * TILES], max[ROWS_AT_ONCE];
    stretch w = { .dim = from->dim }, ahead;
    if (next)
        find_tiles(&ahead, next, 0, next_position);
    for (int64_t row = 0, n; row < n_rows; row += n) {
        n = n_rows - row < ROWS_AT_ONCE ? n_rows - row : ROWS_AT_ONCE;
        memset(o + row * w.dim, 0, (size_t)(n * w.dim) * sizeof *o);
        for (int64_t i = 0; i < n; i++) {
            max[i] = -__builtin_inff();
            sum[row + i] = 0;
        }
        for (int64_t first = 0; first <= position; first += TILES * KEYS) {
            find_tiles(&w, from, first, position);
            score(n, q + row * AK, &w, s);
            for (int64_t i = 0; i < n; i++)
                weigh(&w, scale, s + i * AK, shrink + i * TILES, &max[i], &sum[row + i]);
            const bool is_last = first + TILES * KEYS > position && row + n == n_rows;
            add(n, &w, next && is_last ? &ahead : NULL, s, shrink, o + row * w.dim);
        }
    }
}
