/* train_rl.c -- `assay train` with an algorithm of reinforcement learning: what a run needs is
 * opened and planned, steps are made, and what a checkpoint must know is kept.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- what is read ---- */

static int read_stops(rl *s, const char *file, as_err *err)
{
    const cJSON *one;
    size_t n = 0;
    if (!s->own.stop)
        return 0;
    s->stops = as_calloc((size_t)cJSON_GetArraySize(s->own.stop) + 1, sizeof *s->stops);
    if (!s->stops)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!cJSON_IsArray(s->own.stop))
        return as_fail(err, AS_EUSAGE, "%s: \"stop\": a list of texts is allowed", file);
    cJSON_ArrayForEach(one, s->own.stop)
    {
        if (!cJSON_IsString(one) || !*one->valuestring)
            return as_fail(err, AS_EUSAGE, "%s: \"stop\": a list of texts is allowed", file);
        s->stops[n++] = as_str_of(one->valuestring);
    }
    return 0;
}

static int read_suite(const rl *s, as_suite *suite, const char *path, uint64_t limit, as_err *err)
{
    const as_suite_reading how = { .tokenizer = s->t.tokenizer,
                                   .chat = s->t.chat,
                                   .as_chat = s->own.as_chat,
                                   .longest = (size_t)s->own.max_prompt_length,
                                   .limit = limit };
    return as_suite_read(suite, path, &how, err);
}

static int read_ptx(rl *s, as_err *err)
{
    const as_model_config *c = &s->t.model.index->config;
    const as_sft_reading how = { .tokenizer = s->t.tokenizer,
                                 .chat = s->t.chat,
                                 .longest = (size_t)s->pass.tokens,
                                 .eos = c->n_eos ? c->eos[0] : -1,
                                 .min_score = -(double)INFINITY };
    int rc = as_sft_data_read(&s->ptx, s->own.ptx_data, &how, err);
    return rc == 0 && !s->ptx.n_rows
               ? as_fail(err, AS_EDATA, "%s: there is no text to learn from", s->own.ptx_data)
               : rc;
}

int64_t rl_longest(const rl *s)
{
    const size_t a = s->suite.longest, b = s->exam_suite.longest;
    return (int64_t)(a > b ? a : b) + (int64_t)s->own.max_response_length;
}

static int check_lengths(rl *s, const char *file, as_err *err)
{
    const as_model_config *c = &s->t.model.index->config;
    if (rl_longest(s) > c->max_pos)
        return as_fail(err, AS_EUSAGE,
                       "%s: a prompt of %lld tokens and \"max_response_length\" %" PRIu64
                       ": %s was made for %lld positions",
                       file, (long long)rl_longest(s) - (long long)s->own.max_response_length,
                       s->own.max_response_length, s->t.model.folder, (long long)c->max_pos);
    if ((uint64_t)rl_longest(s) > s->common.micro_tokens)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"micro_tokens\" %" PRIu64
                       " is below %lld, the longest prompt and response: they must fit",
                       file, s->common.micro_tokens, (long long)rl_longest(s));
    if (!rl_is_stream(s) && s->suite.n < s->own.gen_batch_size)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"%s\" %" PRIu64 ", and %s has %zu prompts%s: a batch has no prompt "
                       "twice",
                       file,
                       s->own.gen_batch_size == s->own.train_batch_size ? "train_batch_size"
                                                                        : "gen_batch_size",
                       s->own.gen_batch_size, s->own.prompts, s->suite.n,
                       s->suite.n_too_long ? " that are not too long" : "");
    return 0;
}

/* How long prompts may be that are not there yet: as many tokens as fit beside a response. */
static void leave_room(rl *s)
{
    const uint64_t context = (uint64_t)s->t.model.index->config.max_pos;
    uint64_t most = context < s->common.micro_tokens ? context : s->common.micro_tokens;
    most = most > s->own.max_response_length ? most - s->own.max_response_length : 1;
    s->suite.longest = (size_t)(most < s->own.max_prompt_length ? most : s->own.max_prompt_length);
}

static int read_data(rl *s, const char *file, as_err *err)
{
    int rc = read_stops(s, file, err);
    if (rl_is_stream(s))
        leave_room(s);
    else if (rc == 0)
        rc = read_suite(s, &s->suite, s->own.prompts, s->own.limit, err);
    if (rc == 0 && s->own.eval_suite)
        rc = read_suite(s, &s->exam_suite, s->own.eval_suite, s->own.eval_limit, err);
    return rc == 0 ? check_lengths(s, file, err) : rc;
}

