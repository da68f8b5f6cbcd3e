/* product.c -- the one matrix product (../product.h) by the matrix unit (AMX): c[M,N] = a[M,K]
 * b[K,N]. SPDX-License-Identifier: Apache-2.0
 *
 * b is brought into bands once (packed, or ahead of the product, slab by slab), for filling 32 x 32
 * floats takes longer than multiplying them. A part takes some rows of a at a time, brings them
 * into bands in scratch (second-level cache) for a block of k, as long a one as fits, and then runs
 * band after band of b under all of them; two bands of rows at a time where all of b stays in that
 * cache. Where rows are few, b is brought into bands by the parts, each its columns. Sums wait in c
 * itself between the blocks of k, or in scratch where c is bf16 or a block of 32 x 32 sticks out of
 * it.
 *
 * Source of the idea that bf16 products give a float's: Henry, Tang, Heinecke, "Leveraging the
 * bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations" (arXiv:1904.06376),
 * BF16x3 with six products. Bound by the unit's products: 6, 3 or 1 of 16 cycles for each 16 x 16 x
 * 32, where a float's FMA take 256. */
#include "kernels/cpu/fast/amx/layout.h"

#define C_ROW (COLS + 16)       /* not a multiple of 4 KB */
#define SLAB (INT64_C(8) << 20) /* bytes of b ahead of the product */
#define A_BYTES (A_TILES * 2 * TILE * 2)
#define B_BYTES (B_TILES * 2 * TILE * 2)
#define REST_BYTES (2 * REST * 2)
#define BENCH_BYTES (A_BYTES + B_BYTES + REST_BYTES + ROWS * C_ROW * 4)

/* ---- a part ---- */

/* The scratch of a part. */
typedef struct bench {
    uint16_t *a, *b; /* A_BYTES, B_BYTES */
    uint16_t *rest;  /* REST_BYTES */
    float *c;        /* ROWS * C_ROW: sums that cannot wait in c */
} bench;

/* The rectangle that is computed at once, and the block of k it is in. */
typedef struct area {
    int64_t row, n_rows, band, n_bands; /* bands of columns */
    int64_t step, n_steps;
} area;

/* Columns, and rows from `row` on, of c under one block. */
typedef struct place {
    int64_t row, n_rows, col, n_cols;
    bool in_scratch;
} place;

static place place_of(const product *p, const area *w, int64_t row, int64_t band)
{
    place at = { .row = w->row + row,
                 .n_rows = min64(LINES, w->n_rows - row),
                 .col = band * LINES,
                 .n_cols = min64(LINES, p->n - band * LINES) };
    at.in_scratch =
        p->c_type == K_BF16 || (at.n_rows % HALF != 0 && p->m > HALF) || at.n_cols < LINES;
    return at;
}

/* The sums begin: with the bias, and with what is in c where it accumulates. */
static void begin_sums(const product *p, const place *at, float *sums, int64_t ld)
{
    const int64_t n = at->n_cols, end = at->col + n;
    for (V_EACH(j, n)) {
        const vf bias = p->bias ? v_read(p->bias_type, p->bias, at->col + j, end) : v_set(0);
        for (int64_t i = 0; i < at->n_rows; i++) {
            const int64_t row = (at->row + i) * p->ldc;
            v_write(K_F32, sums + i * ld, j, n,
                    p->accumulate ? v_read(p->c_type, p->c, row + at->col + j, row + end) + bias
                                  : bias);
        }
    }
}

/* Of 16 lanes and 16 more, the upper 16 bits of each. */
ALWAYS __m512i upper_halves(vu low, vu high)
{
    const __m512i odd = (__m512i)(vu){ 0x30001,  0x70005,  0xb0009,  0xf000d,  0x130011, 0x170015,
                                       0x1b0019, 0x1f001d, 0x230021, 0x270025, 0x2b0029, 0x2f002d,
                                       0x330031, 0x370035, 0x3b0039, 0x3f003d };
    return _mm512_permutex2var_epi16((__m512i)low, odd, (__m512i)high);
}

/* Rounded as v_narrow does; NaNs, which it takes its time for, are seldom there. */
ALWAYS void put_line_of_bf16(uint16_t *to, const float *sums)
{
    const vf low = v_load(sums), high = v_load(sums + VL);
    if (_mm512_cmp_ps_mask((__m512)low, (__m512)high, _CMP_UNORD_Q)) {
        v_put(K_BF16, to, 0, low);
        v_put(K_BF16, to, VL, high);
        return;
    }
    const vu in_low = ((vu)low >> 16 & 1u) + 0x7fffu, in_high = ((vu)high >> 16 & 1u) + 0x7fffu;
    _mm512_storeu_si512(to, upper_halves((vu)low + in_low, (vu)high + in_high));
}

static void put_out(const product *p, const place *at, const float *sums, int64_t ld)
{
    for (int64_t i = 0; i < at->n_rows; i++, sums += ld) {
        const int64_t to = (at->row + i) * p->ldc + at->col;
        if (p->c_type == K_BF16 && at->n_cols == LINES) {
            put_line_of_bf16((uint16_t *)p->c + to, sums);
            continue;
        }
        for (V_EACH(j, at->n_cols))
            if (p->c_type == K_BF16)
                v_write(K_BF16, p->c, to + j, to + at->n_cols, v_load(sums + j));
            else
                v_write(K_F32, p->c, to + j, to + at->n_cols, v_load(sums + j));
    }
}

