/* train_rl_online.c -- a reward model that goes on learning while the policy does: it scores every
 * response, and every few steps it learns from pairs of responses just sampled, which the verifiers
 * (or a file of labels) tell apart. SPDX-License-Identifier: Apache-2.0 */
#include "cli/train_rl.h"

#include "base/jspan.h"
#include "base/mem.h"
#include "base/path.h"
#include "base/rng.h"
#include "base/strmap.h"
#include "data/jsonl.h"
#include "train/rm.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

/* The object "rm". Texts point into the tree. */
typedef struct online_config {
    const char *model, *labels;
    uint64_t every, pairs, batch_size, epochs;
    double lr, head_std, center_coef;
} online_config;

static const as_setting settings[] = {
    { .key = "model", .type = AS_SETTING_TEXT, .offset = offsetof(online_config, model) },
    { .key = "labels", .type = AS_SETTING_TEXT, .offset = offsetof(online_config, labels) },
    { .key = "every",
      .type = AS_SETTING_UINT,
      .offset = offsetof(online_config, every),
      .most = 1e9 },
    { .key = "pairs",
      .type = AS_SETTING_UINT,
      .offset = offsetof(online_config, pairs),
      .least = 1,
      .most = 1e6 },
    { .key = "batch_size",
      .type = AS_SETTING_UINT,
      .offset = offsetof(online_config, batch_size),
      .least = 1,
      .most = 1e6 },
    { .key = "epochs",
      .type = AS_SETTING_UINT,
      .offset = offsetof(online_config, epochs),
      .least = 1,
      .most = 1000 },
    { .key = "lr", .type = AS_SETTING_NUMBER, .offset = offsetof(online_config, lr), .most = 10 },
    { .key = "head_std",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(online_config, head_std),
      .most = 10 },
    { .key = "center_coef",
      .type = AS_SETTING_NUMBER,
      .offset = offsetof(online_config, center_coef),
      .most = 1e6 },
    { .key = NULL }
};

struct rl_online {
    online_config c;
    train_model model;
    char *folder; /* its checkpoints */
    as_run *run;
    as_rm *rm;
    as_rm_stats learned; /* of the newest update */
    /* a step: [rows] of the rollouts */
    size_t cap;
    double *label, *score;
    as_scoring_text *texts;
    int32_t *ids; /* of all texts, one after another */
    size_t cap_ids;
    /* pairs drawn */
    as_row_pair *drawn;
    as_pairs pairs;
    uint32_t *order;
    size_t *which;
    /* labels of a file: of "id\0completion" */
    as_strmap known;
    double *labels;
    size_t n_labels, cap_labels;
    as_arena arena;
};

/* ---- the key ---- */

static int check(const rl *s, const online_config *c, const char *file, as_err *err)
{
    const char *why = NULL;
    if (!c->model)
        why = "\"model\" is missing: the folder of a reward model, or of a language model that is "
              "given a head for scores";
    else if (s->labels)
        why = "rewards are a vote's here, not a model's";
    else if (s->own.algo == RL_REMAX)
        why = "remax compares with greedy responses, which the verifiers alone score; take another "
              "\"algo\"";
    else if (s->own.zero_groups == AS_ZERO_RESAMPLE)
        why = "\"zero_groups\": \"resample\" looks at the verifiers' rewards; take keep or drop";
    else if (s->own.n < 2)
        why = "\"n\": 1: pairs are of responses to one prompt";
    else if (c->labels && !c->every)
        why = "\"labels\" would change nothing with \"every\" 0";
    return why ? as_fail(err, AS_EUSAGE, "%s: \"rm\": %s", file, why) : 0;
}

