/* eval.c -- `assay eval`: a suite generated, scored meanwhile, and measured, in a folder that can
 * be gone on with. SPDX-License-Identifier: Apache-2.0 */
#include "cli/eval.h"

#include "base/clock.h"
#include "base/mem.h"
#include "base/path.h"
#include "model/chat.h"

#include <inttypes.h>
#include <stdio.h>

typedef struct run {
    gen_run g;
    const eval_opts *opts;
    gen_opts gen; /* with the seed that is drawn with now */
    as_plugged plugged;
    as_suite suite;
    as_chat *chat; /* NULL: none */
    size_t at;     /* in the suite */
    as_buf message, raw;
    eval_folder folder;
    eval_scores scores;
    as_growing file; /* scores.jsonl */
    eval_report report;
    as_progress *progress;
    int64_t start_ns;
    uint64_t n_kept; /* samples of an earlier run */
} run;

/* ---- what the engines ask ---- */

static int next_item(void *from, gen_line *out, as_err *err)
{
    run *r = from;
    if (r->at == r->suite.n)
        return 0;
    const as_suite_item *item = &r->suite.items[r->at++];
    *out = (gen_line){ .id = item->id, .ids = item->ids, .n_ids = item->n_ids, .no = item->line };
    if (item->is_messages)
        out->messages = item->prompt;
    else
        out->text = item->prompt;
    if (item->is_messages || !r->opts->gen.chat || item->ids)
        return 1;
    as_buf_clear(&r->raw);
    as_buf_json_str(&r->raw, item->prompt);
    int rc = as_chat_say(&r->message, as_buf_str(&r->raw), err);
    out->messages = as_buf_str(&r->message);
    return rc < 0 ? rc : 1;
}

static int check(gen_run *g, as_err *err)
{
    run *r = (run *)(void *)g;
    const uint64_t n = gen_writer_totals(g->writer)->samples;
    as_progress_at(r->progress, n, n, eval_rows(&r->scores.shape));
    return as_cancel_check(as_cli_cancel(), err);
}

static int put_scores(void *to, as_str lines, as_err *err)
{
    return as_growing_put(to, lines, err);
}

/* ---- before ---- */

static int parse_seeds(const char *text, eval_shape *shape, as_err *err)
{
    as_str rest = as_str_of(text);
    for (bool is_last = false; !is_last;) {
        const char *comma = rest.len ? memchr(rest.data, ',', rest.len) : NULL;
        const as_str piece = { rest.data, comma ? (size_t)(comma - rest.data) : rest.len };
        unsigned long long seed;
        is_last = !comma;
        if (comma)
            rest = (as_str){ comma + 1, rest.len - piece.len - 1 };
        if (!as_str_u64(as_str_trim(piece), &seed))
            return as_fail(err, AS_EUSAGE,
                           "--seed %s: \"%.*s\" is no whole number (as in --seed 1,2,3)", text,
                           AS_FMT(piece));
        for (size_t i = 0; i < shape->n_seeds; i++)
            if (shape->seeds[i] == seed)
                return as_fail(err, AS_EUSAGE,
                               "--seed %s: %llu stands there twice, and would draw the same twice",
                               text, seed);
        if (shape->n_seeds == EVAL_MOST_SEEDS)
            return as_fail(err, AS_EUSAGE, "--seed: more than %d seeds", EVAL_MOST_SEEDS);
        shape->seeds[shape->n_seeds++] = seed;
    }
    return 0;
}

/* A request to a server is drawn with seed + its number: those of two seeds must not be the same.
 */
static int check_distance(const eval_shape *shape, uint64_t n, as_err *err)
{
    for (size_t i = 0; i < shape->n_seeds; i++)
        for (size_t j = 0; j < i; j++) {
            const uint64_t a = shape->seeds[i], b = shape->seeds[j];
            if ((a > b ? a - b : b - a) < n)
                return as_fail(err, AS_EUSAGE,
                               "--seed %" PRIu64 ",%" PRIu64 ": a server draws sample k with seed "
                               "+ k; let seeds be at least n = %" PRIu64 " apart",
                               b, a, n);
        }
    return 0;
}

