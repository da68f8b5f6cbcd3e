/* test_math_symbolic.c -- expressions with unknowns: identities and near misses, equations, keys,
 * random rational functions, hostile sizes. SPDX-License-Identifier: Apache-2.0 */
// clang-format off
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <cmocka.h>
// clang-format on
#include "math/symbolic.h"
#include "unit/math_sexpr.h"

#include <stdio.h>
#include <time.h>

static math_finding compared(const char *a, const char *b)
{
    math_tree ta = { .n = 0 }, tb = { .n = 0 };
    sexpr(&ta, a);
    sexpr(&tb, b);
    math_budget budget = { MATH_STEPS }, again = { MATH_STEPS };
    math_finding found =
        math_expr_equal((math_side){ &ta, ta.root }, (math_side){ &tb, tb.root }, &budget);
    math_finding back =
        math_expr_equal((math_side){ &tb, tb.root }, (math_side){ &ta, ta.root }, &again);
    if (found.truth != back.truth)
        print_error("%s = %s: not symmetric: %d %s, %d %s\n", a, b, found.truth, found.rule,
                    back.truth, back.rule);
    assert_int_equal(found.truth, back.truth);
    math_tree_fini(&ta);
    math_tree_fini(&tb);
    return found;
}

typedef struct pair {
    const char *a, *b, *rule; /* rule NULL: any */
} pair;

static void check(const pair *list, size_t n, math_truth truth)
{
    int wrong = 0;
    for (size_t k = 0; k < n; k++) {
        math_finding f = compared(list[k].a, list[k].b);
        bool is_right = f.truth == truth && (!list[k].rule || strcmp(f.rule, list[k].rule) == 0);
        if (!is_right)
            print_error("%s  ~  %s: %d by %s, reason %d, blame %u (%s)\n", list[k].a, list[k].b,
                        f.truth, f.rule, f.reason, f.blame, f.note);
        wrong += !is_right;
    }
    assert_int_equal(wrong, 0);
}
#define CHECK(list, truth) check(list, sizeof(list) / sizeof *(list), truth)

static void test_rational_functions(void **state)
{
    (void)state;
    static const pair equal[] = {
        { "(+ (^ x 2) (* 2 x) 1)", "(^ (+ x 1) 2)", "polynomial" },
        { "(/ (+ (^ x 2) -1) (+ x -1))", "(+ x 1)", "rational function" },
        { "(/ x x)", "1", "rational function" },
        { "(/ (+ x 2) 7)", "(+ (/ x 7) (/ 2 7))", "polynomial" },
        { "(* pi (^ r 2))", "(* (^ r 2) pi)", NULL },
        { "(/ (* pi r) (+ h r))", "(* r (/ pi (+ r h)))", NULL },
        { "(* 2 (sqrt 3) x)", "(* (sqrt 12) x)", NULL },
        { "(* (+ 1 i) x)", "(+ x (* i x))", NULL },
        { "(* (+ 1 i) (+ 1 i) x)", "(* 2 i x)", NULL },
        { "(/ x (sqrt 2))", "(* (/ (sqrt 2) 2) x)", NULL },
        { "(+ (* 25 pi x) (* (sqrt 3) y))", "(+ (* y (sqrt 3)) (* x pi 25))", NULL },
        { "(+ x (neg x) 5)", "5", NULL },
        { "(* x y (/ 1 2) (+ x y))", "(/ (* x y (+ x y)) 2)", NULL },
        { "(^ x (+ 1 3))", "(^ x 4)", NULL },
        { "(+ (/ 1 x) (/ 1 y))", "(/ (+ x y) (* x y))", NULL },
        { "(/ 1 (+ 1 (/ 1 x)))", "(/ x (+ x 1))", NULL },
        { "(^ x -2)", "(/ 1 (^ x 2))", NULL },
        { "(lcm x y)", "(* x y)", NULL },
        { "(gcd x y)", "1", NULL },
        { "(* 0.5 x)", "(/ x 2)", NULL },
        { "(percent x)", "(/ x 100)", NULL },
        { "(f:f x)", "(f:f x)", NULL },
        { "(+ (f:f x) 1)", "(+ 1 (f:f x))", NULL },
        { "(f:f 2)", "(f:f (+ 1 1))", NULL },
        { "(+ (f:f (+ x 1)) (f:f y))", "(+ (f:f y) (f:f (+ 1 x)))", NULL },
        { "(+ x x_1)", "(+ x_1 x)", NULL },
    };
    static const pair different[] = {
        { "5", "n", "polynomial" },
        { "x", "y", "polynomial" },
        { "(+ (^ x 2) (* 2 x) 1)", "(^ (+ x 2) 2)", "polynomial" },
        { "(/ (+ (^ x 2) -1) (+ x -1))", "(+ x -1)", "rational function" },
        { "(* pi (^ r 2))", "(* 2 pi r)", NULL },
        { "(* pi r)", "(* 3.14 r)", NULL },
        { "(* e x)", "(* pi x)", NULL },
        { "(* 2 (sqrt 3) x)", "(* 3 (sqrt 2) x)", NULL },
        { "(* i x)", "x", NULL },
        { "(f:f 2)", "(f:f 3)", NULL },
        { "(f:f x)", "(f:g x)", NULL },
        { "(f:f x)", "x", NULL },
        { "(+ x (* 2 n) 1)", "(+ x 1)", NULL },
        { "(+ x_1 x)", "(* 2 x)", NULL },
        { "(/ 1 (+ x (neg x)))", "1", NULL },
        { "x", "inf", NULL },
        { "(+ a b)", "(+ b (neg a))", NULL },
        { "(* (sqrt 2) x)", "(* 1.41421356 x)", NULL },
    };
    CHECK(equal, MATH_EQUAL);
    CHECK(different, MATH_DIFFERENT);
}

