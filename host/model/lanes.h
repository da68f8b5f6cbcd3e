/* lanes.h -- a pass over many sequences in parts that need nothing of each other, each on a thread of its own from the
 * embedding to the draw: no thread waits for another in between, and what a part computes stays in its core's cache.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_LANES_H
#define AS_MODEL_LANES_H
#include "model/transformer.h"

/* One lane's share of a pass: tokens of sequences that no other has. */
typedef struct as_lane_pass {
    as_paged batch;          /* n_tokens 0: nothing */
    const k_sample_row *how; /* [batch.n_rows] */
    int64_t n_valid;         /* as in as_run_sample */
    as_sampled *out;         /* [batch.n_rows] */
} as_lane_pass;

/* The forward of new tokens and a draw for each of the batch's rows (pass.c). */
int as_run_pass(as_run *r, const as_lane_pass *pass, const as_kv_cache *cache, as_err *err);

/* Runs of a whole run's lanes, in its memory: a pass of theirs takes the place of one of the whole. One thread. */
typedef struct as_lanes as_lanes;
/* `whole` was made with options.lanes > 1, and outlives them. */
int as_lanes_new(as_lanes **out, as_run *whole, as_err *err);
void as_lanes_free(as_lanes *l); /* NULL is fine */
/* as_run_pass of passes[options.lanes], at once; of several failures the first lane's. */
int as_lanes_pass(as_lanes *l, const as_lane_pass *passes, const as_kv_cache *cache, as_err *err);
#endif
