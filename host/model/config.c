/* config.c -- config.json and generation_config.json, both generations of transformers; refusals by
 * name. SPDX-License-Identifier: Apache-2.0 */
#include "model/config_inner.h"

#include "base/file.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"

#include <stdarg.h>
#include <stdio.h>

enum { CONFIG_MAX = 4 * 1024 * 1024 };

/* The limits that as_model_config promises. */
enum { LAYERS_MAX = 1 << 12, WIDTH_MAX = 1 << 16, HEADS_MAX = 1 << 12, FF_MAX = 1 << 20 };
enum { VOCAB_MAX = 1 << 24, POSITIONS_MAX = 1 << 30 };

static const struct {
    const char *name, *prefix;
    as_model_type type;
} families[] = { { "llama", "Llama", AS_LLAMA },
                 { "qwen2", "Qwen2", AS_QWEN2 },
                 { "qwen3", "Qwen3", AS_QWEN3 } };
enum { N_FAMILIES = sizeof families / sizeof *families };

static const struct {
    const char *name;
    as_dtype type;
} dtypes[] = { { "float32", AS_F32 }, { "bfloat16", AS_BF16 }, { "float16", AS_F16 } };
enum { N_DTYPES = sizeof dtypes / sizeof *dtypes };

const char *as_config_type_name(as_model_type type)
{
    return families[type].name;
}

void as_config_architecture(const as_model_config *c, char out[AS_ARCHITECTURE_MAX])
{
    const char *task = as_has_tokens(c)    ? "CausalLM"
                       : c->has_score_bias ? "TokenClassification"
                                           : "SequenceClassification";
    (void)snprintf(out, AS_ARCHITECTURE_MAX, "%sFor%s", families[c->type].prefix, task);
}

const char *as_config_dtype_name(as_dtype type)
{
    for (size_t i = 0; i < N_DTYPES; i++)
        if (dtypes[i].type == type)
            return dtypes[i].name;
    return NULL;
}

/* Members of one object. The first error stays: the calls after it return fallbacks, and the end
 * looks at rc once. */
typedef struct reader {
    const char *folder, *file, *prefix; /* prefix: "rope_scaling." within that object */
    as_jspan object;
    int rc;
    as_err *err;
} reader;

