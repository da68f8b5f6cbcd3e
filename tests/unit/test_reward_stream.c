/* test_reward_stream.c -- rewards while rows still come: nothing depends on threads, order or
 * batches; groups are judged whole; crashes, hangs and cancels cost what they must and no more.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/file.h"
#include "rewards.h"
#include "temp.h"

/* ---- the same whatever the threads ---- */

enum { ROWS = 707, EACH = 7 }; /* more than a call takes, and calls would end within groups */
#define SEVERAL                                                                                    \
    "[{\"plugin\":\"@/sevenk.so\",\"config\":{\"sin\":\"nan\",\"at\":77}},"                        \
    "{\"plugin\":\"@/sevenk.so#group\",\"weight\":0.1},{\"plugin\":\"math\",\"weight\":0.01},"     \
    "{\"plugin\":\"majority\",\"config\":{\"of\":\"exact\"},\"weight\":0}]"

static void the_same_with_any_threads_and_order(void **state)
{
    (void)state;
    static const unsigned threads[] = { 1, 2, 7, 4 };
    static const uint32_t strides[] = { 1, 706, 100, 11 };
    static const uint32_t each[] = { EACH, EACH, 0, EACH };
    step s = step_of_numbers(ROWS, EACH);
    double first[ROWS];
    for (size_t k = 0; k < 4; k++) {
        as_reward_options options = in_process;
        options.threads = threads[k];
        as_reward *w = open_rewards(SEVERAL, &options);
        const as_reward_row *rows = run_step(w, &s, each[k], strides[k]);
        for (uint32_t i = 0; i < ROWS; i++) {
            assert_int_equal(rows[i].is_unscored, i == 77);
            /* groups were whole: #group passes all; math: the number is the group's size */
            if (i != 77)
                assert_near(rows[i].score, (i % 2 == 0) + 0.1 + (i == EACH ? 0.01 : 0));
            if (k == 0)
                first[i] = rows[i].score;
            else if (i != 77)
                assert_true(first[i] <= rows[i].score && rows[i].score <= first[i]);
        }
        const as_reward_stats *stats = as_reward_get_stats(w);
        assert_int_equal(stats->n_unscored, 1);
        assert_int_equal(stats->parts[1].n_passed, ROWS);
        for (uint32_t p = 0; p < stats->n_parts; p++)
            assert_true(stats->parts[p].calls > 0);
        as_reward_close(w);
    }
    as_arena_fini(&s.arena);
}

