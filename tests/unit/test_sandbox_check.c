/* test_sandbox_check.c -- opening the sandbox with less than is required, jobs that are refused,
 * and what a job leaves in the way of its supervisor. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/layers.h"
#include "sandbox/sandbox.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

static asbx *box; /* NULL: not on this machine */
static const char *build;

static asbx_text text(const char *s)
{
    return (asbx_text){ s, strlen(s) };
}

static void need_box(void)
{
    if (!box)
        skip();
}

/* ---- layers ---- */

static void test_layers(void **state)
{
    (void)state;
    asbx_layer all[ASBX_LAYERS];
    const char *level = NULL;
    uint32_t n = asbx_check(all, &level);
    assert_int_equal(n, ASBX_LAYERS);
    assert_in_range(layers_rank(level), 0, 3);
    for (uint32_t i = 0; i < n; i++) {
        assert_true(all[i].name[0] && all[i].protects[0] && all[i].found[0]);
        assert_true(all[i].state == ASBX_LAYER_ON || all[i].cure[0] ||
                    strncmp(all[i].found, "not tried", 9) == 0);
        assert_true(all[i].state != ASBX_LAYER_ON || !all[i].cure[0]);
        for (uint32_t k = 0; k < i; k++)
            assert_string_not_equal(all[i].name, all[k].name);
    }
}

static void test_cures(void **state)
{
    (void)state;
    static const char *const places[][2] = {
        { "host", "sysctl" },
        { "docker", "docker run --security-opt seccomp=" },
        { "podman", "podman run --security-opt seccomp=" },
        { "kubernetes", "securityContext" },
    };
    for (size_t p = 0; p < 4; p++) {
        assert_non_null(strstr(layers_cure(LAYER_USER, places[p][0]), places[p][1]));
        for (int i = 0; i < LAYERS; i++) {
            const char *cure = layers_cure((layer_id)i, places[p][0]);
            assert_true(cure && cure[0] && strlen(cure) < sizeof((asbx_layer *)0)->cure);
        }
    }
    assert_non_null(strstr(layers_cure(LAYER_SECCOMP, "docker"), "seccomp=unconfined"));
    assert_non_null(strstr(layers_cure(LAYER_PID, "docker"), "--cap-add SYS_ADMIN"));
}

static void test_require(void **state)
{
    (void)state;
    asbx_error err = { "" };
    const asbx_options unknown = { .helper_dir = build, .require = "total" };
    assert_null(asbx_open(&unknown, &err));
    assert_non_null(strstr(err.text, "\"total\""));
    const asbx_options nowhere = { .helper_dir = "/no.where" };
    assert_null(asbx_open(&nowhere, &err));
    assert_non_null(strstr(err.text, "/no.where"));
    assert_int_equal(layers_rank("none"), 0);
    assert_int_equal(layers_rank("strong"), 3);
    assert_int_equal(layers_rank(""), -1);
}

static void test_helper_that_says_nothing(void **state)
{
    (void)state;
    asbx_layer all[ASBX_LAYERS];
    const char *level = NULL;
    assert_int_equal(layers_check("/no.where", NULL, all, &level), ASBX_LAYERS);
    assert_string_equal(level, "none");
    for (int i = 0; i < LAYERS; i++) {
        assert_int_equal(all[i].state, ASBX_LAYER_OFF);
        assert_non_null(strstr(all[i].found, "No such file"));
        assert_non_null(strstr(all[i].cure, "assay-box"));
    }
}

/* ---- refusals ---- */

static void expect_refused(const asbx_job *job, const char *part)
{
    asbx_result *r = asbx_run(box, job);
    assert_non_null(r);
    if (r->status != ASBX_ERROR || !strstr(r->note, part))
        fail_msg("%s: \"%s\", expected \"%s\"", asbx_status_word(r->status), r->note, part);
    asbx_result_free(r);
}

