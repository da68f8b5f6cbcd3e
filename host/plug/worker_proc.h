/* worker_proc.h -- the process behind a worker seat: started, watched, ended, and what is known of
 * its end. Internal to plug/. One thread at a time. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_WORKER_PROC_H
#define AS_PLUG_WORKER_PROC_H
#include "plug/wire.h"
#include "plug/worker_serve.h"

#include <sys/types.h>

enum { AS_WORKER_SAID = 80, AS_WORKER_TAIL = 4096, AS_WORKER_TICK_MS = 50 };

typedef struct as_worker_proc {
    const char *jail;   /* the plugin's file, where it is to run confined; NULL: as we do */
    unsigned mem_mib;   /* with jail */
    pid_t pid;          /* 0: none */
    int sock, out, err; /* ours: the socket, and the reading ends of its stdout and stderr */
    int shared_fd;
    long inherited_kib; /* ru_maxrss of a new process starts at its parent's */
    as_worker_shared
        *shared; /* lives as long as the seat; sealed, so that no worker can shrink it under us */
    as_wire wire;
    char said[AS_WORKER_SAID]; /* the first bytes of what it wrote to stdout */
    size_t n_said;
    char tail[AS_WORKER_TAIL]; /* the last bytes of what it wrote to stderr */
    size_t n_tail;
} as_worker_proc;

int as_worker_proc_init(as_worker_proc *p, as_err *err); /* the shared memory; no process yet */
void as_worker_proc_fini(as_worker_proc *p);             /* ends the process kindly, then not */
int as_worker_proc_start(as_worker_proc *p, as_err *err);
void as_worker_proc_stop(as_worker_proc *p); /* closes the connection, waits a little, kills */
/* After the connection broke: reaps (kills where it still runs) and says in one line how it ended.
 */
void as_worker_proc_died(as_worker_proc *p, unsigned mem_mib, char *why, size_t size);
void as_worker_proc_kill(as_worker_proc *p);
/* Reads what stdout and stderr hold, without waiting. */
void as_worker_proc_drain(as_worker_proc *p);
/* `why` gets the last line of stderr added, if there is one; forgets it. */
void as_worker_proc_add_stderr(as_worker_proc *p, char *why, size_t size);
#endif
