/* training.h -- what every run of `assay train` has, whatever it learns from: models that learn, the folder that the run writes,
 * its steps. An algorithm fills in what it learns from (train_sft.c, ...). SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_TRAINING_H
#define AS_CLI_TRAINING_H
#include "cli/train.h"
#include "model/plan.h"
#include "train/checkpoint.h"
#include "train/metrics.h"
#include "train/optimizer.h"
#include "train/pace.h"

/* ---- a model that learns, or one that only answers (train_model.c) ---- */

typedef struct train_model { /* zero-initialise; train_model_close in any state */
    const char *folder;      /* of the model, or of what it is drawn for */
    bool is_drawn;
    as_heads heads;       /* set before train_model_open; a score head that the folder lacks is drawn: */
    double score_std;     /* of this standard deviation; 0: of transformers' (0.02); below 0: it is zero */
    bool has_fresh_score; /* that was so */
    as_weights_index *index;
    as_lora *lora; /* NULL: all weights learn */
    as_parameters *parameters;
    as_adapter *adapter;
    as_optimizer *optimizer; /* NULL: it only answers */
} train_model;

/* What the folder says, and the key "lora" where `has_lora`: no weights yet. */
int train_model_open(train_model *m, const train_config *c, const char *folder, bool is_drawn, bool has_lora, as_err *err);
as_parameters_options train_parameters(const train_config *c, int64_t max_pos, bool learns);
/* The weights on the device; where it learns, the adapter and the optimizer. */
int train_model_load(train_model *m, const train_config *c, k_device *dev, const as_parameters_options *how, as_err *err);
void train_model_close(train_model *m);
/* `about` has step, counters, values and arrays: DIR/step_N, and back. Of all there are, the newest `keep` and `best` stay. */
int train_model_save(const train_model *m, const train_config *c, const as_checkpoint *about, uint64_t keep, uint64_t best,
                     const char *dir, as_err *err);
int train_model_restore(train_model *m, as_checkpoint *about, const char *path, as_err *err);

/* ---- the run ---- */

typedef struct training training;

/* What an algorithm adds to a run; ctx is training.own. */
typedef struct train_ops {
    /* One step: as_metrics_put what was measured; training.step_tokens and .last_loss. TRAIN_NO_STEP: there was nothing to make it
     * of, and will be nothing: the run is done. AS_EDATA, AS_EGATE or the cancel's code:
     * no weight changed; what was before is saved, and the run ends. To end after a step that counts: training.stop, .is_over. */
    int (*step)(void *ctx, uint64_t step, as_err *err);
    int (*begin)(void *ctx, as_err *err); /* the folder stands, metrics are open, the checkpoint is loaded; NULL */
    /* Other files of the checkpoint of training.done: before it is written, after it was read; NULL. */
    int (*save)(void *ctx, as_err *err);
    int (*load)(void *ctx, as_err *err);
    void (*progress)(const void *ctx, char *out, size_t size); /* in place of the loss; NULL */
    void (*say)(const void *ctx);                              /* lines of the summary, for people; NULL */
    void (*show)(const void *ctx, as_buf *json);               /* members of the summary; NULL */
} train_ops;

enum { TRAIN_KEPT = 48, TRAIN_NO_STEP = 1 };

struct training { /* zero-initialise; training_close in any state */
    const train_opts *opts;
    const train_config *c;
    const train_ops *ops;
    void *own;
    train_model model;
    as_tokenizer *tokenizer;
    as_chat *chat; /* NULL: none */
    k_device *dev;
    char *checkpoints, *record_path;
    as_run_record record;
    as_metrics *metrics;
    as_pace pace;
    uint64_t first, done; /* steps done before, and now */
    uint64_t saved;       /* the newest checkpoint */
    uint64_t tokens;      /* computed in all */
    double last_loss;     /* of the newest step; NaN: there was none */
    uint64_t step_tokens; /* of the newest step */
    int64_t start_ns;
    bool begins_at_0; /* metrics have a line for what was measured before the first step: training_before */
    as_err stop;      /* why the run fails after this step, which is saved; code 0: it does not */
    bool is_over;     /* nothing is left to do after this step, though more were asked for */
    bool wants_save;  /* this step gets a checkpoint in any case */
    bool is_broken;   /* weights have moved in a step that did not end: nothing of it is to be saved */
    uint64_t best;    /* a step whose checkpoint stays; 0: none */
    /* what else the checkpoint keeps */
    as_checkpoint_counter counters[TRAIN_KEPT];
    uint64_t *counter_at[TRAIN_KEPT];
    size_t n_counters;
    as_checkpoint_value values[TRAIN_KEPT];
    double *value_at[TRAIN_KEPT];
    size_t n_values;
    as_checkpoint_array arrays[TRAIN_KEPT];
    size_t n_arrays;
};

/* Model, tokenizer, template and device (train_run.c): what can be refused before any data is read. */
int training_open(training *t, const train_opts *o, const train_config *c, as_err *err);
void training_close(training *t);

/* What is kept over a checkpoint, beside the steps and training.tokens; names are literals. Before training_folder. */
void training_keep_count(training *t, const char *name, uint64_t *at);
void training_keep_value(training *t, const char *name, double *at);
void training_keep_array(training *t, const char *name, float *at, size_t n);

/* Options of the model's plan, to which passes are added; the plan, printed, and refused where it does not fit with `beside`
 * bytes of other things. */
as_plan_options training_plan_options(const training *t, int64_t max_pos);
int training_plan(const training *t, const as_plan_options *options, size_t beside, as_err *err);

/* The manifest with the common keys; the algorithm adds its own keys and hashes before training_folder (train_folder.c). */
int training_record(training *t, as_err *err);
int training_record_file(training *t, const char *name, const char *path, as_err *err); /* its hash */
/* The run's folder: a new one, or gone on with from its newest checkpoint. */
int training_folder(training *t, as_err *err);
int training_save_state(training *t, const char *state, as_err *err);
int training_before(training *t, as_err *err); /* what was put is of step 0 */
int training_save(training *t, as_err *err); /* a checkpoint, with all metrics before it on the disk */

/* All steps, checkpoints, what is printed: to the end, an error, or Ctrl-C (train_run.c). */
int training_run(training *t, as_err *err);
#endif
