/* generate.h -- what writes samples: the engines, and the file; shared by `assay generate` and `assay eval`.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_GENERATE_H
#define AS_CLI_GENERATE_H
#include "base/hash.h"
#include "cli/model.h"
#include "cli/seen.h"
#include "data/jsonl.h"
#include "data/run_record.h"
#include "model/generate.h"
#include "model/transformer.h"

/* Whatever changes a sample, and how quickly it comes. */
typedef struct gen_opts {
    as_model_opts model;
    const char *served, *template;
    as_list stop;
    uint64_t n, max_tokens, seed, top_k, max_seqs, cache_mib, tries, timeout_s;
    double temperature, top_p, min_p;
    bool chat, token_ids, logprobs, ignore_eos;
} gen_opts;
/* Rows of the option table; `T` is the command's struct, its gen_opts member is `gen`. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member cannot stand in parentheses */
#define GEN_MODEL_OPTIONS(T)                                                                                            \
    { .name = "model", .type = AS_OPT_TEXT, .value = "DIR|URL", .offset = offsetof(T, gen.model.model),                 \
      .short_name = 'm',                                                                                                \
      .help = "a Hugging Face folder, or a server that speaks OpenAI's API: http://localhost:8000" },                   \
    { .name = "served-model", .type = AS_OPT_TEXT, .value = "NAME", .offset = offsetof(T, gen.served),                  \
      .help = "which of the server's models, where it has several" },                                                   \
    AS_COMPUTE_OPTIONS(T, gen.model)
#define GEN_SAMPLING_OPTIONS(T)                                                                                         \
    { .name = "max-tokens", .type = AS_OPT_UINT, .value = "N", .initial = "256", .offset = offsetof(T, gen.max_tokens), \
      .help = "longest completion" },                                                                                   \
    { .name = "temperature", .type = AS_OPT_NUMBER, .value = "T", .initial = "1",                                       \
      .offset = offsetof(T, gen.temperature), .help = "0: always the likeliest token" },                                \
    { .name = "top-p", .type = AS_OPT_NUMBER, .value = "P", .initial = "1", .offset = offsetof(T, gen.top_p),           \
      .help = "draw from the likeliest tokens that together have this probability; 1: off" },                           \
    { .name = "top-k", .type = AS_OPT_UINT, .value = "K", .initial = "0", .offset = offsetof(T, gen.top_k),             \
      .help = "draw from the K likeliest tokens; 0: off" },                                                             \
    { .name = "min-p", .type = AS_OPT_NUMBER, .value = "P", .initial = "0", .offset = offsetof(T, gen.min_p),           \
      .help = "draw from tokens that are at least P times as likely as the likeliest; 0: off" },                        \
    { .name = "stop", .type = AS_OPT_LIST, .value = "TEXT", .offset = offsetof(T, gen.stop),                            \
      .help = "a text that ends a completion, and is left out of it; may be repeated" },                                \
    { .name = "chat", .type = AS_OPT_FLAG, .offset = offsetof(T, gen.chat),                                             \
      .help = "a \"prompt\" is what a user says, in the model's chat template" },                                       \
    { .name = "chat-template", .type = AS_OPT_TEXT, .value = "FAMILY", .offset = offsetof(T, gen.template),             \
      .help = "one of ours instead of the model's: plain, chatml, qwen3, llama3, ..." },                                \
    { .name = "ignore-eos", .type = AS_OPT_FLAG, .offset = offsetof(T, gen.ignore_eos),                                 \
      .help = "write on behind an end-of-text token" }
#define GEN_PACE_OPTIONS(T)                                                                                             \
    { .name = "max-seqs", .type = AS_OPT_UINT, .value = "N", .initial = "64", .offset = offsetof(T, gen.max_seqs),      \
      .help = "completions written at a time; of a server, requests under way" },                                       \
    { .name = "tries", .type = AS_OPT_UINT, .value = "N", .initial = "6", .offset = offsetof(T, gen.tries),             \
      .help = "of a request, where the server is busy or the connection breaks" },                                      \
    { .name = "timeout-s", .type = AS_OPT_UINT, .value = "N", .initial = "1800", .offset = offsetof(T, gen.timeout_s),  \
      .help = "longest time for one request to a server" },                                                             \
    { .name = "cache-mib", .type = AS_OPT_UINT, .value = "N", .initial = "1024", .offset = offsetof(T, gen.cache_mib),  \
      .help = "memory for keys and values" }
/* NOLINTEND(bugprone-macro-parentheses) */

typedef struct generate_opts { /* of `assay generate` */
    gen_opts gen;
    const char *prompts, *out, *progress;
    uint64_t limit;
    bool resume, force, quiet, json;
} generate_opts;

