/* gguf_load.c -- models out of GGUF. SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/strmap.h"
#include "model/gguf_inner.h"
#include "model/safetensors.h"

#include <math.h>
#include <stdarg.h>
#include <stdio.h>

static const char *const architectures[] = {
    [AS_LLAMA] = "llama", [AS_QWEN2] = "qwen2", [AS_QWEN3] = "qwen3"
};
enum { N_ARCHITECTURES = sizeof architectures / sizeof *architectures };

static const char *const part_names[AS_W_ROLES][3] = {
    [AS_W_EMBED] = { "token_embd.weight" },
    [AS_W_NORM_ATTN] = { "attn_norm.weight" },
    [AS_W_QKV] = { "attn_q.weight", "attn_k.weight", "attn_v.weight" },
    [AS_W_QKV_BIAS] = { "attn_q.bias", "attn_k.bias", "attn_v.bias" },
    [AS_W_Q_NORM] = { "attn_q_norm.weight" },
    [AS_W_K_NORM] = { "attn_k_norm.weight" },
    [AS_W_O] = { "attn_output.weight" },
    [AS_W_NORM_MLP] = { "ffn_norm.weight" },
    [AS_W_GATE_UP] = { "ffn_gate.weight", "ffn_up.weight" },
    [AS_W_DOWN] = { "ffn_down.weight" },
    [AS_W_NORM_OUT] = { "output_norm.weight" },
    [AS_W_HEAD] = { "output.weight" },
};

/* ---- shared with gguf_save.c ---- */

const char *as_gguf_architecture(as_model_type type)
{
    return architectures[type];
}

void as_gguf_part_name(const as_weights_index *index, size_t part, char out[64])
{
    const as_tensor *t = &index->tensors[index->parts[part].tensor];
    const char *name = part_names[t->role][part - t->part];
    if (t->layer < 0)
        (void)snprintf(out, 64, "%s", name);
    else
        (void)snprintf(out, 64, "blk.%lld.%s", (long long)t->layer, name);
}

int64_t as_gguf_part_row(const as_weights_index *index, size_t part, int64_t row)
{
    const as_tensor *t = &index->tensors[index->parts[part].tensor];
    int64_t d = index->config.head_dim, within = row % d;
    bool is_permuted =
        index->config.type == AS_LLAMA && t->role == AS_W_QKV && part - t->part < 2; /* not v */
    return is_permuted ? row - within + within % 2 * (d / 2) + within / 2 : row;
}

/* As convert_hf_to_gguf.py has it; the formula is that of Llama 3.1's own apply_scaling. */
float as_gguf_rope_slowness(const as_model_config *c, int64_t i)
{
    double frequency = pow(c->rope_theta, -2.0 * (double)i / (double)c->head_dim);
    double length = 2 * M_PI / frequency, original = (double)c->rope_original;
    if (length < original / c->rope_high)
        return 1;
    if (length > original / c->rope_low)
        return (float)c->rope_factor;
    double smooth = (original / length - c->rope_low) / (c->rope_high - c->rope_low);
    return (float)(1 / ((1 - smooth) / c->rope_factor + smooth));
}

/* ---- configuration ---- */

typedef struct reader {
    const as_gguf *g;
    const char *architecture;
    int rc;
    as_err *err;
} reader;

