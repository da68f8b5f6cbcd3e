/* judged.h -- a prompt and an answer as the tokens that a reward model reads: the two cut into tokens apart, as they are when an
 * answer is sampled, and an end-of-text token behind them. Training and scoring read alike.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_JUDGED_H
#define AS_MODEL_JUDGED_H
#include "model/chat.h"
#include "model/tokenizer.h"

/* One thread's. Tokenizer and template must outlive it. */
typedef struct as_judged as_judged;
/* chat: NULL: conversations are refused. eos: behind each answer; -1: nothing is. */
int as_judged_new(as_judged **out, const as_tokenizer *tokenizer, const as_chat *chat, int32_t eos, as_err *err);
void as_judged_free(as_judged *j); /* NULL is fine */

/* prompt: a text, or where is_chat a JSON list of messages, which the template renders up to where an answer begins; data
 * NULL: there is none. *ids [*n] is good until the next call. AS_EDATA where there is no token at all. */
int as_judged_encode(as_judged *j, as_str prompt, bool is_chat, as_str answer, const int32_t **ids, size_t *n, as_err *err);

/* Whether a prompt is a conversation, where all that is known of it is its text: a JSON list of objects with a "role". */
bool as_judged_is_chat(as_str prompt);
#endif
