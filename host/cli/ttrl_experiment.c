/* ttrl_experiment.c -- `assay ttrl` with an "experiment": arms that differ in some keys begin with
 * one model and are trained one after another; the model before and each arm's after are put to the
 * suites; a report has all of it. What is done is kept, so that it can be gone on with.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/file.h"
#include "base/mem.h"
#include "base/path.h"
#include "cli/eval.h"
#include "cli/report.h"
#include "cli/ttrl.h"

#include <assert.h>
#include <inttypes.h>
#include <stdio.h>

enum { ARMS_MAX = 16, SUITES_MAX = 16, NAME_MAX_BYTES = 40, SEEDS_MAX = 16, DRAWN_MAX = 1024 };
#define BASE "base"

typedef struct options { /* of the key "experiment" */
    const cJSON *arms, *suites;
    uint64_t n, base_n, max_tokens;
    double temperature, top_p;
} options;

static const as_setting settings[] = {
    { .key = "arms", .type = AS_SETTING_OBJECT, .offset = offsetof(options, arms) },
    { .key = "suites", .type = AS_SETTING_OBJECT, .offset = offsetof(options, suites) },
    { .key = "n",
      .type = AS_SETTING_UINT,
      .offset = offsetof(options, n),
      .least = 1,
      .most = SEEDS_MAX * DRAWN_MAX },
    { .key = "base_n",
      .type = AS_SETTING_UINT,
      .offset = offsetof(options, base_n),
      .least = 1,
      .most = SEEDS_MAX * DRAWN_MAX },
    { .key = "max_tokens",
      .type = AS_SETTING_UINT,
      .offset = offsetof(options, max_tokens),
      .least = 1,
      .most = 1 << 24 },
    { .key = "temperature",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(options, temperature),
      .most = 100 },
    { .key = "top_p", .type = AS_SETTING_NUMBER, .offset = offsetof(options, top_p), .most = 1 },
    { .key = NULL }
};

typedef struct experiment {
    const train_opts *o;
    const char *file;
    const cJSON *common; /* the keys of all arms */
    options own;
    const char *model;
    uint64_t seed;
    char *plugin, *record_path;
    as_run_record record;
    cJSON *tasks; /* by folder: {"state","why"?} */
} experiment;

/* ---- what is asked for ---- */

static const cJSON *member(const cJSON *object, const char *key)
{
    return cJSON_GetObjectItemCaseSensitive(object, key);
}

/* It becomes the name of a folder. */
static bool is_name(const char *s)
{
    const size_t n = strlen(s);
    for (const char *at = s; *at; at++) {
        const bool is_plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                              (*at >= '0' && *at <= '9') || (at > s && strchr("._-@", *at));
        if (!is_plain)
            return false;
    }
    return n > 0 && n <= NAME_MAX_BYTES;
}

static int check_names(const experiment *x, const cJSON *object, const char *what, int most,
                       as_err *err)
{
    const int n = cJSON_GetArraySize(object);
    if (n < 1 || n > most)
        return as_fail(err, AS_EUSAGE, "%s: \"experiment\": 1 to %d \"%s\" are expected", x->file,
                       most, what);
    for (const cJSON *at = object->child; at; at = at->next)
        if (!is_name(at->string) || strcmp(at->string, BASE) == 0)
            return as_fail(
                err, AS_EUSAGE,
                "%s: \"experiment\": \"%s\": \"%.60s\" is no name for a folder (letters, "
                "digits, . _ - @; not \"" BASE "\")",
                x->file, what, at->string);
    return 0;
}

static int check_arms(const experiment *x, as_err *err)
{
    static const char *const fixed[] = { "model", "init", "prompts", "plugin", "lora", NULL };
    int rc = check_names(x, x->own.arms, "arms", ARMS_MAX, err);
    for (const cJSON *arm = x->own.arms ? x->own.arms->child : NULL; rc == 0 && arm;
         arm = arm->next) {
        if (!cJSON_IsObject(arm))
            return as_fail(err, AS_EUSAGE, "%s: arm \"%s\": not an object of keys", x->file,
                           arm->string);
        for (const char *const *key = fixed; *key; key++)
            if (member(arm, *key))
                return as_fail(
                    err, AS_EUSAGE,
                    "%s: arm \"%s\": \"%s\" is the same for all arms, so that they can be "
                    "compared: put it beside \"experiment\"",
                    x->file, arm->string, *key);
    }
    return rc;
}

