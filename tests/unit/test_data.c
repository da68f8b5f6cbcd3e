/* test_data.c -- streams, lines and items, well-formed and hostile.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/item.h"
#include "data/jsonl.h"
#include "data/stream.h"
#include "temp.h"

#include <fcntl.h>
#include <math.h>
#include <setjmp.h>
#include <stdarg.h>
#include <zlib.h>
#include <zstd.h>

#include <cmocka.h>

static as_buf buffer(void)
{
    as_buf b;
    as_buf_init(&b, 1u << 30);
    return b;
}

static void write_file(const char *path, as_str bytes)
{
    as_err err = { 0 };
    if (as_file_write_atomic(path, bytes, &err) < 0)
        fail_msg("%s", err.text);
}

/* All of a source in reads of `step` bytes; the code of the first failure. */
static int slurp(const char *path, size_t step, as_buf *out, as_err *err)
{
    as_source *s = NULL;
    int rc = as_source_open(&s, path, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(free) char *block = as_malloc(step);
    long n;
    while ((n = as_source_read(s, block, step, err)) > 0)
        as_buf_add(out, (as_str){ block, (size_t)n });
    as_source_close(s);
    return (int)n;
}

static void reads_as(const char *path, as_str expected)
{
    static const size_t steps[] = { 1, 7, 4096, 1u << 20 };
    for (size_t i = 0; i < sizeof steps / sizeof *steps; i++) {
        as_err err = { 0 };
        as_buf got = buffer();
        if (slurp(path, steps[i], &got, &err) < 0)
            fail_msg("%s: %s", path, err.text);
        assert_int_equal(got.len, expected.len);
        if (expected.len)
            assert_memory_equal(got.data, expected.data, expected.len);
        as_buf_fini(&got);
    }
}

/* Text that compresses, but not to nothing. */
static as_buf sample_text(size_t lines)
{
    as_buf b = buffer();
    as_rng r = as_rng_at(5, 0);
    for (size_t i = 0; i < lines; i++)
        as_buf_addf(&b, "{\"id\":%zu,\"completion\":\"%llx\"}\n", i,
                    (unsigned long long)as_rng_u64(&r));
    return b;
}

/* ---- streams ---- */

static void write_sink(const char *path, as_sink_mode mode, as_str bytes)
{
    as_sink *s = NULL;
    as_err err = { 0 };
    if (as_sink_open(&s, path, mode, &err) < 0)
        fail_msg("%s", err.text);
    assert_string_equal(as_sink_name(s), path);
    size_t half = bytes.len / 2;
    assert_int_equal(as_sink_write(s, (as_str){ bytes.data, half }, &err), 0);
    assert_int_equal(as_sink_flush(s, &err), 0);
    assert_int_equal(as_sink_write(s, (as_str){ bytes.data + half, bytes.len - half }, &err), 0);
    assert_int_equal(as_sink_close(s, &err), 0);
}

static void test_round_trip(void **state)
{
    static const char *const names[] = { "t.jsonl", "t.jsonl.gz", "t.jsonl.zst" };
    static const char magic[][4] = { "{\"i", "\x1F\x8B\x08", "\x28\xB5\x2F" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        const char *path = temp_path(names[i]);
        as_buf text = sample_text(20000), twice = buffer(), raw = buffer();
        write_sink(path, AS_SINK_NEW, as_buf_str(&text));
        reads_as(path, as_buf_str(&text));
        assert_int_equal(as_file_read(path, &raw, NULL), 0);
        assert_memory_equal(raw.data, magic[i], 3);
        assert_true(i == 0 ? raw.len == text.len : raw.len < text.len * 3 / 4);
        write_sink(path, AS_SINK_APPEND, as_buf_str(&text)); /* a second member or frame */
        as_buf_add(&twice, as_buf_str(&text));
        as_buf_add(&twice, as_buf_str(&text));
        reads_as(path, as_buf_str(&twice));
        write_sink(path, AS_SINK_OVERWRITE, AS_LIT(""));
        reads_as(path, AS_LIT(""));
        as_buf_fini(&text);
        as_buf_fini(&twice);
        as_buf_fini(&raw);
    }
}

/* What was flushed can be read while the writer still has the file open. */
static void test_flush(void **state)
{
    static const char *const names[] = { "f.jsonl", "f.jsonl.gz", "f.jsonl.zst" };
    (void)state;
    for (size_t i = 0; i < 3; i++) {
        as_sink *s = NULL;
        as_err err = { 0 };
        assert_int_equal(as_sink_open(&s, temp_path(names[i]), AS_SINK_NEW, &err), 0);
        assert_int_equal(as_sink_write(s, AS_LIT("{}\n"), &err), 0);
        assert_int_equal(as_sink_flush(s, &err), 0);
        as_source *r = NULL;
        char block[10] = { 0 };
        assert_int_equal(as_source_open(&r, temp_path(names[i]), &err), 0);
        assert_int_equal(as_source_read(r, block, sizeof block, &err), 3);
        assert_string_equal(block, "{}\n");
        as_source_close(r);
        assert_int_equal(as_sink_close(s, &err), 0);
    }
}

static void test_truncated(void **state)
{
    static const char *const names[] = { "c.gz", "c.zst" };
    (void)state;
    for (size_t i = 0; i < 2; i++) {
        as_buf text = sample_text(3000), raw = buffer();
        write_sink(temp_path(names[i]), AS_SINK_OVERWRITE, as_buf_str(&text));
        assert_int_equal(as_file_read(temp_path(names[i]), &raw, NULL), 0);
        const size_t cuts[] = { 5, 11, raw.len * 3 / 4, raw.len - 1 };
        for (size_t k = 0; k < 4; k++) {
            as_err err = { 0 };
            as_buf got = buffer();
            const char *cut = temp_path("cut");
            write_file(cut, (as_str){ raw.data, cuts[k] });
            assert_int_equal(slurp(cut, 1000, &got, &err), AS_EDATA);
            assert_non_null(strstr(err.text, "cut: the compressed data is truncated"));
            assert_true(got.len <= text.len);
            if (got.len)
                assert_memory_equal(got.data, text.data, got.len);
            if (k == 2)
                assert_true(got.len > 0); /* the sound part was handed out first */
            as_buf_fini(&got);
        }
        as_buf_fini(&text);
        as_buf_fini(&raw);
    }
}

static void damaged_as(as_str bytes, as_str sound)
{
    as_err err = { 0 };
    as_buf got = buffer();
    write_file(temp_path("damaged"), bytes);
    assert_int_equal(slurp(temp_path("damaged"), 100, &got, &err), AS_EDATA);
    assert_non_null(strstr(err.text, "damaged: damaged compressed data"));
    assert_true(as_str_eq(as_buf_str(&got), sound));
    as_buf_fini(&got);
}

static void test_damaged(void **state)
{
    as_buf raw = buffer();
    (void)state;
    write_sink(temp_path("d.gz"), AS_SINK_OVERWRITE, AS_LIT("hello hello hello\n"));
    assert_int_equal(as_file_read(temp_path("d.gz"), &raw, NULL), 0);
    as_buf_text(&raw, "\0\0");
    as_buf_add(&raw, AS_LIT("\0\0\0"));
    write_file(temp_path("padded"), as_buf_str(&raw)); /* tar pads like this */
    reads_as(temp_path("padded"), AS_LIT("hello hello hello\n"));
    as_buf_text(&raw, "garbage");
    damaged_as(as_buf_str(&raw), AS_LIT("hello hello hello\n"));
    raw.data[raw.len - 17] ^= 1; /* the checksum: 8 bytes trailer, 3 zeros, 7 letters */
    damaged_as((as_str){ raw.data, raw.len - 10 }, AS_LIT("hello hello hello\n"));
    as_buf_clear(&raw);
    write_sink(temp_path("d.zst"), AS_SINK_OVERWRITE, AS_LIT("hello hello hello\n"));
    assert_int_equal(as_file_read(temp_path("d.zst"), &raw, NULL), 0);
    as_buf_text(&raw, "garbage");
    damaged_as(as_buf_str(&raw), AS_LIT("hello hello hello\n"));
    as_buf_fini(&raw);
    damaged_as(AS_LIT("\x1F\x8B\x08nonsense that goes on"), AS_LIT(""));
    write_file(temp_path("short"), AS_LIT("\x1F"));
    reads_as(temp_path("short"), AS_LIT("\x1F")); /* too short to be anything but plain */
    write_file(temp_path("skippable"), AS_LIT("\x50\x2A\x4D\x18\x02\0\0\0ab"));
    reads_as(temp_path("skippable"), AS_LIT(""));
}

static void test_source_open(void **state)
{
    as_err err = { 0 };
    as_source *s = NULL;
    unsigned long long done = 9, total = 9;
    (void)state;
    assert_int_equal(as_source_open(&s, temp_path("none"), &err), AS_EIO);
    assert_non_null(strstr(err.text, "none: No such file or directory"));
    err = (as_err){ 0 };
    assert_int_equal(as_source_open(&s, temp_folder, &err), AS_EIO);
    assert_non_null(strstr(err.text, "is a folder"));
    write_file(temp_path("ten"), AS_LIT("0123456789"));
    assert_int_equal(as_source_open(&s, temp_path("ten"), NULL), 0);
    assert_string_equal(as_source_name(s), temp_path("ten"));
    as_source_progress(s, &done, &total);
    assert_true(done == 0 && total == 10);
    char block[20];
    assert_int_equal(as_source_read(s, block, sizeof block, NULL), 10);
    as_source_progress(s, &done, &total);
    assert_true(done == 10 && total == 10);
    as_source_close(s);
    as_source_close(NULL);
    assert_int_equal(as_source_open(&s, "-", NULL), 0);
    assert_string_equal(as_source_name(s), "stdin");
    as_source_close(s);
    assert_true(fcntl(0, F_GETFD) >= 0); /* stdin is not ours to close */
}

static int stop_now(const void *arg)
{
    return *(const int *)arg;
}

/* A reader of a pipe whose writer sleeps can be told to stop. */
static void test_source_stop(void **state)
{
    as_err err = { 0 };
    as_source *s = NULL;
    int why = 0;
    char block[10];
    (void)state;
    const char *path = temp_path("fifo");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_true(fd >= 0);
    assert_int_equal(as_source_open(&s, path, &err), 0);
    as_source_set_stop(s, stop_now, &why);
    assert_int_equal(write(fd, "abcdef", 6), 6);
    assert_int_equal(as_source_read(s, block, sizeof block, &err), 6);
    why = AS_ETERM;
    assert_int_equal(as_source_read(s, block, sizeof block, &err), AS_ETERM);
    assert_non_null(strstr(err.text, "interrupted while waiting for "));
    as_source_close(s);
    (void)close(fd);
}

static void test_sink_open(void **state)
{
    as_err err = { 0 };
    as_sink *s = NULL;
    (void)state;
    write_file(temp_path("old"), AS_LIT("precious"));
    assert_int_equal(as_sink_open(&s, temp_path("old"), AS_SINK_NEW, &err), AS_EUSAGE);
    assert_non_null(strstr(err.text, "old exists: --resume to go on, --force to overwrite"));
    reads_as(temp_path("old"), AS_LIT("precious"));
    err = (as_err){ 0 };
    assert_int_equal(as_sink_open(&s, temp_path("no/folder"), AS_SINK_NEW, &err), AS_EIO);
    assert_int_equal(as_sink_open(&s, "/dev/null", AS_SINK_NEW, NULL),
                     0); /* a device is not overwritten */
    assert_int_equal(as_sink_close(s, NULL), 0);
    assert_int_equal(as_sink_close(NULL, NULL), 0);
    assert_int_equal(as_sink_open(&s, "-", AS_SINK_NEW, NULL), 0);
    assert_string_equal(as_sink_name(s), "stdout");
    assert_int_equal(as_sink_close(s, NULL), 0);
    assert_true(fcntl(1, F_GETFD) >= 0);
}

static void test_sink_full_disk(void **state)
{
    as_sink *s = NULL;
    as_buf text = sample_text(20000);
    (void)state;
    if (access("/dev/full", W_OK) != 0) {
        as_buf_fini(&text);
        skip();
    }
    as_err err = { 0 };
    assert_int_equal(as_sink_open(&s, "/dev/full", AS_SINK_NEW, &err), 0);
    assert_int_equal(as_sink_write(s, AS_LIT("x\n"), &err), 0); /* buffered */
    assert_int_equal(as_sink_flush(s, &err), AS_EBUDGET);
    assert_string_equal(
        err.text, "/dev/full: write: No space left on device; what was written so far is kept");
    assert_int_equal(as_sink_write(s, AS_LIT("x\n"), NULL), AS_EBUDGET); /* and so it stays */
    assert_int_equal(as_sink_close(s, NULL), AS_EBUDGET);
    assert_int_equal(as_sink_open(&s, "/dev/full", AS_SINK_APPEND, NULL), 0);
    assert_int_equal(as_sink_write(s, as_buf_str(&text), NULL), AS_EBUDGET);
    assert_int_equal(as_sink_close(s, NULL), AS_EBUDGET);
    assert_int_equal(as_sink_open(&s, "/dev/full", AS_SINK_APPEND, NULL), 0);
    assert_int_equal(as_sink_write(s, AS_LIT("x\n"), NULL), 0);
    assert_int_equal(as_sink_close(s, NULL), AS_EBUDGET); /* the last chance to learn of it */
    for (int i = 0; i < 2; i++) {                         /* the compressors too */
        const char *path = temp_path(i ? "full.zst" : "full.gz");
        assert_int_equal(symlink("/dev/full", path), 0);
        assert_int_equal(as_sink_open(&s, path, AS_SINK_NEW, NULL), 0);
        assert_int_equal(as_sink_write(s, AS_LIT("x\n"), NULL), 0);
        assert_int_equal(as_sink_close(s, NULL), AS_EBUDGET);
        assert_int_equal(as_sink_open(&s, path, AS_SINK_NEW, NULL), 0);
        (void)as_sink_write(s, as_buf_str(&text), NULL); /* may still fit into the buffer */
        assert_int_equal(as_sink_close(s, NULL), AS_EBUDGET);
    }
    as_buf_fini(&text);
}

static void test_sink_broken_pipe(void **state)
{
    as_sink *s = NULL;
    as_err err = { 0 };
    (void)state;
    const char *path = temp_path("pipe");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_int_equal(as_sink_open(&s, path, AS_SINK_NEW, &err), 0);
    (void)close(fd);
    assert_int_equal(as_sink_write(s, AS_LIT("x\n"), &err), 0);
    assert_int_equal(as_sink_flush(s, &err), AS_EIO);
    assert_non_null(strstr(err.text, "pipe: write: Broken pipe"));
    assert_int_equal(as_sink_close(s, NULL), AS_EIO);
}

/* ---- lines ---- */

typedef struct expected_line {
    const char *text;
    uint64_t no, end;
    bool torn;
} expected_line;

static void lines_are(as_str bytes, const expected_line *expected, size_t n_expected)
{
    static const struct {
        size_t max_lines, want;
    } ways[] = { { 1, 1 }, { 1, 1000 }, { 3, 5 }, { 100, 1 }, { 100, 100000 } };
    write_file(temp_path("lines"), bytes);
    for (size_t w = 0; w < sizeof ways / sizeof *ways; w++) {
        as_source *source = NULL;
        as_lines *l = NULL;
        as_err err = { 0 };
        as_buf chunk = buffer();
        as_line lines[100] = { { .no = 0 } };
        size_t n = 0, seen = 0;
        int rc;
        assert_int_equal(as_source_open(&source, temp_path("lines"), &err), 0);
        assert_int_equal(as_lines_open(&l, source, 0, &err), 0);
        while ((rc = as_lines_chunk(l, &chunk, lines, ways[w].max_lines, ways[w].want, &n, &err)) >
               0) {
            assert_in_range(n, 1, ways[w].max_lines);
            for (size_t i = 0; i < n; i++, seen++) {
                if (seen >= n_expected) {
                    fail_msg("more lines than expected");
                    return;
                }
                assert_string_equal(lines[i].text.data, expected[seen].text);
                assert_int_equal(lines[i].text.len, strlen(expected[seen].text));
                assert_int_equal(lines[i].no, expected[seen].no);
                assert_int_equal(lines[i].end, expected[seen].end);
                assert_int_equal(lines[i].torn, expected[seen].torn);
            }
        }
        assert_int_equal(rc, 0);
        assert_int_equal(n, 0);
        assert_int_equal(seen, n_expected);
        assert_int_equal(as_lines_chunk(l, &chunk, lines, 1, 1, &n, &err), 0);
        as_lines_close(l);
        as_source_close(source);
        as_buf_fini(&chunk);
    }
}

static void test_lines(void **state)
{
    (void)state;
    const expected_line plain[] = { { "a", 1, 2, false }, { "bc", 2, 5, false } };
    lines_are(AS_LIT("a\nbc\n"), plain, 2);
    const expected_line torn[] = { { "a", 1, 2, false }, { "bc", 2, 4, true } };
    lines_are(AS_LIT("a\nbc"), torn, 2);
    const expected_line crlf[] = { { "a", 1, 3, false },
                                   { "b\rc", 3, 9, false },
                                   { "d", 4, 10, true } };
    lines_are(AS_LIT("a\r\n\r\nb\rc\nd"), crlf, 3);
    const expected_line blank[] = { { "x", 4, 8, false }, { "y", 6, 11, false } };
    lines_are(AS_LIT("\n \t \n\nx\n\ny\n  "), blank, 2);
    const expected_line bom[] = { { "a", 1, 5, false }, { "\xEF\xBB\xBF", 2, 9, false } };
    lines_are(AS_LIT("\xEF\xBB\xBF"
                     "a\n\xEF\xBB\xBF\n"),
              bom, 2);
    lines_are(AS_LIT(""), NULL, 0);
    lines_are(AS_LIT("\xEF\xBB\xBF"), NULL, 0);
    lines_are(AS_LIT("\n\n\r\n"), NULL, 0);
    const expected_line early[] = { { "\xEF\xBB", 1, 2, true } };
    lines_are(AS_LIT("\xEF\xBB"), early, 1);
}

static void test_line_with_nul(void **state)
{
    as_source *source = NULL;
    as_lines *l = NULL;
    as_buf chunk = buffer();
    as_line line;
    size_t n = 0;
    (void)state;
    write_file(temp_path("nul"), AS_LIT("a\0b\nc\n"));
    assert_int_equal(as_source_open(&source, temp_path("nul"), NULL), 0);
    assert_int_equal(as_lines_open(&l, source, 0, NULL), 0);
    assert_int_equal(as_lines_chunk(l, &chunk, &line, 1, 100, &n, NULL), 1);
    assert_true(as_str_eq(line.text, AS_LIT("a\0b")));
    as_lines_close(l);
    as_source_close(source);
    as_buf_fini(&chunk);
}

/* Lines before the one that is too long are handed out; then it is refused, with or without its end
 * in sight. */
static void test_line_too_long(void **state)
{
    static const char *const tails[] = { "\n", "", "\nmore\n" };
    (void)state;
    for (size_t t = 0; t < 3; t++) {
        as_source *source = NULL;
        as_lines *l = NULL;
        as_err err = { 0 };
        as_buf chunk = buffer(), text = buffer();
        as_line lines[10];
        size_t n = 0;
        as_buf_text(&text, "first\n1234567890\n");
        for (int i = 0; i < 11; i++)
            as_buf_byte(&text, 'x');
        as_buf_text(&text, tails[t]);
        write_file(temp_path("long"), as_buf_str(&text));
        assert_int_equal(as_source_open(&source, temp_path("long"), &err), 0);
        assert_int_equal(as_lines_open(&l, source, 10, &err), 0);
        assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1000, &n, &err), 1);
        assert_int_equal(n, 2);
        assert_string_equal(lines[1].text.data, "1234567890");
        for (int again = 0; again < 2; again++) {
            err = (as_err){ 0 };
            assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1000, &n, &err), AS_EDATA);
            assert_non_null(
                strstr(err.text,
                       "long:3: line is longer than 10 bytes (--max-line-mib raises the limit)"));
        }
        as_lines_close(l);
        as_source_close(source);
        as_buf_fini(&chunk);
        as_buf_fini(&text);
    }
}

