/* test_passk.c -- pass@k and its relatives against goldens, exact enumeration, other forms and
 * their own laws. SPDX-License-Identifier: Apache-2.0 */
#include "eval/passk.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "eval/metrics.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static cJSON *goldens;

static void near_to(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.17g, expected %.17g", what, got, want);
}

static const cJSON *at(const cJSON *object, const char *name)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(object, name);
    if (!v)
        fail_msg("goldens.json has no \"%s\"", name);
    return v;
}

static double num(const cJSON *array, int i)
{
    return cJSON_GetArrayItem(array, i)->valuedouble;
}

static int load(void **state)
{
    (void)state;
    const char *source = getenv("ASSAY_SOURCE");
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_err err = { 0 };
    char path[4096];
    (void)snprintf(path, sizeof path, "%s/tests/golden/goldens.json", source ? source : ".");
    as_buf_init(&text, 1 << 24);
    if (as_file_read(path, &text, &err) < 0)
        fail_msg("%s", err.text);
    goldens = as_json_parse(as_buf_str(&text), path, &err);
    if (!goldens)
        fail_msg("%s", err.text);
    return 0;
}

static int unload(void **state)
{
    (void)state;
    cJSON_Delete(goldens);
    return 0;
}

/* ---- goldens ---- */

static void golden_cases(void **state)
{
    (void)state;
    const cJSON *one, *cases = at(at(goldens, "pass_at_k"), "cases_n_c_k_value");
    assert_int_equal(cJSON_GetArraySize(cases), 11);
    cJSON_ArrayForEach(one, cases)
    {
        near_to(as_pass_at_k((uint64_t)num(one, 0), (uint64_t)num(one, 1), (uint64_t)num(one, 2)),
                num(one, 3), 1e-12, "pass@k");
    }
}

static void golden_dataset(void **state)
{
    (void)state;
    const cJSON *set = at(at(goldens, "pass_at_k"), "dataset");
    const cJSON *n = at(set, "n"), *c = at(set, "c"), *k = at(set, "k"), *mean = at(set, "mean");
    for (int j = 0; j < cJSON_GetArraySize(k); j++) {
        double sum = 0;
        for (int i = 0; i < cJSON_GetArraySize(n); i++)
            sum += as_pass_at_k((uint64_t)num(n, i), (uint64_t)num(c, i), (uint64_t)num(k, j));
        near_to(sum / cJSON_GetArraySize(n), num(mean, j), 1e-12, "mean pass@k");
    }
}

/* Runs are merged sample by sample: the mean of the runs' own pass@k is something else. */
static void golden_merge(void **state)
{
    (void)state;
    const cJSON *merge = at(goldens, "pass_at_k_merge"), *want = at(merge, "pass@4");
    const cJSON *c1 = at(at(merge, "run_seed1"), "c"), *c2 = at(at(merge, "run_seed2"), "c");
    for (int i = 0; i < 2; i++) {
        uint64_t c = (uint64_t)num(c1, i) + (uint64_t)num(c2, i);
        near_to(as_pass_at_k(8, c, 4), num(want, i), 1e-12, "merged pass@4");
    }
    near_to((as_pass_at_k(4, 1, 4) + as_pass_at_k(4, 2, 4)) / 2,
            num(at(merge, "wrong_average_of_runs"), 0), 1e-12, "average of runs");
}

static void golden_unequal(void **state)
{
    (void)state;
    const cJSON *g = at(goldens, "pass_at_k_unequal_n");
    for (int i = 0; i < 2; i++)
        near_to(as_pass_at_k((uint64_t)num(at(g, "n"), i), (uint64_t)num(at(g, "c"), i),
                             (uint64_t)at(g, "k")->valuedouble),
                num(at(g, "value"), i), 1e-12, "unequal n");
}

