/* ttrl_guard.c -- when a run of `assay ttrl` ends before its last step, and which checkpoint stays
 * as the best, by signs that need no labels (ttrl/stop.h). SPDX-License-Identifier: Apache-2.0 */
#include "cli/ttrl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

#define NUMBER(name, most_)                                                                        \
    {                                                                                              \
        .key = #name, .type = AS_SETTING_NUMBER, .offset = offsetof(ttrl_bounds, name),            \
        .most = (most_)                                                                            \
    }

int ttrl_guard_read(ttrl_run *t, const char *file, as_err *err)
{
    static const as_setting table[] = { NUMBER(min_sure, 1),
                                        NUMBER(max_drift, 1),
                                        NUMBER(min_length, 1),
                                        NUMBER(settled_ratio, 2),
                                        { .key = "patience",
                                          .type = AS_SETTING_UINT,
                                          .offset = offsetof(ttrl_bounds, patience),
                                          .least = 1,
                                          .most = 1e9 },
                                        { .key = NULL } };
    char what[200];
    t->bounds = ttrl_bounds_standard();
    (void)snprintf(what, sizeof what, "%.180s: \"bounds\"", file);
    return t->own.bounds ? as_settings_read(&t->bounds, t->own.bounds, table, what, err) : 0;
}

void ttrl_guard_keep(ttrl_run *t)
{
    training *to = &t->s->t;
    ttrl_stop *s = &t->stop;
    t->best = -(double)INFINITY;
    training_keep_count(to, "signs_steps", &s->steps);
    training_keep_count(to, "signs_drifted", &s->drifted);
    training_keep_count(to, "signs_shrunk", &s->shrunk);
    training_keep_count(to, "signs_settled", &s->settled);
    training_keep_count(to, "chosen_step", &t->s->chosen);
    training_keep_value(to, "signs_ratio", &s->ratio);
    training_keep_value(to, "signs_sure", &s->sure);
    training_keep_value(to, "signs_length", &s->length);
    training_keep_value(to, "chosen_agreement", &t->best);
}

static void end(ttrl_run *t, ttrl_sign sign)
{
    training *run = &t->s->t;
    if (sign == TTRL_SETTLED) {
        run->is_over = true;
        if (!run->opts->quiet)
            as_cli_say("assay ttrl: done after step %" PRIu64 ": %s", run->done + 1,
                       ttrl_sign_text(sign));
        return;
    }
    as_fail(&run->stop, AS_EGATE,
            "stopped after step %" PRIu64 ": %s. The checkpoint is kept (\"bounds\" say when to "
            "stop)",
            run->done + 1, ttrl_sign_text(sign));
}

/* A checkpoint is about to be saved: is it the best so far? */
static void choose(ttrl_run *t, double agreement)
{
    const training *run = &t->s->t;
    const uint64_t step = run->done + 1, every = run->c->save_every;
    const bool is_saved =
        step == run->c->steps || (every && step % every == 0) || run->is_over || run->stop.code;
    if (!is_saved || !(agreement > t->best))
        return;
    t->best = agreement;
    t->s->chosen = step;
}

void ttrl_guard_look(ttrl_run *t, const ttrl_signs *signs)
{
    const double agreement = ttrl_agreement(t->first, t->newest, t->newest_ratio, t->n_prompts);
    const ttrl_sign sign = ttrl_stop_look(&t->stop, &t->bounds, signs);
    if (!isnan(agreement))
        as_metrics_put(t->s->t.metrics, "train/agreement", agreement);
    if (sign != TTRL_GO_ON)
        end(t, sign);
    choose(t, agreement);
}
