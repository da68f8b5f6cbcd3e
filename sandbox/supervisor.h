/* supervisor.h -- what the files of the supervisor share. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_SUPERVISOR_H
#define ASBX_SUPERVISOR_H
#include "policy.h"
#include "protocol.h"

#include <pthread.h>
#include <sys/types.h>

/* ---- slots: zygotes, one job at a time each ---- */

typedef enum asbx_kind { KIND_BOX, KIND_PYTHON, KINDS } asbx_kind;

typedef struct asbx_slot {
    asbx_kind kind;
    char prelude[256];
    pid_t pid; /* 0: none is running */
    int socket;
    uint32_t jobs, number;
    bool busy;
    uint64_t used; /* when last, for replacing */
} asbx_slot;

typedef struct asbx_settings {
    uint32_t slots, jobs_per_zygote;
    char helper_dir[4096], python[4096];
} asbx_settings;

struct asbx {
    asbx_settings settings;
    pthread_mutex_t lock;
    pthread_cond_t freed;
    asbx_slot *slots;
    uint32_t n_slots;
    uint64_t clock;
};

/* A running zygote of that kind, for this thread alone; NULL with a sentence in `why`. Waits for a
 * free one. */
asbx_slot *slot_take(asbx *s, asbx_kind kind, const char *prelude, char *why, size_t size);
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
    asbx_started started;
    asbx_ended ended;
    bool has_ended, over_cpu, over_wall, broken; /* broken: the zygote failed, not the job */
    uint64_t wall_us;
    char why[160]; /* of broken */
} job_run;

/* Sends the job to the zygote and sees it to its end; never leaves it running. */
void job_execute(asbx_slot *slot, const asbx_job *job, const asbx_policy *policy, uint32_t flags,
                 job_run *run);
void job_run_fini(job_run *run);
/* What the run means: fills the result; takes the texts over from the run. */
void job_classify(const asbx_job *job, job_run *run, asbx_result *out);

/* asbx_limits with the policy's where the job's are 0, none above its most. */
asbx_limits job_limits(const asbx_job *job, const asbx_policy *policy);
uint64_t job_now_us(void); /* CLOCK_MONOTONIC: a clock that jumps changes no limit */
int job_receive(int socket, void *data, size_t len, int *fd, int timeout_ms);
#endif
