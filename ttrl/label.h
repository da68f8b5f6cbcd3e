/* label.h -- a label for a prompt that has none: what most of the model's own answers say, and what such a label is worth (TTRL,
 * arXiv:2504.16084, section 2). SPDX-License-Identifier: Apache-2.0
 *
 * Where the paper's code counts equal strings, answers vote in classes here: 1/2 and 0.5 are the same answer if the verifier says
 * so. A response without an answer never votes and never earns a reward (in the paper's code an empty text can win); one that the
 * verifier could not judge is not there at all. */
#ifndef TTRL_LABEL_H
#define TTRL_LABEL_H
#include "plug/vote.h"

#include <stdbool.h>

typedef struct ttrl_answers { /* of one prompt; borrowed */
    uint32_t n;               /* responses */
    const as_str *key;        /* [n] the answer as the verifier writes it; data NULL or blank: none */
    const as_str *answer;     /* [n] the same as a reference for the verifier; NULL: the keys */
    const double *sum_logp;   /* [n] for AS_TIE_LOGP; NULL */
    const bool *is_out;       /* [n] the verifier failed or could not tell; NULL: none */
    as_same_fn same;          /* NULL: bytes decide */
    void *ctx;                /* of `same` */
} ttrl_answers;

typedef struct ttrl_label {
    as_str text;              /* the most frequent way to write the winner; data NULL: no label, and the prompt teaches nothing */
    uint32_t n, n_voting;     /* responses that were judged; of these, with an answer */
    uint32_t votes, runner_up; /* of the winner, of the second class */
    uint32_t n_classes;
    double ratio;             /* majority ratio: votes / n; 0 without a label */
    double effective;         /* 1 / sum of squared shares of the classes: how many answers are really in the vote; 0: none */
    double chance;            /* that a fair coin between winner and runner-up gives the winner so many; 1 without a label */
    bool is_tie;
} ttrl_label;

/* reward[n]: 1 where the answer is the label's, 0 where it is not, NaN where is_out. The label's text lives in the arena or in the
 * answers. AS_ENOMEM. */
int ttrl_vote(ttrl_label *out, const ttrl_answers *a, as_tie_rule rule, double *reward, as_arena *arena, as_err *err);

/* P(Binomial(a + b, 1/2) >= a), a >= b: small where a lead is no accident. */
double ttrl_chance_of_lead(uint32_t a, uint32_t b);
/* Whatever the `left` answers that are still to come say, the leader stays ahead: asking on would change nothing. */
bool ttrl_is_decided(uint32_t votes, uint32_t runner_up, uint32_t left);

/* The chance that the `left` answers that are still to come take the lead away, after n of which the leader has `votes`: that the
 * second draws level by the last of them. Of the answers to come, as many as to be expected fall on the two (Dirichlet(1, 1, 1)
 * over leader, second and all else), and these are Beta-binomial with the uniform prior. The more are left, the nearer it comes to
 * Adaptive-Consistency's Beta criterion, which has no end in sight (Aggarwal et al., EMNLP 2023, arXiv:2305.11860, 3.1). 0 where
 * ttrl_is_decided. */
double ttrl_chance_of_change(uint32_t votes, uint32_t runner_up, uint32_t n, uint32_t left);
/* Sequential voting: need the `left` others be asked at all? error 0: not where they cannot change the label; else, not where the
 * chance that they do is at most `error`. confidence > 0 (a label teaches only where `chance` is at most 1 - confidence): nor can
 * they change that, or, with an error, it is so now. */
bool ttrl_is_enough(const ttrl_label *l, uint32_t left, double error, double confidence);
/* label.chance of the whole vote, if the `left` answers that were not asked fell as those that were: a vote that was cut short is
 * none the worse for it. */
double ttrl_chance_in_proportion(const ttrl_label *l, uint32_t left);

/* For watching, where the right answer is known after all (arXiv:2504.16084, 4.1). right[n]: 1, 0, or NaN where it was not judged;
 * nothing here reaches a reward. */
typedef struct ttrl_figures {
    double label_accuracy;         /* 1: the label is right */
    double reward_accuracy;        /* share of responses whose reward is the one the right label would have given: the lucky hit */
    double majority_ratio;
    double ground_truth_ratio;     /* share of right ones: avg@n */
    double majority_voting_reward; /* mean reward */
    double pass;                   /* 1: one is right, at least */
} ttrl_figures;
/* label_is_right: as the verifier judges the label itself. Over rows that both know; NaN where there are none. */
void ttrl_measure(ttrl_figures *out, const ttrl_label *label, bool label_is_right, const double *reward,
                  const double *right, uint32_t n);
#endif
