/* growing.c -- append, and cut back what was torn. SPDX-License-Identifier: Apache-2.0 */
#include "train/growing.h"

#include "base/file.h"
#include "base/mem.h"

#include <errno.h>
#include <fcntl.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

/* A file system without locks is no reason to stop: only somebody else's lock is. */
static int check(const as_growing *g, as_err *err)
{
    struct stat info;
    if (fstat(g->fd, &info) != 0)
        return as_fail_errno(err, "%s", g->path);
    if (!S_ISREG(info.st_mode))
        return as_fail(err, AS_EUSAGE, "%s: no regular file; name another folder", g->path);
    if (flock(g->fd, LOCK_EX | LOCK_NB) != 0 && errno == EWOULDBLOCK)
        return as_fail(err, AS_EUSAGE,
                       "%s: another process is writing to it; wait for it, or name another folder",
                       g->path);
    return 0;
}

int as_growing_open(as_growing *g, const char *path, bool is_new, as_err *err)
{
    *g = (as_growing){ -1, as_strdup(path) };
    if (!g->path)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    /* O_RDWR | O_NONBLOCK: a pipe of that name is opened, seen and refused, not waited for */
    const int flags = O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC | O_NONBLOCK | (is_new ? O_EXCL : 0);
    g->fd = open(path, flags, 0666);
    int rc = g->fd < 0 ? as_fail_errno(err, "%s", path) : check(g, err);
    if (rc < 0)
        (void)as_growing_close(g, NULL);
    return rc;
}

int as_growing_size(const as_growing *g, uint64_t *size, as_err *err)
{
    struct stat info;
    if (fstat(g->fd, &info) != 0)
        return as_fail_errno(err, "%s", g->path);
    *size = (uint64_t)info.st_size;
    return 0;
}

int as_growing_cut(as_growing *g, uint64_t size, as_err *err)
{
    return ftruncate(g->fd, (off_t)size) == 0 ? 0 : as_fail_errno(err, "%s", g->path);
}

int as_growing_put(as_growing *g, as_str record, as_err *err)
{
    uint64_t before = 0;
    as_err why = { 0 };
    int rc = as_growing_size(g, &before, err);
    if (rc < 0)
        return rc;
    rc = as_write_all(g->fd, record, &why);
    if (rc == 0)
        return 0;
    (void)as_growing_cut(g, before, NULL); /* best effort: shrinking takes no room */
    return as_fail(err, rc, "%s: %s%s", g->path, why.text,
                   rc == AS_EBUDGET ? "; what was written before is kept" : "");
}

int as_growing_sync(as_growing *g, as_err *err)
{
    if (fsync(g->fd) != 0 && errno != EINVAL)
        return as_fail_errno(err, "%s: fsync", g->path);
    return 0;
}

int as_growing_close(as_growing *g, as_err *err)
{
    int fd = g->fd, rc = 0;
    g->fd = -1;
    if (fd >= 0 && close(fd) != 0)
        rc = as_fail_errno(err, "%s: close", g->path);
    if (fd >= 0 || g->path)
        as_free(AS_STEAL(g->path));
    return rc;
}
