/* generate_read.c -- the prompts of `assay generate`: lines {"id","prompt"} or {"id","messages"}.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "base/mem.h"
#include "cli/generate.h"
#include "model/chat.h"

#include <inttypes.h>

enum { CHUNK_LINES = 256, CHUNK_BYTES = 1 << 20, MOST_IDS = 3000000 };

struct gen_prompts {
    const generate_opts *opts;
    as_source *source;
    as_lines *lines;
    as_buf bytes;
    as_line line[CHUNK_LINES];
    size_t n, at;
    uint64_t n_given;
    as_chat *chat; /* NULL: not opened yet */
    as_buf rendered, message;
    as_encoder *encoder; /* NULL: none reads it here */
    as_tokens tokens;
    as_arena arena;
    as_seen ids;
};

static int why_stop(const void *arg)
{
    return as_cancel_why(arg);
}

int gen_prompts_open(gen_prompts **out, const generate_opts *o, const as_tokenizer *tokenizer,
                     as_err *err)
{
    gen_prompts *p = as_calloc(1, sizeof *p);
    if (!p)
        return as_fail(err, AS_ENOMEM, "out of memory");
    p->opts = o;
    p->ids.max = MOST_IDS;
    as_buf_init(&p->bytes, SIZE_MAX / 2);
    as_buf_init(&p->rendered, (size_t)1 << 30);
    as_buf_init(&p->message, (size_t)1 << 30);
    as_arena_init(&p->arena, 0);
    int rc = as_source_open(&p->source, o->prompts, err);
    if (rc == 0) {
        as_source_set_stop(p->source, why_stop, as_cli_cancel());
        rc = as_lines_open(&p->lines, p->source, 0, err);
    }
    if (rc == 0 && tokenizer)
        rc = as_encoder_new(&p->encoder, tokenizer, err);
    if (rc < 0)
        gen_prompts_close(p);
    else
        *out = p;
    return rc;
}

void gen_prompts_close(gen_prompts *p)
{
    if (!p)
        return;
    as_chat_free(p->chat);
    as_buf_fini(&p->rendered);
    as_buf_fini(&p->message);
    as_encoder_free(p->encoder);
    as_tokens_fini(&p->tokens);
    as_lines_close(p->lines);
    if (p->source)
        as_source_close(p->source);
    as_seen_fini(&p->ids);
    as_buf_fini(&p->bytes);
    as_arena_fini(&p->arena);
    as_free(p);
}

/* "prompt" or "messages" of a line. */
static int text_of(gen_prompts *p, as_jspan object, gen_line *out, as_err *err)
{
    const as_jspan prompt = as_jobject_get(object, "prompt"),
                   messages = as_jobject_get(object, "messages");
    if (messages.kind == AS_J_NONE && prompt.kind != AS_J_STRING)
        return as_fail(err, AS_EDATA, "\"prompt\" is %s: a string",
                       prompt.kind == AS_J_NONE ? "missing" : "of another kind");
    if (messages.kind != AS_J_NONE && messages.kind != AS_J_ARRAY)
        return as_fail(err, AS_EDATA, "\"messages\" is no list");
    if (messages.kind == AS_J_ARRAY) {
        out->messages = messages.text;
        return 0;
    }
    if (p->opts->gen.chat) {
        int rc = as_chat_say(&p->message, prompt.text, err);
        out->messages = as_buf_str(&p->message);
        return rc;
    }
    out->text = as_jstring(prompt, &p->arena, NULL);
    return out->text.data ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

/* "id" and the prompt of a line; what is wrong with it, else. */
static int parse(gen_prompts *p, const as_line *line, gen_line *out, as_err *err)
{
    as_jspan object;
    int rc = as_json_scan(line->text, &object, err);
    if (rc < 0)
        return rc;
    if (object.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA,
                       "not a JSON object; expected {\"id\":...,\"prompt\":\"...\"}");
    const as_jspan id = as_jobject_get(object, "id");
    if (id.kind != AS_J_STRING && id.kind != AS_J_NUMBER)
        return as_fail(
            err, AS_EDATA,
            "\"id\" is missing: a string or a number, by which the samples are told apart");
    *out = (gen_line){ .id = as_arena_str(&p->arena, id.text), .no = line->no };
    return out->id.data ? text_of(p, object, out, err) : as_fail(err, AS_ENOMEM, "out of memory");
}

/* Two prompts of one id would draw the same numbers, and nobody could tell their samples apart. */
static int check_new(gen_prompts *p, const gen_line *line, as_err *err)
{
    int64_t before = as_seen_add(&p->ids, as_hash64(line->id, 0), line->no, err);
    if (before > 0)
        return as_fail(err, AS_EDATA, "\"id\" %.*s stands on line %" PRId64 " already",
                       (int)line->id.len, line->id.data, before);
    return before < 0 ? (int)before : 0;
}

/* A conversation as the model's template writes it, up to where the answer begins. */
static int render(gen_prompts *p, as_str messages, as_err *err)
{
    const gen_opts *o = &p->opts->gen;
    const as_chat_request request = { .messages = messages, .opens_answer = true };
    int rc = 0;
    if (!p->chat)
        rc = o->template ? as_chat_open_family(&p->chat, o->template, o->model.model, err)
                         : as_chat_open(&p->chat, o->model.model, err);
    as_buf_clear(&p->rendered);
    return rc == 0 ? as_chat_render(p->chat, &request, &p->rendered, NULL, err) : rc;
}

/* What the model reads; in a rendered conversation the special tokens are there already. */
static int encode(gen_prompts *p, gen_line *out, as_err *err)
{
    const bool is_chat = out->messages.data != NULL;
    int rc = is_chat ? render(p, out->messages, err) : 0;
    p->tokens.n = 0;
    if (rc == 0)
        rc = as_encode(p->encoder, is_chat ? as_buf_str(&p->rendered) : out->text,
                       is_chat ? 0 : AS_ENCODE_SPECIAL, &p->tokens, err);
    if (rc == 0 && p->tokens.n == 0)
        rc = as_fail(err, AS_EDATA,
                     "\"prompt\" is empty: a model continues a text of at least one token");
    out->ids = p->tokens.ids;
    out->n_ids = p->tokens.n;
    return rc;
}

int gen_prompts_next(gen_prompts *p, gen_line *out, as_err *err)
{
    if (p->opts->limit && p->n_given == p->opts->limit)
        return 0;
    if (p->at == p->n) {
        int rc = as_lines_chunk(p->lines, &p->bytes, p->line, CHUNK_LINES, CHUNK_BYTES, &p->n, err);
        p->at = 0;
        if (rc <= 0) {
            p->n = 0;
            return rc;
        }
    }
    const as_line *line = &p->line[p->at++];
    as_arena_reset(&p->arena);
    int rc = parse(p, line, out, err);
    if (rc == 0)
        rc = check_new(p, out, err);
    if (rc == 0 && p->encoder)
        rc = encode(p, out, err);
    if (rc < 0) {
        as_err_prefix(err, "%s:%" PRIu64, as_lines_name(p->lines), line->no);
        return rc;
    }
    p->n_given++;
    return 1;
}

void gen_prompts_progress(const gen_prompts *p, unsigned long long *at, unsigned long long *of)
{
    as_source_progress(p->source, at, of);
}

const char *gen_prompts_name(const gen_prompts *p)
{
    return as_lines_name(p->lines);
}
