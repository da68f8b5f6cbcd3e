/* schedule.c -- see schedule.h. SPDX-License-Identifier: Apache-2.0 */
#include "train/schedule.h"

#include <math.h>

double as_schedule_lr(const as_schedule *s, uint64_t step)
{
    if (step < s->warmup)
        return s->peak * (double)step / (double)s->warmup;
    const uint64_t from = s->decay_from > s->warmup ? s->decay_from : s->warmup;
    if (s->decay == AS_DECAY_CONSTANT || step <= from || s->steps <= from)
        return s->peak;
    const double done = step < s->steps ? (double)(step - from) / (double)(s->steps - from) : 1;
    const double left = s->decay == AS_DECAY_LINEAR ? 1 - done : (1 + cos(acos(-1.0) * done)) / 2;
    return s->least + (s->peak - s->least) * left;
}
