/* test_text.c -- plugins/common/text: the search from the end against the plain one, place by
 * place. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/text.h"

#include <stdio.h>
#include <stdlib.h>

/* The twin: every place, from the last. */
static size_t plain_rfind(assay_str s, const char *needle, size_t end)
{
    size_t n = strlen(needle), most = end < s.len ? end : s.len;
    for (size_t at = most + 1; at-- > 0;)
        if (at + n <= most && memcmp(s.data + at, needle, n) == 0)
            return at;
    return PC_NONE;
}

static uint32_t next(uint32_t *seed)
{
    *seed = *seed * 1664525u + 1013904223u;
    return *seed >> 8;
}

/* A copy of just that size: what is read behind it is found by a sanitizer. */
static char *text_of(uint32_t *seed, size_t len, unsigned letters)
{
    char *p = malloc(len ? len : 1);
    assert_non_null(p);
    for (size_t i = 0; i < len; i++)
        p[i] = (char)('a' + next(seed) % letters);
    return p;
}

static void test_rfind_is_the_plain_one(void **state)
{
    (void)state;
    enum { ROUNDS = 40000, LONGEST = 400, NEEDLE = 8 };
    uint32_t seed = 1;
    unsigned found = 0;
    for (int i = 0; i < ROUNDS; i++) {
        unsigned letters = 1 + next(&seed) % 6;
        size_t len = next(&seed) % LONGEST;
        char *text = text_of(&seed, len, letters);
        const assay_str s = { text, len };
        char needle[NEEDLE + 1] = "";
        for (size_t k = 0, n = next(&seed) % (NEEDLE + 1); k < n; k++)
            needle[k] = (char)('a' + next(&seed) % letters);
        size_t end = next(&seed) % (LONGEST + 20), at = pc_rfind(s, needle, end);
        if (at != plain_rfind(s, needle, end))
            fail_msg("round %d: \"%s\" before %zu in \"%.*s\": %zu", i, needle, end, (int)s.len,
                     s.data, at);
        found += at != PC_NONE;
        free(text);
    }
    assert_in_range(found, ROUNDS / 4, ROUNDS - ROUNDS / 10);
}

/* One place, wherever a block begins or ends. */
static void test_rfind_at_every_place(void **state)
{
    (void)state;
    static const char needle[] = "\xff-\x80";
    char text[300];
    for (size_t len = 3; len <= sizeof text; len++)
        for (size_t at = 0; at + 3 <= len; at++) {
            memset(text, '.', len);
            for (size_t k = 0; k < 3; k++)
                text[at + k] = needle[k];
            assert_int_equal(pc_rfind((assay_str){ text, len }, needle, len), at);
            assert_int_equal(pc_rfind((assay_str){ text, len }, needle, at + 2), PC_NONE);
        }
}

static void test_rfind_of_nothing(void **state)
{
    (void)state;
    assert_int_equal(pc_rfind((assay_str){ NULL, 0 }, "a", 0), PC_NONE);
    assert_int_equal(pc_rfind((assay_str){ "", 0 }, "a", 5), PC_NONE);
    assert_int_equal(pc_rfind((assay_str){ "ab", 2 }, "abc", 2), PC_NONE);
    assert_int_equal(pc_rfind((assay_str){ "ab", 2 }, "", 9), 2);
    assert_int_equal(pc_at((assay_str){ "ab", 2 }, 1), 'b');
    assert_int_equal(pc_at((assay_str){ "ab", 2 }, 2), 0);
    assert_int_equal(pc_at((assay_str){ NULL, 0 }, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rfind_is_the_plain_one),
        cmocka_unit_test(test_rfind_at_every_place),
        cmocka_unit_test(test_rfind_of_nothing),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
