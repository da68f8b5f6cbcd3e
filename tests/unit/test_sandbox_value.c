/* test_sandbox_value.c -- values of jobs: the grammar, equality as Python has it, tolerance, what
 * is printed. With --pairs it answers for tests/cli/test_sandbox_value.py, which asks Python the
 * same. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/value.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static asbx_text text(const char *s)
{
    return (asbx_text){ s, strlen(s) };
}

/* ---- the grammar ---- */

static const char *const good[] = { "N",
                                    "T",
                                    "F",
                                    "i0;",
                                    "i-12;",
                                    "i0x1f;",
                                    "i-0xFF;",
                                    "i007;",
                                    "f0x1.8p+1;",
                                    "f-0x1p-1074;",
                                    "f0x0p+0;",
                                    "f-0x0p+0;",
                                    "fnan;",
                                    "finf;",
                                    "f-inf;",
                                    "f1.5;",
                                    "f1e-3;",
                                    "cf0x1p+0;f-0x1p+0;",
                                    "s0:",
                                    "s3:abc",
                                    "b2:\xff\xfe",
                                    "?4:name",
                                    "[0",
                                    "(0",
                                    "{0",
                                    "<0",
                                    ">0",
                                    "[2i1;s1:a",
                                    "(1[1(1N",
                                    "{1s1:ai1;",
                                    "{2i1;N<1i2;[0",
                                    ">2TF",
                                    "i123456789012345678901234567890;" };
static const char *const bad[] = {
    "",
    "x",
    "NN",
    "i;",
    "i",
    "i-;",
    "i1",
    "i1 ;",
    "i+1;",
    "i0x;",
    "i0xg;",
    "i1.0;",
    "i1_000;",
    "i--1;",
    "iabc;",
    "f;",
    "f1",
    "fx;",
    "f-nan;",
    "fINF;",
    "finfinity;",
    "f0x;",
    "f1e;",
    "f 1;",
    "f1,5;",
    "f--1;",
    "c",
    "cf1;",
    "cf1;f;",
    "cf1;i1;",
    "s",
    "s1",
    "s1:",
    "s2:a",
    "s-1:a",
    "s:",
    "s99999999999999999999:a",
    "b1:",
    "[",
    "[1",
    "[2N",
    "[-1",
    "[99999999999999999999",
    "(1",
    "{1",
    "{1i1;",
    "<1",
    ">2N",
    "[1x",
    "?1:",
    "0",
    ";",
    "\xff",
    "f0000000000000000000000000000000000000000000000000000000000000001;"
};

static void test_valid(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!asbx_value_valid(text(good[i])))
            fail_msg("refused: %s", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (asbx_value_valid(text(bad[i])))
            fail_msg("accepted: %s", bad[i]);
}

static void test_depth(void **state)
{
    (void)state;
    char deep[4000];
    const size_t nested = (size_t)2 * ASBX_VALUE_DEPTH;
    size_t n = 0;
    for (int i = 0; i < 1500; i++) {
        deep[n++] = '[';
        deep[n++] = '1';
    }
    deep[n++] = 'N';
    assert_false(asbx_value_valid((asbx_text){ deep, n }));
    assert_true(asbx_value_valid((asbx_text){ deep + n - 1 - nested, nested + 1 }));
    asbx_text most = { deep + n - 1 - nested, nested + 1 };
    assert_true(asbx_value_equal(most, most, NULL, NULL));
}

/* ---- equality ---- */

typedef struct pair {
    const char *want, *got;
    const char *modes; /* in which it is equal: e exact and typed, p Python's ==, t tuples as lists,
                          n near */
} pair;

