/* rl_inner.h -- what the files of the step share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_TRAIN_RL_INNER_H
#define AS_TRAIN_RL_INNER_H
#include "train/rl.h"

/* A step's responses as the formulas see them: rows in the order of the rollouts, arrays "of tokens" by `rows.first`. */
typedef struct as_rl_batch {
    const as_rollouts *rollouts;
    as_rows rows;       /* is_out: not scored */
    size_t cap_rows, cap_tokens;
    size_t *first;
    uint32_t *group;
    bool *is_out, *no_loss; /* no_loss: those, and what is masked: truncated, groups that do not differ */
    double *score;          /* [rows] of the verifier */
    double *reward;         /* [rows] with the overlong punishment */
    double *old;            /* [tokens] log-probabilities of the policy as it was */
    double *reference;      /* [tokens] of the reference; where there is one */
    double *kl;             /* [tokens] estimates with `old` */
    double *token_reward, *returns, *value, *advantage; /* [tokens] */
    double *of_row, *of_row_too;                        /* [rows] scratch */
    double *weight, *value_weight;                      /* [rows] of a mini-batch: of their tokens in the losses */
    bool *is_out_here;                                  /* [rows] not in it */
    as_group *groups;                                   /* [rows + 1] by `score` */
    uint32_t *order;                                    /* [groups] of the mini-batches */
} as_rl_batch;

/* A micro-batch, and what is in it: prompts, each a sequence with its responses behind it. */
typedef struct as_rl_pack {
    int32_t *ids, *cu_seqlens, *parents, *rows, *targets;
    double *logp, *entropy, *value;  /* [limits.rows] */
    double *coef, *ecoef, *vcoef;    /* [limits.rows] derivatives of the loss by these */
    size_t *row;                     /* [limits.seqs] responses: rows of the batch */
    int64_t n_tokens, n_seqs, n_rows, n_responses;
    int32_t prompt; /* the sequence that responses are put behind; -1: it is still to be put */
} as_rl_pack;

struct as_rl {
    as_rl_parts parts;
    as_rl_options options;
    as_rl_state state;
    as_rl_batch b;
    as_rl_pack pack;
    uint32_t *ptx_order;
    uint64_t ptx_epoch;
    /* of an update */
    bool is_first; /* no update of this step was before it */
    double n_clipped, n_dual, sum_ppo_kl, n_in_updates, n_in_loss, n_tried, n_critic_tried, n_values, n_values_clipped;
};

/* rl_batch.c */
int as_rl_batch_fill(as_rl_batch *b, const as_rollouts *rollouts, const as_rl_rewards *rewards, const as_rl_options *o,
                     as_err *err);
double as_rl_clipped(double reward, const as_rl_options *o);
void as_rl_batch_fini(as_rl_batch *b);

/* rl_advantage.c: b->advantage, and what is said of rewards in *stats. */
int as_rl_advantages(as_rl *rl, const as_rl_rewards *rewards, as_rl_stats *stats, as_err *err);

/* rl_pack.c: prompts with their responses through a run, as many at a time as it takes. Responses to one prompt stay together where
 * a pass takes them all; where it does not, each has the prompt in its own. */
int as_rl_pack_init(as_rl_pack *p, const as_run_options *limits, as_err *err);
void as_rl_pack_fini(as_rl_pack *p);
/* `compute` of each micro-batch of the rows that `takes` (all rows where NULL): the pass is ready to run. */
typedef int as_rl_compute(as_rl *rl, const as_packed *packed, void *ctx, as_err *err);
typedef bool as_rl_takes(const as_rl *rl, size_t row);
int as_rl_each_pack(as_rl *rl, as_rl_takes *takes, as_rl_compute *compute, void *ctx, as_err *err);
/* Log-probabilities of all rows into `out` [tokens], by `run`. */
int as_rl_logp(as_rl *rl, as_run *run, double *out, as_err *err);

/* rl_ptx.c: the gradient of the texts that an update learns too, added; and their loss. */
int as_rl_ptx(as_rl *rl, as_rl_stats *stats, as_err *err);

/* rl_value.c: the critic. Its loss is a mean over the tokens of a mini-batch. */
bool as_rl_shares(const as_rl *rl); /* its head has the policy's weights */
int as_rl_values(as_rl *rl, as_err *err); /* b->value of all rows */
void as_rl_explain(const as_rl *rl, as_rl_stats *stats); /* how much of the returns the values explained */
/* The loss of a row, whose values are pack.value from `at` on; derivatives into pack.vcoef. */
void as_rl_value_loss(as_rl *rl, size_t row, int64_t at, double coef, as_rl_stats *stats);
int as_rl_critic_update(as_rl *rl, uint64_t step, as_rl_stats *stats, as_err *err); /* of a critic of its own */

/* rl_update.c: an update with the rows of a mini-batch (b->is_out_here, b->weight); its gradient, then the optimizer. */
int as_rl_update(as_rl *rl, uint64_t step, as_rl_stats *stats, as_err *err);

/* rl.c: all updates of a step whose batch has its advantages. */
int as_rl_learn(as_rl *rl, uint64_t step, as_rl_stats *stats, as_err *err);
/* The coefficient of KL for the next step. */
void as_rl_adapt(as_rl *rl);
#endif
