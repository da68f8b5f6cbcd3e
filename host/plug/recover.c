/* recover.c -- runs items through seats in ranges, and when a whole call fails finds the one that
 * caused it.
 *
 * A verifier that died, hung, wrote to stdout or gave up leaves a range in doubt. Where the shared
 * verdict column hints at the first unfinished item, that item (or group) is tried alone first; if
 * it fails again, it was the cause, and the rest runs as ranges. If it does not, the hint was
 * wrong, and the rest runs one by one. So one hanging item costs two time-outs, and no item is
 * blamed for what another did: a lone failure on a used worker is tried again on a fresh one.
 * SPDX-License-Identifier: Apache-2.0 */
#include "base/clock.h"
#include "plug/scorer_priv.h"

enum { MAX_STRIKES = 3 }; /* failures of a range before its items run one by one */

struct run {
    as_scorer *s;
    as_act act;
    const as_items *items;
    uint32_t want;
    as_results *r;
    bool *settled;
    as_seat *seat;
    int cancelled; /* the code, once it happened */
};

static bool is_whole(const struct run *x)
{
    return x->s->info.flags & ASSAY_F_NEEDS_GROUP;
}

/* A unit is what cannot be split: an item, or a group where the verifier needs it whole. */
static uint32_t unit_end(const struct run *x, uint32_t lo)
{
    uint32_t hi = lo + 1;
    while (is_whole(x) && hi < x->items->n && x->items->group[hi] == x->items->group[lo])
        hi++;
    return hi;
}

static uint32_t unit_start(const struct run *x, uint32_t at, uint32_t floor)
{
    while (is_whole(x) && at > floor && x->items->group[at - 1] == x->items->group[at])
        at--;
    return at;
}

static void call_seat(struct run *x, uint32_t lo, uint32_t hi, as_outcome *o)
{
    x->cancelled = as_cancel_why(x->s->options.cancel);
    if (x->cancelled) { /* while items run one by one, nobody else looks */
        o->fate = AS_FATE_CANCELLED;
        return;
    }
    int64_t start = as_now_ns();
    x->seat->call(x->seat, x->act, x->items, lo, hi, x->want, x->r, o);
    int64_t spent = as_now_ns() - start;
    atomic_fetch_add_explicit(&x->s->busy_ns, (uint64_t)spent, memory_order_relaxed);
    float ms = (float)((double)spent / 1e6 / (double)(hi - lo));
    for (uint32_t i = lo; i < hi; i++)
        x->r->ms[i] = ms;
    if (o->fate == AS_FATE_CANCELLED)
        x->cancelled =
            as_cancel_why(x->s->options.cancel) ? as_cancel_why(x->s->options.cancel) : AS_EINTR;
}

static void fail_rows(struct run *x, uint32_t lo, uint32_t hi, const char *why)
{
    for (uint32_t i = lo; i < hi; i++) {
        as_results_fail(x->r, i, why);
        if (x->settled)
            x->settled[i] = true;
    }
}

static bool is_lost(const as_outcome *o)
{
    return o->fate == AS_FATE_DIED || o->fate == AS_FATE_HUNG || o->fate == AS_FATE_DIRTY;
}

/* One unit alone: it gets its verdict, or ERROR with the reason. */
static bool run_unit(struct run *x, uint32_t lo, uint32_t hi, bool hung_before)
{
    for (;;) {
        as_outcome o = { .fate = AS_FATE_DONE };
        as_rows_reset(x->r, lo, hi);
        call_seat(x, lo, hi, &o);
        if (x->cancelled)
            return false;
        if (o.fate == AS_FATE_DONE) {
            as_rows_check(x->s, x->act, x->items, x->r, lo, hi, &o);
            return o.status >= 0;
        }
        bool is_final = o.fresh || o.fate == AS_FATE_BROKEN || o.fate == AS_FATE_DIRTY ||
                        (o.fate == AS_FATE_HUNG && hung_before);
        if (is_final) {
            fail_rows(x, lo, hi, o.why);
            return false;
        }
        hung_before = o.fate == AS_FATE_HUNG;
    }
}

static void run_units(struct run *x, uint32_t lo, uint32_t hi, bool hung_before)
{
    for (uint32_t end = lo; lo < hi && !x->cancelled; lo = end) {
        end = unit_end(x, lo);
        (void)run_unit(x, lo, end, hung_before);
    }
}

/* The next run of rows without verdict, widened to whole units. */
static bool next_unset(const struct run *x, uint32_t *lo, uint32_t *hi, uint32_t floor,
                       uint32_t end)
{
    uint32_t a = *hi;
    while (a < end && x->r->verdict[a] != ASSAY_UNSET)
        a++;
    if (a >= end)
        return false;
    uint32_t b = a;
    while (b < end && x->r->verdict[b] == ASSAY_UNSET)
        b++;
    *lo = unit_start(x, a, floor);
    *hi = is_whole(x) ? unit_end(x, b - 1) : b;
    return true;
}

