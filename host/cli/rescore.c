/* rescore.c -- `assay rescore`: the samples of a run scored again, beside its scores.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/mem.h"
#include "base/path.h"
#include "base/publish.h"
#include "cli/eval.h"

#include <inttypes.h>
#include <stdio.h>

enum { MOST_FILES = 10000 };

typedef struct rescore_opts {
    as_plug_opts plug;
    passk_opts figures;
    const char *progress;
    bool json, quiet;
} rescore_opts;

typedef struct run {
    const rescore_opts *opts;
    as_plugged plugged;
    as_suite suite;
    eval_folder folder;
    eval_scores scores;
    char name[32], summary_name[32]; /* scores.2.jsonl */
    as_new_file file;
    eval_report report;
    as_progress *progress;
} run;

/* ---- what the run was ---- */

static const cJSON *member(const run *r, const char *section, const char *key)
{
    const cJSON *in = r->folder.record.json;
    if (section)
        in = cJSON_GetObjectItemCaseSensitive(in, section);
    return cJSON_GetObjectItemCaseSensitive(in, key);
}

static int spoilt(const run *r, const char *key, as_err *err)
{
    return as_fail(err, AS_EDATA, "%s: \"%s\" is missing or of another kind: was it edited?",
                   r->folder.manifest, key);
}

/* A whole number of the config. */
static int number(const run *r, const char *key, double most, double *out, as_err *err)
{
    const cJSON *v = member(r, "config", key);
    if (!cJSON_IsNumber(v) || !(v->valuedouble >= 0 && v->valuedouble <= most))
        return spoilt(r, key, err);
    *out = v->valuedouble;
    return 0;
}

static int take_seeds(run *r, as_err *err)
{
    eval_shape *shape = &r->scores.shape;
    const cJSON *seeds = cJSON_GetObjectItemCaseSensitive(r->folder.record.json, "seeds");
    for (const cJSON *s = seeds ? seeds->child : NULL; s; s = s->next) {
        unsigned long long seed;
        if (shape->n_seeds == EVAL_MOST_SEEDS || !cJSON_IsString(s) ||
            !as_str_u64(as_str_of(s->valuestring), &seed))
            return spoilt(r, "seeds", err);
        shape->seeds[shape->n_seeds++] = seed;
    }
    return shape->n_seeds ? 0 : spoilt(r, "seeds", err);
}

static int open_folder(run *r, const char *path, as_err *err)
{
    double n = 0, limit = 0;
    int rc = eval_folder_names(&r->folder, path, err);
    if (rc == 0)
        rc = eval_folder_hold(&r->folder, err);
    if (rc == 0 && !as_path_exists(r->folder.manifest))
        rc = as_fail(err, AS_EUSAGE, "%s holds no run: name the --out of assay eval", path);
    if (rc == 0)
        rc = eval_folder_load(&r->folder, &r->folder.record, err);
    if (rc == 0)
        rc = number(r, "n", 1 << 20, &n, err);
    if (rc == 0 && n < 1)
        rc = spoilt(r, "n", err);
    if (rc == 0)
        rc = number(r, "limit", 1e15, &limit, err);
    if (rc == 0 &&
        (!cJSON_IsString(member(r, NULL, "model")) || !cJSON_IsString(member(r, NULL, "suite"))))
        rc = spoilt(r, "model\" or \"suite", err);
    if (rc == 0)
        rc = take_seeds(r, err);
    const as_suite_reading how = { .limit = (uint64_t)limit };
    if (rc == 0)
        rc = as_suite_read(&r->suite, r->folder.suite, &how, err);
    r->scores.shape.suite = &r->suite;
    r->scores.shape.n = (uint32_t)n;
    return rc;
}

/* ---- the new file ---- */

static int put_scores(void *to, as_str lines, as_err *err)
{
    return as_new_file_write(to, lines, err);
}

