/* symbolic_points.c -- expressions with unknowns compared at rational points.
 *
 * Enclosures that lie apart at one point are a proof of difference. Equality needs exact zeros at
 * PROOFS points besides agreement at every point where both sides have a value. Points come from a
 * counter: the first have small numerators and denominators (and so small exact arithmetic), every
 * sign pattern occurs early. SPDX-License-Identifier: Apache-2.0 */
#include "math/symbolic_ratio.h"

enum {
    POINTS = 14,
    AGREEMENTS = 6,
    PROOFS = 2,
    PROOF_TRIES = 4,
    FIRST_BITS = 128,
    LAST_BITS = 1024
};

typedef struct point {
    math_env env;
    math_binding binding[SYM_UNKNOWNS];
    fmpq value[SYM_UNKNOWNS];
} point;

static uint64_t mixed(uint64_t x)
{
    x += UINT64_C(0x9e3779b97f4a7c15);
    x = (x ^ (x >> 30)) * UINT64_C(0xbf58476d1ce4e5b9);
    x = (x ^ (x >> 27)) * UINT64_C(0x94d049bb133111eb);
    return x ^ (x >> 31);
}

/* The k-th point: all positive, all negative, then signs at random; from the ninth on of 20 bits.
 */
static void point_draw(point *p, const sym_facts *f, uint32_t k)
{
    for (uint32_t i = 0; i < f->n_unknowns; i++) {
        uint64_t draw = mixed(mixed(k * 64 + i) ^ 0x5eed);
        slong num, den = 1;
        if (f->is_integer[i]) {
            num = (slong)((draw >> 8) % 9) + 1 + (slong)(k + i) % 2;
        } else {
            const bool is_large = k >= 8;
            num = (slong)((draw >> 8) % (is_large ? 1000003 : 11)) + 1;
            den = (slong)((draw >> 40) % (is_large ? 10007 : 6)) + 2;
            if (num == den)
                num++;
        }
        bool is_negative = k == 1 || (k > 1 && draw & 1);
        if (is_negative && !f->is_counting[i])
            num = -num;
        fmpq_set_si(&p->value[i], num, (ulong)den);
    }
}

static void point_init(point *p, const sym_facts *f, unsigned log_base, math_budget *budget)
{
    for (uint32_t i = 0; i < f->n_unknowns; i++) {
        fmpq_init(&p->value[i]);
        p->binding[i] = (math_binding){ f->unknown[i], &p->value[i] };
    }
    p->env = (math_env){ p->binding, f->n_unknowns, log_base, budget };
}

static void point_fini(point *p, const sym_facts *f)
{
    for (uint32_t i = 0; i < f->n_unknowns; i++)
        fmpq_clear(&p->value[i]);
}

/* "x = 3/7, y = -2" */
static void point_show(const point *p, const sym_facts *f, pc_buf *out)
{
    for (uint32_t i = 0; i < f->n_unknowns && out->len < 60; i++) {
        pc_buf_text(out, i ? ", " : "");
        pc_buf_add(out, f->unknown[i].data, f->unknown[i].len);
        pc_buf_fmt(out, " = %ld", fmpz_get_si(fmpq_numref(&p->value[i])));
        if (!fmpz_is_one(fmpq_denref(&p->value[i])))
            pc_buf_fmt(out, "/%ld", fmpz_get_si(fmpq_denref(&p->value[i])));
    }
}

static void value_show(const acb_t v, pc_buf *out)
{
    pc_buf_fmt(out, "%.6g", arf_get_d(arb_midref(acb_realref(v)), ARF_RND_NEAR));
    if (!arb_contains_zero(acb_imagref(v)))
        pc_buf_fmt(out, "%+.6gi", arf_get_d(arb_midref(acb_imagref(v)), ARF_RND_NEAR));
}

static void note_difference(math_finding *found, const point *p, const sym_facts *f, const acb_t a,
                            const acb_t b)
{
    pc_buf text = { 0 };
    pc_buf_text(&text, "at ");
    point_show(p, f, &text);
    pc_buf_text(&text, ": ");
    value_show(a, &text);
    pc_buf_text(&text, " against ");
    value_show(b, &text);
    assay_str all = pc_buf_str(&text);
    size_t len = all.len < sizeof found->note ? all.len : sizeof found->note - 1;
    while (len < all.len && len > 0 && ((unsigned char)all.data[len] & 0xc0) == 0x80)
        len--; /* between characters */
    memcpy(found->note, all.data, len);
    found->note[len] = 0;
    pc_buf_fini(&text);
}

