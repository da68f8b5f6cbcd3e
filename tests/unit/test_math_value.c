/* test_math_value.c -- plugins/math/value.h: numbers evaluated exactly, enclosed and compared.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/value_form.h"
#include "math_sexpr.h"

#include <stdio.h>

static math_env env_with(math_budget *budget)
{
    return (math_env){ .log_base = 10, .budget = budget };
}

static math_finding compare_text(const char *a, const char *b)
{
    math_tree ta = { .n = 0 }, tb = { .n = 0 };
    math_budget budget = { MATH_STEPS };
    const math_env env = env_with(&budget);
    const math_side x = { &ta, sexpr(&ta, a) }, y = { &tb, sexpr(&tb, b) };
    const math_finding f = math_value_equal(x, y, &env);
    math_budget again = { MATH_STEPS };
    const math_env env2 = env_with(&again);
    const math_finding g = math_value_equal(y, x, &env2);
    if (f.truth != g.truth)
        fail_msg("%s and %s: not symmetric", a, b);
    math_tree_fini(&ta);
    math_tree_fini(&tb);
    return f;
}

static const char *const truths[] = { "different", "equal", "undecided" };

typedef struct row {
    const char *a, *b;
    math_truth truth;
    const char *rule; /* NULL: any */
} row;

static void check_rows(const row *rows, size_t n)
{
    unsigned wrong = 0;
    for (size_t k = 0; k < n; k++) {
        const math_finding f = compare_text(rows[k].a, rows[k].b);
        if (f.truth == rows[k].truth && (!rows[k].rule || strcmp(f.rule, rows[k].rule) == 0))
            continue;
        wrong++;
        print_error("%s against %s: %s by %s, wanted %s by %s\n", rows[k].a, rows[k].b,
                    truths[f.truth], f.rule, truths[rows[k].truth],
                    rows[k].rule ? rows[k].rule : "anything");
    }
    assert_int_equal(wrong, 0);
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void test_rationals(void **state)
{
    (void)state;
    static const row rows[] = {
        { "0.5", "(/ 1 2)", MATH_EQUAL, "rational" },
        { "0.3333333333", "(/ 1 3)", MATH_DIFFERENT, "rational" },
        { "1.5e3", "1500", MATH_EQUAL, "rational" },
        { "1e-3", "0.001", MATH_EQUAL, "rational" },
        { "6.626e-34", "6.636e-34", MATH_DIFFERENT, "rational" },
        { "0e99999999999", "0", MATH_EQUAL, "rational" },
        { "(^ (/ 8 27) (/ 2 3))", "(/ 4 9)", MATH_EQUAL, "rational" },
        { "(sqrt 16)", "4", MATH_EQUAL, "rational" },
        { "(root 3 -8)", "-2", MATH_EQUAL, "rational" },
        { "(^ -8 (/ 1 3))", "-2", MATH_EQUAL, "rational" },
        { "(^ -8 (/ 2 3))", "4", MATH_EQUAL, "rational" },
        { "(^ -8 (/ 5 3))", "-32", MATH_EQUAL, "rational" },
        { "(^ 2 -3)", "0.125", MATH_EQUAL, "rational" },
        { "(! 5)", "120", MATH_EQUAL, "rational" },
        { "(!! 7)", "105", MATH_EQUAL, "rational" },
        { "(binom 5 2)", "10", MATH_EQUAL, "rational" },
        { "(binom 16 2)", "120", MATH_EQUAL, "rational" },
        { "(binom (/ -1 2) 2)", "(/ 3 8)", MATH_EQUAL, "rational" },
        { "(binom 2026 1013)", "(/ (! 2026) (^ (! 1013) 2))", MATH_EQUAL, "rational" },
        { "(mod (^ 2 10) 7)", "2", MATH_EQUAL, "rational" },
        { "(mod -7 3)", "2", MATH_EQUAL, "rational" },
        { "(mod 7 -3)", "-2", MATH_EQUAL, "rational" },
        { "(mod 431 (/ 2 123))", "0", MATH_DIFFERENT, "rational" },
        { "(mod 431 (/ 2 123))", "(/ 1 123)", MATH_EQUAL, "rational" },
        { "(floor 2.5)", "2", MATH_EQUAL, "rational" },
        { "(floor -2.5)", "-3", MATH_EQUAL, "rational" },
        { "(ceil -2.5)", "-2", MATH_EQUAL, "rational" },
        { "(gcd 12 18)", "6", MATH_EQUAL, "rational" },
        { "(gcd 12 18 27)", "3", MATH_EQUAL, "rational" },
        { "(lcm 2.4 3.6)", "(/ 36 5)", MATH_EQUAL, "rational" },
        { "(lcm 4 0)", "0", MATH_EQUAL, "rational" },
        { "(max 2 3 -5)", "3", MATH_EQUAL, "rational" },
        { "(min 2 3 -5)", "-5", MATH_EQUAL, "rational" },
        { "(sgn -0.1)", "-1", MATH_EQUAL, "rational" },
        { "(abs (/ -3 7))", "(/ 3 7)", MATH_EQUAL, "rational" },
        { "(sum (^ k 2) k 1 10)", "385", MATH_EQUAL, "rational" },
        { "(sum (sum (* i j) j 1 i) i 1 3)", "25", MATH_EQUAL, "rational" },
        { "(prod k k 1 6)", "720", MATH_EQUAL, "rational" },
        { "(sum k k 5 1)", "0", MATH_EQUAL, "rational" },
        { "(sum k k 1 1000000)", "500000500000", MATH_EQUAL, "rational" },
        { "(sum (^ k 5) k 0 100000)", "166671666708333333750000000000", MATH_DIFFERENT,
          "rational" },
        { "(int x x 0 1)", "(/ 1 2)", MATH_EQUAL, "rational" },
        { "(int (+ (^ x 2) (neg (* 3 x)) 1) x -1 2)", "(+ (/ 9 3) (neg (/ 9 2)) 3)", MATH_EQUAL,
          "rational" },
        { "(percent 50)", "0.5", MATH_EQUAL, "rational" },
        { "(unit:cm 5)", "5", MATH_EQUAL, "rational" },
        { "(base:8 251)", "169", MATH_EQUAL, "rational" },
        { "(base:2 11)", "(base:3 11)", MATH_DIFFERENT, "rational" },
        { "(base:16 ff)", "255", MATH_EQUAL, "rational" },
        { "(base:2 0.11)", "0.75", MATH_EQUAL, "rational" },
        { "(logb 2 8)", "3", MATH_EQUAL, "rational" },
        { "(logb 4 8)", "(/ 3 2)", MATH_EQUAL, "rational" },
        { "(logb (/ 1 4) 8)", "(/ -3 2)", MATH_EQUAL, "rational" },
        { "(lg 1000)", "3", MATH_EQUAL, "rational" },
        { "(ln 1)", "0", MATH_EQUAL, "rational" },
        { "(^ 2 100)", "(+ (^ 2 100) 1)", MATH_DIFFERENT, "rational" },
        { "(! 20)", "(+ (! 20) 1)", MATH_DIFFERENT, "rational" },
        { "(/ 1 (! 2004))", "(/ 1 (! 2006))", MATH_DIFFERENT, "rational" },
        { "(^ 2 2025)", "(^ 3 2025)", MATH_DIFFERENT, "rational" },
        { "(totient 36)", "12", MATH_EQUAL, "rational" },
        { "(Gamma 5)", "24", MATH_EQUAL, "rational" },
    };
    CHECK(rows);
}

/* Numbers as written, which the trees' notation above cannot say. */
static void test_numbers(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        slong num;
        ulong den;
    } rows[] = {
        { "0.(3)", 1, 3 },       { "0.1(6)", 1, 6 },    { "0.(142857)", 1, 7 },
        { "0.(9)", 1, 1 },       { ".5", 1, 2 },        { "3.", 3, 1 },
        { "1.2(0)", 6, 5 },      { "1e3", 1000, 1 },    { "2.5e-1", 1, 4 },
        { "1.(3)e1", 40, 3 },    { "007", 7, 1 },       { "0.000", 0, 1 },
        { "0e999999999", 0, 1 }, { "12.5E+1", 125, 1 }, { "0.12(45)", 137, 1100 },
    };
    math_tree t = { .n = 0 };
    fmpq_t x;
    fmpq_init(x);
    for (size_t k = 0; k < sizeof rows / sizeof *rows; k++) {
        const math_id id = math_leaf(&t, M_NUM, (assay_str){ rows[k].text, strlen(rows[k].text) });
        assert_true(math_number((math_side){ &t, id }, x));
        assert_true(fmpz_equal_si(fmpq_numref(x), rows[k].num));
        assert_true(fmpz_equal_ui(fmpq_denref(x), rows[k].den));
    }
    fmpq_clear(x);
    math_tree_fini(&t);
}

