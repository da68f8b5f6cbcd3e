/* checkpoint_save.c -- writes checkpoints, and lets old ones go. SPDX-License-Identifier:
 * Apache-2.0 */
#include "base/file.h"
#include "base/hash.h"
#include "base/leftover.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "model/mapping.h"
#include "model/weights_io.h"
#include "train/checkpoint_inner.h"

#include <dirent.h>
#include <errno.h>
#include <math.h>
#include <stdio.h>
#include <stdlib.h>

enum { NAME_BYTES = 160 };

/* ---- shared with checkpoint_load.c ---- */

int as_checkpoint_hash(const char *path, size_t *size, uint64_t *hash, as_err *err)
{
    as_mapping m;
    int rc = as_mapping_open(&m, path, err);
    if (rc < 0)
        return rc;
    *size = m.size;
    *hash = as_hash64((as_str){ m.base, m.size }, 0);
    as_mapping_close(&m);
    return 0;
}

char *as_checkpoint_path(const char *dir, uint64_t step)
{
    char name[32];
    (void)snprintf(name, sizeof name, "step_%llu", (unsigned long long)step);
    return as_path_join(dir, name);
}

static int ascending(const void *a, const void *b)
{
    const uint64_t *x = a, *y = b;
    return *x < *y ? -1 : *x > *y;
}

/* step_N, as we write it, with a trainer.json */
static bool is_ours(const char *dir, const char *name, uint64_t *step)
{
    char again[32];
    unsigned long long v;
    if (strncmp(name, "step_", 5) != 0 || !as_str_u64(as_str_of(name + 5), &v))
        return false;
    (void)snprintf(again, sizeof again, "step_%llu", v);
    AS_CLEANUP(free) char *folder = as_path_join(dir, name);
    AS_CLEANUP(free) char *trainer = folder ? as_path_join(folder, AS_CHECKPOINT_TRAINER) : NULL;
    *step = v;
    return strcmp(again, name) == 0 && trainer && as_path_exists(trainer);
}

int as_checkpoint_steps(uint64_t **steps, size_t *n, const char *dir, as_err *err)
{
    DIR *d = opendir(dir);
    size_t cap = 0;
    *steps = NULL;
    *n = 0;
    if (!d)
        return errno == ENOENT ? 0 : as_fail_errno(err, "%s", dir);
    for (const struct dirent *e; (e = readdir(d)) != NULL;) {
        uint64_t step, *more = *steps;
        if (!is_ours(dir, e->d_name, &step))
            continue;
        if (*n == cap)
            more = as_realloc_array(*steps, cap = cap ? 2 * cap : 16, sizeof *more);
        if (!more) {
            (void)closedir(d);
            as_free(AS_STEAL(*steps));
            return as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
        }
        *steps = more;
        more[(*n)++] = step;
    }
    (void)closedir(d);
    if (*n > 0)
        qsort(*steps, *n, sizeof **steps, ascending);
    return 0;
}

/* ---- optim.safetensors ---- */

typedef struct optim {
    const as_checkpoint *c;
    as_safetensors_item *items;
    char (*names)[NAME_BYTES];
    size_t n;
} optim;

static void add_arena(optim *o, const char *prefix, const float *arena)
{
    const as_weights_index *x = o->c->index;
    for (size_t i = 0; i < x->n_parts; i++, o->n++) {
        const as_part *p = &x->parts[i];
        (void)snprintf(o->names[o->n], NAME_BYTES, "%s.%s", prefix, p->name);
        o->items[o->n] = (as_safetensors_item){
            o->names[o->n], AS_F32, AS_F32, p->n_dims, { p->dims[0], p->dims[1] }, arena + p->offset
        };
    }
}

static void add_adapter(optim *o, const char *prefix, const float *arena)
{
    const as_lora *l = o->c->lora;
    for (size_t i = 0; i < 2 * l->n_matrices; i++, o->n++) {
        const as_lora_matrix *m = &l->matrices[i / 2];
        const bool is_a = i % 2 == 0;
        char name[AS_LORA_NAME_MAX];
        as_lora_tensor_name(l, i / 2, is_a ? 'A' : 'B', name);
        (void)snprintf(o->names[o->n], NAME_BYTES, "%s.%s", prefix, name);
        o->items[o->n] = (as_safetensors_item){ o->names[o->n],
                                                AS_F32,
                                                AS_F32,
                                                2,
                                                { is_a ? l->config.r : (int64_t)m->out,
                                                  is_a ? (int64_t)m->in : l->config.r },
                                                arena + (is_a ? m->a : m->b) };
    }
}

