/* test_math_judge_properties.c -- what must hold of any answers: equality is reflexive, symmetric
 * and, where an answer can mean only one thing, transitive; keys say the same as equality. Every
 * answer here meets every other. SPDX-License-Identifier: Apache-2.0 */
#include "math/judge.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include <cmocka.h>

/* One meaning each. Equal ones stand together, near misses beside them. */
static const char *const strict[] = {
    /* rationals */
    "0",
    "-0",
    "0.0",
    "\\frac{0}{7}",
    "1-1",
    "1",
    "1.0",
    "\\frac{3}{3}",
    "0.\\overline{9}",
    "2^0",
    "-1",
    "-\\frac{2}{2}",
    "i^2",
    "(-1)^{2027}",
    "\\frac12",
    "0.5",
    ".5",
    "\\frac{2}{4}",
    "2^{-1}",
    "\\frac{1}{\\frac{4}{2}}",
    "0.50",
    "\\frac{-1}{-2}",
    "-\\frac12",
    "-0.5",
    "\\frac{1}{-2}",
    "\\frac13",
    "0.\\overline{3}",
    "0.(3)",
    "0.333",
    "0.3333333333",
    "\\frac17",
    "0.\\overline{142857}",
    "0.142857",
    "\\frac52",
    "2\\frac12",
    "2.5",
    "2 1/2",
    "42",
    "42.0",
    "6\\cdot7",
    "6 \\times 7",
    "43",
    "41",
    "-42",
    "1000000",
    "10^6",
    "1,000,000",
    "1{,}000{,}000",
    "1\\times10^6",
    "1e6",
    "1000001",
    "2^{100}",
    "1267650600228229401496703205376",
    "1267650600228229401496703205377",
    "4^{50}",
    "2^{100}+1",
    "20!",
    "2432902008176640000",
    "20!+1",
    "\\binom{10}{3}",
    "120",
    "5!",
    "\\frac{10!}{3!7!}",
    "\\binom{10}{7}",
    "\\frac{1}{2004!}",
    "\\frac{1}{2006!}",
    "\\frac{1}{2^{99}}",
    "\\frac{1}{2^{98}}",
    "0.0000001",
    "10^{-7}",
    "0.0000002",
    "6.626\\times10^{-34}",
    "6.636\\times10^{-34}",
    "\\sum_{k=1}^{10}k",
    "55",
    "\\prod_{k=1}^{4}k",
    "24",
    "\\gcd(12,18)",
    "6",
    "\\lfloor6.9\\rfloor",
    "2^{10}\\bmod7",
    "2",
    "\\sqrt{4}",
    "\\sqrt[3]{8}",
    "|-2|",
    "\\log_2 4",
    "1+\\frac{1}{1+0}",
    /* algebraic numbers */
    "\\sqrt2",
    "\\sqrt{2}",
    "2^{1/2}",
    "\\frac{2}{\\sqrt2}",
    "2\\sin\\frac{\\pi}{4}",
    "\\sqrt[4]{4}",
    "\\frac{\\sqrt8}{2}",
    "1.41421356",
    "-\\sqrt2",
    "\\sqrt2+\\sqrt3",
    "\\sqrt{5+2\\sqrt6}",
    "\\sqrt3+\\sqrt2",
    "\\frac{1}{\\sqrt3-\\sqrt2}",
    "3.14626437",
    "\\sqrt5",
    "\\frac{1+\\sqrt5}{2}",
    "2\\cos\\frac{\\pi}{5}",
    "\\frac{\\sqrt5+1}{2}",
    "\\frac{2}{\\sqrt5-1}",
    "\\frac{1-\\sqrt5}{2}",
    "\\sqrt[3]{2+\\sqrt5}+\\sqrt[3]{2-\\sqrt5}",
    "\\cos\\frac{2\\pi}7+\\cos\\frac{4\\pi}7+\\cos\\frac{6\\pi}7",
    "\\sin 30^\\circ",
    "\\cos60^\\circ",
    "\\tan15^\\circ",
    "2-\\sqrt3",
    "\\frac{\\sqrt3-1}{\\sqrt3+1}",
    "\\sqrt{1000001}-1000",
    "0.0005",
    "\\sqrt[3]{2}",
    "2^{\\frac13}",
    "\\sqrt[6]{4}",
    "\\sqrt[3]{-8}",
    "-2",
    "(-8)^{1/3}",
    "\\sqrt{10}+\\sqrt{11}-\\sqrt{12}",
    "\\sqrt{10.0}+\\sqrt{11}-\\sqrt{12}",
    "4\\sqrt{3}",
    "\\sqrt{48}",
    "\\frac{12}{\\sqrt{3}}",
    "\\sqrt{49}",
    /* complex numbers */
    "i",
    "\\sqrt{-1}",
    "-i",
    "\\frac{1}{i}",
    "i^3",
    "2i",
    "(1+i)^2",
    "6-5i",
    "6 - 5 i",
    "-5i+6",
    "6+5i",
    "\\frac{1+i}{2}",
    "0.5+0.5i",
    "\\frac{1}{1-i}",
    "e^{i\\pi}",
    "e^{i\\pi/3}",
    "\\frac12+\\frac{\\sqrt3}2i",
    "\\frac{1+i\\sqrt{3}}{2}",
    "\\left|3-4i\\right|",
    "5",
    "3+4i",
    "\\overline{3-4i}",
    /* transcendental numbers */
    "\\pi",
    "\\frac{2\\pi}{2}",
    "3.14159265",
    "\\frac{22}{7}",
    "3.14",
    "4\\arctan 1",
    "\\frac\\pi4",
    "\\pi/4",
    "0.25\\pi",
    "\\arctan\\frac12+\\arctan\\frac13",
    "4\\arctan\\frac15-\\arctan\\frac1{239}",
    "e",
    "\\exp(1)",
    "2.718281828",
    "e^2",
    "e\\cdot e",
    "e\\pi",
    "\\pi e",
    "\\ln 8",
    "3\\ln2",
    "\\ln2+\\ln4",
    "\\ln 6",
    "\\ln2+\\ln3",
    "\\log_2 3",
    "\\log_4 9",
    "\\frac{\\ln3}{\\ln2}",
    "2^{\\sqrt2}",
    "e^{\\sqrt2\\ln2}",
    "e^{\\pi\\sqrt{163}}",
    "262537412640768744",
    "\\sin 1",
    "\\cos1",
    "\\sqrt{\\pi^2+2\\pi+1}",
    "\\pi+1",
    "1+\\pi",
    "e^{16}-1",
    "-1+e^{16}",
    "\\frac{\\pi^2}{6}",
    "\\sum_{n=1}^{\\infty}\\frac1{n^2}",
    "\\infty",
    "+\\infty",
    "-\\infty",
    /* expressions */
    "a+b",
    "b+a",
    "b-a",
    "a-b",
    "-(b-a)",
    "ab",
    "ba",
    "a\\cdot b",
    "2x+4",
    "2(x+2)",
    "4+2x",
    "2x+2",
    "x^2-1",
    "(x-1)(x+1)",
    "(x+1)^2",
    "x^2+2x+1",
    "x^2+1",
    "\\frac{x^3-1}{x-1}",
    "x^2+x+1",
    "\\frac{1}{x}+\\frac{1}{y}",
    "\\frac{x+y}{xy}",
    "\\frac{1}{x+y}",
    "x^{-1}",
    "\\frac1x",
    "(x+y)^3",
    "x^3+3x^2y+3xy^2+y^3",
    "x^3+y^3",
    "3x^2y-2xy+7",
    "7-2yx+3yx^2",
    "\\frac{x}{2}",
    "0.5x",
    "\\frac12x",
    "x/2",
    "\\sqrt{2}x",
    "x\\sqrt2",
    "\\sin^2x+\\cos^2x",
    "\\sin 2x",
    "2\\sin x\\cos x",
    "\\sin x",
    "\\cos x",
    "e^{x+y}",
    "e^xe^y",
    "e^{x}+e^{y}",
    "\\sqrt{x^2+1}",
    "\\sqrt{x^2+2}",
    "\\ln x",
    "x\\ln x",
    "\\ln(x^x)",
    "\\frac{a}{b}",
    "\\frac{b}{a}",
    "x_1+x_2",
    "x_2+x_1",
    "n^2+n",
    "n(n+1)",
    "\\alpha+\\beta",
    "\\beta+\\alpha",
    "\\pi r^2",
    "r^2\\pi",
    "2\\pi r",
    "2^n",
    "2^{n+1}",
    "2\\cdot2^n",
    "4^n",
    "n!",
    "(n+1)!",
    "\\binom{n}{2}",
    "\\frac{n(n-1)}{2}",
    "f(x)",
    "f(y)",
    "x!",
    "|x|",
    "|-x|",
    "\\lfloor x\\rfloor",
    /* sets of reals */
    "[0,1)",
    "[0, 1.0)",
    "(0,1]",
    "[0,\\frac22)",
    "(-\\infty,3]",
    "(-\\infty, 3.0]",
    "(-\\infty,3)",
    "(-\\infty,0)\\cup(0,\\infty)",
    "(0,\\infty)\\cup(-\\infty,0)",
    "\\mathbb{R}\\setminus\\{0\\}",
    "(-\\infty,\\infty)",
    "\\mathbb{R}",
    "(-\\infty,1)\\cup[2,\\infty)",
    "[2,\\infty)\\cup(-\\infty,1)",
    "[2,5)\\cup(-\\infty,1)\\cup[5,\\infty)",
    "(-\\infty,1]\\cup[2,\\infty)",
    "\\emptyset",
    "\\{\\}",
    "\\{x\\mid1<x\\le3\\}",
    "(1,3]",
    "\\{x: x^2-5x+6>0\\}",
    "(-\\infty,2)\\cup(3,\\infty)",
    "[\\sqrt2,\\infty)",
    "[\\frac{2}{\\sqrt2},\\infty)",
    "(0,1)\\cup(1,2)",
    "(0,2)\\setminus\\{1\\}",
    /* finite sets, matrices, tuples of three */
    "\\{1,2,3\\}",
    "\\{3,2,1\\}",
    "\\{1,2,2,3\\}",
    "\\{1,2\\}",
    "\\{1,2,4\\}",
    "\\{\\frac12,1\\}",
    "\\{1,0.5\\}",
    "\\{\\sqrt2,-\\sqrt2\\}",
    "\\{-\\sqrt2,\\sqrt2\\}",
    "\\{a,b\\}",
    "\\{b,a\\}",
    "(1,2,3)",
    "(1,2.0,3)",
    "(3,2,1)",
    "(1,2,\\frac{6}{2})",
    "(1,2,3,4)",
    "(x,y,z)",
    "(y,x,z)",
    "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
    "\\begin{bmatrix}1&2\\\\3&\\frac{8}{2}\\end{bmatrix}",
    "\\begin{pmatrix}1&3\\\\2&4\\end{pmatrix}",
    "\\begin{pmatrix}1\\\\2\\end{pmatrix}",
    "\\begin{pmatrix}1&2\\end{pmatrix}",
    "\\begin{vmatrix}1&2\\\\3&4\\end{vmatrix}",
    "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}\\begin{pmatrix}1&0\\\\0&1\\end{pmatrix}",
    /* families */
    "\\frac{\\pi}{2}+k\\pi, k\\in\\mathbb{Z}",
    "-\\frac\\pi2+n\\pi, n\\in\\mathbb{Z}",
    "\\frac{\\pi}{2}+2k\\pi, k\\in\\mathbb{Z}",
    "2k, k\\in\\mathbb{Z}",
    "2k+2, k\\in\\mathbb{Z}",
    "2k+1, k\\in\\mathbb{Z}",
    /* words */
    "\\text{odd}",
    "\\text{Odd}",
    "\\text{even}",
    "\\text{east}",
    "\\text{seat}",
    "\\text{yes}",
    "\\text{no}",
    "\\text{red and blue}",
    "\\text{blue}",
    "\\text{Monday}",
};

