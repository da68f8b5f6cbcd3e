/* adapter.h -- a LoRA adapter that learns on a device: the parameters are those of the frozen model with the adapter merged in
 * (W' = W + s B A), so that passes know nothing of it; dA and dB come from dW'. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_ADAPTER_H
#define AS_MODEL_ADAPTER_H
#include "model/lora.h"
#include "model/parameters.h"

/* One thread. The parameters and the layout must outlive it. */
typedef struct as_adapter {
    as_parameters *p;
    const as_lora *lora;
    void *values, *grads; /* [lora->n_elements] real, on the device */
    void *frozen;         /* the matrices that are adapted, one after another, as the model has them */
    void *scaled;         /* s B of one matrix */
} as_adapter;

/* Bytes of values, gradients, frozen matrices and scratch. */
int as_adapter_bytes(const as_lora *lora, k_type type, size_t *out, as_err *err);

/* Of parameters as the frozen model has them; `values` (floats of the host, an arena of `lora`) are merged into them.
 * AS_EUSAGE where weights are narrower than real: rounding the sum would lose the adapter. AS_ENOMEM. */
int as_adapter_new(as_adapter **out, as_parameters *p, const as_lora *lora, const float *values, as_err *err);
void as_adapter_free(as_adapter *a); /* NULL is fine; the parameters stay merged */

/* After a->values changed: the parameters anew. */
int as_adapter_merge(as_adapter *a, as_err *err);
/* a->grads: dA = s B^T dW' and dB = s dW' A^T, from d_weights, real on the device and laid out like the parameters. */
int as_adapter_grad(as_adapter *a, const void *d_weights, as_err *err);

/* Floats of the host. Only on devices whose real is float. */
int as_adapter_set(as_adapter *a, const float *values, as_err *err);
#endif
