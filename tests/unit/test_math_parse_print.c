/* test_math_parse_print.c -- trees as LaTeX: the text itself, and that the parser reads the same
 * tree back. SPDX-License-Identifier: Apache-2.0 */
#include "math/parse.h"
#include "math_sexpr.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

static void prints(const char *tree, const char *expected)
{
    math_tree t = { 0 };
    pc_buf out = { 0 };
    math_print(&t, sexpr(&t, tree), &out);
    if (!pc_is(pc_buf_str(&out), expected))
        fail_msg("%s: expected %s, got %s", tree, expected, out.data ? out.data : "");
    pc_buf_fini(&out);
    math_tree_fini(&t);
}

static const char *const printed[][2] = {
    { "5", "5" },
    { "-5", "-5" },
    { "(/ 1 2)", "\\frac{1}{2}" },
    { "(neg (/ 1 2))", "-\\frac{1}{2}" },
    { "(+ x (neg y))", "x - y" },
    { "(+ (neg x) y -3)", "-x + y - 3" },
    { "(+ x (neg (+ y 1)))", "x - \\left(y + 1\\right)" },
    { "(+ x (neg (neg y)))", "x - \\left(-y\\right)" },
    { "(+ x (* -2 y))", "x + \\left(-2\\right) \\cdot y" },
    { "(* 2 x)", "2x" },
    { "(* 2 x y)", "2x \\cdot y" },
    { "(* 2 3)", "2 \\cdot 3" },
    { "(* 2 (/ 1 2))", "2 \\cdot \\frac{1}{2}" },
    { "(* 2 (+ x 1))", "2\\left(x + 1\\right)" },
    { "(* x -1)", "x \\cdot \\left(-1\\right)" },
    { "(* 2 e)", "2 \\cdot e" },
    { "(^ x 2)", "x^{2}" },
    { "(^ -2 2)", "\\left(-2\\right)^{2}" },
    { "(neg (^ 2 2))", "-2^{2}" },
    { "(^ (^ x 2) 3)", "\\left(x^{2}\\right)^{3}" },
    { "(^ x (^ y z))", "x^{y^{z}}" },
    { "(^ (/ 1 2) n)", "\\frac{1}{2}^{n}" },
    { "(sqrt (+ x 1))", "\\sqrt{x + 1}" },
    { "(root 3 x)", "\\sqrt[3]{x}" },
    { "(sin (* 2 x))", "\\sin\\left(2x\\right)" },
    { "(^ (sin x) 2)", "\\left(\\sin\\left(x\\right)\\right)^{2}" },
    { "(arsinh x)", "\\operatorname{arsinh}\\left(x\\right)" },
    { "(logb 2 x)", "\\log_{2}\\left(x\\right)" },
    { "(abs x)", "\\left|x\\right|" },
    { "(floor x)", "\\left\\lfloor x\\right\\rfloor " },
    { "(gcd a b)", "\\gcd\\left(a, b\\right)" },
    { "(! n)", "n!" },
    { "(! (! n))", "\\left(n!\\right)!" },
    { "(binom n k)", "\\binom{n}{k}" },
    { "(mod a 7)", "a \\bmod 7" },
    { "(pm 2)", "\\pm 2" },
    { "(pm 1 (sqrt 2))", "1 \\pm \\sqrt{2}" },
    { "(+ x (pm 1 2))", "x + \\left(1 \\pm 2\\right)" },
    { "(percent 50)", "50\\%" },
    { "(degree 45)", "45^{\\circ}" },
    { "(unit:cm^2 5)", "5\\text{ cm}^{2}" },
    { "(unit:km/h 5)", "5\\text{ km}/\\text{h}" },
    { "(unit:min 5)", "5\\text{ minute}" },
    { "(unit:$ 5)", "\\$5" },
    { "(unit:J/K/kg x)", "x\\text{ J}/\\text{K}/\\text{kg}" },
    { "(unit:N*m (+ a b))", "\\left(a + b\\right)\\text{ N} \\cdot \\text{m}" },
    { "(+ (unit:m 5) 1)", "\\left(5\\text{ m}\\right) + 1" },
    { "(base:16 ff)", "0FF_{16}" },
    { "(f:f x)", "f\\left(x\\right)" },
    { "(sum (^ k 2) k 1 n)", "\\sum_{k = 1}^{n} k^{2}" },
    { "(+ (sum k k 1 n) 1)", "\\left(\\sum_{k = 1}^{n} k\\right) + 1" },
    { "(int (* x 1) x 0 1)", "\\int_{0}^{1} x \\, dx" },
    { "(lim x x 0)", "\\lim_{x \\to 0} x" },
    { "(deriv (^ x 2) x)", "\\frac{d}{dx} \\left(x^{2}\\right)" },
    { "x_1", "x_{1}" },
    { "x_ij'", "x_{ij}'" },
    { "alpha_1", "\\alpha_{1}" },
    { "ABC", "\\angle ABC" },
    { "(tuple 1 2)", "\\left(1, 2\\right)" },
    { "(square 1 2)", "\\left[1, 2\\right]" },
    { "(square)", "\\left[\\right]" },
    { "(interval 0 0 1)", "\\left]0, 1\\right[" },
    { "(interval 1 0 inf)", "\\left[0, \\infty\\right)" },
    { "(interval 2 (neg inf) 1)", "\\left(-\\infty, 1\\right]" },
    { "(braces a b)", "{a, b}" },
    { "(set 1 2)", "\\left\\{1, 2\\right\\}" },
    { "(set)", "\\left\\{\\right\\}" },
    { "(list 1 2 3)", "1, 2, 3" },
    { "(and 1 2 3)", "1, 2 \\text{ and } 3" },
    { "(or (rel = x 1) (rel = x 2))", "x = 1 \\text{ or } x = 2" },
    { "(builder x (rel > x 1) (rel e x Z))",
      "\\left\\{x \\mid x > 1, x \\in \\mathbb{Z}\\right\\}" },
    { "(union (tuple 0 1) (set 2))", "\\left(0, 1\\right) \\cup \\left\\{2\\right\\}" },
    { "(union (intersect A B) D)", "\\left(A \\cap B\\right) \\cup D" },
    { "(setminus R (set 0))", "\\mathbb{R} \\setminus \\left\\{0\\right\\}" },
    { "emptyset", "\\emptyset" },
    { "(matrix 2 1 2 3 4)", "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}" },
    { "(rel <l 1 x 2)", "1 < x \\le 2" },
    { "(family (* k pi) k)", "k \\cdot \\pi, k \\in \\mathbb{Z}" },
    { "(ratio 1 2 3)", "1:2:3" },
    { "\"does not exist\"", "\\text{does not exist}" },
    { "(* pi x)", "\\pi \\cdot x" },
    { "(tuple alpha beta)", "\\left(\\alpha, \\beta\\right)" },
};

