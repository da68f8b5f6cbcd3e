/* reward.h -- the rewards of a step's responses, out of one verifier or several: scored while the next response is being
 * generated, collected when the loss needs them.
 *
 *     as_reward_open -> for each step: as_reward_begin, as_reward_put.. (as responses end), as_reward_wait, as_reward_gate
 *
 * reward = sum of weight x score over the verifiers that have a weight. A gate that did not pass makes it the gate's value (0),
 * whatever the others say. Otherwise a verifier that cannot tell (ABSTAIN) or failed (ERROR) leaves the row unscored: it has no
 * reward, not a reward of 0, and belongs into no loss and no mean. Verifiers without a weight, and those held out, are only
 * watched: nothing they say, or fail to say, changes a reward.
 * What is computed depends on the rows alone, not on threads, batches or the order in which rows were put; times do.
 * Threads: one for all calls here; scoring runs in threads of host/jobs. Lock: one, around the queues; nothing is called with
 * it held. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REWARD_REWARD_H
#define AS_REWARD_REWARD_H
#include "base/json.h"
#include "plug/scorer.h"

typedef struct as_reward as_reward;

enum {
    AS_REWARD_PARTS = 16,  /* verifiers, those held out included */
    AS_REWARD_REASONS = 3, /* kept of a verifier: those that occur most */
    AS_REWARD_SLOWEST = 3,
    AS_REWARD_WINDOW = 64
};

typedef struct as_reward_options {
    unsigned threads; /* of each verifier; 0: one per core (16 where it waits more than it computes) */
    unsigned timeout_ms, worker_mem_mib; /* as in as_scorer_options */
    as_isolation isolation;
    as_cache *cache;         /* NULL: none */
    const as_cancel *cancel; /* NULL: none */
    const cJSON *holdout;    /* verifiers that are watched only, in the form of `spec` without weight and gate; NULL: none */
    double max_unscored;     /* share of rows: more than this, and as_reward_gate fails; 1: never */
    uint32_t window;         /* steps over which the share is taken, 1 to 64; 0: 1 */
    bool wants_answers;      /* rows come with key and answer of the verifier that decides the verdict, for votes */
} as_reward_options;

/* `spec`: "math" or "math:{...}" (a name with '/' is a path); {"plugin":"math","config":{...},"weight":1,"gate":true,
 * "timeout_ms":100}; or a list of these, 1 to 16. weight: 1, of a gate 0; may be negative. gate: true, or the reward of rows
 * that do not pass it. Opens the verifiers; AS_EUSAGE `reward[1]: key "wieght" unknown ...` or from a verifier's configuration,
 * AS_EPLUGIN where there is no such verifier. The registry outlives the object. */
int as_reward_open(as_reward **out, as_registry *registry, const cJSON *spec, const as_reward_options *options, as_err *err);
void as_reward_close(as_reward *w); /* waits for what is being scored; NULL is fine */

/* The verifiers in order, those held out last. */
uint32_t as_reward_n_parts(const as_reward *w);
const char *as_reward_part_name(const as_reward *w, uint32_t k); /* "math"; a second one: "math:2". For metrics */
bool as_reward_part_is_watched(const as_reward *w, uint32_t k);  /* trains nothing */
const as_scorer *as_reward_part_scorer(const as_reward *w, uint32_t k);

/* ---- a step ---- */
/* n_rows responses will come, numbered from 0. n_each: rows of each group, where all have the same; 0: not known, and a
 * verifier that needs whole groups starts in as_reward_wait only. Rows, texts and stats of the step before are gone. */
int as_reward_begin(as_reward *w, uint32_t n_rows, uint32_t n_each, as_err *err);

typedef struct as_reward_item {
    as_str id; /* raw JSON, for reports */
    as_str prompt, completion, reference, meta; /* data NULL: absent; as in as_item */
    uint32_t group; /* below n_rows; equal: answers to the same prompt. Rows of a group need not be put side by side */
    uint64_t seed;  /* all that a verifier may draw by: of the run, the step, the id and the sample (as_seed_of) */
} as_reward_item;
/* Row `row` has ended: it is scored from now on. Each row once; texts are borrowed until as_reward_wait returns. */
int as_reward_put(as_reward *w, uint32_t row, const as_reward_item *item, as_err *err);

/* No more rows come than these: 0 .. n_rows - 1, at most as many as were announced; each was put, or will be. */
int as_reward_end(as_reward *w, uint32_t n_rows, as_err *err);

typedef struct as_reward_row {
    double score;         /* NaN where is_unscored */
    bool is_unscored;     /* in no loss and in no mean */
    assay_verdict verdict; /* of the first verifier with a weight; FAIL where a gate was lost; ABSTAIN or ERROR if unscored */
    uint32_t part;        /* the verifier that the verdict comes from: the lost gate, the one that could not tell */
    as_str rule, reason;  /* its texts; data NULL: none */
    as_str key, answer;   /* with wants_answers, of the first verifier with a weight */
    const float *scores;  /* [n_parts]; NaN where that verifier abstained or failed */
    const assay_verdict *verdicts; /* [n_parts] */
} as_reward_row;
/* Waits for all rows: *rows has n_rows, valid with its texts until the next as_reward_begin. 0 also where rows are unscored.
 * AS_EUSAGE: a row was never put; the code of the cancel; AS_ENOMEM. In each case nothing is running any more. */
int as_reward_wait(as_reward *w, const as_reward_row **rows, as_err *err);

/* Adds the step just collected to the window. AS_EGATE: more than max_unscored of the window's rows had no reward; says how many,
 * which verifiers, and the reason that occurs most. */
int as_reward_gate(as_reward *w, as_err *err);

/* ---- what the step was like ---- */
typedef struct as_reward_reason {
    as_str text;
    assay_verdict verdict; /* ABSTAIN or ERROR */
    uint32_t n;
} as_reward_reason;
typedef struct as_reward_slow {
    uint32_t row;
    as_str id;
    float ms;
} as_reward_slow;
typedef struct as_reward_part_stats {
    uint32_t n_scored, n_passed, n_abstained, n_errors, n_cached; /* rows */
    double sum, mean; /* of the scores of n_scored rows; mean NaN: none */
    uint64_t calls; /* of the scorer: one batch each */
    double seconds; /* in them, summed over threads */
    uint32_t n_reasons, n_slow;
    as_reward_reason reasons[AS_REWARD_REASONS]; /* why rows were not scored: the most frequent first, then by text */
    as_reward_slow slow[AS_REWARD_SLOWEST];      /* longest first; a batch that was timed whole counts in equal shares */
} as_reward_part_stats;
typedef struct as_reward_stats {
    uint32_t n_rows, n_unscored, n_passed, n_gated; /* n_gated: lost a gate */
    double mean, std; /* of rewards of scored rows; std with n - 1; NaN: too few */
    double seconds;   /* of all verifiers, summed over threads */
    double wait_s;    /* for which as_reward_wait held its caller: what was not hidden behind generation */
    uint32_t n_parts;
    const as_reward_part_stats *parts;
} as_reward_stats;
const as_reward_stats *as_reward_get_stats(const as_reward *w); /* of the last as_reward_wait that went well */
#endif
