/* gguf_tokens.c -- a byte-level BPE tokenizer as the keys of GGUF (tokenizer.ggml.*, model "gpt2").
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/gguf_inner.h"
#include "model/tokenizer_inner.h"

#include <stdlib.h>

/* llama.cpp's kinds of tokens */
enum { NORMAL = 1, CONTROL = 3, USER_DEFINED = 4, UNUSED = 5 };
enum { TEMPLATE_MAX = 16 * 1024 * 1024 };

/* What llama.cpp calls a pre-tokenizer; NULL: it has no name for it. */
static const char *pre_name(const as_tokenizer *t)
{
    static const struct {
        as_split_kind kind;
        as_split_digits digits;
        const char *name;
    } names[] = { { AS_SPLIT_GPT2, AS_DIGITS_KEPT, "gpt-2" },
                  { AS_SPLIT_GPT2, AS_DIGITS_SINGLE, "smollm" },
                  { AS_SPLIT_QWEN2, AS_DIGITS_KEPT, "qwen2" },
                  { AS_SPLIT_LLAMA3, AS_DIGITS_KEPT, "llama-bpe" } };
    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (names[i].kind == t->split.kind && names[i].digits == t->split.digits)
            return names[i].name;
    return NULL;
}

/* GPT-2's alphabet: bytes that print stand for themselves, the others for U+0100 and up. */
static void put_byte(as_buf *out, unsigned char byte)
{
    unsigned c = byte, hidden = 0;
    bool prints = (c >= '!' && c <= '~') || (c >= 0xA1 && c != 0xAD);
    for (unsigned b = 0; b < c && !prints; b++)
        hidden += !((b >= '!' && b <= '~') || (b >= 0xA1 && b != 0xAD));
    if (!prints)
        c = 0x100 + hidden;
    if (c < 0x80) {
        as_buf_byte(out, (char)c);
        return;
    }
    as_buf_byte(out, (char)(unsigned char)(0xC0 | c >> 6));
    as_buf_byte(out, (char)(unsigned char)(0x80 | (c & 0x3F)));
}

static void spell(as_buf *out, as_str bytes)
{
    for (size_t i = 0; i < bytes.len; i++)
        put_byte(out, (unsigned char)bytes.data[i]);
}

/* A text that is not whole for want of memory must not pass for one: clearing a buffer forgets it.
 */
static void put_text(as_gguf_keys *k, const as_buf *text)
{
    k->bytes.failed = k->bytes.failed || text->failed;
    as_gguf_put_text(&k->bytes, as_buf_str(text));
}

static void put_list(as_gguf_keys *k, const char *name, enum as_gguf_kind kind, uint64_t n)
{
    as_gguf_key(k, name, AS_GGUF_K_ARRAY);
    as_buf_raw_u32(&k->bytes, (uint32_t)kind);
    as_buf_raw_u64(&k->bytes, n);
}

/* The added token of an id, NULL for those of the model. */
static const as_added_token *added_at(const as_tokenizer *t, int64_t id)
{
    int32_t at = id < t->n_ids ? t->added_at[id] : -1;
    return at < 0 ? NULL : &t->added[at];
}

static void put_tokens(as_gguf_keys *k, const as_tokenizer *t, int64_t vocab, as_buf *scratch)
{
    put_list(k, "tokenizer.ggml.tokens", AS_GGUF_K_TEXT, (uint64_t)vocab);
    for (int64_t id = 0; id < vocab; id++) {
        const as_added_token *added = added_at(t, id);
        as_str text = id < t->n_ids ? as_tokenizer_text(t, (int32_t)id) : (as_str){ NULL, 0 };
        as_buf_clear(scratch);
        if (added)
            as_buf_add(scratch, added->text);
        else if (text.len)
            spell(scratch, text);
        else
            as_buf_addf(scratch, "[PAD%lld]", (long long)id);
        put_text(k, scratch);
    }
    put_list(k, "tokenizer.ggml.token_type", AS_GGUF_K_I32, (uint64_t)vocab);
    for (int64_t id = 0; id < vocab; id++) {
        const as_added_token *added = added_at(t, id);
        bool is_there = id < t->n_ids && as_tokenizer_text(t, (int32_t)id).len > 0;
        as_buf_raw_u32(&k->bytes, added      ? added->is_special ? CONTROL : USER_DEFINED
                                  : is_there ? NORMAL
                                             : UNUSED);
    }
}

static int by_rank(const void *a, const void *b)
{
    const as_bpe_merge *x = a, *y = b;
    return x->rank < y->rank ? -1 : x->rank > y->rank;
}

