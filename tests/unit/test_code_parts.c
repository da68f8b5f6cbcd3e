/* test_code_parts.c -- the code verifier without a sandbox: values and how they are written, JSON,
 * programs found in texts, assertions taken apart. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "code/extract.h"
#include "code/json.h"
#include "code/literal.h"
#include "code/status.h"
#include "sandbox/sandbox.h"

#include <stdlib.h>

static assay_str str(const char *text)
{
    return (assay_str){ text, strlen(text) };
}

/* ---- words ---- */

static void test_words_are_the_sandbox_s(void **state)
{
    (void)state;
    assert_int_equal(CD_STATUSES, ASBX_STATUSES);
    for (int i = 0; i < CD_STATUSES; i++)
        assert_string_equal(cd_status_word(i), asbx_status_word((asbx_status)i));
    assert_int_equal(cd_status_verdict(CD_TLE_WALL), ASSAY_TIMEOUT);
    assert_int_equal(cd_status_verdict(CD_NO_RESULT), ASSAY_FAIL);
    assert_int_equal(cd_status_verdict(CD_FLAKY), ASSAY_ABSTAIN);
    assert_int_equal(cd_status_verdict(CD_SANDBOX_ERROR), ASSAY_ERROR);
    assert_int_equal(cd_status_verdict(99), ASSAY_ERROR); /* never a 0 */
    assert_int_equal(cd_status_verdict(CD_NOT_RUN), ASSAY_ERROR);
}

/* ---- values ---- */

static bool read_value(pc_buf *out, const char *text, bool json)
{
    pc_buf_clear(out);
    return json ? cd_read_json(out, str(text)) : cd_read_python(out, str(text));
}

typedef struct pair {
    const char *a, *b;
    bool equal;
} pair;

static void test_python_s_equality(void **state)
{
    (void)state;
    static const pair pairs[] = {
        { "1", "1.0", true },
        { "True", "1", true },
        { "0", "False", true },
        { "-0.0", "0", true },
        { "1", "1 + 0j", true },
        { "2 ** 1", "2", false }, /* no literal, so no value */
        { "10 ** 20", "100000000000000000000", false },
        { "100000000000000000000", "1e20", true },
        { "100000000000000000001", "1e20", false },
        { "0x10", "16", true },
        { "0o17", "15", true },
        { "-0b101", "-5", true },
        { "18446744073709551616", "0x1_0000_0000_0000_0000", true },
        { "9007199254740993", "9007199254740992.0", false },
        { "0.1", "0.1000000000000000055", true },
        { "0.1", "0.10000000000000002", false },
        { "float('inf')", "1e999", true },
        { "float('nan')", "float('nan')", false },
        { "[1, 2]", "(1, 2)", false },
        { "(1)", "1", true },
        { "(1,)", "1", false },
        { "{1, 2, 2}", "{2, 1}", true },
        { "{1, 2}", "frozenset({2, 1.0})", true },
        { "{1: 'a', 2: 'b'}", "{2: 'b', 1.0: 'a'}", true },
        { "{1: 'a', 1: 'b'}", "{1: 'b'}", true },
        { "{1: [1]}", "{1: (1,)}", false },
        { "{(1, (2, frozenset()))}", "{(1, (2, frozenset()))}", true },
        { "'a' \"b\"", "'ab'", true },
        { "'\\x41\\u00e9\\101'",
          "'A\xc3\xa9"
          "A'",
          true },
        { "r'\\n'", "'\\\\n'", true },
        { "b'\\xff'", "b'\\377'", true },
        { "b'a'", "'a'", false },
        { "'''a\nb'''", "'a\\nb'", true },
        { "[ # one\n 1,\n]", "[1]", true },
        { "set()", "set([])", true },
        { "set([1, 1])", "{1}", true },
        { "None", "False", false },
        { "complex(0.0, 1.0)", "1j", true },
    };
    pc_buf a = { 0 }, b = { 0 };
    const cd_tolerance exact = { 0 };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        bool same = read_value(&a, pairs[i].a, false) && read_value(&b, pairs[i].b, false) &&
                    cd_valid(pc_buf_str(&a)) && cd_equal(pc_buf_str(&a), pc_buf_str(&b), &exact) &&
                    cd_equal(pc_buf_str(&b), pc_buf_str(&a), &exact);
        if (same != pairs[i].equal)
            fail_msg("%s %s %s", pairs[i].a, pairs[i].equal ? "==" : "!=", pairs[i].b);
    }
    pc_buf_fini(&a);
    pc_buf_fini(&b);
}

