/* train_rl_config.c -- the keys of reinforcement learning: which there are, what they are by
 * default, what goes together. A key that would change nothing is refused. SPDX-License-Identifier:
 * Apache-2.0 */
#include "cli/train_rl.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define AT(name, t, m) .key = (name), .type = (t), .offset = offsetof(rl_config, m)
#define TEXT(name, m)                                                                              \
    {                                                                                              \
        AT(name, AS_SETTING_TEXT, m)                                                               \
    }
#define ANY(name, m)                                                                               \
    {                                                                                              \
        AT(name, AS_SETTING_ANY, m)                                                                \
    }
#define BOOL(name, m)                                                                              \
    {                                                                                              \
        AT(name, AS_SETTING_BOOL, m)                                                               \
    }
#define WORD(name, m, words)                                                                       \
    {                                                                                              \
        AT(name, AS_SETTING_CHOICE, m), .choices = (words)                                         \
    }
#define UINT(name, m, low, high)                                                                   \
    {                                                                                              \
        AT(name, AS_SETTING_UINT, m), .least = (low), .most = (high)                               \
    }
#define NUMBER(name, m, low, high)                                                                 \
    {                                                                                              \
        AT(name, AS_SETTING_NUMBER, m), .least = (low), .most = (high)                             \
    }

const as_setting rl_settings[] = {
    TEXT("preset", preset),
    TEXT("prompts", prompts),
    BOOL("as_chat", as_chat),
    UINT("limit", limit, 0, 1e12),
    ANY("reward", reward),
    ANY("holdout", holdout),
    ANY("rm", rm),
    WORD("isolation", isolation, "auto|inproc|worker|jail"),
    UINT("timeout_ms", timeout_ms, 1, 86400000),
    ANY("max_unscored", max_unscored_share),
    UINT("unscored_window", unscored_window, 1, AS_REWARD_WINDOW),
    /* responses */
    UINT("train_batch_size", train_batch_size, 1, 1e6),
    UINT("gen_batch_size", gen_batch_size, 1, 1e6),
    UINT("n", n, 1, 65536),
    UINT("max_prompt_length", max_prompt_length, 1, 1e6),
    UINT("max_response_length", max_response_length, 1, 1e6),
    UINT("max_seqs", max_seqs, 1, 65536),
    NUMBER("temperature", temperature, 0.01, 100),
    NUMBER("top_p", top_p, 1e-6, 1),
    NUMBER("min_p", min_p, 0, 1),
    UINT("top_k", top_k, 0, 1e9),
    ANY("stop", stop),
    WORD("order", order, "shuffle|file|curriculum"),
    NUMBER("curriculum_floor", order_floor, 0, 1),
    NUMBER("curriculum_momentum", order_momentum, 0, 0.999999),
    /* advantages */
    WORD("scale_rewards", scale_rewards, "none|group|batch"),
    NUMBER("advantage_eps", advantage_eps, 0, 1),
    NUMBER("gamma", gamma, 0, 1),
    NUMBER("lam", lam, 0, 1),
    BOOL("whiten_population", whiten_population),
    BOOL("whiten_keeps_mean", whiten_keeps_mean),
    WORD("zero_groups", zero_groups, "keep|drop|resample"),
    UINT("max_num_gen_batches", max_gen_batches, 1, 1e6),
    BOOL("mask_truncated_completions", mask_truncated),
    UINT("overlong_buffer", overlong_buffer, 0, 1e6),
    NUMBER("overlong_penalty_factor", overlong_factor, 0, 1e6),
    NUMBER("reward_clip", reward_clip, 0, 1e12),
    /* the loss */
    ANY("clip_ratio", clip_ratio),
    NUMBER("clip_ratio_low", clip_low, 0, 1),
    NUMBER("clip_ratio_high", clip_high, 0, 1e6),
    NUMBER("clip_ratio_c", clip_dual, 0, 1e6),
    WORD("loss_agg_mode", loss_agg_mode,
         "token-mean|seq-mean-token-sum|seq-mean-token-mean|seq-mean-token-sum-norm|"
         "seq-mean-token-sum-norm-mean"),
    NUMBER("entropy_coeff", entropy_coeff, -1e3, 1e3),
    BOOL("use_kl_in_reward", use_kl_in_reward),
    BOOL("use_kl_loss", use_kl_loss),
    BOOL("use_bias_correction_kl", kl_with_ratio),
    WORD("kl_estimator", kl_estimator, "k1|abs|k2|k3|k3+"),
    NUMBER("kl_coef", kl_coef, 0, 1e6),
    NUMBER("kl_target", kl_target, 0, 1e6),
    NUMBER("kl_horizon", kl_horizon, 1, 1e12),
    WORD("critic", critic, "model|head"),
    TEXT("critic_model", critic_model),
    NUMBER("critic_lr", critic_lr, 0, 10),
    UINT("critic_warmup", critic_warmup, 0, 1e9),
    NUMBER("cliprange_value", value_clip, 0, 1e6),
    BOOL("value_loss_halved", value_halved),
    NUMBER("vf_coef", vf_coef, 0, 1e6),
    TEXT("ptx_data", ptx_data),
    NUMBER("ptx_coef", ptx_coef, 0, 1e6),
    UINT("ptx_batch_size", ptx_batch, 1, 1e6),
    BOOL("recompute_old_logprobs", recompute_old),
    NUMBER("tis_imp_ratio_cap", importance_cap, 0, 1e6),
    /* updates */
    UINT("ppo_mini_batch_size", mini_batch, 0, 1e6),
    UINT("ppo_epochs", epochs, 1, 1000),
    /* what is watched */
    TEXT("eval_suite", eval_suite),
    TEXT("eval_plugin", eval_plugin),
    UINT("eval_every", eval_every, 0, 1e9),
    BOOL("eval_before", eval_before),
    UINT("eval_n", eval_n, 1, 65536),
    UINT("eval_limit", eval_limit, 0, 1e12),
    NUMBER("eval_temperature", eval_temperature, 0, 100),
    NUMBER("eval_top_p", eval_top_p, 1e-6, 1),
    UINT("rollouts_every", rollouts_every, 0, 1e9),
    UINT("rollouts_logged", rollouts_logged, 1, 1e6),
    UINT("flat_steps", flat_steps, 0, 1e9),
    ANY("guards", guards),
    { .key = NULL }
};

