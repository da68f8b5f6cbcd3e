/* model.h -- a model from the command line: its folder, its device, its type. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_MODEL_H
#define AS_CLI_MODEL_H
#include "cli/device.h"
#include "data/run_record.h"
#include "model/parameters.h"
#include "model/tokenizer.h"

typedef struct as_model_opts {
    const char *model, *device, *dtype;
    uint64_t threads, context;
} as_model_opts;
/* Rows of the option table; `T` is the command's struct, `m` its as_model_opts member. AS_COMPUTE_OPTIONS: those but --model. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member cannot stand in parentheses */
#define AS_MODEL_OPTIONS(T, m)                                                                                          \
    { .name = "model", .type = AS_OPT_TEXT, .value = "DIR", .offset = offsetof(T, m.model), .short_name = 'm',            \
      .help = "a Hugging Face folder: config.json, model.safetensors, tokenizer.json" },                                 \
    AS_COMPUTE_OPTIONS(T, m)
#define AS_COMPUTE_OPTIONS(T, m)                                                                                        \
    { .name = "device", .type = AS_OPT_CHOICE, .value = "NAME", .initial = "cpu", .choices = AS_DEVICES,                       \
      .offset = offsetof(T, m.device),                                                                                  \
      .help = "where it is computed. cuda: a GPU; cuda-exact: by products that do not depend on what else is computed "   \
              "with; naive: one plain thread, to compare with" },                                                          \
    { .name = "dtype", .type = AS_OPT_CHOICE, .value = "TYPE", .initial = "auto", .choices = "auto|f32|bf16",              \
      .offset = offsetof(T, m.dtype),                                                                                   \
      .help = "of the weights; all else is f32 (on cuda the type of the weights). auto: f32 up to 100 million parameters, above that the folder's" },                   \
    { .name = "threads", .type = AS_OPT_UINT, .value = "N", .initial = "0", .offset = offsetof(T, m.threads),             \
      .short_name = 't', .help = "threads (0: one per core); the results do not depend on it" },                          \
    { .name = "context", .type = AS_OPT_UINT, .value = "N", .initial = "0", .offset = offsetof(T, m.context),             \
      .help = "longest sequence, prompt and completion (0: the model's, up to 4096)" }
/* NOLINTEND(bugprone-macro-parentheses) */

bool as_cli_is_address(const char *model); /* http://... */
/* The hashes of the files in a model's folder that what it says depends on, all shards of its weights among them, as
 * hashes.PREFIX... ("" for the run's model). */
int as_cli_record_model(as_run_record *record, const char *prefix, const char *folder, as_err *err);

typedef struct as_opened_model { /* zero-initialise; as_opened_model_close in any state */
    as_weights_index *index;
    k_device *dev;
    as_parameters_options how; /* what the parameters will be, from as_opened_model_open on */
    as_parameters *parameters;
    as_tokenizer *tokenizer;
} as_opened_model;
/* All but the weights: so that passes can be laid out, and what has no room is refused. AS_EUSAGE without --model. */
int as_opened_model_open(as_opened_model *m, const as_model_opts *opts, as_err *err);
/* The weights. `passes`: what they are for, whose plan with m->how must fit (AS_EBUDGET, with `cure`). */
int as_opened_model_load(as_opened_model *m, const as_model_opts *opts, const as_plan_options *passes, const char *cure,
                         as_err *err);
void as_opened_model_close(as_opened_model *m);
static inline void as_cleanup_opened_model(as_opened_model *m)
{
    as_opened_model_close(m);
}
#endif
