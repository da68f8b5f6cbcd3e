/* policy.h -- what a job may do: data, not code. Compiled in from policies.c; docs/SANDBOX.md
 * prints them. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_POLICY_H
#define ASBX_POLICY_H
#include "sandbox.h"

typedef enum asbx_deny { /* what happens to a system call that is not on the list */
                         ASBX_DENY_ERRNO, /* EPERM, as if there were no permission: what libraries
                                             probe */
                         ASBX_DENY_TRAP   /* recorded as a violation: what no solution needs */
} asbx_deny;

typedef struct asbx_path {
    const char *path;
    bool write, exec;
} asbx_path;

typedef struct asbx_policy {
    const char *name, *about;
    const char *const *allowed;  /* system calls, NULL-terminated */
    const char *const *forgiven; /* denied with EPERM and not counted against the job,
                                    NULL-terminated; all others trap */
    const asbx_path
        *paths;         /* beneath which files may be read (all), written, run; {NULL} ends it */
    bool threads;       /* clone with CLONE_THREAD */
    bool processes;     /* fork and exec: compilers */
    bool disk;          /* a private tmpfs on /tmp, limits.file_kib in all */
    int speaks_on;      /* the one descriptor it may send to and receive from; 0: none */
    asbx_limits limits; /* the standard ones; a job may ask for others within `most` */
    asbx_limits most;
} asbx_policy;

const asbx_policy *asbx_policy_find(const char *name); /* NULL: there is none of that name */
extern const asbx_policy *const asbx_policies[];       /* NULL-terminated */
extern const asbx_policy asbx_policy_plugin;           /* of jail.h; no job asks for it */
#endif
