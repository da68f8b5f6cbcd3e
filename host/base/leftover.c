/* leftover.c -- see leftover.h. SPDX-License-Identifier: Apache-2.0 */
#include "base/leftover.h"

#include "base/mem.h"
#include "base/str.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <string.h>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

#define MARK ".tmp-"

bool as_leftover_hold(int fd)
{
    struct stat info;
    if (flock(fd, LOCK_EX | LOCK_NB) != 0)
        return errno != EWOULDBLOCK;
    return fstat(fd, &info) == 0 && info.st_nlink > 0;
}

/* Past `set`'s characters, 1 to `most` of them, and the '-' behind them; NULL: it is not so. */
static const char *past(const char *text, const char *set, size_t most, char behind)
{
    const size_t n = strspn(text, set);
    return n >= 1 && n <= most && (!behind || text[n] == behind) ? text + n + (behind != 0) : NULL;
}

/* PID-TIME-COUNT as as_temporary_name writes it, perhaps several behind one another; the last PID.
 * 0: something else. */
static long process_of(const char *tail)
{
    static const char decimal[] = "0123456789", hex[] = "0123456789abcdef";
    for (;;) {
        unsigned long long number = 0;
        const char *time = past(tail, decimal, 9, '-');
        const char *count = time ? past(time, hex, 16, '-') : NULL;
        const char *end = count ? past(count, decimal, 10, 0) : NULL;
        if (!end || !as_str_u64((as_str){ tail, (size_t)(time - tail) - 1 }, &number))
            return 0;
        if (!*end)
            return (long)number;
        if (strncmp(end, MARK, sizeof MARK - 1) != 0)
            return 0;
        tail = end + sizeof MARK - 1;
    }
}

static bool is_alive(long pid)
{
    return kill((pid_t)pid, 0) == 0 || errno != ESRCH;
}

/* A leftover's name: the process that wrote it is gone. */
static bool is_left(const char *entry, as_str name, bool is_prefix)
{
    if (strncmp(entry, name.data, name.len) != 0)
        return false;
    const char *mark = is_prefix ? strstr(entry + name.len, MARK) : entry + name.len;
    if (!mark || strncmp(mark, MARK, sizeof MARK - 1) != 0)
        return false;
    const long pid = process_of(mark + sizeof MARK - 1);
    return pid > 0 && !is_alive(pid);
}

/* Files of the folder open as `fd`, which is used up; one that has folders keeps everything. */
static void empty(int fd)
{
    DIR *d = fdopendir(fd);
    bool is_flat = d != NULL;
    struct stat info;
    if (!d)
        (void)close(fd);
    for (const struct dirent *e; is_flat && (e = readdir(d)) != NULL;)
        is_flat = e->d_name[0] == '.' || (fstatat(fd, e->d_name, &info, AT_SYMLINK_NOFOLLOW) == 0 &&
                                          S_ISREG(info.st_mode));
    if (is_flat)
        rewinddir(d);
    for (const struct dirent *e; is_flat && (e = readdir(d)) != NULL;)
        (void)unlinkat(fd, e->d_name, 0);
    if (d)
        (void)closedir(d);
}

static void remove_left(int folder, const char *entry)
{
    struct stat info;
    const int fd = openat(folder, entry, O_RDONLY | O_NOFOLLOW | O_NONBLOCK | O_CLOEXEC);
    if (fd < 0)
        return;
    const bool is_ours = fstat(fd, &info) == 0 && info.st_uid == geteuid() &&
                         flock(fd, LOCK_EX | LOCK_NB) == 0; /* held until it is gone */
    const int files = is_ours && S_ISDIR(info.st_mode) ? dup(fd) : -1;
    if (files >= 0) {
        empty(files);
        (void)unlinkat(folder, entry, AT_REMOVEDIR);
    } else if (is_ours && S_ISREG(info.st_mode)) {
        (void)unlinkat(folder, entry, 0);
    }
    (void)close(fd);
}

void as_leftovers_remove(const char *path, bool is_prefix)
{
    const char *slash = strrchr(path, '/');
    const as_str name = as_str_of(slash ? slash + 1 : path);
    AS_CLEANUP(free)
    char *folder =
        slash ? as_strndup(path, slash == path ? 1 : (size_t)(slash - path)) : as_strdup(".");
    DIR *d = folder && name.len > 0 ? opendir(folder) : NULL;
    for (const struct dirent *e; d && (e = readdir(d)) != NULL;)
        if (is_left(e->d_name, name, is_prefix))
            remove_left(dirfd(d), e->d_name);
    if (d)
        (void)closedir(d);
}
