/* test_math_lex.c -- the lexer of answers: numbers, bare arguments, wrappers, dollars, Unicode,
 * limits, and the normal form. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "math/lex_known.h"

#include <stdlib.h>

typedef struct row {
    const char *text, *tokens;
} row;

/* How a token is shown: its kind where its text does not say it. */
static const char *const shown[T_OTHER + 1] = {
    [T_NUM] = "N:",       [T_WORD] = "",     [T_CMD] = "",         [T_FRAC] = "",
    [T_SQRT] = "",        [T_SUP] = "",      [T_SUB] = "",         [T_OPEN] = "",
    [T_CLOSE] = "",       [T_SET_OPEN] = "", [T_SET_CLOSE] = "",   [T_LPAREN] = "",
    [T_RPAREN] = "",      [T_LSQUARE] = "",  [T_RSQUARE] = "",     [T_LANGLE] = "ang:",
    [T_RANGLE] = "ang:",  [T_LFLOOR] = "",   [T_RFLOOR] = "",      [T_LCEIL] = "",
    [T_RCEIL] = "",       [T_BAR] = "bar:",  [T_DBAR] = "norm:",   [T_COMMA] = "",
    [T_SEMI] = "",        [T_COLON] = "",    [T_PLUS] = "",        [T_MINUS] = "",
    [T_PM] = "pm:",       [T_TIMES] = "*:",  [T_SLASH] = "",       [T_FACT] = "fact:",
    [T_PRIME] = "prime:", [T_REL] = "rel:",  [T_PERCENT] = "",     [T_MONEY] = "money:",
    [T_DEGREE] = "",      [T_AMP] = "amp:",  [T_ROW] = "row:",     [T_BEGIN] = "begin:",
    [T_ENDENV] = "end:",  [T_DOTS] = "",     [T_OTHER] = "other:",
};

static lexer lx;

static assay_str of(const char *text)
{
    return (assay_str){ text, strlen(text) };
}

static void show(pc_buf *out)
{
    pc_buf_clear(out);
    for (uint32_t i = 0; i < lx.n; i++) {
        assay_str t = math_tok_text(&lx, i);
        pc_buf_text(out, i ? " " : "");
        pc_buf_text(out, shown[lx.tokens[i].kind]);
        pc_buf_add(out, t.data, t.len);
        pc_buf_text(out, lx.tokens[i].roman ? "~" : "");
    }
    assert_int_equal(lx.tokens[lx.n].kind, T_END);
}

static void check_rows(const row *rows, size_t n)
{
    pc_buf got = { 0 };
    int wrong = 0;
    for (size_t i = 0; i < n; i++) {
        bool ok = math_lex(&lx, of(rows[i].text));
        if (ok)
            show(&got);
        const char *text = ok ? (got.len ? got.data : "") : lx.why;
        if (strcmp(text, rows[i].tokens) != 0) {
            print_error("%s\n  is   %s\n  not  %s\n", rows[i].text, text, rows[i].tokens);
            wrong++;
        }
    }
    pc_buf_fini(&got);
    assert_int_equal(wrong, 0);
}
#define CHECK(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

