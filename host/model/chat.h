/* chat.h -- conversations as the text a model was trained on. A model's folder says how, by a Jinja template; families that
 * are compiled in serve where it does not. Both are rendered by jinja.h: there is one way to do it.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_MODEL_CHAT_H
#define AS_MODEL_CHAT_H
#include "model/jinja.h"

/* [any]: never changes once it is open. */
typedef struct as_chat as_chat;

/* FOLDER/chat_template.jinja, else chat_template of FOLDER/tokenizer_config.json (a text, or a list of named ones: "default",
 * and "tool_use" for requests with tools). bos_token and its like come from tokenizer_config.json.
 * AS_EDATA: no template, or what jinja.h refuses; AS_EIO, AS_ENOMEM. */
int as_chat_open(as_chat **out, const char *folder, as_err *err);
/* A family by name. `folder`: whose special tokens it has; NULL: the family's own. AS_EUSAGE: unknown (known: ...). */
int as_chat_open_family(as_chat **out, const char *family, const char *folder, as_err *err);
const char *as_chat_families(void); /* "plain, chatml, ..." */
void as_chat_free(as_chat *c);      /* NULL is fine */

typedef struct as_chat_request {
    as_str messages;   /* JSON array of {"role", "content", ..} */
    as_str tools;      /* JSON array; data NULL: none */
    as_str documents;  /* the same */
    as_str variables;  /* JSON object of more that the template may ask for: {"enable_thinking": false}; data NULL: none */
    bool opens_answer; /* add_generation_prompt: ends where the model's answer begins */
    int64_t now;       /* for templates that print the date; 0: the clock */
} as_chat_request;

/* Messages of one prompt, a raw JSON string: what a user says. Replaces what is in `out`. AS_ENOMEM. */
int as_chat_say(as_buf *out, as_str prompt, as_err *err);

/* Appends the text; on failure `out` is as it was. Encode it without AS_ENCODE_SPECIAL: the template put the special tokens.
 * spans (may be NULL): what the model is to learn, where the template says so; all our families do. */
int as_chat_render(const as_chat *c, const as_chat_request *request, as_buf *out, as_jinja_spans *spans, as_err *err);
#endif
