/* product.c -- the one matrix product behind gemm_nt, gemm_nn, gemm_tn and the head: c[M,N] =
 * a[M,K] b[K,N]. SPDX-License-Identifier: Apache-2.0
 *
 * A part is at most ROWS rows by COLS columns. It goes through k in blocks of at most BLOCK slots
 * (a slot: one k of floats, or two of bf16 at the level with a dot product). Its rows of a are
 * copied to scratch as the tiles want them (second-level cache); then panel by panel of b
 * (first-level cache) runs under all the rows. Panels lie ready where b is packed in floats; else
 * they are brought into that form first, which the rows pay back -- but for few rows of packed
 * bf16, which the tiles widen as they read. Sums wait in c itself between the blocks of k, or in
 * scratch where c is bf16. */
#include "kernels/cpu/fast/panel.h"

#define ROWS (16 * MR)
#define COLS INT64_C(1024)
#define MOST_AHEAD 192 /* lines of memory fetched under one tile */
#define BLOCK                                                                                      \
    256 /* slots of k at once: with a panel of 24 KB and a tile's rows of 9 KB, c has room beside  \
           them */
#define FEW 6 /* rows below which a packed panel is widened by the tile */

/* What the parts of a product know. */
typedef struct layout {
    const product *p;
    const fast_device *dev;
    slot_kind kind;
    slot_kind narrow;               /* of packed b, where k_per_row is 2 */
    int64_t n_slots, block;         /* slots of k; those taken at once, even and at most BLOCK */
    int64_t panel_size, k_per_row;  /* of packed b: floats of a panel, slots in a row of it (2: bf16
                                       to be widened) */
    int64_t rows_each, panels_each; /* of a part */
    int n_row_parts, n_col_parts;
} layout;

/* The scratch of a part. */
typedef struct bench {
    float *a;    /* ROWS * AK */
    float *b;    /* AK * NR: a panel brought into form */
    float *bias; /* COLS */
    float *c;    /* ROWS * COLS: sums that cannot wait in c */
} bench;
#define BENCH_FLOATS (ROWS * AK + AK * NR + COLS + ROWS * COLS + 4 * VL)

/* The rectangle of a part, and the block of k it is in. */
typedef struct area {
    int64_t row, n_rows, panel, n_panels; /* panels of NR columns */
    int64_t slot, n_slots;
    const char *next_a; /* rows that are filled in after this block, or NULL: fetched under it */
    int64_t n_next_a, next_a_bytes, next_a_row; /* their number, what of each, how far apart */
} area;

/* Lines of memory to be fetched under a tile: few at a time and spread over it, for those it reads
 * itself must not wait behind them. */
typedef struct ahead {
    int64_t n;
    const void *line[MOST_AHEAD];
} ahead;

/* ---- a: rows of it into scratch, as tiles want them
 * ----------------------------------------------------------------- */

/* Rows are dealt out evenly over the tiles. */
static int64_t tile_height(int64_t row, int64_t n_rows)
{
    const int64_t n_tiles = (n_rows + MR - 1) / MR, low = n_rows / n_tiles,
                  n_high = n_rows % n_tiles;
    return row < n_high * (low + 1) ? low + 1 : low;
}

#define ROWS_AHEAD 6
ALWAYS void fill_row(k_type type, float *to, const void *from, int64_t first, int64_t n)
{
    for (V_EACH(k, n))
        v_write(K_F32, to, k, n, v_read(type, from, first + k, first + n));
}

/* Two bf16 to a slot, an odd last one with a zero. */
static void fill_row_of_pairs(float *to, const uint16_t *from, int64_t n)
{
    memcpy(to, from, (size_t)n * 2);
    if (n % 2)
        memset((uint16_t *)to + n, 0, 2);
}

/* An odd last one with a zero: b may be in pairs. */
static void fill_float_row(k_type type, float *to, const void *from, int64_t first, int64_t n)
{
    BY_TYPE(type, fill_row, to, from, first, n);
    if (n % 2)
        to[n] = 0;
}

/* n <= MR numbers of one k; a store may run over into the next k, which is filled later, but for
 * the last. */
