/* scorer_priv.h -- the inside of a scorer, shared by scorer.c (seats), score.c (one call),
 * recover.c (failures), rows.c (checks) and batch.c (columns). Internal to plug/.
 *
 * Lock: `lock` guards the free list and the counts beside it; it is never held while a verifier is
 * created or called. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_SCORER_PRIV_H
#define AS_PLUG_SCORER_PRIV_H
#include "plug/scorer.h"
#include "plug/seat.h"
#include "plug/services.h"

#include <pthread.h>

enum { RANGE_US = 20000, RANGE_MAX = 512, RANGE_COST_UNKNOWN = 64, RANGE_BYTES = 64 << 20 };

struct as_scorer {
    as_arena arena; /* of the infos and texts below */
    as_verifier_info info;
    as_scorer_options options;
    as_seat_spec spec;
    as_seat_counts counts;
    as_services *services;
    as_digest config_hash;
    float score_min, score_max;
    uint32_t range; /* items per call of the verifier */
    bool is_inproc, votes;
    _Atomic bool said_bad_text;

    as_seat *shared; /* the one seat of a reentrant verifier in this process; NULL: `seats` serve */
    pthread_mutex_t lock;
    pthread_cond_t freed;
    as_seat **seats; /* max_seats */
    as_seat **free_; /* the idle ones, a stack */
    unsigned n_seats, n_free, max_seats, threads;

    _Atomic uint64_t n_items, n_calls, n_cached, n_duplicates, n_retried, busy_ns;
};

/* scorer.c. Blocks while all seats are taken; the verifier of a new seat is made here. */
int as_seat_take(as_scorer *s, as_act act, as_seat **out, as_err *err);
void as_seat_give(as_scorer *s, as_seat *seat);

/* batch.c: columns. */
/* first[i] <= i: the first item of the call with the same prompt, completion, reference and meta.
 * May miss a duplicate, never names a wrong one. NULL: no memory. */
uint32_t *as_batch_duplicates(const as_items *items, as_arena *arena, uint32_t *n_duplicates);
int as_batch_pick(as_items *out, const as_items *in, const uint32_t *rows, uint32_t n,
                  as_arena *arena, as_err *err);
/* Row i of `from` becomes row rows[i] of `to`; texts are shared. Both live in the same arena. */
int as_batch_spread(as_results *to, const as_results *from, const uint32_t *rows, uint32_t n,
                    as_err *err);
int as_batch_copy_row(as_results *to, uint32_t row, const as_results *from, uint32_t from_row);

/* rows.c: what a verifier wrote is checked before anybody uses it. After it no row of lo..hi is
 * UNSET. */
void as_rows_check(as_scorer *s, as_act act, const as_items *items, as_results *r, uint32_t lo,
                   uint32_t hi, const as_outcome *o);
void as_rows_reset(as_results *r, uint32_t lo, uint32_t hi);

/* recover.c: all items through seats; a failure costs exactly the item (or group) that caused it.
 * settled[i] is set where the outcome is final and no retry can help; may be NULL. */
int as_run_items(as_scorer *s, as_act act, const as_items *items, uint32_t want, as_results *r,
                 bool *settled, as_err *err);
#endif
