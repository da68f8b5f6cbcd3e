/* train_rl_show.c -- what one sees of a run of reinforcement learning: metrics by their standard
 * names, sampled rollouts, the line of progress, the summary, and the arithmetic of its counts
 * before it begins. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include "base/mem.h"
#include "base/path.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* ---- metrics ---- */

typedef struct metric {
    const char *name;
    double value;
} metric;

/* What a step had nothing of to measure is not there; what went wrong is, as null. */
static void put_all(const rl *s, const metric *all, size_t n)
{
    for (size_t i = 0; i < n; i++)
        if (!isnan(all[i].value) || s->last.skipped)
            as_metrics_put(s->t.metrics, all[i].name, all[i].value);
}
#define PUT_ALL(s, all) put_all((s), (all), sizeof(all) / sizeof *(all))

static double share(uint64_t part, uint64_t whole)
{
    return (double)part / (double)whole;
}

/* One verifier: the mean of its scores, the share it could not judge, its time. */
static void put_part(const rl *s, uint32_t p)
{
    const rl_seen *e = &s->seen;
    const char *part = as_reward_part_name(s->reward, p);
    const char *kind =
        s->labels || as_reward_part_is_watched(s->reward, p) ? "holdout" : "verifier";
    char mean[AS_METRICS_NAME_MAX], unscored[AS_METRICS_NAME_MAX], time[AS_METRICS_NAME_MAX];
    (void)snprintf(mean, sizeof mean, "%s/%.60s", kind, part);
    (void)snprintf(unscored, sizeof unscored, "%s/%.60s_unscored", kind, part);
    (void)snprintf(time, sizeof time, "timing/%s_%.60s", kind, part);
    const metric all[] = { { mean, e->part_sum[p] / (double)e->part_n[p] },
                           { unscored, share(e->part_out[p], e->part_out[p] + e->part_n[p]) },
                           { time, e->part_s[p] } };
    PUT_ALL(s, all);
}

static void put_rewards(const rl *s)
{
    const rl_seen *e = &s->seen;
    const uint64_t scored = e->rows - e->unscored;
    const double n = (double)scored, mean = e->sum / n;
    const double variance = scored > 1 ? (e->squares - n * mean * mean) / (n - 1) : 0;
    const metric all[] = { { "reward/mean", mean },
                           { "reward/std", sqrt(variance > 0 ? variance : 0) },
                           { "reward/min", scored ? e->least : (double)NAN },
                           { "reward/max", scored ? e->most : (double)NAN },
                           { "reward/pass@1", share(e->passed, scored) },
                           { "reward/unscored", share(e->unscored, e->rows) },
                           { "reward/frac_zero_std", share(e->zero, e->groups) },
                           { "reward/frac_all_0", share(e->all_0, e->groups) },
                           { "reward/frac_all_1", share(e->all_1, e->groups) } };
    PUT_ALL(s, all);
    for (uint32_t p = 0; p < as_reward_n_parts(s->reward); p++)
        put_part(s, p);
}

static void put_actor(const rl *s)
{
    const as_rl_stats *l = &s->last;
    const metric all[] = { { "actor/loss", l->loss },
                           { "actor/pg_loss", l->policy_loss },
                           { "actor/entropy", l->entropy },
                           { "actor/ppo_kl", l->ppo_kl },
                           { "actor/pg_clipfrac", l->clip_fraction },
                           { "actor/pg_clipfrac_lower", l->clip_fraction_low },
                           { "actor/ratio_min", l->ratio_min },
                           { "actor/ratio_max", l->ratio_max },
                           { "actor/grad_norm", l->grad_norm },
                           { "actor/lr", l->lr },
                           { "actor/updates", (double)l->updates },
                           { "actor/skipped", (double)l->skipped },
                           { "advantages/mean", l->advantage_mean },
                           { "advantages/min", l->advantage_min },
                           { "advantages/max", l->advantage_max } };
    const metric kl[] = { { "actor/kl", l->kl },
                          { "actor/kl_coef", l->kl_coef },
                          { "actor/kl_loss", l->kl_loss } };
    const metric critic[] = { { "critic/vf_loss", l->value_loss },
                              { "critic/vf_clipfrac", l->value_clip_fraction },
                              { "critic/vf_explained_var", l->explained_variance } };
    const metric own[] = { { "critic/grad_norm", l->critic_grad_norm },
                           { "critic/lr", l->critic_lr } };
    PUT_ALL(s, all);
    if (s->options.kl_place != AS_KL_OFF)
        PUT_ALL(s, kl);
    if (s->own.algo == RL_PPO)
        PUT_ALL(s, critic);
    if (s->critic.optimizer)
        PUT_ALL(s, own);
    if (s->options.ptx_coef > 0)
        as_metrics_put(s->t.metrics, "actor/ptx_loss", l->ptx_loss);
    if (s->options.recomputes_old)
        as_metrics_put(s->t.metrics, "actor/sampler_difference", l->sampler_difference);
}

