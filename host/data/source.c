/* source.c -- bytes in: files, pipes and stdin, plain or compressed, told apart by their first
 * bytes. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 256 * 1024, STOP_POLL_MS = 100 };

typedef enum packing { UNKNOWN, PLAIN, GZ, ZST } packing;

struct as_source {
    int fd;
    char *name;
    packing kind;
    char *in; /* BLOCK bytes as read; [in_at, in_end) is not used up */
    size_t in_at, in_end;
    bool at_end;   /* nothing more from the descriptor */
    bool in_frame; /* inside a gz member or zst frame: an end here is a truncation */
    bool is_stdin, has_gz, waits, follows;
    int64_t idle_ns; /* 0: a wait has no end */
    z_stream gz;
    ZSTD_DCtx *zst;
    unsigned long long done, total;
    int (*stop)(const void *arg);
    const void *stop_arg;
    as_err failed; /* of the decompressor, kept while the sound bytes before it are handed out */
};

int as_source_open(as_source **out, const char *path, as_err *err)
{
    bool is_stdin = strcmp(path, "-") == 0;
    as_source *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    s->is_stdin = is_stdin;
    s->in = as_malloc(BLOCK);
    s->name = as_strdup(is_stdin ? "stdin" : path);
    s->fd = is_stdin ? STDIN_FILENO : open(path, O_RDONLY | O_CLOEXEC);
    struct stat info = { 0 };
    int rc = 0;
    if (s->fd < 0)
        rc = as_fail_errno(err, "%s", path);
    else if (fstat(s->fd, &info) == 0 && S_ISDIR(info.st_mode))
        rc = as_fail(err, AS_EIO, "%s: is a folder, not a file", path);
    else if (!s->in || !s->name)
        rc = as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    if (rc < 0) {
        as_source_close(s);
        return rc;
    }
    s->waits = !S_ISREG(info.st_mode);
    s->total = S_ISREG(info.st_mode) && info.st_size > 0 ? (unsigned long long)info.st_size : 0;
    *out = s;
    return 0;
}

void as_source_set_stop(as_source *s, int (*why)(const void *arg), const void *arg)
{
    s->stop = why;
    s->stop_arg = arg;
}

void as_source_set_wait(as_source *s, bool follows, double idle_s)
{
    s->follows = follows && !s->waits; /* a pipe waits as it is */
    s->waits = s->waits || follows;
    s->idle_ns = (int64_t)(idle_s * 1e9);
}

/* Has the file grown beyond what was read? */
static int has_grown(const as_source *s, as_err *err)
{
    struct stat info;
    const off_t at = lseek(s->fd, 0, SEEK_CUR);
    if (at < 0 || fstat(s->fd, &info) != 0)
        return as_fail_errno(err, "%s", s->name);
    if (info.st_size < at)
        return as_fail(err, AS_EDATA, "%s became shorter while it was read: %lld bytes, then %lld",
                       s->name, (long long)at, (long long)info.st_size);
    return info.st_size > at;
}

/* 1: there is something to read, or no way to know; 0: not within `ms`. */
static int poll_source(const as_source *s, int ms, as_err *err)
{
    struct pollfd p = { .fd = s->fd, .events = POLLIN };
    if (s->follows) {
        int rc = has_grown(s, err);
        if (rc == 0)
            (void)poll(NULL, 0, ms);
        return rc;
    }
    int n = poll(&p, 1, ms);
    return n > 0 || (n < 0 && errno != EINTR);
}

/* 0 once there is something to read (or no way to know), or nobody waits any longer: at_end; else
 * the code of the stop. */
static int wait_readable(as_source *s, as_err *err)
{
    const int64_t since = as_now_ns();
    while (s->waits && (s->stop || s->idle_ns || s->follows)) {
        int why = s->stop ? s->stop(s->stop_arg) : 0;
        if (why != 0)
            return as_fail(err, why, "interrupted while waiting for %s", s->name);
        int rc = poll_source(s, STOP_POLL_MS, err);
        if (rc != 0)
            return rc < 0 ? rc : 0;
        s->at_end = s->idle_ns && as_now_ns() - since >= s->idle_ns;
        if (s->at_end)
            break;
    }
    return 0;
}

