/* seat.h -- one instance of a verifier and the way to call it: in this process (inproc.c) or in a worker (worker.c).
 * Internal to plug/. One thread at a time per seat, unless is_shared.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_SEAT_H
#define AS_PLUG_SEAT_H
#include "data/item.h"
#include "jobs/cancel.h"
#include "plug/info.h"
#include "plug/registry.h"
#include "plug/results.h"

#include <stdatomic.h>

typedef enum as_act { AS_ACT_SCORE = 1, AS_ACT_EXTRACT = 2 } as_act;

/* How a whole call ended; the items' verdicts say the rest. */
typedef enum as_fate {
    AS_FATE_DONE,      /* the verifier returned; `status` is its assay_status */
    AS_FATE_DIED,      /* the worker ended: crash, exit, kill, memory */
    AS_FATE_HUNG,      /* no progress for the timeout; the worker was killed */
    AS_FATE_DIRTY,     /* returned, but wrote to stdout: one of the items did it */
    AS_FATE_CANCELLED, /* our own cancel */
    AS_FATE_BROKEN     /* no worker could be started: `why` says it, retrying is pointless */
} as_fate;
typedef struct as_outcome {
    as_fate fate;
    assay_status status;
    uint32_t first_unset; /* hint after DIED, HUNG: the first item without a verdict; hi: all had one */
    bool fresh;           /* the seat had served nothing before this call */
    char why[300];
} as_outcome;

typedef struct as_seat as_seat;
struct as_seat {
    /* Calls the verifier on items[lo..hi), writing rows lo..hi of r. Never fails otherwise than by its outcome. */
    void (*call)(as_seat *s, as_act act, const as_items *items, uint32_t lo, uint32_t hi, uint32_t want, as_results *r,
                 as_outcome *out);
    int (*same)(as_seat *s, as_str a, as_str b);
    void (*close)(as_seat *s);
    bool is_shared;          /* may be called by many threads at once */
    bool votes, tasks;
    float score_min, score_max;
};

typedef struct as_seat_counts { /* of one scorer, shared by its seats */
    _Atomic uint64_t starts, deaths; /* of workers */
} as_seat_counts;
struct as_services; /* the parts a verifier opened through assay.verifiers/1, shared by the seats of one scorer */
typedef struct as_seat_spec {
    as_found found;
    as_str config;           /* canonical JSON */
    unsigned timeout_ms, worker_mem_mib;
    bool is_jailed;          /* the worker is */
    const as_cancel *cancel;
    struct as_services *services;
    const assay_host *host;  /* inside a worker: the stand-in for the host; NULL: the services' own */
    _Atomic uint32_t *progress; /* texts emitted, replacements not counted, for whoever watches; NULL: nobody */
    as_seat_counts *counts;  /* NULL: not counted */
} as_seat_spec;

/* `info` is filled (from the descriptor, or by the worker); NULL where it is known already. The spec outlives the seat. */
int as_inproc_open(as_seat **out, const as_seat_spec *spec, as_verifier_info *info, as_arena *arena, as_err *err);
int as_worker_open(as_seat **out, const as_seat_spec *spec, as_verifier_info *info, as_arena *arena, as_err *err);
#endif
