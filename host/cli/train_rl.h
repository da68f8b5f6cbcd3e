/* train_rl.h -- what the files of reinforcement learning in `assay train` share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_TRAIN_RL_H
#define AS_CLI_TRAIN_RL_H
#include "cli/training.h"
#include "exam/exam.h"
#include "reward/reward.h"
#include "train/growing.h"
#include "train/order.h"
#include "train/rl.h"

/* ---- the keys (train_rl_config.c), with defaults of the algorithm and the preset (train_rl_preset.c) ---- */

typedef enum rl_algo {
    RL_PPO = 1 << 0,
    RL_GRPO = 1 << 1,
    RL_DR_GRPO = 1 << 2,
    RL_RLOO = 1 << 3,
    RL_REINFORCE_PP = 1 << 4,
    RL_REINFORCE_PP_BASELINE = 1 << 5,
    RL_REMAX = 1 << 6,
    RL_DAPO = 1 << 7,
    RL_GSPO = 1 << 8,
    RL_GRPO_PASSK = 1 << 9
} rl_algo;

enum { RL_CRITIC_MODEL, RL_CRITIC_HEAD };

/* Keys as resolved; texts and objects point into the tree. Those of the formulas go on into as_rl_options. */
typedef struct rl_config {
    const char *preset, *prompts, *eval_suite, *eval_plugin, *ptx_data, *critic_model;
    const cJSON *rm; /* train_rl_online.c */
    const cJSON *reward, *holdout, *stop, *guards, *clip_ratio, *max_unscored_share;
    int order, isolation, scale_rewards, loss_agg_mode, kl_estimator, zero_groups, critic; /* words in train_rl_config.c */
    bool as_chat, use_kl_in_reward, use_kl_loss, mask_truncated, recompute_old, whiten_population, whiten_keeps_mean, eval_before;
    bool value_halved, kl_with_ratio;
    uint64_t train_batch_size, gen_batch_size, n, max_prompt_length, max_response_length, limit, top_k, mini_batch, epochs;
    uint64_t max_gen_batches, overlong_buffer, max_seqs, timeout_ms, unscored_window, flat_steps, rollouts_every, rollouts_logged;
    uint64_t eval_every, eval_n, eval_limit, ptx_batch, critic_warmup;
    double temperature, top_p, min_p, clip_low, clip_high, clip_dual, advantage_eps, gamma, lam, kl_coef, kl_target, kl_horizon;
    double entropy_coeff, overlong_factor, reward_clip, importance_cap, ptx_coef, order_floor, order_momentum;
    double eval_temperature, eval_top_p, critic_lr, value_clip, vf_coef;
    rl_algo algo;
    double max_unscored; /* of the key max_unscored: a share */
} rl_config;

/* Layer over layer: all algorithms', the algorithm's, the preset's, the file's. *layers: the trees that texts may point into, the
 * caller's. AS_EUSAGE with a sentence for what does not go together, and for a key that would change nothing. */
int rl_config_read(rl_config *c, train_config *common, cJSON **layers, const cJSON *tree, const char *file, as_err *err);
enum { RL_LAYERS = 2 }; /* the algorithm's and the preset's */
extern const as_setting rl_settings[];
as_rl_options rl_options_of(const rl_config *c, const train_config *common);

/* Of an algorithm, by its word: what differs from the common defaults, as JSON. NULL: there is no such. */
typedef struct rl_layer {
    const char *word, *algo; /* algo: of a preset; NULL: any */
    rl_algo is;
    const char *json;
} rl_layer;
const rl_layer *rl_algorithm(const char *word);
const rl_layer *rl_preset(const char *word);
void rl_preset_words(as_buf *out); /* for people: "verl-ppo, verl-grpo, ..." */

/* ---- guards (train_rl_guard.c) ---- */

