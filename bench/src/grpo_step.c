/* grpo_step.c -- our side of bench/grpo_step_vs_trl and of gpu_check: whole steps of GRPO as `assay
 * train` makes them, responses sampled, scored as they end, one update, when told to. A line of
 * input:
 *
 * "load MODEL THREADS SUITE EACH LENGTH [DEVICE TYPE TOKENS]": a Hugging Face folder (or a shape of
 * bench_model.h); SUITE: lines {"id","prompt"} (or PROMPTS,LENGTH: random ids), of which each step
 * takes all, with EACH responses of LENGTH tokens to each; passes of an update have TOKENS, and the
 * sampler writes all responses at a time where TOKENS is given.
 *
 * "reward NAME FILE": a verifier by its name, and what it is given: lines {"prompt","completion",
 * "reference"}, one for each response of a step, since random weights say nothing worth a look.
 *
 * "step SEED NAME|none": one step, with that verifier or without. What the update learns from is
 * the same in both: a reward made up from the tokens.
 *
 * A line of output: JSON, of a step its seconds, by the wall and of the process's CPU time, and the
 * wall's of each phase. SPDX-License-Identifier: Apache-2.0 */
#include "bench_model.h"

#include "base/clock.h"
#include "base/jspan.h"
#include "base/mem.h"
#include "base/rng.h"
#include "data/jsonl.h"
#include "model/weights_io.h"
#include "reward/reward.h"
#include "train/rl.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

enum { MICRO_TOKENS = 4096, MOST_ROWS = 1024, MOST_REWARDS = 4 };

typedef struct verifier {
    char name[32];
    as_reward *reward;
    as_reward_item items[MOST_ROWS];
    size_t n_items;
} verifier;

typedef struct side {
    as_weights_index *index;
    as_tokenizer *tokenizer;
    k_device *dev;
    as_parameters *p;
    as_generator *generator;
    as_run *run;
    as_optimizer *optimizer;
    as_rl *rl;
    as_suite suite;
    const as_suite_item *chosen[MOST_ROWS]; /* [n_prompts] */
    size_t n_prompts;
    uint32_t each, length;
    as_suite_item drawn[MOST_ROWS]; /* prompts of random ids, where there is no suite */
    int32_t *ids;
    as_rollouts rollouts;
    double score[MOST_ROWS];
    as_registry *registry;
    verifier verifiers[MOST_REWARDS];
    size_t n_verifiers;
    const verifier *now; /* whom responses go to; NULL: nobody */
    as_arena texts;
    uint64_t step;
} side;

/* ---- what a step needs ---- */

/* Where and how a model is computed. */
typedef struct place {
    const char *device, *type;
    int n_threads;
    int64_t tokens; /* 0: as on the processor */
} place;

static int open_model(side *s, const char *model, const place *where, as_err *err)
{
    const as_parameters_options how = { .type = strcmp(where->type, "bf16") == 0 ? K_BF16 : K_F32,
                                        .trains = true };
    as_model_config config;
    const bool is_drawn = bench_shape(&config, model);
    int rc = bench_device_open(&s->dev, where->device, where->n_threads, false, err);
    if (rc == 0 && !is_drawn)
        rc = as_model_config_load(&config, model, err);
    if (rc == 0)
        rc = as_weights_index_new(&s->index, &config, err);
    if (rc == 0 && !is_drawn)
        rc = as_tokenizer_open(&s->tokenizer, model, err);
    if (rc == 0)
        rc = as_parameters_new(&s->p, s->index, s->dev, &how, err);
    if (rc < 0 || is_drawn)
        return rc < 0 ? rc : bench_fill(s->p, err);
    AS_CLEANUP(free) float *arena = as_calloc(s->index->n_elements, sizeof *arena);
    rc = arena ? as_weights_load(s->index, model, NULL, arena, err)
               : as_fail(err, AS_ENOMEM, "out of memory");
    return rc == 0 ? as_parameters_set(s->p, arena, AS_F32, err) : rc;
}

static int open_step(side *s, const place *where, as_err *err)
{
    const int64_t tokens = where->tokens ? where->tokens : MICRO_TOKENS;
    const as_run_options limits = {
        .tokens = tokens, .seqs = MOST_ROWS, .rows = tokens, .trains = true
    };
    as_gen_options sampler = as_gen_standard();
    as_optimizer_options how = as_optimizer_standard();
    as_rl_options o = as_rl_standard();
    if (where->tokens) {
        sampler.max_seqs = (int64_t)(s->n_prompts * s->each);
        sampler.batch_tokens = tokens > sampler.max_seqs ? tokens : sampler.max_seqs;
        const int64_t longest = (int64_t)(s->chosen[0]->n_ids + s->length) / sampler.block_size + 2;
        sampler.n_blocks = sampler.max_seqs * longest; /* not of the model's longest sequences */
    }
    how.weight_decay = 0;
    o.schedule.peak = 1e-6;
    o.longest = s->length;
    int rc = as_generator_new(&s->generator, s->p, s->tokenizer, &sampler, err);
    if (rc == 0)
        rc = as_run_new(&s->run, s->p, &limits, err);
    if (rc == 0)
        rc = as_optimizer_new(&s->optimizer, s->p, NULL, &how, err);
    const as_rl_parts parts = { .optimizer = s->optimizer, .run = s->run, .limits = limits };
    return rc == 0 ? as_rl_new(&s->rl, &parts, &o, err) : rc;
}

