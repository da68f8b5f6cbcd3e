/* gguf_import.c -- GGUF files as Hugging Face folders. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "base/strmap.h"
#include "model/gguf_model.h"
#include "model/split.h"
#include "model/weights_io.h"

enum { TEXT_MAX = 1 << 30 };
enum { CONTROL = 3, USER_DEFINED = 4, UNUSED = 5 }; /* llama.cpp's kinds of tokens */

typedef struct importer {
    const as_gguf *g;
    as_gguf_array tokens, kinds, merges;
    as_buf *out;
    as_err *err;
} importer;

static int bad_key(const importer *t, const char *key, const char *why)
{
    return as_fail(t->err, AS_EDATA, "%s: key \"tokenizer.ggml.%s\": %s", as_gguf_path(t->g), key,
                   why);
}

static int64_t kind_of(const importer *t, size_t id)
{
    int64_t kind = 1;
    (void)as_gguf_list_integer(&t->kinds, id, &kind);
    return kind;
}

static bool is_added(int64_t kind)
{
    return kind == CONTROL || kind == USER_DEFINED;
}

/* ---- tokenizer.json ---- */

typedef struct pre {
    const char *name;
    as_split_kind kind;
    bool cuts_digits, is_nfc, takes_whole;
} pre;

static const pre *find_pre(const importer *t)
{
    static const pre known[] = { { "gpt-2", AS_SPLIT_GPT2, false, false, false },
                                 { "smollm", AS_SPLIT_GPT2, true, false, false },
                                 { "qwen2", AS_SPLIT_QWEN2, false, true, false },
                                 { "llama-bpe", AS_SPLIT_LLAMA3, false, false, true } };
    as_str name = { NULL, 0 };
    (void)as_gguf_text(t->g, "tokenizer.ggml.pre", &name);
    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        if (as_str_is(name, known[i].name))
            return &known[i];
    return NULL;
}

static void put_added(const importer *t)
{
    as_str text;
    const char *comma = "";
    as_buf_text(t->out, "\"added_tokens\":[");
    for (size_t at = 0, id = 0; as_gguf_list_text(&t->tokens, &at, &text); id++) {
        int64_t kind = kind_of(t, id);
        if (!is_added(kind) || text.len == 0)
            continue;
        as_buf_addf(t->out, "%s{\"id\":%zu,\"content\":", comma, id);
        as_buf_json_str(t->out, text);
        as_buf_addf(t->out,
                    ",\"single_word\":false,\"lstrip\":false,\"rstrip\":false,"
                    "\"normalized\":false,\"special\":%s}",
                    kind == CONTROL ? "true" : "false");
        comma = ",";
    }
    as_buf_byte(t->out, ']');
}

static void put_pre(const importer *t, const pre *p)
{
    as_buf_text(t->out, ",\"pre_tokenizer\":{\"type\":\"Sequence\",\"pretokenizers\":[");
    if (p->cuts_digits)
        as_buf_text(t->out, "{\"type\":\"Digits\",\"individual_digits\":true},");
    if (p->kind != AS_SPLIT_GPT2) {
        as_buf_text(t->out, "{\"type\":\"Split\",\"pattern\":{\"Regex\":");
        as_buf_json_str(t->out, as_str_of(as_split_pattern(p->kind)));
        as_buf_text(t->out, "},\"behavior\":\"Isolated\",\"invert\":false},");
    }
    as_buf_addf(t->out,
                "{\"type\":\"ByteLevel\",\"add_prefix_space\":false,\"trim_offsets\":false,"
                "\"use_regex\":%s}]}",
                p->kind == AS_SPLIT_GPT2 ? "true" : "false");
}

static bool token_at(const importer *t, int64_t id, as_str *text)
{
    size_t at = 0;
    for (int64_t i = 0; as_gguf_list_text(&t->tokens, &at, text); i++)
        if (i == id)
            return true;
    return false;
}

