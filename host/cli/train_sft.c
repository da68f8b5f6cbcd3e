/* train_sft.c -- `assay train` with algo sft: its keys, its texts, its steps.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/training.h"

#include "base/mem.h"
#include "train/sft.h"

#include <inttypes.h>
#include <math.h>

enum { MOST_SEQS = 1024 };

/* The keys of sft alone, as resolved. Texts point into the tree. */
typedef struct sft_config {
    const char *data, *prompts;
    int truncated; /* an index of the words below */
    uint64_t batch_size, max_len;
    double min_score; /* -INFINITY: samples need have none */
    bool append_eos, as_chat;
} sft_config;

static const as_setting settings[] = {
    { .key = "data", .type = AS_SETTING_TEXT, .offset = offsetof(sft_config, data) },
    { .key = "prompts", .type = AS_SETTING_TEXT, .offset = offsetof(sft_config, prompts) },
    { .key = "truncated",
      .type = AS_SETTING_CHOICE,
      .offset = offsetof(sft_config, truncated),
      .choices = "drop|keep" },
    { .key = "min_score",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(sft_config, min_score),
      .least = -1e300,
      .most = 1e300 },
    { .key = "batch_size",
      .type = AS_SETTING_UINT,
      .offset = offsetof(sft_config, batch_size),
      .least = 1,
      .most = 1e6 },
    { .key = "max_len",
      .type = AS_SETTING_UINT,
      .offset = offsetof(sft_config, max_len),
      .least = 2,
      .most = 1e6 },
    { .key = "as_chat", .type = AS_SETTING_BOOL, .offset = offsetof(sft_config, as_chat) },
    { .key = "append_eos", .type = AS_SETTING_BOOL, .offset = offsetof(sft_config, append_eos) },
    { .key = NULL }
};

typedef struct sft {
    training t;
    train_config common;
    sft_config own;
    as_sft_data data;
    as_run_options pass;
    as_run *run;
    as_sft *steps;
    as_sft_stats last;
} sft;

static int check(const sft *s, const char *file, as_err *err)
{
    const sft_config *c = &s->own;
    if (!c->data)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"data\" is missing: a file of lines {\"prompt\",\"completion\"}",
                       file);
    if (!c->prompts && (c->truncated || c->as_chat || isfinite(c->min_score)))
        return as_fail(
            err, AS_EUSAGE,
            "%s: \"truncated\", \"as_chat\" and \"min_score\" are of a teacher's samples, "
            "which need \"prompts\"",
            file);
    if (c->max_len > s->common.micro_tokens)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"micro_tokens\" %" PRIu64 " is below \"max_len\" %" PRIu64
                       ": a text must fit",
                       file, s->common.micro_tokens, c->max_len);
    return 0;
}

static int read_config(sft *s, const cJSON *tree, const char *file, as_err *err)
{
    s->common = train_config_standard();
    s->own = (sft_config){
        .batch_size = 32, .max_len = 1024, .min_score = -(double)INFINITY, .append_eos = true
    };
    int rc = train_config_read(&s->common, &s->own, settings, tree, file, err);
    return rc == 0 ? check(s, file, err) : rc;
}

/* ---- texts ---- */

static void say_left_out(const sft *s)
{
    const as_sft_data *d = &s->data;
    if (d->n_too_long)
        as_cli_say("assay train: %" PRIu64 " texts are over %" PRIu64
                   " tokens (max_len) and are left out",
                   d->n_too_long, s->own.max_len);
    if (d->n_empty)
        as_cli_say("assay train: %" PRIu64 " texts have nothing to learn and are left out",
                   d->n_empty);
    if (d->n_truncated)
        as_cli_say("assay train: %" PRIu64 " samples were cut off (finish_reason length) and are "
                   "left out; \"truncated\": \"keep\" takes them",
                   d->n_truncated);
    if (d->n_below)
        as_cli_say("assay train: %" PRIu64 " samples score below %g (min_score) and are left out",
                   d->n_below, s->own.min_score);
    if (d->n_unanswered)
        as_cli_say("assay train: %" PRIu64 " prompts have no sample", d->n_unanswered);
}

