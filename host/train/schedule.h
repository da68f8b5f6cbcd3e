/* schedule.h -- the learning rate of a step. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_SCHEDULE_H
#define AS_TRAIN_SCHEDULE_H
#include <stdint.h>

typedef enum as_decay { AS_DECAY_CONSTANT, AS_DECAY_LINEAR, AS_DECAY_COSINE } as_decay;

/* Up from 0 over `warmup` steps; then `peak` until `decay_from`, from where it falls to `least` at the last of `steps`. */
typedef struct as_schedule {
    double peak, least;
    uint64_t warmup, decay_from, steps;
    as_decay decay;
} as_schedule;

double as_schedule_lr(const as_schedule *s, uint64_t step); /* step: from 1 */
#endif
