/* report.c -- `assay report`: the curves of training runs as one page, and their numbers as CSV.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "cli/common.h"
#include "report/page.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

typedef struct report_opts {
    const char *out, *csv;
    bool force, quiet, json;
} report_opts;

/* ---- where it goes ---- */

/* The page's name without .html, with _data behind it; the caller's. */
static char *data_folder(const char *page)
{
    as_str name = as_str_of(page);
    as_buf b = { 0 };
    as_buf_init(&b, 1 << 16);
    if (as_str_ends(name, ".html"))
        name.len -= 5;
    as_buf_add(&b, name);
    as_buf_text(&b, "_data");
    if (b.failed)
        as_buf_fini(&b);
    return b.data; /* the buffer's memory is from base/mem too */
}

/* What --force may take the place of: a folder of CSV files, and nothing else. */
static int check_data(const char *folder, as_err *err)
{
    DIR *d = opendir(folder);
    if (!d)
        return as_fail_errno(err, "%s", folder);
    int rc = 0;
    for (const struct dirent *e; rc == 0 && (e = readdir(d)) != NULL;) {
        struct stat info;
        if (strcmp(e->d_name, ".") == 0 || strcmp(e->d_name, "..") == 0)
            continue;
        if (!as_str_ends(as_str_of(e->d_name), ".csv") ||
            fstatat(dirfd(d), e->d_name, &info, AT_SYMLINK_NOFOLLOW) != 0 || !S_ISREG(info.st_mode))
            rc = as_fail(err, AS_EUSAGE,
                         "%s: has \"%s\", which no report wrote: name another folder with --csv",
                         folder, e->d_name);
    }
    (void)closedir(d);
    return rc;
}

static bool is_stdout(const report_opts *o)
{
    return strcmp(o->out, "-") == 0;
}

static int check_place(const report_opts *o, const char *data, as_err *err)
{
    struct stat info;
    if (is_stdout(o) && (!o->csv || o->json))
        return as_fail(err, AS_EUSAGE,
                       "--out - is the page on stdout: name the folder of the data with --csv, and "
                       "no --json");
    if (!is_stdout(o) && !o->force && as_path_exists(o->out))
        return as_fail(err, AS_EUSAGE, "%s exists: --force to overwrite", o->out);
    if (!is_stdout(o) && stat(o->out, &info) == 0 && !S_ISREG(info.st_mode))
        return as_fail(err, AS_EUSAGE, "%s: is there and no file", o->out);
    if (!as_path_exists(data))
        return 0;
    if (!o->force)
        return as_fail(err, AS_EUSAGE, "%s exists: --force to overwrite", data);
    return check_data(data, err);
}

/* ---- writing ---- */

static int write_data(const char *folder, const as_report_runs *runs,
                      const as_report_figures *figures, as_err *err)
{
    AS_CLEANUP(free) char *fresh = as_path_exists(folder) ? as_temporary_name(folder) : NULL;
    if (!fresh)
        return as_report_figures_csv(figures, runs, folder, err);
    int rc = as_report_figures_csv(figures, runs, fresh, err);
    return rc == 0 ? as_folder_replace(fresh, folder, err) : rc;
}

static int write_page(const report_opts *o, as_str page, as_err *err)
{
    AS_CLEANUP(new_file) as_new_file file = { -1, NULL, NULL };
    if (is_stdout(o))
        return as_cli_out(page, err);
    int rc = as_new_file_open(&file, o->out, err);
    if (rc == 0)
        rc = as_new_file_write(&file, page, err);
    return rc == 0 ? as_new_file_commit(&file, err) : rc;
}

