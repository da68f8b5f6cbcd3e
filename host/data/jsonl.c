/* jsonl.c -- cuts a stream into lines, in chunks.
 *
 * `ahead` holds what was read and not yet handed out. A chunk is copied out of it whole, which
 * costs one memcpy and lets the caller keep it for a worker thread while reading goes on.
 * SPDX-License-Identifier: Apache-2.0 */
#include "data/jsonl.h"

#include "base/mem.h"

#include <inttypes.h>

enum { MIB = 1024 * 1024, READ_MIN = 64 * 1024, KEEP_MAX = 8 * MIB };

struct as_lines {
    as_source *source;
    size_t max_line;
    as_buf ahead;
    size_t at;       /* ahead.data[at..len) is to be handed out */
    size_t searched; /* no line end in [at, searched) */
    uint64_t no;     /* of the next line */
    uint64_t offset; /* of ahead.data[at] in the stream */
    bool ended;      /* the source has no more */
    as_err failed;   /* the source failed; reported once the lines before are handed out */
};

int as_lines_open(as_lines **out, as_source *source, size_t max_line, as_err *err)
{
    as_lines *l = as_calloc(1, sizeof *l);
    if (!l)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", as_source_name(source));
    l->source = source;
    l->max_line = max_line ? max_line : (size_t)AS_LINE_MAX_MIB * MIB;
    l->no = 1;
    as_buf_init(&l->ahead, SIZE_MAX - 1);
    *out = l;
    return 0;
}

void as_lines_close(as_lines *l)
{
    if (!l)
        return;
    as_buf_fini(&l->ahead);
    as_free(l);
}

const char *as_lines_name(const as_lines *l)
{
    return as_source_name(l->source);
}

/* Drops what was handed out, when that is the larger part: each byte is moved once on average. */
static void compact(as_lines *l)
{
    size_t left = l->ahead.len - l->at;
    if (l->at < left)
        return;
    if (left)
        memmove(l->ahead.data, l->ahead.data + l->at, left);
    l->searched -= l->at;
    l->ahead.len = left;
    l->at = 0;
    if (left == 0 && l->ahead.cap > KEEP_MAX) /* one huge line must not pin its memory */
        as_buf_fini(&l->ahead);
}

static bool has_line(as_lines *l)
{
    size_t n = l->ahead.len - l->searched;
    const char *p = n ? memchr(l->ahead.data + l->searched, '\n', n) : NULL;
    l->searched = p ? (size_t)(p - l->ahead.data) : l->ahead.len;
    return p != NULL;
}

static void skip_bom(as_lines *l)
{
    if (l->no == 1 && l->offset == 0 && l->ahead.len - l->at >= 3 &&
        memcmp(l->ahead.data + l->at, "\xEF\xBB\xBF", 3) == 0) {
        l->at += 3;
        l->offset += 3;
        if (l->searched < l->at)
            l->searched = l->at;
    }
}

/* One read of up to `ask` bytes; false: it failed, which is kept. */
static bool read_more(as_lines *l, size_t ask, size_t *got)
{
    compact(l);
    if (!as_buf_reserve(&l->ahead, ask)) {
        as_fail(&l->failed, AS_ENOMEM, "%s:%llu: out of memory", as_lines_name(l),
                (unsigned long long)l->no);
        return false;
    }
    long n = as_source_read(l->source, l->ahead.data + l->ahead.len, ask, &l->failed);
    if (n < 0)
        return false;
    l->ahead.len += (size_t)n;
    l->ended = n == 0;
    *got = (size_t)n;
    skip_bom(l);
    return true;
}

/* Reads until about `want` bytes are at hand, and one line at least; less where the source has to
 * wait for its writer. Stops at the end, at a failure (kept), and at a line beyond the limit. */
static void fill(as_lines *l, size_t want)
{
    bool waits = false;
    while (!l->ended && l->failed.code == 0) {
        bool line = has_line(l);
        size_t have = l->ahead.len - l->at;
        if ((line && (have >= want || waits)) || (!line && have > l->max_line + 2))
            return;
        size_t ask = want > have ? want - have : 0, got = 0;
        ask = ask < READ_MIN ? READ_MIN : ask;
        if (!read_more(l, ask, &got))
            return;
        waits = got < ask;
    }
}

static int too_long(const as_lines *l, as_err *err)
{
    size_t mib = l->max_line / MIB;
    if (mib > 0 && l->max_line % MIB == 0)
        return as_fail(err, AS_EDATA,
                       "%s:%llu: line is longer than %zu MiB (--max-line-mib raises the limit)",
                       as_lines_name(l), (unsigned long long)l->no, mib);
    return as_fail(err, AS_EDATA,
                   "%s:%llu: line is longer than %zu bytes (--max-line-mib raises the limit)",
                   as_lines_name(l), (unsigned long long)l->no, l->max_line);
}

/* The next line of `ahead` from `at` on; false where none is complete. Its text points into
 * `ahead`. */
static bool next_line(const as_lines *l, size_t at, as_line *out, size_t *after)
{
    const char *start = l->ahead.data + at;
    size_t left = l->ahead.len - at;
    if (left == 0)
        return false;
    const char *end = memchr(start, '\n', left);
    if (!end && !l->ended)
        return false;
    size_t n = end ? (size_t)(end - start) : left;
    *after = at + n + (end ? 1 : 0);
    out->torn = !end;
    if (end && n > 0 && start[n - 1] == '\r')
        n--;
    out->text = (as_str){ start, n };
    return true;
}