int rl_online_read(rl *s, const char *file, as_err *err)
{
    char what[256];
    if (!s->own.rm)
        return 0;
    rl_online *o = as_calloc(1, sizeof *o);
    if (!o)
        return as_fail(err, AS_ENOMEM, "out of memory");
    s->online = o;
    as_arena_init(&o->arena, 0);
    o->c = (online_config){
        .every = 10, .pairs = 256, .batch_size = 32, .epochs = 1, .lr = 1e-4, .head_std = 0.02
    };
    (void)snprintf(what, sizeof what, "%.200s: \"rm\"", file);
    if (!cJSON_IsObject(s->own.rm))
        return as_fail(err, AS_EUSAGE, "%s: an object is allowed: {\"model\":DIR,\"every\":10}",
                       what);
    int rc = as_settings_read(&o->c, s->own.rm, settings, what, err);
    return rc == 0 ? check(s, &o->c, file, err) : rc;
}

/* ---- labels of a file ---- */

static as_str key_of(as_arena *arena, as_str id, as_str completion)
{
    char *key = as_arena_calloc(arena, id.len + 1 + completion.len + 1, 1);
    if (!key)
        return (as_str){ 0 };
    memcpy(key, id.data, id.len);
    memcpy(key + id.len + 1, completion.data, completion.len);
    return (as_str){ key, id.len + 1 + completion.len };
}

typedef struct label_reader {
    rl_online *o;
    bool counts; /* the first time through the file: how many there are */
} label_reader;

static int take_label(void *ctx, as_str line, uint64_t no, as_err *err)
{
    label_reader *r = ctx;
    rl_online *o = r->o;
    as_jspan object;
    double score;
    bool is_new;
    (void)no;
    o->cap_labels += r->counts;
    if (r->counts)
        return 0;
    int rc = as_json_scan(line, &object, err);
    if (rc < 0)
        return rc;
    const as_jspan id = as_jobject_get(object, "id"), value = as_jobject_get(object, "score");
    const as_str text = as_jstring(as_jobject_get(object, "completion"), &o->arena, NULL);
    if (object.kind != AS_J_OBJECT || id.kind == AS_J_NONE || !text.data ||
        !as_jnumber(value, &score) || !isfinite(score))
        return as_fail(err, AS_EDATA, "no label: {\"id\",\"completion\",\"score\"} is expected");
    const as_str key = key_of(&o->arena, id.text, text);
    if (!key.data)
        return as_fail(err, AS_ENOMEM, "out of memory");
    const uint32_t at = as_strmap_add(&o->known, key, (uint32_t)o->n_labels, &is_new);
    if (!is_new && o->labels[at] != score)
        return as_fail(err, AS_EDATA, "another label of the same response stands before");
    o->labels[at] = score;
    o->n_labels += is_new;
    return 0;
}

static int read_labels(rl_online *o, as_err *err)
{
    label_reader r = { .o = o, .counts = true };
    if (!o->c.labels)
        return 0;
    int rc = as_lines_each(o->c.labels, take_label, &r, err);
    if (rc < 0)
        return rc;
    r.counts = false;
    o->labels = as_calloc(o->cap_labels + 1, sizeof *o->labels);
    if (!o->labels || o->cap_labels > UINT32_MAX || !as_strmap_init(&o->known, o->cap_labels + 1))
        return as_fail(err, AS_ENOMEM, "no memory for %zu labels", o->cap_labels);
    return as_lines_each(o->c.labels, take_label, &r, err);
}

/* ---- the model ---- */

int rl_online_open(rl *s, as_err *err)
{
    rl_online *o = s->online;
    if (!o)
        return 0;
    o->model.heads = AS_HEADS_SCORE;
    o->model.score_std = o->c.head_std > 0 ? o->c.head_std : -1;
    int rc = train_model_open(&o->model, &s->common, o->c.model, false, false, err);
    const as_model_config *c = rc == 0 ? &o->model.index->config : NULL;
    if (c && c->vocab != s->t.model.index->config.vocab)
        return as_fail(err, AS_EUSAGE, "\"rm\": %s has another vocabulary than %s", o->c.model,
                       s->t.model.folder);
    /* a text more than the response: the end behind one that was cut off */
    if (c && c->max_pos < rl_longest(s) + 1)
        return as_fail(err, AS_EUSAGE, "\"rm\": %s was made for %lld positions, not %lld",
                       o->c.model, (long long)c->max_pos, (long long)rl_longest(s) + 1);
    if (c && 2 * (rl_longest(s) + 1) > (int64_t)s->common.micro_tokens)
        return as_fail(err, AS_EUSAGE,
                       "\"micro_tokens\" %" PRIu64 " is below %lld: a pair of responses must fit",
                       s->common.micro_tokens, 2 * ((long long)rl_longest(s) + 1));
    return rc == 0 ? read_labels(o, err) : rc;
}