static void test_no_literals(void **state)
{
    (void)state;
    static const char *const texts[] = {
        "",
        "x",
        "f(1)",
        "1 +",
        "[1,,2]",
        "{1: 2, 3}",
        "{[]}",
        "{[]: 1}",
        "'a",
        "017",
        "1__0",
        "set([[]])",
        "f'x'",
        "1.2.3",
        "(",
        "1 2",
        "--",
        "0x",
        "1e",
        "b'\xc3\xa9'",
        "frozenset(3)",
        "complex(1, 2)",
        "None1",
        "{**{}}",
        "[*x]",
        "lambda: 1",
        "'\\N{DASH}'",
        "'\xff'",
        "float('x')",
    };
    pc_buf b = { 0 };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        pc_buf_clear(&b);
        pc_buf_text(&b, "kept");
        if (cd_read_python(&b, str(texts[i])) || b.len != 4)
            fail_msg("%s was read as a literal", texts[i]);
    }
    pc_buf_fini(&b);
}

static void test_tolerance(void **state)
{
    (void)state;
    static const pair pairs[] = {
        { "[1.0, {'a': (2.0,)}]", "[1.0000001, {'a': (2.0000001,)}]", true },
        { "[1.0]", "[1.1]", false },
        { "1.0", "1", true },
        { "1", "2", false },
        { "'1.0'", "'1.0000001'", false },
        { "(1.0,)", "[1.0]", true },
        { "{1: 1.0}", "{2: 1.0}", false },
        { "[1.0, 2.0]", "[1.0]", false },
        { "float('inf')", "1e300", false },
    };
    pc_buf a = { 0 }, b = { 0 };
    const cd_tolerance close = { .absolute = 1e-6, .list_is_tuple = true };
    for (size_t i = 0; i < sizeof pairs / sizeof *pairs; i++) {
        assert_true(read_value(&a, pairs[i].a, false) && read_value(&b, pairs[i].b, false));
        if (cd_equal(pc_buf_str(&a), pc_buf_str(&b), &close) != pairs[i].equal)
            fail_msg("%s and %s", pairs[i].a, pairs[i].b);
    }
    assert_true(cd_equal_sets(str("[2i1;i2;"), str("<2i2;f0x1p+0;")));
    assert_true(cd_equal_sets(str("s2:ab"), str("[3s1:bs1:as1:b")));
    assert_false(cd_equal_sets(str("i1;"), str("i1;")));
    pc_buf_fini(&a);
    pc_buf_fini(&b);
}

/* What a program may send: none of it may be read beyond its end, or equal anything. */
static void test_forged_values(void **state)
{
    (void)state;
    static const char *const texts[] = { "",
                                         "[",
                                         "[9",
                                         "[1",
                                         "s5:ab",
                                         "s99999999999999999999:",
                                         "i",
                                         "ix;",
                                         "i+1234567890123456789012;",
                                         "i0x;",
                                         "i-;",
                                         "f0x;",
                                         "fx;",
                                         "c",
                                         "cf",
                                         "{1i1;",
                                         "(2i1;",
                                         "?3:ab",
                                         "?1:E",
                                         "N N",
                                         "NN",
                                         "<1?1:E",
                                         "[4294967295",
                                         "i0xzz;",
                                         "f0x1.8p;",
                                         "f0x11111111111111111p+1;" };
    const cd_tolerance close = { .absolute = 1 };
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = strlen(texts[i]);
        char *copy = malloc(n + 1);
        assert_non_null(copy);
        memcpy(copy, texts[i], n);
        assay_str v = { copy, n };
        if (cd_equal(v, v, &close) || !cd_is_odd(v))
            fail_msg("%s equals itself", texts[i]);
        free(copy);
    }
    char deep[400];
    memset(deep, '[', sizeof deep);
    for (size_t i = 1; i < sizeof deep; i += 2)
        deep[i] = '1';
    assert_false(cd_valid((assay_str){ deep, sizeof deep }));
}

