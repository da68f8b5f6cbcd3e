/* results.h -- what came back: columns of verdicts, scores and the texts that were emitted.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_RESULTS_H
#define AS_PLUG_RESULTS_H
#include "base/arena.h"
#include "base/err.h"

#include <assay/plugin.h>

enum { AS_N_CHANNELS = 11 }; /* ASSAY_OUT_EXPLAIN .. ASSAY_OUT_SPANS */

typedef struct as_task_node { /* OUT_TASK may repeat: a list, in the order emitted */
    as_str text;
    struct as_task_node *next, *last; /* last: of the whole list, in its first node only */
} as_task_node;

typedef struct as_results {
    uint32_t n;
    float *score;            /* NaN for ABSTAIN and ERROR, always */
    assay_verdict *verdict;  /* never UNSET once a scorer returned */
    as_str *out[AS_N_CHANNELS]; /* out[channel][i]; a column is NULL until something was emitted on it; not for OUT_TASK */
    as_task_node **tasks;    /* n lists, NULL until something was emitted */
    float *ms;               /* time spent on the item; an equal share where a batch was timed whole */
    bool *cached;            /* from the verdict cache, or equal to another item of the same call */
    as_arena *arena;         /* the caller's: all of the above and the texts live there */
    as_str last[AS_N_CHANNELS]; /* the text emitted last: rules and reasons repeat, and are then kept once */
} as_results;

int as_results_init(as_results *r, uint32_t n, as_arena *arena, as_err *err); /* verdicts UNSET, scores NaN */
as_str as_results_get(const as_results *r, uint32_t item, uint32_t channel);  /* data NULL: not emitted */
bool as_results_has(const as_results *r, uint32_t item, uint32_t channel);     /* OUT_TASK too */
/* Copies the text into the arena; replaces (OUT_TASK: appends). Not locked: callers that share serialise. */
int as_results_emit(as_results *r, uint32_t item, uint32_t channel, as_str text);
void as_results_fail(as_results *r, uint32_t item, const char *reason); /* ERROR, NaN, OUT_REASON; drops other texts */
const char *as_verdict_word(assay_verdict v); /* "pass fail no_answer timeout abstain error", "unset" */
bool as_verdict_of_word(as_str word, assay_verdict *out);
static inline bool as_verdict_is_scored(assay_verdict v)
{
    return v >= ASSAY_PASS && v <= ASSAY_TIMEOUT;
}
#endif
