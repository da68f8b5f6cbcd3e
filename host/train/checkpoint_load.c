/* checkpoint_load.c -- reads checkpoints: every file is checked before any is believed.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/hash.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/weights_io.h"
#include "train/checkpoint_inner.h"

#include <math.h>
#include <stdio.h>

typedef struct loader {
    as_checkpoint *c;
    const char *path;
    as_jspan root;
    uint64_t step;
    uint64_t *counters; /* what will be in c */
    double *values;
    bool has_moments, has_master;
    as_err *err;
} loader;

static int damaged(const loader *l, const char *file, const char *why)
{
    return as_fail(l->err, AS_EDATA, "%s/%s: %s (go on from an earlier checkpoint)", l->path, file,
                   why);
}

static int no_memory(const loader *l)
{
    return as_fail(l->err, AS_ENOMEM, "%s: out of memory", l->path);
}

/* ---- trainer.json ---- */

/* The hash at its end is of all before it. */
static int check_seal(const loader *l, as_str text)
{
    char want[20];
    const size_t n = sizeof AS_CHECKPOINT_SEAL - 1, tail = n + 16 + 4; /* "\n}\n */
    if (text.len < tail)
        return damaged(l, AS_CHECKPOINT_TRAINER, "is damaged: it is too short");
    as_str body = { text.data, text.len - tail };
    (void)snprintf(want, sizeof want, "%016llx", (unsigned long long)as_hash64(body, 0));
    if (memcmp(body.data + body.len, AS_CHECKPOINT_SEAL, n) != 0 ||
        memcmp(body.data + body.len + n, want, 16) != 0)
        return damaged(l, AS_CHECKPOINT_TRAINER, "is damaged: its XXH3 is another");
    return 0;
}

/* A decimal number in a text. */
static bool text_u64(as_jspan value, unsigned long long *out)
{
    as_str inside = { value.text.data + 1, value.text.len - 2 };
    return value.kind == AS_J_STRING && as_str_u64(inside, out);
}

static bool value_of(as_jspan value, double *out)
{
    if (as_jspan_is(value, "nan"))
        *out = (double)NAN;
    else if (as_jspan_is(value, "inf") || as_jspan_is(value, "-inf"))
        *out = as_jspan_is(value, "inf") ? (double)INFINITY : -(double)INFINITY;
    else
        return as_jnumber(value, out);
    return true;
}

static int read_state(loader *l)
{
    as_jspan counters = as_jobject_get(l->root, "counters");
    as_jspan values = as_jobject_get(l->root, "values");
    unsigned long long v;
    for (size_t i = 0; i < l->c->n_counters; i++) {
        if (!text_u64(as_jobject_get(counters, l->c->counters[i].name), &v))
            return as_fail(l->err, AS_EUSAGE,
                           "%s: has no counter \"%s\": it was written by another version or kind "
                           "of run",
                           l->path, l->c->counters[i].name);
        l->counters[i] = v;
    }
    for (size_t i = 0; i < l->c->n_values; i++)
        if (!value_of(as_jobject_get(values, l->c->values[i].name), &l->values[i]))
            return as_fail(l->err, AS_EUSAGE,
                           "%s: has no value \"%s\": it was written by another version or kind of "
                           "run",
                           l->path, l->c->values[i].name);
    return 0;
}

/* The same numbers go on in another way: that is another run. */
static int check_master(const loader *l)
{
    const bool has_none = as_jobject_get(l->root, "master_weights").kind == AS_J_FALSE;
    if (has_none == l->c->no_master)
        return 0;
    return as_fail(l->err, AS_EUSAGE,
                   "%s: was written with \"master_weights\" %s, and this run has %s (go on as it "
                   "began, or begin anew with the checkpoint as \"model\")",
                   l->path, has_none ? "false" : "true", has_none ? "true" : "false");
}

static int read_trainer(loader *l, as_str text)
{
    unsigned long long step;
    as_err why = { 0 };
    if (as_json_scan(text, &l->root, &why) < 0)
        return damaged(l, AS_CHECKPOINT_TRAINER, why.text);
    if (!as_jspan_is(as_jobject_get(l->root, "schema"), AS_CHECKPOINT_SCHEMA))
        return as_fail(l->err, AS_EDATA,
                       "%s/" AS_CHECKPOINT_TRAINER ": key \"schema\" is not \"%s\"", l->path,
                       AS_CHECKPOINT_SCHEMA);
    int rc = check_seal(l, text);
    if (rc < 0)
        return rc;
    if (!text_u64(as_jobject_get(l->root, "step"), &step))
        return damaged(l, AS_CHECKPOINT_TRAINER, "key \"step\" is missing");
    l->step = step;
    l->has_moments = as_jobject_get(l->root, "has_moments").kind == AS_J_TRUE;
    l->has_master = as_jobject_get(l->root, "has_master").kind == AS_J_TRUE;
    if ((rc = check_master(l)) < 0)
        return rc;
    if (l->c->run && !as_jspan_is(as_jobject_get(l->root, "run"), l->c->run))
        return as_fail(l->err, AS_EUSAGE,
                       "%s: is of a run with another configuration (go on with that one, or begin "
                       "anew in another folder)",
                       l->path);
    if (l->c->m && !l->has_moments)
        return as_fail(l->err, AS_EUSAGE, "%s: holds no moments of an optimizer", l->path);
    return read_state(l);
}

