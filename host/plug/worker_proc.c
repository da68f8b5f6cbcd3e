/* worker_proc.c -- the process behind a worker seat.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/worker_proc.h"

#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"
#include "plug/text.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/resource.h>
#include <sys/socket.h>
#include <sys/time.h>
#include <sys/wait.h>
#include <unistd.h>

enum { KIND_END_MS = 400, DYING_MS = 2000 };

int as_worker_proc_init(as_worker_proc *p, as_err *err)
{
    *p = (as_worker_proc){ .sock = -1, .out = -1, .err = -1 };
    p->shared_fd = memfd_create("assay-worker", MFD_CLOEXEC | MFD_ALLOW_SEALING);
    if (p->shared_fd < 0)
        return as_fail_errno(err, "memory shared with a worker");
    if (ftruncate(p->shared_fd, sizeof *p->shared) < 0 ||
        fcntl(p->shared_fd, F_ADD_SEALS, F_SEAL_SHRINK | F_SEAL_GROW | F_SEAL_SEAL) < 0)
        return as_fail_errno(err, "memory shared with a worker");
    void *map = mmap(NULL, sizeof *p->shared, PROT_READ | PROT_WRITE, MAP_SHARED, p->shared_fd, 0);
    if (map == MAP_FAILED)
        return as_fail_errno(err, "memory shared with a worker");
    p->shared = map;
    return 0;
}

static void close_ends(as_worker_proc *p)
{
    as_cleanup_close(&p->sock);
    as_cleanup_close(&p->out);
    as_cleanup_close(&p->err);
    as_wire_fini(&p->wire);
}

void as_worker_proc_fini(as_worker_proc *p)
{
    as_worker_proc_stop(p);
    if (p->shared)
        (void)munmap(p->shared, sizeof *p->shared);
    p->shared = NULL;
    as_cleanup_close(&p->shared_fd);
}

static int set_timeouts(int sock)
{
    struct timeval tick = { .tv_usec = AS_WORKER_TICK_MS * 1000L };
    int rc = setsockopt(sock, SOL_SOCKET, SO_RCVTIMEO, &tick, sizeof tick);
    return rc < 0 ? rc : setsockopt(sock, SOL_SOCKET, SO_SNDTIMEO, &tick, sizeof tick);
}

/* A jailed one gets no environment of ours: it would lie in its memory. */
static int spawn(as_worker_proc *p, const char *path, const as_spawn_fd *fds, size_t n, as_err *err)
{
    static const char *const clean[] = { "PATH=/usr/bin:/bin", "LANG=C.UTF-8", NULL };
    char mib[16];
    (void)snprintf(mib, sizeof mib, "%u", p->mem_mib);
    const char *const plain[] = { path, "--serve", NULL };
    const char *const jailed[] = { path, "--serve", "--jail", p->jail, mib, NULL };
    return p->jail ? as_spawn_clean(&p->pid, jailed, clean, fds, n, err)
                   : as_spawn(&p->pid, plain, NULL, fds, n, err);
}

/* Pipes that drop what does not fit: a chatty verifier must not block, nor fill our memory. */
int as_worker_proc_start(as_worker_proc *p, as_err *err)
{
    AS_CLEANUP(close) int null_fd = open("/dev/null", O_RDONLY | O_CLOEXEC);
    int pair[2] = { -1, -1 }, out[2] = { -1, -1 }, errs[2] = { -1, -1 };
    if (null_fd < 0)
        return as_fail_errno(err, "/dev/null");
    AS_CLEANUP(free) char *path = as_path_worker(err);
    if (!path)
        return err && err->code ? err->code : AS_EIO;
    int rc = 0;
    if (socketpair(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0, pair) < 0 ||
        pipe2(out, O_CLOEXEC | O_NONBLOCK) < 0 || pipe2(errs, O_CLOEXEC | O_NONBLOCK) < 0 ||
        set_timeouts(pair[0]) < 0)
        rc = as_fail_errno(err, "connection to a worker");
    const as_spawn_fd fds[] = { { null_fd, 0 },
                                { out[1], 1 },
                                { errs[1], 2 },
                                { pair[1], AS_WIRE_FD },
                                { p->shared_fd, AS_WIRE_SHARED_FD } };
    struct rusage own = { .ru_maxrss = 0 };
    (void)getrusage(RUSAGE_SELF, &own);
    p->inherited_kib = own.ru_maxrss;
    if (rc == 0)
        rc = spawn(p, path, fds, sizeof fds / sizeof *fds, err);
    as_cleanup_close(&pair[1]);
    as_cleanup_close(&out[1]);
    as_cleanup_close(&errs[1]);
    p->sock = pair[0];
    p->out = out[0];
    p->err = errs[0];
    p->n_said = p->n_tail = 0;
    as_wire_init(&p->wire, p->sock);
    if (rc < 0) {
        p->pid = 0;
        close_ends(p);
    }
    return rc;
}

