/* choices.cu -- see choices.h. No kernel: files of the host.
 *
 * Whole lines are read without a lock: as they are never changed, what was read stays true.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "kernels/cuda/choices.h"
#include <cerrno>
#include <cstdio>
#include <cstring>
#include <fcntl.h>
#include <new>
#include <sys/file.h>
#include <sys/stat.h>
#include <unistd.h>

namespace
{
constexpr size_t most = (size_t)4 << 20; /* bytes of a file: about fifty thousand lines */
constexpr char equals[] = " = ";
} /* namespace */

struct k_choices {
    int fd;
    size_t n;    /* bytes of the whole lines that were read */
    size_t rest; /* and of what stands behind them */
    char path[1024];
    char lost[1200];
    char text[most];
};

namespace
{
bool lose(k_choices *c, const char *why)
{
    if (!c->lost[0])
        snprintf(c->lost, sizeof c->lost, "%s: %s", c->path, why);
    return false;
}

bool lose_by_errno(k_choices *c)
{
    return lose(c, strerror(errno));
}

/* The lines that were added since. */
bool read_on(k_choices *c)
{
    struct stat now;
    if (fstat(c->fd, &now) != 0)
        return lose_by_errno(c);
    if (!S_ISREG(now.st_mode))
        return lose(c, "it is no file");
    if (now.st_size < (off_t)c->n)
        return lose(c, "it was cut while it was open");
    size_t end = c->n;
    ssize_t got = 1;
    while (got > 0 && end < most) {
        got = pread(c->fd, c->text + end, most - end, (off_t)end);
        end += got > 0 ? (size_t)got : 0;
    }
    if (got < 0)
        return lose_by_errno(c);
    const void *last = memrchr(c->text + c->n, '\n', end - c->n);
    if (last)
        c->n = (size_t)(static_cast<const char *>(last) - c->text) + 1;
    c->rest = end - c->n;
    return true;
}

bool look_up(const k_choices *c, const char *key, char *value)
{
    const size_t n_key = strlen(key);
    const size_t before = n_key + strlen(equals);
    const char *end = c->text + c->n;
    const char *next = nullptr;
    for (const char *line = c->text; line < end; line = next + 1) {
        next = static_cast<const char *>(memchr(line, '\n', (size_t)(end - line)));
        if ((size_t)(next - line) < before || memcmp(line, key, n_key) != 0 ||
            memcmp(line + n_key, equals, strlen(equals)) != 0)
            continue;
        snprintf(value, K_CHOICE_MAX, "%.*s", (int)(next - (line + before)), line + before);
        return true;
    }
    return false;
}

/* The caller has the lock and has read on, so what stands behind the lines is of a writer that is
 * dead. */
bool add_line(k_choices *c, const char *line)
{
    const size_t n = strlen(line);
    if (c->n + c->rest + n > most)
        return lose(c, "it is full");
    if (c->rest > 0 && ftruncate(c->fd, (off_t)c->n) != 0)
        return lose_by_errno(c);
    const ssize_t done = write(c->fd, line, n);
    if (done != (ssize_t)n) {
        lose(c, strerror(done < 0 ? errno : ENOSPC));
        if (ftruncate(c->fd, (off_t)c->n) != 0)
            lose_by_errno(c); /* who writes next does it */
        return false;
    }
    /* a checkpoint that outlives a loss of power was computed with this; best effort */
    (void)fdatasync(c->fd);
    memcpy(c->text + c->n, line, n);
    c->n += n;
    c->rest = 0;
    return true;
}

bool lock(k_choices *c)
{
    int rc = 0;
    do
        rc = flock(c->fd, LOCK_EX);
    while (rc != 0 && errno == EINTR);
    return rc == 0 || lose_by_errno(c);
}

/* The first line, as head has it, or written now: nobody may have come so far before. */
bool begin(k_choices *c, const char *head, bool is_writable)
{
    char line[2 * K_CHOICE_MAX];
    const int n = snprintf(line, sizeof line, "%s\n", head);
    if (!read_on(c))
        return false;
    if (c->n == 0 && is_writable && lock(c)) {
        /* nothing yet, or a part of the line, whose writer was killed */
        if (read_on(c) && c->n == 0 && c->rest < (size_t)n && memcmp(c->text, line, c->rest) == 0)
            add_line(c, line);
        flock(c->fd, LOCK_UN);
    }
    return (c->n >= (size_t)n && memcmp(c->text, line, (size_t)n) == 0) ||
           lose(c, "its first line is not ours: delete it, or move it away");
}
} /* namespace */

k_choices *k_choices_open(const char *path, const char *head)
{
    auto *c = new (std::nothrow) k_choices; /* text as it comes: pages that nobody needs */
    if (!c)
        return nullptr;
    c->n = c->rest = 0;
    c->lost[0] = '\0';
    snprintf(c->path, sizeof c->path, "%s", path);
    c->fd = open(path, O_RDWR | O_CREAT | O_APPEND | O_CLOEXEC, 0600);
    const int error = errno;
    const bool is_writable = c->fd >= 0;
    if (!is_writable && (error == EACCES || error == EROFS))
        c->fd = open(path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    if (c->fd >= 0 && !begin(c, head, is_writable))
        c->n = 0;
    if (!is_writable)
        lose(c, strerror(error));
    return c;
}

void k_choices_close(k_choices *c)
{
    if (c && c->fd >= 0)
        close(c->fd);
    delete c;
}

const char *k_choices_lost(const k_choices *c)
{
    return c->lost[0] ? c->lost : nullptr;
}

bool k_choices_find(k_choices *c, const char *key, char *value)
{
    return look_up(c, key, value) || (!c->lost[0] && read_on(c) && look_up(c, key, value));
}

bool k_choices_keep(k_choices *c, const char *key, char *value)
{
    char line[3 * K_CHOICE_MAX];
    snprintf(line, sizeof line, "%s%s%s\n", key, equals, value);
    if (c->lost[0] || !lock(c))
        return false;
    const bool is_kept = read_on(c) && (look_up(c, key, value) || add_line(c, line));
    flock(c->fd, LOCK_UN);
    return is_kept;
}
