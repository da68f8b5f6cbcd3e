/* rl_peer.c -- one step of reinforcement learning on responses and rewards that are given, for
 * comparison with other trainers.
 *
 * rl_peer JOB.json
 * {"model","reference"?,"out","prompts":[[ID...]...],"each":N,"completions":[[ID...]...] in the
 * order of the prompts,"rewards":[NUMBER...],...}, options by the names of `settings` below; prints
 * what the step says of itself as JSON, and writes the new weights as the folder `out`
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "model/weights_io.h"
#include "train/rl.h"
#include "train/settings.h"

#include <stdio.h>

enum { SEQS = 5, TOKENS = 64 }; /* of a micro-batch: small, so that there are several */

typedef struct job {
    const char *model, *reference, *out;
    const cJSON *prompts, *completions, *rewards;
    uint64_t each, longest, epochs;
    int aggregation, scale;
    double advantage_eps, clip_low, clip_high, kl_coef, entropy_coef, temperature, lr, clip_grad,
        weight_decay;
    bool is_sequence, kl_with_ratio;
} job;

#define AT(member) .offset = offsetof(job, member)
static const as_setting settings[] = {
    { .key = "model", .type = AS_SETTING_TEXT, AT(model) },
    { .key = "reference", .type = AS_SETTING_TEXT, AT(reference) },
    { .key = "out", .type = AS_SETTING_TEXT, AT(out) },
    { .key = "prompts", .type = AS_SETTING_ANY, AT(prompts) },
    { .key = "completions", .type = AS_SETTING_ANY, AT(completions) },
    { .key = "rewards", .type = AS_SETTING_ANY, AT(rewards) },
    { .key = "each", .type = AS_SETTING_UINT, AT(each), .least = 1, .most = 64 },
    { .key = "longest", .type = AS_SETTING_UINT, AT(longest), .least = 1, .most = 64 },
    { .key = "epochs", .type = AS_SETTING_UINT, AT(epochs), .least = 1, .most = 100 },
    { .key = "aggregation",
      .type = AS_SETTING_CHOICE,
      AT(aggregation),
      .choices = "token_mean|seq_mean_token_sum|seq_mean_token_mean|seq_sum_norm|seq_mean_norm" },
    { .key = "scale", .type = AS_SETTING_CHOICE, AT(scale), .choices = "none|group|batch" },
    { .key = "advantage_eps", .type = AS_SETTING_NUMBER, AT(advantage_eps), .most = 1 },
    { .key = "clip_low", .type = AS_SETTING_NUMBER, AT(clip_low), .most = 1 },
    { .key = "clip_high", .type = AS_SETTING_NUMBER, AT(clip_high), .most = 10 },
    { .key = "kl_coef", .type = AS_SETTING_NUMBER, AT(kl_coef), .most = 10 },
    { .key = "entropy_coef", .type = AS_SETTING_NUMBER, AT(entropy_coef), .most = 10 },
    { .key = "temperature", .type = AS_SETTING_NUMBER, AT(temperature), .most = 10 },
    { .key = "lr", .type = AS_SETTING_NUMBER, AT(lr), .most = 10 },
    { .key = "clip_grad", .type = AS_SETTING_NUMBER, AT(clip_grad), .most = 1e9 },
    { .key = "weight_decay", .type = AS_SETTING_NUMBER, AT(weight_decay), .most = 10 },
    { .key = "is_sequence", .type = AS_SETTING_BOOL, AT(is_sequence) },
    { .key = "kl_with_ratio", .type = AS_SETTING_BOOL, AT(kl_with_ratio) },
    { .key = NULL }
};

typedef struct policy {
    as_weights_index *index;
    float *arena;
    as_parameters *p;
    as_run *run;
} policy;

typedef struct step {
    job j;
    k_device *dev;
    as_run_options limits;
    policy learner, frozen;
    as_optimizer *optimizer;
    as_rl *rl;
    as_arena memory;
    as_rollouts rollouts;
    double *score;
} step;

/* ---- what is given ---- */

static int32_t *ids_of(step *s, const cJSON *list, size_t *n)
{
    *n = (size_t)cJSON_GetArraySize(list);
    int32_t *ids = as_arena_calloc(&s->memory, *n + 1, sizeof *ids);
    size_t i = 0;
    for (const cJSON *id = ids ? list->child : NULL; id; id = id->next)
        ids[i++] = (int32_t)id->valuedouble;
    return ids;
}