static int check_options(run *r, as_err *err)
{
    const eval_opts *o = r->opts;
    int rc = gen_check(&o->gen, err);
    if (rc == 0)
        rc = passk_options(&r->report.figures, &o->figures, err);
    if (rc == 0)
        rc = parse_seeds(o->seeds, &r->scores.shape, err);
    if (rc == 0 && o->gen.model.model && as_cli_is_address(o->gen.model.model))
        rc = check_distance(&r->scores.shape, o->gen.n, err);
    if (rc < 0)
        return rc;
    if (!o->suite || strcmp(o->suite, "-") == 0)
        return as_fail(err, AS_EUSAGE,
                       "--suite FILE is missing: lines {\"id\",\"prompt\",\"reference\"}; a pipe "
                       "cannot be gone on with");
    if (!o->out && !o->dry_run)
        return as_fail(err, AS_EUSAGE, "--out DIR is missing: the folder of the run");
    if (o->resume && o->force)
        return as_fail(err, AS_EUSAGE,
                       "--resume and --force exclude each other: go on with %s, or begin it anew?",
                       o->out);
    return 0;
}

/* A model that has no template can still continue texts. */
static int open_chat(run *r, as_err *err)
{
    const gen_opts *o = &r->opts->gen;
    as_err why = { 0 };
    if (!r->g.engine->tokenizer)
        return 0;
    int rc = o->template ? as_chat_open_family(&r->chat, o->template, o->model.model, &why)
                         : as_chat_open(&r->chat, o->model.model, &why);
    return rc < 0 && (o->chat || o->template) ? as_fail(err, rc, "%s", why.text) : 0;
}

static int open_suite(run *r, as_err *err)
{
    const eval_opts *o = r->opts;
    int rc = open_chat(r, err);
    const as_suite_reading how = { .tokenizer = r->g.engine->tokenizer,
                                   .chat = r->chat,
                                   .as_chat = o->gen.chat,
                                   .limit = o->limit };
    if (rc == 0)
        rc = as_suite_read(&r->suite, o->suite, &how, err);
    for (size_t i = 0; rc == 0 && i < r->suite.n; i++)
        rc = gen_fits(r->g.engine, o->suite, r->suite.items[i].line, r->suite.items[i].n_ids, err);
    return rc == 0
               ? eval_check_references(&r->suite, as_scorer_info(r->plugged.scorer), o->suite, err)
               : rc;
}

static int open_inputs(run *r, as_err *err)
{
    const eval_opts *o = r->opts;
    as_plug_opts plug = o->plug;
    plug.threads = o->gen.model.threads;
    int rc = as_plugged_open(&r->plugged, &plug, err);
    if (rc == 0)
        rc = gen_engine_open(&r->g.engine, &r->gen, err);
    if (rc == 0)
        rc = open_suite(r, err);
    r->scores.shape.suite = &r->suite;
    r->scores.shape.n = (uint32_t)o->gen.n;
    if (rc == 0 && o->gen.temperature == 0 && eval_rows(&r->scores.shape) > r->suite.n && !o->quiet)
        as_cli_say("note: at --temperature 0 all samples of a problem are the same; pass@k and "
                   "maj@k take them for independent");
    return rc;
}

/* ---- --dry-run ---- */

