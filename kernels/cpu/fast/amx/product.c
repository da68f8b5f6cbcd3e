/* product.c -- the one matrix product (../product.h) by the matrix unit (AMX): c[M,N] = a[M,K]
 * b[K,N]. SPDX-License-Identifier: Apache-2.0
 *
 * A part is at most ROWS rows by COLS columns at a time. It goes through k in blocks of some steps:
 * its rows of a are brought into bands in scratch (second-level cache), then band by band of b
 * (first-level cache; where it lies, if it is packed) runs under all of them. Sums wait in c itself
 * between the blocks of k, or in scratch where c is bf16 or a block of 32 x 32 sticks out of it.
 *
 * Source of the idea that bf16 products give a float's: Henry, Tang, Heinecke, "Leveraging the
 * bfloat16 Artificial Intelligence Datatype For Higher-Precision Computations" (arXiv:1904.06376),
 * BF16x3 with six products. Bound by the unit's products: 6, 3 or 1 of 16 cycles for each 16 x 16 x
 * 32, where a float's FMA take 256. */
#include "kernels/cpu/fast/product.h"

#include "kernels/cpu/fast/amx/block.h"

#define BANDS INT64_C(16) /* of rows at once: b is brought into bands for each so many */
#define PACKED_BANDS 8    /* where it is packed: more of c and a stays in the second-level cache */
#define ROWS (BANDS * LINES)
#define COLS INT64_C(512)
/* Tiles of both operands, of one half, in a block of k: a band of b stays in the first-level cache.
 * Floats by packed b take twice as many if that is all of k: sums are then brought out once. */
#define BLOCK_TILES 24
#define PACKED_TILES 48
#define MOST_TILES 24 /* of a, among them */
#define MARK 64       /* bytes behind packed bands: of how many pieces they are */

static int64_t bands_of(int64_t n)
{
    return (n + LINES - 1) / LINES;
}

static int64_t steps_of(int64_t k)
{
    return (k + DEPTH - 1) / DEPTH;
}

/* ---- packing ------------------------------------------------------------------------------------
 */

static size_t packed_bytes(int n_pieces, int64_t n, int64_t k)
{
    return (size_t)(bands_of(n) * steps_of(k) * n_pieces * 2 * TILE) * sizeof(uint16_t);
}

size_t LEVEL(k_product_pack_bytes)(k_type type, int64_t n, int64_t k)
{
    return packed_bytes(type == K_BF16 ? 1 : PIECES, n, k) + MARK;
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

typedef struct packing {
    lines from;
    uint16_t *to;
    int n_pieces;
} packing;

static void pack_bands(const void *arg, int64_t begin, int64_t end, void *scratch)
{
    (void)scratch;
    const packing *a = arg;
    const int64_t n_steps = steps_of(a->from.n_k), band = n_steps * a->n_pieces * 2 * TILE;
    for (int64_t i = begin; i < end; i++)
        fill_band(BAND_B, a->n_pieces, a->to + i * band, &a->from, i * LINES, 0, n_steps);
}

void LEVEL(k_product_pack)(fast_device *dev, k_type type, int64_t n, int64_t k, const void *w,
                           int64_t ldw, void *packed)
{
    packing a = { .from = { .type = type, .from = w, .ld = ldw, .n_lines = n, .n_k = k },
                  .to = packed,
                  .n_pieces = 1 };
    for (int64_t j = 0; type == K_F32 && j < n && a.n_pieces < PIECES; j++)
        a.n_pieces = pieces_of((const float *)w + j * ldw, k, a.n_pieces);
    memcpy((char *)packed + packed_bytes(type == K_BF16 ? 1 : PIECES, n, k), &a.n_pieces,
           sizeof a.n_pieces);
    k_fast_rows(dev, bands_of(n), 1 + 16384 / (LINES * (k + 1)), pack_bands, &a);
}

/* ---- a part -------------------------------------------------------------------------------------
 */

/* What the parts of a product know. */
typedef struct layout {
    const product *p;
    const fast_device *dev;
    lines a, b; /* b: where it is not packed */
    int a_pieces, b_pieces;
    int64_t n_steps, block;        /* of k; at once */
    int64_t rows;                  /* at once */
    int64_t rows_each, bands_each; /* of a part: rows, bands of columns */
    int n_row_parts, n_col_parts;
} layout;

/* The scratch of a part. */
typedef struct bench {
    uint16_t *a, *b; /* BANDS bands of a block of k, one of b */
    float *c;        /* ROWS * C_ROW: sums that cannot wait in c */
} bench;
#define C_ROW (COLS + 16) /* not a multiple of 4 KB */
#define A_BYTES (BANDS * MOST_TILES * (2 * TILE) * 2)
#define B_BYTES (BLOCK_TILES * (2 * TILE) * 2)
#define BENCH_BYTES (A_BYTES + B_BYTES + ROWS * C_ROW * 4)

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
    at.in_scratch = p->c_type == K_BF16 || at.n_rows % HALF != 0 || at.n_cols < LINES;
    return at;
}