static void test_line_of_10_mb(void **state)
{
    enum { LONG = 10 * 1024 * 1024 };
    as_source *source = NULL;
    as_lines *l = NULL;
    as_err err = { 0 };
    as_buf chunk = buffer(), text = buffer();
    as_line lines[10];
    size_t n = 0;
    (void)state;
    as_buf_text(&text, "{}\n");
    assert_true(as_buf_reserve(&text, LONG));
    memset(text.data + text.len, 'x', LONG);
    text.len += LONG;
    as_buf_text(&text, "\n[]\n");
    write_file(temp_path("huge"), as_buf_str(&text));
    assert_int_equal(as_source_open(&source, temp_path("huge"), &err), 0);
    assert_int_equal(as_lines_open(&l, source, 0, &err), 0);
    assert_int_equal(as_lines_chunk(l, &chunk, lines, 1, 1000, &n, &err), 1);
    assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1000, &n, &err), 1);
    assert_int_equal(n, 1);
    assert_int_equal(lines[0].text.len, LONG);
    assert_int_equal(lines[0].text.data[LONG], 0);
    assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1000, &n, &err), 1);
    assert_string_equal(lines[0].text.data, "[]");
    assert_int_equal(lines[0].end, text.len);
    as_lines_close(l);
    as_source_close(source);
    assert_int_equal(as_source_open(&source, temp_path("huge"), &err), 0);
    assert_int_equal(as_lines_open(&l, source, 1 << 20, &err), 0);
    assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1000, &n, &err), 1);
    assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1000, &n, &err), AS_EDATA);
    assert_non_null(
        strstr(err.text, "huge:2: line is longer than 1 MiB (--max-line-mib raises the limit)"));
    as_lines_close(l);
    as_source_close(source);
    as_buf_fini(&chunk);
    as_buf_fini(&text);
}

