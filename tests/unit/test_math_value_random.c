/* test_math_value_random.c -- plugins/math/value.h: random expressions in every way there is to
 * evaluate them; all ways agree, and the verdicts are those of the numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/value_form.h"
#include "math_sexpr.h"

#include <stdio.h>

static math_env env_with(math_budget *budget)
{
    return (math_env){ .log_base = 10, .budget = budget };
}

static uint64_t draw(uint64_t *state, uint64_t below)
{
    *state += 0x9e3779b97f4a7c15U;
    uint64_t z = *state;
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return (z ^ (z >> 31)) % below;
}

static math_id random_leaf(math_tree *t, uint64_t *r, bool transcendental)
{
    switch (draw(r, transcendental ? 8 : 6)) {
    case 0:
        return math_2(t, M_DIV, 0, math_int(t, (int64_t)draw(r, 9) - 4),
                      math_int(t, 1 + (int64_t)draw(r, 5)));
    case 1:
        return math_1(t, M_SQRT, 0, math_int(t, (int64_t)draw(r, 9) - 2));
    case 2:
        return draw(r, 3) ? math_int(t, 2) : math_leaf(t, M_I, (assay_str){ "", 0 });
    case 3: {
        const math_id pi = math_leaf(t, M_PI, (assay_str){ "", 0 });
        const math_id angle =
            math_2(t, M_DIV, 0, math_2(t, M_MUL, 0, math_int(t, (int64_t)draw(r, 13) - 6), pi),
                   math_int(t, 1 + (int64_t)draw(r, 7)));
        return math_1(t, M_FUNC, (unsigned)(FN_SIN + draw(r, 3)), angle);
    }
    case 6:
        return math_leaf(t, draw(r, 2) ? M_PI : M_E, (assay_str){ "", 0 });
    case 7:
        return math_1(t, M_FUNC, draw(r, 2) ? FN_LN : FN_ATAN,
                      math_int(t, 1 + (int64_t)draw(r, 6)));
    default:
        return math_int(t, (int64_t)draw(r, 7) - 3);
    }
}

/* NOLINTNEXTLINE(misc-no-recursion): depth says how far */
static math_id random_tree(math_tree *t, uint64_t *r, unsigned depth, bool transcendental)
{
    if (depth == 0 || draw(r, 5) == 0)
        return random_leaf(t, r, transcendental);
    const math_id a = random_tree(t, r, depth - 1, transcendental);
    const math_id b = random_tree(t, r, depth - 1, transcendental);
    switch (draw(r, 10)) {
    case 0:
    case 1:
    case 2:
        return math_2(t, M_ADD, 0, a, b);
    case 3:
    case 4:
        return math_2(t, M_MUL, 0, a, b);
    case 5:
        return math_2(t, M_DIV, 0, a, b);
    case 6:
        return math_2(t, M_POW, 0, a, math_int(t, (int64_t)draw(r, 6) - 2));
    case 7:
        return math_2(t, M_POW, 0, a,
                      math_2(t, M_DIV, 0, math_int(t, 1 + (int64_t)draw(r, 3)),
                             math_int(t, 2 + (int64_t)draw(r, 2))));
    case 8:
        return math_1(t, M_FUNC, draw(r, 2) ? FN_ABS : FN_RE, a);
    default:
        return math_1(t, M_NEG, 0, a);
    }
}

/* Every evaluator's value lies in every enclosure; undefined in one is a number in none. */
static void check_evaluators(math_side s, unsigned *exact)
{
    math_budget budget = { 400000 };
    const math_env env = env_with(&budget);
    acb_t narrow, wide, other;
    fmpq_t q;
    qqbar_t x;
    acb_init(narrow), acb_init(wide), acb_init(other), fmpq_init(q), qqbar_init(x);
    const math_eval e64 = math_eval_acb(s, &env, wide, 64),
                    e256 = math_eval_acb(s, &env, narrow, 256);
    const math_eval eq = math_eval_q(s, &env, q), ex = math_eval_qqbar(s, &env, x);
    if (e64 == EVAL_OK && e256 == EVAL_OK)
        assert_true(acb_overlaps(narrow, wide));
    if (eq == EVAL_OK) {
        assert_int_equal(ex, EVAL_OK);
        assert_int_equal(e64, EVAL_OK);
        acb_set_fmpq(other, q, 256);
        assert_true(acb_overlaps(other, wide) && acb_overlaps(other, narrow));
    }
    if (ex == EVAL_OK) {
        ++*exact;
        qqbar_get_acb(other, x, 256);
        assert_int_equal(e64, EVAL_OK);
        assert_true(acb_overlaps(other, wide) && acb_overlaps(other, narrow));
    }
    if (ex == EVAL_UNDEFINED || eq == EVAL_UNDEFINED)
        assert_true(e64 != EVAL_OK || !acb_is_finite(wide) || !acb_is_finite(narrow));
    acb_clear(narrow), acb_clear(wide), acb_clear(other), fmpq_clear(q), qqbar_clear(x);
}

