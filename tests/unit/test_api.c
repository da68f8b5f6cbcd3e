/* test_api.c -- libassay's public functions, with a verifier linked in: structs of other ages,
 * errors, texts, votes. The file is included, so that the test links the same static rooms as every
 * other one; test_packaging.py and test_host_python.py do it from outside, through libassay.so.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "api/assay.c" /* NOLINT(bugprone-suspicious-include) */

#include <ctype.h>
#include <math.h>
#include <pthread.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdatomic.h>
#include <stdio.h>

#include <cmocka.h>

/* ---- the verifier: equality with the reference; answers are the completion, case does not matter
 * ---- */

static atomic_int n_bad_texts; /* texts that break rule 1 of plugin.h */

static void look_at(assay_str s)
{
    if (s.data && (s.data[s.len] != '\0' || as_utf8_valid(s) != s.len))
        atomic_fetch_add(&n_bad_texts, 1);
}

static assay_status mirror_score(assay_verifier *v, const assay_call *call, const assay_batch *b,
                                 assay_scores *out, assay_error *err)
{
    (void)v;
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        look_at(b->completion[i]);
        look_at(b->reference[i]);
        look_at(b->prompt[i]);
        look_at(b->meta[i]);
        bool equal = as_str_eq(b->completion[i], b->reference[i]);
        out->verdict[i] = !b->reference[i].data ? ASSAY_ABSTAIN : equal ? ASSAY_PASS : ASSAY_FAIL;
        out->score[i] = out->verdict[i] == ASSAY_ABSTAIN ? NAN : (float)equal;
        call->emit(call, i, ASSAY_OUT_REASON, b->completion[i]);
        if (call->flags & ASSAY_WANT_EXPLAIN)
            call->emit(call, i, ASSAY_OUT_EXPLAIN, AS_LIT("compared bytes"));
    }
    return ASSAY_OK;
}

static assay_status mirror_extract(assay_verifier *v, const assay_call *call, const assay_batch *b,
                                   assay_error *err)
{
    (void)v;
    (void)err;
    for (uint32_t i = 0; i < b->n; i++) {
        if (as_str_is(b->completion[i], "boom"))
            return ASSAY_E_FAIL;
        if (as_str_is_blank(b->completion[i]))
            continue;
        call->emit(call, i, ASSAY_OUT_KEY, b->completion[i]);
        call->emit(call, i, ASSAY_OUT_ANSWER, b->completion[i]);
    }
    return ASSAY_OK;
}

static int32_t mirror_same(assay_verifier *v, const assay_call *call, assay_str a, assay_str b)
{
    (void)v;
    (void)call;
    if (a.len != b.len)
        return 0;
    for (size_t i = 0; i < a.len; i++) {
        if (tolower((unsigned char)a.data[i]) != tolower((unsigned char)b.data[i]))
            return 0;
    }
    return 1;
}

static const void *mirror_extension(const assay_verifier *v, const char *id)
{
    static const assay_ext_answer answer = { .size = sizeof answer,
                                             .extract = mirror_extract,
                                             .same = mirror_same };
    (void)v;
    return id && strcmp(id, ASSAY_EXT_ANSWER) == 0 ? &answer : NULL;
}

static void mirror_destroy(assay_verifier *v)
{
    as_free(v);
}

static assay_status mirror_create(const assay_descriptor *d, const assay_host *host,
                                  assay_str config, assay_verifier **out, assay_error *err)
{
    (void)d;
    (void)host;
    if (config.len > 2) {
        if (err)
            snprintf(err->text, sizeof err->text, "it takes no config");
        return ASSAY_E_CONFIG;
    }
    assay_verifier *v = as_calloc(1, sizeof *v);
    if (!v)
        return ASSAY_E_NOMEM;
    *v = (assay_verifier){ .size = sizeof *v,
                           .destroy = mirror_destroy,
                           .score = mirror_score,
                           .extension = mirror_extension };
    *out = v;
    return ASSAY_OK;
}

