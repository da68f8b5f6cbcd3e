/* layout.h -- how a product is cut into blocks and parts. SPDX-License-Identifier: Apache-2.0 */
#ifndef K_AMX_LAYOUT_H
#define K_AMX_LAYOUT_H
#include "kernels/cpu/fast/amx/pack.h"

#define A_TILES INT64_C(384)       /* pairs of tiles of a at once: 768 KB */
#define B_TILES INT64_C(72)        /* of a band of b, at most */
#define ROWS (INT64_C(16) * LINES) /* at once, at most */
#define COLS INT64_C(1024)         /* the same, where sums wait */
#define B_STAYS INT64_C(600)       /* pairs of tiles of b that the second-level cache keeps */
#define CHUNK (2 * LINES)          /* rows at once where it does */
#define LEAST_BLOCKS 12            /* of 32 x 32 x 32, of a part */

/* The shapes of the unit's registers, as the processor wants them described. */
typedef struct registers {
    uint8_t palette, zeros[15];
    uint16_t row_bytes[16];
    uint8_t rows[16];
} registers;

/* What the parts of a product know. */
typedef struct layout {
    registers registers;
    const product *p;
    const fast_device *dev;
    lines a, b;
    int a_pieces, b_pieces;
    const uint16_t *bands;         /* all of b, or NULL: each part fills what it needs */
    int64_t n_steps, block;        /* of k; at once */
    int64_t rows, n_bands;         /* at once: of c */
    bool b_stays;                  /* of a part, in the second-level cache */
    int64_t rows_each, bands_each; /* of a part: rows, bands of columns */
    int n_row_parts, n_col_parts;
} layout;

static inline layout layout_of(const fast_device *dev, const product *p)
{
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
    const int of_floats = p->to_16_bits ? 2 : PIECES;
    plan.a_pieces = p->a_type == K_BF16 ? 1 : of_floats;
    plan.b_pieces = p->b_type == K_BF16 ? 1 : of_floats;
    /* rows that are not there cost the unit time */
    const uint8_t rows = (uint8_t)min64(p->m, HALF);
    plan.registers = (registers){ .palette = 1,
                                  .row_bytes = { 64, 64, 64, 64, 64, 64, 64, 64 },
                                  .rows = { rows, rows, 16, 16, rows, 16, 16, 16 } };
    if (p->b_form == B_PACKED) {
        plan.b_pieces = LEVEL(k_product_pieces)(p->b_type, p->n, p->k, p->b);
        plan.bands = p->b;
    }
    return plan;
}

/* Steps of k at once: all, if they are few, for each block brings the sums out and in again. */
static inline void choose_block(layout *plan)
{
    const int64_t usual = plan->a_pieces < PIECES ? 32 : 16,
                  longest = min64(usual * 3 / 2, B_TILES / plan->a_pieces);
    const int64_t n = plan->n_steps <= longest ? 1 : parts_of(plan->n_steps, usual);
    plan->block = max64(1, parts_of(plan->n_steps, n));
    plan->n_bands = n == 1 ? bands_of(plan->p->n) : COLS / LINES;
    plan->rows = min64(ROWS / LINES, A_TILES / (plan->block * plan->a_pieces)) * LINES;
}

/* `parts` of n bands, or a few more, so that all threads have some of the last ones. */
static inline int64_t even_parts(int64_t n, int64_t parts, int64_t threads)
{
    for (int64_t more = parts; more <= min64(n, 2 * parts); more++)
        if (parts_of(n, parts_of(n, more)) % threads == 0)
            return more;
    return parts;
}

/* Parts: rows, as many as are taken at once, or fewer, so that there are some for each thread; not
 * too few, for then a band of b is soon through and the next one waited for. Columns where rows are
 * not enough: each such part brings all its rows of a into bands, so it has 8 bands of b if each
 * thread has one then. A part is worth the time of passing it on. */
static inline void cut(layout *plan)
{
    const product *p = plan->p;
    const int64_t threads = k_pool_threads(plan->dev->pool), n_bands = bands_of(p->n),
                  row_bands = bands_of(p->m), wanted = threads > 1 ? 4 * threads : 1;
    const int64_t most = min64(wanted, row_bands * n_bands * plan->n_steps / LEAST_BLOCKS + 1);
    int64_t rows = parts_of(p->m, plan->rows);
    if (plan->bands && rows < 2 * threads)
        rows = max64(rows, min64(most, row_bands / (row_bands < 4 * threads ? 2 : 4)));
    if (rows > 1)
        rows = even_parts(row_bands, rows, threads);
    int64_t cols = 1;
    if (rows < threads)
        cols = max64(min64(threads, min64(most, n_bands)), min64(most / rows, n_bands / 8));
    plan->rows_each = parts_of(row_bands, rows) * LINES;
    plan->rows = min64(plan->rows, plan->rows_each);
    plan->bands_each = parts_of(n_bands, cols);
    /* rows after rows then, for memory of c likes that better than columns after columns */
    plan->b_stays = plan->bands && plan->block == plan->n_steps && plan->rows_each > CHUNK &&
                    plan->bands_each * plan->n_steps * kept_of(plan->b_pieces) <= B_STAYS;
    if (plan->b_stays)
        plan->rows = min64(plan->rows, CHUNK);
    plan->n_row_parts = (int)parts_of(p->m, plan->rows_each);
    plan->n_col_parts = (int)parts_of(n_bands, plan->bands_each);
}
#endif