static int check_suites(const experiment *x, as_err *err)
{
    int rc = check_names(x, x->own.suites, "suites", SUITES_MAX, err);
    for (const cJSON *s = x->own.suites ? x->own.suites->child : NULL; rc == 0 && s; s = s->next)
        if (!cJSON_IsString(s))
            rc = as_fail(err, AS_EUSAGE, "%s: suite \"%s\": the name of a file is expected",
                         x->file, s->string);
    return rc;
}

/* So many seeds draw them: assay eval draws up to 1,024 with one. 0: it cannot be. */
static uint64_t seeds_of(uint64_t n)
{
    for (uint64_t k = 1; k <= SEEDS_MAX; k++)
        if (n % k == 0 && n / k <= DRAWN_MAX)
            return k;
    return 0;
}

static int check_counts(const experiment *x, as_err *err)
{
    const uint64_t counts[] = { x->own.n, x->own.base_n };
    for (size_t i = 0; i < 2; i++)
        if (!seeds_of(counts[i]))
            return as_fail(err, AS_EUSAGE,
                           "%s: \"experiment\": %" PRIu64
                           " samples: above %d, a multiple of them is "
                           "expected, as %d",
                           x->file, counts[i], DRAWN_MAX, 2 * DRAWN_MAX);
    return 0;
}

static int read_common(experiment *x, as_err *err)
{
    const cJSON *seed = member(x->common, "seed"), *plugin = member(x->common, "plugin");
    AS_CLEANUP(buf) as_buf name = { 0 };
    as_buf_init(&name, 1 << 20);
    x->model = cJSON_GetStringValue(member(x->common, "model"));
    x->seed = cJSON_IsNumber(seed) && seed->valuedouble >= 0 ? (uint64_t)seed->valuedouble : 0;
    if (!x->model)
        return as_fail(err, AS_EUSAGE,
                       "%s: an experiment needs \"model\", which all arms begin with", x->file);
    if (member(x->common, "lora"))
        return as_fail(err, AS_EUSAGE,
                       "%s: \"lora\" has no place in an experiment: adapters are not evaluated",
                       x->file);
    if (!plugin)
        return as_fail(err, AS_EUSAGE, "%s: \"plugin\" is missing", x->file);
    int rc = rl_name_verifier(plugin, &name, err);
    if (rc == 0 && !(x->plugin = as_strndup(name.data, name.len)))
        rc = as_fail(err, AS_ENOMEM, "out of memory");
    return rc;
}

static int read_options(experiment *x, const cJSON *spec, as_err *err)
{
    const cJSON *longest = member(x->common, "max_response_length");
    char what[300];
    x->own = (options){ .n = 64, .temperature = 1, .top_p = 1 };
    if (cJSON_IsNumber(longest) && longest->valuedouble >= 1 && longest->valuedouble <= 1 << 24)
        x->own.max_tokens = (uint64_t)longest->valuedouble;
    (void)snprintf(what, sizeof what, "%.250s: \"experiment\"", x->file);
    if (!cJSON_IsObject(spec))
        return as_fail(err, AS_EUSAGE, "%s: not an object", what);
    int rc = as_settings_read(&x->own, spec, settings, what, err);
    if (rc == 0 && !x->own.base_n)
        x->own.base_n = x->own.n;
    if (rc == 0)
        rc = check_counts(x, err);
    if (rc == 0)
        rc = check_arms(x, err);
    if (rc == 0)
        rc = check_suites(x, err);
    return rc == 0 ? read_common(x, err) : rc;
}

/* ---- an arm ---- */

