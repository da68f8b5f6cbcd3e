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
    const char *prompts, *out, *progress, *template;
    as_list stop;
    uint64_t n, max_tokens, seed, top_k, limit, max_seqs, cache_mib;
    double temperature, top_p, min_p;
    bool chat, token_ids, logprobs, ignore_eos, resume, force, quiet, json;
} gen_opts;

/* ---- prompts, in the order of the file (generate_read.c) ---- */

typedef struct gen_prompts gen_prompts;
int gen_prompts_open(gen_prompts **out, const gen_opts *o, const as_tokenizer *tokenizer, as_err *err);
void gen_prompts_close(gen_prompts *p); /* NULL is fine */
/* 1: the next one, valid until the one after it is asked for; 0: no more; < 0: FILE:LINE and what is wrong. */
typedef struct gen_line {
    as_str id; /* raw JSON */
    const int32_t *ids;
    size_t n_ids;
    uint64_t no; /* of the file */
} gen_line;
int gen_prompts_next(gen_prompts *p, gen_line *out, as_err *err);
void gen_prompts_progress(const gen_prompts *p, unsigned long long *at, unsigned long long *of);
const char *gen_prompts_name(const gen_prompts *p);

/* ---- samples, in the order of prompts and samples (generate_write.c) ---- */

typedef struct gen_totals {
    uint64_t samples, tokens, stopped; /* stopped: finish_reason "stop" */
    double sum_logp, sum_entropy;
} gen_totals;

typedef struct gen_writer gen_writer;
/* With --resume: what FILE has already is counted, and passed over when its turn comes. */
int gen_writer_open(gen_writer **out, const gen_opts *o, const as_opened_model *m, const char *prompts, as_err *err);
/* A prompt whose samples come: its ticket is their tag. *first: samples that are there already (n of them: all). */
int gen_writer_expect(gen_writer *w, as_str id, uint32_t n, void **ticket_of, uint32_t *first, as_err *err);
int gen_writer_put(gen_writer *w, const as_gen_sample *s, as_err *err);
const gen_totals *gen_writer_totals(const gen_writer *w);
uint64_t gen_writer_kept(const gen_writer *w); /* samples that were there */
int gen_writer_close(gen_writer *w, int rc, as_err *err); /* NULL is fine; returns rc, or what closing failed with */
#endif
