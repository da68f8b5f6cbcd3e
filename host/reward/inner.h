/* inner.h -- the inside of the rewards: verifiers, the rows of a step, what waits to be scored. Internal to reward/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REWARD_INNER_H
#define AS_REWARD_INNER_H
#include "jobs/pool.h"
#include "reward/reward.h"

#include <pthread.h>

enum { NAME_BYTES = 48 };

/* What one verifier said of the rows of a step: columns of n_rows. A row is written by the one job that scores it. */
typedef struct said {
    float *score; /* NaN where not scored */
    assay_verdict *verdict;
    float *ms;
    bool *cached;
    as_str *rule, *reason, *key, *answer; /* key and answer: NULL where nobody wants them */
} said;

typedef struct part {
    char name[NAME_BYTES];
    as_scorer *scorer;
    double weight;
    bool is_gate, is_watched;
    double lost;       /* the reward of a row that does not pass the gate */
    bool by_group;     /* needs whole groups */
    uint32_t chunk;    /* rows of a call at most; a group is never cut */
    uint32_t enough;   /* rows that are worth a call while more may come */
    unsigned max_jobs;
    said said;
    /* under the lock */
    uint32_t *queue; /* [n_rows] rows in the order in which they became ready; [taken, ready) wait */
    uint32_t taken, ready;
    unsigned n_jobs;
    uint64_t calls, busy_ns;
    as_str last_rule, last_reason; /* texts repeat: kept once where they follow each other */
    as_reward *owner;
} part;

struct as_reward {
    part parts[AS_REWARD_PARTS];
    uint32_t n_parts;
    uint32_t main_part; /* the first with a weight, else the first */
    as_reward_options options;
    as_pool *pool;
    pthread_mutex_t lock;

    /* the step; memory is the arena's */
    as_arena arena;
    uint32_t n_rows, n_each, n_put;
    as_reward_item *items; /* [n_rows] */
    bool *is_put;          /* [n_rows] */
    bool by_group;         /* a part needs whole groups */
    uint32_t *first_in_group, *next_in_group; /* [n_rows] lists of the rows of groups that are not whole yet, 1 + row; 0: the end */
    uint32_t *n_in_group;                     /* [n_rows] rows of that group so far */
    as_reward_row *rows;
    as_reward_stats stats;

    /* under the lock */
    bool is_draining; /* no more rows come: what waits is worth a call however little it is */
    as_arena texts; /* what verifiers said */
    as_err failure; /* the first failure of a job, code 0: none */

    struct {
        uint32_t n_rows, n_unscored;
    } window[AS_REWARD_WINDOW];
    uint64_t n_gates;
};

/* parts.c */
int as_reward_parts_open(as_reward *w, as_registry *registry, const cJSON *spec, as_err *err);
void as_reward_parts_close(as_reward *w);
/* combine.c: rows out of what the parts said. */
int as_reward_combine(as_reward *w, as_err *err);
/* tally.c: stats of the rows. */
int as_reward_tally(as_reward *w, as_err *err);
#endif
