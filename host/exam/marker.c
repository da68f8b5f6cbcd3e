/* marker.c -- batches of answers on their way through a feed of scoring threads.
 * SPDX-License-Identifier: Apache-2.0 */
#include "exam/marker.h"

#include "base/mem.h"
#include "jobs/feed.h"

enum { MOST_BYTES = 4 << 20 }; /* of the texts of a batch, or a little more */

/* A batch. */
typedef struct task {
    as_arena arena; /* of everything in it */
    as_item *items;
    as_str *aside;
    uint32_t n, cap;
    as_results results;
    as_err stop; /* what ended it before its last item */
} task;

struct as_marker {
    as_marking how;
    as_feed *feed;
    task *open;           /* being filled; NULL: none */
    uint32_t least, most; /* items of a batch: while threads have nothing to do, and at most */
    bool by_group;
};

/* ---- in the feed's threads ---- */

static void task_free(task *t)
{
    as_arena_fini(&t->arena);
    as_free(t);
}

/* Cancelled: the items up to the first without a verdict are those that were reached. */
static int keep_reached(task *t, int rc, const as_err *why, as_err *err)
{
    if (!t->results.verdict)
        return as_fail(err, rc, "%s", why->text);
    uint32_t n = 0;
    while (n < t->n && t->results.verdict[n] != ASSAY_UNSET)
        n++;
    t->n = n;
    t->stop = *why;
    return 0;
}

static int work(void *ctx, void *arg, as_err *err)
{
    const as_marker *m = ctx;
    task *t = arg;
    as_items columns;
    as_err why = { 0 };
    int rc = as_items_build(&columns, t->items, t->n, m->how.seed, &t->arena, err);
    if (rc < 0)
        return rc;
    rc = as_scorer_score(m->how.scorer, &columns, m->how.want, &t->arena, &t->results, &why);
    return rc < 0 ? keep_reached(t, rc, &why, err) : 0;
}

static int consume(void *ctx, void *arg, as_err *err)
{
    const as_marker *m = ctx;
    task *t = arg;
    const as_marks marks = {
        .items = t->items, .aside = t->aside, .results = &t->results, .n = t->n
    };
    int rc = t->n ? m->how.marked(m->how.ctx, &marks, err) : 0;
    if (rc == 0 && t->stop.code)
        rc = as_fail(err, t->stop.code, "%s", t->stop.text);
    task_free(t);
    return rc;
}

static void drop(void *ctx, void *arg)
{
    (void)ctx;
    task_free(arg);
}

/* ---- in the caller's ---- */

int as_marker_open(as_marker **out, const as_marking *how, as_err *err)
{
    /* A batch is some 50 ms of work, so that no thread waits long at the end. */
    enum { BATCH_US = 50000, MOST = 256, UNKNOWN = 16 };
    static const as_feed_ops ops = { work, consume, drop };
    const as_verifier_info *info = as_scorer_info(how->scorer);
    as_marker *m = as_calloc(1, sizeof *m);
    if (!m)
        return as_fail(err, AS_ENOMEM, "out of memory");
    m->how = *how;
    m->by_group = info->flags & ASSAY_F_NEEDS_GROUP;
    m->most = info->cost_us ? BATCH_US / info->cost_us : UNKNOWN;
    m->most = m->most < 1 ? 1 : m->most > MOST ? MOST : m->most;
    m->least = m->most < 4 ? 1 : m->most / 4;
    int rc = as_feed_open(&m->feed, &ops, m, as_scorer_threads(how->scorer), 0, how->cancel, err);
    if (rc < 0)
        as_free(m);
    else
        *out = m;
    return rc;
}

static int flush(as_marker *m, as_err *err)
{
    task *t = AS_STEAL(m->open);
    return t ? as_feed_put(m->feed, t, err) : 0;
}

static bool grow(task *t)
{
    const uint32_t cap = t->cap ? t->cap * 2 : 16;
    as_item *items = as_arena_alloc(&t->arena, cap * sizeof *items);
    as_str *aside = as_arena_alloc(&t->arena, cap * sizeof *aside);
    if (!items || !aside || cap > UINT32_MAX / 4)
        return false;
    if (t->n) {
        memcpy(items, t->items, t->n * sizeof *items);
        memcpy(aside, t->aside, t->n * sizeof *aside);
    }
    t->items = items;
    t->aside = aside;
    t->cap = cap;
    return true;
}

/* True where there was nothing to copy, too. */
static bool keep_text(task *t, as_str *text)
{
    if (!text->data)
        return true;
    *text = as_arena_str(&t->arena, *text);
    return text->data != NULL;
}

static bool add(task *t, const as_item *item, as_str aside)
{
    if (t->n == t->cap && !grow(t))
        return false;
    as_item *kept = &t->items[t->n];
    *kept = *item;
    t->aside[t->n] = aside;
    if (!keep_text(t, &kept->id) || !keep_text(t, &kept->group) ||
        !keep_text(t, &kept->completion) || !keep_text(t, &t->aside[t->n]))
        return false;
    t->n++;
    return true;
}

/* Is this item the first of the next batch? */
static bool begins_another(const as_marker *m, const as_item *item)
{
    const task *t = m->open;
    if (!t || t->n == 0)
        return false;
    if (m->by_group && as_str_eq(t->items[t->n - 1].group, item->group))
        return false;
    return t->n >= m->most || (t->n >= m->least && as_feed_is_hungry(m->feed));
}

int as_marker_put(as_marker *m, const as_item *item, as_str aside, as_err *err)
{
    int rc = begins_another(m, item) ? flush(m, err) : 0;
    if (rc < 0)
        return rc;
    if (!m->open) {
        m->open = as_calloc(1, sizeof *m->open);
        if (!m->open)
            return as_fail(err, AS_ENOMEM, "out of memory");
        as_arena_init(&m->open->arena, 0);
    }
    if (!add(m->open, item, aside))
        return as_fail(err, AS_ENOMEM, "out of memory");
    if (m->by_group) /* more of the group may come */
        return 0;
    const bool is_due =
        m->open->n >= m->most || (m->open->n >= m->least && as_feed_is_hungry(m->feed));
    return is_due ? flush(m, err) : 0;
}

int as_marker_close(as_marker *m, as_err *err)
{
    if (!m)
        return 0;
    as_err why = { 0 };
    int rc = flush(m, &why);
    int closed = as_feed_close(m->feed, rc == 0 ? &why : NULL);
    rc = rc < 0 ? rc : closed;
    as_free(m);
    return rc < 0 ? as_fail(err, rc, "%s", why.text) : 0;
}