static int make_groups(step *s, as_err *err)
{
    const size_t n = (size_t)cJSON_GetArraySize(s->j.prompts);
    as_suite_item *items = as_arena_calloc(&s->memory, n + 1, sizeof *items);
    s->rollouts.items = as_arena_calloc(&s->memory, n + 1, sizeof *s->rollouts.items);
    s->rollouts.n_groups = n;
    s->rollouts.each = (size_t)s->j.each;
    s->rollouts.n = n * s->rollouts.each;
    if (!items || !s->rollouts.items)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t g = 0; g < n; g++) {
        items[g].ids = ids_of(s, cJSON_GetArrayItem(s->j.prompts, (int)g), &items[g].n_ids);
        items[g].key = g;
        s->rollouts.items[g] = &items[g];
        if (!items[g].ids)
            return as_fail(err, AS_ENOMEM, "out of memory");
    }
    return 0;
}

static int make_rows(step *s, as_err *err)
{
    as_rollouts *r = &s->rollouts;
    const cJSON *all = s->j.completions;
    if ((size_t)cJSON_GetArraySize(all) != r->n || (size_t)cJSON_GetArraySize(s->j.rewards) != r->n)
        return as_fail(err, AS_EDATA, "%zu completions and rewards are expected", r->n);
    for (size_t i = 0; i < r->n; i++)
        r->n_ids += (size_t)cJSON_GetArraySize(cJSON_GetArrayItem(all, (int)i));
    r->rows = as_arena_calloc(&s->memory, r->n, sizeof *r->rows);
    r->ids = as_arena_calloc(&s->memory, r->n_ids + 1, sizeof *r->ids);
    r->logp = as_arena_calloc(&s->memory, r->n_ids + 1, sizeof *r->logp);
    r->entropy = as_arena_calloc(&s->memory, r->n_ids + 1, sizeof *r->entropy);
    s->score = as_arena_calloc(&s->memory, r->n, sizeof *s->score);
    if (!r->rows || !r->ids || !r->logp || !r->entropy || !s->score)
        return as_fail(err, AS_ENOMEM, "out of memory");
    size_t at = 0;
    for (size_t i = 0; i < r->n; i++) {
        size_t n = 0;
        const int32_t *ids = ids_of(s, cJSON_GetArrayItem(all, (int)i), &n);
        if (!ids)
            return as_fail(err, AS_ENOMEM, "out of memory");
        r->rows[i] = (as_rollout){ .group = (uint32_t)(i / r->each),
                                   .sample = (uint32_t)(i % r->each),
                                   .begin = at,
                                   .n = (uint32_t)n,
                                   .text = AS_LIT("") };
        memcpy(r->ids + at, ids, n * sizeof *ids);
        at += n;
        s->score[i] = cJSON_GetArrayItem(s->j.rewards, (int)i)->valuedouble;
    }
    return 0;
}

/* ---- models ---- */

static int open_policy(step *s, policy *m, const char *folder, bool trains, as_err *err)
{
    const as_parameters_options how = { .type = K_F32, .trains = trains };
    as_run_options limits = s->limits;
    as_model_config c;
    limits.trains = trains;
    int rc = as_model_config_load(&c, folder, err);
    if (rc == 0)
        rc = as_weights_index_new(&m->index, &c, err);
    if (rc < 0)
        return rc;
    m->arena = as_calloc(m->index->n_elements, sizeof *m->arena);
    rc = m->arena ? as_weights_load(m->index, folder, NULL, m->arena, err)
                  : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0)
        rc = as_parameters_new(&m->p, m->index, s->dev, &how, err);
    if (rc == 0)
        rc = as_parameters_set(m->p, m->arena, AS_F32, err);
    return rc == 0 ? as_run_new(&m->run, m->p, &limits, err) : rc;
}

static void close_policy(policy *m)
{
    as_run_free(m->run);
    as_parameters_free(m->p);
    as_free(m->arena);
    as_weights_index_free(m->index);
}

static as_rl_options options_of(const job *j)
{
    as_rl_options o = as_rl_standard();
    o.scale = (as_scale)j->scale;
    o.advantage_eps = j->advantage_eps;
    o.is_sequence_ratio = j->is_sequence;
    o.kl_with_ratio = j->kl_with_ratio;
    o.clip = (as_clip){ .low = j->clip_low, .high = j->clip_high };
    o.aggregation = (as_aggregation)j->aggregation;
    o.longest = (size_t)j->longest;
    o.entropy_coef = j->entropy_coef;
    o.kl_place = j->kl_coef > 0 ? AS_KL_IN_LOSS : AS_KL_OFF;
    o.kl_kind = AS_KL_K3;
    o.kl_coef = j->kl_coef;
    o.recomputes_old = true;
    o.epochs = j->epochs;
    o.temperature = j->temperature;
    o.schedule = (as_schedule){ .peak = j->lr, .decay = AS_DECAY_CONSTANT };
    return o;
}