/* Sound lines of a truncated .gz come first, the fault after them; no half line is taken for a
 * whole one. */
static void test_lines_truncated(void **state)
{
    as_source *source = NULL;
    as_lines *l = NULL;
    as_err err = { 0 };
    as_buf chunk = buffer(), text = sample_text(30000), raw = buffer();
    static as_line lines[64];
    size_t n = 0, seen = 0;
    int rc;
    (void)state;
    write_sink(temp_path("whole.gz"), AS_SINK_NEW, as_buf_str(&text));
    assert_int_equal(as_file_read(temp_path("whole.gz"), &raw, NULL), 0);
    write_file(temp_path("part.gz"), (as_str){ raw.data, raw.len / 2 });
    assert_int_equal(as_source_open(&source, temp_path("part.gz"), &err), 0);
    assert_int_equal(as_lines_open(&l, source, 0, &err), 0);
    while ((rc = as_lines_chunk(l, &chunk, lines, 64, 3000, &n, &err)) > 0) {
        for (size_t i = 0; i < n; i++, seen++) {
            assert_true(as_str_ends(lines[i].text, "\"}"));
            assert_memory_equal(lines[i].text.data,
                                text.data + lines[i].end - lines[i].text.len - 1,
                                lines[i].text.len);
        }
    }
    assert_int_equal(rc, AS_EDATA);
    assert_in_range(seen, 10000, 20000);
    assert_non_null(strstr(err.text, "truncated"));
    as_lines_close(l);
    as_lines_close(NULL);
    as_source_close(source);
    as_buf_fini(&chunk);
    as_buf_fini(&text);
    as_buf_fini(&raw);
}

