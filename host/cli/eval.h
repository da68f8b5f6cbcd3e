/* eval.h -- what the files of `assay eval` and `assay rescore` share: a run's folder has manifest.json, suite.jsonl,
 * samples.jsonl, scores.jsonl and summary.json. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_EVAL_H
#define AS_CLI_EVAL_H
#include "cli/generate.h"
#include "cli/passk.h"
#include "exam/marker.h"
#include "train/growing.h"
#include "train/suite.h"

typedef struct eval_opts {
    gen_opts gen;
    as_plug_opts plug;
    passk_opts figures;
    const char *suite, *out, *seeds, *progress;
    uint64_t limit;
    bool resume, force, dry_run, quiet, json;
    bool is_part; /* of another command, which says what it amounts to */
} eval_opts;

/* The command, with options as the table of as_cmd_eval has them. */
extern const as_command as_cmd_eval;
int eval_run(const eval_opts *o, as_err *err);

/* ---- which sample stands on which line ---- */

enum { EVAL_MOST_SEEDS = 256 };
typedef struct eval_shape { /* all samples of the first seed, then those of the next; in each by problem, then by sample */
    const as_suite *suite;
    uint32_t n; /* samples of a problem, with one seed */
    uint64_t seeds[EVAL_MOST_SEEDS];
    size_t n_seeds;
} eval_shape;
static inline uint64_t eval_rows(const eval_shape *s)
{
    return (uint64_t)s->suite->n * s->n * s->n_seeds;
}
static inline const as_suite_item *eval_item(const eval_shape *s, uint64_t row)
{
    return &s->suite->items[row / s->n % s->suite->n];
}
/* AS_EDATA with the first item that lacks what the verifier compares with; `file` is the suite's name. */
int eval_check_references(const as_suite *suite, const as_verifier_info *info, const char *file, as_err *err);

/* ---- scores (eval_score.c) ---- */

enum { EVAL_ENDS = 8, EVAL_END_BYTES = 24, EVAL_SLOWEST = 3 };
typedef struct eval_end { /* the samples of one finish_reason; others are "(other)" */
    char word[EVAL_END_BYTES];
    uint64_t n, n_right, n_unscored;
} eval_end;
typedef struct eval_totals { /* in the order of the lines: the same whoever wrote them */
    uint64_t samples, tokens, entropy_tokens, logp_tokens;
    double entropy, logp; /* sums over tokens */
} eval_totals;
typedef struct eval_counts {
    uint64_t rows, by_verdict[8];
    eval_end ends[EVAL_ENDS + 1];
    size_t n_ends;
} eval_counts;
typedef struct eval_slow {
    char id[80];
    double ms;
} eval_slow;

typedef struct eval_scores { /* zero-initialise, fill in the first five; eval_scores_close in any state */
    eval_shape shape;
    const char *samples; /* the file's name, for messages */
    int (*write)(void *to, as_str lines, as_err *err);
    void *to;
    uint64_t n_kept; /* rows that have scores already: their samples are counted, not judged */
    uint64_t n_lines; /* samples seen */
    eval_totals totals;
    as_marker *marker;
    as_buf aside;
    as_arena arena;
    /* the marker's threads', until it is closed */
    eval_counts counts;
    eval_slow slowest[EVAL_SLOWEST];
    as_buf lines;
} eval_scores;
int eval_scores_open(eval_scores *s, as_scorer *scorer, as_err *err);
/* A line of samples.jsonl, in order: gen_writing.line. */
int eval_scores_line(void *scores, as_str line, as_err *err);
int eval_scores_close(eval_scores *s, int rc, as_err *err); /* waits; returns rc, or what scoring failed with */
/* The rows of an earlier run, as far as there are samples for them, and of a verifier that judges groups whole groups: counted,
 * n_kept set. *end: the offset behind them. */
int eval_scores_keep(eval_scores *s, const char *path, uint64_t n_samples, bool by_group, uint64_t *end, as_err *err);

/* ---- the folder (eval_folder.c) ---- */

typedef struct eval_folder { /* zero-initialise; eval_folder_close in any state */
    const char *path;
    char *manifest, *suite, *samples, *scores, *summary;
    int held; /* a descriptor of it, plus 1 */
    as_run_record record;
} eval_folder;
int eval_folder_names(eval_folder *f, const char *path, as_err *err);
/* The folder is there and nobody else's for as long as it is open. AS_EUSAGE: another process writes to it. */
int eval_folder_hold(eval_folder *f, as_err *err);
/* Its manifest; that of another command's run is AS_EUSAGE. */
int eval_folder_load(const eval_folder *f, as_run_record *before, as_err *err);
/* What is in it: a run that `record` continues (*goes_on), nothing, or what --force begins anew. Then its manifest and its suite
 * stand there. */
int eval_folder_begin(eval_folder *f, const eval_opts *o, bool *goes_on, as_err *err);
int eval_folder_state(eval_folder *f, const char *state, uint64_t samples, uint64_t scores, as_err *err);
void eval_folder_close(eval_folder *f);

/* ---- the figures (eval_say.c) ---- */

typedef struct eval_report {
    passk_report figures;
    const eval_scores *scores;
    const as_scorer *scorer;
    const char *model, *suite; /* as the manifest has them */
    const char *file;          /* of the scores, without the folder */
} eval_report;
/* Reads the file of scores; the options were looked at by passk_options before. */
int eval_report_read(eval_report *r, const char *scores, as_err *err);
/* The members that are the same whenever the run is: DIR/summary.json. */
int eval_report_save(const eval_report *r, const char *path, as_err *err);
/* The table, or one object with the members `more` at its end. */
int eval_report_print(const eval_report *r, bool as_json, as_str more, as_err *err);
void eval_say_slowest(const eval_scores *s);
#endif
