/* test_vote.c -- the vote: SPEC goldens, ties, order independence over random groups.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/buf.h"
#include "base/file.h"
#include "base/json.h"
#include "base/mem.h"
#include "base/rng.h"
#include "plug/vote.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

enum { MOST = 40 };

typedef struct group {
    uint32_t n;
    as_str key[MOST], answer[MOST];
    double logp[MOST];
} group;

static as_arena arena;

static int setup(void **state)
{
    (void)state;
    as_arena_init(&arena, 0);
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    as_arena_fini(&arena);
    return 0;
}

static as_vote vote_of(const group *g, as_same_fn same, void *ctx, as_tie_rule rule)
{
    as_vote v;
    as_err err = { 0 };
    assert_int_equal(
        as_vote_run(&v, g->key, g->answer, g->logp, g->n, same, ctx, rule, &arena, &err), 0);
    return v;
}

static group group_of(const char *const *keys, uint32_t n)
{
    group g = { .n = n };
    for (uint32_t i = 0; i < n; i++) {
        g.key[i] = as_str_of(keys[i]);
        g.logp[i] = (double)NAN;
    }
    return g;
}

static as_str label_of(const as_vote *v)
{
    return v->winner == UINT32_MAX ? (as_str){ NULL, 0 } : v->classes[v->winner].answer;
}

/* ---- goldens ---- */

static void check_golden(const cJSON *c)
{
    const cJSON *answers = cJSON_GetObjectItem(c, "answers"),
                *rewards = cJSON_GetObjectItem(c, "rewards");
    const char *keys[MOST];
    uint32_t n = 0;
    const cJSON *a;
    cJSON_ArrayForEach(a, answers) keys[n++] = cJSON_GetStringValue(a); /* NULL for null */
    group g = group_of(keys, n);
    as_vote v = vote_of(&g, NULL, NULL, AS_TIE_FIRST);
    const char *label = cJSON_GetStringValue(cJSON_GetObjectItem(c, "label"));
    as_str ours = label_of(&v);
    assert_true(label ? as_str_is(ours, label) : ours.data == NULL);
    assert_true(fabs(v.ratio - cJSON_GetNumberValue(cJSON_GetObjectItem(c, "majority_ratio"))) <
                1e-12);
    assert_int_equal(cJSON_GetArraySize(rewards), (int)n);
    for (uint32_t i = 0; i < n; i++) {
        double reward = v.winner != UINT32_MAX && v.class_of[i] == v.winner ? 1 : 0;
        assert_true(reward == cJSON_GetNumberValue(cJSON_GetArrayItem(rewards, (int)i)));
    }
}

static void test_goldens(void **state)
{
    (void)state;
    const char *source = getenv("ASSAY_SOURCE");
    char path[4096];
    snprintf(path, sizeof path, "%s/tests/golden/goldens.json", source ? source : ".");
    as_buf text;
    as_err err = { 0 };
    as_buf_init(&text, 16 << 20);
    assert_int_equal(as_file_read(path, &text, &err), 0);
    cJSON *all = as_json_parse(as_buf_str(&text), "goldens", &err);
    assert_non_null(all);
    const cJSON *cases = cJSON_GetObjectItem(all, "ttrl"), *c;
    assert_true(cJSON_GetArraySize(cases) >= 5);
    cJSON_ArrayForEach(c, cases) check_golden(c);
    cJSON_Delete(all);
    as_buf_fini(&text);
}

/* ---- by hand ---- */

static int same_number(void *ctx, as_str a, as_str b)
{
    (void)ctx;
    return fabs(strtod(a.data, NULL) - strtod(b.data, NULL)) < 1e-9;
}

static void test_classes_are_summed(void **state)
{
    (void)state;
    const char *keys[] = { "2", "0.5", "2", ".5", "2", "0.50", "0.5", " ", NULL };
    group g = group_of(keys, 9);
    g.answer[1] = AS_LIT("one half");
    g.answer[3] = AS_LIT("1/2");
    g.answer[5] = AS_LIT("1/2");
    g.answer[6] = AS_LIT("one half");
    as_vote v = vote_of(&g, same_number, NULL, AS_TIE_KEY);
    assert_int_equal(v.n_classes, 2);
    assert_true(as_str_is(v.classes[0].key, "0.5"));
    assert_int_equal(v.classes[0].votes, 4);
    assert_true(as_str_is(label_of(&v), "1/2")); /* as frequent as "one half", and smaller */
    assert_int_equal(v.classes[1].votes, 3);
    assert_true(as_str_is(v.classes[1].answer, "2")); /* no text given: the key */
    assert_int_equal(v.n_voting, 7);
    assert_int_equal(v.class_of[7], UINT32_MAX);
    assert_int_equal(v.class_of[8], UINT32_MAX);
    assert_int_equal(v.class_of[3], 0);
    assert_true(fabs(v.ratio - 4.0 / 9.0) < 1e-15);
    assert_false(v.tie);
}