static long read_raw(as_source *s, char *into, size_t size, as_err *err)
{
    for (;;) {
        int rc = wait_readable(s, err);
        if (rc < 0 || s->at_end)
            return rc;
        ssize_t n = read(s->fd, into, size);
        if (n >= 0) {
            s->at_end = n == 0;
            s->done += (unsigned long long)n;
            return n;
        }
        if (errno == EAGAIN) { /* somebody made our stdin non-blocking */
            struct pollfd p = { .fd = s->fd, .events = POLLIN };
            (void)poll(&p, 1, STOP_POLL_MS);
        } else if (errno != EINTR) {
            return as_fail_errno(err, "%s", s->name);
        }
    }
}

/* More compressed bytes; < 0 on error. Bytes not used up stay in front. */
static int refill(as_source *s, as_err *err)
{
    if (s->in_at > 0 && s->in_at < s->in_end)
        memmove(s->in, s->in + s->in_at, s->in_end - s->in_at);
    s->in_end -= s->in_at;
    s->in_at = 0;
    long n = read_raw(s, s->in + s->in_end, BLOCK - s->in_end, err);
    if (n < 0)
        return (int)n;
    s->in_end += (size_t)n;
    return 0;
}

static int no_memory(const as_source *s, as_err *err)
{
    return as_fail(err, AS_ENOMEM, "%s: out of memory for decompression", s->name);
}

/* Do the first n bytes fit a magic number, as far as they go? */
static bool fits(const unsigned char *p, size_t n, unsigned first, const char *rest, size_t n_rest)
{
    const unsigned mask = first == 0x50 ? 0xF0 : 0xFF; /* zstd's skippable frames: 0x50 .. 0x5F */
    if (n == 0)
        return true;
    const size_t more = n - 1 < n_rest ? n - 1 : n_rest;
    return (p[0] & mask) == first && memcmp(p + 1, rest, more) == 0;
}

/* A short line of text is not kept waiting for a fourth byte. */
static packing kind_of(const as_source *s, size_t *wanted)
{
    static const struct {
        unsigned first;
        const char *rest;
        size_t n_rest;
        packing kind;
    } all[] = { { 0x1F, "\x8B", 1, GZ },
                { 0x28, "\xB5\x2F\xFD", 3, ZST },
                { 0x50, "\x2A\x4D\x18", 3, ZST } };
    *wanted = 0;
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!fits((const unsigned char *)s->in, s->in_end, all[i].first, all[i].rest,
                  all[i].n_rest))
            continue;
        *wanted = all[i].n_rest + 1;
        if (s->in_end >= *wanted)
            return all[i].kind;
    }
    return PLAIN;
}

static int detect(as_source *s, as_err *err)
{
    size_t wanted;
    packing kind;
    while ((kind = kind_of(s, &wanted)) == PLAIN && wanted && !s->at_end) {
        int rc = refill(s, err);
        if (rc < 0)
            return rc;
    }
    s->kind = PLAIN;
    if (kind == GZ) {
        if (inflateInit2(&s->gz, 15 + 16) != Z_OK)
            return no_memory(s, err);
        s->has_gz = true;
        s->kind = GZ;
    } else if (kind == ZST) {
        s->zst = ZSTD_createDCtx();
        if (!s->zst)
            return no_memory(s, err);
        s->kind = ZST;
    }
    return 0;
}

static long read_plain(as_source *s, char *into, size_t size, as_err *err)
{
    size_t n = s->in_end - s->in_at;
    if (n == 0)
        return s->at_end ? 0 : read_raw(s, into, size, err);
    n = n < size ? n : size;
    memcpy(into, s->in + s->in_at, n);
    s->in_at += n;
    return (long)n;
}

static int damaged(const as_source *s, const char *what, as_err *err)
{
    return as_fail(err, AS_EDATA, "%s: damaged compressed data (%s)", s->name, what);
}

