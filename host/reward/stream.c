/* stream.c -- rows as they end, scored in batches by the threads of a pool while the caller goes
 * on.
 *
 * Each verifier has a queue of rows that are ready for it (a whole group where it needs groups) and
 * at most max_jobs jobs in the pool. A job takes a chunk after the other from its verifier's queue
 * until what is left is not worth a call; as_reward_put starts one when it is again, and
 * as_reward_wait for whatever is left. SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "base/mem.h"
#include "reward/inner.h"

#include <inttypes.h>
#include <math.h>
#include <stdlib.h>

enum { ROWS_MOST = 1 << 26 };

/* ---- open and close ---- */

static int check_options(const as_reward_options *o, as_err *err)
{
    if (!(o->max_unscored >= 0 && o->max_unscored <= 1))
        return as_fail(err, AS_EUSAGE, "max_unscored: %g is not a share from 0 to 1 (0.05 is 5%%)",
                       o->max_unscored);
    if (o->window > AS_REWARD_WINDOW)
        return as_fail(err, AS_EUSAGE, "the window of max_unscored: %u steps are more than %d",
                       o->window, AS_REWARD_WINDOW);
    return 0;
}

static int open_into(as_reward *w, as_registry *registry, const cJSON *spec, as_err *err)
{
    int rc = check_options(&w->options, err);
    if (rc == 0)
        rc = as_reward_parts_open(w, registry, spec, err);
    w->options.holdout = NULL; /* the caller's, and read */
    unsigned threads = 1;
    for (uint32_t k = 0; k < w->n_parts; k++) {
        const part *p = &w->parts[k];
        threads = p->max_jobs > threads ? p->max_jobs : threads;
        w->by_group = w->by_group || p->by_group;
    }
    return rc == 0 ? as_pool_new(&w->pool, threads, err) : rc;
}

int as_reward_open(as_reward **out, as_registry *registry, const cJSON *spec,
                   const as_reward_options *options, as_err *err)
{
    as_reward *w = as_calloc(1, sizeof *w);
    if (!w)
        return as_fail(err, AS_ENOMEM, "opening the verifiers of a reward: out of memory");
    (void)pthread_mutex_init(&w->lock, NULL);
    as_arena_init(&w->arena, 0);
    as_arena_init(&w->texts, 0);
    w->options = *options;
    w->options.window = options->window ? options->window : 1;
    int rc = open_into(w, registry, spec, err);
    if (rc < 0) {
        as_reward_close(w);
        return rc;
    }
    *out = w;
    return 0;
}

void as_reward_close(as_reward *w)
{
    if (!w)
        return;
    as_pool_free(w->pool);
    as_reward_parts_close(w);
    as_arena_fini(&w->texts);
    as_arena_fini(&w->arena);
    (void)pthread_mutex_destroy(&w->lock);
    as_free(w);
}

uint32_t as_reward_n_parts(const as_reward *w)
{
    return w->n_parts;
}

const char *as_reward_part_name(const as_reward *w, uint32_t k)
{
    return w->parts[k].name;
}

bool as_reward_part_is_watched(const as_reward *w, uint32_t k)
{
    return w->parts[k].is_watched;
}

const as_scorer *as_reward_part_scorer(const as_reward *w, uint32_t k)
{
    return w->parts[k].scorer;
}

/* ---- a job ---- */

static const as_reward_item *item_at(const part *p, uint32_t place)
{
    return &p->owner->items[p->queue[place]];
}

/* Lock held. The next rows to score, [*from, *to) of the queue; false where none are worth a call.
 */
static bool take(part *p, uint32_t *from, uint32_t *to)
{
    uint32_t n = p->ready - p->taken;
    if (n == 0 || (n < p->enough && !p->owner->is_draining))
        return false;
    *from = p->taken;
    *to = p->taken + (n < p->chunk ? n : p->chunk);
    while (p->by_group && *to < p->ready && item_at(p, *to)->group == item_at(p, *to - 1)->group)
        ++*to;
    p->taken = *to;
    return true;
}