static int make(step *s, as_err *err)
{
    const k_options threads = { .n_threads = 1 };
    int rc = k_device_open(&s->dev, "cpu", &threads);
    if (rc < 0)
        return as_fail_kernel(err, rc, "cpu");
    s->limits = (as_run_options){ .tokens = TOKENS, .seqs = SEQS, .rows = TOKENS, .trains = true };
    rc = open_policy(s, &s->learner, s->j.model, true, err);
    if (rc == 0 && s->j.reference)
        rc = open_policy(s, &s->frozen, s->j.reference, false, err);
    as_optimizer_options how = as_optimizer_standard();
    how.weight_decay = s->j.weight_decay;
    how.clip = s->j.clip_grad;
    if (rc == 0)
        rc = as_optimizer_new(&s->optimizer, s->learner.p, NULL, &how, err);
    const as_rl_options options = options_of(&s->j);
    const as_rl_parts parts = { .optimizer = s->optimizer,
                                .run = s->learner.run,
                                .limits = s->limits,
                                .reference = s->frozen.run };
    return rc == 0 ? as_rl_new(&s->rl, &parts, &options, err) : rc;
}

static int save(step *s, as_err *err)
{
    const as_weights_save_options how = { AS_F32, AS_F32, s->j.model, 0 };
    const size_t n = s->learner.index->n_elements;
    AS_CLEANUP(free) float *moments = as_calloc(2 * n, sizeof *moments);
    if (!moments)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = as_optimizer_get(s->optimizer, s->learner.arena, moments, moments + n, err);
    return rc == 0 ? as_weights_save(s->learner.index, s->learner.arena, &how, s->j.out, err) : rc;
}

static int tell(const as_rl_stats *stats, as_err *err)
{
    const struct {
        const char *key;
        double value;
    } said[] = { { "loss", stats->loss },
                 { "grad_norm", stats->grad_norm },
                 { "entropy", stats->entropy },
                 { "kl", stats->kl },
                 { "clip_fraction", stats->clip_fraction },
                 { "updates", (double)stats->updates } };
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 12);
    as_buf_byte(&out, '{');
    for (size_t i = 0; i < sizeof said / sizeof *said; i++) {
        as_buf_json_key(&out, said[i].key);
        as_buf_json_num(&out, said[i].value);
    }
    as_buf_text(&out, "}");
    int rc = as_buf_check(&out, err);
    if (rc == 0)
        (void)puts(out.data);
    return rc;
}

static int take(step *s, as_err *err)
{
    as_rl_stats stats;
    int rc = make_groups(s, err);
    if (rc == 0)
        rc = make_rows(s, err);
    if (rc == 0)
        rc = make(s, err);
    const as_rl_rewards rewards = { .score = s->score };
    if (rc == 0)
        rc = as_rl_step(s->rl, 1, &s->rollouts, &rewards, &stats, err);
    if (rc == 0)
        rc = save(s, err);
    return rc == 0 ? tell(&stats, err) : rc;
}

static int read_job(step *s, cJSON **tree, const char *path, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 24);
    int rc = as_file_read(path, &text, err);
    *tree = rc == 0 ? as_json_parse(as_buf_str(&text), path, err) : NULL;
    if (!*tree)
        return AS_EDATA;
    rc = as_settings_read(&s->j, *tree, settings, path, err);
    if (rc == 0 &&
        (!s->j.model || !s->j.out || !s->j.prompts || !s->j.completions || !s->j.rewards))
        rc = as_fail(err, AS_EUSAGE, "%s: model, out, prompts, completions and rewards are needed",
                     path);
    return rc;
}

int main(int argc, char **argv)
{
    static step s;
    AS_CLEANUP(cjson) cJSON *tree = NULL;
    as_err err = { 0 };
    s.j = (job){ .each = 1, .longest = 64, .epochs = 1, .temperature = 1 };
    as_arena_init(&s.memory, 0);
    int rc = argc == 2 ? read_job(&s, &tree, argv[1], &err)
                       : as_fail(&err, AS_EUSAGE, "usage: rl_peer JOB.json");
    if (rc == 0)
        rc = take(&s, &err);
    if (rc < 0)
        (void)fprintf(stderr, "rl_peer: %s\n", err.text);
    as_rl_free(s.rl);
    as_optimizer_free(s.optimizer);
    close_policy(&s.learner);
    close_policy(&s.frozen);
    if (s.dev)
        k_device_close(s.dev);
    as_arena_fini(&s.memory);
    return as_exit_status(rc);
}