static void texts(void **state)
{
    (void)state;
    for (size_t k = 0; k < sizeof printed / sizeof *printed; k++)
        prints(printed[k][0], printed[k][1]);
}

/* Answers as people write them: what is read, is printed and read again as the same tree. */
static const char *const corpus[] = {
    "42",
    "-3",
    "0.5",
    "1{,}234{,}567",
    "0.\\overline{3}",
    "1.5e-3",
    "1.5\\times 10^{3}",
    "\\frac12",
    "-\\frac{3}{4}",
    "2\\frac{1}{2}",
    "3/4",
    "\\sqrt2",
    "\\sqrt[3]{2}",
    "2\\sqrt{3}+\\pi",
    "\\frac{-1+\\sqrt{13}}{4}",
    "\\frac{-1\\pm\\sqrt{13}}{4}",
    "3 \\pm 2\\sqrt{2}",
    "\\pm 5",
    "6-5i",
    "e^{i\\pi}+1",
    "2^{10}",
    "2^{3^2}",
    "(-2)^2",
    "-2^2",
    "20!",
    "5!!",
    "\\binom{5}{2}",
    "\\log_2 8",
    "\\ln(x+1)",
    "\\sin^2 x + \\cos^2 x",
    "\\sin^{-1}(1/2)",
    "\\tan 15^\\circ",
    "|x-1|",
    "\\lfloor 2.5 \\rfloor",
    "\\lceil x \\rceil",
    "\\gcd(12, 18)",
    "2^{10} \\bmod 7",
    "50\\%",
    "45^\\circ",
    "5\\text{ cm}",
    "10\\text{ square units}",
    "12 \\mathrm{~cm}^{3}",
    "60\\text{ km/h}",
    "9.8\\,\\mathrm{m/s^2}",
    "\\$18.50",
    "18 dollars",
    "5 apples",
    "15\\text{ minutes}",
    "101_2",
    "2A3_{16}",
    "x",
    "3x^2y - 2xy + 7",
    "x(x-1)(x+2)",
    "\\frac{x+1}{x-1}",
    "x_1 + x_2",
    "\\alpha + \\beta_1",
    "\\overline{z}",
    "f(x) = x^2 + 1",
    "P(A \\cap B)",
    "y = 2x + 1",
    "x^2 + y^2 = 1",
    "x = 1, y = 2",
    "x = 1 \\text{ or } x = 2",
    "x \\ne 0",
    "1 < x \\le 2",
    "x > 3",
    "x \\in (0, 1)",
    "(1, 2)",
    "(1, 2, 3)",
    "\\langle 1, 2 \\rangle",
    "[0, 1)",
    "(-\\infty, 3]",
    "]0, 1[",
    "(-\\infty,0)\\cup(0,\\infty)",
    "\\{1, 2, 3\\}",
    "\\{x \\mid x > 1\\}",
    "\\mathbb{R} \\setminus \\{0\\}",
    "\\mathbb{R}^+",
    "\\emptyset",
    "\\infty",
    "1, 2, 3",
    "1, 2 \\text{ and } 3",
    "1,2;3,4",
    "1, 2, 3, \\ldots",
    "\\frac{\\pi}{2} + k\\pi, k \\in \\mathbb{Z}",
    "x = \\frac{\\pi}{4} + 2k\\pi \\text{ or } x = k\\pi, k \\in \\mathbb{Z}",
    "\\begin{pmatrix} 1 & 2 \\\\ 3 & 4 \\end{pmatrix}",
    "\\begin{vmatrix} a & b \\\\ c & d \\end{vmatrix}",
    "\\begin{cases} x & x > 0 \\\\ -x & \\text{otherwise} \\end{cases}",
    "\\sum_{k=1}^{n} k^2",
    "\\prod_{i=1}^{5} i",
    "\\lim_{x \\to 0^+} \\frac{1}{x}",
    "\\int_0^1 x^2 dx",
    "3:4",
    "2:30\\text{ p.m.}",
    "\\text{yes}",
    "\\text{does not exist}",
    "red",
    "C",
    "\\text{(D)}\\ 1008",
    "x \\equiv 3 \\pmod{7}",
    "\\angle ABC",
    "\\frac{d}{dx}(x^2)",
    "(x^2 + 1)^{-1/2}",
    "\\left(\\frac{1}{2}\\right)^{n-1}",
    "a - (b - (c - d))",
    "a / (b / c)",
    "2(-3)",
    "--5",
};