static int build_items(const part *p, uint32_t from, uint32_t n, as_arena *arena, as_items *out,
                       as_err *err)
{
    *out = (as_items){ .n = n };
    as_str **columns[] = { &out->prompt, &out->completion, &out->reference, &out->meta };
    bool ok = true;
    for (size_t c = 0; c < 4; c++) {
        *columns[c] = as_arena_calloc(arena, n, sizeof(as_str));
        ok = ok && *columns[c];
    }
    out->group = as_arena_calloc(arena, n, sizeof *out->group);
    out->seed = as_arena_calloc(arena, n, sizeof *out->seed);
    if (!ok || !out->group || !out->seed)
        return as_fail(err, AS_ENOMEM, "scoring %u rows: out of memory", n);
    for (uint32_t i = 0; i < n; i++) {
        const as_reward_item *item = item_at(p, from + i);
        out->prompt[i] = item->prompt;
        out->completion[i] = item->completion;
        out->reference[i] = item->reference;
        out->meta[i] = item->meta;
        out->seed[i] = item->seed;
        /* numbers rise along a batch, which those of the step need not */
        bool is_same = i > 0 && item_at(p, from + i - 1)->group == item->group;
        out->group[i] = i == 0 ? 0 : out->group[i - 1] + !is_same;
    }
    return 0;
}

/* Lock held. A copy that lives as long as the step; the one before where it says the same. */
static bool keep_text(as_reward *w, as_str text, as_str *last, as_str *out)
{
    *out = (as_str){ NULL, 0 };
    if (!text.data)
        return true;
    if (!last->data || !as_str_eq(*last, text))
        *last = as_arena_str(&w->texts, text);
    *out = *last;
    return out->data != NULL;
}

/* Lock held. */
static int keep_texts(part *p, const as_results *r, uint32_t from, as_err *err)
{
    as_reward *w = p->owner;
    for (uint32_t i = 0; i < r->n; i++) {
        uint32_t row = p->queue[from + i];
        as_str rule = as_results_get(r, i, ASSAY_OUT_RULE);
        as_str reason = as_results_get(r, i, ASSAY_OUT_REASON);
        bool ok = keep_text(w, rule, &p->last_rule, &p->said.rule[row]) &&
                  keep_text(w, reason, &p->last_reason, &p->said.reason[row]);
        if (p->said.key) {
            as_str key = { NULL, 0 };
            as_str answer = { NULL, 0 };
            ok =
                ok && keep_text(w, as_results_get(r, i, ASSAY_OUT_KEY), &key, &p->said.key[row]) &&
                keep_text(w, as_results_get(r, i, ASSAY_OUT_ANSWER), &answer, &p->said.answer[row]);
        }
        if (!ok)
            return as_fail(err, AS_ENOMEM, "what verifiers said of %u rows: out of memory",
                           w->n_rows);
    }
    return 0;
}

static int score_rows(part *p, uint32_t from, uint32_t to, as_arena *arena, as_err *err)
{
    as_items items;
    as_results r = { 0 };
    int rc = build_items(p, from, to - from, arena, &items, err);
    int64_t start = as_now_ns();
    if (rc == 0)
        rc =
            as_scorer_score(p->scorer, &items, p->said.key ? ASSAY_WANT_ANSWER : 0, arena, &r, err);
    uint64_t spent = (uint64_t)(as_now_ns() - start);
    if (rc < 0)
        return rc;
    for (uint32_t i = 0; i < r.n; i++) {
        uint32_t row = p->queue[from + i];
        p->said.score[row] = r.score[i];
        p->said.verdict[row] = r.verdict[i];
        p->said.ms[row] = r.cached[i] ? 0 : r.ms[i];
        p->said.cached[row] = r.cached[i];
    }
    (void)pthread_mutex_lock(&p->owner->lock);
    p->calls++;
    p->busy_ns += spent;
    rc = keep_texts(p, &r, from, err);
    (void)pthread_mutex_unlock(&p->owner->lock);
    return rc;
}

static void run_job(void *arg)
{
    part *p = arg;
    as_reward *w = p->owner;
    as_arena arena;
    as_arena_init(&arena, 0);
    uint32_t from, to;
    (void)pthread_mutex_lock(&w->lock);
    while (take(p, &from, &to)) {
        (void)pthread_mutex_unlock(&w->lock);
        as_err why = { 0 };
        int rc = score_rows(p, from, to, &arena, &why);
        as_arena_reset(&arena);
        (void)pthread_mutex_lock(&w->lock);
        if (rc < 0 && !w->failure.code)
            w->failure = why;
    }
    p->n_jobs--;
    (void)pthread_mutex_unlock(&w->lock);
    as_arena_fini(&arena);
}

