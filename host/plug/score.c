/* score.c -- one call of a scorer: duplicates, cache, the verifier, retries, and back.
 * SPDX-License-Identifier: Apache-2.0 */
#include "plug/scorer_priv.h"

enum { RETRIES = 2 };

struct plan {
    as_scorer *s;
    const as_items *items;
    uint32_t want;
    as_arena *arena;
    as_results *out;
    uint32_t *first; /* of equal items; NULL: not looked for, or none */
    uint32_t *rows;  /* the rows to score; NULL: all of them */
    uint32_t n_rows;
    as_digest *keys; /* of `rows`; NULL: no cache */
    as_err *err;
};

static bool uses_cache(const struct plan *p)
{
    const as_scorer *s = p->s;
    return s->options.cache && s->info.cost_us >= AS_CACHE_COST_US && as_cache_takes(&s->info) &&
           !(p->want & ASSAY_WANT_EXPLAIN);
}

/* Results asked for with other flags hold other texts: they are other entries. */
static as_digest cache_config(const struct plan *p)
{
    as_sha256 h;
    as_sha256_init(&h);
    as_sha256_field(
        &h, (as_str){ (const char *)p->s->config_hash.bytes, sizeof p->s->config_hash.bytes });
    as_sha256_u64(&h, p->want & (ASSAY_WANT_ANSWER | ASSAY_WANT_DETAIL));
    return as_sha256_end(&h);
}

static int plan_rows(struct plan *p)
{
    p->rows = as_arena_alloc(p->arena, (size_t)p->items->n * sizeof *p->rows);
    if (!p->rows)
        return as_fail(p->err, AS_ENOMEM, "scoring %u items: out of memory", p->items->n);
    for (uint32_t i = 0; i < p->items->n; i++) {
        if (!p->first || p->first[i] == i)
            p->rows[p->n_rows++] = i;
    }
    return 0;
}

static int look_up(struct plan *p)
{
    p->keys = as_arena_alloc(p->arena, (size_t)p->n_rows * sizeof *p->keys);
    if (!p->keys)
        return as_fail(p->err, AS_ENOMEM, "scoring %u items: out of memory", p->items->n);
    as_digest config = cache_config(p);
    uint32_t n = 0;
    for (uint32_t k = 0; k < p->n_rows; k++) {
        uint32_t i = p->rows[k];
        as_digest key = as_cache_key(&p->s->info, config, p->items, i);
        if (as_cache_get(p->s->options.cache, key, p->out, i)) {
            p->out->cached[i] = true;
            continue;
        }
        p->keys[n] = key;
        p->rows[n++] = i;
    }
    atomic_fetch_add_explicit(&p->s->n_cached, p->n_rows - n, memory_order_relaxed);
    p->n_rows = n;
    return 0;
}

static int plan_make(struct plan *p)
{
    const as_verifier_info *info = &p->s->info;
    uint32_t n_duplicates = 0;
    if ((info->flags & ASSAY_F_DETERMINISTIC) && !(info->flags & ASSAY_F_NEEDS_GROUP)) {
        p->first = as_batch_duplicates(p->items, p->arena, &n_duplicates);
        if (!p->first)
            return as_fail(p->err, AS_ENOMEM, "scoring %u items: out of memory", p->items->n);
        if (!n_duplicates)
            p->first = NULL;
    }
    atomic_fetch_add_explicit(&p->s->n_duplicates, n_duplicates, memory_order_relaxed);
    bool is_cached = uses_cache(p);
    if (!p->first && !is_cached)
        return 0;
    int rc = plan_rows(p);
    return rc == 0 && is_cached ? look_up(p) : rc;
}

