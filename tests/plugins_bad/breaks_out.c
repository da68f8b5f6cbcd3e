/* breaks_out.c -- wants out. The completion names an attempt and what it is made on ("read
 * /etc/passwd"); what has come of it is the reason: "DONE ..." where it succeeded. A test that
 * wants an attempt made while the library is being loaded writes it over the text below.
 * SPDX-License-Identifier: Apache-2.0 */
#define SIN_FLAGS 0
#define SIN_ON_ITEM(call, b, i)                                                                    \
    do {                                                                                           \
        char said[400];                                                                            \
        if ((b)->completion[i].data && !(b)->reference[i].data) {                                  \
            attempt((b)->completion[i].data, said, sizeof said);                                   \
            (void)(call)->emit(call, i, ASSAY_OUT_REASON, (assay_str){ said, strlen(said) });      \
        } else if (bytes_equal((b)->completion[i], (assay_str){ "loaded?", 7 })) {                 \
            (void)(call)->emit(call, i, ASSAY_OUT_REASON,                                          \
                               (assay_str){ at_load, strlen(at_load) });                           \
        }                                                                                          \
    } while (0)
#define SIN_ON_CREATE(config) open_part(host)
struct assay_host;
static void open_part(const struct assay_host *host);
static char at_load[400];
static void attempt(const char *what, char *said, unsigned long size);
#include "good.h"

#include <errno.h>
#include <fcntl.h>
#include <netinet/in.h>
#include <poll.h>
#include <pthread.h>
#include <sched.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/ptrace.h>
#include <sys/socket.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

static volatile char while_loading[512] = "@BREAKS-OUT@";

#define TELL(...) (void)snprintf(said, size, __VA_ARGS__)

static void tell_errno(char *said, unsigned long size, int ok, const char *what)
{
    TELL("%s %s%s%s", ok ? "DONE" : "refused", what, ok ? "" : ": ", ok ? "" : strerror(errno));
}

static long number(const char *text)
{
    return strtol(text, NULL, 10);
}

/* ---- files ---- */

static void read_file(const char *path, char *said, unsigned long size)
{
    char text[60] = "";
    int fd = open(path, O_RDONLY | O_CLOEXEC);
    long n = fd < 0 ? -1 : read(fd, text, sizeof text - 1);
    tell_errno(said, size, n >= 0, path);
}

static void write_file(const char *path, char *said, unsigned long size)
{
    int fd = open(path, O_CREAT | O_WRONLY | O_TRUNC | O_CLOEXEC, 0666);
    tell_errno(said, size, fd >= 0, path);
    if (fd >= 0)
        (void)!write(fd, "mine", 4);
}

static void list_folder(const char *path, char *said, unsigned long size)
{
    char space[4096];
    int fd = open(path, O_RDONLY | O_DIRECTORY | O_CLOEXEC);
    long n = fd < 0 ? -1 : syscall(SYS_getdents64, fd, space, sizeof space);
    tell_errno(said, size, n >= 0, path);
}

static void change_link(const char *path, char *said, unsigned long size)
{
    int rc = unlink(path);
    tell_errno(said, size, rc == 0, path);
}

/* ---- others ---- */

static void connect_tcp(const char *port, char *said, unsigned long size)
{
    struct sockaddr_in to = { .sin_family = AF_INET, .sin_port = htons((uint16_t)number(port)) };
    to.sin_addr.s_addr = htonl(INADDR_LOOPBACK);
    int fd = socket(AF_INET, SOCK_STREAM | SOCK_CLOEXEC, 0);
    int rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)(const void *)&to, sizeof to);
    tell_errno(said, size, rc == 0, "tcp");
}

static void connect_unix(const char *path, char *said, unsigned long size)
{
    struct sockaddr_un to = { .sun_family = AF_UNIX };
    (void)snprintf(to.sun_path, sizeof to.sun_path, "%s", path);
    int fd = socket(AF_UNIX, SOCK_STREAM, 0);
    int rc = fd < 0 ? -1 : connect(fd, (const struct sockaddr *)(const void *)&to, sizeof to);
    tell_errno(said, size, rc == 0, "unix");
}

static void do_spawn(const char *path, char *said, unsigned long size)
{
    static char sh[] = "/bin/sh", c[] = "-c", command[300], *argv[] = { sh, c, command, NULL };
    pid_t pid;
    (void)snprintf(command, sizeof command, "echo out > %.200s", path);
    int rc = posix_spawn(&pid, sh, NULL, NULL, argv, NULL);
    if (rc == 0)
        (void)waitpid(pid, NULL, 0);
    errno = rc;
    tell_errno(said, size, rc == 0, "spawn");
}

static void do_fork(const char *path, char *said, unsigned long size)
{
    pid_t pid = (pid_t)syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0); /* as fork() of old */
    if (pid == 0) {
        write_file(path, said, size);
        _exit(0);
    }
    tell_errno(said, size, pid > 0, "fork");
}

