/* zygote_serve.c -- orders in, jobs out, one at a time. The zygote holds nothing of any job but its
 * process. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/sched.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- messages with descriptors ---- */

/* 1: an order; 0: the supervisor is gone; < 0: -errno. Descriptors go to ASBX_FD_BASE and on. */
static int receive(int socket, asbx_order *order)
{
    union {
        char space[CMSG_SPACE(ASBX_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec io = { order, sizeof *order };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = control.space,
                        .msg_controllen = sizeof control.space };
    ssize_t got;
    do
        got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : 0;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    bool whole =
        got == (ssize_t)sizeof *order && order->magic == ASBX_MAGIC &&
        order->protocol == ASBX_PROTOCOL && c && c->cmsg_type == SCM_RIGHTS &&
        c->cmsg_len == CMSG_LEN((asbx_order_fds(order->flags) + asbx_order_groups(order->flags)) *
                                sizeof(int));
    if (!whole)
        return -EPROTO;
    int fds[ASBX_FDS];
    unsigned first = asbx_order_fds(order->flags), n = first + asbx_order_groups(order->flags);
    memcpy(fds, CMSG_DATA(c), n * sizeof(int));
    for (unsigned i = 0; i < n; i++) {
        unsigned as = i < first ? i : ASBX_FD_GROUP + i - first;
        if (dup3(fds[i], (int)(ASBX_FD_BASE + as), O_CLOEXEC) < 0)
            return -errno;
        close(fds[i]);
    }
    return 1;
}

static int answer(int socket, const void *data, size_t len, int fd)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    union {
        const void *in;
        void *out;
    } same = { .in = data };
    struct iovec io = { same.out, len };
    struct msghdr m = { .msg_iov = &io, .msg_iovlen = 1 };
    memset(&control, 0, sizeof control);
    if (fd >= 0) {
        m.msg_control = control.space;
        m.msg_controllen = sizeof control.space;
        struct cmsghdr *c = CMSG_FIRSTHDR(&m);
        c->cmsg_level = SOL_SOCKET;
        c->cmsg_type = SCM_RIGHTS;
        c->cmsg_len = CMSG_LEN(sizeof fd);
        memcpy(CMSG_DATA(c), &fd, sizeof fd);
    }
    ssize_t n;
    do
        n = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)len ? 0 : -EPIPE;
}

static int refuse(int socket, int error, const char *what)
{
    asbx_started s = { .magic = ASBX_MAGIC, .error = error };
    (void)snprintf(s.what, sizeof s.what, "%s", what);
    return answer(socket, &s, sizeof s, -1);
}

/* ---- one job ---- */

static void forget_descriptors(void)
{
    (void)syscall(SYS_close_range, ASBX_FD_BASE, ASBX_FD_BASE + ASBX_FDS - 1, 0);
}

static uint64_t micros(struct timeval t)
{
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_usec;
}

static int wait_for(int socket, const zygote_box *box, pid_t pid, int pidfd, asbx_ended *ended)
{
    int32_t denied = ASBX_DENIED_ASK_THE_JOB;
    int rc = zygote_see_out(box, pidfd, socket, POLLRDHUP, &denied);
    struct rusage ru;
    int status;
    if (wait4(pid, &status, 0, &ru) != pid)
        return -errno;
    *ended = (asbx_ended){ .magic = ASBX_MAGIC,
                           .wait_status = status,
                           .denied = denied,
                           .cpu_us = micros(ru.ru_utime) + micros(ru.ru_stime),
                           .peak_kib = (uint64_t)ru.ru_maxrss };
    return rc;
}

/* Where that fails, the group has been removed meanwhile: the job has its own limits. */
static void join(asbx_order *order)
{
    const int tasks = ASBX_FD_BASE + ASBX_FD_GROUP, too = ASBX_FD_BASE + ASBX_FD_GROUP_TOO;
    if (order->flags & ASBX_ORDER_JOIN) /* 0: the writer, which nobody need look for */
        (void)!write(tasks, "0", 1);
    if (order->flags & ASBX_ORDER_JOIN_TOO && write(too, "0", 1) != 1)
        order->flags &= ~(uint32_t)ASBX_ORDER_COUNTED;
}