ALWAYS void fill_tile_row(k_type type, float *to, const void *from, int64_t at, int64_t n,
                          bool may_read_on, bool is_last)
{
    for (int64_t i = 0; i < n; i += VL) {
        const int64_t n_left = min64(n - i, VL);
        const vf x = may_read_on ? v_get(type, from, at + i) : v_get_n(type, from, at + i, n_left);
        if (is_last)
            v_put_n(K_F32, to, i, x, n_left);
        else
            v_store(to + i, x);
    }
}

/* All the tiles of one k, then those of the next: rows of a are read once and from end to end. */
ALWAYS void fill_tiles(k_type type, const product *p, float *to, const area *w)
{
    const int64_t n_tiles = (w->n_rows + MR - 1) / MR, low = w->n_rows / n_tiles,
                  n_high = w->n_rows % n_tiles;
    for (int64_t k = 0; k < w->n_slots; k++) {
        const int64_t from = (w->slot + k) * p->lda + w->row;
        int64_t row = 0;
        for (int64_t tile = 0; tile < n_tiles; tile++) { /* as tile_height */
            const int64_t height = low + (tile < n_high);
            /* one vector past the tile's columns is still inside the row of a */
            fill_tile_row(type, to + row * AK + k * height, p->a, from + row, height,
                          w->row + row + (height + VL - 1) / VL * VL <= p->m, k + 1 == w->n_slots);
            row += height;
        }
    }
}

static void fill_tile_of_pairs(const product *p, float *to, const area *w, int64_t row,
                               int64_t height)
{
    const uint16_t *a = p->a;
    uint16_t *pair = (uint16_t *)to;
    for (int64_t k = w->slot * 2; k < (w->slot + w->n_slots) * 2; k += 2)
        for (int64_t i = row; i < row + height; i++) {
            *pair++ = a[k * p->lda + i];
            *pair++ = k + 1 < p->k ? a[(k + 1) * p->lda + i] : 0;
        }
}

static void fill_tiles_of_pairs(const product *p, float *to, const area *w)
{
    for (int64_t row = 0; row < w->n_rows;) {
        const int64_t height = tile_height(row, w->n_rows);
        fill_tile_of_pairs(p, to + row * AK, w, w->row + row, height);
        row += height;
    }
}

static void fetch(const char *p, int64_t n_bytes)
{
    for (int64_t i = 0; i < n_bytes; i += 64)
        __builtin_prefetch(p + i);
}

static void fill_a(const layout *plan, const area *w, float *to)
{
    const product *p = plan->p;
    const int64_t k_per_slot = plan->kind == SLOT_DOT ? 2 : 1;
    const int64_t slot_bytes = k_per_slot * (int64_t)k_type_size(p->a_type);
    if (p->a_by_k) {
        if (plan->kind == SLOT_DOT)
            fill_tiles_of_pairs(p, to, w);
        else if (p->a_type == K_BF16)
            fill_tiles(K_BF16, p, to, w);
        else
            fill_tiles(K_F32, p, to, w);
        return;
    }
    for (int64_t row = 0; row < w->n_rows; row++) {
        const int64_t from = (w->row + row) * p->lda;
        if (row + ROWS_AHEAD < w->n_rows)
            fetch(at(p->a_type, p->a, from + ROWS_AHEAD * p->lda + w->slot * k_per_slot),
                  w->n_slots * slot_bytes);
        if (plan->kind == SLOT_DOT)
            fill_row_of_pairs(to + row * AK, (const uint16_t *)p->a + from + w->slot * 2,
                              min64(w->n_slots * 2, p->k - w->slot * 2));
        else
            fill_float_row(p->a_type, to + row * AK, p->a, from + w->slot, w->n_slots);
    }
}

/* ---- b: a panel, brought into [slot][NR]
 * ------------------------------------------------------------------------------ */

static void widen_packed(float *to, const float *from, int64_t n_k)
{
    for (int64_t k = 0; k < n_k; k += 2, to += 2 * NR, from += NR)
        for (int v = 0; v < NR; v += VL) {
            const vu pair = (vu)v_load(from + v);
            v_store(to + v, (vf)(pair << 16));
            v_store(to + NR + v, (vf)(pair & 0xffff0000u));
        }
}