static void test_undefined(void **state)
{
    (void)state;
    static const row rows[] = {
        { "(^ 0 0)", "1", MATH_DIFFERENT, "undefined" },
        { "(/ 1 0)", "0", MATH_DIFFERENT, "undefined" },
        { "(/ 0 0)", "(/ 0 0)", MATH_EQUAL, "identical" },
        { "(/ 0 0)", "(/ 1 0)", MATH_DIFFERENT, "undefined" },
        { "(ln 0)", "(sqrt 2)", MATH_DIFFERENT, "undefined" },
        { "(! -1)", "1", MATH_DIFFERENT, "undefined" },
        { "(logb 1 2)", "1", MATH_DIFFERENT, "undefined" },
        { "(mod 5 0)", "5", MATH_DIFFERENT, "undefined" },
        { "(^ 0 -1)", "0", MATH_DIFFERENT, "undefined" },
        { "(+ (sqrt 2) (/ 1 0))", "(sqrt 2)", MATH_DIFFERENT, "undefined" },
        { "(Gamma 0)", "1", MATH_DIFFERENT, "undefined" },
    };
    CHECK(rows);
}

static void test_apart(void **state)
{
    (void)state;
    static const row rows[] = {
        { "pi", "3.14159265", MATH_DIFFERENT, "arb" },
        { "(sqrt 2)", "1.4142135623730951", MATH_DIFFERENT, "arb" },
        { "pi", "(/ 355 113)", MATH_DIFFERENT, "arb" },
        { "(^ e (* pi (sqrt 163)))", "262537412640768744", MATH_DIFFERENT, "arb" },
        { "(sqrt (+ 1 (sqrt 2)))", "1.5537739740300374", MATH_DIFFERENT, "arb" },
        { "(+ (sqrt 1000001) -1000)", "0.0005", MATH_DIFFERENT, "arb" },
        { "(sin (degree 30))", "(sin 30)", MATH_DIFFERENT, "arb" },
        { "(ln 2)", "0.693", MATH_DIFFERENT, "arb" },
        { "(+ pi 1e-30)", "pi", MATH_DIFFERENT, "arb" },
        { "(+ pi 1e-300)", "pi", MATH_DIFFERENT, NULL },
        { "i", "(neg i)", MATH_DIFFERENT, "arb" },
        { "(ln -1)", "pi", MATH_DIFFERENT, "arb" },
    };
    CHECK(rows);
}

