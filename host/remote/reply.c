/* reply.c -- see reply.h. SPDX-License-Identifier: Apache-2.0 */
#include "remote/reply.h"

#include "base/jspan.h"
#include "base/mem.h"

#include <math.h>
#include <string.h>

enum { MOST_SAID = 200, MOST_TOKENS = 1 << 24 };

static int scan(as_str body, as_jspan *out, as_err *err)
{
    as_err why = { 0 };
    if (as_json_scan(body, out, &why) < 0)
        return as_fail(err, AS_EREMOTE, "the answer is not JSON: %s", why.text);
    return out->kind == AS_J_OBJECT ? 0
                                    : as_fail(err, AS_EREMOTE, "the answer is not a JSON object");
}

/* A text, or data NULL where there is none. */
static int text_at(as_jspan object, const char *key, as_arena *arena, as_str *out, as_err *err)
{
    const as_jspan s = as_jobject_get(object, key);
    *out = (as_str){ 0 };
    if (s.kind != AS_J_STRING)
        return 0;
    *out = as_jstring(s, arena, NULL);
    return out->data ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static size_t count(as_jspan array)
{
    as_jspan x;
    size_t n = 0;
    for (size_t at = 0; as_jarray_next(array, &at, &x);)
        n++;
    return n;
}

/* Log-probabilities: {"token_logprobs":[-0.1,...]} of completions,
 * {"content":[{"logprob":-0.1},...]} of chat; some servers give the second for both. Anything else,
 * a null among them too, counts as not told. */
static int read_logp(as_jspan logprobs, as_arena *arena, const float **out, size_t *n, as_err *err)
{
    const as_jspan flat = as_jobject_get(logprobs, "token_logprobs"),
                   list = flat.kind == AS_J_ARRAY ? flat : as_jobject_get(logprobs, "content");
    *out = NULL;
    *n = 0;
    if (list.kind != AS_J_ARRAY)
        return 0;
    const size_t all = count(list);
    float *x = as_arena_alloc(arena, (all + 1) * sizeof *x);
    if (!x)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_jspan item;
    for (size_t at = 0, i = 0; as_jarray_next(list, &at, &item); i++) {
        double value = 0;
        const as_jspan number = item.kind == AS_J_OBJECT ? as_jobject_get(item, "logprob") : item;
        if (!as_jnumber(number, &value) || !(fabs(value) < 1e30))
            return 0;
        x[i] = (float)value;
    }
    *out = x;
    *n = all;
    return 0;
}

static int read_ids(as_jspan list, as_arena *arena, const int32_t **out, size_t *n, as_err *err)
{
    *out = NULL;
    *n = 0;
    if (list.kind != AS_J_ARRAY)
        return 0;
    const size_t all = count(list);
    int32_t *ids = as_arena_alloc(arena, (all + 1) * sizeof *ids);
    if (!ids)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_jspan item;
    for (size_t at = 0, i = 0; as_jarray_next(list, &at, &item); i++) {
        unsigned long long id = 0;
        if (!as_junsigned(item, &id) || id > INT32_MAX)
            return as_fail(err, AS_EREMOTE, "\"token_ids\" holds something that is no id");
        ids[i] = (int32_t)id;
    }
    *out = ids;
    *n = all;
    return 0;
}

/* How many tokens there are, by what was told: the ids, the log-probabilities, the bill. What
 * disagrees is left out. */
static int agree(as_remote_sample *s, size_t n_ids, size_t n_logp, as_jspan usage, as_err *err)
{
    unsigned long long billed = 0;
    const bool has_bill =
        as_junsigned(as_jobject_get(usage, "completion_tokens"), &billed) && billed <= MOST_TOKENS;
    if (!s->ids && !s->logp && !has_bill)
        return as_fail(err, AS_EREMOTE,
                       "the answer does not say how many tokens it has "
                       "(\"usage\":{\"completion_tokens\"})");
    s->n = s->ids ? n_ids : s->logp ? n_logp : (size_t)billed;
    if (s->logp && n_logp != s->n)
        s->logp = NULL;
    return 0;
}

int as_reply_sample(as_str body, as_arena *arena, as_remote_sample *out, as_err *err)
{
    as_jspan reply, choice;
    size_t first = 0, n_ids = 0, n_logp = 0;
    int rc = scan(body, &reply, err);
    if (rc < 0)
        return rc;
    const as_jspan choices = as_jobject_get(reply, "choices");
    if (choices.kind != AS_J_ARRAY || !as_jarray_next(choices, &first, &choice) ||
        choice.kind != AS_J_OBJECT)
        return as_fail(err, AS_EREMOTE, "the answer has no \"choices\"");
    const as_jspan message = as_jobject_get(choice, "message");
    const bool is_chat = message.kind == AS_J_OBJECT;
    const as_jspan text = as_jobject_get(is_chat ? message : choice, is_chat ? "content" : "text");
    if (text.kind != AS_J_STRING && !(is_chat && text.kind == AS_J_NULL))
        return as_fail(err, AS_EREMOTE, "the answer's first choice has no %s",
                       is_chat ? "\"message\":{\"content\"}" : "\"text\"");
    rc = text_at(is_chat ? message : choice, is_chat ? "content" : "text", arena, &out->text, err);
    if (rc == 0)
        rc = text_at(choice, "finish_reason", arena, &out->finish, err);
    if (rc == 0 && is_chat)
        rc = text_at(message, "reasoning_content", arena, &out->reasoning, err);
    if (rc == 0 && is_chat && !out->reasoning.data)
        rc = text_at(message, "reasoning", arena, &out->reasoning, err);
    if (rc == 0)
        rc = text_at(reply, "system_fingerprint", arena, &out->fingerprint, err);
    if (rc == 0)
        rc = read_logp(as_jobject_get(choice, "logprobs"), arena, &out->logp, &n_logp, err);
    if (rc == 0)
        rc = read_ids(as_jobject_get(choice, "token_ids"), arena, &out->ids, &n_ids, err);
    if (rc == 0)
        rc = agree(out, n_ids, n_logp, as_jobject_get(reply, "usage"), err);
    if (!out->text.data)
        out->text = as_str_of("");
    if (!out->finish.data)
        out->finish = as_str_of("unknown");
    return rc;
}

int as_reply_model(as_str body, const char *wanted, as_arena *arena, as_str *name, as_str *owner,
                   as_err *err)
{
    as_jspan reply, model;
    AS_CLEANUP(buf) as_buf names = { 0 };
    as_buf_init(&names, 1 << 20);
    size_t n = 0;
    *name = *owner = (as_str){ 0 };
    int rc = scan(body, &reply, err);
    if (rc < 0)
        return rc;
    const as_jspan list = as_jobject_get(reply, "data");
    bool is_found = false;
    for (size_t at = 0; list.kind == AS_J_ARRAY && !is_found && as_jarray_next(list, &at, &model);
         n++) {
        rc = text_at(model, "id", arena, name, err);
        if (rc == 0)
            rc = text_at(model, "owned_by", arena, owner, err);
        if (rc < 0)
            return rc;
        is_found = wanted && name->data && as_str_is(*name, wanted);
        as_buf_text(&names, n ? ", " : "");
        as_buf_add(&names, *name);
    }
    if (wanted && !is_found)
        return as_fail(err, AS_EREMOTE, "no model %s there; it serves: %s", wanted,
                       n ? names.data : "none");
    if (!wanted && (n != 1 || !name->data))
        return as_fail(err, AS_EREMOTE, "%zu models there (%s): name one with --served-model", n,
                       n ? names.data : "none");
    return 0;
}

as_str as_reply_version(as_str body, as_arena *arena)
{
    as_jspan reply;
    as_str version = { 0 };
    if (scan(body, &reply, NULL) == 0)
        (void)text_at(reply, "version", arena, &version, NULL);
    return version;
}

void as_reply_complaint(as_buf *out, as_str body)
{
    as_arena arena;
    as_arena_init(&arena, 1 << 20);
    as_jspan reply;
    as_str said = { 0 };
    if (scan(body, &reply, NULL) == 0) {
        const as_jspan error = as_jobject_get(reply, "error");
        (void)text_at(error.kind == AS_J_OBJECT ? error : reply, "message", &arena, &said, NULL);
        if (!said.data)
            said = error.kind == AS_J_STRING ? as_jstring(error, &arena, NULL)
                                             : as_jobject_get(reply, "detail").text;
    }
    if (!said.data)
        said = body;
    bool is_space = true;
    for (size_t i = 0; i < said.len && out->len < MOST_SAID; i++) {
        const char c = said.data[i];
        const bool blank = (unsigned char)c <= ' ' || c == 0x7f;
        if (!blank)
            as_buf_byte(out, c);
        else if (!is_space)
            as_buf_byte(out, ' ');
        is_space = blank;
    }
    as_arena_fini(&arena);
}