/* A pipe that gave one line is not waited on for more. */
static void test_lines_of_slow_pipe(void **state)
{
    as_source *source = NULL;
    as_lines *l = NULL;
    as_err err = { 0 };
    as_buf chunk = buffer();
    as_line lines[10];
    size_t n = 0;
    (void)state;
    const char *path = temp_path("slow");
    assert_int_equal(mkfifo(path, 0600), 0);
    int fd = open(path, O_RDWR | O_CLOEXEC);
    assert_int_equal(write(fd, "{\"a\":1}\n{\"b\"", 12), 12);
    assert_int_equal(as_source_open(&source, path, &err), 0);
    assert_int_equal(as_lines_open(&l, source, 0, &err), 0);
    assert_string_equal(as_lines_name(l), path);
    assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1 << 20, &n, &err), 1);
    assert_int_equal(n, 1);
    assert_string_equal(lines[0].text.data, "{\"a\":1}");
    assert_int_equal(write(fd, ":2}\n", 4), 4);
    assert_int_equal(as_lines_chunk(l, &chunk, lines, 10, 1 << 20, &n, &err), 1);
    assert_string_equal(lines[0].text.data, "{\"b\":2}");
    assert_int_equal(lines[0].end, 16);
    as_lines_close(l);
    as_source_close(source);
    (void)close(fd);
    as_buf_fini(&chunk);
}

