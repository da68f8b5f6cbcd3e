/* test_jspan.c -- the JSON scanner, the walks and the unescaping, and the guarded cJSON on top of
 * them. SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"

#include "base/buf.h"
#include "base/json.h"
#include "base/mem.h"

#include <setjmp.h>
#include <stdarg.h>
#include <stdint.h>
#include <stdio.h>

#include <cmocka.h>

#define SPAN(text) scan_ok(AS_LIT(text))

static as_jspan scan_ok(as_str text)
{
    as_err err = { 0 };
    as_jspan span = { { NULL, 0 }, AS_J_NONE };
    int rc = as_json_scan(text, &span, &err);
    if (rc != 0)
        fail_msg("%.*s: %s", (int)text.len, text.data, err.text);
    return span;
}

static void scan_bad(as_str text, size_t column, const char *piece)
{
    as_err err = { 0 };
    as_jspan span;
    char prefix[40];
    (void)snprintf(prefix, sizeof prefix, "column %zu: ", column);
    /* a copy without a NUL behind it, so that ASan sees any step too far */
    AS_CLEANUP(free) char *exact = as_malloc(text.len);
    memcpy(exact, text.data, text.len);
    assert_int_equal(as_json_scan((as_str){ exact, text.len }, &span, &err), AS_EDATA);
    if (!as_str_starts(as_str_of(err.text), prefix) || !strstr(err.text, piece))
        fail_msg("%.*s: \"%s\" is not \"%s...%s\"", (int)text.len, text.data, err.text, prefix,
                 piece);
}

static void test_accepts(void **state)
{
    static const char *const texts[] = { "{}",
                                         "[]",
                                         "0",
                                         "-0",
                                         "-0.5e+3",
                                         "1E-2",
                                         "10.01",
                                         "\"\"",
                                         " \t\r\n1 \n",
                                         "true",
                                         "false",
                                         "null",
                                         "[[],{},[{}]]",
                                         "{\"a\":{\"b\":[1,2]},\"a\":1}",
                                         "\"\\\"\\\\\\/\\b\\f\\n\\r\\t\\u00e9\"",
                                         "\"\x7F\"",
                                         "[ 1 , 2 ]",
                                         "{ \"a\" : 1 , \"b\" : [ ] }" };
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++)
        (void)scan_ok(as_str_of(texts[i]));
    as_jspan s = SPAN("  [1]  ");
    assert_int_equal(s.kind, AS_J_ARRAY);
    assert_true(as_str_is(s.text, "[1]"));
    assert_int_equal(SPAN("-1").kind, AS_J_NUMBER);
    assert_int_equal(as_json_scan(AS_LIT("1"), NULL, NULL), 0);
}

static void test_refuses(void **state)
{
    (void)state;
    scan_bad(AS_LIT(""), 1, "ends where a value");
    scan_bad((as_str){ "x", 0 }, 1, "ends where a value");
    scan_bad(AS_LIT("  "), 3, "ends where a value");
    scan_bad(AS_LIT("{"), 2, "member name");
    scan_bad(AS_LIT("["), 2, "ends where a value");
    scan_bad(AS_LIT("[1,]"), 4, "value was expected");
    scan_bad(AS_LIT("[1"), 3, "unfinished array");
    scan_bad(AS_LIT("{\"a\":1"), 7, "unfinished object");
    scan_bad(AS_LIT("{\"a\":1,}"), 8, "member name");
    scan_bad(AS_LIT("{\"a\" 1}"), 6, "':'");
    scan_bad(AS_LIT("{a:1}"), 2, "member name");
    scan_bad(AS_LIT("[1}"), 3, "',' or ']'");
    scan_bad(AS_LIT("{\"a\":1]"), 7, "',' or '}'");
    scan_bad(AS_LIT("01"), 2, "start with 0");
    scan_bad(AS_LIT("-"), 2, "digit");
    scan_bad(AS_LIT("1."), 3, "digit");
    scan_bad(AS_LIT("1e"), 3, "digit");
    scan_bad(AS_LIT("1e+"), 4, "digit");
    scan_bad(AS_LIT(".5"), 1, "value was expected");
    scan_bad(AS_LIT("+1"), 1, "value was expected");
    scan_bad(AS_LIT("NaN"), 1, "NaN and Infinity are not JSON");
    scan_bad(AS_LIT("[1,-Infinity]"), 4, "NaN and Infinity are not JSON");
    scan_bad(AS_LIT("Nan"), 1, "value was expected");
    scan_bad(AS_LIT("nul"), 1, "unknown word");
    scan_bad(AS_LIT("True"), 1, "value was expected");
    scan_bad(AS_LIT("1 2"), 3, "after the end");
    scan_bad(AS_LIT("{} {}"), 4, "after the end");
    scan_bad(AS_LIT("'a'"), 1, "value was expected");
    scan_bad(AS_LIT("\"abc"), 5, "unfinished string");
    scan_bad(AS_LIT("\"abc\\"), 5, "unfinished string");
    scan_bad(AS_LIT("\"\\x\""), 2, "unknown escape");
    scan_bad(AS_LIT("\"\\\0\""), 2, "unknown escape");
    scan_bad(AS_LIT("\"\\u12g4\""), 2, "hexadecimal");
    scan_bad(AS_LIT("\"\\u12"), 2, "hexadecimal");
    scan_bad(AS_LIT("\"a\nb\""), 3, "control character");
    scan_bad(AS_LIT("\"a\0b\""), 3, "control character");
    scan_bad(AS_LIT("\0"), 1, "not JSON");
    scan_bad(AS_LIT("1\0"), 2, "after the end");
    scan_bad(AS_LIT("\x1F\x8B"), 1, "value was expected");
    scan_bad(AS_LIT("\xEF\xBB\xBF{}"), 1, "not JSON");
    /* the fault sits behind each possible place in an eight-byte word */
    for (size_t i = 0; i < 40; i++) {
        char text[64] = "\"";
        memset(text + 1, 'x', i);
        text[1 + i] = 1;
        text[2 + i] = '"';
        scan_bad((as_str){ text, i + 3 }, i + 2, "control character");
        text[1 + i] = (char)0xFF;
        scan_bad((as_str){ text, i + 3 }, i + 2, "UTF-8");
        text[1 + i] = '"';
        (void)scan_ok((as_str){ text, i + 2 });
        scan_bad((as_str){ text, i + 3 }, i + 3, "after the end");
    }
}

