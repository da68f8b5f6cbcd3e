/* file.c -- whole small files. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"

#include "base/mem.h"
#include "base/publish.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
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

int as_file_write_atomic(const char *path, as_str bytes, as_err *err)
{
    AS_CLEANUP(new_file) as_new_file f;
    int rc = as_new_file_open(&f, path, err);
    if (rc == 0)
        rc = as_new_file_write(&f, bytes, err);
    return rc < 0 ? rc : as_new_file_commit(&f, err);
}
