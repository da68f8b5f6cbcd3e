/* ttrl.c -- `assay ttrl`: test-time reinforcement learning (arXiv:2504.16084). The run is that of
 * `assay train`; where there a verifier rewards, here the answers to a prompt vote, and agreement
 * with the winner is the reward. SPDX-License-Identifier: Apache-2.0 */
#include "cli/ttrl.h"

#include "base/mem.h"

#include <inttypes.h>
#include <math.h>

/* ---- the keys ---- */

static const as_setting settings[] = {
    { .key = "plugin", .type = AS_SETTING_ANY, .offset = offsetof(ttrl_config, plugin) },
    { .key = "votes",
      .type = AS_SETTING_UINT,
      .offset = offsetof(ttrl_config, votes),
      .least = 1,
      .most = 65536 },
    { .key = "vote",
      .type = AS_SETTING_CHOICE,
      .offset = offsetof(ttrl_config, vote),
      .choices = "class|string" },
    { .key = "tie",
      .type = AS_SETTING_CHOICE,
      .offset = offsetof(ttrl_config, tie),
      .choices = "key|first|logp|none" },
    { .key = "confidence",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(ttrl_config, confidence),
      .most = 0.999999 },
    { .key = "bounds", .type = AS_SETTING_OBJECT, .offset = offsetof(ttrl_config, bounds) },
    { .key = "sequential", .type = AS_SETTING_OBJECT, .offset = offsetof(ttrl_config, sequential) },
    { .key = NULL }
};

/* The keys above out of the tree, which is then one for `assay train`. */
static cJSON *take_keys(cJSON *tree)
{
    cJSON *mine = cJSON_CreateObject();
    for (const as_setting *s = settings; mine && s->key; s++) {
        cJSON *value = cJSON_DetachItemFromObjectCaseSensitive(tree, s->key);
        if (value)
            cJSON_AddItemToObject(mine, s->key, value);
    }
    return mine;
}

static int refuse_others(const cJSON *tree, bool is_stream, const char *file, as_err *err)
{
    static const struct {
        const char *key, *why;
        bool of_stream;
    } others[] = {
        { "reward", "the vote rewards; \"plugin\" names the verifier whose answers vote", false },
        { "unscored_window", "\"max_unscored\" is taken over one step", false },
        { "prompts", "they come on stdin, or from --in", true },
        { "limit", "all prompts that come are answered", true },
        { "order", "prompts are taken as they come", true },
    };
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if ((is_stream || !others[i].of_stream) && cJSON_HasObjectItem(tree, others[i].key))
            return as_fail(err, AS_EUSAGE, "%s: \"%s\" has no place in assay ttrl%s: %s", file,
                           others[i].key, others[i].of_stream ? " --stream" : "", others[i].why);
    return 0;
}

static bool add_number(cJSON *tree, const char *key, double value)
{
    return cJSON_HasObjectItem(tree, key) || cJSON_AddNumberToObject(tree, key, value) != NULL;
}

/* What the run of `assay train` is told: its reward is the verifier that is watched. */
static int complete(cJSON *tree, const cJSON *plugin, bool is_stream, as_err *err)
{
    const bool has_preset = cJSON_HasObjectItem(tree, "preset");
    cJSON *reward = cJSON_Duplicate(plugin, true);
    bool ok = reward && cJSON_AddItemToObject(tree, "reward", reward);
    if (!ok)
        cJSON_Delete(reward);
    if (ok && !cJSON_HasObjectItem(tree, "algo"))
        ok = cJSON_AddStringToObject(tree, "algo", "grpo") != NULL;
    if (ok && !has_preset)
        ok = add_number(tree, "n", 32);
    if (ok && is_stream)
        ok = cJSON_AddStringToObject(tree, "prompts", "-") && add_number(tree, "save_every", 1) &&
             (has_preset || add_number(tree, "steps", AS_PACE_ENDLESS));
    return ok ? 0 : as_fail(err, AS_ENOMEM, "out of memory");
}