static rl_config standard(const as_rl_options *o)
{
    return (rl_config){ .timeout_ms = 10000,
                        .unscored_window = 1,
                        .max_unscored = 1,
                        .train_batch_size = 32,
                        .n = 8,
                        .max_prompt_length = 512,
                        .max_response_length = 512,
                        .max_seqs = 64,
                        .temperature = 1,
                        .top_p = 1,
                        .order_floor = 0.05,
                        .order_momentum = 0.5,
                        .scale_rewards = AS_SCALE_GROUP,
                        .advantage_eps = o->advantage_eps,
                        .gamma = 1,
                        .lam = 1,
                        .max_gen_batches = 10,
                        .overlong_buffer = UINT64_MAX, /* the algorithm's */
                        .overlong_factor = 1,
                        .clip_low = o->clip.low,
                        .clip_high = o->clip.high,
                        .kl_estimator = AS_KL_K3,
                        .kl_coef = 0.001,
                        .kl_horizon = o->kl_horizon,
                        .critic_lr = 1e-5,
                        .value_clip = o->value_clip.range,
                        .value_halved = o->value_clip.is_halved,
                        .vf_coef = o->value_coef,
                        .ptx_batch = 8,
                        .epochs = 1,
                        .eval_every = 20,
                        .eval_before = true,
                        .eval_n = 4,
                        .eval_temperature = 1,
                        .eval_top_p = 1,
                        .rollouts_every = 10,
                        .rollouts_logged = 8,
                        .flat_steps = 50 };
}

/* ---- what would change nothing ---- */

#define WITH_STD ((unsigned)RL_GRPO | RL_DAPO | RL_GSPO)

