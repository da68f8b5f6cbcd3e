/* zygote_arguments.c -- system calls that are judged by their arguments, as BPF that stands before
 * a policy's list. What a block has nothing to say about goes on to the list. libseccomp has no
 * "else", and a request number has 32 bits: the upper half of the register is the kernel's to
 * ignore, and ours not to look at. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <seccomp.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <termios.h>

#define LOAD(field)                                                                                \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, field))
#define LOW(i) LOAD(args[i])
#define HIGH(i)                                                                                    \
    BPF_STMT(BPF_LD | BPF_W | BPF_ABS, (uint32_t)offsetof(struct seccomp_data, args[i]) + 4)
#define IF(value, yes, no) BPF_JUMP(BPF_JMP | BPF_JEQ | BPF_K, (uint32_t)(value), yes, no)
#define RETURN(action) BPF_STMT(BPF_RET | BPF_K, action)
#define REFUSE(error) RETURN(SECCOMP_RET_ERRNO | (error))
#define TRAP RETURN(SECCOMP_RET_TRAP)

/* What the C library and interpreters ask of a descriptor. Characters put into a terminal's input
 * are an attack; anything else finds no device. */
static const struct sock_filter for_ioctl[] = {
    LOW(1),
    IF(TCGETS, 10, 0),
    IF(TIOCGWINSZ, 9, 0),
    IF(FIONREAD, 8, 0),
    IF(FIOCLEX, 7, 0),
    IF(FIONCLEX, 6, 0),
    IF(FIONBIO, 5, 0),
    IF(TIOCSTI, 3, 0),
    IF(TIOCLINUX, 2, 0),
    IF(TIOCSETD, 1, 0),
    REFUSE(ENOTTY),
    TRAP,
};

/* Locks and leases on files that everybody may read are words between jobs. */
static const struct sock_filter for_fcntl[] = {
    LOW(1),
    IF(F_DUPFD, 7, 0),
    IF(F_GETFD, 6, 0),
    IF(F_SETFD, 5, 0),
    IF(F_GETFL, 4, 0),
    IF(F_SETFL, 3, 0),
    IF(F_DUPFD_CLOEXEC, 2, 0),
    IF(F_GETPIPE_SZ, 1, 0),
    REFUSE(EPERM),
};

/* Its own limits may be read. A larger stack, which honest programs ask for, is said to be granted:
 * it has what there is. Somebody else's limits, or its own of processor time, are an attack. */
static const struct sock_filter for_prlimit[] = {
    LOW(0),
    IF(0, 0, 8),
    LOW(2),
    IF(0, 0, 2),
    HIGH(2),
    IF(0, 6, 0),
    LOW(1),
    IF(RLIMIT_STACK, 3, 0),
    IF(RLIMIT_CPU, 1, 0),
    REFUSE(EPERM),
    TRAP,
    REFUSE(0),
    RETURN(SECCOMP_RET_ALLOW),
};

/* A handler for SIGSYS would outlive what it is there for. */
static const struct sock_filter for_sigaction[] = {
    LOW(0), IF(SIGSYS, 0, 5), LOW(1), IF(0, 0, 2), HIGH(1), IF(0, 1, 0), REFUSE(EPERM),
};

/* What the C library opens by itself to look for its name service cache (getpwuid). */
static const struct sock_filter for_socket[] = {
    LOW(0),         IF(AF_UNIX, 0, 3), LOW(1), IF(SOCK_STREAM | SOCK_CLOEXEC | SOCK_NONBLOCK, 0, 1),
    REFUSE(EACCES),
};

typedef struct block {
    const struct sock_filter *code;
    int call;
    uint8_t len;
    bool holds_with_disk, holds_with_processes;
} block;
#define BLOCK(name, code, disk, processes)                                                         \
    {                                                                                              \
        code, SCMP_SYS(name), sizeof(code) / sizeof *(code), disk, processes                       \
    }

static const block blocks[] = {
    BLOCK(ioctl, for_ioctl, true, true),        BLOCK(fcntl, for_fcntl, false, false),
    BLOCK(prlimit64, for_prlimit, true, false), BLOCK(rt_sigaction, for_sigaction, true, true),
    BLOCK(socket, for_socket, true, true),
};
enum { BLOCKS = sizeof blocks / sizeof *blocks, MOST = 128 };

static size_t put(struct sock_filter *out, size_t n, const struct sock_filter *code, size_t len)
{
    memcpy(out + n, code, len * sizeof *code);
    return n + len;
}

/* Another architecture's numbers mean other calls: the list behind this kills them. */
static size_t write_blocks(const asbx_policy *policy, struct sock_filter out[MOST])
{
    size_t n = 2; /* the head, written last */
    for (size_t i = 0; i < BLOCKS; i++) {
        const block *b = &blocks[i];
        if ((policy->disk && !b->holds_with_disk) ||
            (policy->processes && !b->holds_with_processes))
            continue;
        const struct sock_filter head[] = { LOAD(nr), IF(b->call, 0, b->len) };
        n = put(out, n, head, 2);
        n = put(out, n, b->code, b->len);
    }
    const struct sock_filter head[] = { LOAD(arch),
                                        IF(seccomp_arch_native(), 0, (uint8_t)(n - 2)) };
    (void)put(out, 0, head, 2);
    return n;
}

int zygote_judge_arguments(const asbx_policy *policy, struct sock_fprog *p)
{
    struct sock_filter before[MOST];
    size_t n = write_blocks(policy, before);
    struct sock_filter *all = calloc(n + p->len, sizeof *all);
    if (!all)
        return -ENOMEM;
    (void)put(all, put(all, 0, before, n), p->filter, p->len);
    free(p->filter);
    p->filter = all;
    p->len = (unsigned short)(p->len + n);
    return 0;
}
