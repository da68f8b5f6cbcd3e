/* box_check_job.c -- what a job can do: processes confined as jobs are, first without seccomp, so
 * that each other layer has to hold by itself, then one for each system call that must be stopped.
 * SPDX-License-Identifier: Apache-2.0 */
#include "box_check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/capability.h>
#include <poll.h>
#include <sched.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

enum { PLANTED = 50, PLANTED_HIGH = 321, PROCESSES = 4, MEMORY_MIB = 64, FILE_KIB = 64 };

typedef struct job {
    const zygote_box *box;
    asbx_order order;
    void (*attempt)(const struct job *j);
} job;

/* The descriptors of an order, where zygote_confine() looks for them. */
static bool lay_descriptors(int result)
{
    int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    if (null < 0)
        return false;
    for (int i = 0; i < ASBX_FDS; i++)
        if (dup2(i == ASBX_FD_RESULT ? result : null, ASBX_FD_BASE + i) < 0)
            return false;
    return dup2(null, PLANTED) >= 0 && dup2(null, PLANTED_HIGH) >= 0;
}

static int confined(void *context)
{
    const job *j = context;
    zygote_confine_but_calls(j->box, &j->order);
    check_report_to(ASBX_JOB_FD_RESULT);
    j->attempt(j);
    return 0;
}

static asbx_order order_for(const char *policy, unsigned uid)
{
    asbx_order o = { .magic = ASBX_MAGIC, .protocol = ASBX_PROTOCOL, .uid = uid };
    while (strcmp(asbx_policies[o.policy]->name, policy) != 0)
        o.policy++;
    o.limits = asbx_policies[o.policy]->limits;
    o.limits.mem_mib = MEMORY_MIB;
    o.limits.file_kib = FILE_KIB;
    o.limits.procs = PROCESSES;
    return o;
}

/* ---- without seccomp ---- */

static void try_capabilities(const job *j)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct have[2] = { { 1, 1, 1 }, { 1, 1, 1 } };
    (void)j;
    bool none = syscall(SYS_capget, &head, have) == 0 && !have[0].effective && !have[0].permitted &&
                !have[1].effective && !have[1].permitted;
    const char *done = NULL;
    if (chroot("/usr") == 0)
        done = "chroot";
    if (sethostname("x", 1) == 0)
        done = "sethostname";
    if (mount("none", "/tmp", "tmpfs", 0, NULL) == 0)
        done = "mount";
    if (unshare(CLONE_NEWNET) == 0)
        done = "unshare";
    check_tell(LAYER_CAPABILITIES, none && !done ? ASBX_LAYER_ON : ASBX_LAYER_OFF,
               "%s; chroot, mount, sethostname, unshare: %s%s", none ? "none" : "SOME are left",
               done ? "DONE: " : "refused", done ? done : "");
}

static void look_at_uid(const job *j)
{
    if (j->box->is_root && getuid() == j->order.uid && setuid(0) < 0)
        check_tell(LAYER_UID, ASBX_LAYER_ON, "%u, for this slot alone", (unsigned)getuid());
    else
        check_tell(LAYER_UID, ASBX_LAYER_DEGRADED, "outside, a job is of uid %u, as its starter",
                   j->box->outside_uid);
}

static void try_descriptors(const job *j)
{
    int found = -1;
    (void)j;
    for (int fd = 3; fd < 4096; fd++) /* but the job's own */
        if (fd != ASBX_TELL_FD && fd != ASBX_JOB_FD_RESULT && fd != ASBX_JOB_FD_TEXT &&
            fcntl(fd, F_GETFD) >= 0)
            found = fd;
    if (found < 0)
        check_tell(LAYER_DESCRIPTORS, ASBX_LAYER_ON, "two were left open for it: closed");
    else
        check_tell(LAYER_DESCRIPTORS, ASBX_LAYER_OFF, "number %d is OPEN", found);
}

static unsigned count_files(void)
{
    enum { MOST = 1000 };
    int fds[MOST];
    unsigned n = 0;
    while (n < MOST && (fds[n] = open("/dev/null", O_RDONLY | O_CLOEXEC)) >= 0)
        n++;
    for (unsigned i = 0; i < n; i++)
        close(fds[i]);
    return n;
}

static unsigned count_processes(void)
{
    unsigned n = 0;
    for (; n < 3 * PROCESSES; n++) {
        pid_t pid = fork();
        if (pid < 0)
            break;
        if (pid == 0) {
            (void)pause();
            _exit(0);
        }
    }
    return n; /* they die with process 1 */
}