static void refuse(reader *r, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(reader *r, const char *key, const char *format, ...)
{
    char why[256];
    va_list args;
    if (r->rc < 0)
        return;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    r->rc = as_fail(r->err, AS_EDATA, "%s/%s: key \"%s%s\": %s", r->folder, r->file, r->prefix, key,
                    why);
}

/* A value for a message: short, on one line. */
static const char *say(as_jspan value, char out[48])
{
    size_t n = value.text.len < 40 ? value.text.len : 40;
    if (value.kind == AS_J_OBJECT || value.kind == AS_J_ARRAY)
        (void)snprintf(out, 48, value.kind == AS_J_OBJECT ? "an object" : "an array");
    else
        (void)snprintf(out, 48, "%.*s%s", (int)as_utf8_valid((as_str){ value.text.data, n }),
                       value.text.data, n < value.text.len ? "..." : "");
    for (char *p = out; *p; p++)
        if (*p == 0x7F) /* the one control character that JSON lets into a string */
            *p = '?';
    return out;
}

/* A member; AS_J_NONE where it is absent or null. */
static as_jspan member(reader *r, const char *key)
{
    as_jspan found = { { NULL, 0 }, AS_J_NONE }, name, value;
    unsigned n = 0;
    for (size_t at = 0; as_jobject_next(r->object, &at, &name, &value);) {
        if (!as_jspan_is(name, key))
            continue;
        found = value;
        if (n++ > 0)
            refuse(r, key, "stands twice");
    }
    if (found.kind == AS_J_NULL)
        found.kind = AS_J_NONE;
    return found;
}

static const int64_t REQUIRED = -1;

static int64_t count_of(reader *r, const char *key, int64_t max, int64_t fallback)
{
    char shown[48];
    unsigned long long v = 0;
    as_jspan value = member(r, key);
    if (value.kind == AS_J_NONE && fallback != REQUIRED)
        return fallback;
    if (value.kind == AS_J_NONE)
        refuse(r, key, "missing; is this the config.json of a language model?");
    else if (!as_junsigned(value, &v) || v == 0 || v > (unsigned long long)max)
        refuse(r, key, "%s is not an integer of 1 to %lld", say(value, shown), (long long)max);
    return r->rc < 0 || v == 0 ? 1 : (int64_t)v;
}

static double real_of(reader *r, const char *key, double min, double max, double fallback)
{
    char shown[48];
    double v = 0;
    as_jspan value = member(r, key);
    if (value.kind == AS_J_NONE && fallback > 0)
        return fallback;
    if (value.kind == AS_J_NONE)
        refuse(r, key, "missing");
    else if (!as_jnumber(value, &v) || !(v >= min && v <= max))
        refuse(r, key, "%s is not a number of %g to %g", say(value, shown), min, max);
    return r->rc < 0 ? 1 : v;
}

static bool flag_of(reader *r, const char *key)
{
    char shown[48];
    as_jspan value = member(r, key);
    if (value.kind != AS_J_NONE && value.kind != AS_J_TRUE && value.kind != AS_J_FALSE)
        refuse(r, key, "%s is neither true nor false", say(value, shown));
    return value.kind == AS_J_TRUE;
}

/* ---- what a model must not be ---- */

/* transformers says how many by naming them, and takes two where it is not said. */
static void read_labels(reader *r)
{
    as_jspan labels = member(r, "id2label"), count = member(r, "num_labels"), key, value;
    unsigned long long n = 0;
    for (size_t at = 0; labels.kind == AS_J_OBJECT && as_jobject_next(labels, &at, &key, &value);)
        n++;
    if (labels.kind == AS_J_NONE && !as_junsigned(count, &n))
        n = 2;
    if (n != 1)
        refuse(r, "id2label", "%llu labels; a model that scores has one", n);
}

/* The heads, by the name of the class. */
static void read_heads(reader *r, as_model_config *c)
{
    static const struct {
        as_heads heads;
        bool has_bias;
    } kinds[] = { { AS_HEADS_TOKENS, false }, { AS_HEADS_SCORE, false }, { AS_HEADS_SCORE, true } };
    char shown[48], known[3][AS_ARCHITECTURE_MAX];
    as_jspan list = member(r, "architectures"), name = { { NULL, 0 }, AS_J_NONE };
    size_t at = 0, which = 0;
    if (list.kind != AS_J_ARRAY || !as_jarray_next(list, &at, &name))
        name.kind = AS_J_NONE;
    for (size_t i = 0; i < 3; i++) {
        as_model_config as = { .type = c->type };
        as.heads = kinds[i].heads;
        as.has_score_bias = kinds[i].has_bias;
        as_config_architecture(&as, known[i]);
    }
    while (which < 3 && name.kind != AS_J_NONE && !as_jspan_is(name, known[which]))
        which++;
    if (which == 3) {
        refuse(r, "architectures", "%s is not implemented (known: %s, %s, %s)", say(name, shown),
               known[0], known[1], known[2]);
        return;
    }
    c->heads = kinds[which].heads;
    c->has_score_bias = kinds[which].has_bias;
    if (c->heads == AS_HEADS_SCORE)
        read_labels(r);
    else if (flag_of(r, "has_value_head"))
        c->heads = AS_HEADS_BOTH;
}

static void read_type(reader *r, as_model_config *c)
{
    char shown[48];
    as_jspan type = member(r, "model_type");
    size_t which = 0;
    while (which < N_FAMILIES && !as_jspan_is(type, families[which].name))
        which++;
    if (type.kind == AS_J_NONE) {
        refuse(r, "model_type", "missing; is this the config.json of a language model?");
    } else if (which == N_FAMILIES) {
        refuse(r, "model_type", "%s is not implemented (known: llama, qwen2, qwen3)",
               say(type, shown));
    } else {
        c->type = families[which].type;
        read_heads(r, c);
    }
}

static void refuse_experts(reader *r)
{
    static const char *const keys[] = { "num_experts", "num_local_experts", "n_routed_experts" };
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++) {
        unsigned long long n = 1;
        as_jspan value = member(r, keys[i]);
        (void)as_junsigned(value, &n);
        if (value.kind != AS_J_NONE && n > 0)
            refuse(r, keys[i], "a mixture of experts is not implemented (dense models only)");
    }
}