/* Keys that some algorithms alone look at. */
static const struct of_algorithms {
    const char *key;
    unsigned algos;
    const char *why;
} of_algorithms[] = {
    { "scale_rewards", WITH_STD, "only grpo, dapo and gspo divide by a standard deviation" },
    { "advantage_eps", WITH_STD | RL_GRPO_PASSK,
      "only grpo, dapo, gspo and grpo_passk divide by a standard deviation" },
    { "gamma", RL_PPO | RL_REINFORCE_PP | RL_REMAX,
      "only ppo, reinforce++ and remax have a reward for each token" },
    { "lam", RL_PPO, "only ppo estimates values" },
    { "critic", RL_PPO, "only ppo estimates values" },
    { "critic_model", RL_PPO, "only ppo estimates values" },
    { "critic_lr", RL_PPO, "only ppo estimates values" },
    { "critic_warmup", RL_PPO, "only ppo estimates values" },
    { "cliprange_value", RL_PPO, "only ppo estimates values" },
    { "value_loss_halved", RL_PPO, "only ppo estimates values" },
    { "vf_coef", RL_PPO, "only ppo estimates values" },
    { "whiten_population", RL_REINFORCE_PP_BASELINE, "only reinforce++_baseline whitens so" },
    { "whiten_keeps_mean", RL_REINFORCE_PP_BASELINE, "only reinforce++_baseline whitens so" },
};

static bool has_kl(const rl_config *c)
{
    return c->use_kl_in_reward || c->use_kl_loss;
}
static bool has_kl_loss(const rl_config *c)
{
    return c->use_kl_loss;
}
static bool divides(const rl_config *c)
{
    return c->algo == RL_GRPO_PASSK || c->scale_rewards != AS_SCALE_NONE;
}
static bool adapts(const rl_config *c)
{
    return has_kl(c) && c->kl_target > 0;
}
static bool resamples(const rl_config *c)
{
    return c->zero_groups == AS_ZERO_RESAMPLE;
}
static bool has_buffer(const rl_config *c)
{
    return c->overlong_buffer > 0;
}
static bool recomputes(const rl_config *c)
{
    return c->recompute_old;
}
static bool is_curriculum(const rl_config *c)
{
    return c->order == AS_ORDER_CURRICULUM;
}
static bool evaluates(const rl_config *c)
{
    return c->eval_suite != NULL;
}
static bool has_own_critic(const rl_config *c)
{
    return c->critic == RL_CRITIC_MODEL;
}
static bool shares_critic(const rl_config *c)
{
    return c->critic == RL_CRITIC_HEAD;
}
static bool has_ptx(const rl_config *c)
{
    return c->ptx_data && c->ptx_coef > 0;
}
static bool has_ptx_data(const rl_config *c)
{
    return c->ptx_data != NULL;
}
static bool has_alarm(const rl_config *c)
{
    return c->max_unscored < 1;
}
static bool logs(const rl_config *c)
{
    return c->rollouts_every > 0;
}
static bool has_groups(const rl_config *c)
{
    return c->n > 1;
}

/* Keys that act with another one alone. */
static const struct of_keys {
    const char *key;
    bool (*acts)(const rl_config *c);
    const char *needs;
} of_keys[] = {
    { "advantage_eps", divides, "\"scale_rewards\" group or batch" },
    { "use_bias_correction_kl", has_kl_loss, "\"use_kl_loss\"" },
    { "kl_estimator", has_kl, "\"use_kl_loss\" or \"use_kl_in_reward\"" },
    { "kl_coef", has_kl, "\"use_kl_loss\" or \"use_kl_in_reward\"" },
    { "kl_target", has_kl, "\"use_kl_loss\" or \"use_kl_in_reward\"" },
    { "kl_horizon", adapts, "\"kl_target\" above 0, with a KL" },
    { "zero_groups", has_groups, "groups: \"n\" above 1" },
    { "max_num_gen_batches", resamples, "\"zero_groups\": \"resample\"" },
    { "gen_batch_size", resamples, "\"zero_groups\": \"resample\"" },
    { "overlong_penalty_factor", has_buffer, "\"overlong_buffer\" above 0" },
    { "tis_imp_ratio_cap", recomputes, "\"recompute_old_logprobs\": true" },
    { "curriculum_floor", is_curriculum, "\"order\": \"curriculum\"" },
    { "curriculum_momentum", is_curriculum, "\"order\": \"curriculum\"" },
    { "critic_model", has_own_critic, "\"critic\": \"model\"" },
    { "critic_lr", has_own_critic, "\"critic\": \"model\"" },
    { "critic_warmup", has_own_critic, "\"critic\": \"model\"" },
    { "vf_coef", shares_critic, "\"critic\": \"head\"" },
    { "ptx_data", has_ptx, "\"ptx_coef\" above 0" },
    { "ptx_coef", has_ptx_data, "\"ptx_data\"" },
    { "ptx_batch_size", has_ptx, "\"ptx_data\" and \"ptx_coef\"" },
    { "unscored_window", has_alarm, "\"max_unscored\" below 1" },
    { "eval_plugin", evaluates, "\"eval_suite\"" },
    { "eval_every", evaluates, "\"eval_suite\"" },
    { "eval_before", evaluates, "\"eval_suite\"" },
    { "eval_n", evaluates, "\"eval_suite\"" },
    { "eval_limit", evaluates, "\"eval_suite\"" },
    { "eval_temperature", evaluates, "\"eval_suite\"" },
    { "eval_top_p", evaluates, "\"eval_suite\"" },
    { "rollouts_logged", logs, "\"rollouts_every\" above 0" },
};

