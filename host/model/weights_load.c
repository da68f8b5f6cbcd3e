/* weights_load.c -- tensors of safetensors into the arena, each checked before it is believed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/strmap.h"
#include "model/weights_io.h"

#include <stdio.h>

typedef struct loader {
    const as_weights_index *index;
    const as_safetensors *from;
    const char *what; /* the folder or file, for messages about what is not there */
    as_weights_load_options options;
    unsigned char *arena;
    as_err *err;
} loader;

/* "[2, 3]" */
static const char *say_dims(unsigned n, const int64_t *dims, char out[200])
{
    size_t at = 0;
    out[0] = 0;
    for (unsigned i = 0; i < n && at < 170; i++)
        at += (size_t)snprintf(out + at, 200 - at, "%s%lld", i ? ", " : "", (long long)dims[i]);
    return out;
}

static int check_tensor(const loader *l, const as_part *p, const as_safetensor *t)
{
    char want[200], found[200];
    bool same = t->n_dims == p->n_dims;
    for (unsigned i = 0; i < p->n_dims && same; i++)
        same = t->dims[i] == p->dims[i];
    if (!same)
        return as_fail(l->err, AS_EDATA,
                       "%s: tensor \"%s\" has the shape [%s], but config.json asks for [%s] (the "
                       "files are of two models?)",
                       t->file, p->name, say_dims(t->n_dims, t->dims, found),
                       say_dims(p->n_dims, p->dims, want));
    if (!as_dtype_is_weight(t->dtype))
        return as_fail(l->err, AS_EDATA,
                       "%s: tensor \"%s\" is %s; weights must be F32, BF16 or F16 (quantised "
                       "models are not read: use the folder they were made from)",
                       t->file, p->name, as_dtype_name(t->dtype));
    size_t bad = l->options.allow_not_finite ? t->n : as_find_not_finite(t->data, t->dtype, t->n);
    if (bad == t->n)
        return 0;
    float v;
    as_convert(&v, AS_F32, t->data + bad * as_dtype_size(t->dtype), t->dtype, 1);
    return as_fail(l->err, AS_EDATA,
                   "%s: tensor \"%s\": element %zu of %zu is %s (the training that wrote it "
                   "diverged? use an earlier checkpoint)",
                   t->file, p->name, bad, t->n, v != v ? "NaN" : "infinite");
}

/* A head that the files lack, and may. */
static bool is_fresh(const loader *l, const as_part *p)
{
    const as_role role = l->index->tensors[p->tensor].role;
    if ((role != AS_W_SCORE && role != AS_W_SCORE_BIAS) || !l->options.fresh_score)
        return false;
    const size_t size = as_dtype_size(l->options.dtype);
    memset(l->arena + p->offset * size, 0, p->n * size);
    *l->options.fresh_score = true;
    return true;
}

static int load_part(const loader *l, const as_part *p)
{
    const as_safetensor *t = as_safetensors_find(l->from, p->name);
    as_dtype dtype = l->options.dtype;
    if (!t && is_fresh(l, p))
        return 0;
    if (!t && strcmp(p->name, "lm_head.weight") == 0)
        return as_fail(l->err, AS_EDATA,
                       "%s: tensor \"lm_head.weight\" is missing, and config.json does not say "
                       "\"tie_word_embeddings\": true",
                       l->what);
    if (!t)
        return as_fail(l->err, AS_EDATA,
                       "%s: tensor \"%s\" is missing (not all files were fetched, or they are of "
                       "another model than config.json)",
                       l->what, p->name);
    int rc = check_tensor(l, p, t);
    if (rc == 0)
        as_convert(l->arena + p->offset * as_dtype_size(dtype), dtype, t->data, t->dtype, t->n);
    return rc;
}

/* Not weights: heads this model does not have, and tables of old Llama files. */
static bool is_ignored(const loader *l, as_str name)
{
    const as_model_config *c = &l->index->config;
    return ((c->is_tied || !as_has_tokens(c)) && as_str_is(name, "lm_head.weight")) ||
           as_str_ends(name, ".rotary_emb.inv_freq");
}

static int refuse_unknown(const loader *l)
{
    AS_CLEANUP(strmap) as_strmap known;
    bool is_new;
    uint32_t at;
    char shown[104];
    if (!as_strmap_init(&known, l->index->n_parts))
        return as_fail(l->err, AS_ENOMEM, "%s: out of memory", l->what);
    for (size_t i = 0; i < l->index->n_parts; i++)
        (void)as_strmap_add(&known, as_str_of(l->index->parts[i].name), (uint32_t)i, &is_new);
    for (size_t i = 0; i < as_safetensors_count(l->from); i++) {
        const as_safetensor *t = as_safetensors_at(l->from, i);
        if (!as_strmap_find(&known, t->name, &at) && !is_ignored(l, t->name))
            return as_fail(l->err, AS_EDATA,
                           "%s: tensor \"%s\" is unknown to a model of this kind (another "
                           "architecture than config.json says?)",
                           t->file, as_safetensors_shown(t->name, shown));
    }
    return 0;
}

static void clear_gaps(const loader *l)
{
    size_t size = as_dtype_size(l->options.dtype);
    for (size_t i = 0; i < l->index->n_tensors; i++) {
        const as_tensor *t = &l->index->tensors[i];
        size_t end = i + 1 < l->index->n_tensors ? t[1].offset : l->index->n_elements;
        memset(l->arena + (t->offset + t->n) * size, 0, (end - t->offset - t->n) * size);
    }
}

int as_weights_read(const as_weights_index *index, const as_safetensors *from, const char *what,
                    const as_weights_load_options *options, void *arena, as_err *err)
{
    static const as_weights_load_options usual = { .dtype = AS_F32 };
    loader l = { index, from, what, options ? *options : usual, arena, err };
    int rc = refuse_unknown(&l);
    if (l.options.fresh_score)
        *l.options.fresh_score = false;
    for (size_t i = 0; i < index->n_parts && rc == 0; i++)
        rc = load_part(&l, &index->parts[i]);
    if (rc == 0)
        clear_gaps(&l);
    return rc;
}

int as_weights_load(const as_weights_index *index, const char *folder,
                    const as_weights_load_options *options, void *arena, as_err *err)
{
    AS_CLEANUP(safetensors) as_safetensors *from = NULL;
    int rc = as_safetensors_open_folder(&from, folder, err);
    return rc < 0 ? rc : as_weights_read(index, from, folder, options, arena, err);
}