static const pair identities[] = {
    { "(+ (^ (sin x) 2) (^ (cos x) 2))", "1", NULL },
    { "(+ (^ (tan y) 2) 1)", "(^ (sec y) 2)", NULL },
    { "(* 2 (sin b) (cos a))", "(+ (sin (+ a b)) (neg (sin (+ a (neg b)))))", NULL },
    { "(sin (* 2 x))", "(* 2 (sin x) (cos x))", NULL },
    { "(cos (+ x (/ pi 3)))", "(+ (/ (cos x) 2) (neg (* (/ (sqrt 3) 2) (sin x))))", NULL },
    { "(sin (+ x (/ pi 2)))", "(cos x)", NULL },
    { "(sin (+ x (degree 90)))", "(cos x)", NULL },
    { "(^ 2 (+ n 1))", "(* 2 (^ 2 n))", NULL },
    { "(^ 4 n)", "(^ 2 (* 2 n))", NULL },
    { "(^ (/ 1 2) n)", "(/ 1 (^ 2 n))", NULL },
    { "(^ 6 n)", "(* (^ 2 n) (^ 3 n))", NULL },
    { "(^ x (+ n 1))", "(* x (^ x n))", NULL },
    { "(^ (* x y) n)", "(* (^ x n) (^ y n))", NULL },
    { "(^ e (+ x y))", "(* (^ e x) (^ e y))", NULL },
    { "(exp x)", "(^ e x)", NULL },
    { "(sinh x)", "(/ (+ (^ e x) (neg (^ e (neg x)))) 2)", NULL },
    { "(^ -1 n)", "(cos (* n pi))", NULL },
    { "(^ -1 (+ n 2))", "(^ -1 n)", NULL },
    { "(abs x)", "(sqrt (^ x 2))", NULL },
    { "(abs (neg x))", "(abs x)", NULL },
    { "(* x (abs x) (abs x))", "(^ x 3)", NULL },
    { "(^ x (/ 2 3))", "(^ (root 3 x) 2)", NULL },
    { "(/ 1 (* 3 (^ (root 3 x) 2)))", "(/ 1 (* 3 (^ x (/ 2 3))))", NULL },
    { "(+ (neg (/ (* 8 (^ x 2)) (* 9 (^ (+ (^ x 2) -2) (/ 5 3))))) (/ 2 (* 3 (^ (+ (^ x 2) -2) "
      "(/ 2 3)))))",
      "(neg (/ (* 2 (+ (^ x 2) 6)) (* 9 (+ (^ x 2) -2) (^ (root 3 (+ (^ x 2) -2)) 2))))", NULL },
    { "(/ (+ (sqrt a) (neg (sqrt b))) (+ a (neg b)))", "(/ 1 (+ (sqrt a) (sqrt b)))", NULL },
    { "(sqrt (* 4 x))", "(* 2 (sqrt x))", NULL },
    { "(sqrt (/ x 3))", "(/ (sqrt (* 3 x)) 3)", NULL },
    { "(ln (* 2 x))", "(+ (ln 2) (ln x))", NULL },
    { "(ln (^ e x))", "x", NULL },
    { "(logb 2 (^ 2 n))", "n", NULL },
    { "(log x)", "(lg x)", NULL },
    { "(log x)", "(ln x)", NULL },
    { "(logb a x)", "(/ (ln x) (ln a))", NULL },
    { "(! n)", "(* n (! (+ n -1)))", NULL },
    { "(/ (! (+ n 2)) (! n))", "(* (+ n 2) (+ n 1))", NULL },
    { "(binom n 2)", "(/ (* n (+ n -1)) 2)", NULL },
    { "(binom n k)", "(/ (! n) (* (! k) (! (+ n (neg k)))))", NULL },
    { "(binom n k)", "(binom n (+ n (neg k)))", NULL },
    { "(max x y)", "(/ (+ x y (abs (+ x (neg y)))) 2)", NULL },
    { "(min x y)", "(neg (max (neg x) (neg y)))", NULL },
    { "(floor (+ x 1))", "(+ 1 (floor x))", NULL },
    { "(ceil x)", "(neg (floor (neg x)))", NULL },
    { "(mod a b)", "(mod a b)", NULL },
    { "(arcsin a)", "(arcsin a)", NULL },
    { "(arctan (neg a))", "(neg (arctan a))", NULL },
    { "(sum c k 1 3)", "(* 3 c)", NULL },
    { "(sum k k 1 n)", "(/ (* n (+ n 1)) 2)", NULL },
    { "(sum (^ x i) i 0 2)", "(+ 1 x (^ x 2))", NULL },
    { "(prod (+ x k) k 0 2)", "(* x (+ x 1) (+ x 2))", NULL },
    { "(^ (root 3 (sin x)) 3)", "(sin x)", NULL },
    { "(root 3 (sin x))", "(^ (sin x) (/ 1 3))", NULL },
    { "(sqrt x)", "(^ e (/ (ln x) 2))", "functions" },
    { "(root 3 (+ (^ x 2) 1))", "(^ e (/ (ln (+ (^ x 2) 1)) 3))", "functions" },
    { "(root 3 (* 5 pi))", "(^ e (/ (ln (* 5 pi)) 3))", NULL },
    { "(/ 1 (csc x))", "(sin x)", NULL },
    { "(^ e (ln x))", "x", NULL },
    { "(sin (* 2 (f:f x)))", "(* 2 (sin (f:f x)) (cos (f:f x)))", NULL },
    { "(abs (f:f x))", "(sqrt (^ (f:f x) 2))", "points" },
    { "(^ -1 (* 2 n))", "1", NULL },
    { "(sin (* n pi))", "0", NULL },
    { "(+ (* pi e x) 1)", "(+ 1 (* e pi x))", NULL },
    { "(/ (+ (^ e (* 2 x)) -1) (+ (^ e x) -1))", "(+ (^ e x) 1)", NULL },
};

