/* test_compat.c -- plugins built against an older and a newer header, in today's host: in process
 * and in a worker. SPDX-License-Identifier: Apache-2.0 */
#include "unit/scoring.h"

static const char *compat(const char *age)
{
    static char text[4096];
    const char *folder = getenv("ASSAY_COMPAT_PLUGINS");
    (void)snprintf(text, sizeof text, "%s/compat_%s.so", folder ? folder : ".", age);
    return text;
}

static void use(const char *age, as_isolation isolation, const char *rule, int same)
{
    as_arena arena;
    as_results r;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    as_scorer_options options = { .isolation = isolation };
    as_scorer *s = open_scorer(compat(age), &options);
    as_items items = numbers(&arena, 20, 20, 7); /* the completion 7 equals its reference */
    assert_int_equal(as_scorer_score(s, &items, 0, &arena, &r, &err), 0);
    for (uint32_t i = 0; i < 20; i++) {
        assert_int_equal(r.verdict[i], i == 7 ? ASSAY_PASS : ASSAY_FAIL);
        assert_string_equal(as_results_get(&r, i, ASSAY_OUT_RULE).data, rule);
    }
    assert_true(as_scorer_votes(s));
    assert_int_equal(as_scorer_extract(s, &items, &arena, &r, &err), 0);
    assert_string_equal(as_results_get(&r, 13, ASSAY_OUT_KEY).data, "13");
    assert_int_equal(as_scorer_same(s, AS_LIT("a"), AS_LIT("b")), same);
    assert_int_equal(as_scorer_same(s, AS_LIT("a"), AS_LIT("a")), 1);
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void an_old_plugin_works(void **state)
{
    (void)state;
    use("old", AS_ISOLATION_INPROC, "not known", 0); /* it has no same(): bytes decide */
    use("old", AS_ISOLATION_WORKER, "not known", 0);
}

static void todays_plugin_works(void **state)
{
    (void)state;
    use("today", AS_ISOLATION_INPROC, "not known", 1);
    use("today", AS_ISOLATION_WORKER, "not known", 1);
}

static void a_new_plugin_works(void **state)
{
    (void)state;
    use("new", AS_ISOLATION_INPROC, "host is older", 1);
    use("new", AS_ISOLATION_WORKER, "host is older", 1);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(an_old_plugin_works),
                                        cmocka_unit_test(todays_plugin_works),
                                        cmocka_unit_test(a_new_plugin_works) };
    return cmocka_run_group_tests_name("compat", tests, open_registry, close_registry);
}
