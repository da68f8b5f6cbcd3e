/* value.c -- the ladder: two numbers are compared by the cheapest means that decides.
 *
 * Rungs, and the rule a finding names:
 *  - 1. the same tree: "identical"
 *  - 2. rationals: "rational", decides both ways
 *  - 3. enclosures at 64 bits: "arb", apart is different; "magnitude" beyond 2^(2^40)
 *  - 4. normal forms (radicals, pi, logarithms, functions as atoms): "form", the same is equal
 *  - 5. enclosures at 256 bits
 *  - 6. cyclotomic fields: "cyclotomic", decides both ways
 *  - 7. algebraic numbers: "qqbar", decides both ways
 *  - 8. enclosures at 1024 bits
 *  - 9. Calcium: "calcium", decides where it can
 *  - 10. enclosures at 4096 bits
 *
 * Most numbers that are compared differ, so enclosures come before exact means; numbers that agree
 * to 64 bits are mostly equal, so exact means come before long enclosures.
 * SPDX-License-Identifier: Apache-2.0 */
#include "math/value_form.h"
#include "math/value_inner.h"

/* What is known of one side so far. */
typedef struct number {
    value_scope s;
    math_id id;
    math_eval q;    /* of .value */
    math_eval ball; /* of .enclosure */
    fmpq_t value;
    acb_t enclosure;
} number;

static void number_init(number *x, math_side side, const math_env *env)
{
    x->s = value_scope_of(side, env);
    x->id = side.id;
    x->q = x->ball = EVAL_OUTSIDE;
    fmpq_init(x->value);
    acb_init(x->enclosure);
}

static void number_fini(number *x)
{
    fmpq_clear(x->value);
    acb_clear(x->enclosure);
}

/* An exact means may spend this part of what is left, so that one that fails does not starve what
 * comes after it. */
