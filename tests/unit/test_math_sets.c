/* test_math_sets.c -- plugins/math/sets: sets of reals, solution sets, families, keys.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/sets.h"
#include "unit/math_sexpr.h"

#include <stdio.h>

enum { SAME = MATH_EQUAL, OTHER = MATH_DIFFERENT, OPEN = MATH_UNDECIDED };

typedef struct row {
    const char *a, *b;
    int truth;
} row;

#define INF "(interval 0 (neg inf) inf)"

static const row sets[] = {
    /* brackets */
    { "(interval 1 0 1)", "(interval 1 0 1)", SAME },
    { "(interval 1 0 1)", "(tuple 0 1)", OTHER },
    { "(interval 1 0 1)", "(square 0 1)", OTHER },
    { "(interval 3 0 1)", "(square 0 1)", SAME },
    { "(interval 0 0 1)", "(tuple 0 1.0)", SAME },
    { "(interval 0 0 1)", "(tuple 0 2)", OTHER },
    { "(interval 0 (/ 1 2) 1)", "(tuple 0.5 (/ 2 2))", SAME },
    { "(union (tuple 1 2) (tuple 3 4))", "(union (tuple 3 4) (tuple 1 2))", SAME },
    { "(union (square 1 2) (square 2 3))", "(square 1 3)", SAME },
    { "(union (tuple 1 2) (tuple 2 3))", "(tuple 1 3)", OTHER },
    { "(union (tuple 1 2) (set 2) (tuple 2 3))", "(tuple 1 3)", SAME },
    { "(union (tuple (neg inf) 0) (tuple 0 inf))", "(setminus R (set 0))", SAME },
    { "(union (tuple (neg inf) 0) (tuple 0 inf))", "(rel ! x 0)", SAME },
    { "(tuple (neg inf) inf)", "R", SAME },
    { "(square 1 inf)", "(interval 1 1 inf)", SAME },
    { "(square (neg inf) inf)", "R", SAME },
    { "(interval 1 2 2)", "emptyset", SAME },
    { "(union (square 2 2))", "(set 2)", SAME },
    { "(setminus (square 0 2) (tuple 0 2))", "(union (set 0) (set 2))", SAME },
    { "(intersect (tuple 0 3) (square 2 5))", "(interval 1 2 3)", SAME },
    { "(intersect (tuple 0 2) (square 2 5))", "emptyset", SAME },
    { "(union (set -1) (interval 1 0 7))", "(union (interval 1 0 7) (set -1))", SAME },
    { "(union (set -1) (interval 1 0 7))", "(union (interval 1 0 7) (set 1))", OTHER },
    /* the wrong way round */
    { "(interval 0 2 3)", "(tuple 3 2)", OTHER },
    { "(interval 0 3 2)", "emptyset", OTHER },
    { "(interval 0 3 2)", "(tuple 3 2)", SAME },
    { "emptyset", "(tuple 2 2)", OTHER },
    /* finite sets */
    { "(set 1 2 3)", "(set 3 2 1)", SAME },
    { "(set 1 1 2)", "(set 1 2)", SAME },
    { "(set 1 2)", "(set 1 3)", OTHER },
    { "(set (sqrt 2) (sqrt 8))", "(set (* 2 (sqrt 2)) (/ 2 (sqrt 2)))", SAME },
    { "(set)", "emptyset", SAME },
    { "(list 1 2 3)", "(set 3 2 1)", SAME },
    { "(set 1 2)", "(tuple 1 2)", OPEN },
    { "(tuple 1 2)", "(tuple 1 2)", OPEN },
    { "(square 1 2)", "(tuple 1 2)", OPEN },
    { "(set 1 x)", "(set 1 2)", OPEN },
    { "(set i 2)", "(set 1 2)", OPEN },
    /* relations written out */
    { "(rel < 1 x)", "(rel > x 1)", SAME },
    { "(rel >> 3 x 1)", "(tuple 1 3)", SAME },
    { "(rel < x 3)", "(rel l x 3)", OTHER },
    { "(rel <l 1 x 2)", "(interval 2 1 2)", SAME },
    { "(rel l x 3)", "(interval 2 (neg inf) 3)", SAME },
    { "(rel > x 2)", "(rel > y 2)", OTHER },
    { "(rel > x 2)", "(rel > x 3)", OTHER },
    { "(rel > y 2)", "(tuple 2 inf)", SAME },
    { "(rel e x (square -2 7))", "(rel ll -2 x 7)", SAME },
    { "(rel e x (square -2 7))", "(rel ll -2 y 7)", OTHER },
    { "(rel n x (square -2 7))", "(or (rel < x -2) (rel > x 7))", SAME },
    { "(rel = x (interval 1 0 1))", "(rel e x (interval 1 0 1))", SAME },
    { "(rel = x (tuple 0 1))", "(interval 0 0 1)", OPEN }, /* a vector as well */
    { "(rel << 0 (f:f x) 1)", "(tuple 0 1)", SAME },
    { "(rel << 0 (f:f x) 1)", "(rel >> 1 (f:f x) 0)", SAME },
    { "(rel << 0 (f:f x) 1)", "(rel >> 1 (f:g x) 0)", OTHER },
    { "(rel << 0 (abs (* A B)) 1)", "(tuple 0 1)", SAME },
    { "(rel < x inf)", "R", SAME },
    { "(rel > x a)", "(rel > x 2)", OPEN },
    { "(rel < 3 x)", "(and (rel > x 3) (rel ! x 1))", SAME },
    /* systems and cases */
    { "(or (rel < x 1) (rel > x 3))", "(union (tuple (neg inf) 1) (tuple 3 inf))", SAME },
    { "(list (rel < x 1) (rel > x 3))", "(or (rel < x 1) (rel > x 3))", SAME },
    { "(and (rel < x 1) (rel > x 3))", "emptyset", SAME },
    { "(and (rel > x 1) (rel < x 3))", "(tuple 1 3)", SAME },
    { "(and (rel = x 1) (rel = x 2))", "(union (set 1) (set 2))", SAME },
    { "(list (rel = (^ x 2) 4) (rel = (^ x 3) 8))", "(union (set 2) emptyset)", SAME },
    { "(list (rel = x 1) 2)", "(union (set 2) (set 1))", SAME },
    { "(list (tuple (neg inf) -1) (tuple 0 inf))", "(or (rel < x -1) (rel > x 0))", SAME },
    { "(list (rel > x 1) (rel > y 1))", "(rel > x 1)", OPEN },
    /* builders */
    { "(builder x (rel << 1 x 3))", "(tuple 1 3)", SAME },
    { "(builder x (rel << 1 x 3))", "(builder y (rel >> 3 y 1))", SAME },
    { "(builder x (rel << 1 x 3))", "(rel << 1 t 3)", SAME },
    { "(builder (rel e x R) (rel g x 0))", "(interval 1 0 inf)", SAME },
    { "(builder x (and (rel ! x 1) (rel ! x -1)))",
      "(union (tuple (neg inf) -1) (tuple -1 1) (tuple 1 inf))", SAME },
    { "(builder x (rel > x 1) (rel < x 2))", "(tuple 1 2)", SAME },
    { "(builder (^ x 2) (rel > x 1))", "(tuple 1 inf)", OPEN },
    { "(builder x (rel > y 1))", "(tuple 1 inf)", OPEN },
    { "(builder x (rel e x Z))", "R", OPEN },
    /* linear */
    { "(rel > (* 2 x) 4)", "(rel > x 2)", SAME },
    { "(rel g (neg x) -1)", "(rel l x 1)", SAME },
    { "(rel > (* 2 x) 4)", "(rel > x 3)", OTHER },
    { "(rel < (+ x 1) (+ (* 2 x) -3))", "(tuple 4 inf)", SAME },
    { "(rel << -3 (+ (* 2 x) 1) 5)", "(tuple -2 2)", SAME },
    { "(rel < (/ x -3) 1)", "(tuple -3 inf)", SAME },
    { "(rel < (* 2 x) pi)", "(tuple (neg inf) (/ pi 2))", SAME },
    { "(rel < (+ x (/ pi 6)) (/ pi 2))", "(rel < x (/ pi 3))", SAME },
    { "(rel > x (* 90 (degree 1)))", "(rel > x (/ pi 2))", SAME },
    /* transcendental and algebraic ends */
    { "(interval 0 0 (* 2 pi))", "(tuple 0 (/ (* 4 pi) 2))", SAME },
    { "(interval 0 (ln 8) inf)", "(tuple (* 3 (ln 2)) inf)", SAME },
    { "(interval 0 (ln 8) inf)", "(tuple (* 3 (ln 3)) inf)", OTHER },
    { "(union (tuple 1 (+ 4 (neg (sqrt 3)))) (tuple (+ 4 (sqrt 3)) 7))",
      "(and (rel << 1 x 7) (rel > (+ (^ x 2) (* -8 x) 13) 0))", SAME },
    { "(interval 0 (sqrt 2) (sqrt 3))", "(tuple (/ 2 (sqrt 2)) (/ 3 (sqrt 3)))", SAME },
    { "(interval 0 1 e)", "(tuple 1 2.718281828459045)", OTHER },
    /* polynomials and quotients */
    { "(rel > (^ x 2) 4)", "(or (rel < x -2) (rel > x 2))", SAME },
    { "(rel = (^ x 2) 4)", "(union (set 2) (set -2))", SAME },
    { "(rel < (^ x 2) 2)", "(tuple (neg (sqrt 2)) (sqrt 2))", SAME },
    { "(rel < (^ x 2) -1)", "emptyset", SAME },
    { "(rel > (^ x 2) -1)", "R", SAME },
    { "(rel g (^ (+ x -1) 2) 0)", "R", SAME },
    { "(rel > (^ (+ x -1) 2) 0)", "(rel ! x 1)", SAME },
    { "(rel l (^ (+ x -1) 2) 0)", "(rel = x 1)", SAME },
    { "(rel > (/ (+ x -1) (+ x 2)) 0)", "(union (tuple (neg inf) -2) (tuple 1 inf))", SAME },
    { "(rel g (/ (+ x -1) (+ x 2)) 0)", "(union (tuple (neg inf) -2) (interval 1 1 inf))", SAME },
    { "(rel l (/ (* x (^ (+ x 1) 2)) (+ x -7)) 0)", "(union (set -1) (interval 1 0 7))", SAME },
    { "(rel g (/ (* x (+ x 1)) (^ (+ x -4) 2)) 12)",
      "(union (interval 1 3 4) (interval 2 4 (/ 64 11)))", SAME },
    { "(rel > (/ x (+ (^ x 2) -1)) 0)", "(union (tuple -1 0) (tuple 1 inf))", SAME },
    { "(rel > (/ (^ (+ x -1) 2) (+ x -1)) 0)", "(tuple 1 inf)", SAME },
    { "(rel > (/ (^ (+ x -1) 3) (+ x -1)) -1)", "(rel ! x 1)", SAME },
    { "(rel < (/ 1 x) 1)", "(union (tuple (neg inf) 0) (tuple 1 inf))", SAME },
    { "(rel > (^ x -1) 1)", "(tuple 0 1)", SAME },
    { "(rel < (+ (^ x 3) (neg x)) 0)", "(union (tuple (neg inf) -1) (tuple 0 1))", SAME },
    { "(rel > (+ (^ x 5) (neg x) -1) 0)", "(rel < (+ 1 x (neg (^ x 5))) 0)", SAME },
    { "(rel > (+ (^ x 5) (neg x) -1) 0)", "(rel > x 1.1673039782614186)", OTHER },
    { "(rel > (+ (^ x 4) (* -10 (^ x 2)) 1) 0)",
      "(union (tuple (neg inf) (neg (+ (sqrt 2) (sqrt 3)))) (tuple (+ (sqrt 2) (neg (sqrt 3))) (+ "
      "(sqrt 3) (neg (sqrt 2)))) (tuple (+ (sqrt 2) (sqrt 3)) inf))",
      SAME },
    { "(rel > (/ x 0) 1)", "(rel > x 1)", OPEN },
    { "(rel > (^ x 100000000) 1)", "(rel > x 1)", OPEN },
    /* absolute values and roots */
    { "(rel < (abs x) 2)", "(tuple -2 2)", SAME },
    { "(rel l (abs (+ (* 2 x) 7)) 16)", "(square (/ -23 2) (/ 9 2))", SAME },
    { "(rel < (abs (+ x -2)) 1)", "(tuple 1 3)", SAME },
    { "(rel ll 1 (abs z) (/ 3 2))", "(rel e z (union (square (/ -3 2) -1) (square 1 (/ 3 2))))",
      SAME },
    { "(rel > (abs x) -1)", "R", SAME },
    { "(rel < (+ (abs (+ x -1)) (abs (+ x -2))) 3)", "(tuple 0 3)", SAME },
    { "(rel < (abs (+ (abs x) -1)) 2)", "(tuple -3 3)", SAME },
    { "(rel = (abs x) x)", "(interval 1 0 inf)", SAME },
    { "(rel > (sqrt x) 2)", "(tuple 4 inf)", SAME },
    { "(rel < (sqrt x) 2)", "(interval 1 0 4)", SAME },
    { "(rel > (sqrt x) -1)", "(interval 1 0 inf)", SAME },
    { "(rel < (sqrt x) -1)", "emptyset", SAME },
    { "(rel l (sqrt (+ x 1)) (+ x -1))", "(interval 1 3 inf)", SAME },
    { "(rel ! (sqrt x) 1)", "(union (interval 1 0 1) (tuple 1 inf))", SAME },
    { "(rel = (sqrt (^ (+ x -3) 2)) (+ x -3))", "(rel g x 3)", SAME },
    /* other coefficients */
    { "(rel > (* (sqrt 2) x) 2)", "(tuple (sqrt 2) inf)", SAME },
    { "(rel > (* (+ 1 (neg (sqrt 2))) x) 1)", "(tuple (neg inf) (neg (+ 1 (sqrt 2))))", SAME },
    { "(rel > (+ (* pi x) (neg (^ pi 2))) 0)", "(tuple pi inf)", SAME },
    { "(rel < (+ (^ x 2) (* -2 (sqrt 2) x) 2) 0)", "emptyset", SAME },
    { "(rel l (+ (^ x 2) (* -2 (sqrt 2) x) 2) 0)", "(union (set (sqrt 2)))", SAME },
    { "(rel < (^ x 2) pi)", "(tuple (neg (sqrt pi)) (sqrt pi))", SAME },
    { "(rel < (* (neg (sqrt 2)) (^ x 2)) (* -4 (sqrt 2)))", "(rel > (^ x 2) 4)", SAME },
    { "(rel > (^ 2 x) 8)", "(tuple 3 inf)", SAME },
    { "(rel g (* 25 (^ (/ 4 5) x)) 10)",
      "(interval 2 (neg inf) (/ (+ (ln 5) (neg (ln 2))) (+ (ln 5) (neg (ln 4)))))", SAME },
    { "(rel < (ln x) 1)", "(tuple 0 e)", SAME },
    { "(rel > (ln (+ x -1)) 0)", "(tuple 2 inf)", SAME },
    { "(rel l (logb (/ 1 2) x) -1)", "(interval 1 2 inf)", SAME },
    { "(rel > (* 2 (sqrt x)) 4)", "(tuple 4 inf)", SAME },
    { "(rel < (+ 1 (neg (sqrt (+ x 1)))) -1)", "(tuple 3 inf)", SAME },
    { "(rel > (+ x (^ 2 x)) 4)", "(tuple 4 inf)", OPEN },
    { "(rel > (^ e x) 53)", "(tuple (ln 53) inf)", SAME },
    /* ends with unknowns */
    { "(square a b)", "(interval 3 a b)", SAME },
    { "(interval 1 a b)", "(interval 3 a b)", OTHER },
    { "(interval 3 (+ a 1) b)", "(builder x (rel ll (+ 1 a) x b))", SAME },
    { "(builder x (rel ll (+ h (neg r)) x (+ h r)))", "(square (+ h (neg r)) (+ r h))", SAME },
    { "(builder x (rel ll (+ h (neg r)) x (+ h r)))", "(square (+ h r) (+ h (neg r)))", OTHER },
    { "(rel > x a)", "(tuple a inf)", SAME },
    { "(union (interval 0 (neg inf) a) (interval 0 b inf))",
      "(union (interval 0 b inf) (interval 0 (neg inf) a))", SAME },
};

