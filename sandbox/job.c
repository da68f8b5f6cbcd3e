/* job.c -- one job from its text to its end: limits by the clock and by processor time, output
 * drained to a cap, killed in any case. SPDX-License-Identifier: Apache-2.0 */
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <time.h>
#include <unistd.h>

uint64_t job_now_us(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_MONOTONIC, &t);
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

static uint32_t within(uint32_t asked, uint32_t standard, uint32_t most)
{
    uint32_t v = asked ? asked : standard;
    return v < most ? v : most;
}

asbx_limits job_limits(const asbx_job *job, const asbx_policy *policy)
{
    const asbx_limits *a = &job->limits, *s = &policy->limits, *m = &policy->most;
    return (asbx_limits){ .cpu_ms = within(a->cpu_ms, s->cpu_ms, m->cpu_ms),
                          .wall_ms = within(a->wall_ms, s->wall_ms, m->wall_ms),
                          .mem_mib = within(a->mem_mib, s->mem_mib, m->mem_mib),
                          .out_kib = within(a->out_kib, s->out_kib, m->out_kib),
                          .file_kib = within(a->file_kib, s->file_kib, m->file_kib),
                          .procs = within(a->procs, s->procs, m->procs) };
}

/* ---- messages ---- */

int job_receive(int socket, void *data, size_t most, int *fd, int timeout_ms)
{
    union {
        char space[CMSG_SPACE(sizeof(int))];
        struct cmsghdr align;
    } control;
    struct iovec io = { data, most };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = control.space,
                        .msg_controllen = sizeof control.space };
    struct pollfd p = { .fd = socket, .events = POLLIN };
    int n;
    do
        n = poll(&p, 1, timeout_ms);
    while (n < 0 && errno == EINTR);
    if (n <= 0)
        return n < 0 ? -errno : -ETIMEDOUT;
    ssize_t got;
    do
        got = recvmsg(socket, &m, MSG_CMSG_CLOEXEC);
    while (got < 0 && errno == EINTR);
    if (got <= 0)
        return got < 0 ? -errno : -EPIPE;
    const struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    if (c && c->cmsg_type == SCM_RIGHTS && c->cmsg_len == CMSG_LEN(sizeof(int))) {
        int received;
        memcpy(&received, CMSG_DATA(c), sizeof received);
        if (fd)
            *fd = received;
        else
            close(received);
    }
    return (int)got;
}

/* The group's descriptors go last. */
static int send_order(int socket, const asbx_order *order, const int fds[ASBX_FDS], const group *in)
{
    union {
        char space[CMSG_SPACE(ASBX_FDS * sizeof(int))];
        struct cmsghdr align;
    } control;
    asbx_order copy = *order;
    struct iovec io = { &copy, sizeof copy };
    struct msghdr m = { .msg_iov = &io,
                        .msg_iovlen = 1,
                        .msg_control = control.space,
                        .msg_controllen = sizeof control.space };
    memset(&control, 0, sizeof control);
    struct cmsghdr *c = CMSG_FIRSTHDR(&m);
    c->cmsg_level = SOL_SOCKET;
    c->cmsg_type = SCM_RIGHTS;
    const size_t size = asbx_order_fds(order->flags) * sizeof(int);
    const size_t more = asbx_order_groups(order->flags) * sizeof(int);
    m.msg_controllen = CMSG_SPACE(size + more);
    c->cmsg_len = CMSG_LEN(size + more);
    memcpy(CMSG_DATA(c), fds, size);
    if (more)
        memcpy(CMSG_DATA(c) + size, in->join, more);
    ssize_t n;
    do
        n = sendmsg(socket, &m, MSG_NOSIGNAL);
    while (n < 0 && errno == EINTR);
    return n == (ssize_t)sizeof copy ? 0 : -EPIPE;
}

/* ---- the job's text ---- */

static bool put_sized(int fd, asbx_text t)
{
    uint32_t len = (uint32_t)t.len;
    return t.len <= UINT32_MAX && asbx_write_all(fd, &len, sizeof len) &&
           asbx_write_all(fd, t.data, t.len);
}

