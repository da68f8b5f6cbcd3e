/* product.c -- the one matrix product behind gemm_nt, gemm_nn, gemm_tn and the head: c[M,N] =
 * a[M,K] b[K,N]. SPDX-License-Identifier: Apache-2.0
 *
 * A part is at most ROWS rows by COLS columns. It goes through k in blocks of at most BLOCK slots
 * (a slot: one k of floats, or two of bf16 at the level with a dot product). Its rows of a are
 * copied to scratch as the tiles want them (second-level cache), if they do not lie so; then panel
 * by panel of b (first-level cache) runs under all the rows. Panels lie ready where b is packed in
 * floats; else the first tile that reads one brings it into that form for those after it -- but few
 * rows of packed bf16 are widened by their tile and not kept. Sums wait in c itself between the
 * blocks of k, or in scratch where c is bf16. */
#include "kernels/cpu/fast/fill.h"

#define MOST_AHEAD 192 /* lines of memory fetched under one tile */
#define BLOCK                                                                                      \
    256 /* slots of k at once: with a panel of 24 KB and a tile's rows of 9 KB, c has room beside  \
           them */
#define FEW 6 /* rows below which a packed panel is widened by the tile */

/* Lines of memory to be fetched under a tile: few at a time and spread over it, for those it reads
 * itself must not wait behind them. */
typedef struct ahead {
    int64_t n;
    const void *line[MOST_AHEAD];
} ahead;

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
    case SLOT_BF16: /* in tiles that keep b alone */
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
    const int64_t n = min64((n_bytes + 63) / 64, MOST_AHEAD - list->n);
    const void **line = list->line + list->n;
    for (int64_t i = 0; i < n; i++)
        line[i] = from + i * 64;
    list->n += n;
}

/* What a panel's columns take in n rows of a matrix. */
ALWAYS void add_columns(k_type type, ahead *list, const void *from, int64_t ld, int64_t n)
{
    const int64_t size = type == K_BF16 ? 2 : 4, n_lines = (NR * size + 63) / 64;
    const char *row = from;
    const void **line = list->line + list->n;
    n = min64(n, (MOST_AHEAD - list->n) / n_lines);
    for (int64_t i = 0; i < n; i++, row += ld * size)
#pragma GCC unroll 2
        for (int64_t j = 0; j < n_lines; j++)
            *line++ = row + j * 64;
    list->n += n * n_lines;
}

/* The share-th of n_shares of the panel that comes next, as it lies in b: of this block of k, or
 * the first one of the block after it. */