static const row families[] = {
    { "(family (+ (/ pi 2) (* k pi)) k)", "(family (+ (/ pi 2) (* n pi)) n)", SAME },
    { "(family (+ (/ pi 2) (* k pi)) k)", "(family (+ (neg (/ pi 2)) (* k pi)) k)", SAME },
    { "(family (+ (/ pi 2) (* k pi)) k)", "(family (+ (/ pi 2) (* 2 k pi)) k)", OTHER },
    { "(family (+ (/ pi 2) (* k pi)) k)", "(family (* k pi) k)", OTHER },
    { "(family (* k pi) k)", "(family (neg (* k pi)) k)", SAME },
    { "(family (* k pi) k)", "(family (* (+ k 5) pi) k)", SAME },
    { "(family (/ (* (+ (* 2 k) 1) pi) 2) k)", "(family (+ (/ pi 2) (* k pi)) k)", SAME },
    { "(family (rel = x (* k pi)) k)", "(family (* k pi) k)", SAME },
    { "(family (rel = x (* k pi)) k)", "(family (rel = t (* k pi)) k)", OTHER },
    { "(family (rel = x (* k pi)) k)", "(rel e x (builder (* n pi) (rel e n Z)))", SAME },
    { "(builder x (rel = x (* 3 k)) (rel e k Z))", "(family (* 3 n) n)", SAME },
    { "(builder x (rel = x (* 3 k)) (rel e k Z))", "(builder (* 3 n) (rel e n Z))", SAME },
    { "(builder x (family (rel = x (* 3 k)) k))", "(family (+ -3 (* 3 n)) n)", SAME },
    { "(builder x (list (rel = x (* 3 k)) (rel e k Z)))", "(family (+ 1 (* 3 n)) n)", OTHER },
    { "(list (rel = x (* 3 k)) (rel e k Z))", "(family (* 3 n) n)", SAME },
    { "(set (family (+ (/ pi 6) (* 2 k pi)) k) (family (+ (/ (* 5 pi) 6) (* 2 k pi)) k))",
      "(family (list (+ (/ (* 5 pi) 6) (* 2 n pi)) (+ (/ pi 6) (* 2 n pi))) n)", SAME },
    { "(list (family (* 2 k) k) (family (+ 1 (* 2 k)) k))", "(family k k)", SAME },
    { "(list (family (* 2 k) k) (family (+ 1 (* 4 k)) k) (family (+ 3 (* 4 k)) k))", "(family k k)",
      SAME },
    { "(list (family (* 2 k) k) (family (+ 1 (* 4 k)) k))", "(family k k)", OTHER },
    { "(list (family (/ k 2) k) (family (/ k 3) k))",
      "(list (family (/ n 3) n) (family (/ n 2) n))", SAME },
    { "(list (family (/ k 2) k) (family (/ k 3) k))", "(family (/ k 6) k)", OTHER },
    { "(family (+ (degree 30) (* k (degree 360))) k)", "(family (+ (/ pi 6) (* 2 pi k)) k)", SAME },
    { "(family (+ 1 (* k pi)) k)", "(family (+ 1 (neg pi) (* k pi)) k)", SAME },
    { "(family (+ 1 (* k pi)) k)", "(family (+ 2 (* k pi)) k)", OTHER },
    { "(family (* k pi) k)", "(family k k)", OTHER },
    { "(family (+ (* k pi) (* k (sqrt 2))) k)", "(family (* k pi) k)", OTHER },
    { "(family (+ (arctan 2) (* k pi)) k)", "(family (+ (* n pi) (arctan 2)) n)", SAME },
    { "(family (+ (arctan 2) (* k pi)) k)", "(family (+ (arctan 2) (* (+ k 1) pi)) k)", SAME },
    { "(family (+ (arctan 2) (* k pi)) k)", "(family (+ (arctan 3) (* k pi)) k)", OTHER },
    { "(family (+ (arctan 2) (* k pi)) k)", "(family (+ (arctan 2) (* 2 k pi)) k)", OTHER },
    { "(family (+ k (* k (+ k -1) (+ k -2))) k)", "(family k k)", OPEN },
    { "(family (^ (+ (* 2 k) 1) 2) k)", "(family (^ (+ (* 2 n) 1) 2) n)", SAME },
    { "(family 2 k)", "(family 2 k)", SAME },
    { "(family 2 k)", "(family 3 k)", OPEN },
    { "(family (+ a (* k pi)) k)", "(family (+ a (* n pi)) n)", SAME },
    { "(builder (* 2 k) (rel e k N))", "(builder (* 2 n) (rel e n N))", SAME },
    { "(builder (* 2 k) (rel e k N))", "(builder (* -2 n) (rel e n N))", OTHER },
    { "(builder (* 2 k) (rel e k N))", "(builder (+ 2 (* 2 n)) (rel e n N))", OTHER },
    { "(builder (* 2 k) (rel e k N))", "(builder (* 2 n) (rel e n Z))", OTHER },
    { "(family (tuple (* 2 k pi) (* (+ (* 2 k) 1) pi)) k)",
      "(family (tuple (* 2 pi (+ n 1)) (+ (* 2 n pi) (* 3 pi))) n)", SAME },
    { "(family (tuple (* 2 k pi) (* (+ (* 2 k) 1) pi)) k)",
      "(family (square (* 2 k pi) (* (+ (* 2 k) 1) pi)) k)", OTHER },
    { "(family (tuple (* k pi) (* (+ k 1) pi)) k)",
      "(list (family (tuple (* 2 k pi) (+ (* 2 k pi) pi)) k) (family (tuple (+ (* 2 k pi) pi) (+ "
      "(* "
      "2 k pi) (* 2 pi))) k))",
      SAME },
    { "(family (rel << (* 2 k pi) x (+ (* 2 k pi) pi)) k)",
      "(family (rel e x (tuple (* 2 k pi) (+ pi (* 2 k pi)))) k)", SAME },
    { "(family (interval 1 (+ pi (* 2 k pi)) (+ (* 2 pi) (* 2 k pi))) k)",
      "(family (tuple (+ pi (* 2 k pi)) (+ (* 2 pi) (* 2 k pi))) k)", OTHER },
    { "(family (interval 2 (+ (* 3 k) 2) (+ (* 3 k) 4)) k)",
      "(family (interval 2 (+ (* 3 k) -1) (+ (* 3 k) 1)) k)", SAME },
    { "(family (interval 2 (+ (* 3 k) 2) (+ (* 3 k) 4)) k)",
      "(family (interval 3 (+ (* 3 k) -1) (+ (* 3 k) 1)) k)", OTHER },
    { "(family (interval 2 (+ (* 3 k) 2) (+ (* 3 k) 4)) k)",
      "(family (interval 0 (+ (* 3 k) -1) (+ (* 3 k) 1)) k)", OTHER },
    { "(family (square k (+ k 1)) k)", "(family (square (* 2 k) (+ 5 (* 2 k))) k)", SAME },
    { "(family (tuple 0 (* k pi)) k)", "(family (tuple 0 (* k pi)) k)", SAME },
    { "(family (* k pi) k)", "(set 1 2)", OPEN },
    { "(family (/ k 1000003) k)", "(family (/ k 1000033) k)", OPEN }, /* too many classes */
};

