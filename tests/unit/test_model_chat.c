/* test_model_chat.c -- templates against the strings of transformers' renderer (tests/golden/chat),
 * the compiled-in families, refusals by template, line and construct, and the bounds of a
 * rendering. SPDX-License-Identifier: Apache-2.0 */
#include "model/chat.h"

#include "golden.h"
#include "temp.h"

/* In the arena. */
static as_str printed(const cJSON *value, as_arena *arena)
{
    char *text = cJSON_PrintUnformatted(value);
    as_str s = as_arena_str(arena, as_str_of(text));
    cJSON_free(text);
    return s;
}

static void check_spans(const cJSON *wanted, const as_jinja_spans *spans, const char *name)
{
    if (spans->n != (size_t)cJSON_GetArraySize(wanted))
        fail_msg("%s: %zu spans, expected %d", name, spans->n, cJSON_GetArraySize(wanted));
    const cJSON *one;
    size_t i = 0;
    cJSON_ArrayForEach(one, wanted)
    {
        assert_int_equal(spans->spans[i][0], cJSON_GetArrayItem(one, 0)->valueint);
        assert_int_equal(spans->spans[i++][1], cJSON_GetArrayItem(one, 1)->valueint);
    }
}

static void test_golden_templates(void **state)
{
    (void)state;
    cJSON *root = golden_json("chat/golden.json");
    as_jinja_variable v[16];
    as_jinja_options options = { .variables = v };
    as_arena arena;
    as_arena_init(&arena, 0);
    const cJSON *one;
    cJSON_ArrayForEach(one, golden_member(root, "variables")) v[options.n_variables++] =
        (as_jinja_variable){ one->string, printed(one, &arena) };
    int n = 0;
    cJSON_ArrayForEach(one, golden_member(root, "templates"))
    {
        const char *name = golden_member(one, "name")->valuestring;
        as_jinja *j;
        as_err err = { 0 };
        AS_CLEANUP(buf) as_buf out;
        as_jinja_spans spans = { 0 };
        as_buf_init(&out, 1 << 20);
        as_buf_text(&out, "before"); /* spans do not count it */
        if (as_jinja_parse(&j, as_str_of(golden_member(one, "template")->valuestring), name, &err) <
                0 ||
            as_jinja_render(j, &options, &out, &spans, &err) < 0)
            fail_msg("%s", err.text);
        assert_memory_equal(out.data, "before", 6);
        if (strcmp(out.data + 6, golden_member(one, "text")->valuestring) != 0)
            fail_msg("%s:\n%s\nexpected:\n%s", name, out.data + 6,
                     golden_member(one, "text")->valuestring);
        check_spans(golden_member(one, "spans"), &spans, name);
        as_jinja_spans_fini(&spans);
        as_jinja_free(j);
        n++;
    }
    assert_true(n >= 23);
    as_arena_fini(&arena);
    cJSON_Delete(root);
}

