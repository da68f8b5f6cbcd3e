/* test_cache_use.c -- the scorer with the cache: a second run calls the verifier 0 times, and what
 * must not be kept is asked again. The plugin costly.so counts its real calls into a file.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "plug/scorer.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

enum { N = 8 };
static const char *const completions[N] = { "a",       "b",     "error", "timeout",
                                            "abstain", "flaky", "a",     "c" };

typedef struct bench {
    char folder[64], cache[100], count[100], spec[4400];
} bench;

static int setup(void **state)
{
    static bench b;
    const char *plugins = getenv("ASSAY_TEST_PLUGINS");
    snprintf(b.folder, sizeof b.folder, "/tmp/assay_use_XXXXXX");
    if (!mkdtemp(b.folder))
        return -1;
    snprintf(b.cache, sizeof b.cache, "%s/c", b.folder);
    snprintf(b.count, sizeof b.count, "%s/count", b.folder);
    snprintf(b.spec, sizeof b.spec, "%s/costly.so:{\"count_file\":\"%s\"}",
             plugins ? plugins : "tests/plugins", b.count);
    *state = &b;
    return 0;
}

static int teardown(void **state)
{
    const bench *b = *state;
    char wal[120];
    for (int i = 0; i < 2; i++) {
        snprintf(wal, sizeof wal, "%s%s", b->cache, i ? "-wal" : "-shm");
        (void)unlink(wal);
    }
    (void)unlink(b->cache);
    (void)unlink(b->count);
    return rmdir(b->folder);
}

/* The completions the verifier was really asked about since the last look, as "a b c". */
static void take_calls(const bench *b, char out[400])
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 16);
    out[0] = '\0';
    if (as_file_read(b->count, &text, NULL) < 0)
        return;
    snprintf(out, 400, "%s", text.data ? text.data : "");
    for (char *c = out; *c; c++)
        if (*c == '\n')
            *c = ' ';
    assert_int_equal(truncate(b->count, 0), 0);
}

static as_items make_items(as_arena *arena)
{
    as_items items = { .n = N };
    items.item = as_arena_calloc(arena, N, sizeof *items.item);
    items.prompt = as_arena_calloc(arena, N, sizeof(as_str));
    items.completion = as_arena_calloc(arena, N, sizeof(as_str));
    items.reference = as_arena_calloc(arena, N, sizeof(as_str));
    items.meta = as_arena_calloc(arena, N, sizeof(as_str));
    items.group = as_arena_calloc(arena, N, sizeof(uint64_t));
    items.seed = as_arena_calloc(arena, N, sizeof(uint64_t));
    for (uint32_t i = 0; i < N; i++) {
        items.completion[i] = as_str_of(completions[i]);
        items.reference[i] = AS_LIT("a");
        items.group[i] = i;
        items.seed[i] = i;
    }
    return items;
}

static void assert_verdicts(const as_results *r)
{
    static const assay_verdict expected[N] = { ASSAY_PASS,    ASSAY_FAIL,    ASSAY_ERROR,
                                               ASSAY_TIMEOUT, ASSAY_ABSTAIN, ASSAY_FAIL,
                                               ASSAY_PASS,    ASSAY_FAIL };
    for (uint32_t i = 0; i < N; i++) {
        assert_int_equal(r->verdict[i], expected[i]);
        if (expected[i] == ASSAY_PASS || expected[i] == ASSAY_FAIL)
            assert_true(r->score[i] == (expected[i] == ASSAY_PASS ? 1.0f : 0.0f));
        if (expected[i] != ASSAY_ERROR)
            assert_true(
                as_str_is(as_results_get(r, i, ASSAY_OUT_RULE), "bytes")); /* from the cache, too */
    }
}

/* One run of a program: opens everything, scores once, closes everything. */
static as_scorer_stats one_run(const bench *b, bool with_cache, uint32_t want)
{
    as_arena arena;
    as_registry *registry = NULL;
    as_cache *cache = NULL;
    as_scorer *scorer = NULL;
    as_results r;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    as_registry_options where = { .index_file = "" };
    assert_int_equal(as_registry_open(&registry, &where, &err), 0);
    if (with_cache)
        assert_int_equal(as_cache_open(&cache, b->cache, &err), 0);
    as_scorer_options how = { .isolation = AS_ISOLATION_INPROC, .threads = 2, .cache = cache };
    if (as_scorer_open(&scorer, registry, b->spec, &how, &err) < 0)
        fail_msg("%s", err.text);
    as_items items = make_items(&arena);
    assert_int_equal(as_scorer_score(scorer, &items, want, &arena, &r, &err), 0);
    assert_verdicts(&r);
    as_scorer_stats stats = as_scorer_get_stats(scorer);
    as_scorer_close(scorer);
    as_cache_close(cache);
    as_registry_close(registry);
    as_arena_fini(&arena);
    return stats;
}

static bool mentions(const char *calls, const char *word)
{
    char padded[420], wanted[40];
    snprintf(padded, sizeof padded, " %s", calls);
    snprintf(wanted, sizeof wanted, " %s ", word);
    return strstr(padded, wanted) != NULL;
}

static void test_second_run_asks_nothing_known(void **state)
{
    const bench *b = *state;
    char calls[400];
    as_scorer_stats s = one_run(b, true, 0);
    take_calls(b, calls);
    assert_int_equal(s.cached, 0);
    assert_int_equal(s.duplicates, 1); /* "a" comes twice */
    assert_true(mentions(calls, "a") && mentions(calls, "b") && mentions(calls, "c") &&
                mentions(calls, "abstain"));
    s = one_run(b, true, 0);
    take_calls(b, calls);
    assert_int_equal(s.cached, 4); /* a, b, c, abstain */
    assert_false(mentions(calls, "a") || mentions(calls, "b") || mentions(calls, "c") ||
                 mentions(calls, "abstain"));
    assert_true(mentions(calls, "error") && mentions(calls, "timeout") && mentions(calls, "flaky"));
}

static void test_without_a_cache_everything_is_asked(void **state)
{
    const bench *b = *state;
    char calls[400];
    (void)one_run(b, true, 0);
    take_calls(b, calls);
    as_scorer_stats s = one_run(b, false, 0);
    take_calls(b, calls);
    assert_int_equal(s.cached, 0);
    assert_true(mentions(calls, "a") && mentions(calls, "b") && mentions(calls, "c"));
}

static void test_other_texts_wanted_is_another_question(void **state)
{
    const bench *b = *state;
    char calls[400];
    (void)one_run(b, true, 0);
    take_calls(b, calls);
    as_scorer_stats s =
        one_run(b, true, ASSAY_WANT_ANSWER); /* the first run did not ask for answers */
    take_calls(b, calls);
    assert_int_equal(s.cached, 0);
    assert_true(mentions(calls, "a"));
    s = one_run(b, true, ASSAY_WANT_EXPLAIN); /* explanations are not kept */
    take_calls(b, calls);
    assert_int_equal(s.cached, 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(test_second_run_asks_nothing_known, setup, teardown),
        cmocka_unit_test_setup_teardown(test_without_a_cache_everything_is_asked, setup, teardown),
        cmocka_unit_test_setup_teardown(test_other_texts_wanted_is_another_question, setup,
                                        teardown),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
