/* table.h -- a table that people read (on the page, as Markdown) and programs (as CSV, as JSON): one set of cells for all four.
 * SPDX-License-Identifier: Apache-2.0 */
#ifndef AS_REPORT_TABLE_H
#define AS_REPORT_TABLE_H
#include "base/arena.h"
#include "base/buf.h"
#include "eval/bootstrap.h"

typedef enum as_report_kind {
    AS_REPORT_TEXT,
    AS_REPORT_COUNT,
    AS_REPORT_SHARE,  /* 0.951 */
    AS_REPORT_CHANGE, /* +0.743 */
    AS_REPORT_PARTS,  /* of a ratio's change: +357 % */
    AS_REPORT_LENGTH, /* 13.8 */
    AS_REPORT_LONGER  /* +2.1 */
} as_report_kind;

typedef struct as_report_column {
    const char *name, *key; /* for people; in CSV and JSON, where an interval is KEY, KEY_low, KEY_high */
    as_report_kind kind;
    bool has_interval;
} as_report_column;

typedef struct as_report_cell {
    as_str text;   /* of AS_REPORT_TEXT; outlives the table */
    as_interval x; /* else: NaN is an empty cell */
} as_report_cell;

typedef struct as_report_table { /* zero-initialise with what it is; as_report_table_fini in any state */
    const char *title, *note, *file; /* a heading; a sentence below it; the name of its CSV */
    const as_report_column *columns;
    size_t n_columns, n_rows, room;
    as_report_cell *cells; /* n_rows x n_columns */
} as_report_table;

/* A new row, all cells empty; valid until the next one. NULL: no memory. */
as_report_cell *as_report_table_row(as_report_table *t);
void as_report_table_fini(as_report_table *t);

/* A number as people read it: "0.951 [0.940, 0.962]"; nothing where it is NaN. */
void as_report_cell_put(as_buf *b, const as_report_column *column, const as_report_cell *cell);

void as_report_table_csv(const as_report_table *t, as_buf *b); /* RFC 4180, lines end with LF; numbers in full */
void as_report_table_text(const as_report_table *t, as_buf *b); /* Markdown, columns aligned */
void as_report_table_json(const as_report_table *t, as_buf *b); /* an array of objects */
void as_report_csv_text(as_buf *b, as_str s);                  /* quoted where it must be */

/* A share, or a mean of a column, without an interval; their relative change, NaN where it cannot be told. */
as_interval as_report_value(double x);
as_interval as_report_parts(double before, double after);

static inline void as_cleanup_report_table(as_report_table *t)
{
    as_report_table_fini(t);
}
#endif
