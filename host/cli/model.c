/* model.c -- see model.h. SPDX-License-Identifier: Apache-2.0 */
#include "cli/model.h"

#include "base/mem.h"
#include "model/weights_io.h"

enum { STANDARD_CONTEXT = 4096, MOST_THREADS = 1024, SMALL = 100000000 };

static int check_options(const as_model_opts *o, as_err *err)
{
    if (!o->model)
        return as_fail(err, AS_EUSAGE,
                       "--model DIR is missing: a folder with config.json and model.safetensors");
    if (as_str_starts(as_str_of(o->model), "http://") ||
        as_str_starts(as_str_of(o->model), "https://"))
        return as_fail(
            err, AS_EUSAGE,
            "--model %s: models behind an address are not implemented yet; name a folder",
            o->model);
    if (o->threads > MOST_THREADS)
        return as_fail(err, AS_EUSAGE, "--threads: %llu is out of range (0 to %d)",
                       (unsigned long long)o->threads, MOST_THREADS);
    return 0;
}

static as_dtype type_of(const as_model_opts *o, const as_weights_index *index)
{
    if (strcmp(o->dtype, "f32") == 0)
        return AS_F32;
    if (strcmp(o->dtype, "bf16") == 0)
        return AS_BF16;
    return index->n_params <= SMALL || index->config.dtype == AS_F32 ? AS_F32 : AS_BF16;
}

static int open_device(as_opened_model *m, const as_model_opts *o, as_err *err)
{
    const k_options options = { .n_threads = (int)o->threads };
    const char *backend = strcmp(o->device, "naive") == 0 ? "naive-f32" : o->device;
    int rc = k_device_open(&m->dev, backend, &options);
    return rc < 0 ? as_fail(err, AS_EUSAGE, "--device %s: %s; --device cpu runs everywhere",
                            o->device, k_status_text(rc))
                  : 0;
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
    if (rc == 0)
        rc = open_device(m, o, err);
    if (rc < 0)
        return rc;
    const as_parameters_options options = {
        .type = type_of(o, m->index) == AS_BF16 ? K_BF16 : K_F32,
        .max_pos = o->context                          ? (int64_t)o->context
                   : config.max_pos < STANDARD_CONTEXT ? config.max_pos
                                                       : STANDARD_CONTEXT,
    };
    rc = as_parameters_new(&m->parameters, m->index, m->dev, &options, err);
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
