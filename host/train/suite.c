/* suite.c -- see suite.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/suite.h"

#include "base/buf.h"
#include "base/hash.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/strmap.h"
#include "data/jsonl.h"

#include <assert.h>
#include <inttypes.h>

enum { MOST_ITEMS = 3000000 };

typedef struct as_suite_reader {
    as_suite *s;
    const as_suite_reading *how;
    as_encoder *encoder;
    as_tokens tokens;
    as_buf rendered, message;
    uint64_t n_lines;
    as_suite_reading own; /* of prompts that come one by one: what `how` points to */
} reader;

static int no_memory(as_err *err)
{
    return as_fail(err, AS_ENOMEM, "no memory for the prompts");
}

/* ---- a line ---- */

/* A string unescaped, anything else as it stands. */
static int take_text(reader *r, as_jspan v, as_str *out, as_err *err)
{
    if (v.kind == AS_J_NONE || v.kind == AS_J_NULL)
        return 0;
    *out = v.kind == AS_J_STRING ? as_jstring(v, &r->s->arena, NULL)
                                 : as_arena_str(&r->s->arena, v.text);
    return out->data ? 0 : no_memory(err);
}

static int render(reader *r, as_str messages, as_err *err)
{
    const as_chat_request request = { .messages = messages, .opens_answer = true };
    if (!r->how->chat)
        return as_fail(err, AS_EDATA, "a conversation needs a chat template, and there is none");
    as_buf_clear(&r->rendered);
    return as_chat_render(r->how->chat, &request, &r->rendered, NULL, err);
}

/* What a user says is escaped as it was in the line. */
static int render_prompt(reader *r, as_jspan prompt, as_err *err)
{
    int rc = as_chat_say(&r->message, prompt.text, err);
    return rc == 0 ? render(r, as_buf_str(&r->message), err) : rc;
}

/* As the model reads it. */
static int encode(reader *r, const as_suite_item *item, as_jspan v, as_err *err)
{
    const bool is_rendered = item->is_messages || r->how->as_chat;
    int rc = item->is_messages ? render(r, v.text, err)
             : is_rendered     ? render_prompt(r, v, err)
                               : 0;
    if (rc == 0)
        rc = as_encode(r->encoder, is_rendered ? as_buf_str(&r->rendered) : item->prompt,
                       is_rendered ? 0 : AS_ENCODE_SPECIAL, &r->tokens, err);
    if (rc == 0 && r->tokens.n == 0)
        rc = as_fail(err, AS_EDATA,
                     "\"prompt\" is empty: a model continues a text of at least one token");
    return rc;
}

/* "prompt" or "messages": as a verifier sees it, and as the model reads it. */
static int take_prompt(reader *r, as_jspan object, as_suite_item *item, as_err *err)
{
    const as_jspan prompt = as_jobject_get(object, "prompt"),
                   messages = as_jobject_get(object, "messages");
    item->is_messages = messages.kind != AS_J_NONE;
    if (item->is_messages && messages.kind != AS_J_ARRAY)
        return as_fail(err, AS_EDATA, "\"messages\" is no list");
    if (!item->is_messages && prompt.kind != AS_J_STRING)
        return as_fail(err, AS_EDATA, "\"prompt\" is %s: a string",
                       prompt.kind == AS_J_NONE ? "missing" : "of another kind");
    const as_jspan v = item->is_messages ? messages : prompt;
    int rc = take_text(r, v, &item->prompt, err);
    r->tokens.n = 0;
    return rc == 0 && r->encoder ? encode(r, item, v, err) : rc;
}

static int keep(reader *r, as_suite_item *item, as_err *err)
{
    as_suite *s = r->s;
    if (s->n == MOST_ITEMS)
        return as_fail(err, AS_EDATA, "more than %d prompts", (int)MOST_ITEMS);
    if (s->n == s->cap) {
        const size_t cap = s->cap * 2 + 256;
        as_suite_item *items = as_realloc_array(s->items, cap, sizeof *items);
        if (!items)
            return no_memory(err);
        s->items = items;
        s->cap = cap;
    }
    if (r->encoder) {
        int32_t *ids = as_arena_calloc(&s->arena, r->tokens.n, sizeof *ids);
        if (!ids)
            return no_memory(err);
        memcpy(ids, r->tokens.ids, r->tokens.n * sizeof *ids);
        item->ids = ids;
        item->n_ids = r->tokens.n;
    }
    if (item->n_ids > s->longest)
        s->longest = item->n_ids;
    s->items[s->n++] = *item;
    return 0;
}

