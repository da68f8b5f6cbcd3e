/* box_check.c -- assay-box --check: tries to break each layer that jobs share: the kernel's own,
 * and the namespaces. What holds is reported with what was tried. SPDX-License-Identifier:
 * Apache-2.0 */
#include "box_check.h"

#include <errno.h>
#include <fcntl.h>
#include <linux/landlock.h>
#include <linux/sched.h>
#include <net/if.h>
#include <netinet/in.h>
#include <poll.h>
#include <signal.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <sys/mman.h>
#include <sys/prctl.h>
#include <sys/shm.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/un.h>
#include <sys/wait.h>
#include <unistd.h>

/* ---- reports ---- */

static int report_fd = LAYER_REPORT_FD;

void check_report_to(int fd)
{
    report_fd = fd;
}

void check_tell(layer_id id, asbx_layer_state state, const char *format, ...)
{
    layer_report r = { .magic = ASBX_MAGIC, .id = (uint32_t)id, .state = (int32_t)state };
    va_list args;
    va_start(args, format);
    (void)vsnprintf(r.found, sizeof r.found, format, args);
    va_end(args);
    (void)!write(report_fd, &r, sizeof r); /* whole: a pipe takes 4 KiB at once */
}

static asbx_layer_state on_if(bool holds)
{
    return holds ? ASBX_LAYER_ON : ASBX_LAYER_OFF;
}

/* ---- children ---- */

pid_t check_clone(int (*run)(void *context), void *context)
{
    struct clone_args args = { .flags = CLONE_NEWPID, .exit_signal = SIGCHLD };
    long pid = syscall(SYS_clone3, &args, sizeof args);
    if (pid == 0)
        _exit(run(context));
    return (pid_t)pid;
}

int check_wait(pid_t pid)
{
    enum { MOST_MS = 5000 };
    int status = -1, pidfd = (int)syscall(SYS_pidfd_open, pid, 0);
    struct pollfd p = { .fd = pidfd, .events = POLLIN };
    if (pidfd < 0 || poll(&p, 1, MOST_MS) != 1)
        (void)kill(pid, SIGKILL);
    while (waitpid(pid, &status, 0) < 0 && errno == EINTR)
        ;
    if (pidfd >= 0)
        close(pidfd);
    return status;
}

static void in_child(void (*run)(void))
{
    pid_t pid = fork();
    if (pid == 0) {
        run();
        _exit(0);
    }
    if (pid > 0)
        (void)check_wait(pid);
}

/* ---- the kernel's ---- */

static void try_no_new_privs(void)
{
    bool is_set =
        prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) == 0 && prctl(PR_GET_NO_NEW_PRIVS, 0, 0, 0, 0) == 1;
    bool stays = prctl(PR_SET_NO_NEW_PRIVS, 0, 0, 0, 0) < 0;
    check_tell(LAYER_NO_NEW_PRIVS, on_if(is_set && stays), "%s",
               !is_set ? "cannot be set"
               : stays ? "set; cannot be unset"
                       : "can be unset");
}

/* With the rules of the policy "pure" and nothing else. */
static void try_landlock(void)
{
    enum { KNOWS_TRUNCATE = 3 };
    const char *what, probe[] = "/tmp/.assay-box-check";
    int abi = (int)syscall(SYS_landlock_create_ruleset, NULL, 0, LANDLOCK_CREATE_RULESET_VERSION);
    int rules = zygote_make_landlock(asbx_policies[0], &what);
    if (abi < 1 || rules < 0) {
        check_tell(LAYER_LANDLOCK, ASBX_LAYER_OFF, "the kernel refuses: %s",
                   strerror(abi < 1 ? errno : -rules));
        return;
    }
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0 ||
        syscall(SYS_landlock_restrict_self, rules, 0) < 0) {
        check_tell(LAYER_LANDLOCK, ASBX_LAYER_OFF, "ABI %d, not in force: %s", abi,
                   strerror(errno));
        return;
    }
    bool read = open("/proc/self/status", O_RDONLY | O_CLOEXEC) < 0 && errno == EACCES;
    bool list = open("/", O_RDONLY | O_DIRECTORY | O_CLOEXEC) < 0 && errno == EACCES;
    bool write = open(probe, O_CREAT | O_WRONLY | O_CLOEXEC, 0600) < 0 && errno != EEXIST;
    if (!write)
        (void)unlink(probe);
    bool holds = read && list && write;
    check_tell(LAYER_LANDLOCK,
               !holds                 ? ASBX_LAYER_OFF
               : abi < KNOWS_TRUNCATE ? ASBX_LAYER_DEGRADED
                                      : ASBX_LAYER_ON,
               "ABI %d; reading /proc: %s, listing /: %s, writing to /tmp: %s", abi,
               read ? "refused" : "DONE", list ? "refused" : "DONE", write ? "refused" : "DONE");
}