static void test_thousands(void **unused)
{
    (void)unused;
    static const row rows[] = {
        { "1,234", "N:1234" },
        { "12,345,678", "N:12345678" },
        { "1{,}234", "N:1234" },
        { "14{, }916", "N:14916" },
        { "14 {, }916", "N:14916" },
        { "1\\,234\\,567", "N:1234567" },
        { "1{\\,}234", "N:1234" },
        { "1\\!,234", "N:1234" },
        { "1,\\!234", "N:1234" },
        { "32,\\! 349", "N:32349" },
        { "111, \\! 111, \\! 111", "N:111111111" },
        { "1\\!234", "N:1234" },
        { "1 234 567", "N:1234567" },
        { "1~234", "N:1234" },
        { "1\\ 234", "N:1234" },
        { "1'234'567", "N:1234567" },
        { "1_000", "N:1000" },
        { "1,234.50", "N:1234.50" },
        { "-1,234", "- N:1234" },
        { "x=10,000", "x rel:= N:10000" },
        { "\\$16,\\!386.16", "money:$ N:16386.16" },
        /* no thousands */
        { "27,54,108,135", "N:27 , N:54 , N:108 , N:135" },
        { "1,2,3,4", "N:1 , N:2 , N:3 , N:4" },
        { "1,234,56", "N:1 , N:234 , N:56" },
        { "12,34", "N:12 , N:34" },
        { "1234,567", "N:1234 , N:567" },
        { "0,111", "N:0 , N:111" },
        { "1,22", "N:1 , N:22" },
        { "3{,}5", "N:3 , N:5" },
        { "1 22 333", "N:1 N:22 N:333" },
        { "4 2", "N:4 N:2" },
        { "2 1/2", "N:2 N:1 / N:2" },
        { "5 100/200", "N:5 N:100 / N:200" },
        { "5 100 / 200", "N:5 N:100 / N:200" },
        { "1,234, 5,678", "N:1234 , N:5678" },
        { "1, 234", "N:1 , N:234" },
        { "352146,362145", "N:352146 , N:362145" },
        { "1\\,234,567", "N:1234 , N:567" },
        { "1010_101", "N:1010 _ { N:101 }" },
        /* brackets */
        { "(1,234)", "( N:1 , N:234 )" },
        { "[1,234]", "[ N:1 , N:234 ]" },
        { "\\{1,234\\}", "\\{ N:1 , N:234 \\}" },
        { "\\left[1,234\\right]", "[ N:1 , N:234 ]" },
        { "]0,100[", "] N:0 , N:100 [" },
        { "]1,100[", "] N:1 , N:100 [" },
        { "\\langle 1,234\\rangle", "ang:< N:1 , N:234 ang:>" },
        { "\\gcd(1,234)", "\\gcd ( N:1 , N:234 )" },
        { "(1,000)", "( N:1000 )" },
        { "\\left(12,005\\right)", "( N:12005 )" },
        { "(1,000.50)", "( N:1000.50 )" },
        { "(1,000,2)", "( N:1 , N:000 , N:2 )" },
        { "[1,000]", "[ N:1 , N:000 ]" },
        { "(1{,}234, 5)", "( N:1234 , N:5 )" },
        { "(1 234)", "( N:1 N:234 )" },
        { "(\\frac{1,234}{5}, 6)", "( \\frac { N:1234 } { N:5 } , N:6 )" },
        { "x_{1,234}", "x _ { N:1 , N:234 }" },
        { "(1,2) 3,456", "( N:1 , N:2 ) N:3456" },
    };
    CHECK(rows);
}

static void test_decimals(void **unused)
{
    (void)unused;
    static const row rows[] = {
        { ".5", "N:0.5" },
        { "5.", "N:5" },
        { "-3./2", "- N:3 / N:2" },
        { "5.0", "N:5.0" },
        { "3.141\\,592\\,653", "N:3.141592653" },
        { "2. Then 3", "N:2 other:. Then N:3" },
        { "1.2.3", "N:1.2 N:0.3" },
        { "1.5e3", "N:1.5e3" },
        { "1.5E-3", "N:1.5e-3" },
        { "1500E+01", "N:1500e1" },
        { "1e007", "N:1e7" },
        { "2e", "N:2 e" },
        { "2e3x", "N:2 e N:3 x" },
        { "2ex", "N:2 ex" },
        { "2e1.5", "N:2 e N:1.5" },
        { "8e-x", "N:8 e - x" },
        /* repeating */
        { "0.\\overline{3}", "N:0.(3)" },
        { "0.\\overline{142857}", "N:0.(142857)" },
        { "0.1\\overline{6}", "N:0.1(6)" },
        { "0.\\overline3", "N:0.(3)" },
        { "0.1\\bar6", "N:0.1(6)" },
        { "0.\\dot{3}", "N:0.(3)" },
        { "0.\\dot{1}4285\\dot{7}", "N:0.(142857)" },
        { "0.\\dot1\\dot2", "N:0.(12)" },
        { "0.\\overline{ 3 }", "N:0.(3)" },
        { "12.3\\overline{45}e2", "N:12.3(45)e2" },
        { "0.(3)", "N:0.(3)" },
        { "0.1(6)", "N:0.1(6)" },
        { "x = 0.1(6)", "x rel:= N:0.1(6)" },
        { "3+2.5(4)", "N:3 + N:2.5 ( N:4 )" },
        { "2.5(4+1)", "N:2.5 ( N:4 + N:1 )" },
        { "2.5(4)x", "N:2.5 ( N:4 ) x" },
        { "0.333...", "N:0.(3)" },
        { "0.333\\ldots", "N:0.(3)" },
        { "0.333 \\dots", "N:0.(3)" },
        { "0.1666...", "N:0.1(6)" },
        { "0.142857142857...", "N:0.(142857)" },
        { "0.353535\\ldots", "N:0.(35)" },
        { "0.35353...", "N:0.3(53)" },
        { "3.14159...", "N:3.14159 \\ldots" },
        { "1.618033...", "N:1.618033 \\ldots" },
        { "2.718281828...", "N:2.718281828 \\ldots" },
        { "0.3...", "N:0.3 \\ldots" },
        { "0.\\overline{x}", "N:0 \\overline { x }" },
        { "0.\\overline{12", "N:0 \\overline { N:12" },
        { "0.\\barx", "N:0 \\barx" },
        { "\\overline{AB}", "\\overline { AB }" },
    };
    CHECK(rows);
}

