/* model_files.c -- `assay model export`, `import` and `merge`: models between Hugging Face's
 * folders, GGUF files and PEFT's adapters. What is written appears whole or not at all.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "cli/common.h"
#include "model/gguf_model.h"
#include "model/lora.h"
#include "model/weights_io.h"

#include <string.h>

typedef struct file_opts {
    const char *model, *adapter, *in, *out, *format, *dtype, *name;
    bool no_tokenizer, force, json, quiet;
} file_opts;

/* ---- shared ---- */

static int need(const char *value, const char *what, as_err *err)
{
    return value ? 0 : as_fail(err, AS_EUSAGE, "%s is missing", what);
}

/* "f32": AS_F32; "auto": `otherwise`. */
static as_dtype dtype_of(const char *word, as_dtype otherwise)
{
    if (strcmp(word, "f32") == 0)
        return AS_F32;
    if (strcmp(word, "f16") == 0)
        return AS_F16;
    return strcmp(word, "bf16") == 0 ? AS_BF16 : otherwise;
}

typedef struct model {
    as_weights_index *index;
    void *arena;
    as_dtype dtype; /* of the arena */
} model;

static void model_fini(model *m)
{
    as_weights_index_free(m->index);
    as_free(m->arena);
}

static int model_load(model *m, const char *folder, as_dtype dtype, as_err *err)
{
    as_model_config config;
    int rc = as_model_config_load(&config, folder, err);
    if (rc == 0)
        rc = as_weights_index_new(&m->index, &config, err);
    if (rc < 0 || !m->index)
        return rc;
    m->dtype = dtype;
    m->arena = as_calloc(m->index->n_elements, as_dtype_size(dtype));
    if (!m->arena)
        return as_fail(err, AS_ENOMEM, "%s: no memory for %zu parameters", folder,
                       m->index->n_params);
    const as_weights_load_options how = { .dtype = dtype };
    return as_weights_load(m->index, folder, &how, m->arena, err);
}

static int say_done(const file_opts *o, const char *schema, const char *type, size_t n_params,
                    as_err *err)
{
    char n[AS_TEXT_MAX];
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 16);
    if (!o->quiet)
        as_cli_say("%s: %s parameters in %s", o->out, as_text_count(n, n_params), type);
    if (!o->json)
        return 0;
    as_buf_addf(&out, "{\"schema\":\"%s\"", schema);
    as_buf_json_key(&out, "out");
    as_buf_json_str(&out, as_str_of(o->out));
    as_buf_json_key(&out, "dtype");
    as_buf_json_str(&out, as_str_of(type));
    as_buf_json_key(&out, "parameters");
    as_buf_u64(&out, n_params);
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

/* ---- folders that may be there ---- */

typedef struct place {
    char *fresh; /* where to write, beside `out`; NULL: `out` itself */
    const char *out;
} place;

/* What --force may take the place of: a model's folder, and nothing else. */
static int place_open(place *p, const file_opts *o, as_err *err)
{
    *p = (place){ .out = o->out };
    if (!o->force)
        return 0;
    AS_CLEANUP(free) char *config = as_path_join(o->out, "config.json");
    if (!config)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!as_path_exists(config))
        return 0; /* writing says what is in the way */
    size_t n = strlen(o->out);
    while (n > 1 && o->out[n - 1] == '/')
        n--;
    AS_CLEANUP(free) char *plain = as_strndup(o->out, n);
    p->fresh = plain ? as_temporary_name(plain) : NULL;
    return p->fresh ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static const char *place_path(const place *p)
{
    return p->fresh ? p->fresh : p->out;
}

static int place_close(place *p, int rc, as_err *err)
{
    if (rc == 0 && p->fresh)
        rc = as_folder_replace(p->fresh, p->out, err);
    as_free(AS_STEAL(p->fresh));
    return rc;
}

/* ---- export ---- */

static as_gguf_type gguf_type_of(const char *word)
{
    return strcmp(word, "f32") == 0    ? AS_GGUF_F32
           : strcmp(word, "bf16") == 0 ? AS_GGUF_BF16
           : strcmp(word, "q8_0") == 0 ? AS_GGUF_Q8_0
                                       : AS_GGUF_F16;
}

/* The folder's own name, for general.name. */
static char *name_of(const char *folder)
{
    AS_CLEANUP(free) char *real = as_path_real(folder, NULL);
    const char *from = real ? real : folder, *slash = strrchr(from, '/');
    return as_strdup(slash && slash[1] ? slash + 1 : from);
}

static int check_export(const file_opts *o, as_err *err)
{
    int rc = need(o->model, "--model DIR (what is exported)", err);
    if (rc == 0)
        rc = need(o->out, "--out FILE.gguf", err);
    if (rc == 0 && !o->force && as_path_exists(o->out))
        rc = as_fail(err, AS_EUSAGE, "%s is there: --force replaces it", o->out);
    return rc;
}

