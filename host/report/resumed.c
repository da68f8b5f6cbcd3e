/* resumed.c -- where a run was gone on with: each process writes an event file of its own
 * (train/tfevents.h), whose START names its first step. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "report/runs.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <stdlib.h>
#include <sys/stat.h>
#include <unistd.h>

enum { FILES_MAX = 4096, HEAD_BYTES = 4096, SESSION_LOG = 7, STEP = 2, FRAME_BYTES = 16 };
#define PREFIX "events.out.tfevents."

/* ---- the head of a file ---- */

static bool take_varint(as_str *s, uint64_t *v)
{
    *v = 0;
    for (unsigned shift = 0; s->len && shift < 64; shift += 7) {
        const unsigned char c = (unsigned char)*s->data++;
        s->len--;
        *v |= (uint64_t)(c & 0x7f) << shift;
        if (c < 0x80)
            return true;
    }
    return false;
}

static bool skip(as_str *s, uint64_t n)
{
    if (n > s->len)
        return false;
    s->data += n;
    s->len -= (size_t)n;
    return true;
}

/* An Event's step, and whether it is a session's log; false: no message. */
static bool read_event(as_str s, uint64_t *step, bool *is_start)
{
    uint64_t key, v;
    *step = 0;
    *is_start = false;
    while (s.len) {
        if (!take_varint(&s, &key))
            return false;
        const unsigned wire = key & 7;
        bool fine = wire == 0   ? take_varint(&s, &v)
                    : wire == 1 ? skip(&s, 8)
                    : wire == 2 ? take_varint(&s, &v) && skip(&s, v)
                                : wire == 5 && skip(&s, 4);
        if (!fine)
            return false;
        if (key >> 3 == STEP && wire == 0)
            *step = v;
        *is_start = *is_start || (key >> 3 == SESSION_LOG && wire == 2);
    }
    return true;
}

static uint64_t little_endian(const char *at)
{
    uint64_t v = 0;
    for (unsigned i = 8; i > 0; i--)
        v = v << 8 | (unsigned char)at[i - 1];
    return v;
}

/* The first step of the process that wrote the file; false: another's file, or none yet. */
static bool first_step(int folder, const char *name, uint64_t *step)
{
    char head[HEAD_BYTES];
    struct stat info;
    AS_CLEANUP(close) int fd = openat(folder, name, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
    if (fd < 0 || fstat(fd, &info) != 0 || !S_ISREG(info.st_mode))
        return false;
    const ssize_t got = read(fd, head, sizeof head);
    size_t left = got < 0 ? 0 : (size_t)got;
    for (const char *at = head; left > FRAME_BYTES;) {
        const uint64_t n = little_endian(at);
        bool is_start = false;
        if (n > left - FRAME_BYTES || !read_event((as_str){ at + 12, (size_t)n }, step, &is_start))
            return false;
        if (is_start)
            return true;
        at += n + FRAME_BYTES;
        left -= (size_t)n + FRAME_BYTES;
    }
    return false;
}

/* ---- the folder ---- */

static int compare(const void *a, const void *b)
{
    return strcmp(*(char *const *)a, *(char *const *)b);
}

static int list(DIR *d, char **names, size_t *n, const char *folder, as_err *err)
{
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        if (strncmp(e->d_name, PREFIX, sizeof PREFIX - 1) != 0)
            continue;
        if (*n == FILES_MAX)
            return as_fail(err, AS_EDATA, "%s: more than %d event files", folder, FILES_MAX);
        names[*n] = as_strdup(e->d_name);
        if (!names[*n])
            return as_fail(err, AS_ENOMEM, "out of memory");
        ++*n;
    }
    return 0;
}

/* Files in the order of their names, which is that of time. A process that goes on from an earlier
 * step than another did took that one's steps back. */
static void follow(as_report_run *r, int folder, char *const *names, size_t n)
{
    bool is_first = true;
    for (size_t i = 0; i < n; i++) {
        uint64_t step = 0;
        if (!first_step(folder, names[i], &step))
            continue;
        while (r->n_resumed && r->resumed[r->n_resumed - 1] >= step)
            r->n_resumed--;
        if (!is_first && step > 1 && step <= r->last_step)
            r->resumed[r->n_resumed++] = step;
        is_first = false;
    }
}

int as_report_find_resumed(as_report_run *r, as_err *err)
{
    char **names = as_calloc(FILES_MAX, sizeof *names);
    DIR *d = opendir(r->folder.data);
    size_t n = 0;
    r->resumed = as_calloc(FILES_MAX, sizeof *r->resumed);
    int rc = !d                      ? as_fail_errno(err, "%s", r->folder.data)
             : !names || !r->resumed ? as_fail(err, AS_ENOMEM, "out of memory")
                                     : list(d, names, &n, r->folder.data, err);
    if (rc == 0) {
        qsort(names, n, sizeof *names, compare);
        follow(r, dirfd(d), names, n);
    }
    if (d)
        (void)closedir(d);
    for (size_t i = 0; names && i < n; i++)
        as_free(names[i]);
    as_free(names);
    return rc;
}
