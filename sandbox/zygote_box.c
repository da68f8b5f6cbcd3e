/* zygote_box.c -- one job between clone and its first instruction: every layer that is per job.
 * Nothing here allocates. A layer that fails ends the job with a record; a job never runs with less
 * than its policy. SPDX-License-Identifier: Apache-2.0 */
#include "zygote.h"

#include <errno.h>
#include <fcntl.h>
#include <grp.h>
#include <linux/capability.h>
#include <linux/close_range.h>
#include <linux/seccomp.h>
#include <linux/securebits.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/mount.h>
#include <sys/prctl.h>
#include <sys/resource.h>
#include <sys/stat.h>
#include <sys/syscall.h>
#include <sys/uio.h>
#include <unistd.h>

enum { SETUP_FAILED = 121, VIOLATED = 122 };

void zygote_record(asbx_record_kind kind, uint32_t index, const void *data, size_t len)
{
    asbx_record head = { .kind = (uint32_t)kind, .index = index, .len = (uint32_t)len };
    union {
        const void *in;
        void *out;
    } same = { .in = data }; /* writev does not write to it */
    struct iovec parts[2] = { { &head, sizeof head }, { same.out, len } };
    while (parts[0].iov_len + parts[1].iov_len > 0) {
        ssize_t n = writev(ASBX_JOB_FD_RESULT, parts, 2);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return; /* the supervisor is gone, or has read enough */
        for (unsigned i = 0; i < 2; i++) {
            size_t k = (size_t)n < parts[i].iov_len ? (size_t)n : parts[i].iov_len;
            parts[i].iov_base = (char *)parts[i].iov_base + k;
            parts[i].iov_len -= k;
            n -= (ssize_t)k;
        }
    }
}

__attribute__((noreturn)) static void give_up(const char *what)
{
    zygote_record(ASBX_RECORD_SETUP, (uint32_t)errno, what, strlen(what));
    _exit(SETUP_FAILED);
}

/* ---- limits ---- */

static void limit(__rlimit_resource_t which, uint64_t most, const char *what)
{
    const struct rlimit r = { .rlim_cur = most, .rlim_max = most };
    if (setrlimit(which, &r) < 0)
        give_up(what);
}

enum {
    OPEN_FILES = 64,
    STACK_MIB = 64,
    OWN_MIB = 160, /* what the interpreter and the libraries map by themselves */
    GRACE_S = 2    /* the supervisor counts milliseconds; the kernel's limit is the net below */
};

static void set_limits(const zygote_box *box, const asbx_policy *policy, const asbx_order *order)
{
    const asbx_limits *l = &order->limits;
    if (l->cpu_ms) /* 0: a plugin, which works for as long as it is asked */
        limit(RLIMIT_CPU, (l->cpu_ms + 999) / 1000 + GRACE_S, "limit of processor time");
    limit(RLIMIT_AS, ((uint64_t)l->mem_mib + OWN_MIB) << 20, "limit of memory");
    limit(RLIMIT_FSIZE, (uint64_t)l->file_kib << 10, "limit of file size");
    limit(RLIMIT_STACK, (uint64_t)STACK_MIB << 20, "limit of the stack");
    limit(RLIMIT_CORE, 0, "no core dumps");
    limit(RLIMIT_MEMLOCK, 0, "no locked memory");
    limit(RLIMIT_MSGQUEUE, 0, "no message queues");
    limit(RLIMIT_SIGPENDING, 64, "limit of signals");
    /* where a control group counts, it comes first: it remembers that it did */
    uint64_t procs = l->procs + (order->flags & ASBX_ORDER_COUNTED ? 1 : 0);
    if (order->uid) /* counted by user, and this one is the job's own */
        limit(RLIMIT_NPROC, procs, "limit of processes");
    else if (box->counts_here) /* ... or by user and namespace; the zygote is one of them */
        limit(RLIMIT_NPROC, procs + 1, "limit of processes");
    limit(RLIMIT_NOFILE, policy->processes ? 4 * OPEN_FILES : OPEN_FILES, "limit of open files");
}

/* ---- descriptors ---- */

/* Those that came with the order stand at ASBX_FD_BASE and on (zygote_serve.c); nothing else
 * survives. */
