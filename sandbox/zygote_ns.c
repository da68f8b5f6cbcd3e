/* zygote_ns.c -- the zygote's own world: no network, its own hostname and IPC, a root of its own
 * that only shows the system's programs and libraries, read only. Entered once; jobs inherit it,
 * and only their pid namespace is new. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <limits.h>
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
#include <sys/statvfs.h>
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

static bool is_beneath(const char *path, const char *folder)
{
    size_t n = strlen(folder);
    return path && strncmp(path, folder, n) == 0 && path[n] == '/';
}

static void choose_staging(const char *plugin)
{
    static const char *const places[] = { "/tmp", "/run", "/mnt", "/srv", "/var", "/proc", NULL };
    struct stat st;
    for (const char *const *p = places; *p; p++)
        if (!is_beneath(plugin, *p) && lstat(*p, &st) == 0 && S_ISDIR(st.st_mode)) {
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
    char target[PATH_MAX], link[PATH_MAX];
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
    bool is_device = !S_ISDIR(st.st_mode) && !S_ISREG(st.st_mode);
    struct statvfs now = { .f_flag = 0 };
    unsigned long flags = MS_BIND | MS_REMOUNT | MS_NOSUID | (is_device ? 0 : MS_RDONLY | MS_NODEV);
    if (statvfs(target, &now) == 0 && (now.f_flag & ST_NOEXEC))
        flags |= MS_NOEXEC; /* without rights, what a mount forbids must stay forbidden */
    return mount(NULL, target, NULL, flags, NULL) < 0 && !is_device ? -errno : 0;
}

/* ---- a plugin in it ---- */

/* The folders above `path`, below the staging. They are ours and empty but for what is shown. */
static int make_folders(const char *path)
{
    char target[PATH_MAX];
    int rc = at(target, sizeof target, path);
    for (char *slash = target + strlen(staging) + 1;
         rc == 0 && (slash = strchr(slash, '/')) != NULL; slash++) {
        *slash = 0;
        if (mkdir(target, 0755) < 0 && errno != EEXIST)
            rc = -errno;
        *slash = '/';
    }
    return rc;
}

/* A library: libNAME.so, libNAME.so.1. A link must lead to its neighbour: one to somebody's keys
 * would show those. */
static bool is_library(const char *folder, const char *name)
{
    char path[PATH_MAX], link[PATH_MAX];
    struct stat st;
    int n = snprintf(path, sizeof path, "%s/%s", folder, name);
    if (strncmp(name, "lib", 3) != 0 || !strstr(name, ".so") || n < 0 || (size_t)n >= sizeof path ||
        lstat(path, &st) < 0)
        return false;
    if (S_ISREG(st.st_mode))
        return true;
    ssize_t len = S_ISLNK(st.st_mode) ? readlink(path, link, sizeof link) : -1;
    return len > 0 && !memchr(link, '/', (size_t)len);
}

static int show_libraries(const char *folder)
{
    enum { MOST = 256 };
    char path[PATH_MAX];
    int rc = 0, n = 0;
    DIR *dir = opendir(folder);
    for (struct dirent *e; dir && rc == 0 && (e = readdir(dir)) != NULL;) {
        if (!is_library(folder, e->d_name))
            continue;
        (void)snprintf(path, sizeof path, "%s/%s", folder, e->d_name);
        rc = n++ < MOST ? show(path) : -E2BIG;
    }
    if (dir)
        (void)closedir(dir);
    return rc;
}

/* Its file, and the libraries it brings along. Nothing else of its folder, which may be anybody's
 * home. */
static int show_plugin(const zygote_box *box, const char **what)
{
    char target[PATH_MAX], folder[PATH_MAX];
    struct stat st;
    *what = box->plugin;
    int rc = at(target, sizeof target, box->plugin);
    if (rc < 0 || access(target, F_OK) == 0) /* beneath what is shown anyway */
        return rc;
    if (stat(box->plugin, &st) < 0)
        return -errno;
    if (box->is_root && !(st.st_mode & S_IROTH)) {
        *what = "a plugin that not everybody may read (chmod o+r): as root, it gets a user of its "
                "own";
        return -EACCES;
    }
    (void)snprintf(folder, sizeof folder, "%s", box->plugin);
    *strrchr(folder, '/') = 0;
    rc = make_folders(box->plugin);
    if (rc == 0)
        rc = show(box->plugin);
    return rc == 0 ? show_libraries(folder) : rc;
}

static int make_root(const zygote_box *box, const char **what)
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
    choose_staging(box->plugin);
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", staging, "tmpfs", MS_NOSUID | MS_NODEV, "size=1m,nr_inodes=1024,mode=755") <
            0)
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
    return box->plugin ? show_plugin(box, what) : 0;
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
    (void)!sethostname("box", 3); /* best effort: the namespace is what counts */
    rc = make_root(box, what);
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

int zygote_prepare(zygote_box *box, const asbx_policy *const *policies, const char **what)
{
    int rc = open_files(what);
    if (rc == 0)
        rc = zygote_enter_namespaces(box, what);
    if (rc == 0)
        rc = be_oneself(box, what);
    if (rc == 0)
        rc = zygote_listen_open(box, what);
    for (unsigned i = 0; rc == 0 && policies[i]; i++) {
        box->policy[i] = policies[i];
        rc = zygote_make_filter(policies[i], &box->filter[i], what);
        if (rc == 0)
            rc = zygote_make_listened(&box->filter[i], &box->listened[i]);
        if (rc < 0)
            break;
        box->landlock[i] = out_of_the_way(zygote_make_landlock(policies[i], what));
        if (box->landlock[i] < 0 && box->landlock[i] != -ENOSYS && box->landlock[i] != -EOPNOTSUPP)
            rc = box->landlock[i];
        if (box->landlock[i] < 0)
            box->landlock[i] = -1;
    }
    return rc;
}