static int draw_prompts(side *s, const char *sizes, as_err *err)
{
    char *end;
    as_rng r = as_rng_at(3, 3);
    const unsigned long n = strtoul(sizes, &end, 10);
    const unsigned long length = *end == ',' ? strtoul(end + 1, &end, 10) : 0;
    if (*end || n == 0 || n > MOST_ROWS || length == 0 || length > MICRO_TOKENS)
        return as_fail(err, AS_EUSAGE, "%s: not PROMPTS,LENGTH", sizes);
    s->ids = as_calloc(n * length, sizeof *s->ids);
    if (!s->ids)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (size_t i = 0; i < n * length; i++)
        s->ids[i] = (int32_t)as_rng_below(&r, (uint64_t)s->index->config.vocab);
    for (size_t i = 0; i < n; i++)
        s->drawn[i] = (as_suite_item){
            .id = AS_LIT("0"), .ids = s->ids + i * length, .n_ids = length, .key = i
        };
    s->n_prompts = n;
    return 0;
}

static int load(side *s, const char *model, const char *suite, const place *where, as_err *err)
{
    int rc = open_model(s, model, where, err);
    const as_suite_reading how = { .tokenizer = s->tokenizer };
    if (rc == 0 && !s->tokenizer)
        rc = draw_prompts(s, suite, err);
    else if (rc == 0)
        rc = as_suite_read(&s->suite, suite, &how, err);
    if (s->tokenizer)
        s->n_prompts = s->suite.n;
    if (rc == 0 && s->n_prompts * s->each > MOST_ROWS)
        rc = as_fail(err, AS_EUSAGE, "more than %d responses", MOST_ROWS);
    for (size_t i = 0; rc == 0 && i < s->n_prompts; i++)
        s->chosen[i] = s->tokenizer ? &s->suite.items[i] : &s->drawn[i];
    if (rc == 0)
        rc = open_step(s, where, err);
    if (rc == 0)
        printf("{\"parameters\":%zu,\"prompt_tokens\":%zu,\"taken_bytes\":%.0f}\n",
               s->index->n_params, s->chosen[0]->n_ids, bench_memory(s->dev));
    return rc;
}

/* ---- verifiers ---- */

static as_str text_of(side *s, as_jspan line, const char *key)
{
    const as_jspan value = as_jobject_get(line, key);
    return value.kind == AS_J_STRING ? as_jstring(value, &s->texts, NULL)
                                     : as_arena_str(&s->texts, value.text);
}

static int take_line(void *ctx, as_str line, uint64_t no, as_err *err)
{
    (void)no;
    side *s = ctx;
    verifier *v = &s->verifiers[s->n_verifiers];
    as_jspan object;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0 || v->n_items == MOST_ROWS)
        return rc;
    v->items[v->n_items++] = (as_reward_item){ .id = AS_LIT("0"),
                                               .prompt = text_of(s, object, "prompt"),
                                               .completion = text_of(s, object, "completion"),
                                               .reference = text_of(s, object, "reference") };
    return 0;
}

static int add_verifier(side *s, const char *name, const char *file, as_err *err)
{
    verifier *v = &s->verifiers[s->n_verifiers];
    const as_reward_options how = { .timeout_ms = 10000, .max_unscored = 1 };
    AS_CLEANUP(cjson) cJSON *spec = cJSON_CreateString(name);
    if (s->n_verifiers == MOST_REWARDS || !spec)
        return as_fail(err, AS_EUSAGE, "no room for another verifier");
    if (!s->registry && as_registry_open(&s->registry, NULL, err) < 0)
        return err->code;
    (void)snprintf(v->name, sizeof v->name, "%s", name);
    int rc = as_lines_each(file, take_line, s, err);
    if (rc == 0)
        rc = as_reward_open(&v->reward, s->registry, spec, &how, err);
    if (rc < 0)
        return rc;
    s->n_verifiers++;
    printf("{\"items\":%zu}\n", v->n_items);
    return 0;
}

static const verifier *find_verifier(const side *s, const char *name)
{
    for (size_t i = 0; i < s->n_verifiers; i++)
        if (strcmp(s->verifiers[i].name, name) == 0)
            return &s->verifiers[i];
    return NULL;
}

/* ---- a step ---- */