/* Texts of a pass: two of them, and an end behind each, more than the policy has. */
static as_run_options pass_of(const rl *s)
{
    as_run_options pass = s->pass;
    const int64_t pair = 2 * (rl_longest(s) + 1);
    pass.tokens = pass.tokens < pair ? pair : pass.tokens;
    pass.seqs = pass.seqs < 2 ? 2 : pass.seqs;
    pass.rows = pass.rows < pass.seqs ? pass.seqs : pass.rows;
    return pass;
}

const train_model *rl_online_model(const rl *s, as_run_options *pass)
{
    *pass = pass_of(s);
    return s->online ? &s->online->model : NULL;
}

int rl_online_load(rl *s, as_err *err)
{
    rl_online *o = s->online;
    if (!o)
        return 0;
    const as_parameters_options how = train_parameters(&s->common, rl_longest(s) + 1, true);
    const as_run_options pass = pass_of(s);
    const as_rm_options options = { .pairs = o->c.batch_size,
                                    .center_coef = o->c.center_coef,
                                    .schedule = {
                                        .peak = o->c.lr, .steps = 1, .decay = AS_DECAY_CONSTANT } };
    o->drawn = as_calloc((size_t)o->c.pairs, sizeof *o->drawn);
    o->order = as_calloc((size_t)o->c.pairs, sizeof *o->order);
    o->which = as_calloc((size_t)o->c.batch_size, sizeof *o->which);
    o->folder = as_path_join(s->t.opts->out, "rm");
    if (!o->drawn || !o->order || !o->which || !o->folder)
        return as_fail(err, AS_ENOMEM, "no memory for %" PRIu64 " pairs", o->c.pairs);
    int rc = train_model_load(&o->model, &s->common, s->t.dev, &how, err);
    if (rc == 0 && o->model.has_fresh_score && !s->t.opts->quiet)
        as_cli_say("assay train: %s has no head that scores: one is drawn of %g (head_std)",
                   o->c.model, o->c.head_std);
    if (rc == 0)
        rc = as_run_new(&o->run, o->model.parameters, &pass, err);
    return rc == 0 ? as_rm_new(&o->rm, o->model.optimizer, o->run, &pass, &options, err) : rc;
}

int rl_online_record(rl *s, as_err *err)
{
    const rl_online *o = s->online;
    if (!o)
        return 0;
    int rc = as_cli_record_model(&s->t.record, "rm.model/", o->c.model, err);
    return rc == 0 && o->c.labels ? training_record_file(&s->t, "rm.labels", o->c.labels, err) : rc;
}

void rl_online_close(rl *s)
{
    rl_online *o = s->online;
    if (!o)
        return;
    void *const arrays[] = { o->folder, o->label, o->score, o->texts, o->ids,
                             o->drawn,  o->order, o->which, o->labels };
    as_rm_free(o->rm);
    as_run_free(o->run);
    train_model_close(&o->model);
    as_pairs_fini(&o->pairs);
    as_strmap_fini(&o->known);
    as_arena_fini(&o->arena);
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
    as_free(AS_STEAL(s->online));
}

/* ---- checkpoints: as the critic's ---- */