static void look_at_yama(void)
{
    char c = 0;
    int fd = open("/proc/sys/kernel/yama/ptrace_scope", O_RDONLY | O_CLOEXEC);
    bool there = fd >= 0 && read(fd, &c, 1) == 1;
    if (fd >= 0)
        close(fd);
    if (there)
        check_tell(LAYER_YAMA, on_if(c > '0'), "ptrace_scope is %c", c);
    else
        check_tell(LAYER_YAMA, ASBX_LAYER_OFF, "the kernel has none");
}

/* ---- the control group ---- */

static void touch(size_t size)
{
    enum { PAGE = 4096 };
    volatile char *m = mmap(NULL, size, PROT_READ | PROT_WRITE, MAP_PRIVATE | MAP_ANONYMOUS, -1, 0);
    for (size_t i = 0; m != MAP_FAILED && i < size; i += PAGE)
        m[i] = 1;
}

/* Two processes, each with less than the group may hold, and both at the same time: this one is
 * killed, or its status is 1 where the other one was. */
static void outgrow(void)
{
    const size_t each = (size_t)CHECK_GROUP_BYTES / 4 * 3;
    int has_it[2], hold[2];
    char byte;
    pid_t pid = pipe(has_it) < 0 || pipe(hold) < 0 ? -1 : fork();
    if (pid < 0)
        _exit(2);
    close(pid == 0 ? hold[1] : has_it[1]);
    touch(each);
    if (pid == 0) {
        (void)!write(has_it[1], "x", 1);
        (void)!read(hold[0], &byte, 1); /* until the first one has its own */
        _exit(0);
    }
    (void)!read(has_it[0], &byte, 1);
    close(hold[1]);
    _exit(WIFSIGNALED(check_wait(pid)));
}

static void try_group(uint32_t flags)
{
    asbx_order order = { .flags = flags };
    const char *version = flags & ASBX_ORDER_INTO ? "2" : "1";
    int pidfd = -1;
    long pid = zygote_clone(&order, 0, &pidfd);
    if (pid == 0)
        outgrow();
    int status = pid > 0 ? check_wait((pid_t)pid) : -1;
    bool killed = WIFSIGNALED(status) || (WIFEXITED(status) && WEXITSTATUS(status) == 1);
    check_tell(LAYER_CGROUP, on_if(pid > 0 && killed),
               "version %s; two processes that want more than their group may hold: %s%s", version,
               killed ? "one was killed" : "LEFT",
               killed && flags & ASBX_ORDER_COUNTED ? "; they are counted" : "");
}

/* ---- the namespaces ---- */

typedef struct outside { /* things that must not be reached from within */
    int shm;
    key_t key;
    int listener;
    struct sockaddr_un name;
    socklen_t name_len;
    char host[65];
} outside;

static void lay_out(outside *o)
{
    o->key = (key_t)(0x41534258 ^ (getpid() << 8));
    o->shm = shmget(o->key, 4096, IPC_CREAT | IPC_EXCL | 0600);
    o->listener = socket(AF_UNIX, SOCK_STREAM | SOCK_CLOEXEC, 0);
    o->name = (struct sockaddr_un){ .sun_family = AF_UNIX };
    int n = snprintf(o->name.sun_path + 1, sizeof o->name.sun_path - 1, "assay-check-%d",
                     (int)getpid());
    o->name_len = (socklen_t)(offsetof(struct sockaddr_un, sun_path) + 1 + (size_t)n);
    const struct sockaddr *a = (const struct sockaddr *)(const void *)&o->name;
    if (o->listener >= 0 && (bind(o->listener, a, o->name_len) < 0 || listen(o->listener, 1) < 0)) {
        close(o->listener);
        o->listener = -1;
    }
    (void)gethostname(o->host, sizeof o->host - 1);
}

static void clear_away(const outside *o)
{
    if (o->shm >= 0)
        (void)shmctl(o->shm, IPC_RMID, NULL);
}

static bool connects(const struct sockaddr *to, socklen_t len, int type)
{
    int fd = socket(to->sa_family, type | SOCK_CLOEXEC, 0);
    bool is = fd >= 0 && connect(fd, to, len) == 0;
    if (fd >= 0)
        close(fd);
    return is;
}