static math_finding ask(math_finding (*equal)(math_side, math_side, math_budget *), const char *a,
                        const char *b)
{
    math_tree ta = { 0 }, tb = { 0 };
    math_side sa = { &ta, sexpr(&ta, a) }, sb = { &tb, sexpr(&tb, b) };
    math_budget budget = { MATH_STEPS };
    math_finding f = equal(sa, sb, &budget);
    math_tree_fini(&ta);
    math_tree_fini(&tb);
    return f;
}

static void check_rows(math_finding (*equal)(math_side, math_side, math_budget *), const row *rows,
                       size_t n)
{
    size_t wrong = 0;
    for (size_t k = 0; k < n; k++)
        for (int swap = 0; swap < 2; swap++) {
            const char *a = swap ? rows[k].b : rows[k].a, *b = swap ? rows[k].a : rows[k].b;
            math_finding f = ask(equal, a, b);
            if ((int)f.truth == rows[k].truth)
                continue;
            wrong++;
            print_message("%s | %s: %d (%s, reason %d, %s), not %d\n", a, b, (int)f.truth, f.rule,
                          (int)f.reason, f.note, rows[k].truth);
        }
    assert_int_equal(wrong, 0);
}

static void table(void **state)
{
    (void)state;
    check_rows(math_set_equal, sets, sizeof sets / sizeof *sets);
}