/* ---- files ---- */

static int check_file(const loader *l, as_jspan name, as_jspan entry)
{
    char want[20];
    size_t size;
    uint64_t hash;
    unsigned long long n_bytes;
    as_arena arena;
    as_err why = { 0 };
    as_arena_init(&arena, 0);
    as_str file = as_jstring(name, &arena, NULL);
    AS_CLEANUP(free) char *path = file.data ? as_path_join(l->path, file.data) : NULL;
    int rc = 0;
    if (!path)
        rc = no_memory(l);
    else if (memchr(file.data, '/', file.len))
        rc = damaged(l, AS_CHECKPOINT_TRAINER, "names a file elsewhere");
    else if (as_checkpoint_hash(path, &size, &hash, &why) < 0)
        rc = as_fail(l->err, AS_EDATA, "%s (go on from an earlier checkpoint)", why.text);
    else if (!as_junsigned(as_jobject_get(entry, "bytes"), &n_bytes) || size != n_bytes)
        rc = damaged(l, file.data, "is damaged: its size is another");
    else if (snprintf(want, sizeof want, "%016llx", (unsigned long long)hash) < 0 ||
             !as_jspan_is(as_jobject_get(entry, "xxh3"), want))
        rc = damaged(l, file.data, "is damaged: its XXH3 is another");
    as_arena_fini(&arena);
    return rc;
}

static int check_files(const loader *l)
{
    const char *const needed[] = { l->c->lora ? "adapter_config.json" : "config.json",
                                   AS_CHECKPOINT_OPTIM };
    as_jspan files = as_jobject_get(l->root, "files"), name, entry;
    for (size_t i = 0; i < 2; i++)
        if (as_jobject_get(files, needed[i]).kind != AS_J_OBJECT)
            return damaged(l, needed[i], "is missing");
    AS_CLEANUP(free) char *model = as_path_join(l->path, "model.safetensors");
    if (!model)
        return no_memory(l);
    if (as_path_exists(model) && as_jobject_get(files, "model.safetensors").kind != AS_J_OBJECT)
        return damaged(l, "model.safetensors", "was not written with it");
    int rc = 0;
    for (size_t at = 0; rc == 0 && as_jobject_next(files, &at, &name, &entry);)
        rc = check_file(l, name, entry);
    return rc;
}

static int check_model(const loader *l)
{
    as_model_config c;
    const as_model_config *mine = &l->c->index->config;
    int rc = as_model_config_load(&c, l->path, l->err);
    if (rc < 0)
        return rc;
    if (c.type != mine->type || c.n_layers != mine->n_layers || c.d != mine->d ||
        c.n_heads != mine->n_heads || c.n_kv_heads != mine->n_kv_heads ||
        c.head_dim != mine->head_dim || c.d_ff != mine->d_ff || c.vocab != mine->vocab ||
        c.is_tied != mine->is_tied || c.heads != mine->heads)
        return as_fail(l->err, AS_EUSAGE,
                       "%s: is of another model: its config.json asks for other "
                       "shapes or heads",
                       l->path);
    return 0;
}

/* ---- arenas ---- */

static int load_adapter(const loader *l)
{
    const as_lora_config *mine = &l->c->lora->config;
    as_lora *found = NULL;
    AS_CLEANUP(free) float *values = NULL;
    int rc = as_lora_load(&found, &values, l->c->index, l->path, l->err);
    if (rc < 0)
        return rc;
    const as_lora_config *its = &found->config;
    if (its->r != mine->r || its->alpha != mine->alpha || its->is_rslora != mine->is_rslora ||
        its->targets != mine->targets || found->n_elements != l->c->lora->n_elements)
        rc = as_fail(l->err, AS_EUSAGE, "%s: is of another adapter: other rank, alpha or modules",
                     l->path);
    else
        memcpy(l->c->weights, values, found->n_elements * sizeof *values);
    as_lora_free(found);
    return rc;
}

/* A tensor of optim.safetensors that must have n numbers. */
static int load_tensor(const loader *l, const as_safetensors *s, const char *name, float *to,
                       size_t n)
{
    const as_safetensor *t = as_safetensors_find(s, name);
    if (!t || t->dtype != AS_F32 || t->n != n)
        return as_fail(l->err, AS_EDATA,
                       "%s/" AS_CHECKPOINT_OPTIM ": tensor \"%s\" is missing or of another shape",
                       l->path, name);
    memcpy(to, t->data, n * sizeof *to);
    return 0;
}

