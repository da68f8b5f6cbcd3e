/* proc.c -- child processes by posix_spawn.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/proc.h"

#include "base/clock.h"
#include "base/mem.h"

#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdint.h>
#include <stdio.h>
#include <string.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

extern char **environ; /* NOLINT(readability-redundant-declaration): not in every libc's headers */

/* "K=" of "K=V" is the same in both. */
static bool same_name(const char *a, const char *b)
{
    const char *eq = strchr(a, '=');
    return eq && strncmp(a, b, (size_t)(eq - a) + 1) == 0;
}

/* environ, with entries of the same name replaced by those of `env`. NULL: no memory. */
static const char **merge_env(const char *const *env)
{
    size_t n = 0, n_new = 0;
    while (environ && environ[n])
        n++;
    while (env && env[n_new])
        n_new++;
    const char **merged = as_realloc_array(NULL, n + n_new + 1, sizeof *merged);
    if (!merged)
        return NULL;
    size_t k = 0;
    for (size_t i = 0; i < n; i++) {
        size_t j = 0;
        while (j < n_new && !same_name(env[j], environ[i]))
            j++;
        if (j == n_new)
            merged[k++] = environ[i];
    }
    for (size_t j = 0; j < n_new; j++)
        merged[k++] = env[j];
    merged[k] = NULL;
    return merged;
}

/* Numbers above all others first, so that a mapping like 3->4, 4->3 does not eat itself; then all
 * else is closed. */
static int map_fds(posix_spawn_file_actions_t *actions, const as_spawn_fd *fds, size_t n)
{
    int top = 2, last = 2, rc = 0;
    for (size_t i = 0; i < n; i++) {
        top = fds[i].from > top ? fds[i].from : top;
        top = fds[i].to > top ? fds[i].to : top;
        last = fds[i].to > last ? fds[i].to : last;
    }
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = posix_spawn_file_actions_adddup2(actions, fds[i].from, top + 1 + (int)i);
    for (size_t i = 0; i < n && rc == 0; i++)
        rc = posix_spawn_file_actions_adddup2(actions, top + 1 + (int)i, fds[i].to);
    for (int fd = 3; fd < last && rc == 0; fd++) {
        size_t i = 0;
        while (i < n && fds[i].to != fd)
            i++;
        if (i == n)
            rc = posix_spawn_file_actions_addclose(actions, fd);
    }
    return rc ? rc : posix_spawn_file_actions_addclosefrom_np(actions, last + 1);
}

static int clean_signals(posix_spawnattr_t *attr)
{
    sigset_t all, none;
    (void)sigfillset(&all);
    (void)sigemptyset(&none);
    int rc = posix_spawnattr_setsigdefault(attr, &all);
    if (rc == 0)
        rc = posix_spawnattr_setsigmask(attr, &none);
    return rc ? rc : posix_spawnattr_setflags(attr, POSIX_SPAWN_SETSIGDEF | POSIX_SPAWN_SETSIGMASK);
}

/* posix_spawn changes neither list; its types are older than const. */
static char *const *unconst(const char *const *list)
{
    char *const *plain;
    memcpy(&plain, &list, sizeof plain);
    return plain;
}

int as_spawn_clean(pid_t *out, const char *const *argv, const char *const *env,
                   const as_spawn_fd *fds, size_t n_fds, as_err *err)
{
    posix_spawn_file_actions_t actions;
    posix_spawnattr_t attr;
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc == 0) {
        rc = posix_spawnattr_init(&attr);
        if (rc == 0) {
            rc = map_fds(&actions, fds, n_fds);
            if (rc == 0)
                rc = clean_signals(&attr);
            if (rc == 0)
                rc = posix_spawn(out, argv[0], &actions, &attr, unconst(argv), unconst(env));
            (void)posix_spawnattr_destroy(&attr);
        }
        (void)posix_spawn_file_actions_destroy(&actions);
    }
    if (rc == 0)
        return 0;
    errno = rc == EBADF ? EMFILE : rc; /* what dup2() says of numbers beyond the limit */
    return as_fail_errno(err, "%s: could not be started", argv[0]);
}

int as_spawn(pid_t *out, const char *const *argv, const char *const *env, const as_spawn_fd *fds,
             size_t n_fds, as_err *err)
{
    AS_CLEANUP(free) const char **merged = merge_env(env);
    if (!merged)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", argv[0]);
    return as_spawn_clean(out, argv, merged, fds, n_fds, err);
}

/* 1 gone, 0 still there. A child somebody else reaped (SIGCHLD ignored by an embedder) is gone too.
 */
static bool reap(pid_t pid, int flags, int *status)
{
    int s = 0;
    pid_t got;
    do
        got = waitpid(pid, &s, flags);
    while (got < 0 && errno == EINTR);
    if (got == 0)
        return false;
    if (status)
        *status = got < 0 ? 255 << 8 : s;
    return true;
}

bool as_proc_wait(pid_t pid, int timeout_ms, int *status)
{
    if (timeout_ms < 0)
        return reap(pid, 0, status);
    int64_t until = as_now_ns() + (int64_t)timeout_ms * 1000000;
    AS_CLEANUP(close) int fd = -1;
    for (unsigned nap = 1;; nap = nap < 16 ? nap * 2 : nap) {
        if (reap(pid, WNOHANG, status))
            return true;
        int64_t left = (until - as_now_ns() + 999999) / 1000000;
        if (left <= 0)
            return false;
        if (fd < 0 && nap == 1)
            fd = (int)syscall(SYS_pidfd_open, pid, 0);
        if (fd >= 0) {
            struct pollfd p = { .fd = fd, .events = POLLIN };
            (void)poll(&p, 1, (int)left);
        } else { /* a kernel before 5.3, or a sandbox without the call */
            as_sleep_ms(nap < left ? nap : (unsigned)left);
        }
    }
}

void as_proc_kill(pid_t pid, int *status)
{
    (void)kill(pid, SIGKILL);
    (void)reap(pid, 0, status);
}

void as_proc_status_text(int status, char *out, size_t size)
{
    if (WIFEXITED(status)) {
        (void)snprintf(out, size, "exited with status %d", WEXITSTATUS(status));
    } else if (WIFSIGNALED(status)) {
        const char *name = sigdescr_np(WTERMSIG(status));
        (void)snprintf(out, size, "killed by signal %d (%s)", WTERMSIG(status),
                       name ? name : "unknown");
    } else {
        (void)snprintf(out, size, "ended with wait status 0x%x", (unsigned)status);
    }
}
