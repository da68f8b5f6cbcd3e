/* generate.h -- samples from a model: many prompts, many samples of each, a few sequences at a time.
 *
 * Continuous batching: each pass takes one new token of every sequence that is being written, and pieces of prompts while
 * there is room; who ends makes room for the next at once (Yu et al., Orca, OSDI 2022). The samples of a prompt share its
 * blocks of the cache. Where the cache is full, the youngest sequence gives its blocks back and is computed again later.
 *
 * None of it shows in the results: a row of a pass depends on its own sequence alone (kernels.h), and a draw on (seed, key,
 * sample, place in the completion) alone, so a sample is the same to the bit whatever it is batched with.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_GENERATE_H
#define AS_MODEL_GENERATE_H
#include "base/str.h"
#include "model/activations.h"
#include "model/tokenizer.h"

typedef struct as_gen_options {
    int64_t max_seqs;     /* written at a time; > 0 */
    int64_t batch_tokens; /* of one pass; at least max_seqs */
    int64_t block_size;   /* positions of a cache block; a multiple of K_KEY_BLOCK */
    int64_t n_blocks;     /* of the cache; 0: enough for max_seqs of the longest sequences */
    as_region *region;    /* where activations and cache lie, from the beginning; NULL: memory of its own */
} as_gen_options;
as_gen_options as_gen_standard(void); /* 64 at a time, 512 tokens a pass, blocks of 16 */
/* The passes of a generator with these options, for a model with max_pos positions: what a memory plan counts. */
as_run_options as_gen_run_options(const as_gen_options *o, k_device *dev, int64_t max_pos);

typedef struct as_sampling {
    float temperature, top_p, min_p; /* as in k_sample_row */
    int32_t top_k;
    uint32_t max_tokens; /* of a completion; > 0. The model's context ends it too */
    uint64_t seed;
    const as_str *stops; /* texts that end a completion; need a tokenizer */
    size_t n_stops;
    bool ignores_eos; /* ids that end a text are tokens like others */
} as_sampling;

typedef struct as_gen_prompt {
    const int32_t *ids; /* copied; n_ids > 0, and below the positions the parameters have prepared */
    size_t n_ids;
    uint64_t key;       /* what tells prompts apart for the draws */
    uint32_t first, n;  /* samples first .. first + n - 1 are wanted */
    void *tag;          /* the caller's, comes back with each sample */
} as_gen_prompt;

typedef enum as_finish { AS_FINISH_STOP, AS_FINISH_LENGTH } as_finish;
const char *as_finish_text(as_finish f); /* "stop": an end-of-text id or a stop text; "length": max_tokens or the context */

typedef struct as_gen_sample { /* valid during the call */
    void *tag;
    uint32_t sample;
    as_finish finish;
    const int32_t *ids; /* [n] with the id that ended it, and those of a stop text */
    const float *logp;  /* [n] of each at this temperature, before top-k, top-p and min-p; temperature 0: at 1 */
    const float *entropy; /* [n] of the same distribution, in nats */
    size_t n;
    as_str text; /* special tokens and the stop text left out; empty without a tokenizer */
} as_gen_sample;

typedef struct as_gen_io {
    int (*next)(void *ctx, as_gen_prompt *out, as_err *err);        /* 1: a prompt; 0: no more; < 0 */
    int (*done)(void *ctx, const as_gen_sample *sample, as_err *err); /* in the order they end */
    int (*check)(void *ctx, as_err *err); /* before each pass: < 0 ends it all; NULL */
    void *ctx;
} as_gen_io;

typedef struct as_gen_counts {
    uint64_t passes, tokens;      /* computed, prompts included */
    uint64_t sampled, preempted;  /* tokens drawn; sequences computed again for want of blocks */
    uint64_t most_blocks;         /* of the cache that were taken at once */
} as_gen_counts;

/* One thread. The parameters and the tokenizer (NULL: no texts, no stop texts) must outlive it. */
typedef struct as_generator as_generator;
int as_generator_new(as_generator **out, const as_parameters *p, const as_tokenizer *tokenizer,
                     const as_gen_options *options, as_err *err);
void as_generator_free(as_generator *g); /* NULL is fine */
size_t as_generator_bytes(const as_generator *g); /* of the device's memory, or of the region: activations and cache */

/* All prompts of io->next to their ends. AS_EDATA for a prompt that does not fit the context, AS_EBUDGET where the whole
 * cache does not hold one sequence. After a failure the generator can be used again. In a region, nobody else may take it
 * before this returns. */
int as_generate(as_generator *g, const as_sampling *how, const as_gen_io *io, as_err *err);
as_gen_counts as_generator_counts(const as_generator *g); /* since it was made */
#endif
