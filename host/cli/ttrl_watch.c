/* ttrl_watch.c -- what one sees of `assay ttrl`: the paper's figures (arXiv:2504.16084, 4.1) and
 * what its users ask for besides. Those that need references are for watching: no reward, and no
 * other figure, knows of them. SPDX-License-Identifier: Apache-2.0 */
#include "cli/ttrl.h"

#include "base/hash.h"
#include "base/mem.h"

#include <inttypes.h>
#include <math.h>
#include <stdio.h>

enum { HASH_BITS = 24 }; /* a float has as many */
#define ACCIDENT 0.05

static void add(ttrl_mean *m, double x, double n)
{
    if (isnan(x) || n == 0)
        return;
    m->sum += x * n;
    m->n += n;
}

static double mean_of(const ttrl_mean *m)
{
    return m->n > 0 ? m->sum / m->n : (double)NAN;
}

/* ---- levels ---- */

/* meta.level, a number or a word, as it may stand in a metric's name. */
static bool level_name(as_str text, char out[24])
{
    AS_CLEANUP(cjson) cJSON *meta = text.data ? as_json_parse(text, "meta", NULL) : NULL;
    const cJSON *level = cJSON_GetObjectItemCaseSensitive(meta, "level");
    if (cJSON_IsNumber(level))
        (void)snprintf(out, 24, "%.15g", level->valuedouble);
    else if (cJSON_IsString(level) && *level->valuestring)
        (void)snprintf(out, 24, "%s", level->valuestring);
    else
        return false;
    for (char *at = out; *at; at++) {
        const bool is_plain = (*at >= 'a' && *at <= 'z') || (*at >= 'A' && *at <= 'Z') ||
                              (*at >= '0' && *at <= '9') || strchr("._-", *at);
        if (!is_plain)
            *at = '_';
    }
    return true;
}

static uint8_t level_index(ttrl_run *t, as_str meta)
{
    char name[24];
    size_t i = 0;
    if (!level_name(meta, name))
        return 0;
    while (i < t->n_levels && strcmp(t->levels[i].name, name) != 0)
        i++;
    if (i == TTRL_LEVELS) /* a level that is no level: an id, a score */
        return 0;
    if (i == t->n_levels) {
        memcpy(t->levels[i].name, name, sizeof name);
        t->n_levels++;
    }
    return (uint8_t)(i + 1);
}

void ttrl_watch_level(ttrl_run *t, size_t prompt, as_str meta)
{
    t->level_of[prompt] = level_index(t, meta);
}

/* ---- places ---- */

/* A place holds what is known of a prompt over the steps. */
static size_t place_of(const ttrl_run *t, const as_suite_item *item)
{
    return t->stream ? ttrl_stream_place(t->stream, item) : (size_t)(item - t->s->suite.items);
}

/* Room for n prompts; what is new is zero. */
static int reserve(ttrl_run *t, size_t n, as_err *err)
{
    float **const arrays[] = { &t->first, &t->newest, &t->first_right, &t->newest_right,
                               &t->newest_ratio };
    const size_t cap = n > t->cap_prompts ? n + (t->stream ? n / 2 + 64 : 0) : t->cap_prompts;
    if (cap == t->cap_prompts)
        return 0;
    uint8_t *level_of = as_realloc_array(t->level_of, cap, sizeof *level_of);
    bool ok = level_of != NULL;
    t->level_of = ok ? level_of : t->level_of;
    for (size_t i = 0; ok && i < sizeof arrays / sizeof *arrays; i++) {
        float *array = as_realloc_array(*arrays[i], cap, sizeof *array);
        *arrays[i] = array ? array : *arrays[i];
        ok = array != NULL;
        if (ok)
            memset(array + t->cap_prompts, 0, (cap - t->cap_prompts) * sizeof *array);
    }
    if (!ok)
        return as_fail(err, AS_ENOMEM, "no memory for the labels of %zu prompts", cap);
    memset(level_of + t->cap_prompts, 0, cap - t->cap_prompts);
    t->cap_prompts = cap;
    return 0;
}

int ttrl_watch_open(ttrl_run *t, as_err *err)
{
    const size_t n = t->s->suite.n;
    int rc = reserve(t, n, err);
    for (size_t i = 0; rc == 0 && i < n; i++)
        ttrl_watch_level(t, i, t->s->suite.items[i].meta);
    t->n_prompts = n;
    return rc;
}

int ttrl_watch_add(ttrl_run *t, as_err *err)
{
    int rc = reserve(t, t->n_prompts + 1, err);
    t->n_prompts += rc == 0;
    return rc;
}

