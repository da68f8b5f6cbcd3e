/* scoring.h -- texts put together into passes of a model with a score head: a text's score is its last token's.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_SCORING_H
#define AS_MODEL_SCORING_H
#include "model/transformer.h"

/* One pass in the making. One thread. */
typedef struct as_scoring { /* zero-initialise */
    as_run *run;
    int64_t most_tokens, most_texts;
    int32_t *ids, *cu_seqlens, *rows;
    int64_t n_tokens, n_texts;
} as_scoring;

/* Passes of `run`, of at most what its options say. The run must outlive it. */
int as_scoring_init(as_scoring *s, as_run *run, const as_run_options *options, as_err *err);
void as_scoring_fini(as_scoring *s);

bool as_scoring_fits(const as_scoring *s, size_t n_tokens, size_t n_texts); /* beside what is in it */
void as_scoring_put(as_scoring *s, const int32_t *ids, size_t n);           /* copied; n > 0, and it fits */
/* The forward pass, and the scores of its texts [n_texts] in the order they were put; a backward may follow, with as many
 * coefficients. */
int as_scoring_forward(as_scoring *s, double *score, as_err *err);
void as_scoring_clear(as_scoring *s);

/* Scores of n texts, in as many passes as it takes; the pass in the making must be empty. AS_EUSAGE for one that fits none. */
typedef struct as_scoring_text {
    const int32_t *ids;
    size_t n;
} as_scoring_text;
int as_scoring_all(as_scoring *s, const as_scoring_text *texts, size_t n, double *score, as_err *err);
#endif