/* ---- items ---- */

static as_arena arena;

static int arena_setup(void **state)
{
    (void)state;
    as_arena_init(&arena, 0);
    return 0;
}

static int arena_teardown(void **state)
{
    (void)state;
    as_arena_fini(&arena);
    return 0;
}

static as_item item_of(const char *line)
{
    as_err err = { 0 };
    as_item item;
    if (as_item_parse(as_str_of(line), &arena, &item, &err) < 0)
        fail_msg("%s: %s", line, err.text);
    return item;
}

static void item_refused(as_str line, const char *text)
{
    as_err err = { 0 };
    as_item item;
    assert_int_equal(as_item_parse(line, &arena, &item, &err), AS_EDATA);
    if (!strstr(err.text, text))
        fail_msg("%.*s: \"%s\" does not say \"%s\"", (int)line.len, line.data, err.text, text);
}

static void test_item(void **state)
{
    (void)state;
    as_item i = item_of("{\"id\":\"a\\n1\",\"extra\":[1,{}],\"group\":\"g\",\"completion\":"
                        "\"x\\ty\",\"reference\":\"\\\\frac12\","
                        "\"prompt\":\"p\",\"meta\":{ \"k\" : 1 },\"sum_logp\":-1.5}");
    assert_true(as_str_is(i.id, "\"a\\n1\""));
    assert_true(as_str_is(i.group, "\"g\""));
    assert_string_equal(i.completion.data, "x\ty");
    assert_string_equal(i.reference.data, "\\frac12");
    assert_string_equal(i.prompt.data, "p");
    assert_string_equal(i.meta.data, "{ \"k\" : 1 }");
    assert_true(i.sum_logp == -1.5);
    assert_true(i.has_completion && !i.is_result);
    assert_null(i.key.data);
    assert_null(i.answer.data);

    i = item_of("{\"id\":7,\"completion\":\"\"}");
    assert_true(as_str_is(i.id, "7"));
    assert_int_equal(i.completion.len, 0);
    assert_non_null(i.completion.data);
    assert_null(i.group.data);
    assert_null(i.reference.data);
    assert_null(i.prompt.data);
    assert_null(i.meta.data);
    assert_true(isnan(i.sum_logp));
}