/* Its keys over the common ones; null takes one away. *by_reference: rewarded by the verifier. */
static cJSON *tree_of(const experiment *x, const cJSON *arm, bool *by_reference, as_err *err)
{
    AS_CLEANUP(cjson) cJSON *tree = cJSON_Duplicate(x->common, true);
    const char *labels = "vote";
    bool ok = tree != NULL;
    for (const cJSON *at = arm->child; ok && at; at = at->next) {
        if (strcmp(at->string, "labels") == 0) {
            labels = cJSON_IsString(at) ? at->valuestring : "?";
            continue;
        }
        cJSON_DeleteItemFromObjectCaseSensitive(tree, at->string);
        cJSON *copy = cJSON_IsNull(at) ? NULL : cJSON_Duplicate(at, true);
        ok = cJSON_IsNull(at) || (copy && cJSON_AddItemToObject(tree, at->string, copy));
    }
    *by_reference = strcmp(labels, "reference") == 0;
    if (!ok)
        (void)as_fail(err, AS_ENOMEM, "out of memory");
    else if (!*by_reference && strcmp(labels, "vote") != 0)
        (void)as_fail(err, AS_EUSAGE, "%s: arm \"%s\": \"labels\": vote or reference is allowed",
                      x->file, arm->string);
    else
        return AS_STEAL(tree);
    return NULL;
}

static int train_arm(const experiment *x, const cJSON *arm, const train_opts *how, as_err *err)
{
    bool by_reference = false;
    as_err why = { 0 };
    AS_CLEANUP(cjson) cJSON *tree = tree_of(x, arm, &by_reference, err);
    if (!tree)
        return err->code;
    train_opts o = *how;
    o.command = by_reference ? "train" : "ttrl";
    o.set = (as_list){ 0 };
    o.json = false;
    int rc = ttrl_train(&o, tree, x->file, by_reference, &why);
    if (rc == AS_EGATE)
        return as_fail(err, rc, "%s", why.text);
    return rc == 0 ? 0 : as_fail(err, rc, "arm \"%s\": %s", arm->string, why.text);
}

/* All of them are looked at before the first is trained. */
static int try_arms(const experiment *x, as_err *err)
{
    int rc = 0;
    for (const cJSON *arm = x->own.arms->child; rc == 0 && arm; arm = arm->next) {
        train_opts o = *x->o;
        o.dry_run = true;
        o.quiet = x->o->quiet || !x->o->dry_run;
        if (!o.quiet)
            as_cli_say("%sarm        %s", arm == x->own.arms->child ? "" : "\n", arm->string);
        rc = train_arm(x, arm, &o, err);
    }
    return rc;
}

/* ---- the folder ---- */

static const char *state_of(const experiment *x, const char *task)
{
    const char *state = cJSON_GetStringValue(member(member(x->tasks, task), "state"));
    return state ? state : "";
}

static bool is_done(const experiment *x, const char *task)
{
    const char *state = state_of(x, task);
    return strcmp(state, "done") == 0 || strcmp(state, "stopped") == 0;
}

static void list(const experiment *x, as_buf *b, const char *task)
{
    if (!is_done(x, task))
        return;
    as_buf_text(b, b->len > 1 ? "," : "");
    as_buf_json_str(b, as_str_of(task));
}

enum { TASK_BYTES = 3 * NAME_MAX_BYTES };

static void name_arm(char out[TASK_BYTES], const cJSON *arm)
{
    (void)snprintf(out, TASK_BYTES, "arms/%s", arm->string);
}

/* arm NULL: of the model before. */
static void name_exam(char out[TASK_BYTES], const cJSON *suite, const cJSON *arm)
{
    (void)snprintf(out, TASK_BYTES, "evals/%s/%s", suite->string, arm ? arm->string : BASE);
}

/* What is done, in the order in which a report has it. */
static void list_runs(const experiment *x, as_buf *b)
{
    char task[TASK_BYTES];
    as_buf_byte(b, '[');
    for (const cJSON *arm = x->own.arms->child; arm; arm = arm->next) {
        name_arm(task, arm);
        list(x, b, task);
    }
    for (const cJSON *suite = x->own.suites->child; suite; suite = suite->next) {
        name_exam(task, suite, NULL);
        list(x, b, task);
        for (const cJSON *arm = x->own.arms->child; arm; arm = arm->next) {
            name_exam(task, suite, arm);
            list(x, b, task);
        }
    }
    as_buf_byte(b, ']');
}