static void test_magnitude(void **state)
{
    (void)state;
    static const row rows[] = {
        { "(^ 9 (^ 9 9))", "42", MATH_DIFFERENT, NULL },
        { "(^ 9 (^ 9 (^ 9 9)))", "42", MATH_DIFFERENT, "magnitude" },
        { "(neg (^ 9 (^ 9 (^ 9 9))))", "42", MATH_DIFFERENT, "magnitude" },
        { "(neg (^ 9 (^ 9 (^ 9 9))))", "(^ 9 (^ 9 (^ 9 9)))", MATH_DIFFERENT, "magnitude" },
        { "(^ 9 (^ 9 (^ 9 9)))", "(^ 9 (^ 9 (^ 9 9)))", MATH_EQUAL, "identical" },
        { "(^ 5 (+ (^ 5 (^ 5 (^ 5 5))) -4))", "10", MATH_DIFFERENT, "magnitude" },
        { "(! (^ 10 10))", "1", MATH_DIFFERENT, NULL },
        { "(! (! (! 5)))", "1", MATH_DIFFERENT, "magnitude" },
        { "(! (^ 10 (^ 10 10)))", "1", MATH_DIFFERENT, "magnitude" },
        { "(! (^ 10 (^ 10 (^ 10 10))))", "1", MATH_DIFFERENT, "magnitude" },
        { "(!! (^ 10 (^ 10 (^ 10 10))))", "1", MATH_DIFFERENT, "magnitude" },
        { "(binom 1000000 500000)", "1", MATH_DIFFERENT, NULL },
        { "(^ 2 (^ 2 (^ 2 (^ 2 (^ 2 (^ 2 2))))))", "7", MATH_DIFFERENT, "magnitude" },
        { "(^ e (^ e (^ e (^ e e))))", "7", MATH_DIFFERENT, "magnitude" },
        { "1e999999999999999", "1", MATH_DIFFERENT, "magnitude" },
        { "1e-999999999999999", "1", MATH_DIFFERENT, NULL },
        { "1e9999999999", "1", MATH_DIFFERENT, NULL },
        { "(/ 1 (^ 9 (^ 9 (^ 9 9))))", "1", MATH_DIFFERENT, NULL },
        { "(^ 2 100000)", "(^ 3 100000)", MATH_DIFFERENT, "arb" },
        { "(* 5 (^ 9 (^ 9 (^ 9 9))))", "5", MATH_DIFFERENT, "magnitude" },
        /* one sign is known, so both sides' are told apart */
        { "(* (neg (^ 9 (^ 9 (^ 9 9)))) (^ 8 (^ 9 (^ 9 9))))",
          "(* (^ 9 (^ 9 (^ 9 9))) (^ 7 (^ 9 (^ 9 9))))", MATH_DIFFERENT, "magnitude" },
        { "(* (neg (^ 9 (^ 9 (^ 9 9)))) (neg (^ 8 (^ 9 (^ 9 9)))))", "(neg (^ 9 (^ 9 (^ 9 9))))",
          MATH_DIFFERENT, "magnitude" },
        { "(* (neg (^ 9 (^ 9 (^ 9 9)))) -5)", "(neg (^ 8 (^ 9 (^ 9 9))))", MATH_DIFFERENT,
          "magnitude" },
        { "(* (/ 1 2) (^ 9 (^ 9 (^ 9 9))))", "5", MATH_DIFFERENT, "magnitude" },
        { "(/ (^ 9 (^ 9 (^ 9 9))) 7)", "5", MATH_DIFFERENT, "magnitude" },
        { "(+ (^ 9 (^ 9 (^ 9 9))) 1)", "5", MATH_DIFFERENT, "magnitude" },
        { "(sqrt (^ 9 (^ 9 (^ 9 9))))", "5", MATH_DIFFERENT, "magnitude" },
        { "(* 0 (^ 9 (^ 9 (^ 9 9))))", "5", MATH_DIFFERENT, NULL },
        { "inf", "inf", MATH_EQUAL, NULL },
        { "inf", "(neg inf)", MATH_DIFFERENT, "infinity" },
        { "inf", "(^ 9 (^ 9 (^ 9 9)))", MATH_DIFFERENT, "infinity" },
    };
    CHECK(rows);
}