static void test_names(void **state)
{
    (void)state;
    need_box();
    char long_name[300];
    memset(long_name, 'a', sizeof long_name);
    const asbx_text names[] = { text("../x"),  text("/etc/x"),
                                text("."),     text(".."),
                                text(""),      text("a/b"),
                                { "a\0b", 3 }, { long_name, sizeof long_name } };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        const asbx_file f = { .name = names[i], .data = text("x") };
        const asbx_job job = { .language = "exec",
                               .policy = "compile",
                               .entry_point = "/bin/cat\0x",
                               .entry_len = 11,
                               .files = &f,
                               .n_files = 1 };
        expect_refused(&job, "a file's name");
    }
    const asbx_file f = { .name = text("..x"), .data = text("hello") };
    const asbx_job job = { .language = "exec",
                           .policy = "compile",
                           .entry_point = "/bin/cat\0..x",
                           .entry_len = 13,
                           .files = &f,
                           .n_files = 1 };
    asbx_result *r = asbx_run(box, &job);
    assert_int_equal(r->status, ASBX_OK);
    assert_int_equal(r->output.len, 5);
    asbx_result_free(r);
}

static void test_wrong_jobs(void **state)
{
    (void)state;
    need_box();
    const asbx_job none = { .source = { NULL, 5 } };
    expect_refused(&none, "no bytes");
    const asbx_job calls = { .source = text("pass"), .n_calls = 3 };
    expect_refused(&calls, "no bytes");
    const asbx_job language = { .language = "cobol", .source = text("") };
    expect_refused(&language, "no language");
    const asbx_job policy = { .policy = "free", .source = text("") };
    expect_refused(&policy, "no policy");
    const asbx_text garbage = text("i1;");
    const asbx_job arguments = {
        .source = text("def f(): pass"), .entry_point = "f", .calls = &garbage, .n_calls = 1
    };
    asbx_result *r = asbx_run(box, &arguments);
    assert_int_equal(r->status, ASBX_ERROR);
    asbx_result_free(r);
}

static void test_interpreter_missing(void **state)
{
    (void)state;
    need_box();
    asbx_error err = { "" };
    const asbx_options options = { .slots = 1, .helper_dir = build, .python = "/no.where/python3" };
    asbx *s = asbx_open(&options, &err);
    assert_non_null(s);
    const asbx_job job = { .source = text("print(1)") };
    asbx_result *r = asbx_run(s, &job);
    assert_int_equal(r->status, ASBX_ERROR);
    assert_non_null(strstr(r->note, "/no.where/python3"));
    assert_non_null(strstr(r->note, "No such file"));
    asbx_result_free(r);
    asbx_close(s);
}

/* ---- what a command leaves instead of its file ---- */

static void test_no_file(void **state)
{
    (void)state;
    need_box();
    static const struct {
        const char *words;
        size_t len;
    } rows[] = {
#define WORDS(s) { (s), sizeof(s) }
        WORDS("/usr/bin/mkfifo\0a.out"),
        WORDS("/bin/ln\0-s\0/usr/bin/env\0a.out"),
        WORDS("/bin/ln\0/usr/bin/env\0a.out"),
        WORDS("/bin/mkdir\0a.out"),
        WORDS("/usr/bin/touch\0a.out"),
        WORDS("/usr/bin/true"),
        WORDS("/no.where"),
        WORDS("/bin/sh\0-c\0mkfifo a.out; exit 0"),
        WORDS("/bin/sh\0-c\0ln -s /dev/zero a.out; exit 0"),
    };
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        const asbx_text call = text("(0");
        const asbx_job job = { .language = "exec",
                               .policy = "compile",
                               .entry_point = rows[i].words,
                               .entry_len = rows[i].len,
                               .calls = &call,
                               .n_calls = 1,
                               .limits = { .wall_ms = 5000 } };
        asbx_result *r = asbx_run(box, &job);
        assert_non_null(r);
        if (r->status == ASBX_ERROR || r->status == ASBX_TLE_WALL || r->values[0].status == ASBX_OK)
            fail_msg("%s %s: %s, value %s; %s", rows[i].words,
                     rows[i].words + strlen(rows[i].words) + 1, asbx_status_word(r->status),
                     asbx_status_word(r->values[0].status), r->note);
        asbx_result_free(r);
    }
}

/* ---- sources ---- */

