/* check_env.h -- what the tests of `assay plugin check` share. Internal to check*.c.
 *
 * Each test is one function, run in a child of its own: it may crash, hang or spoil the process. It
 * ends by `return as_check_ok(...)`, as_check_fail(...) or as_check_skip(...).
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_PLUG_CHECK_ENV_H
#define AS_PLUG_CHECK_ENV_H
#include "base/arena.h"
#include "base/rng.h"
#include "plug/check.h"
#include "plug/results.h"

#include <pthread.h>
#include <stdatomic.h>

/* ---- texts to ask about ---- */

typedef struct as_columns { /* one batch; texts are NUL-terminated */
    uint32_t n;
    as_str *prompt, *completion, *reference, *meta;
    uint64_t *group, *seed;
} as_columns;
int as_columns_new(as_columns *out, uint32_t n, as_arena *arena);
/* The rows named, in that order; groups are numbered anew, ascending. */
int as_columns_pick(as_columns *out, const as_columns *from, const uint32_t *rows, uint32_t n,
                    as_arena *arena);
/* Columns over one text in every place it can stand, several times. */
int as_columns_of_text(as_columns *out, as_str completion, as_str reference, as_str prompt,
                       as_str meta, as_arena *arena);

typedef struct as_known { /* one line of PLUGIN.check.jsonl */
    uint64_t line_no;
    as_str config; /* raw JSON; absent: the configuration of the whole check */
    as_str completion, reference, prompt, meta, group;
    assay_verdict verdict;
    bool has_score;
    double score;
    as_str answer, key, rule, why; /* absent: not asked for */
} as_known;
typedef struct as_known_set {
    char *path; /* NULL: there is no such file */
    as_known *at;
    uint32_t n;
    uint32_t n_pass, n_fail;
} as_known_set;
/* AS_EDATA with FILE:LINE for what is wrong in the file. Texts live in the arena; `path` is the
 * caller's to as_free. */
int as_known_read(as_known_set *out, const char *plugin, const char *file, as_arena *arena,
                  as_err *err);
/* Ordinary texts of many kinds, and those of the known answers: valid UTF-8, nothing hostile. */
int as_material_new(as_columns *out, const as_known_set *known, as_arena *arena, as_err *err);

/* ---- one test in its child ---- */

enum { AS_CHECK_USE_KNOWN_CONFIG = 1 }; /* as_checker.notes, told to the parent */
typedef struct as_checker {
    const as_found *plugin;
    const as_check_options *options;
    const char *what; /* the plugin's path, for messages */
    as_str config;    /* for create() */
    const as_known_set *known;
    const as_columns *items; /* the material */
    as_check_result *result;
    uint32_t notes;
    _Atomic uint64_t
        *progress; /* shared with the parent, which kills a child that makes none for too long */
    int output;    /* the memory file that is descriptors 0, 1 and 2 of the child */
    const assay_entry *entry; /* the rest is there once the frame has prepared it */
    const assay_descriptor *d;
    const assay_host *host;
    struct as_services *services; /* behind `host` */
    assay_verifier *v;
    as_arena arena;
} as_checker;

int as_check_ok(as_checker *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int as_check_fail(as_checker *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
int as_check_skip(as_checker *c, const char *format, ...) __attribute__((format(printf, 2, 3)));
/* Runs test(c) in a child with a time limit; always leaves a result. AS_EINTR when a signal asked
 * us to stop. */
int as_check_in_child(as_checker *c, int (*test)(as_checker *c), unsigned timeout_ms, as_err *err);

/* ---- preparing (check_open.c); all fail by as_check_fail and return < 0 ---- */
int as_check_load(as_checker *c); /* entry, d, host */
int as_check_create(as_checker *c, as_str config, assay_verifier **out);
assay_status as_check_try_create(as_checker *c, as_str config, assay_verifier **out,
                                 assay_error *error);
const char *as_status_word(assay_status s);                       /* "ASSAY_E_CONFIG" */
const assay_ext_answer *as_check_answer(const assay_verifier *v); /* NULL: does not vote */

/* ---- calling ---- */
typedef struct as_outcome_of { /* everything one call gave */
    uint32_t n;
    assay_status status;
    assay_error error;
    float *score;
    assay_verdict *verdict;
    as_str *out[AS_N_CHANNELS];
    as_arena *arena;
    pthread_mutex_t lock; /* around emits, which may come from any thread */
    char bad[160];        /* the first emit that broke a rule of the ABI */
    const as_columns *items;
    atomic_int *stop; /* cancelled() answers it; NULL: never */
    int64_t deadline_ns;
} as_outcome_of;
/* 0, or < 0 for want of memory (reported). The status stands in the outcome. */
int as_check_score(as_checker *c, assay_verifier *v, const as_columns *items, uint32_t want,
                   as_arena *arena, as_outcome_of *out);
int as_check_extract(as_checker *c, assay_verifier *v, const as_columns *items, as_arena *arena,
                     as_outcome_of *out);
/* As above, and a status other than ASSAY_OK is a failure of the test. */
int as_check_score_ok(as_checker *c, assay_verifier *v, const as_columns *items, uint32_t want,
                      as_arena *arena, as_outcome_of *out);
int as_outcome_init(as_outcome_of *out, const as_columns *items, as_arena *arena);
void as_outcome_call(as_outcome_of *out, assay_verifier *v, uint32_t want, bool extract);
bool as_outcome_same(const as_outcome_of *a, uint32_t i, const as_outcome_of *b, uint32_t j,
                     const char **differs);
void as_check_range(const as_checker *c, const assay_verifier *v, float *low, float *high);
bool as_check_is(const as_checker *c, uint32_t flag); /* descriptor flag */
/* The first thing wrong with row i, or NULL; in buf. */
const char *as_check_row(const as_checker *c, const assay_verifier *v, const as_outcome_of *o,
                         uint32_t i, char *buf, size_t size);
const char *as_check_row_texts(const as_outcome_of *o, uint32_t i, char *buf, size_t size);
/* A few printable bytes of a text, for messages. */
const char *as_check_show(as_str text, char *buf, size_t size);

/* ---- the tests ---- */
int as_test_symbols(as_checker *c);
int as_test_load(as_checker *c);
int as_test_load_time(as_checker *c);
int as_test_side_effects(as_checker *c);
int as_test_descriptor(as_checker *c);
int as_test_create(as_checker *c);
int as_test_extensions(as_checker *c);
int as_test_unknown_key(as_checker *c);
int as_test_config_type(as_checker *c);
int as_test_empty_batch(as_checker *c);
int as_test_text_empty(as_checker *c);
int as_test_text_nul(as_checker *c);
int as_test_text_utf8(as_checker *c);
int as_test_text_absent(as_checker *c);
int as_test_text_large(as_checker *c);
int as_test_columns(as_checker *c);
int as_test_verdicts(as_checker *c);
int as_test_range(as_checker *c);
int as_test_nan(as_checker *c);
int as_test_emits(as_checker *c);
int as_test_determinism(as_checker *c);
int as_test_batches(as_checker *c);
int as_test_vote(as_checker *c);
int as_test_threads(as_checker *c);
int as_test_cancel(as_checker *c);
int as_test_deadline(as_checker *c);
int as_test_leaks(as_checker *c);
int as_test_state(as_checker *c);
int as_test_quiet(as_checker *c);
int as_test_known(as_checker *c);
int as_test_fuzz(as_checker *c);
#endif
