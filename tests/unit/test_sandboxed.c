/* test_sandboxed.c -- assay.sandbox/1: a verifier's programs run in the host's sandbox, whether the
 * verifier lives in the host or in a worker. Skipped, by name, where the machine grants no
 * namespaces. SPDX-License-Identifier: Apache-2.0 */
#include "plug/sandboxed.h"
#include "sandbox/sandbox.h"
#include "scoring.h"

#include <string.h>

typedef struct row {
    const char *program, *told;
} row;

/* What runs.c tells: the script's status and output, the calls' status, the first's value, the
 * second's status. */
static const row rows[] = {
    { "def f(x):\n    return x + 1\nprint(input())", "0 7\n|0 i21; 2|TypeError" },
    { "def f(x):\n    return x * 2\n", "0 |0 i40; 0|" },
    { "def f(:", "3 |3 - 3|SyntaxError" },
    { "import os\nos._exit(0)", "0 |10 - 10|" },
    { "import socket\nsocket.socket()", "9 |9 - 9|" },
};
enum { N_ROWS = sizeof rows / sizeof *rows, N = 40 };

static as_items programs(as_arena *arena)
{
    as_str *completion = as_arena_calloc(arena, N, sizeof *completion);
    as_str *reference = as_arena_calloc(arena, N, sizeof *reference);
    assert_true(completion && reference);
    for (uint32_t i = 0; i < N; i++) {
        completion[i] = as_arena_fmt(arena, "%s\n# %u", rows[i % N_ROWS].program, i);
        reference[i] = AS_LIT("i21;");
    }
    assay_batch b = { .size = sizeof b, .n = N, .completion = completion, .reference = reference };
    as_items items;
    assert_int_equal(as_items_of_batch(&items, &b, arena, NULL), 0);
    return items;
}

static void programs_run(as_isolation isolation)
{
    as_arena arena;
    as_results r;
    as_err err = { 0 };
    as_arena_init(&arena, 0);
    as_items items = programs(&arena);
    const as_scorer_options options = { .isolation = isolation, .threads = 2, .timeout_ms = 60000 };
    as_scorer *s = open_scorer(plugin("runs", NULL, NULL), &options);
    assert_int_equal(as_scorer_is_inproc(s), isolation == AS_ISOLATION_INPROC);
    if (as_scorer_score(s, &items, 0, &arena, &r, &err) < 0)
        fail_msg("%s", err.text);
    for (uint32_t i = 0; i < N; i++) {
        const row *want = &rows[i % N_ROWS];
        if (strncmp(reason_of(&r, i), want->told, strlen(want->told)) != 0)
            fail_msg("%s: told \"%s\", expected \"%s\"", want->program, reason_of(&r, i),
                     want->told);
        assert_int_equal(r.verdict[i], i % N_ROWS ? ASSAY_FAIL : ASSAY_PASS);
    }
    as_scorer_close(s);
    as_arena_fini(&arena);
}

static void test_in_process(void **state)
{
    (void)state;
    programs_run(AS_ISOLATION_INPROC);
    programs_run(AS_ISOLATION_INPROC); /* closed with its last user, and opened again */
}

static void test_in_worker(void **state)
{
    (void)state;
    programs_run(AS_ISOLATION_WORKER);
}

/* Programs run in the host's sandbox, of which a jail has no part. */
static void test_in_jail(void **state)
{
    (void)state;
    as_scorer *s = NULL;
    as_err err = { 0 };
    const as_scorer_options options = { .isolation = AS_ISOLATION_JAIL };
    if (as_scorer_open(&s, registry, plugin("runs", NULL, NULL), &options, &err) == AS_ESANDBOX)
        skip(); /* a layer is missing, or a sanitizer is in the way */
    assert_non_null(s);
    assert_int_equal(as_scorer_isolation(s), AS_ISOLATION_JAIL);
    as_scorer_close(s);
    programs_run(AS_ISOLATION_JAIL);
}

static int stop_at_once(void *ctx)
{
    ++*(unsigned *)ctx;
    return 1;
}

