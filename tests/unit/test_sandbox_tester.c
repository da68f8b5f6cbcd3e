/* test_sandbox_tester.c -- tests as programs: the test in one job, what it tests in another. What
 * passes, what fails and as what; and that nothing the tested program does can pass for it.
 * SPDX-License-Identifier: Apache-2.0 */
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>

#include <cmocka.h>

#include "sandbox/sandbox.h"

#include <pthread.h>
#include <stdlib.h>
#include <string.h>

static asbx *box;

static asbx_text text(const char *s)
{
    return (asbx_text){ s, strlen(s) };
}

typedef struct row {
    const char *source, *tester;
    asbx_status status;
    const char *error; /* what tester_error or the note contains; NULL: not looked at */
} row;

#define CHECK "def check(candidate):\n"
#define ADD CHECK "    assert candidate(1, 2) == 3\n    assert candidate(2, 2) == 4, 'four'\n"

static asbx_result *run(const row *r)
{
    bool waits = strstr(r->source, "sleep") || strstr(r->tester, "sleep");
    const asbx_job job = { .language = "python",
                           .source = text(r->source),
                           .entry_point = "f",
                           .tester = text(r->tester),
                           .tester_call = strstr(r->tester, CHECK) ? "check" : NULL,
                           .limits = { .cpu_ms = 1000, .wall_ms = waits ? 2000 : 30000 } };
    asbx_result *result = asbx_run(box, &job);
    assert_non_null(result);
    return result;
}

static bool contains(const asbx_result *r, const char *what)
{
    return !what || strstr(r->note, what) ||
           (r->tester_error.len && strstr(r->tester_error.data, what));
}

static void check_row(const row *want)
{
    asbx_result *r = run(want);
    if (r->status != want->status || !contains(r, want->error))
        fail_msg("%s\n-- %s\n%s, expected %s; line %u, %.*s; %s; %u calls", want->source,
                 want->tester, asbx_status_word(r->status), asbx_status_word(want->status),
                 r->tester_line, (int)r->tester_error.len, r->tester_error.data, r->note,
                 r->tester_calls);
    asbx_result_free(r);
}

static void check_rows(const row *rows, size_t n)
{
    for (size_t i = 0; i < n; i++)
        check_row(&rows[i]);
}
#define CHECK_ROWS(rows) check_rows(rows, sizeof(rows) / sizeof *(rows))

/* ---- what a test says ---- */

static const row verdicts[] = {
    { "def f(a, b): return a + b", ADD, ASBX_OK, NULL },
    { "def f(a, b): return a - b", ADD, ASBX_WRONG_ANSWER, "AssertionError" },
    { "def f(a, b): return 3", ADD, ASBX_WRONG_ANSWER, "AssertionError: four" },
    { "def f(a, b): return None", CHECK "    assert candidate(1, 2) + 1 == 4", ASBX_WRONG_ANSWER,
      "TypeError" },
    { "def f(a, b): return 1 / 0", ADD, ASBX_RUNTIME_ERROR, "ZeroDivisionError: division by zero" },
    { "class E(Exception): pass\ndef f(a, b): raise E('so')", ADD, ASBX_RUNTIME_ERROR,
      "Exception: so" },
    { "def f(a, b): raise AssertionError('mine')", ADD, ASBX_RUNTIME_ERROR, "mine" },
    { "def f(a, b): return f(a, b)", ADD, ASBX_RUNTIME_ERROR, "RecursionError" },
    { "def f(a, b): return [0] * 10**10", ADD, ASBX_MLE, NULL },
    { "def g(a, b): return a + b", ADD, ASBX_RUNTIME_ERROR, NULL },
    { "def f(a, b) return a + b", ADD, ASBX_COMPILE_ERROR, NULL },
    { "raise ValueError('early')\ndef f(a, b): return a + b", ADD, ASBX_RUNTIME_ERROR, "early" },
    { "def f(a, b): return a + b", "assert f(1, 2) == 3\nassert candidate(b=1, a=2) == 3", ASBX_OK,
      NULL },
    { "def f(a, b): return a + b", "x = 1\n\nassert f(1, 2) == 4", ASBX_WRONG_ANSWER,
      "AssertionError" },
    { "def f(*a, **k): return [a, k]",
      CHECK "    assert candidate(1, x=2) == [(1,), {'x': 2}]\n"
            "    assert candidate({1: (2, None)}, [b'a', 1.5, 2j, {3}, 10**40]) == [({1: (2, "
            "None)}, [b'a', 1.5, 2j, {3}, 10**40]), {}]",
      ASBX_OK, NULL },
};