/* MATH.md 5.5, all of them. */
static void test_identities(void **state)
{
    (void)state;
    static const row rows[] = {
        { "(cos (/ pi 5))", "(/ (+ 1 (sqrt 5)) 4)", MATH_EQUAL, NULL },
        { "(sqrt (+ 3 (* 2 (sqrt 2))))", "(+ 1 (sqrt 2))", MATH_EQUAL, NULL },
        { "(+ (sqrt 2) (sqrt 3))", "(sqrt (+ 5 (* 2 (sqrt 6))))", MATH_EQUAL, NULL },
        { "(+ (cos (/ (* 2 pi) 7)) (cos (/ (* 4 pi) 7)) (cos (/ (* 6 pi) 7)))", "(/ -1 2)",
          MATH_EQUAL, NULL },
        { "(+ (root 3 (+ 2 (sqrt 5))) (neg (root 3 (+ (sqrt 5) -2))))", "1", MATH_EQUAL, NULL },
        { "(+ (root 3 (+ 2 (sqrt 5))) (root 3 (+ 2 (neg (sqrt 5)))))", "1", MATH_EQUAL, NULL },
        { "(/ (+ (* 6 (sqrt (+ 1789 (neg (* 240 (sqrt 21)))))) (* 8 (sqrt (+ 1236 (neg (* 240 "
          "(sqrt 21))))))) 5)",
          "(+ 96 (neg (* 10 (sqrt 21))))", MATH_EQUAL, NULL },
        { "(+ (sqrt 2) (sqrt 3) (sqrt 5) (sqrt 7))", "(+ (sqrt 7) (sqrt 5) (sqrt 3) (sqrt 2))",
          MATH_EQUAL, NULL },
        { "(+ (tan (/ (* 3 pi) 11)) (* 4 (sin (/ (* 2 pi) 11))))", "(sqrt 11)", MATH_EQUAL, NULL },
        { "(ln 8)", "(* 3 (ln 2))", MATH_EQUAL, NULL },
        { "(+ (ln 2) (ln 3))", "(ln 6)", MATH_EQUAL, NULL },
        { "(logb 2 3)", "(logb 4 9)", MATH_EQUAL, NULL },
        { "(+ (* 4 (arctan (/ 1 5))) (neg (arctan (/ 1 239))))", "(/ pi 4)", MATH_EQUAL, NULL },
        { "(+ (arctan (/ 1 2)) (arctan (/ 1 3)))", "(/ pi 4)", MATH_EQUAL, NULL },
        { "(^ e (/ (* i pi) 3))", "(+ (/ 1 2) (/ (* i (sqrt 3)) 2))", MATH_EQUAL, NULL },
        { "(^ e (* pi (sqrt 163)))", "262537412640768744", MATH_DIFFERENT, NULL },
        { "pi", "(/ 355 113)", MATH_DIFFERENT, NULL },
        { "(^ 2 (sqrt 2))", "(^ e (* (sqrt 2) (ln 2)))", MATH_EQUAL, NULL },
        { "(sqrt (+ (^ pi 2) (* 2 pi) 1))", "(+ pi 1)", MATH_EQUAL, NULL },
        { "(* e pi)", "(* pi e)", MATH_EQUAL, NULL },
        { "(sin (degree 30))", "(/ 1 2)", MATH_EQUAL, NULL },
        { "(tan (degree 15))", "(+ 2 (neg (sqrt 3)))", MATH_EQUAL, NULL },
        { "(^ e (* i pi))", "-1", MATH_EQUAL, NULL },
        { "(^ (+ 1 i) 2)", "(* 2 i)", MATH_EQUAL, NULL },
        { "(/ (+ 1 i) 2)", "(+ 0.5 (* 0.5 i))", MATH_EQUAL, NULL },
        { "(^ e (ln 5))", "5", MATH_EQUAL, NULL },
        { "(/ (ln 3) (ln 2))", "(logb 2 3)", MATH_EQUAL, NULL },
        { "(ln (/ 1 2))", "(neg (ln 2))", MATH_EQUAL, NULL },
        { "(logb 10 5)", "(lg 5)", MATH_EQUAL, NULL },
        { "(+ (sqrt 10) (sqrt 11) (neg (sqrt 12)))",
          "(+ (sqrt 10.0) (sqrt 11.0) (neg (sqrt 12.0)))", MATH_EQUAL, NULL },
        { "(tan (/ pi 2))", "0", MATH_DIFFERENT, "undefined" },
        { "(/ 1 (+ (^ (sqrt 2) 2) -2))", "0", MATH_DIFFERENT, "undefined" },
        { "(floor (logb 2 (sqrt 8)))", "1", MATH_EQUAL, NULL },
        { "(floor (^ (+ 1 (sqrt 2)) 2))", "5", MATH_EQUAL, NULL },
        { "(abs (+ 3 (* 4 i)))", "5", MATH_EQUAL, NULL },
        { "(! (/ 1 2))", "(/ (sqrt pi) 2)", MATH_EQUAL, NULL },
        { "(cosh (ln 2))", "(/ 5 4)", MATH_EQUAL, NULL },
        { "(arsinh (/ 3 4))", "(ln 2)", MATH_EQUAL, NULL },
    };
    CHECK(rows);
}

