/* optimizer.h -- AdamW over a model's flat arena, or over an adapter beside it, on its device: gradients, moments, master
 * weights, clipping.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_OPTIMIZER_H
#define AS_TRAIN_OPTIMIZER_H
#include "model/adapter.h"

typedef struct as_optimizer_options {
    double beta1, beta2, eps;
    double weight_decay; /* of matrices; norms and biases do not decay, as transformers' Trainer has it */
    double clip;         /* largest norm of the whole gradient; 0: none */
    bool no_master;      /* weights in bf16 alone, rounded by chance so that small steps count on the mean: see k_adamw */
    uint64_t seed;       /* of that chance */
} as_optimizer_options;
as_optimizer_options as_optimizer_standard(void); /* 0.9, 0.999, 1e-8, 0.01, 1 */

/* One thread. The parameters and the adapter must outlive it. */
typedef struct as_optimizer {
    as_parameters *p;
    as_adapter *adapter; /* what learns in place of the parameters; NULL: they do */
    as_optimizer_options options;
    size_t n;      /* numbers that learn: n_elements of the index, or of the adapter */
    void *grads;   /* [n_elements of the index] real, on the device: of the parameters in any case */
    void *m, *v;   /* [n] likewise */
    void *master;  /* [n] likewise; the parameters' own arena where that is real, the adapter's values; NULL: no_master */
} as_optimizer;

/* Master weights are the parameters (or the adapter) as they are now; moments are zero. adapter: NULL, or one of `p`, all of
 * which decays. AS_ENOMEM; AS_EUSAGE: no_master with an adapter, or with weights that are not bf16. */
int as_optimizer_new(as_optimizer **out, as_parameters *p, as_adapter *adapter, const as_optimizer_options *options,
                     as_err *err);
void as_optimizer_free(as_optimizer *o); /* NULL is fine */

int as_optimizer_zero(as_optimizer *o, as_err *err); /* the gradients */
/* One step (the `step`-th, from 1) with the gradients as they are, scaled down where their norm is above the clip
 * (norm: before that; torch's clip_grad_norm_), then the parameters anew. AS_EDATA where the gradient is not finite: nothing
 * was changed. */
int as_optimizer_step(as_optimizer *o, uint64_t step, double lr, double *norm, as_err *err);

/* Arenas of n floats in the host's memory, for checkpoints; without a master, the weights. Only on devices whose real is float. */
int as_optimizer_get(const as_optimizer *o, float *master, float *m, float *v, as_err *err);
int as_optimizer_set(as_optimizer *o, const float *master, const float *m, const float *v, as_err *err);
#endif
