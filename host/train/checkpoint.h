/* checkpoint.h -- a training run at one step, so that it goes on bit for bit: DIR/step_N is a Hugging Face folder that
 * from_pretrained loads as is, with optim.safetensors (moments, and master weights where the model is narrower) and
 * trainer.json (counters, values, size and XXH3 of every file, its own last). Where an adapter learns it is PEFT's folder
 * in place of the model's. It appears whole or not at all, and is
 * believed only if every byte is as it was written. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_CHECKPOINT_H
#define AS_TRAIN_CHECKPOINT_H
#include "model/lora.h"

/* What a run wants back, by name: steps of the generator, the place in the data, how many tokens were seen. */
typedef struct as_checkpoint_counter {
    const char *name;
    uint64_t value;
} as_checkpoint_counter;
/* Running means, the best so far; any double, NaN and infinities too. */
typedef struct as_checkpoint_value {
    const char *name;
    double value;
} as_checkpoint_value;

/* Many numbers of one kind: what is known of each prompt. */
typedef struct as_checkpoint_array {
    const char *name; /* below 100 bytes */
    float *at;        /* [n] */
    size_t n;
} as_checkpoint_array;

typedef struct as_checkpoint {
    const as_weights_index *index;
    const as_lora *lora; /* of an adapter alone: all arenas are its own; NULL: of the whole model */
    const char *base;    /* the model that is adapted, by name or path */
    float *weights;  /* arena[index->n_elements]: master weights */
    bool no_master;  /* there are none: weights are those of the model's files */
    float *m, *v;    /* moments, likewise; both NULL: there are none */
    uint64_t step;   /* steps done */
    const char *run; /* what must be the same to go on, as a text: a hash of the run's configuration; NULL: anything */
    as_checkpoint_counter *counters;
    size_t n_counters;
    as_checkpoint_value *values;
    size_t n_values;
    as_checkpoint_array *arrays; /* in optim.safetensors, as "run.NAME"; filled where they are by as_checkpoint_load */
    size_t n_arrays;
} as_checkpoint;

typedef struct as_checkpoint_options {
    as_dtype dtype;   /* of the model's files: AS_F32, AS_BF16 or AS_F16 */
    const char *like; /* see weights_io.h */
    unsigned keep;    /* so many of the newest stay in DIR, this one among them; 0: all */
    uint64_t best;    /* a step whose checkpoint stays beside them; 0: none */
} as_checkpoint_options;

/* DIR/step_N, which must not be there. DIR is made where it is missing. Older ones go only after the new one stands, and
 * only folders named step_N with a trainer.json in them. */
int as_checkpoint_save(const as_checkpoint *c, const as_checkpoint_options *options, const char *dir, as_err *err);

/* Checks every file of `path`, then fills the arenas, step, counters and values of *c, whose index, names and run are
 * given; gaps of the arenas become zero. AS_EDATA: something is damaged or missing, and named. AS_EUSAGE: of another
 * model or run, without moments where there should be some, or with a master where there should be none, or the reverse. *c is changed only if all is well, but for the arenas. */
int as_checkpoint_load(as_checkpoint *c, const char *path, as_err *err);

/* All of DIR that are ours, as above: for a run that begins anew. */
int as_checkpoint_remove_all(const char *dir, as_err *err);
/* Those of steps after `step`: of a second model, whose folder is written before the first one's. */
int as_checkpoint_remove_after(const char *dir, uint64_t step, as_err *err);

/* The newest of DIR, as a path (the caller's); *path NULL: there is none, or no DIR. Looks at names only. */
int as_checkpoint_latest(char **path, const char *dir, as_err *err);
#endif
