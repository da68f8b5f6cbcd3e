/* vote.h -- the parts of `assay vote`: a stream of samples becomes ballots (vote_read.c), ballots
 * become lines, one per group, in order of first appearance (vote.c); a summary ends it
 * (vote_say.c). Internal to cli/.
 *
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
    double sequential; /* NaN: not asked */
} vote_opts;

typedef struct vote_counts {
    uint64_t items, results; /* lines of either kind */
    uint64_t errors;         /* samples that could not be extracted */
    uint64_t no_logp;        /* samples without "sum_logp" */
    uint64_t keyless;        /* results judged pass or fail, and yet without a key */
    char first_error[300];
} vote_counts;

enum { VOTE_SAME_FAILURES = 20 }; /* then `same` is asked no more */

typedef struct vote_tally {
    uint64_t groups, samples, labels, ties, blank;
    uint64_t same_failures;
    uint64_t drawn, same; /* --sequential: samples that decide, labels that are the same */
    double ratio_sum; /* over groups with a label */
    double seconds;
} vote_tally;

/* vote_say.c: what went wrong, then the summary (--quiet: not), then --json. */
int vote_say(const vote_opts *opts, const as_scorer *scorer, const vote_counts *counts,
             const vote_tally *tally, as_err *err);

/* vote_read.c: reads all of `in`; the scorer extracts what is not a verify result. */
int vote_read(as_ballots *to, vote_counts *counts, const vote_opts *opts, as_scorer *scorer,
              as_err *err);
#endif