static void test_utf8(void **state)
{
    static const char *const good[] = { "\xC2\x80",         "\xDF\xBF",        "\xE0\xA0\x80",
                                        "\xED\x9F\xBF",     "\xEE\x80\x80",    "\xEF\xBF\xBF",
                                        "\xF0\x90\x80\x80", "\xF4\x8F\xBF\xBF" };
    static const char *const bad[] = { "\x80",
                                       "\xBF",
                                       "\xC0\x80",
                                       "\xC1\xBF",
                                       "\xC2",
                                       "\xC2\x20",
                                       "\xE0\x9F\xBF",
                                       "\xE0\xA0",
                                       "\xED\xA0\x80",
                                       "\xED\xBF\xBF",
                                       "\xF0\x8F\xBF\xBF",
                                       "\xF0\x90\x80",
                                       "\xF4\x90\x80\x80",
                                       "\xF5\x80\x80\x80",
                                       "\xFE",
                                       "\xFF",
                                       "\xE2\x28\xA1",
                                       "\xE2\x82\x28",
                                       "\xF0\x9F\x98\x28" };
    char text[32];
    (void)state;
    for (size_t i = 0; i < sizeof good / sizeof *good; i++) {
        (void)snprintf(text, sizeof text, "\"%s\"", good[i]);
        (void)scan_ok(as_str_of(text));
        assert_int_equal(as_utf8_valid(as_str_of(good[i])), strlen(good[i]));
        assert_int_equal(as_utf8_step(good[i], strlen(good[i])), strlen(good[i]));
    }
    for (size_t i = 0; i < sizeof bad / sizeof *bad; i++) {
        (void)snprintf(text, sizeof text, "\"ab%s\"", bad[i]);
        scan_bad(as_str_of(text), 4, "UTF-8");
        assert_int_equal(as_utf8_step(bad[i], strlen(bad[i])), 0);
        assert_int_equal(as_utf8_valid(as_str_of(bad[i])), 0);
    }
}

static void nested(char *text, size_t depth, char open, char close)
{
    memset(text, open, depth);
    memset(text + depth, close, depth);
}

static void test_depth(void **state)
{
    char text[200];
    (void)state;
    nested(text, 64, '[', ']');
    (void)scan_ok((as_str){ text, 128 });
    nested(text, 65, '[', ']');
    scan_bad((as_str){ text, 130 }, 65, "64 levels");
    as_buf b;
    as_buf_init(&b, 10000);
    for (int i = 0; i < 63; i++)
        as_buf_text(&b, "{\"a\":");
    as_buf_text(&b, "{}");
    for (int i = 0; i < 63; i++)
        as_buf_byte(&b, '}');
    (void)scan_ok(as_buf_str(&b));
    as_err err = { 0 };
    cJSON *tree = as_json_parse(as_buf_str(&b), "deep", &err);
    assert_non_null(tree);
    cJSON_Delete(tree);
    as_buf_fini(&b);
}

