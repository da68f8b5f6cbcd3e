/* run.h -- what a pass is inside: its buffers, and operations that remember the first failure. Private to the transformer.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_RUN_H
#define AS_MODEL_RUN_H
#include "model/transformer.h"

typedef struct as_recordings as_recordings; /* pass.c */

struct as_run {
    const as_parameters *p;
    const as_model_config *c; /* of p's index */
    k_device *dev;
    const k_backend *ops;
    as_run_options options;
    as_activations a;
    as_layer_activations *layers;
    char *memory;                          /* the device's, all of a */
    char *letter;                          /* [a.letter_bytes] the host's: what is sent next */
    size_t written;                        /* of it */
    char *reply;                           /* [logit_rows] as a.reply, the host's */
    as_recordings *recordings;             /* NULL: none yet, or the device makes none */
    int64_t tokens, seqs, rows, max_seqlen; /* of the last forward */
    const int32_t *parents;                /* of its sequences: a.parents, or NULL */
    const as_kv_cache *cache;              /* NULL: the last forward was of whole sequences */
    int64_t max_blocks;
    bool leaves;           /* a paged forward whose last layer is for some tokens alone: */
    int64_t n_asked;       /* so many */
    double temperature; /* of the last log-probs; 0: there were none since the forward */
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

/* What the host has to tell is written piece by piece into a letter, and sent by one copy. A new letter takes the place of the
 * last: what that said is gone. */
typedef struct as_piece {
    void *host, *dev; /* where it is written now, and where it lies once the letter is sent */
} as_piece;
void as_run_begin_letter(as_run *r);
as_piece as_run_write(as_run *r, int64_t n, size_t size);
int32_t *as_run_write_ids(as_run *r, const int32_t *from, int64_t n); /* where they lie on the device */
void as_run_send(as_run *r);

/* n real numbers on the device as doubles. */
void as_run_fetch(as_run *r, double *out, const void *from, int64_t n);
/* r->a.logits of n rows of the normed stream at h. The rows scored are forgotten by this. */
void as_run_head(as_run *r, const void *h, int64_t n);
/* In a letter: how n rows are drawn; those of the padding behind them as the first. */
void as_run_write_how(as_run *r, const k_sample_row *how, int64_t n, int64_t padded);
/* A token for each of n rows of r->a.logits. */
void as_run_draw(as_run *r, int64_t n, int64_t n_valid);
/* What was drawn for the first n of `drawn` rows. AS_EDATA where a number is none. */
int as_run_read(as_run *r, int64_t n, int64_t drawn, int64_t n_valid, as_sampled *out, as_err *err);
/* The paged forward in its parts: what it is refused for; its letter, of `padded` tokens and sequences (those beyond the batch's
 * read its first key and leave nothing; b->n_tokens: none); the operations. */
int as_run_check_paged(const as_run *r, const as_paged *b, const as_kv_cache *cache, as_err *err);
void as_run_write_paged(as_run *r, const as_paged *b, const as_kv_cache *cache, int64_t padded);
void as_run_layers(as_run *r);
void as_recordings_free(as_run *r);
/* Rows r->a.rows of the normed stream into h_rows, dense, as a head takes them. */
void as_run_gather(as_run *r, int64_t n);
/* What log-probs are refused for; else their temperature is set, and h_rows is filled. */
int as_run_begin_head(as_run *r, double temperature, as_err *err);
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
