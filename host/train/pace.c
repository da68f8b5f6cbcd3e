/* pace.c -- tokens per second, loss, time left. SPDX-License-Identifier: Apache-2.0 */
#include "train/pace.h"

#include <math.h>

void as_pace_init(as_pace *p, uint64_t first, uint64_t last, int64_t now_ns)
{
    *p = (as_pace){
        .first = first, .last = last, .step = first ? first - 1 : 0, .start_ns = now_ns
    };
}

void as_pace_step(as_pace *p, uint64_t step, uint64_t tokens, double loss, int64_t now_ns)
{
    uint64_t at = p->n++ % AS_PACE_WINDOW;
    p->step = step;
    p->end_ns[at] = now_ns;
    p->tokens[at] = tokens;
    p->loss[at] = loss;
}

as_pace_now as_pace_read(const as_pace *p)
{
    as_pace_now now = { p->step, p->last, p->n > 0, (double)NAN, (double)NAN, (double)NAN };
    if (p->n == 0)
        return now;
    uint64_t in_window = p->n < AS_PACE_WINDOW ? p->n : AS_PACE_WINDOW;
    uint64_t oldest = p->n - in_window, newest = p->n - 1;
    /* a full window begins where its oldest step ended, whose tokens are not counted then */
    int64_t begin_ns = p->n > AS_PACE_WINDOW ? p->end_ns[oldest % AS_PACE_WINDOW] : p->start_ns;
    double tokens = 0, loss = 0;
    for (uint64_t i = oldest; i <= newest; i++) {
        tokens += i == oldest && p->n > AS_PACE_WINDOW ? 0 : (double)p->tokens[i % AS_PACE_WINDOW];
        loss += p->loss[i % AS_PACE_WINDOW];
    }
    int64_t end_ns = p->end_ns[newest % AS_PACE_WINDOW];
    if (end_ns > begin_ns)
        now.tokens_per_s = tokens / ((double)(end_ns - begin_ns) / 1e9);
    now.loss = loss / (double)in_window;
    double per_step_s = (double)(end_ns - p->start_ns) / 1e9 / (double)p->n;
    now.left_s = p->last > p->step ? per_step_s * (double)(p->last - p->step) : 0;
    return now;
}