static const pair no_identities[] = {
    { "(sqrt (^ x 2))", "x", "points" },
    { "(ln (^ x 2))", "(* 2 (ln x))", "points" },
    { "(ln (* x y))", "(+ (ln x) (ln y))", "points" },
    { "(sin (* 2 x))", "(* 2 (sin x))", "points" },
    { "(^ e (* 2 x))", "(^ e x)", "points" },
    { "(^ e (+ x y))", "(+ (^ e x) (^ e y))", "points" },
    { "(^ 2 (+ n 1))", "(+ 2 (^ 2 n))", "points" },
    { "(^ x n)", "(^ x (+ n 1))", NULL },
    { "(^ -1 n)", "(^ -1 (+ n 1))", NULL },
    { "(abs x)", "x", NULL },
    { "(max x y)", "x", NULL },
    { "(floor x)", "x", NULL },
    { "(floor x)", "(ceil x)", NULL },
    { "(! n)", "(! (+ n 1))", NULL },
    { "(binom n 2)", "(binom n 3)", NULL },
    { "(sum k k 1 n)", "(/ (* n (+ n -1)) 2)", NULL },
    { "(log x)", "(logb 2 x)", NULL },
    { "(sin x)", "(sin y)", NULL },
    { "(* (sqrt x) (sqrt y))", "(sqrt (* x y))", NULL },
    { "(arcsin (sin x))", "x", NULL },
    { "(* 25.0001 (sin x))", "(* 25 (sin x))", NULL },
    { "(+ (sin x) (/ 1 1000000000000000000000000000000))", "(sin x)", NULL },
    { "(+ (sin x) (^ 10 -200))", "(sin x)", NULL },
    { "(sin (f:f x))", "(cos (f:f x))", "points" },
    { "(sin (f:f x))", "(sin (f:g x))", "points" },
    { "(+ (* pi x) (* e x))", "(* 5.859874482048838 x)", "points" },
    { "(+ (sqrt (^ x 2)) (neg x))", "0", NULL },
    { "(sin (* x pi))", "0", NULL },
    { "(^ (* x y) a)", "(* (^ x a) (^ y a))", NULL },
    { "(sqrt (/ 1 x))", "(/ 1 (sqrt x))", NULL },
    { "(root 3 x)", "(^ e (/ (ln x) 3))", "points" },
    { "(^ x (/ 2 3))", "(^ e (/ (* 2 (ln x)) 3))", "points" },
};