static void add_panel(ahead *list, const layout *plan, const area *w, int64_t panel, int64_t share,
                      int64_t n_shares)
{
    const product *p = plan->p;
    const bool is_of_block = panel + 1 < w->panel + w->n_panels;
    if (!is_of_block && !w->next_a)
        return;
    panel = is_of_block ? panel + 1 : w->panel;
    const int64_t slot = is_of_block ? w->slot : w->next_slot,
                  n_slots = min64(w->n_slots, plan->n_slots - slot);
    int64_t begin = n_slots * share / n_shares, end = n_slots * (share + 1) / n_shares;
    if (p->b_form == B_PACKED) {
        begin = begin * NR / plan->k_per_row;
        end = end * NR / plan->k_per_row;
        add_ahead(list, (const char *)(packed_panel(plan, slot, panel) + begin),
                  (end - begin) * (int64_t)sizeof(float));
    } else if (p->b_form == B_BY_K) {
        const int64_t k = plan->kind == SLOT_DOT ? 2 : 1, first = (slot + begin) * k;
        BY_TYPE(p->b_type, add_columns, list, at(p->b_type, p->b, first * p->ldb + panel * NR),
                p->ldb, min64((end - begin) * k, p->k - first));
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

/* A panel, or a few that are adjacent and packed, on its way under all the rows of a part. */
typedef struct sweep {
    int64_t panel, n_panels;
    slot_kind kind;
    tile_fn *keeping;       /* for the first rows, or NULL */
    bool is_begun, is_last; /* there are sums of blocks before; there is no block after */
    bool in_scratch;        /* where sums wait */
    tile_args t;
} sweep;

/* The tile for the first rows under a panel that is not as the tiles want it, and brings it into
 * form; NULL where there is none. Rows of b that are whole small pages apart share a few places in
 * the caches, are not there when their turn comes, and a tile can wait for fewer of them at a time
 * than fill_b does. */
static tile_fn *choose_keeping(const layout *plan, int64_t panel, int64_t height)
{
    const tiles *all = &LEVEL(k_tiles);
    const product *p = plan->p;
    if (plan->kind == SLOT_DOT)
        return NULL;
    if (p->b_form == B_PACKED)
        return p->a_by_k                   ? NULL
               : plan->narrow == SLOT_HALF ? all->keep_half[height]
                                           : all->keep_pair[height];
    if (p->b_form == B_BY_J || (panel + 1) * NR > p->n ||
        p->ldb * (int64_t)k_type_size(p->b_type) % 4096 == 0)
        return NULL;
    if (p->b_type == K_BF16)
        return p->a_by_k ? all->keep_tile_bf16[height] : all->keep_rows_bf16[height];
    return p->a_by_k ? all->keep_tile[height] : all->keep_rows[height];
}

static sweep begin_sweep(const layout *plan, const area *w, const bench *s, int64_t panel)
{
    const product *p = plan->p;
    sweep r = { .panel = panel,
                .kind = plan->kind,
                .is_begun = w->slot > 0 || p->accumulate,
                .is_last = w->slot + w->n_slots >= plan->n_slots,
                .in_scratch = waits_in_scratch(p, panel),
                .t = { .ldb = NR, .pair = plan->panel_size } };
    int64_t n_adjacent = w->panel + w->n_panels - panel;
    if (!r.in_scratch && waits_in_scratch(p, panel + n_adjacent - 1))
        n_adjacent--;
    const int64_t n_rows_of_b = /* packed: zeroes fill up a last pair */
        (w->n_slots + plan->k_per_row - 1) / plan->k_per_row;
    if (p->b_form == B_PACKED && (plan->k_per_row == 1 || w->n_rows <= FEW)) {
        r.t.b = packed_panel(plan, w->slot, panel);
        r.t.n_k = n_rows_of_b;
        r.kind = plan->k_per_row == 2 ? plan->narrow : r.kind;
    } else {
        r.keeping = choose_keeping(plan, panel, tile_height(0, w->n_rows));
        if (!r.keeping)
            fill_b(plan, w, panel, s->b);
        r.t.b = s->b;
        r.t.n_k = p->b_form == B_PACKED ? n_rows_of_b * plan->k_per_row : w->n_slots;
        n_adjacent = 1;
    }
    r.n_panels = tile_width(plan, r.kind, w->n_rows, n_adjacent);
    return r;
}

/* Where the tile of `height` rows from `row` on begins its sums and leaves them; and what is
 * fetched under it: c that it or the tile after it will want, and shares of the next panel and of
 * the next rows. */
static void place_tile(ahead *list, sweep *r, const layout *plan, const area *w, const bench *s,
                       int64_t row, int64_t height, int64_t number)
{
    const product *p = plan->p;
    tile_args *t = &r->t;
    const int64_t n_tiles = (w->n_rows + MR - 1) / MR, in_part = (r->panel - w->panel) * NR,
                  in_c = (w->row + row) * p->ldc + r->panel * NR,
                  ld = r->in_scratch ? s->c_row : p->ldc;
    float *sums = r->in_scratch ? s->c + row * s->c_row + in_part : (float *)p->c + in_c;
    if (plan->is_a_direct) {
        t->a = (const float *)p->a + (w->row + row) * p->lda + w->slot;
        t->lda = p->lda;
    } else {
        t->a = s->a + (p->a_by_k ? tile_at(row, number) : row * AK);
        t->lda = AK;
    }
    t->init = r->is_begun ? sums : s->bias + in_part;
    t->ldi = r->is_begun ? ld : 0;
    t->c = r->in_scratch && r->is_last ? s->out : sums;
    t->ldc = r->in_scratch && r->is_last ? r->n_panels * NR : ld;
    list->n = 0;
    if (r->is_last && p->c_type == K_BF16)
        add_columns(K_BF16, list, at(K_BF16, p->c, in_c), p->ldc, height);
    else if (row + height < w->n_rows && (r->is_begun || !r->in_scratch))
        add_columns(K_F32, list, sums + height * ld, ld, height);
    add_panel(list, plan, w, r->panel, number, n_tiles);
    add_rows(list, w, (r->panel - w->panel) * n_tiles + number, w->n_panels * n_tiles);
    t->ahead = list->line;
}

static void run_tile(tile_fn *fn, tile_args *t, const ahead *list)
{
    t->n_ahead = min64(list->n, t->n_k);
    t->every = t->n_ahead > 0 ? t->n_k / t->n_ahead : 1;
    fn(t);
}

/* The first tile under a panel reads b as it lies. */
static void run_keeping(const sweep *r, const layout *plan, const area *w, const bench *s,
                        const ahead *list)
{
    const product *p = plan->p;
    tile_args t = r->t;
    t.kept = s->b;
    if (p->b_form == B_PACKED) {
        t.b = packed_panel(plan, w->slot, r->panel);
        t.n_k /= 2;
    } else {
        t.b = at(p->b_type, p->b, w->slot * p->ldb + r->panel * NR);
        t.ldb = p->ldb;
    }
    run_tile(r->keeping, &t, list);
}

/* The sums a tile has finished in scratch go to their place in c. */
static void put_out(const product *p, const float *out, int64_t ld, int64_t row, int64_t n_rows,
                    int64_t col)
{
    const int64_t n = min64(ld, p->n - col);
    for (int64_t i = 0; i < n_rows; i++, out += ld) {
        const int64_t to = (row + i) * p->ldc + col;
        if (p->c_type == K_BF16)
            for (V_EACH(j, n))
                v_write(K_BF16, p->c, to + j, to + n, v_load(out + j));
        else
            memcpy((float *)p->c + to, out, (size_t)n * sizeof *out);
    }
}

/* All rows of the part under one panel, or under a few that are adjacent and packed. Returns how
 * many. */
static int64_t run_panels(const layout *plan, const area *w, const bench *s, int64_t panel)
{
    sweep r = begin_sweep(plan, w, s, panel);
    ahead next;
    for (int64_t row = 0, number = 0; row < w->n_rows; number++) {
        const int64_t height = tile_height(row, w->n_rows);
        place_tile(&next, &r, plan, w, s, row, height, number);
        if (r.keeping && row == 0)
            run_keeping(&r, plan, w, s, &next);
        else
            run_tile(choose_tile(plan, r.kind, height, r.n_panels), &r.t, &next);
        if (r.in_scratch && r.is_last)
            put_out(plan->p, s->out, r.t.ldc, w->row + row, height, panel * NR);
        row += height;
    }
    return r.n_panels;
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
    if (!p->accumulate)
        return;
    const int64_t begin = p->c_type == K_BF16 ? 0 : n / NR * NR; /* columns that wait in scratch */
    for (int64_t i = 0; i < w->n_rows; i++) {
        float *sum = s->c + i * s->c_row;
        const int64_t from = (w->row + i) * p->ldc + col;
        for (int64_t j = begin; j < n; j++)
            sum[j] = s_get(p->c_type, p->c, from + j) + s->bias[j];
        for (int64_t j = n; j < w->n_panels * NR; j++)
            sum[j] = 0;
        for (int64_t j = 0; p->bias && j < begin; j++)
            ((float *)p->c)[from + j] += s->bias[j];
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
    w->next_slot = slot;
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
        if (!plan->is_a_direct)
            fill_a(plan, w, s->a);
        look_ahead(plan, w, w->row + w->n_rows, end_row);
        for (int64_t panel = w->panel; panel < w->panel + w->n_panels;)
            panel += run_panels(plan, w, s, panel);
        w->slot += plan->block;
    } while (w->slot < plan->n_slots);
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
    s.b = s.a + A_FLOATS;
    s.bias = s.b + AK * NR;
    s.out = s.bias + COLS;
    s.c = s.out + MR * NR;
    s.c_row = w.n_panels * NR + 16; /* an odd number of lines: rows are not in each other's way */
    /* fewer where no panel is brought into form for them: they stay in the cache */
    const bool is_b_direct = p->b_form == B_PACKED && plan->k_per_row == 1;
    const int64_t most = is_b_direct ? ROWS * 2 / 3 : ROWS, n_blocks = (n_rows + most - 1) / most,
                  each = ((n_rows + n_blocks - 1) / n_blocks + MR - 1) / MR * MR;
    for (int64_t row = 0; row < n_rows; row += each) {
        w.row = first + row;
        w.n_rows = min64(each, n_rows - row);
        run_rows(plan, &w, &s, first + n_rows);
    }
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
    const int64_t least = (n_panels * NR + COLS - 1) / COLS; /* scratch holds no more of a part */
    int64_t rows = 1, cols = least;
    if (is_direct || p->m > 4 * ROWS * threads)
        rows = max64(rows, min64((n_most + cols - 1) / cols, p->m / (4 * MR)));
    cols = max64(cols, min64((n_most + rows - 1) / rows, (n_panels + 3) / 4));
    const int64_t most_rows = is_direct ? p->m / (4 * MR) : (p->m + ROWS - 1) / ROWS;
    rows = max64(rows, min64((n_most + cols - 1) / cols, most_rows));
    const int64_t even = cols / threads * threads; /* or some threads wait for the last part */
    if (rows == 1 && even >= least)
        cols = even;
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

/* Whether tiles read rows of a where they lie: floats, an even number of them where b is in pairs.
 * Rows that are some 2 KB apart share a few places in the caches, too few for all of a part. */
static bool may_read_a(const layout *plan)
{
    const product *p = plan->p;
    return !p->a_by_k && p->a_type == K_F32 && p->lda % 512 != 0 &&
           (p->b_form != B_PACKED || plan->k_per_row == 1 || p->k % 2 == 0);
}

size_t LEVEL(k_product_bytes)(const fast_device *dev, const product *p)
{
    (void)p;
    return (size_t)k_pool_threads(dev->pool) * BENCH_FLOATS * sizeof(float);
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
    plan.is_a_direct = may_read_a(&plan);
    cut(&plan);
    k_pool_run(dev->pool, plan.n_row_parts * plan.n_col_parts, run_part, &plan);
    return K_OK;
}
