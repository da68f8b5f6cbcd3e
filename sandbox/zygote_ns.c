/* zygote_ns.c -- the zygote's own world: no network, its own hostname and IPC, a root of its own
 * that only shows the system's programs and libraries, read only. Entered once; jobs inherit it,
 * and only their pid namespace is new. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

static int write_to(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    if (fd < 0)
        return -errno;
    ssize_t n = write(fd, text, strlen(text));
    int rc = n < 0 ? -errno : 0;
    close(fd);
    return rc;
}

/* Ourselves as root of a user namespace: what a caller without rights may do too. */
static int enter_user_namespace(const char **what)
{
    unsigned uid = getuid(), gid = getgid();
    char map[64];
    *what = "user namespace";
    if (unshare(CLONE_NEWUSER) < 0)
        return -errno;
    int rc = write_to("/proc/self/setgroups", "deny");
    if (rc == -ENOENT)
        rc = 0;
    (void)snprintf(map, sizeof map, "0 %u 1\n", uid);
    if (rc == 0)
        rc = write_to("/proc/self/uid_map", map);
    (void)snprintf(map, sizeof map, "0 %u 1\n", gid);
    return rc == 0 ? write_to("/proc/self/gid_map", map) : rc;
}

/* ---- the root ---- */

static const char *const staging =
    "/tmp"; /* covered by our own tmpfs, in our own mount namespace */

static int at(char *out, size_t size, const char *path)
{
    int n = snprintf(out, size, "%s%s", staging, path);
    return n > 0 && (size_t)n < size ? 0 : -ENAMETOOLONG;
}

/* Shows `path` at the same place, read only. What is a symbolic link there stays one. */
static int show(const char *path)
{
    char target[64], link[64];
    struct stat st;
    if (lstat(path, &st) < 0)
        return 0;
    int rc = at(target, sizeof target, path);
    if (rc < 0)
        return rc;
    if (S_ISLNK(st.st_mode)) {
        ssize_t n = readlink(path, link, sizeof link - 1);
        if (n < 0)
            return -errno;
        link[n] = 0;
        return symlink(link, target) < 0 ? -errno : 0;
    }
    if (S_ISDIR(st.st_mode)) {
        if (mkdir(target, 0755) < 0 && errno != EEXIST)
            return -errno;
    } else {
        int fd = open(target, O_CREAT | O_WRONLY | O_CLOEXEC, 0644);
        if (fd < 0)
            return -errno;
        close(fd);
    }
    if (mount(path, target, NULL, MS_BIND | (S_ISDIR(st.st_mode) ? MS_REC : 0), NULL) < 0)
        return -errno;
    unsigned long flags =
        MS_BIND | MS_REMOUNT | MS_NOSUID | (S_ISDIR(st.st_mode) ? MS_RDONLY | MS_NODEV : 0);
    return mount(NULL, target, NULL, flags, NULL) < 0 && S_ISDIR(st.st_mode) ? -errno : 0;
}

static int make_root(const char **what)
{
    static const char *const shown[] = { "/usr",
                                         "/lib",
                                         "/lib64",
                                         "/lib32",
                                         "/bin",
                                         "/etc/ld.so.cache",
                                         "/etc/alternatives",
                                         "/dev/null",
                                         "/dev/zero",
                                         "/dev/urandom",
                                         NULL };
    static const char *const made[] = { "/etc", "/dev", "/tmp", NULL };
    char path[64];
    *what = "mount namespace";
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", staging, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=64,mode=755") < 0)
        return -errno;
    for (const char *const *m = made; *m; m++)
        if (at(path, sizeof path, *m) < 0 || mkdir(path, 0755) < 0)
            return -errno;
    for (const char *const *s = shown; *s; s++) {
        int rc = show(*s);
        if (rc < 0) {
            *what = *s;
            return rc;
        }
    }
    return 0;
}

static int pivot(const char **what)
{
    *what = "pivot_root";
    if (chdir(staging) < 0 || syscall(SYS_pivot_root, ".", ".") < 0 ||
        umount2(".", MNT_DETACH) < 0 || chdir("/") < 0)
        return -errno;
    *what = "read-only root";
    return mount(NULL, "/", NULL, MS_REMOUNT | MS_BIND | MS_RDONLY | MS_NOSUID | MS_NODEV, NULL) < 0
               ? -errno
               : 0;
}

int zygote_enter_namespaces(zygote_box *box, const char **what)
{
    box->is_root = geteuid() == 0;
    int rc = box->is_root ? 0 : enter_user_namespace(what);
    if (rc < 0)
        return rc;
    *what = "network, IPC and UTS namespaces";
    if (unshare(CLONE_NEWNET | CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWNS) < 0)
        return -errno;
    (void)sethostname("box", 3);
    rc = make_root(what);
    if (rc == 0)
        rc = pivot(what);
    box->has_pivoted = rc == 0;
    return rc;
}

/* Low numbers are the jobs' own. */
static int out_of_the_way(int fd)
{
    if (fd < 0)
        return fd;
    int high = fcntl(fd, F_DUPFD_CLOEXEC, ASBX_KEPT_FD + 1);
    int rc = high < 0 ? -errno : high;
    close(fd);
    return rc;
}

int zygote_prepare(zygote_box *box, const char **what)
{
    int rc = zygote_enter_namespaces(box, what);
    for (unsigned i = 0; rc == 0 && asbx_policies[i]; i++) {
        rc = zygote_make_filter(asbx_policies[i], &box->filter[i], what);
        if (rc < 0)
            break;
        box->landlock[i] = out_of_the_way(zygote_make_landlock(asbx_policies[i], what));
        if (box->landlock[i] < 0 && box->landlock[i] != -ENOSYS && box->landlock[i] != -EOPNOTSUPP)
            rc = box->landlock[i];
        if (box->landlock[i] < 0)
            box->landlock[i] = -1;
    }
    return rc;
}