typedef struct gen_line { /* a prompt */
    as_str id;         /* raw JSON */
    as_str text;       /* to be continued as it stands; or: */
    as_str messages;   /* raw JSON: a conversation to be answered; data NULL */
    const int32_t *ids; /* what the model reads; NULL without a tokenizer */
    size_t n_ids;
    uint64_t no; /* of the file */
} gen_line;

/* ---- prompts, in the order of a file (generate_read.c) ---- */

typedef struct gen_prompts gen_prompts;
/* Without a tokenizer prompts stay texts and conversations. */
int gen_prompts_open(gen_prompts **out, const generate_opts *o, const as_tokenizer *tokenizer, as_err *err);
void gen_prompts_close(gen_prompts *p); /* NULL is fine */
/* 1: the next one, valid until the one after it is asked for; 0: no more; < 0: FILE:LINE and what is wrong. */
int gen_prompts_next(gen_prompts *p, gen_line *out, as_err *err);
void gen_prompts_progress(const gen_prompts *p, unsigned long long *at, unsigned long long *of);
const char *gen_prompts_name(const gen_prompts *p);

/* ---- who writes the samples: a model here (generate_local.c), or one behind an address (generate_remote.c) ---- */

typedef struct gen_run gen_run;
typedef struct gen_engine gen_engine;
typedef struct gen_engine_ops {
    int (*record)(const gen_engine *e, as_run_record *r, as_err *err); /* what its samples depend on, beside the options */
    int (*generate)(gen_engine *e, gen_run *g, as_err *err); /* with g->opts->seed */
    void (*counts)(const gen_engine *e, as_buf *json); /* members of the summary */
    void (*close)(gen_engine *e);
} gen_engine_ops;
struct gen_engine {
    const gen_engine_ops *ops;
    const as_tokenizer *tokenizer; /* NULL: the server's affair */
    int64_t context;               /* tokens of the longest sequence; 0: the server's affair */
};
int gen_engine_open(gen_engine **out, const gen_opts *o, as_err *err); /* by --model; `o` outlives it */
void gen_engine_close(gen_engine *e);                                  /* NULL is fine */
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

typedef struct gen_writing {
    const char *path;
    bool resume, force; /* go on with a file that is there, and is what this run would write; or overwrite it */
    bool token_ids, logprobs;
    /* Each line in the order of the file, those that were there too; NULL. */
    int (*line)(void *ctx, as_str line, as_err *err);
    void *ctx;
} gen_writing;

typedef struct gen_writer gen_writer;
/* With resume: what the file has already is counted, and passed over when its turn comes. */
int gen_writer_open(gen_writer **out, const gen_writing *how, as_err *err);
/* A prompt whose samples come: their ticket. *first: samples that are there already (n of them: all). */
int gen_writer_expect(gen_writer *w, as_str id, uint32_t n, void **ticket_of, uint32_t *first, as_err *err);
int gen_writer_put(gen_writer *w, const gen_row *row, as_err *err);
const gen_totals *gen_writer_totals(const gen_writer *w);
/* Whole lines of a file, and the offset behind them; a file that is missing has none. */
int gen_whole_lines(const char *path, uint64_t *n_lines, uint64_t *end, as_err *err);
int gen_writer_close(gen_writer *w, int rc, as_err *err); /* NULL is fine; returns rc, or what closing failed with */

/* ---- a run (generate_run.c) ---- */

struct gen_run {
    const gen_opts *opts;
    gen_engine *engine;
    gen_writer *writer;
    void *from; /* where prompts come from: */
    int (*next)(void *from, gen_line *out, as_err *err); /* as gen_prompts_next */
    const char *from_name;
    int (*check)(gen_run *g, as_err *err); /* progress; < 0: the user wants it to end */
    uint64_t n_prompts;
    bool is_quiet;
};
/* The next prompt of which samples are missing: 1, with samples first .. --n - 1; 0: no more. `check` looks at each prompt
 * first, and may refuse it; NULL. */
int gen_run_next(gen_run *g, gen_line *line, uint32_t *first, void **ticket,
                 int (*check)(const gen_run *g, const gen_line *line, as_err *err), as_err *err);
int gen_stops(const gen_opts *o, as_str **out, as_err *err); /* --stop; the caller's to free */
int gen_check(const gen_opts *o, as_err *err);               /* the ranges of numbers */
int gen_check_range(const char *name, uint64_t x, uint64_t least, uint64_t most, as_err *err);
/* What changes a sample, but for prompts and seed, into the record's config and hashes. */
int gen_record(as_run_record *r, const gen_opts *o, const gen_engine *e, as_err *err);
/* A prompt must leave room for a token: AS_EDATA with FILE:LINE. */
int gen_fits(const gen_engine *e, const char *file, uint64_t line, size_t n_ids, as_err *err);
#endif
