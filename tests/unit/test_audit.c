/* test_audit.c -- the audit's generator against known answers: arithmetic, reader, spellings,
 * labels, rates. tests/cli/test_audit.py judges thousands of its labels with another reader.
 * SPDX-License-Identifier: Apache-2.0 */
#include "audit/audit.h"

#include "audit/expr.h"
#include "audit/gold.h"
#include "audit/maker.h"
#include "audit/split.h"
#include "base/mem.h"

#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>

#include <cmocka.h>

static void rationals(void **state)
{
    (void)state;
    as_rat third = as_rat_of(1, 3);
    assert_true(as_rat_eq(as_rat_of(-4, -6), as_rat_of(2, 3)));
    assert_true(as_rat_eq(as_rat_add(third, as_rat_of(1, 6)), as_rat_of(1, 2)));
    assert_true(as_rat_eq(as_rat_div(third, as_rat_of(-2, 5)), as_rat_of(-5, 6)));
    assert_true(as_rat_is(as_rat_sub(third, third), 0));
    assert_int_equal(as_rat_cmp(as_rat_of(-1, 2), third), -1);
    assert_false(as_rat_ok(as_rat_of(1, 0)));
    assert_false(as_rat_ok(as_rat_div(third, as_rat_of(0, 1))));
    /* what does not fit is invalid, and so is all that comes of it */
    as_rat large = as_rat_of((1LL << 62) - 1, 1);
    assert_true(as_rat_ok(large));
    assert_false(as_rat_ok(as_rat_add(large, as_rat_of(1, 1))));
    assert_false(as_rat_ok(as_rat_mul(large, large)));
    assert_false(as_rat_ok(as_rat_mul(as_rat_mul(large, large), as_rat_of(0, 1))));
    assert_false(as_rat_eq(as_rat_mul(large, large), as_rat_mul(large, large)));
    assert_int_equal(as_rat_places(as_rat_of(3, 8)), 3);
    assert_int_equal(as_rat_places(third), -1);
    assert_int_equal(as_rat_places(as_rat_of(7, 1)), 0);
}

static void decimals(void **state)
{
    (void)state;
    static const struct {
        int64_t p, q;
        int places;
        bool is_rounded;
        const char *text;
    } rows[] = { { 1, 3, 4, false, "0.3333" },   { 2, 3, 4, true, "0.6667" },
                 { 2, 3, 4, false, "0.6666" },   { -1, 8, 2, true, "-0.13" },
                 { -1, 8, 3, true, "-0.125" },   { 5, 1, 2, false, "5.00" },
                 { -1, 1000, 2, false, "0.00" }, { 1, 20, 1, true, "0.1" },
                 { 999, 1000, 2, true, "1.00" }, { 7, 1, 0, false, "7" } };
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 10);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        as_buf_clear(&out);
        assert_true(as_rat_decimal(&out, as_rat_of(rows[i].p, rows[i].q), rows[i].places,
                                   rows[i].is_rounded, NULL));
        assert_string_equal(out.data, rows[i].text);
    }
    as_buf_clear(&out);
    assert_false(as_rat_decimal(&out, as_rat_of((1LL << 62) - 1, 1), 3, false, NULL));
    as_rat written;
    assert_true(as_rat_decimal(&out, as_rat_of(2, 3), 2, true, &written));
    assert_true(as_rat_eq(written, as_rat_of(67, 100)));

    static const char *const repeating[] = { "1/3",  "0.\\overline{3}",
                                             "-7/6", "-1.1\\overline{6}",
                                             "1/7",  "0.\\overline{142857}",
                                             "5/12", "0.41\\overline{6}" };
    for (size_t i = 0; i < sizeof repeating / sizeof *repeating; i += 2) {
        as_expr e;
        as_buf_clear(&out);
        assert_true(as_expr_read(&e, as_str_of(repeating[i])));
        assert_true(as_rat_repeating(&out, e.val.c[0], 6));
        assert_string_equal(out.data, repeating[i + 1]);
    }
    assert_false(as_rat_repeating(&out, as_rat_of(3, 8), 6));
    assert_false(as_rat_repeating(&out, as_rat_of(1, 17), 6));
}

