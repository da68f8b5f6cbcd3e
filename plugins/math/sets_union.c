/* sets_union.c -- end points in exact order, and sets as rows of bits over the cells between them.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

#include <math.h>

void sets_init(set_work *w, math_budget *budget, unsigned log_base)
{
    w->budget = budget;
    w->env = (math_env){ .log_base = log_base, .budget = budget };
    w->blame = MATH_BLAME_A;
    w->why = WHY_NONE;
    w->why_blame = 0;
    w->symbolic = w->ill[0] = w->ill[1] = w->bound = false;
    w->name = (math_side){ .tree = NULL };
    w->reals = w->few_reals;
    w->ops = w->few_ops;
    w->cap_reals = SET_FEW;
    w->cap_ops = 2 * SET_FEW;
    w->n_reals = w->n_ops = w->height = w->highest = w->n_order = w->words = 0;
    w->split = UINT32_MAX;
    w->order = w->few_order;
    w->bits = w->few_bits;
    w->scratch = (math_tree){ .n = 0 };
}

static void free_qqbar(set_real *r)
{
    if (!r->qqbar)
        return;
    qqbar_clear(r->qqbar);
    pc_free(r->qqbar);
}

void sets_fini(set_work *w)
{
    for (uint32_t i = 0; i < w->n_reals; i++) {
        fmpq_clear(w->reals[i].q);
        sets_root_free(w->reals[i].root);
        free_qqbar(&w->reals[i]);
    }
    if (w->reals != w->few_reals)
        pc_free(w->reals);
    if (w->ops != w->few_ops)
        pc_free(w->ops);
    if (w->order != w->few_order)
        pc_free(w->order);
    if (w->bits != w->few_bits)
        pc_free(w->bits);
    math_tree_fini(&w->scratch);
}

bool sets_fail(set_work *w, math_reason why)
{
    if (w->why == WHY_NONE) {
        w->why = why;
        w->why_blame = w->blame;
    }
    return false;
}

static bool spend(set_work *w, int64_t steps)
{
    return math_spend(w->budget, steps) || sets_fail(w, WHY_BUDGET);
}

/* A list that began in `few`, with room for one more; NULL: too long, or no memory. */
static void *room(void *items, const void *few, uint32_t n, uint32_t *cap, uint32_t most,
                  size_t size)
{
    if (n < *cap)
        return items;
    if (*cap >= most)
        return NULL;
    void *bigger = pc_realloc(items == few ? NULL : items, (size_t)*cap * 4, size);
    if (bigger && items == few)
        memcpy(bigger, few, n * size);
    if (bigger)
        *cap *= 4;
    return bigger;
}

/* ---- end points ---- */

static set_real *new_real(set_work *w, set_real_kind kind, uint32_t *id)
{
    set_real *list = spend(w, 1) ? room(w->reals, w->few_reals, w->n_reals, &w->cap_reals,
                                        SET_REALS, sizeof *list)
                                 : NULL;
    if (!list) {
        sets_fail(w, WHY_BUDGET);
        return NULL;
    }
    w->reals = list;
    *id = w->n_reals;
    set_real *r = &list[w->n_reals++];
    *r = (set_real){ .kind = (uint8_t)kind, .blame = (uint8_t)w->blame, .same = *id };
    fmpq_init(r->q);
    return r;
}

static void set_bounds(set_real *r, const arb_t x)
{
    arf_t end;
    arf_init(end);
    arb_get_lbound_arf(end, x, 64);
    r->lo = arf_get_d(end, ARF_RND_FLOOR);
    arb_get_ubound_arf(end, x, 64);
    r->hi = arf_get_d(end, ARF_RND_CEIL);
    arf_clear(end);
    r->bounded = true;
}

static bool need_bounds(set_work *w, set_real *r)
{
    if (r->bounded)
        return true;
    if (r->kind == REAL_ALGEBRAIC) {
        if (!sets_refine(w, r->root, 50))
            return false;
        set_bounds(r, r->root->ball);
        return true;
    }
    arb_t x;
    arb_init(x);
    arb_set_fmpq(x, r->q, 64);
    set_bounds(r, x);
    arb_clear(x);
    return true;
}

bool sets_add_q(set_work *w, const fmpq_t q, uint32_t *id)
{
    set_real *r = new_real(w, REAL_Q, id);
    if (r)
        fmpq_set(r->q, q);
    return r;
}

bool sets_add_root(set_work *w, set_root *root)
{
    uint32_t id;
    set_real *r = new_real(w, REAL_ALGEBRAIC, &id);
    if (r)
        r->root = root;
    return r;
}

