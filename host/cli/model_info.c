/* model_info.c -- `assay model info`: what a folder or a GGUF file holds, without computing
 * anything. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/path.h"
#include "cli/common.h"
#include "model/chat.h"
#include "model/gguf_model.h"
#include "model/tokenizer.h"
#include "model/weights_io.h"

typedef struct info_opts {
    bool json;
} info_opts;

typedef struct about {
    const char *path;
    as_model_config config;
    as_weights_index *index;
    const char *kind, *weights; /* "Hugging Face folder"; type of the matrices: "F32" */
    uint64_t n_bytes;           /* of the weights */
    int64_t n_tokens;           /* of the tokenizer; -1: there is none */
    bool has_chat;
} about;

static const char *family_of(as_model_type type)
{
    return type == AS_QWEN2 ? "qwen2" : type == AS_QWEN3 ? "qwen3" : "llama";
}

static int look_at_tokenizer(about *a, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(a->path, "tokenizer.json");
    as_tokenizer *t = NULL;
    as_chat *chat = NULL;
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!as_path_exists(path))
        return 0;
    int rc = as_tokenizer_open(&t, a->path, err);
    if (rc < 0)
        return rc;
    a->n_tokens = as_tokenizer_size(t);
    as_tokenizer_free(t);
    a->has_chat = as_chat_open(&chat, a->path, NULL) == 0;
    as_chat_free(chat);
    return 0;
}

/* Shapes are what config.json asks for, and every tensor is there: the weights are read, and let
 * go. */
static int look_at_folder(about *a, as_err *err)
{
    const as_weights_load_options how = { .dtype = AS_BF16, .allow_not_finite = true };
    int rc = as_model_config_load(&a->config, a->path, err);
    if (rc == 0)
        rc = as_weights_index_new(&a->index, &a->config, err);
    if (rc < 0 || !a->index)
        return rc;
    AS_CLEANUP(free) void *arena = as_calloc(a->index->n_elements, as_dtype_size(how.dtype));
    if (!arena)
        return as_fail(err, AS_ENOMEM, "%s: no memory for %zu parameters", a->path,
                       a->index->n_params);
    rc = as_weights_load(a->index, a->path, &how, arena, err);
    a->kind = "a Hugging Face folder";
    a->weights = as_dtype_name(a->config.dtype);
    a->n_bytes = (uint64_t)a->index->n_params * as_dtype_size(a->config.dtype);
    return rc == 0 ? look_at_tokenizer(a, err) : rc;
}

static int look_at_gguf(about *a, as_err *err)
{
    AS_CLEANUP(gguf) as_gguf *g = NULL;
    as_gguf_array tokens;
    int rc = as_gguf_open(&g, a->path, err);
    if (rc == 0)
        rc = as_gguf_config(g, &a->config, err);
    if (rc == 0)
        rc = as_weights_index_new(&a->index, &a->config, err);
    if (rc < 0 || !a->index)
        return rc;
    const as_gguf_tensor *q = as_gguf_find(g, "blk.0.attn_q.weight");
    a->kind = "a GGUF file";
    a->weights = q ? as_gguf_type_name(q->type) : "?";
    for (size_t i = 0; i < as_gguf_count(g); i++)
        a->n_bytes += as_gguf_at(g, i)->n_bytes;
    if (as_gguf_list(g, "tokenizer.ggml.tokens", &tokens))
        a->n_tokens = (int64_t)tokens.n;
    a->has_chat = as_gguf_has(g, "tokenizer.chat_template");
    return 0;
}

static bool is_gguf(const char *path)
{
    AS_CLEANUP(free) char *config = as_path_join(path, "config.json");
    return !config || (!as_path_exists(config) && as_str_ends(as_str_of(path), ".gguf"));
}

static const char *head_of(const as_model_config *c)
{
    if (!as_has_tokens(c))
        return "for scores alone";
    if (c->is_tied)
        return as_has_score(c) ? "tied to the embedding, and one for scores"
                               : "tied to the embedding";
    return as_has_score(c) ? "of its own, and one for scores" : "of its own";
}