static int read_keys(ttrl_run *t, cJSON *tree, const cJSON *mine, bool is_stream, const char *file,
                     as_err *err)
{
    t->own = (ttrl_config){ .votes = 64 };
    int rc = as_settings_read(&t->own, mine, settings, file, err);
    if (rc == 0)
        rc = refuse_others(tree, is_stream, file, err);
    if (rc == 0 && !t->own.plugin)
        rc = as_fail(err, AS_EUSAGE,
                     "%s: \"plugin\" is missing: the verifier whose answers vote, as in "
                     "\"plugin\": \"math\"",
                     file);
    if (rc == 0 && !cJSON_IsString(t->own.plugin) && !cJSON_IsObject(t->own.plugin))
        rc = as_fail(err, AS_EUSAGE,
                     "%s: \"plugin\": one verifier is allowed: \"NAME\", \"NAME:{...}\" or "
                     "{\"plugin\":NAME,\"config\":{...}}",
                     file);
    if (rc == 0)
        rc = ttrl_guard_read(t, file, err);
    if (rc == 0)
        rc = ttrl_waves_read(t, file, err);
    return rc == 0 ? complete(tree, t->own.plugin, is_stream, err) : rc;
}

/* ---- the run ---- */

static int open_labels(void *own, rl *s, as_err *err)
{
    const ttrl_config *c = &((ttrl_run *)own)->own;
    if (s->own.algo == RL_REMAX)
        return as_fail(err, AS_EUSAGE,
                       "\"algo\": remax compares with a greedy answer, which has no vote; take "
                       "grpo, rloo or another that compares within the group");
    if (c->votes < s->own.n)
        return as_fail(err, AS_EUSAGE,
                       "\"votes\" %" PRIu64 " is less than \"n\" %" PRIu64
                       ": those that are trained on are the first of those that vote, so %" PRIu64
                       " more votes or as many fewer in \"n\"",
                       c->votes, s->own.n, s->own.n - c->votes);
    return ttrl_labels_open(own, s, err);
}

static int check_stream(const rl *s, as_err *err)
{
    if (s->own.zero_groups == AS_ZERO_RESAMPLE)
        return as_fail(err, AS_EUSAGE,
                       "\"zero_groups\": resample draws prompts beside those of the step, and a "
                       "stream has none; take keep or drop");
    if (s->common.steps >= AS_PACE_ENDLESS && s->common.decay != AS_DECAY_CONSTANT)
        return as_fail(
            err, AS_EUSAGE,
            "\"decay\" needs an end to decay to: \"steps\", after which the stream ends, "
            "too");
    return 0;
}

static int open_stream(void *own, rl *s, as_err *err)
{
    ttrl_run *t = own;
    int rc = check_stream(s, err);
    t->s = s;
    if (rc == 0)
        rc = ttrl_stream_open(&t->stream, t, t->opts, err);
    return rc == 0 ? open_labels(own, s, err) : rc;
}

static int start(void *own, as_err *err)
{
    return ttrl_stream_start(((ttrl_run *)own)->stream, err);
}

static int next(void *own, size_t most, as_err *err)
{
    return ttrl_stream_next(((ttrl_run *)own)->stream, most, err);
}

/* The labels are there, and so are the answers: they go out before anything is learned from them.
 */
static int put(void *own, const as_rollouts *r, as_reward_row *rows, as_err *err)
{
    int rc = ttrl_labels_put(own, r, rows, err);
    return rc == 0 ? ttrl_stream_send(((ttrl_run *)own)->stream, err) : rc;
}

static void progress(const void *own, char *out, size_t size)
{
    ttrl_watch_progress(own, out, size);
}

static int record(void *own, as_run_record *to, as_err *err)
{
    const ttrl_run *t = own;
    return train_settings_record(&t->own, settings, to, err);
}
static void keep(void *own)
{
    ttrl_watch_keep(own);
    ttrl_guard_keep(own);
}
static void begin(void *own)
{
    ttrl_watch_begin(own);
}
static void look(void *own)
{
    const ttrl_run *t = own;
    ttrl_watch_step(own);
    if (t->stream)
        ttrl_stream_learned(t->stream);
}
static void say(const void *own)
{
    ttrl_watch_say(own);
}

static void show(const void *own, as_buf *json)
{
    ttrl_stream_show(((const ttrl_run *)own)->stream, json);
}

static void close_labels(void *own)
{
    ttrl_run *t = own;
    as_scorer_close(AS_STEAL(t->scorer));
    ttrl_watch_close(t);
    if (t->stream && !t->opts->train.quiet)
        ttrl_stream_say(t->stream); /* whatever ended it: whoever sends learns what has arrived */
    ttrl_stream_close(AS_STEAL(t->stream));
}