static int sealed(const char *name, bool (*fill)(int fd, const asbx_job *job), const asbx_job *job)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (fd < 0)
        return -1;
    if (fill(fd, job) && lseek(fd, 0, SEEK_SET) == 0 &&
        fcntl(fd, F_ADD_SEALS, F_SEAL_SEAL | F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_WRITE) == 0)
        return fd;
    close(fd);
    return -1;
}

static bool fill_text(int fd, const asbx_job *job)
{
    asbx_text entry = { job->entry_point ? job->entry_point : "", 0 };
    entry.len = job->entry_len ? job->entry_len : strlen(entry.data);
    const asbx_job_head head = { .magic = ASBX_MAGIC,
                                 .n_calls = job->n_calls,
                                 .n_files = job->n_files,
                                 .source = job->source.len,
                                 .entry_point = entry.len };
    bool ok = asbx_write_all(fd, &head, sizeof head) &&
              asbx_write_all(fd, job->source.data, job->source.len) &&
              asbx_write_all(fd, entry.data, entry.len);
    for (uint32_t i = 0; ok && i < job->n_calls; i++)
        ok = put_sized(fd, job->calls[i]);
    for (uint32_t i = 0; ok && i < job->n_files; i++)
        ok = put_sized(fd, job->files[i].name) && put_sized(fd, job->files[i].data);
    return ok;
}

static bool fill_input(int fd, const asbx_job *job)
{
    return asbx_write_all(fd, job->input.data, job->input.len);
}

/* ---- pipes ---- */

static int open_pipe(job_pipe *p, size_t most, int *write_end)
{
    int fds[2];
    *p = (job_pipe){ .fd = -1, .most = most };
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    (void)fcntl(fds[0], F_SETFL, O_NONBLOCK);
    p->fd = fds[0];
    *write_end = fds[1];
    return 0;
}

/* Over the cap the pipe stays open, unread: the program waits in its write until it is killed, and
 * never hears of a broken pipe that it could tell as an error of its own. */
bool job_drain(job_pipe *p)
{
    while (!p->over) {
        if (p->len == p->cap) {
            size_t cap = p->cap ? p->cap * 2 : 4096;
            char *more = realloc(p->data, cap + 1);
            if (!more)
                return false;
            p->data = more;
            p->cap = cap;
        }
        ssize_t n = read(p->fd, p->data + p->len, p->cap - p->len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n < 0)
            return true; /* EAGAIN: no more now */
        if (n == 0) {
            close(p->fd);
            p->fd = -1;
            return true;
        }
        p->len += (size_t)n;
        if (p->len > p->most) {
            p->len = p->most;
            p->over = true;
        }
    }
    return false;
}

/* ---- the clock ---- */

static uint64_t cpu_of(pid_t pid)
{
    clockid_t clock;
    struct timespec t;
    if (clock_getcpuclockid(pid, &clock) != 0 || clock_gettime(clock, &t) < 0)
        return 0; /* it is dead already */
    return (uint64_t)t.tv_sec * 1000000 + (uint64_t)t.tv_nsec / 1000;
}

/* A program that waits uses none of its processor time, so that limit cannot be reached before as
 * much time has passed on the clock. */
int job_time_left(job_run *run)
{
    uint64_t wall = job_now_us() - run->began, most = (uint64_t)run->limits.wall_ms * 1000;
    uint64_t cpu = cpu_of(run->started.pid), most_cpu = (uint64_t)run->limits.cpu_ms * 1000;
    run->over_cpu = cpu >= most_cpu;
    run->over_wall = !run->over_cpu && wall >= most;
    if (run->over_cpu || run->over_wall)
        return 0;
    uint64_t left = most - wall < most_cpu - cpu ? most - wall : most_cpu - cpu;
    return (int)(left / 1000) + 1;
}

/* ---- beginning and end ---- */

static void broken(job_run *run, const char *what, int error)
{
    run->broken = true;
    (void)snprintf(run->why, sizeof run->why, "%s: %s", what, strerror(error));
}