/* One step over the bytes at hand: *n bytes came out. */
// NOLINTNEXTLINE(readability-non-const-parameter): zlib writes to `into`
static int step_gz(as_source *s, char *into, size_t size, size_t *n, as_err *err)
{
    *n = 0;
    if (!s->in_frame) {
        while (s->in_at < s->in_end && s->in[s->in_at] == 0) /* padding between and after members */
            s->in_at++;
        if (s->in_at == s->in_end)
            return 0;
        if (inflateReset(&s->gz) != Z_OK)
            return damaged(s, "reset", err);
        s->in_frame = true;
    }
    unsigned room = size > 1u << 30 ? 1u << 30 : (unsigned)size;
    s->gz.next_in = (Bytef *)s->in + s->in_at;
    s->gz.avail_in = (unsigned)(s->in_end - s->in_at);
    s->gz.next_out = (Bytef *)into;
    s->gz.avail_out = room;
    int rc = inflate(&s->gz, Z_NO_FLUSH);
    s->in_at = s->in_end - s->gz.avail_in;
    *n = room - s->gz.avail_out;
    if (rc == Z_STREAM_END)
        s->in_frame = false;
    else if (rc == Z_MEM_ERROR)
        return no_memory(s, err);
    else if (rc != Z_OK && rc != Z_BUF_ERROR)
        return damaged(s, s->gz.msg ? s->gz.msg : "gzip", err);
    return 0;
}

// NOLINTNEXTLINE(readability-non-const-parameter): zstd writes to `into`
static int step_zst(as_source *s, char *into, size_t size, size_t *n, as_err *err)
{
    ZSTD_inBuffer in = { s->in, s->in_end, s->in_at };
    ZSTD_outBuffer out = { into, size, 0 };
    *n = 0;
    if (in.pos == in.size && !s->in_frame)
        return 0;
    size_t rc = ZSTD_decompressStream(s->zst, &out, &in);
    s->in_at = in.pos;
    *n = out.pos;
    if (ZSTD_isError(rc))
        return damaged(s, ZSTD_getErrorName(rc), err);
    s->in_frame = rc != 0;
    return 0;
}

/* Goes on while there is compressed data at hand and room, and until there is something to show. */
static long read_packed(as_source *s, char *into, size_t size, as_err *err)
{
    size_t got = 0;
    while (got < size && s->failed.code == 0) {
        size_t n = 0, before = s->in_at;
        int rc = s->kind == GZ ? step_gz(s, into + got, size - got, &n, &s->failed)
                               : step_zst(s, into + got, size - got, &n, &s->failed);
        got += n;
        if (rc < 0)
            break;
        if (n > 0 || s->in_at != before)
            continue;
        if (got > 0)
            break;
        if (s->at_end) {
            if (s->in_frame)
                return as_fail(
                    err, AS_EDATA,
                    "%s: the compressed data is truncated (it ends within a %s); fetch it again",
                    s->name, s->kind == GZ ? "gzip member" : "zstd frame");
            break;
        }
        rc = refill(s, err);
        if (rc < 0)
            return rc;
    }
    if (got == 0 && s->failed.code != 0)
        return as_fail(err, s->failed.code, "%s", s->failed.text);
    return (long)got;
}

long as_source_read(as_source *s, char *into, size_t size, as_err *err)
{
    if (s->kind == UNKNOWN) {
        int rc = detect(s, err);
        if (rc < 0)
            return rc;
    }
    return s->kind == PLAIN ? read_plain(s, into, size, err) : read_packed(s, into, size, err);
}

bool as_source_ready(const as_source *s)
{
    if (!s->waits || s->at_end)
        return true;
    return s->kind == PLAIN && (s->in_at < s->in_end || poll_source(s, 0, NULL) != 0);
}

const char *as_source_name(const as_source *s)
{
    return s->name;
}

void as_source_progress(const as_source *s, unsigned long long *done, unsigned long long *total)
{
    *done = s->done;
    *total = s->total;
}

void as_source_close(as_source *s)
{
    if (!s)
        return;
    if (!s->is_stdin && s->fd >= 0)
        (void)close(s->fd);
    if (s->has_gz)
        (void)inflateEnd(&s->gz);
    (void)ZSTD_freeDCtx(s->zst);
    as_free(s->in);
    as_free(s->name);
    as_free(s);
}
