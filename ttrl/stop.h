/* stop.h -- when a run that has no labels should end, and which of its checkpoints is best, by what can be seen without labels.
 * SPDX-License-Identifier: Apache-2.0
 *
 * Agreement alone tells nothing: it rises where the labels are right, and just as well where the model talks itself into wrong
 * ones. What tells the two apart is the first vote, taken before anything was learned. Where its winners lead by no more than
 * chance, there is too little to amplify (the paper's "insufficient prior knowledge", arXiv:2504.16084, 5.2). And where
 * the labels walk away from it while agreement rises, the model agrees with itself on something else than it knew. */
#ifndef TTRL_STOP_H
#define TTRL_STOP_H
#include <stdbool.h>
#include <stdint.h>

enum { TTRL_FIRST = 10 }; /* steps that say how the run began */

typedef struct ttrl_signs { /* of a step; NaN: there was nothing to measure */
    double ratio;  /* majority ratio, mean over prompts */
    double sure;   /* share of prompts whose winner's lead is an accident with at most 5 % */
    double drift;  /* of all prompts that had a label so far, the share whose newest is not their first */
    double flips;  /* of the step's prompts that came before, the share whose label is not the one before */
    double length; /* tokens of a response */
} ttrl_signs;

typedef struct ttrl_bounds {
    double min_sure;      /* of the first steps; 0: any */
    double max_drift;     /* while agreement is above that of the first steps; 1: any */
    double min_length;    /* as a share of the first steps' length; 0: any */
    double settled_ratio; /* at least this agreement without a flip: there is nothing left to learn; above 1: never */
    uint64_t patience;    /* steps in a row beyond a bound; of the settled: steps with prompts that came before */
} ttrl_bounds;
ttrl_bounds ttrl_bounds_standard(void);

typedef enum ttrl_sign {
    TTRL_GO_ON,
    TTRL_ACCIDENTS, /* the votes lead by chance: too little prior knowledge */
    TTRL_DRIFTED,   /* it agrees with itself on other answers than it began with */
    TTRL_SHRUNK,    /* responses have all but vanished */
    TTRL_SETTLED    /* done */
} ttrl_sign;
const char *ttrl_sign_text(ttrl_sign s); /* a sentence's middle, for people; GO_ON: "" */

typedef struct ttrl_stop { /* zero-initialise; what a checkpoint keeps */
    uint64_t steps, drifted, shrunk, settled; /* the last three: in a row */
    double ratio, sure, length;               /* means of the first steps */
} ttrl_stop;

/* The next step. The bounds may change between two steps; what was counted stays. */
ttrl_sign ttrl_stop_look(ttrl_stop *s, const ttrl_bounds *b, const ttrl_signs *now);

/* How far the model says what its first votes said, with how much agreement: mean over prompts of the newest majority ratio where
 * the label is the first one, else 0. It stands in for accuracy where nobody knows that: right as long as the first votes mostly
 * were. newest, first, ratio: [n] by prompt; first 0: no label yet. NaN: no prompt had one. */
double ttrl_agreement(const float *first, const float *newest, const float *ratio, uint64_t n);
#endif
