/* train_rm.c -- `assay train` with algo rm: its keys, its pairs, its steps, what it is worth on
 * pairs held out. SPDX-License-Identifier: Apache-2.0 */
#include "cli/training.h"

#include "base/mem.h"
#include "train/rm.h"

#include <inttypes.h>
#include <stdio.h>

enum { MOST_TEXTS = 1024 };

/* The keys of rm alone, as resolved. Texts point into the tree. */
typedef struct rm_config {
    const char *data, *eval_data;
    uint64_t batch_size, max_len, eval_every;
    double center_coef, head_std;
    bool as_chat;
} rm_config;

static const as_setting settings[] = {
    { .key = "data", .type = AS_SETTING_TEXT, .offset = offsetof(rm_config, data) },
    { .key = "eval_data", .type = AS_SETTING_TEXT, .offset = offsetof(rm_config, eval_data) },
    { .key = "batch_size",
      .type = AS_SETTING_UINT,
      .offset = offsetof(rm_config, batch_size),
      .least = 1,
      .most = 1e6 },
    { .key = "max_len",
      .type = AS_SETTING_UINT,
      .offset = offsetof(rm_config, max_len),
      .least = 2,
      .most = 1e6 },
    { .key = "eval_every",
      .type = AS_SETTING_UINT,
      .offset = offsetof(rm_config, eval_every),
      .most = 1e9 },
    { .key = "center_coef",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(rm_config, center_coef),
      .most = 1e6 },
    { .key = "head_std",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(rm_config, head_std),
      .most = 10 },
    { .key = "as_chat", .type = AS_SETTING_BOOL, .offset = offsetof(rm_config, as_chat) },
    { .key = NULL }
};

typedef struct rm {
    training t;
    train_config common;
    rm_config own;
    as_pairs pairs, held; /* held: that are never learned */
    as_run_options pass;
    as_run *run;
    as_rm *steps;
    as_rm_stats last, measured; /* measured: of the newest evaluation */
} rm;

static int check(const rm *r, const char *file, as_err *err)
{
    const rm_config *c = &r->own;
    if (!c->data)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"data\" is missing: a file of lines "
                       "{\"prompt\",\"chosen\",\"rejected\"}",
                       file);
    if (r->common.lora)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"lora\" would leave the head that scores as it is: a reward model "
                       "learns with all its weights",
                       file);
    if (c->eval_every && !c->eval_data)
        return as_fail(err, AS_EUSAGE, "%s: \"eval_every\" needs \"eval_data\": pairs held out",
                       file);
    if (2 * c->max_len > r->common.micro_tokens)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"micro_tokens\" %" PRIu64 " is below twice \"max_len\" %" PRIu64
                       ": a pair must fit",
                       file, r->common.micro_tokens, c->max_len);
    return 0;
}

static int read_config(rm *r, const cJSON *tree, const char *file, as_err *err)
{
    r->common = train_config_standard();
    r->own = (rm_config){ .batch_size = 32, .max_len = 1024, .head_std = 0.02 };
    int rc = train_config_read(&r->common, &r->own, settings, tree, file, err);
    return rc == 0 ? check(r, file, err) : rc;
}

/* ---- pairs ---- */

static int read_pairs(const rm *r, as_pairs *to, const char *path, as_err *err)
{
    const as_model_config *c = &r->t.model.index->config;
    const as_pairs_reading how = { .tokenizer = r->t.tokenizer,
                                   .chat = r->t.chat,
                                   .as_chat = r->own.as_chat,
                                   .longest = (size_t)r->own.max_len,
                                   .eos = c->n_eos ? c->eos[0] : -1 };
    int rc = as_pairs_read(to, path, &how, err);
    if (rc == 0 && to->n == 0)
        rc = as_fail(err, AS_EDATA, "%s: there is no pair to learn from", path);
    if (rc == 0 && to->n_too_long)
        as_cli_say("assay train: %s: %" PRIu64 " pairs are over %" PRIu64
                   " tokens (max_len) and are left out",
                   path, to->n_too_long, r->own.max_len);
    if (rc == 0 && to->n_same)
        as_cli_say("assay train: %s: %" PRIu64 " pairs are of twice the same text and are left out",
                   path, to->n_same);
    return rc;
}

static int read_data(rm *r, as_err *err)
{
    const as_model_config *c = &r->t.model.index->config;
    if ((int64_t)r->own.max_len > c->max_pos)
        return as_fail(err, AS_EUSAGE, "\"max_len\" %" PRIu64 ": %s was made for %lld positions",
                       r->own.max_len, r->t.model.folder, (long long)c->max_pos);
    int rc = read_pairs(r, &r->pairs, r->own.data, err);
    return rc == 0 && r->own.eval_data ? read_pairs(r, &r->held, r->own.eval_data, err) : rc;
}

/* As large as the data makes them. */
static as_run_options pass_options(const rm *r)
{
    const as_pairs *const all[] = { &r->pairs, &r->held };
    uint64_t most = 0;
    for (size_t k = 0; k < 2; k++)
        most = all[k]->n_ids > most ? all[k]->n_ids : most;
    if (most > r->common.micro_tokens)
        most = r->common.micro_tokens;
    return (as_run_options){ .tokens = (int64_t)most,
                             .seqs = MOST_TEXTS,
                             .rows = MOST_TEXTS,
                             .trains = true,
                             .recompute = (as_recompute)r->common.recompute };
}

