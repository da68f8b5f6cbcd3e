/* test_ttrl_stop.c -- when a run without labels ends, on the curves of runs that were measured: one
 * that went well, one from a model that knew too little; and the best checkpoint without labels.
 * SPDX-License-Identifier: Apache-2.0 */
#include "ttrl/stop.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

#include <cmocka.h>

/* Between the points of a curve its signs go in straight lines. */
typedef struct point {
    int step;
    double ratio, sure, drift, flips;
} point;

/* The step at which it ends, and why. */
static int run(const point *curve, const ttrl_bounds *b, ttrl_sign *why)
{
    ttrl_stop s = { 0 };
    int step = curve[0].step;
    for (const point *p = curve; p[1].step; p++)
        for (; step <= p[1].step; step++) {
            const double x = (double)(step - p->step) / (double)(p[1].step - p->step);
            const ttrl_signs now = { .ratio = p->ratio + x * (p[1].ratio - p->ratio),
                                     .sure = p->sure + x * (p[1].sure - p->sure),
                                     .drift = p->drift + x * (p[1].drift - p->drift),
                                     .flips = p->flips + x * (p[1].flips - p->flips),
                                     .length = 14 };
            *why = ttrl_stop_look(&s, b, &now);
            if (*why != TTRL_GO_ON)
                return step;
        }
    *why = TTRL_GO_ON;
    return step - 1;
}

/* examples/ttrl_tiny: maj@64 0.91 at first, nine labels of 160 change, all of them for the better
 */
static const point went_well[] = { { 1, .19, .62, 0, NAN },    { 10, .31, .75, 0, NAN },
                                   { 11, .33, .75, .01, .05 }, { 20, .47, .85, .056, .05 },
                                   { 30, .60, .95, .056, 0 },  { 50, .77, 1, .056, 0 },
                                   { 100, .84, 1, .056, 0 },   { 0, 0, 0, 0, 0 } };
/* the same with a base that was stopped early, 32 votes: 0.44 of the labels are right at first,
 * 0.19 at the end, and most are not the prompt's first */
static const point failed[] = { { 1, .13, .19, 0, NAN },    { 10, .19, .19, 0, NAN },
                                { 11, .23, .31, .06, .63 }, { 15, .21, .19, .31, .88 },
                                { 20, .25, .25, .61, .88 }, { 30, .45, .56, .63, .50 },
                                { 50, .56, .63, .72, .44 }, { 70, .73, .88, .73, 0 },
                                { 100, .73, .81, .73, 0 },  { 0, 0, 0, 0, 0 } };

static void test_curves(void **state)
{
    (void)state;
    ttrl_bounds b = ttrl_bounds_standard();
    ttrl_sign why;
    assert_int_equal(run(went_well, &b, &why), 100);
    assert_int_equal(why, TTRL_GO_ON);
    assert_int_equal(run(failed, &b, &why), TTRL_FIRST); /* before any label has moved */
    assert_int_equal(why, TTRL_ACCIDENTS);
    b.min_sure = 0;
    assert_in_range(run(failed, &b, &why), 20, 35);
    assert_int_equal(why, TTRL_DRIFTED);
    b.max_drift = 1; /* not asked for */
    assert_int_equal(run(failed, &b, &why), 100);
    assert_int_equal(why, TTRL_GO_ON);
}

static ttrl_signs steady(double ratio, double drift, double flips, double length)
{
    return (
        ttrl_signs){ .ratio = ratio, .sure = 1, .drift = drift, .flips = flips, .length = length };
}

/* Ten ordinary steps, then `now` so often; the last word. */
static ttrl_sign after(const ttrl_bounds *b, ttrl_signs now, int times)
{
    ttrl_stop s = { 0 };
    ttrl_sign why = TTRL_GO_ON;
    const ttrl_signs first = steady(0.4, 0, 0.1, 100);
    for (int i = 0; i < TTRL_FIRST; i++)
        assert_int_equal(ttrl_stop_look(&s, b, &first), TTRL_GO_ON);
    for (int i = 0; i < times; i++)
        why = ttrl_stop_look(&s, b, &now);
    return why;
}

static void test_bounds(void **state)
{
    (void)state;
    ttrl_bounds b = ttrl_bounds_standard();
    const int n = (int)b.patience;
    assert_int_equal(after(&b, steady(0.9, 0.6, 0.1, 100), n), TTRL_DRIFTED);
    assert_int_equal(after(&b, steady(0.9, 0.6, 0.1, 100), n - 1), TTRL_GO_ON);
    assert_int_equal(after(&b, steady(0.3, 0.6, 0.1, 100), n), TTRL_GO_ON); /* it only wavers */
    assert_int_equal(after(&b, steady(0.9, 0.5, 0.1, 100), n), TTRL_GO_ON);
    assert_int_equal(after(&b, steady(0.4, 0, 0.1, 9), n), TTRL_SHRUNK);
    assert_int_equal(after(&b, steady(0.4, 0, 0.1, 27), n), TTRL_GO_ON); /* as in the paper */
    assert_int_equal(after(&b, steady(1, 0, 0, 100), n), TTRL_GO_ON);    /* not asked for */
    b.settled_ratio = 0.98;
    assert_int_equal(after(&b, steady(1, 0, 0, 100), n), TTRL_SETTLED);
    assert_int_equal(after(&b, steady(1, 0, 0.01, 100), n), TTRL_GO_ON);
    assert_int_equal(after(&b, steady(0.97, 0, 0, 100), n), TTRL_GO_ON);
    assert_int_equal(after(&b, steady(1, 0, NAN, 100), n), TTRL_GO_ON); /* nobody came again */
}

static void test_in_a_row(void **state)
{
    (void)state;
    const ttrl_bounds b = ttrl_bounds_standard();
    ttrl_stop s = { 0 };
    const ttrl_signs good = steady(0.9, 0.1, 0.1, 100), bad = steady(0.9, 0.9, 0.1, 100);
    for (int i = 0; i < 100; i++)
        assert_int_equal(ttrl_stop_look(&s, &b, i % 9 ? &bad : &good), TTRL_GO_ON);
}

static void test_texts(void **state)
{
    (void)state;
    assert_string_equal(ttrl_sign_text(TTRL_GO_ON), "");
    for (int s = TTRL_ACCIDENTS; s <= TTRL_SETTLED; s++)
        assert_true(strlen(ttrl_sign_text((ttrl_sign)s)) > 20);
}

static void test_agreement(void **state)
{
    (void)state;
    const float first[] = { 5, 7, 0, 9 }, newest[] = { 5, 8, 0, 9 },
                ratio[] = { 0.5F, 1, 0, 0.75F };
    assert_float_equal(ttrl_agreement(first, newest, ratio, 4), 1.25 / 3, 1e-12);
    assert_true(isnan(ttrl_agreement(first + 2, newest + 2, ratio + 2, 1)));
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_curves),
                                        cmocka_unit_test(test_bounds),
                                        cmocka_unit_test(test_in_a_row),
                                        cmocka_unit_test(test_texts),
                                        cmocka_unit_test(test_agreement) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
