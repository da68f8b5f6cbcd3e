/* train.c -- `assay train`: the configuration's file, whose algorithm it is, and the command's
 * words. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include "base/file.h"
#include "base/mem.h"

/* Each word is an algorithm; several have one loop. */
static const struct algorithm {
    const char *word;
    int (*run)(const train_opts *o, const cJSON *tree, const char *file, as_err *err);
} algorithms[] = { { "sft", train_sft },        { "rm", train_rm },
                   { "ppo", train_rl },         { "grpo", train_rl },
                   { "dr_grpo", train_rl },     { "rloo", train_rl },
                   { "reinforce++", train_rl }, { "reinforce++_baseline", train_rl },
                   { "remax", train_rl },       { "dapo", train_rl },
                   { "gspo", train_rl },        { "grpo_passk", train_rl } };

enum { N_ALGORITHMS = sizeof algorithms / sizeof *algorithms };

static int refuse_algo(const char *file, const cJSON *algo, as_err *err)
{
    AS_CLEANUP(buf) as_buf words = { 0 };
    as_buf_init(&words, 1000);
    for (int i = 0; i < N_ALGORITHMS; i++)
        as_buf_addf(&words, "%s%s", i ? "|" : "", algorithms[i].word);
    const as_str known = as_buf_str(&words);
    if (!algo)
        return as_fail(err, AS_EUSAGE, "%s: \"algo\" is missing (%.*s)", file, (int)known.len,
                       known.data);
    char *text = cJSON_PrintUnformatted(algo);
    int rc = as_fail(err, AS_EUSAGE, "%s: \"algo\": %.60s, where %.*s is allowed", file,
                     text ? text : "?", (int)known.len, known.data);
    cJSON_free(text);
    return rc;
}

/* FILE with --set on top of it; the tree is the caller's. */
static int read_tree(cJSON **tree, const char *file, const as_list *set, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 16 << 20);
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
    return rc;
}

/* Options that are keys, too. */
static int set_options(cJSON *tree, const train_opts *o, as_err *err)
{
    const struct {
        const char *key, *value;
    } all[] = { { "device", o->device },
                { "isolation", o->isolation },
                { "max_unscored", o->max_unscored } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++) {
        if (!all[i].value)
            continue;
        cJSON_DeleteItemFromObjectCaseSensitive(tree, all[i].key);
        if (!cJSON_AddStringToObject(tree, all[i].key, all[i].value))
            return as_fail(err, AS_ENOMEM, "out of memory");
    }
    return 0;
}

/* A preset names its algorithm. */
static const cJSON *find_algo(cJSON *tree)
{
    const cJSON *preset = cJSON_GetObjectItemCaseSensitive(tree, "preset");
    const rl_layer *layer = cJSON_IsString(preset) ? rl_preset(preset->valuestring) : NULL;
    if (layer && layer->algo && !cJSON_GetObjectItemCaseSensitive(tree, "algo"))
        cJSON_AddStringToObject(tree, "algo", layer->algo);
    return cJSON_GetObjectItemCaseSensitive(tree, "algo");
}

int train_read(train_opts *o, cJSON **tree, const char *command, const as_list *operands,
               as_err *err)
{
    o->command = command;
    if (operands->n != 1)
        return as_fail(err, AS_EUSAGE,
                       "one configuration is expected: assay %s CONFIG.json --out RUN/", command);
    if (!o->out && !o->dry_run)
        return as_fail(err, AS_EUSAGE, "--out RUN/ is missing: the folder that the run writes");
    int rc = read_tree(tree, operands->at[0], &o->set, err);
    return rc == 0 ? set_options(*tree, o, err) : rc;
}

static int run_train(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    train_opts *o = opts;
    AS_CLEANUP(cjson) cJSON *tree = NULL;
    int rc = train_read(o, &tree, "train", operands, err);
    if (rc < 0)
        return rc;
    const char *file = operands->at[0];
    const cJSON *algo = find_algo(tree);
    for (int i = 0; cJSON_IsString(algo) && i < N_ALGORITHMS; i++)
        if (strcmp(algo->valuestring, algorithms[i].word) == 0)
            return algorithms[i].run(o, tree, file, err);
    return refuse_algo(file, algo, err);
}

static const as_opt options[] = { TRAIN_OPTIONS, { .name = NULL } };

const as_command as_cmd_train = {
    .name = "train",
    .summary = "train a model: on texts, preferences, or the verdicts of verifiers",
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
        "algo: rm. A reward model learns from preferences (Bradley-Terry): data: lines "
        "{\"prompt\",\"chosen\",\"rejected\"}, texts or lists of messages, as TRL has them. A "
        "language model's folder is given a head for scores, drawn of head_std [0.02], and loses "
        "its own; a folder of a reward model goes on. eval_data: pairs held out, measured at the "
        "end and every eval_every [0] steps: accuracy (chosen above rejected) and margin. "
        "center_coef [0] times the squared sum of both scores keeps rewards about 0. batch_size "
        "counts pairs. as_chat [false]: a prompt is what a user says, in the chat template. The "
        "checkpoint is transformers' ...ForSequenceClassification of one label; the verifier rm "
        "scores with it.\n"
        "\n"
        "steps. batch_size [32]: texts of a step. micro_tokens [4096]: tokens computed at a time; "
        "the gradient does not depend "
        "on it. lr [1e-4], warmup_steps [0] or warmup_ratio of the steps, decay [linear] "
        "(constant, linear, cosine) from the "
        "share decay_from [0] of the "
        "steps to min_lr [0]. beta1 [0.9], beta2 [0.999], eps [1e-8], weight_decay [0.01] of "
        "matrices, clip [1]. seed [0]. dtype "
        "[f32] (f32, or bf16: of the weights alone). master_weights [true]: false with bf16 keeps "
        "no copy of the weights in f32, 4 bytes a weight less; each step then rounds them up or "
        "down by chance, so that small steps count on the mean. device [cpu]. save_every [0: at "
        "the end], "
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
        "16 steps); with rewards also reward/mean, reward/pass@1, reward/unscored, "
        "reward/frac_zero_std, reward/frac_all_0, reward/frac_all_1, verifier/NAME, holdout/NAME, "
        "actor/entropy, actor/ppo_kl, actor/pg_clipfrac, actor/grad_norm, actor/kl, critic/..., "
        "response_length/mean, rollout/..., timing/... in seconds. What is not a "
        "number is null and counted in not_finite. tensorboard --logdir RUN shows the same.",
    .more = train_rl_words,
    .run = run_train,
    .opts_size = sizeof(train_opts),
};
