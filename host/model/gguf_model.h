/* gguf_model.h -- models from and to GGUF, so that what was trained here runs in llama.cpp and what runs there can be
 * trained here. SPDX-License-Identifier: Apache-2.0
 *
 * Names and keys are those of llama.cpp's convert_hf_to_gguf.py. Rows of q and k of architecture "llama" are permuted
 * there, from half-split to interleaved rotary pairs: row h D + s D/2 + i of Hugging Face (head h, half s) is row
 * h D + 2 i + s. qwen2 and qwen3 keep the order. */
#ifndef AS_MODEL_GGUF_MODEL_H
#define AS_MODEL_GGUF_MODEL_H
#include "base/buf.h"
#include "model/gguf.h"
#include "model/tokenizer.h"
#include "model/weights.h"

typedef struct as_gguf_save_options {
    as_dtype arena_dtype; /* AS_F32 or AS_BF16 */
    as_gguf_type type;    /* of matrices; norms and biases are F32, and so what Q8_0 cannot hold becomes F16 */
    const char *like;     /* the Hugging Face folder with tokenizer.json; NULL: no tokenizer is written */
    const char *name;     /* general.name; NULL: none */
} as_gguf_save_options;

/* Whole or not at all. A weight that is not finite in `type` is AS_EDATA and named. */
int as_gguf_save(const as_weights_index *index, const void *arena, const as_gguf_save_options *options, const char *path,
                 as_err *err);

/* What a file is; AS_EDATA names the key that is missing or not implemented. The factors of Llama 3's rope scaling are told
 * from rope_freqs.weight, which keeps no more than their effect: those of Llama 3.1 and 3.2 are known, and what
 * as_gguf_save wrote. */
int as_gguf_config(const as_gguf *g, as_model_config *out, as_err *err);
/* Its weights as F32 into arena[n_elements], in Hugging Face's order; gaps are zero. */
int as_gguf_load(const as_gguf *g, const as_weights_index *index, float *arena, as_err *err);

/* tokenizer.json as Hugging Face's `tokenizers` reads it, of the byte-level BPE of tokenizer.ggml.* (pre-tokenizers gpt-2,
 * smollm, qwen2, llama-bpe). llama.cpp knows no NFC: a qwen2 file gets it back, as those models were trained with it. */
int as_gguf_tokenizer(const as_gguf *g, as_buf *out, as_err *err);

/* A GGUF file as a Hugging Face folder: config.json, weights as file_dtype, tokenizer.json and tokenizer_config.json with
 * its chat template. Whole or not at all: FOLDER must not be there, or be empty. A file without tokens gives a folder
 * without tokenizer. */
int as_gguf_import(const char *path, const char *folder, as_dtype file_dtype, as_err *err);
#endif