void as_worker_proc_stop(as_worker_proc *p)
{
    if (p->pid <= 0)
        return;
    int status;
    (void)shutdown(p->sock, SHUT_RDWR);
    if (!as_proc_wait(p->pid, KIND_END_MS, &status))
        as_proc_kill(p->pid, &status);
    p->pid = 0;
    close_ends(p);
}

void as_worker_proc_kill(as_worker_proc *p)
{
    int status;
    if (p->pid <= 0)
        return;
    as_proc_kill(p->pid, &status);
    as_worker_proc_drain(p);
    p->pid = 0;
    close_ends(p);
}

static size_t read_some(int fd, char *buffer, size_t size)
{
    ssize_t n = fd < 0 ? 0 : read(fd, buffer, size);
    return n > 0 ? (size_t)n : 0;
}

static void keep_tail(as_worker_proc *p, const char *bytes, size_t n)
{
    size_t old = p->n_tail < sizeof p->tail - n ? p->n_tail : sizeof p->tail - n;
    memmove(p->tail, p->tail + p->n_tail - old, old);
    memcpy(p->tail + old, bytes, n);
    p->n_tail = old + n;
}

void as_worker_proc_drain(as_worker_proc *p)
{
    struct pollfd fds[] = { { .fd = p->out, .events = POLLIN },
                            { .fd = p->err, .events = POLLIN } };
    char buffer[AS_WORKER_TAIL];
    if (poll(fds, 2, 0) <= 0)
        return;
    size_t n = 0;
    unsigned rounds = 64; /* a worker that writes without end must not keep us here */
    while (rounds-- && (fds[0].revents & POLLIN) &&
           (n = read_some(p->out, buffer, sizeof buffer)) > 0) {
        size_t room = sizeof p->said - p->n_said;
        memcpy(p->said + p->n_said, buffer, n < room ? n : room);
        p->n_said += n < room ? n : room;
    }
    rounds = 64;
    while (rounds-- && (fds[1].revents & POLLIN) &&
           (n = read_some(p->err, buffer, sizeof buffer)) > 0)
        keep_tail(p, buffer, n);
}

void as_worker_proc_add_stderr(as_worker_proc *p, char *why, size_t size)
{
    size_t used = strlen(why);
    as_str text = as_str_trim((as_str){ p->tail, p->n_tail });
    p->n_tail = 0;
    if (!text.len || used + 32 >= size)
        return;
    const char *line = memrchr(text.data, '\n', text.len);
    as_str last = line ? (as_str){ line + 1, (size_t)(text.data + text.len - line - 1) } : text;
    int n = snprintf(why + used, size - used, "; it said on stderr: ");
    if (n > 0 && used + (size_t)n < size)
        as_text_line(why + used + n, size - used - (size_t)n, last);
}

/* Waits for the end that a broken connection announces; a worker that only closed its socket is
 * killed. */
static int reap(pid_t pid, struct rusage *usage, bool *was_killed)
{
    int status = 0;
    pid_t got = 0;
    for (int ms = 0; ms < DYING_MS && got == 0; ms++) {
        do
            got = wait4(pid, &status, WNOHANG, usage);
        while (got < 0 && errno == EINTR);
        if (got == 0)
            (void)usleep(1000);
    }
    *was_killed = got == 0;
    if (got == 0)
        as_proc_kill(pid, &status);
    return status;
}

void as_worker_proc_died(as_worker_proc *p, unsigned mem_mib, char *why, size_t size)
{
    struct rusage usage = { .ru_maxrss = 0 };
    bool was_killed = false;
    int status = reap(p->pid, &usage, &was_killed);
    as_worker_proc_drain(p);
    char how[120];
    as_proc_status_text(status, how, sizeof how);
    unsigned used = (unsigned)(usage.ru_maxrss / 1024);
    const char *what =
        WIFEXITED(status) ? "the verifier ended its process" : "the verifier crashed";
    if (was_killed)
        (void)snprintf(why, size, "the verifier closed the connection to its host");
    else if (used > mem_mib / 4 * 3 && usage.ru_maxrss > p->inherited_kib)
        (void)snprintf(why, size, "%s: %s, out of memory at %u MiB (limit %u MiB)", what, how, used,
                       mem_mib);
    else
        (void)snprintf(why, size, "%s: %s", what, how);
    as_worker_proc_add_stderr(p, why, size);
    p->pid = 0;
    close_ends(p);
}