static void round_trips(void **state)
{
    (void)state;
    math_parser p = { 0 };
    math_tree a = { 0 }, b = { 0 };
    pc_buf out = { 0 };
    for (size_t k = 0; k < sizeof corpus / sizeof *corpus; k++) {
        math_tree_clear(&a);
        math_tree_clear(&b);
        pc_buf_clear(&out);
        if (!math_parse(&p, (assay_str){ corpus[k], strlen(corpus[k]) }, true, &a))
            fail_msg("%s: %s", corpus[k], p.why);
        math_print(&a, a.root, &out);
        if (!math_parse(&p, pc_buf_str(&out), true, &b))
            fail_msg("%s, printed as %s: %s", corpus[k], out.data, p.why);
        if (!math_same_tree(&a, a.root, &b, b.root))
            fail_msg("%s, printed as %s, is read as another tree", corpus[k], out.data);
    }
    pc_buf_fini(&out);
    math_tree_fini(&a);
    math_tree_fini(&b);
    math_parser_fini(&p);
}

/* A random tree of kinds that the parser can build. NOLINTNEXTLINE(misc-no-recursion): by depth */
static math_id grow(math_tree *t, uint32_t *seed, unsigned depth)
{
    *seed = *seed * 1664525 + 1013904223;
    uint32_t pick = *seed >> 16;
    static const char *const names[] = { "x", "y", "n", "a", "alpha", "x_1", "t", "f", "U", "d" };
    const char *name = names[pick / 16 % 10];
    if (depth == 0 || pick % 16 < 3)
        return pick % 3 == 0   ? math_int(t, (int64_t)(pick / 16 % 2000))
               : pick % 3 == 1 ? math_leaf(t, M_SYM, (assay_str){ name, strlen(name) })
                               : math_node_new(t, pick / 64 % 2 ? M_PI : M_E, 0, NULL, 0);
    math_id a = grow(t, seed, depth - 1), b = grow(t, seed, depth - 1),
            c = grow(t, seed, depth - 1);
    const math_id kids[] = { a, b, c };
    switch (pick % 16) {
    case 3:
    case 4:
        return math_node_new(t, M_ADD, 0, kids, 2 + pick / 16 % 2);
    case 5:
    case 6:
        return math_node_new(t, M_MUL, 0, kids, 2 + pick / 16 % 2);
    case 7:
        return math_1(t, M_NEG, 0, a);
    case 8:
        return math_2(t, M_DIV, 0, a, b);
    case 9:
        return math_2(t, M_POW, 0, a, b);
    case 10:
        return math_1(t, M_SQRT, 0, a);
    case 11:
        return math_2(t, M_ROOT, 0, a, b);
    case 12:
        return math_1(t, M_FUNC, FN_SIN + pick / 16 % (FN_CEIL - FN_SIN + 1), a);
    case 13:
        return math_1(t, M_FACT, pick / 16 % 2 ? 2 : 0, a);
    case 14:
        return pick / 16 % 2 ? math_2(t, M_PM, pick / 32 % 2, a, b) : math_2(t, M_BINOM, 0, a, b);
    default:
        return pick / 16 % 2 ? math_2(t, M_LOG, 0, a, b) : math_2(t, M_MOD, 0, a, b);
    }
}