static void test_verdicts(void **state)
{
    (void)state;
    CHECK_ROWS(verdicts);
    asbx_result *r = run(&verdicts[2]);
    assert_int_equal(r->tester_line, 3);
    assert_int_equal(r->tester_calls, 2);
    asbx_result_free(r);
}

static const row exceptions[] = {
    { "def f(x): raise KeyError(x)",
      CHECK "    try: candidate('k')\n"
            "    except KeyError as e: assert e.args == ('k',) and str(e) == \"'k'\"\n"
            "    else: assert False",
      ASBX_OK, NULL },
    { "class E(ValueError):\n    def __init__(self, a, b): super().__init__(a + b)\n"
      "def f(x): raise E('a', 'b')",
      CHECK "    try: candidate(1)\n    except ValueError as e: assert str(e) == 'ab'\n"
            "    else: assert False",
      ASBX_OK, NULL },
    { "def f(x): return x",
      CHECK "    try: candidate(1)\n    except ValueError: pass\n    else: assert False, 'none'",
      ASBX_WRONG_ANSWER, "none" },
    { "def f(x): return b'\\xff'.decode()",
      CHECK "    try: candidate(1)\n    except UnicodeDecodeError: pass\n    else: assert False",
      ASBX_OK, NULL },
    /* what would end a loop of the test's does not */
    { "def f(x): raise StopIteration", CHECK "    assert list(map(candidate, [1, 2])) != 3",
      ASBX_RUNTIME_ERROR, "StopIteration" },
    { "import sys\ndef f(x): sys.exit(0)", CHECK "    assert candidate(1) == 1", ASBX_RUNTIME_ERROR,
      "SystemExit" },
};

static void test_exceptions(void **state)
{
    (void)state;
    CHECK_ROWS(exceptions);
}

/* As in one process: what a call does to its arguments is seen. */
static const row arguments[] = {
    { "def f(x): x.sort()",
      CHECK "    a = [3, 1, 2]\n    assert candidate(a) is None\n"
            "    assert a == [1, 2, 3]",
      ASBX_OK, NULL },
    { "def f(x): return sorted(x)",
      CHECK "    a = [3, 1]\n    assert candidate(a) == [1, 3]\n    assert a == [3, 1]", ASBX_OK,
      NULL },
    { "def f(x): return sorted(x)",
      CHECK "    a = [3, 1]\n    candidate(a)\n    assert a == [1, 3]", ASBX_WRONG_ANSWER, NULL },
    { "def f(x): x[0].append(5); x[1]['k'] = 2; x[2].add(9); del x[3:]",
      CHECK "    a, b, c = [1], {'k': 1}, {8}\n    x = [a, b, c, 4, 5]\n    candidate(x)\n"
            "    assert a == [1, 5] and b == {'k': 2} and c == {8, 9} and x == [a, b, c]\n"
            "    assert x[0] is a and x[1] is b and x[2] is c",
      ASBX_OK, NULL },
    { "def f(x, y=None): x[0][0] = 7; y.clear(); raise ValueError",
      CHECK "    a, d = [1], {1: 2}\n    try: candidate((a,), d)\n    except ValueError: pass\n"
            "    assert a == [7] and d == {}",
      ASBX_OK, NULL },
};

static void test_arguments(void **state)
{
    (void)state;
    CHECK_ROWS(arguments);
}