static int save(experiment *x, const char *state, as_err *err)
{
    AS_CLEANUP(buf) as_buf tasks = { 0 };
    AS_CLEANUP(buf) as_buf runs = { 0 };
    as_buf_init(&tasks, 1 << 20);
    as_buf_init(&runs, 1 << 20);
    as_json_print(x->tasks, &tasks);
    list_runs(x, &runs);
    int rc = as_buf_check(&tasks, err);
    if (rc == 0)
        rc = as_buf_check(&runs, err);
    if (rc < 0)
        return rc;
    as_run_record_set(&x->record, "tasks", as_buf_str(&tasks));
    as_run_record_set(&x->record, "runs", as_buf_str(&runs));
    rc = as_run_record_text(&x->record, as_run_record_set, "state", state, err);
    return rc == 0 ? as_run_record_save(&x->record, x->record_path, err) : rc;
}

static int note(experiment *x, const char *task, const char *state, const char *why, as_err *err)
{
    cJSON *entry = cJSON_CreateObject();
    cJSON_DeleteItemFromObjectCaseSensitive(x->tasks, task);
    if (!entry || !cJSON_AddStringToObject(entry, "state", state) ||
        (why && !cJSON_AddStringToObject(entry, "why", why)) ||
        !cJSON_AddItemToObject(x->tasks, task, entry))
        return as_fail(err, AS_ENOMEM, "out of memory");
    return save(x, "running", err);
}

static int record_hash(experiment *x, const char *name, const char *path, as_err *err)
{
    as_digest digest;
    int rc = as_sha256_file(path, &digest, err);
    if (rc == 0)
        as_run_record_hash(&x->record, name, digest);
    return rc;
}

static int new_record(experiment *x, const cJSON *spec, as_err *err)
{
    int rc = as_run_record_new(&x->record, "ttrl", err);
    AS_CLEANUP(buf) as_buf value = { 0 };
    as_buf_init(&value, 1 << 24);
    for (const cJSON *at = x->common->child; rc == 0 && at; at = at->next) {
        as_buf_clear(&value);
        as_json_print(at, &value);
        rc = as_buf_check(&value, err);
        if (rc == 0)
            as_run_record_config(&x->record, at->string, as_buf_str(&value));
    }
    as_buf_clear(&value);
    as_json_print(spec, &value);
    if (rc == 0)
        rc = as_buf_check(&value, err);
    if (rc < 0)
        return rc;
    as_run_record_config(&x->record, "experiment", as_buf_str(&value));
    as_run_record_seed(&x->record, "run", x->seed);
    rc = as_cli_record_model(&x->record, "", x->model, err);
    const char *prompts = cJSON_GetStringValue(member(x->common, "prompts"));
    if (rc == 0 && prompts)
        rc = record_hash(x, "prompts", prompts, err);
    for (const cJSON *s = x->own.suites->child; rc == 0 && s; s = s->next) {
        char name[2 * NAME_MAX_BYTES];
        (void)snprintf(name, sizeof name, "suite %s", s->string);
        rc = record_hash(x, name, s->valuestring, err);
    }
    return rc;
}

static int go_on(experiment *x, as_err *err)
{
    as_run_record before = { 0 };
    int rc = as_run_record_load(&before, x->record_path, err);
    if (rc == 0)
        rc = as_run_record_continues(&before, &x->record, err);
    cJSON *tasks = rc == 0 ? cJSON_DetachItemFromObjectCaseSensitive(before.json, "tasks") : NULL;
    if (cJSON_IsObject(tasks)) {
        cJSON_Delete(x->tasks);
        x->tasks = tasks;
    } else {
        cJSON_Delete(tasks);
    }
    as_run_record_fini(&before);
    return rc;
}

static int open_folder(experiment *x, const cJSON *spec, as_err *err)
{
    const train_opts *o = x->o;
    x->tasks = cJSON_CreateObject();
    x->record_path = as_path_join(o->out, "manifest.json");
    if (!x->tasks || !x->record_path)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = new_record(x, spec, err);
    if (rc == 0)
        rc = as_path_make_dirs(o->out, err);
    const bool has_run = rc == 0 && as_path_exists(x->record_path);
    if (has_run && o->resume)
        rc = go_on(x, err);
    else if (has_run && !o->force)
        rc = as_fail(err, AS_EUSAGE,
                     "%s has a run already: --resume to go on, --force to begin anew", o->out);
    return rc == 0 ? save(x, "running", err) : rc;
}

