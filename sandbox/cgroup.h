/* cgroup.h -- one bound on the memory of all processes of a job, and a count of them, where the
 * caller may make control groups (version 1 or 2). Where it may not, jobs run as well without: each
 * process has its own limits. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_CGROUP_H
#define ASBX_CGROUP_H
#include "policy.h"

/* Where groups can be made; found when the sandbox opens. */
typedef struct group_place {
    unsigned version;              /* 1 or 2; 0: nowhere, see `why` */
    char memory[1024], pids[1024]; /* the groups to make ours in; pids: of version 1, which counts
                                      processes in a hierarchy of its own; "": not to be had */
    char why[160];                 /* a sentence */
} group_place;

/* What the kernel counts for a group. */
typedef struct group_counts {
    uint64_t killed;  /* processes, for want of memory */
    uint64_t full;    /* times that memory reached the bound */
    uint64_t refused; /* processes and threads that would have been one too many */
} group_counts;

/* A slot's group: made for the first job that has one, used for all that follow, one at a time. All
 * zero: there is none. */
typedef struct group {
    bool is_made;
    char name[64];
    unsigned n_join;
    int join[2];            /* goes with the order: see ASBX_ORDER_JOIN, ASBX_ORDER_INTO */
    int events, full, pids; /* files with those counts; -1: not to be had */
    uint64_t bound, procs;  /* as set; 0: not yet */
    group_counts before;    /* the job */
} group;

typedef struct group_verdict {
    bool memory;    /* it reached its bound, and the kernel killed for it */
    bool elsewhere; /* killed for want of memory that was not its own bound: the machine's, or that
                       of a group above */
    bool procs;     /* a process or thread was refused it */
} group_verdict;

/* Removes what supervisors left that were killed, too. */
void group_find(group_place *out);
/* Makes the group if it is not there (any more), bounds it for the job and notes the counts. False:
 * this job goes without. */
bool group_ready(group *g, const group_place *place, uint64_t bound, uint32_t procs);
uint32_t group_order_flags(const group *g); /* ASBX_ORDER_JOIN and so on */
/* What the kernel did to the job, which is over. A group that is gone says nothing. */
group_verdict group_judge(const group *g);
void group_close(group *g, const group_place *place); /* removes it; its processes are dead */

/* What a job's group may hold, in bytes. */
uint64_t group_bound(const asbx_policy *policy, const asbx_limits *limits);
#endif