static void golden_histogram(void **state)
{
    (void)state;
    const cJSON *g = at(goldens, "accuracy_histogram"), *acc = at(g, "acc"), *bin = at(g, "bin");
    for (int i = 0; i < cJSON_GetArraySize(acc); i++)
        assert_int_equal(as_accuracy_bin(1000000, (uint64_t)llround(num(acc, i) * 1e6)),
                         (int)num(bin, i));
    for (int i = 0; i < 12; i++)
        assert_string_equal(as_accuracy_bin_names[i],
                            cJSON_GetArrayItem(at(g, "bins"), i)->valuestring);
}

static void golden_cover(void **state)
{
    (void)state;
    const cJSON *g = at(goldens, "cover_at_tau"), *acc = at(g, "acc"), *tau = at(g, "tau"),
                *value = at(g, "value");
    uint64_t n[8], c[8];
    size_t problems = (size_t)cJSON_GetArraySize(acc);
    assert_true(problems <= 8);
    for (size_t i = 0; i < problems; i++) {
        n[i] = 1000;
        c[i] = (uint64_t)llround(num(acc, (int)i) * 1000);
    }
    for (int i = 0; i < cJSON_GetArraySize(tau); i++)
        near_to(as_cover_at(n, c, problems, num(tau, i)), num(value, i), 1e-12, "Cover@tau");
}

static bool holds(const cJSON *list, uint32_t problem)
{
    const cJSON *v;
    cJSON_ArrayForEach(v, list)
    {
        if ((uint32_t)v->valuedouble == problem)
            return true;
    }
    return false;
}

static void check_list(const cJSON *want, const uint32_t *got, size_t n)
{
    assert_int_equal(cJSON_GetArraySize(want), n);
    for (size_t i = 0; i < n; i++)
        assert_int_equal(got[i], (uint32_t)num(want, (int)i));
}

/* The golden lists what only one model solves; 19 others are solved by both, the rest by none. */
static void check_solvable(const char *name, uint32_t problems, uint32_t first)
{
    const cJSON *g = at(at(goldens, "solvable_sets"), name);
    const cJSON *base_only = at(g, "base_only"), *rl_only = at(g, "rl_only");
    uint64_t n[512], base[512] = { 0 }, rl[512] = { 0 };
    uint64_t both = (uint64_t)at(g, "both")->valuedouble, left = both;
    assert_true(problems <= 512);
    for (uint32_t i = 0; i < problems; i++) {
        n[i] = 1024;
        base[i] = holds(base_only, i) ? 3 : 0;
        rl[i] = holds(rl_only, i) ? 2 : 0;
        if (i >= first && !base[i] && !rl[i] && left > 0) {
            base[i] = 7;
            rl[i] = 1000;
            left--;
        }
    }
    as_arena arena;
    as_arena_init(&arena, 0);
    as_solvable s;
    as_err err = { 0 };
    assert_int_equal(as_solvable_sets(&s, n, base, n, rl, problems, 1, &arena, &err), 0);
    assert_int_equal(s.n_both, both);
    check_list(base_only, s.base_only, s.n_base_only);
    check_list(rl_only, s.rl_only, s.n_rl_only);
    assert_int_equal(s.n_base, both + s.n_base_only);
    assert_int_equal(s.n_rl, both + s.n_rl_only);
    assert_int_equal(s.n_neither, problems - both - s.n_base_only - s.n_rl_only);
    near_to(s.subset_ratio, at(g, "subset_ratio_rl_in_base")->valuedouble, 1e-12, "subset ratio");
    assert_int_equal(as_solvable_sets(&s, n, base, n, rl, problems, 3, &arena, &err),
                     0); /* one lucky sample less */
    assert_int_equal(s.n_rl_only, 0);
    n[0] = 0; /* a problem without samples on one side belongs to no set */
    base[0] = 0;
    assert_int_equal(as_solvable_sets(&s, n, base, n, rl, problems, 1, &arena, &err), 0);
    assert_int_equal(s.n_both + s.n_neither + s.n_base_only + s.n_rl_only, problems - 1);
    as_arena_fini(&arena);
}

