/* test_bootstrap.c -- intervals: seeded, paired, independent of threads, and as wide as theory
 * says. SPDX-License-Identifier: Apache-2.0 */
#include "eval/bootstrap.h"

#include "base/mem.h"
#include "base/rng.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdlib.h>

#include <cmocka.h>

static void near_to(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.17g, expected %.17g", what, got, want);
}

static bool same(const as_interval *a, const as_interval *b)
{
    return a->mean == b->mean && a->low == b->low && a->high == b->high && a->se == b->se;
}

static void fill(double *v, size_t n, uint64_t seed)
{
    as_rng r = as_rng_at(seed, 0);
    for (size_t i = 0; i < n; i++)
        v[i] = as_rng_double(&r);
}

static void widths(void **state)
{
    (void)state;
    enum { P = 400 };
    double v[P], mean = 0, squares = 0;
    as_interval out;
    int is_normal = -1;
    fill(v, P, 1);
    for (size_t i = 0; i < P; i++)
        mean += v[i] / P;
    for (size_t i = 0; i < P; i++)
        squares += (v[i] - mean) * (v[i] - mean) / P;
    assert_int_equal(as_bootstrap(v, 1, P, 4000, 9, 0, &out, &is_normal, NULL), 0);
    assert_int_equal(is_normal, 0);
    near_to(out.mean, mean, 1e-12, "mean");
    near_to(out.se, sqrt(squares / P), 1e-12, "plug-in standard error");
    /* 4000 draws know a percentile to about 4 % of the half width */
    near_to(out.high - out.mean, 1.96 * out.se, 0.15 * out.se, "upper half");
    near_to(out.mean - out.low, 1.96 * out.se, 0.15 * out.se, "lower half");
}

/* The same draws, few metrics in one thread or many in several, alone or in company. */
static void threads_do_not_matter(void **state)
{
    (void)state;
    enum { M = 40, P = 100, B = 1500 };
    double *v = as_calloc((size_t)M * P, sizeof *v);
    assert_non_null(v);
    as_interval all[M], alone, again;
    fill(v, (size_t)M * P, 2);
    assert_int_equal(as_bootstrap(v, M, P, B, 77, 0, all, NULL, NULL),
                     0); /* over the threshold: threads */
    for (size_t m = 0; m < M; m += 13) {
        assert_int_equal(as_bootstrap(v + m * P, 1, P, B, 77, 0, &alone, NULL, NULL), 0);
        assert_true(same(&alone, &all[m]));
    }
    assert_int_equal(as_bootstrap(v, 1, P, B, 78, 0, &again, NULL, NULL), 0);
    assert_true(again.mean == all[0].mean && again.low != all[0].low);
    as_free(v);
}

static void pairs(void **state)
{
    (void)state;
    enum { P = 50 };
    double a[P], b[P];
    as_interval delta, one;
    fill(a, P, 3);
    for (size_t i = 0; i < P; i++)
        b[i] = a[i] - 0.25;
    assert_int_equal(as_bootstrap_difference(a, b, P, 500, 1, 0, &delta, NULL), 0);
    near_to(delta.mean, 0.25, 1e-12, "mean difference");
    near_to(delta.low, 0.25, 1e-12, "paired: no width"); /* unpaired, it would be as wide as both */
    near_to(delta.high, 0.25, 1e-12, "paired: no width");
    assert_int_equal(as_bootstrap(a, 1, P, 500, 1, 0, &one, NULL, NULL), 0);
    assert_true(one.high - one.low > 0.1);
    b[7] = (double)NAN; /* in neither mean */
    a[9] = (double)NAN;
    assert_int_equal(as_bootstrap_difference(a, b, P, 500, 1, 0, &delta, NULL), 0);
    near_to(delta.mean, 0.25, 1e-12, "mean difference over the common problems");
}

static void absent_values(void **state)
{
    (void)state;
    const double some[] = { 1, (double)NAN, 0, 1, (double)NAN, 0 };
    const double none[] = { (double)NAN, (double)NAN };
    as_interval out;
    assert_int_equal(as_bootstrap(some, 1, 6, 300, 4, 0, &out, NULL, NULL), 0);
    near_to(out.mean, 0.5, 0, "mean of what is there");
    near_to(out.se, 0.25, 1e-15, "its error");
    assert_true(out.low >= 0 && out.low < 0.5 && out.high > 0.5 && out.high <= 1);
    assert_int_equal(as_bootstrap(none, 1, 2, 300, 4, 0, &out, NULL, NULL), 0);
    assert_true(isnan(out.mean) && isnan(out.low) && isnan(out.high) && isnan(out.se));
    assert_int_equal(as_bootstrap(none, 1, 0, 300, 4, 0, &out, NULL, NULL), 0);
    assert_true(isnan(out.mean));
}

static void degenerate(void **state)
{
    (void)state;
    const double one[] = { 0.3 }, flat[] = { 0.1, 0.1, 0.1 };
    as_interval out;
    assert_int_equal(as_bootstrap(one, 1, 1, 200, 0, 0, &out, NULL, NULL), 0);
    assert_true(out.mean == 0.3 && out.low == 0.3 && out.high == 0.3 && out.se == 0);
    assert_int_equal(as_bootstrap(flat, 1, 3, 200, 0, 0, &out, NULL, NULL), 0);
    assert_true(out.mean == 0.1 && out.se == 0);
    near_to(out.low, 0.1, 1e-15, "flat");
    near_to(out.high, 0.1, 1e-15, "flat");
}

static void normal_intervals(void **state)
{
    (void)state;
    enum { P = 100001 };
    double *v = as_calloc(P, sizeof *v);
    assert_non_null(v);
    as_interval out;
    int is_normal = 0;
    fill(v, P, 5);
    assert_int_equal(as_bootstrap(v, 1, P, 2000, 0, 0, &out, &is_normal, NULL), 0);
    assert_int_equal(is_normal, 1);
    near_to(out.high - out.mean, 1.959963984540054 * out.se, 1e-12, "normal interval");
    near_to(out.se, sqrt(1.0 / 12 / P), 1e-5, "error of a uniform mean");
    assert_int_equal(as_bootstrap(v, 1, 50, 0, 0, 0, &out, &is_normal, NULL),
                     0); /* no draws asked for */
    assert_int_equal(is_normal, 1);
    as_free(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(widths),     cmocka_unit_test(threads_do_not_matter),
        cmocka_unit_test(pairs),      cmocka_unit_test(absent_values),
        cmocka_unit_test(degenerate), cmocka_unit_test(normal_intervals),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