/* ---- verifiers ---- */

static int open_reward(rl *s, as_err *err)
{
    static const as_isolation levels[] = { AS_ISOLATION_AUTO, AS_ISOLATION_INPROC,
                                           AS_ISOLATION_WORKER, AS_ISOLATION_JAIL };
    const train_opts *o = s->t.opts;
    const as_registry_options where = { .plugin_path = o->plugin_path };
    int rc = as_registry_open(&s->registry, &where, err);
    if (rc == 0 && !o->no_cache)
        rc = as_cache_open(&s->cache, o->cache, err);
    const as_reward_options how = { .threads = (unsigned)o->threads,
                                    .timeout_ms = (unsigned)s->own.timeout_ms,
                                    .isolation = levels[s->own.isolation],
                                    .cache = s->cache,
                                    .cancel = as_cli_cancel(),
                                    .holdout = s->own.holdout,
                                    .max_unscored = s->labels ? 1 : s->own.max_unscored,
                                    .window = (uint32_t)s->own.unscored_window };
    return rc == 0 ? as_reward_open(&s->reward, s->registry, s->own.reward, &how, err) : rc;
}

/* ---- models and passes ---- */

static int open_critic(rl *s, as_err *err)
{
    const rl_config *c = &s->own;
    if (c->algo != RL_PPO || c->critic == RL_CRITIC_HEAD)
        return 0;
    s->critic.heads = AS_HEADS_SCORE;
    const char *folder = c->critic_model ? c->critic_model : s->t.model.folder;
    int rc = train_model_open(&s->critic, &s->common, folder,
                              !c->critic_model && s->t.model.is_drawn, false, err);
    if (rc == 0 && s->critic.index->config.vocab != s->t.model.index->config.vocab)
        rc = as_fail(err, AS_EUSAGE, "\"critic_model\" %s has another vocabulary than %s", folder,
                     s->t.model.folder);
    if (rc == 0 && s->critic.index->config.max_pos < rl_longest(s))
        rc = as_fail(err, AS_EUSAGE, "\"critic_model\" %s was made for %lld positions, not %lld",
                     folder, (long long)s->critic.index->config.max_pos, (long long)rl_longest(s));
    return rc;
}

static int load_models(rl *s, as_err *err)
{
    const as_parameters_options learns = train_parameters(&s->common, rl_longest(s), true);
    const as_parameters_options answers = train_parameters(&s->common, rl_longest(s), false);
    int rc = train_model_load(&s->t.model, &s->common, s->t.dev, &learns, err);
    if (rc == 0 && s->critic.index)
        rc = train_model_load(&s->critic, &s->common, s->t.dev, &learns, err);
    if (rc < 0 || s->options.kl_place == AS_KL_OFF)
        return rc;
    rc = train_model_open(&s->reference, &s->common, s->t.model.folder, s->t.model.is_drawn, false,
                          err);
    return rc == 0 ? train_model_load(&s->reference, &s->common, s->t.dev, &answers, err) : rc;
}

static int open_passes(rl *s, as_err *err)
{
    int rc = as_region_init(&s->region, s->t.dev, s->region.bytes, err);
    as_run_options reads = s->pass;
    s->pass.region = s->gen.region = reads.region = &s->region;
    reads.trains = false;
    reads.recompute = AS_KEEP_ALL;
    if (rc == 0)
        rc = as_run_new(&s->run, s->t.model.parameters, &s->pass, err);
    if (rc == 0 && s->reference.parameters)
        rc = as_run_new(&s->reference_run, s->reference.parameters, &reads, err);
    if (rc == 0 && s->critic.parameters)
        rc = as_run_new(&s->critic_run, s->critic.parameters, &s->pass, err);
    if (rc == 0)
        rc = rl_online_load(s, err);
    if (rc == 0)
        rc = as_generator_new(&s->generator, s->t.model.parameters, s->t.tokenizer, &s->gen, err);
    if (rc < 0)
        return rc;
    const as_rl_parts parts = { .optimizer = s->t.model.optimizer,
                                .run = s->run,
                                .limits = s->pass,
                                .reference = s->reference_run,
                                .critic = s->own.algo != RL_PPO ? NULL
                                          : s->critic_run       ? s->critic_run
                                                                : s->run,
                                .critic_optimizer = s->critic.optimizer,
                                .ptx = s->ptx.n_rows ? &s->ptx : NULL };
    return as_rl_new(&s->steps, &parts, &s->options, err);
}