static void test_identities(void **state)
{
    (void)state;
    CHECK(identities, MATH_EQUAL);
    CHECK(no_identities, MATH_DIFFERENT);
}

static void test_opaque(void **state)
{
    (void)state;
    static const pair equal[] = {
        { "(int x x)", "(int t t)", NULL },
        { "(int x x a b)", "(/ (+ (^ b 2) (neg (^ a 2))) 2)", NULL },
        { "(int (sin x) x)", "(int (sin t) t)", NULL },
        { "(int (^ t 2) t 0 x)", "(/ (^ x 3) 3)", NULL },
        { "(int (f:f (* 2 x)) x 0 1)", "(int (f:f (* t 2)) t 0 1)", NULL },
        { "(lim a x 3)", "a", NULL },
        { "(lim (/ 1 x) x inf)", "(lim (/ 1 t) t inf)", NULL },
        { "(lim (/ (+ (^ x 2) -1) (+ x -1)) x 1)", "2", NULL },
        { "(deriv (^ x 3) x)", "(* 3 (^ x 2))", NULL },
        { "(deriv (^ e (* 2 x)) x)", "(* 2 (^ e (* 2 x)))", NULL },
        { "(deriv (sin x) x)", "(cos x)", NULL },
        { "(deriv (ln x) x)", "(/ 1 x)", NULL },
        { "(sum (/ 1 (! n)) n 0 inf)", "(sum (/ 1 (! k)) k 0 inf)", NULL },
        { "(sum (/ x (^ n 2)) n 1 inf)", "(sum (* x (^ k -2)) k 1 inf)", NULL },
    };
    static const pair open[] = {
        { "(int (sin (^ x 2)) x)", "(int (sin (^ x 3)) x)", NULL },
        { "(sum (/ x n) n 1 inf)", "x", NULL },
        { "(lim (f:f x) x 0)", "(f:f 0)", NULL },
    };
    static const pair different[] = {
        { "(int x x 0 a)", "(^ a 2)", NULL },
        { "(deriv (^ x 3) x)", "(^ x 2)", NULL },
    };
    CHECK(equal, MATH_EQUAL);
    CHECK(open, MATH_UNDECIDED);
    CHECK(different, MATH_DIFFERENT);
}

/* ---- equations ---- */

typedef struct equations {
    const char *la, *ra, *lb, *rb;
    bool square_free;
    math_truth truth;
} equations;

static math_finding compared_equations(const equations *e, int *sign)
{
    math_tree t[4] = { { .n = 0 } };
    math_side s[4];
    const char *text[4] = { e->la, e->ra, e->lb, e->rb };
    for (int k = 0; k < 4; k++) {
        sexpr(&t[k], text[k]);
        s[k] = (math_side){ &t[k], t[k].root };
    }
    math_budget budget = { MATH_STEPS }, again = { MATH_STEPS };
    math_finding found = sign
                             ? math_difference_ratio(s[0], s[1], s[2], s[3], sign, &budget)
                             : math_equation_equal(s[0], s[1], s[2], s[3], e->square_free, &budget);
    int other;
    math_finding back = sign ? math_difference_ratio(s[2], s[3], s[0], s[1], &other, &again)
                             : math_equation_equal(s[2], s[3], s[0], s[1], e->square_free, &again);
    assert_int_equal(found.truth, back.truth);
    for (int k = 0; k < 4; k++)
        math_tree_fini(&t[k]);
    return found;
}

