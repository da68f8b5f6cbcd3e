/* worker_serve.h -- the worker's side: one verifier, asked over the wire. Internal to plug/ and
 * assay-worker. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_WORKER_SERVE_H
#define AS_PLUG_WORKER_SERVE_H
#include "jobs/cancel.h"

#include <assay/plugin.h>
#include <stdatomic.h>
#include <stdbool.h>

enum { AS_WORKER_ITEMS = 1 << 20 }; /* most items in one call */

/* Memory both sides see while a call runs: the verdict column itself, so that the host knows how
 * far the verifier is and, after a crash, which item it was at. The host takes it as a hint only;
 * what counts is the reply. */
typedef struct as_worker_shared {
    as_cancel cancel;           /* set by the host */
    _Atomic uint32_t n_emitted; /* progress of verifiers that set their verdicts last */
    char pad[44];
    assay_verdict verdict[AS_WORKER_ITEMS];
} as_worker_shared;

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define AS_HAS_SHADOW_MEMORY 1 /* terabytes of address space, never touched */
#elif defined(__has_feature)
#if __has_feature(address_sanitizer) || __has_feature(thread_sanitizer)
#define AS_HAS_SHADOW_MEMORY 1
#endif
#endif
#ifndef AS_HAS_SHADOW_MEMORY
#define AS_HAS_SHADOW_MEMORY 0
#endif

/* Under memory pressure the worker goes first, not the host. */
void as_worker_volunteer(void);
/* Serves descriptor 3 until the host goes away; is_jailed: confined already (sandbox/jail.h).
 * Returns the exit status. */
int as_worker_serve(bool is_jailed);
/* Answers the first request with that error. Returns the exit status. */
int as_worker_refuse(int code, const char *text);
#endif