/* A test that is none says nothing about the program. */
static const row unfit[] = {
    { "def f(x): return x", CHECK "    pass", ASBX_ERROR, "never calls" },
    { "def f(x): return x", "def check(candidate) assert", ASBX_ERROR, "SyntaxError" },
    { "def f(x): return x", CHECK "    assert candidate(1) == undefined", ASBX_ERROR, "NameError" },
    { "def f(x): return x", CHECK "    candidate(1)\n    import nowhere", ASBX_ERROR, "Module" },
    { "def f(x): return x", CHECK "    candidate(lambda: 1)", ASBX_ERROR, "no builtin type" },
    { "def f(x): return x", CHECK "    candidate('a' * 2000000)", ASBX_ERROR, "too large" },
    { "def f(x): return x", CHECK "    assert False", ASBX_ERROR, "AssertionError" },
    { "def f(x): return x", CHECK "    candidate(1)\n    import os\n    os._exit(0)", ASBX_ERROR,
      "test program" },
    { "def f(x): return x", CHECK "    candidate(1)\n    import os\n    os.fork()", ASBX_ERROR,
      "test program" },
    { "def f(x): return x", CHECK "    candidate(1)\n    while True: pass", ASBX_TLE_CPU,
      "test program" },
};

static void test_unfit(void **state)
{
    (void)state;
    CHECK_ROWS(unfit);
}

/* ---- tricks: none of them is ok, each test asks for what the program does not give ---- */

#define FOUR CHECK "    assert candidate(2) == 4"
/* wherever the results go */
#define WRITE                                                                                      \
    "import os, struct\n"                                                                          \
    "def to_all(do):\n"                                                                            \
    "    for fd in [3, 4, 5, 6, *range(1090, 1110)]:\n"                                            \
    "        try: do(fd)\n"                                                                        \
    "        except OSError: pass\n"                                                               \
    "def write(*head, rest=b''): to_all(lambda fd: os.write(fd, struct.pack('III', *head) + "      \
    "rest))\n"
#define FORGE(kind)                                                                                \
    WRITE "write(ord('" kind "'), 0, 0)\ndef f(x):\n    write(ord('" kind "'), 1, 0)\n    return " \
          "5"

