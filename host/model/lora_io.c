/* lora_io.c -- PEFT's folders: adapter_config.json and adapter_model.safetensors.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "base/strmap.h"
#include "model/lora_inner.h"

#include <stdio.h>

enum { CONFIG_MAX = 4 * 1024 * 1024, NAME_BYTES = AS_LORA_NAME_MAX };
#define CONFIG_NAME "adapter_config.json"
#define WEIGHTS_NAME "adapter_model.safetensors"

/* ---- adapter_config.json ---- */

static bool is_empty(as_jspan v)
{
    as_jspan key, value;
    size_t at = 0;
    if (v.kind == AS_J_OBJECT)
        return !as_jobject_next(v, &at, &key, &value);
    if (v.kind == AS_J_ARRAY)
        return !as_jarray_next(v, &at, &value);
    return v.kind == AS_J_NONE || v.kind == AS_J_NULL || v.kind == AS_J_FALSE;
}

static int refuse_others(as_jspan root, const char *path, as_err *err)
{
    static const char *const keys[] = {
        "use_dora",
        "fan_in_fan_out",
        "modules_to_save",
        "rank_pattern",
        "alpha_pattern",
        "lora_bias",
        "layer_replication",
        "target_parameters",
        "use_qalora",
        "trainable_token_indices",
        "alora_invocation_tokens",
    };
    as_jspan type = as_jobject_get(root, "peft_type"), bias = as_jobject_get(root, "bias");
    if (!as_jspan_is(type, "LORA"))
        return as_fail(err, AS_EDATA,
                       "%s: key \"peft_type\" is not \"LORA\", the one that is known", path);
    if (bias.kind != AS_J_NONE && !as_jspan_is(bias, "none"))
        return as_fail(err, AS_EDATA, "%s: key \"bias\": trained biases are not implemented", path);
    for (size_t i = 0; i < sizeof keys / sizeof *keys; i++)
        if (!is_empty(as_jobject_get(root, keys[i])))
            return as_fail(err, AS_EDATA,
                           "%s: key \"%s\" is not implemented (merge the adapter "
                           "with PEFT's merge_and_unload)",
                           path, keys[i]);
    return 0;
}

static int read_config(as_lora_config *c, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    as_jspan root;
    as_err why = { 0 };
    unsigned long long r = 0;
    as_buf_init(&text, CONFIG_MAX);
    int rc = as_file_read(path, &text, err);
    if (rc < 0)
        return rc;
    rc = as_json_scan(as_buf_str(&text), &root, &why);
    if (rc < 0 || root.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "%s: %s", path, rc < 0 ? why.text : "not a JSON object");
    rc = refuse_others(root, path, err);
    if (rc < 0)
        return rc;
    if (!as_junsigned(as_jobject_get(root, "r"), &r) || r == 0 || r > INT64_MAX ||
        !as_jnumber(as_jobject_get(root, "lora_alpha"), &c->alpha))
        return as_fail(err, AS_EDATA, "%s: key \"r\" or \"lora_alpha\" is missing or no number",
                       path);
    c->r = (int64_t)r;
    c->is_rslora = as_jobject_get(root, "use_rslora").kind == AS_J_TRUE;
    return 0;
}

static int write_config(const as_lora *l, const char *base, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf out;
    as_buf_init(&out, CONFIG_MAX);
    as_buf_text(&out, "{\n  \"base_model_name_or_path\": ");
    as_buf_json_str(&out, as_str_of(base ? base : ""));
    as_buf_text(&out, ",\n  \"bias\": \"none\",\n  \"fan_in_fan_out\": false,\n"
                      "  \"inference_mode\": true,\n  \"init_lora_weights\": true,\n"
                      "  \"lora_alpha\": ");
    as_buf_json_num(&out, l->config.alpha);
    as_buf_addf(&out,
                ",\n  \"lora_dropout\": 0.0,\n  \"peft_type\": \"LORA\",\n  \"r\": %lld,\n"
                "  \"target_modules\": [",
                (long long)l->config.r);
    const char *comma = "";
    for (unsigned i = 0; i < AS_LORA_TARGETS; i++) {
        if (!(l->config.targets >> i & 1))
            continue;
        as_buf_addf(&out, "%s\n    \"%s\"", comma, as_lora_target_name(i));
        comma = ",";
    }
    as_buf_addf(&out,
                "\n  ],\n  \"task_type\": \"CAUSAL_LM\",\n  \"use_dora\": false,\n"
                "  \"use_rslora\": %s\n}\n",
                l->config.is_rslora ? "true" : "false");
    int rc = as_buf_check(&out, err);
    return rc < 0 ? rc : as_file_write_atomic(path, as_buf_str(&out), err);
}

