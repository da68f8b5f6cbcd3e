/* transformer.h -- forward and backward of a decoder-only transformer (Llama, Qwen2, Qwen3) as a list of kernel calls over
 * packed sequences: the tokens of a call one after another, no padding. SPDX-License-Identifier: Apache-2.0
 *
 * A layer: r += attention(norm(r)); r += mlp(norm(r)) (Llama, arXiv:2302.13971). Numbers that leave for the caller are
 * doubles of the host. The same row gives the same numbers whatever it is packed with, and from a paged cache as from the
 * whole sequence; gradients are sums over the calls since the caller zeroed them. */
#ifndef AS_MODEL_TRANSFORMER_H
#define AS_MODEL_TRANSFORMER_H
#include "model/activations.h"

/* The caller's, in the host's memory. Sequence s is ids[cu_seqlens[s] .. cu_seqlens[s+1]), its first token at position 0, or
 * behind the last of its parent: a sequence without one, whose children follow it directly (a prompt and responses to it). They
 * go on from its tokens, which are computed once: the same bits as with each in a sequence with all before it, and the same
 * gradients but for the order of sums. Row i of the scores is the prediction of targets[i] after the token rows[i] (an index
 * into ids). */
typedef struct as_packed {
    int64_t n_tokens, n_seqs, n_rows;
    const int32_t *ids;        /* [n_tokens] */
    const int32_t *cu_seqlens; /* [n_seqs+1] */
    const int32_t *parents;    /* [n_seqs]: a sequence, or -1; NULL: none has one */
    const int32_t *rows;       /* [n_rows]; a token may be named for each of its children */
    const int32_t *targets;    /* [n_rows]; NULL: as_run_scores alone is asked of them */
} as_packed;

/* Keys and values of all layers, in blocks of positions. Blocks are numbered 0 .. n_blocks-1; who has which is the caller's
 * affair. */
typedef struct as_kv_cache {
    k_device *dev;
    int64_t n_layers, n_blocks, block_size;
    size_t layer_bytes; /* of k; v has as many */
    char *memory;       /* k of layer 0, v of layer 0, k of layer 1 ... */
    bool is_placed;     /* the memory is the caller's */
} as_kv_cache;
int as_kv_cache_bytes(const as_weights_index *index, k_type type, int64_t n_blocks, int64_t block_size, size_t *out,
                      as_err *err);
int as_kv_cache_init(as_kv_cache *c, const as_parameters *p, int64_t n_blocks, int64_t block_size, as_err *err);
/* The same in `memory`, as_kv_cache_bytes of the caller's, at a multiple of 64 bytes. */
int as_kv_cache_place(as_kv_cache *c, const as_parameters *p, int64_t n_blocks, int64_t block_size, void *memory,
                      as_err *err);
void as_kv_cache_fini(as_kv_cache *c);

/* New tokens of several sequences, whose earlier ones are in the cache. [host] */
typedef struct as_paged {
    int64_t n_tokens, n_seqs, max_blocks;
    const int32_t *ids;          /* [n_tokens] */
    const int32_t *positions;    /* [n_tokens] */
    const int32_t *seq_of;       /* [n_tokens], 0 .. n_seqs-1: row of block_tables; not of the order in which they came */
    const int32_t *block_tables; /* [n_seqs, max_blocks]: block of positions [i*block_size, (i+1)*block_size) */
    const int32_t *rows;         /* [n_rows] tokens that logits or samples are asked of afterwards, where row i is rows[i]: the
                                    last layer is for the others over once their keys and values are in the cache. NULL: all */
    int64_t n_rows;              /* <= logit_rows */
} as_paged;

/* Memory and state of passes of at most the options' size. One thread. The parameters must outlive it. */
typedef struct as_run as_run;
int as_run_new(as_run **out, const as_parameters *p, const as_run_options *options, as_err *err);
void as_run_free(as_run *r); /* NULL is fine */
/* What as_run_new takes of the device, or of the options' region. */
int as_run_bytes(const as_parameters *p, const as_run_options *options, size_t *out, as_err *err);
/* In a region: what is there from now on is this run's, with the cache beside it. as_run_forward does so by itself. Whatever
 * reads a pass is AS_EUSAGE once another has the region. */
void as_run_claim(as_run *r);

/* The forward pass. AS_EDATA names an id outside the vocabulary or a sequence longer than the positions prepared. */
int as_run_forward(as_run *r, const as_packed *b, as_err *err);
/* The same of new tokens against a cache, which gets their keys and values. No backward. */
int as_run_forward_paged(as_run *r, const as_paged *b, const as_kv_cache *cache, as_err *err);

/* Of the rows of the last as_run_forward: log-prob of each target at this temperature, entropy of the prediction
 * [n_rows]; entropy may be NULL. */
int as_run_logprob(as_run *r, double temperature, double *logp, double *entropy, as_err *err);

/* Gradients of a loss with dL/dlogp = coef[n_rows] and dL/dentropy = ecoef[n_rows] (NULL: 0), added to `grads`: real
 * numbers on the device, laid out like the arena. After as_run_logprob, with its temperature; once per forward. */
int as_run_backward(as_run *r, const double *coef, const double *ecoef, void *grads, as_err *err);
/* as_run_logprob and as_run_backward in one, to the bit, for coefficients that are known without the log-probs (cross-entropy):
 * the head computes its logits once. Right after as_run_forward. */
int as_run_logprob_backward(as_run *r, double temperature, const double *coef, double *logp, void *grads, as_err *err);

/* Scores of the rows of the last as_run_forward [n_rows]: score.weight . h (+ score.bias), h what a head for tokens would
 * take. AS_EUSAGE for a model without a score head (as_has_score). Beside as_run_logprob, or without. */
int as_run_scores(as_run *r, double *score, as_err *err);
/* as_run_backward with dL/dscore = scoef[n_rows] too; after as_run_scores. coef NULL (and then ecoef): log-probs have no part
 * in the loss, and a head for tokens is not computed with. scoef NULL: scores have none. */
int as_run_backward_scores(as_run *r, const double *coef, const double *ecoef, const double *scoef, void *grads,
                           as_err *err);

/* logits[n_rows, vocab] of rows of the last forward (n_rows <= logit_rows). */
int as_run_logits(as_run *r, const int32_t *rows, int64_t n_rows, double *logits, as_err *err);
/* What as_run_sample gives for a row; see k_sample. */
typedef struct as_sampled {
    int32_t id;
    double logp, kept_logp, entropy;
} as_sampled;
/* One token for each of the rows, as how[i] says. Ids from n_valid on are not sampled (padding of the vocabulary). */
int as_run_sample(as_run *r, const int32_t *rows, int64_t n_rows, const k_sample_row *how, int64_t n_valid,
                  as_sampled *out, as_err *err);

/* [n_tokens, d] residual stream after layer `layer` of the last packed forward of a run that trains, for tests. */
int as_run_hidden(as_run *r, int64_t layer, double *out, as_err *err);
#endif