typedef enum meeting {
    MEET_APART,
    MEET_TOGETHER,
    MEET_NOT_A,
    MEET_NOT_B,
    MEET_NEITHER,
    MEET_LOST
} meeting;

static bool is_sharp(const acb_t v)
{
    return acb_rel_accuracy_bits(v) >= 60 || acb_contains_zero(v);
}

static bool is_odd_literal(math_side s)
{
    assay_str t = math_text(s.tree, s.id);
    return math_side_node(s)->kind == M_NUM && t.len && (t.data[t.len - 1] - '0') % 2 == 1;
}

/* An odd root, whose real value at a negative number is not the principal one. Depth: the tree's.
 * NOLINTNEXTLINE(misc-no-recursion) */
static bool has_odd_root(math_side s)
{
    const math_node *x = math_side_node(s);
    if (x->kind == M_ROOT && is_odd_literal(math_side_kid(s, 0)))
        return true;
    if (x->kind == M_POW) {
        math_side e = math_side_kid(s, 1);
        if (math_side_node(e)->kind == M_DIV && is_odd_literal(math_side_kid(e, 1)))
            return true;
    }
    for (uint32_t i = 0; i < x->n; i++)
        if (has_odd_root(math_side_kid(s, i)))
            return true;
    return false;
}

/* NOLINTNEXTLINE(misc-no-recursion): depth is the tree's */
static bool has_logarithm(math_side s)
{
    const math_node *x = math_side_node(s);
    bool fn = x->kind == M_FUNC &&
              (x->op == FN_LN || x->op == FN_LG || x->op == FN_LOG || x->op == FN_EXP);
    if (fn || x->kind == M_LOG || x->kind == M_E)
        return true;
    for (uint32_t i = 0; i < x->n; i++)
        if (has_logarithm(math_side_kid(s, i)))
            return true;
    return false;
}

/* sqrt(x) cbrt(x) and x^(5/6) are one function where both are real; at x < 0 the conventions for
 * odd and even roots do not fit together, and nobody means that. A logarithm does say that x > 0.
 */
static bool conventions_clash(math_side a, math_side b, const acb_t va, const acb_t vb)
{
    bool complex = !arb_contains_zero(acb_imagref(va)) || !arb_contains_zero(acb_imagref(vb));
    return complex && (has_odd_root(a) || has_odd_root(b)) && !has_logarithm(a) &&
           !has_logarithm(b);
}

/* Values of both sides at one precision. LOST: they may be there, but cost too much, are blurred,
 * or are no numbers of ours; *is_blurred: more bits may help. */
static meeting met(math_side a, math_side b, const point *p, acb_t va, acb_t vb, slong bits,
                   bool *is_blurred)
{
    math_eval ea = math_eval_acb(a, &p->env, va, bits);
    math_eval eb = math_eval_acb(b, &p->env, vb, bits);
    const bool no_a = ea == EVAL_UNDEFINED, no_b = eb == EVAL_UNDEFINED;
    *is_blurred = false;
    if ((ea != EVAL_OK && !no_a) || (eb != EVAL_OK && !no_b))
        return MEET_LOST;
    if (no_a || no_b)
        return no_a && no_b ? MEET_NEITHER : no_a ? MEET_NOT_A : MEET_NOT_B;
    const bool are_values = acb_is_finite(va) && acb_is_finite(vb);
    if (are_values && !acb_overlaps(va, vb))
        return conventions_clash(a, b, va, vb) ? MEET_NEITHER : MEET_APART;
    *is_blurred = !are_values || !is_sharp(va) || !is_sharp(vb);
    return *is_blurred ? MEET_LOST : MEET_TOGETHER;
}

/* At growing precision while they are blurred. */
static meeting meet(math_side a, math_side b, const point *p, acb_t va, acb_t vb)
{
    bool is_blurred = true;
    meeting m = MEET_LOST;
    for (slong bits = FIRST_BITS; is_blurred && bits <= LAST_BITS; bits *= 4)
        m = met(a, b, p, va, vb, bits, &is_blurred);
    return m;
}

typedef struct tally {
    uint32_t together, proved, tried, not_a, not_b, neither, lost;
    math_reason reason; /* why a proof was not had */
} tally;