static bool put_merges(as_gguf_keys *k, const as_tokenizer *t, as_buf *scratch)
{
    size_t n = 0, n_slots = t->bpe.merges ? t->bpe.merge_mask + 1 : 0;
    AS_CLEANUP(free) as_bpe_merge *sorted = as_calloc(n_slots + 1, sizeof *sorted);
    if (!sorted)
        return false;
    for (size_t i = 0; i < n_slots; i++)
        if (t->bpe.merges[i].key != UINT64_MAX)
            sorted[n++] = t->bpe.merges[i];
    if (n > 0)
        qsort(sorted, n, sizeof *sorted, by_rank);
    put_list(k, "tokenizer.ggml.merges", AS_GGUF_K_TEXT, n);
    for (size_t i = 0; i < n; i++) {
        as_buf_clear(scratch);
        spell(scratch, as_bpe_text(&t->bpe, (int32_t)(sorted[i].key >> 32)));
        as_buf_byte(scratch, ' ');
        spell(scratch, as_bpe_text(&t->bpe, (int32_t)(sorted[i].key & UINT32_MAX)));
        put_text(k, scratch);
    }
    return true;
}

/* chat_template.jinja, else the text in tokenizer_config.json. */
static int put_template(as_gguf_keys *k, const char *folder, as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    AS_CLEANUP(free) char *jinja = as_path_join(folder, "chat_template.jinja");
    AS_CLEANUP(free) char *config = as_path_join(folder, "tokenizer_config.json");
    as_jspan root;
    int rc = 0;
    as_buf_init(&text, TEMPLATE_MAX);
    if (!jinja || !config)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    if (as_path_exists(jinja)) {
        rc = as_file_read(jinja, &text, err);
        if (rc == 0)
            as_gguf_key_text(k, "tokenizer.chat_template", as_buf_str(&text));
    } else if (as_path_exists(config)) {
        rc = as_file_read(config, &text, err);
        if (rc < 0 || as_json_scan(as_buf_str(&text), &root, NULL) < 0)
            return rc; /* a config that is no JSON has no template */
        as_jspan value = as_jobject_get(root, "chat_template");
        as_arena arena;
        as_arena_init(&arena, 0);
        as_str template = as_jstring(value, &arena, NULL);
        if (template.data)
            as_gguf_key_text(k, "tokenizer.chat_template", template);
        else if (value.kind == AS_J_STRING)
            rc = as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
        as_arena_fini(&arena);
    }
    return rc;
}

static void put_ids(as_gguf_keys *k, const as_model_config *c, const as_tokenizer *t)
{
    if (c->n_eos > 0)
        as_gguf_key_u32(k, "tokenizer.ggml.eos_token_id", c->eos[0]);
    if (c->n_eos > 1)
        as_gguf_key_u32(k, "tokenizer.ggml.eot_token_id", c->eos[1]);
    if (c->bos >= 0)
        as_gguf_key_u32(k, "tokenizer.ggml.bos_token_id", c->bos);
    if (c->pad >= 0)
        as_gguf_key_u32(k, "tokenizer.ggml.padding_token_id", c->pad);
    as_gguf_key(k, "tokenizer.ggml.add_bos_token", AS_GGUF_K_BOOL);
    as_buf_byte(&k->bytes, t->n_before > 0 ? '\1' : '\0');
}

int as_gguf_key_tokens(as_gguf_keys *k, const as_model_config *c, const char *folder, as_err *err)
{
    as_tokenizer *t = NULL;
    as_buf scratch;
    int rc = as_tokenizer_open(&t, folder, err);
    if (rc < 0)
        return rc;
    as_buf_init(&scratch, TEMPLATE_MAX);
    const char *pre = pre_name(t);
    if (!pre)
        rc = as_fail(err, AS_EDATA,
                     "%s/tokenizer.json: llama.cpp has no name for its pre-tokenizer (known: those "
                     "of GPT-2, SmolLM2, Qwen2 and Llama 3)",
                     folder);
    else if (t->n_ids > c->vocab)
        rc = as_fail(err, AS_EDATA,
                     "%s/tokenizer.json: %ld tokens, more than the %lld of the model (the files "
                     "are of two models?)",
                     folder, (long)t->n_ids, (long long)c->vocab);
    if (rc == 0) {
        as_gguf_key_text(k, "tokenizer.ggml.model", AS_LIT("gpt2"));
        as_gguf_key_text(k, "tokenizer.ggml.pre", as_str_of(pre));
        put_tokens(k, t, c->vocab, &scratch);
        if (!put_merges(k, t, &scratch))
            rc = as_fail(err, AS_ENOMEM, "%s/tokenizer.json: out of memory", folder);
        put_ids(k, c, t);
    }
    if (rc == 0)
        rc = put_template(k, folder, err);
    as_buf_fini(&scratch);
    as_tokenizer_free(t);
    return rc;
}
