/* fuzz_lines.c -- any bytes as a file, plain, .gz or .zst: the chunked reader against a plain loop
 * over the bytes. The first byte chooses the sizes of chunks. SPDX-License-Identifier: Apache-2.0
 */
#include "base/mem.h"
#include "data/jsonl.h"
#include "fuzz.h"

#include <sys/mman.h>
#include <unistd.h>

enum { MAX_LINE = 1000, MAX_BYTES = 1 << 20 };

/* All bytes of the source up to MAX_BYTES; the code it ended with. */
static int read_whole(const char *path, as_buf *out)
{
    as_source *s = NULL;
    char block[777];
    long n;
    FUZZ_CHECK(as_source_open(&s, path, NULL) == 0);
    while ((n = as_source_read(s, block, sizeof block, NULL)) > 0 && out->len < MAX_BYTES)
        as_buf_add(out, (as_str){ block, (size_t)n });
    as_source_close(s);
    return n > 0 ? 1 : (int)n;
}

/* The next line that is not blank, from *at on; false at the end. */
static bool plain_line(as_str all, size_t *at, uint64_t *no, as_str *line)
{
    while (*at < all.len) {
        size_t start = *at, end = start;
        while (end < all.len && all.data[end] != '\n')
            end++;
        bool torn = end == all.len;
        *at = torn ? end : end + 1;
        ++*no;
        if (!torn && end > start && all.data[end - 1] == '\r')
            end--;
        *line = (as_str){ all.data + start, end - start };
        if (line->len > MAX_LINE || !as_str_is_blank(*line))
            return true;
    }
    return false;
}

static void check_lines(const char *path, as_str all, int rc, size_t max_lines, size_t want)
{
    as_source *s = NULL;
    as_lines *l = NULL;
    as_line lines[8];
    as_buf chunk;
    size_t n = 0, at = 0;
    uint64_t no = 0;
    as_str expected = { NULL, 0 };
    int got;
    as_buf_init(&chunk, 1u << 30);
    FUZZ_CHECK(as_source_open(&s, path, NULL) == 0);
    FUZZ_CHECK(as_lines_open(&l, s, MAX_LINE, NULL) == 0);
    if (as_str_starts(all, "\xEF\xBB\xBF"))
        at = 3;
    while ((got = as_lines_chunk(l, &chunk, lines, max_lines, want, &n, NULL)) > 0 &&
           at < MAX_BYTES / 2) {
        FUZZ_CHECK(n > 0 && n <= max_lines);
        for (size_t i = 0; i < n; i++) {
            FUZZ_CHECK(plain_line(all, &at, &no, &expected));
            FUZZ_CHECK(as_str_eq(lines[i].text, expected) && lines[i].no == no &&
                       lines[i].end == at);
            FUZZ_CHECK(lines[i].text.data[lines[i].text.len] == 0);
            FUZZ_CHECK(lines[i].torn == (at == all.len && all.data[at - 1] != '\n'));
        }
    }
    if (got == 0) /* all of it, and the source had no fault */
        FUZZ_CHECK(rc == 0 && !plain_line(all, &at, &no, &expected));
    if (got < 0 && rc == 0) /* only a line that is too long stops a sound source */
        FUZZ_CHECK(got == AS_EDATA && plain_line(all, &at, &no, &expected) &&
                   expected.len > MAX_LINE);
    as_lines_close(l);
    as_source_close(s);
    as_buf_fini(&chunk);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    char path[40];
    as_buf all;
    if (size == 0)
        return 0;
    AS_CLEANUP(close) int fd = memfd_create("fuzz", MFD_CLOEXEC);
    FUZZ_CHECK(fd >= 0 && write(fd, data + 1, size - 1) == (ssize_t)size - 1);
    (void)snprintf(path, sizeof path, "/proc/self/fd/%d", fd);
    as_buf_init(&all, 1u << 30);
    int rc = read_whole(path, &all);
    if (rc <= 0)
        check_lines(path, as_buf_str(&all), rc, 1 + data[0] % 8u, (size_t)data[0] * 4);
    as_buf_fini(&all);
    return 0;
}
