/* verify.c -- `assay verify`: options, the run from start to end, what is said about it.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/verify.h"

#include "base/clock.h"
#include "base/mem.h"
#include "jobs/pipeline.h"

#include <inttypes.h>
#include <math.h>

#define O(field) .offset = offsetof(verify_opts, field)
static const as_opt options[] = {
    AS_PLUG_OPTIONS(verify_opts, plug),
    { .name = "in",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      O(in),
      .short_name = 'i',
      .help = "items, JSONL (also .gz, .zst); - is stdin" },
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      O(out),
      .short_name = 'o',
      .help = "results, JSONL (.gz and .zst compress); - is stdout" },
    { .name = "completion",
      .type = AS_OPT_TEXT,
      .value = "TEXT",
      O(completion),
      .short_name = 'c',
      .help = "one shot: the answer to be judged" },
    { .name = "reference",
      .type = AS_OPT_TEXT,
      .value = "TEXT",
      O(reference),
      .short_name = 'r',
      .help = "one shot: the right answer" },
    { .name = "prompt",
      .type = AS_OPT_TEXT,
      .value = "TEXT",
      O(prompt),
      .help = "one shot: the question" },
    { .name = "meta",
      .type = AS_OPT_TEXT,
      .value = "JSON",
      O(meta),
      .help = "one shot: the item's \"meta\" object" },
    { .name = "explain",
      .type = AS_OPT_FLAG,
      O(explain),
      .help = "results say how the verdict came about (\"explain\", \"detail\")" },
    { .name = "max-unscored",
      .type = AS_OPT_PERCENT,
      .value = "SHARE",
      O(max_unscored),
      .help = "exit 1 when more than this share is abstain or error (5% or 0.05)" },
    { .name = "fail-under",
      .type = AS_OPT_NUMBER,
      .value = "X",
      O(fail_under),
      .help = "exit 1 when the mean score of the scored items is less" },
    { .name = "limit",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      O(limit),
      .help = "only the first N items (0: all)" },
    { .name = "resume",
      .type = AS_OPT_FLAG,
      O(resume),
      .help = "go on after the results that --out holds already" },
    AS_FORCE_OPTION(verify_opts, "overwrite --out"),
    { .name = "dry-run",
      .type = AS_OPT_FLAG,
      O(dry_run),
      .help = "show what would be done, score nothing" },
    { .name = "bad-lines",
      .type = AS_OPT_CHOICE,
      .value = "HOW",
      .initial = "stop",
      .choices = "stop|skip",
      O(bad_lines),
      .help = "what a line that is no item does; skipped ones are counted aloud" },
    { .name = "max-line-mib",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "64",
      O(max_line_mib),
      .help = "longest line accepted" },
    { .name = "allow-duplicate-ids",
      .type = AS_OPT_FLAG,
      O(allow_duplicate_ids),
      .help = "do not stop at an id that came before" },
    { .name = "seed",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      O(seed),
      .help = "seed of verifiers that draw random numbers" },
    AS_JSON_OPTION(verify_opts, "the summary as one JSON object on stdout (with --out FILE)"),
    { .name = "stats",
      .type = AS_OPT_FLAG,
      O(stats),
      .help = "the summary counts what each rule decided, by verdict" },
    AS_PROGRESS_OPTION(verify_opts),
    AS_QUIET_OPTION(verify_opts, "no summary, no progress"),
    { .name = NULL },
};
#undef O

/* ---- before ---- */

static int check_options(const verify_opts *o, as_err *err)
{
    bool to_stdout = strcmp(o->out, "-") == 0;
    if (o->resume && o->force)
        return as_fail(err, AS_EUSAGE,
                       "--resume and --force exclude each other: go on with %s, or overwrite it?",
                       o->out);
    if (o->resume && to_stdout)
        return as_fail(err, AS_EUSAGE,
                       "--resume needs --out FILE: what went to stdout cannot be gone on with");
    if (o->json && to_stdout && !o->dry_run)
        return as_fail(
            err, AS_EUSAGE,
            "--json needs --out FILE: stdout cannot hold both the results and the summary");
    if (o->max_line_mib < 1 || o->max_line_mib > 4096)
        return as_fail(err, AS_EUSAGE, "--max-line-mib: %" PRIu64 " is not from 1 to 4096",
                       o->max_line_mib);
    if (o->prompt || o->meta)
        return as_fail(
            err, AS_EUSAGE,
            "--prompt and --meta belong to --completion; for many items put them into the lines");
    return 0;
}

/* About 50 ms of work in a chunk, so that slow verifiers show their results soon and no thread
 * waits long at the end. */
static size_t chunk_items(const as_verifier_info *info)
{
    enum { LEAST = 16, UNKNOWN = 256, MOST = 2048, CHUNK_US = 50000 };
    if (info->cost_us == 0)
        return UNKNOWN;
    size_t n = CHUNK_US / info->cost_us;
    return n < LEAST ? LEAST : n > MOST ? MOST : n;
}

static int set_up(verify_run *v, as_err *err)
{
    const verify_opts *o = v->opts;
    int rc = as_plugged_open(&v->plugged, &o->plug, err);
    if (rc < 0)
        return rc;
    v->info = as_scorer_info(v->plugged.scorer);
    v->by_group = v->info->flags & ASSAY_F_NEEDS_GROUP;
    v->want = ASSAY_WANT_ANSWER | (o->explain ? ASSAY_WANT_EXPLAIN | ASSAY_WANT_DETAIL : 0u);
    v->lines_max = chunk_items(v->info);
    v->bytes_want = 1u << 20;
    v->ids.max = VERIFY_MAX_IDS;
    return verify_open_input(v, err);
}