void rl_put_metrics(rl *s)
{
    const rl_seen *e = &s->seen;
    const as_rl_stats *l = &s->last;
    const double rows = (double)e->rows;
    const metric lengths[] = { { "response_length/mean", (double)e->tokens / rows },
                               { "response_length/min", (double)e->shortest },
                               { "response_length/max", (double)e->longest },
                               { "response_length/clip_ratio", share(e->truncated, e->rows) },
                               { "prompt_length/mean", (double)e->prompt_tokens / rows },
                               { "rollout/responses", rows },
                               { "rollout/batches", (double)e->batches },
                               { "rollout/learned", (double)l->responses },
                               { "rollout/tokens", (double)e->tokens } };
    const metric times[] = { { "timing/gen", e->gen_s },
                             { "timing/reward", e->wait_s },
                             { "timing/reward_cpu", e->score_s },
                             { "timing/reward_slowest_ms", e->slowest_ms },
                             { "timing/old_log_prob", l->seconds_old },
                             { "timing/ref", l->seconds_reference },
                             { "timing/values", l->seconds_value },
                             { "timing/update_actor", l->seconds_update },
                             { "timing/eval", s->exam_s } };
    put_rewards(s);
    put_actor(s);
    PUT_ALL(s, lengths);
    PUT_ALL(s, times);
}

/* ---- sampled rollouts ---- */

int rl_log_open(rl *s, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(s->t.opts->out, "rollouts.jsonl");
    if (!path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!s->own.rollouts_every)
        return 0;
    int rc = as_growing_open(&s->log, path, false, err);
    return rc == 0 ? as_growing_cut(&s->log, s->kept.log_bytes, err) : rc;
}

static void write_row(const rl *s, uint64_t step, size_t row, as_buf *out)
{
    const as_rollout *r = &s->rollouts.rows[row];
    const as_suite_item *item = s->rollouts.items[r->group];
    const rl_graded *g = &s->graded[row];
    as_buf_addf(out, "{\"schema\":\"assay.rollout/1\",\"step\":%" PRIu64 ",\"id\":", step);
    as_buf_add(out, item->id);
    as_buf_addf(out, ",\"sample_idx\":%" PRIu32, r->sample);
    as_buf_json_key(out, "prompt");
    if (item->is_messages)
        as_buf_add(out, item->prompt);
    else
        as_buf_json_str(out, item->prompt);
    as_buf_json_key(out, "completion");
    as_buf_json_str(out, r->text);
    as_buf_json_key(out, "score");
    as_buf_json_num(out, g->is_out ? (double)NAN : g->score);
    as_buf_json_key(out, "verdict");
    as_buf_json_str(out, as_str_of(as_verdict_word(g->verdict)));
    if (g->reason.len) {
        as_buf_json_key(out, "reason");
        as_buf_json_str(out, g->reason);
    }
    as_buf_json_key(out, "finish_reason");
    as_buf_json_str(out, as_str_of(as_finish_text(r->finish)));
    as_buf_addf(out, ",\"n_tokens\":%" PRIu32 "}\n", r->n);
}

/* So many rows, spread over all groups. */
int rl_log_rollouts(rl *s, uint64_t step, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    const size_t n = s->rollouts.n;
    size_t most = (size_t)s->own.rollouts_logged;
    as_buf_init(&out, (size_t)1 << 28);
    most = most < n ? most : n;
    if (!s->own.rollouts_every || (step % s->own.rollouts_every != 0 && step != 1) || !most)
        return 0;
    for (size_t i = 0; i < most; i++)
        write_row(s, step, i * n / most, &out);
    int rc = as_buf_check(&out, err);
    if (rc == 0)
        rc = as_growing_put(&s->log, as_buf_str(&out), err);
    if (rc == 0)
        rc = as_growing_sync(&s->log, err);
    s->now.log_bytes += out.len;
    return rc;
}

/* ---- what is printed ---- */

void rl_progress(const void *ctx, char *out, size_t size)
{
    const rl *s = ctx;
    const rl_seen *e = &s->seen;
    const uint64_t scored = e->rows - e->unscored;
    const double kl = s->options.kl_place != AS_KL_OFF ? s->last.kl : s->last.ppo_kl;
    char of_kl[AS_TEXT_MAX] = "-"; /* nothing was in the loss */
    char saved[AS_TEXT_MAX] = "";
    if (s->labels && s->labels->more)
        (void)snprintf(saved, sizeof saved, "  votes saved %.0f %%",
                       100 * share(e->saved, e->saved + e->rows));
    if (s->labels && s->labels->progress) {
        s->labels->progress(s->labels->own, out, size);
        return;
    }
    if (isfinite(kl))
        (void)snprintf(of_kl, sizeof of_kl, "%.2g", kl);
    (void)snprintf(out, size, "reward %.3f  pass@1 %.3f  entropy %.3f  KL %s%s",
                   e->sum / (double)scored, share(e->passed, scored), s->last.entropy, of_kl,
                   saved);
}