static int64_t keep_back(const math_env *env)
{
    enum { OF = 5, SPENT = 3 };
    if (!env->budget || env->budget->steps <= 0)
        return 0;
    const int64_t kept = env->budget->steps - env->budget->steps / OF * SPENT;
    env->budget->steps -= kept;
    return kept;
}
static void give_back(const math_env *env, int64_t kept)
{
    if (kept)
        env->budget->steps = kept + (env->budget->steps > 0 ? env->budget->steps : 0);
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
    const int64_t kept = keep_back(a->s.env);
    a->q = value_q(&a->s, a->id, a->value);
    b->q = a->q == EVAL_UNDEFINED ? EVAL_OUTSIDE : value_q(&b->s, b->id, b->value);
    give_back(a->s.env, kept);
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

/* Rungs 3, 5, 8, 10; true: decided, or never will be. */
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

/* Rung 4. Where both enclosures are finite nothing was divided by zero on the way. */
static bool by_forms(number *a, number *b, math_finding *out)
{
    form x = { .n = 0 }, y = { .n = 0 };
    form_atoms atoms = { .n = 0 };
    if (a->ball != EVAL_OK || b->ball != EVAL_OK || !acb_is_finite(a->enclosure) ||
        !acb_is_finite(b->enclosure))
        return false;
    const bool same = form_read(&a->s, a->id, &x, &atoms) && form_read(&b->s, b->id, &y, &atoms) &&
                      form_equal(&x, &y);
    if (same)
        *out = math_found(MATH_EQUAL, "form");
    form_clear(&x);
    form_clear(&y);
    form_atoms_fini(&atoms);
    return same;
}

/* Rung 6: what has no value is left to the next rung, which says which side it is. */
static bool by_cyclotomic_field(number *a, number *b, math_finding *out)
{
    bool equal = false;
    const int64_t kept = keep_back(a->s.env);
    const math_eval e = value_cyclo_equal(&a->s, a->id, &b->s, b->id, &equal);
    give_back(a->s.env, kept);
    if (e != EVAL_OK)
        return false;
    *out = math_found(equal ? MATH_EQUAL : MATH_DIFFERENT, "cyclotomic");
    return true;
}

/* Rung 7. Both algebraic: decided. */
static bool by_algebra(number *a, number *b, math_finding *out)
{
    qqbar_t x, y;
    qqbar_init(x);
    qqbar_init(y);
    const int64_t kept = keep_back(a->s.env);
    const math_eval ea = value_qqbar(&a->s, a->id, x);
    const math_eval eb = ea == EVAL_OK ? value_qqbar(&b->s, b->id, y) : EVAL_OUTSIDE;
    give_back(a->s.env, kept);
    bool decided = undefined(ea, eb, out);
    if (!decided && ea == EVAL_OK && eb == EVAL_OK) {
        *out = math_found(qqbar_equal(x, y) ? MATH_EQUAL : MATH_DIFFERENT, "qqbar");
        decided = true;
    }
    qqbar_clear(x);
    qqbar_clear(y);
    return decided;
}

/* Rung 9. */
static bool by_calcium(number *a, number *b, math_finding *out)
{
    ca_ctx_t ctx;
    ca_t x, y;
    value_ca_ctx_init(ctx);
    ca_init(x, ctx);
    ca_init(y, ctx);
    const int64_t kept = keep_back(a->s.env);
    const math_eval ea = value_ca(&a->s, a->id, x, ctx);
    const math_eval eb = ea == EVAL_OK ? value_ca(&b->s, b->id, y, ctx) : EVAL_OUTSIDE;
    give_back(a->s.env, kept);
    bool decided = undefined(ea, eb, out);
    if (!decided && ea == EVAL_OK && eb == EVAL_OK && value_spend(&a->s, 200)) {
        const truth_t same = ca_check_equal(x, y, ctx);
        decided = same != T_UNKNOWN;
        if (decided)
            *out = math_found(same == T_TRUE ? MATH_EQUAL : MATH_DIFFERENT, "calcium");
    }
    ca_clear(x, ctx);
    ca_clear(y, ctx);
    ca_ctx_clear(ctx);
    return decided;
}

/* Enclosures that overlap say something only where they are narrow. */
static bool are_sharp(const number *a, const number *b)
{
    enum { BITS = 200 };
    return acb_rel_accuracy_bits(a->enclosure) >= BITS &&
           acb_rel_accuracy_bits(b->enclosure) >= BITS;
}

static math_finding compared(math_side a, math_side b, const math_env *env)
{
    number x, y;
    number_init(&x, a, env);
    number_init(&y, b, env);
    math_finding f = math_open("arb", WHY_ZERO_TEST, MATH_BLAME_A | MATH_BLAME_B);
    if (!(by_rationals(&x, &y, &f) || by_enclosures(&x, &y, 64, &f) || by_forms(&x, &y, &f) ||
          by_enclosures(&x, &y, 256, &f))) {
        const bool agree = x.ball == EVAL_OK && y.ball == EVAL_OK && are_sharp(&x, &y);
        const bool decided = by_cyclotomic_field(&x, &y, &f) || by_algebra(&x, &y, &f) ||
                             by_enclosures(&x, &y, 1024, &f) || by_calcium(&x, &y, &f) ||
                             by_enclosures(&x, &y, MATH_PRECISION, &f);
        /* who agrees to 60 digits costs too much only because a proof does */
        if (!decided && agree && f.reason == WHY_BUDGET)
            f = math_open("arb", WHY_ZERO_TEST, MATH_BLAME_A | MATH_BLAME_B);
    }
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

/* ---- order ---- */

static bool real_ball(const number *x)
{
    return x->ball == EVAL_OK && arb_is_zero(acb_imagref(x->enclosure)) &&
           acb_is_finite(x->enclosure);
}

/* Separate at this precision; a number beyond 2^(2^40) is at the end it has the sign of. */
static bool ordered(number *a, number *b, slong precision, int *order)
{
    a->ball = enclose(a, precision);
    b->ball = enclose(b, precision);
    if (a->ball == EVAL_HUGE || b->ball == EVAL_HUGE) {
        math_finding f;
        const number *huge = a->ball == EVAL_HUGE ? a : b, *other = huge == a ? b : a;
        if (!(real_ball(other) || other->ball == EVAL_HUGE) || !by_magnitude(a, b, &f) ||
            f.truth != MATH_DIFFERENT)
            return false;
        const int sign = arb_is_positive(acb_realref(huge->enclosure)) ? 1 : -1;
        *order = huge == a ? sign : -sign;
        return true;
    }
    if (!real_ball(a) || !real_ball(b))
        return false;
    if (arb_overlaps(acb_realref(a->enclosure), acb_realref(b->enclosure)))
        return false;
    *order = arb_lt(acb_realref(a->enclosure), acb_realref(b->enclosure)) ? -1 : 1;
    return true;
}

/* Real, but not seen to be: e^(i pi). */
static bool ordered_by_algebra(number *a, number *b, int *order)
{
    qqbar_t x, y;
    qqbar_init(x);
    qqbar_init(y);
    const bool ok = value_qqbar(&a->s, a->id, x) == EVAL_OK &&
                    value_qqbar(&b->s, b->id, y) == EVAL_OK && qqbar_is_real(x) && qqbar_is_real(y);
    if (ok)
        *order = qqbar_cmp_re(x, y);
    qqbar_clear(x);
    qqbar_clear(y);
    return ok;
}

static bool order_of(number *a, number *b, int *order)
{
    math_finding f;
    a->q = value_q(&a->s, a->id, a->value);
    b->q = value_q(&b->s, b->id, b->value);
    if (a->q == EVAL_OK && b->q == EVAL_OK) {
        *order = fmpq_cmp(a->value, b->value);
        return true;
    }
    if (ordered(a, b, 64, order))
        return true;
    if (a->ball == EVAL_OUTSIDE || b->ball == EVAL_OUTSIDE || a->ball == EVAL_UNDEFINED ||
        b->ball == EVAL_UNDEFINED)
        return false;
    const bool real = real_ball(a) || real_ball(b);
    *order = 0;
    return ordered(a, b, 256, order) || ordered_by_algebra(a, b, order) ||
           (real && by_calcium(a, b, &f) && f.truth == MATH_EQUAL) || ordered(a, b, 1024, order) ||
           ordered(a, b, MATH_PRECISION, order);
}

bool math_value_compare(math_side a, math_side b, const math_env *env, int *order)
{
    number x, y;
    const int inf_a = infinite(a), inf_b = infinite(b);
    number_init(&x, a, env);
    number_init(&y, b, env);
    bool ok = false;
    if (inf_a && inf_b) {
        *order = (inf_a > inf_b) - (inf_a < inf_b);
        ok = true;
    } else if (inf_a || inf_b) { /* against any real number */
        number *finite = inf_a ? &y : &x;
        finite->ball = enclose(finite, 64);
        *order = inf_a ? inf_a : -inf_b;
        ok = real_ball(finite) || finite->ball == EVAL_HUGE;
    } else {
        ok = order_of(&x, &y, order);
    }
    number_fini(&x);
    number_fini(&y);
    return ok;
}

/* ---- modulo a step ---- */

/* The only integer that (a - b) / step can be: found; none; or not known. */
typedef enum multiple { ONE_INTEGER, NO_INTEGER, NOT_KNOWN } multiple;

static multiple quotient_at(number *a, number *b, number *step, slong precision, fmpz_t n)
{
    acb_t k;
    acb_init(k);
    a->ball = enclose(a, precision);
    b->ball = enclose(b, precision);
    step->ball = enclose(step, precision);
    multiple found = NOT_KNOWN;
    if (a->ball == EVAL_OK && b->ball == EVAL_OK && step->ball == EVAL_OK) {
        acb_sub(k, a->enclosure, b->enclosure, precision);
        acb_div(k, k, step->enclosure, precision);
        if (acb_is_finite(k) && !acb_contains_int(k))
            found = NO_INTEGER;
        else if (acb_is_finite(k) && arb_get_unique_fmpz(n, acb_realref(k)))
            found = ONE_INTEGER;
    }
    acb_clear(k);
    return found;
}

/* a = b + n step, as a comparison of two trees. */
static math_finding same_with_multiple(math_side a, math_side b, math_side step, const fmpz_t n,
                                       const math_env *env)
{
    math_finding f = math_open("congruent", WHY_BUDGET, MATH_BLAME_A | MATH_BLAME_B);
    const assay_str none = { "", 0 };
    math_tree t = { .n = 0 };
    if (fmpz_fits_si(n)) {
        const math_id copy = math_copy(&t, step.tree, step.id, none, 0);
        const math_id times = math_2(&t, M_MUL, 0, math_int(&t, fmpz_get_si(n)), copy);
        const math_id sum = math_2(&t, M_ADD, 0, math_copy(&t, b.tree, b.id, none, 0), times);
        if (sum)
            f = compared(a, (math_side){ &t, sum }, env);
    }
    math_tree_fini(&t);
    return f;
}

static math_finding rational_multiple(const number *a, const number *b, const number *step)
{
    fmpq_t k;
    fmpq_init(k);
    fmpq_sub(k, a->value, b->value);
    bool whole = fmpq_is_zero(k);
    if (!fmpq_is_zero(step->value)) {
        fmpq_div(k, k, step->value);
        whole = fmpz_is_one(fmpq_denref(k));
    }
    fmpq_clear(k);
    return math_found(whole ? MATH_EQUAL : MATH_DIFFERENT, "rational");
}

math_finding math_value_congruent(math_side a, math_side b, math_side step, const math_env *env)
{
    number x, y, z;
    fmpz_t n;
    number_init(&x, a, env);
    number_init(&y, b, env);
    number_init(&z, step, env);
    fmpz_init(n);
    math_finding f = math_open("congruent", WHY_BUDGET, MATH_BLAME_A | MATH_BLAME_B);
    x.q = value_q(&x.s, a.id, x.value);
    y.q = value_q(&y.s, b.id, y.value);
    z.q = value_q(&z.s, step.id, z.value);
    if (!undefined(x.q, y.q, &f)) {
        if (x.q == EVAL_OK && y.q == EVAL_OK && z.q == EVAL_OK) {
            f = rational_multiple(&x, &y, &z);
        } else {
            multiple m = quotient_at(&x, &y, &z, 64, n);
            if (m == NOT_KNOWN)
                m = quotient_at(&x, &y, &z, 1024, n);
            if (m == ONE_INTEGER)
                f = same_with_multiple(a, b, step, n, env);
            else if (m == NO_INTEGER)
                f = math_found(MATH_DIFFERENT, "congruent");
        }
    }
    fmpz_clear(n);
    number_fini(&x);
    number_fini(&y);
    number_fini(&z);
    return f;
}
