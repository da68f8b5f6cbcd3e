/* suite.h -- prompts in memory, as the model reads them, with what a verifier is told: lines {"id","prompt" or "messages",
 * "reference"?,"meta"?}. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_SUITE_H
#define AS_TRAIN_SUITE_H
#include "base/arena.h"
#include "model/chat.h"
#include "model/tokenizer.h"

#include <stdbool.h>

typedef struct as_suite_item {
    as_str id;        /* raw JSON: a string or a number */
    as_str name;      /* its text: "7" and 7 name the same prompt in every reader of samples */
    as_str prompt;    /* the text; messages: raw JSON */
    bool is_messages; /* which of the two */
    as_str reference; /* a string unescaped, anything else as raw JSON; data NULL: none */
    as_str meta;      /* raw JSON object; data NULL: none */
    const int32_t *ids; /* [n_ids] what the model reads; n_ids > 0. NULL without a tokenizer */
    size_t n_ids;
    uint64_t key;     /* what draws are keyed by: as_hash64 of the id, as in generate */
    uint64_t line;    /* of the file, from 1 */
} as_suite_item;

typedef struct as_suite { /* zero-initialise; texts and tokens live in the arena */
    as_suite_item *items;
    size_t n, cap;
    uint64_t n_too_long; /* prompts left out */
    size_t longest;      /* tokens of the longest prompt */
    as_arena arena;
} as_suite;

typedef struct as_suite_reading {
    const as_tokenizer *tokenizer; /* NULL: prompts stay texts and conversations, for a model behind an address */
    const as_chat *chat; /* for lines with "messages"; NULL: they are refused */
    bool as_chat;        /* a "prompt" is what a user says, in the chat template */
    size_t longest;      /* tokens of a prompt: longer ones are left out, and counted; 0: any */
    uint64_t limit;      /* lines; 0: all */
} as_suite_reading;

/* AS_EDATA `FILE:LINE: ...`: no JSON object, no id, an id or a key that comes twice, a prompt of another kind or without tokens;
 * and where nothing is left. */
int as_suite_read(as_suite *s, const char *path, const as_suite_reading *how, as_err *err);
void as_suite_fini(as_suite *s);

/* Prompts that come one by one, up to `most` at a time: items stay where they are until as_suite_clear. One thread; *s and what
 * `how` names must outlive it. */
typedef struct as_suite_reader as_suite_reader;
int as_suite_reader_new(as_suite_reader **out, as_suite *s, const as_suite_reading *how, size_t most, as_err *err);
void as_suite_reader_free(as_suite_reader *r); /* NULL is fine */
/* One more item, of a line that must not be a blank one. AS_EDATA, and the suite is as before: what as_suite_read refuses in a line,
 * and a prompt that is too long. Ids may come again; the n-th of one id among those that are there has a key of its own. */
int as_suite_add(as_suite_reader *r, as_str line, uint64_t no, as_err *err);
void as_suite_clear(as_suite *s); /* no items */
#endif