static void test_json(void **state)
{
    (void)state;
    static const char *const good[] = { "0",
                                        "-1.5e+3",
                                        "\"a\\u00e9\\n\"",
                                        "[]",
                                        "{}",
                                        "[1,[2,{\"a\":null}]]",
                                        " [ true , false ] ",
                                        "NaN" };
    static const char *const bad[] = { "",
                                       "01",
                                       "1.",
                                       "[1,]",
                                       "{\"a\"}",
                                       "{1:2}",
                                       "\"\\x\"",
                                       "[1 2]",
                                       "nul",
                                       "\"a\nb\"",
                                       "[",
                                       "]",
                                       "{\"a\":1,}",
                                       "\"\\u12g4\"",
                                       "1 2",
                                       "'a'",
                                       "{\"a\":1 \"b\":2}" };
    for (size_t i = 0; i < sizeof good / sizeof *good; i++)
        if (!cd_json_valid(str(good[i])))
            fail_msg("%s is JSON", good[i]);
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++)
        if (cd_json_valid(str(bad[i])))
            fail_msg("%s is no JSON", bad[i]);
    assay_str o = str("{\"a\":[1, 2],\"b\":\"x\\\"y\", \"a\":{\"c\":3}}");
    assert_true(cd_json_valid(o));
    assert_int_equal(cd_json_count(cd_json_get(o, "a")), 1); /* the last of that name */
    assert_null(cd_json_get(o, "z").data);
    pc_buf b = { 0 };
    assert_true(cd_json_string(&b, cd_json_get(o, "b")));
    assert_string_equal(b.data, "x\"y");
    pc_buf_clear(&b);
    assert_true(cd_json_string(&b, str("\"\\ud83d\\ude00\"")));
    assert_string_equal(b.data, "\xf0\x9f\x98\x80");
    assert_false(cd_json_string(&b, str("\"\\ud83d\"")));
    pc_buf_fini(&b);
    char deep[500];
    memset(deep, '[', sizeof deep);
    assert_false(cd_json_valid((assay_str){ deep, sizeof deep }));
}

/* ---- programs in texts ---- */

typedef struct found {
    const char *text, *holds, *lacks; /* holds NULL: there is no program */
} found;

static void test_extraction(void **state)
{
    (void)state;
    static const found rows[] = {
        { "```python\ndef f(x): return 1\n```", "return 1", NULL },
        { "```python\ndef f(x): return 1\n```\n```python\ndef f(x): return 2\n```", "return 2",
          "return 1" },
        { "```python\ndef f(x): return 1\n```\n```python\nprint(f(2))\n```", "return 1", "print" },
        { "```\ndef f(x): return 1\n```\n```python\ndef f(x): return 2\n```\n```\ndef f(x): return "
          "3\n```",
          "return 2", NULL },
        { "```python\ndef f(x: return 1\n```\n```\ndef f(x): return 2\n```", "return 2", NULL },
        { "````python\ndef f(x):\n    '''\n```\n'''\n    return 1\n````", "return 1", NULL },
        { "~~~ py\ndef f(x): return 1\n~~~", "return 1", NULL },
        { "- a\n   ```python\n   def f(x):\n       return 1\n   ```", "def f(x):\n    return 1",
          "   def" },
        { "```python\nimport re\nK = 3\n```\n```python\ndef f(x): return K\n```",
          "import re\nK = 3\n", NULL },
        { "```python\ndef h(): pass\ndef f(x): return h()\n```\n```python\ndef f(x): return h() or "
          "2\n```",
          "def h()", "return h()\n" },
        { "```python\ndef f(x): return 1```", "return 1", "```" },
        { "```python\r\ndef f(x):\r\n    return 1\r\n```\r\n", "return 1", NULL },
        { "```python\ndef f(x): return", NULL, NULL },
        { "```js\nfunction f(x) {}\n```", NULL, NULL },
        { "no code", NULL, NULL },
        { "f = 3 is what I think", NULL, NULL },
        { "def f(x):\n    return 1\n\nThat is all.", "return 1", "That" },
        { "<think>```python\ndef f(x): return 1\n```", NULL, NULL },
        { "```python\nfrom __future__ import annotations\ndef f(x): return 1\n```",
          "from __future__", NULL },
        { "```python\n@functools.cache\ndef f(x): return 1\n```", "@functools", NULL },
        { "```python\nif True:\n    def f(x): return 1\n```", "return 1", NULL },
    };
    cd_python *py = cd_python_new();
    const cd_task task = { .kind = CD_CALLS, .language = "python", .entry = "f" };
    assert_non_null(py);
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        cd_pool pool = { 0 };
        cd_program p;
        cd_extract(&p, &task, py, str(rows[i].text), &pool);
        bool right = rows[i].holds ? p.source.data && pc_find(p.source, rows[i].holds, 0) != PC_NONE
                                   : !p.source.data && p.why;
        if (!right || (rows[i].lacks && pc_find(p.source, rows[i].lacks, 0) != PC_NONE))
            fail_msg("%s\ngave: %s", rows[i].text, p.source.data ? p.source.data : p.why);
        cd_pool_fini(&pool);
    }
    cd_python_free(py);
}

