/* passk.h -- the figures of scored samples, as `assay passk`, `assay eval` and `assay rescore` print them.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_PASSK_H
#define AS_CLI_PASSK_H
#include "cli/common.h"
#include "eval/metrics.h"

enum { PASSK_LIST_MAX = 256 };

typedef struct passk_opts { /* which figures, and how good they must be */
    const char *k, *tau;
    uint64_t bootstrap;
    double max_unscored, fail_under;
} passk_opts;
/* Rows of the option table; `T` is the command's struct, its passk_opts member is `figures`. */
/* NOLINTBEGIN(bugprone-macro-parentheses): a member cannot stand in parentheses */
#define PASSK_OPTIONS(T)                                                                                                \
    { .name = "k", .type = AS_OPT_TEXT, .value = "LIST", .offset = offsetof(T, figures.k), .short_name = 'k',           \
      .help = "values of k, as 1,2,4; default: powers of 2 up to the largest n" },                                      \
    { .name = "bootstrap", .type = AS_OPT_UINT, .value = "B", .initial = "2000",                                        \
      .offset = offsetof(T, figures.bootstrap),                                                                         \
      .help = "draws of the bootstrap over problems (0: normal intervals)" },                                           \
    { .name = "max-unscored", .type = AS_OPT_PERCENT, .value = "P", .initial = "1%",                                    \
      .offset = offsetof(T, figures.max_unscored),                                                                      \
      .help = "exit 1 if more samples than this are unscored (abstain, error)" },                                       \
    { .name = "fail-under", .type = AS_OPT_PERCENT, .value = "X", .offset = offsetof(T, figures.fail_under),            \
      .help = "exit 1 if pass@k at the smallest k asked for (pass@1 unless --k says otherwise) is below" },             \
    { .name = "tau", .type = AS_OPT_TEXT, .value = "LIST",                                                              \
      .initial = "0.01,0.05,0.1,0.2,0.3,0.4,0.5,0.6,0.7,0.8,0.9,1", .offset = offsetof(T, figures.tau),                 \
      .help = "thresholds of Cover@tau" }
/* NOLINTEND(bugprone-macro-parentheses) */

typedef struct passk_report { /* zero-initialise; passk_report_fini in any state */
    const passk_opts *asked;
    const char *const *files; /* that were read */
    size_t n_files;
    uint64_t seed;            /* of the bootstrap */
    const as_sample_set *set;
    const as_passk_summary *sum;
    double taus[PASSK_LIST_MAX];
    size_t n_taus;
    uint64_t ks[PASSK_LIST_MAX];
    size_t n_ks;
    /* what the two point to */
    as_sample_set samples;
    as_passk_summary summary;
    as_samples *reader;
    as_arena arena;
} passk_report;

/* What is wrong with the options, before anything is done; fills in ks and taus. */
int passk_options(passk_report *r, const passk_opts *o, as_err *err);
/* The figures of those files; passk_options came first. */
int passk_read(passk_report *r, const char *const *files, size_t n_files, const as_samples_options *how, uint64_t seed,
               as_err *err);
void passk_report_fini(passk_report *r);

/* passk_say.c */
void passk_table(const passk_report *r, as_buf *b);
void passk_json(const passk_report *r, as_buf *b); /* members, each after a comma */
int passk_csv(const passk_report *r, const char *path, as_err *err);
void passk_warn(const passk_report *r);
int passk_gates(const passk_report *r, as_err *err); /* AS_EGATE */
#endif
