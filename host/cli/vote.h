/* vote.h -- the parts of `assay vote`: a stream of samples becomes ballots (vote_read.c), ballots become lines, one
 * per group, in order of first appearance (vote.c). Internal to cli/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_VOTE_H
#define AS_CLI_VOTE_H
#include "cli/ballots.h"
#include "cli/common.h"

typedef struct vote_opts {
    as_plug_opts plug;
    const char *in, *out, *tie, *progress;
    uint64_t max_memory_mib, max_line_mib;
    bool force, json, quiet;
} vote_opts;

typedef struct vote_counts {
    uint64_t items, results;     /* lines of either kind */
    uint64_t errors;             /* samples that could not be extracted */
    uint64_t no_logp;            /* samples without "sum_logp" */
    uint64_t keyless;            /* results judged pass or fail, and yet without a key */
    char first_error[300];
} vote_counts;

/* vote_read.c: reads all of `in`; the scorer extracts what is not a verify result. */
int vote_read(as_ballots *to, vote_counts *counts, const vote_opts *opts, as_scorer *scorer, as_err *err);
#endif