/* ERROR means our failure: where the world outside is involved, it may be over by now. */
static int retry(struct plan *p, const as_items *items, as_results *r, const bool *settled)
{
    uint32_t *rows = as_arena_alloc(p->arena, (size_t)items->n * sizeof *rows);
    if (!rows)
        return as_fail(p->err, AS_ENOMEM, "scoring %u items: out of memory", items->n);
    int rc = 0;
    for (unsigned round = 0; rc == 0 && round < RETRIES; round++) {
        uint32_t n = 0;
        for (uint32_t i = 0; i < items->n; i++) {
            if (r->verdict[i] == ASSAY_ERROR && !settled[i])
                rows[n++] = i;
        }
        if (!n)
            break;
        atomic_fetch_add_explicit(&p->s->n_retried, n, memory_order_relaxed);
        as_items again;
        as_results fresh;
        rc = as_batch_pick(&again, items, rows, n, p->arena, p->err);
        if (rc == 0)
            rc = as_results_init(&fresh, n, p->arena, p->err);
        if (rc == 0)
            rc = as_run_items(p->s, AS_ACT_SCORE, &again, p->want, &fresh, NULL, p->err);
        if (rc == 0)
            rc = as_batch_spread(r, &fresh, rows, n, p->err);
    }
    return rc;
}

static int run(struct plan *p, const as_items *items, as_results *r)
{
    const uint32_t outside = ASSAY_F_USES_SANDBOX | ASSAY_F_USES_NETWORK;
    bool may_retry = (p->s->info.flags & outside) && !(p->s->info.flags & ASSAY_F_NEEDS_GROUP);
    bool *settled = may_retry ? as_arena_calloc(p->arena, items->n, sizeof *settled) : NULL;
    int rc = as_run_items(p->s, AS_ACT_SCORE, items, p->want, r, settled, p->err);
    return rc == 0 && settled ? retry(p, items, r, settled) : rc;
}

static int run_picked(struct plan *p)
{
    if (!p->n_rows)
        return 0;
    as_items items;
    as_results r;
    int rc = as_batch_pick(&items, p->items, p->rows, p->n_rows, p->arena, p->err);
    if (rc == 0)
        rc = as_results_init(&r, p->n_rows, p->arena, p->err);
    if (rc < 0)
        return rc;
    rc = run(p, &items, &r);
    int spread = as_batch_spread(p->out, &r, p->rows, p->n_rows,
                                 p->err); /* also what a cancelled run reached */
    if (rc == 0)
        rc = spread;
    if (rc == 0 && p->keys)
        as_cache_put(p->s->options.cache, p->keys, p->out, p->rows, p->n_rows);
    return rc;
}

static int copy_duplicates(const struct plan *p)
{
    for (uint32_t i = 0; i < p->items->n; i++) {
        if (p->first[i] == i)
            continue;
        if (as_batch_copy_row(p->out, i, p->out, p->first[i]) < 0)
            return as_fail(p->err, AS_ENOMEM, "scoring %u items: out of memory", p->items->n);
        p->out->cached[i] = p->out->verdict[i] != ASSAY_UNSET;
    }
    return 0;
}

int as_scorer_score(as_scorer *s, const as_items *items, uint32_t want, as_arena *arena,
                    as_results *out, as_err *err)
{
    int rc = as_results_init(out, items->n, arena, err);
    if (rc < 0)
        return rc;
    struct plan p = {
        .s = s, .items = items, .want = want, .arena = arena, .out = out, .err = err
    };
    atomic_fetch_add_explicit(&s->n_calls, 1, memory_order_relaxed);
    atomic_fetch_add_explicit(&s->n_items, items->n, memory_order_relaxed);
    rc = plan_make(&p);
    if (rc < 0)
        return rc;
    rc = p.rows ? run_picked(&p) : run(&p, items, out);
    int copied = p.first ? copy_duplicates(&p) : 0;
    return rc < 0 ? rc : copied;
}

int as_scorer_extract(as_scorer *s, const as_items *items, as_arena *arena, as_results *out,
                      as_err *err)
{
    int rc = as_results_init(out, items->n, arena, err);
    if (rc < 0)
        return rc;
    if (!s->votes)
        return as_fail(err, AS_EPLUGIN,
                       "verifier \"%s\" cannot vote: it does not offer %s (`assay plugin list` "
                       "shows which do)",
                       s->info.id, ASSAY_EXT_ANSWER);
    return as_run_items(s, AS_ACT_EXTRACT, items, 0, out, NULL, err);
}

int as_scorer_same(as_scorer *s, as_str a, as_str b)
{
    as_seat *seat = NULL;
    if (!s->votes)
        return AS_EPLUGIN;
    int rc = as_seat_take(s, AS_ACT_EXTRACT, &seat, NULL);
    if (rc < 0)
        return rc;
    rc = seat->same(seat, a, b);
    as_seat_give(s, seat);
    return rc;
}
