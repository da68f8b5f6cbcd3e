/* judged.c -- see judged.h. SPDX-License-Identifier: Apache-2.0 */
#include "model/judged.h"

#include "base/jspan.h"
#include "base/mem.h"

struct as_judged {
    as_encoder *encoder;
    const as_chat *chat;
    int32_t eos;
    as_buf rendered;
    as_tokens tokens;
    int32_t *ids; /* the tokens with the one behind them */
    size_t cap;
};

int as_judged_new(as_judged **out, const as_tokenizer *tokenizer, const as_chat *chat, int32_t eos,
                  as_err *err)
{
    *out = NULL;
    as_judged *j = as_calloc(1, sizeof *j);
    if (!j)
        return as_fail(err, AS_ENOMEM, "out of memory");
    j->chat = chat;
    j->eos = eos;
    as_buf_init(&j->rendered, (size_t)1 << 30);
    int rc = as_encoder_new(&j->encoder, tokenizer, err);
    if (rc < 0)
        as_judged_free(j);
    else
        *out = j;
    return rc;
}

void as_judged_free(as_judged *j)
{
    if (!j)
        return;
    as_encoder_free(j->encoder);
    as_tokens_fini(&j->tokens);
    as_buf_fini(&j->rendered);
    as_free(j->ids);
    as_free(j);
}

static int render(as_judged *j, as_str messages, as_err *err)
{
    const as_chat_request request = { .messages = messages, .opens_answer = true };
    if (!j->chat)
        return as_fail(err, AS_EDATA, "a conversation needs a chat template, and there is none");
    as_buf_clear(&j->rendered);
    return as_chat_render(j->chat, &request, &j->rendered, NULL, err);
}

static int close_text(as_judged *j, const int32_t **ids, size_t *n, as_err *err)
{
    *n = j->tokens.n + (j->eos >= 0);
    if (*n == 0)
        return as_fail(err, AS_EDATA, "neither prompt nor answer has a token");
    if (*n > j->cap) {
        const size_t cap = *n + *n / 2 + 64;
        int32_t *more = as_realloc_array(j->ids, cap, sizeof *more);
        if (!more)
            return as_fail(err, AS_ENOMEM, "out of memory");
        j->ids = more;
        j->cap = cap;
    }
    for (size_t i = 0; i < j->tokens.n; i++)
        j->ids[i] = j->tokens.ids[i];
    if (j->eos >= 0)
        j->ids[j->tokens.n] = j->eos;
    *ids = j->ids;
    return 0;
}

int as_judged_encode(as_judged *j, as_str prompt, bool is_chat, as_str answer, const int32_t **ids,
                     size_t *n, as_err *err)
{
    int rc = 0;
    j->tokens.n = 0;
    if (prompt.data && is_chat)
        rc = render(j, prompt, err);
    if (rc == 0 && prompt.data)
        rc = as_encode(j->encoder, is_chat ? as_buf_str(&j->rendered) : prompt,
                       is_chat ? 0 : AS_ENCODE_SPECIAL, &j->tokens, err);
    if (rc == 0)
        rc = as_encode(j->encoder, answer, prompt.data ? 0 : AS_ENCODE_SPECIAL, &j->tokens, err);
    return rc < 0 ? rc : close_text(j, ids, n, err);
}

bool as_judged_is_chat(as_str prompt)
{
    as_jspan list, message;
    size_t at = 0, n = 0;
    while (at < prompt.len && (prompt.data[at] == ' ' || prompt.data[at] == '\n'))
        at++;
    if (at == prompt.len || prompt.data[at] != '[' || as_json_scan(prompt, &list, NULL) < 0)
        return false;
    for (at = 0; as_jarray_next(list, &at, &message); n++)
        if (message.kind != AS_J_OBJECT || as_jobject_get(message, "role").kind != AS_J_STRING)
            return false;
    return n > 0;
}
