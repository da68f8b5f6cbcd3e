/* discover.c -- has plugins loaded by a child and reads what it says; a plugin that kills the child
 * costs only itself. SPDX-License-Identifier: Apache-2.0 */
#include "plug/discover.h"

#include "base/clock.h"
#include "base/file.h"
#include "base/jspan.h"
#include "base/log.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/proc.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <unistd.h>

enum { LOAD_MS = 5000, PER_CHILD = 64, LINE_MAX_BYTES = 16 << 20, MAX_VERIFIERS = 256 };

static int read_infos(as_index_entry *e, as_jspan array, as_arena *arena, as_err *err)
{
    as_verifier_info *infos = as_arena_calloc(arena, MAX_VERIFIERS, sizeof(*infos));
    as_jspan value;
    uint32_t n = 0;
    if (!infos)
        return as_fail(err, AS_ENOMEM, "no memory for the plugin index");
    for (size_t at = 0; n < MAX_VERIFIERS && as_jarray_next(array, &at, &value); n++) {
        int rc = as_info_read(&infos[n], value.text, arena, err);
        if (rc < 0)
            return rc;
    }
    if (n == 0)
        return as_fail(err, AS_EDATA, "plugin index: a file without verifiers");
    e->infos = infos;
    e->n_infos = n;
    return 0;
}

int as_index_entry_read(as_index_entry *e, as_str json, as_arena *arena, as_err *err)
{
    as_jspan object;
    int rc = as_json_scan(json, &object, err);
    if (rc < 0)
        return rc;
    as_jspan infos = as_jobject_get(object, "infos");
    as_jspan problem = as_jobject_get(object, "problem");
    if (infos.kind == AS_J_ARRAY)
        return read_infos(e, infos, arena, err);
    if (problem.kind != AS_J_STRING)
        return as_fail(err, AS_EDATA, "plugin index: neither \"infos\" nor \"problem\"");
    e->problem = as_jstring(problem, arena, NULL).data;
    return e->problem ? 0 : as_fail(err, AS_ENOMEM, "no memory for the plugin index");
}

/* One child and the files it was given: paths[0..n), `at` is the one it is busy with. */
typedef struct child {
    pid_t pid;
    int fd;
    bool hello;
    as_buf bytes;
    as_index_entry *entries;
    size_t n, at;
    as_arena *arena;
} child;

static void take_line(child *c, as_str line)
{
    as_jspan object;
    unsigned long long i = 0;
    if (as_json_scan(line, &object, NULL) < 0)
        return;
    if (as_jobject_get(object, "hello").kind == AS_J_NUMBER) {
        c->hello = true;
        return;
    }
    /* Only about the file in hand: a plugin must not speak for its neighbours. */
    if (!as_junsigned(as_jobject_get(object, "i"), &i) || i != c->at || c->at >= c->n)
        return;
    as_index_entry *e = &c->entries[c->at];
    if (as_index_entry_read(e, line, c->arena, NULL) < 0 && !e->infos) {
        e->problem = "its description cannot be read; say so to its author";
        c->at++;
        return;
    }
    if (as_jobject_get(object, "done").kind == AS_J_TRUE)
        c->at++;
}

/* Takes whole lines off the front of the bytes read so far. */
static void take_lines(child *c)
{
    size_t from = 0;
    for (;;) {
        char *end =
            c->bytes.len > from ? memchr(c->bytes.data + from, '\n', c->bytes.len - from) : NULL;
        if (!end)
            break;
        take_line(c, (as_str){ c->bytes.data + from, (size_t)(end - (c->bytes.data + from)) });
        from = (size_t)(end - c->bytes.data) + 1;
    }
    if (from == 0)
        return;
    memmove(c->bytes.data, c->bytes.data + from, c->bytes.len - from);
    c->bytes.len -= from;
    c->bytes.data[c->bytes.len] = 0;
}

/* Reads until the child is silent for too long (1), ends (0) or says too much (-1). Each line buys
 * it new time. */