static int say(const report_opts *o, const char *data, const as_report_runs *runs,
               const as_report_figures *figures, as_err *err)
{
    if (!o->quiet)
        as_cli_say("%s: %zu figures of %zu run%s; their numbers are in %s", o->out, figures->n,
                   runs->n, runs->n == 1 ? "" : "s", data);
    if (!o->json)
        return 0;
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, SIZE_MAX / 2);
    as_buf_text(&out, "{\"schema\":\"assay.report/1\"");
    as_buf_json_key(&out, "out");
    as_buf_json_str(&out, as_str_of(o->out));
    as_buf_json_key(&out, "csv");
    as_buf_json_str(&out, as_str_of(data));
    as_buf_json_key(&out, "figures");
    as_buf_byte(&out, '[');
    for (size_t i = 0; i < figures->n; i++) {
        as_buf_text(&out, i ? ",{\"name\":" : "{\"name\":");
        as_buf_json_str(&out, figures->at[i].name);
        as_buf_json_key(&out, "file");
        as_buf_json_str(&out, as_str_of(figures->at[i].file));
        as_buf_json_key(&out, "points");
        as_buf_u64(&out, figures->at[i].n_points);
        as_buf_byte(&out, '}');
    }
    as_buf_text(&out, "]}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

static int run_report(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    const report_opts *o = opts;
    AS_CLEANUP(report_runs) as_report_runs runs = { 0 };
    AS_CLEANUP(report_figures) as_report_figures figures = { 0 };
    AS_CLEANUP(buf) as_buf page = { 0 };
    AS_CLEANUP(free) char *data = o->csv ? as_strdup(o->csv) : data_folder(o->out);
    AS_CLEANUP(free) char *gnuplot = as_path_program("gnuplot");
    if (!data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (!gnuplot)
        return as_fail(err, AS_EUSAGE,
                       "gnuplot, which draws the figures, is not in PATH: apt-get install "
                       "gnuplot-nox");
    as_buf_init(&page, SIZE_MAX / 2);
    const char *name = strrchr(data, '/');
    const as_report_page_options how = { .data = o->csv ? NULL : name ? name + 1 : data };
    int rc = check_place(o, data, err);
    if (rc == 0)
        rc = as_report_runs_read(&runs, operands->at, operands->n, err);
    if (rc == 0)
        rc = as_report_figures_make(&figures, &runs, err);
    if (rc == 0)
        rc = as_report_figures_draw(&figures, &runs, gnuplot, err);
    if (rc == 0)
        rc = as_report_page(&page, &runs, &figures, &how, err);
    if (rc == 0)
        rc = write_data(data, &runs, &figures, err);
    if (rc == 0)
        rc = write_page(o, as_buf_str(&page), err);
    return rc == 0 ? say(o, data, &runs, &figures, err) : rc;
}

static const as_opt options[] = {
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "report.html",
      .offset = offsetof(report_opts, out),
      .short_name = 'o',
      .help = "the page; -: stdout, which needs --csv" },
    { .name = "csv",
      .type = AS_OPT_TEXT,
      .value = "DIR",
      .offset = offsetof(report_opts, csv),
      .help =
          "where each figure's numbers go; default: beside the page, report_data of report.html" },
    AS_FORCE_OPTION(report_opts, "overwrite --out, and a folder of CSV files"),
    AS_JSON_OPTION(report_opts, "what was written as one JSON object on stdout"),
    AS_QUIET_OPTION(report_opts, "no summary on stderr"),
    { .name = NULL }
};

const as_command as_cmd_report = {
    .name = "report",
    .summary = "the curves of training runs as one page",
    .operands = "RUN...",
    .options = options,
    .example = "assay report runs/grpo runs/dapo --out report.html",
    .details =
        "A RUN is a folder that assay train wrote, also one that is still being written. Each "
        "metric of metrics.jsonl is a figure with all the runs in it, evaluations (eval/..., "
        "val/...) first; then come a table of the last values and the configurations, with what "
        "differs between the runs marked. A dotted upright line is where a run was gone on with. "
        "Long curves are drawn in fewer points, of which the least and the greatest value of each "
        "stretch stay.\n"
        "\n"
        "The page needs no network and no scripts. The numbers of each figure are a CSV file "
        "(run, step, time, value; an empty value is one that was not finite). gnuplot draws the "
        "figures.",
    .run = run_report,
    .opts_size = sizeof(report_opts),
};