void ttrl_watch_close(ttrl_run *t)
{
    void *const arrays[] = { t->newest_ratio, t->level_of,     t->first, t->newest,
                             t->first_right,  t->newest_right, t->visits };
    for (size_t i = 0; i < sizeof arrays / sizeof *arrays; i++)
        as_free(arrays[i]);
}

void ttrl_watch_keep(ttrl_run *t)
{
    const size_t n = t->n_prompts;
    training *to = &t->s->t;
    if (t->stream) { /* its answers say as much */
        ttrl_stream_keep(t->stream);
        return;
    }
    training_keep_array(to, "labels_first", t->first, n);
    training_keep_array(to, "labels_newest", t->newest, n);
    training_keep_array(to, "labels_first_right", t->first_right, n);
    training_keep_array(to, "labels_newest_right", t->newest_right, n);
    training_keep_array(to, "labels_newest_ratio", t->newest_ratio, n);
    if (!t->own.sequential)
        return;
    training_keep_count(to, "votes_drawn", &t->drawn);
    training_keep_count(to, "votes_saved", &t->saved);
}

void ttrl_watch_begin(ttrl_run *t)
{
    t->tally = (ttrl_tally){ 0 };
    t->n_visits = 0;
    for (size_t i = 0; i < t->n_levels; i++) {
        ttrl_level *level = &t->levels[i];
        level->accuracy = level->length = level->majority = (ttrl_mean){ 0 };
        level->effective = level->label_right = level->flipped = (ttrl_mean){ 0 };
    }
}

/* ---- a prompt ---- */

/* Is the label right? As those are that gave it: where the verifier is not of one mind about them,
 * as most are. */
static int is_right(const ttrl_voted *v)
{
    double known = 0, right = 0;
    for (size_t i = 0; i < v->n; i++) {
        if (isnan(v->right[i]))
            continue;
        known++;
        right += v->reward[i] == 1 ? (v->right[i] == 1 ? 1 : -1) : 0;
    }
    return known == 0 ? TTRL_UNKNOWN : v->label->text.data && right > 0 ? TTRL_RIGHT : TTRL_WRONG;
}

static float label_of(as_str key)
{
    return (float)(1 + (as_hash64(key, 0) & ((1u << HASH_BITS) - 1)));
}

static int visit(ttrl_run *t, const ttrl_voted *v, int right, as_err *err)
{
    if (!v->label->text.data)
        return 0;
    if (t->n_visits == t->cap_visits) {
        const size_t cap = t->cap_visits ? t->cap_visits * 2 : 64;
        ttrl_visit *visits = as_realloc_array(t->visits, cap, sizeof *visits);
        if (!visits)
            return as_fail(err, AS_ENOMEM, "no memory for the labels of %zu prompts", cap);
        t->visits = visits;
        t->cap_visits = cap;
    }
    t->visits[t->n_visits++] = (ttrl_visit){ .prompt = place_of(t, v->rollouts->items[v->group]),
                                             .label = label_of(v->key),
                                             .is_right = (float)right,
                                             .ratio = (float)v->label->ratio };
    return 0;
}

/* Entropy by token, of the first n rows. */
static void add_entropy(ttrl_mean *to, const ttrl_voted *v, size_t n)
{
    for (size_t i = v->row; i < v->row + n; i++) {
        const as_rollout *row = &v->rollouts->rows[i];
        for (uint32_t k = 0; k < row->n; k++)
            add(to, (double)v->rollouts->entropy[row->begin + k], 1);
    }
}

static double mean_reward(const ttrl_voted *v)
{
    ttrl_mean m = { 0 };
    for (size_t i = 0; i < v->n; i++)
        add(&m, v->reward[i], 1);
    return mean_of(&m);
}

/* NULL: the prompt has none. */
static ttrl_level *level_of(ttrl_run *t, size_t prompt)
{
    return t->level_of[prompt] ? &t->levels[t->level_of[prompt] - 1] : NULL;
}

static void add_level(ttrl_run *t, const ttrl_voted *v, int right)
{
    ttrl_level *level = level_of(t, place_of(t, v->rollouts->items[v->group]));
    if (!level)
        return;
    add(&level->majority, v->label->ratio, 1);
    add(&level->effective, v->label->effective, v->label->n_voting > 0);
    add(&level->label_right, right == TTRL_RIGHT, right != TTRL_UNKNOWN);
    for (size_t i = 0; i < v->n; i++) {
        add(&level->accuracy, v->right[i], 1);
        add(&level->length, (double)v->rollouts->rows[v->row + i].n, 1);
    }
}

