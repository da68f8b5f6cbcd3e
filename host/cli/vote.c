/* vote.c -- `assay vote`: the majority answer of each group of samples.
 *
 * SPDX-License-Identifier: Apache-2.0 */
#include "cli/vote.h"

#include "base/clock.h"
#include "base/mem.h"
#include "data/stream.h"
#include "jobs/pipeline.h"
#include "plug/vote.h"
#include "ttrl/label.h"

#include <math.h>
#include <stdatomic.h>

enum { BATCH = 64 };   /* groups per task */
enum { LOOKS = 1024 }; /* of a group, at most, whether its vote is decided */

typedef struct election {
    const as_ballots *ballots;
    as_scorer *scorer;
    atomic_uint same_failures;
    as_tie_rule rule;
    double error; /* --sequential */
    as_sink *sink;
    size_t next; /* the first group not yet given out */
    vote_tally sum;
} election;

typedef struct task {
    size_t first, n;
    as_buf out;
    vote_tally sum;
} task;

/* ---- one group ---- */

/* A verifier that fails or hangs here does so for every pair, and there may be thousands: it is not
 * asked for ever. */
static int same_answer(void *ctx, as_str a, as_str b)
{
    election *e = ctx;
    if (atomic_load_explicit(&e->same_failures, memory_order_relaxed) >= VOTE_SAME_FAILURES)
        return -1;
    int rc = as_scorer_same(e->scorer, a, b);
    if (rc < 0)
        atomic_fetch_add_explicit(&e->same_failures, 1, memory_order_relaxed);
    return rc;
}

static void add_text(as_buf *out, const char *key, as_str text)
{
    as_buf_json_key(out, key);
    if (text.data)
        as_buf_json_str(out, text);
    else
        as_buf_text(out, "null");
}

static void add_count(as_buf *out, const char *key, uint64_t n)
{
    as_buf_json_key(out, key);
    as_buf_u64(out, n);
}

static void add_classes(as_buf *out, const as_vote *v)
{
    as_buf_json_key(out, "keys");
    as_buf_byte(out, '[');
    for (uint32_t c = 0; c < v->n_classes; c++) {
        if (c)
            as_buf_byte(out, ',');
        as_buf_byte(out, '{');
        add_text(out, "key", v->classes[c].key);
        add_text(out, "answer", v->classes[c].answer);
        add_count(out, "votes", v->classes[c].votes);
        as_buf_byte(out, '}');
    }
    as_buf_byte(out, ']');
}

/* ---- how many samples would have done ---- */

typedef struct early {
    uint32_t n; /* samples, in their order, after which the vote was decided; all: it never was */
    uint32_t leader; /* then: class, or UINT32_MAX */
    bool is_same;
} early;

typedef struct race {        /* as the samples come */
    uint32_t *votes;         /* [classes] */
    uint32_t leader, second; /* class; votes of the one behind */
} race;

static void run_on(race *r, uint32_t c)
{
    const uint32_t lead = r->votes[r->leader], n = ++r->votes[c];
    if (c == r->leader)
        return;
    if (n > lead) {
        r->second = lead;
        r->leader = c;
    } else if (n > r->second) {
        r->second = n;
    }
}

static int find_early(early *out, const as_vote *v, double error, as_arena *arena, as_err *err)
{
    race r = { .votes = as_arena_calloc(arena, v->n_classes + (size_t)1, sizeof *r.votes) };
    *out = (early){ v->n, v->winner, true };
    if (!r.votes)
        return as_fail(err, AS_ENOMEM, "vote: out of memory");
    for (uint32_t i = 0; i + 1 < v->n && v->n_voting; i++) {
        if (v->class_of[i] != UINT32_MAX)
            run_on(&r, v->class_of[i]);
        const ttrl_label l = { .votes = r.votes[r.leader], .runner_up = r.second, .n = i + 1 };
        const bool looks = i % (v->n / LOOKS + 1) == 0;
        if (!looks || !ttrl_is_enough(&l, v->n - l.n, error, 0))
            continue;
        *out = (early){ l.n, r.leader, r.leader == v->winner };
        return 0;
    }
    return 0;
}