static void do_exec(const char *path, char *said, unsigned long size)
{
    char name[300];
    (void)snprintf(name, sizeof name, "%s", path);
    char *argv[] = { name, NULL };
    (void)execve(name, argv, NULL);
    tell_errno(said, size, 0, "exec");
}

static void kill_others(const char *pid, char *said, unsigned long size)
{
    int host = (int)number(pid);
    int rc = kill(getppid() ? getppid() : host, SIGKILL);
    rc = rc < 0 ? kill(host, SIGKILL) : rc;
    rc = rc < 0 ? kill(-1, SIGKILL) : rc;
    tell_errno(said, size, rc == 0, "kill");
}

static void trace(const char *pid, char *said, unsigned long size)
{
    long rc = ptrace(PTRACE_SEIZE, (pid_t)number(pid), NULL, NULL);
    tell_errno(said, size, rc == 0, "ptrace");
}

static void read_memory(const char *pid, char *said, unsigned long size)
{
    char byte;
    struct iovec to = { &byte, 1 }, from = { said, 1 };
    long rc = process_vm_readv((pid_t)number(pid), &to, 1, &from, 1, 0);
    tell_errno(said, size, rc >= 0 || errno == EFAULT, "process_vm_readv"); /* EFAULT: it may */
}

/* ---- what it was given ---- */

/* The environment is at the top of the stack, whatever environ points to. The secret is given back
 * to front, so that nothing of ours is found. write() says where memory ends, and does not crash.
 */
static int holds_reversed(const char *text, unsigned long len, const char *secret)
{
    unsigned long n = strlen(secret), at = 0, k = 0;
    for (at = 0; at + n <= len && k < n; at++)
        for (k = 0; k < n && text[at + k] == secret[n - 1 - k];)
            k++;
    return n && k == n;
}

static void find_secret(const char *secret, char *said, unsigned long size)
{
    extern char **environ;  /* NOLINT(readability-redundant-declaration) */
    static char page[8192]; /* two, so that nothing lies across an edge */
    char here = 0;
    int found = 0, ends[2] = { -1, -1 }, pages = 0;
    (void)!pipe(ends);
    for (char **e = environ; e && *e; e++)
        found |= holds_reversed(*e, strlen(*e), secret);
    for (const char *at = &here - (unsigned long)&here % 4096; pages < 256; pages++, at += 4096) {
        memcpy(page, page + 4096, 4096);
        if (write(ends[1], at, 4096) != 4096 || read(ends[0], page + 4096, 4096) != 4096)
            break;
        found |= holds_reversed(page, sizeof page, secret);
    }
    (void)close(ends[0]);
    (void)close(ends[1]);
    TELL("%s secret in %d pages", found ? "DONE" : "refused", pages);
}

static void count_descriptors(const char *unused, char *said, unsigned long size)
{
    unsigned long n = 0;
    char list[200] = "";
    (void)unused;
    for (int fd = 4; fd < 70000; fd++)
        if (fcntl(fd, F_GETFD) >= 0 && n < sizeof list - 8)
            n += (unsigned long)snprintf(list + n, sizeof list - n, " %d", fd);
    TELL("%s descriptors%s", n ? "DONE" : "refused", list);
}

/* ---- resources ---- */