static bool is_raised(void)
{
    static const __rlimit_resource_t all[] = { RLIMIT_CPU,    RLIMIT_AS,   RLIMIT_FSIZE,
                                               RLIMIT_NOFILE, RLIMIT_CORE, RLIMIT_MEMLOCK };
    const struct rlimit endless = { RLIM_INFINITY, RLIM_INFINITY };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        if (setrlimit(all[i], &endless) == 0)
            return true;
    return false;
}

static bool writes_large_file(void)
{
    static const char block[2 * FILE_KIB << 10];
    struct sigaction ignore = { .sa_handler = SIG_IGN };
    (void)sigaction(SIGXFSZ, &ignore, NULL);
    int fd = memfd_create("large", MFD_CLOEXEC);
    bool is = fd >= 0 && write(fd, block, sizeof block) == (ssize_t)sizeof block;
    if (fd >= 0)
        close(fd);
    return is;
}

static void try_limits(const job *j)
{
    struct rlimit cpu = { RLIM_INFINITY, RLIM_INFINITY };
    (void)j;
    bool time = getrlimit(RLIMIT_CPU, &cpu) == 0 && cpu.rlim_max < 3600;
    bool raised = is_raised(), large = writes_large_file();
    bool memory = mmap(NULL, (size_t)1 << 30, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS,
                       -1, 0) == MAP_FAILED;
    unsigned files = count_files(), processes = count_processes();
    bool basic = time && memory && !raised && !large && files < 400;
    check_tell(LAYER_LIMITS,
               !basic                  ? ASBX_LAYER_OFF
               : processes > PROCESSES ? ASBX_LAYER_DEGRADED
                                       : ASBX_LAYER_ON,
               "time: %s, 1 GiB: %s, large file: %s, raising: %s, files: %u, processes: %u of %d",
               time ? "set" : "NONE", memory ? "refused" : "GOT", large ? "WRITTEN" : "refused",
               raised ? "DONE" : "refused", files, processes, 3 * PROCESSES);
}