int ttrl_watch_prompt(ttrl_run *t, const ttrl_voted *v, as_err *err)
{
    ttrl_tally *y = &t->tally;
    const uint32_t n = (uint32_t)v->n, kept = (uint32_t)t->s->own.n;
    const int right = is_right(v);
    ttrl_figures all, post;
    y->prompts++;
    y->unlabelled += !v->label->text.data;
    y->unsure += v->label->text.data && !v->is_sure;
    y->rows += n;
    y->failed += n - v->label->n;
    add(&y->majority, v->label->ratio, 1);
    add(&y->sure, ttrl_chance_in_proportion(v->label, (uint32_t)t->own.votes - n) <= ACCIDENT, 1);
    for (size_t i = v->row; i < v->row + n; i++)
        add(&y->length, (double)v->rollouts->rows[i].n, 1);
    add(&y->reward, mean_reward(v), 1);
    add(&y->effective, v->label->effective, v->label->n_voting > 0);
    add_entropy(&y->entropy, v, n);
    add_entropy(&y->post_entropy, v, kept);
    add_level(t, v, right);
    ttrl_measure(&all, v->label, right == TTRL_RIGHT, v->reward, v->right, n);
    ttrl_measure(&post, v->label, right == TTRL_RIGHT, v->reward, v->right, kept);
    add(&y->label_right, all.label_accuracy, right != TTRL_UNKNOWN);
    add(&y->reward_right, all.reward_accuracy, 1);
    add(&y->right, all.ground_truth_ratio, 1);
    add(&y->pass, all.pass, 1);
    add(&y->post_reward_right, post.reward_accuracy, 1);
    add(&y->post_right, post.ground_truth_ratio, 1);
    add(&y->post_pass, post.pass, 1);
    const size_t before = t->n_visits;
    int rc = visit(t, v, right, err);
    if (rc < 0 || !t->stream)
        return rc;
    return ttrl_stream_answer(t->stream, v, t->n_visits > before ? &t->visits[before] : NULL, err);
}

/* ---- a step ---- */

static void take_visit(ttrl_run *t, const ttrl_visit *v)
{
    if (t->first[v->prompt] == 0) {
        t->first[v->prompt] = v->label;
        t->first_right[v->prompt] = v->is_right;
    }
    t->newest[v->prompt] = v->label;
    t->newest_right[v->prompt] = v->is_right;
    t->newest_ratio[v->prompt] = v->ratio;
}

/* Now the labels count: a step that was broken off leaves none behind. */
static void take_visits(ttrl_run *t)
{
    for (size_t i = 0; i < t->n_visits; i++) {
        const float before = t->newest[t->visits[i].prompt];
        const bool is_flipped = before != 0 && before != t->visits[i].label;
        ttrl_level *level = level_of(t, t->visits[i].prompt);
        t->tally.visited += before != 0;
        t->tally.flipped += is_flipped;
        if (level)
            add(&level->flipped, is_flipped, before != 0);
        take_visit(t, &t->visits[i]);
    }
}

void ttrl_watch_recall(ttrl_run *t, size_t prompt, as_str key, int right, double ratio)
{
    take_visit(t, &(ttrl_visit){ .prompt = prompt,
                                 .label = label_of(key),
                                 .is_right = (float)right,
                                 .ratio = (float)ratio });
}

typedef struct counts { /* of all prompts that had a label, the first against the newest */
    double seen, moved, known, corrupted, learned;
} counts;

/* level: index + 1; 0: of all. */
static counts count(const ttrl_run *t, size_t level)
{
    counts c = { 0 };
    for (size_t i = 0; i < t->n_prompts; i++) {
        if (level && t->level_of[i] != level)
            continue;
        const float was = t->first_right[i], is = t->newest_right[i];
        c.seen += t->first[i] != 0;
        c.moved += t->first[i] != t->newest[i];
        c.known += was != TTRL_UNKNOWN && is != TTRL_UNKNOWN;
        c.corrupted += was == TTRL_RIGHT && is == TTRL_WRONG;
        c.learned += was == TTRL_WRONG && is == TTRL_RIGHT;
    }
    return c;
}

static void put(const ttrl_run *t, const char *name, double value)
{
    if (!isnan(value))
        as_metrics_put(t->s->t.metrics, name, value);
}

