/* zygote_listen.c -- who hears of a denied system call: the zygote, by a seccomp listener. The call
 * is never answered; the zygote notes its number and kills the job. So a native program, a thread
 * with every signal blocked and an interpreter are told apart from nothing: the word is the same,
 * with the call's name. Kernels without listeners (and a container that has one already) fall back
 * to SIGSYS. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/seccomp.h>
#include <poll.h>
#include <signal.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <unistd.h>

int zygote_listen_open(zygote_box *box, const char **what)
{
    struct seccomp_notif_sizes sizes;
    int pair[2];
    box->told = -1;
    *what = "seccomp listener";
    if (syscall(SYS_seccomp, SECCOMP_GET_NOTIF_SIZES, 0, &sizes) < 0)
        return 0;
    if (socketpair(AF_UNIX, SOCK_SEQPACKET | SOCK_CLOEXEC, 0, pair) < 0)
        return -errno;
    int told = fcntl(pair[0], F_DUPFD_CLOEXEC, ASBX_TELL_FD + 1);
    int tell = dup3(pair[1], ASBX_TELL_FD, O_CLOEXEC);
    int rc = told < 0 || tell < 0 ? -errno : 0;
    close(pair[0]);
    close(pair[1]);
    box->told = told;
    return rc;
}

typedef union descriptor_space {
    char space[CMSG_SPACE(sizeof(int))];
    struct cmsghdr align;
} descriptor_space;

/* In the job, filtered already: this one message is on its list. */
static bool tell(int listener)
{
    descriptor_space control;
    char byte = 0;
    struct iovec io = { &byte, 1 };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = control.space,
                        .msg_controllen = sizeof control.space };
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    c->cmsg_len = CMSG_LEN(sizeof listener);
    memcpy(CMSG_DATA(c), &listener, sizeof listener);
    return sendmsg(ASBX_TELL_FD, &m, MSG_NOSIGNAL) == 1;
}

bool zygote_listen_install(const zygote_box *box, uint32_t policy)
{
    if (box->told < 0)
        return false;
    int listener = (int)syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER,
                                SECCOMP_FILTER_FLAG_NEW_LISTENER, &box->listened[policy]);
    if (listener < 0)
        return false;
    if (!tell(listener))
        _exit(1); /* filtered, and nobody listens */
    close(listener);
    close(ASBX_TELL_FD);
    return true;
}

int zygote_listen_take(const zygote_box *box)
{
    descriptor_space control;
    char byte;
    struct iovec io = { &byte, 1 };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = control.space,
                        .msg_controllen = sizeof control.space };
    ssize_t n = recvmsg(box->told, &m, MSG_CMSG_CLOEXEC | MSG_DONTWAIT);
    const struct cmsghdr *c = n > 0 ? CMSG_FIRSTHDR(&m) : NULL;
    int listener = -1;
    if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof listener))
        memcpy(&listener, CMSG_DATA(c), sizeof listener);
    return listener;
}

int zygote_listen_hear(int listener)
{
    union {
        struct seccomp_notif notif;
        char space[512]; /* newer kernels have more to say */
    } heard;
    memset(&heard, 0, sizeof heard);
    int rc = ioctl(listener, SECCOMP_IOCTL_NOTIF_RECV, &heard.notif);
    return rc < 0 ? -1 : heard.notif.data.nr;
}

/* ---- to the end of a job ---- */

static void kill_job(int pidfd)
{
    (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
}

static void drop(struct pollfd *p)
{
    close(p->fd);
    p->fd = -1;
}

bool zygote_is_soon_over(int pidfd, int boss)
{
    enum { UNDISTURBED_MS = 2 }; /* a job that makes a denied call waits so long */
    struct pollfd p[2] = { { .fd = pidfd, .events = POLLIN },
                           { .fd = boss, .events = POLLRDHUP } };
    return poll(p, 2, UNDISTURBED_MS) > 0 && p[0].revents & POLLIN;
}

int zygote_see_out(const zygote_box *box, int pidfd, int boss, short events, int32_t *denied)
{
    enum { JOB, BOSS, TOLD, LISTENER, N };
    bool has_taken = false;
    struct pollfd p[N] = { [JOB] = { .fd = pidfd, .events = POLLIN },
                           [BOSS] = { .fd = boss, .events = events },
                           [TOLD] = { .fd = box->told, .events = POLLIN },
                           [LISTENER] = { .fd = -1, .events = POLLIN } };
    int rc = 0;
    while (!(p[JOB].revents & POLLIN)) {
        int n = poll(p, N, -1);
        if (n < 0 && errno != EINTR)
            return -errno;
        if (n < 0)
            continue;
        if (p[BOSS].revents) {
            rc = -EPIPE;
            kill_job(pidfd);
            p[BOSS].fd = -1;
        }
        if (p[LISTENER].revents & POLLIN) {
            int nr = zygote_listen_hear(p[LISTENER].fd);
            *denied = nr >= 0 ? nr : ASBX_DENIED_NOTHING;
            kill_job(pidfd);
        }
        if (p[LISTENER].revents)
            drop(&p[LISTENER]);
        if (p[TOLD].revents) {
            p[LISTENER].fd = zygote_listen_take(box);
            p[TOLD].fd = -1;
            has_taken = true;
            *denied = ASBX_DENIED_NOTHING;
        }
    }
    if (p[LISTENER].fd >= 0)
        drop(&p[LISTENER]);
    if (!has_taken && box->told >= 0 &&
        (p[LISTENER].fd = zygote_listen_take(box)) >= 0) { /* it came and went */
        drop(&p[LISTENER]);
        *denied = ASBX_DENIED_NOTHING;
    }
    return rc;
}