/* ---- the run ---- */

static void put_stats(as_metrics *m, const as_rm_stats *s, const char *prefix)
{
    const struct {
        const char *name;
        double value;
    } all[] = { { "loss", s->loss },
                { "accuracy", s->accuracy },
                { "margin", s->margin },
                { "reward/chosen", s->chosen },
                { "reward/rejected", s->rejected } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        char name[64];
        (void)snprintf(name, sizeof name, "%s%s", prefix, all[i].name);
        as_metrics_put(m, name, all[i].value);
    }
}

static int measure(rm *r, as_err *err)
{
    int rc = as_rm_measure(r->steps, &r->held, &r->measured, err);
    if (rc == 0)
        put_stats(r->t.metrics, &r->measured, "eval/");
    return rc;
}

static int step(void *ctx, uint64_t step, as_err *err)
{
    rm *r = ctx;
    int rc = as_rm_step(r->steps, &r->pairs, step, &r->last, err);
    if (rc < 0)
        return rc;
    as_metrics *m = r->t.metrics;
    r->t.last_loss = r->last.loss;
    r->t.step_tokens = r->last.tokens;
    put_stats(m, &r->last, "");
    as_metrics_put(m, "lr", r->last.lr);
    as_metrics_put(m, "grad_norm", r->last.grad_norm);
    as_metrics_put(m, "tokens", (double)r->last.tokens);
    const uint64_t every = r->own.eval_every;
    const bool is_due = step == r->common.steps || (every && step % every == 0);
    return r->held.n && is_due ? measure(r, err) : 0;
}

/* A run that is done already has measured nothing: its last line says what was. */
static void say(const void *ctx)
{
    const rm *r = ctx;
    if (r->measured.pairs)
        as_cli_say("pairs  %.1f%% of %" PRIu64 " held out are told apart, by %.3f in the mean",
                   100 * r->measured.accuracy, r->measured.pairs, r->measured.margin);
    else if (r->last.pairs)
        as_cli_say("pairs  %.1f%% of the last step's are told apart, by %.3f in the mean",
                   100 * r->last.accuracy, r->last.margin);
}

static void show(const void *ctx, as_buf *json)
{
    const rm *r = ctx;
    const as_rm_stats *s = r->measured.pairs ? &r->measured : &r->last;
    if (!s->pairs)
        return;
    as_buf_addf(json, ",\"held_out\":%s", r->measured.pairs ? "true" : "false");
    as_buf_json_key(json, "accuracy");
    as_buf_json_num(json, s->accuracy);
    as_buf_json_key(json, "margin");
    as_buf_json_num(json, s->margin);
}

static const train_ops ops = { .step = step, .say = say, .show = show };

static int open_steps(rm *r, as_err *err)
{
    const as_parameters_options how = train_parameters(&r->common, (int64_t)r->own.max_len, true);
    const as_rm_options options = { .pairs = r->own.batch_size,
                                    .seed = r->common.seed,
                                    .center_coef = r->own.center_coef,
                                    .schedule = train_schedule(&r->common) };
    int rc = train_model_load(&r->t.model, &r->common, r->t.dev, &how, err);
    if (rc == 0 && r->t.model.has_fresh_score && !r->t.opts->quiet)
        as_cli_say("assay train: %s has no head that scores: one is drawn of %g (head_std)",
                   r->t.model.folder, r->own.head_std);
    if (rc == 0)
        rc = as_run_new(&r->run, r->t.model.parameters, &r->pass, err);
    return rc == 0 ? as_rm_new(&r->steps, r->t.model.optimizer, r->run, &r->pass, &options, err)
                   : rc;
}

static int record(rm *r, as_err *err)
{
    int rc = training_record(&r->t, err);
    if (rc == 0)
        rc = train_settings_record(&r->own, settings, &r->t.record, err);
    if (rc == 0)
        rc = training_record_file(&r->t, "data", r->own.data, err);
    if (rc == 0 && r->own.eval_data)
        rc = training_record_file(&r->t, "eval_data", r->own.eval_data, err);
    return rc;
}

static int train(rm *r, as_err *err)
{
    int rc = open_steps(r, err);
    if (rc == 0)
        rc = record(r, err);
    if (rc == 0)
        rc = training_folder(&r->t, err);
    return rc == 0 ? training_run(&r->t, err) : rc;
}

static void close_all(rm *r)
{
    as_rm_free(r->steps);
    as_run_free(r->run);
    as_pairs_fini(&r->pairs);
    as_pairs_fini(&r->held);
    training_close(&r->t);
}

int train_rm(const train_opts *o, const cJSON *tree, const char *file, as_err *err)
{
    rm r = { .t = { .ops = &ops } };
    r.t.own = &r;
    int rc = read_config(&r, tree, file, err);
    r.t.model.heads = AS_HEADS_SCORE;
    r.t.model.score_std = r.own.head_std > 0 ? r.own.head_std : -1;
    if (rc == 0)
        rc = training_open(&r.t, o, &r.common, err);
    if (rc == 0)
        rc = read_data(&r, err);
    if (rc < 0) {
        close_all(&r);
        return rc;
    }
    as_plan_options plan = training_plan_options(&r.t, (int64_t)r.own.max_len);
    r.pass = plan.training = pass_options(&r);
    rc = training_plan(&r.t, &plan, 0, err);
    if (rc == 0 && !o->dry_run)
        rc = train(&r, err);
    close_all(&r);
    return rc;
}
