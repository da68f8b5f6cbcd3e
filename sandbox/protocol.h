/* protocol.h -- what supervisor, zygote and job say to each other. One machine, one build: structs
 * as they are.
 *
 * supervisor -> zygote: asbx_order, with five to eight descriptors (asbx_fd).  zygote ->
 * supervisor: asbx_started with the job's pidfd, then, when the job is dead and reaped, asbx_ended;
 * of a job that is over at once, asbx_ended alone. The two differ in size.
 * The job reads its text from a sealed memfd and writes records to its result pipe; nothing of it
 * ever lies in the zygote. SPDX-License-Identifier: Apache-2.0 */
#ifndef ASBX_PROTOCOL_H
#define ASBX_PROTOCOL_H
#include "sandbox.h"

#include <errno.h>
#include <unistd.h>

enum { ASBX_MAGIC = 0x58425341, ASBX_PROTOCOL = 4 };

typedef enum asbx_fd {
    ASBX_FD_JOB,
    ASBX_FD_IN,
    ASBX_FD_OUT,
    ASBX_FD_ERR,
    ASBX_FD_RESULT,
    ASBX_FD_DOWN,  /* records to the job; with ASBX_ORDER_TESTER and ASBX_ORDER_TESTED only */
    ASBX_FD_GROUP, /* of the job's control group, last in the message: with ASBX_ORDER_JOIN its list
                      of tasks, with ASBX_ORDER_INTO its directory */
    ASBX_FD_GROUP_TOO,
    ASBX_FDS
} asbx_fd;

enum {
    ASBX_ORDER_PROGRAM = 1, /* the source is a native program */
    ASBX_ORDER_TESTER = 2,  /* the source is a test; the entry point's name is the candidate's, and
                               the one call, if any, is the name of the function to run */
    ASBX_ORDER_TESTED = 4,  /* calls come down the pipe until it closes */
    ASBX_ORDER_DOWN = ASBX_ORDER_TESTER | ASBX_ORDER_TESTED,
    ASBX_ORDER_JOIN = 8,      /* the job joins a control group: by its first act (version 1), ... */
    ASBX_ORDER_JOIN_TOO = 16, /* and another one, of a second hierarchy */
    ASBX_ORDER_INTO = 32,     /* ... or it is cloned into it (version 2) */
    ASBX_ORDER_COUNTED = 64   /* its processes are counted there */
};
static inline unsigned asbx_order_fds(uint32_t flags) /* but those of groups */
{
    return flags & ASBX_ORDER_DOWN ? ASBX_FD_DOWN + 1 : ASBX_FD_DOWN;
}
static inline unsigned asbx_order_groups(uint32_t flags)
{
    return (flags & (ASBX_ORDER_JOIN | ASBX_ORDER_INTO) ? 1U : 0U) +
           (flags & ASBX_ORDER_JOIN_TOO ? 1U : 0U);
}
typedef struct asbx_order {
    uint32_t magic, protocol;
    uint32_t policy; /* index into asbx_policies */
    uint32_t flags;  /* ASBX_ORDER_... */
    uint32_t uid;    /* of the job: the zygote's business; 0: keep */
    int32_t cpu;     /* where helper and job begin; -1: anywhere */
    asbx_limits limits;
    uint64_t seed;
} asbx_order;

typedef struct asbx_started {
    uint32_t magic;
    int32_t
        error;   /* errno of what failed before the job began; 0: it runs, its pidfd comes along */
    int32_t pid; /* in the supervisor's pid namespace; 0 in the first message, which says that the
                    zygote is ready */
    char what[96]; /* ... and what that was */
} asbx_started;

/* Where the kernel has no listeners, the job itself says what it was denied (ASBX_RECORD_SYSCALL).
 */
typedef enum asbx_denied { ASBX_DENIED_NOTHING = -1, ASBX_DENIED_ASK_THE_JOB = -2 } asbx_denied;

typedef struct asbx_ended {
    uint32_t magic;
    int32_t wait_status;
    int32_t denied; /* the system call it was killed for, or asbx_denied */
    uint64_t cpu_us, peak_kib;
} asbx_ended;

/* The memfd: this head, then source, input, entry point, calls (each a uint32 length and its
 * bytes), files (name, data). */
typedef struct asbx_job_head {
    uint32_t magic, n_calls, n_files, reserved;
    uint64_t source, input, entry_point; /* lengths */
} asbx_job_head;

/* A record in the result pipe: this head, then `len` bytes. A job may forge any of them, which is
 * no more than returning that value; ASBX_RECORD_SETUP means nothing after ASBX_RECORD_BEGAN.
 *
 * Tester mode: the tester sends a CALL up, the supervisor sends the same record down to the tested
 * job, whose ANSWER goes up and down again. One call at a time; an answer to another call than the
 * one that is out is dropped. The tester's last record is its verdict; in a tested job's pipe the
 * same record is noise. Payloads are value.h's encoding:
 *   CALL    (3 entry point, args tuple, kwargs dict)
 *   ANSWER  (3 result, raised, args)   raised: N, or (2 type's name, message), the result is N
 * then; args: N where the call did not change them, else the tuple */
typedef enum asbx_record_kind {
    ASBX_RECORD_VALUE = 'V',   /* call `index` returned: value.h's encoding */
    ASBX_RECORD_RAISED = 'E',  /* call `index` raised: "Type: message" */
    ASBX_RECORD_SCRIPT = 'X',  /* the program itself raised: "Type: message" */
    ASBX_RECORD_SYNTAX = 'C',  /* it does not compile: "SyntaxError: message" */
    ASBX_RECORD_SYSCALL = 'S', /* a denied system call; index is its number */
    ASBX_RECORD_SETUP = '!',   /* the isolation failed before the program began; index is errno */
    ASBX_RECORD_DONE = 'D',    /* it ran to its end */
    ASBX_RECORD_BEGAN = 'B',   /* all that is ours went well; what follows is the program's */
    ASBX_RECORD_CALL = 'K',    /* index: its number, from 1 */
    ASBX_RECORD_ANSWER = 'A',  /* index: the call's */
    ASBX_RECORD_PASSED = 'P',  /* the test ended as it should */
    ASBX_RECORD_FAILED = 'F',  /* it raised: "AssertionError: message"; index: the line */
    ASBX_RECORD_THREW = 'R',   /* what it raised is what the candidate raised */
    ASBX_RECORD_UNFIT = 'U'    /* it is no test: "SyntaxError: message" */
} asbx_record_kind;
typedef struct asbx_record {
    uint32_t kind, index, len;
} asbx_record;

/* False: errno says why. */
static inline bool asbx_write_all(int fd, const void *data, size_t len)
{
    const char *p = data;
    while (len > 0) {
        ssize_t n = write(fd, p, len);
        if (n < 0 && errno == EINTR)
            continue;
        if (n <= 0)
            return false;
        p += n;
        len -= (size_t)n;
    }
    return true;
}

enum {
    ASBX_JOB_FD_RESULT = 1100,
    ASBX_JOB_FD_TEXT, /* closed before it begins */
    ASBX_JOB_FD_DOWN
}; /* as the job sees them: above all it may open itself, and above what programs look through */
#endif