static const row arguments[] = {
    { "\\frac12", "\\frac { N:1 } { N:2 }" },
    { "\\frac1{10}", "\\frac { N:1 } { N:10 }" },
    { "\\dfrac{1}2", "\\frac { N:1 } { N:2 }" },
    { "\\frac 3 8", "\\frac { N:3 } { N:8 }" },
    { "\\frac123", "\\frac { N:1 } { N:2 } N:3" },
    { "\\frac\\pi2", "\\frac { \\pi } { N:2 }" },
    { "\\frac ab", "\\frac { a } { b }" },
    { "\\frac\\sqrt{3}3", "\\frac { \\sqrt { N:3 } } { N:3 }" },
    { "\\frac1\\frac23", "\\frac { N:1 } { \\frac { N:2 } { N:3 } }" },
    { "\\binom52", "\\binom { N:5 } { N:2 }" },
    { "\\dbinom 5 2", "\\binom { N:5 } { N:2 }" },
    { "\\sqrt2", "\\sqrt { N:2 }" },
    { "\\sqrt2x", "\\sqrt { N:2 } x" },
    { "\\sqrt23", "\\sqrt { N:2 } N:3" },
    { "\\sqrt(2)x", "\\sqrt { N:2 } x" },
    { "\\sqrt((1+2)3)", "\\sqrt { ( N:1 + N:2 ) N:3 }" },
    { "\\sqrt[3]{x}", "\\sqrt [ N:3 ] { x }" },
    { "\\sqrt[3]2", "\\sqrt [ N:3 ] { N:2 }" },
    { "\\sqrt [n] x", "\\sqrt [ n ] { x }" },
    { "\\sqrt\\frac12", "\\sqrt { \\frac { N:1 } { N:2 } }" },
    { "x^2", "x ^ { N:2 }" },
    { "x^23", "x ^ { N:23 }" },
    { "x^{2}3", "x ^ { N:2 } N:3" },
    { "x^ab", "x ^ { a } b" },
    { "x^2.5", "x ^ { N:2.5 }" },
    { "x**23", "x ^ { N:23 }" },
    { "x**ab", "x ^ { ab }" },
    { "2**-3*x", "N:2 ^ { - N:3 } *:* x" },
    { "10^-8", "N:10 ^ { - N:8 }" },
    { "e^-x", "e ^ { - x }" },
    { "e^-\\frac12", "e ^ { - \\frac { N:1 } { N:2 } }" },
    { "e^-(x+1)y", "e ^ { - ( x + N:1 ) } y" },
    { "e^(x+1)y", "e ^ { x + N:1 } y" },
    { "e^((x+1)/2)", "e ^ { ( x + N:1 ) / N:2 }" },
    { "e^\\left(x\\right)", "e ^ { x }" },
    { "e^sin(x)y", "e ^ { sin ( x ) } y" },
    { "2**sqrt(3)+1", "N:2 ^ { sqrt ( N:3 ) } + N:1" },
    { "x^\\frac12", "x ^ { \\frac { N:1 } { N:2 } }" },
    { "2^\\sqrt2x", "N:2 ^ { \\sqrt { N:2 } } x" },
    { "x^\\pi y", "x ^ { \\pi } y" },
    { "x^\\bar y z", "x ^ { \\bar { y } } z" },
    { "x^\\text{max}y", "x ^ { max~ } y" },
    { "\\mathbb{R}^+", "\\mathbb { R } ^ { + }" },
    { "\\mathbb Z^-\\cup A", "\\mathbb { Z } ^ { - } \\cup A" },
    { "z^*", "z ^ { *:* }" },
    { "x_1", "x _ { N:1 }" },
    { "x_12y", "x _ { N:12 } y" },
    { "x_a^2", "x _ { a } ^ { N:2 }" },
    { "h_\\theta(x)", "h _ { \\theta } ( x )" },
    { "1010_2", "N:1010 _ { N:2 }" },
    { "\\log_28", "\\log _ { N:2 } N:8" },
    { "\\log_10 5", "\\log _ { N:10 } N:5" },
    { "2^pi(3)", "N:2 ^ { pi } ( N:3 )" },
    { "cos^2(x)", "cos ^ { N:2 } ( x )" },
    { "sin^-1(x)", "sin ^ { - N:1 } ( x )" },
    { "2**x(3)", "N:2 ^ { x } ( N:3 )" },
    { "a_-1", "a _ { - N:1 }" },
    { "x_+y", "x _ { + } y" },
    { "lim_(x->0)x", "lim _ { x \\to N:0 } x" },
    { "\\pmod 17", "\\pmod { N:17 }" },
    { "{a+1 \\over b}", "{ \\frac { a + N:1 } { b } }" },
    { "{16 \\choose 2}", "{ \\binom { N:16 } { N:2 } }" },
    { "1\\over2", "\\frac { N:1 } { N:2 }" },
    { "x^{1\\over2}", "x ^ { \\frac { N:1 } { N:2 } }" },
    { "(1+2\\over3)", "( N:1 + N:2 \\over N:3 )" },
    { "{a\\over b\\over c}", "{ \\frac { a } { b \\over c } }" },
    /* what is missing stays missing */
    { "\\frac{1}", "\\frac { N:1 }" },
    { "\\frac1", "\\frac { N:1 }" },
    { "\\frac1,2", "\\frac { N:1 } , N:2" },
    { "x^)", "x ^ )" },
    { "x^", "x ^" },
    { "x^-", "x ^ { - }" },
    { "e^(x", "e ^ { x" },
    { "{e^(x}", "{ e ^ { x }" },
    { "{x", "{ x" },
    { "x}", "x }" },
    { "\\sqrt[3}x", "\\sqrt [ N:3 } x" },
};