typedef struct source {
    const char *name, *language, *head, *part, *tail;
    unsigned times;
    asbx_status status;
} source;

static const source sources[] = {
    { "one line of a megabyte", "python", "", "x=1;", "print(x)", 250000, ASBX_OK },
    { "a text of a megabyte", "python", "x='", "aaaa", "'", 250000, ASBX_OK },
    { "a long sum", "python", "x=", "1+", "1", 200000, ASBX_COMPILE_ERROR },
    { "parentheses", "python", "", "(", "", 100000, ASBX_COMPILE_ERROR },
    { "minus", "python", "", "-", "1", 100000, ASBX_COMPILE_ERROR },
    { "attributes", "python", "a", ".a", "", 200000, ASBX_COMPILE_ERROR },
    { "not UTF-8", "python", "x='", "\xff", "'", 1, ASBX_COMPILE_ERROR },
    { "bad encoding", "python", "# coding: ", "nonsense", "\n", 1, ASBX_COMPILE_ERROR },
    { "CRLF", "python", "", "x=1\r\n", "", 3, ASBX_OK },
    { "nothing", "python", "", "", "", 0, ASBX_OK },
    { "nothing", "c", "", "", "", 0, ASBX_COMPILE_ERROR },
    { "parentheses", "c", "int main(void){return ", "(", "", 200000, ASBX_COMPILE_ERROR },
    { "braces", "c", "int main(void)", "{", "", 200000, ASBX_COMPILE_ERROR },
    { "not UTF-8", "c", "int main(void){return ", "\xff", ";}", 1, ASBX_COMPILE_ERROR },
    { "one line", "c", "int main(void){int x=0;", "x++;", "return 0;}", 50000, ASBX_OK },
};

static void test_sources(void **state)
{
    (void)state;
    need_box();
    for (size_t i = 0; i < sizeof sources / sizeof *sources; i++) {
        const source *s = &sources[i];
        size_t part = strlen(s->part), len = strlen(s->head);
        char *all = malloc(len + part * s->times + strlen(s->tail) + 1);
        assert_non_null(all);
        memcpy(all, s->head, len + 1);
        for (unsigned k = 0; k < s->times; k++, len += part)
            memcpy(all + len, s->part, part + 1);
        memcpy(all + len, s->tail, strlen(s->tail) + 1);
        const asbx_job job = { .language = s->language,
                               .source = { all, len + strlen(s->tail) },
                               .limits = { .cpu_ms = 10000, .wall_ms = 30000 } };
        asbx_result *r = asbx_run(box, &job);
        assert_non_null(r);
        if (r->status != s->status)
            fail_msg("%s (%s): %s, expected %s; %s", s->name, s->language,
                     asbx_status_word(r->status), asbx_status_word(s->status), r->note);
        asbx_result_free(r);
        free(all);
    }
}

static void test_nul_in_source(void **state)
{
    (void)state;
    need_box();
    static const char program[] = "print(1)\0print(2)\n";
    const asbx_job job = { .source = { program, sizeof program - 1 } };
    asbx_result *r = asbx_run(box, &job);
    assert_int_equal(r->status, ASBX_COMPILE_ERROR);
    assert_int_equal(r->output.len, 0);
    asbx_result_free(r);
}

int main(void)
{
    build = getenv("ASSAY_BUILD");
    asbx_error err = { "" };
    const asbx_options options = { .slots = 1, .helper_dir = build };
    box = asbx_open(&options, &err);
    if (!box)
        print_message("SKIP the jobs of test_sandbox_check: %s\n", err.text);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_layers),
        cmocka_unit_test(test_cures),
        cmocka_unit_test(test_require),
        cmocka_unit_test(test_helper_that_says_nothing),
        cmocka_unit_test(test_names),
        cmocka_unit_test(test_wrong_jobs),
        cmocka_unit_test(test_interpreter_missing),
        cmocka_unit_test(test_no_file),
        cmocka_unit_test(test_sources),
        cmocka_unit_test(test_nul_in_source),
    };
    int rc = cmocka_run_group_tests(tests, NULL, NULL);
    asbx_close(box);
    return rc == 0 && !box ? 77 : rc;
}