/* ---- tensors ---- */

/* "model.layers.0.self_attn.q_proj.weight" with `what`, 'A' or 'B' */
static void tensor_name(const as_part *p, char what, char out[NAME_BYTES])
{
    int n = (int)strlen(p->name) - (int)strlen(".weight");
    (void)snprintf(out, NAME_BYTES, "base_model.model.%.*s.lora_%c.weight", n > 0 ? n : 0, p->name,
                   what);
}

void as_lora_tensor_name(const as_lora *l, size_t matrix, char a_or_b, char out[AS_LORA_NAME_MAX])
{
    tensor_name(&l->index->parts[l->matrices[matrix].part], a_or_b, out);
}

/* Which halves (1: A, 2: B) of each part the file has; whole ones are wanted. */
static int find_halves(const as_safetensors *s, const as_weights_index *x,
                       char (*names)[NAME_BYTES], const as_strmap *known, bool *is_wanted,
                       as_err *err)
{
    char shown[104];
    uint32_t at;
    AS_CLEANUP(free) unsigned char *halves = as_calloc(x->n_parts, 1);
    if (!halves)
        return as_fail(err, AS_ENOMEM, "out of memory for a LoRA adapter");
    for (size_t i = 0; i < as_safetensors_count(s); i++) {
        const as_safetensor *t = as_safetensors_at(s, i);
        if (!as_strmap_find(known, t->name, &at))
            return as_fail(
                err, AS_EDATA,
                "%s: tensor \"%s\" adapts nothing that can be adapted here (known: q, k, "
                "v, o, gate, up and down_proj of this model's layers)",
                t->file, as_safetensors_shown(t->name, shown));
        halves[at / 2] |= at % 2 ? 2 : 1;
    }
    for (size_t i = 0; i < x->n_parts; i++) {
        is_wanted[i] = halves[i] == 3;
        if (halves[i] == 1 || halves[i] == 2)
            return as_fail(err, AS_EDATA, "%s: tensor \"%s\" is missing",
                           as_safetensors_at(s, 0)->file, names[2 * i + (halves[i] == 1)]);
    }
    return 0;
}

static int find_wanted(const as_safetensors *s, const as_weights_index *x, bool *is_wanted,
                       as_err *err)
{
    AS_CLEANUP(strmap) as_strmap known;
    AS_CLEANUP(free) char(*names)[NAME_BYTES] = as_calloc(2 * x->n_parts, sizeof *names);
    bool is_new;
    if (!as_strmap_init(&known, 2 * x->n_parts) || !names)
        return as_fail(err, AS_ENOMEM, "out of memory for a LoRA adapter");
    for (size_t i = 0; i < 2 * x->n_parts; i++) {
        if (!as_lora_can(x, i / 2))
            continue;
        tensor_name(&x->parts[i / 2], i % 2 ? 'B' : 'A', names[i]);
        (void)as_strmap_add(&known, as_str_of(names[i]), (uint32_t)i, &is_new);
    }
    return find_halves(s, x, names, &known, is_wanted, err);
}

/* out NULL: only looks whether it can be loaded. */
static int load_half(const as_safetensors *s, const char *name, int64_t rows, int64_t cols,
                     float *out, as_err *err)
{
    const as_safetensor *t = as_safetensors_find(s, name);
    if (!t || t->n_dims != 2 || t->dims[0] != rows || t->dims[1] != cols)
        return as_fail(err, AS_EDATA,
                       "%s: tensor \"%s\" has not the shape [%lld, %lld] that " CONFIG_NAME
                       " and the model ask for",
                       t ? t->file : WEIGHTS_NAME, name, (long long)rows, (long long)cols);
    if (!as_dtype_is_weight(t->dtype))
        return as_fail(err, AS_EDATA, "%s: tensor \"%s\" is %s; it must be F32, BF16 or F16",
                       t->file, name, as_dtype_name(t->dtype));
    size_t bad = as_find_not_finite(t->data, t->dtype, t->n);
    if (bad < t->n)
        return as_fail(err, AS_EDATA, "%s: tensor \"%s\": element %zu of %zu is NaN or infinite",
                       t->file, name, bad, t->n);
    if (out)
        as_convert(out, AS_F32, t->data, t->dtype, t->n);
    return 0;
}

