/* order.h -- which prompts a step takes: epochs, each shuffled anew or as the file has them, or those first that teach most now.
 * What comes follows from (seed, batch) and, for the curriculum, from what was seen before; nothing else is kept.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_ORDER_H
#define AS_TRAIN_ORDER_H
#include "base/err.h"

#include <stddef.h>
#include <stdint.h>

typedef enum as_order_kind {
    AS_ORDER_SHUFFLE,
    AS_ORDER_FILE,
    /* Drawn without replacement by weight floor + (1 - floor) 4 p (1 - p), p the prompt's success lately: where rewards of a group
     * differ most, advantages are largest. A prompt that was never seen has weight 1. */
    AS_ORDER_CURRICULUM
} as_order_kind;

typedef struct as_order_options {
    as_order_kind kind;
    uint64_t seed;
    double floor;    /* of AS_ORDER_CURRICULUM: 0 .. 1; above 0 no prompt is forgotten */
    double momentum; /* p = momentum p + (1 - momentum) share of answers that passed; the first share as it is */
} as_order_options;

typedef struct as_order_draw { /* a prompt of the curriculum; the least come first */
    double at;
    uint32_t prompt;
} as_order_draw;

/* One thread. */
typedef struct as_order { /* zero-initialise; as_order_fini in any state */
    as_order_options options;
    size_t n;           /* prompts */
    uint32_t *shuffled; /* [n] of `epoch` */
    uint64_t epoch;     /* UINT64_MAX: none yet */
    as_order_draw *draws; /* [n] of the curriculum */
    float *success;     /* [n] p; -1: not seen. The curriculum's state, which a checkpoint keeps */
} as_order;

int as_order_init(as_order *o, size_t n, const as_order_options *options, as_err *err);
void as_order_fini(as_order *o);

/* The batch-th batch of a run, from 0: `size` prompts, none twice, out[size]. An epoch is n / size batches: the n % size prompts
 * that are left over come in another epoch. size <= n. */
void as_order_batch(as_order *o, uint64_t batch, size_t size, uint32_t *out);

/* A prompt was answered: the share of its scored answers that passed. */
void as_order_saw(as_order *o, uint32_t prompt, double share);
#endif