static void test_walk(void **state)
{
    as_jspan o = SPAN("{ \"a\" : [1, {\"x\":\"]}\\\"\"}, \"}\"] ,\"b\":\"q\\\"w\",\"c\":-1.5e3 , "
                      "\"d\":null,\"e\":{}}");
    static const char *const keys[] = { "a", "b", "c", "d", "e" };
    static const char *const values[] = { "[1, {\"x\":\"]}\\\"\"}, \"}\"]", "\"q\\\"w\"", "-1.5e3",
                                          "null", "{}" };
    static const as_jkind kinds[] = { AS_J_ARRAY, AS_J_STRING, AS_J_NUMBER, AS_J_NULL,
                                      AS_J_OBJECT };
    as_jspan key, value;
    size_t at = 0, n = 0;
    (void)state;
    while (as_jobject_next(o, &at, &key, &value)) {
        assert_in_range(n, 0, 4);
        assert_true(as_jspan_is(key, keys[n]));
        assert_true(as_str_is(value.text, values[n]));
        assert_int_equal(value.kind, kinds[n]);
        n++;
    }
    assert_int_equal(n, 5);
    as_jspan list = as_jobject_get(o, "a");
    at = n = 0;
    while (as_jarray_next(list, &at, &value))
        n++;
    assert_int_equal(n, 3);
    assert_int_equal(as_jobject_get(o, "zz").kind, AS_J_NONE);
    assert_int_equal(as_jobject_get(list, "a").kind, AS_J_NONE);
    at = 0;
    assert_false(as_jarray_next(SPAN("[ ]"), &at, &value));
    at = 0;
    assert_false(as_jobject_next(SPAN("{ }"), &at, &key, &value));
    at = 0;
    assert_false(as_jarray_next(SPAN("3"), &at, &value));
}

/* The walks promise to stay inside the span whatever it holds. */
static void test_walk_of_garbage(void **state)
{
    static const char *const texts[] = { "{",           "{\"",      "{\"a",
                                         "{\"a\"",      "{\"a\":",  "{\"a\":\"",
                                         "{\"a\":\"\\", "{\"a\":[", "{\"a\":{\"b\":\"",
                                         "{,",          "{x",       "{\"a\"1",
                                         "{}}}" };
    as_jspan key, value;
    (void)state;
    for (size_t i = 0; i < sizeof texts / sizeof *texts; i++) {
        size_t n = strlen(texts[i]), at = 0, rounds = 0;
        AS_CLEANUP(free) char *exact = as_malloc(n);
        memcpy(exact, texts[i], n);
        while (as_jobject_next((as_jspan){ { exact, n }, AS_J_OBJECT }, &at, &key, &value) &&
               rounds < 10)
            rounds++;
        at = 0;
        while (as_jarray_next((as_jspan){ { exact, n }, AS_J_ARRAY }, &at, &value) && rounds < 30)
            rounds++;
        assert_in_range(rounds, 0, 29);
    }
}

static void unescapes_to(as_str json, as_str expected, size_t n_replaced)
{
    as_arena arena;
    as_arena_init(&arena, 0);
    size_t replaced = 0;
    as_str s = as_jstring(scan_ok(json), &arena, &replaced);
    assert_non_null(s.data);
    assert_int_equal(s.len, expected.len);
    assert_memory_equal(s.data, expected.data, expected.len + 1);
    assert_int_equal(replaced, n_replaced);
    as_arena_fini(&arena);
}

