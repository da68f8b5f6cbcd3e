/* test_check.c -- `plugin check` finds what shows only in comparison or under load; known answers
 * and fuzzing. SPDX-License-Identifier: Apache-2.0 */
#include "check_rows.h"

#include "temp.h"

static const check_row rows[] = {
    { .plugin = "sin_random", .failing = "determinism", .says = "score differs" },
    { .plugin = "sin_seed", .failing = "determinism", .says = "other seeds" },
    { .plugin = "sin_batch", .failing = "batches", .says = "score differs" },
    { .plugin = "sin_same_asymmetric", .failing = "vote", .says = "the other way round" },
    { .plugin = "sin_same_irreflexive", .failing = "vote", .says = "itself" },
    { .plugin = "sin_key", .failing = "vote", .says = "\"other\"" },
    { .plugin = "sin_threads", .failing = "threads", .says = "ASSAY_E_FAIL" },
    { .plugin = "sin_cancel", .failing = "cancel deadline", .says = "call->cancelled" },
    { .plugin = "sin_cancel_ok", .failing = "cancel deadline", .says = "ASSAY_E_CANCELLED" },
#ifndef __SANITIZE_THREAD__ /* whose allocator cannot be asked */
    { .plugin = "sin_leak", .failing = "leaks", .says = "" },
#endif
    { .plugin = "sin_leak_fd", .failing = "leaks", .says = "descriptors" },
    { .plugin = "sin_chdir", .failing = "state", .says = "directory" },
    { .plugin = "sin_stdout", .failing = "quiet", .says = "scoring" },
    { .plugin = "sin_fuzz", .failing = "fuzz", .says = "--fuzz 1 --seed ", .fuzz = 2000 },
};

/* ---- known answers ---- */

static void write_file(const char *path, const char *text)
{
    FILE *f = fopen(path, "w");
    assert_non_null(f);
    assert_true(fputs(text, f) >= 0);
    assert_int_equal(fclose(f), 0);
}

static int run_known(const char *text, check_seen *seen, as_err *err)
{
    as_check_options options = { .known = temp_path("known.jsonl") };
    as_registry *registry = NULL;
    as_found found;
    char path[1024];
    write_file(options.known, text);
    (void)snprintf(path, sizeof path, "%s/without_sin.so", getenv("ASSAY_TEST_PLUGINS"));
    memset(seen, 0, sizeof *seen);
    assert_int_equal(as_registry_open(&registry, &(as_registry_options){ .index_file = "" }, err),
                     0);
    assert_int_equal(as_registry_find(registry, path, &found, err), 0);
    int rc = as_check_run(&found, &options, check_take, seen, err);
    as_registry_close(registry);
    return rc;
}

#define PASS_LINE "{\"completion\":\"a\",\"reference\":\"a\",\"verdict\":\"pass\",\"score\":1}\n"
#define FAIL_LINE "{\"completion\":\"a\",\"reference\":\"b\",\"verdict\":\"fail\"}\n"

static void known_answers_hold(void **state)
{
    check_seen seen;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(run_known(PASS_LINE "\n" FAIL_LINE, &seen, &err), 0);
    assert_string_equal(seen.failing, "");
}

static void known_answers_differ(void **state)
{
    static const struct {
        const char *line, *says;
    } wrong[] = {
        { "{\"completion\":\"a\",\"reference\":\"b\",\"verdict\":\"pass\",\"why\":\"so\"}\n",
          "known.jsonl:3: verdict fail, expected pass (so)" },
        { "{\"completion\":\"a\",\"reference\":\"a\",\"verdict\":\"pass\",\"score\":0.5}\n",
          "score 1, expected 0.5" },
        { "{\"completion\":\"a\",\"reference\":\"a\",\"verdict\":\"pass\",\"key\":\"a\"}\n",
          "key (absent), expected \"a\"" },
    };
    (void)state;
    for (size_t i = 0; i < sizeof wrong / sizeof *wrong; i++) {
        char text[500];
        check_seen seen;
        as_err err = { 0 };
        (void)snprintf(text, sizeof text, "%s%s%s", PASS_LINE, FAIL_LINE, wrong[i].line);
        assert_int_equal(run_known(text, &seen, &err), AS_EGATE);
        assert_string_equal(seen.failing, "known");
        assert_non_null(strstr(seen.text, wrong[i].says));
    }
}

static void known_answers_of_one_kind(void **state)
{
    check_seen seen;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(run_known(PASS_LINE, &seen, &err), AS_EGATE);
    assert_string_equal(seen.failing, "known");
}

static void known_answers_unreadable(void **state)
{
    static const char *const bad[] = {
        "{\"completion\":\"a\",\"verdict\":\"pass\",\"refrence\":\"a\"}\n",
        "{\"completion\":\"a\"}\n",
        "{\"verdict\":\"pass\"}\n",
        "[]\n",
        "{\"completion\":\n",
        "{\"completion\":\"a\",\"verdict\":\"pass\",\"config\":[]}\n"
    };
    (void)state;
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        char text[300];
        check_seen seen;
        as_err err = { 0 };
        (void)snprintf(text, sizeof text, "%s%s", PASS_LINE, bad[i]);
        assert_int_equal(run_known(text, &seen, &err), AS_EDATA);
        assert_non_null(strstr(err.text, "known.jsonl:2: "));
        assert_int_equal(seen.n, 0);
    }
}

/* ---- fuzzing ---- */

static void fuzz_is_reproducible(void **state)
{
    as_check_options options = { .fuzz_rounds = 2000, .seed = 1 };
    check_seen first;
    check_seen again;
    (void)state;
    assert_int_equal(check_run("sin_fuzz", &options, &first), AS_EGATE);
    const char *seed = strstr(first.text, "--seed ");
    assert_non_null(seed);
    options.seed = strtoull(seed + 7, NULL, 10);
    options.fuzz_rounds = 1;
    assert_int_equal(check_run("sin_fuzz", &options, &again), AS_EGATE);
    assert_string_equal(again.failing, "fuzz");
}

static void config_must_be_an_object(void **state)
{
    as_check_options options = { .config = "[1]" };
    check_seen seen;
    (void)state;
    assert_int_equal(check_run("without_sin", &options, &seen), AS_EUSAGE);
    options.config = "{\"a\":";
    assert_true(check_run("without_sin", &options, &seen) < 0);
    assert_int_equal(seen.n, 0);
}

static void refused_config_is_told(void **state)
{
    as_check_options options = { .config = "{\"x\":1}" };
    check_seen seen;
    (void)state;
    assert_int_equal(check_run("without_sin", &options, &seen), AS_EGATE);
    assert_string_equal(seen.failing, "create");
    assert_non_null(strstr(seen.text, "takes no configuration but {}"));
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(known_answers_hold),        cmocka_unit_test(known_answers_differ),
        cmocka_unit_test(known_answers_of_one_kind), cmocka_unit_test(known_answers_unreadable),
        cmocka_unit_test(fuzz_is_reproducible),      cmocka_unit_test(config_must_be_an_object),
        cmocka_unit_test(refused_config_is_told),
    };
    int failed = check_all(rows, sizeof rows / sizeof *rows);
    return failed + cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