void rl_say(const void *ctx)
{
    const rl *s = ctx;
    const rl_seen *e = &s->seen;
    const uint64_t scored = e->rows - e->unscored;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX];
    if (s->t.done == s->t.first)
        return;
    as_cli_say("reward %.4f, pass@1 %.4f, %.1f tokens a response at the last step; %s responses, "
               "%s updates in all",
               e->sum / (double)scored, share(e->passed, scored),
               (double)e->tokens / (double)e->rows, as_text_count(a, s->kept.rows),
               as_text_count(b, s->kept.updates));
    if (s->labels)
        s->labels->say(s->labels->own);
    if (isfinite(s->kept.best))
        as_cli_say("held   avg@%" PRIu64 " %.4f on %s, best %.4f at step %" PRIu64, s->own.eval_n,
                   s->exam_avg, s->own.eval_suite, s->kept.best, s->kept.best_step);
    if (e->slowest_ms >= 1)
        as_cli_say("slowest to score: %s, %.1f ms", e->slowest, e->slowest_ms);
}

void rl_show(const void *ctx, as_buf *json)
{
    const rl *s = ctx;
    const rl_seen *e = &s->seen;
    const bool has_step = s->t.done > s->t.first;
    const double n = has_step ? (double)(e->rows - e->unscored) : 0;
    as_buf_json_key(json, "reward");
    as_buf_json_num(json, n > 0 ? e->sum / n : (double)NAN);
    as_buf_json_key(json, "pass@1");
    as_buf_json_num(json, n > 0 ? (double)e->passed / n : (double)NAN);
    as_buf_json_key(json, "responses");
    as_buf_u64(json, s->kept.rows);
    as_buf_json_key(json, "updates");
    as_buf_u64(json, s->kept.updates);
    if (s->labels && s->labels->show)
        s->labels->show(s->labels->own, json);
    if (!isfinite(s->kept.best))
        return;
    as_buf_json_key(json, "avg");
    as_buf_json_num(json, s->exam_avg);
    as_buf_json_key(json, "best");
    as_buf_json_num(json, s->kept.best);
    as_buf_json_key(json, "best_step");
    as_buf_u64(json, s->kept.best_step);
}

void rl_say_counts(const rl *s)
{
    const rl_config *c = &s->own;
    const uint64_t rows = c->train_batch_size * c->n, sampled = c->train_batch_size * rl_each(s);
    const uint64_t mini = c->mini_batch ? c->mini_batch : c->train_batch_size;
    const uint64_t per_epoch = c->train_batch_size / mini, updates = per_epoch * c->epochs;
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX], d[AS_TEXT_MAX];
    if (rl_is_stream(s))
        as_cli_say("prompts    as they come, of up to %zu tokens", s->suite.longest);
    else
        as_cli_say(
            "prompts    %s of %s%s%s, the longest of %zu tokens", as_text_count(a, s->suite.n),
            c->prompts, s->suite.n_too_long ? ", less those over max_prompt_length: " : "",
            s->suite.n_too_long ? as_text_count(b, s->suite.n_too_long) : "", s->suite.longest);
    as_cli_say("a step     %" PRIu64 " prompts x %" PRIu64 " = %s responses of up to %" PRIu64
               " tokens; mini-batches of %" PRIu64 " prompts (%s responses): %" PRIu64 " x %" PRIu64
               " epochs = %" PRIu64 " updates",
               c->train_batch_size, c->n, as_text_count(a, rows), c->max_response_length, mini,
               as_text_count(b, mini * c->n), per_epoch, c->epochs, updates);
    if (s->labels)
        as_cli_say("           labels by the vote of %s%" PRIu64
                   " responses to each; the first %" PRIu64 " are trained on",
                   s->labels->more ? "up to " : "", s->labels->each, c->n);
    if (c->zero_groups == AS_ZERO_RESAMPLE)
        as_cli_say("           up to %" PRIu64 " batches of %" PRIu64
                   " prompts are sampled for it: %s responses",
                   c->max_gen_batches, c->gen_batch_size,
                   as_text_count(a, c->max_gen_batches * c->gen_batch_size * rl_each(s)));
    if (rl_is_stream(s))
        return;
    as_cli_say("the run    %s steps: %s responses, %s updates, %.1f epochs of the prompts",
               as_text_count(a, s->common.steps), as_text_count(b, sampled * s->common.steps),
               as_text_count(d, updates * s->common.steps),
               (double)s->common.steps * (double)c->train_batch_size / (double)s->suite.n);
}