static int open_order(rl *s, as_err *err)
{
    const rl_config *c = &s->own;
    const as_order_options how = { .kind = (as_order_kind)c->order,
                                   .seed = as_seed_of(s->common.seed, AS_LIT("order"), 0),
                                   .floor = c->order_floor,
                                   .momentum = c->order_momentum };
    const size_t size = (size_t)c->gen_batch_size, n = rl_is_stream(s) ? size : s->suite.n;
    s->picked = as_calloc(size, sizeof *s->picked);
    s->items = as_calloc(size, sizeof *s->items);
    s->greedy_score = as_calloc(size, sizeof *s->greedy_score);
    s->share = as_calloc(n, sizeof *s->share);
    if (!s->picked || !s->items || !s->greedy_score || !s->share)
        return as_fail(err, AS_ENOMEM, "no memory for batches of %zu prompts", size);
    return as_order_init(&s->order, n, &how, err);
}

/* ---- a step ---- */

static void remember(rl *s)
{
    const as_rl_state state = as_rl_get_state(s->steps);
    for (size_t i = 0; i < s->suite.n; i++)
        if (!isnan(s->share[i]))
            as_order_saw(&s->order, (uint32_t)i, s->share[i]);
    s->now.rows += s->seen.rows;
    s->now.updates = state.updates;
    s->now.critic_updates = state.critic_updates;
    s->now.kl_coef = state.kl_coef;
    s->kept = s->now;
}

/* The suite is put to the model where it is due. Who does not want to wait for it has a step
 * without it. */
static int look_at_exam(rl *s, uint64_t step, as_err *err)
{
    const bool is_due = s->own.eval_every && step % s->own.eval_every == 0;
    s->exam_s = 0;
    s->has_exam = false;
    if (!s->own.eval_suite || (!is_due && step != s->common.steps))
        return 0;
    as_err why = { 0 };
    int rc = rl_exam(s, step, &why);
    const bool is_stopped = rc == AS_EINTR || rc == AS_ETERM;
    return rc == 0 || is_stopped ? 0 : as_fail(err, rc, "%s", why.text);
}

static int step(void *ctx, uint64_t step, as_err *err)
{
    rl *s = ctx;
    const int64_t start = as_now_ns();
    s->now = s->kept;
    int rc = rl_sample(s, err);
    if (rc < 0)
        return rc;
    if (s->rollouts.n_groups == 0)
        return TRAIN_NO_STEP;
    s->t.is_broken = true;
    const as_rl_rewards rewards = { .score = s->score,
                                    .is_out = s->is_out,
                                    .greedy = s->greedy_score };
    rc = rl_online_step(s, step, err);
    if (rc == 0)
        rc = as_rl_step(s->steps, step, &s->rollouts, &rewards, &s->last, err);
    if (rc == 0)
        rc = rl_log_rollouts(s, step, err);
    if (rc == 0)
        rc = look_at_exam(s, step, err);
    if (rc < 0)
        return rc;
    s->t.is_broken = false;
    s->t.last_loss = s->last.loss;
    s->t.step_tokens = s->seen.tokens + s->seen.prompt_tokens;
    remember(s);
    rl_put_metrics(s);
    if (s->labels)
        s->labels->look(s->labels->own);
    as_metrics_put(s->t.metrics, "timing/step", (double)(as_now_ns() - start) / 1e9);
    rl_guards_look(s);
    return 0;
}

/* ---- checkpoints ---- */

static void keep_all(rl *s)
{
    rl_kept *k = &s->kept;
    *k = (rl_kept){ .kl_coef = s->options.kl_coef, .best = -(double)INFINITY };
    const struct {
        const char *name;
        uint64_t *at;
    } counts[] = { { "batches", &k->batches },       { "responses", &k->rows },
                   { "updates", &k->updates },       { "critic_updates", &k->critic_updates },
                   { "rm_updates", &k->rm_updates }, { "log_bytes", &k->log_bytes },
                   { "best_step", &k->best_step } };
    for (size_t i = 0; i < sizeof counts / sizeof *counts; i++)
        training_keep_count(&s->t, counts[i].name, counts[i].at);
    training_keep_value(&s->t, "kl_coef", &k->kl_coef);
    training_keep_value(&s->t, "best", &k->best);
    rl_guards_keep(s);
    if (s->own.order == AS_ORDER_CURRICULUM)
        training_keep_array(&s->t, "success", s->order.success, s->order.n);
    if (s->labels)
        s->labels->keep(s->labels->own);
}