/* More than one meaning, or a notation that another answer may leave out: names of values, units,
 * bases, pairs, lists. 5 answers x = 5 and y = 5. */
static const char *const loose[] = {
    "x=5",
    "5=x",
    "y=5",
    "x=5.0",
    "x = 6",
    "x \\in \\{5\\}",
    "5\\text{ cm}",
    "0.05\\text{ m}",
    "50\\text{ mm}",
    "5\\text{ m}",
    "5\\text{ cm}^2",
    "5\\text{ apples}",
    "5\\text{ pears}",
    "\\$5",
    "5\\text{ dollars}",
    "500\\text{ cents}",
    "5\\%",
    "0.05",
    "50\\%",
    "50",
    "45^\\circ",
    "45",
    "60\\text{ km/h}",
    "\\frac{50}{3}\\text{ m/s}",
    "15\\text{ minutes}",
    "\\frac14\\text{ hour}",
    "101_2",
    "101",
    "5_{10}",
    "11_3",
    "11_2",
    "3",
    "(1,2)",
    "[1,2]",
    "(2,1)",
    "1,2",
    "2,1",
    "1\\text{ and }2",
    "1\\text{ or }2",
    "x=1\\text{ or }x=2",
    "x=1,y=2",
    "y=2,x=1",
    "(x,y)=(1,2)",
    "x^2-3x+2=0",
    "(x-1)(x-2)=0",
    "2x^2-6x+4=0",
    "x<3",
    "3>x",
    "2x<6",
    "x\\le3",
    "x>2",
    "2x>4",
    "1<x<3",
    "x>1\\text{ and }x<3",
    "(1,3)",
    "x<1\\text{ or }x>3",
    "x\\ne0",
    "x\\neq 0",
    "y=2x+1",
    "2x-y+1=0",
    "y-2x=1",
    "y=2x-1",
    "x^2+y^2=1",
    "1=y^2+x^2",
    "x^2+y^2=2",
    "x+y\\ge3",
    "y\\ge3-x",
    "f(x)=x^2+1",
    "g(x)=x^2+1",
    "f(x)=1+x^2",
    "\\frac{-1\\pm\\sqrt{13}}4",
    "\\frac{-1+\\sqrt{13}}4,\\frac{-1-\\sqrt{13}}4",
    "\\pm2",
    "2,-2",
    "x=\\pm2",
    "x^2=4",
    "|x|=2",
    "\\pm\\sqrt3\\pm\\sqrt2",
    "3:4",
    "6:8",
    "\\frac34",
    "4:3",
    "12:05",
    "2:30\\text{ p.m.}",
    "14:30",
    "A",
    "B",
    "a",
    "\\text{(A) }5",
    "\\text{(B) }5",
    "(C)",
    "C",
    "\\text{(C)}",
    "1,234",
    "1234",
    "(1,234)",
    "1,2,3,4",
    "12,34",
    "12.34",
    "1,22",
    "1.22",
    "\\log 100",
    "\\log x",
    "ABC",
    "BCA",
    "\\angle ABC",
    "\\triangle ABC",
    "x\\equiv3\\pmod7",
    "x\\equiv10\\pmod7",
    "x\\equiv3\\pmod8",
    "3+7k",
    "\\langle1,2\\rangle",
    "\\binom12",
    "[[1,2],[3,4]]",
    "\\begin{cases}x&x>0\\\\-x&\\text{otherwise}\\end{cases}",
    "\\text{no solution}",
    "\\text{none}",
    "\\text{all real numbers}",
    "x\\in\\mathbb{R}",
    "x\\in[0,1)",
    "0\\le x<1",
    "\\int x\\,dx",
    "\\frac{x^2}{2}+C",
    "\\frac{x^2}{2}",
    "\\lim_{x\\to0}\\frac{\\sin x}{x}",
    "1+2+\\cdots+n",
    "\\ldots",
    "n\\ge3",
    "\\{3,4,5,\\ldots\\}",
    "\\frac{dy}{dx}=2x",
    "y'=2x",
    "0^0",
    "\\frac10",
    "\\frac{0}{0}",
    "9^{9^{9^9}}",
    "9^{9^{9^9}}+1",
    "(10^{10})!",
    "\\text{the answer}",
    "41=42",
    "x=41=42",
    "1+1=2",
    "C(5,2)",
    "10",
    "x(x+1)",
    "P(A)",
    "P(B)",
    "y'=3",
    "x'=3",
    "\\bar{x}=3",
    "\\bar{y}=3",
    "\\alpha=3",
    "\\beta=3",
    "a_{12}=3",
    "a_{1}2=3",
    "x_1=5",
    "x_{2}=5",
    "|x|=5",
    "f(2)=3",
    "f(3)=3",
    "f^{-1}(x)=3",
    "P(A)=3",
    "x\\equiv3",
    "x\\approx3",
    "x\\in\\mathbb{Z}",
    "\\angle A=45^\\circ",
    "\\angle B=45^\\circ",
    "AB=3",
    "BA=3",
    "AC=3",
    "S_n=n^2",
    "S_m=m^2",
    "a_n=2n",
    "b_n=2n",
    "1,2,2",
    "E",
    "e",
    "i",
    "I",
    "\\text{(E)}",
    "k<3",
    "\\alpha<3",
    "3>\\alpha",
    "(-\\infty,3)",
    "k\\ne0",
    "2,1,2",
    "1,1,2",
    "x=-2,2",
    "a=1,b=2",
    "\\frac{d}{dx}x^2",
};

