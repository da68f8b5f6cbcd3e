/* report.c -- `assay report`: the curves of training runs, and evaluations before and after, as one
 * page, and their numbers as CSV.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/report.h"

#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "report/page.h"

#include <dirent.h>
#include <fcntl.h>
#include <sys/stat.h>

/* ---- what is reported ---- */

typedef struct subject { /* zero-initialise */
    as_report_runs runs;
    as_report_exams exams;
    as_report_figures figures;
    as_report_tables tables;
    /* folders, by what they are */
    const char *run[AS_REPORT_RUNS_MAX], *exam[AS_REPORT_EXAMS_MAX];
    size_t n_runs, n_exams;
    as_arena names;
} subject;

static void close_subject(subject *s)
{
    as_report_tables_fini(&s->tables);
    as_report_figures_fini(&s->figures);
    as_report_exams_fini(&s->exams);
    as_report_runs_fini(&s->runs);
    as_arena_fini(&s->names);
}

/* One that is neither is refused as a run. */
static int add_folder(subject *s, const char *folder, as_err *err)
{
    AS_CLEANUP(free) char *metrics = as_path_join(folder, "metrics.jsonl");
    const bool is_exam = metrics && !as_path_exists(metrics) && as_report_is_exam(folder);
    if (is_exam && s->n_exams < AS_REPORT_EXAMS_MAX)
        s->exam[s->n_exams++] = folder;
    else if (!is_exam && s->n_runs < AS_REPORT_RUNS_MAX)
        s->run[s->n_runs++] = folder;
    else
        return as_fail(err, AS_EUSAGE, "more than %d %s: report fewer of them",
                       is_exam ? AS_REPORT_EXAMS_MAX : AS_REPORT_RUNS_MAX,
                       is_exam ? "evaluations" : "runs");
    return 0;
}

/* A folder below another one: no way out of it. */
static bool is_below(const char *path)
{
    for (const char *at = path; *at;) {
        const size_t n = strcspn(at, "/");
        if (n == 0 || (n == 1 && *at == '.') || (n == 2 && at[0] == '.' && at[1] == '.'))
            return false;
        at += n + (at[n] == '/');
    }
    return *path != '\0';
}

/* The folder of an experiment stands for those that it lists. *runs: NULL where it is none. */
static int find_listed(const char *folder, cJSON **runs, as_err *err)
{
    AS_CLEANUP(free) char *metrics = as_path_join(folder, "metrics.jsonl");
    AS_CLEANUP(free) char *path = as_path_join(folder, "manifest.json");
    as_run_record record = { 0 };
    *runs = NULL;
    if (!metrics || !path || as_path_exists(metrics) || as_report_is_exam(folder) ||
        !as_path_exists(path))
        return 0;
    int rc = as_run_record_load(&record, path, err);
    if (rc == 0)
        *runs = cJSON_DetachItemFromObjectCaseSensitive(record.json, "runs");
    as_run_record_fini(&record);
    if (rc == 0 && *runs && cJSON_IsArray(*runs) && !(*runs)->child)
        rc = as_fail(err, AS_EDATA, "%s: an experiment of which nothing is done yet", folder);
    return rc;
}

static int add_operand(subject *s, const char *folder, as_err *err)
{
    AS_CLEANUP(cjson) cJSON *runs = NULL;
    int rc = find_listed(folder, &runs, err);
    if (rc < 0 || !runs || !cJSON_IsArray(runs))
        return rc < 0 ? rc : add_folder(s, folder, err);
    for (const cJSON *run = runs->child; rc == 0 && run; run = run->next) {
        const char *name = cJSON_GetStringValue(run);
        if (!name || !is_below(name))
            return as_fail(err, AS_EDATA,
                           "%s/manifest.json: \"runs\" has what is no folder below it", folder);
        const as_str path = as_arena_fmt(&s->names, "%s/%s", folder, name);
        rc = path.data ? add_folder(s, path.data, err) : as_fail(err, AS_ENOMEM, "out of memory");
    }
    return rc;
}

static int read_subject(subject *s, const as_list *folders, as_err *err)
{
    int rc = folders->n
                 ? 0
                 : as_fail(err, AS_EUSAGE, "1 to %d runs are expected: assay report RUN... -o FILE",
                           AS_REPORT_RUNS_MAX);
    as_arena_init(&s->names, 0);
    for (size_t i = 0; rc == 0 && i < folders->n; i++)
        rc = add_operand(s, folders->at[i], err);
    if (rc == 0)
        rc = as_report_runs_read(&s->runs, s->run, s->n_runs, err);
    if (rc == 0)
        rc = as_report_exams_read(&s->exams, s->exam, s->n_exams, err);
    if (rc == 0)
        rc = as_report_tables_make(&s->tables, &s->runs, &s->exams, err);
    return rc == 0 ? as_report_figures_make(&s->figures, &s->runs, err) : rc;
}

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