static void refuse(reader *r, const char *key, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

static void refuse(reader *r, const char *key, const char *format, ...)
{
    char why[200];
    va_list args;
    if (r->rc < 0)
        return;
    va_start(args, format);
    (void)vsnprintf(why, sizeof why, format, args);
    va_end(args);
    r->rc = as_fail(r->err, AS_EDATA, "%s: key \"%s\": %s", as_gguf_path(r->g), key, why);
}

static const char *full(const reader *r, const char *key, char out[96])
{
    (void)snprintf(out, 96, "%s.%s", r->architecture, key);
    return out;
}

/* fallback 0: the key must be there */
static int64_t count_of(reader *r, const char *key, int64_t max, int64_t fallback)
{
    char name[96];
    int64_t v = 0;
    if (!as_gguf_has(r->g, full(r, key, name)) && fallback > 0)
        return fallback;
    if (!as_gguf_integer(r->g, name, &v) || v < 1 || v > max)
        refuse(r, name, "missing, or no integer of 1 to %lld", (long long)max);
    return r->rc < 0 || v < 1 ? 1 : v;
}

static double real_of(reader *r, const char *key, double min, double max, double fallback)
{
    char name[96];
    double v = 0;
    if (!as_gguf_has(r->g, full(r, key, name)) && fallback > 0)
        return fallback;
    if (!as_gguf_real(r->g, name, &v) || !(v >= min && v <= max))
        refuse(r, name, "missing, or no number of %g to %g", min, max);
    return r->rc < 0 ? 1 : v;
}

static void read_architecture(reader *r, as_model_config *c)
{
    as_str name;
    char shown[104];
    unsigned i = 0;
    if (!as_gguf_text(r->g, "general.architecture", &name)) {
        refuse(r, "general.architecture", "missing");
        return;
    }
    while (i < N_ARCHITECTURES && !as_str_is(name, architectures[i]))
        i++;
    if (i == N_ARCHITECTURES) {
        refuse(r, "general.architecture", "\"%s\" is not implemented (known: llama, qwen2, qwen3)",
               as_safetensors_shown(name, shown));
        return;
    }
    c->type = (as_model_type)i;
    r->architecture = architectures[i];
}

static void read_shape(reader *r, as_model_config *c)
{
    /* the limits of config.h */
    c->n_layers = count_of(r, "block_count", 1 << 12, 0);
    c->d = count_of(r, "embedding_length", 1 << 16, 0);
    c->n_heads = count_of(r, "attention.head_count", 1 << 12, 0);
    c->n_kv_heads = count_of(r, "attention.head_count_kv", 1 << 12, c->n_heads);
    c->d_ff = count_of(r, "feed_forward_length", 1 << 20, 0);
    c->max_pos = count_of(r, "context_length", 1 << 30, 0);
    c->rms_eps = real_of(r, "attention.layer_norm_rms_epsilon", 1e-12, 1e-1, 0);
    c->rope_theta = real_of(r, "rope.freq_base", 1, 1e12, 10000);
    if (r->rc < 0)
        return;
    bool divides = c->d % c->n_heads == 0; /* else the length of a head must be there */
    c->head_dim = count_of(r, "attention.key_length", 1 << 12, divides ? c->d / c->n_heads : 0);
    if (c->head_dim != count_of(r, "attention.value_length", 1 << 12, c->head_dim) ||
        c->head_dim != count_of(r, "rope.dimension_count", 1 << 12, c->head_dim))
        refuse(r, "attention.key_length",
               "values or rotated parts of another length than keys are not implemented");
    if (c->head_dim % 2 != 0 || c->n_heads % c->n_kv_heads != 0)
        refuse(r, "attention.head_count_kv",
               "does not divide head_count, or heads are of odd length");
    int64_t experts = 0;
    char name[96];
    if (as_gguf_integer(r->g, full(r, "expert_count", name), &experts) && experts > 0)
        refuse(r, name, "a mixture of experts is not implemented (dense models only)");
}

static void read_tensors(reader *r, as_model_config *c)
{
    const as_gguf_tensor *embed = as_gguf_find(r->g, "token_embd.weight");
    if (r->rc == 0 && !embed)
        r->rc = as_fail(r->err, AS_EDATA, "%s: tensor \"token_embd.weight\" is missing",
                        as_gguf_path(r->g));
    if (r->rc < 0 || !embed)
        return;
    c->vocab = embed->dims[1];
    if (c->vocab > 1 << 24)
        refuse(r, "tokenizer.ggml.tokens", "more than %d tokens", 1 << 24);
    c->is_tied = !as_gguf_find(r->g, "output.weight");
    c->has_qkv_bias = c->type == AS_QWEN2;
    c->has_qk_norm = c->type == AS_QWEN3;
    c->dtype = embed->type == AS_GGUF_BF16 ? AS_BF16 : embed->type == AS_GGUF_F32 ? AS_F32 : AS_F16;
}

static bool is_slowness(const as_gguf_tensor *t, const as_model_config *c)
{
    float v;
    for (int64_t i = 0; i < c->head_dim / 2; i++) {
        memcpy(&v, t->data + 4 * (size_t)i, sizeof v);
        if (!(fabsf(v - as_gguf_rope_slowness(c, i)) <= 1e-3F * fabsf(v)))
            return false;
    }
    return true;
}

/* rope_freqs.weight tells what the factors did, not what they were: known ones are tried. */
static void read_rope(reader *r, as_model_config *c)
{
    static const struct {
        double factor, low, high;
        int64_t original;
    } known[] = { { 8, 1, 4, 8192 }, { 32, 1, 4, 8192 } };
    enum { N = sizeof known / sizeof *known };
    const as_gguf_tensor *t = as_gguf_find(r->g, "rope_freqs.weight");
    as_str scaling;
    char name[96];
    if (as_gguf_text(r->g, full(r, "rope.scaling.type", name), &scaling) &&
        !as_str_is(scaling, "none"))
        refuse(r, name, "scaled rotary positions are not implemented (known: none, and Llama 3's)");
    if (!t || r->rc < 0)
        return;
    if (t->type != AS_GGUF_F32 || t->n_dims != 1 || t->dims[0] != c->head_dim / 2) {
        r->rc =
            as_fail(r->err, AS_EDATA, "%s: tensor \"rope_freqs.weight\" is not half a head of F32",
                    as_gguf_path(r->g));
        return;
    }
    c->rope_type = AS_ROPE_LLAMA3;
    bool found = as_gguf_real(r->g, "assay.rope.factor", &c->rope_factor) &&
                 as_gguf_real(r->g, "assay.rope.low_freq_factor", &c->rope_low) &&
                 as_gguf_real(r->g, "assay.rope.high_freq_factor", &c->rope_high) &&
                 as_gguf_integer(r->g, "assay.rope.original", &c->rope_original) &&
                 c->rope_factor >= 1 && c->rope_low > 0 && c->rope_low < c->rope_high &&
                 c->rope_original > 0 && c->rope_original <= 1 << 30 && is_slowness(t, c);
    for (size_t i = 0; i < N && !found; i++) {
        c->rope_factor = known[i].factor;
        c->rope_low = known[i].low;
        c->rope_high = known[i].high;
        c->rope_original = known[i].original;
        found = is_slowness(t, c);
    }
    if (!found)
        r->rc = as_fail(r->err, AS_EDATA,
                        "%s: tensor \"rope_freqs.weight\" is not the scaling of Llama 3.1 or 3.2",
                        as_gguf_path(r->g));
}

static int32_t token_of(reader *r, const as_model_config *c, const char *key)
{
    int64_t v;
    if (!as_gguf_has(r->g, key))
        return -1;
    if (!as_gguf_integer(r->g, key, &v) || v < 0 || v >= c->vocab) {
        refuse(r, key, "is no token of a vocabulary of %lld", (long long)c->vocab);
        return -1;
    }
    return (int32_t)v;
}

int as_gguf_config(const as_gguf *g, as_model_config *out, as_err *err)
{
    reader r = { g, "", 0, err };
    as_model_config c = { .bos = -1, .pad = -1 };
    read_architecture(&r, &c);
    if (r.rc == 0)
        read_shape(&r, &c);
    if (r.rc == 0)
        read_tensors(&r, &c);
    if (r.rc == 0)
        read_rope(&r, &c);
    if (r.rc < 0)
        return r.rc;
    static const char *const ends[] = { "tokenizer.ggml.eos_token_id",
                                        "tokenizer.ggml.eot_token_id" };
    for (unsigned i = 0; i < 2; i++) {
        int32_t id = token_of(&r, &c, ends[i]);
        if (id >= 0 && (c.n_eos == 0 || c.eos[0] != id))
            c.eos[c.n_eos++] = id;
    }
    c.bos = token_of(&r, &c, "tokenizer.ggml.bos_token_id");
    c.pad = token_of(&r, &c, "tokenizer.ggml.padding_token_id");
    if (r.rc == 0)
        *out = c;
    return r.rc;
}

/* ---- weights ---- */

static int64_t shape_of(const as_part *p, int64_t *cols)
{
    *cols = p->dims[p->n_dims - 1];
    return p->n_dims == 2 ? p->dims[0] : 1;
}

static int check_part(const as_gguf *g, const as_weights_index *x, size_t part, as_err *err)
{
    char name[64];
    int64_t cols, rows = shape_of(&x->parts[part], &cols);
    as_gguf_part_name(x, part, name);
    const as_gguf_tensor *t = as_gguf_find(g, name);
    if (!t)
        return as_fail(err, AS_EDATA, "%s: tensor \"%s\" is missing", as_gguf_path(g), name);
    if (t->dims[0] == cols && t->dims[1] == rows && t->dims[2] == 1 && t->dims[3] == 1)
        return 0;
    return as_fail(err, AS_EDATA,
                   "%s: tensor \"%s\" has the shape [%lld, %lld, %lld, %lld], but its keys ask "
                   "for [%lld, %lld]",
                   as_gguf_path(g), name, (long long)t->dims[0], (long long)t->dims[1],
                   (long long)t->dims[2], (long long)t->dims[3], (long long)cols, (long long)rows);
}

/* A part that check_part found to be as it should. */
static int load_part(const as_gguf *g, const as_weights_index *x, size_t part, float *arena,
                     as_err *err)
{
    const as_part *p = &x->parts[part];
    char name[64];
    int64_t cols, rows = shape_of(p, &cols);
    as_gguf_part_name(x, part, name);
    const as_gguf_tensor *t = as_gguf_find(g, name);
    size_t row_bytes = as_gguf_row_bytes(t->type, (size_t)cols);
    for (int64_t i = 0; i < rows; i++) {
        float *row = arena + p->offset + as_gguf_part_row(x, part, i) * cols;
        as_gguf_row_read(row, t->type, t->data + (size_t)i * row_bytes, (size_t)cols);
        size_t bad = as_find_not_finite(row, AS_F32, (size_t)cols);
        if (bad < (size_t)cols)
            return as_fail(err, AS_EDATA,
                           "%s: tensor \"%s\": element %zu of row %lld is NaN or infinite",
                           as_gguf_path(g), name, bad, (long long)i);
    }
    return 0;
}

static void clear_gaps(const as_weights_index *x, float *arena)
{
    for (size_t i = 0; i < x->n_tensors; i++) {
        const as_tensor *t = &x->tensors[i];
        size_t begin = t->offset + t->n;
        size_t end = i + 1 < x->n_tensors ? t[1].offset : x->n_elements;
        memset(arena + begin, 0, (end - begin) * sizeof *arena);
    }
}

static int refuse_unknown(const as_gguf *g, const as_weights_index *x, as_err *err)
{
    AS_CLEANUP(strmap) as_strmap known;
    AS_CLEANUP(free) char(*names)[64] = as_calloc(x->n_parts, sizeof *names);
    bool is_new;
    uint32_t at;
    char shown[104];
    if (!as_strmap_init(&known, x->n_parts) || !names)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", as_gguf_path(g));
    for (size_t i = 0; i < x->n_parts; i++) {
        as_gguf_part_name(x, i, names[i]);
        (void)as_strmap_add(&known, as_str_of(names[i]), (uint32_t)i, &is_new);
    }
    for (size_t i = 0; i < as_gguf_count(g); i++) {
        as_str name = as_gguf_at(g, i)->name;
        if (!as_strmap_find(&known, name, &at) && !as_str_is(name, "rope_freqs.weight"))
            return as_fail(err, AS_EDATA,
                           "%s: tensor \"%s\" is unknown to a model of this architecture",
                           as_gguf_path(g), as_safetensors_shown(name, shown));
    }
    return 0;
}

int as_gguf_load(const as_gguf *g, const as_weights_index *index, float *arena, as_err *err)
{
    int rc = refuse_unknown(g, index, err);
    /* all of them before the first write: what keys promise is not touched unless the file has it
     */
    for (size_t i = 0; i < index->n_parts && rc == 0; i++)
        rc = check_part(g, index, i, err);
    for (size_t i = 0; i < index->n_parts && rc == 0; i++)
        rc = load_part(g, index, i, arena, err);
    if (rc == 0)
        clear_gaps(index, arena);
    return rc;
}
