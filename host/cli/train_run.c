/* train_run.c -- a run of `assay train` with algo sft: what it needs is opened, steps are made,
 * checkpoints and metrics are written. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train.h"

#include "base/clock.h"
#include "base/hash.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/plan.h"
#include "model/weights_io.h"
#include "train/metrics.h"
#include "train/pace.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>
#include <unistd.h>

enum { MOST_SEQS = 1024 };

typedef struct run {
    const train_opts *opts;
    const train_config *c;
    const char *folder; /* of the model, or of what it is drawn for */
    char *checkpoints, *record_path;
    as_weights_index *index;
    as_tokenizer *tokenizer;
    as_chat *chat; /* NULL: none */
    as_sft_data data;
    k_device *dev;
    as_parameters *parameters;
    as_lora *lora; /* NULL: all weights learn */
    as_adapter *adapter;
    as_optimizer *optimizer;
    as_run_options pass;
    as_run *pass_memory;
    as_sft *sft;
    as_run_record record;
    as_metrics *metrics;
    as_pace pace;
    uint64_t first, done; /* steps done before, and now */
    uint64_t saved;       /* the newest checkpoint */
    uint64_t tokens;
    as_sft_stats last;
    int64_t start_ns;
} run;

/* ---- opening ---- */

/* A folder without a template, or with one that is refused, is told of where it is asked for. */
static int open_chat(run *r, as_err *err)
{
    if (r->c->chat)
        return as_chat_open_family(&r->chat, r->c->chat, r->folder, err);
    (void)as_chat_open(&r->chat, r->folder, NULL);
    return 0;
}

static void say_left_out(const run *r)
{
    const as_sft_data *d = &r->data;
    if (d->n_too_long)
        as_cli_say("assay train: %" PRIu64 " texts are over %" PRIu64
                   " tokens (max_len) and are left out",
                   d->n_too_long, r->c->max_len);
    if (d->n_empty)
        as_cli_say("assay train: %" PRIu64 " texts have nothing to learn and are left out",
                   d->n_empty);
    if (d->n_truncated)
        as_cli_say("assay train: %" PRIu64 " samples were cut off (finish_reason length) and are "
                   "left out; \"truncated\": \"keep\" takes them",
                   d->n_truncated);
    if (d->n_below)
        as_cli_say("assay train: %" PRIu64 " samples score below %g (min_score) and are left out",
                   d->n_below, r->c->min_score);
    if (d->n_unanswered)
        as_cli_say("assay train: %" PRIu64 " prompts have no sample", d->n_unanswered);
}

static int read_data(run *r, as_err *err)
{
    const as_model_config *c = &r->index->config;
    if ((int64_t)r->c->max_len > c->max_pos)
        return as_fail(err, AS_EUSAGE, "\"max_len\" %" PRIu64 ": %s was made for %lld positions",
                       r->c->max_len, r->folder, (long long)c->max_pos);
    if (as_tokenizer_size(r->tokenizer) > c->vocab)
        return as_fail(err, AS_EDATA,
                       "%s: the tokenizer has %d tokens, and the model rows for %lld", r->folder,
                       (int)as_tokenizer_size(r->tokenizer), (long long)c->vocab);
    const as_sft_reading how = { .tokenizer = r->tokenizer,
                                 .chat = r->chat,
                                 .longest = (size_t)r->c->max_len,
                                 .eos = r->c->append_eos && c->n_eos ? c->eos[0] : -1,
                                 .prompts = r->c->prompts,
                                 .as_chat = r->c->as_chat,
                                 .keeps_truncated = r->c->truncated != 0,
                                 .min_score = r->c->min_score };
    int rc = as_sft_data_read(&r->data, r->c->data, &how, err);
    if (rc < 0)
        return rc;
    say_left_out(r);
    return r->data.n_rows
               ? 0
               : as_fail(err, AS_EDATA, "%s: there is no text to learn from", r->c->data);
}

static as_parameters_options parameter_options(const run *r)
{
    return (as_parameters_options){ .type = r->c->dtype == TRAIN_BF16 ? K_BF16 : K_F32,
                                    .wide = true,
                                    .max_pos = (int64_t)r->c->max_len,
                                    .trains = true };
}