static void widen_halves(float *to, const float *from, int64_t n_k)
{
    for (int64_t i = 0; i < (n_k + 1) / 2 * 2 * NR; i += VL)
        v_store(to + i, v_of_halves(from + i / 2));
}

ALWAYS void fill_by_k(k_type type, float *to, const product *p, int64_t k, int64_t n_k, int64_t col)
{
    const int64_t n = min64(NR, p->n - col);
    for (int64_t end = k + n_k; k < end; k++, to += NR) {
        const int64_t from = k * p->ldb + col;
        if (n == NR) {
            v_store(to, v_get(type, p->b, from));
            v_store(to + VL, v_get(type, p->b, from + VL));
        } else {
            memset(to, 0, NR * sizeof *to);
            for (int64_t j = 0; j < n; j++)
                to[j] = s_get(type, p->b, from + j);
        }
    }
}

static const float *packed_panel(const layout *plan, const area *w, int64_t panel)
{
    return (const float *)plan->p->b + panel * plan->panel_size + w->slot / plan->k_per_row * NR;
}

static void fill_b(const layout *plan, const area *w, int64_t panel, float *to)
{
    const product *p = plan->p;
    const int64_t col = panel * NR;
    if (p->b_form == B_PACKED && plan->narrow == SLOT_HALF)
        widen_halves(to, packed_panel(plan, w, panel), w->n_slots);
    else if (p->b_form == B_PACKED) /* of bf16, and kind is SLOT_FLOAT */
        widen_packed(to, packed_panel(plan, w, panel), w->n_slots);
    else if (plan->kind == SLOT_DOT)
        fill_pairs(to, p, w->slot, w->n_slots, col);
    else if (p->b_form == B_BY_K && p->b_type == K_BF16)
        fill_by_k(K_BF16, to, p, w->slot, w->n_slots, col);
    else if (p->b_form == B_BY_K)
        fill_by_k(K_F32, to, p, w->slot, w->n_slots, col);
    else if (p->b_type == K_BF16)
        fill_by_j(K_BF16, to, p, w->slot, w->n_slots, col);
    else
        fill_by_j(K_F32, to, p, w->slot, w->n_slots, col);
}

/* ---- the tiles of a part
 * ------------------------------------------------------------------------------------------------
 */

/* How many panels one tile takes at once, so that few rows still keep the multipliers busy: more
 * than one only where a single tile has all rows. */
static int64_t tile_width(const layout *plan, slot_kind kind, int64_t n_rows, int64_t n_panels)
{
    if (plan->p->a_by_k)
        return 1;
    if (n_rows <= MR / 4 && n_panels >= 4)
        return 4;
    return kind == SLOT_FLOAT && n_rows <= MR / 2 && n_panels >= 2 ? 2 : 1;
}

static tile_fn *choose_tile(const layout *plan, slot_kind kind, int64_t height, int64_t width)
{
    const tiles *all = &LEVEL(k_tiles);
    switch (kind) {
    case SLOT_DOT:
        return plan->p->a_by_k ? all->dot_tile[height]
               : width == 4    ? all->dot_rows_8[height]
                               : all->dot_rows[height];
    case SLOT_PAIR:
        return width == 4 ? all->pair_8[height] : all->pair_2[height];
    case SLOT_HALF:
        return width == 4 ? all->half_8[height] : all->half_2[height];
    case SLOT_FLOAT:
    default:
        return plan->p->a_by_k ? all->tile_2[height] : all->rows[width * 2][height];
    }
}

/* Whether the sums of a panel wait in scratch: where c is bf16, and where the panel sticks out of
 * c. */
static bool waits_in_scratch(const product *p, int64_t panel)
{
    return p->c_type == K_BF16 || (panel + 1) * NR > p->n;
}

static void add_ahead(ahead *list, const char *from, int64_t n_bytes)
{
    for (int64_t i = 0; i < n_bytes && list->n < MOST_AHEAD; i += 64)
        list->line[list->n++] = from + i;
}