/* Takes lines off `ahead` up to one that is over the limit; returns where the chunk ends. */
static size_t split(as_lines *l, as_line *lines, size_t max_lines, size_t want, size_t *n)
{
    size_t at = l->at, after = at;
    as_line line;
    while (*n < max_lines && at - l->at < want && next_line(l, at, &line, &after)) {
        if (line.text.len > l->max_line)
            break;
        line.no = l->no++;
        line.end = l->offset + (after - l->at);
        at = after;
        if (!as_str_is_blank(line.text))
            lines[(*n)++] = line;
    }
    return at;
}

/* The line at hand is over the limit, whether its end is in sight or not. */
static bool is_too_long(const as_lines *l)
{
    as_line line;
    size_t after;
    if (next_line(l, l->at, &line, &after))
        return line.text.len > l->max_line;
    return l->ahead.len - l->at > l->max_line + 2;
}

/* Moves the chunk [l->at, stop) into `bytes`, and the lines with it. */
static int hand_out(as_lines *l, as_buf *bytes, as_line *lines, size_t n, size_t stop, as_err *err)
{
    const char *base = l->ahead.data + l->at;
    as_buf_clear(bytes);
    if (n > 0)
        as_buf_add(bytes, (as_str){ base, stop - l->at });
    if (bytes->failed)
        return as_fail(err, AS_ENOMEM, "%s:%llu: out of memory for %zu bytes of lines",
                       as_lines_name(l), (unsigned long long)lines[0].no, stop - l->at);
    for (size_t i = 0; i < n; i++) {
        size_t from = (size_t)(lines[i].text.data - base);
        bytes->data[from + lines[i].text.len] = 0; /* over the line end, or the buffer's own NUL */
        lines[i].text.data = bytes->data + from;
    }
    l->offset += stop - l->at;
    l->at = stop;
    if (l->searched < stop)
        l->searched = stop;
    return 0;
}

int as_lines_chunk(as_lines *l, as_buf *bytes, as_line *lines, size_t max_lines, size_t want,
                   size_t *n, as_err *err)
{
    *n = 0;
    for (;;) {
        fill(l, want);
        size_t stop = split(l, lines, max_lines, want ? want : 1, n);
        bool moved = stop > l->at;
        int rc = hand_out(l, bytes, lines, *n, stop, err);
        if (rc < 0)
            return rc;
        if (*n > 0)
            return 1;
        if (moved) /* blank lines only */
            continue;
        if (is_too_long(l))
            return too_long(l, err);
        if (l->failed.code != 0)
            return as_fail(err, l->failed.code, "%s", l->failed.text);
        if (l->ended)
            return 0;
    }
}

bool as_lines_too_long(const as_lines *l)
{
    return is_too_long(l);
}

int as_lines_skip(as_lines *l, as_err *err)
{
    for (;;) {
        const bool has_end = has_line(l);
        const size_t after = has_end ? l->searched + 1 : l->ahead.len;
        l->offset += after - l->at;
        l->at = l->searched = after;
        l->no += has_end;
        if (has_end || l->ended)
            return has_end;
        size_t got;
        if (!read_more(l, READ_MIN, &got))
            return as_fail(err, l->failed.code, "%s", l->failed.text);
    }
}

/* Blank lines at hand are gone past: they are no lines to anybody. */
static void drop_blank(as_lines *l)
{
    as_line line;
    size_t after;
    while (next_line(l, l->at, &line, &after) && as_str_is_blank(line.text)) {
        l->no++;
        l->offset += after - l->at;
        l->at = after;
        l->searched = l->searched < after ? after : l->searched;
    }
}

bool as_lines_ready(as_lines *l)
{
    for (;;) {
        size_t got;
        drop_blank(l);
        if (has_line(l) || l->ended || l->failed.code != 0 || is_too_long(l))
            return true;
        if (!as_source_ready(l->source))
            return false;
        (void)read_more(l, READ_MIN, &got);
    }
}

static int take_all(as_lines *lines, as_take_line *take, void *ctx, as_err *err)
{
    enum { LINES = 256, BYTES = 1 << 20 };
    AS_CLEANUP(buf) as_buf bytes = { 0 };
    as_line line[LINES] = { { .no = 0 } };
    size_t n = 0;
    int rc;
    as_buf_init(&bytes, SIZE_MAX / 2);
    while ((rc = as_lines_chunk(lines, &bytes, line, LINES, BYTES, &n, err)) == 1)
        for (size_t i = 0; i < n; i++) {
            rc = take(ctx, line[i].text, line[i].no, err);
            if (rc < 0) {
                as_err_prefix(err, "%s:%" PRIu64, as_lines_name(lines), line[i].no);
                return rc;
            }
        }
    return rc;
}

int as_lines_each(const char *path, as_take_line *take, void *ctx, as_err *err)
{
    as_source *source = NULL;
    as_lines *lines = NULL;
    int rc = as_source_open(&source, path, err);
    if (rc == 0)
        rc = as_lines_open(&lines, source, 0, err);
    if (rc == 0)
        rc = take_all(lines, take, ctx, err);
    as_lines_close(lines);
    if (source)
        as_source_close(source);
    return rc;
}
