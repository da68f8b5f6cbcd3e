/* gen_pass.h -- one pass of sampling: tokens of sequences, dealt out over the lanes of a device, and what was drawn for
 * those that want a token. Private to generate.c. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_GEN_PASS_H
#define AS_MODEL_GEN_PASS_H
#include "model/gen_sequence.h"
#include "model/lanes.h"

/* What one lane computes of a pass, or all of it where it is not split. */
typedef struct as_gen_batch {
    int32_t *ids, *positions, *seq_of; /* [n_tokens] */
    int32_t *tables;                   /* [n_tables, most_blocks] */
    int32_t *rows;                     /* [n_rows] the last token of each sequence that is sampled */
    as_gen_seq **row_of;               /* [n_rows] whose it is */
    k_sample_row *how;                 /* [n_rows] */
    as_sampled *sampled;               /* [n_rows] */
    int64_t n_tokens, n_tables, n_rows;
} as_gen_batch;

typedef struct as_gen_pass {
    as_run *run;
    as_lanes *lanes; /* NULL: none */
    int64_t n_lanes; /* at least 1 */
    int64_t max_seqs, max_tokens, most_blocks;
    as_gen_batch all;      /* the memory of all batches */
    as_gen_batch *batches; /* [n_lanes]; the first n are filled */
    as_lane_pass *passes;  /* [n_lanes] */
    int64_t n;
} as_gen_pass;

/* Zero-initialise. `run` is made with `options`, whose lanes are these. */
int as_gen_pass_init(as_gen_pass *p, const as_parameters *parameters, const as_run_options *options, as_err *err);
void as_gen_pass_fini(as_gen_pass *p); /* in any state */

/* Empties it, for n_seqs sequences: in lanes where they are too many for one. */
void as_gen_pass_begin(as_gen_pass *p, int64_t n_seqs);
/* Up to n more tokens of s, to the batch that has the fewest; s->n_cached says how many there was room for. Where they are
 * its last, and it is no prefix, one is drawn. */
void as_gen_pass_take(as_gen_pass *p, as_gen_seq *s, size_t n, const as_sampling *how);
/* n_valid as in as_run_sample. */
int as_gen_pass_run(as_gen_pass *p, const as_kv_cache *cache, int64_t n_valid, as_err *err);
#endif