static int listen_to(child *c)
{
    int64_t until = as_now_ns() + LOAD_MS * INT64_C(1000000);
    size_t at = c->at;
    for (;;) {
        int64_t left = (until - as_now_ns()) / 1000000;
        struct pollfd p = { .fd = c->fd, .events = POLLIN };
        int ready = left > 0 ? poll(&p, 1, (int)left) : 0;
        if (ready < 0 && errno == EINTR)
            continue;
        if (ready <= 0)
            return 1;
        if (!as_buf_reserve(&c->bytes, 65536))
            return -1;
        ssize_t n = read(c->fd, c->bytes.data + c->bytes.len, c->bytes.cap - c->bytes.len - 1);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return 0;
        c->bytes.len += (size_t)n;
        take_lines(c);
        if (c->at != at) {
            at = c->at;
            until = as_now_ns() + LOAD_MS * INT64_C(1000000);
        }
    }
}

static int start_child(child *c, const char *worker, const char *const *paths, as_err *err)
{
    const char *argv[PER_CHILD + 3] = { worker, "--describe" };
    int ends[2];
    for (size_t i = 0; i < c->n; i++)
        argv[i + 2] = paths[i];
    if (pipe2(ends, O_CLOEXEC) < 0)
        return as_fail_errno(err, "no pipe for describing plugins");
    AS_CLEANUP(close) int null = open("/dev/null", O_RDWR | O_CLOEXEC);
    /* The loader must not be steered by what we happened to inherit for ourselves. */
    as_spawn_fd fds[] = { { null, STDIN_FILENO },
                          { ends[1], STDOUT_FILENO },
                          { null, STDERR_FILENO } };
    int rc =
        null < 0 ? as_fail_errno(err, "/dev/null") : as_spawn(&c->pid, argv, NULL, fds, 3, err);
    close(ends[1]);
    if (rc < 0)
        close(ends[0]);
    c->fd = ends[0];
    return rc;
}

static void blame(child *c, int how, int status)
{
    char text[120];
    as_index_entry *e = &c->entries[c->at];
    as_proc_status_text(status, text, sizeof(text));
    if (e->infos) { /* loaded, then lost while an instance was asked what it offers */
        as_log(AS_LOG_INFO, "%s: making an instance without configuration ended its process (%s)",
               e->path, how > 0 ? "no answer in time" : text);
        return;
    }
    if (how > 0)
        e->problem =
            as_arena_fmt(c->arena, "hangs while being loaded (killed after %d ms)", LOAD_MS).data;
    else
        e->problem = as_arena_fmt(c->arena, "ends the process while being loaded: %s", text).data;
    if (!e->problem)
        e->problem = "cannot be loaded";
}

/* Describes what one child can: returns how many files are settled, at least 1; < 0 when no child
 * could be started. */
static long describe_some(const char *worker, const char *const *paths, as_index_entry *entries,
                          size_t n, as_arena *arena, as_err *err)
{
    child c = { .fd = -1, .entries = entries, .n = n, .arena = arena };
    int rc = start_child(&c, worker, paths, err);
    if (rc < 0)
        return rc;
    as_buf_init(&c.bytes, LINE_MAX_BYTES);
    int how = listen_to(&c);
    int status = 0;
    if (how != 0 || !as_proc_wait(c.pid, 1000, &status))
        as_proc_kill(c.pid, &status);
    close(c.fd);
    as_buf_fini(&c.bytes);
    if (!c.hello)
        return as_fail(err, AS_EPLUGIN, "%s does not describe plugins; install assay again",
                       worker);
    if (c.at < n) {
        blame(&c, how, status);
        c.at++;
    }
    return (long)c.at;
}

void as_describe_files(const char *const *paths, as_index_entry *entries, size_t n, as_arena *arena)
{
    as_err err = { 0 };
    AS_CLEANUP(free) char *worker = as_path_worker(&err);
    size_t at = 0;
    for (size_t i = 0; i < n; i++)
        entries[i].keep = true;
    while (worker && at < n) {
        size_t some = n - at < PER_CHILD ? n - at : PER_CHILD;
        long done = describe_some(worker, paths + at, entries + at, some, arena, &err);
        if (done < 0)
            break;
        at += (size_t)done;
    }
    for (; at < n; at++) {
        const char *why = as_arena_fmt(arena, "could not be described: %s", err.text).data;
        entries[at].keep = false;
        entries[at].infos = NULL;
        entries[at].problem = why ? why : "could not be described";
    }
}
