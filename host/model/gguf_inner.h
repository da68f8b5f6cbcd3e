/* gguf_inner.h -- what gguf_load.c, gguf_save.c and gguf_tokens.c share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_GGUF_INNER_H
#define AS_MODEL_GGUF_INNER_H
#include "base/buf.h"
#include "model/gguf_model.h"

/* "llama", "qwen2" or "qwen3" */
const char *as_gguf_architecture(as_model_type type);
/* The name of a part there: "blk.3.attn_q.weight". */
void as_gguf_part_name(const as_weights_index *index, size_t part, char out[64]);
/* The row of the part that is row `row` there. */
int64_t as_gguf_part_row(const as_weights_index *index, size_t part, int64_t row);
/* What rope_freqs.weight holds: by how much pair i (< head_dim / 2) turns more slowly (Llama 3.1). */
float as_gguf_rope_slowness(const as_model_config *c, int64_t i);

/* Keys as a file has them, counted. Messages of failure come at the end, from the buffer. */
typedef struct as_gguf_keys {
    as_buf bytes;
    uint64_t n;
} as_gguf_keys;
void as_gguf_put_text(as_buf *b, as_str text); /* u64 length, bytes */
void as_gguf_key(as_gguf_keys *k, const char *name, enum as_gguf_kind kind); /* its value is the caller's to add */
void as_gguf_key_u32(as_gguf_keys *k, const char *name, int64_t v);
void as_gguf_key_f32(as_gguf_keys *k, const char *name, double v);
void as_gguf_key_text(as_gguf_keys *k, const char *name, as_str text);
/* tokenizer.ggml.*, of FOLDER/tokenizer.json and the chat template beside it. */
int as_gguf_key_tokens(as_gguf_keys *k, const as_model_config *c, const char *folder, as_err *err);
#endif