void job_kill(job_run *run)
{
    if (run->pidfd < 0 || run->has_ended)
        return;
    (void)syscall(SYS_pidfd_send_signal, run->pidfd, SIGKILL, NULL, 0);
    run->killed = true;
}

/* The zygote's next word: that it began, or that it ended. */
static void hear(job_run *run, int timeout_ms, const char *silence)
{
    union {
        asbx_started started;
        asbx_ended ended;
    } word = { .started = { .magic = 0 } };
    int n = job_receive(run->socket, &word, sizeof word, &run->pidfd, timeout_ms);
    if (n == sizeof word.ended && word.ended.magic == ASBX_MAGIC) {
        run->ended = word.ended;
        run->has_ended = true;
    } else if (n == sizeof word.started && word.started.magic == ASBX_MAGIC) {
        run->started = word.started;
        if (word.started.error)
            broken(run, word.started.what, word.started.error);
    } else {
        broken(run, n == -ETIMEDOUT ? silence : "the sandbox's helper died", n < 0 ? -n : EPROTO);
    }
}

void job_await_end(job_run *run, int timeout_ms)
{
    hear(run, timeout_ms, "a job could not be killed");
}

static size_t most_results(const asbx_job *job, const asbx_policy *policy, uint32_t flags,
                           const asbx_limits *limits)
{
    if (policy->processes)
        return (size_t)limits->file_kib << 10;
    if (flags & ASBX_ORDER_PROGRAM)
        return 4096;
    return ((size_t)limits->out_kib << 10) + sizeof(asbx_record) * (job->n_calls + 16);
}

/* Its reading end stays open here as well: who writes to a dead job gets no SIGPIPE. */
static int open_down(job_run *run, int *theirs)
{
    int fds[2];
    if (pipe2(fds, O_CLOEXEC) < 0)
        return -errno;
    run->down = fds[1];
    run->down_reader = fds[0];
    *theirs = fcntl(fds[0], F_DUPFD_CLOEXEC, 0);
    return *theirs < 0 || fcntl(fds[1], F_SETFL, O_NONBLOCK) < 0 ? -errno : 0;
}

static bool open_all(const asbx_job *job, const asbx_policy *policy, uint32_t flags, job_run *run,
                     int fds[ASBX_FDS])
{
    size_t most = (size_t)run->limits.out_kib << 10;
    fds[ASBX_FD_JOB] = sealed("job", fill_text, job);
    fds[ASBX_FD_IN] =
        job->input.len ? sealed("input", fill_input, job) : open("/dev/null", O_RDONLY | O_CLOEXEC);
    return fds[ASBX_FD_JOB] >= 0 && fds[ASBX_FD_IN] >= 0 &&
           open_pipe(&run->out, most, &fds[ASBX_FD_OUT]) == 0 &&
           open_pipe(&run->err, most, &fds[ASBX_FD_ERR]) == 0 &&
           open_pipe(&run->result, most_results(job, policy, flags, &run->limits),
                     &fds[ASBX_FD_RESULT]) == 0 &&
           (!(flags & ASBX_ORDER_DOWN) || open_down(run, &fds[ASBX_FD_DOWN]) == 0);
}