static void refuse_windows(reader *r, const as_model_config *c)
{
    char shown[48];
    if (c->type != AS_LLAMA && flag_of(r, "use_sliding_window"))
        refuse(r, "use_sliding_window",
               "sliding-window attention is not implemented (full attention only)");
    as_jspan list = member(r, "layer_types"), value;
    int64_t n = 0;
    for (size_t at = 0; list.kind == AS_J_ARRAY && as_jarray_next(list, &at, &value); n++)
        if (!as_jspan_is(value, "full_attention"))
            refuse(r, "layer_types", "%s is not implemented (known: full_attention)",
                   say(value, shown));
    if (list.kind != AS_J_NONE && n != c->n_layers)
        refuse(r, "layer_types", "does not name one type for each of the %lld layers",
               (long long)c->n_layers);
}

static void refuse_others(reader *r, const as_model_config *c)
{
    char shown[48];
    as_jspan act = member(r, "hidden_act");
    if (act.kind != AS_J_NONE && !as_jspan_is(act, "silu"))
        refuse(r, "hidden_act", "%s is not implemented (known: silu)", say(act, shown));
    if (c->type != AS_QWEN2 && flag_of(r, "attention_bias"))
        refuse(r, "attention_bias", "biases of attention are implemented for qwen2 only");
    if (flag_of(r, "mlp_bias"))
        refuse(r, "mlp_bias", "biases of the MLP are not implemented");
    if (member(r, "quantization_config").kind != AS_J_NONE)
        refuse(r, "quantization_config",
               "quantised weights are not implemented (use the folder they were made from)");
}

/* ---- shapes, positions, tokens ---- */

static void read_shape(reader *r, as_model_config *c)
{
    c->n_layers = count_of(r, "num_hidden_layers", LAYERS_MAX, REQUIRED);
    c->d = count_of(r, "hidden_size", WIDTH_MAX, REQUIRED);
    c->n_heads = count_of(r, "num_attention_heads", HEADS_MAX, REQUIRED);
    c->n_kv_heads = count_of(r, "num_key_value_heads", HEADS_MAX, c->n_heads);
    c->d_ff = count_of(r, "intermediate_size", FF_MAX, REQUIRED);
    c->vocab = count_of(r, "vocab_size", VOCAB_MAX, REQUIRED);
    c->max_pos = count_of(r, "max_position_embeddings", POSITIONS_MAX, REQUIRED);
    c->head_dim = count_of(r, "head_dim", HEADS_MAX, 0);
    c->rms_eps = real_of(r, "rms_norm_eps", 1e-12, 1e-1, 1e-6);
    c->is_tied = flag_of(r, "tie_word_embeddings");
    c->has_qkv_bias = c->type == AS_QWEN2;
    c->has_qk_norm = c->type == AS_QWEN3;
    if (r->rc < 0)
        return;
    if (c->head_dim == 0 && c->d % c->n_heads != 0)
        refuse(r, "hidden_size", "%lld is no multiple of num_attention_heads, %lld",
               (long long)c->d, (long long)c->n_heads);
    if (c->head_dim == 0)
        c->head_dim = c->d / c->n_heads;
    if (c->head_dim % 2 != 0)
        refuse(r, "head_dim", "%lld is odd; rotary positions turn pairs", (long long)c->head_dim);
    if (c->n_heads % c->n_kv_heads != 0)
        refuse(r, "num_key_value_heads", "%lld does not divide num_attention_heads, %lld",
               (long long)c->n_kv_heads, (long long)c->n_heads);
}

