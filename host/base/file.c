/* file.c -- whole small files. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

static int read_all(int fd, const char *path, as_buf *out, as_err *err)
{
    char block[16 * 1024];
    for (;;) {
        ssize_t n = read(fd, block, sizeof block);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return as_fail_errno(err, "%s", path);
        if (n == 0)
            return as_buf_check(out, err);
        if ((size_t)n > out->max - out->len) {
            out->failed = true;
            return as_fail(err, AS_EDATA, "%s: larger than the limit of %zu bytes", path, out->max);
        }
        as_buf_add(out, (as_str){ block, (size_t)n });
        if (out->failed)
            return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    }
}

int as_file_read(const char *path, as_buf *out, as_err *err)
{
    AS_CLEANUP(close) int fd = open(path, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return as_fail_errno(err, "%s", path);
    return read_all(fd, path, out, err);
}

/* write() that turns SIGPIPE into EPIPE for this call alone: the disposition belongs to the
 * embedding program. */
static ssize_t write_no_signal(int fd, as_str bytes)
{
    sigset_t pipe_only, before, pending;
    (void)sigemptyset(&pipe_only);
    (void)sigaddset(&pipe_only, SIGPIPE);
    (void)sigpending(&pending);
    bool was_pending = sigismember(&pending, SIGPIPE) == 1;
    (void)pthread_sigmask(SIG_BLOCK, &pipe_only, &before);
    ssize_t n = write(fd, bytes.data, bytes.len);
    int saved = errno;
    if (n < 0 && saved == EPIPE && !was_pending) {
        const struct timespec now = { 0, 0 };
        while (sigtimedwait(&pipe_only, NULL, &now) < 0 && errno == EINTR)
            ;
    }
    (void)pthread_sigmask(SIG_SETMASK, &before, NULL);
    errno = saved;
    return n;
}

int as_write_all(int fd, as_str bytes, as_err *err)
{
    while (bytes.len > 0) {
        ssize_t n = write_no_signal(fd, bytes);
        if (n >= 0) {
            bytes.data += n;
            bytes.len -= (size_t)n;
        } else if (errno == EAGAIN) { /* somebody made our stdout non-blocking */
            struct pollfd p = { .fd = fd, .events = POLLOUT };
            (void)poll(&p, 1, -1);
        } else if (errno != EINTR) {
            return as_fail_errno(err, "write");
        }
    }
    return 0;
}

enum { NAME_MAX_BYTES = 65536 };

/* A name beside `path` that no other process or thread uses. NULL: no memory. */
static char *temporary_name(const char *path)
{
    static atomic_uint counter;
    as_buf name;
    as_buf_init(&name, NAME_MAX_BYTES);
    as_buf_addf(&name, "%s.tmp-%ld-%llx-%u", path, (long)getpid(), (unsigned long long)as_now_ns(),
                atomic_fetch_add(&counter, 1));
    if (name.failed) {
        as_buf_fini(&name);
        return NULL;
    }
    return name.data; /* the buffer's memory is from base/mem too */
}

/* So that the new name survives a power cut too; best effort, some file systems refuse it. */
static void sync_folder(const char *path)
{
    const char *slash = strrchr(path, '/');
    AS_CLEANUP(free) char *folder = NULL;
    if (slash)
        folder = as_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    AS_CLEANUP(close) int fd = open(folder ? folder : ".", O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)fsync(fd);
}

int as_file_write_atomic(const char *path, as_str bytes, as_err *err)
{
    AS_CLEANUP(free) char *temporary = temporary_name(path);
    if (!temporary)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    int fd = open(temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (fd < 0)
        return as_fail_errno(err, "%s", path);
    as_err why = { 0 };
    int rc = as_write_all(fd, bytes, &why);
    if (rc == 0 && fsync(fd) != 0 && errno != EINVAL)
        rc = as_fail_errno(&why, "fsync");
    if (close(fd) != 0 && rc == 0)
        rc = as_fail_errno(&why, "close");
    if (rc == 0 && rename(temporary, path) != 0)
        rc = as_fail_errno(&why, "rename");
    if (rc < 0) {
        (void)unlink(temporary);
        return as_fail(err, rc, "%s: %s", path, why.text);
    }
    sync_folder(path);
    return 0;
}
