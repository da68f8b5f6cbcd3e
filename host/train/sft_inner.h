/* sft_inner.h -- what sft_data.c and distil.c share: a prompt with its completion as tokens.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_SFT_INNER_H
#define AS_TRAIN_SFT_INNER_H
#include "base/arena.h"
#include "base/buf.h"
#include "base/jspan.h"
#include "data/jsonl.h"
#include "train/sft_data.h"

typedef struct as_sft_reader {
    as_sft_data *d;
    const as_sft_reading *how;
    as_encoder *encoder;
    as_tokens tokens;
    as_arena arena; /* of one line */
    as_buf text, before;
    as_jinja_spans spans;
} as_sft_reader;

/* A row of a prompt (data NULL: none; is_rendered: its special tokens are in it already) and the completion that is learned;
 * `ends`: with an end-of-text token behind it, where how->eos has one. */
int as_sft_take_pair(as_sft_reader *r, as_str prompt, bool is_rendered, as_str completion, bool ends, as_err *err);
/* The string `value` into r->arena; out as it was where there is none. */
int as_sft_text_of(as_sft_reader *r, as_jspan value, const char *key, as_str *out, as_err *err);

/* how->prompts and the samples of `path` (distil.c). */
int as_sft_read_samples(as_sft_reader *r, const char *path, as_err *err);
#endif