static void add_early(as_buf *out, const early *e, const as_vote *v)
{
    as_buf_json_key(out, "sequential");
    as_buf_text(out, "{");
    add_count(out, "drawn", e->n);
    add_text(out, "label",
             e->leader != UINT32_MAX ? v->classes[e->leader].answer : (as_str){ NULL, 0 });
    as_buf_json_key(out, "same_label");
    as_buf_text(out, e->is_same ? "true}" : "false}");
}

/* ---- a line ---- */

static void add_line(as_buf *out, const as_ballot_group *g, const as_vote *v, const early *e)
{
    bool has_label = v->winner != UINT32_MAX;
    as_buf_text(out, "{\"schema\":\"assay.vote/1\"");
    as_buf_json_key(out, "group");
    as_buf_add(out, g->name);
    add_text(out, "label", has_label ? v->classes[v->winner].answer : (as_str){ NULL, 0 });
    add_count(out, "votes", has_label ? v->classes[v->winner].votes : 0);
    add_count(out, "n", v->n);
    as_buf_json_key(out, "ratio");
    as_buf_json_num(out, v->ratio);
    as_buf_json_key(out, "tie");
    as_buf_text(out, v->tie ? "true" : "false");
    add_count(out, "no_vote", v->n - v->n_voting);
    if (g->n_errors)
        add_count(out, "errors", g->n_errors);
    add_classes(out, v);
    if (e)
        add_early(out, e, v);
    as_buf_text(out, "}\n");
}

static void count(vote_tally *t, const as_vote *v)
{
    t->groups++;
    t->samples += v->n;
    t->blank += v->n - v->n_voting;
    t->ties += v->tie;
    t->labels += v->winner != UINT32_MAX;
    t->ratio_sum += v->ratio;
}

static int vote_group(election *e, size_t i, as_buf *out, vote_tally *sum, as_err *err)
{
    as_arena arena;
    as_ballot_group g;
    as_vote v;
    early soon = { 0 };
    as_arena_init(&arena, 0);
    int rc = as_ballots_group(e->ballots, i, &g, &arena, err);
    if (rc == 0)
        rc =
            as_vote_run(&v, g.key, g.answer, g.sum_logp, g.n, same_answer, e, e->rule, &arena, err);
    const bool is_sequential = !isnan(e->error);
    if (rc == 0 && is_sequential)
        rc = find_early(&soon, &v, e->error, &arena, err);
    if (rc == 0) {
        add_line(out, &g, &v, is_sequential ? &soon : NULL);
        count(sum, &v);
        sum->drawn += soon.n;
        sum->same += soon.is_same;
        rc = as_buf_check(out, err);
    }
    as_arena_fini(&arena);
    return rc;
}

/* ---- all groups, in parallel, written in order ---- */

static void drop(void *ctx, void *p)
{
    (void)ctx;
    task *t = p;
    as_buf_fini(&t->out);
    as_free(t);
}

static int produce(void *ctx, void **out, as_err *err)
{
    election *e = ctx;
    size_t left = as_ballots_groups(e->ballots) - e->next;
    if (!left)
        return 0;
    task *t = as_calloc(1, sizeof *t);
    if (!t)
        return as_fail(err, AS_ENOMEM, "vote: out of memory");
    as_buf_init(&t->out, (size_t)4 << 30);
    t->first = e->next;
    t->n = left < BATCH ? left : BATCH;
    e->next += t->n;
    *out = t;
    return 1;
}

static int work(void *ctx, void *p, as_err *err)
{
    election *e = ctx;
    task *t = p;
    for (size_t i = 0; i < t->n; i++) {
        int rc = vote_group(e, t->first + i, &t->out, &t->sum, err);
        if (rc == 0)
            rc = as_cancel_check(as_cli_cancel(), err); /* `same` may take its time */
        if (rc < 0)
            return rc;
    }
    return 0;
}

static int consume(void *ctx, void *p, as_err *err)
{
    election *e = ctx;
    task *t = p;
    e->sum.groups += t->sum.groups;
    e->sum.samples += t->sum.samples;
    e->sum.labels += t->sum.labels;
    e->sum.ties += t->sum.ties;
    e->sum.blank += t->sum.blank;
    e->sum.ratio_sum += t->sum.ratio_sum;
    e->sum.drawn += t->sum.drawn;
    e->sum.same += t->sum.same;
    int rc = as_sink_write(e->sink, as_buf_str(&t->out), err);
    drop(NULL, t);
    return rc;
}

/* ---- the command ---- */