/* As large as the data makes them. */
static as_run_options pass_options(const run *r)
{
    int64_t most = 0;
    for (size_t i = 0; i < r->data.n_rows; i++)
        most += r->data.rows[i].n;
    const uint64_t batch = r->c->batch_size;
    if ((uint64_t)most > r->c->micro_tokens)
        most = (int64_t)r->c->micro_tokens;
    return (as_run_options){ .tokens = most,
                             .seqs = batch < MOST_SEQS ? (int64_t)batch : MOST_SEQS,
                             .rows = most,
                             .trains = true,
                             .recompute = (as_recompute)r->c->recompute };
}

static as_plan_options plan_options(const run *r)
{
    return (as_plan_options){ .parameters = parameter_options(r),
                              .training = r->pass,
                              .lora = r->lora };
}

/* What makes a plan smaller; the least recomputation with which it fits, where there is one. */
static int refuse_plan(const run *r, const as_plan *p, size_t limit, as_err *err)
{
    static const char *const words[] = { "none", "cheap", "layer" };
    as_plan_options options = plan_options(r);
    char cure[120] = "a smaller \"micro_tokens\" or \"max_len\", or a smaller model";
    for (int i = r->c->recompute + 1; i <= AS_RECOMPUTE_LAYER; i++) {
        as_plan less;
        options.training.recompute = (as_recompute)i;
        if (as_plan_make(&less, r->index, r->dev, &options, NULL) < 0 || less.total > limit)
            continue;
        (void)snprintf(cure, sizeof cure,
                       "\"recompute\": \"%s\" needs %.1f MiB, or a smaller \"micro_tokens\"",
                       words[i], (double)less.total / 1048576);
        break;
    }
    return as_plan_check(p, limit, cure, err);
}

static int plan(const run *r, as_err *err)
{
    const as_plan_options options = plan_options(r);
    as_plan p;
    AS_CLEANUP(buf) as_buf table = { 0 };
    as_buf_init(&table, 1 << 20);
    int rc = as_plan_make(&p, r->index, r->dev, &options, err);
    if (rc < 0)
        return rc;
    as_plan_print(&p, r->index, r->dev, &options, &table);
    rc = as_buf_check(&table, err);
    if (rc == 0 && !r->opts->quiet)
        as_cli_say("%.*s", (int)(table.len ? table.len - 1 : 0), table.data);
    const long pages = sysconf(_SC_PHYS_PAGES), size = sysconf(_SC_PAGESIZE);
    size_t limit = r->c->memory_mib ? (size_t)r->c->memory_mib << 20 : (size_t)pages * (size_t)size;
    return rc == 0 && p.total > limit ? refuse_plan(r, &p, limit, err) : rc;
}

static int fill_weights(run *r, as_err *err)
{
    const as_weights_load_options how = { .dtype = AS_F32 };
    AS_CLEANUP(free) float *weights = as_calloc(r->index->n_elements, sizeof *weights);
    int rc = 0;
    if (!weights)
        return as_fail(err, AS_ENOMEM, "no memory for %zu parameters", r->index->n_params);
    const as_draw draw = { .scale = (as_draw_scale)r->c->init_scale,
                           .std = r->c->init_std,
                           .seed = r->c->seed };
    if (r->c->init)
        as_weights_draw(r->index, &draw, weights);
    else
        rc = as_weights_load(r->index, r->folder, &how, weights, err);
    return rc == 0 ? as_parameters_set(r->parameters, weights, AS_F32, err) : rc;
}

static int open_model(run *r, as_err *err)
{
    as_model_config config;
    int rc = as_model_config_load(&config, r->folder, err);
    if (rc == 0)
        rc = as_weights_index_new(&r->index, &config, err);
    if (rc == 0 && r->c->lora)
        rc = as_lora_new(&r->lora, r->index, &r->c->adapter, err);
    if (rc == 0)
        rc = as_tokenizer_open(&r->tokenizer, r->folder, err);
    if (rc == 0)
        rc = open_chat(r, err);
    return rc;
}

static int start_adapter(run *r, as_err *err)
{
    AS_CLEANUP(free) float *values = as_calloc(r->lora->n_elements, sizeof *values);
    if (!values)
        return as_fail(err, AS_ENOMEM, "no memory for an adapter");
    as_lora_start(r->lora, values, r->c->seed);
    return as_adapter_new(&r->adapter, r->parameters, r->lora, values, err);
}

