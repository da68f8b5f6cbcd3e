/* rm.h -- a reward model learns which of two answers was preferred (Ouyang et al. 2022, eq. 1; as_preference_loss): the mean of
 * -log sigma(r_chosen - r_rejected) over a step's pairs, down. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_RM_H
#define AS_TRAIN_RM_H
#include "model/scoring.h"
#include "train/optimizer.h"
#include "train/pairs.h"
#include "train/schedule.h"

typedef struct as_rm_options {
    uint64_t pairs;     /* of a step */
    uint64_t seed;      /* of their order */
    double center_coef; /* of mean (r_chosen + r_rejected)^2, which keeps rewards about 0 (arXiv:2312.09244, eq. 2); 0: none */
    as_schedule schedule;
} as_rm_options;

typedef struct as_rm_stats { /* of one step, or of pairs held out (lr and grad_norm are 0) */
    double loss, accuracy;   /* accuracy: share of pairs with r_chosen > r_rejected; a tie is none */
    double margin, chosen, rejected; /* means of r_chosen - r_rejected, r_chosen, r_rejected */
    double lr, grad_norm;
    uint64_t pairs, right, tokens; /* right: those told apart */
} as_rm_stats;

/* One thread. What it was made of must outlive it; `run` trains, of a model with a score head alone or beside another, and
 * takes two texts of the longest and two rows at least. */
typedef struct as_rm as_rm;
int as_rm_new(as_rm **out, as_optimizer *o, as_run *run, const as_run_options *run_options, const as_rm_options *options,
              as_err *err);
void as_rm_free(as_rm *rm); /* NULL is fine */

/* The `step`-th over `pairs`, from 1: which it takes follows from the number alone. */
int as_rm_step(as_rm *rm, const as_pairs *pairs, uint64_t step, as_rm_stats *stats, as_err *err);
/* A step with the learning rate of `step` over pairs from[which[0]], from[which[1]] ...: n > 0. */
int as_rm_learn(as_rm *rm, const as_pairs *pairs, const size_t *which, size_t n, uint64_t step, as_rm_stats *stats,
                as_err *err);
/* The same numbers of all pairs, learning nothing. AS_EUSAGE: there are none. */
int as_rm_measure(as_rm *rm, const as_pairs *pairs, as_rm_stats *stats, as_err *err);
/* Scores of any texts, n of them (as_scoring_all). */
int as_rm_score(as_rm *rm, const as_scoring_text *texts, size_t n, double *score, as_err *err);
#endif