/* Texts of the same value stand in one row; all rows differ. */
static void values(void **state)
{
    (void)state;
    static const char *const rows[][6] = {
        { "5", "5.0", "\\frac{10}{2}", "2+3", "\\sqrt{25}", "(5)" },
        { "-\\frac{1}{2}", "-1/2", "-0.5", "\\frac{-1}{2}", "-.5", "\\dfrac12 - 1" },
        { "2\\frac{1}{3}", "7/3", "\\frac73" },
        { "1,234", "1{,}234", "1\\,234", "1234", "1.234e3", "1.234 \\times 10^{3}" },
        { "2\\sqrt{3}", "\\sqrt{12}", "\\frac{6}{\\sqrt{3}}", "\\sqrt3 \\cdot 2",
          "\\sqrt3+\\sqrt3" },
        { "\\sqrt{\\frac{1}{2}}", "\\frac{\\sqrt{2}}{2}", "\\frac{1}{\\sqrt{2}}" },
        { "1+2i", "2i+1", "\\frac{5}{1-2i}" },
        { "\\frac{\\pi}{3}", "\\pi/3", "\\frac13\\pi" },
        { "x^2+2x+1", "(x+1)^2", "x(x+2)+1", "1 + 2x + x^{2}" },
        { "t^2+2t+1" },
        { "0", "-0", "0.00", "x-x", "\\sqrt{2}-\\sqrt{2}" },
        { "-4", "(2i)^2" },
        { "\\pi^2" },
        { "\\sqrt{2}" },
        { "\\sqrt{3}" },
        { "i" },
    };
    enum { N = sizeof rows / sizeof *rows };
    as_expr first[N], e;
    for (size_t i = 0; i < N; i++) {
        for (size_t k = 0; k < 6 && rows[i][k]; k++) {
            if (!as_expr_read(&e, as_str_of(rows[i][k])))
                fail_msg("%s is not read", rows[i][k]);
            if (k == 0)
                first[i] = e;
            if (!as_val_eq(&first[i].val, &e.val))
                fail_msg("%s is not %s", rows[i][k], rows[i][0]);
        }
        for (size_t k = 0; k < i; k++)
            if (as_val_eq(&first[i].val, &first[k].val))
                fail_msg("%s is %s", rows[i][0], rows[k][0]);
    }
}

static void not_values(void **state)
{
    (void)state;
    static const char *const texts[] = { "",
                                         "1/2x",
                                         "1/2/3",
                                         "2^3^2",
                                         "2 3",
                                         "1,23",
                                         "1,2345",
                                         "12345,678",
                                         "xy",
                                         "e",
                                         "\\sqrt[3]{2}",
                                         "\\frac{1}{0}",
                                         "\\sqrt{-1}",
                                         "5!",
                                         "f(2)",
                                         "y(0)",
                                         "I(0)",
                                         "3\\frac{5}{4}",
                                         "0\\frac{1}{2}",
                                         "2^{1/2}",
                                         "1..2",
                                         "1.",
                                         "(1",
                                         "1)",
                                         "\\sqrt{2}+\\sqrt{3}",
                                         "\\pi i",
                                         "10^{41}",
                                         "x^{13}",
                                         "((((((((((((((1))))))))))))))",
                                         "99999999999999999999",
                                         "1e99",
                                         "\\pm 1",
                                         "\\frac{1}{x}",
                                         "--1" };
    as_expr e;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        if (as_expr_read(&e, as_str_of(texts[i])))
            fail_msg("%s is read", texts[i]);
}

static void shapes(void **state)
{
    (void)state;
    static const char *const rows[][2] = {
        { "42", "int" },
        { "$1,625$", "int" },
        { "362,\\!880", "int" },
        { "0.25", "decimal" },
        { "\\frac{3}{4}", "frac" },
        { "14\\frac{6}{7}", "frac" },
        { "3\\sqrt{2}", "radical" },
        { "\\frac{1+\\sqrt{5}}{2}", "radical" },
        { "6-5i", "complex" },
        { "\\frac{7\\pi}{3}", "pi" },
        { "x^2-1", "poly" },
        { "2x(15x^2-4x+10)", "poly" },
        { "44\\%", "percent" },
        { "\\$18.90", "currency" },
        { "-\\$0.50", "currency" },
        { "73^\\circ", "degree" },
        { "1920\\text{ ways.}", "unit" },
        { "\\text{(C)}", "choice" },
        { "D", "choice" },
        { "\\text{odd}", "text" },
        { "no solution", "text" },
        { "2112_6", "base" },
        { "25_{6}", "base" },
        { "x=5", "equation" },
        { "y = 2x + 3", "curve" },
        { "x \\ge -1", "inequality" },
        { "-3 < x \\leq 7", "inequality" },
        { "[0,\\infty)", "interval" },
        { "\\left[ \\frac{1}{2}, \\frac{4}{3} \\right]", "interval" },
        { "(-\\infty,0]\\cup[4,\\infty)", "union" },
        { "(9,11)", "tuple" },
        { "\\left(1,\\frac{9}{2},-2\\right)", "tuple" },
        { "4,6,14,15", "list" },
        { "\\{4,5,7\\}", "list" },
        { "(-6,6), (2,6)", "list" },
        { "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}", "matrix" },
        /* not certain, so not understood */
        { "", "other" },
        { "12 \\text{ million}", "other" },
        { "12 \\text{ cm}^2", "other" },
        { "xy", "other" },
        { "[4,1]", "other" },
        { "[1,2,3]", "other" },
        { "(-\\infty,3]\\cup[3,5)", "other" },
        { "4,600, 3", "other" },
        { "111, \\! 111, \\! 111", "other" },
        { "29_6", "other" },
        { "x>1>0", "other" },
        { "5 > x > 7", "other" },
        { "f(x) = x^2", "other" },
        { "\\begin{vmatrix} 1 & 2 \\\\ 3 & 4 \\end{vmatrix}", "other" },
        { "\\begin{pmatrix} 1 & 2 \\\\ 3 \\end{pmatrix}", "other" },
        { "e^{-x}", "other" },
        { "1:4", "other" },
    };
    as_arena arena;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        as_gold g;
        assert_int_equal(as_gold_read(&g, as_str_of(rows[i][0]), &arena, &err), 0);
        if (strcmp(as_shape_word(&g), rows[i][1]) != 0)
            fail_msg("%s: %s, not %s", rows[i][0], as_shape_word(&g), rows[i][1]);
    }
    as_arena_fini(&arena);
}