static int take_line(void *ctx, as_str line, uint64_t no, as_err *err)
{
    reader *r = ctx;
    as_jspan object;
    if (r->how->limit && r->n_lines == r->how->limit)
        return 0;
    r->n_lines++;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA,
                       "not a JSON object; expected {\"id\":...,\"prompt\":\"...\"}");
    const as_jspan id = as_jobject_get(object, "id"), meta = as_jobject_get(object, "meta");
    if (id.kind != AS_J_STRING && id.kind != AS_J_NUMBER)
        return as_fail(err, AS_EDATA,
                       "\"id\" is missing: a string or a number, by which prompts are told apart");
    if (meta.kind != AS_J_NONE && meta.kind != AS_J_NULL && meta.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "\"meta\" is no object");
    as_suite_item item = { .id = as_arena_str(&r->s->arena, id.text), .line = no };
    if (!item.id.data)
        return no_memory(err);
    item.key = as_hash64(item.id, 0);
    rc = take_text(r, id, &item.name, err);
    if (rc == 0)
        rc = take_prompt(r, object, &item, err);
    if (rc == 0)
        rc = take_text(r, as_jobject_get(object, "reference"), &item.reference, err);
    if (rc == 0)
        rc = take_text(r, meta, &item.meta, err);
    if (rc == 0 && r->how->longest && r->tokens.n > r->how->longest) {
        r->s->n_too_long++;
        return 0;
    }
    return rc == 0 ? keep(r, &item, err) : rc;
}

/* ---- all of them ---- */

/* Two prompts of one id would draw the same numbers, and nobody could tell their responses apart.
 */
static int check_twice(const as_suite *s, const char *path, as_err *err)
{
    as_strmap ids;
    int rc = as_strmap_init(&ids, s->n) ? 0 : no_memory(err);
    for (size_t i = 0; i < s->n && rc == 0; i++) {
        bool is_new;
        const uint32_t before = as_strmap_add(&ids, s->items[i].name, (uint32_t)i, &is_new);
        if (!is_new)
            rc = as_fail(err, AS_EDATA,
                         "%s:%" PRIu64 ": \"id\" %.*s stands on line %" PRIu64 " already", path,
                         s->items[i].line, AS_FMT(s->items[i].id), s->items[before].line);
    }
    as_strmap_fini(&ids);
    return rc;
}

static int reader_init(reader *r, as_suite *s, const as_suite_reading *how, as_err *err)
{
    *r = (reader){ .s = s, .how = how };
    as_arena_init(&s->arena, 0);
    as_buf_init(&r->rendered, (size_t)1 << 30);
    as_buf_init(&r->message, (size_t)1 << 30);
    return how->tokenizer ? as_encoder_new(&r->encoder, how->tokenizer, err) : 0;
}

static void reader_fini(reader *r)
{
    as_encoder_free(r->encoder);
    as_tokens_fini(&r->tokens);
    as_buf_fini(&r->rendered);
    as_buf_fini(&r->message);
}

int as_suite_read(as_suite *s, const char *path, const as_suite_reading *how, as_err *err)
{
    reader r;
    int rc = reader_init(&r, s, how, err);
    if (rc == 0)
        rc = as_lines_each(path, take_line, &r, err);
    if (rc == 0)
        rc = check_twice(s, path, err);
    if (rc == 0 && s->n == 0)
        rc = s->n_too_long
                 ? as_fail(err, AS_EDATA, "%s: all %" PRIu64 " prompts are over %zu tokens", path,
                           s->n_too_long, how->longest)
                 : as_fail(err, AS_EDATA, "%s: there is no prompt in it", path);
    reader_fini(&r);
    return rc;
}

/* ---- one by one ---- */

int as_suite_reader_new(as_suite_reader **out, as_suite *s, const as_suite_reading *how,
                        size_t most, as_err *err)
{
    reader *r = as_calloc(1, sizeof *r);
    as_suite_item *items = r ? as_realloc_array(s->items, most, sizeof *items) : NULL;
    if (!items) {
        as_free(r);
        return no_memory(err);
    }
    s->items = items;
    s->cap = most;
    int rc = reader_init(r, s, how, err);
    r->own = *how;
    r->how = &r->own;
    if (rc < 0) {
        as_suite_reader_free(r);
        return rc;
    }
    *out = r;
    return 0;
}

void as_suite_reader_free(as_suite_reader *r)
{
    if (!r)
        return;
    reader_fini(r);
    as_free(r);
}

int as_suite_add(as_suite_reader *r, as_str line, uint64_t no, as_err *err)
{
    as_suite *s = r->s;
    const size_t n = s->n;
    uint64_t before = 0;
    assert(n < s->cap);
    r->n_lines = 0;
    int rc = take_line(r, line, no, err);
    if (rc == 0 && s->n == n)
        rc = as_fail(err, AS_EDATA, "the prompt has %zu tokens, of at most %zu", r->tokens.n,
                     r->how->longest);
    if (rc < 0)
        return rc;
    as_suite_item *item = &s->items[n];
    for (size_t i = 0; i < n; i++)
        before += as_str_eq(s->items[i].name, item->name);
    item->key = as_hash64(item->id, before);
    return 0;
}

void as_suite_clear(as_suite *s)
{
    s->n = 0;
    as_arena_reset(&s->arena);
}

void as_suite_fini(as_suite *s)
{
    as_free(s->items);
    as_arena_fini(&s->arena);
    *s = (as_suite){ 0 };
}