static int plan(const run *r, as_err *err)
{
    const eval_opts *o = r->opts;
    const eval_shape *s = &r->scores.shape;
    const as_verifier_info *info = as_scorer_info(r->plugged.scorer);
    const uint64_t rows = eval_rows(s);
    char a[AS_TEXT_MAX], b[AS_TEXT_MAX];
    AS_CLEANUP(buf) as_buf out = { 0 };
    as_buf_init(&out, 1 << 20);
    if (o->json) {
        as_buf_text(&out, "{\"schema\":\"assay.plan/1\",\"model\":");
        as_buf_json_str(&out, as_str_of(o->gen.model.model));
        as_buf_text(&out, ",\"suite\":");
        as_buf_json_str(&out, as_str_of(o->suite));
        as_buf_text(&out, ",\"verifier\":");
        as_buf_json_str(&out, as_str_of(info->id));
        as_buf_addf(&out,
                    ",\"problems\":%zu,\"n\":%" PRIu32 ",\"seeds\":%zu,\"samples\":%" PRIu64
                    ",\"max_tokens\":%" PRIu64 "}\n",
                    r->suite.n, s->n, s->n_seeds, rows, o->gen.max_tokens);
    } else {
        as_buf_addf(&out, "model     %s\nsuite     %s: %s problems", o->gen.model.model, o->suite,
                    as_text_count(a, r->suite.n));
        if (r->suite.longest)
            as_buf_addf(&out, ", the longest of %zu tokens", r->suite.longest);
        as_buf_addf(&out, "\nverifier  %s %s, %s\n", as_info_short_name(info), info->version,
                    as_isolation_place(r->plugged.scorer));
        as_buf_addf(&out,
                    "samples   %s: %" PRIu32 " of each with %zu seed%s, at most %" PRIu64
                    " tokens each\nfolder    %s\nnothing was written (--dry-run)\n",
                    as_text_count(b, rows), s->n, s->n_seeds, s->n_seeds == 1 ? "" : "s",
                    o->gen.max_tokens, o->out ? o->out : "(--out)");
    }
    int rc = as_buf_check(&out, err);
    return rc == 0 ? as_cli_out(as_buf_str(&out), err) : rc;
}

/* ---- the folder ---- */

/* Whatever changes a sample or a verdict stands in the config or the hashes. */
static int new_record(run *r, as_err *err)
{
    const eval_opts *o = r->opts;
    as_run_record *to = &r->folder.record;
    as_digest digest;
    int rc = as_run_record_new(to, "eval", err);
    if (rc == 0)
        rc = as_run_record_text(to, as_run_record_set, "model", o->gen.model.model, err);
    if (rc == 0)
        rc = as_run_record_text(to, as_run_record_set, "suite", o->suite, err);
    if (rc == 0)
        rc = as_sha256_file(o->suite, &digest, err);
    if (rc < 0)
        return rc;
    as_run_record_hash(to, "suite", digest);
    as_run_record_number(to, "limit", (double)o->limit);
    for (size_t i = 0; i < r->scores.shape.n_seeds; i++) {
        char name[32];
        (void)snprintf(name, sizeof name, i ? "run_%zu" : "run", i + 1);
        as_run_record_seed(to, name, r->scores.shape.seeds[i]);
    }
    rc = gen_record(to, &o->gen, r->g.engine, err);
    return rc == 0 ? as_plugged_record(&r->plugged, &o->plug, to, err) : rc;
}

/* Scores of an earlier run that have no sample, or were cut, are not there. */
static int open_files(run *r, bool goes_on, as_err *err)
{
    const gen_opts *o = &r->opts->gen;
    const bool by_group = as_scorer_info(r->plugged.scorer)->flags & ASSAY_F_NEEDS_GROUP;
    uint64_t samples, end;
    int rc = gen_whole_lines(r->folder.samples, &samples, &end, err);
    if (rc == 0)
        rc = eval_scores_keep(&r->scores, r->folder.scores, samples, by_group, &end, err);
    if (rc == 0)
        rc = as_growing_open(&r->file, r->folder.scores, false, err);
    if (rc == 0)
        rc = as_growing_cut(&r->file, end, err);
    if (rc == 0)
        rc = eval_scores_open(&r->scores, r->plugged.scorer, err);
    const gen_writing how = { .path = r->folder.samples,
                              .resume = goes_on,
                              .token_ids = o->token_ids,
                              .logprobs = o->logprobs,
                              .line = eval_scores_line,
                              .ctx = &r->scores };
    return rc == 0 ? gen_writer_open(&r->g.writer, &how, err) : rc;
}

static int open_run(run *r, as_err *err)
{
    bool goes_on = false;
    int rc = new_record(r, err);
    if (rc == 0)
        rc = eval_folder_names(&r->folder, r->opts->out, err);
    if (rc == 0)
        rc = as_path_make_dirs(r->opts->out, err);
    if (rc == 0)
        rc = eval_folder_hold(&r->folder, err);
    if (rc == 0)
        rc = eval_folder_begin(&r->folder, r->opts, &goes_on, err);
    r->scores.samples = r->folder.samples;
    r->scores.write = put_scores;
    r->scores.to = &r->file;
    return rc == 0 ? open_files(r, goes_on, err) : rc;
}

