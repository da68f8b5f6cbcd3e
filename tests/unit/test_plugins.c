/* test_plugins.c -- our verifiers called directly: configurations that are refused, and with which
 * sentence; columns the host leaves out; the same answer whatever came before.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin_driver.h"

#include <stdbool.h>

static const struct {
    const char *plugin, *config, *sentence; /* sentence NULL: accepted */
} configs[] = {
    { "exact", NULL, NULL },
    { "exact", "", NULL },
    { "exact", "{}", NULL },
    { "exact", " {\"take\":\"answer\"} ", NULL },
    { "exact", "{\"take\":null}", NULL },
    { "exact", "[1]", "not a JSON object" },
    { "exact", "{\"take\"", "not JSON" },
    { "exact", "{} {}", "after its object" },
    { "exact", "{\"tak\":\"all\"}", "\"tak\" unknown (known: normalise, take)" },
    { "exact", "{\"take\":\"some\"}", "\"some\" is not one of all, last_line, answer" },
    { "exact", "{\"take\":1}", "must be a string" },
    { "exact", "{\"take\":\"all\",\"take\":\"answer\"}", "given twice" },
    { "format", "{\"tags\":[]}", "asks for nothing" },
    { "format", "{\"tags\":[\"a b\"]}", "names are 1 to" },
    { "format", "{\"tags\":\"think\"}", "must be a list" },
    { "format", "{\"max_bytes\":-1}", "whole number from 0" },
    { "format", "{\"max_bytes\":1.5}", "whole number" },
    { "format", "{\"max_repeat\":2}", "number from 0 to 1" },
    { "format", "{\"boxed\":\"yes\"}", "must be true or false" },
    { "choice", "{\"choices\":\"ABCDE\"}", NULL },
    { "choice", "{\"choices\":\"A\"}", "letters from A on" },
    { "choice", "{\"choices\":\"ACD\"}", "letters from A on" },
    { "choice", "{\"choices\":\"ABCDEFGHIJK\"}", "letters from A on" },
    { "math", "{\"extract\":\"gsm8k\",\"think\":\"off\",\"answer_tags\":true}", NULL },
    { "math", "{\"extract\":\"best\"}", "not one of math, gsm8k, minerva, olympiad, aime, strict" },
    { "math", "{\"tolerance\":0.1}", "must be an object" },
    { "compose", "{}", "does not offer assay.verifiers/1" },
    { "majority", "{}", "does not offer assay.verifiers/1" },
};

static void test_configs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof configs / sizeof *configs; i++) {
        const assay_descriptor *d = driver_open(configs[i].plugin);
        assert_non_null(d);
        assay_error err;
        assay_verifier *v = driver_create(d, configs[i].config, &err);
        bool as_expected =
            configs[i].sentence ? !v && strstr(err.text, configs[i].sentence) : v != NULL;
        if (!as_expected)
            fail_msg("%s %s: %s, \"%s\"", configs[i].plugin, configs[i].config,
                     v ? "accepted" : "refused", err.text);
        if (v)
            v->destroy(v);
    }
}

/* A host that wants neither column, gives no reference column and no texts but the completion. */
static void test_missing_columns(void **state)
{
    (void)state;
    static const char *const names[] = { "exact", "format", "choice", "math" };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        assay_error err;
        assay_verifier *v = driver_create(driver_open(names[i]), "{}", &err);
        assert_non_null(v);
        driven got = { .verdict = ASSAY_UNSET };
        const assay_str text = { "<think>x</think><answer>\\boxed{1}</answer>", 42 };
        const assay_batch b = { .size = sizeof b, .n = 1, .completion = &text };
        assay_scores none = { .size = sizeof none, .n = 1 };
        assay_call call = driver_call(&got, 0);
        assert_int_equal(v->score(v, &call, &b, &none, &err), ASSAY_OK);
        assay_scores verdict = { .size = sizeof verdict, .n = 1, .verdict = &got.verdict };
        assert_int_equal(v->score(v, &call, &b, &verdict, &err), ASSAY_OK);
        assert_true(got.verdict != ASSAY_UNSET && got.verdict != ASSAY_ERROR);
        v->destroy(v);
    }
}

/* The thread's working memory is reused: a huge answer before a small one changes nothing. */
static void test_reuse(void **state)
{
    (void)state;
    enum { SIZE = 70000 };
    assay_error err;
    assay_verifier *v = driver_create(driver_open("math"), "{}", &err);
    assert_non_null(v);
    char *big = malloc(SIZE + 1);
    assert_non_null(big);
    memset(big, '(', SIZE);
    memcpy(big, "\\boxed{", 7);
    big[SIZE - 1] = '}';
    big[SIZE] = 0;
    const assay_str gold = { "\\{1,2\\}", 7 }, small = { "\\boxed{2} and \\boxed{1}", 23 };
    driven got;
    for (int round = 0; round < 3; round++) {
        for (size_t len = 100; len <= SIZE; len *= 9) {
            driver_score(v, gold, (assay_str){ big + SIZE - len, len }, ASSAY_WANT_EXPLAIN, &got);
            assert_true(got.verdict == ASSAY_FAIL || got.verdict == ASSAY_ABSTAIN ||
                        got.verdict == ASSAY_NO_ANSWER);
        }
        driver_score(v, gold, small, ASSAY_WANT_ANSWER, &got);
        assert_int_equal(got.verdict, ASSAY_PASS);
        assert_string_equal(got.text[ASSAY_OUT_KEY], "s:{q:1,q:2}");
    }
    free(big);
    v->destroy(v);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_configs),
                                        cmocka_unit_test(test_missing_columns),
                                        cmocka_unit_test(test_reuse) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