bool sets_need_qqbar(set_work *w, set_real *r)
{
    if (r->qqbar)
        return true;
    qqbar_t x;
    qqbar_init(x);
    bool ok = math_eval_qqbar(r->side, &w->env, x) == EVAL_OK && qqbar_is_real(x);
    if (ok)
        r->qqbar = pc_calloc(1, sizeof *r->qqbar);
    if (r->qqbar) {
        qqbar_init(r->qqbar);
        qqbar_swap(r->qqbar, x);
    }
    qqbar_clear(x);
    return r->qqbar;
}

static bool eval_failed(set_work *w, math_eval e)
{
    if (e == EVAL_OUTSIDE)
        w->symbolic = true;
    return sets_fail(w, e == EVAL_BUDGET      ? WHY_BUDGET
                        : e == EVAL_UNDEFINED ? WHY_UNDEFINED
                                              : WHY_OPAQUE);
}

/* A real number that is not rational: its enclosure, and the tree for when that does not do. */
static bool add_expr(set_work *w, math_side s, uint32_t *id)
{
    acb_t x;
    acb_init(x);
    math_eval e = math_eval_acb(s, &w->env, x, 64);
    set_real *r = NULL;
    if (e != EVAL_OK && e != EVAL_HUGE) {
        eval_failed(w, e);
    } else if ((r = new_real(w, REAL_EXPR, id))) {
        r->side = s;
        r->bounded = true;
        r->lo = -INFINITY;
        r->hi = INFINITY;
        if (e == EVAL_HUGE)
            *(arf_sgn(arb_midref(acb_realref(x))) > 0 ? &r->lo : &r->hi) = 0;
        else
            set_bounds(r, acb_realref(x));
        bool real = e == EVAL_HUGE || arb_is_zero(acb_imagref(x)) ||
                    (arb_contains_zero(acb_imagref(x)) && sets_need_qqbar(w, r));
        if (!real) {
            sets_fail(w, WHY_OPAQUE);
            r = NULL;
        }
    }
    acb_clear(x);
    return r;
}

bool sets_add_real(set_work *w, math_side s, uint32_t *id)
{
    const math_node *x = math_side_node(s);
    bool negative = x->kind == M_NEG && math_side_node(math_side_kid(s, 0))->kind == M_INF;
    if (negative || x->kind == M_INF) {
        *id = negative ? SET_MINUS_INF : SET_PLUS_INF;
        return true;
    }
    fmpq_t q;
    fmpq_init(q);
    math_eval e = math_is_scalar((math_kind)x->kind) ? math_eval_q(s, &w->env, q) : EVAL_OUTSIDE;
    bool ok = e == EVAL_OK        ? sets_add_q(w, q, id)
              : e == EVAL_OUTSIDE ? math_is_scalar((math_kind)x->kind) && add_expr(w, s, id)
                                  : eval_failed(w, e);
    fmpq_clear(q);
    return ok || sets_fail(w, WHY_OPAQUE);
}

/* ---- order ---- */

static math_side side_of(set_work *w, const set_real *r)
{
    if (r->kind == REAL_EXPR)
        return r->side;
    fmpq_t zero;
    fmpq_init(zero);
    math_side s = sets_number(w, r->q, zero);
    fmpq_clear(zero);
    return s;
}

/* Two numbers whose enclosures overlap, neither of them a root. */
static bool exact_order(set_work *w, const set_real *a, const set_real *b, int *order)
{
    *order = 0;
    if (a->kind == REAL_EXPR && b->kind == REAL_EXPR && spend(w, 4) &&
        math_same_tree(a->side.tree, a->side.id, b->side.tree, b->side.id))
        return true;
    math_side x = side_of(w, a), y = side_of(w, b);
    return x.id && y.id && math_value_compare(x, y, &w->env, order);
}

/* Calls itself once, with the two exchanged. NOLINTNEXTLINE(misc-no-recursion) */
static bool try_compare(set_work *w, set_real *a, set_real *b, int *order)
{
    if (a->kind == REAL_ALGEBRAIC && b->kind == REAL_Q)
        return sets_root_to_q(w, a->root, b->q, order);
    if (a->kind == REAL_ALGEBRAIC && b->kind == REAL_ALGEBRAIC)
        return sets_root_to_root(w, a->root, b->root, order);
    if (b->kind == REAL_ALGEBRAIC) {
        bool known = try_compare(w, b, a, order);
        *order = -*order;
        return known;
    }
    if (!need_bounds(w, a) || !need_bounds(w, b))
        return false;
    *order = a->hi < b->lo ? -1 : a->lo > b->hi;
    if (*order)
        return true;
    return a->kind == REAL_ALGEBRAIC ? sets_root_to_expr(w, a->root, b, order)
                                     : exact_order(w, a, b, order);
}