static void test_forms(void **state)
{
    (void)state;
    static const row rows[] = {
        { "(+ (* 3 (sqrt 2)) (sqrt 8) (neg (/ (sqrt 6) 2)))", "(+ (* 5 (sqrt 2)) (neg (sqrt 1.5)))",
          MATH_EQUAL, "form" },
        { "(+ (sqrt 2) (sqrt 3) (sqrt 5) (sqrt 7) (sqrt 11) (sqrt 13))",
          "(+ (sqrt 13) (sqrt 11) (sqrt 7) (sqrt 5) (sqrt 3) (sqrt 2))", MATH_EQUAL, "form" },
        { "(/ 1 (sqrt 2))", "(/ (sqrt 2) 2)", MATH_EQUAL, "form" },
        { "(/ 1 (+ (sqrt 3) (sqrt 2)))", "(+ (sqrt 3) (neg (sqrt 2)))", MATH_EQUAL, "form" },
        { "(* (sqrt -2) (sqrt -3))", "(neg (sqrt 6))", MATH_EQUAL, "form" },
        { "(^ -2 (/ 5 3))", "(* -2 (root 3 4))", MATH_EQUAL, "form" },
        { "(^ -2 (/ 3 2))", "(* -2 i (sqrt 2))", MATH_EQUAL, "form" },
        { "(sqrt (* 2 pi))", "(* (sqrt 2) (sqrt pi))", MATH_EQUAL, "form" },
        { "(* (degree 45) 4)", "pi", MATH_EQUAL, "form" },
        { "(cos (/ pi 127))", "(sin (+ (/ pi 2) (neg (/ pi 127))))", MATH_EQUAL, "form" },
        { "(tan (degree 75))", "(+ 2 (sqrt 3))", MATH_EQUAL, "form" },
        { "(arctan (/ (sqrt 3) -3))", "(neg (/ pi 6))", MATH_EQUAL, "form" },
        { "(arccos (/ -1 3))", "(+ pi (neg (arccos (/ 1 3))))", MATH_EQUAL, "form" },
        { "(ln -2)", "(+ (ln 2) (* i pi))", MATH_EQUAL, "form" },
        { "(ln (* 8 (^ e 2)))", "(+ 2 (* 3 (ln 2)))", MATH_EQUAL, "form" },
        { "(^ (* 3 e) 2)", "(* 9 (^ e 2))", MATH_EQUAL, "form" },
        { "(sin (+ 1 pi e))", "(sin (+ e pi 1))", MATH_EQUAL, "form" },
        { "(sin (+ 1 (neg pi)))", "(neg (sin (+ pi -1)))", MATH_EQUAL, "form" },
        { "(sqrt (^ (+ 3 (neg pi)) 2))", "(+ pi -3)", MATH_EQUAL, NULL },
        { "(sqrt (^ (+ 3 (neg pi)) 2))", "(+ 3 (neg pi))", MATH_DIFFERENT, "arb" },
        /* what a form would call equal has no value here */
        { "(/ (+ (cos (/ pi 2)) (neg (cos (/ pi 2)))) (cos (/ pi 2)))", "0", MATH_DIFFERENT,
          "undefined" },
        { "(* 0 (/ (sqrt 2) (sin pi)))", "0", MATH_DIFFERENT, "undefined" },
        { "(Re (/ i (cos (/ pi 2))))", "0", MATH_DIFFERENT, "undefined" },
        /* a coefficient that is too large for a form is not 0 */
        { "(+ (sqrt 2) 1e-2000)", "(sqrt 2)", MATH_DIFFERENT, NULL },
        { "(+ pi (^ 2 -3500))", "pi", MATH_DIFFERENT, NULL },
        { "(+ (root 3 2) (/ 1 (^ 10 1500)))", "(root 3 2)", MATH_DIFFERENT, NULL },
        { "(+ (cos (degree 20)) 1e-1300)", "(cos (degree 20))", MATH_DIFFERENT, NULL },
        { "(+ (sqrt 2) 1e-1200)", "(+ 1e-1200 (sqrt 2))", MATH_EQUAL, NULL },
    };
    CHECK(rows);
}

