/* train_model.c -- a model that learns: its weights, adapter and optimizer, to a checkpoint and
 * back. SPDX-License-Identifier: Apache-2.0 */
#include "cli/training.h"

#include "base/mem.h"
#include "model/weights_io.h"

#include <math.h>

#define SCORE_STD 0.02 /* transformers', TRL's and verl's */

int train_model_open(train_model *m, const train_config *c, const char *folder, bool is_drawn,
                     bool has_lora, as_err *err)
{
    as_model_config config;
    m->folder = folder;
    m->is_drawn = is_drawn;
    int rc = as_model_config_load(&config, folder, err);
    if (rc == 0 && m->heads != AS_HEADS_SCORE && !as_has_tokens(&config))
        rc = as_fail(err, AS_EUSAGE,
                     "%s: this model scores texts and has no head for tokens: name the language "
                     "model it was made from",
                     folder);
    if (m->heads != AS_HEADS_TOKENS)
        config.heads = m->heads;
    if (rc == 0)
        rc = as_weights_index_new(&m->index, &config, err);
    if (rc == 0 && has_lora && c->lora)
        rc = as_lora_new(&m->lora, m->index, &c->adapter, err);
    return rc;
}

as_parameters_options train_parameters(const train_config *c, int64_t max_pos, bool learns)
{
    return (as_parameters_options){ .type = c->dtype == TRAIN_BF16 ? K_BF16 : K_F32,
                                    .wide = as_cli_is_wide(train_device(c)),
                                    .max_pos = max_pos,
                                    .trains = learns };
}

static int fill_weights(train_model *m, const train_config *c, as_err *err)
{
    const as_weights_load_options how = {
        .dtype = AS_F32, .fresh_score = m->heads != AS_HEADS_TOKENS ? &m->has_fresh_score : NULL
    };
    AS_CLEANUP(free) float *weights = as_calloc(m->index->n_elements, sizeof *weights);
    int rc = 0;
    if (!weights)
        return as_fail(err, AS_ENOMEM, "no memory for %zu parameters", m->index->n_params);
    const as_draw draw = { .scale = (as_draw_scale)c->init_scale,
                           .std = c->init_std,
                           .seed = c->seed };
    if (m->is_drawn)
        as_weights_draw(m->index, &draw, weights);
    else
        rc = as_weights_load(m->index, m->folder, &how, weights, err);
    if (rc == 0 && m->has_fresh_score)
        as_score_draw(m->index, m->score_std == 0 ? SCORE_STD : fmax(m->score_std, 0), c->seed,
                      weights);
    return rc == 0 ? as_parameters_set(m->parameters, weights, AS_F32, err) : rc;
}

static int start_adapter(train_model *m, uint64_t seed, as_err *err)
{
    AS_CLEANUP(free) float *values = as_calloc(m->lora->n_elements, sizeof *values);
    if (!values)
        return as_fail(err, AS_ENOMEM, "no memory for an adapter");
    as_lora_start(m->lora, values, seed);
    return as_adapter_new(&m->adapter, m->parameters, m->lora, values, err);
}

int train_model_load(train_model *m, const train_config *c, k_device *dev,
                     const as_parameters_options *how, as_err *err)
{
    int rc = as_parameters_new(&m->parameters, m->index, dev, how, err);
    if (rc == 0)
        rc = fill_weights(m, c, err);
    if (rc == 0 && m->lora)
        rc = start_adapter(m, c->seed, err);
    if (rc == 0 && how->trains)
        rc = as_optimizer_new(&m->optimizer, m->parameters, m->adapter, &c->optimizer, err);
    return rc;
}

void train_model_close(train_model *m)
{
    as_optimizer_free(m->optimizer);
    as_adapter_free(m->adapter);
    as_lora_free(m->lora);
    as_parameters_free(m->parameters);
    as_weights_index_free(m->index);
    *m = (train_model){ 0 };
}

/* The state as a checkpoint has it, in the host's memory: there only while one is written or read,
 * so that a step takes what the plan says. */
static int take_memory(as_checkpoint *c, const train_model *m, as_err *err)
{
    const size_t n = m->optimizer->n;
    c->index = m->index;
    c->lora = m->lora;
    c->base = m->folder;
    c->no_master = m->optimizer->options.no_master;
    c->weights = as_calloc(n, sizeof(float));
    c->m = as_calloc(n, sizeof(float));
    c->v = as_calloc(n, sizeof(float));
    return c->weights && c->m && c->v
               ? 0
               : as_fail(err, AS_ENOMEM, "no memory for a checkpoint of %zu parameters", n);
}

static void give_memory(as_checkpoint *c)
{
    as_free(AS_STEAL(c->weights));
    as_free(AS_STEAL(c->m));
    as_free(AS_STEAL(c->v));
}

int train_model_save(const train_model *m, const train_config *c, const as_checkpoint *about,
                     uint64_t keep, uint64_t best, const char *dir, as_err *err)
{
    const as_checkpoint_options how = { .dtype = c->dtype == TRAIN_BF16 ? AS_BF16 : AS_F32,
                                        .like = m->folder,
                                        .keep = (unsigned)keep,
                                        .best = best };
    as_checkpoint state = *about;
    int rc = take_memory(&state, m, err);
    if (rc == 0)
        rc = as_optimizer_get(m->optimizer, state.weights, state.m, state.v, err);
    if (rc == 0)
        rc = as_checkpoint_save(&state, &how, dir, err);
    give_memory(&state);
    return rc;
}

int train_model_restore(train_model *m, as_checkpoint *about, const char *path, as_err *err)
{
    int rc = take_memory(about, m, err);
    if (rc == 0)
        rc = as_checkpoint_load(about, path, err);
    if (rc == 0)
        rc = as_optimizer_set(m->optimizer, about->weights, about->m, about->v, err);
    give_memory(about);
    return rc;
}