static void test_arguments(void **unused)
{
    (void)unused;
    CHECK(arguments);
}

static const row commands[] = {
    { "\\left(1\\right)", "( N:1 )" },
    { "\\bigl( 1 \\bigr]", "( N:1 ]" },
    { "\\left\\{x\\right.", "\\{ x" },
    { "\\left|x\\right|", "bar:( x bar:)" },
    { "\\left\\vertx\\right\\vert", "bar:( x bar:)" },
    { "\\lvertx\\rvert", "bar:( x bar:)" },
    { "\\mleft|1.1\\mright|", "bar:( N:1.1 bar:)" },
    { "|x|", "bar:| x bar:|" },
    { "\\{x\\mid x>0\\}", "\\{ x bar:m x rel:> N:0 \\}" },
    { "\\left\\{x\\middle|y\\right\\}", "\\{ x bar:m y \\}" },
    { "\\|v\\|", "norm:|| v norm:||" },
    { "||v||", "norm:|| v norm:||" },
    { "||x|-1|", "bar:| bar:| x bar:| - N:1 bar:|" },
    { "\\left<1,2\\right>", "ang:< N:1 , N:2 ang:>" },
    { "v=<1,2>", "v rel:= ang:< N:1 , N:2 ang:>" },
    { "1<2>1", "N:1 rel:< N:2 rel:> N:1" },
    { "\\lfloor x\\rfloor", "\\lfloor x \\rfloor" },
    { "\\ulcorner x\\urcorner", "\\lceil x \\rceil" },
    { "\\quadx_{2}", "x _ { N:2 }" },
    { "3\\cdotx", "N:3 *:* x" },
    { "2\\timesx", "N:2 *:x x" },
    { "x\\leqy", "x rel:l y" },
    { "\\leftarrow\\cdots\\int\\infty", "\\leftarrow \\ldots \\int \\infty" },
    { "-2 \\\\le x \\\\le 7", "- N:2 rel:l x rel:l N:7" },
    { "x=1\\\\y=2", "x rel:= N:1 row:\\\\ y rel:= N:2" },
    { "\\\\{1\\\\}", "\\{ N:1 \\}" },
    { "\\\\frac{1}{2}", "\\frac { N:1 } { N:2 }" },
    { "\\begin{pmatrix}1&2\\\\3&4\\end{pmatrix}",
      "begin:pmatrix N:1 amp:& N:2 row:\\\\ N:3 amp:& N:4 end:pmatrix" },
    { "\\begin{array}{c|c}1\\\\[2pt] \\frac12\\end{array}",
      "begin:array N:1 row:\\\\ \\frac { N:1 } { N:2 } end:array" },
    { "\\\\begin{pmatrix}1\\\\\\\\2\\\\end{pmatrix}",
      "begin:pmatrix N:1 row:\\\\ N:2 end:pmatrix" },
    { "\\begin{align*}x\\cr y\\end{align*}", "begin:align x row:\\\\ y end:align" },
    { "\\begin{matrix*}[r]1\\end{matrix*}", "begin:matrix N:1 end:matrix" },
    { "\\left(\\begin{array}{c}1,234\\\\5\\end{array}\\right)",
      "( begin:array N:1234 row:\\\\ N:5 end:array )" },
    { "\\text{no solution}", "no~ solution~" },
    { "5\\text{ cm}^2", "N:5 cm~ ^ { N:2 }" },
    { "\\mathrm{e}^x \\mathrm d x", "e~ ^ { x } d~ x" },
    { "{\\rm cm}x", "{ cm~ } x" },
    { "\\operatorname{lcm}(2,3)", "\\lcm ( N:2 , N:3 )" },
    { "\\operatorname{arctg} x", "\\arctan x" },
    { "\\operatorname{square units}", "square~ units~" },
    { "\\mathbf{x}\\vec v\\bar{y}", "\\mathbf { x } \\vec { v } \\bar { y }" },
    { "\\Bbb R\\mathbb{N}\\R", "\\mathbb { R } \\mathbb { N } \\mathbb { R }" },
    { "\\boxed{1}, \\fbox{2}", "N:1 , N:2" },
    { "5\\phantom{xyz}6\\hspace*{2cm}7", "N:5 N:6 N:7" },
    { "\\phantom -1", "N:1" },
    { "x\\tag{1}", "x" },
    { "\\textcolor{red}{x+1}y", "x + N:1 y" },
    { "\\color{blue}{7}", "{ N:7 }" },
    { "a\\not\\in b\\not=c\\neq d", "a rel:n b rel:! c rel:! d" },
    { "\\not\\equiv", "rel:o" },
    { "90^\\circ", "N:90 \\degree" },
    { "90^{\\circ}", "N:90 \\degree" },
    { "25^{\\circ\\mathrm{C}}", "N:25 \\degree C~" },
    { "90\\degree", "N:90 \\degree" },
    { "90^o", "N:90 \\degree" },
    { "x^o", "x ^ { o }" },
    { "30^\\circ 30'", "N:30 \\degree N:30 prime:'" },
    { "f''(x)", "f prime:' prime:' ( x )" },
    { "f^{\\prime\\prime}", "f prime:' prime:'" },
    { "f^\\prime(x)", "f prime:' ( x )" },
    { "y^{\\prime 2}", "y ^ { prime:' N:2 }" },
    { "\\bigcup(8,9)", "\\cup ( N:8 , N:9 )" },
    { "\\bigcup_{n}A", "\\bigcup _ { n } A" },
    { "x->0", "x \\to N:0" },
    { "x -> -1", "x \\to - N:1" },
    { "a--b", "a - - b" },
    { "x != 3", "x rel:! N:3" },
    { "x!=3", "x rel:! N:3" },
    { "5!=120", "N:5 fact:! rel:= N:120" },
    { "n!!", "n fact:! fact:!" },
    { "x<=y=>z>=1", "x rel:l y rel:i z rel:g N:1" },
    { "x=<y", "x rel:l y" },
    { "x:=1==1", "x rel:= N:1 rel:= N:1" },
    { "1 +- 2", "N:1 pm:+ N:2" },
    { "1 +/- 2\\mp3", "N:1 pm:+ N:2 pm:- N:3" },
    { "x &lt; 3", "x rel:< N:3" },
    { "1,2,...,10", "N:1 , N:2 , \\ldots , N:10" },
    { "\\foo{x}", "\\foo { x }" },
    { "\\", "" },
    { "a\\#b", "a other:\\# b" },
};

