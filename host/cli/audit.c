/* audit.c -- `assay audit`: options, the run from start to end.
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/audit.h"

#include "base/mem.h"

#include <inttypes.h>
#include <sys/random.h>

static bool is_word(const char *at, size_t n, const char *const *words, size_t n_words,
                    size_t *which)
{
    for (*which = 0; *which < n_words; ++*which)
        if (strlen(words[*which]) == n && strncmp(at, words[*which], n) == 0)
            return true;
    return false;
}

/* Every word of "a,b" in `words`, as bits; AS_EUSAGE names the one that is not. */
static int read_words(const char *option, const char *list, const char *const *words,
                      size_t n_words, unsigned *bits, as_err *err)
{
    size_t which = 0;
    *bits = 0;
    for (const char *at = list; at; at = strchr(at, ',')) {
        at += at != list;
        size_t n = strcspn(at, ",");
        if (!is_word(at, n, words, n_words, &which)) {
            AS_CLEANUP(buf) as_buf known = { 0 };
            as_buf_init(&known, 1 << 10);
            for (size_t i = 0; i < n_words; i++)
                as_buf_addf(&known, "%s%s", i ? ", " : "", words[i]);
            return as_fail(err, AS_EUSAGE, "--%s: \"%.*s\" is none of %s", option,
                           (int)(n < 60 ? n : 60), at, known.data ? known.data : "");
        }
        *bits |= 1u << which;
    }
    return 0;
}

static int read_seed(const char *text, uint64_t *seed, as_err *err)
{
    unsigned long long n = 0;
    if (text && !as_str_u64(as_str_of(text), &n))
        return as_fail(err, AS_EUSAGE, "--seed: \"%s\" is no integer from 0 to 2^64-1", text);
    *seed = n;
    if (text)
        return 0;
    uint32_t drawn = 0; /* short enough to be typed again */
    if (getrandom(&drawn, sizeof drawn, 0) != (ssize_t)sizeof drawn)
        return as_fail_errno(err, "a seed could not be drawn; give one with --seed");
    *seed = drawn;
    return 0;
}

static int check_options(const audit_opts *o, as_audit_options *how, as_err *err)
{
    static const char *const gates[] = { "fp", "fn", "error", "unscored" };
    enum { MOST_PER_GOLD = 1000 };
    unsigned bits = 0;
    int rc = read_words("kinds", o->kinds, as_audit_class_names, AS_AUDIT_N_CLASSES, &bits, err);
    for (unsigned i = 0; i < AS_AUDIT_N_CLASSES; i++)
        how->is_on[i] = bits & (1u << i);
    if (rc == 0 && o->fail_on)
        rc = read_words("fail-on", o->fail_on, gates, sizeof gates / sizeof *gates, &bits, err);
    if (rc == 0)
        rc = read_seed(o->seed, &how->seed, err);
    if (rc < 0)
        return rc;
    if (o->per_gold < 1 || o->per_gold > MOST_PER_GOLD)
        return as_fail(err, AS_EUSAGE, "--per-gold: %" PRIu64 " is not from 1 to %d", o->per_gold,
                       MOST_PER_GOLD);
    if (o->show > AUDIT_MAX_SHOW)
        return as_fail(err, AS_EUSAGE,
                       "--show: %" PRIu64 " is more than %d; --out FILE keeps every case", o->show,
                       AUDIT_MAX_SHOW);
    if (o->max_line_mib < 1 || o->max_line_mib > 1024)
        return as_fail(err, AS_EUSAGE, "--max-line-mib: %" PRIu64 " is not from 1 to 1024",
                       o->max_line_mib);
    how->per_gold = (unsigned)o->per_gold;
    how->is_tolerant = o->tolerant;
    return 0;
}

static int check_plugin(const as_scorer *s, const char *name, as_err *err)
{
    if (as_scorer_info(s)->flags & ASSAY_F_NEEDS_GROUP)
        return as_fail(err, AS_EPLUGIN,
                       "plugin \"%s\" judges whole groups; audit the verifier it is made of (for "
                       "majority its \"of\")",
                       name);
    return 0;
}

/* The report is the result; where the cases take stdout, it goes to stderr. */
static int say(const audit_opts *o, const as_audit_options *how, const as_scorer *scorer,
               const audit_tally *t, as_err *err)
{
    AS_CLEANUP(buf) as_buf text = { 0 };
    as_buf_init(&text, 256 << 20);
    bool to_stdout = !o->out || strcmp(o->out, "-") != 0;
    if (o->json)
        audit_json(&text, o, how, t);
    else if (!o->quiet)
        audit_report(&text, o, how, scorer, t);
    int rc = as_buf_check(&text, err);
    if (rc < 0 || text.len == 0)
        return rc;
    if (to_stdout)
        return as_cli_out(as_buf_str(&text), err);
    text.data[text.len - 1] = '\0'; /* the last line end is as_cli_say's */
    as_cli_say("%s", text.data);
    return 0;
}

static int audit(const audit_opts *o, const as_audit_options *how, audit_tally *tally, as_err *err)
{
    AS_CLEANUP(plugged) as_plugged plugged = { 0 };
    as_arena_init(&tally->arena, 0);
    int rc = as_plugged_open(&plugged, &o->plug, err);
    if (rc == 0)
        rc = check_plugin(plugged.scorer, o->plug.plugin, err);
    if (rc == 0)
        rc = audit_run(o, how, plugged.scorer, tally, err);
    if (rc == 0)
        rc = say(o, how, plugged.scorer, tally, err);
    if (rc == 0)
        rc = audit_gates(o, tally, err);
    as_arena_fini(&tally->arena);
    return rc;
}