static as_tie_rule rule_of(const char *word)
{
    static const char *const words[] = { "key", "first", "logp", "none" };
    for (int i = 0; i < 4; i++) {
        if (strcmp(word, words[i]) == 0)
            return (as_tie_rule)i;
    }
    return AS_TIE_KEY;
}

static int check_options(const vote_opts *o, as_err *err)
{
    enum { MOST_MIB = 1 << 24 };
    if (o->json && strcmp(o->out, "-") == 0)
        return as_fail(
            err, AS_EUSAGE,
            "--json prints the summary on stdout; name a file for the groups with --out FILE");
    if (o->max_memory_mib < 1 || o->max_memory_mib > MOST_MIB)
        return as_fail(err, AS_EUSAGE, "--max-memory-mib: %llu is out of range (1 to %d)",
                       (unsigned long long)o->max_memory_mib, MOST_MIB);
    if (o->max_line_mib < 1 || o->max_line_mib > 1024)
        return as_fail(err, AS_EUSAGE, "--max-line-mib: %llu is out of range (1 to 1024)",
                       (unsigned long long)o->max_line_mib);
    if (!isnan(o->sequential) && !(o->sequential >= 0 && o->sequential <= 0.5))
        return as_fail(err, AS_EUSAGE, "--sequential: %g is out of range (0 to 0.5)",
                       o->sequential);
    return 0;
}

static int check_plugin(const as_scorer *s, const char *name, as_err *err)
{
    if (as_scorer_info(s)->flags & ASSAY_F_NEEDS_GROUP)
        return as_fail(err, AS_EPLUGIN,
                       "plugin \"%s\" judges whole groups and votes by itself; give assay vote the "
                       "verifier it is made of (for majority its \"of\")",
                       name);
    if (!as_scorer_votes(s))
        return as_fail(err, AS_EPLUGIN,
                       "plugin \"%s\" cannot vote: it does not offer %s; math, exact and choice do "
                       "(assay plugin list shows which)",
                       name, ASSAY_EXT_ANSWER);
    return 0;
}

static int write_groups(election *e, const vote_opts *o, as_err *err)
{
    static const as_pipeline_ops ops = { produce, work, consume, drop };
    int rc = as_sink_open(&e->sink, o->out, o->force ? AS_SINK_OVERWRITE : AS_SINK_NEW, err);
    if (rc < 0)
        return rc;
    rc = as_pipeline_run(&ops, e, as_scorer_threads(e->scorer), 0, as_cli_cancel(), err);
    int closed = as_sink_close(e->sink, err);
    return rc < 0 ? rc : closed;
}

static int vote_all(const vote_opts *o, as_plugged *plugged, as_ballots *ballots, as_err *err)
{
    int64_t start_ns = as_now_ns();
    vote_counts counts = { 0 };
    election e = { .ballots = ballots, .rule = rule_of(o->tie), .error = o->sequential };
    int rc = as_plugged_open(plugged, &o->plug, err);
    if (rc == 0)
        rc = check_plugin(plugged->scorer, o->plug.plugin, err);
    if (rc == 0)
        rc = vote_read(ballots, &counts, o, plugged->scorer, err);
    if (rc < 0)
        return rc;
    e.scorer = plugged->scorer;
    rc = write_groups(&e, o, err);
    if (rc < 0)
        return rc;
    e.sum.same_failures = atomic_load(&e.same_failures);
    e.sum.seconds = (double)(as_now_ns() - start_ns) / 1e9;
    return vote_say(o, plugged->scorer, &counts, &e.sum, err);
}

static int run_vote(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    (void)operands;
    vote_opts *o = opts;
    AS_CLEANUP(plugged) as_plugged plugged = { 0 };
    as_ballots *ballots = NULL;
    o->plug.no_cache = true; /* it keeps verdicts; a vote asks for answers */
    int rc = check_options(o, err);
    if (rc == 0)
        rc = as_ballots_new(&ballots, o->max_memory_mib << 20, err);
    if (rc == 0)
        rc = vote_all(o, &plugged, ballots, err);
    as_ballots_free(ballots);
    return rc;
}

