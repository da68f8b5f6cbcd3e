/* run.h -- what a pass is inside: its buffers, and operations that remember the first failure. Private to the transformer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_RUN_H
#define AS_MODEL_RUN_H
#include "model/transformer.h"

struct as_run {
    const as_parameters *p;
    const as_model_config *c; /* of p's index */
    k_device *dev;
    const k_backend *ops;
    as_run_options options;
    as_activations a;
    as_layer_activations *layers;
    char *memory;                          /* the device's, all of a */
    double *numbers;                       /* [3 logit_rows] the host's, of a sampling */
    int32_t *ids;                          /* [logit_rows] */
    int64_t tokens, seqs, rows, max_seqlen; /* of the last forward */
    const int32_t *parents;                /* of its sequences: a.parents, or NULL */
    const as_kv_cache *cache;              /* NULL: the last forward was of whole sequences */
    int64_t max_blocks;
    const as_paged *paged; /* during as_run_forward_paged */
    double temperature; /* of the last as_run_logprob; 0: there was none since the forward */
    bool has_targets;   /* of the last forward's rows */
    bool has_scores;    /* as_run_scores since the forward */
    bool has_rows;      /* h_rows holds the rows of the last forward */
    int status;         /* of the operations of this call: the first that failed */
    const char *failed; /* its name */
};

/* Operations are issued in a row and looked at once, by as_run_status. */
static inline void as_run_note(as_run *r, const char *operation, int status)
{
    if (status < 0 && r->status == 0) {
        r->status = status;
        r->failed = operation;
    }
}
int as_run_status(as_run *r, as_err *err); /* and forgets it */

/* n real numbers on the device as doubles. */
void as_run_fetch(as_run *r, double *out, const void *from, int64_t n);
/* Rows r->a.rows of the normed stream into h_rows, dense, as a head takes them. */
void as_run_gather(as_run *r, int64_t n);
/* The score head's part of a backward, of coefficients in r->a.scoef: its gradients, and dh_rows = (or +=) dscore w. */
void as_run_score_bwd(as_run *r, bool adds, void *grads);

/* y[tokens, rows of the weight] = x w^T (+ bias), of the last forward's tokens */
void as_run_linear(as_run *r, as_role role, int64_t layer, const void *bias, const void *x, void *y);
/* y = norm of (residual +) x; the sum stays in residual */
void as_run_norm(as_run *r, as_role role, int64_t layer, const void *x, void *residual, void *y, void *rstd);
void as_run_rope(as_run *r, void *qkv, bool inverse);

/* A layer from its first norm's output h1 on, up to `out`, the MLP's part; and the pieces a backward computes again. */
void as_run_attention(as_run *r, int64_t layer);
void as_run_mlp_in(as_run *r, int64_t layer);       /* h2, gate_up, act: the residual stream is finished in r1 */
void as_run_swiglu(as_run *r, int64_t layer);
#endif