/* The sums begin: with the bias, and with what is in c where it accumulates. */
static void begin_sums(const product *p, const place *at, float *sums, int64_t ld)
{
    for (int64_t i = 0; i < at->n_rows; i++)
        for (int64_t j = 0; j < at->n_cols; j++) {
            const float bias = p->bias ? s_get(p->bias_type, p->bias, at->col + j) : 0;
            const int64_t from = (at->row + i) * p->ldc + at->col + j;
            sums[i * ld + j] = p->accumulate ? s_get(p->c_type, p->c, from) + bias : bias;
        }
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

/* One of n shares. */
typedef struct share {
    int64_t number, n;
} share;

/* A share of what n_lines from `line` on, the steps from `step` on, are filled from is fetched. */
static void fetch_lines(const lines *l, int64_t line, int64_t n_lines, int64_t step,
                        int64_t n_steps, share s)
{
    const int64_t k = step * DEPTH, size = (int64_t)k_type_size(l->type),
                  n_k = min64(n_steps * DEPTH, l->n_k - k);
    n_lines = min64(n_lines, l->n_lines - line);
    if (n_lines <= 0 || n_k <= 0)
        return;
    const int64_t n_rows = l->by_k ? n_k : n_lines, n_bytes = (l->by_k ? n_lines : n_k) * size,
                  begin = n_rows * s.number / s.n, end = n_rows * (s.number + 1) / s.n;
    const char *row =
        at(l->type, l->from, l->by_k ? (k + begin) * l->ld + line : (line + begin) * l->ld + k);
    for (int64_t i = begin; i < end; i++, row += l->ld * size)
        for (int64_t j = 0; j < n_bytes; j += 64)
            _mm_prefetch(row + j, _MM_HINT_T1);
}

/* What is filled next is fetched, a share under each block: the band of b after this one, and a of
 * the next steps, or of the next rows. */
static void fetch_next(const layout *plan, const area *w, int64_t row, int64_t band)
{
    const int64_t n = bands_of(w->n_rows), number = row / LINES;
    const bool is_last = w->step + w->n_steps >= plan->n_steps;
    if (plan->p->b_form != B_PACKED && band + 1 < w->band + w->n_bands)
        fetch_lines(&plan->b, (band + 1) * LINES, LINES, w->step, w->n_steps, (share){ number, n });
    fetch_lines(&plan->a, is_last ? w->row + w->n_rows : w->row, w->n_rows,
                is_last ? 0 : w->step + w->n_steps, plan->block,
                (share){ (band - w->band) * n + number, w->n_bands * n });
}

/* All rows of the area under one band of b. */
static void run_band(const layout *plan, const area *w, const bench *s, int64_t band)
{
    const product *p = plan->p;
    block t = { .n_steps = w->n_steps, .b = s->b };
    if (p->b_form == B_PACKED)
        t.b = (const uint16_t *)p->b + (band * plan->n_steps + w->step) * plan->b_pieces * 2 * TILE;
    else
        fill_band(BAND_B, plan->b_pieces, s->b, &plan->b, band * LINES, w->step * DEPTH,
                  w->n_steps);
    for (int64_t row = 0; row < w->n_rows; row += LINES) {
        const place at = place_of(p, w, row, band);
        t.a = s->a + row / LINES * w->n_steps * plan->a_pieces * 2 * TILE;
        t.sums = at.in_scratch ? s->c + row * C_ROW + (band - w->band) * LINES
                               : (float *)p->c + at.row * p->ldc + at.col;
        t.ld = at.in_scratch ? C_ROW : p->ldc;
        const bool begins = w->step == 0 && (p->bias || (at.in_scratch && p->accumulate));
        if (begins)
            begin_sums(p, &at, t.sums, t.ld);
        t.is_begun = begins || w->step > 0 || p->accumulate;
        fetch_next(plan, w, row, band);
        run_block(plan->a_pieces, plan->b_pieces, at.n_rows > HALF, &t);
        if (at.in_scratch && w->step + w->n_steps == plan->n_steps)
            put_out(p, &at, t.sums, t.ld);
    }
}

static void run_area(const layout *plan, area *w, const bench *s)
{
    w->step = 0;
    do { /* once where k is 0: sums of nothing */
        w->n_steps = min64(plan->block, plan->n_steps - w->step);
        for (int64_t row = 0; row < w->n_rows; row += LINES)
            fill_band(BAND_A, plan->a_pieces,
                      s->a + row / LINES * w->n_steps * plan->a_pieces * 2 * TILE, &plan->a,
                      w->row + row, w->step * DEPTH, w->n_steps);
        for (int64_t band = w->band; band < w->band + w->n_bands; band++)
            run_band(plan, w, s, band);
        w->step += w->n_steps;
    } while (w->step < plan->n_steps);
}

static void run_part(void *arg, int part, int slot)
{
    static const struct {
        uint8_t palette, zeros[15];
        uint16_t row_bytes[16];
        uint8_t rows[16];
    } config = { .palette = 1,
                 .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
                 .rows = { 16, 16, 16, 16, 16, 16, 16, 16 } };
    const layout *plan = arg;
    const product *p = plan->p;
    const int64_t first = part / plan->n_col_parts * plan->rows_each,
                  last = min64(first + plan->rows_each, p->m);
    area w = { .band = part % plan->n_col_parts * plan->bands_each };
    w.n_bands = min64(plan->bands_each, bands_of(p->n) - w.band);
    char *scratch = k_fast_scratch(plan->dev, slot);
    const bench s = { .a = (uint16_t *)scratch,
                      .b = (uint16_t *)(scratch + A_BYTES),
                      .c = (float *)(scratch + A_BYTES + B_BYTES) };
    _tile_loadconfig(&config);
    for (w.row = first; w.row < last; w.row += plan->rows) {
        w.n_rows = min64(plan->rows, last - w.row);
        run_area(plan, &w, &s);
    }
    _tile_release();
}

/* Parts: a few for each thread where b is packed, else one, for each part of rows brings all its
 * columns of b into bands, and each part of columns all its rows of a. Rows are split first; a part
 * is worth 64k products at least. */
static void cut(layout *plan)
{
    const product *p = plan->p;
    const int64_t threads = k_pool_threads(plan->dev->pool), n_bands = bands_of(p->n);
    const int64_t wanted = threads > 1 && p->b_form == B_PACKED ? 4 * threads : threads;
    const int64_t most = min64(wanted, p->m * n_bands * (p->k + 8) / (65536 / LINES) + 1);
    int64_t cols = (n_bands * LINES + COLS - 1) / COLS;
    const int64_t rows = max64(1, min64((most + cols - 1) / cols, bands_of(p->m) / 2));
    cols = max64(cols, min64((most + rows - 1) / rows, n_bands));
    plan->rows_each = (bands_of(p->m) + rows - 1) / rows * LINES;
    plan->bands_each = (n_bands + cols - 1) / cols;
    plan->n_row_parts = (int)((p->m + plan->rows_each - 1) / plan->rows_each);
    plan->n_col_parts = (int)((n_bands + plan->bands_each - 1) / plan->bands_each);
}

int LEVEL(k_product)(fast_device *dev, const product *p)
{
    if (p->m == 0 || p->n == 0)
        return K_OK;
    layout plan = { .p = p, .dev = dev, .n_steps = steps_of(p->k) };
    plan.a = (lines){ .type = p->a_type,
                      .from = p->a,
                      .ld = p->lda,
                      .n_lines = p->m,
                      .n_k = p->k,
                      .by_k = p->a_by_k };
    plan.b = (lines){ .type = p->b_type,
                      .from = p->b,
                      .ld = p->ldb,
                      .n_lines = p->n,
                      .n_k = p->k,
                      .by_k = p->b_form == B_BY_K };
    plan.a_pieces = p->a_type == K_BF16 ? 1 : PIECES;
    plan.b_pieces = p->b_type == K_BF16 ? 1 : PIECES;
    if (p->b_form == B_PACKED)
        memcpy(&plan.b_pieces, (const char *)p->b + packed_bytes(plan.b_pieces, p->n, p->k),
               sizeof plan.b_pieces);
    plan.rows = p->b_form == B_PACKED ? PACKED_BANDS * LINES : ROWS;
    plan.block = BLOCK_TILES / (plan.a_pieces + plan.b_pieces);
    const int64_t longest =
        min64(PACKED_TILES / (plan.a_pieces + plan.b_pieces), MOST_TILES / plan.a_pieces);
    if (p->b_form == B_PACKED && plan.a_pieces > 1 && plan.n_steps <= longest)
        plan.block = longest;
    if (k_fast_reserve(dev, BENCH_BYTES) != K_OK)
        return K_ENOMEM;
    cut(&plan);
    k_pool_run(dev->pool, plan.n_row_parts * plan.n_col_parts, run_part, &plan);
    return K_OK;
}
