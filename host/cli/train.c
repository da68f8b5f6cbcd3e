/* train.c -- `assay train`: a configuration, checked; what trains is in train_run.c.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train.h"

#include "base/file.h"
#include "base/mem.h"

#include <math.h>

/* ---- the configuration ---- */

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
    CHOICE(algo, "sft"),
    TEXT(model),
    TEXT(init),
    TEXT(data),
    TEXT(prompts),
    TEXT(chat),
    CHOICE(dtype, "f32|bf16"),
    CHOICE(device, "cpu|naive|cuda"),
    CHOICE(recompute, "none|cheap|layer"),
    CHOICE(truncated, "drop|keep"),
    NUMBER("min_score", min_score, -1e300, 1e300),
    UINT(steps, 1, 1e9),
    UINT(batch_size, 1, 1e6),
    UINT(micro_tokens, 1, 1e7),
    UINT(max_len, 2, 1e6),
    UINT(seed, 0, 9007199254740992.0),
    UINT(warmup_steps, 0, 1e9),
    UINT(save_every, 0, 1e9),
    UINT(keep, 0, 1e6),
    UINT(memory_mib, 0, 1e9),
    NUMBER("lr", lr, 0, 10),
    NUMBER("min_lr", min_lr, 0, 10),
    NUMBER("decay_from", decay_from, 0, 1),
    NUMBER("init_std", init_std, 0, 10),
    NUMBER("beta1", optimizer.beta1, 0, 0.9999999),
    NUMBER("beta2", optimizer.beta2, 0, 0.9999999),
    NUMBER("eps", optimizer.eps, 1e-30, 1),
    NUMBER("weight_decay", optimizer.weight_decay, 0, 10),
    NUMBER("clip", optimizer.clip, 0, 1e9),
    CHOICE(decay, "constant|linear|cosine"),
    CHOICE(init_scale, "flat|fan_in"),
    { .key = "lora", .type = AS_SETTING_OBJECT, .offset = offsetof(train_config, lora) },
    { .key = "as_chat", .type = AS_SETTING_BOOL, .offset = offsetof(train_config, as_chat) },
    { .key = "append_eos", .type = AS_SETTING_BOOL, .offset = offsetof(train_config, append_eos) },
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

static int check(const train_config *c, const char *file, as_err *err)
{
    if (c->algo < 0)
        return as_fail(err, AS_EUSAGE, "%s: \"algo\" is missing (implemented: sft)", file);
    if (!c->model == !c->init)
        return as_fail(err, AS_EUSAGE,
                       "%s: one of \"model\" (a folder to go on from) and \"init\" (one without "
                       "weights, which are drawn)",
                       file);
    if (!c->data)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"data\" is missing: a file of lines {\"prompt\",\"completion\"}",
                       file);
    if (!c->prompts && (c->truncated || c->as_chat || isfinite(c->min_score)))
        return as_fail(
            err, AS_EUSAGE,
            "%s: \"truncated\", \"as_chat\" and \"min_score\" are of a teacher's samples, "
            "which need \"prompts\"",
            file);
    if (c->steps == 0)
        return as_fail(err, AS_EUSAGE, "%s: \"steps\" is missing", file);
    if (c->max_len > c->micro_tokens)
        return as_fail(err, AS_EUSAGE,
                       "%s: \"micro_tokens\" %llu is below \"max_len\" %llu: a text must fit", file,
                       (unsigned long long)c->micro_tokens, (unsigned long long)c->max_len);
    return 0;
}

int train_config_read(train_config *c, cJSON **tree, const char *file, const as_list *set,
                      as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 16 << 20);
    *c = (train_config){ .algo = -1,
                         .batch_size = 32,
                         .micro_tokens = 4096,
                         .max_len = 1024,
                         .keep = 2,
                         .lr = 1e-4,
                         .decay = AS_DECAY_LINEAR,
                         .init_scale = AS_DRAW_FLAT,
                         .init_std = 0.02,
                         .min_score = -(double)INFINITY,
                         .optimizer = as_optimizer_standard(),
                         .append_eos = true };
    int rc = as_file_read(file, &text, err);
    if (rc < 0)
        return rc;
    *tree = as_json_parse(as_buf_str(&text), file, err);
    if (!*tree)
        return AS_EUSAGE;
    if (!cJSON_IsObject(*tree))
        return as_fail(err, AS_EUSAGE, "%s: not a JSON object", file);
    for (size_t i = 0; i < set->n && rc == 0; i++)
        rc = as_settings_set(*tree, set->at[i], err);
    if (rc == 0)
        rc = as_settings_read(c, *tree, settings, file, err);
    if (rc == 0)
        rc = check(c, file, err);
    return rc == 0 ? check_lora(c, file, err) : rc;
}

static void put_config(void *record, const char *key, as_str raw_json)
{
    as_run_record_config(record, key, raw_json);
}