static void test_item_forms(void **state)
{
    (void)state;
    as_item i = item_of("{\"problem_id\":3,\"task_id\":\"HumanEval/0\",\"completion\":null}");
    assert_null(i.id.data);
    assert_true(as_str_is(i.group, "3"));
    assert_true(i.has_completion);
    assert_string_equal(i.completion.data, "");
    i = item_of("{\"task_id\":\"HumanEval/"
                "0\",\"group\":null,\"completion\":\"c\",\"reference\":null,\"meta\":null}");
    assert_true(as_str_is(i.group, "\"HumanEval/0\""));
    assert_null(i.reference.data);
    i = item_of("{\"id\":1,\"completion\":\"c\",\"reference\":{\"a\":[1]},\"prompt\":[{\"role\":"
                "\"user\"}]}");
    assert_string_equal(i.reference.data, "{\"a\":[1]}");
    assert_string_equal(i.prompt.data, "[{\"role\":\"user\"}]");
    i = item_of(
        "{\"id\":1,\"completion\":\"c\",\"reference\":42,\"answer\":[1]}"); /* somebody's column,
                                                                               not a result's */
    assert_string_equal(i.reference.data, "42");
    assert_null(i.answer.data);
    i = item_of("{\"id\":1,\"verdict\":\"pass\",\"score\":1,\"answer\":\"1/2\",\"key\":\"q:1/"
                "2\",\"ms\":0.1}");
    assert_true(i.is_result && !i.has_completion);
    assert_string_equal(i.key.data, "q:1/2");
    assert_string_equal(i.answer.data, "1/2");
    i = item_of("{\"id\":1,\"verdict\":\"error\",\"answer\":null,\"key\":null}");
    assert_null(i.key.data);
    i = item_of("{\"\\u0069d\":5,\"completion\":\"a\\u0000b\\ud800\"}");
    assert_true(as_str_is(i.id, "5"));
    assert_true(as_str_eq(i.completion, AS_LIT("a\0b\xEF\xBF\xBD")));
    assert_int_equal(i.n_replaced, 1);
}