static int read_data(sft *s, as_err *err)
{
    const as_model_config *c = &s->t.model.index->config;
    if ((int64_t)s->own.max_len > c->max_pos)
        return as_fail(err, AS_EUSAGE, "\"max_len\" %" PRIu64 ": %s was made for %lld positions",
                       s->own.max_len, s->t.model.folder, (long long)c->max_pos);
    const as_sft_reading how = { .tokenizer = s->t.tokenizer,
                                 .chat = s->t.chat,
                                 .longest = (size_t)s->own.max_len,
                                 .eos = s->own.append_eos && c->n_eos ? c->eos[0] : -1,
                                 .prompts = s->own.prompts,
                                 .as_chat = s->own.as_chat,
                                 .keeps_truncated = s->own.truncated != 0,
                                 .min_score = s->own.min_score };
    int rc = as_sft_data_read(&s->data, s->own.data, &how, err);
    if (rc < 0)
        return rc;
    say_left_out(s);
    return s->data.n_rows
               ? 0
               : as_fail(err, AS_EDATA, "%s: there is no text to learn from", s->own.data);
}

/* As large as the data makes them. */
static as_run_options pass_options(const sft *s)
{
    int64_t most = 0;
    for (size_t i = 0; i < s->data.n_rows; i++)
        most += s->data.rows[i].n;
    const uint64_t batch = s->own.batch_size;
    if ((uint64_t)most > s->common.micro_tokens)
        most = (int64_t)s->common.micro_tokens;
    return (as_run_options){ .tokens = most,
                             .seqs = batch < MOST_SEQS ? (int64_t)batch : MOST_SEQS,
                             .rows = most,
                             .trains = true,
                             .recompute = (as_recompute)s->common.recompute };
}

/* ---- the run ---- */

static int step(void *ctx, uint64_t step, as_err *err)
{
    sft *s = ctx;
    int rc = as_sft_step(s->steps, step, &s->last, err);
    if (rc < 0)
        return rc;
    as_metrics *m = s->t.metrics;
    s->t.last_loss = s->last.loss;
    s->t.step_tokens = s->last.tokens;
    as_metrics_put(m, "loss", s->last.loss);
    as_metrics_put(m, "lr", s->last.lr);
    as_metrics_put(m, "grad_norm", s->last.grad_norm);
    as_metrics_put(m, "tokens", (double)s->last.tokens);
    as_metrics_put(m, "learned_tokens", (double)s->last.learned);
    return 0;
}

static const train_ops ops = { .step = step };

static int open_steps(sft *s, as_err *err)
{
    const as_parameters_options how = train_parameters(&s->common, (int64_t)s->own.max_len, true);
    const as_sft_options options = { .rows = s->own.batch_size,
                                     .seed = s->common.seed,
                                     .schedule = train_schedule(&s->common) };
    int rc = train_model_load(&s->t.model, &s->common, s->t.dev, &how, err);
    if (rc == 0)
        rc = as_run_new(&s->run, s->t.model.parameters, &s->pass, err);
    return rc == 0 ? as_sft_new(&s->steps, &s->data, s->t.model.optimizer, s->run, &s->pass,
                                &options, err)
                   : rc;
}

static int record(sft *s, as_err *err)
{
    int rc = training_record(&s->t, err);
    if (rc == 0)
        rc = train_settings_record(&s->own, settings, &s->t.record, err);
    if (rc == 0)
        rc = training_record_file(&s->t, "data", s->own.data, err);
    if (rc == 0 && s->own.prompts)
        rc = training_record_file(&s->t, "prompts", s->own.prompts, err);
    return rc;
}

static int train(sft *s, as_err *err)
{
    int rc = open_steps(s, err);
    if (rc == 0)
        rc = record(s, err);
    if (rc == 0)
        rc = training_folder(&s->t, err);
    return rc == 0 ? training_run(&s->t, err) : rc;
}

static void close_all(sft *s)
{
    as_sft_free(s->steps);
    as_run_free(s->run);
    as_sft_data_fini(&s->data);
    training_close(&s->t);
}

int train_sft(const train_opts *o, const cJSON *tree, const char *file, as_err *err)
{
    sft s = { .t = { .ops = &ops } };
    s.t.own = &s;
    int rc = read_config(&s, tree, file, err);
    if (rc == 0)
        rc = training_open(&s.t, o, &s.common, err);
    if (rc == 0)
        rc = read_data(&s, err);
    if (rc < 0) {
        close_all(&s);
        return rc;
    }
    as_plan_options plan = training_plan_options(&s.t, (int64_t)s.own.max_len);
    s.pass = plan.training = pass_options(&s);
    rc = training_plan(&s.t, &plan, 0, err);
    if (rc == 0 && !o->dry_run)
        rc = train(&s, err);
    close_all(&s);
    return rc;
}