static int train(const ttrl_opts *o, cJSON *tree, const char *file, bool by_reference, as_err *err)
{
    AS_CLEANUP(cjson) cJSON *mine = take_keys(tree);
    ttrl_run t = { .opts = o };
    if (!mine)
        return as_fail(err, AS_ENOMEM, "out of memory");
    as_arena_init(&t.arena, 0);
    int rc = read_keys(&t, tree, mine, o->stream, file, err);
    const rl_labels labels = { .each = t.own.votes,
                               .own = &t,
                               .open = o->stream ? open_stream : open_labels,
                               .start = start,
                               .next = o->stream ? next : NULL,
                               .show = o->stream ? show : NULL,
                               .progress = o->stream ? progress : NULL,
                               .record = record,
                               .keep = keep,
                               .begin = begin,
                               .more = t.own.sequential ? ttrl_labels_more : NULL,
                               .put = o->stream ? put : ttrl_labels_put,
                               .look = look,
                               .say = say,
                               .close = close_labels };
    if (rc == 0)
        rc = by_reference ? train_rl(&o->train, tree, file, err)
                          : train_rl_labelled(&o->train, tree, file, &labels, err);
    as_arena_fini(&t.arena);
    return rc;
}

int ttrl_train(const train_opts *o, cJSON *tree, const char *file, bool by_reference, as_err *err)
{
    const ttrl_opts opts = { .train = *o, .idle = NAN };
    return train(&opts, tree, file, by_reference, err);
}

static int run_ttrl(const as_command *self, void *opts, const as_list *operands, as_err *err)
{
    (void)self;
    ttrl_opts *o = opts;
    AS_CLEANUP(cjson) cJSON *tree = NULL;
    int rc = ttrl_stream_check(o, err);
    if (rc == 0)
        rc = train_read(&o->train, &tree, "ttrl", operands, err);
    if (rc < 0)
        return rc;
    const char *file = operands->at[0];
    if (!cJSON_HasObjectItem(tree, "experiment"))
        return train(o, tree, file, false, err);
    return o->stream
               ? as_fail(err, AS_EUSAGE, "%s: the arms of an \"experiment\" have no --stream", file)
               : ttrl_experiment(&o->train, tree, file, err);
}

#define OPTION(name_, m, type_, ...)                                                               \
    {                                                                                              \
        .name = (name_), .type = (type_), .offset = offsetof(ttrl_opts, m), __VA_ARGS__            \
    }

static const as_opt options[] = {
    OPTION("stream", stream, AS_OPT_FLAG,
           .help = "prompts come while the model learns; each is answered at once, on stdout"),
    OPTION("in", in, AS_OPT_TEXT, .value = "FILE", .short_name = 'i',
           .help = "where prompts of --stream come from (- is stdin, and the default)"),
    OPTION("follow", follow, AS_OPT_FLAG,
           .help = "the file of --in grows: wait at its end for more"),
    OPTION("idle", idle, AS_OPT_NUMBER, .value = "SECONDS",
           .help = "end the stream when nothing has come for so long"),
    TRAIN_OPTIONS,
    { .name = NULL }
};

