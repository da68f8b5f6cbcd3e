/* test_sandbox.c -- real programs in the real sandbox: what each word is given for. Skipped, by
 * name, where the machine grants no namespaces. SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/sandbox.h"

#include <stdlib.h>
#include <string.h>

static asbx *box;

static asbx_text text(const char *s)
{
    return (asbx_text){ s, strlen(s) };
}

static asbx_result *run(const char *language, const char *source, const char *input)
{
    const asbx_job job = { .language = language,
                           .source = text(source),
                           .input = text(input),
                           .limits = { .cpu_ms = 1000,
                                       .wall_ms = strstr(source, "sleep") ? 2000 : 30000 } };
    asbx_result *r = asbx_run(box, &job);
    assert_non_null(r);
    return r;
}

typedef struct row {
    const char *source;
    asbx_status status;
    const char *output; /* NULL: not looked at */
} row;

static const row rows[] = {
    { "print('ok')", ASBX_OK, "ok\n" },
    { "import sys\nprint(int(sys.stdin.readline()) * 2)", ASBX_OK, "42\n" },
    { "print(input())", ASBX_OK, "21\n" },
    { "import sys\nsys.exit(0)", ASBX_OK, "" },
    { "import sys\nsys.exit(3)", ASBX_RUNTIME_ERROR, "" },
    { "1/0", ASBX_RUNTIME_ERROR, "" },
    { "def f(:", ASBX_COMPILE_ERROR, "" },
    { "x = '\xff'", ASBX_COMPILE_ERROR, "" },
    { "while True: pass", ASBX_TLE_CPU, "" },
    { "import time\ntime.sleep(60)", ASBX_TLE_WALL, "" },
    { "x = 'a' * 10**10", ASBX_MLE, "" },
    { "print('x' * 10**8)", ASBX_OLE, NULL },
    { "import socket\nsocket.socket()", ASBX_VIOLATION, "" },
    { "import os\nos.fork()", ASBX_VIOLATION, "" },
    { "import os\nos.execv('/bin/sh', ['sh'])", ASBX_VIOLATION, "" },
    { "open('/tmp/x', 'w')", ASBX_RUNTIME_ERROR, "" },
    { "open('/etc/passwd')", ASBX_RUNTIME_ERROR, "" },
    { "import ctypes\nctypes.string_at(0)", ASBX_RUNTIME_ERROR, "" },
    { "import os\nprint(sorted(os.environ))", ASBX_OK, "['LANG', 'LC_ALL', 'PATH']\n" },
    { "import os\nprint(os.getpid())", ASBX_OK, "1\n" },
    /* the system's packages are there, and one thread is enough for them */
    { "try: import numpy\nexcept ImportError: print(10)\nelse: print(int((numpy.ones((300, 300)) @ "
      "numpy.ones(300))[0]) // 30)",
      ASBX_OK, "10\n" },
};

static void test_words(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof rows / sizeof *rows; i++) {
        asbx_result *r = run("python", rows[i].source, "21\n");
        if (r->status != rows[i].status ||
            (rows[i].output && (r->output.len != strlen(rows[i].output) ||
                                memcmp(r->output.data, rows[i].output, r->output.len) != 0)))
            fail_msg("%s: %s, expected %s; wrote \"%.*s\"; %s; %.*s", rows[i].source,
                     asbx_status_word(r->status), asbx_status_word(rows[i].status),
                     (int)r->output.len, r->output.data, r->note, (int)r->errors.len,
                     r->errors.data);
        asbx_result_free(r);
    }
}

static void test_calls(void **state)
{
    (void)state;
    const asbx_text calls[] = { text("(1[3i3;i1;i2;"), text("(1i5;"), text("(1[0") };
    asbx_job job = { .language = "python",
                     .source = text("def f(x):\n    return sorted(x)\n"),
                     .entry_point = "f",
                     .calls = calls,
                     .n_calls = 3 };
    asbx_result *r = asbx_run(box, &job);
    assert_int_equal(r->status, ASBX_OK);
    assert_int_equal(r->values[0].status, ASBX_OK);
    assert_memory_equal(r->values[0].value.data, "[3i1;i2;i3;", 11);
    assert_int_equal(r->values[1].status, ASBX_RUNTIME_ERROR);
    assert_int_equal(r->values[2].status, ASBX_OK);
    asbx_result_free(r);
    job.source = text("import os\nos._exit(0)\n"); /* a program that ends has given no result */
    r = asbx_run(box, &job);
    assert_int_equal(r->status, ASBX_NO_RESULT);
    assert_int_equal(r->values[0].status, ASBX_NO_RESULT);
    asbx_result_free(r);
    job.source =
        text("class E(list):\n    def __eq__(self, o): return True\ndef f(x): return E()\n");
    r = asbx_run(box, &job); /* a subclass is a value of another type */
    assert_int_equal(r->values[0].status, ASBX_OK);
    assert_memory_equal(r->values[0].value.data, "?1:E", 4);
    asbx_result_free(r);
}

static void test_native(void **state)
{
    (void)state;
    asbx_result *r = run("c",
                         "#include <stdio.h>\nint main(void){int "
                         "x;scanf(\"%d\",&x);printf(\"%d\\n\",2*x);return 0;}",
                         "21");
    if (r->status != ASBX_OK)
        fail_msg("%s %s %.*s", asbx_status_word(r->status), r->note, (int)r->errors.len,
                 r->errors.data);
    assert_memory_equal(r->output.data, "42\n", 3);
    asbx_result_free(r);
    r = run("c", "int main(void){return x;}", "");
    assert_int_equal(r->status, ASBX_COMPILE_ERROR);
    asbx_result_free(r);
    r = run("c",
            "#include <unistd.h>\nint main(void){execl(\"/bin/sh\",\"sh\",(char*)0);return 0;}",
            "");
    assert_int_equal(r->status, ASBX_VIOLATION);
    asbx_result_free(r);
}

/* A fresh fork each time: nothing one job does is there in the next. */
static void test_nothing_stays(void **state)
{
    (void)state;
    asbx_result_free(run("python", "import builtins\nbuiltins.sorted = lambda x: 'poisoned'", ""));
    asbx_result *r = run("python", "print(sorted([2, 1]))", "");
    assert_memory_equal(r->output.data, "[1, 2]\n", 7);
    asbx_result_free(r);
}

int main(void)
{
    asbx_error err = { "" };
    const char *build = getenv("ASSAY_BUILD");
    const asbx_options options = { .slots = 1, .helper_dir = build };
    box = asbx_open(&options, &err);
    if (!box) {
        print_error("%s\n", err.text);
        return 1;
    }
    asbx_result *r = run("python", "pass", "");
    bool can = r->status != ASBX_ERROR;
    if (!can)
        print_message("SKIP test_sandbox: %s\n", r->note);
    asbx_result_free(r);
    const struct CMUnitTest tests[] = { cmocka_unit_test(test_words), cmocka_unit_test(test_calls),
                                        cmocka_unit_test(test_native),
                                        cmocka_unit_test(test_nothing_stays) };
    int rc = can ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
    asbx_close(box);
    return rc;
}