static void take_memory(const char *mib, char *said, unsigned long size)
{
    long most = number(mib), got = 0;
    while (got < most) {
        char *p =
            mmap(NULL, 64UL << 20, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
        if (p == MAP_FAILED)
            break;
        *(volatile char *)p = 1;
        got += 64;
    }
    TELL("%s memory %ld", got >= most ? "DONE" : "refused", got);
}

static void *sleep_long(void *unused)
{
    (void)unused;
    (void)poll(NULL, 0, 600000);
    return NULL;
}

static void take_threads(const char *count, char *said, unsigned long size)
{
    long most = number(count), got = 0;
    pthread_t t;
    pthread_attr_t small;
    (void)pthread_attr_init(&small);
    (void)pthread_attr_setstacksize(&small, 65536);
    while (got < most && pthread_create(&t, &small, sleep_long, NULL) == 0)
        got++;
    (void)pthread_attr_destroy(&small);
    TELL("%s threads %ld", got >= most ? "DONE" : "refused", got);
}

static void bomb(const char *unused, char *said, unsigned long size)
{
    (void)unused;
    for (int i = 0; i < 1000; i++)
        if (syscall(SYS_clone, SIGCHLD, 0, 0, 0, 0) == 0)
            (void)poll(NULL, 0, 60000);
    TELL("DONE bomb");
}

/* ---- the kernel ---- */

static void *socket_in_thread(void *said)
{
    sigset_t all;
    (void)sigfillset(&all);
    (void)pthread_sigmask(SIG_SETMASK, &all, NULL);
    *(int *)said = socket(AF_INET, SOCK_STREAM, 0);
    return NULL;
}

static void from_thread(const char *unused, char *said, unsigned long size)
{
    pthread_t t;
    int fd = -1;
    (void)unused;
    if (pthread_create(&t, NULL, socket_in_thread, &fd) == 0)
        (void)pthread_join(t, NULL);
    tell_errno(said, size, fd >= 0, "socket in a thread");
}

static void call_number(const char *which, char *said, unsigned long size)
{
    long rc = syscall(number(which), 0, 0, 0, 0, 0, 0);
    TELL("DONE call %s: %ld", which, rc);
}

static void old_door(const char *unused, char *said, unsigned long size)
{
    long result = 20; /* getpid of 32-bit programs */
    (void)unused;
#if defined(__x86_64__)
    __asm__ volatile("int $0x80" : "+a"(result) : : "memory", "r8", "r9", "r10", "r11");
#endif
    TELL("DONE int 0x80: %ld", result);
}

static void new_user(const char *unused, char *said, unsigned long size)
{
    (void)unused;
    int rc = unshare(CLONE_NEWUSER);
    tell_errno(said, size, rc == 0, "unshare");
}

static void privileges(const char *unused, char *said, unsigned long size)
{
    (void)unused;
    int rc = setuid(0) == 0 && getuid() == 0;
    tell_errno(said, size, rc, "setuid");
}

/* Its connection: what others could be told through it, and what the host does without it. */
static void garbage(const char *unused, char *said, unsigned long size)
{
    (void)unused;
    for (int i = 0; i < 100; i++)
        (void)!send(3, "garbage, and nothing that the host can read", 43, MSG_NOSIGNAL);
    TELL("refused garbage");
}

static void hang_up(const char *unused, char *said, unsigned long size)
{
    (void)close(3);
    sleep_long(NULL);
    TELL("refused %s", unused);
}

static void sleep_on(int number)
{
    for (;;)
        sleep_long(&number);
}

/* The worker's first thread beside the main one waits for the end of the host. No more. */
static void stay(const char *unused, char *said, unsigned long size)
{
    const struct sigaction busy = { .sa_handler = sleep_on };
    (void)sigaction(SIGUSR1, &busy, NULL);
    long rc = syscall(SYS_tgkill, getpid(), 2, SIGUSR1);
    if (rc == 0)
        take_threads("20", said, size); /* a sign that everybody may see */
    sleep_on(0);
    TELL("refused %s", unused);
}

static const assay_host *its_host;

static void log_much(const char *lines, char *said, unsigned long size)
{
    for (long i = number(lines); i > 0 && its_host; i--)
        its_host->log(its_host, ASSAY_LOG_ERROR, "much ado");
    TELL("refused %s", lines);
}

static void ends(const char *status, char *said, unsigned long size)
{
    TELL("refused to end");
    _exit((int)number(status));
}

static const struct {
    const char *name;
    void (*make)(const char *on, char *said, unsigned long size);
} attempts[] = {
    { "read", read_file },     { "write", write_file },
    { "list", list_folder },   { "unlink", change_link },
    { "tcp", connect_tcp },    { "unix", connect_unix },
    { "spawn", do_spawn },     { "fork", do_fork },
    { "exec", do_exec },       { "kill", kill_others },
    { "ptrace", trace },       { "memory_of", read_memory },
    { "secret", find_secret }, { "descriptors", count_descriptors },
    { "memory", take_memory }, { "threads", take_threads },
    { "bomb", bomb },          { "thread", from_thread },
    { "call", call_number },   { "int80", old_door },
    { "unshare", new_user },   { "setuid", privileges },
    { "garbage", garbage },    { "hang_up", hang_up },
    { "stay", stay },          { "log", log_much },
    { "exit", ends },
};

static void attempt(const char *what, char *said, unsigned long size)
{
    unsigned long n = strcspn(what, " ");
    TELL("there is no such attempt");
    for (unsigned long i = 0; i < sizeof attempts / sizeof *attempts; i++)
        if (strlen(attempts[i].name) == n && memcmp(attempts[i].name, what, n) == 0)
            attempts[i].make(what[n] ? what + n + 1 : "", said, size);
}

/* "part NAME": through the host, in create(). */
static void open_part(const assay_host *host)
{
    const assay_svc_verifiers *svc = host->service(host, ASSAY_SVC_VERIFIERS);
    char what[sizeof while_loading];
    assay_error e = { .size = sizeof e };
    uint32_t part = 0;
    its_host = host;
    for (unsigned long i = 0; i < sizeof what; i++)
        what[i] = while_loading[i];
    if (strncmp(what, "part ", 5) != 0 || !svc)
        return;
    assay_status rc = svc->open(host, (assay_str){ what + 5, strlen(what + 5) }, &part, &e);
    (void)snprintf(at_load, sizeof at_load, "%s %s", rc == ASSAY_OK ? "DONE" : "refused", e.text);
}

__attribute__((constructor)) static void load(void)
{
    char what[sizeof while_loading];
    for (unsigned long i = 0; i < sizeof what; i++)
        what[i] = while_loading[i];
    if (what[0] != '@')
        attempt(what, at_load, sizeof at_load);
}