static void take_descriptors(const asbx_order *order)
{
    const int n = (int)asbx_order_fds(order->flags);
    static const int to[ASBX_FDS] = { [ASBX_FD_JOB] = ASBX_JOB_FD_TEXT,
                                      [ASBX_FD_IN] = 0,
                                      [ASBX_FD_OUT] = 1,
                                      [ASBX_FD_ERR] = 2,
                                      [ASBX_FD_RESULT] = ASBX_JOB_FD_RESULT,
                                      [ASBX_FD_DOWN] = ASBX_JOB_FD_DOWN };
    if (dup2(ASBX_FD_BASE + ASBX_FD_RESULT, ASBX_JOB_FD_RESULT) <
        0) /* first: failures are told through it */
        _exit(SETUP_FAILED);
    for (int i = 0; i < n; i++)
        if (i != ASBX_FD_RESULT && dup2(ASBX_FD_BASE + i, to[i]) < 0)
            give_up("descriptors");
}

/* ---- the user ---- */

/* Root of a user namespace is still our own user outside; it keeps no capability, nor gets one by
 * exec. */
static void drop_capabilities(void)
{
    struct __user_cap_header_struct head = { .version = _LINUX_CAPABILITY_VERSION_3 };
    struct __user_cap_data_struct none[2] = { { 0, 0, 0 }, { 0, 0, 0 } };
    const unsigned long locked = SECBIT_NOROOT | SECBIT_NOROOT_LOCKED | SECBIT_NO_SETUID_FIXUP |
                                 SECBIT_NO_SETUID_FIXUP_LOCKED | SECBIT_KEEP_CAPS_LOCKED |
                                 SECBIT_NO_CAP_AMBIENT_RAISE | SECBIT_NO_CAP_AMBIENT_RAISE_LOCKED;
    if (prctl(PR_SET_SECUREBITS, locked, 0, 0, 0) < 0 || syscall(SYS_capset, &head, none) < 0)
        give_up("capabilities");
}

static void change_user(const asbx_order *order)
{
    uid_t uid = order->uid;
    if (!uid) {
        drop_capabilities();
        return;
    }
    if (setgroups(0, NULL) < 0 || setresgid(uid, uid, uid) < 0 || setresuid(uid, uid, uid) < 0)
        give_up("a user of its own");
}

/* ---- disk ---- */

static void make_disk(const asbx_order *order)
{
    char options[96];
    (void)snprintf(options, sizeof options, "size=%uk,nr_inodes=2048,mode=700,uid=%u,gid=%u",
                   order->limits.file_kib, order->uid, order->uid); /* 0: ourselves, as mapped */
    if (mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) < 0 ||
        mount("tmpfs", "/tmp", "tmpfs", MS_NOSUID | MS_NODEV, options) < 0 || chdir("/tmp") < 0)
        give_up("a disk of its own");
}

/* ---- what is denied ---- */

static void denied(int signal_number, siginfo_t *info, void *context)
{
    (void)signal_number;
    (void)context;
    zygote_record(ASBX_RECORD_SYSCALL, (uint32_t)info->si_syscall, "", 0);
    (void)syscall(SYS_exit_group, VIOLATED);
}

static void confine_calls(const zygote_box *box, const asbx_order *order)
{
    struct sigaction sa;
    if (zygote_listen_install(box, order->policy))
        return;
    memset(&sa, 0, sizeof sa);
    sa.sa_sigaction = denied;
    sa.sa_flags = SA_SIGINFO | SA_NODEFER;
    if (sigaction(SIGSYS, &sa, NULL) < 0)
        give_up("SIGSYS");
    close(ASBX_TELL_FD);
    if (syscall(SYS_seccomp, SECCOMP_SET_MODE_FILTER, 0, &box->filter[order->policy]) < 0)
        give_up("seccomp");
}

/* Killed with the zygote; a change of user takes that off again. It may have died in between. */
static void die_with_zygote(const zygote_box *box)
{
    struct pollfd p = { .fd = box->alive, .events = POLLIN };
    if (prctl(PR_SET_PDEATHSIG, SIGKILL, 0, 0, 0) < 0)
        give_up("death with the helper");
    if (poll(&p, 1, 0) != 0)
        _exit(SETUP_FAILED);
}

