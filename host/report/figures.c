/* figures.c -- which figures there are, and their data as CSV. SPDX-License-Identifier: Apache-2.0
 */
#include "report/figures.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"

#include <math.h>
#include <stdio.h>

enum { FIGURES_MAX = 2 * AS_REPORT_NAMES_MAX, FILE_BYTES = 80, FLUSH_BYTES = 1 << 20 };

const char *as_report_colour(size_t i)
{
    static const char *const colours[] = { "#0072B2", "#D55E00", "#009E73", "#CC79A7",
                                           "#E69F00", "#56B4E9", "#000000" };
    return colours[i % (sizeof colours / sizeof *colours)];
}

unsigned as_report_dash(size_t i)
{
    return (unsigned)(i / 7 % 5);
}

/* ---- which ---- */

static as_str group_of(as_str name)
{
    const char *slash = memchr(name.data, '/', name.len);
    return (as_str){ name.data, slash ? (size_t)(slash - name.data) : 0 };
}

static bool is_eval(as_str name)
{
    return as_str_starts(name, "eval/") || as_str_starts(name, "val/");
}

static bool has_figure(const as_report_figures *f, as_str name)
{
    for (size_t i = 0; i < f->n; i++)
        if (as_str_eq(f->at[i].name, name))
            return true;
    return false;
}

static int find_names(as_report_figures *f, const as_report_runs *runs, as_err *err)
{
    for (size_t i = 0; i < runs->n; i++)
        for (size_t k = 0; k < runs->at[i].n_curves; k++) {
            const as_str name = runs->at[i].curves[k].name;
            if (has_figure(f, name))
                continue;
            if (f->n == FIGURES_MAX)
                return as_fail(err, AS_EUSAGE,
                               "the runs have more than %d metrics together; report fewer of them",
                               FIGURES_MAX);
            f->at[f->n++] = (as_report_figure){ .name = name,
                                                .group = group_of(name),
                                                .is_eval = is_eval(name) };
        }
    return 0;
}

/* Evaluations first, then what the vote is like (train/...), then group after group, each where its
 * first metric came. */
static unsigned rank(const as_report_figure *f)
{
    return f->is_eval ? 0 : as_str_eq(f->group, AS_LIT("train")) ? 1 : 2;
}

static int sort(as_report_figures *f, as_err *err)
{
    AS_CLEANUP(free) as_report_figure *from = AS_STEAL(f->at);
    AS_CLEANUP(free) bool *is_taken = as_calloc(f->n + 1, sizeof *is_taken);
    const size_t n = f->n;
    size_t k = 0;
    f->n = 0;
    f->at = as_calloc(n + 1, sizeof *f->at);
    if (!is_taken || !f->at)
        return as_fail(err, AS_ENOMEM, "out of memory");
    for (unsigned r = 0; r < 2; r++)
        for (size_t i = 0; i < n; i++)
            if (rank(&from[i]) == r) {
                is_taken[i] = true;
                f->at[k++] = from[i];
            }
    for (size_t i = 0; i < n; i++)
        for (size_t j = i; !is_taken[i] && j < n; j++)
            if (!is_taken[j] && (j == i || as_str_eq(from[j].group, from[i].group))) {
                is_taken[j] = j != i;
                f->at[k++] = from[j];
            }
    f->n = k;
    return 0;
}

/* ---- names of files ---- */

/* Of another figure, or of a table. */
static bool has_file(const as_report_figures *f, size_t n, const char *file)
{
    for (size_t i = 0; i < AS_REPORT_TABLES; i++)
        if (strcmp(as_report_table_files[i], file) == 0)
            return true;
    for (size_t i = 0; i < n; i++)
        if (strcmp(f->at[i].file, file) == 0)
            return true;
    return false;
}

/* Letters, digits, '.', '-' and '_' stay, but for '.' and '-' at the beginning; small letters, for
 * file systems that do not tell them apart. */