static void try_network(const outside *o)
{
    struct sockaddr_in far = { .sin_family = AF_INET, .sin_port = htons(9) };
    far.sin_addr.s_addr = htonl(0xc0000201); /* 192.0.2.1, of nobody: it is about the route */
    struct ifreq lo = { .ifr_name = "lo" };
    struct if_nameindex *all = if_nameindex();
    unsigned others = 0;
    for (const struct if_nameindex *i = all; i && i->if_index; i++)
        others += strcmp(i->if_name, "lo") != 0;
    if (all)
        if_freenameindex(all);
    int fd = socket(AF_INET, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    bool up = fd >= 0 && ioctl(fd, SIOCGIFFLAGS, &lo) == 0 && (lo.ifr_flags & IFF_UP);
    if (fd >= 0)
        close(fd);
    bool route = connects((const struct sockaddr *)(const void *)&far, sizeof far, SOCK_DGRAM);
    bool abstract = o->listener >= 0 && connects((const struct sockaddr *)(const void *)&o->name,
                                                 o->name_len, SOCK_STREAM);
    check_tell(LAYER_NETWORK, on_if(others == 0 && !up && !route && !abstract),
               "interfaces beside lo: %u; lo is %s; a route out: %s; a socket of the host: %s",
               others, up ? "UP" : "down", route ? "FOUND" : "none",
               abstract ? "REACHED" : "not reached");
}

static void try_ipc(const outside *o)
{
    char host[65] = "";
    (void)gethostname(host, sizeof host - 1);
    bool memory = o->shm >= 0 && shmget(o->key, 0, 0) >= 0;
    bool name = strcmp(host, "box") != 0;
    check_tell(LAYER_IPC, on_if(!memory && !name), "shared memory of the host: %s; its name: %s",
               o->shm < 0 ? "none to try"
               : memory   ? "REACHED"
                          : "not reached",
               name ? "SEEN" : "hidden");
}

static bool is_writable(const char *path)
{
    int fd = open(path, O_CREAT | O_EXCL | O_WRONLY | O_CLOEXEC, 0600);
    if (fd < 0)
        return false;
    close(fd);
    (void)unlink(path);
    return true;
}

static void try_mounts(void)
{
    static const char *const hidden[] = { "/etc/passwd", "/root", "/home", "/proc", "/sys",
                                          "/var",        "/run",  "/srv",  "/boot" };
    static const char *const closed[] = { "/.assay-check", "/tmp/.assay-check", "/usr/.assay-check",
                                          "/usr/lib/.assay-check", "/etc/.assay-check" };
    const char *seen = NULL, *written = NULL;
    for (size_t i = 0; i < sizeof hidden / sizeof *hidden; i++)
        if (access(hidden[i], F_OK) == 0)
            seen = hidden[i];
    for (size_t i = 0; i < sizeof closed / sizeof *closed; i++)
        if (is_writable(closed[i]))
            written = closed[i];
    check_tell(LAYER_MOUNT, on_if(!seen && !written),
               "a root of its own; /etc/passwd, /home, /proc: %s%s; writing anywhere: %s%s",
               seen ? "SEEN: " : "not there", seen ? seen : "", written ? "DONE: " : "refused",
               written ? written : "");
}

static int outer_pid;

static int in_pid_namespace(void *context)
{
    (void)context;
    bool first = getpid() == 1, alone = kill(outer_pid, 0) < 0 && errno == ESRCH;
    alone = alone && getppid() == 0;
    check_tell(LAYER_PID, on_if(first && alone), "a job is process %d; those outside: %s",
               (int)getpid(), alone ? "none is seen" : "SEEN");
    return 0;
}

/* What zygote_prepare() names when it fails. */
static layer_id of_failure(const char *what)
{
    static const struct {
        const char *part;
        layer_id id;
    } known[] = { { "user namespace", LAYER_USER },
                  { "network", LAYER_NETWORK },
                  { "seccomp", LAYER_SECCOMP },
                  { "Landlock", LAYER_LANDLOCK } };
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (strncmp(what, known[i].part, strlen(known[i].part)) == 0)
            return known[i].id;
    return LAYER_MOUNT;
}

static outside host;

static void in_namespaces(void)
{
    static zygote_box box;
    const char *what = "";
    int rc = zygote_prepare(&box, asbx_policies, &what);
    outer_pid = (int)getpid();
    if (rc < 0) {
        layer_id id = of_failure(what);
        if (id != LAYER_USER)
            check_tell(LAYER_USER, ASBX_LAYER_ON, "%s", box.is_root ? "not needed" : "entered");
        check_tell(id, ASBX_LAYER_OFF, "%s: %s", what, strerror(-rc));
        return;
    }
    check_tell(LAYER_USER, ASBX_LAYER_ON, "%s",
               box.is_root ? "not needed: started as root" : "entered, as its root");
    try_network(&host);
    try_ipc(&host);
    try_mounts();
    pid_t pid = check_clone(in_pid_namespace, NULL);
    if (pid < 0) {
        check_tell(LAYER_PID, ASBX_LAYER_OFF, "clone3: %s", strerror(errno));
        return;
    }
    (void)check_wait(pid);
    check_jobs(&box);
}

/* The descriptors of the group come behind the report's. */
static uint32_t take_group(const char *digits)
{
    uint32_t f = digits ? (uint32_t)strtoul(digits, NULL, 10) : 0;
    for (unsigned i = 0; i < asbx_order_groups(f); i++)
        if (dup3(LAYER_REPORT_FD + 1 + (int)i, (int)(ASBX_FD_BASE + ASBX_FD_GROUP + i), O_CLOEXEC) <
            0)
            return 0;
    return f;
}

int check_main(const char *digits)
{
    const uint32_t flags = take_group(digits);
    if (flags)
        try_group(flags);
    if (syscall(SYS_close_range, LAYER_REPORT_FD + 1, ~0U, 0) < 0)
        return 1;
    (void)prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0);
    lay_out(&host);
    look_at_yama();
    in_child(try_no_new_privs);
    in_child(try_landlock);
    in_child(in_namespaces);
    clear_away(&host);
    return 0;
}