/* ---- after ---- */

static void say_how_to_go_on(const verify_run *v, int rc)
{
    AS_CLEANUP(buf) as_buf line = { 0 };
    as_buf_init(&line, 1 << 20);
    as_cli_line(&line, "--resume");
    char n[AS_TEXT_MAX];
    if (!v->record_path)
        as_cli_say("results written: %s; with --out FILE an interrupted run can be gone on with",
                   as_text_count(n, v->counts.items));
    else if (!line.failed)
        as_cli_say("%s holds %s results; %sgo on with\n  %s", v->opts->out,
                   as_text_count(n, v->counts.items),
                   rc == AS_EDATA ? "after the input is mended " : "", line.data);
}

static int report(const verify_run *v, int rc, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    AS_CLEANUP(buf) as_buf json = { 0 };
    as_buf_init(&text, 1 << 20);
    as_buf_init(&json, 1 << 20);
    verify_summary_text(v, &text);
    if (!v->opts->quiet && text.len > 0 && !text.failed) {
        text.data[text.len - 1] = '\0'; /* the last line end is as_cli_say's */
        as_cli_say("%s", text.data);
    }
    if (!v->opts->json)
        return 0;
    verify_summary_json(v, rc, &json);
    int bad = as_buf_check(&json, err);
    return bad < 0 ? bad : as_cli_out(as_buf_str(&json), err);
}

/* ---- the run ---- */

static const as_pipeline_ops pipeline = { verify_produce, verify_work, verify_consume,
                                          verify_task_done };

static int stream(verify_run *v, as_err *err)
{
    int rc =
        as_progress_new(&v->progress, v->opts->quiet ? "none" : v->opts->progress, "verify", err);
    if (rc < 0)
        return rc;
    v->start_ns = as_now_ns();
    rc = as_pipeline_run(&pipeline, v, as_scorer_threads(v->plugged.scorer), 0, as_cli_cancel(),
                         err);
    v->end_ns = as_now_ns();
    as_progress_free(v->progress);
    v->progress = NULL;
    return rc;
}

static int run_files(verify_run *v, as_err *err)
{
    int rc = set_up(v, err);
    if (rc < 0)
        return rc;
    if (v->opts->dry_run) {
        AS_CLEANUP(buf) as_buf plan = { 0 };
        as_buf_init(&plan, 1 << 20);
        verify_plan(v, &plan);
        rc = as_buf_check(&plan, err);
        return rc < 0 ? rc : as_cli_out(as_buf_str(&plan), err);
    }
    rc = verify_open_output(v, err);
    if (rc < 0)
        return rc;
    rc = stream(v, err);
    rc = verify_close_output(v, rc, err);
    int said = report(v, rc, err);
    if (rc < 0)
        say_how_to_go_on(v, rc);
    else
        rc = said < 0 ? said : verify_gates(v, err);
    return rc;
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const verify_opts *o = opts;
    if (o->completion || o->reference)
        return verify_one(o, err);
    int rc = check_options(o, err);
    if (rc < 0)
        return rc;
    verify_run v = { .opts = o, .lock = PTHREAD_MUTEX_INITIALIZER };
    rc = run_files(&v, err);
    (void)as_sink_close(v.sink, NULL);
    verify_close_input(&v);
    as_seen_fini(&v.ids);
    as_run_record_fini(&v.record);
    as_free(v.record_path);
    as_plugged_close(&v.plugged);
    return rc;
}

const as_command as_cmd_verify = {
    .name = "verify",
    .summary = "scores items with a verifier plugin",
    .options = options,
    .details =
        "Input: one JSON object per line: {\"id\", \"completion\", \"reference\"?, \"prompt\"?, "
        "\"meta\"?, "
        "\"group\"?}; other members are ignored. Output, in input order: {\"schema\", \"id\", "
        "\"group\"?, "
        "\"verdict\", \"score\", \"answer\"?, \"key\"?, \"rule\"?, \"reason\"?, \"metrics\"?, "
        "\"detail\"?, "
        "\"explain\"?, \"sum_logp\"?, \"cached\"?, \"ms\"}.\n"
        "The verdict is pass, fail, no_answer (nothing to judge: the model's failure), timeout "
        "(the model's program overran), "
        "abstain (cannot be told) or error (our failure). The score of abstain and error is null: "
        "they belong into no mean "
        "and no reward.\n"
        "With --out FILE a run record FILE.manifest.json is kept. After Ctrl-C, kill or a full "
        "disk the same line with "
        "--resume goes on after the last whole result, and gives the same file as a run that was "
        "never stopped (but for "
        "\"ms\" and \"cached\").\n"
        "A line that is no item, or an id that came before, ends the run with exit code 3 and the "
        "line's number; "
        "--bad-lines skip counts such lines, shows the first few, and does not change the exit "
        "code. A line longer than "
        "--max-line-mib always ends it. Ids are remembered for the first 3,000,000 items.\n"
        "A verifier that judges whole groups needs the lines of one \"group\" side by side.",
    .example =
        "assay verify --plugin math --reference '\\frac12' --completion '\\boxed{0.5}'\n"
        "assay verify --plugin exact --in answers.jsonl --out verdicts.jsonl --max-unscored 1%",
    .run = run,
    .opts_size = sizeof(verify_opts),
};
