/* plan.h -- how much memory a model takes on a device, by part, before anything is allocated: printed, and refused early.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_PLAN_H
#define AS_MODEL_PLAN_H
#include "base/buf.h"
#include "model/lora.h"
#include "model/transformer.h"

typedef struct as_plan_options {
    as_parameters_options parameters;
    as_run_options training; /* trains set; tokens 0: no training, hence no gradients and no optimizer */
    as_run_options sampling; /* tokens 0: none */
    int64_t n_blocks, block_size; /* of the cache; 0: none */
    const as_lora *lora;          /* what learns in place of the weights; NULL: they do */
    bool no_master;               /* narrow weights learn without a wider copy */
} as_plan_options;

/* Bytes. */
typedef struct as_plan {
    size_t weights, packed, tables; /* as_parameters_new */
    size_t grads, moments, master;  /* real, laid out like the arena; master: where weights are narrower than real */
    size_t adapter;                 /* as_adapter_new; moments are then of the adapter */
    size_t activations, scratch;    /* of training: as_run_new */
    size_t sampling, cache;         /* as_run_new and as_kv_cache_init */
    size_t products; /* of the backend's own, for products of training's or sampling's rows */
    size_t region; /* the larger of training's and sampling's passes: they do not overlap, and can lie in the same bytes */
    size_t beside; /* of other models, for those who add them; as_plan_make knows of none */
    size_t total;  /* with the region, not with both */
} as_plan;

/* AS_EUSAGE for options that are wrong, AS_ENOMEM for sizes beyond the address space. */
int as_plan_make(as_plan *out, const as_weights_index *index, k_device *dev, const as_plan_options *options,
                 as_err *err);

/* A table, a line for each part that there is, in MiB; `options` are those of the plan. */
void as_plan_print(const as_plan *plan, const as_weights_index *index, const k_device *dev,
                   const as_plan_options *options, as_buf *out);

/* AS_EBUDGET with the numbers where the total is more than `limit` bytes, and the cure (what makes it smaller). */
int as_plan_check(const as_plan *plan, size_t limit, const char *cure, as_err *err);
#endif
