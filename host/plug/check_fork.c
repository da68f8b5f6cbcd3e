/* check_fork.c -- one test in a child process: forked, listened to, timed, and replaced by a
 * sentence if it dies.
 *
 * This is the one place in the host that forks: `plugin check` has no threads yet, and a test wants
 * the parent's items and nothing of what an earlier test did to the process.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/check_env.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <unistd.h>

/* What a child sends: less than PIPE_BUF, so it arrives whole. */
typedef struct report {
    uint32_t state, notes;
    char text[sizeof(((as_check_result *)0)->text)];
} report;

__attribute__((format(printf, 3, 0))) static int say(as_checker *c, as_check_state state,
                                                     const char *format, va_list args)
{
    c->result->state = state;
    vsnprintf(c->result->text, sizeof(c->result->text), format, args);
    return state == AS_CHECK_FAIL ? -1 : 0;
}

int as_check_ok(as_checker *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = say(c, AS_CHECK_OK, format, args);
    va_end(args);
    return rc;
}

int as_check_fail(as_checker *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = say(c, AS_CHECK_FAIL, format, args);
    va_end(args);
    return rc;
}

int as_check_skip(as_checker *c, const char *format, ...)
{
    va_list args;
    va_start(args, format);
    int rc = say(c, AS_CHECK_SKIP, format, args);
    va_end(args);
    return rc;
}

/* Sanitizers reserve terabytes of address space and must not be limited. */
void as_sanitizer_asan(void) __asm__("__asan_init") __attribute__((weak));
void as_sanitizer_tsan(void) __asm__("__tsan_init") __attribute__((weak));

static void limit_child(void)
{
    struct rlimit no_core = { 0, 0 };
    struct rlimit space = { UINT64_C(8) << 30, UINT64_C(8) << 30 };
    (void)setrlimit(RLIMIT_CORE, &no_core);
    if (!as_sanitizer_asan && !as_sanitizer_tsan)
        (void)setrlimit(RLIMIT_AS, &space);
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL);
    static const int ours[] = { SIGINT, SIGTERM, SIGPIPE, SIGHUP };
    const struct sigaction plain = { .sa_handler = SIG_DFL };
    for (size_t i = 0; i < sizeof(ours) / sizeof(ours[0]);
         i++) /* the command line's handlers are not the child's */
        (void)sigaction(ours[i], &plain, NULL);
    (void)setpgid(0, 0); /* whatever the plugin starts goes when the child goes */
}

static _Noreturn void be_child(as_checker *c, int (*run)(as_checker *c), int fd)
{
    report r = { 0 };
    limit_child();
    as_log_set(NULL, NULL,
               AS_LOG_ERROR); /* what the host has to say must not look like the plugin's output */
    for (int i = 0; i < 3; i++)
        (void)dup2(c->output, i);
    as_arena_init(&c->arena, 0);
    c->result->state = AS_CHECK_FAIL;
    as_check_fail(c, "the test ended without a result");
    (void)run(c);
    r.state = (uint32_t)c->result->state;
    r.notes = c->notes;
    memcpy(r.text, c->result->text, sizeof(r.text));
    (void)as_write_all(fd, (as_str){ (const char *)&r, sizeof(r) }, NULL);
    _exit(0);
}

typedef enum ended { ENDED_REPORT, ENDED_SILENT, ENDED_LATE, ENDED_SIGNAL } ended;

/* Waits for the report. A child that moves its progress counter gets the whole limit anew. */
static ended await(const as_checker *c, int fd, unsigned timeout_ms, report *r)
{
    uint64_t seen = atomic_load(c->progress);
    int64_t until = as_now_ns() + timeout_ms * INT64_C(1000000);
    for (;;) {
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int ready = poll(&p, 1, 100);
        if (ready < 0 && errno == EINTR)
            return ENDED_SIGNAL;
        if (ready > 0)
            return read(fd, r, sizeof(*r)) == (ssize_t)sizeof(*r) ? ENDED_REPORT : ENDED_SILENT;
        uint64_t now = atomic_load(c->progress);
        if (now != seen) {
            seen = now;
            until = as_now_ns() + timeout_ms * INT64_C(1000000);
        }
        if (as_now_ns() > until)
            return ENDED_LATE;
    }
}