static const pair pairs[] = {
    { "N", "N", "eptn" },
    { "N", "F", "" },
    { "N", "i0;", "" },
    { "T", "T", "eptn" },
    { "T", "F", "" },
    { "T", "i1;", "pn" },
    { "F", "i0;", "pn" },
    { "T", "i2;", "" },
    { "T", "f0x1p+0;", "pn" },
    { "F", "f-0x0p+0;", "pn" },
    { "i1;", "i1;", "eptn" },
    { "i1;", "i2;", "" },
    { "i1;", "i-1;", "" },
    { "i0;", "i-0;", "eptn" },
    { "i1;", "i0001;", "eptn" },
    { "i1;", "i0x1;", "eptn" },
    { "i255;", "i0xff;", "eptn" },
    { "i255;", "i0xFF;", "eptn" },
    { "i0xff;", "i0x0FF;", "eptn" },
    { "i-255;", "i-0xff;", "eptn" },
    { "i-255;", "i0xff;", "" },
    { "i256;", "i0xff;", "" },
    { "i18446744073709551616;", "i0x10000000000000000;", "eptn" },
    { "i18446744073709551617;", "i0x10000000000000000;", "" },
    { "i99999999999999999999999999;", "i0x52b7d2dcc80cd2e3ffffff;", "eptn" },
    { "i99999999999999999999999998;", "i0x52b7d2dcc80cd2e3ffffff;", "" },
    { "i1;", "f0x1p+0;", "pn" },
    { "f0x1p+0;", "i1;", "pn" },
    { "i9007199254740993;", "f0x1p+53;", "n" },
    { "i9007199254740992;", "f0x1p+53;", "pn" },
    { "f0x1p+53;", "i9007199254740993;", "n" },
    { "i0x8000000000000000000000;", "f0x1p+87;", "pn" },
    { "i0x8000000000000000000001;", "f0x1p+87;", "n" },
    { "i3;", "f0x1.8p+1;", "pn" },
    { "f0x1.8p+1;", "f3;", "eptn" },
    { "f0x1.8p+1;", "f3.0;", "eptn" },
    { "f0x0p+0;", "f-0x0p+0;", "eptn" },
    { "fnan;", "fnan;", "" },
    { "finf;", "finf;", "eptn" },
    { "finf;", "f-inf;", "" },
    { "finf;", "f1e308;", "" },
    { "f1e308;", "finf;", "" },
    { "f-1e308;", "f1e308;", "" },
    { "f1.0;", "f1.00000001;", "n" },
    { "f1.0;", "f1.0001;", "" },
    { "f0;", "f1e-9;", "n" },
    { "f0;", "f1e-5;", "" },
    { "f1e20;", "f1.0000000001e20;", "n" },
    { "i1;", "f1.00000001;", "n" },
    { "i100000001;", "i100000000;", "" },
    { "cf1;f2;", "cf1;f2;", "eptn" },
    { "cf1;f2;", "cf1;f3;", "" },
    { "cf1;f0;", "f1;", "pn" },
    { "i1;", "cf1;f-0;", "pn" },
    { "cf1;f2;", "cf1.00000001;f2;", "n" },
    { "cfnan;f0;", "cfnan;f0;", "" },
    { "s3:abc", "s3:abc", "eptn" },
    { "s3:abc", "s3:abd", "" },
    { "s3:abc", "b3:abc", "" },
    { "s0:", "N", "" },
    { "s0:", "s0:", "eptn" },
    { "s1:1", "i1;", "" },
    { "b0:", "s0:", "" },
    { "?1:E", "?1:E", "" },
    { "i1;", "?3:int", "" },
    { "[0", "[0", "eptn" },
    { "[0", "(0", "tn" },
    { "(2i1;i2;", "[2i1;i2;", "tn" },
    { "[2i1;i2;", "[2i2;i1;", "" },
    { "[2i1;i2;", "[3i1;i2;i3;", "" },
    { "[2i1;i2;", "[1i1;", "" },
    { "[1i1;", "[1T", "pn" },
    { "[1fnan;", "[1fnan;", "" },
    { "[1[1(1i1;", "[1(1[1i1;", "tn" },
    { "[1[1f1;", "[1[1f1.00000001;", "n" },
    { "[1?1:E", "[1?1:E", "" },
    { "{0", "{0", "eptn" },
    { "{0", "<0", "" },
    { "{0", "[0", "" },
    { "{2s1:ai1;s1:bi2;", "{2s1:bi2;s1:ai1;", "eptn" },
    { "{2s1:ai1;s1:bi2;", "{2s1:bi1;s1:ai2;", "" },
    { "{1s1:ai1;", "{2s1:ai1;s1:bi2;", "" },
    { "{1i1;i1;", "{1f0x1p+0;T", "pn" },
    { "{1i1;f1;", "{1i1;f1.00000001;", "n" },
    { "{1f1;i1;", "{1f1.00000001;i1;", "" }, /* keys are exact */
    { "{1(1i1;N", "{1(1i1;N", "eptn" },
    { "{2i1;i1;i2;i2;", "{2i1;i1;i1;i1;", "" }, /* forged: one key twice */
    { "{1N[1i1;", "{1N(1i1;", "tn" },
    { "<0", ">0", "eptn" },
    { "<2i1;i2;", "<2i2;i1;", "eptn" },
    { "<2i1;i2;", ">2i2;i1;", "eptn" },
    { "<2i1;i2;", "<2i1;i1;", "" },
    { "<2i1;i2;", "<1i1;", "" },
    { "<2i1;i2;", "<2f0x1p+1;T", "pn" },
    { "<2s1:as1:b", "<2s1:bs1:a", "eptn" },
    { "<1fnan;", "<1fnan;", "" },
    { "<2f1;f2;", "<2f2.00000001;f1.00000001;", "n" },
    { "<2f1;f2;", "<2f1;f1.00000001;", "" },
    { "<3f1;s1:af2;", "<3s1:af2.00000001;f1;", "n" },
    { "<2(2i1;f1;(2i2;f2;", "<2(2i2;f2.00000001;(2i1;f1;", "n" },
    { "<2(2i1;f1;(2i2;f2;", "<2(2i2;f1.00000001;(2i1;f1;", "" },
    { "<2>2i1;i2;>2i3;i4;", "<2>2i4;i3;>2i2;i1;", "eptn" },
    { "<2>2i1;i2;>2i3;i4;", "<2>2i4;i1;>2i2;i3;", "" },
    { "[1<2i1;i2;", "[1<2i2;i1;", "eptn" },
    { "[3<2i1;i2;i7;{1i1;i2;", "[3<2i2;i1;i7;{1i1;i2;", "eptn" },
    { "[2<2i1;i2;i7;", "[2<2i2;i1;i8;", "" },
};

