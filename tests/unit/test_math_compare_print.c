/* test_math_compare_print.c -- answers rewritten at random into equal ones are equal: the printer's
 * rewriting against the whole ladder. ASSAY_MATH_ANSWERS names a file with an answer a line for the
 * same over real data. SPDX-License-Identifier: Apache-2.0 */
#include "math/compare.h"
#include "math/parse.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static const char *const corpus[] = {
    "42",
    "-3",
    "123456",
    "\\frac{3}{4}",
    "-\\frac{7}{12}",
    "2\\sqrt{3}",
    "\\sqrt[3]{2}+1",
    "2\\pi - 1",
    "1+\\sqrt{2}+\\sqrt{3}",
    "\\frac{-1+\\sqrt{13}}{4}",
    "6-5i",
    "e^{2}",
    "2^{100}-1",
    "\\binom{10}{3}",
    "\\ln 2 + \\ln 3",
    "\\log_2 3",
    "\\sin 1",
    "3x^2y - 2xy + 7",
    "x(x-1)(x+2)",
    "\\frac{x+1}{x-1}",
    "\\sqrt{x^2+1} - x",
    "y = 2x + 1",
    "x^2 + y^2 = 1",
    "x = 5",
    "x = 1, y = 2",
    "x = 1 \\text{ or } x = 2",
    "x \\ne 0",
    "1 < x \\le 2",
    "x > 3",
    "x + y \\ge 3",
    "(1, 2)",
    "(1, 2000, -3)",
    "[0, 1)",
    "(-\\infty, 3]",
    "(-\\infty,0)\\cup(0,\\infty)",
    "\\{1, 2, 3\\}",
    "\\mathbb{R} \\setminus \\{0\\}",
    "1, 2, 3",
    "\\sqrt{2}, -\\sqrt{2}",
    "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}",
    "\\begin{vmatrix} 1 & 2 \\\\ 3 & 4 \\end{vmatrix}",
    "\\frac{\\pi}{2} + k\\pi, k \\in \\mathbb{Z}",
    "50\\%",
    "45^\\circ",
    "5\\text{ cm}",
    "10\\text{ square units}",
    "60\\text{ km/h}",
    "9.8\\,\\mathrm{m/s^2}",
    "\\$18.50",
    "15\\text{ minutes}",
    "101_2",
    "0.\\overline{3}",
    "1.5\\times 10^{3}",
    "3:4",
    "2:30\\text{ p.m.}",
    "\\text{does not exist}",
    "red",
    "C",
    "f(x) = x^2 + 1",
    "\\sum_{k=1}^{10} k^2",
};

typedef struct pair {
    math_parser parser;
    math_tree a, b;
    pc_buf text;
    unsigned unread, different, open, equal;
} pair;

/* The answer in p->a against its rewriting by `seed`. */
static math_truth against(pair *p, uint64_t seed)
{
    math_policy policy = { 0 };
    math_budget budget = { MATH_STEPS };
    pc_buf_clear(&p->text);
    math_tree_clear(&p->b);
    math_print_rewritten(&p->a, p->a.root, seed, &p->text);
    if (!math_parse(&p->parser, pc_buf_str(&p->text), false, &p->b)) {
        p->unread++;
        return MATH_UNDECIDED;
    }
    math_truth truth = math_answer_equal((math_side){ &p->a, p->a.root },
                                         (math_side){ &p->b, p->b.root }, &policy, &budget)
                           .truth;
    p->different += truth == MATH_DIFFERENT;
    p->open += truth == MATH_UNDECIDED;
    p->equal += truth == MATH_EQUAL;
    return truth;
}

static void fini(pair *p)
{
    math_parser_fini(&p->parser);
    math_tree_fini(&p->a);
    math_tree_fini(&p->b);
    pc_buf_fini(&p->text);
}

static void rewritten_is_equal(void **state)
{
    (void)state;
    pair p = { .equal = 0 };
    for (size_t k = 0; k < sizeof corpus / sizeof *corpus; k++)
        for (uint64_t seed = 1; seed <= 40; seed++) {
            math_tree_clear(&p.a);
            if (!math_parse(&p.parser, (assay_str){ corpus[k], strlen(corpus[k]) }, true, &p.a))
                fail_msg("%s: %s", corpus[k], p.parser.why);
            if (against(&p, seed) != MATH_EQUAL)
                fail_msg("%s, rewritten as %s: not equal", corpus[k], p.text.data);
        }
    fini(&p);
}

/* Real answers: what is parsed, is read back, and its rewritings are never different; a little of
 * it (prose that looks like formulas, products of matrices) stays open. */
static void real_answers(void **state)
{
    (void)state;
    const char *path = getenv("ASSAY_MATH_ANSWERS");
    FILE *in = path ? fopen(path, "r") : NULL;
    if (!in)
        skip();
    char *line = NULL;
    size_t cap = 0;
    unsigned parsed = 0, other = 0;
    pair p = { .equal = 0 };
    for (ssize_t n; (n = getline(&line, &cap, in)) > 0;) {
        math_tree_clear(&p.a);
        if (!math_parse(&p.parser, pc_trim((assay_str){ line, (size_t)n }), true, &p.a))
            continue;
        parsed++;
        pc_buf_clear(&p.text);
        math_tree_clear(&p.b);
        math_print(&p.a, p.a.root, &p.text);
        if (!math_parse(&p.parser, pc_buf_str(&p.text), false, &p.b) ||
            !math_same_tree(&p.a, p.a.root, &p.b, p.b.root))
            other++;
        for (uint64_t seed = 1; seed <= 3; seed++)
            against(&p, seed);
    }
    print_message("%u answers: %u not read back as they are; rewritten: %u equal, %u open, %u "
                  "different, %u unread\n",
                  parsed, other, p.equal, p.open, p.different, p.unread);
    assert_true(parsed > 0 && other * 500 <= parsed);
    assert_true(p.different * 2000 <= 3 * parsed && p.unread * 2000 <= 3 * parsed);
    assert_true(p.open * 50 <= 3 * parsed);
    free(line);
    (void)fclose(in);
    fini(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(rewritten_is_equal),
                                        cmocka_unit_test(real_answers) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