static void read_llama3(reader *rope, as_model_config *c)
{
    c->rope_type = AS_ROPE_LLAMA3;
    c->rope_factor = real_of(rope, "factor", 1, 1e6, 0);
    c->rope_low = real_of(rope, "low_freq_factor", 1e-6, 1e6, 0);
    c->rope_high = real_of(rope, "high_freq_factor", 1e-6, 1e6, 0);
    c->rope_original = count_of(rope, "original_max_position_embeddings", POSITIONS_MAX, REQUIRED);
    if (rope->rc == 0 && c->rope_low >= c->rope_high)
        refuse(rope, "low_freq_factor", "%g is not below high_freq_factor, %g", c->rope_low,
               c->rope_high);
}

/* transformers 5: rope_parameters, with rope_theta inside; 4: rope_theta, and rope_scaling or null;
 * before 4.43 its type was "type". */
static void read_rope(reader *r, as_model_config *c)
{
    char shown[48];
    reader rope = *r;
    as_jspan parameters = member(r, "rope_parameters"), scaling = member(r, "rope_scaling");
    bool is_new = parameters.kind != AS_J_NONE;
    const char *key = is_new ? "rope_parameters" : "rope_scaling";
    rope.object = is_new ? parameters : scaling;
    rope.prefix = is_new ? "rope_parameters." : "rope_scaling.";
    c->rope_theta = real_of(r, "rope_theta", 1, 1e12, 10000);
    if (rope.object.kind == AS_J_NONE || r->rc < 0)
        return;
    if (rope.object.kind != AS_J_OBJECT) {
        refuse(r, key, "%s is not an object", say(rope.object, shown));
        return;
    }
    c->rope_theta = real_of(&rope, "rope_theta", 1, 1e12, c->rope_theta);
    if (real_of(&rope, "partial_rotary_factor", 0, 1, 1) < 1)
        refuse(&rope, "partial_rotary_factor", "partly rotated heads are not implemented");
    key = member(&rope, "rope_type").kind != AS_J_NONE ? "rope_type" : "type";
    as_jspan type = member(&rope, key);
    if (as_jspan_is(type, "llama3"))
        read_llama3(&rope, c);
    else if (type.kind == AS_J_NONE && (!is_new || member(&rope, "full_attention").kind))
        refuse(&rope, "rope_type", "missing (known: default, llama3)");
    else if (type.kind != AS_J_NONE && !as_jspan_is(type, "default"))
        refuse(&rope, key, "%s is not implemented (known: default, llama3)", say(type, shown));
    r->rc = rope.rc;
}

/* -1: none */
static int32_t id_of(reader *r, const char *key, as_jspan value, int64_t vocab)
{
    char shown[48];
    unsigned long long v = 0;
    if (value.kind == AS_J_NONE || as_str_is(value.text, "-1"))
        return -1;
    if (!as_junsigned(value, &v) || v >= (unsigned long long)vocab)
        refuse(r, key, "%s is no token of a vocabulary of %lld", say(value, shown),
               (long long)vocab);
    return r->rc < 0 ? -1 : (int32_t)v;
}

static void add_eos(reader *r, as_model_config *c, as_jspan value)
{
    int32_t id = id_of(r, "eos_token_id", value, c->vocab);
    if (id < 0)
        return;
    if (c->n_eos == AS_EOS_MAX)
        refuse(r, "eos_token_id", "more than %d tokens", AS_EOS_MAX);
    else
        c->eos[c->n_eos++] = id;
}