static void test_stop_and_nonsense(void **state)
{
    (void)state;
    as_err err = { 0 };
    as_kept kept;
    unsigned asked = 0;
    assay_run good = { .size = sizeof good, .source = AS_LIT("while True: pass") };
    assay_run *const jobs[] = { &good };
    as_kept_init(&kept);
    assert_int_equal(as_sandboxed_hold(&err), 0);
    assert_int_equal(as_sandboxed_run(jobs, 1, &kept, stop_at_once, &asked, &err), AS_EINTR);
    assert_int_equal(good.status, ASBX_ERROR);
    assert_int_equal(asked, 1);
    assay_run bad[] = { good, good, good };
    bad[0].size = 8;
    bad[1].n_calls = 1;
    bad[2].source = (as_str){ NULL, 0 };
    for (size_t i = 0; i < 3; i++) {
        assay_run *const one[] = { &bad[i] };
        assert_int_equal(as_sandboxed_run(one, 1, &kept, NULL, NULL, NULL), AS_EUSAGE);
    }
    as_sandboxed_release();
    as_kept_fini(&kept);
}

static void test_wire(void **state)
{
    (void)state;
    as_err err = { 0 };
    as_arena arena;
    as_buf b;
    uint32_t n = 0;
    assay_run **back = NULL;
    const as_str calls[] = { AS_LIT("(0"), { NULL, 0 } }, name = AS_LIT("a"), data = AS_LIT("x\0y");
    assay_run run = { .size = sizeof run,
                      .source = AS_LIT("s"),
                      .entry_point = "f",
                      .calls = calls,
                      .n_calls = 2,
                      .file_name = &name,
                      .file_data = &data,
                      .n_files = 1,
                      .out_kib = 7 };
    assay_run *const jobs[] = { &run };
    as_arena_init(&arena, 0);
    as_buf_init(&b, 1 << 20);
    as_sandboxed_put_jobs(&b, jobs, 1);
    for (size_t len = 0; len < b.len; len += 8) { /* cut anywhere: refused, never read beyond */
        char *part = malloc(len + 1);
        assert_non_null(part);
        memcpy(part, b.data, len);
        as_wire_reader r = as_wire_read((as_str){ part, len });
        assert_int_equal(as_sandboxed_take_jobs(&r, &back, &n, &arena, NULL), AS_EDATA);
        free(part);
    }
    as_wire_reader r = as_wire_read(as_buf_str(&b));
    assert_int_equal(as_sandboxed_take_jobs(&r, &back, &n, &arena, &err), 0);
    assert_int_equal(n, 1);
    assert_string_equal(back[0]->entry_point, "f");
    assert_null(back[0]->language);
    assert_null(back[0]->calls[1].data);
    assert_int_equal(back[0]->file_data[0].len, 3);
    assert_int_equal(back[0]->out_kib, 7);
    as_buf_fini(&b);
    as_arena_fini(&arena);
}

/* What keeps programs from running here; "": nothing. */
static void what_is_missing(char *why, size_t size)
{
    as_err err = { 0 };
    as_kept kept;
    assay_run run = { .size = sizeof run, .source = AS_LIT("pass") };
    assay_run *const jobs[] = { &run };
    as_kept_init(&kept);
    int rc = as_sandboxed_hold(&err);
    if (rc == 0) {
        rc = as_sandboxed_run(jobs, 1, &kept, NULL, NULL, &err);
        as_sandboxed_release();
    }
    bool can = rc == 0 && run.status != ASBX_ERROR;
    (void)snprintf(why, size, "%s", can ? "" : rc ? err.text : run.errors.data);
    as_kept_fini(&kept);
}

int main(void)
{
    char why[300];
    what_is_missing(why, sizeof why);
    if (*why) {
        print_message("SKIP test_sandboxed: %s\n", why);
        return 77;
    }
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_in_process),
                                        cmocka_unit_test(test_in_worker),
                                        cmocka_unit_test(test_in_jail),
                                        cmocka_unit_test(test_stop_and_nonsense),
                                        cmocka_unit_test(test_wire) };
    return cmocka_run_group_tests(tests, open_registry, close_registry);
}
