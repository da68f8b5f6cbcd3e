/* policies.c -- the policies as tables. A system call that is on no list of its policy is a
 * violation: it is not done, and its number is recorded. SPDX-License-Identifier: Apache-2.0 */
#include "policy.h"

#include <string.h>

/* What an interpreter or a native program needs to compute, to read its libraries, and to write to
 * its standard output. */
#define COMPUTING                                                                                  \
    "read", "write", "readv", "writev", "pread64", "pwrite64", "close", "fstat", "newfstatat",     \
        "stat", "lstat", "lseek", "mmap", "mprotect", "munmap", "brk", "mremap", "madvise",        \
        "rt_sigaction", "rt_sigprocmask", "rt_sigreturn", "sigaltstack", "ioctl", "access",        \
        "faccessat", "faccessat2", "openat", "open", "dup", "dup2", "dup3", "fcntl", "getdents64", \
        "getcwd", "readlink", "readlinkat", "getpid", "gettid", "getuid", "geteuid", "getgid",     \
        "getegid", "getppid", "getrandom", "clock_gettime", "clock_getres", "clock_nanosleep",     \
        "nanosleep", "gettimeofday", "time", "getrusage", "times", "futex", "exit", "exit_group",  \
        "sched_yield", "sched_getaffinity", "sysinfo", "uname", "poll", "ppoll", "select",         \
        "pselect6", "pipe", "pipe2", "eventfd2", "epoll_create1", "epoll_ctl", "epoll_wait",       \
        "epoll_pwait", "getrlimit", "set_robust_list", "rseq", "arch_prctl", "set_tid_address",    \
        "statx", "restart_syscall", "membarrier", "alarm", "setitimer", "getitimer", "tgkill",     \
        "rt_sigtimedwait", "pause", "close_range", "getgroups", "getpgrp", "getsid", "getpgid"

/* What well-meaning libraries probe; EPERM is an answer they know. The file calls fail for want of
 * a writable path anyway. */
#define PROBED                                                                                     \
    "clone3", "prlimit64", "setrlimit", "sched_setaffinity", "mlock", "munlock", "mincore",        \
        "chdir", "unlink", "unlinkat", "mkdir", "mkdirat", "rmdir", "rename", "renameat",          \
        "renameat2", "ftruncate", "truncate", "umask", "chmod", "fchmod", "fchmodat", "utimensat", \
        "fsync", "fdatasync", "flock", "statfs", "fstatfs", "sched_getparam",                      \
        "sched_getscheduler", "getcpu", "getresuid", "getresgid", "capget", "get_mempolicy",       \
        "prctl", "socketpair", "getpriority", "msync", "fadvise64", "kill", "symlink",             \
        "symlinkat", "link", "linkat", "mknod", "mknodat", "creat", "setpgid", "copy_file_range",  \
        "sendfile", "splice", "tee", "fallocate", "sync_file_range", "getxattr", "lgetxattr",      \
        "listxattr"

static const char *const pure[] = { COMPUTING, NULL };
static const char *const pure_forgiven[] = { PROBED, NULL };

static const char *const threads[] = { COMPUTING, "clone", NULL };

static const char *const files[] = {
    COMPUTING,   "unlink",    "unlinkat",  "mkdir",           "mkdirat", "rmdir",   "rename",
    "renameat",  "renameat2", "ftruncate", "truncate",        "umask",   "chdir",   "fchdir",
    "utimensat", "fsync",     "fdatasync", "flock",           "statfs",  "fstatfs", "chmod",
    "fchmod",    "fchmodat",  "creat",     "copy_file_range", NULL
};
static const char *const files_forgiven[] = {
    "clone3",    "prlimit64",     "setrlimit",  "sched_setaffinity",
    "mlock",     "munlock",       "mincore",    "sched_getparam",
    "getcpu",    "getresuid",     "getresgid",  "capget",
    "prctl",     "get_mempolicy", "socketpair", "getpriority",
    "kill",      "symlink",       "symlinkat",  "link",
    "linkat",    "mknod",         "mknodat",    "setpgid",
    "sendfile",  "splice",        "tee",        "fallocate",
    "fadvise64", "msync",         NULL
};

