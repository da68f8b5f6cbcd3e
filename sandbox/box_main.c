/* box_main.c -- assay-box: the zygote of native jobs. A job is a program by itself, or an
 * interpreter and its file (ASBX_ORDER_PROGRAM), or a command such as a compiler, whose file a.out
 * goes back as a value. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/close_range.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/wait.h>
#include <unistd.h>

/* execve() takes what it does not write to */
static char path[] = "PATH=/usr/bin:/bin", lang[] = "LANG=C.UTF-8", home[] = "HOME=/tmp",
            tmp[] = "TMPDIR=/tmp";
static char *const environment[] = { path, lang, home, tmp, NULL };

__attribute__((noreturn)) static void fail(const char *what)
{
    zygote_record(ASBX_RECORD_SETUP, (uint32_t)errno, what, strlen(what));
    _exit(1);
}

/* What the filter lets the job execute, once. */
static void keep_program(int fd)
{
    if (fd < 0 || dup3(fd, ASBX_KEPT_FD, O_CLOEXEC) < 0)
        _exit(1);
    close(fd);
}

static int program_of(const char *bytes, size_t len)
{
    int fd = memfd_create("program", MFD_CLOEXEC);
    if (fd < 0 || !asbx_write_all(fd, bytes, len) || fchmod(fd, 0555) < 0)
        _exit(1);
    return fd;
}

/* The source is the program: into a memfd of its own. With an entry point, whose words are an
 * interpreter's: that one. Where there is none, execute_kept() says so. */
static void open_program(void *context, const asbx_order *order)
{
    (void)context;
    asbx_job_head head;
    struct stat st;
    int text = ASBX_FD_BASE + ASBX_FD_JOB;
    if (!(order->flags & ASBX_ORDER_PROGRAM))
        return;
    if (fstat(text, &st) < 0 || pread(text, &head, sizeof head, 0) != (ssize_t)sizeof head)
        _exit(1);
    size_t left = (size_t)st.st_size - sizeof head;
    char *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, text, 0);
    if (map == MAP_FAILED || head.source > left || head.input > left - head.source ||
        head.entry_point > left - head.source - head.input)
        _exit(1);
    const char *source = map + sizeof head, *words = source + head.source + head.input;
    if (!head.entry_point) {
        keep_program(program_of(source, head.source));
    } else if (memchr(words, 0, head.entry_point)) {
        int fd = open(words, O_PATH | O_CLOEXEC);
        if (fd >= 0)
            keep_program(fd);
    }
    munmap(map, (size_t)st.st_size);
}

static bool is_plain(asbx_text name)
{
    return name.len > 0 && name.len < 200 && !memchr(name.data, '/', name.len) &&
           !memchr(name.data, 0, name.len) &&
           !(name.data[0] == '.' && (name.len == 1 || (name.len == 2 && name.data[1] == '.')));
}

static void write_files(zygote_text *t)
{
    char to[201];
    for (uint32_t i = 0; i < t->head->n_calls; i++) {
        asbx_text skipped;
        if (!zygote_next(t, &skipped))
            fail("the job's text");
    }
    for (uint32_t i = 0; i < t->head->n_files; i++) {
        asbx_text name, data;
        if (!zygote_next(t, &name) || !zygote_next(t, &data) || !is_plain(name))
            fail("a file's name");
        memcpy(to, name.data, name.len);
        to[name.len] = 0;
        int fd = open(to, O_CREAT | O_EXCL | O_WRONLY | O_NOFOLLOW | O_CLOEXEC, 0600);
        if (fd < 0 || !asbx_write_all(fd, data.data, data.len))
            fail("a file of the job");
        close(fd);
    }
}

/* The words of a command, each ended by a NUL. */
enum { MOST_WORDS = 64 };
typedef struct words {
    char *argv[MOST_WORDS + 1];
} words;

static bool split(asbx_text command, words *out)
{
    char *copy = malloc(command.len + 1);
    size_t n = 0;
    if (!copy || command.len == 0)
        return false;
    memcpy(copy, command.data, command.len);
    copy[command.len] = 0;
    for (size_t at = 0; at < command.len && n < MOST_WORDS; at += strlen(copy + at) + 1)
        out->argv[n++] = copy + at;
    out->argv[n] = NULL;
    return true;
}

__attribute__((noreturn)) static void execute(asbx_text command)
{
    words w;
    if (split(command, &w))
        execve(w.argv[0], w.argv, environment);
    _exit(127);
}

static void send_output(void)
{
    int fd = open("a.out", O_RDONLY | O_NOFOLLOW | O_CLOEXEC | O_NONBLOCK);
    struct stat st;
    if (fd < 0 || fstat(fd, &st) < 0 || !S_ISREG(st.st_mode) || st.st_size <= 0)
        return;
    void *map = mmap(NULL, (size_t)st.st_size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (map != MAP_FAILED)
        zygote_record(ASBX_RECORD_VALUE, 0, map, (size_t)st.st_size);
}

static void run_command(zygote_text *t)
{
    write_files(t);
    pid_t pid = fork();
    if (pid == 0) {
        close(ASBX_JOB_FD_RESULT);
        execute(t->entry_point);
    }
    int status = 0;
    for (;;) { /* as process 1, orphans are ours too */
        pid_t dead = waitpid(-1, &status, 0);
        if (dead == pid)
            break;
        if (dead < 0 && errno != EINTR)
            fail("fork");
    }
    if (WIFEXITED(status) && WEXITSTATUS(status) == 0)
        send_output();
    zygote_record(ASBX_RECORD_DONE, 0, "", 0);
    _exit(WIFEXITED(status) ? WEXITSTATUS(status) : 128 + WTERMSIG(status));
}

/* The program at ASBX_KEPT_FD, in place of this one. */
__attribute__((noreturn)) static void execute_kept(char *const *argv, const char *what)
{
    (void)fcntl(ASBX_JOB_FD_RESULT, F_SETFD,
                FD_CLOEXEC); /* a native program has its standard output */
    (void)syscall(SYS_execveat, ASBX_KEPT_FD, "", argv, environment, AT_EMPTY_PATH);
    errno = errno == EBADF ? ENOENT : errno;
    fail(what);
}

static void run(void *context, zygote_text *t, const asbx_order *order)
{
    static char name[] = "program";
    static char *const argv[] = { name, NULL };
    words w;
    char what[90];
    (void)context;
    if (!(order->flags & ASBX_ORDER_PROGRAM)) {
        run_command(t);
        return;
    }
    if (!t->entry_point.len)
        execute_kept(argv, "the program");
    write_files(t);
    if (!split(t->entry_point, &w))
        fail("the interpreter's words");
    (void)snprintf(what, sizeof what, "the interpreter %.60s", w.argv[0]);
    execute_kept(w.argv, what);
}

int main(int argc, char **argv)
{
    if (argc > 1 && strcmp(argv[1], "--check") == 0)
        return check_main(argc > 2 ? argv[2] : NULL);
    const zygote_hooks hooks = { .run = run, .confine_first = open_program };
    if (syscall(SYS_close_range, 4, ~0U, 0) < 0)
        return 1;
    (void)fcntl(3, F_SETFD, FD_CLOEXEC);
    return zygote_serve(3, &hooks);
}
