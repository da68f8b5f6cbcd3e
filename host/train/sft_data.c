/* sft_data.c -- see sft_data.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/sft_data.h"

#include "base/mem.h"
#include "base/rng.h"
#include "data/jsonl.h"
#include "train/sft_inner.h"

#include <string.h>

typedef as_sft_reader reader;

/* ---- rows ---- */

static int grow(as_sft_data *d, size_t more, as_err *err)
{
    const size_t want = d->n_ids + more;
    if (want > d->cap_ids) {
        const size_t cap = want + want / 2 + 4096;
        int32_t *ids = as_realloc_array(d->ids, cap, sizeof *ids);
        d->ids = ids ? ids : d->ids;
        uint8_t *learns = ids ? as_realloc_array(d->learns, cap, 1) : NULL;
        d->learns = learns ? learns : d->learns;
        if (!learns)
            return as_fail(err, AS_ENOMEM, "no memory for %zu tokens to learn from", cap);
        d->cap_ids = cap;
    }
    if (d->n_rows == d->cap_rows) {
        const size_t cap = d->cap_rows + d->cap_rows / 2 + 256;
        as_sft_row *rows = as_realloc_array(d->rows, cap, sizeof *rows);
        if (!rows)
            return as_fail(err, AS_ENOMEM, "no memory for %zu texts to learn from", cap);
        d->rows = rows;
        d->cap_rows = cap;
    }
    return 0;
}

/* Tokens behind the rows there are, not yet a row. */
static void add_token(as_sft_data *d, as_sft_row *row, int32_t id, bool learns)
{
    d->ids[row->begin + row->n] = id;
    d->learns[row->begin + row->n] = learns && row->n > 0;
    row->n_learned += learns && row->n > 0;
    row->n++;
}

static void end_row(as_sft_data *d, const as_sft_row *row, size_t longest)
{
    if (row->n > longest)
        d->n_too_long++;
    else if (row->n_learned == 0)
        d->n_empty++;
    else
        d->rows[d->n_rows++] = *row;
    if (row->n <= longest && row->n_learned > 0)
        d->n_ids += row->n;
}

/* ---- a line ---- */

static int encode(reader *r, as_str text, unsigned flags, as_err *err)
{
    r->tokens.n = 0;
    int rc = as_encode(r->encoder, text, flags, &r->tokens, err);
    return rc == 0 ? grow(r->d, r->tokens.n + 1 + r->how->longest, err) : rc;
}

/* Of a prompt and a completion, cut into tokens apart, as they are when a completion is sampled. */
int as_sft_take_pair(reader *r, as_str prompt, bool is_rendered, as_str completion, bool ends,
                     as_err *err)
{
    as_sft_data *d = r->d;
    as_sft_row row = { .begin = d->n_ids };
    int rc = prompt.data ? encode(r, prompt, is_rendered ? 0 : AS_ENCODE_SPECIAL, err) : 0;
    if (rc < 0)
        return rc;
    for (size_t i = 0; prompt.data && i < r->tokens.n && row.n <= r->how->longest; i++)
        add_token(d, &row, r->tokens.ids[i], false);
    rc = encode(r, completion, prompt.data ? 0 : AS_ENCODE_SPECIAL, err);
    if (rc < 0)
        return rc;
    for (size_t i = 0; i < r->tokens.n && row.n <= r->how->longest; i++)
        add_token(d, &row, r->tokens.ids[i], true);
    if (ends && r->how->eos >= 0 && row.n <= r->how->longest)
        add_token(d, &row, r->how->eos, true);
    end_row(d, &row, r->how->longest);
    return 0;
}

static bool is_in(const as_jinja_spans *s, size_t at)
{
    for (size_t i = 0; i < s->n; i++)
        if (at >= s->spans[i][0] && at < s->spans[i][1])
            return true;
    return false;
}

/* Where the template marks nothing: what the last message adds to an answer that was opened. */
static int mark_last(reader *r, as_jspan messages, size_t *from, as_err *err)
{
    size_t at = 0, end = 0, last = 0;
    as_jspan message;
    while (as_jarray_next(messages, &at, &message)) {
        last = end;
        end = (size_t)(message.text.data + message.text.len - messages.text.data);
    }
    if (last == 0)
        return as_fail(err, AS_EDATA, "\"messages\" has no message before the last one");
    as_buf list;
    as_buf_init(&list, SIZE_MAX / 2);
    as_buf_add(&list, (as_str){ messages.text.data, last });
    as_buf_byte(&list, ']');
    const as_chat_request request = { .messages = as_buf_str(&list), .opens_answer = true };
    as_buf_clear(&r->before);
    int rc = as_buf_check(&list, err);
    if (rc == 0)
        rc = as_chat_render(r->how->chat, &request, &r->before, NULL, err);
    as_buf_fini(&list);
    *from = r->before.len;
    if (rc == 0 &&
        (r->before.len > r->text.len || memcmp(r->before.data, r->text.data, r->before.len) != 0))
        rc = as_fail(err, AS_EDATA,
                     "the chat template changes earlier messages with the last one, and marks "
                     "nothing to learn");
    return rc;
}