static void family_table(void **state)
{
    (void)state;
    check_rows(math_family_equal, families, sizeof families / sizeof *families);
}

static void notes(void **state)
{
    (void)state;
    math_finding f = ask(math_set_equal, "(interval 1 0 1)", "(interval 0 0 1)");
    assert_string_equal(f.note, "0 is in the first only");
    f = ask(math_set_equal, "(interval 0 0 1)", "(interval 0 0 3)");
    assert_string_equal(f.note, "1 is in the second only");
    f = ask(math_set_equal, "(interval 0 (/ 1 2) 1)", "(interval 0 0 1)");
    assert_string_equal(f.note, "what is between 0 and 1/2 is in the second only");
    f = ask(math_set_equal, "(interval 3 0 (sqrt 2))", "(interval 1 0 (sqrt 2))");
    assert_string_equal(f.note, "about 1.41421 is in the first only");
}

/* Key of `a`, or "" where it has none. */
static void key_of(const char *a, char *out, size_t size)
{
    math_tree t = { 0 };
    math_budget budget = { MATH_STEPS };
    pc_buf text = { 0 };
    bool ok = math_set_key((math_side){ &t, sexpr(&t, a) }, &budget, &text);
    snprintf(out, size, "%s", ok ? text.data : "");
    assert_true(ok || text.len == 0);
    pc_buf_fini(&text);
    math_tree_fini(&t);
}

