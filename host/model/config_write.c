/* config_write.c -- config.json, written anew or over one that is there.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/jspan.h"
#include "model/config_inner.h"

#include <stdio.h>

/* The one label of a model that scores, as transformers writes it. */
static const char ONE_LABEL[] = "{ \"0\": \"LABEL_0\" }", ONE_ID[] = "{ \"LABEL_0\": 0 }";

static void write_id(as_buf *out, const char *key, int32_t id)
{
    if (id >= 0)
        as_buf_addf(out, "  \"%s\": %ld,\n", key, (long)id);
    else
        as_buf_addf(out, "  \"%s\": null,\n", key);
}

static void write_real(as_buf *out, const char *key, double v)
{
    as_buf_addf(out, "\"%s\": ", key);
    as_buf_json_num(out, v);
}

static void write_shape(as_buf *out, const as_model_config *c)
{
    const struct {
        const char *key;
        int64_t value;
    } counts[] = { { "head_dim", c->head_dim },
                   { "hidden_size", c->d },
                   { "intermediate_size", c->d_ff },
                   { "max_position_embeddings", c->max_pos },
                   { "num_attention_heads", c->n_heads },
                   { "num_hidden_layers", c->n_layers },
                   { "num_key_value_heads", c->n_kv_heads },
                   { "vocab_size", c->vocab } };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        as_buf_addf(out, "  \"%s\": %lld,\n", counts[i].key, (long long)counts[i].value);
}

int as_model_config_write(const as_model_config *c, as_dtype dtype, as_buf *out, as_err *err)
{
    const char *type = as_config_dtype_name(dtype);
    if (!type)
        return as_fail(err, AS_EUSAGE, "config.json: no dtype of models is called %s",
                       as_dtype_name(dtype));
    char architecture[AS_ARCHITECTURE_MAX];
    as_config_architecture(c, architecture);
    as_buf_addf(out, "{\n  \"architectures\": [\n    \"%s\"\n  ],\n", architecture);
    as_buf_addf(out, "  \"attention_dropout\": 0.0,\n  \"hidden_act\": \"silu\",\n");
    as_buf_addf(out, "  \"model_type\": \"%s\",\n", as_config_type_name(c->type));
    write_shape(out, c);
    if (c->heads == AS_HEADS_SCORE)
        as_buf_addf(out, "  \"id2label\": %s,\n  \"label2id\": %s,\n", ONE_LABEL, ONE_ID);
    if (c->heads == AS_HEADS_BOTH)
        as_buf_text(out, "  \"has_value_head\": true,\n");
    write_id(out, "bos_token_id", c->bos);
    if (c->n_eos > 1) {
        as_buf_text(out, "  \"eos_token_id\": [");
        for (unsigned i = 0; i < c->n_eos; i++)
            as_buf_addf(out, "%s%ld", i ? ", " : "", (long)c->eos[i]);
        as_buf_text(out, "],\n");
    } else {
        write_id(out, "eos_token_id", c->n_eos ? c->eos[0] : -1);
    }
    write_id(out, "pad_token_id", c->pad);
    as_buf_text(out, "  ");
    write_real(out, "rms_norm_eps", c->rms_eps);
    as_buf_text(out, ",\n  ");
    if (c->rope_type == AS_ROPE_LLAMA3) {
        as_buf_text(out, "\"rope_scaling\": { ");
        write_real(out, "factor", c->rope_factor);
        as_buf_text(out, ", ");
        write_real(out, "high_freq_factor", c->rope_high);
        as_buf_text(out, ", ");
        write_real(out, "low_freq_factor", c->rope_low);
        as_buf_addf(out, ", \"original_max_position_embeddings\": %lld, ",
                    (long long)c->rope_original);
        as_buf_text(out, "\"rope_type\": \"llama3\" },\n  ");
    }
    write_real(out, "rope_theta", c->rope_theta);
    as_buf_addf(out, ",\n  \"tie_word_embeddings\": %s,\n", c->is_tied ? "true" : "false");
    as_buf_addf(out, "  \"torch_dtype\": \"%s\",\n  \"use_cache\": true\n}\n", type);
    return as_buf_check(out, err);
}

/* ---- over one that is there ---- */