static const row tricks[] = {
    { "class E:\n    def __eq__(s, o): return True\ndef f(x): return E()", FOUR, ASBX_WRONG_ANSWER,
      NULL },
    { "class E(int):\n    def __eq__(s, o): return True\ndef f(x): return E()", FOUR,
      ASBX_WRONG_ANSWER, NULL },
    { "class E(list):\n    def __eq__(s, o): return True\ndef f(x): return [E()]",
      CHECK "    assert candidate(2) == [[4]]", ASBX_WRONG_ANSWER, NULL },
    { "class E:\n    def __hash__(s): return 4\n    def __eq__(s, o): return True\n"
      "def f(x): return E()",
      CHECK "    assert candidate(2) in {4, 5}", ASBX_WRONG_ANSWER, NULL },
    { "import os\ndef f(x): os._exit(0)", FOUR, ASBX_NO_RESULT, NULL },
    { "import os\nos._exit(0)", FOUR, ASBX_NO_RESULT, NULL },
    { "import sys\nsys.exit(0)", FOUR, ASBX_RUNTIME_ERROR, NULL },
    { "import sys\ndef f(x): sys.exit(0)", FOUR, ASBX_RUNTIME_ERROR, NULL },
    { "import atexit, os\natexit.register(os._exit, 0)\ndef f(x): return 5", FOUR,
      ASBX_WRONG_ANSWER, NULL },
    { "import sys\nsys.excepthook = lambda *a: sys.exit(0)\ndef f(x): 1 / 0", FOUR,
      ASBX_RUNTIME_ERROR, NULL },
    { "", FOUR, ASBX_RUNTIME_ERROR, NULL },
    { "def check(c): pass\ndef f(x): return 5", FOUR, ASBX_WRONG_ANSWER, NULL },
    { "import builtins\nbuiltins.AssertionError = ValueError\ndef f(x): raise ValueError", FOUR,
      ASBX_RUNTIME_ERROR, NULL },
    { FORGE("P"), FOUR, ASBX_WRONG_ANSWER, NULL },
    { FORGE("D"), FOUR, ASBX_WRONG_ANSWER, NULL },
    { FORGE("U"), FOUR, ASBX_WRONG_ANSWER, NULL },
    { FORGE("!"), FOUR, ASBX_WRONG_ANSWER, NULL },
    { FORGE("K"), FOUR, ASBX_WRONG_ANSWER, NULL },
    { FORGE("A"), FOUR, ASBX_WRONG_ANSWER, NULL }, /* an answer that is none */
    { WRITE "def f(x):\n    write(65, 9, 3, rest=b'i4;')\n    return 5", FOUR, ASBX_WRONG_ANSWER,
      NULL },
    { WRITE "def f(x):\n    write(0, 0, 40)\n    while True: pass", FOUR, ASBX_TLE_CPU, NULL },
    { WRITE "def f(x):\n    while True: write(0, 0, 40000, rest=b'x' * 4096)", FOUR, ASBX_OLE,
      NULL },
    { WRITE "def f(x):\n    rest = struct.pack('III', 86, 0, 0) * 5000\n    while True: write(86, "
            "0, 0, rest=rest)",
      FOUR, ASBX_OLE, NULL },
    { WRITE "def f(x):\n    write(65, 1, 0xffffffff)\n    return 4", FOUR, ASBX_TLE_WALL,
      "sleep: the record never ends" },
    { "def f(x):\n    while True: print('x' * 1000)", FOUR, ASBX_OLE, NULL },
    { "def f(x):\n    while True: pass", FOUR, ASBX_TLE_CPU, NULL },
    { "while True: pass", FOUR, ASBX_TLE_CPU, NULL },
    { "import time\ndef f(x): time.sleep(100)", FOUR, ASBX_TLE_WALL, NULL },
    { "import time\ndef f(x): return 5",
      CHECK "    candidate(1)\n    import time\n"
            "    time.sleep(100)",
      ASBX_TLE_WALL, "test program" },
    { WRITE "def f(x):\n    while True: to_all(lambda fd: os.read(fd, 1))", FOUR, ASBX_TLE_WALL,
      "sleep: reads from where its calls come" },
    { WRITE "to_all(os.close)\ndef f(x): return 4", FOUR, ASBX_NO_RESULT, NULL },
    { "import socket\ndef f(x): socket.socket()", FOUR, ASBX_VIOLATION, NULL },
    { "import ctypes\ndef f(x): ctypes.string_at(0)", FOUR, ASBX_RUNTIME_ERROR, NULL },
    { "def f(x):\n    r = []\n    r.append(r)\n    return r", FOUR, ASBX_WRONG_ANSWER, NULL },
    { "def f(x): return 'a' * 3000000", FOUR, ASBX_WRONG_ANSWER, NULL },
    /* what the test expects is nowhere in this process */
    { "import gc, sys\n"
      "def f(x):\n"
      "    seen = [o for o in gc.get_objects() if isinstance(o, (dict, list, tuple))]\n"
      "    frame, text = sys._getframe(), ''\n"
      "    while frame:\n"
      "        text += repr(frame.f_locals) + repr(frame.f_globals)\n"
      "        frame = frame.f_back\n"
      "    for o in seen:\n"
      "        text += '|'.join(k for k in o if isinstance(k, str))\n"
      "    return chr(120) + 'yzzy' in text",
      CHECK "    expected = 'xyzzy'\n    assert candidate(2) == True", ASBX_WRONG_ANSWER, NULL },
};

static void test_tricks(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof tricks / sizeof *tricks; i++) {
        row r = tricks[i];
        if (r.error && strncmp(r.error, "sleep", 5) == 0) { /* the short clock, see run() */
            char source[1000] = "# sleep\n";
            strncat(source, r.source, sizeof source - strlen(source) - 1);
            r.source = source;
            r.error = NULL;
            check_row(&r);
        } else {
            check_row(&r);
        }
    }
}