/* One block, of the band of b at t->b; `next` is the one after it. */
static void run_place(const layout *plan, const area *w, const bench *s, const place *here,
                      const place *next, block *t)
{
    const product *p = plan->p;
    const int64_t row = here->row - w->row, size = (int64_t)k_type_size(p->c_type),
                  col = w->n_steps == plan->n_steps ? 0 : here->col - w->band * LINES;
    t->a = s->a + row / LINES * w->n_steps * plan->a_pieces * 2 * TILE;
    t->sums = here->in_scratch ? s->c + row * C_ROW + col
                               : (float *)p->c + here->row * p->ldc + here->col;
    t->ld = here->in_scratch ? C_ROW : p->ldc;
    t->next.c = (const char *)p->c + (next->row * p->ldc + next->col) * size;
    t->next.c_row = p->ldc * size;
    t->next.n_rows = next->n_rows;
    t->next.rows_each =
        parts_of(LINES, max64(1, products_of(plan->a_pieces, plan->b_pieces) * w->n_steps));
    const bool begins = w->step == 0 && (p->bias || (here->in_scratch && p->accumulate));
    if (begins)
        begin_sums(p, here, t->sums, t->ld);
    t->is_begun = begins || w->step > 0 || p->accumulate;
    run_block(plan->a_pieces, plan->b_pieces, here->n_rows > HALF, t);
    if (here->in_scratch && w->step + w->n_steps == plan->n_steps)
        put_out(p, here, t->sums, t->ld);
}

static const uint16_t *band_at(const layout *plan, const area *w, int64_t band)
{
    return plan->bands + (band * plan->n_steps + w->step) * kept_of(plan->b_pieces) * 2 * TILE;
}

/* All rows of the area under one band of b, while the next one is fetched. */
static void run_band(const layout *plan, const area *w, const bench *s, int64_t band, block *t)
{
    const int64_t n_rows = bands_of(w->n_rows),
                  n_products = products_of(plan->a_pieces, plan->b_pieces);
    const bool is_last_band = band + 1 == w->band + w->n_bands;
    const int64_t next_band = is_last_band ? w->band : band + 1;
    const uint16_t *next = s->b;
    if (!plan->bands) {
        t->b = s->b;
        t->ready = NULL;
        fill_bands(BAND_B, plan->b_pieces, s->b, &plan->b,
                   &(stretch){ .line = band * LINES,
                               .n_bands = 1,
                               .k = w->step * DEPTH,
                               .n_steps = w->n_steps,
                               .band_steps = w->n_steps });
    } else {
        t->b = band_at(plan, w, band);
        next = t->b;
        t->next.n_lines = 0;
        if (!is_last_band) {
            next = band_at(plan, w, next_band);
            t->next.n_lines = parts_of(TILE / 16 * kept_of(plan->b_pieces), n_rows * n_products);
        }
    }
    t->next.b = (const char *)next;
    place here = place_of(plan->p, w, 0, band);
    for (int64_t row = LINES; row < w->n_rows + LINES; row += LINES) {
        const bool is_last = row >= w->n_rows;
        const place next_place =
            place_of(plan->p, w, is_last ? 0 : row, is_last ? next_band : band);
        t->next_b = is_last ? next : t->b;
        run_place(plan, w, s, &here, &next_place, t);
        here = next_place;
    }
}

/* All bands of the area under its rows, one after the other. */
static void run_rows(const layout *plan, const area *w, const bench *s, block *t)
{
    const int64_t n_rows = bands_of(w->n_rows);
    place here = place_of(plan->p, w, 0, w->band);
    t->b = band_at(plan, w, w->band);
    for (int64_t i = 1; i <= n_rows * w->n_bands; i++) {
        const int64_t row = i / w->n_bands % n_rows * LINES, band = w->band + i % w->n_bands;
        const place next = place_of(plan->p, w, row, band);
        t->next_b = band_at(plan, w, band);
        run_place(plan, w, s, &here, &next, t);
        t->b = t->next_b;
        here = next;
    }
}

static void run_area(const layout *plan, area *w, const bench *s)
{
    w->step = 0;
    do { /* once where k is 0: sums of nothing */
        w->n_steps = min64(plan->block, plan->n_steps - w->step);
        fill_bands(BAND_A, plan->a_pieces, s->a, &plan->a,
                   &(stretch){ .line = w->row,
                               .n_bands = bands_of(w->n_rows),
                               .k = w->step * DEPTH,
                               .n_steps = w->n_steps,
                               .band_steps = w->n_steps });
        block t = { .n_steps = w->n_steps,
                    .next = { .b = (const char *)s->b },
                    .rest = { s->rest, s->rest + REST } };
        if (plan->b_stays)
            run_rows(plan, w, s, &t);
        for (int64_t band = w->band; !plan->b_stays && band < w->band + w->n_bands; band++)
            run_band(plan, w, s, band, &t);
        w->step += w->n_steps;
    } while (w->step < plan->n_steps);
}