typedef struct change {
    const char *key, *other; /* it goes by both names; other may be NULL */
    char value[AS_ARCHITECTURE_MAX + 8];
    bool is_needed; /* added where neither is there */
    bool is_done;
} change;
enum { CHANGES_MAX = 6 };

static void add_change(change *changes, size_t *n, const char *key, const char *value, bool needed)
{
    change *c = &changes[(*n)++];
    *c = (change){ .key = key, .is_needed = needed };
    (void)snprintf(c->value, sizeof c->value, "%s", value);
}

static size_t plan_changes(change *changes, const as_model_config *c, const char *type)
{
    char name[AS_ARCHITECTURE_MAX], value[AS_ARCHITECTURE_MAX + 8];
    size_t n = 0;
    (void)snprintf(value, sizeof value, "\"%s\"", type);
    add_change(changes, &n, "torch_dtype", value, true);
    changes[0].other = "dtype";
    as_config_architecture(c, name);
    (void)snprintf(value, sizeof value, "[\"%s\"]", name);
    add_change(changes, &n, "architectures", value, c->heads == AS_HEADS_SCORE);
    add_change(changes, &n, "has_value_head", c->heads == AS_HEADS_BOTH ? "true" : "false",
               c->heads == AS_HEADS_BOTH);
    if (c->heads == AS_HEADS_SCORE) {
        add_change(changes, &n, "id2label", ONE_LABEL, true);
        add_change(changes, &n, "label2id", ONE_ID, true);
        add_change(changes, &n, "num_labels", "1", false);
    }
    return n;
}

/* One class, or one label: what is there may stay, whatever its spelling. */
static bool says_so(const change *c, as_jspan value)
{
    as_jspan key, first;
    size_t at = 0;
    if (strcmp(c->key, "architectures") == 0) {
        char name[AS_ARCHITECTURE_MAX + 8];
        (void)snprintf(name, sizeof name, "%.*s", (int)(strlen(c->value) - 4), c->value + 2);
        return value.kind == AS_J_ARRAY && as_jarray_next(value, &at, &first) &&
               as_jspan_is(first, name);
    }
    return value.kind == AS_J_OBJECT && as_jobject_next(value, &at, &key, &first) &&
           !as_jobject_next(value, &at, &key, &first);
}

static change *change_of(change *changes, size_t n, as_jspan key)
{
    for (size_t i = 0; i < n; i++)
        if (as_jspan_is(key, changes[i].key) ||
            (changes[i].other && as_jspan_is(key, changes[i].other)))
            return &changes[i];
    return NULL;
}

static void mark_there(change *changes, size_t n, as_jspan root)
{
    as_jspan key, value;
    for (size_t at = 0; as_jobject_next(root, &at, &key, &value);) {
        change *c = change_of(changes, n, key);
        if (c)
            c->is_done = true;
    }
}

int as_model_config_rewrite(as_str config, const as_model_config *c, as_dtype dtype, as_buf *out,
                            as_err *err)
{
    const char *type = as_config_dtype_name(dtype);
    change changes[CHANGES_MAX];
    as_jspan root, key, value;
    if (!type)
        return as_fail(err, AS_EUSAGE, "config.json: no dtype of models is called %s",
                       as_dtype_name(dtype));
    int rc = as_json_scan(config, &root, err);
    if (rc < 0)
        return rc;
    if (root.kind != AS_J_OBJECT)
        return as_fail(err, AS_EDATA, "config.json: not a JSON object");
    const size_t n = plan_changes(changes, c, type);
    const char *done = root.text.data + 1;
    mark_there(changes, n, root);
    as_buf_add(out, (as_str){ config.data, (size_t)(done - config.data) });
    for (size_t i = 0; i < n; i++)
        if (changes[i].is_needed && !changes[i].is_done)
            as_buf_addf(out, "\n  \"%s\": %s,", changes[i].key, changes[i].value);
    for (size_t at = 0; as_jobject_next(root, &at, &key, &value);) {
        const change *to = change_of(changes, n, key);
        if (!to || says_so(to, value))
            continue;
        as_buf_add(out, (as_str){ done, (size_t)(value.text.data - done) });
        as_buf_text(out, to->value);
        done = value.text.data + value.text.len;
    }
    as_buf_add(out, (as_str){ done, (size_t)(config.data + config.len - done) });
    return as_buf_check(out, err);
}
