/* audit.h -- the parts of `assay audit`: golds become cases and verdicts (audit_work.c), verdicts
 * become rates and a report (audit_say.c). Internal to cli/. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_AUDIT_H
#define AS_CLI_AUDIT_H
#include "audit/audit.h"
#include "cli/common.h"
#include "data/jsonl.h"

typedef struct audit_opts {
    as_plug_opts plug;
    const char *in, *out, *seed, *kinds, *fail_on, *progress;
    uint64_t limit, per_gold, show, max_line_mib;
    bool tolerant, all, force, json, quiet;
} audit_opts;

enum { AUDIT_MAX_KINDS = 512, AUDIT_MAX_SHOW = 10000 };

typedef struct audit_shown { /* a case worth showing; texts in the tally's arena */
    struct audit_shown *next;
    as_str id, reference, completion, rule, reason;
    assay_verdict verdict;
} audit_shown;

typedef struct audit_kind {
    as_audit_class class;
    char name[AS_AUDIT_KIND_MAX];
    uint64_t n, wrong, abstain,
        error; /* wrong: among the scored; a hostile case that ends as an error is wrong too */
    float max_ms;
    uint64_t n_shown;
    audit_shown *shown, *last;
} audit_kind;

typedef struct audit_tally {
    audit_kind kinds[AUDIT_MAX_KINDS];
    unsigned n_kinds;
    uint64_t golds, blank, cases;
    double seconds;
    as_arena arena;
} audit_tally;

/* What is summed up of several kinds. */
typedef struct audit_sum {
    uint64_t n, wrong, abstain, error;
    float max_ms;
} audit_sum;
audit_sum audit_sum_of(const audit_tally *t, unsigned classes); /* bits 1 << AS_AUDIT_* */
static inline uint64_t audit_scored(as_audit_class class, uint64_t n, uint64_t abstain,
                                    uint64_t error)
{
    return class == AS_AUDIT_HOSTILE ? n : n - abstain - error;
}

/* audit_work.c */
int audit_run(const audit_opts *o, const as_audit_options *how, as_scorer *scorer,
              audit_tally *tally, as_err *err);

/* audit_say.c */
void audit_report(as_buf *out, const audit_opts *o, const as_audit_options *how,
                  const as_scorer *scorer, const audit_tally *t);
void audit_json(as_buf *out, const audit_opts *o, const as_audit_options *how,
                const audit_tally *t);
/* AS_EGATE where one of "fp,fn,error,unscored" has a case. */
int audit_gates(const audit_opts *o, const audit_tally *t, as_err *err);
#endif