/* In the manifest: the step that did best on the held-out suite. */
static int note_best(rl *s, as_err *err)
{
    AS_CLEANUP(buf) as_buf json = { 0 };
    as_buf_init(&json, 1000);
    if (!isfinite(s->kept.best))
        return 0;
    as_buf_addf(&json, "{\"step\":%" PRIu64, s->kept.best_step);
    as_buf_json_key(&json, "avg");
    as_buf_json_num(&json, s->kept.best);
    as_buf_text(&json, "}");
    int rc = as_buf_check(&json, err);
    if (rc == 0)
        as_run_record_set(&s->t.record, "best", as_buf_str(&json));
    return rc;
}

/* The critic's stands before the policy's, and one more of it stays: whichever of the policy's
 * there is, its critic is there. */
static int save(void *ctx, as_err *err)
{
    rl *s = ctx;
    const as_checkpoint about = { .step = s->t.done };
    s->t.best = s->own.eval_suite ? s->kept.best_step : s->chosen;
    int rc = note_best(s, err);
    if (rc == 0)
        rc = rl_online_save(s, err);
    if (rc < 0 || !s->critic.optimizer)
        return rc;
    rc = as_checkpoint_remove_after(s->critics, s->t.saved, err);
    return rc == 0 ? train_model_save(&s->critic, &s->common, &about,
                                      s->common.keep ? s->common.keep + 1 : 0, s->t.best,
                                      s->critics, err)
                   : rc;
}

static int load(void *ctx, as_err *err)
{
    rl *s = ctx;
    char name[32];
    const rl_kept *k = &s->kept;
    as_rl_set_state(s->steps, (as_rl_state){ .updates = k->updates,
                                             .critic_updates = k->critic_updates,
                                             .kl_coef = k->kl_coef });
    int rc = rl_online_restore(s, err);
    if (rc < 0 || !s->critic.optimizer)
        return rc;
    (void)snprintf(name, sizeof name, "step_%" PRIu64, s->t.done);
    AS_CLEANUP(free) char *path = as_path_join(s->critics, name);
    as_checkpoint about = { 0 };
    return path ? train_model_restore(&s->critic, &about, path, err)
                : as_fail(err, AS_ENOMEM, "out of memory");
}

static int begin(void *ctx, as_err *err)
{
    rl *s = ctx;
    int rc = 0;
    if (s->critics && s->t.done == 0 && as_path_exists(s->critics))
        rc = as_checkpoint_remove_all(s->critics, err);
    if (rc == 0)
        rc = rl_online_begin(s, err);
    if (rc == 0)
        rc = rl_log_open(s, err);
    if (rc == 0 && rl_is_stream(s))
        rc = s->labels->start(s->labels->own, err);
    if (rc < 0 || !s->t.begins_at_0 || s->t.done > 0)
        return rc;
    s->now = s->kept;
    rc = rl_exam(s, 0, err);
    s->kept = s->now;
    return rc == 0 ? training_before(&s->t, err) : rc;
}

/* ---- the run ---- */

static int record(rl *s, as_err *err)
{
    training *t = &s->t;
    int rc = training_record(t, err);
    if (rc == 0)
        rc = train_settings_record(&s->own, rl_settings, &t->record, err);
    if (rc == 0 && s->labels)
        rc = s->labels->record(s->labels->own, &t->record, err);
    if (rc == 0 && !rl_is_stream(s))
        rc = training_record_file(t, "prompts", s->own.prompts, err);
    if (rc == 0 && s->own.eval_suite)
        rc = training_record_file(t, "eval_suite", s->own.eval_suite, err);
    if (rc == 0 && s->own.ptx_data)
        rc = training_record_file(t, "ptx_data", s->own.ptx_data, err);
    if (rc == 0 && s->own.critic_model)
        rc = as_cli_record_model(&t->record, "critic_model/", s->own.critic_model, err);
    if (rc == 0)
        rc = rl_online_record(s, err);
    for (uint32_t i = 0; rc == 0 && i < as_reward_n_parts(s->reward); i++) {
        char name[200];
        (void)snprintf(name, sizeof name, "verifier %s", as_reward_part_name(s->reward, i));
        as_run_record_hash(&t->record, name,
                           as_scorer_file_hash(as_reward_part_scorer(s->reward, i)));
    }
    return rc;
}

static const train_ops ops = { .step = step,
                               .begin = begin,
                               .save = save,
                               .load = load,
                               .progress = rl_progress,
                               .say = rl_say,
                               .show = rl_show };

