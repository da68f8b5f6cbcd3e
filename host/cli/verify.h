/* verify.h -- the parts of `assay verify`, which is one ordered pipeline: chunks of lines are read (verify_read.c),
 * parsed, scored and written as JSON by threads (verify_work.c), and appended in input order (verify_write.c).
 * Internal to cli/.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_VERIFY_H
#define AS_CLI_VERIFY_H
#include "cli/common.h"
#include "cli/seen.h"
#include "data/jsonl.h"
#include "data/run_record.h"

#include <pthread.h>

typedef struct verify_opts {
    as_plug_opts plug;
    const char *in, *out, *reference, *completion, *prompt, *meta, *bad_lines, *progress;
    double max_unscored, fail_under; /* NaN: not asked */
    uint64_t limit, max_line_mib, seed;
    bool explain, resume, force, dry_run, allow_duplicate_ids, json, quiet, stats;
} verify_opts;

enum {
    VERIFY_MAX_IDS = 3000000,     /* remembered to find duplicates: 48 MiB at most */
    VERIFY_MAX_GROUPS = 1000000,
    VERIFY_GROUP_ITEMS = 65536,   /* largest group of a verifier that judges whole groups */
    VERIFY_GROUP_MIB = 1024,
    VERIFY_N_SLOWEST = 3,
    VERIFY_MAX_RULES = 64,        /* counted by name; later ones are "(other)" */
    VERIFY_RULE_BYTES = 64,       /* as plugin.h says; longer ones are "(other)" too */
    VERIFY_SHOWN_BAD = 5
};

/* A chunk of lines on its way through the pipeline; reused. */
typedef struct verify_task {
    struct verify_task *next; /* in the list of free ones */
    as_buf bytes, out;
    as_arena arena;
    as_line *lines;           /* lines_max of the run; group verifiers parse while reading and need none */
    size_t n_lines;
    as_item *items;           /* in the arena */
    uint32_t n, n_mute;       /* items; of these, the first were written by an earlier run */
    uint64_t *id_hash;
    size_t *row_end;          /* offset in `out` after each row */
    as_results results;
    as_err stop;              /* what ends the run after these items: a bad line */
    as_err *bad;              /* the first bad lines of this chunk that were skipped, in the arena */
    uint64_t n_bad;
    unsigned long long at, of; /* bytes of the input, for progress */
} verify_task;

typedef struct verify_slow {
    char id[80];
    double ms;
} verify_slow;

/* What one rule decided. Its name is one printable word; "-" stands for no rule. */
typedef struct verify_rule {
    char name[VERIFY_RULE_BYTES + 1];
    uint64_t items, by_verdict[8];
} verify_rule;

typedef struct verify_counts {
    uint64_t items, by_verdict[8], n_reference, n_replaced, n_bad, cached, kept; /* kept: rows of an earlier run */
    double score_sum;
    uint64_t n_score;
    verify_slow slowest[VERIFY_N_SLOWEST];
    verify_rule rules[VERIFY_MAX_RULES + 1]; /* in order of appearance; the last place is for "(other)" */
    size_t n_rules;
} verify_counts;

typedef struct verify_run {
    const verify_opts *opts;
    as_plugged plugged;
    const as_verifier_info *info;
    uint32_t want;
    bool by_group;
    size_t lines_max, bytes_want;
    /* reading: the thread that calls as_pipeline_run */
    as_source *source;
    as_lines *lines;
    struct verify_reader *reader;
    as_digest first_line;     /* of the input's first line: part of the run record */
    uint64_t n_to_skip;       /* items an earlier run has done */
    uint64_t n_lines, n_produced;
    bool is_empty;
    /* writing: one thread at a time */
    as_sink *sink;
    as_seen ids;
    as_progress *progress;
    verify_counts counts;
    bool is_short;            /* ended before the end of the input: what is written is a beginning */
    int64_t start_ns, end_ns;
    as_run_record record;
    char *record_path;        /* NULL: writes to stdout */
    /* all threads */
    pthread_mutex_t lock;     /* guards `free`; nothing is called with it held */
    verify_task *free;
} verify_run;

/* verify_read.c */
int verify_open_input(verify_run *v, as_err *err);  /* opens, and reads the first chunk */
int verify_produce(void *ctx, void **task, as_err *err);
/* A line that is no item: counted (--bad-lines skip), or the end of the task: < 0 and t->stop. */
int verify_bad_line(const verify_run *v, verify_task *t, const as_line *line, const as_err *why);
void verify_task_done(void *ctx, void *task);       /* back to the free ones */
void verify_close_input(verify_run *v);

/* verify_work.c */
int verify_parse(as_str line, as_arena *arena, as_item *item, as_err *err);
int verify_work(void *ctx, void *task, as_err *err);
/* Members from "verdict" to "explain", each after a comma. */
void verify_add_result(as_buf *out, const as_results *r, uint32_t i, bool explain);
void verify_format(as_buf *out, const as_item *item, const as_results *r, uint32_t i, bool explain);

/* verify_write.c */
int verify_consume(void *ctx, void *task, as_err *err);
typedef struct verify_row {
    as_str id, rule;
    assay_verdict verdict;
    bool cached;
    float score, ms;
} verify_row;
verify_row verify_row_of(const as_item *item, const as_results *r, uint32_t i);
void verify_count(verify_counts *c, const verify_row *row);

/* verify_resume.c: the output file and its run record */
int verify_open_output(verify_run *v, as_err *err); /* sink, counts of kept rows, n_to_skip, manifest "running" */
int verify_close_output(verify_run *v, int rc, as_err *err); /* manifest with its final state */

/* verify_one.c */
int verify_one(const verify_opts *o, as_err *err); /* --completion and --reference: one item, its result on stdout */

/* verify_summary.c */
void verify_summary_text(const verify_run *v, as_buf *out);
void verify_summary_json(const verify_run *v, int rc, as_buf *out);
void verify_plan(const verify_run *v, as_buf *out); /* --dry-run */
int verify_gates(const verify_run *v, as_err *err); /* AS_EGATE */
void verify_counts_json(const verify_run *v, as_buf *out);
static inline double verify_seconds(const verify_run *v)
{
    return (double)(v->end_ns - v->start_ns) / 1e9;
}
#endif