enum { RL_GUARDS = 11 };
typedef struct rl_guards { /* bounds that were asked for; NaN: none */
    uint64_t patience;     /* steps in a row beyond a bound, and the run ends */
    double bounds[RL_GUARDS];
    uint64_t beyond[RL_GUARDS]; /* in a row; kept over a checkpoint */
    uint64_t flat, not_finite;  /* steps in a row in which all rewards were equal; in which a gradient was refused */
} rl_guards;
int rl_guards_read(rl_guards *g, const rl_config *c, const char *file, as_err *err);

/* ---- a step's responses and what they are worth (train_rl_sample.c) ---- */

/* Of all responses of a step, those that dynamic sampling left out included. */
typedef struct rl_seen {
    uint64_t batches, rows, unscored, passed, gated, truncated, tokens, prompt_tokens, shortest, longest;
    uint64_t saved;                      /* responses that labels.more did not ask for */
    uint64_t groups, zero, all_0, all_1; /* with a scored row; of these, all equal; all 0; all 1 */
    double sum, squares, least, most;    /* of rewards */
    double part_sum[AS_REWARD_PARTS], part_s[AS_REWARD_PARTS]; /* of each verifier: scores, seconds in it */
    uint64_t part_n[AS_REWARD_PARTS], part_out[AS_REWARD_PARTS]; /* rows it judged, and those it could not */
    double gen_s, wait_s, score_s, slowest_ms;
    char slowest[80]; /* id and verifier */
} rl_seen;

typedef struct rl_graded { /* beside a row of the rollouts */
    double score;
    bool is_out;
    assay_verdict verdict;
    as_str reason; /* in rl.texts */
} rl_graded;

/* ---- labels: what puts rewards of its own in place of the verifiers', which are only watched then (ttrl.h) ---- */

typedef struct rl rl;
typedef struct rl_labels {
    uint64_t each; /* responses to a prompt; the first "n" of them are trained on */
    void *own;     /* the first argument of: */
    int (*open)(void *own, rl *s, as_err *err); /* prompts and verifiers are there */
    /* Prompts that come while the model learns; NULL: they stand in the file "prompts". start: the folder stands, the checkpoint is
     * loaded. next: those that are there now, up to `most`, more in rl.suite; waits for one; none: no more will come. */
    int (*start)(void *own, as_err *err);
    int (*next)(void *own, size_t most, as_err *err);
    int (*record)(void *own, as_run_record *record, as_err *err);
    void (*keep)(void *own);  /* training_keep_... */
    void (*begin)(void *own); /* a step begins; what the one before left, if it was broken off, is forgotten */
    /* Responses in waves: upto[n_groups], how many each group of the batch is to have, at first and after each wave; 1: draw them,
     * 0: these are enough, < 0. The first wave is of at least "n" each. NULL: all at once. */
    int (*more)(void *own, const as_rollouts *r, uint32_t *upto, as_err *err);
    /* All responses of a batch are there, r->drawn of each group: rows[r->n], as the verifiers have judged them, get score,
     * is_unscored and verdict. */
    int (*put)(void *own, const as_rollouts *r, as_reward_row *rows, as_err *err);
    void (*look)(void *own); /* a step is done: metrics; training.stop */
    void (*say)(const void *own);
    void (*progress)(const void *own, char *out, size_t size); /* NULL: the rewards' */
    void (*show)(const void *own, as_buf *json);               /* more members of the summary; NULL */
    void (*close)(void *own); /* in any state */
} rl_labels;

/* ---- the run (train_rl.c) ---- */

/* What a checkpoint keeps beside the weights: of the steps that are done, none of a step that was broken off. */
typedef struct rl_kept {
    uint64_t batches, rows, updates, critic_updates, rm_updates, log_bytes, best_step;
    double kl_coef, best;
} rl_kept;

typedef struct rl_online rl_online; /* a reward model that learns with the policy (train_rl_online.c) */

