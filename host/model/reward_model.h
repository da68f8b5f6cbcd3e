/* reward_model.h -- a folder of a reward model, opened to score answers: ...ForSequenceClassification of one label, as `assay train`
 * (algo rm) and transformers write it. The score of an answer is that of its last token, the end of text behind it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_REWARD_MODEL_H
#define AS_MODEL_REWARD_MODEL_H
#include "base/str.h"
#include "model/scoring.h"

typedef struct as_reward_model_options {
    int64_t longest; /* tokens of prompt and answer that are scored; 0: the model's positions, 8192 at most */
    int64_t tokens;  /* of a pass; 0: 2048, or the longest where that is more */
} as_reward_model_options;

/* One thread. The device must outlive it. */
typedef struct as_reward_model as_reward_model;
/* AS_EDATA or AS_EUSAGE where the folder is none, or has no tokenizer. options NULL: zeroes. */
int as_reward_model_open(as_reward_model **out, const char *folder, k_device *dev, const as_reward_model_options *options,
                         as_err *err);
void as_reward_model_free(as_reward_model *m); /* NULL is fine */

/* score[n] of answers to prompts (data NULL: none; a conversation is known by as_judged_is_chat). NaN: longer than it scores,
 * or without a token. The same text has the same score whatever it is scored with, to the bit. check (may be NULL) before each
 * pass: < 0 ends it. */
typedef int as_reward_model_check(void *ctx, as_err *err);
int as_reward_model_score(as_reward_model *m, const as_str *prompts, const as_str *answers, size_t n, double *score,
                          as_reward_model_check *check, void *ctx, as_err *err);
#endif
