/* split.h -- pre-tokenizers of byte-level BPE: cuts a text into the pieces that are encoded on their own. Hand-written for
 * the patterns that GPT-2, Qwen 2/2.5/3, Llama 3 and SmolLM2 use; no regular expression engine. Pure; one pass, linear.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_SPLIT_H
#define AS_MODEL_SPLIT_H
#include "base/str.h"

typedef enum as_split_kind {
    AS_SPLIT_NONE,  /* the text is one piece */
    AS_SPLIT_GPT2,  /* 's|'t|'re|'ve|'m|'ll|'d| ?\p{L}+| ?\p{N}+| ?[^\s\p{L}\p{N}]+|\s+(?!\S)|\s+ */
    AS_SPLIT_QWEN2, /* (?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*|\s*[\r\n]+|... */
    AS_SPLIT_LLAMA3 /* the same with \p{N}{1,3} */
} as_split_kind;

typedef enum as_split_digits {
    AS_DIGITS_KEPT,
    AS_DIGITS_SINGLE, /* before the pattern, each \p{N} is cut off alone (SmolLM2) */
    AS_DIGITS_RUNS    /* or each run of them */
} as_split_digits;

typedef struct as_split_rule {
    as_split_kind kind;
    as_split_digits digits;
} as_split_rule;

/* A walk over one text: what it gives, put together, is the text. Bytes that are not UTF-8 count as signs. */
typedef struct as_split {
    const char *at, *stop, *end; /* stop: of what the pattern sees */
    as_split_rule rule;
} as_split;

as_split as_split_start(as_split_rule rule, as_str text);
bool as_split_next(as_split *s, as_str *piece); /* false at the end; a piece is never empty */

/* The pattern's text as tokenizer.json writes it; false where it is none of ours. */
bool as_split_kind_of(as_str pattern, as_split_kind *out);
const char *as_split_pattern(as_split_kind kind); /* the other way round; NULL for AS_SPLIT_NONE */
#endif