/* ---- tasks ---- */

/* What an earlier process has begun of this experiment is gone on with; what else is there, of
 * another one, goes. */
static int begin_task(experiment *x, const char *task, bool *goes_on, as_err *err)
{
    *goes_on = strcmp(state_of(x, task), "running") == 0;
    if (!x->o->quiet)
        as_cli_say("\n== %s", task);
    return note(x, task, "running", NULL, err);
}

static int do_arm(experiment *x, const cJSON *arm, as_err *err)
{
    char task[TASK_BYTES];
    bool goes_on = false;
    name_arm(task, arm);
    if (is_done(x, task))
        return 0;
    AS_CLEANUP(free) char *out = as_path_join(x->o->out, task);
    int rc = out ? begin_task(x, task, &goes_on, err) : as_fail(err, AS_ENOMEM, "out of memory");
    if (rc < 0)
        return rc;
    train_opts how = *x->o;
    how.out = out;
    how.resume = goes_on;
    how.force = !goes_on;
    as_err why = { 0 };
    rc = train_arm(x, arm, &how, &why);
    if (rc < 0 && rc != AS_EGATE)
        return as_fail(err, rc, "%s", why.text);
    if (rc == AS_EGATE)
        as_cli_say("%s: %s", task, why.text);
    return note(x, task, rc == 0 ? "done" : "stopped", rc == 0 ? NULL : why.text, err);
}

/* The options as the command line would give them, with its defaults. */
static int set_exam(const experiment *x, eval_opts *o, uint64_t n, char *seeds, size_t size,
                    as_err *err)
{
    const uint64_t n_seeds = seeds_of(n);
    const char *device = cJSON_GetStringValue(member(x->common, "device"));
    const char *dtype = cJSON_GetStringValue(member(x->common, "dtype"));
    as_list none = { 0 };
    size_t at = 0;
    assert(n_seeds > 0); /* check_counts */
    int rc = as_options_parse(&as_cmd_eval, 0, NULL, o, &none, err);
    for (uint64_t i = 0; i < n_seeds && at < size; i++)
        at += (size_t)snprintf(seeds + at, size - at, "%s%" PRIu64, i ? "," : "", x->seed + i);
    o->seeds = seeds;
    o->gen.n = n / n_seeds;
    o->gen.temperature = x->own.temperature;
    o->gen.top_p = x->own.top_p;
    o->gen.chat = cJSON_IsTrue(member(x->common, "as_chat"));
    o->gen.template = cJSON_GetStringValue(member(x->common, "chat"));
    o->gen.max_tokens = x->own.max_tokens ? x->own.max_tokens : o->gen.max_tokens;
    o->gen.model.threads = x->o->threads;
    o->gen.model.device = device ? device : o->gen.model.device;
    o->gen.model.dtype = dtype ? dtype : o->gen.model.dtype;
    o->plug.plugin = x->plugin;
    o->plug.isolation = x->o->isolation ? x->o->isolation : o->plug.isolation;
    o->plug.plugin_path = x->o->plugin_path;
    o->plug.cache = x->o->cache;
    o->plug.no_cache = x->o->no_cache;
    o->progress = x->o->progress;
    o->quiet = x->o->quiet;
    o->is_part = true;
    return rc;
}

static int do_exam(experiment *x, const cJSON *suite, const cJSON *arm, const char *model,
                   as_err *err)
{
    char task[TASK_BYTES], seeds[32 * SEEDS_MAX];
    eval_opts o;
    bool goes_on = false;
    name_exam(task, suite, arm);
    if (is_done(x, task))
        return 0;
    AS_CLEANUP(free) char *out = as_path_join(x->o->out, task);
    if (!out)
        return as_fail(err, AS_ENOMEM, "out of memory");
    int rc = set_exam(x, &o, arm ? x->own.n : x->own.base_n, seeds, sizeof seeds, err);
    if (rc == 0)
        rc = begin_task(x, task, &goes_on, err);
    o.gen.model.model = model;
    o.suite = suite->valuestring;
    o.out = out;
    o.resume = goes_on;
    o.force = !goes_on;
    if (rc == 0)
        rc = eval_run(&o, err);
    as_options_free(&as_cmd_eval, &o, &(as_list){ 0 });
    return rc == 0 ? note(x, task, "done", NULL, err) : rc;
}