/* The first number that no file has. */
static int open_file(run *r, as_err *err)
{
    for (int i = 2; i < MOST_FILES; i++) {
        (void)snprintf(r->name, sizeof r->name, "scores.%d.jsonl", i);
        (void)snprintf(r->summary_name, sizeof r->summary_name, "summary.%d.json", i);
        AS_CLEANUP(free) char *path = as_path_join(r->folder.path, r->name);
        if (!path)
            return as_fail(err, AS_ENOMEM, "out of memory");
        if (!as_path_exists(path))
            return as_new_file_open(&r->file, path, err);
    }
    return as_fail(err, AS_EUSAGE, "%s: scored %d times already; take some scores away",
                   r->folder.path, MOST_FILES);
}

static int score_lines(run *r, as_lines *lines, as_source *source, as_err *err)
{
    AS_CLEANUP(buf) as_buf bytes = { 0 };
    as_buf_init(&bytes, SIZE_MAX / 2);
    as_line line;
    size_t n = 0;
    unsigned long long at, of;
    int rc;
    while ((rc = as_lines_chunk(lines, &bytes, &line, 1, 1, &n, err)) == 1 && !line.torn) {
        rc = eval_scores_line(&r->scores, line.text, err);
        if (rc == 0)
            rc = as_cancel_check(as_cli_cancel(), err);
        if (rc < 0)
            break;
        as_source_progress(source, &at, &of);
        as_progress_at(r->progress, r->scores.n_lines, at, of);
    }
    return rc < 0 ? rc : 0;
}

static int score(run *r, as_err *err)
{
    as_source *source = NULL;
    as_lines *lines = NULL;
    r->scores.samples = r->folder.samples;
    r->scores.write = put_scores;
    r->scores.to = &r->file;
    int rc = as_source_open(&source, r->folder.samples, err);
    if (rc == 0)
        rc = as_lines_open(&lines, source, 0, err);
    if (rc == 0)
        rc = open_file(r, err);
    if (rc == 0)
        rc = eval_scores_open(&r->scores, r->plugged.scorer, err);
    if (rc == 0)
        rc = score_lines(r, lines, source, err);
    as_lines_close(lines);
    if (source)
        as_source_close(source);
    rc = eval_scores_close(&r->scores, rc, err);
    if (rc == 0 && r->scores.n_lines == 0)
        rc = as_fail(err, AS_EDATA, "%s: no samples in it yet; go on with the run first",
                     r->folder.samples);
    return rc == 0 ? as_new_file_commit(&r->file, err) : rc;
}

/* The manifest's "rescores": which file, by which verifier, of how many samples. */
static int tell_manifest(run *r, as_err *err)
{
    as_run_record of = { 0 };
    char rows[24];
    int rc = as_run_record_new(&of, "rescore", err);
    if (rc == 0)
        rc = as_plugged_record(&r->plugged, &r->opts->plug, &of, err);
    if (rc == 0)
        rc = as_run_record_text(&of, as_run_record_set, "scores", r->name, err);
    (void)snprintf(rows, sizeof rows, "%" PRIu64, r->scores.counts.rows);
    if (rc == 0)
        as_run_record_set(&of, "samples", as_str_of(rows));
    cJSON *list = cJSON_GetObjectItemCaseSensitive(r->folder.record.json, "rescores");
    if (rc == 0 && !list)
        list = cJSON_AddArrayToObject(r->folder.record.json, "rescores");
    if (rc == 0 && !cJSON_IsArray(list))
        rc = spoilt(r, "rescores", err);
    if (rc == 0 && (!of.json || !cJSON_AddItemToArray(list, of.json)))
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    if (rc == 0)
        of.json = NULL; /* the list's now */
    as_run_record_fini(&of);
    return rc == 0 ? as_run_record_save(&r->folder.record, r->folder.manifest, err) : rc;
}

/* ---- the command ---- */