static void test_equations(void **state)
{
    (void)state;
    static const equations list[] = {
        { "(+ (/ (^ x 2) 4) (/ (^ y 2) 9))", "1", "(+ (* 9 (^ x 2)) (* 4 (^ y 2)))", "36", 0,
          MATH_EQUAL },
        { "(^ y 2)", "(* 4 x)", "x", "(/ (^ y 2) 4)", 0, MATH_EQUAL },
        { "x", "1", "(^ x 2)", "1", 0, MATH_DIFFERENT },
        { "x", "1", "(^ x 2)", "1", 1, MATH_DIFFERENT },
        { "(^ (+ x -1) 2)", "0", "x", "1", 1, MATH_EQUAL },
        { "(^ (+ x -1) 2)", "0", "x", "1", 0, MATH_DIFFERENT },
        { "(+ x (neg y))", "0", "x", "(neg y)", 0, MATH_DIFFERENT },
        { "(+ x (neg y))", "0", "y", "x", 0, MATH_EQUAL },
        { "(+ (* 2 x) (* 4 y) -3)", "0", "y", "(+ (neg (/ x 2)) (/ 3 4))", 0, MATH_EQUAL },
        { "(+ (* 2 x) (* 4 y) -3)", "0", "y", "(+ (neg (/ x 2)) (/ 3 5))", 0, MATH_DIFFERENT },
        { "y", "(* pi x)", "(/ y pi)", "x", 0, MATH_EQUAL },
        { "y", "(* (sqrt 2) x)", "(* (sqrt 2) y)", "(* 2 x)", 0, MATH_EQUAL },
        { "y", "(* (sqrt 2) x)", "(* (sqrt 2) y)", "x", 0, MATH_DIFFERENT },
        { "(^ e x)", "y", "(* 2 y)", "(* 2 (^ e x))", 0, MATH_EQUAL },
        { "(^ e x)", "y", "(* 3 y)", "(* 2 (^ e x))", 0, MATH_DIFFERENT },
        { "(+ (^ (sin x) 2) (* 3 y))", "0", "(+ 1 (neg (^ (cos x) 2)) (* 3 y))", "0", 0,
          MATH_EQUAL },
        { "(* (floor (+ x 1)) 2)", "y", "(+ 1 (floor x))", "(/ y 2)", 0, MATH_EQUAL },
        { "(floor (+ x 1))", "y", "(floor x)", "y", 0, MATH_DIFFERENT },
        { "x", "x", "y", "y", 0, MATH_EQUAL },
        { "x", "x", "x", "y", 0, MATH_DIFFERENT },
        { "x", "5", "y", "5", 0, MATH_DIFFERENT },
        { "y", "(/ 1 x)", "(* x y)", "1", 0, MATH_EQUAL },
        { "(f:f x)", "(* 2 x)", "(/ (f:f x) 2)", "x", 0, MATH_EQUAL },
        { "(f:f x)", "(* 2 x)", "(f:f y)", "(* 2 y)", 0, MATH_DIFFERENT },
    };
    int wrong = 0;
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        math_finding f = compared_equations(&list[k], NULL);
        if (f.truth != list[k].truth)
            print_error("%s=%s ~ %s=%s: %d by %s, %d\n", list[k].la, list[k].ra, list[k].lb,
                        list[k].rb, f.truth, f.rule, f.reason);
        wrong += f.truth != list[k].truth;
    }
    assert_int_equal(wrong, 0);
}

static void test_differences(void **state)
{
    (void)state;
    static const struct {
        equations e;
        int sign;
    } list[] = {
        { { "(* 2 x)", "4", "x", "2", 0, MATH_EQUAL }, 1 },
        { { "(* -2 x)", "4", "x", "-2", 0, MATH_EQUAL }, -1 },
        { { "(* (sqrt 2) x)", "2", "x", "(sqrt 2)", 0, MATH_EQUAL }, 1 },
        { { "2", "(* (sqrt 2) x)", "x", "(sqrt 2)", 0, MATH_EQUAL }, -1 },
        { { "(^ e x)", "y", "y", "(^ e x)", 0, MATH_EQUAL }, -1 },
        { { "x", "2", "x", "3", 0, MATH_DIFFERENT }, 0 },
        { { "(/ 1 x)", "(/ 1 y)", "x", "y", 0, MATH_DIFFERENT }, 0 },
        { { "(* i x)", "i", "x", "1", 0, MATH_DIFFERENT }, 0 },
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        int sign = 0;
        math_finding f = compared_equations(&list[k].e, &sign);
        if (f.truth != list[k].e.truth || (f.truth == MATH_EQUAL && sign != list[k].sign))
            print_error("difference %zu: %d by %s, sign %d\n", k, f.truth, f.rule, sign);
        assert_int_equal(f.truth, list[k].e.truth);
        if (f.truth == MATH_EQUAL)
            assert_int_equal(sign, list[k].sign);
    }
}

/* ---- keys ---- */

static void key_of(const char *text, pc_buf *out)
{
    math_tree t = { .n = 0 };
    sexpr(&t, text);
    math_budget budget = { MATH_STEPS };
    if (!math_expr_key((math_side){ &t, t.root }, &budget, out))
        pc_buf_text(out, "none");
    math_tree_fini(&t);
}