/* The share-th of n_shares of the panel after this one, as it lies in b. */
static void add_panel(ahead *list, const layout *plan, const area *w, int64_t panel, int64_t share,
                      int64_t n_shares)
{
    const product *p = plan->p;
    const int64_t k = plan->kind == SLOT_DOT ? 2 : 1;
    int64_t begin = w->n_slots * share / n_shares, end = w->n_slots * (share + 1) / n_shares;
    if (p->b_form == B_PACKED) {
        begin = begin * NR / plan->k_per_row;
        end = end * NR / plan->k_per_row;
        add_ahead(list, (const char *)(packed_panel(plan, w, panel) + begin),
                  (end - begin) * (int64_t)sizeof(float));
    } else if (p->b_form == B_BY_K) {
        for (int64_t i = (w->slot + begin) * k; i < min64((w->slot + end) * k, p->k); i++)
            add_ahead(list, at(p->b_type, p->b, i * p->ldb + panel * NR),
                      NR * (int64_t)k_type_size(p->b_type));
    }
}

/* The share-th of n_shares of the rows of a that come next. */
static void add_rows(ahead *list, const area *w, int64_t share, int64_t n_shares)
{
    const int64_t begin = w->n_next_a * share / n_shares,
                  end = w->n_next_a * (share + 1) / n_shares;
    for (int64_t i = begin; w->next_a && i < end; i++)
        add_ahead(list, w->next_a + i * w->next_a_row, w->next_a_bytes);
}

/* What is fetched under a tile, number `number` of the panel: c of the n_rows after it, and shares
 * of the next panel and of the next rows. */
static void look_under(ahead *list, const layout *plan, const area *w, tile_args *t, int64_t panel,
                       int64_t n_rows, int64_t number)
{
    const int64_t n_tiles = (w->n_rows + MR - 1) / MR;
    list->n = 0;
    for (int64_t i = n_rows; i < 2 * n_rows; i++)
        add_ahead(list, (const char *)(t->c + i * t->ldc), NR * (int64_t)sizeof(float));
    if (panel + 1 < w->panel + w->n_panels)
        add_panel(list, plan, w, panel + 1, number, n_tiles);
    add_rows(list, w, (panel - w->panel) * n_tiles + number, w->n_panels * n_tiles);
    t->ahead = list->line;
    t->n_ahead = min64(list->n, t->n_k);
    t->every = t->n_ahead > 0 ? t->n_k / t->n_ahead : 1;
}

/* All rows of the part under one panel, or under a few that are adjacent and packed. Returns how
 * many. */
static int64_t run_panels(const layout *plan, const area *w, const bench *s, int64_t panel)
{
    const product *p = plan->p;
    const bool in_scratch = waits_in_scratch(p, panel);
    int64_t n_adjacent = w->panel + w->n_panels - panel;
    if (!in_scratch && waits_in_scratch(p, panel + n_adjacent - 1))
        n_adjacent--;
    slot_kind kind = plan->kind;
    tile_args t = { .b = s->b, .ldb = NR, .pair = plan->panel_size, .n_k = w->n_slots };
    if (p->b_form == B_PACKED)
        t.n_k =
            (w->n_slots + plan->k_per_row - 1) / plan->k_per_row; /* zeroes fill up a last pair */
    if (p->b_form == B_PACKED && (plan->k_per_row == 1 || w->n_rows <= FEW)) {
        t.b = packed_panel(plan, w, panel);
        kind = plan->k_per_row == 2 ? plan->narrow : kind;
    } else {
        fill_b(plan, w, panel, s->b);
        t.n_k *= p->b_form == B_PACKED ? plan->k_per_row : 1;
        n_adjacent = 1;
    }
    const int64_t width = tile_width(plan, kind, w->n_rows, n_adjacent);
    const int64_t in_part = (panel - w->panel) * NR;
    ahead next;
    for (int64_t row = 0, number = 0; row < w->n_rows; number++) {
        const int64_t height = tile_height(row, w->n_rows);
        t.a = s->a + row * AK;
        t.ldc = in_scratch ? COLS : p->ldc;
        t.c = in_scratch ? s->c + row * COLS + in_part
                         : (float *)p->c + (w->row + row) * p->ldc + panel * NR;
        const bool is_begun = w->slot > 0 || in_scratch || p->accumulate;
        t.init = is_begun ? t.c : s->bias + in_part;
        t.ldi = is_begun ? t.ldc : 0;
        row += height;
        look_under(&next, plan, w, &t, panel, row < w->n_rows ? height : 0, number);
        choose_tile(plan, kind, height, width)(&t);
    }
    return width;
}

