/* train.h -- what the files of `assay train` share: its options, the keys that every algorithm has.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_TRAIN_H
#define AS_CLI_TRAIN_H
#include "cli/model.h"
#include "data/run_record.h"
#include "model/chat.h"
#include "model/draw.h"
#include "model/lora.h"
#include "train/optimizer.h"
#include "train/schedule.h"
#include "train/settings.h"

enum { TRAIN_F32, TRAIN_BF16 };

typedef struct train_opts {
    const char *command; /* "train", "ttrl" */
    const char *out, *progress, *device, *isolation, *max_unscored, *plugin_path, *cache;
    as_list set;
    uint64_t threads;
    bool resume, force, dry_run, quiet, json, no_cache;
} train_opts;

/* Keys of every algorithm, as resolved. Texts point into the tree. */
typedef struct train_config {
    const char *algo, *model, *init, *chat; /* model: a folder with weights; init: one without, which are drawn */
    int dtype, device, decay, recompute, init_scale; /* indices of the words in train_config.c; dtype: TRAIN_..., else the enums */
    uint64_t steps, micro_tokens, seed, warmup_steps, save_every, keep, memory_mib;
    double lr, min_lr, warmup_ratio, decay_from, init_std;
    as_optimizer_options optimizer;
    bool master_weights;
    const cJSON *lora; /* NULL: all weights learn */
    as_lora_config adapter; /* what it says */
} train_config;

train_config train_config_standard(void); /* the defaults */
const char *train_device(const train_config *c); /* a word of AS_DEVICES */

/* The common keys into *c and those of `table` into `own`, over what stands there. AS_EUSAGE with the key and what is allowed. */
int train_config_read(train_config *c, void *own, const as_setting *table, const cJSON *tree, const char *file, as_err *err);

/* The same of defaults that are laid below a file: nothing is asked of them as a whole. */
int train_config_layer(train_config *c, void *own, const as_setting *table, const cJSON *tree, const char *what, as_err *err);

/* Each key as resolved, into the record's config: the common ones; those of an algorithm. */
int train_config_record(const train_config *c, as_run_record *record, as_err *err);
int train_settings_record(const void *own, const as_setting *table, as_run_record *record, as_err *err);

as_schedule train_schedule(const train_config *c);

/* The key "lora", in PEFT's names and with its defaults, and as resolved (train_lora.c). */
int train_lora_read(as_lora_config *out, const cJSON *lora, const char *file, as_err *err);
void train_lora_show(const as_lora_config *c, as_buf *out);

/* Rows of the option table of a command whose struct begins with train_opts. */
#define TRAIN_OPTIONS                                                                                                  \
    { .name = "out", .type = AS_OPT_TEXT, .value = "RUN", .offset = offsetof(train_opts, out), .short_name = 'o',      \
      .help = "the folder of the run: manifest.json, metrics.jsonl, event files for TensorBoard, checkpoints/step_N" }, \
    { .name = "set", .type = AS_OPT_LIST, .value = "KEY=VALUE", .offset = offsetof(train_opts, set),                   \
      .help = "over what the configuration says; may be repeated" },                                                   \
    { .name = "device", .type = AS_OPT_CHOICE, .value = "NAME", .choices = AS_DEVICES,                                 \
      .offset = offsetof(train_opts, device), .help = "where it is computed (cuda: a GPU); the key device" },          \
    { .name = "threads", .type = AS_OPT_UINT, .value = "N", .initial = "0", .offset = offsetof(train_opts, threads),   \
      .short_name = 't', .help = "threads (0: one per core); the results do not depend on it" },                       \
    { .name = "resume", .type = AS_OPT_FLAG, .offset = offsetof(train_opts, resume),                                   \
      .help = "go on from the newest checkpoint of --out" },                                                           \
    AS_FORCE_OPTION(train_opts, "begin anew in a folder that has a run; its checkpoints are removed"),                 \
    { .name = "dry-run", .type = AS_OPT_FLAG, .offset = offsetof(train_opts, dry_run),                                 \
      .help = "read everything, print the memory plan and the counts, train nothing" },                                \
    { .name = "max-unscored", .type = AS_OPT_TEXT, .value = "P", .offset = offsetof(train_opts, max_unscored),         \
      .help = "stop where more than this share of the responses of a step cannot be scored (5%); the key max_unscored" }, \
    { .name = "isolation", .type = AS_OPT_CHOICE, .value = "LEVEL", .choices = "auto|inproc|worker|jail",              \
      .offset = offsetof(train_opts, isolation), .help = "where verifiers run; the key isolation" },                   \
    { .name = "no-cache", .type = AS_OPT_FLAG, .offset = offsetof(train_opts, no_cache),                               \
      .help = "neither read nor write the verdict cache" },                                                            \
    { .name = "cache", .type = AS_OPT_TEXT, .value = "FILE", .offset = offsetof(train_opts, cache),                    \
      .help = "verdict cache to use instead of the one in ~/.cache/assay" },                                           \
    { .name = "plugin-path", .type = AS_OPT_TEXT, .value = "DIRS", .offset = offsetof(train_opts, plugin_path),        \
      .help = "folders searched first for verifiers, separated by ':'" },                                              \
    AS_JSON_OPTION(train_opts, "the summary as one JSON object on stdout"),                                            \
    AS_QUIET_OPTION(train_opts, "no plan and no summary on stderr"), AS_PROGRESS_OPTION(train_opts)

/* CONFIG.json with --set on top, the caller's; what all of them must be given (train.c). */
int train_read(train_opts *o, cJSON **tree, const char *command, const as_list *operands, as_err *err);

/* The algorithms: `tree` is the whole configuration, of which "algo" was read. */
int train_sft(const train_opts *o, const cJSON *tree, const char *file, as_err *err);
int train_rl(const train_opts *o, const cJSON *tree, const char *file, as_err *err);
int train_rm(const train_opts *o, const cJSON *tree, const char *file, as_err *err);
#endif