static const as_opt options[] = {
    { .name = "plugin",
      .type = AS_OPT_TEXT,
      .value = "NAME[:JSON]",
      .offset = offsetof(vote_opts, plug.plugin),
      .short_name = 'p',
      .help = "the verifier whose answers vote, with its config; a name with '/' is a path" },
    { .name = "in",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(vote_opts, in),
      .short_name = 'i',
      .help = "items or verify results, JSONL, also .gz and .zst; -: stdin" },
    { .name = "out",
      .type = AS_OPT_TEXT,
      .value = "FILE",
      .initial = "-",
      .offset = offsetof(vote_opts, out),
      .short_name = 'o',
      .help = "where the groups go; -: stdout" },
    { .name = "tie",
      .type = AS_OPT_CHOICE,
      .value = "RULE",
      .initial = "key",
      .choices = "key|first|logp|none",
      .offset = offsetof(vote_opts, tie),
      .help = "who wins a tie: smallest key, first seen, greatest sum_logp, nobody" },
    { .name = "sequential",
      .type = AS_OPT_NUMBER,
      .value = "P",
      .offset = offsetof(vote_opts, sequential),
      .help = "say after how many samples each vote was decided: where the chance that the rest "
              "would change it is at most P; 0: where they cannot" },
    { .name = "threads",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "0",
      .offset = offsetof(vote_opts, plug.threads),
      .short_name = 't',
      .help = "threads (0: one per core)" },
    { .name = "timeout-ms",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "10000",
      .offset = offsetof(vote_opts, plug.timeout_ms),
      .help = "longest time for one item" },
    { .name = "isolation",
      .type = AS_OPT_CHOICE,
      .value = "LEVEL",
      .initial = "auto",
      .choices = "auto|inproc|worker|jail",
      .offset = offsetof(vote_opts, plug.isolation),
      .help = "where the verifier runs; auto: ours in process, others in a worker; jail: a worker "
              "that is confined" },
    { .name = "plugin-path",
      .type = AS_OPT_TEXT,
      .value = "DIRS",
      .offset = offsetof(vote_opts, plug.plugin_path),
      .help = "folders searched first, separated by ':'" },
    { .name = "max-memory-mib",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "2048",
      .offset = offsetof(vote_opts, max_memory_mib),
      .help = "memory for keys and answers" },
    { .name = "max-line-mib",
      .type = AS_OPT_UINT,
      .value = "N",
      .initial = "64",
      .offset = offsetof(vote_opts, max_line_mib),
      .help = "longest line accepted" },
    AS_FORCE_OPTION(vote_opts, "overwrite --out"),
    AS_JSON_OPTION(vote_opts, "the summary as one JSON object on stdout; needs --out"),
    AS_QUIET_OPTION(vote_opts, "no summary on stderr"),
    AS_PROGRESS_OPTION(vote_opts),
    { .name = NULL }
};

const as_command as_cmd_vote = {
    .name = "vote",
    .summary = "majority vote per group over a verifier's answer classes",
    .options = options,
    .example = "assay vote --plugin math --in answers.jsonl --out votes.jsonl\n"
               "assay verify --plugin math --in answers.jsonl | assay vote --plugin math --in -",
    .details =
        "Every line needs a \"group\" (\"problem_id\" and \"task_id\" count as one): the "
        "answers of a group are "
        "answers to one prompt. Groups may be scattered over the input; only their keys and "
        "answers are kept.\n"
        "\n"
        "Equal keys are one answer; then the verifier is asked which of the different keys "
        "are the same "
        "answer. The outcome does not depend on the order of the samples, but for --tie "
        "first. A sample "
        "without an answer does not vote, and counts in n; one whose answer could not be "
        "extracted for a "
        "failure of ours is left out of n and counted in \"errors\".\n"
        "\n"
        "Output, one line per group in order of first appearance: "
        "{\"schema\",\"group\",\"label\",\"votes\","
        "\"n\",\"ratio\",\"tie\",\"no_vote\",\"errors\"?,\"keys\":[{\"key\",\"answer\","
        "\"votes\"}],\"sequential\"?}; label is "
        "null where nothing was voted, or a tie under --tie none.\n"
        "\n"
        "--sequential adds {\"drawn\",\"label\",\"same_label\"}: samples, in the order of the "
        "input, after which nobody need have asked on (of a group of n, as the \"sequential\" "
        "of assay ttrl has it with waves of one), the answer that led then, and whether it is the "
        "winner.",
    .run = run_vote,
    .opts_size = sizeof(vote_opts),
};
