/* check.c -- what is enforced here: the helper tries to break each layer, this side names the level
 * and the cure. SPDX-License-Identifier: Apache-2.0 */
#include "layers.h"
#include "protocol.h"
#include "supervisor.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <spawn.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/wait.h>
#include <unistd.h>

_Static_assert((int)LAYERS == (int)ASBX_LAYERS, "the public table has one row for each layer");

static const struct {
    const char *name, *protects;
    layer_need need;
} layers[LAYERS] = {
#define X(id, need, name, protects) { name, protects, NEED_##need },
    ASBX_LAYER_LIST(X)
#undef X
};

/* ---- the cure ---- */

static const char *place_here(void)
{
    const char *kubernetes = getenv("KUBERNETES_SERVICE_HOST");
    if (kubernetes && *kubernetes)
        return "kubernetes";
    if (access("/run/.containerenv", F_OK) == 0)
        return "podman";
    return access("/.dockerenv", F_OK) == 0 ? "docker" : "host";
}

static const char *namespaces_cure(const char *place)
{
    if (strcmp(place, "docker") == 0)
        return "docker run --security-opt seccomp=unconfined --security-opt apparmor=unconfined "
               "(user namespaces), or also --cap-add SYS_ADMIN";
    if (strcmp(place, "podman") == 0)
        return "podman run --security-opt seccomp=unconfined (user namespaces), or --cap-add "
               "SYS_ADMIN";
    if (strcmp(place, "kubernetes") == 0)
        return "securityContext: {seccompProfile: {type: Unconfined}, appArmorProfile: {type: "
               "Unconfined}}, or capabilities: {add: [SYS_ADMIN]}";
    return "sysctl -w kernel.unprivileged_userns_clone=1 "
           "kernel.apparmor_restrict_unprivileged_userns=0 user.max_user_namespaces=15000 (those "
           "there are), or run as root";
}

static const char *seccomp_cure(const char *place)
{
    if (strcmp(place, "host") == 0)
        return "a kernel with CONFIG_SECCOMP_FILTER, and no supervisor above that forbids "
               "seccomp()";
    return strcmp(place, "kubernetes") == 0
               ? "securityContext: {seccompProfile: {type: Unconfined}}: the pod's own profile "
                 "forbids seccomp()"
               : "run with --security-opt seccomp=unconfined: the container's own profile forbids "
                 "seccomp()";
}

static const char *landlock_cure(const char *place)
{
    if (strcmp(place, "host") == 0)
        return "Linux 6.2 or newer, started with landlock in lsm=; jobs run without it, at level "
               "medium";
    return "a host with Linux 6.2 or newer, and a container profile that allows landlock_*; jobs "
           "run without it, at level medium";
}

const char *layers_cure(layer_id id, const char *place)
{
    switch (id) {
    case LAYER_USER:
    case LAYER_PID:
    case LAYER_MOUNT:
    case LAYER_NETWORK:
    case LAYER_IPC:
        return namespaces_cure(place);
    case LAYER_SECCOMP:
        return seccomp_cure(place);
    case LAYER_LANDLOCK:
        return landlock_cure(place);
    case LAYER_LIMITS:
        return "Linux 5.14 or newer, or run as root: else processes are not counted by job";
    case LAYER_UID:
        return strcmp(place, "host") == 0
                   ? "nothing has to be done; started as root, each job gets a user of its own"
                   : "nothing has to be done; with --cap-add SYS_ADMIN and as root, each job gets "
                     "a user of its own";
    case LAYER_CGROUP:
        return "nothing has to be done; root, systemd-run --user --scope -p Delegate=yes assay "
               "..., or a group of version 1 given to this user, gives one";
    case LAYER_YAMA:
        return "nothing has to be done: pid namespace and seccomp keep jobs apart; "
               "kernel.yama.ptrace_scope=1 where the kernel has it";
    case LAYER_NO_NEW_PRIVS:
    case LAYER_CAPABILITIES:
    case LAYER_DESCRIPTORS:
    case LAYER_KILL:
    case LAYER_CORE:
    case LAYERS:
        break;
    }
    return "this should hold on every Linux from 5.13 on: please report it";
}

