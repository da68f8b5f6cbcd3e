/* table.c -- one table, four ways to write it. SPDX-License-Identifier: Apache-2.0 */
#include "report/table.h"

#include "base/mem.h"

#include <math.h>

enum { FIRST_ROWS = 16, CELL_MAX = 1 << 16 };

as_report_cell *as_report_table_row(as_report_table *t)
{
    if (t->n_rows == t->room) {
        const size_t room = t->room ? t->room * 2 : FIRST_ROWS;
        as_report_cell *more = as_realloc_array(t->cells, room * t->n_columns, sizeof *more);
        if (!more)
            return NULL;
        t->cells = more;
        t->room = room;
    }
    as_report_cell *row = t->cells + t->n_rows++ * t->n_columns;
    for (size_t i = 0; i < t->n_columns; i++)
        row[i] = (as_report_cell){ .text = { "", 0 }, .x = as_report_value((double)NAN) };
    return row;
}

void as_report_table_fini(as_report_table *t)
{
    as_free(t->cells);
    t->cells = NULL;
    t->n_rows = t->room = 0;
}

as_interval as_report_value(double x)
{
    return (as_interval){ x, (double)NAN, (double)NAN, (double)NAN };
}

as_interval as_report_parts(double before, double after)
{
    return as_report_value(before > 0 ? (after - before) / before : (double)NAN);
}

/* ---- for people ---- */

static void put_number(as_buf *b, as_report_kind kind, double x)
{
    const bool is_length = kind == AS_REPORT_LENGTH || kind == AS_REPORT_LONGER;
    const bool is_whole = kind == AS_REPORT_COUNT || kind == AS_REPORT_PARTS;
    const int decimals = is_whole ? 0 : is_length ? 1 : 3;
    const double least = kind == AS_REPORT_PARTS ? 0.005
                         : is_whole              ? 0.5
                         : is_length             ? 0.05
                                                 : 0.0005;
    x = fabs(x) < least ? 0 : x; /* no "-0.0" */
    if (kind == AS_REPORT_PARTS)
        as_buf_addf(b, "%+.0f %%", 100 * x);
    else if (kind == AS_REPORT_CHANGE || kind == AS_REPORT_LONGER)
        as_buf_addf(b, "%+.*f", decimals, x);
    else
        as_buf_addf(b, "%.*f", decimals, x);
}

void as_report_cell_put(as_buf *b, const as_report_column *column, const as_report_cell *cell)
{
    const as_interval *x = &cell->x;
    if (column->kind == AS_REPORT_TEXT) {
        as_buf_add(b, cell->text);
        return;
    }
    if (isnan(x->mean))
        return;
    put_number(b, column->kind, x->mean);
    if (!column->has_interval || isnan(x->low) || isnan(x->high))
        return;
    as_buf_text(b, " [");
    put_number(b, column->kind, x->low);
    as_buf_text(b, ", ");
    put_number(b, column->kind, x->high);
    as_buf_byte(b, ']');
}

/* Columns that a terminal takes: a byte that continues a character takes none. */
static size_t width_of(as_str s)
{
    size_t n = 0;
    for (size_t i = 0; i < s.len; i++)
        n += ((unsigned char)s.data[i] & 0xc0) != 0x80;
    return n;
}

/* What would end the cell, or the row, stands as a blank. */
static void put_cell(as_buf *b, const as_report_column *column, const as_report_cell *cell)
{
    const size_t from = b->len;
    as_report_cell_put(b, column, cell);
    for (size_t i = from; i < b->len; i++)
        if ((unsigned char)b->data[i] < ' ' || b->data[i] == 0x7f || b->data[i] == '|')
            b->data[i] = ' ';
}

static size_t widest(const as_report_table *t, size_t column, as_buf *scratch)
{
    size_t most = width_of(as_str_of(t->columns[column].name));
    for (size_t i = 0; i < t->n_rows; i++) {
        as_buf_clear(scratch);
        put_cell(scratch, &t->columns[column], &t->cells[i * t->n_columns + column]);
        const size_t width = width_of(as_buf_str(scratch));
        most = width > most ? width : most;
    }
    return most;
}

static void pad(as_buf *b, char c, size_t n)
{
    for (size_t i = 0; i < n; i++)
        as_buf_byte(b, c);
}

/* Row 0: names; 1: a rule, which tells numbers by a colon; then the rows. */
static void put_place(as_buf *b, const as_report_table *t, size_t row, size_t c, size_t width)
{
    const as_report_column *column = &t->columns[c];
    if (row == 0)
        as_buf_text(b, column->name);
    else if (row > 1)
        put_cell(b, column, &t->cells[(row - 2) * t->n_columns + c]);
    else
        pad(b, '-', width - (column->kind != AS_REPORT_TEXT));
    if (row == 1 && column->kind != AS_REPORT_TEXT)
        as_buf_byte(b, ':');
}