/* Whatever its shape: -(2x) and (-2)x, (a + b) + c and a + (b + c), (x^2)^3 and x^(2^3). */
static void random_trees(void **state)
{
    (void)state;
    math_parser p = { 0 };
    math_tree a = { 0 }, b = { 0 };
    pc_buf out = { 0 };
    uint32_t seed = 7;
    for (unsigned k = 0; k < 20000; k++) {
        math_tree_clear(&a);
        math_tree_clear(&b);
        pc_buf_clear(&out);
        math_id id = grow(&a, &seed, 1 + k % 4);
        math_print(&a, id, &out);
        if (!math_parse(&p, pc_buf_str(&out), false, &b))
            fail_msg("%s: %s", out.data, p.why);
        if (!math_same_tree(&a, id, &b, b.root)) {
            pc_buf again = { 0 };
            math_print(&b, b.root, &again);
            fail_msg("%s is read as %s", out.data, again.data);
        }
    }
    pc_buf_fini(&out);
    math_tree_fini(&a);
    math_tree_fini(&b);
    math_parser_fini(&p);
}

/* Deep chains and wide sums, shared nodes that unfold without end: bounded depth, bounded text. */
static void bounded(void **state)
{
    (void)state;
    math_tree t = { 0 };
    pc_buf out = { 0 };
    math_id id = math_int(&t, 1);
    for (unsigned k = 0; k < 1000; k++)
        id = math_1(&t, M_SQRT, 0, id);
    math_print(&t, id, &out);
    assert_true(out.len > 0 && out.len < 4096);
    math_tree_clear(&t);
    pc_buf_clear(&out);
    id = math_int(&t, 1);
    for (unsigned k = 0; k < 100; k++)
        id = math_2(&t, M_ADD, 0, id, id);
    math_print(&t, id, &out);
    assert_true(out.len > 200000 && out.len < 300000);
    pc_buf_clear(&out);
    math_print_rewritten(&t, id, 1, &out);
    assert_true(out.len > 200000 && out.len < 300000);
    pc_buf_fini(&out);
    math_tree_fini(&t);
}

static void same_seed_same_text(void **state)
{
    (void)state;
    math_tree t = { 0 };
    pc_buf a = { 0 }, b = { 0 };
    unsigned different = 0;
    math_id id = sexpr(&t, "(rel = (+ x (* 2 y) (/ 1 2)) (sqrt 12345))");
    for (uint64_t seed = 1; seed <= 100; seed++) {
        pc_buf_clear(&a);
        pc_buf_clear(&b);
        math_print_rewritten(&t, id, seed, &a);
        math_print_rewritten(&t, id, seed, &b);
        assert_true(pc_eq(pc_buf_str(&a), pc_buf_str(&b)));
        pc_buf_clear(&b);
        math_print_rewritten(&t, id, seed + 1, &b);
        different += !pc_eq(pc_buf_str(&a), pc_buf_str(&b));
    }
    assert_true(different > 90);
    pc_buf_fini(&a);
    pc_buf_fini(&b);
    math_tree_fini(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(texts),
        cmocka_unit_test(round_trips),
        cmocka_unit_test(random_trees),
        cmocka_unit_test(bounded),
        cmocka_unit_test(same_seed_same_text),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