static void test_commands(void **unused)
{
    (void)unused;
    CHECK(commands);
}

static void test_dollars_and_ends(void **unused)
{
    (void)unused;
    static const row rows[] = {
        { "$5$", "N:5" },
        { "$$5$$", "N:5" },
        { "$1$ and $2$", "N:1 and N:2" },
        { "$5", "money:$ N:5" },
        { "-$5.50", "- money:$ N:5.50" },
        { "$3, $5", "money:$ N:3 , money:$ N:5" },
        { "$3$, $5$", "N:3 , N:5" },
        { "\\$5", "money:$ N:5" },
        { "$\\$5$", "money:$ N:5" },
        { "1,000.99$", "N:1000.99 money:$" },
        { "2,74 $", "N:2 , N:74 money:$" },
        { "$x=5", "x rel:= N:5" },
        { "\xC2\xA3"
          "5",
          "money:\xC2\xA3 N:5" },
        { "5\\euro", "N:5 money:\xE2\x82\xAC" },
        { "50\\%", "N:50 %" },
        { "50%", "N:50 %" },
        { "\\(5\\)", "N:5" },
        { "\\[5.\\]", "N:5" },
        { "5.\\]", "N:5" },
        { "$5.$", "N:5" },
        { "5\\,.", "N:5" },
        { "5;", "N:5" },
        { "5.\n\\end{align*}", "N:5" },
        { "5\\\\", "N:5" },
        { "5\\quad", "N:5" },
        { "**73**", "N:73" },
        { "5!.", "N:5 fact:!" },
        { "\\text{a.m.}", "a~ other:.~ m~" },
        { "", "" },
        { "  \n", "" },
        { ".", "" },
        { "...", "\\ldots" },
    };
    CHECK(rows);
}

