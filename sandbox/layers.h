/* layers.h -- the layers of the isolation, and what the helper reports of each when it has tried to
 * break it. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_LAYERS_H
#define ASBX_LAYERS_H
#include "cgroup.h"
#include "sandbox.h"

/* What a layer is needed for: below it the level is lower. RUN: no job runs without it. */
typedef enum layer_need { NEED_RUN, NEED_MEDIUM, NEED_STRONG, NEED_NOTHING } layer_need;

#define ASBX_LAYER_LIST(X)                                                                         \
    X(USER, RUN, "user namespace", "lets a caller without rights set up the others")               \
    X(PID, RUN, "pid namespace", "a job sees and signals no process but its own")                  \
    X(MOUNT, RUN, "mount namespace", "a read-only root that shows programs and libraries only")    \
    X(NETWORK, RUN, "network namespace", "no interface, no route, no socket of anybody else")      \
    X(IPC, STRONG, "ipc and uts namespaces", "no shared memory and no name of the machine")        \
    X(SECCOMP, RUN, "seccomp", "a list of system calls; any other is a violation")                 \
    X(LANDLOCK, STRONG, "landlock", "a list of paths, checked a second time")                      \
    X(NO_NEW_PRIVS, MEDIUM, "no_new_privs", "set-uid programs give nothing")                       \
    X(LIMITS, MEDIUM, "limits", "time, memory, files, processes; hard ones")                       \
    X(CAPABILITIES, MEDIUM, "capabilities", "a job has none")                                      \
    X(UID, NOTHING, "own uid", "a job is no user that owns anything")                              \
    X(DESCRIPTORS, MEDIUM, "descriptors", "a job inherits no open file")                           \
    X(KILL, MEDIUM, "kill of the tree", "nothing a job started outlives it")                       \
    X(CGROUP, NOTHING, "cgroup", "one bound on the memory of all processes of a job")              \
    X(YAMA, NOTHING, "yama", "processes of one user do not trace each other")                      \
    X(CORE, STRONG, "core dumps", "a crash leaves no file")

typedef enum layer_id {
#define X(id, need, name, protects) LAYER_##id,
    ASBX_LAYER_LIST(X)
#undef X
        LAYERS
} layer_id;

typedef struct layer_report { /* in a pipe, whole */
    uint32_t magic, id;
    int32_t state; /* asbx_layer_state */
    char found[160];
} layer_report;

enum {
    LAYER_REPORT_FD = 3,        /* of `assay-box --check`; the control group's follow */
    CHECK_GROUP_BYTES = 8 << 20 /* may be held in it */
};

/* check.c: asbx_check() with the helper that lies there. `groups`: where a control group can be
 * tried; NULL: that one is not, since the kernel logs each time that it kills for memory. */
uint32_t layers_check(const char *helper_dir, const group_place *groups,
                      asbx_layer out[ASBX_LAYERS], const char **level);
/* False, and a sentence with the cure in err: it is lower than `require` here. */
bool layers_require(const char *helper_dir, const char *require, asbx_error *err);
/* How far a level is up: "none" 0, "weak", "medium", "strong" 3; -1: no such word. */
int layers_rank(const char *level);
/* What to do about a layer that does not hold. `place`: "host", "docker", "podman", "kubernetes".
 */
const char *layers_cure(layer_id id, const char *place);
#endif