/* All but descriptors and calls. */
static void confine_process(const zygote_box *box, const asbx_order *order)
{
    const asbx_policy *policy = box->policy[order->policy];
    int landlock = box->landlock[order->policy];
    /* A session is a group of the scheduler's (sched_autogroup). A plugin stays in its host's: else
     * each word between the two waits for the turn of others. */
    if (!policy->speaks_on && setsid() < 0)
        give_up("session");
    if (policy->disk) {
        const char *what;
        make_disk(order);
        if (landlock >= 0) /* a rule on a mount point does not reach what is mounted there: this
                              disk needs its own */
            landlock = zygote_make_landlock(policy, &what);
        if (landlock < 0 && box->landlock[order->policy] >= 0)
            give_up("Landlock for a disk of its own");
    }
    set_limits(box, policy, order);
    if (prctl(PR_SET_NO_NEW_PRIVS, 1, 0, 0, 0) < 0)
        give_up("no_new_privs");
    if (landlock >= 0 && syscall(SYS_landlock_restrict_self, landlock, 0) < 0)
        give_up("Landlock");
    change_user(order);
    if (prctl(PR_SET_DUMPABLE, 0, 0, 0, 0) < 0)
        give_up("dumpable");
    die_with_zygote(box);
}

void zygote_confine_but_calls(const zygote_box *box, const asbx_order *order)
{
    take_descriptors(order);
    confine_process(box, order);
    int last = order->flags & ASBX_ORDER_DOWN ? ASBX_JOB_FD_DOWN : ASBX_JOB_FD_TEXT;
    if (syscall(SYS_close_range, 3, ASBX_KEPT_FD - 1, 0) < 0 ||
        syscall(SYS_close_range, ASBX_TELL_FD + 1, ASBX_JOB_FD_RESULT - 1, 0) < 0 ||
        syscall(SYS_close_range, last + 1, ~0U, 0) < 0)
        give_up("descriptors");
}

void zygote_confine(const zygote_box *box, const asbx_order *order)
{
    zygote_confine_but_calls(box, order);
    confine_calls(box, order);
}

void zygote_confine_plugin(const zygote_box *box, const asbx_order *order, unsigned last)
{
    confine_process(box, order);
    if (syscall(SYS_close_range, last + 1, ASBX_TELL_FD - 1, 0) < 0 ||
        syscall(SYS_close_range, ASBX_TELL_FD + 1, ASBX_JOB_FD_RESULT - 1, 0) < 0 ||
        syscall(SYS_close_range, ASBX_JOB_FD_RESULT + 1, ~0U, 0) < 0)
        give_up("descriptors");
    confine_calls(box, order);
    close(ASBX_JOB_FD_RESULT);
}

/* ---- the job's text ---- */

bool zygote_read_text(zygote_text *out)
{
    struct stat st;
    if (fstat(ASBX_JOB_FD_TEXT, &st) < 0 || st.st_size < (off_t)sizeof(asbx_job_head))
        return false;
    size_t size = (size_t)st.st_size;
    char *map = mmap(NULL, size, PROT_READ, MAP_PRIVATE, ASBX_JOB_FD_TEXT, 0);
    close(ASBX_JOB_FD_TEXT);
    if (map == MAP_FAILED)
        return false;
    const asbx_job_head *head = (const asbx_job_head *)(const void *)map;
    size_t left = size - sizeof *head;
    if (head->magic != ASBX_MAGIC || head->source > left || head->input > left - head->source ||
        head->entry_point > left - head->source - head->input)
        return false;
    const char *p = map + sizeof *head;
    *out = (zygote_text){ .head = head, .source = { p, head->source } };
    p += head->source;
    out->input = (asbx_text){ p, head->input };
    p += head->input;
    out->entry_point = (asbx_text){ p, head->entry_point };
    p += head->entry_point;
    out->rest = p;
    out->rest_len = size - (size_t)(p - map);
    return true;
}

bool zygote_next(zygote_text *t, asbx_text *out)
{
    uint32_t len;
    if (t->rest_len < sizeof len)
        return false;
    memcpy(&len, t->rest, sizeof len);
    if (len > t->rest_len - sizeof len)
        return false;
    *out = (asbx_text){ t->rest + sizeof len, len };
    t->rest += sizeof len + len;
    t->rest_len -= sizeof len + len;
    return true;
}
