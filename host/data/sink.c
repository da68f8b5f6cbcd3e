/* sink.c -- bytes out: files, pipes and stdout, compressed when the name says .gz or .zst.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "data/stream.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/stat.h>
#include <unistd.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

enum { BLOCK = 256 * 1024, GZ_LEVEL = 4, ZST_LEVEL = 3 };

typedef enum packing { PLAIN, GZ, ZST } packing;

struct as_sink {
    int fd;
    char *name;
    packing kind;
    bool is_stdout, has_gz;
    char *out; /* BLOCK bytes, the first n_out to be written: plain text, or what the compressor
                  gave */
    size_t n_out;
    z_stream gz;
    ZSTD_CCtx *zst;
    as_err failed; /* the first failure */
};

static int failed(const as_sink *s, as_err *err)
{
    return as_fail(err, s->failed.code, "%s", s->failed.text);
}

static int write_out(as_sink *s, as_str bytes)
{
    as_err why = { 0 };
    int rc = as_write_all(s->fd, bytes, &why);
    if (rc < 0)
        as_fail(&s->failed, rc, "%s: %s%s", s->name, why.text,
                rc == AS_EBUDGET ? "; what was written so far is kept" : "");
    return rc;
}

static int empty_out(as_sink *s)
{
    size_t n = s->n_out;
    s->n_out = 0;
    return n ? write_out(s, (as_str){ s->out, n }) : 0;
}

static int put_plain(as_sink *s, as_str bytes)
{
    if (bytes.len > BLOCK - s->n_out) {
        int rc = empty_out(s);
        if (rc < 0)
            return rc;
        if (bytes.len >= BLOCK)
            return write_out(s, bytes);
    }
    if (bytes.len)
        memcpy(s->out + s->n_out, bytes.data, bytes.len);
    s->n_out += bytes.len;
    return 0;
}

/* flush: Z_NO_FLUSH, Z_SYNC_FLUSH or Z_FINISH. */
static int put_gz(as_sink *s, as_str bytes, int flush)
{
    int z = Z_OK;
    do {
        size_t part = bytes.len > 1u << 30 ? 1u << 30 : bytes.len;
        s->gz.next_in = (const Bytef *)bytes.data;
        s->gz.avail_in = (unsigned)part;
        do {
            if (s->n_out == BLOCK && empty_out(s) < 0)
                return s->failed.code;
            s->gz.next_out = (Bytef *)s->out + s->n_out;
            s->gz.avail_out = (unsigned)(BLOCK - s->n_out);
            z = deflate(&s->gz, part == bytes.len ? flush : Z_NO_FLUSH);
            s->n_out = BLOCK - s->gz.avail_out;
            if (z == Z_STREAM_ERROR)
                return as_fail(&s->failed, AS_EIO, "%s: the compressor failed", s->name);
        } while (s->gz.avail_out == 0);
        bytes.data += part;
        bytes.len -= part;
    } while (bytes.len > 0);
    return 0;
}

static int put_zst(as_sink *s, as_str bytes, ZSTD_EndDirective flush)
{
    ZSTD_inBuffer in = { bytes.data, bytes.len, 0 };
    for (;;) {
        ZSTD_outBuffer out = { s->out, BLOCK, s->n_out };
        size_t left = ZSTD_compressStream2(s->zst, &out, &in, flush);
        s->n_out = out.pos;
        if (ZSTD_isError(left))
            return as_fail(&s->failed, AS_EIO, "%s: the compressor failed: %s", s->name,
                           ZSTD_getErrorName(left));
        if (flush == ZSTD_e_continue ? in.pos == in.size : left == 0)
            return 0;
        if (s->n_out == BLOCK && empty_out(s) < 0)
            return s->failed.code;
    }
}

