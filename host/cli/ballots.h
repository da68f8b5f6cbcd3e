/* ballots.h -- what `assay vote` remembers of a stream: per group the keys and answers of its
 * samples, each distinct text once, within a memory limit. Groups may be scattered over the file.
 * One thread at a time.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_BALLOTS_H
#define AS_CLI_BALLOTS_H
#include "data/item.h"

typedef struct as_ballots as_ballots;
int as_ballots_new(as_ballots **out, uint64_t max_bytes, as_err *err);
void as_ballots_free(as_ballots *b); /* NULL is fine */

typedef struct as_ballot_paper { /* one sample; texts are copied */
    as_str key, answer;          /* absent: no vote */
    double sum_logp;             /* NaN: unknown */
    bool is_error;               /* could not be extracted: neither vote nor blank */
} as_ballot_paper;
/* AS_EDATA for an id that is in the group already (with its line), AS_EBUDGET when the memory is
 * used up. */
int as_ballots_add(as_ballots *b, const as_item *item, const as_ballot_paper *paper, as_err *err);

size_t as_ballots_groups(const as_ballots *b); /* in order of first appearance */
uint64_t as_ballots_samples(const as_ballots *b);

typedef struct as_ballot_group {
    as_str name;          /* raw JSON */
    uint32_t n, n_errors; /* n: without the errors */
    as_str *key, *answer; /* n, in the order added */
    double *sum_logp;
} as_ballot_group;
/* The columns are made in `arena`. [any] while nothing is added. */
int as_ballots_group(const as_ballots *b, size_t i, as_ballot_group *out, as_arena *arena,
                     as_err *err);
#endif