static void test_keys(void **state)
{
    (void)state;
    static const struct {
        const char *text, *key;
    } list[] = {
        { "(+ (^ x 2) (* 2 x) 1)", "p:x^2+2*x+1" },
        { "(^ (+ 1 x) 2)", "p:x^2+2*x+1" },
        { "(/ (+ (^ x 2) -1) (+ x -1))", "p:x+1" },
        { "(/ 1 (neg x))", "p:-1 / x" },
        { "(/ (+ b a) 2)", "p:a+b / 2" },
        { "(* 0.5 (+ a b))", "p:a+b / 2" },
        { "(+ x 5 (neg x))", "q:5" },
        { "(* pi (^ r 2))", "p:r^2*%pi" },
        { "(/ x (sqrt 2))", "p:x*%r2 / 2" },
        { "(/ (* (sqrt 2) x) 2)", "p:x*%r2 / 2" },
        { "(* x (+ (sqrt 3) (sqrt 2)))", "p:x*%r2+x*%r3" },
        { "(* x (+ (sqrt 2) (sqrt 3)))", "p:x*%r2+x*%r3" },
        { "(/ x (+ (sqrt 3) (neg (sqrt 2))))", "p:x*%r2+x*%r3" },
        { "(/ (* 2 x) (+ 1 i))", "p:-x*%i+x" },
        { "(* e x)", "p:x*%e" },
        { "(sin x)", "none" },
        { "(^ 2 x)", "none" },
        { "(f:f x)", "none" },
        { "(/ 1 (+ x (neg x)))", "none" },
        { "(^ (+ x y z) 1000)", "none" },
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        pc_buf key = { 0 };
        key_of(list[k].text, &key);
        assert_string_equal(key.data, list[k].key);
        pc_buf_fini(&key);
    }
}

static void test_unknowns(void **state)
{
    (void)state;
    static const struct {
        const char *text;
        uint32_t n;
        const char *first;
    } list[] = {
        { "(+ y (* x y) (f:f a))", 3, "a" },
        { "(sum (* k x) k 1 n)", 2, "n" },
        { "(int (* t x) t 0 x)", 1, "x" },
        { "(+ k (sum k k 1 3))", 1, "k" },
        { "(sqrt 2)", 0, NULL },
        { "(deriv (^ x 2) x)", 1, "x" },
        { "(tuple a b c d f)", 5, "a" },
    };
    for (size_t k = 0; k < sizeof list / sizeof *list; k++) {
        math_tree t = { .n = 0 };
        assay_str name[4];
        sexpr(&t, list[k].text);
        assert_int_equal(math_unknowns((math_side){ &t, t.root }, name, 4), list[k].n);
        if (list[k].n)
            assert_true(pc_is(name[0], list[k].first));
        math_tree_fini(&t);
    }
}

/* ---- random rational functions ---- */

static uint64_t lot = 1;

static uint32_t drawn(uint32_t below)
{
    lot = lot * UINT64_C(6364136223846793005) + UINT64_C(1442695040888963407);
    return (uint32_t)(lot >> 33) % below;
}

/* A random expression in x, y, z, with functions or without. Depth is counted, or a random tree's.
 * NOLINTBEGIN(misc-no-recursion) */
static math_id random_tree(math_tree *t, int depth, bool functions)
{
    static const char *const names[] = { "x", "y", "z" };
    if (depth == 0 || drawn(6) == 0)
        return drawn(3) ? math_leaf(t, M_SYM, (assay_str){ names[drawn(3)], 1 })
                        : math_int(t, (int64_t)drawn(9) - 4);
    math_id a = random_tree(t, depth - 1, functions);
    switch (drawn(functions ? 8 : 6)) {
    case 0:
    case 1:
        return math_2(t, M_ADD, 0, a, random_tree(t, depth - 1, functions));
    case 2:
        return math_2(t, M_MUL, 0, a, random_tree(t, depth - 1, functions));
    case 3:
        return math_2(t, M_DIV, 0, a, random_tree(t, depth - 1, functions));
    case 4:
        return math_1(t, M_NEG, 0, a);
    case 5:
        return math_2(t, M_POW, 0, a, math_int(t, (int64_t)drawn(3) + 2));
    case 6:
        return math_1(t, M_FUNC, drawn(2) ? FN_SIN : FN_COS, a);
    default:
        return math_1(t, M_FUNC, FN_EXP, a);
    }
}

