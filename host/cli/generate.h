/* generate.h -- what the files of `assay generate` share. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_GENERATE_H
#define AS_CLI_GENERATE_H
#include "base/hash.h"
#include "cli/model.h"
#include "cli/seen.h"
#include "data/jsonl.h"
#include "data/run_record.h"
#include "model/generate.h"
#include "model/transformer.h"

typedef struct gen_opts {
    as_model_opts model;
    const char *served, *prompts, *out, *progress, *template;
    as_list stop;
    uint64_t n, max_tokens, seed, top_k, limit, max_seqs, cache_mib, tries, timeout_s;
    double temperature, top_p, min_p;
    bool chat, token_ids, logprobs, ignore_eos, resume, force, quiet, json;
} gen_opts;

/* ---- prompts, in the order of the file (generate_read.c) ---- */

typedef struct gen_prompts gen_prompts;
/* Without a tokenizer prompts stay texts and conversations. */
int gen_prompts_open(gen_prompts **out, const gen_opts *o, const as_tokenizer *tokenizer, as_err *err);
void gen_prompts_close(gen_prompts *p); /* NULL is fine */
/* 1: the next one, valid until the one after it is asked for; 0: no more; < 0: FILE:LINE and what is wrong. */
typedef struct gen_line {
    as_str id;         /* raw JSON */
    as_str text;       /* to be continued as it stands; or: */
    as_str messages;   /* raw JSON: a conversation to be answered; data NULL */
    const int32_t *ids; /* what the model reads; NULL without a tokenizer */
    size_t n_ids;
    uint64_t no; /* of the file */
} gen_line;
int gen_prompts_next(gen_prompts *p, gen_line *out, as_err *err);
void gen_prompts_progress(const gen_prompts *p, unsigned long long *at, unsigned long long *of);
const char *gen_prompts_name(const gen_prompts *p);

/* ---- who writes the samples: a model here (generate_local.c), or one behind an address (generate_remote.c) ---- */

typedef struct gen_run gen_run;
typedef struct gen_engine gen_engine;
typedef struct gen_engine_ops {
    int (*record)(const gen_engine *e, as_run_record *r, as_err *err); /* what its samples depend on, beside the options */
    int (*generate)(gen_engine *e, gen_run *g, as_err *err);
    void (*counts)(const gen_engine *e, as_buf *json); /* members of the summary */
    void (*close)(gen_engine *e);
} gen_engine_ops;
struct gen_engine {
    const gen_engine_ops *ops;
    const as_tokenizer *tokenizer; /* NULL: the server's affair */
};
int gen_local_open(gen_engine **out, const gen_opts *o, as_err *err);
int gen_remote_open(gen_engine **out, const gen_opts *o, as_err *err);

/* ---- samples, in the order of prompts and samples (generate_write.c) ---- */

typedef struct gen_row { /* a sample; what is not known is NULL */
    void *ticket;
    uint32_t sample;
    uint64_t seed;
    as_str text, finish, reasoning;
    size_t n; /* tokens */
    const int32_t *ids;
    const float *logp, *entropy; /* [n] */
} gen_row;

typedef struct gen_totals {
    uint64_t samples, tokens, stopped; /* stopped: finish_reason "stop" */
    uint64_t logp_tokens, entropy_tokens; /* of which these are known */
    double sum_logp, sum_entropy;
    uint64_t kept, kept_tokens; /* of the samples, those that were there */
} gen_totals;

typedef struct gen_writer gen_writer;
/* With --resume: what FILE has already is counted, and passed over when its turn comes. */
int gen_writer_open(gen_writer **out, const gen_opts *o, const gen_engine *e, const char *prompts, as_err *err);
/* A prompt whose samples come: their ticket. *first: samples that are there already (n of them: all). */
int gen_writer_expect(gen_writer *w, as_str id, uint32_t n, void **ticket_of, uint32_t *first, as_err *err);
int gen_writer_put(gen_writer *w, const gen_row *row, as_err *err);
const gen_totals *gen_writer_totals(const gen_writer *w);
int gen_writer_close(gen_writer *w, int rc, as_err *err); /* NULL is fine; returns rc, or what closing failed with */

/* ---- the run (generate.c) ---- */

struct gen_run {
    const gen_opts *opts;
    gen_engine *engine;
    gen_prompts *prompts;
    gen_writer *writer;
    as_progress *progress;
    uint64_t n_prompts;
    int64_t start_ns;
};
/* The next prompt of which samples are missing: 1, with samples first .. --n - 1; 0: no more. `check` looks at each prompt
 * first, and may refuse it; NULL. */
int gen_run_next(gen_run *g, gen_line *line, uint32_t *first, void **ticket,
                 int (*check)(const gen_run *g, const gen_line *line, as_err *err), as_err *err);
int gen_run_check(gen_run *g, as_err *err); /* progress; < 0: the user wants it to end */
int gen_stops(const gen_opts *o, as_str **out, as_err *err); /* --stop; the caller's to free */
#endif
