/* weights_io.h -- an arena of weights from and to a Hugging Face folder.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_WEIGHTS_IO_H
#define AS_MODEL_WEIGHTS_IO_H
#include "model/safetensors.h"
#include "model/weights.h"

typedef struct as_weights_load_options {
    as_dtype dtype;        /* of the arena: AS_F32 or AS_BF16 */
    bool allow_not_finite; /* take NaN and infinite weights; else they are AS_EDATA */
    bool *fresh_score; /* not NULL: files may lack the score head, as those of a language model do: it is zero then, and this
                          says so (as_score_draw) */
} as_weights_load_options;

/* FOLDER/model.safetensors, or the files of FOLDER/model.safetensors.index.json, into arena[n_elements]; gaps are set to
 * zero. Types F32, BF16 and F16 are converted. A tensor that is missing, unknown or of another shape is AS_EDATA and
 * named; lm_head.weight beside a tied head or where only scores are made is ignored, as
 * transformers does. options NULL: F32, finite. */
int as_weights_load(const as_weights_index *index, const char *folder, const as_weights_load_options *options,
                    void *arena, as_err *err);
/* The same of files that are open already. */
int as_weights_read(const as_weights_index *index, const as_safetensors *from, const char *what,
                    const as_weights_load_options *options, void *arena, as_err *err);

typedef struct as_weights_save_options {
    as_dtype arena_dtype; /* AS_F32 or AS_BF16 */
    as_dtype file_dtype;  /* AS_F32, AS_BF16 or AS_F16 */
    /* config.json (its dtype changed), generation_config.json, the tokenizer's files and the chat template are copied
     * from here; NULL: config.json alone is written, from the index */
    const char *like;
    size_t shard_bytes; /* a file holds at most so many bytes of tensors (but at least one tensor); 0: 5 GB */
} as_weights_save_options;

/* Writes a folder that transformers' from_pretrained loads as is. All or nothing (base/publish.h): FOLDER must not be
 * there, or be empty. */
int as_weights_save(const as_weights_index *index, const void *arena, const as_weights_save_options *options,
                    const char *folder, as_err *err);
/* The same into a folder that is there and the caller's to publish. */
int as_weights_save_into(const as_weights_index *index, const void *arena, const as_weights_save_options *options,
                         const char *folder, as_err *err);
#endif