/* The same function in other words: random laws of algebra, from the leaves up. */
static math_id rewritten(math_tree *t, const math_tree *from, math_id id)
{
    const math_node x = *math_at(from, id);
    math_id k[2] = { 0, 0 };
    if (x.n == 0)
        return math_copy(t, from, id, (assay_str){ "", 0 }, 0);
    for (uint32_t i = 0; i < x.n; i++)
        k[i] = rewritten(t, from, math_kid(from, id, i));
    const bool swap = drawn(2);
    math_id c = math_int(t, (int64_t)drawn(5) + 2), neg;
    switch ((int)x.kind) {
    case M_ADD:
        neg = math_1(t, M_NEG, 0, math_1(t, M_NEG, 0, k[1]));
        return swap ? math_2(t, M_ADD, 0, k[1], k[0]) : math_2(t, M_ADD, 0, k[0], neg);
    case M_MUL:
        if (swap && math_at(t, k[1])->kind == M_ADD)
            return math_2(t, M_ADD, 0, math_2(t, M_MUL, 0, k[0], math_kid(t, k[1], 0)),
                          math_2(t, M_MUL, 0, k[0], math_kid(t, k[1], 1)));
        return math_2(t, M_MUL, 0, k[1], k[0]);
    case M_DIV:
        return math_2(t, M_DIV, 0, math_2(t, M_MUL, 0, c, k[0]), math_2(t, M_MUL, 0, k[1], c));
    case M_POW:
        return swap ? math_2(t, M_MUL, 0, k[0],
                             math_2(t, M_POW, 0, k[0], math_2(t, M_ADD, 0, k[1], math_int(t, -1))))
                    : math_2(t, M_POW, 0, k[0], k[1]);
    case M_NEG:
        return math_2(t, M_MUL, 0, math_int(t, -1), k[0]);
    case M_FUNC:
        if (x.op == FN_EXP && math_at(t, k[0])->kind == M_ADD)
            return math_2(t, M_MUL, 0, math_1(t, M_FUNC, FN_EXP, math_kid(t, k[0], 0)),
                          math_1(t, M_FUNC, FN_EXP, math_kid(t, k[0], 1)));
        return math_1(t, M_FUNC, x.op, k[0]);
    default:
        return math_node_new(t, (math_kind)x.kind, x.op, k, x.n);
    }
}

/* For messages. */
static void show(const math_tree *t, math_id id, pc_buf *out)
{
    const math_node *x = math_at(t, id);
    pc_buf_fmt(out, x->n ? "(%s%d " : "%s", x->n ? "k" : "", x->kind);
    if (x->n == 0)
        out->len -= x->kind > 9 ? 2 : 1;
    pc_buf_add(out, math_text(t, id).data, x->len);
    for (uint32_t i = 0; i < x->n; i++) {
        pc_buf_text(out, i ? " " : "");
        show(t, math_kid(t, id, i), out);
    }
    pc_buf_text(out, x->n ? ")" : "");
}
/* NOLINTEND(misc-no-recursion) */

static math_truth truth_of(math_tree *t, math_id a, math_id b)
{
    math_budget budget = { MATH_STEPS }, again = { MATH_STEPS };
    math_side sa = { t, a }, sb = { t, b };
    math_finding f = math_expr_equal(sa, sb, &budget), back = math_expr_equal(sb, sa, &again);
    assert_int_equal(f.truth, back.truth);
    return f.truth;
}

/* The keys of rational functions say what the comparison says. */
static void check_keys(math_tree *t, math_id a, math_id b, math_truth truth)
{
    pc_buf ka = { 0 }, kb = { 0 };
    math_budget budget = { MATH_STEPS }, again = { MATH_STEPS };
    bool has_a = math_expr_key((math_side){ t, a }, &budget, &ka),
         has_b = math_expr_key((math_side){ t, b }, &again, &kb);
    if (has_a && has_b)
        assert_int_equal(pc_eq(pc_buf_str(&ka), pc_buf_str(&kb)), truth == MATH_EQUAL);
    pc_buf_fini(&ka);
    pc_buf_fini(&kb);
}

static void test_random(void **state)
{
    (void)state;
    uint32_t n_equal = 0, n_different = 0, n_open = 0;
    for (int round = 0; round < 1500; round++) {
        const bool functions = round % 3 == 0;
        math_tree t = { .n = 0 };
        math_id a = random_tree(&t, 4, functions);
        while (!math_has_symbols(&t, a)) /* numbers are value.h's: 1/0 differs even from itself */
            a = random_tree(&t, 4, functions);
        math_id b = rewritten(&t, &t, a);
        math_truth same = truth_of(&t, a, b);
        if (same == MATH_DIFFERENT) {
            pc_buf text = { 0 };
            show(&t, a, &text);
            pc_buf_text(&text, "  ~  ");
            show(&t, b, &text);
            print_error("round %d: a rewritten expression differs: %s\n", round, text.data);
            pc_buf_fini(&text);
        }
        assert_int_not_equal(same, MATH_DIFFERENT);
        n_equal += same == MATH_EQUAL;
        n_open += same == MATH_UNDECIDED;
        if (!functions)
            check_keys(&t, a, b, same);
        math_id near = math_2(&t, M_ADD, 0, b,
                              math_2(&t, M_DIV, 0, math_int(&t, 1), math_int(&t, 1000000007)));
        math_truth other = truth_of(&t, a, near);
        assert_int_not_equal(other, MATH_EQUAL);
        n_different += other == MATH_DIFFERENT;
        if (!functions && same == MATH_EQUAL)
            check_keys(&t, a, near, MATH_DIFFERENT);
        math_tree_fini(&t);
    }
    print_message("random: %u equal, %u different, %u open\n", n_equal, n_different, n_open);
    assert_true(n_open < 60); /* 1/0 and the like */
    assert_true(n_equal > 1400 && n_different > 1400);
}

