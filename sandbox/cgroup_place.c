/* cgroup_place.c -- where control groups of our own can be made: the caller's group in version 1,
 * one above it in version 2. SPDX-License-Identifier: Apache-2.0 */
#include "cgroup_inner.h"

#include <dirent.h>
#include <errno.h>
#include <fcntl.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static bool read_file(const char *dir, const char *file, char *out, size_t size)
{
    int fd = group_open(dir, ".", file, O_RDONLY);
    bool is_read = group_read(fd, out, size);
    if (fd >= 0)
        close(fd);
    return is_read;
}

static bool has_word(const char *list, const char *word, const char *between)
{
    size_t len = strlen(word);
    for (const char *p = list; *p; p += strspn(p, between)) {
        size_t n = strcspn(p, between);
        if (n == len && memcmp(p, word, n) == 0)
            return true;
        p += n;
    }
    return false;
}

/* ---- where the caller is ---- */

/* The caller's group in the hierarchy of `controller` ("": version 2), as /proc/self/cgroup has it:
 * "9:memory:/x", "0::/user.slice". */
static bool own_group(const char *controller, char *out, size_t size)
{
    char line[1200];
    bool found = false;
    FILE *f = fopen("/proc/self/cgroup", "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        char *list = strchr(line, ':'), *path = list ? strchr(list + 1, ':') : NULL;
        if (!path)
            continue;
        *path++ = 0;
        path[strcspn(path, "\n")] = 0;
        found = *controller ? has_word(list + 1, controller, ",") : list[1] == 0;
        found = found && strlen(path) < size;
        if (found)
            memcpy(out, path, strlen(path) + 1);
    }
    if (f)
        (void)fclose(f);
    return found;
}

/* Where that hierarchy is mounted, and which of its groups is seen there as the root. A line is "31
 * 23 0:28 /root /where options [more] - cgroup2 source options". */
static bool find_mount(const char *controller, char *where, char *root, size_t size)
{
    char line[4096];
    bool found = false;
    FILE *f = fopen("/proc/self/mountinfo", "re");
    while (f && !found && fgets(line, sizeof line, f)) {
        char *tail = strstr(line, " - "), *word[5], *at = line;
        if (!tail)
            continue;
        *tail = 0;
        tail[3 + strcspn(tail + 3, "\n")] = 0;
        for (int i = 0; i < 5; i++) {
            word[i] = at;
            at += strcspn(at, " ");
            if (*at)
                *at++ = 0;
        }
        const char *options = strrchr(tail + 3, ' ');
        bool is_v2 = strncmp(tail + 3, "cgroup2 ", 8) == 0;
        bool is_v1 = strncmp(tail + 3, "cgroup ", 7) == 0;
        found = *controller ? is_v1 && options && has_word(options + 1, controller, ",") : is_v2;
        found = found && strlen(word[3]) < size && strlen(word[4]) < size;
        if (found) {
            memcpy(root, word[3], strlen(word[3]) + 1);
            memcpy(where, word[4], strlen(word[4]) + 1);
        }
    }
    if (f)
        (void)fclose(f);
    return found;
}

/* The caller's group as a path. In a container that sees its own as the root, or a part of all, it
 * is the mount itself. `top`: how much of it is the mount. */
static bool own_directory(const char *controller, char *out, size_t size, size_t *top)
{
    char path[1024], root[1024], where[1024];
    if (!own_group(controller, path, sizeof path) ||
        !find_mount(controller, where, root, sizeof where))
        return false;
    size_t shown = strcmp(root, "/") == 0 ? 0 : strlen(root);
    const char *below = strncmp(path, root, shown) == 0 ? path + shown : "";
    int n = snprintf(out, size, "%s%s", where, strcmp(below, "/") == 0 ? "" : below);
    *top = strlen(where);
    if (n < 0 || (size_t)n >= size)
        return false;
    if (access(out, F_OK) < 0)
        out[*top] = 0;
    return true;
}

/* ---- where groups can be made ---- */