static int start_compressor(as_sink *s)
{
    if (as_str_ends(as_str_of(s->name), ".gz")) {
        s->kind = GZ;
        s->has_gz =
            deflateInit2(&s->gz, GZ_LEVEL, Z_DEFLATED, 15 + 16, 8, Z_DEFAULT_STRATEGY) == Z_OK;
        return s->has_gz ? 0 : AS_ENOMEM;
    }
    if (as_str_ends(as_str_of(s->name), ".zst")) {
        s->kind = ZST;
        s->zst = ZSTD_createCCtx();
        return s->zst && !ZSTD_isError(
                             ZSTD_CCtx_setParameter(s->zst, ZSTD_c_compressionLevel, ZST_LEVEL))
                   ? 0
                   : AS_ENOMEM;
    }
    return 0;
}

static int open_file(const char *path, as_sink_mode mode, as_err *err)
{
    static const int flags[] = {
        [AS_SINK_NEW] = O_EXCL, [AS_SINK_OVERWRITE] = O_TRUNC, [AS_SINK_APPEND] = O_APPEND
    };
    int fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC | flags[mode], 0666);
    if (fd < 0 && errno == EEXIST) {
        struct stat info;
        if (stat(path, &info) != 0 || S_ISREG(info.st_mode))
            return as_fail(err, AS_EUSAGE, "%s exists: --resume to go on, --force to overwrite",
                           path);
        fd = open(path, O_WRONLY | O_CLOEXEC);
    }
    return fd < 0 ? as_fail_errno(err, "%s", path) : fd;
}

static void sink_free(as_sink *s)
{
    if (s->has_gz)
        (void)deflateEnd(&s->gz);
    (void)ZSTD_freeCCtx(s->zst);
    as_free(s->out);
    as_free(s->name);
    as_free(s);
}

int as_sink_open(as_sink **out, const char *path, as_sink_mode mode, as_err *err)
{
    as_sink *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    s->is_stdout = strcmp(path, "-") == 0;
    s->name = as_strdup(s->is_stdout ? "stdout" : path);
    s->out = as_malloc(BLOCK);
    /* the file last, so that a want of memory does not leave an empty one behind */
    int rc = s->name && s->out ? start_compressor(s) : AS_ENOMEM;
    if (rc < 0)
        as_fail(err, rc, "%s: out of memory", path);
    else
        rc = s->fd = s->is_stdout ? STDOUT_FILENO : open_file(path, mode, err);
    if (rc < 0) {
        sink_free(s);
        return rc;
    }
    *out = s;
    return 0;
}

static int put(as_sink *s, as_str bytes, bool flush, bool finish)
{
    switch (s->kind) {
    case GZ:
        return put_gz(s, bytes, finish ? Z_FINISH : flush ? Z_SYNC_FLUSH : Z_NO_FLUSH);
    case ZST:
        return put_zst(s, bytes, finish ? ZSTD_e_end : flush ? ZSTD_e_flush : ZSTD_e_continue);
    case PLAIN:
    default:
        return put_plain(s, bytes);
    }
}

int as_sink_write(as_sink *s, as_str bytes, as_err *err)
{
    if (s->failed.code == 0 && bytes.len > 0)
        (void)put(s, bytes, false, false);
    return s->failed.code ? failed(s, err) : 0;
}

int as_sink_flush(as_sink *s, as_err *err)
{
    if (s->failed.code == 0 && put(s, (as_str){ NULL, 0 }, true, false) == 0)
        (void)empty_out(s);
    return s->failed.code ? failed(s, err) : 0;
}

int as_sink_close(as_sink *s, as_err *err)
{
    if (!s)
        return 0;
    if (s->failed.code == 0 && put(s, (as_str){ NULL, 0 }, true, true) == 0)
        (void)empty_out(s);
    if (!s->is_stdout && close(s->fd) != 0 && errno != EINTR && s->failed.code == 0)
        as_fail_errno(&s->failed, "%s: close", s->name);
    int rc = s->failed.code ? failed(s, err) : 0;
    sink_free(s);
    return rc;
}

const char *as_sink_name(const as_sink *s)
{
    return s->name;
}
