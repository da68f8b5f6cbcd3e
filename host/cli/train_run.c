/* train_run.c -- a run of `assay train`, whatever it learns from: what it needs is opened, planned
 * and refused early; steps are made, metrics and checkpoints written, Ctrl-C heard.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/training.h"

#include "base/clock.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- opening ---- */

/* A folder without a template, or with one that is refused, is told of where it is asked for. */
static int open_chat(training *t, as_err *err)
{
    if (t->c->chat)
        return as_chat_open_family(&t->chat, t->c->chat, t->model.folder, err);
    (void)as_chat_open(&t->chat, t->model.folder, NULL);
    return 0;
}

int training_open(training *t, const train_opts *o, const train_config *c, as_err *err)
{
    t->opts = o;
    t->c = c;
    t->last_loss = NAN;
    const char *folder = c->init ? c->init : c->model;
    int rc = train_model_open(&t->model, c, folder, c->init != NULL, true, err);
    if (rc == 0)
        rc = as_tokenizer_open(&t->tokenizer, folder, err);
    if (rc == 0)
        rc = open_chat(t, err);
    if (rc < 0)
        return rc;
    if (as_tokenizer_size(t->tokenizer) > t->model.index->config.vocab)
        return as_fail(
            err, AS_EDATA, "%s: the tokenizer has %d tokens, and the model rows for %lld", folder,
            (int)as_tokenizer_size(t->tokenizer), (long long)t->model.index->config.vocab);
    return as_cli_device_open(&t->dev, train_device(c), o->threads, false, err);
}

void training_close(training *t)
{
    train_model_close(&t->model);
    k_device_close(t->dev);
    as_chat_free(t->chat);
    as_tokenizer_free(t->tokenizer);
    as_run_record_fini(&t->record);
    (void)as_metrics_close(t->metrics, NULL);
    as_free(t->checkpoints);
    as_free(t->record_path);
    *t = (training){ 0 };
}

/* ---- the plan ---- */

as_plan_options training_plan_options(const training *t, int64_t max_pos)
{
    return (as_plan_options){ .parameters = train_parameters(t->c, max_pos, true),
                              .lora = t->model.lora,
                              .no_master = !t->c->master_weights };
}

/* What makes a plan smaller; the least recomputation with which it fits, where there is one. */
static int refuse_plan(const training *t, const as_plan *p, const as_plan_options *of,
                       const as_cli_room *room, size_t beside, as_err *err)
{
    static const char *const words[] = { "none", "cheap", "layer" };
    as_plan_options options = *of;
    char cure[120];
    (void)snprintf(cure, sizeof cure, "a smaller \"micro_tokens\" or \"%s\", or a smaller model",
                   of->sampling.tokens ? "max_seqs" : "max_len");
    for (int i = t->c->recompute + 1; i <= AS_RECOMPUTE_LAYER; i++) {
        as_plan less;
        options.training.recompute = (as_recompute)i;
        if (as_plan_make(&less, t->model.index, t->dev, &options, NULL) < 0 ||
            less.total + beside > room->bytes)
            continue;
        (void)snprintf(cure, sizeof cure,
                       "\"recompute\": \"%s\" needs %.1f MiB, or a smaller \"micro_tokens\"",
                       words[i], (double)(less.total + beside) / 1048576);
        break;
    }
    return as_cli_room_check(room, p, beside, cure, err);
}

int training_plan(const training *t, const as_plan_options *options, size_t beside, as_err *err)
{
    as_plan p;
    AS_CLEANUP(buf) as_buf table = { 0 };
    as_buf_init(&table, 1 << 20);
    int rc = as_plan_make(&p, t->model.index, t->dev, options, err);
    if (rc < 0)
        return rc;
    as_plan_print(&p, t->model.index, t->dev, options, &table);
    rc = as_buf_check(&table, err);
    if (rc == 0 && !t->opts->quiet)
        as_cli_say("%.*s", (int)(table.len ? table.len - 1 : 0), table.data);
    const as_cli_room room = as_cli_room_on(t->dev, (size_t)t->c->memory_mib << 20);
    if (rc == 0 && !t->opts->quiet)
        as_cli_room_say(&room);
    return rc == 0 && p.total + beside > room.bytes
               ? refuse_plan(t, &p, options, &room, beside, err)
               : rc;
}

/* ---- steps ---- */

