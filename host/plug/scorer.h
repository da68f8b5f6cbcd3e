/* scorer.h -- an opened verifier: the batcher every command, trainer and server scores through.
 *
 * It owns isolation (in process or worker processes), batches by cost, deadlines, in-call duplicates, the cache, retries
 * and the rule that a failure of ours is never a score: whatever goes wrong, each item ends with a verdict, and what is
 * not the model's doing ends as ERROR with the reason.
 * Threads: score, extract, same are [any]; a call blocks while all seats (verifier instances) are taken.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_SCORER_H
#define AS_PLUG_SCORER_H
#include "data/item.h"
#include "jobs/cancel.h"
#include "plug/cache.h"
#include "plug/registry.h"
#include "plug/results.h"

typedef struct as_scorer as_scorer;
typedef enum as_isolation {
    AS_ISOLATION_AUTO,   /* ours in process, everything else in a worker */
    AS_ISOLATION_INPROC, /* trusted code: a crash is ours */
    AS_ISOLATION_WORKER,
    AS_ISOLATION_JAIL    /* a worker that is confined before it loads the plugin; AS_ESANDBOX where that cannot be had */
} as_isolation;
typedef struct as_scorer_options {
    as_isolation isolation;
    unsigned threads;        /* seats; 0: one per core (16 for F_BLOCKS verifiers) */
    unsigned timeout_ms;     /* per item; 0: 10,000 */
    unsigned worker_mem_mib; /* address space of a worker beyond its own; 0: 2048 */
    as_cache *cache;         /* NULL: none. Used where cost_us >= AS_CACHE_COST_US */
    const as_cancel *cancel; /* NULL: none */
    unsigned depth;          /* of nesting through assay.verifiers/1; callers leave it 0 */
} as_scorer_options;

/* "NAME", "PATH", "PATH#verifier", each with an optional ":{json config}". Makes the first instance at once, so a bad
 * configuration fails here: AS_EUSAGE from a verifier that refuses its config, AS_EPLUGIN for the rest. */
int as_scorer_open(as_scorer **out, as_registry *registry, const char *name_and_config,
                   const as_scorer_options *options, as_err *err);
void as_scorer_close(as_scorer *s); /* no call may be running; NULL is fine */

const as_verifier_info *as_scorer_info(const as_scorer *s);
as_digest as_scorer_config_hash(const as_scorer *s); /* SHA-256 of the canonical config */
as_digest as_scorer_file_hash(const as_scorer *s);   /* of the .so; zero for a static entry */
as_str as_scorer_config(const as_scorer *s);         /* canonical JSON, "{}" where none was given */
bool as_scorer_votes(const as_scorer *s);            /* offers assay.answer/1 */
bool as_scorer_is_inproc(const as_scorer *s);
as_isolation as_scorer_isolation(const as_scorer *s); /* what became of it: never AUTO */
unsigned as_scorer_threads(const as_scorer *s);
void as_scorer_range(const as_scorer *s, float *low, float *high);

/* Scores items[0..n) into `out` (initialised here over `arena`). `want`: ASSAY_WANT_*. 0 even when items failed; < 0 only
 * for cancellation and want of memory, and then verdicts already reached are in `out`, the rest is UNSET. Items of a
 * group are adjacent and all in this call where the verifier NEEDS_GROUP. */
int as_scorer_score(as_scorer *s, const as_items *items, uint32_t want, as_arena *arena, as_results *out, as_err *err);
/* assay.answer/1: OUT_KEY and OUT_ANSWER per item, none where there is no answer. An item whose extraction failed has
 * verdict ERROR and a reason; the others PASS. AS_EPLUGIN where the verifier does not vote. */
int as_scorer_extract(as_scorer *s, const as_items *items, as_arena *arena, as_results *out, as_err *err);
/* 1 the same answer, 0 not, < 0 could not be decided (counted as not the same). */
int as_scorer_same(as_scorer *s, as_str a, as_str b);

typedef struct as_scorer_stats {
    uint64_t items, calls, cached, duplicates, retried, worker_starts, worker_deaths;
    uint64_t busy_ns; /* summed over seats */
} as_scorer_stats;
as_scorer_stats as_scorer_get_stats(const as_scorer *s); /* [any], a snapshot */
#endif