static void keys(void **state)
{
    static const char *const known[][2] = {
        { "(interval 1 0 1)", "u:[q:0,q:1)" },
        { "(union (tuple 2 inf) (interval 1 0 1))", "u:[q:0,q:1)(q:2,inf)" },
        { "(set 2 (/ -2 4) 2)", "u:[q:-1/2,q:-1/2][q:2,q:2]" },
        { "(rel ! x 0)", "u:(-inf,q:0)(q:0,inf)" },
        { "R", "u:(-inf,inf)" },
        { "emptyset", "u:" },
        { "(interval 3 (neg (sqrt 2)) (/ 2 (sqrt 2)))", "u:[a:-2,0,1@0,a:-2,0,1@1]" },
        { "(rel l (^ x 2) 2)", "u:[a:-2,0,1@0,a:-2,0,1@1]" },
        { "(interval 0 0 (* 2 pi))", "u:(q:0,p:0,2)" },
        { "(interval 0 (* (sqrt 2) (sqrt 2)) inf)", "u:(q:2,inf)" },
        { "(tuple 3 2)", "" },
        { "(tuple x 2)", "" },
        { "(tuple 0 (log 2))", "" },
        { "(union (square 1 2) (tuple 2 3) (set 3))", "u:[q:1,q:3]" },
    };
    (void)state;
    char text[256];
    for (size_t k = 0; k < sizeof known / sizeof *known; k++) {
        key_of(known[k][0], text, sizeof text);
        assert_string_equal(text, known[k][1]);
    }
    /* Equal sets have equal keys, different ones different keys, where both have one. */
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        char other[256];
        key_of(sets[k].a, text, sizeof text);
        key_of(sets[k].b, other, sizeof other);
        math_finding f = ask(math_set_equal, sets[k].a, sets[k].b);
        if (*text && *other && f.truth != MATH_UNDECIDED && strcmp(f.rule, "unknown") != 0)
            assert_int_equal(strcmp(text, other) == 0, sets[k].truth == SAME);
    }
}

/* ---- random sets against brute force ----
 * All ends are among -3 .. 3, so a set is known by its members among -4, -3.5, ..., 4: a mask of 17
 * bits, bit 2 (q + 4) for q. Bits 0 and 16 stand for everything below -3.5 and above 3.5. */

enum { CELLS = 17, ALL_CELLS = (1 << CELLS) - 1 };

static uint64_t next_random(uint64_t *state)
{
    uint64_t z = (*state += 0x9e3779b97f4a7c15U);
    z = (z ^ (z >> 30)) * 0xbf58476d1ce4e5b9U;
    z = (z ^ (z >> 27)) * 0x94d049bb133111ebU;
    return z ^ (z >> 31);
}

static int below(uint64_t *state, int n)
{
    return (int)(next_random(state) % (uint64_t)n);
}

static int cell_of(int q)
{
    return 2 * (q + 4);
}

static uint32_t cells(int from, int to) /* both included */
{
    uint32_t mask = 0;
    for (int i = from; i <= to; i++)
        mask |= 1U << i;
    return mask;
}

static math_id infinity(math_tree *t, bool negative)
{
    math_id inf = math_leaf(t, M_INF, PC_LIT(""));
    return negative ? math_1(t, M_NEG, 0, inf) : inf;
}

/* The number q, written in one of several ways. */
static math_id written(math_tree *t, uint64_t *state, int q)
{
    switch (below(state, 4)) {
    case 0:
        return math_2(t, M_DIV, 0, math_int(t, (int64_t)6 * q), math_int(t, 6));
    case 1: /* (sqrt 2) (sqrt 2) q / 2 */
    {
        math_id root = math_1(t, M_SQRT, 0, math_int(t, 2)), ids[3] = { root, root };
        ids[2] = math_int(t, q);
        return math_2(t, M_DIV, 0, math_node_new(t, M_MUL, 0, ids, 3), math_int(t, 2));
    }
    default:
        return math_int(t, q);
    }
}