static int run_export(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const file_opts *o = opts;
    model m = { .index = NULL };
    int rc = check_export(o, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(free) char *tokens = as_path_join(o->model, "tokenizer.json");
    AS_CLEANUP(free) char *name = o->name ? as_strdup(o->name) : name_of(o->model);
    if (!tokens || !name)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const as_gguf_save_options how = { .arena_dtype = AS_F32,
                                       .type = gguf_type_of(o->dtype),
                                       .like = !o->no_tokenizer && as_path_exists(tokens) ? o->model
                                                                                          : NULL,
                                       .name = name };
    rc = model_load(&m, o->model, AS_F32, err);
    if (rc == 0)
        rc = as_gguf_save(m.index, m.arena, &how, o->out, err);
    if (rc == 0 && !how.like && !o->no_tokenizer)
        as_cli_say("assay model export: %s has no tokenizer.json, so the file has no tokenizer",
                   o->model);
    if (rc == 0)
        rc = say_done(o, "assay.model_export/1", as_gguf_type_name(how.type), m.index->n_params,
                      err);
    model_fini(&m);
    return rc;
}

/* ---- import ---- */

/* What holds every number of the file as it is; and how many there are. */
static int look_at(const char *path, as_dtype *exact, size_t *n_params, as_err *err)
{
    AS_CLEANUP(gguf) as_gguf *g = NULL;
    as_model_config config;
    as_weights_index *index = NULL;
    int rc = as_gguf_open(&g, path, err);
    if (rc == 0)
        rc = as_gguf_config(g, &config, err);
    if (rc == 0)
        rc = as_weights_index_new(&index, &config, err);
    if (rc < 0 || !index)
        return rc;
    const as_gguf_tensor *q = as_gguf_find(g, "blk.0.attn_q.weight");
    *exact = AS_F32;
    if (q && q->type == AS_GGUF_BF16)
        *exact = AS_BF16;
    if (q && q->type == AS_GGUF_F16)
        *exact = AS_F16;
    *n_params = index->n_params;
    as_weights_index_free(index);
    return 0;
}

static int run_import(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const file_opts *o = opts;
    as_dtype exact = AS_F32;
    size_t n_params = 0;
    place p = { .fresh = NULL };
    int rc = need(o->in, "--in FILE.gguf (what is imported)", err);
    if (rc == 0)
        rc = need(o->out, "--out DIR", err);
    if (rc == 0)
        rc = look_at(o->in, &exact, &n_params, err);
    const as_dtype dtype = dtype_of(o->dtype, exact);
    if (rc == 0)
        rc = place_open(&p, o, err);
    if (rc == 0)
        rc = place_close(&p, as_gguf_import(o->in, place_path(&p), dtype, err), err);
    return rc == 0 ? say_done(o, "assay.model_import/1", as_dtype_name(dtype), n_params, err) : rc;
}

/* ---- merge ---- */

static int merge(model *m, const char *adapter, as_err *err)
{
    as_lora *lora = NULL;
    AS_CLEANUP(free) float *values = NULL;
    int rc = as_lora_load(&lora, &values, m->index, adapter, err);
    if (rc == 0)
        rc = as_lora_merge(lora, values, m->arena, m->dtype, err);
    as_lora_free(lora);
    return rc;
}

static int run_merge(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const file_opts *o = opts;
    model m = { .index = NULL };
    place p = { .fresh = NULL };
    int rc = need(o->model, "--model DIR (what was adapted)", err);
    if (rc == 0)
        rc = need(o->adapter, "--adapter DIR (PEFT's folder, or a checkpoint of assay train)", err);
    if (rc == 0)
        rc = need(o->out, "--out DIR", err);
    if (rc == 0)
        rc = model_load(&m, o->model, AS_F32, err);
    if (rc == 0)
        rc = merge(&m, o->adapter, err);
    as_dtype dtype = AS_F32;
    if (rc == 0) {
        dtype = dtype_of(o->dtype, m.index->config.dtype);
        rc = place_open(&p, o, err);
    }
    const as_weights_save_options how = { .arena_dtype = AS_F32,
                                          .file_dtype = dtype,
                                          .like = o->model };
    if (rc == 0)
        rc = place_close(&p, as_weights_save(m.index, m.arena, &how, place_path(&p), err), err);
    if (rc == 0)
        rc = say_done(o, "assay.model_merge/1", as_dtype_name(dtype), m.index->n_params, err);
    model_fini(&m);
    return rc;
}

/* ---- tables ---- */

#define MODEL(text)                                                                                \
    {                                                                                              \
        .name = "model", .type = AS_OPT_TEXT, .value = "DIR",                                      \
        .offset = offsetof(file_opts, model), .short_name = 'm', .help = (text)                    \
    }
#define OUT(what, text)                                                                            \
    {                                                                                              \
        .name = "out", .type = AS_OPT_TEXT, .value = (what), .offset = offsetof(file_opts, out),   \
        .short_name = 'o', .help = (text)                                                          \
    }
#define DTYPE(standard, words, text)                                                               \
    {                                                                                              \
        .name = "dtype", .type = AS_OPT_CHOICE, .value = "TYPE", .initial = (standard),            \
        .choices = (words), .offset = offsetof(file_opts, dtype), .help = (text)                   \
    }
#define LAST_ROWS(forced)                                                                          \
    AS_FORCE_OPTION(file_opts, forced),                                                            \
        AS_JSON_OPTION(file_opts, "what was written, as one JSON object on stdout"),               \
        AS_QUIET_OPTION(file_opts, "no line on stderr"),                                           \
    {                                                                                              \
        .name = NULL                                                                               \
    }

static const as_opt export_options[] = {
    MODEL("a Hugging Face folder"),
    { .name = "format",
      .type = AS_OPT_CHOICE,
      .value = "NAME",
      .initial = "gguf",
      .choices = "gguf",
      .offset = offsetof(file_opts, format),
      .help = "llama.cpp's file, with the tokenizer in it" },
    DTYPE("f16", "f32|f16|bf16|q8_0",
          "of the matrices; norms and biases are F32, and rows that Q8_0 cannot hold F16"),
    OUT("FILE", "the file to write"),
    { .name = "name",
      .type = AS_OPT_TEXT,
      .value = "TEXT",
      .offset = offsetof(file_opts, name),
      .help = "general.name in the file; the folder's name where it is not given" },
    { .name = "no-tokenizer",
      .type = AS_OPT_FLAG,
      .offset = offsetof(file_opts, no_tokenizer),
      .help = "leave the tokenizer out, as for one whose pre-tokenizer llama.cpp has no name for" },
    LAST_ROWS("replace the file where it is there"),
};

const as_command as_cmd_model_export = {
    .name = "model export",
    .summary = "a model's folder as a GGUF file for llama.cpp",
    .options = export_options,
    .example = "assay model export --model models/qwen --dtype q8_0 --out qwen.gguf",
    .details =
        "Names, keys and the order of rows are those of llama.cpp's convert_hf_to_gguf.py. A "
        "weight that is not finite in the type is refused and named; the file appears whole or "
        "not at all.",
    .run = run_export,
    .opts_size = sizeof(file_opts),
};

static const as_opt import_options[] = {
    { .name = "in",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .offset = offsetof(file_opts, in),
      .short_name = 'i',
      .help = "a GGUF file of F32, F16, BF16 or Q8_0" },
    OUT("DIR", "the folder to make"),
    DTYPE("auto", "auto|f32|bf16|f16",
          "of the weights; auto: what holds the file's numbers as they are"),
    LAST_ROWS("replace a model's folder where it is there"),
};

const as_command as_cmd_model_import = {
    .name = "model import",
    .summary = "a GGUF file as a Hugging Face folder",
    .options = import_options,
    .example = "assay model import --in qwen.gguf --out imported\n"
               "assay model info imported",
    .details = "The folder has config.json, weights, tokenizer.json and the chat template, so that "
               "assay and transformers read it. It appears whole or not at all.",
    .run = run_import,
    .opts_size = sizeof(file_opts),
};

static const as_opt merge_options[] = {
    MODEL("the Hugging Face folder that was adapted"),
    { .name = "adapter",
      .type = AS_OPT_TEXT,
      .value = "DIR",
      .offset = offsetof(file_opts, adapter),
      .short_name = 'a',
      .help = "PEFT's folder: adapter_config.json, adapter_model.safetensors" },
    OUT("DIR", "the folder to make"),
    DTYPE("auto", "auto|f32|bf16|f16", "of the weights; auto: the model's own"),
    LAST_ROWS("replace a model's folder where it is there"),
};

const as_command as_cmd_model_merge = {
    .name = "model merge",
    .summary = "a model with a LoRA adapter added to its weights",
    .options = merge_options,
    .example =
        "assay train lora.json --out adapted --set steps=20\n"
        "assay model merge --model examples/models/countdown --adapter adapted/checkpoints/step_20 "
        "--out tuned",
    .details =
        "Each adapted matrix becomes W + s B A, with s as adapter_config.json says, summed in "
        "double and rounded once. The folder appears whole or not at all; the model and the "
        "adapter stay as they are.",
    .run = run_merge,
    .opts_size = sizeof(file_opts),
};