static int record_step(training *t, as_progress *progress, as_err *err)
{
    char says[AS_TEXT_PACE_MAX] = "";
    as_pace_step(&t->pace, t->done, t->step_tokens, t->last_loss, as_now_ns());
    if (t->ops->progress)
        t->ops->progress(t->own, says, sizeof says);
    as_progress_pace(progress, &t->pace, t->ops->progress ? says : NULL);
    as_metrics_put(t->metrics, "total_tokens", (double)t->tokens);
    as_metrics_put(t->metrics, "tokens_per_s", as_pace_read(&t->pace).tokens_per_s);
    return as_metrics_step(t->metrics, t->done, err);
}

/* A step that was refused or broken off has changed no weight: what those before it have learned is
 * kept. */
static int save_what_was(training *t, int rc)
{
    const bool is_whole = rc == AS_EDATA || rc == AS_EGATE || rc == AS_EINTR || rc == AS_ETERM;
    if (is_whole && !t->is_broken && t->done > t->saved)
        (void)training_save(t, NULL);
    return rc;
}

static bool is_to_save(const training *t)
{
    const uint64_t every = t->c->save_every;
    return t->done == t->c->steps || as_cancel_why(as_cli_cancel()) != 0 || t->stop.code ||
           t->is_over || t->wants_save || (every && t->done % every == 0);
}

static int step_all(training *t, as_progress *progress, as_err *err)
{
    int rc = t->ops->begin ? t->ops->begin(t->own, err) : 0;
    while (rc == 0 && t->done < t->c->steps && !t->is_over) {
        t->wants_save = false;
        rc = t->ops->step(t->own, t->done + 1, err);
        if (rc == TRAIN_NO_STEP)
            return t->done > t->saved ? training_save(t, err) : 0;
        if (rc < 0)
            return save_what_was(t, rc);
        t->done++;
        t->tokens += t->step_tokens;
        rc = record_step(t, progress, err);
        if (rc == 0 && is_to_save(t))
            rc = training_save(t, err);
        if (rc == 0 && t->stop.code)
            rc = as_fail(err, t->stop.code, "%s", t->stop.text);
        if (rc == 0)
            rc = as_cancel_check(as_cli_cancel(), err);
    }
    return rc;
}

/* ---- the summary ---- */

static void say(const training *t)
{
    const double seconds = (double)(as_now_ns() - t->start_ns) / 1e9;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX], d[AS_TEXT_MAX];
    if (t->done == t->first)
        as_cli_say("steps  all %s were done already", as_text_count(a, t->done));
    else if (t->c->steps >= AS_PACE_ENDLESS)
        as_cli_say("steps  %s, loss %.4f at the last, %s tokens in all", as_text_count(a, t->done),
                   t->last_loss, as_text_count(d, t->tokens));
    else
        as_cli_say("steps  %s of %s, loss %.4f at the last, %s tokens in all",
                   as_text_count(a, t->done), as_text_count(b, t->c->steps), t->last_loss,
                   as_text_count(d, t->tokens));
    if (t->ops->say)
        t->ops->say(t->own);
    as_cli_say("in     %s; the model is %s/step_%" PRIu64, as_text_seconds(a, seconds),
               t->checkpoints, t->done);
}

static int say_json(const training *t, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 20);
    as_buf_addf(&out,
                "{\"schema\":\"assay.train_summary/1\",\"steps\":%" PRIu64 ",\"tokens\":%" PRIu64,
                t->done, t->tokens);
    as_buf_json_key(&out, "loss");
    as_buf_json_num(&out, t->last_loss);
    if (t->ops->show)
        t->ops->show(t->own, &out);
    as_buf_json_key(&out, "seconds");
    as_buf_json_num(&out, (double)(as_now_ns() - t->start_ns) / 1e9);
    as_buf_json_key(&out, "checkpoints");
    as_buf_json_str(&out, as_str_of(t->checkpoints));
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

int training_run(training *t, as_err *err)
{
    as_progress *progress = NULL;
    int rc = as_progress_new(&progress, t->opts->quiet ? "none" : t->opts->progress,
                             t->opts->command, err);
    t->start_ns = as_now_ns();
    as_pace_init(&t->pace, t->first + 1, t->c->steps, t->start_ns);
    if (rc == 0)
        rc = step_all(t, progress, err);
    as_progress_free(progress);
    int closed = as_metrics_close(AS_STEAL(t->metrics), err);
    rc = rc < 0 ? rc : closed;
    const bool is_stopped = rc == AS_EINTR || rc == AS_ETERM;
    int saved = training_save_state(t,
                                    rc == 0      ? "done"
                                    : is_stopped ? "interrupted"
                                                 : "failed",
                                    err);
    if (is_stopped)
        as_cli_say_resume();
    if (rc < 0 || saved < 0)
        return rc < 0 ? rc : saved;
    if (!t->opts->quiet)
        say(t);
    return t->opts->json ? say_json(t, err) : 0;
}