bool sets_compare(set_work *w, uint32_t ia, uint32_t ib, int *order)
{
    set_real *a = &w->reals[ia], *b = &w->reals[ib];
    if (a->kind == REAL_Q && b->kind == REAL_Q) {
        *order = fmpq_cmp(a->q, b->q);
        return true;
    }
    if (spend(w, 1) && try_compare(w, a, b, order))
        return true;
    w->blame = a->blame | b->blame;
    return sets_fail(w, w->budget->steps < 0 ? WHY_BUDGET : WHY_ZERO_TEST);
}

/* Two sorted runs into one; of equal reals the first stays and the other remembers it. Returns the
 * length. */
static uint32_t merge(set_work *w, uint32_t *run, uint32_t n_a, uint32_t n_b, uint32_t *spare)
{
    uint32_t i = 0, j = n_a, n = 0;
    while (i < n_a && j < n_a + n_b) {
        int order = 0;
        if (!sets_compare(w, run[i], run[j], &order))
            return 0;
        if (order == 0)
            w->reals[run[j++]].same = run[i];
        else
            spare[n++] = order < 0 ? run[i++] : run[j++];
    }
    while (i < n_a)
        spare[n++] = run[i++];
    while (j < n_a + n_b)
        spare[n++] = run[j++];
    memcpy(run, spare, n * sizeof *run);
    return n;
}

/* Depth: log2(SET_REALS). NOLINTNEXTLINE(misc-no-recursion) */
static uint32_t sorted(set_work *w, uint32_t *run, uint32_t n, uint32_t *spare)
{
    if (n < 2)
        return n;
    uint32_t half = n / 2, a = sorted(w, run, half, spare);
    uint32_t b = a ? sorted(w, run + half, n - half, spare) : 0;
    if (b && a < half)
        memmove(run + a, run + half, b * sizeof *run);
    return b ? merge(w, run, a, b, spare) : 0;
}

static bool sort_reals(set_work *w)
{
    if (w->n_reals > SET_FEW) {
        w->order = pc_calloc((size_t)w->n_reals * 2, sizeof *w->order);
        if (!w->order) {
            w->order = w->few_order;
            return sets_fail(w, WHY_BUDGET);
        }
    }
    for (uint32_t i = 0; i < w->n_reals; i++)
        w->order[i] = i;
    if (!spend(w, (int64_t)w->n_reals * (int64_t)FLINT_BIT_COUNT(w->n_reals) / 8))
        return false;
    w->n_order = sorted(w, w->order, w->n_reals, w->order + w->n_reals);
    if (w->n_reals && !w->n_order)
        return false;
    for (uint32_t i = 0; i < w->n_order; i++)
        w->reals[w->order[i]].rank = i;
    for (uint32_t i = 0; i < w->n_reals; i++) {
        uint32_t at = i;
        while (w->reals[at].same != at)
            at = w->reals[at].same;
        w->reals[i].rank = w->reals[at].rank;
        w->reals[i].same = at;
    }
    return true;
}

/* ---- the machine ---- */

static bool emit(set_work *w, set_op op)
{
    set_op *list =
        spend(w, 1) ? room(w->ops, w->few_ops, w->n_ops, &w->cap_ops, SET_OPS, sizeof *list) : NULL;
    if (!list)
        return sets_fail(w, WHY_BUDGET);
    w->ops = list;
    list[w->n_ops++] = op;
    return true;
}

bool sets_op(set_work *w, set_opcode code)
{
    if (code == SET_EMPTY)
        w->height++;
    else if (code != SET_NOT)
        w->height--;
    w->highest = w->height > w->highest ? w->height : w->highest;
    return emit(w, (set_op){ .code = (uint8_t)code });
}

bool sets_system(set_work *w, uint32_t n)
{
    w->height -= n - 1;
    return emit(w, (set_op){ .code = SET_SYSTEM, .lo = n });
}

bool sets_piece(set_work *w, uint32_t lo, uint32_t hi, unsigned flags)
{
    return emit(w, (set_op){ .code = SET_PIECE, .flags = (uint8_t)flags, .lo = lo, .hi = hi });
}

/* Bits from..to, both included. */
static void fill(uint64_t *row, uint32_t from, uint32_t to)
{
    uint64_t first = ~(uint64_t)0 << (from & 63), last = ~(uint64_t)0 >> (63 - (to & 63));
    if (from >> 6 == to >> 6) {
        row[from >> 6] |= first & last;
        return;
    }
    row[from >> 6] |= first;
    for (uint32_t i = (from >> 6) + 1; i < to >> 6; i++)
        row[i] = ~(uint64_t)0;
    row[to >> 6] |= last;
}

/* Cells: 2 i is the gap before the i-th end point, 2 i + 1 the point. False: the interval is ill
 * formed. */