static int open_training(run *r, as_err *err)
{
    const as_parameters_options parameters = parameter_options(r);
    const train_config *c = r->c;
    const as_sft_options options = { .rows = c->batch_size,
                                     .seed = c->seed,
                                     .schedule = { .peak = c->lr,
                                                   .least = c->min_lr,
                                                   .warmup = c->warmup_steps,
                                                   .decay_from =
                                                       (uint64_t)(c->decay_from * (double)c->steps),
                                                   .steps = c->steps,
                                                   .decay = (as_decay)c->decay } };
    int rc = as_parameters_new(&r->parameters, r->index, r->dev, &parameters, err);
    if (rc == 0)
        rc = fill_weights(r, err);
    if (rc == 0 && r->lora)
        rc = start_adapter(r, err);
    if (rc == 0)
        rc = as_optimizer_new(&r->optimizer, r->parameters, r->adapter, &c->optimizer, err);
    if (rc == 0)
        rc = as_run_new(&r->pass_memory, r->parameters, &r->pass, err);
    return rc == 0 ? as_sft_new(&r->sft, &r->data, r->optimizer, r->pass_memory, &r->pass, &options,
                                err)
                   : rc;
}

/* ---- the folder of the run ---- */

/* Whatever changes a step stands in the config or the hashes. */
static int new_record(run *r, as_err *err)
{
    as_digest data;
    int rc = as_run_record_new(&r->record, "train", err);
    if (rc == 0)
        rc = train_config_record(r->c, &r->record, err);
    if (rc == 0)
        rc = as_sha256_file(r->c->data, &data, err);
    if (rc < 0)
        return rc;
    as_run_record_hash(&r->record, "data", data);
    if (r->c->prompts)
        rc = as_sha256_file(r->c->prompts, &data, err);
    if (rc < 0)
        return rc;
    if (r->c->prompts)
        as_run_record_hash(&r->record, "prompts", data);
    as_run_record_seed(&r->record, "run", r->c->seed);
    return as_cli_record_model(&r->record, r->folder, err);
}

static int save_state(run *r, const char *state, as_err *err)
{
    char steps[24];
    (void)snprintf(steps, sizeof steps, "%" PRIu64, r->done);
    int rc = as_run_record_text(&r->record, as_run_record_set, "state", state, err);
    if (rc < 0)
        return rc;
    as_run_record_set(&r->record, "steps_done", as_str_of(steps));
    return as_run_record_save(&r->record, r->record_path, err);
}

/* The state as a checkpoint has it, in the host's memory: there only while one is written or read,
 * so that a step takes what the plan says. */
typedef struct state {
    as_checkpoint checkpoint;
    as_checkpoint_counter tokens;
} state;

static void state_fini(state *s)
{
    as_free(s->checkpoint.weights);
    as_free(s->checkpoint.m);
    as_free(s->checkpoint.v);
}

static int state_init(state *s, const run *r, as_err *err)
{
    const size_t n = r->optimizer->n;
    s->tokens = (as_checkpoint_counter){ "tokens", r->tokens };
    s->checkpoint = (as_checkpoint){ .index = r->index,
                                     .lora = r->lora,
                                     .base = r->folder,
                                     .weights = as_calloc(n, sizeof(float)),
                                     .m = as_calloc(n, sizeof(float)),
                                     .v = as_calloc(n, sizeof(float)),
                                     .step = r->done,
                                     .counters = &s->tokens,
                                     .n_counters = 1 };
    return s->checkpoint.weights && s->checkpoint.m && s->checkpoint.v
               ? 0
               : as_fail(err, AS_ENOMEM, "no memory for a checkpoint of %zu parameters", n);
}

static int save_checkpoint(run *r, as_err *err)
{
    const as_checkpoint_options how = { .dtype = r->c->dtype == TRAIN_BF16 ? AS_BF16 : AS_F32,
                                        .like = r->folder,
                                        .keep = (unsigned)r->c->keep };
    state s;
    int rc = state_init(&s, r, err);
    as_checkpoint *c = &s.checkpoint;
    if (rc == 0)
        rc = as_optimizer_get(r->optimizer, c->weights, c->m, c->v, err);
    if (rc == 0)
        rc = as_checkpoint_save(c, &how, r->checkpoints, err);
    if (rc == 0)
        r->saved = r->done;
    state_fini(&s);
    return rc;
}