static void golden_solvable(void **state)
{
    (void)state;
    check_solvable("table4_AIME24", 30, 0);
    check_solvable("table5_LCB_400_450", 451, 400);
}

/* ---- other forms ---- */

static double choose(unsigned n, unsigned k)
{
    double x = 1;
    for (unsigned i = 1; i <= k; i++)
        x = x * (n - k + i) / i; /* exact: every step is a binomial below 2^53 */
    return k > n ? 0 : x;
}

static void small_cases_are_exact(void **state)
{
    (void)state;
    for (unsigned n = 1; n <= 20; n++) {
        double curve[20];
        for (unsigned c = 0; c <= n; c++) {
            as_pass_at_k_curve(n, c, n, curve);
            for (unsigned k = 1; k <= n; k++) {
                double want = 1 - choose(n - c, k) / choose(n, k);
                near_to(as_pass_at_k(n, c, k), want, 1e-14, "pass@k");
                near_to(curve[k - 1], want, 1e-14, "curve");
                near_to(as_pass_hat_k(n, c, k), choose(c, k) / choose(n, k), 1e-14, "pass^k");
            }
        }
    }
}

static double by_product(uint64_t n, uint64_t c, uint64_t k)
{
    double q = 1;
    if (n - c < k)
        return 1;
    for (uint64_t j = n - c + 1; j <= n; j++)
        q *= 1 - (double)k / (double)j;
    return 1 - q;
}

static double by_logs(uint64_t n, uint64_t c, uint64_t k)
{
    double sum = 0;
    if (n - c < k)
        return 1;
    for (uint64_t j = n - c + 1; j <= n; j++)
        sum += log1p(-(double)k / (double)j);
    return -expm1(sum);
}

static void forms_agree(void **state)
{
    (void)state;
    static const uint64_t cases[][2] = { { 1000000, 1 },      { 1000000, 30 },
                                         { 1000000, 1000 },   { 1000000, 99999 },
                                         { 1000000, 500000 }, { 1000000, 999999 },
                                         { 65536, 17 },       { 1024, 1023 } };
    static const uint64_t ks[] = { 1, 2, 64, 1000, 10001, 65536, 400000, 999999 };
    double *curve = as_calloc(1000000, sizeof *curve);
    assert_non_null(curve);
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        uint64_t n = cases[i][0], c = cases[i][1];
        as_pass_at_k_curve(n, c, n, curve);
        for (size_t j = 0; j < sizeof ks / sizeof *ks && ks[j] <= n; j++) {
            double got = as_pass_at_k(n, c, ks[j]);
            near_to(got, by_product(n, c, ks[j]), 1e-9, "product");
            near_to(got, by_logs(n, c, ks[j]), 1e-9, "logs");
            near_to(got, curve[ks[j] - 1], 1e-9, "curve");
        }
    }
    as_free(curve);
    /* where both c and k are above the product's limit: the sum of logarithms */
    near_to(as_pass_at_k(1000000000, 20000, 30000), by_product(1000000000, 20000, 30000), 1e-9,
            "large, product");
    near_to(as_pass_at_k(1000000000, 20000, 30000), 1 - exp(-0.6), 1e-4, "large, Poisson limit");
}

/* ---- laws ---- */

static void check_laws(uint64_t n, uint64_t c, uint64_t k)
{
    double p = as_pass_at_k(n, c, k), hat = as_pass_hat_k(n, c, k), mean = (double)c / (double)n;
    assert_true(as_pass_at_k(n, c, 1) == mean); /* whatever n */
    assert_true(as_pass_hat_k(n, c, 1) == mean);
    assert_true(as_pass_at_k(n, c, n) == (c > 0));
    assert_true(as_pass_hat_k(n, c, n) == (c == n));
    assert_true(p >= 0 && p <= 1 && hat >= 0 && hat <= 1);
    assert_true(hat <= mean + 1e-12 && mean <= p + 1e-12);
    near_to(as_pass_hat_k(n, c, k), 1 - as_pass_at_k(n, n - c, k), 1e-12,
            "pass^k is the miss of the wrong ones");
    if (k < n) {
        assert_true(as_pass_at_k(n, c, k + 1) >= p - 1e-12);
        assert_true(as_pass_hat_k(n, c, k + 1) <= hat + 1e-12);
    }
    if (c < n) {
        assert_true(as_pass_at_k(n, c + 1, k) >= p - 1e-12);
        assert_true(as_pass_hat_k(n, c + 1, k) >= hat - 1e-12);
    }
}