/* Deep, long and random texts: an answer, in bounded time, and no crash. */
static void test_hostile_texts(void **state)
{
    (void)state;
    static const char *const units[] = {
        "(",    "[",  "{",    "f(", "```\n", "'''", "def f(x):\n ", "if x:\n", "\"", "lambda: ",
        "not ", "x.", "\xff", "a=", ".",     "@",   "try:\n",
    };
    enum { REPEAT = 70000 }; /* 2^16 of a kind is more than libtree-sitter can count */
    cd_python *py = cd_python_new();
    const cd_task task = { .kind = CD_CALLS, .language = "python", .entry = "f" };
    pc_buf b = { 0 };
    for (size_t i = 0; i < sizeof units / sizeof *units; i++) {
        cd_pool pool = { 0 };
        cd_program p;
        pc_buf_clear(&b);
        pc_buf_text(&b, "```python\n");
        for (int k = 0; k < REPEAT; k++)
            pc_buf_text(&b, units[i]);
        pc_buf_text(&b, "\n```\n");
        cd_extract(&p, &task, py, pc_buf_str(&b), &pool);
        assert_true(p.source.data || p.why);
        cd_pool_fini(&pool);
    }
    pc_buf_fini(&b);
    cd_python_free(py);
}

/* ---- tests ---- */

static void read_task(cd_task *t, cd_python *py, const char *json)
{
    cd_task_read(t, py, str(json));
    if (t->why)
        fail_msg("%s: %s", json, t->why);
}

static void test_asserts_taken_apart(void **state)
{
    (void)state;
    cd_python *py = cd_python_new();
    cd_task t;
    read_task(&t, py,
              "{\"asserts\":[\"assert f(1, [2]) == 3, 'text'\",\"assert (1, 2) == "
              "f('a')\",\"assert not f(2) and f(3) < 4\","
              "\"import math\\nassert math.isclose(f(math.pi), g(2))\",\"assert all(f(i) for i in "
              "range(3))\","
              "\"assert f(x=1) == 2\",\"assert f(f(1)) == 2\",\"assert f(1) == "
              "len(f(2))\",\"assert f() is None\"],"
              "\"setup\":\"def g(x): return x\"}");
    assert_string_equal(t.entry, "f");
    assert_int_equal(t.kind, CD_ASSERTS);
    assert_int_equal(t.n_assertions, 9);
    static const bool whole[] = { false, false, false, false, true, true, true, false, false };
    static const uint32_t calls[] = { 1, 1, 2, 1, 0, 0, 0, 2, 1 };
    for (uint32_t i = 0; i < 9; i++) {
        assert_int_equal(t.assertions[i].whole, whole[i]);
        assert_int_equal(t.assertions[i].n, calls[i]);
    }
    assert_string_equal(t.input[0].data, "(0000000002i1;[0000000001i2;");
    assert_string_equal(t.want[0].data, "i3;");
    assert_string_equal(t.want[1].data, "(0000000002i1;i2;");
    assert_null(t.assertions[0].judge.data);
    assert_string_equal(t.assertions[2].judge.data, "not _assay_h0 and _assay_h1 < 4");
    assert_null(t.input[t.assertions[3].first].data); /* math.pi is for Python to say */
    assert_string_equal(t.written[t.assertions[3].first].data, "(math.pi,)");
    assert_string_equal(t.assertions[7].judge.data, "_assay_h0 == len(_assay_h1)");
    assert_string_equal(t.input[t.assertions[8].first].data, "(0000000000");
    assert_non_null(strstr(t.setup.data, "import math"));
    assert_non_null(strstr(t.setup.data, "def g(x)"));
    cd_task_fini(&t);
    cd_python_free(py);
}

static void test_check_functions(void **state)
{
    (void)state;
    cd_python *py = cd_python_new();
    cd_task t;
    read_task(&t, py,
              "{\"entry_point\":\"f\",\"prompt\":\"import os\\ndef h(x):\\n    return x\\ndef "
              "f(x):\\n    '''doc'''\\n\","
              "\"test\":\"M = {}\\ndef check(candidate):\\n    'doc'\\n    # comment\\n    assert "
              "candidate(1) == f(1)\\n    assert True\\n\"}");
    assert_int_equal(t.kind, CD_ASSERTS);
    assert_int_equal(t.n_assertions, 2);
    assert_int_equal(t.assertions[0].n, 2);
    assert_non_null(strstr(t.setup.data, "def h(x)"));
    assert_null(strstr(t.setup.data, "def f(x)"));
    cd_task_fini(&t);
    read_task(&t, py,
              "{\"entry_point\":\"f\",\"check\":\"def check(c):\\n    for i in range(3):\\n        "
              "assert c(i)\\n\"}");
    assert_int_equal(t.kind, CD_CHECK);
    cd_task_fini(&t);
    cd_python_free(py);
}

