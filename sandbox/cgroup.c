/* cgroup.c -- a control group for the jobs of a slot: made, bounded, read, removed. The helper
 * stays outside of it, so that the kernel, when it kills for memory, finds the job's processes
 * only.
 *
 * The kernel removes no group that has a process in it. One that is removed under us between two
 * jobs is made again; nothing depends on it but what it counts. SPDX-License-Identifier: Apache-2.0
 */
#include "cgroup_inner.h"
#include "protocol.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <time.h>
#include <unistd.h>

/* ---- small files ---- */

bool group_path(char *out, size_t size, const char *dir, const char *name, const char *file)
{
    int n = snprintf(out, size, "%s/%s%s%s", dir, name, *file ? "/" : "", file);
    return n > 0 && (size_t)n < size;
}

int group_open(const char *dir, const char *name, const char *file, int flags)
{
    char path[1200];
    return group_path(path, sizeof path, dir, name, file) ? open(path, flags | O_CLOEXEC) : -1;
}

bool group_read(int fd, char *out, size_t size)
{
    ssize_t n = fd < 0 ? -1 : pread(fd, out, size - 1, 0);
    out[n > 0 ? n : 0] = 0;
    return n >= 0;
}

static bool set(const char *dir, const char *name, const char *file, uint64_t value)
{
    char text[32];
    int n = snprintf(text, sizeof text, "%llu", (unsigned long long)value);
    int fd = group_open(dir, name, file, O_WRONLY);
    bool is_set = fd >= 0 && write(fd, text, (size_t)n) == n;
    if (fd >= 0)
        close(fd);
    return is_set;
}

/* A line "word number" among others. */
static bool find_count(const char *text, const char *word, uint64_t *out)
{
    size_t len = strlen(word);
    for (const char *line = text; line; line = strchr(line, '\n')) {
        line += *line == '\n';
        if (strncmp(line, word, len) == 0 && line[len] == ' ') {
            *out = strtoull(line + len + 1, NULL, 10);
            return true;
        }
    }
    return false;
}

/* ---- made ---- */

static bool make_directory(const char *dir, const char *name)
{
    char path[1200];
    return group_path(path, sizeof path, dir, name, "") && mkdir(path, 0755) == 0;
}

/* A job that was killed a moment ago may still be on its way out. */
static void remove_directory(const char *dir, const char *name)
{
    enum { TRIES = 200 };
    const struct timespec moment = { .tv_nsec = 5000000 };
    char path[1200];
    if (!*dir || !group_path(path, sizeof path, dir, name, ""))
        return;
    for (int i = 0; i < TRIES && rmdir(path) < 0 && errno == EBUSY; i++)
        (void)nanosleep(&moment, NULL);
}

void group_close(group *g, const group_place *place)
{
    if (!g->is_made)
        return;
    const int counters[] = { g->events, g->full, g->pids };
    for (unsigned i = 0; i < g->n_join; i++)
        close(g->join[i]);
    for (unsigned i = 0; i < 3; i++)
        if (counters[i] >= 0)
            close(counters[i]);
    remove_directory(place->memory, g->name);
    if (place->version == 1)
        remove_directory(place->pids, g->name);
    *g = (group){ .is_made = false };
}

static void add_join(group *g, int fd)
{
    if (fd >= 0)
        g->join[g->n_join++] = fd;
}

/* Two hierarchies. Without the second one the job's processes are not counted, and no more. */
static bool fill_first(group *g, const group_place *place)
{
    g->events = group_open(place->memory, g->name, "memory.oom_control", O_RDONLY);
    g->full = group_open(place->memory, g->name, "memory.failcnt", O_RDONLY);
    add_join(g, group_open(place->memory, g->name, "tasks", O_WRONLY));
    (void)set(place->memory, g->name, "memory.swappiness", 0); /* memory is meant, not swap */
    if (g->n_join == 1 && *place->pids && make_directory(place->pids, g->name)) {
        add_join(g, group_open(place->pids, g->name, "tasks", O_WRONLY));
        if (g->n_join == 2)
            g->pids = group_open(place->pids, g->name, "pids.events", O_RDONLY);
    }
    return g->n_join > 0;
}

