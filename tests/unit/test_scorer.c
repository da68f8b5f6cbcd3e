/* test_scorer.c -- the scorer with verifiers in this process: batches, duplicates, rules, threads,
 * parts. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "scoring.h"

#include <math.h>
#include <pthread.h>

enum { N = 10000, SINNER = 7000 };

static const as_scorer_options inproc = { .isolation = AS_ISOLATION_INPROC, .threads = 4 };

static void score_numbers(const char *name, const as_scorer_options *options, uint32_t n,
                          uint32_t wrap, uint32_t group, as_arena *arena, as_results *r,
                          as_scorer_stats *stats)
{
    as_err err = { 0 };
    as_items items = numbers(arena, n, wrap, group);
    as_scorer *s = open_scorer(name, options);
    if (as_scorer_score(s, &items, 0, arena, r, &err) < 0)
        fail_msg("%s", err.text);
    if (stats)
        *stats = as_scorer_get_stats(s);
    as_scorer_close(s);
}

static void sins_cost_one_item(void **state)
{
    (void)state;
    static const struct {
        const char *sin, *reason;
    } cases[] = { { "nan", "NaN" },
                  { "range", "outside its range [0, 1]" },
                  { "unset", "left this item unset" },
                  { "status", "out of luck" },
                  { "verdict", "unknown verdict 77" } };
    for (size_t k = 0; k < sizeof cases / sizeof *cases; k++) {
        as_arena arena;
        as_results r;
        char config[100];
        as_arena_init(&arena, 0);
        (void)snprintf(config, sizeof config, "{\"sin\":\"%s\",\"at\":%d}", cases[k].sin, SINNER);
        score_numbers(plugin("sevenk", NULL, config), &inproc, N, N, 1, &arena, &r, NULL);
        assert_all_right(&r, N, SINNER);
        assert_int_equal(r.verdict[SINNER], ASSAY_ERROR);
        assert_true(isnan(r.score[SINNER]));
        if (!strstr(reason_of(&r, SINNER), cases[k].reason))
            fail_msg("%s: %s", cases[k].sin, reason_of(&r, SINNER));
        as_arena_fini(&arena);
    }
}

/* The verifier does not look at what emit() returns; with its key gone, its verdict goes too. */
static void a_lost_text_is_an_error(void **state)
{
    (void)state;
    as_arena arena, small;
    as_results r;
    as_arena_init(&arena, 0);
    as_arena_init(&small, 145000);
    as_items items = numbers(&arena, 5000, 5000, 1);
    as_scorer_options options = inproc;
    options.threads = 1;
    as_scorer *s = open_scorer(plugin("hostile", NULL, "{\"sin\":\"lost\",\"at\":-1}"), &options);
    assert_int_equal(as_scorer_score(s, &items, 0, &small, &r, NULL), 0);
    uint32_t n_lost = 0;
    for (uint32_t i = 0; i < r.n; i++) {
        n_lost += r.verdict[i] == ASSAY_ERROR;
        assert_true(r.verdict[i] == ASSAY_ERROR ||
                    as_str_eq(as_results_get(&r, i, ASSAY_OUT_KEY), items.completion[i]));
    }
    assert_true(n_lost > 0);
    as_scorer_close(s);
    as_arena_fini(&small);
    as_arena_fini(&arena);
}

static void bad_texts_are_mended_or_dropped(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    score_numbers(plugin("sevenk", NULL, "{\"sin\":\"texts\",\"at\":3}"), &inproc, 10, 10, 1,
                  &arena, &r, NULL);
    assert_all_right(&r, 10, UINT32_MAX);
    assert_string_equal(reason_of(&r, 3), "bad \xEF\xBF\xBD byte");
    assert_null(as_results_get(&r, 3, ASSAY_OUT_METRICS).data);
    assert_null(as_results_get(&r, 3, ASSAY_OUT_KEY).data);
    assert_null(as_results_get(&r, 3, ASSAY_OUT_SPANS).data);
    as_arena_fini(&arena);
}