static int train(rl *s, as_err *err)
{
    int rc = load_models(s, err);
    if (rc == 0 && s->own.ptx_data)
        rc = read_ptx(s, err);
    if (rc == 0)
        rc = open_passes(s, err);
    if (rc == 0)
        rc = open_order(s, err);
    if (rc == 0)
        rc = record(s, err);
    if (rc < 0)
        return rc;
    keep_all(s);
    s->t.begins_at_0 = s->own.eval_suite && s->own.eval_before;
    s->critics = s->critic.optimizer ? as_path_join(s->t.opts->out, "critic") : NULL;
    if (s->critic.optimizer && !s->critics)
        return as_fail(err, AS_ENOMEM, "out of memory");
    rc = training_folder(&s->t, err);
    return rc == 0 ? training_run(&s->t, err) : rc;
}

static int open_all(rl *s, const train_opts *o, const cJSON *tree, cJSON **layers, const char *file,
                    as_err *err)
{
    int rc = rl_config_read(&s->own, &s->common, layers, tree, file, err);
    if (rc == 0)
        rc = rl_guards_read(&s->guards, &s->own, file, err);
    if (rc == 0)
        rc = rl_online_read(s, file, err);
    if (rc < 0)
        return rc;
    s->options = rl_options_of(&s->own, &s->common);
    if (s->own.algo == RL_PPO && s->own.critic == RL_CRITIC_HEAD)
        s->t.model.heads = AS_HEADS_BOTH;
    rc = training_open(&s->t, o, &s->common, err);
    if (rc == 0)
        rc = read_data(s, file, err);
    if (rc == 0)
        rc = open_critic(s, err);
    if (rc == 0)
        rc = rl_online_open(s, err);
    if (rc == 0)
        rc = open_reward(s, err);
    if (rc == 0 && s->labels)
        rc = s->labels->open(s->labels->own, s, err);
    return rc == 0 && s->own.eval_suite ? rl_exam_open(s, err) : rc;
}

static void close_all(rl *s)
{
    void *const arrays[] = { s->stops,  s->picked, s->items,        s->graded,  s->score,
                             s->is_out, s->share,  s->greedy_score, s->critics, s->labelled };
    if (s->labels)
        s->labels->close(s->labels->own);
    as_reward_close(s->reward);
    as_scorer_close(s->exam_scorer);
    as_cache_close(s->cache);
    if (s->registry)
        as_registry_close(s->registry);
    (void)as_growing_close(&s->log, NULL);
    as_rl_free(s->steps);
    as_generator_free(s->generator);
    as_run_free(s->run);
    as_run_free(s->reference_run);
    as_run_free(s->critic_run);
    rl_online_close(s);
    if (s->region.memory)
        as_region_fini(&s->region);
    train_model_close(&s->reference);
    train_model_close(&s->critic);
    as_rollouts_fini(&s->rollouts);
    as_rollouts_fini(&s->more);
    as_rollouts_fini(&s->greedy);
    as_order_fini(&s->order);
    as_sft_data_fini(&s->ptx);
    as_arena_fini(&s->texts);
    as_arena_fini(&s->exam_arena);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    as_suite_fini(&s->suite);
    as_suite_fini(&s->exam_suite);
    training_close(&s->t);
}

int train_rl(const train_opts *o, const cJSON *tree, const char *file, as_err *err)
{
    return train_rl_labelled(o, tree, file, NULL, err);
}

int train_rl_labelled(const train_opts *o, const cJSON *tree, const char *file,
                      const rl_labels *labels, as_err *err)
{
    cJSON *layers[RL_LAYERS] = { NULL };
    rl *s = as_calloc(1, sizeof *s);
    if (!s)
        return as_fail(err, AS_ENOMEM, "out of memory");
    s->t.ops = &ops;
    s->t.own = s;
    s->labels = labels;
    s->log.fd = -1;
    s->exam_avg = NAN;
    as_arena_init(&s->texts, 0);
    as_arena_init(&s->exam_arena, 0);
    int rc = open_all(s, o, tree, layers, file, err);
    if (rc == 0)
        rc = rl_plan(s, err);
    if (rc == 0 && !o->quiet)
        rl_say_counts(s);
    if (rc == 0 && !o->dry_run)
        rc = train(s, err);
    close_all(s);
    as_free(s);
    for (size_t i = 0; i < RL_LAYERS; i++)
        cJSON_Delete(layers[i]);
    return rc;
}