/* Lock held. Is it time for another job? Then it is counted already. */
static bool wants_job(part *p)
{
    uint32_t n = p->ready - p->taken;
    bool wants = n > 0 && (n >= p->enough || p->owner->is_draining) && p->n_jobs < p->max_jobs;
    p->n_jobs += wants;
    return wants;
}

static void start_job(part *p)
{
    if (as_pool_submit(p->owner->pool, run_job, p, NULL) < 0)
        run_job(p); /* no memory for a job: the caller does the work */
}

/* ---- a step ---- */

static int columns_new(as_reward *w, part *p, as_err *err)
{
    as_arena *a = &w->arena;
    const uint32_t n = w->n_rows;
    const bool answers = w->options.wants_answers && p == &w->parts[w->main_part];
    p->said = (said){
        .score = as_arena_calloc(a, n, sizeof *p->said.score),
        .verdict = as_arena_calloc(a, n, sizeof *p->said.verdict),
        .ms = as_arena_calloc(a, n, sizeof *p->said.ms),
        .cached = as_arena_calloc(a, n, sizeof *p->said.cached),
        .rule = as_arena_calloc(a, n, sizeof *p->said.rule),
        .reason = as_arena_calloc(a, n, sizeof *p->said.reason),
        .key = answers ? as_arena_calloc(a, n, sizeof *p->said.key) : NULL,
        .answer = answers ? as_arena_calloc(a, n, sizeof *p->said.answer) : NULL,
    };
    p->queue = as_arena_calloc(a, n, sizeof *p->queue);
    p->taken = p->ready = 0;
    p->calls = p->busy_ns = 0;
    p->last_rule = p->last_reason = (as_str){ NULL, 0 };
    const said *s = &p->said;
    bool ok = s->score && s->verdict && s->ms && s->cached && s->rule && s->reason && p->queue &&
              (!answers || (s->key && s->answer));
    return ok ? 0 : as_fail(err, AS_ENOMEM, "rewards of %u rows: out of memory", n);
}

int as_reward_begin(as_reward *w, uint32_t n_rows, uint32_t n_each, as_err *err)
{
    as_pool_wait(w->pool); /* of a step that was given up */
    as_arena_reset(&w->arena);
    as_arena_reset(&w->texts);
    w->n_rows = w->n_put = 0;
    w->stats = (as_reward_stats){ 0 };
    w->failure = (as_err){ 0 };
    w->is_draining = false;
    if (n_rows > ROWS_MOST)
        return as_fail(err, AS_EUSAGE, "%u rows in one step are too many", n_rows);
    w->items = as_arena_calloc(&w->arena, n_rows, sizeof *w->items);
    w->is_put = as_arena_calloc(&w->arena, n_rows, sizeof *w->is_put);
    w->first_in_group = as_arena_calloc(&w->arena, n_rows, sizeof *w->first_in_group);
    w->next_in_group = as_arena_calloc(&w->arena, n_rows, sizeof *w->next_in_group);
    w->n_in_group = as_arena_calloc(&w->arena, n_rows, sizeof *w->n_in_group);
    if (!w->items || !w->is_put || !w->first_in_group || !w->next_in_group || !w->n_in_group)
        return as_fail(err, AS_ENOMEM, "rewards of %u rows: out of memory", n_rows);
    w->n_rows = n_rows;
    w->n_each = n_each;
    int rc = 0;
    for (uint32_t k = 0; rc == 0 && k < w->n_parts; k++)
        rc = columns_new(w, &w->parts[k], err);
    return rc;
}

static int by_number(const void *a, const void *b)
{
    uint32_t x = *(const uint32_t *)a;
    uint32_t y = *(const uint32_t *)b;
    return (x > y) - (x < y);
}

/* Lock held. A group is whole: its rows, in order, to the verifiers that waited for it. */
static void push_group(as_reward *w, uint32_t group)
{
    for (uint32_t k = 0; k < w->n_parts; k++) {
        part *p = &w->parts[k];
        if (!p->by_group)
            continue;
        uint32_t first = p->ready;
        for (uint32_t at = w->first_in_group[group]; at; at = w->next_in_group[at - 1])
            p->queue[p->ready++] = at - 1;
        qsort(p->queue + first, p->ready - first, sizeof *p->queue, by_number);
    }
    w->first_in_group[group] = 0;
}

