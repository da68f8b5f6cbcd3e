/* train_rl_exam.c -- a suite that is held out, put to the model every few steps: its measures, and
 * the best step so far. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/rng.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

int rl_name_verifier(const cJSON *spec, as_buf *out, as_err *err)
{
    const cJSON *first = cJSON_IsArray(spec) ? spec->child : spec;
    const cJSON *plugin = cJSON_GetObjectItemCaseSensitive(first, "plugin");
    const cJSON *config = cJSON_GetObjectItemCaseSensitive(first, "config");
    if (cJSON_IsString(first))
        as_buf_text(out, first->valuestring);
    else if (cJSON_IsString(plugin))
        as_buf_text(out, plugin->valuestring);
    if (config) {
        as_buf_byte(out, ':');
        as_json_print(config, out);
    }
    return as_buf_check(out, err);
}

int rl_exam_open(rl *s, as_err *err)
{
    const as_scorer_options how = { .isolation =
                                        as_scorer_isolation(as_reward_part_scorer(s->reward, 0)),
                                    .threads = (unsigned)s->t.opts->threads,
                                    .timeout_ms = (unsigned)s->own.timeout_ms,
                                    .cache = s->cache,
                                    .cancel = as_cli_cancel() };
    AS_CLEANUP(buf) as_buf name = { 0 };
    as_buf_init(&name, 1 << 20);
    int rc = 0;
    if (s->own.eval_plugin)
        as_buf_text(&name, s->own.eval_plugin);
    else
        rc = rl_name_verifier(s->own.reward, &name, err);
    return rc == 0 ? as_scorer_open(&s->exam_scorer, s->registry, name.data, &how, err) : rc;
}

static int check(void *ctx, as_err *err)
{
    (void)ctx;
    return as_cancel_check(as_cli_cancel(), err);
}

static void put_measures(rl *s, const as_exam_result *r)
{
    as_metrics *m = s->t.metrics;
    char name[60];
    (void)snprintf(name, sizeof name, "val/avg@%" PRIu64, s->own.eval_n);
    as_metrics_put(m, name, r->sum.avg.mean);
    as_metrics_put(m, "val/avg_low", r->sum.avg.low);
    as_metrics_put(m, "val/avg_high", r->sum.avg.high);
    for (size_t i = 0; i < r->sum.n_rows; i++) {
        const as_passk_row *row = &r->sum.rows[i];
        (void)snprintf(name, sizeof name, "val/pass@%" PRIu64, row->k);
        as_metrics_put(m, name, row->pass.mean);
        (void)snprintf(name, sizeof name, "val/maj@%" PRIu64, row->k);
        if (r->has_keys)
            as_metrics_put(m, name, row->maj.mean);
    }
    as_metrics_put(m, "val/unscored", r->unscored);
    as_metrics_put(m, "val/response_length", r->length_mean);
    as_metrics_put(m, "val/truncated",
                   (double)r->finish[AS_FINISH_LENGTH].n / (double)r->n_samples);
    as_metrics_put(m, "val/entropy", r->entropy_mean);
}

int rl_exam(rl *s, uint64_t step, as_err *err)
{
    const as_exam_options how = {
        .n = (uint32_t)s->own.eval_n,
        .sampling = { .temperature = (float)s->own.eval_temperature,
                      .top_p = (float)s->own.eval_top_p,
                      .max_tokens = (uint32_t)s->own.max_response_length,
                      .seed = as_seed_of(s->common.seed, AS_LIT("exam"),
                                         0), /* the same draws each time */
                      .stops = s->stops,
                      .n_stops = (size_t)cJSON_GetArraySize(s->own.stop) },
        .cancel = as_cli_cancel(),
        .check = check
    };
    as_exam_result r;
    const int64_t start = as_now_ns();
    as_arena_reset(&s->exam_arena);
    int rc = as_exam(&r, s->generator, &s->exam_suite, s->exam_scorer, &how, &s->exam_arena, err);
    s->exam_s = (double)(as_now_ns() - start) / 1e9;
    if (rc < 0)
        return rc;
    put_measures(s, &r);
    s->exam_avg = r.sum.avg.mean;
    s->has_exam = true;
    if (!(s->exam_avg > s->now.best))
        return 0;
    s->now.best = s->exam_avg;
    s->now.best_step = step;
    s->t.wants_save = step > 0;
    return 0;
}
