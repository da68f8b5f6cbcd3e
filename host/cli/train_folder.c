/* train_folder.c -- the folder that a training run writes: its manifest, checkpoints, metrics; and
 * how it is gone on with. SPDX-License-Identifier: Apache-2.0 */
#include "cli/training.h"

#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

/* ---- the manifest: whatever changes a step stands in its config or its hashes ---- */

int training_record(training *t, as_err *err)
{
    int rc = as_run_record_new(&t->record, t->opts->command, err);
    if (rc == 0)
        rc = train_config_record(t->c, &t->record, err);
    if (rc < 0)
        return rc;
    as_run_record_seed(&t->record, "run", t->c->seed);
    rc = as_cli_record_device(&t->record, t->dev, err);
    if (rc < 0)
        return rc;
    return as_cli_record_model(&t->record, "", t->model.folder, err);
}

int training_record_file(training *t, const char *name, const char *path, as_err *err)
{
    as_digest data;
    int rc = as_sha256_file(path, &data, err);
    if (rc == 0)
        as_run_record_hash(&t->record, name, data);
    return rc;
}

int training_save_state(training *t, const char *state, as_err *err)
{
    char steps[24];
    (void)snprintf(steps, sizeof steps, "%" PRIu64, t->done);
    int rc = as_run_record_text(&t->record, as_run_record_set, "state", state, err);
    if (rc < 0)
        return rc;
    as_run_record_set(&t->record, "steps_done", as_str_of(steps));
    return as_run_record_save(&t->record, t->record_path, err);
}

/* ---- checkpoints ---- */

void training_keep_count(training *t, const char *name, uint64_t *at)
{
    assert(t->n_counters < TRAIN_KEPT);
    t->counters[t->n_counters].name = name;
    t->counter_at[t->n_counters++] = at;
}

void training_keep_value(training *t, const char *name, double *at)
{
    assert(t->n_values < TRAIN_KEPT);
    t->values[t->n_values].name = name;
    t->value_at[t->n_values++] = at;
}

void training_keep_array(training *t, const char *name, float *at, size_t n)
{
    assert(t->n_arrays < TRAIN_KEPT);
    as_checkpoint_array *array = &t->arrays[t->n_arrays++];
    array->name = name;
    array->at = at;
    array->n = n;
}

static as_checkpoint about(training *t)
{
    for (size_t i = 0; i < t->n_counters; i++)
        t->counters[i].value = *t->counter_at[i];
    for (size_t i = 0; i < t->n_values; i++)
        t->values[i].value = *t->value_at[i];
    return (as_checkpoint){ .step = t->done,
                            .counters = t->counters,
                            .n_counters = t->n_counters,
                            .values = t->values,
                            .n_values = t->n_values,
                            .arrays = t->arrays,
                            .n_arrays = t->n_arrays };
}

int training_before(training *t, as_err *err)
{
    return as_metrics_step(t->metrics, 0, err);
}

int training_save(training *t, as_err *err)
{
    const as_checkpoint now = about(t);
    /* what the checkpoint says was done has its lines on the disk */
    int rc = as_metrics_sync(t->metrics, err);
    if (rc == 0 && t->ops->save)
        rc = t->ops->save(t->own, err);
    if (rc == 0)
        rc = train_model_save(&t->model, t->c, &now, t->c->keep, t->best, t->checkpoints, err);
    if (rc == 0)
        t->saved = t->done;
    return rc;
}

static int load_checkpoint(training *t, const char *path, as_err *err)
{
    as_checkpoint was = about(t);
    int rc = train_model_restore(&t->model, &was, path, err);
    if (rc < 0)
        return rc;
    t->first = t->done = t->saved = was.step;
    for (size_t i = 0; i < t->n_counters; i++)
        *t->counter_at[i] = t->counters[i].value;
    for (size_t i = 0; i < t->n_values; i++)
        *t->value_at[i] = t->values[i].value;
    return t->ops->load ? t->ops->load(t->own, err) : 0;
}

static int go_on(training *t, as_err *err)
{
    as_run_record before = { 0 };
    AS_CLEANUP(free) char *path = NULL;
    int rc = as_run_record_load(&before, t->record_path, err);
    if (rc == 0)
        rc = as_run_record_continues(&before, &t->record, err);
    as_run_record_fini(&before);
    if (rc == 0)
        rc = as_checkpoint_latest(&path, t->checkpoints, err);
    if (rc < 0 || !path)
        return rc; /* none yet: from the beginning */
    rc = load_checkpoint(t, path, err);
    if (rc == 0 && !t->opts->quiet)
        as_cli_say("goes on from %s", path);
    return rc;
}

/* ---- the folder ---- */

/* TensorBoard shows texts as Markdown. */
static int tell_config(training *t, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 20);
    char *config = cJSON_Print(cJSON_GetObjectItemCaseSensitive(t->record.json, "config"));
    as_buf_text(&text, "```\n");
    as_buf_text(&text, config ? config : "");
    as_buf_text(&text, "\n```\n");
    cJSON_free(config);
    int rc = config ? as_buf_check(&text, err) : as_fail(err, AS_ENOMEM, "out of memory");
    return rc == 0 ? as_metrics_text(t->metrics, "config", t->first + 1, as_buf_str(&text), err)
                   : rc;
}

int training_folder(training *t, as_err *err)
{
    const train_opts *o = t->opts;
    int rc = as_path_make_dirs(o->out, err);
    t->checkpoints = as_path_join(o->out, "checkpoints");
    t->record_path = as_path_join(o->out, "manifest.json");
    if (rc == 0 && (!t->checkpoints || !t->record_path))
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    if (rc < 0)
        return rc;
    const bool has_run = as_path_exists(t->record_path), goes_on = has_run && o->resume;
    training_keep_count(t, "tokens", &t->tokens);
    if (goes_on)
        rc = go_on(t, err);
    else if (has_run && !o->force)
        rc = as_fail(err, AS_EUSAGE,
                     "%s has a run already: --resume to go on, --force to begin anew", o->out);
    const uint64_t next = t->first ? t->first + 1 : 0; /* an earlier run may have had a step 0 */
    if (rc == 0) /* first: it refuses where another process is at work */
        rc = as_metrics_open(&t->metrics, o->out, next, err);
    if (rc == 0 && t->first < t->c->steps)
        rc = tell_config(t, err);
    if (rc == 0 && !goes_on && as_path_exists(t->checkpoints))
        rc = as_checkpoint_remove_all(t->checkpoints, err);
    return rc == 0 ? training_save_state(t, "running", err) : rc;
}