static void put_line(as_buf *b, const as_report_table *t, size_t row, const size_t *width,
                     as_buf *cell)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        const bool is_text = t->columns[c].kind == AS_REPORT_TEXT;
        as_buf_clear(cell);
        put_place(cell, t, row, c, width[c]);
        const size_t blanks = width[c] - width_of(as_buf_str(cell));
        as_buf_text(b, c ? " " : "| ");
        pad(b, ' ', is_text ? 0 : blanks);
        as_buf_add(b, as_buf_str(cell));
        pad(b, ' ', is_text ? blanks : 0);
        as_buf_text(b, " |");
    }
    as_buf_byte(b, '\n');
}

void as_report_table_text(const as_report_table *t, as_buf *b)
{
    AS_CLEANUP(buf) as_buf cell = { 0 };
    AS_CLEANUP(free) size_t *width = as_calloc(t->n_columns, sizeof *width);
    as_buf_init(&cell, CELL_MAX);
    if (!width) {
        b->failed = true;
        return;
    }
    for (size_t c = 0; c < t->n_columns; c++)
        width[c] = widest(t, c, &cell);
    for (size_t i = 0; i < t->n_rows + 2; i++)
        put_line(b, t, i, width, &cell);
    b->failed = b->failed || cell.failed;
}

/* ---- for programs ---- */

void as_report_csv_text(as_buf *b, as_str s)
{
    bool is_plain = true;
    for (size_t i = 0; i < s.len; i++)
        is_plain = is_plain && !strchr(",\"\r\n", s.data[i]);
    if (is_plain) {
        as_buf_add(b, s);
        return;
    }
    as_buf_byte(b, '"');
    for (size_t i = 0; i < s.len; i++) {
        if (s.data[i] == '"')
            as_buf_byte(b, '"');
        as_buf_byte(b, s.data[i]);
    }
    as_buf_byte(b, '"');
}

static void csv_head(const as_report_table *t, as_buf *b)
{
    for (size_t c = 0; c < t->n_columns; c++) {
        const as_report_column *column = &t->columns[c];
        as_buf_addf(b, c ? ",%s" : "%s", column->key);
        if (column->has_interval)
            as_buf_addf(b, ",%s_low,%s_high", column->key, column->key);
    }
    as_buf_byte(b, '\n');
}

static void csv_number(as_buf *b, double x)
{
    if (isfinite(x))
        as_buf_json_num(b, x);
}

void as_report_table_csv(const as_report_table *t, as_buf *b)
{
    csv_head(t, b);
    for (size_t i = 0; i < t->n_rows * t->n_columns; i++) {
        const as_report_column *column = &t->columns[i % t->n_columns];
        const as_report_cell *cell = &t->cells[i];
        if (column->kind == AS_REPORT_TEXT)
            as_report_csv_text(b, cell->text);
        else
            csv_number(b, cell->x.mean);
        if (column->has_interval) {
            as_buf_byte(b, ',');
            csv_number(b, cell->x.low);
            as_buf_byte(b, ',');
            csv_number(b, cell->x.high);
        }
        as_buf_byte(b, (i + 1) % t->n_columns ? ',' : '\n');
    }
}

static void json_member(as_buf *b, const as_report_column *column, const char *more, double x)
{
    as_buf_addf(b, ",\"%s%s\":", column->key, more);
    as_buf_json_num(b, x);
}

void as_report_table_json(const as_report_table *t, as_buf *b)
{
    as_buf_byte(b, '[');
    for (size_t i = 0; i < t->n_rows; i++) {
        const size_t at = b->len;
        for (size_t c = 0; c < t->n_columns; c++) {
            const as_report_column *column = &t->columns[c];
            const as_report_cell *cell = &t->cells[i * t->n_columns + c];
            if (column->kind == AS_REPORT_TEXT) {
                as_buf_addf(b, ",\"%s\":", column->key);
                as_buf_json_str(b, cell->text);
                continue;
            }
            json_member(b, column, "", cell->x.mean);
            if (column->has_interval) {
                json_member(b, column, "_low", cell->x.low);
                json_member(b, column, "_high", cell->x.high);
            }
        }
        if (!b->failed)
            b->data[at] = '{';
        as_buf_text(b, i + 1 < t->n_rows ? "}," : "}");
    }
    as_buf_byte(b, ']');
}
