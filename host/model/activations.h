/* activations.h -- where every intermediate of a forward and backward pass lies: one piece of device memory, laid out before
 * anything runs. The same function counts the bytes (for the memory plan) and hands them out, so the two agree.
 * SPDX-License-Identifier: Apache-2.0
 *
 * T tokens of a call, d width, H/KV heads of D, F width of the MLP, V vocabulary, M scored rows, L layers. */
#ifndef AS_MODEL_ACTIVATIONS_H
#define AS_MODEL_ACTIVATIONS_H
#include "model/parameters.h"
#include "model/region.h"

/* What a backward keeps of each layer. */
typedef enum as_recompute {
    AS_KEEP_ALL,       /* everything */
    AS_RECOMPUTE_CHEAP, /* not the outputs of norms and of SwiGLU: computed again, element by element */
    AS_RECOMPUTE_LAYER /* the residual stream alone: a layer's forward runs again in the backward */
} as_recompute;

typedef struct as_run_options {
    int64_t tokens, seqs; /* of one call, at most; > 0 */
    int64_t rows;         /* rows scored (log-probs, the score head) in one call, at most; 0: none */
    int64_t logit_rows;   /* rows whose logits are asked for or sampled from at once; 0: none */
    int64_t max_blocks;   /* blocks of a sequence in a paged cache, at most; 0: no paged calls */
    int64_t lanes;        /* paged calls in so many parts at once, in the same memory (lanes.h); 0, 1: whole */
    bool trains;          /* a backward follows */
    as_recompute recompute;
    as_region *region; /* where its memory lies, from the beginning; NULL: it has its own */
} as_run_options;

/* One layer's. Where nothing is kept for a backward, the layers share them. */
typedef struct as_layer_activations {
    void *r0;             /* [T,d] residual stream into the layer; before its first norm, the MLP's part of it alone */
    void *h1, *rstd1;     /* [T,d], [T] normed for attention */
    void *raw;            /* [T,(H+2KV)D] before q/k norm; NULL where there is none */
    void *rstd_q, *rstd_k; /* [T H], [T KV] */
    void *qkv;            /* [T,(H+2KV)D] rotated */
    void *att, *lse;      /* [T,H D], [T,H] */
    void *r1;             /* [T,d] residual stream after attention */
    void *h2, *rstd2;     /* [T,d], [T] normed for the MLP */
    void *gate_up, *act;  /* [T,2F], [T,F] */
} as_layer_activations;

typedef struct as_activations {
    as_layer_activations *layers; /* [L] */
    void *r_last;                 /* [T,d] what the last norm reads */
    void *h_last, *rstd_last;     /* [T,d], [T] */
    /* heads and rows */
    void *h_rows;                 /* [M,d] rows that are scored, as the head takes them */
    void *logp, *entropy, *lse;   /* [M] real */
    void *score;                  /* [M] real; where the model scores */
    void *logits;                 /* [logit_rows,V] real */
    void *reply;                  /* what a sampling of n rows gives: [n] logp, [n] kept_logp, [n] entropy (real), [n] ids */
    void *asked_qkv, *asked_r0;   /* [logit_rows,(H+2KV)D], [logit_rows,d]: of the tokens that go through all of the last layer */
    /* What the host says of a pass, in one piece; and where its parts lie in that, since the last letter (run.h). */
    void *letter;
    size_t letter_bytes;
    int32_t *ids, *positions, *cu_seqlens, *parents, *rows, *targets, *seq_of, *slots, *block_tables;
    int32_t *asked_positions, *asked_seq_of;
    k_sample_row *how;
    /* the backward's */
    void *dr, *dh, *dact, *datt, *dqkv; /* [T,d], [T,d], [T,F], [T,H D], [T,(H+2KV)D] */
    void *delta;                        /* [T,H] real */
    void *coef, *ecoef;                 /* [M] real */
    void *scoef, *dscore;               /* [M] real, and as activations; where the model scores */
    void *dh_rows;                      /* [M,d] */
    void *head_scratch, *sample_scratch;
    size_t activation_bytes, scratch_bytes; /* of all this: what is kept for a backward, and the rest */
} as_activations;

/* Of a row of the reply. */
static inline size_t as_reply_bytes(size_t real)
{
    return 3 * real + sizeof(int32_t);
}

/* Of one of the lanes: its share of all that is counted. */
as_run_options as_lane_options(const as_run_options *whole);

/* Lays everything out from `base` (device memory of activation_bytes + scratch_bytes, or NULL to count alone).
 * type is the weights', act the activations'. layers[L] is the caller's. AS_ENOMEM where the sizes are beyond the address space, AS_EUSAGE for options that are wrong. */
int as_activations_lay_out(as_activations *a, as_layer_activations *layers, char *base, const as_weights_index *index,
                           k_device *dev, k_type type, k_type act, const as_run_options *options, as_err *err);
#endif
