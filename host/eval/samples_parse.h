/* samples_parse.h -- one line of any format into records of scored samples. Private to samples*.c.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_EVAL_SAMPLES_PARSE_H
#define AS_EVAL_SAMPLES_PARSE_H
#include "base/arena.h"
#include "base/jspan.h"
#include "eval/samples.h"

typedef enum as_format {
    AS_FORMAT_NONE,
    AS_FORMAT_OWN,
    AS_FORMAT_HUMAN_EVAL,
    AS_FORMAT_EVALPLUS,
    AS_FORMAT_LIMIT,
    AS_FORMAT_LM_EVAL
} as_format;
extern const char *const as_format_names[];

enum { /* as_rec.flags */
       AS_REC_SCORED = 1,
       AS_REC_RIGHT = 2,
       AS_REC_ABSTAIN = 4,
       AS_REC_ERROR = 8,
       AS_REC_KEY = 16,
       AS_REC_TEXT = 32,
       AS_REC_FINISH = 64,
       AS_REC_TRUNCATED = 128,
       AS_REC_BY_ID = 256,
       AS_REC_NO_SAMPLE = 512 /* only the problem: a line whose lists are empty */
};

/* Everything as hashes: a line's texts are not kept. */
typedef struct as_rec {
    as_str problem; /* in the line, or in the arena */
    uint64_t problem_hash;
    uint64_t sample; /* of (run, sample) within the problem */
    uint64_t key, text;
    double score, chance; /* NaN: not given */
    uint64_t line;
    uint32_t run;
    uint16_t flags;
} as_rec;

enum { AS_FILTERS_MAX = 8 };
typedef struct as_recs { /* zero-initialise but for the arena */
    as_rec *at;
    size_t n, cap;
    as_arena *arena;                /* texts with escapes, and the names of filters */
    as_str filters[AS_FILTERS_MAX]; /* lm-eval: the different ones seen */
    size_t n_filters;
} as_recs;
void as_recs_fini(as_recs *r);

/* What is known of a file before its lines are parsed by several threads. */
typedef struct as_reading {
    const as_samples_options *options;
    as_format format;
    uint32_t file; /* number, from 0 */
} as_reading;

/* By the first record; AS_EDATA naming the formats where it is none of them. */
int as_format_of(as_jspan object, as_format *out, as_err *err);
/* Adds the record's samples. AS_EDATA without the place: the caller knows file and line. */
int as_recs_add(as_recs *out, const as_reading *how, as_jspan object, uint64_t line, as_err *err);
#endif
