/* jail.c -- see jail.h. The guard is what a helper is to its jobs: it hears of denied calls, and
 * the plugin dies with it. SPDX-License-Identifier: Apache-2.0 */
#include "jail.h"

#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <linux/sched.h>
#include <poll.h>
#include <seccomp.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { MOST_PATHS = 16, STOPPED = 122 }; /* STOPPED: as a job that is stopped by its own filter */

static int fail(asbx_error *err, const char *what, int error)
{
    (void)snprintf(err->text, sizeof err->text,
                   "the jail cannot be set up here: %.120s: %s (see `assay sandbox check`)", what,
                   strerror(error));
    return -1;
}

static int unreachable(asbx_error *err, const char *plugin)
{
    (void)snprintf(err->text, sizeof err->text,
                   "%.120s: the user that it gets in a jail cannot reach it: put it into a folder "
                   "that everybody may enter",
                   plugin);
    return -1;
}

/* The policy's paths and the plugin's folder, of which its root shows what is needed and no more.
 */
static const asbx_policy *with_folder(const char *plugin, const char **what)
{
    static asbx_policy policy;
    static asbx_path paths[MOST_PATHS];
    static char folder[4096];
    unsigned n = 0;
    const char *slash = strrchr(plugin, '/');
    *what = "the plugin's path";
    if (plugin[0] != '/' || (size_t)(slash - plugin) >= sizeof folder)
        return NULL;
    (void)snprintf(folder, sizeof folder, "%.*s", slash > plugin ? (int)(slash - plugin) : 1,
                   plugin);
    policy = asbx_policy_plugin;
    for (const asbx_path *p = policy.paths; p->path && n < MOST_PATHS - 2; p++)
        paths[n++] = *p;
    paths[n++] = (asbx_path){ .path = folder };
    policy.paths = paths;
    return &policy;
}

/* ---- the guard ---- */

/* A pipe that the child may tell a failure of its setup through. */
static int open_result(const char **what)
{
    int fds[2];
    *what = "a pipe";
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    int rc = dup3(fds[1], ASBX_JOB_FD_RESULT, O_CLOEXEC);
    close(fds[1]);
    return rc < 0 ? -errno : fds[0];
}

/* Returns when the child is confined (0), or has told why it is not. */
static int hear_setup(int result, asbx_error *err)
{
    union {
        asbx_record head;
        char space[sizeof(asbx_record) + 96];
    } got;
    size_t len = 0;
    ssize_t n;
    do {
        n = read(result, got.space + len, sizeof got.space - 1 - len);
        len += n > 0 ? (size_t)n : 0;
    } while (n > 0 || (n < 0 && errno == EINTR));
    close(result);
    if (len < sizeof got.head)
        return 0;
    got.space[len] = 0;
    return fail(err, got.space + sizeof got.head, (int)got.head.index);
}

/* Nothing of what the child talks with stays open here: who waits for its end must see it. */
static void keep_only_stderr(void)
{
    close(0);
    close(1);
    (void)syscall(SYS_close_range, 3, ASBX_TELL_FD - 1, 0);
}

static void say_denied(int number)
{
    char *name = number >= 0 ? seccomp_syscall_resolve_num_arch(SCMP_ARCH_NATIVE, number) : NULL;
    char text[160];
    int n = snprintf(text, sizeof text,
                     "\nstopped at the system call %s, which nothing in a jail may make\n",
                     name ? name : "that it tried");
    (void)!write(2, text, (size_t)n); /* the host may be gone */
    free(name);
}

/* As the child ended. A signal that would end this process too is sent to it. */
__attribute__((noreturn)) static void end_as(int status)
{
    struct rlimit none = { 0, 0 };
    if (WIFSIGNALED(status)) {
        (void)setrlimit(RLIMIT_CORE, &none);
        (void)kill(getpid(), WTERMSIG(status));
    }
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : STOPPED);
}

__attribute__((noreturn)) static void guard(const zygote_box *box, pid_t pid, int pidfd, int boss)
{
    int32_t denied = ASBX_DENIED_ASK_THE_JOB;
    int status = 0;
    keep_only_stderr();
    if (zygote_see_out(box, pidfd, boss, POLLIN, &denied) < 0)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    bool by_itself =
        denied == ASBX_DENIED_ASK_THE_JOB && WIFEXITED(status) && WEXITSTATUS(status) == STOPPED;
    if (denied < 0 && !by_itself)
        end_as(status);
    say_denied(denied);
    _exit(STOPPED);
}

/* ---- entering ---- */

/* The process that this one serves, as something to watch: its own end of the socket would do, but
 * then the other end would not see the child's go. */
static int watch_boss(const asbx_jail *jail, const char **what)
{
    struct pollfd p = { .fd = jail->boss, .events = POLLRDHUP };
    *what = "the process it serves";
    int fd = (int)syscall(SYS_pidfd_open, getppid(), 0);
    int high = fd < 0 ? -1 : fcntl(fd, F_DUPFD_CLOEXEC, ASBX_TELL_FD + 1);
    if (high < 0)
        return -errno;
    close(fd);
    if (poll(&p, 1, 0) != 0 && (p.revents & (POLLRDHUP | POLLHUP | POLLERR))) {
        close(high); /* it died before, and its child's father is somebody else */
        return -ESRCH;
    }
    return high;
}

/* Ctrl-C goes to the whole group: the boss decides what it means. */
static void leave_interrupts_to_the_boss(void)
{
    struct sigaction ignore;
    memset(&ignore, 0, sizeof ignore);
    ignore.sa_handler = SIG_IGN;
    (void)sigaction(SIGINT, &ignore, NULL);
}

int asbx_jail_enter(const asbx_jail *jail, asbx_error *err)
{
    static zygote_box box; /* its filter is mapped by the child */
    const char *what = "";
    const asbx_policy *policies[] = { with_folder(jail->plugin, &what), NULL };
    if (!policies[0])
        return fail(err, what, EINVAL);
    box.plugin = jail->plugin;
    (void)umask(022); /* the root's folders are for the plugin's user too */
    leave_interrupts_to_the_boss();
    int rc = zygote_prepare(&box, policies, &what);
    if (rc == -EACCES && what == jail->plugin)
        return unreachable(err, what);
    int boss = rc == 0 ? watch_boss(jail, &what) : rc;
    int result = boss < 0 ? boss : open_result(&what);
    if (result < 0)
        return fail(err, what, -result);
    asbx_order order = { .uid = box.uid, .limits = policies[0]->limits };
    order.limits.mem_mib = jail->mem_mib;
    int pidfd = -1;
    struct clone_args args = { .flags = CLONE_NEWPID | CLONE_PIDFD,
                               .pidfd = (uint64_t)(uintptr_t)&pidfd,
                               .exit_signal = SIGCHLD };
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid < 0)
        return fail(err, "pid namespace", errno);
    if (pid == 0) {
        zygote_confine_plugin(&box, &order, (unsigned)jail->last);
        return 0;
    }
    close(ASBX_JOB_FD_RESULT);
    if (hear_setup(result, err) < 0)
        return -1; /* it is about to end, and this process after it */
    int high = fcntl(pidfd, F_DUPFD_CLOEXEC, ASBX_TELL_FD + 1);
    if (high < 0)
        _exit(1); /* and the child with it */
    guard(&box, (pid_t)pid, high, boss);
}