/* Exact zero at this point? True: the comparison is decided (in *found). */
static bool proved(math_side a, math_side b, const point *p, tally *t, math_finding *found)
{
    if (t->proved >= PROOFS || t->tried >= PROOF_TRIES)
        return false;
    t->tried++;
    math_finding exact = math_value_equal(a, b, &p->env);
    if (exact.truth == MATH_DIFFERENT) {
        *found = math_found(MATH_DIFFERENT, "points");
        return true;
    }
    if (exact.truth == MATH_EQUAL)
        t->proved++;
    else
        t->reason = exact.reason;
    return false;
}

static math_finding judged(const tally *t)
{
    if (t->together >= 3 && t->proved >= PROOFS)
        return math_found(MATH_EQUAL, "points");
    if (t->together == 0 && t->lost == 0 && t->not_a + t->not_b + t->neither > 0) {
        bool a_never = t->not_b == 0, b_never = t->not_a == 0;
        if (a_never != b_never)
            return math_found(MATH_DIFFERENT, "points"); /* one side has no value anywhere */
        return math_open("points", WHY_UNDEFINED,
                         (a_never ? MATH_BLAME_A : 0U) | (b_never ? MATH_BLAME_B : 0U));
    }
    if (t->together == 0)
        return math_open("points", t->lost ? WHY_BUDGET : WHY_UNDEFINED, 0);
    const bool agree = t->together >= 3; /* then only the proof costs too much */
    return math_open("points", t->reason == WHY_BUDGET && !agree ? WHY_BUDGET : WHY_ZERO_TEST, 0);
}

static math_finding points_at_base(math_side a, math_side b, const sym_facts *f, unsigned log_base,
                                   math_budget *budget)
{
    point p;
    acb_t va, vb;
    tally t = { .reason = WHY_ZERO_TEST };
    math_finding found = math_found(MATH_EQUAL, "points");
    bool is_decided = false;
    point_init(&p, f, log_base, budget);
    acb_init(va);
    acb_init(vb);
    for (uint32_t k = 0; !is_decided && k < POINTS && t.together < AGREEMENTS; k++) {
        if (!math_spend(budget, 20)) {
            t.reason = WHY_BUDGET;
            break;
        }
        point_draw(&p, f, k);
        switch (meet(a, b, &p, va, vb)) {
        case MEET_APART:
            found = math_found(MATH_DIFFERENT, "points");
            is_decided = true;
            break;
        case MEET_TOGETHER:
            t.together++;
            is_decided = proved(a, b, &p, &t, &found);
            break;
        case MEET_NOT_A:
            t.not_a++;
            break;
        case MEET_NOT_B:
            t.not_b++;
            break;
        case MEET_NEITHER:
            t.neither++;
            break;
        case MEET_LOST:
            t.lost++;
            break;
        }
        if (is_decided && found.truth == MATH_DIFFERENT)
            note_difference(&found, &p, f, va, vb);
        if (t.lost >= 3 && t.together == 0)
            break;
    }
    acb_clear(va);
    acb_clear(vb);
    point_fini(&p, f);
    return is_decided ? found : judged(&t);
}

math_finding sym_points_equal(math_side a, math_side b, const sym_facts *f, math_budget *budget)
{
    math_finding found = points_at_base(a, b, f, 10, budget);
    if (f->has_log && found.truth != MATH_EQUAL) {
        math_finding other = points_at_base(a, b, f, 0, budget);
        if (other.truth != MATH_DIFFERENT)
            found = other;
    }
    return found;
}

math_finding sym_points_first(math_side a, math_side b, const sym_facts *f, math_budget *budget)
{
    point p;
    acb_t va, vb;
    math_finding found = math_open("points", WHY_NONE, 0);
    if (!math_spend(budget, 20))
        return found;
    point_init(&p, f, 10, budget);
    acb_init(va);
    acb_init(vb);
    point_draw(&p, f, 0);
    meeting m = meet(a, b, &p, va, vb);
    if (m == MEET_TOGETHER)
        found.truth = MATH_EQUAL;
    if (m == MEET_APART && !f->has_log) {
        found.truth = MATH_DIFFERENT;
        note_difference(&found, &p, f, va, vb);
    }
    acb_clear(va);
    acb_clear(vb);
    point_fini(&p, f);
    return found;
}

/* ---- quotients ---- */

/* left - right at p; false: no sharp value. */
static bool difference_at(math_side left, math_side right, const point *p, acb_t out, slong bits)
{
    acb_t v;
    acb_init(v);
    bool ok = math_eval_acb(left, &p->env, out, bits) == EVAL_OK &&
              math_eval_acb(right, &p->env, v, bits) == EVAL_OK;
    if (ok)
        acb_sub(out, out, v, bits);
    acb_clear(v);
    return ok && acb_is_finite(out);
}