static void test_strings(void **state)
{
    (void)state;
    unescapes_to(AS_LIT("\"\""), AS_LIT(""), 0);
    unescapes_to(AS_LIT("\"plain\""), AS_LIT("plain"), 0);
    unescapes_to(AS_LIT("\"\\\"\\\\\\/\\b\\f\\n\\r\\t\""), AS_LIT("\"\\/\b\f\n\r\t"), 0);
    unescapes_to(AS_LIT("\"a\\u0000b\""), AS_LIT("a\0b"), 0);
    unescapes_to(AS_LIT("\"\\u0041\\u00E9\\u20ac\\uFFFF\""),
                 AS_LIT("A\xC3\xA9\xE2\x82\xAC\xEF\xBF\xBF"), 0);
    unescapes_to(AS_LIT("\"\\ud83d\\ude00!\""), AS_LIT("\xF0\x9F\x98\x80!"), 0);
    unescapes_to(AS_LIT("\"\\uD800\\uDC00\\uDBFF\\uDFFF\""),
                 AS_LIT("\xF0\x90\x80\x80\xF4\x8F\xBF\xBF"), 0);
    unescapes_to(AS_LIT("\"\\ud83dx\""), AS_LIT("\xEF\xBF\xBDx"), 1);
    unescapes_to(AS_LIT("\"\\ude00\""), AS_LIT("\xEF\xBF\xBD"), 1);
    unescapes_to(AS_LIT("\"\\ud83d\\ud83d\\ude00\""), AS_LIT("\xEF\xBF\xBD\xF0\x9F\x98\x80"), 1);
    unescapes_to(AS_LIT("\"\\ud83d\\u0041\""),
                 AS_LIT("\xEF\xBF\xBD"
                        "A"),
                 1);
    unescapes_to(AS_LIT("\"\\ud83d\\n\""), AS_LIT("\xEF\xBF\xBD\n"), 1);
    as_arena tiny;
    as_arena_init(&tiny, 16);
    assert_null(as_jstring(SPAN("\"a text longer than the arena\\n\""), &tiny, NULL).data);
    assert_null(as_jstring(SPAN("12"), &tiny, NULL).data);
    as_arena_fini(&tiny);
}

static void test_is(void **state)
{
    (void)state;
    assert_true(as_jspan_is(SPAN("\"id\""), "id"));
    assert_true(as_jspan_is(SPAN("\"\\u0069d\""), "id"));
    assert_true(as_jspan_is(SPAN("\"a\\\\b\""), "a\\b"));
    assert_true(as_jspan_is(SPAN("\"\""), ""));
    assert_true(as_jspan_is(SPAN("\"\\u20ac\""), "\xE2\x82\xAC"));
    assert_false(as_jspan_is(SPAN("\"id\""), "i"));
    assert_false(as_jspan_is(SPAN("\"i\""), "id"));
    assert_false(as_jspan_is(SPAN("\"id\\u0000\""), "id"));
    assert_false(as_jspan_is(SPAN("\"\\u0069x\""), "id"));
    assert_false(as_jspan_is(SPAN("12"), "12"));
    assert_false(as_jspan_is((as_jspan){ { NULL, 0 }, AS_J_NONE }, ""));
}

static void test_numbers(void **state)
{
    double v = 0;
    unsigned long long u = 0;
    char digits[2000];
    (void)state;
    assert_true(as_jnumber(SPAN("-0.125e1"), &v) && v == -1.25);
    assert_true(as_jnumber(SPAN("1e308"), &v) && v == 1e308);
    assert_false(as_jnumber(SPAN("1e309"), &v));
    assert_true(as_jnumber(SPAN("1e-999"), &v) && v == 0.0);
    assert_false(as_jnumber(SPAN("\"1\""), &v));
    memset(digits, '0', sizeof digits);
    digits[1] = '.';
    digits[sizeof digits - 1] = '7';
    assert_true(as_jnumber(scan_ok((as_str){ digits, sizeof digits }), &v) && v == 0.0);
    memset(digits, '1', sizeof digits);
    assert_false(as_jnumber(scan_ok((as_str){ digits, sizeof digits }), &v));
    assert_false(as_junsigned(scan_ok((as_str){ digits, sizeof digits }), &u));
    assert_true(as_junsigned(SPAN("18446744073709551615"), &u) && u == UINT64_MAX);
    assert_false(as_junsigned(SPAN("18446744073709551616"), &u));
    assert_false(as_junsigned(SPAN("-1"), &u));
    assert_false(as_junsigned(SPAN("1.0"), &u));
    assert_false(as_junsigned(SPAN("1e3"), &u));
    assert_false(as_junsigned(SPAN("true"), &u));
}

/* ---- json.c ---- */

static void refused(const char *text, const char *piece)
{
    as_err err = { 0 };
    assert_null(as_json_parse(as_str_of(text), "config.json", &err));
    assert_int_equal(err.code, AS_EUSAGE);
    if (!as_str_starts(as_str_of(err.text), "config.json: ") || !strstr(err.text, piece))
        fail_msg("%s: \"%s\" does not say \"%s\"", text, err.text, piece);
}