static void test_unicode(void **unused)
{
    (void)unused;
    static const row rows[] = {
        { "−5", "- N:5" },
        { "2×3·4÷5", "N:2 *:x N:3 *:* N:4 / N:5" },
        { "x²³y", "x ^ { N:23 } y" },
        { "x⁻²", "x ^ { - N:2 }" },
        { "xⁿ⁺¹", "x ^ { n + N:1 }" },
        { "a₁₂", "a _ { N:12 }" },
        { "½", "\\frac { N:1 } { N:2 }" },
        { "2½", "N:2 \\frac { N:1 } { N:2 }" },
        { "3 ¹⁄₂", "N:3 \\frac { N:1 } { N:2 }" },
        { "x¹⁄y", "x ^ { N:1 } / y" },
        { "√2", "\\sqrt { N:2 }" },
        { "√16x", "\\sqrt { N:16 } x" },
        { "√(2)", "\\sqrt { N:2 }" },
        { "√x", "\\sqrt { x }" },
        { "∛8", "\\sqrt [ N:3 ] { N:8 }" },
        { "2π", "N:2 \\pi" },
        { "(−∞,3]∪[5,∞)", "( - \\infty , N:3 ] \\cup [ N:5 , \\infty )" },
        { "x≤3≠4≥5", "x rel:l N:3 rel:! N:4 rel:g N:5" },
        { "x∈ℝ", "x rel:e \\mathbb { R }" },
        { "⌊x⌋", "\\lfloor x \\rfloor" },
        { "⟨1,2⟩", "ang:< N:1 , N:2 ang:>" },
        { "90°", "N:90 \\degree" },
        { "30°30′", "N:30 \\degree N:30 prime:'" },
        { "٤٢", "N:42" },
        { "१२.५", "N:12.5" },
        { "４２％", "N:42 %" },
        { "𝟒𝟐", "N:42" },
        { "𝑥＋１", "x + N:1" },
        { "1，2、3。", "N:1 , N:2 , N:3" },
        { "（1,234）", "( N:1 , N:234 )" },
        { "1\xE2\x80\xAF"
          "234",
          "N:1234" },
        { "1\xC2\xA0"
          "234",
          "N:1234" },
        { "4\xE2\x80\x8B"
          "2",
          "N:42" },
        { "4\xC2\xAD"
          "2",
          "N:42" },
        { "0.3\xCC\x85", "N:0.(3)" },
        { "0.1\xCC\x85"
          "4\xCC\x85",
          "N:0.(14)" },
        { "x\xCC\x84", "\\bar { x }" },
        { "naïve", "naïve" },
        { "答案是5", "答案是 N:5" },
        { "Нет решений", "Нет решений" },
        { "₽5", "money:₽ N:5" },
        { "1…9", "N:1 \\ldots N:9" },
        { "\xE2\x80\xAE" /* NOLINT(misc-misleading-bidirectional): that is the case */
          "24",
          "the text holds a bidi control" },
        { "2\xE2\x81\xA6" /* NOLINT(misc-misleading-bidirectional) */
          "4",
          "the text holds a bidi control" },
    };
    CHECK(rows);
}