static int refuse_clip(const cJSON *tree, const char *file, as_err *err)
{
    if (cJSON_HasObjectItem(tree, "clip_ratio") && cJSON_HasObjectItem(tree, "clip_ratio_low") &&
        cJSON_HasObjectItem(tree, "clip_ratio_high"))
        return as_fail(err, AS_EUSAGE,
                       "%s: \"clip_ratio\" would change nothing beside \"clip_ratio_low\" and "
                       "\"clip_ratio_high\"",
                       file);
    return 0;
}

static int refuse_idle(const rl_config *c, const char *algo, const cJSON *tree, const char *file,
                       as_err *err)
{
    for (size_t i = 0; i < sizeof of_algorithms / sizeof *of_algorithms; i++) {
        const struct of_algorithms *k = &of_algorithms[i];
        if (cJSON_HasObjectItem(tree, k->key) && !(k->algos & (unsigned)c->algo))
            return as_fail(err, AS_EUSAGE, "%s: \"%s\" would change nothing with \"algo\" %s: %s",
                           file, k->key, algo, k->why);
    }
    for (size_t i = 0; i < sizeof of_keys / sizeof *of_keys; i++) {
        const struct of_keys *k = &of_keys[i];
        if (cJSON_HasObjectItem(tree, k->key) && !k->acts(c))
            return as_fail(err, AS_EUSAGE, "%s: \"%s\" would change nothing without %s", file,
                           k->key, k->needs);
    }
    return refuse_clip(tree, file, err);
}

/* ---- what does not go together ---- */

static int check_sources(const rl_config *c, const train_config *common, const char *file,
                         as_err *err)
{
    const char *why = NULL;
    if (!c->prompts)
        why = "\"prompts\" is missing: a file of lines {\"id\",\"prompt\" or \"messages\","
              "\"reference\"}";
    else if (!c->reward)
        why = "\"reward\" is missing: a verifier, as in \"reward\": \"math\" (assay plugin list "
              "shows them)";
    else if (c->use_kl_in_reward && c->use_kl_loss)
        why = "\"use_kl_in_reward\" and \"use_kl_loss\": one place for a KL is enough; take one";
    else if (c->algo == RL_REMAX && c->zero_groups == AS_ZERO_RESAMPLE)
        why = "\"zero_groups\": \"resample\" with remax: its baseline is a greedy answer, not the "
              "group; take keep or drop";
    else if (common->lora && c->algo == RL_PPO && c->critic == RL_CRITIC_HEAD)
        why = "\"lora\" and \"critic\": \"head\": the head is no part of the adapter and would not "
              "learn; take \"critic\": \"model\"";
    return why ? as_fail(err, AS_EUSAGE, "%s: %s", file, why) : 0;
}

static int check_counts(const rl_config *c, const char *algo, const char *file, as_err *err)
{
    const unsigned needs_group =
        WITH_STD | RL_DR_GRPO | RL_RLOO | RL_REINFORCE_PP_BASELINE | RL_GRPO_PASSK;
    const uint64_t batch = c->train_batch_size, mini = c->mini_batch;
    if (c->n < 2 && ((unsigned)c->algo & needs_group))
        return as_fail(err, AS_EUSAGE,
                       "%s: \"n\": 1 with \"algo\" %s: a group of one has nothing to be compared "
                       "with; take 2 or more responses to a prompt",
                       file, algo);
    if (c->zero_groups != AS_ZERO_KEEP && c->n < 2)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"zero_groups\": %s needs groups: \"n\" above 1, where all rewards of "
                       "a group may be equal or not",
                       file, resamples(c) ? "resample (dynamic sampling)" : "drop");
    if (mini > batch)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"ppo_mini_batch_size\" %" PRIu64 " is more than the step's %" PRIu64
                       " prompts (\"train_batch_size\"); both count prompts, of %" PRIu64
                       " responses each",
                       file, mini, batch, c->n);
    if (mini && batch % mini)
        return as_fail(err, AS_EUSAGE,
                       "%s: %" PRIu64 " prompts (\"train_batch_size\") in mini-batches of %" PRIu64
                       " (\"ppo_mini_batch_size\") leave %" PRIu64
                       " over: take a divisor of %" PRIu64,
                       file, batch, mini, batch % mini, batch);
    if (c->overlong_buffer > c->max_response_length)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"overlong_buffer\" %" PRIu64
                       " is more than \"max_response_length\" %" PRIu64,
                       file, c->overlong_buffer, c->max_response_length);
    return 0;
}