static const struct {
    char letter;
    asbx_tolerance tolerance;
} modes[] = {
    { 'e', { .list_is_tuple = false } },
    { 'p', { .int_is_float = true } },
    { 't', { .list_is_tuple = true } },
    { 'n', { .relative = 1e-7, .absolute = 1e-7, .list_is_tuple = true, .int_is_float = true } },
};

static void test_pairs(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        asbx_text want = text(pairs[i].want), got = text(pairs[i].got);
        assert_true(asbx_value_valid(want) && asbx_value_valid(got));
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++) {
            bool expected = strchr(pairs[i].modes, modes[m].letter) != NULL;
            size_t where = SIZE_MAX;
            int is = asbx_value_compare(want, got, &modes[m].tolerance, &where);
            if (is != expected || where > got.len)
                fail_msg("%s == %s in mode %c: %d, expected %d; at %zu", pairs[i].want,
                         pairs[i].got, modes[m].letter, is, expected, where);
            /* the relation is symmetric where no tolerance is relative to one side */
            if (modes[m].letter != 'n' &&
                asbx_value_equal(got, want, &modes[m].tolerance, NULL) != expected)
                fail_msg("%s == %s is not symmetric in mode %c", pairs[i].want, pairs[i].got,
                         modes[m].letter);
        }
    }
}

static void test_where(void **state)
{
    (void)state;
    static const struct {
        const char *want, *got;
        size_t where;
    } rows[] = {
        { "i1;", "i2;", 0 },        { "[2i1;i2;", "[2i1;i3;", 5 },
        { "[2i1;i2;", "[1i1;", 0 }, { "[1[1s1:a", "[1[1s1:b", 4 },
        { "[2i1;[0", "[2i1;N", 5 }, { "{1s1:ai1;", "{1s1:ai2;", 6 },
        { "i1;", "i1;", 3 },
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t where = SIZE_MAX;
        (void)asbx_value_equal(text(rows[i].want), text(rows[i].got), NULL, &where);
        if (where != rows[i].where)
            fail_msg("%s == %s: at %zu, expected %zu", rows[i].want, rows[i].got, where,
                     rows[i].where);
    }
}

/* The bound is |got - want| <= absolute + relative * |want|, of the wanted value alone. */
static void test_bounds(void **state)
{
    (void)state;
    const asbx_tolerance relative = { .relative = 0.5 }, absolute = { .absolute = 0.5 };
    assert_true(asbx_value_equal(text("f2;"), text("f3;"), &relative, NULL));
    assert_true(asbx_value_equal(text("f2;"), text("f1;"), &relative, NULL));
    assert_false(asbx_value_equal(text("f1;"), text("f2;"), &relative, NULL));
    assert_true(asbx_value_equal(text("f1;"), text("f1.5;"), &absolute, NULL));
    assert_false(asbx_value_equal(text("f1;"), text("f1.500001;"), &absolute, NULL));
    assert_false(asbx_value_equal(text("f1;"), text("i1;"), &absolute, NULL)); /* types are kept */
}

/* ---- size ---- */

static double seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

typedef struct writer {
    char *data;
    size_t len, cap;
} writer;

static void add(writer *w, const char *format, unsigned long n)
{
    assert_true(w->len + 64 < w->cap);
    const char *number = strchr(format, '#');
    w->len += (size_t)snprintf(w->data + w->len, 64, "%.*s%lu%s", (int)(number - format), format, n,
                               number + 1);
}

