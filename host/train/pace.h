/* pace.h -- how fast a run goes and when it will be done, for a line of progress. Times are the caller's, from a clock that
 * only goes forward (as_now_ns). SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_PACE_H
#define AS_TRAIN_PACE_H
#include <stdbool.h>
#include <stdint.h>

enum { AS_PACE_ENDLESS = 1000000000 }; /* `last` of a run that ends when it is told to */
enum { AS_PACE_WINDOW = 16 }; /* steps that speed and loss are taken over: single ones jump */

typedef struct as_pace {
    uint64_t first, last; /* steps: this process does first .. last */
    uint64_t step;        /* done; first - 1 at the start */
    int64_t start_ns;
    uint64_t n; /* steps recorded; the newest is at (n - 1) % AS_PACE_WINDOW */
    int64_t end_ns[AS_PACE_WINDOW];
    uint64_t tokens[AS_PACE_WINDOW];
    double loss[AS_PACE_WINDOW];
} as_pace;

typedef struct as_pace_now {
    uint64_t step, last;
    bool has_steps; /* of this process; where not, the rest is NaN */
    double tokens_per_s; /* of the window; NaN where no time went by */
    double loss;         /* mean of the window; NaN where one of it is */
    double left_s;       /* by the mean time of this process's steps */
} as_pace_now;

void as_pace_init(as_pace *p, uint64_t first, uint64_t last, int64_t now_ns);
void as_pace_step(as_pace *p, uint64_t step, uint64_t tokens, double loss, int64_t now_ns);
as_pace_now as_pace_read(const as_pace *p);
#endif