static int load_checkpoint(run *r, const char *path, as_err *err)
{
    state s;
    int rc = state_init(&s, r, err);
    as_checkpoint *c = &s.checkpoint;
    if (rc == 0)
        rc = as_checkpoint_load(c, path, err);
    if (rc == 0)
        rc = as_optimizer_set(r->optimizer, c->weights, c->m, c->v, err);
    r->first = r->done = r->saved = c->step;
    r->tokens = s.tokens.value;
    state_fini(&s);
    return rc;
}

static int go_on(run *r, as_err *err)
{
    as_run_record before = { 0 };
    AS_CLEANUP(free) char *path = NULL;
    int rc = as_run_record_load(&before, r->record_path, err);
    if (rc == 0)
        rc = as_run_record_continues(&before, &r->record, err);
    as_run_record_fini(&before);
    if (rc == 0)
        rc = as_checkpoint_latest(&path, r->checkpoints, err);
    if (rc < 0 || !path)
        return rc; /* none yet: from the beginning */
    rc = load_checkpoint(r, path, err);
    if (rc == 0 && !r->opts->quiet)
        as_cli_say("goes on from %s", path);
    return rc;
}

/* TensorBoard shows texts as Markdown. */
static int tell_config(run *r, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 20);
    char *config = cJSON_Print(cJSON_GetObjectItemCaseSensitive(r->record.json, "config"));
    as_buf_text(&text, "```\n");
    as_buf_text(&text, config ? config : "");
    as_buf_text(&text, "\n```\n");
    cJSON_free(config);
    int rc = config ? as_buf_check(&text, err) : as_fail(err, AS_ENOMEM, "out of memory");
    return rc == 0 ? as_metrics_text(r->metrics, "config", r->first + 1, as_buf_str(&text), err)
                   : rc;
}

static int open_folder(run *r, as_err *err)
{
    const train_opts *o = r->opts;
    int rc = as_path_make_dirs(o->out, err);
    r->checkpoints = as_path_join(o->out, "checkpoints");
    r->record_path = as_path_join(o->out, "manifest.json");
    if (rc == 0 && (!r->checkpoints || !r->record_path))
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0)
        rc = new_record(r, err);
    if (rc < 0)
        return rc;
    const bool has_run = as_path_exists(r->record_path), goes_on = has_run && o->resume;
    if (goes_on)
        rc = go_on(r, err);
    else if (has_run && !o->force)
        rc = as_fail(err, AS_EUSAGE,
                     "%s has a run already: --resume to go on, --force to begin anew", o->out);
    if (rc == 0) /* first: it refuses where another process is at work */
        rc = as_metrics_open(&r->metrics, o->out, r->first + 1, err);
    if (rc == 0 && r->first < r->c->steps)
        rc = tell_config(r, err);
    if (rc == 0 && !goes_on && as_path_exists(r->checkpoints))
        rc = as_checkpoint_remove_all(r->checkpoints, err);
    return rc == 0 ? save_state(r, "running", err) : rc;
}

/* ---- steps ---- */

static int record_step(run *r, as_progress *progress, as_err *err)
{
    const as_sft_stats *s = &r->last;
    as_pace_step(&r->pace, r->done, s->tokens, s->loss, as_now_ns());
    as_progress_pace(progress, &r->pace);
    as_metrics_put(r->metrics, "loss", s->loss);
    as_metrics_put(r->metrics, "lr", s->lr);
    as_metrics_put(r->metrics, "grad_norm", s->grad_norm);
    as_metrics_put(r->metrics, "tokens", (double)s->tokens);
    as_metrics_put(r->metrics, "learned_tokens", (double)s->learned);
    as_metrics_put(r->metrics, "total_tokens", (double)r->tokens);
    as_metrics_put(r->metrics, "tokens_per_s", as_pace_read(&r->pace).tokens_per_s);
    return as_metrics_step(r->metrics, r->done, err);
}

/* What the checkpoint says was done has its lines on the disk. */
static int save_all(run *r, as_err *err)
{
    int rc = as_metrics_sync(r->metrics, err);
    return rc == 0 ? save_checkpoint(r, err) : rc;
}

/* A step whose gradient was refused has changed no weight: what those before it have learned is
 * kept. */
static int save_what_was(run *r, int rc)
{
    if (rc == AS_EDATA && r->done > r->saved)
        (void)save_all(r, NULL);
    return rc;
}