static const char *const compile[] = {
    COMPUTING,         "unlink",         "unlinkat",  "mkdir",     "mkdirat",   "rmdir",
    "rename",          "renameat",       "renameat2", "ftruncate", "truncate",  "umask",
    "chdir",           "fchdir",         "utimensat", "fsync",     "fdatasync", "flock",
    "statfs",          "fstatfs",        "chmod",     "fchmod",    "fchmodat",  "creat",
    "copy_file_range", "clone",          "fork",      "vfork",     "execve",    "wait4",
    "waitid",          "prlimit64",      "getpgrp",   "setpgid",   "fallocate", "fadvise64",
    "msync",           "sched_getparam", "getcpu",    "kill",      "mincore",   NULL
};
static const char *const compile_forgiven[] = {
    "clone3",     "setrlimit", "sched_setaffinity", "mlock",    "munlock",
    "prctl",      "capget",    "get_mempolicy",     "symlink",  "symlinkat",
    "link",       "linkat",    "getpriority",       "sendfile", "splice",
    "socketpair", "getresuid", "getresgid",         NULL
};

static const asbx_path reading[] = {
    { "/usr", false, true },       { "/lib", false, true },          { "/lib64", false, true },
    { "/bin", false, true },       { "/etc", false, false },         { "/dev/null", true, false },
    { "/dev/zero", false, false }, { "/dev/urandom", false, false }, { NULL, false, false }
};
static const asbx_path with_disk[] = {
    { "/usr", false, true },       { "/lib", false, true },          { "/lib64", false, true },
    { "/bin", false, true },       { "/etc", false, false },         { "/dev/null", true, false },
    { "/dev/zero", false, false }, { "/dev/urandom", false, false }, { "/tmp", true, true },
    { NULL, false, false }
};

#define LIMITS_SMALL                                                                               \
    {                                                                                              \
        .cpu_ms = 2000, .wall_ms = 6000, .mem_mib = 512, .out_kib = 1024, .file_kib = 1024,        \
        .procs = 1                                                                                 \
    }
#define LIMITS_LARGE                                                                               \
    {                                                                                              \
        .cpu_ms = 600000, .wall_ms = 1200000, .mem_mib = 65536, .out_kib = 65536,                  \
        .file_kib = 1048576, .procs = 256                                                          \
    }
#define LIMITS_SOME_THREADS                                                                        \
    {                                                                                              \
        .cpu_ms = 2000, .wall_ms = 6000, .mem_mib = 1024, .out_kib = 1024, .file_kib = 1024,       \
        .procs = 32                                                                                \
    }
#define LIMITS_COMPILING                                                                           \
    {                                                                                              \
        .cpu_ms = 10000, .wall_ms = 20000, .mem_mib = 2048, .out_kib = 256, .file_kib = 65536,     \
        .procs = 32                                                                                \
    }

static const asbx_policy policy_pure = {
    .name = "pure",
    .about = "one thread that computes; no writable path, no process, no socket",
    .allowed = pure,
    .forgiven = pure_forgiven,
    .paths = reading,
    .limits = LIMITS_SMALL,
    .most = LIMITS_LARGE
};
static const asbx_policy policy_threads = { .name = "threads",
                                            .about = "pure, and threads of its own",
                                            .allowed = threads,
                                            .forgiven = pure_forgiven,
                                            .paths = reading,
                                            .threads = true,
                                            .limits = LIMITS_SOME_THREADS,
                                            .most = LIMITS_LARGE };
static const asbx_policy policy_compile = {
    .name = "compile",
    .about = "a compiler and what it starts; a private disk on /tmp",
    .allowed = compile,
    .forgiven = compile_forgiven,
    .paths = with_disk,
    .threads = true,
    .processes = true,
    .disk = true,
    .limits = LIMITS_COMPILING,
    .most = LIMITS_LARGE
};
static const asbx_policy policy_files = {
    .name = "files",
    .about = "pure, and a private disk on /tmp with the job's files",
    .allowed = files,
    .forgiven = files_forgiven,
    .paths = with_disk,
    .disk = true,
    .limits = LIMITS_SMALL,
    .most = LIMITS_LARGE
};

/* A verifier of somebody else: asked over a socket, for as long as its host likes, whose clock it
 * runs by. */
const asbx_policy asbx_policy_plugin = {
    .name = "plugin",
    .about = "threads, and a word with its host",
    .allowed = threads,
    .forgiven = pure_forgiven,
    .paths = reading,
    .threads = true,
    .speaks_on = 3,
    .limits = { .procs = 64 },
};

const asbx_policy *const asbx_policies[] = { &policy_pure, &policy_threads, &policy_compile,
                                             &policy_files, NULL };

const asbx_policy *asbx_policy_find(const char *name)
{
    for (const asbx_policy *const *p = asbx_policies; *p; p++)
        if (strcmp((*p)->name, name) == 0)
            return *p;
    return NULL;
}
