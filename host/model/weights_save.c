/* weights_save.c -- the arena as a Hugging Face folder. SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "model/weights_io.h"

#include <stdio.h>

enum { COPY_MAX = 256 * 1024 * 1024, INDEX_MAX = 64 * 1024 * 1024 };
static const size_t SHARD_BYTES = 5000000000u;

/* What a model folder holds beside weights and config.json. */
static const char *const companions[] = {
    "generation_config.json",
    "tokenizer.json",
    "tokenizer_config.json",
    "chat_template.jinja",
    "special_tokens_map.json",
    "added_tokens.json",
    "vocab.json",
    "merges.txt",
};

static int copy_file(const char *from, const char *to, const char *name, as_err *err)
{
    AS_CLEANUP(buf) as_buf bytes;
    AS_CLEANUP(free) char *source = as_path_join(from, name);
    AS_CLEANUP(free) char *target = as_path_join(to, name);
    as_buf_init(&bytes, COPY_MAX);
    if (!source || !target)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", name);
    if (!as_path_exists(source))
        return 0;
    int rc = as_file_read(source, &bytes, err);
    return rc < 0 ? rc : as_file_write_atomic(target, as_buf_str(&bytes), err);
}

/* The config.json of `like`, which must be of a model of the same shapes. */
static int like_config(const as_weights_index *index, const as_weights_save_options *o, as_buf *out,
                       as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    AS_CLEANUP(free) char *path = as_path_join(o->like, "config.json");
    const as_model_config *c = &index->config;
    as_model_config theirs;
    as_buf_init(&text, COPY_MAX);
    int rc = path ? as_model_config_load(&theirs, o->like, err)
                  : as_fail(err, AS_ENOMEM, "%s: out of memory", o->like);
    if (rc < 0)
        return rc;
    if (theirs.type != c->type || theirs.n_layers != c->n_layers || theirs.d != c->d ||
        theirs.n_heads != c->n_heads || theirs.n_kv_heads != c->n_kv_heads ||
        theirs.head_dim != c->head_dim || theirs.d_ff != c->d_ff || theirs.vocab != c->vocab ||
        theirs.is_tied != c->is_tied)
        return as_fail(err, AS_EUSAGE, "%s: is of a model of other shapes than the weights to save",
                       path);
    rc = as_file_read(path, &text, err);
    return rc < 0 ? rc : as_model_config_rewrite(as_buf_str(&text), c, o->file_dtype, out, err);
}

static int save_config(const as_weights_index *index, const as_weights_save_options *o,
                       const char *folder, as_err *err)
{
    AS_CLEANUP(buf) as_buf text;
    AS_CLEANUP(free) char *path = as_path_join(folder, "config.json");
    as_buf_init(&text, COPY_MAX);
    if (!path)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    int rc = o->like ? like_config(index, o, &text, err)
                     : as_model_config_write(&index->config, o->file_dtype, &text, err);
    if (rc == 0)
        rc = as_file_write_atomic(path, as_buf_str(&text), err);
    for (size_t i = 0; o->like && i < sizeof companions / sizeof *companions && rc == 0; i++)
        rc = copy_file(o->like, folder, companions[i], err);
    return rc;
}

typedef struct saver {
    const as_weights_index *index;
    const as_weights_save_options *options;
    const char *folder;
    as_safetensors_item *items; /* one for each part */
    as_buf map;                 /* the shards' index */
    as_err *err;
} saver;

static size_t n_bytes(const saver *s, size_t part)
{
    return s->index->parts[part].n * as_dtype_size(s->options->file_dtype);
}

/* The first part behind the shard that begins with `first`. */
static size_t shard_end(const saver *s, size_t first)
{
    size_t most = s->options->shard_bytes ? s->options->shard_bytes : SHARD_BYTES;
    size_t i = first, sum = 0;
    while (i < s->index->n_parts && (i == first || sum + n_bytes(s, i) <= most))
        sum += n_bytes(s, i++);
    return i;
}