static int close_run(run *r, int rc, as_err *err)
{
    if (r->g.writer)
        r->n_kept = gen_writer_totals(r->g.writer)->kept;
    rc = gen_writer_close(AS_STEAL(r->g.writer), rc, err);
    rc = eval_scores_close(&r->scores, rc, err);
    int closed = as_growing_close(&r->file, rc == 0 ? err : NULL);
    return rc < 0 ? rc : closed;
}

/* ---- the run ---- */

static int generate(run *r, as_err *err)
{
    const eval_shape *s = &r->scores.shape;
    int rc = 0;
    for (size_t i = 0; rc == 0 && i < s->n_seeds; i++) {
        r->gen.seed = s->seeds[i];
        r->at = 0;
        rc = r->g.engine->ops->generate(r->g.engine, &r->g, err);
    }
    return rc;
}

static int report(run *r, as_err *err)
{
    const eval_opts *o = r->opts;
    AS_CLEANUP(buf) as_buf more = { 0 };
    as_buf_init(&more, 1 << 16);
    r->report.scores = &r->scores;
    r->report.scorer = r->plugged.scorer;
    r->report.model = o->gen.model.model;
    r->report.suite = o->suite;
    r->report.file = "scores.jsonl";
    as_buf_json_key(&more, "run");
    as_buf_json_str(&more, as_str_of(o->out));
    as_buf_json_key(&more, "kept");
    as_buf_u64(&more, r->n_kept);
    r->g.engine->ops->counts(r->g.engine, &more);
    as_buf_json_key(&more, "seconds");
    as_buf_json_num(&more, (double)(as_now_ns() - r->start_ns) / 1e9);
    int rc = as_buf_check(&more, err);
    if (rc == 0)
        rc = eval_report_read(&r->report, r->folder.scores, err);
    if (rc == 0)
        rc = eval_report_save(&r->report, r->folder.summary, err);
    if (rc == 0 && !o->is_part)
        rc = eval_report_print(&r->report, o->json, as_buf_str(&more), err);
    if (rc < 0)
        return rc;
    if (!o->quiet)
        eval_say_slowest(&r->scores);
    if (!o->is_part)
        passk_warn(&r->report.figures);
    return passk_gates(&r->report.figures, err);
}

static int run_folder(run *r, as_err *err)
{
    const eval_opts *o = r->opts;
    int rc = open_run(r, err);
    if (rc == 0)
        rc = as_progress_new(&r->progress, o->quiet ? "none" : o->progress, "eval", err);
    const bool is_begun = rc == 0;
    r->start_ns = as_now_ns();
    if (rc == 0)
        rc = generate(r, err);
    as_progress_free(r->progress);
    rc = close_run(r, rc, err);
    if (!is_begun)
        return rc;
    int saved = eval_folder_state(&r->folder, as_cli_state(rc), r->scores.n_lines,
                                  r->scores.counts.rows, rc == 0 ? err : NULL);
    if (rc == AS_EINTR || rc == AS_ETERM || rc == AS_EREMOTE || rc == AS_EBUDGET)
        as_cli_say_resume();
    rc = rc < 0 ? rc : saved;
    return rc == 0 ? report(r, err) : rc;
}

int eval_run(const eval_opts *o, as_err *err)
{
    run r = { .opts = o, .gen = o->gen, .file = { .fd = -1 } };
    r.g = (gen_run){ .opts = &r.gen,
                     .from = &r,
                     .next = next_item,
                     .from_name = o->suite,
                     .check = check,
                     .is_quiet = o->quiet };
    as_buf_init(&r.message, (size_t)1 << 30);
    as_buf_init(&r.raw, (size_t)1 << 30);
    int rc = check_options(&r, err);
    if (rc == 0)
        rc = open_inputs(&r, err);
    if (rc == 0)
        rc = o->dry_run ? plan(&r, err) : run_folder(&r, err);
    passk_report_fini(&r.report.figures);
    eval_folder_close(&r.folder);
    gen_engine_close(r.g.engine);
    as_suite_fini(&r.suite);
    as_chat_free(r.chat);
    as_plugged_close(&r.plugged);
    as_buf_fini(&r.message);
    as_buf_fini(&r.raw);
    return rc;
}