/* Of an arm, its last checkpoint, whatever it is; arm NULL: the model before. */
static int do_exams(experiment *x, const cJSON *arm, as_err *err)
{
    AS_CLEANUP(free) char *last = NULL;
    char folder[TASK_BYTES + 16];
    int rc = 0;
    if (arm) {
        (void)snprintf(folder, sizeof folder, "arms/%s/checkpoints", arm->string);
        AS_CLEANUP(free) char *path = as_path_join(x->o->out, folder);
        rc = path ? as_checkpoint_latest(&last, path, err)
                  : as_fail(err, AS_ENOMEM, "out of memory");
        if (rc == 0 && !last)
            rc = as_fail(err, AS_EDATA, "%s: no checkpoint to evaluate", path);
    }
    for (const cJSON *suite = x->own.suites->child; rc == 0 && suite; suite = suite->next)
        rc = do_exam(x, suite, arm, arm ? last : x->model, err);
    return rc;
}

static int do_all(experiment *x, as_err *err)
{
    int rc = do_exams(x, NULL, err);
    for (const cJSON *arm = x->own.arms->child; rc == 0 && arm; arm = arm->next) {
        rc = do_arm(x, arm, err);
        if (rc == 0)
            rc = do_exams(x, arm, err);
    }
    return rc;
}

/* ---- the end ---- */

/* What the tables do not show: arms that a guard has ended. */
static void put_notes(const experiment *x, as_buf *b)
{
    for (const cJSON *arm = x->own.arms->child; arm; arm = arm->next) {
        char task[TASK_BYTES];
        name_arm(task, arm);
        const char *why = cJSON_GetStringValue(member(member(x->tasks, task), "why"));
        if (why)
            as_buf_addf(b, "%s: %s\n", arm->string, why);
    }
}

static int report(const experiment *x, as_err *err)
{
    AS_CLEANUP(free) char *page = as_path_join(x->o->out, "report.html");
    AS_CLEANUP(free) char *tables = as_path_join(x->o->out, "tables.md");
    AS_CLEANUP(buf) as_buf notes = { 0 };
    as_buf_init(&notes, 1 << 16);
    put_notes(x, &notes);
    if (!page || !tables || notes.failed)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const report_opts how = { .out = page,
                              .force = true,
                              .quiet = x->o->quiet,
                              .json = x->o->json,
                              .tables = tables,
                              .notes = as_buf_str(&notes) };
    const char *folder[] = { x->o->out };
    return report_write(&how, &(as_list){ folder, 1 }, err);
}

static int run(experiment *x, const cJSON *spec, as_err *err)
{
    AS_CLEANUP(free) char *gnuplot = as_path_program("gnuplot");
    int rc = read_options(x, spec, err);
    if (rc == 0)
        rc = try_arms(x, err);
    if (rc < 0 || x->o->dry_run)
        return rc;
    if (!gnuplot)
        return as_fail(err, AS_EUSAGE,
                       "gnuplot, which draws the report, is not in PATH: apt-get install "
                       "gnuplot-nox");
    rc = open_folder(x, spec, err);
    if (rc < 0)
        return rc;
    rc = do_all(x, err);
    int saved = save(x, as_cli_state(rc), rc == 0 ? err : NULL);
    rc = rc < 0 ? rc : saved;
    return rc == 0 ? report(x, err) : rc;
}

int ttrl_experiment(const train_opts *o, cJSON *tree, const char *file, as_err *err)
{
    AS_CLEANUP(cjson)
    cJSON *spec = cJSON_DetachItemFromObjectCaseSensitive(tree, "experiment");
    experiment x = { .o = o, .file = file, .common = tree };
    int rc = run(&x, spec, err);
    as_run_record_fini(&x.record);
    cJSON_Delete(x.tasks);
    as_free(x.plugin);
    as_free(x.record_path);
    return rc;
}