static math_id random_interval(math_tree *t, uint64_t *state, uint32_t *mask)
{
    int lo = below(state, 7) - 3, hi = lo + 1 + below(state, 3 - lo + 1);
    bool left = below(state, 6) == 0, right = hi > 3 || below(state, 6) == 0;
    unsigned flags = (unsigned)below(state, 4);
    int from = left ? 0 : cell_of(lo) + !(flags & MATH_LO_CLOSED);
    int to = right ? CELLS - 1 : cell_of(hi) - !(flags & MATH_HI_CLOSED);
    *mask = cells(from, to);
    return math_2(t, M_INTERVAL, flags, left ? infinity(t, true) : written(t, state, lo),
                  right ? infinity(t, false) : written(t, state, hi));
}

static math_id random_relation(math_tree *t, uint64_t *state, uint32_t *mask)
{
    static const char ops[] = "<l>g=!";
    int q = below(state, 7) - 3, op = below(state, 6), at = cell_of(q);
    const uint32_t masks[] = { cells(0, at - 1),     cells(0, at),  cells(at + 1, CELLS - 1),
                               cells(at, CELLS - 1), cells(at, at), ALL_CELLS & ~cells(at, at) };
    *mask = masks[op];
    const math_id sides[2] = { math_leaf(t, M_SYM, PC_LIT("x")), written(t, state, q) };
    math_id rel = math_text_node(t, M_REL, 0, (assay_str){ ops + op, 1 }, sides, 2);
    return math_2(t, M_SETBUILDER, 0, math_leaf(t, M_SYM, PC_LIT("x")), rel);
}

static math_id random_points(math_tree *t, uint64_t *state, uint32_t *mask)
{
    math_id ids[3];
    uint32_t n = (uint32_t)below(state, 4);
    *mask = 0;
    for (uint32_t i = 0; i < n; i++) {
        int q = below(state, 7) - 3;
        *mask |= 1U << cell_of(q);
        ids[i] = written(t, state, q);
    }
    return math_node_new(t, M_SET, 0, ids, n);
}

/* NOLINTNEXTLINE(misc-no-recursion): by depth */
static math_id random_set(math_tree *t, uint64_t *state, int depth, uint32_t *mask)
{
    if (depth == 0 || below(state, 4) == 0) {
        int what = below(state, 4);
        return what == 0   ? random_points(t, state, mask)
               : what == 1 ? random_relation(t, state, mask)
                           : random_interval(t, state, mask);
    }
    uint32_t a, b;
    math_id x = random_set(t, state, depth - 1, &a), y = random_set(t, state, depth - 1, &b);
    int op = below(state, 3);
    *mask = op == 0 ? a | b : op == 1 ? a & b : a & ~b;
    return math_2(t, op == 0 ? M_UNION : op == 1 ? M_INTERSECT : M_SETMINUS, 0, x, y);
}

/* The set with this mask, as a union of an interval or point for every cell. */
static math_id set_of(math_tree *t, uint64_t *state, uint32_t mask)
{
    math_id ids[CELLS + 1] = { math_leaf(t, M_EMPTY, PC_LIT("")) };
    uint32_t n = 1;
    for (int i = CELLS - 1; i >= 0; i--) {
        if (!(mask >> i & 1))
            continue;
        /* cells 1 and 15 belong to the unbounded ones */
        if (i % 2 == 0 && i > 0 && i < CELLS - 1) {
            math_id q = written(t, state, i / 2 - 4);
            ids[n++] = math_node_new(t, M_SET, 0, &q, 1);
        } else {
            math_id lo = i < 2 ? infinity(t, true) : written(t, state, (i - 1) / 2 - 4);
            math_id hi = i > CELLS - 3 ? infinity(t, false) : written(t, state, (i + 1) / 2 - 4);
            ids[n++] = math_2(t, M_INTERVAL, 0, lo, hi);
        }
    }
    return math_node_new(t, M_UNION, 0, ids, n);
}

static int truth(math_tree *t, math_id a, math_id b)
{
    math_budget budget = { (int64_t)100 * MATH_STEPS };
    return (int)math_set_equal((math_side){ t, a }, (math_side){ t, b }, &budget).truth;
}

static void brute_force(void **state)
{
    uint64_t seed = 42;
    math_tree t = { 0 };
    (void)state;
    for (int round = 0; round < 4000; round++) {
        uint32_t a, b;
        math_tree_clear(&t);
        math_id x = random_set(&t, &seed, 3, &a), y = random_set(&t, &seed, 2, &b);
        assert_int_equal(truth(&t, math_1(&t, M_UNION, 0, x), math_1(&t, M_UNION, 0, y)),
                         a == b ? SAME : OTHER);
        assert_int_equal(truth(&t, x, set_of(&t, &seed, a)), SAME);
        uint32_t flip = 1U << (2 + 2 * below(&seed, 7)) | (below(&seed, 2) ? 1U : 1U << 7);
        assert_int_equal(truth(&t, set_of(&t, &seed, a ^ flip), x), OTHER);
    }
    math_tree_fini(&t);
}