/* An object of another type equals itself, and may be put where the tester likes. */
static void test_opaque(void **state)
{
    (void)state;
    const row r = { "class A:\n    pass\ndef f(x): return A() if x else [A(), 1]",
                    CHECK "    a, b = candidate(1), candidate(1)\n"
                          "    assert a == a and a != b and a in [a] and {a: 1}[a] == 1\n"
                          "    assert 'A' in repr(a)\n"
                          "    assert candidate(0)[1] == 1",
                    ASBX_OK, NULL };
    check_row(&r);
}

/* ---- how many, how large, how many at once ---- */

static void test_bounds(void **state)
{
    (void)state;
    const row many = { "def f(x): return x",
                       CHECK "    for i in range(20000):\n        assert candidate(i) == i",
                       ASBX_OK, NULL };
    check_row(&many);
    const row large = { "def f(x): return x[::-1]",
                        CHECK "    x = list(range(100000))\n    for i in range(5):\n"
                              "        assert candidate(x) == x[::-1]",
                        ASBX_OK, NULL };
    check_row(&large);
    const row output = { "def f(x):\n    print('seen', x)\n    return x",
                         CHECK "    assert candidate(1) == 1", ASBX_OK, NULL };
    asbx_result *r = run(&output);
    assert_int_equal(r->output.len, 7);
    assert_memory_equal(r->output.data, "seen 1\n", 7);
    asbx_result_free(r);
    const asbx_text call = text("(0");
    asbx_job job = { .source = text("def f(): pass"),
                     .tester = text("f()"),
                     .entry_point = "f",
                     .calls = &call,
                     .n_calls = 1 };
    r = asbx_run(box, &job); /* calls are the tester's to make */
    assert_int_equal(r->status, ASBX_ERROR);
    asbx_result_free(r);
}

static void *many(void *from)
{
    static const char *const sources[] = { "def f(a, b): return a + b",
                                           "def f(a, b): return a * b" };
    uintptr_t first = (uintptr_t)from, wrong = 0;
    for (uintptr_t i = 0; i < 25; i++) {
        const row r = { sources[(first + i) % 2], ADD, ASBX_OK, NULL };
        asbx_result *result = run(&r);
        wrong += result->status != ((first + i) % 2 ? ASBX_WRONG_ANSWER : ASBX_OK);
        asbx_result_free(result);
    }
    return (void *)wrong; /* NOLINT(performance-no-int-to-ptr) */
}

/* More at once than there are slots: pairs never wait for each other. */
static void test_at_once(void **state)
{
    (void)state;
    pthread_t threads[6];
    for (uintptr_t i = 0; i < 6; i++) /* NOLINTNEXTLINE(performance-no-int-to-ptr) */
        assert_int_equal(pthread_create(&threads[i], NULL, many, (void *)i), 0);
    for (size_t i = 0; i < 6; i++) {
        void *wrong;
        assert_int_equal(pthread_join(threads[i], &wrong), 0);
        assert_null(wrong);
    }
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
    const asbx_job nothing = { .language = "python", .source = { "pass", 4 } };
    asbx_result *r = asbx_run(box, &nothing);
    bool can = r && r->status != ASBX_ERROR;
    if (!can)
        print_message("SKIP test_sandbox_tester: %s\n", r ? r->note : "no memory");
    asbx_result_free(r);
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_verdicts),  cmocka_unit_test(test_exceptions),
        cmocka_unit_test(test_arguments), cmocka_unit_test(test_unfit),
        cmocka_unit_test(test_tricks),    cmocka_unit_test(test_opaque),
        cmocka_unit_test(test_bounds),    cmocka_unit_test(test_at_once),
    };
    int rc = can ? cmocka_run_group_tests(tests, NULL, NULL) : 77;
    asbx_close(box);
    return rc;
}
