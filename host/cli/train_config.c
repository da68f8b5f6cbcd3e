/* train_config.c -- the keys that every training has, against one table.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train.h"

#include "base/mem.h"

#include <math.h>

#define TEXT(k)                                                                                    \
    {                                                                                              \
        .key = #k, .type = AS_SETTING_TEXT, .offset = offsetof(train_config, k)                    \
    }
#define UINT(k, low, high)                                                                         \
    {                                                                                              \
        .key = #k, .type = AS_SETTING_UINT, .offset = offsetof(train_config, k), .least = (low),   \
        .most = (high)                                                                             \
    }
#define NUMBER(name, m, low, high)                                                                 \
    {                                                                                              \
        .key = (name), .type = AS_SETTING_NUMBER, .offset = offsetof(train_config, m),             \
        .least = (low), .most = (high)                                                             \
    }
#define CHOICE(k, words)                                                                           \
    {                                                                                              \
        .key = #k, .type = AS_SETTING_CHOICE, .offset = offsetof(train_config, k),                 \
        .choices = (words)                                                                         \
    }

static const as_setting settings[] = {
    TEXT(algo),
    TEXT(model),
    TEXT(init),
    TEXT(chat),
    CHOICE(dtype, "f32|bf16"),
    CHOICE(device, AS_DEVICES),
    CHOICE(recompute, "none|cheap|layer"),
    UINT(steps, 1, 1e9),
    UINT(micro_tokens, 1, 1e7),
    UINT(seed, 0, 9007199254740992.0),
    UINT(warmup_steps, 0, 1e9),
    UINT(save_every, 0, 1e9),
    UINT(keep, 0, 1e6),
    UINT(memory_mib, 0, 1e9),
    NUMBER("lr", lr, 0, 10),
    NUMBER("min_lr", min_lr, 0, 10),
    NUMBER("warmup_ratio", warmup_ratio, 0, 1),
    NUMBER("decay_from", decay_from, 0, 1),
    NUMBER("init_std", init_std, 0, 10),
    NUMBER("beta1", optimizer.beta1, 0, 0.9999999),
    NUMBER("beta2", optimizer.beta2, 0, 0.9999999),
    NUMBER("eps", optimizer.eps, 1e-30, 1),
    NUMBER("weight_decay", optimizer.weight_decay, 0, 10),
    NUMBER("clip", optimizer.clip, 0, 1e9),
    CHOICE(decay, "constant|linear|cosine"),
    CHOICE(init_scale, "flat|fan_in"),
    { .key = "master_weights",
      .type = AS_SETTING_BOOL,
      .offset = offsetof(train_config, master_weights) },
    { .key = "lora", .type = AS_SETTING_OBJECT, .offset = offsetof(train_config, lora) },
    { .key = NULL }
};

static int check_lora(train_config *c, const char *file, as_err *err)
{
    if (!c->lora)
        return 0;
    if (c->init)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"lora\" adapts a \"model\"; what \"init\" draws would be kept nowhere",
                       file);
    if (c->dtype == TRAIN_BF16)
        return as_fail(
            err, AS_EUSAGE,
            "%s: \"lora\" needs \"dtype\" f32: in bf16, the sum of weights and adapter is "
            "rounded to what it was before",
            file);
    return train_lora_read(&c->adapter, c->lora, file, err);
}

/* A share of the steps, as transformers and OpenRLHF round it; steps of the file go over a preset's
 * share. */
static int spread_warmup(train_config *c, const cJSON *tree, const char *file, as_err *err)
{
    const bool has_steps = cJSON_GetObjectItemCaseSensitive(tree, "warmup_steps");
    const bool has_ratio = cJSON_GetObjectItemCaseSensitive(tree, "warmup_ratio");
    if (has_steps && has_ratio)
        return as_fail(err, AS_EUSAGE, "%s: one of \"warmup_steps\" and \"warmup_ratio\"", file);
    if (has_steps)
        c->warmup_ratio = 0;
    else if (has_ratio || c->warmup_ratio > 0)
        c->warmup_steps = (uint64_t)ceil(c->warmup_ratio * (double)c->steps);
    return 0;
}

static int check_master(train_config *c, const char *file, as_err *err)
{
    c->optimizer.no_master = !c->master_weights;
    c->optimizer.seed = c->seed;
    if (c->master_weights || (c->dtype == TRAIN_BF16 && !c->lora))
        return 0;
    return as_fail(err, AS_EUSAGE,
                   "%s: \"master_weights\" false needs \"dtype\" bf16 and no \"lora\": weights "
                   "and adapters in f32 are their own master",
                   file);
}

static int check(train_config *c, const char *file, as_err *err)
{
    if (!c->model == !c->init)
        return as_fail(err, AS_EUSAGE,
                       "%s: one of \"model\" (a folder to go on from) and \"init\" (one without "
                       "weights, which are drawn)",
                       file);
    if (c->steps == 0)
        return as_fail(err, AS_EUSAGE, "%s: \"steps\" is missing", file);
    int rc = check_master(c, file, err);
    return rc == 0 ? check_lora(c, file, err) : rc;
}

const char *train_device(const train_config *c)
{
    static const char *const words[] = { "cpu", "naive", "cuda", "cuda-exact" }; /* AS_DEVICES */
    return words[c->device];
}

train_config train_config_standard(void)
{
    return (train_config){ .micro_tokens = 4096,
                           .keep = 2,
                           .lr = 1e-4,
                           .decay = AS_DECAY_LINEAR,
                           .init_scale = AS_DRAW_FLAT,
                           .init_std = 0.02,
                           .master_weights = true,
                           .optimizer = as_optimizer_standard() };
}

int train_config_layer(train_config *c, void *own, const as_setting *table, const cJSON *tree,
                       const char *what, as_err *err)
{
    const as_settings all[] = { { c, settings }, { own, table } };
    return as_settings_read_all(all, 2, tree, what, err);
}

int train_config_read(train_config *c, void *own, const as_setting *table, const cJSON *tree,
                      const char *file, as_err *err)
{
    int rc = train_config_layer(c, own, table, tree, file, err);
    if (rc == 0)
        rc = spread_warmup(c, tree, file, err);
    return rc == 0 ? check(c, file, err) : rc;
}

static void put_config(void *record, const char *key, as_str raw_json)
{
    as_run_record_config(record, key, raw_json);
}

int train_settings_record(const void *own, const as_setting *table, as_run_record *record,
                          as_err *err)
{
    return as_settings_show(own, table, put_config, record, err);
}

int train_config_record(const train_config *c, as_run_record *record, as_err *err)
{
    int rc = train_settings_record(c, settings, record, err);
    if (rc < 0 || !c->lora)
        return rc;
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 16);
    train_lora_show(&c->adapter, &text);
    rc = as_buf_check(&text, err);
    if (rc == 0)
        as_run_record_config(record, "lora", as_buf_str(&text));
    return rc;
}

as_schedule train_schedule(const train_config *c)
{
    return (as_schedule){ .peak = c->lr,
                          .least = c->min_lr,
                          .warmup = c->warmup_steps,
                          .decay_from = (uint64_t)(c->decay_from * (double)c->steps),
                          .steps = c->steps,
                          .decay = (as_decay)c->decay };
}