struct rl {
    training t;
    const rl_labels *labels; /* NULL: rewards are the verifiers' */
    train_config common;
    rl_config own;
    as_rl_options options;
    as_suite suite, exam_suite;
    as_sft_data ptx;
    as_order order;
    as_registry *registry;
    as_cache *cache;
    as_reward *reward;
    bool is_told[AS_REWARD_PARTS]; /* why a verifier did not judge was said */
    as_scorer *exam_scorer;
    as_str *stops;
    /* passes */
    as_region region;
    as_run_options pass;
    as_gen_options gen;
    train_model reference, critic; /* critic: of its own */
    char *critics;                 /* its checkpoints */
    as_run *run, *reference_run, *critic_run;
    as_generator *generator;
    as_rl *steps;
    rl_online *online; /* NULL: the verifiers' scores are the rewards */
    /* a step */
    as_rollouts rollouts, more, greedy; /* more: a batch of dynamic sampling */
    uint32_t *picked;                   /* [gen_batch_size] prompts */
    const as_suite_item **items;        /* [gen_batch_size] */
    rl_graded *graded;                  /* [cap_graded] of the rollouts */
    size_t cap_graded;
    double *score, *greedy_score;
    bool *is_out;
    as_arena texts;
    double *share; /* [suite.n] of answers that passed, this step; NaN: not asked */
    rl_seen seen;
    as_rl_stats last;
    rl_guards guards;
    as_growing log; /* rollouts.jsonl */
    rl_kept kept, now; /* now: of the step that is being made */
    double exam_avg;   /* newest; NaN */
    bool has_exam;     /* it is this step's */
    double exam_s;
    as_arena exam_arena;
    as_reward_row *labelled; /* [cap_labelled] */
    size_t cap_labelled;
    uint64_t chosen; /* a step whose checkpoint stays, by labels.look; without a held-out suite */
};

int rl_sample(rl *s, as_err *err);
static inline uint64_t rl_each(const rl *s)
{
    return s->labels ? s->labels->each : s->own.n;
}
static inline bool rl_is_stream(const rl *s)
{
    return s->labels && s->labels->next;
}
int64_t rl_longest(const rl *s); /* tokens of a prompt and its response */
int rl_plan(rl *s, as_err *err); /* lays rl.pass and rl.gen out; refused where it does not fit (train_rl_plan.c) */

/* The key "rm", in the order in which it is asked for; without it they do nothing. rl_online_step: what the reward model says of
 * the responses takes the place of rl.score, and where the step is due, it learns which of them the verifiers prefer. */
int rl_online_read(rl *s, const char *file, as_err *err);
int rl_online_open(rl *s, as_err *err);
const train_model *rl_online_model(const rl *s, as_run_options *pass); /* for the plan; NULL: there is none */
int rl_online_load(rl *s, as_err *err);
int rl_online_record(rl *s, as_err *err);
int rl_online_begin(const rl *s, as_err *err);
int rl_online_step(rl *s, uint64_t step, as_err *err);
int rl_online_save(const rl *s, as_err *err);
int rl_online_restore(rl *s, as_err *err);
void rl_online_close(rl *s);

/* Metrics, sampled rollouts, what is printed (train_rl_show.c). */
void rl_put_metrics(rl *s);
int rl_log_open(rl *s, as_err *err);
int rl_log_rollouts(rl *s, uint64_t step, as_err *err);
void rl_progress(const void *ctx, char *out, size_t size);
void rl_say(const void *ctx);
void rl_show(const void *ctx, as_buf *json);
void rl_say_counts(const rl *s);

/* The held-out suite (train_rl_exam.c): its metrics, and whether it went better than ever. */
int rl_exam_open(rl *s, as_err *err);
int rl_name_verifier(const cJSON *spec, as_buf *out, as_err *err); /* the first of a reward, as as_scorer_open takes it */
int rl_exam(rl *s, uint64_t step, as_err *err);

/* After a step: training.stop where it was one too many. */
void rl_guards_look(rl *s);
void rl_guards_keep(rl *s);
extern const char *const train_rl_words[]; /* paragraphs of --help; ends with NULL (train_rl_words.c) */

/* train_rl with labels; the configuration's "reward" is what is watched. */
int train_rl_labelled(const train_opts *o, const cJSON *tree, const char *file, const rl_labels *labels, as_err *err);
#endif
