/* zygote_landlock.c -- paths as a Landlock ruleset, by raw system calls: the library for it is
 * younger than Debian 12. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <unistd.h>

/* Newer than the headers this may be built with. */
struct ruleset {
    uint64_t fs, net, scoped;
};
enum {
    FS_V1 = 13,
    FS_V2 = 14, /* refer */
    FS_V3 = 15, /* truncate */
    FS_V5 = 16, /* ioctl on devices */
    NET_V4 = 3,
    SCOPED_V6 = 3
};

static int version(void)
{
    return (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
}

static uint64_t bits(int n)
{
    return (UINT64_C(1) << n) - 1;
}

static uint64_t rights(const asbx_path *p, uint64_t handled, bool directory)
{
    uint64_t r = LANDLOCK_ACCESS_FS_READ_FILE;
    if (directory)
        r |= LANDLOCK_ACCESS_FS_READ_DIR;
    if (p->exec)
        r |= LANDLOCK_ACCESS_FS_EXECUTE;
    if (p->write)
        r |= LANDLOCK_ACCESS_FS_WRITE_FILE | bits(15) * directory;
    if (p->write && !directory)
        r |= LANDLOCK_ACCESS_FS_WRITE_FILE;
    return r & handled & ~(directory ? 0 : (uint64_t)LANDLOCK_ACCESS_FS_READ_DIR);
}

static int add(int ruleset, const asbx_path *p, uint64_t handled)
{
    int fd = open(p->path, O_PATH | O_CLOEXEC);
    if (fd < 0)
        return 0; /* what is not there needs no rule */
    struct stat st;
    struct landlock_path_beneath_attr rule = { .parent_fd = fd };
    int rc = fstat(fd, &st);
    rule.allowed_access = rights(p, handled, rc == 0 && S_ISDIR(st.st_mode));
    if (rc == 0)
        rc = (int)syscall(SYS_landlock_add_rule, ruleset, LANDLOCK_RULE_PATH_BENEATH, &rule, 0);
    rc = rc < 0 ? -errno : 0;
    close(fd);
    return rc;
}

int zygote_make_landlock(const asbx_policy *policy, const char **what)
{
    int abi = version();
    *what = "Landlock";
    if (abi < 1)
        return -ENOSYS;
    struct ruleset r = { .fs = bits(abi >= 5   ? FS_V5
                                    : abi >= 3 ? FS_V3
                                    : abi >= 2 ? FS_V2
                                               : FS_V1) };
    size_t size = sizeof r.fs;
    if (abi >= 4) {
        r.net = NET_V4;
        size += sizeof r.net;
    }
    if (abi >= 6) {
        r.scoped = SCOPED_V6;
        size += sizeof r.scoped;
    }
    int fd = (int)syscall(SYS_landlock_create_ruleset, &r, size, 0);
    if (fd < 0)
        return -errno;
    for (const asbx_path *p = policy->paths; p->path; p++) {
        int rc = add(fd, p, r.fs);
        if (rc < 0) {
            close(fd);
            return rc;
        }
    }
    return fd;
}