static int load_all(const as_lora *l, const as_safetensors *s, float *arena, as_err *err)
{
    char name[NAME_BYTES];
    int rc = 0;
    for (size_t i = 0; i < l->n_matrices && rc == 0; i++) {
        const as_lora_matrix *m = &l->matrices[i];
        const as_part *p = &l->index->parts[m->part];
        tensor_name(p, 'A', name);
        rc = load_half(s, name, l->config.r, p->dims[1], arena ? arena + m->a : NULL, err);
        tensor_name(p, 'B', name);
        if (rc == 0)
            rc = load_half(s, name, p->dims[0], l->config.r, arena ? arena + m->b : NULL, err);
    }
    return rc;
}

static int load_files(as_lora **out, float **arena, const as_weights_index *index,
                      const char *config, const char *weights, as_err *err)
{
    AS_CLEANUP(safetensors) as_safetensors *s = NULL;
    AS_CLEANUP(free) bool *is_wanted = as_calloc(index->n_parts, sizeof *is_wanted);
    as_lora_config c = { 0 };
    as_err why = { 0 };
    if (!is_wanted)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", weights);
    int rc = read_config(&c, config, err);
    if (rc == 0)
        rc = as_safetensors_open(&s, weights, err);
    if (rc == 0)
        rc = find_wanted(s, index, is_wanted, err);
    if (rc < 0)
        return rc;
    rc = as_lora_new_of(out, index, &c, is_wanted, &why);
    if (rc < 0)
        return as_fail(err, rc == AS_ENOMEM ? rc : AS_EDATA, "%s: %s", config, why.text);
    rc = load_all(*out, s, NULL, err); /* before memory for a rank that the file does not have */
    if (rc < 0)
        return rc;
    *arena = as_calloc((*out)->n_elements, sizeof **arena);
    if (!*arena)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", weights);
    return load_all(*out, s, *arena, err);
}

int as_lora_load(as_lora **out, float **arena, const as_weights_index *index, const char *folder,
                 as_err *err)
{
    AS_CLEANUP(free) char *config = as_path_join(folder, CONFIG_NAME);
    AS_CLEANUP(free) char *weights = as_path_join(folder, WEIGHTS_NAME);
    *out = NULL;
    *arena = NULL;
    if (!config || !weights)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    int rc = load_files(out, arena, index, config, weights, err);
    if (rc < 0) {
        as_lora_free(AS_STEAL(*out));
        as_free(AS_STEAL(*arena));
    }
    return rc;
}

int as_lora_save_into(const as_lora *l, const float *arena, as_dtype dtype, const char *base,
                      const char *folder, as_err *err)
{
    static const as_safetensors_pair pt = { "format", "pt" };
    size_t n = 2 * l->n_matrices;
    AS_CLEANUP(free) char *config = as_path_join(folder, CONFIG_NAME);
    AS_CLEANUP(free) char *weights = as_path_join(folder, WEIGHTS_NAME);
    AS_CLEANUP(free) char(*names)[NAME_BYTES] = as_calloc(n, sizeof *names);
    AS_CLEANUP(free) as_safetensors_item *items = as_calloc(n, sizeof *items);
    if (!config || !weights || !names || !items)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    for (size_t i = 0; i < n; i++) {
        const as_lora_matrix *m = &l->matrices[i / 2];
        bool is_a = i % 2 == 0;
        tensor_name(&l->index->parts[m->part], is_a ? 'A' : 'B', names[i]);
        items[i] = (as_safetensors_item){ names[i],
                                          dtype,
                                          AS_F32,
                                          2,
                                          { is_a ? l->config.r : (int64_t)m->out,
                                            is_a ? (int64_t)m->in : l->config.r },
                                          arena + (is_a ? m->a : m->b) };
    }
    int rc = as_safetensors_write(weights, items, n, &pt, 1, err);
    return rc < 0 ? rc : write_config(l, base, config, err);
}

int as_lora_save(const as_lora *l, const float *arena, as_dtype file_dtype, const char *base,
                 const char *folder, as_err *err)
{
    AS_CLEANUP(new_folder) as_new_folder f = { NULL, NULL, 0 };
    as_err why = { 0 };
    if (!as_dtype_is_weight(file_dtype))
        return as_fail(err, AS_EUSAGE, "%s: adapters are written as F32, BF16 or F16, not as %s",
                       folder, as_dtype_name(file_dtype));
    int rc = as_new_folder_open(&f, folder, err);
    if (rc < 0)
        return rc;
    rc = as_lora_save_into(l, arena, file_dtype, base, f.temporary, &why);
    if (rc < 0)
        return as_fail(err, rc, "%s: nothing was saved: %s", folder, why.text);
    return as_new_folder_commit(&f, err);
}