static void laws_hold(void **state)
{
    (void)state;
    as_rng r = as_rng_at(11, 0);
    for (int i = 0; i < 20000; i++) {
        uint64_t n = 1 + as_rng_below(&r, i % 50 ? 300 : 200000);
        check_laws(n, as_rng_below(&r, n + 1), 1 + as_rng_below(&r, n));
    }
}

static void edges(void **state)
{
    (void)state;
    assert_true(isnan(as_pass_at_k(4, 2, 5))); /* k > n is never made up */
    assert_true(isnan(as_pass_at_k(4, 2, 0)));
    assert_true(isnan(as_pass_at_k(4, 5, 2)));
    assert_true(isnan(as_pass_at_k(0, 0, 1)));
    assert_true(isnan(as_pass_hat_k(4, 2, 5)));
    assert_true(as_pass_at_k(256, 0, 256) == 0);
    assert_true(as_pass_at_k(10, 8, 3) == 1); /* n - c < k */
    assert_true(as_pass_at_k(UINT64_MAX, 1, UINT64_MAX) == 1);
    double curve[6];
    as_pass_at_k_curve(4, 1, 6, curve);
    assert_true(curve[3] == 1 && isnan(curve[4]) && isnan(curve[5]));
    near_to(as_chance_at_k(0.25, 2), 0.4375, 1e-15, "chance");
    assert_true(as_chance_at_k(0, 9) == 0 && as_chance_at_k(1, 1) == 1 &&
                isnan(as_chance_at_k(1.5, 1)));
}

/* Borders of the bins, where floating point would fall on either side. */
static void bins_are_exact(void **state)
{
    (void)state;
    for (uint64_t i = 1; i <= 9; i++) {
        assert_int_equal(as_accuracy_bin(10, i), i); /* 0.1 .. 0.9 belong to the lower bin */
        assert_int_equal(as_accuracy_bin(1000000, i * 100000 + 1), i + 1);
    }
    assert_int_equal(as_accuracy_bin(7, 7), 11);
    assert_int_equal(as_accuracy_bin(1000000, 999999), 10);
    assert_int_equal(as_accuracy_bin(UINT64_MAX, UINT64_MAX - 1), 10);
    assert_int_equal(as_accuracy_bin(UINT64_MAX, 1), 1);
    const uint64_t n[] = { 10, 10, 0 }, c[] = { 1, 3, 0 };
    near_to(as_cover_at(n, c, 3, 0.1), 1, 0,
            "cover at the border"); /* the empty problem is in no share */
    near_to(as_cover_at(n, c, 3, 0.3), 0.5, 0, "cover at the border");
    assert_true(isnan(as_cover_at(n, c, 0, 0.3)));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(golden_cases),
        cmocka_unit_test(golden_dataset),
        cmocka_unit_test(golden_merge),
        cmocka_unit_test(golden_unequal),
        cmocka_unit_test(golden_histogram),
        cmocka_unit_test(golden_cover),
        cmocka_unit_test(golden_solvable),
        cmocka_unit_test(small_cases_are_exact),
        cmocka_unit_test(forms_agree),
        cmocka_unit_test(laws_hold),
        cmocka_unit_test(edges),
        cmocka_unit_test(bins_are_exact),
    };
    return cmocka_run_group_tests(tests, load, unload);
}
