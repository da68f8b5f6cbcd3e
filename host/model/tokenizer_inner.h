/* tokenizer_inner.h -- what tokenizer_read.c fills and tokenizer.c uses. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_TOKENIZER_INNER_H
#define AS_MODEL_TOKENIZER_INNER_H
#include "model/added.h"
#include "model/bpe.h"
#include "model/split.h"
#include "model/tokenizer.h"

struct as_tokenizer {
    as_bpe bpe;
    as_arena arena;       /* texts of added tokens */
    as_added_token *added;
    size_t n_added;
    as_added_set raw, normalized;
    int32_t *added_at;    /* by id: index in `added`, -1: of the model. n_ids of them */
    int32_t n_ids;
    as_split_rule split;
    bool is_nfc;
    int32_t *before, *after; /* what the post-processor puts around a text; in the arena */
    size_t n_before, n_after;
};

/* Fills a zero-initialised tokenizer from a text that as_json_scan accepted. */
int as_tokenizer_read(as_tokenizer *t, as_str json, as_err *err);
#endif
