/* zygote_ns.c -- the zygote's own world: no network, its own hostname and IPC, a root of its own
 * that only shows the system's programs and libraries, read only. Entered once; jobs inherit it,
 * and only their pid namespace is new. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/random.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/utsname.h>
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

/* ---- the user ---- */

static bool has_capabilities(unsigned wanted)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct have[2];
    return syscall(SYS_capget, &head, have) == 0 && (have[0].effective & wanted) == wanted;
}

/* Root of a container has some users only; then a namespace of our own is the better way. */
static bool has_all_users(void)
{
    char line[128] = "", *at = line;
    unsigned long map[3]; /* first within, first without, how many */
    FILE *f = fopen("/proc/self/uid_map", "re");
    bool read = f && fgets(line, sizeof line, f);
    if (f)
        (void)fclose(f);
    for (int i = 0; i < 3; i++)
        map[i] = strtoul(at, &at, 10);
    return read && map[0] == 0 && map[2] == UINT32_MAX;
}

/* Root that may set up namespaces and give each job a user of its own. Root of a plain container
 * may not: it goes the way of a caller without rights. */
static bool is_able_root(void)
{
    return geteuid() == 0 && has_all_users() &&
           has_capabilities(1U << CAP_SYS_ADMIN | 1U << CAP_SETUID | 1U << CAP_SETGID);
}

/* Root of nothing should not be mapped as root: its jobs would own root's files. */
static void leave_root(void)
{
    enum { NOBODY = 65534 };
    if (geteuid() == 0 && has_capabilities(1U << CAP_SETUID | 1U << CAP_SETGID) &&
        setgroups(0, NULL) == 0 && setresgid(NOBODY, NOBODY, NOBODY) == 0 &&
        setresuid(NOBODY, NOBODY, NOBODY) == 0)
        (void)prctl(PR_SET_DUMPABLE, 1, 0, 0, 0); /* /proc/self is its own again */
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
    if (rc == -EPERM && uid == 0)
        *what = "user namespace of a root without CAP_SETUID or CAP_SETFCAP: use another user";
    (void)snprintf(map, sizeof map, "0 %u 1\n", gid);
    return rc == 0 ? write_to("/proc/self/gid_map", map) : rc;
}

/* ---- the root ---- */

/* Covered by our own tmpfs, in our own mount namespace: any folder that holds nothing we show. */
static const char *staging = "/tmp";

static void choose_staging(void)
{
    static const char *const places[] = { "/tmp", "/run", "/mnt", "/srv", "/var", "/proc", NULL };
    struct stat st;
    for (const char *const *p = places; *p; p++)
        if (lstat(*p, &st) == 0 && S_ISDIR(st.st_mode)) {
            staging = *p;
            return;
        }
}

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
    choose_staging();
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
    box->is_root = is_able_root();
    if (!box->is_root)
        leave_root();
    box->outside_uid = geteuid();
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
    int high = fcntl(fd, F_DUPFD_CLOEXEC, ASBX_TELL_FD + 1);
    int rc = high < 0 ? -errno : high;
    close(fd);
    return rc;
}

/* Descriptors as high as those of a job. */
static int open_files(const char **what)
{
    struct rlimit r;
    *what = "limit of open files (ulimit -Hn) below 2048";
    if (getrlimit(RLIMIT_NOFILE, &r) < 0)
        return -errno;
    if (r.rlim_max <= ASBX_JOB_FD_DOWN)
        return -EMFILE;
    if (r.rlim_cur < 2048)
        r.rlim_cur = r.rlim_max < 2048 ? r.rlim_max : 2048;
    return setrlimit(RLIMIT_NOFILE, &r) < 0 ? -errno : 0;
}

/* Linux counts processes by user and namespace since 5.14. */
static bool counts_by_namespace(void)
{
    struct utsname u;
    if (uname(&u) < 0)
        return false;
    char *end;
    unsigned long major = strtoul(u.release, &end, 10), minor = 0;
    if (*end == '.')
        minor = strtoul(end + 1, NULL, 10);
    return major > 5 || (major == 5 && minor >= 14);
}

/* What tells this zygote and its jobs from all others. */
static int be_oneself(zygote_box *box, const char **what)
{
    enum { FIRST_UID = 1900000000, USERS = 1 << 30 };
    uint32_t any = 0;
    *what = "an identity of its own";
    if (getrandom(&any, sizeof any, 0) != (ssize_t)sizeof any)
        return -EIO;
    box->uid = box->is_root ? FIRST_UID + any % USERS : 0;
    box->counts_here = !box->is_root && counts_by_namespace();
    box->alive = out_of_the_way((int)syscall(SYS_pidfd_open, getpid(), 0));
    return box->alive < 0 ? box->alive : 0;
}

int zygote_prepare(zygote_box *box, const char **what)
{
    int rc = open_files(what);
    if (rc == 0)
        rc = zygote_enter_namespaces(box, what);
    if (rc == 0)
        rc = be_oneself(box, what);
    if (rc == 0)
        rc = zygote_listen_open(box, what);
    for (unsigned i = 0; rc == 0 && asbx_policies[i]; i++) {
        rc = zygote_make_filter(asbx_policies[i], &box->filter[i], what);
        if (rc == 0)
            rc = zygote_make_listened(&box->filter[i], &box->listened[i]);
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
