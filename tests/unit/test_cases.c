/* test_cases.c -- the files that tests/cases/math.list names through the built math.so: verdict,
 * key, and what must hold of every case: score and extract agree on the key, `same` is symmetric
 * and agrees with the verdict. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "plugin_driver.h"

#include <cJSON.h>
#include <math.h>

static const assay_descriptor *math_plugin;

static assay_verdict verdict_of(const char *word)
{
    static const char *const words[] = { "unset",   "pass",    "fail", "no_answer",
                                         "timeout", "abstain", "error" };
    for (unsigned i = 0; i < 7; i++)
        if (strcmp(word, words[i]) == 0)
            return (assay_verdict)i;
    return ASSAY_UNSET;
}

static const char *text_of(const cJSON *row, const char *key)
{
    const cJSON *v = cJSON_GetObjectItemCaseSensitive(row, key);
    return cJSON_IsString(v) ? v->valuestring : NULL;
}

static assay_str str_of(const char *text)
{
    return (assay_str){ text, text ? strlen(text) : 0 };
}

static void extract_key(assay_verifier *v, const char *completion, driven *out)
{
    const assay_ext_answer *ext = v->extension(v, ASSAY_EXT_ANSWER);
    *out = (driven){ .verdict = ASSAY_UNSET };
    const assay_str text = str_of(completion), absent = { NULL, 0 };
    const uint64_t zero = 0;
    assay_batch b = { .size = sizeof b,
                      .n = 1,
                      .prompt = &absent,
                      .completion = &text,
                      .reference = &absent,
                      .meta = &absent,
                      .group = &zero,
                      .seed = &zero };
    assay_call call = driver_call(out, 0);
    assay_error err = { .size = sizeof err };
    assert_non_null(ext);
    assert_int_equal(ext->extract(v, &call, &b, &err), ASSAY_OK);
}

/* The verdict is what the keys say: the reference, boxed, votes with the answer exactly where it
 * passes. */
static void check_vote(assay_verifier *v, const char *id, const char *reference,
                       const driven *scored)
{
    char boxed[1200];
    driven gold;
    if (!scored->text[ASSAY_OUT_KEY][0] || reference[0] == 0)
        return;
    (void)snprintf(boxed, sizeof boxed, "\\boxed{%s}", reference);
    extract_key(v, boxed, &gold);
    const assay_ext_answer *ext = v->extension(v, ASSAY_EXT_ANSWER);
    assay_call call = driver_call(&gold, 0);
    assay_str a = str_of(scored->text[ASSAY_OUT_KEY]), b = str_of(gold.text[ASSAY_OUT_KEY]);
    int32_t forth = ext->same(v, &call, a, b), back = ext->same(v, &call, b, a);
    if (forth != back || (scored->verdict == ASSAY_PASS) != (forth == 1))
        fail_msg("%s: same(%s, %s) is %d and %d, the verdict %d", id, a.data, b.data, forth, back,
                 scored->verdict);
}

static int check_case(const cJSON *row)
{
    const char *id = text_of(row, "id"), *reference = text_of(row, "reference"),
               *completion = text_of(row, "completion");
    const char *expect = text_of(row, "expect"), *key = text_of(row, "key"),
               *why = text_of(row, "why");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(row, "config");
    assert_true(id && reference && completion && expect && why);
    char *json = config ? cJSON_PrintUnformatted(config) : NULL;
    assay_error err;
    assay_verifier *v = driver_create(math_plugin, json, &err);
    cJSON_free(json);
    if (!v)
        fail_msg("%s: %s", id, err.text);
    driven got, again;
    driver_score(v, str_of(reference), str_of(completion), ASSAY_WANT_ANSWER | ASSAY_WANT_EXPLAIN,
                 &got);
    int wrong = got.status != ASSAY_OK || got.verdict != verdict_of(expect) ||
                (key && strcmp(key, got.text[ASSAY_OUT_KEY]) != 0);
    if (wrong)
        print_error("%s: verdict %d, key %s, expected %s %s (%s): %s\n", id, got.verdict,
                    got.text[ASSAY_OUT_KEY], expect, key ? key : "", why,
                    got.text[ASSAY_OUT_EXPLAIN]);
    assert_true((got.verdict == ASSAY_ABSTAIN) == (isnan(got.score) != 0));
    assert_true(got.verdict == ASSAY_PASS || got.text[ASSAY_OUT_REASON][0]);
    extract_key(v, completion, &again);
    assert_string_equal(again.text[ASSAY_OUT_KEY], got.text[ASSAY_OUT_KEY]);
    if (!config)
        check_vote(v, id, reference, &got);
    v->destroy(v);
    return wrong;
}

static FILE *open_case_file(const char *name)
{
    char path[4096];
    const char *source = getenv("ASSAY_SOURCE");
    (void)snprintf(path, sizeof path, "%s/tests/cases/%s", source ? source : ".", name);
    FILE *f = fopen(path, "r");
    if (!f)
        fail_msg("%s cannot be read", path);
    return f;
}

/* Rows that are not as expected; *n is how many there are. */
static int check_file(const char *name, int *n)
{
    char line[16384];
    int n_wrong = 0;
    *n = 0;
    FILE *f = open_case_file(name);
    while (fgets(line, sizeof line, f)) {
        cJSON *row = cJSON_Parse(line);
        assert_non_null(row);
        n_wrong += check_case(row);
        (*n)++;
        cJSON_Delete(row);
    }
    (void)fclose(f);
    return n_wrong;
}

/* The list names one file a line. */
static void test_cases(void **state)
{
    (void)state;
    char name[200];
    int n, n_wrong = 0, n_rows = 0;
    FILE *list = open_case_file("math.list");
    while (fscanf(list, "%199s", name) == 1) {
        n_wrong += check_file(name, &n);
        n_rows += n;
    }
    (void)fclose(list);
    assert_int_equal(n_wrong, 0);
    assert_true(n_rows >= 190);
}

int main(void)
{
    math_plugin = driver_open("math");
    if (!math_plugin)
        return 1;
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_cases) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
