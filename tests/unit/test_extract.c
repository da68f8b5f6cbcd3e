/* test_extract.c -- plugins/common/extract: stages, hedges, truncation, hostile texts.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "common/extract.h"

#include <stdlib.h>

typedef struct row {
    const char *preset, *text, *answer; /* answer NULL: none */
    pc_stage stage;
    uint32_t n_list;
    bool truncated;
} row;

static const row rows[] = {
    { "math", "so \\boxed{5}.", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{\\frac{1}{2}}", "\\frac{1}{2}", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{\\boxed{5}}", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{x = \\boxed{5}", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\boxed {5}", "5", PC_STAGE_BOXED, 1, false },
    { "math", "$\\boxed 5$", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed 5 and so on", "5", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\fbox{7}", "7", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxedx{7}", "\\boxedx{7}", PC_STAGE_WHOLE, 1, false },
    { "math", "\\boxed{1}, \\boxed{2} and \\boxed{3}", "\\boxed{1}, \\boxed{2} and \\boxed{3}",
      PC_STAGE_BOXED, 3, false },
    { "math", "\\boxed{1}. Hence \\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "$\\boxed{1}$\n\n$\\boxed{1}$", "1", PC_STAGE_BOXED, 1, false },
    { "math", "\\boxed{1} \\boxed{2", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\boxed{\\boxed{1}, \\boxed{2}}", "\\boxed{1}, \\boxed{2}", PC_STAGE_BOXED, 2,
      false },
    { "math", "\\boxed 1 or \\boxed{2}", "\\boxed 1 or \\boxed{2}", PC_STAGE_BOXED, 2, false },
    { "math", "\\boxed{\\{1\\}}", "\\{1\\}", PC_STAGE_BOXED, 1, false },
    { "math", "a\n#### 18", "18", PC_STAGE_HASHES, 1, false },
    { "math", "#### Conclusion\nnothing", NULL, PC_STAGE_NONE, 0, false },
    { "math", "a\n####", NULL, PC_STAGE_NONE, 0, true },
    { "math", "#### 18\nbye", "18", PC_STAGE_HASHES, 1, false },
    { "math", "The answer is 3.5.", "3.5", PC_STAGE_MARKER, 1, false },
    { "math", "THE ANSWER IS: 3.5", "3.5", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is $3.5$, as asked.", "3.5", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is $5 and tax is $6", "$5 and tax is $6", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is $41$ or $42$.", "41$ or $42", PC_STAGE_MARKER, 1, false },
    { "math", "**Final Answer**\n\\(x=2\\)", "x=2", PC_STAGE_MARKER, 1, false },
    { "math", "The answer is", NULL, PC_STAGE_NONE, 0, true },
    { "math", "my answers vary; so $1$ or maybe \\[ 2 \\]", "2", PC_STAGE_MATH, 1, false },
    { "math", "$1$, $2$", "1$, $2", PC_STAGE_MATH, 1, false },
    { "math", "it costs $5", NULL, PC_STAGE_NONE, 0, false },
    { "math", "first **1**\nthen **2**", "2", PC_STAGE_BOLD, 1, false },
    { "math", "**1**\nthen", "1", PC_STAGE_BOLD, 1, false },
    { "math", "it is 41 or 42", NULL, PC_STAGE_NONE, 0, false },
    { "gsm8k", "it is 41 or 42.", "42", PC_STAGE_NUMBER, 1, false },
    { "gsm8k", "he has -$1,200.50.", "-$1,200.50", PC_STAGE_NUMBER, 1, false },
    { "gsm8k", "so\nA: 160", "160", PC_STAGE_MARKER, 1, false },
    { "strict", "The answer is 5", NULL, PC_STAGE_NONE, 0, false },
    { "math", "<think>\\boxed{1}</think>\\boxed{2}", "2", PC_STAGE_BOXED, 1, false },
    { "math", "<think>\\boxed{1}", NULL, PC_STAGE_NONE, 0, true },
    { "math", "\\boxed{1}</think> Hm.", NULL, PC_STAGE_NONE, 0, false },
    { "math", "", NULL, PC_STAGE_NONE, 0, false },
    { "math", "   \n", NULL, PC_STAGE_NONE, 0, false },
};

static void test_rows(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const row *r = &rows[i];
        pc_rules rules;
        pc_found found;
        assert_true(pc_rules_preset(&rules, r->preset));
        pc_extract(&found, (assay_str){ r->text, strlen(r->text) }, &rules);
        bool right = r->answer ? found.text.data && pc_is(found.text, r->answer)
                               : !found.text.data && found.why;
        if (!right || found.stage != r->stage || (r->answer && found.n_list != r->n_list) ||
            found.truncated != r->truncated)
            fail_msg("\"%s\": got \"%.*s\" by %s, list of %u, truncated %d", r->text,
                     (int)found.text.len, found.text.data ? found.text.data : "",
                     pc_stage_name(found.stage), found.n_list, found.truncated);
    }
}

static void test_parts(void **state)
{
    (void)state;
    const char *text = "\\boxed{1}, $\\fbox{\\{2\\}}$ and \\boxed{3}";
    static const char *const parts[] = { "1", "\\{2\\}", "3" };
    pc_rules rules;
    pc_found found;
    assay_str part;
    size_t at = 0, n = 0;
    pc_rules_preset(&rules, "strict");
    pc_extract(&found, (assay_str){ text, strlen(text) }, &rules);
    assert_int_equal(found.n_list, 3);
    assert_int_equal(found.n_boxes, 3);
    while (pc_part_next(&found, &at, &part)) {
        assert_true(n < 3 && pc_is(part, parts[n]));
        n++;
    }
    assert_int_equal(n, 3);
}

static void test_gold(void **state)
{
    (void)state;
    static const char *const pairs[][2] = { { " $\\frac12$ ", "\\frac12" },
                                            { "\\boxed{3}", "3" },
                                            { "$5$ and $6$", "$5$ and $6$" },
                                            { "\\(x\\)", "x" },
                                            { "$\\boxed{3}$", "3" },
                                            { "\\$18", "\\$18" },
                                            { "$18", "$18" },
                                            { "The answer is 5", "The answer is 5" },
                                            { "", "" } };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assay_str gold = pc_gold((assay_str){ pairs[i][0], strlen(pairs[i][0]) });
        if (!pc_is(gold, pairs[i][1]))
            fail_msg("gold of \"%s\" is \"%.*s\"", pairs[i][0], (int)gold.len, gold.data);
    }
}

/* Every text of a repeated piece, with and without an ending: no crash, the answer inside the text,
 * the ending found. */
static void test_hostile(void **state)
{
    (void)state;
    static const char *const pieces[] = { "{",
                                          "}",
                                          "\\",
                                          "$",
                                          "$$",
                                          "\\boxed{",
                                          "\\boxed",
                                          "\\fbox{1}",
                                          "\\boxed{1}, ",
                                          "\\(",
                                          "\\]",
                                          "\\$",
                                          "answer",
                                          "answer is ",
                                          "Answer: ",
                                          "#### ",
                                          "**",
                                          "<think>",
                                          "</think>",
                                          "<answer>",
                                          "1",
                                          "\\boxed{\\boxed{",
                                          "$ ",
                                          "answer is $",
                                          "\n\n",
                                          "WwWw" };
    enum { SIZE = 200000 };
    char *text = malloc(SIZE + 64);
    assert_non_null(text);
    for (size_t i = 0; i < sizeof pieces / sizeof *pieces; i++) {
        size_t n = strlen(pieces[i]), len = 0;
        for (; len + n <= SIZE; len += n)
            memcpy(text + len, pieces[i], n);
        for (int ended = 0; ended < 2; ended++) {
            static const char end[] = " so it is \\boxed{42}";
            if (ended) {
                memcpy(text + len, end, sizeof end);
                len += sizeof end - 1;
            }
            text[len] = 0;
            pc_rules rules;
            pc_found found;
            pc_rules_preset(&rules, "gsm8k");
            rules.stages |= 1u << PC_STAGE_TAG;
            pc_extract(&found, (assay_str){ text, len }, &rules);
            if (found.text.data)
                assert_true(found.text.data >= text &&
                            found.text.data + found.text.len <= text + len);
            if (ended && strcmp(pieces[i], "<think>") != 0 && strcmp(pieces[i], "<answer>") != 0 &&
                !strstr(pieces[i], "{"))
                assert_true(found.text.data && pc_is(found.text, "42"));
        }
    }
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_rows), cmocka_unit_test(test_parts),
                                        cmocka_unit_test(test_gold),
                                        cmocka_unit_test(test_hostile) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