static void run_part(void *arg, int part, int slot)
{
    const layout *plan = arg;
    const product *p = plan->p;
    const int64_t first = part / plan->n_col_parts * plan->rows_each,
                  last = min64(first + plan->rows_each, p->m),
                  band = part % plan->n_col_parts * plan->bands_each,
                  end = min64(band + plan->bands_each, bands_of(p->n));
    char *scratch = k_fast_scratch(plan->dev, slot);
    const bench s = { .a = (uint16_t *)scratch,
                      .b = (uint16_t *)(scratch + A_BYTES),
                      .rest = (uint16_t *)(scratch + A_BYTES + B_BYTES),
                      .c = (float *)(scratch + A_BYTES + B_BYTES + REST_BYTES) };
    /* not _tile_loadconfig: a compiler may think that it reads 8 bytes, and leave out the others */
    __asm__ volatile("ldtilecfg %0" : : "m"(plan->registers) : "memory");
    area w;
    for (w.row = first; w.row < last; w.row += plan->rows) {
        w.n_rows = min64(plan->rows, last - w.row);
        for (w.band = band; w.band < end; w.band += plan->n_bands) {
            w.n_bands = min64(plan->n_bands, end - w.band);
            run_area(plan, &w, &s);
        }
    }
    _tile_release();
}

static void run_product(layout *plan)
{
    cut(plan);
    k_pool_run(plan->dev->pool, plan->n_row_parts * plan->n_col_parts, run_part, plan);
}

/* ---- b ahead of the product ---- */

/* Columns from `col` on, and k from `k` on, of a product: what it adds to the sums so far. */
static product piece_of(const product *p, int64_t col, int64_t n, int64_t k, int64_t n_k)
{
    product piece = *p;
    piece.n = n;
    piece.k = n_k;
    piece.a = at(p->a_type, p->a, p->a_by_k ? k * p->lda : k);
    piece.b = at(p->b_type, p->b, p->b_form == B_BY_K ? k * p->ldb + col : col * p->ldb + k);
    piece.c = at_mut(p->c_type, p->c, col);
    if (p->bias)
        piece.bias = k == 0 ? at(p->bias_type, p->bias, col) : NULL;
    piece.accumulate = p->accumulate || k > 0;
    return piece;
}

/* Some columns, and of k whole blocks. Sums of bf16 are not brought out before k ends: a slab of
 * theirs is as long as k. */
typedef struct slab {
    int64_t n_bands, n_steps;
    size_t bytes; /* 0: b is not brought into bands ahead */
} slab;

static slab slab_of(const layout *plan)
{
    const product *p = plan->p;
    const int64_t threads = k_pool_threads(plan->dev->pool);
    if (plan->bands || p->k == 0 ||
        (p->m <= plan->rows && (threads == 1 || bands_of(p->m) < 2 * threads)))
        return (slab){ 0 };
    const int64_t step = 4 * TILE * kept_of(plan->b_pieces),
                  least = p->c_type == K_BF16 ? plan->n_steps : plan->block;
    slab s;
    s.n_bands = min64(bands_of(p->n), max64(1, SLAB / (least * step)));
    const int64_t n_blocks = max64(1, SLAB / (s.n_bands * step * plan->block));
    s.n_steps = max64(least, min64(plan->n_steps, n_blocks * plan->block));
    s.bytes = (size_t)(s.n_bands * s.n_steps * step);
    return s;
}

static int run_slabs(fast_device *dev, const product *p, const slab *s)
{
    uint16_t *bands = k_fast_shared(dev, s->bytes);
    if (!bands)
        return K_ENOMEM;
    for (int64_t col = 0; col < p->n; col += s->n_bands * LINES)
        for (int64_t k = 0; k < p->k; k += s->n_steps * DEPTH) {
            const product piece = piece_of(p, col, min64(s->n_bands * LINES, p->n - col), k,
                                           min64(s->n_steps * DEPTH, p->k - k));
            layout plan = layout_of(dev, &piece);
            LEVEL(k_product_fill)(dev, plan.b_pieces, &plan.b, bands);
            plan.bands = bands;
            choose_block(&plan);
            run_product(&plan);
        }
    return K_OK;
}

size_t LEVEL(k_product_bytes)(const fast_device *dev, const product *p)
{
    layout plan = layout_of(dev, p);
    choose_block(&plan);
    return (size_t)k_pool_threads(dev->pool) * BENCH_BYTES + slab_of(&plan).bytes;
}

int LEVEL(k_product)(fast_device *dev, const product *p)
{
    if (p->m == 0 || p->n == 0)
        return K_OK;
    if (k_fast_reserve(dev, BENCH_BYTES) != K_OK)
        return K_ENOMEM;
    layout plan = layout_of(dev, p);
    choose_block(&plan);
    const slab s = slab_of(&plan);
    if (s.bytes > 0)
        return run_slabs(dev, p, &s);
    run_product(&plan);
    return K_OK;
}