static void test_series(void **state)
{
    (void)state;
    static const row rows[] = {
        { "(sum (/ 1 (^ n 2)) n 1 inf)", "(/ (^ pi 2) 6)", MATH_EQUAL, NULL },
        { "(sum (/ 1 (^ n 2)) n 2 inf)", "(+ (/ (^ pi 2) 6) -1)", MATH_EQUAL, NULL },
        { "(sum (^ n -4) n 1 inf)", "(/ (^ pi 4) 90)", MATH_EQUAL, NULL },
        { "(sum (/ 1 (^ n 2)) n 1 inf)", "(/ (^ pi 2) 8)", MATH_DIFFERENT, "arb" },
        { "(sum (/ 1 (^ n 3)) n 1 inf)", "1", MATH_UNDECIDED, NULL },
        { "(sum (/ 1 n) n 1 inf)", "1", MATH_UNDECIDED, NULL },
        { "(sum (/ 1 (^ n 2)) n 0 inf)", "1", MATH_UNDECIDED, NULL },
        { "(sum (/ 1 (! n)) n 0 inf)", "e", MATH_EQUAL, NULL },
        { "(sum (/ 1 (! n)) n 1 inf)", "(+ e -1)", MATH_EQUAL, NULL },
        { "(sum (/ (^ 2 n) (! n)) n 0 inf)", "(^ e 2)", MATH_EQUAL, NULL },
        { "(sum (/ (^ -1 n) (! n)) n 2 inf)", "(/ 1 e)", MATH_EQUAL, NULL },
        { "(sum (/ 1 (^ 2 n)) n 0 inf)", "2", MATH_EQUAL, "rational" },
        { "(sum (* 3 (^ (/ 2 5) (+ n 1))) n 1 inf)", "(/ 4 5)", MATH_EQUAL, "rational" },
        { "(sum (^ -1 n) n 0 inf)", "(/ 1 2)", MATH_UNDECIDED, NULL },
        { "(sum (^ 2 n) n 0 inf)", "-1", MATH_UNDECIDED, NULL },
        { "(sum (/ n (^ 2 n)) n 1 inf)", "2", MATH_EQUAL, "rational" },
        { "(sum (/ (^ n 2) (^ 2 n)) n 1 inf)", "6", MATH_EQUAL, "rational" },
        { "(sum (/ n (^ 2 n)) n 3 inf)", "1", MATH_EQUAL, "rational" },
        { "(sum (^ (/ 1 2) (* 2 n)) n 0 inf)", "(/ 4 3)", MATH_EQUAL, "rational" },
    };
    CHECK(rows);
}

