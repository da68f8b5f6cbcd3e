/* vote.h -- majority vote over answer classes (ABI.md 13, SPEC.md 3.2 "our rule").
 *
 * Keys are grouped by bytes, sorted by (votes, bytes), and each is compared with the representatives of the classes so
 * far; `same` need not be transitive, and the outcome does not depend on the order of the samples. Blank never votes,
 * but counts in n.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_VOTE_H
#define AS_PLUG_VOTE_H
#include "base/arena.h"
#include "base/err.h"

#include <stdint.h>

typedef enum as_tie_rule {
    AS_TIE_KEY,   /* the smallest key bytes: independent of order; the default */
    AS_TIE_FIRST, /* the class whose first sample comes first */
    AS_TIE_LOGP,  /* the greatest sum of sequence log-probabilities; then AS_TIE_KEY */
    AS_TIE_NONE   /* a tie gives no label */
} as_tie_rule;

typedef struct as_vote_class {
    as_str key;      /* representative: most votes, then smallest bytes */
    as_str answer;   /* most frequent answer text of the class, then smallest bytes; the key where none was given */
    uint32_t votes, first; /* first: index of its first sample */
    double sum_logp;
} as_vote_class;
typedef struct as_vote {
    uint32_t n, n_voting;
    uint32_t *class_of;      /* n; UINT32_MAX: no vote */
    as_vote_class *classes;  /* n_classes, by votes descending, then key bytes */
    uint32_t n_classes;
    uint32_t winner;         /* index into classes; UINT32_MAX: no label (no votes, or a tie under AS_TIE_NONE) */
    bool tie;
    double ratio;            /* winner's votes / n; 0 without a label */
} as_vote;
/* same may be NULL: bytes decide. It is asked about distinct keys only, at most d(d-1)/2 times. */
typedef int (*as_same_fn)(void *ctx, as_str a, as_str b);
/* answer and sum_logp columns may be NULL. key[i].data NULL or blank text: no vote. */
int as_vote_run(as_vote *out, const as_str *key, const as_str *answer, const double *sum_logp, uint32_t n,
                as_same_fn same, void *ctx, as_tie_rule rule, as_arena *arena, as_err *err);
#endif