static void put_post(const importer *t)
{
    int64_t id;
    as_str text;
    bool adds = false;
    as_buf_text(t->out, ",\"post_processor\":");
    if (!as_gguf_flag(t->g, "tokenizer.ggml.add_bos_token", &adds) || !adds ||
        !as_gguf_integer(t->g, "tokenizer.ggml.bos_token_id", &id) || !token_at(t, id, &text)) {
        as_buf_text(t->out, "null");
        return;
    }
    as_buf_text(t->out, "{\"type\":\"TemplateProcessing\",\"single\":[{\"SpecialToken\":{\"id\":");
    as_buf_json_str(t->out, text);
    as_buf_text(t->out, ",\"type_id\":0}},{\"Sequence\":{\"id\":\"A\",\"type_id\":0}}],"
                        "\"pair\":[{\"Sequence\":{\"id\":\"A\",\"type_id\":0}},"
                        "{\"Sequence\":{\"id\":\"B\",\"type_id\":1}}],\"special_tokens\":{");
    as_buf_json_str(t->out, text);
    as_buf_text(t->out, ":{\"id\":");
    as_buf_json_str(t->out, text);
    as_buf_addf(t->out, ",\"ids\":[%lld],\"tokens\":[", (long long)id);
    as_buf_json_str(t->out, text);
    as_buf_text(t->out, "]}}}");
}

static int put_vocab(const importer *t)
{
    AS_CLEANUP(strmap) as_strmap seen;
    as_str text;
    bool is_new, is_first = true;
    if (!as_strmap_init(&seen, t->tokens.n))
        return as_fail(t->err, AS_ENOMEM, "%s: out of memory", as_gguf_path(t->g));
    as_buf_text(t->out, "\"vocab\":{");
    for (size_t at = 0, id = 0; as_gguf_list_text(&t->tokens, &at, &text); id++) {
        int64_t kind = kind_of(t, id);
        if (as_utf8_valid(text) != text.len)
            return bad_key(t, "tokens", "holds a text that is not UTF-8");
        (void)as_strmap_add(&seen, text, (uint32_t)id, &is_new);
        if (!is_new && kind != UNUSED)
            return bad_key(t, "tokens", "holds the same text twice");
        if (is_added(kind) || kind == UNUSED)
            continue;
        if (!is_first)
            as_buf_byte(t->out, ',');
        as_buf_json_str(t->out, text);
        as_buf_addf(t->out, ":%zu", id);
        is_first = false;
    }
    as_buf_byte(t->out, '}');
    return 0;
}

/* "a b": no letter of the byte alphabet is a space. */
static int put_merges(const importer *t)
{
    as_str text;
    const char *comma = "";
    as_buf_text(t->out, ",\"merges\":[");
    for (size_t at = 0; as_gguf_list_text(&t->merges, &at, &text); comma = ",") {
        const char *space = text.len ? memchr(text.data, ' ', text.len) : NULL;
        if (!space || as_utf8_valid(text) != text.len)
            return bad_key(t, "merges", "holds something else than two texts with a space between");
        size_t n = (size_t)(space - text.data);
        as_buf_addf(t->out, "%s[", comma);
        as_buf_json_str(t->out, (as_str){ text.data, n });
        as_buf_byte(t->out, ',');
        as_buf_json_str(t->out, (as_str){ space + 1, text.len - n - 1 });
        as_buf_byte(t->out, ']');
    }
    as_buf_byte(t->out, ']');
    return 0;
}

static int open_lists(importer *t)
{
    as_str model = { NULL, 0 };
    if (!as_gguf_text(t->g, "tokenizer.ggml.model", &model) || !as_str_is(model, "gpt2"))
        return bad_key(t, "model", "is not \"gpt2\", the byte-level BPE that is known");
    if (!as_gguf_list(t->g, "tokenizer.ggml.tokens", &t->tokens) ||
        t->tokens.kind != AS_GGUF_K_TEXT || t->tokens.n > 1 << 24)
        return bad_key(t, "tokens", "missing, or no list of texts");
    if (!as_gguf_list(t->g, "tokenizer.ggml.merges", &t->merges) ||
        t->merges.kind != AS_GGUF_K_TEXT)
        return bad_key(t, "merges", "missing, or no list of texts");
    if (!as_gguf_list(t->g, "tokenizer.ggml.token_type", &t->kinds))
        t->kinds = (as_gguf_array){ AS_GGUF_K_I32, 0, { "", 0 } };
    return 0;
}