void job_order(asbx_slot *slot, const asbx_job *job, const asbx_policy *policy, uint32_t flags,
               job_run *run)
{
    int fds[ASBX_FDS] = { -1, -1, -1, -1, -1, -1, -1, -1 };
    const bool stays = slot->cpu >= 0 && !policy->threads && !policy->processes;
    memset(run, 0, sizeof *run);
    run->limits = job_limits(job, policy);
    run->socket = slot->socket;
    run->cpus = stays ? &slot->settings->cpus : NULL;
    run->pidfd = run->down = run->down_reader = run->out.fd = run->err.fd = run->result.fd = -1;
    run->ordered = job_now_us();
    uint32_t index = 0;
    while (asbx_policies[index] != policy)
        index++;
    if (group_ready(&slot->group, &slot->settings->groups, group_bound(policy, &run->limits),
                    run->limits.procs)) {
        run->group = &slot->group;
        flags |= group_order_flags(run->group);
    }
    const asbx_order order = { .magic = ASBX_MAGIC,
                               .protocol = ASBX_PROTOCOL,
                               .policy = index,
                               .flags = flags,
                               .cpu = stays ? slot->cpu : -1,
                               .limits = run->limits,
                               .seed = job->seed };
    if (!open_all(job, policy, flags, run, fds))
        broken(run, "no memory or descriptors for a job", errno);
    else if (send_order(slot->socket, &order, fds, run->group) < 0)
        broken(run, "the sandbox's helper is gone", EPIPE);
    for (int i = 0; i < ASBX_FDS; i++)
        if (fds[i] >= 0)
            close(fds[i]);
    slot->jobs++;
}

void job_await_start(job_run *run)
{
    enum { START_MS = 10000 };
    if (run->broken)
        return;
    hear(run, START_MS, "a job did not start");
    run->began = job_now_us();
}

void job_finish(job_run *run)
{
    enum { AFTER_KILL_MS = 10000 };
    if (run->pidfd >= 0 && !run->has_ended) {
        job_kill(run);
        if (!run->broken)
            job_await_end(run, AFTER_KILL_MS);
    }
    if (run->began)
        run->wall_us = job_now_us() - run->ordered;
    if (run->group && run->has_ended)
        run->group_said = group_judge(run->group);
    job_pipe *pipes[] = { &run->out, &run->err, &run->result };
    for (int i = 0; i < 3; i++) /* what it wrote last */
        if (pipes[i]->fd >= 0)
            (void)job_drain(pipes[i]);
    int *const ours[] = { &run->down, &run->down_reader, &run->pidfd };
    for (int i = 0; i < 3; i++) {
        if (*ours[i] >= 0)
            close(*ours[i]);
        *ours[i] = -1;
    }
}

void job_set_free(job_run *run)
{
    if (run->cpus && !run->has_ended)
        (void)sched_setaffinity(run->started.pid, sizeof *run->cpus, run->cpus);
    run->cpus = NULL;
}

/* A short job is not disturbed, nor does its every word wake us: what it writes waits in the pipes.
 */
static void watch_short(job_run *run)
{
    struct pollfd p = { .fd = run->socket, .events = POLLIN };
    if (poll(&p, 1, JOB_SHORT_MS) > 0)
        job_await_end(run, 0);
    job_set_free(run);
}

/* Until it ends by itself, or a limit is reached. */
static void watch(job_run *run)
{
    job_pipe *pipes[] = { &run->out, &run->err, &run->result };
    watch_short(run);
    for (bool over = false; !over && !run->broken && !run->has_ended;) {
        struct pollfd p[4] = { { .fd = run->socket, .events = POLLIN } };
        for (int i = 0; i < 3; i++)
            p[i + 1] = (struct pollfd){ .fd = pipes[i]->fd, .events = POLLIN };
        int timeout = job_time_left(run);
        int n = timeout > 0 ? poll(p, 4, timeout) : 0;
        if (n <= 0) {
            over = timeout == 0;
            continue;
        }
        for (int i = 0; i < 3; i++)
            if (p[i + 1].revents)
                over = !job_drain(pipes[i]) || over;
        if (p[0].revents)
            job_await_end(run, 0);
    }
}

void job_execute(asbx_slot *slot, const asbx_job *job, const asbx_policy *policy, uint32_t flags,
                 job_run *run)
{
    job_order(slot, job, policy, flags, run);
    job_await_start(run);
    if (!run->broken && !run->has_ended)
        watch(run);
    job_finish(run);
}

void job_run_fini(job_run *run)
{
    job_pipe *pipes[] = { &run->out, &run->err, &run->result };
    for (int i = 0; i < 3; i++) {
        if (pipes[i]->fd >= 0)
            close(pipes[i]->fd);
        free(pipes[i]->data);
        *pipes[i] = (job_pipe){ .fd = -1 };
    }
}