static int compare_order(const char *a, const char *b)
{
    math_tree ta = { .n = 0 }, tb = { .n = 0 };
    math_budget budget = { MATH_STEPS };
    const math_env env = env_with(&budget);
    const math_side x = { &ta, sexpr(&ta, a) }, y = { &tb, sexpr(&tb, b) };
    int order = 9, back = 9;
    if (!math_value_compare(x, y, &env, &order))
        order = 9;
    if (!math_value_compare(y, x, &env, &back))
        back = -9;
    if (order != -back)
        fail_msg("%s and %s: %d and %d", a, b, order, back);
    math_tree_fini(&ta);
    math_tree_fini(&tb);
    return order;
}

static void test_order(void **state)
{
    (void)state;
    assert_int_equal(compare_order("1", "(/ 3 2)"), -1);
    assert_int_equal(compare_order("(sqrt 2)", "(/ 3 2)"), -1);
    assert_int_equal(compare_order("(sqrt 2)", "1.4142"), 1);
    assert_int_equal(compare_order("(sqrt 8)", "(* 2 (sqrt 2))"), 0);
    assert_int_equal(compare_order("(ln 8)", "(* 3 (ln 2))"), 0);
    assert_int_equal(compare_order("(neg inf)", "(neg (^ 9 (^ 9 (^ 9 9))))"), -1);
    assert_int_equal(compare_order("inf", "inf"), 0);
    assert_int_equal(compare_order("inf", "(neg inf)"), 1);
    assert_int_equal(compare_order("inf", "pi"), 1);
    assert_int_equal(compare_order("(^ 9 (^ 9 (^ 9 9)))", "pi"), 1);
    assert_int_equal(compare_order("(^ e (* i pi))", "0"), -1);
    assert_int_equal(compare_order("i", "1"), 9);
    assert_int_equal(compare_order("inf", "i"), 9);
    assert_int_equal(compare_order("x", "1"), 9);
    assert_int_equal(compare_order("(/ 1 0)", "1"), 9);
    assert_int_equal(compare_order("(+ pi 1e-300)", "pi"), 1);
}

static math_truth congruent(const char *a, const char *b, const char *step)
{
    math_tree t = { .n = 0 };
    math_budget budget = { MATH_STEPS };
    const math_env env = env_with(&budget);
    const math_id x = sexpr(&t, a), y = sexpr(&t, b), z = sexpr(&t, step);
    const math_finding f = math_value_congruent((math_side){ &t, x }, (math_side){ &t, y },
                                                (math_side){ &t, z }, &env);
    math_tree_fini(&t);
    return f.truth;
}

static void test_congruent(void **state)
{
    (void)state;
    assert_int_equal(congruent("7", "1", "3"), MATH_EQUAL);
    assert_int_equal(congruent("7", "2", "3"), MATH_DIFFERENT);
    assert_int_equal(congruent("7", "7", "0"), MATH_EQUAL);
    assert_int_equal(congruent("(/ pi 2)", "(neg (/ pi 2))", "pi"), MATH_EQUAL);
    assert_int_equal(congruent("(/ pi 2)", "(neg (/ pi 2))", "(* 2 pi)"), MATH_DIFFERENT);
    assert_int_equal(congruent("(/ (* 7 pi) 3)", "(/ pi 3)", "(* 2 pi)"), MATH_EQUAL);
    assert_int_equal(congruent("(degree 390)", "(degree 30)", "(degree 360)"), MATH_EQUAL);
    assert_int_equal(congruent("(arctan 2)", "(+ (arctan 2) (neg pi))", "pi"), MATH_EQUAL);
    assert_int_equal(congruent("(+ 5 (sqrt 2))", "(sqrt 2)", "1"), MATH_EQUAL);
    assert_int_equal(congruent("(+ 5 (sqrt 2))", "(sqrt 3)", "1"), MATH_DIFFERENT);
}

