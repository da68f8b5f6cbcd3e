/* train_rl_guard.c -- when a run of reinforcement learning is to end before its last step: a goal
 * that is reached, a collapse, rewards that are all the same, gradients that are no numbers.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { MOST_NOT_FINITE = 3 };

typedef enum bound_is {
    LEAST,
    MOST,
    MOST_OF_EXAMS,
    GOAL
} bound_is; /* goal: beyond it, all is well */

typedef struct bound {
    const char *key, *says;
    bound_is is;
} bound;

/* In the order of rl_guards.bounds, and of measured(). */
static const bound bounds[RL_GUARDS] = {
    { "target_reward", "the mean reward is at least %g", GOAL },
    { "min_reward", "the mean reward is below %g", LEAST },
    { "min_entropy", "the entropy is below %g", LEAST },
    { "max_entropy", "the entropy is above %g", MOST },
    { "max_ppo_kl", "the policy moves by a KL above %g in a step", MOST },
    { "max_kl", "the KL to the reference is above %g", MOST },
    { "max_clip_fraction", "the share of clipped tokens is above %g", MOST },
    { "min_length", "responses are shorter than %g tokens", LEAST },
    { "max_length", "responses are longer than %g tokens", MOST },
    { "max_truncated", "the share of responses that are cut off is above %g", MOST },
    { "max_val_drop", "the held-out suite's accuracy is more than %g below its best",
      MOST_OF_EXAMS },
};

/* NaN: not in this step. */
static void measured(const rl *s, double out[RL_GUARDS])
{
    const rl_seen *seen = &s->seen;
    const double rows = (double)seen->rows, scored = (double)(seen->rows - seen->unscored);
    const double all[RL_GUARDS] = { seen->sum / scored,
                                    seen->sum / scored,
                                    s->last.entropy,
                                    s->last.entropy,
                                    fabs(s->last.ppo_kl),
                                    s->last.kl,
                                    s->last.clip_fraction,
                                    (double)seen->tokens / rows,
                                    (double)seen->tokens / rows,
                                    (double)seen->truncated / rows,
                                    s->has_exam ? s->now.best - s->exam_avg : (double)NAN };
    for (int i = 0; i < RL_GUARDS; i++)
        out[i] = all[i];
}

#define BOUND(i)                                                                                   \
    {                                                                                              \
        .key = NULL, .type = AS_SETTING_NUMBER,                                                    \
        .offset = offsetof(rl_guards, bounds) + (i) * sizeof(double), .least = -1e300,             \
        .most = 1e300                                                                              \
    }

static int check_exams(const rl_guards *g, const rl_config *c, const char *file, as_err *err)
{
    for (size_t i = 0; i < RL_GUARDS; i++)
        if (bounds[i].is == MOST_OF_EXAMS && !isnan(g->bounds[i]) && !c->eval_suite)
            return as_fail(err, AS_EUSAGE, "%s: \"guards\": \"%s\" needs an \"eval_suite\"", file,
                           bounds[i].key);
    return 0;
}

int rl_guards_read(rl_guards *g, const rl_config *c, const char *file, as_err *err)
{
    char what[200];
    as_setting table[RL_GUARDS + 2] = { { .key = "patience",
                                          .type = AS_SETTING_UINT,
                                          .offset = offsetof(rl_guards, patience),
                                          .least = 1,
                                          .most = 1e9 } };
    g->patience = 10;
    for (size_t i = 0; i < RL_GUARDS; i++) {
        table[i + 1] = (as_setting)BOUND(i);
        table[i + 1].key = bounds[i].key;
        g->bounds[i] = NAN;
    }
    if (!c->guards)
        return 0;
    if (!cJSON_IsObject(c->guards))
        return as_fail(err, AS_EUSAGE, "%s: \"guards\": an object is allowed", file);
    (void)snprintf(what, sizeof what, "%.180s: \"guards\"", file);
    int rc = as_settings_read(g, c->guards, table, what, err);
    return rc == 0 ? check_exams(g, c, file, err) : rc;
}

void rl_guards_keep(rl *s)
{
    for (int i = 0; i < RL_GUARDS; i++)
        training_keep_count(&s->t, bounds[i].key, &s->guards.beyond[i]);
    training_keep_count(&s->t, "flat", &s->guards.flat);
    training_keep_count(&s->t, "not_finite", &s->guards.not_finite);
}

/* Over so many steps, or exams, in a row. */
static void stop(rl *s, const bound *b, double at, uint64_t n)
{
    char why[200];
#pragma GCC diagnostic push
#pragma GCC diagnostic ignored "-Wformat-nonliteral"
    (void)snprintf(why, sizeof why, b->says, at);
#pragma GCC diagnostic pop
    if (b->is == GOAL) {
        s->t.is_over = true;
        if (!s->t.opts->quiet)
            as_cli_say("assay train: the goal is reached: %s, %" PRIu64 " steps in a row", why, n);
        return;
    }
    as_fail(&s->t.stop, AS_EGATE,
            "stopped after step %" PRIu64 ": %s, %" PRIu64
            " %s in a row (\"guards\": \"%s\"); the checkpoint is kept",
            s->t.done + 1, why, n, b->is == MOST_OF_EXAMS ? "times" : "steps", b->key);
}

static void look_at_bounds(rl *s)
{
    rl_guards *g = &s->guards;
    double now[RL_GUARDS];
    measured(s, now);
    for (int i = 0; i < RL_GUARDS; i++) {
        const double at = g->bounds[i];
        const bool is_beyond = bounds[i].is == LEAST  ? now[i] < at
                               : bounds[i].is == GOAL ? now[i] >= at
                                                      : now[i] > at; /* NaN: never */
        if (bounds[i].is == MOST_OF_EXAMS && !s->has_exam)
            continue;
        g->beyond[i] = is_beyond ? g->beyond[i] + 1 : 0;
        if (is_beyond && g->beyond[i] >= g->patience && !s->t.stop.code)
            stop(s, &bounds[i], at, g->beyond[i]);
    }
}

void rl_guards_look(rl *s)
{
    rl_guards *g = &s->guards;
    const rl_seen *seen = &s->seen;
    const bool is_flat = seen->rows == seen->unscored || !(seen->least < seen->most);
    g->flat = is_flat ? g->flat + 1 : 0;
    g->not_finite = s->last.skipped ? g->not_finite + 1 : 0;
    if (g->not_finite >= MOST_NOT_FINITE)
        as_fail(&s->t.stop, AS_EDATA,
                "stopped after step %" PRIu64 ": %d steps in a row had a gradient that is not "
                "finite; their updates were left out, and the checkpoint has the weights as they "
                "were: a lower \"lr\" or a smaller \"clip\" may go on from it",
                s->t.done + 1, MOST_NOT_FINITE);
    else if (s->own.flat_steps && g->flat >= s->own.flat_steps)
        as_fail(&s->t.stop, AS_EGATE,
                "stopped after step %" PRIu64 ": all rewards of a step were %g, %" PRIu64
                " steps in a row: nothing is to be learned from them. Is the verifier right, and "
                "is the task neither too hard nor too easy? (\"flat_steps\": 0 goes on)",
                s->t.done + 1, seen->rows == seen->unscored ? (double)NAN : seen->most, g->flat);
    look_at_bounds(s);
}