static void check_family(const cJSON *one)
{
    as_chat *chat;
    as_err err = { 0 };
    AS_CLEANUP(buf) as_buf out;
    as_jinja_spans spans = { 0 };
    as_arena arena;
    as_arena_init(&arena, 0);
    as_buf_init(&out, 1 << 20);
    assert_int_equal(
        as_chat_open_family(&chat, golden_member(one, "family")->valuestring, NULL, &err), 0);
    as_chat_request r = { .messages = printed(golden_member(one, "messages"), &arena),
                          .variables = printed(golden_member(one, "variables"), &arena),
                          .opens_answer = cJSON_IsTrue(golden_member(one, "prompt")) };
    if (as_chat_render(chat, &r, &out, &spans, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(out.data, golden_member(one, "text")->valuestring);
    size_t n_answers = 0;
    const cJSON *message;
    cJSON_ArrayForEach(message, golden_member(one, "messages")) n_answers +=
        strcmp(golden_member(message, "role")->valuestring, "assistant") == 0;
    assert_int_equal(spans.n, n_answers);
    as_arena_fini(&arena);
    as_jinja_spans_fini(&spans);
    as_chat_free(chat);
}

static void test_families(void **state)
{
    (void)state;
    cJSON *root = golden_json("chat/golden.json");
    const cJSON *one;
    cJSON_ArrayForEach(one, golden_member(root, "families")) check_family(one);
    cJSON_Delete(root);
    as_chat *chat;
    as_err err = { 0 };
    assert_int_equal(as_chat_open_family(&chat, "alpaca", NULL, &err), AS_EUSAGE);
    assert_string_equal(err.text, "chat family \"alpaca\" unknown (known: plain, chatml, qwen2.5, "
                                  "qwen3, llama3, smollm2, zephyr)");
}

/* The golden conversations of the tiny models, by the templates in their folders. */
static void test_tiny(void **state)
{
    static const char *const folders[] = { "models/tiny_qwen2", "models/tiny_llama",
                                           "models/tiny_qwen3" };
    (void)state;
    for (size_t f = 0; f < 3; f++) {
        char path[512], file[100];
        as_chat *chat;
        as_err err = { 0 };
        golden_path(path, sizeof path, folders[f]);
        (void)snprintf(file, sizeof file, "%s/golden_tokenizer.json", folders[f]);
        cJSON *root = golden_json(file);
        assert_int_equal(as_chat_open(&chat, path, &err), 0);
        const cJSON *one;
        cJSON_ArrayForEach(one, golden_member(root, "chat"))
        {
            AS_CLEANUP(buf) as_buf out;
            as_arena arena;
            as_arena_init(&arena, 0);
            as_buf_init(&out, 1 << 20);
            as_chat_request r = { .messages = printed(golden_member(one, "messages"), &arena),
                                  .opens_answer = true };
            assert_int_equal(as_chat_render(chat, &r, &out, NULL, &err), 0);
            assert_string_equal(out.data, golden_member(one, "rendered")->valuestring);
            as_arena_fini(&arena);
        }
        as_chat_free(chat);
        cJSON_Delete(root);
    }
}

static void write_file(const char *name, const char *text)
{
    assert_int_equal(as_file_write_atomic(temp_path(name), as_str_of(text), NULL), 0);
}

static void check_rendered(const as_chat *chat, const char *tools, const char *wanted)
{
    AS_CLEANUP(buf) as_buf out;
    as_err err = { 0 };
    as_buf_init(&out, 1000);
    const as_chat_request r = { .messages = AS_LIT("[]"), .tools = as_str_of(tools) };
    if (as_chat_render(chat, &r, &out, NULL, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(out.data, wanted);
}

static void test_folders(void **state)
{
    as_chat *chat;
    as_err err = { 0 };
    (void)state;
    assert_int_equal(as_chat_open(&chat, temp_folder, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "has no chat template"));
    write_file("tokenizer_config.json",
               "{\"bos_token\":{\"content\":\"<b>\"},\"eos_token\":\"\\u00e9\",\"pad_token\":null,"
               "\"chat_template\":"
               "[{\"name\":\"default\",\"template\":\"{{ bos_token }}{{ eos_token }}{{ pad_token "
               "is defined }}\"},"
               "{\"name\":\"tool_use\",\"template\":\"{{ tools | length }}\"}]}");
    assert_int_equal(as_chat_open(&chat, temp_folder, &err), 0);
    check_rendered(chat, NULL,
                   "<b>\xC3\xA9"
                   "False");
    check_rendered(chat, "[1,2]", "2");
    as_chat_free(chat);
    write_file("chat_template.jinja", "file {{ bos_token }}");
    assert_int_equal(as_chat_open(&chat, temp_folder, &err), 0);
    check_rendered(chat, "[1,2]", "file <b>");
    as_chat_free(chat);
    assert_int_equal(as_chat_open_family(&chat, "llama3", temp_folder, &err), 0);
    check_rendered(chat, NULL, "<b>");
    AS_CLEANUP(buf) as_buf out;
    as_buf_init(&out, 1000);
    err = (as_err){ 0 };
    assert_int_equal(
        as_chat_render(chat, &(as_chat_request){ .messages = AS_LIT("[]"), .tools = AS_LIT("[]") },
                       &out, NULL, &err),
        AS_EDATA);
    err = (as_err){ 0 };
    assert_int_equal(
        as_chat_render(chat, &(as_chat_request){ .messages = AS_LIT("[{\"role\":\"tool\"}]") },
                       &out, NULL, &err),
        AS_EDATA);
    assert_non_null(strstr(err.text, "no form for tools and the role tool"));
    as_chat_free(chat);
    write_file("chat_template.jinja", "{% include 'x' %}");
    err = (as_err){ 0 };
    assert_int_equal(as_chat_open(&chat, temp_folder, &err), AS_EDATA);
    assert_non_null(
        strstr(err.text, "chat_template.jinja: line 1: the tag {% include %} is not implemented"));
}

/* ---- refusals ---- */

static int render(const char *template, const char *messages, as_buf *out, as_err *err)
{
    as_jinja *j;
    const as_jinja_variable v = { "messages", as_str_of(messages) };
    const as_jinja_options options = { &v, 1, 1700000000 };
    int rc = as_jinja_parse(&j, as_str_of(template), "t", err);
    if (rc < 0)
        return rc;
    rc = as_jinja_render(j, &options, out, NULL, err);
    as_jinja_free(j);
    return rc;
}

static void check_refused(const char *template, int code, const char *words)
{
    AS_CLEANUP(buf) as_buf out;
    as_err err = { 0 };
    as_buf_init(&out, 1 << 30);
    as_buf_text(&out, "kept");
    int rc = render(template, "[1]", &out, &err);
    if (rc != code || strncmp(err.text, "t: line ", 8) != 0 || !strstr(err.text, words))
        fail_msg("%s: %d \"%s\", expected %d \"%s\"", template, rc, err.text, code, words);
    assert_string_equal(out.data, "kept");
}

static void test_refusals(void **state)
{
    (void)state;
    check_refused("a\n\n{{ x | nosuch }}", AS_EDATA,
                  "line 3: the filter \"nosuch\" is not implemented");
    check_refused("{{ x is nosuch }}", AS_EDATA, "the test \"nosuch\" is not implemented");
    check_refused("{% block a %}", AS_EDATA, "the tag {% block %}");
    check_refused("{% endif %}", AS_EDATA,
                  "the tag {% endif %} is not implemented or does not belong here");
    check_refused("{% if true %}\nx", AS_EDATA,
                  "line 2: the template ends where {% elif %} was expected");
    check_refused("{{ 1", AS_EDATA, "is not closed");
    check_refused("{{ 'a }}", AS_EDATA, "a string is not closed");
    check_refused("{# a", AS_EDATA, "a comment");
    check_refused("{{ 1 2 }}", AS_EDATA, "the end of the tag was expected, not 2");
    check_refused("{{ }}", AS_EDATA, "an expression was expected, not the end of the tag");
    check_refused("{{ (1 }}", AS_EDATA, "");
    check_refused("{{ ` }}", AS_EDATA, "the character 0x60");
    check_refused("{{ f(*x) }}", AS_EDATA, "arguments by *");
    check_refused("{{ 99999999999999999999 }}", AS_EDATA, "too large");
    check_refused("{% for x in y recursive %}{% endfor %}", AS_EDATA, "recursive loops");
    check_refused("{% break %}", AS_EDATA, "belong into a loop");
    check_refused("{{ x.y }}", AS_EDATA, "\"x\" is undefined");
    check_refused("{{ x() }}", AS_EDATA, "\"x\" is undefined");
    check_refused("{{ 'a'.encode() }}", AS_EDATA, "\"encode\" is undefined, or not implemented");
    check_refused("{{ 1 + 'a' }}", AS_EDATA, "+ of int and str");
    check_refused("{{ 1 / 0 }}", AS_EDATA, "division by zero");
    check_refused("{{ 9223372036854775807 + 1 }}", AS_EDATA, "too large");
    check_refused("{{ none | length }}", AS_EDATA, "NoneType cannot be walked over");
    check_refused("{% set x.y = 1 %}", AS_EDATA, "\"x\" is no namespace");
    check_refused("{% set a, b = [1] %}", AS_EDATA, "1 values for 2 names");
    check_refused("{{ {1: 2} }}", AS_EDATA, "keys of dictionaries are texts");
    check_refused("{{ strftime_now('%Q') }}", AS_EDATA, "a directive of \"%Q\"");
    check_refused("\n{{ raise_exception('no, ' ~ messages[0]) }}", AS_EDATA,
                  "line 2: the template refuses: no, 1");
    check_refused("{% macro f(a) %}{% endmacro %}{{ f(1, 2) }}", AS_EDATA,
                  "arguments that it does not have");
}

static void test_bounds(void **state)
{
    (void)state;
    check_refused("{% for i in range(99999) %}{% for i in range(99999) %}{% endfor %}{% endfor %}",
                  AS_EBUDGET, "does not end");
    check_refused("{% macro f() %}{{ f() }}{% endmacro %}{{ f() }}", AS_EDATA, "nested deeper");
    check_refused("{% set ns = namespace(x='ab') %}{% for i in range(60) %}{% set ns.x = ns.x + "
                  "ns.x %}{% endfor %}",
                  AS_EBUDGET, "");
    check_refused("{% for i in range(99999) %}{{ 'x' * 60000 }}{% endfor %}", AS_EBUDGET, "");
    check_refused("{% set ns = namespace(x=[]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] "
                  "%}{% endfor %}{{ ns.x == ns.x[0] }}",
                  AS_EDATA, "nested deeper");
    check_refused("{% set ns = namespace(x=[]) %}{% for i in range(2000) %}{% set ns.x = [ns.x] "
                  "%}{% endfor %}{{ ns.x }}",
                  AS_EDATA, "nested too deep");
    check_refused("{% set ns = namespace(x=[1]) %}{% for i in range(60) %}{% set ns.x = [ns.x, "
                  "ns.x] %}{% endfor %}{{ ns.x | tojson }}",
                  AS_EBUDGET, "");
    check_refused("{{ range(100001) }}", AS_EDATA, "range of more than");
    static const char *const opens[] = { "(", "[", "-", "{% if 1 %}", "{{ [" };
    for (size_t i = 0; i < 5; i++) {
        AS_CLEANUP(buf) as_buf text;
        as_buf_init(&text, 1 << 20);
        as_buf_text(&text, opens[i][0] == '{' ? "" : "{{ ");
        for (int k = 0; k < 3000; k++)
            as_buf_text(&text, opens[i]);
        as_err err = { 0 };
        as_jinja *j;
        assert_int_equal(as_jinja_parse(&j, as_buf_str(&text), "t", &err), AS_EDATA);
    }
    AS_CLEANUP(buf) as_buf text, out;
    as_buf_init(&text, 1 << 20);
    as_buf_init(&out, 1 << 20);
    as_buf_text(&text, "{{ 1");
    for (int k = 0; k < 3000; k++)
        as_buf_text(&text, " + 1");
    as_buf_text(&text, " }}");
    as_err err = { 0 };
    assert_int_equal(render(text.data, "[]", &out, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "nested deeper"));
    err = (as_err){ 0 };
    assert_int_equal(render("x", "[", &out, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "t: messages: column 2"));
}

static void test_date(void **state)
{
    (void)state;
    assert_int_equal(setenv("TZ", "UTC", 1), 0);
    AS_CLEANUP(buf) as_buf out;
    as_buf_init(&out, 1000);
    assert_int_equal(
        render("{{ strftime_now('%d %b %Y %H:%M:%S %B %A %a %-d %m %y %I %p %j %%') }}", "[]", &out,
               NULL),
        0);
    assert_string_equal(out.data, "14 Nov 2023 22:13:20 November Tuesday Tue 14 11 23 10 PM 318 %");
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_golden_templates),
        cmocka_unit_test(test_families),
        cmocka_unit_test(test_tiny),
        cmocka_unit_test(test_folders),
        cmocka_unit_test(test_refusals),
        cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_date),
    };
    return cmocka_run_group_tests_name("chat", tests, temp_setup, temp_teardown);
}
