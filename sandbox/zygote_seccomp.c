/* zygote_seccomp.c -- a policy's lists as a BPF program, made once per zygote.
 * SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/types.h>
#include <unistd.h>

/* Names this architecture does not have are skipped: they cannot be called. */
static int add(scmp_filter_ctx c, uint32_t action, const char *const *names)
{
    const uint32_t given = action;
    for (; *names; names++) {
        int nr = seccomp_syscall_resolve_name(*names);
        if (nr < 0)
            continue;
        action = nr == SCMP_SYS(clone3) ? SCMP_ACT_ERRNO(ENOSYS)
                                        : given; /* glibc falls back to clone then */
        int rc = seccomp_rule_add(c, action, nr, 0);
        if (rc < 0 && rc != -EACCES) /* EACCES: that is the default already */
            return rc;
    }
    return 0;
}

/* Threads only: clone with CLONE_THREAD, never a new namespace. Its flags are in a register;
 * clone3's are behind a pointer, so that one does not exist here. */
static int add_threads(scmp_filter_ctx c)
{
    const uint64_t must = CLONE_THREAD | CLONE_VM | CLONE_SIGHAND;
    const uint64_t never = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS |
                           CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, must | never, must));
}

/* The one program the job is, by the descriptor it was put at; it is closed by the exec itself. */
static int add_program(scmp_filter_ctx c)
{
    return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(execveat), 2,
                            SCMP_A0(SCMP_CMP_EQ, ASBX_KEPT_FD, 0),
                            SCMP_A4(SCMP_CMP_EQ, AT_EMPTY_PATH, 0));
}

static int add_processes(scmp_filter_ctx c)
{
    const uint64_t never = CLONE_NEWUSER | CLONE_NEWPID | CLONE_NEWNET | CLONE_NEWNS |
                           CLONE_NEWIPC | CLONE_NEWUTS | CLONE_NEWCGROUP;
    return seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(clone), 1,
                            SCMP_A0(SCMP_CMP_MASKED_EQ, never, 0));
}

/* By their number, which no other descriptor can get while that one is open: send() and recv(). */
static int add_speaking(scmp_filter_ctx c, int fd)
{
    int rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(sendto), 1,
                              SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0));
    return rc < 0 ? rc
                  : seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(recvfrom), 1,
                                     SCMP_A0(SCMP_CMP_EQ, (scmp_datum_t)fd, 0));
}

static int fill(scmp_filter_ctx c, const asbx_policy *policy)
{
    const char *kept[256];
    size_t n = 0;
    for (const char *const *p = policy->allowed; *p && n < 255;
         p++) /* clone has a rule of its own */
        if (seccomp_syscall_resolve_name(*p) != SCMP_SYS(clone))
            kept[n++] = *p;
    kept[n] = NULL;
    int rc = add(c, SCMP_ACT_ALLOW, kept);
    if (rc == 0)
        rc = add(c, SCMP_ACT_ERRNO(EPERM), policy->forgiven);
    if (rc == 0)
        rc = policy->speaks_on ? add_speaking(c, policy->speaks_on) : add_program(c);
    if (rc == 0) /* zygote_listen.c: the descriptor is closed before the job begins */
        rc = seccomp_rule_add(c, SCMP_ACT_ALLOW, SCMP_SYS(sendmsg), 1,
                              SCMP_A0(SCMP_CMP_EQ, ASBX_TELL_FD, 0));
    if (rc == 0 && policy->processes)
        return add_processes(c);
    return rc == 0 && policy->threads ? add_threads(c) : rc;
}

/* libseccomp 2.5 exports to a descriptor only. */
static int export(scmp_filter_ctx c, struct sock_fprog *out)
{
    int fd = memfd_create("filter", MFD_CLOEXEC);
    if (fd < 0)
        return -errno;
    int rc = seccomp_export_bpf(c, fd);
    off_t size = rc == 0 ? lseek(fd, 0, SEEK_END) : -1;
    if (rc == 0 && (size <= 0 || size % (off_t)sizeof(struct sock_filter)))
        rc = -EINVAL;
    if (rc == 0) {
        out->filter = calloc(1, (size_t)size);
        out->len = (unsigned short)((size_t)size / sizeof(struct sock_filter));
        if (!out->filter || pread(fd, out->filter, (size_t)size, 0) != size)
            rc = -ENOMEM;
    }
    close(fd);
    return rc;
}

int zygote_make_filter(const asbx_policy *policy, struct sock_fprog *out, const char **what)
{
    *what = "seccomp filter";
    scmp_filter_ctx c = seccomp_init(SCMP_ACT_TRAP);
    if (!c)
        return -ENOMEM;
    int rc = seccomp_attr_set(c, SCMP_FLTATR_ACT_BADARCH, SCMP_ACT_KILL_PROCESS);
    if (rc == 0)
        rc = seccomp_attr_set(c, SCMP_FLTATR_CTL_OPTIMIZE, 2); /* a binary tree */
    if (rc == 0)
        rc = fill(c, policy);
    if (rc == 0)
        rc = export(c, out);
    seccomp_release(c);
    return rc == 0 ? zygote_judge_arguments(policy, out) : rc;
}

int zygote_make_listened(const struct sock_fprog *from, struct sock_fprog *out)
{
    *out =
        (struct sock_fprog){ .len = from->len, .filter = calloc(from->len, sizeof *out->filter) };
    if (!out->filter)
        return -ENOMEM;
    memcpy(out->filter, from->filter, from->len * sizeof *out->filter);
    for (unsigned i = 0; i < out->len; i++)
        if (out->filter[i].code == (BPF_RET | BPF_K) && out->filter[i].k == SECCOMP_RET_TRAP)
            out->filter[i].k = SECCOMP_RET_USER_NOTIF;
    return 0;
}