/* ---- the helper ---- */

enum { OUT_OF_THE_WAY = 16 };

/* fds: of the report, then of the group; none of them is where it is to be in the helper. */
static int start_helper(const char *dir, const int fds[3], uint32_t flags, pid_t *pid)
{
    char path[4200], name[] = "assay-box", check[] = "--check", digits[16];
    char *const argv[] = { name, check, flags ? digits : NULL, NULL }, *const environment[] = {
        NULL
    };
    const int n = 1 + (int)asbx_order_groups(flags);
    posix_spawn_file_actions_t actions;
    (void)snprintf(digits, sizeof digits, "%u", flags);
    (void)snprintf(path, sizeof path, "%s/assay-box", dir);
    int rc = posix_spawn_file_actions_init(&actions);
    if (rc != 0)
        return rc;
    rc = posix_spawn_file_actions_addopen(&actions, 0, "/dev/null", O_RDWR, 0);
    for (int fd = 1; rc == 0 && fd < LAYER_REPORT_FD; fd++)
        rc = posix_spawn_file_actions_adddup2(&actions, 0, fd);
    for (int i = 0; rc == 0 && i < n; i++)
        rc = posix_spawn_file_actions_adddup2(&actions, fds[i], LAYER_REPORT_FD + i);
    if (rc == 0)
        rc = posix_spawn_file_actions_addclosefrom_np(&actions, LAYER_REPORT_FD + n);
    if (rc == 0)
        rc = posix_spawn(pid, path, &actions, NULL, argv, environment);
    posix_spawn_file_actions_destroy(&actions);
    return rc;
}

/* The first report of each layer counts. */
static void take(const layer_report *r, asbx_layer *out, bool seen[LAYERS])
{
    if (r->magic != ASBX_MAGIC || r->id >= LAYERS || seen[r->id] || r->state < ASBX_LAYER_OFF ||
        r->state > ASBX_LAYER_ON)
        return;
    seen[r->id] = true;
    out[r->id].state = (asbx_layer_state)r->state;
    (void)snprintf(out[r->id].found, sizeof out->found, "%.*s", (int)sizeof r->found - 1, r->found);
}

static void read_reports(int fd, asbx_layer *out, bool seen[LAYERS])
{
    enum { MOST_MS = 20000 };
    uint64_t until = job_now_us() + (uint64_t)MOST_MS * 1000;
    layer_report r;
    size_t have = 0;
    for (;;) {
        uint64_t now = job_now_us();
        struct pollfd p = { .fd = fd, .events = POLLIN };
        int n = now < until ? poll(&p, 1, (int)((until - now) / 1000) + 1) : 0;
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return;
        ssize_t got = read(fd, (char *)&r + have, sizeof r - have);
        if (got <= 0)
            return;
        have += (size_t)got;
        if (have == sizeof r) {
            take(&r, out, seen);
            have = 0;
        }
    }
}