enum { N_STRICT = sizeof strict / sizeof *strict, N_LOOSE = sizeof loose / sizeof *loose };
enum { N = N_STRICT + N_LOOSE };

typedef struct world {
    judge judge;
    math_tree tree[N];
    pc_buf key[N];
    math_finding found[N][N];
} world;

static const char *text_of(int i)
{
    return i < N_STRICT ? strict[i] : loose[i - N_STRICT];
}

static math_side side_of(const world *w, int i)
{
    return (math_side){ &w->tree[i], w->tree[i].root };
}

static math_finding equal(const world *w, int i, int k)
{
    const math_policy exact = { .square_free = true };
    math_budget budget = { MATH_STEPS };
    return math_answer_equal(side_of(w, i), side_of(w, k), &exact, &budget);
}

static int read_all(void **state)
{
    world *w = calloc(1, sizeof *w);
    *state = w;
    if (!w)
        return -1;
    for (int i = 0; i < N; i++) {
        const char *text = text_of(i);
        if (!math_parse(&w->judge.parser, (assay_str){ text, strlen(text) }, false, &w->tree[i])) {
            print_error("not read: %s (%s)\n", text, w->judge.parser.why);
            return -1;
        }
        math_budget budget = { MATH_STEPS };
        math_answer_key(side_of(w, i), &budget, &w->key[i]);
    }
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            w->found[i][k] = equal(w, i, k);
    return 0;
}