static void run_range(struct run *x, uint32_t lo, uint32_t hi, unsigned strikes);

/* Deeper by one with each strike, of which there are few. */
static void split(/* NOLINT(misc-no-recursion) */
                  struct run *x, uint32_t lo, uint32_t hi, const as_outcome *o, unsigned strikes)
{
    bool has_hint = o->fate != AS_FATE_DIRTY && strikes < MAX_STRIKES && o->first_unset >= lo &&
                    o->first_unset < hi;
    bool hung = o->fate == AS_FATE_HUNG;
    if (has_hint) {
        uint32_t a = unit_start(x, o->first_unset, lo);
        has_hint = !run_unit(x, a, unit_end(x, a), hung);
    }
    uint32_t a = lo, b = lo;
    while (!x->cancelled && next_unset(x, &a, &b, lo, hi)) {
        if (has_hint)
            run_range(x, a, b, strikes + 1);
        else
            run_units(x, a, b, hung);
    }
}

static bool has_unset(const struct run *x, uint32_t lo, uint32_t hi)
{
    for (uint32_t i = lo; i < hi; i++) {
        if (x->r->verdict[i] == ASSAY_UNSET)
            return true;
    }
    return false;
}

static void run_range(/* NOLINT(misc-no-recursion) */
                      struct run *x, uint32_t lo, uint32_t hi, unsigned strikes)
{
    if (unit_end(x, lo) >= hi) {
        (void)run_unit(x, lo, hi, false);
        return;
    }
    as_outcome o = { .fate = AS_FATE_DONE };
    if (strikes)
        as_rows_reset(x->r, lo, hi); /* a group may have been done in part */
    call_seat(x, lo, hi, &o);
    if (x->cancelled)
        return;
    if (o.fate == AS_FATE_BROKEN) {
        fail_rows(x, lo, hi, o.why);
    } else if (is_lost(&o)) {
        as_rows_reset(x->r, lo, hi);
        split(x, lo, hi, &o, strikes);
    } else if (o.status < 0 && has_unset(x, lo, hi)) {
        split(x, lo, hi, &o, strikes);
        if (!x->cancelled) /* what it did not come to is no error */
            as_rows_check(x->s, x->act, x->items, x->r, lo, hi, &o);
    } else {
        as_rows_check(x->s, x->act, x->items, x->r, lo, hi, &o);
    }
}

static size_t item_bytes(const as_items *items, uint32_t i)
{
    return items->prompt[i].len + items->completion[i].len + items->reference[i].len +
           items->meta[i].len;
}

static uint32_t range_end(const struct run *x, uint32_t lo)
{
    uint32_t hi = lo, n = x->items->n;
    uint32_t end = n - lo > x->s->range ? lo + x->s->range : n;
    size_t bytes = 0;
    if (x->s->is_inproc)
        return is_whole(x) ? unit_end(x, end - 1) : end;
    while (hi < end && (hi == lo || bytes < RANGE_BYTES)) {
        uint32_t next = unit_end(x, hi);
        for (; hi < next; hi++)
            bytes += item_bytes(x->items, hi);
    }
    return hi;
}

/* What a cancelled call left half done is neither a verdict nor an error. */
static void forget_unchecked(struct run *x, uint32_t lo)
{
    as_outcome none = { .fate = AS_FATE_DONE };
    for (uint32_t i = lo; i < x->items->n; i++) {
        if (x->r->verdict[i] != ASSAY_UNSET)
            as_rows_check(x->s, x->act, x->items, x->r, i, i + 1, &none);
    }
}

int as_run_items(as_scorer *s, as_act act, const as_items *items, uint32_t want, as_results *r,
                 bool *settled, as_err *err)
{
    struct run x = { .s = s, .act = act, .items = items, .want = want, .r = r };
    x.settled = settled;
    for (uint32_t lo = 0, hi = 0; lo < items->n; lo = hi) {
        int rc = as_cancel_check(s->options.cancel, err);
        if (rc < 0)
            return rc;
        hi = range_end(&x, lo);
        rc = as_seat_take(s, act, &x.seat, err);
        if (rc < 0)
            return rc;
        run_range(&x, lo, hi, 0);
        as_seat_give(s, x.seat);
        if (x.cancelled) {
            forget_unchecked(&x, lo);
            (void)as_cancel_check(s->options.cancel, err);
            return as_fail(err, x.cancelled, "scoring was interrupted");
        }
    }
    return 0;
}
