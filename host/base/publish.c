/* publish.c -- temporary names, fsync, rename. SPDX-License-Identifier: Apache-2.0 */
#include "base/publish.h"

#include "base/buf.h"
#include "base/clock.h"
#include "base/file.h"
#include "base/leftover.h"
#include "base/mem.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <sys/stat.h>
#include <unistd.h>

enum { NAME_MAX_BYTES = 65536 };

char *as_temporary_name(const char *path)
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
    AS_CLEANUP(close) int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    if (fd >= 0)
        (void)fsync(fd);
}

static void sync_folder_of(const char *path)
{
    const char *slash = strrchr(path, '/');
    AS_CLEANUP(free) char *folder = NULL;
    if (slash)
        folder = as_strndup(path, slash == path ? 1 : (size_t)(slash - path));
    sync_folder(folder ? folder : ".");
}

/* ---- a file ---- */

int as_new_file_open(as_new_file *f, const char *path, as_err *err)
{
    as_leftovers_remove(path, false);
    *f = (as_new_file){ -1, as_strdup(path), as_temporary_name(path) };
    if (!f->path || !f->temporary) {
        as_new_file_fini(f);
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    }
    f->fd = open(f->temporary, O_WRONLY | O_CREAT | O_EXCL | O_CLOEXEC, 0666);
    if (f->fd >= 0 && as_leftover_hold(f->fd))
        return 0;
    if (f->fd >= 0) {
        as_new_file_fini(f);
        return as_fail(err, AS_EIO, "%s: another process took the new file away", path);
    }
    int rc = as_fail_errno(err, "%s", path);
    as_free(AS_STEAL(f->temporary)); /* not ours to remove */
    as_new_file_fini(f);
    return rc;
}

int as_new_file_write(as_new_file *f, as_str bytes, as_err *err)
{
    as_err why = { 0 };
    int rc = as_write_all(f->fd, bytes, &why);
    return rc < 0 ? as_fail(err, rc, "%s: %s", f->path, why.text) : 0;
}

int as_new_file_commit(as_new_file *f, as_err *err)
{
    int rc = 0, fd = f->fd;
    f->fd = -1;
    if (fsync(fd) != 0 && errno != EINVAL)
        rc = as_fail_errno(err, "%s: fsync", f->path);
    if (close(fd) != 0 && rc == 0)
        rc = as_fail_errno(err, "%s: close", f->path);
    if (rc == 0 && rename(f->temporary, f->path) != 0)
        rc = as_fail_errno(err, "%s: rename", f->path);
    if (rc == 0) {
        as_free(AS_STEAL(f->temporary));
        sync_folder_of(f->path);
    }
    return rc;
}

void as_new_file_fini(as_new_file *f)
{
    if (f->fd >= 0)
        (void)close(f->fd);
    if (f->temporary)
        (void)unlink(f->temporary);
    as_free(f->temporary);
    as_free(f->path);
    *f = (as_new_file){ -1, NULL, NULL };
}

/* ---- a folder ---- */

static bool is_dot(const char *name)
{
    return strcmp(name, ".") == 0 || strcmp(name, "..") == 0;
}

/* Best effort: what cannot be removed stays under its temporary name. */
static void remove_folder(const char *path)
{
    DIR *d = opendir(path);
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (!is_dot(e->d_name))
            (void)unlinkat(dirfd(d), e->d_name, 0);
    if (d)
        (void)closedir(d);
    (void)rmdir(path);
}

static int check_free(const char *path, as_err *err)
{
    struct stat info;
    if (lstat(path, &info) != 0)
        return errno == ENOENT ? 0 : as_fail_errno(err, "%s", path);
    bool is_empty = S_ISDIR(info.st_mode);
    DIR *d = is_empty ? opendir(path) : NULL;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
        is_empty = is_empty && is_dot(e->d_name);
    if (d)
        (void)closedir(d);
    if (is_empty)
        return 0;
    return as_fail(err, AS_EUSAGE, "%s: %s (name another folder, or remove it first)", path,
                   S_ISDIR(info.st_mode) ? "is there and not empty" : "is there and no folder");
}

/* From now on nobody takes it for a leftover. */
static int hold_folder(as_new_folder *f, as_err *err)
{
    const int fd = open(f->temporary, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    f->held = fd + 1;
    return fd < 0 || as_leftover_hold(fd)
               ? 0
               : as_fail(err, AS_EIO, "%s: another process took the new folder away", f->path);
}

static void let_go(as_new_folder *f)
{
    if (f->held > 0)
        (void)close(f->held - 1);
    f->held = 0;
}

int as_new_folder_open(as_new_folder *f, const char *path, as_err *err)
{
    size_t n = strlen(path);
    while (n > 1 && path[n - 1] == '/')
        n--;
    *f = (as_new_folder){ as_strndup(path, n), NULL, 0 };
    f->temporary = f->path ? as_temporary_name(f->path) : NULL;
    int rc = f->temporary ? check_free(f->path, err)
                          : as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    if (rc == 0)
        as_leftovers_remove(f->path, false);
    if (rc == 0 && mkdir(f->temporary, 0777) != 0)
        rc = as_fail_errno(err, "%s: could not be made", f->path);
    if (rc < 0) {
        as_free(AS_STEAL(f->temporary)); /* not ours to remove */
        as_new_folder_fini(f);
        return rc;
    }
    rc = hold_folder(f, err);
    if (rc < 0)
        as_new_folder_fini(f);
    return rc;
}

int as_new_folder_commit(as_new_folder *f, as_err *err)
{
    sync_folder(f->temporary);
    if (rename(f->temporary, f->path) != 0) {
        int why = errno, rc = check_free(f->path, err); /* somebody was quicker? */
        errno = why;
        return rc < 0 ? rc : as_fail_errno(err, "%s: rename", f->path);
    }
    let_go(f);
    as_free(AS_STEAL(f->temporary));
    sync_folder_of(f->path);
    return 0;
}

void as_new_folder_fini(as_new_folder *f)
{
    if (f->temporary)
        remove_folder(f->temporary);
    let_go(f);
    as_free(f->temporary);
    as_free(f->path);
    *f = (as_new_folder){ NULL, NULL, 0 };
}

int as_folder_replace(const char *fresh, const char *path, as_err *err)
{
    if (renameat2(AT_FDCWD, fresh, AT_FDCWD, path, RENAME_EXCHANGE) == 0) {
        sync_folder_of(path);
        return as_folder_remove(fresh, err);
    }
    if (errno != EINVAL && errno != ENOSYS) /* file systems that cannot exchange */
        return as_fail_errno(err, "%s: could not be replaced", path);
    int rc = as_folder_remove(path, err);
    if (rc == 0 && rename(fresh, path) != 0)
        rc = as_fail_errno(err, "%s: rename of %s", path, fresh);
    if (rc == 0)
        sync_folder_of(path);
    return rc;
}

int as_folder_remove(const char *path, as_err *err)
{
    AS_CLEANUP(free) char *temporary = as_temporary_name(path);
    if (!temporary)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", path);
    if (rename(path, temporary) != 0)
        return as_fail_errno(err, "%s: could not be removed", path);
    remove_folder(temporary);
    return 0;
}