int rl_online_save(const rl *s, as_err *err)
{
    const rl_online *o = s->online;
    const as_checkpoint about = { .step = s->t.done };
    if (!o)
        return 0;
    int rc = as_checkpoint_remove_after(o->folder, s->t.saved, err);
    return rc == 0 ? train_model_save(&o->model, &s->common, &about,
                                      s->common.keep ? s->common.keep + 1 : 0, s->t.best, o->folder,
                                      err)
                   : rc;
}

int rl_online_restore(rl *s, as_err *err)
{
    char name[32];
    as_checkpoint about = { 0 };
    if (!s->online)
        return 0;
    (void)snprintf(name, sizeof name, "step_%" PRIu64, s->t.done);
    AS_CLEANUP(free) char *path = as_path_join(s->online->folder, name);
    return path ? train_model_restore(&s->online->model, &about, path, err)
                : as_fail(err, AS_ENOMEM, "out of memory");
}

int rl_online_begin(const rl *s, as_err *err)
{
    return s->online && s->t.done == 0 && as_path_exists(s->online->folder)
               ? as_checkpoint_remove_all(s->online->folder, err)
               : 0;
}

/* ---- a step ---- */

static int reserve(rl_online *o, const as_rollouts *r, as_err *err)
{
    size_t n_ids = 0;
    for (size_t row = 0; row < r->n; row++)
        n_ids += r->items[r->rows[row].group]->n_ids + r->rows[row].n + 1;
    if (r->n > o->cap) {
        double *label = as_realloc_array(o->label, r->n, sizeof *label);
        o->label = label ? label : o->label;
        double *score = label ? as_realloc_array(o->score, r->n, sizeof *score) : NULL;
        o->score = score ? score : o->score;
        as_scoring_text *texts = score ? as_realloc_array(o->texts, r->n, sizeof *texts) : NULL;
        o->texts = texts ? texts : o->texts;
        o->cap = texts ? r->n : o->cap;
    }
    if (n_ids > o->cap_ids) {
        int32_t *ids = as_realloc_array(o->ids, n_ids, sizeof *ids);
        o->ids = ids ? ids : o->ids;
        o->cap_ids = ids ? n_ids : o->cap_ids;
    }
    return r->n <= o->cap && n_ids <= o->cap_ids
               ? 0
               : as_fail(err, AS_ENOMEM, "no memory for %zu responses", r->n);
}

/* Prompt and response as they were sampled, with an end behind what was cut off: as plugins/rm
 * reads them. */
static void take_texts(rl *s)
{
    rl_online *o = s->online;
    const as_model_config *c = &s->t.model.index->config;
    int32_t *to = o->ids;
    for (size_t row = 0; row < s->rollouts.n; row++) {
        const as_rollout *one = &s->rollouts.rows[row];
        const as_suite_item *item = s->rollouts.items[one->group];
        size_t n = item->n_ids + one->n;
        memcpy(to, item->ids, item->n_ids * sizeof *to);
        memcpy(to + item->n_ids, s->rollouts.ids + one->begin, one->n * sizeof *to);
        if (c->n_eos && to[n - 1] != c->eos[0])
            to[n++] = c->eos[0];
        o->texts[row] = (as_scoring_text){ to, n };
        to += n;
    }
}

/* What tells responses apart: the verifiers' score, or the file's. */
static int take_labels(rl *s, as_err *err)
{
    rl_online *o = s->online;
    as_arena arena;
    int rc = 0;
    as_arena_init(&arena, 0);
    for (size_t row = 0; row < s->rollouts.n && rc == 0; row++) {
        uint32_t at;
        o->label[row] = s->is_out[row] ? (double)NAN : s->score[row];
        if (!o->c.labels)
            continue;
        const as_rollout *one = &s->rollouts.rows[row];
        const as_str key = key_of(&arena, s->rollouts.items[one->group]->id, one->text);
        if (!key.data)
            rc = as_fail(err, AS_ENOMEM, "out of memory");
        else
            o->label[row] = as_strmap_find(&o->known, key, &at) ? o->labels[at] : (double)NAN;
        as_arena_reset(&arena);
    }
    as_arena_fini(&arena);
    return rc;
}

