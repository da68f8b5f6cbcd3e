/* text_peer.c -- the text side of host/model as a filter, for comparison with the Python packages.
 * In, one JSON object a line: {"tokenizer": FOLDER} opens one; {"text": T, "flags": N} encodes with
 * it;
 * {"pieces": T}; {"ids": [..], "skip": true} decodes. Out, a line each: {"ids", "spans"},
 * {"pieces"},
 * {"text"} or {"error"}. SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "base/mem.h"
#include "model/jinja.h"
#include "model/tokenizer.h"

#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>

typedef struct peer {
    as_tokenizer *tokenizer;
    as_encoder *encoder;
    as_tokens tokens;
    as_arena arena;
    as_buf out;
} peer;

static int reopen(peer *p, as_str folder, as_err *err)
{
    as_encoder_free(p->encoder);
    as_tokenizer_free(p->tokenizer);
    p->encoder = NULL;
    int rc = as_tokenizer_open(&p->tokenizer, folder.data, err);
    return rc < 0 ? rc : as_encoder_new(&p->encoder, p->tokenizer, err);
}

static int encode(peer *p, as_str text, unsigned flags, as_err *err)
{
    p->tokens.n = 0;
    int rc = as_encode(p->encoder, text, flags, &p->tokens, err);
    if (rc < 0)
        return rc;
    as_buf_text(&p->out, "{\"ids\":[");
    for (size_t i = 0; i < p->tokens.n; i++)
        as_buf_addf(&p->out, "%s%d", i ? "," : "", p->tokens.ids[i]);
    as_buf_text(&p->out, "],\"spans\":[");
    for (size_t i = 0; i < p->tokens.n; i++)
        as_buf_addf(&p->out, "%s[%u,%u]", i ? "," : "", p->tokens.spans[i].start,
                    p->tokens.spans[i].end);
    as_buf_text(&p->out, "]}");
    return 0;
}

static void add_piece(void *ctx, as_str piece)
{
    peer *p = ctx;
    if (p->out.data[p->out.len - 1] != '[')
        as_buf_byte(&p->out, ',');
    as_buf_json_str(&p->out, piece);
}

static int pieces(peer *p, as_str text, as_err *err)
{
    as_buf_text(&p->out, "{\"pieces\":[");
    int rc = as_encode_pieces(p->encoder, text, 0, add_piece, p, err);
    as_buf_text(&p->out, "]}");
    return rc;
}

static void decode(peer *p, as_jspan ids, bool skips)
{
    as_jspan one;
    AS_CLEANUP(buf) as_buf text;
    as_buf_init(&text, SIZE_MAX);
    as_decoder d = as_decoder_start(p->tokenizer, skips);
    for (size_t at = 0; as_jarray_next(ids, &at, &one);) {
        unsigned long long id = 0;
        if (as_junsigned(one, &id))
            as_decoder_put(&d, (int32_t)id, &text);
    }
    as_decoder_end(&d, &text);
    as_buf_text(&p->out, "{\"text\":");
    as_buf_json_str(&p->out, as_buf_str(&text));
    as_buf_byte(&p->out, '}');
}

static int render(peer *p, as_jspan root, as_str template, as_err *err)
{
    enum { MOST = 64 };
    as_jinja_variable variables[MOST];
    as_jinja_options options = { .variables = variables };
    as_jspan all = as_jobject_get(root, "variables"), key, value;
    unsigned long long now = 0;
    (void)as_junsigned(as_jobject_get(root, "now"), &now);
    options.now = (int64_t)now;
    for (size_t at = 0; options.n_variables < MOST && as_jobject_next(all, &at, &key, &value);)
        variables[options.n_variables++] =
            (as_jinja_variable){ as_jstring(key, &p->arena, NULL).data, value.text };
    as_jinja *j;
    AS_CLEANUP(buf) as_buf text;
    as_buf_init(&text, SIZE_MAX);
    int rc = as_jinja_parse(&j, template, "template", err);
    if (rc < 0)
        return rc;
    as_jinja_spans spans = { 0 };
    rc = as_jinja_render(j, &options, &text, &spans, err);
    as_jinja_free(j);
    as_buf_text(&p->out, "{\"text\":");
    as_buf_json_str(&p->out, as_buf_str(&text));
    as_buf_text(&p->out, ",\"spans\":[");
    for (size_t i = 0; i < spans.n; i++)
        as_buf_addf(&p->out, "%s[%zu,%zu]", i ? "," : "", spans.spans[i][0], spans.spans[i][1]);
    as_buf_text(&p->out, "]}");
    as_jinja_spans_fini(&spans);
    return rc;
}

static int answer(peer *p, as_str line, as_err *err)
{
    as_jspan root;
    int rc = as_json_scan(line, &root, err);
    if (rc < 0)
        return rc;
    as_jspan folder = as_jobject_get(root, "tokenizer"), text = as_jobject_get(root, "text");
    if (folder.kind == AS_J_STRING) {
        rc = reopen(p, as_jstring(folder, &p->arena, NULL), err);
        as_buf_text(&p->out, "{}");
        return rc;
    }
    if (text.kind == AS_J_STRING) {
        unsigned long long flags = 0;
        (void)as_junsigned(as_jobject_get(root, "flags"), &flags);
        return encode(p, as_jstring(text, &p->arena, NULL), (unsigned)flags, err);
    }
    text = as_jobject_get(root, "template");
    if (text.kind == AS_J_STRING)
        return render(p, root, as_jstring(text, &p->arena, NULL), err);
    text = as_jobject_get(root, "pieces");
    if (text.kind == AS_J_STRING)
        return pieces(p, as_jstring(text, &p->arena, NULL), err);
    decode(p, as_jobject_get(root, "ids"), as_jobject_get(root, "skip").kind == AS_J_TRUE);
    return 0;
}

int main(void)
{
    peer p = { 0 };
    char *line = NULL;
    size_t cap = 0;
    ssize_t len;
    as_arena_init(&p.arena, 0);
    as_buf_init(&p.out, SIZE_MAX);
    while ((len = getline(&line, &cap, stdin)) > 0) {
        as_err err = { 0 };
        as_buf_clear(&p.out);
        as_arena_reset(&p.arena);
        if (answer(&p, (as_str){ line, (size_t)len }, &err) < 0) {
            as_buf_clear(&p.out);
            as_buf_text(&p.out, "{\"error\":");
            as_buf_json_str(&p.out, as_str_of(err.text));
            as_buf_byte(&p.out, '}');
        }
        as_buf_byte(&p.out, '\n');
        (void)fwrite(p.out.data, 1, p.out.len, stdout);
        (void)fflush(stdout);
    }
    free(line);
    as_buf_fini(&p.out);
    as_arena_fini(&p.arena);
    as_tokens_fini(&p.tokens);
    as_encoder_free(p.encoder);
    as_tokenizer_free(p.tokenizer);
    return 0;
}
