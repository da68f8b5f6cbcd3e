/* combine.c -- what several verifiers said of a row, made one reward.
 * SPDX-License-Identifier: Apache-2.0 */
#include "reward/inner.h"

#include <math.h>

enum { NOBODY = AS_REWARD_PARTS };

/* The first gate that the row did not pass: what the model did, whatever the others say. */
static uint32_t first_gate_lost(const as_reward *w, uint32_t row)
{
    for (uint32_t k = 0; k < w->n_parts; k++) {
        const part *p = &w->parts[k];
        assay_verdict v = p->said.verdict[row];
        if (p->is_gate && as_verdict_is_scored(v) && v != ASSAY_PASS)
            return k;
    }
    return NOBODY;
}

/* ERROR before ABSTAIN, as in compose: it is the one that may be over next time. */
static uint32_t first_unscored(const as_reward *w, uint32_t row)
{
    uint32_t found = NOBODY;
    for (uint32_t k = 0; k < w->n_parts; k++) {
        const part *p = &w->parts[k];
        assay_verdict v = p->said.verdict[row];
        if (p->is_watched || as_verdict_is_scored(v))
            continue;
        if (v != ASSAY_ABSTAIN)
            return k;
        if (found == NOBODY)
            found = k;
    }
    return found;
}

/* Gates alone: what passes them all is worth 1. */
static double weighted_sum(const as_reward *w, uint32_t row)
{
    double sum = 0;
    bool has_weight = false;
    for (uint32_t k = 0; k < w->n_parts; k++) {
        const part *p = &w->parts[k];
        if (p->weight == 0)
            continue;
        has_weight = true;
        sum += p->weight * (double)p->said.score[row];
    }
    return has_weight ? sum : 1;
}

static void decide(const as_reward *w, uint32_t row, as_reward_row *out)
{
    uint32_t gate = first_gate_lost(w, row);
    uint32_t unscored = gate == NOBODY ? first_unscored(w, row) : NOBODY;
    out->part = gate != NOBODY ? gate : unscored != NOBODY ? unscored : w->main_part;
    const said *s = &w->parts[out->part].said;
    out->verdict = s->verdict[row];
    out->rule = s->rule[row];
    out->reason = s->reason[row];
    if (gate != NOBODY) {
        out->verdict = ASSAY_FAIL;
        out->score = w->parts[gate].lost;
    } else if (unscored != NOBODY) {
        out->is_unscored = true;
        out->score = (double)NAN;
    } else {
        out->score = weighted_sum(w, row);
    }
    const said *votes = &w->parts[w->main_part].said;
    if (votes->key) {
        out->key = votes->key[row];
        out->answer = votes->answer[row];
    }
}

int as_reward_combine(as_reward *w, as_err *err)
{
    size_t n = w->n_rows;
    size_t n_cells = n * w->n_parts; /* rows and parts are few: far from an overflow */
    w->rows = as_arena_calloc(&w->arena, n, sizeof *w->rows);
    float *scores = as_arena_calloc(&w->arena, n_cells, sizeof *scores);
    assay_verdict *verdicts = as_arena_calloc(&w->arena, n_cells, sizeof *verdicts);
    if (!w->rows || !scores || !verdicts)
        return as_fail(err, AS_ENOMEM, "rewards of %u rows: out of memory", w->n_rows);
    for (uint32_t row = 0; row < w->n_rows; row++) {
        as_reward_row *out = &w->rows[row];
        size_t at = (size_t)row * w->n_parts;
        for (uint32_t k = 0; k < w->n_parts; k++) {
            scores[at + k] = w->parts[k].said.score[row];
            verdicts[at + k] = w->parts[k].said.verdict[row];
        }
        out->scores = scores + at;
        out->verdicts = verdicts + at;
        decide(w, row, out);
    }
    return 0;
}
