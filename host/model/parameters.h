/* parameters.h -- the weights of a model on a device: the flat arena of weights.h, the copies of its matrices that the
 * device's products want, the tables of rotary positions. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_PARAMETERS_H
#define AS_MODEL_PARAMETERS_H
#include "base/err.h"
#include "kernels/kernels.h"
#include "model/weights.h"

typedef struct as_parameters_options {
    k_type type;    /* weights and activations: K_F32, K_BF16; K_F64 on "naive-f64" */
    bool wide;      /* K_BF16: weights alone are; activations and what is computed with them stay float */
    int64_t max_pos; /* rotary positions to prepare: the longest sequence there will be; 0, or more: the model's max_pos */
    bool trains;    /* also packs what the backward multiplies with */
} as_parameters_options;

/* One thread; the device and the index must outlive it. */
typedef struct as_parameters {
    const as_weights_index *index;
    k_device *dev;
    k_type type, real; /* real: of statistics and gradients, see kernels.h */
    k_type act;        /* of activations: type, or real where they are wide */
    int64_t max_pos;
    void *arena;       /* [index->n_elements] of type, on the device */
    void *packed;      /* one allocation; NULL where the device packs nothing */
    void **packed_nt, **packed_nn; /* per tensor of the index, into packed; NULL where it is not */
    void *cos, *sin;   /* [max_pos, head_dim / 2] real */
    void *wide, **wide_at; /* weights of norms in act, and where each tensor's are; NULL where act is type */
} as_parameters;

/* k_options.by_vectors of a device on which a model is only run, in `type`. Weights that came as F16 and are computed with as
 * floats: one sequence is bound by reading them, and their copies are 2 bytes a weight, for the matrix unit 4. */
bool as_is_run_by_vectors(const as_model_config *c, k_type type);

/* Memory for the weights, not yet filled. AS_EUSAGE where the device does not compute in the type or lacks an operation,
 * AS_ENOMEM. */
int as_parameters_new(as_parameters **out, const as_weights_index *index, k_device *dev,
                      const as_parameters_options *options, as_err *err);
void as_parameters_free(as_parameters *p); /* NULL is fine */

/* Bytes as_parameters_new will ask the device for: weights, packed copies, tables (of positions, of wide norms). */
int as_parameters_bytes(const as_weights_index *index, k_device *dev, const as_parameters_options *options,
                        size_t *weights, size_t *packed, size_t *tables, as_err *err);

/* arena[n_elements] of F32 or BF16 in the host's memory -> the device, in p->type; then packs. */
int as_parameters_set(as_parameters *p, const void *arena, as_dtype type, as_err *err);
/* After p->arena was written on the device (an optimizer's step): packs anew. */
int as_parameters_changed(as_parameters *p, as_err *err);

/* The weights of a norm, in p->act. */
const void *as_parameters_norm(const as_parameters *p, as_role role, int64_t layer);
/* A tensor's weights on the device; and where an array laid out like the arena, of `type`, has that tensor's numbers. NULL
 * where the model has no such tensor. */
const void *as_parameters_at(const as_parameters *p, as_role role, int64_t layer);
void *as_parameters_in(const as_parameters *p, void *array, k_type type, as_role role, int64_t layer);

/* What a status of an operation means to a user: K_ENOMEM is AS_ENOMEM, K_EDEVICE AS_EIO (with the device's own reason),
 * K_EINDEX AS_EDATA, else AS_EUSAGE. */
int as_fail_kernel(as_err *err, int status, const char *what);

/* cos and sin of position p times frequency i at [p * head_dim/2 + i], in double: frequencies of `c`, scaled as it says. */
void as_rope_tables(const as_model_config *c, int64_t max_pos, double *cosines, double *sines);
#endif