static int free_all(void **state)
{
    world *w = *state;
    for (int i = 0; i < N; i++) {
        math_tree_fini(&w->tree[i]);
        pc_buf_fini(&w->key[i]);
    }
    judge_fini(&w->judge);
    free(w);
    return 0;
}

static bool is_equal(const world *w, int i, int k)
{
    return w->found[i][k].truth == MATH_EQUAL;
}

static bool same_key(const world *w, int i, int k)
{
    return pc_eq(pc_buf_str(&w->key[i]), pc_buf_str(&w->key[k]));
}

static void reflexive(void **state)
{
    const world *w = *state;
    unsigned wrong = 0;
    for (int i = 0; i < N; i++)
        if (!is_equal(w, i, i)) {
            print_error("not itself: %s\n", text_of(i));
            wrong++;
        }
    assert_int_equal(wrong, 0);
}

/* 12,34 of a prediction may be 12.34, of a reference it is a list. */
static bool may_be_decimal(const world *w, int i)
{
    return math_side_node(side_of(w, i))->flags & M_DECIMAL_COMMA;
}

static void symmetric(void **state)
{
    const world *w = *state;
    unsigned wrong = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < i; k++)
            if (is_equal(w, i, k) != is_equal(w, k, i) && !may_be_decimal(w, i) &&
                !may_be_decimal(w, k)) {
                print_error("%s | %s: %d by %s, %d by %s\n", text_of(i), text_of(k),
                            (int)w->found[i][k].truth, w->found[i][k].rule,
                            (int)w->found[k][i].truth, w->found[k][i].rule);
                wrong++;
            }
    assert_int_equal(wrong, 0);
}