/* ---- values of their own kind ---- */

/* "clip_ratio" is both bounds at once. */
static int spread_clip(rl_config *c, const cJSON *layer, const char *file, as_err *err)
{
    const cJSON *both = cJSON_GetObjectItemCaseSensitive(layer, "clip_ratio");
    const bool has_low = cJSON_HasObjectItem(layer, "clip_ratio_low");
    const bool has_high = cJSON_HasObjectItem(layer, "clip_ratio_high");
    if (!both)
        return 0;
    if (!cJSON_IsNumber(both) || !(both->valuedouble >= 0 && both->valuedouble <= 1))
        return as_fail(err, AS_EUSAGE, "%s: \"clip_ratio\": a number from 0 to 1 is allowed", file);
    c->clip_low = has_low ? c->clip_low : both->valuedouble;
    c->clip_high = has_high ? c->clip_high : both->valuedouble;
    return 0;
}

/* 0.05, or "5%". */
static int read_share(double *out, const cJSON *v, const char *file, as_err *err)
{
    char what[200];
    (void)snprintf(what, sizeof what, "%.150s: \"max_unscored\"", file);
    if (cJSON_IsString(v))
        return as_option_share(out, what, v->valuestring, err);
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble <= 1))
        return as_fail(err, AS_EUSAGE, "%s: a share from 0 to 1 is allowed, or as in \"5%%\"",
                       what);
    *out = v->valuedouble;
    return 0;
}

/* ---- layers ---- */

static int read_layer(rl_config *c, train_config *common, const cJSON *tree, const char *file,
                      as_err *err)
{
    int rc = train_config_layer(common, c, rl_settings, tree, file, err);
    return rc == 0 ? spread_clip(c, tree, file, err) : rc;
}

/* The algorithm's defaults, then the preset's. */
static int read_below(rl_config *c, train_config *common, cJSON **layers, const rl_layer *algo,
                      const rl_layer *preset, as_err *err)
{
    const rl_layer *const below[RL_LAYERS] = { algo, preset };
    int rc = 0;
    for (size_t i = 0; i < RL_LAYERS && rc == 0; i++) {
        if (!below[i])
            continue;
        layers[i] = as_json_parse(as_str_of(below[i]->json), below[i]->word, err);
        rc = layers[i] ? read_layer(c, common, layers[i], below[i]->word, err) : AS_EUSAGE;
    }
    return rc;
}

static int find_preset(const rl_layer **out, const cJSON *tree, const char *algo, const char *file,
                       as_err *err)
{
    const cJSON *word = cJSON_GetObjectItemCaseSensitive(tree, "preset");
    *out = cJSON_IsString(word) ? rl_preset(word->valuestring) : NULL;
    if (!word)
        return 0;
    if (!*out) {
        AS_CLEANUP(buf) as_buf words = { 0 };
        as_buf_init(&words, 2000);
        rl_preset_words(&words);
        return as_fail(err, AS_EUSAGE, "%s: \"preset\": none of that name (there are %.*s)", file,
                       (int)words.len, words.data);
    }
    if ((*out)->algo && strcmp((*out)->algo, algo) != 0)
        return as_fail(err, AS_EUSAGE, "%s: \"preset\" %s is of \"algo\" %s, not of %s", file,
                       (*out)->word, (*out)->algo, algo);
    return 0;
}

