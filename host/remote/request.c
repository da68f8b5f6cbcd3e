/* request.c -- see request.h. SPDX-License-Identifier: Apache-2.0 */
#include "remote/request.h"

#include <string.h>

int as_remote_base_of(as_buf *out, const char *url, as_err *err)
{
    static const char *const ends[] = { "/chat/completions", "/completions", "/models" };
    as_str s = as_str_of(url);
    const size_t scheme = as_str_starts(s, "https://")  ? strlen("https://")
                          : as_str_starts(s, "http://") ? strlen("http://")
                                                        : 0;
    if (!scheme || s.len == scheme || s.data[scheme] == '/')
        return as_fail(err, AS_EUSAGE, "%s is no address like http://localhost:8000", url);
    for (size_t i = 0; i < s.len; i++)
        if ((unsigned char)s.data[i] <= ' ' || strchr("?#@\\", s.data[i]))
            return as_fail(err, AS_EUSAGE,
                           "%s: an address is http://HOST:PORT/v1, without a query, spaces or a "
                           "password (a key goes into ASSAY_API_KEY)",
                           s.data[i] == '@' ? "that address" : url);
    while (s.data[s.len - 1] == '/')
        s.len--;
    for (size_t i = 0; i < sizeof ends / sizeof *ends; i++)
        if (as_str_ends(s, ends[i])) {
            s.len -= strlen(ends[i]);
            break;
        }
    as_buf_clear(out);
    as_buf_add(out, s);
    if (!memchr(s.data + scheme, '/', s.len - scheme))
        as_buf_text(out, "/v1");
    return as_buf_check(out, err);
}

static void add_number(as_buf *out, const char *key, double x)
{
    as_buf_json_key(out, key);
    as_buf_json_num(out, x);
}

static void add_count(as_buf *out, const char *key, uint64_t n)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, n);
}

static void add_flag(as_buf *out, const char *key)
{
    as_buf_json_key(out, key);
    as_buf_text(out, "true");
}

/* Also what is off is said: a server takes its own defaults for what is not named (vLLM those of
 * generation_config.json, with a repetition_penalty of 1.05 in some models; llama.cpp's for Python
 * a repeat_penalty of 1.1). One that knows them not refuses the first request, and is not told
 * again. */
static void add_filters(as_buf *out, const as_remote_options *o, bool is_plain)
{
    if (o->top_k || !is_plain)
        add_count(out, "top_k", o->top_k);
    if (o->min_p > 0 || !is_plain)
        add_number(out, "min_p", o->min_p);
    if (is_plain)
        return;
    add_number(out, "repetition_penalty", 1);
    add_number(out, "repeat_penalty", 1);
    add_number(out, "presence_penalty", 0);
    add_number(out, "frequency_penalty", 0);
}

void as_request_body(as_buf *out, const as_remote_options *o, const char *served,
                     const as_remote_prompt *prompt, uint32_t sample, as_request_level level)
{
    const bool is_chat = prompt->messages.data != NULL;
    as_buf_clear(out);
    as_buf_byte(out, '{');
    as_buf_json_key(out, "model");
    as_buf_json_str(out, as_str_of(served));
    as_buf_json_key(out, is_chat ? "messages" : "prompt");
    if (is_chat)
        as_buf_add(out, prompt->messages);
    else
        as_buf_json_str(out, prompt->text);
    add_count(out, "n", 1);
    add_count(out, level.completion_tokens ? "max_completion_tokens" : "max_tokens", o->max_tokens);
    add_number(out, "temperature", o->temperature);
    add_number(out, "top_p", o->top_p);
    add_count(out, "seed", o->seed + sample);
    add_filters(out, o, level.is_plain);
    if (o->n_stops) {
        as_buf_json_key(out, "stop");
        for (size_t i = 0; i < o->n_stops; i++) {
            as_buf_byte(out, i ? ',' : '[');
            as_buf_json_str(out, o->stops[i]);
        }
        as_buf_byte(out, ']');
    }
    if (!level.is_plain && is_chat)
        add_flag(out, "logprobs");
    else if (!level.is_plain)
        add_count(out, "logprobs", 1);
    if (o->ignores_eos)
        add_flag(out, "ignore_eos");
    if (o->wants_ids)
        add_flag(out, "return_token_ids");
    as_buf_text(out, ",\"stream\":false}");
}