/* The same elements forwards and backwards. */
static void big_pair(const char *head, const char *element, unsigned long n, writer out[2])
{
    for (int k = 0; k < 2; k++) {
        out[k] = (writer){ .data = malloc(48 * n + 64), .cap = 48 * n + 64 };
        assert_non_null(out[k].data);
        add(&out[k], head, n);
        for (unsigned long i = 0; i < n; i++)
            add(&out[k], element, k == 0 ? i : n - 1 - i);
    }
}

static void test_large(void **state)
{
    (void)state;
    static const struct {
        const char *head, *element;
        bool near;
    } rows[] = {
        { "<#", "i#;", false },       { "<#", "i#;", true },      { "<#", "f#.5;", true },
        { "<#", "(2i1;i#;", true },   { "<#", "(2f1;i#;", true }, { "{#", "i#;i1;", false },
        { "{#", "(1i#;f0.5;", true }, { "<#", "f#;", false },     { "{#", "f#;f0.5;", true },
    };
    enum { N = 100000 };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        writer w[2];
        big_pair(rows[i].head, rows[i].element, N, w);
        double began = seconds();
        int is = asbx_value_compare((asbx_text){ w[0].data, w[0].len },
                                    (asbx_text){ w[1].data, w[1].len },
                                    &modes[rows[i].near ? 3 : 1].tolerance, NULL);
        double took = seconds() - began;
        if (is != 1 || took > 5)
            fail_msg("%s of %s: %d after %.1f s", rows[i].head, rows[i].element, is, took);
        free(w[0].data);
        free(w[1].data);
    }
}

/* Nothing a program can choose makes comparing slow. */
static void test_hostile(void **state)
{
    (void)state;
    enum { N = 50000 };
    static const char *const elements[] = { "(1fnan;#:", "?1:#", "i#000000000000000000000000;",
                                            "(2f1;s1:#" };
    for (size_t i = 0; i < sizeof elements / sizeof *elements; i++) {
        writer w = { .data = malloc(64 * N + 64), .cap = 64 * N + 64 };
        assert_non_null(w.data);
        add(&w, "<#", N);
        for (unsigned long k = 0; k < N; k++)
            switch (i) {
            case 0:
                w.len += (size_t)snprintf(w.data + w.len, 64, "(1fnan;");
                break;
            case 1:
                w.len += (size_t)snprintf(w.data + w.len, 64, "?1:E");
                break;
            case 2: /* all of one residue for a modulus that is known: 2**61 - 1 */
                w.len +=
                    (size_t)snprintf(w.data + w.len, 64, "i%llu;", (unsigned long long)k * 0x1fff);
                break;
            default: /* one element, very often: no set */
                w.len += (size_t)snprintf(w.data + w.len, 64, "(2f1;i7;");
            }
        double began = seconds();
        for (size_t m = 0; m < sizeof modes / sizeof *modes; m++)
            (void)asbx_value_compare((asbx_text){ w.data, w.len }, (asbx_text){ w.data, w.len },
                                     &modes[m].tolerance, NULL);
        double took = seconds() - began;
        if (took > 5)
            fail_msg("%s: %.1f s", elements[i], took);
        free(w.data);
    }
}

/* A long decimal against a long hexadecimal: 10**n. */
static void test_long_integers(void **state)
{
    (void)state;
    enum { DIGITS = 2000000 };
    char *decimal = malloc(DIGITS + 4), *hex = malloc(DIGITS + 4);
    assert_true(decimal && hex);
    decimal[0] = 'i';
    memset(decimal + 1, '7', DIGITS);
    decimal[DIGITS + 1] = ';';
    (void)snprintf(hex, DIGITS, "i0x1");
    size_t n = (size_t)(DIGITS * 0.8304820237) + 3;
    memset(hex + 4, '0', n - 4);
    hex[n] = ';';
    double began = seconds();
    assert_false(asbx_value_equal((asbx_text){ decimal, DIGITS + 2 }, (asbx_text){ hex, n + 1 },
                                  &modes[3].tolerance, NULL));
    assert_true(asbx_value_equal((asbx_text){ decimal, DIGITS + 2 },
                                 (asbx_text){ decimal, DIGITS + 2 }, NULL, NULL));
    double took = seconds() - began;
    if (took > 2)
        fail_msg("%.1f s", took);
    free(decimal);
    free(hex);
}

/* ---- what is printed ---- */