static void put_means(const ttrl_run *t)
{
    const ttrl_tally *y = &t->tally;
    char pass[40], post_pass[40];
    (void)snprintf(pass, sizeof pass, "train/pass@%" PRIu64, t->own.votes);
    (void)snprintf(post_pass, sizeof post_pass, "train/post_pass@%" PRIu64, t->s->own.n);
    const struct {
        const char *name;
        const ttrl_mean *mean;
    } all[] = { { "train/majority_ratio", &y->majority },
                { "train/majority_voting_reward", &y->reward },
                { "train/sure", &y->sure },
                { "train/effective_votes", &y->effective },
                { "train/entropy", &y->entropy },
                { "train/post_entropy", &y->post_entropy },
                { "train/label_accuracy", &y->label_right },
                { "train/reward_accuracy", &y->reward_right },
                { "train/ground_truth_ratio", &y->right },
                { "train/post_reward_accuracy", &y->post_reward_right },
                { "train/post_ground_truth_ratio", &y->post_right },
                { post_pass, &y->post_pass } };
    for (size_t i = 0; i < sizeof all / sizeof *all; i++)
        put(t, all[i].name, mean_of(all[i].mean));
    if (!t->own.sequential) /* else prompts have not equally many */
        put(t, pass, mean_of(&y->pass));
}

static void put_votes(ttrl_run *t)
{
    const ttrl_tally *y = &t->tally;
    const uint64_t all = y->prompts * t->own.votes;
    if (!t->own.sequential)
        return;
    t->drawn += y->rows;
    t->saved += all - y->rows;
    put(t, "train/votes_drawn", (double)y->rows / (double)y->prompts);
    put(t, "train/votes_saved", (double)(all - y->rows) / (double)all);
}

static void put_levels(const ttrl_run *t)
{
    char name[AS_METRICS_NAME_MAX];
    for (size_t i = 0; i < t->n_levels; i++) {
        const ttrl_level *level = &t->levels[i];
        const counts c = count(t, i + 1);
        const struct {
            const char *name;
            double value;
        } all[] = { { "accuracy", mean_of(&level->accuracy) },
                    { "response_length", mean_of(&level->length) },
                    { "majority_ratio", mean_of(&level->majority) },
                    { "effective_votes", mean_of(&level->effective) },
                    { "label_flip_rate", mean_of(&level->flipped) },
                    { "label_accuracy", mean_of(&level->label_right) },
                    { "corrupted", c.known > 0 ? c.corrupted : (double)NAN },
                    { "learned", c.known > 0 ? c.learned : (double)NAN } };
        for (size_t k = 0; k < sizeof all / sizeof *all; k++) {
            (void)snprintf(name, sizeof name, "level/%s/%s", level->name, all[k].name);
            put(t, name, all[k].value);
        }
    }
}

void ttrl_watch_step(ttrl_run *t)
{
    const ttrl_tally *y = &t->tally;
    take_visits(t);
    const counts c = count(t, 0);
    const double flips = (double)y->flipped / (double)y->visited, drift = c.moved / c.seen;
    put_means(t);
    put_votes(t);
    put(t, "train/no_label", (double)y->unlabelled / (double)y->prompts);
    put(t, "train/unsure", (double)y->unsure / (double)y->prompts);
    put(t, "train/unread", (double)y->failed / (double)y->rows);
    put(t, "train/label_flip_rate", flips);
    put(t, "train/label_drift", drift);
    put(t, "train/corrupted", c.known > 0 ? c.corrupted : (double)NAN);
    put(t, "train/learned", c.known > 0 ? c.learned : (double)NAN);
    put_levels(t);
    ttrl_guard_look(t, &(ttrl_signs){ .ratio = mean_of(&y->majority),
                                      .sure = mean_of(&y->sure),
                                      .drift = drift,
                                      .flips = flips,
                                      .length = mean_of(&y->length) });
}

void ttrl_watch_progress(const ttrl_run *t, char *out, size_t size)
{
    const ttrl_tally *y = &t->tally;
    char n[AS_TEXT_MAX];
    (void)snprintf(out, size, "%s answered  confidence %.3f  %" PRIu64 " of %" PRIu64 " flipped",
                   as_text_count(n, ttrl_stream_answered(t->stream)), mean_of(&y->majority),
                   y->flipped, y->visited);
}

void ttrl_watch_say(const ttrl_run *t)
{
    const ttrl_tally *y = &t->tally;
    const counts c = count(t, 0);
    if (!y->prompts)
        return;
    as_cli_say("labels %.3f of the votes at the last step, %.1f answers in a vote, %.0f of %.0f "
               "prompts have another label than at first",
               mean_of(&y->majority), mean_of(&y->effective), c.moved, c.seen);
    if (t->own.sequential)
        as_cli_say("votes  %.1f %% of %" PRIu64 " were not needed and not drawn",
                   100 * (double)t->saved / (double)(t->saved + t->drawn), t->saved + t->drawn);
    if (c.known > 0)
        as_cli_say("right  %.3f of the labels, %.3f of the rewards at the last step; %.0f labels "
                   "became right, %.0f wrong (references were watched, not learned from)",
                   mean_of(&y->label_right), mean_of(&y->reward_right), c.learned, c.corrupted);
}
