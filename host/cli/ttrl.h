/* ttrl.h -- what the files of `assay ttrl` share: a run of reinforcement learning (train_rl.h)
 * whose rewards are those of a vote. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_TTRL_H
#define AS_CLI_TTRL_H
#include "cli/train_rl.h"
#include "ttrl/label.h"
#include "ttrl/stop.h"

enum { TTRL_BY_CLASS, TTRL_BY_STRING };
enum { TTRL_LEVELS = 16 };
enum { TTRL_UNKNOWN, TTRL_WRONG, TTRL_RIGHT }; /* of a label, where there is a reference */

typedef struct ttrl_config { /* the keys (ttrl.c) */
    const cJSON *plugin, *bounds, *sequential;
    int vote, tie; /* TTRL_BY_...; as_tie_rule */
    uint64_t votes;
    double confidence; /* a label teaches where a lead is an accident with at most 1 - this; 0:
                          always */
} ttrl_config;

typedef struct ttrl_waves { /* the key "sequential" */
    double error;  /* enough where the chance that more votes change the label is at most that; 0:
                      where they cannot */
    uint64_t wave; /* votes that are drawn before the next look */
} ttrl_waves;

/* ---- watching (ttrl_watch.c) ---- */

/* A mean that grows; n counts what was known. */
typedef struct ttrl_mean {
    double sum, n;
} ttrl_mean;

typedef struct ttrl_level {
    char name[24];
    ttrl_mean accuracy, length, majority, effective, label_right, flipped;
} ttrl_level;

/* Of a step, by prompt; those from `accuracy` on need references. */
typedef struct ttrl_tally {
    uint64_t prompts, unlabelled, unsure, visited, flipped;
    uint64_t rows, failed;
    ttrl_mean majority, sure, length, reward, effective, entropy, post_entropy;
    ttrl_mean label_right, reward_right, right, pass, post_reward_right, post_right, post_pass;
} ttrl_tally;

/* The label of a prompt in this step; it counts once the step is done. */
typedef struct ttrl_visit {
    size_t prompt;
    float label, is_right, ratio; /* as ttrl_run.newest, newest_right, newest_ratio */
} ttrl_visit;

/* ---- the run ---- */

typedef struct ttrl_opts {
    train_opts train; /* first: TRAIN_OPTIONS */
    const char *in;
    double idle; /* seconds; NaN: no end */
    bool stream, follow;
} ttrl_opts;

typedef struct ttrl_stream ttrl_stream;
typedef struct ttrl_ballot ttrl_ballot; /* what the answers of a batch say (ttrl_vote.c) */

typedef struct ttrl_run {
    ttrl_config own;
    ttrl_waves waves;
    const ttrl_opts *opts;
    rl *s;
    as_scorer *scorer; /* whose answers vote */
    as_arena arena;    /* of a batch */
    ttrl_ballot *ballot;
    uint64_t drawn, saved; /* of the votes of all steps; a checkpoint keeps them */
    ttrl_tally tally;
    ttrl_level levels[TTRL_LEVELS];
    size_t n_levels;
    ttrl_stream *stream; /* prompts that come meanwhile; NULL: those of a file */
    size_t cap_prompts;
    size_t n_prompts;   /* that have a place in the arrays: all of a file; of a stream, ids in the
                           order in which they came */
    uint8_t *level_of;  /* [prompts] index + 1; 0: none */
    ttrl_visit *visits; /* [n_visits] of this step */
    size_t n_visits, cap_visits;
    /* [prompts] What a checkpoint keeps. A label: 1 + 24 bits of its hash; 0: none yet. Right:
     * TTRL_... */
    float *first, *newest, *first_right, *newest_right, *newest_ratio;
    ttrl_bounds bounds;
    ttrl_stop stop;
    double best; /* agreement of the checkpoint that is kept */
} ttrl_run;

/* A prompt after its vote: its n rows begin at `row`. Rewards and rights as in ttrl/label.h. */
typedef struct ttrl_voted {
    const ttrl_label *label;
    const as_rollouts *rollouts;
    size_t group, row, n;
    as_str key; /* of the label */
    const double *reward, *right;
    bool is_sure;
} ttrl_voted;

int ttrl_watch_open(ttrl_run *t, as_err *err); /* the prompts are there */
/* Of a stream: room for one prompt more, in the last place; what an answer has said of a prompt
 * before, right as in first_right. */
int ttrl_watch_add(ttrl_run *t, as_err *err);
void ttrl_watch_level(ttrl_run *t, size_t prompt, as_str meta);
void ttrl_watch_recall(ttrl_run *t, size_t prompt, as_str key, int right, double ratio);
void ttrl_watch_close(ttrl_run *t);
void ttrl_watch_keep(ttrl_run *t);
void ttrl_watch_begin(ttrl_run *t);
int ttrl_watch_prompt(ttrl_run *t, const ttrl_voted *v, as_err *err);
void ttrl_watch_step(ttrl_run *t); /* the step is done: its metrics */
void ttrl_watch_say(const ttrl_run *t);
void ttrl_watch_progress(const ttrl_run *t, char *out, size_t size); /* of a stream */

/* ---- when to end, and the best checkpoint, without labels (ttrl_guard.c) ---- */

int ttrl_guard_read(ttrl_run *t, const char *file, as_err *err);
void ttrl_guard_keep(ttrl_run *t);
void ttrl_guard_look(ttrl_run *t, const ttrl_signs *signs);

/* ---- prompts that come while the model learns (ttrl_stream.c, ttrl_answers.c) ---- */

int ttrl_stream_check(const ttrl_opts *o, as_err *err); /* options alone */
int ttrl_stream_open(ttrl_stream **out, ttrl_run *t, const ttrl_opts *o, as_err *err);
int ttrl_stream_start(ttrl_stream *st, as_err *err);
int ttrl_stream_next(ttrl_stream *st, size_t most, as_err *err);
/* The answer to a prompt, by what its vote and its visit say; those of a batch are sent together.
 */
int ttrl_stream_answer(ttrl_stream *st, const ttrl_voted *v, const ttrl_visit *visit, as_err *err);
int ttrl_stream_send(ttrl_stream *st, as_err *err);
size_t ttrl_stream_place(const ttrl_stream *st, const as_suite_item *item);
void ttrl_stream_keep(ttrl_stream *st);
void ttrl_stream_learned(ttrl_stream *st); /* a step is done with what was taken so far */
uint64_t ttrl_stream_answered(const ttrl_stream *st);
void ttrl_stream_say(const ttrl_stream *st);
void ttrl_stream_show(const ttrl_stream *st, as_buf *json);
void ttrl_stream_close(ttrl_stream *st); /* NULL is fine */

/* ---- labels (ttrl_vote.c) ---- */

int ttrl_waves_read(ttrl_run *t, const char *file, as_err *err);
int ttrl_labels_open(void *own, rl *s, as_err *err);
int ttrl_labels_more(void *own, const as_rollouts *r, uint32_t *upto, as_err *err);
int ttrl_labels_put(void *own, const as_rollouts *r, as_reward_row *rows, as_err *err);

/* ---- one run, of a configuration as it was read (ttrl.c); several and what they are compared by
 * (ttrl_experiment.c) ---- */

/* by_reference: the verifier rewards, nobody votes; the run is one of `assay train`. `tree` loses
 * the keys of assay ttrl. */
int ttrl_train(const train_opts *o, cJSON *tree, const char *file, bool by_reference, as_err *err);
int ttrl_experiment(const train_opts *o, cJSON *tree, const char *file, as_err *err);
#endif