static void check_key(const char *text, const char *wanted)
{
    math_tree t = { .n = 0 };
    math_budget budget = { MATH_STEPS };
    const math_env env = env_with(&budget);
    pc_buf out = { 0 };
    const bool ok = math_value_key((math_side){ &t, sexpr(&t, text) }, &env, &out);
    assert_int_equal(ok, wanted != NULL);
    if (ok && wanted && !pc_is(pc_buf_str(&out), wanted))
        fail_msg("%s: %s, wanted %s", text, out.data, wanted);
    assert_true(ok || out.len == 0);
    pc_buf_fini(&out);
    math_tree_fini(&t);
}

static void test_keys(void **state)
{
    (void)state;
    check_key("(/ 2 4)", "q:1/2");
    check_key("-3.0", "q:-3");
    check_key("(^ (sqrt 2) 2)", "q:2");
    check_key("(sqrt 2)", "a:-2,0,1@0");
    check_key("(neg (sqrt 2))", "a:-2,0,1@1");
    check_key("(/ 2 (sqrt 2))", "a:-2,0,1@0");
    check_key("(+ 1 (sqrt 2))", "a:-1,-2,1@0");
    check_key("(sqrt (+ 3 (* 2 (sqrt 2))))", "a:-1,-2,1@0");
    check_key("i", "a:1,0,1@0");
    check_key("(neg i)", "a:1,0,1@1");
    check_key("(root 3 2)", "a:-2,0,0,1@0");
    check_key("(/ 2 (root 3 4))", "a:-2,0,0,1@0");
    check_key("(cos (/ pi 5))", "a:-1,-2,4@0");
    check_key("x", NULL);
    check_key("(/ 1 0)", NULL);
}

/* Long and deep, within the budget of one comparison. */
static void test_shapes(void **state)
{
    (void)state;
    enum { TERMS = 4000, DEEP = 40 };
    static math_id kids[TERMS];
    math_tree t = { .n = 0 };
    math_budget budget = { MATH_STEPS };
    const math_env env = env_with(&budget);
    const math_id one = math_int(&t, 1), many = math_int(&t, TERMS);
    for (size_t k = 0; k < TERMS; k++)
        kids[k] = one;
    const math_side sum = { &t, math_node_new(&t, M_ADD, 0, kids, TERMS) };
    assert_int_equal(math_value_equal(sum, (math_side){ &t, many }, &env).truth, MATH_EQUAL);
    assert_int_equal(math_value_equal(sum, (math_side){ &t, one }, &env).truth, MATH_DIFFERENT);
    math_id root = one, fraction = one;
    for (unsigned k = 0; k < DEEP; k++) {
        root = math_1(&t, M_SQRT, 0, math_2(&t, M_ADD, 0, one, root));
        fraction = math_2(&t, M_ADD, 0, one, math_2(&t, M_DIV, 0, one, fraction));
    }
    const math_side deep = { &t, root }, again = { &t, math_2(&t, M_MUL, 0, one, root) };
    assert_int_equal(math_value_equal(deep, again, &env).truth, MATH_EQUAL);
    assert_int_equal(math_value_equal(deep, sum, &env).truth, MATH_DIFFERENT);
    /* F(42)/F(41) */
    const math_id golden = math_2(&t, M_DIV, 0, math_int(&t, 267914296), math_int(&t, 165580141));
    assert_int_equal(
        math_value_equal((math_side){ &t, fraction }, (math_side){ &t, golden }, &env).truth,
        MATH_EQUAL);
    assert_true(budget.steps > 0);
    math_tree_fini(&t);
}

/* log without a base is whatever makes both sides equal, the same on both. */
static void test_log_base(void **state)
{
    (void)state;
    static const row rows[] = {
        { "(log 1000)", "3", MATH_EQUAL, NULL },
        { "(log e)", "1", MATH_EQUAL, NULL },
        { "(log 2)", "(ln 2)", MATH_EQUAL, NULL },
        { "(log 2)", "(lg 2)", MATH_EQUAL, NULL },
        { "(log 8)", "(* 3 (log 2))", MATH_EQUAL, NULL },
        { "(+ (log 10) (log e))", "2", MATH_DIFFERENT, NULL },
        { "(log 2)", "(logb 2 10)", MATH_DIFFERENT, NULL },
    };
    CHECK(rows);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rationals), cmocka_unit_test(test_numbers),
        cmocka_unit_test(test_undefined), cmocka_unit_test(test_apart),
        cmocka_unit_test(test_magnitude), cmocka_unit_test(test_identities),
        cmocka_unit_test(test_forms),     cmocka_unit_test(test_series),
        cmocka_unit_test(test_shapes),    cmocka_unit_test(test_log_base),
        cmocka_unit_test(test_order),     cmocka_unit_test(test_congruent),
        cmocka_unit_test(test_keys),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