/* ---- hostile sizes ---- */

static math_id nested(math_tree *t, math_kind kind, unsigned op, int n)
{
    math_id x = math_leaf(t, M_SYM, PC_LIT("x"));
    for (int k = 0; k < n; k++) {
        math_id sum = math_2(t, M_ADD, 0, x, math_int(t, k + 1));
        x = kind == M_DIV   ? math_2(t, M_DIV, 0, math_int(t, 1), sum)
            : kind == M_POW ? math_2(t, M_POW, 0, sum, op ? x : math_int(t, 3))
                            : math_1(t, kind, op, sum);
    }
    return x;
}

static math_id long_sum(math_tree *t, int kind, int n)
{
    math_id x = math_leaf(t, M_SYM, PC_LIT("x")), list[256];
    for (int k = 0; k < n; k++) {
        math_id c = math_int(t, k + 2), kx = math_2(t, M_MUL, 0, c, x),
                kpx = math_2(t, M_ADD, 0, c, x);
        list[k] = kind == 0   ? math_2(t, M_MUL, 0, math_1(t, M_FUNC, FN_SIN, kx),
                                       math_1(t, M_FUNC, FN_COS, kpx))
                  : kind == 1 ? math_1(t, M_SQRT, 0, kpx)
                  : kind == 2 ? math_2(t, M_DIV, 0, math_int(t, 1), kpx)
                  : kind == 3 ? math_2(t, M_POW, 0, kpx, kx)
                              : math_2(t, M_DIV, 0, math_int(t, 1),
                                       math_2(t, M_ADD, 0, math_1(t, M_FUNC, FN_SIN, x),
                                              math_1(t, M_SQRT, 0, c)));
    }
    return math_node_new(t, kind == 3 ? M_MUL : M_ADD, 0, list, (uint32_t)n);
}

static double milliseconds(void)
{
    struct timespec t;
    clock_gettime(CLOCK_THREAD_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static math_id hostile_tree(math_tree *t, int k)
{
    static const struct {
        math_kind kind;
        unsigned op;
        int depth;
    } list[] = { { M_DIV, 0, 50 },       { M_SQRT, 0, 50 }, { M_FUNC, FN_SIN, 40 },
                 { M_FUNC, FN_EXP, 30 }, { M_POW, 0, 40 },  { M_POW, 1, 7 },
                 { M_FUNC, FN_TAN, 30 } };
    const int n = sizeof list / sizeof *list;
    return k < n ? nested(t, list[k].kind, list[k].op, list[k].depth) : long_sum(t, k - n, 60);
}

/* Ends soon, and is right where it is decided: x + 1 is not x, and a thing equals its sum with 0 x.
 */
static void test_hostile(void **state)
{
    (void)state;
    double worst = 0;
    for (int k = 0; k < 12; k++) {
        math_tree t = { .n = 0 };
        math_id x = hostile_tree(&t, k), v = math_leaf(&t, M_SYM, PC_LIT("x"));
        math_id zero = math_2(&t, M_ADD, 0, math_1(&t, M_FUNC, FN_TAN, v),
                              math_1(&t, M_NEG, 0,
                                     math_2(&t, M_DIV, 0, math_1(&t, M_FUNC, FN_SIN, v),
                                            math_1(&t, M_FUNC, FN_COS, v))));
        double start = milliseconds();
        math_truth apart = truth_of(&t, x, math_2(&t, M_ADD, 0, x, math_int(&t, 1)));
        double middle = milliseconds();
        math_truth same = truth_of(&t, x, math_2(&t, M_ADD, 0, x, zero));
        double end = milliseconds(),
               most = middle - start > end - middle ? middle - start : end - middle;
        worst = most / 2 > worst ? most / 2 : worst;
        assert_int_not_equal(apart, MATH_EQUAL);
        assert_int_not_equal(same, MATH_DIFFERENT);
        math_tree_fini(&t);
    }
    print_message("hostile: worst %.2f ms\n", worst);
    assert_true(worst < 500); /* 20 ms are meant; sanitizers and busy machines are slower */
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_rational_functions),
        cmocka_unit_test(test_identities),
        cmocka_unit_test(test_opaque),
        cmocka_unit_test(test_equations),
        cmocka_unit_test(test_differences),
        cmocka_unit_test(test_keys),
        cmocka_unit_test(test_unknowns),
        cmocka_unit_test(test_random),
        cmocka_unit_test(test_hostile),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