static const assay_descriptor mirror = { .size = sizeof mirror,
                                         .flags = ASSAY_F_DETERMINISTIC | ASSAY_F_REENTRANT,
                                         .id = "org.assay.test.mirror",
                                         .name = "mirror",
                                         .version = "1",
                                         .license = "Apache-2.0",
                                         .summary = "a test",
                                         .config_schema = "{\"type\":\"object\"}",
                                         .revision = 1,
                                         .score_max = 1,
                                         .create = mirror_create };
static const assay_descriptor *const mirrors[] = { &mirror, NULL };
static const assay_entry entry = { ASSAY_MAGIC, ASSAY_ABI_MAJOR, ASSAY_ABI_MINOR, sizeof entry,
                                   mirrors };

/* ---- helpers ---- */

static assay_library *lib;
static assay_scorer *scorer;

static int setup(void **state)
{
    (void)state;
    assay_error err = { .size = sizeof err };
    if (assay_library_open(&lib, NULL, &err) != 0 ||
        assay_scorer_open(lib, "mirror", &scorer, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return -1;
    }
    return 0;
}

static int teardown(void **state)
{
    (void)state;
    assay_scorer_close(scorer);
    assay_library_close(lib);
    return 0;
}

static assay_item item_of(const char *completion, const char *reference)
{
    return (assay_item){ .completion = as_str_of(completion), .reference = as_str_of(reference) };
}

/* ---- options of every age ---- */

static int try_options(void *options, assay_error *err)
{
    assay_library *l = NULL;
    *err = (assay_error){ .size = sizeof *err };
    int rc = assay_library_open(&l, options, err);
    assert_int_equal(rc == 0, l != NULL);
    assert_int_equal(rc, err->code);
    assay_library_close(l);
    return rc;
}

static void test_options_of_an_older_program(void **state)
{
    (void)state;
    struct {
        assay_options o;
        char more[16];
    } x = { { .size = sizeof(assay_options), .isolation = 77, .plugin_path = "/nowhere" }, { 0 } };
    assay_options known;
    as_err e = { 0 };
    assay_error err;
    assert_int_equal(try_options(&x, &err), ASSAY_E_CONFIG);
    assert_non_null(strstr(err.text, "isolation is 77"));
    x.o.size = offsetof(assay_options,
                        isolation); /* a program that knew no isolation: the field is not read */
    assert_int_equal(try_options(&x, &err), 0);
    x.o.threads = 3;
    x.o.timeout_ms = 5;
    x.o.size = offsetof(assay_options, timeout_ms);
    assert_int_equal(read_options(&x.o, &known, &e), 0);
    assert_true(known.threads == 3 && known.timeout_ms == 0 && known.isolation == 0 &&
                !known.plugin_path);
    x.o.isolation = AS_ISOLATION_JAIL;
    x.o.size = offsetof(assay_options, cache_path);
    x.o.cache_path = "/nowhere/either";
    assert_int_equal(read_options(&x.o, &known, &e), 0);
    assert_true(known.isolation == AS_ISOLATION_JAIL && known.plugin_path && !known.cache_path);
    x.o.size = 0;
    assert_int_equal(try_options(&x, &err), ASSAY_E_CONFIG);
    assert_non_null(strstr(err.text, "sizeof(assay_options)"));
}

static void test_options_of_a_newer_program(void **state)
{
    (void)state;
    struct {
        assay_options o;
        char more[16];
    } x;
    memset(&x, 0, sizeof x); /* the tail is read byte by byte */
    x.o.size = sizeof x;
    assay_error err;
    assert_int_equal(try_options(&x, &err), 0);
    x.more[3] = 1;
    assert_int_equal(try_options(&x, &err), ASSAY_E_CONFIG);
    assert_non_null(strstr(err.text, "update libassay"));
}

/* ---- errors ---- */

static void test_errors_fit_the_callers_struct(void **state)
{
    (void)state;
    union {
        assay_error e;
        unsigned char bytes[2 * sizeof(assay_error)];
    } u;
    static const uint32_t sizes[] = {
        0, 4, 8, 9, 12, 40, sizeof(assay_error), 2 * sizeof(assay_error)
    };
    for (size_t k = 0; k < sizeof sizes / sizeof *sizes; k++) {
        memset(u.bytes, 0xEE, sizeof u.bytes);
        u.e.size = sizes[k];
        assay_scorer *s = NULL;
        assert_int_equal(assay_scorer_open(lib, "no_such_verifier", &s, &u.e), ASSAY_E_FAIL);
        assert_null(s);
        assert_int_equal(u.e.size, sizes[k]);
        if (sizes[k] >= 8)
            assert_int_equal(u.e.code, ASSAY_E_FAIL);
        if (sizes[k] > 8)
            assert_non_null(memchr(u.e.text, 0, sizes[k] - 8));
        size_t end = sizes[k] < 4 ? 4 : sizes[k] < sizeof u.e ? sizes[k] : sizeof u.e;
        for (size_t i = end; i < sizeof u.bytes; i++)
            assert_int_equal(u.bytes[i], 0xEE); /* nothing is written beyond what the caller has */
    }
    assay_scorer *s = NULL;
    assert_int_equal(assay_scorer_open(lib, "no_such_verifier", &s, NULL), ASSAY_E_FAIL);
    assay_error err = { .size = sizeof err };
    assert_true(assay_scorer_open(lib, "mirror:{\"a\":1}", &s, &err) == ASSAY_E_CONFIG);
    assert_non_null(strstr(err.text, "it takes no config"));
}

static void test_a_cut_error_is_still_utf8(void **state)
{
    (void)state;
    as_err long_one = { .code = AS_EDATA };
    for (size_t i = 0; i + 2 < sizeof long_one.text; i += 2)
        memcpy(long_one.text + i, "\xC3\xA4", 2);
    for (uint32_t size = 9; size <= sizeof(assay_error); size++) {
        assay_error err = { .size = size };
        assert_int_equal(report(&err, &long_one), ASSAY_E_ARG);
        size_t len = strlen(err.text);
        assert_true(len <= size - 9 && len + 2 > size - 9);
        assert_int_equal(as_utf8_valid((as_str){ err.text, len }), len);
    }
}

static void test_null_arguments(void **state)
{
    (void)state;
    assay_results *r = NULL;
    assay_scorer *s = NULL;
    assay_item item = item_of("a", "a");
    assert_int_equal(assay_library_open(NULL, NULL, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_scorer_open(NULL, "mirror", &s, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_scorer_open(lib, NULL, &s, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_score(NULL, &item, 1, 0, &r, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_score(scorer, &item, 1, 0, NULL, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_score(scorer, NULL, 1, 0, &r, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_vote(scorer, NULL, 3, NULL, NULL, NULL, NULL, &r, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_score(scorer, &item, 1, 1u << 20, &r, NULL), ASSAY_E_ARG);
    assert_int_equal(assay_register(NULL, NULL), ASSAY_E_ARG);
    assert_null(r);
    size_t n = 7;
    assert_null(assay_results_rows(NULL, &n));
    assert_int_equal(n, 0);
    assay_results_free(NULL);
    assay_scorer_close(NULL);
    assay_library_close(NULL);
    assert_string_equal(assay_verdict_name(ASSAY_NO_ANSWER), "no_answer");
    assert_string_equal(assay_verdict_name(99), "unset");
    assert_string_equal(assay_verdict_name(-1), "unset");
    assert_string_equal(assay_version(), ASSAY_VERSION);
}

/* ---- scoring ---- */

static void test_scores_in_order(void **state)
{
    (void)state;
    assay_item items[] = { item_of("a", "a"), item_of("b", "a"), item_of("c", NULL),
                           item_of(NULL, "") };
    assay_results *r = NULL;
    assay_error err = { .size = sizeof err };
    assert_int_equal(assay_score(scorer, items, 4, ASSAY_WANT_EXPLAIN, &r, &err), 0);
    size_t n = 0;
    const assay_result *rows = assay_results_rows(r, &n);
    assert_int_equal(n, 4);
    assert_true(rows[0].verdict == ASSAY_PASS && rows[0].score == 1);
    assert_true(rows[1].verdict == ASSAY_FAIL && rows[1].score == 0);
    assert_true(rows[2].verdict == ASSAY_ABSTAIN && isnan(rows[2].score));
    assert_true(rows[3].verdict == ASSAY_PASS); /* no completion is an empty one */
    assert_true(as_str_is(rows[0].explain, "compared bytes"));
    assert_null(rows[0].answer.data);
    assay_results *same = r;
    assert_int_equal(assay_score(scorer, items, 1, 0, &r, &err), 0);
    assert_ptr_equal(r, same); /* reused */
    rows = assay_results_rows(r, &n);
    assert_int_equal(n, 1);
    assert_null(rows[0].explain.data);
    assert_int_equal(assay_score(scorer, items, 0, 0, &r, &err), 0);
    (void)assay_results_rows(r, &n);
    assert_int_equal(n, 0);
    assay_results_free(r);
}

static void test_texts_are_made_safe(void **state)
{
    (void)state;
    char raw[6] = { 'a', (char)0xFF, 'b', '!', '!', '!' }; /* not UTF-8, not terminated */
    assay_item item = { .completion = { raw, 3 },
                        .reference = AS_LIT("a\xEF\xBF\xBD"
                                            "b"),
                        .meta = AS_LIT("{\"k\":1}") };
    assay_results *r = NULL;
    assay_error err = { .size = sizeof err };
    atomic_store(&n_bad_texts, 0);
    assert_int_equal(assay_score(scorer, &item, 1, 0, &r, &err), 0);
    size_t n = 0;
    const assay_result *rows = assay_results_rows(r, &n);
    assert_int_equal(rows[0].verdict, ASSAY_PASS);
    assert_int_equal(rows[0].reason.len, 5);
    assert_int_equal(atomic_load(&n_bad_texts), 0);
    assay_results_free(r);
}

static void assert_refused(const assay_item *items, size_t n, const char *why)
{
    assay_results *r = NULL;
    assay_error err = { .size = sizeof err };
    assert_int_equal(assay_score(scorer, items, n, 0, &r, &err), ASSAY_E_ARG);
    if (!strstr(err.text, why))
        fail_msg("expected \"%s\" in: %s", why, err.text);
    assert_null(r);
    assay_item good = item_of("a", "a");
    assert_int_equal(assay_score(scorer, &good, 1, 0, &r, &err), 0);
    assert_int_equal(err.code, 0); /* an old error does not stay */
    assert_int_equal(assay_score(scorer, items, n, 0, &r, &err), ASSAY_E_ARG);
    size_t left = 9;
    assert_null(
        assay_results_rows(r, &left)); /* the caller's object: empty, and still to be freed */
    assert_int_equal(left, 0);
    assay_results_free(r);
}

static void test_items_that_make_no_sense(void **state)
{
    (void)state;
    assay_item items[3] = { item_of("a", "a"), item_of("b", "b"), item_of("c", "c") };
    items[1].meta = AS_LIT("[1]");
    assert_refused(items, 3, "item 1: meta: it is not a JSON object");
    items[1].meta = AS_LIT("{\"a\":");
    assert_refused(items, 3, "item 1: meta: ");
    items[1].meta = (as_str){ NULL, 3 };
    assert_refused(items, 3, "item 1: meta has 3 bytes but no data");
    items[1].meta = (as_str){ NULL, 0 };
    items[0].group = items[2].group = 5;
    items[1].group = 4;
    assert_refused(items, 3, "group 5 stands in two places");
}

/* ---- voting ---- */

static void test_vote(void **state)
{
    (void)state;
    assay_item items[] = { item_of("Yes", NULL), item_of("no", NULL),   item_of("yes", NULL),
                           item_of("", NULL),    item_of("boom", NULL), item_of("yes", NULL) };
    uint32_t class_of[6] = { 0 };
    assay_str label = { NULL, 0 };
    double ratio = -1;
    int32_t tie = -1;
    assay_results *r = NULL;
    assay_error err = { .size = sizeof err };
    assert_int_equal(assay_vote(scorer, items, 6, class_of, &label, &ratio, &tie, &r, &err), 0);
    assert_true(as_str_is(label, "yes"));
    assert_true(fabs(ratio - 3.0 / 5.0) <
                1e-15); /* "boom" is our failure: it is not in n; the blank one is */
    assert_int_equal(tie, 0);
    static const uint32_t expected[6] = { 0, 1, 0, UINT32_MAX, UINT32_MAX, 0 };
    assert_memory_equal(class_of, expected, sizeof expected);
    size_t n = 0;
    const assay_result *rows = assay_results_rows(r, &n);
    assert_int_equal(n, 6);
    assert_true(as_str_is(rows[0].key, "Yes") && rows[3].key.data == NULL);
    assert_int_equal(rows[4].verdict, ASSAY_ERROR);
    assert_int_equal(assay_vote(scorer, items + 3, 1, class_of, &label, &ratio, &tie, &r, &err), 0);
    assert_true(label.data == NULL && ratio == 0 && tie == 0 && class_of[0] == UINT32_MAX);
    assert_int_equal(assay_vote(scorer, items, 2, NULL, NULL, NULL, &tie, &r, &err), 0);
    assert_int_equal(tie, 1);
    assert_int_equal(assay_vote(scorer, NULL, 0, NULL, &label, &ratio, &tie, &r, &err), 0);
    assert_null(label.data);
    assay_results_free(r);
}

static void test_pass_at_k(void **state)
{
    (void)state;
    assert_true(fabs(assay_pass_at_k(10, 3, 2) - (1 - 21.0 / 45.0)) < 1e-12);
    assert_true(isnan(assay_pass_at_k(2, 1, 3)));
}

/* ---- threads ---- */

static void *score_many(void *arg)
{
    int *wrong = arg;
    assay_results *r = NULL;
    for (int round = 0; round < 50; round++) {
        char texts[16][16];
        assay_item items[16];
        for (int i = 0; i < 16; i++) {
            snprintf(texts[i], sizeof texts[i], "%d", round + i);
            items[i] = item_of(texts[i], i % 2 ? texts[i] : "no");
        }
        assay_str label = { NULL, 0 };
        size_t n = 0;
        if (assay_score(scorer, items, 16, 0, &r, NULL) != 0)
            ++*wrong;
        const assay_result *rows = assay_results_rows(r, &n);
        for (size_t i = 0; i < n; i++)
            *wrong += rows[i].verdict != (i % 2 ? ASSAY_PASS : ASSAY_FAIL);
        *wrong += n != 16;
        if (assay_vote(scorer, items, 16, NULL, &label, NULL, NULL, &r, NULL) != 0 || !label.data)
            ++*wrong;
    }
    assay_results_free(r);
    return NULL;
}

static void test_many_threads(void **state)
{
    (void)state;
    pthread_t threads[4];
    int wrong[4] = { 0 };
    for (int t = 0; t < 4; t++)
        assert_int_equal(pthread_create(&threads[t], NULL, score_many, &wrong[t]), 0);
    for (int t = 0; t < 4; t++) {
        assert_int_equal(pthread_join(threads[t], NULL), 0);
        assert_int_equal(wrong[t], 0);
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_options_of_an_older_program),
        cmocka_unit_test(test_options_of_a_newer_program),
        cmocka_unit_test(test_errors_fit_the_callers_struct),
        cmocka_unit_test(test_a_cut_error_is_still_utf8),
        cmocka_unit_test(test_null_arguments),
        cmocka_unit_test(test_scores_in_order),
        cmocka_unit_test(test_texts_are_made_safe),
        cmocka_unit_test(test_items_that_make_no_sense),
        cmocka_unit_test(test_vote),
        cmocka_unit_test(test_pass_at_k),
        cmocka_unit_test(test_many_threads),
    };
    assay_error err = { .size = sizeof err };
    if (assay_register(&entry, &err) != 0) {
        fprintf(stderr, "%s\n", err.text);
        return 1;
    }
    return cmocka_run_group_tests(tests, setup, teardown);
}