static void duplicates_are_scored_once(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_scorer_stats stats;
    as_arena_init(&arena, 0);
    score_numbers(plugin("sevenk", "deterministic", NULL), &inproc, N, 100, 1, &arena, &r, &stats);
    assert_all_right(&r, 100, UINT32_MAX);
    assert_int_equal(stats.duplicates, N - 100);
    assert_false(r.cached[99]);
    assert_true(r.cached[100]);
    score_numbers(plugin("sevenk", NULL, NULL), &inproc, N, 100, 1, &arena, &r, &stats);
    assert_int_equal(stats.duplicates, 0); /* does not call itself deterministic */
    as_arena_fini(&arena);
}

static void similar_items_are_not_duplicates(void **state)
{
    (void)state;
    as_arena arena;
    as_arena_init(&arena, 0);
    /* same lengths, same ends: what a cheap signature cannot tell apart */
    enum { M = 300 };
    as_str text[M];
    for (uint32_t i = 0; i < M; i++)
        text[i] = as_arena_fmt(&arena, "%u%05u-same-end-same-end-same-end-same-end-same-end", i % 2,
                               i / 2);
    assay_batch b = { .size = sizeof b, .n = M, .completion = text };
    as_items items;
    as_results r;
    assert_int_equal(as_items_of_batch(&items, &b, &arena, NULL), 0);
    as_scorer *s = open_scorer(plugin("sevenk", "deterministic", NULL), &inproc);
    assert_int_equal(as_scorer_score(s, &items, ASSAY_WANT_ANSWER, &arena, &r, NULL), 0);
    for (uint32_t i = 0; i < M; i++)
        assert_true(as_str_eq(as_results_get(&r, i, ASSAY_OUT_KEY), text[i]));
    assert_int_equal(as_scorer_get_stats(s).duplicates, 0);
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void groups_stay_whole(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    score_numbers(plugin("sevenk", "group", NULL), &inproc, 7000, 7000, 7, &arena, &r, NULL);
    for (uint32_t i = 0; i < r.n; i++)
        assert_int_equal(r.verdict[i], ASSAY_PASS);
    score_numbers(plugin("sevenk", "group", "{\"sin\":\"status\",\"at\":3500}"), &inproc, 7000,
                  7000, 7, &arena, &r, NULL);
    for (uint32_t i = 0; i < r.n; i++)
        assert_int_equal(r.verdict[i], i / 7 == 500 ? ASSAY_ERROR : ASSAY_PASS);
    as_arena_fini(&arena);
}

static void errors_of_the_outside_are_retried(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_scorer_stats stats;
    as_arena_init(&arena, 0);
    score_numbers(plugin("sevenk", "network", "{\"sin\":\"status\",\"at\":70}"), &inproc, 100, 100,
                  1, &arena, &r, &stats);
    assert_all_right(&r, 100, 70);
    assert_int_equal(r.verdict[70], ASSAY_ERROR);
    assert_int_equal(stats.retried, 2);
    as_arena_fini(&arena);
}

struct thread_job {
    as_scorer *scorer;
    uint32_t n_wrong;
};

static void *score_in_thread(void *arg)
{
    struct thread_job *job = arg;
    for (int round = 0; round < 20; round++) {
        as_arena arena;
        as_results r;
        as_arena_init(&arena, 0);
        as_items items = numbers(&arena, 500, 500, 1);
        if (as_scorer_score(job->scorer, &items, ASSAY_WANT_ANSWER, &arena, &r, NULL) < 0)
            job->n_wrong++;
        for (uint32_t i = 0; i < 500; i++)
            job->n_wrong += r.verdict[i] != (i % 2 ? ASSAY_FAIL : ASSAY_PASS) ||
                            !as_str_eq(as_results_get(&r, i, ASSAY_OUT_KEY), items.completion[i]);
        if (as_scorer_extract(job->scorer, &items, &arena, &r, NULL) < 0 ||
            r.verdict[499] != ASSAY_PASS)
            job->n_wrong++;
        job->n_wrong += as_scorer_same(job->scorer, AS_LIT("12"), AS_LIT("32")) != 1;
        as_arena_fini(&arena);
    }
    return NULL;
}

static void many_threads_share_a_scorer(void **state)
{
    (void)state;
    static const char *const names[] = { "sevenk", "reentrant" };
    for (size_t k = 0; k < 2; k++) {
        as_scorer *s = open_scorer(plugin("sevenk", names[k], NULL), &inproc);
        pthread_t threads[8];
        struct thread_job jobs[8];
        for (size_t i = 0; i < 8; i++) {
            jobs[i] = (struct thread_job){ .scorer = s };
            assert_int_equal(pthread_create(&threads[i], NULL, score_in_thread, &jobs[i]), 0);
        }
        for (size_t i = 0; i < 8; i++) {
            assert_int_equal(pthread_join(threads[i], NULL), 0);
            assert_int_equal(jobs[i].n_wrong, 0);
        }
        assert_int_equal(as_scorer_get_stats(s).items, 8u * 20u * 500u);
        as_scorer_close(s);
    }
}

static void a_cancelled_call_keeps_what_it_has(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    as_cancel cancel = { .deadline_ns = as_now_ns() + 100000000 };
    as_scorer_options options = inproc;
    options.cancel = &cancel;
    as_scorer *s = open_scorer(plugin("sevenk", NULL, "{\"sin\":\"wait\",\"at\":700}"), &options);
    as_items items = numbers(&arena, 1000, 1000, 1);
    assert_int_equal(as_scorer_score(s, &items, 0, &arena, &r, &err), AS_EBUDGET);
    assert_int_equal(r.verdict[699], ASSAY_FAIL);
    assert_int_equal(r.verdict[700], ASSAY_UNSET);
    assert_int_equal(r.verdict[999], ASSAY_UNSET);
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void assert_open_fails(const char *name, const as_scorer_options *options, int code,
                              const char *text)
{
    as_scorer *s = NULL;
    as_err err = { 0 };
    assert_int_equal(as_scorer_open(&s, registry, name, options, &err), code);
    assert_null(s);
    if (!strstr(err.text, text))
        fail_msg("%s: %s", name, err.text);
}

static void opening_says_what_is_wrong(void **state)
{
    (void)state;
    assert_open_fails(plugin("sevenk", NULL, "{\"tolerence\":1}"), &inproc, AS_EUSAGE,
                      "config key unknown");
    assert_open_fails(plugin("sevenk", NULL, "{\"sin\":"), &inproc, AS_EUSAGE, "configuration of");
    assert_open_fails(plugin("sevenk", "nobody", NULL), &inproc, AS_EPLUGIN, "nobody");
    assert_open_fails("no-such-verifier", &inproc, AS_EPLUGIN, "no-such-verifier");
}

static void configuration_is_canonical(void **state)
{
    (void)state;
    as_scorer *a = open_scorer(plugin("sevenk", NULL, "{\"sin\":\"nan\", \"at\":1}"), &inproc);
    as_scorer *b = open_scorer(plugin("sevenk", NULL, "{\"at\":1,\"sin\":\"nan\"}"), &inproc);
    as_digest x = as_scorer_config_hash(a), y = as_scorer_config_hash(b);
    assert_memory_equal(x.bytes, y.bytes, sizeof x.bytes);
    assert_string_equal(as_scorer_config(a).data, "{\"at\":1,\"sin\":\"nan\"}");
    assert_true(as_scorer_is_inproc(a));
    assert_true(as_scorer_votes(a));
    float low, high;
    as_scorer_range(a, &low, &high);
    assert_true(low <= 0.0f && high >= 1.0f);
    as_scorer_close(a);
    as_scorer_close(b);
}

static const char *nested_config(const char *part_config)
{
    static char config[4096];
    (void)snprintf(config, sizeof config, "{\"part\":\"%s%s\"}", plugin("sevenk", NULL, NULL),
                   part_config);
    return config;
}

static void parts_are_opened_by_the_host(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    score_numbers(
        plugin("nested", NULL, nested_config(":{\\\"sin\\\":\\\"unset\\\",\\\"at\\\":5}")), &inproc,
        100, 100, 1, &arena, &r, NULL);
    assert_all_right(&r, 100, 5);
    assert_int_equal(r.verdict[5], ASSAY_ERROR);
    as_items items = numbers(&arena, 60, 30, 20);
    as_scorer *s = open_scorer(plugin("nested", NULL, nested_config("")), &inproc);
    assert_int_equal(as_scorer_extract(s, &items, &arena, &r, NULL), 0);
    assert_string_equal(as_results_get(&r, 13, ASSAY_OUT_KEY).data, "13");
    as_str a = as_results_get(&r, 3, ASSAY_OUT_RULE), b = as_results_get(&r, 13, ASSAY_OUT_RULE);
    assert_true(as_str_eq(a, b)); /* 3 and 13 are the same modulo 10 */
    assert_false(as_str_eq(a, as_results_get(&r, 4, ASSAY_OUT_RULE)));
    assert_int_equal(as_scorer_same(s, AS_LIT("3"), AS_LIT("13")), 1);
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void parts_are_opened_in_create_only(void **state)
{
    (void)state;
    as_arena arena;
    as_results r;
    as_arena_init(&arena, 0);
    char config[4096];
    (void)snprintf(config, sizeof config, "{\"late\":true,\"part\":\"%s\"}",
                   plugin("sevenk", NULL, NULL));
    score_numbers(plugin("nested", NULL, config), &inproc, 3, 3, 1, &arena, &r, NULL);
    assert_int_equal(r.verdict[0], ASSAY_ERROR);
    assert_non_null(strstr(reason_of(&r, 0), "in create() only"));
    as_arena_fini(&arena);
}

static void nesting_ends(void **state)
{
    (void)state;
    /* nested:{part: nested:{part: ...}}, each level escaping the one inside */
    static char text[2][1 << 16];
    char folder[1024];
    (void)snprintf(folder, sizeof folder, "%s", plugin("nested", NULL, NULL));
    (void)snprintf(text[0], sizeof text[0], "%s", plugin("sevenk", NULL, NULL));
    for (int level = 0; level < 3; level++) {
        static char escaped[1 << 16];
        size_t n = 0;
        for (const char *p = text[0]; *p && n + 2 < sizeof escaped; p++) {
            if (*p == '"' || *p == '\\')
                escaped[n++] = '\\';
            escaped[n++] = *p;
        }
        escaped[n] = 0;
        (void)snprintf(text[1], sizeof text[1], "%s:{\"part\":\"%.30000s\"}", folder, escaped);
        memcpy(text[0], text[1], sizeof text[0]);
    }
    as_scorer_options options = inproc;
    as_scorer_close(open_scorer(text[0], &options));
    options.depth = AS_PARTS_DEPTH - 1; /* as if it were deep inside others already */
    assert_open_fails(text[0], &options, AS_EUSAGE, "nest more than 8 deep");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(sins_cost_one_item),
        cmocka_unit_test(a_lost_text_is_an_error),
        cmocka_unit_test(bad_texts_are_mended_or_dropped),
        cmocka_unit_test(duplicates_are_scored_once),
        cmocka_unit_test(similar_items_are_not_duplicates),
        cmocka_unit_test(groups_stay_whole),
        cmocka_unit_test(errors_of_the_outside_are_retried),
        cmocka_unit_test(many_threads_share_a_scorer),
        cmocka_unit_test(a_cancelled_call_keeps_what_it_has),
        cmocka_unit_test(opening_says_what_is_wrong),
        cmocka_unit_test(configuration_is_canonical),
        cmocka_unit_test(parts_are_opened_by_the_host),
        cmocka_unit_test(parts_are_opened_in_create_only),
        cmocka_unit_test(nesting_ends),
    };
    return cmocka_run_group_tests_name("scorer", tests, open_registry, close_registry);
}