static int step_all(run *r, as_progress *progress, as_err *err)
{
    const uint64_t every = r->c->save_every;
    int rc = 0;
    while (rc == 0 && r->done < r->c->steps) {
        rc = as_sft_step(r->sft, r->done + 1, &r->last, err);
        if (rc < 0)
            return save_what_was(r, rc);
        r->done++;
        r->tokens += r->last.tokens;
        rc = record_step(r, progress, err);
        const bool is_stopped = as_cancel_why(as_cli_cancel()) != 0;
        if (rc == 0 && (r->done == r->c->steps || is_stopped || (every && r->done % every == 0)))
            rc = save_all(r, err);
        if (rc == 0)
            rc = as_cancel_check(as_cli_cancel(), err);
    }
    return rc;
}

static void say(const run *r)
{
    const double seconds = (double)(as_now_ns() - r->start_ns) / 1e9;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX], d[AS_TEXT_MAX];
    if (r->done == r->first)
        as_cli_say("steps  all %s were done already", as_text_count(a, r->done));
    else
        as_cli_say("steps  %s of %s, loss %.4f at the last, %s tokens in all",
                   as_text_count(a, r->done), as_text_count(b, r->c->steps), r->last.loss,
                   as_text_count(d, r->tokens));
    as_cli_say("in     %s; the model is %s/step_%" PRIu64, as_text_seconds(a, seconds),
               r->checkpoints, r->done);
}

static int say_json(const run *r, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 16);
    as_buf_addf(&out,
                "{\"schema\":\"assay.train_summary/1\",\"steps\":%" PRIu64 ",\"tokens\":%" PRIu64,
                r->done, r->tokens);
    as_buf_json_key(&out, "loss");
    as_buf_json_num(&out, r->last.loss);
    as_buf_json_key(&out, "seconds");
    as_buf_json_num(&out, (double)(as_now_ns() - r->start_ns) / 1e9);
    as_buf_json_key(&out, "checkpoints");
    as_buf_json_str(&out, as_str_of(r->checkpoints));
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

static int train(run *r, as_err *err)
{
    as_progress *progress = NULL;
    int rc = as_progress_new(&progress, r->opts->quiet ? "none" : r->opts->progress, "train", err);
    r->start_ns = as_now_ns();
    as_pace_init(&r->pace, r->first + 1, r->c->steps, r->start_ns);
    if (rc == 0)
        rc = step_all(r, progress, err);
    as_progress_free(progress);
    int closed = as_metrics_close(AS_STEAL(r->metrics), err);
    rc = rc < 0 ? rc : closed;
    const bool is_stopped = rc == AS_EINTR || rc == AS_ETERM;
    int saved = save_state(r, rc == 0 ? "done" : is_stopped ? "interrupted" : "failed", err);
    if (is_stopped)
        as_cli_say_resume();
    if (rc < 0 || saved < 0)
        return rc < 0 ? rc : saved;
    if (!r->opts->quiet)
        say(r);
    return r->opts->json ? say_json(r, err) : 0;
}

static void close_run(run *r)
{
    as_sft_free(r->sft);
    as_run_free(r->pass_memory);
    as_optimizer_free(r->optimizer);
    as_adapter_free(r->adapter);
    as_lora_free(r->lora);
    as_parameters_free(r->parameters);
    k_device_close(r->dev);
    as_sft_data_fini(&r->data);
    as_chat_free(r->chat);
    as_tokenizer_free(r->tokenizer);
    as_weights_index_free(r->index);
    as_run_record_fini(&r->record);
    (void)as_metrics_close(r->metrics, NULL);
    as_free(r->checkpoints);
    as_free(r->record_path);
}

int train_sft(const train_opts *o, const train_config *c, as_err *err)
{
    static const char *const devices[] = { "cpu", "naive", "cuda" };
    run r = { .opts = o, .c = c, .folder = c->init ? c->init : c->model, .last = { .loss = NAN } };
    int rc = open_model(&r, err);
    if (rc == 0)
        rc = read_data(&r, err);
    if (rc == 0)
        rc = as_cli_device_open(&r.dev, devices[c->device], o->threads, err);
    r.pass = pass_options(&r);
    if (rc == 0)
        rc = plan(&r, err);
    if (rc == 0 && !o->dry_run) {
        rc = open_training(&r, err);
        if (rc == 0)
            rc = open_folder(&r, err);
        if (rc == 0)
            rc = train(&r, err);
    }
    close_run(&r);
    return rc;
}