static void test_item_refused(void **state)
{
    (void)state;
    item_refused(AS_LIT("{\"id\":1,\"completion\":\"a"), "column 24: unfinished string");
    item_refused(AS_LIT("{\"id\":1}"), "\"completion\" is missing");
    item_refused(AS_LIT("[1]"), "not an object");
    item_refused(AS_LIT("\"x\""), "not an object");
    item_refused(AS_LIT("{\"id\":1,\"completion\":\"a\",\"completion\":\"b\"}"),
                 "duplicate key \"completion\"");
    item_refused(AS_LIT("{\"id\":1,\"completion\":null,\"completion\":null}"),
                 "duplicate key \"completion\"");
    item_refused(AS_LIT("{\"id\":1,\"\\u0069d\":2,\"completion\":\"a\"}"), "duplicate key \"id\"");
    item_refused(AS_LIT("{\"id\":[1],\"completion\":\"a\"}"),
                 "\"id\" must be a string or an integer");
    item_refused(AS_LIT("{\"id\":1.5,\"completion\":\"a\"}"),
                 "\"id\" must be a string or an integer");
    item_refused(AS_LIT("{\"id\":1,\"group\":true,\"completion\":\"a\"}"),
                 "\"group\" must be a string or an integer");
    item_refused(AS_LIT("{\"id\":1,\"completion\":[\"a\"]}"),
                 "\"completion\" must be a string or null");
    item_refused(AS_LIT("{\"id\":1,\"completion\":\"a\",\"meta\":\"m\"}"),
                 "\"meta\" must be an object");
    item_refused(AS_LIT("{\"id\":1,\"completion\":\"a\",\"sum_logp\":\"-1\"}"),
                 "\"sum_logp\" must be a finite number");
    item_refused(AS_LIT("{\"id\":1,\"completion\":\"a\",\"sum_logp\":-1e999}"),
                 "\"sum_logp\" must be a finite number");
    item_refused(AS_LIT("{\"id\":1,\"completion\":\"\xFF\"}"),
                 "column 23: bytes that are not UTF-8");
    item_refused(AS_LIT("{\"id\":1,\"completion\":\"\0\"}"), "control character");
    (void)item_of(
        "{\"id\":1,\"x\":1,\"x\":2,\"completion\":\"a\"}"); /* members nobody reads may repeat */
    as_arena tiny;
    as_err err = { 0 };
    as_item item;
    as_arena_init(&tiny, 16);
    assert_int_equal(
        as_item_parse(AS_LIT("{\"completion\":\"0123456789012345\"}"), &tiny, &item, &err),
        AS_ENOMEM);
    as_arena_fini(&tiny);
}