static int take_messages(reader *r, as_jspan messages, as_err *err)
{
    if (!r->how->chat)
        return as_fail(err, AS_EDATA,
                       "\"messages\" need a chat template, and the model's folder has none");
    const as_chat_request request = { .messages = messages.text };
    size_t from = SIZE_MAX;
    as_buf_clear(&r->text);
    r->spans.n = 0;
    int rc = as_chat_render(r->how->chat, &request, &r->text, &r->spans, err);
    if (rc == 0 && r->spans.n == 0)
        rc = mark_last(r, messages, &from, err);
    if (rc == 0)
        rc = encode(r, as_buf_str(&r->text), 0, err);
    if (rc < 0)
        return rc;
    as_sft_row row = { .begin = r->d->n_ids };
    for (size_t i = 0; i < r->tokens.n && row.n <= r->how->longest; i++) {
        const size_t start = r->tokens.spans[i].start;
        add_token(r->d, &row, r->tokens.ids[i], start >= from || is_in(&r->spans, start));
    }
    end_row(r->d, &row, r->how->longest);
    return 0;
}

int as_sft_text_of(reader *r, as_jspan value, const char *key, as_str *out, as_err *err)
{
    if (value.kind == AS_J_NONE)
        return 0;
    if (value.kind != AS_J_STRING)
        return as_fail(err, AS_EDATA, "\"%s\" is no string", key);
    *out = as_jstring(value, &r->arena, NULL);
    return out->data ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static int take_line(void *ctx, as_str line, uint64_t no, as_err *err)
{
    (void)no;
    reader *r = ctx;
    as_jspan object;
    as_str prompt = { 0 }, completion = { 0 }, text = { 0 };
    as_arena_reset(&r->arena);
    int rc = as_json_scan(line, &object, err);
    if (rc == 0 && object.kind != AS_J_OBJECT)
        rc = as_fail(err, AS_EDATA, "not a JSON object");
    if (rc < 0)
        return rc;
    const as_jspan messages = as_jobject_get(object, "messages");
    if (messages.kind == AS_J_ARRAY)
        return take_messages(r, messages, err);
    rc = as_sft_text_of(r, as_jobject_get(object, "prompt"), "prompt", &prompt, err);
    if (rc == 0)
        rc =
            as_sft_text_of(r, as_jobject_get(object, "completion"), "completion", &completion, err);
    if (rc == 0)
        rc = as_sft_text_of(r, as_jobject_get(object, "text"), "text", &text, err);
    if (rc < 0)
        return rc;
    if (!text.data && !completion.data)
        return as_fail(err, AS_EDATA, "none of \"completion\", \"text\", \"messages\" is there");
    if (!text.data && !prompt.data && as_jobject_get(object, "problem_id").kind != AS_J_NONE)
        return as_fail(err, AS_EDATA,
                       "a sample without its prompt: \"prompts\" names the file that has it");
    return text.data ? as_sft_take_pair(r, (as_str){ 0 }, false, text, true, err)
                     : as_sft_take_pair(r, prompt, false, completion, true, err);
}

int as_sft_data_read(as_sft_data *d, const char *path, const as_sft_reading *how, as_err *err)
{
    reader r = { .d = d, .how = how };
    as_arena_init(&r.arena, 0);
    as_buf_init(&r.text, (size_t)1 << 30);
    as_buf_init(&r.before, (size_t)1 << 30);
    int rc = as_encoder_new(&r.encoder, how->tokenizer, err);
    if (rc == 0)
        rc = how->prompts ? as_sft_read_samples(&r, path, err)
                          : as_lines_each(path, take_line, &r, err);
    as_encoder_free(r.encoder);
    as_tokens_fini(&r.tokens);
    as_jinja_spans_fini(&r.spans);
    as_arena_fini(&r.arena);
    as_buf_fini(&r.text);
    as_buf_fini(&r.before);
    return rc;
}

void as_sft_data_fini(as_sft_data *d)
{
    as_free(d->ids);
    as_free(d->learns);
    as_free(d->rows);
    *d = (as_sft_data){ 0 };
}

/* ---- the order ---- */

size_t as_sft_data_draw(const as_sft_data *d, uint64_t seed, uint64_t k, uint32_t *order,
                        uint64_t *epoch)
{
    const uint64_t of = k / d->n_rows;
    if (of != *epoch) {
        as_rng r = as_rng_at(as_seed_of(seed, AS_LIT("order of an epoch"), of), 0);
        as_rng_order(&r, order, d->n_rows);
        *epoch = of;
    }
    return order[k % d->n_rows];
}
