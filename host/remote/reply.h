/* reply.h -- what a server answers: a sample, the names of its models, or an error. Hostile text, checked before it is read.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REMOTE_REPLY_H
#define AS_REMOTE_REPLY_H
#include "base/arena.h"
#include "remote/remote.h"

/* Fills all but tag, sample and seed; texts and arrays are the arena's. AS_EREMOTE: no completion, and what it is instead. */
int as_reply_sample(as_str body, as_arena *arena, as_remote_sample *out, as_err *err);

/* The one model's name, or `wanted` if it is there; *owner: what the server calls itself ("vllm"), data NULL. AS_EREMOTE
 * with the names there are, else. */
int as_reply_model(as_str body, const char *wanted, as_arena *arena, as_str *name, as_str *owner, as_err *err);

/* "version" of a text like vLLM's {"version":"0.9.1"}; empty where there is none. */
as_str as_reply_version(as_str body, as_arena *arena);

/* A line for people of what a server said with an HTTP error: {"error":{"message"}}, {"detail"}, {"message"}, or the text. */
void as_reply_complaint(as_buf *out, as_str body);
#endif