int train_config_record(const train_config *c, as_run_record *record, as_err *err)
{
    int rc = as_settings_show(c, settings, put_config, record, err);
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

/* ---- the command ---- */

static int run_train(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    const train_opts *o = opts;
    train_config c;
    AS_CLEANUP(cjson) cJSON *tree = NULL;
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE,
                       "one configuration is expected: assay train CONFIG.json --out RUN/");
    if (!o->out && !o->dry_run)
        return as_fail(err, AS_EUSAGE, "--out RUN/ is missing: the folder that the run writes");
    int rc = train_config_read(&c, &tree, operands->at[0], &o->set, err);
    return rc == 0 ? train_sft(o, &c, err) : rc;
}

static const as_opt options[] = {
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "RUN",
      .offset = offsetof(train_opts, out),
      .short_name = 'o',
      .help = "the folder of the run: manifest.json, metrics.jsonl, event files for TensorBoard, "
              "checkpoints/step_N" },
    { .name = "set",
      .type = AS_OPT_LIST,
      .value = "KEY=VALUE",
      .offset = offsetof(train_opts, set),
      .help = "over what the configuration says; may be repeated" },
    { .name = "threads",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(train_opts, threads),
      .short_name = 't',
      .help = "threads (0: one per core); the results do not depend on it" },
    { .name = "resume",
      .type = AS_OPT_FLAG,
      .offset = offsetof(train_opts, resume),
      .help = "go on from the newest checkpoint of --out" },
    AS_FORCE_OPTION(train_opts,
                    "begin anew in a folder that has a run; its checkpoints are removed"),
    { .name = "dry-run",
      .type = AS_OPT_FLAG,
      .offset = offsetof(train_opts, dry_run),
      .help = "read everything, print the memory plan, train nothing" },
    AS_JSON_OPTION(train_opts, "the summary as one JSON object on stdout"),
    AS_QUIET_OPTION(train_opts, "no plan and no summary on stderr"),
    AS_PROGRESS_OPTION(train_opts),
    { .name = NULL }
};

const as_command as_cmd_train = {
    .name = "train",
    .summary = "train a model on texts",
    .operands = "CONFIG.json",
    .options = options,
    .example = "assay train sft.json --out run --set steps=20",
    .details =
        "CONFIG.json is an object with these keys; what is not there has the value in brackets.\n"
        "\n"
        "algo: sft. model: a Hugging Face folder to go on from; or init: a folder with config.json "
        "and tokenizer.json "
        "whose weights are drawn: init_scale [flat] gives every matrix the standard deviation "
        "init_std [0.02], or (fan_in) each "
        "1/sqrt of its inputs, less into the residual stream, and embeddings 1. data: lines "
        "{\"prompt\",\"completion\"}, of "
        "which the completion is learned, {\"text\"}, or {\"messages\"}, of which the "
        "answers are, in the folder's chat "
        "template or the family that chat names. append_eos [true]: an end-of-text token behind a "
        "completion. max_len [1024]: "
        "longer texts are left out, and counted.\n"
        "\n"
        "Distillation: data is what assay generate wrote, prompts the file it was given, joined by "
        "id. as_chat [false]: its --chat. truncated [drop]: samples that were cut off are left out "
        "(drop) or learned without an end (keep). min_score: only samples whose \"score\" is at "
        "least that.\n"
        "\n"
        "steps. batch_size [32]: texts of a step. micro_tokens [4096]: tokens computed at a time; "
        "the gradient does not depend "
        "on it. lr [1e-4], warmup_steps [0], decay [linear] (constant, linear, cosine) from the "
        "share decay_from [0] of the "
        "steps to min_lr [0]. beta1 [0.9], beta2 [0.999], eps [1e-8], weight_decay [0.01] of "
        "matrices, clip [1]. seed [0]. dtype "
        "[f32] (f32, or bf16: of the weights alone). device [cpu]. save_every [0: at the end], "
        "keep [2]. memory_mib [0: "
        "what the machine has]. recompute [none]: what the backward computes again instead of "
        "keeping it, cheap (norms and activations) or layer (whole layers: a third more time, the "
        "least memory); the gradients are the same to the bit.\n"
        "\n"
        "lora: an object: an adapter learns beside the weights, which stay as they are, as PEFT "
        "has "
        "it: r [8], lora_alpha [8], target_modules [q_proj, v_proj] (of q, k, v, o, gate, up and "
        "down_proj; or all-linear), use_rslora [false], lora_dropout 0. A checkpoint is then "
        "PEFT's "
        "folder (adapter_config.json, adapter_model.safetensors).\n"
        "\n"
        "A run that was killed goes on with --resume from its newest checkpoint, and ends as if "
        "nothing had been. A checkpoint is "
        "a folder that transformers' from_pretrained loads as is.\n"
        "\n"
        "Each step is a line of metrics.jsonl: step, time (seconds since 1970), loss (the mean of "
        "the step's learned tokens), lr, "
        "grad_norm, tokens and learned_tokens of the step, total_tokens, tokens_per_s (of the last "
        "16 steps). What is not a "
        "number is null and counted in not_finite. tensorboard --logdir RUN shows the same.",
    .run = run_train,
    .opts_size = sizeof(train_opts),
};