static void test_guarded_parse(void **state)
{
    (void)state;
    refused("{", "not valid JSON: column 2");
    refused("{\"a\":1,\"a\":2}", "duplicate key \"a\"");
    refused("{\"a\":[{},{\"b\":1,\"c\":2,\"\\u0062\":3}]}", "duplicate key \"b\"");
    refused("[[],[[{\"x\":0,\"x\":0}]]]", "duplicate key \"x\"");
    refused("\"a\\u0000\"", "column 3: \\u0000");
    refused("\"\\ud800\"", "surrogate");
    refused("\"\\ud800\\ud800\"", "surrogate");
    refused("\"\\udc00\"", "surrogate");
    refused("9007199254740993", "2^53");
    refused("[1,-9007199254740994]", "column 4: an integer beyond 2^53");
    refused("85555555555555555.25",
            "column 1: an integer beyond 2^53"); /* canonical: 85555555555555552 */
    refused("1.2345678901234567e16", "2^53");
    refused("1e400", "range of a double");
    refused("0.1234567890123456789012345678901234567890123456789012345678901234", "63 characters");
    as_err err = { 0 };
    cJSON *tree = as_json_parse(
        AS_LIT(" {\"n\":9007199254740992,\"s\":\"1e999 \\\\u0000 \\\"9007199254740999\\\"\"} "),
        "config.json", &err);
    assert_non_null(tree);
    assert_string_equal(cJSON_GetStringValue(cJSON_GetObjectItem(tree, "s")),
                        "1e999 \\u0000 \"9007199254740999\"");
    cJSON_Delete(tree);
    assert_null(as_json_parse(AS_LIT("{"), "x", NULL));
}

static void test_known_keys(void **state)
{
    static const char *const known[] = { "tolerance", "timeout_ms", NULL };
    static const char *const none[] = { NULL };
    as_err err = { 0 };
    (void)state;
    cJSON *tree = as_json_parse(AS_LIT("{\"tolerance\":1}"), "c", &err);
    assert_int_equal(as_json_known_keys(tree, known, "plugin \"math\"", &err), 0);
    assert_int_equal(as_json_known_keys(tree, none, "c", &err), AS_EUSAGE);
    assert_string_equal(err.text, "c: key \"tolerance\" unknown (known: none)");
    cJSON_Delete(tree);
    err = (as_err){ 0 };
    tree = as_json_parse(AS_LIT("{\"timeout_ms\":1,\"tolerence\":1}"), "c", &err);
    assert_int_equal(as_json_known_keys(tree, known, "plugin \"math\"", &err), AS_EUSAGE);
    assert_string_equal(
        err.text,
        "plugin \"math\": key \"tolerence\" unknown (known: tolerance, timeout_ms); did you mean "
        "\"tolerance\"?");
    cJSON_Delete(tree);
}

static void canonical_is(const char *text, const char *expected)
{
    as_err err = { 0 };
    as_buf out;
    as_buf_init(&out, 10000);
    assert_int_equal(as_json_canonical(as_str_of(text), &out, &err), 0);
    assert_string_equal(out.data, expected);
    as_buf_fini(&out);
}

static void test_canonical(void **state)
{
    (void)state;
    canonical_is(" { } ", "{}");
    canonical_is("{\"b\":1.0,\"a\":[{\"z\":null,\"y\":true},2,{\"k\":{\"d\":1,\"c\":2}}]}",
                 "{\"a\":[{\"y\":true,\"z\":null},2,{\"k\":{\"c\":2,\"d\":1}}],\"b\":1}");
    canonical_is("{\"a\":\"\\u0041\",\"B\":0.5}", "{\"B\":0.5,\"a\":\"A\"}");
    canonical_is("[]", "[]");
    canonical_is("[1e16,1.7976931348623157e308,-0.1234567890123456789,0.0]",
                 "[1e+16,1.7976931348623157e+308,-0.12345678901234568,0]");
    as_err err = { 0 };
    as_buf out;
    as_buf_init(&out, 4);
    assert_int_equal(as_json_canonical(AS_LIT("{\"long\":1}"), &out, &err), AS_ENOMEM);
    as_buf_fini(&out);
    as_buf_init(&out, 100);
    err = (as_err){ 0 };
    assert_int_equal(as_json_canonical(AS_LIT("{\"a\":1,\"a\":1}"), &out, &err), AS_EUSAGE);
    assert_int_equal(as_json_canonical(AS_LIT("}"), &out, NULL), AS_EUSAGE);
    as_buf_fini(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_accepts),    cmocka_unit_test(test_refuses),
        cmocka_unit_test(test_utf8),       cmocka_unit_test(test_depth),
        cmocka_unit_test(test_walk),       cmocka_unit_test(test_walk_of_garbage),
        cmocka_unit_test(test_strings),    cmocka_unit_test(test_is),
        cmocka_unit_test(test_numbers),    cmocka_unit_test(test_guarded_parse),
        cmocka_unit_test(test_known_keys), cmocka_unit_test(test_canonical),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