static void test_spaced(void **unused)
{
    (void)unused;
    static const struct {
        const char *text;
        unsigned spaced; /* one bit a token, the first lowest */
    } rows[] = {
        { "2 1/2", 2 },       { "21/2", 0 },
        { "1,22", 0 },        { "1, 22", 4 },
        { "x\\,dx", 2 },      { "x\\quad y", 2 },
        { "2~x", 2 },         { "f\\left(x\\right)", 0 },
        { "f (x)", 2 },       { "2\\frac12", 0 },
        { "2 \\frac12", 2 },  { "1{,}2", 0 },
        { "5\\text{cm}", 0 }, { "5\\text{ cm}", 2 },
        { "$5$ $6$", 3 },     { "\\boxed{1}\\boxed{2}", 3 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        assert_true(math_lex(&lx, of(rows[i].text)));
        unsigned got = 0;
        for (uint32_t k = 0; k < lx.n; k++)
            got |= (unsigned)lx.tokens[k].spaced << k;
        if (got != rows[i].spaced)
            fail_msg("%s: %#x", rows[i].text, got);
    }
}

static void normal(const char *text, pc_buf *out)
{
    pc_buf_clear(out);
    assert_true(math_lex(&lx, of(text)));
    math_lex_text(&lx, 0, lx.n, out);
    pc_buf_text(out, "");
}

static void test_normal_form(void **unused)
{
    (void)unused;
    static const struct {
        const char *a, *b;
        bool same;
    } rows[] = {
        { "\\dfrac{1}{2}", "\\frac12", true },
        { "1,000", "1000", true },
        { "\\left( 3 , \\pi \\right)", "(3,\\pi)", true },
        { "\\text{no  solution}", "no solution", true },
        { "x^{2}", "x^2", true },
        { "x\\cdot y", "x*y", true },
        { "5 \\text{cm}", "5cm", true },
        { "90^\\circ", "90°", true },
        { "\\{x \\mid x>0\\}", "\\{x|x>0\\}", true },
        { "$5$", "5.", true },
        { "4.5E+33", "4.5e33", true },
        { ".5", "0.5", true },
        { "\\begin{pmatrix} 1 & 2 \\end{pmatrix}", "\\begin{pmatrix}1&2\\end{pmatrix}", true },
        /* what must not fall together */
        { "4 2", "42", false },
        { "2 1/2", "21/2", false },
        { "1, 234", "1,234", false },
        { "0.3", "0.(3)", false },
        { "2. 5", "2.5", false },
        { "0. (3)", "0.(3)", false },
        { "1 e5", "1e5", false },
        { "x 2", "x^2", false },
        { "\\pi x", "\\pix", false },
        { "a\\times b", "a\\cdot b", false },
        { "5! = 120", "5 != 120", false },
        { "\\|x\\|", "||x|-|y||", false },
        { "\\{1\\}", "{1}", false },
        { "x <= 1", "x < 1", false },
        { "x \\le 1", "x l 1", false },
        { "a\\mp b", "a\\pm b", false },
        { "\\begin{pmatrix}1\\end{pmatrix}", "\\begin{vmatrix}1\\end{vmatrix}", false },
        { "no solution", "nosolution", false },
        { "a\\&b", "a&b", false },
        { "x_2", "x\\_2", false },
        { "<1,2>", "(1,2)", false },
    };
    pc_buf a = { 0 }, b = { 0 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        normal(rows[i].a, &a);
        normal(rows[i].b, &b);
        if (pc_eq(pc_buf_str(&a), pc_buf_str(&b)) != rows[i].same)
            fail_msg("%s -> %s, %s -> %s", rows[i].a, a.data, rows[i].b, b.data);
    }
    pc_buf_fini(&a);
    pc_buf_fini(&b);
}

/* `unit` again and again, `n` bytes of it. */
static bool lex_many(const char *unit, size_t n)
{
    pc_buf text = { 0 };
    while (text.len < n)
        pc_buf_text(&text, unit);
    assert_false(text.failed);
    bool ok = math_lex(&lx, (assay_str){ text.data, n });
    assert_true(ok ? lx.why == NULL : lx.why != NULL);
    pc_buf_fini(&text);
    return ok;
}

static void test_limits(void **unused)
{
    (void)unused;
    assert_true(lex_many("1", MATH_DIGITS));
    assert_int_equal(math_tok_text(&lx, 0).len, MATH_DIGITS);
    assert_false(lex_many("1", MATH_DIGITS + 1));
    assert_string_equal(lx.why, "the number has too many digits");
    assert_true(lex_many("{", MATH_DEPTH));
    assert_false(lex_many("{", MATH_DEPTH + 1));
    assert_string_equal(lx.why, "the answer nests too deep");
    assert_false(lex_many("x^", MATH_BYTES));
    assert_false(lex_many("x ", MATH_BYTES));
    assert_string_equal(lx.why, "the answer is too long");
    assert_false(lex_many("x", MATH_BYTES + 1));
    assert_string_equal(lx.why, "the answer is too long");
    assert_true(lex_many("x", MATH_BYTES));
    assert_int_equal(lx.n, 1);
    assert_true(lex_many(" ", MATH_BYTES));
    assert_int_equal(lx.n, 0);
    assert_true(math_lex(&lx, (assay_str){ NULL, 0 }));
}

/* None of these may cost more than its length; what they mean is nothing. */
static void test_hostile(void **unused)
{
    (void)unused;
    static const char *const units[] = {
        "$",
        "}",
        "(",
        "^(",
        "\\frac",
        "\\frac1",
        "1,",
        "1 000 ",
        "0.",
        "\\left",
        "\\\\[1.",
        "\\text{",
        "{\\over",
        "a\\over ",
        "=<",
        "<",
        "^{'",
        "\\phantom{",
        "\\end{a}",
        "0.\\dot1",
        "\\operatorname{a",
        "\xC2\xB2",
        "x\xCC\x85",
        "\xFF",
        "\xE2\x88\x9A",
        "|",
        "||",
        "**",
        "\\begin{array}{",
        "\\begin{a",
    };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++)
        (void)lex_many(units[i], MATH_BYTES);
}