/* ---- a part
 * ----------------------------------------------------------------------------------------------------------------
 */

/* The sums begin: with the bias, and with what is in c where it accumulates. */
static void begin_sums(const product *p, const area *w, const bench *s)
{
    const int64_t col = w->panel * NR, n = min64(w->n_panels * NR, p->n - col);
    memset(s->bias, 0, (size_t)(w->n_panels * NR) * sizeof *s->bias);
    for (int64_t j = 0; p->bias && j < n; j++)
        s->bias[j] = s_get(p->bias_type, p->bias, col + j);
    const bool all = p->c_type == K_BF16;
    const int64_t begin = all ? 0 : n / NR * NR; /* columns that wait in scratch */
    for (int64_t i = 0; i < w->n_rows; i++) {
        float *sum = s->c + i * COLS;
        const int64_t from = (w->row + i) * p->ldc + col;
        if (begin < n)
            memcpy(sum + begin, s->bias + begin, (size_t)(w->n_panels * NR - begin) * sizeof *sum);
        for (int64_t j = begin; p->accumulate && j < n; j++)
            sum[j] = s_get(p->c_type, p->c, from + j) + sum[j];
        for (int64_t j = 0; p->accumulate && p->bias && j < begin; j++)
            ((float *)p->c)[from + j] += s->bias[j];
    }
}

static void end_sums(const product *p, const area *w, const bench *s)
{
    const int64_t col = w->panel * NR, n = min64(w->n_panels * NR, p->n - col);
    for (int64_t i = 0; i < w->n_rows; i++) {
        const float *sum = s->c + i * COLS;
        const int64_t to = (w->row + i) * p->ldc + col;
        if (p->c_type == K_BF16)
            for (V_EACH(j, n))
                v_write(K_BF16, p->c, to + j, to + n, v_load(sum + j));
        else
            memcpy((float *)p->c + to + n / NR * NR, sum + n / NR * NR,
                   (size_t)(n % NR) * sizeof *sum);
    }
}

/* What of a is filled in after this block of k: the next one of the same rows, or the first of the
 * rows from next_row on. */
static void look_ahead(const layout *plan, area *w, int64_t next_row, int64_t end_row)
{
    const product *p = plan->p;
    const int64_t k_per_slot = plan->kind == SLOT_DOT ? 2 : 1;
    const bool is_last = w->slot + plan->block >= plan->n_slots;
    const int64_t slot = is_last ? 0 : w->slot + plan->block, row = is_last ? next_row : w->row;
    const int64_t n_rows = min64(w->n_rows, end_row - row),
                  n_k = min64(plan->block * k_per_slot, p->k - slot * k_per_slot);
    w->next_a = NULL;
    if (n_rows <= 0)
        return;
    const int64_t k = slot * k_per_slot;
    w->next_a = at(p->a_type, p->a, p->a_by_k ? k * p->lda + row : row * p->lda + k);
    w->n_next_a = p->a_by_k ? n_k : n_rows;
    w->next_a_bytes = (p->a_by_k ? n_rows : n_k) * (int64_t)k_type_size(p->a_type);
    w->next_a_row = p->lda * (int64_t)k_type_size(p->a_type);
}

/* At most ROWS rows. */
static void run_rows(const layout *plan, area *w, const bench *s, int64_t end_row)
{
    begin_sums(plan->p, w, s);
    w->slot = 0;
    do {
        w->n_slots = min64(plan->block, plan->n_slots - w->slot);
        fill_a(plan, w, s->a);
        look_ahead(plan, w, w->row + w->n_rows, end_row);
        for (int64_t panel = w->panel; panel < w->panel + w->n_panels;)
            panel += run_panels(plan, w, s, panel);
        w->slot += plan->block;
    } while (w->slot < plan->n_slots);
    end_sums(plan->p, w, s);
}

