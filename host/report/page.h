/* page.h -- the report as one HTML page. SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REPORT_PAGE_H
#define AS_REPORT_PAGE_H
#include "report/figures.h"
#include "report/tables.h"

typedef struct as_report_page_options {
    const char *data; /* the folder of the CSV files as the page links to it; NULL: no links */
} as_report_page_options;

/* Everything on it is in it: no script, no other file. Whatever stands in the runs is text: escaped; bytes that are not
 * UTF-8, control characters and those that turn the direction of writing become U+FFFD; long values are cut. */
int as_report_page(as_buf *out, const as_report_runs *runs, const as_report_exams *exams, const as_report_figures *figures,
                   const as_report_tables *tables, const as_report_page_options *options, as_err *err);
#endif