/* Laws on trees: de Morgan by differences, absorption, distribution. */
static void laws(void **state)
{
    uint64_t seed = 7;
    math_tree t = { 0 };
    (void)state;
    for (int round = 0; round < 500; round++) {
        uint32_t mask;
        math_tree_clear(&t);
        math_id a = random_set(&t, &seed, 2, &mask), b = random_set(&t, &seed, 2, &mask);
        math_id c = random_set(&t, &seed, 2, &mask), r = math_node_new(&t, M_NAMED, 'R', NULL, 0);
        math_id ab = math_2(&t, M_UNION, 0, a, b), both = math_2(&t, M_INTERSECT, 0, a, b);
        math_id not_a = math_2(&t, M_SETMINUS, 0, r, a), not_b = math_2(&t, M_SETMINUS, 0, r, b);
        assert_int_equal(
            truth(&t, math_2(&t, M_SETMINUS, 0, r, ab), math_2(&t, M_INTERSECT, 0, not_a, not_b)),
            SAME);
        assert_int_equal(
            truth(&t, math_2(&t, M_SETMINUS, 0, r, both), math_2(&t, M_UNION, 0, not_a, not_b)),
            SAME);
        assert_int_equal(
            truth(&t, math_2(&t, M_INTERSECT, 0, ab, a), math_2(&t, M_UNION, 0, both, a)), SAME);
        assert_int_equal(truth(&t, math_2(&t, M_INTERSECT, 0, ab, c),
                               math_2(&t, M_UNION, 0, math_2(&t, M_INTERSECT, 0, a, c),
                                      math_2(&t, M_INTERSECT, 0, b, c))),
                         SAME);
    }
    math_tree_fini(&t);
}

/* ---- random inequalities against their values ---- */

static math_id symbol_x(math_tree *t)
{
    return math_leaf(t, M_SYM, PC_LIT("x"));
}

/* A random rational function as a tree, and its sign at p/q, 2: it has no value there. */
typedef struct factor {
    int c[3]; /* c0 + c1 x + c2 x^2 */
    int power;
} factor;

static math_id factor_tree(math_tree *t, const factor *f)
{
    math_id square = math_2(t, M_POW, 0, symbol_x(t), math_int(t, 2));
    const math_id terms[3] = { math_2(t, M_MUL, 0, math_int(t, f->c[2]), square),
                               math_2(t, M_MUL, 0, symbol_x(t), math_int(t, f->c[1])),
                               math_int(t, f->c[0]) };
    math_id sum = math_node_new(t, M_ADD, 0, terms, 3);
    return f->power == 1 ? sum : math_2(t, M_POW, 0, sum, math_int(t, f->power));
}

static int factor_sign(const factor *f, int p, int q)
{
    long v = (long)f->c[0] * q * q + (long)f->c[1] * p * q + (long)f->c[2] * p * p;
    int sign = (v > 0) - (v < 0);
    return f->power < 0 && sign == 0 ? 2 : f->power % 2 ? sign : sign * sign;
}

static bool expected(const factor *f, int n, int p, int q, char op)
{
    int sign = 1;
    for (int i = 0; i < n; i++) {
        int s = factor_sign(&f[i], p, q);
        if (s == 2)
            return false;
        sign *= s;
    }
    return op == '<'   ? sign < 0
           : op == 'l' ? sign <= 0
           : op == '>' ? sign > 0
           : op == 'g' ? sign >= 0
           : op == '=' ? sign == 0
                       : sign != 0;
}

/* Whether p/q is in the solution set is asked by intersecting with \{p/q\}. */
static void inequalities(void **state)
{
    static const char ops[] = "<l>g=!";
    uint64_t seed = 99;
    math_tree t = { 0 };
    (void)state;
    for (int round = 0; round < 1500; round++) {
        factor f[4];
        math_id ids[4];
        int n = 1 + below(&seed, 4), op = below(&seed, 6);
        math_tree_clear(&t);
        for (int i = 0; i < n; i++) {
            f[i] = (factor){ { below(&seed, 9) - 4, below(&seed, 7) - 3,
                               below(&seed, 2) ? below(&seed, 5) - 2 : 0 },
                             below(&seed, 6) - 2 };
            if (f[i].power == 0)
                f[i].power = 1;
            if (!f[i].c[1] && !f[i].c[2])
                f[i].c[1] = 1;
            ids[i] = factor_tree(&t, &f[i]);
        }
        math_id product = n == 1 ? ids[0] : math_node_new(&t, M_MUL, 0, ids, (uint32_t)n);
        const math_id sides[2] = { product, math_int(&t, 0) };
        math_id rel = math_text_node(&t, M_REL, 0, (assay_str){ ops + op, 1 }, sides, 2);
        math_id set = math_2(&t, M_SETBUILDER, 0, symbol_x(&t), rel);
        for (int k = 0; k < 12; k++) {
            int p = below(&seed, 41) - 20, q = 1 + below(&seed, 6);
            math_id at = math_2(&t, M_DIV, 0, math_int(&t, p), math_int(&t, q));
            math_id point = math_node_new(&t, M_SET, 0, &at, 1);
            math_id none = math_leaf(&t, M_EMPTY, PC_LIT(""));
            math_id cut = math_2(&t, M_INTERSECT, 0, set, point);
            bool in = expected(f, n, p, q, ops[op]);
            assert_int_equal(truth(&t, cut, in ? point : none), SAME);
            assert_int_equal(truth(&t, cut, in ? none : point), OTHER);
        }
        /* moved to both sides, and with the sides exchanged */
        const math_id moved[2] = { math_1(&t, M_NEG, 0, math_int(&t, 0)), product };
        static const char turned[] = ">g<l=!";
        math_id back = math_text_node(&t, M_REL, 0, (assay_str){ turned + op, 1 }, moved, 2);
        assert_int_equal(truth(&t, rel, back), SAME);
    }
    math_tree_fini(&t);
}

/* Irrational roots: x^2 < n against (-sqrt n, sqrt n), and cubics against their Cardano roots. */
static void roots(void **state)
{
    math_tree t = { 0 };
    (void)state;
    for (int n = 2; n < 60; n++) {
        char a[200], b[200];
        snprintf(a, sizeof a, "(rel < (^ x 2) %d)", n);
        snprintf(b, sizeof b, "(interval 0 (neg (sqrt %d)) (/ %d (sqrt %d)))", n, n, n);
        assert_int_equal(ask(math_set_equal, a, b).truth, SAME);
        snprintf(b, sizeof b, "(interval 0 (neg (sqrt %d)) (/ %d.000000001 (sqrt %d)))", n, n, n);
        assert_int_equal(ask(math_set_equal, a, b).truth, OTHER);
        snprintf(a, sizeof a, "(rel l (^ x 3) %d)", n);
        snprintf(b, sizeof b, "(interval 2 (neg inf) (root 3 %d))", n);
        assert_int_equal(ask(math_set_equal, a, b).truth, SAME);
        snprintf(a, sizeof a, "(rel > (+ (^ x 2) (neg x) (neg %d)) 0)", n);
        snprintf(b, sizeof b,
                 "(or (rel < x (/ (+ 1 (neg (sqrt %d))) 2)) (rel > x (/ (+ 1 (sqrt %d)) 2)))",
                 4 * n + 1, 4 * n + 1);
        assert_int_equal(ask(math_set_equal, a, b).truth, SAME);
    }
    math_tree_fini(&t);
}

