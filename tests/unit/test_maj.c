/* test_maj.c -- maj@k against enumeration, closed forms, goldens, and its own draws.
 * SPDX-License-Identifier: Apache-2.0 */
#include "eval/maj.h"

#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "eval/passk.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void near_to(double got, double want, double tolerance, const char *what)
{
    if (!(fabs(got - want) <= tolerance))
        fail_msg("%s: got %.17g, expected %.17g", what, got, want);
}

/* Value of one vote: class 0 is right, class m is blank. */
static double value_of(const unsigned *votes, size_t m)
{
    unsigned ties = 1;
    for (size_t i = 1; i < m; i++) {
        if (votes[i] > votes[0])
            return 0;
        ties += votes[i] == votes[0];
    }
    return votes[0] ? 1.0 / ties : 0;
}

/* Every subset of k of the n samples, as bit masks. */
static double by_subsets(const unsigned *who, unsigned n, size_t m, unsigned k)
{
    double sum = 0, count = 0;
    for (unsigned mask = 0; mask < 1U << n; mask++) {
        unsigned votes[8] = { 0 };
        if ((unsigned)__builtin_popcount(mask) != k)
            continue;
        for (unsigned i = 0; i < n; i++)
            votes[who[i]] += mask >> i & 1;
        sum += value_of(votes, m);
        count++;
    }
    return sum / count;
}

static void subsets(void **state)
{
    (void)state;
    as_rng r = as_rng_at(5, 0);
    for (int round = 0; round < 60; round++) {
        unsigned who[12], n = 1 + (unsigned)as_rng_below(&r, 12);
        size_t m = 1 + as_rng_below(&r, 5);
        uint64_t counts[8] = { 0 };
        for (unsigned i = 0; i < n; i++) {
            who[i] = (unsigned)as_rng_below(&r, m + 1);
            counts[who[i]]++;
        }
        for (unsigned k = 1; k <= n; k++) {
            double got = -1;
            assert_int_equal(as_maj_at_k(counts, m, counts[m], k, &got, NULL), 0);
            near_to(got, by_subsets(who, n, m, k), 1e-12, "maj@k over subsets");
        }
    }
}

/* Every sequence of k draws with replacement. */
static double by_sequences(const double *p, size_t m, unsigned k)
{
    double sum = 0;
    unsigned long total = 1;
    for (unsigned i = 0; i < k; i++)
        total *= m + 1;
    for (unsigned long code = 0; code < total; code++) {
        unsigned votes[8] = { 0 };
        unsigned long rest = code;
        double chance = 1;
        for (unsigned i = 0; i < k; i++, rest /= m + 1) {
            votes[rest % (m + 1)]++;
            chance *= p[rest % (m + 1)];
        }
        sum += chance * value_of(votes, m);
    }
    return sum;
}

static void sequences(void **state)
{
    (void)state;
    as_rng r = as_rng_at(6, 0);
    for (int round = 0; round < 40; round++) {
        double p[8], sum = 0;
        size_t m = 1 + as_rng_below(&r, 3);
        for (size_t i = 0; i <= m; i++)
            sum += p[i] = round % 4 == 0 && i == m ? 0 : as_rng_double(&r);
        for (size_t i = 0; i <= m; i++)
            p[i] /= sum; /* p[m] is blank */
        for (unsigned k = 1; k <= 6; k++) {
            double got = -1;
            assert_int_equal(as_maj_of_p(p, m, k, &got, NULL), 0);
            near_to(got, by_sequences(p, m, k), 1e-12, "maj@k over sequences");
        }
    }
}

static void golden(void **state)
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
    AS_CLEANUP(cjson) cJSON *all = as_json_parse(as_buf_str(&text), path, &err);
    const cJSON *g = cJSON_GetObjectItem(all, "maj_at_n");
    assert_non_null(g);
    double p[8];
    int m = cJSON_GetArraySize(cJSON_GetObjectItem(g, "p"));
    for (int i = 0; i < m; i++)
        p[i] = cJSON_GetArrayItem(cJSON_GetObjectItem(g, "p"), i)->valuedouble;
    const cJSON *ks = cJSON_GetObjectItem(g, "n"),
                *want = cJSON_GetObjectItem(g, "exact_ties_uniform");
    assert_int_equal(cJSON_GetArraySize(ks), 3);
    for (int i = 0; i < cJSON_GetArraySize(ks); i++) {
        double got = -1;
        assert_int_equal(
            as_maj_of_p(p, (size_t)m, (uint64_t)cJSON_GetArrayItem(ks, i)->valuedouble, &got, &err),
            0);
        near_to(got, cJSON_GetArrayItem(want, i)->valuedouble, 1e-12, "golden maj@n");
    }
}

static double log_choose(double n, double k)
{
    return lgamma(n + 1) - lgamma(k + 1) - lgamma(n - k + 1);
}

/* Two classes and no blanks: a hypergeometric tail, half of a tie. */
static double two_classes(uint64_t right, uint64_t wrong, uint64_t k)
{
    double sum = 0, all = log_choose((double)(right + wrong), (double)k);
    for (uint64_t j = (k + 1) / 2; j <= k && j <= right; j++) {
        if (k - j > wrong)
            continue;
        double p = exp(log_choose((double)right, (double)j) +
                       log_choose((double)wrong, (double)(k - j)) - all);
        sum += 2 * j == k ? p / 2 : p;
    }
    return sum;
}