static int name_file(as_report_figures *f, size_t i, as_err *err)
{
    char plain[FILE_BYTES];
    char file[FILE_BYTES + 32];
    size_t n = 0;
    for (size_t k = 0; k < f->at[i].name.len && n < sizeof plain - 1; k++) {
        char c = f->at[i].name.data[k];
        c = (char)(c >= 'A' && c <= 'Z' ? c - 'A' + 'a' : c);
        const bool is_plain = (c >= 'a' && c <= 'z') || (c >= '0' && c <= '9') || c == '_' ||
                              (n > 0 && (c == '.' || c == '-'));
        plain[n++] = (char)(is_plain ? c : '_');
    }
    plain[n] = 0;
    (void)snprintf(file, sizeof file, "%s.csv", plain);
    for (size_t more = 2; has_file(f, i, file); more++)
        (void)snprintf(file, sizeof file, "%s-%zu.csv", plain, more);
    f->at[i].file = as_arena_str(&f->arena, as_str_of(file)).data;
    return f->at[i].file ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

int as_report_figures_make(as_report_figures *f, const as_report_runs *runs, as_err *err)
{
    *f = (as_report_figures){ 0 };
    as_arena_init(&f->arena, 0);
    f->at = as_calloc(FIGURES_MAX, sizeof *f->at);
    if (!f->at)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = find_names(f, runs, err);
    if (rc == 0)
        rc = sort(f, err);
    for (size_t i = 0; i < f->n && rc == 0; i++) {
        as_buf_init(&f->at[i].svg, SIZE_MAX / 2);
        rc = name_file(f, i, err);
        for (size_t k = 0; k < runs->n; k++) {
            const as_report_curve *c = as_report_curve_of(&runs->at[k], f->at[i].name);
            f->at[i].n_points += c ? c->n : 0;
        }
    }
    return rc;
}

void as_report_figures_fini(as_report_figures *f)
{
    for (size_t i = 0; i < f->n; i++)
        as_buf_fini(&f->at[i].svg);
    as_free(f->at);
    as_arena_fini(&f->arena);
    *f = (as_report_figures){ 0 };
}

/* ---- CSV ---- */

static void put_number(as_buf *b, double v)
{
    if (isfinite(v))
        as_buf_json_num(b, v);
}

static int put_curve(as_new_file *file, as_buf *b, as_str label, const as_report_curve *c,
                     as_err *err)
{
    int rc = 0;
    for (size_t i = 0; i < c->n && rc == 0; i++) {
        as_report_csv_text(b, label);
        as_buf_byte(b, ',');
        as_buf_u64(b, c->at[i].step);
        as_buf_byte(b, ',');
        put_number(b, c->at[i].time);
        as_buf_byte(b, ',');
        put_number(b, c->at[i].value);
        as_buf_byte(b, '\n');
        if (b->len < FLUSH_BYTES && i + 1 < c->n)
            continue;
        rc = as_buf_check(b, err);
        if (rc == 0)
            rc = as_new_file_write(file, as_buf_str(b), err);
        as_buf_clear(b);
    }
    return rc;
}

static int write_csv(const as_report_figure *f, const as_report_runs *runs, const char *folder,
                     as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(folder, f->file);
    AS_CLEANUP(new_file) as_new_file file = { -1, NULL, NULL };
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, SIZE_MAX / 2);
    int rc = path ? as_new_file_open(&file, path, err) : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0)
        rc = as_new_file_write(&file, AS_LIT("run,step,time,value\n"), err);
    for (size_t i = 0; i < runs->n && rc == 0; i++) {
        const as_report_curve *c = as_report_curve_of(&runs->at[i], f->name);
        if (c)
            rc = put_curve(&file, &b, runs->at[i].label, c, err);
    }
    return rc == 0 ? as_new_file_commit(&file, err) : rc;
}

static int write_table(const as_report_table *t, const char *folder, as_err *err)
{
    AS_CLEANUP(free) char *path = as_path_join(folder, t->file);
    AS_CLEANUP(buf) as_buf b = { 0 };
    as_buf_init(&b, SIZE_MAX / 2);
    as_report_table_csv(t, &b);
    int rc = path ? as_buf_check(&b, err) : as_fail(err, AS_ENOMEM, "out of memory");
    return rc == 0 ? as_file_write_atomic(path, as_buf_str(&b), err) : rc;
}

int as_report_figures_csv(const as_report_figures *f, const as_report_runs *runs,
                          const as_report_tables *tables, const char *folder, as_err *err)
{
    AS_CLEANUP(new_folder) as_new_folder out = { 0 };
    int rc = as_new_folder_open(&out, folder, err);
    for (size_t i = 0; i < f->n && rc == 0; i++)
        rc = write_csv(&f->at[i], runs, out.temporary, err);
    for (size_t i = 0; i < AS_REPORT_TABLES && rc == 0; i++)
        if (tables->at[i].n_rows)
            rc = write_table(&tables->at[i], out.temporary, err);
    return rc == 0 ? as_new_folder_commit(&out, err) : rc;
}