static bool fill_second(group *g, const group_place *place)
{
    g->events = group_open(place->memory, g->name, "memory.events", O_RDONLY);
    g->pids = group_open(place->memory, g->name, "pids.events", O_RDONLY);
    add_join(g, group_open(place->memory, g->name, "", O_RDONLY | O_DIRECTORY));
    (void)set(place->memory, g->name, "memory.swap.max", 0);
    return g->n_join > 0;
}

/* A name that is taken is another's, of a pid namespace where somebody has our number too: no group
 * is ever shared. */
static bool make(group *g, const group_place *place)
{
    enum { TRIES = 8 };
    static atomic_uint number;
    bool is_made = false;
    *g = (group){ .events = -1, .full = -1, .pids = -1 };
    for (int i = 0; i < TRIES && !is_made; i++) {
        (void)snprintf(g->name, sizeof g->name, GROUP_PREFIX "%d-%u", (int)getpid(),
                       atomic_fetch_add(&number, 1));
        is_made = make_directory(place->memory, g->name);
        if (!is_made && errno != EEXIST)
            break;
    }
    g->is_made = is_made;
    return is_made && (place->version == 1 ? fill_first(g, place) : fill_second(g, place));
}

/* ---- counts ---- */

/* False: the group is gone. Version 2 has both counts of memory in one file. */
static bool count(const group *g, group_counts *out)
{
    char text[512];
    *out = (group_counts){ .killed = 0 };
    if (!group_read(g->events, text, sizeof text) || !find_count(text, "oom_kill", &out->killed))
        return false;
    if (g->full < 0)
        (void)find_count(text, "max", &out->full);
    else if (group_read(g->full, text, sizeof text))
        out->full = strtoull(text, NULL, 10);
    if (group_read(g->pids, text, sizeof text))
        (void)find_count(text, "max", &out->refused);
    return true;
}

group_verdict group_judge(const group *g)
{
    group_counts now;
    if (!count(g, &now))
        return (group_verdict){ .memory = false };
    bool killed = now.killed > g->before.killed, full = now.full > g->before.full;
    return (group_verdict){ .memory = killed && full,
                            .elsewhere = killed && !full,
                            .procs = now.refused > g->before.refused };
}

/* ---- bounds ---- */

/* Version 1 refuses a bound below what page cache of an earlier job cannot be freed from: then the
 * older bound stands, and this one is tried again with the next job. */
static bool set_bounds(group *g, const group_place *place, uint64_t bound, uint32_t procs)
{
    const char *file = place->version == 1 ? "memory.limit_in_bytes" : "memory.max";
    if (g->bound != bound && set(place->memory, g->name, file, bound))
        g->bound = bound;
    if (g->procs != procs && g->pids >= 0 &&
        set(place->version == 1 ? place->pids : place->memory, g->name, "pids.max", procs))
        g->procs = procs;
    return g->bound != 0;
}

bool group_ready(group *g, const group_place *place, uint64_t bound, uint32_t procs)
{
    if (!place->version)
        return false;
    if (g->is_made && !count(g, &g->before))
        group_close(g, place);
    if (!g->is_made && !(make(g, place) && count(g, &g->before))) {
        group_close(g, place);
        return false;
    }
    return set_bounds(g, place, bound, procs);
}

uint32_t group_order_flags(const group *g)
{
    uint32_t join = g->n_join > 1 ? ASBX_ORDER_JOIN | ASBX_ORDER_JOIN_TOO : ASBX_ORDER_JOIN;
    return (g->full < 0 ? ASBX_ORDER_INTO : join) |
           (g->pids >= 0 && g->procs ? ASBX_ORDER_COUNTED : 0);
}

/* What a single process touches is bounded by its address space, and that bound comes first, so
 * that a program gets the same word with and without a group. With several processes this is the
 * bound. The disk has its own; that of the job before may take a moment to go. */
uint64_t group_bound(const asbx_policy *policy, const asbx_limits *limits)
{
    enum { OWN_MIB = 160, KERNEL_MIB = 32 }; /* as in zygote_box.c; pipes, page tables */
    uint64_t mib = (uint64_t)limits->mem_mib + limits->mem_mib / 128 + KERNEL_MIB;
    if (!policy->processes)
        mib += OWN_MIB;
    return (mib << 20) + (policy->disk ? (uint64_t)limits->file_kib << 11 : 0);
}