int as_gguf_tokenizer(const as_gguf *g, as_buf *out, as_err *err)
{
    importer t = { .g = g, .out = out, .err = err };
    int rc = open_lists(&t);
    if (rc < 0)
        return rc;
    const pre *p = find_pre(&t);
    if (!p)
        return bad_key(&t, "pre", "is not implemented (known: gpt-2, smollm, qwen2, llama-bpe)");
    as_buf_text(out, "{\"version\":\"1.0\",\"truncation\":null,\"padding\":null,");
    put_added(&t);
    as_buf_addf(out, ",\"normalizer\":%s", p->is_nfc ? "{\"type\":\"NFC\"}" : "null");
    put_pre(&t, p);
    put_post(&t);
    as_buf_addf(out,
                ",\"decoder\":{\"type\":\"ByteLevel\",\"add_prefix_space\":true,"
                "\"trim_offsets\":true,\"use_regex\":true},\"model\":{\"type\":\"BPE\","
                "\"dropout\":null,\"unk_token\":null,\"continuing_subword_prefix\":null,"
                "\"end_of_word_suffix\":null,\"fuse_unk\":false,\"byte_fallback\":false,"
                "\"ignore_merges\":%s,",
                p->takes_whole ? "true" : "false");
    rc = put_vocab(&t);
    if (rc == 0)
        rc = put_merges(&t);
    as_buf_text(out, "}}\n");
    return rc < 0 ? rc : as_buf_check(out, err);
}

/* ---- the folder ---- */

static void put_token(const importer *t, const char *key, const char *name)
{
    char full[64] = "tokenizer.ggml.";
    int64_t id;
    as_str text;
    strncat(full, key, sizeof full - strlen(full) - 1);
    if (!as_gguf_integer(t->g, full, &id) || !token_at(t, id, &text))
        return;
    as_buf_addf(t->out, ",\n  \"%s\": ", name);
    as_buf_json_str(t->out, text);
}

static int put_tokenizer_config(importer *t)
{
    as_str template;
    int rc = open_lists(t);
    if (rc < 0)
        return rc;
    as_buf_text(t->out, "{\n  \"clean_up_tokenization_spaces\": false,\n"
                        "  \"tokenizer_class\": \"PreTrainedTokenizerFast\"");
    put_token(t, "bos_token_id", "bos_token");
    put_token(t, "eos_token_id", "eos_token");
    put_token(t, "padding_token_id", "pad_token");
    if (as_gguf_text(t->g, "tokenizer.chat_template", &template)) {
        as_buf_text(t->out, ",\n  \"chat_template\": ");
        as_buf_json_str(t->out, template);
    }
    as_buf_text(t->out, "\n}\n");
    return as_buf_check(t->out, t->err);
}

static int write_tokens(const as_gguf *g, const char *folder, as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    AS_CLEANUP(free) char *first = as_path_join(folder, "tokenizer.json");
    AS_CLEANUP(free) char *second = as_path_join(folder, "tokenizer_config.json");
    importer t = { .g = g, .out = &text, .err = err };
    as_buf_init(&text, TEXT_MAX);
    if (!first || !second)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    int rc = as_gguf_tokenizer(g, &text, err);
    if (rc == 0)
        rc = as_file_write_atomic(first, as_buf_str(&text), err);
    as_buf_clear(&text);
    if (rc == 0)
        rc = put_tokenizer_config(&t);
    return rc < 0 ? rc : as_file_write_atomic(second, as_buf_str(&text), err);
}

static int write_all(const as_gguf *g, const char *folder, as_dtype file_dtype, as_err *err)
{
    const as_weights_save_options o = { AS_F32, file_dtype, NULL, 0 };
    as_model_config c = { 0 };
    as_weights_index *x = NULL;
    int rc = as_gguf_config(g, &c, err);
    if (rc == 0)
        rc = as_weights_index_new(&x, &c, err);
    if (rc < 0 || !x)
        return rc;
    AS_CLEANUP(free) float *arena = as_calloc(x->n_elements, sizeof *arena);
    rc = arena ? as_gguf_load(g, x, arena, err)
               : as_fail(err, AS_ENOMEM, "%s: out of memory", as_gguf_path(g));
    if (rc == 0)
        rc = as_weights_save_into(x, arena, &o, folder, err);
    as_weights_index_free(x);
    if (rc == 0 && as_gguf_has(g, "tokenizer.ggml.tokens"))
        rc = write_tokens(g, folder, err);
    return rc;
}

int as_gguf_import(const char *path, const char *folder, as_dtype file_dtype, as_err *err)
{
    AS_CLEANUP(gguf) as_gguf *g = NULL;
    AS_CLEANUP(new_folder) as_new_folder f = { NULL, NULL, 0 };
    as_err why = { 0 };
    int rc = as_gguf_open(&g, path, err);
    if (rc == 0)
        rc = as_new_folder_open(&f, folder, err);
    if (rc < 0 || !f.temporary)
        return rc;
    rc = write_all(g, f.temporary, file_dtype, &why);
    if (rc < 0)
        return as_fail(err, rc, "%s: nothing was imported: %s", folder, why.text);
    return as_new_folder_commit(&f, err);
}