static void test_items_build(void **state)
{
    static const char *const lines[] = {
        "{\"id\":1,\"group\":\"a\",\"completion\":\"x\"}",
        "{\"id\":2,\"group\":\"a\",\"completion\":\"y\",\"reference\":\"r\"}",
        "{\"id\":3,\"completion\":\"z\"}",
        "{\"id\":4,\"completion\":\"z\"}",
        "{\"id\":5,\"group\":\"b\",\"completion\":\"z\"}",
        "{\"id\":6,\"group\":\"a\",\"completion\":\"z\"}"
    };
    static const uint64_t groups[] = { 0, 0, 1, 2, 3, 0 };
    as_item items[6];
    as_items all, part, none;
    as_err err = { 0 };
    (void)state;
    for (size_t i = 0; i < 6; i++) {
        items[i] = item_of(lines[i]);
        items[i].line_no = i + 1;
    }
    assert_int_equal(as_items_build(&all, items, 6, 42, &arena, &err), 0);
    assert_int_equal(all.n, 6);
    for (size_t i = 0; i < 6; i++) {
        assert_int_equal(all.group[i], groups[i]);
        assert_ptr_equal(all.completion[i].data, items[i].completion.data);
        for (size_t j = 0; j < i; j++)
            assert_true(all.seed[i] != all.seed[j]);
    }
    assert_null(all.reference[0].data);
    assert_string_equal(all.reference[1].data, "r");
    /* the seed is the item's own, whatever batch it comes in */
    assert_int_equal(as_items_build(&part, items + 3, 2, 42, &arena, &err), 0);
    assert_true(part.seed[0] == all.seed[3] && part.seed[1] == all.seed[4]);
    assert_int_equal(part.group[0], 0);
    assert_int_equal(as_items_build(&part, items + 3, 2, 43, &arena, &err), 0);
    assert_true(part.seed[0] != all.seed[3]);
    assert_int_equal(as_items_build(&none, items, 0, 42, &arena, &err), 0);
    assert_int_equal(none.n, 0);
}

static void test_items_many_groups(void **state)
{
    enum { N = 5000 };
    static as_item items[N];
    as_items all;
    (void)state;
    for (size_t i = 0; i < N; i++)
        items[i] = (as_item){ .group = as_arena_fmt(&arena, "%zu", i * 7919 % 1000), .line_no = i };
    assert_int_equal(as_items_build(&all, items, N, 1, &arena, NULL), 0);
    for (size_t i = 0; i < N; i++)
        assert_int_equal(all.group[i],
                         i % 1000); /* 7919 and 1000 share no factor: each group once per round */
    for (size_t i = 1; i < N; i++)
        assert_true(all.seed[i] != all.seed[i - 1]);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_round_trip),
        cmocka_unit_test(test_flush),
        cmocka_unit_test(test_truncated),
        cmocka_unit_test(test_damaged),
        cmocka_unit_test(test_source_open),
        cmocka_unit_test(test_source_stop),
        cmocka_unit_test(test_sink_open),
        cmocka_unit_test(test_sink_full_disk),
        cmocka_unit_test(test_sink_broken_pipe),
        cmocka_unit_test(test_lines),
        cmocka_unit_test(test_line_with_nul),
        cmocka_unit_test(test_line_too_long),
        cmocka_unit_test(test_line_of_10_mb),
        cmocka_unit_test(test_lines_truncated),
        cmocka_unit_test(test_lines_of_slow_pipe),
        cmocka_unit_test_setup_teardown(test_item, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_item_forms, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_item_refused, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_items_build, arena_setup, arena_teardown),
        cmocka_unit_test_setup_teardown(test_items_many_groups, arena_setup, arena_teardown),
    };
    return cmocka_run_group_tests(tests, temp_setup, temp_teardown);
}
