/* report.h -- `assay report`, for commands that end with one. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_CLI_REPORT_H
#define AS_CLI_REPORT_H
#include "cli/common.h"

typedef struct report_opts {
    const char *out, *csv; /* csv NULL: beside the page */
    const char *tables; /* a file that gets the tables, too; NULL: none */
    as_str notes;       /* what is said below them */
    bool force, quiet, json;
} report_opts;

/* The folders of runs, of evaluations, of experiments (those that their manifest lists as "runs"): page, CSV, and what is said of
 * them. AS_EUSAGE without gnuplot where there is a curve. */
int report_write(const report_opts *o, const as_list *folders, as_err *err);
#endif
