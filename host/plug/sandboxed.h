/* sandboxed.h -- assay.sandbox/1 inside the host: the programs of verifiers, run in the one sandbox of this process. It
 * is opened when first needed, closed when nobody holds it any more. A verifier in a worker asks over the wire, so its
 * programs run in the host's sandbox too.
 * Threads: everything here is [any]; a run blocks until its programs have ended.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_SANDBOXED_H
#define AS_PLUG_SANDBOXED_H
#include "base/arena.h"
#include "plug/wire.h"

#include <assay/plugin.h>
#include <pthread.h>
#include <stdbool.h>

/* AS_ESANDBOX with the cure where this system does not grant the isolation asked for. */
int as_sandboxed_hold(as_err *err);
void as_sandboxed_release(void);
/* Whether a plugin may be jailed here: AS_ESANDBOX names the layer that is missing, with the cure. The layers are tried
 * once in the life of this process. */
int as_sandboxed_require(as_err *err);

/* Memory that lives as long as one call of a verifier. */
typedef struct as_kept {
    pthread_mutex_t lock;
    as_arena arena;
    const assay_call *call; /* where it was opened for one that no seat made */
    struct as_kept *next;
} as_kept;
void as_kept_init(as_kept *k);
void as_kept_fini(as_kept *k);
as_kept *as_call_kept(const assay_call *call); /* NULL: no such call is under way (inproc.c) */
/* For who calls a verifier without a seat (`assay plugin check`): makes the call one that may use the sandbox. */
void as_kept_open(as_kept *k, const assay_call *call);
void as_kept_close(as_kept *k);
as_kept *as_kept_find(const assay_call *call); /* NULL: not opened so */

/* Ends a run early where it is not 0: programs that have not begun get sandbox_error, and AS_EINTR is returned. */
typedef int as_sandboxed_stop(void *ctx);
/* Runs the programs on all slots and fills the "out" half of each; texts go to `kept`. The sandbox is held by the
 * caller. AS_EUSAGE: a job that makes no sense; AS_ENOMEM. A program that fails is no error. */
int as_sandboxed_run(assay_run *const *jobs, uint32_t n, as_kept *kept, as_sandboxed_stop *stop, void *ctx,
                     as_err *err);

/* The same across the wire: the worker puts jobs and takes results, the host takes jobs and puts results. */
void as_sandboxed_put_jobs(as_buf *b, assay_run *const *jobs, uint32_t n);
int as_sandboxed_take_jobs(as_wire_reader *r, assay_run ***jobs, uint32_t *n, as_arena *arena, as_err *err);
void as_sandboxed_put_results(as_buf *b, assay_run *const *jobs, uint32_t n);
int as_sandboxed_take_results(as_str payload, assay_run *const *jobs, uint32_t n, as_kept *kept, as_err *err);
/* 0, or AS_EUSAGE: what a verifier may have forgotten to set. */
int as_sandboxed_check(assay_run *const *jobs, uint32_t n, as_err *err);
#endif