/* g: NULL, or a group to try. */
static int ask_helper(const char *dir, const group *g, asbx_layer *out, bool seen[LAYERS])
{
    int fds[2], given[3] = { -1, -1, -1 };
    pid_t pid;
    if (pipe2(fds, O_CLOEXEC) < 0)
        return errno;
    given[0] = fcntl(fds[1], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
    for (unsigned i = 0; g && i < g->n_join; i++)
        given[i + 1] = fcntl(g->join[i], F_DUPFD_CLOEXEC, OUT_OF_THE_WAY);
    close(fds[1]);
    int rc = start_helper(dir, given, g ? group_order_flags(g) : 0, &pid);
    for (int i = 0; i < 3; i++)
        if (given[i] >= 0)
            close(given[i]);
    if (rc == 0) {
        read_reports(fds[0], out, seen);
        (void)kill(pid, SIGKILL); /* it is its own last process: what it started dies with it */
        while (waitpid(pid, NULL, 0) < 0 && errno == EINTR)
            ;
    }
    close(fds[0]);
    return rc;
}

/* ---- the level ---- */

static const char *const levels[] = { "none", "weak", "medium", "strong" };

int layers_rank(const char *level)
{
    for (int i = 0; i < 4; i++)
        if (strcmp(levels[i], level) == 0)
            return i;
    return -1;
}

static const char *level_of(const asbx_layer *all)
{
    int level = 3;
    for (unsigned i = 0; i < LAYERS; i++) {
        int loses = layers[i].need == NEED_RUN      ? 0
                    : layers[i].need == NEED_MEDIUM ? 1
                    : layers[i].need == NEED_STRONG ? 2
                                                    : 3;
        if (all[i].state != ASBX_LAYER_ON && loses < level)
            level = loses;
    }
    return levels[level];
}

/* What jobs get, by the same way. */
static int ask_with_group(const char *dir, const group_place *place, asbx_layer *out,
                          bool seen[LAYERS])
{
    enum { PROCESSES = 4 };
    group g = { .is_made = false };
    bool is_made = place && group_ready(&g, place, CHECK_GROUP_BYTES, PROCESSES);
    int rc = ask_helper(dir, is_made ? &g : NULL, out, seen);
    asbx_layer *l = &out[LAYER_CGROUP];
    if (is_made && l->state == ASBX_LAYER_ON && !group_judge(&g).memory) {
        l->state = ASBX_LAYER_DEGRADED;
        (void)snprintf(l->found, sizeof l->found,
                       "a process was killed for memory, and the group does not tell of it");
    }
    if (place)
        group_close(&g, place);
    if (place && !is_made && rc == 0) {
        seen[LAYER_CGROUP] = true;
        (void)snprintf(l->found, sizeof l->found, "%s; limits are by process",
                       place->version ? "a group can be made, and not bounded" : place->why);
    }
    return rc;
}

uint32_t layers_check(const char *helper_dir, const group_place *groups,
                      asbx_layer out[ASBX_LAYERS], const char **level)
{
    bool seen[LAYERS] = { false };
    const char *place = place_here();
    for (unsigned i = 0; i < LAYERS; i++)
        out[i] = (asbx_layer){ .name = layers[i].name, .protects = layers[i].protects };
    int rc = ask_with_group(helper_dir, groups, out, seen);
    for (unsigned i = 0; i < LAYERS; i++) {
        if (!seen[i])
            (void)snprintf(out[i].found, sizeof out->found, "not tried: %s",
                           rc ? strerror(rc) : "what it stands on does not hold");
        if (out[i].state != ASBX_LAYER_ON && (seen[i] || rc))
            (void)snprintf(out[i].cure, sizeof out->cure, "%s",
                           rc ? "assay-box belongs beside this program or in its libexec folder: "
                                "is the package whole?"
                              : layers_cure((layer_id)i, place));
    }
    *level = level_of(out);
    return LAYERS;
}

bool asbx_require(const char *helper_dir, const char *require, asbx_error *err)
{
    return layers_require(helper_dir, require, err);
}

/* The layer that the level stops at: what is needed most comes first. */
static const asbx_layer *first_missing(const asbx_layer *all)
{
    for (int need = NEED_RUN; need < NEED_NOTHING; need++)
        for (unsigned i = 0; i < LAYERS; i++)
            if ((int)layers[i].need == need && all[i].state != ASBX_LAYER_ON && all[i].cure[0])
                return &all[i];
    return &all[0];
}

bool layers_require(const char *helper_dir, const char *require, asbx_error *err)
{
    asbx_layer all[ASBX_LAYERS];
    const char *level;
    int wanted = layers_rank(require);
    if (wanted < 1) {
        (void)snprintf(err->text, sizeof err->text,
                       "there is no level \"%.40s\" of the sandbox (strong, medium, weak)",
                       require);
        return false;
    }
    (void)layers_check(helper_dir, NULL, all, &level);
    if (layers_rank(level) >= wanted)
        return true;
    const asbx_layer *missing = first_missing(all);
    (void)snprintf(err->text, sizeof err->text,
                   "the sandbox reaches level %s here, not %s: %s: %.60s -> %s", level, require,
                   missing->name, missing->found, missing->cure);
    return false;
}