/* Lock held. */
static void push_row(as_reward *w, uint32_t row, uint32_t group)
{
    for (uint32_t k = 0; k < w->n_parts; k++) {
        part *p = &w->parts[k];
        if (!p->by_group)
            p->queue[p->ready++] = row;
    }
    if (!w->by_group)
        return;
    w->next_in_group[row] = w->first_in_group[group];
    w->first_in_group[group] = row + 1;
    if (w->n_in_group[group] == w->n_each)
        push_group(w, group);
}

static int check_item(const as_reward *w, uint32_t row, const as_reward_item *item, as_err *err)
{
    if (row >= w->n_rows)
        return as_fail(err, AS_EUSAGE, "row %u of a step of %u", row, w->n_rows);
    if (w->is_put[row])
        return as_fail(err, AS_EUSAGE, "row %u was put already", row);
    if (item->group >= w->n_rows)
        return as_fail(err, AS_EUSAGE, "row %u: group %u of a step of %u rows", row, item->group,
                       w->n_rows);
    if (w->n_each && w->n_in_group[item->group] == w->n_each)
        return as_fail(err, AS_EUSAGE, "row %u: group %u has its %u rows already", row, item->group,
                       w->n_each);
    return 0;
}

int as_reward_put(as_reward *w, uint32_t row, const as_reward_item *item, as_err *err)
{
    int rc = check_item(w, row, item, err);
    if (rc < 0)
        return rc;
    w->is_put[row] = true;
    w->n_put++;
    w->n_in_group[item->group]++;
    bool wanted[AS_REWARD_PARTS];
    (void)pthread_mutex_lock(&w->lock);
    w->items[row] = *item;
    push_row(w, row, item->group);
    for (uint32_t k = 0; k < w->n_parts; k++)
        wanted[k] = wants_job(&w->parts[k]);
    (void)pthread_mutex_unlock(&w->lock);
    for (uint32_t k = 0; k < w->n_parts; k++)
        if (wanted[k])
            start_job(&w->parts[k]);
    return 0;
}

int as_reward_end(as_reward *w, uint32_t n_rows, as_err *err)
{
    if (n_rows > w->n_rows)
        return as_fail(err, AS_EUSAGE, "%u rows in a step of %u", n_rows, w->n_rows);
    for (uint32_t row = n_rows; row < w->n_rows; row++)
        if (w->is_put[row] || w->n_in_group[row])
            return as_fail(err, AS_EUSAGE, "%s %u was put, and only %u rows were to come",
                           w->is_put[row] ? "row" : "group", row, n_rows);
    w->n_rows = n_rows; /* no job looks at it */
    return 0;
}

/* As many jobs as there are chunks left, and threads for them. */
static void start_rest(part *p)
{
    as_reward *w = p->owner;
    (void)pthread_mutex_lock(&w->lock);
    uint32_t chunks = (p->ready - p->taken + p->chunk - 1) / p->chunk;
    (void)pthread_mutex_unlock(&w->lock);
    for (uint32_t i = 0; i < chunks; i++) {
        (void)pthread_mutex_lock(&w->lock);
        bool wanted = wants_job(p);
        (void)pthread_mutex_unlock(&w->lock);
        if (!wanted)
            return;
        start_job(p);
    }
}

static void drain(as_reward *w)
{
    (void)pthread_mutex_lock(&w->lock);
    w->is_draining = true;
    for (uint32_t g = 0; w->by_group && g < w->n_rows; g++)
        if (w->first_in_group[g])
            push_group(w, g);
    (void)pthread_mutex_unlock(&w->lock);
    for (uint32_t k = 0; k < w->n_parts; k++)
        start_rest(&w->parts[k]);
    as_pool_wait(w->pool);
}

int as_reward_wait(as_reward *w, const as_reward_row **rows, as_err *err)
{
    *rows = NULL;
    int64_t start = as_now_ns();
    drain(w);
    double wait_s = (double)(as_now_ns() - start) / 1e9;
    if (w->failure.code)
        return as_fail(err, w->failure.code, "%s", w->failure.text);
    for (uint32_t row = 0; w->n_put < w->n_rows && row < w->n_rows; row++)
        if (!w->is_put[row])
            return as_fail(err, AS_EUSAGE, "row %u of %u was never put", row, w->n_rows);
    int rc = as_reward_combine(w, err);
    if (rc == 0)
        rc = as_reward_tally(w, err);
    if (rc < 0)
        return rc;
    w->stats.wait_s = wait_s;
    *rows = w->rows;
    return 0;
}