static void same_golds(void **state)
{
    (void)state;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        { "1,2,3", "3, 1, 2", true },
        { "1,2,3", "\\{1,1,2,3\\}", true },
        { "1,2,3", "1,2", false },
        { "(1,2)", "(2,1)", false },
        { "(1,2)", "(1.0,\\frac42)", true },
        { "[0,1)", "[0,1]", false },
        { "x>1", "1 < x", true },
        { "x>1", "x \\ge 1", false },
        { "10_{2}", "2_{3}", true },
        { "11_2", "11_3", false },
        { "\\text{Odd}", "\\text{odd}", true },
        { "y=2x", "y=x+x", true },
        { "y=2x", "y=2t", false },
        { "(1,2), (3,4)", "(3,4), (1,2)", true },
        { "-3<x<2", "2>x>-3", true },
        { "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}", "\\begin{pmatrix} 1 & 2 \\end{pmatrix}",
          false },
        { "(-\\infty,1)", "(-\\infty,1]", false },
    };
    as_arena arena;
    as_arena_init(&arena, 0);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        as_gold a, b;
        assert_int_equal(as_gold_read(&a, as_str_of(rows[i].a), &arena, NULL), 0);
        assert_int_equal(as_gold_read(&b, as_str_of(rows[i].b), &arena, NULL), 0);
        if (as_gold_same(&a, &b) != rows[i].same || as_gold_same(&b, &a) != rows[i].same)
            fail_msg("%s and %s", rows[i].a, rows[i].b);
    }
    as_arena_fini(&arena);
}

/* What one row makes of a gold: every spelling that comes, once each, in byte order, joined by " |
 * ". */
static const char *made(const as_maker_row *rows, const char *name, const char *gold,
                        as_buf *joined)
{
    enum { TRIES = 400, MOST = 64 };
    static as_arena arena;
    const char *seen[MOST];
    int n = 0;
    as_gold g;
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_arena_init(&arena, 0);
    as_buf_init(&out, 1 << 16);
    as_buf_init(joined, 1 << 16);
    as_buf_text(joined, "");
    assert_int_equal(as_gold_read(&g, as_str_of(gold), &arena, NULL), 0);
    for (unsigned i = 0; i < TRIES; i++) {
        as_maker m = { .out = &out, .rng = as_rng_at(77, i), .arena = &arena };
        for (const as_maker_row *row = rows; row->name; row++) {
            as_buf_clear(&out);
            if (strcmp(row->name, name) != 0 || !(row->shapes & (1u << g.shape)) ||
                !row->make(&m, &g))
                continue;
            int k = 0;
            while (k < n && strcmp(seen[k], out.data) < 0)
                k++;
            if ((k < n && strcmp(seen[k], out.data) == 0) || n == MOST)
                continue;
            for (int j = n++; j > k; j--)
                seen[j] = seen[j - 1];
            seen[k] = as_arena_str(&arena, as_buf_str(&out)).data;
        }
    }
    for (int i = 0; i < n; i++)
        as_buf_addf(joined, "%s%s", i ? " | " : "", seen[i]);
    as_arena_fini(&arena);
    return joined->data ? joined->data : "";
}