static int run(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    audit_opts *o = opts;
    as_audit_options how = { 0 };
    o->plug.no_cache = true; /* a verdict of another day is no audit */
    int rc = check_options(o, &how, err);
    if (rc < 0)
        return rc;
    AS_CLEANUP(free) audit_tally *tally = as_calloc(1, sizeof *tally);
    if (!tally)
        return as_fail(err, AS_ENOMEM, "out of memory");
    return audit(o, &how, tally, err);
}

#define O(field) .offset = offsetof(audit_opts, field)
static const as_opt options[] = {
    { .name = "plugin",
      .type = AS_OPT_TEXT,
      .value = "NAME[:JSON]",
      O(plug.plugin),
      .short_name = 'p',
      .help = "the verifier, with its config; a name with '/' is a path" },
    { .name = "in",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      O(in),
      .short_name = 'i',
      .help = "golds: lines with \"answer\" or \"reference\", JSONL (also .gz, .zst); - is stdin" },
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      O(out),
      .short_name = 'o',
      .help = "every case with its verdict, JSONL (.gz and .zst compress)" },
    { .name = "seed",
      .type = AS_OPT_TEXT,
      .value = "N",
      O(seed),
      .help = "the same cases again (default: drawn anew for each run, and said)" },
    { .name = "kinds",
      .type = AS_OPT_TEXT,
      .value = "LIST",
      .initial = "self,equal,near-miss,hostile",
      O(kinds),
      .help = "classes of cases" },
    { .name = "per-gold",
      .type = AS_OPT_UINT,
      .value = "K",
      .initial = "4",
      O(per_gold),
      .help = "rewrites of each gold, and as many near misses" },
    { .name = "limit",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      O(limit),
      .help = "only the first N golds (0: all)" },
    { .name = "tolerant",
      .type = AS_OPT_FLAG,
      O(tolerant),
      .help = "no decimal approximations of exact golds among the near misses" },
    { .name = "show",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "20",
      O(show),
      .help = "wrong cases shown" },
    { .name = "all",
      .type = AS_OPT_FLAG,
      O(all),
      .help = "list the kinds without a wrong case too" },
    { .name = "fail-on",
      .type = AS_OPT_TEXT,
      .value = "LIST",
      O(fail_on),
      .help = "exit 1 where there are any: fp,fn,error,unscored" },
    { .name = "threads",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      O(plug.threads),
      .short_name = 't',
      .help = "threads (0: one per core)" },
    { .name = "timeout-ms",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "10000",
      O(plug.timeout_ms),
      .help = "longest time for one item" },
    { .name = "isolation",
      .type = AS_OPT_CHOICE,
      .value = "LEVEL",
      .initial = "auto",
      .choices = "auto|inproc|worker|jail",
      O(plug.isolation),
      .help = "where the verifier runs; auto: ours in process, others in a worker; jail: a worker "
              "that is confined" },
    { .name = "plugin-path",
      .type = AS_OPT_TEXT,
      .value = "DIRS",
      O(plug.plugin_path),
      .help = "folders searched first, separated by ':'" },
    { .name = "max-line-mib",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "64",
      O(max_line_mib),
      .help = "longest line accepted" },
    AS_FORCE_OPTION(audit_opts, "overwrite --out"),
    AS_JSON_OPTION(audit_opts, "the summary as one JSON object, with every kind"),
    AS_PROGRESS_OPTION(audit_opts),
    AS_QUIET_OPTION(audit_opts, "no report, no progress"),
    { .name = NULL },
};
#undef O

const as_command as_cmd_audit = {
    .name = "audit",
    .summary = "puts a verifier through cases whose label is known by construction",
    .options = options,
    .example = "assay audit --plugin math --in answers.jsonl --per-gold 10",
    .details = "From every gold answer come cases of known label: the gold itself, bare and boxed; "
               "rewrites that leave the "
               "answer what it is (other formats of the same value, permuted sets, intervals as "
               "inequalities, second "
               "thoughts before the last box), which must pass; near misses that are proved "
               "different by exact arithmetic "
               "(one digit, one sign, one bracket, a factor of 100, a cut decimal, two answers at "
               "once, a truncated box), "
               "which must not pass. Some ninety hostile inputs (power towers, nesting, 100,000 "
               "digits, code, broken UTF-8) "
               "must end with a verdict that is neither pass nor error.\n"
               "The generator reads golds with a small reader of its own and shares nothing with "
               "any verifier; golds that it "
               "does not understand are left as they are, and only the text around them varies. "
               "Contested readings (50% "
               "against 0.5, rounded golds, 1,234 as a list) are avoided. A decimal approximation "
               "of an exact gold counts as "
               "different; --tolerant leaves such cases out.\n"
               "Rates are of the scored cases, with Wilson's 95 % interval; abstain and error are "
               "counted apart. A new seed is "
               "drawn for each run and said in the report; the same seed and input make the same "
               "cases, whatever the "
               "threads.\n"
               "--out writes {\"schema\", \"id\", \"class\", \"kind\", \"reference\", "
               "\"completion\", \"expect\", "
               "\"verdict\", \"wrong\", \"rule\"?, \"reason\"?, \"ms\"}, which assay verify can "
               "read again; bytes that are "
               "not UTF-8 cannot stand in JSON and are written as U+FFFD there.",
    .run = run,
    .opts_size = sizeof(audit_opts),
};