static void large_counts_are_exact(void **state)
{
    (void)state;
    static const uint64_t cases[][2] = {
        { 70, 70 }, { 400, 600 }, { 5, 1000 }, { 480000, 520000 }, { 999999, 1 }
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        for (uint64_t k = 1; k <= AS_MAJ_EXACT_K; k++) {
            uint64_t counts[] = { cases[i][0], cases[i][1] };
            double got = -1;
            assert_int_equal(as_maj_at_k(counts, 2, 0, k, &got, NULL), 0);
            near_to(got, two_classes(counts[0], counts[1], k), 1e-7,
                    "two classes"); /* lgamma's own error */
        }
    }
}

static void many_classes(void **state)
{
    (void)state;
    enum { M = 500 };
    uint64_t counts[M];
    double got = -1;
    for (size_t i = 0; i < M; i++)
        counts[i] = 1;
    /* n answers, all different: whichever k are drawn, all tie, and each is the right one with k/n
     * * 1/k */
    for (uint64_t k = 1; k <= M; k = k * 2) {
        assert_int_equal(as_maj_at_k(counts, M, 0, k, &got, NULL), 0);
        near_to(got, 1.0 / M, k <= AS_MAJ_EXACT_K ? 1e-12 : 0.01, "all different");
    }
    assert_int_equal(as_maj_at_k(counts, M, 0, M, &got, NULL), 0);
    near_to(got, 1.0 / M, 1e-15, "k == n");
}

static void blanks_never_vote(void **state)
{
    (void)state;
    const uint64_t counts[] = { 1, 0 };
    double got = -1;
    assert_int_equal(as_maj_at_k(counts, 2, 9, 10, &got, NULL), 0);
    assert_true(got == 1); /* one vote among nine blanks wins */
    assert_int_equal(as_maj_at_k(counts, 2, 9, 5, &got, NULL), 0);
    near_to(got, 0.5, 1e-12, "half the draws have the only vote");
    const uint64_t none[] = { 0, 3 };
    assert_int_equal(as_maj_at_k(none, 2, 5, 4, &got, NULL), 0);
    assert_true(got == 0);
    const uint64_t silent[] = { 0 };
    assert_int_equal(as_maj_at_k(silent, 1, 5, 5, &got, NULL), 0);
    assert_true(got == 0); /* no vote, no label */
}

/* Above 64 the value is drawn: near the exact one, the same every time, and the same whatever else
 * is asked for. */
static void draws(void **state)
{
    (void)state;
    const uint64_t counts[] = { 300, 310 }, ks[] = { 100, 200, 400, 610 };
    as_maj_draws how = { .draws = 4000, .seed = 3, .stream = 17 };
    double got[4], alone = -1;
    assert_int_equal(as_maj_curve(counts, 2, 0, ks, 4, &how, got, NULL), 0);
    for (size_t i = 0; i < 3; i++) {
        double want = two_classes(300, 310, ks[i]), sigma = sqrt(want * (1 - want) / how.draws);
        near_to(got[i], want, 4.5 * sigma, "drawn maj@k");
        assert_int_equal(as_maj_curve(counts, 2, 0, &ks[i], 1, &how, &alone, NULL), 0);
        assert_true(alone == got[i]);
    }
    assert_true(got[3] == 0); /* k == n: the plurality is wrong */
    how.stream++;
    assert_int_equal(as_maj_curve(counts, 2, 0, ks, 1, &how, &alone, NULL), 0);
    assert_true(alone != got[0]);
    const uint64_t clear[] = { 900, 100 };
    assert_int_equal(as_maj_at_k(clear, 2, 0, 500, &alone, NULL), 0);
    assert_true(alone == 1); /* settled without a draw */
    const double p[] = { 0.45, 0.4 };
    assert_int_equal(as_maj_of_p(p, 2, 101, &alone, NULL), 0);
    assert_true(alone > 0.6 && alone < 0.8); /* normal approximation: 0.709 */
}

static void bad_arguments(void **state)
{
    (void)state;
    const uint64_t counts[] = { 2, 1 };
    const double p[] = { 0.7, 0.7 }, q[] = { -0.1, 0.5 }, nan_p[] = { (double)NAN };
    as_err err = { 0 };
    double got = 0;
    assert_int_equal(as_maj_at_k(counts, 2, 0, 4, &got, &err), 0);
    assert_true(isnan(got)); /* k > n */
    assert_int_equal(as_maj_at_k(counts, 2, 0, 0, &got, &err), 0);
    assert_true(isnan(got));
    assert_int_equal(as_maj_at_k(counts, 0, 0, 1, &got, &err), AS_EUSAGE);
    assert_int_equal(as_maj_of_p(p, 2, 3, &got, NULL), AS_EUSAGE);
    assert_int_equal(as_maj_of_p(q, 2, 3, &got, NULL), AS_EUSAGE);
    assert_int_equal(as_maj_of_p(nan_p, 1, 3, &got, NULL), AS_EUSAGE);
    const uint64_t huge[] = { UINT64_MAX, 2 };
    assert_int_equal(as_maj_at_k(huge, 2, 0, 100, &got, NULL), AS_EUSAGE);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(subsets),      cmocka_unit_test(sequences),
        cmocka_unit_test(golden),       cmocka_unit_test(large_counts_are_exact),
        cmocka_unit_test(many_classes), cmocka_unit_test(blanks_never_vote),
        cmocka_unit_test(draws),        cmocka_unit_test(bad_arguments),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
