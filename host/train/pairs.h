/* pairs.h -- preferences in memory, as tokens: two answers to a prompt, of which one was preferred.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_PAIRS_H
#define AS_TRAIN_PAIRS_H
#include "base/str.h"
#include "model/chat.h"
#include "model/tokenizer.h"

enum { AS_CHOSEN, AS_REJECTED };

typedef struct as_pair {
    size_t begin[2]; /* AS_CHOSEN, AS_REJECTED: ids[begin .. begin + n), prompt and answer */
    uint32_t n[2];
} as_pair;

typedef struct as_pairs { /* zero-initialise */
    int32_t *ids;
    size_t n_ids, cap_ids;
    as_pair *at;
    size_t n, cap;
    uint64_t n_too_long, n_same; /* left out: a text over the longest; two texts of the same tokens, which tell nothing */
} as_pairs;

typedef struct as_pairs_reading {
    const as_tokenizer *tokenizer;
    const as_chat *chat; /* NULL: conversations are refused */
    bool as_chat;        /* a "prompt" is what a user says, in the chat template */
    size_t longest;      /* tokens of a text */
    int32_t eos;         /* behind an answer; -1: none */
} as_pairs_reading;

/* Lines of `path`, in TRL's preference format: {"prompt","chosen","rejected"}, texts or lists of messages (then the last of
 * "chosen" and of "rejected" is the answer, and those before it belong to the prompt, which may be missing); "messages" may
 * stand for a "prompt" of messages. Added to those there are. AS_EDATA `FILE:LINE: ...`. */
int as_pairs_read(as_pairs *p, const char *path, const as_pairs_reading *how, as_err *err);
/* One more, of tokens (copied). true in *is_new: it was not left out. */
int as_pairs_add(as_pairs *p, const int32_t *chosen, size_t n_chosen, const int32_t *rejected, size_t n_rejected,
                 size_t longest, bool *is_new, as_err *err);
void as_pairs_clear(as_pairs *p); /* keeps its memory */
void as_pairs_fini(as_pairs *p);

/* Responses as preferences: rows of n_groups groups of `each`, with a label for each row (NaN: none). Two rows of a group whose
 * labels differ are a pair, the higher one chosen. */
typedef struct as_row_pair {
    size_t chosen, rejected;
} as_row_pair;
/* out[most]: all pairs there are, in order; where there are more than `most`, so many of them, each set as likely, drawn by
 * `seed`. How many: */
size_t as_pairs_of_labels(as_row_pair *out, size_t most, const double *label, size_t n_groups, size_t each, uint64_t seed);
/* Of all pairs, those that `score` puts into the same order (equal scores: half); *n: how many pairs there are. NaN where
 * there is none. */
double as_pairs_agreement(const double *label, const double *score, size_t n_groups, size_t each, size_t *n);

/* The pair of the k-th draw of a run, k from 0: epochs follow one another, each in an order of its own. `order` is the
 * caller's, p->n numbers, and *epoch which it holds (UINT64_MAX: none). */
size_t as_pairs_draw(const as_pairs *p, uint64_t seed, uint64_t k, uint32_t *order, uint64_t *epoch);
#endif