static bool add_piece(const set_work *w, const set_op *op, uint64_t *row)
{
    int64_t n = w->n_order;
    int64_t lo = op->lo == SET_MINUS_INF  ? -1
                 : op->lo == SET_PLUS_INF ? n
                                          : (int64_t)w->reals[op->lo].rank;
    int64_t hi = op->hi == SET_MINUS_INF  ? -1
                 : op->hi == SET_PLUS_INF ? n
                                          : (int64_t)w->reals[op->hi].rank;
    if (op->flags & SET_LITERAL &&
        (lo > hi || (lo == hi && (lo < 0 || lo == n || op->flags & SET_PAIR_LITERAL))))
        return false;
    int64_t from = 2 * lo + 2 - (op->flags & MATH_LO_CLOSED && lo >= 0 && lo < n);
    int64_t to = 2 * hi + (op->flags & MATH_HI_CLOSED && hi >= 0 && hi < n);
    if (from <= to)
        fill(row, (uint32_t)from, (uint32_t)to);
    return true;
}

static void take_system(const set_work *w, uint64_t *rows, uint32_t n)
{
    bool any = false;
    for (uint32_t k = 0; k < w->words; k++) {
        uint64_t all = rows[k];
        for (uint32_t i = 1; i < n; i++)
            all &= rows[(size_t)i * w->words + k];
        any = any || all;
    }
    for (uint32_t k = 0; k < w->words; k++)
        for (uint32_t i = 1; i < n; i++) {
            uint64_t other = rows[(size_t)i * w->words + k];
            rows[k] = any ? rows[k] & other : rows[k] | other;
        }
}

/* Bits beyond the last cell stay 0. */
static void complement(const set_work *w, uint64_t *row)
{
    for (uint32_t k = 0; k < w->words; k++)
        row[k] = ~row[k];
    uint32_t used = (2 * w->n_order + 1) & 63;
    if (used)
        row[w->words - 1] &= ~(uint64_t)0 >> (64 - used);
}

static void combine(const set_work *w, unsigned code, uint64_t *below, const uint64_t *top)
{
    for (uint32_t k = 0; k < w->words; k++)
        below[k] = code == SET_UNION       ? below[k] | top[k]
                   : code == SET_INTERSECT ? below[k] & top[k]
                                           : below[k] & ~top[k];
}

static bool need_bits(set_work *w)
{
    w->words = (2 * w->n_order + 1 + 63) / 64;
    size_t all = (size_t)w->words * (w->highest + 1);
    if (!spend(w, (int64_t)w->n_ops * (8 + w->words) / 64))
        return false;
    if (all <= SET_WORDS)
        return true;
    uint64_t *bits = pc_calloc(all, sizeof *bits);
    if (!bits)
        return sets_fail(w, WHY_BUDGET);
    w->bits = bits;
    return true;
}

bool sets_run(set_work *w)
{
    if (!sort_reals(w) || !need_bits(w))
        return false;
    uint32_t depth = 0;
    for (uint32_t i = 0; i < w->n_ops; i++) {
        const set_op *op = &w->ops[i];
        uint64_t *top = w->bits + (size_t)(depth ? depth - 1 : 0) * w->words;
        switch ((set_opcode)op->code) {
        case SET_EMPTY:
            memset(w->bits + (size_t)depth++ * w->words, 0, w->words * sizeof *top);
            break;
        case SET_PIECE:
            if (!add_piece(w, op, top))
                w->ill[i >= w->split] = true;
            break;
        case SET_NOT:
            complement(w, top);
            break;
        case SET_SYSTEM:
            depth -= op->lo - 1;
            take_system(w, w->bits + (size_t)(depth - 1) * w->words, op->lo);
            break;
        case SET_UNION:
        case SET_INTERSECT:
        case SET_WITHOUT:
            depth--;
            combine(w, op->code, top - w->words, top);
            break;
        }
    }
    return true;
}

const uint64_t *sets_result(const set_work *w, uint32_t k)
{
    return w->bits + (size_t)k * w->words;
}

void sets_show(set_work *w, uint32_t id, pc_buf *out)
{
    set_real *r = &w->reals[id];
    if (r->kind == REAL_Q && fmpz_bits(fmpq_numref(r->q)) + fmpz_bits(fmpq_denref(r->q)) <= 64) {
        pc_buf_fmt(out, "%ld", fmpz_get_si(fmpq_numref(r->q)));
        if (!fmpz_is_one(fmpq_denref(r->q)))
            pc_buf_fmt(out, "/%ld", fmpz_get_si(fmpq_denref(r->q)));
        return;
    }
    if (!need_bounds(w, r)) {
        pc_buf_text(out, "a root");
        return;
    }
    pc_buf_fmt(out, "about %.6g", r->lo / 2 + r->hi / 2);
}
