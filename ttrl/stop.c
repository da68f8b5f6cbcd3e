/* stop.c -- see stop.h. SPDX-License-Identifier: Apache-2.0 */
#include "ttrl/stop.h"

#include <math.h>

ttrl_bounds ttrl_bounds_standard(void)
{
    return (ttrl_bounds){
        .min_sure = 0.2, .max_drift = 0.5, .min_length = 0.1, .settled_ratio = 2, .patience = 10
    };
}

const char *ttrl_sign_text(ttrl_sign s)
{
    switch (s) {
    case TTRL_ACCIDENTS:
        return "the first votes were accidents: hardly a winner leads by more than chance, so "
               "there "
               "is too little to learn from (more votes, easier prompts or a better model)";
    case TTRL_DRIFTED:
        return "the answers agree more and more, but on others than at first: the model talks "
               "itself into them (a lower \"lr\", more votes, a KL)";
    case TTRL_SHRUNK:
        return "the responses have all but vanished";
    case TTRL_SETTLED:
        return "the answers agree and no label changes any more";
    case TTRL_GO_ON:
        break;
    }
    return "";
}

/* The mean of the first steps, one more of them. */
static double grow(double mean, double x, uint64_t n)
{
    return isnan(x) ? mean : mean + (x - mean) / (double)n;
}

static uint64_t in_a_row(uint64_t n, bool is_so)
{
    return is_so ? n + 1 : 0;
}

ttrl_sign ttrl_stop_look(ttrl_stop *s, const ttrl_bounds *b, const ttrl_signs *now)
{
    s->steps++;
    if (s->steps <= TTRL_FIRST) {
        s->ratio = grow(s->ratio, now->ratio, s->steps);
        s->sure = grow(s->sure, now->sure, s->steps);
        s->length = grow(s->length, now->length, s->steps);
        return s->steps == TTRL_FIRST && s->sure < b->min_sure ? TTRL_ACCIDENTS : TTRL_GO_ON;
    }
    s->drifted = in_a_row(s->drifted, now->drift > b->max_drift && now->ratio > s->ratio);
    s->shrunk = in_a_row(s->shrunk, now->length < b->min_length * s->length);
    if (!isnan(now->flips))
        s->settled = in_a_row(s->settled, now->ratio >= b->settled_ratio && now->flips == 0);
    return s->drifted >= b->patience   ? TTRL_DRIFTED
           : s->shrunk >= b->patience  ? TTRL_SHRUNK
           : s->settled >= b->patience ? TTRL_SETTLED
                                       : TTRL_GO_ON;
}

double ttrl_agreement(const float *first, const float *newest, const float *ratio, uint64_t n)
{
    double sum = 0, known = 0;
    for (uint64_t i = 0; i < n; i++) {
        known += first[i] != 0;
        if (first[i] != 0 && first[i] == newest[i])
            sum += (double)ratio[i];
    }
    return sum / known;
}
