/* tables.h -- what a report tells in tables: evaluations before and after, the same by level, what training moved.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REPORT_TABLES_H
#define AS_REPORT_TABLES_H
#include "report/exams.h"
#include "report/runs.h"
#include "report/table.h"

enum { AS_REPORT_EVALUATIONS, AS_REPORT_LEVELS, AS_REPORT_TRAINING, AS_REPORT_TABLES };

extern const char *const as_report_table_files[AS_REPORT_TABLES]; /* of their CSV */

typedef struct as_report_tables { /* those without a row are not shown */
    as_report_table at[AS_REPORT_TABLES];
    as_arena arena;
} as_report_tables;

/* Evaluations: each against the first of its group, differences paired over problems. Levels: the same by meta.level; where no
 * evaluation has any, of level/L/... of the runs, first steps against last. Training: of runs of assay ttrl, and those beside
 * them. Runs and exams outlive the tables. */
int as_report_tables_make(as_report_tables *t, const as_report_runs *runs, const as_report_exams *exams, as_err *err);
void as_report_tables_fini(as_report_tables *t); /* zeroed is fine */

static inline void as_cleanup_report_tables(as_report_tables *t)
{
    as_report_tables_fini(t);
}
#endif
