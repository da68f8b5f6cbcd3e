/* test_data_growing.c -- sources that are still being written: pipes that pause, files that grow.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "data/jsonl.h"
#include "data/stream.h"
#include "temp.h"

#include <fcntl.h>
#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>

#include <cmocka.h>

typedef struct reading {
    as_source *source;
    as_lines *lines;
    as_buf bytes;
    as_line line;
    as_err err;
} reading;

static void open_reading(reading *r, const char *path, bool follows, double idle_s)
{
    *r = (reading){ .err = { 0 } };
    as_buf_init(&r->bytes, 1 << 20);
    assert_int_equal(as_source_open(&r->source, path, &r->err), 0);
    as_source_set_wait(r->source, follows, idle_s);
    assert_int_equal(as_lines_open(&r->lines, r->source, 100, &r->err), 0);
}

static void close_reading(reading *r)
{
    as_lines_close(r->lines);
    as_source_close(r->source);
    as_buf_fini(&r->bytes);
}

static int next(reading *r)
{
    size_t n;
    return as_lines_chunk(r->lines, &r->bytes, &r->line, 1, 1, &n, &r->err);
}

static void is_next(reading *r, const char *text, uint64_t no)
{
    assert_int_equal(next(r), 1);
    assert_string_equal(r->line.text.data, text);
    assert_int_equal(r->line.no, no);
}

static void append(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    assert_true(fd >= 0);
    assert_int_equal(write(fd, text, strlen(text)), strlen(text));
    (void)close(fd);
}

/* Who asks learns whether a line is there, and never waits for one. */
static void test_ready_of_a_pipe(void **state)
{
    reading r;
    (void)state;
    const char *path = temp_path("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    open_reading(&r, path, false, 0);
    append(path, "first\nsecond\nthi");
    is_next(&r, "first", 1);
    assert_true(as_lines_ready(r.lines));
    is_next(&r, "second", 2);
    assert_false(as_lines_ready(r.lines)); /* half a line is none */
    append(path, "rd\n\n \r\n");
    assert_true(as_lines_ready(r.lines));
    is_next(&r, "third", 3);
    assert_false(as_lines_ready(r.lines)); /* nor is a blank one */
    append(path, "last\n");
    assert_true(as_lines_ready(r.lines));
    is_next(&r, "last", 6);
    assert_int_equal(r.line.end, 16 + 7 + 5);
    for (int i = 0; i < 110; i++)
        append(path, "x");
    assert_true(as_lines_ready(r.lines)); /* too long: that is said at once */
    assert_int_equal(next(&r), AS_EDATA);
    close_reading(&r);
    (void)close(fd);
}

/* Four bytes tell packed data; a shorter first line is not kept waiting for them. */
static void test_short_first_line(void **state)
{
    static const char *const firsts[] = { "1", "no", "[]", "{}", "(", "" };
    (void)state;
    for (size_t i = 0; i < sizeof firsts / sizeof *firsts; i++) {
        reading r;
        char name[20], line[20];
        (void)snprintf(name, sizeof name, "short%zu", i);
        (void)snprintf(line, sizeof line, "%s\n", firsts[i]);
        const char *path = temp_path(name);
        assert_int_equal(mkfifo(path, 0600), 0);
        int fd = open(path, O_RDWR | O_CLOEXEC);
        open_reading(&r, path, false, 0);
        append(path, *firsts[i] ? line : "\nx\n");
        is_next(&r, *firsts[i] ? firsts[i] : "x", *firsts[i] ? 1 : 2);
        close_reading(&r);
        (void)close(fd);
    }
}

/* Who does not want to stop at a line that is too long goes past it, in the middle, at the end and
 * without an end. */
static void test_gone_past(void **state)
{
    reading r;
    char line[302];
    (void)state;
    memset(line, 'x', 300);
    memcpy(line + 300, "\n", 2);
    const char *path = temp_path("long");
    append(path, "one\n");
    append(path, line);
    append(path, "two\n");
    append(path, line);
    line[300] = 0;
    append(path, line);
    open_reading(&r, path, false, 0);
    is_next(&r, "one", 1);
    assert_true(as_lines_too_long(r.lines)); /* the next one, which is at hand */
    assert_int_equal(next(&r), AS_EDATA);
    assert_true(as_lines_too_long(r.lines));
    assert_int_equal(as_lines_skip(r.lines, &r.err), 1);
    is_next(&r, "two", 3);
    assert_int_equal(r.line.end, 4 + 301 + 4);
    assert_int_equal(next(&r), AS_EDATA);
    assert_int_equal(as_lines_skip(r.lines, &r.err), 1);
    assert_int_equal(next(&r), AS_EDATA);
    assert_int_equal(as_lines_skip(r.lines, &r.err), 0);
    assert_int_equal(next(&r), 0);
    close_reading(&r);
}

/* A pipe whose writer is gone has ended, which nobody waits for. */
static void test_ready_at_the_end(void **state)
{
    reading r;
    (void)state;
    const char *path = temp_path("ends");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    open_reading(&r, path, false, 0);
    append(path, "one\ntwo");
    is_next(&r, "one", 1);
    assert_false(as_lines_ready(r.lines));
    (void)close(fd);
    assert_true(as_lines_ready(r.lines));
    is_next(&r, "two", 2);
    assert_true(r.line.torn);
    assert_int_equal(next(&r), 0);
    close_reading(&r);
}

static int stop_at(const void *arg)
{
    return *(const int *)arg;
}

static void test_file_that_grows(void **state)
{
    reading r;
    int why = 0;
    (void)state;
    const char *path = temp_path("grows");
    append(path, "one\ntw");
    open_reading(&r, path, true, 0);
    as_source_set_stop(r.source, stop_at, &why);
    is_next(&r, "one", 1);
    assert_false(as_lines_ready(r.lines));
    append(path, "o\n");
    assert_true(as_lines_ready(r.lines));
    is_next(&r, "two", 2);
    why = AS_EINTR; /* at its end it waits, until it is told not to */
    assert_int_equal(next(&r), AS_EINTR);
    assert_non_null(strstr(r.err.text, "interrupted while waiting for "));
    close_reading(&r);
    open_reading(&r, path, false, 0); /* without following, the end is the end */
    is_next(&r, "one", 1);
    assert_true(as_lines_ready(r.lines));
    is_next(&r, "two", 2);
    assert_int_equal(next(&r), 0);
    close_reading(&r);
}

static void test_idle_ends_it(void **state)
{
    reading r;
    (void)state;
    const char *path = temp_path("idle"), *fifo = temp_path("idle_fifo"), *none = temp_path("none");
    append(path, "one\ntwo");
    open_reading(&r, path, true, 0.01);
    is_next(&r, "one", 1);
    is_next(&r, "two", 2); /* the end came, and no line end with it */
    assert_true(r.line.torn);
    append(path, "more\n");
    assert_int_equal(next(&r), 0); /* and so it stays */
    close_reading(&r);
    assert_int_equal(mkfifo(fifo, 0600), 0);
    int fd = open(fifo, O_RDWR | O_CLOEXEC);
    open_reading(&r, fifo, false, 0.01);
    append(fifo, "one\n");
    is_next(&r, "one", 1);
    assert_int_equal(next(&r), 0);
    close_reading(&r);
    (void)close(fd);
    append(none, "");
    open_reading(&r, none, true, 0.01);
    assert_int_equal(next(&r), 0);
    close_reading(&r);
}

static void test_file_that_shrinks(void **state)
{
    reading r;
    (void)state;
    const char *path = temp_path("shrinks");
    append(path, "one\ntwo\n");
    open_reading(&r, path, true, 0);
    is_next(&r, "one", 1);
    assert_int_equal(truncate(path, 4), 0);
    is_next(&r, "two", 2); /* was read before */
    assert_int_equal(next(&r), AS_EDATA);
    assert_non_null(strstr(r.err.text, "became shorter while it was read: 8 bytes, then 4"));
    close_reading(&r);
}

/* Of packed data nobody knows whether a line would come out. */
static void test_packed(void **state)
{
    reading r;
    (void)state;
    const char *path = temp_path("packed.gz");
    gzFile out = gzopen(path, "wb");
    assert_int_equal(gzputs(out, "one\ntwo\n"), 8);
    assert_int_equal(gzclose(out), Z_OK);
    open_reading(&r, path, false, 0);
    is_next(&r, "one", 1);
    assert_true(as_lines_ready(r.lines));
    close_reading(&r);
    open_reading(&r, path, true, 0.01);
    assert_false(as_source_ready(r.source));
    is_next(&r, "one", 1);
    assert_true(as_lines_ready(r.lines)); /* it is at hand */
    is_next(&r, "two", 2);
    assert_false(as_lines_ready(r.lines));
    assert_int_equal(next(&r), 0);
    close_reading(&r);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_short_first_line),  cmocka_unit_test(test_gone_past),
        cmocka_unit_test(test_ready_of_a_pipe),   cmocka_unit_test(test_ready_at_the_end),
        cmocka_unit_test(test_file_that_grows),   cmocka_unit_test(test_idle_ends_it),
        cmocka_unit_test(test_file_that_shrinks), cmocka_unit_test(test_packed),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
