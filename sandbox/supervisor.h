/* supervisor.h -- what the files of the supervisor share. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_SUPERVISOR_H
#define ASBX_SUPERVISOR_H
#include "cgroup.h"
#include "policy.h"
#include "protocol.h"

#include <pthread.h>
#include <sched.h>
#include <sys/types.h>

/* ---- slots: zygotes, one job at a time each ---- */

typedef enum asbx_kind { KIND_BOX, KIND_PYTHON, KINDS } asbx_kind;

/* Most jobs are over before: so long they stay on their processor, and nobody reads their output.
 */
enum { JOB_SHORT_MS = 5 };

typedef struct asbx_settings {
    uint32_t slots, jobs_per_zygote;
    char helper_dir[4096], python[4096];
    cpu_set_t cpus; /* the caller's */
    group_place groups;
} asbx_settings;

typedef struct asbx_slot {
    asbx_kind kind;
    char prelude[256];
    pid_t pid; /* 0: none is running */
    int socket;
    uint32_t jobs, number, seed;
    int cpu;
    const asbx_settings *settings;
    group group;
    bool busy;
    uint64_t used; /* when last, for replacing */
} asbx_slot;

typedef struct slot_waiter slot_waiter;
struct asbx {
    asbx_settings settings;
    const asbx_language *languages; /* the caller's */
    uint32_t n_languages;
    pthread_mutex_t lock;       /* of all below; held for no longer than it takes to choose */
    slot_waiter *first, **last; /* who waits for a permit, in the order they came */
    uint32_t permits;           /* jobs that may begin now; a job and its tester are one */
    asbx_slot *slots;
    uint32_t n_slots; /* two for each permit: who has one finds two free slots */
    uint64_t clock;
};

/* ---- waits for its turn; then slots never lack ---- */
void slot_enter(asbx *s);
void slot_leave(asbx *s);
/* A running zygote of that kind, for this thread alone; NULL with a sentence in `why`. At most two
 * between slot_enter() and slot_leave(). */
asbx_slot *slot_take(asbx *s, asbx_kind kind, const char *prelude, uint32_t seed, char *why,
                     size_t size);
void slot_give(asbx *s, asbx_slot *slot,
               bool broken); /* broken: it is killed, the next taker gets a fresh one */
void slot_stop(asbx_slot *slot);
int slot_start(const asbx_settings *settings, asbx_slot *slot, char *why, size_t size);

/* ---- one job ---- */

typedef struct job_pipe {
    int fd; /* -1: closed */
    char *data;
    size_t len, cap, most;
    bool over; /* more came than `most` */
} job_pipe;

typedef struct job_run {
    asbx_limits limits;
    job_pipe out, err, result;
    int socket, pidfd;     /* the zygote's; the job's, -1 where it did not start */
    const cpu_set_t *cpus; /* where it may run when it has proved to be long; NULL: it does */
    int down, down_reader; /* the pipe to the job, with ASBX_ORDER_DOWN; else -1 */
    asbx_started started;
    asbx_ended ended;
    uint64_t ordered; /* a short job may be over before we hear that it began */
    uint64_t began, wall_us;
    const group *group; /* it is in; NULL: none */
    group_verdict group_said;
    bool has_ended, killed, over_cpu, over_wall,
        broken;    /* broken: the zygote failed, not the job */
    char why[160]; /* of broken */
} job_run;

/* Sends the job to the zygote and sees it to its end; never leaves it running. */
void job_execute(asbx_slot *slot, const asbx_job *job, const asbx_policy *policy, uint32_t flags,
                 job_run *run);
/* The steps of it, for who watches two jobs at once. What fails says so in run->broken. */
void job_order(asbx_slot *slot, const asbx_job *job, const asbx_policy *policy, uint32_t flags,
               job_run *run);
void job_await_start(job_run *run); /* or its end, where that comes first */
void job_set_free(job_run *run); /* from the processor it began on; see asbx_order */
int job_time_left(job_run *run); /* ms until a limit could be reached; 0: one is */
bool job_drain(job_pipe *p);     /* what is there now; false: the cap is reached, or memory is */
void job_kill(job_run *run);
void job_await_end(job_run *run, int timeout_ms); /* the zygote's word that it is dead and reaped */
void job_finish(job_run *run); /* killed, reaped, drained: whatever went before */
void job_run_fini(job_run *run);
/* What the run means: fills the result; its texts stay in the run's memory. */
void job_classify(const asbx_job *job, job_run *run, asbx_result *out);
asbx_status job_of_exception(asbx_text text); /* "MemoryError: ...": the word for it */

/* What the caller got wrong, as a sentence; NULL: nothing. (refuse.c) */
const char *job_refusal(const asbx_job *job);

/* asbx_limits with the policy's where the job's are 0, none above its most. */
asbx_limits job_limits(const asbx_job *job, const asbx_policy *policy);
uint64_t job_now_us(void); /* CLOCK_MONOTONIC: a clock that jumps changes no limit */
/* The next message, of up to `most` bytes: how many; -errno. */
int job_receive(int socket, void *data, size_t most, int *fd, int timeout_ms);

/* ---- what a job takes ---- */

asbx_result *result_new(uint32_t n_values); /* NULL: no memory */
asbx_result *result_failed(asbx_result *r,
                           const char *why); /* ours: sandbox_error, of each value too */
/* One job in a helper of that kind, to its end. flags: ASBX_ORDER_... NULL: no memory. */
asbx_result *run_on(asbx *s, const asbx_job *job, asbx_kind kind, const asbx_policy *policy,
                    uint32_t flags);
/* Of C and C++: more than any compiler has to take. */
bool nesting_is_too_deep(asbx_text source); /* nesting.c */
asbx_result *language_run(asbx *s, const asbx_job *job, const char *name); /* language.c */

/* ---- with a tester ---- */

/* Sees both jobs to their ends; `out` is new, its texts go into out->memory. broken: which of the
 * zygotes failed. */
typedef struct tester_slots {
    asbx_slot *of_tester, *of_tested;
    bool tester_broken, tested_broken;
} tester_slots;
void tester_execute(tester_slots *slots, const asbx_job *job, const asbx_policy *policy,
                    asbx_result *out);
#endif