static void add_text(const about *a, as_buf *out)
{
    char n[AS_TEXT_MAX], size[AS_TEXT_MAX];
    const as_model_config *c = &a->config;
    as_buf_addf(out, "model       %s, %s\n", family_of(c->type), a->kind);
    as_buf_addf(out, "parameters  %s in %s, %s\n", as_text_count(n, a->index->n_params), a->weights,
                as_text_bytes(size, a->n_bytes));
    as_buf_addf(
        out,
        "shape       %lld layers of width %lld; %lld heads of %lld, %lld of keys and values; "
        "MLP %lld%s%s\n",
        (long long)c->n_layers, (long long)c->d, (long long)c->n_heads, (long long)c->head_dim,
        (long long)c->n_kv_heads, (long long)c->d_ff, c->has_qkv_bias ? "; biases of q, k, v" : "",
        c->has_qk_norm ? "; norms of q and k" : "");
    as_buf_addf(out, "vocabulary  %s rows, head %s\n", as_text_count(n, (uint64_t)c->vocab),
                head_of(c));
    as_buf_addf(out, "positions   %s, rotary base %g%s\n", as_text_count(n, (uint64_t)c->max_pos),
                c->rope_theta, c->rope_type == AS_ROPE_LLAMA3 ? ", scaled as Llama 3.1's" : "");
    if (a->n_tokens >= 0)
        as_buf_addf(out, "tokenizer   %s tokens; %s\n", as_text_count(n, (uint64_t)a->n_tokens),
                    a->has_chat ? "with a chat template" : "no chat template that can be used");
    else
        as_buf_text(out, "tokenizer   none\n");
}

static void add_json(const about *a, as_buf *out)
{
    const as_model_config *c = &a->config;
    const struct {
        const char *key;
        int64_t value;
    } numbers[] = { { "parameters", (int64_t)a->index->n_params },
                    { "bytes", (int64_t)a->n_bytes },
                    { "layers", c->n_layers },
                    { "d", c->d },
                    { "heads", c->n_heads },
                    { "kv_heads", c->n_kv_heads },
                    { "head_dim", c->head_dim },
                    { "d_ff", c->d_ff },
                    { "vocab", c->vocab },
                    { "positions", c->max_pos },
                    { "tokens", a->n_tokens } };
    as_buf_text(out, "{\"schema\":\"assay.model_info/1\"");
    as_buf_json_key(out, "path");
    as_buf_json_str(out, as_str_of(a->path));
    as_buf_json_key(out, "family");
    as_buf_json_str(out, as_str_of(family_of(c->type)));
    as_buf_json_key(out, "weights");
    as_buf_json_str(out, as_str_of(a->weights));
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        as_buf_json_key(out, numbers[i].key);
        if (numbers[i].value < 0)
            as_buf_text(out, "null");
        else
            as_buf_u64(out, (uint64_t)numbers[i].value);
    }
    as_buf_json_key(out, "rope_theta");
    as_buf_json_num(out, c->rope_theta);
    as_buf_addf(out, ",\"tied\":%s,\"qkv_bias\":%s,\"qk_norm\":%s,\"chat_template\":%s}\n",
                c->is_tied ? "true" : "false", c->has_qkv_bias ? "true" : "false",
                c->has_qk_norm ? "true" : "false", a->has_chat ? "true" : "false");
}

static int run_info(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    const info_opts *o = opts;
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE, "one model is expected: assay model info DIR");
    about a = { .path = operands->at[0], .n_tokens = -1 };
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 20);
    int rc = is_gguf(a.path) ? look_at_gguf(&a, err) : look_at_folder(&a, err);
    if (rc == 0 && a.index && o->json)
        add_json(&a, &out);
    else if (rc == 0 && a.index)
        add_text(&a, &out);
    as_weights_index_free(a.index);
    if (rc == 0)
        rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

static const as_opt options[] = { AS_JSON_OPTION(info_opts, "one JSON object"), { .name = NULL } };

const as_command as_cmd_model_info = {
    .name = "model info",
    .summary = "what a model's folder or GGUF file holds",
    .operands = "DIR|FILE.gguf",
    .options = options,
    .example = "assay model info examples/models/countdown",
    .details = "Reads config.json, every tensor and the tokenizer: what assay generate and assay "
               "train would refuse is refused "
               "here, with the file and the key or tensor that is wrong.",
    .run = run_info,
    .opts_size = sizeof(info_opts),
};
