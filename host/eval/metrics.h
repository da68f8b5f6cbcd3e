/* metrics.h -- what a sample set amounts to: every figure of `assay passk`, and solvable sets of
 * two models. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EVAL_METRICS_H
#define AS_EVAL_METRICS_H
#include "base/arena.h"
#include "eval/bootstrap.h"
#include "eval/samples.h"

/* ---- one run ---- */
typedef struct as_passk_options {
    const uint64_t *ks; /* ascending; n_ks 0: powers of 2 up to the largest n */
    size_t n_ks;
    const double *taus;
    size_t n_taus;
    unsigned draws; /* of the bootstrap; 0: normal intervals */
    uint64_t seed;
    unsigned threads; /* 0: one per core */
} as_passk_options;

/* One k. Problems with fewer than k scored samples are left out: n_problems says how many remain.
 */
typedef struct as_passk_row {
    uint64_t k;
    size_t n_problems;
    bool is_high_variance;      /* k > n/2 for at least half of them */
    as_interval pass, hat, maj; /* NaN: nothing to tell; maj: also where no answers are known */
    as_interval most;           /* pass@k, had the samples that were cut by length all been right */
    double chance;              /* NaN: not declared */
    size_t n_chance;            /* problems that declare it */
} as_passk_row;

typedef struct as_passk_summary {
    as_passk_row *rows;
    size_t n_rows;
    as_interval avg, solved, maj, score; /* avg@n, solved at least once, maj@n, mean score */
    as_interval finished, most; /* avg@n of the samples that were not cut by length; and had those all been right */
    as_interval *cover;                  /* one per tau */
    uint64_t histogram[12];
    uint64_t n_min, n_max;      /* scored samples per problem, among those with any */
    size_t n_problems, n_empty; /* all; without a scored sample */
    uint64_t n_scored, n_right, n_abstain, n_error, n_truncated, n_blank;
    uint64_t n_cut, n_cut_right; /* scored samples that were cut by length; of these, right ones */
    unsigned maj_draws; /* per problem, where maj@k is drawn rather than exact */
    bool is_normal;     /* normal intervals instead of the bootstrap */
} as_passk_summary;
/* Arrays live in the arena. Results depend on the samples and the seed, not on threads nor on the
 * other k. */
int as_passk_summarise(as_passk_summary *out, const as_sample_set *set,
                       const as_passk_options *options, as_arena *arena, as_err *err);

/* ---- two runs: solvable sets (SPEC.md 1.6) ---- */
typedef struct as_solvable {
    uint32_t *base_only, *rl_only; /* problem indices, ascending */
    size_t n_base, n_rl, n_both, n_neither, n_base_only, n_rl_only;
    double subset_ratio; /* |both| / |rl|; NaN where RL solves nothing */
} as_solvable;
/* Solvable: c >= c_min. Over the same problems in the same order; a problem with n == 0 on either
 * side is left out. */
int as_solvable_sets(as_solvable *out, const uint64_t *n_base, const uint64_t *c_base,
                     const uint64_t *n_rl, const uint64_t *c_rl, size_t problems, uint64_t c_min,
                     as_arena *arena, as_err *err);
#endif