static void check_calcium(math_side s)
{
    math_budget budget = { 20000 };
    const math_env env = env_with(&budget);
    ca_ctx_t ctx;
    ca_t c;
    acb_t wide, other;
    value_ca_ctx_init(ctx);
    ca_init(c, ctx), acb_init(wide), acb_init(other);
    if (math_eval_acb(s, &env, wide, 128) == EVAL_OK && math_eval_ca(s, &env, c, ctx) == EVAL_OK) {
        ca_get_acb(other, c, 128, ctx);
        assert_true(acb_overlaps(other, wide));
    }
    ca_clear(c, ctx), acb_clear(wide), acb_clear(other);
    ca_ctx_clear(ctx);
}

/* What forms and cyclotomic fields say agrees with the algebraic numbers. */
static void check_exact_rungs(math_side a, math_side b)
{
    math_budget budget = { 400000 };
    const math_env env = env_with(&budget);
    const value_scope sa = value_scope_of(a, &env), sb = value_scope_of(b, &env);
    qqbar_t x, y;
    qqbar_init(x), qqbar_init(y);
    if (math_eval_qqbar(a, &env, x) == EVAL_OK && math_eval_qqbar(b, &env, y) == EVAL_OK) {
        bool cyclo = false;
        const bool equal = qqbar_equal(x, y);
        if (value_cyclo_equal(&sa, a.id, &sb, b.id, &cyclo) == EVAL_OK)
            assert_int_equal(cyclo, equal);
        form fa = { .n = 0 }, fb = { .n = 0 };
        form_atoms atoms = { .n = 0 };
        if (form_read(&sa, a.id, &fa, &atoms) && form_read(&sb, b.id, &fb, &atoms)) {
            if (form_equal(&fa, &fb))
                assert_true(equal);
            else if (form_is_canonical(&fa) && form_is_canonical(&fb))
                assert_false(equal);
        }
        form_clear(&fa), form_clear(&fb);
        form_atoms_fini(&atoms);
    }
    qqbar_clear(x), qqbar_clear(y);
}

/* a against something equal, and against something that is nearly it. */
static void check_verdicts(math_tree *t, math_id a, uint64_t *r, unsigned *decided)
{
    math_budget budget = { MATH_STEPS };
    const math_env env = env_with(&budget);
    const math_id b = random_leaf(t, r, true), near = math_leaf(t, M_NUM, PC_LIT("1e-30"));
    /* (a + b) - b, and a (1 + 10^-30) + 10^-30 i, which differ whatever a is */
    const math_id same = math_2(t, M_ADD, 0, math_2(t, M_ADD, 0, b, a), math_1(t, M_NEG, 0, b));
    const math_id apart = math_2(t, M_ADD, 0, a, near);
    const math_side sa = { t, a }, ss = { t, same }, sn = { t, apart };
    const math_finding f = math_value_equal(sa, ss, &env), g = math_value_equal(ss, sa, &env);
    assert_true(f.truth != MATH_DIFFERENT || strcmp(f.rule, "undefined") == 0);
    assert_true(g.truth != MATH_DIFFERENT || strcmp(g.rule, "undefined") == 0);
    *decided += f.truth != MATH_UNDECIDED;
    budget.steps = MATH_STEPS;
    assert_int_not_equal(math_value_equal(sa, sn, &env).truth, MATH_EQUAL);
    assert_int_equal(math_value_equal(sa, sa, &env).truth, MATH_EQUAL);
}

/* Laws that hold for positive numbers only, or up to a turn: whoever applies one wrongly says equal
 * where the enclosures are apart. */
