/* sft_data.h -- texts to learn from, as tokens, in memory: which of them count, in which order they come.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_SFT_DATA_H
#define AS_TRAIN_SFT_DATA_H
#include "base/str.h"
#include "model/chat.h"
#include "model/tokenizer.h"

/* One text: ids[begin .. begin + n), of which token i is learned (predicted from those before it) where learns[i]. */
typedef struct as_sft_row {
    size_t begin;
    uint32_t n, n_learned;
} as_sft_row;

typedef struct as_sft_data {
    int32_t *ids;
    uint8_t *learns; /* never the first of a row */
    size_t n_ids, cap_ids;
    as_sft_row *rows;
    size_t n_rows, cap_rows;
    uint64_t n_too_long, n_empty; /* rows left out: over the longest; nothing in them to learn */
    uint64_t n_truncated, n_below; /* samples left out: cut off; of a lower score */
    uint64_t n_unanswered;         /* prompts without any sample */
} as_sft_data;

typedef struct as_sft_reading {
    const as_tokenizer *tokenizer;
    const as_chat *chat; /* NULL: rows with "messages" are refused */
    size_t longest;      /* tokens of a row */
    int32_t eos;         /* put behind a completion; -1: none */
    /* A teacher's: the data are then samples {"problem_id","sample_idx","completion",...} of the prompts of this file, lines
     * {"id","prompt"} or {"id","messages"}; NULL: no samples. */
    const char *prompts;
    bool as_chat;          /* a "prompt" is what a user says, in the chat template */
    bool keeps_truncated;  /* samples whose "finish_reason" is "length", too, without an end of text */
    double min_score;      /* of a sample's "score"; -INFINITY: it need have none */
} as_sft_reading;

/* Lines of `path`: {"prompt","completion"}: the completion is learned, given the prompt; {"text"}: all of it; {"messages"}:
 * what the template marks, else the last message. With how->prompts: a teacher's samples, each behind its prompt; AS_EDATA
 * also for a prompt's id that comes twice, a sample that comes twice, or one of no prompt. FILE:LINE and what is wrong. */
int as_sft_data_read(as_sft_data *d, const char *path, const as_sft_reading *how, as_err *err);
void as_sft_data_fini(as_sft_data *d);

/* Row of the k-th draw of a run, k from 0: epochs follow one another, each in an order of its own (Fisher-Yates with a
 * counted generator). `order` is the caller's, n_rows numbers, and *epoch which it holds (UINT64_MAX: none). */
size_t as_sft_data_draw(const as_sft_data *d, uint64_t seed, uint64_t k, uint32_t *order, uint64_t *epoch);
#endif
