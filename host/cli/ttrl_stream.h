/* ttrl_stream.h -- what ttrl_stream.c (lines in) and ttrl_answers.c (answers out) share. SPDX-License-Identifier: Apache-2.0
 *
 * RUN/prompts.jsonl has every line that was accepted, RUN/answers.jsonl what was said to it: line K of one is of line K of the
 * other. A line is accepted before it is answered, and an answer is written before it is sent; so whatever kills the run, nothing
 * that was accepted is lost, and nothing is written twice. A checkpoint knows of how many lines it has learned; those after it are
 * answered again, which gives the same answers, to make the step again that was lost. */
#ifndef AS_CLI_TTRL_STREAM_H
#define AS_CLI_TTRL_STREAM_H
#include "base/strmap.h"
#include "cli/ttrl.h"
#include "data/jsonl.h"
#include "train/growing.h"

typedef struct stream_reader { /* zero-initialise; lines that are not blank, one at a time */
    as_source *source;
    as_lines *lines;
    as_buf bytes;
    as_line line;
} stream_reader;
int stream_reader_open(stream_reader *r, const char *path, as_err *err);
int stream_reader_next(stream_reader *r, as_err *err); /* 1: r->line; 0: the end */
void stream_reader_close(stream_reader *r);

typedef struct stream_counts {
    uint64_t answered, unanswered, bad; /* with an answer, without a winner, no prompts */
    double confidence;                  /* summed over those answered */
} stream_counts;

struct ttrl_stream {
    const ttrl_opts *opts;
    ttrl_run *t;
    char *prompts_path, *answers_path;
    as_growing prompts, answers;
    /* lines in */
    stream_reader in, again; /* again: lines of prompts.jsonl that are not learned from yet */
    as_suite_reader *suite;
    uint64_t n_accepted, line; /* line: the newest that was taken */
    uint64_t kept_line;        /* learned from: what a checkpoint keeps */
    bool has_refused;          /* the newest is no prompt, and what is said to it waits in `refused` */
    /* prompts by id: their places in ttrl_run's arrays, in the order in which they came first */
    as_strmap places;
    as_str *ids; /* [places.n] */
    as_arena names;
    uint32_t *place_of; /* [train_batch_size] of the step's items */
    /* answers out */
    stream_reader said;     /* of earlier processes, to be said again */
    uint64_t n_said, n_out; /* n_out: lines of answers.jsonl with those that wait in `out` */
    as_buf out, one, refused;
    bool is_told; /* that an answer is not the one that was said before */
    stream_counts counts;
};

int stream_enter(ttrl_stream *st, as_str id, size_t *place, as_err *err); /* by id, as text */

/* ttrl_answers.c */
int stream_refuse(ttrl_stream *st, as_str line, const char *why, as_err *err);
/* An answer of an earlier process to a line of the prompts: what it says is known again. */
int stream_recall(ttrl_stream *st, as_str line, as_str answer, as_err *err);
#endif