typedef struct known {
    const char *name, *gold, *want;
} known;

static void check_known(const as_maker_row *rows, const known *list, size_t n)
{
    for (size_t i = 0; i < n; i++) {
        AS_CLEANUP(buf) as_buf out = { 0 };
        const char *got = made(rows, list[i].name, list[i].gold, &out);
        if (strcmp(got, list[i].want) != 0)
            fail_msg("%s of %s:\n  %s\nnot\n  %s", list[i].name, list[i].gold, got, list[i].want);
    }
}

static void rewrites(void **state)
{
    (void)state;
    static const known list[] = {
        { "n.0", "-25", "-25.0 | -25.00 | -25.000" },
        { "commas", "3720000", "3,720,000" },
        { "commas", "372", "" },
        { "{,}", "-16592", "-16{,}592" },
        { "thin", "1545", "1\\,545" },
        { "scientific", "3720", "3.72 \\times 10^{3} | 3.72e3" },
        { "scientific", "\\frac{1}{3}", "" },
        { "power", "64", "2^{6}" },
        { "power", "60", "" },
        { "slash", "-\\frac{35}{9}", "-35/9" },
        { "signs", "\\frac{3}{4}", "\\dfrac{-3}{-4}" },
        { "signs", "-\\frac{3}{4}", "\\dfrac{3}{-4} | \\frac{-3}{4}" },
        { "mixed", "-\\frac{125}{3}", "-41 2/3 | -41\\frac{2}{3}" },
        { "mixed", "\\frac{2}{3}", "" },
        { "terminating", "\\frac{13}{4}", "3.25 | 3.250 | 3.2500" },
        { "leading-point", "-\\frac{1}{8}", "-.125" },
        { "shorthand", "\\frac{1}{2}", "\\frac12" },
        { "repeating", "\\frac{1}{6}", "0.1\\overline{6}" },
        { "inside", "-2\\sqrt{22}", "-\\sqrt{88}" },
        { "rationalised", "2\\sqrt{22}", "\\frac{44}{\\sqrt{22}}" },
        { "half-power", "3\\sqrt{2}", "2^{1/2} \\cdot 3" },
        { "swapped", "-11 + 27i", "27 i - 11 | 27i-11" },
        { "nested", "x^3+3x-6", "x(x^2+3)-6" },
        { "word", "44\\%", "44 \\text{ percent}" },
        { "sign", "39^\\circ", "39^{\\circ} | 39\xc2\xb0" },
        { "bare", "\\$18.90", "18.90" },
        { "bare", "44\\%", "" },
        { "order", "[-3,2)", "-3 \\le x < 2 | 2 > x \\ge -3" },
        { "interval", "x \\ge -1", "[-1, \\infty)" },
        { "turned", "x > 2", "2 < x" },
        { "turned", "(-\\infty,1)\\cup(2,3]", "(2, 3] \\cup (-\\infty, 1)" },
        { "permuted", "6, -2", "-2, 6 | 6, -2" },
        { "and", "6, -2", "-2 \\text{ and } 6" },
        { "alone", "x=5", "5" },
        { "form", "2112_6", "2112_6 | 2112_{6}" },
        { "plain", "1,234", "" }, /* a number or a list: nobody knows */
    };
    check_known(as_equal_rows, list, sizeof list / sizeof *list);
}

