/* zygote.h -- the helper's side: enters its namespaces once, then turns each order into a job. A
 * helper is single-threaded. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_ZYGOTE_H
#define ASBX_ZYGOTE_H
#include "policy.h"
#include "protocol.h"

#include <linux/filter.h>
#include <sys/types.h>

enum {
    ASBX_MOST_POLICIES = 8,
    ASBX_FD_BASE = 100, /* where zygote_serve.c puts an order's descriptors */
    ASBX_KEPT_FD = 200, /* survives zygote_confine(): the program to execute, close-on-exec; beyond
                           what a job may open */
    ASBX_TELL_FD        /* over which a job hands its listener to the zygote, and nothing else */
};

/* Filters and rulesets made once; jobs inherit them and only load them. */
typedef struct zygote_box {
    const asbx_policy *policy[ASBX_MOST_POLICIES];
    struct sock_fprog filter[ASBX_MOST_POLICIES];   /* what is denied comes as SIGSYS, to the job */
    struct sock_fprog listened[ASBX_MOST_POLICIES]; /* ... or to the zygote, which names it */
    int landlock[ASBX_MOST_POLICIES];               /* -1: the kernel has none */
    int told;             /* the other end of ASBX_TELL_FD; -1: the kernel has no listeners */
    int alive;            /* readable when the zygote is dead */
    bool is_root;         /* else in a user namespace of its own */
    unsigned outside_uid; /* ... whose owner this is */
    bool has_pivoted;
    bool counts_here; /* processes are counted in that namespace, not over all of the user's */
    uint32_t uid;     /* of its jobs, where it is root: no other zygote's */
    const char *plugin; /* a file that its root shows too, with the libraries beside it; NULL */
} zygote_box;

/* What failed, for the supervisor: 0, or -errno with *what. */
int zygote_enter_namespaces(zygote_box *box, const char **what);
int zygote_make_filter(const asbx_policy *policy, struct sock_fprog *out, const char **what);
int zygote_judge_arguments(const asbx_policy *policy, struct sock_fprog *p);
int zygote_make_listened(const struct sock_fprog *from, struct sock_fprog *out);
int zygote_make_landlock(const asbx_policy *policy,
                         const char **what);            /* a descriptor, or -errno */
/* All of the above, for each policy of a list that NULL ends. */
int zygote_prepare(zygote_box *box, const asbx_policy *const *policies, const char **what);

/* Clones a job into its control group, where the order has one: it is there before anything of the
 * job's is done. pidfd: the new process's. */
long zygote_clone(asbx_order *order, uint64_t flags, int *pidfd);

/* ---- who hears of a denied call (zygote_listen.c) ---- */
int zygote_listen_open(zygote_box *box,
                       const char **what); /* box->told is -1 where there are none */
bool zygote_listen_install(const zygote_box *box, uint32_t policy); /* in the job; false: without */
int zygote_listen_take(const zygote_box *box); /* the listener of the job that runs; -1: none */
int zygote_listen_hear(int listener);          /* the number of the call that waits; -1 */
/* Whether the job is dead before anybody need look after it: most are. `boss`: as below. */
bool zygote_is_soon_over(int pidfd, int boss);
/* Until the job is dead. It is killed for a call it must not make (*denied: its number, or
 * asbx_denied), and when `boss`, polled for its events, is gone: then -EPIPE. */
int zygote_see_out(const zygote_box *box, int pidfd, int boss, short events, int32_t *denied);

/* In the job, after clone: limits, descriptors, disk, user, Landlock, seccomp. Does not return
 * where a layer fails. */
void zygote_confine(const zygote_box *box, const asbx_order *order);
/* ... all but seccomp, so that the check sees what the other layers do by themselves. */
void zygote_confine_but_calls(const zygote_box *box, const asbx_order *order);

/* The same for a plugin, whose descriptors up to `last` are its own; ASBX_JOB_FD_RESULT is closed
 * when every layer holds. */
void zygote_confine_plugin(const zygote_box *box, const asbx_order *order, unsigned last);

/* The job's text as a mapping, read only; its descriptor is closed. NULL: malformed. */
typedef struct zygote_text {
    const asbx_job_head *head;
    asbx_text source, input, entry_point;
    const char *rest; /* calls, then files */
    size_t rest_len;
} zygote_text;
bool zygote_read_text(zygote_text *out);
bool zygote_next(zygote_text *t, asbx_text *out); /* the next call, file name or file's data */

/* Appends a record to the result pipe; async-signal-safe. */
void zygote_record(asbx_record_kind kind, uint32_t index, const void *data, size_t len);

/* Runs jobs until the supervisor is gone. `run` is called in the job, confined, and never returns.
 */
typedef void zygote_run(void *context, zygote_text *text, const asbx_order *order);
typedef struct zygote_hooks {
    zygote_run *run;
    /* In the job, before it is confined: opens what must be opened now, at ASBX_KEPT_FD. May be
     * NULL. */
    void (*confine_first)(void *context, const asbx_order *order);
    void *context;
} zygote_hooks;
int zygote_serve(int socket, const zygote_hooks *hooks); /* exit status */

/* assay-box --check: tries to break each layer, reports to LAYER_REPORT_FD (layers.h). digits:
 * ASBX_ORDER_... of a control group that is there to be tried; NULL: none. */
int check_main(const char *digits); /* exit status */
#endif