int rl_config_read(rl_config *c, train_config *common, cJSON **layers, const cJSON *tree,
                   const char *file, as_err *err)
{
    const as_rl_options o = as_rl_standard();
    const char *word = cJSON_GetObjectItemCaseSensitive(tree, "algo")->valuestring;
    const rl_layer *algo = rl_algorithm(word), *preset = NULL;
    *common = train_config_standard();
    common->lr = o.schedule.peak;
    common->decay = AS_DECAY_CONSTANT;
    *c = standard(&o);
    c->algo = algo->is;
    int rc = find_preset(&preset, tree, word, file, err);
    if (rc == 0)
        rc = read_below(c, common, layers, algo, preset, err);
    if (rc == 0)
        rc = train_config_read(common, c, rl_settings, tree, file, err);
    if (rc == 0)
        rc = spread_clip(c, tree, file, err);
    if (rc == 0 && c->max_unscored_share)
        rc = read_share(&c->max_unscored, c->max_unscored_share, file, err);
    if (rc < 0)
        return rc;
    if (c->overlong_buffer == UINT64_MAX) /* DAPO: a fifth, as 4,096 of 20,480 */
        c->overlong_buffer = c->algo == RL_DAPO ? c->max_response_length / 5 : 0;
    if (!c->gen_batch_size)
        c->gen_batch_size = c->train_batch_size;
    rc = check_sources(c, common, file, err);
    if (rc == 0)
        rc = check_counts(c, word, file, err);
    return rc == 0 ? refuse_idle(c, word, tree, file, err) : rc;
}

/* ---- for the step ---- */

as_rl_options rl_options_of(const rl_config *c, const train_config *common)
{
    as_rl_options o = as_rl_standard();
    static const struct {
        rl_algo algo;
        as_estimator estimator;
    } estimators[] = { { RL_PPO, AS_EST_GAE },
                       { RL_RLOO, AS_EST_RLOO },
                       { RL_REINFORCE_PP, AS_EST_REINFORCE_PP },
                       { RL_REINFORCE_PP_BASELINE, AS_EST_REINFORCE_PP_BASELINE },
                       { RL_REMAX, AS_EST_REMAX },
                       { RL_GRPO_PASSK, AS_EST_PASSK } };
    for (size_t i = 0; i < sizeof estimators / sizeof *estimators; i++)
        if (estimators[i].algo == c->algo)
            o.estimator = estimators[i].estimator;
    o.schedule = train_schedule(common);
    o.scale = (as_scale)c->scale_rewards;
    o.advantage_eps = c->advantage_eps;
    o.whitening = (as_whitening){ c->whiten_population, c->whiten_keeps_mean };
    o.gamma = c->gamma;
    o.lambda = c->lam;
    o.zero_groups = (as_zero_groups)c->zero_groups;
    o.masks_truncated = c->mask_truncated;
    o.overlong_buffer = (size_t)c->overlong_buffer;
    o.overlong_factor = c->overlong_factor;
    o.reward_clip = c->reward_clip;
    o.is_sequence_ratio = c->algo == RL_GSPO;
    o.clip = (as_clip){ c->clip_low, c->clip_high, c->clip_dual };
    o.aggregation = (as_aggregation)c->loss_agg_mode;
    o.longest = (size_t)c->max_response_length;
    o.entropy_coef = c->entropy_coeff;
    o.kl_place = c->use_kl_loss ? AS_KL_IN_LOSS : c->use_kl_in_reward ? AS_KL_IN_REWARD : AS_KL_OFF;
    o.kl_with_ratio = c->kl_with_ratio;
    o.kl_kind = (as_kl_kind)c->kl_estimator;
    o.kl_coef = o.kl_place == AS_KL_OFF ? 0 : c->kl_coef;
    o.kl_target = c->kl_target;
    o.kl_horizon = c->kl_horizon;
    o.value_clip = (as_value_clip){ c->value_clip, c->value_halved };
    o.value_coef = c->vf_coef;
    o.critic_schedule = o.schedule;
    o.critic_schedule.peak = c->critic_lr;
    o.critic_schedule.least = 0;
    o.critic_warmup = c->critic_warmup;
    o.ptx_coef = c->ptx_data ? c->ptx_coef : 0;
    o.ptx_batch = c->ptx_batch;
    o.recomputes_old = c->recompute_old;
    o.importance_cap = c->importance_cap;
    o.epochs = c->epochs;
    o.mini_batch = c->mini_batch;
    o.temperature = c->temperature;
    o.seed = common->seed;
    return o;
}
