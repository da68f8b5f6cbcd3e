/* test_reward.c -- rewards out of verifiers: weights, gates, what is only watched, what could not
 * be judged, the alarm, and what is refused. SPDX-License-Identifier: Apache-2.0 */
#include "rewards.h"

static void one_verifier_is_its_score(void **state)
{
    (void)state;
    as_reward *w = open_rewards("\"exact\"", &in_process);
    static const char *const texts[] = { "a", "b", "", "a" };
    step s = step_of_texts(texts, 4, "a");
    const as_reward_row *rows = run_step(w, &s, 1, 1);
    for (uint32_t i = 0; i < 4; i++) {
        assert_false(rows[i].is_unscored);
        assert_near(rows[i].score, i % 3 == 0);
        assert_near((double)rows[i].scores[0], i % 3 == 0);
    }
    assert_int_equal(rows[0].verdict, ASSAY_PASS);
    assert_int_equal(rows[1].verdict, ASSAY_FAIL);
    assert_int_equal(rows[2].verdict, ASSAY_NO_ANSWER);
    const as_reward_stats *stats = as_reward_get_stats(w);
    assert_int_equal(stats->n_rows, 4);
    assert_int_equal(stats->n_passed, 2);
    assert_int_equal(stats->n_unscored, 0);
    assert_near(stats->mean, 0.5);
    assert_near(stats->std, sqrt(1.0 / 3));
    assert_string_equal(as_reward_part_name(w, 0), "exact");
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* sevenk passes even numbers; exact those equal to the size of their group, 4. */
static void weights_add_up(void **state)
{
    (void)state;
    as_reward *w = open_rewards("[{\"plugin\":\"@/sevenk.so\",\"weight\":0.5},"
                                "{\"plugin\":\"exact\",\"weight\":-2},\"exact\"]",
                                &in_process);
    step s = step_of_numbers(8, 4);
    const as_reward_row *rows = run_step(w, &s, 4, 3);
    for (uint32_t i = 0; i < 8; i++) {
        assert_near(rows[i].score, (i % 2 == 0 ? 0.5 : 0) + (i == 4 ? -2 + 1 : 0));
        assert_int_equal(rows[i].verdict, i % 2 == 0 ? ASSAY_PASS : ASSAY_FAIL);
        assert_int_equal(rows[i].verdicts[1], i == 4 ? ASSAY_PASS : ASSAY_FAIL);
    }
    assert_string_equal(as_reward_part_name(w, 0), "sevenk");
    assert_string_equal(as_reward_part_name(w, 2), "exact:2");
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* What a gate refuses gets the gate's value, even where another verifier cannot tell; what it lets
 * through must be judged by the others. */
static void a_gate_that_is_lost_decides(void **state)
{
    (void)state;
    as_reward *w = open_rewards("[{\"plugin\":\"@/always_abstain.so\"},"
                                "{\"plugin\":\"@/sevenk.so\",\"gate\":-0.25}]",
                                &in_process);
    step s = step_of_numbers(6, 6);
    const as_reward_row *rows = run_step(w, &s, 6, 5);
    for (uint32_t i = 0; i < 6; i++) {
        assert_int_equal(rows[i].is_unscored, i % 2 == 0);
        assert_int_equal(rows[i].part, i % 2);
        if (i % 2)
            assert_near(rows[i].score, -0.25);
        else
            assert_true(isnan(rows[i].score));
        assert_int_equal(rows[i].verdict, i % 2 ? ASSAY_FAIL : ASSAY_ABSTAIN);
    }
    assert_int_equal(as_reward_get_stats(w)->n_gated, 3);
    assert_int_equal(as_reward_get_stats(w)->n_unscored, 3);
    assert_near(as_reward_get_stats(w)->mean, -0.25);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

static void gates_alone_are_worth_one(void **state)
{
    (void)state;
    as_reward *w = open_rewards("{\"plugin\":\"@/sevenk.so\",\"gate\":true}", &in_process);
    step s = step_of_numbers(5, 5);
    const as_reward_row *rows = run_step(w, &s, 5, 1);
    for (uint32_t i = 0; i < 5; i++)
        assert_near(rows[i].score, i % 2 == 0);
    assert_int_equal(as_reward_get_stats(w)->n_gated, 2);
    as_reward_close(w);
    /* with a weight besides, it counts besides */
    w = open_rewards("[{\"plugin\":\"@/sevenk.so\",\"gate\":true,\"weight\":3},"
                     "{\"plugin\":\"@/sevenk.so\",\"gate\":false}]",
                     &in_process);
    rows = run_step(w, &s, 5, 1);
    for (uint32_t i = 0; i < 5; i++)
        assert_near(rows[i].score, i % 2 == 0 ? 4 : 0);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

#define COSTLY(more)                                                                               \
    "{\"plugin\":\"@/costly.so\",\"config\":{\"count_file\":\"/dev/null\"}" more "}"

/* A gate that could not tell has not been lost; an answer that is missing is one that is refused.
 */
static void a_gate_that_cannot_tell_is_not_lost(void **state)
{
    (void)state;
    static const char *const texts[] = { "a", "error", "abstain", "timeout", "b" };
    as_reward *w = open_rewards("[" COSTLY(",\"gate\":-1") ",\"@/sevenk.so\"]", &in_process);
    step s = step_of_texts(texts, 5, "a");
    const as_reward_row *rows = run_step(w, &s, 1, 1);
    static const assay_verdict verdicts[] = { ASSAY_PASS, ASSAY_ERROR, ASSAY_ABSTAIN, ASSAY_FAIL,
                                              ASSAY_FAIL };
    for (uint32_t i = 0; i < 5; i++) {
        assert_int_equal(rows[i].is_unscored, i == 1 || i == 2);
        assert_int_equal(rows[i].verdict, verdicts[i]);
    }
    assert_near(rows[3].score, -1);
    assert_near(rows[4].score, -1);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* Of two that cannot judge, the one that failed is named: it may be over next time. */
static void an_error_comes_before_an_abstention(void **state)
{
    (void)state;
    as_reward *w = open_rewards("[\"@/always_abstain.so\",{\"plugin\":\"@/"
                                "sevenk.so\",\"config\":{\"sin\":\"nan\",\"at\":2}}]",
                                &in_process);
    step s = step_of_numbers(4, 4);
    const as_reward_row *rows = run_step(w, &s, 4, 1);
    for (uint32_t i = 0; i < 4; i++) {
        assert_true(rows[i].is_unscored);
        assert_int_equal(rows[i].part, i == 2);
        assert_int_equal(rows[i].verdict, i == 2 ? ASSAY_ERROR : ASSAY_ABSTAIN);
    }
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* ERROR and ABSTAIN are no reward; a time-out of the model's is a 0. */
static void what_could_not_be_judged_has_no_reward(void **state)
{
    (void)state;
    static const char *const texts[] = { "a", "error", "timeout", "abstain",
                                         "b", "error", "abstain", "abstain" };
    as_reward *w = open_rewards(COSTLY(""), &in_process);
    step s = step_of_texts(texts, 8, "a");
    const as_reward_row *rows = run_step(w, &s, 1, 5);
    for (uint32_t i = 0; i < 8; i++) {
        bool is_out = i == 1 || i == 3 || i >= 5;
        assert_int_equal(rows[i].is_unscored, is_out);
        assert_int_equal(isnan(rows[i].score), is_out);
        assert_int_equal(isnan(rows[i].scores[0]), is_out);
    }
    assert_near(rows[0].score, 1);
    assert_near(rows[2].score, 0);
    assert_int_equal(rows[2].verdict, ASSAY_TIMEOUT);
    assert_str_is(rows[1].reason, "broken on purpose");
    assert_str_is(rows[0].rule, "bytes");
    const as_reward_stats *stats = as_reward_get_stats(w);
    const as_reward_part_stats *p = &stats->parts[0];
    assert_int_equal(stats->n_unscored, 5);
    assert_near(stats->mean, 1.0 / 3);
    assert_int_equal(p->n_scored, 3);
    assert_int_equal(p->n_errors, 2);
    assert_int_equal(p->n_abstained, 3);
    assert_near(p->mean, 1.0 / 3);
    assert_int_equal(p->n_reasons, 2);
    assert_str_is(p->reasons[0].text, "no reason given"); /* more often, though later in order */
    assert_int_equal(p->reasons[0].n, 3);
    assert_int_equal(p->reasons[0].verdict, ASSAY_ABSTAIN);
    assert_str_is(p->reasons[1].text, "broken on purpose");
    assert_int_equal(p->reasons[1].n, 2);
    assert_int_equal(p->reasons[1].verdict, ASSAY_ERROR);
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* Held out or without a weight: seen in the columns, and in no reward, not even by failing. */
static void what_is_watched_changes_nothing(void **state)
{
    (void)state;
    cJSON *holdout = spec_of("[\"@/always_abstain.so\",{\"plugin\":\"exact\"}]");
    as_reward_options options = in_process;
    options.holdout = holdout;
    as_reward *w = open_rewards("[{\"plugin\":\"@/sevenk.so\",\"weight\":0,"
                                "\"config\":{\"sin\":\"nan\",\"at\":2}},\"@/sevenk.so\"]",
                                &options);
    cJSON_Delete(holdout);
    step s = step_of_numbers(8, 4);
    const as_reward_row *rows = run_step(w, &s, 4, 3);
    for (uint32_t i = 0; i < 8; i++) {
        assert_false(rows[i].is_unscored);
        assert_near(rows[i].score, i % 2 == 0);
        assert_int_equal(rows[i].part, 1);
        assert_int_equal(rows[i].verdicts[0], i == 2       ? ASSAY_ERROR
                                              : i % 2 == 0 ? ASSAY_PASS
                                                           : ASSAY_FAIL);
        assert_int_equal(rows[i].verdicts[2], ASSAY_ABSTAIN);
        assert_near((double)rows[i].scores[3], i == 4);
    }
    assert_int_equal(as_reward_n_parts(w), 4);
    assert_true(as_reward_part_is_watched(w, 0));
    assert_false(as_reward_part_is_watched(w, 1));
    assert_true(as_reward_part_is_watched(w, 2));
    assert_true(as_reward_part_is_watched(w, 3));
    assert_int_equal(as_reward_get_stats(w)->parts[2].n_abstained, 8);
    assert_near(as_reward_get_stats(w)->parts[3].mean, 1.0 / 8);
    assert_int_equal(as_reward_gate(w, NULL), 0); /* max_unscored is 0, and all have a reward */
    as_reward_close(w);
    as_arena_fini(&s.arena);
}

/* ---- the alarm ---- */

static int gate_after(as_reward *w, uint32_t n_errors, uint32_t n, as_err *err)
{
    static const char *const texts[] = { "error", "a" };
    const char *all[32];
    for (uint32_t i = 0; i < n; i++)
        all[i] = texts[i >= n_errors];
    step s = step_of_texts(all, n, "a");
    (void)run_step(w, &s, 1, 1);
    *err = (as_err){ 0 };
    int rc = as_reward_gate(w, err);
    as_arena_fini(&s.arena);
    return rc;
}

static void too_many_without_a_reward_stop_the_run(void **state)
{
    (void)state;
    static const char *const spec = "[\"exact\"," COSTLY("") "]";
    cJSON *holdout = spec_of("\"@/always_abstain.so\"");
    as_reward_options options = in_process;
    as_err err;
    options.holdout = holdout; /* what it says is not counted, nor told */
    options.max_unscored = 0.25;
    as_reward *w = open_rewards(spec, &options);
    assert_int_equal(gate_after(w, 0, 8, &err), 0);
    assert_int_equal(gate_after(w, 2, 8, &err), 0); /* just what is allowed */
    assert_int_equal(gate_after(w, 3, 8, &err), AS_EGATE);
    static const char *const says[] = {
        "3 of 8",        "37.5 %", "more than 25 %", "costly: 3 error", "broken on purpose",
        "--max-unscored"
    };
    for (size_t i = 0; i < sizeof says / sizeof *says; i++)
        if (!strstr(err.text, says[i]))
            fail_msg("%s", err.text);
    assert_null(strstr(err.text, "exact"));
    assert_null(strstr(err.text, "8 abstain"));
    assert_int_equal(gate_after(w, 1, 8, &err), 0); /* each step for itself */
    as_reward_close(w);

    options.window = 3;
    w = open_rewards(spec, &options);
    assert_int_equal(gate_after(w, 0, 16, &err), 0);
    assert_int_equal(gate_after(w, 4, 8, &err), 0);        /* 4 of 24 */
    assert_int_equal(gate_after(w, 3, 4, &err), 0);        /* 7 of 28: just what is allowed */
    assert_int_equal(gate_after(w, 0, 4, &err), AS_EGATE); /* the first has left: 7 of 16 */
    assert_true(strstr(err.text, "7 of 16") != NULL);
    as_reward_close(w);

    options.max_unscored = 1;
    w = open_rewards(spec, &options);
    assert_int_equal(gate_after(w, 8, 8, &err), 0);
    as_reward_close(w);
    options.max_unscored = 0;
    w = open_rewards(spec, &options);
    assert_int_equal(gate_after(w, 0, 8, &err), 0);
    assert_int_equal(gate_after(w, 1, 32, &err), AS_EGATE);
    as_reward_close(w);
    cJSON_Delete(holdout);
}

/* ---- what is refused ---- */

static void assert_refused(const char *json, const char *holdout, int code, const char *text)
{
    as_reward *w = NULL;
    as_err err = { 0 };
    cJSON *spec = spec_of(json);
    cJSON *watched = holdout ? spec_of(holdout) : NULL;
    as_reward_options options = in_process;
    options.holdout = watched;
    int rc = as_reward_open(&w, registry, spec, &options, &err);
    if (rc != code || !strstr(err.text, text))
        fail_msg("%s: %d: %s", json, rc, err.text);
    assert_null(w);
    cJSON_Delete(spec);
    cJSON_Delete(watched);
}

static void mistakes_are_named(void **state)
{
    (void)state;
    static const struct {
        const char *json, *text;
        int code;
    } cases[] = {
        { "[\"exact\",{\"plugin\":\"exact\",\"wieght\":1}]",
          "reward[1]: key \"wieght\" unknown (known: plugin, config, weight, gate, timeout_ms); "
          "did you mean \"weight\"?",
          AS_EUSAGE },
        { "\"exakt\"", "exakt", AS_EPLUGIN },
        { "\"exact:{\\\"tolerence\\\":1}\"", "reward: verifier", AS_EUSAGE },
        { "{\"plugin\":\"exact\",\"config\":{\"tolerence\":1}}", "tolerence", AS_EUSAGE },
        { "{\"plugin\":\"exact:{}\",\"config\":{}}", "leave one out", AS_EUSAGE },
        { "{\"config\":{}}", "\"plugin\" must be there", AS_EUSAGE },
        { "{\"plugin\":7}", "\"plugin\" must be there", AS_EUSAGE },
        { "{\"plugin\":\"exact\",\"config\":\"x\"}", "\"config\" must be an object", AS_EUSAGE },
        { "{\"plugin\":\"exact\",\"weight\":\"1\"}", "\"weight\" must be a number", AS_EUSAGE },
        { "{\"plugin\":\"exact\",\"weight\":1e7}", "\"weight\" must be a number", AS_EUSAGE },
        { "{\"plugin\":\"exact\",\"gate\":\"yes\"}", "\"gate\" must be true", AS_EUSAGE },
        { "{\"plugin\":\"exact\",\"timeout_ms\":0}", "\"timeout_ms\" must be", AS_EUSAGE },
        { "{\"plugin\":\"exact\",\"weight\":0}", "nothing would train", AS_EUSAGE },
        { "[]", "reward: the list names no verifier", AS_EUSAGE },
        { "[7]", "reward[0]: a verifier is", AS_EUSAGE },
        { "\"\"", "reward: a verifier is", AS_EUSAGE },
        { "[\"exact\",\"exact\",\"exact\",\"exact\",\"exact\",\"exact\",\"exact\",\"exact\","
          "\"exact\",\"exact\",\"exact\",\"exact\",\"exact\",\"exact\",\"exact\",\"exact\","
          "\"exact\"]",
          "reward[16]: more than 16 verifiers", AS_EUSAGE },
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++)
        assert_refused(cases[i].json, NULL, cases[i].code, cases[i].text);
    assert_refused("\"exact\"", "{\"plugin\":\"exact\",\"weight\":1}", AS_EUSAGE,
                   "holdout: \"weight\" has no place here");
    assert_refused("\"exact\"", "[\"exact\",{\"plugin\":\"exact\",\"gate\":true}]", AS_EUSAGE,
                   "holdout[1]: \"gate\" has no place here");
    as_reward *w = NULL;
    as_err err = { 0 };
    cJSON *spec = spec_of("\"exact\"");
    as_reward_options options = { .max_unscored = 5 };
    assert_int_equal(as_reward_open(&w, registry, spec, &options, &err), AS_EUSAGE);
    assert_true(strstr(err.text, "max_unscored: 5 is not a share") != NULL);
    options = (as_reward_options){ .window = AS_REWARD_WINDOW + 1 };
    assert_int_equal(as_reward_open(&w, registry, spec, &options, NULL), AS_EUSAGE);
    cJSON_Delete(spec);
}

/* A configuration reaches its verifier as it stands, whichever way it is written. */
static void a_configuration_may_be_text_or_object(void **state)
{
    (void)state;
    as_reward *a = open_rewards("\"exact:{\\\"normalise\\\":\\\"case\\\"}\"", &in_process);
    as_reward *b =
        open_rewards("{\"plugin\":\"exact\",\"config\":{\"normalise\":\"case\"}}", &in_process);
    assert_memory_equal(as_scorer_config(as_reward_part_scorer(a, 0)).data,
                        as_scorer_config(as_reward_part_scorer(b, 0)).data,
                        as_scorer_config(as_reward_part_scorer(a, 0)).len + 1);
    assert_true(as_scorer_config(as_reward_part_scorer(b, 0)).len > 2);
    as_reward_close(a);
    as_reward_close(b);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(one_verifier_is_its_score),
        cmocka_unit_test(weights_add_up),
        cmocka_unit_test(a_gate_that_is_lost_decides),
        cmocka_unit_test(gates_alone_are_worth_one),
        cmocka_unit_test(a_gate_that_cannot_tell_is_not_lost),
        cmocka_unit_test(an_error_comes_before_an_abstention),
        cmocka_unit_test(what_could_not_be_judged_has_no_reward),
        cmocka_unit_test(what_is_watched_changes_nothing),
        cmocka_unit_test(too_many_without_a_reward_stop_the_run),
        cmocka_unit_test(mistakes_are_named),
        cmocka_unit_test(a_configuration_may_be_text_or_object),
    };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