/* The most telling line of what the child printed: a sanitizer's or libc's complaint, else the last
 * one. */
static void last_words(int output, char *out, size_t size)
{
    char text[8192];
    ssize_t n = pread(output, text, sizeof(text) - 1, 0);
    out[0] = 0;
    if (n <= 0)
        return;
    text[n] = 0;
    for (char *p = text; *p; p++)
        if ((unsigned char)*p < 0x20 && *p != '\n')
            *p = ' ';
    char *error = strstr(text, "ERROR: ");
    char *at = error ? error : text;
    if (!error) {
        size_t len = strlen(text);
        while (len > 0 && text[len - 1] == '\n')
            text[--len] = 0;
        char *last = strrchr(text, '\n');
        at = last ? last + 1 : text;
    }
    snprintf(out, size, "; it printed: %.*s", (int)strcspn(at, "\n"), at);
}

static void explain_death(as_checker *c, ended how, int status, unsigned timeout_ms)
{
    char text[100];
    char words[200];
    uint64_t at = atomic_load(c->progress);
    last_words(c->output, words, sizeof(words));
    as_proc_status_text(status, text, sizeof(text));
    if (how == ENDED_LATE)
        as_check_fail(c, "hangs: no result within %u ms (a slow verifier may want --timeout-ms)%s",
                      timeout_ms, words);
    else
        as_check_fail(c, "the process ended: %s%s", text, words);
    if (at > 0) /* the fuzz test counts its rounds here */
        snprintf(c->result->text, sizeof(c->result->text),
                 "round %llu: %s %s; reproduce: assay plugin check %s --fuzz 1 --seed %llu",
                 (unsigned long long)at,
                 how == ENDED_LATE ? "hangs" : "the process ended:", how == ENDED_LATE ? "" : text,
                 c->what, (unsigned long long)(c->options->seed + at - 1));
}

static int start(as_checker *c, int (*run)(as_checker *c), int ends[2], pid_t *pid, as_err *err)
{
    c->output = memfd_create("assay-check-output", MFD_CLOEXEC);
    if (c->output < 0)
        return as_fail_errno(err, "no memory file for a check's output");
    if (pipe2(ends, O_CLOEXEC) < 0)
        return as_fail_errno(err, "no pipe for a check");
    (void)fflush(
        NULL); /* else the child would flush our buffers into what counts as the plugin's output */
    *pid = fork();
    if (*pid < 0)
        return as_fail_errno(err, "no process for a check");
    if (*pid == 0) {
        close(ends[0]);
        be_child(c, run, ends[1]);
    }
    (void)setpgid(*pid, *pid);
    return 0;
}

static int finish(as_checker *c, int fd, pid_t pid, unsigned timeout_ms, as_err *err)
{
    report r = { 0 };
    int status = 0;
    ended how = await(c, fd, timeout_ms, &r);
    bool gone = how != ENDED_LATE && how != ENDED_SIGNAL && as_proc_wait(pid, 1000, &status);
    (void)kill(-pid, SIGKILL);
    if (!gone)
        as_proc_kill(pid, &status);
    if (how == ENDED_SIGNAL)
        return as_fail(err, AS_EINTR, "%s: check interrupted", c->what);
    if (how != ENDED_REPORT) {
        explain_death(c, how, status, timeout_ms);
        return 0;
    }
    c->result->state = (as_check_state)r.state;
    c->notes |= r.notes;
    memcpy(c->result->text, r.text, sizeof(r.text));
    c->result->text[sizeof(r.text) - 1] = 0;
    return 0;
}

int as_check_in_child(as_checker *c, int (*test)(as_checker *c), unsigned timeout_ms, as_err *err)
{
    int ends[2] = { -1, -1 };
    pid_t pid = -1;
    atomic_store(c->progress, 0);
    int rc = start(c, test, ends, &pid, err);
    if (ends[1] >= 0)
        close(ends[1]);
    if (rc == 0)
        rc = finish(c, ends[0], pid, timeout_ms, err);
    if (ends[0] >= 0)
        close(ends[0]);
    if (c->output >= 0)
        close(c->output);
    c->output = -1;
    return rc;
}