/* "ab" is a word, and so is "ba", another one; either may have meant the product a*b (docs/MATH.md,
 * Words). */
static bool is_product_between_words(const world *w, int i, int k, int m)
{
    return strstr(text_of(k), "\\cdot") && strcmp(w->found[i][k].rule, "text") == 0 &&
           strcmp(w->found[k][m].rule, "text") == 0;
}

static unsigned broken_by(const world *w, int i, int k)
{
    unsigned wrong = 0;
    for (int m = 0; m < N_STRICT; m++)
        if (is_equal(w, k, m) && !is_equal(w, i, m) && !is_product_between_words(w, i, k, m)) {
            print_error("%s = %s = %s, but not the first and the last (%s)\n", text_of(i),
                        text_of(k), text_of(m), w->found[i][m].rule);
            wrong++;
        }
    return wrong;
}

static void transitive(void **state)
{
    const world *w = *state;
    unsigned wrong = 0, pairs = 0;
    for (int i = 0; i < N_STRICT; i++)
        for (int k = 0; k < N_STRICT; k++)
            if (i != k && is_equal(w, i, k)) {
                pairs++;
                wrong += broken_by(w, i, k);
            }
    assert_int_equal(wrong, 0);
    assert_true(pairs > 300); /* else nothing was tested */
}