static int run_eval(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    return eval_run(opts, err);
}

#define O(field) .offset = offsetof(eval_opts, field)
static const as_opt options[] = {
    GEN_MODEL_OPTIONS(eval_opts),
    { .name = "suite",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      O(suite),
      .short_name = 's',
      .help =
          "lines {\"id\",\"prompt\" or \"messages\",\"reference\"?,\"meta\"?}, also .gz and .zst" },
    AS_VERIFIER_OPTIONS(eval_opts, plug),
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "DIR",
      O(out),
      .short_name = 'o',
      .help = "the run's folder, made where it is missing" },
    { .name = "n",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "1",
      O(gen.n),
      .short_name = 'n',
      .help = "samples of each problem, with each seed" },
    { .name = "seed",
      .type = AS_OPT_TEXT,
      .value = "S[,S2...]",
      .initial = "0",
      O(seeds),
      .help = "of the samples; several are so many runs, merged" },
    GEN_SAMPLING_OPTIONS(eval_opts),
    { .name = "token-ids",
      .type = AS_OPT_FLAG,
      O(gen.token_ids),
      .help = "samples with \"token_ids\"" },
    { .name = "logprobs",
      .type = AS_OPT_FLAG,
      O(gen.logprobs),
      .help = "samples with \"logprobs\", of each token" },
    PASSK_OPTIONS(eval_opts),
    GEN_PACE_OPTIONS(eval_opts),
    { .name = "limit",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      O(limit),
      .help = "only the first N problems; 0: all" },
    { .name = "resume",
      .type = AS_OPT_FLAG,
      O(resume),
      .help = "go on with --out where an earlier run of the same command ended" },
    AS_FORCE_OPTION(eval_opts, "begin anew in --out, whatever an evaluation left there"),
    { .name = "dry-run",
      .type = AS_OPT_FLAG,
      O(dry_run),
      .help = "show what would be done; nothing is drawn or written" },
    AS_JSON_OPTION(eval_opts, "one JSON object on stdout instead of the table"),
    AS_QUIET_OPTION(eval_opts, "no notes and no progress on stderr"),
    AS_PROGRESS_OPTION(eval_opts),
    { .name = NULL },
};
#undef O

const as_command as_cmd_eval = {
    .name = "eval",
    .summary = "a suite generated, scored and measured, in a folder that can be gone on with",
    .options = options,
    .example = "assay eval --model examples/models/arith --suite examples/models/arith/test.jsonl "
               "--plugin math --n 16 --seed 1,2 --out runs/arith",
    .details =
        "Draws --n samples of each problem with each --seed, as `assay generate` does, scores them "
        "meanwhile, as `assay verify` does, and prints what `assay passk` prints of the scores. "
        "Samples of several seeds are merged: n of pass@k is their sum.\n"
        "\n"
        "DIR has manifest.json (the options as resolved, seeds, hashes of model, suite and "
        "plugin), suite.jsonl (a copy), samples.jsonl, scores.jsonl (a line per sample in the same "
        "order: {\"schema\",\"problem_id\",\"sample_idx\",\"seed\",\"finish_reason\",\"n_tokens\","
        "\"sum_logp\",\"entropy_mean\",\"verdict\",\"score\",\"answer\"?,\"key\"?,\"rule\"?,"
        "\"reason\"?,\"metrics\"?}) and summary.json. A run that was stopped, by whatever, goes on "
        "with the same command and --resume, and ends with the same bytes; what a server says "
        "need not be the same again.\n"
        "\n"
        "--model http://HOST:PORT asks a server; the k-th sample of a problem is drawn there with "
        "seed S + k, so seeds must be at least n apart.\n"
        "\n"
        "Beside the accuracy stands how the samples ended: where some were cut by length, what "
        "the uncut ones amount to, and what the figures would be at most, had the cut ones all "
        "been right. Abstain and error are unscored: in no mean, and counted. A verifier that "
        "judges whole groups is given the samples of one problem and one seed.\n"
        "\n"
        "`assay rescore DIR` scores the samples with another verifier; `assay passk --in "
        "DIR/scores.jsonl` has other figures.",
    .run = run_eval,
    .opts_size = sizeof(eval_opts),
};