/* ---- hostile ---- */

static math_id radicals(math_tree *t, int n, int stride)
{
    math_id *ids = calloc((size_t)n, sizeof *ids);
    assert_non_null(ids);
    for (int i = 0; i < n; i++)
        ids[i] = math_1(t, M_SQRT, 0, math_int(t, (int64_t)i * stride % n));
    math_id set = math_node_new(t, M_SET, 0, ids, (uint32_t)n);
    free(ids);
    return set;
}

static math_id intervals(math_tree *t, int n, int stride)
{
    math_id *ids = calloc((size_t)n, sizeof *ids);
    assert_non_null(ids);
    for (int i = 0; i < n; i++) {
        int64_t q = (int64_t)i * stride % n;
        ids[i] = math_2(t, M_TUPLE, 0, math_int(t, 2 * q), math_int(t, 2 * q + 1));
    }
    math_id set = math_node_new(t, M_UNION, 0, ids, (uint32_t)n);
    free(ids);
    return set;
}

/* Decided within the ordinary budget. */
static int bounded_truth(math_tree *ta, math_id a, math_tree *tb, math_id b)
{
    math_budget budget = { MATH_STEPS };
    assert_true(a && b);
    return (int)math_set_equal((math_side){ ta, a }, (math_side){ tb, b }, &budget).truth;
}

static void large(void **state)
{
    math_tree a = { 0 }, b = { 0 };
    (void)state;
    assert_int_equal(bounded_truth(&a, radicals(&a, 500, 1), &b, radicals(&b, 500, 7)), SAME);
    assert_int_equal(bounded_truth(&a, radicals(&a, 60, 1), &b, radicals(&b, 60, 7)), SAME);
    math_tree_clear(&a);
    math_tree_clear(&b);
    assert_int_equal(bounded_truth(&a, radicals(&a, 500, 1), &b, radicals(&b, 499, 7)), OTHER);
    math_tree_clear(&a);
    math_tree_clear(&b);
    assert_int_equal(bounded_truth(&a, intervals(&a, 1000, 1), &b, intervals(&b, 1000, 7)), SAME);
    math_tree_clear(&b);
    assert_int_equal(bounded_truth(&a, a.n - 1, &b, intervals(&b, 999, 7)), OTHER);
    math_tree_fini(&a);
    math_tree_fini(&b);
}

/* Each is stopped by the budget, before it is paid: undecided, never wrong. */
static void dear(void **state)
{
    static const char *const relations[] = {
        "(rel > (^ (+ x 1) 1000000000) 0)",
        "(rel > (^ (^ (^ (+ x 1) 30) 30) 30) 0)",
        ("(rel > (* (^ (+ x -1) 8) (^ (+ x 123456789012345678901234567890) 8)) (* "
         "98765432109876543210 (^ (+ x 1) 7)))"),
        "(rel > (+ (^ x 31) (* 3 x) 7) (/ (+ (^ x 30) 1) (+ (^ x 29) x 5)))",
        "(rel < (+ (abs (+ x 1)) (abs (+ x 2)) (abs (+ x 3)) (abs (+ x 4)) (abs (+ x 5))) 1)",
        "(rel > x (^ 9 (^ 9 (^ 9 9))))",
        "(rel < (^ (/ 1 x) -1000000) 3)",
    };
    (void)state;
    for (size_t k = 0; k < sizeof relations / sizeof *relations; k++) {
        math_finding f = ask(math_set_equal, relations[k], "(rel > x 2)");
        assert_int_not_equal(f.truth, MATH_EQUAL);
    }
    /* roots too close to tell apart cheaply: x^2 = 2 against the same, moved by 2^-200 */
    math_finding f = ask(math_set_equal, "(rel < (^ x 2) 2)",
                         "(rel < (* (^ x 2) (^ 2 200)) (+ 1 (* 2 (^ 2 200))))");
    assert_int_equal(f.truth, MATH_DIFFERENT);
}

/* A budget that runs out anywhere leaves it undecided. */
static void short_budgets(void **state)
{
    math_tree t = { 0 };
    (void)state;
    for (size_t k = 0; k < sizeof sets / sizeof *sets; k++) {
        math_tree_clear(&t);
        math_side a = { &t, sexpr(&t, sets[k].a) }, b = { &t, sexpr(&t, sets[k].b) };
        for (int64_t steps = 0; steps < 400; steps += 1 + steps / 8) {
            math_budget budget = { steps };
            int found = (int)math_set_equal(a, b, &budget).truth;
            assert_true(found == sets[k].truth || found == OPEN);
        }
    }
    for (size_t k = 0; k < sizeof families / sizeof *families; k++) {
        math_tree_clear(&t);
        math_side a = { &t, sexpr(&t, families[k].a) }, b = { &t, sexpr(&t, families[k].b) };
        for (int64_t steps = 0; steps < 400; steps += 1 + steps / 8) {
            math_budget budget = { steps };
            int found = (int)math_family_equal(a, b, &budget).truth;
            assert_true(found == families[k].truth || found == OPEN);
        }
    }
    math_tree_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(table),        cmocka_unit_test(family_table),  cmocka_unit_test(keys),
        cmocka_unit_test(notes),        cmocka_unit_test(brute_force),   cmocka_unit_test(laws),
        cmocka_unit_test(inequalities), cmocka_unit_test(roots),         cmocka_unit_test(large),
        cmocka_unit_test(dear),         cmocka_unit_test(short_budgets),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