/* A table that is not in order loses entries. */
static void test_known_commands(void **unused)
{
    (void)unused;
    static const char *const names[] = {
        "Bbb",    "Bigg",         "C",    "LARGE",   "Z",       "approx", "begin",  "cdot",
        "degree", "exponentialE", "frac", "geq",     "hspace",  "in",     "lbrace", "leq",
        "mathbb", "neq",          "over", "phantom", "quad",    "right",  "sqrt",   "times",
        "text",   "ulcorner",     "vert", "widehat", "xcancel", "yen",
    };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const known *k = lex_known(of(names[i]));
        assert_non_null(k);
        assert_string_equal(k->name, names[i]);
    }
    assert_null(lex_known(of("nothing")));
    assert_null(lex_known(of("")));
    assert_string_equal(lex_known_prefix(of("timesx"))->name, "times");
    assert_string_equal(lex_known_prefix(of("leqslantx"))->name, "leqslant");
    assert_null(lex_known_prefix(of("inx")));
    assert_null(lex_known_prefix(of("fracx")));
}

int main(void)
{
    static const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_thousands),        cmocka_unit_test(test_decimals),
        cmocka_unit_test(test_arguments),        cmocka_unit_test(test_commands),
        cmocka_unit_test(test_dollars_and_ends), cmocka_unit_test(test_unicode),
        cmocka_unit_test(test_spaced),           cmocka_unit_test(test_normal_form),
        cmocka_unit_test(test_limits),           cmocka_unit_test(test_hostile),
        cmocka_unit_test(test_known_commands),
    };
    int failed = cmocka_run_group_tests(tests, NULL, NULL);
    math_lex_fini(&lx);
    return failed;
}