static int write_data(const char *folder, const subject *s, as_err *err)
{
    AS_CLEANUP(free) char *fresh = as_path_exists(folder) ? as_temporary_name(folder) : NULL;
    if (!fresh)
        return as_report_figures_csv(&s->figures, &s->runs, &s->tables, folder, err);
    int rc = as_report_figures_csv(&s->figures, &s->runs, &s->tables, fresh, err);
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

static void show_figures(const as_report_figures *figures, as_buf *out)
{
    for (size_t i = 0; i < figures->n; i++) {
        as_buf_text(out, i ? ",{\"name\":" : "{\"name\":");
        as_buf_json_str(out, figures->at[i].name);
        as_buf_json_key(out, "file");
        as_buf_json_str(out, as_str_of(figures->at[i].file));
        as_buf_json_key(out, "points");
        as_buf_u64(out, figures->at[i].n_points);
        as_buf_byte(out, '}');
    }
}

static void show_tables(const as_report_tables *tables, as_buf *out)
{
    for (size_t i = 0; i < AS_REPORT_TABLES; i++) {
        const as_report_table *t = &tables->at[i];
        if (t->n_rows == 0)
            continue;
        as_buf_addf(out, ",\"%.*s\":", (int)strcspn(t->file, "."), t->file);
        as_report_table_json(t, out);
    }
}

static int show(const report_opts *o, const char *data, const subject *s, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, SIZE_MAX / 2);
    as_buf_text(&out, "{\"schema\":\"assay.report/1\"");
    as_buf_json_key(&out, "out");
    as_buf_json_str(&out, as_str_of(o->out));
    as_buf_json_key(&out, "csv");
    as_buf_json_str(&out, as_str_of(data));
    as_buf_json_key(&out, "figures");
    as_buf_byte(&out, '[');
    show_figures(&s->figures, &out);
    as_buf_byte(&out, ']');
    show_tables(&s->tables, &out);
    as_buf_text(&out, "}\n");
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

/* The tables as Markdown, for people. */
static int put_tables(const report_opts *o, const subject *s, as_buf *out, as_err *err)
{
    for (size_t i = 0; i < AS_REPORT_TABLES; i++)
        if (s->tables.at[i].n_rows) {
            as_buf_addf(out, "%s%s\n\n", out->len ? "\n" : "", s->tables.at[i].title);
            as_report_table_text(&s->tables.at[i], out);
        }
    as_buf_text(out, o->notes.len ? "\n" : "");
    as_buf_add(out, o->notes);
    int rc = as_buf_check(out, err);
    return rc == 0 && o->tables ? as_file_write_atomic(o->tables, as_buf_str(out), err) : rc;
}

static int tell(const report_opts *o, const char *data, const subject *s, as_err *err)
{
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, SIZE_MAX / 2);
    int rc = s->exams.n || o->tables ? put_tables(o, s, &out, err) : 0;
    if (rc == 0 && o->json)
        rc = show(o, data, s, err);
    else if (rc == 0 && !o->quiet && !is_stdout(o) && out.len)
        rc = as_cli_out(as_buf_str(&out), err);
    if (rc < 0 || o->quiet)
        return rc;
    if (s->runs.n)
        as_cli_say("%s: %zu figures of %zu run%s; their numbers are in %s", o->out, s->figures.n,
                   s->runs.n, s->runs.n == 1 ? "" : "s", data);
    else
        as_cli_say("%s: %zu evaluation%s; the numbers are in %s", o->out, s->exams.n,
                   s->exams.n == 1 ? "" : "s", data);
    return 0;
}

static int draw(subject *s, as_err *err)
{
    AS_CLEANUP(free) char *gnuplot = as_path_program("gnuplot");
    if (s->runs.n == 0)
        return 0;
    if (!gnuplot)
        return as_fail(err, AS_EUSAGE,
                       "gnuplot, which draws the figures, is not in PATH: apt-get install "
                       "gnuplot-nox");
    return as_report_figures_draw(&s->figures, &s->runs, gnuplot, err);
}

int report_write(const report_opts *o, const as_list *folders, as_err *err)
{
    subject s = { 0 };
    AS_CLEANUP(buf) as_buf page = { 0 };
    AS_CLEANUP(free) char *data = o->csv ? as_strdup(o->csv) : data_folder(o->out);
    if (!data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_buf_init(&page, SIZE_MAX / 2);
    const char *name = strrchr(data, '/');
    const as_report_page_options how = { .data = o->csv ? NULL : name ? name + 1 : data };
    int rc = check_place(o, data, err);
    if (rc == 0)
        rc = read_subject(&s, folders, err);
    if (rc == 0)
        rc = draw(&s, err);
    if (rc == 0)
        rc = as_report_page(&page, &s.runs, &s.exams, &s.figures, &s.tables, &how, err);
    if (rc == 0)
        rc = write_data(data, &s, err);
    if (rc == 0)
        rc = write_page(o, as_buf_str(&page), err);
    if (rc == 0)
        rc = tell(o, data, &s, err);
    close_subject(&s);
    return rc;
}

static int run_report(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    return report_write(opts, operands, err);
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
    .summary = "training runs, and evaluations before and after, as one page",
    .operands = "RUN...",
    .options = options,
    .example = "assay report runs/grpo runs/dapo --out report.html",
    .details =
        "A RUN is a folder that assay train wrote, also one that is still being written; one that "
        "assay eval wrote; or one of an experiment (assay ttrl), which stands for those in it. "
        "Each "
        "metric of metrics.jsonl is a figure with all the runs in it, evaluations (eval/..., "
        "val/...) first; then come a table of the last values and the configurations, with what "
        "differs between the runs marked. A dotted upright line is where a run was gone on with. "
        "Long curves are drawn in fewer points, of which the least and the greatest value of each "
        "stretch stay.\n"
        "\n"
        "Evaluations of one suite with the same sampling are compared with the first of them: "
        "accuracy and vote (avg@n, maj@n), and by level (meta.level of the problems) accuracy and "
        "response length before and after, absolute and relative. These tables are also printed. "
        "Runs of assay ttrl have the levels of their first and last steps where no evaluation is "
        "given, and a table of what training moved.\n"
        "\n"
        "The page needs no network and no scripts. The numbers of each figure are a CSV file "
        "(run, step, time, value; an empty value is one that was not finite), those of the tables "
        "evaluations.csv, levels.csv and training.csv. gnuplot draws the figures.",
    .run = run_report,
    .opts_size = sizeof(report_opts),
};