static void add_array(optim *o, const as_checkpoint_array *a)
{
    (void)snprintf(o->names[o->n], NAME_BYTES, AS_CHECKPOINT_ARRAY "%s", a->name);
    o->items[o->n] =
        (as_safetensors_item){ o->names[o->n], AS_F32, AS_F32, 1, { (int64_t)a->n, 1 }, a->at };
    o->n++;
}

static void add_state(optim *o, const char *prefix, const float *arena)
{
    if (o->c->lora)
        add_adapter(o, prefix, arena);
    else
        add_arena(o, prefix, arena);
}

static int save_optim(const as_checkpoint *c, bool has_master, const char *folder, as_err *err)
{
    size_t most = 3 * (c->lora ? 2 * c->lora->n_matrices : c->index->n_parts) + c->n_arrays;
    AS_CLEANUP(free) char *path = as_path_join(folder, AS_CHECKPOINT_OPTIM);
    AS_CLEANUP(free) char(*names)[NAME_BYTES] = as_calloc(most, sizeof *names);
    AS_CLEANUP(free) as_safetensors_item *items = as_calloc(most, sizeof *items);
    static const as_safetensors_pair pt = { "format", "pt" };
    optim o = { c, items, names, 0 };
    if (!path || !names || !items)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    if (has_master)
        add_arena(&o, "master", c->weights);
    if (c->m)
        add_state(&o, "m", c->m);
    if (c->m)
        add_state(&o, "v", c->v);
    for (size_t i = 0; i < c->n_arrays; i++)
        add_array(&o, &c->arrays[i]);
    return as_safetensors_write(path, items, o.n, &pt, 1, err);
}

/* ---- trainer.json ---- */

static void write_state(const as_checkpoint *c, as_buf *out)
{
    as_buf_text(out, ",\n  \"counters\": {");
    for (size_t i = 0; i < c->n_counters; i++) {
        as_buf_json_key(out, c->counters[i].name); /* a text: JSON readers round beyond 2^53 */
        as_buf_addf(out, "\"%llu\"", (unsigned long long)c->counters[i].value);
    }
    as_buf_text(out, "},\n  \"values\": {");
    for (size_t i = 0; i < c->n_values; i++) {
        double v = c->values[i].value;
        as_buf_json_key(out, c->values[i].name);
        if (isfinite(v))
            as_buf_json_num(out, v);
        else
            as_buf_text(out, isnan(v) ? "\"nan\"" : v > 0 ? "\"inf\"" : "\"-inf\"");
    }
    as_buf_text(out, "}");
}

static int write_files(const char *folder, as_buf *out, as_err *err)
{
    DIR *d = opendir(folder);
    int rc = 0;
    if (!d)
        return as_fail_errno(err, "%s", folder);
    as_buf_text(out, ",\n  \"files\": {");
    for (const struct dirent *e; rc == 0 && (e = readdir(d)) != NULL;) {
        size_t size;
        uint64_t hash;
        if (e->d_name[0] == '.')
            continue;
        AS_CLEANUP(free) char *path = as_path_join(folder, e->d_name);
        rc = path ? as_checkpoint_hash(path, &size, &hash, err)
                  : as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
        if (rc < 0)
            break;
        as_buf_json_key(out, e->d_name);
        as_buf_addf(out, "{\"bytes\":%zu,\"xxh3\":\"%016llx\"}", size, (unsigned long long)hash);
    }
    as_buf_text(out, "}");
    (void)closedir(d);
    return rc;
}