static void test_tie_rules(void **state)
{
    (void)state;
    const char *keys[] = { "b", "a", "a", "b", "c", "c", "z" };
    group g = group_of(keys, 7);
    for (uint32_t i = 0; i < g.n; i++)
        g.logp[i] = -10.0 - i;
    as_vote v = vote_of(&g, NULL, NULL, AS_TIE_KEY);
    assert_true(v.tie && as_str_is(label_of(&v), "a"));
    v = vote_of(&g, NULL, NULL, AS_TIE_FIRST);
    assert_true(v.tie && as_str_is(label_of(&v), "b"));
    v = vote_of(&g, NULL, NULL, AS_TIE_NONE);
    assert_true(v.tie && v.winner == UINT32_MAX && v.ratio == 0);
    assert_int_equal(v.n_classes, 4);
    g.logp[4] = -1; /* c: -1 - 15; a: -23; b: -23 */
    v = vote_of(&g, NULL, NULL, AS_TIE_LOGP);
    assert_true(v.tie && as_str_is(label_of(&v), "c"));
    g.logp[4] = -14; /* a and b the same sum: the key */
    v = vote_of(&g, NULL, NULL, AS_TIE_LOGP);
    assert_true(as_str_is(label_of(&v), "a"));
    g.logp[0] = -1; /* b leads, but what c has is unknown: nothing to compare */
    g.logp[4] = (double)NAN;
    v = vote_of(&g, NULL, NULL, AS_TIE_LOGP);
    assert_true(as_str_is(label_of(&v), "a"));
}

static void test_empty_and_blank(void **state)
{
    (void)state;
    group g = { .n = 0 };
    as_vote v = vote_of(&g, NULL, NULL, AS_TIE_KEY);
    assert_true(v.winner == UINT32_MAX && v.ratio == 0 && !v.tie && v.n_classes == 0);
    const char *keys[] = { "", " \n", NULL };
    g = group_of(keys, 3);
    v = vote_of(&g, same_number, NULL, AS_TIE_KEY);
    assert_true(v.winner == UINT32_MAX && v.n == 3 && v.n_voting == 0 && v.ratio == 0);
}

static void test_bytes_of_zero_differ(void **state)
{
    (void)state;
    group g = { .n = 3 };
    g.key[0] = (as_str){ "a\0b", 3 };
    g.key[1] = (as_str){ "a\0c", 3 };
    g.key[2] = (as_str){ "a", 1 };
    as_vote v = vote_of(&g, NULL, NULL, AS_TIE_KEY);
    assert_int_equal(v.n_classes, 3);
    assert_int_equal(label_of(&v).len, 1);
}

/* ---- cost ---- */

static int never_same(void *ctx, as_str a, as_str b)
{
    assert_false(as_str_eq(a, b)); /* distinct keys only */
    ++*(uint64_t *)ctx;
    return 0;
}

static int error_same(void *ctx, as_str a, as_str b)
{
    (void)ctx;
    (void)a;
    (void)b;
    return -1;
}

static void test_calls_are_bounded(void **state)
{
    (void)state;
    enum { N = 5000, CAP = 2048 };
    as_str *key = as_calloc(N, sizeof *key);
    char *text = as_malloc(N * (size_t)8);
    assert_true(key && text);
    for (size_t i = 0; i < N; i++) {
        snprintf(text + i * 8, 8, "%04zu", i % 64);
        key[i] = as_str_of(text + i * 8);
    }
    uint64_t calls = 0;
    as_vote v;
    as_err err = { 0 };
    assert_int_equal(
        as_vote_run(&v, key, NULL, NULL, N, never_same, &calls, AS_TIE_KEY, &arena, &err), 0);
    assert_int_equal(calls, 64 * 63 / 2);
    assert_int_equal(v.n_classes, 64);
    for (size_t i = 0; i < N; i++)
        snprintf(text + i * 8, 8, "%04zu", i);
    calls = 0;
    assert_int_equal(
        as_vote_run(&v, key, NULL, NULL, N, never_same, &calls, AS_TIE_KEY, &arena, &err), 0);
    assert_int_equal(calls, (uint64_t)CAP * (CAP - 1) / 2);
    assert_int_equal(v.n_classes, N);
    assert_int_equal(
        as_vote_run(&v, key, NULL, NULL, 100, error_same, NULL, AS_TIE_KEY, &arena, &err), 0);
    assert_int_equal(v.n_classes, 100); /* an error is not "the same" */
    as_free(key);
    as_free(text);
}

