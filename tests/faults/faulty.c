/* faulty.c -- preloaded into a real run, makes its N-th allocation, read, or step of writing
 * (write, fsync, rename) fail: ASSAY_FAIL_MALLOC=N, ASSAY_FAIL_READ=N, ASSAY_FAIL_WRITE=N;
 * ASSAY_FAIL_FROM=N: the N-th allocation and all after it; ASSAY_FAIL_KILL=N: SIGKILL where the
 * N-th step of writing would begin.
 *
 * ASSAY_FAIL_COUNT=FILE only counts, so that a test knows how many places there are.
 * SPDX-License-Identifier: Apache-2.0 */
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <unistd.h>

/* glibc's own names for what is replaced here: dlsym would allocate. */
extern void *__libc_malloc(size_t);          /* NOLINT(bugprone-reserved-identifier,cert-*) */
extern void *__libc_calloc(size_t, size_t);  /* NOLINT(bugprone-reserved-identifier,cert-*) */
extern void *__libc_realloc(void *, size_t); /* NOLINT(bugprone-reserved-identifier,cert-*) */
ssize_t read(int fd, void *into, size_t size);
ssize_t write(int fd, const void *from, size_t size);
int fsync(int fd);

static atomic_long n_mallocs, n_reads, n_writes;
static long fail_malloc, fail_read, fail_write, fail_kill, fail_from;

static long number(const char *name)
{
    const char *text = getenv(name);
    return text ? strtol(text, NULL, 10) : 0;
}

__attribute__((constructor)) static void start(void)
{
    fail_malloc = number("ASSAY_FAIL_MALLOC");
    fail_read = number("ASSAY_FAIL_READ");
    fail_write = number("ASSAY_FAIL_WRITE");
    fail_kill = number("ASSAY_FAIL_KILL");
    fail_from = number("ASSAY_FAIL_FROM");
    atomic_store(&n_mallocs, 0);
}

__attribute__((destructor)) static void end(void)
{
    const char *path = getenv("ASSAY_FAIL_COUNT");
    int fd = path ? open(path, O_WRONLY | O_CREAT | O_TRUNC, 0600) : -1;
    if (fd < 0)
        return;
    (void)dprintf(fd, "%ld %ld %ld\n", atomic_load(&n_mallocs), atomic_load(&n_reads),
                  atomic_load(&n_writes));
    (void)close(fd);
}

static int is_time(void)
{
    long place = atomic_fetch_add(&n_mallocs, 1) + 1;
    if (place != fail_malloc && (fail_from == 0 || place < fail_from))
        return 0;
    errno = ENOMEM;
    return 1;
}

__attribute__((visibility("default"))) void *malloc(size_t size)
{
    return is_time() ? NULL : __libc_malloc(size);
}

__attribute__((visibility("default"))) void *calloc(size_t n, size_t size)
{
    return is_time() ? NULL : __libc_calloc(n, size);
}

__attribute__((visibility("default"))) void *realloc(void *old, size_t size)
{
    return is_time() ? NULL : __libc_realloc(old, size);
}

__attribute__((visibility("default"))) void *reallocarray(void *old, size_t n, size_t size)
{
    size_t total;
    if (__builtin_mul_overflow(n, size, &total)) {
        errno = ENOMEM;
        return NULL;
    }
    return realloc(old, total);
}

__attribute__((visibility("default"))) ssize_t read(int fd, void *into, size_t size)
{
    if (atomic_fetch_add(&n_reads, 1) + 1 == fail_read) {
        errno = EIO;
        return -1;
    }
    return syscall(SYS_read, fd, into, size);
}

static int is_full(void)
{
    long place = atomic_fetch_add(&n_writes, 1) + 1;
    if (place == fail_kill)
        (void)kill(getpid(), SIGKILL);
    if (place != fail_write)
        return 0;
    errno = ENOSPC;
    return 1;
}

__attribute__((visibility("default"))) ssize_t write(int fd, const void *from, size_t size)
{
    return is_full() ? -1 : syscall(SYS_write, fd, from, size);
}

__attribute__((visibility("default"))) int fsync(int fd)
{
    return is_full() ? -1 : (int)syscall(SYS_fsync, fd);
}

__attribute__((visibility("default"))) int rename(const char *from, const char *to)
{
    return is_full() ? -1 : (int)syscall(SYS_renameat2, AT_FDCWD, from, AT_FDCWD, to, 0);
}
