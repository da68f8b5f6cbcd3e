/* exam.h -- a suite put to a model, in memory: n responses to each prompt, scored while the next are written, and what they
 * amount to. No files, nothing printed. `assay eval` is the same with a run directory.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EXAM_EXAM_H
#define AS_EXAM_EXAM_H
#include "eval/metrics.h"
#include "model/generate.h"
#include "plug/scorer.h"
#include "train/suite.h"

enum { AS_EXAM_MOST = 65536 }; /* responses to a prompt */

typedef struct as_exam_options {
    uint32_t n;           /* responses to each prompt: 1 to AS_EXAM_MOST */
    as_sampling sampling; /* with its seed: the same seed and weights give the same figures */
    const uint64_t *ks;   /* of pass@k and maj@k, ascending; n_ks 0: powers of 2 up to n */
    size_t n_ks;
    unsigned draws;       /* of the bootstrap over prompts; 0: normal intervals */
    const as_cancel *cancel;               /* ends scoring; NULL */
    int (*check)(void *ctx, as_err *err);  /* before each pass of the model, as in as_gen_io: < 0 ends it; NULL */
    void *ctx;
} as_exam_options;

typedef struct as_exam_finish { /* the responses that ended one way */
    uint64_t n, n_right, n_unscored;
} as_exam_finish;

typedef struct as_exam_result {
    /* avg (avg@n), solved, maj (maj@n), score, rows[n_rows] (k, pass, hat, maj) with 95 % intervals over prompts; NaN where
     * nothing can be told. Arrays live in the arena. */
    as_passk_summary sum;
    uint64_t n_samples, n_unscored; /* unscored: abstain and error; in no mean */
    uint64_t by_verdict[8];         /* by assay_verdict */
    as_exam_finish finish[2];       /* by as_finish */
    double unscored;                /* share of n_samples */
    double length_mean;             /* tokens of a response */
    double entropy_mean, logp_mean; /* per token, over all tokens; of the distribution the sampler drew from before top-k, top-p, min-p */
    bool has_keys;                  /* the verifier tells answers, so that maj@k can be told */
    char reason[200];               /* of the first unscored one, by row; "" */
} as_exam_result;

/* One thread; the scorer's threads work beside it. AS_EDATA for a prompt that does not fit the context, AS_EUSAGE for an n out
 * of range; an unscored response is no failure: it leaves its prompt's n. Results depend on weights, suite, options and
 * verdicts alone, not on threads. */
int as_exam(as_exam_result *out, as_generator *generator, const as_suite *suite, as_scorer *scorer,
            const as_exam_options *options, as_arena *arena, as_err *err);
#endif