static void test_references(void **state)
{
    (void)state;
    static const struct {
        const char *json;
        cd_kind kind;
        uint32_t n;
    } good[] = {
        { "{\"entry_point\":\"f\",\"inputs\":[[1],[2]],\"outputs\":[1,2]}", CD_CALLS, 2 },
        { "{\"entry_point\":\"S.f\",\"calls\":[[1]],\"expected\":[1]}", CD_CALLS, 1 },
        { "{\"fn_name\":\"f\",\"inputs\":[\"1\\n[2]\",\"3\\n4\"],\"outputs\":[\"3\",\"7\"]}",
          CD_CALLS, 2 },
        { "{\"inputs\":[\"1\\n\"],\"outputs\":[\"2\\n\"]}", CD_STDIO, 1 },
        { "{\"stdin\":[\"\"],\"stdout\":[\"x\"],\"language\":\"c++\"}", CD_STDIO, 1 },
        { "{\"test\":[{\"input\":{\"stdin\":\"1\"},\"output\":{\"stdout\":\"2\"}}]}", CD_STDIO, 1 },
        { "{\"assert_case\":[\"assert f(1)\"]}", CD_ASSERTS, 1 },
        { "{\"test_list\":[\"assert f(1)\"],\"test_setup_code\":\"\"}", CD_ASSERTS, 1 },
    };
    static const char *const bad[] = {
        "",
        "42",
        "[]",
        "{}",
        "{\"inputs\":[[1]],\"outputs\":[1]}",
        "{\"entry_point\":\"f(\",\"inputs\":[[1]],\"outputs\":[1]}",
        "{\"entry_point\":\"\",\"inputs\":[[1]],\"outputs\":[1]}",
        "{\"entry_point\":\"f\",\"inputs\":[[1]],\"outputs\":[]}",
        "{\"entry_point\":\"f\",\"inputs\":[],\"outputs\":[]}",
        "{\"entry_point\":\"f\",\"inputs\":[1],\"outputs\":[1]}",
        "{\"entry_point\":\"f\",\"inputs\":{},\"outputs\":[1]}",
        "{\"entry_point\":\"f\",\"format\":\"python\",\"inputs\":[\"(g(),)\"],\"outputs\":[\"1\"]}",
        "{\"entry_point\":\"f\",\"inputs\":[[1]],\"outputs\":[1],\"compare\":\"roughly\"}",
        "{\"entry_point\":\"f\",\"inputs\":[[1]],\"outputs\":[1],\"cpu_ms\":-1}",
        "{\"entry_point\":\"f\",\"inputs\":[[1]],\"outputs\":[1],\"language\":\"c\"}",
        "{\"stdin\":[1],\"stdout\":[\"\"]}",
        "{\"asserts\":[\"assert\"]}",
        "{\"asserts\":[\"assert True\"]}",
        "{\"asserts\":[1]}",
        "{\"check\":\"def check(c): pass\"}",
        "{\"entry_point\":\"f\",\"check\":\"def check(c:\"}",
        "{\"entry_point\":\"f\",\"check\":\"pass\"}",
        "{\"entry_point\":\"f\",\"check\":\"def check(c): assert True\"}",
    };
    cd_python *py = cd_python_new();
    cd_task t;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        read_task(&t, py, good[i].json);
        assert_int_equal(t.kind, good[i].kind);
        assert_int_equal(cd_task_tests(&t), good[i].n);
        cd_task_fini(&t);
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        cd_task_read(&t, py, str(bad[i]));
        if (!t.why)
            fail_msg("%s is no reference", bad[i]);
        cd_task_fini(&t);
    }
    cd_python_free(py);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_words_are_the_sandbox_s),
        cmocka_unit_test(test_python_s_equality),
        cmocka_unit_test(test_no_literals),
        cmocka_unit_test(test_tolerance),
        cmocka_unit_test(test_forged_values),
        cmocka_unit_test(test_json),
        cmocka_unit_test(test_extraction),
        cmocka_unit_test(test_hostile_texts),
        cmocka_unit_test(test_asserts_taken_apart),
        cmocka_unit_test(test_check_functions),
        cmocka_unit_test(test_references),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