/* A group is made there and removed again, to see that it has what we need and lets us write. */
static bool can_make(const char *dir, const char *bound, const char *join)
{
    char name[64], path[1200];
    (void)snprintf(name, sizeof name, GROUP_PREFIX "%d-try-%d", (int)getpid(), (int)gettid());
    if (!group_path(path, sizeof path, dir, name, "") || mkdir(path, 0755) < 0)
        return false;
    int one = group_open(dir, name, bound, O_WRONLY), two = group_open(dir, name, join, O_WRONLY);
    if (one >= 0)
        close(one);
    if (two >= 0)
        close(two);
    (void)rmdir(path);
    return one >= 0 && two >= 0;
}

static bool find_first_version(group_place *out)
{
    size_t top;
    if (!own_directory("memory", out->memory, sizeof out->memory, &top))
        return false;
    if (!can_make(out->memory, "memory.limit_in_bytes", "tasks")) {
        (void)snprintf(out->why, sizeof out->why, "no group can be made in %.100s", out->memory);
        return false;
    }
    if (!own_directory("pids", out->pids, sizeof out->pids, &top) ||
        !can_make(out->pids, "pids.max", "tasks"))
        out->pids[0] = 0;
    out->version = 1;
    return true;
}

/* Whoever set these for the caller's group means its helpers too: they are not led around it. */
static bool is_bounded(const char *dir)
{
    static const char *const files[] = { "memory.max", "memory.high", "cpu.max", "cpuset.cpus" };
    char text[256];
    for (size_t i = 0; i < sizeof files / sizeof *files; i++)
        if (read_file(dir, files[i], text, sizeof text) && *text && *text != '\n' &&
            strncmp(text, "max", 3) != 0)
            return true;
    return false;
}

/* Version 2 bounds memory below a group that holds no process itself (or is the root of all): not
 * the caller's own, as a rule, but one above it that is the caller's too. */
static bool find_second_version(group_place *out)
{
    char controllers[256];
    size_t top;
    if (!own_directory("", out->memory, sizeof out->memory, &top))
        return false;
    for (;;) {
        if (read_file(out->memory, "cgroup.subtree_control", controllers, sizeof controllers) &&
            has_word(controllers, "memory", " \n") &&
            can_make(out->memory, "memory.max", "cgroup.procs")) {
            out->version = 2;
            return true;
        }
        char *slash = strrchr(out->memory, '/');
        if (!slash || strlen(out->memory) <= top)
            break;
        if (is_bounded(out->memory)) {
            (void)snprintf(out->why, sizeof out->why,
                           "a group outside of %.80s would leave the bounds set there",
                           out->memory);
            return false;
        }
        *slash = 0;
    }
    (void)snprintf(out->why, sizeof out->why,
                   "no group of the caller's own has the controller of memory for others");
    return false;
}

/* Those of supervisors that are no more: they were killed before they could do it. */
static void sweep(const char *dir)
{
    DIR *d = *dir ? opendir(dir) : NULL;
    const struct dirent *e;
    while (d && (e = readdir(d))) { /* NOLINT(concurrency-mt-unsafe): a stream of our own */
        char path[1200], *end;
        if (strncmp(e->d_name, GROUP_PREFIX, sizeof GROUP_PREFIX - 1) != 0)
            continue;
        long pid = strtol(e->d_name + sizeof GROUP_PREFIX - 1, &end, 10);
        if (pid > 0 && *end == '-' && kill((pid_t)pid, 0) < 0 && errno == ESRCH &&
            group_path(path, sizeof path, dir, e->d_name, ""))
            (void)rmdir(path);
    }
    if (d)
        (void)closedir(d);
}

void group_find(group_place *out)
{
    *out = (group_place){ .version = 0 };
    if (!find_first_version(out) && !out->why[0] && !find_second_version(out) && !out->why[0])
        (void)snprintf(out->why, sizeof out->why, "the controller of memory is mounted nowhere");
    if (!out->version)
        return;
    sweep(out->memory);
    if (out->version == 1)
        sweep(out->pids);
}
