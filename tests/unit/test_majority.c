/* test_majority.c -- the majority plugin and the host's vote give the same labels: on the goldens
 * of TTRL and on random groups, where classes are larger than bytes (1/2, 0.5, 50%) and `same` is
 * not transitive (5 cm = 5 = 5 m). SPDX-License-Identifier: Apache-2.0 */
#include "base/rng.h"
#include "plug/vote.h"
#include "scoring.h"

#include <cJSON.h>

static as_scorer *open_plugin(const char *name, const char *config)
{
    char text[4096];
    const char *build = getenv("ASSAY_BUILD");
    (void)snprintf(text, sizeof text, "%s/plugins/%s.so%s%s", build ? build : ".", name,
                   config ? ":" : "", config ? config : "");
    as_err err = { 0 };
    as_scorer *s = NULL;
    const as_scorer_options options = { .isolation = AS_ISOLATION_INPROC, .threads = 1 };
    if (as_scorer_open(&s, registry, text, &options, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static as_items items_of(as_arena *arena, const char *const *answers, const unsigned *group,
                         uint32_t n)
{
    as_item *item = as_arena_calloc(arena, n, sizeof *item);
    assert_non_null(item);
    for (uint32_t i = 0; i < n; i++) {
        item[i].id = as_arena_fmt(arena, "%u", i);
        item[i].group = as_arena_fmt(arena, "%u", group ? group[i] : 0);
        item[i].completion =
            answers[i] ? as_arena_fmt(arena, "\\boxed{%s}", answers[i]) : AS_LIT("I do not know");
        item[i].reference = AS_LIT("never looked at");
        item[i].has_completion = true;
    }
    as_items items;
    as_err err = { 0 };
    assert_int_equal(as_items_build(&items, item, n, 1, arena, &err), 0);
    return items;
}

static int same_by(void *ctx, as_str a, as_str b)
{
    return as_scorer_same(ctx, a, b);
}

/* Rewards of items [lo, hi) against the host's vote over them. */
static void compare_group(as_scorer *math, const as_results *rewards, const as_results *keys,
                          uint32_t lo, uint32_t hi, as_arena *arena)
{
    as_vote vote;
    as_err err = { 0 };
    as_str *key = as_arena_calloc(arena, hi - lo, sizeof *key);
    for (uint32_t i = lo; i < hi; i++)
        key[i - lo] = as_results_get(keys, i, ASSAY_OUT_KEY);
    assert_int_equal(
        as_vote_run(&vote, key, NULL, NULL, hi - lo, same_by, math, AS_TIE_KEY, arena, &err), 0);
    for (uint32_t i = lo; i < hi; i++) {
        uint32_t class = vote.class_of[i - lo];
        assay_verdict expect = class == UINT32_MAX    ? ASSAY_NO_ANSWER
                               : class == vote.winner ? ASSAY_PASS
                                                      : ASSAY_FAIL;
        if (rewards->verdict[i] != expect)
            fail_msg("item %u (%.*s): the plugin says %s, the vote %s", i, (int)key[i - lo].len,
                     key[i - lo].data ? key[i - lo].data : "", as_verdict_word(rewards->verdict[i]),
                     as_verdict_word(expect));
        assert_true(rewards->score[i] == (expect == ASSAY_PASS ? 1.0F : 0.0F));
        as_str metrics = as_results_get(rewards, i, ASSAY_OUT_METRICS);
        cJSON *json = cJSON_ParseWithLength(metrics.data, metrics.len);
        double ratio = cJSON_GetNumberValue(cJSON_GetObjectItem(json, "majority_ratio"));
        cJSON_Delete(json);
        assert_true(ratio > vote.ratio - 1e-12 && ratio < vote.ratio + 1e-12);
    }
}

static void compare(as_scorer *majority, as_scorer *math, const as_items *items, as_arena *arena)
{
    as_results rewards, keys;
    as_err err = { 0 };
    assert_int_equal(as_scorer_score(majority, items, 0, arena, &rewards, &err), 0);
    assert_int_equal(as_scorer_extract(math, items, arena, &keys, &err), 0);
    for (uint32_t lo = 0, hi; lo < items->n; lo = hi) {
        for (hi = lo + 1; hi < items->n && items->group[hi] == items->group[lo];)
            hi++;
        compare_group(math, &rewards, &keys, lo, hi, arena);
    }
}

static void golden_case(as_scorer *majority, const cJSON *golden, as_arena *arena)
{
    const cJSON *answers = cJSON_GetObjectItem(golden, "answers"),
                *rewards = cJSON_GetObjectItem(golden, "rewards");
    uint32_t n = (uint32_t)cJSON_GetArraySize(answers);
    const char *text[64];
    assert_true(n > 0 && n <= 64);
    for (uint32_t i = 0; i < n; i++)
        text[i] = cJSON_GetArrayItem(answers, (int)i)->valuestring;
    as_items items = items_of(arena, text, NULL, n);
    as_results r;
    as_err err = { 0 };
    assert_int_equal(as_scorer_score(majority, &items, 0, arena, &r, &err), 0);
    for (uint32_t i = 0; i < n; i++)
        if ((double)r.score[i] != cJSON_GetArrayItem(rewards, (int)i)->valuedouble)
            fail_msg("answer %u (%s): reward %g, the golden one is %g", i,
                     text[i] ? text[i] : "none", (double)r.score[i],
                     cJSON_GetArrayItem(rewards, (int)i)->valuedouble);
}

static void test_goldens(void **state)
{
    (void)state;
    char path[4096];
    const char *source = getenv("ASSAY_SOURCE");
    (void)snprintf(path, sizeof path, "%s/tests/golden/goldens.json", source ? source : ".");
    FILE *f = fopen(path, "rb");
    assert_non_null(f);
    static char text[1 << 22];
    size_t n = fread(text, 1, sizeof text - 1, f);
    (void)fclose(f);
    cJSON *all = cJSON_ParseWithLength(text, n);
    const cJSON *cases = cJSON_GetObjectItem(all, "ttrl"), *one;
    assert_true(cJSON_GetArraySize(cases) >= 5);
    as_scorer *majority = open_plugin("majority", NULL);
    cJSON_ArrayForEach(one, cases)
    {
        as_arena arena;
        as_arena_init(&arena, 0);
        golden_case(majority, one, &arena);
        as_arena_fini(&arena);
    }
    as_scorer_close(majority);
    cJSON_Delete(all);
}

static void test_random(void **state)
{
    (void)state;
    static const char *const pool[] = {
        "1/2",         "0.5", "\\frac12",    "50\\%", "50",  "5",         "5\\text{ cm}",
        "5\\text{ m}", "x=5", "y=5",         "1, 2",  "2,1", "\\{1,2\\}", "\\sqrt2",
        "\\sqrt{2}",   "yes", "\\text{Yes}", "no",    "",    NULL,        NULL
    };
    enum { N = 400, POOL = sizeof pool / sizeof *pool };
    as_scorer *majority = open_plugin("majority", NULL), *math = open_plugin("math", NULL);
    as_rng rng = as_rng_at(7, 0);
    for (int round = 0; round < 20; round++) {
        const char *answers[N];
        unsigned group[N], g = 0;
        uint64_t kinds = 1 + as_rng_below(&rng, POOL); /* from unanimous to scattered */
        for (uint32_t i = 0; i < N; i++) {
            answers[i] = pool[(as_rng_below(&rng, kinds) + (uint64_t)round) % POOL];
            g += as_rng_below(&rng, 9) == 0;
            group[i] = g;
        }
        as_arena arena;
        as_arena_init(&arena, 0);
        as_items items = items_of(&arena, answers, group, N);
        compare(majority, math, &items, &arena);
        as_arena_fini(&arena);
    }
    as_scorer_close(majority);
    as_scorer_close(math);
}

static void test_min_ratio(void **state)
{
    (void)state;
    const char *const answers[] = { "1", "1.0", "2", "3", NULL };
    as_scorer *majority = open_plugin("majority", "{\"min_ratio\":0.5}");
    as_arena arena;
    as_arena_init(&arena, 0);
    as_items items = items_of(&arena, answers, NULL, 5);
    as_results r;
    as_err err = { 0 };
    assert_int_equal(as_scorer_score(majority, &items, 0, &arena, &r, &err), 0);
    for (uint32_t i = 0; i < 4; i++)
        assert_int_equal(r.verdict[i], ASSAY_ABSTAIN);
    assert_int_equal(r.verdict[4], ASSAY_NO_ANSWER);
    as_arena_fini(&arena);
    as_scorer_close(majority);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_goldens),
                                        cmocka_unit_test(test_random),
                                        cmocka_unit_test(test_min_ratio) };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