static void near_misses(void **state)
{
    (void)state;
    static const known list[] = {
        { "n+1", "-25", "-24" },
        { "-n", "0", "" },
        { "100n", "5", "500" },
        { "100n", "50\\%", "" },
        { "n/100", "5", "0.05 | \\frac{1}{20}" },
        { "*1.00004", "208", "208.00832 | \\frac{650026}{3125}" },
        { "digits-swapped", "121", "112 | 211" },
        { "digits-swapped", "11", "" },
        { "digit-less", "7", "" },
        { "p+1", "\\frac{10}{19}", "\\frac{11}{19} | \\frac{9}{19}" },
        { "inverse", "-1", "" },
        { "inverse", "\\frac{40}{243}", "\\frac{243}{40}" },
        { "square", "1", "" },
        { "radicand", "2\\sqrt{3}", "4" },
        { "conjugate", "1+2i", "1-2i" },
        { "re<->im", "1+i", "" },
        { "re<->im", "6+9i", "9+6i" },
        { "unknown", "x^3+27", "t^3+27" },
        { "unknown", "t", "s" },
        { "cut", "\\frac{1}{4}", "0.2" },
        { "cut", "0.25", "" },
        { "digits-apart", "42", "4 2" },
        { "digits-apart", "4200", "" },
        { "mixed-product", "\\frac{7}{3}", "2 \\cdot \\frac{1}{3}" },
        { "contradiction", "42", "41 = 42 | x = 41 = 42" },
        { "other-unit", "5\\text{ cm}", "5\\text{ m}" },
        { "backwards", "\\text{no}", "\\text{on}" },
        { "backwards", "\\text{noon}", "" },
        { "not", "\\text{none}", "" },
        { "other", "\\text{B}", "A | C | D | E" },
        { "base", "11_2", "11_{3} | 11_{4} | 11_{5}" },
        { "base", "1_2", "" },
        { "flipped", "[0,\\infty)", "(0, \\infty)" },
        { "flipped", "(0,1]", "(0, 1) | [0, 1]" },
        { "side", "(-\\infty,3]", "[3, \\infty)" },
        { "dropped", "6, -2", "-2 | 6" },
        { "dropped", "1, 1", "" },
        { "dropped", "(1,2)", "" },
        { "swapped", "(9,11)", "(11, 9)" },
        { "swapped", "(9,9)", "" },
        { "transposed", "\\begin{pmatrix} 1 & 2 \\end{pmatrix}",
          "\\begin{pmatrix} 1 \\\\ 2 \\end{pmatrix}" },
        { "transposed", "\\begin{pmatrix} 1 & 2 \\\\ 2 & 1 \\end{pmatrix}", "" },
        { "roles", "y=-x+3", "" },
        { "roles", "y=2x+3", "x=2y+3" },
        { "n+1", "1,234", "" },
    };
    check_known(as_miss_rows, list, sizeof list / sizeof *list);
}

static void near_a_rounded_gold(void **state)
{
    (void)state;
    static const known list[] = {
        { "10^-k", "2.5", "2.4 | 2.6" }, /* one unit of its last place, no less */
        { "10^-k", "0.05", "-0.05 | 0.04 | 0.06 | 0.15" },
        { "n+1", "7.02e5", "" },
        { "-n", "7.02e5", "-702000" },
    };
    check_known(as_miss_rows, list, sizeof list / sizeof *list);
}

static void rates(void **state)
{
    (void)state;
    /* R: prop.test(x, n, correct = FALSE)$conf.int */
    static const struct {
        uint64_t wrong, n;
        double low, high;
    } rows[] = { { 0, 10, 0, 0.2775327998628892 },
                 { 1, 10, 0.01787621, 0.4041500 },
                 { 5, 10, 0.2365931, 0.7634069 },
                 { 10, 10, 0.7224672001371108, 1 },
                 { 0, 2000, 0, 0.0019170653 } };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        as_rate r = as_rate_of(rows[i].wrong, rows[i].n);
        assert_true(fabs(r.low - rows[i].low) < 1e-6 && fabs(r.high - rows[i].high) < 1e-6);
        assert_true(fabs(r.rate - (double)rows[i].wrong / (double)rows[i].n) < 1e-12);
    }
    assert_true(isnan(as_rate_of(0, 0).rate));
}

static void hostile(void **state)
{
    (void)state;
    as_arena arena;
    as_audit_options o = { .seed = 3 };
    size_t total = 0;
    bool has_nul = false, has_broken = false;
    as_arena_init(&arena, 0);
    for (unsigned i = 0; i < as_audit_n_hostile(); i++) {
        as_audit_case one, two;
        assert_int_equal(as_audit_hostile(&o, i, &arena, &one, NULL), 0);
        assert_int_equal(as_audit_hostile(&o, i, &arena, &two, NULL), 0);
        assert_true(as_str_eq(one.completion, two.completion));
        assert_true(one.completion.len > 0 && one.completion.len < 2 << 20);
        assert_true(one.completion.data[one.completion.len] == 0);
        assert_false(as_str_eq(one.completion, one.reference));
        has_nul = has_nul || memchr(one.completion.data, 0, one.completion.len);
        has_broken = has_broken || as_utf8_valid(one.completion) < one.completion.len;
        total += one.completion.len;
    }
    assert_true(has_nul && has_broken && total > 1000000);
    as_arena_fini(&arena);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(rationals),
        cmocka_unit_test(decimals),
        cmocka_unit_test(values),
        cmocka_unit_test(not_values),
        cmocka_unit_test(shapes),
        cmocka_unit_test(same_golds),
        cmocka_unit_test(rewrites),
        cmocka_unit_test(near_misses),
        cmocka_unit_test(near_a_rounded_gold),
        cmocka_unit_test(rates),
        cmocka_unit_test(hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
