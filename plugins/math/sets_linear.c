/* sets_linear.c -- expressions that are linear in pi and in one unknown, with rational
 * coefficients: nearly all there is in practice, and cheap. SPDX-License-Identifier: Apache-2.0 */
#include "math/sets_inner.h"

void sets_linear_init(set_linear *l)
{
    for (int i = 0; i < 4; i++)
        fmpq_init(&l->c[i]);
}

void sets_linear_fini(set_linear *l)
{
    for (int i = 0; i < 4; i++)
        fmpq_clear(&l->c[i]);
}

/* a *= b; false: pi^2 or x^2 comes out of it. */
static bool times(set_linear *a, const set_linear *b)
{
    set_linear r;
    fmpq_t t;
    bool ok = true;
    sets_linear_init(&r);
    fmpq_init(t);
    for (unsigned i = 0; i < 4; i++)
        for (unsigned j = 0; j < 4; j++) {
            if (fmpq_is_zero(&a->c[i]) || fmpq_is_zero(&b->c[j]))
                continue;
            if (i & j) {
                ok = false;
                continue;
            }
            fmpq_mul(t, &a->c[i], &b->c[j]);
            fmpq_add(&r.c[i | j], &r.c[i | j], t);
        }
    fmpq_clear(t);
    for (int i = 0; i < 4; i++)
        fmpq_swap(&a->c[i], &r.c[i]);
    sets_linear_fini(&r);
    return ok;
}

static bool over(set_linear *a, const set_linear *b)
{
    if (!fmpq_is_zero(&b->c[1]) || !fmpq_is_zero(&b->c[2]) || !fmpq_is_zero(&b->c[3]) ||
        fmpq_is_zero(&b->c[0]))
        return false;
    for (int i = 0; i < 4; i++)
        fmpq_div(&a->c[i], &a->c[i], &b->c[0]);
    return true;
}

/* Costs stay bounded: a coefficient that grows beyond this is some other function's business. */
static bool is_small(const set_linear *l)
{
    enum { BITS = 4096 };
    for (int i = 0; i < 4; i++)
        if (fmpz_bits(fmpq_numref(&l->c[i])) > BITS || fmpz_bits(fmpq_denref(&l->c[i])) > BITS)
            return false;
    return true;
}

static bool constant(set_work *w, math_side s, set_linear *out)
{
    return !sets_has_name(w, s) && math_eval_q(s, &w->env, &out->c[0]) == EVAL_OK;
}

/* a turn of 180 degrees is pi */
static bool degrees(set_linear *l)
{
    if (!fmpq_is_zero(&l->c[1]) || !fmpq_is_zero(&l->c[3]))
        return false;
    fmpq_t half_turn;
    fmpq_init(half_turn);
    fmpq_set_si(half_turn, 180, 1);
    fmpq_div(&l->c[1], &l->c[0], half_turn);
    fmpq_div(&l->c[3], &l->c[2], half_turn);
    fmpq_zero(&l->c[0]);
    fmpq_zero(&l->c[2]);
    fmpq_clear(half_turn);
    return true;
}

static bool combined(set_linear *sum, const set_linear *part, unsigned kind)
{
    if (kind == M_MUL)
        return times(sum, part);
    if (kind == M_DIV)
        return over(sum, part);
    for (int i = 0; i < 4; i++)
        fmpq_add(&sum->c[i], &sum->c[i], &part->c[i]);
    return true;
}

/* Depth: the tree's, MATH_DEPTH. NOLINTNEXTLINE(misc-no-recursion) */
bool sets_linear(set_work *w, math_side s, set_linear *out)
{
    const math_node *x = math_side_node(s);
    if (!math_spend(w->budget, 2))
        return false;
    if (w->name.tree && sets_is_name(w, s)) {
        fmpq_one(&out->c[2]);
        return true;
    }
    switch (x->kind) {
    case M_NUM:
        return math_number(s, &out->c[0]);
    case M_PI:
        fmpq_one(&out->c[1]);
        return true;
    case M_NEG:
        if (!sets_linear(w, math_side_kid(s, 0), out))
            return false;
        for (int i = 0; i < 4; i++)
            fmpq_neg(&out->c[i], &out->c[i]);
        return true;
    case M_DEGREE:
        return sets_linear(w, math_side_kid(s, 0), out) && degrees(out);
    case M_ADD:
    case M_MUL:
    case M_DIV:
        break;
    default:
        return constant(w, s, out);
    }
    bool ok = sets_linear(w, math_side_kid(s, 0), out);
    for (uint32_t i = 1; i < x->n && ok; i++) {
        set_linear part;
        sets_linear_init(&part);
        ok = sets_linear(w, math_side_kid(s, i), &part) && combined(out, &part, x->kind) &&
             is_small(out);
        sets_linear_fini(&part);
    }
    return ok;
}

static math_id integer(math_tree *t, const fmpz_t n)
{
    if (fmpz_fits_si(n))
        return math_int(t, fmpz_get_si(n));
    char *digits = fmpz_get_str(NULL, 10, n);
    bool negative = digits[0] == '-';
    assay_str text = { digits + negative, strlen(digits + negative) };
    math_id id = text.len <= MATH_DIGITS ? math_leaf(t, M_NUM, text) : 0;
    flint_free(digits);
    return negative ? math_1(t, M_NEG, 0, id) : id;
}

static math_id fraction(math_tree *t, const fmpq_t q)
{
    math_id top = integer(t, fmpq_numref(q));
    return fmpz_is_one(fmpq_denref(q)) ? top : math_2(t, M_DIV, 0, top, integer(t, fmpq_denref(q)));
}

math_side sets_number(set_work *w, const fmpq_t p, const fmpq_t q)
{
    math_tree *t = &w->scratch;
    math_id id = 0;
    if (!fmpq_is_zero(q))
        id = math_2(t, M_MUL, 0, fraction(t, q), math_leaf(t, M_PI, (assay_str){ "", 0 }));
    if (fmpq_is_zero(q))
        id = fraction(t, p);
    else if (!fmpq_is_zero(p))
        id = math_2(t, M_ADD, 0, fraction(t, p), id);
    return (math_side){ t, id };
}
