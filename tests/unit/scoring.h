/* scoring.h -- what the tests of the scorer share: numbered items, a registry, verdicts to expect.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef TESTS_UNIT_SCORING_H
#define TESTS_UNIT_SCORING_H
#include "plug/scorer.h"
#include "plug/services.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define IS_SANITIZED 1
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define IS_SANITIZED 1
#endif
#endif
#ifndef IS_SANITIZED
#define IS_SANITIZED 0
#endif

static as_registry *registry;

static inline int open_registry(void **state)
{
    (void)state;
    as_err err = { 0 };
    as_registry_options options = { .index_file = "" };
    return as_registry_open(&registry, &options, &err);
}

static inline int close_registry(void **state)
{
    (void)state;
    as_registry_close(registry);
    return 0;
}

/* "FOLDER/FILE.so#VERIFIER:CONFIG"; static memory, one at a time. */
static inline const char *plugin(const char *file, const char *verifier, const char *config)
{
    static char text[4096];
    const char *folder = getenv("ASSAY_TEST_PLUGINS");
    (void)snprintf(text, sizeof text, "%s/%s.so%s%s%s%s", folder ? folder : "tests/plugins", file,
                   verifier ? "#" : "", verifier ? verifier : "", config ? ":" : "",
                   config ? config : "");
    return text;
}

/* n items whose completions are the numbers 0..n-1 modulo `wrap`, in groups of `group`; the
 * reference is the group's size. */
static inline as_items numbers(as_arena *arena, uint32_t n, uint32_t wrap, uint32_t group)
{
    as_str *completion = as_arena_calloc(arena, n, sizeof *completion);
    as_str *reference = as_arena_calloc(arena, n, sizeof *reference);
    uint64_t *groups = as_arena_calloc(arena, n, sizeof *groups);
    assert_true(completion && reference && groups);
    for (uint32_t i = 0; i < n; i++) {
        completion[i] = as_arena_fmt(arena, "%u", i % wrap);
        reference[i] = as_arena_fmt(arena, "%u", group);
        groups[i] = i / group;
    }
    assay_batch b = {
        .size = sizeof b, .n = n, .completion = completion, .reference = reference, .group = groups
    };
    as_items items;
    assert_int_equal(as_items_of_batch(&items, &b, arena, NULL), 0);
    return items;
}

static inline as_scorer *open_scorer(const char *name, const as_scorer_options *options)
{
    as_scorer *s = NULL;
    as_err err = { 0 };
    if (as_scorer_open(&s, registry, name, options, &err) < 0)
        fail_msg("%s", err.text);
    return s;
}

static inline const char *reason_of(const as_results *r, uint32_t i)
{
    as_str reason = as_results_get(r, i, ASSAY_OUT_REASON);
    return reason.data ? reason.data : "";
}

/* Every item but `sinner` has the verdict of its number (UINT32_MAX: all have). */
static inline void assert_all_right(const as_results *r, uint32_t wrap, uint32_t sinner)
{
    for (uint32_t i = 0; i < r->n; i++) {
        if (i == sinner)
            continue;
        bool even = (i % wrap) % 2 == 0;
        if (r->verdict[i] != (even ? ASSAY_PASS : ASSAY_FAIL))
            fail_msg("item %u: verdict %s: %s", i, as_verdict_word(r->verdict[i]), reason_of(r, i));
        assert_true(r->score[i] >= (even ? 1.0f : 0.0f) && r->score[i] <= (even ? 1.0f : 0.0f));
    }
}
#endif