static int load_adapter_state(const loader *l, const as_safetensors *s, const char *prefix,
                              float *arena)
{
    const as_lora *lora = l->c->lora;
    char half[AS_LORA_NAME_MAX], name[160];
    int rc = 0;
    memset(arena, 0, lora->n_elements * sizeof *arena);
    for (size_t i = 0; i < 2 * lora->n_matrices && rc == 0; i++) {
        const as_lora_matrix *m = &lora->matrices[i / 2];
        const bool is_a = i % 2 == 0;
        as_lora_tensor_name(lora, i / 2, is_a ? 'A' : 'B', half);
        (void)snprintf(name, sizeof name, "%s.%s", prefix, half);
        rc = load_tensor(l, s, name, arena + (is_a ? m->a : m->b),
                         (size_t)lora->config.r * (is_a ? m->in : m->out));
    }
    return rc;
}

static int load_arena(const loader *l, const as_safetensors *s, const char *prefix, float *arena)
{
    const as_weights_index *x = l->c->index;
    char name[160];
    int rc = 0;
    if (l->c->lora)
        return load_adapter_state(l, s, prefix, arena);
    memset(arena, 0, x->n_elements * sizeof *arena);
    for (size_t i = 0; i < x->n_parts && rc == 0; i++) {
        const as_part *p = &x->parts[i];
        (void)snprintf(name, sizeof name, "%s.%s", prefix, p->name);
        rc = load_tensor(l, s, name, arena + p->offset, p->n);
    }
    return rc;
}

static int load_array(const loader *l, const as_safetensors *s, const as_checkpoint_array *a)
{
    char name[160];
    (void)snprintf(name, sizeof name, AS_CHECKPOINT_ARRAY "%s", a->name);
    return load_tensor(l, s, name, a->at, a->n);
}

static int load_arenas(const loader *l)
{
    const as_weights_load_options any = { .dtype = AS_F32,
                                          .allow_not_finite =
                                              true }; /* a run that diverged goes on as it was */
    AS_CLEANUP(safetensors) as_safetensors *s = NULL;
    AS_CLEANUP(free) char *path = as_path_join(l->path, AS_CHECKPOINT_OPTIM);
    if (!path)
        return no_memory(l);
    int rc = as_safetensors_open(&s, path, l->err);
    if (rc == 0 && l->c->lora)
        rc = load_adapter(l);
    else if (rc == 0 && l->has_master)
        rc = load_arena(l, s, "master", l->c->weights);
    else if (rc == 0)
        rc = as_weights_load(l->c->index, l->path, &any, l->c->weights, l->err);
    if (rc == 0 && l->c->m)
        rc = load_arena(l, s, "m", l->c->m);
    if (rc == 0 && l->c->m)
        rc = load_arena(l, s, "v", l->c->v);
    for (size_t i = 0; i < l->c->n_arrays && rc == 0; i++)
        rc = load_array(l, s, &l->c->arrays[i]);
    return rc;
}

static int load_all(loader *l, as_str text)
{
    int rc = read_trainer(l, text);
    if (rc == 0)
        rc = check_files(l);
    if (rc == 0 && !l->c->lora)
        rc = check_model(l);
    return rc < 0 ? rc : load_arenas(l);
}

/* ---- public ---- */

int as_checkpoint_load(as_checkpoint *c, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    AS_CLEANUP(free) char *trainer = as_path_join(path, AS_CHECKPOINT_TRAINER);
    AS_CLEANUP(free) uint64_t *counters = as_calloc(c->n_counters + 1, sizeof *counters);
    AS_CLEANUP(free) double *values = as_calloc(c->n_values + 1, sizeof *values);
    loader l = { .c = c, .path = path, .counters = counters, .values = values, .err = err };
    as_buf_init(&text, AS_CHECKPOINT_TRAINER_MAX);
    if (!trainer || !counters || !values)
        return no_memory(&l);
    if (!as_path_exists(trainer))
        return as_fail(err, AS_EDATA, "%s: is no checkpoint: it has no " AS_CHECKPOINT_TRAINER,
                       path);
    int rc = as_file_read(trainer, &text, err);
    if (rc == 0)
        rc = load_all(&l, as_buf_str(&text));
    if (rc < 0)
        return rc;
    c->step = l.step;
    for (size_t i = 0; i < c->n_counters; i++)
        c->counters[i].value = counters[i];
    for (size_t i = 0; i < c->n_values; i++)
        c->values[i].value = values[i];
    return 0;
}

int as_checkpoint_latest(char **path, const char *dir, as_err *err)
{
    AS_CLEANUP(free) uint64_t *steps = NULL;
    size_t n;
    *path = NULL;
    int rc = as_checkpoint_steps(&steps, &n, dir, err);
    if (rc < 0 || n == 0)
        return rc;
    *path = as_checkpoint_path(dir, steps[n - 1]);
    return *path ? 0 : as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
}