static int put_response(void *ctx, const as_rollouts *r, size_t row, as_err *err)
{
    side *s = ctx;
    const as_rollout *response = &r->rows[row];
    s->score[row] = r->ids[response->begin + response->n - 1] % 2;
    if (!s->now)
        return 0;
    as_reward_item item = s->now->items[row % s->now->n_items];
    item.group = response->group;
    item.seed = row;
    return as_reward_put(s->now->reward, (uint32_t)row, &item, err);
}

static double cpu_seconds(void)
{
    struct timespec t;
    (void)clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec + (double)t.tv_nsec * 1e-9;
}

static double since(int64_t *mark)
{
    const int64_t before = *mark;
    *mark = as_now_ns();
    return (double)(*mark - before) * 1e-9;
}

/* How many of the scored rows passed, so that one can see that the verifier did its work. */
static int wait_for(side *s, size_t *n_passed, as_err *err)
{
    const as_reward_row *rows = NULL;
    int rc = s->now ? as_reward_wait(s->now->reward, &rows, err) : 0;
    for (size_t i = 0; rc == 0 && rows && i < s->rollouts.n; i++)
        *n_passed += rows[i].verdict == ASSAY_PASS;
    return rc;
}

static int step(side *s, uint64_t seed, const char *name, as_err *err)
{
    const as_sampling how = {
        .temperature = 1, .top_p = 1, .max_tokens = s->length, .seed = seed, .ignores_eos = true
    };
    const as_rollout_io io = { .done = put_response, .ctx = s };
    const as_rl_rewards rewards = { .score = s->score };
    as_rl_stats stats = { 0 };
    size_t n_passed = 0;
    const double cpu = cpu_seconds();
    int64_t mark = as_now_ns();
    const int64_t start = mark;
    s->now = find_verifier(s, name);
    int rc =
        s->now ? as_reward_begin(s->now->reward, (uint32_t)s->n_prompts * s->each, s->each, err) : 0;
    if (rc == 0)
        rc = as_rollouts_generate(&s->rollouts, s->generator, &how, s->chosen, s->n_prompts, s->each,
                                  &io, err);
    const double generate = since(&mark);
    if (rc == 0)
        rc = wait_for(s, &n_passed, err);
    const double wait = since(&mark);
    if (rc == 0)
        rc = as_rl_step(s->rl, ++s->step, &s->rollouts, &rewards, &stats, err);
    const double update = since(&mark);
    if (rc == 0)
        printf("{\"wall_s\":%.6f,\"cpu_s\":%.6f,\"generate_s\":%.6f,\"score_s\":%.6f,"
               "\"update_s\":%.6f,\"tokens\":%zu,\"learned\":%llu,\"passed\":%zu}\n",
               (double)(mark - start) * 1e-9, cpu_seconds() - cpu, generate, wait, update,
               s->rollouts.n_ids, (unsigned long long)stats.tokens, n_passed);
    return rc;
}

/* ---- lines ---- */

static int run(side *s, char *line, as_err *err)
{
    char what[16] = "", a[1600] = "", b[1600] = "", c[1600] = "", d[32] = "", e[32] = "";
    char device[32] = "cpu", type[32] = "fp32", tokens[32] = "0";
    (void)sscanf(line, "%15s %1599s %1599s %1599s %31s %31s %31s %31s %31s", what, a, b, c, d, e,
                 device, type, tokens);
    if (strcmp(what, "reward") == 0)
        return add_verifier(s, a, b, err);
    if (strcmp(what, "step") == 0)
        return step(s, strtoul(a, NULL, 10), b, err);
    s->each = (uint32_t)strtoul(d, NULL, 10);
    s->length = (uint32_t)strtoul(e, NULL, 10);
    const place where = { .device = device,
                          .type = type,
                          .n_threads = (int)strtoul(b, NULL, 10),
                          .tokens = (int64_t)strtoul(tokens, NULL, 10) };
    return load(s, a, c, &where, err);
}

static void fini(side *s)
{
    for (size_t i = 0; i < s->n_verifiers; i++)
        as_reward_close(s->verifiers[i].reward);
    as_registry_close(s->registry);
    as_rollouts_fini(&s->rollouts);
    as_suite_fini(&s->suite);
    as_rl_free(s->rl);
    as_optimizer_free(s->optimizer);
    as_run_free(s->run);
    as_generator_free(s->generator);
    as_parameters_free(s->p);
    as_tokenizer_free(s->tokenizer);
    as_weights_index_free(s->index);
    k_device_close(s->dev);
    as_arena_fini(&s->texts);
    as_free(s->ids);
}

int main(void)
{
    static char line[8192];
    static side s;
    as_err err = { 0 };
    int rc = 0;
    as_arena_init(&s.texts, 0);
    while (rc == 0 && fgets(line, sizeof line, stdin)) {
        rc = run(&s, line, &err);
        (void)fflush(stdout);
    }
    if (rc < 0)
        (void)fprintf(stderr, "grpo_step: %s\n", err.text);
    fini(&s);
    return rc < 0 ? 1 : 0;
}