static void check_traps(math_tree *t, math_id a, math_id b)
{
    const math_id half = math_2(t, M_DIV, 0, math_int(t, 1), math_int(t, 2));
    const math_id third = math_2(t, M_DIV, 0, math_int(t, 2), math_int(t, 3));
    const math_id ab = math_2(t, M_MUL, 0, a, b), two = math_int(t, 2);
    const math_id ln_a = math_1(t, M_FUNC, FN_LN, a), ln_b = math_1(t, M_FUNC, FN_LN, b);
    const math_id pairs[][2] = {
        { math_1(t, M_SQRT, 0, ab),
          math_2(t, M_MUL, 0, math_1(t, M_SQRT, 0, a), math_1(t, M_SQRT, 0, b)) },
        { math_1(t, M_SQRT, 0, math_2(t, M_POW, 0, a, two)), a },
        { math_2(t, M_POW, 0, ab, third),
          math_2(t, M_MUL, 0, math_2(t, M_POW, 0, a, third), math_2(t, M_POW, 0, b, third)) },
        { math_1(t, M_FUNC, FN_LN, ab), math_2(t, M_ADD, 0, ln_a, ln_b) },
        { math_1(t, M_FUNC, FN_LN, math_1(t, M_FUNC, FN_EXP, a)), a },
        { math_1(t, M_FUNC, FN_EXP, ln_a), a },
        { math_2(t, M_POW, 0, math_2(t, M_POW, 0, a, two), half),
          math_2(t, M_POW, 0, math_2(t, M_POW, 0, a, half), two) },
        { math_1(t, M_FUNC, FN_ASIN, math_1(t, M_FUNC, FN_SIN, a)), a },
        { math_1(t, M_FUNC, FN_ACOS, math_1(t, M_NEG, 0, a)), math_1(t, M_FUNC, FN_ACOS, a) },
        { math_1(t, M_FUNC, FN_ATAN, math_1(t, M_FUNC, FN_TAN, a)), a },
        { math_1(t, M_FUNC, FN_ABS, ab),
          math_2(t, M_MUL, 0, math_1(t, M_FUNC, FN_ABS, a), math_1(t, M_FUNC, FN_ABS, b)) },
        { math_2(t, M_POW, 0, a, b), math_1(t, M_FUNC, FN_EXP, math_2(t, M_MUL, 0, b, ln_a)) },
        { math_1(t, M_FUNC, FN_ASIN, a),
          math_1(t, M_NEG, 0, math_1(t, M_FUNC, FN_ASIN, math_1(t, M_NEG, 0, a))) },
    };
    acb_t x, y;
    acb_init(x), acb_init(y);
    for (size_t k = 0; k < sizeof pairs / sizeof *pairs; k++) {
        math_budget budget = { MATH_STEPS };
        const math_env env = env_with(&budget);
        const math_side l = { t, pairs[k][0] }, r = { t, pairs[k][1] };
        assert_true(l.id && r.id);
        const math_finding f = math_value_equal(l, r, &env);
        budget.steps = 10L * MATH_STEPS;
        if (f.truth != MATH_EQUAL || math_eval_acb(l, &env, x, 333) != EVAL_OK ||
            math_eval_acb(r, &env, y, 333) != EVAL_OK)
            continue;
        if (!acb_overlaps(x, y))
            fail_msg("trap %zu: equal by %s", k, f.rule);
    }
    acb_clear(x), acb_clear(y);
}

static void test_random(void **state)
{
    (void)state;
    uint64_t r = 12345;
    unsigned exact = 0, decided = 0;
    enum { ROUNDS = 400 };
    for (unsigned k = 0; k < ROUNDS; k++) {
        math_tree t = { .n = 0 };
        const bool transcendental = k % 2;
        const math_id a = random_tree(&t, &r, 1 + k % 3, transcendental),
                      b = random_tree(&t, &r, 1 + k % 3, false);
        assert_true(a && b);
        check_evaluators((math_side){ &t, a }, &exact);
        if (k % 8 == 0)
            check_calcium((math_side){ &t, a });
        check_exact_rungs((math_side){ &t, a }, (math_side){ &t, b });
        check_verdicts(&t, a, &r, &decided);
        if (k % 4 < 2)
            check_traps(&t, a, b);
        math_tree_fini(&t);
    }
    assert_true(exact > ROUNDS / 4);
    assert_true(decided > ROUNDS * 9 / 10);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_random) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