/* The quotient at p; false: none. */
static bool quotient_at(const math_side side[4], const point *p, acb_t out)
{
    acb_t below;
    bool ok = false;
    acb_init(below);
    for (slong bits = FIRST_BITS; !ok && bits <= LAST_BITS; bits *= 4) {
        if (!difference_at(side[0], side[1], p, out, bits) ||
            !difference_at(side[2], side[3], p, below, bits))
            break;
        acb_div(out, out, below, bits);
        ok = acb_is_finite(out) && is_sharp(out);
    }
    acb_clear(below);
    return ok;
}

/* left - right with p's values written in. */
static math_id difference_tree(math_tree *t, math_side left, math_side right, const point *p,
                               const sym_facts *f)
{
    math_id part[2];
    for (uint32_t k = 0; k < 2; k++) {
        math_side s = k ? right : left;
        math_id id = math_copy(t, s.tree, s.id, (assay_str){ "", 0 }, 0);
        for (uint32_t i = 0; id && i < f->n_unknowns; i++) {
            math_id num = math_int(t, fmpz_get_si(fmpq_numref(&p->value[i])));
            math_id value =
                math_2(t, M_DIV, 0, num, math_int(t, fmpz_get_si(fmpq_denref(&p->value[i]))));
            id = math_copy(t, t, id, f->unknown[i], value);
        }
        part[k] = id;
    }
    return math_2(t, M_ADD, 0, part[0], math_1(t, M_NEG, 0, part[1]));
}

/* D_a(p) D_b(q) = D_a(q) D_b(p), exactly. */
static math_finding cross_products(const math_side side[4], const point *p, const point *q,
                                   const sym_facts *f, math_budget *budget)
{
    math_tree t = { .n = 0 };
    const math_env env = { .log_base = p->env.log_base, .budget = budget };
    math_id ap = difference_tree(&t, side[0], side[1], p, f),
            bq = difference_tree(&t, side[2], side[3], q, f);
    math_id aq = difference_tree(&t, side[0], side[1], q, f),
            bp = difference_tree(&t, side[2], side[3], p, f);
    math_id left = math_2(&t, M_MUL, 0, ap, bq), right = math_2(&t, M_MUL, 0, aq, bp);
    math_finding found =
        left && right ? math_value_equal((math_side){ &t, left }, (math_side){ &t, right }, &env)
                      : math_open("points", WHY_BUDGET, 0);
    math_tree_fini(&t);
    return found;
}

/* Of a number known not to be zero: 1 or -1 where it is real, else 0. */
static int sign_of(const acb_t value)
{
    if (!arb_contains_zero(acb_imagref(value)))
        return 0;
    return arb_is_positive(acb_realref(value)) ? 1 : -1;
}

math_finding sym_points_ratio(const math_side side[4], const sym_facts *f, int *sign,
                              math_budget *budget)
{
    point p, first;
    acb_t q, constant;
    uint32_t agreed = 0, proofs = 0;
    math_finding found = math_open("points", WHY_ZERO_TEST, 0);
    point_init(&p, f, 10, budget);
    point_init(&first, f, 10, budget);
    acb_init(q);
    acb_init(constant);
    *sign = 0;
    for (uint32_t k = 0; found.truth == MATH_UNDECIDED && k < POINTS && agreed < AGREEMENTS; k++) {
        point_draw(agreed ? &p : &first, f, k);
        if (!math_spend(budget, 40) || !quotient_at(side, agreed ? &p : &first, q))
            continue;
        if (agreed++ == 0) {
            acb_set(constant, q);
            continue;
        }
        bool same = acb_overlaps(constant, q);
        if (same && proofs < PROOFS && agreed <= 1 + PROOF_TRIES) {
            math_truth exact = cross_products(side, &first, &p, f, budget).truth;
            proofs += exact == MATH_EQUAL;
            same = exact != MATH_DIFFERENT;
        }
        if (!same)
            found = math_found(MATH_DIFFERENT, "points");
    }
    if (found.truth == MATH_UNDECIDED && agreed >= 3 && proofs >= PROOFS &&
        !acb_contains_zero(constant)) {
        found = math_found(MATH_EQUAL, "points");
        *sign = sign_of(constant);
    } else if (found.truth == MATH_UNDECIDED && agreed == 0) {
        found.reason = budget->steps < 0 ? WHY_BUDGET : WHY_UNDEFINED; /* nothing was compared */
    }
    acb_clear(q);
    acb_clear(constant);
    point_fini(&p, f);
    point_fini(&first, f);
    return found;
}