/* ---- order independence ---- */

/* "Near": a chain of neighbours is not one class; a tolerance is like that. */
static int near(void *ctx, as_str a, as_str b)
{
    double tolerance = *(const double *)ctx;
    return fabs(strtod(a.data, NULL) - strtod(b.data, NULL)) <= tolerance;
}

static group random_group(as_rng *r)
{
    group g = { .n = (uint32_t)(1 + as_rng_below(r, MOST)) };
    uint64_t range = 1 + as_rng_below(r, 12);
    for (uint32_t i = 0; i < g.n; i++) {
        uint64_t k = as_rng_below(r, range + 1);
        if (k < range)
            g.key[i] = as_arena_fmt(&arena, as_rng_below(r, 2) ? "%u" : "%u.0", (unsigned)k);
        if (as_rng_below(r, 3))
            g.answer[i] = as_arena_fmt(&arena, "answer %u", (unsigned)as_rng_below(r, 4));
        g.logp[i] = -100.0 * as_rng_double(r);
    }
    return g;
}

static void shuffle(group *g, as_rng *r)
{
    for (uint32_t i = g->n; i > 1; i--) {
        uint32_t j = (uint32_t)as_rng_below(r, i);
        group old = *g;
        g->key[i - 1] = old.key[j], g->key[j] = old.key[i - 1];
        g->answer[i - 1] = old.answer[j], g->answer[j] = old.answer[i - 1];
        g->logp[i - 1] = old.logp[j], g->logp[j] = old.logp[i - 1];
    }
}

static void assert_same_outcome(const as_vote *a, const as_vote *b)
{
    assert_int_equal(a->winner, b->winner);
    assert_int_equal(a->n_classes, b->n_classes);
    assert_int_equal(a->tie, b->tie);
    assert_true(a->ratio == b->ratio);
    for (uint32_t c = 0; c < a->n_classes; c++) {
        assert_true(as_str_eq(a->classes[c].key, b->classes[c].key));
        assert_true(as_str_eq(a->classes[c].answer, b->classes[c].answer));
        assert_int_equal(a->classes[c].votes, b->classes[c].votes);
        assert_true(a->classes[c].sum_logp == b->classes[c].sum_logp);
    }
}

static void assert_consistent(const group *g, const as_vote *v)
{
    uint32_t counted[MOST] = { 0 }, voting = 0;
    for (uint32_t i = 0; i < g->n; i++) {
        assert_int_equal(v->class_of[i] == UINT32_MAX, as_str_is_blank(g->key[i]));
        if (v->class_of[i] == UINT32_MAX)
            continue;
        voting++;
        counted[v->class_of[i]]++;
        assert_true(v->classes[v->class_of[i]].first <= i);
    }
    assert_int_equal(voting, v->n_voting);
    for (uint32_t c = 0; c < v->n_classes; c++)
        assert_int_equal(counted[c], v->classes[c].votes);
    for (uint32_t c = 1; c < v->n_classes; c++)
        assert_true(v->classes[c - 1].votes >= v->classes[c].votes);
}

static void test_order_does_not_matter(void **state)
{
    (void)state;
    static const as_tie_rule rules[] = { AS_TIE_KEY, AS_TIE_LOGP, AS_TIE_NONE };
    as_rng r = as_rng_at(20250101, 1);
    unsigned ties = 0, merged = 0;
    for (int round = 0; round < 500; round++) {
        as_arena_reset(&arena);
        group g = random_group(&r);
        double tolerance = (double)as_rng_below(&r, 3);
        as_tie_rule rule = rules[as_rng_below(&r, 3)];
        as_vote before = vote_of(&g, near, &tolerance, rule);
        assert_consistent(&g, &before);
        ties += before.tie;
        merged += before.n_classes < vote_of(&g, NULL, NULL, rule).n_classes;
        for (int s = 0; s < 4; s++) {
            shuffle(&g, &r);
            as_vote after = vote_of(&g, near, &tolerance, rule);
            assert_same_outcome(&before, &after);
            assert_consistent(&g, &after);
        }
    }
    assert_true(ties > 20 && merged > 100); /* the random groups do exercise both */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_goldens, setup, teardown),
        cmocka_unit_test_setup_teardown(test_classes_are_summed, setup, teardown),
        cmocka_unit_test_setup_teardown(test_tie_rules, setup, teardown),
        cmocka_unit_test_setup_teardown(test_empty_and_blank, setup, teardown),
        cmocka_unit_test_setup_teardown(test_bytes_of_zero_differ, setup, teardown),
        cmocka_unit_test_setup_teardown(test_calls_are_bounded, setup, teardown),
        cmocka_unit_test_setup_teardown(test_order_does_not_matter, setup, teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