static int report(run *r, as_err *err)
{
    AS_CLEANUP(free) char *scores = as_path_join(r->folder.path, r->name);
    AS_CLEANUP(free) char *summary = as_path_join(r->folder.path, r->summary_name);
    AS_CLEANUP(buf) as_buf more = { 0 };
    as_buf_init(&more, 1 << 16);
    as_buf_json_key(&more, "run");
    as_buf_json_str(&more, as_str_of(r->folder.path));
    int rc =
        scores && summary ? as_buf_check(&more, err) : as_fail(err, AS_ENOMEM, "out of memory");
    r->report.scores = &r->scores;
    r->report.scorer = r->plugged.scorer;
    r->report.model = member(r, NULL, "model")->valuestring;
    r->report.suite = member(r, NULL, "suite")->valuestring;
    r->report.file = r->name;
    if (rc == 0)
        rc = eval_report_read(&r->report, scores, err);
    if (rc == 0)
        rc = eval_report_save(&r->report, summary, err);
    if (rc == 0)
        rc = eval_report_print(&r->report, r->opts->json, as_buf_str(&more), err);
    return rc;
}

static void say(const run *r)
{
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX];
    const uint64_t rows = eval_rows(&r->scores.shape);
    if (r->scores.n_lines < rows)
        as_cli_say("note: the run is not complete: %s of its %s samples are there",
                   as_text_count(a, r->scores.n_lines), as_text_count(b, rows));
    as_cli_say("%s: %s/%s, and %s has it", as_info_short_name(as_scorer_info(r->plugged.scorer)),
               r->folder.path, r->name, r->folder.manifest);
    eval_say_slowest(&r->scores);
}

static int rescore(run *r, const char *path, as_err *err)
{
    const rescore_opts *o = r->opts;
    int rc = passk_options(&r->report.figures, &o->figures, err);
    if (rc == 0)
        rc = as_plugged_open(&r->plugged, &o->plug, err);
    if (rc == 0)
        rc = open_folder(r, path, err);
    if (rc == 0)
        rc = eval_check_references(&r->suite, as_scorer_info(r->plugged.scorer), r->folder.suite,
                                   err);
    if (rc == 0)
        rc = as_progress_new(&r->progress, o->quiet ? "none" : o->progress, "rescore", err);
    if (rc == 0)
        rc = score(r, err);
    as_progress_free(r->progress);
    if (rc == 0)
        rc = tell_manifest(r, err);
    if (rc == 0)
        rc = report(r, err);
    if (rc < 0)
        return rc;
    if (!o->quiet)
        say(r);
    passk_warn(&r->report.figures);
    return passk_gates(&r->report.figures, err);
}

static int run_rescore(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    run r = { .opts = opts, .file = { .fd = -1 } };
    int rc = operands->n == 1
                 ? rescore(&r, operands->at[0], err)
                 : as_fail(err, AS_EUSAGE, "which run? assay rescore DIR --plugin NAME");
    as_new_file_fini(&r.file);
    passk_report_fini(&r.report.figures);
    eval_folder_close(&r.folder);
    as_suite_fini(&r.suite);
    as_plugged_close(&r.plugged);
    return rc;
}

static const as_opt options[] = {
    AS_PLUG_OPTIONS(rescore_opts, plug),
    PASSK_OPTIONS(rescore_opts),
    AS_JSON_OPTION(rescore_opts, "one JSON object on stdout instead of the table"),
    AS_QUIET_OPTION(rescore_opts, "no notes and no progress on stderr"),
    AS_PROGRESS_OPTION(rescore_opts),
    { .name = NULL },
};

const as_command as_cmd_rescore = {
    .name = "rescore",
    .summary = "scores a run's samples again without generating",
    .operands = "DIR",
    .options = options,
    .example = "assay rescore runs/arith --plugin exact",
    .details =
        "DIR is the --out of `assay eval`. Its samples are scored by another verifier, or by the "
        "same with another config, and the figures printed as there. The new scores stand beside "
        "the old ones: scores.2.jsonl, scores.3.jsonl and so on, each whole or not at all, with "
        "summary.2.json; manifest.json lists them under \"rescores\" with the verifier, its config "
        "and hash. Of a run that is not complete, the samples that are there are scored.",
    .run = run_rescore,
    .opts_size = sizeof(rescore_opts),
};
