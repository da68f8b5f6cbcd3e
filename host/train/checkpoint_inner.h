/* checkpoint_inner.h -- what checkpoint_save.c and checkpoint_load.c share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_CHECKPOINT_INNER_H
#define AS_TRAIN_CHECKPOINT_INNER_H
#include "train/checkpoint.h"

#define AS_CHECKPOINT_SCHEMA "assay.checkpoint/1"
#define AS_CHECKPOINT_TRAINER "trainer.json"
#define AS_CHECKPOINT_OPTIM "optim.safetensors"
#define AS_CHECKPOINT_ARRAY "run."
#define AS_CHECKPOINT_SEAL ",\n  \"xxh3\": \"" /* before the hash of all that stands before it */
enum { AS_CHECKPOINT_TRAINER_MAX = 16 * 1024 * 1024 };

/* Size and XXH3 of a file; AS_EIO. */
int as_checkpoint_hash(const char *path, size_t *size, uint64_t *hash, as_err *err);

/* The steps of DIR's checkpoints, ascending (the caller's, as_free). DIR missing: none. */
int as_checkpoint_steps(uint64_t **steps, size_t *n, const char *dir, as_err *err);
char *as_checkpoint_path(const char *dir, uint64_t step); /* DIR/step_N; NULL: no memory */
#endif