/* All rows of a group in one call, though they come far apart and groups have odd numbers. */
static void groups_are_judged_whole(void **state)
{
    (void)state;
    as_reward *w = open_rewards("\"majority:{\\\"of\\\":\\\"exact\\\"}\"", &in_process);
    static const char *const texts[] = { "x", "y", "y", "x", "x", "y" };
    static const uint32_t group[] = { 5, 0, 0, 5, 0, 5 };
    step s = step_of_texts(texts, 6, "");
    for (uint32_t i = 0; i < 6; i++)
        s.items[i].group = group[i];
    const as_reward_row *rows = run_step(w, &s, 3, 5);
    static const bool right[] = { true, true, true, true, false, false };
    for (uint32_t i = 0; i < 6; i++)
        assert_near(rows[i].score, right[i]);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* A step that ends with fewer rows than were announced is one of so many; a group is what came of
 * it. */
static void fewer_rows_than_announced(void **state)
{
    (void)state;
    as_reward *w = open_rewards("[{\"plugin\":\"majority\",\"config\":{\"of\":\"exact\"}},"
                                "{\"plugin\":\"@/sevenk.so\",\"weight\":0}]",
                                &in_process);
    static const char *const texts[] = { "2", "2", "4", "7", "1", "1" };
    const as_reward_row *rows = NULL;
    as_err err = { 0 };
    step s = step_of_texts(texts, 6, "");
    for (uint32_t i = 0; i < 6; i++)
        s.items[i].group = i / 3;
    assert_int_equal(as_reward_begin(w, 6, 0, &err), 0);
    for (uint32_t i = 0; i < 5; i++)
        assert_int_equal(as_reward_put(w, i, &s.items[i], &err), 0);
    assert_int_equal(as_reward_end(w, 7, &err), AS_EUSAGE);
    err = (as_err){ 0 };
    assert_int_equal(as_reward_end(w, 4, &err), AS_EUSAGE);
    assert_string_equal(err.text, "row 4 was put, and only 4 rows were to come");
    assert_int_equal(as_reward_wait(w, &rows, &err), AS_EUSAGE);
    err = (as_err){ 0 };
    assert_int_equal(as_reward_end(w, 5, &err), 0);
    assert_int_equal(as_reward_wait(w, &rows, &err), 0);
    for (uint32_t i = 0; i < 5; i++) /* 7 and 1 are one vote each: the smaller key wins */
        assert_near(rows[i].score, i < 2 || i == 4);
    assert_int_equal(as_reward_get_stats(w)->n_rows, 5);
    assert_int_equal(as_reward_get_stats(w)->parts[1].n_passed, 3);
    assert_int_equal(as_reward_begin(w, 6, 0, &err), 0);
    s.items[0].group = 5;
    assert_int_equal(as_reward_put(w, 0, &s.items[0], &err), 0);
    assert_int_equal(as_reward_end(w, 1, &err), AS_EUSAGE);
    assert_string_equal(err.text, "group 5 was put, and only 1 rows were to come");
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* What a verifier may draw by is the row's own, whatever it is batched with. */
static void each_row_has_its_seed(void **state)
{
    (void)state;
    as_reward *w = open_rewards("\"@/sin_seed.so\"", &in_process);
    step s = step_of_numbers(90, 9);
    const as_reward_row *rows = run_step(w, &s, 9, 7);
    for (uint32_t i = 0; i < 90; i++)
        assert_near(rows[i].score, (i + 1) / 97.0);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* What waits for somebody else is asked row by row, so that the waits are side by side. */
static void who_waits_is_asked_row_by_row(void **state)
{
    (void)state;
    as_reward *w = open_rewards("[\"@/sevenk.so\",\"@/sevenk.so#network\"]", &in_process);
    step s = step_of_numbers(50, 5);
    const as_reward_row *rows = run_step(w, &s, 5, 7);
    for (uint32_t i = 0; i < 50; i++)
        assert_near(rows[i].score, i % 2 == 0 ? 2 : 0);
    assert_true(as_reward_get_stats(w)->parts[0].calls < 50);
    assert_int_equal(as_reward_get_stats(w)->parts[1].calls, 50);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* A step of other sizes after a step: nothing of the one before is left. */
static void steps_follow_each_other(void **state)
{
    (void)state;
    as_reward *w = open_rewards(SEVERAL, &in_process);
    for (uint32_t n = 32; n > 0; n -= 8) {
        step s = step_of_numbers(n, 4);
        const as_reward_row *rows = run_step(w, &s, 4, 1);
        for (uint32_t i = 0; i < n; i++)
            assert_near(rows[i].score, (i % 2 == 0) + 0.1 + (i == 4 ? 0.01 : 0));
        assert_int_equal(as_reward_get_stats(w)->n_rows, n);
        as_arena_fini(&s.arena);
    }
    const as_reward_row *rows = NULL;
    assert_int_equal(as_reward_begin(w, 0, 4, NULL), 0);
    assert_int_equal(as_reward_wait(w, &rows, NULL), 0);
    assert_true(isnan(as_reward_get_stats(w)->mean));
    as_reward_close(w);
}

static void answers_come_where_they_are_wanted(void **state)
{
    (void)state;
    as_reward_options options = in_process;
    options.wants_answers = true;
    as_reward *w = open_rewards(
        "[{\"plugin\":\"@/sevenk.so\",\"weight\":0},\"math\",\"@/sevenk.so\"]", &options);
    static const char *const texts[] = { "\\boxed{0.50}", "\\boxed{2}" };
    step s = step_of_texts(texts, 2, "1/2");
    const as_reward_row *rows = run_step(w, &s, 1, 1);
    assert_true(rows[0].key.data && rows[1].key.data);
    assert_false(as_str_eq(rows[0].key, rows[1].key));
    assert_str_is(rows[1].answer, "2");
    as_reward_close(w);
    w = open_rewards("\"math\"", &in_process);
    rows = run_step(w, &s, 1, 1);
    assert_null(rows[0].key.data);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* ---- overlap, cache, times ---- */

static size_t size_of(const char *path)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 20);
    return as_file_read(path, &text, NULL) < 0 ? 0 : text.len;
}

/* Rows are scored though nobody has asked for them yet. */
static void scoring_begins_before_wait(void **state)
{
    (void)state;
    char json[600];
    const char *count = temp_path("begins");
    (void)snprintf(json, sizeof json,
                   "{\"plugin\":\"@/costly.so\",\"config\":{\"count_file\":\"%s\"}}", count);
    as_reward *w = open_rewards(json, &in_process);
    step s = step_of_numbers(41, 1);
    assert_int_equal(as_reward_begin(w, 41, 1, NULL), 0);
    for (uint32_t i = 0; i < 40; i++)
        assert_int_equal(as_reward_put(w, i, &s.items[i], NULL), 0);
    while (size_of(count) == 0)
        as_sleep_ms(1);
    const as_reward_row *rows = NULL;
    assert_int_equal(as_reward_put(w, 40, &s.items[40], NULL), 0);
    assert_int_equal(as_reward_wait(w, &rows, NULL), 0);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

static void the_cache_saves_the_second_step(void **state)
{
    (void)state;
    char json[600];
    char cache_file[300];
    const char *count = temp_path("count");
    (void)snprintf(json, sizeof json,
                   "{\"plugin\":\"@/costly.so\",\"config\":{\"count_file\":\"%s\"}}", count);
    (void)snprintf(cache_file, sizeof cache_file, "%s", temp_path("verdicts"));
    as_cache *cache = NULL;
    assert_int_equal(as_cache_open(&cache, cache_file, NULL), 0);
    as_reward_options options = in_process;
    options.cache = cache;
    as_reward *w = open_rewards(json, &options);
    step s = step_of_numbers(20, 1);
    (void)run_step(w, &s, 1, 1);
    assert_int_equal(as_reward_get_stats(w)->parts[0].n_cached, 0);
    assert_int_equal(as_reward_get_stats(w)->parts[0].n_slow, AS_REWARD_SLOWEST);
    size_t before = size_of(count);
    const as_reward_row *rows = run_step(w, &s, 1, 3);
    assert_int_equal(size_of(count), before);
    assert_int_equal(as_reward_get_stats(w)->parts[0].n_cached, 20);
    assert_int_equal(as_reward_get_stats(w)->parts[0].n_slow, 0); /* nobody was asked */
    assert_near(rows[1].score, 1);
    assert_near(rows[2].score, 0);
    as_reward_close(w);
    as_cache_close(cache);
    as_arena_fini(&s.arena);
}

static void the_slowest_are_named(void **state)
{
    (void)state;
    as_reward *w =
        open_rewards("{\"plugin\":\"@/cli_slow.so\",\"config\":{\"ms\":1}}", &in_workers);
    step s = step_of_numbers(10, 2);
    (void)run_step(w, &s, 2, 3);
    const as_reward_part_stats *p = &as_reward_get_stats(w)->parts[0];
    assert_int_equal(p->n_slow, AS_REWARD_SLOWEST);
    for (uint32_t i = 0; i < AS_REWARD_SLOWEST; i++) {
        assert_true(p->slow[i].ms > 0 && (i == 0 || p->slow[i].ms <= p->slow[i - 1].ms));
        assert_true(as_str_eq(p->slow[i].id, s.items[p->slow[i].row].id));
    }
    assert_true(p->seconds > 0 && as_reward_get_stats(w)->seconds >= p->seconds);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* ---- what goes wrong ---- */

static void a_crash_or_hang_costs_its_row(void **state)
{
    (void)state;
    static const struct {
        const char *json, *reason;
    } cases[] = {
        { "{\"plugin\":\"@/sevenk.so\",\"config\":{\"sin\":\"abort\",\"at\":5}}", "" },
        { "{\"plugin\":\"@/sevenk.so\",\"config\":{\"sin\":\"hang\",\"at\":5},"
          "\"timeout_ms\":100}",
          "100 ms" },
    };
    for (size_t k = 0; k < 2; k++) {
        as_reward *w = open_rewards(cases[k].json, &in_workers);
        step s = step_of_numbers(24, 4);
        const as_reward_row *rows = run_step(w, &s, 4, 5);
        for (uint32_t i = 0; i < 24; i++) {
            assert_int_equal(rows[i].is_unscored, i == 5);
            if (i != 5)
                assert_near(rows[i].score, i % 2 == 0);
        }
        assert_int_equal(rows[5].verdict, ASSAY_ERROR);
        assert_true(rows[5].reason.len > 0);
        if (!strstr(rows[5].reason.data, cases[k].reason))
            fail_msg("%s", rows[5].reason.data);
        as_reward_close(w);
        as_arena_fini(&s.arena);
    }
}

static void a_cancel_ends_the_wait(void **state)
{
    (void)state;
    as_cancel cancel = { 0 };
    as_reward_options options = in_process;
    options.cancel = &cancel;
    as_reward *w = open_rewards(
        "{\"plugin\":\"@/sevenk.so\",\"config\":{\"sin\":\"wait\",\"at\":3}}", &options);
    step s = step_of_numbers(200, 4);
    const as_reward_row *rows = NULL;
    as_err err = { 0 };
    assert_int_equal(as_reward_begin(w, 200, 4, NULL), 0);
    for (uint32_t i = 0; i < 200; i++)
        assert_int_equal(as_reward_put(w, i, &s.items[i], NULL), 0);
    as_cancel_set(&cancel, AS_EINTR);
    assert_int_equal(as_reward_wait(w, &rows, &err), AS_EINTR);
    assert_null(rows);
    assert_true(err.text[0] != '\0');
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

static void misuse_is_told_and_nothing_runs_on(void **state)
{
    (void)state;
    as_reward *w = open_rewards("\"exact\"", &in_process);
    step s = step_of_numbers(6, 3);
    const as_reward_row *rows = NULL;
    as_err err = { 0 };
    assert_int_equal(as_reward_begin(w, 6, 2, NULL), 0);
    assert_int_equal(as_reward_put(w, 6, &s.items[0], NULL), AS_EUSAGE);
    assert_int_equal(as_reward_put(w, 0, &s.items[0], NULL), 0);
    assert_int_equal(as_reward_put(w, 0, &s.items[0], NULL), AS_EUSAGE);
    assert_int_equal(as_reward_put(w, 1, &s.items[1], NULL), 0);
    assert_int_equal(as_reward_put(w, 2, &s.items[2], NULL), AS_EUSAGE); /* a third of a group */
    s.items[3].group = 6;
    assert_int_equal(as_reward_put(w, 3, &s.items[3], NULL), AS_EUSAGE);
    assert_int_equal(as_reward_wait(w, &rows, &err), AS_EUSAGE);
    assert_true(strstr(err.text, "row 2 of 6 was never put") != NULL);
    assert_null(rows);
    s.items[3].group = 1;
    (void)run_step(w, &s, 3, 1);
    assert_int_equal(as_reward_begin(w, 6, 3, NULL), 0); /* given up: nobody waits */
    assert_int_equal(as_reward_put(w, 0, &s.items[0], NULL), 0);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

static int set_up(void **state)
{
    int rc = temp_setup(state);
    return rc ? rc : open_registry(state);
}

static int tear_down(void **state)
{
    (void)close_registry(state);
    return temp_teardown(state);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_same_with_any_threads_and_order),
        cmocka_unit_test(groups_are_judged_whole),
        cmocka_unit_test(fewer_rows_than_announced),
        cmocka_unit_test(each_row_has_its_seed),
        cmocka_unit_test(who_waits_is_asked_row_by_row),
        cmocka_unit_test(steps_follow_each_other),
        cmocka_unit_test(answers_come_where_they_are_wanted),
        cmocka_unit_test(scoring_begins_before_wait),
        cmocka_unit_test(the_cache_saves_the_second_step),
        cmocka_unit_test(the_slowest_are_named),
        cmocka_unit_test(a_crash_or_hang_costs_its_row),
        cmocka_unit_test(a_cancel_ends_the_wait),
        cmocka_unit_test(misuse_is_told_and_nothing_runs_on),
    };
    return cmocka_run_group_tests(tests, set_up, tear_down);
}