static int save_file(const saver *s, const char *name, size_t first, size_t end)
{
    static const as_safetensors_pair pt = { "format", "pt" };
    AS_CLEANUP(free) char *path = as_path_join(s->folder, name);
    if (!path)
        return as_fail(s->err, AS_ENOMEM, "%s: out of memory", s->folder);
    return as_safetensors_write(path, s->items + first, end - first, &pt, 1, s->err);
}

static int save_shards(saver *s, size_t n_shards)
{
    char name[64];
    size_t n = s->index->n_parts, end, shard = 0;
    for (size_t first = 0; first < n; first = end) {
        end = shard_end(s, first);
        (void)snprintf(name, sizeof name, "model-%05zu-of-%05zu.safetensors", ++shard, n_shards);
        for (size_t i = first; i < end; i++)
            as_buf_addf(&s->map, "%s\n    \"%s\": \"%s\"", i ? "," : "", s->items[i].name, name);
        int rc = save_file(s, name, first, end);
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int save_index(saver *s, size_t n_shards)
{
    AS_CLEANUP(free) char *path = as_path_join(s->folder, "model.safetensors.index.json");
    if (!path)
        return as_fail(s->err, AS_ENOMEM, "%s: out of memory", s->folder);
    as_buf_addf(&s->map, "{\n  \"metadata\": {\n    \"total_size\": %zu\n  },\n  \"weight_map\": {",
                s->index->n_params * as_dtype_size(s->options->file_dtype));
    int rc = save_shards(s, n_shards);
    as_buf_text(&s->map, "\n  }\n}\n");
    if (rc == 0)
        rc = as_buf_check(&s->map, s->err);
    return rc < 0 ? rc : as_file_write_atomic(path, as_buf_str(&s->map), s->err);
}

static void fill_items(saver *s, const unsigned char *arena)
{
    as_dtype type = s->options->arena_dtype;
    for (size_t i = 0; i < s->index->n_parts; i++) {
        const as_part *p = &s->index->parts[i];
        s->items[i] = (as_safetensors_item){ .name = p->name,
                                             .dtype = s->options->file_dtype,
                                             .data_dtype = type,
                                             .n_dims = p->n_dims,
                                             .dims = { p->dims[0], p->dims[1] },
                                             .data = arena + p->offset * as_dtype_size(type) };
    }
}

int as_weights_save_into(const as_weights_index *index, const void *arena,
                         const as_weights_save_options *options, const char *folder, as_err *err)
{
    saver s = { .index = index, .options = options, .folder = folder, .err = err };
    if (!as_dtype_is_weight(options->file_dtype) || !as_dtype_is_weight(options->arena_dtype))
        return as_fail(err, AS_EUSAGE, "%s: weights are written as F32, BF16 or F16, not as %s",
                       folder, as_dtype_name(options->file_dtype));
    AS_CLEANUP(free)
    as_safetensors_item *items = as_realloc_array(NULL, index->n_parts, sizeof *items);
    s.items = items;
    if (!items)
        return as_fail(err, AS_ENOMEM, "%s: out of memory", folder);
    fill_items(&s, arena);
    size_t n_shards = 0;
    for (size_t i = 0; i < index->n_parts; i = shard_end(&s, i))
        n_shards++;
    int rc = save_config(index, options, folder, err);
    if (rc < 0)
        return rc;
    if (n_shards == 1)
        return save_file(&s, "model.safetensors", 0, index->n_parts);
    as_buf_init(&s.map, INDEX_MAX);
    rc = save_index(&s, n_shards);
    as_buf_fini(&s.map);
    return rc;
}

int as_weights_save(const as_weights_index *index, const void *arena,
                    const as_weights_save_options *options, const char *folder, as_err *err)
{
    AS_CLEANUP(new_folder) as_new_folder f = { NULL, NULL, 0 };
    as_err why = { 0 };
    int rc = as_new_folder_open(&f, folder, err);
    if (rc < 0)
        return rc;
    rc = as_weights_save_into(index, arena, options, f.temporary, &why);
    if (rc < 0)
        return as_fail(err, rc, "%s: nothing was saved: %s", folder, why.text);
    return as_new_folder_commit(&f, err);
}
