/* model.c -- see model.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/model.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/safetensors.h"
#include "model/weights_io.h"

#include <stdio.h>
#include <string.h>

enum { STANDARD_CONTEXT = 4096, MOST_THREADS = 1024, SMALL = 100000000 };

bool as_cli_is_address(const char *model)
{
    return as_str_starts(as_str_of(model), "http://") ||
           as_str_starts(as_str_of(model), "https://");
}

static int check_options(const as_model_opts *o, as_err *err)
{
    if (!o->model)
        return as_fail(err, AS_EUSAGE,
                       "--model DIR is missing: a folder with config.json and model.safetensors");
    if (as_cli_is_address(o->model))
        return as_fail(err, AS_EUSAGE,
                       "--model %s: this command needs the model itself; name its folder",
                       o->model);
    if (o->threads > MOST_THREADS)
        return as_fail(err, AS_EUSAGE, "--threads: %llu is out of range (0 to %d)",
                       (unsigned long long)o->threads, MOST_THREADS);
    return 0;
}

static int record_file(as_run_record *record, const char *prefix, const char *path, as_err *err)
{
    char name[300];
    as_digest digest;
    (void)snprintf(name, sizeof name, "%s%s", prefix, strrchr(path, '/') + 1);
    int rc = as_sha256_file(path, &digest, err);
    if (rc == 0)
        as_run_record_hash(record, name, digest);
    return rc;
}

static int record_shards(as_run_record *record, const char *prefix, const char *folder, as_err *err)
{
    AS_CLEANUP(safetensors) as_safetensors *weights = NULL;
    const char *last = "";
    int rc = as_safetensors_open_folder(&weights, folder, err);
    for (size_t i = 0; rc == 0 && i < as_safetensors_count(weights); i++) {
        const as_safetensor *tensor = as_safetensors_at(weights, i);
        if (strcmp(tensor->file, last) == 0)
            continue;
        last = tensor->file;
        rc = record_file(record, prefix, last, err);
    }
    return rc;
}

int as_cli_record_model(as_run_record *record, const char *prefix, const char *folder, as_err *err)
{
    static const char *const files[] = { "config.json",
                                         "generation_config.json",
                                         "tokenizer.json",
                                         "tokenizer_config.json",
                                         "chat_template.jinja",
                                         "model.safetensors",
                                         "model.safetensors.index.json" };
    enum { N_FILES = sizeof files / sizeof *files };
    bool has[N_FILES] = { false };
    int rc = 0;
    for (size_t i = 0; i < N_FILES && rc == 0; i++) {
        AS_CLEANUP(free) char *path = as_path_join(folder, files[i]);
        if (!path)
            return as_fail(err, AS_ENOMEM, "out of memory");
        has[i] = as_path_exists(path);
        if (has[i])
            rc = record_file(record, prefix, path, err);
    }
    const bool has_shards = has[N_FILES - 1] && !has[N_FILES - 2];
    return rc == 0 && has_shards ? record_shards(record, prefix, folder, err) : rc;
}

static as_dtype type_of(const as_model_opts *o, const as_weights_index *index)
{
    if (strcmp(o->dtype, "f32") == 0)
        return AS_F32;
    if (strcmp(o->dtype, "bf16") == 0)
        return AS_BF16;
    return index->n_params <= SMALL || index->config.dtype == AS_F32 ? AS_F32 : AS_BF16;
}

static int load(as_opened_model *m, const as_model_opts *o, as_err *err)
{
    const as_weights_load_options how = { .dtype = type_of(o, m->index) };
    AS_CLEANUP(free) void *arena = as_calloc(m->index->n_elements, as_dtype_size(how.dtype));
    if (!arena)
        return as_fail(err, AS_ENOMEM, "%s: no memory for %zu parameters", o->model,
                       m->index->n_params);
    int rc = as_weights_load(m->index, o->model, &how, arena, err);
    return rc == 0 ? as_parameters_set(m->parameters, arena, how.dtype, err) : rc;
}

int as_opened_model_open(as_opened_model *m, const as_model_opts *o, as_err *err)
{
    as_model_config config;
    int rc = check_options(o, err);
    if (rc == 0)
        rc = as_model_config_load(&config, o->model, err);
    if (rc == 0 && o->context > (uint64_t)config.max_pos)
        rc = as_fail(err, AS_EUSAGE, "--context %llu: %s was made for %lld positions",
                     (unsigned long long)o->context, o->model, (long long)config.max_pos);
    if (rc == 0)
        rc = as_weights_index_new(&m->index, &config, err);
    if (rc == 0)
        rc = as_tokenizer_open(&m->tokenizer, o->model, err);
    if (rc < 0)
        return rc;
    const k_type type = type_of(o, m->index) == AS_BF16 ? K_BF16 : K_F32;
    m->how = (as_parameters_options){
        .type = type,
        .wide = as_cli_is_wide(o->device),
        .max_pos = o->context                          ? (int64_t)o->context
                   : config.max_pos < STANDARD_CONTEXT ? config.max_pos
                                                       : STANDARD_CONTEXT,
    };
    return as_cli_device_open(&m->dev, o->device, o->threads, as_is_run_by_vectors(&config, type),
                              err);
}

int as_opened_model_load(as_opened_model *m, const as_model_opts *o, const as_plan_options *passes,
                         const char *cure, as_err *err)
{
    as_plan plan;
    const as_cli_room room = as_cli_room_on(m->dev, 0);
    int rc = as_plan_make(&plan, m->index, m->dev, passes, err);
    if (rc == 0)
        rc = as_cli_room_check(&room, &plan, 0, cure, err);
    if (rc == 0)
        rc = as_parameters_new(&m->parameters, m->index, m->dev, &m->how, err);
    return rc == 0 ? load(m, o, err) : rc;
}

void as_opened_model_close(as_opened_model *m)
{
    as_parameters_free(m->parameters);
    k_device_close(m->dev);
    as_tokenizer_free(m->tokenizer);
    as_weights_index_free(m->index);
    *m = (as_opened_model){ .index = NULL };
}