/* A real fault: process 1 of a namespace does not die of a signal it sends itself. */
static void crash(const job *j)
{
    (void)j;
    volatile char *page = mmap(NULL, 1, PROT_NONE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    if (prctl(PR_GET_DUMPABLE, 0, 0, 0, 0) == 0 && page != MAP_FAILED)
        *page = 1;
    _exit(1);
}

static int run_confined(const zygote_box *box, const char *policy, void (*attempt)(const job *j))
{
    job j = { .box = box, .order = order_for(policy, box->uid), .attempt = attempt };
    pid_t pid = check_clone(confined, &j);
    return pid < 0 ? -1 : check_wait(pid);
}

static void try_core(const zygote_box *box)
{
    int status = run_confined(box, "pure", crash);
    bool died = status >= 0 && WIFSIGNALED(status);
    check_tell(LAYER_CORE, died && !WCOREDUMP(status) ? ASBX_LAYER_ON : ASBX_LAYER_OFF,
               "a crash (signal %d): %s", died ? WTERMSIG(status) : 0,
               died && WCOREDUMP(status) ? "a core was WRITTEN" : "nothing was written");
}

/* ---- the kill ---- */

/* Descendants in sessions of their own, each with the pipe open. */
static int breed(void *context)
{
    const int *ready = context;
    for (int i = 0; i < 3; i++) {
        if (fork() != 0)
            continue;
        (void)setsid();
        if (fork() != 0)
            _exit(0);
        for (;;)
            (void)pause();
    }
    (void)!write(*ready, "x", 1);
    for (;;)
        (void)pause();
}

static void try_kill(void)
{
    int fds[2];
    char byte;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return;
    pid_t pid = check_clone(breed, &fds[1]);
    close(fds[1]);
    struct pollfd p = { .fd = fds[0], .events = POLLIN };
    bool bred = pid > 0 && poll(&p, 1, 5000) == 1 && read(fds[0], &byte, 1) == 1;
    if (pid > 0) {
        (void)kill(pid, SIGKILL);
        (void)check_wait(pid);
    }
    bool gone = bred && poll(&p, 1, 2000) == 1 && read(fds[0], &byte, 1) == 0;
    close(fds[0]);
    check_tell(LAYER_KILL, gone ? ASBX_LAYER_ON : ASBX_LAYER_OFF,
               "three daemons in sessions of their own: %s", gone ? "gone" : "LEFT");
}

/* ---- seccomp ---- */

typedef struct call {
    const char *name;
    long number, a, b;
} call;

/* A flag that none of them knows, where they would otherwise do something. */
static const call calls[] = {
    { "socket", SYS_socket, AF_INET, SOCK_STREAM },
    { "io_uring_setup", SYS_io_uring_setup, 1, 0 },
    { "bpf", SYS_bpf, 0, 0 },
    { "keyctl", SYS_keyctl, 0, -3 },
    { "ptrace", SYS_ptrace, 0, 0 },
    { "mount", SYS_mount, 0, 0 },
    { "unshare", SYS_unshare, CLONE_NEWUSER, 0 },
    { "execve", SYS_execve, 0, 0 },
    { "fork", SYS_clone, SIGCHLD, 0 },
    { "process_vm_readv", SYS_process_vm_readv, 1, 0 },
    { "userfaultfd", SYS_userfaultfd, 1, 0 },
    { "perf_event_open", SYS_perf_event_open, 0, 0 },
};
enum { CALLS = sizeof calls / sizeof *calls };

typedef struct caller {
    const job *job;
    const call *call; /* NULL: by the old door of 32-bit programs */
} caller;

static int call_it(void *context)
{
    const caller *c = context;
    zygote_confine(c->job->box, &c->job->order);
    if (c->call)
        (void)syscall(c->call->number, c->call->a, c->call->b, 0, 0, 0);
#if defined(__x86_64__)
    long result = 20; /* getpid */
    if (!c->call)
        __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
#endif
    return 0;
}

/* The number of the call that a job was stopped at, as its zygote hears it; -1: none. */
static int hear(const zygote_box *box, int pidfd)
{
    enum { MOST_MS = 5000 };
    struct pollfd told[2] = { { .fd = box->told, .events = POLLIN },
                              { .fd = pidfd, .events = POLLIN } };
    if (poll(told, 2, MOST_MS) < 1 || !told[0].revents)
        return -1;
    int listener = zygote_listen_take(box), heard = -1;
    struct pollfd p[2] = { { .fd = listener, .events = POLLIN }, told[1] };
    if (listener >= 0 && poll(p, 2, MOST_MS) > 0 && (p[0].revents & POLLIN))
        heard = zygote_listen_hear(listener);
    if (heard >= 0) /* before its listener goes: that would let it run on */
        (void)syscall(SYS_pidfd_send_signal, pidfd, SIGKILL, NULL, 0);
    if (listener >= 0)
        close(listener);
    return heard;
}

/* Without listeners the job's own handler tells. */
static int read_call(int result)
{
    asbx_record r;
    bool told = read(result, &r, sizeof r) == (ssize_t)sizeof r && r.kind == ASBX_RECORD_SYSCALL;
    return told ? (int)r.index : -1;
}

/* Stopped, and told by name; the old door by which there are no names: killed. */
static bool is_stopped(const job *j, const call *one, int result)
{
    caller c = { .job = j, .call = one };
    pid_t pid = check_clone(call_it, &c);
    if (pid < 0)
        return false;
    int pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    int heard = j->box->told >= 0 && pidfd >= 0 ? hear(j->box, pidfd) : -1;
    int status = check_wait(pid);
    if (pidfd >= 0)
        close(pidfd);
    if (heard < 0)
        heard = read_call(result);
    bool lived = WIFEXITED(status) && WEXITSTATUS(status) == 0;
    return one ? heard == (int)one->number && !lived : WIFSIGNALED(status);
}

static void try_calls(const zygote_box *box)
{
    int fds[2];
    char passed[100] = "";
    size_t n = 0, failed = 0;
    const job j = { .box = box, .order = order_for("pure", box->uid) };
    if (pipe2(fds, O_CLOEXEC | O_NONBLOCK) < 0 || !lay_descriptors(fds[1]))
        return;
    for (size_t i = 0; i < CALLS; i++)
        if (!is_stopped(&j, &calls[i], fds[0])) {
            failed++;
            int k = snprintf(passed + n, sizeof passed - n, " %s", calls[i].name);
            n = k > 0 && (size_t)k < sizeof passed - n ? n + (size_t)k : sizeof passed - 1;
        }
    bool old = false;
#if defined(__x86_64__)
    old = !is_stopped(&j, NULL, fds[0]);
#endif
    if (failed == CALLS)
        check_tell(LAYER_SECCOMP, ASBX_LAYER_OFF, "no filter can be loaded");
    else
        check_tell(LAYER_SECCOMP, failed || old ? ASBX_LAYER_OFF : ASBX_LAYER_ON,
                   "%d calls tried, from socket to io_uring, bpf and int 0x80: %s%s%s", CALLS + 1,
                   failed || old ? "PASSED:" : "all stopped", passed, old ? " int 0x80" : "");
    close(fds[0]);
    close(fds[1]);
}

/* ---- all ---- */

static void without_calls(const job *j)
{
    try_capabilities(j);
    look_at_uid(j);
    try_descriptors(j);
}

void check_jobs(const zygote_box *box)
{
    if (!lay_descriptors(LAYER_REPORT_FD))
        return;
    (void)run_confined(box, "pure", without_calls);
    (void)run_confined(box, "pure", try_limits);
    try_core(box);
    try_kill();
    try_calls(box);
}