static void run_part(void *arg, int part, int slot)
{
    const layout *plan = arg;
    const product *p = plan->p;
    const int64_t n_panels = (p->n + NR - 1) / NR,
                  first = part / plan->n_col_parts * plan->rows_each;
    area w = { .panel = part % plan->n_col_parts * plan->panels_each };
    const int64_t n_rows = min64(plan->rows_each, p->m - first);
    w.n_panels = min64(plan->panels_each, n_panels - w.panel);
    if (n_rows <= 0 || w.n_panels <= 0)
        return;
    bench s;
    s.a = k_fast_scratch(plan->dev, slot);
    s.b = s.a + ROWS * AK + 2 * VL; /* fill_tiles may run over */
    s.bias = s.b + AK * NR;
    s.c = s.bias + COLS;
    const int64_t n_blocks = (n_rows + ROWS - 1) / ROWS,
                  each = ((n_rows + n_blocks - 1) / n_blocks + MR - 1) / MR * MR;
    for (int64_t row = 0; row < n_rows; row += each) {
        w.row = first + row;
        w.n_rows = min64(each, n_rows - row);
        run_rows(plan, &w, &s, first + n_rows);
    }
}

static int64_t max64(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* Parts: blocks of rows and of columns, a few for each thread. Rows are split first where the tiles
 * read b as it is; where panels are brought into form for ROWS rows of a part at a time, columns
 * are, and rows into no less. */
static void cut(layout *plan)
{
    const product *p = plan->p;
    const int64_t threads = k_pool_threads(plan->dev->pool), n_panels = (p->n + NR - 1) / NR;
    const bool is_direct = p->b_form == B_PACKED && plan->k_per_row == 1;
    const int64_t wanted = threads == 1 ? 1 : 4 * threads;
    const int64_t n_most =
        min64(wanted, p->m * n_panels * (p->k + 8) / 2048 + 1); /* each worth 64k products */
    int64_t rows = 1, cols = (n_panels * NR + COLS - 1) / COLS;
    if (is_direct || p->m > 4 * ROWS * threads)
        rows = max64(rows, min64((n_most + cols - 1) / cols, p->m / (4 * MR)));
    cols = max64(cols, min64((n_most + rows - 1) / rows, (n_panels + 3) / 4));
    const int64_t most_rows = is_direct ? p->m / (4 * MR) : (p->m + ROWS - 1) / ROWS;
    rows = max64(rows, min64((n_most + cols - 1) / cols, most_rows));
    plan->rows_each = ((p->m + rows - 1) / rows + MR - 1) / MR * MR;
    plan->panels_each = (n_panels + cols - 1) / cols;
    plan->n_row_parts = (int)((p->m + plan->rows_each - 1) / plan->rows_each);
    plan->n_col_parts = (int)((n_panels + plan->panels_each - 1) / plan->panels_each);
}

static packed_as mark_of(const product *p)
{
    packed_as mark = AS_FLOATS;
    if (p->b_form == B_PACKED && p->b_type == K_F32)
        memcpy(&mark, (const char *)p->b + panel_bytes(K_F32, p->n, p->k), sizeof mark);
    return mark;
}

int LEVEL(k_product)(fast_device *dev, const product *p)
{
    if (p->m == 0 || p->n == 0)
        return K_OK;
    layout plan = { .p = p, .dev = dev, .kind = SLOT_FLOAT, .n_slots = p->k, .k_per_row = 1 };
    const packed_as mark = mark_of(p);
    plan.narrow = mark == AS_F16 ? SLOT_HALF : SLOT_PAIR;
    if (HAS_DOT && p->a_type == K_BF16 && p->b_type == K_BF16) {
        plan.kind = SLOT_DOT;
        plan.n_slots = (p->k + 1) / 2;
    } else if (p->b_type == K_BF16 || mark != AS_FLOATS) {
        plan.k_per_row = 2;
    }
    const int64_t n_blocks = plan.n_slots > BLOCK ? (plan.n_slots + BLOCK - 1) / BLOCK : 1;
    plan.block = ((plan.n_slots + n_blocks - 1) / n_blocks + 1) / 2 * 2;
    plan.panel_size = (p->b_type == K_BF16 || mark != AS_FLOATS ? (p->k + 1) / 2 : p->k) * NR;
    if (k_fast_reserve(dev, BENCH_FLOATS * sizeof(float)) != K_OK)
        return K_ENOMEM;
    cut(&plan);
    k_pool_run(dev->pool, plan.n_row_parts * plan.n_col_parts, run_part, &plan);
    return K_OK;
}