static void equal_keys_are_equal(void **state)
{
    const world *w = *state;
    unsigned wrong = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            if (same_key(w, i, k) && !is_equal(w, i, k)) {
                print_error("%s | %s: both %s, but %s\n", text_of(i), text_of(k), w->key[i].data,
                            w->found[i][k].rule);
                wrong++;
            }
    assert_int_equal(wrong, 0);
}

static void equal_answers_have_one_class(void **state)
{
    world *w = *state;
    unsigned wrong = 0, one_key = 0;
    for (int i = 0; i < N_STRICT; i++)
        for (int k = 0; k < N_STRICT; k++) {
            if (i == k || !is_equal(w, i, k))
                continue;
            one_key += same_key(w, i, k);
            if (judge_same(&w->judge, pc_buf_str(&w->key[i]), pc_buf_str(&w->key[k])) != 1) {
                print_error("%s | %s: equal by %s, but %s | %s\n", text_of(i), text_of(k),
                            w->found[i][k].rule, w->key[i].data, w->key[k].data);
                wrong++;
            }
        }
    assert_int_equal(wrong, 0);
    assert_true(one_key > 300);
}

/* What two keys say is never more than what the answers say. */
static void keys_do_not_join_what_differs(void **state)
{
    world *w = *state;
    unsigned wrong = 0;
    for (int i = 0; i < N; i++)
        for (int k = 0; k < N; k++)
            if (w->found[i][k].truth == MATH_DIFFERENT &&
                judge_same(&w->judge, pc_buf_str(&w->key[i]), pc_buf_str(&w->key[k])) != 0) {
                print_error("%s | %s: different by %s, but %s is %s\n", text_of(i), text_of(k),
                            w->found[i][k].rule, w->key[i].data, w->key[k].data);
                wrong++;
            }
    assert_int_equal(wrong, 0);
}

static bool is_canonical(const pc_buf *key)
{
    return (key->data[0] == 'q' || key->data[0] == 'p') && key->data[1] == ':' &&
           memchr(key->data, '|', key->len) == NULL;
}

static void canonical_keys_tell_apart(void **state)
{
    const world *w = *state;
    unsigned wrong = 0, told = 0;
    for (int i = 0; i < N_STRICT; i++)
        for (int k = 0; k < N_STRICT; k++) {
            if (!is_canonical(&w->key[i]) || !is_canonical(&w->key[k]) || same_key(w, i, k))
                continue;
            told++;
            if (w->found[i][k].truth != MATH_DIFFERENT) {
                print_error("%s | %s: keys %s and %s, but %s\n", text_of(i), text_of(k),
                            w->key[i].data, w->key[k].data, w->found[i][k].rule);
                wrong++;
            }
        }
    assert_int_equal(wrong, 0);
    assert_true(told > 10000);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(reflexive),
        cmocka_unit_test(symmetric),
        cmocka_unit_test(transitive),
        cmocka_unit_test(equal_keys_are_equal),
        cmocka_unit_test(equal_answers_have_one_class),
        cmocka_unit_test(keys_do_not_join_what_differs),
        cmocka_unit_test(canonical_keys_tell_apart),
    };
    return cmocka_run_group_tests(tests, read_all, free_all);
}