static void read_tokens(reader *r, as_model_config *c)
{
    as_jspan eos = member(r, "eos_token_id"), bos = member(r, "bos_token_id"), value;
    as_jspan pad = member(r, "pad_token_id");
    if (eos.kind != AS_J_NONE)
        c->n_eos = 0;
    for (size_t at = 0; eos.kind == AS_J_ARRAY && as_jarray_next(eos, &at, &value);)
        add_eos(r, c, value);
    if (eos.kind != AS_J_ARRAY)
        add_eos(r, c, eos);
    if (bos.kind != AS_J_NONE)
        c->bos = id_of(r, "bos_token_id", bos, c->vocab);
    if (pad.kind != AS_J_NONE)
        c->pad = id_of(r, "pad_token_id", pad, c->vocab);
}

static as_dtype read_dtype(reader *r)
{
    as_jspan now = member(r, "dtype"), before = member(r, "torch_dtype");
    for (size_t i = 0; i < N_DTYPES; i++)
        if (as_jspan_is(now.kind != AS_J_NONE ? now : before, dtypes[i].name))
            return dtypes[i].type;
    return AS_F32;
}

/* ---- public ---- */

static int open_text(reader *r, as_str text)
{
    as_err why = { 0 };
    int rc = as_json_scan(text, &r->object, &why);
    if (rc < 0)
        return as_fail(r->err, rc, "%s/%s: %s", r->folder, r->file, why.text);
    if (r->object.kind != AS_J_OBJECT)
        return as_fail(r->err, AS_EDATA, "%s/%s: not a JSON object", r->folder, r->file);
    return 0;
}

int as_model_config_parse(as_model_config *out, as_str config, as_str generation,
                          const char *folder, as_err *err)
{
    reader r = { folder, "config.json", "", { { NULL, 0 }, AS_J_NONE }, 0, err };
    as_model_config c = { .bos = -1, .pad = -1 };
    int rc = open_text(&r, config);
    if (rc < 0)
        return rc;
    read_type(&r, &c);
    refuse_experts(&r);
    read_shape(&r, &c);
    refuse_windows(&r, &c);
    refuse_others(&r, &c);
    read_rope(&r, &c);
    read_tokens(&r, &c);
    c.dtype = read_dtype(&r);
    if (r.rc == 0 && generation.data) {
        r.file = "generation_config.json";
        rc = open_text(&r, generation);
        if (rc < 0)
            return rc;
        read_tokens(&r, &c);
    }
    if (r.rc == 0)
        *out = c;
    return r.rc;
}

/* What is no model's folder may be something that can be made into one. */
static int check_folder(const char *folder, const char *config, as_err *err)
{
    AS_CLEANUP(free) char *adapter = as_path_join(folder, "adapter_config.json");
    if (!adapter)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    if (as_path_exists(config))
        return 0;
    if (as_path_exists(adapter))
        return as_fail(err, AS_EDATA,
                       "%s: holds a LoRA adapter, not a model; assay model merge adds it to its "
                       "model",
                       folder);
    return as_str_ends(as_str_of(folder), ".gguf")
               ? as_fail(err, AS_EDATA,
                         "%s: a GGUF file is no model's folder; assay model import makes one of it",
                         folder)
               : 0;
}

int as_model_config_load(as_model_config *out, const char *folder, as_err *err)
{
    AS_CLEANUP(buf) as_buf config, generation;
    as_buf_init(&config, CONFIG_MAX);
    as_buf_init(&generation, CONFIG_MAX);
    AS_CLEANUP(free) char *first = as_path_join(folder, "config.json");
    AS_CLEANUP(free) char *second = as_path_join(folder, "generation_config.json");
    if (!first || !second)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    bool has_second = as_path_exists(second);
    int rc = check_folder(folder, first, err);
    if (rc == 0)
        rc = as_file_read(first, &config, err);
    if (rc == 0 && has_second)
        rc = as_file_read(second, &generation, err);
    if (rc < 0)
        return rc;
    as_str more = has_second ? as_buf_str(&generation) : (as_str){ NULL, 0 };
    return as_model_config_parse(out, as_buf_str(&config), more, folder, err);
}
