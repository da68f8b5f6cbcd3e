/* rollouts.h -- the responses of a step: what was sampled, to which prompt, with which probabilities.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_ROLLOUTS_H
#define AS_TRAIN_ROLLOUTS_H
#include "model/generate.h"
#include "train/rows.h"
#include "train/suite.h"

typedef struct as_rollout {
    uint32_t group, sample; /* items[group], its sample-th response */
    as_finish finish;
    size_t begin; /* its tokens are ids[begin .. begin + n), with the one that ended it */
    uint32_t n;
    as_str text;
} as_rollout;

/* One thread. Rows stand by group and sample, whatever the order in which they ended; a row that is not there yet has n 0 and
 * text.data NULL. Items are borrowed. */
typedef struct as_rollouts { /* zero-initialise */
    const as_suite_item **items; /* [n_groups] */
    uint32_t *drawn;             /* [n_groups] the first so many of each group's rows have been asked for */
    size_t n_groups, each;
    as_rollout *rows; /* [n] */
    size_t n;
    int32_t *ids;             /* [n_ids], in the order in which they ended */
    float *logp, *entropy;    /* likewise: the sampler's, at its temperature, before top-k, top-p and min-p */
    size_t n_ids, cap_ids;
    as_arena texts;
} as_rollouts;
void as_rollouts_fini(as_rollouts *r);

typedef struct as_rollout_io { /* on the calling thread */
    /* Row `row` is complete; its text stays where it is until the next as_rollouts_begin, its tokens move. NULL. */
    int (*done)(void *ctx, const as_rollouts *r, size_t row, as_err *err);
    int (*check)(void *ctx, as_err *err); /* before each pass: < 0 ends it all; NULL */
    void *ctx;
} as_rollout_io;

/* `each` responses to each item; what was in *r is forgotten, even after a failure. how->seed: of this step (as_seed_of of the
 * run's seed and the step), since a prompt that comes again has the same key. */
int as_rollouts_generate(as_rollouts *r, as_generator *g, const as_sampling *how, const as_suite_item *const *items,
                         size_t n_groups, uint32_t each, const as_rollout_io *io, as_err *err);

/* The same in waves: as_rollouts_begin lays out `each` rows to each item, none of which is there yet; as_rollouts_draw gets those
 * that are missing until group g has upto[g], drawn[g] <= upto[g] <= each. A response is the same whatever wave it comes in. */
int as_rollouts_begin(as_rollouts *r, const as_suite_item *const *items, size_t n_groups, uint32_t each, as_err *err);
int as_rollouts_draw(as_rollouts *r, as_generator *g, const as_sampling *how, const uint32_t *upto, const as_rollout_io *io,
                     as_err *err);

/* The groups with keep[group] alone, in the same order: what dynamic sampling leaves. */
void as_rollouts_keep(as_rollouts *r, const bool *keep);
/* The first `each` responses of every group alone, 1 .. r->each: those that are trained on, where more of them voted. */
void as_rollouts_first(as_rollouts *r, size_t each);
/* Then the groups of `more`, copied; both have as many responses to each. */
int as_rollouts_append(as_rollouts *r, const as_rollouts *more, as_err *err);
#endif
