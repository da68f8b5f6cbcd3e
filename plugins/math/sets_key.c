/* sets_key.c -- canonical text of a set: its pieces from left to right, "u:[q:0,q:1)(q:2,inf)".
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

static void add_integer(pc_buf *out, const fmpz_t n)
{
    char *digits = fmpz_get_str(NULL, 10, n);
    pc_buf_text(out, digits);
    flint_free(digits);
}

static void add_rational(pc_buf *out, const fmpq_t q)
{
    add_integer(out, fmpq_numref(q));
    if (!fmpz_is_one(fmpq_denref(q))) {
        pc_buf_byte(out, '/');
        add_integer(out, fmpq_denref(q));
    }
}

/* "a:<coefficients from the constant up>@<the how-maniest real root, from 0>" */
static void add_root(const fmpz_poly_t f, uint32_t ordinal, pc_buf *out)
{
    for (slong i = 0; i < fmpz_poly_length(f); i++) {
        pc_buf_text(out, i ? "," : "a:");
        add_integer(out, f->coeffs + i);
    }
    pc_buf_fmt(out, "@%u", ordinal);
}

static bool add_algebraic(set_work *w, uint32_t id, pc_buf *out)
{
    fmpz_poly_t f; /* w->reals may move */
    fmpz_poly_init(f);
    fmpz_poly_set(f, QQBAR_POLY(w->reals[id].qqbar));
    uint32_t first = 0, n = 0, below = 0;
    int order = -1;
    bool ok = sets_isolate(w, f, &first, &n);
    while (ok && below < n && order < 0) {
        ok = sets_root_to_expr(w, w->reals[first + below].root, &w->reals[id], &order);
        below += order < 0;
    }
    if (ok)
        add_root(f, below, out);
    fmpz_poly_clear(f);
    return ok;
}

/* "p:<p>,<q>" for p + q pi */
static bool add_of_pi(set_work *w, math_side s, pc_buf *out)
{
    set_linear l;
    sets_linear_init(&l);
    bool ok = sets_linear(w, s, &l);
    if (ok) {
        pc_buf_text(out, "p:");
        add_rational(out, &l.c[0]);
        pc_buf_byte(out, ',');
        add_rational(out, &l.c[1]);
    }
    sets_linear_fini(&l);
    return ok;
}

static bool add_end(set_work *w, uint32_t rank, pc_buf *out)
{
    uint32_t id = w->order[rank];
    set_real *r = &w->reals[id];
    if (r->kind == REAL_EXPR && sets_need_qqbar(w, r) && qqbar_is_rational(r->qqbar)) {
        qqbar_get_fmpq(r->q, r->qqbar);
        r->kind = REAL_Q;
    }
    if (r->kind == REAL_Q) {
        pc_buf_text(out, "q:");
        add_rational(out, r->q);
        return true;
    }
    if (r->kind == REAL_ALGEBRAIC) {
        add_root(r->root->f, r->root->ordinal, out);
        return true;
    }
    if (r->qqbar)
        return add_algebraic(w, id, out);
    w->name = (math_side){ .tree = NULL };
    return add_of_pi(w, r->side, out);
}

/* The piece that begins at cell `from` and ends with cell `to`. */
static bool add_piece(set_work *w, uint32_t from, uint32_t to, pc_buf *out)
{
    pc_buf_byte(out, from & 1 ? '[' : '(');
    if (from == 0)
        pc_buf_text(out, "-inf");
    else if (!add_end(w, (from - 1) / 2, out))
        return false;
    pc_buf_byte(out, ',');
    if (to == 2 * w->n_order)
        pc_buf_text(out, "inf");
    else if (!add_end(w, to / 2, out))
        return false;
    pc_buf_byte(out, to & 1 ? ']' : ')');
    return true;
}

static bool add_pieces(set_work *w, pc_buf *out)
{
    const uint64_t *row = sets_result(w, 0);
    uint32_t n = 2 * w->n_order + 1;
    pc_buf_text(out, "u:");
    for (uint32_t i = 0; i < n; i++) {
        uint32_t to = i;
        if (!sets_bit(row, i))
            continue;
        while (to + 1 < n && sets_bit(row, to + 1))
            to++;
        if (!add_piece(w, i, to, out))
            return false;
        i = to;
    }
    return !out->failed;
}

bool math_set_key(math_side s, math_budget *budget, pc_buf *out)
{
    set_work w;
    pc_buf text = { 0 };
    sets_init(&w, budget, 10);
    bool ok =
        !sets_has_log(s) && sets_read(&w, s) && sets_run(&w) && !w.ill[0] && add_pieces(&w, &text);
    if (ok)
        pc_buf_add(out, text.data, text.len);
    pc_buf_fini(&text);
    sets_fini(&w);
    return ok;
}
