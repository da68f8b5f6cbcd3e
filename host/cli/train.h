/* train.h -- what the files of `assay train` share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_TRAIN_H
#define AS_CLI_TRAIN_H
#include "cli/model.h"
#include "data/run_record.h"
#include "model/chat.h"
#include "model/draw.h"
#include "model/lora.h"
#include "train/checkpoint.h"
#include "train/settings.h"
#include "train/sft.h"

enum { TRAIN_F32, TRAIN_BF16 };

typedef struct train_opts {
    const char *out, *progress;
    as_list set;
    uint64_t threads;
    bool resume, force, dry_run, quiet, json;
} train_opts;

/* A configuration with algo "sft", as resolved. Texts point into the tree. */
typedef struct train_config {
    const char *model, *init, *data, *prompts, *chat; /* model: a folder with weights; init: one without, which are drawn */
    int algo, dtype, device, decay, truncated, recompute, init_scale; /* indices of the words in train.c; dtype: TRAIN_..., else the enums */
    uint64_t steps, batch_size, micro_tokens, max_len, seed, warmup_steps, save_every, keep, memory_mib;
    double lr, min_lr, decay_from, init_std;
    as_optimizer_options optimizer;
    double min_score; /* -INFINITY: samples need have none */
    bool append_eos, as_chat;
    const cJSON *lora; /* NULL: all weights learn */
    as_lora_config adapter; /* what it says */
} train_config;

/* FILE with --set on top of it; `tree` is the caller's (cJSON_Delete). AS_EUSAGE with the key and what is allowed. */
int train_config_read(train_config *c, cJSON **tree, const char *file, const as_list *set, as_err *err);

/* Each key as resolved, into the record's config. */
int train_config_record(const train_config *c, as_run_record *record, as_err *err);

/* The key "lora", in PEFT's names and with its defaults, and as resolved (train_lora.c). */
int train_lora_read(as_lora_config *out, const cJSON *lora, const char *file, as_err *err);
void train_lora_show(const as_lora_config *c, as_buf *out);

/* The run itself (train_run.c). */
int train_sft(const train_opts *o, const train_config *c, as_err *err);
#endif