static void test_repr(void **state)
{
    (void)state;
    static const struct {
        const char *value, *text;
    } rows[] = {
        { "N", "None" },
        { "T", "True" },
        { "F", "False" },
        { "i-12;", "-12" },
        { "i0x1f;", "31" },
        { "i-0x100000000000000000000000000000000;", "-340282366920938463463374607431768211456" },
        { "f0x1p+0;", "1.0" },
        { "f-0x0p+0;", "-0.0" },
        { "f0.1;", "0.1" },
        { "f1e16;", "1e+16" },
        { "f123456789012345.6;", "123456789012345.6" },
        { "f1e-5;", "1e-05" },
        { "f1.5e300;", "1.5e+300" },
        { "f0.0001;", "0.0001" },
        { "fnan;", "nan" },
        { "f-inf;", "-inf" },
        { "cf1;f2;", "(1+2j)" },
        { "cf0;f-1.5;", "-1.5j" },
        { "cf-0;f1;", "(-0+1j)" },
        { "cf1;fnan;", "(1+nanj)" },
        { "s3:abc", "'abc'" },
        { "s3:a'b", "\"a'b\"" },
        { "s4:a'\"b", "'a\\'\"b'" },
        { "s2:\n\\", "'\\n\\\\'" },
        { "s2:\xc3\xa9", "'\xc3\xa9'" },
        { "s2:\xc2\x80", "'\\x80'" },
        { "s3:\xed\xa0\x80", "'\\ud800'" },
        { "s1:\xff", "'\\xff'" },
        { "b3:a\xff\"", "b'a\\xff\"'" },
        { "[0", "[]" },
        { "[2i1;i2;", "[1, 2]" },
        { "(0", "()" },
        { "(1i1;", "(1,)" },
        { "{0", "{}" },
        { "{1s1:ai1;", "{'a': 1}" },
        { "<0", "set()" },
        { "<1i1;", "{1}" },
        { ">0", "frozenset()" },
        { ">1i1;", "frozenset({1})" },
        { "?4:Node", "<Node object>" },
    };
    char out[512];
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        size_t n = asbx_value_repr(text(rows[i].value), out, sizeof out - 4);
        if (strcmp(out, rows[i].text) != 0 || n != strlen(out))
            fail_msg("%s: %s, expected %s", rows[i].value, out, rows[i].text);
        for (size_t most = 0; most < n; most++) { /* cut anywhere, never beyond its place */
            char small[512];
            memset(small, '#', sizeof small);
            size_t k = asbx_value_repr(text(rows[i].value), small, most);
            assert_true(k <= most + 3 && small[k] == 0 && small[most + 4] == '#');
            assert_true(memcmp(small + k - 3, "...", 3) == 0);
            assert_true(memcmp(small, out, k - 3) == 0);
        }
    }
}

/* ---- for Python ---- */

static size_t unhex(const char *from, char *to)
{
    size_t n = 0;
    for (; from[0] && from[1] && from[0] != ' '; from += 2) {
        char two[3] = { from[0], from[1], 0 };
        to[n++] = (char)strtoul(two, NULL, 16);
    }
    return n;
}

/* Lines "WANT GOT RELATIVE ABSOLUTE LIST_IS_TUPLE INT_IS_FLOAT" in, the values in hexadecimal;
 * lines "VALID EQUAL REPR" out. */
static int answer(void)
{
    static char line[1 << 20], want[1 << 19], got[1 << 19], printed[1 << 19];
    while (fgets(line, sizeof line, stdin)) {
        asbx_tolerance t;
        char *space = strchr(line, ' '), *rest = space ? strchr(space + 1, ' ') : NULL, *end;
        if (!rest)
            return 1;
        t.relative = strtod(rest, &end);
        t.absolute = strtod(end, &end);
        t.list_is_tuple = strtol(end, &end, 10) != 0;
        t.int_is_float = strtol(end, &end, 10) != 0;
        asbx_text w = { want, unhex(line, want) }, g = { got, unhex(space + 1, got) };
        bool valid = asbx_value_valid(w) && asbx_value_valid(g);
        size_t n = valid ? asbx_value_repr(w, printed, sizeof printed - 4) : 0;
        (void)printf("%d %d ", valid, valid ? asbx_value_compare(w, g, &t, NULL) : 0);
        for (size_t i = 0; i < n; i++)
            (void)printf("%02x", (unsigned char)printed[i]);
        (void)printf("\n");
    }
    return 0;
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--pairs") == 0)
        return answer();
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_valid),   cmocka_unit_test(test_depth),
        cmocka_unit_test(test_pairs),   cmocka_unit_test(test_where),
        cmocka_unit_test(test_bounds),  cmocka_unit_test(test_large),
        cmocka_unit_test(test_hostile), cmocka_unit_test(test_long_integers),
        cmocka_unit_test(test_repr),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
