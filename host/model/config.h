/* config.h -- what a model is: config.json and generation_config.json of a Hugging Face folder, as transformers 4 and 5
 * write them. What the engine does not implement is refused by name, never guessed.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_CONFIG_H
#define AS_MODEL_CONFIG_H
#include "base/buf.h"
#include "model/dtype.h"

typedef enum as_model_type { AS_LLAMA, AS_QWEN2, AS_QWEN3 } as_model_type; /* Llama 3.x and SmolLM2 are AS_LLAMA */

typedef enum as_rope_type {
    AS_ROPE_DEFAULT, /* angle of pair i at position p: p * theta^(-2i / head_dim) */
    AS_ROPE_LLAMA3   /* frequencies below `low` and between `low` and `high` slowed down by `factor` (Llama 3.1) */
} as_rope_type;

/* What is read off the last hidden state. */
typedef enum as_heads {
    AS_HEADS_TOKENS, /* log-probs of the next token: a language model, ...ForCausalLM */
    AS_HEADS_SCORE,  /* one number a token and no language: a reward model or a critic, ...ForSequenceClassification (or
                        ...ForTokenClassification, which has a bias) of one label */
    AS_HEADS_BOTH    /* a language model and a value head: ...ForCausalLM with score.weight beside lm_head, and the key
                        "has_value_head": true, which transformers passes over */
} as_heads;

enum { AS_EOS_MAX = 16 };

/* Plain values; copied freely. All counts are > 0, and so small that no tensor has more than 2^42 elements and no model
 * more than 2^56; n_heads is a multiple of n_kv_heads; head_dim is even; ids are below vocab. */
typedef struct as_model_config {
    as_model_type type;
    int64_t n_layers, d, n_heads, n_kv_heads, head_dim; /* head_dim may differ from d / n_heads (Qwen3) */
    int64_t d_ff, vocab;                                /* vocab as padded: >= the tokenizer's */
    int64_t max_pos;                                    /* positions the model was made for */
    double rms_eps, rope_theta;
    as_rope_type rope_type;
    double rope_factor, rope_low, rope_high; /* AS_ROPE_LLAMA3 only */
    int64_t rope_original;                   /* positions before scaling; AS_ROPE_LLAMA3 only */
    bool is_tied;      /* lm_head.weight is embed_tokens.weight */
    bool has_qkv_bias; /* Qwen2 */
    bool has_qk_norm;  /* Qwen3: RMSNorm over each head of q and k, before RoPE */
    as_heads heads;    /* a caller may give a language model's folder a score head: weights_io.h, fresh_score */
    bool has_score_bias; /* ...ForTokenClassification */
    as_dtype dtype;    /* the type the folder says its weights are in (AS_F32 where it says nothing) */
    int32_t eos[AS_EOS_MAX]; /* any of these ends a text; generation_config.json's where it has some */
    unsigned n_eos;
    int32_t bos, pad; /* -1: none */
} as_model_config;

static inline bool as_has_score(const as_model_config *c) { return c->heads != AS_HEADS_TOKENS; }
static inline bool as_has_tokens(const as_model_config *c) { return c->heads != AS_HEADS_SCORE; }

/* Reads FOLDER/config.json and, if it is there, FOLDER/generation_config.json. AS_EIO, or AS_EDATA with
 * `FOLDER/config.json: key "rope_scaling.rope_type": "yarn" is not implemented (known: default, llama3)`. */
int as_model_config_load(as_model_config *out, const char *folder, as_err *err);

/* The same of the two files' texts; generation.data NULL where there is none. `folder` is for messages. */
int as_model_config_parse(as_model_config *out, as_str config, as_str generation, const char *folder, as_err *err);

/* config.json for a model that came from no file, readable by transformers 4 and 5. */
int as_model_config_write(const as_model_config *c, as_dtype dtype, as_buf *out, as_err *err);

/* `config`, a text as_model_config_parse accepted for a model of c's type, byte for byte, but for its "dtype" (or
 * "torch_dtype"), which becomes `dtype`, and for what says which heads there are, where c has others. */
int as_model_config_rewrite(as_str config, const as_model_config *c, as_dtype dtype, as_buf *out, as_err *err);
#endif
