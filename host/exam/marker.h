/* marker.h -- answers judged while the next are written: put in one by one, scored in batches by threads of their own, handed
 * back in the order in which they were put. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EXAM_MARKER_H
#define AS_EXAM_MARKER_H
#include "plug/scorer.h"

typedef struct as_marks { /* valid during the call */
    const as_item *items; /* [n], in order */
    const as_str *aside;  /* [n] what was put beside each */
    const as_results *results;
    uint32_t n;
} as_marks;

typedef struct as_marking {
    as_scorer *scorer;
    const as_cancel *cancel; /* ends it: what has a verdict by then is still handed back; NULL */
    uint64_t seed;           /* of verifiers that draw random numbers */
    uint32_t want;           /* ASSAY_WANT_... */
    int (*marked)(void *ctx, const as_marks *marks, as_err *err); /* one call at a time, in any thread */
    void *ctx;
} as_marking;

/* One thread puts and closes. Which answers share a batch is chance, and shows in no verdict; but with a verifier that judges
 * groups, items of one `group` that are put one after another are judged together. */
typedef struct as_marker as_marker;
int as_marker_open(as_marker **out, const as_marking *how, as_err *err);
/* Prompt, reference and meta are borrowed until the marker is closed; the other texts and `aside` are copied. Waits while much
 * is under way. < 0: what marking failed with, and nothing will be marked any more. */
int as_marker_put(as_marker *m, const as_item *item, as_str aside, as_err *err);
/* Waits for all that was put. NULL is fine: 0. */
int as_marker_close(as_marker *m, as_err *err);
#endif