/* Pairs of this step's responses, drawn by the step's number. */
static int draw_pairs(rl *s, uint64_t step, as_err *err)
{
    rl_online *o = s->online;
    const uint64_t seed = as_seed_of(s->common.seed, AS_LIT("rm pairs"), step);
    const size_t n = as_pairs_of_labels(o->drawn, (size_t)o->c.pairs, o->label,
                                        s->rollouts.n_groups, s->rollouts.each, seed);
    int rc = 0;
    as_pairs_clear(&o->pairs);
    for (size_t i = 0; i < n && rc == 0; i++) {
        const as_scoring_text *good = &o->texts[o->drawn[i].chosen],
                              *bad = &o->texts[o->drawn[i].rejected];
        bool is_new;
        rc = as_pairs_add(&o->pairs, good->ids, good->n, bad->ids, bad->n, SIZE_MAX, &is_new, err);
    }
    return rc;
}

/* One epoch after another over the pairs that were drawn, in orders of their own. */
static int learn(rl *s, uint64_t step, as_err *err)
{
    rl_online *o = s->online;
    const size_t n = o->pairs.n, size = (size_t)o->c.batch_size;
    int rc = 0;
    for (uint64_t e = 0; e < o->c.epochs && rc == 0; e++) {
        as_rng r = as_rng_at(as_seed_of(s->common.seed, AS_LIT("rm order"), step), e);
        as_rng_order(&r, o->order, n);
        for (size_t at = 0; at < n && rc == 0; at += size) {
            const size_t more = n - at < size ? n - at : size;
            for (size_t i = 0; i < more; i++)
                o->which[i] = o->order[at + i];
            rc = as_rm_learn(o->rm, &o->pairs, o->which, more, ++s->now.rm_updates, &o->learned,
                             err);
        }
    }
    return rc;
}

/* What it said of pairs it had never seen; then it learns them. */
static int update(rl *s, uint64_t step, as_err *err)
{
    rl_online *o = s->online;
    as_metrics *m = s->t.metrics;
    as_rm_stats before;
    int rc = draw_pairs(s, step, err);
    if (rc == 0)
        as_metrics_put(m, "rm/pairs", (double)o->pairs.n);
    if (rc < 0 || o->pairs.n == 0)
        return rc;
    rc = as_rm_measure(o->rm, &o->pairs, &before, err);
    if (rc == 0)
        rc = learn(s, step, err);
    if (rc < 0)
        return rc;
    as_metrics_put(m, "rm/loss", before.loss);
    as_metrics_put(m, "rm/margin", before.margin);
    as_metrics_put(m, "rm/grad_norm", o->learned.grad_norm);
    return as_rm_score(o->rm, o->texts, s->rollouts.n, o->score, err);
}

int rl_online_step(rl *s, uint64_t step, as_err *err)
{
    rl_online *o = s->online;
    size_t n_pairs;
    double sum = 0;
    if (!o)
        return 0;
    int rc = reserve(o, &s->rollouts, err);
    if (rc < 0)
        return rc;
    take_texts(s);
    rc = take_labels(s, err);
    if (rc == 0)
        rc = as_rm_score(o->rm, o->texts, s->rollouts.n, o->score, err);
    if (rc < 0)
        return rc;
    const double right =
        as_pairs_agreement(o->label, o->score, s->rollouts.n_groups, s->rollouts.each, &n_pairs);
    if (n_pairs)
        as_metrics_put(s->t.metrics, "rm/accuracy", right);
    if (o->c.every && step % o->c.every == 0)
        rc = update(s, step, err);
    for (size_t row = 0; row < s->rollouts.n && rc == 0; row++) {
        s->score[row] = o->score[row];
        s->is_out[row] = false;
        sum += o->score[row];
    }
    if (rc == 0)
        as_metrics_put(s->t.metrics, "rm/reward", sum / (double)s->rollouts.n);
    return rc;
}
