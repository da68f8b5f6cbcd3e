/* sft.h -- supervised learning: the mean negative log-probability of the tokens that count, down. One step at a time.
 *
 * L = -1/N sum log p(token | before) over the N learned tokens of the whole step: the micro-batches it is computed in do not
 * show in the gradient but for the order of sums. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_SFT_H
#define AS_TRAIN_SFT_H
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/sft_data.h"

#include "model/transformer.h"

typedef struct as_sft_options {
    uint64_t rows; /* texts of a step */
    uint64_t seed; /* of their order */
    as_schedule schedule;
} as_sft_options;

typedef struct as_sft_stats { /* of one step */
    double loss, lr, grad_norm;
    uint64_t tokens, learned; /* computed; of those, N */
} as_sft_stats;

/* One thread. Everything it was made of must outlive it; `run` trains, and takes as many tokens, sequences and rows as
 * one text of the data has at least. */
typedef struct as_sft as_sft;
int as_sft_new(as_sft **out, const as_sft_data *data, as_optimizer *o, as_run *run, const as_run_options *run_options,
               const as_sft_options *options, as_err *err);
void as_sft_free(as_sft *s); /* NULL is fine */
/* The `step`-th, from 1: which texts it takes follows from the number alone, so that a run goes on where it was. */
int as_sft_step(as_sft *s, uint64_t step, as_sft_stats *stats, as_err *err);
#endif