static const char *const words[] = {
    "plugin: a verifier that can tell answers apart (assay.answer/1; \"math\", or with its "
    "configuration). votes [64]: responses to each prompt, all of which vote; n [32]: the first of "
    "them, which are trained on. vote [class]: answers that the verifier takes for the same vote "
    "together; or string: those alone that are written the same. tie [key]: the winner of a tie is "
    "the one whose key sorts first; first: that came first; logp: the likelier one; none: there is "
    "no label. confidence [0]: a label teaches only where its lead over the second answer would "
    "be an accident with a probability of at most 1 - confidence. A response without an answer "
    "neither votes nor earns; a prompt without a label is left out of the step, and so is a "
    "response whose answer the verifier failed to read; more of those than max_unscored [1] end "
    "the run.",
    "sequential: an object, {} for its defaults; votes are drawn in waves, the first of n, until "
    "the label is decided (absent: all are drawn). error [0.1]: the chance, at most, that the "
    "votes that are not drawn would change the label; 0: they cannot, and the run is the same to "
    "the bit. wave [8]: votes drawn before the next look. Metrics: train/votes_drawn of a prompt, "
    "train/votes_saved as a share; train/pass@VOTES is not there.",
    "bounds: an object; what ends the run without a look at labels. min_sure [0.2]: of the first "
    "10 "
    "steps' votes, that many must lead by more than chance (5 %); else there is too little to "
    "learn "
    "from. max_drift [0.5]: of all prompts, that many may have another label than at first while "
    "agreement rises; more, and the model talks itself into wrong answers. min_length [0.1]: of "
    "the "
    "first steps' length. settled_ratio [2: never]: the run is done where the majority ratio is at "
    "least that and no label flips. patience [10]: for so many steps in a row. Without an "
    "eval_suite, of all checkpoints that are saved the one stays in which the model most agrees "
    "with "
    "its first labels (train/agreement).",
    "--stream: lines {\"id\", \"prompt\" or \"messages\", \"reference\"?, \"meta\"?} come on stdin "
    "or in a file. A prompt is answered by the vote as soon as it is there: a line {\"line\", "
    "\"id\", \"answer\", \"key\", \"confidence\" (its share of the votes), \"votes\", \"n\", "
    "\"runner_up\", \"classes\", \"chance\" (that the lead is an accident), \"learned\", \"step\", "
    "\"flipped\" (another answer than the last time), \"right\" (where there is a reference)} on "
    "stdout and in RUN/answers.jsonl; answer null with a \"reason\" where the vote has no winner, "
    "with an \"error\" where the line is no prompt. Every train_batch_size prompts, and those that "
    "are left at the end, are a step; what is learned follows from the lines alone, not from when "
    "they came. RUN/prompts.jsonl has the lines that were accepted, save_every is 1, and steps are "
    "as many as are needed: a run that was killed goes on with --resume without them being sent "
    "again, and answers none twice. A file is then gone over as far as it was accepted; a pipe "
    "goes "
    "on with what is new.",
    "All other keys are those of assay train with the same algo [grpo] (assay train --help), but "
    "reward. preset: ttrl-aime, ttrl-amc, ttrl-math500 have the paper's values; the same preset "
    "with assay train and \"reward\": \"math\" is its upper bound, with leaked labels.",
    "References in prompts are for watching: nothing that is learned depends on them. Metrics: "
    "train/majority_ratio, train/majority_voting_reward, train/effective_votes (1 / sum of squared "
    "shares of the answers), train/entropy, train/post_entropy (post: of those that are trained "
    "on), train/label_flip_rate (labels that differ from the prompt's previous one), "
    "train/label_drift (from its first one), train/agreement, train/sure, train/no_label, "
    "train/unsure, train/unread; with "
    "references train/label_accuracy, train/reward_accuracy, train/ground_truth_ratio, "
    "train/pass@VOTES, train/post_..., train/corrupted and train/learned (prompts whose label was "
    "right at first and is wrong now, and the reverse), by meta.level of the "
    "prompts level/L/accuracy, response_length, majority_ratio, effective_votes, label_flip_rate, "
    "label_accuracy, corrupted and learned.",
    "experiment: an object; several arms begin with one model, and are compared before and after. "
    "arms: {NAME: {keys over those of CONFIG.json; null takes one away}}; labels [vote] of an arm: "
    "reference leaks them: the verifier rewards, as in assay train (the upper bound). suites: "
    "{NAME: FILE}. n [64] samples of each problem, base_n [n] of the model before, temperature "
    "[1], top_p [1], max_tokens [max_response_length]. RUN gets arms/NAME, evals/SUITE/NAME, "
    "tables.md and report.html with its CSV; an arm that a guard ends is evaluated all the same.",
    NULL
};

const as_command as_cmd_ttrl = {
    .name = "ttrl",
    .summary = "train a model on prompts without labels, by the vote of its own answers",
    .operands = "CONFIG.json",
    .options = options,
    .example = "assay ttrl ttrl.json --out labelled --set seed=2\n"
               "assay ttrl stream.json --stream --in prompts.jsonl --out online",
    .details =
        "Test-time reinforcement learning. A step samples responses to prompts that have no label; "
        "what most of a prompt's answers say is its label, and agreement with it the reward. "
        "CONFIG.json is an object with these keys; what is not there has the value in brackets.",
    .more = words,
    .run = run_ttrl,
    .opts_size = sizeof(ttrl_opts),
};
