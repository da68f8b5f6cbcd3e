/* weights.h -- where each weight lies in one flat arena, in the layout the kernels want, and what Hugging Face's files
 * call it. The same index serves weights, gradients, moments and master copies: zeroing, norms, AdamW and checkpoints
 * are loops over one array. SPDX-License-Identifier: Apache-2.0
 *
 * Layout, in order: EMBED; per layer NORM_ATTN, QKV (, QKV_BIAS)(, Q_NORM, K_NORM), O, NORM_MLP, GATE_UP, DOWN; NORM_OUT
 * (, HEAD where it is not tied)(, SCORE (, SCORE_BIAS)). Each tensor is row-major [rows, cols] = [out, in] and begins at a multiple of
 * AS_WEIGHTS_ALIGN elements; what lies between two tensors is zero, and must stay so (norms run over it). */
#ifndef AS_MODEL_WEIGHTS_H
#define AS_MODEL_WEIGHTS_H
#include "model/config.h"

typedef enum as_role {
    AS_W_EMBED,     /* [vocab, d] */
    AS_W_NORM_ATTN, /* [1, d] */
    AS_W_QKV,       /* [(n_heads + 2 n_kv_heads) head_dim, d]: all of q, then k, then v */
    AS_W_QKV_BIAS,  /* [1, (n_heads + 2 n_kv_heads) head_dim]; has_qkv_bias */
    AS_W_Q_NORM,    /* [1, head_dim]; has_qk_norm */
    AS_W_K_NORM,    /* [1, head_dim]; has_qk_norm */
    AS_W_O,         /* [d, n_heads head_dim] */
    AS_W_NORM_MLP,  /* [1, d] */
    AS_W_GATE_UP,   /* [2 d_ff, d]: all of gate, then up */
    AS_W_DOWN,      /* [d, d_ff] */
    AS_W_NORM_OUT,  /* [1, d] */
    AS_W_HEAD,      /* [vocab, d]; !is_tied, and a head for tokens at all */
    AS_W_SCORE,     /* [1, d]; as_has_score: a token's score is its row times the last norm's output */
    AS_W_SCORE_BIAS, /* [1, 1]; has_score_bias */
    AS_W_ROLES
} as_role;

enum { AS_WEIGHTS_ALIGN = 32 }; /* elements: 64 bytes of BF16, 128 of F32 */

/* What is multiplied with, one row or many, and decays; the others are norms and biases. */
static inline bool as_role_is_matrix(as_role r)
{
    return r == AS_W_EMBED || r == AS_W_QKV || r == AS_W_O || r == AS_W_GATE_UP || r == AS_W_DOWN || r == AS_W_HEAD ||
           r == AS_W_SCORE;
}

typedef struct as_tensor {
    as_role role;
    int64_t layer; /* -1: of the whole model */
    int64_t rows, cols;
    size_t offset, n; /* elements from the arena's start; n == rows * cols */
    size_t part, n_parts; /* its Hugging Face tensors: parts[part .. part + n_parts) */
} as_tensor;

/* A tensor as files name it: whole rows of one as_tensor (or a piece of its one row). */
typedef struct as_part {
    const char *name; /* "model.layers.0.self_attn.q_proj.weight" */
    unsigned n_dims;  /* 1: norms and biases */
    int64_t dims[2];
    size_t tensor;    /* index into tensors */
    size_t offset, n; /* elements from the arena's start */
} as_part;

/* [any]: nothing of it changes once it is made. */
typedef struct as_weights_index {
    as_model_config config;
    const as_tensor *tensors; /* in arena order */
    size_t n_tensors;
    const as_part *parts; /* in arena order too */
    size_t n_parts;
    size_t n_elements; /* of an arena, gaps included; a multiple of AS_WEIGHTS_ALIGN */
    size_t n_params;   /* without gaps: what one calls the size of the model */
} as_weights_index;

int as_weights_index_new(as_weights_index **out, const as_model_config *config, as_err *err);
void as_weights_index_free(as_weights_index *index);
/* NULL where the model has none (AS_W_HEAD of a tied one). layer is ignored for roles of the whole model. O(1). */
const as_tensor *as_weights_tensor(const as_weights_index *index, as_role role, int64_t layer);
#endif