static int save_trainer(const as_checkpoint *c, bool has_master, const char *folder, as_err *err)
{
    AS_CLEANUP(buf) as_buf out;
    AS_CLEANUP(free) char *path = as_path_join(folder, AS_CHECKPOINT_TRAINER);
    as_buf_init(&out, AS_CHECKPOINT_TRAINER_MAX);
    if (!path)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    as_buf_addf(&out, "{\n  \"schema\": \"" AS_CHECKPOINT_SCHEMA "\",\n  \"step\": \"%llu\"",
                (unsigned long long)c->step);
    as_buf_text(&out, ",\n  \"run\": ");
    as_buf_json_str(&out, as_str_of(c->run ? c->run : ""));
    as_buf_addf(&out, ",\n  \"has_moments\": %s,\n  \"has_master\": %s", c->m ? "true" : "false",
                has_master ? "true" : "false");
    if (c->no_master)
        as_buf_text(&out, ",\n  \"master_weights\": false");
    write_state(c, &out);
    int rc = write_files(folder, &out, err);
    if (rc < 0)
        return rc;
    uint64_t seal = as_hash64(as_buf_str(&out), 0);
    as_buf_addf(&out, AS_CHECKPOINT_SEAL "%016llx\"\n}\n", (unsigned long long)seal);
    rc = as_buf_check(&out, err);
    return rc < 0 ? rc : as_file_write_atomic(path, as_buf_str(&out), err);
}

/* ---- public ---- */

/* `stays` holds two steps. */
static int drop_old(const char *dir, unsigned keep, const uint64_t *stays, as_err *err)
{
    AS_CLEANUP(free) uint64_t *steps = NULL;
    size_t n;
    int rc = as_checkpoint_steps(&steps, &n, dir, err);
    for (size_t i = 0; rc == 0 && i + keep < n; i++) {
        AS_CLEANUP(free) char *path = as_checkpoint_path(dir, steps[i]);
        if (!path)
            return as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
        if (steps[i] != stays[0] && steps[i] != stays[1])
            rc = as_folder_remove(path, err);
    }
    return rc;
}

int as_checkpoint_remove_all(const char *dir, as_err *err)
{
    const uint64_t none[] = { UINT64_MAX, UINT64_MAX };
    return drop_old(dir, 0, none, err);
}

int as_checkpoint_remove_after(const char *dir, uint64_t step, as_err *err)
{
    AS_CLEANUP(free) uint64_t *steps = NULL;
    size_t n;
    int rc = as_checkpoint_steps(&steps, &n, dir, err);
    for (size_t i = 0; rc == 0 && i < n; i++) {
        AS_CLEANUP(free) char *path = as_checkpoint_path(dir, steps[i]);
        if (!path)
            return as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
        if (steps[i] > step)
            rc = as_folder_remove(path, err);
    }
    return rc;
}

int as_checkpoint_save(const as_checkpoint *c, const as_checkpoint_options *options,
                       const char *dir, as_err *err)
{
    const as_weights_save_options model = { AS_F32, options->dtype, options->like, 0 };
    AS_CLEANUP(new_folder) as_new_folder f = { NULL, NULL, 0 };
    AS_CLEANUP(free) char *path = as_checkpoint_path(dir, c->step);
    bool has_master = options->dtype != AS_F32 && !c->lora && !c->no_master;
    as_err why = { 0 };
    if (!path)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", dir);
    int rc = as_path_make_dirs(dir, err);
    AS_CLEANUP(free) char *any = as_path_join(dir, "step_");
    if (rc == 0 && any)
        as_leftovers_remove(any, true); /* of steps that will not come again, too */
    if (rc == 0)
        rc = as_new_folder_open(&f, path, err);
    if (rc < 0 || !f.temporary)
        return rc;
    if (c->lora)
        rc = as_lora_save_into(c->lora, c->weights, AS_F32, c->base, f.temporary, &why);
    else
        rc = as_weights_save_into(c->index, c->weights, &model, f.temporary, &why);
    if (rc == 0)
        rc = save_optim(c, has_master, f.temporary, &why);
    if (rc == 0)
        rc = save_trainer(c, has_master, f.temporary, &why);
    if (rc < 0)
        return as_fail(err, rc, "%s: no checkpoint was written: %s", path, why.text);
    rc = as_new_folder_commit(&f, err);
    /* a run that began again at an earlier step keeps what it writes */
    const uint64_t stays[] = { c->step, options->best ? options->best : c->step };
    if (rc == 0 && options->keep > 0)
        rc = drop_old(dir, options->keep, stays, err);
    return rc;
}