long zygote_clone(asbx_order *order, uint64_t flags, int *pidfd)
{
    int fd = -1;
    struct clone_args args = { .flags = flags | CLONE_PIDFD,
                               .pidfd = (uint64_t)(uintptr_t)&fd,
                               .exit_signal = SIGCHLD };
    long pid = -1;
    if (order->flags & ASBX_ORDER_INTO) {
        args.flags |= CLONE_INTO_CGROUP;
        args.cgroup = ASBX_FD_BASE + ASBX_FD_GROUP;
        pid = syscall(SYS_clone3, &args, sizeof args);
        args.flags &= ~CLONE_INTO_CGROUP;
        if (pid < 0)
            order->flags &= ~(uint32_t)ASBX_ORDER_COUNTED;
    }
    if (pid < 0)
        pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        join(order);
    *pidfd = fd;
    return pid;
}

static void child(const zygote_box *box, const zygote_hooks *hooks, const asbx_order *order)
{
    zygote_text text;
    if (hooks->confine_first)
        hooks->confine_first(hooks->context, order);
    zygote_confine(box, order);
    if (!zygote_read_text(&text)) {
        static const char why[] = "the job's text is malformed";
        zygote_record(ASBX_RECORD_SETUP, EPROTO, why, sizeof why - 1);
        _exit(1);
    }
    hooks->run(hooks->context, &text, order);
    _exit(1);
}

/* Helper and job on one processor: neither waits for another one to wake up, and the job finds the
 * helper's memory in the caches. The supervisor frees a job that lasts. */
static void stay_at(int32_t cpu)
{
    static int32_t now = -1;
    static cpu_set_t ours; /* what the supervisor may use */
    cpu_set_t one;
    if (cpu == now || cpu >= CPU_SETSIZE)
        return;
    if (now < 0 && sched_getaffinity(0, sizeof ours, &ours) < 0)
        return;
    now = cpu;
    CPU_ZERO(&one);
    if (cpu >= 0)
        CPU_SET((size_t)cpu, &one);
    (void)sched_setaffinity(0, sizeof one, cpu >= 0 ? &one : &ours); /* refused: anywhere */
}

static int run_job(int socket, const zygote_box *box, const zygote_hooks *hooks, asbx_order *order)
{
    int pidfd = -1;
    long pid = zygote_clone(
        order, CLONE_NEWPID | (asbx_policies[order->policy]->disk ? CLONE_NEWNS : 0), &pidfd);
    int error = errno;
    if (pid == 0)
        child(box, hooks, order);
    forget_descriptors();
    if (pid < 0)
        return refuse(socket, error, "clone3");
    const asbx_started started = { .magic = ASBX_MAGIC, .pid = (int32_t)pid };
    asbx_ended ended;
    const bool is_awaited = order->flags & ASBX_ORDER_DOWN;
    int rc = is_awaited ? answer(socket, &started, sizeof started, pidfd) : 0;
    if (!zygote_is_soon_over(pidfd, socket) && !is_awaited)
        rc = answer(socket, &started, sizeof started, pidfd);
    int waited = wait_for(socket, box, (pid_t)pid, pidfd, &ended);
    close(pidfd);
    if (rc == 0 && waited == 0)
        rc = answer(socket, &ended, sizeof ended, -1);
    return rc < 0 ? rc : waited;
}

static unsigned count_policies(void)
{
    unsigned n = 0;
    while (asbx_policies[n])
        n++;
    return n;
}

int zygote_serve(int socket, const zygote_hooks *hooks)
{
    static zygote_box box; /* its filters are mapped by every job */
    const char *what = "";
    int rc = zygote_prepare(&box, asbx_policies, &what);
    if (rc < 0)
        return refuse(socket, -rc, what) < 0 ? 1 : 2;
    if (refuse(socket, 0, "ready") < 0)
        return 1;
    for (;;) {
        asbx_order order;
        rc = receive(socket, &order);
        if (rc <= 0)
            return rc < 0;
        if (order.policy >= count_policies())
            rc = refuse(socket, EINVAL, "policy");
        else {
            order.uid = box.uid;
            stay_at(order.cpu);
            rc = run_job(socket, &box, hooks, &order);
        }
        if (rc < 0)
            return 1;
    }
}
