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

int main(void)
{
    const struct CMUnitTest tests[] = { cmocka_unit_test(table), cmocka_unit_test(family_table),
                                        cmocka_unit_test(keys), cmocka_unit_test(notes) };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
